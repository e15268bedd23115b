/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec's registers, part by part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/ac97/codec_parts.h"

static struct ac97_codec make(enum ac97_part part, uint8_t channels)
{
	const struct ac97_codec_conf conf = {.part = part, .channels = channels};
	struct ac97_codec codec;

	ac97_codec_init(&codec, &conf);
	return codec;
}

static void test_A9_16_reset_values(void **state)
{
	static const struct {
		unsigned offset;
		uint16_t value;
	} resets[] = {
	    {0x02, 0x8000}, {0x06, 0x8000}, {0x0c, 0x8008}, {0x0e, 0x8008}, {0x10, 0x8808},
	    {0x12, 0x8808}, {0x16, 0x8808}, {0x18, 0x8808}, {0x1c, 0x8000}, {0x1e, 0x8000},
	    {0x26, 0x000f}, {0x28, 0x0809}, {0x2c, 0xbb80}, {0x2e, 0xbb80}, {0x30, 0xbb80},
	    {0x32, 0xbb80}, {0x34, 0xbb80}, {0x7c, 0x8384}, {0x7e, 0x7600},
	};
	struct ac97_codec codec = make(AC97_PART_STAC9700, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++)
		assert_int_equal(ac97_codec_read(&codec, resets[i].offset), resets[i].value);
	assert_int_equal(ac97_codec_read(&codec, 0x2a) & 0x000f, 0x0009);
}

static void test_A9_17_the_sixth_bit_of_a_volume_is_all_five(void **state)
{
	struct ac97_codec codec = make(AC97_PART_STAC9700, 2);

	(void)state;
	ac97_codec_write(&codec, AC97_MASTER, 0x2020);
	assert_int_equal(ac97_codec_read(&codec, AC97_MASTER), 0x1f1f);
	ac97_codec_write(&codec, AC97_MONO, 0x0020);
	assert_int_equal(ac97_codec_read(&codec, AC97_MONO), 0x001f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_16_reset_values),
	    cmocka_unit_test(test_A9_17_the_sixth_bit_of_a_volume_is_all_five),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
