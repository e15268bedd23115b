/* SPDX-License-Identifier: BSD-3-Clause */
/* Slow hosts and workers (TH), hosts that are tried again (RI), attached and detached (AT, TH-10).
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

#define SLOW_BOTH (VMSND_BACKEND_SLOW_STREAM_OPEN | VMSND_BACKEND_SLOW_STREAM_CLOSE)

static void slow(struct rig *rig, uint32_t flags)
{
	rig_begin(rig, VMSND_PLAYBACK, true);
	rig->pool = RIG_POOL_HELD;
	rig->host.kind.flags = flags;
	rig_add(rig, 0);
}

/* ---- workers ---- */

static void test_TH_01_no_worker_for_a_host_that_is_not_slow(void **state)
{
	struct rig rig;

	slow(&rig, 0);
	rig_go(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.submitted, 0);
	assert_int_equal(rig.host.opens, 2);
	rig_close(&rig);
}

/* TH-01, TH-02, TH-04: whatever the guest does, one job at a time and one stream at most. */
static void test_TH_01_TH_02_TH_04_open_and_close_in_a_loop(void **state)
{
	struct vmsnd_stream_params params[2] = {rig_params(BUFFER, PERIOD),
						rig_params(BUFFER, PERIOD / 2)};
	struct rig rig;

	slow(&rig, SLOW_BOTH);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(vmsnd_port_prepare(rig.port, &params[i % 2], rig.now), VMSND_OK);
		rig_start(&rig);
		rig_write(&rig, 100);
		rig_run(&rig, MS);
		if (i % 3 == 0)
			vmsnd_port_enable(rig.port, i % 2, rig.now);
		if (i % 5 == 0)
			vmsnd_port_close(rig.port, rig.now);
		vmsnd_port_release(rig.port, rig.now);
		assert_true(rig.n_jobs <= 1);
		if (i % 7 == 0)
			rig_work(&rig);
	}
	assert_true(rig.submitted <= 400);
	vmsnd_port_enable(rig.port, true, rig.now);
	rig.pool = RIG_POOL_NOW;
	rig_work(&rig);
	rig.next_frame = 0;
	rig.host.n_heard = 0;
	rig_go(&rig, 200 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_true(rig.host.n_heard > 4800);
	rig_close(&rig);
}

/* TH-02: the reference leaves a stream whose slow open failed for dead. */
static void test_TH_02_a_slow_open_that_fails_is_tried_again(void **state)
{
	struct rig rig;

	slow(&rig, VMSND_BACKEND_SLOW_STREAM_OPEN);
	rig.pool = RIG_POOL_NOW;
	rig.host.open_rc = VMSND_E_GONE;
	rig_go(&rig, 500 * MS);
	assert_true(rig.host.tries >= 1);
	assert_near(DONE(&rig), 24000);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 5 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig.host.opens, 1);
	rig_close(&rig);
}

/* TH-02: destroyed while the open is under way: the open is seen through, then closed. */
static void test_TH_02_CON_06_taken_out_while_it_opens(void **state)
{
	struct rig rig;

	slow(&rig, VMSND_BACKEND_SLOW_STREAM_OPEN);
	rig_prepare(&rig);
	assert_int_equal(rig.n_jobs, 1);
	vmsnd_port_remove(rig.port, 0, rig.now);
	assert_null(vmsnd_port_lun(rig.port, 0));
	assert_false(vmsnd_lun_gone(rig.luns[0]));
	rig_run(&rig, SECOND);
	assert_false(vmsnd_lun_gone(rig.luns[0]));
	rig_work(&rig);
	vmsnd_port_advance(rig.port, rig.now);
	assert_true(vmsnd_lun_gone(rig.luns[0]));
	assert_int_equal(rig.host.opens, 1);
	assert_int_equal(rig.host.closes, 1);
	free(rig.luns[0]);
	rig.luns[0] = NULL;
	rig_close(&rig);
}

static void test_TH_02_released_while_it_opens(void **state)
{
	struct rig rig;

	slow(&rig, VMSND_BACKEND_SLOW_STREAM_OPEN);
	rig_prepare(&rig);
	rig_start(&rig);
	vmsnd_port_close(rig.port, rig.now);
	rig_work(&rig);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.starts, 0);
	assert_null(rig.host.stream);
	rig_close(&rig);
}

/* TH-03: what was asked for meanwhile holds once it is open. */
static void test_TH_03_start_and_pause_are_replayed(void **state)
{
	struct rig rig;

	slow(&rig, VMSND_BACKEND_SLOW_STREAM_OPEN);
	rig_prepare(&rig);
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, 50 * MS);
	vmsnd_port_pause(rig.port, true, rig.now);
	rig_work(&rig);
	rig_run(&rig, SECOND);
	assert_int_equal(rig.host.n_heard, 0);
	vmsnd_port_pause(rig.port, false, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_near(rig.host.n_heard, 4800);
	rig_close(&rig);
}

/* TH-04: off is silent at once, though the close takes its time. */
static void test_TH_04_a_slow_close_goes_to_a_worker(void **state)
{
	size_t heard;
	struct rig rig;

	slow(&rig, VMSND_BACKEND_SLOW_STREAM_CLOSE);
	rig_go(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	heard = rig.host.n_heard;
	assert_int_equal(rig.host.closes, 0);
	assert_int_equal(rig.n_jobs, 1);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_CLOSING);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.n_heard, heard);
	assert_near(DONE(&rig), 9600);
	/* On again before it is closed: opened anew, after it. */
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.opens, 1);
	rig_work(&rig);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.closes, 1);
	assert_int_equal(rig.host.opens, 2);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

static void test_TH_07_without_a_worker_it_is_done_at_once(void **state)
{
	struct rig rig;

	slow(&rig, SLOW_BOTH);
	rig.pool = RIG_POOL_NONE;
	rig_go(&rig, 100 * MS);
	assert_int_equal(rig.host.opens, 1);
	assert_int_equal(rig_heard_in_order(&rig), 4800);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_int_equal(rig.host.closes, 1);
	rig_close(&rig);
}

static void test_TH_07_no_pool_at_all(void **state)
{
	struct rig rig;

	slow(&rig, SLOW_BOTH);
	rig.env.submit = NULL;
	rig.env.wake = NULL;
	rig_go(&rig, 100 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 4800);
	rig_close(&rig);
}

/* ---- attached, detached ---- */

static void test_AT_01_AT_02_a_backend_that_comes_later(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.confs[0].host = NULL;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_NOT_WORKING); /* CON-21 */
	assert_near(DONE(&rig), 4800);
	vmsnd_lun_attach(rig.luns[0], &rig.host, rig.now);
	rig_run(&rig, 200 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_near(DONE(&rig), 14400);
	rig_heard_run(&rig.host, 0, NULL);
	assert_true(rig.host.n_heard >= 9600 - T_FRAMES - PERIOD);
	rig_close(&rig);
}

/* TH-10: the streams of a backend that is taken away live on, and go on with the next. */
static void test_TH_10_AT_02_detach_and_attach(void **state)
{
	struct vmsnd_backend second;
	size_t heard;
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig_host_init(&second, &rig.now);
	vmsnd_lun_attach(rig.luns[0], NULL, rig.now);
	assert_true(vmsnd_lun_detached(rig.luns[0]));
	assert_null(rig.host.stream);
	heard = rig.host.n_heard;
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_near(DONE(&rig), 9600);
	vmsnd_lun_attach(rig.luns[0], &second, rig.now);
	assert_non_null(second.stream);
	assert_int_equal(rig.host.n_heard, heard);
	vmsnd_lun_attach(rig.luns[0], &rig.host, rig.now); /* straight from one to the other */
	assert_null(second.stream);
	assert_int_equal(second.opens, second.closes);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_near(rig.host.n_heard, heard + 4800);
	rig_heard_run(&rig.host, heard, NULL);
	free(second.bytes);
	rig_close(&rig);
}

static void test_TH_10_detach_while_it_opens(void **state)
{
	struct rig rig;

	slow(&rig, VMSND_BACKEND_SLOW_STREAM_OPEN);
	rig_prepare(&rig);
	vmsnd_lun_attach(rig.luns[0], NULL, rig.now);
	assert_false(vmsnd_lun_detached(rig.luns[0]));
	rig_run(&rig, 100 * MS);
	assert_false(vmsnd_lun_detached(rig.luns[0]));
	rig_work(&rig);
	vmsnd_port_advance(rig.port, rig.now);
	assert_true(vmsnd_lun_detached(rig.luns[0]));
	assert_null(rig.host.stream);
	rig_close(&rig);
}

/* A hot-attached backend takes part in the next suspend (design, section 4). */
static void test_AT_02_CON_11_a_backend_attached_while_suspended(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.confs[0].host = NULL;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	vmsnd_port_pause(rig.port, true, rig.now);
	vmsnd_lun_attach(rig.luns[0], &rig.host, rig.now);
	rig_run(&rig, SECOND);
	assert_int_equal(rig.host.n_heard, 0);
	vmsnd_port_pause(rig.port, false, rig.now);
	rig_run(&rig, 100 * MS);
	assert_true(rig.host.n_heard > 0);
	vmsnd_port_pause(rig.port, true, rig.now);
	{
		size_t heard = rig.host.n_heard;

		rig_run(&rig, SECOND);
		assert_int_equal(rig.host.n_heard, heard);
	}
	rig_close(&rig);
}

/* ---- tried again ---- */

/* RI-01, RI-03: asked for while all is well, it is done; asked for while it waits, it is tried at
 * once. */
static void test_RI_01_RI_03_reopen_and_retry_at_any_time(void **state)
{
	unsigned tries;
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	vmsnd_lun_retry(rig.luns[0], rig.now); /* not lost: nothing */
	assert_int_equal(rig.host.tries, 1);
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.opens, 2);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	rig.host.open_rc = VMSND_E_GONE;
	rig_end(&rig.host, VMSND_E_GONE);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_LOST);
	tries = rig.host.tries;
	vmsnd_lun_retry(rig.luns[0], rig.now);
	rig_run(&rig, 0);
	assert_true(rig.host.tries > tries);
	rig_close(&rig);
}

/* Moments, in ms since the loss, at which the host was tried. */
static unsigned moments(const struct vmsnd_backend *host, unsigned from, vmsnd_ns lost,
			unsigned *ms)
{
	unsigned n = 0;

	for (unsigned i = from; i < host->tries && i < RIG_TRIES; i++) {
		unsigned at = (unsigned)((host->tried[i] - lost) / MS);

		if (n == 0 || at != ms[n - 1])
			ms[n++] = at;
	}
	return n;
}

/* RI-02: at once, after 1, 2, 3, 4 s, then every 5 s and never no more. */
static void test_RI_02_when_a_lost_host_is_tried(void **state)
{
	static const unsigned due[] = {0, 1000, 3000, 6000, 10000, 15000, 20000, 25000, 30000};
	unsigned ms[RIG_TRIES], n;
	vmsnd_ns lost;
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.host.open_rc = VMSND_E_GONE;
	lost = rig.now;
	rig_end(&rig.host, VMSND_E_GONE);
	rig_run(&rig, 32 * SECOND);
	n = moments(&rig.host, 1, lost, ms);
	assert_int_equal(n, sizeof(due) / sizeof(due[0]));
	for (unsigned i = 0; i < n; i++)
		assert_in_range(ms[i], due[i], due[i] + 10);
	assert_int_equal(rig_status(&rig, 0).losses, 1);
	assert_int_equal((rig_status(&rig, 0).retry - lost) / MS, 35000);
	assert_near(DONE(&rig), 32100 * 48);
	/* Hours later it comes back. */
	rig_run(&rig, 3600 * SECOND);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 6 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_status(&rig, 0).tries, 0);
	rig_close(&rig);
}

/* KEYx-4: how often is the owner's affair. */
static void test_KEYx_4_the_owner_says_how_often(void **state)
{
	static const unsigned due[] = {0, 1000, 3000, 5000, 7000, 9000};
	unsigned ms[RIG_TRIES], n;
	vmsnd_ns lost;
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.confs[0].prefs.retry_s = 2;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.host.open_rc = VMSND_E_GONE;
	lost = rig.now;
	rig_end(&rig.host, VMSND_E_GONE);
	rig_run(&rig, 10 * SECOND);
	n = moments(&rig.host, 1, lost, ms);
	assert_int_equal(n, sizeof(due) / sizeof(due[0]));
	for (unsigned i = 0; i < n; i++)
		assert_in_range(ms[i], due[i], due[i] + 10);
	rig_close(&rig);
}

/* The log is told of the first failure and not of every try (RI-02). */
static void test_RI_02_a_repeated_try_says_so(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	assert_false(rig.host.want.again);
	rig.host.open_rc = VMSND_E_GONE;
	rig_end(&rig.host, VMSND_E_GONE);
	rig_run(&rig, 10 * SECOND);
	assert_true(rig.host.want.again);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 10 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

/* A host that opens and dies at its first block is not opened a thousand times a second. */
static void test_RI_02_a_host_that_dies_at_once_is_not_hammered(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.host.move_rc = VMSND_E_GONE;
	rig_run(&rig, 60 * SECOND);
	assert_true(rig.host.opens < 40);
	/* Each one that comes is pre-buffered for, so each costs the guest a moment. */
	assert_in_range(DONE(&rig), 60100 * 48 - rig.host.opens * T_FRAMES, 60100 * 48);
	rig.host.move_rc = VMSND_OK;
	rig_run(&rig, 6 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

/* RI-04: ring and threshold are sized for the new device, and what was acquired is not what is
 * asked for the next time. */
static void test_RI_04_sized_for_the_new_device_and_no_ratchet(void **state)
{
	struct vmsnd_stream_params params = rig_params(16384, PERIOD);
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	assert_int_equal(vmsnd_port_wanted(rig.port), T_FRAMES);
	rig.host.other_period = 4096;
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	vmsnd_port_advance(rig.port, rig.now);
	assert_int_equal(vmsnd_port_wanted(rig.port), 8192);
	rig_start(&rig);
	rig_write(&rig, 8191);
	rig_run(&rig, MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig.endless = true;
	rig_run(&rig, SECOND);
	assert_int_equal(rig_counter(&rig, "underruns"), 0);
	rig.host.other_period = 0;
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	rig_run(&rig, SECOND);
	assert_int_equal(rig.host.want.period_frames, PERIOD);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	rig_close(&rig);
}

/* RI-04, MX-25: a new device of another format: the conversion is built anew. */
static void test_RI_04_MX_25_another_format_after_reopening(void **state)
{
	static const struct vmsnd_format other = FORMAT(VMSND_SAMPLE_S32, 48000, 2);
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.host.other_format = &other;
	rig_notice(&rig.host, VMSND_STREAM_REOPEN);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_status(&rig, 0).format.sample, VMSND_SAMPLE_S32);
	assert_int_equal(rig.host.heard_frame_bytes, 8);
	assert_true(rig.host.n_heard > 4000);
	/* Straight on behind the last one that the old stream took, which was a block's end. */
	assert_int_equal(((uint32_t *)rig.host.bytes)[0] >> 16, 4801);
	rig.host.other_format = NULL;
	rig_run(&rig, SECOND); /* sooner it would be one that does not last (RI-02) */
	rig_notice(&rig.host, VMSND_STREAM_REOPEN);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.heard_frame_bytes, 4);
	rig_close(&rig);
}

/* RI-04: as new: the threshold follows the new device also after the guest ran on. */
static void test_RI_04_reopened_while_prebuffering(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_write(&rig, 500);
	rig_notice(&rig.host, VMSND_STREAM_REOPEN);
	rig_run(&rig, MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	assert_int_equal(rig.host.opens, 2);
	rig_write(&rig, T_FRAMES - 500);
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig_heard_in_order(&rig), T_FRAMES);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_TH_01_no_worker_for_a_host_that_is_not_slow),
	    cmocka_unit_test(test_TH_01_TH_02_TH_04_open_and_close_in_a_loop),
	    cmocka_unit_test(test_TH_02_a_slow_open_that_fails_is_tried_again),
	    cmocka_unit_test(test_TH_02_CON_06_taken_out_while_it_opens),
	    cmocka_unit_test(test_TH_02_released_while_it_opens),
	    cmocka_unit_test(test_TH_03_start_and_pause_are_replayed),
	    cmocka_unit_test(test_TH_04_a_slow_close_goes_to_a_worker),
	    cmocka_unit_test(test_TH_07_without_a_worker_it_is_done_at_once),
	    cmocka_unit_test(test_TH_07_no_pool_at_all),
	    cmocka_unit_test(test_AT_01_AT_02_a_backend_that_comes_later),
	    cmocka_unit_test(test_TH_10_AT_02_detach_and_attach),
	    cmocka_unit_test(test_TH_10_detach_while_it_opens),
	    cmocka_unit_test(test_AT_02_CON_11_a_backend_attached_while_suspended),
	    cmocka_unit_test(test_RI_01_RI_03_reopen_and_retry_at_any_time),
	    cmocka_unit_test(test_KEYx_4_the_owner_says_how_often),
	    cmocka_unit_test(test_RI_02_when_a_lost_host_is_tried),
	    cmocka_unit_test(test_RI_02_a_repeated_try_says_so),
	    cmocka_unit_test(test_RI_02_a_host_that_dies_at_once_is_not_hammered),
	    cmocka_unit_test(test_RI_04_sized_for_the_new_device_and_no_ratchet),
	    cmocka_unit_test(test_RI_04_MX_25_another_format_after_reopening),
	    cmocka_unit_test(test_RI_04_reopened_while_prebuffering),
	};

	return cmocka_run_group_tests_name("rows-reinit", tests, NULL, NULL);
}
