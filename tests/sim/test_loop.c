/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that records what it plays, through the backend loop. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PERIOD 480u

static struct vmsnd_guest_player recorder(struct sim *sim, struct sim_signal *into, uint64_t frames)
{
	struct vmsnd_guest *guest = &sim->cards[0]->guest;
	struct vmsnd_guest_player_conf conf = {
	    .stream = (unsigned)vmsnd_guest_find_stream(guest, VMSND_CAPTURE, 0),
	    .params = {into->format, PERIOD, 4},
	    .frames = frames,
	    .ctx = into,
	    .write = sim_signal_write,
	};
	struct vmsnd_guest_player player;

	vmsnd_guest_player_init(&player, guest, &conf);
	return player;
}

/* Frames of silence at the start. */
static uint64_t lead(const struct sim_signal *kept)
{
	uint32_t bytes = sim_frame_bytes(&kept->format);
	uint8_t quiet[8 * VMSND_CHANNELS_MAX];
	uint64_t n = 0;

	vmsnd_format_silence_rt(&kept->format, quiet, 1);
	while ((n + 1) * bytes <= kept->kept_bytes &&
	       memcmp(kept->kept + n * bytes, quiet, bytes) == 0)
		n++;
	return n;
}

/* Every frame of the signal lies at `at`, in order, and then there is silence. */
static void check(const struct sim_signal *kept, uint64_t at, struct sim_signal signal)
{
	uint32_t bytes = sim_frame_bytes(&kept->format);
	uint8_t frame[8 * VMSND_CHANNELS_MAX];
	uint64_t n = kept->kept_bytes / bytes;

	signal.at = 0;
	assert_true(at + signal.end < n);
	for (uint64_t i = at; i < n; i++) {
		if (sim_signal_read(&signal, frame, 1) == 0)
			vmsnd_format_silence_rt(&signal.format, frame, 1);
		assert_memory_equal(kept->kept + i * bytes, frame, bytes);
	}
}

static uint64_t play_and_record(struct sim *sim, struct vmsnd_format format, bool record_first)
{
	struct sim_signal source = sim_signal(format.sample, format.rate_hz, format.channels);
	struct sim_signal kept = source;
	struct vmsnd_guest_player players[2];
	uint64_t at;

	source.end = format.rate_hz;
	kept.end = 2 * (uint64_t)format.rate_hz;
	players[record_first] = sim_player(sim, 0, &source, PERIOD, 4);
	players[!record_first] = recorder(sim, &kept, kept.end);
	sim_run(sim, players, 2, 5 * SECOND);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(players[i].messages_failed, 0);
	assert_int_equal(players[record_first].frames_completed, source.end);
	at = lead(&kept);
	check(&kept, at, source);
	free(kept.kept);
	return at;
}

/* One after the other on one card: the microphone of the last lingers while the next begins. */
static void test_V70_V71_a_guest_hears_itself_bit_for_bit(void **state)
{
	static const struct vmsnd_format rows[] = {
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    {.sample = VMSND_SAMPLE_U8, .rate_hz = 8000, .channels = 1},
	    {.sample = VMSND_SAMPLE_S32, .rate_hz = 96000, .channels = 2},
	    {.sample = VMSND_SAMPLE_FLOAT, .rate_hz = 44100, .channels = 2},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = 192000, .channels = 1},
	    {.sample = VMSND_SAMPLE_DSD_U32, .rate_hz = 88200, .channels = 2},
	    {.sample = VMSND_SAMPLE_IEC958_SUBFRAME, .rate_hz = 48000, .channels = 2},
	};
	struct sim sim;

	sim_open(&sim);
	sim_add(&sim, "input=on,formats=all DSD_U32 IEC958_SUBFRAME", "loop");
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++)
		play_and_record(&sim, rows[i / 2], i % 2);
	assert_int_equal(sim_counter(&sim, 0, "playback0.underruns"), 0);
	sim_close(&sim);
}

static void test_delay_ms_is_the_way_to_the_frame(void **state)
{
	static const struct vmsnd_format cd = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};
	uint64_t at[2];
	struct sim sim;

	for (unsigned i = 0; i < 2; i++) {
		sim_open(&sim);
		sim_add(&sim, "input=on", i ? "loop,delay-ms=100" : "loop");
		at[i] = play_and_record(&sim, cd, true);
		sim_close(&sim);
	}
	assert_int_equal(at[1], at[0] + 4800);
}

/* The card's input is the owner's switch here as everywhere. */
static void test_nothing_is_heard_with_the_input_off(void **state)
{
	struct sim_signal source = sim_signal(VMSND_SAMPLE_S16, 48000, 2), kept = source;
	struct vmsnd_guest_player players[2];
	struct sim sim;

	sim_open(&sim);
	sim_add(&sim, "", "loop");
	source.end = 24000;
	players[0] = sim_player(&sim, 0, &source, PERIOD, 4);
	players[1] = recorder(&sim, &kept, 48000);
	sim_run(&sim, players, 2, 5 * SECOND);
	assert_int_equal(lead(&kept), 48000);
	free(kept.kept);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V70_V71_a_guest_hears_itself_bit_for_bit),
	    cmocka_unit_test(test_delay_ms_is_the_way_to_the_frame),
	    cmocka_unit_test(test_nothing_is_heard_with_the_input_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
