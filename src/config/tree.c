/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: made, found, taken away (CF-01, CF-03). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/node.h"
#include "config/utf8.h"

bool vmsnd_name_is_good(const char *name, size_t bytes)
{
	if (bytes == 0 || bytes >= VMSND_NODE_NAME_BYTES)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f || name[i] == '.')
			return false;
	return vmsnd_utf8_is_good(name, bytes);
}

static struct vmsnd_node *node_new(struct vmsnd_tree *tree, const char *name, size_t bytes)
{
	struct vmsnd_node *node = calloc(1, sizeof(*node) + bytes + 1);

	if (!node)
		return NULL;
	memcpy(node->name, name, bytes);
	node->entry.name = node->name;
	node->tree = tree;
	tree->n_nodes++;
	return node;
}

struct vmsnd_node *vmsnd_tree_new(void)
{
	struct vmsnd_tree *tree = calloc(1, sizeof(*tree));
	struct vmsnd_node *root = tree ? node_new(tree, "", 0) : NULL;

	if (!root)
		free(tree);
	return root;
}

/* As deep as trees may be. */
static void node_free(struct vmsnd_node *node)
{
	while (node->children.first) {
		struct vmsnd_entry *child = node->children.first;

		vmsnd_map_remove(&node->children, child);
		node_free((struct vmsnd_node *)child);
	}
	vmsnd_leaves_free(node);
	vmsnd_map_fini(&node->children);
	node->tree->n_nodes--;
	free(node);
}

void vmsnd_tree_free(struct vmsnd_node *root)
{
	struct vmsnd_tree *tree = root ? root->tree : NULL;

	if (!root || root->parent) /* who was given a part does not own it (CF-03) */
		return;
	node_free(root);
	while (tree->files.first) {
		struct vmsnd_entry *file = tree->files.first;

		vmsnd_map_remove(&tree->files, file);
		free(file);
	}
	vmsnd_map_fini(&tree->files);
	free(tree);
}

const char *vmsnd_node_name(const struct vmsnd_node *node)
{
	return node->name;
}

struct vmsnd_place vmsnd_tree_keep_place(struct vmsnd_tree *tree, const struct vmsnd_place *place)
{
	struct vmsnd_place kept = place ? *place : (struct vmsnd_place){0};
	struct vmsnd_entry *file;
	size_t bytes;

	if (!kept.file)
		return kept;
	bytes = strlen(place->file);
	file = vmsnd_map_find(&tree->files, place->file, bytes);
	if (!file && (file = calloc(1, sizeof(*file) + bytes + 1))) {
		file->name = memcpy(file + 1, place->file, bytes);
		vmsnd_map_add(&tree->files, file);
	}
	kept.file = file ? file->name : NULL;
	return kept;
}

struct vmsnd_place vmsnd_node_place(const struct vmsnd_node *node)
{
	return node->place;
}

void vmsnd_node_set_place(struct vmsnd_node *node, const struct vmsnd_place *place)
{
	node->place = vmsnd_tree_keep_place(node->tree, place);
}

struct vmsnd_node *vmsnd_node_parent(const struct vmsnd_node *node)
{
	return node->restricted ? NULL : node->parent;
}

void vmsnd_node_restrict(struct vmsnd_node *node)
{
	node->restricted = true;
}

void vmsnd_node_path(const struct vmsnd_node *node, char *path, size_t bytes)
{
	const struct vmsnd_node *way[VMSND_TREE_DEPTH_MAX];
	size_t n = 0, at = 0;

	for (; node->parent; node = node->parent)
		way[n++] = node;
	if (bytes > 0)
		path[0] = '\0';
	while (n-- > 0 && at < bytes)
		at += (size_t)snprintf(path + at, bytes - at, "%s%s", at ? "." : "", way[n]->name);
}

/* One name of a path: its length, and where the next begins (NULL: it was the last). */
static size_t step(const char *path, const char **next)
{
	const char *dot = strchr(path, '.');

	*next = dot ? dot + 1 : NULL;
	return dot ? (size_t)(dot - path) : strlen(path);
}

static struct vmsnd_node *child_of(const struct vmsnd_node *node, const char *name, size_t bytes)
{
	return (struct vmsnd_node *)vmsnd_map_find(&node->children, name, bytes);
}

struct vmsnd_node *vmsnd_node_find(const struct vmsnd_node *node, const char *path)
{
	const char *next = *path ? path : NULL;

	while (node && next) {
		size_t bytes = step(path, &next);

		node = child_of(node, path, bytes);
		path = next;
	}
	return (struct vmsnd_node *)node;
}

struct vmsnd_node *vmsnd_node_of_leaf(const struct vmsnd_node *node, const char *path,
				      const char **name)
{
	const char *next;

	for (;;) {
		size_t bytes = step(path, &next);

		if (!next || !node)
			break;
		node = child_of(node, path, bytes);
		path = next;
	}
	*name = path;
	return (struct vmsnd_node *)node;
}

struct vmsnd_node *vmsnd_node_make(struct vmsnd_node *node, const char *name)
{
	size_t bytes = strlen(name);
	struct vmsnd_node *child = child_of(node, name, bytes);

	if (child)
		return child;
	if (!vmsnd_name_is_good(name, bytes) || node->depth == VMSND_TREE_DEPTH_MAX ||
	    node->tree->n_nodes >= VMSND_TREE_NODES_MAX)
		return NULL;
	child = node_new(node->tree, name, bytes);
	if (!child)
		return NULL;
	child->parent = node;
	child->depth = (uint8_t)(node->depth + 1);
	vmsnd_map_add(&node->children, &child->entry);
	return child;
}

bool vmsnd_node_remove(struct vmsnd_node *node, const char *name)
{
	struct vmsnd_node *child = child_of(node, name, strlen(name));

	if (!child)
		return false;
	vmsnd_map_remove(&node->children, &child->entry);
	node_free(child);
	return true;
}

struct vmsnd_node *vmsnd_node_first(const struct vmsnd_node *node)
{
	return (struct vmsnd_node *)node->children.first;
}

struct vmsnd_node *vmsnd_node_next(const struct vmsnd_node *node)
{
	return (struct vmsnd_node *)node->entry.next;
}

void vmsnd_node_set_list(struct vmsnd_node *node, bool list)
{
	node->list = list;
}

/* Steps over the entry of this number; false: it is another one. */
static bool take_number(const struct vmsnd_entry **entry, const char *number)
{
	if (!*entry || strcmp((*entry)->name, number) != 0)
		return false;
	*entry = (*entry)->next;
	return true;
}

/* A list that lost an item or got another name in its midst is none. */
bool vmsnd_node_is_list(const struct vmsnd_node *node)
{
	const struct vmsnd_entry *child = node->children.first, *leaf = node->leaves.first;
	char number[16];

	for (unsigned i = 0; node->list && (child || leaf); i++) {
		snprintf(number, sizeof(number), "%u", i);
		if (!take_number(&child, number) && !take_number(&leaf, number))
			return false;
	}
	return node->list;
}
