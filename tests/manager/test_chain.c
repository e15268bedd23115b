/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains of drivers: made, changed while a stream goes by, taken down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "manager/chain.h"

#define FRAMES 480u
#define UNITS  2u

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

struct world {
	struct vmsnd_registry *registry;
	struct vmsnd_census *census;
	struct vmsnd_log log;
	char said[4096];
	unsigned lines;
	struct vmsnd_drivers *chain;
	struct vmsnd_error error;
	int16_t next, block[2 * FRAMES];
};

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;
	size_t used = strlen(world->said);

	snprintf(world->said + used, sizeof(world->said) - used, "%s\n", line);
	world->lines++;
}

static struct vmsnd_drivers *open_chain(struct world *world, const char *who)
{
	const struct vmsnd_drivers_setup setup = {.registry = world->registry,
						  .census = world->census,
						  .log = &world->log,
						  .who = who,
						  .n_units = UNITS};
	struct vmsnd_drivers *chain;

	assert_int_equal(vmsnd_drivers_open(&setup, &chain), VMSND_OK);
	return chain;
}

static int open_world(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	world.log = (struct vmsnd_log){&world, write_line};
	assert_int_equal(vmsnd_registry_open(NULL, &world.registry), VMSND_OK);
	assert_int_equal(vmsnd_census_open(&world.census), VMSND_OK);
	world.chain = open_chain(&world, "vm1: output 0");
	*state = &world;
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;

	vmsnd_drivers_close(world->chain);
	vmsnd_census_close(world->census);
	vmsnd_registry_close(world->registry);
	return 0;
}

static void prepare(struct world *world, unsigned unit, enum vmsnd_dir dir)
{
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, unit);

	insert->prepare(insert->ctx, dir, &stereo, FRAMES);
}

static uint32_t delay_of(const struct world *world, unsigned unit)
{
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, unit);

	return insert->delay_frames_rt(insert->ctx);
}

/* Frames n: left n, right -n, from 1 on. */
static void play(struct world *world, unsigned unit, uint32_t frames)
{
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, unit);

	for (uint32_t i = 0; i < frames; i++) {
		world->next++;
		world->block[2 * i] = world->next;
		world->block[2 * i + 1] = (int16_t)-world->next;
	}
	insert->process_rt(insert->ctx, world->block, frames);
}

static void test_DM61_a_chain_is_linear_from_top_to_bottom(void **state)
{
	struct world *world = *state;

	/* L/- then 1/0: left becomes silence, right has left. The other way round: both swapped,
	 * then right silent. */
	prepare(world, 0, VMSND_PLAYBACK);
	prepare(world, 1, VMSND_CAPTURE);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 0, "map,channels=L/-", &world->error),
			 0);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 1, "map,channels=1/0", &world->error),
			 0);
	play(world, 0, 1);
	assert_int_equal(world->block[0], 0);
	assert_int_equal(world->block[1], 1);
	play(world, 1, 1);
	assert_int_equal(world->block[0], -2);
	assert_int_equal(world->block[1], 0);
	assert_int_equal(vmsnd_drivers_count(world->chain), 2);
	assert_string_equal(vmsnd_drivers_name(world->chain, 0), "map");
	assert_string_equal(vmsnd_drivers_text(world->chain, 1), "map,channels=1/0");
	assert_null(vmsnd_drivers_text(world->chain, 2));
}

static void test_DM73_a_driver_that_stays_keeps_what_it_holds(void **state)
{
	struct world *world = *state;

	prepare(world, 0, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 0, "delay,ms=10", &world->error), 0);
	assert_int_equal(delay_of(world, 0), 480);
	play(world, 0, 480);
	assert_int_equal(world->block[0], 0);
	assert_int_equal(world->block[959], 0);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 1, "map", &world->error), 0);
	play(world, 0, 240);
	assert_int_equal(world->block[0], -1);
	assert_int_equal(world->block[1], 1);
	assert_int_equal(vmsnd_drivers_reattach(world->chain, 1, "map,channels=0/-", &world->error),
			 0);
	play(world, 0, 120);
	assert_int_equal(world->block[0], 241);
	assert_int_equal(world->block[1], 0);
	assert_int_equal(vmsnd_drivers_detach(world->chain, 1), VMSND_OK);
	prepare(world, 0, VMSND_PLAYBACK); /* stopped and started */
	play(world, 0, 1);
	assert_int_equal(world->block[0], 361);
	assert_int_equal(vmsnd_drivers_detach(world->chain, 0), VMSND_OK);
	play(world, 0, 1);
	assert_int_equal(world->block[0], 842);
	assert_int_equal(delay_of(world, 0), 0);
	assert_true(vmsnd_drivers_tend(world->chain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_DM61_a_chain_is_linear_from_top_to_bottom,
					    open_world, close_world),
	    cmocka_unit_test_setup_teardown(test_DM73_a_driver_that_stays_keeps_what_it_holds,
					    open_world, close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
