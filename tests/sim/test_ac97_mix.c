/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that records what it plays, and what is plugged into nothing, through a whole card. */
#include <string.h>

#include "ac97_parts.h"

#define RECORD_SELECT 0x1au

/* On the right side of the guest's numbers; the host's, which count from 1, have 0 there. */
#define MARK 5u

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static struct ac97_world world;

/* What the guest got, as it came. */
static struct {
	int16_t frames[96000][2];
	uint32_t n;
	uint64_t played;
} tape;

static uint32_t read_numbers(void *ctx, void *to, uint32_t frames)
{
	(void)ctx;
	ac97_frames_put(&stereo, to, (MARK << 16) + tape.played + 1, frames);
	tape.played += frames;
	return frames;
}

static void write_tape(void *ctx, const void *sound, uint32_t frames)
{
	(void)ctx;
	assert_true(tape.n + frames <= 96000);
	memcpy(tape.frames[tape.n], sound, frames * sizeof(tape.frames[0]));
	tape.n += frames;
}

struct duplex {
	const char *device;
	struct vmsnd_guest_params play, record;
	uint16_t sources;
};

/* Plays one second of numbers while it records. */
static void run(const struct duplex *duplex)
{
	struct ac97_world_conf conf = {.seed = 7,
				       .device = duplex->device,
				       .play = duplex->play,
				       .record = duplex->record,
				       .frames = UINT64_MAX,
				       .access = {1 * US, 60 * US},
				       .late = {0, 200 * US},
				       .app_late = {0, 500 * US}};
	struct vmsnd_ac97_player_conf play = {.stream = VMSND_AC97_PCM_OUT,
					      .params = duplex->play,
					      .frames = UINT64_MAX,
					      .read = read_numbers};
	struct vmsnd_ac97_player_conf record = {.stream = VMSND_AC97_PCM_IN,
						.params = duplex->record,
						.frames = UINT64_MAX,
						.write = write_tape};

	memset(&tape, 0, sizeof(tape));
	ac97_world_open(&world, &conf);
	vmsnd_ac97_guest_codec_write(&world.guest, RECORD_SELECT, duplex->sources);
	world.freeze_at = world.hiccup_at = world.extra_at = VMSND_NEVER;
	world.app_at = world.now;
	world.ear.next = (MARK << 16) + 1;
	vmsnd_ac97_player_init(&world.player, &world.guest, &play);
	vmsnd_ac97_player_init(&world.recorder, &world.guest, &record);
	ac97_world_run(&world, world.now + SECOND);
	assert_true(tape.n > 30000);
	assert_int_equal(world.player.xruns + world.recorder.xruns, 0);
	ac97_world_close(&world);
}

static void test_A9_20_the_stereo_mix_is_what_is_played_frame_by_frame(void **state)
{
	const struct duplex rows[] = {
	    {NULL, {stereo, 480, 4}, {stereo, 480, 4}, 0x0505},
	    {"variant=ich4", {stereo, 1024, 4}, {stereo, 333, 6}, 0x0505},
	    {"codec=ad1980", {stereo, 240, 8}, {stereo, 4096, 4}, 0x0505},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned heard = 0;

		run(&rows[i]);
		/* Gains have come up after 10 ms. */
		for (uint32_t n = 1; n < tape.n; n++) {
			if (tape.frames[n - 1][0] == 0 && heard == 0)
				continue;
			if (++heard <= 1000)
				continue;
			assert_int_equal(tape.frames[n][0], (int16_t)(tape.frames[n - 1][0] + 1));
			assert_int_equal(tape.frames[n][1], MARK);
		}
		assert_true(heard > 30000);
		/* No older than what the ways take: 20 ms, and a step or a period each. */
		assert_in_range(tape.frames[tape.n - 1][0] & 0xffff, tape.played % 65536 - 20000,
				tape.played % 65536);
	}
}

static void test_A9_20_what_nothing_is_plugged_into_is_silence(void **state)
{
	static const uint16_t sources[] = {0x0101, 0x0202, 0x0303, 0x0707};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct duplex duplex = {
		    .play = {stereo, 480, 4}, .record = {stereo, 480, 4}, .sources = sources[i]};

		run(&duplex);
		for (uint32_t n = 0; n < tape.n; n++)
			assert_int_equal(tape.frames[n][0] | tape.frames[n][1], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_20_the_stereo_mix_is_what_is_played_frame_by_frame),
	    cmocka_unit_test(test_A9_20_what_nothing_is_plugged_into_is_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
