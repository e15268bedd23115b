/* SPDX-License-Identifier: BSD-3-Clause */
/* Option text as a person types it: what is accepted, and what is said when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmsnd/config.h"

static const struct vmsnd_option table[] = {
    {"path", VMSND_OPTION_TEXT, NULL, "where to", 0, 0},
    {"streams", VMSND_OPTION_UINT, "2", "how many", 1, 64},
    {"loop", VMSND_OPTION_BOOL, "on", "again and again", 0, 0},
    {.key = NULL},
};

static struct vmsnd_conf conf;
static char error[300];

static enum vmsnd_rc parse(const char *text)
{
	error[0] = '\0';
	return vmsnd_conf_parse(&conf, table, "file", text, error, sizeof(error));
}

static void test_defaults_stand_when_nothing_is_given(void **state)
{
	assert_int_equal(parse(""), VMSND_OK);
	assert_null(vmsnd_conf_text(&conf, "path"));
	assert_int_equal(vmsnd_conf_uint(&conf, "streams"), 2);
	assert_true(vmsnd_conf_bool(&conf, "loop"));
	assert_false(vmsnd_conf_given(&conf, "loop"));
	assert_int_equal(parse(NULL), VMSND_OK);
}

static void test_values_are_taken(void **state)
{
	assert_int_equal(parse("path=a=b.wav,streams=64,loop=no"), VMSND_OK);
	assert_string_equal(vmsnd_conf_text(&conf, "path"), "a=b.wav");
	assert_int_equal(vmsnd_conf_uint(&conf, "streams"), 64);
	assert_false(vmsnd_conf_bool(&conf, "loop"));
	assert_true(vmsnd_conf_given(&conf, "loop"));
}

static void test_a_doubled_comma_is_one_comma(void **state)
{
	assert_int_equal(parse("path=Bach,, live.wav,streams=3"), VMSND_OK);
	assert_string_equal(vmsnd_conf_text(&conf, "path"), "Bach, live.wav");
	assert_int_equal(vmsnd_conf_uint(&conf, "streams"), 3);
}

static void test_a_slip_is_answered_with_the_nearest_key(void **state)
{
	assert_int_equal(parse("pth=x.wav"), VMSND_E_INVALID);
	assert_string_equal(error, "file has no option 'pth' (did you mean 'path'?); allowed: path "
				   "streams loop");
	assert_int_equal(parse("colour=red"), VMSND_E_INVALID);
	assert_string_equal(error, "file has no option 'colour'; allowed: path streams loop");
}

static void test_numbers_keep_their_range(void **state)
{
	static const char *const bad[] = {"streams=0", "streams=65", "streams=-1", "streams=2x",
					  "streams=99999999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i]), VMSND_E_INVALID);
		assert_non_null(strstr(error, "is not a number from 1 to 64"));
	}
}

static void test_malformed_text_is_refused(void **state)
{
	assert_int_equal(parse("loop=perhaps"), VMSND_E_INVALID);
	assert_string_equal(error, "file: loop=perhaps is neither on nor off");
	assert_int_equal(parse("path"), VMSND_E_INVALID);
	assert_string_equal(error, "file: path needs a value: path=...");
	assert_int_equal(parse("loop=on,loop=off"), VMSND_E_INVALID);
	assert_string_equal(error, "file: loop is given twice");
}

static void test_text_beyond_the_room_is_refused(void **state)
{
	static char text[2 * VMSND_CONF_TEXT_BYTES];

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "path=", 5);
	assert_int_equal(parse(text), VMSND_E_INVALID);
	assert_string_equal(error, "file: the options are too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults_stand_when_nothing_is_given),
	    cmocka_unit_test(test_values_are_taken),
	    cmocka_unit_test(test_a_doubled_comma_is_one_comma),
	    cmocka_unit_test(test_a_slip_is_answered_with_the_nearest_key),
	    cmocka_unit_test(test_numbers_keep_their_range),
	    cmocka_unit_test(test_malformed_text_is_refused),
	    cmocka_unit_test(test_text_beyond_the_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
