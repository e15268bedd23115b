/* SPDX-License-Identifier: BSD-3-Clause */
#include "state_rig.h"

#include <stdlib.h>
#include <string.h>

#define OK    VIRTIO_SND_S_OK
#define START VIRTIO_SND_R_PCM_START
#define STOP  VIRTIO_SND_R_PCM_STOP

struct rig rig;
static uint32_t numbers[65536];
uint32_t posted[4];

void up(uint64_t features, uint16_t queue_size)
{
	rig_fill_numbers(numbers, 1, 65536);
	memset(posted, 0, sizeof(posted));
	rig_open(&rig, 2, 2);
	rig_boot(&rig, features, queue_size);
}

int set_up(void **state)
{
	up(rig_features(), 64);
	return 0;
}

int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

struct rig_message post(uint32_t stream, uint32_t frames)
{
	uint32_t first = posted[stream];

	posted[stream] += frames;
	if (stream >= 2)
		return rig_post_capture(&rig, stream, frames * 4);
	return rig_post_playback(&rig, stream, numbers + first, frames * 4);
}

enum vmsnd_rc start_queue(unsigned queue, uint32_t next_avail)
{
	rig.queues[queue].setup.next_avail = next_avail;
	return RIG_OPS->queue_start(rig.dev, queue, &rig.queues[queue].setup, rig.now);
}

void bring_back(void)
{
	size_t bytes, again_bytes;
	uint8_t *state = rig_save(&rig, &bytes), *again;

	for (unsigned i = 0; i < rig.n_playback + rig.n_capture; i++)
		rig.ports[i]->running = false;
	rig_make_card(&rig);
	assert_int_equal(rig_load(&rig, state, bytes), VMSND_OK);
	again = rig_save(&rig, &again_bytes);
	assert_int_equal(again_bytes, bytes);
	assert_memory_equal(again, state, bytes);
	free(again);
	free(state);
}

void start_again(uint64_t features)
{
	RIG_OPS->set_features(rig.dev, features);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig.queues[i].interrupts = 0;
		assert_int_equal(start_queue(i, RIG_OPS->queue_stop(rig.dev, i, rig.now)),
				 VMSND_OK);
		RIG_OPS->queue_enable(rig.dev, i, false, rig.now);
	}
	for (unsigned i = 0; i < N_QUEUES; i++) {
		RIG_OPS->queue_enable(rig.dev, i, true, rig.now);
		/* One for what was interrupted for before and may not have been heard of. */
		assert_true(rig.queues[i].interrupts >= 1);
	}
	rig_step(&rig);
}

void stop_all(void)
{
	for (unsigned i = 0; i < N_QUEUES; i++)
		RIG_OPS->queue_stop(rig.dev, i, rig.now);
}

struct ledger ledger;

void note(uint32_t stream, uint32_t frames)
{
	assert_true(ledger.n < MESSAGES_MAX);
	ledger.messages[ledger.n] = post(stream, frames);
	ledger.stream[ledger.n] = stream;
	ledger.back[ledger.n++] = false;
}

void take_back(unsigned queue)
{
	uint32_t head, written;

	while (rig_take(&rig, queue, &head, &written)) {
		unsigned found = ledger.n;

		for (unsigned i = 0; i < ledger.n && found == ledger.n; i++)
			if (!ledger.back[i] && ledger.messages[i].head == head &&
			    (ledger.stream[i] < 2) == (queue == TX))
				found = i;
		assert_true(found < ledger.n);
		for (unsigned i = 0; i < found; i++)
			assert_true(ledger.back[i] || ledger.stream[i] != ledger.stream[found]);
		ledger.back[found] = true;
		ledger.recorded[found] = written - 8;
		if (queue == RX && rig_features() == RIG_F_ALL)
			assert_int_equal(written - 8, ledger.messages[found].bytes);
		ledger.n_back++;
		assert_int_equal(rig_status(&rig, &ledger.messages[found]).status, OK);
	}
}

void expect_all_back(void)
{
	take_back(TX);
	take_back(RX);
	assert_int_equal(ledger.n_back, ledger.n);
}

void expect_recorded(uint32_t stream)
{
	uint32_t expected = 0;

	for (unsigned i = 0; i < ledger.n; i++)
		for (uint32_t at = 0; ledger.stream[i] == stream && at < ledger.recorded[i];
		     at += 4) {
			uint32_t word;

			memcpy(&word, rig_at(&rig, ledger.messages[i].data + at), 4);
			assert_int_equal(word, ++expected);
		}
}

void leave_two_behind(void)
{
	memset(&ledger, 0, sizeof(ledger));
	rig_prepare(&rig, 0);
	rig_prepare(&rig, 1);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, START, 1, OK);
	for (unsigned i = 0; i < 5; i++)
		note(0, 480);
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 35);
	rig_expect(&rig, STOP, 0, OK);
	take_back(TX);
	assert_int_equal(ledger.n_back, 3);
	for (unsigned i = 0; i < 200; i++) {
		note(1, 48);
		rig_kick(&rig, TX);
		rig_run_ms(&rig, 10);
		take_back(TX);
	}
	assert_int_equal(ledger.n_back, 203);
}
