/* SPDX-License-Identifier: BSD-3-Clause */
/* The converter by itself: what the library does not tell and resample.c counts, against what comes
 * out; quality in figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcm/resample.h"
#include "spectrum.h"

#define RATES     (&vmsnd_resampler_samplerate)
#define CHANNELS  2u
#define BLOCK_MAX 8192u

static const double ratios[] = {48000.0 / 44100, 44100.0 / 48000, 1.0, 8000.0 / 48000, 6.0, 0.01};
static const enum vmsnd_quality qualities[] = {VMSND_QUALITY_FASTEST, VMSND_QUALITY_MEDIUM,
					       VMSND_QUALITY_BEST};

static float from[BLOCK_MAX * CHANNELS], to[BLOCK_MAX * CHANNELS];

static struct vmsnd_resampler *opened(enum vmsnd_quality quality)
{
	struct vmsnd_resampler *resampler = NULL;

	assert_int_equal(RATES->open(quality, CHANNELS, &resampler), VMSND_OK);
	assert_non_null(resampler);
	return resampler;
}

/* At most `frames` go in; returns what comes out when `want` is asked for. */
static uint32_t put(struct vmsnd_resampler *resampler, double ratio, uint32_t frames, uint32_t want)
{
	struct vmsnd_resampler_work work = {.made = 1};
	uint32_t done = 0;

	while (done < want && (work.made || work.used)) {
		work = (struct vmsnd_resampler_work){from, to, frames, want - done};
		RATES->process_rt(resampler, ratio, &work);
		assert_true(work.used <= frames && work.made <= want - done);
		frames -= work.used;
		done += work.made;
	}
	return done;
}

/* What is said to be needed is enough, and two less are not: a frame exactly at the edge may go
 * either way. */
static void check_need(enum vmsnd_quality quality, double ratio)
{
	struct vmsnd_resampler *resampler = opened(quality);

	for (unsigned i = 0; i < 300; i++) {
		uint32_t frames = 1 + i * 7 % 40, made = 0;
		uint32_t need = RATES->need_rt(resampler, ratio, frames);

		if (need > 2) {
			made = put(resampler, ratio, need - 2, frames);
			assert_true(made < frames);
			need = 2;
		}
		assert_int_equal(made + put(resampler, ratio, need, frames - made), frames);
	}
	RATES->close(resampler);
}

static void test_need_is_what_it_takes(void **state)
{
	for (size_t q = 0; q < 3; q++)
		for (size_t r = 0; r < sizeof(ratios) / sizeof(ratios[0]); r++)
			if (ratios[r] > 0.1)
				check_need(qualities[q], ratios[r]);
}

/* host-servers.md, chapter 7: 21, 51 and 156 frames at 48 kHz. */
static void test_delay_is_what_it_takes_for_the_first_frame(void **state)
{
	for (size_t q = 0; q < 3; q++) {
		struct vmsnd_resampler *resampler = opened(qualities[q]);
		uint32_t frames = 0;

		while (!put(resampler, 1.0, 1, 1))
			frames++;
		assert_int_equal(frames, RATES->delay_frames(qualities[q]));
		assert_int_equal(RATES->need_rt(resampler, 1.0, 1), 1);
		RATES->close(resampler);
	}
}

/* In an hour of a rate that never rests what is held stays what it is. */
static void check_held(enum vmsnd_quality quality, double ratio, uint32_t blocks)
{
	struct vmsnd_resampler *resampler = opened(quality);
	double delay = RATES->delay_frames(quality), now = ratio;

	if (ratio < 1)
		delay /= ratio;
	for (uint32_t i = 0; i < blocks; i++) {
		now = ratio * (1 + 1e-3 * ((int)(i * 37 % 11) - 5));
		put(resampler, now, 1 + i * 13 % 60, BLOCK_MAX);
		assert_true(RATES->held_rt(resampler) < 1.01 * delay + 2);
	}
	/* A rest, so that the filter is as long as `delay` says. */
	for (uint32_t i = 0; i < 200; i++)
		put(resampler, ratio, 16, BLOCK_MAX);
	/* As much more as says need brings one more frame: the count is right to a frame. */
	assert_int_equal(put(resampler, ratio, RATES->need_rt(resampler, ratio, 1), 1), 1);
	assert_true(RATES->held_rt(resampler) > 0.95 * delay - 2 - 1 / ratio);
	RATES->close(resampler);
}

static void test_held_does_not_wander_while_the_rate_does(void **state)
{
	for (size_t r = 0; r < sizeof(ratios) / sizeof(ratios[0]); r++)
		check_held(VMSND_QUALITY_FASTEST, ratios[r], 100000);
	check_held(VMSND_QUALITY_MEDIUM, ratios[0], 30000);
	check_held(VMSND_QUALITY_BEST, ratios[0], 10000);
}

/* The library goes no step towards a new ratio when it is asked for one frame at a time. */
static void test_a_new_ratio_arrives_in_blocks_of_any_size(void **state)
{
	static const uint32_t sizes[] = {1, 2, 7, 480};

	for (size_t s = 0; s < 4; s++) {
		struct vmsnd_resampler *resampler = opened(VMSND_QUALITY_FASTEST);
		uint32_t in = 0, out = 0;

		put(resampler, 1.0, 1000, BLOCK_MAX);
		while (in < 1000000) {
			out += put(resampler, 1.001, sizes[s], BLOCK_MAX);
			in += sizes[s];
		}
		assert_in_range(out, (uint32_t)(in * 1.001) - 2, (uint32_t)(in * 1.001) + 2);
		RATES->close(resampler);
	}
}

/* MX-15: the reference forgets the past of the first channel alone. */
static void test_MX_15_reset_forgets_every_channel(void **state)
{
	struct vmsnd_resampler *resampler = opened(VMSND_QUALITY_MEDIUM);
	uint32_t made;

	for (size_t i = 0; i < 1000 * CHANNELS; i++)
		from[i] = 1.0f;
	put(resampler, 1.1, 1000, BLOCK_MAX);
	assert_true(to[0] != 0.0f && to[1] != 0.0f);
	RATES->reset_rt(resampler);
	assert_true(RATES->held_rt(resampler) == 0);
	memset(from, 0, sizeof(from));
	made = put(resampler, 1.1, 1000, BLOCK_MAX);
	assert_in_range(made, 1000, 1100);
	for (size_t i = 0; i < made * CHANNELS; i++)
		assert_true(to[i] == 0.0f);
	RATES->close(resampler);
}

/* A tone of 1 kHz through a converter in blocks of 10 ms, bent by `bend` at block i. */
static double thd_n_db(enum vmsnd_quality quality, double (*bend)(unsigned block))
{
	struct vmsnd_resampler *resampler = opened(quality);
	static double heard[SPECTRUM_FRAMES];
	uint64_t in = 0;
	uint32_t done = 0, skip = 480;

	for (unsigned block = 0; done < SPECTRUM_FRAMES; block++) {
		uint32_t made;

		for (uint32_t i = 0; i < 441 * CHANNELS; i += CHANNELS, in++)
			from[i] = from[i + 1] = (float)(0.9 * spectrum_sine(1000, 44100, in));
		made = put(resampler, 48000.0 / 44100 * bend(block), 441, BLOCK_MAX);
		for (uint32_t i = skip; i < made && done < SPECTRUM_FRAMES; i++)
			heard[done++] = (double)to[i * CHANNELS + 1];
		skip = 0;
	}
	RATES->close(resampler);
	return spectrum_thd_n_db(heard, 1000, 48000);
}

static double no_bend(unsigned block)
{
	return 1.0;
}

/* Up and down between -500 and +500 ppm, 20 ppm a block. */
static double wander(unsigned block)
{
	int step = (int)(block % 100);

	return 1 + 1e-6 * (step < 50 ? -500 + 20 * step : 1500 - 20 * step);
}

static void test_1_kHz_44100_to_48000_is_clean(void **state)
{
	assert_true(thd_n_db(VMSND_QUALITY_FASTEST, no_bend) < -100);
	assert_true(thd_n_db(VMSND_QUALITY_MEDIUM, no_bend) < -120);
	assert_true(thd_n_db(VMSND_QUALITY_BEST, no_bend) < -120);
}

static void test_a_bend_between_500_ppm_is_clean(void **state)
{
	assert_true(thd_n_db(VMSND_QUALITY_FASTEST, wander) < -100);
	assert_true(thd_n_db(VMSND_QUALITY_MEDIUM, wander) < -100);
	assert_true(thd_n_db(VMSND_QUALITY_BEST, wander) < -100);
}

/* The measure itself must be able to see what it is to see. */
static void test_the_measure_sees_what_is_there(void **state)
{
	static double tone[SPECTRUM_FRAMES];

	for (size_t i = 0; i < SPECTRUM_FRAMES; i++)
		tone[i] = spectrum_sine(1000, 48000, i);
	assert_true(spectrum_thd_n_db(tone, 1000, 48000) < -200);
	for (size_t i = 0; i < SPECTRUM_FRAMES; i++)
		tone[i] += 1e-5 * spectrum_sine(3000, 48000, i);
	assert_true(spectrum_thd_n_db(tone, 1000, 48000) > -100.1);
	assert_true(spectrum_thd_n_db(tone, 1000, 48000) < -99.9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_need_is_what_it_takes),
	    cmocka_unit_test(test_delay_is_what_it_takes_for_the_first_frame),
	    cmocka_unit_test(test_held_does_not_wander_while_the_rate_does),
	    cmocka_unit_test(test_a_new_ratio_arrives_in_blocks_of_any_size),
	    cmocka_unit_test(test_MX_15_reset_forgets_every_channel),
	    cmocka_unit_test(test_1_kHz_44100_to_48000_is_clean),
	    cmocka_unit_test(test_a_bend_between_500_ppm_is_clean),
	    cmocka_unit_test(test_the_measure_sees_what_is_there),
	};

	return cmocka_run_group_tests_name("resample", tests, NULL, NULL);
}
