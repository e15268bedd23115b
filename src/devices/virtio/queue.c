/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues: the rings. Section numbers are those of the virtio 1.3 standard. */
#include "devices/virtio/queue.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "base/endian.h"

_Static_assert(VMSND_VIRTIO_F_INDIRECT_DESC == UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC &&
		   VMSND_VIRTIO_F_EVENT_IDX == UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX &&
		   VMSND_VIRTIO_F_VERSION_1 == UINT64_C(1) << VIRTIO_F_VERSION_1,
	       "feature bits as the standard numbers them");

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

static bool usable(const struct vmsnd_queue *queue)
{
	return queue->started && !queue->broken;
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

static bool rings_ok(const struct vmsnd_queue *queue)
{
	uint64_t event = queue->event_index ? EVENT_BYTES : 0;
	uint64_t size = queue->size;

	return !vmsnd_gmem_check(queue->mem, queue->desc, size * sizeof(struct vring_desc),
				 VMSND_READ) &&
	       !vmsnd_gmem_check(queue->mem, queue->avail, ENTRIES_AT + size * AVAIL_ENTRY + event,
				 VMSND_READ) &&
	       !vmsnd_gmem_check(queue->mem, queue->used, ENTRIES_AT + size * USED_ENTRY + event,
				 VMSND_READ | VMSND_WRITE);
}

enum vmsnd_rc vmsnd_queue_start(struct vmsnd_queue *queue, struct vmsnd_gmem *mem,
				const struct vmsnd_queue_setup *setup, uint64_t features)
{
	*queue = (struct vmsnd_queue){
	    .mem = mem,
	    .desc = setup->desc,
	    .avail = setup->avail,
	    .used = setup->used,
	    .size = setup->size,
	    .next_avail = (uint16_t)setup->next_avail,
	    .avail_index = (uint16_t)setup->next_avail,
	    .event_index = (features & VMSND_VIRTIO_F_EVENT_IDX) != 0,
	    .indirect = (features & VMSND_VIRTIO_F_INDIRECT_DESC) != 0,
	};
	if (!shape_ok(setup))
		return VMSND_E_INVALID;
	/* What was used before lies in the ring: it is the driver's only memory of it, too. */
	if (!rings_ok(queue) || vmsnd_gmem_load16(mem, queue->used + INDEX_AT, &queue->used_index))
		return VMSND_E_RANGE;
	queue->published = queue->signalled = queue->used_index;
	queue->started = true;
	vmsnd_queue_kicks_on(queue);
	return queue->broken ? VMSND_E_RANGE : VMSND_OK;
}

void vmsnd_queue_stop(struct vmsnd_queue *queue)
{
	queue->started = false;
	queue->kicks = false;
}

uint16_t vmsnd_queue_waiting(struct vmsnd_queue *queue)
{
	uint16_t waiting;

	if (!usable(queue))
		return 0;
	/* Acquire: pairs with the driver's barrier between entry and index (2.7.13.3). */
	if (vmsnd_gmem_load16(queue->mem, queue->avail + INDEX_AT, &queue->avail_index))
		queue->broken = true;
	waiting = (uint16_t)(queue->avail_index - queue->next_avail);
	if (waiting > queue->size)
		queue->broken = true;
	return queue->broken ? 0 : waiting;
}

bool vmsnd_queue_peek(const struct vmsnd_queue *queue, uint16_t *waiting)
{
	uint16_t avail_index;

	if (!usable(queue) || vmsnd_gmem_load16(queue->mem, queue->avail + INDEX_AT, &avail_index))
		return false;
	*waiting = (uint16_t)(avail_index - queue->next_avail);
	return *waiting <= queue->size;
}

static enum vmsnd_pop open_chain(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	const struct vmsnd_walk walk = {
	    .table = queue->desc,
	    .entries = queue->size,
	    .steps = queue->size,
	    .next = chain->head,
	    .more = true,
	    .indirect = queue->indirect,
	};

	return vmsnd_chain_open(chain, queue->mem, &walk) ? VMSND_POP_CHAIN : VMSND_POP_MALFORMED;
}

enum vmsnd_pop vmsnd_queue_reopen(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	if (!usable(queue) || chain->head >= queue->size)
		return VMSND_POP_NONE;
	return open_chain(queue, chain);
}

void vmsnd_queue_pass(struct vmsnd_queue *queue)
{
	queue->next_avail++;
}

enum vmsnd_pop vmsnd_queue_pop(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	uint16_t slot;

	if (!usable(queue))
		return VMSND_POP_NONE;
	if (queue->avail_index == queue->next_avail && vmsnd_queue_waiting(queue) == 0)
		return VMSND_POP_NONE;
	slot = queue->next_avail & (uint16_t)(queue->size - 1);
	if (vmsnd_gmem_load16(queue->mem, queue->avail + ENTRIES_AT + (vmsnd_gpa)slot * AVAIL_ENTRY,
			      &chain->head) ||
	    chain->head >= queue->size) {
		queue->broken = true;
		return VMSND_POP_NONE;
	}
	chain->position = queue->next_avail++;
	return open_chain(queue, chain);
}

void vmsnd_queue_push(struct vmsnd_queue *queue, uint16_t head, uint32_t written)
{
	const struct vring_used_elem entry = {.id = head, .len = written};
	uint16_t slot = queue->used_index & (uint16_t)(queue->size - 1);

	if (!usable(queue))
		return;
	if (vmsnd_gmem_write(queue->mem, queue->used + ENTRIES_AT + (vmsnd_gpa)slot * USED_ENTRY,
			     &entry, sizeof(entry)))
		queue->broken = true;
	queue->used_index++;
}

void vmsnd_queue_publish(struct vmsnd_queue *queue)
{
	if (!usable(queue) || queue->published == queue->used_index)
		return;
	/* Release: entries are there before the index tells of them (2.7.8.2). */
	if (vmsnd_gmem_store16(queue->mem, queue->used + INDEX_AT, queue->used_index))
		queue->broken = true;
	queue->published = queue->used_index;
}

bool vmsnd_queue_must_notify(struct vmsnd_queue *queue)
{
	uint16_t before = queue->signalled, word;
	bool event_index = queue->event_index;

	if (!usable(queue) || before == queue->published)
		return false;
	queue->signalled = queue->published;
	/* The driver sets its wish, then looks at our index; we do it the other way round. Each
	 * needs its two accesses in order, or both could look too early. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
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

bool vmsnd_queue_kicks_on(struct vmsnd_queue *queue)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (!usable(queue))
		return false;
	if (queue->event_index && (!queue->kicks || queue->armed != queue->next_avail))
		rc = vmsnd_gmem_store16(queue->mem, avail_event_at(queue), queue->next_avail);
	/* With EVENT_IDX the flags are to be 0 always (2.7.10.1). */
	if (rc == VMSND_OK && !queue->kicks)
		rc = vmsnd_gmem_store16(queue->mem, queue->used + FLAGS_AT, 0);
	queue->broken = rc != VMSND_OK;
	queue->kicks = true;
	queue->armed = queue->next_avail;
	/* Our wish before our look at the index: see must_notify. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vmsnd_queue_waiting(queue) > 0;
}

void vmsnd_queue_kicks_off(struct vmsnd_queue *queue)
{
	enum vmsnd_rc rc;

	if (!usable(queue) || !queue->kicks)
		return;
	queue->kicks = false;
	/* With EVENT_IDX: arm an entry already passed, so 65535 more come before the next kick. */
	if (queue->event_index)
		rc = vmsnd_gmem_store16(queue->mem, avail_event_at(queue),
					(uint16_t)(queue->next_avail - 1));
	else
		rc = vmsnd_gmem_store16(queue->mem, queue->used + FLAGS_AT, VRING_USED_F_NO_NOTIFY);
	queue->broken = rc != VMSND_OK;
}
