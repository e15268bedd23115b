/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest for tests: its packed rings. */
#include "rig_packed.h"

static struct vring_packed_desc *packed_at(struct rig *rig, unsigned queue, uint16_t place)
{
	const struct vmsnd_queue_setup *setup = &rig->queues[queue].setup;

	return (struct vring_packed_desc *)rig_at(rig, setup->desc) + place % setup->size;
}

static uint16_t packed_flags(const struct rig_queue *q, uint16_t place, bool used)
{
	bool wrap = place < q->setup.size;

	return (uint16_t)((wrap ? 0x80 : 0) | ((used ? wrap : !wrap) ? 0x8000 : 0));
}

static uint16_t packed_after(const struct rig_queue *q, uint16_t place, unsigned slots)
{
	return (uint16_t)((place + slots) % (2u * q->setup.size));
}

/* In the ring, or in a table; the first one's flags last, as drivers have to. */
static void describe_packed(struct rig *rig, unsigned queue, uint16_t id,
			    const struct rig_segment *segments, unsigned n)
{
	struct rig_queue *q = &rig->queues[queue];
	uint16_t first = q->next_place, first_flags = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t place = packed_after(q, first, i);
		uint16_t flags = packed_flags(q, place, false);

		flags |= (uint16_t)((segments[i].writable ? VRING_DESC_F_WRITE : 0) |
				    (i + 1 < n ? VRING_DESC_F_NEXT : 0));
		*packed_at(rig, queue, place) = (struct vring_packed_desc){
		    .addr = segments[i].at,
		    .len = segments[i].bytes,
		    .id = id,
		    .flags = i == 0 ? packed_flags(q, place, true) ^ 0x8080 : flags};
		if (i == 0)
			first_flags = flags;
	}
	packed_at(rig, queue, first)->flags = first_flags;
	q->slots[id] = (uint16_t)n;
	q->next_place = packed_after(q, first, n);
}

uint16_t rig_packed_post(struct rig *rig, unsigned queue, const struct rig_segment *segments,
			 unsigned n, bool indirect)
{
	struct rig_queue *q = &rig->queues[queue];
	struct rig_segment table = {.bytes = n * 16u};
	struct vring_packed_desc *entries;
	uint16_t id = rig_take_descriptor(q);

	q->owner[id] = id;
	for (unsigned i = 1; i < n && !indirect; i++)
		q->owner[rig_take_descriptor(q)] = id;
	if (!indirect) {
		describe_packed(rig, queue, id, segments, n);
		return id;
	}
	table.at = rig_alloc(rig, n * 16u);
	entries = rig_at(rig, table.at);
	/* What is reserved in there is not to be looked at. */
	for (unsigned i = 0; i < n; i++)
		entries[i] = (struct vring_packed_desc){
		    .addr = segments[i].at,
		    .len = segments[i].bytes,
		    .id = 0xdead,
		    .flags = segments[i].writable ? VRING_DESC_F_WRITE : VRING_DESC_F_NEXT};
	describe_packed(rig, queue, id, &table, 1);
	packed_at(rig, queue, packed_after(q, q->next_place, 2u * q->setup.size - 1u))->flags |=
	    VRING_DESC_F_INDIRECT;
	return id;
}

bool rig_packed_take(struct rig *rig, unsigned queue, uint16_t *place, uint32_t *id,
		     uint32_t *written)
{
	const struct rig_queue *q = &rig->queues[queue];
	const struct vring_packed_desc *desc = packed_at(rig, queue, *place);

	if ((desc->flags & 0x8080) != packed_flags(q, *place, true))
		return false;
	*id = desc->id;
	*written = desc->len;
	assert_in_range(*id, 0, q->setup.size - 1u);
	assert_in_range(q->slots[*id], 1, q->setup.size);
	*place = packed_after(q, *place, q->slots[*id]);
	return true;
}

void rig_packed_free(struct rig_queue *q, uint32_t id)
{
	for (uint16_t i = 0; i < q->setup.size; i++)
		if (q->taken[i] && q->owner[i] == id) {
			q->taken[i] = false;
			q->free_descriptors++;
		}
}
