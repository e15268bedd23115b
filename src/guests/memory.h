/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's memory, and what it keeps there. */
#ifndef VMSND_GUESTS_MEMORY_H
#define VMSND_GUESTS_MEMORY_H

#include "vmsnd/transport.h"

/* Guest physical memory: `bytes` at `at`, which the card sees from `gpa` on. Given out
 * from the front, never taken back. */
struct vmsnd_guest_memory {
	uint8_t *at;
	vmsnd_gpa gpa;
	uint64_t bytes, used;
};

/* `bytes` zeroed bytes, aligned to `alignment` (a power of two) in guest physical terms;
 * NULL when the memory is spent. */
void *vmsnd_guest_memory_take(struct vmsnd_guest_memory *memory, uint64_t bytes,
			      uint32_t alignment);
/* Where the card sees something that lies in this memory. */
vmsnd_gpa vmsnd_guest_memory_gpa(const struct vmsnd_guest_memory *memory, const void *at);

/* A sound buffer as a driver of ours lays it out. */
struct vmsnd_guest_params {
	struct vmsnd_format format;
	uint32_t period_frames;
	uint32_t periods; /* how many make the guest's buffer; virtio-snd: at most 64 */
};

#endif
