/* SPDX-License-Identifier: BSD-3-Clause */
/* Every format, rate and channel count, bit for bit from the guest to the file. */
#include "sim.h"

/* What the card offers now. */
static const enum vmsnd_sample offered[] = {VMSND_SAMPLE_U8, VMSND_SAMPLE_S16, VMSND_SAMPLE_S24,
					    VMSND_SAMPLE_S32, VMSND_SAMPLE_FLOAT};
#define N_OFFERED (sizeof(offered) / sizeof(offered[0]))

static void play_format(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels)
{
	struct sim sim;
	struct sim_signal signal = sim_signal(sample, rate_hz, channels);
	struct vmsnd_guest_player player;
	uint32_t period_frames = rate_hz / 100;

	sim_open(&sim);
	signal.end = rate_hz / 5 + 13;
	sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
	player = sim_player(&sim, 0, &signal, period_frames, 4);
	sim_run(&sim, &player, 1, SECOND);
	assert_int_equal(player.frames_completed, signal.end);
	assert_in_range(player.ended_at - player.started_at, 200 * MS, 221 * MS);
	sim_assert_file(sim_path(&sim, "out.wav"), &signal, signal.end, period_frames);
	sim_close(&sim);
}

static void test_V40_V48_formats_and_rates_bit_exact(void **state)
{
	static const uint32_t rates_hz[] = {8000, 44100, 96000, 192000};

	for (unsigned s = 0; s < N_OFFERED; s++)
		for (unsigned i = 0; i < sizeof(rates_hz) / sizeof(rates_hz[0]); i++)
			for (uint32_t channels = 1; channels <= 2; channels++)
				play_format(offered[s], rates_hz[i], channels);
}

/* What PCM_INFO offers is what SET_PARAMS and PREPARE take. */
static void test_V30_V52_offered_is_accepted(void **state)
{
	static const uint32_t rates_hz[] = {8000,  11025, 16000, 22050, 32000,  44100,
					    48000, 64000, 88200, 96000, 176400, 192000};
	struct sim sim;
	struct vmsnd_guest *guest;

	sim_open(&sim);
	sim_add(&sim, "", NULL);
	guest = &sim.cards[0]->guest;
	for (unsigned stream = 0; stream < guest->config.streams; stream++)
		for (unsigned s = 0; s < N_OFFERED; s++)
			for (unsigned r = 0; r < sizeof(rates_hz) / sizeof(rates_hz[0]); r++) {
				struct vmsnd_guest_params params = {
				    {.sample = offered[s], .rate_hz = rates_hz[r], .channels = 2},
				    rates_hz[r] / 100,
				    4};
				const struct virtio_snd_pcm_info *info =
				    &guest->streams[stream].info;
				int format = vmsnd_guest_format_bit(offered[s]);
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
	    cmocka_unit_test(test_V40_V48_formats_and_rates_bit_exact),
	    cmocka_unit_test(test_V30_V52_offered_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
