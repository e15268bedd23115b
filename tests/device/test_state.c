/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state: a card goes on in another one where it was, whatever was under way. No frame is
 * lost or heard twice, no buffer is forgotten or given back twice. */
#include "state_rig.h"

#include <stdlib.h>
#include <string.h>

#define OK VIRTIO_SND_S_OK

#define PREPARE VIRTIO_SND_R_PCM_PREPARE
#define START   VIRTIO_SND_R_PCM_START
#define STOP    VIRTIO_SND_R_PCM_STOP
#define RELEASE VIRTIO_SND_R_PCM_RELEASE

/* ---- at any time --------------------------------------------------------------------------------
 */

struct shape {
	uint64_t features;
	uint16_t queue_size;
	uint32_t frames; /* of a message */
	bool stopped;    /* the VMM stops the queues before the card is saved */
};

static void play_and_come_back(const struct shape *shape, unsigned at_ms)
{
	uint64_t features = shape->features | (rig_features() & ~RIG_F_ALL);
	unsigned n = shape->queue_size / 3 < 9 ? shape->queue_size / 3 : 9;

	memset(&ledger, 0, sizeof(ledger));
	up(features, shape->queue_size);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 2);
	for (unsigned i = 0; i < n; i++) {
		note(0, shape->frames);
		note(2, shape->frames);
	}
	rig_kick(&rig, TX);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, START, 2, OK);
	rig_run_ms(&rig, at_ms);
	if (shape->stopped)
		stop_all();
	bring_back();
	rig.now += 3600 * VMSND_NS_PER_SECOND;
	bring_back(); /* and before anybody came */
	start_again(features);
	bring_back(); /* and before anything was popped anew */
	start_again(features);
	rig_run_ms(&rig, 150);
	expect_all_back();
	rig_expect_numbers(rig.ports[0], n * shape->frames);
	expect_recorded(2);
	assert_int_equal(rig_counter(&rig, "tx_messages"), n);
	assert_int_equal(rig_counter(&rig, "rx_messages"), n);
	assert_int_equal(rig_counter(&rig, "resets"), 0);
	rig_close(&rig);
}

static void test_SS_saved_at_any_time_nothing_is_lost_or_doubled(void **state)
{
	static const struct shape shapes[] = {
	    {RIG_F_ALL, 64, 311, false},      {RIG_F_ALL, 64, 311, true},
	    {RIG_F_ALL, 32, 480, false},      {RIG_F_VERSION_1, 64, 700, false},
	    {RIG_F_VERSION_1, 32, 133, true}, {RIG_F_VERSION_1 | RIG_F_EVENT_IDX, 32, 480, false},
	};

	for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (unsigned at = 0; at <= 60; at += 3)
			play_and_come_back(&shapes[i], at);
	up(rig_features(), 64);
}

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* This guest posts more than its buffer holds. Where messages are taken over at a stop, the port's
 * ring must have room for all of it. */
static bool has_room(uint32_t stream, uint32_t frames)
{
	return rig_features() == RIG_F_ALL || stream >= 2 ||
	       posted[stream] - rig.ports[stream]->heard_bytes / 4 + frames <= FAKE_RING_BYTES / 4;
}

/* A guest that keeps four streams going, pauses and resumes them, in a machine that is saved
 * and brought back every few milliseconds. */
static void wander(void)
{
	bool runs[4] = {false};

	memset(&ledger, 0, sizeof(ledger));
	for (unsigned stream = 0; stream < 4; stream++)
		rig_prepare(&rig, stream);
	for (unsigned turn = 0; turn < 300; turn++) {
		uint32_t stream = chance(4);

		/* Every entry of a queue that is out may be a stream's that is paused. */
		for (unsigned i = chance(4); i > 0; i--)
			if (rig.queues[stream < 2 ? TX : RX].free_descriptors > 12 &&
			    posted[stream] < 60000 && has_room(stream, 600))
				note(stream, 1 + chance(600));
		rig_kick(&rig, stream < 2 ? TX : RX);
		/* One that records into nothing for long would lose frames, rightly. */
		if (chance(4) == 0 || (runs[stream] && fake_port_fill(rig.ports[stream]) > 4000)) {
			runs[stream] = !runs[stream];
			rig_expect(&rig, runs[stream] ? START : STOP, stream, OK);
		}
		rig_run_ms(&rig, chance(15));
		take_back(TX);
		take_back(RX);
		if (chance(3) != 0)
			continue;
		if (chance(2) == 0)
			stop_all();
		bring_back();
		start_again(rig_features());
	}
	for (unsigned stream = 0; stream < 4; stream++)
		if (!runs[stream])
			rig_expect(&rig, START, stream, OK);
	rig_run_ms(&rig, 3000);
	expect_all_back();
	rig_expect_numbers(rig.ports[0], posted[0]);
	rig_expect_numbers(rig.ports[1], posted[1]);
	expect_recorded(2);
	expect_recorded(3);
}

static void test_SS_saved_again_and_again(void **state)
{
	for (seed = 1; seed < 40; seed++) {
		uint32_t began = seed;

		rig_close(&rig);
		up(rig_features(), 64);
		wander();
		seed = began;
	}
}

/* ---- messages that the ring no longer knows --------------------------------------------------
 */

static void test_SS_messages_older_than_the_ring_are_not_forgotten(void **state)
{
	if (rig_rings_are("in-order"))
		return;
	leave_two_behind();
	bring_back();
	bring_back();
	start_again(rig_features());
	note(0, 100);
	note(1, 100);
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 20);
	take_back(TX);
	assert_int_equal(ledger.n_back, 204);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 100);
	expect_all_back();
	rig_expect_numbers(rig.ports[0], 5 * 480 + 100);
	rig_expect_numbers(rig.ports[1], 200 * 48 + 100);
}

/* Only once all queues are back is it certain that it is the same driver; a stop in between is
 * no loss either. */
static void test_SS_old_messages_wait_for_the_last_queue(void **state)
{
	if (rig_rings_are("in-order"))
		return;
	leave_two_behind();
	bring_back();
	start_queue(TX, RIG_OPS->queue_stop(rig.dev, TX, rig.now));
	note(0, 100);
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 50);
	assert_int_equal(rig_given_back(&rig, TX), 0);
	RIG_OPS->queue_stop(rig.dev, TX, rig.now);
	bring_back();
	start_again(rig_features());
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 100);
	expect_all_back();
	rig_expect_numbers(rig.ports[0], 5 * 480 + 100);
}

static void test_SS_released_after_coming_back(void **state)
{
	if (rig_rings_are("in-order"))
		return;
	leave_two_behind();
	bring_back();
	start_again(rig_features());
	rig_expect(&rig, RELEASE, 0, OK);
	assert_int_equal(rig_given_back(&rig, TX), 2);
	expect_all_back();
}

/* ---- what else is under way ---------------------------------------------------------------------
 */

static void test_SS_requests_that_wait_are_answered_once(void **state)
{
	const struct virtio_snd_pcm_hdr request = {{VIRTIO_SND_R_PCM_START}, 0};
	vmsnd_gpa answers[3];

	rig_prepare(&rig, 0);
	RIG_OPS->queue_enable(rig.dev, CONTROL, false, rig.now);
	for (unsigned i = 0; i < 3; i++) {
		vmsnd_gpa at = rig_put(&rig, &request, sizeof(request));
		struct rig_segment segments[] = {{at, sizeof(request), false}, {0, 4, true}};

		answers[i] = segments[1].at = rig_alloc(&rig, 4);
		rig_post(&rig, CONTROL, segments, 2, i == 1);
	}
	bring_back();
	start_again(rig_features());
	assert_int_equal(rig_given_back(&rig, CONTROL), 3);
	assert_int_equal(*(uint32_t *)rig_at(&rig, answers[0]), OK);
	assert_int_equal(*(uint32_t *)rig_at(&rig, answers[1]), VIRTIO_SND_S_NOT_SUPP);
	assert_true(rig.ports[0]->running);
}

static void test_SS_every_state_of_a_stream(void **state)
{
	bring_back();
	start_again(rig_features());
	rig_expect(&rig, PREPARE, 0, VIRTIO_SND_S_NOT_SUPP); /* IDLE */
	rig_set_usual(&rig, 0);
	bring_back();
	start_again(rig_features());
	rig_expect(&rig, PREPARE, 0, OK); /* SET */
	memset(&ledger, 0, sizeof(ledger));
	note(0, 700);
	note(0, 700);
	rig_kick(&rig, TX);
	bring_back();
	start_again(rig_features());
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_given_back(&rig, TX), 0);
	rig_expect(&rig, START, 0, OK); /* PREPARED */
	rig_run_ms(&rig, 10);
	rig_expect(&rig, STOP, 0, OK);
	bring_back();
	start_again(rig_features());
	rig_run_ms(&rig, 100);
	assert_int_equal(rig.ports[0]->heard_bytes, 480 * 4);
	rig_expect(&rig, START, 0, OK); /* STOPPED */
	rig_run_ms(&rig, 100);
	expect_all_back();
	rig_expect_numbers(rig.ports[0], 1400);
}

/* The queue was off, and the VMM that comes leaves it off: silence, and nothing is looked at. */
static void test_SS_a_queue_that_stays_off(void **state)
{
	memset(&ledger, 0, sizeof(ledger));
	rig_prepare(&rig, 0);
	note(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	RIG_OPS->queue_enable(rig.dev, TX, false, rig.now);
	bring_back();
	start_again(rig_features());
	RIG_OPS->queue_enable(rig.dev, TX, false, rig.now);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_given_back(&rig, TX), 0);
	RIG_OPS->queue_enable(rig.dev, TX, true, rig.now);
	rig_run_ms(&rig, 100);
	expect_all_back();
	rig_expect_numbers(rig.ports[0], 480);
}

/* A head that is nowhere, as if the driver had been careless with its table meanwhile. */
static void test_SS_held_messages_gone_bad_are_given_back(void **state)
{
	if (rig_rings_are("packed"))
		return;
	if (rig_rings_are("in-order"))
		return;
	leave_two_behind();
	bring_back();
	rig_descriptor(&rig, TX, ledger.messages[3].head)->next = 63;
	rig_descriptor(&rig, TX, 63)->flags = VRING_DESC_F_NEXT;
	rig_descriptor(&rig, TX, 63)->next = 63;
	start_again(rig_features());
	rig_run_ms(&rig, 10);
	assert_int_equal(rig_given_back(&rig, TX), 1);
	assert_int_equal(rig.faults[VMSND_FAULT_CHAIN], 1);
}

static void test_SS_faults_are_told_once_and_figures_go_on(void **state)
{
	const uint32_t nonsense = 0x7777;
	uint32_t status;

	rig_request(&rig, &nonsense, 4, &status, 4);
	assert_int_equal(rig.faults[VMSND_FAULT_REQUEST], 1);
	bring_back();
	start_again(rig_features());
	rig_request(&rig, &nonsense, 4, &status, 4);
	assert_int_equal(rig.faults[VMSND_FAULT_REQUEST], 1);
	assert_int_equal(rig_counter(&rig, "faults_request"), 2);
	assert_int_equal(rig_counter(&rig, "control_requests"), 2);
}

/* A ring that is broken is not followed again by being saved. */
static void test_SS_a_broken_ring(void **state)
{
	if (rig_rings_are("packed"))
		return;
	memset(&ledger, 0, sizeof(ledger));
	rig_prepare(&rig, 0);
	note(0, 480);
	rig_kick(&rig, TX);
	rig_set_avail_index(&rig, TX, 1000);
	rig_kick(&rig, TX);
	assert_int_equal(rig.faults[VMSND_FAULT_RING], 1);
	bring_back();
	rig_set_avail_index(&rig, TX, 1);
	start_again(rig_features());
	rig_run_ms(&rig, 50);
	assert_int_equal(rig_given_back(&rig, TX), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_SS_saved_at_any_time_nothing_is_lost_or_doubled,
				      tear_down),
	    T(test_SS_saved_again_and_again),
	    T(test_SS_messages_older_than_the_ring_are_not_forgotten),
	    T(test_SS_old_messages_wait_for_the_last_queue),
	    T(test_SS_released_after_coming_back),
	    T(test_SS_requests_that_wait_are_answered_once),
	    T(test_SS_every_state_of_a_stream),
	    T(test_SS_a_queue_that_stays_off),
	    T(test_SS_held_messages_gone_bad_are_given_back),
	    T(test_SS_faults_are_told_once_and_figures_go_on),
	    T(test_SS_a_broken_ring),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
