/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that check a configuration share. */
#ifndef VMSND_MANAGER_SCHEMA_PARTS_H
#define VMSND_MANAGER_SCHEMA_PARTS_H

#include "manager/schema.h"

#define VMSND_WHO_BYTES 256u

/* A check under way. */
struct vmsnd_schema_check {
	const struct vmsnd_registry *registry;
	struct vmsnd_error *error;
	struct vmsnd_node *root; /* a copy: rules rewrite it */
	unsigned lanes;          /* how many there are; 0: as many as the root says */
	unsigned *uses;          /* of each of the registry's drivers, then of its backends */
	/* Of the node that is looked at. */
	char who[VMSND_WHO_BYTES];
	struct vmsnd_schema_table table;
	const char *const *children; /* those of its class besides the part's; NULL: none */
	struct vmsnd_conf conf;
};

/* The leaf's place, else the node's. */
struct vmsnd_place vmsnd_schema_place(const struct vmsnd_node *node, const char *leaf);
/* The node's leaves and children against check->table and the part's children; the leaves' values
 * are then in check->conf, and check->who is the node's path. */
enum vmsnd_rc vmsnd_schema_check_node(struct vmsnd_schema_check *check,
				      const struct vmsnd_node *node, enum vmsnd_schema_part part);
/* Items of a list are nodes. `gaps`: numbers may be left out (DM-76). */
struct vmsnd_schema_items {
	const char *like; /* what an item looks like: "backend: NAME" */
	unsigned max;     /* they are numbered below it */
	bool gaps;
};
enum vmsnd_rc vmsnd_schema_check_items(struct vmsnd_schema_check *check,
				       const struct vmsnd_node *node,
				       const struct vmsnd_schema_items *items);

/* The leaf that says what it is is missing: "device", "module" and so on. */
enum vmsnd_rc vmsnd_schema_no_name(const struct vmsnd_schema_check *check,
				   const struct vmsnd_node *node, const char *sort);
/* No such class: the nearest, and all there are. `sort` is "device", "backend", "driver" or
 * "transport", and the leaf's name. */
enum vmsnd_rc vmsnd_schema_no_class(const struct vmsnd_schema_check *check,
				    const struct vmsnd_node *node, const char *sort);

/* schema_cards.c */
enum vmsnd_rc vmsnd_schema_check_cards(struct vmsnd_schema_check *check);

#endif
