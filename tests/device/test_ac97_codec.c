/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec's registers, part by part: what they hold after a reset, and what is left of each value
 * that may be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec_rig.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* A register of six channels, as the part's manual has it. `kept`: bits that read back as written;
 * `fold`: bits 5 and 13 mean that all below them are ones. `other`: a rule of its own, tested by
 * itself. */
struct expected {
	uint8_t offset;
	uint16_t reset, kept;
	bool fold, other;
};

static const struct expected stac9700[] = {
    {.offset = 0x00, .reset = 0x6941, .other = true},
    {.offset = 0x02, .reset = 0x8000, .kept = 0x9f1f, .fold = true},
    {.offset = 0x06, .reset = 0x8000, .kept = 0x801f, .fold = true},
    {.offset = 0x0a, .reset = 0x0000, .kept = 0x801e},
    {.offset = 0x0c, .reset = 0x8008, .kept = 0x801f},
    {.offset = 0x0e, .reset = 0x8008, .kept = 0x805f},
    {.offset = 0x10, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x12, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x14, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x16, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x18, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x1a, .reset = 0x0000, .kept = 0x0707},
    {.offset = 0x1c, .reset = 0x8000, .kept = 0x8f0f},
    {.offset = 0x1e, .reset = 0x8000, .kept = 0x800f},
    {.offset = 0x20, .reset = 0x0000, .kept = 0xa380},
    {.offset = 0x22, .reset = 0x0000, .kept = 0x000c},
    {.offset = 0x24, .reset = 0x0000, .other = true},
    {.offset = 0x26, .reset = 0x000f, .other = true},
    {.offset = 0x28, .reset = 0x09c9},
    {.offset = 0x2a, .reset = 0x03c9, .other = true},
    {.offset = 0x2c, .reset = 0xbb80, .other = true},
    {.offset = 0x2e, .reset = 0xbb80, .other = true},
    {.offset = 0x30, .reset = 0xbb80, .other = true},
    {.offset = 0x32, .reset = 0xbb80, .other = true},
    {.offset = 0x34, .reset = 0xbb80, .other = true},
    {.offset = 0x36, .reset = 0x8080, .kept = 0x9f9f, .fold = true},
    {.offset = 0x38, .reset = 0x8080, .kept = 0x9f9f, .fold = true},
    {.offset = 0x6c, .reset = 0x0000, .kept = 0x0003},
    {.offset = 0x7c, .reset = 0x8384},
    {.offset = 0x7e, .reset = 0x7600},
};

static const struct expected ad1980[] = {
    {.offset = 0x00, .reset = 0x0090, .other = true},
    {.offset = 0x02, .reset = 0x8000, .kept = 0x9f1f, .fold = true},
    {.offset = 0x04, .reset = 0x8000, .kept = 0x9f1f, .fold = true},
    {.offset = 0x06, .reset = 0x8000, .kept = 0x801f, .fold = true},
    {.offset = 0x0c, .reset = 0x8008, .kept = 0x801f},
    {.offset = 0x0e, .reset = 0x8008, .kept = 0x805f},
    {.offset = 0x10, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x12, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x16, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x18, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x1a, .reset = 0x0000, .kept = 0x0707},
    {.offset = 0x1c, .reset = 0x8000, .kept = 0x8f0f},
    {.offset = 0x20, .reset = 0x0000, .kept = 0x0f80},
    {.offset = 0x26, .reset = 0x000f, .other = true},
    {.offset = 0x28, .reset = 0x03c7, .kept = 0x0030},
    {.offset = 0x2a, .reset = 0x01c0, .other = true},
    {.offset = 0x2c, .reset = 0xbb80, .other = true},
    {.offset = 0x2e, .reset = 0xbb80, .other = true},
    {.offset = 0x30, .reset = 0xbb80, .other = true},
    {.offset = 0x32, .reset = 0xbb80, .other = true},
    {.offset = 0x36, .reset = 0x8080, .kept = 0x9f9f, .fold = true},
    {.offset = 0x38, .reset = 0x8080, .kept = 0x9f9f, .fold = true},
    {.offset = 0x3a, .reset = 0x2000, .other = true},
    {.offset = 0x72, .reset = 0x000c, .other = true},
    {.offset = 0x74, .reset = 0x1001, .kept = 0xf907},
    {.offset = 0x76, .reset = 0x0000, .kept = 0xffff},
    {.offset = 0x7c, .reset = 0x4144},
    {.offset = 0x7e, .reset = 0x5370},
};

static const struct expected ad1981b[] = {
    {.offset = 0x00, .reset = 0x0090, .other = true},
    {.offset = 0x02, .reset = 0x8000, .kept = 0x9f1f, .fold = true},
    {.offset = 0x04, .reset = 0x8000, .kept = 0x9f1f, .fold = true},
    {.offset = 0x06, .reset = 0x8000, .kept = 0x801f, .fold = true},
    {.offset = 0x0c, .reset = 0x8008, .kept = 0x801f},
    {.offset = 0x0e, .reset = 0x8008, .kept = 0x805f},
    {.offset = 0x10, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x12, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x16, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x18, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x1a, .reset = 0x0000, .kept = 0x0707},
    {.offset = 0x1c, .reset = 0x8000, .kept = 0x8f0f},
    {.offset = 0x20, .reset = 0x0000, .kept = 0x0380},
    {.offset = 0x26, .reset = 0x000f, .other = true},
    {.offset = 0x28, .reset = 0x0605, .kept = 0x0030},
    {.offset = 0x2a, .reset = 0x0000, .other = true},
    {.offset = 0x2c, .reset = 0xbb80, .other = true},
    {.offset = 0x32, .reset = 0xbb80, .other = true},
    {.offset = 0x3a, .reset = 0x2000, .other = true},
    {.offset = 0x60, .reset = 0x8080, .kept = 0xe0ff},
    {.offset = 0x62, .reset = 0x0000, .kept = 0xffff},
    {.offset = 0x72, .reset = 0x000c, .other = true},
    {.offset = 0x74, .reset = 0x1001, .kept = 0xf907},
    {.offset = 0x76, .reset = 0x0000, .kept = 0xba5f},
    {.offset = 0x7c, .reset = 0x4144},
    {.offset = 0x7e, .reset = 0x5374},
};

static const struct expected alc650[] = {
    {.offset = 0x00, .reset = 0x0000, .other = true},
    {.offset = 0x02, .reset = 0x8000, .kept = 0x9f1f, .fold = true},
    {.offset = 0x06, .reset = 0x8000, .kept = 0x801f, .fold = true},
    {.offset = 0x0a, .reset = 0x0000, .kept = 0x801e},
    {.offset = 0x0c, .reset = 0x8008, .kept = 0x801f},
    {.offset = 0x0e, .reset = 0x8008, .kept = 0x805f},
    {.offset = 0x10, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x12, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x14, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x16, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x18, .reset = 0x8808, .kept = 0x9f1f},
    {.offset = 0x1a, .reset = 0x0000, .kept = 0x0707},
    {.offset = 0x1c, .reset = 0x8000, .kept = 0x8f0f},
    {.offset = 0x20, .reset = 0x0000, .kept = 0x8f80},
    {.offset = 0x26, .reset = 0x000f, .other = true},
    {.offset = 0x28, .reset = 0x05c7, .kept = 0x0030},
    {.offset = 0x2a, .reset = 0x01c0, .other = true},
    {.offset = 0x2c, .reset = 0xbb80, .other = true},
    {.offset = 0x2e, .reset = 0xbb80, .other = true},
    {.offset = 0x30, .reset = 0xbb80, .other = true},
    {.offset = 0x32, .reset = 0xbb80, .other = true},
    {.offset = 0x36, .reset = 0x8080, .kept = 0x9f9f, .fold = true},
    {.offset = 0x38, .reset = 0x8080, .kept = 0x9f9f, .fold = true},
    {.offset = 0x3a, .reset = 0x2000, .other = true},
    {.offset = 0x64, .reset = 0x0808, .kept = 0x9f1f},
    {.offset = 0x66, .reset = 0x0808, .kept = 0x9f1f},
    {.offset = 0x6a, .reset = 0x0000, .kept = 0xfeff},
    {.offset = 0x6e, .reset = 0x0023},
    {.offset = 0x74, .reset = 0x0000, .kept = 0xffff},
    {.offset = 0x76, .reset = 0x0000, .other = true},
    {.offset = 0x78, .reset = 0x0002, .other = true},
    {.offset = 0x7a, .reset = 0x0000, .other = true},
    {.offset = 0x7c, .reset = 0x414c},
    {.offset = 0x7e, .reset = 0x4720},
};

static const struct {
	const struct expected *rows;
	size_t n;
} manuals[AC97_PART_COUNT] = {
    [AC97_PART_STAC9700] = {stac9700, COUNT(stac9700)},
    [AC97_PART_AD1980] = {ad1980, COUNT(ad1980)},
    [AC97_PART_AD1981B] = {ad1981b, COUNT(ad1981b)},
    [AC97_PART_ALC650] = {alc650, COUNT(alc650)},
};

/* Registers that the manual does not have read 0. */
static struct expected manual(enum ac97_part part, unsigned offset)
{
	for (size_t i = 0; i < manuals[part].n; i++)
		if (manuals[part].rows[i].offset == offset)
			return manuals[part].rows[i];
	return (struct expected){.offset = (uint8_t)offset};
}

static uint16_t left_of(const struct expected *row, uint16_t value)
{
	if (row->fold && (value & 0x0020))
		value |= 0x001f;
	if (row->fold && (value & 0x2000))
		value |= 0x1f00;
	return (uint16_t)((row->reset & ~row->kept) | (value & row->kept));
}

static void test_A9_16_each_register_of_each_part_after_a_reset(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);

		for (unsigned offset = 0; offset < 0x80; offset += 2)
			assert_int_equal(ac97_codec_read(&codec, offset),
					 manual(part, offset).reset);
	}
}

/* The row itself: what every VMM's STAC9700 with two channels shows. */
static void test_A9_16_the_usual_codec_after_a_reset(void **state)
{
	static const uint16_t resets[][2] = {
	    {0x02, 0x8000}, {0x06, 0x8000}, {0x0c, 0x8008}, {0x0e, 0x8008}, {0x10, 0x8808},
	    {0x12, 0x8808}, {0x16, 0x8808}, {0x18, 0x8808}, {0x1c, 0x8000}, {0x1e, 0x8000},
	    {0x26, 0x000f}, {0x28, 0x0809}, {0x2c, 0xbb80}, {0x2e, 0xbb80}, {0x30, 0xbb80},
	    {0x32, 0xbb80}, {0x34, 0xbb80}, {0x36, 0x0000}, {0x38, 0x0000}, {0x2a, 0x0209},
	};
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	for (size_t i = 0; i < COUNT(resets); i++)
		assert_int_equal(ac97_codec_read(&codec, resets[i][0]), resets[i][1]);
}

static void test_A9_17_what_is_left_of_each_value_in_each_register(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		for (unsigned offset = 0; offset < 0x80; offset += 2) {
			struct expected row = manual(part, offset);
			struct ac97_codec codec = codec_make(part, 6);

			if (row.other)
				continue;
			for (uint32_t value = 0; value <= 0xffff; value++) {
				uint16_t want = left_of(&row, (uint16_t)value);

				ac97_codec_write(&codec, offset, (uint16_t)value);
				if (offset == AC97_AD_SERIAL && row.kept == 0xf907 &&
				    !(want & 0x1000))
					assert_int_equal(ac97_codec_read(&codec, 0x7c), 0);
				if (ac97_codec_read(&codec, offset) != want)
					fail_msg("part %d register %02x: %04x reads %04x, not %04x",
						 (int)part, offset, value,
						 ac97_codec_read(&codec, offset), want);
			}
		}
	}
}

/* Values written elsewhere leave a register alone: all but those that belong together. */
static void test_registers_do_not_reach_each_other(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		for (unsigned at = 2; at < 0x80; at += 2) {
			struct ac97_codec codec = codec_make(part, 6);
			struct expected row = manual(part, at);

			if (row.other || at == AC97_AD_SERIAL || at == AC97_AD_MISC)
				continue;
			ac97_codec_write(&codec, at, (uint16_t)~row.reset);
			for (unsigned offset = 0; offset < 0x80; offset += 2)
				if (offset != at)
					assert_int_equal(ac97_codec_read(&codec, offset),
							 manual(part, offset).reset);
		}
	}
}

static void test_A9_15_beyond_the_registers_is_all_ones_and_nothing(void **state)
{
	static const unsigned offsets[] = {0x01, 0x03, 0x7f, 0x80, 0x82, 0xfe, 0x100, UINT32_MAX};
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		assert_int_equal(ac97_codec_read(&codec, offsets[i]), 0xffff);
		assert_false(ac97_codec_write(&codec, offsets[i], 0x1234));
	}
	for (unsigned offset = 0; offset < 0x80; offset += 2)
		assert_int_equal(ac97_codec_read(&codec, offset),
				 codec_make(AC97_PART_STAC9700, 2).regs[offset / 2] |
				     (offset == 0x26 ? 0x000f : 0) | (offset == 0x2a ? 0x0200 : 0));
}

static void test_a_write_to_register_0_resets_the_mixer(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);

		for (unsigned offset = 2; offset < 0x80; offset += 2)
			if (offset != AC97_AD_SERIAL)
				ac97_codec_write(&codec, offset, 0x5a5a);
		assert_true(ac97_codec_write(&codec, AC97_RESET, 0xffff));
		for (unsigned offset = 0; offset < 0x80; offset += 2)
			assert_int_equal(ac97_codec_read(&codec, offset),
					 manual(part, offset).reset);
	}
}

static void test_a_write_that_changes_nothing_says_so(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_STAC9700, 2);

	(void)state;
	assert_true(ac97_codec_write(&codec, AC97_MASTER, 0x0000));
	assert_false(ac97_codec_write(&codec, AC97_MASTER, 0x0000));
	assert_false(ac97_codec_write(&codec, AC97_VENDOR1, 0x0000));
	assert_true(ac97_codec_write(&codec, AC97_RESET, 0x0000));
}

static void test_A9_02_parts_by_name(void **state)
{
	static const char *const names[] = {"stac9700", "ad1980", "ad1981b", "alc650"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(ac97_part_find(names[i]), i);
	assert_int_equal(ac97_part_find("ad1985"), AC97_PART_COUNT);
	assert_int_equal(ac97_part_find(""), AC97_PART_COUNT);
}

static void test_A9_01_subsystem_of_each_part(void **state)
{
	static const uint16_t ids[AC97_PART_COUNT][2] = {
	    [AC97_PART_AD1980] = {0x1028, 0x0177},
	    [AC97_PART_AD1981B] = {0x1028, 0x01ad},
	};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		uint16_t vendor = 1, device = 1;

		ac97_part_subsystem(part, &vendor, &device);
		assert_int_equal(vendor, ids[part][0]);
		assert_int_equal(device, ids[part][1]);
	}
}

static void test_channels_are_as_configured_and_as_the_part_has_them(void **state)
{
	static const uint16_t dacs[] = {[2] = 0x0000, [4] = 0x0080, [6] = 0x01c0};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		for (unsigned channels = 2; channels <= 6; channels += 2) {
			struct ac97_codec codec = codec_make(part, (uint8_t)channels);
			unsigned has = channels < ac97_part_channels(part)
					   ? channels
					   : ac97_part_channels(part);

			assert_int_equal(ac97_codec_read(&codec, 0x28) & 0x01c0, dacs[has]);
			assert_int_equal(ac97_codec_read(&codec, 0x2a) & 0x01c0, dacs[has]);
			assert_int_equal(ac97_codec_read(&codec, 0x38), has >= 4 ? 0x8080 : 0);
			assert_int_equal(ac97_codec_read(&codec, 0x36), has >= 6 ? 0x8080 : 0);
		}
	}
}

static void test_a_second_codec_tells_its_number(void **state)
{
	(void)state;
	for (uint8_t number = 0; number < 3; number++) {
		const struct ac97_codec_conf conf = {.number = number, .channels = 2};
		struct ac97_codec codec;

		ac97_codec_init(&codec, &conf);
		assert_int_equal(ac97_codec_read(&codec, 0x28) >> 14, number);
	}
}

static void test_tone_is_there_when_asked_for(void **state)
{
	(void)state;
	for (unsigned on = 0; on < 2; on++) {
		const struct ac97_codec_conf conf = {.tone = on, .channels = 2};
		struct ac97_codec codec;

		ac97_codec_init(&codec, &conf);
		assert_int_equal(ac97_codec_read(&codec, 0x00), on ? 0x6945 : 0x6941);
		assert_int_equal(ac97_codec_read(&codec, 0x08), on ? 0x0f0f : 0x0000);
		ac97_codec_write(&codec, 0x08, 0xffff);
		ac97_codec_write(&codec, 0x08, 0xf3f4);
		assert_int_equal(ac97_codec_read(&codec, 0x08), on ? 0x0304 : 0x0000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_16_each_register_of_each_part_after_a_reset),
	    cmocka_unit_test(test_A9_16_the_usual_codec_after_a_reset),
	    cmocka_unit_test(test_A9_17_what_is_left_of_each_value_in_each_register),
	    cmocka_unit_test(test_registers_do_not_reach_each_other),
	    cmocka_unit_test(test_A9_15_beyond_the_registers_is_all_ones_and_nothing),
	    cmocka_unit_test(test_a_write_to_register_0_resets_the_mixer),
	    cmocka_unit_test(test_a_write_that_changes_nothing_says_so),
	    cmocka_unit_test(test_A9_02_parts_by_name),
	    cmocka_unit_test(test_A9_01_subsystem_of_each_part),
	    cmocka_unit_test(test_channels_are_as_configured_and_as_the_part_has_them),
	    cmocka_unit_test(test_a_second_codec_tells_its_number),
	    cmocka_unit_test(test_tone_is_there_when_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
