/* SPDX-License-Identifier: BSD-3-Clause */
/* A port between a scripted guest and a host that remembers what it heard. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

struct vmsnd_stream {
	struct vmsnd_paced_stream paced;
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
};

static void remember(struct vmsnd_backend *host, const uint32_t *frames, uint32_t n)
{
	if (host->n_heard + n > host->heard_room) {
		host->heard_room = (host->n_heard + n) * 2;
		host->heard = realloc(host->heard, host->heard_room * sizeof(uint32_t));
		assert_non_null(host->heard);
	}
	memcpy(host->heard + host->n_heard, frames, n * sizeof(uint32_t));
	host->n_heard += n;
}

static enum vmsnd_rc rig_move(struct vmsnd_paced_stream *paced, void *samples, uint32_t frames)
{
	struct vmsnd_backend *host = ((struct vmsnd_stream *)paced)->host;

	if (host->move_rc)
		return host->move_rc;
	if (paced->dir == VMSND_PLAYBACK)
		remember(host, samples, frames);
	else
		for (uint32_t i = 0; i < frames; i++)
			((uint32_t *)samples)[i] = ++host->next_sample;
	return VMSND_OK;
}

/* The clock-driven streams know no delay; this host adds its own. */
static void delayed_block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct vmsnd_stream *stream = ctx;
	struct vmsnd_block with = *block;

	with.delay_frames = stream->host->delay_frames;
	stream->user.block_rt(stream->ctx, &with);
}

static uint32_t passed_ready_rt(void *ctx)
{
	struct vmsnd_stream *stream = ctx;

	return stream->user.ready_rt(stream->ctx);
}

static void passed_ended(void *ctx, enum vmsnd_rc why)
{
	struct vmsnd_stream *stream = ctx;

	stream->user.ended(stream->ctx, why);
}

static enum vmsnd_rc rig_stream_open(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	static const struct vmsnd_stream_user own = {delayed_block_rt, passed_ready_rt,
						     passed_ended};
	struct vmsnd_stream_want settled = *want;
	struct vmsnd_stream *stream;

	if (host->open_rc)
		return host->open_rc;
	assert_null(host->stream);
	stream = calloc(1, sizeof(*stream));
	assert_non_null(stream);
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	if (host->other_period)
		settled.period_frames = host->other_period;
	assert_int_equal(vmsnd_paced_add(&host->paced, &stream->paced, &settled, &own, stream), 0);
	*got = vmsnd_paced_got(&stream->paced);
	if (host->other_format)
		got->format = *host->other_format;
	host->opens++;
	*out = host->stream = stream;
	return VMSND_OK;
}

static enum vmsnd_rc rig_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->host->starts++;
	if (stream->host->start_rc)
		return stream->host->start_rc;
	vmsnd_paced_start(&stream->paced, now);
	return VMSND_OK;
}

static void rig_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->host->stops++;
	vmsnd_paced_stop(&stream->paced);
}

static void rig_stream_close(struct vmsnd_stream *stream)
{
	stream->host->closes++;
	stream->host->stream = NULL;
	vmsnd_paced_remove(&stream->paced);
	free(stream);
}

static vmsnd_ns rig_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	return vmsnd_paced_advance(&host->paced, now);
}

const struct vmsnd_backend_class rig_class = {
    .abi = VMSND_BACKEND_ABI,
    .name = "rig",
    .summary = "remembers",
    .stream_open = rig_stream_open,
    .stream_start = rig_stream_start,
    .stream_stop = rig_stream_stop,
    .stream_close = rig_stream_close,
    .advance = rig_advance,
};

static void *zeroed(size_t bytes)
{
	void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);

	assert_non_null(at);
	memset(at, 0, bytes);
	return at;
}

void rig_open_with(struct rig *rig, enum vmsnd_dir dir, bool backend, bool enabled)
{
	struct vmsnd_port_conf conf = {.dir = dir, .enabled = enabled};

	memset(rig, 0, sizeof(*rig));
	rig->dir = dir;
	rig->now = START;
	rig->host.paced.speed = 1;
	rig->host.paced.move = rig_move;
	rig->storage = zeroed(VMSND_PORT_RING_BYTES);
	rig->port = zeroed(vmsnd_port_footprint());
	conf.backend = backend ? &rig_class : NULL;
	conf.host = &rig->host;
	conf.ring_storage = rig->storage;
	vmsnd_port_init(rig->port, &conf);
}

void rig_open(struct rig *rig, enum vmsnd_dir dir)
{
	rig_open_with(rig, dir, true, true);
}

void rig_close(struct rig *rig)
{
	vmsnd_port_close(rig->port, rig->now);
	assert_null(rig->host.stream);
	assert_int_equal(rig->host.opens, rig->host.closes);
	free(rig->port);
	free(rig->storage);
	free(rig->host.heard);
}

struct vmsnd_stream_params rig_params(uint32_t buffer_frames, uint32_t period_frames)
{
	return (struct vmsnd_stream_params){.format = {VMSND_SAMPLE_S16, 48000, 2},
					    .buffer_frames = buffer_frames,
					    .period_frames = period_frames};
}

void rig_prepare(struct rig *rig)
{
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD);

	assert_int_equal(vmsnd_port_prepare(rig->port, &params, rig->now), VMSND_OK);
}

uint32_t rig_write(struct rig *rig, uint32_t frames)
{
	uint32_t done = 0;

	while (done < frames) {
		void *at;
		uint32_t n = vmsnd_port_begin(rig->port, frames - done, &at);

		if (n == 0)
			break;
		for (uint32_t i = 0; i < n; i++)
			((uint32_t *)at)[i] = ++rig->next_frame;
		vmsnd_port_commit(rig->port, n);
		done += n;
	}
	return done;
}

static void take(struct rig *rig)
{
	while (vmsnd_port_wanted(rig->port) > 0) {
		void *at;
		uint32_t n = vmsnd_port_begin(rig->port, UINT32_MAX, &at);

		assert_true(n > 0);
		for (uint32_t i = 0; i < n; i++)
			remember(&rig->host, (uint32_t *)at + i, 1);
		vmsnd_port_commit(rig->port, n);
		rig->taken += n;
	}
}

/* What a device model does: hand over while the ring wants, in messages of a period. */
static void guest_turn(struct rig *rig)
{
	if (rig->dir == VMSND_CAPTURE) {
		if (rig->takes)
			take(rig);
		return;
	}
	while (vmsnd_port_wanted(rig->port) > 0 && (rig->endless || rig->posted > 0)) {
		uint32_t n = rig->endless || rig->posted > PERIOD ? PERIOD : (uint32_t)rig->posted;

		assert_int_equal(rig_write(rig, n), n);
		rig->posted -= rig->endless ? 0 : n;
	}
}

static vmsnd_ns turn(struct rig *rig, vmsnd_ns at)
{
	vmsnd_ns port, host;

	rig_advance(&rig->host, at);
	vmsnd_port_advance(rig->port, at);
	guest_turn(rig);
	port = vmsnd_port_advance(rig->port, at);
	host = rig_advance(&rig->host, at);
	return port < host ? port : host;
}

void rig_run_until(struct rig *rig, vmsnd_ns to)
{
	vmsnd_ns next = turn(rig, rig->now);

	while (next <= to) {
		if (next > rig->now)
			rig->now = next;
		next = turn(rig, rig->now);
	}
	rig->now = to;
	turn(rig, to);
}

void rig_run(struct rig *rig, vmsnd_ns length)
{
	rig_run_until(rig, rig->now + length);
}

uint64_t rig_counter(const struct rig *rig, const char *name)
{
	struct vmsnd_counter list[32];
	size_t n = vmsnd_port_counters(rig->port, list, 32);

	assert_true(n <= 32);
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

uint32_t rig_heard_in_order(const struct rig *rig)
{
	uint32_t last = 0;

	for (size_t i = 0; i < rig->host.n_heard; i++)
		if (rig->host.heard[i] != 0)
			assert_int_equal(rig->host.heard[i], ++last);
	return last;
}

size_t rig_silence_before(const struct rig *rig)
{
	size_t n = 0;

	while (n < rig->host.n_heard && rig->host.heard[n] == 0)
		n++;
	return n;
}

size_t rig_silence_inside(const struct rig *rig)
{
	size_t inside = 0, end = rig->host.n_heard;

	while (end > 0 && rig->host.heard[end - 1] == 0)
		end--;
	for (size_t i = rig_silence_before(rig); i < end; i++)
		inside += rig->host.heard[i] == 0;
	return inside;
}
