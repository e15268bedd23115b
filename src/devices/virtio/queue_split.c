/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues: the rings. Section numbers are those of the virtio 1.3 standard. */
#include "base/endian.h"
#include "devices/virtio/queue.h"

/* Both rings begin with 16 bits of flags and a 16-bit index; the other side's event index
 * follows the last entry. */
enum { FLAGS_AT = 0, INDEX_AT = 2, ENTRIES_AT = 4, EVENT_BYTES = 2 };
enum { AVAIL_ENTRY = 2, USED_ENTRY = 8 };

static vmsnd_gpa used_event_at(const struct vmsnd_queue *queue)
{
	return queue->avail + ENTRIES_AT + (vmsnd_gpa)queue->size * AVAIL_ENTRY;
}

static vmsnd_gpa avail_event_at(const struct vmsnd_queue *queue)
{
	return queue->used + ENTRIES_AT + (vmsnd_gpa)queue->size * USED_ENTRY;
}

/* Table 2.7: where each part must lie. */
static bool shape_ok(const struct vmsnd_queue_setup *setup)
{
	if (setup->size == 0 || setup->size > VMSND_QUEUE_SIZE_MAX ||
	    (setup->size & (setup->size - 1)) != 0)
		return false;
	return setup->desc % VRING_DESC_ALIGN_SIZE == 0 &&
	       setup->avail % VRING_AVAIL_ALIGN_SIZE == 0 &&
	       setup->used % VRING_USED_ALIGN_SIZE == 0;
}

static bool start(struct vmsnd_queue *queue, const struct vmsnd_queue_setup *setup)
{
	uint64_t event = queue->event_index ? EVENT_BYTES : 0;
	uint64_t size = queue->size;

	queue->next_avail = queue->avail_index = (uint16_t)setup->next_avail;
	/* What was used before lies in the ring: it is the driver's only memory of it, too. */
	return !vmsnd_gmem_check(queue->mem, queue->desc, size * sizeof(struct vring_desc),
				 VMSND_READ) &&
	       !vmsnd_gmem_check(queue->mem, queue->avail, ENTRIES_AT + size * AVAIL_ENTRY + event,
				 VMSND_READ) &&
	       !vmsnd_gmem_check(queue->mem, queue->used, ENTRIES_AT + size * USED_ENTRY + event,
				 VMSND_READ | VMSND_WRITE) &&
	       !vmsnd_gmem_load16(queue->mem, queue->used + INDEX_AT, &queue->used_index);
}

static int waiting(const struct vmsnd_queue *queue, uint16_t *avail_index)
{
	uint16_t n;

	/* Acquire: pairs with the driver's barrier between entry and index (2.7.13.3). */
	if (vmsnd_gmem_load16(queue->mem, queue->avail + INDEX_AT, avail_index))
		return -1;
	n = (uint16_t)(*avail_index - queue->next_avail);
	return n > queue->size ? -1 : n;
}

static bool any_waiting(struct vmsnd_queue *queue)
{
	return vmsnd_queue_waiting(queue) > 0;
}

static bool take(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	uint16_t slot;

	if (queue->avail_index == queue->next_avail && vmsnd_queue_waiting(queue) == 0)
		return false;
	slot = queue->next_avail & (uint16_t)(queue->size - 1);
	if (vmsnd_gmem_load16(queue->mem, queue->avail + ENTRIES_AT + (vmsnd_gpa)slot * AVAIL_ENTRY,
			      &chain->head) ||
	    chain->head >= queue->size) {
		queue->broken = true;
		return false;
	}
	chain->slots = 1;
	chain->position = queue->next_avail++;
	return true;
}

static bool walk_of(const struct vmsnd_queue *queue, const struct vmsnd_chain *chain,
		    struct vmsnd_walk *walk)
{
	*walk = (struct vmsnd_walk){
	    .table = queue->desc,
	    .entries = queue->size,
	    .steps = queue->size,
	    .next = chain->head,
	    .more = true,
	    .indirect = queue->indirect,
	};
	return chain->head < queue->size;
}

static void give(struct vmsnd_queue *queue, const struct vmsnd_queue_out *out)
{
	const struct vring_used_elem entry = {.id = out->head, .len = out->written};
	uint16_t slot = queue->used_index & (uint16_t)(queue->size - 1);

	if (vmsnd_gmem_write(queue->mem, queue->used + ENTRIES_AT + (vmsnd_gpa)slot * USED_ENTRY,
			     &entry, sizeof(entry)))
		queue->broken = true;
	vmsnd_inflight_pushed(queue->notes, out->head);
	queue->used_index++;
}

/* Release: entries are there before the index tells of them (2.7.8.2). */
static bool publish(struct vmsnd_queue *queue)
{
	return !vmsnd_gmem_store16(queue->mem, queue->used + INDEX_AT, queue->used_index);
}

static bool wants_interrupt(struct vmsnd_queue *queue, uint16_t before)
{
	bool event_index = queue->event_index;
	uint16_t word;

	if (vmsnd_gmem_load16(
		queue->mem, event_index ? used_event_at(queue) : queue->avail + FLAGS_AT, &word)) {
		queue->broken = true;
		return false;
	}
	if (!event_index)
		return !(word & VRING_AVAIL_F_NO_INTERRUPT);
	/* 2.7.7.2: when the entry at used_event is among those published; modulo 2^16. */
	return (uint16_t)(queue->published - word - 1) < (uint16_t)(queue->published - before);
}

static enum vmsnd_rc kicks_on(struct vmsnd_queue *queue)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (queue->event_index && (!queue->kicks || queue->armed != queue->next_avail))
		rc = vmsnd_gmem_store16(queue->mem, avail_event_at(queue), queue->next_avail);
	/* With EVENT_IDX the flags are to be 0 always (2.7.10.1). */
	if (rc == VMSND_OK && !queue->kicks)
		rc = vmsnd_gmem_store16(queue->mem, queue->used + FLAGS_AT, 0);
	return rc;
}

static enum vmsnd_rc kicks_off(struct vmsnd_queue *queue)
{
	/* With EVENT_IDX: arm an entry already passed, so 65535 more come before the next kick. */
	if (queue->event_index)
		return vmsnd_gmem_store16(queue->mem, avail_event_at(queue),
					  (uint16_t)(queue->next_avail - 1));
	return vmsnd_gmem_store16(queue->mem, queue->used + FLAGS_AT, VRING_USED_F_NO_NOTIFY);
}

const struct vmsnd_ring_ops vmsnd_ring_split = {
    .shape_ok = shape_ok,
    .start = start,
    .waiting = waiting,
    .any_waiting = any_waiting,
    .take = take,
    .walk = walk_of,
    .give = give,
    .publish = publish,
    .wants_interrupt = wants_interrupt,
    .kicks_on = kicks_on,
    .kicks_off = kicks_off,
};
