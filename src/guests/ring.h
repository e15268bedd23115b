/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's half of a virtqueue laid out in a guest's memory, split or packed
 * (virtio 1.3, 2.7 and 2.8). Standard names: linux/virtio_ring.h. */
#ifndef VMSND_GUESTS_RING_H
#define VMSND_GUESTS_RING_H

#include <linux/virtio_ring.h>

#include "guests/memory.h"

#define VMSND_GUEST_SEGMENTS_MAX 8u

/* One piece of a message; those the card reads come before those it writes. */
struct vmsnd_guest_segment {
	vmsnd_gpa at;
	uint32_t bytes;
	bool card_writes;
};

struct vmsnd_guest_ring_conf {
	uint16_t size; /* a power of two, 1 .. VMSND_QUEUE_SIZE_MAX */
	bool event_idx, indirect;
	bool packed, in_order;
};

struct vmsnd_guest_ring {
	struct vmsnd_guest_ring_conf conf;
	struct vmsnd_queue_setup setup; /* for the bus' queue_start */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vring_desc *tables; /* indirect: VMSND_GUEST_SEGMENTS_MAX rows an entry */
	vmsnd_gpa tables_gpa;
	uint16_t free_head, n_free;
	uint16_t avail_idx, used_idx; /* ours: next to fill, next to look at */
	uint16_t told_idx;            /* avail_idx as of the last question about a kick */
	uint32_t cookies[VMSND_QUEUE_SIZE_MAX];

	/* Packed; places are counted over two laps, the second with wrap counter 0. The split
	 * members above that have the same sense serve, too: free_head and n_free. */
	struct vring_packed_desc *packed, *packed_tables;
	struct vring_packed_desc_event *driver_event, *device_event;
	uint16_t next_place, used_place, told_place;
	uint16_t slots[VMSND_QUEUE_SIZE_MAX];     /* by id */
	uint16_t next_free[VMSND_QUEUE_SIZE_MAX]; /* ids */
	/* IN_ORDER: ids or heads as they were added, and how many came back in another order. */
	uint16_t order[VMSND_QUEUE_SIZE_MAX];
	uint32_t n_added, n_taken;
	uint64_t misordered;
};

/* Takes the queue's memory. VMSND_E_NOMEM; VMSND_E_INVALID for a size. */
enum vmsnd_rc vmsnd_guest_ring_init(struct vmsnd_guest_ring *ring,
				    const struct vmsnd_guest_ring_conf *conf,
				    struct vmsnd_guest_memory *memory);
/* All memory of the queue zeroed, and nothing out: as init left it. */
void vmsnd_guest_ring_clear(struct vmsnd_guest_ring *ring);
/* Makes one message available; `cookie` (below 2^32) comes back with it. False when there
 * is no room. */
bool vmsnd_guest_ring_add(struct vmsnd_guest_ring *ring, const struct vmsnd_guest_segment *segments,
			  unsigned n, uint32_t cookie);
/* Whether the card wants to hear of what was added since last asked. */
bool vmsnd_guest_ring_needs_kick(struct vmsnd_guest_ring *ring);
/* Takes one message that the card has given back: its cookie, and how many bytes the card
 * says it wrote. False when there is none; interrupts are then asked for again.
 * An entry that was never made available is skipped. With IN_ORDER an entry for each is expected,
 * as our card gives them. */
bool vmsnd_guest_ring_take(struct vmsnd_guest_ring *ring, uint32_t *cookie, uint32_t *bytes);

#endif
