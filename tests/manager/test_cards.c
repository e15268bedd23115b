/* SPDX-License-Identifier: BSD-3-Clause */
/* Cards of a machine: in which order they come, what is refused, and that nothing stays behind
 * (DM-30 .. DM-42, DM-60). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "actors.h"
#include "idle.h"
#include "manager/card.h"
#include "manager/machine.h"

static unsigned n_cards(void)
{
	return vmsnd_machine_status(actors.machine).cards;
}

static unsigned number_of(const char *name)
{
	unsigned card;

	if (vmsnd_machine_card_find(actors.machine, name, &card))
		fail_msg("there is no card '%s'", name);
	return actors.machine->cards[card]->number;
}

static unsigned lines_with(const char *part)
{
	unsigned n = 0;

	for (const char *at = strstr(actors.log, part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

static unsigned all_lines(void)
{
	return lines_with("\n");
}

/* The devices' init lines only, as "a b c ". */
static const char *inits(void)
{
	static char names[512];
	const char *story = actors_story();

	names[0] = '\0';
	for (const char *at = strstr(story, "device "); at; at = strstr(at + 1, "device ")) {
		const char *name = at + strlen("device ");
		size_t n = strcspn(name, " "), end = strlen(names);

		if (strncmp(name + n, " init\n", 6) == 0)
			snprintf(names + end, sizeof(names) - end, "%.*s ", (int)n, name);
	}
	return names;
}

static enum vmsnd_rc add(const char *yaml)
{
	struct vmsnd_node *root;
	struct vmsnd_error error;
	enum vmsnd_rc rc;

	assert_int_equal(vmsnd_yaml_parse("test", yaml, strlen(yaml), &root, &error), VMSND_OK);
	rc = vmsnd_machine_add_node(actors.machine, vmsnd_node_first(root), -1, actors.now, NULL);
	vmsnd_tree_free(root);
	return rc;
}

/* ---- order ---- */

static void test_DM30_no_card_is_fine(void **state)
{
	static const char *const texts[] = {"version: 1", "cards: {}", "{}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		actors_open(false);
		assert_int_equal(actors_try(texts[i]), VMSND_OK);
		assert_int_equal(n_cards(), 0);
		assert_string_equal(actors.log, "");
		actors_close();
	}
}

static void test_DM31_unknown_devices_are_found_before_anything_is_built(void **state)
{
	actors_open(false);
	assert_int_equal(actors_try("cards:\n  a: {device: actor, transport: hall}\n"
				    "  b: {device: acter, transport: hall}\n"),
			 VMSND_E_NO_CLASS);
	assert_string_equal(actors_story(), "");
	assert_int_equal(all_lines(), 1);
	assert_non_null(strstr(actors.log, "actor"));
	assert_int_equal(n_cards(), 0);
	actors_close();
}

/* Priorities share one row of numbers with the bits of the kinds: 8192 is audio, 4 a bus. */
static void test_DM32_priority_then_device_then_number(void **state)
{
	actors_open(false);
	actors_build("cards:\n"
		     "  a2: {device: actor, number: 2, transport: hall}\n"
		     "  f: {device: first, transport: hall}\n"
		     "  a0: {device: actor, number: 0, transport: hall}\n"
		     "  late: {device: actor, number: 1, priority: 8193, transport: hall}\n"
		     "  early: {device: first, number: 1, priority: 1, transport: hall}\n"
		     "  bus: {device: bridge, transport: hall}\n");
	assert_string_equal(inits(), "early bus a0 a2 f late ");
	actors_close();
}

/* Those that name none get the lowest that are free, and stand in the order of these. */
static void test_DM32_numbers_that_were_not_given(void **state)
{
	actors_open(false);
	actors_build("cards:\n"
		     "  one: {device: actor, number: 1, transport: hall}\n"
		     "  free0: {device: actor, transport: hall}\n"
		     "  free2: {device: actor, transport: hall}\n"
		     "  three: {device: actor, number: 3, transport: hall}\n"
		     "  other: {device: first, transport: hall}\n");
	assert_string_equal(inits(), "free0 one free2 three other ");
	assert_int_equal(number_of("free0"), 0);
	assert_int_equal(number_of("free2"), 2);
	assert_int_equal(number_of("other"), 0);
	actors_close();
}

/* A number that another card names is that card's, also when it comes later. */
static void test_DM32_a_given_number_is_kept_free(void **state)
{
	actors_open(false);
	actors_build("cards:\n"
		     "  zero: {device: actor, number: 0, priority: 9000, transport: hall}\n"
		     "  free: {device: actor, transport: hall}\n");
	assert_string_equal(inits(), "free zero ");
	assert_int_equal(number_of("zero"), 0);
	assert_int_equal(number_of("free"), 1);
	actors_close();
}

static void test_DM33_numbers_that_parse_alike_are_the_same(void **state)
{
	static const char *const same[] = {"0", "0x0"};
	static const char *const wrong[] = {"1x", "-1", "1.5", "[0]", "4096", "0x", "one"};
	char text[256];

	actors_open(false);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		snprintf(text, sizeof(text),
			 "cards:\n  a: {device: actor, transport: hall, number: 0}\n"
			 "  b: {device: actor, transport: hall, number: %s}\n",
			 same[i]);
		assert_int_not_equal(actors_try(text), VMSND_OK);
		assert_int_equal(all_lines(), i + 1);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "a: {device: actor, transport: hall, number: %s}",
			 wrong[i]);
		if (!add(text))
			fail_msg("number %s was taken", wrong[i]);
	}
	assert_string_equal(actors_story(), "");
	/* The same number of another device is another card. */
	actors_build("cards:\n  a: {device: actor, transport: hall, number: 0}\n"
		     "  b: {device: first, transport: hall, number: 0}\n");
	assert_int_equal(add("c: {device: actor, transport: hall, number: 0}"), VMSND_E_EXISTS);
	actors_close();
}

static void test_DM34_no_more_than_the_device_allows(void **state)
{
	actors_open(false);
	assert_int_equal(actors_try("cards:\n  a: {device: single, transport: hall}\n"
				    "  b: {device: single, transport: hall}\n"),
			 VMSND_E_LIMIT);
	assert_string_equal(actors_story(), "");
	actors_build("cards: {a: {device: single, transport: hall}}");
	assert_int_equal(add("b: {device: single, transport: hall}"), VMSND_E_LIMIT);
	assert_int_equal(actors_try("cards: {b: {device: single, transport: hall}}"),
			 VMSND_E_LIMIT);
	assert_int_equal(n_cards(), 1);
	/* Once it is gone another may come, and has its number. */
	assert_int_equal(vmsnd_machine_remove(actors.machine, 0, actors.now), VMSND_OK);
	assert_int_equal(add("b: {device: single, transport: hall}"), VMSND_OK);
	assert_int_equal(number_of("b"), 0);
	actors_close();
}

/* ---- construction ---- */

#define STATE_BYTES 10000u

static bool storage_is_right;

static size_t big_footprint(const struct vmsnd_dev_conf *conf)
{
	return STATE_BYTES;
}

static enum vmsnd_rc big_init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			      const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	const unsigned char *bytes = (const unsigned char *)dev;

	storage_is_right = (uintptr_t)dev % 64 == 0;
	for (size_t i = 0; i < STATE_BYTES; i++)
		storage_is_right &= bytes[i] == 0;
	memset(dev, 0xee, STATE_BYTES);
	env->notify(env->ctx, 0); /* there is no transport yet */
	for (unsigned i = 0; i < conf->playback_streams; i++)
		storage_is_right &= env->port(env->ctx, VMSND_PLAYBACK, i) != NULL;
	return VMSND_OK;
}

static const struct vmsnd_dev_class big = {.abi = VMSND_DEV_ABI,
					   .kind = VMSND_KIND_AUDIO,
					   .max_instances = 8,
					   .name = "big",
					   .summary = "for tests",
					   .virtio = &idle_virtio,
					   .footprint = big_footprint,
					   .init = big_init,
					   .reset = idle_reset,
					   .advance = idle_advance,
					   .counters = idle_counters,
					   .abi_end = VMSND_DEV_ABI};

/* Zeroed and aligned, and so again after another card had those pages. Ports and interrupts are
 * there before the constructor runs. */
static void test_DM35_DM38_storage_is_zeroed_aligned_and_all_is_there(void **state)
{
	actors_open(false);
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &big), VMSND_RECORD_FINE);
	for (unsigned i = 0; i < 4; i++) {
		storage_is_right = false;
		assert_int_equal(add("a: {device: big, transport: hall, playback: 3}"), VMSND_OK);
		assert_true(storage_is_right);
		assert_int_equal(vmsnd_machine_remove(actors.machine, 0, actors.now), VMSND_OK);
	}
	actors_close();
}

/* Says so before there is a transport, and every time it is called. */
static enum vmsnd_rc shifting_init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
				   const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	memcpy(dev, env, sizeof(*env));
	env->config_changed(env->ctx);
	return VMSND_OK;
}

static vmsnd_ns shifting_advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	const struct vmsnd_dev_env *env = (const struct vmsnd_dev_env *)(const void *)dev;

	env->config_changed(env->ctx);
	return VMSND_NEVER;
}

static void test_a_changed_configuration_reaches_the_transport(void **state)
{
	static struct vmsnd_dev_class shifting;

	shifting = big;
	shifting.name = "shifting";
	shifting.init = shifting_init;
	shifting.advance = shifting_advance;
	actors_open(false);
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &shifting), VMSND_RECORD_FINE);
	assert_int_equal(add("a: {device: shifting, transport: hall}"), VMSND_OK);
	assert_int_equal(add("b: {device: shifting, transport: gate}"), VMSND_OK);
	actors_story();
	vmsnd_machine_advance(actors.machine, actors.now);
	assert_non_null(strstr(actors_story(), "transport a config-changed\n"));
	assert_null(strstr(actors_story(), "transport b"));
	actors_close();
}

static size_t huge_footprint(const struct vmsnd_dev_conf *conf)
{
	return VMSND_DEV_BYTES_MAX + 1;
}

static void test_DM07_a_device_that_wants_too_much_is_refused(void **state)
{
	static struct vmsnd_dev_class huge;

	huge = big;
	huge.name = "huge";
	huge.footprint = huge_footprint;
	storage_is_right = true;
	actors_open(false);
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &huge), VMSND_RECORD_FINE);
	assert_int_not_equal(add("a: {device: huge, transport: hall}"), VMSND_OK);
	assert_int_not_equal(actors_try("cards: {a: {device: huge, transport: hall}}"), VMSND_OK);
	assert_int_equal(lines_with("huge cannot have 1 playback and 1 capture streams"), 2);
	assert_int_equal(all_lines(), 2);
	assert_int_equal(n_cards(), 0);
	actors_close();
}

static void test_DM36_a_card_stands_still_until_power_on(void **state)
{
	bool standing = false;

	actors_open(true);
	actors_build("cards: {a: {device: actor, transport: hall}}");
	assert_int_equal(vmsnd_machine_paused(actors.machine, 0, &standing), VMSND_OK);
	assert_true(standing);
	actors_life(VMSND_LIFE_POWER_ON, 0);
	vmsnd_machine_paused(actors.machine, 0, &standing);
	assert_false(standing);
	actors_close();
}

/* Whatever the transport is called: it says that it takes one by an option. */
static void test_sockets_that_were_passed_go_to_transports_that_take_them(void **state)
{
	static const char yaml[] = "cards:\n"
				   "  a: {device: actor, transport: hall}\n"
				   "  b: {device: actor, transport: gate}\n"
				   "  c: {device: actor, transport: gate, socket-fd: 9}\n"
				   "  d: {device: actor, transport: gate}\n";
	int fds[] = {70, 71, 72};
	struct vmsnd_node *root;
	struct vmsnd_error error;
	const char *story;

	actors_open(false);
	assert_int_equal(vmsnd_yaml_parse("test", yaml, strlen(yaml), &root, &error), VMSND_OK);
	assert_int_equal(vmsnd_machine_build(actors.machine, root, fds, 3, actors.now), VMSND_OK);
	story = actors_story();
	assert_non_null(strstr(story, "transport b has socket 70\n"));
	assert_non_null(strstr(story, "transport d has socket 71\n"));
	assert_null(strstr(story, "transport a"));
	assert_null(strstr(story, "transport c"));
	assert_int_equal(fds[0], -1);
	assert_int_equal(fds[1], -1);
	assert_int_equal(fds[2], 72);
	vmsnd_tree_free(root);
	actors_close();
}

static const char three[] =
    "cards:\n"
    "  a: {device: actor, transport: hall, outputs: [{backend: stage, as: a0}]}\n"
    "  b: {device: actor, transport: hall, outputs: [{backend: stage, as: b0}]}\n"
    "  c: {device: actor, transport: hall, outputs: [{backend: stage, as: c0}]}\n";

/* One line; the destructor of the one that failed runs, too; nothing is left. */
static void test_DM39_a_failed_constructor_takes_all_back(void **state)
{
	actors_open(false);
	actors.fail_init = VMSND_E_SYSTEM;
	actors.fail_card = "b";
	assert_int_equal(actors_try(three), VMSND_E_SYSTEM);
	assert_string_equal(actors_story(),
			    "backend a0 open\ndevice a init\nbackend b0 open\ndevice b init\n"
			    "device b fini\nbackend b0 close\ndevice a fini\nbackend a0 close\n");
	assert_int_equal(lines_with("b: actor did not come up: refused by the system"), 1);
	assert_int_equal(all_lines(), 1);
	assert_int_equal(n_cards(), 0);
	assert_int_equal(vmsnd_machine_cards_end(actors.machine), 0);
	actors.fail_init = VMSND_OK;
	actors_build(three);
	assert_int_equal(number_of("b"), 1);
	actors_close();
}

static void test_DM39_a_failed_addition_leaves_the_others(void **state)
{
	actors_open(false);
	actors_build("cards: {a: {device: actor, transport: hall}}");
	actors.fail_init = VMSND_E_NOMEM;
	actors_story();
	assert_int_equal(add("b: {device: actor, transport: hall}"), VMSND_E_NOMEM);
	assert_string_equal(actors_story(), "device b init\ndevice b fini\n");
	assert_int_equal(n_cards(), 1);
	assert_int_equal(vmsnd_machine_cards_end(actors.machine), 1);
	actors_close();
}

/* In the order of creation, once all are there. */
static void test_DM41_init_complete_comes_last_and_may_fail(void **state)
{
	actors_open(false);
	actors.fail_complete = VMSND_E_SYSTEM;
	actors.fail_card = "b";
	assert_int_equal(actors_try(three), VMSND_E_SYSTEM);
	assert_string_equal(actors_story(),
			    "backend a0 open\ndevice a init\nbackend b0 open\ndevice b init\n"
			    "backend c0 open\ndevice c init\n"
			    "device a init-complete\ndevice b init-complete\n"
			    "device c fini\nbackend c0 close\ndevice b fini\nbackend b0 close\n"
			    "device a fini\nbackend a0 close\n");
	assert_int_equal(all_lines(), 1);
	assert_int_equal(n_cards(), 0);
	actors.fail_card = "d";
	actors_build(three);
	actors_story();
	assert_int_equal(add("d: {device: actor, transport: hall}"), VMSND_E_SYSTEM);
	assert_string_equal(actors_story(), "device d init\ndevice d init-complete\n"
					    "device d fini\n");
	assert_int_equal(n_cards(), 3);
	actors_close();
}

/* What failed to build brought no rules either. */
static void test_all_or_none_goes_for_rules(void **state)
{
	struct vmsnd_node *tree;

	actors_open(false);
	actors.fail_init = VMSND_E_SYSTEM;
	assert_int_equal(actors_try("transforms: [{below: \"null\", drivers: [{driver: delay}]}]\n"
				    "cards: {a: {device: actor, transport: hall}}\n"),
			 VMSND_E_SYSTEM);
	tree = vmsnd_machine_tree(actors.machine, false);
	assert_non_null(tree);
	assert_null(vmsnd_node_find(tree, "transforms"));
	vmsnd_tree_free(tree);
	actors_close();
}

/* ---- numbers and names ---- */

static void test_numbers_of_the_machine_are_used_again(void **state)
{
	unsigned card;

	actors_open(false);
	actors_build(three);
	assert_int_equal(vmsnd_machine_remove(actors.machine, 1, actors.now), VMSND_OK);
	assert_null(vmsnd_machine_card_name(actors.machine, 1));
	assert_int_equal(vmsnd_machine_cards_end(actors.machine), 3);
	assert_int_equal(vmsnd_machine_remove(actors.machine, 1, actors.now), VMSND_E_NO_CARD);
	assert_int_equal(add("d: {device: actor, transport: hall}"), VMSND_OK);
	assert_int_equal(vmsnd_machine_card_find(actors.machine, "d", &card), VMSND_OK);
	assert_int_equal(card, 1);
	assert_int_equal(number_of("d"), 1);
	vmsnd_machine_remove(actors.machine, 2, actors.now);
	vmsnd_machine_remove(actors.machine, 1, actors.now);
	assert_int_equal(vmsnd_machine_cards_end(actors.machine), 1);
	actors_close();
}

static void test_names_are_unique(void **state)
{
	unsigned card;

	actors_open(false);
	actors_build(three);
	assert_int_equal(add("b: {device: first, transport: hall}"), VMSND_E_EXISTS);
	assert_non_null(strstr(actors.log, "'b': a card of this name is there already"));
	assert_int_equal(vmsnd_machine_card_find(actors.machine, "x", &card), VMSND_E_NO_CARD);
	assert_string_equal(vmsnd_machine_card_name(actors.machine, 2), "c");
	assert_null(vmsnd_machine_card_name(actors.machine, 3));
	assert_null(vmsnd_machine_card_name(actors.machine, UINT_MAX));
	actors_close();
}

static enum vmsnd_rc add_text(const char *device)
{
	struct vmsnd_card_conf conf = {.device = device, .transport = "hall", .listen_fd = -1};

	return vmsnd_machine_add(actors.machine, &conf, actors.now);
}

/* A name is a key of the tree, so it has to be one; what cannot be is refused with a line. */
static void test_names_that_cannot_be(void **state)
{
	static const char *const wrong[] = {"actor,name=a.b", "actor,name=",
					    ("actor,name=0123456789012345678901234567890123456789"
					     "012345678901234567890123456789")};
	struct vmsnd_node *tree;

	actors_open(false);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (add_text(wrong[i]) != VMSND_E_INVALID)
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(all_lines(), i + 1);
	}
	assert_int_equal(add_text("actor,name=vm one"), VMSND_OK);
	tree = vmsnd_machine_tree(actors.machine, false);
	assert_non_null(tree);
	assert_non_null(vmsnd_node_find(tree, "cards.vm one"));
	vmsnd_tree_free(tree);
	actors_close();
}

/* Cards without a name have one that no other has. */
static void test_names_that_were_not_given(void **state)
{
	actors_open(false);
	assert_int_equal(add_text("actor,name=card1"), VMSND_OK);
	assert_int_equal(add_text("actor"), VMSND_OK);
	assert_int_equal(add_text("actor"), VMSND_OK);
	assert_string_equal(vmsnd_machine_card_name(actors.machine, 0), "card1");
	assert_int_equal(n_cards(), 3);
	actors_close();
}

/* A node that did not go through a check is looked at as closely. */
static void test_a_single_node_is_checked(void **state)
{
	static const char *const wrong[] = {
	    "a: {device: actor, transport: hall, outputz: [{backend: \"null\"}]}",
	    "a: {device: actor, transport: hall, outputs: {x: {backend: \"null\"}}}",
	    "a: {device: actor, transport: hall, outputs: {8: {backend: \"null\"}}}",
	    "a: {device: actor, transport: hall, outputs: [{backend: \"null\", driver: []}]}",
	    "a: {device: actor, transport: hall, playbacks: 2}",
	    "a: {device: actor, transport: hall, lane: 1}",
	    "a: {device: actor, transport: hall, playback: 60}",
	};

	actors_open(false);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (!add(wrong[i]))
			fail_msg("taken: %s", wrong[i]);
		if (all_lines() != i + 1)
			fail_msg("%s: lines:\n%s", wrong[i], actors.log);
	}
	assert_non_null(strstr(actors.log, "cards.a: lane 1 is not there: 'lanes' is 1"));
	assert_string_equal(actors_story(), "");
	assert_int_equal(n_cards(), 0);
	actors_close();
}

static void test_no_more_cards_than_there_may_be(void **state)
{
	struct vmsnd_dev_class many = big;
	unsigned n = 0;

	many.name = "many";
	many.max_instances = UINT_MAX;
	actors_open(false);
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &many), VMSND_RECORD_FINE);
	while (n < 300 && add_text("many") == VMSND_OK)
		n++;
	assert_int_equal(n, 300);
	/* The limit itself, without so many: the table is all that is looked at. */
	actors.machine->cards_end = VMSND_CARDS_MAX;
	actors.machine->cards =
	    realloc(actors.machine->cards, VMSND_CARDS_MAX * sizeof(*actors.machine->cards));
	for (unsigned i = n; i < VMSND_CARDS_MAX; i++)
		actors.machine->cards[i] = actors.machine->cards[0];
	assert_int_equal(add_text("many"), VMSND_E_LIMIT);
	actors.machine->cards_end = n;
	actors_close();
}

/* ---- what is not there ---- */

static void test_DM60_three_kinds_of_not_there(void **state)
{
	struct vmsnd_driver_place place = {0, 0, 0};
	struct vmsnd_chain_conf chain = {.backend = "null"};
	struct vmsnd_reattach which;
	struct vmsnd_output_status status;
	struct vmsnd_machine *machine = actors.machine;
	unsigned output;

	actors_open(false);
	machine = actors.machine;
	actors_build("cards: {a: {device: actor, transport: hall}}");
	for (unsigned card = 1; card < 3; card++) {
		place.card = card;
		assert_int_equal(vmsnd_machine_attach(machine, card, "null", 0, &output),
				 VMSND_E_NO_CARD);
		assert_int_equal(vmsnd_machine_detach(machine, card, 0, 0), VMSND_E_NO_CARD);
		which = (struct vmsnd_reattach){.card = card};
		assert_int_equal(vmsnd_machine_reattach(machine, &which, &chain, 0),
				 VMSND_E_NO_CARD);
		assert_int_equal(vmsnd_machine_reattached(machine, &which), VMSND_E_NO_CARD);
		assert_int_equal(vmsnd_machine_driver_attach(machine, &place, "delay", 0),
				 VMSND_E_NO_CARD);
		assert_int_equal(vmsnd_machine_output(machine, card, 0, &status), VMSND_E_NO_CARD);
		assert_int_equal(vmsnd_machine_remove(machine, card, 0), VMSND_E_NO_CARD);
	}
	place = (struct vmsnd_driver_place){0, 1, 0};
	for (output = 1; output < 20; output += 9) {
		assert_int_equal(vmsnd_machine_detach(machine, 0, output, 0), VMSND_E_NO_OUTPUT);
		which = (struct vmsnd_reattach){.output = output};
		assert_int_equal(vmsnd_machine_reattach(machine, &which, &chain, 0),
				 VMSND_E_NO_OUTPUT);
		assert_int_equal(vmsnd_machine_reattached(machine, &which), VMSND_E_NO_OUTPUT);
		assert_int_equal(vmsnd_machine_output(machine, 0, output, &status),
				 VMSND_E_NO_OUTPUT);
		place.output = output;
		assert_int_equal(vmsnd_machine_driver_detach(machine, &place, 0),
				 VMSND_E_NO_OUTPUT);
		assert_int_equal(vmsnd_machine_driver_find(machine, &place, "delay", 0),
				 VMSND_E_NO_OUTPUT);
	}
	place = (struct vmsnd_driver_place){0, 0, 0};
	assert_int_equal(vmsnd_machine_driver_detach(machine, &place, 0), VMSND_E_NO_DRIVER);
	assert_int_equal(vmsnd_machine_driver_reattach(machine, &place, "delay", 0),
			 VMSND_E_NO_DRIVER);
	assert_int_equal(vmsnd_machine_driver_find(machine, &place, "delay", 0), VMSND_E_NO_DRIVER);
	actors_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM30_no_card_is_fine),
	    cmocka_unit_test(test_DM31_unknown_devices_are_found_before_anything_is_built),
	    cmocka_unit_test(test_DM32_priority_then_device_then_number),
	    cmocka_unit_test(test_DM32_numbers_that_were_not_given),
	    cmocka_unit_test(test_DM32_a_given_number_is_kept_free),
	    cmocka_unit_test(test_DM33_numbers_that_parse_alike_are_the_same),
	    cmocka_unit_test(test_DM34_no_more_than_the_device_allows),
	    cmocka_unit_test(test_DM35_DM38_storage_is_zeroed_aligned_and_all_is_there),
	    cmocka_unit_test(test_DM07_a_device_that_wants_too_much_is_refused),
	    cmocka_unit_test(test_a_changed_configuration_reaches_the_transport),
	    cmocka_unit_test(test_DM36_a_card_stands_still_until_power_on),
	    cmocka_unit_test(test_sockets_that_were_passed_go_to_transports_that_take_them),
	    cmocka_unit_test(test_DM39_a_failed_constructor_takes_all_back),
	    cmocka_unit_test(test_DM39_a_failed_addition_leaves_the_others),
	    cmocka_unit_test(test_DM41_init_complete_comes_last_and_may_fail),
	    cmocka_unit_test(test_all_or_none_goes_for_rules),
	    cmocka_unit_test(test_numbers_of_the_machine_are_used_again),
	    cmocka_unit_test(test_names_are_unique),
	    cmocka_unit_test(test_names_that_cannot_be),
	    cmocka_unit_test(test_names_that_were_not_given),
	    cmocka_unit_test(test_a_single_node_is_checked),
	    cmocka_unit_test(test_no_more_cards_than_there_may_be),
	    cmocka_unit_test(test_DM60_three_kinds_of_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
