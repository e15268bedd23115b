/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture messages: filled as frames come, given back when full (V60-V80 on the rx queue, and
 * classes 1 to 3: what a short or odd buffer must not do). */
#include "rig.h"

#include <string.h>

#define OK     VIRTIO_SND_S_OK
#define IO_ERR VIRTIO_SND_S_IO_ERR

#define START   VIRTIO_SND_R_PCM_START
#define STOP    VIRTIO_SND_R_PCM_STOP
#define RELEASE VIRTIO_SND_R_PCM_RELEASE

/* Streams 1 and 2 record, 0 plays. */
static struct rig rig;

static int set_up(void **state)
{
	rig_up(&rig, 1, 2);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

static void expect_frames(vmsnd_gpa at, uint32_t first, uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++) {
		uint32_t word;

		memcpy(&word, rig_at(&rig, at + i * 4), 4);
		assert_int_equal(word, first + i);
	}
}

static void expect_back(const struct rig_message *message, uint32_t status, uint32_t recorded)
{
	uint32_t head, written;

	assert_true(rig_take(&rig, RX, &head, &written));
	assert_int_equal(head, message->head);
	assert_int_equal(written, 8 + recorded);
	assert_int_equal(rig_status(&rig, message).status, status);
}

static void test_V71_V72_a_message_completes_when_full(void **state)
{
	struct rig_message sent[4];

	rig_prepare(&rig, 1);
	for (unsigned i = 0; i < 4; i++)
		sent[i] = rig_post_capture(&rig, 1, RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_given_back(&rig, RX), 0);
	rig_expect(&rig, START, 1, OK);
	for (unsigned i = 0; i < 4; i++) {
		rig_run_ms(&rig, 9);
		assert_int_equal(rig_given_back(&rig, RX), 0);
		rig_run_ms(&rig, 1);
		expect_back(&sent[i], OK, RIG_PERIOD_BYTES);
		expect_frames(sent[i].data, 1 + i * 480, 480);
	}
	assert_int_equal(rig_counter(&rig, "rx_messages"), 4);
	assert_int_equal(rig_counter(&rig, "rx_frames"), 4 * 480);
}

/* A buffer of two and a half periods is written to as frames come, and complete at its end. */
static void test_V71_data_comes_progressively(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 1);
	sent = rig_post_capture(&rig, 1, 2 * RIG_PERIOD_BYTES + 960);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	expect_frames(sent.data, 1, 480);
	assert_int_equal(rig_given_back(&rig, RX), 0);
	rig_run_ms(&rig, 20);
	expect_back(&sent, OK, 2 * RIG_PERIOD_BYTES + 960);
	expect_frames(sent.data, 1, 1200);
}

static void test_V61_V71_release_gives_back_what_there_is(void **state)
{
	struct rig_message sent[2];

	rig_prepare(&rig, 1);
	sent[0] = rig_post_capture(&rig, 1, 2 * RIG_PERIOD_BYTES);
	sent[1] = rig_post_capture(&rig, 1, 2 * RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	rig_expect(&rig, STOP, 1, OK);
	assert_int_equal(rig_given_back(&rig, RX), 0);
	rig_expect(&rig, RELEASE, 1, OK);
	expect_back(&sent[0], OK, RIG_PERIOD_BYTES);
	expect_frames(sent[0].data, 1, 480);
	expect_back(&sent[1], OK, 0);
}

static void test_V63_stop_keeps_and_start_goes_on(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 1);
	sent = rig_post_capture(&rig, 1, 2 * RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	rig_expect(&rig, STOP, 1, OK);
	rig_run_ms(&rig, 300);
	assert_int_equal(rig_given_back(&rig, RX), 0);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	expect_back(&sent, OK, 2 * RIG_PERIOD_BYTES);
	expect_frames(sent.data, 1, 960);
}

static void test_V63_nothing_is_recorded_while_stopped(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 1);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 20);
	rig_expect(&rig, STOP, 1, OK);
	sent = rig_post_capture(&rig, 1, RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_given_back(&rig, RX), 0);
	rig_expect(&rig, START, 1, OK);
	rig_step(&rig);
	expect_back(&sent, OK, RIG_PERIOD_BYTES);
	expect_frames(sent.data, 1, 480);
}

static void test_V69_latency_is_the_ports_delay_in_bytes(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 1);
	rig.ports[1]->delay_frames = 321;
	sent = rig_post_capture(&rig, 1, RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	assert_int_equal(rig_status(&rig, &sent).latency_bytes, 321 * 4);
}

/* Classes 1 to 3: writable parts of every small size, between two guards. Under 8 bytes no
 * status fits; from 12 on there is room for a frame. */
static void test_class1_class2_class3_small_buffers(void **state)
{
	rig_prepare(&rig, 1);
	rig_expect(&rig, START, 1, OK);
	for (uint32_t room = 0; room <= 64; room++) {
		vmsnd_gpa in = rig_alloc(&rig, 192) + 64;
		const struct rig_segment segments[] = {{rig_put(&rig, &(uint32_t){1}, 4), 4, false},
						       {in, room, true}};
		uint32_t frames = room < 8 ? 0 : (room - 8) / 4, written;
		uint32_t status[2] = {room < 8 ? IO_ERR : OK, 0};

		memset(rig_at(&rig, in - 64), 0xEE, 192);
		rig_post(&rig, RX, segments, 2, false);
		rig_kick(&rig, RX);
		rig_run_ms(&rig, 10);
		assert_true(rig_take(&rig, RX, NULL, &written));
		assert_int_equal(written, room < 8 ? room : 8 + frames * 4);
		if (room >= 8)
			assert_memory_equal(rig_at(&rig, in + room - 8), status, 8);
		else
			assert_memory_equal(rig_at(&rig, in), status, room);
		for (unsigned i = 0; i < 64; i++) {
			assert_int_equal(*(uint8_t *)rig_at(&rig, in - 64 + i), 0xEE);
			assert_int_equal(*(uint8_t *)rig_at(&rig, in + room + i), 0xEE);
		}
	}
	assert_int_equal(rig_counter(&rig, "faults_message"), 8);
}

/* A buffer that is longer than its period, and a period that shrinks while one is half full. */
static void test_class2_parameters_that_shrink_under_a_buffer(void **state)
{
	struct virtio_snd_pcm_set_params params = {.buffer_bytes = 64,
						   .period_bytes = 16,
						   .channels = 1,
						   .format = VIRTIO_SND_PCM_FMT_U8,
						   .rate = VIRTIO_SND_PCM_RATE_8000};
	struct rig_message sent;

	rig_prepare(&rig, 1);
	sent = rig_post_capture(&rig, 1, 2 * RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	rig_expect(&rig, STOP, 1, OK);
	/* Not while a message is out. */
	assert_int_equal(rig_set_params(&rig, 1, &params), VIRTIO_SND_S_NOT_SUPP);
	rig_expect(&rig, RELEASE, 1, OK);
	expect_back(&sent, OK, RIG_PERIOD_BYTES);
	assert_int_equal(rig_set_params(&rig, 1, &params), OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 1, OK);
	sent = rig_post_capture(&rig, 1, 1000);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 200);
	expect_back(&sent, OK, 1000);
}

static void test_V68_V73_V74_V75_misdirected_messages_come_back_at_once(void **state)
{
	static const uint32_t bad[] = {3, UINT32_MAX, 0 /* output */, 2 /* not prepared */};

	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rig_message sent = rig_post_capture(&rig, bad[i], 64);

		rig_kick(&rig, RX);
		expect_back(&sent, IO_ERR, 0);
	}
	assert_int_equal(rig_counter(&rig, "rx_refused"), 4);
}

static void test_V77_more_to_read_than_a_header(void **state)
{
	vmsnd_gpa in = rig_alloc(&rig, 48);
	const struct rig_segment segments[] = {{rig_put(&rig, &(uint32_t[4]){1}, 16), 16, false},
					       {in, 48, true}};
	uint32_t written;

	rig_prepare(&rig, 1);
	rig_post(&rig, RX, segments, 2, false);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	assert_true(rig_take(&rig, RX, NULL, &written));
	assert_int_equal(written, 48);
	expect_frames(in, 1, 10);
}

static void test_V79_streams_do_not_hold_each_other_up(void **state)
{
	struct rig_message one, two;

	if (rig_rings_are("in-order"))
		return;
	rig_prepare(&rig, 1);
	rig_prepare(&rig, 2);
	one = rig_post_capture(&rig, 1, RIG_PERIOD_BYTES);
	two = rig_post_capture(&rig, 2, RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 2, OK);
	rig_run_ms(&rig, 50);
	expect_back(&two, OK, RIG_PERIOD_BYTES);
	assert_int_equal(rig_given_back(&rig, RX), 0);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 10);
	expect_back(&one, OK, RIG_PERIOD_BYTES);
	expect_frames(one.data, 1, 480);
}

/* The guest that posts too late loses nothing that the ring still holds. */
static void test_frames_wait_in_the_ring_for_a_late_guest(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 1);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 30);
	sent = rig_post_capture(&rig, 1, 3 * RIG_PERIOD_BYTES);
	rig_run_ms(&rig, 10);
	expect_back(&sent, OK, 3 * RIG_PERIOD_BYTES);
	expect_frames(sent.data, 1, 3 * 480);
}

static void test_bad_data_address_loses_the_frames_and_keeps_time(void **state)
{
	vmsnd_gpa status = rig_alloc(&rig, 8);
	const struct rig_segment segments[] = {{rig_put(&rig, &(uint32_t){1}, 4), 4, false},
					       {RIG_NOWHERE, RIG_PERIOD_BYTES, true},
					       {status, 8, true}};
	struct rig_message next;
	uint32_t written, word;

	rig_prepare(&rig, 1);
	rig_post(&rig, RX, segments, 3, false);
	next = rig_post_capture(&rig, 1, RIG_PERIOD_BYTES);
	rig_kick(&rig, RX);
	rig_expect(&rig, START, 1, OK);
	rig_run_ms(&rig, 20);
	/* The status is told where it can be told: at its own address. */
	assert_true(rig_take(&rig, RX, NULL, &written));
	memcpy(&word, rig_at(&rig, status), 4);
	assert_int_equal(written, 8);
	assert_int_equal(word, IO_ERR);
	expect_back(&next, OK, RIG_PERIOD_BYTES);
	expect_frames(next.data, 481, 480);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V71_V72_a_message_completes_when_full),
	    TEST(test_V71_data_comes_progressively),
	    TEST(test_V61_V71_release_gives_back_what_there_is),
	    TEST(test_V63_stop_keeps_and_start_goes_on),
	    TEST(test_V63_nothing_is_recorded_while_stopped),
	    TEST(test_V69_latency_is_the_ports_delay_in_bytes),
	    TEST(test_class1_class2_class3_small_buffers),
	    TEST(test_class2_parameters_that_shrink_under_a_buffer),
	    TEST(test_V68_V73_V74_V75_misdirected_messages_come_back_at_once),
	    TEST(test_V77_more_to_read_than_a_header),
	    TEST(test_V79_streams_do_not_hold_each_other_up),
	    TEST(test_frames_wait_in_the_ring_for_a_late_guest),
	    TEST(test_bad_data_address_loses_the_frames_and_keeps_time),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
