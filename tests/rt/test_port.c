/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole ports under the guard: every unit's host has an audio thread of its own that is guarded
 * around each call into the connector, while the lane does all that a lane can do. Nobody waits for
 * time; nothing is asserted of the sound (tests/connector does): what counts is that no audio
 * thread aborted, and that it would have. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "connector/connector.h"
#include "guard.h"
#include "os/cpu.h"

#define PERIOD     480u
#define BUFFER     1920u
#define UNITS      4u
#define MAX_FRAMES 1024u

static const char *unable;

static void need_guard(void)
{
	if (!unable)
		return;
	print_message("# skipped: %s\n", unable);
	skip();
}

/* ---- hosts ---- */

struct vmsnd_backend {
	struct vmsnd_format format; /* settles on this; channels 0: as wanted */
	const _Atomic vmsnd_ns *clock;
	_Atomic unsigned long blocks;
};

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	pthread_t thread;
	_Atomic bool stop;
	bool running;
};

static void one_block(struct vmsnd_stream *stream, struct vmsnd_block *block, uint32_t round)
{
	uint32_t ready;

	block->frames = 1 + round * 7 % MAX_FRAMES;
	block->delay_frames = round % 500;
	block->gap = round % 61 == 60;
	block->when = atomic_load(stream->host->clock);
	rt_guard_enter();
	ready = stream->user.ready_rt(stream->ctx);
	stream->user.block_rt(stream->ctx, block);
	rt_guard_leave();
	atomic_fetch_add(&stream->host->blocks, 1);
	if (ready < block->frames)
		sched_yield(); /* let the lane come by, but let it underrun too */
}

static void *audio_thread(void *arg)
{
	static _Thread_local uint64_t samples[MAX_FRAMES * VMSND_CHANNELS_MAX];
	struct vmsnd_block block = {.samples = samples};
	struct vmsnd_stream *stream = arg;
	const char *why;

	if (!rt_guard_init(&why))
		abort();
	for (uint32_t round = 0; !atomic_load(&stream->stop); round++)
		one_block(stream, &block, round);
	return NULL;
}

static enum vmsnd_rc host_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
			       const struct vmsnd_stream_user *user, void *ctx,
			       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return VMSND_E_NOMEM;
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	*got =
	    (struct vmsnd_stream_got){.format = host->format.channels ? host->format : want->format,
				      .period_frames = PERIOD,
				      .max_frames = MAX_FRAMES};
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc host_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	atomic_store(&stream->stop, false);
	stream->running = pthread_create(&stream->thread, NULL, audio_thread, stream) == 0;
	return stream->running ? VMSND_OK : VMSND_E_SYSTEM;
}

static void host_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!stream->running)
		return;
	atomic_store(&stream->stop, true);
	pthread_join(stream->thread, NULL);
	stream->running = false;
}

static void host_close(struct vmsnd_stream *stream)
{
	host_stop(stream, 0);
	free(stream);
}

static const struct vmsnd_backend_class host_class = {.abi = VMSND_BACKEND_ABI,
						      .abi_end = VMSND_BACKEND_ABI,
						      .name = "guarded",
						      .stream_open = host_open,
						      .stream_start = host_start,
						      .stream_stop = host_stop,
						      .stream_close = host_close};

/* ---- a port, its units, and somebody who meddles ---- */

struct world {
	struct vmsnd_backend hosts[UNITS];
	struct vmsnd_connector_env env;
	struct vmsnd_port *port;
	struct vmsnd_lun *luns[UNITS];
	void *storage, *rings[UNITS];
	_Atomic vmsnd_ns now;
	uint32_t seed;
};

static uint32_t random_below(struct world *world, uint32_t below)
{
	world->seed = world->seed * 1664525u + 1013904223u;
	return (world->seed >> 8) % below;
}

static void *zeroed(size_t bytes)
{
	void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);

	assert_non_null(at);
	memset(at, 0, bytes);
	return at;
}

/* Drivers that do as little as one can, so that the way through them is guarded, too. */
static void insert_prepare(void *ctx, enum vmsnd_dir dir, const struct vmsnd_format *format,
			   uint32_t max_frames)
{
}

static void insert_process_rt(void *ctx, void *samples, uint32_t frames)
{
	memset(samples, 0, frames > 0 ? 1 : 0);
}

static uint32_t insert_delay_frames_rt(void *ctx)
{
	return 333;
}

static void add(struct world *world, unsigned unit, enum vmsnd_lun_role role)
{
	static const struct vmsnd_insert insert = {NULL, insert_prepare, insert_process_rt,
						   insert_delay_frames_rt};
	struct vmsnd_lun_conf conf = {.role = role,
				      .backend = &host_class,
				      .insert = &insert,
				      .host = &world->hosts[unit],
				      .prefs = {.sample = VMSND_SAMPLE_COUNT,
						.prebuffer_ms = VMSND_PREBUFFER_UNSET,
						.quality = VMSND_QUALITY_MEDIUM}};

	world->luns[unit] = zeroed(vmsnd_lun_footprint());
	conf.ring_storage = world->rings[unit] = unit ? zeroed(VMSND_PORT_RING_BYTES) : NULL;
	assert_int_equal(vmsnd_port_add(world->port, unit, world->luns[unit], &conf, world->now),
			 VMSND_OK);
}

static void take_out(struct world *world, unsigned unit)
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

static void open_world(struct world *world, enum vmsnd_dir dir,
		       const struct vmsnd_resampler_class *rates)
{
	const struct vmsnd_stream_params params = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    .buffer_frames = BUFFER,
	    .period_frames = PERIOD};
	struct vmsnd_port_conf conf = {.dir = dir, .enabled = true};

	memset(world, 0, sizeof(*world));
	world->env = (struct vmsnd_connector_env){.rates = rates, .cpu = vmsnd_cpu_best()};
	world->storage = zeroed(VMSND_PORT_RING_BYTES);
	world->port = zeroed(vmsnd_port_footprint());
	conf.env = &world->env;
	conf.ring_storage = world->storage;
	vmsnd_port_init(world->port, &conf);
	for (unsigned i = 0; i < UNITS; i++)
		world->hosts[i].clock = &world->now;
	world->hosts[2].format =
	    (struct vmsnd_format){.sample = VMSND_SAMPLE_FLOAT, .rate_hz = 44100, .channels = 6};
	world->hosts[3].format =
	    (struct vmsnd_format){.sample = VMSND_SAMPLE_S24_3, .rate_hz = 96000, .channels = 1};
	add(world, 0, VMSND_LUN_NORMAL);
	assert_int_equal(vmsnd_port_prepare(world->port, &params, 0), VMSND_OK);
	assert_int_equal(vmsnd_port_start(world->port, 0), VMSND_OK);
}

static void close_world(struct world *world)
{
	vmsnd_port_close(world->port, world->now);
	for (unsigned i = 0; i < UNITS; i++)
		if (world->luns[i])
			take_out(world, i);
	free(world->port);
	free(world->storage);
}

static void look(struct world *world)
{
	struct vmsnd_counter list[32];

	vmsnd_port_counters(world->port, list, 32);
	vmsnd_port_delay_frames(world->port);
	vmsnd_port_rate_hz(world->port);
	vmsnd_port_state(world->port);
	for (unsigned i = 0; i < UNITS; i++) {
		struct vmsnd_lun_status status;

		if (world->luns[i])
			vmsnd_lun_status(world->luns[i], &status);
	}
}

/* The device has its turn, then the lane looks at everything. */
static void turn(struct world *world)
{
	uint32_t n = vmsnd_port_wanted(world->port);
	void *at;

	n = vmsnd_port_begin(world->port, n < PERIOD ? n : PERIOD, &at);
	vmsnd_port_commit(world->port, n);
	if (n == 0)
		sched_yield();
	look(world);
	vmsnd_port_advance(world->port, world->now);
	world->now += 100000;
}

/* Until unit 0's host has had so many blocks more. It may have gone, so there is an end to it. */
static void turns(struct world *world, unsigned blocks)
{
	unsigned long until = atomic_load(&world->hosts[0].blocks) + blocks;

	for (unsigned n = 0; n < 5000 && atomic_load(&world->hosts[0].blocks) < until; n++)
		turn(world);
}

static void toggle(struct world *world, unsigned unit)
{
	static const enum vmsnd_lun_role roles[] = {VMSND_LUN_NORMAL, VMSND_LUN_TAP_DEVICE,
						    VMSND_LUN_TAP_HOST, VMSND_LUN_NORMAL};

	if (world->luns[unit])
		take_out(world, unit);
	else
		add(world, unit, roles[random_below(world, 4)]);
}

static void set_volume(struct world *world, unsigned unit)
{
	const struct vmsnd_volume volume = {.gain_mdb = (int32_t)random_below(world, 20000) - 10000,
					    .muted = random_below(world, 4)};

	if (world->luns[unit])
		vmsnd_lun_volume(world->luns[unit], &volume);
}

/* Unit 0's host: as the guest has it, or one that needs everything converted. */
static void change_format(struct world *world)
{
	world->hosts[0].format = world->hosts[random_below(world, UNITS)].format;
	vmsnd_lun_reopen(world->luns[0], world->now);
}

static void meddle(struct world *world)
{
	switch (random_below(world, 8)) {
	case 0:
	case 1:
		toggle(world, 1 + random_below(world, UNITS - 1));
		break;
	case 2:
	case 3:
		set_volume(world, random_below(world, UNITS));
		break;
	case 4:
		change_format(world);
		break;
	case 5:
		vmsnd_port_enable(world->port, false, world->now);
		turn(world);
		vmsnd_port_enable(world->port, true, world->now);
		break;
	case 6:
		vmsnd_port_drain(world->port, world->now);
		break;
	default:
		vmsnd_port_pause(world->port, true, world->now);
		vmsnd_port_pause(world->port, false, world->now);
	}
	vmsnd_port_start(world->port, world->now);
}

static void run(enum vmsnd_dir dir)
{
	unsigned long entered = rt_guard_entered();
	struct world world;

	need_guard();
	open_world(&world, dir, &vmsnd_resampler_samplerate);
	for (unsigned i = 1; i < UNITS; i++)
		add(&world, i, VMSND_LUN_NORMAL);
	for (unsigned i = 0; i < UNITS; i++)
		while (atomic_load(&world.hosts[i].blocks) < 100)
			turn(&world);
	for (unsigned round = 0; round < 150; round++) {
		meddle(&world);
		turns(&world, 20);
	}
	close_world(&world);
	assert_true(rt_guard_entered() - entered > 2000);
}

static void test_playback_with_four_units(void **state)
{
	run(VMSND_PLAYBACK);
}

static void test_capture_with_four_units(void **state)
{
	run(VMSND_CAPTURE);
}

/* ---- it would have been seen ---- */

static void *volatile planted;

static void process_rt(struct vmsnd_resampler *resampler, double ratio,
		       struct vmsnd_resampler_work *work)
{
	planted = malloc(1);
	vmsnd_resampler_samplerate.process_rt(resampler, ratio, work);
}

static _Noreturn void play_with_a_plant(enum vmsnd_dir dir)
{
	struct vmsnd_resampler_class rates = vmsnd_resampler_samplerate;
	struct world world;

	rates.process_rt = process_rt;
	if (!freopen("/dev/null", "w", stderr))
		_exit(2);
	open_world(&world, dir, &rates);
	add(&world, 2, VMSND_LUN_NORMAL);
	/* Until the plant ends it: when the audio thread comes to run is the scheduler's affair. */
	alarm(60);
	for (;;)
		turn(&world);
}

static void test_a_plant_deep_inside_aborts(void **state)
{
	need_guard();
	for (unsigned dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE; dir++) {
		int status = 0;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			play_with_a_plant((enum vmsnd_dir)dir);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_playback_with_four_units),
	    cmocka_unit_test(test_capture_with_four_units),
	    cmocka_unit_test(test_a_plant_deep_inside_aborts),
	};

	if (rt_guard_init(&unable))
		unable = NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
