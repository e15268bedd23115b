/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture through a port under virtual time; rows CA of the connector's catalogue. */
#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_capture_state((rig)->port)

static void started(struct rig *rig)
{
	rig_open(rig, VMSND_CAPTURE);
	rig_prepare(rig);
	assert_int_equal(vmsnd_port_start(rig->port, rig->now), VMSND_OK);
}

static void test_CA_02_start_captures_at_once(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_CAPTURE);
	rig_prepare(&rig);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_NO_CAPTURE);
	vmsnd_port_start(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	assert_int_equal(rig.host.starts, 1);
	rig_close(&rig);
}

static void test_CA_04_CA_08_CAx_2_readable_from_the_first_block(void **state)
{
	struct rig rig;

	started(&rig);
	rig_run(&rig, 10 * MS - 1);
	assert_int_equal(vmsnd_port_wanted(rig.port), 0);
	rig_run(&rig, 1);
	assert_int_equal(vmsnd_port_wanted(rig.port), PERIOD);
	assert_int_equal(DONE(&rig), PERIOD);
	rig_close(&rig);
}

static void test_CA_06_frames_come_in_order_and_in_time(void **state)
{
	struct rig rig;

	started(&rig);
	rig.takes = true;
	rig_run(&rig, 60 * 1000 * MS);
	assert_int_equal(rig.taken, 60 * 48000);
	assert_int_equal(DONE(&rig), 60 * 48000);
	assert_int_equal(rig_heard_in_order(&rig), 60 * 48000);
	assert_int_equal(rig.host.n_heard, 60 * 48000);
	assert_int_equal(rig_counter(&rig, "overruns"), 0);
	rig_close(&rig);
}

/* A guest slower than the host: the oldest frames stay, the newest are counted, time goes on. */
static void test_overrun_drops_the_newest_and_counts(void **state)
{
	uint64_t lost, kept;
	struct rig rig;

	started(&rig);
	rig_run(&rig, 1000 * MS);
	kept = vmsnd_port_wanted(rig.port);
	lost = rig_counter(&rig, "overrun_frames");
	assert_true(kept >= BUFFER);
	assert_int_equal(kept + lost, 48000);
	assert_int_equal(rig_counter(&rig, "overruns"), 1);
	rig.takes = true;
	rig_run(&rig, 0);
	assert_int_equal(rig_heard_in_order(&rig), kept);
	rig_run(&rig, 10 * MS);
	assert_int_equal(rig.host.heard[kept], 48001); /* the host's time, not the guest's */
	assert_int_equal(DONE(&rig), kept + PERIOD);
	rig_close(&rig);
}

static void test_overruns_counts_episodes(void **state)
{
	struct rig rig;

	started(&rig);
	for (unsigned i = 0; i < 3; i++) {
		rig.takes = false;
		rig_run(&rig, 500 * MS);
		rig.takes = true;
		rig_run(&rig, 500 * MS);
	}
	assert_int_equal(rig_counter(&rig, "overruns"), 3);
	assert_int_equal(rig.taken + rig_counter(&rig, "overrun_frames"), 3 * 48000);
	rig_close(&rig);
}

/* CA-03, CA-07, CAx-3: no host, or off: the guest gets silence in real time. */
static void test_CA_03_CA_07_CAx_3_KEY_02_silence_in_real_time(void **state)
{
	for (unsigned way = 0; way < 2; way++) {
		struct rig rig;

		rig_open_with(&rig, VMSND_CAPTURE, way == 1, way == 0);
		rig_prepare(&rig);
		rig.takes = true;
		vmsnd_port_start(rig.port, rig.now);
		assert_int_equal(STATE(&rig), VMSND_CAPTURE_NO_CAPTURE);
		rig_run(&rig, 1000 * MS);
		assert_int_equal(rig.taken, 48000);
		assert_int_equal(rig_heard_in_order(&rig), 0);
		assert_int_equal(rig_counter(&rig, "silence_frames"), 48000);
		assert_int_equal(rig.host.opens, 0);
		rig_close(&rig);
	}
}

/* Silence of unsigned samples is their middle. */
static void test_silence_in_U8(void **state)
{
	struct vmsnd_stream_params params = {FORMAT(VMSND_SAMPLE_U8, 8000, 1), 800, 80};
	struct rig rig;
	void *at;
	uint32_t n;

	rig_open_with(&rig, VMSND_CAPTURE, false, true);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	vmsnd_port_start(rig.port, rig.now);
	rig_run(&rig, 10 * MS);
	n = vmsnd_port_begin(rig.port, 80, &at);
	assert_int_equal(n, 80);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(((unsigned char *)at)[i], 0x80);
	rig_close(&rig);
}

/* CAx-1: no burst of frames for the time between stop and start. */
static void test_CAx_1_stopped_time_brings_no_frames(void **state)
{
	for (unsigned hosted = 0; hosted < 2; hosted++) {
		struct rig rig;

		rig_open_with(&rig, VMSND_CAPTURE, hosted, true);
		rig_prepare(&rig);
		rig.takes = true;
		vmsnd_port_start(rig.port, rig.now);
		rig_run(&rig, 100 * MS);
		vmsnd_port_stop(rig.port, rig.now);
		rig_run(&rig, 10000 * MS);
		vmsnd_port_start(rig.port, rig.now);
		rig_run(&rig, 100 * MS);
		assert_int_equal(rig.taken, 9600);
		rig_close(&rig);
	}
}

/* What was recorded before stop can be taken after it, and start goes on behind it. */
static void test_stop_keeps_what_was_recorded(void **state)
{
	struct rig rig;

	started(&rig);
	rig_run(&rig, 20 * MS);
	vmsnd_port_stop(rig.port, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(vmsnd_port_wanted(rig.port), 2 * PERIOD);
	vmsnd_port_start(rig.port, rig.now);
	rig_run(&rig, 10 * MS);
	rig.takes = true;
	rig_run(&rig, 0);
	assert_int_equal(rig_heard_in_order(&rig), 3 * PERIOD);
	rig_close(&rig);
}

static void test_PL_28_drain_of_an_input_stops(void **state)
{
	struct rig rig;

	started(&rig);
	rig_run(&rig, 10 * MS);
	vmsnd_port_drain(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_NO_CAPTURE);
	rig_run(&rig, 100 * MS);
	assert_int_equal(DONE(&rig), PERIOD);
	rig_close(&rig);
}

static void test_delay_counts_what_waits_in_the_ring(void **state)
{
	struct rig rig;

	started(&rig);
	rig.host.delay_frames = 77;
	rig_run(&rig, 20 * MS);
	assert_int_equal(vmsnd_port_delay_frames(rig.port), 77 + 2 * PERIOD);
	rig_close(&rig);
}

/* The owner's switch while the guest records: sound, silence, sound, at one steady pace. */
static void test_DIR_01_DIR_02_switch_while_recording(void **state)
{
	struct rig rig;

	started(&rig);
	rig.takes = true;
	rig_run(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_NO_CAPTURE);
	assert_null(rig.host.stream); /* no "microphone in use" */
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.taken, 9600);
	for (size_t i = 4800; i < 9600; i++)
		assert_int_equal(rig.host.heard[i], 0);
	vmsnd_port_enable(rig.port, true, rig.now);
	assert_int_equal(STATE(&rig), VMSND_CAPTURE_CAPTURING);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.taken, 14400);
	assert_int_equal(rig_heard_in_order(&rig), 9600);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CA_02_start_captures_at_once),
	    cmocka_unit_test(test_CA_04_CA_08_CAx_2_readable_from_the_first_block),
	    cmocka_unit_test(test_CA_06_frames_come_in_order_and_in_time),
	    cmocka_unit_test(test_overrun_drops_the_newest_and_counts),
	    cmocka_unit_test(test_overruns_counts_episodes),
	    cmocka_unit_test(test_CA_03_CA_07_CAx_3_KEY_02_silence_in_real_time),
	    cmocka_unit_test(test_silence_in_U8),
	    cmocka_unit_test(test_CAx_1_stopped_time_brings_no_frames),
	    cmocka_unit_test(test_stop_keeps_what_was_recorded),
	    cmocka_unit_test(test_PL_28_drain_of_an_input_stops),
	    cmocka_unit_test(test_delay_counts_what_waits_in_the_ring),
	    cmocka_unit_test(test_DIR_01_DIR_02_switch_while_recording),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
