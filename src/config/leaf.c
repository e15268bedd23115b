/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaves: typed values under names of their own (CF-01), and the two ways to be absent (CF-05). */
#include <stdlib.h>
#include <string.h>

#include "config/base64.h"
#include "config/node.h"
#include "config/utf8.h"
#include "config/word.h"

struct vmsnd_leaf *vmsnd_leaf_of(const struct vmsnd_node *node, const char *name)
{
	return (struct vmsnd_leaf *)vmsnd_map_find(&node->leaves, name, strlen(name));
}

void vmsnd_leaves_free(struct vmsnd_node *node)
{
	while (node->leaves.first) {
		struct vmsnd_entry *leaf = node->leaves.first;

		vmsnd_map_remove(&node->leaves, leaf);
		free(leaf);
	}
	vmsnd_map_fini(&node->leaves);
}

/* The value with what its type does not use left out, so that equal values look equal. */
static struct vmsnd_value plain_value(const struct vmsnd_value *value)
{
	struct vmsnd_value plain = {.type = value->type, .text = value->text};

	switch (value->type) {
	case VMSND_VALUE_UINT:
		plain.uint = value->uint;
		break;
	case VMSND_VALUE_INT:
		if (value->sint >= 0) {
			plain.type = VMSND_VALUE_UINT;
			plain.uint = (uint64_t)value->sint;
		} else {
			plain.sint = value->sint;
		}
		break;
	case VMSND_VALUE_BOOL:
		plain.on = value->on;
		break;
	case VMSND_VALUE_REAL:
		plain.real = value->real;
		break;
	case VMSND_VALUE_TEXT:
		break;
	case VMSND_VALUE_BYTES:
		plain.text = NULL; /* made of the bytes */
		plain.bytes = value->bytes;
		plain.n_bytes = value->n_bytes;
		break;
	}
	return plain;
}

/* One piece of memory: name, text, bytes. */
static struct vmsnd_leaf *leaf_new(const char *name, const struct vmsnd_value *value)
{
	bool binary = value->type == VMSND_VALUE_BYTES;
	size_t name_bytes = strlen(name) + 1;
	size_t text_bytes = (binary ? VMSND_BASE64_CHARS(value->n_bytes) : strlen(value->text)) + 1;
	struct vmsnd_leaf *leaf =
	    calloc(1, sizeof(*leaf) + name_bytes + text_bytes + value->n_bytes);
	char *text, *bytes;

	if (!leaf)
		return NULL;
	text = leaf->room + name_bytes;
	bytes = text + text_bytes;
	leaf->entry.name = memcpy(leaf->room, name, name_bytes);
	if (binary)
		vmsnd_base64_encode(value->bytes, value->n_bytes, text);
	else
		memcpy(text, value->text, text_bytes);
	if (value->n_bytes > 0)
		memcpy(bytes, value->bytes, value->n_bytes);
	leaf->value = *value;
	leaf->value.text = text;
	leaf->value.bytes = binary ? bytes : NULL;
	return leaf;
}

static bool is_good_value(const struct vmsnd_value *value)
{
	size_t bytes;

	if (value->type > VMSND_VALUE_BYTES || value->n_bytes > VMSND_TREE_LEAF_BYTES_MAX)
		return false;
	if (value->type == VMSND_VALUE_BYTES)
		return value->bytes || value->n_bytes == 0;
	if (!value->text)
		return value->type != VMSND_VALUE_TEXT;
	bytes = strnlen(value->text, VMSND_TREE_LEAF_BYTES_MAX + 1);
	return bytes <= VMSND_TREE_LEAF_BYTES_MAX && vmsnd_utf8_is_good(value->text, bytes);
}

enum vmsnd_rc vmsnd_leaf_set(struct vmsnd_node *node, const char *name,
			     const struct vmsnd_value *value, const struct vmsnd_place *place)
{
	struct vmsnd_value plain = plain_value(value);
	struct vmsnd_leaf *old, *leaf;
	char spelling[VMSND_WORD_BYTES];

	if (!vmsnd_name_is_good(name, strnlen(name, VMSND_NODE_NAME_BYTES)) ||
	    !is_good_value(&plain))
		return VMSND_E_INVALID;
	if (!plain.text && plain.type != VMSND_VALUE_BYTES)
		plain.text = vmsnd_word_of(&plain, spelling);
	leaf = leaf_new(name, &plain);
	if (!leaf)
		return VMSND_E_NOMEM;
	if (place)
		leaf->place = vmsnd_tree_keep_place(node->tree, place);
	old = vmsnd_leaf_of(node, name);
	if (old)
		vmsnd_map_replace(&node->leaves, &old->entry, &leaf->entry);
	else
		vmsnd_map_add(&node->leaves, &leaf->entry);
	free(old); /* last: `name` and `value` may lie in it */
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_leaf_copy(struct vmsnd_node *into, const struct vmsnd_leaf *leaf)
{
	return vmsnd_leaf_set(into, leaf->entry.name, &leaf->value, &leaf->place);
}

enum vmsnd_rc vmsnd_leaf_set_text(struct vmsnd_node *node, const char *name, const char *text)
{
	return vmsnd_leaf_set(node, name,
			      &(struct vmsnd_value){.type = VMSND_VALUE_TEXT, .text = text}, NULL);
}

enum vmsnd_rc vmsnd_leaf_set_uint(struct vmsnd_node *node, const char *name, uint64_t value)
{
	return vmsnd_leaf_set(node, name,
			      &(struct vmsnd_value){.type = VMSND_VALUE_UINT, .uint = value}, NULL);
}

enum vmsnd_rc vmsnd_leaf_set_int(struct vmsnd_node *node, const char *name, int64_t value)
{
	return vmsnd_leaf_set(node, name,
			      &(struct vmsnd_value){.type = VMSND_VALUE_INT, .sint = value}, NULL);
}

enum vmsnd_rc vmsnd_leaf_set_bool(struct vmsnd_node *node, const char *name, bool on)
{
	return vmsnd_leaf_set(node, name, &(struct vmsnd_value){.type = VMSND_VALUE_BOOL, .on = on},
			      NULL);
}

enum vmsnd_rc vmsnd_leaf_set_real(struct vmsnd_node *node, const char *name, double value)
{
	return vmsnd_leaf_set(node, name,
			      &(struct vmsnd_value){.type = VMSND_VALUE_REAL, .real = value}, NULL);
}

enum vmsnd_rc vmsnd_leaf_set_bytes(struct vmsnd_node *node, const char *name, const void *bytes,
				   size_t n_bytes)
{
	return vmsnd_leaf_set(
	    node, name,
	    &(struct vmsnd_value){.type = VMSND_VALUE_BYTES, .bytes = bytes, .n_bytes = n_bytes},
	    NULL);
}

bool vmsnd_leaf_remove(struct vmsnd_node *node, const char *name)
{
	struct vmsnd_leaf *leaf = vmsnd_leaf_of(node, name);

	if (!leaf)
		return false;
	vmsnd_map_remove(&node->leaves, &leaf->entry);
	free(leaf);
	return true;
}

enum vmsnd_rc vmsnd_leaf_get(const struct vmsnd_node *node, const char *path,
			     struct vmsnd_value *value, struct vmsnd_place *place)
{
	const char *name;
	const struct vmsnd_node *holder = vmsnd_node_of_leaf(node, path, &name);
	const struct vmsnd_leaf *leaf = holder ? vmsnd_leaf_of(holder, name) : NULL;

	if (!leaf)
		return holder ? VMSND_E_NO_VALUE : VMSND_E_NO_NODE;
	if (value)
		*value = leaf->value;
	if (place)
		*place = leaf->place;
	return VMSND_OK;
}

static bool is_there(const struct vmsnd_node *node, const char *path, struct vmsnd_value *value)
{
	return vmsnd_leaf_get(node, path, value, NULL) == VMSND_OK;
}

enum vmsnd_rc vmsnd_leaf_uint(const struct vmsnd_node *node, const char *path, uint64_t absent,
			      uint64_t *out)
{
	struct vmsnd_value value;

	*out = absent;
	return !is_there(node, path, &value) || vmsnd_value_as_uint(&value, out) ? VMSND_OK
										 : VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_leaf_int(const struct vmsnd_node *node, const char *path, int64_t absent,
			     int64_t *out)
{
	struct vmsnd_value value;

	*out = absent;
	return !is_there(node, path, &value) || vmsnd_value_as_int(&value, out) ? VMSND_OK
										: VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_leaf_bool(const struct vmsnd_node *node, const char *path, bool absent,
			      bool *out)
{
	struct vmsnd_value value;

	*out = absent;
	if (!is_there(node, path, &value))
		return VMSND_OK;
	if (value.type != VMSND_VALUE_BOOL)
		return VMSND_E_INVALID;
	*out = value.on;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_leaf_real(const struct vmsnd_node *node, const char *path, double absent,
			      double *out)
{
	struct vmsnd_value value;

	*out = absent;
	return !is_there(node, path, &value) || vmsnd_value_as_real(&value, out) ? VMSND_OK
										 : VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_leaf_text(const struct vmsnd_node *node, const char *path, const char *absent,
			      const char **out)
{
	struct vmsnd_value value;

	*out = is_there(node, path, &value) ? value.text : absent;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_leaf_bytes(const struct vmsnd_node *node, const char *path, const void **out,
			       size_t *n_bytes)
{
	struct vmsnd_value value;

	*out = NULL;
	*n_bytes = 0;
	if (!is_there(node, path, &value))
		return VMSND_OK;
	if (value.type != VMSND_VALUE_BYTES)
		return VMSND_E_INVALID;
	*out = value.bytes;
	*n_bytes = value.n_bytes;
	return VMSND_OK;
}

const char *vmsnd_leaf_at(const struct vmsnd_node *node, size_t index, struct vmsnd_value *value,
			  struct vmsnd_place *place)
{
	/* The map notes where it was; a node is never made const. */
	struct vmsnd_map *leaves = (struct vmsnd_map *)&node->leaves;
	const struct vmsnd_leaf *leaf = (struct vmsnd_leaf *)vmsnd_map_at(leaves, index);

	if (!leaf)
		return NULL;
	if (value)
		*value = leaf->value;
	if (place)
		*place = leaf->place;
	return leaf->entry.name;
}
