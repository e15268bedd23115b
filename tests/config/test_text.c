/* SPDX-License-Identifier: BSD-3-Clause */
/* Option text, single settings, messages; copies and merges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "build.h"

static struct vmsnd_error error;
static const struct vmsnd_place place = {"--backend", 0, 0};

static const char *text_of(const struct vmsnd_node *node, const char *path)
{
	const char *text;

	vmsnd_leaf_text(node, path, "(absent)", &text);
	return text;
}

static void test_text_becomes_leaves_and_text_again(void **state)
{
	struct vmsnd_node *node = build_tree("");
	char text[100];

	assert_int_equal(
	    vmsnd_tree_from_text(node, "backend",
				 "file,path=Bach,, live.wav,split=60,loop=on,volume=-6.5", &place,
				 &error),
	    VMSND_OK);
	assert_string_equal(text_of(node, "backend"), "file");
	assert_string_equal(text_of(node, "path"), "Bach, live.wav");
	assert_string_equal(text_of(node, "volume"), "-6.5");
	assert_true(vmsnd_tree_to_text(node, "backend", text, sizeof(text)));
	assert_string_equal(text, "file,path=Bach,, live.wav,split=60,loop=on,volume=-6.5");
	assert_true(vmsnd_tree_to_text(node, "backend", text, strlen(text) + 1));
	assert_false(vmsnd_tree_to_text(node, "backend", text, strlen(text)));
	assert_false(vmsnd_tree_to_text(node, "device", text, sizeof(text)));
	vmsnd_tree_free(node);
}

static void test_text_that_is_wrong_leaves_the_node_alone(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
	    {"", "--backend: the name of a backend comes first"},
	    {",path=x", "--backend: the name of a backend comes first"},
	    {"file,path", "--backend: path needs a value: path=..."},
	    {"file,path=x,", NULL},
	    {"file,path=x,path=y", "--backend: path is given twice"},
	    {"file,backend=null", "--backend: backend is given twice"},
	    {"file,a.b=1", "--backend: 'a.b' cannot be the name of an option"},
	    {"file,=1", "--backend: '' cannot be the name of an option"},
	    {"file,x\ny", "--backend: x?y needs a value: x?y=..."},
	    {"file,path=\xff", "--backend: the value of path is too long or is not UTF-8"},
	};
	struct vmsnd_node *node = build_tree("old=1");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum vmsnd_rc rc =
		    vmsnd_tree_from_text(node, "backend", rows[i].text, &place, &error);

		if (!rows[i].line) { /* a comma at the end separates nothing */
			assert_int_equal(rc, VMSND_OK);
			vmsnd_leaf_remove(node, "backend");
			vmsnd_leaf_remove(node, "path");
			continue;
		}
		assert_int_equal(rc, VMSND_E_INVALID);
		assert_string_equal(error.line, rows[i].line);
		assert_null(vmsnd_leaf_at(node, 1, NULL, NULL));
	}
	assert_int_equal(vmsnd_tree_from_text(node, NULL, ",a=1", &place, &error), VMSND_E_INVALID);
	assert_string_equal(error.line, "--backend: an option is missing between two commas");
	vmsnd_tree_free(node);
}

/* A card's text may reach into its children; nothing else's may. */
static void test_dots_of_a_card_are_a_path(void **state)
{
	struct vmsnd_node *node = vmsnd_tree_new();
	const char *word;

	assert_int_equal(
	    vmsnd_tree_from_text(node, "device", "card,a=1,part.x.colour=red,,blue", NULL, &error),
	    VMSND_OK);
	vmsnd_leaf_text(node, "part.x.colour", "", &word);
	assert_string_equal(word, "red,blue");
	assert_int_equal(
	    vmsnd_tree_from_text(node, "device", "card,part.x=1,part.x=2", NULL, &error),
	    VMSND_E_INVALID);
	assert_string_equal(error.line, "part.x is given twice");
	assert_int_equal(vmsnd_tree_from_text(node, "device", "card,part.=1", NULL, &error),
			 VMSND_E_INVALID);
	assert_int_equal(vmsnd_tree_from_text(node, "backend", "null,part.x=1", NULL, &error),
			 VMSND_E_INVALID);
	vmsnd_tree_free(node);
}

static void test_a_setting_makes_the_nodes_on_its_way_or_none(void **state)
{
	struct vmsnd_node *root = build_tree("a.b=1");
	struct vmsnd_node *before = vmsnd_tree_copy(root);
	char deep[100] = "x";
	static const struct vmsnd_place where = {"--set", 0, 0};

	for (unsigned i = 0; i < VMSND_TREE_DEPTH_MAX + 1; i++)
		strcat(deep, ".x");
	assert_int_equal(vmsnd_tree_set(root, deep, "1", &where, &error), VMSND_E_INVALID);
	assert_non_null(strstr(error.line, "--set: 'x.x.x"));
	assert_non_null(strstr(error.line, "goes deeper than 16 nodes"));
	assert_int_equal(vmsnd_tree_set(root, "a..b", "1", &where, &error), VMSND_E_INVALID);
	assert_int_equal(vmsnd_tree_set(root, "", "1", &where, &error), VMSND_E_INVALID);
	assert_int_equal(vmsnd_tree_set(root, "n.e.w", "\xff", &where, &error), VMSND_E_INVALID);
	assert_true(vmsnd_tree_equal(root, before));
	deep[strlen(deep) - 2] = '\0';
	assert_int_equal(vmsnd_tree_set(root, deep, "1", &where, &error), VMSND_OK);
	assert_string_equal(text_of(root, deep), "1");
	vmsnd_tree_free(before);
	vmsnd_tree_free(root);
}

static void test_a_setting_without_value_removes(void **state)
{
	struct vmsnd_node *root = build_tree("a.b=1;a.c.d=2;b=3");

	assert_int_equal(vmsnd_tree_set(root, "a.b", NULL, NULL, &error), VMSND_OK);
	assert_int_equal(vmsnd_tree_set(root, "a.b", NULL, NULL, &error), VMSND_E_NO_VALUE);
	assert_string_equal(error.line, "there is no 'a.b' to remove");
	assert_int_equal(vmsnd_tree_set(root, "a.c", NULL, NULL, &error), VMSND_OK);
	assert_int_equal(vmsnd_tree_set(root, "a.c.d", NULL, NULL, &error), VMSND_E_NO_NODE);
	assert_int_equal(vmsnd_tree_set(root, "b", NULL, NULL, &error), VMSND_OK);
	assert_non_null(vmsnd_node_find(root, "a"));
	assert_null(vmsnd_node_first(vmsnd_node_find(root, "a")));
	vmsnd_tree_free(root);
}

static void test_settings_may_make_lists(void **state)
{
	struct vmsnd_node *root = build_tree("outputs.0.backend=null;outputs.1.backend=file");

	assert_true(vmsnd_node_is_list(vmsnd_node_find(root, "outputs")));
	build_set(root, "outputs.7.backend=null"); /* sparse: a map with numbers */
	assert_false(vmsnd_node_is_list(vmsnd_node_find(root, "outputs")));
	vmsnd_tree_free(root);
}

static void test_a_message_is_one_line_with_its_place(void **state)
{
	char file[2000], *line = error.line;

	vmsnd_error_set(&error, &(struct vmsnd_place){"a.yaml", 3, 7}, "%s", "no");
	assert_string_equal(line, "a.yaml:3:7: no");
	vmsnd_error_set(&error, &(struct vmsnd_place){"a.yaml", 3, 0}, "no");
	assert_string_equal(line, "a.yaml:3: no");
	vmsnd_error_set(&error, &(struct vmsnd_place){NULL, 3, 7}, "no");
	assert_string_equal(line, "no");
	vmsnd_error_set(&error, NULL, "two\nlines\t\x7f");
	assert_string_equal(line, "two?lines??");
	memset(file, 'f', sizeof(file));
	file[sizeof(file) - 1] = '\0';
	vmsnd_error_set(&error, &(struct vmsnd_place){file, 3, 7}, "no");
	assert_int_equal(strlen(line), sizeof(error.line) - 1);
	/* Cut between characters, not in one. */
	for (size_t i = 0; i + 2 < sizeof(file); i += 2)
		memcpy(file + i, "\xc3\xbc", 3);
	vmsnd_error_set(&error, NULL, "%s", file);
	assert_int_equal(strlen(line), sizeof(error.line) - 2);
}

static void test_a_merge_replaces_or_leaves_what_is_there(void **state)
{
	struct vmsnd_node *from = build_tree("a=new;n.x=new;n.y=new;m.z=new");
	struct vmsnd_node *into = build_tree("a=old;n.x=old;n.o=old");
	struct vmsnd_node *filled = build_tree("a=old;n.x=old;n.o=old;n.y=new;m.z=new");
	struct vmsnd_node *replaced = build_tree("a=new;n.x=new;n.o=old;n.y=new;m.z=new");

	assert_int_equal(vmsnd_tree_merge(into, from, false), VMSND_OK);
	assert_true(vmsnd_tree_equal(into, filled));
	assert_int_equal(vmsnd_tree_merge(into, from, true), VMSND_OK);
	assert_true(vmsnd_tree_equal(into, replaced));
	vmsnd_tree_free(from);
	vmsnd_tree_free(into);
	vmsnd_tree_free(filled);
	vmsnd_tree_free(replaced);
}

static void test_a_tree_can_be_merged_into_a_part_of_itself(void **state)
{
	struct vmsnd_node *root = build_tree("a=1;n.x=2");
	struct vmsnd_node *after = build_tree("a=1;n.x=2;n.a=1;n.n.x=2");

	assert_int_equal(vmsnd_tree_merge(vmsnd_node_find(root, "n"), root, true), VMSND_OK);
	assert_true(vmsnd_tree_equal(root, after));
	assert_int_equal(vmsnd_tree_merge(root, root, true), VMSND_OK);
	assert_true(vmsnd_tree_equal(root, after));
	vmsnd_tree_free(root);
	vmsnd_tree_free(after);
}

static void test_a_copy_has_the_places_and_outlives_its_original(void **state)
{
	struct vmsnd_node *root = build_tree(""), *card, *copy;
	struct vmsnd_value value = {.type = VMSND_VALUE_UINT, .uint = 16, .text = "0x10"};
	struct vmsnd_place where = {"vm.yaml", 9, 2};
	char file[] = "vm.yaml";

	where.file = file;
	card = vmsnd_node_make(root, "card");
	assert_int_equal(vmsnd_leaf_set(card, "size", &value, &where), VMSND_OK);
	vmsnd_node_set_place(card, &where);
	file[0] = '?'; /* the tree has its own */
	vmsnd_node_restrict(card);
	copy = vmsnd_tree_copy(card);
	vmsnd_tree_free(root);
	assert_string_equal(vmsnd_node_name(copy), "");
	assert_int_equal(vmsnd_leaf_get(copy, "size", &value, &where), VMSND_OK);
	assert_string_equal(value.text, "0x10");
	assert_int_equal(value.uint, 16);
	assert_string_equal(where.file, "vm.yaml");
	assert_int_equal(where.line, 9);
	assert_int_equal(vmsnd_node_place(copy).column, 2);
	vmsnd_tree_free(copy);
}

static void test_differences_are_seen(void **state)
{
	static const char *const trees[] = {"",        "a=1",   "a=2",   "a=-1",    "a=1.0",
					    "a=x",     "a=on",  "a=0x1", "b=1",     "a=1;b=1",
					    "b=1;a=1", "a.a=1", "a.b=1", "a.a.a=1", "a.a=1;a=1"};

	for (size_t i = 0; i < 15; i++) {
		for (size_t j = 0; j < 15; j++) {
			struct vmsnd_node *a = build_tree(trees[i]), *b = build_tree(trees[j]);

			assert_int_equal(vmsnd_tree_equal(a, b), i == j);
			vmsnd_tree_free(a);
			vmsnd_tree_free(b);
		}
	}
}

/* For any tree: a copy is equal; merging it again changes nothing; merged into nothing it is the
 * tree; its leaves as text and read again have the same spellings. */
static void test_any_tree_survives_copy_merge_and_text(void **state)
{
	uint64_t seed = 2024;

	for (unsigned i = 0; i < 2000; i++) {
		struct vmsnd_node *tree = build_random(&seed), *other = build_random(&seed);
		struct vmsnd_node *copy = vmsnd_tree_copy(tree), *read = build_tree("");
		char text[4000];

		assert_true(vmsnd_tree_equal(tree, copy));
		assert_int_equal(vmsnd_tree_merge(copy, tree, true), VMSND_OK);
		assert_true(vmsnd_tree_equal(tree, copy));
		assert_int_equal(vmsnd_tree_merge(copy, other, false), VMSND_OK);
		assert_int_equal(vmsnd_tree_merge(copy, other, true), VMSND_OK);
		assert_int_equal(vmsnd_tree_merge(other, copy, true), VMSND_OK);
		assert_int_equal(vmsnd_tree_merge(other, copy, false), VMSND_OK);
		vmsnd_tree_free(copy);

		vmsnd_leaf_set_text(tree, "class", "some,class");
		assert_true(vmsnd_tree_to_text(tree, "class", text, sizeof(text)));
		assert_int_equal(vmsnd_tree_from_text(read, "class", text, NULL, &error), VMSND_OK);
		for (size_t j = 0;; j++) {
			const char *name = vmsnd_leaf_at(tree, j, NULL, NULL);

			if (!name) {
				assert_null(vmsnd_leaf_at(read, j, NULL, NULL));
				break;
			}
			assert_string_equal(text_of(read, name), text_of(tree, name));
		}
		vmsnd_tree_free(tree);
		vmsnd_tree_free(other);
		vmsnd_tree_free(read);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dots_of_a_card_are_a_path),
	    cmocka_unit_test(test_text_becomes_leaves_and_text_again),
	    cmocka_unit_test(test_text_that_is_wrong_leaves_the_node_alone),
	    cmocka_unit_test(test_a_setting_makes_the_nodes_on_its_way_or_none),
	    cmocka_unit_test(test_a_setting_without_value_removes),
	    cmocka_unit_test(test_settings_may_make_lists),
	    cmocka_unit_test(test_a_message_is_one_line_with_its_place),
	    cmocka_unit_test(test_a_merge_replaces_or_leaves_what_is_there),
	    cmocka_unit_test(test_a_tree_can_be_merged_into_a_part_of_itself),
	    cmocka_unit_test(test_a_copy_has_the_places_and_outlives_its_original),
	    cmocka_unit_test(test_differences_are_seen),
	    cmocka_unit_test(test_any_tree_survives_copy_merge_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
