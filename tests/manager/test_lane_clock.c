/* SPDX-License-Identifier: BSD-3-Clause */
/* What a lane's cards see of time when the lane is late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager/lane_clock.h"

#define MS UINT64_C(1000000)

static void test_time_runs_like_the_real_one(void **state)
{
	struct vmsnd_lane_clock clock = {.deadline = VMSND_NEVER};

	assert_int_equal(vmsnd_lane_clock_at(&clock, 5 * MS), 5 * MS);
	assert_int_equal(vmsnd_lane_clock_at(&clock, 3600000 * MS), 3600000 * MS);
}

static void test_a_small_delay_is_caught_up(void **state)
{
	struct vmsnd_lane_clock clock = {.deadline = 10 * MS};

	assert_int_equal(vmsnd_lane_clock_at(&clock, 10 * MS + VMSND_LANE_HICCUP_NS),
			 10 * MS + VMSND_LANE_HICCUP_NS);
	assert_int_equal(clock.hiccups, 0);
}

static void test_A9_hiccup_holds_time_at_the_deadline(void **state)
{
	struct vmsnd_lane_clock clock = {.deadline = 10 * MS};

	assert_int_equal(vmsnd_lane_clock_at(&clock, 10 * MS + VMSND_LANE_HICCUP_NS + 1), 10 * MS);
	assert_int_equal(clock.hiccups, 1);
	clock.deadline = 20 * MS;
	/* Ten milliseconds later ten have gone by for the cards too. */
	assert_int_equal(vmsnd_lane_clock_at(&clock, 20 * MS + VMSND_LANE_HICCUP_NS + 1), 20 * MS);
	assert_int_equal(clock.hiccups, 1);
}

/* A caller's thread looked at the time while the lane's own did not come to run. */
static void test_time_never_goes_back(void **state)
{
	struct vmsnd_lane_clock clock = {.deadline = 10 * MS};
	vmsnd_ns last = 0;

	for (vmsnd_ns real = 0; real < 200 * MS; real += MS) {
		vmsnd_ns now = vmsnd_lane_clock_at(&clock, real);

		assert_true(now >= last);
		last = now;
	}
	assert_int_equal(last, 10 * MS + VMSND_LANE_HICCUP_NS);
	assert_int_equal(clock.hiccups, 1);
	/* It goes on where it stood. */
	clock.deadline = last + 5 * MS;
	assert_int_equal(vmsnd_lane_clock_at(&clock, 203 * MS), last + 4 * MS);
}

static void test_a_wake_before_the_deadline_is_no_hiccup(void **state)
{
	struct vmsnd_lane_clock clock = {.deadline = 5000 * MS};

	assert_int_equal(vmsnd_lane_clock_at(&clock, 4000 * MS), 4000 * MS);
	assert_int_equal(clock.hiccups, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_time_runs_like_the_real_one),
	    cmocka_unit_test(test_a_small_delay_is_caught_up),
	    cmocka_unit_test(test_A9_hiccup_holds_time_at_the_deadline),
	    cmocka_unit_test(test_time_never_goes_back),
	    cmocka_unit_test(test_a_wake_before_the_deadline_is_no_hiccup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
