/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that hears itself: what is played comes back as what is recorded.
 *
 * One clock ticks for all streams, in blocks of one length. At each tick the playback block is
 * taken first, put into the line, and what left the line at the same time goes to every capture
 * stream: the way takes the line's length to the frame, always. All streams have one
 * format, that of the first; the connector converts for the others. All on the lane. */
#include "backends/loop.h"

#include <stdlib.h>
#include <string.h>

#include "base/rate.h"

#define STREAMS_MAX  64u
#define DELAY_MS_MAX 2000u

/* A block is at most so long: short beside what any guest keeps ready. */
#define BLOCK_MS_MAX 5u

/* Blocks of one advance, so that a lane that comes very late still gets round to its other work. */
#define BLOCKS_MAX 4096u

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream *next; /* in the order they were opened */
	enum vmsnd_dir dir;
	struct vmsnd_stream_user user;
	void *ctx;
	vmsnd_ns since; /* when it was started */
	bool running;
	bool stale; /* the format is another one now; waits for being opened anew */
};

struct vmsnd_backend {
	uint32_t delay_ms;
	struct vmsnd_stream *streams;
	struct vmsnd_stream *heard; /* the playback stream that goes into the line */
	/* of all streams that are not stale; a block of 0 frames: not settled yet */
	struct vmsnd_format format;
	uint32_t frame_bytes, block_frames;
	struct vmsnd_block_clock clock;
	unsigned char *block; /* one, for whoever has its turn */
	unsigned char *line;  /* a ring */
	uint32_t line_frames, delay_frames;
	uint32_t in_at; /* where the next frame goes */
};

static const struct vmsnd_option options[] = {
    {"delay-ms", VMSND_OPTION_UINT, "0", "how long the way from playing to recording takes, in ms",
     0, DELAY_MS_MAX},
    {.key = NULL}};

/* ---- the line ---- */

static void line_free(struct vmsnd_backend *host)
{
	free(host->block);
	free(host->line);
	host->block = host->line = NULL;
	host->block_frames = 0;
}

/* Silence as long as the delay, and room for one block. */
static enum vmsnd_rc line_make(struct vmsnd_backend *host, const struct vmsnd_stream_want *want)
{
	uint32_t rate_hz = want->format.rate_hz, most = rate_hz * BLOCK_MS_MAX / 1000;
	uint32_t block = want->period_frames < most ? want->period_frames : most;
	uint32_t delay = (uint32_t)((uint64_t)host->delay_ms * rate_hz / 1000);

	line_free(host);
	block += block == 0;
	host->format = want->format;
	host->frame_bytes = vmsnd_format_frame_bytes(&want->format);
	host->line_frames = delay + block;
	host->delay_frames = delay;
	host->in_at = 0;
	host->block = malloc((size_t)block * host->frame_bytes);
	host->line = malloc((size_t)host->line_frames * host->frame_bytes);
	if (!host->block || !host->line) {
		line_free(host);
		return VMSND_E_NOMEM;
	}
	host->block_frames = block;
	vmsnd_format_silence_rt(&host->format, host->line, host->line_frames);
	vmsnd_block_clock_init(&host->clock, rate_hz, block, 1);
	return VMSND_OK;
}

/* Copies a block between `block` and the line, from place `at` on and round its end. */
static void line_copy(struct vmsnd_backend *host, uint32_t at, bool into)
{
	uint32_t left = host->block_frames, done = 0;

	while (left > 0) {
		uint32_t piece = host->line_frames - at < left ? host->line_frames - at : left;
		unsigned char *line = host->line + (size_t)at * host->frame_bytes;
		unsigned char *block = host->block + (size_t)done * host->frame_bytes;

		memcpy(into ? line : block, into ? block : line, (size_t)piece * host->frame_bytes);
		at = (at + piece) % host->line_frames;
		done += piece;
		left -= piece;
	}
}

/* ---- the class ---- */
static enum vmsnd_rc loop_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));

	if (!host)
		return VMSND_E_NOMEM;
	host->delay_ms = (uint32_t)vmsnd_conf_uint(conf->options, "delay-ms");
	*out = host;
	return VMSND_OK;
}

static void loop_close(struct vmsnd_backend *host)
{
	line_free(host);
	free(host);
}

static bool any_runs(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	const struct vmsnd_stream *at = host->streams;

	while (at && (at->dir != dir || !at->running))
		at = at->next;
	return at != NULL;
}

/* A stream that is only kept open does not hold the others to its format. */
static enum vmsnd_rc settle_format(struct vmsnd_backend *host, const struct vmsnd_stream_want *want)
{
	if (host->block_frames > 0 &&
	    (vmsnd_format_equal(&host->format, &want->format) || any_runs(host, VMSND_PLAYBACK) ||
	     any_runs(host, VMSND_CAPTURE)))
		return VMSND_OK;
	for (struct vmsnd_stream *at = host->streams; at; at = at->next) {
		if (!at->stale)
			at->user.notice(at->ctx, VMSND_STREAM_REOPEN);
		at->stale = true;
	}
	return line_make(host, want);
}

static void append(struct vmsnd_backend *host, struct vmsnd_stream *stream)
{
	struct vmsnd_stream **at = &host->streams;

	while (*at)
		at = &(*at)->next;
	*at = stream;
}

static unsigned count(const struct vmsnd_backend *host)
{
	unsigned n = 0;

	for (const struct vmsnd_stream *at = host->streams; at; at = at->next)
		n++;
	return n;
}

static enum vmsnd_rc loop_stream_open(struct vmsnd_backend *host,
				      const struct vmsnd_stream_want *want,
				      const struct vmsnd_stream_user *user, void *ctx,
				      struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream;
	enum vmsnd_rc rc;

	if (vmsnd_format_frame_bytes(&want->format) == 0)
		return VMSND_E_UNSUPPORTED;
	if (count(host) >= 2 * STREAMS_MAX)
		return VMSND_E_NOMEM;
	stream = calloc(1, sizeof(*stream));
	rc = stream ? settle_format(host, want) : VMSND_E_NOMEM;
	if (rc) {
		free(stream);
		return rc;
	}
	stream->host = host;
	stream->dir = want->dir;
	stream->user = *user;
	stream->ctx = ctx;
	append(host, stream);
	*got = (struct vmsnd_stream_got){.format = host->format,
					 .period_frames = host->block_frames,
					 .max_frames = host->block_frames};
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc loop_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	struct vmsnd_backend *host = stream->host;

	if (stream->stale)
		return VMSND_E_GONE;
	if (stream->running)
		return VMSND_OK;
	stream->running = true;
	stream->since = now;
	if (!vmsnd_block_clock_runs(&host->clock))
		vmsnd_block_clock_start(&host->clock, now);
	return VMSND_OK;
}

/* Without a stream that runs there is no time either: what is in the line stays. */
static void loop_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	struct vmsnd_backend *host = stream->host;

	stream->running = false;
	if (host->heard == stream)
		host->heard = NULL;
	if (!any_runs(host, VMSND_PLAYBACK) && !any_runs(host, VMSND_CAPTURE))
		vmsnd_block_clock_stop(&host->clock);
}

static void loop_stream_close(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	struct vmsnd_stream **at = &host->streams;

	loop_stream_stop(stream, 0);
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	free(stream);
	if (!host->streams)
		line_free(host);
}

/* ---- blocks ---- */

/* A stream takes part from the first block on that began after its start. */
static bool takes_part(const struct vmsnd_stream *stream, enum vmsnd_dir dir, vmsnd_ns when)
{
	const struct vmsnd_backend *host = stream->host;

	return stream->dir == dir && stream->running &&
	       when >=
		   stream->since + vmsnd_frames_to_ns_rt(host->block_frames, host->format.rate_hz);
}

/* One is heard until it stops; what others play meanwhile goes nowhere. */
static void play(struct vmsnd_backend *host, struct vmsnd_block *block)
{
	for (struct vmsnd_stream *at = host->streams; at; at = at->next) {
		if (!takes_part(at, VMSND_PLAYBACK, block->when))
			continue;
		at->user.block_rt(at->ctx, block);
		if (!host->heard)
			host->heard = at;
		if (host->heard == at)
			line_copy(host, host->in_at, true);
	}
	if (host->heard)
		return;
	vmsnd_format_silence_rt(&host->format, host->block, host->block_frames);
	line_copy(host, host->in_at, true);
}

static void record(struct vmsnd_backend *host, struct vmsnd_block *block)
{
	uint32_t out_at =
	    (host->in_at + host->line_frames - host->delay_frames) % host->line_frames;

	for (struct vmsnd_stream *at = host->streams; at; at = at->next) {
		if (!takes_part(at, VMSND_CAPTURE, block->when))
			continue;
		line_copy(host, out_at, false);
		at->user.block_rt(at->ctx, block);
	}
}

static void move_block(struct vmsnd_backend *host, vmsnd_ns when)
{
	struct vmsnd_block block = {
	    .samples = host->block, .frames = host->block_frames, .when = when};

	block.delay_frames = host->delay_frames;
	play(host, &block);
	block.delay_frames = 0;
	record(host, &block);
	host->in_at = (host->in_at + host->block_frames) % host->line_frames;
}

static vmsnd_ns loop_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	for (unsigned n = 0; n < BLOCKS_MAX; n++) {
		vmsnd_ns when = vmsnd_block_clock_next(&host->clock);

		if (when == VMSND_NEVER || !vmsnd_block_clock_tick(&host->clock, now))
			break;
		move_block(host, when);
	}
	return vmsnd_block_clock_next(&host->clock);
}

static void loop_limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out)
{
	*out = (struct vmsnd_backend_limits){STREAMS_MAX, STREAMS_MAX};
}

static enum vmsnd_backend_status loop_status(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	return any_runs(host, dir) ? VMSND_BACKEND_RUNNING : VMSND_BACKEND_STOPPED;
}

const struct vmsnd_backend_class vmsnd_loop_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .name = "loop",
    .summary = "what is played is recorded, bit for bit, in real time",
    .options = options,
    .open = loop_open,
    .close = loop_close,
    .stream_open = loop_stream_open,
    .stream_start = loop_stream_start,
    .stream_stop = loop_stream_stop,
    .stream_close = loop_stream_close,
    .advance = loop_advance,
    .limits = loop_limits,
    .status = loop_status,
};
