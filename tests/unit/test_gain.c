/* SPDX-License-Identifier: BSD-3-Clause */
/* MX-16: gain up and down, a mute for each channel, and no change that clicks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "pcm/gain.h"

#define RATE   48000u
#define RAMP   480u /* 10 ms */
#define FRAMES 2000u

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = RATE, .channels = 2};
static const struct vmsnd_volume unity;

static double sound[FRAMES * VMSND_CHANNELS_MAX];

static void ones(void)
{
	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		sound[i] = 1;
}

/* Blocks of uneven length: a ramp must not care. */
static void apply(struct vmsnd_gain *gain, uint32_t frames)
{
	for (uint32_t done = 0, some = 1; done < frames; done += some, some = 1 + some * 7 % 97) {
		some = some < frames - done ? some : frames - done;
		vmsnd_gain_apply_rt(gain, sound + (size_t)done * gain->channels, some);
	}
}

static void test_MX_16_factors(void **state)
{
	static const struct {
		struct vmsnd_volume volume;
		double factor;
	} cases[] = {
	    {{.gain_mdb = 0}, 1},
	    {{.gain_mdb = -6020}, 0.500034535},
	    {{.gain_mdb = 6000}, 1.995262315},
	    {{.gain_mdb = -20000}, 0.1},
	    {{.gain_mdb = 20000}, 10},
	    {{.gain_mdb = VMSND_GAIN_MAX_MDB}, 15.848931925},
	    {{.gain_mdb = VMSND_GAIN_MAX_MDB + 1}, 15.848931925},
	    {{.gain_mdb = INT32_MAX, .channel_mdb = {INT32_MAX}}, 15.848931925},
	    {{.gain_mdb = 7000, .channel_mdb = {-7000}}, 1},
	    {{.gain_mdb = -3000, .channel_mdb = {-3000}}, 0.501187234},
	    {{.gain_mdb = VMSND_GAIN_MIN_MDB + 1}, 6.310299841e-8},
	    {{.gain_mdb = VMSND_GAIN_MIN_MDB}, 0},
	    {{.gain_mdb = VMSND_GAIN_MIN_MDB, .channel_mdb = {20000}}, 0},
	    {{.gain_mdb = 20000, .channel_mdb = {VMSND_GAIN_MIN_MDB}}, 0},
	    {{.gain_mdb = INT32_MIN, .channel_mdb = {INT32_MIN}}, 0},
	    {{.muted = 1}, 0},
	    {{.muted = 2}, 1},
	    {{.muted = UINT32_MAX}, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double got = (double)vmsnd_volume_factor(&cases[i].volume, 0);

		assert_true(fabs(got - cases[i].factor) <= 1e-6 * cases[i].factor);
	}
	assert_true(vmsnd_volume_factor(&cases[0].volume, 0) == 1.0f);
	assert_true(vmsnd_volume_factor(&cases[8].volume, 0) == 1.0f);
	assert_true(vmsnd_volume_factor(&cases[0].volume, VMSND_CHANNELS_MAX) == 0.0f);
}

static void test_MX_16_unity_leaves_every_bit(void **state)
{
	static double before[FRAMES];
	struct vmsnd_gain gain;

	for (uint32_t i = 0; i < FRAMES; i++)
		before[i] = sound[i] = sin(i * 0.1) * 1e-3;
	sound[3] = before[3] = INFINITY;
	sound[4] = before[4] = -0.0;
	vmsnd_gain_init(&gain, &stereo, &unity);
	assert_true(vmsnd_gain_unity_rt(&gain));
	apply(&gain, FRAMES / 2);
	assert_memory_equal(sound, before, sizeof(before));
	vmsnd_gain_set(&gain, &unity);
	assert_true(vmsnd_gain_unity_rt(&gain));
	vmsnd_gain_set(&gain, &(struct vmsnd_volume){.gain_mdb = -1});
	assert_false(vmsnd_gain_unity_rt(&gain));
}

static void test_starts_at_its_volume_without_a_ramp(void **state)
{
	struct vmsnd_gain gain;

	memset(&gain, 0xff, sizeof(gain));
	vmsnd_gain_init(&gain, &stereo,
			&(struct vmsnd_volume){.gain_mdb = -20000, .channel_mdb = {0, 20000}});
	assert_false(vmsnd_gain_unity_rt(&gain));
	ones();
	apply(&gain, 100);
	for (uint32_t i = 0; i < 100; i++) {
		assert_true(sound[2 * i] == (double)0.1f);
		assert_true(sound[2 * i + 1] == 1);
	}
}

/* Ten milliseconds to the frame, in even steps, ending exactly there, whatever the blocks. */
static void test_MX_16_a_change_is_a_ramp(void **state)
{
	struct vmsnd_gain gain;

	vmsnd_gain_init(&gain, &stereo, &unity);
	vmsnd_gain_set(&gain, &(struct vmsnd_volume){.muted = 2});
	ones();
	apply(&gain, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++) {
		double want = i + 1 < RAMP ? 1 - (double)(i + 1) / RAMP : 0;

		assert_true(sound[2 * i] == 1);
		assert_true(fabs(sound[2 * i + 1] - want) < 1e-5);
	}
	assert_true(sound[2 * (RAMP - 2) + 1] != 0);
	assert_true(sound[2 * (RAMP - 1) + 1] == 0);
	assert_false(vmsnd_gain_unity_rt(&gain));
	vmsnd_gain_set(&gain, &unity);
	ones();
	apply(&gain, RAMP - 1);
	assert_false(vmsnd_gain_unity_rt(&gain));
	apply(&gain, 1);
	assert_true(vmsnd_gain_unity_rt(&gain));
	ones();
	apply(&gain, 10);
	for (uint32_t i = 0; i < 20; i++)
		assert_true(sound[i] == 1);
}

/* The largest step between two frames of a ramp between silence and `top`, and some room for
 * rounding. */
static double largest_step(uint32_t frames, uint32_t channel, double last)
{
	double largest = 0;

	for (uint32_t i = 0; i < frames; i++) {
		double value = sound[2 * i + channel];

		largest = fabs(value - last) > largest ? fabs(value - last) : largest;
		last = value;
	}
	return largest;
}

/* Set again in the middle of a ramp, at every place of it: it turns from where it is. */
static void test_MX_16_no_jump_when_the_target_moves_in_a_ramp(void **state)
{
	for (uint32_t at = 0; at <= RAMP + 1; at++) {
		struct vmsnd_gain gain;

		vmsnd_gain_init(&gain, &stereo, &unity);
		ones();
		vmsnd_gain_set(&gain, &(struct vmsnd_volume){.muted = 1, .channel_mdb = {0, 6000}});
		apply(&gain, at);
		vmsnd_gain_set(&gain, &(struct vmsnd_volume){.muted = 2, .channel_mdb = {-40000}});
		vmsnd_gain_apply_rt(&gain, sound + 2 * at, RAMP - 1);
		assert_true(largest_step(at + RAMP - 1, 0, 1) <= 1.0 / RAMP + 1e-6);
		assert_true(largest_step(at + RAMP - 1, 1, 1) <= 2.0 / RAMP + 1e-6);
		if (at > 0)
			assert_true(sound[2 * (at + RAMP - 2)] != (double)0.01f);
		vmsnd_gain_apply_rt(&gain, sound + 2 * (at + RAMP - 1), 1);
		assert_true(sound[2 * (at + RAMP - 1)] == (double)0.01f);
		assert_true(sound[2 * (at + RAMP - 1) + 1] == 0);
	}
}

/* A hand on a slider: a thousand settings while it plays, and no step beyond a ramp's. */
static void test_MX_16_a_slider_does_not_click(void **state)
{
	struct vmsnd_gain gain;
	uint32_t seed = 1;

	vmsnd_gain_init(&gain, &stereo, &unity);
	ones();
	for (uint32_t done = 0; done < FRAMES; done += 20) {
		struct vmsnd_volume volume = {.gain_mdb = -(int32_t)(seed % 60000),
					      .muted = seed >> 20 & 1};

		vmsnd_gain_set(&gain, &volume);
		apply(&gain, 0);
		vmsnd_gain_apply_rt(&gain, sound + 2 * done, 20);
		seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
	}
	assert_true(largest_step(FRAMES, 0, 1) <= 1.0 / RAMP + 1e-6);
	assert_true(largest_step(FRAMES, 1, 1) <= 1.0 / RAMP + 1e-6);
	assert_true(largest_step(FRAMES, 0, 1) > 0.2 / RAMP);
}

static void test_ramp_has_the_length_of_the_rate(void **state)
{
	static const struct {
		uint32_t rate_hz, frames;
	} cases[] = {{4000, 40}, {44100, 441}, {192000, 1920}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vmsnd_format format = {.sample = VMSND_SAMPLE_S16,
						    .rate_hz = cases[i].rate_hz,
						    .channels = VMSND_CHANNELS_MAX};
		struct vmsnd_gain gain;
		const size_t last = (size_t)cases[i].frames * VMSND_CHANNELS_MAX - 1;

		vmsnd_gain_init(&gain, &format, &(struct vmsnd_volume){.muted = UINT32_MAX});
		vmsnd_gain_set(&gain, &unity);
		ones();
		apply(&gain, cases[i].frames);
		assert_true(sound[last] == 1);
		assert_true(sound[last - VMSND_CHANNELS_MAX] < 1);
		assert_true(vmsnd_gain_unity_rt(&gain));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_16_factors),
	    cmocka_unit_test(test_MX_16_unity_leaves_every_bit),
	    cmocka_unit_test(test_starts_at_its_volume_without_a_ramp),
	    cmocka_unit_test(test_MX_16_a_change_is_a_ramp),
	    cmocka_unit_test(test_MX_16_no_jump_when_the_target_moves_in_a_ramp),
	    cmocka_unit_test(test_MX_16_a_slider_does_not_click),
	    cmocka_unit_test(test_ramp_has_the_length_of_the_rate),
	};

	return cmocka_run_group_tests_name("gain", tests, NULL, NULL);
}
