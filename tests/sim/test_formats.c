/* SPDX-License-Identifier: BSD-3-Clause */
/* Every format, rate and channel count, bit for bit from the guest to the file, and back. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define EVERYTHING "formats=all,rates=all,channels=18"

/* Of the standard, in its order, but IMA_ADPCM and what is no PCM. */
static const enum vmsnd_sample samples[] = {
    VMSND_SAMPLE_MULAW, VMSND_SAMPLE_ALAW,  VMSND_SAMPLE_S8,    VMSND_SAMPLE_U8,
    VMSND_SAMPLE_S16,   VMSND_SAMPLE_U16,   VMSND_SAMPLE_S18_3, VMSND_SAMPLE_U18_3,
    VMSND_SAMPLE_S20_3, VMSND_SAMPLE_U20_3, VMSND_SAMPLE_S24_3, VMSND_SAMPLE_U24_3,
    VMSND_SAMPLE_S20,   VMSND_SAMPLE_U20,   VMSND_SAMPLE_S24,   VMSND_SAMPLE_U24,
    VMSND_SAMPLE_S32,   VMSND_SAMPLE_U32,   VMSND_SAMPLE_FLOAT, VMSND_SAMPLE_FLOAT64};
static const uint32_t rates_hz[] = {5512,  8000,  11025, 12000, 16000, 22050,  24000,  32000,
				    44100, 48000, 64000, 88200, 96000, 176400, 192000, 384000};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void play_format(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels)
{
	struct sim sim;
	struct sim_signal signal = sim_signal(sample, rate_hz, channels);
	struct vmsnd_guest_player player;
	uint32_t period_frames = rate_hz / 100;

	sim_open(&sim);
	signal.end = rate_hz / 5 + 13;
	sim_add(&sim, "capture=0," EVERYTHING, sim_file(&sim, "out.wav", ""));
	player = sim_player(&sim, 0, &signal, period_frames, 4);
	sim_run(&sim, &player, 1, SECOND);
	assert_int_equal(player.frames_completed, signal.end);
	assert_in_range(player.ended_at - player.started_at, 200 * MS, 222 * MS);
	sim_assert_file(sim_path(&sim, "out.wav"), &signal, signal.end, period_frames);
	sim_close(&sim);
}

static void test_V39_V40_V41_V42_V43_V44_formats_bit_exact(void **state)
{
	for (unsigned i = 0; i < N(samples); i++)
		for (uint32_t channels = 1; channels <= 2; channels++)
			play_format(samples[i], 48000, channels);
}

static void test_V46_V47_V48_rates_bit_exact(void **state)
{
	for (unsigned i = 0; i < N(rates_hz); i++)
		for (uint32_t channels = 1; channels <= 2; channels++)
			play_format(VMSND_SAMPLE_S24, rates_hz[i], channels);
}

/* Where the source begins in what was recorded: before it there is silence. */
static size_t find(const struct sim_signal *kept, const uint8_t *source, size_t bytes)
{
	size_t frame_bytes = sim_frame_bytes(&kept->format), at = 0;

	while (at + bytes <= kept->kept_bytes && memcmp(kept->kept + at, source, bytes) != 0)
		at += frame_bytes;
	return at;
}

/* What is recorded in a format is the file's sound. */
static void record_format(enum vmsnd_sample sample)
{
	struct sim_signal source = sim_signal(sample, 48000, 2), kept = source;
	uint32_t frame_bytes = sim_frame_bytes(&source.format);
	struct vmsnd_guest_player player;
	uint8_t *expected = malloc((size_t)9600 * frame_bytes);
	char options[400];
	struct sim sim;
	size_t at;

	sim_open(&sim);
	sim_sound_save(sim_path(&sim, "in.wav"), &source, 9600);
	sim_signal_plain(&source, expected, 9600);
	snprintf(options, sizeof(options), "file,in=%s,dither=off", sim_path(&sim, "in.wav"));
	sim_add(&sim, "input=on,playback=0," EVERYTHING, options);
	kept.end = 7200;
	player = sim_recorder(&sim, 0, &kept, 480, 4);
	sim_run(&sim, &player, 1, SECOND);
	assert_int_equal(kept.kept_bytes, 7200 * frame_bytes);
	at = find(&kept, expected, (size_t)64 * frame_bytes);
	assert_in_range(at, 0, 2400 * frame_bytes);
	assert_memory_equal(kept.kept + at, expected, kept.kept_bytes - at);
	free(expected);
	free(kept.kept);
	sim_close(&sim);
}

static void test_V40_V44_recorded_formats_bit_exact(void **state)
{
	for (unsigned i = 0; i < N(samples); i++)
		record_format(samples[i]);
}

/* What PCM_INFO offers is what SET_PARAMS and PREPARE take. */
static void test_V30_V52_offered_is_accepted(void **state)
{
	struct sim sim;
	struct vmsnd_guest *guest;

	sim_open(&sim);
	sim_add(&sim, EVERYTHING, NULL);
	guest = &sim.cards[0]->guest;
	for (unsigned stream = 0; stream < guest->config.streams; stream++)
		for (unsigned s = 0; s < N(samples); s++)
			for (unsigned r = 0; r < N(rates_hz); r++) {
				struct vmsnd_guest_params params = {
				    {.sample = samples[s], .rate_hz = rates_hz[r], .channels = 2},
				    rates_hz[r] / 100,
				    4};
				const struct virtio_snd_pcm_info *info =
				    &guest->streams[stream].info;
				int format = vmsnd_guest_format_bit(samples[s]);
				int rate = vmsnd_guest_rate_bit(rates_hz[r]);

				assert_true(info->formats >> format & 1);
				assert_true(info->rates >> rate & 1);
				assert_int_equal(
				    vmsnd_guest_set_params(guest, stream, &params, sim.now),
				    VIRTIO_SND_S_OK);
				assert_int_equal(vmsnd_guest_prepare(guest, stream, sim.now),
						 VIRTIO_SND_S_OK);
				assert_int_equal(vmsnd_guest_release(guest, stream, sim.now),
						 VIRTIO_SND_S_OK);
			}
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V39_V40_V41_V42_V43_V44_formats_bit_exact),
	    cmocka_unit_test(test_V46_V47_V48_rates_bit_exact),
	    cmocka_unit_test(test_V40_V44_recorded_formats_bit_exact),
	    cmocka_unit_test(test_V30_V52_offered_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
