/* SPDX-License-Identifier: BSD-3-Clause */
/* Several outputs at once: the mixer's rows (MX) as far as they are about many streams. Inputs
 * are in test_rows_capture.c. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

#define PEAK 16000
/* 2 pi 16000 / 109 = 922 a frame; a bent rate and a converter make it a little more. */
#define STEP 1000

static void begin(struct rig *rig, unsigned units, enum rig_signal signal)
{
	rig_begin(rig, VMSND_PLAYBACK, true);
	rig->signal = signal;
	rig->level = PEAK;
	for (unsigned i = 0; i < units; i++)
		rig_add(rig, i);
}

static size_t loud(const struct vmsnd_backend *host)
{
	size_t n = 0;

	for (size_t i = 0; i < host->n_heard; i++)
		n += abs(host->samples[2 * i]) > PEAK / 2;
	return n;
}

/* CON-01, MX-01: each place has a unit, up to the limit; all play the same. */
static void test_CON_01_MX_01_up_to_ten_units(void **state)
{
	struct rig rig;

	begin(&rig, RIG_UNITS, RIG_SINE);
	rig_go(&rig, 2 * SECOND);
	for (unsigned i = 0; i < RIG_UNITS; i++) {
		struct vmsnd_backend *host = rig_host(&rig, i);

		assert_ptr_equal(vmsnd_port_lun(rig.port, i), rig.luns[i]);
		assert_int_equal(rig_status(&rig, i).host, VMSND_HOST_RUNNING);
		assert_true(host->n_heard > 90000);
		assert_true(rig_largest_step(host, 9600, host->n_heard) < STEP);
		assert_int_equal(rig_status(&rig, i).xruns, 0);
	}
	rig_close(&rig);
}

static void test_CON_01_a_place_is_taken_once(void **state)
{
	struct vmsnd_lun *more = rig_zeroed(vmsnd_lun_footprint());
	struct rig rig;

	begin(&rig, 1, RIG_NUMBERS);
	assert_int_equal(vmsnd_port_add(rig.port, 0, more, &rig.confs[1], rig.now),
			 VMSND_E_INVALID);
	assert_int_equal(
	    vmsnd_port_add(rig.port, VMSND_PORT_LUNS_MAX, more, &rig.confs[1], rig.now),
	    VMSND_E_INVALID);
	assert_ptr_equal(vmsnd_port_lun(rig.port, 0), rig.luns[0]);
	assert_null(vmsnd_port_lun(rig.port, 1));
	free(more);
	rig_close(&rig);
}

/* MX-03, MX-04: added and taken out while it plays: at once, and nobody else notices. */
static void test_MX_03_MX_04_added_and_taken_out_while_it_plays(void **state)
{
	struct rig rig;

	begin(&rig, 1, RIG_NUMBERS);
	rig_go(&rig, 103 * MS);
	for (unsigned i = 0; i < 20; i++) {
		rig_add(&rig, 1 + i % 3);
		assert_int_equal(rig_host(&rig, 1 + i % 3)->opens, 1 + i / 3);
		rig_run(&rig, 97 * MS);
		assert_true(rig_host(&rig, 1 + i % 3)->n_heard > 0);
		rig_remove(&rig, 1 + i % 3);
		rig_run(&rig, 13 * MS);
	}
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	assert_int_equal(rig.host.n_heard, (103 + 20 * 110) / 10 * PERIOD);
	assert_int_equal(rig_silence_inside(&rig), 0);
	rig_close(&rig);
}

/* Unit 0 itself is taken out and comes back: the guest's time goes on, the others too. */
static void test_MX_04_unit_0_taken_out_while_it_plays(void **state)
{
	size_t before;
	struct rig rig;

	begin(&rig, 2, RIG_SINE);
	rig_go(&rig, 2 * SECOND);
	rig_remove(&rig, 0);
	before = rig.others[0].n_heard;
	rig_run(&rig, 2 * SECOND);
	assert_near(DONE(&rig), 4 * 48000);
	assert_near(rig.others[0].n_heard - before, 2 * 48000);
	rig_add(&rig, 0);
	rig_run(&rig, 2 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_near(DONE(&rig), 6 * 48000);
	assert_int_equal(rig_status(&rig, 1).xruns, 0);
	assert_true(rig_largest_step(&rig.others[0], 48000, rig.others[0].n_heard) < STEP);
	rig_close(&rig);
}

/* MX-02: a unit that cannot be set up is closed again and is its own trouble. */
static void test_MX_02_MX_26_a_unit_that_cannot_be_converted_for(void **state)
{
	static const struct vmsnd_format other = FORMAT(VMSND_SAMPLE_S16, 44100, 2);
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.env.rates = NULL;
	rig.host.other_format = &other;
	rig_add(&rig, 0);
	rig_go(&rig, 500 * MS);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_LOST);
	assert_near(DONE(&rig), 24000);
	assert_int_equal(rig.host.opens, rig.host.closes);
	assert_true(rig.host.opens > 0 && rig.host.opens < 10);
	rig_close(&rig);
}

/* MX-20, MX-21: a slow or dead output holds up nobody, and one hiccup is not for good. */
static void test_MX_20_MX_21_an_output_that_stalls_recovers(void **state)
{
	size_t after;
	struct rig rig;

	begin(&rig, 2, RIG_SINE);
	rig_go(&rig, 2 * SECOND);
	rig.others[0].stalled = true;
	rig_run(&rig, 3 * SECOND);
	assert_int_equal(rig_status(&rig, 0).xruns, 0);
	assert_int_equal(DONE(&rig), 5 * 48000);
	assert_true(rig_status(&rig, 1).dropped_frames > 0);
	rig.others[0].stalled = false;
	rig_run(&rig, SECOND);
	after = rig.others[0].n_heard;
	rig_run(&rig, 5 * SECOND);
	assert_int_equal(rig.others[0].n_heard - after, 5 * 48000);
	assert_true(rig_largest_step(&rig.others[0], after, rig.others[0].n_heard) < STEP);
	rig_close(&rig);
}

static void test_MX_20_an_output_that_dies_holds_up_nobody(void **state)
{
	struct rig rig;

	begin(&rig, 3, RIG_NUMBERS);
	rig_go(&rig, SECOND);
	rig.others[0].open_rc = VMSND_E_GONE;
	rig_end(&rig.others[0], VMSND_E_GONE);
	rig_run(&rig, 20 * SECOND);
	assert_int_equal(rig_heard_in_order(&rig), 21 * 48000);
	assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_LOST);
	assert_int_equal(rig_status(&rig, 2).host, VMSND_HOST_RUNNING);
	rig.others[0].open_rc = VMSND_OK;
	rig_run(&rig, 6 * SECOND);
	assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_RUNNING);
	assert_int_equal(rig_heard_in_order(&rig), 27 * 48000);
	rig_close(&rig);
}

/* MX-26: an output that opens slowly is skipped until it is ready. */
static void test_MX_26_an_output_that_opens_slowly(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.pool = RIG_POOL_HELD;
	rig.others[0].kind.flags = VMSND_BACKEND_SLOW_STREAM_OPEN;
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	rig_go(&rig, 5 * SECOND);
	assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_OPENING);
	rig_work(&rig);
	rig_run(&rig, SECOND);
	assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_RUNNING);
	assert_true(rig.others[0].n_heard > 40000);
	assert_int_equal(rig_heard_in_order(&rig), 6 * 48000);
	rig_close(&rig);
}

/* MX-20, MX-24: with unit 0's host away the others still play, in the stand-in's time. */
static void test_MX_24_followers_play_without_unit_0(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.signal = RIG_SINE;
	rig.level = PEAK;
	rig.host.open_rc = VMSND_E_GONE;
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	rig_go(&rig, 10 * SECOND);
	assert_near(DONE(&rig), 480000);
	assert_int_equal(rig_status(&rig, 1).xruns, 0);
	assert_true(rig.others[0].n_heard > 470000);
	assert_true(rig_largest_step(&rig.others[0], 9600, rig.others[0].n_heard) < STEP);
	rig_close(&rig);
}

/* MX-30: start while it runs changes nothing. */
static void test_MX_30_start_while_running(void **state)
{
	struct rig rig;

	begin(&rig, 2, RIG_NUMBERS);
	rig_go(&rig, 100 * MS);
	for (unsigned i = 0; i < 10; i++) {
		rig_start(&rig);
		rig_run(&rig, 13 * MS);
	}
	assert_int_equal(rig_heard_in_order(&rig), rig.host.n_heard);
	assert_int_equal(rig.host.n_heard, 230 / 10 * PERIOD);
	assert_int_equal(rig.host.starts, 1);
	assert_int_equal(rig.others[0].starts, 1);
	rig_close(&rig);
}

/* MX-31, MX-33: on stop, too, a follower plays out what it holds, and goes on with the next start.
 */
static void test_MX_31_followers_play_out_on_stop(void **state)
{
	struct rig rig;
	size_t n;

	begin(&rig, 2, RIG_LEVEL);
	rig_go(&rig, SECOND);
	rig.endless = false;
	vmsnd_port_stop(rig.port, rig.now);
	rig_run(&rig, SECOND);
	n = loud(&rig.others[0]);
	assert_true(rig.next_frame - n < PERIOD);
	assert_false(rig_status(&rig, 1).host == VMSND_HOST_RUNNING);
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, SECOND);
	assert_true(loud(&rig.others[0]) >= n + 48000 - 2 * T_FRAMES);
	rig_close(&rig);
}

static void test_CON_11_pause_is_for_all_units(void **state)
{
	size_t heard;
	struct rig rig;

	begin(&rig, 3, RIG_SINE);
	rig_go(&rig, 2 * SECOND);
	vmsnd_port_pause(rig.port, true, rig.now);
	heard = rig.others[0].n_heard;
	rig_run(&rig, 100 * SECOND);
	assert_int_equal(rig.others[0].n_heard, heard);
	assert_int_equal(rig.host.n_heard, 96000);
	vmsnd_port_pause(rig.port, false, rig.now);
	rig_run(&rig, 2 * SECOND);
	assert_near(rig.others[0].n_heard, heard + 96000);
	assert_int_equal(rig.host.n_heard, 4 * 48000);
	assert_int_equal(rig_status(&rig, 1).xruns, 0);
	rig_close(&rig);
}

/* A guest that comes back with a larger buffer in the same format: nobody misses a frame. */
static void test_MX_20_a_larger_buffer_is_for_all_units(void **state)
{
	for (unsigned follows = 0; follows < 2; follows++) {
		struct vmsnd_stream_params small = rig_params(256, 64);
		struct vmsnd_stream_params large = rig_params(16384, 4096);
		struct rig rig;

		begin(&rig, 1, RIG_NUMBERS);
		rig.others[0].speed = !follows;
		rig_add(&rig, 1);
		assert_int_equal(vmsnd_port_prepare(rig.port, &small, rig.now), VMSND_OK);
		rig_start(&rig);
		for (unsigned i = 0; i < 200; i++) {
			rig_write(&rig, 48);
			rig_run(&rig, MS);
		}
		vmsnd_port_release(rig.port, rig.now);
		rig_run(&rig, 100 * MS);
		assert_int_equal(vmsnd_port_prepare(rig.port, &large, rig.now), VMSND_OK);
		rig_start(&rig);
		rig_write(&rig, 8192);
		for (unsigned i = 0; i < 60; i++) {
			rig_write(&rig, 4096);
			rig_run(&rig, 4096 * SECOND / 48000);
		}
		assert_int_equal(rig_status(&rig, 0).dropped_frames, 0);
		assert_int_equal(rig_status(&rig, 1).dropped_frames, 0);
		assert_int_equal(rig_status(&rig, 1).xruns, 0);
		rig_close(&rig);
	}
}

/* ---- crystals (MX-39) ---- */

/* MX-39: outputs whose crystals differ from unit 0's: no hole, no drop, for long. */
static void test_MX_39_followers_with_crystals_of_their_own(void **state)
{
	static const int ppm[] = {-1000, -200, 1000};
	struct vmsnd_lun_status status[3];
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.signal = RIG_SINE;
	rig.level = PEAK;
	rig_add(&rig, 0);
	for (unsigned i = 0; i < 3; i++) {
		rig.others[i].ppm = ppm[i];
		rig_add(&rig, 1 + i);
	}
	rig_go(&rig, 30 * SECOND);
	for (unsigned i = 0; i < 3; i++) {
		status[i] = rig_status(&rig, 1 + i);
		rig.others[i].n_heard = 0;
	}
	rig_run(&rig, 120 * SECOND);
	for (unsigned i = 0; i < 3; i++) {
		struct vmsnd_lun_status now = rig_status(&rig, 1 + i);

		assert_int_equal(now.xruns, 0);
		assert_int_equal(now.silence_frames, status[i].silence_frames);
		assert_int_equal(now.dropped_frames, status[i].dropped_frames);
		assert_true(rig_largest_step(&rig.others[i], 0, rig.others[i].n_heard) < STEP);
		assert_true(abs((int)now.drift_ppm - ppm[i]) < 30);
		assert_true(abs((int)now.fill_frames - (int)status[i].fill_frames) <=
			    (int)T_FRAMES);
	}
	assert_int_equal(rig_status(&rig, 0).xruns, 0);
	rig_close(&rig);
}

/* MX-39, idea 4: a device that keeps its own time is told unit 0's pace, within limits. */
static void test_MX_39_the_pace_of_unit_0(void **state)
{
	static const int ppm[] = {-5000, -200, 0, 200, 5000, 20000};

	for (size_t i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++) {
		double hz, due;
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.host.ppm = ppm[i];
		rig_add(&rig, 0);
		assert_true(vmsnd_port_rate_hz(rig.port) == 0 ||
			    vmsnd_port_rate_hz(rig.port) == 48000);
		rig_go(&rig, 60 * SECOND);
		hz = vmsnd_port_rate_hz(rig.port);
		due = 48000 * (1 + ppm[i] * 1e-6);
		if (due > 48240)
			due = 48240;
		assert_true(hz > due - 0.5 && hz < due + 0.5);
		assert_true(hz >= 47760 && hz <= 48240);
		assert_int_equal(rig_heard_in_order(&rig), DONE(&rig)); /* bit for bit */
		assert_true(rig_status(&rig, 0).exact);
		vmsnd_port_stop(rig.port, rig.now);
		vmsnd_port_enable(rig.port, false, rig.now);
		assert_true(vmsnd_port_rate_hz(rig.port) == 48000);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CON_01_MX_01_up_to_ten_units),
	    cmocka_unit_test(test_CON_01_a_place_is_taken_once),
	    cmocka_unit_test(test_MX_03_MX_04_added_and_taken_out_while_it_plays),
	    cmocka_unit_test(test_MX_04_unit_0_taken_out_while_it_plays),
	    cmocka_unit_test(test_MX_02_MX_26_a_unit_that_cannot_be_converted_for),
	    cmocka_unit_test(test_MX_20_MX_21_an_output_that_stalls_recovers),
	    cmocka_unit_test(test_MX_20_an_output_that_dies_holds_up_nobody),
	    cmocka_unit_test(test_MX_26_an_output_that_opens_slowly),
	    cmocka_unit_test(test_MX_24_followers_play_without_unit_0),
	    cmocka_unit_test(test_MX_30_start_while_running),
	    cmocka_unit_test(test_MX_31_followers_play_out_on_stop),
	    cmocka_unit_test(test_CON_11_pause_is_for_all_units),
	    cmocka_unit_test(test_MX_20_a_larger_buffer_is_for_all_units),
	    cmocka_unit_test(test_MX_39_followers_with_crystals_of_their_own),
	    cmocka_unit_test(test_MX_39_the_pace_of_unit_0),
	};

	return cmocka_run_group_tests_name("rows-units", tests, NULL, NULL);
}
