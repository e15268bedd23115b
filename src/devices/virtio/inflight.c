/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio/inflight.h"

#include <linux/virtio_ring.h>

#define VERSION 1u

/* A region: features (8 bytes), then these, then one entry for each descriptor. */
enum { VERSION_AT = 8, SIZE_AT = 10, LAST_BATCH_AT = 12, USED_AT = 14, ENTRIES_AT = 16 };
/* An entry: a byte that says whether it is in flight, five of padding, the rest. */
enum { INFLIGHT_AT = 0, NEXT_AT = 6, COUNTER_AT = 8, ENTRY_BYTES = 16 };

/* Both rings of a split queue: index, then entries. */
enum { RING_INDEX_AT = 2, RING_ENTRIES_AT = 4, AVAIL_ENTRY_BYTES = 2 };

uint64_t vmsnd_inflight_queue_bytes(unsigned size)
{
	return (ENTRIES_AT + (uint64_t)size * ENTRY_BYTES + 63) & ~UINT64_C(63);
}

/* ---- words ---- */

/* Memory that is not there reads as 0, and writes to it do nothing: notes are then of no use, and
 * the queue goes on without. */
static uint16_t get(const struct vmsnd_inflight_queue *notes, vmsnd_gpa at)
{
	uint16_t value = 0;

	vmsnd_gmem_load16(notes->mem, notes->at + at, &value);
	return value;
}

/* With release: what was written before is there before it. */
static void set(const struct vmsnd_inflight_queue *notes, vmsnd_gpa at, uint16_t value)
{
	vmsnd_gmem_store16(notes->mem, notes->at + at, value);
}

static vmsnd_gpa entry(uint16_t head)
{
	return ENTRIES_AT + (vmsnd_gpa)head * ENTRY_BYTES;
}

static bool is_in_flight(const struct vmsnd_inflight_queue *notes, uint16_t head)
{
	return (get(notes, entry(head) + INFLIGHT_AT) & 0xff) != 0;
}

static uint64_t counter_of(const struct vmsnd_inflight_queue *notes, uint16_t head)
{
	uint64_t counter = 0;

	vmsnd_gmem_read(notes->mem, notes->at + entry(head) + COUNTER_AT, &counter,
			sizeof(counter));
	return counter;
}

/* ---- from the rings ---- */

void vmsnd_inflight_popped(struct vmsnd_inflight_queue *notes, uint16_t head)
{
	/* One that is popped again, after a stop or a take-over, keeps its place in the order. */
	if (!notes || head >= notes->size || is_in_flight(notes, head))
		return;
	vmsnd_gmem_write(notes->mem, notes->at + entry(head) + COUNTER_AT, &notes->counter,
			 sizeof(notes->counter));
	notes->counter++;
	set(notes, entry(head) + INFLIGHT_AT, 1);
}

void vmsnd_inflight_pushed(struct vmsnd_inflight_queue *notes, uint16_t head)
{
	if (!notes || head >= notes->size)
		return;
	set(notes, entry(head) + NEXT_AT, get(notes, LAST_BATCH_AT));
	set(notes, LAST_BATCH_AT, head);
}

static void land_batch(struct vmsnd_inflight_queue *notes, uint16_t n, uint16_t used)
{
	uint16_t head = get(notes, LAST_BATCH_AT);

	for (; n > 0 && head < notes->size; n--) {
		set(notes, entry(head) + INFLIGHT_AT, 0);
		head = get(notes, entry(head) + NEXT_AT);
	}
	set(notes, USED_AT, used);
}

void vmsnd_inflight_published(struct vmsnd_inflight_queue *notes, uint16_t n, uint16_t used)
{
	if (notes)
		land_batch(notes, n, used);
}

uint64_t vmsnd_inflight_number(const struct vmsnd_inflight_queue *notes, uint16_t head)
{
	if (!notes || head >= notes->size || !is_in_flight(notes, head))
		return 0;
	return counter_of(notes, head);
}

/* ---- begin ---- */

void vmsnd_inflight_forget(struct vmsnd_inflight_queue *notes)
{
	if (notes->mem)
		set(notes, VERSION_AT, 0);
}

void vmsnd_inflight_begin(struct vmsnd_inflight_queue *notes, uint16_t size, uint16_t used)
{
	vmsnd_inflight_forget(notes);
	for (uint16_t head = 0; head < size; head++)
		set(notes, entry(head) + INFLIGHT_AT, 0);
	set(notes, SIZE_AT, size);
	set(notes, LAST_BATCH_AT, 0);
	set(notes, USED_AT, used);
	if (notes->counter == 0)
		notes->counter = 1;
	set(notes, VERSION_AT, VERSION);
}

bool vmsnd_inflight_is_begun(const struct vmsnd_inflight_queue *notes)
{
	return get(notes, VERSION_AT) == VERSION;
}

bool vmsnd_inflight_is_of_size(const struct vmsnd_inflight_queue *notes, uint16_t size)
{
	return vmsnd_inflight_is_begun(notes) && get(notes, SIZE_AT) == size;
}

/* ---- resume ---- */

static bool has(const uint64_t *bits, unsigned at)
{
	return bits[at / 64] >> (at % 64) & 1;
}

static void mark(uint64_t *bits, unsigned at, bool on)
{
	uint64_t bit = UINT64_C(1) << (at % 64);

	bits[at / 64] = on ? bits[at / 64] | bit : bits[at / 64] & ~bit;
}

/* Heads in flight as bits, and how many. Numbers go on behind the highest ever given: the last
 * buffer popped has it, in flight or not. */
static uint16_t count_in_flight(struct vmsnd_inflight_queue *notes, uint16_t size, uint64_t *bits)
{
	uint16_t n = 0;

	for (uint16_t head = 0; head < size; head++) {
		uint64_t counter = counter_of(notes, head);

		/* There is none behind the very last; it is nobody's. */
		if (counter >= notes->counter && counter < UINT64_MAX)
			notes->counter = counter + 1;
		if (!is_in_flight(notes, head))
			continue;
		mark(bits, head, true);
		n++;
	}
	if (notes->counter == 0)
		notes->counter = 1;
	return n;
}

/* Which head the entry at `position` of the available ring has. */
static uint16_t head_at(struct vmsnd_gmem *mem, const struct vmsnd_queue_setup *setup,
			uint16_t position)
{
	uint16_t slot = position & (uint16_t)(setup->size - 1), head = UINT16_MAX;

	vmsnd_gmem_load16(mem, setup->avail + RING_ENTRIES_AT + (vmsnd_gpa)slot * AVAIL_ENTRY_BYTES,
			  &head);
	return head;
}

/* Looks back through the available ring from out->next_avail: `reach` entries that cannot have been
 * overwritten yet. The first one met with a head is the one it was popped from; it takes the head
 * out of `bits`. */
static void find_in_ring(struct vmsnd_gmem *mem, const struct vmsnd_queue_setup *setup,
			 uint16_t reach, uint64_t *bits, struct vmsnd_inflight_place *out)
{
	uint16_t end = out->next_avail;

	out->n_popped = 0;
	for (uint16_t age = 1; age <= reach; age++) {
		uint16_t position = (uint16_t)(end - age);
		uint16_t head = head_at(mem, setup, position);
		bool found = head < setup->size && has(bits, head);

		mark(out->given_back, position % VMSND_QUEUE_SIZE_MAX, !found);
		if (!found)
			continue;
		mark(bits, head, false);
		out->next_avail = position;
		out->n_popped = age;
	}
}

/* What is left in `bits`, by counter. */
static void hold(const struct vmsnd_inflight_queue *notes, const uint64_t *bits, uint16_t size,
		 struct vmsnd_inflight_place *out)
{
	uint64_t counters[VMSND_QUEUE_SIZE_MAX];

	out->n_held = 0;
	for (uint16_t head = 0; head < size; head++) {
		uint64_t counter;
		uint16_t at;

		if (!has(bits, head))
			continue;
		counter = counter_of(notes, head);
		for (at = out->n_held++; at > 0 && counters[at - 1] > counter; at--) {
			counters[at] = counters[at - 1];
			out->held[at] = out->held[at - 1];
		}
		counters[at] = counter;
		out->held[at] = head;
	}
}

bool vmsnd_inflight_resume(struct vmsnd_inflight_queue *notes, struct vmsnd_gmem *mem,
			   const struct vmsnd_queue_setup *setup, struct vmsnd_inflight_place *out)
{
	uint64_t bits[VMSND_QUEUE_SIZE_MAX / 64] = {0};
	uint16_t used, avail, batch, waiting;

	if (setup->size == 0 || setup->size > notes->size || get(notes, SIZE_AT) != setup->size ||
	    vmsnd_gmem_load16(mem, setup->used + RING_INDEX_AT, &used) ||
	    vmsnd_gmem_load16(mem, setup->avail + RING_INDEX_AT, &avail))
		return false;
	/* Published, and not all of it noted. */
	batch = (uint16_t)(used - get(notes, USED_AT));
	if (batch > setup->size)
		return false;
	land_batch(notes, batch, used);
	/* Every entry popped was given back or is in flight. */
	out->next_avail = (uint16_t)(used + count_in_flight(notes, setup->size, bits));
	waiting = (uint16_t)(avail - out->next_avail);
	if (waiting > setup->size)
		return false;
	find_in_ring(mem, setup, (uint16_t)(setup->size - waiting), bits, out);
	hold(notes, bits, setup->size, out);
	return true;
}
