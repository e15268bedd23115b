/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture from a file to a guest, under virtual time. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PERIOD 480u

/* How many of the recorded frames at `at` are frames of `signal` from `first` on. */
static uint64_t matching(const struct sim_signal *kept, uint64_t at,
			 const struct sim_signal *signal, uint64_t first, uint64_t most)
{
	uint32_t frame_bytes = sim_frame_bytes(&kept->format);
	struct sim_signal copy = *signal;
	uint8_t frame[4 * VMSND_CHANNELS_MAX];
	uint64_t n = 0;

	copy.at = first;
	while (n < most && (at + n) * frame_bytes < kept->kept_bytes) {
		sim_signal_read(&copy, frame, 1);
		if (memcmp(kept->kept + (at + n) * frame_bytes, frame, frame_bytes) != 0)
			break;
		n++;
	}
	return n;
}

static uint64_t silence(const struct sim_signal *kept, uint64_t at)
{
	uint32_t frame_bytes = sim_frame_bytes(&kept->format);
	uint8_t quiet = kept->format.sample == VMSND_SAMPLE_U8 ? 0x80 : 0;
	uint64_t n = at * frame_bytes;

	while (n < kept->kept_bytes && kept->kept[n] == quiet)
		n++;
	return n / frame_bytes - at;
}

static uint64_t kept_frames(const struct sim_signal *kept)
{
	return kept->kept_bytes / sim_frame_bytes(&kept->format);
}

struct capture_case {
	struct vmsnd_format format;
	uint32_t period_frames, periods;
};

static void capture_one(const struct capture_case *row)
{
	struct sim sim;
	struct sim_signal source =
	    sim_signal(row->format.sample, row->format.rate_hz, row->format.channels);
	struct sim_signal kept = source;
	struct vmsnd_guest_player player;
	uint64_t frames = row->format.rate_hz / 2, lead;
	char backend[600];
	vmsnd_ns took;

	sim_open(&sim);
	sim_sound_save(sim_path(&sim, "voice.wav"), &source, frames);
	snprintf(backend, sizeof(backend), "file,in=%s,loop=off", sim_path(&sim, "voice.wav"));
	sim_add(&sim, "playback=0,input=on", backend);
	kept.end = frames + frames / 2;
	player = sim_recorder(&sim, 0, &kept, row->period_frames, row->periods);
	sim_run(&sim, &player, 1, 3 * SECOND);
	assert_int_equal(player.frames_completed, kept.end);
	assert_int_equal(player.messages_failed, 0);
	assert_int_equal(kept_frames(&kept), kept.end);
	lead = silence(&kept, 0);
	assert_true(lead <= 2 * row->period_frames);
	assert_int_equal(matching(&kept, lead, &source, 0, frames), frames);
	/* Once the file is over there is silence, and time goes on. */
	assert_int_equal(silence(&kept, lead + frames), kept.end - lead - frames);
	took = player.ended_at - player.started_at;
	assert_in_range(took, kept.end * SECOND / row->format.rate_hz,
			(kept.end + 3 * row->period_frames) * SECOND / row->format.rate_hz);
	free(kept.kept);
	sim_close(&sim);
}

static void test_V71_V72_guest_records_the_file(void **state)
{
	static const struct capture_case rows[] = {
	    {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, PERIOD, 4},
	    {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, 441, 2},
	    {{.sample = VMSND_SAMPLE_S16, .rate_hz = 44100, .channels = 1}, 1021, 8},
	    {{.sample = VMSND_SAMPLE_S32, .rate_hz = 96000, .channels = 2}, 960, 4},
	    {{.sample = VMSND_SAMPLE_U8, .rate_hz = 8000, .channels = 1}, 80, 4},
	    {{.sample = VMSND_SAMPLE_FLOAT, .rate_hz = 192000, .channels = 2}, 1920, 4},
	    {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, PERIOD, 64},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		capture_one(&rows[i]);
}

static void test_capture_loops_without_a_gap(void **state)
{
	struct sim sim;
	struct sim_signal source = sim_signal(VMSND_SAMPLE_S16, 48000, 2), kept = source;
	struct vmsnd_guest_player player;
	char backend[600];
	uint64_t at;

	sim_open(&sim);
	sim_sound_save(sim_path(&sim, "voice.wav"), &source, 5001);
	snprintf(backend, sizeof(backend), "file,in=%s", sim_path(&sim, "voice.wav"));
	sim_add(&sim, "playback=0,input=on", backend);
	kept.end = 48000;
	player = sim_recorder(&sim, 0, &kept, PERIOD, 4);
	sim_run(&sim, &player, 1, 2 * SECOND);
	at = silence(&kept, 0);
	assert_true(at <= 2 * PERIOD);
	while (at + 5001 <= 48000) {
		assert_int_equal(matching(&kept, at, &source, 0, 5001), 5001);
		at += 5001;
	}
	assert_int_equal(matching(&kept, at, &source, 0, 48000 - at), 48000 - at);
	free(kept.kept);
	sim_close(&sim);
}

/* Off is the default: the guest sees a working card that hears nothing (design, idea 8). */
static void test_input_off_is_silence_in_real_time(void **state)
{
	static const char *const devices[] = {"playback=0", "playback=0,input=off"};

	for (unsigned i = 0; i < 2; i++) {
		struct sim sim;
		struct sim_signal source = sim_signal(VMSND_SAMPLE_S16, 48000, 2), kept = source;
		struct vmsnd_guest_player player;
		char backend[600];

		sim_open(&sim);
		sim_sound_save(sim_path(&sim, "voice.wav"), &source, 48000);
		snprintf(backend, sizeof(backend), "file,in=%s", sim_path(&sim, "voice.wav"));
		sim_add(&sim, devices[i], backend);
		kept.end = 24000;
		player = sim_recorder(&sim, 0, &kept, PERIOD, 4);
		sim_run(&sim, &player, 1, SECOND);
		assert_int_equal(kept_frames(&kept), 24000);
		assert_int_equal(silence(&kept, 0), 24000);
		assert_in_range(player.ended_at - player.started_at, 500 * MS, 531 * MS);
		free(kept.kept);
		sim_close(&sim);
	}
}

/* Both directions of one card at the same time, each on its own queue. */
static void test_duplex(void **state)
{
	struct sim sim;
	struct sim_signal source = sim_signal(VMSND_SAMPLE_S16, 48000, 2), kept = source,
			  played = source;
	struct vmsnd_guest_player players[2];
	char more[300];
	uint64_t lead;

	sim_open(&sim);
	played.salt = 7;
	played.end = kept.end = 48000;
	sim_sound_save(sim_path(&sim, "voice.wav"), &source, 48000);
	snprintf(more, sizeof(more), ",in=%s", sim_path(&sim, "voice.wav"));
	sim_add(&sim, "input=on", sim_file(&sim, "out.wav", more));
	players[0] = sim_player(&sim, 0, &played, PERIOD, 4);
	players[1] = sim_recorder(&sim, 0, &kept, 441, 4);
	sim_run(&sim, players, 2, 2 * SECOND);
	sim_assert_file(sim_path(&sim, "out.wav"), &played, 48000, PERIOD);
	lead = silence(&kept, 0);
	assert_true(lead <= 2 * 441);
	assert_int_equal(matching(&kept, lead, &source, 0, 48000 - lead), 48000 - lead);
	free(kept.kept);
	sim_close(&sim);
}

/* A guest that comes late for its buffers loses what there was no room for, is told so by the
 * counter, and goes on with sound that is in order. */
static void test_overrun_is_counted_and_time_goes_on(void **state)
{
	struct sim sim;
	struct sim_signal source = sim_signal(VMSND_SAMPLE_S16, 48000, 2), kept = source;
	struct vmsnd_guest_player player;
	char backend[600];
	uint64_t lead, before, jump = 0, after;

	sim_open(&sim);
	sim_sound_save(sim_path(&sim, "voice.wav"), &source, 96000);
	snprintf(backend, sizeof(backend), "file,in=%s,loop=off", sim_path(&sim, "voice.wav"));
	sim_add(&sim, "playback=0,input=on", backend);
	kept.end = 48000;
	player = sim_recorder(&sim, 0, &kept, PERIOD, 4);
	sim_run_until(&sim, &player, 1, sim.now + 300 * MS);
	sim_run_until(&sim, NULL, 0, sim.now + 400 * MS); /* the guest sleeps */
	sim_run(&sim, &player, 1, 2 * SECOND);
	lead = silence(&kept, 0);
	before = matching(&kept, lead, &source, 0, 48000);
	assert_in_range(before, 300 * 48 - 3 * PERIOD, 48000 - lead - PERIOD);
	while (jump < 96000 && matching(&kept, lead + before, &source, before + jump, 1) == 0)
		jump++;
	assert_in_range(jump, (400 - 110) * 48, 410 * 48);
	after = 48000 - lead - before;
	assert_int_equal(matching(&kept, lead + before, &source, before + jump, after), after);
	assert_int_equal(sim_counter(&sim, 0, "capture0.overrun_frames"), jump);
	assert_true(sim_counter(&sim, 0, "capture0.overruns") > 0);
	free(kept.kept);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V71_V72_guest_records_the_file),
	    cmocka_unit_test(test_capture_loops_without_a_gap),
	    cmocka_unit_test(test_input_off_is_silence_in_real_time),
	    cmocka_unit_test(test_duplex),
	    cmocka_unit_test(test_overrun_is_counted_and_time_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
