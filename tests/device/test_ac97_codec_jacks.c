/* SPDX-License-Identifier: BSD-3-Clause */
/* How each part tells of its jacks, and what else only one part has. */
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

/* ---- AC'97 2.3's page 1 -------------------------------------------------------------------------
 */

static uint16_t sense_of(struct ac97_codec *codec, uint16_t function)
{
	ac97_codec_write(codec, AC97_INTERRUPT, 0x0001);
	ac97_codec_write(codec, AC97_FUNCTION_SELECT, (uint16_t)(function << 1));
	return ac97_codec_read(codec, AC97_SENSE);
}

static void test_page_1_tells_what_is_in_each_jack(void **state)
{
	static const struct {
		uint16_t function;
		enum ac97_jack jack;
		uint16_t plugged;
	} rows[] = {
	    {0x0, AC97_JACK_LINE_OUT, 0x0500}, /* powered speakers */
	    {0x5, AC97_JACK_MIC, 0x0300},      /* a microphone */
	    {0x7, AC97_JACK_LINE_IN, 0x0500},  /* a line */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

		assert_int_equal(sense_of(&codec, rows[i].function), rows[i].plugged);
		ac97_codec_jack(&codec, rows[i].jack, false);
		assert_int_equal(sense_of(&codec, rows[i].function), 0x0100);
		ac97_codec_jack(&codec, rows[i].jack, true);
		assert_int_equal(sense_of(&codec, rows[i].function), rows[i].plugged);
	}
}

static void test_page_1_has_functions_that_are_there_and_no_others(void **state)
{
	(void)state;
	for (unsigned channels = 2; channels <= 6; channels += 2) {
		struct ac97_codec codec = codec_make(AC97_PART_STAC9700, (uint8_t)channels);
		/* DAC 1, C/LFE, phone, both microphones, line, CD, video, aux, mono out. */
		uint32_t there = channels == 6 ? 0x0ff5 : 0x0ff1;

		ac97_codec_write(&codec, AC97_INTERRUPT, 0x0001);
		for (uint16_t function = 0; function < 16; function++) {
			bool is = there >> function & 1;

			ac97_codec_write(&codec, AC97_FUNCTION_SELECT, 0);
			write_and_see(&codec, AC97_FUNCTION_SELECT,
				      (uint16_t)(0xffc0 | function << 1),
				      (uint16_t)(is ? function << 1 : 0));
			assert_int_equal(ac97_codec_read(&codec, AC97_FUNCTION) & 1, 1);
		}
	}
}

static void test_page_1_mono_functions_have_no_ring(void **state)
{
	static const uint16_t mono[] = {0x4, 0x5, 0x6, 0xb};
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	ac97_codec_write(&codec, AC97_INTERRUPT, 0x0001);
	for (size_t i = 0; i < COUNT(mono); i++) {
		write_and_see(&codec, AC97_FUNCTION_SELECT, (uint16_t)(mono[i] << 1 | 1),
			      (uint16_t)(mono[i] << 1 | 1));
		assert_int_equal(ac97_codec_read(&codec, AC97_FUNCTION), 0);
	}
	ac97_codec_write(&codec, AC97_FUNCTION_SELECT, 0x000f); /* line in, ring */
	assert_int_equal(ac97_codec_read(&codec, AC97_FUNCTION) & 1, 1);
}

static void test_page_1_information_is_the_bioss_and_survives_a_reset(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	ac97_codec_write(&codec, AC97_INTERRUPT, 0x0001);
	write_and_see(&codec, AC97_FUNCTION, 0xabcf, 0xabd1); /* valid as before, present */
	write_and_see(&codec, AC97_SENSE, 0xffff, 0xe500);
	ac97_codec_write(&codec, AC97_RESET, 0);
	assert_int_equal(ac97_codec_read(&codec, AC97_FUNCTION), 0); /* page 0 again */
	ac97_codec_write(&codec, AC97_INTERRUPT, 0x0001);
	assert_int_equal(ac97_codec_read(&codec, AC97_FUNCTION), 0xabd1);
	assert_int_equal(ac97_codec_read(&codec, AC97_SENSE), 0xe500);
}

static void test_page_1_is_valid_again_after_a_sense_cycle(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	ac97_codec_write(&codec, AC97_INTERRUPT, 0x0001);
	write_and_see(&codec, AC97_FUNCTION, 0x0010, 0x0001);
	assert_int_equal(ac97_codec_read(&codec, AC97_SENSE), 0x0000);
	/* The cycle is over at once, and says so. */
	write_and_see(&codec, AC97_INTERRUPT, 0x1001, 0xa001);
	assert_int_equal(ac97_codec_read(&codec, AC97_FUNCTION), 0x0011);
	assert_int_equal(ac97_codec_read(&codec, AC97_SENSE), 0x0500);
	write_and_see(&codec, AC97_INTERRUPT, 0x8001, 0x0001);
}

static void test_page_1_interrupts_when_it_may(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	assert_false(ac97_codec_jack(&codec, AC97_JACK_MIC, false));
	assert_int_equal(ac97_codec_read(&codec, AC97_INTERRUPT), 0xa000);
	write_and_see(&codec, AC97_INTERRUPT, 0x8800, 0x0800);
	assert_true(ac97_codec_jack(&codec, AC97_JACK_MIC, true));
	assert_int_equal(ac97_codec_read(&codec, AC97_INTERRUPT), 0xa800);
	/* Nothing has changed; and it has no headphone jack. */
	assert_false(ac97_codec_jack(&codec, AC97_JACK_MIC, true));
	assert_false(ac97_codec_jack(&codec, AC97_JACK_HEADPHONE, false));
}

static void test_page_0_is_the_vendors(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	write_and_see(&codec, AC97_SIGMATEL_ANALOG, 0xffff, 0x0003);
	ac97_codec_write(&codec, AC97_INTERRUPT, 0x0001);
	write_and_see(&codec, AC97_SIGMATEL_ANALOG, 0xffff, 0x0000);
	ac97_codec_write(&codec, AC97_INTERRUPT, 0x0000);
	assert_int_equal(ac97_codec_read(&codec, AC97_SIGMATEL_ANALOG), 0x0003);
}

/* ---- AD1980, AD1981B
 * -------------------------------------------------------------------------------- */

static const enum ac97_part ad_parts[] = {AC97_PART_AD1980, AC97_PART_AD1981B};

static void test_AD_jack_pins_show_what_is_plugged_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ad_parts); i++) {
		struct ac97_codec codec = codec_make(ad_parts[i], 2);

		assert_int_equal(ac97_codec_read(&codec, AC97_AD_JACKS), 0x000c);
		assert_false(ac97_codec_jack(&codec, AC97_JACK_HEADPHONE, false));
		assert_int_equal(ac97_codec_read(&codec, AC97_AD_JACKS), 0x0008);
		assert_false(ac97_codec_jack(&codec, AC97_JACK_LINE_OUT, false));
		assert_int_equal(ac97_codec_read(&codec, AC97_AD_JACKS), 0x0000);
		/* States cannot be written. */
		write_and_see(&codec, AC97_AD_JACKS, 0xffff, 0xfff3);
	}
}

static void test_AD_pins_interrupt_in_interrupt_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ad_parts); i++) {
		struct ac97_codec codec = codec_make(ad_parts[i], 2);

		ac97_codec_write(&codec, AC97_AD_JACKS, 0x0010);
		assert_true(ac97_codec_jack(&codec, AC97_JACK_HEADPHONE, false));
		assert_false(ac97_codec_jack(&codec, AC97_JACK_LINE_OUT, false));
		assert_false(ac97_codec_jack(&codec, AC97_JACK_MIC, false));
		assert_int_equal(ac97_codec_read(&codec, AC97_AD_JACKS), 0x0011);
		/* The driver takes it back with a 0. */
		write_and_see(&codec, AC97_AD_JACKS, 0x0010, 0x0010);
	}
}

static void test_AD_right_sides_mute_once_mutes_are_split(void **state)
{
	static const unsigned stereo[] = {0x02, 0x04, 0x10, 0x12, 0x16, 0x18, 0x1c};

	(void)state;
	for (size_t i = 0; i < COUNT(ad_parts); i++) {
		for (size_t j = 0; j < COUNT(stereo); j++) {
			struct ac97_codec codec = codec_make(ad_parts[i], 2);

			write_and_see(&codec, stereo[j], 0x0080, 0x0000);
			ac97_codec_write(&codec, AC97_AD_MISC, AC97_AD_MSPLT);
			write_and_see(&codec, stereo[j], 0x0080, 0x0080);
			ac97_codec_write(&codec, AC97_AD_MISC, 0);
			assert_int_equal(ac97_codec_read(&codec, stereo[j]), 0x0000);
		}
	}
}

/* Three parts may share a link; each answers while its own bit is set. */
static void test_AD_answers_for_itself_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ad_parts); i++) {
		struct ac97_codec codec = codec_make(ad_parts[i], 2);

		write_and_see(&codec, AC97_AD_SERIAL, 0x4000, 0x4000);
		for (unsigned offset = 0; offset < 0x80; offset += 2)
			if (offset != AC97_AD_SERIAL)
				assert_int_equal(ac97_codec_read(&codec, offset), 0);
		assert_false(ac97_codec_write(&codec, AC97_MASTER, 0x0101));
		assert_false(ac97_codec_write(&codec, AC97_RESET, 0));
		write_and_see(&codec, AC97_AD_SERIAL, 0x7000, 0x7000);
		assert_int_equal(ac97_codec_read(&codec, AC97_MASTER), 0x8000);
	}
}

/* ---- ALC650
 * -------------------------------------------------------------------------------------------- */

static void test_ALC650_some_registers_open_with_a_bit(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_ALC650, 2);

	(void)state;
	write_and_see(&codec, AC97_ALC_GPIO_SETUP, 0xffff, 0x0000);
	write_and_see(&codec, 0x7a, 0xffff, 0x0000);
	ac97_codec_write(&codec, AC97_ALC_GPIO, 0x8000);
	write_and_see(&codec, AC97_ALC_GPIO_SETUP, 0xffff, 0x0033);
	write_and_see(&codec, 0x7a, 0xffff, 0x70ff);
}

static void test_ALC650_a_pin_is_at_the_line_outputs_jack(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_ALC650, 2);

	(void)state;
	assert_int_equal(ac97_codec_read(&codec, AC97_ALC_GPIO), 0x0002);
	assert_false(ac97_codec_jack(&codec, AC97_JACK_LINE_OUT, false));
	assert_int_equal(ac97_codec_read(&codec, AC97_ALC_GPIO), 0x0000);
	/* With its interrupt on; a 1 takes it back. */
	ac97_codec_write(&codec, AC97_ALC_GPIO, 0x8000);
	ac97_codec_write(&codec, AC97_ALC_GPIO_SETUP, 0x0020);
	assert_true(ac97_codec_jack(&codec, AC97_JACK_LINE_OUT, true));
	assert_int_equal(ac97_codec_read(&codec, AC97_ALC_GPIO), 0x8022);
	write_and_see(&codec, AC97_ALC_GPIO, 0x8020, 0x8002);
	/* An output shows its own level, and does not listen. */
	ac97_codec_write(&codec, AC97_ALC_GPIO_SETUP, 0x0023);
	write_and_see(&codec, AC97_ALC_GPIO, 0x8100, 0x8101);
	assert_false(ac97_codec_jack(&codec, AC97_JACK_LINE_OUT, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_page_1_tells_what_is_in_each_jack),
	    cmocka_unit_test(test_page_1_has_functions_that_are_there_and_no_others),
	    cmocka_unit_test(test_page_1_mono_functions_have_no_ring),
	    cmocka_unit_test(test_page_1_information_is_the_bioss_and_survives_a_reset),
	    cmocka_unit_test(test_page_1_is_valid_again_after_a_sense_cycle),
	    cmocka_unit_test(test_page_1_interrupts_when_it_may),
	    cmocka_unit_test(test_page_0_is_the_vendors),
	    cmocka_unit_test(test_AD_jack_pins_show_what_is_plugged_in),
	    cmocka_unit_test(test_AD_pins_interrupt_in_interrupt_mode),
	    cmocka_unit_test(test_AD_right_sides_mute_once_mutes_are_split),
	    cmocka_unit_test(test_AD_answers_for_itself_only),
	    cmocka_unit_test(test_ALC650_some_registers_open_with_a_bit),
	    cmocka_unit_test(test_ALC650_a_pin_is_at_the_line_outputs_jack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
