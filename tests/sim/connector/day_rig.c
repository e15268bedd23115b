/* SPDX-License-Identifier: BSD-3-Clause */
/* Two hosts on clocks of their own, a guest that never tires, and the lane between them. */
#include "day_rig.h"

#include <stdlib.h>
#include <string.h>

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	struct vmsnd_stream_got got;
	bool running;
	vmsnd_ns started, next;
	uint64_t blocks;
	void *scratch;
};

/* ---- hosts ------------------------------------------------------------------------------ */

static void plan(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	double hz = stream->got.format.rate_hz * (1.0 + host->ppm * 1e-6);

	stream->blocks++;
	stream->next = stream->started +
		       (vmsnd_ns)((double)(stream->blocks * stream->got.period_frames) * 1e9 / hz);
	host->seed = host->seed * 1664525u + 1013904223u;
	if (host->jitter_ns)
		stream->next += (host->seed >> 8) % host->jitter_ns;
}

static enum vmsnd_rc day_stream_open(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return VMSND_E_NOMEM;
	*got = (struct vmsnd_stream_got){.format = want->format,
					 .period_frames = host->block_frames,
					 .max_frames = host->block_frames};
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	stream->got = *got;
	stream->scratch =
	    malloc((size_t)host->block_frames * vmsnd_format_frame_bytes(&want->format));
	*out = host->stream = stream;
	return VMSND_OK;
}

static enum vmsnd_rc day_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = true;
	stream->started = now;
	stream->blocks = 0;
	plan(stream);
	return VMSND_OK;
}

static void day_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = false;
}

static void day_stream_close(struct vmsnd_stream *stream)
{
	stream->host->stream = NULL;
	free(stream->scratch);
	free(stream);
}

static vmsnd_ns day_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	struct vmsnd_stream *stream = host->stream;

	if (!stream || !stream->running)
		return VMSND_NEVER;
	while (stream->next <= now) {
		struct vmsnd_block block = {.samples = stream->scratch,
					    .frames = stream->got.period_frames,
					    .when = stream->next};

		stream->user.block_rt(stream->ctx, &block);
		host->hear(host, stream->scratch, block.frames);
		host->frames += block.frames;
		plan(stream);
	}
	return stream->next;
}

static const struct vmsnd_backend_class day_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .name = "day",
    .summary = "clocks that are off",
    .stream_open = day_stream_open,
    .stream_start = day_stream_start,
    .stream_stop = day_stream_stop,
    .stream_close = day_stream_close,
    .advance = day_advance,
};

/* ---- guest and lane ---------------------------------------------------------------------- */

static uint32_t less(uint64_t a, uint32_t b)
{
	return a < b ? (uint32_t)a : b;
}

static void guest_turn(struct day_rig *rig)
{
	uint64_t done = vmsnd_port_done_frames(rig->port);
	uint32_t period = rig->params.period_frames;

	rig->posted = done / period * period + rig->params.buffer_frames;
	while (rig->copied < rig->posted) {
		uint32_t frames = less(rig->posted - rig->copied, vmsnd_port_wanted(rig->port));
		void *at;

		frames = frames ? vmsnd_port_begin(rig->port, frames, &at) : 0;
		if (frames == 0)
			return;
		rig->play(rig, at, rig->copied, frames);
		vmsnd_port_commit(rig->port, frames);
		rig->copied += frames;
	}
}

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static vmsnd_ns advance_hosts(struct day_rig *rig)
{
	vmsnd_ns a = day_advance(&rig->hosts[0], rig->now);

	return earlier(a, day_advance(&rig->hosts[1], rig->now));
}

static void see_fill(struct day_rig *rig)
{
	uint32_t fill = (uint32_t)(rig->copied - vmsnd_port_done_frames(rig->port));

	if (rig->now < rig->settled)
		return;
	rig->fill_min = fill < rig->fill_min ? fill : rig->fill_min;
	rig->fill_max = fill > rig->fill_max ? fill : rig->fill_max;
}

static vmsnd_ns turn(struct day_rig *rig)
{
	vmsnd_ns next;

	advance_hosts(rig);
	vmsnd_port_advance(rig->port, rig->now);
	guest_turn(rig);
	next = vmsnd_port_advance(rig->port, rig->now);
	see_fill(rig);
	return earlier(next, advance_hosts(rig));
}

void day_run(struct day_rig *rig, vmsnd_ns length)
{
	vmsnd_ns to = rig->now + length, next = turn(rig);

	while (next <= to) {
		rig->now = next > rig->now ? next : rig->now;
		next = turn(rig);
	}
	rig->now = to;
	turn(rig);
}

/* ---- life -------------------------------------------------------------------------------- */

static void *zeroed(size_t bytes)
{
	void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);

	if (!at)
		abort();
	memset(at, 0, bytes);
	return at;
}

void day_open(struct day_rig *rig, const struct vmsnd_resampler_class *rates,
	      enum vmsnd_quality quality)
{
	struct vmsnd_port_conf conf = {.dir = VMSND_PLAYBACK, .enabled = true, .env = &rig->env};

	rig->env.rates = rates;
	rig->start = rig->now = UINT64_C(77000000001);
	rig->settled = rig->now + SECOND;
	rig->fill_min = UINT32_MAX;
	rig->port = zeroed(vmsnd_port_footprint());
	for (unsigned i = 0; i < 2; i++)
		rig->rings[i] = zeroed(VMSND_PORT_RING_BYTES);
	conf.ring_storage = rig->rings[0];
	vmsnd_port_init(rig->port, &conf);
	for (unsigned i = 0; i < 2; i++) {
		struct vmsnd_lun_conf lun = {.backend = &day_class,
					     .host = &rig->hosts[i],
					     .prefs = {.sample = VMSND_SAMPLE_COUNT,
						       .prebuffer_ms = VMSND_PREBUFFER_UNSET,
						       .quality = quality,
						       .no_dither = true},
					     .ring_storage = i ? rig->rings[i] : NULL};

		rig->luns[i] = zeroed(vmsnd_lun_footprint());
		if (vmsnd_port_add(rig->port, i, rig->luns[i], &lun, rig->now))
			abort();
	}
	if (vmsnd_port_prepare(rig->port, &rig->params, rig->now) ||
	    vmsnd_port_start(rig->port, rig->now))
		abort();
}

struct vmsnd_lun_status day_status(const struct day_rig *rig, unsigned unit)
{
	struct vmsnd_lun_status status;

	vmsnd_lun_status(rig->luns[unit], &status);
	return status;
}

void day_close(struct day_rig *rig)
{
	vmsnd_port_close(rig->port, rig->now);
	for (unsigned i = 0; i < 2; i++) {
		vmsnd_port_remove(rig->port, i, rig->now);
		if (!vmsnd_lun_gone(rig->luns[i]))
			abort();
		free(rig->luns[i]);
		free(rig->rings[i]);
	}
	free(rig->port);
}
