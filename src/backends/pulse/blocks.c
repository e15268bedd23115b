/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks between the connector and the server. All of this runs on the loop's thread, in callbacks
 * of libpulse, which does what it likes there; block_rt is called with memory that is ready. */
#include <string.h>
#include <time.h>

#include "backends/pulse/host.h"

vmsnd_ns pulse_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (vmsnd_ns)now.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)now.tv_nsec;
}

/* From what is written next to the speaker, or from the microphone to what is read next. The
 * server's figure is below 0 for a monitor that runs ahead of its sink; before the first one has
 * come a queue is as long as was asked for. */
uint32_t pulse_latency_frames(const struct vmsnd_stream *stream)
{
	pa_usec_t latency_us = 0;
	int negative = 0;
	uint64_t frames;

	if (pa_stream_get_latency(stream->pulse, &latency_us, &negative) < 0)
		return stream->dir == VMSND_PLAYBACK ? stream->max_frames : 0;
	if (negative)
		return 0;
	frames = latency_us * stream->format.rate_hz / PA_USEC_PER_SEC;
	return frames < UINT32_MAX / 2 ? (uint32_t)frames : UINT32_MAX / 2;
}

static void call(struct vmsnd_stream *stream, void *samples, uint32_t frames, uint32_t delay_frames)
{
	const struct vmsnd_block block = {.samples = samples,
					  .frames = frames,
					  .delay_frames = delay_frames,
					  .when = pulse_now_ns(),
					  .gap = stream->gap};

	stream->gap = false;
	stream->moved = true;
	stream->user.block_rt(stream->ctx, &block);
}

/* ---- playback ---- */

/* The server's memory for at most `most` frames; how many there are, 0 for none. */
static uint32_t begin(struct vmsnd_stream *stream, uint32_t most, void **samples)
{
	size_t bytes = (size_t)most * stream->frame_bytes;

	if (most == 0 || pa_stream_begin_write(stream->pulse, samples, &bytes) < 0 || !*samples)
		return 0;
	if (bytes / stream->frame_bytes < most)
		most = (uint32_t)(bytes / stream->frame_bytes);
	if (most == 0)
		pa_stream_cancel_write(stream->pulse);
	return most;
}

static bool end(struct vmsnd_stream *stream, void *samples, uint32_t frames)
{
	return pa_stream_write(stream->pulse, samples, (size_t)frames * stream->frame_bytes, NULL,
			       0, PA_SEEK_RELATIVE) == 0;
}

static uint32_t writable_frames(const struct vmsnd_stream *stream)
{
	size_t bytes = pa_stream_writable_size(stream->pulse);

	return bytes == (size_t)-1 ? 0 : (uint32_t)(bytes / stream->frame_bytes);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The server wants a queue as long as the latency before it begins. The guest has no more ready
 * than its next blocks: taken at once they would be followed by a hole. So silence comes first,
 * which is no later for the guest's sound: it would wait as long behind its like. */
static void prime(struct vmsnd_stream *stream)
{
	uint32_t left = writable_frames(stream);

	stream->primed = true;
	while (left > 0) {
		void *samples;
		uint32_t frames = begin(stream, left, &samples);

		if (frames == 0)
			return;
		vmsnd_format_silence_rt(&stream->format, samples, frames);
		if (!end(stream, samples, frames))
			return;
		left -= frames;
	}
}

static void play(struct vmsnd_stream *stream)
{
	uint32_t left = writable_frames(stream);

	while (left > 0) {
		void *samples;
		uint32_t frames = begin(stream, least(left, stream->max_frames), &samples);

		if (frames == 0)
			return;
		call(stream, samples, frames, pulse_latency_frames(stream) + frames);
		if (!end(stream, samples, frames))
			return;
		left -= frames;
	}
}

/* ---- capture ---- */

/* The server's figure is that of the first frame of what it hands over; the others are younger. */
static uint32_t age_frames(const struct vmsnd_stream *stream, uint32_t later)
{
	uint32_t first = pulse_latency_frames(stream);

	return first > later ? first - later : 0;
}

/* Copied, because drivers change a block in place. A hole has a length and no samples. */
static void record_piece(struct vmsnd_stream *stream, const void *data, size_t bytes)
{
	const unsigned char *from = data;
	uint32_t all = (uint32_t)(bytes / stream->frame_bytes), done = 0;

	stream->gap |= !data && stream->moved;
	while (done < all) {
		uint32_t frames = least(all - done, stream->max_frames);
		size_t at = (size_t)done * stream->frame_bytes;

		if (from)
			memcpy(stream->scratch, from + at, (size_t)frames * stream->frame_bytes);
		else
			vmsnd_format_silence_rt(&stream->format, stream->scratch, frames);
		done += frames;
		call(stream, stream->scratch, frames, age_frames(stream, done));
	}
}

static void record(struct vmsnd_stream *stream)
{
	const void *data;
	size_t bytes;

	while (pa_stream_readable_size(stream->pulse) + 1 > 1 &&
	       pa_stream_peek(stream->pulse, &data, &bytes) == 0 && bytes > 0) {
		record_piece(stream, data, bytes);
		pa_stream_drop(stream->pulse);
	}
}

void pulse_blocks_move(struct vmsnd_stream *stream)
{
	if (!stream->running || stream->draining)
		return;
	if (stream->dir == VMSND_CAPTURE)
		record(stream);
	else if (stream->primed)
		play(stream);
	else
		prime(stream);
}
