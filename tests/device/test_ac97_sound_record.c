/* SPDX-License-Identifier: BSD-3-Clause */
/* What is recorded: the host's input, nothing, or the mix of what is played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "codec_rig.h"

enum { MIC, CD, VIDEO, AUX, LINE, STEREO_MIX, MONO_MIX, PHONE };

static const struct vmsnd_format s16 = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static void start(struct codec_rig *rig, enum ac97_part part)
{
	codec_rig_start(rig, part, AC97_OUTLET_LINE);
	codec_rig_set(rig, AC97_MASTER, 0x0000);
	codec_rig_set(rig, AC97_PCM, 0x0808);
	codec_rig_set(rig, AC97_RECORD_GAIN, 0x0000);
}

static void select_sources(struct codec_rig *rig, unsigned left, unsigned right)
{
	codec_rig_set(rig, AC97_RECORD_SELECT, (uint16_t)(left << 8 | right));
}

static void number(int16_t (*frames)[2], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		frames[i][0] = (int16_t)(100 + i);
		frames[i][1] = (int16_t)(-100 - (int)i);
	}
}

/* ---- the host's input --------------------------------------------------------------------------
 */

static void test_A9_20_each_side_hears_what_is_plugged_into_its_source(void **state)
{
	(void)state;
	for (unsigned left = 0; left < 8; left++) {
		for (unsigned right = 0; right < 8; right++) {
			int16_t frames[64][2], input[64][2];
			struct codec_rig rig;

			start(&rig, AC97_PART_STAC9700);
			select_sources(&rig, left, right);
			number(input, 64);
			memcpy(frames, input, sizeof(frames));
			ac97_sound_record(&rig.sound, AC97_ADC, &s16, frames, 64);
			for (unsigned i = 0; i < 64; i++) {
				bool in[2] = {left == MIC || left == LINE,
					      right == MIC || right == LINE};

				for (unsigned side = 0; side < 2; side++)
					assert_int_equal(frames[i][side],
							 in[side] ? input[i][side] : 0);
			}
		}
	}
}

static void test_the_microphones_ADC_has_one_source(void **state)
{
	int16_t frames[64][2], input[64][2];
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, CD, CD);
	number(input, 64);
	memcpy(frames, input, sizeof(frames));
	ac97_sound_record(&rig.sound, AC97_ADC_MIC, &s16, frames, 64);
	assert_memory_equal(frames, input, sizeof(frames));
}

static void test_the_microphones_boost_is_of_20_dB(void **state)
{
	static const struct {
		enum ac97_part part;
		uint16_t misc;
		double factor;
	} rows[] = {
	    {AC97_PART_STAC9700, 0, 10},     {AC97_PART_ALC650, 0, 10},
	    {AC97_PART_AD1980, 0, 10},       {AC97_PART_AD1980, 1, 3.16228},
	    {AC97_PART_AD1981B, 2, 31.6228},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int16_t frames[480][2];
		struct codec_rig rig;

		start(&rig, rows[i].part);
		if (rows[i].misc)
			codec_rig_set(&rig, AC97_AD_MISC, rows[i].misc);
		codec_rig_set(&rig, AC97_MIC_IN, 0x8048);
		select_sources(&rig, MIC, LINE);
		for (unsigned turn = 0; turn < 2; turn++) {
			number(frames, 480);
			ac97_sound_record(&rig.sound, AC97_ADC, &s16, frames, 480);
		}
		for (int j = 0; j < 480; j++) {
			assert_true(fabs(frames[j][0] - (100 + j) * rows[i].factor) < 0.6);
			assert_int_equal(frames[j][1], -100 - j); /* the line has none */
		}
	}
}

static void test_the_boost_comes_in_gently_and_clips(void **state)
{
	int16_t frames[480][2];
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	codec_rig_set(&rig, AC97_MIC_IN, 0x8048);
	for (unsigned i = 0; i < 480; i++)
		frames[i][0] = frames[i][1] = 1000;
	ac97_sound_record(&rig.sound, AC97_ADC, &s16, frames, 480);
	assert_int_equal(frames[0][0], 1000);
	assert_int_equal(frames[479][0], 10000);
	for (unsigned i = 1; i < 480; i++)
		assert_in_range(frames[i][0] - frames[i - 1][0], 0, 20);
	for (unsigned i = 0; i < 480; i++) {
		frames[i][0] = 20000;
		frames[i][1] = -20000;
	}
	ac97_sound_record(&rig.sound, AC97_ADC, &s16, frames, 480);
	assert_int_equal(frames[7][0], INT16_MAX);
	assert_int_equal(frames[7][1], INT16_MIN);
}

static void test_one_channel_is_the_left_one(void **state)
{
	struct vmsnd_format mono = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 1};
	int16_t frames[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, LINE, CD);
	ac97_sound_record(&rig.sound, AC97_ADC, &mono, frames, 8);
	for (int16_t i = 0; i < 8; i++)
		assert_int_equal(frames[i], i + 1);
	select_sources(&rig, CD, LINE);
	ac97_sound_record(&rig.sound, AC97_ADC, &mono, frames, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(frames[i], 0);
}

/* ---- the mix
 * ---------------------------------------------------------------------------------------- */

struct duplex {
	uint32_t play_hz, record_hz, play_step, record_step;
	double sine_hz;
};

/* Plays frames that are told apart, and records in turns; true: what was recorded, once it began,
 * is what was played, frame by frame. */
static void assert_follows(const struct duplex *duplex, unsigned source)
{
	struct vmsnd_format play = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = duplex->play_hz, .channels = 2};
	static int16_t frames[4800][2];
	struct codec_rig rig;
	uint32_t played = 0, recorded = 0, heard = 0;
	int last = 0;

	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, source, source);
	while (played < 28000) {
		for (uint32_t i = 0; i < duplex->play_step; i++, played++) {
			frames[i][0] = (int16_t)(played + 1000);
			frames[i][1] =
			    source == MONO_MIX ? frames[i][0] : (int16_t) - (played + 1000);
		}
		ac97_sound_play(&rig.sound, &play, frames, duplex->play_step);
		while (recorded + duplex->record_step <= played) {
			memset(frames, 0x55, sizeof(frames));
			ac97_sound_record(&rig.sound, AC97_ADC, &play, frames, duplex->record_step);
			recorded += duplex->record_step;
			for (uint32_t i = 0; i < duplex->record_step; i++) {
				if (frames[i][0] == 0 && last == 0)
					continue;
				/* Gains have come up by then. */
				if (heard > 1000)
					assert_int_equal(frames[i][0], last + 1);
				if (heard > 1000)
					assert_int_equal(frames[i][1], source == MONO_MIX
									   ? frames[i][0]
									   : -frames[i][0]);
				last = frames[i][0];
				heard++;
			}
		}
	}
	assert_true(heard > 20000);
}

static void test_the_stereo_mix_is_what_is_played_frame_by_frame(void **state)
{
	static const uint32_t rows[][3] = {
	    {48000, 480, 480}, {48000, 100, 1024}, {48000, 1024, 100},
	    {8000, 80, 80},    {44100, 441, 147},  {48000, 4800, 4800},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct duplex duplex = {.play_hz = rows[i][0],
					      .record_hz = rows[i][0],
					      .play_step = rows[i][1],
					      .record_step = rows[i][2]};

		assert_follows(&duplex, STEREO_MIX);
		assert_follows(&duplex, MONO_MIX);
	}
}

/* Level of a sine on each side, as recorded at `record_hz`. */
static void record_sine(struct codec_rig *rig, const struct duplex *duplex, double level_db[2])
{
	struct vmsnd_format play = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = duplex->play_hz, .channels = 2};
	struct vmsnd_format record = play;
	static int16_t frames[4800][2];
	double sums[2][2] = {{0}}, w = 2 * M_PI * duplex->sine_hz;
	uint32_t played = 0, recorded = 0, counted = 0;

	record.rate_hz = duplex->record_hz;
	for (unsigned turn = 0; turn < 100; turn++) {
		uint32_t n = duplex->play_hz / 100, m = duplex->record_hz / 100;

		for (uint32_t i = 0; i < n; i++, played++) {
			double value = 8192 * sin(w * played / duplex->play_hz);

			frames[i][0] = frames[i][1] = (int16_t)lrint(value);
		}
		ac97_sound_play(&rig->sound, &play, frames, n);
		ac97_sound_record(&rig->sound, AC97_ADC, &record, frames, m);
		for (uint32_t i = 0; i < m; i++, recorded++) {
			if (turn < 50)
				continue;
			for (unsigned side = 0; side < 2; side++) {
				sums[side][0] +=
				    frames[i][side] * sin(w * recorded / duplex->record_hz);
				sums[side][1] +=
				    frames[i][side] * cos(w * recorded / duplex->record_hz);
			}
			counted++;
		}
	}
	for (unsigned side = 0; side < 2; side++)
		level_db[side] =
		    20 * log10(2 * hypot(sums[side][0], sums[side][1]) / counted / 8192 + 1e-9);
}

static void test_the_mix_is_recorded_at_any_other_rate(void **state)
{
	static const uint32_t rates_hz[] = {8000, 16000, 22050, 32000, 44100, 48000};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < 6; j++) {
			struct duplex duplex = {
			    .play_hz = rates_hz[i], .record_hz = rates_hz[j], .sine_hz = 1000};
			double level_db[2];
			struct codec_rig rig;

			start(&rig, AC97_PART_STAC9700);
			select_sources(&rig, STEREO_MIX, STEREO_MIX);
			record_sine(&rig, &duplex, level_db);
			/* Straight lines between frames take a little away from 1 kHz at 8 kHz. */
			assert_true(level_db[0] < 0.05 && level_db[0] > -0.5);
			assert_true(fabs(level_db[0] - level_db[1]) < 0.01);
		}
	}
}

static void test_the_mix_has_volumes_and_tone(void **state)
{
	struct duplex duplex = {.play_hz = 48000, .record_hz = 48000, .sine_hz = 200};
	double level_db[2];
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, STEREO_MIX, STEREO_MIX);
	codec_rig_set(&rig, AC97_MASTER, 0x0408);
	record_sine(&rig, &duplex, level_db);
	assert_true(fabs(level_db[0] + 6.0) < 0.05);
	assert_true(fabs(level_db[1] + 12.0) < 0.05);
	codec_rig_set(&rig, AC97_MASTER, 0x8000);
	record_sine(&rig, &duplex, level_db);
	assert_true(level_db[0] < -100);
	/* All the bass there is, in the middle of its slope. */
	codec_rig_set(&rig, AC97_MASTER, 0x0000);
	codec_rig_set(&rig, AC97_TONE, 0x000f);
	record_sine(&rig, &duplex, level_db);
	assert_true(fabs(level_db[0] - 5.25) < 0.1);
}

/* The port has the record gain for the host's input; the mix does not come from there. */
static void test_A9_19_the_mix_has_the_record_gain_too(void **state)
{
	struct duplex duplex = {.play_hz = 48000, .record_hz = 48000, .sine_hz = 1000};
	double level_db[2];
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, STEREO_MIX, STEREO_MIX);
	codec_rig_set(&rig, AC97_MASTER, 0x0808);
	codec_rig_set(&rig, AC97_RECORD_GAIN, 0x0408);
	record_sine(&rig, &duplex, level_db);
	assert_true(fabs(level_db[0] + 6.0) < 0.05);
	assert_true(fabs(level_db[1]) < 0.05);
	codec_rig_set(&rig, AC97_RECORD_GAIN, 0x8408);
	record_sine(&rig, &duplex, level_db);
	assert_true(level_db[0] < -100 && level_db[1] < -100);
	codec_rig_set(&rig, AC97_RECORD_GAIN, 0x0408);
	codec_rig_set(&rig, AC97_POWER, AC97_PR0);
	record_sine(&rig, &duplex, level_db);
	assert_true(level_db[0] < -100 && level_db[1] < -100);
}

static void test_the_mix_of_six_channels_is_the_front(void **state)
{
	struct vmsnd_format six = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 6};
	static int16_t play[9600][6], record[480][2];
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, STEREO_MIX, MONO_MIX);
	for (unsigned i = 0; i < 9600; i++)
		for (int16_t channel = 0; channel < 6; channel++)
			play[i][channel] = (int16_t)(1000 + 1000 * channel);
	ac97_sound_play(&rig.sound, &six, play, 9600);
	ac97_sound_record(&rig.sound, AC97_ADC, &s16, record, 480);
	ac97_sound_record(&rig.sound, AC97_ADC, &s16, record, 480);
	for (unsigned i = 0; i < 480; i++) {
		assert_int_equal(record[i][0], 1000);
		assert_int_equal(record[i][1], 1500);
	}
}

static void test_the_mix_of_20_bits_is_recorded_with_20_bits_of_place(void **state)
{
	struct vmsnd_format wide = {.sample = VMSND_SAMPLE_S32, .rate_hz = 48000, .channels = 2};
	static int32_t play[9600][2];
	static int16_t record[480][2];
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, STEREO_MIX, STEREO_MIX);
	for (unsigned i = 0; i < 9600; i++)
		play[i][0] = play[i][1] = 1234 * 65536;
	ac97_sound_play(&rig.sound, &wide, play, 9600);
	ac97_sound_record(&rig.sound, AC97_ADC, &s16, record, 480);
	assert_int_equal(record[479][0], 1234);
}

static void test_nothing_played_is_nothing_recorded(void **state)
{
	int16_t frames[480][2];
	struct codec_rig rig;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, STEREO_MIX, STEREO_MIX);
	for (unsigned turn = 0; turn < 10; turn++) {
		number(frames, 480);
		ac97_sound_record(&rig.sound, AC97_ADC, &s16, frames, 480);
		for (unsigned i = 0; i < 480; i++)
			assert_int_equal(frames[i][0] | frames[i][1], 0);
	}
}

/* The player stops and comes back: silence between, and nothing twice. */
static void test_the_mix_goes_on_after_a_pause(void **state)
{
	static int16_t play[480][2], record[480][2];
	struct codec_rig rig;
	unsigned silent = 0, heard = 0;

	(void)state;
	start(&rig, AC97_PART_STAC9700);
	select_sources(&rig, STEREO_MIX, STEREO_MIX);
	for (unsigned turn = 0; turn < 60; turn++) {
		for (unsigned i = 0; i < 480; i++)
			play[i][0] = play[i][1] = (int16_t)(turn < 30 ? 1000 : 2000);
		if (turn < 20 || turn >= 40)
			ac97_sound_play(&rig.sound, &s16, play, 480);
		ac97_sound_record(&rig.sound, AC97_ADC, &s16, record, 480);
		if (turn >= 25 && turn < 40)
			for (unsigned i = 0; i < 480; i++)
				silent += record[i][0] == 0;
		if (turn >= 50)
			for (unsigned i = 0; i < 480; i++)
				heard += record[i][0] == 2000;
	}
	assert_int_equal(silent, 15 * 480);
	assert_int_equal(heard, 10 * 480);
}

/* A recorder that was away hears what is played now. */
static void test_the_mix_is_not_an_old_one(void **state)
{
	static const unsigned away[] = {30, 80, 500};
	static int16_t play[480][2], record[480][2];

	(void)state;
	for (size_t j = 0; j < sizeof(away) / sizeof(away[0]); j++) {
		struct codec_rig rig;
		unsigned last = away[j] + 20;

		start(&rig, AC97_PART_STAC9700);
		select_sources(&rig, STEREO_MIX, STEREO_MIX);
		for (unsigned turn = 0; turn <= last; turn++) {
			for (unsigned i = 0; i < 480; i++)
				play[i][0] = play[i][1] = (int16_t)(50 * turn);
			ac97_sound_play(&rig.sound, &s16, play, 480);
			if (turn < 10 || turn > last - 10)
				ac97_sound_record(&rig.sound, AC97_ADC, &s16, record, 480);
		}
		/* About 30 ms ago. */
		assert_in_range(record[0][0], 50 * (last - 4), 50 * last);
	}
}

static void test_any_sequence_of_registers_and_frames_is_survived(void **state)
{
	static uint8_t frames[4800 * 6 * 4];
	uint32_t seed = 77;

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct codec_rig rig;

		codec_rig_start(&rig, part, (enum ac97_outlet)(part % 3));
		for (unsigned i = 0; i < 20000; i++) {
			struct vmsnd_format format;
			uint32_t n;

			seed = seed * 1664525u + 1013904223u;
			codec_rig_set(&rig, seed >> 20 & 0x7e, (uint16_t)(seed >> 2));
			format = (struct vmsnd_format){
			    .sample = seed & 0x10000 ? VMSND_SAMPLE_S32 : VMSND_SAMPLE_S16,
			    .rate_hz = ac97_codec_rate_hz(&rig.codec, AC97_DAC_FRONT),
			    .channels = 2 * (seed >> 17 & 1) + 2};
			n = seed >> 25;
			frames[seed % sizeof(frames)] = (uint8_t)(seed >> 8);
			ac97_sound_play(&rig.sound, &format, frames, n);
			format.rate_hz = ac97_codec_rate_hz(&rig.codec, AC97_ADC);
			ac97_sound_record(&rig.sound, seed & 0x20000 ? AC97_ADC : AC97_ADC_MIC,
					  &format, frames, n);
			for (unsigned j = 0; j < 16; j++)
				assert_true(
				    isfinite(rig.sound.tone.now.past[j / 8][j / 4 % 2][j % 4]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_20_each_side_hears_what_is_plugged_into_its_source),
	    cmocka_unit_test(test_the_microphones_ADC_has_one_source),
	    cmocka_unit_test(test_the_microphones_boost_is_of_20_dB),
	    cmocka_unit_test(test_the_boost_comes_in_gently_and_clips),
	    cmocka_unit_test(test_one_channel_is_the_left_one),
	    cmocka_unit_test(test_the_stereo_mix_is_what_is_played_frame_by_frame),
	    cmocka_unit_test(test_the_mix_is_recorded_at_any_other_rate),
	    cmocka_unit_test(test_the_mix_has_volumes_and_tone),
	    cmocka_unit_test(test_A9_19_the_mix_has_the_record_gain_too),
	    cmocka_unit_test(test_the_mix_of_six_channels_is_the_front),
	    cmocka_unit_test(test_the_mix_of_20_bits_is_recorded_with_20_bits_of_place),
	    cmocka_unit_test(test_nothing_played_is_nothing_recorded),
	    cmocka_unit_test(test_the_mix_goes_on_after_a_pause),
	    cmocka_unit_test(test_the_mix_is_not_an_old_one),
	    cmocka_unit_test(test_any_sequence_of_registers_and_frames_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
