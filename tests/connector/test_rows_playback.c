/* SPDX-License-Identifier: BSD-3-Clause */
/* The playback rows, PL and PLx, where a host is slow, switched or asleep; test_playback.c and
 * test_host.c have those that a good host meets. */
#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

static void test_PL_02_start_while_the_host_is_opening(void **state)
{
	struct rig rig;

	rig_opening(&rig, VMSND_PLAYBACK, VMSND_PREBUFFER_UNSET);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_OPENING);
	assert_int_equal(rig.n_jobs, 1);
	rig_close(&rig);
}

static void test_PL_02_start_while_the_host_is_initializing(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.state = VMSND_STREAM_INITIALIZING;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_OPENING);
	rig.endless = true;
	rig_run(&rig, 200 * MS);
	assert_int_equal(rig.host.starts, 0);
	rig.host.state = VMSND_STREAM_OKAY;
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_true(rig.host.n_heard >= 4800 - 2 * PERIOD);
	rig_close(&rig);
}

static void test_PL_05_below_the_threshold_nothing_is_dropped(void **state)
{
	struct rig rig;

	rig_opening(&rig, VMSND_PLAYBACK, VMSND_PREBUFFER_UNSET);
	rig_write(&rig, T_FRAMES - 1);
	rig_run(&rig, 10 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	assert_int_equal(DONE(&rig), 0);
	rig_close(&rig);
}

/* How long sound waits for a host that is being opened, with a buffer of BUFFER frames. */
#define PATIENCE_MS 60u

/* PL-07, PL-08, PLx-2: the guest's time goes on, the ring keeps the newest in order. */
static void test_PL_07_PL_08_PLx_2_overdue_keeps_the_newest_in_order(void **state)
{
	for (unsigned ms = 21; ms < 4000; ms = ms * 3 / 2 + 1) {
		unsigned late_ms = ms > PATIENCE_MS ? ms - PATIENCE_MS : 0;
		uint32_t first, frames;
		uint64_t dropped;
		struct rig rig;

		rig_opening(&rig, VMSND_PLAYBACK, VMSND_PREBUFFER_UNSET);
		rig.endless = true;
		rig_run(&rig, ms * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF_OVERDUE);
		dropped = rig_status(&rig, 0).dropped_frames;
		assert_int_equal(DONE(&rig), dropped);
		assert_in_range(dropped + T_FRAMES + PERIOD,
				late_ms * 48 > T_FRAMES ? late_ms * 48 - PERIOD : 0,
				late_ms * 48 + 2 * T_FRAMES);
		rig_work(&rig);
		rig_run(&rig, 500 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		first = rig_heard_run(&rig.host, 0, &frames);
		assert_int_equal(first, dropped + 1);
		assert_int_equal(dropped + frames, DONE(&rig));
		assert_int_equal(rig_silence_before(&rig) + rig_silence_inside(&rig), 0);
		assert_int_equal(rig_status(&rig, 0).dropped_frames, dropped);
		rig_close(&rig);
	}
}

/* A server takes its time to open a stream: nothing of a sound's beginning is lost for that, but
 * the guest's patience is not tried either, and one that is not there is not waited for. */
static void test_PL_07_the_beginning_waits_for_a_host_that_opens(void **state)
{
	static const struct {
		uint32_t buffer_frames;
		unsigned most_ms;
	} rows[] = {{960, 60}, {3840, 60}, {7680, 120}, {14400, 225}, {48000, 250}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned late = 0; late < 2; late++) {
			struct vmsnd_stream_params params =
			    rig_params(rows[i].buffer_frames, PERIOD);
			unsigned ms = rows[i].most_ms - 2 + late * 60;
			struct rig rig;

			rig_begin(&rig, VMSND_PLAYBACK, true);
			rig.pool = RIG_POOL_HELD;
			rig.host.kind.flags = VMSND_BACKEND_SLOW_STREAM_OPEN;
			rig_add(&rig, 0);
			assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
			rig_start(&rig);
			rig.endless = true;
			rig_run(&rig, ms * MS);
			assert_int_equal(rig_status(&rig, 0).dropped_frames > 0, late);
			rig_work(&rig);
			rig_run(&rig, 500 * MS);
			assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
			assert_int_equal(rig_heard_run(&rig.host, 0, NULL) == 1, !late);
			assert_in_range(rig.host.n_heard, 12000,
					24000 + PERIOD); /* of half a second */
			rig_close(&rig);
		}
}

static void test_PL_07_a_host_that_is_not_there_is_not_waited_for(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.open_rc = VMSND_E_GONE;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, 55 * MS);
	assert_near(DONE(&rig), 55 * 48 - T_FRAMES + PERIOD);
	rig_close(&rig);
}

/* PL-14: what an open that succeeds makes of each state. */
static void test_PL_14_open_succeeds_in_prebuf(void **state)
{
	struct rig rig;

	rig_opening(&rig, VMSND_PLAYBACK, VMSND_PREBUFFER_UNSET);
	rig_write(&rig, 100);
	rig_work(&rig);
	rig_run(&rig, MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_write(&rig, T_FRAMES - 100);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig_heard_in_order(&rig), T_FRAMES);
	rig_close(&rig);
}

static void test_PL_13_PL_14_open_succeeds_when_overdue(void **state)
{
	struct rig rig;

	rig_opening(&rig, VMSND_PLAYBACK, VMSND_PREBUFFER_UNSET);
	rig_write(&rig, T_FRAMES);
	rig_run(&rig, MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF_OVERDUE);
	rig_work(&rig);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY); /* nothing to commit */
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig_heard_in_order(&rig), T_FRAMES);
	rig_close(&rig);
}

/* PL-14, third: no host, then one. */
static void test_PL_14_PL_19_a_host_that_comes_is_prebuffered_for(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig.host.open_rc = VMSND_E_GONE;
	rig_go(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 3 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_silence_before(&rig) + rig_silence_inside(&rig), 0);
	rig_heard_run(&rig.host, 0, NULL);
	rig_close(&rig);
}

static void test_PL_15_PL_08_switch_announced_while_prebuffering(void **state)
{
	uint32_t first, frames;
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHING);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF_SWITCHING);
	rig.endless = true;
	rig_run(&rig, 300 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF_SWITCHING);
	assert_int_equal(rig.host.starts, 0);
	assert_in_range(DONE(&rig), 14400 - T_FRAMES - 2 * PERIOD, 14400); /* time goes on */
	rig_notice(&rig.host, VMSND_STREAM_SWITCHED);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	first = rig_heard_run(&rig.host, 0, &frames);
	assert_int_equal(first, rig_status(&rig, 0).dropped_frames + 1);
	assert_int_equal(first + frames - 1, DONE(&rig));
	rig_close(&rig);
}

static void test_PL_10_PL_15_switch_announced_while_playing(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHING);
	rig_run(&rig, 50 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY_PREBUF);
	assert_int_equal(rig.host.n_heard, 7200); /* played as before */
	assert_int_equal(rig.host.stops, 0);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHED);
	rig_run(&rig, 50 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig)); /* none twice, none lost */
	assert_in_range(rig.host.n_heard, 9600 - PERIOD, 9600);
	rig_close(&rig);
}

static void test_PL_16_switched_without_a_word_before(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 105 * MS);
	for (unsigned i = 0; i < 5; i++) {
		unsigned starts = rig.host.starts;

		rig_notice(&rig.host, VMSND_STREAM_SWITCHED);
		rig_run(&rig, 103 * MS);
		assert_int_equal(rig.host.starts, starts + 1);
		assert_int_equal(rig.host.opens, 1);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	}
	assert_int_equal(rig_silence_inside(&rig), 0);
	assert_int_equal(rig_status(&rig, 0).dropped_frames, 0);
	rig_close(&rig);
}

/* The new device starts with a threshold, if the ring does not have it. */
static void test_PL_16_switched_with_little_in_the_ring(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_write(&rig, T_FRAMES + 100);
	rig_run(&rig, 20 * MS);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHED);
	rig_run(&rig, MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_write(&rig, T_FRAMES - 100);
	rig_run(&rig, 20 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_heard_in_order(&rig), 2 * T_FRAMES);
	rig_close(&rig);
}

static void test_PL_17_reopen_loses_nothing(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 105 * MS);
	rig_notice(&rig.host, VMSND_STREAM_REOPEN);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.opens, 2);
	assert_int_equal(rig.host.closes, 1);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	assert_int_equal(rig_status(&rig, 0).dropped_frames, 0);
	rig_close(&rig);
}

/* With a slow open in between, what cannot wait is dropped and counted; the rest is in order. */
static void test_PL_17_reopen_with_a_slow_host(void **state)
{
	uint32_t first, frames;
	uint64_t before;
	struct rig rig;

	rig_opening(&rig, VMSND_PLAYBACK, VMSND_PREBUFFER_UNSET);
	rig_work(&rig);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	before = rig.host.n_heard;
	assert_int_equal(rig_heard_in_order(&rig), before);
	rig_notice(&rig.host, VMSND_STREAM_REOPEN);
	rig_run(&rig, 500 * MS);
	assert_int_equal(rig.host.n_heard, before);
	assert_near(DONE(&rig), 600 * 48);
	rig_work(&rig);
	rig_run(&rig, 100 * MS);
	first = rig_heard_run(&rig.host, before, &frames);
	assert_int_equal(first, before + rig_status(&rig, 0).dropped_frames + 1);
	assert_int_equal(first + frames - 1, DONE(&rig));
	rig_close(&rig);
}

static void test_PL_18_PL_19_host_falls_asleep_and_wakes(void **state)
{
	static const enum vmsnd_stream_state asleep[] = {VMSND_STREAM_NOT_WORKING,
							 VMSND_STREAM_INACTIVE};

	for (size_t i = 0; i < 2; i++) {
		size_t heard;
		struct rig rig;

		rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
		rig.host.state = asleep[i];
		rig_run(&rig, 100 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		assert_near(DONE(&rig), 9600);
		heard = rig.host.n_heard;
		assert_in_range(heard, 4800, 4800 + PERIOD);
		rig.host.state = VMSND_STREAM_OKAY;
		rig_run(&rig, 100 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		assert_int_equal(rig.host.opens, 1);
		assert_near(rig.host.n_heard, heard + 4800);
		rig_heard_run(&rig.host, heard, NULL);
		rig_close(&rig);
	}
}

static void test_PL_21_initializing_while_playing_changes_nothing(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.host.state = VMSND_STREAM_INITIALIZING;
	rig_run(&rig, 100 * MS);
	rig.host.state = VMSND_STREAM_OKAY;
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	assert_near(DONE(&rig), 14400);
	rig_close(&rig);
}

/* A write larger than what there is room for is cut, and said so; nothing is doubled. */
static void test_PLx_1_a_write_beyond_the_room_is_cut(void **state)
{
	for (uint32_t block = 50; block < 6000; block += 650) {
		struct rig rig;
		uint64_t took = 0;

		rig_open(&rig, VMSND_PLAYBACK);
		rig_prepare(&rig);
		rig_start(&rig);
		for (unsigned i = 0; i < 40; i++) {
			took += rig_write(&rig, block);
			rig_run(&rig, 7 * MS);
		}
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, SECOND);
		/* 7 ms are 336 frames: what is larger cannot all have been taken. */
		if (block > 400)
			assert_true(took < 40 * (uint64_t)block);
		assert_int_equal(rig_heard_in_order(&rig), took);
		rig_close(&rig);
	}
}

/* PLx-4: pre-buffering of 0 on a host that opens slowly is no dead end. */
static void test_PL_03_PLx_4_no_prebuffer_and_a_slow_host(void **state)
{
	struct rig rig;

	rig_opening(&rig, VMSND_PLAYBACK, 0);
	rig.endless = true;
	rig_run(&rig, 200 * MS);
	assert_near(DONE(&rig), 9600 - PATIENCE_MS * 48 - T_FRAMES + PERIOD);
	rig_work(&rig);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.n_heard, 4800);
	rig_heard_run(&rig.host, 0, NULL);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHED); /* "PL-16 has the same effect" */
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_near(rig.host.n_heard, 9600);
	rig_heard_run(&rig.host, 0, NULL);
	rig_close(&rig);
}

/* PLx-7: after a hole the sound goes on with the threshold in hand, not frame by frame. */
static void test_PLx_7_after_an_underrun_it_prebuffers(void **state)
{
	size_t heard;
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.endless = false;
	rig_run(&rig, 100 * MS);
	heard = rig_heard_in_order(&rig);
	assert_int_equal(heard, rig.next_frame);
	rig_write(&rig, T_FRAMES - 1);
	rig_run(&rig, 10 * MS);
	assert_int_equal(rig_heard_in_order(&rig), heard); /* not enough */
	rig_write(&rig, 1);
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig_heard_in_order(&rig), heard + T_FRAMES);
	assert_int_equal(rig_counter(&rig, "underruns"), 1);
	rig_close(&rig);
}

static void test_KEYx_4_or_it_goes_on_at_once(void **state)
{
	size_t heard;
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.confs[0].prefs.no_refill = true;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.endless = false;
	rig_run(&rig, 100 * MS);
	heard = rig_heard_in_order(&rig);
	rig_write(&rig, 100);
	rig_run(&rig, 10 * MS);
	assert_int_equal(rig_heard_in_order(&rig), heard + 100);
	rig_close(&rig);
}

static void test_PLx_7_but_no_longer_than_the_thresholds_time(void **state)
{
	size_t heard;
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.endless = false;
	rig_run(&rig, 100 * MS);
	heard = rig_heard_in_order(&rig);
	rig_write(&rig, 100);
	rig_run(&rig, 40 * MS);
	assert_int_equal(rig_heard_in_order(&rig), heard + 100);
	rig_close(&rig);
}

/* A switch that is announced and never comes does not keep the guest from being heard for ever. */
static void test_PL_15_an_announced_switch_that_never_comes(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_notice(&rig.host, VMSND_STREAM_SWITCHING);
	rig.endless = true;
	rig_run(&rig, 5 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_in_range(rig.host.n_heard, 2 * 48000, 4 * 48000);
	rig_heard_run(&rig.host, 0, NULL);
	rig_close(&rig);
}

/* "The guest's clock never stops": a host that no longer comes is stood in for, and steps back in
 * with its next block. Nothing is played twice. */
static void test_PL_18_MX_21_a_host_that_stalls_is_stood_in_for(void **state)
{
	for (unsigned threaded = 0; threaded < 2; threaded++) {
		size_t heard;
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		if (threaded)
			rig.host.kind.advance = NULL;
		rig_add(&rig, 0);
		rig_go(&rig, SECOND);
		heard = rig.host.n_heard;
		assert_int_equal(heard, 48000);
		rig.host.stalled = true;
		rig_run(&rig, 10 * SECOND);
		assert_in_range(DONE(&rig), 48000 * 10, 48000 * 11);
		assert_int_equal(rig.host.n_heard, heard);
		rig.host.stalled = false;
		rig_run(&rig, SECOND);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		assert_true(rig.host.n_heard > heard + 40000);
		assert_true(rig_heard_run(&rig.host, heard, NULL) > heard);
		assert_int_equal(rig_status(&rig, 0).frames_in,
				 rig_status(&rig, 0).frames_out +
				     rig_status(&rig, 0).dropped_frames +
				     rig_status(&rig, 0).fill_frames);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_PL_02_start_while_the_host_is_opening),
	    cmocka_unit_test(test_PL_02_start_while_the_host_is_initializing),
	    cmocka_unit_test(test_PL_05_below_the_threshold_nothing_is_dropped),
	    cmocka_unit_test(test_PL_07_PL_08_PLx_2_overdue_keeps_the_newest_in_order),
	    cmocka_unit_test(test_PL_07_the_beginning_waits_for_a_host_that_opens),
	    cmocka_unit_test(test_PL_07_a_host_that_is_not_there_is_not_waited_for),
	    cmocka_unit_test(test_PL_14_open_succeeds_in_prebuf),
	    cmocka_unit_test(test_PL_13_PL_14_open_succeeds_when_overdue),
	    cmocka_unit_test(test_PL_14_PL_19_a_host_that_comes_is_prebuffered_for),
	    cmocka_unit_test(test_PL_15_PL_08_switch_announced_while_prebuffering),
	    cmocka_unit_test(test_PL_10_PL_15_switch_announced_while_playing),
	    cmocka_unit_test(test_PL_16_switched_without_a_word_before),
	    cmocka_unit_test(test_PL_16_switched_with_little_in_the_ring),
	    cmocka_unit_test(test_PL_17_reopen_loses_nothing),
	    cmocka_unit_test(test_PL_17_reopen_with_a_slow_host),
	    cmocka_unit_test(test_PL_18_PL_19_host_falls_asleep_and_wakes),
	    cmocka_unit_test(test_PL_21_initializing_while_playing_changes_nothing),
	    cmocka_unit_test(test_PLx_1_a_write_beyond_the_room_is_cut),
	    cmocka_unit_test(test_PL_03_PLx_4_no_prebuffer_and_a_slow_host),
	    cmocka_unit_test(test_PLx_7_after_an_underrun_it_prebuffers),
	    cmocka_unit_test(test_KEYx_4_or_it_goes_on_at_once),
	    cmocka_unit_test(test_PLx_7_but_no_longer_than_the_thresholds_time),
	    cmocka_unit_test(test_PL_15_an_announced_switch_that_never_comes),
	    cmocka_unit_test(test_PL_18_MX_21_a_host_that_stalls_is_stood_in_for),
	};

	return cmocka_run_group_tests_name("rows-playback", tests, NULL, NULL);
}
