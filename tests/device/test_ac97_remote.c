/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that only the VMM reaches: it answers later, or never. */
#include <string.h>

#include "ac97_rig.h"

#define REMOTE_GPA UINT64_C(0x80000000)
#define BYTES      1920u /* 10 ms */

/* One thing is asked at a time, and answered after a while. */
struct far {
	struct ac97_rig *rig;
	vmsnd_ns delay, ready;
	vmsnd_gpa asked;
	size_t asked_bytes;
	bool mute, asking;
	unsigned asks, again, writes;
};

static enum vmsnd_rc far_read(void *ctx, vmsnd_gpa from, void *to, size_t bytes)
{
	struct far *far = ctx;

	if (far->asking && from == far->asked && bytes == far->asked_bytes) {
		far->again++;
		if (far->mute || far->rig->now < far->ready)
			return VMSND_E_AGAIN;
		far->asking = false;
		memcpy(to, ar_at(far->rig, from - REMOTE_GPA + AR_RAM_GPA), bytes);
		return VMSND_OK;
	}
	far->asking = true;
	far->asked = from;
	far->asked_bytes = bytes;
	far->ready = far->rig->now + far->delay;
	far->asks++;
	return VMSND_E_AGAIN;
}

static enum vmsnd_rc far_write(void *ctx, vmsnd_gpa to, const void *from, size_t bytes)
{
	struct far *far = ctx;

	if (far->mute)
		return VMSND_E_AGAIN;
	far->writes++;
	memcpy(ar_at(far->rig, to - REMOTE_GPA + AR_RAM_GPA), from, bytes);
	return VMSND_OK;
}

static void up(struct ac97_rig *rig, struct far *far, struct vmsnd_remote *remote)
{
	*far = (struct far){.rig = rig, .delay = 200000};
	*remote = (struct vmsnd_remote){.ctx = far, .read = far_read, .write = far_write};
	ar_up(rig, "", 1, 2);
	assert_int_equal(
	    vmsnd_gmem_add(&rig->mem, &(struct vmsnd_region){.gpa = REMOTE_GPA,
							     .bytes = AR_RAM_BYTES,
							     .rights = VMSND_READ | VMSND_WRITE,
							     .remote = remote}),
	    VMSND_OK);
}

static void start(struct ac97_rig *rig, unsigned box, uint8_t cr)
{
	uint32_t data = (uint32_t)(ar_data(box) - AR_RAM_GPA + REMOTE_GPA);

	ar_numbers(rig, box, 32 * 480);
	for (unsigned i = 0; i < 32; i++)
		ar_entry(rig, box, i, data + i * BYTES, IOC | BYTES / 2);
	ar_out32(rig, box + BDBAR, (uint32_t)(ar_list(box) - AR_RAM_GPA + REMOTE_GPA));
	ar_out8(rig, box + LVI, 31);
	ar_out8(rig, box + CR, cr);
}

/* The lane calls when an answer comes. */
static void run(struct ac97_rig *rig, const struct far *far, uint64_t ms)
{
	vmsnd_ns end = rig->now + ms * AR_MS;

	while (rig->now < end) {
		vmsnd_ns next = rig->now + AR_MS;

		if (far->asking && !far->mute && far->ready > rig->now && far->ready < next)
			next = far->ready;
		ar_run_until(rig, next < end ? next : end);
	}
}

static void test_sound_that_comes_later_is_whole(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;

	up(&rig, &far, &remote);
	start(&rig, PO, RPBM);
	for (unsigned i = 0; i < 300; i++) {
		run(&rig, &far, 1);
		if (i > 1)
			assert_int_not_equal(ar_in16(&rig, PO + PICB), 0);
	}
	assert_int_equal(ar_in8(&rig, PO + CIV), 29);
	assert_int_equal(ar_counter(&rig, "fifo_errors"), 0);
	assert_true(ar_in_order(ar_port(&rig, PO)) >= 28 * 480 - 960);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

/* Ten times as often as a step is due, the lane looks, as each message makes it. */
static void test_A9_03_far_memory_is_asked_for_whole_steps(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;
	vmsnd_ns began;

	up(&rig, &far, &remote);
	start(&rig, PO, RPBM);
	began = rig.now;
	run(&rig, &far, 300);
	assert_in_range(far.asks, 30, 30 + 31 + 5); /* steps, and entries of the list */
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	/* The position is the clock's all the same, in the middle of a step too. */
	assert_in_range(ar_in8(&rig, PO + CIV), 29, 30);
	ar_out8(&rig, PO + LVI, 28);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t gone = (rig.now - began) * 48 / AR_MS, seen;

		seen = 960 - ar_in16(&rig, PO + PICB);
		seen = ((ar_in8(&rig, PO + CIV) + 32u) * 960 + seen) / 2 % (32 * 480);
		assert_in_range((gone - seen + 32 * 480) % (32 * 480), 0, 48);
		run(&rig, &far, 1);
	}
	ar_close(&rig);
}

/* What is fetched before its time is not what a driver finds that starts anew. */
static void test_A9_03_a_start_forgets_what_was_fetched(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;
	uint32_t number;

	up(&rig, &far, &remote);
	start(&rig, PO, RPBM);
	run(&rig, &far, 25);
	ar_out8(&rig, PO + CR, 0);
	memset(ar_at(&rig, ar_data(PO)), 0x5a, 32 * BYTES);
	ar_out8(&rig, PO + CR, RPBM);
	run(&rig, &far, 4);
	ar_out8(&rig, PO + CR, 0);
	fake_port_move(ar_port(&rig, PO), 4000);
	assert_in_range(ar_port(&rig, PO)->heard_bytes / 4, 1250, 1500);
	memcpy(&number, ar_port(&rig, PO)->heard + ar_port(&rig, PO)->heard_bytes - 4, 4);
	assert_int_equal(number, 0x5a5a5a5a);
	assert_in_range(ar_in_order(ar_port(&rig, PO)), 1150, 1201);
	ar_close(&rig);
}

static void test_A9_03_far_memory_is_written_in_whole_steps(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;

	up(&rig, &far, &remote);
	ar_mixer_set(&rig, 0x1a, 0x0404);
	start(&rig, PI, RPBM);
	run(&rig, &far, 300);
	assert_in_range(far.writes, 29, 2 * 30 + 5); /* and a descriptor's last frame */
	assert_in_range(ar_in8(&rig, PI + CIV), 29, 30);
	ar_close(&rig);
}

static void test_sound_that_does_not_come_is_silence_and_a_FIFO_error(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;
	uint32_t number;

	up(&rig, &far, &remote);
	start(&rig, PO, FEIE | RPBM);
	run(&rig, &far, 95);
	assert_false(rig.line);
	far.mute = true;
	run(&rig, &far, 95);
	/* The position waits for the sound, for a while. */
	assert_int_equal(ar_in16(&rig, PO + SR) & FIFOE, 0);
	assert_int_equal(ar_in8(&rig, PO + CIV), 9);
	run(&rig, &far, 15);
	assert_true(ar_in16(&rig, PO + SR) & FIFOE);
	assert_true(rig.line);
	/* It comes again: from where time is now. */
	far.mute = false;
	run(&rig, &far, 100);
	assert_int_not_equal(ar_in16(&rig, PO + PICB), 0);
	ar_out8(&rig, PO + CR, 0);
	assert_true(ar_port(&rig, PO)->in > 9000);
	fake_port_move(ar_port(&rig, PO), 4000);
	/* The last that is heard is where it would be, had all of it come. */
	memcpy(&number, ar_port(&rig, PO)->heard + ar_port(&rig, PO)->heard_bytes - 4, 4);
	assert_int_equal(number, ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

static void test_a_list_that_does_not_come_halts(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;

	up(&rig, &far, &remote);
	far.mute = true;
	start(&rig, PO, FEIE | RPBM);
	run(&rig, &far, 90);
	assert_int_equal(ar_in16(&rig, PO + SR), 0);
	run(&rig, &far, 20);
	assert_int_equal(ar_in16(&rig, PO + SR), DCH | FIFOE);
	assert_true(rig.line);
	assert_int_equal(rig.faults[VMSND_FAULT_LIST], 0); /* the guest did nothing wrong */
	/* And it can be stopped and started. */
	ar_out8(&rig, PO + CR, 0);
	ar_out8(&rig, PO + CR, RR);
	far.mute = false;
	start(&rig, PO, RPBM);
	run(&rig, &far, 25);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	ar_close(&rig);
}

static void test_recording_into_far_memory(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;
	uint32_t number;

	up(&rig, &far, &remote);
	ar_mixer_set(&rig, 0x1a, 0x0404);
	start(&rig, PI, FEIE | RPBM);
	run(&rig, &far, 105);
	memcpy(&number, ar_at(&rig, ar_data(PI) + 4000 * 4), 4);
	assert_in_range(number, 3000, 4001);
	assert_false(rig.line);
	far.mute = true; /* more under way than there may be */
	run(&rig, &far, 300);
	assert_true(ar_in16(&rig, PI + SR) & FIFOE);
	assert_true(rig.line);
	ar_close(&rig);
}

/* It was read before the last frames of the one in front of it, then taken back by the guest and
 * written anew. */
static void test_A9_10_an_entry_read_ahead_is_read_again(void **state)
{
	struct vmsnd_remote remote;
	struct ac97_rig rig;
	struct far far;
	uint32_t old = 0x01010101, anew = 0x02020202, number, heard = 0;
	const struct vmsnd_port *port;

	up(&rig, &far, &remote);
	far.delay = 0;
	port = ar_port(&rig, PO);
	for (unsigned i = 0; i < 480; i++) {
		memcpy(ar_at(&rig, ar_data(PO) + 0x2000 + i * 4), &old, 4);
		memcpy(ar_at(&rig, ar_data(PO) + 0x4000 + i * 4), &anew, 4);
	}
	ar_entry(&rig, PO, 0, (uint32_t)(ar_data(PO) - AR_RAM_GPA + REMOTE_GPA), 960);
	ar_entry(&rig, PO, 1, (uint32_t)ar_data(PO) + 0x2000, 960);
	ar_start(&rig, PO, 1, RPBM);
	far.mute = true;
	rig.now += 10 * AR_MS;
	AR_CLASS->advance(rig.dev, rig.now);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	ar_out8(&rig, PO + LVI, 0);
	far.mute = false;
	run(&rig, &far, 20);
	assert_true(ar_in16(&rig, PO + SR) & CELV);
	ar_entry(&rig, PO, 1, (uint32_t)ar_data(PO) + 0x4000, 960);
	ar_out8(&rig, PO + LVI, 1);
	run(&rig, &far, 100);
	for (size_t i = 0; i < port->heard_bytes; i += 4) {
		memcpy(&number, port->heard + i, 4);
		assert_int_not_equal(number, old);
		heard += number == anew;
	}
	assert_true(heard >= 480);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sound_that_comes_later_is_whole),
	    cmocka_unit_test(test_A9_03_far_memory_is_asked_for_whole_steps),
	    cmocka_unit_test(test_A9_03_a_start_forgets_what_was_fetched),
	    cmocka_unit_test(test_A9_03_far_memory_is_written_in_whole_steps),
	    cmocka_unit_test(test_sound_that_does_not_come_is_silence_and_a_FIFO_error),
	    cmocka_unit_test(test_a_list_that_does_not_come_halts),
	    cmocka_unit_test(test_recording_into_far_memory),
	    cmocka_unit_test(test_A9_10_an_entry_read_ahead_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
