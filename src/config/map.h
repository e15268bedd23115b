/* SPDX-License-Identifier: BSD-3-Clause */
/* config/map.h - named things in the order they came, found by name without a walk. */
#ifndef VMSND_CONFIG_MAP_H
#define VMSND_CONFIG_MAP_H

#include "vmsnd/types.h"

/* Stands first in what is kept. `name` belongs to whoever holds the entry. */
struct vmsnd_entry {
	struct vmsnd_entry *previous, *next, *chained;
	const char *name;
	uint32_t hash;
};

struct vmsnd_map {
	struct vmsnd_entry *first, *last;
	struct vmsnd_entry **buckets; /* NULL while a walk is quicker, or memory is short */
	struct vmsnd_entry *at;       /* where vmsnd_map_at was last */
	uint32_t n, n_buckets, at_index;
};

/* `bytes` of `name`, which needs no NUL. */
struct vmsnd_entry *vmsnd_map_find(const struct vmsnd_map *map, const char *name, size_t bytes);
/* At the end; the name is not there yet. */
void vmsnd_map_add(struct vmsnd_map *map, struct vmsnd_entry *entry);
/* In the place of `old`, whose name it has. */
void vmsnd_map_replace(struct vmsnd_map *map, struct vmsnd_entry *old, struct vmsnd_entry *entry);
void vmsnd_map_remove(struct vmsnd_map *map, struct vmsnd_entry *entry);
/* NULL beyond the last. Going on from the last index costs one step. */
struct vmsnd_entry *vmsnd_map_at(struct vmsnd_map *map, size_t index);
/* Forgets all entries. */
void vmsnd_map_fini(struct vmsnd_map *map);

#endif
