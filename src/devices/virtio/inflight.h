/* SPDX-License-Identifier: BSD-3-Clause */
/* What of a split virtqueue is under way, noted in memory that outlives the process.
 *
 * The layout and the order of every write are those of "Inflight I/O tracking" in the vhost-user
 * specification. The process may end between any two writes; whoever comes next finds each buffer
 * either in flight or given back, never both and never neither.
 *
 * The VMM can write to this memory, so nothing read from it is trusted. */
#ifndef VMSND_DEVICES_VIRTIO_INFLIGHT_H
#define VMSND_DEVICES_VIRTIO_INFLIGHT_H

#include "vmsnd/transport.h"

/* One queue's region. */
struct vmsnd_inflight_queue {
	struct vmsnd_gmem *mem; /* NULL: nothing is noted */
	vmsnd_gpa at;
	uint16_t size;    /* entries there is room for */
	uint64_t counter; /* of the next buffer popped */
};

/* Where a queue goes on. */
struct vmsnd_inflight_place {
	uint16_t next_avail; /* the entry to look at first */
	uint16_t n_popped;   /* so many entries from there on had been popped; of these ... */
	uint64_t given_back[VMSND_QUEUE_SIZE_MAX / 64]; /* ... those given back; bit: position
							 * modulo VMSND_QUEUE_SIZE_MAX */
	/* In flight, but their entries may be overwritten: heads in the order they were popped. All
	 * of them came before those of the ring. */
	uint16_t n_held;
	uint16_t held[VMSND_QUEUE_SIZE_MAX];
};

/* Bytes of a region; a multiple of 64. */
uint64_t vmsnd_inflight_queue_bytes(unsigned size);

/* The queue's driver is a new one: nothing is in flight, and its used ring stands at `used`. */
void vmsnd_inflight_begin(struct vmsnd_inflight_queue *notes, uint16_t size, uint16_t used);
/* Nothing was ever noted here. */
void vmsnd_inflight_forget(struct vmsnd_inflight_queue *notes);
/* Whether a queue has been begun here; and one of so many entries. */
bool vmsnd_inflight_is_begun(const struct vmsnd_inflight_queue *notes);
bool vmsnd_inflight_is_of_size(const struct vmsnd_inflight_queue *notes, uint16_t size);

/* What is left of an earlier process. False: it and the ring cannot belong together; it is then to
 * be begun anew. */
bool vmsnd_inflight_resume(struct vmsnd_inflight_queue *notes, struct vmsnd_gmem *mem,
			   const struct vmsnd_queue_setup *setup, struct vmsnd_inflight_place *out);

/* ---- from the rings; `notes` may be NULL ---- */

void vmsnd_inflight_popped(struct vmsnd_inflight_queue *notes, uint16_t head);
/* The used entry is written and not yet published. */
void vmsnd_inflight_pushed(struct vmsnd_inflight_queue *notes, uint16_t head);
/* The used index is `used` now, `n` more than before. */
void vmsnd_inflight_published(struct vmsnd_inflight_queue *notes, uint16_t n, uint16_t used);

/* Which of all that were popped this one was; 0 when it is not in flight. */
uint64_t vmsnd_inflight_number(const struct vmsnd_inflight_queue *notes, uint16_t head);

#endif
