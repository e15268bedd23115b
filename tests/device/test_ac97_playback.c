/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback: formats and rates, what goes into the port and when. */
#include <string.h>

#include "ac97_rig.h"

#define VRA 0x0001u
#define DRA 0x0002u

/* A driver's handler: acknowledges, and moves LVI along behind CIV. */
static void keep_going(struct ac97_rig *rig)
{
	assert_true(ar_in32(rig, GLOB_STA) & 0x40);
	ar_out8(rig, PO + LVI, (uint8_t)((ar_in8(rig, PO + CIV) + 31) & 31));
	ar_out8(rig, PO + SR, FIFOE | BCIS | LVBCI);
}

static void set_rate(struct ac97_rig *rig, unsigned extended, uint16_t rate_hz)
{
	ar_mixer_set(rig, 0x2a, (uint16_t)(ar_mixer(rig, 0x2a) | extended));
	ar_mixer_set(rig, 0x2c, rate_hz);
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

static void expect_format(const struct vmsnd_port *port, const struct vmsnd_format *expected)
{
	assert_true(port->prepared);
	assert_int_equal(port->params.format.sample, expected->sample);
	assert_int_equal(port->params.format.rate_hz, expected->rate_hz);
	assert_int_equal(port->params.format.channels, expected->channels);
}

static void test_A9_04_two_four_and_six_channels(void **state)
{
	static const struct {
		uint32_t control, channels;
		uint16_t heard[6]; /* of a frame whose samples are 1, 2, 3 ... in memory */
	} rows[] = {{0x00000002, 2, {1, 2}},
		    {0x00100002, 4, {1, 2, 3, 4}},
		    {0x00200002, 6, {1, 2, 5, 6, 3, 4}},
		    {0x00300002, 2, {1, 2}}};

	for (unsigned i = 0; i < 4; i++) {
		const struct vmsnd_format format = {
		    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = rows[i].channels};
		struct ac97_rig rig;
		uint16_t *data;

		ar_up(&rig, "codec=alc650,channels=6", 1, 2);
		ar_out32(&rig, GLOB_CNT, rows[i].control);
		data = ar_at(&rig, ar_data(PO));
		for (unsigned n = 0; n < 480 * rows[i].channels; n++)
			data[n] = (uint16_t)(n % rows[i].channels + 1);
		ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), IOC | 480 * rows[i].channels);
		ar_start(&rig, PO, 0, RPBM);
		assert_int_equal(ar_in16(&rig, PO + PICB), 480 * rows[i].channels);
		ar_run_until(&rig, rig.now + 5 * AR_MS);
		assert_int_equal(ar_in16(&rig, PO + PICB), 240 * rows[i].channels);
		ar_run_ms(&rig, 5);
		assert_true(ar_in16(&rig, PO + SR) & CELV);
		ar_run_ms(&rig, 30);
		expect_format(ar_port(&rig, PO), &format);
		for (unsigned n = 0; n < 480; n++)
			assert_memory_equal(ar_port(&rig, PO)->heard + n * rows[i].channels * 2,
					    rows[i].heard, rows[i].channels * 2);
		if (rows[i].channels > 2)
			assert_int_equal(ar_port(&rig, PO)->params.format.positions[2],
					 VMSND_POSITION_RL);
		ar_close(&rig);
	}
}

static void test_A9_04_twenty_bits(void **state)
{
	const struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S32, .rate_hz = 48000, .channels = 6};
	struct ac97_rig rig;
	uint32_t *data;
	static const uint32_t heard[] = {0x1000, 0x2000, 0x5000, 0x6000, 0x3000, 0x4000};

	ar_up(&rig, "variant=ich4,codec=alc650,channels=6", 2, 4);
	ar_out32(&rig, GLOB_CNT, 0x00600002);
	data = ar_at(&rig, ar_data(PO));
	for (unsigned n = 0; n < 480 * 6; n++)
		data[n] = (n % 6 + 1) << 12;
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), 480 * 6);
	ar_start(&rig, PO, 0, RPBM);
	ar_run_until(&rig, rig.now + 5 * AR_MS);
	assert_int_equal(ar_in16(&rig, PO + PICB), 240 * 6);
	ar_run_ms(&rig, 30);
	expect_format(ar_port(&rig, PO), &format);
	assert_memory_equal(ar_port(&rig, PO)->heard + 479 * 24, heard, sizeof(heard));
	ar_close(&rig);
	/* The first chip has no such bits. */
	ar_up(&rig, "", 1, 2);
	ar_out32(&rig, GLOB_CNT, 0x00400002);
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 2);
	ar_close(&rig);
}

static void test_A9_21_variable_rates(void **state)
{
	static const uint16_t rates_hz[] = {8000, 11025, 22050, 32000, 44100, 48000};

	for (unsigned i = 0; i < 6; i++) {
		const struct vmsnd_format format = {
		    .sample = VMSND_SAMPLE_S16, .rate_hz = rates_hz[i], .channels = 2};
		struct ac97_rig rig;
		vmsnd_ns began;

		ar_up(&rig, "", 1, 2);
		set_rate(&rig, VRA, rates_hz[i]);
		ar_entries(&rig, PO, 32, 1024 * 4);
		rig.on_interrupt = keep_going;
		began = rig.now;
		ar_start(&rig, PO, 31, IOCE | RPBM);
		ar_run_ms(&rig, 1000);
		expect_format(ar_port(&rig, PO), &format);
		assert_int_equal(rig.rises, rates_hz[i] / 1024);
		/* The first nanosecond at which they have gone by. */
		assert_int_equal(rig.rose_at, began + (rig.rises * 1024 * VMSND_NS_PER_SECOND +
						       rates_hz[i] - 1) /
							  rates_hz[i]);
		ar_close(&rig);
	}
}

/* Defect 14: there is no rate that a guest could make the card stumble over. */
static void test_defect_14_every_rate_a_guest_may_write(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_port(&rig, PO)->deaf = true;
	ar_mixer_set(&rig, 0x2a, 0x0009);
	for (uint32_t rate = 0; rate <= 0xffff; rate += rate < 300 ? 1 : 251) {
		ar_mixer_set(&rig, 0x2c, (uint16_t)rate);
		ar_mixer_set(&rig, 0x32, (uint16_t)rate);
		ar_mixer_set(&rig, 0x34, (uint16_t)rate);
		for (unsigned box = PI; box <= MC; box += 0x10) {
			ar_entries(&rig, box, 1, 64);
			ar_start(&rig, box, 0, RPBM);
		}
		ar_run_ms(&rig, 20);
		for (unsigned box = PI; box <= MC; box += 0x10) {
			assert_true(ar_in16(&rig, box + SR) & CELV);
			ar_out8(&rig, box + CR, RR);
		}
	}
	ar_close(&rig);
}

static void test_A9_21_rate_of_what_runs_stays(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 4096);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 5);
	set_rate(&rig, VRA, 8000);
	ar_out32(&rig, GLOB_CNT, 0x00200002);
	ar_run_ms(&rig, 100);
	assert_int_equal(ar_in8(&rig, PO + CIV), 4); /* 5040 frames */
	assert_int_equal(ar_port(&rig, PO)->prepares, 1);
	ar_out8(&rig, PO + CR, RR);
	ar_start(&rig, PO, 31, RPBM);
	assert_int_equal(ar_port(&rig, PO)->prepares, 2);
	assert_int_equal(ar_port(&rig, PO)->params.format.rate_hz, 8000);
	ar_close(&rig);
}

/* In the middle of a descriptor. */
static void test_A9_21_a_rate_is_taken_up_after_a_pause(void **state)
{
	struct ac97_rig rig;
	uint16_t left;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 2, 60000);
	ar_start(&rig, PO, 1, RPBM);
	ar_run_ms(&rig, 5);
	ar_out8(&rig, PO + CR, 0);
	set_rate(&rig, VRA, 8000);
	ar_out32(&rig, GLOB_CNT, 0x00100002); /* of the next descriptor */
	left = ar_in16(&rig, PO + PICB);
	ar_out8(&rig, PO + CR, RPBM);
	ar_run_ms(&rig, 100);
	assert_int_equal(left - ar_in16(&rig, PO + PICB), 2 * 800);
	assert_int_equal(ar_port(&rig, PO)->params.format.rate_hz, 8000);
	assert_int_equal(ar_port(&rig, PO)->params.format.channels, 2);
	ar_close(&rig);
}

static void test_A9_21_a_rate_is_taken_up_when_it_goes_on_after_the_end(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 1920);
	ar_start(&rig, PO, 0, RPBM);
	ar_run_ms(&rig, 50);
	set_rate(&rig, VRA, 8000);
	ar_out8(&rig, PO + LVI, 31);
	ar_run_ms(&rig, 30);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_int_equal(ar_in16(&rig, PO + PICB), 960 - 2 * 240);
	assert_int_equal(ar_port(&rig, PO)->params.format.rate_hz, 8000);
	assert_true(ar_port(&rig, PO)->running);
	ar_close(&rig);
}

static void test_A9_04_double_rate(void **state)
{
	const struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 96000, .channels = 2};
	struct ac97_rig rig;

	ar_up(&rig, "codec=alc650,channels=6", 1, 2);
	set_rate(&rig, VRA | DRA, 48000);
	assert_int_equal(ar_mixer(&rig, 0x2a) & (VRA | DRA), VRA | DRA);
	ar_out32(&rig, GLOB_CNT, 0x00100002);
	ar_numbers(&rig, PO, 960);
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), 960 * 2);
	ar_start(&rig, PO, 0, RPBM);
	ar_run_until(&rig, rig.now + 5 * AR_MS);
	assert_int_equal(ar_in16(&rig, PO + PICB), 960);
	ar_run_ms(&rig, 5);
	assert_true(ar_in16(&rig, PO + SR) & CELV);
	ar_run_ms(&rig, 30);
	expect_format(ar_port(&rig, PO), &format);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 960);
	ar_close(&rig);
}

static void test_A9_04_spdif_has_an_engine_and_a_stream(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4,codec=alc650", 2, 4);
	ar_entries(&rig, SP, 32, 1920);
	ar_numbers(&rig, SP, 32 * 480);
	ar_start(&rig, SP, 31, IOCE | RPBM);
	ar_run_ms(&rig, 10);
	assert_true(ar_in32(&rig, GLOB_STA) & 0x04000000);
	ar_run_ms(&rig, 30);
	assert_true(ar_in_order(ar_port(&rig, SP)) >= 480);
	assert_int_equal(ar_port(&rig, PO)->prepares, 0);
	ar_close(&rig);
}

static void test_A9_23_several_descriptors_in_one_step(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "timer-hz=10", 1, 2);
	for (unsigned i = 0; i < 32; i++)
		ar_entry(&rig, PO, i, (uint32_t)ar_data(PO) + i * 192, (i == 20 ? IOC : 0) | 96);
	ar_numbers(&rig, PO, 32 * 48);
	ar_start(&rig, PO, 31, IOCE | RPBM);
	/* 21 of 1 ms each: at its time, though a step is 100 ms. */
	ar_run_until(&rig, rig.now + 21 * AR_MS - 1);
	assert_false(rig.line);
	ar_run_until(&rig, rig.now + 1);
	assert_true(rig.line);
	ar_run_ms(&rig, 300);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 32 * 48);
	ar_close(&rig);
}

/* It repeats what came out, not what went in. */
static void test_A9_09_the_last_sample_stays_as_it_was_heard(void **state)
{
	const int16_t frame[2] = {10000, -5000};
	struct ac97_rig rig;
	struct vmsnd_port *port;

	ar_up(&rig, "outlet=mono", 1, 2);
	port = ar_port(&rig, PO);
	ar_mixer_set(&rig, 0x06, 0);
	for (unsigned i = 0; i < 480; i++)
		memcpy(ar_at(&rig, ar_data(PO) + 4 * i), frame, 4);
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), 960);
	ar_start(&rig, PO, 0, RPBM);
	ar_run_ms(&rig, 100);
	assert_true(port->heard_bytes > 8 * 480);
	assert_memory_not_equal(port->heard + 4 * 479, frame, 4);
	for (unsigned i = 480; i < port->heard_bytes / 4; i++)
		assert_memory_equal(port->heard + 4 * i, port->heard + 4 * 479, 4);
	ar_close(&rig);
}

static void test_A9_25_stream_is_made_anew_for_another_format_only(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	for (unsigned i = 0; i < 5; i++) {
		ar_entries(&rig, PO, 2, 1920);
		ar_start(&rig, PO, 1, RPBM);
		ar_run_ms(&rig, 50);
		ar_out8(&rig, PO + CR, 0);
		ar_out8(&rig, PO + CR, RR);
	}
	assert_int_equal(ar_port(&rig, PO)->prepares, 1);
	assert_int_equal(ar_port(&rig, PO)->starts, 5);
	set_rate(&rig, VRA, 44100);
	ar_start(&rig, PO, 1, RPBM);
	assert_int_equal(ar_port(&rig, PO)->prepares, 2);
	ar_close(&rig);
}

static void test_A9_25_a_port_that_refuses_is_tried_again(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_port(&rig, PO)->prepare_rc = VMSND_E_NOMEM;
	ar_entries(&rig, PO, 2, 1920);
	ar_start(&rig, PO, 1, RPBM);
	ar_run_ms(&rig, 15);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1); /* time goes by all the same */
	ar_out8(&rig, PO + CR, RR);
	ar_port(&rig, PO)->prepare_rc = VMSND_OK;
	ar_start(&rig, PO, 1, RPBM);
	assert_true(ar_port(&rig, PO)->running);
	ar_close(&rig);
}

static void test_A9_26_a_full_ring_drops_only_what_does_not_fit(void **state)
{
	struct ac97_rig rig;
	struct vmsnd_port *port;
	uint32_t number;

	ar_up(&rig, "", 1, 2);
	port = ar_port(&rig, PO);
	port->ring_frames_max = 2000;
	port->by_hand = true;
	ar_entries(&rig, PO, 32, 1920);
	ar_numbers(&rig, PO, 32 * 480);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 60);
	assert_int_equal(ar_in8(&rig, PO + CIV), 6);
	assert_int_equal(fake_port_fill(port), 2000);
	assert_int_equal(ar_counter(&rig, "dropped_frames"), 880);
	fake_port_move(port, 1000);
	ar_run_ms(&rig, 10);
	fake_port_move(port, 1480);
	assert_int_equal(ar_in_order(port), 2000);
	memcpy(&number, port->heard + 2000 * 4, 4);
	assert_int_equal(number, 2881);
	memcpy(&number, port->heard + 2479 * 4, 4);
	assert_int_equal(number, 3360);
	ar_close(&rig);
}

static void test_without_a_port_time_goes_by(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "variant=ich4", 0, 0);
	rig.on_interrupt = keep_going;
	ar_entries(&rig, PO, 32, 1920);
	ar_start(&rig, PO, 31, IOCE | RPBM);
	ar_run_ms(&rig, 1000);
	assert_int_equal(rig.rises, 100);
	ar_close(&rig);
}

/* Its owner powers the machine off and on under a guest that knows nothing of it. */
static void test_a_port_that_is_closed_does_not_stop_time(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 1920);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 25);
	vmsnd_port_release(ar_port(&rig, PO), rig.now);
	ar_run_ms(&rig, 30);
	assert_int_equal(ar_in8(&rig, PO + CIV), 5);
	ar_out8(&rig, PO + CR, 0);
	ar_out8(&rig, PO + CR, RR);
	ar_start(&rig, PO, 31, RPBM);
	assert_true(ar_port(&rig, PO)->running);
	ar_close(&rig);
}

/* Frames are taken before the guest is told that it may write others in their place. */
static void test_what_the_position_has_passed_has_been_taken(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "timer-hz=10", 1, 2);
	ar_entry(&rig, PO, 0, (uint32_t)ar_data(PO), 9600);
	ar_numbers(&rig, PO, 4800);
	ar_start(&rig, PO, 0, RPBM);
	for (unsigned ms = 1; ms < 100; ms++) {
		uint32_t left;

		rig.now += AR_MS;
		left = ar_in16(&rig, PO + PICB) / 2;
		memset(ar_at(&rig, ar_data(PO)), 0xee, (4800 - left) * 4);
	}
	ar_run_ms(&rig, 500);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), 4800);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_09_thirty_two_descriptors_are_heard_whole),
	    cmocka_unit_test(test_A9_04_two_four_and_six_channels),
	    cmocka_unit_test(test_A9_04_twenty_bits),
	    cmocka_unit_test(test_A9_04_double_rate),
	    cmocka_unit_test(test_A9_04_spdif_has_an_engine_and_a_stream),
	    cmocka_unit_test(test_A9_21_variable_rates),
	    cmocka_unit_test(test_A9_21_rate_of_what_runs_stays),
	    cmocka_unit_test(test_A9_21_a_rate_is_taken_up_after_a_pause),
	    cmocka_unit_test(test_A9_21_a_rate_is_taken_up_when_it_goes_on_after_the_end),
	    cmocka_unit_test(test_defect_14_every_rate_a_guest_may_write),
	    cmocka_unit_test(test_A9_23_several_descriptors_in_one_step),
	    cmocka_unit_test(test_A9_09_the_last_sample_stays_as_it_was_heard),
	    cmocka_unit_test(test_A9_25_stream_is_made_anew_for_another_format_only),
	    cmocka_unit_test(test_A9_25_a_port_that_refuses_is_tried_again),
	    cmocka_unit_test(test_A9_26_a_full_ring_drops_only_what_does_not_fit),
	    cmocka_unit_test(test_without_a_port_time_goes_by),
	    cmocka_unit_test(test_a_port_that_is_closed_does_not_stop_time),
	    cmocka_unit_test(test_what_the_position_has_passed_has_been_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
