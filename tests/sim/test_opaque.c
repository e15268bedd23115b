/* SPDX-License-Identifier: BSD-3-Clause */
/* What is no PCM from a guest's driver into a file (V45): each byte arrives, in order, untouched.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PERIOD  480u
#define FORMATS "formats=S16 DSD_U8 DSD_U16 DSD_U32 IEC958_SUBFRAME,channels=6"

struct bytes {
	uint8_t *at;
	size_t n;
};

static struct bytes load(const char *path)
{
	struct bytes bytes = {.at = malloc(1 << 24)};
	FILE *file = fopen(path, "rb");

	if (!file)
		fail_msg("%s is not there", path);
	assert_non_null(bytes.at);
	bytes.n = fread(bytes.at, 1, 1 << 24, file);
	fclose(file);
	return bytes;
}

/* The signal with `n` salts from 0 on, two apart, every frame of each; silence before, between
 * and after; nothing else. */
static void check_raw(const char *path, struct sim_signal signal, unsigned n)
{
	uint32_t bytes = sim_frame_bytes(&signal.format);
	uint8_t quiet[4 * VMSND_CHANNELS_MAX], frame[4 * VMSND_CHANNELS_MAX];
	struct bytes file = load(path);
	size_t at = 0;

	vmsnd_format_silence_rt(&signal.format, quiet, 1);
	for (unsigned i = 0; i <= n; i++) {
		while (at + bytes <= file.n && memcmp(file.at + at, quiet, bytes) == 0)
			at += bytes;
		signal.at = 0;
		signal.salt = 2 * i;
		for (; i < n && sim_signal_read(&signal, frame, 1) == 1; at += bytes) {
			assert_true(at + bytes <= file.n);
			assert_memory_equal(file.at + at, frame, bytes);
		}
	}
	assert_int_equal(at, file.n);
	free(file.at);
}

static void play(struct sim *sim, struct sim_signal *signal, uint64_t frames)
{
	struct vmsnd_guest_player player;

	signal->end = frames;
	player = sim_player(sim, 0, signal, PERIOD, 4);
	sim_run(sim, &player, 1, 10 * SECOND);
	assert_int_equal(player.frames_completed, frames);
	assert_int_equal(player.messages_failed, 0);
}

static void test_V45_each_format_into_a_file_of_bytes(void **state)
{
	static const struct {
		struct vmsnd_format format;
		const char *name;
	} rows[] = {
	    {{.sample = VMSND_SAMPLE_DSD_U32, .rate_hz = 88200, .channels = 2}, "o.dsd"},
	    {{.sample = VMSND_SAMPLE_DSD_U16, .rate_hz = 176400, .channels = 2}, "o.dsd"},
	    {{.sample = VMSND_SAMPLE_DSD_U8, .rate_hz = 176400, .channels = 6}, "o.dsd"},
	    {{.sample = VMSND_SAMPLE_DSD_U8, .rate_hz = 44100, .channels = 1}, "o.dsd"},
	    {{.sample = VMSND_SAMPLE_IEC958_SUBFRAME, .rate_hz = 48000, .channels = 2}, "o.iec958"},
	    {{.sample = VMSND_SAMPLE_IEC958_SUBFRAME, .rate_hz = 192000, .channels = 2},
	     "o.iec958"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vmsnd_format *format = &rows[i].format;
		struct sim_signal signal =
		    sim_signal(format->sample, format->rate_hz, format->channels);
		struct sim sim;

		sim_open(&sim);
		sim_add(&sim, FORMATS ",rates=all",
			sim_file(&sim, "o.wav", ",dsd=raw,volume=-20,sample=FLOAT,rate=44100"));
		play(&sim, &signal, format->rate_hz);
		assert_int_equal(sim_counter(&sim, 0, "playback0.underruns"), 0);
		vmsnd_machine_close(sim.machine, sim.now);
		check_raw(sim_path(&sim, rows[i].name), signal, 1);
		assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim.machine),
				 VMSND_OK);
		sim_close(&sim);
	}
}

/* PCM and DSD by turns, on two outputs: each has a file of both. */
static void test_V45_pcm_and_dsd_by_turns(void **state)
{
	struct sim_signal dsd = sim_signal(VMSND_SAMPLE_DSD_U32, 88200, 2);
	struct sim_signal pcm = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	char backend[512];
	unsigned number;
	struct sim sim;

	sim_open(&sim);
	sim_add(&sim, FORMATS, sim_file(&sim, "a.wav", ",dsd=raw"));
	snprintf(backend, sizeof(backend), "%s", sim_file(&sim, "b.wav", ",dsd=raw"));
	assert_int_equal(vmsnd_machine_attach(sim.machine, 0, backend, sim.now, &number), VMSND_OK);
	for (unsigned i = 0; i < 4; i++) {
		struct sim_signal *signal = i % 2 ? &pcm : &dsd;

		dsd.salt = pcm.salt = i;
		signal->at = 0;
		play(&sim, signal, signal->format.rate_hz / 2);
	}
	vmsnd_machine_close(sim.machine, sim.now);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_sound sound = sim_sound_load(sim_path(&sim, i ? "b-2.wav" : "a-2.wav"));

		check_raw(sim_path(&sim, i ? "b.dsd" : "a.dsd"), dsd, 2);
		assert_true(sound.frames >= 48000);
		sim_sound_free(&sound);
	}
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim.machine),
			 VMSND_OK);
	sim_close(&sim);
}

/* What a player makes of it: 2.8224 MHz, and the first bits first. */
static void test_V45_dsd64_into_dsdiff(void **state)
{
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_DSD_U32, 88200, 2);
	size_t at = 0, found = 0;
	uint8_t frame[8];
	struct bytes file;
	struct sim sim;

	sim_open(&sim);
	sim_add(&sim, FORMATS, sim_file(&sim, "o.flac", ""));
	play(&sim, &signal, 88200);
	vmsnd_machine_close(sim.machine, sim.now);
	file = load(sim_path(&sim, "o.dff"));
	assert_memory_equal(file.at, "FRM8", 4);
	/* FRM8 and its form, FVER, PROP and its form, FS: the rate follows. */
	assert_memory_equal(file.at + 48, "FS  \0\0\0\0\0\0\0\4\0\x2b\x11\0", 16);
	while (at + 12 < file.n && memcmp(file.at + at, "DSD \0\0\0\0", 8) != 0)
		at++;
	for (at += 12; at + 8 <= file.n; at += 8) {
		uint8_t oldest[8];

		if (file.at[at] == 0x69 && memcmp(file.at + at, file.at + at + 1, 7) == 0)
			continue;
		signal.at = found++;
		assert_int_equal(sim_signal_read(&signal, frame, 1), 1);
		for (unsigned i = 0; i < 8; i++)
			oldest[i] = frame[3 - i / 2 + 4 * (i % 2)];
		assert_memory_equal(file.at + at, oldest, 8);
	}
	assert_int_equal(found, 88200);
	free(file.at);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim.machine),
			 VMSND_OK);
	sim_close(&sim);
}

static void test_V45_offered_only_by_name(void **state)
{
	static const struct {
		const char *options;
		bool dsd, iec;
	} rows[] = {{"", false, false},
		    {"formats=all", false, false},
		    {"formats=all DSD_U32", true, false},
		    {"formats=IEC958_SUBFRAME", false, true}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t formats;
		struct sim sim;

		sim_open(&sim);
		sim_add(&sim, rows[i].options, "null");
		formats = sim.cards[0]->guest.streams[0].info.formats;
		assert_int_equal(formats >> VIRTIO_SND_PCM_FMT_DSD_U32 & 1, rows[i].dsd);
		assert_int_equal(formats >> VIRTIO_SND_PCM_FMT_IEC958_SUBFRAME & 1, rows[i].iec);
		sim_close(&sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V45_each_format_into_a_file_of_bytes),
	    cmocka_unit_test(test_V45_pcm_and_dsd_by_turns),
	    cmocka_unit_test(test_V45_dsd64_into_dsdiff),
	    cmocka_unit_test(test_V45_offered_only_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
