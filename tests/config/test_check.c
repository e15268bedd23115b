/* SPDX-License-Identifier: BSD-3-Clause */
/* Allow-lists (CF-04), and options out of a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "build.h"

static const char *const leaves[] = {"device", "priority", "socket", NULL};
static const char *const children[] = {"outputs", NULL};
static const char *const numbers[] = {"#", NULL};
static const char *const all[] = {"*", NULL};

static struct vmsnd_error error;
static struct vmsnd_conf conf;

static enum vmsnd_rc check(const char *lines, const struct vmsnd_allow *allow)
{
	struct vmsnd_node *node = build_tree(lines);
	enum vmsnd_rc rc = vmsnd_node_check(node, "card vm1", allow, &error);

	vmsnd_tree_free(node);
	return rc;
}

static void test_CF04_what_the_lists_name_is_allowed(void **state)
{
	const struct vmsnd_allow allow = {leaves, children};

	assert_int_equal(check("", &allow), VMSND_OK);
	assert_int_equal(check("socket=x;device=y;outputs.whatever=1", &allow), VMSND_OK);
	assert_int_equal(check("x=1;y.z=1", &(struct vmsnd_allow){all, all}), VMSND_OK);
	assert_int_equal(check("0=1;10=1;4294967296=1", &(struct vmsnd_allow){numbers, NULL}),
			 VMSND_OK);
}

static void test_CF04_an_unknown_name_fails_and_the_nearest_is_told(void **state)
{
	const struct vmsnd_allow allow = {leaves, children};

	assert_int_equal(check("sokcet=x", &allow), VMSND_E_INVALID);
	assert_string_equal(error.line, "card vm1 has no option 'sokcet' (did you mean 'socket'?); "
					"allowed: device priority socket outputs");
	assert_int_equal(check("output.0=x", &allow), VMSND_E_INVALID);
	assert_string_equal(error.line, "card vm1 has no node 'output' (did you mean 'outputs'?); "
					"allowed: device priority socket outputs");
	assert_int_equal(check("x=1", &(struct vmsnd_allow){NULL, NULL}), VMSND_E_INVALID);
	assert_string_equal(error.line, "card vm1 has no option 'x'; allowed: nothing");
	assert_int_equal(check("00=1", &(struct vmsnd_allow){numbers, NULL}), VMSND_E_INVALID);
	assert_string_equal(error.line, "card vm1 has no option '00'; allowed: 0, 1, ...");
	assert_int_equal(check("1x=1", &(struct vmsnd_allow){numbers, NULL}), VMSND_E_INVALID);
}

static void test_CF04_a_value_is_no_node_and_a_node_no_value(void **state)
{
	const struct vmsnd_allow allow = {leaves, children};

	assert_int_equal(check("outputs=file", &allow), VMSND_E_INVALID);
	assert_string_equal(error.line, "card vm1: 'outputs' is a node of its own, not one value");
	assert_int_equal(check("socket.path=x", &allow), VMSND_E_INVALID);
	assert_string_equal(error.line,
			    "card vm1: 'socket' takes one value, not a node of its own");
}

static void test_CF04_the_place_of_the_wrong_name_comes_first(void **state)
{
	const struct vmsnd_allow allow = {leaves, children};
	struct vmsnd_node *node = build_tree("");
	struct vmsnd_value value;

	vmsnd_value_of_word("1", &value);
	vmsnd_leaf_set(node, "x", &value, &(struct vmsnd_place){"vm.yaml", 12, 5});
	assert_int_equal(vmsnd_node_check(node, "card", &allow, &error), VMSND_E_INVALID);
	assert_memory_equal(error.line, "vm.yaml:12:5: card has no", 25);
	vmsnd_leaf_remove(node, "x");
	vmsnd_node_set_place(vmsnd_node_make(node, "n"), &(struct vmsnd_place){"vm.yaml", 1, 2});
	assert_int_equal(vmsnd_node_check(node, "card", &allow, &error), VMSND_E_INVALID);
	assert_memory_equal(error.line, "vm.yaml:1:2: card has no", 24);
	vmsnd_tree_free(node);
}

static const struct vmsnd_option table[] = {
    {"path", VMSND_OPTION_TEXT, NULL, "where to", 0, 0},
    {"streams", VMSND_OPTION_UINT, "2", "how many", 1, 64},
    {"loop", VMSND_OPTION_BOOL, "on", "again", 0, 0},
    {"shift", VMSND_OPTION_INT, "-1", "which way", VMSND_LIMIT_INT(-12), VMSND_LIMIT_INT(12)},
    {"any", VMSND_OPTION_INT, NULL, "any", 0, 0},
    {"gain", VMSND_OPTION_REAL, "-6.5", "decibels", VMSND_LIMIT_REAL(-99.9),
     VMSND_LIMIT_REAL(0.57)},
    {"free", VMSND_OPTION_REAL, NULL, "any", 0, 0},
    {"key", VMSND_OPTION_BYTES, "AAEC", "bytes", 2, 4},
    {"blob", VMSND_OPTION_BYTES, NULL, "any bytes", 0, 0},
    {.key = NULL},
};

/* The same options, as text and as a node. */
static enum vmsnd_rc both(const char *text, char *line, size_t bytes)
{
	struct vmsnd_node *node = build_tree("");
	enum vmsnd_rc rc, rc_text;

	error.line[0] = '\0';
	assert_int_equal(vmsnd_tree_from_text(node, NULL, text, NULL, &error), VMSND_OK);
	rc = vmsnd_conf_from_node(&conf, table, &(struct vmsnd_conf_source){node, "x", NULL},
				  &error);
	vmsnd_tree_free(node);
	line[0] = '\0';
	rc_text = vmsnd_conf_parse(&conf, table, "x", text, line, bytes);
	assert_int_equal(rc_text, rc);
	if (rc)
		assert_string_equal(error.line, line);
	return rc;
}

static void test_options_have_their_types_as_text_and_as_nodes(void **state)
{
	char line[300];
	uint8_t bytes[4] = {9, 9, 9, 9};

	assert_int_equal(both("", line, sizeof(line)), VMSND_OK);
	assert_int_equal(vmsnd_conf_int(&conf, "shift"), -1);
	assert_true(vmsnd_conf_real(&conf, "gain") == -6.5);
	assert_int_equal(vmsnd_conf_bytes(&conf, "key", bytes, 2), 3);
	assert_memory_equal(bytes, "\0\1\x09\x09", 4);
	assert_int_equal(vmsnd_conf_bytes(&conf, "blob", bytes, 4), 0);
	assert_int_equal(both("shift=12,any=-9223372036854775808,gain=0.57,free=1e300,key=AAECAw==,"
			      "streams=0x40,loop=No,blob=",
			      line, sizeof(line)),
			 VMSND_E_INVALID);
	assert_string_equal(line, "x: blob needs a value: blob=...");
	assert_int_equal(both("shift=12,any=-9223372036854775808,gain=0.57,free=1e300,key=AAECAw==,"
			      "streams=0x40,loop=No,blob=QQ==",
			      line, sizeof(line)),
			 VMSND_OK);
	assert_int_equal(vmsnd_conf_int(&conf, "shift"), 12);
	assert_true(vmsnd_conf_int(&conf, "any") == INT64_MIN);
	assert_true(vmsnd_conf_real(&conf, "gain") == 0.57);
	assert_true(vmsnd_conf_real(&conf, "free") == 1e300);
	assert_int_equal(vmsnd_conf_bytes(&conf, "key", bytes, 4), 4);
	assert_memory_equal(bytes, "\0\1\2\3", 4);
	assert_int_equal(vmsnd_conf_uint(&conf, "streams"), 64);
	assert_false(vmsnd_conf_bool(&conf, "loop"));
	assert_int_equal(both("gain=-99,free=3,shift=-12", line, sizeof(line)), VMSND_OK);
	assert_true(vmsnd_conf_real(&conf, "gain") == -99);
	assert_int_equal(vmsnd_conf_int(&conf, "shift"), -12);
}

static void test_options_beyond_their_limits_are_refused(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
	    {"shift=13", "x: shift=13 is not a whole number from -12 to 12"},
	    {"shift=-13", "x: shift=-13 is not a whole number from -12 to 12"},
	    {"shift=1.5", "x: shift=1.5 is not a whole number from -12 to 12"},
	    {"any=9223372036854775808", "x: any=9223372036854775808 is not a whole number"},
	    {"gain=0.58", "x: gain=0.58 is not a number from -99.9 to 0.57"},
	    {"gain=.nan", "x: gain=.nan is not a number from -99.9 to 0.57"},
	    {"free=.inf", "x: free=.inf is not a number"},
	    {"free=1e999", "x: free=1e999 is not a number"},
	    {"free=6dB", "x: free=6dB is not a number"},
	    {"key=AA==", "x: key=AA== is not 2 to 4 bytes in base64"},
	    {"key=AAECAwQ=", "x: key=AAECAwQ= is not 2 to 4 bytes in base64"},
	    {"key=AAE", "x: key=AAE is not 2 to 4 bytes in base64"},
	    {"blob=QR==", "x: blob=QR== is not 0 or more bytes in base64"},
	    {"blob=QQ==QQ==", "x: blob=QQ==QQ== is not 0 or more bytes in base64"},
	    {"blob=Q=Q=", "x: blob=Q=Q= is not 0 or more bytes in base64"},
	    {"streams=65", "x: streams=65 is not a number from 1 to 64"},
	    {"loop=1", "x: loop=1 is neither on nor off"},
	    {"gian=1", "x has no option 'gian' (did you mean 'gain'?); allowed: path streams loop "
		       "shift any gain free key blob"},
	};
	char line[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(both(rows[i].text, line, sizeof(line)), VMSND_E_INVALID);
		assert_string_equal(line, rows[i].line);
	}
}

static void test_options_of_a_node_leave_out_what_is_none(void **state)
{
	static const char *const but[] = {"backend", "injected", NULL};
	struct vmsnd_node *node = build_tree("backend=file;path=x;injected=0;drivers.0.driver=d");
	struct vmsnd_value value;

	assert_int_equal(vmsnd_conf_from_node(
			     &conf, table, &(struct vmsnd_conf_source){node, "file", but}, &error),
			 VMSND_OK);
	assert_string_equal(vmsnd_conf_text(&conf, "path"), "x");
	vmsnd_value_of_word("99", &value);
	vmsnd_leaf_set(node, "streams", &value, &(struct vmsnd_place){"vm.yaml", 4, 9});
	assert_int_equal(vmsnd_conf_from_node(
			     &conf, table, &(struct vmsnd_conf_source){node, "file", but}, &error),
			 VMSND_E_INVALID);
	assert_string_equal(error.line,
			    "vm.yaml:4:9: file: streams=99 is not a number from 1 to 64");
	vmsnd_tree_free(node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CF04_what_the_lists_name_is_allowed),
	    cmocka_unit_test(test_CF04_an_unknown_name_fails_and_the_nearest_is_told),
	    cmocka_unit_test(test_CF04_a_value_is_no_node_and_a_node_no_value),
	    cmocka_unit_test(test_CF04_the_place_of_the_wrong_name_comes_first),
	    cmocka_unit_test(test_options_have_their_types_as_text_and_as_nodes),
	    cmocka_unit_test(test_options_beyond_their_limits_are_refused),
	    cmocka_unit_test(test_options_of_a_node_leave_out_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
