/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver's half of four virtqueues for a fuzz target, split or packed. It keeps books: the card
 * gives back only what it was given, each once, and never says that it wrote more than there was
 * room for. Books are kept as long as the rings were left as the driver made them. */
#ifndef VMSND_TESTS_FUZZ_SND_DRIVER_H
#define VMSND_TESTS_FUZZ_SND_DRIVER_H

#include <linux/virtio_ring.h>
#include <string.h>

#include "vmsnd/device.h"

enum { SIZE = 64, SEGMENTS_MAX = 8, CHAINS = SIZE / SEGMENTS_MAX * 2, PAGES = CHAINS + 1 };

#define RAM_GPA   UINT64_C(0x100000)
#define RAM_BYTES 0x80000u
#define DATA_AT   0x10000u /* rings lie below: 16 KiB for each queue */
#define RING_AT   0x4000u

struct segment {
	vmsnd_gpa at;
	uint32_t bytes;
	bool writable;
};

struct ring {
	bool packed, good, started, enabled;
	uint16_t avail, used;       /* split: free-running; packed: slots */
	bool avail_wrap, used_wrap; /* packed */
	uint16_t n_free;            /* packed: slots that are the driver's */
	uint8_t next_page;
	bool out[CHAINS];       /* by number */
	uint16_t slots[CHAINS]; /* packed: how many it has */
	uint8_t page[CHAINS];   /* of guest memory: nobody writes there while it is out */
	uint32_t room[CHAINS];  /* bytes the card may write */
	uint32_t resume_at;
};

static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static struct ring rings[N_QUEUES];

static inline vmsnd_gpa ring_gpa(unsigned queue)
{
	return RAM_GPA + queue * RING_AT;
}

static inline void *at_gpa(vmsnd_gpa gpa)
{
	return ram + (gpa - RAM_GPA);
}

/* Descriptor table or ring, then the driver's area, then the device's; tables of indirect
 * descriptors behind. */
static inline vmsnd_gpa driver_gpa(unsigned queue)
{
	return ring_gpa(queue) + 16 * SIZE;
}

static inline vmsnd_gpa device_gpa(unsigned queue)
{
	return driver_gpa(queue) + 0x400;
}

static inline vmsnd_gpa table_gpa(unsigned queue, unsigned chain)
{
	return ring_gpa(queue) + 0x1000 + chain * 16 * SEGMENTS_MAX;
}

static inline void ring_clear(unsigned queue, bool packed)
{
	memset(at_gpa(ring_gpa(queue)), 0, RING_AT);
	rings[queue] = (struct ring){.packed = packed,
				     .good = true,
				     .avail_wrap = true,
				     .used_wrap = true,
				     .n_free = SIZE,
				     .resume_at = packed ? 0x80008000u : 0};
}

/* A number that is not out; CHAINS: all are. */
static inline unsigned chain_free(const struct ring *ring)
{
	unsigned chain = 0;

	while (chain < CHAINS && ring->out[chain])
		chain++;
	return chain;
}

static inline void count_room(struct ring *ring, unsigned chain, const struct segment *list,
			      unsigned n)
{
	ring->page[chain] = ring->next_page;
	ring->room[chain] = 0;
	for (unsigned i = 0; i < n; i++)
		ring->room[chain] += list[i].writable ? list[i].bytes : 0;
}

static inline void split_table(struct vring_desc *table, uint16_t first, const struct segment *list,
			       unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		table[i] =
		    (struct vring_desc){list[i].at, list[i].bytes,
					(uint16_t)((list[i].writable ? VRING_DESC_F_WRITE : 0) |
						   (i + 1 < n ? VRING_DESC_F_NEXT : 0)),
					(uint16_t)(first + i + 1)};
}

static inline void split_offer(unsigned queue, uint16_t head)
{
	uint16_t *avail = at_gpa(driver_gpa(queue));

	avail[2 + rings[queue].avail % SIZE] = head;
	avail[1] = ++rings[queue].avail;
}

/* Direct chains have places of their own in the table, half as many as there are numbers. */
static inline bool split_post(unsigned queue, const struct segment *list, unsigned n, bool indirect)
{
	struct ring *ring = &rings[queue];
	unsigned chain = 0;
	uint16_t head;

	while (chain < CHAINS / 2 && ring->out[chain])
		chain++;
	if (chain == CHAINS / 2)
		return false;
	head = (uint16_t)(chain * SEGMENTS_MAX);
	if (indirect) {
		struct vring_desc *desc = (struct vring_desc *)at_gpa(ring_gpa(queue)) + head;

		split_table(at_gpa(table_gpa(queue, chain)), 0, list, n);
		*desc =
		    (struct vring_desc){table_gpa(queue, chain), n * 16, VRING_DESC_F_INDIRECT, 0};
	} else {
		split_table((struct vring_desc *)at_gpa(ring_gpa(queue)) + head, head, list, n);
	}
	ring->out[chain] = true;
	count_room(ring, chain, list, n);
	split_offer(queue, head);
	return true;
}

static inline uint16_t packed_flags(bool wrap)
{
	return wrap ? 1u << VRING_PACKED_DESC_F_AVAIL : 1u << VRING_PACKED_DESC_F_USED;
}

static inline void packed_step(uint16_t *slot, bool *wrap, uint16_t n)
{
	*slot = (uint16_t)(*slot + n);
	if (*slot < SIZE)
		return;
	*slot = (uint16_t)(*slot - SIZE);
	*wrap = !*wrap;
}

static inline bool packed_post(unsigned queue, const struct segment *list, unsigned n,
			       bool indirect)
{
	struct ring *ring = &rings[queue];
	struct vring_packed_desc *descs = at_gpa(ring_gpa(queue));
	struct vring_packed_desc *table;
	unsigned chain = chain_free(ring), slots = indirect ? 1 : n;

	if (chain == CHAINS || slots > ring->n_free)
		return false;
	table = at_gpa(table_gpa(queue, chain));
	for (unsigned i = 0; i < n; i++) {
		struct vring_packed_desc desc = {
		    list[i].at, list[i].bytes, (uint16_t)chain,
		    (uint16_t)((list[i].writable ? VRING_DESC_F_WRITE : 0) |
			       (i + 1 < n ? VRING_DESC_F_NEXT : 0))};

		if (indirect) {
			desc.flags &= VRING_DESC_F_WRITE;
			table[i] = desc;
			continue;
		}
		desc.flags |= packed_flags(ring->avail_wrap);
		descs[ring->avail] = desc;
		packed_step(&ring->avail, &ring->avail_wrap, 1);
	}
	if (indirect) {
		descs[ring->avail] = (struct vring_packed_desc){
		    table_gpa(queue, chain), n * 16, (uint16_t)chain,
		    (uint16_t)(VRING_DESC_F_INDIRECT | packed_flags(ring->avail_wrap))};
		packed_step(&ring->avail, &ring->avail_wrap, 1);
	}
	ring->n_free = (uint16_t)(ring->n_free - slots);
	ring->slots[chain] = (uint16_t)slots;
	ring->out[chain] = true;
	count_room(ring, chain, list, n);
	return true;
}

static inline bool ring_post(unsigned queue, const struct segment *list, unsigned n, bool indirect)
{
	return rings[queue].packed ? packed_post(queue, list, n, indirect)
				   : split_post(queue, list, n, indirect);
}

static inline void gave_back(struct ring *ring, unsigned chain, uint32_t written)
{
	check(chain < CHAINS && ring->out[chain]);
	check(written <= ring->room[chain]);
	ring->out[chain] = false;
}

/* Looks at what has been given back. */
static inline void ring_take(unsigned queue)
{
	struct ring *ring = &rings[queue];
	const uint8_t *device = at_gpa(device_gpa(queue));
	const struct vring_packed_desc *descs = at_gpa(ring_gpa(queue));

	while (ring->good && !ring->packed) {
		struct vring_used_elem entry;
		uint16_t index;

		memcpy(&index, device + 2, 2);
		if (index == ring->used)
			return;
		check((uint16_t)(index - ring->used) <= SIZE);
		memcpy(&entry, device + 4 + ring->used++ % SIZE * 8u, 8);
		check(entry.id % SEGMENTS_MAX == 0);
		gave_back(ring, entry.id / SEGMENTS_MAX, entry.len);
	}
	while (ring->good && ring->packed) {
		struct vring_packed_desc desc = descs[ring->used];
		bool avail = desc.flags & 1u << VRING_PACKED_DESC_F_AVAIL;
		bool used = desc.flags & 1u << VRING_PACKED_DESC_F_USED;

		if (avail != used || used != ring->used_wrap || ring->n_free == SIZE)
			return;
		gave_back(ring, desc.id, desc.flags & VRING_DESC_F_WRITE ? desc.len : 0);
		ring->n_free = (uint16_t)(ring->n_free + ring->slots[desc.id]);
		packed_step(&ring->used, &ring->used_wrap, ring->slots[desc.id]);
	}
}

/* A page that no chain of the queue's lies in, or any if all are taken. */
static inline void ring_pick_page(unsigned queue, uint8_t from)
{
	struct ring *ring = &rings[queue];
	bool taken = true;

	for (unsigned tries = 0; taken && tries < PAGES; tries++) {
		ring->next_page = (uint8_t)((from + tries) % PAGES);
		taken = false;
		for (unsigned i = 0; i < CHAINS; i++)
			taken |= ring->out[i] && ring->page[i] == ring->next_page;
	}
}

static inline vmsnd_gpa ring_page(unsigned queue)
{
	return RAM_GPA + DATA_AT + queue * 0x18000u + rings[queue].next_page * 0x1000u;
}

static inline unsigned ring_out(unsigned queue)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CHAINS; i++)
		n += rings[queue].out[i];
	return n;
}

#endif
