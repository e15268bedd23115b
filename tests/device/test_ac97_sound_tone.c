/* SPDX-License-Identifier: BSD-3-Clause */
/* Bass and treble, and the mono outlet: measured on the frames that come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "codec_rig.h"

#define FRAMES_MAX 48000u
#define FLAT       0x0f0f

static const uint16_t flat_settings[] = {0x0f0f, 0x0707, 0x0f07, 0x070f};

static struct vmsnd_format format_of(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels)
{
	return (struct vmsnd_format){.sample = sample, .rate_hz = rate_hz, .channels = channels};
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed;
}

/* ---- what must not change
 * ------------------------------------------------------------------------ */

static void fill_random(void *to, size_t bytes, uint32_t seed)
{
	uint8_t *at = to;

	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(next_random(&seed) >> 24);
}

static void test_flat_tone_touches_no_byte(void **state)
{
	static uint8_t before[4096 * 6 * 4], after[4096 * 6 * 4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		for (uint32_t channels = 2; channels <= 6; channels += 2) {
			for (unsigned wide = 0; wide < 2; wide++) {
				struct vmsnd_format format = format_of(
				    wide ? VMSND_SAMPLE_S32 : VMSND_SAMPLE_S16, 48000, channels);
				struct codec_rig rig;

				codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
				codec_rig_set(&rig, AC97_TONE, flat_settings[i]);
				fill_random(before, sizeof(before), i);
				memcpy(after, before, sizeof(after));
				ac97_sound_play(&rig.sound, &format, after, 4096);
				assert_memory_equal(before, after, sizeof(after));
			}
		}
	}
}

static void test_without_the_option_register_8_does_nothing(void **state)
{
	static const struct ac97_codec_conf conf = {.channels = 2};
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, 48000, 2);
	static int16_t before[2048], after[2048];
	struct codec_rig rig;

	(void)state;
	ac97_codec_init(&rig.codec, &conf);
	ac97_sound_init(&rig.sound, &rig.codec, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_TONE, 0x0000);
	fill_random(before, sizeof(before), 1);
	memcpy(after, before, sizeof(after));
	ac97_sound_play(&rig.sound, &format, after, 1024);
	assert_memory_equal(before, after, sizeof(after));
}

static void test_tone_leaves_the_other_channels_alone(void **state)
{
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, 48000, 6);
	static int16_t before[1024][6], after[1024][6];
	struct codec_rig rig;
	unsigned changed = 0;

	(void)state;
	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_TONE, 0x0000);
	fill_random(before, sizeof(before), 2);
	memcpy(after, before, sizeof(after));
	ac97_sound_play(&rig.sound, &format, after, 1024);
	for (unsigned i = 0; i < 1024; i++) {
		assert_memory_equal(&before[i][2], &after[i][2], 4 * sizeof(int16_t));
		changed += memcmp(before[i], after[i], 2 * sizeof(int16_t)) != 0;
	}
	assert_true(changed > 900);
}

static void test_bytes_are_untouched_again_soon_after_tone_is_flat_again(void **state)
{
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, 48000, 2);
	static int16_t before[1024], after[1024];
	struct codec_rig rig;

	(void)state;
	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_TONE, 0x0e00);
	fill_random(after, sizeof(after), 3);
	ac97_sound_play(&rig.sound, &format, after, 512);
	codec_rig_set(&rig, AC97_TONE, FLAT);
	ac97_sound_play(&rig.sound, &format, after, 480);
	fill_random(before, sizeof(before), 4);
	memcpy(after, before, sizeof(after));
	ac97_sound_play(&rig.sound, &format, after, 512);
	assert_memory_equal(before, after, sizeof(after));
}

/* ---- what is heard
 * ----------------------------------------------------------------------------------- */

struct measure {
	enum vmsnd_sample sample;
	uint32_t rate_hz;
	uint16_t setting;
	double hz;
};

/* How much louder a sine comes out, in decibels: by correlation, once the filters have settled. */
static double gain_db(const struct measure *measure)
{
	struct vmsnd_format format = format_of(measure->sample, measure->rate_hz, 2);
	static int32_t frames[FRAMES_MAX][2];
	double amplitude = 0.2, sine = 0, cosine = 0, w = 2 * M_PI * measure->hz / measure->rate_hz;
	uint32_t n = measure->rate_hz, settled = n / 2;
	struct codec_rig rig;

	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_TONE, measure->setting);
	for (uint32_t i = 0; i < n; i++)
		for (unsigned side = 0; side < 2; side++)
			ac97_sample_put(&format, frames, 2 * i + side, amplitude * sin(w * i));
	ac97_sound_play(&rig.sound, &format, frames, n);
	for (uint32_t i = settled; i < n; i++) {
		double left = ac97_sample_get(&format, frames, 2 * i);

		assert_true(left == ac97_sample_get(&format, frames, 2 * i + 1));
		sine += left * sin(w * i);
		cosine += left * cos(w * i);
	}
	return 20 * log10(2 * hypot(sine, cosine) / (n - settled) / amplitude);
}

static double step_db(unsigned setting)
{
	return setting == 15 ? 0 : 1.5 * (7 - (double)setting);
}

/* The shelf of an analog tone control of the second order: what the filters stand for. */
static double shelf_db(double hz, double middle_hz, double step)
{
	double a = pow(10, step / 40), f = hz / middle_hz, q = sqrt(2 * a) * f;
	double above = hypot(a - f * f, q), below = hypot(1 - a * f * f, q);

	return 20 * log10(a * above / below);
}

static double expected_db(uint16_t setting, double hz)
{
	return shelf_db(hz, 200, step_db(setting >> 8)) + shelf_db(4000, hz, step_db(setting & 15));
}

static void test_tone_does_to_each_frequency_what_it_should(void **state)
{
	static const double hz[] = {20, 50, 100, 200, 400, 1000, 2000, 4000, 8000, 12000};

	(void)state;
	for (unsigned bass = 0; bass < 16; bass++) {
		for (size_t i = 0; i < sizeof(hz) / sizeof(hz[0]); i++) {
			unsigned treble = (bass * 5 + 3) & 15;
			struct measure measure = {.sample = VMSND_SAMPLE_S16,
						  .rate_hz = 48000,
						  .setting = (uint16_t)(bass << 8 | treble),
						  .hz = hz[i]};
			double want = expected_db(measure.setting, hz[i]), got = gain_db(&measure);

			if (fabs(got - want) > 0.5)
				fail_msg("setting %04x at %.0f Hz: %.2f dB, not %.2f",
					 measure.setting, hz[i], got, want);
		}
	}
}

/* As the register says, at the ends of the band. */
static void test_tone_steps_are_one_and_a_half_decibels(void **state)
{
	(void)state;
	for (unsigned step = 0; step < 15; step++) {
		struct measure bass = {.sample = VMSND_SAMPLE_S16,
				       .rate_hz = 48000,
				       .setting = (uint16_t)(step << 8 | 15),
				       .hz = 20};
		struct measure treble = {.sample = VMSND_SAMPLE_S16,
					 .rate_hz = 48000,
					 .setting = (uint16_t)(15 << 8 | step),
					 .hz = 20000};

		assert_true(fabs(gain_db(&bass) - step_db(step)) < 0.5);
		assert_true(fabs(gain_db(&treble) - step_db(step)) < 0.5);
	}
}

static void test_tone_of_20_bits_is_finer_and_stays_20_bits(void **state)
{
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S32, 48000, 2);
	struct measure measure = {
	    .sample = VMSND_SAMPLE_S32, .rate_hz = 48000, .setting = 0x0003, .hz = 1000};
	static int32_t frames[1024];
	struct codec_rig rig;

	(void)state;
	assert_true(fabs(gain_db(&measure) - expected_db(0x0003, 1000)) < 0.1);
	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_TONE, 0x0003);
	fill_random(frames, sizeof(frames), 5);
	ac97_sound_play(&rig.sound, &format, frames, 512);
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(frames[i] & 0xfff, 0);
}

static void test_tone_at_every_rate_is_stable_and_comes_to_rest(void **state)
{
	static const uint32_t rates_hz[] = {4000,  7040,  8000,  11025, 16000, 22050,
					    32000, 44100, 48000, 64000, 88200, 96000};
	static int16_t frames[96000][2];

	(void)state;
	for (size_t i = 0; i < sizeof(rates_hz) / sizeof(rates_hz[0]); i++) {
		struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, rates_hz[i], 2);

		for (unsigned corner = 0; corner < 4; corner++) {
			struct codec_rig rig;

			codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
			codec_rig_set(
			    &rig, AC97_TONE,
			    (uint16_t)((corner & 1 ? 14 : 0) << 8 | (corner & 2 ? 14 : 0)));
			for (uint32_t n = 0; n < 1000; n++)
				frames[n][0] = frames[n][1] = n % 2 ? INT16_MAX : INT16_MIN;
			ac97_sound_play(&rig.sound, &format, frames, 1000);
			memset(frames, 0, sizeof(frames));
			ac97_sound_play(&rig.sound, &format, frames, rates_hz[i]);
			for (uint32_t n = rates_hz[i] - 100; n < rates_hz[i]; n++)
				assert_int_equal(frames[n][0] | frames[n][1], 0);
		}
	}
}

static void test_tone_clips_and_does_not_wrap(void **state)
{
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, 48000, 2);
	static int16_t frames[9600][2];
	struct codec_rig rig;

	(void)state;
	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_TONE, 0x000f);
	for (unsigned i = 0; i < 9600; i++)
		frames[i][0] = frames[i][1] = i % 960 < 480 ? 30000 : -30000;
	ac97_sound_play(&rig.sound, &format, frames, 9600);
	for (unsigned i = 960; i < 9600; i++)
		if (i % 480 > 300 && i % 480 < 440)
			assert_int_equal(frames[i][0], i % 960 < 480 ? INT16_MAX : INT16_MIN);
}

/* The curvature of a sine is bounded; a click stands out of it. */
static void test_turning_tone_does_not_click(void **state)
{
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, 48000, 2);
	static const uint16_t settings[] = {0x0000, 0x0e0e, FLAT, 0x000e, 0x0e00, FLAT};
	static int16_t frames[48000][2];
	struct codec_rig rig;
	double w = 2 * M_PI * 200 / 48000, amplitude = 6000, bound;

	(void)state;
	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	for (unsigned i = 0; i < 48000; i++)
		frames[i][0] = frames[i][1] = (int16_t)lrint(amplitude * sin(w * i));
	ac97_sound_play(&rig.sound, &format, frames, 1000);
	for (unsigned i = 0; i < 6; i++) {
		codec_rig_set(&rig, AC97_TONE, settings[i]);
		ac97_sound_play(&rig.sound, &format, frames + 1000 + (size_t)7800 * i, 7800);
	}
	/* That of the loudest, and rounding; turned at once, it would be 160. */
	bound = amplitude * pow(10, 10.5 / 20) * w * w * 1.5 + 8;
	for (unsigned i = 2; i < 48000; i++) {
		double bend = frames[i][0] - 2.0 * frames[i - 1][0] + frames[i - 2][0];

		if (fabs(bend) > bound)
			fail_msg("frame %u bends by %.0f, more than %.1f", i, bend, bound);
	}
}

static void test_cuts_make_no_difference_to_tone(void **state)
{
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, 44100, 2);
	static int16_t whole[9000], cut[9000];
	struct codec_rig one, many;
	uint32_t seed = 9, at = 0;

	(void)state;
	codec_rig_start(&one, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_start(&many, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&one, AC97_TONE, 0x020c);
	codec_rig_set(&many, AC97_TONE, 0x020c);
	fill_random(whole, sizeof(whole), 6);
	memcpy(cut, whole, sizeof(cut));
	ac97_sound_play(&one.sound, &format, whole, 4500);
	while (at < 4500) {
		uint32_t n = next_random(&seed) >> 24;

		n = n < 4500 - at ? n : 4500 - at;
		ac97_sound_play(&many.sound, &format, cut + (size_t)2 * at, n);
		at += n;
	}
	assert_memory_equal(whole, cut, sizeof(cut));
}

/* ---- the mono outlet
 * ------------------------------------------------------------------------------------ */

static void test_the_mono_outlet_has_the_average_on_both_sides(void **state)
{
	struct vmsnd_format format = format_of(VMSND_SAMPLE_S16, 48000, 2);
	int16_t frames[4][2] = {{1000, 3000}, {-32768, -32768}, {32767, -32767}, {10, -30}};
	static const int16_t want[4] = {2000, -32768, 0, -10};
	struct codec_rig rig;

	(void)state;
	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_MONO);
	ac97_sound_play(&rig.sound, &format, frames, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(frames[i][0], want[i]);
		assert_int_equal(frames[i][1], want[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flat_tone_touches_no_byte),
	    cmocka_unit_test(test_without_the_option_register_8_does_nothing),
	    cmocka_unit_test(test_tone_leaves_the_other_channels_alone),
	    cmocka_unit_test(test_bytes_are_untouched_again_soon_after_tone_is_flat_again),
	    cmocka_unit_test(test_tone_does_to_each_frequency_what_it_should),
	    cmocka_unit_test(test_tone_steps_are_one_and_a_half_decibels),
	    cmocka_unit_test(test_tone_of_20_bits_is_finer_and_stays_20_bits),
	    cmocka_unit_test(test_tone_at_every_rate_is_stable_and_comes_to_rest),
	    cmocka_unit_test(test_tone_clips_and_does_not_wrap),
	    cmocka_unit_test(test_turning_tone_does_not_click),
	    cmocka_unit_test(test_cuts_make_no_difference_to_tone),
	    cmocka_unit_test(test_the_mono_outlet_has_the_average_on_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
