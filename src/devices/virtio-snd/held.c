/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that are out when a card is saved and that nobody could find again in the ring: split
 * rings may have lost the entry, packed ones and those in order all that is out as soon as
 * something is done out of turn. They are saved by what names them, packed ones with their
 * descriptors, and loaded into the front of the pool, until the ring is there again (messages.c).
 */
#include "devices/virtio-snd/snd.h"

/* Held messages came before this entry of their queue. */
#define SERIAL_START (UINT64_C(1) << 62)

struct held {
	const struct vmsnd_snd *snd;
	const struct snd_pool *pool;
	const struct vmsnd_queue *ring;
	struct vmsnd_queue_store *store;
	bool packed, in_order;
	struct vmsnd_state_writer *to; /* NULL: only counts */
};

static unsigned queue_of(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? VIRTIO_SND_VQ_TX : VIRTIO_SND_VQ_RX;
}

static struct held held_of(const struct vmsnd_snd *snd, enum vmsnd_dir dir,
			   const struct snd_place *place)
{
	return (struct held){
	    .snd = snd,
	    .pool = &snd->pools[dir],
	    .ring = &snd->queues[queue_of(dir)].ring,
	    .store = snd->stores ? &snd->stores[queue_of(dir)] : NULL,
	    .packed = (place->features & VMSND_VIRTIO_F_RING_PACKED) != 0,
	    .in_order = (place->features & VMSND_VIRTIO_F_IN_ORDER) != 0,
	};
}

/* ---- save ---------------------------------------------------------------------------------- */

static void save_descriptors(const struct held *held, const struct vmsnd_chain *chain)
{
	const struct vring_desc *copies = held->store->copies;
	uint16_t at = chain->first;

	for (uint16_t i = 0; i < chain->slots; i++, at = copies[at].next) {
		vmsnd_state_put_u64(held->to, copies[at].addr);
		vmsnd_state_put_u32(held->to, copies[at].len);
		vmsnd_state_put_u16(held->to, copies[at].flags);
	}
}

static void save_chain(const struct held *held, const struct vmsnd_chain *chain, uint64_t age)
{
	vmsnd_state_put_u16(held->to, chain->head);
	vmsnd_state_put_u64(held->to, age);
	if (held->packed || held->in_order)
		vmsnd_state_put_u16(held->to, chain->slots);
	if (held->in_order)
		vmsnd_state_put_u16(held->to, (uint16_t)(chain->order - held->ring->n_given));
	if (held->packed)
		save_descriptors(held, chain);
}

/* Walks what a stream has out from before `age` entries ago. */
static uint16_t save_stream(const struct held *held, const struct snd_stream *stream, uint16_t age)
{
	uint64_t serial = held->pool->serial;
	uint16_t n = 0;

	for (uint16_t i = stream->first; i != SND_NO_MESSAGE;
	     i = snd_message_at(held->snd, stream, i)->next) {
		const struct snd_message *message = snd_message_at(held->snd, stream, i);

		if (serial - message->serial <= age)
			break;
		n++;
		if (held->to)
			save_chain(held, &message->chain, serial - message->serial - age);
	}
	return n;
}

static uint16_t save_streams(const struct held *held, enum vmsnd_dir dir, uint16_t age)
{
	uint16_t n = 0;

	for (uint32_t i = 0; i < held->snd->plan.n_streams; i++)
		if (held->snd->streams[i].dir == dir)
			n = (uint16_t)(n + save_stream(held, &held->snd->streams[i], age));
	return n;
}

/* What IN_ORDER holds back. */
static uint16_t save_done(const struct held *held)
{
	uint16_t first = held->ring->n_given, n = 0;
	uint16_t end = held->ring->started ? held->ring->n_popped : held->store->n_restored;

	for (uint16_t order = first; order != end; order++) {
		const struct vmsnd_queue_out *out = &held->store->out[order % VMSND_QUEUE_SIZE_MAX];

		if (!out->done)
			continue;
		n++;
		if (!held->to)
			continue;
		vmsnd_state_put_u16(held->to, out->head);
		vmsnd_state_put_u16(held->to, out->slots);
		vmsnd_state_put_u16(held->to, (uint16_t)(order - first));
		vmsnd_state_put_u32(held->to, out->written);
	}
	return n;
}

static void save_all_done(struct held *held, struct vmsnd_state_writer *to)
{
	held->to = NULL;
	vmsnd_state_put_u16(to, save_done(held));
	held->to = to;
	save_done(held);
}

/* Of an earlier save, and still so. */
static void save_again(struct held *held, struct vmsnd_state_writer *to)
{
	held->to = to;
	vmsnd_state_put_u16(to, held->pool->n_held);
	for (uint16_t i = 0; i < held->pool->n_held; i++)
		save_chain(held, &held->pool->messages[i].chain,
			   held->pool->serial - held->pool->messages[i].serial);
	if (held->in_order)
		save_all_done(held, to);
}

void snd_held_save(const struct vmsnd_snd *snd, enum vmsnd_dir dir, const struct snd_place *place,
		   struct vmsnd_state_writer *to)
{
	struct held held = held_of(snd, dir, place);
	bool round = held.packed || held.in_order;
	uint16_t age = 0, waiting;

	if (held.pool->n_held > 0) {
		save_again(&held, to);
		return;
	}
	/* Of a broken ring everything is given up. */
	if (!vmsnd_queue_peek(held.ring, &waiting) || (round && snd_rings_are_whole(snd, dir))) {
		vmsnd_state_put_u16(to, 0);
		if (held.in_order)
			vmsnd_state_put_u16(to, 0);
		return;
	}
	if (!round)
		age = (uint16_t)(held.ring->next_avail - place->next_avail);
	vmsnd_state_put_u16(to, save_streams(&held, dir, age));
	held.to = to;
	save_streams(&held, dir, age);
	if (held.in_order)
		save_all_done(&held, to);
}

/* ---- load ---------------------------------------------------------------------------------- */

static void load_descriptors(const struct held *held, struct vmsnd_chain *chain,
			     struct vmsnd_state_reader *from)
{
	struct vmsnd_queue_store *store = held->store;

	if (chain->slots == 0 || chain->slots > VMSND_QUEUE_SIZE_MAX - store->n_restored_copies) {
		from->bad = true;
		return;
	}
	chain->first = store->n_restored_copies;
	for (uint16_t i = 0; i < chain->slots; i++) {
		struct vring_desc *copy = &store->copies[store->n_restored_copies++];

		copy->addr = vmsnd_state_get_u64(from);
		copy->len = vmsnd_state_get_u32(from);
		copy->flags = vmsnd_state_get_u16(from);
		copy->next = store->n_restored_copies;
	}
}

/* Each has a place of its own in the order. */
static void take_place(const struct held *held, uint16_t order, const struct vmsnd_queue_out *out,
		       struct vmsnd_state_reader *from)
{
	struct vmsnd_queue_store *store = held->store;

	from->bad |= order >= VMSND_QUEUE_SIZE_MAX || out->slots == 0 ||
		     out->slots > VMSND_QUEUE_SIZE_MAX - store->n_restored_slots;
	if (from->bad || store->out[order].slots != 0) {
		from->bad = true;
		return;
	}
	store->out[order] = *out;
	store->n_restored_slots = (uint16_t)(store->n_restored_slots + out->slots);
	store->n_restored++;
}

static void load_chain(const struct held *held, struct vmsnd_chain *chain,
		       struct vmsnd_state_reader *from)
{
	struct vmsnd_queue_out out = {.head = chain->head};

	chain->slots = 1;
	chain->position = UINT16_MAX; /* nowhere */
	if (held->packed || held->in_order)
		chain->slots = out.slots = vmsnd_state_get_u16(from);
	if (held->in_order) {
		chain->order = vmsnd_state_get_u16(from);
		take_place(held, chain->order, &out, from);
	}
	if (held->packed && !from->bad)
		load_descriptors(held, chain, from);
	from->bad |= !held->packed && (chain->head >= VMSND_QUEUE_SIZE_MAX || chain->slots != 1);
}

static void load_done(const struct held *held, struct vmsnd_state_reader *from)
{
	uint16_t n = vmsnd_state_get_u16(from);

	for (uint16_t i = 0; i < n && !from->bad; i++) {
		struct vmsnd_queue_out out = {.done = true};
		uint16_t order;

		out.head = vmsnd_state_get_u16(from);
		out.slots = vmsnd_state_get_u16(from);
		order = vmsnd_state_get_u16(from);
		out.written = vmsnd_state_get_u32(from);
		from->bad |= !held->packed && out.slots != 1;
		take_place(held, order, &out, from);
	}
	/* None is left out between them, and the first is what all others wait for. */
	for (uint16_t i = 0; i < held->store->n_restored && !from->bad; i++)
		from->bad |= held->store->out[i].slots == 0;
	from->bad |= held->store->n_restored > 0 && held->store->out[0].done;
}

static void begin_load(const struct held *held, struct vmsnd_state_reader *from)
{
	from->bad |= (held->packed || held->in_order) && !held->store;
	if (!held->store)
		return;
	held->store->n_restored = held->store->n_restored_copies = 0;
	held->store->n_restored_slots = 0;
	for (unsigned i = 0; i < VMSND_QUEUE_SIZE_MAX; i++)
		held->store->out[i] = (struct vmsnd_queue_out){.slots = 0};
}

void snd_held_load(struct vmsnd_snd *snd, enum vmsnd_dir dir, struct vmsnd_state_reader *from)
{
	const struct held held = held_of(snd, dir, &snd->queues[queue_of(dir)].place);
	struct snd_pool *pool = &snd->pools[dir];
	uint16_t n = vmsnd_state_get_u16(from);

	from->bad |= n > VMSND_QUEUE_SIZE_MAX || (n > 0 && !snd->queues[queue_of(dir)].place.known);
	pool->serial = SERIAL_START;
	begin_load(&held, from);
	for (uint16_t i = 0; i < n && !from->bad; i++) {
		struct snd_message *message = &pool->messages[i];
		uint64_t age;

		message->chain.head = vmsnd_state_get_u16(from);
		age = vmsnd_state_get_u64(from);
		message->serial = SERIAL_START - age;
		from->bad |= age == 0 || age > SERIAL_START;
		load_chain(&held, &message->chain, from);
	}
	if (held.in_order && !from->bad)
		load_done(&held, from);
	else if (held.packed && !from->bad)
		held.store->n_restored_slots = held.store->n_restored_copies;
	pool->n_held = pool->fresh = pool->used = from->bad ? 0 : n;
}

/* How old they are does not matter, as long as the ring cannot have them any more. */
void snd_hold(struct snd_pool *pool, const uint16_t *heads, uint16_t n)
{
	pool->serial = SERIAL_START;
	for (uint16_t i = 0; i < n; i++)
		pool->messages[i] = (struct snd_message){
		    .chain = {.head = heads[i], .slots = 1, .position = UINT16_MAX},
		    .serial = SERIAL_START - UINT16_MAX - n + i};
	pool->n_held = pool->fresh = pool->used = n;
	pool->free = SND_NO_MESSAGE;
}
