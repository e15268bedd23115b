/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues that are stopped and started under a playing card: a VMM's stop and cont, a new driver,
 * and queues that are switched off. Nothing may be lost, doubled or written late. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define OK     VIRTIO_SND_S_OK
#define IO_ERR VIRTIO_SND_S_IO_ERR

#define START   VIRTIO_SND_R_PCM_START
#define STOP    VIRTIO_SND_R_PCM_STOP
#define RELEASE VIRTIO_SND_R_PCM_RELEASE

/* Streams 0 and 1 play, 2 and 3 record. */
static struct rig rig;
static uint32_t numbers[65536];
static uint32_t posted[4];

static int set_up(void **state)
{
	rig_fill_numbers(numbers, 1, 65536);
	memset(posted, 0, sizeof(posted));
	rig_up(&rig, 2, 2);
	return 0;
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

static uint32_t stop_queue(unsigned queue)
{
	return RIG_OPS->queue_stop(rig.dev, queue, rig.now);
}

static void start_queue(unsigned queue, uint32_t next_avail)
{
	rig.queues[queue].setup.next_avail = next_avail;
	assert_int_equal(RIG_OPS->queue_start(rig.dev, queue, &rig.queues[queue].setup, rig.now),
			 VMSND_OK);
}

/* What QEMU does: all rings off, all stopped; later all started where they stopped. In between
 * nothing at all may be written. */
static void pause_machine(uint64_t ms)
{
	size_t bytes = rig.next_free - RIG_GPA;
	uint8_t *before = malloc(bytes);
	uint32_t next[N_QUEUES];

	for (unsigned i = 0; i < N_QUEUES; i++)
		RIG_OPS->queue_enable(rig.dev, i, false, rig.now);
	for (unsigned i = 0; i < N_QUEUES; i++)
		next[i] = stop_queue(i);
	memcpy(before, rig.ram, bytes);
	rig_run_ms(&rig, ms);
	assert_memory_equal(before, rig.ram, bytes);
	free(before);
	RIG_OPS->set_features(rig.dev, rig_features());
	for (unsigned i = 0; i < N_QUEUES; i++) {
		start_queue(i, next[i]);
		RIG_OPS->queue_enable(rig.dev, i, false, rig.now);
	}
	for (unsigned i = 0; i < N_QUEUES; i++)
		RIG_OPS->queue_enable(rig.dev, i, true, rig.now);
	rig_step(&rig);
}

static void expect_recorded(const struct rig_message *message, uint32_t first)
{
	for (uint32_t i = 0; i < message->bytes / 4; i++) {
		uint32_t word;

		memcpy(&word, rig_at(&rig, message->data + i * 4), 4);
		assert_int_equal(word, first + i);
	}
}

/* ---- stop and cont
 * -------------------------------------------------------------------------------- */

static void test_stop_returns_the_oldest_message_still_out(void **state)
{
	rig_prepare(&rig, 0);
	for (unsigned i = 0; i < 4; i++)
		post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	assert_true(rig.ports[0]->running);
	rig_run_ms(&rig, 10);
	assert_int_equal(rig_used_index(&rig, TX), 1);
	assert_int_equal(stop_queue(TX), rig_place(&rig, TX, 1));
	assert_false(rig.ports[0]->running);
	assert_true(rig.ports[0]->prepared);
	assert_int_equal(stop_queue(TX), rig_place(&rig, TX, 1)); /* asked again, the same */
	start_queue(TX, rig_place(&rig, TX, 1));
	assert_true(rig.ports[0]->running);
	rig_run_ms(&rig, 30);
	rig_expect_numbers(rig.ports[0], 4 * 480);
	assert_int_equal(rig_used_index(&rig, TX), 4);
	assert_int_equal(stop_queue(TX), rig_place(&rig, TX, 4));
}

/* Frames that left between the last look and the stop are given back before the answer. */
static void test_stop_gives_back_what_is_done(void **state)
{
	rig_prepare(&rig, 0);
	rig.ports[0]->by_hand = true;
	post(0, 480);
	post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	fake_port_move(rig.ports[0], 700);
	assert_int_equal(stop_queue(TX), rig_place(&rig, TX, 1));
	assert_int_equal(rig_used_index(&rig, TX), 1);
}

/* Pauses at every millisecond of a tune, in periods that do not fit the clock's. */
static void test_pause_at_any_time_loses_and_doubles_nothing(void **state)
{
	for (unsigned at = 0; at <= 60; at++) {
		rig_close(&rig);
		set_up(NULL);
		rig_prepare(&rig, 0);
		for (unsigned i = 0; i < 9; i++)
			post(0, 311);
		rig_kick(&rig, TX);
		rig_expect(&rig, START, 0, OK);
		rig_run_ms(&rig, at);
		pause_machine(1000);
		pause_machine(0); /* and at once again, before anything was popped anew */
		rig_run_ms(&rig, 100);
		rig_expect_numbers(rig.ports[0], 9 * 311);
		for (unsigned i = 0; i < 9; i++) {
			uint32_t head;

			assert_true(rig_take(&rig, TX, &head, NULL));
			assert_int_equal(head, i * 3);
		}
		assert_int_equal(rig_used_index(&rig, TX), 9);
		assert_int_equal(rig_counter(&rig, "resets"), 0);
	}
}

/* Two streams in one ring: what the running one got back lies between what the stopped one has
 * out, and must not come back again. */
static void test_two_streams_and_messages_given_back_in_between(void **state)
{
	uint32_t next;

	if (rig_rings_are("in-order"))
		return;
	if (rig_rings_are("packed"))
		return;
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
	next = stop_queue(TX);
	assert_int_equal(next, rig_place(&rig, TX, 0)); /* stream 0 has its first message out */
	start_queue(TX, next);
	assert_int_equal(stop_queue(TX),
			 rig_place(&rig, TX, 0)); /* before anything was popped again */
	start_queue(TX, next);
	rig_run_ms(&rig, 5);
	assert_int_equal(rig_used_index(&rig, TX), 2);
	next = stop_queue(TX);
	assert_int_equal(next, rig_place(&rig, TX, 0));
	start_queue(TX, next);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_used_index(&rig, TX), 4);
	rig_expect_numbers(rig.ports[1], 4 * 480);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 40);
	rig_expect_numbers(rig.ports[0], 4 * 480);
	assert_int_equal(rig_used_index(&rig, TX), 8);
	assert_int_equal(stop_queue(TX), rig_place(&rig, TX, 8));
}

static void test_capture_goes_on_in_the_middle_of_a_message(void **state)
{
	struct rig_message sent[3];

	rig_prepare(&rig, 2);
	for (unsigned i = 0; i < 3; i++)
		sent[i] = post(2, 800);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 2, OK);
	for (unsigned i = 0; i < 5; i++) {
		rig_run_ms(&rig, 10);
		pause_machine(500);
		pause_machine(0);
	}
	assert_int_equal(rig_used_index(&rig, RX), 3);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t head, written;

		assert_true(rig_take(&rig, RX, &head, &written));
		assert_int_equal(head, sent[i].head);
		assert_int_equal(written, 3208);
		assert_int_equal(rig_status(&rig, &sent[i]).status, OK);
		expect_recorded(&sent[i], 1 + i * 800);
	}
	/* What comes later begins at its beginning. */
	sent[0] = post(2, 480);
	rig_run_ms(&rig, 10);
	expect_recorded(&sent[0], 1 + 3 * 800);
}

static void test_states_survive_a_pause(void **state)
{
	rig_prepare(&rig, 0);
	rig_set_usual(&rig, 1);
	rig_prepare(&rig, 2);
	rig_expect(&rig, START, 2, OK);
	rig_expect(&rig, STOP, 2, OK);
	pause_machine(100);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 1, OK);
	rig_expect(&rig, START, 2, OK);
	rig_expect(&rig, STOP, 2, OK);
	assert_int_equal(rig_counter(&rig, "resets"), 0);
}

/* A stopped stream's message waits while another stream wraps the ring many times: its entry is
 * overwritten by then, so a stop must hand its frames over and give it back. */
static void test_a_message_that_fell_out_of_the_ring_is_taken_over(void **state)
{
	struct rig_message old[2];
	uint32_t head;

	if (rig_rings_are("in-order"))
		return;
	rig_close(&rig);
	rig_open(&rig, 2, 2);
	rig_boot(&rig, rig_features(), 16);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	old[0] = post(0, 480);
	old[1] = post(0, 240);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 1, OK);
	for (unsigned i = 0; i < 100; i++) {
		post(1, 480);
		rig_run_ms(&rig, 10);
		while (rig_take(&rig, TX, &head, NULL))
			assert_true(head != old[0].head && head != old[1].head);
	}
	pause_machine(50);
	for (unsigned i = 0; i < 2; i++) {
		while (rig_take(&rig, TX, &head, NULL) && head != old[i].head)
			;
		assert_int_equal(head, old[i].head);
		assert_int_equal(rig_status(&rig, &old[i]).status, OK);
	}
	rig_expect(&rig, START, 0, OK);
	post(0, 480);
	rig_run_ms(&rig, 60);
	rig_expect_numbers(rig.ports[0], 1200);
	rig_expect_numbers(rig.ports[1], 100 * 480);
	while (rig_take(&rig, TX, NULL, NULL))
		;
	assert_int_equal(rig_used_index(&rig, TX), 103);
}

/* When even the ring has no room the message is given back as failed, and what follows is whole. */
static void test_no_room_to_take_over_loses_that_message_only(void **state)
{
	struct rig_message old;
	uint32_t word;

	if (rig_rings_are("in-order"))
		return;
	rig_close(&rig);
	rig_open(&rig, 2, 2);
	rig_boot(&rig, rig_features(), 16);
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	rig.ports[0]->ring_frames = 1000;
	post(0, 960);
	old = post(0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 1, OK);
	for (unsigned i = 0; i < 40; i++) {
		post(1, 480);
		rig_run_ms(&rig, 10);
		while (rig_take(&rig, TX, NULL, NULL))
			;
	}
	pause_machine(0);
	assert_int_equal(rig_status(&rig, &old).status, IO_ERR);
	rig_expect(&rig, START, 0, OK);
	post(0, 480);
	rig_run_ms(&rig, 60);
	assert_int_equal(rig.ports[0]->heard_bytes, (1000 + 480) * 4);
	memcpy(&word, rig.ports[0]->heard + 1000 * 4, 4);
	assert_int_equal(word, 1441);
	while (rig_take(&rig, TX, NULL, NULL))
		;
	assert_int_equal(rig_used_index(&rig, TX), 43);
}

static void test_indices_wrap_while_paused_and_played(void **state)
{
	uint16_t next = 65500;

	if (rig_rings_are("packed"))
		return;
	/* A ring of few entries, walked past 65535 with a pause after every second message. */
	stop_queue(TX);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	rig_boot(&rig, rig_features(), 8);
	stop_queue(TX);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	RIG_OPS->set_features(rig.dev, rig_features());
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig_layout(&rig, i, 8);
		if (i == TX) {
			rig.queues[i].avail = rig.queues[i].used = next;
			rig_set_avail_index(&rig, i, next);
			*(uint16_t *)rig_at(&rig, rig.queues[i].setup.used + 2) = next;
		}
		start_queue(i, i == TX ? next : 0);
	}
	rig_prepare(&rig, 0);
	rig_expect(&rig, START, 0, OK);
	for (unsigned i = 0; i < 50; i++) {
		post(0, 241);
		post(0, 239);
		rig_run_ms(&rig, 10);
		pause_machine(3);
		while (rig_take(&rig, TX, NULL, NULL))
			;
	}
	rig_run_ms(&rig, 50);
	rig_expect_numbers(rig.ports[0], 24000);
	assert_int_equal(rig_used_index(&rig, TX), (uint16_t)(65500 + 100));
}

/* ---- off and on
 * --------------------------------------------------------------------------------------- */

static void test_disable_silences_at_once_and_enable_goes_on(void **state)
{
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 2);
	for (unsigned i = 0; i < 4; i++)
		post(0, 480);
	post(2, 480);
	rig_kick(&rig, TX);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, START, 2, OK);
	rig_run_ms(&rig, 5);
	RIG_OPS->queue_enable(rig.dev, TX, false, rig.now);
	assert_false(rig.ports[0]->running);
	assert_true(rig.ports[2]->running); /* the other queue is not concerned */
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_used_index(&rig, TX), 0);
	assert_int_equal(rig_used_index(&rig, RX), 1);
	post(0, 480);
	rig_kick(&rig, TX); /* not looked at */
	RIG_OPS->queue_enable(rig.dev, TX, true, rig.now);
	assert_true(rig.ports[0]->running);
	rig_run_ms(&rig, 60);
	rig_expect_numbers(rig.ports[0], 5 * 480);
	assert_int_equal(rig_used_index(&rig, TX), 5);
}

static void test_control_requests_wait_for_their_queue(void **state)
{
	const struct virtio_snd_pcm_hdr hdr = {{VIRTIO_SND_R_PCM_PREPARE}, 0};
	const struct rig_segment segments[] = {
	    {rig_put(&rig, &hdr, sizeof(hdr)), sizeof(hdr), false}, {rig_alloc(&rig, 4), 4, true}};

	RIG_OPS->queue_enable(rig.dev, CONTROL, false, rig.now);
	rig_post(&rig, CONTROL, segments, 2, false);
	rig_kick(&rig, CONTROL);
	rig_run_ms(&rig, 10);
	assert_int_equal(rig_used_index(&rig, CONTROL), 0);
	RIG_OPS->queue_enable(rig.dev, CONTROL, true, rig.now);
	rig_step(&rig); /* no kick comes a second time */
	assert_int_equal(rig_used_index(&rig, CONTROL), 1);
}

/* START while the data queue is off: the stream runs once it is on. */
static void test_start_takes_effect_when_the_queue_comes(void **state)
{
	rig_prepare(&rig, 0);
	RIG_OPS->queue_enable(rig.dev, TX, false, rig.now);
	rig_expect(&rig, START, 0, OK);
	assert_false(rig.ports[0]->running);
	RIG_OPS->queue_enable(rig.dev, TX, true, rig.now);
	assert_true(rig.ports[0]->running);
}

/* ---- a new driver
 * ------------------------------------------------------------------------------------------ */

/* Class 6 without a reset message: QEMU stops the rings and starts them elsewhere from 0. */
static void test_V64_class6_a_start_elsewhere_is_a_new_driver(void **state)
{
	uint8_t *old;

	rig_prepare(&rig, 0);
	rig_prepare(&rig, 2);
	for (unsigned i = 0; i < 3; i++) {
		post(0, 480);
		post(2, 480);
	}
	rig_kick(&rig, TX);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, START, 2, OK);
	rig_run_ms(&rig, 10);
	for (unsigned i = 0; i < N_QUEUES; i++)
		stop_queue(i);
	old = malloc(rig.next_free - RIG_GPA);
	memcpy(old, rig.ram, rig.next_free - RIG_GPA);
	{
		size_t bytes = rig.next_free - RIG_GPA;

		rig_boot(&rig, rig_features(), 64);
		assert_false(rig.ports[0]->prepared);
		assert_false(rig.ports[2]->prepared);
		rig_run_ms(&rig, 200);
		for (unsigned i = 0; i < N_QUEUES; i++)
			assert_int_equal(rig_used_index(&rig, i), 0);
		assert_memory_equal(old, rig.ram, bytes);
	}
	free(old);
	assert_int_equal(rig_counter(&rig, "resets"), 1);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 0, VIRTIO_SND_S_NOT_SUPP);
	/* And it plays. */
	rig.ports[0]->heard_bytes = 0;
	posted[0] = 0;
	rig_prepare(&rig, 0);
	post(0, 480);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 10);
	rig_expect_numbers(rig.ports[0], 480);
	assert_int_equal(rig_used_index(&rig, TX), 1);
}

/* The control queue begins elsewhere after the tx queue was started: what the new driver has
 * posted there already comes back. */
static void test_V64_queues_of_a_new_driver_in_another_order(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 0);
	for (unsigned i = 0; i < N_QUEUES; i++)
		stop_queue(i);
	RIG_OPS->set_features(rig.dev, rig_features());
	rig_layout(&rig, TX, 64);
	start_queue(TX, rig_place(&rig, TX, 0)); /* no different from going on */
	sent = post(0, 480);
	rig_kick(&rig, TX);
	assert_int_equal(rig_used_index(&rig, TX), 0);
	rig_layout(&rig, CONTROL, 64);
	start_queue(CONTROL, 0);
	assert_int_equal(rig_used_index(&rig, TX), 1);
	assert_int_equal(rig_status(&rig, &sent).status, IO_ERR);
	assert_false(rig.ports[0]->prepared);
}

static void test_start_outside_memory_is_refused_and_harmless(void **state)
{
	struct vmsnd_queue_setup setup = rig.queues[TX].setup;

	rig_prepare(&rig, 0);
	rig_expect(&rig, START, 0, OK);
	stop_queue(TX);
	setup.used = RIG_NOWHERE;
	assert_int_equal(RIG_OPS->queue_start(rig.dev, TX, &setup, rig.now), VMSND_E_RANGE);
	setup = rig.queues[TX].setup;
	setup.size = rig_rings_are("packed") ? 0 : 48;
	assert_int_equal(RIG_OPS->queue_start(rig.dev, TX, &setup, rig.now), VMSND_E_INVALID);
	RIG_OPS->kick(rig.dev, TX, rig.now);
	RIG_OPS->queue_enable(rig.dev, TX, true, rig.now);
	rig_run_ms(&rig, 10);
	assert_false(rig.ports[0]->running);
	start_queue(TX, rig_place(&rig, TX, 0));
	assert_true(rig.ports[0]->running);
}

/* RELEASE while the data queue is stopped: its messages come back when they are popped again. */
static void test_release_while_the_queue_is_stopped(void **state)
{
	struct rig_message sent;
	uint32_t next;

	rig_prepare(&rig, 0);
	sent = post(0, 480);
	rig_kick(&rig, TX);
	next = stop_queue(TX);
	assert_int_equal(next, rig_place(&rig, TX, 0));
	rig_expect(&rig, RELEASE, 0, OK);
	start_queue(TX, next);
	rig_step(&rig);
	assert_int_equal(rig_used_index(&rig, TX), 1);
	assert_int_equal(rig_status(&rig, &sent).status, IO_ERR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_stop_returns_the_oldest_message_still_out),
	    TEST(test_stop_gives_back_what_is_done),
	    TEST(test_pause_at_any_time_loses_and_doubles_nothing),
	    TEST(test_two_streams_and_messages_given_back_in_between),
	    TEST(test_capture_goes_on_in_the_middle_of_a_message),
	    TEST(test_states_survive_a_pause),
	    TEST(test_a_message_that_fell_out_of_the_ring_is_taken_over),
	    TEST(test_no_room_to_take_over_loses_that_message_only),
	    TEST(test_indices_wrap_while_paused_and_played),
	    TEST(test_disable_silences_at_once_and_enable_goes_on),
	    TEST(test_control_requests_wait_for_their_queue),
	    TEST(test_start_takes_effect_when_the_queue_comes),
	    TEST(test_V64_class6_a_start_elsewhere_is_a_new_driver),
	    TEST(test_V64_queues_of_a_new_driver_in_another_order),
	    TEST(test_start_outside_memory_is_refused_and_harmless),
	    TEST(test_release_while_the_queue_is_stopped),
	};

	return cmocka_run_group_tests_name("pause", tests, NULL, NULL);
}
