/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port and its units say about themselves: CON-02 to CON-24, the figures (CON-09),
 * end-to-end delay (BE-14), taps, and what is answered to calls that make no sense (2.13). */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

/* CON-02: a host with no stream to spare takes nothing away from anybody, and gives it back. */
static void test_CON_02_a_host_with_no_stream_to_spare(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.open_rc = VMSND_E_NOMEM;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	assert_near(DONE(&rig), 4800);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 5 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

/* CON-03: one piece of storage each, and nothing beyond it is touched. */
static void test_CON_03_storage_is_as_large_as_it_says(void **state)
{
	size_t port_bytes = vmsnd_port_footprint(), lun_bytes = vmsnd_lun_footprint();
	unsigned char *port_at = rig_zeroed(port_bytes + 64), *lun_at = rig_zeroed(lun_bytes + 64);
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD);
	struct vmsnd_connector_env env = {.cpu = VMSND_CPU_BASELINE};
	struct vmsnd_port_conf conf = {.dir = VMSND_PLAYBACK, .enabled = true, .env = &env};
	struct vmsnd_port *port = (struct vmsnd_port *)port_at;
	struct vmsnd_lun *lun = (struct vmsnd_lun *)lun_at;
	unsigned char *ring = rig_zeroed(VMSND_PORT_RING_BYTES + 64);
	struct vmsnd_lun_conf unit = {
	    .prefs = {.sample = VMSND_SAMPLE_COUNT, .prebuffer_ms = VMSND_PREBUFFER_UNSET}};
	vmsnd_ns clock = START;
	struct vmsnd_backend host;
	void *at;

	rig_host_init(&host, &clock);
	memset(port_at + port_bytes, 0x55, 64);
	memset(lun_at + lun_bytes, 0x55, 64);
	memset(ring + VMSND_PORT_RING_BYTES, 0x55, 64);
	conf.ring_storage = ring;
	unit.backend = &host.kind;
	unit.host = &host;
	vmsnd_port_init(port, &conf);
	assert_int_equal(vmsnd_port_add(port, 0, lun, &unit, clock), VMSND_OK);
	params.buffer_frames = VMSND_PORT_RING_BYTES / 4;
	assert_int_equal(vmsnd_port_prepare(port, &params, clock), VMSND_OK);
	assert_int_equal(vmsnd_port_begin(port, UINT32_MAX, &at), VMSND_PORT_RING_BYTES / 4);
	memset(at, 0xAA, VMSND_PORT_RING_BYTES);
	vmsnd_port_commit(port, UINT32_MAX);
	assert_int_equal(vmsnd_port_begin(port, 1, &at), 0);
	vmsnd_port_close(port, clock);
	vmsnd_port_remove(port, 0, clock);
	assert_true(vmsnd_lun_gone(lun));
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(port_at[port_bytes + i], 0x55);
		assert_int_equal(lun_at[lun_bytes + i], 0x55);
		assert_int_equal(ring[VMSND_PORT_RING_BYTES + i], 0x55);
	}
	free(port_at);
	free(lun_at);
	free(ring);
}

/* 2.13: calls that make no sense are answered and change nothing. */
static void test_2_13_calls_out_of_order(void **state)
{
	struct rig rig;
	void *at;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_start(rig.port, rig.now), VMSND_E_INVALID);
	vmsnd_port_stop(rig.port, rig.now);
	vmsnd_port_drain(rig.port, rig.now);
	vmsnd_port_release(rig.port, rig.now);
	vmsnd_port_close(rig.port, rig.now);
	vmsnd_port_close(rig.port, rig.now);
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	vmsnd_lun_retry(rig.luns[0], rig.now);
	vmsnd_port_remove(rig.port, 7, rig.now); /* nobody there */
	vmsnd_port_remove(rig.port, VMSND_PORT_LUNS_MAX, rig.now);
	assert_null(vmsnd_port_lun(rig.port, VMSND_PORT_LUNS_MAX));
	assert_int_equal(vmsnd_port_begin(rig.port, 1, &at), 0);
	vmsnd_port_commit(rig.port, 1000);
	assert_int_equal(DONE(&rig), 0);
	assert_int_equal(rig.host.tries, 0);
	rig_go(&rig, 100 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 4800);
	rig_close(&rig);
}

/* CON-10 to CON-18, CON-20 to CON-24: the state a device sees, in every situation. */
static void test_CON_20_to_CON_23_the_state_a_device_sees(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_NOT_WORKING); /* not created */
	rig_prepare(&rig);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE);
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_ACTIVE);
	vmsnd_port_pause(rig.port, true, rig.now); /* CON-11: paused implies enabled */
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_ACTIVE);
	vmsnd_port_pause(rig.port, false, rig.now);
	rig.endless = false;
	vmsnd_port_drain(rig.port, rig.now); /* CON-12: so does draining */
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_ACTIVE);
	rig_run(&rig, 100 * MS);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE);
	rig_start(&rig);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE); /* CON-23 */
	vmsnd_port_enable(rig.port, true, rig.now);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_ACTIVE);
	rig.host.open_rc = VMSND_E_GONE;
	rig_end(&rig.host, VMSND_E_GONE);
	rig_run(&rig, 100 * MS);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_NEEDS_REINIT); /* CON-20 */
	rig_remove(&rig, 0);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_NOT_WORKING); /* CON-21 */
	rig_close(&rig);
}

static void test_CON_22_opening_and_initializing_are_active(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.pool = RIG_POOL_HELD;
	rig.host.kind.flags = VMSND_BACKEND_SLOW_STREAM_OPEN;
	rig.host.state = VMSND_STREAM_INITIALIZING;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_ACTIVE);
	rig_work(&rig);
	rig_run(&rig, 100 * MS);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_ACTIVE);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_OPENING);
	rig.host.state = VMSND_STREAM_OKAY;
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_status(&rig, 0).host, VMSND_HOST_RUNNING);
	rig_close(&rig);
}

/* CON-09: accepted = played + dropped + still there, at any time, on each unit. */
static void check_sums(const struct rig *rig, uint64_t accepted)
{
	struct vmsnd_lun_status first = rig_status(rig, 0), second = rig_status(rig, 1);

	assert_int_equal(first.frames_in, accepted);
	assert_int_equal(first.frames_in,
			 first.frames_out + first.dropped_frames + first.fill_frames);
	assert_int_equal(second.frames_in,
			 second.frames_out + second.dropped_frames + second.fill_frames);
}

static void test_CON_09_figures_add_up(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	rig_go(&rig, SECOND);
	check_sums(&rig, rig.next_frame);
	assert_int_equal(rig_status(&rig, 0).frames_out, 48000);
	assert_int_equal(rig_status(&rig, 0).blocks, 100);
	assert_int_equal(rig_status(&rig, 0).silence_frames, 0);
	assert_int_equal(rig_status(&rig, 0).opens, 1);
	rig.host.open_rc = VMSND_E_GONE;
	rig_end(&rig.host, VMSND_E_GONE);
	rig_run(&rig, 500 * MS);
	check_sums(&rig, rig.next_frame);
	assert_near(rig_status(&rig, 0).dropped_frames, 24000);
	assert_int_equal(rig_status(&rig, 0).losses, 1);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 2 * SECOND);
	rig.endless = false;
	rig_run(&rig, 100 * MS);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_status(&rig, 0).xruns, 1);
	assert_true(rig_status(&rig, 0).xrun_frames > 2000);
	check_sums(&rig, rig.next_frame);
	rig.others[0].stalled = true;
	rig_run(&rig, 5 * SECOND);
	check_sums(&rig, rig.next_frame);
	assert_true(rig_status(&rig, 1).dropped_frames > 48000);
	rig_close(&rig);
}

/* CON-09: state changes with their times, the newest kept. */
static void test_CON_09_changes_are_remembered(void **state)
{
	struct vmsnd_lun_status status;
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	for (unsigned i = 0; i < 10; i++) {
		vmsnd_port_enable(rig.port, false, rig.now);
		rig_run(&rig, 100 * MS);
		vmsnd_port_enable(rig.port, true, rig.now);
		rig_run(&rig, 100 * MS);
	}
	status = rig_status(&rig, 0);
	assert_true(status.n_changes > VMSND_LUN_CHANGES_MAX);
	for (unsigned i = 1; i < VMSND_LUN_CHANGES_MAX; i++) {
		unsigned n = status.n_changes - i;
		const struct vmsnd_lun_change *late = &status.changes[n % VMSND_LUN_CHANGES_MAX];
		const struct vmsnd_lun_change *early =
		    &status.changes[(n - 1) % VMSND_LUN_CHANGES_MAX];

		assert_int_equal(early->to, late->from);
		assert_true(early->when <= late->when && early->when > START);
	}
	assert_int_equal(status.changes[(status.n_changes - 1) % VMSND_LUN_CHANGES_MAX].to,
			 VMSND_HOST_RUNNING);
	rig_close(&rig);
}

/* BE-14: what the reference knows nobody: the delay from the guest to the ear. */
static void test_BE_14_delay_from_end_to_end(void **state)
{
	struct vmsnd_lun_status status;
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.delay_frames = 4800;
	rig_add(&rig, 0);
	rig_go(&rig, SECOND);
	status = rig_status(&rig, 0);
	/* The host's 100 ms are those of the block's last frame. Behind it the ring has another. */
	assert_in_range(status.latency_ns / MS, 109, 111);
	assert_in_range(status.latency_min_ns, 100 * MS, status.latency_ns);
	assert_in_range(status.latency_max_ns, status.latency_ns, 130 * MS);
	assert_int_equal(vmsnd_port_delay_frames(rig.port), 4800);
	rig.host.delay_frames = 480;
	rig_run(&rig, SECOND);
	assert_in_range(rig_status(&rig, 0).latency_ns / MS, 19, 21);
	rig_close(&rig);
}

static void test_BE_14_delay_of_an_input(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.host.delay_frames = 4800;
	rig_add(&rig, 0);
	rig_go(&rig, SECOND);
	assert_in_range(rig_status(&rig, 0).latency_ns / MS, 100, 121);
	rig_close(&rig);
}

/* Reading the figures changes nothing, however often. */
static void test_CON_09_looking_disturbs_nobody(void **state)
{
	struct vmsnd_lun_status before, after;
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 105 * MS);
	before = rig_status(&rig, 0);
	for (unsigned i = 0; i < 1000; i++)
		after = rig_status(&rig, 0);
	assert_memory_equal(&before, &after, sizeof(before));
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	rig_close(&rig);
}

static void test_states_have_names(void **state)
{
	assert_string_equal(vmsnd_play_state_name(VMSND_PLAY_NOPLAY), "NOPLAY");
	assert_string_equal(vmsnd_play_state_name(VMSND_PLAY_PREBUF_OVERDUE), "PREBUF_OVERDUE");
	assert_string_equal(vmsnd_play_state_name(VMSND_PLAY_PLAY_PREBUF), "PLAY_PREBUF");
	assert_string_equal(vmsnd_capture_state_name(VMSND_CAPTURE_CAPTURING), "CAPTURING");
	assert_string_equal(vmsnd_host_state_name(VMSND_HOST_RUNNING), "running");
}

/* ---- taps ---- */

static void tapped(struct rig *rig, enum vmsnd_dir dir, enum vmsnd_lun_role role)
{
	rig_begin(rig, dir, true);
	rig->confs[9].role = role;
	rig->others[8].speed = 0; /* a file: takes what there is */
	rig_add(rig, 0);
}

/* The guest's frames, bit for bit, also while nobody hears them. */
static void test_tap_of_the_device(void **state)
{
	size_t at;
	struct rig rig;

	tapped(&rig, VMSND_PLAYBACK, VMSND_LUN_TAP_DEVICE);
	rig_go(&rig, 100 * MS);
	at = rig.next_frame;
	rig_add(&rig, 9);
	rig_run(&rig, 500 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	rig_run(&rig, 500 * MS);
	assert_true(rig.others[8].n_heard + 2 * T_FRAMES >= rig.next_frame - at);
	for (size_t i = 0; i < rig.others[8].n_heard; i++)
		assert_int_equal(rig.others[8].heard[i], at + 1 + i);
	rig_remove(&rig, 9);
	rig_run(&rig, 100 * MS);
	rig_close(&rig);
}

/* What the host took, silence included. */
static void test_tap_of_the_host(void **state)
{
	size_t at;
	struct rig rig;

	tapped(&rig, VMSND_PLAYBACK, VMSND_LUN_TAP_HOST);
	rig_go(&rig, 100 * MS);
	rig_add(&rig, 9);
	at = rig.host.n_heard;
	rig_run(&rig, 500 * MS);
	rig.endless = false;
	rig_run(&rig, 500 * MS);
	assert_near(rig.others[8].n_heard, rig.host.n_heard - at);
	assert_memory_equal(rig.others[8].heard, rig.host.heard + at, rig.others[8].n_heard * 4);
	rig_close(&rig);
}

static void test_taps_of_a_recording(void **state)
{
	for (unsigned role = VMSND_LUN_TAP_DEVICE; role <= VMSND_LUN_TAP_HOST; role++) {
		struct rig rig;

		tapped(&rig, VMSND_CAPTURE, (enum vmsnd_lun_role)role);
		rig_add(&rig, 9);
		rig_go(&rig, 500 * MS);
		assert_near(rig.others[8].n_heard, 24000);
		assert_int_equal(rig.others[8].want.dir, VMSND_PLAYBACK); /* it is written to */
		for (size_t i = 0; i < rig.others[8].n_heard; i++)
			assert_int_equal(rig.others[8].heard[i], i + 1);
		assert_int_equal(rig_heard_in_order(&rig), 24000);
		rig_close(&rig);
	}
}

/* A tap whose disk hangs is not noticed. */
static void test_tap_that_hangs_holds_up_nobody(void **state)
{
	for (unsigned role = VMSND_LUN_TAP_DEVICE; role <= VMSND_LUN_TAP_HOST; role++) {
		struct rig rig;

		tapped(&rig, VMSND_PLAYBACK, (enum vmsnd_lun_role)role);
		rig_add(&rig, 9);
		rig.others[8].stalled = true;
		rig_go(&rig, 30 * SECOND);
		assert_int_equal(rig_heard_in_order(&rig), 30 * 48000);
		assert_true(rig_status(&rig, 9).dropped_frames > 48000);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CON_02_a_host_with_no_stream_to_spare),
	    cmocka_unit_test(test_CON_03_storage_is_as_large_as_it_says),
	    cmocka_unit_test(test_2_13_calls_out_of_order),
	    cmocka_unit_test(test_CON_20_to_CON_23_the_state_a_device_sees),
	    cmocka_unit_test(test_CON_22_opening_and_initializing_are_active),
	    cmocka_unit_test(test_CON_09_figures_add_up),
	    cmocka_unit_test(test_CON_09_changes_are_remembered),
	    cmocka_unit_test(test_BE_14_delay_from_end_to_end),
	    cmocka_unit_test(test_BE_14_delay_of_an_input),
	    cmocka_unit_test(test_CON_09_looking_disturbs_nobody),
	    cmocka_unit_test(test_states_have_names),
	    cmocka_unit_test(test_tap_of_the_device),
	    cmocka_unit_test(test_tap_of_the_host),
	    cmocka_unit_test(test_taps_of_a_recording),
	    cmocka_unit_test(test_tap_that_hangs_holds_up_nobody),
	};

	return cmocka_run_group_tests_name("rows-status", tests, NULL, NULL);
}
