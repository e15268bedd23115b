/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pages of guest memory a card has written to, for a VMM that moves it: in room of a fixed
 * size, whatever the guest has. A card writes a few buffers over and over, so ranges tell it well;
 * when there are too many, the two that are closest become one, with what is between them. So what
 * was written is always told, and seldom more. Pure. */
#ifndef VMSND_TRANSPORTS_DIRTY_H
#define VMSND_TRANSPORTS_DIRTY_H

#include "vmsnd/types.h"

#define VMSND_DIRTY_RANGES_MAX 512u

struct vmsnd_dirty_range {
	vmsnd_gpa first, last; /* both belong to it */
};

/* Zero-initialised means that nothing is noted. */
struct vmsnd_dirty {
	uint64_t page_bytes; /* a power of two; 0: nothing is noted */
	unsigned n, hot;     /* hot: where the last note fell */
	struct vmsnd_dirty_range ranges[VMSND_DIRTY_RANGES_MAX + 1]; /* sorted, with gaps between */
};

/* From now on, and nothing yet. */
void vmsnd_dirty_start(struct vmsnd_dirty *dirty, uint64_t page_bytes);
void vmsnd_dirty_stop(struct vmsnd_dirty *dirty);
/* The signature of vmsnd_gmem's `wrote`; ctx is the struct. `bytes` is not 0. */
void vmsnd_dirty_note(void *ctx, vmsnd_gpa at, uint64_t bytes);

/* One bit for each piece of `page_bytes` (a power of two) from `first` on, in words of 64 bits. */
struct vmsnd_dirty_map {
	vmsnd_gpa first;
	uint64_t bytes, page_bytes;
};
/* Bytes of such a bitmap; UINT64_MAX: a range that is none, wraps, or pages of no size. */
uint64_t vmsnd_dirty_map_bytes(const struct vmsnd_dirty_map *map);
/* Writes all of it, and forgets what it has told. */
void vmsnd_dirty_take(struct vmsnd_dirty *dirty, const struct vmsnd_dirty_map *map, uint8_t *to);

#endif
