/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes from option text and back, and single settings of a command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/node.h"
#include "config/pair.h"

const char *vmsnd_pair_take(const char *text, char *part, size_t bytes)
{
	size_t at = 0;

	while (*text) {
		if (*text == ',' && text[1] != ',')
			break;
		if (*text == ',')
			text++;
		if (at + 1 >= bytes)
			return NULL;
		part[at++] = *text++;
	}
	part[at] = '\0';
	return *text ? text + 1 : text;
}

static enum vmsnd_rc set_word(struct vmsnd_node *node, const char *name, const char *word,
			      const struct vmsnd_place *place, struct vmsnd_error *error)
{
	struct vmsnd_value value;
	enum vmsnd_rc rc;

	vmsnd_value_of_word(word, &value);
	rc = vmsnd_leaf_set(node, name, &value, place);
	if (rc == VMSND_E_NOMEM) {
		vmsnd_error_set(error, place, "%s: no memory", name);
	} else if (rc && !vmsnd_name_is_good(name, strlen(name))) {
		vmsnd_error_set(error, place, "'%.80s' cannot be the name of an option", name);
	} else if (rc) {
		vmsnd_error_set(error, place, "the value of %s is too long or is not UTF-8", name);
	}
	return rc;
}

/* "key=value" into a leaf that was not there. */
static enum vmsnd_rc take_option(struct vmsnd_node *node, char *pair, bool deep,
				 const struct vmsnd_place *place, struct vmsnd_error *error)
{
	char *equals = strchr(pair, '=');
	struct vmsnd_value value;

	if (!*pair)
		return vmsnd_error_set(error, place, "an option is missing between two commas");
	if (!equals)
		return vmsnd_error_set(error, place, "%s needs a value: %s=...", pair, pair);
	*equals = '\0';
	deep = deep && strchr(pair, '.');
	if (vmsnd_leaf_of(node, pair) || (deep && !vmsnd_leaf_get(node, pair, &value, NULL)))
		return vmsnd_error_set(error, place, "%s is given twice", pair);
	if (deep)
		return vmsnd_tree_set(node, pair, equals + 1, place, error);
	return set_word(node, pair, equals + 1, place, error);
}

static enum vmsnd_rc take_text(struct vmsnd_node *node, const char *key, const char *text,
			       const struct vmsnd_place *place, struct vmsnd_error *error)
{
	size_t bytes = strlen(text) + 1;
	char *part = malloc(bytes);
	enum vmsnd_rc rc = VMSND_OK;
	bool deep = key && strcmp(key, "device") == 0; /* a card's: it may have children */

	if (!part) {
		vmsnd_error_set(error, place, "no memory");
		return VMSND_E_NOMEM;
	}
	if (key) {
		text = vmsnd_pair_take(text, part, bytes);
		rc = *part ? set_word(node, key, part, place, error)
			   : vmsnd_error_set(error, place, "the name of a %s comes first", key);
	}
	while (!rc && *text) {
		text = vmsnd_pair_take(text, part, bytes);
		rc = take_option(node, part, deep, place, error);
	}
	free(part);
	return rc;
}

enum vmsnd_rc vmsnd_tree_from_text(struct vmsnd_node *node, const char *key, const char *text,
				   const struct vmsnd_place *place, struct vmsnd_error *error)
{
	struct vmsnd_node *fresh = vmsnd_tree_new(); /* all or nothing */
	enum vmsnd_rc rc;

	if (!fresh)
		return VMSND_E_NOMEM;
	rc = take_text(fresh, key, text, place, error);
	if (!rc)
		rc = vmsnd_tree_merge(node, fresh, true);
	vmsnd_tree_free(fresh);
	return rc;
}

struct writer {
	char *text;
	size_t bytes, at;
	bool full;
};

static void put(struct writer *to, const char *text, bool double_commas)
{
	for (; *text && !to->full; text++) {
		unsigned times = double_commas && *text == ',' ? 2 : 1;

		to->full = to->bytes - to->at <= times;
		while (!to->full && times-- > 0)
			to->text[to->at++] = *text;
	}
}

static bool can_be_key(const char *name)
{
	return !strpbrk(name, ",=");
}

bool vmsnd_tree_to_text(const struct vmsnd_node *node, const char *key, char *text, size_t bytes)
{
	struct writer to = {text, bytes, 0, bytes == 0};
	const struct vmsnd_leaf *first = key ? vmsnd_leaf_of(node, key) : NULL;

	if (key && (!first || !*first->value.text))
		return false;
	if (first)
		put(&to, first->value.text, true);
	for (const struct vmsnd_entry *at = node->leaves.first; at; at = at->next) {
		const struct vmsnd_leaf *leaf = (const struct vmsnd_leaf *)at;

		if (leaf == first)
			continue;
		if (!can_be_key(at->name))
			return false;
		put(&to, to.at > 0 ? "," : "", false);
		put(&to, at->name, false);
		put(&to, "=", false);
		put(&to, leaf->value.text, true);
	}
	if (to.full)
		return false;
	text[to.at] = '\0';
	return true;
}

/* The names of a path, before anything is made of it. */
static enum vmsnd_rc check_path(const char *path, const struct vmsnd_place *place,
				struct vmsnd_error *error)
{
	unsigned names = 1;

	for (const char *name = path;; names++) {
		size_t bytes = strcspn(name, ".");

		if (!vmsnd_name_is_good(name, bytes))
			return vmsnd_error_set(error, place,
					       "'%.200s' is no path: names of 1 to "
					       "%u bytes with dots between them",
					       path, VMSND_NODE_NAME_BYTES - 1);
		if (!name[bytes])
			break;
		name += bytes + 1;
	}
	if (names > VMSND_TREE_DEPTH_MAX + 1)
		return vmsnd_error_set(error, place, "'%.200s' goes deeper than %u nodes", path,
				       VMSND_TREE_DEPTH_MAX);
	return VMSND_OK;
}

static enum vmsnd_rc remove_path(struct vmsnd_node *root, const char *path,
				 const struct vmsnd_place *place, struct vmsnd_error *error)
{
	const char *name;
	struct vmsnd_node *holder = vmsnd_node_of_leaf(root, path, &name);

	if (holder && (vmsnd_leaf_remove(holder, name) || vmsnd_node_remove(holder, name)))
		return VMSND_OK;
	vmsnd_error_set(error, place, "there is no '%.200s' to remove", path);
	return holder ? VMSND_E_NO_VALUE : VMSND_E_NO_NODE;
}

/* The node that holds the path's leaf, made with all on the way. *made: the first that was not
 * there and whose end takes the others along, or NULL. */
static struct vmsnd_node *make_way(struct vmsnd_node *node, const char *path,
				   const struct vmsnd_place *place, struct vmsnd_node **made)
{
	const char *dot;
	char name[VMSND_NODE_NAME_BYTES];

	*made = NULL;
	for (; node && (dot = strchr(path, '.')); path = dot + 1) {
		struct vmsnd_node *parent = node;
		uint32_t before = node->children.n;

		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		node = vmsnd_node_make(parent, name);
		if (!node || parent->children.n == before)
			continue;
		if (place)
			vmsnd_node_set_place(node, place);
		if (before == 0 && parent->leaves.n == 0 && strcmp(name, "0") == 0)
			parent->list = true;
		if (!*made)
			*made = node;
	}
	return node;
}

enum vmsnd_rc vmsnd_tree_set(struct vmsnd_node *root, const char *path, const char *value,
			     const struct vmsnd_place *place, struct vmsnd_error *error)
{
	enum vmsnd_rc rc = check_path(path, place, error);
	struct vmsnd_node *holder, *made;
	const char *name = strrchr(path, '.');

	if (rc)
		return rc;
	if (!value)
		return remove_path(root, path, place, error);
	holder = make_way(root, path, place, &made);
	if (holder)
		rc = set_word(holder, name ? name + 1 : path, value, place, error);
	else
		rc = vmsnd_error_set(
		    error, place, "'%.200s' cannot be made: too deep, too many nodes, or no memory",
		    path);
	if (rc && made)
		vmsnd_node_remove(made->parent, made->name);
	return rc;
}
