/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that rewrite chains: rows CF-06 and CF-07. */
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

/* Options of every output, as a machine has them. */
static const struct vmsnd_option stay[] = {
    {"volume", VMSND_OPTION_TEXT, "0", "decibels", 0, 0},
    {.key = NULL},
};

/* What was told, with a '/' after each. */
struct log {
	char text[4000];
};

static void told(void *ctx, const char *line)
{
	struct log *log = ctx;
	size_t at = strlen(log->text);

	snprintf(log->text + at, sizeof(log->text) - at, "%s/", line);
}

/* "d1 d2 | file" as an output; "d1 |" has no backend. */
static struct vmsnd_node *set_chain(struct vmsnd_node *root, const char *words)
{
	char line[100], word[40];
	bool backend = false;
	int used;

	build_set(root, "cards.vm1.outputs.0.volume=-6");
	for (unsigned i = 0; sscanf(words, " %39s%n", word, &used) == 1; words += used) {
		if (strcmp(word, "|") == 0) {
			backend = true;
			continue;
		}
		if (backend)
			snprintf(line, sizeof(line), "cards.vm1.outputs.0.backend=%s", word);
		else
			snprintf(line, sizeof(line), "cards.vm1.outputs.0.drivers.%u.driver=%s",
				 i++, word);
		build_set(root, line);
	}
	return vmsnd_node_find(root, "cards.vm1.outputs.0");
}

static void put_element(char *text, size_t bytes, const struct vmsnd_node *node, const char *key)
{
	const char *name, *mark;
	size_t at = strlen(text);

	vmsnd_leaf_text(node, key, "", &name);
	vmsnd_leaf_text(node, "injected", NULL, &mark);
	snprintf(text + at, bytes - at, "%s%s%s%s%s", at && *name ? " " : "", name, mark ? "(" : "",
		 mark ? mark : "", mark ? ")" : "");
}

/* "delay(0) d1 | file": with the rule that put it there in brackets. */
static void show_chain(const struct vmsnd_node *output, char *text, size_t bytes)
{
	const struct vmsnd_node *list = vmsnd_node_find(output, "drivers");
	char number[16];
	unsigned i = 0;

	text[0] = '\0';
	for (struct vmsnd_node *at = list ? vmsnd_node_first(list) : NULL; at;
	     at = vmsnd_node_next(at), i++) {
		snprintf(number, sizeof(number), "%u", i);
		assert_string_equal(vmsnd_node_name(at), number);
		put_element(text, bytes, at, "driver");
	}
	assert_true(!list || vmsnd_node_is_list(list));
	strcat(text, *text ? " |" : "|");
	put_element(text, bytes, output, "backend");
}

static enum vmsnd_rc apply(const struct vmsnd_node *root, struct vmsnd_node *output,
			   struct log *log)
{
	const struct vmsnd_rules_at at = {"virtio-snd", 0, stay, told, log};

	log->text[0] = '\0';
	return vmsnd_rules_apply(root, output, &at, &error);
}

#define T "transforms."

struct row {
	const char *rules, *chain, *after, *lines;
};

/* Marks as a machine writes them, which only knows that it was a rule. */
static void forget_rules(struct vmsnd_node *node)
{
	if (vmsnd_leaf_remove(node, VMSND_RULE_MARK))
		vmsnd_leaf_set_bool(node, VMSND_RULE_MARK, true);
	for (struct vmsnd_node *at = vmsnd_node_first(node); at; at = vmsnd_node_next(at))
		forget_rules(at);
}

/* Rules have nothing left to do with what is written in a tree. */
static void check_rest(const struct vmsnd_node *root, bool forget)
{
	struct vmsnd_node *again = vmsnd_tree_copy(root), *before;
	struct log log;

	if (forget)
		forget_rules(vmsnd_node_find(again, "cards"));
	before = vmsnd_tree_copy(again);
	assert_int_equal(apply(again, vmsnd_node_find(again, "cards.vm1.outputs.0"), &log),
			 VMSND_OK);
	assert_string_equal(log.text, "");
	assert_true(vmsnd_tree_equal(again, before));
	vmsnd_tree_free(before);
	vmsnd_tree_free(again);
}

/* The chain that comes of it, what was told; and that a second run finds nothing to do. */
static void check_row(const struct row *row)
{
	struct vmsnd_node *root = build_tree(row->rules);
	struct vmsnd_node *output = set_chain(root, row->chain);
	struct log log;
	char text[600];

	if (apply(root, output, &log))
		fail_msg("%s", error.line);
	show_chain(output, text, sizeof(text));
	assert_string_equal(text, row->after);
	if (row->lines)
		assert_string_equal(log.text, row->lines);
	check_rest(root, false);
	check_rest(root, true);
	vmsnd_tree_free(root);
}

static void check_rows(const struct row *rows)
{
	for (; rows->rules; rows++)
		check_row(rows);
}

static void test_CF06_the_four_things_that_are_matched(void **state)
{
	static const struct row rows[] = {
	    {T "0.below=file;" T "0.drivers.0.driver=n", "a b | file", "a b n(0) | file",
	     "transforms.0: inject n above file at cards.vm1.outputs.0/"},
	    {T "0.below=a|file;" T "0.drivers.0.driver=n", "a b | file", "n(0) a b n(0) | file",
	     NULL},
	    {T "0.below=x | fi*;" T "0.drivers.0.driver=n", "a b | file", "a b n(0) | file", NULL},
	    {T "0.below=?;" T "0.drivers.0.driver=n", "a bb | file", "n(0) a bb | file", NULL},
	    {T "0.drivers.0.driver=n", "a b | file", "n(0) a n(0) b n(0) | file", NULL},
	    {T "0.above=a;" T "0.drivers.0.driver=n", "a b | file", "a n(0) b | file", NULL},
	    {T "0.above=<top>;" T "0.drivers.0.driver=n", "a b | file", "n(0) a b | file", NULL},
	    {T "0.above=<top>;" T "0.drivers.0.driver=n", "| file", "n(0) | file", NULL},
	    {T "0.above=*;" T "0.drivers.0.driver=n", "a b | file", "a n(0) b n(0) | file", NULL},
	    {T "0.device=virtio-*;" T "0.below=file;" T "0.drivers.0.driver=n", "| file",
	     "n(0) | file", NULL},
	    {T "0.device=hda|sb16;" T "0.drivers.0.driver=n", "| file", "| file", ""},
	    {T "0.lun=0;" T "0.below=file;" T "0.drivers.0.driver=n", "| file", "n(0) | file",
	     NULL},
	    {T "0.lun=1|2;" T "0.drivers.0.driver=n", "| file", "| file", ""},
	    {T "0.below=;" T "0.drivers.0.driver=n", "| file", "| file", ""},
	    {.rules = NULL},
	};

	check_rows(rows);
}

/* The reference cannot do this. */
static void test_CF06_an_output_without_backend_can_be_matched(void **state)
{
	static const struct row rows[] = {
	    {T "0.below=<none>;" T "0.action=replace;" T "0.backend=null;" T "0.config.pace=free",
	     "|", "| null(0)", "transforms.0: replace <none> by null at cards.vm1.outputs.0/"},
	    {T "0.below=<none>;" T "0.action=replacetree;" T "0.backend=null;" T
	       "0.drivers.0.driver=n",
	     "a |", "a n(0) | null(0)", NULL},
	    {T "0.below=<none>;" T "0.drivers.0.driver=n", "a |", "a n(0) |", NULL},
	    {T "0.below=*;" T "0.drivers.0.driver=n", "a |", "n(0) a |", NULL},
	    {T "0.below=<none>;" T "0.action=remove", "a |", "a |", ""},
	    {T "0.below=<none>;" T "0.action=merge;" T "0.config.x=1", "|", "|", ""},
	    {.rules = NULL},
	};

	check_rows(rows);
}

static void test_CF06_a_wildcard_matches_what_it_should(void **state)
{
	static const struct {
		const char *patterns, *word;
		bool fits;
	} rows[] = {
	    {"*", "", false},
	    {"*", "x", true},
	    {"a*c", "abbc", true},
	    {"a*c", "abb", false},
	    {"*b*b*", "abab", true},
	    {"*ab", "aab", true},
	    {"??", "ab", true},
	    {"??", "a", false},
	    {"a|b", "b", true},
	    {"a|b", "a|b", false},
	    {" a | b ", "a", true},
	    {"A", "a", false},
	    {"|", "x", false},
	    {"a**b", "ab", true},
	    {"*a*a*a*a*b", "aaaaaaaaaaaaaaaa", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmsnd_node *root = build_tree(T "0.action=remove"), *output;
		struct log log;

		vmsnd_leaf_set_text(vmsnd_node_find(root, T "0"), "below", rows[i].patterns);
		output = set_chain(root, "|");
		vmsnd_leaf_set_text(output, "backend", rows[i].word);
		assert_int_equal(apply(root, output, &log), VMSND_OK);
		if (rows[i].word[0])
			assert_int_equal(vmsnd_leaf_get(output, "backend", NULL, NULL) != VMSND_OK,
					 rows[i].fits);
		vmsnd_tree_free(root);
	}
}

static void test_CF07_every_action_does_what_its_name_says(void **state)
{
	static const struct row rows[] = {
	    {T "0.below=b;" T "0.action=inject;" T "0.drivers.0.driver=n;" T "0.drivers.1.driver=m",
	     "a b | file", "a n(0) m(0) b | file",
	     "transforms.0: inject n, m above b at cards.vm1.outputs.0/"},
	    {T "0.below=a|b;" T "0.action=remove", "a b c | file", "c | file",
	     "transforms.0: remove a at cards.vm1.outputs.0/"
	     "transforms.0: remove b at cards.vm1.outputs.0/"},
	    {T "0.below=file;" T "0.action=remove", "a | file", "a |", NULL},
	    {T "0.below=b;" T "0.action=removetree", "a b c | file", "a |",
	     "transforms.0: removetree b at cards.vm1.outputs.0/"},
	    {T "0.action=removetree", "a b c | file", "|", NULL},
	    {T "0.below=b;" T "0.action=replace;" T "0.drivers.0.driver=n;" T
	       "0.drivers.1.driver=m",
	     "a b c | file", "a n(0) m(0) c | file",
	     "transforms.0: replace b by n, m at cards.vm1.outputs.0/"},
	    {T "0.below=file;" T "0.action=replace;" T "0.backend=null;" T "0.drivers.0.driver=n",
	     "a | file", "a n(0) | null(0)",
	     "transforms.0: replace file by n, null at cards.vm1.outputs.0/"},
	    {T "0.below=b;" T "0.action=replacetree;" T "0.backend=null;" T "0.drivers.0.driver=n",
	     "a b c | file", "a n(0) | null(0)",
	     "transforms.0: replacetree b by n, null at cards.vm1.outputs.0/"},
	    {T "0.action=replacetree;" T "0.backend=null", "a b | file", "| null(0)", NULL},
	    {.rules = NULL},
	};

	check_rows(rows);
}

static void test_CF07_merge_replaces_options_and_adds_others(void **state)
{
	struct vmsnd_node *root = build_tree(T "0.action=merge;" T "0.below=delay|file;" T
					       "0.config.ms=5;" T "0.config.more=1");
	struct vmsnd_node *output = set_chain(root, "delay other | file");
	struct vmsnd_node *after;
	struct log log;

	build_set(root, "cards.vm1.outputs.0.drivers.0.ms=100;cards.vm1.outputs.0.path=x");
	after = vmsnd_tree_copy(root);
	build_set(after, "cards.vm1.outputs.0.drivers.0.ms=5;cards.vm1.outputs.0.drivers.0.more=1;"
			 "cards.vm1.outputs.0.ms=5;cards.vm1.outputs.0.more=1");
	assert_int_equal(apply(root, output, &log), VMSND_OK);
	assert_true(vmsnd_tree_equal(root, after));
	assert_string_equal(log.text, "transforms.0: merge into delay at cards.vm1.outputs.0/"
				      "transforms.0: merge into file at cards.vm1.outputs.0/");
	assert_int_equal(apply(root, output, &log), VMSND_OK);
	assert_string_equal(log.text, "");
	vmsnd_tree_free(after);
	vmsnd_tree_free(root);
}

/* What attach and reattach bring is a tree of its own. */
static void test_CF07_a_chain_of_its_own_is_named_by_its_output(void **state)
{
	struct vmsnd_node *root =
	    build_tree(T "0.action=inject;" T "0.below=file;" T "0.drivers.0.driver=n");
	struct vmsnd_node *output = build_tree("backend=file");
	struct log log;

	assert_int_equal(apply(root, output, &log), VMSND_OK);
	assert_string_equal(log.text, "transforms.0: inject n above file at output 0/");
	vmsnd_tree_free(output);
	vmsnd_tree_free(root);
}

static void test_CF07_two_merges_that_disagree_come_to_rest(void **state)
{
	struct vmsnd_node *root = build_tree(T "0.action=merge;" T "0.config.ms=1;" T
					       "1.action=merge;" T "1.config.ms=2");
	struct vmsnd_node *output = set_chain(root, "| file");
	struct log log;
	uint64_t ms;

	assert_int_equal(apply(root, output, &log), VMSND_OK);
	assert_int_equal(vmsnd_leaf_uint(output, "ms", 0, &ms), VMSND_OK);
	assert_int_equal(ms, 2);
	assert_int_equal(apply(root, output, &log), VMSND_OK);
	assert_string_equal(log.text, "");
	vmsnd_tree_free(root);
}

/* A backend goes with its options; those of every output stay. */
static void test_CF07_what_belongs_to_a_backend_goes_with_it(void **state)
{
	static const char *const actions[] = {"remove", "removetree", "replace", "replacetree"};

	for (size_t i = 0; i < 4; i++) {
		struct vmsnd_node *root = build_tree(T "0.below=file"), *output;
		const char *volume;
		struct log log;

		vmsnd_leaf_set_text(vmsnd_node_find(root, T "0"), "action", actions[i]);
		if (i > 1)
			build_set(root, T "0.backend=null;" T "0.config.pace=free");
		output = set_chain(root, "| file");
		build_set(root, "cards.vm1.outputs.0.path=x");
		assert_int_equal(apply(root, output, &log), VMSND_OK);
		assert_int_equal(vmsnd_leaf_get(output, "path", NULL, NULL), VMSND_E_NO_VALUE);
		vmsnd_leaf_text(output, "volume", NULL, &volume);
		assert_string_equal(volume, "-6");
		assert_int_equal(vmsnd_leaf_get(output, "pace", NULL, NULL) == VMSND_OK, i > 1);
		assert_int_equal(vmsnd_leaf_get(output, "backend", NULL, NULL) == VMSND_OK, i > 1);
		vmsnd_tree_free(root);
	}
}

static void test_CF07_rules_work_in_their_order_and_on_each_others_work(void **state)
{
	static const struct row rows[] = {
	    /* Both inject; the later one comes nearer. */
	    {T "0.below=file;" T "0.drivers.0.driver=n;" T "1.below=file;" T "1.drivers.0.driver=m",
	     "| file", "n(0) m(1) | file", NULL},
	    /* What was injected is no match, but is what stands above. */
	    {T "0.below=file;" T "0.drivers.0.driver=n;" T "1.below=n;" T "1.action=remove",
	     "| file", "n(0) | file", NULL},
	    {T "0.above=n;" T "0.drivers.0.driver=m;" T "1.below=file;" T "1.drivers.0.driver=n",
	     "| file", "n(1) m(0) | file", NULL},
	    /* The next one takes the place of what was removed. */
	    {T "0.below=a;" T "0.above=<top>;" T "0.action=remove", "a a b a | file", "b a | file",
	     NULL},
	    {T "0.below=a;" T "0.action=removetree;" T "1.below=<none>;" T "1.action=replace;" T
	       "1.backend=null",
	     "a b | file", "| null(1)", NULL},
	    {T "0.below=a;" T "0.action=replace;" T "0.drivers.0.driver=a", "a a | file",
	     "a(0) a(0) | file", NULL},
	    {.rules = NULL},
	};

	check_rows(rows);
}

/* No pointer in the tree: what rules put in is known by a name, also in a dump read again. */
static void test_CF07_the_mark_is_a_leaf_with_the_rules_name(void **state)
{
	struct vmsnd_node *root = build_tree(T "slow.below=file;" T "slow.drivers.0.driver=delay;" T
					       "slow.drivers.0.ms=7");
	struct vmsnd_node *output = set_chain(root, "| file");
	struct vmsnd_node *after =
	    build_tree("volume=-6;backend=file;drivers.0.driver=delay;drivers.0.ms=7");
	struct log log;

	vmsnd_leaf_set_text(vmsnd_node_find(after, "drivers.0"), "injected", "slow");
	assert_int_equal(apply(root, output, &log), VMSND_OK);
	assert_true(vmsnd_tree_equal(output, after));
	vmsnd_tree_free(after);
	vmsnd_tree_free(root);
}

static const struct {
	const char *rules, *line;
} nonsense[] = {
    {"0.action=explode", "transforms.0 has no action 'explode'; allowed: inject merge "
			 "remove removetree replace replacetree"},
    {"0.below=x", "transforms.0: 'inject' needs 'drivers'"},
    {"0.action=inject;0.drivers.0.driver=n;0.backend=x",
     "transforms.0: 'inject' has no use for 'backend': leave it out"},
    {"0.action=merge", "transforms.0: 'merge' needs 'config'"},
    {"0.action=merge;0.config.driver=x", "transforms.0.config holds options; 'driver' is none"},
    {"0.action=merge;0.config.a.b=x",
     "transforms.0.config: 'a' is a node of its own, not one value"},
    {"0.action=remove;0.drivers.0.driver=n",
     "transforms.0: 'remove' has no use for 'drivers': leave it out"},
    {"0.action=replace", "transforms.0: 'replace' needs 'drivers' or 'backend'"},
    {"0.action=replace;0.drivers.0.driver=n;0.config.x=1",
     "transforms.0: 'config' holds the options of 'backend', which is not there"},
    {"0.action=replace;0.backend=", "transforms.0: 'backend' names none"},
    {"0.action=replacetree;0.drivers.0.driver=n", "transforms.0: 'replacetree' needs 'backend'"},
    {"0.drivers.0.ms=1", "transforms.0.drivers.0 has no option 'driver'"},
    {"0.drivers.x.driver=n", "transforms.0.drivers has no node 'x'; allowed: 0, 1, ..."},
    {"0.drivers.0.driver=n;0.drivers.0.injected=0",
     "transforms.0.drivers.0: 'injected' is for what rules put in: leave it out"},
    {"0.drivers.0=n", "transforms.0.drivers: '0' is a node of its own, not one value"},
    {"0.belwo=x", "transforms.0 has no option 'belwo' (did you mean 'below'?); allowed: "
		  "action device lun below above backend drivers config"},
    {"0=x", "transforms: '0' is a node of its own, not one value"},
    /* These depend on what they meet. */
    {"0.action=replace;0.drivers.0.driver=n",
     "transforms.0: it would replace file at cards.vm1.outputs.0, which is a backend, and "
     "brings none: give it a 'backend'"},
    {"0.action=replace;0.backend=null;0.below=a",
     "transforms.0: it would replace a at cards.vm1.outputs.0, which is a driver, and a "
     "backend cannot stand there; 'replacetree' replaces all below, too"},
};

static void test_CF07_rules_that_make_no_sense_are_refused_with_their_place(void **state)
{
	const struct vmsnd_place place = {"vm.yaml", 2, 3};
	char line[400];

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		struct vmsnd_node *root = build_tree(""), *before, *output, *rule;
		struct log log;

		build_set(vmsnd_node_make(root, "transforms"), nonsense[i].rules);
		rule = vmsnd_node_find(root, "transforms.0");
		if (rule)
			vmsnd_node_set_place(rule, &place);
		output = set_chain(root, "a | file");
		before = vmsnd_tree_copy(root);
		assert_int_equal(apply(root, output, &log), VMSND_E_INVALID);
		snprintf(line, sizeof(line), "vm.yaml:2:3: %s", nonsense[i].line);
		assert_string_equal(strncmp(error.line, "vm.yaml", 7) == 0 ? error.line + 13
									   : error.line,
				    nonsense[i].line);
		/* A rule's own faults are told at its place, and before there is any card. */
		if (strstr(nonsense[i].line, "'inject' needs") ||
		    strstr(nonsense[i].line, "it would"))
			assert_string_equal(error.line, line);
		assert_int_equal(vmsnd_rules_check(root, &error),
				 strstr(nonsense[i].line, "it would") ? VMSND_OK : VMSND_E_INVALID);
		assert_true(vmsnd_tree_equal(root, before));
		assert_string_equal(log.text, "");
		vmsnd_tree_free(before);
		vmsnd_tree_free(root);
	}
}

static void test_a_chain_stays_within_its_bounds(void **state)
{
	struct vmsnd_node *root = build_tree(T "0.above=<top>;" T "0.drivers.0.driver=n"), *output;
	struct vmsnd_node *before;
	struct log log;
	char line[100];

	output = set_chain(root, "| file");
	for (unsigned i = 0; i < 64; i++) {
		snprintf(line, sizeof(line), "cards.vm1.outputs.0.drivers.%u.driver=d", i);
		build_set(root, line);
	}
	before = vmsnd_tree_copy(root);
	assert_int_equal(apply(root, output, &log), VMSND_E_INVALID);
	assert_string_equal(
	    error.line, "transforms.0: the chain of cards.vm1.outputs.0 gets more than 64 drivers");
	assert_true(vmsnd_tree_equal(root, before));
	build_set(root, "cards.vm1.outputs.0.drivers.64.driver=d");
	assert_int_equal(apply(root, output, &log), VMSND_E_INVALID);
	assert_string_equal(error.line, "more than 64 drivers");
	build_set(root, "cards.vm1.outputs.0.drivers.3.x=d");
	vmsnd_leaf_remove(vmsnd_node_find(output, "drivers.3"), "driver");
	assert_int_equal(apply(root, output, &log), VMSND_E_INVALID);
	assert_string_equal(error.line, "item 3 of 'drivers' has no option 'driver'");
	vmsnd_tree_free(before);
	vmsnd_tree_free(root);
}

static void test_without_rules_nothing_is_touched(void **state)
{
	struct vmsnd_node *root = build_tree(""), *output = set_chain(root, "a | file");
	struct vmsnd_node *item = vmsnd_node_find(output, "drivers.0");
	struct log log;

	assert_int_equal(apply(root, output, &log), VMSND_OK);
	build_set(root, T "0.device=other;" T "0.action=remove");
	assert_int_equal(apply(root, output, &log), VMSND_OK);
	assert_ptr_equal(vmsnd_node_find(output, "drivers.0"), item);
	vmsnd_tree_free(root);
}

/* Any rules on any chain: they end, and a second run, from a copy, has nothing left to do. */
static void test_CF07_any_rules_come_to_rest(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "<top>", "<none>", "*", "a|b"};
	static const char *const actions[] = {"inject",     "merge",   "remove",
					      "removetree", "replace", "replacetree"};
	uint64_t seed = 99;
	unsigned changed = 0;

	for (unsigned i = 0; i < 20000; i++) {
		struct vmsnd_node *root = build_tree(""), *output;
		char text[200];
		struct log log;

		for (unsigned r = 0, n = 1 + build_chance(&seed, 4); r < n; r++) {
			unsigned action = build_chance(&seed, 6);
			const char *below = names[build_chance(&seed, 8)];

			snprintf(text, sizeof(text), T "%u.action=%s;" T "%u.below=%s", r,
				 actions[action], r, below);
			build_set(root, text);
			if (build_chance(&seed, 2)) {
				snprintf(text, sizeof(text), T "%u.above=%s", r,
					 names[build_chance(&seed, 8)]);
				build_set(root, text);
			}
			snprintf(text, sizeof(text), T "%u.drivers.0.driver=%s", r,
				 names[build_chance(&seed, 4)]);
			if (action == 0 || action == 4)
				build_set(root, text);
			snprintf(text, sizeof(text), T "%u.config.x%u=%u", r,
				 build_chance(&seed, 2), build_chance(&seed, 2));
			if (action == 1)
				build_set(root, text);
			snprintf(text, sizeof(text), T "%u.backend=%s", r,
				 names[build_chance(&seed, 4)]);
			if (action == 5 || (action == 4 && build_chance(&seed, 2)))
				build_set(root, text);
		}
		text[0] = '\0';
		for (unsigned n = build_chance(&seed, 5); n > 0; n--)
			strcat(strcat(text, names[build_chance(&seed, 4)]), " ");
		strcat(text, "| ");
		strcat(text, build_chance(&seed, 4) ? names[build_chance(&seed, 4)] : "");
		output = set_chain(root, text);
		if (apply(root, output, &log) == VMSND_OK) {
			changed += log.text[0] != '\0';
			check_rest(root, false);
			check_rest(root, true);
		}
		vmsnd_tree_free(root);
	}
	assert_in_range(changed, 5000, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CF06_the_four_things_that_are_matched),
	    cmocka_unit_test(test_CF06_an_output_without_backend_can_be_matched),
	    cmocka_unit_test(test_CF06_a_wildcard_matches_what_it_should),
	    cmocka_unit_test(test_CF07_every_action_does_what_its_name_says),
	    cmocka_unit_test(test_CF07_merge_replaces_options_and_adds_others),
	    cmocka_unit_test(test_CF07_a_chain_of_its_own_is_named_by_its_output),
	    cmocka_unit_test(test_CF07_two_merges_that_disagree_come_to_rest),
	    cmocka_unit_test(test_CF07_what_belongs_to_a_backend_goes_with_it),
	    cmocka_unit_test(test_CF07_rules_work_in_their_order_and_on_each_others_work),
	    cmocka_unit_test(test_CF07_the_mark_is_a_leaf_with_the_rules_name),
	    cmocka_unit_test(test_CF07_rules_that_make_no_sense_are_refused_with_their_place),
	    cmocka_unit_test(test_a_chain_stays_within_its_bounds),
	    cmocka_unit_test(test_without_rules_nothing_is_touched),
	    cmocka_unit_test(test_CF07_any_rules_come_to_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
