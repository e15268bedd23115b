/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of what may stand where, and the check of all that is no card. */
#include "manager/schema.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "manager/card.h"
#include "manager/module.h"
#include "manager/output.h"
#include "manager/schema_parts.h"

/* ---- tables ---- */

static const struct vmsnd_option machine_keys[] = {
    {"version", VMSND_OPTION_UINT, "1", "of this format", 0, UINT32_MAX},
    {"lanes", VMSND_OPTION_UINT, "1", "threads that cards are spread over", 1, VMSND_LANES_MAX},
    {"workers", VMSND_OPTION_UINT, "3", "threads, at most, for what backends are slow at", 1, 3},
    {"realtime-priority", VMSND_OPTION_TEXT, VMSND_SCHEMA_PRIORITY,
     "of the threads that move sound, 1 to 99, where the system allows it; off: as all threads", 0,
     0},
    {"control", VMSND_OPTION_TEXT, NULL, "path of the socket that 'vmsnd ctl' speaks to", 0, 0},
    {"log", VMSND_OPTION_TEXT, "info", "error, warning, info or debug: the most that is said", 0,
     0},
    {.key = NULL},
};

static const struct vmsnd_option modules_keys[] = {
    {"builtin", VMSND_OPTION_BOOL, "on", "whether the library's own classes are there", 0, 0},
    {"folder", VMSND_OPTION_TEXT, "on",
     "on: the modules of the installation's folder are loaded; a path: those of that folder", 0, 0},
    {.key = NULL},
};

static const struct vmsnd_option module_keys[] = {
    {"module", VMSND_OPTION_TEXT, NULL, "a path, or a name in the installation's folder", 0, 0},
    {"required", VMSND_OPTION_BOOL, "on", "off: vmsnd starts without it, with a warning", 0, 0},
    {.key = NULL},
};

static const struct vmsnd_option card_keys[] = {
    {"device", VMSND_OPTION_TEXT, NULL, "which card it is; 'vmsnd devices' lists them", 0, 0},
    {.key = NULL},
};

static const struct vmsnd_option output_keys[] = {
    {"backend", VMSND_OPTION_TEXT, NULL, "where sound goes; 'vmsnd backends' lists them", 0, 0},
    {.key = NULL},
};

static const struct vmsnd_option driver_keys[] = {
    {"driver", VMSND_OPTION_TEXT, NULL, "what is done to the sound on its way", 0, 0},
    {.key = NULL},
};

static const char *const machine_nodes[] = {"modules", "transforms", "cards", NULL};
static const char *const modules_nodes[] = {"load", NULL};
static const char *const card_nodes[] = {"outputs", NULL};
static const char *const output_nodes[] = {"drivers", NULL};
static const char *const no_nodes[] = {NULL};

static const struct {
	const struct vmsnd_option *keys;
	const char *const *nodes;
} parts[VMSND_SCHEMA_PART_COUNT] = {
    [VMSND_SCHEMA_MACHINE] = {machine_keys, machine_nodes},
    [VMSND_SCHEMA_MODULES] = {modules_keys, modules_nodes},
    [VMSND_SCHEMA_MODULE] = {module_keys, no_nodes},
    [VMSND_SCHEMA_CARD] = {card_keys, card_nodes},
    [VMSND_SCHEMA_OUTPUT] = {output_keys, output_nodes},
    [VMSND_SCHEMA_DRIVER] = {driver_keys, no_nodes},
};

/* What a node is, for those who wrote one value in its place. */
static const struct {
	const char *name, *like;
} shapes[] = {
    {"modules", "lines below it, such as 'folder: off'"},
    {"transforms", "a list of rules: lines below it that begin with '- '"},
    {"cards", "a name for each card below it, such as 'vm1:'"},
    {"load", "a list: '- module: NAME' lines below it"},
    {"outputs", "a list: '- backend: NAME' lines below it"},
    {"drivers", "a list: '- driver: NAME' lines below it"},
};

const struct vmsnd_option *vmsnd_schema_keys(enum vmsnd_schema_part part)
{
	return parts[part].keys;
}

static const struct vmsnd_option *find_key(const struct vmsnd_option *table, const char *key)
{
	for (; table && table->key; table++)
		if (strcmp(table->key, key) == 0)
			return table;
	return NULL;
}

static void add(struct vmsnd_schema_table *table, const struct vmsnd_option *rows)
{
	size_t n = 0;

	while (table->rows[n].key)
		n++;
	for (; rows && rows->key && n < VMSND_SCHEMA_KEYS_MAX; rows++) {
		if (find_key(table->rows, rows->key) || strcmp(rows->key, "name") == 0)
			continue; /* a card's name is its key */
		table->rows[n++] = *rows;
		table->rows[n] = (struct vmsnd_option){.key = NULL};
	}
}

void vmsnd_schema_join_card(struct vmsnd_schema_table *table, const struct vmsnd_dev_class *device,
			    const struct vmsnd_transport_class *transport)
{
	struct vmsnd_option options[VMSND_CARD_OPTIONS_MAX];

	vmsnd_card_join_options(options, &(struct vmsnd_card_classes){device, transport});
	table->rows[0] = (struct vmsnd_option){.key = NULL};
	add(table, card_keys);
	add(table, options);
}

void vmsnd_schema_join_output(struct vmsnd_schema_table *table,
			      const struct vmsnd_backend_class *backend)
{
	table->rows[0] = (struct vmsnd_option){.key = NULL};
	add(table, output_keys);
	add(table, backend ? backend->options : NULL);
	add(table, vmsnd_output_options());
}

void vmsnd_schema_join_driver(struct vmsnd_schema_table *table,
			      const struct vmsnd_driver_class *driver)
{
	table->rows[0] = (struct vmsnd_option){.key = NULL};
	add(table, driver_keys);
	add(table, driver ? driver->options : NULL);
}

/* ---- one node ---- */

struct vmsnd_place vmsnd_schema_place(const struct vmsnd_node *node, const char *leaf)
{
	struct vmsnd_place place;
	struct vmsnd_value value;

	if (leaf && vmsnd_leaf_get(node, leaf, &value, &place) == VMSND_OK)
		return place;
	return vmsnd_node_place(node);
}

static const char *like_of(const char *name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (strcmp(shapes[i].name, name) == 0)
			return shapes[i].like;
	return "lines with its own keys below it";
}

/* A value where a node belongs; an option may have the name of one. */
static enum vmsnd_rc check_shapes(const struct vmsnd_schema_check *check,
				  const struct vmsnd_node *node, const char *const *nodes)
{
	struct vmsnd_place place;
	struct vmsnd_value value;

	for (; *nodes; nodes++)
		if (!find_key(check->table.rows, *nodes) &&
		    vmsnd_leaf_get(node, *nodes, &value, &place) == VMSND_OK)
			return vmsnd_error_set(check->error, &place,
					       "%s: '%s' is not one value but %s", check->who,
					       *nodes, like_of(*nodes));
	return VMSND_OK;
}

/* The part's children, then the class' own; ends with a NULL. */
static void join_nodes(const char *names[VMSND_SCHEMA_NODES_MAX + 1], const char *const *part,
		       const char *const *own)
{
	size_t n = 0;

	for (; *part; part++)
		names[n++] = *part;
	for (; own && *own && n < VMSND_SCHEMA_NODES_MAX; own++)
		names[n++] = *own;
	names[n] = NULL;
}

enum vmsnd_rc vmsnd_schema_check_node(struct vmsnd_schema_check *check,
				      const struct vmsnd_node *node, enum vmsnd_schema_part part)
{
	const char *leaves[VMSND_SCHEMA_KEYS_MAX + 1];
	const char *nodes[VMSND_SCHEMA_NODES_MAX + 1];
	struct vmsnd_allow allow = {leaves, nodes};
	struct vmsnd_conf_source source = {.node = node, .who = check->who};
	size_t n = 0;
	enum vmsnd_rc rc;

	vmsnd_node_path(node, check->who, sizeof(check->who));
	if (!check->who[0])
		snprintf(check->who, sizeof(check->who), "the configuration");
	for (; check->table.rows[n].key; n++)
		leaves[n] = check->table.rows[n].key;
	leaves[n] = NULL;
	join_nodes(nodes, parts[part].nodes, check->children);
	rc = check_shapes(check, node, nodes);
	if (!rc)
		rc = vmsnd_node_check(node, check->who, &allow, check->error);
	return rc ? rc
		  : vmsnd_conf_from_node(&check->conf, check->table.rows, &source, check->error);
}

/* UINT_MAX: it is none, as in "00" (DM-33). */
static unsigned number_of(const char *name)
{
	unsigned value = 0;

	if (!*name || strlen(name) > 9 || (name[0] == '0' && name[1]))
		return UINT_MAX;
	for (; *name >= '0' && *name <= '9'; name++)
		value = value * 10 + (unsigned)(*name - '0');
	return *name ? UINT_MAX : value;
}

static enum vmsnd_rc check_item(const struct vmsnd_schema_check *check,
				const struct vmsnd_node *item,
				const struct vmsnd_schema_items *items, unsigned expected)
{
	struct vmsnd_place place = vmsnd_node_place(item);
	unsigned number = number_of(vmsnd_node_name(item));

	if (number == UINT_MAX)
		return vmsnd_error_set(check->error, &place,
				       "%s: '%s' is no number from 0 to %u: write a list, '- %s'%s",
				       check->who, vmsnd_node_name(item), items->max - 1,
				       items->like, items->gaps ? ", or such numbers" : "");
	if (number >= items->max)
		return vmsnd_error_set(check->error, &place,
				       "%s: there may be %u, with the numbers 0 to %u, and this is "
				       "%u",
				       check->who, items->max, items->max - 1, number);
	if (!items->gaps && number != expected)
		return vmsnd_error_set(check->error, &place,
				       "%s: %u comes where %u belongs: write a list, '- %s'",
				       check->who, number, expected, items->like);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_schema_check_items(struct vmsnd_schema_check *check,
				       const struct vmsnd_node *node,
				       const struct vmsnd_schema_items *items)
{
	struct vmsnd_place place;
	const char *leaf = vmsnd_leaf_at(node, 0, NULL, &place);
	enum vmsnd_rc rc = VMSND_OK;
	unsigned n = 0;

	vmsnd_node_path(node, check->who, sizeof(check->who));
	if (leaf && number_of(leaf) == UINT_MAX)
		return vmsnd_error_set(check->error, &place,
				       "%s: '%s' stands where a list belongs: write '- %s', and "
				       "the other lines indented below that",
				       check->who, leaf, items->like);
	if (leaf)
		return vmsnd_error_set(check->error, &place,
				       "%s: item %s is one value: write '- %s', and its other "
				       "lines indented below that",
				       check->who, leaf, items->like);
	for (node = vmsnd_node_first(node); node && !rc; node = vmsnd_node_next(node))
		rc = check_item(check, node, items, n++);
	return rc;
}

/* ---- classes ---- */

static const char *device_at(const struct vmsnd_registry *registry, size_t index)
{
	const struct vmsnd_dev_class *cls = vmsnd_registry_device(registry, index);

	return cls ? cls->name : NULL;
}

static const char *backend_at(const struct vmsnd_registry *registry, size_t index)
{
	const struct vmsnd_backend_class *cls = vmsnd_registry_backend(registry, index);

	return cls ? cls->name : NULL;
}

static const char *driver_at(const struct vmsnd_registry *registry, size_t index)
{
	const struct vmsnd_driver_class *cls = vmsnd_registry_driver(registry, index);

	return cls ? cls->name : NULL;
}

static const char *transport_at(const struct vmsnd_registry *registry, size_t index)
{
	const struct vmsnd_transport_class *cls = vmsnd_registry_transport(registry, index);

	return cls ? cls->name : NULL;
}

static const struct {
	const char *sort;
	const char *(*at)(const struct vmsnd_registry *registry, size_t index);
} sorts[] = {{"device", device_at},
	     {"backend", backend_at},
	     {"driver", driver_at},
	     {"transport", transport_at}};

enum vmsnd_rc vmsnd_schema_no_name(const struct vmsnd_schema_check *check,
				   const struct vmsnd_node *node, const char *sort)
{
	const struct vmsnd_node *child = vmsnd_node_find(node, sort);
	struct vmsnd_place place = vmsnd_node_place(child ? child : node);
	char who[VMSND_WHO_BYTES];

	vmsnd_node_path(node, who, sizeof(who));
	if (child)
		return vmsnd_error_set(check->error, &place, "%s: '%s' takes one name", who, sort);
	return vmsnd_error_set(check->error, &place, "%s names no %s: add '%s: NAME'", who, sort,
			       sort);
}

static const char *usual_transport(const struct vmsnd_schema_check *check,
				   const struct vmsnd_node *card)
{
	const char *device;

	vmsnd_leaf_text(card, "device", "", &device);
	return vmsnd_card_usual_transport(vmsnd_registry_find_device(check->registry, device));
}

enum vmsnd_rc vmsnd_schema_no_class(const struct vmsnd_schema_check *check,
				    const struct vmsnd_node *node, const char *sort)
{
	struct vmsnd_place place = vmsnd_schema_place(node, sort);
	const char *name, *known;
	char all[512] = " none";
	struct vmsnd_near near;
	size_t row = 0, at = 0;

	while (strcmp(sorts[row].sort, sort) != 0)
		row++;
	vmsnd_leaf_text(node, sort, strcmp(sort, "transport") ? "" : usual_transport(check, node),
			&name);
	near = vmsnd_near_begin(name);
	for (size_t i = 0; (known = sorts[row].at(check->registry, i)); i++) {
		vmsnd_near_offer(&near, known);
		if (at < sizeof(all))
			at += (size_t)snprintf(all + at, sizeof(all) - at, " %s", known);
	}
	vmsnd_error_set(check->error, &place, "there is no %s '%s'%s%s%s; there are:%s%s", sort,
			name, near.best ? " (did you mean '" : "", near.best ? near.best : "",
			near.best ? "'?)" : "", all,
			strcmp(sort, "backend") == 0 ? vmsnd_module_hint(name) : "");
	return VMSND_E_NO_CLASS;
}

/* ---- the machine ---- */

bool vmsnd_schema_priority(const char *text, unsigned *priority)
{
	*priority = 0;
	if (strcmp(text, "off") == 0)
		return true;
	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || at - text > 1)
			return false;
		*priority = *priority * 10 + (unsigned)(*at - '0');
	}
	return *priority > 0;
}

static enum vmsnd_rc check_priority(const struct vmsnd_schema_check *check)
{
	const char *text = vmsnd_conf_text(&check->conf, "realtime-priority");
	struct vmsnd_place place = vmsnd_schema_place(check->root, "realtime-priority");
	unsigned priority;

	if (vmsnd_schema_priority(text, &priority))
		return VMSND_OK;
	return vmsnd_error_set(check->error, &place,
			       "realtime-priority: '%s' is neither a number from 1 to 99 nor off",
			       text);
}

static enum vmsnd_rc check_words(struct vmsnd_schema_check *check)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	const char *level = vmsnd_conf_text(&check->conf, "log");
	struct vmsnd_place place = vmsnd_schema_place(check->root, "version");

	if (vmsnd_conf_uint(&check->conf, "version") != 1)
		return vmsnd_error_set(check->error, &place,
				       "version %s of this format is not known: this vmsnd reads "
				       "version 1",
				       vmsnd_conf_text(&check->conf, "version"));
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(level, levels[i]) == 0)
			return VMSND_OK;
	place = vmsnd_schema_place(check->root, "log");
	return vmsnd_error_set(check->error, &place,
			       "log: '%s' is none of error, warning, info, debug", level);
}

static void use_keys(struct vmsnd_schema_check *check, enum vmsnd_schema_part part)
{
	check->table.rows[0] = (struct vmsnd_option){.key = NULL};
	add(&check->table, parts[part].keys);
}

static enum vmsnd_rc check_load(struct vmsnd_schema_check *check, const struct vmsnd_node *load)
{
	static const struct vmsnd_schema_items items = {"module: NAME", 1024, false};
	enum vmsnd_rc rc = vmsnd_schema_check_items(check, load, &items);
	const struct vmsnd_node *item = vmsnd_node_first(load);

	for (; item && !rc; item = vmsnd_node_next(item)) {
		use_keys(check, VMSND_SCHEMA_MODULE);
		rc = vmsnd_schema_check_node(check, item, VMSND_SCHEMA_MODULE);
		if (!rc && !vmsnd_conf_given(&check->conf, "module"))
			rc = vmsnd_schema_no_name(check, item, "module");
	}
	return rc;
}

static enum vmsnd_rc check_modules(struct vmsnd_schema_check *check)
{
	const struct vmsnd_node *modules = vmsnd_node_find(check->root, "modules");
	const struct vmsnd_node *load = vmsnd_node_find(check->root, "modules.load");
	enum vmsnd_rc rc;

	if (!modules)
		return VMSND_OK;
	use_keys(check, VMSND_SCHEMA_MODULES);
	rc = vmsnd_schema_check_node(check, modules, VMSND_SCHEMA_MODULES);
	return rc || !load ? rc : check_load(check, load);
}

static enum vmsnd_rc check_machine(struct vmsnd_schema_check *check)
{
	enum vmsnd_rc rc;

	use_keys(check, VMSND_SCHEMA_MACHINE);
	rc = vmsnd_schema_check_node(check, check->root, VMSND_SCHEMA_MACHINE);
	if (!rc)
		rc = check_words(check);
	if (!rc)
		rc = check_priority(check);
	return rc ? rc : check_modules(check);
}

static enum vmsnd_rc check_rules(const struct vmsnd_schema_check *check)
{
	const struct vmsnd_node *rules = vmsnd_node_find(check->root, "transforms");
	struct vmsnd_place place;
	const char *leaf = rules ? vmsnd_leaf_at(rules, 0, NULL, &place) : NULL;

	if (leaf)
		return vmsnd_error_set(check->error, &place,
				       "transforms: item %s is one value: a rule is '- action: "
				       "NAME', and its other lines indented below that",
				       leaf);
	return vmsnd_rules_check(check->root, check->error);
}

static enum vmsnd_rc check_all(struct vmsnd_schema_check *check)
{
	enum vmsnd_rc rc = check_machine(check);

	if (!rc)
		rc = check_rules(check);
	return rc ? rc : vmsnd_schema_check_cards(check);
}

static size_t count_classes(const struct vmsnd_registry *registry)
{
	size_t n_drivers = 0, n_backends = 0;

	while (registry && vmsnd_registry_driver(registry, n_drivers))
		n_drivers++;
	while (registry && vmsnd_registry_backend(registry, n_backends))
		n_backends++;
	return n_drivers + n_backends;
}

static enum vmsnd_rc run(enum vmsnd_rc (*what)(struct vmsnd_schema_check *check),
			 const struct vmsnd_registry *registry, unsigned lanes,
			 const struct vmsnd_node *root, struct vmsnd_error *error)
{
	struct vmsnd_schema_check *check = calloc(1, sizeof(*check));
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	vmsnd_error_set(error, NULL, "out of memory for a configuration");
	if (!check)
		return rc;
	check->registry = registry;
	check->lanes = lanes;
	check->error = error;
	check->root = vmsnd_tree_copy(root);
	check->uses = calloc(count_classes(registry) + 1, sizeof(*check->uses));
	if (check->root && check->uses)
		rc = what(check);
	if (!rc)
		error->line[0] = '\0';
	vmsnd_tree_free(check->root);
	free(check->uses);
	free(check);
	return rc;
}

enum vmsnd_rc vmsnd_schema_check_machine(const struct vmsnd_node *root, struct vmsnd_error *error)
{
	return run(check_machine, NULL, 0, root, error);
}

enum vmsnd_rc vmsnd_machine_check(const struct vmsnd_registry *registry,
				  const struct vmsnd_node *root, struct vmsnd_error *error)
{
	return run(check_all, registry, 0, root, error);
}

enum vmsnd_rc vmsnd_schema_check_for(const struct vmsnd_registry *registry, unsigned lanes,
				     const struct vmsnd_node *root, struct vmsnd_error *error)
{
	return run(check_all, registry, lanes, root, error);
}
