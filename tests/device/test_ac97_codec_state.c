/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state of a codec and of what it does to sound: brought back bit by bit, and refused when it
 * cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "codec_rig.h"

#define ROOM 131072u

struct saved {
	uint8_t bytes[ROOM];
	size_t used;
};

static void save_codec(const struct ac97_codec *codec, struct saved *saved)
{
	struct vmsnd_state_writer writer = {.to = saved->bytes, .room = ROOM};

	ac97_codec_save(codec, &writer);
	assert_false(writer.full);
	saved->used = writer.used;
}

static enum vmsnd_rc load_codec(struct ac97_codec *codec, const struct saved *saved, size_t bytes)
{
	struct vmsnd_state_reader reader = {.from = saved->bytes, .bytes = bytes};

	return ac97_codec_load(codec, &reader);
}

static void save_sound(const struct ac97_sound *sound, struct saved *saved)
{
	struct vmsnd_state_writer writer = {.to = saved->bytes, .room = ROOM};

	ac97_sound_save(sound, &writer);
	assert_false(writer.full);
	saved->used = writer.used;
}

static enum vmsnd_rc load_sound(struct ac97_sound *sound, const struct saved *saved, size_t bytes)
{
	struct vmsnd_state_reader reader = {.from = saved->bytes, .bytes = bytes};

	return ac97_sound_load(sound, &reader);
}

/* As a guest that writes anything leaves it. */
static void wear(struct ac97_codec *codec, uint32_t seed)
{
	for (unsigned i = 0; i < 500; i++) {
		seed = seed * 1664525u + 1013904223u;
		ac97_codec_write(codec, seed >> 24 & 0x7e, (uint16_t)(seed >> 4));
		if (i % 50 == 0)
			ac97_codec_jack(codec, (enum ac97_jack)(seed >> 20 & 3), seed & 0x8000);
	}
}

static void assert_same(const struct ac97_codec *a, const struct ac97_codec *b)
{
	for (unsigned offset = 0; offset < 0x80; offset += 2)
		assert_int_equal(ac97_codec_read(a, offset), ac97_codec_read(b, offset));
	assert_int_equal(a->jacks, b->jacks);
}

static void test_A9_32_a_codec_comes_back_as_it_was(void **state)
{
	static struct saved saved, again;

	(void)state;
	for (CODEC_EACH_PART(part)) {
		for (uint32_t seed = 0; seed < 200; seed++) {
			struct ac97_codec codec = codec_make(part, 6), other = codec_make(part, 6);

			wear(&codec, seed);
			save_codec(&codec, &saved);
			assert_int_equal(load_codec(&other, &saved, saved.used), VMSND_OK);
			assert_same(&codec, &other);
			save_codec(&other, &again);
			assert_int_equal(saved.used, again.used);
			assert_memory_equal(saved.bytes, again.bytes, saved.used);
		}
	}
}

static void test_A9_32_a_codec_that_is_cut_off_is_refused(void **state)
{
	static struct saved saved;
	struct ac97_codec codec = codec_make(AC97_PART_AD1980, 6);

	(void)state;
	wear(&codec, 1);
	save_codec(&codec, &saved);
	for (size_t bytes = 0; bytes < saved.used; bytes++) {
		struct ac97_codec other = codec_make(AC97_PART_AD1980, 6);

		assert_int_equal(load_codec(&other, &saved, bytes), VMSND_E_DAMAGED);
		assert_int_equal(ac97_codec_read(&other, AC97_MASTER), 0x8000);
	}
}

static void test_A9_32_another_codecs_state_is_refused(void **state)
{
	static const struct ac97_codec_conf confs[] = {
	    {.part = AC97_PART_STAC9700, .channels = 6},
	    {.part = AC97_PART_AD1980, .channels = 2},
	    {.part = AC97_PART_AD1980, .channels = 6, .tone = true},
	    {.part = AC97_PART_AD1980, .channels = 6, .number = 1},
	};
	static struct saved saved;
	struct ac97_codec codec = codec_make(AC97_PART_AD1980, 6);

	(void)state;
	save_codec(&codec, &saved);
	for (size_t i = 0; i < sizeof(confs) / sizeof(confs[0]); i++) {
		struct ac97_codec other;

		ac97_codec_init(&other, &confs[i]);
		assert_int_equal(load_codec(&other, &saved, saved.used), VMSND_E_DAMAGED);
	}
}

/* What is taken up is what was there, and nothing that no guest could have made. */
static void test_A9_32_each_flipped_bit_is_refused_or_kept(void **state)
{
	static struct saved saved, again;
	unsigned refused = 0;

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);

		save_codec(&codec, &saved);
		for (size_t bit = 0; bit < 8 * saved.used; bit++) {
			struct ac97_codec other = codec_make(part, 6);

			saved.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (load_codec(&other, &saved, saved.used) == VMSND_OK) {
				save_codec(&other, &again);
				assert_memory_equal(saved.bytes, again.bytes, saved.used);
				for (unsigned i = 0; i < AC97_CONVERTER_COUNT; i++)
					assert_in_range(
					    ac97_codec_rate_hz(&other, (enum ac97_converter)i),
					    4000, 96000);
				wear(&other, (uint32_t)bit);
			} else {
				refused++;
			}
			saved.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	assert_in_range(refused, 3000, 5000);
}

/* ---- sound
 * ---------------------------------------------------------------------------------------- */

static const struct vmsnd_format s16 = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static void play(struct codec_rig *rig, int16_t (*frames)[2], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		frames[i][0] = (int16_t)(i * 311);
		frames[i][1] = (int16_t)(i * 173);
	}
	ac97_sound_play(&rig->sound, &s16, frames, n);
}

static void start_sound(struct codec_rig *rig)
{
	codec_rig_start(rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(rig, AC97_MASTER, 0x0000);
	codec_rig_set(rig, AC97_PCM, 0x0808);
	codec_rig_set(rig, AC97_RECORD_GAIN, 0x0000);
	codec_rig_set(rig, AC97_TONE, 0x030b);
	codec_rig_set(rig, AC97_RECORD_SELECT, 0x0505);
}

static void test_A9_32_tone_and_the_recorded_mix_go_on_bit_by_bit(void **state)
{
	static struct saved codec, sound;
	static struct codec_rig one, other;
	static int16_t a[480][2], b[480][2];

	(void)state;
	start_sound(&one);
	for (unsigned turn = 0; turn < 8; turn++) {
		play(&one, a, 480);
		ac97_sound_record(&one.sound, AC97_ADC, &s16, a, 480);
	}
	save_codec(&one.codec, &codec);
	save_sound(&one.sound, &sound);
	codec_rig_start(&other, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	assert_int_equal(load_codec(&other.codec, &codec, codec.used), VMSND_OK);
	assert_int_equal(load_sound(&other.sound, &sound, sound.used), VMSND_OK);
	for (unsigned turn = 0; turn < 8; turn++) {
		play(&one, a, 480);
		play(&other, b, 480);
		assert_memory_equal(a, b, sizeof(a));
		ac97_sound_record(&one.sound, AC97_ADC, &s16, a, 480);
		ac97_sound_record(&other.sound, AC97_ADC, &s16, b, 480);
		assert_memory_equal(a, b, sizeof(a));
		assert_true(a[7][0] != 0 || a[8][0] != 0);
	}
}

static void test_A9_32_sound_that_is_cut_off_is_refused(void **state)
{
	static struct saved sound;
	static struct codec_rig one, other;
	static int16_t frames[480][2];

	(void)state;
	start_sound(&one);
	for (unsigned turn = 0; turn < 8; turn++) {
		play(&one, frames, 480);
		ac97_sound_record(&one.sound, AC97_ADC, &s16, frames, 480);
	}
	save_sound(&one.sound, &sound);
	start_sound(&other);
	for (size_t bytes = 0; bytes < sound.used; bytes++)
		assert_int_equal(load_sound(&other.sound, &sound, bytes), VMSND_E_DAMAGED);
	assert_int_equal(load_sound(&other.sound, &sound, sound.used), VMSND_OK);
}

static void test_A9_32_sound_with_a_flipped_bit_is_survived(void **state)
{
	static struct saved sound;
	static struct codec_rig rig;
	static int16_t frames[480][2];
	unsigned refused = 0;

	(void)state;
	start_sound(&rig);
	for (unsigned turn = 0; turn < 8; turn++) {
		play(&rig, frames, 480);
		ac97_sound_record(&rig.sound, AC97_ADC, &s16, frames, 480);
	}
	save_sound(&rig.sound, &sound);
	/* All but the frames themselves. */
	for (size_t bit = 0; bit < 8 * 180; bit++) {
		start_sound(&rig);
		sound.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (load_sound(&rig.sound, &sound, sound.used) != VMSND_OK)
			refused++;
		play(&rig, frames, 480);
		for (unsigned i = 0; i < 16; i++)
			assert_true(isfinite(rig.sound.tone.now.past[i / 8][i / 4 % 2][i % 4]));
		ac97_sound_record(&rig.sound, AC97_ADC, &s16, frames, 480);
		sound.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_in_range(refused, 20, 8 * 180);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_32_a_codec_comes_back_as_it_was),
	    cmocka_unit_test(test_A9_32_a_codec_that_is_cut_off_is_refused),
	    cmocka_unit_test(test_A9_32_another_codecs_state_is_refused),
	    cmocka_unit_test(test_A9_32_each_flipped_bit_is_refused_or_kept),
	    cmocka_unit_test(test_A9_32_tone_and_the_recorded_mix_go_on_bit_by_bit),
	    cmocka_unit_test(test_A9_32_sound_that_is_cut_off_is_refused),
	    cmocka_unit_test(test_A9_32_sound_with_a_flipped_bit_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
