/* SPDX-License-Identifier: BSD-3-Clause */
/* A list in order, and from a few entries on a hash table over it. */
#include "config/map.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FROM 16u

static uint32_t hash_of(const char *name, size_t bytes)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return hash;
}

static bool is_named(const struct vmsnd_entry *entry, const char *name, size_t bytes)
{
	return strncmp(entry->name, name, bytes) == 0 && entry->name[bytes] == '\0';
}

struct vmsnd_entry *vmsnd_map_find(const struct vmsnd_map *map, const char *name, size_t bytes)
{
	uint32_t hash = hash_of(name, bytes);
	struct vmsnd_entry *entry;

	if (map->buckets) {
		entry = map->buckets[hash & (map->n_buckets - 1)];
		while (entry && (entry->hash != hash || !is_named(entry, name, bytes)))
			entry = entry->chained;
		return entry;
	}
	entry = map->first;
	while (entry && (entry->hash != hash || !is_named(entry, name, bytes)))
		entry = entry->next;
	return entry;
}

static void chain(struct vmsnd_map *map, struct vmsnd_entry *entry)
{
	struct vmsnd_entry **bucket;

	if (!map->buckets)
		return;
	bucket = &map->buckets[entry->hash & (map->n_buckets - 1)];
	entry->chained = *bucket;
	*bucket = entry;
}

static void unchain(struct vmsnd_map *map, struct vmsnd_entry *entry)
{
	struct vmsnd_entry **link;

	if (!map->buckets)
		return;
	link = &map->buckets[entry->hash & (map->n_buckets - 1)];
	while (*link != entry)
		link = &(*link)->chained;
	*link = entry->chained;
}

/* Without memory everything stays right and becomes slower. */
static void grow(struct vmsnd_map *map)
{
	uint32_t n_buckets = map->n_buckets ? map->n_buckets * 4 : BUCKETS_FROM * 2;
	struct vmsnd_entry **buckets = calloc(n_buckets, sizeof(*buckets));

	if (!buckets)
		return;
	free(map->buckets);
	map->buckets = buckets;
	map->n_buckets = n_buckets;
	for (struct vmsnd_entry *entry = map->first; entry; entry = entry->next)
		chain(map, entry);
}

void vmsnd_map_add(struct vmsnd_map *map, struct vmsnd_entry *entry)
{
	entry->hash = hash_of(entry->name, strlen(entry->name));
	entry->previous = map->last;
	entry->next = NULL;
	if (map->last)
		map->last->next = entry;
	else
		map->first = entry;
	map->last = entry;
	chain(map, entry);
	map->n++;
	if (map->n >= BUCKETS_FROM && map->n > map->n_buckets)
		grow(map);
}

void vmsnd_map_replace(struct vmsnd_map *map, struct vmsnd_entry *old, struct vmsnd_entry *entry)
{
	unchain(map, old);
	entry->hash = old->hash;
	entry->previous = old->previous;
	entry->next = old->next;
	*(old->previous ? &old->previous->next : &map->first) = entry;
	*(old->next ? &old->next->previous : &map->last) = entry;
	if (map->at == old)
		map->at = entry;
	chain(map, entry);
}

void vmsnd_map_remove(struct vmsnd_map *map, struct vmsnd_entry *entry)
{
	unchain(map, entry);
	*(entry->previous ? &entry->previous->next : &map->first) = entry->next;
	*(entry->next ? &entry->next->previous : &map->last) = entry->previous;
	map->at = NULL;
	map->n--;
}

struct vmsnd_entry *vmsnd_map_at(struct vmsnd_map *map, size_t index)
{
	if (index >= map->n)
		return NULL;
	if (!map->at || map->at_index > index) {
		map->at = map->first;
		map->at_index = 0;
	}
	for (; map->at_index < index; map->at_index++)
		map->at = map->at->next;
	return map->at;
}

void vmsnd_map_fini(struct vmsnd_map *map)
{
	free(map->buckets);
	*map = (struct vmsnd_map){0};
}
