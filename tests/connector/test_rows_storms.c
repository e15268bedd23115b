/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts and owners beyond reason: changes that come faster than blocks do, hosts that hang or
 * promise nonsense, taps of what is refused. The guest's clock runs on all the same (MX-24). */
#include <string.h>

#include "rig.h"

#define DONE(rig) vmsnd_port_done_frames((rig)->port)

/* ---- storms ---- */

static void flip_enable(struct rig *rig, bool on)
{
	vmsnd_port_enable(rig->port, on, rig->now);
}

static void flip_host(struct rig *rig, bool on)
{
	vmsnd_lun_attach(rig->luns[0], on ? &rig->host : NULL, rig->now);
}

static void flip_device(struct rig *rig, bool on)
{
	if (rig->host.stream)
		rig_notice(&rig->host, VMSND_STREAM_SWITCHED);
}

static void flip_state(struct rig *rig, bool on)
{
	rig->host.state = on ? VMSND_STREAM_OKAY : VMSND_STREAM_NOT_WORKING;
}

/* Each 5 ms something else, for 5 s; a block takes 10 ms. */
static void storm(enum vmsnd_dir dir, void (*flip)(struct rig *, bool), const char *name)
{
	uint64_t before;
	struct rig rig;

	rig_running(&rig, dir, 200 * MS);
	before = DONE(&rig);
	for (unsigned i = 0; i < 1000; i++) {
		flip(&rig, i % 2);
		rig_run(&rig, 5 * MS);
	}
	if (DONE(&rig) - before < 5 * 48000 * 3 / 4)
		fail_msg("%s: %u frames in 5 s", name, (unsigned)(DONE(&rig) - before));
	assert_true(DONE(&rig) - before <= 5 * 48000 + BUFFER);
	rig_run(&rig, 10 * SECOND);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_RUNNING);
	rig_close(&rig);
}

static void storms(void (*flip)(struct rig *, bool), const char *name)
{
	storm(VMSND_PLAYBACK, flip, name);
	storm(VMSND_CAPTURE, flip, name);
}

static void test_DIR_01_MX_24_the_switch_each_5_ms(void **state)
{
	storms(flip_enable, "switch");
}

static void test_TH_10_MX_24_attach_and_detach_each_5_ms(void **state)
{
	storms(flip_host, "attach");
}

static void test_PL_16_MX_24_another_device_each_5_ms(void **state)
{
	storms(flip_device, "device");
}

static void test_PL_18_MX_24_asleep_and_awake_each_5_ms(void **state)
{
	storms(flip_state, "state");
}

/* ---- hosts ---- */

/* How large its blocks might be has nothing to do with how soon one is due. */
static void test_PL_18_a_hung_host_of_large_blocks_is_stood_in_for(void **state)
{
	uint64_t before;
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_max = 65536;
	rig_add(&rig, 0);
	rig_go(&rig, 500 * MS);
	before = DONE(&rig);
	rig.host.stalled = true;
	rig_run(&rig, 300 * MS);
	assert_int_equal(rig_counter(&rig, "host_stalls"), 1);
	rig_run(&rig, SECOND);
	assert_in_range(DONE(&rig) - before, 48000 - PERIOD, 1300 * 48);
	rig_close(&rig);
}

static void test_PAR_08_blocks_of_more_than_ten_seconds(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.host.other_period = 480000 + more;
		rig_add(&rig, 0);
		rig_prepare(&rig);
		rig_start(&rig);
		rig_write(&rig, BUFFER);
		rig_run(&rig, 100 * MS);
		assert_int_equal(rig_status(&rig, 0).host,
				 more ? VMSND_HOST_LOST : VMSND_HOST_RUNNING);
		rig_close(&rig);
	}
}

/* ---- inputs ---- */

/* A guest that comes back with larger periods, and an input whose blocks stay as they are. */
static void test_MX_20_larger_periods_are_for_all_inputs(void **state)
{
	struct vmsnd_stream_params small = rig_params(256, 64);
	struct vmsnd_stream_params large = rig_params(16384, 8192);
	struct vmsnd_lun_status before, after;
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.confs[1].prefs.period_ms = 10;
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	rig.takes = true;
	assert_int_equal(vmsnd_port_prepare(rig.port, &small, rig.now), VMSND_OK);
	rig_start(&rig);
	rig_run(&rig, SECOND);
	vmsnd_port_release(rig.port, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(vmsnd_port_prepare(rig.port, &large, rig.now), VMSND_OK);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND);
	before = rig_status(&rig, 1);
	rig_run(&rig, 5 * SECOND);
	after = rig_status(&rig, 1);
	assert_int_equal(after.dropped_frames, before.dropped_frames);
	assert_int_equal(after.xruns, before.xruns);
	assert_true(after.frames_out - before.frames_out > 4 * 48000);
	rig_close(&rig);
}

/* ---- taps ---- */

/* A tap that was refused once is of the host's format all the same, not of a plainer one whose
 * frames are larger than those it is given. */
static void test_KEY_03_a_tap_refused_once_hears_what_the_host_hears(void **state)
{
	struct vmsnd_stream_params params = {
	    .format = FORMAT(VMSND_SAMPLE_U8, 8000, 1), .buffer_frames = 320, .period_frames = 80};
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.confs[9].role = VMSND_LUN_TAP_HOST;
	rig.others[8].speed = 0;
	rig.others[8].unsupported = 1;
	rig_add(&rig, 0);
	rig_add(&rig, 9);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	rig_start(&rig);
	for (unsigned i = 0; i < 200; i++) {
		void *at;
		uint32_t n = vmsnd_port_begin(rig.port, 80, &at);

		memset(at, (int)(i % 200 + 1), n);
		vmsnd_port_commit(rig.port, n);
		rig_run(&rig, 10 * MS);
	}
	assert_true(rig.others[8].tries >= 2);
	assert_true(vmsnd_format_equal(&rig.others[8].want.format, &params.format));
	assert_int_equal(rig.others[8].heard_frame_bytes, 1);
	assert_true(rig.others[8].n_heard > 1000 && rig.others[8].n_heard <= rig.host.n_heard);
	assert_memory_equal(rig.others[8].bytes + rig.others[8].n_heard - 1000,
			    rig.host.bytes + rig.host.n_heard - 1000, 1000);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DIR_01_MX_24_the_switch_each_5_ms),
	    cmocka_unit_test(test_TH_10_MX_24_attach_and_detach_each_5_ms),
	    cmocka_unit_test(test_PL_16_MX_24_another_device_each_5_ms),
	    cmocka_unit_test(test_PL_18_MX_24_asleep_and_awake_each_5_ms),
	    cmocka_unit_test(test_PL_18_a_hung_host_of_large_blocks_is_stood_in_for),
	    cmocka_unit_test(test_PAR_08_blocks_of_more_than_ten_seconds),
	    cmocka_unit_test(test_MX_20_larger_periods_are_for_all_inputs),
	    cmocka_unit_test(test_KEY_03_a_tap_refused_once_hears_what_the_host_hears),
	};

	return cmocka_run_group_tests_name("rows-storms", tests, NULL, NULL);
}
