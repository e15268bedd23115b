/* SPDX-License-Identifier: BSD-3-Clause */
/* What a configuration is checked for before anything is made; the lines are in tests/cli/golden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "idle.h"
#include "manager/card.h"
#include "manager/schema.h"

static unsigned n_made; /* of the toy below: never, by a check */

static size_t toy_footprint(const struct vmsnd_dev_conf *conf)
{
	return conf->capture_streams == 2 ? 0 : 64;
}

static enum vmsnd_rc toy_init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			      const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	n_made++;
	return VMSND_E_INVALID;
}

/* It wants its children to say of what colour they are. */
static enum vmsnd_rc toy_check(const struct vmsnd_dev_conf *conf, struct vmsnd_error *what)
{
	const struct vmsnd_node *parts = vmsnd_node_find(conf->node, "parts");
	const struct vmsnd_node *part = parts ? vmsnd_node_first(parts) : NULL;
	struct vmsnd_place place;
	struct vmsnd_value value;

	for (; part; part = vmsnd_node_next(part)) {
		place = vmsnd_node_place(part);
		if (vmsnd_leaf_get(part, "colour", &value, NULL) != VMSND_OK)
			return vmsnd_error_set(what, &place, "%s of %s has no colour",
					       vmsnd_node_name(part), conf->name);
	}
	return VMSND_OK;
}

static const char *const toy_children[] = {"parts", NULL};

static const struct vmsnd_dev_class toy = {.abi = VMSND_DEV_ABI,
					   .kind = VMSND_KIND_AUDIO,
					   .max_instances = 2,
					   .name = "toy",
					   .summary = "a toy",
					   .virtio = &idle_virtio,
					   .children = toy_children,
					   .check = toy_check,
					   .footprint = toy_footprint,
					   .init = toy_init,
					   .reset = idle_reset,
					   .advance = idle_advance,
					   .counters = idle_counters,
					   .abi_end = VMSND_DEV_ABI};

/* The like on the other bus. */
static size_t board_footprint(const struct vmsnd_dev_conf *conf)
{
	return conf->capture_streams > 4 ? 0 : 64;
}

static const struct vmsnd_dev_class board = {
    .abi = VMSND_DEV_ABI,
    .kind = VMSND_KIND_AUDIO,
    .max_instances = 2,
    .name = "board",
    .summary = "a toy",
    .pci = &idle_pci,
    .usual_streams = {[VMSND_PLAYBACK] = 2, [VMSND_CAPTURE] = 4},
    .footprint = board_footprint,
    .init = toy_init,
    .reset = idle_reset,
    .advance = idle_advance,
    .counters = idle_counters,
    .abi_end = VMSND_DEV_ABI};

static enum vmsnd_rc slot_open(const struct vmsnd_transport_conf *conf,
			       const struct vmsnd_transport_user *user,
			       struct vmsnd_transport **out)
{
	n_made++;
	return VMSND_E_INVALID;
}

static void slot_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
}

static void slot_line(struct vmsnd_transport *bus, bool high)
{
}

static void slot_message(struct vmsnd_transport *bus, const struct vmsnd_msi *message)
{
}

static void slot_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
}

static const struct vmsnd_transport_class slot = {.abi = VMSND_TRANSPORT_ABI,
						  .name = "slot",
						  .summary = "a toy",
						  .open = slot_open,
						  .ready = slot_ready,
						  .close = slot_close,
						  .line = slot_line,
						  .message = slot_message,
						  .abi_end = VMSND_TRANSPORT_ABI};

static size_t fuse_footprint(const struct vmsnd_driver_conf *conf)
{
	return 64;
}

static enum vmsnd_rc fuse_init(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf)
{
	n_made++;
	return VMSND_E_INVALID;
}

static void fuse_process_rt(struct vmsnd_driver *driver, void *samples, uint32_t frames)
{
}

static const struct vmsnd_driver_class fuse = {.abi = VMSND_DRIVER_ABI,
					       .name = "fuse",
					       .summary = "a toy",
					       .max_instances = 1,
					       .footprint = fuse_footprint,
					       .init = fuse_init,
					       .process_rt = fuse_process_rt,
					       .abi_end = VMSND_DRIVER_ABI};

static struct vmsnd_backend_class single; /* "null", of which there may be one */

static struct vmsnd_registry *registry;
static struct vmsnd_error error;

static int open_registry(void **state)
{
	if (vmsnd_registry_open(NULL, &registry))
		return 1;
	single = *vmsnd_registry_find_backend(registry, "null");
	single.name = "single";
	single.max_instances = 1;
	return vmsnd_registry_add_device(registry, &toy) ||
	       vmsnd_registry_add_device(registry, &board) ||
	       vmsnd_registry_add_transport(registry, &slot) ||
	       vmsnd_registry_add_driver(registry, &fuse) ||
	       vmsnd_registry_add_backend(registry, &single);
}

static int close_registry(void **state)
{
	vmsnd_registry_close(registry);
	return 0;
}

static enum vmsnd_rc check(const char *text)
{
	struct vmsnd_node *root;
	enum vmsnd_rc rc = vmsnd_yaml_parse("f", text, strlen(text), &root, &error);

	if (rc)
		fail_msg("%s", error.line);
	rc = vmsnd_machine_check(registry, root, &error);
	vmsnd_tree_free(root);
	assert_true((rc == VMSND_OK) == (error.line[0] == '\0'));
	assert_int_equal(n_made, 0);
	return rc;
}

static void test_DM30_no_card_is_right(void **state)
{
	assert_int_equal(check(""), VMSND_OK);
	assert_int_equal(check("version: 1\ncards: {}\n"), VMSND_OK);
	assert_int_equal(check("cards: []\n"), VMSND_OK);
}

static void test_DM31_a_device_that_there_is_not(void **state)
{
	assert_int_equal(check("cards: {a: {device: toy}, b: {device: tyo}}"), VMSND_E_NO_CLASS);
	assert_non_null(strstr(error.line, "did you mean 'toy'"));
	assert_int_equal(check("cards: {a: {device: toy, transport: pigeon}}"), VMSND_E_NO_CLASS);
	assert_int_equal(check("cards: {a: {device: toy, outputs: [{backend: x}]}}"),
			 VMSND_E_NO_CLASS);
	assert_int_equal(
	    check("cards: {a: {device: toy, outputs: [{backend: null, drivers: [{driver: x}]}]}}"),
	    VMSND_E_NO_CLASS);
}

static void test_DM33_numbers_are_what_they_read_as(void **state)
{
	assert_int_equal(check("cards: {a: {device: toy, number: 1}, b: {device: toy, number: 0}}"),
			 VMSND_OK);
	assert_int_equal(
	    check("cards: {a: {device: toy, number: 16}, b: {device: toy, number: 0x10}}"),
	    VMSND_E_INVALID);
	assert_int_equal(
	    check("cards: {a: {device: toy, number: 0}, b: {device: virtio-snd, number: 0}}"),
	    VMSND_OK);
}

static void test_DM34_more_instances_than_a_class_allows(void **state)
{
	assert_int_equal(check("cards: {a: {device: toy}, b: {device: toy}}"), VMSND_OK);
	assert_int_equal(
	    check("cards:\n  a: {device: toy}\n  b: {device: toy}\n  c: {device: toy}"),
	    VMSND_E_LIMIT);
	assert_string_equal(error.line, "f:4:3: cards.c: there may be 2 cards of the device toy, "
					"and this is one more");
	assert_int_equal(check("cards: {a: {device: toy, outputs: [{backend: null, drivers: "
			       "[{driver: fuse}, {driver: fuse}]}]}}"),
			 VMSND_E_LIMIT);
}

static void test_no_more_backends_than_the_class_allows(void **state)
{
	assert_int_equal(check("cards: {a: {device: toy, outputs: [{backend: single}, "
			       "{backend: null}, {backend: null}]}}"),
			 VMSND_OK);
	assert_int_equal(check("cards:\n  a: {device: toy, outputs: [{backend: single}]}\n"
			       "  b: {device: toy, outputs: [{backend: single}]}\n"),
			 VMSND_E_LIMIT);
	assert_non_null(
	    strstr(error.line, "there may be 1 of the backend single, and this is one"));
}

static void test_DM76_outputs_may_leave_numbers_out(void **state)
{
	assert_int_equal(
	    check("cards: {a: {device: toy, outputs: {7: {backend: null}, 2: {backend: null}}}}"),
	    VMSND_OK);
	assert_int_equal(check("cards: {a: {device: toy, outputs: {8: {backend: null}}}}"),
			 VMSND_E_INVALID);
	assert_int_equal(check("cards: {a: {device: toy, outputs: {01: {backend: null}}}}"),
			 VMSND_E_INVALID);
	assert_int_equal(check("cards: {a: {device: toy, outputs: []}}"), VMSND_OK);
}

static void test_CF04_devices_say_what_they_cannot_be(void **state)
{
	assert_int_equal(check("cards:\n  a: {device: toy, capture: 2}"), VMSND_E_INVALID);
	assert_string_equal(error.line,
			    "f:2:3: cards.a: toy cannot have 1 playback and 2 capture streams");
}

static void test_CF04_a_card_is_reached_over_its_own_bus(void **state)
{
	assert_int_equal(check("cards: {a: {device: board, transport: slot}}"), VMSND_OK);
	assert_int_equal(check("cards:\n  a: {device: board, transport: vhost-user}"),
			 VMSND_E_INVALID);
	assert_string_equal(error.line,
			    "f:2:22: cards.a: board is a PCI card, and the transport vhost-user "
			    "takes virtio cards: leave 'transport' out, or say vfio-user");
	assert_int_equal(check("cards:\n  a: {device: board, transport: virtio-mmio}"),
			 VMSND_E_INVALID);
	assert_int_equal(check("cards:\n  a:\n    device: virtio-snd\n    transport: slot\n"),
			 VMSND_E_INVALID);
	assert_string_equal(error.line,
			    "f:4:5: cards.a: virtio-snd is a virtio card, and the transport slot "
			    "takes PCI cards: leave 'transport' out, or say vhost-user");
}

/* What a card is reached over, and how many streams it has, when nobody says. */
static void test_CF04_what_is_usual_goes_by_the_class(void **state)
{
	static const char text[] =
	    "cards: {a: {device: board, transport: slot}, b: {device: board, capture: 3,"
	    " transport: slot}, c: {device: toy}}";
	struct vmsnd_node *root;
	const char *word;
	uint64_t n;

	assert_int_equal(vmsnd_yaml_parse("f", text, strlen(text), &root, &error), VMSND_OK);
	assert_int_equal(vmsnd_schema_fill(registry, root), VMSND_OK);
	vmsnd_leaf_uint(root, "cards.a.playback", 99, &n);
	assert_int_equal(n, 2);
	vmsnd_leaf_uint(root, "cards.a.capture", 99, &n);
	assert_int_equal(n, 4);
	vmsnd_leaf_uint(root, "cards.b.capture", 99, &n);
	assert_int_equal(n, 3);
	vmsnd_leaf_uint(root, "cards.c.playback", 99, &n);
	assert_int_equal(n, 1);
	vmsnd_leaf_text(root, "cards.c.transport", "", &word);
	assert_string_equal(word, "vhost-user");
	vmsnd_tree_free(root);
	assert_string_equal(vmsnd_card_usual_transport(&board), "vfio-user");
	assert_int_equal(check("cards:\n  a: {device: board, capture: 5, transport: slot}"),
			 VMSND_E_INVALID);
	assert_string_equal(error.line,
			    "f:2:3: cards.a: board cannot have 2 playback and 5 capture streams");
}

static void test_CF04_children_are_their_devices_own(void **state)
{
	assert_int_equal(check("cards: {a: {device: toy, parts: {x: {colour: red}}}}"), VMSND_OK);
	assert_int_equal(check("cards:\n  a:\n    device: toy\n    parts:\n      x: {}\n"),
			 VMSND_E_INVALID);
	assert_string_equal(error.line, "f:5:7: x of a has no colour");
	assert_int_equal(check("cards:\n  a: {device: toy, prats: {x: {}}}"), VMSND_E_INVALID);
	assert_non_null(strstr(error.line, "f:2:20: cards.a has no node 'prats' (did you mean "
					   "'parts'?); allowed: device"));
	assert_int_equal(check("cards: {a: {device: toy, parts: red}}"), VMSND_E_INVALID);
	assert_non_null(strstr(error.line, "'parts' is not one value but lines with its own keys"));
	/* What one device has is nothing to another. */
	assert_int_equal(check("cards: {a: {device: virtio-snd, parts: {x: {}}}}"),
			 VMSND_E_INVALID);
	assert_int_equal(check("cards: {a: {device: toy, streams: {playback0: {}}}}"),
			 VMSND_E_INVALID);
}

static void test_CF06_rules_come_before_the_check(void **state)
{
	static const char card[] = "cards: {a: {device: toy, outputs: [{backend: null}]}}\n";
	char text[400];

	snprintf(text, sizeof(text), "%stransforms:\n  - drivers: [{driver: delay, ms: 10}]\n",
		 card);
	assert_int_equal(check(text), VMSND_OK);
	snprintf(text, sizeof(text), "%stransforms:\n  - drivers: [{driver: dealy}]\n", card);
	assert_int_equal(check(text), VMSND_E_NO_CLASS);
	assert_non_null(strstr(error.line, "f:3:"));
	snprintf(text, sizeof(text), "%stransforms:\n  - action: remove\n", card);
	assert_int_equal(check(text), VMSND_OK);
	assert_int_equal(check("transforms:\n  - action: explode\n"), VMSND_E_INVALID);
	assert_non_null(strstr(error.line, "f:2:5: "));
	assert_int_equal(check("transforms: [a]\n"), VMSND_E_INVALID);
	assert_int_equal(check("transforms: on\n"), VMSND_E_INVALID);
	/* Elements that a rule has put in may come back in a file. */
	assert_int_equal(check("cards: {a: {device: toy, outputs: [{backend: null, drivers: "
			       "[{driver: delay, injected: '0'}]}]}}"),
			 VMSND_OK);
}

static void test_a_thousand_cards_are_looked_through(void **state)
{
	struct vmsnd_node *root = vmsnd_tree_new();
	char path[80], value[80];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "cards.c%u.device", i);
		vmsnd_tree_set(root, path, "virtio-snd", NULL, &error);
		snprintf(path, sizeof(path), "cards.c%u.socket", i);
		snprintf(value, sizeof(value), "/run/vmsnd/machine-%u.sock", i == 999 ? 7 : i);
		vmsnd_tree_set(root, path, value, &(struct vmsnd_place){"f", i + 1, 1}, &error);
	}
	assert_int_equal(vmsnd_machine_check(registry, root, &error), VMSND_E_INVALID);
	assert_string_equal(error.line, "f:1000:1: cards.c999: socket is the same as that of "
					"cards.c7: each card needs one of its own");
	vmsnd_tree_free(root);
}

static void test_fill_makes_a_configuration_that_is_right(void **state)
{
	static const char text[] = "cards: {a: {device: virtio-snd, outputs: [{backend: null, "
				   "drivers: [{driver: delay, ms: 5}]}]}, b: {device: toy}, c: "
				   "{device: toy, outputs: []}}";
	struct vmsnd_node *root;
	const char *word;
	uint64_t n;

	assert_int_equal(vmsnd_yaml_parse("f", text, strlen(text), &root, &error), VMSND_OK);
	assert_int_equal(vmsnd_schema_fill(registry, root), VMSND_OK);
	assert_int_equal(vmsnd_machine_check(registry, root, &error), VMSND_OK);
	assert_int_equal(vmsnd_leaf_uint(root, "cards.a.playback", 99, &n), VMSND_OK);
	assert_int_equal(n, 1);
	vmsnd_leaf_text(root, "cards.b.outputs.0.backend", "", &word);
	assert_string_equal(word, "null");
	assert_null(vmsnd_node_first(vmsnd_node_find(root, "cards.c.outputs")));
	vmsnd_leaf_text(root, "cards.a.outputs.0.pace", "", &word);
	assert_string_equal(word, "real");
	vmsnd_leaf_uint(root, "cards.a.outputs.0.drivers.0.ms", 99, &n);
	assert_int_equal(n, 5);
	vmsnd_tree_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM30_no_card_is_right),
	    cmocka_unit_test(test_DM31_a_device_that_there_is_not),
	    cmocka_unit_test(test_DM33_numbers_are_what_they_read_as),
	    cmocka_unit_test(test_DM34_more_instances_than_a_class_allows),
	    cmocka_unit_test(test_no_more_backends_than_the_class_allows),
	    cmocka_unit_test(test_DM76_outputs_may_leave_numbers_out),
	    cmocka_unit_test(test_CF04_devices_say_what_they_cannot_be),
	    cmocka_unit_test(test_CF04_a_card_is_reached_over_its_own_bus),
	    cmocka_unit_test(test_CF04_what_is_usual_goes_by_the_class),
	    cmocka_unit_test(test_CF04_children_are_their_devices_own),
	    cmocka_unit_test(test_CF06_rules_come_before_the_check),
	    cmocka_unit_test(test_a_thousand_cards_are_looked_through),
	    cmocka_unit_test(test_fill_makes_a_configuration_that_is_right),
	};

	return cmocka_run_group_tests_name("schema", tests, open_registry, close_registry);
}
