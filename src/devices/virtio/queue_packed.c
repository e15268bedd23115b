/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed virtqueues: the ring. Section numbers are those of the virtio 1.3 standard.
 *
 * A place in the ring is counted over two laps, 0 .. 2 * size - 1: below `size` the wrap counter is
 * 1, from there on it is 0 (2.8.1). The size need not be a power of two (2.8.10.1).
 *
 * Used descriptors are written one behind the other, wherever their buffers were made available, so
 * they may overwrite descriptors of a buffer that is still out. All of a chain in the ring is
 * copied when it is popped, linked as in a split ring; then it is walked like one. */
#include "base/endian.h"
#include "devices/virtio/queue.h"

#define DESC_BYTES sizeof(struct vring_packed_desc)
#define F_AVAIL    (1u << VRING_PACKED_DESC_F_AVAIL)
#define F_USED     (1u << VRING_PACKED_DESC_F_USED)
#define WRAP       0x8000u
#define NO_COPY    UINT16_MAX

/* Of an event suppression structure (2.8.14). */
enum { EVENT_PLACE_AT = 0, EVENT_FLAGS_AT = 2, EVENT_BYTES = 4 };
enum { RING_ALIGN = 16, EVENT_ALIGN = 4, ID_AT = 12, FLAGS_AT = 14 };

/* ---- places -------------------------------------------------------------------------------- */

static uint16_t lap_index(const struct vmsnd_queue *queue, uint16_t place)
{
	return place < queue->size ? place : (uint16_t)(place - queue->size);
}

static bool wrap_of(const struct vmsnd_queue *queue, uint16_t place)
{
	return place < queue->size;
}

static uint16_t after(const struct vmsnd_queue *queue, uint16_t place, uint16_t slots)
{
	unsigned sum = (unsigned)place + slots, laps = 2u * queue->size;

	return (uint16_t)(sum < laps ? sum : sum - laps);
}

/* How far it is from one place on to the other. */
static uint16_t distance(const struct vmsnd_queue *queue, uint16_t from, uint16_t to)
{
	unsigned lap_or_none = to >= from ? 0 : 2u * queue->size;

	return (uint16_t)(to + lap_or_none - from);
}

/* As the standard writes places: the index, and the wrap counter in bit 15. */
static uint16_t to_word(const struct vmsnd_queue *queue, uint16_t place)
{
	return (uint16_t)(lap_index(queue, place) | (wrap_of(queue, place) ? WRAP : 0));
}

/* Not below 2 * size: no such place. */
static unsigned from_word(const struct vmsnd_queue *queue, uint16_t word)
{
	unsigned index = word & (WRAP - 1);

	if (index >= queue->size)
		return UINT32_MAX;
	return word & WRAP ? index : index + queue->size;
}

static vmsnd_gpa slot_at(const struct vmsnd_queue *queue, uint16_t place)
{
	return queue->desc + (vmsnd_gpa)lap_index(queue, place) * DESC_BYTES;
}

/* ---- start ---------------------------------------------------------------------------------- */

/* 2.8.10: where each part must lie. */
static bool shape_ok(const struct vmsnd_queue_setup *setup)
{
	return setup->size != 0 && setup->size <= VMSND_QUEUE_SIZE_MAX &&
	       setup->desc % RING_ALIGN == 0 && setup->avail % EVENT_ALIGN == 0 &&
	       setup->used % EVENT_ALIGN == 0;
}

/* Restored copies lie at the front; so many slots are out, if no more. */
static bool start(struct vmsnd_queue *queue, const struct vmsnd_queue_setup *setup)
{
	unsigned next_avail = from_word(queue, (uint16_t)setup->next_avail);
	unsigned used_index = from_word(queue, (uint16_t)(setup->next_avail >> 16));

	if (next_avail >= 2u * queue->size || used_index >= 2u * queue->size)
		return false;
	queue->next_avail = (uint16_t)next_avail;
	queue->used_index = (uint16_t)used_index;
	queue->n_slots = distance(queue, queue->used_index, queue->next_avail);
	queue->free_copy = NO_COPY;
	queue->fresh_copies = queue->store->n_restored_copies;
	return queue->n_slots <= queue->size && queue->store->n_restored_slots <= queue->n_slots &&
	       !vmsnd_gmem_check(queue->mem, queue->desc, queue->size * DESC_BYTES,
				 VMSND_READ | VMSND_WRITE) &&
	       !vmsnd_gmem_check(queue->mem, queue->avail, EVENT_BYTES, VMSND_READ) &&
	       !vmsnd_gmem_check(queue->mem, queue->used, EVENT_BYTES, VMSND_READ | VMSND_WRITE);
}

/* ---- from the driver ------------------------------------------------------------------------ */

/* 2.8.1: AVAIL as the wrap counter of this lap, USED as the one before. Negative: not readable.
 * Acquire: pairs with the driver's barrier before these flags (2.8.21.2). */
static int available(const struct vmsnd_queue *queue, uint16_t place, uint16_t *flags)
{
	bool wrap = wrap_of(queue, place);

	if (vmsnd_gmem_load16(queue->mem, slot_at(queue, place) + FLAGS_AT, flags))
		return -1;
	return ((*flags & F_AVAIL) != 0) == wrap && ((*flags & F_USED) != 0) != wrap;
}

/* Chains of one kind are counted by their ends. */
static int waiting(const struct vmsnd_queue *queue, uint16_t *unused)
{
	uint16_t room = (uint16_t)(queue->size - queue->n_slots), flags;
	uint16_t place = queue->next_avail;
	int n = 0;

	for (; room > 0; room--, place = after(queue, place, 1)) {
		int is = available(queue, place, &flags);

		if (is < 0)
			return -1;
		if (is == 0)
			break;
		n += !(flags & VRING_DESC_F_NEXT);
	}
	return n;
}

static bool any_waiting(struct vmsnd_queue *queue)
{
	uint16_t flags;
	int is = available(queue, queue->next_avail, &flags);

	queue->broken |= is < 0;
	return is > 0;
}

static uint16_t take_copy(struct vmsnd_queue *queue)
{
	uint16_t index = queue->free_copy;

	if (index == NO_COPY)
		return queue->fresh_copies++;
	queue->free_copy = queue->store->copies[index].next;
	return index;
}

static void give_copies(struct vmsnd_queue *queue, uint16_t first, uint16_t n)
{
	struct vring_desc *copies = queue->store->copies;
	uint16_t last = first;

	if (n == 0)
		return;
	for (; n > 1; n--)
		last = copies[last].next;
	copies[last].next = queue->free_copy;
	queue->free_copy = first;
}

/* Copies the chain at next_avail. False when it is longer than what the driver can have free, or
 * not there: where it ends, and so its id, cannot be known. */
static bool copy_chain(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	struct vring_desc *copies = queue->store->copies;
	uint16_t room = (uint16_t)(queue->size - queue->n_slots), last = NO_COPY;
	uint16_t place = queue->next_avail;
	struct vring_packed_desc desc;

	chain->slots = 0;
	do {
		uint16_t at;

		if (chain->slots == room ||
		    vmsnd_gmem_read(queue->mem, slot_at(queue, place), &desc, sizeof(desc)))
			return false;
		at = take_copy(queue);
		copies[at] = (struct vring_desc){
		    .addr = desc.addr,
		    .len = desc.len,
		    .flags = desc.flags &
			     (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT)};
		if (last == NO_COPY)
			chain->first = at;
		else
			copies[last].next = at;
		last = at;
		chain->slots++;
		place = after(queue, place, 1);
	} while (desc.flags & VRING_DESC_F_NEXT);
	chain->head = desc.id; /* of the last one (2.8.6) */
	return true;
}

static bool take(struct vmsnd_queue *queue, struct vmsnd_chain *chain)
{
	if (!any_waiting(queue))
		return false;
	if (!copy_chain(queue, chain)) {
		queue->broken = true;
		return false;
	}
	chain->position = queue->next_avail;
	queue->next_avail = after(queue, queue->next_avail, chain->slots);
	queue->n_slots = (uint16_t)(queue->n_slots + chain->slots);
	return true;
}

/* "MUST NOT write direct descriptors with INDIRECT set in a scatter-gather list linked by NEXT"
 * (2.8.19.1): a table is the whole of its buffer. */
static bool walk_of(const struct vmsnd_queue *queue, const struct vmsnd_chain *chain,
		    struct vmsnd_walk *walk)
{
	*walk = (struct vmsnd_walk){
	    .copy = queue->store->copies,
	    .entries = VMSND_QUEUE_SIZE_MAX,
	    .steps = chain->slots,
	    .next = chain->first,
	    .more = true,
	    .indirect = queue->indirect && chain->slots == 1,
	    .packed = true,
	};
	return chain->slots > 0;
}

static void forget(struct vmsnd_queue *queue, const struct vmsnd_chain *chain)
{
	give_copies(queue, chain->first, chain->slots);
}

/* ---- to the driver ----------------------------------------------------------------------------
 */

static uint16_t two_laps_at_most(const struct vmsnd_queue *queue, unsigned slots)
{
	return (uint16_t)(slots < 2u * queue->size ? slots : 2u * queue->size);
}

/* One used descriptor for the whole buffer; as many slots are passed over as it had (2.8.5). The
 * driver sees it at once, and not before it is whole. */
static void give(struct vmsnd_queue *queue, const struct vmsnd_queue_out *out)
{
	struct {
		uint32_t len;
		uint16_t id;
	} const used = {.len = out->written, .id = out->head};
	vmsnd_gpa at = slot_at(queue, queue->used_index);
	uint16_t flags = wrap_of(queue, queue->used_index) ? F_AVAIL | F_USED : 0;

	if (out->written > 0)
		flags |= VRING_DESC_F_WRITE;
	if (vmsnd_gmem_write(queue->mem, at + ID_AT - sizeof(used.len), &used,
			     FLAGS_AT - ID_AT + sizeof(used.len)) ||
	    vmsnd_gmem_store16(queue->mem, at + FLAGS_AT, flags))
		queue->broken = true;
	queue->used_index = after(queue, queue->used_index, out->slots);
	queue->n_unsignalled = two_laps_at_most(queue, queue->n_unsignalled + out->slots);
	queue->n_slots = (uint16_t)(queue->n_slots - out->slots);
}

static bool publish(struct vmsnd_queue *queue)
{
	return true; /* each was, by its own flags */
}

static bool wants_interrupt(struct vmsnd_queue *queue, uint16_t before)
{
	uint16_t flags, word;
	unsigned event;

	/* The driver writes the place before the flags that make it count. */
	if (vmsnd_gmem_load16(queue->mem, queue->avail + EVENT_FLAGS_AT, &flags) ||
	    vmsnd_gmem_load16(queue->mem, queue->avail + EVENT_PLACE_AT, &word)) {
		queue->broken = true;
		return false;
	}
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	event = from_word(queue, word);
	/* A driver that refilled the ring meanwhile may have had every place written. */
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !queue->event_index ||
	    event >= 2u * queue->size || queue->n_unsignalled >= 2u * queue->size)
		return true;
	/* 2.8.14: when the used descriptor at that place is among those written since. */
	return distance(queue, before, (uint16_t)event) < distance(queue, before, queue->published);
}

static enum vmsnd_rc set_event_flags(struct vmsnd_queue *queue, uint16_t flags)
{
	return vmsnd_gmem_store16(queue->mem, queue->used + EVENT_FLAGS_AT, flags);
}

static enum vmsnd_rc kicks_on(struct vmsnd_queue *queue)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (queue->event_index && (!queue->kicks || queue->armed != queue->next_avail))
		rc = vmsnd_gmem_store16(queue->mem, queue->used + EVENT_PLACE_AT,
					to_word(queue, queue->next_avail));
	if (rc == VMSND_OK && !queue->kicks)
		rc = set_event_flags(queue, queue->event_index ? VRING_PACKED_EVENT_FLAG_DESC
							       : VRING_PACKED_EVENT_FLAG_ENABLE);
	return rc;
}

static enum vmsnd_rc kicks_off(struct vmsnd_queue *queue)
{
	return set_event_flags(queue, VRING_PACKED_EVENT_FLAG_DISABLE);
}

/* ---- where it stands --------------------------------------------------------------------------
 */

bool vmsnd_queue_is_whole(const struct vmsnd_queue *queue)
{
	return queue->n_done == 0;
}

uint32_t vmsnd_queue_place_end(const struct vmsnd_queue *queue)
{
	if (!queue->packed)
		return queue->next_avail;
	return to_word(queue, queue->next_avail) | (uint32_t)to_word(queue, queue->used_index)
						       << 16;
}

uint32_t vmsnd_queue_place_oldest(const struct vmsnd_queue *queue)
{
	uint32_t word;

	if (!queue->packed)
		return queue->used_index;
	word = to_word(queue, queue->used_index);
	return word | word << 16;
}

const struct vmsnd_ring_ops vmsnd_ring_packed = {
    .shape_ok = shape_ok,
    .start = start,
    .waiting = waiting,
    .any_waiting = any_waiting,
    .take = take,
    .walk = walk_of,
    .forget = forget,
    .give = give,
    .publish = publish,
    .wants_interrupt = wants_interrupt,
    .kicks_on = kicks_on,
    .kicks_off = kicks_off,
};
