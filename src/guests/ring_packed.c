/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's half of a packed virtqueue (virtio 1.3, 2.8). */
#include "guests/ring_packed.h"

#include <string.h>

#define F_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define F_USED  (1u << VRING_PACKED_DESC_F_USED)
#define WRAP    0x8000u
#define END     UINT16_MAX /* of the free list */

bool vmsnd_guest_packed_memory(struct vmsnd_guest_ring *ring, struct vmsnd_guest_memory *memory)
{
	uint32_t size = ring->conf.size;

	ring->packed = vmsnd_guest_memory_take(memory, 16u * size, 16);
	ring->driver_event = vmsnd_guest_memory_take(memory, 4, 4);
	ring->device_event = vmsnd_guest_memory_take(memory, 4, 4);
	if (!ring->packed || !ring->driver_event || !ring->device_event)
		return false;
	ring->setup.desc = vmsnd_guest_memory_gpa(memory, ring->packed);
	ring->setup.avail = vmsnd_guest_memory_gpa(memory, ring->driver_event);
	ring->setup.used = vmsnd_guest_memory_gpa(memory, ring->device_event);
	return true;
}

void vmsnd_guest_packed_clear(struct vmsnd_guest_ring *ring)
{
	uint16_t size = ring->conf.size;

	memset(ring->packed, 0, 16u * (size_t)size);
	memset(ring->driver_event, 0, sizeof(*ring->driver_event));
	memset(ring->device_event, 0, sizeof(*ring->device_event));
	for (uint16_t i = 0; i < size; i++)
		ring->next_free[i] = i + 1 < size ? (uint16_t)(i + 1) : END;
	ring->next_place = ring->used_place = ring->told_place = 0;
	/* Both begin with the first lap, whose wrap counter is 1. */
	ring->setup.next_avail = WRAP | WRAP << 16;
}

/* ---- places ---------------------------------------------------------------------------------- */

static uint16_t after(const struct vmsnd_guest_ring *ring, uint16_t place, unsigned slots)
{
	return (uint16_t)((place + slots) % (2u * ring->conf.size));
}

static unsigned distance(const struct vmsnd_guest_ring *ring, unsigned from, unsigned to)
{
	unsigned laps = 2u * ring->conf.size;

	return (to + laps - from) % laps;
}

static bool wrap_of(const struct vmsnd_guest_ring *ring, uint16_t place)
{
	return place < ring->conf.size;
}

static struct vring_packed_desc *slot_at(const struct vmsnd_guest_ring *ring, uint16_t place)
{
	return &ring->packed[place % ring->conf.size];
}

/* ---- to the card -------------------------------------------------------------------------------
 */

static void describe(struct vring_packed_desc *desc, const struct vmsnd_guest_segment *segment)
{
	desc->addr = segment->at;
	desc->len = segment->bytes;
}

static uint16_t flags_of(const struct vmsnd_guest_ring *ring, uint16_t place, unsigned flags)
{
	return (uint16_t)(flags | (wrap_of(ring, place) ? F_AVAIL : F_USED));
}

/* The first one's flags come last: with them the card may look at all of it (2.8.21.2). */
static void put(struct vmsnd_guest_ring *ring, uint16_t id,
		const struct vmsnd_guest_segment *segments, unsigned n, unsigned flags)
{
	uint16_t first_flags = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t place = after(ring, ring->next_place, i);
		struct vring_packed_desc *desc = slot_at(ring, place);
		unsigned own = flags | (segments[i].card_writes ? VRING_DESC_F_WRITE : 0u) |
			       (i + 1 < n ? VRING_DESC_F_NEXT : 0u);

		describe(desc, &segments[i]);
		desc->id = id;
		if (i == 0)
			first_flags = flags_of(ring, place, own);
		else
			desc->flags = flags_of(ring, place, own);
	}
	__atomic_store_n(&slot_at(ring, ring->next_place)->flags, first_flags, __ATOMIC_RELEASE);
	ring->next_place = after(ring, ring->next_place, n);
	ring->slots[id] = (uint16_t)n;
	ring->n_free = (uint16_t)(ring->n_free - n);
}

/* A table has no NEXT: its entries are one after the other (2.8.7). */
static struct vmsnd_guest_segment fill_table(struct vmsnd_guest_ring *ring, uint16_t id,
					     const struct vmsnd_guest_segment *segments, unsigned n)
{
	uint32_t first = (uint32_t)id * VMSND_GUEST_SEGMENTS_MAX;
	struct vring_packed_desc *table = &ring->packed_tables[first];

	for (unsigned i = 0; i < n; i++) {
		describe(&table[i], &segments[i]);
		table[i].id = 0;
		table[i].flags = segments[i].card_writes ? VRING_DESC_F_WRITE : 0;
	}
	return (struct vmsnd_guest_segment){.at = ring->tables_gpa + first * sizeof(*table),
					    .bytes = (uint32_t)(n * sizeof(*table))};
}

uint16_t vmsnd_guest_packed_add(struct vmsnd_guest_ring *ring,
				const struct vmsnd_guest_segment *segments, unsigned n)
{
	uint16_t id = ring->free_head;
	struct vmsnd_guest_segment table;

	ring->free_head = ring->next_free[id];
	if (!ring->conf.indirect || n == 1) {
		put(ring, id, segments, n, 0);
		return id;
	}
	table = fill_table(ring, id, segments, n);
	put(ring, id, &table, 1, VRING_DESC_F_INDIRECT);
	return id;
}

bool vmsnd_guest_packed_needs_kick(struct vmsnd_guest_ring *ring)
{
	uint16_t before = ring->told_place, flags, word;
	unsigned wish;

	if (before == ring->next_place)
		return false;
	ring->told_place = ring->next_place;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = __atomic_load_n(&ring->device_event->flags, __ATOMIC_ACQUIRE);
	word = __atomic_load_n(&ring->device_event->off_wrap, __ATOMIC_RELAXED);
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	wish = (word & (WRAP - 1)) + (word & WRAP ? 0u : ring->conf.size);
	return distance(ring, before, wish) < distance(ring, before, ring->next_place);
}

/* ---- back from the card
 * -------------------------------------------------------------------------- */

static bool is_used(const struct vmsnd_guest_ring *ring)
{
	uint16_t flags = __atomic_load_n(&slot_at(ring, ring->used_place)->flags, __ATOMIC_ACQUIRE);
	uint16_t both = wrap_of(ring, ring->used_place) ? F_AVAIL | F_USED : 0;

	return (flags & (F_AVAIL | F_USED)) == both;
}

/* Asks for an interrupt at the next used entry; true when one came in the meantime. */
static bool ask_again(struct vmsnd_guest_ring *ring)
{
	uint16_t place = ring->used_place;
	unsigned word = place % ring->conf.size | (wrap_of(ring, place) ? WRAP : 0);

	if (ring->conf.event_idx) {
		__atomic_store_n(&ring->driver_event->off_wrap, (uint16_t)word, __ATOMIC_RELAXED);
		__atomic_store_n(&ring->driver_event->flags, VRING_PACKED_EVENT_FLAG_DESC,
				 __ATOMIC_RELEASE);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return is_used(ring);
}

bool vmsnd_guest_packed_used(struct vmsnd_guest_ring *ring, uint32_t *id, uint32_t *bytes)
{
	const struct vring_packed_desc *desc = slot_at(ring, ring->used_place);

	if (!is_used(ring) && !ask_again(ring))
		return false;
	*id = desc->id;
	*bytes = desc->len;
	/* How far to go on is known of our own ids only. */
	ring->used_place =
	    after(ring, ring->used_place,
		  *id < ring->conf.size && ring->slots[*id] > 0 ? ring->slots[*id] : 1);
	return true;
}

void vmsnd_guest_packed_give_back(struct vmsnd_guest_ring *ring, uint16_t id)
{
	ring->n_free = (uint16_t)(ring->n_free + ring->slots[id]);
	ring->slots[id] = 0;
	ring->next_free[id] = ring->free_head;
	ring->free_head = id;
}
