/* SPDX-License-Identifier: BSD-3-Clause */
/* Cutting a stream of bytes into JSON objects. */
#include "control/frame.h"

static bool is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* These occur nowhere in JSON; clients send one to say: forget what I began. */
static bool is_reset(unsigned char c)
{
	return (c < ' ' && !is_space(c)) || c >= 0xfe;
}

/* Nothing has begun. */
static enum vmsnd_frame_got outside(struct vmsnd_frame *frame, unsigned char c)
{
	/* What follows rubbish on its line is not believed, even if it looks like a request. */
	if (frame->skipping) {
		frame->skipping = c != '\n' && !is_reset(c);
		return VMSND_FRAME_MORE;
	}
	if (c == '{' || c == '[') {
		frame->depth = 1;
		return VMSND_FRAME_MORE;
	}
	return is_space(c) ? VMSND_FRAME_MORE : VMSND_FRAME_BAD;
}

static enum vmsnd_frame_got in_text(struct vmsnd_frame *frame, unsigned char c)
{
	if (c < ' ' || c >= 0xfe)
		return VMSND_FRAME_BAD;
	if (frame->escape)
		frame->escape = false;
	else if (c == '\\')
		frame->escape = true;
	else if (c == '"')
		frame->text = false;
	return VMSND_FRAME_MORE;
}

static enum vmsnd_frame_got inside(struct vmsnd_frame *frame, unsigned char c)
{
	if (frame->text)
		return in_text(frame, c);
	if (is_reset(c))
		return VMSND_FRAME_BAD;
	if (c == '"')
		frame->text = true;
	if (c == '{' || c == '[')
		return ++frame->depth > VMSND_FRAME_DEPTH_MAX ? VMSND_FRAME_DEEP : VMSND_FRAME_MORE;
	if (c == '}' || c == ']')
		return --frame->depth == 0 ? VMSND_FRAME_VALUE : VMSND_FRAME_MORE;
	return VMSND_FRAME_MORE;
}

enum vmsnd_frame_got vmsnd_frame_next(struct vmsnd_frame *frame, const char *data, size_t bytes,
				      size_t *from, size_t *to)
{
	/* What has begun stands at the front: everything before it was dropped. */
	*from = 0;
	while (frame->at < bytes) {
		unsigned char c = (unsigned char)data[frame->at];
		bool began = frame->depth > 0;
		enum vmsnd_frame_got got = began ? inside(frame, c) : outside(frame, c);

		if (!began && frame->depth > 0)
			*from = frame->at;
		*to = ++frame->at;
		if (got == VMSND_FRAME_BAD) {
			frame->skipping = c != '\n' && !is_reset(c);
			frame->depth = 0;
			frame->text = frame->escape = false;
		}
		if (got != VMSND_FRAME_MORE)
			return got;
	}
	if (frame->depth == 0)
		*from = frame->at;
	return VMSND_FRAME_MORE;
}

void vmsnd_frame_drop(struct vmsnd_frame *frame, size_t bytes)
{
	frame->at -= bytes;
}
