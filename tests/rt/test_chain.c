/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain's audio side under the guard, with every driver there is; and that one which allocates
 * would be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "manager/chain.h"

#define FRAMES 512u

static const char *unable;

static void *volatile planted;

static size_t plant_footprint(const struct vmsnd_driver_conf *conf)
{
	return 1;
}

static enum vmsnd_rc plant_init(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf)
{
	return VMSND_OK;
}

static void plant_process_rt(struct vmsnd_driver *driver, void *samples, uint32_t frames)
{
	planted = malloc(1);
}

static const struct vmsnd_driver_class plant = {.abi = VMSND_DRIVER_ABI,
						.name = "plant",
						.summary = "allocates where it may not",
						.max_instances = 1,
						.footprint = plant_footprint,
						.init = plant_init,
						.process_rt = plant_process_rt,
						.abi_end = VMSND_DRIVER_ABI};

struct world {
	struct vmsnd_registry *registry;
	struct vmsnd_census *census;
	struct vmsnd_drivers *chain;
	const struct vmsnd_insert *insert;
	struct vmsnd_error error;
};

static void open_world(struct world *world)
{
	struct vmsnd_drivers_setup setup = {.who = "out", .n_units = 1};

	assert_int_equal(vmsnd_registry_open(NULL, &world->registry), VMSND_OK);
	assert_int_equal(vmsnd_registry_add_driver(world->registry, &plant), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_census_open(&world->census), VMSND_OK);
	setup.registry = world->registry;
	setup.census = world->census;
	assert_int_equal(vmsnd_drivers_open(&setup, &world->chain), VMSND_OK);
	world->insert = vmsnd_drivers_insert(world->chain, 0);
}

static void close_world(struct world *world)
{
	vmsnd_drivers_close(world->chain);
	vmsnd_census_close(world->census);
	vmsnd_registry_close(world->registry);
}

static void play(struct world *world)
{
	static uint64_t samples[FRAMES * VMSND_CHANNELS_MAX];

	for (uint32_t frames = 1; frames <= FRAMES; frames = frames * 2 + 1) {
		rt_guard_enter();
		world->insert->process_rt(world->insert->ctx, samples, frames);
		world->insert->delay_frames_rt(world->insert->ctx);
		rt_guard_leave();
	}
}

static void play_format(struct world *world, enum vmsnd_sample sample)
{
	const struct vmsnd_format format = {.sample = sample, .rate_hz = 48000, .channels = 2};

	world->insert->prepare(world->insert->ctx, VMSND_PLAYBACK, &format, FRAMES);
	play(world);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 1, "map,channels=-/0", &world->error),
			 VMSND_OK);
	play(world);
	assert_int_equal(vmsnd_drivers_detach(world->chain, 1), VMSND_OK);
	play(world);
}

static void test_drivers_neither_allocate_nor_lock_nor_wait(void **state)
{
	unsigned long entered = rt_guard_entered();
	struct world world;

	if (unable) {
		print_message("# skipped: %s\n", unable);
		skip();
	}
	open_world(&world);
	assert_int_equal(vmsnd_drivers_attach(world.chain, 0, "delay,ms=9", &world.error), 0);
	for (unsigned i = 0; i < VMSND_SAMPLE_COUNT; i++)
		play_format(&world, (enum vmsnd_sample)i);
	close_world(&world);
	assert_true(rt_guard_entered() - entered > 200);
}

static void test_one_that_allocates_aborts(void **state)
{
	int status = 0;
	pid_t pid;

	if (unable)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct world world;

		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		open_world(&world);
		vmsnd_drivers_attach(world.chain, 0, "plant", &world.error);
		play_format(&world, VMSND_SAMPLE_S16);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_drivers_neither_allocate_nor_lock_nor_wait),
	    cmocka_unit_test(test_one_that_allocates_aborts),
	};

	if (rt_guard_init(&unable))
		unable = NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
