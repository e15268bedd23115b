/* SPDX-License-Identifier: BSD-3-Clause */
/* Trees for tests, from short text. */
#ifndef TEST_CONFIG_BUILD_H
#define TEST_CONFIG_BUILD_H

#include "vmsnd/tree.h"

/* "path=value;path=value" into a tree, as vmsnd_tree_set has it; a failure ends the test. */
void build_set(struct vmsnd_node *root, const char *lines);
struct vmsnd_node *build_tree(const char *lines);
/* A tree by chance: the same for the same seed. Names and texts with everything that may be. */
struct vmsnd_node *build_random(uint64_t *seed);
/* Below `end`. */
unsigned build_chance(uint64_t *seed, unsigned end);

#endif
