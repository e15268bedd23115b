/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of descriptors: what is fetched, skipped, completed, restarted; and lists that no driver
 * would write. */
#include <string.h>

#include "ac97_rig.h"

/* One descriptor of 480 frames after the other: 10 ms each. */
#define BYTES 1920u

static void start(struct ac97_rig *rig, uint8_t lvi, uint8_t cr)
{
	ar_up(rig, "", 1, 2);
	ar_entries(rig, PO, 32, BYTES);
	ar_numbers(rig, PO, 32 * 480);
	ar_start(rig, PO, lvi, cr);
}

static void acknowledge(struct ac97_rig *rig)
{
	ar_out8(rig, PO + SR, FIFOE | BCIS | LVBCI);
}

static void test_A9_07_first_fetch_keeps_CIV_and_moves_PIV(void **state)
{
	struct ac97_rig rig;

	start(&rig, 31, RPBM);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in8(&rig, PO + PIV), 1);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_int_equal(ar_in8(&rig, PO + PIV), 2);
	ar_close(&rig);
}

static void test_A9_08_empty_entries_are_skipped_and_complete(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, BYTES);
	ar_entry(&rig, PO, 1, 0, 0);
	ar_entry(&rig, PO, 2, 0, IOC); /* nothing in it, and an interrupt all the same */
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), 960);
	ar_start(&rig, PO, 31, IOCE | RPBM);
	ar_run_ms(&rig, 9);
	assert_false(rig.line);
	ar_run_ms(&rig, 1);
	assert_int_equal(ar_in8(&rig, PO + CIV), 3);
	assert_int_equal(ar_in8(&rig, PO + PIV), 4);
	assert_int_equal(ar_in16(&rig, PO + PICB), 960);
	assert_true(rig.line);
	ar_close(&rig);
}

static void test_A9_08_a_list_of_nothing_ends_at_once(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_start(&rig, PO, 31, LVBIE | RPBM); /* all 32 are zero */
	assert_int_equal(ar_in16(&rig, PO + SR), DCH | CELV | LVBCI);
	assert_int_equal(ar_in8(&rig, PO + CIV), 31);
	assert_true(rig.line);
	ar_run_ms(&rig, 100);
	ar_close(&rig);
}

static void test_A9_08_addresses_have_no_two_lowest_bits(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_numbers(&rig, PO, 480);
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO) | 3, 960);
	ar_start(&rig, PO, 0, RPBM);
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 480);
	ar_close(&rig);
}

static void test_A9_08_odd_lengths_end_in_silence_and_are_counted(void **state)
{
	struct ac97_rig rig;
	const uint32_t last = 0x00005678;

	ar_up(&rig, "", 1, 2);
	ar_numbers(&rig, PO, 480);
	*(uint32_t *)ar_at(&rig, ar_data(PO) + 479 * 4) = 0x12345678;
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), IOC | 959);
	ar_start(&rig, PO, 0, RPBM);
	assert_int_equal(ar_in16(&rig, PO + PICB), 959);
	ar_run_until(&rig, rig.now + 10 * AR_MS - 1000);
	assert_int_equal(ar_in16(&rig, PO + PICB), 1);
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 479);
	assert_memory_equal(ar_port(&rig, PO)->heard + 479 * 4, &last, 4);
	assert_int_equal(rig.faults[VMSND_FAULT_LIST], 1);
	ar_close(&rig);
}

static void test_A9_09_the_last_valid_one_halts(void **state)
{
	struct ac97_rig rig;

	start(&rig, 2, IOCE | LVBIE | RPBM);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in16(&rig, PO + SR), BCIS);
	acknowledge(&rig);
	ar_run_ms(&rig, 10);
	acknowledge(&rig);
	assert_false(rig.line);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in16(&rig, PO + SR), BCIS | LVBCI | CELV | DCH);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	assert_int_equal(ar_in16(&rig, PO + PICB), 0);
	assert_true(rig.line);
	acknowledge(&rig);
	assert_int_equal(ar_in16(&rig, PO + SR), CELV | DCH);
	ar_run_ms(&rig, 100);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	ar_close(&rig);
}

/* The underrun policy: the last sample again, or silence. */
static void expect_after_end(uint32_t flags, uint32_t expected)
{
	struct ac97_rig rig;
	struct vmsnd_port *port;
	uint32_t heard;

	ar_up(&rig, "", 1, 2);
	ar_numbers(&rig, PO, 480);
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), flags | 960);
	port = ar_port(&rig, PO);
	ar_start(&rig, PO, 0, RPBM);
	ar_run_ms(&rig, 60);
	assert_int_equal(ar_in_order(port), 480);
	assert_true(port->heard_bytes >= 960 * 4);
	for (unsigned i = 480; i < port->heard_bytes / 4; i++) {
		memcpy(&heard, port->heard + i * 4, 4);
		assert_int_equal(heard, expected);
	}
	/* Not for ever: no wire carries direct current for long. */
	ar_run_ms(&rig, 3000);
	assert_false(port->running);
	assert_true(port->heard_bytes / 4 <= 480 + 24000);
	ar_close(&rig);
}

static void test_A9_09_without_BUP_the_last_sample_stays(void **state)
{
	expect_after_end(0, 480);
}

static void test_A9_09_with_BUP_there_is_silence(void **state)
{
	expect_after_end(BUP, 0);
}

static void test_A9_10_LVI_restarts_what_has_halted(void **state)
{
	struct ac97_rig rig;

	start(&rig, 0, RPBM);
	ar_run_ms(&rig, 13);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH | CELV | LVBCI | BCIS);
	ar_out8(&rig, PO + LVI, 2);
	assert_int_equal(ar_in16(&rig, PO + SR), LVBCI | BCIS);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_int_equal(ar_in8(&rig, PO + PIV), 2);
	assert_int_equal(ar_in16(&rig, PO + PICB), 960);
	ar_run_ms(&rig, 5);
	assert_int_equal(ar_in16(&rig, PO + PICB), 480);
	ar_run_ms(&rig, 15);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	assert_true(ar_in16(&rig, PO + SR) & DCH);
	/* 480 frames, 3 ms of the last one, and on. */
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 480);
	assert_int_equal(*(uint32_t *)(void *)(ar_port(&rig, PO)->heard + (480 + 143) * 4), 480);
	assert_int_equal(*(uint32_t *)(void *)(ar_port(&rig, PO)->heard + (480 + 144) * 4), 481);
	ar_close(&rig);
}

/* Its port rests by then. */
static void test_A9_10_LVI_restarts_what_has_halted_for_long(void **state)
{
	struct ac97_rig rig;
	const struct vmsnd_port *port;
	size_t before;
	uint32_t number;

	start(&rig, 0, RPBM);
	port = ar_port(&rig, PO);
	ar_run_ms(&rig, 700);
	assert_false(port->running);
	before = port->heard_bytes;
	ar_out8(&rig, PO + LVI, 20);
	ar_run_ms(&rig, 150);
	assert_int_equal(ar_in8(&rig, PO + CIV), 16);
	assert_true(port->running);
	/* What its ring still had, then the list. */
	for (uint32_t i = 0, next = 481; next < 13 * 480; i++) {
		assert_true(before + 4 * i < port->heard_bytes);
		memcpy(&number, port->heard + before + 4 * i, 4);
		if (next == 481 && number == 480)
			continue;
		assert_int_equal(number, next++);
	}
	ar_close(&rig);
}

static void test_A9_10_LVI_of_one_that_runs_is_only_stored(void **state)
{
	struct ac97_rig rig;

	start(&rig, 4, RPBM);
	ar_run_ms(&rig, 5);
	ar_out8(&rig, PO + LVI, 33);
	assert_int_equal(ar_in8(&rig, PO + LVI), 1);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in16(&rig, PO + PICB), 480);
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_true(ar_in16(&rig, PO + SR) & CELV);
	ar_close(&rig);
}

static void test_A9_10_LVI_while_it_pauses_goes_on_with_the_next_run(void **state)
{
	struct ac97_rig rig;

	start(&rig, 0, RPBM);
	ar_run_ms(&rig, 13);
	ar_out8(&rig, PO + CR, 0);
	ar_out8(&rig, PO + LVI, 5);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH | LVBCI | BCIS);
	ar_run_ms(&rig, 30);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	ar_out8(&rig, PO + CR, RPBM);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	ar_close(&rig);
}

static void test_A9_10_CIV_goes_round_the_list(void **state)
{
	struct ac97_rig rig;

	start(&rig, 31, RPBM);
	ar_run_ms(&rig, 305);
	assert_int_equal(ar_in8(&rig, PO + CIV), 30);
	ar_out8(&rig, PO + LVI, 3);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in8(&rig, PO + CIV), 31);
	assert_int_equal(ar_in8(&rig, PO + PIV), 0);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in8(&rig, PO + PIV), 1);
	ar_run_ms(&rig, 100);
	assert_int_equal(ar_in8(&rig, PO + CIV), 3);
	assert_true(ar_in16(&rig, PO + SR) & CELV);
	ar_close(&rig);
}

static void test_A9_12_reset_keeps_the_enables(void **state)
{
	struct ac97_rig rig;

	start(&rig, 31, IOCE | FEIE | LVBIE | RPBM);
	ar_run_ms(&rig, 25);
	ar_out8(&rig, PO + CR, RR);
	assert_int_equal(ar_in8(&rig, PO + CR), IOCE | FEIE | LVBIE);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH);
	assert_int_equal(ar_in32(&rig, PO + BDBAR), 0);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in8(&rig, PO + PIV), 0);
	assert_int_equal(ar_in8(&rig, PO + LVI), 0);
	assert_int_equal(ar_in16(&rig, PO + PICB), 0);
	assert_false(rig.line);
	ar_run_ms(&rig, 100);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH);
	/* Once more, from the beginning. */
	ar_start(&rig, PO, 31, RPBM);
	assert_int_equal(ar_in8(&rig, PO + PIV), 1);
	assert_int_equal(ar_in16(&rig, PO + PICB), 960);
	ar_close(&rig);
}

static void test_A9_12_a_pause_keeps_the_position(void **state)
{
	struct ac97_rig rig;

	start(&rig, 31, IOCE | RPBM);
	ar_run_ms(&rig, 5);
	ar_out8(&rig, PO + CR, IOCE);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH);
	assert_int_equal(ar_in16(&rig, PO + PICB), 480);
	ar_run_ms(&rig, 1000);
	assert_int_equal(ar_in16(&rig, PO + PICB), 480);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	ar_out8(&rig, PO + CR, IOCE | RPBM);
	assert_int_equal(ar_in16(&rig, PO + SR), 0);
	ar_run_ms(&rig, 5);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_int_equal(rig.rises, 1);
	/* No frame is lost by it, and none played twice. */
	acknowledge(&rig);
	ar_run_ms(&rig, 40);
	assert_true(ar_in_order(ar_port(&rig, PO)) >= 480);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

static void test_A9_12_stop_plays_what_has_been_handed_over(void **state)
{
	struct ac97_rig rig;

	start(&rig, 31, RPBM);
	ar_run_ms(&rig, 15);
	ar_out8(&rig, PO + CR, 0);
	/* The fake port stops at once; a real one drains: it was asked to, and had them all. */
	assert_int_equal(ar_port(&rig, PO)->in, 720);
	assert_int_equal(ar_port(&rig, PO)->stops, 1);
	assert_int_equal(ar_port(&rig, PO)->releases, 2); /* power-on, and before it was prepared */
	ar_close(&rig);
}

/* ---- what no driver would do ---- */

static void test_defect_10_lists_and_data_in_BARs_and_holes(void **state)
{
	static const uint32_t places[] = {0,          0xfebf0000, 0xfffffff8,
					  0x7ffffff8, 0x000ffff8, AR_RAM_GPA + AR_RAM_BYTES - 8};
	struct ac97_rig rig;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		ar_up(&rig, "variant=ich4", 2, 4);
		for (unsigned box = PI; box <= SP; box += 0x10) {
			if (box == 0x30)
				continue;
			ar_out32(&rig, box + BDBAR, places[i]);
			ar_out8(&rig, box + LVI, 31);
			ar_out8(&rig, box + CR, IOCE | FEIE | LVBIE | RPBM);
		}
		ar_run_ms(&rig, 300);
		/* Whatever they did, they can be stopped. */
		for (unsigned box = PI; box <= SP; box += 0x10) {
			if (box == 0x30)
				continue;
			ar_out8(&rig, box + CR, 0);
			assert_true(ar_in16(&rig, box + SR) & DCH);
		}
		ar_close(&rig);
	}
}

static void test_a_list_that_is_not_there_is_a_FIFO_error(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_out32(&rig, PO + BDBAR, 0xfebf0000);
	ar_out8(&rig, PO + LVI, 31);
	ar_out8(&rig, PO + CR, FEIE | RPBM);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH | FIFOE);
	assert_true(rig.line);
	assert_true(ar_in32(&rig, GLOB_STA) & 0x40);
	assert_int_equal(rig.faults[VMSND_FAULT_LIST], 1);
	/* PCI status: received master abort. */
	assert_int_equal(ar_in(&rig, CONFIG, 6, 2) & 0x2000, 0x2000);
	acknowledge(&rig);
	assert_false(rig.line);
	/* Writing LVI tries again. */
	ar_entries(&rig, PO, 32, BYTES);
	ar_out32(&rig, PO + BDBAR, (uint32_t)ar_list(PO));
	ar_out8(&rig, PO + LVI, 31);
	assert_int_equal(ar_in16(&rig, PO + SR), 0);
	ar_run_ms(&rig, 15);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	ar_close(&rig);
}

static void test_data_that_is_not_there_is_silence_in_time(void **state)
{
	struct ac97_rig rig;
	const uint8_t zeros[480 * 4] = {0};

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, BYTES);
	ar_numbers(&rig, PO, 32 * 480);
	ar_entry(&rig, PO, 1, 0xfebf0000, IOC | 960);
	ar_start(&rig, PO, 31, FEIE | RPBM);
	ar_run_ms(&rig, 25);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	assert_true(ar_in16(&rig, PO + SR) & FIFOE);
	assert_true(rig.line);
	assert_true(rig.faults[VMSND_FAULT_DATA_ADDRESS] > 0);
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 480);
	assert_memory_equal(ar_port(&rig, PO)->heard + BYTES, zeros, sizeof(zeros));
	assert_int_equal(*(uint32_t *)(void *)(ar_port(&rig, PO)->heard + 2 * BYTES), 961);
	ar_close(&rig);
}

static void test_data_across_the_end_of_32_bits_wraps(void **state)
{
	struct ac97_rig rig;
	static uint8_t high[4096], low[4096];
	struct vmsnd_region top = {.gpa = 0xfffff000,
				   .bytes = sizeof(high),
				   .at = high,
				   .rights = VMSND_READ | VMSND_WRITE};
	struct vmsnd_region bottom = {
	    .gpa = 0, .bytes = sizeof(low), .at = low, .rights = VMSND_READ | VMSND_WRITE};
	uint32_t number;

	ar_up(&rig, "", 1, 2);
	assert_int_equal(vmsnd_gmem_add(&rig.mem, &top), VMSND_OK);
	assert_int_equal(vmsnd_gmem_add(&rig.mem, &bottom), VMSND_OK);
	for (uint32_t i = 0; i < 480; i++) {
		number = i + 1;
		memcpy(i < 100 ? high + sizeof(high) - 400 + i * 4 : low + (i - 100) * 4, &number,
		       4);
	}
	ar_entry(&rig, PO, 0, 0xffffffff - 399, 960);
	ar_start(&rig, PO, 0, RPBM);
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 480);
	assert_int_equal(ar_counter(&rig, "fifo_errors"), 0);
	ar_close(&rig);
}

static void test_the_smallest_descriptors_cost_bounded_work(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	for (unsigned i = 0; i < 32; i++)
		ar_entry(&rig, PO, i, (uint32_t)ar_data(PO), IOC | 2);
	ar_start(&rig, PO, 31, RPBM);
	/* Nobody keeps LVI ahead: over after 32 frames. */
	ar_run_ms(&rig, 10);
	assert_true(ar_in16(&rig, PO + SR) & CELV);
	ar_close(&rig);
}

/* However late the host is, a call moves 1 MiB at most; all is done in the end. */
static void test_work_of_a_long_time_is_cut_into_calls(void **state)
{
	struct ac97_rig rig;
	uint64_t before, after;
	unsigned calls;

	for (unsigned ms = 5000; ms < 9000; ms += 37) {
		ar_up(&rig, "", 1, 2);
		for (unsigned i = 0; i < 32; i++) {
			ar_entry(&rig, PO, i, (uint32_t)ar_data(PO), 0xfffe);
			ar_entry(&rig, PI, i, (uint32_t)ar_data(PI), 0xfffe);
		}
		ar_port(&rig, PO)->deaf = true;
		ar_start(&rig, PO, 31, RPBM);
		ar_start(&rig, PI, 31, RPBM);
		rig.now += ms * AR_MS;
		after = 0;
		calls = 0;
		do {
			before = after;
			AR_CLASS->advance(rig.dev, rig.now);
			after =
			    ar_counter(&rig, "pcm_out_frames") + ar_counter(&rig, "pcm_in_frames");
			assert_in_range(after - before, 0, 256 * 1024);
			assert_true(++calls < 100);
		} while (after > before);
		/* What is recorded goes out in steps, or when the guest looks. */
		assert_in_range(after, 2 * 48 * ms - 480, 2 * 48 * ms);
		ar_in16(&rig, PI + PICB);
		after = ar_counter(&rig, "pcm_out_frames") + ar_counter(&rig, "pcm_in_frames");
		assert_int_equal(after, 2 * 48 * ms);
		ar_close(&rig);
	}
}

static void test_without_bus_mastering_nothing_is_read(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_out(&rig, CONFIG, 4, 2, 3);
	ar_entries(&rig, PO, 32, BYTES);
	ar_numbers(&rig, PO, 32 * 480);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 50);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in16(&rig, PO + SR), FIFOE);
	/* Granted: from there on, at the usual pace. */
	ar_out(&rig, CONFIG, 4, 2, 7);
	ar_run_ms(&rig, 15);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	ar_out(&rig, CONFIG, 4, 2, 3);
	ar_run_ms(&rig, 500);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	ar_out(&rig, CONFIG, 4, 2, 7);
	ar_run_ms(&rig, 40);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

/* While it is not granted no frame goes by, so there is one error, which the guest can clear. */
static void test_without_bus_mastering_there_is_one_FIFO_error(void **state)
{
	struct ac97_rig rig;

	start(&rig, 31, FEIE | RPBM);
	ar_out(&rig, CONFIG, 4, 2, 3);
	assert_true(rig.line);
	acknowledge(&rig);
	ar_run_ms(&rig, 100);
	assert_false(rig.line);
	ar_out(&rig, CONFIG, 4, 2, 7);
	ar_run_ms(&rig, 10);
	ar_out(&rig, CONFIG, 4, 2, 3);
	assert_true(rig.line);
	assert_int_equal(ar_counter(&rig, "fifo_errors"), 2);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_07_first_fetch_keeps_CIV_and_moves_PIV),
	    cmocka_unit_test(test_A9_08_empty_entries_are_skipped_and_complete),
	    cmocka_unit_test(test_A9_08_a_list_of_nothing_ends_at_once),
	    cmocka_unit_test(test_A9_08_addresses_have_no_two_lowest_bits),
	    cmocka_unit_test(test_A9_08_odd_lengths_end_in_silence_and_are_counted),
	    cmocka_unit_test(test_A9_09_the_last_valid_one_halts),
	    cmocka_unit_test(test_A9_09_without_BUP_the_last_sample_stays),
	    cmocka_unit_test(test_A9_09_with_BUP_there_is_silence),
	    cmocka_unit_test(test_A9_10_LVI_restarts_what_has_halted),
	    cmocka_unit_test(test_A9_10_LVI_restarts_what_has_halted_for_long),
	    cmocka_unit_test(test_A9_10_LVI_of_one_that_runs_is_only_stored),
	    cmocka_unit_test(test_A9_10_LVI_while_it_pauses_goes_on_with_the_next_run),
	    cmocka_unit_test(test_A9_10_CIV_goes_round_the_list),
	    cmocka_unit_test(test_A9_12_reset_keeps_the_enables),
	    cmocka_unit_test(test_A9_12_a_pause_keeps_the_position),
	    cmocka_unit_test(test_A9_12_stop_plays_what_has_been_handed_over),
	    cmocka_unit_test(test_defect_10_lists_and_data_in_BARs_and_holes),
	    cmocka_unit_test(test_a_list_that_is_not_there_is_a_FIFO_error),
	    cmocka_unit_test(test_data_that_is_not_there_is_silence_in_time),
	    cmocka_unit_test(test_data_across_the_end_of_32_bits_wraps),
	    cmocka_unit_test(test_the_smallest_descriptors_cost_bounded_work),
	    cmocka_unit_test(test_work_of_a_long_time_is_cut_into_calls),
	    cmocka_unit_test(test_without_bus_mastering_nothing_is_read),
	    cmocka_unit_test(test_without_bus_mastering_there_is_one_FIFO_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
