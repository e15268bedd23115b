/* SPDX-License-Identifier: BSD-3-Clause */
/* Data messages from the ring to their streams and back (V67-V79). */
#include "base/endian.h"
#include "devices/virtio-snd/snd.h"

/* Messages one call may pop; a chain of many descriptors counts for more. */
#define RUN_BUDGET              256u
#define DESCRIPTORS_PER_MESSAGE 16u
/* How soon to look again when a frame is late: the host's clock is not ours. */
#define LATE_NS UINT64_C(1000000)

void snd_fault(struct vmsnd_snd *snd, enum vmsnd_fault what, uint64_t detail)
{
	uint32_t bit = UINT32_C(1) << what;

	snd->counters.faults[what]++;
	if ((snd->faults_told & bit) || !snd->env.guest_fault)
		return;
	snd->faults_told |= bit;
	snd->env.guest_fault(snd->env.ctx, what, detail);
}

/* ---- the pool ------------------------------------------------------------------------ */

static uint16_t pool_take(struct snd_pool *pool)
{
	uint16_t index = pool->free;

	if (index == SND_NO_MESSAGE)
		index = pool->fresh++;
	else
		pool->free = pool->messages[index].next;
	pool->used++;
	return index;
}

static void pool_give(struct snd_pool *pool, uint16_t index)
{
	pool->messages[index].next = pool->free;
	pool->free = index;
	pool->used--;
}

/* Nothing else is out while something is held. */
void snd_messages_forget_held(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct vmsnd_queue *ring = &snd_data_queue(snd, dir)->ring;
	struct snd_pool *pool = &snd->pools[dir];

	if (pool->n_held == 0)
		return;
	pool->used = pool->fresh = pool->n_held = 0;
	/* What is never given back would hold up, in order, all that comes after it. */
	ring->broken |= ring->started && ring->in_order;
}

/* ---- back to the guest ---------------------------------------------------------------- */

/* The status fills the last eight writable bytes, wherever the descriptors are cut (V67). */
static void give_back(struct vmsnd_snd *snd, enum vmsnd_dir dir, struct vmsnd_chain *chain,
		      const struct virtio_snd_pcm_status *status, uint32_t data)
{
	struct vmsnd_cursor *to = &chain->writable;
	uint32_t room = to->left < sizeof(*status) ? to->left : (uint32_t)sizeof(*status);
	uint32_t before = to->left - room, written = 0;

	if (vmsnd_chain_skip(snd->env.mem, to, before) == before)
		written = vmsnd_chain_write(snd->env.mem, to, status, room);
	if (written < room)
		snd_fault(snd, VMSND_FAULT_DATA_ADDRESS, to->at);
	vmsnd_queue_push(&snd_data_queue(snd, dir)->ring, chain, data + written);
}

/* V73-V75: at once, and the card goes on. */
static void refuse(struct vmsnd_snd *snd, enum vmsnd_dir dir, struct snd_message *message)
{
	const struct virtio_snd_pcm_status status = {.status = VIRTIO_SND_S_IO_ERR};

	snd->counters.refused_messages[dir]++;
	give_back(snd, dir, &message->chain, &status, 0);
}

static uint32_t latency_bytes(const struct snd_stream *stream)
{
	uint64_t bytes = (uint64_t)vmsnd_port_delay_frames(stream->port) * stream->frame_bytes;

	return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

void snd_message_drop(struct vmsnd_snd *snd, struct snd_stream *stream)
{
	uint16_t index = stream->first;
	uint16_t next = snd_message_at(snd, stream, index)->next;

	if (stream->copying == index)
		stream->copying = next;
	stream->first = next;
	if (next == SND_NO_MESSAGE)
		stream->last = SND_NO_MESSAGE;
	stream->n_pending--;
	pool_give(&snd->pools[stream->dir], index);
}

void snd_message_finish(struct vmsnd_snd *snd, struct snd_stream *stream, uint32_t status,
			uint32_t data)
{
	struct snd_message *message = snd_message_at(snd, stream, stream->first);
	const struct virtio_snd_pcm_status said = {
	    .status = message->bad ? VIRTIO_SND_S_IO_ERR : status,
	    .latency_bytes = latency_bytes(stream),
	};

	snd->counters.messages[stream->dir]++;
	give_back(snd, stream->dir, &message->chain, &said, message->bad ? 0 : data);
	snd_message_drop(snd, stream);
}

void snd_messages_flush(struct vmsnd_snd *snd, struct snd_stream *stream, uint32_t status)
{
	while (stream->first != SND_NO_MESSAGE) {
		if (stream->dir == VMSND_CAPTURE)
			snd_capture_finish_first(snd, stream, status);
		else
			snd_message_finish(snd, stream, status, 0);
	}
}

/* ---- from the guest -------------------------------------------------------------------- */

/* The stream a message is for, or NULL when it must be refused; the cause is counted. */
static struct snd_stream *addressee(struct vmsnd_snd *snd, enum vmsnd_dir dir,
				    struct snd_message *message)
{
	struct vmsnd_chain *chain = &message->chain;
	struct virtio_snd_pcm_xfer header;
	bool whole = chain->readable.left >= sizeof(header);
	struct snd_stream *stream;

	if (whole && vmsnd_chain_read(snd->env.mem, &chain->readable, &header, sizeof(header)) <
			 sizeof(header)) {
		snd_fault(snd, VMSND_FAULT_DATA_ADDRESS, chain->readable.at);
		return NULL;
	}
	if (!whole || chain->writable.left < sizeof(struct virtio_snd_pcm_status) ||
	    header.stream_id >= snd->plan.n_streams || snd->streams[header.stream_id].dir != dir) {
		snd_fault(snd, VMSND_FAULT_MESSAGE, chain->head);
		return NULL;
	}
	stream = &snd->streams[header.stream_id];
	if (stream->state < SND_STATE_PREPARED) {
		snd_fault(snd, VMSND_FAULT_STATE, header.stream_id);
		return NULL;
	}
	return stream;
}

static void line_up(struct vmsnd_snd *snd, enum vmsnd_dir dir, uint16_t index)
{
	struct snd_message *message = &snd->pools[dir].messages[index];
	struct snd_stream *stream = addressee(snd, dir, message);

	if (!stream) {
		refuse(snd, dir, message);
		pool_give(&snd->pools[dir], index);
		return;
	}
	message->next = SND_NO_MESSAGE;
	message->bad = false;
	if (stream->first == SND_NO_MESSAGE)
		stream->first = index;
	else
		snd_message_at(snd, stream, stream->last)->next = index;
	stream->last = index;
	stream->n_pending++;
	if (dir == VMSND_PLAYBACK)
		snd_playback_posted(snd, stream, index);
	else
		snd_capture_posted(snd, stream, index);
}

/* Whether the next waiting entry was given back before the queue was stopped; if so it is
 * passed over. */
static bool pass_given_back(struct snd_queue *queue, struct snd_pool *pool)
{
	uint16_t at = queue->ring.next_avail % VMSND_QUEUE_SIZE_MAX;
	uint64_t bit = UINT64_C(1) << (at % 64);

	if (queue->place.window == 0 || vmsnd_queue_waiting(&queue->ring) == 0)
		return false;
	queue->place.window--;
	if (!(queue->place.given_back[at / 64] & bit))
		return false;
	vmsnd_queue_pass(&queue->ring);
	pool->serial++;
	return true;
}

/* Pops one entry. Returns what it cost, 0 when nothing was there. */
static uint32_t pop_one(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct snd_queue *queue = snd_data_queue(snd, dir);
	struct snd_pool *pool = &snd->pools[dir];
	struct vmsnd_chain *chain;
	uint16_t index;

	if (queue->place.window != 0 && pass_given_back(queue, pool))
		return 1;
	/* More messages out than the ring has entries: some head was made available twice. */
	if (pool->used >= queue->ring.size) {
		if (vmsnd_queue_waiting(&queue->ring) > 0)
			queue->ring.broken = true;
		return 0;
	}
	index = pool_take(pool);
	chain = &pool->messages[index].chain;
	pool->messages[index].serial = pool->serial;
	switch (vmsnd_queue_pop(&queue->ring, chain)) {
	case VMSND_POP_CHAIN:
		pool->serial++;
		line_up(snd, dir, index);
		return 1 + chain->n_descriptors / DESCRIPTORS_PER_MESSAGE;
	case VMSND_POP_MALFORMED:
		pool->serial++;
		snd_fault(snd, VMSND_FAULT_CHAIN, chain->head);
		vmsnd_queue_push(&queue->ring, chain, 0);
		pool_give(pool, index);
		return 1 + chain->n_descriptors / DESCRIPTORS_PER_MESSAGE;
	case VMSND_POP_NONE:
		break;
	}
	pool_give(pool, index);
	return 0;
}

static void take_up(struct vmsnd_snd *snd, enum vmsnd_dir dir, uint16_t index)
{
	struct vmsnd_queue *ring = &snd_data_queue(snd, dir)->ring;
	struct vmsnd_chain *chain = &snd->pools[dir].messages[index].chain;
	enum vmsnd_pop got = vmsnd_queue_reopen(ring, chain);

	if (got == VMSND_POP_CHAIN) {
		line_up(snd, dir, index);
		return;
	}
	snd_fault(snd, VMSND_FAULT_CHAIN, chain->head);
	if (got == VMSND_POP_MALFORMED)
		vmsnd_queue_push(ring, chain, 0);
	else
		ring->broken |= ring->in_order; /* all others wait for it */
	pool_give(&snd->pools[dir], index);
}

/* Messages held over from a saved state are older than any in the ring. They are opened once
 * every queue has come back, since only then it is certain that the driver is the same. */
static bool is_caught_up(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct snd_pool *pool = &snd->pools[dir];
	uint16_t n = pool->n_held;

	if (n == 0)
		return true;
	if (!snd_rings_all_back(snd))
		return false;
	pool->n_held = 0;
	for (uint16_t i = 0; i < n; i++)
		take_up(snd, dir, i);
	return true;
}

uint32_t snd_messages_pop(struct vmsnd_snd *snd, enum vmsnd_dir dir, uint32_t budget)
{
	const struct snd_queue *queue = snd_data_queue(snd, dir);

	while (budget > 0 && snd_queue_live(queue)) {
		uint32_t cost = pop_one(snd, dir);

		if (cost == 0)
			break;
		budget = cost < budget ? budget - cost : 0;
	}
	return budget;
}

/* Messages that are held over come first, and wait for the last queue. */
void snd_messages_pop_again(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	const struct snd_queue *queue = snd_data_queue(snd, dir);

	while (snd->pools[dir].n_held == 0 && queue->place.window > 0 && snd_queue_live(queue) &&
	       pop_one(snd, dir) > 0)
		continue;
}

uint32_t snd_messages_pop_waiting(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct snd_queue *queue = snd_data_queue(snd, dir);
	uint32_t cost = 0;

	if (!snd_queue_live(queue) || !is_caught_up(snd, dir))
		return 0;
	for (uint16_t left = vmsnd_queue_waiting(&queue->ring); left > 0; left--)
		cost += pop_one(snd, dir);
	return cost;
}

/* ---- in time ----------------------------------------------------------------------------- */

void snd_messages_run(struct vmsnd_snd *snd, enum vmsnd_dir dir, vmsnd_ns now)
{
	struct snd_queue *queue = snd_data_queue(snd, dir);
	uint32_t left;

	queue->more = false;
	if (!snd_queue_live(queue) || !is_caught_up(snd, dir))
		return;
	left = snd_messages_pop(snd, dir, RUN_BUDGET);
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		struct snd_stream *stream = &snd->streams[i];

		if (stream->dir != dir || stream->state < SND_STATE_PREPARED)
			continue;
		if (dir == VMSND_PLAYBACK) {
			snd_playback_fill(snd, stream, false);
			snd_playback_finish(snd, stream);
		} else {
			snd_capture_fill(snd, stream);
		}
	}
	snd_rings_arm(snd, dir);
	if (left == 0)
		queue->more = true;
}

/* Frames the port must have moved for the first message to be done. */
static uint64_t first_done_at(struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	const struct snd_message *first;

	if (stream->first == SND_NO_MESSAGE)
		return UINT64_MAX;
	first = snd_message_at(snd, stream, stream->first);
	if (stream->dir == VMSND_PLAYBACK)
		return first->end;
	return stream->copied_frames + first->room - first->filled;
}

/* Once a period at least, even with nothing out: while kicks are off that is how new messages
 * are found. */
vmsnd_ns snd_stream_due(struct vmsnd_snd *snd, const struct snd_stream *stream, vmsnd_ns now)
{
	uint64_t period = vmsnd_port_done_frames(stream->port) + stream->params.period_frames;
	uint64_t first = first_done_at(snd, stream);
	vmsnd_ns due;

	if (!stream->port_runs)
		return now + (uint64_t)stream->params.period_frames * VMSND_NS_PER_SECOND /
				 stream->params.format.rate_hz;
	due = vmsnd_port_due(stream->port, first < period ? first : period, now);

	/* A frame that should be there already is the host's to bring; `now` would spin. */
	return due > now ? due : now + LATE_NS;
}
