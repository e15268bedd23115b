/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtqueues from the driver's side: split and packed, any layout of descriptors, also wrong ones
 * on purpose. */
#ifndef VMSND_TESTS_CONFORMANCE_RING_H
#define VMSND_TESTS_CONFORMANCE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "vmsnd/types.h"

#define RING_SIZE     64u
#define SEGMENTS_MAX  64u
#define NO_HEAD       (-1)
#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u

struct front;

/* A piece of a buffer, by its offset in memory. */
struct segment {
	uint32_t at, bytes;
	bool writable;
};

struct used {
	void *cookie;
	uint32_t bytes;
	vmsnd_ns when;
};

struct ring {
	bool packed, event_idx, in_order, indirect;
	uint32_t desc, avail, used; /* offsets in memory */
	uint16_t next_avail, last_used;
	bool avail_wrap, used_wrap; /* packed */
	/* Descriptors (split) or buffer ids (packed) that are free, first in first out: completed
	 * in order they are used in order, as IN_ORDER wants it. */
	uint16_t free[RING_SIZE];
	uint16_t first_free, n_free;
	uint16_t room; /* packed: descriptors that are free */
	struct {
		void *cookie;
		uint16_t n; /* descriptors; 0: not out */
		uint16_t at[SEGMENTS_MAX];
	} out[RING_SIZE];
	uint16_t order[RING_SIZE]; /* heads in the order they were posted */
	uint16_t first_posted, n_posted;
	uint16_t batch; /* buffers that the last entry still stands for */
	uint32_t batch_bytes;
	int kick, call;
	unsigned interrupts;
	const char *wrong; /* what the back end did to the ring that cannot be */
};

/* Empty, at this offset. Needs 48 KiB there. Event suppression and layout as set before. */
void ring_reset(struct front *front, struct ring *ring, uint32_t at);
/* Makes a buffer available, without a kick; its head, or NO_HEAD when the ring is full. */
int ring_post(struct front *front, unsigned queue, const struct segment *segments, unsigned n,
	      void *cookie);
void ring_kick(struct front *front, unsigned queue);
/* The next used buffer, waited for at most `ms`. */
bool ring_take(struct front *front, unsigned queue, int ms, struct used *out);
/* What the back end has put into the used ring since the start, modulo 2^16; split only. */
uint16_t ring_used_index(const struct front *front, const struct ring *ring);

/* ---- on purpose: split rings only ------------------------------------------------------- */

struct raw {
	uint64_t gpa;
	uint32_t bytes;
	uint16_t flags, next;
};
void ring_raw(struct front *front, unsigned queue, uint16_t index, const struct raw *raw);
/* Puts a head into the available ring and moves its index by `step`. */
void ring_raw_post(struct front *front, unsigned queue, uint16_t head, uint16_t step);

#endif
