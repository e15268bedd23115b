/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback messages: what is played, when they come back, with what (V60, V63, V67-V80). */
#include "rig.h"

#include <string.h>

#define OK     VIRTIO_SND_S_OK
#define IO_ERR VIRTIO_SND_S_IO_ERR

#define START   VIRTIO_SND_R_PCM_START
#define STOP    VIRTIO_SND_R_PCM_STOP
#define RELEASE VIRTIO_SND_R_PCM_RELEASE

static struct rig rig;
static uint32_t numbers[65536];

static int set_up(void **state)
{
	rig_fill_numbers(numbers, 1, 65536);
	rig_up(&rig, 3, 1);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

static struct rig_message post_numbers(uint32_t stream, uint32_t first, uint32_t frames)
{
	return rig_post_playback(&rig, stream, numbers + first, frames * RIG_FRAME_BYTES);
}

static void expect_back(const struct rig_message *message, uint32_t status)
{
	uint32_t head, written;

	assert_true(rig_take(&rig, TX, &head, &written));
	assert_int_equal(head, message->head);
	assert_int_equal(written, 8);
	assert_int_equal(rig_status(&rig, message).status, status);
}

/* ---- in time ------------------------------------------------------------------------------------
 */

static void test_V60_buffers_before_start_are_played_from_start(void **state)
{
	struct rig_message sent[2];

	rig_prepare(&rig, 0);
	sent[0] = post_numbers(0, 0, 480);
	sent[1] = post_numbers(0, 480, 480);
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 200);
	assert_int_equal(rig.ports[0]->heard_bytes, 0);
	assert_int_equal(rig_given_back(&rig, TX), 0);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	rig_expect_numbers(rig.ports[0], 960);
	expect_back(&sent[0], OK);
	expect_back(&sent[1], OK);
}

/* Each message comes back at the very block that took its last frame, and not before. */
static void test_V70_V78_a_message_completes_when_all_of_it_has_left(void **state)
{
	struct rig_message sent[4];
	vmsnd_ns begun;

	rig_prepare(&rig, 0);
	for (uint32_t i = 0; i < 4; i++)
		sent[i] = post_numbers(0, i * 480, 480);
	rig_kick(&rig, TX);
	begun = rig.now;
	rig_expect(&rig, START, 0, OK);
	for (uint32_t i = 0; i < 4; i++) {
		rig_run_until(&rig, begun + (i + 1) * 10 * RIG_MS - 1);
		assert_int_equal(rig_given_back(&rig, TX), 0);
		rig_run_until(&rig, begun + (i + 1) * 10 * RIG_MS);
		expect_back(&sent[i], OK);
	}
	rig_expect_numbers(rig.ports[0], 4 * 480);
}

/* What waits, waits in guest memory: the ring holds two periods, not more. */
static void test_ring_takes_no_more_than_it_wants(void **state)
{
	rig_prepare(&rig, 0);
	for (uint32_t i = 0; i < 4; i++)
		post_numbers(0, i * 480, 480);
	rig_kick(&rig, TX);
	assert_int_equal(fake_port_fill(rig.ports[0]), 2 * 480);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 10);
	assert_int_equal(fake_port_fill(rig.ports[0]), 2 * 480);
}

static void test_a_second_played_period_by_period(void **state)
{
	uint32_t posted = 0;

	rig_prepare(&rig, 0);
	for (; posted < 4; posted++)
		post_numbers(0, posted * 480, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	for (; posted < 100; posted++) {
		rig_run_ms(&rig, 10);
		assert_true(rig_take(&rig, TX, NULL, NULL));
		post_numbers(0, posted * 480, 480); /* no kick: the card comes by */
	}
	rig_run_ms(&rig, 40);
	rig_expect_numbers(rig.ports[0], 48000);
	assert_int_equal(rig.ports[0]->silence_frames, 0);
	assert_int_equal(rig_counter(&rig, "tx_messages"), 100);
	assert_int_equal(rig_counter(&rig, "tx_frames"), 48000);
}

static bool driver_would_kick(uint16_t from)
{
	return vring_need_event(rig_avail_event(&rig, TX), (uint16_t)(from + 1), from) != 0;
}

static void test_kicks_are_off_while_a_stream_runs(void **state)
{
	if (rig_rings_are("packed"))
		return;
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	assert_true(driver_would_kick(0));
	post_numbers(0, 0, 480);
	post_numbers(1, 0, 480);
	rig_kick(&rig, TX);
	assert_true(driver_would_kick(2));
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 1);
	assert_false(driver_would_kick(2));
	rig_expect(&rig, START, 1, OK);
	rig_expect(&rig, STOP, 0, OK);
	rig_run_ms(&rig, 1);
	assert_false(driver_would_kick(2)); /* the other one runs */
	post_numbers(0, 480, 480);
	rig_expect(&rig, STOP, 1, OK);
	rig_run_ms(&rig, 1);
	/* Kicks are on again, and what came in meanwhile has been found. */
	assert_true(driver_would_kick(3));
	assert_int_equal(vmsnd_port_done_frames(rig.ports[0]) + fake_port_fill(rig.ports[0]), 960);
}

/* Nobody comes by before the next block ends, and by then the next message is late. */
static void test_a_stream_run_dry_is_kicked(void **state)
{
	if (rig_rings_are("packed"))
		return;
	rig_prepare(&rig, 0);
	post_numbers(0, 0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 1);
	assert_false(driver_would_kick(1));
	rig_run_ms(&rig, 10);
	assert_true(rig_take(&rig, TX, NULL, NULL));
	assert_true(driver_would_kick(1));
}

static void test_V17_shutdown_gives_back_what_is_pending(void **state)
{
	struct rig_message sent[4];

	rig_prepare(&rig, 0);
	for (uint32_t i = 0; i < 3; i++)
		sent[i] = post_numbers(0, i * 480, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 10);
	sent[3] = post_numbers(0, 3 * 480, 480); /* kicks are off: the card has not seen it */
	vmsnd_virtio_snd_class.reset(rig.dev, VMSND_RESET_SHUTDOWN, rig.now);
	expect_back(&sent[0], OK);
	for (unsigned i = 1; i < 4; i++)
		expect_back(&sent[i], IO_ERR);
	assert_false(rig_take(&rig, TX, NULL, NULL));
}

/* Without EVENT_IDX, so that each interrupt asked for would show. */
static void test_one_interrupt_for_what_completes_together(void **state)
{
	rig_close(&rig);
	rig_open(&rig, 1, 0);
	rig_boot(&rig, RIG_F_VERSION_1, 64);
	rig_prepare(&rig, 0);
	for (uint32_t i = 0; i < 8; i++)
		post_numbers(0, i * 60, 60);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 10);
	assert_int_equal(rig_given_back(&rig, TX), 8);
	assert_int_equal(rig.queues[TX].interrupts, 1);
}

static void test_V63_stop_keeps_and_start_goes_on(void **state)
{
	rig_prepare(&rig, 0);
	for (uint32_t i = 0; i < 4; i++)
		post_numbers(0, i * 480, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	rig_expect(&rig, STOP, 0, OK);
	assert_int_equal(rig_given_back(&rig, TX), 2);
	rig_run_ms(&rig, 500);
	assert_int_equal(rig_given_back(&rig, TX), 2);
	rig_expect_numbers(rig.ports[0], 960);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	rig_expect_numbers(rig.ports[0], 4 * 480);
	assert_int_equal(rig_given_back(&rig, TX), 4);
}

static void test_V69_latency_is_the_ports_delay_in_bytes(void **state)
{
	static const uint32_t delays[] = {0, 1, 777, 0x40000001};
	struct rig_message sent;

	rig_prepare(&rig, 0);
	rig_expect(&rig, START, 0, OK);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t bytes = (uint64_t)delays[i] * 4;

		rig.ports[0]->delay_frames = delays[i];
		sent = post_numbers(0, i * 480, 480);
		rig_run_ms(&rig, 20);
		expect_back(&sent, OK);
		assert_int_equal(rig_status(&rig, &sent).latency_bytes,
				 bytes < UINT32_MAX ? bytes : UINT32_MAX);
	}
}

static void test_V80_an_underrun_keeps_the_time(void **state)
{
	rig_prepare(&rig, 0);
	post_numbers(0, 0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 30);
	assert_int_equal(rig.ports[0]->silence_frames, 960);
	post_numbers(0, 480, 480);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_given_back(&rig, TX), 2);
	rig_expect_numbers(rig.ports[0], 960);
}

/* ---- refused
 * ---------------------------------------------------------------------------------------- */

static void test_V68_V73_V74_V75_misdirected_messages_come_back_at_once(void **state)
{
	static const uint32_t bad[] = {4, 64, UINT32_MAX, 3 /* input */, 1 /* not prepared */};
	struct rig_message sent;

	rig_prepare(&rig, 0);
	rig_set_usual(&rig, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sent = post_numbers(bad[i], 0, 480);
		rig_kick(&rig, TX);
		expect_back(&sent, IO_ERR);
	}
	assert_int_equal(rig_counter(&rig, "faults_message"), 4);
	assert_int_equal(rig_counter(&rig, "faults_state"), 1);
	assert_int_equal(rig_counter(&rig, "tx_refused"), 5);
	/* The queue goes on. */
	sent = post_numbers(0, 0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 10);
	expect_back(&sent, OK);
}

static void test_V75_messages_after_release_come_back_at_once(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 0);
	rig_expect(&rig, RELEASE, 0, OK);
	sent = post_numbers(0, 0, 480);
	rig_kick(&rig, TX);
	expect_back(&sent, IO_ERR);
}

/* Headers of 0 to 3 bytes, status areas of 0 to 7: given back with what can be written. */
static void test_V77_short_headers_and_status_areas(void **state)
{
	const uint32_t io_err[2] = {IO_ERR, 0};

	rig_prepare(&rig, 0);
	for (uint32_t header = 0; header <= 4; header++)
		for (uint32_t room = 0; room <= 8; room++) {
			const struct rig_segment segments[] = {{rig_alloc(&rig, 4), header, false},
							       {rig_alloc(&rig, 8), room, true}};
			uint32_t written;

			if (header == 4 && room == 8)
				break;
			rig_post(&rig, TX, segments, 2, false);
			rig_kick(&rig, TX);
			assert_true(rig_take(&rig, TX, NULL, &written));
			assert_int_equal(written, room);
			assert_memory_equal(rig_at(&rig, segments[1].at), io_err, room);
		}
	assert_int_equal(rig_counter(&rig, "faults_message"), 4 * 9 + 8);
	/* Nothing written, nothing readable: an empty chain of one empty descriptor. */
	rig_post(&rig, TX, &(struct rig_segment){RIG_GPA, 0, false}, 1, false);
	rig_kick(&rig, TX);
	assert_true(rig_take(&rig, TX, NULL, NULL));
}

static void test_V67_status_is_the_very_end_of_the_writable_part(void **state)
{
	vmsnd_gpa out = rig_alloc(&rig, 4), in = rig_alloc(&rig, 32);
	const struct rig_segment segments[] = {{out, 4, false}, {in, 30, true}};
	uint32_t written, status;

	rig_prepare(&rig, 0);
	rig_post(&rig, TX, segments, 2, false);
	rig_kick(&rig, TX);
	assert_true(rig_take(&rig, TX, NULL, &written));
	assert_int_equal(written, 8);
	memcpy(&status, rig_at(&rig, in + 22), 4);
	assert_int_equal(status, OK);
	memcpy(&status, rig_at(&rig, in), 4);
	assert_int_equal(status, 0);
}

/* ---- sizes
 * -------------------------------------------------------------------------------------------- */

/* V76: any size, also none and not a whole frame. Order is kept, rests are passed over. */
static void test_V76_messages_of_every_size(void **state)
{
	static const uint32_t sizes[] = {0,    1,  3,    4,    5, 7,  8, 1919, 1920,
					 1921, 63, 4000, 7680, 2, 13, 0, 4,    1};
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct rig_message sent[N];
	uint32_t frames = 0;

	rig_prepare(&rig, 0);
	for (unsigned i = 0; i < N; i++) {
		sent[i] = rig_post_playback(&rig, 0, numbers + frames, sizes[i]);
		frames += sizes[i] / 4;
	}
	rig_kick(&rig, TX);
	/* The first three have no frame and nothing before them; the rest waits. */
	assert_int_equal(rig_given_back(&rig, TX), 3);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 200);
	rig_expect_numbers(rig.ports[0], frames);
	for (unsigned i = 0; i < N; i++)
		expect_back(&sent[i], OK);
}

/* A message far longer than the ring, and one far longer than memory (class 5): nothing is
 * allocated for it and no call takes long; the same memory is read again and again. */
static void test_class5_a_chain_of_repeated_memory(void **state)
{
	enum { N = 500 };
	struct rig_segment *segments = test_calloc(N + 2, sizeof(*segments));
	vmsnd_gpa data = rig_put(&rig, numbers, 262144);

	rig_prepare(&rig, 0);
	segments[0] = (struct rig_segment){rig_alloc(&rig, 4), 4, false};
	for (unsigned i = 1; i <= N; i++)
		segments[i] = (struct rig_segment){RIG_GPA, RIG_RAM_BYTES, false};
	segments[1] = (struct rig_segment){data, 262144, false};
	segments[N + 1] = (struct rig_segment){rig_alloc(&rig, 8), 8, true};
	rig_post(&rig, TX, segments, N + 2, true);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 1000);
	rig_expect_numbers(rig.ports[0], 48000);
	assert_int_equal(rig_given_back(&rig, TX), 0);
	rig_expect(&rig, STOP, 0, OK);
	rig_expect(&rig, RELEASE, 0, OK);
	assert_int_equal(rig_given_back(&rig, TX), 1);
	/* Beyond 2^32 in all it is no chain. */
	for (unsigned i = 1; i <= N; i++)
		segments[i].bytes = UINT32_MAX;
	rig_post(&rig, TX, segments, N + 2, true);
	rig_kick(&rig, TX);
	assert_int_equal(rig_given_back(&rig, TX), 2);
	assert_int_equal(rig_counter(&rig, "faults_chain"), 1);
	test_free(segments);
}

/* Where memory is not there, silence of the same length keeps the time; half a frame is none. */
static void test_bad_data_address_is_silence_of_the_same_length(void **state)
{
	vmsnd_gpa status = rig_alloc(&rig, 8), header = rig_alloc(&rig, 4);
	const struct rig_segment segments[] = {{header, 4, false},
					       {rig_put(&rig, numbers, 42), 42, false},
					       {RIG_NOWHERE, 1878, false},
					       {status, 8, true}};
	struct rig_message next;
	uint32_t word;

	rig_prepare(&rig, 0);
	rig_post(&rig, TX, segments, 4, false);
	next = post_numbers(0, 480, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig.ports[0]->heard_bytes, 2 * 1920);
	for (uint32_t i = 0; i < 960; i++) {
		memcpy(&word, rig.ports[0]->heard + (size_t)i * 4, 4);
		assert_int_equal(word, i < 10 || i >= 480 ? i + 1 : 0);
	}
	assert_true(rig_take(&rig, TX, NULL, &word));
	memcpy(&word, rig_at(&rig, status), 4);
	assert_int_equal(word, IO_ERR);
	expect_back(&next, OK);
	assert_int_equal(rig_counter(&rig, "faults_data_address"), 1);
}

static void test_bad_address_of_u8_is_silent(void **state)
{
	const struct virtio_snd_pcm_set_params params = {.buffer_bytes = 960,
							 .period_bytes = 480,
							 .channels = 1,
							 .format = VIRTIO_SND_PCM_FMT_U8,
							 .rate = VIRTIO_SND_PCM_RATE_48000};
	const struct rig_segment segments[] = {{rig_alloc(&rig, 4), 4, false},
					       {RIG_NOWHERE, 480, false},
					       {rig_alloc(&rig, 8), 8, true}};

	assert_int_equal(rig_set_params(&rig, 0, &params), OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 0, OK);
	rig_post(&rig, TX, segments, 3, false);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig.ports[0]->heard_bytes, 480);
	for (unsigned i = 0; i < 480; i++)
		assert_int_equal(rig.ports[0]->heard[i], 0x80);
}

/* A status that cannot be written still gives the buffer back. */
static void test_bad_status_address(void **state)
{
	const struct rig_segment segments[] = {{rig_alloc(&rig, 4), 4, false},
					       {RIG_NOWHERE, 8, true}};
	uint32_t written;

	rig_prepare(&rig, 0);
	rig_post(&rig, TX, segments, 2, false);
	rig_kick(&rig, TX);
	assert_true(rig_take(&rig, TX, NULL, &written));
	assert_int_equal(written, 0);
	assert_int_equal(rig_counter(&rig, "faults_data_address"), 1);
}

/* ---- several streams
 * ------------------------------------------------------------------------------------- */

/* V79: one that is stopped, one that never starts, one that plays: all in one ring. */
static void test_V79_streams_do_not_hold_each_other_up(void **state)
{
	if (rig_rings_are("in-order"))
		return;
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	rig_prepare(&rig, 2);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t stream = 0; stream < 3; stream++)
			post_numbers(stream, i * 480, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 2, OK);
	rig_run_ms(&rig, 40);
	assert_int_equal(rig_given_back(&rig, TX), 4);
	rig_expect_numbers(rig.ports[2], 4 * 480);
	assert_int_equal(rig.ports[0]->heard_bytes, 0);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 40);
	assert_int_equal(rig_given_back(&rig, TX), 8);
	rig_expect_numbers(rig.ports[0], 4 * 480);
	rig_expect(&rig, RELEASE, 1, OK);
	assert_int_equal(rig_given_back(&rig, TX), 12);
}

static void test_as_many_streams_as_there_can_be(void **state)
{
	rig_close(&rig);
	rig_open(&rig, 64, 0);
	rig_boot(&rig, rig_features(), 1024);
	for (uint32_t stream = 0; stream < 64; stream++) {
		rig_prepare(&rig, stream);
		post_numbers(stream, 0, 480);
		post_numbers(stream, 480, 480);
	}
	rig_kick(&rig, TX);
	for (uint32_t stream = 0; stream < 64; stream++)
		rig_expect(&rig, START, stream, OK);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_given_back(&rig, TX), 128);
	for (unsigned stream = 0; stream < 64; stream++)
		rig_expect_numbers(rig.ports[stream], 960);
}

/* ---- budgets and lies
 * ---------------------------------------------------------------------------------------- */

static void test_a_full_ring_of_small_messages_within_budgets(void **state)
{
	struct rig_segment segments[2];

	rig_close(&rig);
	rig_open(&rig, 1, 0);
	rig_boot(&rig, rig_features(), 1024);
	segments[0] = (struct rig_segment){rig_alloc(&rig, 4), 4, false};
	segments[1] = (struct rig_segment){rig_alloc(&rig, 8), 8, true};
	rig_prepare(&rig, 0);
	for (unsigned i = 0; i < 512; i++)
		rig_post(&rig, TX, segments, 2, false);
	RIG_OPS->kick(rig.dev, TX, rig.now);
	assert_in_range(rig_used_index(&rig, TX), 1, 511);
	rig_step(&rig);
	assert_int_equal(rig_used_index(&rig, TX), 512);
}

/* A host with a clock of its own: the card asks to be called when the port expects frames to be
 * done, but a host that is late must not make the lane spin. */
static void test_V78_deadlines_are_the_ports(void **state)
{
	rig_prepare(&rig, 0);
	post_numbers(0, 0, 480);
	rig_kick(&rig, TX);
	rig.ports[0]->told_due = rig.now + 3 * RIG_MS;
	assert_true(RIG_CLASS->advance(rig.dev, rig.now) == VMSND_NEVER); /* it does not run */
	rig_expect(&rig, START, 0, OK);
	assert_true(RIG_CLASS->advance(rig.dev, rig.now) == rig.now + 3 * RIG_MS);
	rig.ports[0]->told_due = rig.now;
	assert_in_range(RIG_CLASS->advance(rig.dev, rig.now), rig.now + 1, rig.now + 10 * RIG_MS);
}

/* With kicks off nobody else would tell of what a spent budget left in the ring. */
static void test_a_spent_budget_asks_for_another_call(void **state)
{
	rig_close(&rig);
	rig_open(&rig, 1, 0);
	rig_boot(&rig, rig_features(), 1024);
	rig_prepare(&rig, 0);
	post_numbers(0, 0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	for (unsigned i = 0; i < 300; i++)
		post_numbers(0, 480 + i, 1);
	assert_true(RIG_CLASS->advance(rig.dev, rig.now) == rig.now);
	assert_true(RIG_CLASS->advance(rig.dev, rig.now) > rig.now);
	rig_run_ms(&rig, 20);
	rig_expect_numbers(rig.ports[0], 780);
}

/* One head made available again and again while the card still holds it. */
static void test_class16_more_messages_than_entries_break_the_queue(void **state)
{
	struct rig_message sent;

	if (rig_rings_are("packed"))
		return;
	rig_prepare(&rig, 0);
	sent = post_numbers(0, 0, 480);
	for (unsigned i = 0; i < 64; i++) {
		rig_kick(&rig, TX);
		rig_offer(&rig, TX, sent.head);
	}
	assert_int_equal(rig_counter(&rig, "faults_ring"), 0);
	rig_kick(&rig, TX);
	assert_int_equal(rig_counter(&rig, "faults_ring"), 1);
	assert_int_equal(rig.faults[VMSND_FAULT_RING], 1);
	/* Silent from now on; the control queue is not concerned. */
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 50);
	assert_int_equal(rig_used_index(&rig, TX), 0);
	assert_false(rig.ports[0]->running);
	rig_expect(&rig, STOP, 0, OK);
	rig_expect(&rig, RELEASE, 0, OK);
}

static void test_class16_index_jump_silences_the_streams(void **state)
{
	if (rig_rings_are("packed"))
		return;
	rig_prepare(&rig, 0);
	post_numbers(0, 0, 480);
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	assert_true(rig.ports[0]->running);
	rig_set_avail_index(&rig, TX, 30000);
	rig_run_ms(&rig, 30);
	assert_int_equal(rig_counter(&rig, "faults_ring"), 1);
	assert_false(rig.ports[0]->running);
	assert_int_equal(RIG_CLASS->advance(rig.dev, rig.now), VMSND_NEVER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V60_buffers_before_start_are_played_from_start),
	    TEST(test_V70_V78_a_message_completes_when_all_of_it_has_left),
	    TEST(test_ring_takes_no_more_than_it_wants),
	    TEST(test_a_second_played_period_by_period),
	    TEST(test_kicks_are_off_while_a_stream_runs),
	    TEST(test_a_stream_run_dry_is_kicked),
	    TEST(test_V17_shutdown_gives_back_what_is_pending),
	    TEST(test_one_interrupt_for_what_completes_together),
	    TEST(test_V63_stop_keeps_and_start_goes_on),
	    TEST(test_V67_status_is_the_very_end_of_the_writable_part),
	    TEST(test_V69_latency_is_the_ports_delay_in_bytes),
	    TEST(test_V68_V73_V74_V75_misdirected_messages_come_back_at_once),
	    TEST(test_V75_messages_after_release_come_back_at_once),
	    TEST(test_V76_messages_of_every_size),
	    TEST(test_V77_short_headers_and_status_areas),
	    TEST(test_V79_streams_do_not_hold_each_other_up),
	    TEST(test_V80_an_underrun_keeps_the_time),
	    TEST(test_class5_a_chain_of_repeated_memory),
	    TEST(test_bad_data_address_is_silence_of_the_same_length),
	    TEST(test_bad_address_of_u8_is_silent),
	    TEST(test_bad_status_address),
	    TEST(test_as_many_streams_as_there_can_be),
	    TEST(test_a_full_ring_of_small_messages_within_budgets),
	    TEST(test_V78_deadlines_are_the_ports),
	    TEST(test_a_spent_budget_asks_for_another_call),
	    TEST(test_class16_more_messages_than_entries_break_the_queue),
	    TEST(test_class16_index_jump_silences_the_streams),
	};

	return cmocka_run_group_tests_name("playback", tests, NULL, NULL);
}
