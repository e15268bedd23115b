/* SPDX-License-Identifier: BSD-3-Clause */
/* Backends that are away, fail, return, or change their devices. */
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "stage.h"

static void advance(struct stage *stage)
{
	vmsnd_machine_advance(stage->sim.machine, stage->sim.now);
}

static size_t devices(struct stage *stage, struct vmsnd_host_device *list, size_t max)
{
	return vmsnd_machine_host_devices(stage->sim.machine, 0, 0, list, max);
}

/* ---- away ---- */

static void test_AT_02_a_backend_that_is_away_is_tried_again_until_it_is_back(void **state)
{
	/* Seconds after the first: 1, 2, 3, 4 apart, then 5. */
	static const unsigned tries_at[] = {0, 1, 3, 6, 10, 15, 20, 25};
	struct stage stage;

	stage_open(&stage);
	fake.away = true;
	sim_add(&stage.sim, "", "fake");
	assert_int_equal(stage_count(&stage, "is not there"), 1);
	stage_play(&stage, 48000 * 40);
	for (unsigned second = 0, tries = 0; second < 29; second++) {
		while (tries < 8 && tries_at[tries] <= second)
			tries++;
		assert_int_equal(fake.open_tries, tries);
		assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "lost");
		stage_run(&stage, SECOND);
	}
	assert_true(fake.quiet);
	assert_int_equal(fake.frames, 0);
	fake.away = false;
	stage_run(&stage, 2 * SECOND); /* the try at 30 */
	assert_int_equal(fake.opens, 1);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "running");
	assert_true(fake.frames > 0);
	stage_finish(&stage);
	/* The guest noticed nothing, its owner read two lines. */
	assert_int_equal(stage.player.messages_failed, 0);
	assert_in_range(stage.player.ended_at - stage.player.started_at, 40 * SECOND,
			40 * SECOND + 60 * MS);
	assert_int_equal(stage_count(&stage, "is not there"), 1);
	assert_int_equal(stage_count(&stage, "is back"), 1);
	assert_int_equal(stage_count(&stage, "output 0"), 2);
	stage_close(&stage);
}

static void test_AT_02_what_is_away_can_be_detached_and_closed(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.away = true;
	sim_add(&stage.sim, "input=on", "null");
	assert_int_equal(stage_attach(&stage, "fake"), 1);
	assert_int_equal(stage_attach(&stage, "fake"), 2);
	stage_run(&stage, 4 * SECOND);
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 1, stage.sim.now), VMSND_OK);
	assert_null(stage.sim.machine->cards[0]->leaving);
	stage_close(&stage);
	assert_int_equal(fake.opens + fake.closes, 0);
}

static void test_AT_02_other_errors_are_failures_and_leave_nothing(void **state)
{
	static const enum vmsnd_rc codes[] = {VMSND_E_INVALID, VMSND_E_SYSTEM, VMSND_E_NOMEM,
					      VMSND_E_UNSUPPORTED, VMSND_E_DENIED};
	struct stage stage;
	struct vmsnd_card_conf conf = {
	    .device = "virtio-snd", .backend = "fake", .transport = "in-process", .listen_fd = -1};
	unsigned number;

	stage_open(&stage);
	sim_add(&stage.sim, "", "null");
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		fake.rc = codes[i];
		assert_int_equal(
		    vmsnd_machine_attach(stage.sim.machine, 0, "fake", stage.sim.now, &number),
		    codes[i]);
		assert_int_equal(vmsnd_machine_add(stage.sim.machine, &conf, stage.sim.now),
				 codes[i]);
	}
	assert_int_equal(vmsnd_machine_status(stage.sim.machine).cards, 1);
	assert_int_equal(stage_attach(&stage, "null"), 1);
	stage_close(&stage);
}

static void test_BE_04_a_backend_in_error_is_opened_anew(void **state)
{
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 30);
	stage_run(&stage, 10 * SECOND);
	fake.error = fake.away = true;
	stage_run(&stage, 2500 * MS);
	assert_int_equal(fake.closes, 1);
	assert_int_equal(fake.streams[VMSND_PLAYBACK], 0);
	fake.error = fake.away = false;
	stage_run(&stage, 5 * SECOND);
	assert_int_equal(fake.opens, 2);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "running");
	assert_int_equal(stage_count(&stage, "is not there"), 1);
	assert_int_equal(stage_count(&stage, "is back"), 1);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	stage_close(&stage);
}

/* One that comes and goes all the time: neither the log nor the machine is kept busy. */
static void test_BE_04_a_backend_that_flaps_is_tried_seldom_and_told_once(void **state)
{
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 60);
	stage_run(&stage, 6 * SECOND);
	fake.error = true;
	stage_run(&stage, 50 * SECOND);
	assert_in_range(fake.opens, 8, 20);
	assert_true(stage.n_lines <= 4);
	stage_finish(&stage);
	stage_close(&stage);
}

static void test_RI_02_a_lost_stream_is_told_once_and_once_when_it_is_well(void **state)
{
	struct stage stage;
	unsigned tries;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 60);
	stage_run(&stage, 5 * SECOND);
	fake.kill = fake.streams_away = true;
	stage_run(&stage, 12 * SECOND);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "lost");
	assert_int_equal(stage_count(&stage, "does not work now"), 1);
	/* BE-22: news of devices is a reason to look at once. */
	tries = fake.stream_tries;
	fake.streams_away = false;
	fake.user->devices_changed(fake.ctx);
	stage_run(&stage, 20 * MS);
	assert_int_equal(fake.stream_tries, tries + 1);
	assert_int_equal(fake.streams[VMSND_PLAYBACK], 1);
	assert_int_equal(stage_count(&stage, "works again"), 0);
	stage_run(&stage, 2 * SECOND);
	assert_int_equal(stage_count(&stage, "works again"), 1);
	assert_int_equal(stage_count(&stage, "does not work now"), 1);
	assert_true(stage_status(&stage, VMSND_PLAYBACK, 0).losses > 0);
	stage_finish(&stage);
	stage_close(&stage);
}

/* ---- what a backend must have ---- */

static void test_BE_24_a_class_with_a_hole_is_refused(void **state)
{
	static const char *const names[] = {"open",         "close",       "stream_open",
					    "stream_start", "stream_stop", "stream_close"};
	char error[200];

	for (unsigned i = 0; i < 6; i++) {
		struct vmsnd_backend_class cls = fake_class;

		if (i == 0)
			cls.open = NULL;
		else if (i == 1)
			cls.close = NULL;
		else if (i == 2)
			cls.stream_open = NULL;
		else if (i == 3)
			cls.stream_start = NULL;
		else if (i == 4)
			cls.stream_stop = NULL;
		else
			cls.stream_close = NULL;
		assert_false(vmsnd_host_class_fits(&cls, error, sizeof(error)));
		assert_non_null(strstr(error, names[i]));
	}
	assert_true(vmsnd_host_class_fits(&fake_class, error, sizeof(error)));
}

static void test_BE_24_another_interface_or_a_doubled_option_is_refused(void **state)
{
	static const struct vmsnd_option options[] = {
	    {"path", VMSND_OPTION_TEXT, NULL, "fine", 0, 0},
	    {"rate", VMSND_OPTION_UINT, "0", "every backend has this", 0, 9},
	    {.key = NULL}};
	struct vmsnd_backend_class cls = fake_class;
	char error[200];

	cls.options = options;
	assert_false(vmsnd_host_class_fits(&cls, error, sizeof(error)));
	assert_non_null(strstr(error, "'rate'"));
	cls = fake_class;
	cls.abi = 1;
	assert_false(vmsnd_host_class_fits(&cls, error, sizeof(error)));
	assert_non_null(strstr(error, "version 1"));
}

static void test_BE_01_a_direction_that_a_backend_lacks_has_no_stream(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.deaf = true;
	sim_add(&stage.sim, "input=on", "fake");
	assert_true(stage_has(&stage, VMSND_PLAYBACK, 0));
	assert_false(stage_has(&stage, VMSND_CAPTURE, 0));
	stage_attach(&stage, "null,dir=capture");
	assert_false(stage_has(&stage, VMSND_PLAYBACK, 1));
	assert_true(stage_has(&stage, VMSND_CAPTURE, 1));
	stage_close(&stage);
}

/* Away, nobody knows which ways it goes; there, it says. */
static void test_BE_01_limits_are_asked_when_the_backend_comes(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.away = fake.deaf = true;
	sim_add(&stage.sim, "input=on", "fake");
	assert_true(stage_has(&stage, VMSND_CAPTURE, 0));
	fake.away = false;
	stage_run(&stage, 2 * SECOND);
	assert_int_equal(fake.opens, 1);
	assert_false(stage_has(&stage, VMSND_CAPTURE, 0));
	assert_true(stage_has(&stage, VMSND_PLAYBACK, 0));
	stage_close(&stage);
}

/* ---- devices ---- */

static void test_TH_11_a_burst_of_notices_is_one_look_a_third_of_a_second_later(void **state)
{
	struct vmsnd_host_device list[8];
	struct stage stage;

	stage_open(&stage);
	fake.n_devices = 1;
	sim_add(&stage.sim, "", "fake");
	advance(&stage);
	assert_int_equal(fake.looks, 1); /* from attach on */
	assert_int_equal(devices(&stage, list, 8), 1);
	fake.n_devices = 3;
	snprintf(fake.devices[2].id, sizeof(fake.devices[2].id), "usb");
	for (unsigned i = 0; i < 4; i++) {
		fake.user->devices_changed(fake.ctx);
		stage_run(&stage, 200 * MS);
		assert_int_equal(fake.looks, 1);
	}
	stage_run(&stage, 133 * MS); /* 333 ms after the last */
	assert_int_equal(fake.looks, 1);
	stage_run(&stage, 1 * MS);
	assert_int_equal(fake.looks, 2);
	assert_int_equal(devices(&stage, list, 8), 3);
	assert_string_equal(list[2].id, "usb");
	assert_int_equal(devices(&stage, list, 1), 3); /* how many there are */
	stage_run(&stage, 10 * SECOND);
	assert_int_equal(fake.looks, 2);
	stage_close(&stage);
}

static void test_TH_11_notices_without_end_are_looked_at_all_the_same(void **state)
{
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	advance(&stage);
	for (unsigned i = 0; i < 100; i++) {
		fake.user->devices_changed(fake.ctx);
		stage_run(&stage, 100 * MS);
	}
	assert_in_range(fake.looks, 3, 5);
	stage_close(&stage);
}

static void test_TH_11_a_detached_backend_is_not_looked_at(void **state)
{
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	advance(&stage);
	fake.user->devices_changed(fake.ctx);
	stage_run(&stage, 100 * MS);
	vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now);
	assert_int_equal(fake.closes, 1);
	stage_run(&stage, SECOND);
	assert_int_equal(fake.looks, 1);
	assert_int_equal(devices(&stage, NULL, 0), 0);
	stage_close(&stage);
}

static void test_BE_19_another_default_device_opens_the_streams_anew(void **state)
{
	struct stage stage;
	unsigned tries;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 4);
	stage_run(&stage, SECOND);
	tries = fake.stream_tries;
	fake.user->device_changed(fake.ctx, VMSND_CAPTURE);
	stage_run(&stage, 20 * MS);
	assert_int_equal(fake.stream_tries, tries);
	fake.user->device_changed(fake.ctx, VMSND_PLAYBACK);
	stage_run(&stage, 100 * MS);
	assert_int_equal(fake.stream_tries, tries + 1);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "running");
	stage_finish(&stage);
	stage_close(&stage);
}

static void test_RI_05_streams_that_hear_of_it_themselves_stay_open(void **state)
{
	struct stage stage;
	unsigned tries;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake-notices");
	stage_play(&stage, 48000 * 2);
	stage_run(&stage, SECOND);
	tries = fake.stream_tries;
	fake.user->device_changed(fake.ctx, VMSND_PLAYBACK);
	stage_run(&stage, 500 * MS);
	assert_int_equal(fake.stream_tries, tries);
	stage_finish(&stage);
	stage_close(&stage);
}

static void test_BE_03_the_device_is_chosen_while_it_plays(void **state)
{
	struct stage stage;
	struct vmsnd_machine *machine;
	unsigned tries;

	stage_open(&stage);
	machine = stage.sim.machine;
	sim_add(&stage.sim, "", "fake");
	stage_attach(&stage, "null");
	stage_play(&stage, 48000 * 30);
	stage_run(&stage, 6 * SECOND);
	tries = fake.stream_tries;
	fake.no_device = "none";
	assert_int_equal(
	    vmsnd_machine_host_device(machine, 0, 0, VMSND_PLAYBACK, "usb", stage.sim.now), 0);
	assert_string_equal(fake.set[VMSND_PLAYBACK], "usb");
	stage_run(&stage, 100 * MS);
	assert_int_equal(fake.stream_tries, tries + 1);
	assert_int_equal(
	    vmsnd_machine_host_device(machine, 0, 0, VMSND_PLAYBACK, "none", stage.sim.now),
	    VMSND_E_GONE);
	assert_int_equal(
	    vmsnd_machine_host_device(machine, 0, 1, VMSND_PLAYBACK, "usb", stage.sim.now),
	    VMSND_E_UNSUPPORTED);
	assert_int_equal(vmsnd_machine_host_refresh(machine, 0, 1, stage.sim.now),
			 VMSND_E_UNSUPPORTED);
	assert_int_equal(vmsnd_machine_host_refresh(machine, 0, 0, stage.sim.now), VMSND_OK);
	assert_int_equal(fake.looks, 2);
	/* The choice outlives the server. */
	fake.set[VMSND_PLAYBACK][0] = '\0';
	fake.error = true;
	stage_run(&stage, 10 * MS);
	fake.error = false;
	stage_run(&stage, 6 * SECOND);
	assert_true(fake.opens >= 2);
	assert_string_equal(fake.set[VMSND_PLAYBACK], "usb");
	assert_int_equal(
	    vmsnd_machine_host_device(machine, 0, 0, VMSND_PLAYBACK, NULL, stage.sim.now), 0);
	assert_string_equal(fake.set[VMSND_PLAYBACK], "(default)");
	stage_finish(&stage);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_AT_02_a_backend_that_is_away_is_tried_again_until_it_is_back),
	    cmocka_unit_test(test_AT_02_what_is_away_can_be_detached_and_closed),
	    cmocka_unit_test(test_AT_02_other_errors_are_failures_and_leave_nothing),
	    cmocka_unit_test(test_BE_04_a_backend_in_error_is_opened_anew),
	    cmocka_unit_test(test_BE_04_a_backend_that_flaps_is_tried_seldom_and_told_once),
	    cmocka_unit_test(test_RI_02_a_lost_stream_is_told_once_and_once_when_it_is_well),
	    cmocka_unit_test(test_BE_24_a_class_with_a_hole_is_refused),
	    cmocka_unit_test(test_BE_24_another_interface_or_a_doubled_option_is_refused),
	    cmocka_unit_test(test_BE_01_a_direction_that_a_backend_lacks_has_no_stream),
	    cmocka_unit_test(test_BE_01_limits_are_asked_when_the_backend_comes),
	    cmocka_unit_test(test_TH_11_a_burst_of_notices_is_one_look_a_third_of_a_second_later),
	    cmocka_unit_test(test_TH_11_notices_without_end_are_looked_at_all_the_same),
	    cmocka_unit_test(test_TH_11_a_detached_backend_is_not_looked_at),
	    cmocka_unit_test(test_BE_19_another_default_device_opens_the_streams_anew),
	    cmocka_unit_test(test_RI_05_streams_that_hear_of_it_themselves_stay_open),
	    cmocka_unit_test(test_BE_03_the_device_is_chosen_while_it_plays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
