/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback from a guest to a file, under virtual time. */
#include <string.h>

#include "sim.h"

#define PERIOD 480u /* 10 ms at 48 kHz */

static struct sim_signal stereo(uint64_t frames)
{
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);

	signal.end = frames;
	return signal;
}

static void check_played(const struct vmsnd_guest_player *player, uint64_t frames)
{
	assert_int_equal(player->frames_in, frames);
	assert_int_equal(player->frames_completed, frames);
	assert_int_equal(player->messages_failed, 0);
}

struct play_case {
	bool event_idx, indirect;
	uint16_t queue_size;
	uint32_t period_frames, periods;
	uint64_t frames;
};

static void play_over(const struct play_case *row, bool packed, bool in_order)
{
	struct sim sim;
	struct sim_signal signal = stereo(row->frames);
	struct vmsnd_guest_conf wish = {.event_idx = row->event_idx,
					.indirect = row->indirect,
					.queue_size = row->queue_size,
					.packed = packed,
					.in_order = in_order};
	char device[64];
	struct vmsnd_guest_player player;
	vmsnd_ns took, length = row->frames * SECOND / 48000;
	vmsnd_ns slack = (2 * row->period_frames + 1) * SECOND / 48000;
	unsigned card;

	sim_open(&sim);
	snprintf(device, sizeof(device), "capture=0%s%s", packed ? ",packed=on" : "",
		 in_order ? ",in-order=on" : "");
	card = sim_add_with(&sim, device, sim_file(&sim, "out.wav", ""), &wish);
	player = sim_player(&sim, card, &signal, row->period_frames, row->periods);
	sim_run(&sim, &player, 1, length + SECOND);
	check_played(&player, row->frames);
	/* V78: in real time, so neither sooner nor much later than the sound is long. */
	took = player.ended_at - player.started_at;
	assert_in_range(took, length, length + slack + 1);
	/* One and only one more block may follow the last frame: the one STOP came into. */
	sim_assert_file(sim_path(&sim, "out.wav"), &signal, row->frames, row->period_frames);
	assert_int_equal(sim_counter(&sim, card, "playback0.frames"), row->frames);
	assert_int_equal(sim.log_lines, 0);
	sim_close(&sim);
}

static void play_one(const struct play_case *row)
{
	play_over(row, false, false);
}

static void test_V70_V78_file_is_what_was_played(void **state)
{
	static const struct play_case rows[] = {
	    {false, false, 64, PERIOD, 4, 96000},    {true, false, 64, PERIOD, 4, 96000},
	    {false, true, 64, PERIOD, 4, 96000},     {true, true, 64, PERIOD, 4, 96000},
	    {true, true, 1024, PERIOD, 64, 200000},  {true, false, 1024, PERIOD, 64, 200000},
	    {true, true, 4, PERIOD, 4, 96000},       {false, false, 16, PERIOD, 4, 96000},
	    {true, true, 64, PERIOD * 10, 4, 96123},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		play_one(&rows[i]);
}

static void test_V9_over_other_rings(void **state)
{
	static const struct play_case rows[] = {
	    {false, false, 64, PERIOD, 4, 48000},   {true, false, 64, PERIOD, 4, 48000},
	    {false, true, 16, PERIOD, 4, 48000},    {true, true, 64, PERIOD, 4, 48000},
	    {true, true, 1024, PERIOD, 64, 100000},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		play_over(&rows[i], true, false);
		play_over(&rows[i], false, true);
		play_over(&rows[i], true, true);
	}
}

static void test_V76_odd_periods(void **state)
{
	static const uint32_t period_frames[] = {48, 49, 53, 61, 333, 441, 1021, 4799};

	for (unsigned i = 0; i < sizeof(period_frames) / sizeof(period_frames[0]); i++) {
		struct play_case row = {true, true, 64, period_frames[i], 8, 12345};

		play_one(&row);
	}
}

static void test_buffer_of_one_period_never_starves(void **state)
{
	static const uint32_t period_frames[] = {48, 441, PERIOD, 4800};

	for (unsigned i = 0; i < sizeof(period_frames) / sizeof(period_frames[0]); i++) {
		struct play_case row = {true, true, 64, period_frames[i], 1, 48000};

		play_one(&row);
	}
}

static void test_sound_shorter_than_a_period(void **state)
{
	static const uint64_t frames[] = {1, 2, 100, PERIOD - 1};

	for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct sim sim;
		struct sim_signal signal = stereo(frames[i]);
		struct vmsnd_guest_player player;
		unsigned card;

		sim_open(&sim);
		card = sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
		player = sim_player(&sim, card, &signal, PERIOD, 4);
		sim_run(&sim, &player, 1, 100 * MS);
		check_played(&player, frames[i]);
		sim_assert_file(sim_path(&sim, "out.wav"), &signal, frames[i], 2 * PERIOD);
		sim_close(&sim);
	}
}

/* After RELEASE the stream may be set up anew, in the same format or another. */
static void test_V59_again_and_again(void **state)
{
	struct sim sim;
	struct sim_signal first = stereo(10000), second = stereo(7777);
	struct vmsnd_guest_player player;
	struct sim_sound sound;
	uint64_t gap;
	unsigned card;

	sim_open(&sim);
	second.salt = 1;
	card = sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
	player = sim_player(&sim, card, &first, PERIOD, 4);
	sim_run(&sim, &player, 1, SECOND);
	player = sim_player(&sim, card, &second, 441, 3);
	sim_run(&sim, &player, 1, SECOND);
	check_played(&player, 7777);
	sound = sim_sound_load(sim_path(&sim, "out.wav"));
	sim_assert_signal(&sound, 0, &first, 0, 10000);
	gap = sim_sound_silence(&sound, 10000);
	assert_true(gap <= PERIOD);
	sim_assert_signal(&sound, 10000 + gap, &second, 0, 7777);
	sim_sound_free(&sound);
	sim_close(&sim);
}

static void test_V69_latency_is_what_is_still_to_be_heard(void **state)
{
	struct sim sim;
	struct sim_signal signal = stereo(48000);
	struct vmsnd_guest_player player;

	sim_open(&sim);
	sim_add(&sim, "capture=0", NULL);
	player = sim_player(&sim, 0, &signal, PERIOD, 4);
	sim_run(&sim, &player, 1, 2 * SECOND);
	/* What a guest can have handed over is its buffer; what is between it and the host is
	 * about two periods of it. */
	assert_true(player.latency_frames_max <= 4 * PERIOD);
	sim_close(&sim);
}

/* A counter for a source: an hour of scrambled frames would be the test's time, not ours. */
static uint32_t quick_read(void *ctx, void *to, uint32_t frames)
{
	uint64_t *at = ctx;

	memset(to, 0x5a, (size_t)frames * 4);
	*at += frames;
	return frames;
}

static void test_an_hour_of_playback(void **state)
{
	const uint64_t frames = UINT64_C(3600) * 48000;
	struct sim sim;
	uint64_t at = 0;
	struct vmsnd_guest_player player;
	struct vmsnd_guest_player_conf conf = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, PERIOD, 4},
	    .frames = frames,
	    .ctx = &at,
	    .read = quick_read};
	vmsnd_ns took;

	sim_open(&sim);
	sim_add(&sim, "capture=0", NULL);
	vmsnd_guest_player_init(&player, &sim.cards[0]->guest, &conf);
	sim_run(&sim, &player, 1, 3601 * SECOND);
	check_played(&player, frames);
	took = player.ended_at - player.started_at;
	assert_in_range(took, 3600 * SECOND, 3600 * SECOND + 20 * MS);
	assert_int_equal(sim_counter(&sim, 0, "playback0.frames"), frames);
	assert_int_equal(sim_counter(&sim, 0, "playback0.underruns"), 0);
	sim_close(&sim);
}

static void test_a_hundred_cards_at_once(void **state)
{
	static struct vmsnd_guest_player players[100];
	static struct sim_signal signals[100];
	struct vmsnd_guest_conf wish = {
	    .event_idx = true, .indirect = true, .memory_bytes = 1 << 20};
	struct sim sim;
	char name[32];

	sim_open(&sim);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%u.wav", i);
		sim_add_with(&sim, "capture=0", sim_file(&sim, name, ""), &wish);
		signals[i] = stereo(4800 + 100 * i);
		signals[i].salt = i;
		players[i] = sim_player(&sim, i, &signals[i], 240 + i, 2 + i % 5);
	}
	assert_int_equal(vmsnd_machine_status(sim.machine).cards, 100);
	assert_int_equal(vmsnd_machine_status(sim.machine).connected, 100);
	sim_run(&sim, players, 100, 2 * SECOND);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%u.wav", i);
		check_played(&players[i], 4800 + 100 * i);
		sim_assert_file(sim_path(&sim, name), &signals[i], 4800 + 100 * i, 240 + i);
	}
	sim_close(&sim);
}

/* V38, V79: streams of one card share the tx queue and do not hold each other up. */
static void test_V79_streams_of_one_card(void **state)
{
	struct sim sim;
	struct sim_signal signals[3] = {stereo(48000), stereo(24000), stereo(30000)};
	struct vmsnd_guest_player players[3];

	sim_open(&sim);
	sim_add(&sim, "playback=3,capture=0", NULL);
	for (unsigned i = 0; i < 3; i++) {
		players[i] = sim_player(&sim, 0, &signals[i], PERIOD >> i, 3 + i);
		players[i].conf.stream = i;
	}
	sim_run(&sim, players, 3, 2 * SECOND);
	for (unsigned i = 0; i < 3; i++) {
		vmsnd_ns length = signals[i].end * SECOND / 48000;

		check_played(&players[i], signals[i].end);
		assert_in_range(players[i].ended_at - players[i].started_at, length,
				length + 21 * MS);
	}
	sim_close(&sim);
}

/* pace=free: as fast as the guest goes, and still frame for frame. */
static void test_free_pace(void **state)
{
	struct sim sim;
	struct sim_signal signal = stereo(100001);
	struct vmsnd_guest_player player;

	sim_open(&sim);
	sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ",pace=free"));
	player = sim_player(&sim, 0, &signal, PERIOD, 4);
	sim_run(&sim, &player, 1, 200 * MS);
	check_played(&player, 100001);
	sim_assert_file(sim_path(&sim, "out.wav"), &signal, 100001, 0);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V70_V78_file_is_what_was_played),
	    cmocka_unit_test(test_V9_over_other_rings),
	    cmocka_unit_test(test_V76_odd_periods),
	    cmocka_unit_test(test_buffer_of_one_period_never_starves),
	    cmocka_unit_test(test_sound_shorter_than_a_period),
	    cmocka_unit_test(test_V59_again_and_again),
	    cmocka_unit_test(test_V69_latency_is_what_is_still_to_be_heard),
	    cmocka_unit_test(test_an_hour_of_playback),
	    cmocka_unit_test(test_a_hundred_cards_at_once),
	    cmocka_unit_test(test_V79_streams_of_one_card),
	    cmocka_unit_test(test_free_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
