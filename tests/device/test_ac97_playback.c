/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback: what goes through PCM out. */
#include <string.h>

#include "ac97_rig.h"

/* A driver's handler: acknowledges, and moves LVI along behind CIV. */
static void keep_going(struct ac97_rig *rig)
{
	uint8_t sr = (uint8_t)ar_in16(rig, PO + SR);

	assert_true(ar_in32(rig, GLOB_STA) & 0x40);
	ar_out8(rig, PO + LVI, (uint8_t)((ar_in8(rig, PO + CIV) + 31) & 31));
	ar_out8(rig, PO + SR, sr & (FIFOE | BCIS | LVBCI));
}

static void test_A9_09_thirty_two_descriptors_are_heard_whole(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 4096);
	ar_numbers(&rig, PO, 32 * 1024);
	rig.on_interrupt = keep_going;
	ar_start(&rig, PO, 31, IOCE | RPBM);
	ar_run_ms(&rig, 650);
	assert_int_equal(rig.rises, 30); /* 31200 frames, 1024 each */
	ar_run_ms(&rig, 50);
	assert_true(ar_in_order(ar_port(&rig, PO)) >= 31 * 1024);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_09_thirty_two_descriptors_are_heard_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
