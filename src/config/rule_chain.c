/* SPDX-License-Identifier: BSD-3-Clause */
/* Driver chains as nodes: outputs.N has a list `drivers`, each with a leaf `driver`; the backend is
 * the output's own leaf `backend` with the leaves beside it. */
#include "config/rule_chain.h"

#include <stdio.h>
#include <string.h>

#include "config/node.h"

enum vmsnd_rc vmsnd_rule_chain_begin(struct vmsnd_rule_chain *chain,
				     const struct vmsnd_node *output, struct vmsnd_error *error)
{
	struct vmsnd_node *drivers;

	chain->output = vmsnd_tree_copy(output);
	if (!chain->output)
		return VMSND_E_NOMEM;
	drivers = vmsnd_node_find(chain->output, "drivers");
	while (drivers && drivers->children.first) {
		const struct vmsnd_node *item = vmsnd_node_first(drivers);

		if (!vmsnd_leaf_of(item, "driver"))
			return vmsnd_error_set(error, &item->place,
					       "item %s of 'drivers' has no option 'driver'",
					       item->name);
		if (chain->n == VMSND_RULE_CHAIN_MAX)
			return vmsnd_error_set(error, &item->place, "more than %u drivers",
					       VMSND_RULE_CHAIN_MAX);
		chain->drivers[chain->n] = vmsnd_tree_copy(item);
		if (!chain->drivers[chain->n])
			return VMSND_E_NOMEM;
		chain->n++;
		vmsnd_node_remove(drivers, item->name);
	}
	return VMSND_OK;
}

void vmsnd_rule_chain_end(struct vmsnd_rule_chain *chain)
{
	vmsnd_rule_chain_cut(chain, 0, chain->n);
	vmsnd_tree_free(chain->output);
}

/* The drivers back into the copy. */
static enum vmsnd_rc gather(struct vmsnd_rule_chain *chain)
{
	struct vmsnd_node *list, *item;
	enum vmsnd_rc rc = VMSND_OK;
	char number[16];

	if (chain->n == 0) {
		vmsnd_node_remove(chain->output, "drivers");
		return VMSND_OK;
	}
	list = vmsnd_node_make(chain->output, "drivers");
	if (!list)
		return VMSND_E_NOMEM;
	list->list = true;
	for (unsigned i = 0; i < chain->n && !rc; i++) {
		snprintf(number, sizeof(number), "%u", i);
		item = vmsnd_node_make(list, number);
		if (!item)
			return VMSND_E_NOMEM;
		item->place = vmsnd_tree_keep_place(item->tree, &chain->drivers[i]->place);
		rc = vmsnd_tree_merge(item, chain->drivers[i], true);
	}
	return rc;
}

enum vmsnd_rc vmsnd_rule_chain_write(struct vmsnd_rule_chain *chain, struct vmsnd_node *output,
				     bool *changed)
{
	enum vmsnd_rc rc = gather(chain);

	if (rc)
		return rc;
	*changed = !vmsnd_tree_equal(chain->output, output);
	if (!*changed)
		return VMSND_OK;
	while (output->children.first)
		vmsnd_node_remove(output, output->children.first->name);
	vmsnd_leaves_free(output);
	return vmsnd_tree_merge(output, chain->output, true);
}

struct vmsnd_node *vmsnd_rule_chain_node(const struct vmsnd_rule_chain *chain, unsigned at)
{
	return at < chain->n ? chain->drivers[at] : chain->output;
}

const char *vmsnd_rule_chain_name(const struct vmsnd_rule_chain *chain, unsigned at)
{
	const char *name;

	vmsnd_leaf_text(vmsnd_rule_chain_node(chain, at), at < chain->n ? "driver" : "backend",
			VMSND_RULE_CHAIN_NONE, &name);
	return name;
}

const char *vmsnd_rule_chain_mark(const struct vmsnd_rule_chain *chain, unsigned at)
{
	const char *mark;

	vmsnd_leaf_text(vmsnd_rule_chain_node(chain, at), VMSND_RULE_MARK, NULL, &mark);
	return mark;
}

enum vmsnd_rc vmsnd_rule_chain_insert(struct vmsnd_rule_chain *chain, unsigned at,
				      const struct vmsnd_node *drivers, const char *mark)
{
	struct vmsnd_node *item = drivers ? vmsnd_node_first(drivers) : NULL;

	for (; item; item = vmsnd_node_next(item), at++) {
		struct vmsnd_node *copy;

		if (chain->n == VMSND_RULE_CHAIN_MAX)
			return VMSND_E_LIMIT;
		copy = vmsnd_tree_copy(item);
		if (!copy || vmsnd_leaf_set_text(copy, VMSND_RULE_MARK, mark)) {
			vmsnd_tree_free(copy);
			return VMSND_E_NOMEM;
		}
		memmove(chain->drivers + at + 1, chain->drivers + at,
			(chain->n - at) * sizeof(chain->drivers[0]));
		chain->drivers[at] = copy;
		chain->n++;
	}
	return VMSND_OK;
}

void vmsnd_rule_chain_cut(struct vmsnd_rule_chain *chain, unsigned at, unsigned end)
{
	for (unsigned i = at; i < end; i++)
		vmsnd_tree_free(chain->drivers[i]);
	memmove(chain->drivers + at, chain->drivers + end,
		(chain->n - end) * sizeof(chain->drivers[0]));
	chain->n -= end - at;
}

static bool stays(const struct vmsnd_option *table, const char *name)
{
	for (; table && table->key; table++)
		if (strcmp(table->key, name) == 0)
			return true;
	return false;
}

void vmsnd_rule_chain_detach(struct vmsnd_rule_chain *chain)
{
	struct vmsnd_entry *leaf = chain->output->leaves.first, *next;

	for (; leaf; leaf = next) {
		next = leaf->next;
		if (!stays(chain->stay, leaf->name))
			vmsnd_leaf_remove(chain->output, leaf->name);
	}
}

enum vmsnd_rc vmsnd_rule_chain_attach(struct vmsnd_rule_chain *chain, const char *backend,
				      const struct vmsnd_node *config, const char *mark)
{
	enum vmsnd_rc rc;

	vmsnd_rule_chain_detach(chain);
	rc = vmsnd_leaf_set_text(chain->output, "backend", backend);
	if (!rc && config)
		rc = vmsnd_tree_merge(chain->output, config, true);
	return rc ? rc : vmsnd_leaf_set_text(chain->output, VMSND_RULE_MARK, mark);
}
