/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state that is not to be gone on with: another driver, another card, damage; and what a
 * reset leaves. */
#include "state_rig.h"

#include <stdlib.h>
#include <string.h>

#define OK    VIRTIO_SND_S_OK
#define START VIRTIO_SND_R_PCM_START

/* ---- who comes back ---------------------------------------------------------------------------
 */

static void expect_fresh(void)
{
	const uint64_t all = rig_counter(&rig, "tx_messages");

	assert_int_equal(rig_counter(&rig, "resets"), 1);
	for (unsigned stream = 0; stream < 2; stream++) {
		assert_false(rig.ports[stream]->prepared);
		rig_expect(&rig, START, stream, VIRTIO_SND_S_NOT_SUPP); /* as in IDLE */
	}
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_used_index(&rig, TX), 0);
	assert_int_equal(rig_counter(&rig, "tx_messages"), all);
	/* And it can be used. */
	posted[0] = 0;
	rig.ports[0]->heard_bytes = 0;
	rig_prepare(&rig, 0);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 30);
	assert_int_equal(rig_used_index(&rig, TX), 1);
	rig_expect_numbers(rig.ports[0], 480);
}

/* Defect 6 of the house's list: what one driver left is never given to another. */
static void test_SS_a_driver_that_begins_elsewhere_finds_a_fresh_card(void **state)
{
	static const unsigned orders[][N_QUEUES] = {{CONTROL, EVENT, TX, RX},
						    {RX, TX, EVENT, CONTROL}};

	for (unsigned order = 0; order < 2; order++) {
		rig_close(&rig);
		up(rig_features(), 64);
		leave_two_behind();
		for (unsigned i = 0; i < 3; i++)
			note(1, 480);
		rig_kick(&rig, TX);
		bring_back();
		for (unsigned i = 0; i < N_QUEUES; i++)
			rig_layout(&rig, i, 64);
		RIG_OPS->set_features(rig.dev, rig_features());
		for (unsigned i = 0; i < N_QUEUES; i++) {
			assert_int_equal(start_queue(orders[order][i], 0), VMSND_OK);
			rig_step(&rig);
		}
		expect_fresh();
	}
}

static void test_SS_a_driver_with_other_features_finds_a_fresh_card(void **state)
{
	if (rig_rings_are("packed"))
		return;
	leave_two_behind();
	bring_back();
	/* Its rings happen to be as far as those of the driver before. */
	for (unsigned i = 0; i < N_QUEUES; i++) {
		uint16_t next = (uint16_t)RIG_OPS->queue_stop(rig.dev, i, rig.now);

		rig_layout(&rig, i, 64);
		rig.queues[i].avail = next;
		rig_set_avail_index(&rig, i, next);
		RIG_OPS->set_features(rig.dev, RIG_F_VERSION_1);
		assert_int_equal(start_queue(i, next), VMSND_OK);
	}
	expect_fresh();
}

/* The data queue comes first, and happens to begin where the old driver's ended. */
static void test_SS_what_is_held_is_not_given_to_another_driver(void **state)
{
	uint16_t next;

	if (rig_rings_are("packed"))
		return;
	leave_two_behind();
	bring_back();
	next = (uint16_t)RIG_OPS->queue_stop(rig.dev, TX, rig.now);
	for (unsigned i = 0; i < N_QUEUES; i++)
		rig_layout(&rig, i, 64);
	rig.queues[TX].avail = next;
	rig_set_avail_index(&rig, TX, next);
	assert_int_equal(start_queue(TX, next), VMSND_OK);
	rig_step(&rig);
	rig_kick(&rig, TX);
	assert_int_equal(start_queue(CONTROL, 0), VMSND_OK);
	rig_step(&rig);
	assert_int_equal(start_queue(RX, 0), VMSND_OK);
	rig_step(&rig);
	expect_fresh();
}

static void test_SS_reset_before_any_queue(void **state)
{
	leave_two_behind();
	bring_back();
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	rig_boot(&rig, rig_features(), 64);
	expect_fresh();
}

/* ---- what cannot be -----------------------------------------------------------------------------
 */

static uint8_t *save_fresh(size_t *bytes)
{
	rig_make_card(&rig);
	return rig_save(&rig, bytes);
}

static void expect_untouched(const uint8_t *fresh, size_t fresh_bytes)
{
	size_t bytes;
	uint8_t *now = rig_save(&rig, &bytes);

	assert_int_equal(bytes, fresh_bytes);
	assert_memory_equal(now, fresh, bytes);
	free(now);
}

/* Cut at every length. */
static void test_SS_a_state_cut_short_is_refused(void **state)
{
	size_t bytes, fresh_bytes;
	uint8_t *saved, *fresh;

	leave_two_behind();
	saved = rig_save(&rig, &bytes);
	fresh = save_fresh(&fresh_bytes);
	for (size_t n = 0; n < bytes; n++) {
		uint8_t *cut = malloc(n ? n : 1); /* so that reading further is seen */

		memcpy(cut, saved, n);
		assert_int_equal(rig_load(&rig, cut, n), VMSND_E_DAMAGED);
		expect_untouched(fresh, fresh_bytes);
		free(cut);
	}
	assert_true(rig.ports[0]->prepared); /* ports are left alone */
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_OK);
	free(saved);
	free(fresh);
}

/* Messages are of a driver that has started their queue. */
static void test_SS_what_is_held_of_nobody_is_refused(void **state)
{
	/* Streams, features, what was told; counters; places, which begin with whether there is
	 * one. */
	const size_t counters_at = 14, place_bytes = 15 + VMSND_QUEUE_SIZE_MAX / 8;
	size_t bytes, known_at;
	uint8_t *saved;

	leave_two_behind();
	saved = rig_save(&rig, &bytes);
	known_at = counters_at + 2 + 8u * saved[counters_at] + TX * place_bytes;
	rig_make_card(&rig);
	assert_int_equal(saved[known_at], 1);
	saved[known_at] = 0;
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	saved[known_at] = 1;
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_OK);
	free(saved);
}

/* Every byte changed: refused, or a card that a guest can use. */
static void test_SS_every_byte_wrong(void **state)
{
	size_t bytes, fresh_bytes;
	uint8_t *saved, *fresh;

	leave_two_behind();
	saved = rig_save(&rig, &bytes);
	fresh = save_fresh(&fresh_bytes);
	for (size_t i = 0; i < bytes; i++)
		for (unsigned flip = 1; flip < 256; flip = flip * 3 + 1) {
			rig_make_card(&rig);
			saved[i] ^= (uint8_t)flip;
			if (rig_load(&rig, saved, bytes)) {
				expect_untouched(fresh, fresh_bytes);
			} else {
				rig.ports[0]->running = rig.ports[1]->running = false;
				for (unsigned q = 0; q < N_QUEUES; q++)
					start_queue(q, RIG_OPS->queue_stop(rig.dev, q, rig.now));
				rig_run_ms(&rig, 5);
			}
			saved[i] ^= (uint8_t)flip;
		}
	free(saved);
	free(fresh);
}

/* SS-02 */
static void test_SS02_a_card_with_other_streams_refuses(void **state)
{
	size_t bytes;
	uint8_t *saved = rig_save(&rig, &bytes);

	rig_close(&rig);
	rig_open(&rig, 2, 1);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	rig_close(&rig);
	rig_open(&rig, 1, 3);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	free(saved);
}

static void test_SS_a_port_that_tells_otherwise_refuses(void **state)
{
	size_t bytes;
	uint8_t *saved;

	rig_prepare(&rig, 0);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	saved = rig_save(&rig, &bytes);
	rig.ports[0]->running = false;
	rig_make_card(&rig);
	rig.ports[0]->prepared = false;
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	rig.ports[0]->prepared = true;
	rig.ports[0]->params.period_frames--;
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	rig.ports[0]->params.period_frames++;
	rig.ports[0]->out += 481;
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	rig.ports[0]->out -= 481;
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_OK);
	free(saved);
}

/* LC-07: once a card is reset nothing of before interrupts or is written. */
static void test_LC07_no_interrupt_after_reset(void **state)
{
	unsigned before[N_QUEUES];
	size_t bytes;
	uint8_t *ram;

	rig_prepare(&rig, 0);
	rig_prepare(&rig, 2);
	for (unsigned i = 0; i < 4; i++) {
		post(0, 480);
		post(2, 480);
	}
	rig_kick(&rig, TX);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, START, 2, OK);
	rig.ports[0]->by_hand = rig.ports[2]->by_hand = true;
	fake_port_move(rig.ports[0], 480); /* done, and not yet told */
	fake_port_move(rig.ports[2], 480);
	for (unsigned i = 0; i < N_QUEUES; i++)
		before[i] = rig.queues[i].interrupts;
	bytes = rig.next_free - RIG_GPA;
	ram = malloc(bytes);
	memcpy(ram, rig.ram, bytes);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	for (unsigned i = 0; i < N_QUEUES; i++)
		RIG_OPS->kick(rig.dev, i, rig.now);
	rig_run_ms(&rig, 1000);
	for (unsigned i = 0; i < N_QUEUES; i++)
		assert_int_equal(rig.queues[i].interrupts, before[i]);
	assert_memory_equal(ram, rig.ram, bytes);
	assert_int_equal(RIG_CLASS->advance(rig.dev, rig.now), VMSND_NEVER);
	free(ram);
}

/* SS-03: a load interrupts nobody and writes nothing, whatever was pending, until queues start. */
static void test_SS03_a_load_interrupts_nobody(void **state)
{
	unsigned before[N_QUEUES];
	size_t bytes;
	uint8_t *ram;

	leave_two_behind();
	for (unsigned i = 0; i < 3; i++)
		note(1, 480);
	rig_kick(&rig, TX);
	for (unsigned i = 0; i < N_QUEUES; i++)
		before[i] = rig.queues[i].interrupts;
	bytes = rig.next_free - RIG_GPA;
	ram = malloc(bytes);
	memcpy(ram, rig.ram, bytes);
	bring_back();
	rig_run_ms(&rig, 1000);
	for (unsigned i = 0; i < N_QUEUES; i++)
		assert_int_equal(rig.queues[i].interrupts, before[i]);
	assert_memory_equal(ram, rig.ram, bytes);
	free(ram);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_SS_a_driver_that_begins_elsewhere_finds_a_fresh_card),
	    T(test_SS_a_driver_with_other_features_finds_a_fresh_card),
	    T(test_SS_what_is_held_is_not_given_to_another_driver),
	    T(test_SS_reset_before_any_queue),
	    T(test_SS_a_state_cut_short_is_refused),
	    T(test_SS_what_is_held_of_nobody_is_refused),
	    T(test_SS_every_byte_wrong),
	    T(test_SS02_a_card_with_other_streams_refuses),
	    T(test_SS_a_port_that_tells_otherwise_refuses),
	    T(test_LC07_no_interrupt_after_reset),
	    T(test_SS03_a_load_interrupts_nobody),
	};

	return cmocka_run_group_tests_name("state_refused", tests, NULL, NULL);
}
