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
	uint32_t bytes;
	unsigned char silence;
} rows[] = {
    {VMSND_SAMPLE_U8, "U8", 1, 0x80},    {VMSND_SAMPLE_S16, "S16", 2, 0},
    {VMSND_SAMPLE_S24, "S24", 4, 0},     {VMSND_SAMPLE_S32, "S32", 4, 0},
    {VMSND_SAMPLE_FLOAT, "FLOAT", 4, 0},
};

static void test_every_format(void **state)
{
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), VMSND_SAMPLE_COUNT);
	for (size_t i = 0; i < VMSND_SAMPLE_COUNT; i++) {
		const struct vmsnd_format format = {rows[i].sample, 48000, 3};
		unsigned char bytes[8];

		assert_int_equal(vmsnd_sample_bytes(rows[i].sample), rows[i].bytes);
		assert_string_equal(vmsnd_sample_name(rows[i].sample), rows[i].name);
		assert_int_equal(vmsnd_format_frame_bytes(&format), 3 * rows[i].bytes);
		memset(bytes, 0x55, sizeof(bytes));
		vmsnd_sample_silence_rt(rows[i].sample, bytes, 7);
		for (size_t b = 0; b < 7; b++)
			assert_int_equal(bytes[b], rows[i].silence);
		assert_int_equal(bytes[7], 0x55);
	}
}

static void test_what_is_no_format(void **state)
{
	static const struct vmsnd_format bad[] = {
	    {VMSND_SAMPLE_COUNT, 48000, 2},
	    {(enum vmsnd_sample) - 1, 48000, 2},
	    {VMSND_SAMPLE_S16, 0, 2},
	    {VMSND_SAMPLE_S16, VMSND_RATE_MIN_HZ - 1, 2},
	    {VMSND_SAMPLE_S16, 48000, 0},
	    {VMSND_SAMPLE_S16, VMSND_RATE_MAX_HZ + 1, 2},
	    {VMSND_SAMPLE_S16, UINT32_MAX, 2},
	    {VMSND_SAMPLE_S16, 48000, VMSND_CHANNELS_MAX + 1},
	    {VMSND_SAMPLE_S16, 48000, UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vmsnd_format_frame_bytes(&bad[i]), 0);
	assert_string_equal(vmsnd_sample_name(VMSND_SAMPLE_COUNT), "?");
	assert_string_equal(vmsnd_sample_name((enum vmsnd_sample) - 1), "?");
	assert_int_equal(vmsnd_sample_bytes((enum vmsnd_sample) - 1), 0);
}

static void test_limits_of_a_format(void **state)
{
	const struct vmsnd_format low = {VMSND_SAMPLE_U8, VMSND_RATE_MIN_HZ, 1};
	const struct vmsnd_format high = {VMSND_SAMPLE_S32, VMSND_RATE_MAX_HZ, VMSND_CHANNELS_MAX};

	assert_int_equal(vmsnd_format_frame_bytes(&low), 1);
	assert_int_equal(vmsnd_format_frame_bytes(&high), 4 * VMSND_CHANNELS_MAX);
}

static void test_equality_looks_at_every_part(void **state)
{
	const struct vmsnd_format a = {VMSND_SAMPLE_S16, 48000, 2};
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
}

/* Every number has a phrase of its own; numbers that do not exist have one, too. */
static void test_words_for_results_and_faults(void **state)
{
	for (int a = VMSND_OK; a >= VMSND_E_SYSTEM; a--)
		for (int b = a - 1; b >= VMSND_E_SYSTEM; b--)
			assert_string_not_equal(vmsnd_rc_text((enum vmsnd_rc)a),
						vmsnd_rc_text((enum vmsnd_rc)b));
	assert_string_equal(vmsnd_rc_text((enum vmsnd_rc)(VMSND_E_SYSTEM - 1)), "unknown result");
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
	    cmocka_unit_test(test_every_format),
	    cmocka_unit_test(test_what_is_no_format),
	    cmocka_unit_test(test_limits_of_a_format),
	    cmocka_unit_test(test_equality_looks_at_every_part),
	    cmocka_unit_test(test_words_for_results_and_faults),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
