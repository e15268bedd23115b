/* SPDX-License-Identifier: BSD-3-Clause */
/* The owner's switch (DIR), how much a port asks for (WR), what the owner prefers (KEY) and what
 * follows from it (PAR). test_host.c has the switch in the middle of a play. */
#include <string.h>

#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

/* ---- the switch ---- */

/* DIR-01, KEY-02: off, nothing of the host is ever opened, whatever the guest does. */
static void test_DIR_01_KEY_02_off_opens_nothing(void **state)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		struct rig rig;

		rig_begin(&rig, dir ? VMSND_CAPTURE : VMSND_PLAYBACK, false);
		rig_add(&rig, 0);
		rig_add(&rig, 1);
		rig_go(&rig, 100 * MS);
		vmsnd_lun_reopen(rig.luns[0], rig.now);
		vmsnd_lun_retry(rig.luns[0], rig.now);
		vmsnd_port_pause(rig.port, true, rig.now);
		vmsnd_port_pause(rig.port, false, rig.now);
		vmsnd_lun_attach(rig.luns[0], NULL, rig.now);
		vmsnd_lun_attach(rig.luns[0], &rig.host, rig.now);
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 10 * SECOND);
		vmsnd_port_stop(rig.port, rig.now);
		vmsnd_port_release(rig.port, rig.now);
		rig_prepare(&rig);
		rig_start(&rig);
		rig_run(&rig, 100 * MS);
		assert_int_equal(rig.host.tries + rig.others[0].tries, 0);
		assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE); /* CON-23 */
		rig_close(&rig);
	}
}

/* DIR-01: "with it off, the host device stays open": not here, on no unit, running or not. */
static void test_DIR_01_off_closes_the_host_in_every_phase(void **state)
{
	for (unsigned phase = 0; phase < 5; phase++) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig_add(&rig, 0);
		rig_add(&rig, 1);
		rig_prepare(&rig);
		if (phase > 0)
			rig_start(&rig);
		rig.endless = phase > 1;
		rig_run(&rig, 50 * MS);
		if (phase == 2)
			vmsnd_port_drain(rig.port, rig.now);
		if (phase == 3)
			vmsnd_port_pause(rig.port, true, rig.now);
		if (phase == 4)
			vmsnd_port_release(rig.port, rig.now);
		vmsnd_port_enable(rig.port, false, rig.now);
		assert_null(rig.host.stream);
		assert_null(rig.others[0].stream);
		rig_close(&rig);
	}
}

/* DIR-02: the nominal state comes back: running, paused, stopped. */
static void test_DIR_02_on_restores_what_the_guest_wants(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	vmsnd_port_pause(rig.port, true, rig.now);
	vmsnd_port_enable(rig.port, false, rig.now);
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, SECOND);
	assert_int_equal(rig.host.n_heard, 4800); /* still paused */
	vmsnd_port_pause(rig.port, false, rig.now);
	rig_run(&rig, 100 * MS);
	assert_near(rig.host.n_heard, 9600);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	vmsnd_port_stop(rig.port, rig.now);
	vmsnd_port_enable(rig.port, false, rig.now);
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, SECOND);
	assert_near(rig.host.n_heard, 9600); /* stopped as it was */
	rig_close(&rig);
}

static void test_DIR_02_host_that_refuses_does_not_undo_the_switch(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, false);
	rig.host.open_rc = VMSND_E_GONE;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, 100 * MS);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 5 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

/* DIR-04: what is asked while it is off is silent success and holds later. */
static void test_DIR_04_commands_while_off_hold_later(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, false);
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	vmsnd_port_enable(rig.port, true, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_write(&rig, T_FRAMES);
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig_heard_in_order(&rig), T_FRAMES);
	rig_close(&rig);
}

static void test_DIR_05_BE_06_hints(void **state)
{
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD);
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	vmsnd_port_enable(rig.port, false, rig.now);
	vmsnd_port_hint(rig.port, &params, rig.now);
	vmsnd_port_advance(rig.port, rig.now);
	assert_int_equal(rig.host.hints, 0);
	vmsnd_port_enable(rig.port, true, rig.now);
	vmsnd_port_hint(rig.port, &params, rig.now);
	vmsnd_port_advance(rig.port, rig.now);
	assert_int_equal(rig.host.hints, 1);
	assert_int_equal(rig.host.want.period_frames, PERIOD);
	assert_int_equal(rig.host.want.format.rate_hz, 48000);
	assert_int_equal(rig.host.opens, 0);
	rig_close(&rig);
}

static void test_BE_06_a_slow_hint_goes_to_a_worker(void **state)
{
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD);
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.pool = RIG_POOL_HELD;
	rig.host.kind.flags = VMSND_BACKEND_SLOW_HINT;
	rig_add(&rig, 0);
	vmsnd_port_hint(rig.port, &params, rig.now);
	vmsnd_port_advance(rig.port, rig.now);
	assert_int_equal(rig.host.hints, 0);
	assert_int_equal(rig.n_jobs, 1);
	rig_work(&rig);
	assert_int_equal(rig.host.hints, 1);
	rig_go(&rig, 100 * MS); /* and the stream is opened after it */
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

/* ---- how much is asked for ---- */

static void test_WR_01_WR_06_in_whole_frames_and_never_beyond_the_room(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 0);
	rig.endless = false;
	for (unsigned i = 0; i < 300; i++) {
		uint32_t wanted = vmsnd_port_wanted(rig.port);

		assert_int_equal(rig_write(&rig, wanted), wanted);
		assert_int_equal(vmsnd_port_wanted(rig.port), 0);
		rig_run(&rig, 3 * MS + i);
	}
	assert_int_equal(rig_counter(&rig, "underruns"), 0);
	rig_close(&rig);
}

/* WR-02, WR-03, WR-05: while the host opens, or without one, the guest is asked for as much as
 * with one, at the same pace, once it has been waited for. */
static void test_WR_02_WR_03_WR_05_asked_for_in_real_time_without_a_host(void **state)
{
	for (unsigned way = 0; way < 3; way++) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, way != 1);
		rig.pool = RIG_POOL_HELD;
		rig.host.kind.flags = VMSND_BACKEND_SLOW_STREAM_OPEN;
		if (way < 2)
			rig_add(&rig, 0);
		rig_go(&rig, 0);
		for (unsigned i = 1; i < 100; i++) {
			rig_run(&rig, 10 * MS);
			assert_in_range(rig.next_frame,
					way == 0 && i > 6 ? (i - 6) * PERIOD
					: way == 0        ? 0
							  : i * PERIOD,
					i * PERIOD + BUFFER);
		}
		rig_close(&rig);
	}
}

static void test_WR_06_nothing_is_asked_for_when_it_could_not_be_used(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_wanted(rig.port), 0); /* not prepared */
	rig_prepare(&rig);
	rig_start(&rig);
	rig_write(&rig, PERIOD);
	vmsnd_port_drain(rig.port, rig.now);
	assert_int_equal(vmsnd_port_wanted(rig.port), 0); /* draining */
	vmsnd_port_start(rig.port, rig.now);
	assert_true(vmsnd_port_wanted(rig.port) > 0);
	rig_close(&rig);
}

/* CON-11, WR-06: paused, nothing moves, and what was there is played afterwards. */
static void test_CON_11_WR_06_paused_nothing_moves(void **state)
{
	for (unsigned way = 0; way < 3; way++) {
		uint64_t done;
		struct rig rig;

		rig_open_with(&rig, VMSND_PLAYBACK, way != 1, way != 2);
		rig_go(&rig, 103 * MS);
		vmsnd_port_pause(rig.port, true, rig.now);
		done = DONE(&rig);
		rig_run(&rig, 100 * SECOND);
		assert_int_equal(DONE(&rig), done);
		vmsnd_port_pause(rig.port, false, rig.now);
		rig_run(&rig, 100 * MS);
		assert_near(DONE(&rig), done + 4800);
		if (way == 0)
			assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
		assert_int_equal(rig_counter(&rig, "underruns"), 0);
		rig_close(&rig);
	}
}

static void test_CON_11_paused_while_draining(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	rig.endless = false;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 5 * MS);
	vmsnd_port_pause(rig.port, true, rig.now);
	rig_run(&rig, 10 * SECOND);
	assert_false(DONE(&rig) == rig.next_frame);
	vmsnd_port_pause(rig.port, false, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_close(&rig);
}

/* ---- what the owner prefers ---- */

static void prefer(struct rig *rig, const struct vmsnd_lun_prefs *prefs)
{
	rig_begin(rig, VMSND_PLAYBACK, true);
	rig->confs[0].prefs = *prefs;
	rig->confs[0].prefs.no_dither = true;
	rig_add(rig, 0);
	rig_prepare(rig);
}

static void test_KEY_unset_asks_for_what_the_guest_has(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	assert_int_equal(rig.host.want.format.sample, VMSND_SAMPLE_S16);
	assert_int_equal(rig.host.want.format.rate_hz, 48000);
	assert_int_equal(rig.host.want.format.channels, 2);
	assert_int_equal(rig.host.want.period_frames, PERIOD);
	assert_int_equal(rig.host.want.buffer_frames, 0);
	rig_close(&rig);
}

/* KEY-05, 06, 09, 10, 11; KEYx-1 to KEYx-3: all of them work. */
static void test_KEY_05_to_KEY_11_KEYx_1_KEYx_2_KEYx_3_each_wish_is_passed_on(void **state)
{
	static const enum vmsnd_sample samples[] = {VMSND_SAMPLE_U8,    VMSND_SAMPLE_S24_3,
						    VMSND_SAMPLE_S24,   VMSND_SAMPLE_S32,
						    VMSND_SAMPLE_FLOAT, VMSND_SAMPLE_FLOAT64};
	static const uint32_t channels[] = {1, 6, 12, 16, 18};

	for (size_t i = 0; i < 5; i++) {
		struct vmsnd_lun_prefs prefs = {.sample = samples[i],
						.rate_hz = 96000,
						.channels = channels[i],
						.period_ms = 5,
						.buffer_ms = 50,
						.prebuffer_ms = VMSND_PREBUFFER_UNSET};
		struct rig rig;

		prefer(&rig, &prefs);
		assert_int_equal(rig.host.want.format.sample, samples[i]);
		assert_int_equal(rig.host.want.format.rate_hz, 96000);
		assert_int_equal(rig.host.want.format.channels, channels[i]);
		assert_int_equal(rig.host.want.period_frames, 480);
		assert_int_equal(rig.host.want.buffer_frames, 4800);
		rig_start(&rig);
		rig.endless = true;
		rig_run(&rig, 500 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		assert_in_range(DONE(&rig), 24000 - 2 * PERIOD, 24000 + PERIOD);
		assert_int_equal(rig_counter(&rig, "underruns"), 0);
		rig_close(&rig);
	}
}

/* KEYx-2, KEYx-3: the other byte order and 64 bits are heard as they should be. */
static void test_KEY_08_KEYx_2_big_endian_and_KEY_05_64_bits(void **state)
{
	const struct vmsnd_format big = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2, .big_endian = true};
	const struct vmsnd_format wide = FORMAT(VMSND_SAMPLE_FLOAT64, 48000, 2);
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_format = &big;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	for (uint32_t i = 0; i < 4800; i++)
		assert_int_equal(rig.host.bytes[4 * i] << 8 | rig.host.bytes[4 * i + 1], i + 1);
	rig.host.other_format = &wide;
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	rig_run(&rig, 100 * MS);
	assert_true(rig.host.n_heard >= 4320);
	for (uint32_t i = 0; i < 4320; i++)
		assert_true(rig.host.doubles[2 * i] == (4801 + i) / 32768.0);
	rig_close(&rig);
}

/* KEY-12, PAR-04, PAR-05, PAR-06: the threshold, and its limits. */
static void test_KEY_12_PAR_04_PAR_05_PAR_06_prebuffer(void **state)
{
	static const struct {
		uint32_t ms, threshold;
	} rows[] = {{VMSND_PREBUFFER_UNSET, T_FRAMES},
		    {0, 0},
		    {5, 240},
		    {30, 1440},
		    {40, BUFFER},
		    {1000, BUFFER}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmsnd_lun_prefs prefs = {.sample = VMSND_SAMPLE_COUNT,
						.prebuffer_ms = rows[i].ms};
		struct rig rig;

		prefer(&rig, &prefs);
		rig_start(&rig);
		if (rows[i].threshold > 0) {
			rig_write(&rig, rows[i].threshold - 1);
			rig_run(&rig, 0);
			assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
			rig_write(&rig, 1);
		}
		rig_run(&rig, 0);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		rig_run(&rig, 100 * MS);
		assert_int_equal(rig_heard_in_order(&rig), rows[i].threshold);
		rig_close(&rig);
	}
}

/* PAR-03: a period is half the buffer at most. */
static void test_PAR_03_period_within_half_the_buffer(void **state)
{
	struct vmsnd_lun_prefs prefs = {.sample = VMSND_SAMPLE_COUNT,
					.period_ms = 40,
					.buffer_ms = 50,
					.prebuffer_ms = VMSND_PREBUFFER_UNSET};
	struct rig rig;

	prefer(&rig, &prefs);
	assert_true(rig.host.want.period_frames <= rig.host.want.buffer_frames / 2);
	rig_close(&rig);
}

/* PAR-08: what a host settles on is looked at before it is believed. */
static void test_PAR_08_a_host_that_settles_on_nonsense_is_not_used(void **state)
{
	static const struct vmsnd_format nonsense[] = {
	    FORMAT(VMSND_SAMPLE_COUNT, 48000, 2), FORMAT(VMSND_SAMPLE_S16, 0, 2),
	    FORMAT(VMSND_SAMPLE_S16, 48000, 0), FORMAT(VMSND_SAMPLE_S16, 48000, 19)};

	for (size_t i = 0; i < 4; i++) {
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.host.other_format = &nonsense[i];
		rig_add(&rig, 0);
		rig_go(&rig, 100 * MS);
		assert_near(DONE(&rig), 4800);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		assert_int_equal(rig.host.starts, 0);
		assert_int_equal(rig.host.opens, rig.host.closes);
		rig_close(&rig);
	}
}

/* PAR-09: slack on both sides: a guest that is a block late and then hurries is not heard. */
static void test_PAR_09_a_guest_that_is_late_and_hurries(void **state)
{
	struct rig rig;

	rig_running(&rig, VMSND_PLAYBACK, 100 * MS);
	for (unsigned i = 0; i < 100; i++) {
		rig.endless = false;
		rig_run(&rig, 9 * MS);
		rig.endless = true;
		rig_run(&rig, 4 * MS);
	}
	assert_int_equal(rig_counter(&rig, "underruns"), 0);
	assert_int_equal(rig_heard_in_order(&rig), DONE(&rig));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DIR_01_KEY_02_off_opens_nothing),
	    cmocka_unit_test(test_DIR_01_off_closes_the_host_in_every_phase),
	    cmocka_unit_test(test_DIR_02_on_restores_what_the_guest_wants),
	    cmocka_unit_test(test_DIR_02_host_that_refuses_does_not_undo_the_switch),
	    cmocka_unit_test(test_DIR_04_commands_while_off_hold_later),
	    cmocka_unit_test(test_DIR_05_BE_06_hints),
	    cmocka_unit_test(test_BE_06_a_slow_hint_goes_to_a_worker),
	    cmocka_unit_test(test_WR_01_WR_06_in_whole_frames_and_never_beyond_the_room),
	    cmocka_unit_test(test_WR_02_WR_03_WR_05_asked_for_in_real_time_without_a_host),
	    cmocka_unit_test(test_WR_06_nothing_is_asked_for_when_it_could_not_be_used),
	    cmocka_unit_test(test_CON_11_WR_06_paused_nothing_moves),
	    cmocka_unit_test(test_CON_11_paused_while_draining),
	    cmocka_unit_test(test_KEY_unset_asks_for_what_the_guest_has),
	    cmocka_unit_test(test_KEY_05_to_KEY_11_KEYx_1_KEYx_2_KEYx_3_each_wish_is_passed_on),
	    cmocka_unit_test(test_KEY_08_KEYx_2_big_endian_and_KEY_05_64_bits),
	    cmocka_unit_test(test_KEY_12_PAR_04_PAR_05_PAR_06_prebuffer),
	    cmocka_unit_test(test_PAR_03_period_within_half_the_buffer),
	    cmocka_unit_test(test_PAR_08_a_host_that_settles_on_nonsense_is_not_used),
	    cmocka_unit_test(test_PAR_09_a_guest_that_is_late_and_hurries),
	};

	return cmocka_run_group_tests_name("rows-direction", tests, NULL, NULL);
}
