/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring, port and units with real threads on every side; made for -Db_sanitize=thread. The order of
 * the frames is the check: nobody waits for time, all go as fast as they can. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/ring.h"
#include "connector/connector.h"
#include "os/pool.h"

#define FRAMES   200000u
#define CAPACITY 256u
#define PERIOD   480u
#define BUFFER   1920u

/* ---- the ring alone ---- */

struct shared_ring {
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end writer, reader;
	uint32_t frames[CAPACITY];
};

static void *ring_writer(void *arg)
{
	struct shared_ring *ring = arg;
	uint32_t next = 0;

	while (next < FRAMES) {
		void *at;
		uint32_t n = vmsnd_ring_write_begin_rt(&ring->writer, 1 + next % 97, &at);

		if (n == 0)
			sched_yield();
		for (uint32_t i = 0; i < n; i++)
			((uint32_t *)at)[i] = ++next;
		vmsnd_ring_write_commit_rt(&ring->writer, n);
	}
	return NULL;
}

static void test_ring_between_two_threads(void **state)
{
	struct shared_ring *ring = aligned_alloc(64, sizeof(*ring));
	uint32_t last = 0;
	pthread_t writer;

	assert_non_null(ring);
	memset(ring, 0, sizeof(*ring));
	vmsnd_ring_end_init(&ring->writer, &ring->head, ring->frames, CAPACITY, 4);
	ring->reader = ring->writer;
	assert_int_equal(pthread_create(&writer, NULL, ring_writer, ring), 0);
	while (last < FRAMES) {
		void *at;
		uint32_t n = vmsnd_ring_read_begin_rt(&ring->reader, 1 + last % 61, &at);

		if (n == 0)
			sched_yield();
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(((uint32_t *)at)[i], ++last);
		vmsnd_ring_read_commit_rt(&ring->reader, n);
	}
	pthread_join(writer, NULL);
	free(ring);
}

/* ---- hosts with threads of their own ---- */

#define UNITS 4u

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	enum vmsnd_dir dir;
	bool exact; /* the samples come as the guest made them */
	pthread_t thread;
	_Atomic bool stop;
	bool running;
};

struct vmsnd_backend {
	const _Atomic vmsnd_ns *clock;
	bool follows, silent, gaps; /* gaps: frames may be missing, but never come twice */
	uint32_t next;              /* the last number heard, or made */
	bool disordered;
	struct vmsnd_backend *part_of; /* another, whose numbers go on here; NULL: its own */
};

static struct vmsnd_backend *whole(struct vmsnd_backend *host)
{
	return host->part_of ? host->part_of : host;
}

static void check_heard(struct vmsnd_backend *host, const uint32_t *frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (frames[i] == 0)
			continue;
		if (host->gaps ? frames[i] <= host->next : frames[i] != host->next + 1)
			host->disordered = true;
		host->next = frames[i];
	}
}

static void make(struct vmsnd_backend *host, uint32_t *frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		frames[i] = host->silent ? 0 : ++host->next;
}

static void *audio_thread(void *arg)
{
	struct vmsnd_stream *stream = arg;
	uint32_t frames[PERIOD];

	for (uint32_t round = 0; !atomic_load(&stream->stop); round++) {
		struct vmsnd_block block = {.samples = frames,
					    .frames = 1 + round * 7 % PERIOD,
					    .when = atomic_load(stream->host->clock)};

		if (stream->user.ready_rt(stream->ctx) < block.frames) {
			block.frames = 1;
			sched_yield();
		}
		if (stream->dir == VMSND_CAPTURE) {
			if (stream->user.ready_rt(stream->ctx) < block.frames)
				continue;
			make(whole(stream->host), frames, block.frames);
		}
		stream->user.block_rt(stream->ctx, &block);
		if (stream->dir == VMSND_PLAYBACK && stream->exact)
			check_heard(whole(stream->host), frames, block.frames);
	}
	return NULL;
}

static enum vmsnd_rc thread_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				 const struct vmsnd_stream_user *user, void *ctx,
				 struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return VMSND_E_NOMEM;
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	stream->dir = want->dir;
	*got = (struct vmsnd_stream_got){.format = want->format,
					 .period_frames = want->period_frames,
					 .max_frames = PERIOD,
					 .follows = want->follow && whole(host)->follows};
	stream->exact = !want->follow || got->follows;
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc thread_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	atomic_store(&stream->stop, false);
	stream->running = true;
	return pthread_create(&stream->thread, NULL, audio_thread, stream) ? VMSND_E_SYSTEM
									   : VMSND_OK;
}

static void thread_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!stream->running)
		return;
	atomic_store(&stream->stop, true);
	pthread_join(stream->thread, NULL);
	stream->running = false;
}

static void thread_close(struct vmsnd_stream *stream)
{
	thread_stop(stream, 0);
	free(stream);
}

#define THREAD_CLASS                                                                               \
	.abi = VMSND_BACKEND_ABI, .abi_end = VMSND_BACKEND_ABI, .name = "thread",                  \
	.stream_open = thread_open, .stream_start = thread_start, .stream_stop = thread_stop,      \
	.stream_close = thread_close

static const struct vmsnd_backend_class thread_class = {THREAD_CLASS};
static const struct vmsnd_backend_class slow_class = {
    THREAD_CLASS, .flags = VMSND_BACKEND_SLOW_STREAM_OPEN | VMSND_BACKEND_SLOW_STREAM_CLOSE};

/* ---- a port with units, a pool, a guest ---- */

struct world {
	struct vmsnd_backend hosts[UNITS], spare[UNITS];
	bool on_spare[UNITS]; /* the unit's backend */
	struct vmsnd_connector_env env;
	struct vmsnd_pool *pool;
	struct vmsnd_port *port;
	void *storage, *rings[UNITS];
	struct vmsnd_lun *luns[UNITS];
	enum vmsnd_dir dir;
	_Atomic vmsnd_ns now;
	uint32_t next;
	uint64_t done;
	uint32_t seed;
};

/* Where not one frame may be missing time goes slowly: a thread that gets no processor for a while
 * would be stood in for. */
static vmsnd_ns world_time(const struct world *world)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return ((vmsnd_ns)at.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)at.tv_nsec) /
	       (world->hosts[0].gaps ? 1 : 50);
}

static void *zeroed(size_t bytes)
{
	void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);

	assert_non_null(at);
	memset(at, 0, bytes);
	return at;
}

static bool submit(void *ctx, struct vmsnd_job *job)
{
	return vmsnd_pool_submit(((struct world *)ctx)->pool, job);
}

static void finished(void *ctx)
{
}

static void world_add(struct world *world, unsigned unit, enum vmsnd_lun_role role,
		      const struct vmsnd_backend_class *cls)
{
	struct vmsnd_lun_conf conf = {.role = role,
				      .backend = cls,
				      .host = &world->hosts[unit],
				      .prefs = {.sample = VMSND_SAMPLE_COUNT,
						.prebuffer_ms = VMSND_PREBUFFER_UNSET,
						.quality = VMSND_QUALITY_FASTEST,
						.no_dither = true}};

	world->on_spare[unit] = false;
	world->luns[unit] = zeroed(vmsnd_lun_footprint());
	conf.ring_storage = world->rings[unit] = unit ? zeroed(VMSND_PORT_RING_BYTES) : NULL;
	assert_int_equal(vmsnd_port_add(world->port, unit, world->luns[unit], &conf, world->now),
			 VMSND_OK);
}

static void world_remove(struct world *world, unsigned unit)
{
	vmsnd_port_remove(world->port, unit, world->now);
	while (!vmsnd_lun_gone(world->luns[unit])) {
		vmsnd_port_advance(world->port, world->now);
		sched_yield();
	}
	free(world->luns[unit]);
	free(world->rings[unit]);
	world->luns[unit] = NULL;
	world->rings[unit] = NULL;
}

static void world_open(struct world *world, enum vmsnd_dir dir, bool gaps)
{
	const struct vmsnd_stream_params params = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    .buffer_frames = BUFFER,
	    .period_frames = PERIOD};
	const struct vmsnd_pool_conf pool = {.finished = finished};
	struct vmsnd_port_conf conf = {.dir = dir, .enabled = true};

	memset(world, 0, sizeof(*world));
	world->hosts[0].gaps = gaps;
	world->now = world_time(world);
	world->dir = dir;
	assert_int_equal(vmsnd_pool_open(&pool, &world->pool), VMSND_OK);
	world->env = (struct vmsnd_connector_env){.ctx = world,
						  .submit = submit,
						  .rates = &vmsnd_resampler_samplerate,
						  .cpu = VMSND_CPU_BASELINE};
	world->storage = zeroed(VMSND_PORT_RING_BYTES);
	world->port = zeroed(vmsnd_port_footprint());
	conf.env = &world->env;
	conf.ring_storage = world->storage;
	vmsnd_port_init(world->port, &conf);
	for (unsigned i = 0; i < UNITS; i++) {
		world->hosts[i].clock = world->spare[i].clock = &world->now;
		world->spare[i].part_of = &world->hosts[i];
	}
	world_add(world, 0, VMSND_LUN_NORMAL, &thread_class);
	assert_int_equal(vmsnd_port_prepare(world->port, &params, world->now), VMSND_OK);
	assert_int_equal(vmsnd_port_start(world->port, world->now), VMSND_OK);
}

static void world_close(struct world *world)
{
	vmsnd_port_close(world->port, world->now);
	for (unsigned i = 0; i < UNITS; i++) {
		if (world->luns[i])
			world_remove(world, i);
		assert_false(world->hosts[i].disordered);
	}
	assert_true(vmsnd_pool_close(world->pool, 10 * VMSND_NS_PER_SECOND));
	free(world->port);
	free(world->storage);
}

/* One move of the device's; frames it moved. */
static uint32_t device_moves(struct world *world, uint32_t frames)
{
	void *at;
	uint32_t n = vmsnd_port_begin(world->port, frames, &at);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t *frame = (uint32_t *)at + i;

		if (world->dir == VMSND_PLAYBACK) {
			*frame = ++world->next;
		} else if (*frame != 0) {
			assert_true(world->hosts[0].gaps ? *frame > world->next
							 : *frame == world->next + 1);
			world->next = *frame;
		}
	}
	vmsnd_port_commit(world->port, n);
	return n;
}

/* Everything a lane may ask while the audio threads are at work. */
static void look_at_everything(struct world *world)
{
	struct vmsnd_counter list[32];
	uint64_t done = vmsnd_port_done_frames(world->port);

	assert_true(done >= world->done);
	world->done = done;
	vmsnd_port_counters(world->port, list, 32);
	vmsnd_port_delay_frames(world->port);
	vmsnd_port_rate_hz(world->port);
	vmsnd_port_state(world->port);
	vmsnd_port_due(world->port, done + PERIOD, world->now);
	for (unsigned i = 0; i < UNITS; i++) {
		struct vmsnd_lun_status status;

		if (world->luns[i])
			vmsnd_lun_status(world->luns[i], &status);
	}
	vmsnd_port_advance(world->port, world->now);
	world->now = world_time(world); /* the audio threads do not wait for it */
}

static void turn(struct world *world)
{
	if (vmsnd_port_wanted(world->port) == 0 ||
	    device_moves(world, 1 + world->next % PERIOD) == 0)
		sched_yield();
	look_at_everything(world);
}

static void test_playback_with_audio_threads(void **state)
{
	struct world world;

	world_open(&world, VMSND_PLAYBACK, false);
	world.hosts[1].follows = world.hosts[1].gaps = true;
	world_add(&world, 1, VMSND_LUN_NORMAL, &thread_class);
	world_add(&world, 2, VMSND_LUN_NORMAL, &thread_class); /* bent */
	for (uint32_t round = 1; world.next < FRAMES; round++) {
		turn(&world);
		if (round % 1000 == 0)
			vmsnd_port_stop(world.port, world.now);
		if (round % 300 == 0) {
			vmsnd_port_drain(world.port, world.now);
			sched_yield();
		}
		if (round % 100 == 0)
			vmsnd_port_start(world.port, world.now);
	}
	vmsnd_port_start(world.port, world.now);
	vmsnd_port_drain(world.port, world.now);
	while (vmsnd_port_play_state(world.port) != VMSND_PLAY_NOPLAY) {
		look_at_everything(&world);
		sched_yield();
	}
	assert_int_equal(vmsnd_port_done_frames(world.port), world.next);
	world_close(&world);
	assert_int_equal(world.hosts[0].next, world.next);
}

static void test_capture_with_audio_threads(void **state)
{
	struct world world;

	world_open(&world, VMSND_CAPTURE, false);
	world.hosts[1].silent = true; /* added, it changes nothing (MX-14) */
	world_add(&world, 1, VMSND_LUN_NORMAL, &thread_class);
	for (uint32_t round = 1; world.next < FRAMES; round++) {
		turn(&world);
		if (round % 1000 == 0)
			vmsnd_port_stop(world.port, world.now);
		vmsnd_port_start(world.port, world.now);
	}
	vmsnd_port_stop(world.port, world.now);
	while (device_moves(&world, PERIOD) > 0)
		;
	assert_int_equal(world.hosts[0].next, world.next);
	world_close(&world);
}

/* The owner's switch while the audio thread is at work: frames move before and after, through
 * the host or the stand-in. */
static void test_switch_with_audio_threads(void **state)
{
	struct world world;

	world_open(&world, VMSND_PLAYBACK, true);
	for (unsigned i = 0; i < 2; i++)
		world.hosts[i].gaps = world.hosts[i].follows = true;
	world_add(&world, 1, VMSND_LUN_NORMAL, &slow_class);
	for (uint32_t at = 0; at < 50; at++) {
		uint64_t before = world.done;

		vmsnd_port_enable(world.port, at % 2, world.now);
		while (world.done < before + 3 * PERIOD)
			turn(&world);
	}
	assert_true(world.done <= world.next);
	world_close(&world);
}

static uint32_t random_below(struct world *world, uint32_t below)
{
	world->seed = world->seed * 1664525u + 1013904223u;
	return (world->seed >> 8) % below;
}

/* ---- another backend under it ---- */

static void begin_next(struct world *world, unsigned unit)
{
	bool spare = !world->on_spare[unit];
	struct vmsnd_backend *host = spare ? &world->spare[unit] : &world->hosts[unit];
	const struct vmsnd_lun_next_conf conf = {.backend = random_below(world, 2) ? &slow_class
										   : &thread_class,
						 .host = host,
						 .prefs = {.sample = VMSND_SAMPLE_COUNT,
							   .prebuffer_ms = VMSND_PREBUFFER_UNSET,
							   .quality = VMSND_QUALITY_FASTEST,
							   .no_dither = true}};

	assert_int_equal(vmsnd_lun_next(world->luns[unit], &conf, world->now), VMSND_OK);
}

static void change_over(struct world *world, unsigned unit)
{
	vmsnd_lun_change_over(world->luns[unit], world->now);
	world->on_spare[unit] = !world->on_spare[unit];
}

/* Not one frame is lost or comes twice, at unit 0 of playback and of capture. */
static void many_change_overs(enum vmsnd_dir dir)
{
	struct world world;

	world_open(&world, dir, false);
	world.hosts[1].follows = world.hosts[1].gaps = true;
	world.hosts[1].silent = world.hosts[2].silent = true;
	world_add(&world, 1, VMSND_LUN_NORMAL, &thread_class);
	world_add(&world, 2, VMSND_LUN_NORMAL, &thread_class);
	for (uint32_t n = 0; n < 1000; n++) {
		unsigned unit = n % 4 == 3 ? 1 + random_below(&world, 2) : 0;

		begin_next(&world, unit);
		do
			turn(&world);
		while (vmsnd_lun_next_state(world.luns[unit]) != VMSND_NEXT_READY);
		for (unsigned i = random_below(&world, 5); i > 0; i--)
			turn(&world);
		change_over(&world, unit);
		do
			turn(&world);
		while (!vmsnd_lun_next_over(world.luns[unit]));
	}
	if (dir == VMSND_PLAYBACK)
		vmsnd_port_drain(world.port, world.now);
	else
		vmsnd_port_stop(world.port, world.now);
	while (vmsnd_port_play_state(world.port) != VMSND_PLAY_NOPLAY)
		look_at_everything(&world);
	while (dir == VMSND_CAPTURE && device_moves(&world, PERIOD) > 0)
		;
	assert_true(world.next > 1000);
	assert_int_equal(world.hosts[0].next, world.next);
	world_close(&world);
}

static void test_DM_73_a_thousand_change_overs_while_playing(void **state)
{
	many_change_overs(VMSND_PLAYBACK);
}

static void test_DM_73_a_thousand_change_overs_while_recording(void **state)
{
	many_change_overs(VMSND_CAPTURE);
}

/* ---- all at once ---- */

static void meddle_with_next(struct world *world, unsigned unit)
{
	struct vmsnd_lun *lun = world->luns[unit];

	if (!lun)
		return;
	if (vmsnd_lun_next_over(lun))
		begin_next(world, unit);
	else if (vmsnd_lun_next_state(lun) != VMSND_NEXT_NONE && random_below(world, 4))
		change_over(world, unit);
	else
		vmsnd_lun_next_drop(lun, world->now);
}

static void toggle_unit(struct world *world, unsigned unit)
{
	static const enum vmsnd_lun_role roles[] = {VMSND_LUN_NORMAL, VMSND_LUN_TAP_DEVICE,
						    VMSND_LUN_TAP_HOST};

	if (world->luns[unit]) {
		world_remove(world, unit);
		return;
	}
	/* A new role begins a new story. */
	world->hosts[unit].next = 0;
	world_add(world, unit, roles[random_below(world, 3)],
		  random_below(world, 2) ? &slow_class : &thread_class);
}

static void set_volume(struct world *world)
{
	const struct vmsnd_volume volume = {.gain_mdb = (int32_t)random_below(world, 20000) - 10000,
					    .muted = random_below(world, 4)};

	vmsnd_lun_volume(world->luns[3], &volume);
}

static void meddle(struct world *world)
{
	switch (random_below(world, 14)) {
	case 0:
		vmsnd_port_enable(world->port, random_below(world, 2), world->now);
		break;
	case 1:
		vmsnd_port_pause(world->port, random_below(world, 2), world->now);
		break;
	case 2:
	case 3:
		toggle_unit(world, 1 + random_below(world, 2));
		break;
	case 4:
	case 5:
		set_volume(world);
		break;
	case 6:
		vmsnd_lun_reopen(world->luns[0], world->now);
		break;
	case 7:
		vmsnd_lun_attach(world->luns[0], NULL, world->now);
		vmsnd_lun_attach(world->luns[0],
				 world->on_spare[0] ? &world->spare[0] : &world->hosts[0],
				 world->now);
		break;
	case 8:
	case 9:
	case 10:
		meddle_with_next(world, 0);
		break;
	case 11:
	case 12:
		meddle_with_next(world, 1 + random_below(world, 2));
		break;
	default:
		vmsnd_port_stop(world->port, world->now);
	}
}

/* Privacy switch, units and taps in and out, volume, suspension, another device, figures. */
static void everything(enum vmsnd_dir dir)
{
	struct world world;

	world_open(&world, dir, true);
	for (unsigned i = 0; i < 3; i++)
		world.hosts[i].follows = world.hosts[i].gaps = true;
	/* Of an input, only unit 0 has numbers; the others are added and must not change them. */
	for (unsigned i = 1; i < UNITS; i++)
		world.hosts[i].silent = true;
	world_add(&world, 3, VMSND_LUN_NORMAL, &thread_class);
	for (uint32_t round = 0; round < 400; round++) {
		uint64_t before;

		meddle(&world);
		for (unsigned i = random_below(&world, 20); i > 0; i--)
			turn(&world);
		if (round % 4 != 3)
			continue;
		vmsnd_port_pause(world.port, false, world.now);
		vmsnd_port_start(world.port, world.now);
		before = world.done;
		while (world.done < before + PERIOD) /* time has not stopped */
			turn(&world);
	}
	vmsnd_port_enable(world.port, true, world.now);
	world_close(&world);
}

static void test_everything_at_once_while_playing(void **state)
{
	everything(VMSND_PLAYBACK);
}

static void test_everything_at_once_while_recording(void **state)
{
	everything(VMSND_CAPTURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ring_between_two_threads),
	    cmocka_unit_test(test_playback_with_audio_threads),
	    cmocka_unit_test(test_capture_with_audio_threads),
	    cmocka_unit_test(test_switch_with_audio_threads),
	    cmocka_unit_test(test_DM_73_a_thousand_change_overs_while_playing),
	    cmocka_unit_test(test_DM_73_a_thousand_change_overs_while_recording),
	    cmocka_unit_test(test_everything_at_once_while_playing),
	    cmocka_unit_test(test_everything_at_once_while_recording),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
