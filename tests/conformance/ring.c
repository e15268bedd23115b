/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/endian.h"
#include "front.h"
#include "os/clock.h"

#define DESC_BYTES   16u
#define AVAIL_AT     0x4000u
#define USED_AT      0x6000u
#define INDIRECT_AT  0x8000u
#define TABLE_BYTES  (SEGMENTS_MAX * DESC_BYTES)
#define PACKED_AVAIL 0x80u
#define PACKED_USED  0x8000u
/* Looked at this often even without an interrupt, so that a missing one is a verdict of its own
 * and not the failure of every row. */
#define LOOK_MS 5

static uint8_t *at(const struct front *front, uint32_t offset)
{
	return front->memory + offset;
}

static uint16_t load16(const struct front *front, uint32_t offset)
{
	return __atomic_load_n((const uint16_t *)(const void *)at(front, offset), __ATOMIC_ACQUIRE);
}

static void store16(struct front *front, uint32_t offset, uint16_t value)
{
	__atomic_store_n((uint16_t *)(void *)at(front, offset), value, __ATOMIC_RELEASE);
}

void ring_reset(struct front *front, struct ring *ring, uint32_t offset)
{
	struct ring fresh = {.packed = ring->packed,
			     .event_idx = ring->event_idx,
			     .in_order = ring->in_order,
			     .indirect = ring->indirect,
			     .kick = ring->kick,
			     .call = ring->call};
	eventfd_t count;

	fresh.desc = offset;
	fresh.avail = offset + AVAIL_AT;
	fresh.used = offset + USED_AT;
	fresh.avail_wrap = fresh.used_wrap = true;
	fresh.n_free = fresh.room = RING_SIZE;
	for (uint16_t i = 0; i < RING_SIZE; i++)
		fresh.free[i] = i;
	memset(at(front, offset), 0, INDIRECT_AT);
	eventfd_read(ring->call, &count);
	eventfd_read(ring->kick, &count);
	*ring = fresh;
}

/* ---- descriptors -------------------------------------------------------------------------- */

static uint16_t free_take(struct ring *ring)
{
	uint16_t index = ring->free[ring->first_free];

	ring->first_free = (uint16_t)((ring->first_free + 1) % RING_SIZE);
	ring->n_free--;
	return index;
}

static void free_give(struct ring *ring, uint16_t index)
{
	ring->free[(ring->first_free + ring->n_free) % RING_SIZE] = index;
	ring->n_free++;
}

static void put_desc(struct front *front, uint32_t offset, const struct raw *raw)
{
	vmsnd_put_le64(at(front, offset), raw->gpa);
	vmsnd_put_le32(at(front, offset + 8), raw->bytes);
	vmsnd_put_le16(at(front, offset + 12), raw->flags);
	vmsnd_put_le16(at(front, offset + 14), raw->next);
}

static struct raw raw_of(const struct segment *segment)
{
	return (struct raw){.gpa = MEMORY_GPA + segment->at,
			    .bytes = segment->bytes,
			    .flags = segment->writable ? DESC_WRITE : 0};
}

/* The segments into a table of their own; one descriptor that points there. In a packed table
 * what follows is the next one, and NEXT means nothing. */
static struct raw put_table(struct front *front, const struct ring *ring, uint16_t head,
			    const struct segment *segments, unsigned n)
{
	uint32_t table = ring->desc + INDIRECT_AT + head * TABLE_BYTES;

	for (unsigned i = 0; i < n; i++) {
		struct raw raw = raw_of(&segments[i]);

		if (!ring->packed && i + 1 < n) {
			raw.flags |= DESC_NEXT;
			raw.next = (uint16_t)(i + 1);
		}
		put_desc(front, table + i * DESC_BYTES, &raw);
	}
	return (struct raw){
	    .gpa = MEMORY_GPA + table, .bytes = n * DESC_BYTES, .flags = DESC_INDIRECT};
}

static int post_split(struct front *front, struct ring *ring, const struct segment *segments,
		      unsigned n)
{
	uint16_t heads[SEGMENTS_MAX] = {0}, n_descs = (uint16_t)(ring->indirect ? 1 : n);

	if (n_descs > ring->n_free)
		return NO_HEAD;
	for (uint16_t i = 0; i < n_descs; i++)
		heads[i] = free_take(ring);
	for (uint16_t i = 0; i < n_descs; i++) {
		struct raw raw = ring->indirect ? put_table(front, ring, heads[0], segments, n)
						: raw_of(&segments[i]);

		if (i + 1 < n_descs) {
			raw.flags |= DESC_NEXT;
			raw.next = heads[i + 1];
		}
		put_desc(front, ring->desc + heads[i] * DESC_BYTES, &raw);
	}
	memcpy(ring->out[heads[0]].at, heads, n_descs * sizeof(heads[0]));
	ring->out[heads[0]].n = n_descs;
	vmsnd_put_le16(at(front, ring->avail + 4 + ring->next_avail % RING_SIZE * 2), heads[0]);
	store16(front, ring->avail + 2, ++ring->next_avail);
	return heads[0];
}

/* The flags of the first descriptor are written last: they hand over all of the chain. */
static int post_packed(struct front *front, struct ring *ring, const struct segment *segments,
		       unsigned n)
{
	uint16_t n_descs = (uint16_t)(ring->indirect ? 1 : n), first = ring->next_avail;
	uint16_t id, first_flags = 0;

	if (n_descs > ring->room || ring->n_free == 0)
		return NO_HEAD;
	id = free_take(ring);
	for (uint16_t i = 0; i < n_descs; i++) {
		struct raw raw =
		    ring->indirect ? put_table(front, ring, id, segments, n) : raw_of(&segments[i]);

		raw.next = id;
		raw.flags |= i + 1 < n_descs ? DESC_NEXT : 0;
		raw.flags = (uint16_t)(raw.flags | (ring->avail_wrap ? PACKED_AVAIL : PACKED_USED));
		if (i == 0) {
			first_flags = raw.flags;
			raw.flags = load16(front, ring->desc + first * DESC_BYTES + 14);
		}
		vmsnd_put_le64(at(front, ring->desc + ring->next_avail * DESC_BYTES), raw.gpa);
		vmsnd_put_le32(at(front, ring->desc + ring->next_avail * DESC_BYTES + 8),
			       raw.bytes);
		vmsnd_put_le16(at(front, ring->desc + ring->next_avail * DESC_BYTES + 12), id);
		store16(front, ring->desc + ring->next_avail * DESC_BYTES + 14, raw.flags);
		if (++ring->next_avail == RING_SIZE) {
			ring->next_avail = 0;
			ring->avail_wrap = !ring->avail_wrap;
		}
	}
	store16(front, ring->desc + first * DESC_BYTES + 14, first_flags);
	ring->out[id].n = n_descs;
	ring->room = (uint16_t)(ring->room - n_descs);
	return id;
}

int ring_post(struct front *front, unsigned queue, const struct segment *segments, unsigned n,
	      void *cookie)
{
	struct ring *ring = &front->rings[queue];
	int head = ring->packed ? post_packed(front, ring, segments, n)
				: post_split(front, ring, segments, n);

	if (head == NO_HEAD)
		return head;
	ring->out[head].cookie = cookie;
	ring->order[(ring->first_posted + ring->n_posted) % RING_SIZE] = (uint16_t)head;
	ring->n_posted++;
	return head;
}

void ring_kick(struct front *front, unsigned queue)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	eventfd_write(front->rings[queue].kick, 1);
}

/* ---- used ------------------------------------------------------------------------------------ */

uint16_t ring_used_index(const struct front *front, const struct ring *ring)
{
	return load16(front, ring->used + 2);
}

/* Whether something is there; its id and length. */
static bool look_split(const struct front *front, struct ring *ring, uint32_t *id, uint32_t *bytes)
{
	uint16_t index = ring_used_index(front, ring);
	uint32_t entry = ring->used + 4 + ring->last_used % RING_SIZE * 8;

	if (index == ring->last_used)
		return false;
	if ((uint16_t)(index - ring->last_used) > RING_SIZE)
		ring->wrong = "the used index has jumped";
	*id = vmsnd_le32(at(front, entry));
	*bytes = vmsnd_le32(at(front, entry + 4));
	return true;
}

static bool look_packed(const struct front *front, struct ring *ring, uint32_t *id, uint32_t *bytes)
{
	uint32_t desc = ring->desc + ring->last_used * DESC_BYTES;
	uint16_t flags = load16(front, desc + 14);
	bool avail = flags & PACKED_AVAIL, used = flags & PACKED_USED;

	if (avail != used || used != ring->used_wrap)
		return false;
	*id = vmsnd_le16(at(front, desc + 12));
	*bytes = vmsnd_le32(at(front, desc + 8));
	return true;
}

static void forget_posted(struct ring *ring, uint16_t head)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < ring->n_posted; i++) {
		uint16_t one = ring->order[(ring->first_posted + i) % RING_SIZE];

		if (one != head)
			ring->order[(ring->first_posted + kept++) % RING_SIZE] = one;
	}
	ring->n_posted = kept;
}

static void take_back(struct ring *ring, uint16_t head)
{
	if (ring->packed) {
		ring->last_used = (uint16_t)(ring->last_used + ring->out[head].n);
		if (ring->last_used >= RING_SIZE) {
			ring->last_used = (uint16_t)(ring->last_used - RING_SIZE);
			ring->used_wrap = !ring->used_wrap;
		}
		ring->room = (uint16_t)(ring->room + ring->out[head].n);
		free_give(ring, head);
	} else {
		ring->last_used++;
		for (uint16_t i = 0; i < ring->out[head].n; i++)
			free_give(ring, ring->out[head].at[i]);
	}
	ring->out[head].n = 0;
	forget_posted(ring, head);
}

/* With IN_ORDER one entry may stand for all up to it; its length is the last one's. */
static bool take_batch(struct ring *ring, uint32_t id)
{
	for (uint16_t i = 0; ring->batch == 0 && i < ring->n_posted; i++)
		if (ring->order[(ring->first_posted + i) % RING_SIZE] == id)
			ring->batch = (uint16_t)(i + 1);
	return ring->batch > 0;
}

static bool take_now(struct front *front, struct ring *ring, struct used *out)
{
	uint32_t id = 0;

	if (ring->wrong)
		return false;
	if (ring->batch == 0) {
		if (!(ring->packed ? look_packed(front, ring, &id, &ring->batch_bytes)
				   : look_split(front, ring, &id, &ring->batch_bytes)))
			return false;
		if (id >= RING_SIZE || ring->out[id].n == 0)
			ring->wrong = "a used buffer that is not out";
		if (ring->wrong)
			return false;
	}
	if (ring->in_order && take_batch(ring, id)) {
		id = ring->order[ring->first_posted];
		ring->batch--;
	}
	*out = (struct used){ring->out[id].cookie, ring->batch_bytes, vmsnd_clock_now()};
	take_back(ring, (uint16_t)id);
	return true;
}

/* Asks for an interrupt with the next buffer. */
static void arm(struct front *front, struct ring *ring)
{
	if (!ring->packed && ring->event_idx)
		store16(front, ring->avail + 4 + RING_SIZE * 2, ring->last_used);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool ring_take(struct front *front, unsigned queue, int ms, struct used *out)
{
	struct ring *ring = &front->rings[queue];
	vmsnd_ns end = vmsnd_clock_now() + (vmsnd_ns)ms * 1000000;

	while (!take_now(front, ring, out)) {
		struct pollfd call = {.fd = ring->call, .events = POLLIN};
		vmsnd_ns now = vmsnd_clock_now();
		eventfd_t count;
		int left;

		if (now >= end || ring->wrong)
			return false;
		arm(front, ring);
		if (take_now(front, ring, out))
			return true;
		left = (int)((end - now) / 1000000) + 1;
		if (poll(&call, 1, left < LOOK_MS ? left : LOOK_MS) > 0 &&
		    eventfd_read(ring->call, &count) == 0)
			ring->interrupts += (unsigned)count;
	}
	return true;
}

/* ---- on purpose --------------------------------------------------------------------------------
 */

void ring_raw(struct front *front, unsigned queue, uint16_t index, const struct raw *raw)
{
	put_desc(front, front->rings[queue].desc + index * DESC_BYTES, raw);
}

void ring_raw_post(struct front *front, unsigned queue, uint16_t head, uint16_t step)
{
	struct ring *ring = &front->rings[queue];

	vmsnd_put_le16(at(front, ring->avail + 4 + ring->next_avail % RING_SIZE * 2), head);
	ring->next_avail = (uint16_t)(ring->next_avail + step);
	store16(front, ring->avail + 2, ring->next_avail);
	ring_kick(front, queue);
}
