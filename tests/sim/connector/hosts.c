/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts of many kinds: their streams and blocks. What goes wrong with them is in faults.c. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* ---- kinds ----------------------------------------------------------------------------- */

static void draw_format(struct dice *dice, struct host_kind *kind)
{
	static const enum vmsnd_sample samples[] = {VMSND_SAMPLE_S16, VMSND_SAMPLE_FLOAT,
						    VMSND_SAMPLE_S32};
	static const uint32_t rates[] = {8000, 11025, 16000, 44100, 48000};

	if (dice_chance(dice, 40))
		kind->sample = samples[dice_between(dice, 0, 2)];
	if (dice_chance(dice, 30))
		kind->rate_hz = rates[dice_between(dice, 0, 4)];
	if (dice_chance(dice, 20))
		kind->channels = (uint32_t)dice_between(dice, 1, 2);
}

static void draw_faults(struct dice *dice, struct host_kind *kind)
{
	kind->faulty = dice_chance(dice, 75);
	kind->stalls = dice_chance(dice, 25);
	kind->slow_open = dice_chance(dice, 40);
	kind->slow_close = dice_chance(dice, 40);
	kind->open_ns = dice_between(dice, 0, JOB_MAX_NS);
	kind->close_ns = dice_between(dice, 0, JOB_MAX_NS / 4);
	if (dice_chance(dice, 25))
		kind->initializing_ns = dice_between(dice, 1, JOB_MAX_NS);
	if (dice_chance(dice, 25))
		draw_format(dice, kind);
}

struct host_kind host_kind_draw(struct dice *dice, bool calm)
{
	struct host_kind kind = {.sample = VMSND_SAMPLE_COUNT};

	kind.threaded = dice_chance(dice, 50);
	kind.clockless = !kind.threaded && dice_chance(dice, 15);
	kind.drains = dice_chance(dice, 50);
	kind.tells_state = dice_chance(dice, 70);
	kind.first_at_once = kind.threaded && dice_chance(dice, 50);
	kind.ppm = (int)dice_between(dice, 0, 2000) - 1000;
	if (dice_chance(dice, 30))
		kind.ppm = (int)dice_between(dice, 0, 10000) - 5000;
	if (kind.threaded && dice_chance(dice, 50))
		kind.jitter_ns = dice_between(dice, 0, 3 * MS);
	if (dice_chance(dice, 50))
		kind.period_frames = (uint32_t)dice_between(dice, 16, 1024);
	kind.odd_blocks = dice_chance(dice, 25);
	kind.delay_frames = (uint32_t)dice_between(dice, 0, 2000);
	if (!calm)
		draw_faults(dice, &kind);
	kind.tells_state |= kind.initializing_ns > 0;
	return kind;
}

/* ---- blocks ---------------------------------------------------------------------------- */

static struct unit *unit_of(const struct vmsnd_backend *host)
{
	return &host->world->units[host->unit];
}

static vmsnd_ns frames_ns(const struct vmsnd_stream *stream, uint32_t frames)
{
	double hz = stream->got.format.rate_hz * (1.0 + stream->host->kind.ppm * 1e-6);

	return (vmsnd_ns)(frames * 1e9 / hz);
}

static void plan_block(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	uint32_t frames = stream->got.period_frames;

	if (host->kind.odd_blocks)
		frames = (uint32_t)dice_between(&host->dice, 1, stream->got.max_frames);
	stream->block_frames = frames;
	stream->block_end_ns +=
	    (double)frames * 1e9 / (stream->got.format.rate_hz * (1.0 + host->kind.ppm * 1e-6));
	stream->block_at = stream->started + (vmsnd_ns)stream->block_end_ns;
	if (host->kind.jitter_ns)
		stream->block_at += dice_between(&host->dice, 0, host->kind.jitter_ns);
}

/* What it does with a block is seen by the ear; nothing of a playback block may be left. */
static void move(struct vmsnd_stream *stream, uint32_t frames, vmsnd_ns when)
{
	struct vmsnd_backend *host = stream->host;
	struct world *world = host->world;
	size_t bytes = (size_t)frames * stream->frame_bytes;
	struct vmsnd_block block = {.samples = stream->scratch, .frames = frames, .when = when};

	block.delay_frames = host->kind.delay_frames;
	block.gap = stream->gap;
	stream->gap = false;
	if (world->dir == VMSND_CAPTURE) {
		ear_speak(world, unit_of(host), stream, frames);
		stream->user.block_rt(stream->ctx, &block);
		return;
	}
	memset(stream->scratch, 0xa5, bytes);
	stream->user.block_rt(stream->ctx, &block);
	for (size_t i = 0; i + 4 <= bytes; i += 4)
		if (memcmp(stream->scratch + i, "\xa5\xa5\xa5\xa5", 4) == 0)
			world_fail(world, "unit %u: a block was not filled", host->unit);
	ear_hear(world, unit_of(host), stream, frames);
}

static bool moves(const struct vmsnd_stream *stream)
{
	return stream && stream->running && !stream->dead && !stream->draining &&
	       !stream->wants_start;
}

vmsnd_ns host_thread_next(const struct vmsnd_backend *host)
{
	return host->kind.threaded && moves(host->stream) ? host->stream->block_at : VMSND_NEVER;
}

void host_thread_run(struct vmsnd_backend *host)
{
	struct vmsnd_stream *stream = host->stream;
	uint32_t frames = stream->block_frames;

	plan_block(stream);
	move(stream, frames, host->world->now);
}

static vmsnd_ns advance_ready(struct vmsnd_stream *stream, vmsnd_ns now)
{
	uint32_t ready = stream->user.ready_rt(stream->ctx), left = ready;

	while (left > 0) {
		uint32_t frames = left < stream->got.max_frames ? left : stream->got.max_frames;

		move(stream, frames, now);
		left -= frames;
	}
	return ready ? now : VMSND_NEVER;
}

static vmsnd_ns sim_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	struct vmsnd_stream *stream = host->stream;

	if (!moves(stream))
		return VMSND_NEVER;
	if (stream->want.follow && host->kind.clockless)
		return advance_ready(stream, now);
	while (stream->block_at <= now) {
		uint32_t frames = stream->block_frames;
		vmsnd_ns when = stream->block_at;

		plan_block(stream);
		move(stream, frames, when);
	}
	return stream->block_at;
}

/* ---- the interface ----------------------------------------------------------------------- */

static void must_not_be_slow(struct vmsnd_backend *host, bool slow, const char *what)
{
	struct world *world = host->world;

	if (host->closed)
		world_fail(world, "host %u was given back, then %s", host->number, what);
	if (slow && !world->in_worker && world->env.submit)
		world_fail(world, "host %u: %s on the lane, but it is slow", host->number, what);
	if (!slow && world->in_worker && !world->inline_job)
		world_fail(world, "host %u: %s on a worker", host->number, what);
}

static struct vmsnd_stream_got settle_on(struct vmsnd_backend *host,
					 const struct vmsnd_stream_want *want)
{
	const struct host_kind *kind = &host->kind;
	struct vmsnd_stream_got got = {.format = want->format};
	uint64_t period = kind->period_frames ? kind->period_frames : want->period_frames;

	if (kind->sample != VMSND_SAMPLE_COUNT)
		got.format.sample = kind->sample;
	if (kind->rate_hz)
		got.format.rate_hz = kind->rate_hz;
	if (kind->channels) {
		got.format.channels = kind->channels;
		memset(got.format.positions, 0, sizeof(got.format.positions));
	}
	got.period_frames = (uint32_t)(period < HOST_FRAMES ? period : HOST_FRAMES);
	got.max_frames = got.period_frames;
	got.follows = want->follow && kind->clockless;
	return got;
}

static void check_want(struct vmsnd_backend *host, const struct vmsnd_stream_want *want)
{
	struct world *world = host->world;

	if (host->stream)
		world_fail(world, "host %u: a second stream", host->number);
	if (want->dir != world->dir || vmsnd_format_frame_bytes(&want->format) == 0 ||
	    want->period_frames == 0)
		world_fail(world, "host %u: a wish that makes no sense", host->number);
	if (want->follow != (host->unit != 0))
		world_fail(world, "host %u: unit %u must%s follow", host->number, host->unit,
			   want->follow ? " not" : "");
}

static enum vmsnd_rc sim_stream_open(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct world *world = host->world;
	struct vmsnd_stream *stream;

	must_not_be_slow(host, host->kind.slow_open, "open");
	check_want(host, want);
	if (world->now < host->gone_until) {
		check_refused(host);
		return VMSND_E_GONE;
	}
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		abort();
	*got = settle_on(host, want);
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	stream->want = *want;
	stream->got = *got;
	stream->frame_bytes = vmsnd_format_frame_bytes(&got->format);
	stream->scratch = malloc((size_t)got->max_frames * stream->frame_bytes);
	stream->opened = world->now;
	stream->switched = VMSND_NEVER;
	host->stream = stream;
	host->refused = 0;
	world_say(world, "host %u of unit %u: open %s %u Hz %u ch, period %u", host->number,
		  host->unit, vmsnd_sample_name(got->format.sample), got->format.rate_hz,
		  got->format.channels, got->period_frames);
	*out = stream;
	return VMSND_OK;
}

static void check_start(struct vmsnd_stream *stream)
{
	struct world *world = stream->host->world;

	must_not_be_slow(stream->host, false, "start");
	if (stream->running)
		world_fail(world, "host %u: started twice", stream->host->number);
	if (stream->ended)
		world_fail(world, "host %u: started after its end", stream->host->number);
	if ((!world->enabled && unit_of(stream->host)->conf.role == VMSND_LUN_NORMAL) ||
	    world->paused)
		world_fail(world, "host %u: started while %s", stream->host->number,
			   world->paused ? "the machine is suspended" : "the direction is off");
}

static enum vmsnd_rc sim_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	struct vmsnd_backend *host = stream->host;

	check_start(stream);
	if (host->start_fails) {
		world_say(host->world, "host %u: start fails", host->number);
		host->start_fails = false;
		return VMSND_E_GONE;
	}
	world_say(host->world, "host %u: start", host->number);
	stream->running = true;
	stream->draining = stream->wants_start = false;
	stream->started = now > host->world->now ? now : host->world->now;
	if (!host->kind.threaded)
		stream->started = now;
	stream->block_end_ns = 0;
	plan_block(stream);
	if (host->kind.first_at_once)
		stream->block_at = stream->started;
	return VMSND_OK;
}

static void sim_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	must_not_be_slow(stream->host,
			 stream->host->kind.slow_close && stream->host->world->in_worker, "stop");
	world_say(stream->host->world, "host %u: stop", stream->host->number);
	stream->running = stream->draining = false;
}

static void sim_stream_close(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	must_not_be_slow(host, host->kind.slow_close, "close");
	if (host->stream != stream)
		world_fail(host->world, "host %u: closes what is not open", host->number);
	world_say(host->world, "host %u: close", host->number);
	host->stream = NULL;
	free(stream->scratch);
	memset(stream, 0xee, sizeof(*stream));
	free(stream);
}

static enum vmsnd_stream_state sim_stream_state(const struct vmsnd_stream *stream)
{
	const struct vmsnd_backend *host = stream->host;
	vmsnd_ns now = host->world->now;

	if (host->closed || host->stream != stream)
		world_fail(host->world, "host %u: asked for the state of what is gone",
			   host->number);
	if (now < stream->opened + host->kind.initializing_ns)
		return VMSND_STREAM_INITIALIZING;
	if (now < host->sick_until)
		return host->sick;
	if (stream->draining && now < stream->drained)
		return VMSND_STREAM_DRAINING;
	return VMSND_STREAM_OKAY;
}

static enum vmsnd_rc sim_stream_drain(struct vmsnd_stream *stream, vmsnd_ns now)
{
	struct vmsnd_backend *host = stream->host;

	must_not_be_slow(host, false, "drain");
	if (host->world->dir == VMSND_CAPTURE || !stream->running || stream->ended)
		world_fail(host->world, "host %u: a drain that makes no sense", host->number);
	world_say(host->world, "host %u: drain", host->number);
	stream->draining = true;
	stream->drained = host->world->now + frames_ns(stream, host->kind.delay_frames);
	return VMSND_OK;
}

static enum vmsnd_rc no_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	return VMSND_E_UNSUPPORTED;
}

static void no_close(struct vmsnd_backend *host)
{
}

struct vmsnd_backend *host_new(struct world *world, unsigned unit, const struct host_kind *kind)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));

	if (!host || world->n_hosts == HOSTS_MAX)
		abort();
	host->world = world;
	host->unit = unit;
	host->number = world->n_hosts;
	host->kind = *kind;
	host->dice = dice_of(dice_roll(&world->unit_dice[unit]), 1);
	host->cls = (struct vmsnd_backend_class){
	    .abi = VMSND_BACKEND_ABI,
	    .abi_end = VMSND_BACKEND_ABI,
	    .flags = (kind->slow_open ? VMSND_BACKEND_SLOW_STREAM_OPEN : 0u) |
		     (kind->slow_close ? VMSND_BACKEND_SLOW_STREAM_CLOSE : 0u),
	    .name = "sim",
	    .summary = "a simulated host",
	    .open = no_open,
	    .close = no_close,
	    .stream_open = sim_stream_open,
	    .stream_start = sim_stream_start,
	    .stream_stop = sim_stream_stop,
	    .stream_close = sim_stream_close,
	    .advance = kind->threaded ? NULL : sim_advance,
	    .stream_state = kind->tells_state ? sim_stream_state : NULL,
	    .stream_drain = kind->drains && world->dir == VMSND_PLAYBACK ? sim_stream_drain : NULL,
	};
	host_fault_plan(host);
	world->hosts[world->n_hosts++] = host;
	return host;
}

void host_free(struct vmsnd_backend *host)
{
	if (host->stream)
		free(host->stream->scratch);
	free(host->stream);
	free(host);
}
