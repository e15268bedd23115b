/* SPDX-License-Identifier: BSD-3-Clause */
/* The line that all engines share, and one completion for each acknowledgement. */
#include <stdlib.h>
#include <string.h>

#include "ac97_rig.h"

#define BYTES 1920u /* 10 ms */

static void acknowledge(struct ac97_rig *rig, unsigned box)
{
	ar_out8(rig, box + SR, FIFOE | BCIS | LVBCI);
}

static void start(struct ac97_rig *rig, unsigned box, uint8_t cr)
{
	ar_entries(rig, box, 32, BYTES);
	ar_start(rig, box, 31, cr);
}

/* What Linux' driver does in its handler. */
static void handle(struct ac97_rig *rig)
{
	uint32_t status = ar_in32(rig, GLOB_STA);

	for (unsigned box = PI, bit = 0x20; box <= MC; box += 0x10, bit <<= 1) {
		if (!(status & bit))
			continue;
		ar_out8(rig, box + LVI, (uint8_t)((ar_in8(rig, box + CIV) + 31) & 31));
		acknowledge(rig, box);
	}
	ar_out32(rig, GLOB_STA, status & 0xe0);
}

static void test_A9_11_clearing_one_stream_keeps_the_line(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	start(&rig, PO, IOCE | RPBM);
	start(&rig, PI, IOCE | RPBM);
	start(&rig, MC, IOCE | RPBM);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0xe0, 0xe0);
	assert_true(rig.line);
	acknowledge(&rig, PO);
	assert_true(rig.line);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0xe0, 0xa0);
	acknowledge(&rig, MC);
	assert_true(rig.line);
	acknowledge(&rig, PI);
	assert_false(rig.line);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0xe0, 0);
	ar_close(&rig);
}

static void test_A9_11_an_enable_that_comes_late_raises_it(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	start(&rig, PO, RPBM);
	ar_run_ms(&rig, 15);
	assert_int_equal(ar_in16(&rig, PO + SR), BCIS);
	assert_false(rig.line);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x40, 0);
	ar_out8(&rig, PO + CR, IOCE | RPBM);
	assert_true(rig.line);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x40, 0x40);
	ar_out8(&rig, PO + CR, RPBM);
	assert_false(rig.line);
	ar_close(&rig);
}

static void test_A9_11_each_cause_has_its_enable(void **state)
{
	static const struct {
		uint8_t cr, sr;
	} causes[] = {{IOCE, BCIS}, {LVBIE, LVBCI}, {FEIE, FIFOE}};
	struct ac97_rig rig;

	for (unsigned i = 0; i < 3; i++) {
		ar_up(&rig, "", 1, 2);
		ar_entry(&rig, PO, 0, 0xfeb00000, IOC | 960); /* nothing there */
		ar_start(&rig, PO, 0, (uint8_t)(causes[i].cr | RPBM));
		ar_run_ms(&rig, 20);
		assert_int_equal(ar_in16(&rig, PO + SR), DCH | CELV | LVBCI | BCIS | FIFOE);
		assert_true(rig.line);
		/* The other two do not hold it. */
		ar_out16(&rig, PO + SR, (uint16_t)~causes[i].sr);
		assert_true(rig.line);
		ar_out16(&rig, PO + SR, causes[i].sr);
		assert_false(rig.line);
		assert_int_equal(ar_in16(&rig, PO + SR), DCH | CELV);
		ar_close(&rig);
	}
}

static void test_A9_11_boxes_of_ICH4_have_bits_of_their_own(void **state)
{
	static const struct {
		unsigned box;
		uint32_t bit;
	} rows[] = {{M2, 0x01000000}, {P2, 0x02000000}, {SP, 0x04000000}};
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4,codec2=stac9700", 2, 4);
	for (unsigned i = 0; i < 3; i++) {
		start(&rig, rows[i].box, IOCE | RPBM);
		ar_run_ms(&rig, 10);
		assert_true(rig.line);
		assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x070000e0, rows[i].bit);
		ar_out8(&rig, rows[i].box + CR, RR);
		assert_false(rig.line);
	}
	ar_close(&rig);
}

static void test_defect_20_both_directions_interrupt_at_once(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	rig.on_interrupt = handle;
	start(&rig, PO, IOCE | RPBM);
	ar_run_ms(&rig, 3);
	start(&rig, PI, IOCE | RPBM);
	ar_run_ms(&rig, 1000);
	assert_int_equal(ar_counter(&rig, "pcm_out_completions"), 100);
	assert_int_equal(ar_counter(&rig, "pcm_in_completions"), 100);
	ar_close(&rig);
}

static void test_A9_24_interrupts_fall_when_the_frames_have_gone_by(void **state)
{
	struct ac97_rig rig;
	vmsnd_ns began;

	ar_up(&rig, "timer-hz=10", 1, 2);
	began = rig.now;
	start(&rig, PO, IOCE | RPBM);
	rig.on_interrupt = handle;
	for (unsigned n = 1; n <= 200; n++) {
		ar_run_until(&rig, began + n * 10 * AR_MS);
		assert_int_equal(rig.rises, n);
		assert_int_equal(rig.rose_at, began + n * 10 * AR_MS);
	}
	ar_close(&rig);
}

static void test_A9_24_a_late_host_costs_no_period(void **state)
{
	struct ac97_rig rig;
	vmsnd_ns began;

	ar_up(&rig, "", 1, 2);
	began = rig.now;
	start(&rig, PO, IOCE | RPBM);
	rig.on_interrupt = handle;
	for (unsigned i = 0; i < 20; i++) {
		/* The lane slept for 47 ms. */
		rig.now += 47 * AR_MS;
		ar_run_ms(&rig, 3);
	}
	assert_int_equal(rig.now, began + 1000 * AR_MS);
	assert_int_equal(rig.rises, 100);
	assert_int_equal(ar_counter(&rig, "rebases"), 0);
	ar_close(&rig);
}

static void test_A9_24_one_completion_for_each_acknowledgement(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_numbers(&rig, PO, 32 * 480);
	start(&rig, PO, IOCE | RPBM);
	ar_run_ms(&rig, 60);
	/* The first was not acknowledged: the second waits, one frame before its end. */
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2);
	assert_int_equal(ar_counter(&rig, "holds"), 1);
	/* Each acknowledgement brings the next, until time has been made up for. */
	for (unsigned i = 2; i <= 6; i++) {
		acknowledge(&rig, PO);
		assert_int_equal(ar_in8(&rig, PO + CIV), i);
		assert_int_equal(rig.rises, i);
		assert_true(rig.line);
	}
	acknowledge(&rig, PO);
	assert_false(rig.line);
	rig.on_interrupt = handle;
	ar_run_ms(&rig, 40);
	assert_int_equal(rig.rises, 10);
	assert_int_equal(ar_counter(&rig, "rebases"), 0);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

static void test_A9_24_who_is_too_late_gets_a_new_time_base(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_numbers(&rig, PO, 32 * 480);
	start(&rig, PO, IOCE | RPBM);
	ar_run_ms(&rig, 10);
	assert_true(rig.line);
	/* The guest was stopped for ten seconds, which nobody tells us. */
	ar_run_ms(&rig, 10000);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2);
	rig.on_interrupt = handle;
	acknowledge(&rig, PO);
	assert_int_equal(ar_counter(&rig, "rebases"), 1);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	assert_int_equal(ar_in16(&rig, PO + PICB), 960);
	ar_run_ms(&rig, 50);
	assert_int_equal(rig.rises, 7);
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

static void test_A9_24_who_wants_no_interrupts_is_not_waited_for(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	start(&rig, PO, RPBM);
	ar_run_ms(&rig, 105);
	assert_int_equal(ar_in8(&rig, PO + CIV), 10);
	assert_int_equal(ar_counter(&rig, "holds"), 0);
	/* Nor who takes them back while they are waited for. */
	ar_out8(&rig, PO + CR, IOCE | RPBM);
	ar_run_ms(&rig, 45);
	assert_int_equal(ar_in8(&rig, PO + CIV), 10);
	ar_out8(&rig, PO + CR, RPBM);
	assert_int_equal(ar_in8(&rig, PO + CIV), 15);
	ar_close(&rig);
}

static void by_message(struct ac97_rig *rig)
{
	unsigned at;

	for (at = ar_in(rig, CONFIG, 0x34, 1); at; at = ar_in(rig, CONFIG, at + 1, 1))
		if (ar_in(rig, CONFIG, at, 1) == 0x05)
			break;
	assert_int_not_equal(at, 0);
	ar_out(rig, CONFIG, at + 4, 4, 0xfee00000);
	ar_out(rig, CONFIG, at + 12, 2, 0x41);
	ar_out(rig, CONFIG, at + 2, 2, 1);
}

static void test_interrupts_by_message(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "msi=on", 1, 2);
	by_message(&rig);
	start(&rig, PO, IOCE | RPBM);
	for (unsigned i = 1; i <= 10; i++) {
		ar_run_ms(&rig, 10);
		assert_int_equal(rig.messages, i);
		acknowledge(&rig, PO);
	}
	assert_int_equal(rig.rises, 0);
	ar_close(&rig);
}

/* A driver that has cleared playback's when recording's comes, before it has cleared the rest. */
static void test_no_message_is_lost_when_causes_are_cleared_one_by_one(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "msi=on", 1, 2);
	by_message(&rig);
	start(&rig, PO, IOCE | RPBM);
	ar_run_ms(&rig, 4);
	start(&rig, PI, IOCE | RPBM);
	ar_run_ms(&rig, 6);
	assert_int_equal(rig.messages, 1);
	for (unsigned i = 1; i <= 10; i++) {
		/* Playback's is still there when recording's comes, and the other way round. */
		ar_run_ms(&rig, 4);
		assert_int_equal(rig.messages, 2 * i);
		acknowledge(&rig, PO);
		assert_int_equal(ar_in32(&rig, GLOB_STA) & 0xe0, 0x20);
		ar_run_ms(&rig, 6);
		assert_int_equal(rig.messages, 2 * i + 1);
		acknowledge(&rig, PI);
		assert_int_equal(ar_in32(&rig, GLOB_STA) & 0xe0, 0x40);
	}
	assert_int_equal(ar_counter(&rig, "pcm_out_completions"), 11);
	assert_int_equal(ar_counter(&rig, "pcm_in_completions"), 10);
	assert_int_equal(ar_counter(&rig, "holds"), 0);
	ar_close(&rig);
}

/* Of one engine: what has been waiting for the acknowledgement is new, though another cause of the
 * same engine stays. */
static void test_a_completion_that_waited_is_a_message_of_its_own(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "msi=on", 1, 2);
	by_message(&rig);
	for (unsigned i = 0; i < 32; i++)
		ar_entry(&rig, PO, i, 0xfeb00000, IOC | BYTES / 2); /* nothing there */
	ar_start(&rig, PO, 31, IOCE | FEIE | RPBM);
	ar_run_ms(&rig, 35);
	assert_int_equal(ar_in16(&rig, PO + SR), BCIS | FIFOE);
	assert_int_equal(rig.messages, 1);
	for (unsigned i = 2; i <= 3; i++) {
		ar_out16(&rig, PO + SR, BCIS);
		assert_int_equal(ar_in16(&rig, PO + SR), BCIS | FIFOE);
		assert_int_equal(rig.messages, i);
	}
	ar_out16(&rig, PO + SR, BCIS);
	assert_int_equal(ar_in16(&rig, PO + SR), FIFOE);
	assert_int_equal(rig.messages, 3);
	ar_close(&rig);
}

static void test_a_moved_card_repeats_no_message_and_loses_none(void **state)
{
	struct ac97_rig rig;
	uint8_t *bytes;
	size_t n;

	ar_up(&rig, "msi=on", 1, 2);
	by_message(&rig);
	start(&rig, PO, IOCE | RPBM);
	ar_run_ms(&rig, 4);
	start(&rig, PI, IOCE | RPBM);
	ar_run_ms(&rig, 6);
	assert_int_equal(rig.messages, 1);
	bytes = ar_save(&rig, &n);
	ar_make(&rig);
	assert_int_equal(ar_load(&rig, bytes, n), VMSND_OK);
	ar_run_ms(&rig, 3);
	assert_int_equal(rig.messages, 1);
	ar_run_ms(&rig, 1);
	assert_int_equal(rig.messages, 2);
	free(bytes);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_11_clearing_one_stream_keeps_the_line),
	    cmocka_unit_test(test_A9_11_an_enable_that_comes_late_raises_it),
	    cmocka_unit_test(test_A9_11_each_cause_has_its_enable),
	    cmocka_unit_test(test_A9_11_boxes_of_ICH4_have_bits_of_their_own),
	    cmocka_unit_test(test_defect_20_both_directions_interrupt_at_once),
	    cmocka_unit_test(test_A9_24_interrupts_fall_when_the_frames_have_gone_by),
	    cmocka_unit_test(test_A9_24_a_late_host_costs_no_period),
	    cmocka_unit_test(test_A9_24_one_completion_for_each_acknowledgement),
	    cmocka_unit_test(test_A9_24_who_is_too_late_gets_a_new_time_base),
	    cmocka_unit_test(test_A9_24_who_wants_no_interrupts_is_not_waited_for),
	    cmocka_unit_test(test_interrupts_by_message),
	    cmocka_unit_test(test_no_message_is_lost_when_causes_are_cleared_one_by_one),
	    cmocka_unit_test(test_a_completion_that_waited_is_a_message_of_its_own),
	    cmocka_unit_test(test_a_moved_card_repeats_no_message_and_loses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
