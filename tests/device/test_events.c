/* SPDX-License-Identifier: BSD-3-Clause */
/* The event queue, what streams tell of by themselves, and streams that are polled (V33-V37,
 * V81-V84). */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define OK       VIRTIO_SND_S_OK
#define NOT_SUPP VIRTIO_SND_S_NOT_SUPP
#define POLLING  (1u << 2)
#define PERIODS  (1u << 3)
#define XRUNS    (1u << 4)

static struct rig rig;
static uint32_t numbers[65536];

static void up(const char *options, uint64_t features)
{
	rig_fill_numbers(numbers, 1, 65536);
	rig_open_with(&rig, 2, 1, options, NULL);
	rig_boot(&rig, features, 64);
}

static int set_up(void **state)
{
	up("jacks=on,xruns=on,period-events=on,polling=on", RIG_F_ALL);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

static void again(const char *options, uint64_t features)
{
	rig_close(&rig);
	up(options, features);
}

static uint16_t post_event(uint32_t bytes)
{
	const struct rig_segment segment = {rig_alloc(&rig, bytes), bytes, true};

	return rig_post(&rig, EVENT, &segment, 1, false);
}

static void post_events(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		post_event(8);
}

static bool take_event(struct virtio_snd_event *event)
{
	uint32_t head, written;

	if (!rig_take(&rig, EVENT, &head, &written))
		return false;
	assert_int_equal(written, 8);
	memcpy(event, rig_at(&rig, rig_descriptor(&rig, EVENT, (uint16_t)head)->addr), 8);
	return true;
}

static void expect_event(uint32_t code, uint32_t data)
{
	struct virtio_snd_event event;

	assert_true(take_event(&event));
	assert_int_equal(event.hdr.code, code);
	assert_int_equal(event.data, data);
}

static void expect_empty(void)
{
	uint32_t written;

	assert_true(rig_take(&rig, EVENT, NULL, &written));
	assert_int_equal(written, 0);
}

static void set_jack(unsigned jack, bool connected)
{
	RIG_CLASS->panel->jack_set(rig.dev, jack, connected, rig.now);
	rig_step(&rig);
}

/* ---- buffers ---- */

static void test_V83_one_event_a_buffer_of_eight_bytes(void **state)
{
	const struct rig_segment long_one = {rig_alloc(&rig, 64), 64, true};
	const struct rig_segment cut[] = {{rig_alloc(&rig, 3), 3, true},
					  {rig_alloc(&rig, 9), 9, true}};
	struct virtio_snd_event event;
	uint32_t written;

	rig_post(&rig, EVENT, &long_one, 1, false);
	rig_post(&rig, EVENT, cut, 2, true);
	set_jack(0, false);
	expect_event(0x1001, 0);
	set_jack(0, true);
	assert_true(rig_take(&rig, EVENT, NULL, &written));
	assert_int_equal(written, 8);
	memcpy(&event, rig_at(&rig, cut[0].at), 3);
	memcpy((uint8_t *)&event + 3, rig_at(&rig, cut[1].at), 5);
	assert_int_equal(event.hdr.code, 0x1000);
	assert_int_equal(event.data, 0);
}

static void test_V84_short_buffers_are_given_back_empty(void **state)
{
	post_event(7);
	post_event(0);
	post_event(8);
	set_jack(0, false);
	expect_empty();
	expect_empty();
	expect_event(0x1001, 0);
	assert_int_equal(rig_counter(&rig, "faults_message"), 2);
	assert_int_equal(rig.faults[VMSND_FAULT_MESSAGE], 1);
}

static void test_V84_buffers_with_a_readable_part_are_given_back_empty(void **state)
{
	const struct rig_segment both[] = {{rig_alloc(&rig, 8), 8, false},
					   {rig_alloc(&rig, 8), 8, true}};
	const struct rig_segment read = {rig_alloc(&rig, 8), 8, false};

	rig_post(&rig, EVENT, both, 2, false);
	rig_post(&rig, EVENT, &read, 1, false);
	set_jack(0, false);
	expect_empty();
	expect_empty();
	assert_int_equal(rig_counter(&rig, "faults_message"), 2);
	post_event(8);
	rig_kick(&rig, EVENT);
	expect_event(0x1001, 0);
}

static void test_V84_buffers_without_memory_are_given_back_empty(void **state)
{
	const struct rig_segment nowhere = {RIG_NOWHERE, 8, true};

	rig_post(&rig, EVENT, &nowhere, 1, false);
	post_event(8);
	set_jack(0, false);
	expect_empty();
	expect_event(0x1001, 0);
	assert_int_equal(rig_counter(&rig, "faults_data_address"), 1);
}

/* A driver that posts nothing else all day costs a bounded time a call, and the card goes on. */
static void test_V84_a_flood_of_short_buffers_does_not_block(void **state)
{
	again("jacks=on", RIG_F_ALL);
	rig_layout(&rig, EVENT, 1024);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig_layout(&rig, i, 1024);
		RIG_OPS->set_features(rig.dev, RIG_F_ALL);
		assert_int_equal(RIG_OPS->queue_start(rig.dev, i, &rig.queues[i].setup, rig.now),
				 VMSND_OK);
	}
	rig_step(&rig);
	for (unsigned i = 0; i < 1023; i++)
		post_event(4);
	post_event(8);
	RIG_CLASS->panel->jack_set(rig.dev, 0, false, rig.now);
	assert_in_range(rig_given_back(&rig, EVENT), 1, 512);
	rig_step(&rig);
	assert_int_equal(rig_given_back(&rig, EVENT), 1024);
	for (unsigned i = 0; i < 1023; i++)
		expect_empty();
	expect_event(0x1001, 0);
}

/* Whether the driver has to kick for its next buffer. */
static bool wants_kicks(unsigned queue)
{
	return rig_avail_event(&rig, queue) == rig.queues[queue].avail;
}

static void test_V84_kicks_are_asked_for_while_something_waits(void **state)
{
	assert_false(wants_kicks(EVENT));
	post_events(2);
	assert_false(wants_kicks(EVENT));
	set_jack(0, false);
	set_jack(1, false);
	assert_false(wants_kicks(EVENT));
	set_jack(0, true);
	assert_true(wants_kicks(EVENT));
	expect_event(0x1001, 0);
	expect_event(0x1001, 1);
	post_event(8);
	rig_kick(&rig, EVENT);
	expect_event(0x1000, 0);
	assert_false(wants_kicks(EVENT));
}

static void test_V84_the_same_with_flags(void **state)
{
	again("jacks=on", RIG_F_VERSION_1);
	assert_int_equal(rig_used_flags(&rig, EVENT), VRING_USED_F_NO_NOTIFY);
	set_jack(0, false);
	assert_int_equal(rig_used_flags(&rig, EVENT), 0);
	post_event(8);
	rig_kick(&rig, EVENT);
	expect_event(0x1001, 0);
	assert_int_equal(rig_used_flags(&rig, EVENT), VRING_USED_F_NO_NOTIFY);
}

/* ---- the queue comes and goes ---- */

static void test_V83_a_stopped_queue_goes_on_where_it_was(void **state)
{
	struct vmsnd_queue_setup *setup = &rig.queues[EVENT].setup;

	post_events(3);
	set_jack(0, false);
	setup->next_avail = RIG_OPS->queue_stop(rig.dev, EVENT, rig.now);
	assert_int_equal(setup->next_avail, 1);
	set_jack(0, true);
	set_jack(1, false);
	assert_int_equal(rig_given_back(&rig, EVENT), 1);
	expect_event(0x1001, 0);
	assert_int_equal(RIG_OPS->queue_start(rig.dev, EVENT, setup, rig.now), VMSND_OK);
	rig_step(&rig);
	expect_event(0x1000, 0);
	expect_event(0x1001, 1);
	assert_int_equal(rig_counter(&rig, "resets"), 0);
}

/* vhost-user starts a queue and switches it off in the same breath. */
static void test_V83_a_queue_that_is_off_is_left_alone(void **state)
{
	struct vmsnd_queue_setup *setup = &rig.queues[EVENT].setup;

	post_event(8);
	setup->next_avail = RIG_OPS->queue_stop(rig.dev, EVENT, rig.now);
	set_jack(0, false);
	assert_int_equal(RIG_OPS->queue_start(rig.dev, EVENT, setup, rig.now), VMSND_OK);
	RIG_OPS->queue_enable(rig.dev, EVENT, false, rig.now);
	rig_step(&rig);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	RIG_OPS->queue_enable(rig.dev, EVENT, true, rig.now);
	rig_step(&rig);
	expect_event(0x1001, 0);
}

/* Defect 6: what was posted by the driver before is not touched by events of today. */
static void test_V64_nothing_of_an_old_ring_is_used(void **state)
{
	struct rig_queue old;

	post_events(4);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	old = rig.queues[EVENT];
	set_jack(0, false);
	rig_boot(&rig, RIG_F_ALL, 64);
	post_event(8);
	rig_kick(&rig, EVENT);
	expect_event(0x1001, 0);
	rig.queues[EVENT] = old;
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

/* ---- features of streams ---- */

static struct virtio_snd_pcm_info info_of(uint32_t stream)
{
	const struct virtio_snd_query_info query = {
	    {VIRTIO_SND_R_PCM_INFO}, stream, 1, sizeof(struct virtio_snd_pcm_info)};
	struct virtio_snd_pcm_info info;
	uint8_t answer[4 + sizeof(info)];

	assert_int_equal(rig_request(&rig, &query, sizeof(query), answer, sizeof(answer)),
			 sizeof(answer));
	memcpy(&info, answer + 4, sizeof(info));
	return info;
}

static uint32_t set_params(uint32_t stream, uint32_t features)
{
	const struct virtio_snd_pcm_set_params params = {.buffer_bytes = RIG_BUFFER_BYTES,
							 .period_bytes = RIG_PERIOD_BYTES,
							 .features = features,
							 .channels = 2,
							 .format = VIRTIO_SND_PCM_FMT_S16,
							 .rate = VIRTIO_SND_PCM_RATE_48000};

	return rig_set_params(&rig, stream, &params);
}

static void test_V35_V36_V37_features_are_offered_when_asked_for(void **state)
{
	assert_int_equal(info_of(0).features, POLLING | PERIODS | XRUNS);
	assert_int_equal(info_of(2).features, POLLING | PERIODS | XRUNS);
	again("polling=on", RIG_F_ALL);
	assert_int_equal(info_of(0).features, POLLING);
	assert_int_equal(set_params(0, POLLING), OK);
	assert_int_equal(set_params(0, POLLING | XRUNS), NOT_SUPP);
	again("period-events=on", RIG_F_ALL);
	assert_int_equal(info_of(0).features, PERIODS);
	again("xruns=on", RIG_F_ALL);
	assert_int_equal(info_of(0).features, XRUNS);
	again(NULL, RIG_F_ALL);
	assert_int_equal(info_of(0).features, 0);
	for (unsigned bit = 0; bit < 32; bit++)
		assert_int_equal(set_params(0, 1u << bit), NOT_SUPP);
}

static void test_V33_V34_shared_memory_is_never_offered(void **state)
{
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(info_of(i).features & 3, 0);
	assert_int_equal(set_params(0, 1), NOT_SUPP);
	assert_int_equal(set_params(0, 2), NOT_SUPP);
	assert_int_equal(set_params(0, 3), NOT_SUPP);
}

static struct rig_message post(uint32_t stream)
{
	if (stream == 2)
		return rig_post_capture(&rig, stream, RIG_PERIOD_BYTES);
	return rig_post_playback(&rig, stream, numbers, RIG_PERIOD_BYTES);
}

static void begin(uint32_t stream, uint32_t features, unsigned n_messages)
{
	assert_int_equal(set_params(stream, features), OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, stream, OK);
	for (unsigned i = 0; i < n_messages; i++)
		post(stream);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, stream, OK);
}

/* ---- xruns ---- */

static void test_V82_an_xrun_is_told_once_to_who_chose_it(void **state)
{
	post_events(8);
	begin(0, XRUNS, 8);
	begin(1, 0, 4);
	rig_run_ms(&rig, 10);
	rig.ports[0]->xruns++;
	rig.ports[1]->xruns++;
	rig_run_ms(&rig, 20);
	expect_event(0x1101, 0);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	rig.ports[0]->xruns += 2;
	rig_run_ms(&rig, 20);
	expect_event(0x1101, 0);
	expect_event(0x1101, 0);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	assert_int_equal(rig_counter(&rig, "dropped_events"), 0);
}

/* The port counts a hole only once there is sound behind it: the driver hears of it before. */
static void test_V82_a_stream_that_ran_dry_is_told_of(void **state)
{
	post_events(8);
	begin(0, XRUNS, 4);
	rig_run_ms(&rig, 49);
	assert_int_equal(rig_given_back(&rig, TX), 4);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	rig_run_ms(&rig, 100);
	expect_event(0x1101, 0);
	for (unsigned i = 0; i < 4; i++)
		post(0);
	rig_kick(&rig, TX);
	rig.ports[0]->xruns++; /* the same one */
	rig_run_ms(&rig, 30);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	rig.ports[0]->xruns++; /* another */
	rig_run_ms(&rig, 5);
	rig_run_ms(&rig, 5);
	expect_event(0x1101, 0);
	rig_run_ms(&rig, 100);
	expect_event(0x1101, 0);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

static void test_V82_the_end_of_all_sound_is_no_hole(void **state)
{
	post_events(8);
	begin(0, XRUNS, 4);
	rig_run_ms(&rig, 45);
	assert_int_equal(rig_given_back(&rig, TX), 4);
	rig_expect(&rig, VIRTIO_SND_R_PCM_STOP, 0, OK);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_RELEASE, 0, OK);
	begin(0, XRUNS, 0); /* and neither is its beginning */
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

static void test_V82_holes_of_an_earlier_run_are_no_news(void **state)
{
	post_events(8);
	begin(2, XRUNS, 4);
	rig_run_ms(&rig, 10);
	rig_expect(&rig, VIRTIO_SND_R_PCM_STOP, 2, OK);
	rig.ports[2]->xruns++;
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 2, OK);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	rig.ports[2]->xruns++;
	rig_run_ms(&rig, 20);
	expect_event(0x1101, 2);
}

/* A choice lasts until the next one. */
static void test_V82_set_params_without_the_bit_ends_it(void **state)
{
	post_events(8);
	begin(0, XRUNS, 1);
	rig_expect(&rig, VIRTIO_SND_R_PCM_STOP, 0, OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_RELEASE, 0, OK);
	begin(0, 0, 4);
	rig.ports[0]->xruns++;
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

static void test_V84_moments_without_a_buffer_are_dropped_and_counted(void **state)
{
	begin(0, XRUNS, 4);
	rig_run_ms(&rig, 5);
	rig.ports[0]->xruns += 3;
	rig_run_ms(&rig, 20);
	assert_int_equal(rig_counter(&rig, "dropped_events"), 3);
	post_events(4);
	rig_kick(&rig, EVENT);
	rig_run_ms(&rig, 10);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	assert_false(wants_kicks(EVENT));
	rig.ports[0]->xruns++;
	rig_run_ms(&rig, 10);
	expect_event(0x1101, 0);
}

/* ---- periods ---- */

static void test_V81_a_period_is_told_when_it_has_gone_by(void **state)
{
	post_events(8);
	begin(0, PERIODS, 4);
	begin(2, PERIODS, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct virtio_snd_event event;
		uint32_t seen[3] = {0};

		assert_int_equal(rig_given_back(&rig, EVENT), 0);
		rig_run_ms(&rig, 10);
		while (take_event(&event)) {
			assert_int_equal(event.hdr.code, 0x1100);
			seen[event.data]++;
			post_event(8);
		}
		assert_int_equal(seen[0], 1);
		assert_int_equal(seen[2], 1);
	}
	/* The sound is at an end, and so are its periods. */
	rig_expect(&rig, VIRTIO_SND_R_PCM_STOP, 2, OK);
	rig_run_ms(&rig, 50);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

static void test_V81_not_without_the_bit(void **state)
{
	post_events(8);
	begin(0, XRUNS, 4);
	rig_run_ms(&rig, 40);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

static void test_V81_prepare_begins_anew(void **state)
{
	post_events(8);
	begin(0, PERIODS, 2);
	rig_run_ms(&rig, 20);
	expect_event(0x1100, 0);
	expect_event(0x1100, 0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_STOP, 0, OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_RELEASE, 0, OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 0, OK);
	post(0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, OK);
	rig_run_ms(&rig, 10);
	expect_event(0x1100, 0);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

/* ---- polling ---- */

static void test_V35_a_polled_stream_needs_no_kick(void **state)
{
	assert_int_equal(set_params(0, POLLING), OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 0, OK);
	assert_false(wants_kicks(TX));
	post(0);
	post(0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, OK);
	assert_false(wants_kicks(TX));
	for (unsigned i = 0; i < 20; i++) {
		rig_run_ms(&rig, 10);
		assert_false(wants_kicks(TX));
		assert_int_equal(rig_given_back(&rig, TX), 1);
		rig_take(&rig, TX, NULL, NULL);
		post(0);
	}
	assert_int_equal(rig.ports[0]->silence_frames, 0);
}

/* Without a message under way nothing but time tells of the next one. */
static void test_V35_one_that_ran_dry_is_found_without_a_kick(void **state)
{
	begin(0, POLLING, 1);
	rig_run_ms(&rig, 35);
	assert_int_equal(rig_given_back(&rig, TX), 1);
	assert_false(wants_kicks(TX));
	post(0);
	rig_run_ms(&rig, 21);
	assert_int_equal(rig_given_back(&rig, TX), 2);
}

static void test_V35_messages_are_looked_at_before_start(void **state)
{
	struct rig_message message;

	assert_int_equal(set_params(0, POLLING), OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 0, OK);
	message = post(1); /* which is not prepared */
	rig_run_ms(&rig, 11);
	assert_int_equal(rig_given_back(&rig, TX), 1);
	assert_int_equal(rig_status(&rig, &message).status, VIRTIO_SND_S_IO_ERR);
	post(0);
	rig_run_ms(&rig, 11);
	assert_true(fake_port_fill(rig.ports[0]) > 0);
}

static void test_V35_beside_a_stream_that_kicks(void **state)
{
	begin(0, POLLING, 4);
	assert_int_equal(set_params(1, 0), OK);
	rig_run_ms(&rig, 5);
	assert_false(wants_kicks(TX));
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 1, OK);
	rig_run_ms(&rig, 50); /* the polled one is dry by now */
	assert_true(wants_kicks(TX));
	post(1);
	rig_kick(&rig, TX);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 1, OK);
	rig_run_ms(&rig, 15);
	while (rig_take(&rig, TX, NULL, NULL))
		;
	assert_true(wants_kicks(TX));
	rig_expect(&rig, VIRTIO_SND_R_PCM_STOP, 1, OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_RELEASE, 1, OK);
	rig_run_ms(&rig, 15);
	assert_false(wants_kicks(TX));
	rig_expect(&rig, VIRTIO_SND_R_PCM_STOP, 0, OK);
	assert_true(wants_kicks(TX));
}

static void test_V35_released_kicks_are_asked_for_again(void **state)
{
	assert_int_equal(set_params(2, POLLING), OK);
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 2, OK);
	assert_false(wants_kicks(RX));
	rig_expect(&rig, VIRTIO_SND_R_PCM_RELEASE, 2, OK);
	assert_true(wants_kicks(RX));
	rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, 2, OK);
	assert_false(wants_kicks(RX));
	assert_int_equal(set_params(2, 0), OK);
	assert_true(wants_kicks(RX));
}

static void test_V35_capture_is_polled_too(void **state)
{
	begin(2, POLLING, 0);
	for (unsigned i = 0; i < 10; i++) {
		post(2);
		rig_run_ms(&rig, 20);
		assert_int_equal(rig_given_back(&rig, RX), 1);
		rig_take(&rig, RX, NULL, NULL);
		assert_false(wants_kicks(RX));
	}
}

/* ---- saved state ---- */

static void bring_back(void)
{
	size_t bytes;
	uint8_t *saved = rig_save(&rig, &bytes);

	for (unsigned i = 0; i < 3; i++)
		rig.ports[i]->running = false;
	rig_make_card(&rig);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_OK);
	RIG_OPS->set_features(rig.dev, RIG_F_ALL);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig.queues[i].setup.next_avail = RIG_OPS->queue_stop(rig.dev, i, rig.now);
		assert_int_equal(RIG_OPS->queue_start(rig.dev, i, &rig.queues[i].setup, rig.now),
				 VMSND_OK);
	}
	rig_step(&rig);
	free(saved);
}

static void test_V82_a_saved_stream_keeps_its_choice(void **state)
{
	post_events(8);
	begin(0, XRUNS | POLLING, 4);
	rig_run_ms(&rig, 10);
	bring_back();
	assert_false(wants_kicks(TX));
	rig.ports[0]->xruns++;
	rig_run_ms(&rig, 20);
	expect_event(0x1101, 0);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V83_one_event_a_buffer_of_eight_bytes),
	    TEST(test_V84_short_buffers_are_given_back_empty),
	    TEST(test_V84_buffers_with_a_readable_part_are_given_back_empty),
	    TEST(test_V84_buffers_without_memory_are_given_back_empty),
	    TEST(test_V84_a_flood_of_short_buffers_does_not_block),
	    TEST(test_V84_kicks_are_asked_for_while_something_waits),
	    TEST(test_V84_the_same_with_flags),
	    TEST(test_V83_a_stopped_queue_goes_on_where_it_was),
	    TEST(test_V83_a_queue_that_is_off_is_left_alone),
	    TEST(test_V64_nothing_of_an_old_ring_is_used),
	    TEST(test_V35_V36_V37_features_are_offered_when_asked_for),
	    TEST(test_V33_V34_shared_memory_is_never_offered),
	    TEST(test_V82_an_xrun_is_told_once_to_who_chose_it),
	    TEST(test_V82_a_stream_that_ran_dry_is_told_of),
	    TEST(test_V82_the_end_of_all_sound_is_no_hole),
	    TEST(test_V82_holes_of_an_earlier_run_are_no_news),
	    TEST(test_V82_set_params_without_the_bit_ends_it),
	    TEST(test_V84_moments_without_a_buffer_are_dropped_and_counted),
	    TEST(test_V81_a_period_is_told_when_it_has_gone_by),
	    TEST(test_V81_not_without_the_bit),
	    TEST(test_V81_prepare_begins_anew),
	    TEST(test_V35_a_polled_stream_needs_no_kick),
	    TEST(test_V35_one_that_ran_dry_is_found_without_a_kick),
	    TEST(test_V35_messages_are_looked_at_before_start),
	    TEST(test_V35_beside_a_stream_that_kicks),
	    TEST(test_V35_released_kicks_are_asked_for_again),
	    TEST(test_V35_capture_is_polled_too),
	    TEST(test_V82_a_saved_stream_keeps_its_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
