/* SPDX-License-Identifier: BSD-3-Clause */
/* The effective configuration: a machine built from it is the same machine, whatever was done to
 * the first while it ran (CF-08); chains at run time (DM-63 .. DM-69, DM-76), rules (CF-06), and
 * what is counted. */
#include <stdlib.h>
#include <string.h>

#include "actors.h"
#include "manager/schema.h"

static unsigned lines_with(const char *part)
{
	unsigned n = 0;

	for (const char *at = strstr(actors.log, part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

static struct vmsnd_node *tree_of(const struct vmsnd_machine *machine, bool defaults)
{
	struct vmsnd_node *tree = vmsnd_machine_tree(machine, defaults);

	assert_non_null(tree);
	return tree;
}

static void assert_same(const struct vmsnd_node *a, const struct vmsnd_node *b)
{
	char *left, *right;

	if (vmsnd_tree_equal(a, b))
		return;
	left = vmsnd_yaml_dump(a);
	right = vmsnd_yaml_dump(b);
	fail_msg("\n%s\nis not\n%s", left, right);
}

/* Dumped, read, built: another machine with the same tree, with and without defaults. */
static void assert_builds_the_same(void)
{
	struct vmsnd_machine_conf conf = {.registry = actors.registry};
	struct vmsnd_node *tree = tree_of(actors.machine, false), *read, *again;
	char *text = vmsnd_yaml_dump(tree);
	struct vmsnd_machine *machine;
	struct vmsnd_error error;

	assert_non_null(text);
	if (vmsnd_yaml_parse("dump", text, strlen(text), &read, &error))
		fail_msg("%s\n%s", error.line, text);
	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	if (vmsnd_machine_check(actors.registry, read, &error))
		fail_msg("%s\n%s", error.line, text);
	assert_int_equal(vmsnd_machine_build(machine, read, NULL, 0, actors.now), VMSND_OK);
	again = tree_of(machine, false);
	assert_same(tree, again);
	vmsnd_tree_free(tree);
	vmsnd_tree_free(again);
	tree = tree_of(actors.machine, true);
	again = tree_of(machine, true);
	assert_same(tree, again);
	vmsnd_tree_free(tree);
	vmsnd_tree_free(again);
	vmsnd_tree_free(read);
	free(text);
	vmsnd_machine_close(machine, actors.now);
}

static void assert_leaf(const char *path, const char *text)
{
	struct vmsnd_node *tree = tree_of(actors.machine, false);
	struct vmsnd_value value = {.text = NULL};

	vmsnd_leaf_get(tree, path, &value, NULL);
	if (!text && value.text)
		fail_msg("%s is '%s'", path, value.text);
	if (text && (!value.text || strcmp(value.text, text) != 0))
		fail_msg("%s is '%s', not '%s'", path, value.text ? value.text : "(nothing)", text);
	vmsnd_tree_free(tree);
}

static const char several[] = "cards:\n"
			      "  vm1:\n"
			      "    device: actor\n"
			      "    transport: hall\n"
			      "    number: 3\n"
			      "    priority: 9000\n"
			      "    playback: 2\n"
			      "    capture: 0\n"
			      "    input: yes\n"
			      "    outputs:\n"
			      "      0: {backend: \"null\", volume: -6.5, drivers: [{driver: "
			      "delay, ms: 20}, {driver: map}]}\n"
			      "      3: {backend: stage, as: \"a,b\", dir: playback}\n"
			      "      7: {backend: \"null\", mute: on}\n"
			      "  vm two: {device: first, transport: hall, lane: 0}\n"
			      "  plugless: {device: bridge, transport: hall, outputs: []}\n";

static void test_CF08_the_effective_tree_builds_the_same(void **state)
{
	struct vmsnd_output_status status;
	unsigned card;

	actors_open(false);
	actors_build(several);
	assert_builds_the_same();
	assert_int_equal(vmsnd_machine_card_find(actors.machine, "plugless", &card), VMSND_OK);
	assert_int_equal(vmsnd_machine_output(actors.machine, card, 0, &status), VMSND_E_NO_OUTPUT);
	/* Who says nothing is heard by nobody, in real time. */
	assert_int_equal(vmsnd_machine_card_find(actors.machine, "vm two", &card), VMSND_OK);
	assert_int_equal(vmsnd_machine_output(actors.machine, card, 0, &status), VMSND_OK);
	assert_string_equal(status.backend, "null");
	actors_close();
}

/* Whatever of cards, outputs and drivers is not given is there with its default: as
 * 'vmsnd config show --defaults' has it. */
static void test_CF08_defaults_are_those_of_a_configuration(void **state)
{
	struct vmsnd_node *plain, *whole;
	const char *text;

	actors_open(false);
	actors_build(several);
	plain = tree_of(actors.machine, false);
	whole = tree_of(actors.machine, true);
	vmsnd_leaf_text(plain, "cards.vm1.outputs.0.drivers.1.channels", "", &text);
	assert_string_equal(text, "");
	vmsnd_leaf_text(whole, "cards.vm1.outputs.0.drivers.1.channels", "", &text);
	assert_string_equal(text, "1/0");
	vmsnd_leaf_text(whole, "cards.vm1.outputs.7.pace", "", &text);
	assert_string_equal(text, "real");
	assert_null(vmsnd_node_first(vmsnd_node_find(whole, "cards.plugless.outputs")));
	assert_int_equal(vmsnd_schema_fill_cards(actors.registry, plain), VMSND_OK);
	assert_same(plain, whole);
	vmsnd_tree_free(plain);
	vmsnd_tree_free(whole);
	actors_close();
}

static void test_DM76_numbers_of_outputs_have_gaps(void **state)
{
	struct vmsnd_output_status status;
	unsigned card, output;

	actors_open(false);
	actors_build(several);
	assert_int_equal(vmsnd_machine_card_find(actors.machine, "vm1", &card), VMSND_OK);
	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		bool there = i == 0 || i == 3 || i == 7;

		assert_int_equal(vmsnd_machine_output(actors.machine, card, i, &status),
				 there ? VMSND_OK : VMSND_E_NO_OUTPUT);
	}
	assert_string_equal(status.text, "null,mute=on");
	assert_int_equal(vmsnd_machine_attach(actors.machine, card, "null", actors.now, &output),
			 VMSND_OK);
	assert_int_equal(output, 1);
	actors_close();
}

/* ---- what is done at run time is told ---- */

static void begin(void)
{
	actors_open(false);
	actors_build("cards:\n"
		     "  a: {device: actor, transport: hall, outputs: [{backend: \"null\"}]}\n"
		     "  b: {device: actor, transport: hall}\n"
		     "  c: {device: actor, transport: hall}\n");
	actors.log[0] = '\0';
}

static void test_CF08_switches_and_volume(void **state)
{
	struct vmsnd_volume volume = {.gain_mdb = -12500};

	begin();
	vmsnd_machine_enable(actors.machine, 0, VMSND_CAPTURE, true, actors.now);
	vmsnd_machine_enable(actors.machine, 0, VMSND_PLAYBACK, false, actors.now);
	assert_leaf("cards.a.input", "true");
	assert_leaf("cards.a.output", "false");
	assert_leaf("cards.b.input", NULL);
	for (int dir = 0; dir < 2; dir++)
		assert_int_equal(
		    vmsnd_machine_volume(actors.machine, 0, 0, (enum vmsnd_dir)dir, &volume),
		    VMSND_OK);
	assert_leaf("cards.a.outputs.0.volume", "-12.5");
	assert_builds_the_same();
	volume = (struct vmsnd_volume){.muted = UINT32_MAX};
	for (int dir = 0; dir < 2; dir++)
		vmsnd_machine_volume(actors.machine, 0, 0, (enum vmsnd_dir)dir, &volume);
	assert_leaf("cards.a.outputs.0.mute", "true");
	assert_builds_the_same();
	vmsnd_machine_enable(actors.machine, 0, VMSND_CAPTURE, false, actors.now);
	vmsnd_machine_enable(actors.machine, 0, VMSND_PLAYBACK, true, actors.now);
	assert_leaf("cards.a.input", NULL);
	actors_close();
}

static void test_CF08_outputs_and_drivers(void **state)
{
	struct vmsnd_driver_place place = {0, 1, 0};
	struct vmsnd_chain_conf chain = {.backend = "stage,as=x,,y",
					 .drivers = {"delay,ms=7", "map,channels=0/1"}};
	unsigned output;

	begin();
	assert_int_equal(vmsnd_machine_attach_chain(actors.machine, 0, &chain, actors.now, &output),
			 VMSND_OK);
	assert_leaf("cards.a.outputs.1.as", "x,y");
	assert_leaf("cards.a.outputs.1.drivers.0.ms", "7");
	assert_leaf("cards.a.outputs.1.drivers.1.channels", "0/1");
	assert_builds_the_same();
	assert_int_equal(vmsnd_machine_driver_attach(actors.machine, &place, "map", actors.now),
			 VMSND_OK);
	place.at = 1;
	assert_int_equal(
	    vmsnd_machine_driver_reattach(actors.machine, &place, "delay,ms=9", actors.now),
	    VMSND_OK);
	assert_leaf("cards.a.outputs.1.drivers.0.driver", "map");
	assert_leaf("cards.a.outputs.1.drivers.1.ms", "9");
	assert_builds_the_same();
	vmsnd_machine_detach(actors.machine, 0, 0, actors.now);
	assert_leaf("cards.a.outputs.0.backend", NULL);
	assert_builds_the_same();
	vmsnd_machine_detach(actors.machine, 0, 1, actors.now);
	assert_builds_the_same();
	actors_close();
}

/* A card that came later has a number that another one had; so it has where the tree is built. */
static void test_CF08_numbers_stay(void **state)
{
	begin();
	vmsnd_machine_remove(actors.machine, 0, actors.now);
	assert_builds_the_same();
	actors_build("cards: {d: {device: actor, transport: hall}}");
	assert_leaf("cards.d.number", "0");
	actors_build("cards: {e: {device: actor, transport: hall}}");
	assert_leaf("cards.e.number", "3");
	actors_close();
}

/* Every option of the card's and the output's tables is there, those given as they are. */
static void test_CF08_with_defaults(void **state)
{
	struct vmsnd_node *tree;
	const char *text;

	actors_open(false);
	actors_build(several);
	tree = tree_of(actors.machine, true);
	vmsnd_leaf_text(tree, "cards.vm two.playback", "", &text);
	assert_string_equal(text, "1");
	vmsnd_leaf_text(tree, "cards.vm1.playback", "", &text);
	assert_string_equal(text, "2");
	vmsnd_leaf_text(tree, "cards.vm1.outputs.3.dir", "", &text);
	assert_string_equal(text, "playback");
	vmsnd_leaf_text(tree, "cards.vm1.outputs.0.pace", "", &text);
	assert_string_equal(text, "real");
	vmsnd_leaf_text(tree, "cards.vm1.outputs.0.quality", "", &text);
	assert_string_equal(text, "medium");
	vmsnd_tree_free(tree);
	actors_close();
}

/* ---- chains at run time ---- */

static enum vmsnd_rc attach(const char *backend, const char *driver)
{
	struct vmsnd_chain_conf chain = {.backend = backend, .drivers = {driver}};
	unsigned output;

	return vmsnd_machine_attach_chain(actors.machine, 0, &chain, actors.now, &output);
}

/* Three failures, three codes, one line each, and nothing half attached. */
static void test_DM64_what_is_wrong_with_a_driver(void **state)
{
	struct vmsnd_driver_place place = {0, 0, 0};

	begin();
	assert_int_equal(attach("null", "delai"), VMSND_E_NO_CLASS);
	assert_int_equal(lines_with("\n"), 1);
	assert_int_equal(attach("null", "delay,ms=never"), VMSND_E_INVALID);
	assert_int_equal(lines_with("\n"), 2);
	assert_int_equal(attach("nul", NULL), VMSND_E_NO_CLASS);
	assert_int_equal(lines_with("\n"), 3);
	assert_non_null(strstr(actors.log, "did you mean 'null'"));
	assert_int_equal(vmsnd_machine_driver_attach(actors.machine, &place, "", actors.now),
			 VMSND_E_NO_VALUE);
	for (unsigned i = 0; i < VMSND_DRIVERS_MAX; i++)
		assert_int_equal(
		    vmsnd_machine_driver_attach(actors.machine, &place, "delay", actors.now),
		    VMSND_OK);
	assert_int_equal(vmsnd_machine_driver_attach(actors.machine, &place, "delay", actors.now),
			 VMSND_E_LIMIT);
	assert_leaf("cards.a.outputs.1.backend", NULL);
	actors_close();
}

/* Eight at a time; the lowest number that is free. */
static void test_DM67_attaching_until_there_is_no_room(void **state)
{
	unsigned output;

	begin();
	for (unsigned i = 1; i < VMSND_OUTPUTS_MAX; i++) {
		assert_int_equal(
		    vmsnd_machine_attach(actors.machine, 0, "null", actors.now, &output), VMSND_OK);
		assert_int_equal(output, i);
	}
	assert_int_equal(vmsnd_machine_attach(actors.machine, 0, "null", actors.now, &output),
			 VMSND_E_LIMIT);
	assert_int_equal(vmsnd_machine_detach(actors.machine, 0, 4, actors.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_attach(actors.machine, 0, "null", actors.now, &output),
			 VMSND_OK);
	assert_int_equal(output, 4);
	actors_close();
}

static void test_DM68_DM69_drivers_by_place_and_by_name(void **state)
{
	struct vmsnd_driver_place place = {0, 0, 0};
	struct vmsnd_machine *machine;

	begin();
	machine = actors.machine;
	assert_int_equal(vmsnd_machine_driver_detach(machine, &place, actors.now),
			 VMSND_E_NO_DRIVER);
	assert_int_equal(vmsnd_machine_driver_attach(machine, &place, "delay,ms=1", actors.now),
			 VMSND_OK);
	place.at = 1; /* the bottom */
	assert_int_equal(vmsnd_machine_driver_attach(machine, &place, "delay,ms=2", actors.now),
			 VMSND_OK);
	place.at = 3;
	assert_int_equal(vmsnd_machine_driver_attach(machine, &place, "map", actors.now),
			 VMSND_E_INVALID);
	place.at = 1;
	assert_int_equal(vmsnd_machine_driver_attach(machine, &place, "map", actors.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_driver_find(machine, &place, "delay", 1), VMSND_OK);
	assert_int_equal(place.at, 2);
	assert_int_equal(vmsnd_machine_driver_find(machine, &place, "delay", 2), VMSND_E_NO_DRIVER);
	assert_int_equal(vmsnd_machine_driver_detach(machine, &place, actors.now), VMSND_OK);
	assert_leaf("cards.a.outputs.0.drivers.0.ms", "1");
	assert_leaf("cards.a.outputs.0.drivers.1.driver", "map");
	assert_leaf("cards.a.outputs.0.drivers.2.driver", NULL);
	actors_close();
}

/* ---- rules ---- */

static const char ruled[] = "transforms:\n"
			    "  - {below: \"null\", drivers: [{driver: delay, ms: 5}]}\n"
			    "  - {below: stage, action: remove}\n"
			    "cards: {a: {device: actor, transport: hall, outputs: [{backend: "
			    "\"null\"}, {backend: stage}]}}\n";

/* At the start and at every attach; never twice; what a rule takes away is not attached. */
static void test_CF06_DM63_rules_are_for_every_chain(void **state)
{
	struct vmsnd_output_status status;
	unsigned output;

	actors_open(false);
	actors_build(ruled);
	assert_int_equal(vmsnd_machine_output(actors.machine, 0, 0, &status), VMSND_OK);
	assert_string_equal(status.drivers[0], "delay,ms=5");
	assert_string_equal(status.drivers[1], "");
	assert_int_equal(vmsnd_machine_output(actors.machine, 0, 1, &status), VMSND_E_NO_OUTPUT);
	assert_int_equal(vmsnd_machine_attach(actors.machine, 0, "null", actors.now, &output),
			 VMSND_OK);
	assert_int_equal(output, 1);
	assert_int_equal(vmsnd_machine_output(actors.machine, 0, 1, &status), VMSND_OK);
	assert_string_equal(status.drivers[0], "delay,ms=5");
	assert_int_equal(lines_with("inject delay above null"), 2);
	/* DM-63: nothing to attach. */
	assert_int_equal(vmsnd_machine_attach(actors.machine, 0, "stage", actors.now, &output),
			 VMSND_E_NO_VALUE);
	assert_leaf("cards.a.outputs.0.drivers.0.injected", "true");
	assert_leaf("transforms.0.below", "null");
	assert_builds_the_same();
	actors_close();
}

/* What every output has is not the backend's, and stays when a rule brings another one. */
static void test_CF06_options_of_every_output_stay(void **state)
{
	actors_open(false);
	actors_build(
	    "transforms: [{below: stage, action: replace, backend: \"null\"}]\n"
	    "cards: {a: {device: actor, transport: hall, outputs: [{backend: stage, as: x, "
	    "volume: -3.5}]}}\n");
	assert_leaf("cards.a.outputs.0.backend", "null");
	assert_leaf("cards.a.outputs.0.volume", "-3.5");
	assert_leaf("cards.a.outputs.0.as", NULL);
	assert_builds_the_same();
	actors_close();
}

/* ---- statistics ---- */

static void test_statistics_are_a_tree(void **state)
{
	static const char *const leaves[] = {"a.calls",
					     "a.playback0.frames",
					     "a.capture0.frames",
					     "a.playback0.output0.frames_in",
					     "a.playback0.output2.opens",
					     "b.calls"};
	struct vmsnd_node *tree;
	uint64_t value;
	unsigned output;

	begin();
	for (unsigned i = 0; i < 2; i++)
		vmsnd_machine_attach(actors.machine, 0, "null", actors.now, &output);
	vmsnd_machine_detach(actors.machine, 0, 1, actors.now);
	tree = vmsnd_machine_statistics(actors.machine);
	assert_non_null(tree);
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (vmsnd_leaf_uint(tree, leaves[i], UINT64_MAX, &value) || value == UINT64_MAX)
			fail_msg("there is no %s", leaves[i]);
	vmsnd_leaf_uint(tree, "a.calls", 0, &value);
	assert_int_equal(value, 7);
	assert_null(vmsnd_node_find(tree, "a.playback0.output1"));
	vmsnd_tree_free(tree);
	actors_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_CF08_the_effective_tree_builds_the_same),
	    cmocka_unit_test(test_CF08_defaults_are_those_of_a_configuration),
	    cmocka_unit_test(test_DM76_numbers_of_outputs_have_gaps),
	    cmocka_unit_test(test_CF08_switches_and_volume),
	    cmocka_unit_test(test_CF08_outputs_and_drivers),
	    cmocka_unit_test(test_CF08_numbers_stay),
	    cmocka_unit_test(test_CF08_with_defaults),
	    cmocka_unit_test(test_DM64_what_is_wrong_with_a_driver),
	    cmocka_unit_test(test_DM67_attaching_until_there_is_no_room),
	    cmocka_unit_test(test_DM68_DM69_drivers_by_place_and_by_name),
	    cmocka_unit_test(test_CF06_DM63_rules_are_for_every_chain),
	    cmocka_unit_test(test_CF06_options_of_every_output_stay),
	    cmocka_unit_test(test_statistics_are_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
