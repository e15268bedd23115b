/* SPDX-License-Identifier: BSD-3-Clause */
/* YAML read and written: types, places, limits, and that a dump is the same tree again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmsnd/tree.h"

static struct vmsnd_error error;

static struct vmsnd_node *parse(const char *text)
{
	struct vmsnd_node *root = NULL;
	enum vmsnd_rc rc;

	error.line[0] = '\0';
	rc = vmsnd_yaml_parse("t", text, strlen(text), &root, &error);
	assert_true((rc == VMSND_OK) == (root != NULL));
	return root;
}

static void good(const char *text)
{
	struct vmsnd_node *root = parse(text);

	if (!root)
		fail_msg("%s", error.line);
	vmsnd_tree_free(root);
}

static void bad(const char *text, const char *line)
{
	assert_null(parse(text));
	assert_string_equal(error.line, line);
}

static struct vmsnd_value leaf(const struct vmsnd_node *root, const char *path,
			       enum vmsnd_value_type type)
{
	struct vmsnd_value value = {.type = VMSND_VALUE_BYTES};

	assert_int_equal(vmsnd_leaf_get(root, path, &value, NULL), VMSND_OK);
	assert_int_equal(value.type, type);
	return value;
}

static void test_CF01_plain_words_have_the_type_they_look_like(void **state)
{
	struct vmsnd_node *root = parse("u: 7\n"
					"i: -7\n"
					"b: on\n"
					"r: 0.5\n"
					"t: /run/vm1.sock\n"
					"n: null\n"
					"q: '7'\n"
					"d: \"on\"\n"
					"y: !!binary aGk=\n"
					"l: |\n"
					"  one\n"
					"  two\n");

	assert_non_null(root);
	assert_int_equal(leaf(root, "u", VMSND_VALUE_UINT).uint, 7);
	assert_int_equal(leaf(root, "i", VMSND_VALUE_INT).sint, -7);
	assert_true(leaf(root, "b", VMSND_VALUE_BOOL).on);
	assert_true(leaf(root, "r", VMSND_VALUE_REAL).real == 0.5);
	assert_string_equal(leaf(root, "t", VMSND_VALUE_TEXT).text, "/run/vm1.sock");
	assert_string_equal(leaf(root, "n", VMSND_VALUE_TEXT).text, "null");
	assert_string_equal(leaf(root, "q", VMSND_VALUE_TEXT).text, "7");
	assert_string_equal(leaf(root, "d", VMSND_VALUE_TEXT).text, "on");
	assert_string_equal(leaf(root, "l", VMSND_VALUE_TEXT).text, "one\ntwo\n");
	assert_int_equal(leaf(root, "y", VMSND_VALUE_BYTES).n_bytes, 2);
	assert_memory_equal(leaf(root, "y", VMSND_VALUE_BYTES).bytes, "hi", 2);
	vmsnd_tree_free(root);
}

static void test_everything_has_its_place(void **state)
{
	struct vmsnd_node *root = parse("version: 1\n"
					"cards:\n"
					"  vm1:\n"
					"    socket: x\n"
					"    outputs:\n"
					"      - backend: \"\xC3\xA4\" # a\n"
					"      - null\n");
	struct vmsnd_place place;
	struct vmsnd_value value;

	assert_non_null(root);
	place = vmsnd_node_place(vmsnd_node_find(root, "cards.vm1"));
	assert_string_equal(place.file, "t");
	assert_int_equal(place.line, 3);
	assert_int_equal(place.column, 3);
	assert_int_equal(vmsnd_leaf_get(root, "cards.vm1.socket", &value, &place), VMSND_OK);
	assert_int_equal(place.line, 4);
	assert_int_equal(place.column, 5);
	place = vmsnd_node_place(vmsnd_node_find(root, "cards.vm1.outputs.0"));
	assert_int_equal(place.line, 6);
	assert_int_equal(place.column, 9);
	assert_int_equal(vmsnd_leaf_get(root, "cards.vm1.outputs.1", &value, &place), VMSND_OK);
	assert_int_equal(place.line, 7);
	assert_int_equal(place.column, 9);
	assert_true(vmsnd_node_is_list(vmsnd_node_find(root, "cards.vm1.outputs")));
	assert_false(vmsnd_node_is_list(vmsnd_node_find(root, "cards.vm1")));
	vmsnd_tree_free(root);
}

static void test_nothing_is_a_tree(void **state)
{
	good("");
	good("# nothing\n");
	good("---\n");
	good("{}\n");
	good("--- {}\n...\n");
	good("\xEF\xBB\xBFversion: 1\n"); /* a byte order mark */
	good("a: 1\r\nb: 2\r\n");
	good("{\"cards\": {\"vm1\": {\"outputs\": [{\"backend\": \"null\"}, {}]}}}");
}

static void test_what_is_not_read_says_where_and_why(void **state)
{
	bad("a: 1\nb: 2\na: 3\n", "t:3:1: 'a' is there already, in line 1: leave one of them out");
	bad("a:\n  x: 1\na: 3\n", "t:3:1: 'a' is there already, in line 1: leave one of them out");
	bad("a: 1\na: {}\n", "t:2:1: 'a' is there already, in line 1: leave one of them out");
	bad("a: &x 1\n",
	    "t:1:4: anchors ('&x') are not read here: take it out, or put a value that "
	    "begins with '&' in quotes");
	bad("a: *x\n", "t:1:4: references ('*x') are not read here: write it out");
	bad("&x {a: 1}\n", "t:1:1: anchors ('&x') are not read here: take it out, or put a value "
			   "that begins with '&' in quotes");
	bad("a: [&x b]\n", "t:1:5: anchors ('&x') are not read here: take it out, or put a value "
			   "that begins with '&' in quotes");
	bad("a: !!str 1\n", "t:1:1: the tag 'tag:yaml.org,2002:str' is not read here: take it out; "
			    "only !!binary is");
	bad("a: !x {}\n", "t:1:4: the tag '!x' is not read here: take it out");
	bad("!x a: 1\n", "t:1:1: a key takes no tag: take '!x' out");
	bad("a: !!binary a\n", "t:1:1: 'a' says !!binary, but is no base64");
	bad("a:\n", "t:1:1: 'a' has no value: give it one, or leave it out");
	bad("a: ~\n", "t:1:1: 'a' has no value: give it one, or leave it out");
	bad("a:\n  - b\n  -\n", "t:3:4: '1' has no value: give it one, or leave it out");
	bad("a: 1\n---\nb: 1\n", "t:2:1: a second document begins here: a file has one");
	bad("hello\n", "t:1:1: the file must be 'key: value' lines, such as 'version: 1'");
	bad("- a\n", "t:1:1: the file must be 'key: value' lines, such as 'version: 1'");
	bad("? [a]\n: 1\n", "t:1:3: a key must be a word");
	bad("'': 1\n", "t:1:1: a key cannot be empty");
	bad("a.b: 1\n", "t:1:1: a key cannot have a dot in it: dots join the parts of a path");
	bad("\"a\\tb\": 1\n", "t:1:1: a key cannot have a control character in it");
	bad("\"a\\0b\": 1\n", "t:1:1: a key cannot have a control character in it");
	bad("a: \"x\\0y\"\n", "t:1:1: 'a' has a NUL character in it");
	bad("a123456789012345678901234567890123456789012345678901234567890123: 1\n",
	    "t:1:1: a key has at most 63 bytes");
}

static void test_what_is_no_yaml_says_what_to_do(void **state)
{
	bad("a:\n\tb: 1\n", "t:2:1: a tab cannot indent: use spaces");
	bad("a: @x\n", "t:1:4: a value cannot begin with '@': put it in quotes");
	bad("a: b: c\n",
	    "t:1:5: a ':' cannot stand here: indent the line as its neighbours are, see that the "
	    "line above has a space behind its ':', or put a value that has ': ' in it in quotes");
	bad("a: 'x\n\nb: 1\n", "t:1:4: this quote is never closed");
	bad("a: [1, 2\nb: 3\n", "t:1:4: this '[' is never closed, or lacks a ','");
	bad("a: {b: 1\n", "t:1:4: this '{' is never closed, or lacks a ','");
	bad("a: \"\\q\"\n",
	    "t:1:5: no such escape: write \\\\ for a backslash, or use single quotes");
	bad("a: 1\n  b: 2\n",
	    "t:2:4: a ':' cannot stand here: indent the line as its neighbours are, see that the "
	    "line above has a space behind its ':', or put a value that has ': ' in it in quotes");
	bad("a:\n    b: 1\n  c: 2\n",
	    "t:3:3: this line does not fit: lines of one block are indented "
	    "alike, and each is 'key: value'");
	bad("a: - b\n", "t:1:4: a list cannot begin here: begin it on a line of its own below the "
			"key");
	bad("a:\n- b\nx y\n", "t:3:1: a key needs ': ' and a value behind it");
	bad("a: \xFF\n", "t:1:4: this is not UTF-8: save the file as UTF-8");
	bad("\xFF\xFE"
	    "a",
	    "t:1:1: this is not UTF-8: save the file as UTF-8");
	bad("a: 1\nb: \x01\n", "t:2:4: a control character cannot stand in such a file");
	assert_int_equal(vmsnd_yaml_parse("t", "a: \0b\n", 6, &(struct vmsnd_node *){NULL}, &error),
			 VMSND_E_INVALID);
	assert_string_equal(error.line, "t:1:4: a control character cannot stand in such a file");
}

/* ---- limits ---- */

static void test_depth_is_limited(void **state)
{
	char text[200] = "";

	for (unsigned i = 0; i + 1 < VMSND_TREE_DEPTH_MAX; i++)
		strcat(text, "{a: ");
	strcat(text, "{b: 1}");
	for (unsigned i = 0; i + 1 < VMSND_TREE_DEPTH_MAX; i++)
		strcat(text, "}");
	good(text);
	memmove(text + 4, text, strlen(text) + 1);
	memcpy(text, "{a: ", 4);
	strcat(text, "}");
	bad(text, "t:1:65: this is nested too deep: 16 levels are allowed");
	memset(text, '[', sizeof(text) - 1);
	text[0] = '{';
	text[1] = 'a';
	text[2] = ':';
	text[3] = ' ';
	text[sizeof(text) - 1] = '\0';
	assert_null(parse(text));
	assert_non_null(strstr(error.line, "too deep"));
}

static void test_size_is_limited(void **state)
{
	size_t bytes = 1024 * 1024;
	char *text = malloc(bytes + 2);
	struct vmsnd_node *root;

	assert_non_null(text);
	memset(text, '#', bytes + 1);
	text[bytes + 1] = '\0';
	bad(text, "t: it is larger than 1 MiB");
	text[bytes] = '\0';
	good(text);
	/* As many nodes as fit into the bytes, and more than a tree takes. */
	memcpy(text, "a: [", 4);
	for (size_t i = 4; i + 3 <= bytes; i += 3)
		memcpy(text + i, "{},", 3);
	root = parse(text);
	assert_null(root);
	assert_non_null(strstr(error.line, "too much for one file"));
	free(text);
}

/* ---- files ---- */

static void bad_file(const char *path, const char *line)
{
	struct vmsnd_node *root;

	assert_int_equal(vmsnd_yaml_load(path, &root, &error), VMSND_E_INVALID);
	assert_null(root);
	assert_string_equal(error.line, line);
}

static void test_files_that_cannot_be_read(void **state)
{
	char folder[] = "vmsnd-yaml-XXXXXX", path[64], line[200];
	FILE *file;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.yaml", folder);
	snprintf(line, sizeof(line), "%s: there is no such file", path);
	bad_file(path, line);
	snprintf(line, sizeof(line), "%s: it is a folder: name a file in it", folder);
	bad_file(folder, line);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("version: 1\nversion: 2\n", file);
	fclose(file);
	snprintf(line, sizeof(line),
		 "%s:2:1: 'version' is there already, in line 1: leave one of "
		 "them out",
		 path);
	bad_file(path, line);
	if (geteuid() != 0) { /* root may read everything */
		chmod(path, 0);
		snprintf(line, sizeof(line),
			 "%s: it may not be read: change its rights, or run as a user who may",
			 path);
		bad_file(path, line);
	}
	unlink(path);
	rmdir(folder);
}

/* ---- dumps ---- */

static void same(const struct vmsnd_node *root)
{
	char *text = vmsnd_yaml_dump(root);
	struct vmsnd_node *again;

	assert_non_null(text);
	again = parse(text);
	if (!again)
		fail_msg("%s\nof\n%s", error.line, text);
	if (!vmsnd_tree_equal(root, again))
		fail_msg("not the same again:\n%s", text);
	vmsnd_tree_free(again);
	free(text);
}

static void test_CF08_a_dump_is_for_people(void **state)
{
	static const char text[] = "version: 1\n"
				   "cards:\n"
				   "  vm1:\n"
				   "    device: virtio-snd\n"
				   "    socket: /run/vm 1.sock\n"
				   "    number: '0'\n"
				   "    name: 'on'\n"
				   "    note: 'a: b'\n"
				   "    quote: it's\n"
				   "    empty: ''\n"
				   "    none: {}\n"
				   "    outputs:\n"
				   "      - backend: 'null'\n"
				   "        drivers:\n"
				   "          - driver: delay\n"
				   "            ms: 100\n"
				   "          - - 1\n"
				   "            - []\n"
				   "      - 5\n"
				   "      - {}\n"
				   "    data: {}\n";
	struct vmsnd_node *root = parse(text);
	char *dump;

	assert_non_null(root);
	dump = vmsnd_yaml_dump(root);
	assert_non_null(strstr(dump, "    socket: /run/vm 1.sock\n"));
	assert_non_null(strstr(dump, "    number: '0'\n    name: 'on'\n    note: 'a: b'\n"
				     "    quote: it's\n    empty: ''\n"));
	assert_non_null(strstr(dump, "    outputs:\n"
				     "      - backend: null\n"
				     "        drivers:\n"
				     "          - driver: delay\n"
				     "            ms: 100\n"
				     "          - - 1\n"
				     "            - []\n"
				     "      - 5\n"
				     "      - {}\n"));
	same(root);
	free(dump);
	vmsnd_tree_free(root);
}

static void test_CF08_a_leaf_beside_a_node_of_its_name_is_a_comment(void **state)
{
	struct vmsnd_node *root = vmsnd_tree_new();
	char *dump;

	vmsnd_node_make(root, "a");
	vmsnd_leaf_set_text(root, "a", "b\nc");
	dump = vmsnd_yaml_dump(root);
	assert_string_equal(dump, "# a: \"b\\nc\"\na: {}\n");
	free(dump);
	vmsnd_tree_free(root);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static const char *const awkward[] = {
    "",
    "~",
    "null",
    "on",
    "Yes",
    "-1",
    "0x10",
    "1e5",
    ".inf",
    "-.inf",
    ".nan",
    "00",
    "1_000",
    "a: b",
    "a:",
    ":a",
    "a #b",
    "#a",
    " a",
    "a ",
    "-",
    "- a",
    "--",
    "---",
    "...",
    "?",
    "? a",
    "[a",
    "{a",
    "a]",
    "a,b",
    "*a",
    "&a",
    "!a",
    "!!str",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "'",
    "it's",
    "\"",
    "\\",
    "a\\n",
    "a\nb",
    "a\n",
    "\n",
    "\t",
    "a\tb",
    "\x01",
    "\x7F",
    "\xC2\x85",
    "\xC2\x80",
    "\xE2\x80\xA8",
    "\xEF\xBB\xBF",
    "\xEF\xBF\xBE",
    "\xC3\xA4",
    "\xF0\x9F\x8E\xB5",
    "<<",
    "=",
    "a  b",
    "\r",
    "a\r\nb",
    "+1",
    "-0",
    "-0.0",
    "0.0",
    "1.",
    "/run/vm1.sock",
    "-6.5",
    "virtio-snd",
    "http://x/#y",
    "TRUE",
    "tRue",
    "\xC2\xA0",
    "\x1B[31m",
    "18446744073709551616",
    "0o7",
    "1:30",
    "2001-01-01",
    "=a",
    "x=y",
};

static void random_leaf(struct vmsnd_node *node, const char *name, uint32_t *seed)
{
	const char *word = awkward[random_next(seed) % (sizeof(awkward) / sizeof(awkward[0]))];
	static const double reals[] = {0.1, 1e300, -2.0, 5e-324, 3.0, 1e22, -0.0};
	struct vmsnd_value value;

	switch (random_next(seed) % 7) {
	case 0:
		assert_false(vmsnd_leaf_set_uint(node, name, UINT64_MAX >> random_next(seed) % 64));
		break;
	case 1:
		assert_false(vmsnd_leaf_set_int(node, name, INT64_MIN >> random_next(seed) % 63));
		break;
	case 2:
		assert_false(vmsnd_leaf_set_bool(node, name, random_next(seed) & 1));
		break;
	case 3:
		assert_false(vmsnd_leaf_set_real(node, name, reals[random_next(seed) % 7]));
		break;
	case 4:
		assert_false(
		    vmsnd_leaf_set_bytes(node, name, word, random_next(seed) % (strlen(word) + 1)));
		break;
	case 5: /* as a file would have it */
		vmsnd_value_of_word(word, &value);
		assert_false(vmsnd_leaf_set(node, name, &value, NULL));
		break;
	default:
		assert_false(vmsnd_leaf_set_text(node, name, word));
	}
}

static void random_name(char *name, bool list, unsigned i, uint32_t *seed)
{
	const char *word = awkward[random_next(seed) % (sizeof(awkward) / sizeof(awkward[0]))];

	if (list)
		snprintf(name, VMSND_NODE_NAME_BYTES, "%u", i);
	else
		snprintf(name, VMSND_NODE_NAME_BYTES, "%s%u", word, i % 3 ? i : 0);
	for (char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F || *c == '.')
			*c = '_';
}

static void grow(struct vmsnd_node *node, unsigned depth, uint32_t *seed)
{
	unsigned n = random_next(seed) % 6;
	bool list = depth > 0 && random_next(seed) % 2;
	char name[VMSND_NODE_NAME_BYTES];

	vmsnd_node_set_list(node, list);
	for (unsigned i = 0; i < n; i++) {
		struct vmsnd_value value;

		random_name(name, list, i, seed);
		if (vmsnd_node_find(node, name) ||
		    vmsnd_leaf_get(node, name, &value, NULL) == VMSND_OK)
			continue;
		if (depth + 1 < VMSND_TREE_DEPTH_MAX && random_next(seed) % 3 == 0)
			grow(vmsnd_node_make(node, name), depth + 1, seed);
		else
			random_leaf(node, name, seed);
	}
}

static void test_CF08_what_is_dumped_is_read_as_the_same_tree(void **state)
{
	for (uint32_t i = 0; i < 3000; i++) {
		struct vmsnd_node *root = vmsnd_tree_new();
		uint32_t seed = i * 2654435761u + 1;

		grow(root, 0, &seed);
		same(root);
		vmsnd_tree_free(root);
	}
}

static void test_CF08_every_awkward_text_survives(void **state)
{
	for (size_t i = 0; i < sizeof(awkward) / sizeof(awkward[0]); i++) {
		struct vmsnd_node *root = vmsnd_tree_new();

		vmsnd_leaf_set_text(root, "a", awkward[i]);
		same(root);
		vmsnd_leaf_set_text(vmsnd_node_make(root, "l"), "0", awkward[i]);
		vmsnd_node_set_list(vmsnd_node_find(root, "l"), true);
		same(root);
		vmsnd_tree_free(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CF01_plain_words_have_the_type_they_look_like),
	    cmocka_unit_test(test_everything_has_its_place),
	    cmocka_unit_test(test_nothing_is_a_tree),
	    cmocka_unit_test(test_what_is_not_read_says_where_and_why),
	    cmocka_unit_test(test_what_is_no_yaml_says_what_to_do),
	    cmocka_unit_test(test_depth_is_limited),
	    cmocka_unit_test(test_size_is_limited),
	    cmocka_unit_test(test_files_that_cannot_be_read),
	    cmocka_unit_test(test_CF08_a_dump_is_for_people),
	    cmocka_unit_test(test_CF08_a_leaf_beside_a_node_of_its_name_is_a_comment),
	    cmocka_unit_test(test_CF08_what_is_dumped_is_read_as_the_same_tree),
	    cmocka_unit_test(test_CF08_every_awkward_text_survives),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
