/* SPDX-License-Identifier: BSD-3-Clause */
/* What a dither is for: the error of rounding is noise that knows nothing of the sound. All with
 * fixed seeds, so the figures are the same on every run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "os/cpu.h"
#include "pcm/codec.h"

#define FRAMES  65536u
#define PERIODS 1021u /* of the sine in FRAMES: prime, so no two samples of it are alike */
#define STEP    0x1p-15

static double sound[FRAMES], error[FRAMES];
static int16_t coded[FRAMES];

static const struct vmsnd_codec *s16(void)
{
	return vmsnd_codec_find(VMSND_SAMPLE_S16, false, vmsnd_cpu_best());
}

static void encode(bool dithered, uint32_t seed)
{
	struct vmsnd_dither dither = {{seed}};

	if (dithered)
		s16()->encode_dither_rt(coded, sound, FRAMES, &dither);
	else
		s16()->encode_rt(coded, sound, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++)
		error[i] = coded[i] - sound[i] / STEP;
}

static double mean_of(const double *values)
{
	double sum = 0;

	for (uint32_t i = 0; i < FRAMES; i++)
		sum += values[i];
	return sum / FRAMES;
}

/* About the mean; `lag`: of each with one that comes later. */
static double covariance(const double *values, uint32_t lag)
{
	double mean = mean_of(values), sum = 0;

	for (uint32_t i = 0; i + lag < FRAMES; i++)
		sum += (values[i] - mean) * (values[i + lag] - mean);
	return sum / (FRAMES - lag);
}

/* Amplitude, in steps, of the sine of that many periods. */
static double line(uint32_t periods)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		double angle = 2 * M_PI * (double)((uint64_t)i * periods % FRAMES) / FRAMES;

		re += coded[i] * cos(angle);
		im += coded[i] * sin(angle);
	}
	return 2 * hypot(re, im) / FRAMES;
}

static void sine(double steps)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		sound[i] = steps * STEP *
			   sin(2 * M_PI * (double)((uint64_t)i * PERIODS % FRAMES) / FRAMES);
}

/* 1/6 of a step squared from the triangular noise and 1/12 from the rounding, wherever between
 * two steps the sound is; rounded plainly, the error is a constant that the ear takes for sound. */
static void test_error_has_mean_zero_and_a_quarter_of_variance(void **state)
{
	for (unsigned tenth = 0; tenth <= 10; tenth++) {
		for (uint32_t i = 0; i < FRAMES; i++)
			sound[i] = (100 + tenth / 10.0) * STEP;
		encode(true, tenth);
		assert_true(fabs(mean_of(error)) < 0.01);
		assert_true(fabs(covariance(error, 0) - 0.25) < 0.01);
		encode(false, 0);
		assert_true(fabs(covariance(error, 0)) < 1e-9);
		assert_true(fabs(mean_of(error)) < 0.5 + 1e-9);
	}
}

static void test_error_is_white(void **state)
{
	static const struct vmsnd_dither seeds[] = {
	    {{0}}, {{1, 1, 1, 1, 1, 1, 1, 1}}, {{0x80000000, 3, 3, 3, 0, 0, 7, 7}}};

	memset(sound, 0, sizeof(sound));
	for (size_t s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++) {
		struct vmsnd_dither dither = seeds[s];

		s16()->encode_dither_rt(coded, sound, FRAMES, &dither);
		for (uint32_t i = 0; i < FRAMES; i++)
			error[i] = coded[i];
		for (uint32_t lag = 1; lag <= 64; lag++)
			assert_true(fabs(covariance(error, lag)) < 0.005);
	}
}

/* Below half a step nothing is left without a dither; with it, all of it, at its own level. */
static void test_a_sound_below_a_step_survives(void **state)
{
	sine(0.45);
	encode(false, 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		assert_int_equal(coded[i], 0);
	encode(true, 7);
	assert_true(fabs(line(PERIODS) - 0.45) < 0.02);
}

/* Half a step and a little becomes a square wave: overtones that were not there. */
static void test_rounding_makes_no_overtones(void **state)
{
	sine(0.6);
	encode(false, 0);
	assert_true(line(3 * PERIODS) > 0.05);
	encode(true, 7);
	assert_true(fabs(line(PERIODS) - 0.6) < 0.02);
	for (uint32_t n = 2; n <= 9; n++)
		assert_true(line(n * PERIODS) < 0.02);
}

static void test_noise_goes_on_and_differs_by_seed(void **state)
{
	struct vmsnd_dither one = {{1, 2, 3, 4, 5, 6, 7, 8}}, other = {{8, 7, 6, 5, 4, 3, 2, 1}};
	static int16_t more[FRAMES];

	memset(sound, 0, sizeof(sound));
	s16()->encode_dither_rt(coded, sound, FRAMES, &one);
	s16()->encode_dither_rt(more, sound, FRAMES, &one);
	assert_memory_not_equal(coded, more, sizeof(more));
	s16()->encode_dither_rt(more, sound, FRAMES, &other);
	assert_memory_not_equal(coded, more, sizeof(more));
	one = (struct vmsnd_dither){{1, 2, 3, 4, 5, 6, 7, 8}};
	s16()->encode_dither_rt(more, sound, FRAMES, &one);
	assert_memory_equal(coded, more, sizeof(more));
}

/* Every format that rounds has it, one step high, and saturates all the same. */
static void test_every_integer_format_dithers_by_one_step(void **state)
{
	static uint8_t raw[FRAMES * 4];
	unsigned tried = 0;

	memset(sound, 0, sizeof(sound));
	for (unsigned f = 0; f < 2 * VMSND_SAMPLE_IEC958_SUBFRAME; f++) {
		enum vmsnd_sample sample = (enum vmsnd_sample)(f / 2);
		const struct vmsnd_codec *codec =
		    vmsnd_codec_find(sample, f % 2 != 0, vmsnd_cpu_best());
		double steps = ldexp(1, (int)vmsnd_sample_bits(sample) - 1);
		struct vmsnd_dither dither = {{f}};
		double full[3] = {1.0, -1.0, NAN}, got[3];

		if (!codec->encode_dither_rt)
			continue;
		tried++;
		codec->encode_dither_rt(raw, sound, FRAMES, &dither);
		codec->decode_rt(error, raw, FRAMES);
		for (uint32_t i = 0; i < FRAMES; i++)
			assert_true(fabs(error[i] *= steps) <= 1);
		assert_true(fabs(mean_of(error)) < 0.01);
		assert_true(fabs(covariance(error, 0) - 0.25) < 0.01);
		codec->encode_dither_rt(raw, full, 3, &dither);
		codec->decode_rt(got, raw, 3);
		assert_true(got[0] >= 1 - 2 / steps && got[0] < 1);
		assert_true(got[1] >= -1 && got[1] <= -1 + 1 / steps);
		assert_true(got[2] == 0);
	}
	assert_int_equal(tried, 2 * (VMSND_SAMPLE_IEC958_SUBFRAME - 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_error_has_mean_zero_and_a_quarter_of_variance),
	    cmocka_unit_test(test_error_is_white),
	    cmocka_unit_test(test_a_sound_below_a_step_survives),
	    cmocka_unit_test(test_rounding_makes_no_overtones),
	    cmocka_unit_test(test_noise_goes_on_and_differs_by_seed),
	    cmocka_unit_test(test_every_integer_format_dithers_by_one_step),
	};

	return cmocka_run_group_tests_name("dither", tests, NULL, NULL);
}
