/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that come and go under a playing stream: the owner's switch, and hosts that die. */
#include "connector/port.h"
#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

static void playing(struct rig *rig, vmsnd_ns length)
{
	rig_open(rig, VMSND_PLAYBACK);
	rig_prepare(rig);
	vmsnd_port_start(rig->port, rig->now);
	rig->endless = true;
	rig_run(rig, length);
	assert_int_equal(STATE(rig), VMSND_PLAY_PLAY);
}

static void test_DIR_01_off_closes_the_host_and_time_goes_on(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_null(rig.host.stream);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_run(&rig, 100 * MS);
	assert_int_equal(DONE(&rig), 9600);
	assert_int_equal(rig.host.n_heard, 4800);
	rig_close(&rig);
}

/* PLx-6: what plays after the switch is whole again from its first frame. */
static void test_PLx_6_on_prebuffers_again(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	rig_run(&rig, 5 * MS);
	rig.endless = false;
	rig_run(&rig, 95 * MS); /* the stand-in has swallowed what there was */
	assert_int_equal(DONE(&rig), 5760);
	vmsnd_port_enable(rig.port, true, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_write(&rig, 2 * PERIOD - 1);
	rig_run(&rig, MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_write(&rig, 1);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig.host.n_heard, 4800 + 2 * PERIOD);
	assert_int_equal(rig.host.heard[4800], 5761);
	assert_int_equal(rig.host.heard[5759], 6720);
	rig_close(&rig);
}

static void test_DIR_03_no_change_no_action(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, true, rig.now);
	assert_int_equal(rig.host.stops, 0);
	vmsnd_port_enable(rig.port, false, rig.now);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_int_equal(rig.host.closes, 1);
	rig_close(&rig);
}

static void test_switch_in_every_phase_keeps_the_nominal_state(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	vmsnd_port_enable(rig.port, false, rig.now);
	vmsnd_port_enable(rig.port, true, rig.now); /* unprepared: nothing to open */
	assert_int_equal(rig.host.opens, 0);
	rig_prepare(&rig);
	vmsnd_port_enable(rig.port, false, rig.now);
	assert_null(rig.host.stream);
	vmsnd_port_enable(rig.port, true, rig.now); /* prepared: opened, not started */
	assert_int_equal(rig.host.opens, 2);
	assert_int_equal(rig.host.starts, 0);
	vmsnd_port_start(rig.port, rig.now);
	vmsnd_port_enable(rig.port, false, rig.now);
	vmsnd_port_enable(rig.port, true, rig.now); /* pre-buffering: still so */
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_write(&rig, BUFFER);
	rig_run(&rig, 10 * MS);
	assert_int_equal(rig_heard_in_order(&rig), PERIOD);
	rig_close(&rig);
}

static void test_switch_while_draining_still_drains(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	rig.endless = false;
	rig_write(&rig, BUFFER - 2 * PERIOD);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 10 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	rig_run(&rig, 10 * MS);
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(DONE(&rig), rig.next_frame);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(rig.host.stream != NULL, 1);
	assert_int_equal(rig.host.heard[rig.host.n_heard - 1], rig.next_frame);
	rig_close(&rig);
}

static void test_on_with_a_host_that_refuses_keeps_the_stand_in(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	rig.host.open_rc = VMSND_E_GONE;
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(DONE(&rig), 9600);
	rig_close(&rig);
}

/* PL-18: a host that gives up leaves the guest with a card that goes on. */
static void test_PL_18_host_that_ends_is_replaced_by_the_clock(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	rig.host.move_rc = rig.host.open_rc = VMSND_E_GONE;
	rig_run(&rig, 100 * MS);
	assert_null(rig.host.stream);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(DONE(&rig), 9600);
	assert_int_equal(rig_counter(&rig, "hosts_lost"), 1);
	/* It comes back by itself (RI-02). */
	rig.host.move_rc = rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 2 * SECOND);
	assert_int_equal(rig.host.opens, 2);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

/* A prepare that comes before anybody noticed does not go on with the dead stream. */
static void test_prepare_right_after_the_host_ended(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	rig.host.move_rc = VMSND_E_GONE;
	rig.host.kind.advance(&rig.host, rig.now + 10 * MS);
	rig.host.move_rc = VMSND_OK;
	vmsnd_port_release(rig.port, rig.now);
	rig_prepare(&rig);
	assert_int_equal(rig.host.opens, 2);
	vmsnd_port_start(rig.port, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.n_heard, 9600);
	rig_close(&rig);
}

/* Design, idea 9: the host's side may be another process, and be broken. Whatever stands in
 * its half of the head, the device sees positions that are possible. */
static void test_hostile_host_positions(void **state)
{
	static const uint64_t lies[] = {1, 4800, 4801, UINT64_C(1) << 32, UINT64_MAX};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct rig rig;

		playing(&rig, 100 * MS);
		atomic_store(&rig.port->head.read, DONE(&rig) + 10000 + lies[i]);
		assert_true(DONE(&rig) <= rig.next_frame);
		assert_true(vmsnd_port_wanted(rig.port) <= 2 * PERIOD);
		rig.endless = false;
		rig_write(&rig, BUFFER);
		assert_true(DONE(&rig) <= rig.next_frame);
		rig_close(&rig);
		rig_open(&rig, VMSND_PLAYBACK);
		rig_prepare(&rig);
		rig_write(&rig, 10);
		atomic_store(&rig.port->head.read, 10 + lies[i]);
		assert_true(DONE(&rig) <= 10);
		rig_close(&rig);
	}
}

static void test_PL_18_host_that_ends_while_draining(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	rig.endless = false;
	rig_write(&rig, PERIOD);
	vmsnd_port_drain(rig.port, rig.now);
	rig.host.move_rc = rig.host.open_rc = VMSND_E_GONE;
	rig_run(&rig, 100 * MS);
	assert_int_equal(DONE(&rig), rig.next_frame);
	vmsnd_port_start(rig.port, rig.now);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	assert_true(DONE(&rig) >= rig.next_frame - 2 * PERIOD);
	rig_close(&rig);
}

static void test_host_that_does_not_start(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	rig.host.start_rc = rig.host.open_rc = VMSND_E_GONE;
	rig_write(&rig, 2 * PERIOD);
	assert_int_equal(vmsnd_port_start(rig.port, rig.now), VMSND_OK);
	rig_run(&rig, 20 * MS);
	assert_int_equal(DONE(&rig), 2 * PERIOD);
	assert_int_equal(rig_counter(&rig, "hosts_lost"), 1);
	rig_close(&rig);
}

static void test_close_in_every_phase(void **state)
{
	for (unsigned phase = 0; phase < 5; phase++) {
		struct rig rig;

		rig_open(&rig, VMSND_PLAYBACK);
		if (phase > 0)
			rig_prepare(&rig);
		if (phase > 1)
			vmsnd_port_start(rig.port, rig.now);
		rig.endless = phase > 2;
		if (phase > 2)
			rig_run(&rig, 50 * MS);
		if (phase > 3)
			vmsnd_port_drain(rig.port, rig.now);
		vmsnd_port_close(rig.port, rig.now);
		assert_null(rig.host.stream);
		rig.endless = false;
		rig.next_frame = (uint32_t)rig.host.n_heard;
		rig_prepare(&rig);
		vmsnd_port_start(rig.port, rig.now);
		rig_write(&rig, 2 * PERIOD);
		rig_run(&rig, 20 * MS);
		assert_int_equal(DONE(&rig), 2 * PERIOD);
		assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
		rig_close(&rig);
	}
}

/* pace=free: every frame the guest has goes through at one moment, none is invented. */
static void test_free_host_takes_what_there_is(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig.host.speed = 0;
	rig_prepare(&rig);
	vmsnd_port_start(rig.port, rig.now);
	rig.posted = 48000 * 60 + 7;
	rig_run(&rig, 0);
	assert_int_equal(rig_heard_in_order(&rig), 48000 * 60 + 7);
	assert_int_equal(rig.host.n_heard, 48000 * 60 + 7);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_close(&rig);
}

static void test_fast_host_keeps_its_pace(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig.host.speed = 16;
	rig_prepare(&rig);
	vmsnd_port_start(rig.port, rig.now);
	rig.endless = true;
	rig_run(&rig, 1000 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 16 * 48000);
	assert_int_equal(rig_counter(&rig, "underruns"), 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DIR_01_off_closes_the_host_and_time_goes_on),
	    cmocka_unit_test(test_PLx_6_on_prebuffers_again),
	    cmocka_unit_test(test_DIR_03_no_change_no_action),
	    cmocka_unit_test(test_switch_in_every_phase_keeps_the_nominal_state),
	    cmocka_unit_test(test_switch_while_draining_still_drains),
	    cmocka_unit_test(test_on_with_a_host_that_refuses_keeps_the_stand_in),
	    cmocka_unit_test(test_PL_18_host_that_ends_is_replaced_by_the_clock),
	    cmocka_unit_test(test_prepare_right_after_the_host_ended),
	    cmocka_unit_test(test_hostile_host_positions),
	    cmocka_unit_test(test_PL_18_host_that_ends_while_draining),
	    cmocka_unit_test(test_host_that_does_not_start),
	    cmocka_unit_test(test_close_in_every_phase),
	    cmocka_unit_test(test_free_host_takes_what_there_is),
	    cmocka_unit_test(test_fast_host_keeps_its_pace),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
