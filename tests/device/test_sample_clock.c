/* SPDX-License-Identifier: BSD-3-Clause */
/* The crystal of cards that keep time themselves, against long arithmetic. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "devices/sample_clock.h"

#define TEST(f)  cmocka_unit_test(f)
#define N(array) (sizeof(array) / sizeof((array)[0]))

__extension__ typedef unsigned __int128 wide;

#define SECOND VMSND_NS_PER_SECOND
#define WEEK   (UINT64_C(604800) * SECOND)
#define START  UINT64_C(987654321012345)
/* A frame in 2^-20 Hz times nanoseconds. */
#define FRAME ((wide)SECOND << 20)

static const uint32_t rates[] = {4000,  8000,  11025, 22050, 32000,
				 44100, 47999, 48000, 96000, 768000};

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* The first nanosecond with so many frames, and not the one before it. */
static void check_inverse(const struct vmsnd_sample_clock *clock, uint64_t frames)
{
	vmsnd_ns when = vmsnd_sample_clock_when(clock, frames);

	assert_true(vmsnd_sample_clock_frames(clock, when) >= frames);
	if (when > clock->since)
		assert_true(vmsnd_sample_clock_frames(clock, when - 1) < frames);
}

static void test_a_week_without_drift(void **state)
{
	for (unsigned i = 0; i < N(rates); i++) {
		struct vmsnd_sample_clock clock;

		vmsnd_sample_clock_start(&clock, rates[i], START);
		assert_true(vmsnd_sample_clock_frames(&clock, START) == 0);
		assert_true(vmsnd_sample_clock_frames(&clock, START + WEEK) ==
			    rates[i] * 604800ull);
		assert_true(vmsnd_sample_clock_frames(&clock, START + WEEK - 1) ==
			    rates[i] * 604800ull - 1);
		assert_true(vmsnd_sample_clock_when(&clock, rates[i] * 604800ull) == START + WEEK);
		assert_true(vmsnd_sample_clock_when(&clock, 0) == START);
	}
}

static void test_when_is_the_inverse_of_frames(void **state)
{
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t rate_hz = rates[random64() % N(rates)];
		double bent = rate_hz * (0.996 + (double)(random64() % 8000) / 1e6);
		struct vmsnd_sample_clock clock;

		vmsnd_sample_clock_start(&clock, rate_hz, START);
		vmsnd_sample_clock_bend(&clock, bent, START + random64() % WEEK);
		check_inverse(&clock, clock.base + random64() % (UINT64_C(1) << 40));
		check_inverse(&clock, clock.base + random64() % 3);
	}
}

/* What the clock should say after many bends: a sum without any rounding. */
struct sum {
	wide parts;
	uint64_t rate;
};

static void test_a_week_of_bends_without_drift(void **state)
{
	struct vmsnd_sample_clock clock;
	struct sum sum = {.rate = UINT64_C(48000) << 20};
	vmsnd_ns now = START;
	uint64_t before = 0;

	vmsnd_sample_clock_start(&clock, 48000, now);
	for (; now < START + WEEK;) {
		double rate_hz = 47800 + (double)(random64() % 400000) / 1000;
		uint64_t frames, ns = random64() % (2 * SECOND);

		now += ns;
		sum.parts += (wide)sum.rate * ns;
		frames = vmsnd_sample_clock_frames(&clock, now);
		assert_true(frames == (uint64_t)(sum.parts / FRAME) && frames >= before);
		vmsnd_sample_clock_bend(&clock, rate_hz, now);
		assert_true(vmsnd_sample_clock_frames(&clock, now) == frames);
		sum.rate = clock.rate;
		/* One part in 10^7 is no bend. */
		assert_true(fabs((double)sum.rate / 1048576 - rate_hz) < 0.005);
		before = frames;
	}
	assert_true(before > 47800ull * 604000);
}

static void test_a_bend_is_held_within_half_a_percent(void **state)
{
	static const struct {
		double rate_hz;
		uint64_t frames; /* in 1000 s */
	} cases[] = {{40000, 47760000}, {47760, 47760000}, {47999.5, 47999500}, {48000, 48000000},
		     {48240, 48240000}, {96000, 48240000}, {INFINITY, 48240000}};

	for (unsigned i = 0; i < N(cases); i++) {
		struct vmsnd_sample_clock clock;

		vmsnd_sample_clock_start(&clock, 48000, START);
		vmsnd_sample_clock_bend(&clock, cases[i].rate_hz, START);
		assert_true(vmsnd_sample_clock_frames(&clock, START + 1000 * SECOND) ==
			    cases[i].frames);
	}
}

static void test_a_bend_of_next_to_nothing_is_none(void **state)
{
	struct vmsnd_sample_clock clock, before;

	vmsnd_sample_clock_start(&clock, 48000, START);
	before = clock;
	vmsnd_sample_clock_bend(&clock, 48000.004, START + SECOND);
	assert_memory_equal(&clock, &before, sizeof(clock));
	vmsnd_sample_clock_bend(&clock, 48000.006, START + SECOND);
	assert_true(clock.rate > before.rate);
	/* Small ones do add up: each is measured from where the clock is. */
	vmsnd_sample_clock_bend(&clock, 48000.01, START + SECOND);
	vmsnd_sample_clock_bend(&clock, 48000.02, START + SECOND);
	assert_true(clock.rate == (uint64_t)(48000.02 * 1048576 + 0.5));
}

static void test_it_stands_and_goes_on_where_it_stood(void **state)
{
	static const double standing[] = {0, -1, NAN};

	for (unsigned i = 0; i < N(standing); i++) {
		struct vmsnd_sample_clock clock;

		vmsnd_sample_clock_start(&clock, 48000, START);
		/* In the middle of a frame. */
		vmsnd_sample_clock_bend(&clock, standing[i], START + SECOND + 10000);
		assert_true(vmsnd_sample_clock_frames(&clock, START + WEEK) == 48000);
		assert_true(vmsnd_sample_clock_when(&clock, 48001) == VMSND_NEVER);
		assert_true(vmsnd_sample_clock_when(&clock, 1) == VMSND_NEVER);
		vmsnd_sample_clock_bend(&clock, 48000, START + WEEK);
		/* A frame takes 20833.3 ns; 10000 were over. */
		assert_true(vmsnd_sample_clock_when(&clock, 48001) == START + WEEK + 10834);
		assert_true(vmsnd_sample_clock_when(&clock, 47000) == START + WEEK);
	}
}

static void test_what_was_not_started_stands(void **state)
{
	struct vmsnd_sample_clock clock = {0};

	vmsnd_sample_clock_bend(&clock, 48000, START);
	assert_true(vmsnd_sample_clock_frames(&clock, START + WEEK) == 0);
	assert_true(vmsnd_sample_clock_when(&clock, 1) == VMSND_NEVER);
}

static void test_an_earlier_time_is_never_before_the_bend(void **state)
{
	struct vmsnd_sample_clock clock;

	vmsnd_sample_clock_start(&clock, 48000, START);
	vmsnd_sample_clock_bend(&clock, 48100, START + SECOND);
	assert_true(vmsnd_sample_clock_frames(&clock, START) == 48000);
	vmsnd_sample_clock_bend(&clock, 47900, START);
	assert_true(vmsnd_sample_clock_frames(&clock, START + SECOND) == 48000);
	assert_true(vmsnd_sample_clock_frames(&clock, START + 2 * SECOND) == 48000 + 47900);
}

static void test_times_beyond_all_others(void **state)
{
	struct vmsnd_sample_clock clock;

	vmsnd_sample_clock_start(&clock, 768000, 0);
	assert_true(vmsnd_sample_clock_when(&clock, UINT64_MAX) == VMSND_NEVER);
	assert_true(vmsnd_sample_clock_frames(&clock, UINT64_MAX) ==
		    (uint64_t)((wide)UINT64_MAX * 768000 / SECOND));
	vmsnd_sample_clock_start(&clock, 4000, UINT64_MAX - SECOND);
	assert_true(vmsnd_sample_clock_when(&clock, 3999) < VMSND_NEVER);
	assert_true(vmsnd_sample_clock_when(&clock, 4001) == VMSND_NEVER);
}

/* ---- saved state ---- */

static size_t save(const struct vmsnd_sample_clock *clock, uint8_t *bytes, vmsnd_ns now)
{
	struct vmsnd_state_writer to = {.to = bytes, .room = 64};

	vmsnd_sample_clock_save(clock, &to, now);
	assert_false(to.full);
	return to.used;
}

static enum vmsnd_rc load(struct vmsnd_sample_clock *clock, const uint8_t *bytes, size_t n,
			  vmsnd_ns now)
{
	struct vmsnd_state_reader from = {.from = bytes, .bytes = n};
	enum vmsnd_rc rc = vmsnd_sample_clock_load(clock, &from, now);

	assert_int_equal(from.bad, rc != VMSND_OK);
	return rc;
}

/* One that is moved to another host's time every so often, and one that never is. */
static void test_many_moves_and_steps_end_as_one(void **state)
{
	struct vmsnd_sample_clock still, moved;
	vmsnd_ns now = START, there = 17;
	uint8_t bytes[64];

	vmsnd_sample_clock_start(&still, 44100, now);
	vmsnd_sample_clock_start(&moved, 44100, there);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t frames, ns = random64() % SECOND;
		size_t n = save(&moved, bytes, there + ns);

		now += ns;
		there = random64() % WEEK;
		assert_int_equal(load(&moved, bytes, n, there), VMSND_OK);
		frames = vmsnd_sample_clock_frames(&still, now);
		assert_true(vmsnd_sample_clock_frames(&moved, there) == frames);
		assert_true(vmsnd_sample_clock_when(&still, frames + 1000) - now ==
			    vmsnd_sample_clock_when(&moved, frames + 1000) - there);
		if (i % 100 == 0) {
			double rate_hz = 44000 + (double)(random64() % 200);

			vmsnd_sample_clock_bend(&still, rate_hz, now);
			vmsnd_sample_clock_bend(&moved, rate_hz, there);
		}
	}
}

static void test_a_standing_clock_is_loaded_standing(void **state)
{
	struct vmsnd_sample_clock clock, other = {0};
	uint8_t bytes[64];
	size_t n;

	vmsnd_sample_clock_start(&clock, 48000, START);
	vmsnd_sample_clock_bend(&clock, 0, START + SECOND);
	n = save(&clock, bytes, START + 5 * SECOND);
	assert_int_equal(load(&other, bytes, n, 1), VMSND_OK);
	assert_true(vmsnd_sample_clock_frames(&other, WEEK) == 48000);
	assert_true(vmsnd_sample_clock_when(&other, 48001) == VMSND_NEVER);
}

static void expect_refused(const uint8_t *bytes, size_t n)
{
	struct vmsnd_sample_clock clock, before;

	vmsnd_sample_clock_start(&clock, 8000, 5);
	before = clock;
	assert_int_equal(load(&clock, bytes, n, 77), VMSND_E_DAMAGED);
	assert_memory_equal(&clock, &before, sizeof(clock));
}

static void test_a_state_that_cannot_be_is_refused(void **state)
{
	struct vmsnd_sample_clock clock, bad;
	uint8_t bytes[64];
	size_t n;

	vmsnd_sample_clock_start(&clock, 48000, START);
	n = save(&clock, bytes, START + SECOND);
	for (size_t less = 0; less < n; less++)
		expect_refused(bytes, less);

	bad = clock;
	bad.rate = bad.rate * 1006 / 1000;
	expect_refused(bytes, save(&bad, bytes, START));
	bad.rate = clock.rate * 994 / 1000;
	expect_refused(bytes, save(&bad, bytes, START));
	bad = clock;
	bad.nominal_hz = VMSND_RATE_MAX_HZ + 1;
	expect_refused(bytes, save(&bad, bytes, START));
	bad = clock;
	bad.nominal_hz = 0;
	expect_refused(bytes, save(&bad, bytes, START));
	bad = clock;
	bad.base = UINT64_MAX;
	expect_refused(bytes, save(&bad, bytes, START));
	/* A whole frame as a part of one. */
	n = save(&clock, bytes, START);
	memset(bytes + 8, 0xff, 8);
	expect_refused(bytes, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_week_without_drift),
	    TEST(test_when_is_the_inverse_of_frames),
	    TEST(test_a_week_of_bends_without_drift),
	    TEST(test_a_bend_is_held_within_half_a_percent),
	    TEST(test_a_bend_of_next_to_nothing_is_none),
	    TEST(test_it_stands_and_goes_on_where_it_stood),
	    TEST(test_what_was_not_started_stands),
	    TEST(test_an_earlier_time_is_never_before_the_bend),
	    TEST(test_times_beyond_all_others),
	    TEST(test_many_moves_and_steps_end_as_one),
	    TEST(test_a_standing_clock_is_loaded_standing),
	    TEST(test_a_state_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
