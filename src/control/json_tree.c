/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration trees as JSON, and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"

/* ---- JSON into a tree ---- */

/* Called for what is nested, too; requests are not nested deeper than frame.h allows. */
static enum vmsnd_rc put(struct vmsnd_node *node, const char *name, const json_t *value,
			 struct vmsnd_error *error);

static enum vmsnd_rc refuse(const struct vmsnd_node *node, const char *name, const char *why,
			    struct vmsnd_error *error)
{
	char path[200];

	vmsnd_node_path(node, path, sizeof(path));
	return vmsnd_error_set(error, NULL, "%s.%.70s %s", path, name, why);
}

static enum vmsnd_rc put_array(struct vmsnd_node *node, const json_t *array,
			       struct vmsnd_error *error)
{
	enum vmsnd_rc rc = VMSND_OK;
	char name[24];

	vmsnd_node_set_list(node, true);
	for (size_t i = 0; !rc && i < json_array_size(array); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		rc = put(node, name, json_array_get(array, i), error);
	}
	return rc;
}

static enum vmsnd_rc put_nested(struct vmsnd_node *node, const char *name, const json_t *value,
				struct vmsnd_error *error)
{
	struct vmsnd_node *child = vmsnd_node_make(node, name);

	if (!child)
		return refuse(node, name, "cannot be: its name, or there is too much", error);
	return json_is_array(value) ? put_array(child, value, error)
				    : vmsnd_control_tree_of(child, value, error);
}

static enum vmsnd_rc put_leaf(struct vmsnd_node *node, const char *name, const json_t *value)
{
	json_int_t number = json_integer_value(value);

	if (json_is_string(value))
		return vmsnd_leaf_set_text(node, name, json_string_value(value));
	if (json_is_boolean(value))
		return vmsnd_leaf_set_bool(node, name, json_is_true(value));
	if (json_is_real(value))
		return vmsnd_leaf_set_real(node, name, json_real_value(value));
	return number < 0 ? vmsnd_leaf_set_int(node, name, number)
			  : vmsnd_leaf_set_uint(node, name, (uint64_t)number);
}

static enum vmsnd_rc put(struct vmsnd_node *node, const char *name, const json_t *value,
			 struct vmsnd_error *error)
{
	if (json_is_object(value) || json_is_array(value))
		return put_nested(node, name, value, error);
	if (json_is_null(value))
		return refuse(node, name, "is null: leave it out", error);
	if (put_leaf(node, name, value))
		return refuse(node, name, "cannot be: its name, or there is too much", error);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_control_tree_of(struct vmsnd_node *node, const json_t *object,
				    struct vmsnd_error *error)
{
	/* jansson's iterators want to be able to change what they go through. */
	json_t *all = (json_t *)(uintptr_t)object;
	enum vmsnd_rc rc = VMSND_OK;

	for (void *at = json_object_iter(all); !rc && at; at = json_object_iter_next(all, at))
		rc = put(node, json_object_iter_key(at), json_object_iter_value(at), error);
	return rc;
}

/* ---- a tree into JSON ---- */

/* What no number of JSON can be is shown as its text, which a configuration takes, too. */
json_t *vmsnd_control_of_value(const struct vmsnd_value *value)
{
	if (value->type == VMSND_VALUE_UINT && value->uint <= INT64_MAX)
		return json_integer((json_int_t)value->uint);
	if (value->type == VMSND_VALUE_INT)
		return json_integer((json_int_t)value->sint);
	if (value->type == VMSND_VALUE_BOOL)
		return json_boolean(value->on);
	if (value->type == VMSND_VALUE_REAL && isfinite(value->real))
		return json_real(value->real);
	return vmsnd_control_text(value->text); /* bytes: base64 */
}

/* A leaf and a child may have the same name; then the child has a dot behind it, which no name has
 * itself. */
static void add_child(json_t *object, const struct vmsnd_node *child)
{
	char name[VMSND_NODE_NAME_BYTES + 2];

	snprintf(name, sizeof(name), "%s%s", vmsnd_node_name(child),
		 json_object_get(object, vmsnd_node_name(child)) ? "." : "");
	json_object_set_new(object, name, vmsnd_control_of_tree(child));
}

/* The members "0", "1", ... as an array; `object` is given up. */
static json_t *as_array(json_t *object)
{
	json_t *array = json_array();
	char name[24];

	for (size_t i = 0; i < json_object_size(object); i++) {
		json_t *member;

		snprintf(name, sizeof(name), "%zu", i);
		member = json_object_get(object, name);
		if (!member) {
			json_decref(array);
			return object;
		}
		json_array_append(array, member);
	}
	json_decref(object);
	return array;
}

/* As deep as a tree may be: VMSND_TREE_DEPTH_MAX. */
json_t *vmsnd_control_of_tree(const struct vmsnd_node *node)
{
	json_t *object = json_object();
	struct vmsnd_value value;
	const char *name;

	for (size_t i = 0; (name = vmsnd_leaf_at(node, i, &value, NULL)); i++)
		json_object_set_new(object, name, vmsnd_control_of_value(&value));
	for (struct vmsnd_node *child = vmsnd_node_first(node); child;
	     child = vmsnd_node_next(child))
		add_child(object, child);
	return vmsnd_node_is_list(node) ? as_array(object) : object;
}
