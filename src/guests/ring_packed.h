/* SPDX-License-Identifier: BSD-3-Clause */
/* The packed half of guests/ring.h, which alone asks for it. */
#ifndef VMSND_GUESTS_RING_PACKED_H
#define VMSND_GUESTS_RING_PACKED_H

#include "guests/ring.h"

#define VMSND_GUEST_FREE_COOKIE UINT32_MAX /* of an entry the card does not hold */

bool vmsnd_guest_packed_memory(struct vmsnd_guest_ring *ring, struct vmsnd_guest_memory *memory);
void vmsnd_guest_packed_clear(struct vmsnd_guest_ring *ring);
/* There is room. Returns the id. */
uint16_t vmsnd_guest_packed_add(struct vmsnd_guest_ring *ring,
				const struct vmsnd_guest_segment *segments, unsigned n);
bool vmsnd_guest_packed_needs_kick(struct vmsnd_guest_ring *ring);
/* The next used entry, its id as it stands there; false: none, and interrupts are asked for. */
bool vmsnd_guest_packed_used(struct vmsnd_guest_ring *ring, uint32_t *id, uint32_t *bytes);
void vmsnd_guest_packed_give_back(struct vmsnd_guest_ring *ring, uint16_t id);

#endif
