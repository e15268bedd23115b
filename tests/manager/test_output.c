/* SPDX-License-Identifier: BSD-3-Clause */
/* The options that every backend has: whatever is accepted works (KEYx-1 .. 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "manager/output.h"

static struct vmsnd_output_conf out;
static char error[300];

static enum vmsnd_rc take(const char *text)
{
	static struct vmsnd_conf conf;

	error[0] = '\0';
	if (vmsnd_conf_parse(&conf, vmsnd_output_options(), "null", text, error, sizeof(error)))
		return VMSND_E_INVALID;
	return vmsnd_output_take(&out, &conf, "null", error, sizeof(error));
}

static void test_without_a_word_all_is_as_the_guest_has_it(void **state)
{
	assert_int_equal(take(""), VMSND_OK);
	assert_true(out.dirs[VMSND_PLAYBACK] && out.dirs[VMSND_CAPTURE]);
	assert_int_equal(out.prefs.sample, VMSND_SAMPLE_COUNT);
	assert_int_equal(out.prefs.rate_hz, 0);
	assert_int_equal(out.prefs.channels, 0);
	assert_int_equal(out.prefs.period_ms, 0);
	assert_int_equal(out.prefs.buffer_ms, 0);
	assert_int_equal(out.prefs.prebuffer_ms, VMSND_PREBUFFER_UNSET);
	assert_int_equal(out.prefs.quality, VMSND_QUALITY_MEDIUM);
	assert_false(out.prefs.no_dither);
	assert_int_equal(out.volume.gain_mdb, 0);
	assert_int_equal(out.volume.muted, 0);
}

static void test_KEYx_4_what_the_reference_fixes_is_an_option(void **state)
{
	assert_int_equal(take("refill=off,retry-s=60,drain-ms=100,big-endian=on"), VMSND_OK);
	assert_true(out.prefs.no_refill);
	assert_true(out.prefs.big_endian);
	assert_int_equal(out.prefs.retry_s, 60);
	assert_int_equal(out.prefs.drain_ms, 100);
	assert_int_equal(take("retry-s=0"), VMSND_E_INVALID);
	assert_int_equal(take("drain-ms=60001"), VMSND_E_INVALID);
}

static void test_KEY_05_to_12_values_are_taken(void **state)
{
	assert_int_equal(take("dir=capture,sample=S24_3,rate=44100,channels=6,period-ms=20,"
			      "buffer-ms=200,prebuffer-ms=0,quality=best,dither=off,volume=-6.5,"
			      "mute=on"),
			 VMSND_OK);
	assert_false(out.dirs[VMSND_PLAYBACK]);
	assert_true(out.dirs[VMSND_CAPTURE]);
	assert_int_equal(out.prefs.sample, VMSND_SAMPLE_S24_3);
	assert_int_equal(out.prefs.rate_hz, 44100);
	assert_int_equal(out.prefs.channels, 6);
	assert_int_equal(out.prefs.period_ms, 20);
	assert_int_equal(out.prefs.buffer_ms, 200);
	assert_int_equal(out.prefs.prebuffer_ms, 0); /* 0 is off, and not unset */
	assert_int_equal(out.prefs.quality, VMSND_QUALITY_BEST);
	assert_true(out.prefs.no_dither);
	assert_int_equal(out.volume.gain_mdb, -6500);
	assert_int_equal(out.volume.muted, UINT32_MAX);
}

/* KEYx-1: the reference takes 16 channels and has room for 12. KEYx-2: 64 bits never work there.
 * KEYx-3: nor 24 bits and floating point. */
static void test_KEYx_1_2_3_every_format_that_is_accepted_is_one(void **state)
{
	char text[80];

	for (unsigned sample = 0; sample < VMSND_SAMPLE_IEC958_SUBFRAME; sample++) {
		for (unsigned channels = 1; channels <= VMSND_CHANNELS_MAX; channels++) {
			struct vmsnd_format format;

			snprintf(text, sizeof(text), "sample=%s,channels=%u,rate=768000",
				 vmsnd_sample_name((enum vmsnd_sample)sample), channels);
			assert_int_equal(take(text), VMSND_OK);
			format = (struct vmsnd_format){.sample = out.prefs.sample,
						       .rate_hz = out.prefs.rate_hz,
						       .channels = out.prefs.channels};
			assert_int_equal(format.sample, sample);
			assert_true(vmsnd_format_frame_bytes(&format) > 0);
		}
	}
	for (unsigned sample = VMSND_SAMPLE_IEC958_SUBFRAME; sample < VMSND_SAMPLE_COUNT;
	     sample++) {
		snprintf(text, sizeof(text), "sample=%s",
			 vmsnd_sample_name((enum vmsnd_sample)sample));
		assert_int_equal(take(text), VMSND_E_INVALID);
	}
	assert_int_equal(take("channels=19"), VMSND_E_INVALID);
	assert_int_equal(take("rate=3999"), VMSND_E_INVALID);
	assert_int_equal(take("rate=4000"), VMSND_OK);
	assert_int_equal(take("rate=768001"), VMSND_E_INVALID);
}

static void test_words_that_are_none_get_one_line(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
	    {"dir=up", "null: dir: it must be"},    {"sample=S17", "null: sample: it must be"},
	    {"rate=1", "from 4000 to 768000"},      {"quality=good", "fastest, medium or best"},
	    {"volume=loud", "such as -6.5"},        {"volume=25", "from -144 to 24"},
	    {"mute=perhaps", "neither on nor off"}, {"period-ms=1001", "from 0 to 1000"},
	    {"buffer-ms=5001", "from 0 to 5000"},   {"prebuffer-ms=1001", "from 0 to 1000"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(take(rows[i].text), VMSND_E_INVALID);
		if (!strstr(error, rows[i].part))
			fail_msg("%s: %s", rows[i].text, error);
	}
}

static void test_decibels(void **state)
{
	static const struct {
		const char *text;
		int32_t mdb;
	} good[] = {{"0", 0},       {"-6", -6000},      {"-6.5", -6500}, {"+3", 3000},
		    {"24", 24000},  {"24.000", 24000},  {"-0.001", -1},  {"-144", -144000},
		    {"1.25", 1250}, {"-12.345", -12345}};
	static const char *const bad[] = {"",    "-",      "6.",       ".5",
					  "6,5", "24.001", "-144.001", "1e3",
					  "--6", "6 ",     "6.1234",   "99999999999999999999",
					  "- 6"};
	int32_t mdb;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(vmsnd_output_gain(good[i].text, &mdb));
		assert_int_equal(mdb, good[i].mdb);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (vmsnd_output_gain(bad[i], &mdb))
			fail_msg("'%s' was taken for a number", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_without_a_word_all_is_as_the_guest_has_it),
	    cmocka_unit_test(test_KEYx_4_what_the_reference_fixes_is_an_option),
	    cmocka_unit_test(test_KEY_05_to_12_values_are_taken),
	    cmocka_unit_test(test_KEYx_1_2_3_every_format_that_is_accepted_is_one),
	    cmocka_unit_test(test_words_that_are_none_get_one_line),
	    cmocka_unit_test(test_decibels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
