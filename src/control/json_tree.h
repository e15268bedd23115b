/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration trees as JSON, and back. */
#ifndef VMSND_CONTROL_JSON_TREE_H
#define VMSND_CONTROL_JSON_TREE_H

#include <jansson.h>

#include "vmsnd/tree.h"

/* Members of `object` into leaves and children of `node`. VMSND_E_INVALID: the line says what of it
 * no tree can hold. */
enum vmsnd_rc vmsnd_control_tree_of(struct vmsnd_node *node, const json_t *object,
				    struct vmsnd_error *error);
/* NULL: no memory. A list becomes an array when nothing of it is missing. */
json_t *vmsnd_control_of_tree(const struct vmsnd_node *node);
/* Never another value: beyond 2^63 - 1, or not finite, it is the text. */
json_t *vmsnd_control_of_value(const struct vmsnd_value *value);

#endif
