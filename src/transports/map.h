/* SPDX-License-Identifier: BSD-3-Clause */
/* A VMM's memory, mapped from the descriptor it sent: checked before, guarded after (os/guard.h).
 */
#ifndef VMSND_TRANSPORTS_MAP_H
#define VMSND_TRANSPORTS_MAP_H

#include "vmsnd/types.h"

struct vmsnd_map {
	void *at; /* page-aligned; what was asked for begins `lead` bytes into it */
	size_t bytes, lead;
};

struct vmsnd_map_range {
	uint64_t offset, bytes; /* of the file */
	bool writable;
};

/* Maps a part of `fd` (which stays the caller's). NULL, or why not. */
const char *vmsnd_map_file(struct vmsnd_map *map, int fd, const struct vmsnd_map_range *range);
void vmsnd_map_drop(struct vmsnd_map *map);
/* Whether the VMM has taken it away: it is zeros of our own since. */
bool vmsnd_map_is_lost(const struct vmsnd_map *map);
/* Gives such zeros back. */
void vmsnd_map_forget_pages(const struct vmsnd_map *map);
/* Whether the first of its `bytes` are all zeros. Firmware and kernels leave traces in the lowest
 * memory at every boot. */
bool vmsnd_map_is_untouched(const struct vmsnd_map *map, uint64_t bytes);

#endif
