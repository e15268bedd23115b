/* SPDX-License-Identifier: BSD-3-Clause */
/* A card that is not trusted with all of the guest's memory (DM-53): what lies beyond its window is
 * not there for it. */
#include <string.h>

#include "rig.h"

#define START VIRTIO_SND_R_PCM_START
#define OK    VIRTIO_SND_S_OK

static struct rig rig;
static struct vmsnd_gmem_guard guard;
static vmsnd_gpa beyond; /* the guest's memory, but not the card's */

static int setup(void **state)
{
	rig_up(&rig, 2, 0);
	/* The second half of the guest's memory is somebody else's. */
	beyond = RIG_GPA + RIG_RAM_BYTES / 2;
	guard = (struct vmsnd_gmem_guard){.first = RIG_GPA, .last = beyond - 1};
	rig.mem.guard = &guard;
	return 0;
}

static int teardown(void **state)
{
	rig_close(&rig);
	return 0;
}

/* The buffer comes back and its time is silence, as the standard has it for memory that is not
 * there; the other stream plays on. */
static void test_sound_beyond_the_window_is_silence_and_counts(void **state)
{
	uint32_t numbers[RIG_PERIOD_FRAMES], again[RIG_PERIOD_FRAMES];
	const struct rig_segment segments[] = {{rig_alloc(&rig, 4), 4, false},
					       {beyond, RIG_PERIOD_BYTES, false},
					       {rig_alloc(&rig, 8), 8, true}};

	memset(rig_at(&rig, beyond), 0x55, RIG_PERIOD_BYTES);
	rig_fill_numbers(numbers, 1, RIG_PERIOD_FRAMES);
	rig_fill_numbers(again, 1 + RIG_PERIOD_FRAMES, RIG_PERIOD_FRAMES);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	rig_post(&rig, TX, segments, 3, false);
	rig_post_playback(&rig, 1, numbers, RIG_PERIOD_BYTES);
	rig_post_playback(&rig, 1, again, RIG_PERIOD_BYTES);
	assert_int_equal(guard.refusals, 0);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 40);
	assert_int_equal(rig.ports[0]->heard_bytes, RIG_PERIOD_BYTES);
	for (uint32_t i = 0; i < RIG_PERIOD_BYTES; i++)
		assert_int_equal(rig.ports[0]->heard[i], 0);
	rig_expect_numbers(rig.ports[1], 2 * RIG_PERIOD_FRAMES);
	assert_int_equal(rig_given_back(&rig, TX), 3);
	assert_int_equal(rig_counter(&rig, "faults_data_address"), 1);
	assert_true(guard.refusals > 0);
}

static void test_a_ring_beyond_the_window_is_refused(void **state)
{
	struct vmsnd_queue_setup setup = rig.queues[TX].setup;

	setup.next_avail = RIG_OPS->queue_stop(rig.dev, TX, rig.now);
	setup.used = beyond;
	assert_int_equal(RIG_OPS->queue_start(rig.dev, TX, &setup, rig.now), VMSND_E_RANGE);
	assert_int_equal(guard.refusals, 1);
}

/* A status beyond it is not written, and the buffer comes back all the same. */
static void test_nothing_is_written_beyond_the_window(void **state)
{
	const struct rig_segment segments[] = {{rig_alloc(&rig, 4), 4, false}, {beyond, 8, true}};

	memset(rig_at(&rig, beyond), 0x55, 8);
	rig_prepare(&rig, 0);
	rig_post(&rig, TX, segments, 2, false);
	rig_kick(&rig, TX);
	assert_int_equal(rig_given_back(&rig, TX), 1);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(((uint8_t *)rig_at(&rig, beyond))[i], 0x55);
	assert_true(guard.refusals > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_sound_beyond_the_window_is_silence_and_counts,
					    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_ring_beyond_the_window_is_refused, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_nothing_is_written_beyond_the_window, setup,
					    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
