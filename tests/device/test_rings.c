/* SPDX-License-Identifier: BSD-3-Clause */
/* The card over packed rings, rings in order, and rings that are reset one at a time (V8, V9, V17,
 * defect class 6): what the tests of other files cannot say for every kind of ring. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define OK      VIRTIO_SND_S_OK
#define START   VIRTIO_SND_R_PCM_START
#define RELEASE VIRTIO_SND_R_PCM_RELEASE
#define PACKED  (RIG_F_ALL | RIG_F_PACKED)
#define ORDER   (RIG_F_ALL | RIG_F_IN_ORDER)

/* Streams 0 and 1 play, 2 and 3 record. */
static struct rig rig;
static struct vmsnd_conf conf;
static uint32_t numbers[65536];
static uint32_t posted[4];

static void up(const char *options, uint64_t features, uint16_t size)
{
	char error[200];
	const struct rig_card card = {.n_playback = 2, .n_capture = 2, .options = &conf};

	assert_int_equal(
	    vmsnd_conf_parse(&conf, RIG_CLASS->options, "card", options, error, sizeof(error)),
	    VMSND_OK);
	rig_fill_numbers(numbers, 1, 65536);
	memset(posted, 0, sizeof(posted));
	rig_open_as(&rig, &card);
	rig_boot(&rig, features, size);
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

static struct rig_message post(uint32_t stream, uint32_t frames)
{
	uint32_t first = posted[stream];

	posted[stream] += frames;
	if (stream >= 2)
		return rig_post_capture(&rig, stream, frames * 4);
	return rig_post_playback(&rig, stream, numbers + first, frames * 4);
}

static void restart(unsigned queue, uint32_t next_avail)
{
	rig.queues[queue].setup.next_avail = next_avail;
	assert_int_equal(RIG_OPS->queue_start(rig.dev, queue, &rig.queues[queue].setup, rig.now),
			 VMSND_OK);
}

/* ---- options ------------------------------------------------------------------------------------
 */

static uint64_t offered(const char *options)
{
	uint64_t features;

	up(options, RIG_F_VERSION_1, 64);
	features = RIG_OPS->features(rig.dev);
	rig_close(&rig);
	return features;
}

static void test_V9_options_are_what_is_offered(void **state)
{
	assert_int_equal(offered(""), RIG_F_ALL);
	assert_int_equal(offered("event-idx=off"), RIG_F_ALL & ~RIG_F_EVENT_IDX);
	assert_int_equal(offered("indirect=off"), RIG_F_ALL & ~RIG_F_INDIRECT);
	assert_int_equal(offered("packed=on"), PACKED);
	assert_int_equal(offered("in-order=on"), ORDER);
	assert_int_equal(offered("ring-reset=on"), RIG_F_ALL | RIG_F_RESET);
	up("", RIG_F_VERSION_1, 64);
}

/* What nobody offered, and what only a driver of version 1 may take, is not agreed on: rings are
 * split and the card works. */
static void test_V8_features_that_cannot_be_agreed_on(void **state)
{
	const struct rig_segment nothing = {RIG_GPA, 0, false};

	up("", RIG_F_VERSION_1, 64);
	RIG_OPS->set_features(rig.dev, PACKED);
	restart(CONTROL, 0);
	rig_prepare(&rig, 0);
	assert_int_equal(rig_counter(&rig, "ignored_features"), 1);
	rig_close(&rig);
	up("packed=on,in-order=on", RIG_F_ALL, 64);
	RIG_OPS->set_features(rig.dev, RIG_F_PACKED | RIG_F_IN_ORDER);
	restart(CONTROL, 0);
	rig_post(&rig, CONTROL, &nothing, 1, false);
	rig_kick(&rig, CONTROL);
	assert_int_equal(rig_used_index(&rig, CONTROL), 1);
}

/* ---- packed
 * --------------------------------------------------------------------------------------- */

/* What is out of a stream that waits was overtaken: a stop takes it over, and nothing is lost. */
static void test_V9_packed_stop_takes_over_what_was_overtaken(void **state)
{
	up("packed=on", PACKED, 64);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	for (unsigned i = 0; i < 4; i++) {
		post(0, 480);
		post(1, 480);
	}
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_used_index(&rig, TX), 2);
	/* Two of stream 0: from there on, nothing was given back of what is out. */
	restart(TX, RIG_OPS->queue_stop(rig.dev, TX, rig.now));
	assert_int_equal(rig_used_index(&rig, TX), 4);
	rig_run_ms(&rig, 40);
	rig_expect_numbers(rig.ports[1], 4 * 480);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 60);
	rig_expect_numbers(rig.ports[0], 4 * 480);
	assert_int_equal(rig_used_index(&rig, TX), 8);
	for (unsigned i = 0; i < 8; i++)
		assert_true(rig_take(&rig, TX, NULL, NULL));
	assert_int_equal(rig.queues[TX].free_descriptors, 64);
	assert_int_equal(rig_counter(&rig, "resets"), 0);
}

/* Rings of a size that is no power of two, many laps with a pause after every other message. */
static void test_V9_packed_laps_with_pauses(void **state)
{
	up("packed=on", PACKED, 23);
	rig_prepare(&rig, 0);
	rig_expect(&rig, START, 0, OK);
	for (unsigned i = 0; i < 100; i++) {
		post(0, 241);
		post(0, 239);
		rig_kick(&rig, TX);
		rig_run_ms(&rig, 7);
		for (unsigned q = 0; q < N_QUEUES; q++)
			restart(q, RIG_OPS->queue_stop(rig.dev, q, rig.now));
		rig_run_ms(&rig, 3);
		while (rig_take(&rig, TX, NULL, NULL))
			;
	}
	rig_run_ms(&rig, 50);
	rig_expect_numbers(rig.ports[0], 48000);
	assert_int_equal(rig_used_index(&rig, TX), 200);
	assert_int_equal(rig_counter(&rig, "resets"), 0);
}

/* UML and others say 0 where they mean the first lap. */
static void test_V9_packed_start_from_0_is_the_first_lap(void **state)
{
	up("packed=on", PACKED, 64);
	rig_prepare(&rig, 0);
	for (unsigned i = 0; i < N_QUEUES; i++)
		RIG_OPS->queue_stop(rig.dev, i, rig.now);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig_layout(&rig, i, 64);
		restart(i, 0);
	}
	assert_int_equal(rig_counter(&rig, "resets"), 1);
	posted[0] = 0;
	rig_prepare(&rig, 0);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	rig_expect_numbers(rig.ports[0], 480);
}

static void packed_kicks(bool running)
{
	const uint16_t *area = rig_at(&rig, rig.queues[TX].setup.used);

	assert_int_equal(area[1], running ? 1 : 2); /* DISABLE, DESC */
}

static void test_V9_packed_kicks_are_off_while_a_stream_runs(void **state)
{
	up("packed=on", PACKED, 64);
	rig_prepare(&rig, 0);
	packed_kicks(false);
	post(0, 480);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 5);
	packed_kicks(true);
	rig_run_ms(&rig, 30);
	packed_kicks(false);
}

/* ---- in order
 * -------------------------------------------------------------------------------------- */

/* The cost of it: a stream that waits holds up the other. Its RELEASE gives all back first (V62).
 */
static void test_V9_in_order_streams_wait_for_each_other(void **state)
{
	struct rig_message first;
	uint32_t head;

	up("in-order=on", ORDER, 64);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	first = post(0, 480);
	post(1, 480);
	post(1, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 40);
	rig_expect_numbers(rig.ports[1], 960);
	assert_int_equal(rig_used_index(&rig, TX), 0);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_used_index(&rig, TX), 3);
	assert_true(rig_take(&rig, TX, &head, NULL));
	assert_int_equal(head, first.head);
}

static void test_V62_in_order_release_gives_all_of_the_stream_back(void **state)
{
	struct rig_message sent;

	up("in-order=on", ORDER, 64);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	post(0, 480);
	sent = post(1, 480);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, RELEASE, 1, OK);
	assert_int_equal(rig_status(&rig, &sent).status, OK);
	assert_int_equal(rig_used_index(&rig, TX), 2);
	/* The other's frames are not lost. */
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 40);
	rig_expect_numbers(rig.ports[0], 960);
	assert_int_equal(rig_used_index(&rig, TX), 3);
}

static void test_V9_in_order_stop_gives_back_what_was_held_back(void **state)
{
	uint32_t next;

	up("in-order=on", ORDER, 64);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	post(0, 480);
	post(1, 480);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 20);
	next = RIG_OPS->queue_stop(rig.dev, TX, rig.now);
	assert_int_equal(next, 2);
	assert_int_equal(rig_used_index(&rig, TX), 2);
	restart(TX, next);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 40);
	rig_expect_numbers(rig.ports[0], 960);
	rig_expect_numbers(rig.ports[1], 480);
	assert_int_equal(rig_used_index(&rig, TX), 3);
}

/* ---- one queue is reset
 * ------------------------------------------------------------------------------ */

/* What a VMM does: by a call of its own, or a stop and a start from 0 of this queue alone. */
static void reset_queue(unsigned queue, bool by_call)
{
	if (by_call)
		RIG_OPS->queue_reset(rig.dev, queue, rig.now);
	else
		RIG_OPS->queue_stop(rig.dev, queue, rig.now);
}

/* Class 6: messages of before the reset are never completed, wherever the new ring lies. */
static void one_is_reset(bool by_call)
{
	size_t bytes, old_ring = rig.queues[TX].setup.desc - RIG_GPA;
	struct rig_message sent[4];
	uint8_t *old;

	rig_prepare(&rig, 0);
	rig_prepare(&rig, 2);
	for (unsigned i = 0; i < 4; i++) {
		sent[i] = post(0, 480);
		post(2, 480);
	}
	rig_kick(&rig, TX);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, START, 2, OK);
	rig_run_ms(&rig, 15);
	assert_int_equal(rig_used_index(&rig, TX), 1);
	reset_queue(TX, by_call);
	assert_false(rig.ports[0]->running); /* silent until the queue comes back */
	assert_true(rig.ports[2]->running);
	bytes = rig.next_free - RIG_GPA;
	old = malloc(bytes);
	memcpy(old, rig.ram, bytes);
	RIG_OPS->kick(rig.dev, TX, rig.now);
	rig_layout(&rig, TX, 32);
	restart(TX, 0);
	assert_true(rig.ports[0]->running);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_used_index(&rig, TX), 0);
	assert_int_equal(rig_used_index(&rig, RX), 3);
	/* In the old ring, and in what was posted there, nothing was written. */
	assert_memory_equal(old + old_ring, rig.ram + old_ring, 64 * 16 + 64 * 10 + 12);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_status(&rig, &sent[i]).status, i == 0 ? OK : 0);
	free(old);
	rig.ports[0]->heard_bytes = 0;
	posted[0] = 0;
	post(0, 480);
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 30);
	assert_int_equal(rig_used_index(&rig, TX), 1);
	assert_int_equal(rig_counter(&rig, "resets"), 0);
	rig_expect(&rig, RELEASE, 0, VIRTIO_SND_S_NOT_SUPP); /* it still runs */
}

static void test_class6_ring_reset_split(void **state)
{
	for (unsigned by_call = 0; by_call < 2; by_call++) {
		up("ring-reset=on", RIG_F_ALL | RIG_F_RESET, 64);
		one_is_reset(by_call);
		if (!by_call)
			rig_close(&rig);
	}
}

static void test_class6_ring_reset_packed(void **state)
{
	for (unsigned by_call = 0; by_call < 2; by_call++) {
		up("ring-reset=on,packed=on", PACKED | RIG_F_RESET, 64);
		one_is_reset(by_call);
		if (!by_call)
			rig_close(&rig);
	}
}

/* Without the feature a start from 0 is another driver, whatever else goes on. */
static void test_class6_not_agreed_on_it_is_another_driver(void **state)
{
	up("ring-reset=on", RIG_F_ALL, 64);
	rig_prepare(&rig, 0);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	RIG_OPS->queue_stop(rig.dev, TX, rig.now);
	rig_layout(&rig, TX, 64);
	restart(TX, 0);
	assert_int_equal(rig_counter(&rig, "resets"), 1);
	assert_false(rig.ports[0]->prepared);
}

/* A machine that pauses stops all its queues, and starts some of them from 0: no reset. */
static void test_V9_a_pause_is_no_ring_reset(void **state)
{
	uint32_t next[N_QUEUES];

	up("ring-reset=on", RIG_F_ALL | RIG_F_RESET, 64);
	rig_prepare(&rig, 0);
	for (unsigned i = 0; i < 3; i++)
		post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 5); /* half of the first is in the ring */
	for (unsigned i = 0; i < N_QUEUES; i++)
		next[i] = RIG_OPS->queue_stop(rig.dev, i, rig.now);
	assert_int_equal(next[TX], 0);
	for (unsigned i = 0; i < N_QUEUES; i++)
		restart(i, next[i]);
	rig_run_ms(&rig, 60);
	rig_expect_numbers(rig.ports[0], 3 * 480);
	assert_int_equal(rig_used_index(&rig, TX), 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_V9_options_are_what_is_offered),
	    T(test_V8_features_that_cannot_be_agreed_on),
	    T(test_V9_packed_stop_takes_over_what_was_overtaken),
	    T(test_V9_packed_laps_with_pauses),
	    T(test_V9_packed_start_from_0_is_the_first_lap),
	    T(test_V9_packed_kicks_are_off_while_a_stream_runs),
	    T(test_V9_in_order_streams_wait_for_each_other),
	    T(test_V62_in_order_release_gives_all_of_the_stream_back),
	    T(test_V9_in_order_stop_gives_back_what_was_held_back),
	    T(test_class6_ring_reset_split),
	    T(test_class6_ring_reset_packed),
	    T(test_class6_not_agreed_on_it_is_another_driver),
	    T(test_V9_a_pause_is_no_ring_reset),
	};

	return cmocka_run_group_tests_name("rings", tests, NULL, NULL);
}
