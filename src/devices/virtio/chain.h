/* SPDX-License-Identifier: BSD-3-Clause */
/* A descriptor chain of a virtqueue: checked once as a whole, then read and written
 * through two cursors, one for what the device may read, one for what it may write.
 *
 * Descriptors of a split ring and of indirect tables stay in guest memory and are read again as a
 * cursor reaches them, so a driver may change them after the check. A cursor therefore trusts
 * nothing it is shown: it never goes beyond the bytes and the descriptors counted by the check, nor
 * across directions. Those of a packed ring are overwritten by used ones while their buffer is
 * still out, so the queue keeps a copy (queue_packed.c). */
#ifndef VMSND_DEVICES_VIRTIO_CHAIN_H
#define VMSND_DEVICES_VIRTIO_CHAIN_H

#include <linux/virtio_ring.h>

#include "vmsnd/transport.h"

/* The longest indirect table that is followed. Drivers use at most a few entries a message;
 * the standard's own bound is the queue size, which Linux exceeds for block devices. */
#define VMSND_INDIRECT_ENTRIES_MAX 1024u

/* A way through descriptors: which table, which entry, how many more may be read. */
struct vmsnd_walk {
	vmsnd_gpa table;
	const struct vring_desc *copy; /* not NULL: the table is here and not in guest memory */
	uint16_t entries;
	uint16_t steps; /* left before this must be a loop */
	uint16_t next;
	bool more;     /* `next` is to be read */
	bool indirect; /* a descriptor may still point to an indirect table */
	bool packed;   /* tables have the layout of packed rings: one entry after the other */
};

struct vmsnd_cursor {
	vmsnd_gpa at;   /* the next byte */
	uint32_t bytes; /* left in this descriptor */
	uint32_t left;  /* left in this part of the chain, all descriptors */
	struct vmsnd_walk walk;
	bool writable;
};

struct vmsnd_chain {
	uint16_t head;     /* split: of the table; packed: the buffer's id */
	uint16_t position; /* split: in the available ring, free-running; packed: in the ring */
	uint16_t slots;    /* entries of the ring it takes up */
	uint16_t first;    /* packed: where the queue's copy of its descriptors begins */
	uint16_t order;    /* IN_ORDER: which of all that were popped */
	uint16_t n_descriptors;
	struct vmsnd_cursor readable, writable;
};

/* Follows the whole chain that `start` begins and fills both cursors. False when it breaks
 * a rule of "The Virtqueue Descriptor Table" or cannot be read. */
bool vmsnd_chain_open(struct vmsnd_chain *chain, struct vmsnd_gmem *mem,
		      const struct vmsnd_walk *start);

/* Moves at most `bytes` and the cursor with them; returns how many. Fewer means the part has
 * ended or its memory is not there; then the cursor stands at the first byte not moved. */
uint32_t vmsnd_chain_read(struct vmsnd_gmem *mem, struct vmsnd_cursor *from, void *to,
			  uint32_t bytes);
uint32_t vmsnd_chain_write(struct vmsnd_gmem *mem, struct vmsnd_cursor *to, const void *from,
			   uint32_t bytes);
/* Looks at descriptors only, not at the memory they name. */
uint32_t vmsnd_chain_skip(struct vmsnd_gmem *mem, struct vmsnd_cursor *cursor, uint32_t bytes);

#endif
