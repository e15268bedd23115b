/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of descriptors: what is fetched, skipped, completed, restarted; and lists that no driver
 * would write. */
#include <stdlib.h>
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

#define OWN_NAM  0xd000u /* numbers of ports, and nothing as addresses of memory */
#define OWN_NABM 0xd100u
#define OWN_MEM  0xfebf0000u /* the mixer's registers, then the engines' */

static const uint8_t all_boxes[] = {PI, PO, MC, M2, P2, SP};
#define BOXES (sizeof(all_boxes) / sizeof(all_boxes[0]))

/* What no list may change: configuration space but for the status, mixer, and what the guest has
 * written to the engines. */
struct registers {
	uint32_t config[64], engines[BOXES][3], control;
	uint16_t mixer[64];
};

static struct registers registers_of(struct ac97_rig *rig)
{
	struct registers all = {.control = ar_in32(rig, GLOB_CNT)};

	for (unsigned i = 0; i < 64; i++) {
		all.config[i] = ar_in(rig, CONFIG, i * 4, 4) & (i == 1 ? 0xffff : UINT32_MAX);
		all.mixer[i] = ar_mixer(rig, i * 2);
	}
	for (unsigned i = 0; i < BOXES; i++) {
		all.engines[i][0] = ar_in32(rig, all_boxes[i] + BDBAR);
		all.engines[i][1] = ar_in8(rig, all_boxes[i] + LVI);
		all.engines[i][2] = ar_in8(rig, all_boxes[i] + CR);
	}
	return all;
}

/* Returns how often the card was called. */
static unsigned run_counted(struct ac97_rig *rig, uint64_t ms)
{
	vmsnd_ns until = rig->now + ms * AR_MS, next, port_next;
	unsigned calls = 0;

	for (; rig->now <= until; rig->now = next) {
		next = AR_CLASS->advance(rig->dev, rig->now);
		for (unsigned i = 0; i < rig->n_playback + rig->n_capture; i++) {
			port_next = fake_port_advance(rig->ports[i], rig->now);
			next = port_next < next ? port_next : next;
		}
		assert_true(++calls < 100000);
	}
	rig->now = until;
	return calls;
}

static void up_with_bars(struct ac97_rig *rig)
{
	ar_up(rig, "variant=ich4", 2, 4);
	ar_out(rig, CONFIG, 0x10, 4, OWN_NAM | 1);
	ar_out(rig, CONFIG, 0x14, 4, OWN_NABM | 1);
	ar_out(rig, CONFIG, 0x18, 4, OWN_MEM);
	ar_out(rig, CONFIG, 0x1c, 4, OWN_MEM + 0x1000);
	for (unsigned i = 0; i < BOXES; i++) {
		ar_numbers(rig, all_boxes[i], 32 * 480);
		/* Silence has to be written: a ring holds what was played before. */
		memset(ar_port(rig, all_boxes[i])->ring, 0x5a, FAKE_RING_BYTES);
	}
}

/* 250 ms of whatever has been started: no other register, no byte of memory is changed by it, and
 * every engine has said what was wrong, and can be stopped. */
static void run_harmlessly(struct ac97_rig *rig, unsigned calls_max)
{
	const struct registers before = registers_of(rig);
	uint8_t *ram = malloc(AR_RAM_BYTES);
	struct registers now;

	memcpy(ram, rig->ram, AR_RAM_BYTES);
	assert_in_range(run_counted(rig, 250), 1, calls_max);
	now = registers_of(rig);
	assert_memory_equal(&now, &before, sizeof(now));
	assert_memory_equal(rig->ram, ram, AR_RAM_BYTES);
	free(ram);
	assert_true(rig->line);
	assert_int_equal(ar_in(rig, CONFIG, 6, 2) & 0x2000, 0x2000);
	assert_int_equal(ar_counter(rig, "fifo_errors"), BOXES);
	for (unsigned i = 0; i < BOXES; i++) {
		assert_true(ar_in16(rig, all_boxes[i] + SR) & FIFOE);
		ar_out8(rig, all_boxes[i] + CR, 0);
		assert_true(ar_in16(rig, all_boxes[i] + SR) & DCH);
	}
	assert_false(rig->line);
}

static void expect_zeros(const struct vmsnd_port *port, size_t from, size_t bytes)
{
	assert_true(port->heard_bytes >= from + bytes);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(port->heard[from + i], 0);
}

static void list_is_nowhere(uint32_t at, uint8_t civ)
{
	struct ac97_rig rig;

	up_with_bars(&rig);
	for (unsigned i = 0; i < BOXES; i++) {
		ar_out32(&rig, all_boxes[i] + BDBAR, at);
		ar_out8(&rig, all_boxes[i] + LVI, 31);
		ar_out8(&rig, all_boxes[i] + CR, IOCE | FEIE | LVBIE | RPBM);
		assert_int_equal(ar_in16(&rig, all_boxes[i] + SR), DCH | FIFOE);
		assert_int_equal(ar_in8(&rig, all_boxes[i] + CIV), civ);
		assert_int_equal(ar_in16(&rig, all_boxes[i] + PICB), 0);
	}
	run_harmlessly(&rig, 400);
	assert_int_equal(rig.faults[VMSND_FAULT_LIST], BOXES); /* it does not try again and again */
	expect_zeros(ar_port(&rig, PO), 0, ar_port(&rig, PO)->heard_bytes);
	expect_zeros(ar_port(&rig, SP), 0, ar_port(&rig, SP)->heard_bytes);
	/* With a list that is there, it plays. */
	ar_out8(&rig, PO + CR, RR);
	ar_entries(&rig, PO, 32, BYTES);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 15);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_false(ar_in16(&rig, PO + SR) & (DCH | FIFOE));
	ar_close(&rig);
}

static void data_is_nowhere(const uint32_t *places, unsigned n)
{
	struct ac97_rig rig;
	const struct vmsnd_port *port;
	uint32_t first;

	up_with_bars(&rig);
	for (unsigned i = 0; i < BOXES; i++)
		for (unsigned k = 0; k <= n + 1; k++)
			ar_entry(&rig, all_boxes[i], k, places[k % n], 960);
	/* Of what is heard, the first and the last one are in memory. */
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), 960);
	ar_entry(&rig, PO, n + 1, (uint32_t)ar_data(PO) + (n + 1) * BYTES, 960);
	for (unsigned i = 0; i < BOXES; i++)
		ar_start(&rig, all_boxes[i], (uint8_t)(n + 1), FEIE | RPBM);
	run_harmlessly(&rig, 1000);
	assert_in_range(rig.faults[VMSND_FAULT_DATA_ADDRESS], BOXES * n, BOXES * (n + 2) * 4);
	assert_int_equal(rig.faults[VMSND_FAULT_LIST], 0);
	port = ar_port(&rig, PO);
	assert_int_equal(ar_in_order(port), 480);
	expect_zeros(port, BYTES, n * BYTES);
	memcpy(&first, port->heard + (n + 1) * BYTES, sizeof(first));
	assert_int_equal(first, (n + 1) * 480 + 1);
	expect_zeros(ar_port(&rig, SP), 0, (n + 2) * BYTES);
	/* All in their time: none waited, none ran ahead. */
	for (unsigned i = 0; i < BOXES; i++)
		assert_int_equal(ar_in8(&rig, all_boxes[i] + CIV), n + 1);
	ar_close(&rig);
}

static void test_defect_10_lists_and_data_in_BARs_and_holes(void **state)
{
	static const uint32_t data[] = {
	    OWN_NAM,    OWN_NABM + PO, OWN_MEM,    OWN_MEM + 0x1010,         0,
	    0x7ffffffc, 0xfffe0000,    0xfffffffc, AR_RAM_GPA + AR_RAM_BYTES};
	static const uint32_t lists[] = {OWN_NAM, OWN_NABM,   OWN_MEM,    OWN_MEM + 0x1010,
					 0,       0x7ffffff8, 0xfffffff8, AR_RAM_GPA - 8};

	data_is_nowhere(data, sizeof(data) / sizeof(data[0]));
	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		list_is_nowhere(lists[i], 0);
	/* Its first descriptor is there, and empty; the second one is not. */
	list_is_nowhere(AR_RAM_GPA + AR_RAM_BYTES - 8, 1);
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
