/* SPDX-License-Identifier: BSD-3-Clause */
/* Idea 1 of the design: the same calls give the same effects, however time is cut. A lane that
 * takes one big step and lanes that take many small ones end with the same memory, the same
 * sound and the same trace of interrupts. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define OK    VIRTIO_SND_S_OK
#define START VIRTIO_SND_R_PCM_START
#define STOP  VIRTIO_SND_R_PCM_STOP

static struct rig rig;
static uint32_t numbers[65536];

static struct {
	unsigned n;
	struct {
		vmsnd_ns when;
		unsigned queue;
		uint16_t used;
	} rows[4096];
} trace, first_trace;

static void on_interrupt(struct rig *r, unsigned queue)
{
	assert_in_range(trace.n, 0, 4095);
	trace.rows[trace.n].when = r->now;
	trace.rows[trace.n].queue = queue;
	trace.rows[trace.n++].used = rig_used_index(r, queue);
}

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

/* Runs to `until` in one step (seed 0) or in random ones. */
static void run(vmsnd_ns until, uint32_t seed)
{
	while (seed != 0 && rig.now < until) {
		vmsnd_ns to = rig.now + 1 + random_below(3000000);

		rig_run_until(&rig, to < until ? to : until);
	}
	rig_run_until(&rig, until);
}

/* A script with two players, a recorder, stops and messages of odd sizes. */
static void play(uint32_t seed)
{
	vmsnd_ns begun;
	uint32_t at = 0;

	random_state = seed;
	memset(&trace, 0, sizeof(trace));
	rig_open(&rig, 2, 1);
	rig_boot(&rig, RIG_F_VERSION_1, 256);
	rig.on_interrupt = on_interrupt;
	begun = rig.now;
	for (uint32_t stream = 0; stream < 3; stream++)
		rig_prepare(&rig, stream);
	for (unsigned i = 0; i < 20; i++) {
		rig_post_playback(&rig, 0, numbers + at, 1000 + 77 * i);
		rig_post_playback(&rig, 1, numbers + at, 1920);
		rig_post_capture(&rig, 2, 1000 + 50 * i);
		at += 100;
	}
	rig_kick(&rig, TX);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 0, OK);
	run(begun + 13 * RIG_MS, seed);
	rig_expect(&rig, START, 2, OK);
	rig_expect(&rig, START, 1, OK);
	run(begun + 77 * RIG_MS, seed);
	rig_expect(&rig, STOP, 1, OK);
	run(begun + 121 * RIG_MS, seed);
	rig_expect(&rig, START, 1, OK);
	run(begun + 400 * RIG_MS, seed);
}

static void test_one_big_step_and_random_small_steps_give_the_same_trace(void **state)
{
	uint8_t *ram = malloc(RIG_RAM_BYTES), *heard = malloc(2 * FAKE_HEARD_BYTES);
	size_t heard_bytes[2];

	rig_fill_numbers(numbers, 1, 65536);
	play(0);
	first_trace = trace;
	assert_true(trace.n > 40);
	memcpy(ram, rig.ram, RIG_RAM_BYTES);
	for (unsigned i = 0; i < 2; i++) {
		heard_bytes[i] = rig.ports[i]->heard_bytes;
		memcpy(heard + i * FAKE_HEARD_BYTES, rig.ports[i]->heard, heard_bytes[i]);
	}
	rig_close(&rig);
	for (uint32_t seed = 1; seed <= 20; seed++) {
		play(seed);
		assert_int_equal(trace.n, first_trace.n);
		assert_memory_equal(&trace, &first_trace, sizeof(trace));
		assert_memory_equal(rig.ram, ram, RIG_RAM_BYTES);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(rig.ports[i]->heard_bytes, heard_bytes[i]);
			assert_memory_equal(rig.ports[i]->heard, heard + i * FAKE_HEARD_BYTES,
					    heard_bytes[i]);
		}
		rig_close(&rig);
	}
	free(ram);
	free(heard);
}

/* An idle card has nothing to do and looks at no memory: there may be none. */
static void test_idle_card_has_no_deadline(void **state)
{
	rig_up(&rig, 1, 1);
	rig_prepare(&rig, 0);
	assert_int_equal(vmsnd_gmem_remove(&rig.mem, RIG_GPA, RIG_RAM_BYTES), VMSND_OK);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(RIG_CLASS->advance(rig.dev, rig.now + i * RIG_MS) == VMSND_NEVER);
	}
	assert_int_equal(rig_counter(&rig, "faults_ring"), 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_big_step_and_random_small_steps_give_the_same_trace),
	    cmocka_unit_test(test_idle_card_has_no_deadline),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
