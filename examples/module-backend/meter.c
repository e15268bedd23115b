/* SPDX-License-Identifier: BSD-3-Clause */
/* A module with one backend, "meter": nobody hears it, but it says how loud the guest plays.
 *
 * It is a place to begin: it has all that a playback backend has to have, and no more. The lane's
 * clock drives it (advance), so it needs no thread; a backend with a sound card calls block_rt from
 * the card's own thread instead and leaves advance out. The contract is in vmsnd/backend.h. */
#include <math.h>
#include <stdlib.h>
#include <vmsnd/module.h>

#define BLOCKS_MAX 64u /* in one call of advance */

struct vmsnd_stream {
	struct vmsnd_stream *next;
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	uint32_t rate_hz, channels, period_frames;
	int16_t *samples; /* one period */
	bool running;
	vmsnd_ns start;  /* of the time that is counted ... */
	uint64_t frames; /* ... in frames */
	uint64_t next_line;
	int peak;
};

struct vmsnd_backend {
	const struct vmsnd_log *log;
	uint64_t every_ms;
	struct vmsnd_stream *streams;
};

static const struct vmsnd_option options[] = {
    {"every", VMSND_OPTION_UINT, "1000", "milliseconds from one line to the next", 10, 60000},
    {.key = NULL},
};

static enum vmsnd_rc meter_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));

	if (!host)
		return VMSND_E_NOMEM;
	host->log = conf->log;
	host->every_ms = vmsnd_conf_uint(conf->options, "every");
	*out = host;
	return VMSND_OK;
}

static void meter_close(struct vmsnd_backend *host)
{
	free(host);
}

static void meter_limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out)
{
	(void)host;
	*out = (struct vmsnd_backend_limits){.playback_streams = VMSND_STREAMS_ANY};
}

/* Any rate and number of channels will do; samples have to be S16, and vmsnd converts. */
static enum vmsnd_rc meter_stream_open(struct vmsnd_backend *host,
				       const struct vmsnd_stream_want *want,
				       const struct vmsnd_stream_user *user, void *ctx,
				       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream;
	uint32_t period = want->period_frames;

	if (want->dir != VMSND_PLAYBACK)
		return VMSND_E_UNSUPPORTED;
	period = period < 64 ? 64 : period > 8192 ? 8192 : period;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return VMSND_E_NOMEM;
	stream->samples = calloc((size_t)period * want->format.channels, sizeof(int16_t));
	if (!stream->samples) {
		free(stream);
		return VMSND_E_NOMEM;
	}
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	stream->rate_hz = want->format.rate_hz;
	stream->channels = want->format.channels;
	stream->period_frames = period;
	stream->next = host->streams;
	host->streams = stream;
	*got = (struct vmsnd_stream_got){
	    .format = want->format, .period_frames = period, .max_frames = period};
	got->format.sample = VMSND_SAMPLE_S16;
	got->format.big_endian = false;
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc meter_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = true;
	stream->start = now;
	stream->frames = stream->next_line = 0;
	return VMSND_OK;
}

static void meter_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	(void)now;
	stream->running = false;
}

static void meter_stream_close(struct vmsnd_stream *stream)
{
	struct vmsnd_stream **at = &stream->host->streams;

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	free(stream->samples);
	free(stream);
}

/* A block is due once its time is over. */
static vmsnd_ns due(const struct vmsnd_stream *stream)
{
	uint64_t frames = stream->frames + stream->period_frames;

	return stream->start + frames / stream->rate_hz * 1000000000u +
	       frames % stream->rate_hz * 1000000000u / stream->rate_hz;
}

static void move_block(struct vmsnd_stream *stream)
{
	const struct vmsnd_block block = {
	    .samples = stream->samples, .frames = stream->period_frames, .when = due(stream)};
	size_t n = (size_t)block.frames * stream->channels;

	stream->user.block_rt(stream->ctx, &block);
	for (size_t i = 0; i < n; i++)
		if (abs(stream->samples[i]) > stream->peak)
			stream->peak = abs(stream->samples[i]);
	stream->frames += block.frames;
	if (stream->frames < stream->next_line)
		return;
	if (stream->peak > 0)
		vmsnd_logf(stream->host->log, VMSND_LOG_INFO, "meter: peak %.1f dB",
			   20.0 * log10(stream->peak / 32768.0));
	stream->peak = 0;
	stream->next_line = stream->frames + stream->host->every_ms * stream->rate_hz / 1000;
}

/* Moves what is due and says when to come again. */
static vmsnd_ns meter_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	for (struct vmsnd_stream *stream = host->streams; stream; stream = stream->next) {
		for (unsigned i = 0; stream->running && i < BLOCKS_MAX && due(stream) <= now; i++)
			move_block(stream);
		if (stream->running && due(stream) < next)
			next = due(stream);
	}
	return next < now ? now : next;
}

static const struct vmsnd_backend_class meter = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .name = "meter",
    .summary = "says in the log how loud the guest plays",
    .options = options,
    .open = meter_open,
    .close = meter_close,
    .limits = meter_limits,
    .stream_open = meter_stream_open,
    .stream_start = meter_start,
    .stream_stop = meter_stop,
    .stream_close = meter_stream_close,
    .advance = meter_advance,
};

VMSND_MODULE_EXPORT vmsnd_module_entry vmsnd_module_register;

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	return to->backend(to->ctx, &meter) ? VMSND_E_INVALID : VMSND_OK;
}
