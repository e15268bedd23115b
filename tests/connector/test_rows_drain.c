/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of draining (PL-18, PL-20 to PL-26, PLx-3, PLx-5, PLx-8, MX-31 to MX-34) on hosts that
 * are slow, asleep, switched or have a drain of their own; test_playback.c has the plain ones. */
#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

static void test_PL_18_host_falls_asleep_while_draining(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.endless = false;
	rig_write(&rig, BUFFER - T_FRAMES);
	vmsnd_port_drain(rig.port, rig.now);
	rig.host.state = VMSND_STREAM_NOT_WORKING;
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(DONE(&rig), rig.next_frame);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE);
	rig_close(&rig);
}

static void test_PL_22_PL_23_PLx_8_drain_before_the_host_is_open(void **state)
{
	static const uint32_t frames[] = {0, 1, 100, T_FRAMES, BUFFER};

	for (unsigned way = 0; way < 10; way++) {
		struct rig rig;

		rig_opening(&rig, VMSND_PLAYBACK, VMSND_PREBUFFER_UNSET);
		rig_write(&rig, frames[way / 2]);
		rig_run(&rig, 5 * MS);
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 5 * MS);
		if (way % 2)
			rig_work(&rig);
		rig_run(&rig, SECOND);
		assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE);
		assert_int_equal(DONE(&rig), frames[way / 2]);
		rig_heard_run(&rig.host, 0, NULL);
		rig_close(&rig);
	}
}

static void test_PLx_8_drain_while_the_host_is_initializing(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.state = VMSND_STREAM_INITIALIZING;
	rig_host_drains(&rig.host);
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_write(&rig, BUFFER);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, SECOND);
	assert_int_equal(rig.host.drains, 0);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE);
	assert_int_equal(DONE(&rig), BUFFER);
	rig_close(&rig);
}

static void test_PL_23_drain_while_switching(void **state)
{
	for (unsigned switched = 0; switched < 2; switched++) {
		struct rig rig;

		rig_open(&rig, VMSND_PLAYBACK);
		rig_prepare(&rig);
		rig_start(&rig);
		rig_notice(&rig.host, VMSND_STREAM_SWITCHING);
		rig_run(&rig, 0);
		rig_write(&rig, BUFFER);
		vmsnd_port_drain(rig.port, rig.now);
		if (switched)
			rig_notice(&rig.host, VMSND_STREAM_SWITCHED);
		rig_run(&rig, SECOND);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		assert_int_equal(DONE(&rig), BUFFER);
		if (switched)
			assert_int_equal(rig_heard_in_order(&rig), BUFFER);
		rig_close(&rig);
	}
}

static void test_PL_20_PL_24_BE_12_the_host_says_when_it_is_drained(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig_host_drains(&rig.host);
	rig.host.delay_frames = 4800;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.endless = false;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 50 * MS);
	assert_int_equal(rig.host.drains, 1);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
	rig_run(&rig, 50 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY); /* 110 to 120 ms after the drain */
	rig_run(&rig, 50 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(rig.host.drains, 1);
	rig_close(&rig);
}

static void test_PL_24_MX_32_drain_that_never_ends_is_cut(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig_host_drains(&rig.host);
	rig.confs[0].prefs.drain_ms = 700; /* KEYx-4 */
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.endless = false;
	rig.host.state = VMSND_STREAM_DRAINING;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 690 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 60 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
	rig_close(&rig);
}

/* MX-32: without a wish of the owner's, two seconds beyond what the host says it is behind. */
static void test_MX_32_a_drain_lasts_two_seconds_at_most(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig_host_drains(&rig.host);
	rig.host.delay_frames = 4800;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.endless = false;
	rig.host.state = VMSND_STREAM_DRAINING;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 2100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 60 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_close(&rig);
}

static void test_PL_24_drain_that_the_host_refuses(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig_host_drains(&rig.host);
	rig.host.drain_rc = VMSND_E_UNSUPPORTED;
	rig.host.delay_frames = 4800;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.endless = false;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 50 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY); /* its delay is not over */
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
	rig_close(&rig);
}

static void test_PL_26_PLx_3_the_rest_is_played_before_the_host_drains(void **state)
{
	for (uint32_t frames = 1; frames < BUFFER; frames += 101) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig_host_drains(&rig.host);
		rig_add(&rig, 0);
		rig_prepare(&rig);
		rig_start(&rig);
		rig_write(&rig, frames);
		rig_run(&rig, 13 * MS);
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 200 * MS);
		assert_int_equal(rig.host.drains, 1);
		assert_int_equal(rig_heard_in_order(&rig), frames);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		assert_false(vmsnd_port_state(rig.port) == VMSND_PORT_ACTIVE);
		rig_close(&rig);
	}
}

static void test_PLx_5_start_while_draining_at_any_moment(void **state)
{
	for (unsigned ms = 0; ms < 130; ms += 3) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig_host_drains(&rig.host);
		rig.host.delay_frames = 4800;
		rig_add(&rig, 0);
		rig_go(&rig, 100 * MS);
		rig.endless = false;
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, ms * MS);
		rig_start(&rig);
		rig.endless = true;
		rig_run(&rig, 300 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
		assert_true(DONE(&rig) >= 4800 + 14400 - 2 * T_FRAMES);
		rig_close(&rig);
	}
}

/* MX-33: what the device hands over in its last turn is played as well, on every output; no tail
 * is cut. */
static void test_MX_31_MX_33_no_tail_is_cut_on_any_output(void **state)
{
	struct vmsnd_backend *follower;
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.signal = RIG_LEVEL;
	rig.level = 10000;
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	follower = rig_host(&rig, 1);
	rig_go(&rig, SECOND);
	rig.endless = false;
	rig_write(&rig, BUFFER);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 2 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(DONE(&rig), rig.next_frame);
	{
		size_t loud = 0;

		for (size_t i = 0; i < follower->n_heard; i++)
			loud += follower->samples[2 * i] > 5000;
		assert_in_range(loud, rig.next_frame - 32, rig.next_frame + 32);
	}
	rig_close(&rig);
}

/* MX-34: the lane sleeps while a drain goes on. */
static void test_MX_34_a_drain_does_not_spin(void **state)
{
	for (unsigned way = 0; way < 2; way++) {
		uint64_t turns;
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig_host_drains(&rig.host);
		rig.host.delay_frames = 48000;
		if (way == 1)
			rig.host.kind.advance = NULL; /* a thread of its own */
		rig_add(&rig, 0);
		rig_go(&rig, 100 * MS);
		rig.endless = false;
		turns = rig.turns;
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 2 * SECOND);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
		assert_true(rig.turns - turns < 160);
		rig_close(&rig);
	}
}

/* MX-32: a host that stops taking blocks in the middle of a drain. */
static void test_MX_32_a_host_that_stalls_does_not_hold_a_drain_for_ever(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.endless = false;
	rig_write(&rig, BUFFER - T_FRAMES);
	vmsnd_port_drain(rig.port, rig.now);
	rig.host.stalled = true;
	rig_run(&rig, 500 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(DONE(&rig), rig.next_frame);
	rig_close(&rig);
}

/* MX-32: it stops at any moment, while its converter still holds the last frames, too. */
static void test_MX_32_a_converting_host_that_stalls_while_draining(void **state)
{
	static const struct vmsnd_format other = FORMAT(VMSND_SAMPLE_S16, 44100, 2);

	for (unsigned ms = 0; ms < 60; ms++) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.signal = RIG_LEVEL;
		rig.level = 10000;
		rig.host.other_format = &other;
		rig.host.other_period = 441;
		rig_add(&rig, 0);
		rig_go(&rig, 100 * MS);
		rig.endless = false;
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, ms * MS);
		rig.host.stalled = true;
		rig_run(&rig, 500 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		assert_int_equal(DONE(&rig), rig.next_frame);
		rig_close(&rig);
	}
}

/* MX-32: nobody is believed who says it is a day behind. */
static void test_MX_32_a_delay_beyond_belief(void **state)
{
	for (unsigned drains = 0; drains < 2; drains++) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		if (drains)
			rig_host_drains(&rig.host);
		rig.host.delay_frames = UINT32_MAX;
		rig_add(&rig, 0);
		rig_go(&rig, 100 * MS);
		rig.endless = false;
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, (drains ? 13 : 11) * SECOND);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_PL_18_host_falls_asleep_while_draining),
	    cmocka_unit_test(test_PL_22_PL_23_PLx_8_drain_before_the_host_is_open),
	    cmocka_unit_test(test_PLx_8_drain_while_the_host_is_initializing),
	    cmocka_unit_test(test_PL_23_drain_while_switching),
	    cmocka_unit_test(test_PL_20_PL_24_BE_12_the_host_says_when_it_is_drained),
	    cmocka_unit_test(test_PL_24_MX_32_drain_that_never_ends_is_cut),
	    cmocka_unit_test(test_MX_32_a_drain_lasts_two_seconds_at_most),
	    cmocka_unit_test(test_PL_24_drain_that_the_host_refuses),
	    cmocka_unit_test(test_PL_26_PLx_3_the_rest_is_played_before_the_host_drains),
	    cmocka_unit_test(test_PLx_5_start_while_draining_at_any_moment),
	    cmocka_unit_test(test_MX_31_MX_33_no_tail_is_cut_on_any_output),
	    cmocka_unit_test(test_MX_34_a_drain_does_not_spin),
	    cmocka_unit_test(test_MX_32_a_host_that_stalls_does_not_hold_a_drain_for_ever),
	    cmocka_unit_test(test_MX_32_a_converting_host_that_stalls_while_draining),
	    cmocka_unit_test(test_MX_32_a_delay_beyond_belief),
	};

	return cmocka_run_group_tests_name("rows-drain", tests, NULL, NULL);
}
