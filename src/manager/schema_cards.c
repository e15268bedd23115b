/* SPDX-License-Identifier: BSD-3-Clause */
/* The check of cards, one by one, and of what they must not share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/output.h"
#include "manager/schema_parts.h"
#include "manager/window.h"

/* What rules put in has a leaf of this name (docs/configuration.md). */
#define RULE_MARK "injected"

#define N_SOLE 3

/* Options that no two cards may have alike. */
static const char *const sole_keys[N_SOLE] = {"socket", "socket-fd", "trace"};

/* What is compared between cards. */
struct seen {
	const struct vmsnd_node *node;
	const struct vmsnd_dev_class *cls;
	unsigned number; /* UINT32_MAX: not given */
	const char *sole[N_SOLE];
};

/* ---- drivers and outputs ---- */

/* Each time a driver or backend is named is an instance at least (DM-64). */
static enum vmsnd_rc count(const struct vmsnd_schema_check *check, const struct vmsnd_node *node,
			   size_t index, uint32_t max)
{
	struct vmsnd_place place = vmsnd_node_place(node);
	const char *sort = "driver", *name;

	if (++check->uses[index] <= max)
		return VMSND_OK;
	vmsnd_leaf_text(node, sort, NULL, &name);
	if (!name) {
		sort = "backend";
		vmsnd_leaf_text(node, sort, "", &name);
	}
	vmsnd_error_set(check->error, &place,
			"%s: there may be %u of the %s %s, and this is one more", check->who, max,
			sort, name);
	return VMSND_E_LIMIT;
}

static enum vmsnd_rc count_driver(const struct vmsnd_schema_check *check,
				  const struct vmsnd_node *node,
				  const struct vmsnd_driver_class *cls)
{
	size_t i = 0;

	while (vmsnd_registry_driver(check->registry, i) != cls)
		i++;
	return count(check, node, i, cls->max_instances);
}

static enum vmsnd_rc count_backend(const struct vmsnd_schema_check *check,
				   const struct vmsnd_node *node,
				   const struct vmsnd_backend_class *cls)
{
	size_t first = 0, i = 0;

	while (vmsnd_registry_driver(check->registry, first))
		first++;
	while (vmsnd_registry_backend(check->registry, i) != cls)
		i++;
	return count(check, node, first + i, cls->max_instances ? cls->max_instances : UINT32_MAX);
}

static enum vmsnd_rc check_driver(struct vmsnd_schema_check *check, const struct vmsnd_node *node)
{
	const struct vmsnd_driver_class *cls;
	const char *name;
	enum vmsnd_rc rc;

	vmsnd_leaf_text(node, "driver", "", &name);
	if (!*name)
		return vmsnd_schema_no_name(check, node, "driver");
	cls = vmsnd_registry_find_driver(check->registry, name);
	if (!cls)
		return vmsnd_schema_no_class(check, node, "driver");
	vmsnd_schema_join_driver(&check->table, cls);
	rc = vmsnd_schema_check_node(check, node, VMSND_SCHEMA_DRIVER);
	return rc ? rc : count_driver(check, node, cls);
}

static enum vmsnd_rc check_drivers(struct vmsnd_schema_check *check, const struct vmsnd_node *node)
{
	static const struct vmsnd_schema_items items = {"driver: NAME", VMSND_DRIVERS_MAX, false};
	enum vmsnd_rc rc = vmsnd_schema_check_items(check, node, &items);

	for (node = vmsnd_node_first(node); node && !rc; node = vmsnd_node_next(node))
		rc = check_driver(check, node);
	return rc;
}

/* What one row of the table cannot say. The line begins with "WHO: KEY: ". */
static enum vmsnd_rc check_sense(struct vmsnd_schema_check *check, const struct vmsnd_node *node)
{
	struct vmsnd_output_conf ignored;
	struct vmsnd_place place;
	char line[400], key[VMSND_NODE_NAME_BYTES];
	const char *behind = line + strlen(check->who) + 2;

	if (!vmsnd_output_take(&ignored, &check->conf, check->who, line, sizeof(line)))
		return VMSND_OK;
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(behind, ":"), behind);
	place = vmsnd_schema_place(node, key);
	return vmsnd_error_set(check->error, &place, "%s", line);
}

static enum vmsnd_rc check_output(struct vmsnd_schema_check *check, const struct vmsnd_node *node)
{
	const struct vmsnd_node *drivers = vmsnd_node_find(node, "drivers");
	const struct vmsnd_backend_class *cls;
	const char *name;
	enum vmsnd_rc rc;

	vmsnd_leaf_text(node, "backend", "", &name);
	cls = vmsnd_registry_find_backend(check->registry, name);
	if (!cls)
		return vmsnd_schema_no_class(check, node, "backend");
	vmsnd_schema_join_output(&check->table, cls);
	rc = vmsnd_schema_check_node(check, node, VMSND_SCHEMA_OUTPUT);
	if (!rc)
		rc = check_sense(check, node);
	if (!rc)
		rc = count_backend(check, node, cls);
	return rc || !drivers ? rc : check_drivers(check, drivers);
}

/* Rules leave marks, which are no options. */
static void take_marks_out(struct vmsnd_node *output)
{
	struct vmsnd_node *drivers = vmsnd_node_find(output, "drivers");

	vmsnd_leaf_remove(output, RULE_MARK);
	for (struct vmsnd_node *at = drivers ? vmsnd_node_first(drivers) : NULL; at;
	     at = vmsnd_node_next(at))
		vmsnd_leaf_remove(at, RULE_MARK);
}

/* The chain as it will be: after the rules, which may have taken the backend away. */
static enum vmsnd_rc check_chain(struct vmsnd_schema_check *check, struct vmsnd_node *output,
				 const char *device)
{
	struct vmsnd_rules_at at = {.device = device,
				    .lun = (unsigned)strtoul(vmsnd_node_name(output), NULL, 10),
				    .stay = vmsnd_output_options()};
	const char *backend;
	enum vmsnd_rc rc;

	vmsnd_leaf_text(output, "backend", "", &backend);
	if (!*backend)
		return vmsnd_schema_no_name(check, output, "backend");
	rc = vmsnd_rules_apply(check->root, output, &at, check->error);
	if (rc)
		return rc;
	take_marks_out(output);
	vmsnd_leaf_text(output, "backend", "", &backend);
	return *backend ? check_output(check, output) : VMSND_OK;
}

static enum vmsnd_rc check_outputs(struct vmsnd_schema_check *check, const struct vmsnd_node *card,
				   const char *device)
{
	static const struct vmsnd_schema_items items = {"backend: NAME", VMSND_OUTPUTS_MAX, true};
	struct vmsnd_node *outputs = vmsnd_node_find(card, "outputs"), *node;
	enum vmsnd_rc rc;

	if (!outputs)
		return VMSND_OK;
	rc = vmsnd_schema_check_items(check, outputs, &items);
	for (node = vmsnd_node_first(outputs); node && !rc; node = vmsnd_node_next(node))
		rc = check_chain(check, node, device);
	return rc;
}

/* ---- a card ---- */

static enum vmsnd_rc check_streams(struct vmsnd_schema_check *check, const struct vmsnd_node *node,
				   const struct vmsnd_dev_class *cls)
{
	struct vmsnd_place place = vmsnd_node_place(node);
	struct vmsnd_dev_conf conf = {
	    .name = vmsnd_node_name(node),
	    .playback_streams = (unsigned)vmsnd_conf_uint(&check->conf, "playback"),
	    .capture_streams = (unsigned)vmsnd_conf_uint(&check->conf, "capture"),
	    .options = &check->conf,
	    .node = node,
	};
	enum vmsnd_rc rc = vmsnd_card_check_device(cls, &conf, check->error);
	size_t bytes;

	if (rc)
		return rc;
	bytes = cls->footprint(&conf);
	if (bytes > 0 && bytes <= VMSND_DEV_BYTES_MAX)
		return VMSND_OK;
	return vmsnd_error_set(check->error, &place,
			       "%s: %s cannot have %u playback and %u capture streams", check->who,
			       cls->name, conf.playback_streams, conf.capture_streams);
}

static enum vmsnd_rc check_lane(const struct vmsnd_schema_check *check,
				const struct vmsnd_node *node)
{
	struct vmsnd_place place = vmsnd_schema_place(node, "lane");
	uint64_t lane = 0, lanes = check->lanes;

	vmsnd_leaf_uint(node, "lane", 0, &lane);
	if (lanes == 0)
		vmsnd_leaf_uint(check->root, "lanes", 1, &lanes);
	if (lane < lanes)
		return VMSND_OK;
	return vmsnd_error_set(check->error, &place,
			       "%s: lane %llu is not there: 'lanes' is %llu, and they count from 0",
			       check->who, (unsigned long long)lane, (unsigned long long)lanes);
}

static enum vmsnd_rc choose(struct vmsnd_schema_check *check, const struct vmsnd_node *node,
			    struct seen *seen)
{
	struct vmsnd_card_classes classes;
	char who[VMSND_WHO_BYTES];
	const char *device;

	vmsnd_leaf_text(node, "device", "", &device);
	if (!*device)
		return vmsnd_schema_no_name(check, node, "device");
	seen->node = node;
	seen->cls = vmsnd_registry_find_device(check->registry, device);
	if (!seen->cls)
		return vmsnd_schema_no_class(check, node, "device");
	classes.device = seen->cls;
	classes.transport = vmsnd_card_transport(check->registry, node, seen->cls);
	if (!classes.transport)
		return vmsnd_schema_no_class(check, node, "transport");
	vmsnd_schema_join_card(&check->table, seen->cls, classes.transport);
	vmsnd_node_path(node, who, sizeof(who));
	return vmsnd_card_check_transport(node, who, &classes, check->error);
}

static enum vmsnd_rc check_card(struct vmsnd_schema_check *check, const struct vmsnd_node *node,
				struct seen *seen)
{
	struct vmsnd_place place = vmsnd_schema_place(node, "name");
	enum vmsnd_rc rc = choose(check, node, seen);
	struct vmsnd_gmem_guard ignored;
	struct vmsnd_value name;

	if (!rc && vmsnd_leaf_get(node, "name", &name, NULL) == VMSND_OK)
		return vmsnd_error_set(check->error, &place,
				       "cards.%s: leave 'name' out: the key is the card's name",
				       vmsnd_node_name(node));
	if (rc)
		return rc;
	check->children = seen->cls->children;
	rc = vmsnd_schema_check_node(check, node, VMSND_SCHEMA_CARD);
	check->children = NULL;
	if (rc)
		return rc;
	seen->number = vmsnd_conf_given(&check->conf, "number")
			   ? (unsigned)vmsnd_conf_uint(&check->conf, "number")
			   : UINT32_MAX;
	for (size_t i = 0; i < N_SOLE; i++)
		vmsnd_leaf_text(node, sole_keys[i], NULL, &seen->sole[i]);
	rc = check_lane(check, node);
	if (!rc)
		rc = vmsnd_window_take(node, &check->conf, check->who, &ignored, check->error);
	if (!rc)
		rc = check_streams(check, node, seen->cls);
	return rc ? rc : check_outputs(check, node, seen->cls->name);
}

/* ---- all of them ---- */

static enum vmsnd_rc check_pair(const struct vmsnd_schema_check *check, const struct seen *first,
				const struct seen *second)
{
	const char *a = vmsnd_node_name(first->node), *b = vmsnd_node_name(second->node);
	struct vmsnd_place place;

	if (first->cls == second->cls && first->number == second->number &&
	    first->number != UINT32_MAX) {
		place = vmsnd_schema_place(second->node, "number");
		return vmsnd_error_set(check->error, &place,
				       "cards.%s: number %u is taken: cards.%s is %s %u; give it "
				       "another, or leave it out",
				       b, first->number, a, first->cls->name, first->number);
	}
	for (size_t i = 0; i < N_SOLE; i++) {
		const char *one = first->sole[i], *other = second->sole[i];

		if (!one || !other || strcmp(one, other) != 0)
			continue;
		place = vmsnd_schema_place(second->node, sole_keys[i]);
		return vmsnd_error_set(check->error, &place,
				       "cards.%s: %s is the same as that of cards.%s: each card "
				       "needs one of its own",
				       b, sole_keys[i], a);
	}
	return VMSND_OK;
}

static enum vmsnd_rc check_control(const struct vmsnd_schema_check *check,
				   const struct vmsnd_node *card)
{
	struct vmsnd_place place = vmsnd_schema_place(card, "socket");
	const char *socket, *control;

	vmsnd_leaf_text(card, "socket", "", &socket);
	vmsnd_leaf_text(check->root, "control", "", &control);
	if (!*socket || strcmp(socket, control) != 0)
		return VMSND_OK;
	return vmsnd_error_set(check->error, &place,
			       "cards.%s: socket is the same as 'control': each needs one of its "
			       "own",
			       vmsnd_node_name(card));
}

/* The last of `cards` against those before it (DM-33, DM-34). */
static enum vmsnd_rc check_shared(const struct vmsnd_schema_check *check, const struct seen *cards,
				  size_t n)
{
	const struct seen *last = &cards[n - 1];
	struct vmsnd_place place = vmsnd_node_place(last->node);
	enum vmsnd_rc rc = check_control(check, last->node);
	unsigned instances = 1;

	for (size_t i = 0; i + 1 < n && !rc; i++) {
		instances += cards[i].cls == last->cls;
		rc = check_pair(check, &cards[i], last);
	}
	if (rc || instances <= last->cls->max_instances)
		return rc;
	vmsnd_error_set(check->error, &place,
			"cards.%s: there may be %u cards of the device %s, and this is one more",
			vmsnd_node_name(last->node), last->cls->max_instances, last->cls->name);
	return VMSND_E_LIMIT;
}

static enum vmsnd_rc check_shape(struct vmsnd_schema_check *check, const struct vmsnd_node *cards,
				 size_t *n)
{
	struct vmsnd_place place = vmsnd_node_place(cards);
	const char *leaf = vmsnd_leaf_at(cards, 0, NULL, &place);

	if (leaf)
		return vmsnd_error_set(check->error, &place,
				       "cards: '%s' is not one value but a card: lines such as "
				       "'device: virtio-snd', indented below it",
				       leaf);
	*n = 0;
	for (const struct vmsnd_node *card = vmsnd_node_first(cards); card;
	     card = vmsnd_node_next(card))
		++*n;
	if (*n > 0 && vmsnd_node_is_list(cards))
		return vmsnd_error_set(
		    check->error, &place,
		    "cards: it is no list: each card has a name, such as 'vm1:', "
		    "and its lines indented below it");
	if (*n <= VMSND_CARDS_MAX)
		return VMSND_OK;
	vmsnd_error_set(check->error, &place, "cards: there are %zu, and %u are allowed", *n,
			VMSND_CARDS_MAX);
	return VMSND_E_LIMIT;
}

enum vmsnd_rc vmsnd_schema_check_cards(struct vmsnd_schema_check *check)
{
	const struct vmsnd_node *cards = vmsnd_node_find(check->root, "cards");
	struct seen *seen;
	size_t n = 0, at = 0;
	enum vmsnd_rc rc = cards ? check_shape(check, cards, &n) : VMSND_OK;

	if (rc || n == 0) /* none at all is fine (DM-30) */
		return rc;
	seen = calloc(n, sizeof(*seen));
	if (!seen)
		return VMSND_E_NOMEM;
	for (const struct vmsnd_node *card = vmsnd_node_first(cards); card && !rc;
	     card = vmsnd_node_next(card)) {
		rc = check_card(check, card, &seen[at]);
		if (!rc)
			rc = check_shared(check, seen, ++at);
	}
	free(seen);
	return rc;
}
