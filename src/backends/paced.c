/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams that the lane's clock drives: the part null and file share. */
#include "backends/paced.h"

#include <stdlib.h>
#include <string.h>

/* Blocks one stream moves in one advance, so that a lane that comes very late still gets
 * round to its other work. The rest follows at the next call. */
#define BLOCKS_MAX 4096u
/* Streams that are due so shortly after each other are moved together: their lane wakes up once
 * for all of them. A block is late by less than that; from block to block nothing changes. */
#define TOGETHER_NS UINT64_C(750000)

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
	if (value < low)
		return low;
	return value < high ? value : high;
}

enum vmsnd_rc vmsnd_paced_pace_parse(const char *text, uint32_t *speed)
{
	uint32_t value = 0;

	if (text && strcmp(text, "real") == 0)
		return *speed = 1, VMSND_OK;
	if (text && strcmp(text, "free") == 0)
		return *speed = VMSND_PACED_FREE, VMSND_OK;
	if (!text || !*text)
		return VMSND_E_INVALID;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return VMSND_E_INVALID;
		value = value * 10 + (uint32_t)(*text - '0');
		if (value > VMSND_PACED_SPEED_MAX)
			return VMSND_E_INVALID;
	}
	*speed = value;
	return value ? VMSND_OK : VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_paced_open(struct vmsnd_paced *host, const struct vmsnd_backend_conf *conf,
			       const char *who)
{
	const char *pace = vmsnd_conf_text(conf->options, "pace");

	if (vmsnd_paced_pace_parse(pace, &host->speed) == VMSND_OK)
		return VMSND_OK;
	vmsnd_logf(conf->again ? NULL : conf->log, VMSND_LOG_ERROR,
		   "%s: pace=%s: it must be real, free or a number from 1 to %u", who,
		   pace ? pace : "", VMSND_PACED_SPEED_MAX);
	return VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_paced_add(struct vmsnd_paced *host, struct vmsnd_paced_stream *stream,
			      const struct vmsnd_stream_want *want,
			      const struct vmsnd_stream_user *user, void *ctx)
{
	if (vmsnd_format_frame_bytes(&want->format) == 0)
		return VMSND_E_UNSUPPORTED;
	if (host->n_streams >= VMSND_PACED_STREAMS_MAX)
		return VMSND_E_NOMEM;
	stream->dir = want->dir;
	stream->format = want->format;
	stream->frame_bytes = vmsnd_format_frame_bytes(&want->format);
	stream->period_frames = clamp(want->period_frames, 1, VMSND_PACED_BLOCK_FRAMES_MAX);
	stream->scratch = malloc((size_t)stream->period_frames * stream->frame_bytes);
	if (!stream->scratch)
		return VMSND_E_NOMEM;
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	stream->follows = want->follow;
	stream->by_clock = host->speed != VMSND_PACED_FREE && !stream->follows;
	vmsnd_block_clock_init(&stream->clock, stream->format.rate_hz, stream->period_frames,
			       host->speed ? host->speed : 1);
	stream->next = host->streams;
	host->streams = stream;
	host->n_streams++;
	return VMSND_OK;
}

void vmsnd_paced_remove(struct vmsnd_paced_stream *stream)
{
	for (struct vmsnd_paced_stream **at = &stream->host->streams; *at; at = &(*at)->next) {
		if (*at != stream)
			continue;
		*at = stream->next;
		stream->host->n_streams--;
		break;
	}
	free(stream->scratch);
	stream->scratch = NULL;
}

struct vmsnd_stream_got vmsnd_paced_got(const struct vmsnd_paced_stream *stream)
{
	return (struct vmsnd_stream_got){.format = stream->format,
					 .period_frames = stream->period_frames,
					 .max_frames = stream->period_frames,
					 .follows = stream->follows};
}

/* ---- what the class' table holds: each struct begins with ours ---- */

static struct vmsnd_paced *paced_of(struct vmsnd_backend *host)
{
	return (struct vmsnd_paced *)(void *)host;
}

static const struct vmsnd_paced *const_paced_of(const struct vmsnd_backend *host)
{
	return (const struct vmsnd_paced *)(const void *)host;
}

static void stop(struct vmsnd_paced_stream *stream)
{
	stream->running = false;
	vmsnd_block_clock_stop(&stream->clock);
}

enum vmsnd_rc vmsnd_paced_start(struct vmsnd_stream *ours, vmsnd_ns now)
{
	struct vmsnd_paced_stream *stream = (struct vmsnd_paced_stream *)(void *)ours;

	if (stream->running || stream->ended)
		return VMSND_OK;
	stream->running = true;
	vmsnd_block_clock_start(&stream->clock, now);
	return VMSND_OK;
}

void vmsnd_paced_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stop((struct vmsnd_paced_stream *)(void *)stream);
}

void vmsnd_paced_limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out)
{
	*out = (struct vmsnd_backend_limits){VMSND_PACED_STREAMS_MAX, VMSND_PACED_STREAMS_MAX};
}

enum vmsnd_backend_status vmsnd_paced_status(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	const struct vmsnd_paced_stream *at = const_paced_of(host)->streams;

	while (at && (at->dir != dir || !at->running))
		at = at->next;
	return at ? VMSND_BACKEND_RUNNING : VMSND_BACKEND_STOPPED;
}

/* ---- blocks ---- */

static enum vmsnd_rc move_block(struct vmsnd_paced_stream *stream, uint32_t frames, vmsnd_ns when)
{
	struct vmsnd_block block = {.samples = stream->scratch, .frames = frames, .when = when};
	enum vmsnd_rc rc;

	if (stream->dir == VMSND_PLAYBACK) {
		stream->user.block_rt(stream->ctx, &block);
		return stream->host->move(stream, stream->scratch, frames);
	}
	rc = stream->host->move(stream, stream->scratch, frames);
	if (!rc)
		stream->user.block_rt(stream->ctx, &block);
	return rc;
}

/* By the clock: whole periods, each at its own time. */
static enum vmsnd_rc advance_clock(struct vmsnd_paced_stream *stream, vmsnd_ns now, vmsnd_ns *next)
{
	enum vmsnd_rc rc = VMSND_OK;

	for (unsigned n = 0; !rc && n < BLOCKS_MAX; n++) {
		vmsnd_ns when = vmsnd_block_clock_next(&stream->clock);

		if (!vmsnd_block_clock_tick(&stream->clock, now))
			break;
		rc = move_block(stream, stream->period_frames, when);
	}
	*next = vmsnd_block_clock_next(&stream->clock);
	return rc;
}

/* Freely: what is ready, once round; `now` asks for another round. */
static enum vmsnd_rc advance_free(struct vmsnd_paced_stream *stream, vmsnd_ns now, vmsnd_ns *next)
{
	uint32_t ready = stream->user.ready_rt(stream->ctx), left = ready;
	enum vmsnd_rc rc = VMSND_OK;

	while (!rc && left > 0) {
		uint32_t frames = left < stream->period_frames ? left : stream->period_frames;

		rc = move_block(stream, frames, now);
		left -= frames;
	}
	*next = ready ? now : VMSND_NEVER;
	return rc;
}

/* `stream` may be gone when this returns: its owner may close it from `ended`. */
static vmsnd_ns advance_stream(struct vmsnd_paced_stream *stream, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;
	enum vmsnd_rc rc;

	if (!stream->running)
		return VMSND_NEVER;
	rc =
	    stream->by_clock ? advance_clock(stream, now, &next) : advance_free(stream, now, &next);
	if (!rc)
		return next;
	stop(stream);
	stream->ended = true;
	stream->user.ended(stream->ctx, rc);
	return VMSND_NEVER;
}

/* The last one that is due together with the first. */
static vmsnd_ns together(const struct vmsnd_paced *host, vmsnd_ns first)
{
	vmsnd_ns last = first;

	for (const struct vmsnd_paced_stream *at = host->streams; at; at = at->next) {
		vmsnd_ns due = vmsnd_block_clock_next(&at->clock);

		if (at->running && at->by_clock && due > last && due - first < TOGETHER_NS)
			last = due;
	}
	return last;
}

vmsnd_ns vmsnd_paced_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	for (struct vmsnd_paced_stream *at = paced_of(host)->streams, *after; at; at = after) {
		vmsnd_ns due;

		after = at->next;
		due = advance_stream(at, now);
		if (due < next)
			next = due;
	}
	return next == VMSND_NEVER || next <= now ? next : together(paced_of(host), next);
}
