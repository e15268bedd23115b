/* SPDX-License-Identifier: BSD-3-Clause */
/* What a card's owner is told of DSD that an output does not take, or that goes past drivers. */
#include "stage.h"

static void play_dsd(struct stage *stage, uint64_t frames)
{
	stage->signal = sim_signal(VMSND_SAMPLE_DSD_U32, 48000, 2);
	stage->signal.end = frames;
	stage->player = sim_player(&stage->sim, 0, &stage->signal, PERIOD, 4);
}

static void test_V45_one_line_for_an_output_that_takes_no_dsd(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.rate_hz = 44100; /* whatever it is asked for */
	sim_add(&stage.sim, "capture=0,formats=S16 DSD_U32", "fake");
	for (unsigned i = 0; i < 5; i++) {
		vmsnd_ns began = stage.sim.now;

		play_dsd(&stage, 48000);
		stage_finish(&stage);
		/* In real time, into nothing. */
		assert_in_range(stage.sim.now - began, 990 * MS, 1100 * MS);
		assert_int_equal(stage.player.messages_failed, 0);
		assert_int_equal(fake.frames, 0);
		assert_int_equal(fake.stream_tries, i + 1);
		stage_play(&stage, 4800);
		stage_finish(&stage);
		assert_true(fake.frames > 4000);
		fake.frames = 0;
		fake.stream_tries = i + 1;
	}
	assert_int_equal(stage_count(&stage, "output 0 (fake) takes no DSD_U32; the guest goes on "
					     "without it; 'file' takes it"),
			 1);
	assert_int_equal(stage_count(&stage, "tried again"), 0);
	assert_int_equal(stage_count(&stage, "works again"), 0);
	stage_close(&stage);
}

static void test_V45_one_line_for_drivers_that_are_passed_by(void **state)
{
	struct vmsnd_driver_place place = {.card = 0, .output = 0, .at = 0};
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "capture=0,formats=S16 DSD_U32", "fake");
	assert_int_equal(
	    vmsnd_machine_driver_attach(stage.sim.machine, &place, "delay,ms=500", stage.sim.now),
	    VMSND_OK);
	for (unsigned i = 0; i < 3; i++) {
		play_dsd(&stage, 48000);
		stage_finish(&stage);
		stage_play(&stage, 4800);
		stage_finish(&stage);
	}
	assert_int_equal(stage_count(&stage, "gets DSD_U32, which goes past the drivers"), 1);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V45_one_line_for_an_output_that_takes_no_dsd),
	    cmocka_unit_test(test_V45_one_line_for_drivers_that_are_passed_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
