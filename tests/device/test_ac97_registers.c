/* SPDX-License-Identifier: BSD-3-Clause */
/* The two windows: what each register reads and takes, in every width on every boundary. */
#include <string.h>

#include "ac97_rig.h"

static const unsigned boxes[] = {PI, PO, MC, M2, P2, SP};
#define N_BOXES (sizeof(boxes) / sizeof(boxes[0]))

/* What a byte of a space is by itself; spaces are read so as to see whether wider accesses agree.
 */
static void expect_composed(struct ac97_rig *rig, unsigned region, unsigned first, unsigned end)
{
	for (unsigned at = first; at < end; at++) {
		for (unsigned bytes = 1; bytes <= 4 && at + bytes <= end; bytes++) {
			uint32_t whole = ar_in(rig, region, at, bytes), parts = 0;

			for (unsigned i = 0; i < bytes; i++)
				parts |= ar_in(rig, region, at + i, 1) << 8 * i;
			if (whole != parts)
				fail_msg("region %u, %u bytes at %#x: %#x, by bytes %#x", region,
					 bytes, at, whole, parts);
		}
	}
}

static void set_up_boxes(struct ac97_rig *rig)
{
	for (unsigned i = 0; i < N_BOXES; i++) {
		ar_out32(rig, boxes[i] + BDBAR, 0x12345678 + i * 0x01010101);
		ar_out8(rig, boxes[i] + LVI, (uint8_t)(7 + i));
		ar_out8(rig, boxes[i] + CR, LVBIE | IOCE);
	}
}

static void test_A9_05_boxes_lie_at_their_places(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4", 2, 4);
	set_up_boxes(&rig);
	for (unsigned i = 0; i < N_BOXES; i++) {
		assert_int_equal(ar_in32(&rig, boxes[i] + BDBAR),
				 (0x12345678 + i * 0x01010101) & ~7u);
		assert_int_equal(ar_in8(&rig, boxes[i] + LVI), 7 + i);
		assert_int_equal(ar_in8(&rig, boxes[i] + CR), LVBIE | IOCE);
		assert_int_equal(ar_in8(&rig, boxes[i] + SR), DCH);
	}
	/* Global control is no part of the microphone's. */
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 2);
	/* The same registers through ports as through memory. */
	assert_int_equal(ar_in(&rig, NABM, PO + BDBAR, 4), ar_in(&rig, MEM_NABM, PO + BDBAR, 4));
	ar_out(&rig, MEM_NABM, PO + LVI, 1, 21);
	assert_int_equal(ar_in(&rig, NABM, PO + LVI, 1), 21);
	ar_close(&rig);
}

static void test_A9_05_ich_has_three_boxes_in_ports(void **state)
{
	struct ac97_rig rig;
	struct vmsnd_pci_bar bar;
	static const struct {
		uint32_t bytes;
		bool io;
	} ich[6] = {{256, true}, {64, true}, {0, false}, {0, false}, {0, false}, {0, false}},
	  ich4[6] = {{256, true}, {64, true}, {512, false}, {256, false}, {0, false}, {0, false}};

	ar_up(&rig, "", 1, 2);
	for (unsigned i = 0; i < 6; i++) {
		AR_CLASS->pci->bar(rig.dev, i, &bar);
		assert_int_equal(bar.bytes, ich[i].bytes);
		assert_int_equal(bar.io, ich[i].io);
	}
	assert_int_equal(ar_in(&rig, MEM_NABM, PO + BDBAR, 4), UINT32_MAX);
	assert_int_equal(rig.faults[VMSND_FAULT_REGISTER], 1);
	ar_close(&rig);
	ar_up(&rig, "variant=ich4", 2, 4);
	for (unsigned i = 0; i < 6; i++) {
		AR_CLASS->pci->bar(rig.dev, i, &bar);
		assert_int_equal(bar.bytes, ich4[i].bytes);
		assert_int_equal(bar.io, ich4[i].io);
	}
	ar_close(&rig);
}

static void test_A9_06_packed_reads_show_three_registers(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 4096);
	ar_start(&rig, PO, 9, IOCE | RPBM);
	ar_run_ms(&rig, 25);
	assert_int_equal(ar_in32(&rig, PO + CIV),
			 ar_in8(&rig, PO + CIV) | 9u << 8 | (uint32_t)ar_in16(&rig, PO + SR) << 16);
	assert_int_equal(ar_in32(&rig, PO + PICB),
			 ar_in16(&rig, PO + PICB) | 2u << 16 | (uint32_t)(IOCE | RPBM) << 24);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	ar_close(&rig);
}

static void test_A9_06_every_width_on_every_boundary_reads_what_its_bytes_do(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4,codec2=alc650", 2, 4);
	set_up_boxes(&rig);
	/* CAS is left out: who reads it changes it. */
	expect_composed(&rig, NABM, 0, CAS);
	expect_composed(&rig, NABM, CAS + 1, 64);
	expect_composed(&rig, MEM_NABM, 0, CAS);
	expect_composed(&rig, MEM_NABM, CAS + 1, 256);
	expect_composed(&rig, NAM, 0, 256);
	expect_composed(&rig, MEM_NAM, 0, 512);
	ar_close(&rig);
}

/* A write of any shape is that of its bytes, where registers are plain. */
static void expect_same_after(const char *options, unsigned region, unsigned at, unsigned bytes)
{
	struct ac97_rig whole, parts;
	const uint32_t value = 0xd4dcd8d4; /* no reset, no run, wherever CR is hit */

	ar_up(&whole, options, 2, 4);
	ar_up(&parts, options, 2, 4);
	ar_out(&whole, region, at, bytes, value);
	for (unsigned i = 0; i < bytes; i++)
		ar_out(&parts, region, at + i, 1, value >> 8 * i);
	for (unsigned i = 0; i < 0x90; i++)
		if (ar_in(&whole, MEM_NABM, i, 1) != ar_in(&parts, MEM_NABM, i, 1))
			fail_msg("%u bytes written at %#x: byte %#x", bytes, at, i);
	for (unsigned i = 0; i < 0x100; i++)
		if (ar_in(&whole, NAM, i, 1) != ar_in(&parts, NAM, i, 1))
			fail_msg("%u bytes written to the mixer at %#x: byte %#x", bytes, at, i);
	ar_close(&whole);
	ar_close(&parts);
}

static void test_A9_06_every_width_on_every_boundary_writes_what_its_bytes_do(void **state)
{
	for (unsigned bytes = 2; bytes <= 4; bytes++)
		for (unsigned at = 0; at + bytes <= 0x38; at++)
			expect_same_after("variant=ich4", NABM, at, bytes);
	for (unsigned bytes = 2; bytes <= 4; bytes++)
		for (unsigned at = 0x40; at + bytes <= 0x84; at++)
			expect_same_after("variant=ich4", MEM_NABM, at, bytes);
}

static void test_A9_06_bytes_that_are_no_register_read_as_ones_and_are_counted(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4", 2, 4);
	assert_int_equal(ar_in(&rig, NABM, 0x0c, 4), UINT32_MAX);
	assert_int_equal(ar_in(&rig, NABM, 0x35, 1), 0xff);
	ar_out(&rig, NABM, 0x3c, 4, 0);
	assert_int_equal(ar_counter(&rig, "faults_register"), 3);
	/* Half in, half out; and far beyond. */
	assert_int_equal(ar_in(&rig, NABM, 62, 4), UINT32_MAX);
	assert_int_equal(ar_in(&rig, NABM, UINT64_MAX - 1, 4), UINT32_MAX);
	ar_out(&rig, NAM, UINT64_MAX - 1, 4, 0);
	assert_int_equal(ar_in(&rig, 4, 0, 4), UINT32_MAX);
	assert_int_equal(ar_in(&rig, 6, 0, 4), UINT32_MAX);
	assert_int_equal(ar_in(&rig, 9999, 0, 4), UINT32_MAX);
	assert_int_equal(ar_counter(&rig, "faults_register"), 9);
	ar_close(&rig);
}

static void test_A9_06_CIV_PICB_and_PIV_cannot_be_written(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 4096);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 30);
	/* Linux does this whenever it prepares. */
	ar_out8(&rig, PO + CIV, 0);
	ar_out16(&rig, PO + PICB, 0);
	ar_out8(&rig, PO + PIV, 9);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_int_equal(ar_in8(&rig, PO + PIV), 2);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2 * (2048 - 1440));
	/* LVI and SR between them take what is theirs. */
	ar_out32(&rig, PO + CIV, 0x00080500);
	assert_int_equal(ar_in8(&rig, PO + LVI), 5);
	assert_int_equal(ar_in16(&rig, PO + SR), 0);
	assert_int_equal(ar_counter(&rig, "faults_register"), 0);
	ar_close(&rig);
}

static void test_A9_07_after_reset_nothing_is_current(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4", 2, 4);
	for (unsigned i = 0; i < N_BOXES; i++) {
		assert_int_equal(ar_in32(&rig, boxes[i] + CIV), (uint32_t)DCH << 16);
		assert_int_equal(ar_in32(&rig, boxes[i] + PICB), 0);
	}
	ar_entries(&rig, PO, 3, 4096);
	ar_start(&rig, PO, 2, RPBM);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in8(&rig, PO + PIV), 1);
	ar_close(&rig);
}

static void test_A9_05_bdbar_has_no_three_lowest_bits_and_lvi_five(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_out32(&rig, PO + BDBAR, UINT32_MAX);
	ar_out8(&rig, PO + LVI, 0xff);
	assert_int_equal(ar_in32(&rig, PO + BDBAR), 0xfffffff8);
	assert_int_equal(ar_in8(&rig, PO + LVI), 31);
	ar_out8(&rig, PO + CR, 0xfc);
	assert_int_equal(ar_in8(&rig, PO + CR), LVBIE | FEIE | IOCE);
	ar_close(&rig);
}

/* ---- global registers ---- */

static void test_A9_13_status_shows_capabilities_and_codecs(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	assert_int_equal(ar_in32(&rig, GLOB_STA), 0x00300100);
	ar_close(&rig);
	ar_up(&rig, "variant=ich4", 2, 4);
	assert_int_equal(ar_in32(&rig, GLOB_STA), 0x00700100);
	ar_close(&rig);
	ar_up(&rig, "variant=ich4,codec2=stac9700", 2, 4);
	assert_int_equal(ar_in32(&rig, GLOB_STA), 0x00700300);
	ar_close(&rig);
}

static void test_A9_13_in_cold_reset_nobody_is_ready_and_nothing_runs(void **state)
{
	struct ac97_rig rig;

	ar_open(&rig, "variant=ich4", 2, 4);
	ar_out(&rig, CONFIG, 4, 2, 7);
	/* At power-on the link is held; bit clock stopped. */
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 0);
	assert_int_equal(ar_in32(&rig, GLOB_STA), 0x08700000);
	assert_int_equal(ar_mixer(&rig, 0x02), 0xffff);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x8000, 0x8000);
	ar_out32(&rig, GLOB_STA, 0x8000);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x8000, 0);
	ar_entries(&rig, PO, 32, 4096);
	ar_start(&rig, PO, 31, IOCE | RPBM);
	ar_run_ms(&rig, 100);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH);
	/* What was asked for begins with the link. */
	ar_out32(&rig, GLOB_CNT, 2);
	ar_run_ms(&rig, 1);
	assert_int_equal(ar_in16(&rig, PO + SR), 0);
	ar_close(&rig);
}

static void test_A9_13_cold_reset_stops_engines_and_resets_codecs(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_mixer_set(&rig, 0x02, 0x0a0b);
	ar_entries(&rig, PO, 32, 4096);
	ar_start(&rig, PO, 31, IOCE | RPBM);
	ar_run_ms(&rig, 25);
	assert_true(rig.line);
	ar_out32(&rig, GLOB_CNT, 0);
	assert_false(rig.line);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_int_equal(ar_in8(&rig, PO + CR), 0);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH);
	assert_int_equal(ar_in32(&rig, PO + BDBAR), 0);
	ar_out32(&rig, GLOB_CNT, 2);
	assert_int_equal(ar_mixer(&rig, 0x02), 0x8000);
	ar_run_ms(&rig, 100);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	ar_close(&rig);
}

static void test_A9_13_warm_reset_clears_itself_and_keeps_the_mixer(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_mixer_set(&rig, 0x02, 0x0a0b);
	ar_out32(&rig, GLOB_CNT, 0x0a); /* the link shut off */
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x100, 0);
	ar_out32(&rig, GLOB_CNT, 0x0e);
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 2);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x100, 0x100);
	assert_int_equal(ar_mixer(&rig, 0x02), 0x0a0b);
	ar_close(&rig);
}

static void test_A9_13_control_keeps_the_bits_its_chip_has(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_out32(&rig, GLOB_CNT, UINT32_MAX);
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 0x00300033); /* warm reset woke the link */
	ar_close(&rig);
	ar_up(&rig, "variant=ich4", 2, 4);
	ar_out32(&rig, GLOB_CNT, UINT32_MAX);
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 0xc0f00073);
	ar_out8(&rig, GLOB_CNT + 2, 0x10);
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 0xc0100073);
	/* Status: semaphores of power-down are plain. */
	ar_out32(&rig, GLOB_STA, 0x00030000);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x00030000, 0x00030000);
	ar_out8(&rig, GLOB_STA + 1, 0x80);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x00030000, 0x00030000);
	ar_close(&rig);
}

static void test_A9_14_semaphore_is_taken_by_reading_and_freed_by_the_mixer(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(ar_in8(&rig, CAS), 0);
		assert_int_equal(ar_in8(&rig, CAS), 1);
		assert_int_equal(ar_in8(&rig, CAS), 1);
		if (round == 0)
			ar_mixer(&rig, 0x00);
		else if (round == 1)
			ar_mixer_set(&rig, 0x02, 0);
		else
			ar_in(&rig, NAM, 0x03, 1); /* any access at all (A9-15) */
	}
	assert_int_equal(ar_in8(&rig, CAS), 0);
	/* Which nothing writes. */
	ar_out8(&rig, CAS, 0);
	assert_int_equal(ar_in8(&rig, CAS), 1);
	ar_close(&rig);
}

static void test_A9_15_mixer_takes_bytes_and_dwords_too(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_mixer_set(&rig, 0x02, 0x0a0b);
	assert_int_equal(ar_in(&rig, NAM, 0x02, 1), 0x0b);
	assert_int_equal(ar_in(&rig, NAM, 0x03, 1), 0x0a);
	ar_out(&rig, NAM, 0x03, 1, 0x87);
	assert_int_equal(ar_mixer(&rig, 0x02), 0x870b);
	ar_out(&rig, NAM, 0x02, 1, 0x05);
	assert_int_equal(ar_mixer(&rig, 0x02), 0x8705);
	assert_int_equal(ar_in(&rig, NAM, 0x7c, 4), 0x76008384);
	ar_out(&rig, NAM, 0x02, 4, 0x01020304);
	assert_int_equal(ar_mixer(&rig, 0x02), 0x0304);
	ar_close(&rig);
}

/* Register 24 (AC'97 2.3, 5.7.8): what a 1 clears stays when only the other byte is written. */
static void test_A9_15_a_byte_clears_nothing_in_the_other(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "jacks=on", 1, 2);
	AR_CLASS->panel->jack_set(rig.dev, 2, false, rig.now);
	assert_int_equal(ar_mixer(&rig, 0x24), 0xa000);
	ar_out(&rig, NAM, 0x24, 1, 0x01); /* page 1 */
	assert_int_equal(ar_mixer(&rig, 0x24), 0xa001);
	/* 68 of page 1: valid is in the low byte. */
	assert_int_equal(ar_mixer(&rig, 0x68), 0x0011);
	ar_out(&rig, NAM, 0x69, 1, 0xab);
	assert_int_equal(ar_mixer(&rig, 0x68), 0xab11);
	ar_out(&rig, NAM, 0x68, 1, 0x10);
	assert_int_equal(ar_mixer(&rig, 0x68), 0xab01);
	ar_out(&rig, NAM, 0x25, 1, 0x80);
	assert_int_equal(ar_mixer(&rig, 0x24), 0x0001);
	ar_close(&rig);

	/* The ALC650's GPIO has them in the low byte. */
	ar_up(&rig, "codec=alc650,jacks=on", 1, 2);
	ar_mixer_set(&rig, 0x78, 0x8000);
	ar_mixer_set(&rig, 0x76, 0x0020);
	AR_CLASS->panel->jack_set(rig.dev, 0, false, rig.now);
	assert_int_equal(ar_mixer(&rig, 0x78), 0x8020);
	ar_out(&rig, NAM, 0x79, 1, 0x83);
	assert_int_equal(ar_mixer(&rig, 0x78), 0x8320);
	ar_out(&rig, NAM, 0x78, 1, 0x20);
	assert_int_equal(ar_mixer(&rig, 0x78), 0x8300);
	ar_close(&rig);
}

static void test_A9_15_second_codec_lies_behind_the_first(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4,codec2=alc650", 2, 4);
	assert_int_equal(ar_in(&rig, MEM_NAM, 0x7c, 4), 0x76008384);
	assert_int_equal(ar_in(&rig, MEM_NABM, SDM, 1) & 3, 0);
	assert_int_equal(ar_in(&rig, MEM_NAM, 0xfc, 2), 0x414c);
	assert_int_equal(ar_in(&rig, MEM_NABM, SDM, 1) & 3, 1);
	assert_int_equal(ar_in(&rig, NAM, 0xfc, 2), 0x414c);
	/* A third is not there: it does not answer. */
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x8000, 0);
	assert_int_equal(ar_in(&rig, MEM_NAM, 0x17c, 2), 0xffff);
	assert_int_equal(ar_in32(&rig, GLOB_STA) & 0x8000, 0x8000);
	/* Steering: all but the line is plain. */
	ar_out(&rig, MEM_NABM, SDM, 1, 0xff);
	assert_int_equal(ar_in(&rig, MEM_NABM, SDM, 1), 0xf9);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_05_boxes_lie_at_their_places),
	    cmocka_unit_test(test_A9_05_ich_has_three_boxes_in_ports),
	    cmocka_unit_test(test_A9_05_bdbar_has_no_three_lowest_bits_and_lvi_five),
	    cmocka_unit_test(test_A9_06_packed_reads_show_three_registers),
	    cmocka_unit_test(test_A9_06_every_width_on_every_boundary_reads_what_its_bytes_do),
	    cmocka_unit_test(test_A9_06_every_width_on_every_boundary_writes_what_its_bytes_do),
	    cmocka_unit_test(test_A9_06_bytes_that_are_no_register_read_as_ones_and_are_counted),
	    cmocka_unit_test(test_A9_06_CIV_PICB_and_PIV_cannot_be_written),
	    cmocka_unit_test(test_A9_07_after_reset_nothing_is_current),
	    cmocka_unit_test(test_A9_13_status_shows_capabilities_and_codecs),
	    cmocka_unit_test(test_A9_13_in_cold_reset_nobody_is_ready_and_nothing_runs),
	    cmocka_unit_test(test_A9_13_cold_reset_stops_engines_and_resets_codecs),
	    cmocka_unit_test(test_A9_13_warm_reset_clears_itself_and_keeps_the_mixer),
	    cmocka_unit_test(test_A9_13_control_keeps_the_bits_its_chip_has),
	    cmocka_unit_test(test_A9_14_semaphore_is_taken_by_reading_and_freed_by_the_mixer),
	    cmocka_unit_test(test_A9_15_mixer_takes_bytes_and_dwords_too),
	    cmocka_unit_test(test_A9_15_a_byte_clears_nothing_in_the_other),
	    cmocka_unit_test(test_A9_15_second_codec_lies_behind_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
