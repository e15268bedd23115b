/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues that come and go under a running card, and interrupts.
 *
 * A VMM that pauses its machine stops every queue and may later start it where it was told
 * that it stopped. Messages not yet given back are then popped again: the index told is that
 * of the oldest of them. Messages behind it that have been given back are remembered, so that
 * none completes twice, and frames already moved are remembered, so that none is played twice. */
#include <string.h>

#include "devices/virtio-snd/snd.h"

static bool is_data(unsigned queue)
{
	return queue == VIRTIO_SND_VQ_TX || queue == VIRTIO_SND_VQ_RX;
}

static enum vmsnd_dir dir_of(unsigned queue)
{
	return queue == VIRTIO_SND_VQ_TX ? VMSND_PLAYBACK : VMSND_CAPTURE;
}

static void sync_streams(struct vmsnd_snd *snd, enum vmsnd_dir dir, vmsnd_ns now)
{
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		if (snd->streams[i].dir == dir)
			snd_stream_sync(snd, &snd->streams[i], now);
}

void snd_rings_arm(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct snd_queue *queue = snd_data_queue(snd, dir);
	bool busy = false, polled = false, waits = false;

	/* While a stream runs and has messages the lane comes by when the next is done, so
	 * kicks would only cost. One that has run dry hears of the next message at once. Of one
	 * that is polled no kick comes (V35). */
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		const struct snd_stream *stream = &snd->streams[i];

		if (stream->dir != dir || stream->state < SND_STATE_PREPARED)
			continue;
		busy |= stream->port_runs && stream->n_pending > 0;
		polled |= snd_stream_polled(stream);
		waits |= !(stream->features & SND_POLLING);
	}
	if (busy || (polled && !waits))
		vmsnd_queue_kicks_off(&queue->ring);
	else if (vmsnd_queue_kicks_on(&queue->ring))
		queue->more = true;
}

void snd_rings_settle(struct vmsnd_snd *snd, vmsnd_ns now)
{
	/* Data before control: a RELEASE is answered after the messages it gave back (V62). */
	for (unsigned i = VIRTIO_SND_VQ_MAX; i-- > 0;)
		vmsnd_queue_publish(&snd->queues[i].ring);
	for (unsigned i = VIRTIO_SND_VQ_MAX; i-- > 0;) {
		struct snd_queue *queue = &snd->queues[i];

		if (vmsnd_queue_must_notify(&queue->ring)) {
			snd->counters.interrupts++;
			snd->env.notify(snd->env.ctx, i);
		}
		if (!queue->ring.started || !queue->ring.broken || queue->broken_told)
			continue;
		queue->broken_told = true;
		snd_fault(snd, VMSND_FAULT_RING, i);
		if (is_data(i))
			sync_streams(snd, dir_of(i), now);
	}
}

/* ---- stop ------------------------------------------------------------------------------- */

/* How many entries ago a message came. */
static uint64_t age_at(const struct vmsnd_snd *snd, const struct snd_stream *stream, uint16_t index)
{
	return snd->pools[stream->dir].serial - snd_message_at(snd, stream, index)->serial;
}

/* The stream's oldest message; 0 when none is out. */
static uint64_t age_of(const struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	return stream->first == SND_NO_MESSAGE ? 0 : age_at(snd, stream, stream->first);
}

/* The entry of a message that has waited while others came and went may have been overwritten:
 * it cannot be popped again. Its frames go into the ring now, beyond what the ring wants. */
static void absorb(struct vmsnd_snd *snd, struct snd_stream *stream)
{
	if (stream->dir == VMSND_CAPTURE) {
		snd_capture_finish_first(snd, stream, VIRTIO_SND_S_OK);
		return;
	}
	snd_playback_fill(snd, stream, true);
	snd_message_finish(snd, stream,
			   stream->copying == stream->first ? VIRTIO_SND_S_IO_ERR : VIRTIO_SND_S_OK,
			   0);
}

/* The stream with the oldest message of all that are out; NULL: none is. */
static struct snd_stream *oldest_stream(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct snd_stream *oldest = NULL;

	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		struct snd_stream *stream = &snd->streams[i];

		if (stream->dir == dir && age_of(snd, stream) > 0 &&
		    (!oldest || age_of(snd, stream) > age_of(snd, oldest)))
			oldest = stream;
	}
	return oldest;
}

bool snd_rings_are_whole(const struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	/* Only looked at. */
	struct vmsnd_snd *seen = (struct vmsnd_snd *)(uintptr_t)snd;
	const struct snd_stream *stream = oldest_stream(seen, dir);
	const struct vmsnd_queue *ring = &snd_data_queue(seen, dir)->ring;

	if (!stream)
		return true;
	/* Packed: nothing was given back behind it. Counted, since places come again every two
	 * laps. */
	return ring->in_order ? vmsnd_queue_is_whole(ring)
			      : snd->pools[dir].used == age_of(snd, stream);
}

/* Packed rings and IN_ORDER: messages behind which others are done. */
static void absorb_overtaken(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	const struct vmsnd_queue *ring = &snd_data_queue(snd, dir)->ring;

	while (ring->started && !ring->broken && !snd_rings_are_whole(snd, dir))
		absorb(snd, oldest_stream(snd, dir));
}

void snd_rings_bring_forward(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	if (snd_data_queue(snd, dir)->ring.in_order)
		absorb_overtaken(snd, dir);
}

/* Gives back what is done, and what could not be found again. */
static void settle_messages(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct vmsnd_queue *ring = &snd_data_queue(snd, dir)->ring;
	uint16_t waiting = vmsnd_queue_waiting(ring);
	uint16_t reach = (uint16_t)(ring->size - waiting);

	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		struct snd_stream *stream = &snd->streams[i];

		if (stream->dir != dir)
			continue;
		if (dir == VMSND_PLAYBACK)
			snd_playback_finish(snd, stream);
		while (!snd_ring_goes_round(ring) && !ring->broken && age_of(snd, stream) > reach)
			absorb(snd, stream);
	}
	if (snd_ring_goes_round(ring))
		absorb_overtaken(snd, dir);
}

/* Marks an entry as given back or not. */
static void mark(struct snd_place *place, uint16_t position, bool given_back)
{
	uint16_t at = position % VMSND_QUEUE_SIZE_MAX;
	uint64_t bit = UINT64_C(1) << (at % 64);

	if (given_back)
		place->given_back[at / 64] |= bit;
	else
		place->given_back[at / 64] &= ~bit;
}

/* The age of the oldest message whose entry is still in the ring. */
static uint16_t oldest_within(const struct vmsnd_snd *snd, enum vmsnd_dir dir, uint16_t reach)
{
	uint64_t oldest = 0;

	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		const struct snd_stream *stream = &snd->streams[i];
		uint16_t index = stream->dir == dir ? stream->first : SND_NO_MESSAGE;

		/* In order of arrival: the first within reach is the oldest of them. */
		while (index != SND_NO_MESSAGE && age_at(snd, stream, index) > reach)
			index = snd_message_at(snd, stream, index)->next;
		if (index != SND_NO_MESSAGE && age_at(snd, stream, index) > oldest)
			oldest = age_at(snd, stream, index);
	}
	return (uint16_t)oldest;
}

static void mark_out(const struct vmsnd_snd *snd, const struct snd_stream *stream, uint16_t end,
		     struct snd_place *place)
{
	uint16_t reach = (uint16_t)(end - place->next_avail);

	for (uint16_t i = stream->first; i != SND_NO_MESSAGE;
	     i = snd_message_at(snd, stream, i)->next)
		if (age_at(snd, stream, i) <= reach)
			mark(place, (uint16_t)(end - age_at(snd, stream, i)), false);
}

void snd_rings_place(const struct vmsnd_snd *snd, unsigned index, struct snd_place *place)
{
	const struct snd_queue *queue = &snd->queues[index];
	uint16_t end = queue->ring.next_avail, waiting, oldest;

	*place = queue->place;
	if (!queue->ring.started)
		return;
	place->known = true;
	place->features = queue->features;
	place->next_avail = vmsnd_queue_place_end(&queue->ring);
	if (snd_ring_goes_round(&queue->ring)) {
		if (!is_data(index) || (snd->pools[dir_of(index)].n_held == 0 &&
					snd_rings_are_whole(snd, dir_of(index))))
			place->next_avail = vmsnd_queue_place_oldest(&queue->ring);
		return;
	}
	if (!is_data(index) || !vmsnd_queue_peek(&queue->ring, &waiting))
		return;
	oldest = oldest_within(snd, dir_of(index), (uint16_t)(queue->ring.size - waiting));
	place->next_avail = (uint16_t)(end - oldest);
	place->window = (uint16_t)(place->window + oldest);
	for (uint16_t at = (uint16_t)place->next_avail; at != end; at++)
		mark(place, at, true);
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		if (snd->streams[i].dir == dir_of(index))
			mark_out(snd, &snd->streams[i], end, place);
}

uint64_t snd_stream_posted(const struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	uint64_t posted = stream->first == SND_NO_MESSAGE
			      ? stream->posted_frames
			      : snd_message_at(snd, stream, stream->first)->start;

	/* Only a message lost for want of room leaves a gap here. */
	if (stream->dir == VMSND_PLAYBACK && posted > stream->copied_frames)
		return stream->copied_frames;
	return posted;
}

uint32_t snd_stream_kept(const struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	return stream->first == SND_NO_MESSAGE ? stream->kept_frames
					       : snd_message_at(snd, stream, stream->first)->filled;
}

/* Lets go of a stream's messages so that popping them again goes on at the same frame. */
static void let_go(struct vmsnd_snd *snd, struct snd_stream *stream)
{
	stream->kept_frames = snd_stream_kept(snd, stream);
	stream->posted_frames = snd_stream_posted(snd, stream);
	while (stream->first != SND_NO_MESSAGE)
		snd_message_drop(snd, stream);
}

uint32_t snd_rings_stop(struct vmsnd_snd *snd, unsigned index, vmsnd_ns now)
{
	struct snd_queue *queue = &snd->queues[index];

	if (!queue->ring.started)
		return queue->place.next_avail;
	queue->enabled = false;
	if (is_data(index)) {
		sync_streams(snd, dir_of(index), now);
		settle_messages(snd, dir_of(index));
	}
	snd_rings_place(snd, index, &queue->place);
	for (uint32_t i = 0; is_data(index) && i < snd->plan.n_streams; i++)
		if (snd->streams[i].dir == dir_of(index))
			let_go(snd, &snd->streams[i]);
	snd_rings_settle(snd, now);
	if (is_data(index) && snd->stores && snd->pools[dir_of(index)].n_held > 0)
		vmsnd_queue_keep(&queue->ring);
	vmsnd_queue_stop(&queue->ring);
	queue->more = false;
	queue->stopped = ++snd->n_queue_events;
	return queue->place.next_avail;
}

/* ---- start -------------------------------------------------------------------------------- */

static void forget_restored_of(struct vmsnd_queue_store *store)
{
	store->n_restored = store->n_restored_copies = store->n_restored_slots = 0;
}

static void forget_restored(struct vmsnd_snd *snd)
{
	for (unsigned i = 0; snd->stores && i < VIRTIO_SND_VQ_MAX; i++)
		forget_restored_of(&snd->stores[i]);
}

/* A driver that begins elsewhere is a new one and knows nothing of our streams. Queues it has
 * started already are its own: what it posted there is given back. */
static void forget_driver(struct vmsnd_snd *snd, vmsnd_ns now)
{
	snd->counters.resets++;
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		snd_messages_flush(snd, &snd->streams[i], VIRTIO_SND_S_IO_ERR);
		snd_stream_reset(&snd->streams[i], now);
	}
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++) {
		snd->queues[i].place.known = false;
		snd->queues[i].place.window = 0;
	}
	snd_messages_forget_held(snd, VMSND_PLAYBACK);
	snd_messages_forget_held(snd, VMSND_CAPTURE);
	forget_restored(snd);
	snd_jacks_reset(snd, VMSND_RESET_BUS);
	snd_events_forget(snd);
	snd_elements_note(snd);
}

static bool is_another_driver(const struct vmsnd_snd *snd, const struct snd_place *place,
			      uint32_t next_avail)
{
	return place->known &&
	       (place->next_avail != next_avail || place->features != snd->features);
}

/* VMMs tell back-ends of a queue's reset by no message of its own: it stops alone, and begins anew
 * while the others go on. A paused machine's queues stop all. */
static bool is_reset_queue(const struct vmsnd_snd *snd, unsigned index, uint32_t next_avail)
{
	const struct snd_place *place = &snd->queues[index].place;

	if (!(snd->features & VMSND_VIRTIO_F_RING_RESET) || !place->known ||
	    place->features != snd->features ||
	    (next_avail != 0 && next_avail != VMSND_PACKED_START))
		return false;
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		if (snd->queues[i].ring.started &&
		    snd->queues[i].started < snd->queues[index].stopped)
			return true;
	return false;
}

bool snd_rings_all_back(const struct vmsnd_snd *snd)
{
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		if (snd->queues[i].place.known && !snd->queues[i].ring.started)
			return false;
	return true;
}

/* What was interrupted for before the card was saved may not have been heard of, and what is
 * held over waits for the last queue to come back. */
static void welcome_back(struct vmsnd_snd *snd, unsigned index)
{
	for (enum vmsnd_dir dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE; dir++)
		if (snd->pools[dir].n_held > 0)
			snd_data_queue(snd, dir)->more = true;
	if (!snd->queues[index].restored)
		return;
	snd->queues[index].restored = false;
	snd->counters.interrupts++;
	snd->env.notify(snd->env.ctx, index);
}

enum vmsnd_rc snd_rings_start(struct vmsnd_snd *snd, unsigned index,
			      const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	const bool is_packed = (snd->features & VMSND_VIRTIO_F_RING_PACKED) != 0;
	struct snd_queue *queue = &snd->queues[index];
	struct vmsnd_queue_setup from = *setup;
	enum snd_taken taken;
	enum vmsnd_rc rc;

	snd_rings_stop(snd, index, now);
	/* 0, where it is no place to go on at, is meant as the first lap. */
	if (is_packed && from.next_avail == 0 &&
	    !(queue->place.known && queue->place.next_avail == 0))
		from.next_avail = VMSND_PACKED_START;
	taken = snd_recovery_take_up(snd, index, &from, now);
	if (taken == SND_TAKEN_NOTHING && is_reset_queue(snd, index, from.next_avail))
		snd_rings_reset(snd, index, now);
	if (taken == SND_TAKEN_ANOTHER ||
	    (taken == SND_TAKEN_NOTHING && is_another_driver(snd, &queue->place, from.next_avail)))
		forget_driver(snd, now);
	queue->ring.store = snd->stores ? &snd->stores[index] : NULL;
	rc = vmsnd_queue_start(&queue->ring, snd->env.mem, &from, snd->features);
	if (rc != VMSND_OK)
		return rc;
	snd_recovery_started(snd, index, !queue->place.known);
	queue->broken_told = false;
	queue->features = snd->features;
	queue->started = ++snd->n_queue_events;
	snd->events.met = true;
	snd_rings_enable(snd, index, true, now);
	welcome_back(snd, index);
	if (is_data(index))
		snd_messages_pop_again(snd, dir_of(index));
	return VMSND_OK;
}

void snd_rings_enable(struct vmsnd_snd *snd, unsigned index, bool on, vmsnd_ns now)
{
	struct snd_queue *queue = &snd->queues[index];

	queue->enabled = on && queue->ring.started;
	/* What came in meanwhile is looked at by the next advance: a transport may start a
	 * queue only to disable it at once. */
	queue->more = queue->enabled;
	if (is_data(index))
		sync_streams(snd, dir_of(index), now);
}

/* ---- reset of one queue --------------------------------------------------------------------- */

/* What was moved already is heard; what comes next begins behind it. */
static void forget_messages(struct vmsnd_snd *snd, struct snd_stream *stream)
{
	while (stream->first != SND_NO_MESSAGE)
		snd_message_drop(snd, stream);
	if (stream->dir == VMSND_PLAYBACK)
		stream->posted_frames = stream->copied_frames;
	stream->kept_frames = 0;
}

void snd_rings_reset(struct vmsnd_snd *snd, unsigned index, vmsnd_ns now)
{
	struct snd_queue *queue = &snd->queues[index];

	vmsnd_queue_stop(&queue->ring);
	*queue = (struct snd_queue){0};
	if (snd->stores)
		forget_restored_of(&snd->stores[index]);
	if (!is_data(index))
		return;
	snd_messages_forget_held(snd, dir_of(index));
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		if (snd->streams[i].dir == dir_of(index))
			forget_messages(snd, &snd->streams[i]);
	sync_streams(snd, dir_of(index), now);
}

/* ---- reset --------------------------------------------------------------------------------- */

/* A guest that goes on without us must not wait for ever for what it posted. */
static void give_all_back(struct vmsnd_snd *snd, vmsnd_ns now)
{
	/* With kicks off, some of it may only be in the ring. */
	snd_messages_pop_waiting(snd, VMSND_PLAYBACK);
	snd_messages_pop_waiting(snd, VMSND_CAPTURE);
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		struct snd_stream *stream = &snd->streams[i];

		vmsnd_port_stop(stream->port, now);
		if (stream->dir == VMSND_PLAYBACK)
			snd_playback_finish(snd, stream);
		snd_messages_flush(snd, stream, VIRTIO_SND_S_IO_ERR);
	}
	snd_rings_settle(snd, now);
}

void snd_card_reset(struct vmsnd_snd *snd, enum vmsnd_reset why, vmsnd_ns now)
{
	/* With an in-flight area the guest waits for whoever takes over. */
	if (why == VMSND_RESET_SHUTDOWN && !snd_recovery_is_on(snd))
		give_all_back(snd, now);
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		snd_stream_reset(&snd->streams[i], now);
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		snd->queues[i] = (struct snd_queue){0};
	forget_restored(snd);
	for (unsigned i = 0; i < 2; i++) {
		snd->pools[i].free = SND_NO_MESSAGE;
		snd->pools[i].fresh = 0;
		snd->pools[i].used = 0;
		snd->pools[i].n_held = 0;
	}
	snd->features = 0;
	snd_jacks_reset(snd, why);
	snd_events_forget(snd);
	snd_elements_note(snd);
	snd_recovery_reset(snd, why);
	snd->counters.resets++;
	/* A guest that resets in a loop is told of once all the same. */
	if (why != VMSND_RESET_BUS)
		snd->faults_told = 0;
}
