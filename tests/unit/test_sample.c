/* SPDX-License-Identifier: BSD-3-Clause */
/* The sample table, and the words for results and faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vmsnd/device.h"
#include "vmsnd/types.h"

static const struct {
	enum vmsnd_sample sample;
	const char *name;
	uint32_t bytes, bits;
	uint8_t silence[8];
} rows[] = {
    {VMSND_SAMPLE_U8, "U8", 1, 8, {0x80}},
    {VMSND_SAMPLE_S8, "S8", 1, 8, {0}},
    {VMSND_SAMPLE_U16, "U16", 2, 16, {0, 0x80}},
    {VMSND_SAMPLE_S16, "S16", 2, 16, {0}},
    {VMSND_SAMPLE_U18_3, "U18_3", 3, 18, {0, 0, 2}},
    {VMSND_SAMPLE_S18_3, "S18_3", 3, 18, {0}},
    {VMSND_SAMPLE_U20_3, "U20_3", 3, 20, {0, 0, 8}},
    {VMSND_SAMPLE_S20_3, "S20_3", 3, 20, {0}},
    {VMSND_SAMPLE_U24_3, "U24_3", 3, 24, {0, 0, 0x80}},
    {VMSND_SAMPLE_S24_3, "S24_3", 3, 24, {0}},
    {VMSND_SAMPLE_U20, "U20", 4, 20, {0, 0, 8}},
    {VMSND_SAMPLE_S20, "S20", 4, 20, {0}},
    {VMSND_SAMPLE_U24, "U24", 4, 24, {0, 0, 0x80}},
    {VMSND_SAMPLE_S24, "S24", 4, 24, {0}},
    {VMSND_SAMPLE_U32, "U32", 4, 32, {0, 0, 0, 0x80}},
    {VMSND_SAMPLE_S32, "S32", 4, 32, {0}},
    {VMSND_SAMPLE_FLOAT, "FLOAT", 4, 24, {0}},
    {VMSND_SAMPLE_FLOAT64, "FLOAT64", 8, 53, {0}},
    {VMSND_SAMPLE_MULAW, "MULAW", 1, 14, {0xff}},
    {VMSND_SAMPLE_ALAW, "ALAW", 1, 13, {0xd5}},
    {VMSND_SAMPLE_IEC958_SUBFRAME, "IEC958_SUBFRAME", 4, 32, {0}},
    {VMSND_SAMPLE_DSD_U8, "DSD_U8", 1, 8, {0x69}},
    {VMSND_SAMPLE_DSD_U16, "DSD_U16", 2, 16, {0x69, 0x69}},
    {VMSND_SAMPLE_DSD_U32, "DSD_U32", 4, 32, {0x69, 0x69, 0x69, 0x69}},
};

static void test_MX_10_every_format(void **state)
{
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), VMSND_SAMPLE_COUNT);
	for (size_t i = 0; i < VMSND_SAMPLE_COUNT; i++) {
		const struct vmsnd_format format = {
		    .sample = rows[i].sample, .rate_hz = 48000, .channels = 3};

		assert_int_equal(rows[i].sample, i);
		assert_int_equal(vmsnd_sample_bytes(rows[i].sample), rows[i].bytes);
		assert_int_equal(vmsnd_sample_bits(rows[i].sample), rows[i].bits);
		assert_string_equal(vmsnd_sample_name(rows[i].sample), rows[i].name);
		assert_int_equal(vmsnd_sample_find(rows[i].name), rows[i].sample);
		assert_int_equal(vmsnd_format_frame_bytes(&format), 3 * rows[i].bytes);
		assert_int_equal(vmsnd_sample_is_opaque(rows[i].sample),
				 i >= VMSND_SAMPLE_IEC958_SUBFRAME);
	}
	assert_false(vmsnd_sample_is_opaque(VMSND_SAMPLE_COUNT));
	assert_int_equal(vmsnd_sample_find(""), VMSND_SAMPLE_COUNT);
	assert_int_equal(vmsnd_sample_find("s16"), VMSND_SAMPLE_COUNT);
	assert_int_equal(vmsnd_sample_find("S16 "), VMSND_SAMPLE_COUNT);
}

static void test_silence_in_both_byte_orders(void **state)
{
	for (size_t i = 0; i < 2 * VMSND_SAMPLE_COUNT; i++) {
		bool big = i % 2 != 0;
		uint32_t bytes = rows[i / 2].bytes;
		const struct vmsnd_format format = {.sample = rows[i / 2].sample,
						    .rate_hz = 48000,
						    .channels = 3,
						    .big_endian = big};
		uint8_t got[6 * 8 + 1];

		memset(got, 0x55, sizeof(got));
		vmsnd_format_silence_rt(&format, got, 2);
		for (uint32_t b = 0; b < 6 * bytes; b++)
			assert_int_equal(
			    got[b], rows[i / 2].silence[big ? bytes - 1 - b % bytes : b % bytes]);
		assert_int_equal(got[6 * bytes], 0x55);
		vmsnd_format_silence_rt(&format, got, 0);
	}
}

#define P(name) VMSND_POSITION_##name

/* MX-11: what a count of channels means when nothing is said. */
static const uint8_t usual[VMSND_CHANNELS_MAX + 1][9] = {
    [1] = {P(MONO)},
    [2] = {P(FL), P(FR)},
    [3] = {P(FL), P(FR), P(FC)},
    [4] = {P(FL), P(FR), P(RL), P(RR)},
    [5] = {P(FL), P(FR), P(FC), P(RL), P(RR)},
    [6] = {P(FL), P(FR), P(FC), P(LFE), P(RL), P(RR)},
    [7] = {P(FL), P(FR), P(FC), P(LFE), P(RC), P(SL), P(SR)},
    [8] = {P(FL), P(FR), P(FC), P(LFE), P(RL), P(RR), P(SL), P(SR)},
};

static void test_MX_11_usual_positions(void **state)
{
	struct vmsnd_format format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000};

	for (format.channels = 1; format.channels <= VMSND_CHANNELS_MAX; format.channels++) {
		struct vmsnd_format explicit = format;

		assert_int_not_equal(vmsnd_format_frame_bytes(&format), 0);
		for (uint32_t i = 0; i < format.channels; i++) {
			if (format.channels <= 8)
				assert_int_equal(vmsnd_format_position(&format, i),
						 usual[format.channels][i]);
			else if (i < 8)
				assert_int_equal(vmsnd_format_position(&format, i), usual[8][i]);
			explicit.positions[i] = (uint8_t)vmsnd_format_position(&format, i);
		}
		/* No place twice, and said is the same as not said. */
		assert_int_not_equal(vmsnd_format_frame_bytes(&explicit), 0);
		assert_true(vmsnd_format_equal(&format, &explicit));
		assert_int_equal(vmsnd_format_position(&format, format.channels), P(NONE));
	}
	for (unsigned a = 0; a < VMSND_POSITION_COUNT; a++)
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(vmsnd_position_name((enum vmsnd_position)a),
						vmsnd_position_name((enum vmsnd_position)b));
	assert_string_equal(vmsnd_position_name(P(LFE)), "LFE");
	assert_string_equal(vmsnd_position_name(VMSND_POSITION_COUNT), "?");
}

static void test_MX_11_positions_that_are_none(void **state)
{
	static const struct {
		uint8_t positions[3];
		bool valid;
	} cases[] = {
	    {{P(FL), P(FR), P(LFE)}, true},    {{P(FL), P(FL), P(LFE)}, false},
	    {{P(FL), P(FR), 0}, false},        {{0, P(FR), P(LFE)}, false},
	    {{P(FL), P(FR), P(COUNT)}, false}, {{P(FL), P(FR), 255}, false},
	    {{P(NONE), P(NONE), P(FL)}, true}, {{P(OTHER), P(OTHER), P(OTHER)}, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vmsnd_format format = {
		    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 3};

		memcpy(format.positions, cases[i].positions, 3);
		format.positions[3] = 255; /* not looked at */
		assert_int_equal(vmsnd_format_frame_bytes(&format), cases[i].valid ? 6 : 0);
	}
}

static void test_what_is_no_format(void **state)
{
	static const struct vmsnd_format bad[] = {
	    {.sample = VMSND_SAMPLE_COUNT, .rate_hz = 48000, .channels = 2},
	    {.sample = (enum vmsnd_sample) - 1, .rate_hz = 48000, .channels = 2},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = 0, .channels = 2},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = VMSND_RATE_MIN_HZ - 1, .channels = 2},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 0},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = VMSND_RATE_MAX_HZ + 1, .channels = 2},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = UINT32_MAX, .channels = 2},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = VMSND_CHANNELS_MAX + 1},
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vmsnd_format_frame_bytes(&bad[i]), 0);
	assert_string_equal(vmsnd_sample_name(VMSND_SAMPLE_COUNT), "?");
	assert_string_equal(vmsnd_sample_name((enum vmsnd_sample) - 1), "?");
	assert_int_equal(vmsnd_sample_bytes((enum vmsnd_sample) - 1), 0);
}

static void test_limits_of_a_format(void **state)
{
	const struct vmsnd_format low = {
	    .sample = VMSND_SAMPLE_U8, .rate_hz = VMSND_RATE_MIN_HZ, .channels = 1};
	const struct vmsnd_format high = {.sample = VMSND_SAMPLE_S32,
					  .rate_hz = VMSND_RATE_MAX_HZ,
					  .channels = VMSND_CHANNELS_MAX};

	assert_int_equal(vmsnd_format_frame_bytes(&low), 1);
	assert_int_equal(vmsnd_format_frame_bytes(&high), 4 * VMSND_CHANNELS_MAX);
}

static void test_equality_looks_at_every_part(void **state)
{
	const struct vmsnd_format a = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};
	struct vmsnd_format b = a;

	assert_true(vmsnd_format_equal(&a, &b));
	b.sample = VMSND_SAMPLE_S32;
	assert_false(vmsnd_format_equal(&a, &b));
	b = a;
	b.rate_hz++;
	assert_false(vmsnd_format_equal(&a, &b));
	b = a;
	b.channels++;
	assert_false(vmsnd_format_equal(&a, &b));
	b = a;
	b.big_endian = true;
	assert_false(vmsnd_format_equal(&a, &b));
	b = a;
	b.positions[0] = VMSND_POSITION_FR;
	b.positions[1] = VMSND_POSITION_FL;
	assert_false(vmsnd_format_equal(&a, &b));
}

static void test_one_byte_has_no_order(void **state)
{
	const struct vmsnd_format a = {
	    .sample = VMSND_SAMPLE_MULAW, .rate_hz = 8000, .channels = 1};
	struct vmsnd_format b = a;

	b.big_endian = true;
	assert_true(vmsnd_format_equal(&a, &b));
}

/* Every number has a phrase of its own; numbers that do not exist have one, too. */
static void test_words_for_results_and_faults(void **state)
{
	for (int a = VMSND_OK; a >= VMSND_E_NO_NODE; a--)
		for (int b = a - 1; b >= VMSND_E_NO_NODE; b--)
			assert_string_not_equal(vmsnd_rc_text((enum vmsnd_rc)a),
						vmsnd_rc_text((enum vmsnd_rc)b));
	assert_string_equal(vmsnd_rc_text((enum vmsnd_rc)(VMSND_E_NO_NODE - 1)), "unknown result");
	assert_string_equal(vmsnd_rc_text((enum vmsnd_rc)1), "unknown result");
	for (int a = 0; a < VMSND_FAULT_COUNT; a++)
		for (int b = a + 1; b < VMSND_FAULT_COUNT; b++)
			assert_string_not_equal(vmsnd_fault_text((enum vmsnd_fault)a),
						vmsnd_fault_text((enum vmsnd_fault)b));
	assert_string_equal(vmsnd_fault_text(VMSND_FAULT_COUNT), "unknown fault");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_10_every_format),
	    cmocka_unit_test(test_silence_in_both_byte_orders),
	    cmocka_unit_test(test_MX_11_usual_positions),
	    cmocka_unit_test(test_MX_11_positions_that_are_none),
	    cmocka_unit_test(test_what_is_no_format),
	    cmocka_unit_test(test_limits_of_a_format),
	    cmocka_unit_test(test_equality_looks_at_every_part),
	    cmocka_unit_test(test_one_byte_has_no_order),
	    cmocka_unit_test(test_words_for_results_and_faults),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
