/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's half of a virtqueue; the split layout, and what both have in common. */
#include "guests/ring_packed.h"

#include <string.h>

#define FREE_COOKIE VMSND_GUEST_FREE_COOKIE
#define END         UINT16_MAX /* of the free list */

/* Sizes and alignments: virtio 1.3, 2.7. The last 16 bits of avail and used are the
 * other side's wish for the next notification (2.7.10), there or not. */
static bool take_split(struct vmsnd_guest_ring *ring, struct vmsnd_guest_memory *memory)
{
	uint32_t size = ring->conf.size;

	ring->desc = vmsnd_guest_memory_take(memory, 16u * size, 16);
	ring->avail = vmsnd_guest_memory_take(memory, 6u + 2u * size, 2);
	ring->used = vmsnd_guest_memory_take(memory, 6u + 8u * size, 4);
	if (!ring->desc || !ring->avail || !ring->used)
		return false;
	ring->setup.desc = vmsnd_guest_memory_gpa(memory, ring->desc);
	ring->setup.avail = vmsnd_guest_memory_gpa(memory, ring->avail);
	ring->setup.used = vmsnd_guest_memory_gpa(memory, ring->used);
	return true;
}

static bool take_memory(struct vmsnd_guest_ring *ring, struct vmsnd_guest_memory *memory)
{
	uint32_t size = ring->conf.size;

	ring->setup.size = ring->conf.size;
	if (!(ring->conf.packed ? vmsnd_guest_packed_memory(ring, memory)
				: take_split(ring, memory)))
		return false;
	if (!ring->conf.indirect)
		return true;
	ring->tables = vmsnd_guest_memory_take(memory, 16u * size * VMSND_GUEST_SEGMENTS_MAX, 16);
	ring->packed_tables = (struct vring_packed_desc *)(void *)ring->tables;
	if (ring->tables)
		ring->tables_gpa = vmsnd_guest_memory_gpa(memory, ring->tables);
	return ring->tables != NULL;
}

enum vmsnd_rc vmsnd_guest_ring_init(struct vmsnd_guest_ring *ring,
				    const struct vmsnd_guest_ring_conf *conf,
				    struct vmsnd_guest_memory *memory)
{
	uint16_t size = conf->size;

	memset(ring, 0, sizeof(*ring));
	if (size == 0 || size > VMSND_QUEUE_SIZE_MAX || (size & (size - 1)) != 0)
		return VMSND_E_INVALID;
	ring->conf = *conf;
	if (!take_memory(ring, memory))
		return VMSND_E_NOMEM;
	vmsnd_guest_ring_clear(ring);
	return VMSND_OK;
}

static void clear_split(struct vmsnd_guest_ring *ring)
{
	uint16_t size = ring->conf.size;

	memset(ring->desc, 0, 16u * (size_t)size);
	memset(ring->avail, 0, 6u + 2u * (size_t)size);
	memset(ring->used, 0, 6u + 8u * (size_t)size);
	for (uint16_t i = 0; i < size; i++)
		ring->desc[i].next = i + 1 < size ? (uint16_t)(i + 1) : END;
	ring->avail_idx = ring->used_idx = ring->told_idx = 0;
	ring->setup.next_avail = 0;
}

void vmsnd_guest_ring_clear(struct vmsnd_guest_ring *ring)
{
	if (ring->conf.packed)
		vmsnd_guest_packed_clear(ring);
	else
		clear_split(ring);
	for (uint16_t i = 0; i < ring->conf.size; i++)
		ring->cookies[i] = FREE_COOKIE;
	ring->free_head = 0;
	ring->n_free = ring->conf.size;
	ring->n_taken = ring->n_added;
}

static void describe(struct vring_desc *desc, const struct vmsnd_guest_segment *segment,
		     uint16_t flags)
{
	desc->addr = segment->at;
	desc->len = segment->bytes;
	desc->flags = (uint16_t)(flags | (segment->card_writes ? VRING_DESC_F_WRITE : 0));
}

/* Takes entries off the free list, whose links are the chain's links already. */
static uint16_t chain_direct(struct vmsnd_guest_ring *ring,
			     const struct vmsnd_guest_segment *segments, unsigned n)
{
	uint16_t head = ring->free_head, at = head;

	for (unsigned i = 0; i < n; i++) {
		struct vring_desc *desc = &ring->desc[at];

		at = desc->next;
		describe(desc, &segments[i], i + 1 < n ? VRING_DESC_F_NEXT : 0);
	}
	ring->free_head = at;
	ring->n_free = (uint16_t)(ring->n_free - n);
	return head;
}

static uint16_t chain_indirect(struct vmsnd_guest_ring *ring,
			       const struct vmsnd_guest_segment *segments, unsigned n)
{
	uint16_t head = ring->free_head;
	uint32_t first = (uint32_t)head * VMSND_GUEST_SEGMENTS_MAX;
	struct vring_desc *table = &ring->tables[first];
	struct vring_desc *desc = &ring->desc[head];

	for (unsigned i = 0; i < n; i++) {
		describe(&table[i], &segments[i], i + 1 < n ? VRING_DESC_F_NEXT : 0);
		table[i].next = (uint16_t)(i + 1 < n ? i + 1 : 0);
	}
	ring->free_head = desc->next;
	ring->n_free--;
	desc->addr = ring->tables_gpa + first * sizeof(*table);
	desc->len = (uint32_t)(n * sizeof(*table));
	desc->flags = VRING_DESC_F_INDIRECT;
	return head;
}

static uint16_t add_split(struct vmsnd_guest_ring *ring, const struct vmsnd_guest_segment *segments,
			  unsigned n)
{
	bool indirect = ring->conf.indirect && n > 1;
	uint16_t head =
	    indirect ? chain_indirect(ring, segments, n) : chain_direct(ring, segments, n);

	ring->avail->ring[ring->avail_idx & (ring->conf.size - 1)] = head;
	ring->avail_idx++;
	/* The card must see the entry before the index (2.7.13.3.1). */
	__atomic_store_n(&ring->avail->idx, ring->avail_idx, __ATOMIC_RELEASE);
	return head;
}

bool vmsnd_guest_ring_add(struct vmsnd_guest_ring *ring, const struct vmsnd_guest_segment *segments,
			  unsigned n, uint32_t cookie)
{
	bool indirect = ring->conf.indirect && n > 1;
	uint16_t head;

	if (n == 0 || n > VMSND_GUEST_SEGMENTS_MAX || (indirect ? 1 : n) > ring->n_free)
		return false;
	head = ring->conf.packed ? vmsnd_guest_packed_add(ring, segments, n)
				 : add_split(ring, segments, n);
	ring->cookies[head] = cookie;
	ring->order[ring->n_added++ % VMSND_QUEUE_SIZE_MAX] = head;
	return true;
}

bool vmsnd_guest_ring_needs_kick(struct vmsnd_guest_ring *ring)
{
	uint16_t before = ring->told_idx, event;

	if (ring->conf.packed)
		return vmsnd_guest_packed_needs_kick(ring);
	if (before == ring->avail_idx)
		return false;
	ring->told_idx = ring->avail_idx;
	/* The index must be out before we read what the card asked for (2.7.13.4.1). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!ring->conf.event_idx)
		return (__atomic_load_n(&ring->used->flags, __ATOMIC_RELAXED) &
			VRING_USED_F_NO_NOTIFY) == 0;
	event = __atomic_load_n((uint16_t *)(void *)&ring->used->ring[ring->conf.size],
				__ATOMIC_RELAXED);
	return vring_need_event(event, ring->avail_idx, before);
}

static void give_back(struct vmsnd_guest_ring *ring, uint16_t head)
{
	uint16_t last = head;
	uint16_t n = 1;

	while (ring->desc[last].flags & VRING_DESC_F_NEXT) {
		last = ring->desc[last].next;
		n++;
	}
	ring->desc[last].next = ring->free_head;
	ring->free_head = head;
	ring->n_free = (uint16_t)(ring->n_free + n);
}

/* Asks for an interrupt at the next used entry; true when one came in the meantime. */
static bool ask_again(struct vmsnd_guest_ring *ring)
{
	if (ring->conf.event_idx)
		__atomic_store_n(&ring->avail->ring[ring->conf.size], ring->used_idx,
				 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE) != ring->used_idx;
}

static bool used_split(struct vmsnd_guest_ring *ring, uint32_t *head, uint32_t *bytes)
{
	const struct vring_used_elem *elem =
	    &ring->used->ring[ring->used_idx & (ring->conf.size - 1)];

	if (__atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE) == ring->used_idx &&
	    !ask_again(ring))
		return false;
	*head = elem->id;
	*bytes = elem->len;
	ring->used_idx++;
	return true;
}

static void note_order(struct vmsnd_guest_ring *ring, uint32_t head)
{
	ring->misordered += ring->order[ring->n_taken++ % VMSND_QUEUE_SIZE_MAX] != head;
}

bool vmsnd_guest_ring_take(struct vmsnd_guest_ring *ring, uint32_t *cookie, uint32_t *bytes)
{
	uint32_t head;

	while (ring->conf.packed ? vmsnd_guest_packed_used(ring, &head, bytes)
				 : used_split(ring, &head, bytes)) {
		if (head >= ring->conf.size || ring->cookies[head] == FREE_COOKIE)
			continue;
		if (ring->conf.in_order)
			note_order(ring, head);
		*cookie = ring->cookies[head];
		ring->cookies[head] = FREE_COOKIE;
		if (ring->conf.packed)
			vmsnd_guest_packed_give_back(ring, (uint16_t)head);
		else
			give_back(ring, (uint16_t)head);
		return true;
	}
	return false;
}
