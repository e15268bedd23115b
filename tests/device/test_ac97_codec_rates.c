/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates, power and the extended status of each part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec_rig.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void write_and_see(struct ac97_codec *codec, unsigned offset, uint16_t value, uint16_t seen)
{
	ac97_codec_write(codec, offset, value);
	assert_int_equal(ac97_codec_read(codec, offset), seen);
}

/* The nearest that the part can do; of two as near, either. */
static void assert_nearest(enum ac97_part part, uint32_t asked, uint32_t got)
{
	static const uint32_t fixed[] = {8000,  11025, 12000, 16000, 22050,
					 24000, 32000, 44100, 48000};
	static const uint32_t lowest[] = {4000, 7040, 7040, 8000};
	uint32_t off = asked > got ? asked - got : got - asked;

	if (part != AC97_PART_ALC650) {
		uint32_t want = asked < lowest[part] ? lowest[part] : asked > 48000 ? 48000 : asked;

		assert_int_equal(got, want);
		return;
	}
	for (size_t i = 0; i < COUNT(fixed); i++) {
		uint32_t other = asked > fixed[i] ? asked - fixed[i] : fixed[i] - asked;

		assert_true(off <= other);
	}
}

static void test_A9_21_each_rate_is_brought_to_one_that_the_part_can_do(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);

		ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_VRA);
		for (uint32_t asked = 0; asked <= 0xffff; asked++) {
			uint32_t got;

			ac97_codec_write(&codec, AC97_RATE_FRONT, (uint16_t)asked);
			ac97_codec_write(&codec, AC97_RATE_ADC, (uint16_t)asked);
			got = ac97_codec_read(&codec, AC97_RATE_FRONT);
			assert_nearest(part, asked, got);
			assert_int_equal(ac97_codec_read(&codec, AC97_RATE_ADC), got);
			assert_int_equal(ac97_codec_rate_hz(&codec, AC97_DAC_FRONT), got);
			assert_int_equal(ac97_codec_rate_hz(&codec, AC97_ADC), got);
		}
	}
}

static void test_A9_21_rates_stay_while_variable_rates_are_off(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);

		ac97_codec_write(&codec, AC97_EXTENDED, 0);
		for (unsigned offset = AC97_RATE_FRONT; offset <= AC97_RATE_MIC; offset += 2) {
			uint16_t before = ac97_codec_read(&codec, offset);

			write_and_see(&codec, offset, 44100, before);
		}
		for (unsigned i = 0; i < AC97_SPDIF; i++)
			assert_int_equal(ac97_codec_rate_hz(&codec, (enum ac97_converter)i), 48000);
	}
}

static void test_A9_21_clearing_variable_rates_brings_48000_back(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);

		ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_VRA | AC97_EXT_VRM);
		write_and_see(&codec, AC97_RATE_FRONT, 44100, 44100);
		write_and_see(&codec, AC97_RATE_ADC, 22050, 22050);
		ac97_codec_write(&codec, AC97_EXTENDED, 0);
		assert_int_equal(ac97_codec_read(&codec, AC97_RATE_FRONT), 48000);
		assert_int_equal(ac97_codec_read(&codec, AC97_RATE_ADC), 48000);
	}
}

static void test_the_microphones_rate_has_a_switch_of_its_own(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_VRA);
	write_and_see(&codec, AC97_RATE_MIC, 16000, 48000);
	ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_VRM);
	write_and_see(&codec, AC97_RATE_MIC, 16000, 16000);
	write_and_see(&codec, AC97_RATE_FRONT, 16000, 48000);
	ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_VRA);
	assert_int_equal(ac97_codec_read(&codec, AC97_RATE_MIC), 48000);
}

static void test_double_rate_is_of_the_front_and_silences_the_rest(void **state)
{
	static const enum ac97_part parts[] = {AC97_PART_AD1980, AC97_PART_ALC650};

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		struct ac97_codec codec = codec_make(parts[i], 6);

		ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_DRA);
		assert_int_equal(ac97_codec_rate_hz(&codec, AC97_DAC_FRONT), 96000);
		assert_int_equal(ac97_codec_rate_hz(&codec, AC97_ADC), 48000);
		assert_false(ac97_codec_works(&codec, AC97_DAC_SURROUND));
		ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_DRA | AC97_EXT_VRA);
		write_and_see(&codec, AC97_RATE_FRONT, 44100, 44100);
		assert_int_equal(ac97_codec_rate_hz(&codec, AC97_DAC_FRONT), 88200);
	}
}

static void test_parts_without_double_rate_have_no_such_bit(void **state)
{
	struct ac97_codec stac = codec_make(AC97_PART_STAC9700, 6);
	struct ac97_codec ad = codec_make(AC97_PART_AD1981B, 2);

	(void)state;
	write_and_see(&stac, AC97_EXTENDED, 0x0002, 0x03c0);
	write_and_see(&ad, AC97_EXTENDED, 0x0002, 0x0000);
}

static void test_AD1980_rates_are_one_until_they_are_unlocked(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_AD1980, 6);

	(void)state;
	ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_VRA);
	write_and_see(&codec, AC97_RATE_FRONT, 44100, 44100);
	assert_int_equal(ac97_codec_read(&codec, AC97_RATE_SURROUND), 44100);
	assert_int_equal(ac97_codec_rate_hz(&codec, AC97_DAC_LFE), 44100);
	write_and_see(&codec, AC97_RATE_SURROUND, 32000, 44100);
	ac97_codec_write(&codec, AC97_AD_MISC, AC97_AD_SRU);
	write_and_see(&codec, AC97_RATE_SURROUND, 32000, 32000);
	assert_int_equal(ac97_codec_rate_hz(&codec, AC97_DAC_SURROUND), 32000);
	assert_int_equal(ac97_codec_rate_hz(&codec, AC97_DAC_FRONT), 44100);
}

static void test_extended_status_has_what_the_part_can_do(void **state)
{
	static const struct {
		enum ac97_part part;
		uint8_t channels;
		uint16_t all, none; /* what ones, and zeros, read back as */
	} rows[] = {
	    {AC97_PART_STAC9700, 2, 0x4009, 0x0200}, {AC97_PART_STAC9700, 6, 0x7809, 0x03c0},
	    {AC97_PART_AD1980, 2, 0x8437, 0x0000},   {AC97_PART_AD1980, 4, 0x9437, 0x0080},
	    {AC97_PART_AD1980, 6, 0xbc37, 0x01c0},   {AC97_PART_AD1981B, 2, 0x8435, 0x0000},
	    {AC97_PART_ALC650, 2, 0x0437, 0x0000},   {AC97_PART_ALC650, 6, 0x3c37, 0x01c0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ac97_codec codec = codec_make(rows[i].part, rows[i].channels);

		write_and_see(&codec, AC97_EXTENDED, 0xffff, rows[i].all);
		write_and_see(&codec, AC97_EXTENDED, 0x0000, rows[i].none);
	}
}

static void test_power_bits_and_what_is_ready(void **state)
{
	static const struct {
		uint16_t off, ready;
	} rows[] = {
	    {AC97_PR0, 0x000e}, {AC97_PR1, 0x000d}, {AC97_PR2, 0x000b}, {AC97_PR3, 0x0000},
	    {AC97_PR4, 0x000f}, {AC97_PR5, 0x000c}, {AC97_PR6, 0x000f}, {0x8000, 0x000f},
	};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);

		for (size_t i = 0; i < COUNT(rows); i++)
			write_and_see(&codec, AC97_POWER, rows[i].off, rows[i].off | rows[i].ready);
		/* Ready bits cannot be written. */
		write_and_see(&codec, AC97_POWER, 0x00ff, 0x000f);
		write_and_see(&codec, AC97_POWER, 0xff00, 0xff00);
	}
}

static void test_which_converters_power_bits_stop(void **state)
{
	static const struct {
		uint16_t power, extended;
		uint8_t working; /* bit n: enum ac97_converter n */
	} rows[] = {
	    {0, 0, 0x1f},
	    {AC97_PR0, 0, 0x17},
	    {AC97_PR1, 0, 0x1e},
	    {AC97_PR3, 0, 0x00},
	    {AC97_PR4, 0, 0x00},
	    {AC97_PR5, 0, 0x00},
	    {AC97_PR6, 0, 0x1f},
	    {0, AC97_EXT_PRJ, 0x1d},
	    {0, AC97_EXT_PRI, 0x1f},
	    {0, AC97_EXT_PRK, 0x1f},
	    {0, AC97_EXT_PRI | AC97_EXT_PRK, 0x1b},
	    {0, AC97_EXT_PRL, 0x0f},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 6);

		ac97_codec_write(&codec, AC97_POWER, rows[i].power);
		ac97_codec_write(&codec, AC97_EXTENDED, rows[i].extended);
		for (unsigned j = 0; j < AC97_CONVERTER_COUNT; j++)
			assert_int_equal(ac97_codec_works(&codec, (enum ac97_converter)j),
					 rows[i].working >> j & 1);
	}
}

static void test_converters_that_are_not_there_do_not_work(void **state)
{
	struct ac97_codec two = codec_make(AC97_PART_AD1981B, 6);
	struct ac97_codec four = codec_make(AC97_PART_ALC650, 4);

	(void)state;
	assert_false(ac97_codec_works(&two, AC97_DAC_SURROUND));
	assert_false(ac97_codec_works(&two, AC97_DAC_LFE));
	assert_false(ac97_codec_works(&two, AC97_ADC_MIC));
	assert_true(ac97_codec_works(&four, AC97_DAC_SURROUND));
	assert_false(ac97_codec_works(&four, AC97_DAC_LFE));
}

static void test_spdif_runs_when_enabled_and_at_its_own_rate(void **state)
{
	static const struct {
		enum ac97_part part;
		uint16_t control, seen;
		uint32_t rate_hz;
	} rows[] = {
	    {AC97_PART_AD1980, 0x0000, 0x0000, 44100},  {AC97_PART_AD1980, 0x2000, 0x2000, 48000},
	    {AC97_PART_AD1980, 0x3000, 0x3000, 32000},  {AC97_PART_AD1980, 0x1000, 0x2000, 48000},
	    {AC97_PART_AD1981B, 0x0000, 0x0000, 44100}, {AC97_PART_AD1981B, 0x3000, 0x2000, 48000},
	    {AC97_PART_ALC650, 0x3002, 0x3002, 32000},  {AC97_PART_ALC650, 0xffff, 0xbfff, 32000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ac97_codec codec = codec_make(rows[i].part, 2);

		assert_false(ac97_codec_works(&codec, AC97_SPDIF));
		write_and_see(&codec, AC97_SPDIF_CONTROL, rows[i].control, rows[i].seen);
		assert_int_equal(ac97_codec_rate_hz(&codec, AC97_SPDIF), rows[i].rate_hz);
		ac97_codec_write(&codec, AC97_EXTENDED, AC97_EXT_SPDIF);
		assert_true(ac97_codec_works(&codec, AC97_SPDIF));
		assert_true(ac97_codec_read(&codec, AC97_EXTENDED) & AC97_EXT_SPDIF_VALID);
		/* The front DACs have nothing to do with it. */
		ac97_codec_write(&codec, AC97_POWER, AC97_PR1);
		assert_true(ac97_codec_works(&codec, AC97_SPDIF));
		ac97_codec_write(&codec, AC97_POWER, AC97_PR4);
		assert_false(ac97_codec_works(&codec, AC97_SPDIF));
	}
}

static void test_no_converter_ever_has_no_rate(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);

		for (unsigned i = 0; i < 200000; i++) {
			seed = seed * 1664525u + 1013904223u;
			ac97_codec_write(&codec, seed >> 24 & 0x7e, (uint16_t)(seed >> 3));
			for (unsigned j = 0; j < AC97_CONVERTER_COUNT; j++) {
				uint32_t rate_hz =
				    ac97_codec_rate_hz(&codec, (enum ac97_converter)j);

				assert_in_range(rate_hz, 4000, 96000);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_21_each_rate_is_brought_to_one_that_the_part_can_do),
	    cmocka_unit_test(test_A9_21_rates_stay_while_variable_rates_are_off),
	    cmocka_unit_test(test_A9_21_clearing_variable_rates_brings_48000_back),
	    cmocka_unit_test(test_the_microphones_rate_has_a_switch_of_its_own),
	    cmocka_unit_test(test_double_rate_is_of_the_front_and_silences_the_rest),
	    cmocka_unit_test(test_parts_without_double_rate_have_no_such_bit),
	    cmocka_unit_test(test_AD1980_rates_are_one_until_they_are_unlocked),
	    cmocka_unit_test(test_extended_status_has_what_the_part_can_do),
	    cmocka_unit_test(test_power_bits_and_what_is_ready),
	    cmocka_unit_test(test_which_converters_power_bits_stop),
	    cmocka_unit_test(test_converters_that_are_not_there_do_not_work),
	    cmocka_unit_test(test_spdif_runs_when_enabled_and_at_its_own_rate),
	    cmocka_unit_test(test_no_converter_ever_has_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
