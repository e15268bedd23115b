/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtqueues: what both layouts of rings have in common, and IN_ORDER. */
#include "devices/virtio/queue.h"

#include <linux/virtio_config.h>

_Static_assert(VMSND_VIRTIO_F_INDIRECT_DESC == UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC &&
		   VMSND_VIRTIO_F_EVENT_IDX == UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX &&
		   VMSND_VIRTIO_F_VERSION_1 == UINT64_C(1) << VIRTIO_F_VERSION_1 &&
		   VMSND_VIRTIO_F_RING_PACKED == UINT64_C(1) << VIRTIO_F_RING_PACKED &&
		   VMSND_VIRTIO_F_IN_ORDER == UINT64_C(1) << 35 &&
		   VMSND_VIRTIO_F_RING_RESET == UINT64_C(1) << 40,
	       "feature bits as the standard numbers them");

static bool usable(const struct vmsnd_queue *queue)
{
	return queue->started && !queue->broken;
}

enum vmsnd_rc vmsnd_queue_start(struct vmsnd_queue *queue, struct vmsnd_gmem *mem,
				const struct vmsnd_queue_setup *setup, uint64_t features)
{
	struct vmsnd_queue_store *store = queue->store;
	bool packed = (features & VMSND_VIRTIO_F_RING_PACKED) != 0;

	*queue = (struct vmsnd_queue){
	    .mem = mem,
	    .ops = packed ? &vmsnd_ring_packed : &vmsnd_ring_split,
	    .store = store,
	    .desc = setup->desc,
	    .avail = setup->avail,
	    .used = setup->used,
	    .size = setup->size,
	    .event_index = (features & VMSND_VIRTIO_F_EVENT_IDX) != 0,
	    .indirect = (features & VMSND_VIRTIO_F_INDIRECT_DESC) != 0,
	    .packed = packed,
	    .in_order = (features & VMSND_VIRTIO_F_IN_ORDER) != 0,
	};
	if (!queue->ops->shape_ok(setup) || ((packed || queue->in_order) && !store))
		return VMSND_E_INVALID;
	if (!queue->ops->start(queue, setup))
		return VMSND_E_RANGE;
	queue->published = queue->signalled = queue->used_index;
	if (queue->in_order) {
		queue->n_popped = store->n_restored;
		for (uint16_t i = 0; i < store->n_restored; i++)
			queue->n_done = (uint16_t)(queue->n_done + store->out[i].done);
	}
	if (store)
		store->n_restored = store->n_restored_copies = store->n_restored_slots = 0;
	queue->started = true;
	vmsnd_queue_kicks_on(queue);
	return queue->broken ? VMSND_E_RANGE : VMSND_OK;
}

void vmsnd_queue_stop(struct vmsnd_queue *queue)
{
	queue->started = false;
	queue->kicks = false;
}

void vmsnd_queue_keep(struct vmsnd_queue *queue)
{
	struct vmsnd_queue_store *store = queue->store;

	store->n_restored = (uint16_t)(queue->n_popped - queue->n_given);
	store->n_restored_copies = queue->fresh_copies;
	store->n_restored_slots = queue->n_slots;
}

/* ---- from the driver ------------------------------------------------------------------------ */

uint16_t vmsnd_queue_waiting(struct vmsnd_queue *queue)
{
	int waiting;

	if (!usable(queue))
		return 0;
	waiting = queue->ops->waiting(queue, &queue->avail_index);
	if (waiting < 0)
		queue->broken = true;
	return queue->broken ? 0 : (uint16_t)waiting;
}

bool vmsnd_queue_peek(const struct vmsnd_queue *queue, uint16_t *waiting)
{
	uint16_t avail_index;
	int n;

	if (!usable(queue))
		return false;
	n = queue->ops->waiting(queue, &avail_index);
	*waiting = n < 0 ? 0 : (uint16_t)n;
	return n >= 0;
}

static enum vmsnd_pop open_chain(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	struct vmsnd_walk walk;

	if (!queue->ops->walk(queue, chain, &walk))
		return VMSND_POP_NONE;
	return vmsnd_chain_open(chain, queue->mem, &walk) ? VMSND_POP_CHAIN : VMSND_POP_MALFORMED;
}

enum vmsnd_pop vmsnd_queue_reopen(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	enum vmsnd_pop got = usable(queue) ? open_chain(queue, chain) : VMSND_POP_NONE;

	if (got != VMSND_POP_NONE)
		vmsnd_inflight_popped(queue->notes, chain->head);
	return got;
}

void vmsnd_queue_pass(struct vmsnd_queue *queue)
{
	queue->next_avail++;
}

static struct vmsnd_queue_out *out_at(const struct vmsnd_queue *queue, uint16_t order)
{
	return &queue->store->out[order % VMSND_QUEUE_SIZE_MAX];
}

/* More out than the ring has entries: the driver made some available twice. */
static bool line_up(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	if ((uint16_t)(queue->n_popped - queue->n_given) >= queue->size)
		return false;
	chain->order = queue->n_popped++;
	out_at(queue, chain->order)->done = false;
	return true;
}

enum vmsnd_pop vmsnd_queue_pop(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	if (!usable(queue) || !queue->ops->take(queue, chain))
		return VMSND_POP_NONE;
	if (queue->in_order && !line_up(queue, chain)) {
		queue->broken = true;
		return VMSND_POP_NONE;
	}
	vmsnd_inflight_popped(queue->notes, chain->head);
	return open_chain(queue, chain);
}

/* ---- to the driver ----------------------------------------------------------------------------
 */

/* 2.7.9, 2.8.11: "the device MUST use descriptors in the same order". Each has a used entry of
 * its own; a driver takes one for several, too. */
static void give_in_order(struct vmsnd_queue *queue)
{
	while (queue->n_given != queue->n_popped && out_at(queue, queue->n_given)->done) {
		queue->ops->give(queue, out_at(queue, queue->n_given));
		queue->n_given++;
		queue->n_done--;
	}
}

void vmsnd_queue_push(struct vmsnd_queue *queue, const struct vmsnd_chain *chain, uint32_t written)
{
	const struct vmsnd_queue_out out = {
	    .written = written, .head = chain->head, .slots = chain->slots, .done = true};

	if (!usable(queue))
		return;
	if (queue->ops->forget)
		queue->ops->forget(queue, chain);
	if (!queue->in_order) {
		queue->ops->give(queue, &out);
		return;
	}
	*out_at(queue, chain->order) = out;
	queue->n_done++;
	give_in_order(queue);
}

void vmsnd_queue_publish(struct vmsnd_queue *queue)
{
	if (!usable(queue) || queue->published == queue->used_index)
		return;
	if (!queue->ops->publish(queue))
		queue->broken = true;
	vmsnd_inflight_published(queue->notes, (uint16_t)(queue->used_index - queue->published),
				 queue->used_index);
	queue->published = queue->used_index;
}

bool vmsnd_queue_must_notify(struct vmsnd_queue *queue)
{
	uint16_t before = queue->signalled;
	bool wants;

	if (!usable(queue) || (before == queue->published && queue->n_unsignalled == 0))
		return false;
	queue->signalled = queue->published;
	/* The driver sets its wish, then looks at our index; we do it the other way round. Each
	 * needs its two accesses in order, or both could look too early. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wants = queue->ops->wants_interrupt(queue, before);
	queue->n_unsignalled = 0;
	return wants;
}

bool vmsnd_queue_kicks_on(struct vmsnd_queue *queue)
{
	if (!usable(queue))
		return false;
	queue->broken = queue->ops->kicks_on(queue) != VMSND_OK;
	queue->kicks = true;
	queue->armed = queue->next_avail;
	/* Our wish before our look at the index: see must_notify. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !queue->broken && queue->ops->any_waiting(queue);
}

void vmsnd_queue_kicks_off(struct vmsnd_queue *queue)
{
	if (!usable(queue) || !queue->kicks)
		return;
	queue->kicks = false;
	queue->broken = queue->ops->kicks_off(queue) != VMSND_OK;
}
