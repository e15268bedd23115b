/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames and nanoseconds, against long arithmetic; the block clock over long times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rate.h"

__extension__ typedef unsigned __int128 wide;

/* Real rates, and those that pace=1000 makes of them. */
static const uint32_t rates[] = {4000,   5512,     8000,      11025,     22050,  44100,
				 48000,  88200,    96000,     176400,    192000, 384000,
				 768000, 44100000, 768000000, UINT32_MAX};
#define N_RATES (sizeof(rates) / sizeof(rates[0]))

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void check_ns_to_frames(uint64_t ns, uint32_t rate_hz)
{
	wide want = (wide)ns * rate_hz / VMSND_NS_PER_SECOND;

	if (want <= UINT64_MAX)
		assert_true(vmsnd_ns_to_frames(ns, rate_hz) == (uint64_t)want);
}

static void check_frames_to_ns(uint64_t frames, uint32_t rate_hz)
{
	wide want = ((wide)frames * VMSND_NS_PER_SECOND + rate_hz - 1) / rate_hz;

	if (want <= UINT64_MAX)
		assert_true(vmsnd_frames_to_ns_rt(frames, rate_hz) == (uint64_t)want);
}

static void test_exact_for_random_values(void **state)
{
	for (unsigned i = 0; i < 1000000; i++) {
		uint64_t value = random64() >> (random64() & 63);
		uint32_t rate_hz = i & 1 ? rates[random64() % N_RATES] : (uint32_t)random64() | 1;

		check_ns_to_frames(value, rate_hz);
		check_frames_to_ns(value, rate_hz);
	}
}

static void test_exact_at_the_extremes(void **state)
{
	static const uint64_t values[] = {0,
					  1,
					  VMSND_NS_PER_SECOND - 1,
					  VMSND_NS_PER_SECOND,
					  VMSND_NS_PER_SECOND + 1,
					  UINT64_C(999999999999),
					  UINT64_C(1000000000000),
					  UINT64_C(1000000000001),
					  UINT64_MAX / VMSND_NS_PER_SECOND,
					  UINT64_MAX - 1,
					  UINT64_MAX};

	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
		for (size_t r = 0; r < N_RATES; r++) {
			check_ns_to_frames(values[v], rates[r]);
			check_frames_to_ns(values[v], rates[r]);
		}
}

/* frames_to_ns gives the first nanosecond at which ns_to_frames gets there. */
static void test_the_two_are_each_others_inverse(void **state)
{
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t rate_hz = rates[random64() % (N_RATES - 2)];
		uint64_t frames = 1 + random64() % UINT64_C(1000000000000);
		uint64_t ns = vmsnd_frames_to_ns_rt(frames, rate_hz);

		assert_true(vmsnd_ns_to_frames(ns, rate_hz) >= frames);
		assert_true(vmsnd_ns_to_frames(ns - 1, rate_hz) < frames);
	}
}

static void test_block_clock_never_drifts(void **state)
{
	struct vmsnd_block_clock clock;
	vmsnd_ns start = 12345;

	vmsnd_block_clock_init(&clock, 44100, 441, 1);
	assert_true(vmsnd_block_clock_next(&clock) == VMSND_NEVER);
	vmsnd_block_clock_start(&clock, start);
	for (uint64_t block = 1; block <= 8640000; block++) { /* a day of 10 ms */
		vmsnd_ns due = vmsnd_block_clock_next(&clock);

		assert_true(due == start + block * 10000000);
		assert_false(vmsnd_block_clock_tick(&clock, due - 1));
		assert_true(vmsnd_block_clock_tick(&clock, due));
	}
}

/* 1024 frames at 44100 are no whole number of nanoseconds; a day of them still adds up. */
static void test_block_clock_with_an_odd_period(void **state)
{
	struct vmsnd_block_clock clock;
	uint64_t blocks = 0;
	vmsnd_ns day = 86400 * VMSND_NS_PER_SECOND;

	vmsnd_block_clock_init(&clock, 44100, 1024, 1);
	vmsnd_block_clock_start(&clock, 0);
	while (vmsnd_block_clock_tick(&clock, day))
		blocks++;
	assert_true(blocks == UINT64_C(86400) * 44100 / 1024);
}

static void test_block_clock_speed(void **state)
{
	struct vmsnd_block_clock clock;

	vmsnd_block_clock_init(&clock, 768000, 768, 1000);
	vmsnd_block_clock_start(&clock, 5);
	assert_true(vmsnd_block_clock_next(&clock) == 5 + 1000);
	vmsnd_block_clock_stop(&clock);
	assert_false(vmsnd_block_clock_tick(&clock, VMSND_NEVER - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exact_for_random_values),
	    cmocka_unit_test(test_exact_at_the_extremes),
	    cmocka_unit_test(test_the_two_are_each_others_inverse),
	    cmocka_unit_test(test_block_clock_never_drifts),
	    cmocka_unit_test(test_block_clock_with_an_odd_period),
	    cmocka_unit_test(test_block_clock_speed),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
