/* SPDX-License-Identifier: BSD-3-Clause */
/* What a configuration stands for, written out: its defaults, and what rules make of its chains. */
#include <stdlib.h>

#include "manager/card.h"
#include "manager/output.h"
#include "manager/schema.h"

/* ---- defaults ---- */

static enum vmsnd_rc fill_leaf(struct vmsnd_node *node, const struct vmsnd_option *row)
{
	struct vmsnd_value value;

	if (!row->value || vmsnd_leaf_get(node, row->key, &value, NULL) == VMSND_OK)
		return VMSND_OK;
	vmsnd_value_of_word(row->value, &value);
	return vmsnd_leaf_set(node, row->key, &value, NULL);
}

static enum vmsnd_rc fill_node(struct vmsnd_node *node, const struct vmsnd_option *rows)
{
	enum vmsnd_rc rc = VMSND_OK;

	for (; rows->key && !rc; rows++)
		rc = fill_leaf(node, rows);
	return rc;
}

static enum vmsnd_rc fill_output(const struct vmsnd_registry *registry, struct vmsnd_node *output)
{
	struct vmsnd_node *drivers = vmsnd_node_find(output, "drivers");
	struct vmsnd_schema_table table;
	const char *name;
	enum vmsnd_rc rc;

	vmsnd_leaf_text(output, "backend", "", &name);
	vmsnd_schema_join_output(&table, vmsnd_registry_find_backend(registry, name));
	rc = fill_node(output, table.rows);
	for (struct vmsnd_node *at = drivers ? vmsnd_node_first(drivers) : NULL; at && !rc;
	     at = vmsnd_node_next(at)) {
		vmsnd_leaf_text(at, "driver", "", &name);
		vmsnd_schema_join_driver(&table, vmsnd_registry_find_driver(registry, name));
		rc = fill_node(at, table.rows);
	}
	return rc;
}

/* A card that says nothing of outputs has one that plays into nothing. */
static struct vmsnd_node *outputs_of(struct vmsnd_node *card)
{
	struct vmsnd_node *outputs = vmsnd_node_find(card, "outputs"), *first;

	if (outputs)
		return outputs;
	outputs = vmsnd_node_make(card, "outputs");
	if (!outputs)
		return NULL;
	vmsnd_node_set_list(outputs, true);
	first = vmsnd_node_make(outputs, "0");
	return first && !vmsnd_leaf_set_text(first, "backend", VMSND_SCHEMA_BACKEND) ? outputs
										     : NULL;
}

static enum vmsnd_rc fill_card(const struct vmsnd_registry *registry, struct vmsnd_node *card)
{
	struct vmsnd_node *outputs = outputs_of(card);
	struct vmsnd_schema_table table;
	const struct vmsnd_dev_class *cls;
	const char *device;
	enum vmsnd_rc rc;

	if (!outputs)
		return VMSND_E_NOMEM;
	vmsnd_leaf_text(card, "device", "", &device);
	cls = vmsnd_registry_find_device(registry, device);
	vmsnd_schema_join_card(&table, cls, vmsnd_card_transport(registry, card, cls));
	rc = fill_node(card, table.rows);
	for (struct vmsnd_node *at = vmsnd_node_first(outputs); at && !rc; at = vmsnd_node_next(at))
		rc = fill_output(registry, at);
	return rc;
}

enum vmsnd_rc vmsnd_schema_fill_cards(const struct vmsnd_registry *registry,
				      struct vmsnd_node *root)
{
	const struct vmsnd_node *cards = vmsnd_node_make(root, "cards");
	enum vmsnd_rc rc = cards ? VMSND_OK : VMSND_E_NOMEM;

	for (struct vmsnd_node *at = cards ? vmsnd_node_first(cards) : NULL; at && !rc;
	     at = vmsnd_node_next(at))
		rc = fill_card(registry, at);
	return rc;
}

enum vmsnd_rc vmsnd_schema_fill(const struct vmsnd_registry *registry, struct vmsnd_node *root)
{
	struct vmsnd_node *modules = vmsnd_node_make(root, "modules");
	struct vmsnd_node *load = modules ? vmsnd_node_find(modules, "load") : NULL;
	enum vmsnd_rc rc = modules ? VMSND_OK : VMSND_E_NOMEM;

	if (!rc)
		rc = fill_node(root, vmsnd_schema_keys(VMSND_SCHEMA_MACHINE));
	if (!rc)
		rc = fill_node(modules, vmsnd_schema_keys(VMSND_SCHEMA_MODULES));
	for (struct vmsnd_node *at = load ? vmsnd_node_first(load) : NULL; at && !rc;
	     at = vmsnd_node_next(at))
		rc = fill_node(at, vmsnd_schema_keys(VMSND_SCHEMA_MODULE));
	return rc ? rc : vmsnd_schema_fill_cards(registry, root);
}

/* ---- rules ---- */

/* One that is left without a backend is not attached (CF-06). */
static enum vmsnd_rc rewrite_output(const struct vmsnd_node *root, struct vmsnd_node *output,
				    const char *device, struct vmsnd_error *error)
{
	struct vmsnd_rules_at at = {.device = device,
				    .lun = (unsigned)strtoul(vmsnd_node_name(output), NULL, 10),
				    .stay = vmsnd_output_options()};
	const char *backend;
	enum vmsnd_rc rc = vmsnd_rules_apply(root, output, &at, error);

	vmsnd_leaf_text(output, "backend", "", &backend);
	if (!rc && !*backend)
		vmsnd_node_remove(vmsnd_node_parent(output), vmsnd_node_name(output));
	return rc;
}

static enum vmsnd_rc rewrite_card(const struct vmsnd_node *root, struct vmsnd_node *card,
				  struct vmsnd_error *error)
{
	struct vmsnd_node *outputs = outputs_of(card), *next;
	enum vmsnd_rc rc = outputs ? VMSND_OK : VMSND_E_NOMEM;
	const char *device;

	vmsnd_leaf_text(card, "device", "", &device);
	for (struct vmsnd_node *at = outputs ? vmsnd_node_first(outputs) : NULL; at && !rc;
	     at = next) {
		next = vmsnd_node_next(at);
		rc = rewrite_output(root, at, device, error);
	}
	return rc;
}

enum vmsnd_rc vmsnd_schema_apply_rules(struct vmsnd_node *root, struct vmsnd_error *error)
{
	const struct vmsnd_node *cards = vmsnd_node_find(root, "cards");
	enum vmsnd_rc rc = VMSND_OK;

	vmsnd_error_set(error, NULL, "out of memory for a configuration");
	if (!cards || !vmsnd_node_find(root, "transforms"))
		return VMSND_OK;
	for (struct vmsnd_node *at = vmsnd_node_first(cards); at && !rc; at = vmsnd_node_next(at))
		rc = rewrite_card(root, at, error);
	return rc;
}
