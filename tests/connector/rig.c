/* SPDX-License-Identifier: BSD-3-Clause */
/* A port between a scripted guest and hosts that remember what they heard. */
#include "rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rate.h"

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	enum vmsnd_dir dir;
	struct vmsnd_stream_got got;
	uint32_t frame_bytes;
	unsigned char *scratch;
	bool running, ended, lost_time;
	vmsnd_ns start, drained; /* drained: when the last frame is heard; 0: not draining */
	uint64_t blocks;
};

/* ---- signals ---- */

static void make_frames(enum rig_signal signal, int level, int16_t *to, uint32_t *next, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = ++*next;
		double turn = 2 * 3.14159265358979 * (number % SINE_FRAMES) / SINE_FRAMES;
		int16_t value = (int16_t)(signal == RIG_SINE ? lrint(level * sin(turn)) : level);

		if (signal == RIG_NUMBERS)
			memcpy(to + 2 * i, &number, 4);
		else
			to[2 * i] = to[2 * i + 1] = value;
	}
}

static void remember(struct vmsnd_backend *host, const void *frames, uint32_t n, size_t frame_bytes)
{
	if (frame_bytes != host->heard_frame_bytes) {
		host->heard_frame_bytes = frame_bytes;
		host->n_heard = 0;
	}
	if ((host->n_heard + n) * frame_bytes > host->heard_room) {
		host->heard_room = (host->n_heard + n) * frame_bytes * 2;
		host->bytes = realloc(host->bytes, host->heard_room);
		assert_non_null(host->bytes);
	}
	memcpy(host->bytes + host->n_heard * frame_bytes, frames, n * frame_bytes);
	host->n_heard += n;
}

/* ---- the host ---- */

static enum vmsnd_rc host_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
			       const struct vmsnd_stream_user *user, void *ctx,
			       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream;

	if (host->tries < RIG_TRIES)
		host->tried[host->tries] = *host->clock;
	host->tries++;
	host->want = *want;
	if (host->open_rc)
		return host->open_rc;
	if (host->unsupported > 0) {
		host->unsupported--;
		return VMSND_E_UNSUPPORTED;
	}
	assert_null(host->stream);
	stream = calloc(1, sizeof(*stream));
	assert_non_null(stream);
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	stream->dir = want->dir;
	*got = (struct vmsnd_stream_got){
	    .format = host->other_format ? *host->other_format : want->format,
	    .period_frames = host->other_period ? host->other_period : want->period_frames};
	got->max_frames = host->other_max ? host->other_max : got->period_frames;
	got->follows = want->follow && host->speed == 0;
	stream->got = *got;
	stream->frame_bytes = vmsnd_format_frame_bytes(&got->format);
	stream->scratch = malloc((size_t)got->max_frames * stream->frame_bytes);
	assert_non_null(stream->scratch);
	host->opens++;
	*out = host->stream = stream;
	return VMSND_OK;
}

static enum vmsnd_rc host_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	struct vmsnd_backend *host = stream->host;

	host->starts++;
	host->started = now;
	host->misuses += host->state == VMSND_STREAM_INITIALIZING || stream->ended;
	if (host->start_rc)
		return host->start_rc;
	stream->running = true;
	stream->start = now;
	stream->drained = 0;
	stream->blocks = 0;
	return VMSND_OK;
}

static void host_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->host->stops++;
	stream->running = false;
	stream->drained = 0;
}

static void host_close(struct vmsnd_stream *stream)
{
	stream->host->closes++;
	stream->host->stream = NULL;
	free(stream->scratch);
	free(stream);
}

static void host_hint(struct vmsnd_backend *host, const struct vmsnd_stream_want *want)
{
	host->hints++;
	host->want = *want;
}

static enum vmsnd_stream_state host_state(const struct vmsnd_stream *stream)
{
	const struct vmsnd_backend *host = stream->host;

	if (stream->drained && *host->clock < stream->drained)
		return VMSND_STREAM_DRAINING;
	return host->state;
}

static enum vmsnd_rc host_drain(struct vmsnd_stream *stream, vmsnd_ns now)
{
	struct vmsnd_backend *host = stream->host;

	host->drains++;
	if (host->drain_rc)
		return host->drain_rc;
	stream->drained =
	    now + 1 + vmsnd_frames_to_ns_rt(host->delay_frames, stream->got.format.rate_hz);
	return VMSND_OK;
}

static void block_out(struct vmsnd_stream *stream, struct vmsnd_block *block)
{
	struct vmsnd_backend *host = stream->host;

	memset(stream->scratch, 0x55, (size_t)block->frames * stream->frame_bytes);
	stream->user.block_rt(stream->ctx, block);
	if (!host->move_rc)
		remember(host, stream->scratch, block->frames, stream->frame_bytes);
}

static void block_in(struct vmsnd_stream *stream, struct vmsnd_block *block)
{
	struct vmsnd_backend *host = stream->host;

	if (host->move_rc)
		return;
	if (stream->frame_bytes == 4)
		make_frames(host->signal, host->level, block->samples, &host->next_sample,
			    block->frames);
	else
		vmsnd_format_silence_rt(&stream->got.format, block->samples, block->frames);
	stream->user.block_rt(stream->ctx, block);
}

/* False when the stream ended over it: its owner may have closed it. */
static bool move_block(struct vmsnd_stream *stream, uint32_t frames, vmsnd_ns when)
{
	struct vmsnd_backend *host = stream->host;
	struct vmsnd_block block = {.samples = stream->scratch,
				    .frames = frames,
				    .delay_frames = host->delay_frames,
				    .when = when,
				    .gap = stream->lost_time};

	host->misuses += host->state == VMSND_STREAM_INITIALIZING && stream->blocks == 0;
	stream->lost_time = false;
	if (stream->dir == VMSND_PLAYBACK)
		block_out(stream, &block);
	else
		block_in(stream, &block);
	if (!host->move_rc)
		return true;
	rig_end(host, host->move_rc);
	return false;
}

static vmsnd_ns block_due(const struct vmsnd_stream *stream)
{
	const struct vmsnd_backend *host = stream->host;
	uint64_t frames = (stream->blocks + 1) * stream->got.period_frames;
	uint32_t rate = stream->got.format.rate_hz * (host->speed ? host->speed : 1);

	if (host->ppm == 0)
		return stream->start + vmsnd_frames_to_ns_rt(frames, rate);
	return stream->start +
	       (vmsnd_ns)ceill((long double)frames * 1e9L / (rate * (1 + host->ppm * 1e-6L)));
}

static vmsnd_ns advance_free(struct vmsnd_stream *stream, vmsnd_ns now)
{
	uint32_t left = stream->user.ready_rt(stream->ctx);
	vmsnd_ns next = left ? now : VMSND_NEVER;

	while (left > 0) {
		uint32_t most = stream->got.period_frames, n = left < most ? left : most;

		if (!move_block(stream, n, now))
			return VMSND_NEVER;
		left -= n;
	}
	return next;
}

static vmsnd_ns host_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	struct vmsnd_stream *stream = host->stream;

	if (!stream || !stream->running || stream->ended)
		return VMSND_NEVER;
	if (stream->drained)
		return stream->drained > now ? stream->drained : VMSND_NEVER;
	if (host->speed == 0)
		return host->stalled ? VMSND_NEVER : advance_free(stream, now);
	for (vmsnd_ns due = block_due(stream); due <= now; due = block_due(stream)) {
		stream->lost_time |= host->stalled;
		if (!host->stalled && !move_block(stream, stream->got.period_frames, due))
			return VMSND_NEVER;
		stream->blocks++;
	}
	return block_due(stream);
}

void rig_host_init(struct vmsnd_backend *host, const vmsnd_ns *clock)
{
	static const struct vmsnd_backend_class kind = {
	    .abi = VMSND_BACKEND_ABI,
	    .abi_end = VMSND_BACKEND_ABI,
	    .name = "rig",
	    .summary = "remembers",
	    .stream_open = host_open,
	    .stream_start = host_start,
	    .stream_stop = host_stop,
	    .stream_close = host_close,
	    .advance = host_advance,
	    .stream_hint = host_hint,
	    .stream_state = host_state,
	};

	memset(host, 0, sizeof(*host));
	host->kind = kind;
	host->clock = clock;
	host->speed = 1;
	host->state = VMSND_STREAM_OKAY;
	host->drain_rc = VMSND_OK;
}

void rig_host_drains(struct vmsnd_backend *host)
{
	host->kind.stream_drain = host_drain;
}

void rig_notice(struct vmsnd_backend *host, enum vmsnd_stream_notice what)
{
	assert_non_null(host->stream);
	host->stream->user.notice(host->stream->ctx, what);
}

void rig_end(struct vmsnd_backend *host, enum vmsnd_rc why)
{
	struct vmsnd_stream *stream = host->stream;

	assert_non_null(stream);
	assert_false(stream->ended);
	stream->running = false;
	stream->ended = true;
	stream->user.ended(stream->ctx, why);
}

/* ---- the world ---- */

static bool submit(void *ctx, struct vmsnd_job *job)
{
	struct rig *rig = ctx;

	if (rig->pool == RIG_POOL_NONE)
		return false;
	rig->submitted++;
	assert_true(rig->n_jobs < RIG_JOBS);
	rig->jobs[rig->n_jobs++] = job;
	if (rig->pool == RIG_POOL_NOW)
		rig_work(rig);
	return true;
}

static void wake(void *ctx)
{
	((struct rig *)ctx)->wakes++;
}

unsigned rig_work(struct rig *rig)
{
	unsigned n = rig->n_jobs;
	struct vmsnd_job *jobs[RIG_JOBS];

	memcpy(jobs, rig->jobs, sizeof(jobs));
	rig->n_jobs = 0;
	for (unsigned i = 0; i < n; i++) {
		jobs[i]->run(jobs[i]);
		atomic_store_explicit(&jobs[i]->done, true, memory_order_release);
		wake(rig);
	}
	return n;
}

void *rig_zeroed(size_t bytes)
{
	void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);

	assert_non_null(at);
	memset(at, 0, bytes);
	return at;
}

struct vmsnd_backend *rig_host(struct rig *rig, unsigned unit)
{
	return unit == 0 ? &rig->host : &rig->others[unit - 1];
}

void rig_begin(struct rig *rig, enum vmsnd_dir dir, bool enabled)
{
	struct vmsnd_port_conf conf = {.dir = dir, .enabled = enabled};

	memset(rig, 0, sizeof(*rig));
	rig->dir = dir;
	rig->now = START;
	rig->env = (struct vmsnd_connector_env){.ctx = rig,
						.submit = submit,
						.wake = wake,
						.rates = &vmsnd_resampler_samplerate,
						.cpu = VMSND_CPU_BASELINE};
	rig->storage = rig_zeroed(VMSND_PORT_RING_BYTES);
	rig->port = rig_zeroed(vmsnd_port_footprint());
	conf.env = &rig->env;
	conf.ring_storage = rig->storage;
	vmsnd_port_init(rig->port, &conf);
	for (unsigned i = 0; i < RIG_UNITS; i++) {
		struct vmsnd_backend *host = rig_host(rig, i);

		rig_host_init(host, &rig->now);
		rig->confs[i] =
		    (struct vmsnd_lun_conf){.role = VMSND_LUN_NORMAL,
					    .backend = &host->kind,
					    .host = host,
					    .prefs = {.sample = VMSND_SAMPLE_COUNT,
						      .prebuffer_ms = VMSND_PREBUFFER_UNSET,
						      .quality = VMSND_QUALITY_FASTEST,
						      .no_dither = true}};
	}
}

void rig_add(struct rig *rig, unsigned unit)
{
	struct vmsnd_lun_conf *conf = &rig->confs[unit];

	assert_null(rig->luns[unit]);
	rig->luns[unit] = rig_zeroed(vmsnd_lun_footprint());
	if (unit > 0)
		rig->rings[unit] = rig_zeroed(VMSND_PORT_RING_BYTES);
	conf->ring_storage = rig->rings[unit];
	conf->mixer_bit = unit;
	assert_int_equal(vmsnd_port_add(rig->port, unit, rig->luns[unit], conf, rig->now),
			 VMSND_OK);
}

static void wait_gone(struct rig *rig, unsigned unit)
{
	for (unsigned i = 0; !vmsnd_lun_gone(rig->luns[unit]); i++) {
		assert_true(i < 10);
		rig_work(rig);
		vmsnd_port_advance(rig->port, rig->now);
	}
	free(rig->luns[unit]);
	free(rig->rings[unit]);
	rig->luns[unit] = NULL;
	rig->rings[unit] = NULL;
}

void rig_remove(struct rig *rig, unsigned unit)
{
	vmsnd_port_remove(rig->port, unit, rig->now);
	assert_null(vmsnd_port_lun(rig->port, unit));
	wait_gone(rig, unit);
}

void rig_open_with(struct rig *rig, enum vmsnd_dir dir, bool backend, bool enabled)
{
	rig_begin(rig, dir, enabled);
	if (backend)
		rig_add(rig, 0);
}

void rig_open(struct rig *rig, enum vmsnd_dir dir)
{
	rig_open_with(rig, dir, true, true);
}

void rig_close(struct rig *rig)
{
	vmsnd_port_close(rig->port, rig->now);
	rig->pool = RIG_POOL_NOW;
	rig_work(rig);
	vmsnd_port_advance(rig->port, rig->now);
	for (unsigned i = 0; i < RIG_UNITS; i++) {
		struct vmsnd_backend *host = rig_host(rig, i);

		if (rig->luns[i])
			rig_remove(rig, i);
		assert_null(host->stream);
		assert_int_equal(host->opens, host->closes);
		assert_int_equal(host->misuses, 0);
		free(host->bytes);
	}
	free(rig->port);
	free(rig->storage);
}

/* ---- the guest ---- */

struct vmsnd_stream_params rig_params(uint32_t buffer_frames, uint32_t period_frames)
{
	return (struct vmsnd_stream_params){.format = FORMAT(VMSND_SAMPLE_S16, 48000, 2),
					    .buffer_frames = buffer_frames,
					    .period_frames = period_frames};
}

void rig_prepare(struct rig *rig)
{
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD);

	assert_int_equal(vmsnd_port_prepare(rig->port, &params, rig->now), VMSND_OK);
}

void rig_start(struct rig *rig)
{
	assert_int_equal(vmsnd_port_start(rig->port, rig->now), VMSND_OK);
}

void rig_opening(struct rig *rig, enum vmsnd_dir dir, uint32_t prebuffer_ms)
{
	rig_begin(rig, dir, true);
	rig->pool = RIG_POOL_HELD;
	rig->host.kind.flags = VMSND_BACKEND_SLOW_STREAM_OPEN;
	rig->confs[0].prefs.prebuffer_ms = prebuffer_ms;
	rig_add(rig, 0);
	rig_prepare(rig);
	rig_start(rig);
	rig->takes = dir == VMSND_CAPTURE;
}

void rig_running(struct rig *rig, enum vmsnd_dir dir, vmsnd_ns length)
{
	rig_open(rig, dir);
	rig_go(rig, length);
}

void rig_go(struct rig *rig, vmsnd_ns length)
{
	rig_prepare(rig);
	rig_start(rig);
	rig->endless = rig->takes = true;
	rig_run(rig, length);
}

uint32_t rig_write(struct rig *rig, uint32_t frames)
{
	uint32_t done = 0;

	while (done < frames) {
		void *at;
		uint32_t n = vmsnd_port_begin(rig->port, frames - done, &at);

		if (n == 0)
			break;
		assert_true(n <= frames - done);
		make_frames(rig->signal, rig->level, at, &rig->next_frame, n);
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
		remember(&rig->host, at, n, 4);
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

/* ---- the lane ---- */

/* Hosts that the lane drives, or those with threads of their own. */
static vmsnd_ns advance_hosts(struct rig *rig, vmsnd_ns at, bool threaded)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < RIG_UNITS; i++) {
		struct vmsnd_backend *host = rig_host(rig, i);
		vmsnd_ns due = VMSND_NEVER;

		if (!host->kind.advance == threaded)
			due = host_advance(host, at);
		if (due < next)
			next = due;
	}
	return next;
}

static vmsnd_ns turn(struct rig *rig, vmsnd_ns at)
{
	vmsnd_ns next, host, guest;

	rig->turns++;
	advance_hosts(rig, at, false);
	vmsnd_port_advance(rig->port, at);
	guest_turn(rig);
	next = vmsnd_port_advance(rig->port, at);
	host = advance_hosts(rig, at, false);
	guest = vmsnd_port_due(rig->port, vmsnd_port_done_frames(rig->port) + PERIOD, at);
	if (host < next)
		next = host;
	return guest < next ? guest : next;
}

void rig_run_until(struct rig *rig, vmsnd_ns to)
{
	vmsnd_ns lane = turn(rig, rig->now), threads = advance_hosts(rig, rig->now, true);
	unsigned same = 0;

	while (lane <= to || threads <= to) {
		vmsnd_ns at = lane < threads ? lane : threads;

		same = at > rig->now ? 0 : same + 1;
		assert_true(same < 100000); /* a lane that spins is a defect */
		if (at > rig->now)
			rig->now = at;
		threads = advance_hosts(rig, rig->now, true);
		if (lane <= rig->now)
			lane = turn(rig, rig->now);
	}
	rig->now = to;
	turn(rig, to);
}

void rig_run(struct rig *rig, vmsnd_ns length)
{
	rig_run_until(rig, rig->now + length);
}

/* ---- what was seen ---- */

uint64_t rig_counter(const struct rig *rig, const char *name)
{
	struct vmsnd_counter list[64];
	size_t n = vmsnd_port_counters(rig->port, list, 64);

	assert_true(n <= 64);
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

struct vmsnd_lun_status rig_status(const struct rig *rig, unsigned unit)
{
	struct vmsnd_lun_status status;

	memset(&status, 0x55, sizeof(status));
	vmsnd_lun_status(rig->luns[unit], &status);
	return status;
}

uint32_t rig_heard_in_order(const struct rig *rig)
{
	uint32_t last = 0;

	for (size_t i = 0; i < rig->host.n_heard; i++)
		if (rig->host.heard[i] != 0)
			assert_int_equal(rig->host.heard[i], ++last);
	return last;
}

uint32_t rig_heard_run(const struct vmsnd_backend *host, size_t from, uint32_t *frames)
{
	uint32_t first = 0, n = 0;

	for (size_t i = from; i < host->n_heard; i++) {
		if (host->heard[i] == 0)
			continue;
		if (n == 0)
			first = host->heard[i];
		assert_int_equal(host->heard[i], first + n);
		n++;
	}
	if (frames)
		*frames = n;
	return first;
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

int rig_largest_step(const struct vmsnd_backend *host, size_t from, size_t to)
{
	int largest = 0;

	assert_true(to <= host->n_heard && host->heard_frame_bytes == 4);
	for (size_t i = from + 1; i < to; i++)
		for (size_t c = 0; c < 2; c++) {
			int step = abs(host->samples[2 * i + c] - host->samples[2 * i - 2 + c]);

			if (step > largest)
				largest = step;
		}
	return largest;
}
