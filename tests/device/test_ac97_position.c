/* SPDX-License-Identifier: BSD-3-Clause */
/* The position that guests read: exact, still while they look twice, never 0, never back. */
#include <stdlib.h>

#include "ac97_rig.h"

#define FRAMES 1024u
#define US     1000u

static void start(struct ac97_rig *rig)
{
	ar_up(rig, "", 1, 2);
	ar_port(rig, PO)->deaf = true;
	ar_entries(rig, PO, 32, FRAMES * 4);
	ar_start(rig, PO, 31, RPBM);
}

/* Frames gone by since the start as the registers tell, for a guest that keeps LVI ahead. */
static uint64_t position(struct ac97_rig *rig, uint64_t before)
{
	uint32_t civ = ar_in8(rig, PO + CIV), picb = ar_in16(rig, PO + PICB);
	uint64_t at = civ * FRAMES + FRAMES - picb / 2;

	assert_in_range(picb, 1, 2 * FRAMES);
	ar_out8(rig, PO + LVI, (uint8_t)((civ + 31) & 31));
	while (at < before)
		at += 32 * FRAMES;
	return at;
}

static void test_A9_28_the_first_read_is_within_two_frames_of_the_line(void **state)
{
	struct ac97_rig rig;
	vmsnd_ns began;
	uint64_t at = 0, worst = 0;
	unsigned seed = 1;

	start(&rig);
	began = rig.now;
	for (unsigned i = 0; i < 4000; i++) {
		uint64_t ideal, off;

		seed = seed * 1103515245 + 12345;
		ar_run_until(&rig, rig.now + 600 * US + seed % (3000 * US));
		at = position(&rig, at);
		ideal = (rig.now - began) * 48000 / VMSND_NS_PER_SECOND;
		off = at > ideal ? at - ideal : ideal - at;
		worst = off > worst ? off : worst;
	}
	assert_true(worst <= 2);
	ar_close(&rig);
}

static void test_A9_28_reads_within_half_a_millisecond_agree(void **state)
{
	struct ac97_rig rig;
	uint16_t picb;

	start(&rig);
	ar_run_until(&rig, rig.now + 3000 * US);
	picb = ar_in16(&rig, PO + PICB);
	assert_int_equal(picb, 2 * (FRAMES - 144));
	for (unsigned i = 0; i < 15; i++) {
		rig.now += 28 * US;
		assert_int_equal(ar_in16(&rig, PO + PICB), picb);
	}
	/* It is not held up for ever by who reads on and on. */
	rig.now += 100 * US;
	assert_int_equal(ar_in16(&rig, PO + PICB), 2 * (FRAMES - 168));
	ar_close(&rig);
}

static void test_A9_28_but_not_across_a_change_of_CIV(void **state)
{
	struct ac97_rig rig;

	start(&rig);
	ar_run_until(&rig, rig.now + 21333 * US - 200 * US);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	assert_in_range(ar_in16(&rig, PO + PICB), 2, 40);
	ar_run_until(&rig, rig.now + 250 * US);
	assert_int_equal(ar_in8(&rig, PO + CIV), 1);
	assert_in_range(ar_in16(&rig, PO + PICB), 2 * FRAMES - 10, 2 * FRAMES);
	ar_close(&rig);
}

/* Trap 1: Linux reads CIV and PICB twice until they agree, and 50 ms later once more. */
static void test_trap_1_measuring_the_clock_ends_and_is_right(void **state)
{
	struct ac97_rig rig;
	vmsnd_ns from, to;
	uint64_t first, last, hz;

	start(&rig);
	ar_run_until(&rig, rig.now + 1234 * US);
	from = rig.now;
	first = position(&rig, 0);
	rig.now += 28 * US;
	assert_int_equal(position(&rig, 0), first);
	ar_run_until(&rig, rig.now + 50000 * US);
	to = rig.now;
	last = position(&rig, first);
	rig.now += 28 * US;
	assert_int_equal(position(&rig, first), last);
	hz = (last - first) * VMSND_NS_PER_SECOND / (to - from);
	assert_in_range(hz, 47760, 48240); /* Linux' limit is a half percent */
	ar_close(&rig);
}

static void test_position_never_goes_back(void **state)
{
	struct ac97_rig rig;
	uint64_t at = 0, next;
	unsigned seed = 7;

	start(&rig);
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		ar_run_until(&rig, rig.now + seed % (90 * US));
		next = position(&rig, at);
		assert_true(next >= at);
		assert_true(next - at < 100);
		at = next;
	}
	ar_close(&rig);
}

/* Of two calls that come together, the later may have the earlier one's time. */
static void test_time_that_goes_back_a_little(void **state)
{
	struct ac97_rig rig;
	uint64_t at = 0, next;
	unsigned seed = 3;

	start(&rig);
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		rig.now += seed % (90 * US);
		next = position(&rig, at);
		assert_true(next >= at && next - at < 100);
		at = next;
		assert_true(AR_CLASS->advance(rig.dev, rig.now - seed % (50 * US)) + 50 * US >=
			    rig.now);
	}
	ar_close(&rig);
}

static void test_position_stands_while_the_card_does(void **state)
{
	struct ac97_rig rig;
	uint64_t at;

	start(&rig);
	ar_run_ms(&rig, 30);
	ar_port(&rig, PO)->stands = true;
	AR_CLASS->advance(rig.dev, rig.now);
	at = position(&rig, 0);
	ar_run_ms(&rig, 5000);
	assert_int_equal(position(&rig, 0), at);
	ar_port(&rig, PO)->stands = false;
	AR_CLASS->advance(rig.dev, rig.now);
	ar_run_ms(&rig, 30);
	assert_int_equal(position(&rig, 0), at + 1440);
	ar_close(&rig);
}

static void test_suspended_it_stands_without_ports_too(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 0, 0);
	ar_entries(&rig, PO, 32, FRAMES * 4);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 10);
	AR_CLASS->life(rig.dev, VMSND_LIFE_SUSPEND, rig.now);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2 * (FRAMES - 480));
	ar_run_ms(&rig, 10000);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2 * (FRAMES - 480));
	AR_CLASS->life(rig.dev, VMSND_LIFE_RESUME, rig.now);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2 * (FRAMES - 960));
	ar_close(&rig);
}

/* Frames played in a hundred seconds. */
static uint64_t play_on(struct ac97_rig *rig)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < 1000; i++) {
		ar_run_ms(rig, 100);
		at = position(rig, at);
	}
	return at;
}

static void test_the_clock_goes_as_the_host_does(void **state)
{
	struct ac97_rig rig;

	start(&rig);
	ar_port(&rig, PO)->rate_hz = 48000 * 1.0005;
	assert_in_range(play_on(&rig), 4802400 - 10, 4802400 + 10);
	assert_true(ar_port(&rig, PO)->silence_frames < 3000);
	ar_close(&rig);
}

/* What the host says of itself is a little wrong: the ring neither runs dry nor grows. */
static void expect_level(double told_hz)
{
	struct ac97_rig rig;
	uint32_t fill;
	uint64_t silence;

	start(&rig);
	ar_port(&rig, PO)->rate_hz = 48000;
	ar_port(&rig, PO)->told_hz = told_hz;
	ar_run_ms(&rig, 500);
	position(&rig, 0);
	fill = fake_port_fill(ar_port(&rig, PO));
	silence = ar_port(&rig, PO)->silence_frames;
	play_on(&rig);
	assert_in_range(fake_port_fill(ar_port(&rig, PO)) + 4 * 480 - fill, 0, 8 * 480);
	assert_in_range(ar_port(&rig, PO)->silence_frames, silence, silence + 4 * 480);
	ar_close(&rig);
}

static void test_the_ring_stays_level(void **state)
{
	expect_level(48000 * 1.0004);
	expect_level(48000 * 0.9996);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_28_the_first_read_is_within_two_frames_of_the_line),
	    cmocka_unit_test(test_A9_28_reads_within_half_a_millisecond_agree),
	    cmocka_unit_test(test_A9_28_but_not_across_a_change_of_CIV),
	    cmocka_unit_test(test_trap_1_measuring_the_clock_ends_and_is_right),
	    cmocka_unit_test(test_position_never_goes_back),
	    cmocka_unit_test(test_time_that_goes_back_a_little),
	    cmocka_unit_test(test_position_stands_while_the_card_does),
	    cmocka_unit_test(test_suspended_it_stands_without_ports_too),
	    cmocka_unit_test(test_the_clock_goes_as_the_host_does),
	    cmocka_unit_test(test_the_ring_stays_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
