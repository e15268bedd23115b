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
	for (uint32_t i = 0; i < snd->n_streams; i++)
		if (snd->streams[i].dir == dir)
			snd_stream_sync(snd, &snd->streams[i], now);
}

void snd_rings_arm(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct snd_queue *queue = snd_data_queue(snd, dir);
	bool polled = false;

	/* While a stream runs and has messages the lane comes by when the next is done, so
	 * kicks would only cost. One that has run dry hears of the next message at once. */
	for (uint32_t i = 0; i < snd->n_streams; i++)
		polled |= snd->streams[i].dir == dir && snd->streams[i].port_runs &&
			  snd->streams[i].n_pending > 0;
	if (polled)
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

/* How many entries ago the stream's oldest message came; 0 when none is out. */
static uint64_t age_of(struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	if (stream->first == SND_NO_MESSAGE)
		return 0;
	return snd->pools[stream->dir].serial - snd_message_at(snd, stream, stream->first)->serial;
}

/* The entry of a message that has waited while others came and went may have been overwritten:
 * it cannot be popped again. Its frames go into the ring now, beyond what the ring wants. */
static void absorb(struct vmsnd_snd *snd, struct snd_stream *stream, uint16_t reach)
{
	while (age_of(snd, stream) > reach) {
		if (stream->dir == VMSND_CAPTURE) {
			snd_capture_finish_first(snd, stream, VIRTIO_SND_S_OK);
			continue;
		}
		snd_playback_fill(snd, stream, true);
		snd_message_finish(
		    snd, stream,
		    stream->copying == stream->first ? VIRTIO_SND_S_IO_ERR : VIRTIO_SND_S_OK, 0);
	}
}

/* Marks an entry, given as its age, as given back or not. */
static void mark(struct snd_queue *queue, uint64_t age, bool given_back)
{
	uint16_t at = (uint16_t)(queue->ring.next_avail - age) % VMSND_QUEUE_SIZE_MAX;
	uint64_t bit = UINT64_C(1) << (at % 64);

	if (given_back)
		queue->given_back[at / 64] |= bit;
	else
		queue->given_back[at / 64] &= ~bit;
}

/* Lets go of a stream's messages so that popping them again goes on at the same frame. */
static void let_go(struct vmsnd_snd *snd, struct snd_stream *stream, struct snd_queue *queue)
{
	if (stream->first != SND_NO_MESSAGE) {
		const struct snd_message *first = snd_message_at(snd, stream, stream->first);

		stream->posted_frames = first->start;
		stream->kept_frames = first->filled;
	}
	/* Only a message lost for want of room leaves a gap here. */
	if (stream->dir == VMSND_PLAYBACK && stream->posted_frames > stream->copied_frames)
		stream->posted_frames = stream->copied_frames;
	while (stream->first != SND_NO_MESSAGE) {
		mark(queue, age_of(snd, stream), false);
		snd_message_drop(snd, stream);
	}
}

/* Returns how many entries back the ring must go on. */
static uint16_t rewind_entries(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	struct snd_queue *queue = snd_data_queue(snd, dir);
	uint16_t waiting = vmsnd_queue_waiting(&queue->ring);
	uint16_t reach = (uint16_t)(queue->ring.size - waiting);
	uint64_t oldest = 0;

	for (uint32_t i = 0; i < snd->n_streams; i++) {
		struct snd_stream *stream = &snd->streams[i];

		if (stream->dir != dir)
			continue;
		if (dir == VMSND_PLAYBACK)
			snd_playback_finish(snd, stream);
		if (!queue->ring.broken)
			absorb(snd, stream, reach);
		oldest = age_of(snd, stream) > oldest ? age_of(snd, stream) : oldest;
	}
	if (queue->ring.broken)
		oldest = 0;
	for (uint64_t age = oldest; age > 0; age--)
		mark(queue, age, true);
	for (uint32_t i = 0; i < snd->n_streams; i++)
		if (snd->streams[i].dir == dir)
			let_go(snd, &snd->streams[i], queue);
	queue->window = (uint16_t)(queue->window + oldest);
	return (uint16_t)oldest;
}

uint16_t snd_rings_stop(struct vmsnd_snd *snd, unsigned index, vmsnd_ns now)
{
	struct snd_queue *queue = &snd->queues[index];

	if (!queue->ring.started)
		return queue->resume_at;
	queue->enabled = false;
	queue->resume_at = queue->ring.next_avail;
	if (is_data(index)) {
		sync_streams(snd, dir_of(index), now);
		queue->resume_at =
		    (uint16_t)(queue->resume_at - rewind_entries(snd, dir_of(index)));
	}
	snd_rings_settle(snd, now);
	vmsnd_queue_stop(&queue->ring);
	queue->resumes = true;
	queue->more = false;
	return queue->resume_at;
}

/* ---- start -------------------------------------------------------------------------------- */

/* A driver that begins elsewhere is a new one and knows nothing of our streams. Queues it has
 * started already are its own: what it posted there is given back. */
static void forget_driver(struct vmsnd_snd *snd, vmsnd_ns now)
{
	snd->counters.resets++;
	for (uint32_t i = 0; i < snd->n_streams; i++) {
		snd_messages_flush(snd, &snd->streams[i], VIRTIO_SND_S_IO_ERR);
		snd_stream_reset(&snd->streams[i], now);
	}
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++) {
		snd->queues[i].resumes = false;
		snd->queues[i].window = 0;
	}
}

enum vmsnd_rc snd_rings_start(struct vmsnd_snd *snd, unsigned index,
			      const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	struct snd_queue *queue = &snd->queues[index];
	enum vmsnd_rc rc;

	snd_rings_stop(snd, index, now);
	if (queue->resumes && queue->resume_at != setup->next_avail)
		forget_driver(snd, now);
	rc = vmsnd_queue_start(&queue->ring, snd->env.mem, setup, snd->features);
	if (rc != VMSND_OK)
		return rc;
	queue->broken_told = false;
	snd_rings_enable(snd, index, true, now);
	/* No event is ever sent, so its buffers stay where they are (V84). */
	if (index == VIRTIO_SND_VQ_EVENT)
		vmsnd_queue_kicks_off(&queue->ring);
	return VMSND_OK;
}

void snd_rings_enable(struct vmsnd_snd *snd, unsigned index, bool on, vmsnd_ns now)
{
	struct snd_queue *queue = &snd->queues[index];

	queue->enabled = on && queue->ring.started;
	/* What came in meanwhile is looked at by the next advance: a transport may start a
	 * queue only to disable it at once. */
	queue->more = queue->enabled && index != VIRTIO_SND_VQ_EVENT;
	if (is_data(index))
		sync_streams(snd, dir_of(index), now);
}

/* ---- reset --------------------------------------------------------------------------------- */

/* A guest that goes on without us must not wait for ever for what it posted. */
static void give_all_back(struct vmsnd_snd *snd, vmsnd_ns now)
{
	/* With kicks off, some of it may only be in the ring. */
	snd_messages_pop_waiting(snd, VMSND_PLAYBACK);
	snd_messages_pop_waiting(snd, VMSND_CAPTURE);
	for (uint32_t i = 0; i < snd->n_streams; i++) {
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
	if (why == VMSND_RESET_SHUTDOWN)
		give_all_back(snd, now);
	for (uint32_t i = 0; i < snd->n_streams; i++)
		snd_stream_reset(&snd->streams[i], now);
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		snd->queues[i] = (struct snd_queue){0};
	for (unsigned i = 0; i < 2; i++) {
		snd->pools[i].free = SND_NO_MESSAGE;
		snd->pools[i].fresh = 0;
		snd->pools[i].used = 0;
	}
	snd->features = 0;
	snd->counters.resets++;
	/* A guest that resets in a loop is told of once all the same. */
	if (why != VMSND_RESET_BUS)
		snd->faults_told = 0;
}
