/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain in a port: what a host hears, frame by frame, while drivers come and go. */
#include "../connector/rig.h"

#include "manager/chain.h"

#define DELAY 1440u /* 30 ms */

struct world {
	struct rig rig;
	struct vmsnd_registry *registry;
	struct vmsnd_census *census;
	struct vmsnd_drivers *chain;
	struct vmsnd_error error;
};

static void begin(struct world *world, enum vmsnd_dir dir)
{
	struct vmsnd_drivers_setup setup = {.who = "out", .n_units = 1};

	assert_int_equal(vmsnd_registry_open(NULL, &world->registry), VMSND_OK);
	assert_int_equal(vmsnd_census_open(&world->census), VMSND_OK);
	setup.registry = world->registry;
	setup.census = world->census;
	assert_int_equal(vmsnd_drivers_open(&setup, &world->chain), VMSND_OK);
	rig_begin(&world->rig, dir, true);
	world->rig.confs[0].insert = vmsnd_drivers_insert(world->chain, 0);
	rig_add(&world->rig, 0);
}

static void end(struct world *world)
{
	rig_close(&world->rig);
	vmsnd_drivers_close(world->chain);
	vmsnd_census_close(world->census);
	vmsnd_registry_close(world->registry);
}

static void test_frames_come_exactly_so_much_later(void **state)
{
	struct world plain, world;
	size_t before;

	begin(&plain, VMSND_PLAYBACK);
	rig_go(&plain.rig, SECOND);
	before = rig_silence_before(&plain.rig);
	end(&plain);

	begin(&world, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_drivers_attach(world.chain, 0, "delay,ms=30", &world.error), 0);
	rig_go(&world.rig, SECOND);
	assert_int_equal(rig_silence_before(&world.rig), before + DELAY);
	assert_int_equal(rig_silence_inside(&world.rig), 0);
	assert_in_range(rig_heard_in_order(&world.rig), 48000 - 4 * DELAY, 48000);
	end(&world);
}

/* What is in the line when its driver leaves is lost, and nothing else; what comes in is silence of
 * exactly its length. */
static void test_DM73_a_change_costs_what_the_line_holds_and_no_more(void **state)
{
	struct world world;
	uint32_t first = 0, second = 0, third = 0, at;

	begin(&world, VMSND_PLAYBACK);
	rig_go(&world.rig, SECOND);
	assert_int_equal(vmsnd_drivers_attach(world.chain, 0, "delay,ms=30", &world.error), 0);
	rig_run(&world.rig, SECOND);
	assert_int_equal(vmsnd_drivers_detach(world.chain, 0), VMSND_OK);
	rig_run(&world.rig, SECOND);
	for (at = 0; world.rig.host.heard[at] == 0; at++)
		;
	for (; world.rig.host.heard[at] == first + 1; at++)
		first++;
	for (uint32_t i = 0; i < DELAY; i++)
		assert_int_equal(world.rig.host.heard[at++], 0);
	for (second = 0; world.rig.host.heard[at + second] == first + 1 + second; second++)
		;
	at += second;
	for (; at < world.rig.host.n_heard; at++)
		assert_int_equal(world.rig.host.heard[at], first + second + DELAY + ++third);
	assert_in_range(second, 48000 - 2 * DELAY, 48000);
	assert_in_range(third, 48000 - 2 * DELAY, 48000);
	assert_int_equal(world.rig.host.opens, 1);
	assert_int_equal(rig_counter(&world.rig, "underruns"), 0);
	assert_true(vmsnd_drivers_tend(world.chain));
	end(&world);
}

static void test_capture_comes_later_too(void **state)
{
	struct world world;
	uint32_t frames = 0;

	begin(&world, VMSND_CAPTURE);
	assert_int_equal(vmsnd_drivers_attach(world.chain, 0, "delay,ms=30", &world.error), 0);
	world.rig.takes = true;
	rig_go(&world.rig, SECOND);
	for (uint32_t i = 0; i < DELAY; i++)
		assert_int_equal(world.rig.host.heard[i], 0);
	assert_int_equal(rig_heard_run(&world.rig.host, DELAY, &frames),
			 world.rig.host.heard[DELAY]);
	assert_in_range(frames, 48000 - 3 * DELAY, 48000);
	end(&world);
}

/* The end of a sound is not what the next one begins with. */
static void test_a_drain_brings_the_line_out(void **state)
{
	struct world world;
	uint32_t written;

	begin(&world, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_drivers_attach(world.chain, 0, "delay,ms=30", &world.error), 0);
	rig_prepare(&world.rig);
	written = rig_write(&world.rig, BUFFER);
	rig_start(&world.rig);
	vmsnd_port_drain(world.rig.port, world.rig.now);
	rig_run(&world.rig, SECOND);
	assert_int_equal(rig_heard_in_order(&world.rig), written);
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frames_come_exactly_so_much_later),
	    cmocka_unit_test(test_DM73_a_change_costs_what_the_line_holds_and_no_more),
	    cmocka_unit_test(test_capture_comes_later_too),
	    cmocka_unit_test(test_a_drain_brings_the_line_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
