/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine's cards from a configuration, in order: by priority, which is the kind of device unless
 * one is given; then device by device as the file first names them, the instances of one by number
 * (DM-30 .. DM-41). */
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "manager/schema.h"

struct item {
	const struct vmsnd_node *node;
	uint64_t priority, number; /* VMSND_NUMBER_LOWEST: not given, and not chosen yet */
	unsigned device;           /* the place of its device's first instance in the file */
	unsigned place;            /* its own */
	int listen_fd;
	struct vmsnd_card *card;
};

struct build {
	struct vmsnd_machine *machine;
	struct item *items;
	unsigned n, built;
	vmsnd_ns now;
};

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_order(const void *left, const void *right)
{
	const struct item *a = left, *b = right;
	int order = compare(a->priority, b->priority);

	if (!order)
		order = compare(a->device, b->device);
	if (!order)
		order = compare(a->number, b->number);
	return order ? order : compare(a->place, b->place);
}

static uint64_t usual_priority(const struct vmsnd_registry *registry, const char *device)
{
	const struct vmsnd_dev_class *cls = vmsnd_registry_find_device(registry, device);

	return cls ? cls->kind & -cls->kind : UINT64_MAX;
}

static void read_item(const struct build *build, struct item *item, const struct vmsnd_node *node)
{
	const char *device, *other;

	*item = (struct item){.node = node, .listen_fd = -1};
	item->place = item->device = (unsigned)(item - build->items);
	vmsnd_leaf_text(node, "device", "", &device);
	vmsnd_leaf_uint(node, "number", VMSND_NUMBER_LOWEST, &item->number);
	vmsnd_leaf_uint(node, "priority", usual_priority(build->machine->registry, device),
			&item->priority);
	for (unsigned i = 0; i < item->place && item->device == item->place; i++) {
		vmsnd_leaf_text(build->items[i].node, "device", "", &other);
		if (strcmp(device, other) == 0)
			item->device = i;
	}
}

/* Of the items of one device: those that say none have the lowest that are left, in the order of
 * the file. */
static void number_items(struct build *build, unsigned device)
{
	struct vmsnd_numbers taken;
	const char *name;

	vmsnd_leaf_text(build->items[device].node, "device", "", &name);
	vmsnd_machine_numbers(build->machine, name, &taken);
	for (unsigned i = device; i < build->n; i++)
		if (build->items[i].device == device)
			vmsnd_numbers_take(&taken, build->items[i].number);
	for (unsigned i = device; i < build->n; i++)
		if (build->items[i].device == device &&
		    build->items[i].number == VMSND_NUMBER_LOWEST)
			build->items[i].number = vmsnd_numbers_take_lowest(&taken);
}

static enum vmsnd_rc read_items(struct build *build, const struct vmsnd_node *cards)
{
	unsigned n = 0;

	for (const struct vmsnd_node *at = vmsnd_node_first(cards); at; at = vmsnd_node_next(at))
		n++;
	build->items = calloc(n ? n : 1, sizeof(*build->items));
	if (!build->items)
		return VMSND_E_NOMEM;
	for (const struct vmsnd_node *at = vmsnd_node_first(cards); at; at = vmsnd_node_next(at))
		read_item(build, &build->items[build->n++], at);
	for (unsigned i = 0; i < build->n; i++)
		if (build->items[i].device == i)
			number_items(build, i);
	return VMSND_OK;
}

static bool given(const struct vmsnd_node *node, const char *key)
{
	return vmsnd_leaf_get(node, key, &(struct vmsnd_value){0}, NULL) == VMSND_OK;
}

/* Its transport could have been given one, and was not. */
static bool wants_socket(const struct vmsnd_registry *registry, const struct vmsnd_node *node)
{
	const struct vmsnd_transport_class *transport;
	const struct vmsnd_option *row;
	const char *device;

	vmsnd_leaf_text(node, "device", "", &device);
	transport =
	    vmsnd_card_transport(registry, node, vmsnd_registry_find_device(registry, device));
	for (row = transport ? transport->options : NULL; row && row->key; row++)
		if (strcmp(row->key, "socket-fd") == 0)
			return !given(node, "socket") && !given(node, "socket-fd");
	return false;
}

/* Cards that name no socket take those that were handed in, in the order of the file. */
static void hand_out(struct build *build, const int *fds, size_t n)
{
	size_t used = 0;

	for (unsigned i = 0; i < build->n && used < n; i++)
		if (wants_socket(build->machine->registry, build->items[i].node))
			build->items[i].listen_fd = fds[used++];
}

static void mark_used(const struct build *build, int *fds, size_t n)
{
	for (unsigned i = 0; i < build->n; i++)
		for (size_t k = 0; k < n; k++)
			if (build->items[i].listen_fd >= 0 && fds[k] == build->items[i].listen_fd)
				fds[k] = -1;
}

static enum vmsnd_rc put_all(struct build *build)
{
	enum vmsnd_rc rc = VMSND_OK;

	for (; build->built < build->n; build->built++) {
		struct item *item = &build->items[build->built];
		const struct vmsnd_newcomer newcomer = {item->node, item->number, item->listen_fd};

		rc = vmsnd_machine_put(build->machine, &newcomer, build->now, &item->card);
		if (rc)
			return rc;
	}
	for (unsigned i = 0; !rc && i < build->n; i++)
		rc = vmsnd_machine_complete(build->machine, build->items[i].card, build->now);
	return rc;
}

static void undo(struct build *build)
{
	while (build->built > 0)
		vmsnd_machine_drop(build->machine, build->items[--build->built].card, build->now);
}

/* Rules are looked at under the lanes' locks, so they change under all of them. Returns those of
 * before. */
static struct vmsnd_node *set_rules(struct vmsnd_machine *machine, struct vmsnd_node *rules)
{
	struct vmsnd_node *before = machine->rules;

	for (unsigned i = 0; i < machine->n_lanes; i++)
		vmsnd_lane_lock(machine->lanes[i]);
	machine->rules = rules;
	for (unsigned i = machine->n_lanes; i > 0; i--)
		vmsnd_lane_unlock(machine->lanes[i - 1], false);
	return before;
}

static enum vmsnd_rc copy_rules(const struct vmsnd_node *transforms, struct vmsnd_node **out)
{
	struct vmsnd_node *rules = vmsnd_tree_new();
	struct vmsnd_node *own = rules ? vmsnd_node_make(rules, "transforms") : NULL;
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	if (own) {
		vmsnd_node_set_list(own, vmsnd_node_is_list(transforms));
		rc = vmsnd_tree_merge(own, transforms, true);
	}
	if (rc)
		vmsnd_tree_free(rules);
	else
		*out = rules;
	return rc;
}

static enum vmsnd_rc build_cards(struct build *build, const struct vmsnd_node *root, int *fds,
				 size_t n_fds)
{
	const struct vmsnd_node *cards = vmsnd_node_find(root, "cards");
	enum vmsnd_rc rc;

	if (!cards) /* none at all is fine (DM-30) */
		return VMSND_OK;
	rc = read_items(build, cards);
	if (rc)
		return rc;
	hand_out(build, fds, n_fds);
	qsort(build->items, build->n, sizeof(*build->items), by_order);
	rc = put_all(build);
	if (rc)
		undo(build);
	else
		mark_used(build, fds, n_fds);
	free(build->items);
	return rc;
}

/* The rules come first, and go again when the cards do. */
static enum vmsnd_rc build_all(struct build *build, const struct vmsnd_node *root, int *fds,
			       size_t n_fds)
{
	const struct vmsnd_node *transforms = vmsnd_node_find(root, "transforms");
	struct vmsnd_node *rules, *before = NULL;
	enum vmsnd_rc rc = VMSND_OK;

	if (!transforms)
		return build_cards(build, root, fds, n_fds);
	rc = copy_rules(transforms, &rules);
	if (rc)
		return rc;
	before = set_rules(build->machine, rules);
	rc = build_cards(build, root, fds, n_fds);
	if (rc)
		before = set_rules(build->machine, before);
	vmsnd_tree_free(before);
	return rc;
}

enum vmsnd_rc vmsnd_machine_build(struct vmsnd_machine *machine, const struct vmsnd_node *root,
				  int *listen_fds, size_t n_listen_fds, vmsnd_ns now)
{
	struct build build = {.machine = machine, .now = now};
	struct vmsnd_error error;
	enum vmsnd_rc rc =
	    vmsnd_schema_check_for(machine->registry, machine->n_lanes, root, &error);

	if (rc) {
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s", error.line);
		return rc;
	}
	vmsnd_machine_plan_lock(machine);
	rc = build_all(&build, root, listen_fds, n_listen_fds);
	vmsnd_machine_plan_unlock(machine);
	if (!rc)
		vmsnd_machine_tell_changed(machine);
	return rc;
}
