/* SPDX-License-Identifier: BSD-3-Clause */
/* The capture rows, CA and CAx, and inputs that are mixed (MX-13, 14, 22, 23); test_capture.c has
 * what a good host meets. */
#include <stdlib.h>

#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_capture_state((rig)->port)

/* Frames of silence and others that the guest took, from `from` on. */
static size_t silence_from(const struct rig *rig, size_t from)
{
	size_t n = 0;

	for (size_t i = from; i < rig->host.n_heard; i++)
		n += rig->host.heard[i] == 0;
	return n;
}

static void test_CA_01_CA_05_silence_in_real_time_while_the_host_opens(void **state)
{
	struct rig rig;

	rig_opening(&rig, VMSND_CAPTURE, VMSND_PREBUFFER_UNSET);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_PREBUF);
	rig_run(&rig, 500 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_PREBUF);
	assert_near(rig.taken, 24000);
	assert_int_equal(silence_from(&rig, 0), rig.taken);
	rig_work(&rig);
	rig_run(&rig, 500 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_near(rig.taken, 48000);
	assert_near(rig_heard_in_order(&rig), 24000);
	rig_close(&rig);
}

static void test_CA_01_silence_while_the_host_is_initializing(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.host.state = VMSND_STREAM_INITIALIZING;
	rig_add(&rig, 0);
	rig_go(&rig, 500 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_PREBUF);
	assert_near(rig.taken, 24000);
	rig.host.state = VMSND_STREAM_OKAY;
	rig_run(&rig, 500 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_near(rig.taken, 48000);
	assert_true(rig_heard_in_order(&rig) > 23000);
	rig_close(&rig);
}

/* CA-02, CA-04, CA-08: a threshold, when the owner wants one. */
static void test_CA_02_CA_04_CA_08_the_first_read_waits_for_the_threshold(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.confs[0].prefs.prebuffer_ms = 30;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_run(&rig, 30 * MS - 1);
	assert_int_equal(vmsnd_port_wanted(rig.port), 0);
	rig_run(&rig, 1);
	assert_int_equal(vmsnd_port_wanted(rig.port), 3 * PERIOD);
	rig.takes = true;
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.taken, 13 * PERIOD);
	assert_int_equal(rig_heard_in_order(&rig), 13 * PERIOD);
	rig_close(&rig);
}

/* CAx-2: no threshold and a host that opens slowly: the microphone comes alive. */
static void test_CAx_2_no_threshold_and_a_slow_host(void **state)
{
	struct rig rig;

	rig_opening(&rig, VMSND_CAPTURE, 0);
	rig_run(&rig, 100 * MS);
	assert_near(rig.taken, 4800);
	rig_work(&rig);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_true(rig_heard_in_order(&rig) >= 4800 - PERIOD);
	rig_close(&rig);
}

static void test_CA_03_host_that_refuses_is_silence_and_comes_back(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.host.open_rc = VMSND_E_GONE;
	rig_add(&rig, 0);
	rig_go(&rig, 500 * MS);
	assert_false(STATE(&rig) == VMSND_CAPTURE_CAPTURING);
	assert_near(rig.taken, 24000);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 3500 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_near(rig.taken, 4 * 48000);
	assert_true(rig_heard_in_order(&rig) > 48000);
	rig_close(&rig);
}

/* CAx-1: a paused machine's time is not counted; no burst, of silence or sound. */
static void test_CAx_1_CON_11_paused_time_brings_no_frames(void **state)
{
	for (unsigned way = 0; way < 4; way++) {
		struct rig rig;

		if (way == 0)
			rig_open(&rig, VMSND_CAPTURE);
		else if (way == 1)
			rig_open_with(&rig, VMSND_CAPTURE, false, true);
		else if (way == 2)
			rig_open_with(&rig, VMSND_CAPTURE, true, false);
		if (way == 3)
			rig_opening(&rig, VMSND_CAPTURE, VMSND_PREBUFFER_UNSET);
		else
			rig_go(&rig, 0);
		rig_run(&rig, 103 * MS);
		vmsnd_port_pause(rig.port, true, rig.now);
		rig_run(&rig, 10 * SECOND);
		assert_near(rig.taken, 4800);
		assert_int_equal(rig.host.stream && way == 0, way == 0);
		vmsnd_port_pause(rig.port, false, rig.now);
		rig_run(&rig, 100 * MS);
		assert_in_range(rig.taken, 9600 - PERIOD, 9600 + PERIOD);
		if (way == 0) {
			assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
			assert_int_equal(rig_heard_in_order(&rig), rig.taken);
		}
		rig_close(&rig);
	}
}

/* CAx-3: off is silence, at the pace of a microphone; in test_capture.c from the start, here
 * in the middle, many times, without a jump in time. */
static void test_CAx_3_DIR_01_switch_again_and_again(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_CAPTURE, 100 * MS);
	for (unsigned i = 0; i < 20; i++) {
		vmsnd_port_enable(rig.port, i % 2, rig.now);
		rig_run(&rig, 97 * MS);
		assert_int_equal(rig.host.stream != NULL, i % 2);
	}
	/* What a block had begun is lost at each switch, no more. */
	assert_in_range(rig.taken, 2040 * 48 - 20 * PERIOD, 2040 * 48);
	rig_close(&rig);
}

/* CAx-4: a host that is lost, or switched, while it records: silence, then sound again. */
static void test_CAx_4_host_lost_while_capturing(void **state)
{
	struct rig rig;
	size_t before;

	rig_running(&rig, VMSND_CAPTURE, 100 * MS);
	rig.host.open_rc = VMSND_E_GONE;
	rig_end(&rig.host, VMSND_E_GONE);
	rig_run(&rig, 500 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_PREBUF);
	assert_near(rig.taken, 600 * 48);
	before = rig.host.n_heard;
	assert_near(silence_from(&rig, 0), 24000);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 1500 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_true(silence_from(&rig, before) < 48000);
	assert_near(rig.taken, 2100 * 48);
	rig_heard_in_order(&rig);
	rig_close(&rig);
}

static void test_CAx_4_switch_while_capturing(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_CAPTURE, 100 * MS);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHING);
	rig_run(&rig, 100 * MS);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHED);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_int_equal(rig.host.opens, 1);
	assert_int_equal(rig.host.starts, 2);
	assert_near(rig.taken, 14400);
	rig_notice(&rig.host, VMSND_STREAM_REOPEN);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_int_equal(rig.host.opens, 2);
	assert_in_range(rig.taken, 19200 - 2 * PERIOD, 19200);
	rig_heard_in_order(&rig);
	rig_close(&rig);
}

static void test_CA_06_PL_18_host_falls_asleep_and_wakes(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_CAPTURE, 100 * MS);
	rig.host.state = VMSND_STREAM_INACTIVE;
	rig_run(&rig, 200 * MS);
	assert_false(STATE(&rig) == VMSND_CAPTURE_CAPTURING);
	assert_near(rig.taken, 14400);
	rig.host.state = VMSND_STREAM_OKAY;
	rig_run(&rig, 200 * MS);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_near(rig.taken, 24000);
	rig_heard_in_order(&rig);
	rig_close(&rig);
}

/* ---- more inputs than one ---- */

static void mixing(struct rig *rig, int first, int second)
{
	rig_begin(rig, VMSND_CAPTURE, true);
	for (unsigned i = 0; i < 2; i++) {
		rig_host(rig, i)->signal = RIG_LEVEL;
		rig_host(rig, i)->level = i ? second : first;
	}
	rig_add(rig, 0);
	rig_add(rig, 1);
}

/* MX-13: a sum that saturates, not half of it, and no jump where one input crosses zero. */
static void test_MX_13_inputs_are_summed_and_saturate(void **state)
{
	static const int levels[][3] = {{10000, 7000, 17000},
					{20000, 20000, 32767},
					{-20000, -20000, -32768},
					{10000, -10000, 0},
					{0, 5000, 5000}};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct rig rig;

		mixing(&rig, levels[i][0], levels[i][1]);
		rig_go(&rig, 2 * SECOND);
		assert_near(rig.taken, 96000);
		for (size_t at = rig.host.n_heard - 24000; at < rig.host.n_heard; at++)
			assert_true(abs(rig.host.samples[2 * at] - levels[i][2]) <= 8);
		rig_close(&rig);
	}
}

static void test_MX_13_level_is_steady_where_one_input_crosses_zero(void **state)
{
	struct rig rig;

	mixing(&rig, 3000, 8000);
	rig.host.signal = RIG_SINE;
	rig_go(&rig, 2 * SECOND);
	/* 3000 x 2 pi / 109 = 173 a frame; a halved sum would jump by thousands. */
	assert_true(rig_largest_step(&rig.host, rig.host.n_heard - 48000, rig.host.n_heard) < 200);
	rig_close(&rig);
}

/* MX-14: an input that is silent leaves the first one's samples as they are. */
static void test_MX_14_a_silent_input_changes_nothing(void **state)
{
	struct rig rig;

	mixing(&rig, 0, 0);
	rig.host.signal = RIG_NUMBERS;
	rig_go(&rig, 2 * SECOND);
	assert_int_equal(rig_heard_in_order(&rig), 96000);
	rig_close(&rig);
}

/* MX-22, MX-23: the second input's short reads are its own trouble. */
static void test_MX_22_MX_23_an_input_that_stalls_holds_up_nobody(void **state)
{
	struct rig rig;

	mixing(&rig, 1000, 500);
	rig_go(&rig, SECOND);
	rig.others[0].stalled = true;
	rig_run(&rig, SECOND);
	assert_int_equal(rig.taken, 96000);
	for (size_t at = 96000 - 24000; at < 96000; at++)
		assert_int_equal(rig.host.samples[2 * at], 1000);
	rig.others[0].stalled = false;
	rig_run(&rig, 2 * SECOND);
	for (size_t at = 4 * 48000 - 24000; at < 4 * 48000; at++)
		assert_true(abs(rig.host.samples[2 * at] - 1500) <= 4);
	rig_close(&rig);
}

/* MX-23: an input of another rate gives neither gaps nor surplus. */
static void test_MX_23_an_input_of_another_rate_is_whole(void **state)
{
	static const uint32_t rates[] = {8000, 44100, 96000};

	for (size_t i = 0; i < 3; i++) {
		const struct vmsnd_format other = FORMAT(VMSND_SAMPLE_S16, rates[i], 2);
		struct vmsnd_lun_status status;
		struct rig rig;

		rig_begin(&rig, VMSND_CAPTURE, true);
		rig.host.signal = RIG_LEVEL;
		rig.others[0].signal = RIG_SINE;
		rig.others[0].level = 10000;
		rig.others[0].other_format = &other;
		rig.others[0].other_period = rates[i] / 100;
		rig_add(&rig, 0);
		rig_add(&rig, 1);
		rig_go(&rig, 20 * SECOND);
		status = rig_status(&rig, 1);
		assert_int_equal(status.format.rate_hz, rates[i]);
		assert_in_range(status.frames_in, 20 * rates[i] - rates[i] / 20, 20 * rates[i]);
		assert_true(status.frames_in - status.frames_out < rates[i] / 4);
		/* 2 pi 10000 / 109, at the other rate. */
		assert_true(rig_largest_step(&rig.host, 10 * 48000, rig.host.n_heard) <
			    (int)(700.0 * rates[i] / 48000));
		rig_close(&rig);
	}
}

/* A second input alone: the first has no host, and its stand-in carries the mix. */
static void test_MX_23_the_second_input_without_the_first(void **state)
{
	struct rig rig;

	mixing(&rig, 0, 5000);
	rig.host.open_rc = VMSND_E_GONE;
	rig_go(&rig, 3 * SECOND);
	assert_near(rig.taken, 3 * 48000);
	for (size_t at = rig.host.n_heard - 24000; at < rig.host.n_heard; at++)
		assert_true(abs(rig.host.samples[2 * at] - 5000) <= 4);
	rig_close(&rig);
}

static void test_CA_06_inputs_come_and_go(void **state)
{
	struct rig rig;

	mixing(&rig, 1000, 500);
	rig_go(&rig, SECOND);
	rig_remove(&rig, 1);
	rig_run(&rig, SECOND);
	for (size_t at = 72000; at < 96000; at++)
		assert_int_equal(rig.host.samples[2 * at], 1000);
	rig_add(&rig, 1);
	rig_run(&rig, 2 * SECOND);
	assert_int_equal(rig.taken, 4 * 48000);
	for (size_t at = 4 * 48000 - 24000; at < 4 * 48000; at++)
		assert_true(abs(rig.host.samples[2 * at] - 1500) <= 4);
	rig_close(&rig);
}

/* The owner's switch is for all of them. */
static void test_DIR_01_off_closes_every_input(void **state)
{
	struct rig rig;

	mixing(&rig, 1000, 500);
	rig_go(&rig, SECOND);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_null(rig.host.stream);
	assert_null(rig.others[0].stream);
	rig_run(&rig, SECOND);
	assert_near(rig.taken, 96000);
	assert_int_equal(silence_from(&rig, 48000 + PERIOD), rig.host.n_heard - 48000 - PERIOD);
	rig_close(&rig);
}

/* A guest's recovery stays in the same stream, but no microphone is open for nobody. */
static void test_DIR_01_a_microphone_is_closed_soon_after_release(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_CAPTURE, 100 * MS);
	vmsnd_port_release(rig.port, rig.now);
	rig_run(&rig, SECOND);
	rig_go(&rig, 100 * MS);
	assert_int_equal(rig.host.opens, 1);
	vmsnd_port_release(rig.port, rig.now);
	rig_run(&rig, 6 * SECOND);
	assert_null(rig.host.stream);
	rig_go(&rig, 100 * MS);
	assert_int_equal(rig.host.opens, 2);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	rig_close(&rig);
}

static void test_CA_06_PL_18_an_input_that_stalls_is_stood_in_for(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_CAPTURE, SECOND);
	rig.host.stalled = true;
	rig_run(&rig, 10 * SECOND);
	assert_in_range(rig.taken, 10 * 48000, 11 * 48000);
	rig.host.stalled = false;
	rig_run(&rig, SECOND);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	/* The block that told that it is back came while silence stood in for it. */
	assert_int_equal(rig.host.heard[rig.host.n_heard - 1], rig.host.next_sample);
	assert_in_range(silence_from(&rig, 0), 9 * 48000, 10 * 48000 + 2 * PERIOD);
	assert_true(rig.taken <= 12 * 48000 + PERIOD); /* no burst for the time it was away */
	rig_close(&rig);
}

/* Switched off, what was recorded and not taken yet is not heard either; its time stays. */
static void test_DIR_01_off_silences_what_was_not_taken_yet(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_CAPTURE);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_run(&rig, 30 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_int_equal(vmsnd_port_wanted(rig.port), 3 * PERIOD);
	rig.takes = true;
	rig_run(&rig, 0);
	assert_int_equal(rig.taken, 3 * PERIOD);
	assert_int_equal(rig_heard_in_order(&rig), 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CA_01_CA_05_silence_in_real_time_while_the_host_opens),
	    cmocka_unit_test(test_CA_01_silence_while_the_host_is_initializing),
	    cmocka_unit_test(test_CA_02_CA_04_CA_08_the_first_read_waits_for_the_threshold),
	    cmocka_unit_test(test_CAx_2_no_threshold_and_a_slow_host),
	    cmocka_unit_test(test_CA_03_host_that_refuses_is_silence_and_comes_back),
	    cmocka_unit_test(test_CAx_1_CON_11_paused_time_brings_no_frames),
	    cmocka_unit_test(test_CAx_3_DIR_01_switch_again_and_again),
	    cmocka_unit_test(test_CAx_4_host_lost_while_capturing),
	    cmocka_unit_test(test_CAx_4_switch_while_capturing),
	    cmocka_unit_test(test_CA_06_PL_18_host_falls_asleep_and_wakes),
	    cmocka_unit_test(test_MX_13_inputs_are_summed_and_saturate),
	    cmocka_unit_test(test_MX_13_level_is_steady_where_one_input_crosses_zero),
	    cmocka_unit_test(test_MX_14_a_silent_input_changes_nothing),
	    cmocka_unit_test(test_MX_22_MX_23_an_input_that_stalls_holds_up_nobody),
	    cmocka_unit_test(test_MX_23_an_input_of_another_rate_is_whole),
	    cmocka_unit_test(test_MX_23_the_second_input_without_the_first),
	    cmocka_unit_test(test_CA_06_inputs_come_and_go),
	    cmocka_unit_test(test_DIR_01_off_closes_every_input),
	    cmocka_unit_test(test_DIR_01_a_microphone_is_closed_soon_after_release),
	    cmocka_unit_test(test_CA_06_PL_18_an_input_that_stalls_is_stood_in_for),
	    cmocka_unit_test(test_DIR_01_off_silences_what_was_not_taken_yet),
	};

	return cmocka_run_group_tests_name("rows-capture", tests, NULL, NULL);
}
