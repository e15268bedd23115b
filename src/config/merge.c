/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole trees: copied, merged, compared. */
#include <string.h>

#include "config/node.h"

enum vmsnd_rc vmsnd_tree_merge(struct vmsnd_node *into, const struct vmsnd_node *from, bool replace)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (into == from)
		return VMSND_OK;
	if (into->tree == from->tree) { /* one may lie in the other: then this would never end */
		struct vmsnd_node *copy = vmsnd_tree_copy(from);

		rc = copy ? vmsnd_tree_merge(into, copy, replace) : VMSND_E_NOMEM;
		vmsnd_tree_free(copy);
		return rc;
	}
	for (struct vmsnd_entry *leaf = from->leaves.first; leaf && !rc; leaf = leaf->next)
		if (replace || !vmsnd_leaf_of(into, leaf->name))
			rc = vmsnd_leaf_copy(into, (struct vmsnd_leaf *)leaf);
	for (struct vmsnd_entry *at = from->children.first; at && !rc; at = at->next) {
		const struct vmsnd_node *theirs = (const struct vmsnd_node *)at;
		uint32_t before = into->children.n;
		struct vmsnd_node *ours = vmsnd_node_make(into, at->name);

		if (!ours)
			return VMSND_E_NOMEM;
		if (into->children.n > before) {
			ours->list = theirs->list;
			vmsnd_node_set_place(ours, &theirs->place);
		}
		rc = vmsnd_tree_merge(ours, theirs, replace);
	}
	return rc;
}

struct vmsnd_node *vmsnd_tree_copy(const struct vmsnd_node *node)
{
	struct vmsnd_node *copy = vmsnd_tree_new();

	if (!copy)
		return NULL;
	copy->list = node->list;
	vmsnd_node_set_place(copy, &node->place);
	if (vmsnd_tree_merge(copy, node, true)) {
		vmsnd_tree_free(copy);
		return NULL;
	}
	return copy;
}

static bool is_same_value(const struct vmsnd_value *a, const struct vmsnd_value *b)
{
	return a->type == b->type && strcmp(a->text, b->text) == 0 && a->uint == b->uint &&
	       a->sint == b->sint && a->on == b->on && a->n_bytes == b->n_bytes &&
	       (a->n_bytes == 0 || memcmp(a->bytes, b->bytes, a->n_bytes) == 0) &&
	       (a->real == b->real || (a->real != a->real && b->real != b->real));
}

bool vmsnd_tree_equal(const struct vmsnd_node *a, const struct vmsnd_node *b)
{
	const struct vmsnd_entry *one = a->leaves.first, *other = b->leaves.first;

	if (a->leaves.n != b->leaves.n || a->children.n != b->children.n ||
	    vmsnd_node_is_list(a) != vmsnd_node_is_list(b))
		return false;
	for (; one; one = one->next, other = other->next)
		if (strcmp(one->name, other->name) != 0 ||
		    !is_same_value(&((const struct vmsnd_leaf *)one)->value,
				   &((const struct vmsnd_leaf *)other)->value))
			return false;
	one = a->children.first;
	other = b->children.first;
	for (; one; one = one->next, other = other->next)
		if (strcmp(one->name, other->name) != 0 ||
		    !vmsnd_tree_equal((const struct vmsnd_node *)one,
				      (const struct vmsnd_node *)other))
			return false;
	return true;
}
