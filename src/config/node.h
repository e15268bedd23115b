/* SPDX-License-Identifier: BSD-3-Clause */
/* config/node.h - what a tree is made of. For the files of this folder. */
#ifndef VMSND_CONFIG_NODE_H
#define VMSND_CONFIG_NODE_H

#include "config/map.h"
#include "vmsnd/tree.h"

/* What all nodes of one tree share. */
struct vmsnd_tree {
	struct vmsnd_map files; /* of places: each name is kept once */
	uint32_t n_nodes;
};

struct vmsnd_leaf {
	struct vmsnd_entry entry;
	struct vmsnd_value value; /* pointers into `room` */
	struct vmsnd_place place; /* `file` is the tree's */
	char room[];
};

struct vmsnd_node {
	struct vmsnd_entry entry;
	struct vmsnd_tree *tree;
	struct vmsnd_node *parent;
	struct vmsnd_map children, leaves;
	struct vmsnd_place place;
	uint8_t depth; /* 0: a root */
	bool restricted, list;
	char name[];
};

/* Whether a node or leaf may have this name. */
bool vmsnd_name_is_good(const char *name, size_t bytes);
/* A place as `tree` keeps it; one whose file cannot be kept for want of memory loses the file. */
struct vmsnd_place vmsnd_tree_keep_place(struct vmsnd_tree *tree, const struct vmsnd_place *place);
/* The node of `path` but for its last name, which is put into *name; NULL: not there. */
struct vmsnd_node *vmsnd_node_of_leaf(const struct vmsnd_node *node, const char *path,
				      const char **name);
struct vmsnd_leaf *vmsnd_leaf_of(const struct vmsnd_node *node, const char *name);
void vmsnd_leaves_free(struct vmsnd_node *node);
/* Reads and writes all leaves. VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_leaf_copy(struct vmsnd_node *into, const struct vmsnd_leaf *leaf);

#endif
