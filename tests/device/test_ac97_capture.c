/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture: what goes from the ports into guest memory. */
#include <string.h>

#include "ac97_rig.h"

#define BYTES 1920u /* 10 ms */

static uint32_t at(struct ac97_rig *rig, unsigned box, uint32_t frame)
{
	uint32_t number;

	memcpy(&number, ar_at(rig, ar_data(box) + frame * 4), 4);
	return number;
}

/* The line-in as the source, so that the frames are what the port has. */
static void start(struct ac97_rig *rig, unsigned box)
{
	ar_mixer_set(rig, 0x1a, 0x0404);
	ar_entries(rig, box, 32, BYTES);
	memset(ar_at(rig, ar_data(box)), 0xee, 32 * BYTES);
	ar_start(rig, box, 31, RPBM);
}

/* Silence, then 1, 2, 3 ... without a hole up to `end`; the first frame that is none. */
static uint32_t expect_whole(struct ac97_rig *rig, unsigned box, uint32_t end)
{
	uint32_t first = 0;

	while (first < end && at(rig, box, first) == 0)
		first++;
	for (uint32_t i = first; i < end; i++)
		assert_int_equal(at(rig, box, i), i - first + 1);
	return first;
}

static void test_A9_27_silence_until_there_is_a_step_then_no_hole(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	start(&rig, PI);
	ar_run_ms(&rig, 300);
	assert_int_equal(ar_in8(&rig, PI + CIV), 30);
	/* A step in reserve for a host that is a little late. */
	assert_int_equal(expect_whole(&rig, PI, 30 * 480), 2 * 480);
	ar_close(&rig);
	/* A host that takes its time: silence, for as long as it does. */
	ar_up(&rig, "", 1, 2);
	start(&rig, PI);
	ar_port(&rig, PI)->due += 33 * AR_MS;
	ar_run_ms(&rig, 300);
	assert_in_range(expect_whole(&rig, PI, 29 * 480), 43 * 48, 53 * 48);
	ar_close(&rig);
}

/* A guest that asks for the position every now and then. */
static void look_for_ms(struct ac97_rig *rig, unsigned ms, unsigned every_us)
{
	for (unsigned us = 0; us < ms * 1000; us += every_us) {
		ar_run_until(rig, rig->now + every_us * UINT64_C(1000));
		ar_in16(rig, PI + PICB);
	}
}

/* From some moment on its blocks come later, by up to a step. Whatever lay between its beginning
 * and the engine's, and however often the guest asks for the position from then on. */
static void test_A9_27_a_host_that_is_a_step_late_makes_no_hole(void **state)
{
	static const unsigned look_us[] = {100, 700, 3300, 10000};

	for (unsigned i = 0; i < 400; i++) {
		vmsnd_ns begun = i % 10 * AR_MS, late = i / 10 % 10 * AR_MS;
		struct ac97_rig rig;
		uint32_t first;

		ar_up(&rig, "", 1, 2);
		start(&rig, PI);
		ar_port(&rig, PI)->due += begun;
		ar_run_ms(&rig, 100);
		ar_port(&rig, PI)->due += late;
		look_for_ms(&rig, 200, look_us[i / 100]);
		first = expect_whole(&rig, PI, 29 * 480);
		assert_in_range(first, (20 + i % 10) * 48 - 1, (20 + i % 10) * 48 + 1);
		ar_close(&rig);
	}
}

/* The card looks for its first step when that is expected, not at its own next step. */
static void test_A9_27_a_host_with_a_thread_is_looked_for(void **state)
{
	struct ac97_rig rig;
	struct vmsnd_port *port;

	ar_up(&rig, "", 1, 2);
	port = ar_port(&rig, PI);
	port->told_due = rig.now + 4 * AR_MS;
	start(&rig, PI);
	port->by_hand = true;
	assert_int_equal(AR_CLASS->advance(rig.dev, rig.now), port->told_due);
	ar_run_ms(&rig, 3);
	fake_port_move(port, 480);
	port->by_hand = false;
	port->due = rig.now + 10 * AR_MS;
	ar_run_ms(&rig, 297);
	assert_int_equal(expect_whole(&rig, PI, 29 * 480), (3 + 10) * 48);
	ar_close(&rig);
}

static void test_A9_27_shortage_is_padded_and_counted(void **state)
{
	struct ac97_rig rig;
	uint64_t padded;
	uint32_t holes = 0, numbers = 0;

	ar_up(&rig, "", 1, 2);
	start(&rig, PI);
	ar_run_ms(&rig, 100);
	padded = ar_counter(&rig, "padded_frames");
	/* The host falls silent for 50 ms, and goes on. */
	ar_port(&rig, PI)->by_hand = true;
	ar_run_ms(&rig, 50);
	assert_in_range(ar_counter(&rig, "padded_frames"), padded + 1440, padded + 2880);
	assert_int_equal(ar_in8(&rig, PI + CIV), 15);
	ar_port(&rig, PI)->by_hand = false;
	ar_port(&rig, PI)->due = rig.now + 10 * AR_MS;
	ar_run_ms(&rig, 150);
	/* One hole of silence; what comes is in order. */
	for (uint32_t i = 1, last = at(&rig, PI, 0); i < 30 * 480; i++) {
		uint32_t number = at(&rig, PI, i);

		holes += number == 0 && at(&rig, PI, i - 1) != 0;
		if (number == 0)
			continue;
		assert_int_equal(number, last + 1);
		last = number;
		numbers++;
	}
	assert_int_equal(holes, 1);
	assert_true(numbers > 20 * 480);
	ar_close(&rig);
}

static void test_A9_27_each_box_has_its_stream(void **state)
{
	static const unsigned boxes[] = {PI, MC, P2, M2};
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4,codec2=stac9700", 2, 4);
	for (unsigned i = 0; i < 4; i++) {
		start(&rig, boxes[i]);
		assert_true(ar_port(&rig, boxes[i])->running);
		for (unsigned n = 0; n <= i; n++)
			assert_true(ar_port(&rig, boxes[n])->running);
	}
	ar_run_ms(&rig, 300);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(expect_whole(&rig, boxes[i], 29 * 480), 2 * 480);
	ar_close(&rig);
}

static void test_A9_20_a_source_with_nothing_plugged_in_is_silence(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	start(&rig, PI);
	ar_mixer_set(&rig, 0x1a, 0x0101); /* CD */
	ar_run_ms(&rig, 200);
	for (uint32_t i = 0; i < 19 * 480; i++)
		assert_int_equal(at(&rig, PI, i), 0);
	ar_close(&rig);
}

static void test_recording_without_a_port_is_silence_in_time(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 0);
	start(&rig, PI);
	ar_run_ms(&rig, 205);
	assert_int_equal(ar_in8(&rig, PI + CIV), 20);
	for (uint32_t i = 0; i < 20 * 480; i++)
		assert_int_equal(at(&rig, PI, i), 0);
	/* And not a byte beyond. */
	assert_int_equal(at(&rig, PI, 21 * 480), 0xeeeeeeee);
	ar_close(&rig);
}

static void test_the_position_comes_after_the_frames(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "timer-hz=10", 1, 2);
	start(&rig, PI);
	for (unsigned i = 0; i < 200; i++) {
		uint32_t civ, gone;

		rig.now += AR_MS;
		fake_port_advance(ar_port(&rig, PI), rig.now);
		civ = ar_in8(&rig, PI + CIV);
		gone = civ * 480 + 480 - ar_in16(&rig, PI + PICB) / 2;
		for (uint32_t n = 0; n < gone; n++)
			assert_int_not_equal(at(&rig, PI, n), 0xeeeeeeee);
	}
	ar_close(&rig);
}

/* No light of a microphone stays on. */
static void test_a_reset_lets_the_recording_host_go(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	start(&rig, PI);
	ar_run_ms(&rig, 100);
	assert_true(ar_port(&rig, PI)->running);
	ar_out8(&rig, PI + CR, 0);
	assert_false(ar_port(&rig, PI)->running);
	ar_out8(&rig, PI + CR, RR);
	assert_false(ar_port(&rig, PI)->prepared);
	ar_close(&rig);
}

static void test_what_is_recorded_while_it_is_halted_is_not_kept(void **state)
{
	struct ac97_rig rig;
	uint32_t before, after;

	ar_up(&rig, "", 1, 2);
	ar_mixer_set(&rig, 0x1a, 0x0404);
	ar_entries(&rig, PI, 32, BYTES);
	ar_start(&rig, PI, 9, RPBM);
	ar_run_ms(&rig, 150);
	assert_true(ar_in16(&rig, PI + SR) & CELV);
	before = at(&rig, PI, 10 * 480 - 1);
	ar_out8(&rig, PI + LVI, 19);
	ar_run_ms(&rig, 100);
	after = at(&rig, PI, 10 * 480 + 100);
	/* 50 ms have gone by, of which it knows nothing. */
	assert_in_range(after - before, 2400 - 480, 2400 + 960);
	ar_close(&rig);
}

static void test_A9_10_LVI_restarts_a_recording_that_has_halted_for_long(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_mixer_set(&rig, 0x1a, 0x0404);
	ar_entries(&rig, PI, 32, BYTES);
	ar_start(&rig, PI, 0, RPBM);
	ar_run_ms(&rig, 700);
	assert_false(ar_port(&rig, PI)->running);
	ar_out8(&rig, PI + LVI, 20);
	ar_run_ms(&rig, 190);
	for (uint32_t i = 4 * 480; i < 19 * 480; i++)
		assert_int_equal(at(&rig, PI, i), at(&rig, PI, 4 * 480) + i - 4 * 480);
	assert_int_not_equal(at(&rig, PI, 4 * 480), 0);
	ar_close(&rig);
}

/* A handler that keeps LVI behind CIV. */
static void keep_going(struct ac97_rig *rig)
{
	ar_out8(rig, PI + LVI, (uint8_t)((ar_in8(rig, PI + CIV) + 31) & 31));
	ar_out8(rig, PI + SR, FIFOE | BCIS | LVBCI);
}

/* How old the last frame is of the entry before the current one. */
static uint32_t lag(struct ac97_rig *rig)
{
	uint32_t civ = ar_in8(rig, PI + CIV);

	return ar_port(rig, PI)->next_sample - at(rig, PI, (civ + 31) % 32 * 480 + 479);
}

static void record(struct ac97_rig *rig)
{
	ar_up(rig, "", 1, 2);
	ar_mixer_set(rig, 0x1a, 0x0404);
	ar_entries(rig, PI, 32, BYTES);
	rig->on_interrupt = keep_going;
	ar_start(rig, PI, 31, IOCE | RPBM);
	ar_run_ms(rig, 1000);
}

static void test_A9_24_who_stood_still_records_what_is_heard_now(void **state)
{
	struct ac97_rig rig;
	uint32_t before;

	record(&rig);
	before = lag(&rig);
	assert_in_range(before, 480, 2 * 480);
	for (unsigned i = 0; i < 3; i++) {
		rig.on_interrupt = NULL;
		ar_run_ms(&rig, 5000);
		rig.on_interrupt = keep_going;
		rig.handled = rig.rises;
		keep_going(&rig);
		ar_run_ms(&rig, 1000);
		assert_in_range(lag(&rig), 480, before + 480);
	}
	assert_int_equal(ar_counter(&rig, "rebases"), 3);
	ar_close(&rig);
}

static void test_without_bus_mastering_nobody_records(void **state)
{
	struct ac97_rig rig;
	uint32_t before;

	record(&rig);
	before = lag(&rig);
	ar_out(&rig, CONFIG, 4, 2, 3);
	assert_false(ar_port(&rig, PI)->running);
	ar_run_ms(&rig, 5000);
	ar_out(&rig, CONFIG, 4, 2, 7);
	assert_true(ar_port(&rig, PI)->running);
	ar_run_ms(&rig, 1000);
	assert_in_range(lag(&rig), 480, before + 480);
	/* Nor asleep. */
	ar_out(&rig, CONFIG, 0x54, 2, 3);
	assert_false(ar_port(&rig, PI)->running);
	ar_close(&rig);
}

/* LVI of what has halted does not wake the host while the bus is not granted; that does. */
static void test_without_bus_mastering_LVI_wakes_nobody(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_mixer_set(&rig, 0x1a, 0x0404);
	ar_entries(&rig, PI, 32, BYTES);
	ar_start(&rig, PI, 0, RPBM);
	ar_run_ms(&rig, 700);
	ar_out(&rig, CONFIG, 4, 2, 3);
	ar_out8(&rig, PI + LVI, 20);
	ar_run_ms(&rig, 100);
	assert_int_equal(ar_in8(&rig, PI + CIV), 1);
	assert_false(ar_port(&rig, PI)->running);
	assert_int_equal(ar_port(&rig, PI)->starts, 1);
	ar_out(&rig, CONFIG, 4, 2, 7);
	assert_true(ar_port(&rig, PI)->running);
	ar_run_ms(&rig, 100);
	assert_in_range(lag(&rig), 480, 2 * 480);
	ar_close(&rig);
}

/* Each start waits for a reserve anew, so it has to begin with nothing. */
static void test_pauses_do_not_make_a_recording_late(void **state)
{
	struct ac97_rig rig;
	uint32_t before;

	record(&rig);
	before = lag(&rig);
	for (unsigned i = 0; i < 50; i++) {
		ar_out8(&rig, PI + CR, IOCE);
		ar_run_ms(&rig, 3);
		ar_out8(&rig, PI + CR, IOCE | RPBM);
		ar_run_ms(&rig, 55);
	}
	ar_run_ms(&rig, 100);
	assert_in_range(lag(&rig), 480, before + 480);
	ar_close(&rig);
}

static void test_memory_that_cannot_be_written(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PI, 32, BYTES);
	ar_entry(&rig, PI, 1, 0xfebf0000, IOC | 960);
	ar_start(&rig, PI, 31, FEIE | RPBM);
	ar_run_ms(&rig, 25);
	assert_int_equal(ar_in8(&rig, PI + CIV), 2);
	assert_true(ar_in16(&rig, PI + SR) & FIFOE);
	assert_true(rig.line);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_27_silence_until_there_is_a_step_then_no_hole),
	    cmocka_unit_test(test_A9_27_a_host_that_is_a_step_late_makes_no_hole),
	    cmocka_unit_test(test_A9_27_a_host_with_a_thread_is_looked_for),
	    cmocka_unit_test(test_A9_27_shortage_is_padded_and_counted),
	    cmocka_unit_test(test_A9_27_each_box_has_its_stream),
	    cmocka_unit_test(test_A9_20_a_source_with_nothing_plugged_in_is_silence),
	    cmocka_unit_test(test_recording_without_a_port_is_silence_in_time),
	    cmocka_unit_test(test_the_position_comes_after_the_frames),
	    cmocka_unit_test(test_a_reset_lets_the_recording_host_go),
	    cmocka_unit_test(test_what_is_recorded_while_it_is_halted_is_not_kept),
	    cmocka_unit_test(test_A9_10_LVI_restarts_a_recording_that_has_halted_for_long),
	    cmocka_unit_test(test_A9_24_who_stood_still_records_what_is_heard_now),
	    cmocka_unit_test(test_without_bus_mastering_nobody_records),
	    cmocka_unit_test(test_without_bus_mastering_LVI_wakes_nobody),
	    cmocka_unit_test(test_pauses_do_not_make_a_recording_late),
	    cmocka_unit_test(test_memory_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
