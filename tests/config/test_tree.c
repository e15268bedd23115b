/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes and leaves: rows CF-01 to CF-03 and CF-05. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "vmsnd/tree.h"

static struct vmsnd_node *must(struct vmsnd_node *node)
{
	assert_non_null(node);
	return node;
}

static const char *text_of(const struct vmsnd_node *node, const char *path)
{
	const char *text;

	vmsnd_leaf_text(node, path, "(absent)", &text);
	return text;
}

static struct vmsnd_value get(const struct vmsnd_node *node, const char *path)
{
	struct vmsnd_value value;

	assert_int_equal(vmsnd_leaf_get(node, path, &value, NULL), VMSND_OK);
	return value;
}

/* CF-01, and its weakness: signed numbers and reals are types of their own. */
static void test_CF01_every_kind_of_leaf_is_kept_with_its_spelling(void **state)
{
	static const uint8_t bytes[] = {0, 255, 'v', 0};
	struct vmsnd_node *root = must(vmsnd_tree_new());

	assert_int_equal(vmsnd_leaf_set_uint(root, "uint", UINT64_MAX), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_int(root, "int", INT64_MIN), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_bool(root, "bool", true), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_real(root, "real", -6.5), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_text(root, "text",
					     "Gr\xc3\xbc\xc3\x9f"
					     "e"),
			 VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_bytes(root, "bytes", bytes, 4), VMSND_OK);

	assert_int_equal(get(root, "uint").type, VMSND_VALUE_UINT);
	assert_true(get(root, "uint").uint == UINT64_MAX);
	assert_string_equal(text_of(root, "uint"), "18446744073709551615");
	assert_int_equal(get(root, "int").type, VMSND_VALUE_INT);
	assert_true(get(root, "int").sint == INT64_MIN);
	assert_string_equal(text_of(root, "int"), "-9223372036854775808");
	assert_int_equal(get(root, "bool").type, VMSND_VALUE_BOOL);
	assert_true(get(root, "bool").on);
	assert_int_equal(get(root, "real").type, VMSND_VALUE_REAL);
	assert_string_equal(text_of(root, "real"), "-6.5");
	assert_int_equal(get(root, "text").type, VMSND_VALUE_TEXT);
	assert_int_equal(get(root, "bytes").n_bytes, 4);
	assert_memory_equal(get(root, "bytes").bytes, bytes, 4);
	assert_string_equal(text_of(root, "bytes"), "AP92AA==");
	vmsnd_tree_free(root);
}

static void test_CF01_leaves_and_nodes_have_name_spaces_of_their_own(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new());
	struct vmsnd_node *child = must(vmsnd_node_make(root, "volume"));

	assert_int_equal(vmsnd_leaf_set_uint(root, "volume", 3), VMSND_OK);
	assert_ptr_equal(vmsnd_node_find(root, "volume"), child);
	assert_true(vmsnd_leaf_remove(root, "volume"));
	assert_ptr_equal(vmsnd_node_find(root, "volume"), child);
	assert_int_equal(vmsnd_leaf_set_uint(root, "volume", 3), VMSND_OK);
	assert_true(vmsnd_node_remove(root, "volume"));
	assert_string_equal(text_of(root, "volume"), "3");
	assert_false(vmsnd_node_remove(root, "volume"));
	vmsnd_tree_free(root);
}

static void test_CF01_order_is_the_order_of_making_and_survives_replacing(void **state)
{
	static const char *const names[] = {"zebra", "ant", "mole"};
	struct vmsnd_node *root = must(vmsnd_tree_new()), *at;

	for (size_t i = 0; i < 3; i++) {
		must(vmsnd_node_make(root, names[i]));
		vmsnd_leaf_set_uint(root, names[i], i);
	}
	vmsnd_leaf_set_text(root, "zebra", "again");
	at = vmsnd_node_first(root);
	for (size_t i = 0; i < 3; i++, at = vmsnd_node_next(at)) {
		assert_string_equal(vmsnd_node_name(at), names[i]);
		assert_string_equal(vmsnd_leaf_at(root, i, NULL, NULL), names[i]);
	}
	assert_null(at);
	assert_null(vmsnd_leaf_at(root, 3, NULL, NULL));
	assert_string_equal(vmsnd_leaf_at(root, 0, NULL, NULL), "zebra");
	assert_true(vmsnd_leaf_remove(root, "ant"));
	assert_string_equal(vmsnd_leaf_at(root, 1, NULL, NULL), "mole");
	vmsnd_tree_free(root);
}

static void test_CF01_a_leaf_may_be_replaced_by_its_own_value(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new());
	struct vmsnd_value value;
	const char *name;

	vmsnd_leaf_set_text(root, "a", "some text");
	name = vmsnd_leaf_at(root, 0, &value, NULL);
	assert_int_equal(vmsnd_leaf_set(root, name, &value, NULL), VMSND_OK);
	assert_string_equal(text_of(root, "a"), "some text");
	vmsnd_tree_free(root);
}

static void test_CF01_names_and_texts_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = {"",        "a.b",      "a\nb",         "\x7f",
					  "\xff",    "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					  "\xe2\x82"};
	struct vmsnd_node *root = must(vmsnd_tree_new());
	char longest[65];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(vmsnd_node_make(root, bad[i]));
		assert_int_equal(vmsnd_leaf_set_uint(root, bad[i], 1), VMSND_E_INVALID);
		if (i > 3)
			assert_int_equal(vmsnd_leaf_set_text(root, "text", bad[i]),
					 VMSND_E_INVALID);
	}
	assert_null(vmsnd_node_first(root));
	assert_null(vmsnd_leaf_at(root, 0, NULL, NULL));
	memset(longest, 'n', 64);
	longest[64] = '\0';
	assert_null(vmsnd_node_make(root, longest));
	longest[63] = '\0';
	must(vmsnd_node_make(root, longest));
	must(vmsnd_node_make(root, "\xe2\x82\xac \xf0\x9f\x8e\xb5"));
	assert_int_equal(vmsnd_leaf_set_text(root, "text", NULL), VMSND_E_INVALID);
	vmsnd_tree_free(root);
}

static void test_CF01_depth_is_limited(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new()), *node = root;
	char path[200];

	for (unsigned i = 0; i < VMSND_TREE_DEPTH_MAX; i++)
		node = must(vmsnd_node_make(node, "deep"));
	assert_null(vmsnd_node_make(node, "deep"));
	assert_int_equal(vmsnd_leaf_set_uint(node, "leaf", 1), VMSND_OK);
	vmsnd_node_path(node, path, sizeof(path));
	assert_int_equal(strlen(path), VMSND_TREE_DEPTH_MAX * 5 - 1);
	assert_ptr_equal(vmsnd_node_find(root, path), node);
	vmsnd_tree_free(root);
}

static void test_CF01_nodes_are_limited_and_those_taken_away_count_no_more(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new()),
			  *many = must(vmsnd_node_make(root, "many"));
	char name[16];

	for (unsigned i = 0; i < VMSND_TREE_NODES_MAX - 2; i++) {
		snprintf(name, sizeof(name), "%u", i);
		must(vmsnd_node_make(many, name));
	}
	assert_null(vmsnd_node_make(many, "more"));
	assert_null(vmsnd_node_make(root, "more"));
	assert_non_null(vmsnd_node_make(many, "77"));
	assert_true(vmsnd_node_remove(many, "77"));
	must(vmsnd_node_make(root, "more"));
	assert_true(vmsnd_node_remove(root, "many"));
	must(vmsnd_node_make(root, "many"));
	vmsnd_tree_free(root);
}

static void test_CF01_leaves_are_limited(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new());
	char *text = malloc(VMSND_TREE_LEAF_BYTES_MAX + 2);

	assert_non_null(text);
	memset(text, 'x', VMSND_TREE_LEAF_BYTES_MAX + 1);
	text[VMSND_TREE_LEAF_BYTES_MAX + 1] = '\0';
	assert_int_equal(vmsnd_leaf_set_text(root, "text", text), VMSND_E_INVALID);
	assert_int_equal(vmsnd_leaf_set_bytes(root, "bytes", text, VMSND_TREE_LEAF_BYTES_MAX + 1),
			 VMSND_E_INVALID);
	text[VMSND_TREE_LEAF_BYTES_MAX] = '\0';
	assert_int_equal(vmsnd_leaf_set_text(root, "text", text), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_bytes(root, "bytes", text, VMSND_TREE_LEAF_BYTES_MAX),
			 VMSND_OK);
	free(text);
	vmsnd_tree_free(root);
}

static void test_CF02_a_card_is_found_by_its_path_from_anywhere_above(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new());
	struct vmsnd_node *cards, *output;
	char path[64], cut[9];

	assert_int_equal(
	    vmsnd_tree_set(root, "cards.vm1.outputs.0.drivers.0.driver", "delay", NULL, NULL),
	    VMSND_OK);
	cards = must(vmsnd_node_find(root, "cards"));
	output = must(vmsnd_node_find(cards, "vm1.outputs.0"));
	assert_ptr_equal(vmsnd_node_find(root, ""), root);
	vmsnd_node_path(output, path, sizeof(path));
	assert_string_equal(path, "cards.vm1.outputs.0");
	vmsnd_node_path(output, cut, sizeof(cut));
	assert_string_equal(cut, "cards.vm");
	assert_string_equal(text_of(root, "cards.vm1.outputs.0.drivers.0.driver"), "delay");
	assert_string_equal(text_of(output, "drivers.0.driver"), "delay");
	assert_null(vmsnd_node_find(root, "cards."));
	assert_null(vmsnd_node_find(root, ".cards"));
	assert_null(vmsnd_node_find(root, "cards..vm1"));
	assert_null(vmsnd_node_find(root, "cards.vm"));
	assert_null(vmsnd_node_find(root, "cards.vm12"));
	assert_ptr_equal(vmsnd_node_parent(cards), root);
	assert_null(vmsnd_node_parent(root));
	vmsnd_tree_free(root);
}

static void test_CF03_a_restricted_node_has_no_way_up(void **state)
{
	const struct vmsnd_place place = {"vm.yaml", 3, 5};
	struct vmsnd_node *root = must(vmsnd_tree_new());
	struct vmsnd_node *card, *output;
	char path[64];

	vmsnd_leaf_set_text(root, "secret", "s");
	card = must(vmsnd_node_make(root, "card"));
	output = must(vmsnd_node_make(card, "output"));
	vmsnd_node_set_place(card, &place);
	vmsnd_node_restrict(card);
	assert_null(vmsnd_node_parent(card));
	assert_ptr_equal(vmsnd_node_parent(output), card);
	assert_null(vmsnd_node_find(card, ".."));
	assert_null(vmsnd_node_find(card, "..secret"));
	assert_int_equal(vmsnd_leaf_get(card, "secret", NULL, NULL), VMSND_E_NO_VALUE);
	assert_int_equal(vmsnd_leaf_get(card, "..secret", NULL, NULL), VMSND_E_NO_NODE);
	/* Messages still say where it is; who holds a part cannot free the whole. */
	vmsnd_node_path(output, path, sizeof(path));
	assert_string_equal(path, "card.output");
	assert_string_equal(vmsnd_node_place(card).file, "vm.yaml");
	vmsnd_tree_free(card);
	assert_ptr_equal(vmsnd_node_find(root, "card.output"), output);
	vmsnd_tree_free(root);
}

static void test_CF05_both_ways_to_be_absent_give_the_default(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new());
	uint64_t uint;
	int64_t sint;
	double real;
	bool on;
	const char *text;
	const void *bytes;
	size_t n;
	static const char *const paths[] = {"node.leaf", "nowhere.leaf"};

	must(vmsnd_node_make(root, "node"));
	assert_int_equal(vmsnd_leaf_get(root, paths[0], NULL, NULL), VMSND_E_NO_VALUE);
	assert_int_equal(vmsnd_leaf_get(root, paths[1], NULL, NULL), VMSND_E_NO_NODE);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(vmsnd_leaf_uint(root, paths[i], 7, &uint), VMSND_OK);
		assert_int_equal(uint, 7);
		assert_int_equal(vmsnd_leaf_int(root, paths[i], -7, &sint), VMSND_OK);
		assert_int_equal(sint, -7);
		assert_int_equal(vmsnd_leaf_bool(root, paths[i], true, &on), VMSND_OK);
		assert_true(on);
		assert_int_equal(vmsnd_leaf_real(root, paths[i], 0.5, &real), VMSND_OK);
		assert_true(real == 0.5);
		assert_int_equal(vmsnd_leaf_text(root, paths[i], "seven", &text), VMSND_OK);
		assert_string_equal(text, "seven");
		assert_int_equal(vmsnd_leaf_bytes(root, paths[i], &bytes, &n), VMSND_OK);
		assert_null(bytes);
		assert_int_equal(n, 0);
	}
	vmsnd_tree_free(root);
}

/* What each getter makes of a word: 'y' gives it, 'n' refuses it. */
static void test_CF05_a_value_of_another_type_is_no_default(void **state)
{
	static const struct {
		const char *word, *uint_int_bool_real_bytes;
	} rows[] = {
	    {"5", "yynyn"},
	    {"-5", "nynyn"},
	    {"0x10", "yynyn"},
	    {"1.5", "nnnyn"},
	    {"5.0", "nnnyn"},
	    {"on", "nnynn"},
	    {"word", "nnnnn"},
	    {"", "nnnnn"},
	    {"9223372036854775808", "ynnyn"},
	    {".inf", "nnnyn"},
	    {"1e3", "nnnyn"},
	    {"18446744073709551616", "nnnyn"},
	    {"9007199254740993", "yynnn"},
	    {"-9007199254740993", "nynnn"},
	    {"18446744073709551615", "ynnnn"},
	};
	struct vmsnd_node *root = must(vmsnd_tree_new());

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t uint;
		int64_t sint;
		double real;
		bool on;
		const void *bytes;
		size_t n;
		char got[6];

		assert_int_equal(vmsnd_tree_set(root, "leaf", rows[i].word, NULL, NULL), VMSND_OK);
		got[0] = vmsnd_leaf_uint(root, "leaf", 77, &uint) ? 'n' : 'y';
		got[1] = vmsnd_leaf_int(root, "leaf", 77, &sint) ? 'n' : 'y';
		got[2] = vmsnd_leaf_bool(root, "leaf", true, &on) ? 'n' : 'y';
		got[3] = vmsnd_leaf_real(root, "leaf", 77, &real) ? 'n' : 'y';
		got[4] = vmsnd_leaf_bytes(root, "leaf", &bytes, &n) ? 'n' : 'y';
		got[5] = '\0';
		assert_string_equal(got, rows[i].uint_int_bool_real_bytes);
		assert_true(got[0] == 'y' || uint == 77);
		assert_true(got[3] == 'y' || real == 77);
		assert_string_equal(text_of(root, "leaf"), rows[i].word);
	}
	vmsnd_tree_free(root);
}

static void test_words_are_read_as_yaml_and_people_do(void **state)
{
	static const struct {
		const char *word;
		enum vmsnd_value_type type;
	} rows[] = {
	    {"on", VMSND_VALUE_BOOL},
	    {"No", VMSND_VALUE_BOOL},
	    {"FALSE", VMSND_VALUE_BOOL},
	    {"oN", VMSND_VALUE_TEXT},
	    {"007", VMSND_VALUE_UINT},
	    {"+7", VMSND_VALUE_UINT},
	    {"-0", VMSND_VALUE_UINT},
	    {"--1", VMSND_VALUE_TEXT},
	    {"0x", VMSND_VALUE_TEXT},
	    {"0xfF", VMSND_VALUE_UINT},
	    {"0xg", VMSND_VALUE_TEXT},
	    {"-0x1", VMSND_VALUE_TEXT},
	    {".5", VMSND_VALUE_REAL},
	    {"5.", VMSND_VALUE_REAL},
	    {".", VMSND_VALUE_TEXT},
	    {"1e", VMSND_VALUE_TEXT},
	    {"1e+2", VMSND_VALUE_REAL},
	    {"-.inf", VMSND_VALUE_REAL},
	    {"inf", VMSND_VALUE_TEXT},
	    {"nan", VMSND_VALUE_TEXT},
	    {"0x1p3", VMSND_VALUE_TEXT},
	    {"1,5", VMSND_VALUE_TEXT},
	    {" 1", VMSND_VALUE_TEXT},
	    {"1 ", VMSND_VALUE_TEXT},
	    {"-9223372036854775808", VMSND_VALUE_INT},
	    {"-9223372036854775809", VMSND_VALUE_REAL},
	    {"0x10000000000000000", VMSND_VALUE_TEXT},
	};
	struct vmsnd_value value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vmsnd_value_of_word(rows[i].word, &value);
		assert_string_equal(value.text, rows[i].word);
		assert_int_equal(value.type, rows[i].type);
	}
	vmsnd_value_of_word("0xfF", &value);
	assert_int_equal(value.uint, 255);
	vmsnd_value_of_word("-9223372036854775808", &value);
	assert_true(value.sint == INT64_MIN);
	vmsnd_value_of_word("-1.25e2", &value);
	assert_true(value.real == -125);
}

/* Any double, by its bits. */
static double any_double(uint64_t *seed)
{
	double real;

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	memcpy(&real, &(uint64_t){*seed ^ *seed >> 29}, sizeof(real));
	return real;
}

static void test_a_real_reads_back_as_the_same_real(void **state)
{
	static const double some[] = {0.0,
				      -0.0,
				      0.1,
				      1,
				      -1e300,
				      5e-324,
				      1e15,
				      1e16,
				      123456789012345680.0,
				      0.1 + 0.2,
				      1.7976931348623157e308};
	struct vmsnd_node *root = must(vmsnd_tree_new());
	struct vmsnd_value value;
	uint64_t seed = 4711;

	for (size_t i = 0; i < 2000; i++) {
		double real = i < 11   ? some[i]
			      : i < 13 ? (i == 11 ? (double)INFINITY : -(double)INFINITY)
				       : any_double(&seed);

		assert_int_equal(vmsnd_leaf_set_real(root, "real", real), VMSND_OK);
		vmsnd_value_of_word(text_of(root, "real"), &value);
		assert_int_equal(value.type, VMSND_VALUE_REAL);
		assert_true(isnan(real) ? isnan(value.real)
					: memcmp(&value.real, &real, sizeof(real)) == 0);
	}
	vmsnd_leaf_set_real(root, "real", 0.1);
	assert_string_equal(text_of(root, "real"), "0.1");
	vmsnd_leaf_set_real(root, "real", 3);
	assert_string_equal(text_of(root, "real"), "3.0");
	vmsnd_tree_free(root);
}

static void test_a_list_that_is_none_any_more_does_not_say_so(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new());

	vmsnd_node_set_list(root, true);
	assert_true(vmsnd_node_is_list(root));
	must(vmsnd_node_make(root, "0"));
	vmsnd_leaf_set_uint(root, "1", 1);
	must(vmsnd_node_make(root, "2"));
	assert_true(vmsnd_node_is_list(root));
	assert_true(vmsnd_leaf_remove(root, "1"));
	assert_false(vmsnd_node_is_list(root));
	vmsnd_leaf_set_uint(root, "1", 1);
	assert_true(vmsnd_node_is_list(root));
	must(vmsnd_node_make(root, "x"));
	assert_false(vmsnd_node_is_list(root));
	vmsnd_tree_free(root);
}

static void test_a_large_node_finds_what_it_has_and_only_that(void **state)
{
	struct vmsnd_node *root = must(vmsnd_tree_new());
	unsigned left = 0;
	char name[16];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		must(vmsnd_node_make(root, name));
		assert_int_equal(vmsnd_leaf_set_uint(root, name, i), VMSND_OK);
	}
	for (unsigned i = 0; i < 5000; i += 3) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_true(vmsnd_node_remove(root, name));
		assert_true(vmsnd_leaf_remove(root, name));
	}
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(vmsnd_node_find(root, name) != NULL, i % 3 != 0);
		assert_int_equal(vmsnd_leaf_get(root, name, NULL, NULL),
				 i % 3 ? VMSND_OK : VMSND_E_NO_VALUE);
	}
	for (struct vmsnd_node *at = vmsnd_node_first(root); at; at = vmsnd_node_next(at)) {
		assert_string_equal(vmsnd_leaf_at(root, left, NULL, NULL), vmsnd_node_name(at));
		left++;
	}
	assert_int_equal(left, 3333);
	vmsnd_tree_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CF01_every_kind_of_leaf_is_kept_with_its_spelling),
	    cmocka_unit_test(test_CF01_leaves_and_nodes_have_name_spaces_of_their_own),
	    cmocka_unit_test(test_CF01_order_is_the_order_of_making_and_survives_replacing),
	    cmocka_unit_test(test_CF01_a_leaf_may_be_replaced_by_its_own_value),
	    cmocka_unit_test(test_CF01_names_and_texts_that_cannot_be_are_refused),
	    cmocka_unit_test(test_CF01_depth_is_limited),
	    cmocka_unit_test(test_CF01_nodes_are_limited_and_those_taken_away_count_no_more),
	    cmocka_unit_test(test_CF01_leaves_are_limited),
	    cmocka_unit_test(test_CF02_a_card_is_found_by_its_path_from_anywhere_above),
	    cmocka_unit_test(test_CF03_a_restricted_node_has_no_way_up),
	    cmocka_unit_test(test_CF05_both_ways_to_be_absent_give_the_default),
	    cmocka_unit_test(test_CF05_a_value_of_another_type_is_no_default),
	    cmocka_unit_test(test_words_are_read_as_yaml_and_people_do),
	    cmocka_unit_test(test_a_real_reads_back_as_the_same_real),
	    cmocka_unit_test(test_a_list_that_is_none_any_more_does_not_say_so),
	    cmocka_unit_test(test_a_large_node_finds_what_it_has_and_only_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
