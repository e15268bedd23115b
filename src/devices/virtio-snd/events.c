/* SPDX-License-Identifier: BSD-3-Clause */
/* The event queue: what the driver is told of without having asked (V29, V81-V84, V108).
 *
 * A state (a jack, a control element) is told as soon as there is a buffer for it, once, with what
 * is true then. A moment (an xrun, a period) is told now or never. A driver that posts no buffers
 * holds up nothing but its own events. */
#include "devices/virtio-snd/snd.h"

/* VIRTIO_SND_EVT_CTL_NOTIFY, absent from older headers. */
#define EVT_CTL_NOTIFY 0x1200u
/* Buffers one call may pop; those no event fits into would otherwise go round for ever (V84). */
#define RUN_BUDGET 256u

/* V83: eight bytes. What is too short, or has a part that a device may read, is given back empty.
 */
static bool write_event(struct vmsnd_snd *snd, struct vmsnd_chain *chain,
			const struct virtio_snd_event *event)
{
	struct vmsnd_queue *ring = &snd->queues[VIRTIO_SND_VQ_EVENT].ring;
	bool fits = chain->readable.left == 0 && chain->writable.left >= sizeof(*event);
	bool written = fits && vmsnd_chain_write(snd->env.mem, &chain->writable, event,
						 sizeof(*event)) == sizeof(*event);

	vmsnd_queue_push(ring, chain, written ? sizeof(*event) : 0);
	if (!written)
		snd_fault(snd, fits ? VMSND_FAULT_DATA_ADDRESS : VMSND_FAULT_MESSAGE, chain->head);
	snd->counters.events += written;
	return written;
}

/* One buffer of the driver's with the event in it; false: there is none, or the budget is spent. */
static bool tell(struct vmsnd_snd *snd, uint32_t code, uint32_t data, uint32_t *budget)
{
	const struct virtio_snd_event event = {.hdr.code = code, .data = data};
	struct snd_queue *queue = &snd->queues[VIRTIO_SND_VQ_EVENT];
	struct vmsnd_chain chain;

	for (; *budget > 0 && snd_queue_live(queue); --*budget) {
		switch (vmsnd_queue_pop(&queue->ring, &chain)) {
		case VMSND_POP_CHAIN:
			if (!write_event(snd, &chain, &event))
				continue;
			--*budget;
			return true;
		case VMSND_POP_MALFORMED:
			vmsnd_queue_push(&queue->ring, &chain, 0);
			snd_fault(snd, VMSND_FAULT_CHAIN, chain.head);
			continue;
		case VMSND_POP_NONE:
			return false;
		}
	}
	return false;
}

static bool tell_jacks(struct vmsnd_snd *snd, uint32_t *budget)
{
	struct snd_events *events = &snd->events;

	for (uint32_t i = 0; i < snd->plan.n_jacks; i++) {
		struct snd_jack *jack = &snd->jacks[i];

		if (!(events->jacks & UINT32_C(1) << i))
			continue;
		if (!tell(snd,
			  jack->connected ? VIRTIO_SND_EVT_JACK_CONNECTED
					  : VIRTIO_SND_EVT_JACK_DISCONNECTED,
			  i, budget))
			return false;
		events->jacks &= ~(UINT32_C(1) << i);
		jack->known = jack->connected;
	}
	return true;
}

/* V108: the element's number and the mask share the word. */
static bool tell_elements(struct vmsnd_snd *snd, uint32_t *budget)
{
	for (uint32_t i = 0; i < snd->elements.n; i++) {
		uint8_t *mask = &snd->events.elements[i];

		if (!*mask)
			continue;
		if (!tell(snd, EVT_CTL_NOTIFY, i | (uint32_t)*mask << 16, budget))
			return false;
		*mask = 0;
	}
	return true;
}

/* Kicks are asked for while something waits for a buffer, and only then. */
static void arm(struct vmsnd_snd *snd)
{
	struct snd_queue *queue = &snd->queues[VIRTIO_SND_VQ_EVENT];

	if (!snd_queue_live(queue))
		return;
	if (!snd->events.waiting)
		vmsnd_queue_kicks_off(&queue->ring);
	else if (vmsnd_queue_kicks_on(&queue->ring))
		queue->more = true; /* the next advance goes on */
}

void snd_events_run(struct vmsnd_snd *snd)
{
	uint32_t budget = RUN_BUDGET;

	snd->queues[VIRTIO_SND_VQ_EVENT].more = false;
	if (snd->events.waiting)
		snd->events.waiting = !tell_jacks(snd, &budget) || !tell_elements(snd, &budget);
	arm(snd);
}

/* One that is back where the driver believes it to be is no news. */
void snd_events_jack(struct vmsnd_snd *snd, uint32_t jack)
{
	uint32_t bit = UINT32_C(1) << jack;

	if (snd->jacks[jack].connected == snd->jacks[jack].known) {
		snd->events.jacks &= ~bit;
		return;
	}
	snd->events.jacks |= bit;
	snd->events.waiting = true;
	snd_events_run(snd);
}

void snd_events_element(struct vmsnd_snd *snd, uint32_t element, uint8_t mask)
{
	snd->events.elements[element] |= mask;
	snd->events.waiting = true;
	snd_events_run(snd);
}

void snd_events_pcm(struct vmsnd_snd *snd, uint32_t code, uint32_t stream, uint64_t n)
{
	uint32_t budget = RUN_BUDGET;

	while (n > 0 && tell(snd, code, stream, &budget))
		n--;
	snd->counters.dropped_events += n;
	if (snd_queue_live(&snd->queues[VIRTIO_SND_VQ_EVENT]) && !snd->events.waiting)
		vmsnd_queue_kicks_off(&snd->queues[VIRTIO_SND_VQ_EVENT].ring);
}

/* ---- streams ---- */

static vmsnd_ns period_ns(const struct snd_stream *stream)
{
	return (uint64_t)stream->params.period_frames * VMSND_NS_PER_SECOND /
	       stream->params.format.rate_hz;
}

/* A port counts a hole once there is sound behind it, since the end of all sound is none. A driver
 * hears of it once it has been late for a period; who has come to an end stops sooner. */
static bool ran_dry(struct snd_stream *stream, vmsnd_ns now)
{
	if (stream->dir != VMSND_PLAYBACK || stream->n_pending > 0 || stream->posted_frames == 0) {
		stream->dry = VMSND_NEVER;
		return false;
	}
	if (stream->dry == VMSND_NEVER) {
		stream->dry = now;
		stream->hole_told = false;
	}
	if (stream->hole_told || now - stream->dry < period_ns(stream))
		return false;
	stream->hole_told = true;
	return true;
}

/* Since the last look; each once, whoever sees it first. */
static uint64_t new_holes(struct snd_stream *stream, vmsnd_ns now)
{
	uint64_t xruns = vmsnd_port_xruns(stream->port), n = xruns - stream->xruns;

	stream->xruns = xruns;
	if (n > 0 && stream->hole_told) {
		stream->hole_told = false;
		n--;
	}
	return n + ran_dry(stream, now);
}

/* V81, V82: what happened since the last look, to a driver that chose to hear of it. */
static void look_at_stream(struct vmsnd_snd *snd, uint32_t index, vmsnd_ns now)
{
	struct snd_stream *stream = &snd->streams[index];
	uint64_t periods;

	if (stream->features & UINT32_C(1) << VIRTIO_SND_PCM_F_EVT_XRUNS)
		snd_events_pcm(snd, VIRTIO_SND_EVT_PCM_XRUN, index, new_holes(stream, now));
	if (stream->features & UINT32_C(1) << VIRTIO_SND_PCM_F_EVT_SHMEM_PERIODS) {
		periods = vmsnd_port_done_frames(stream->port) / stream->params.period_frames;
		snd_events_pcm(snd, VIRTIO_SND_EVT_PCM_PERIOD_ELAPSED, index,
			       periods - stream->periods);
		stream->periods = periods;
	}
}

void snd_events_streams(struct vmsnd_snd *snd, vmsnd_ns now)
{
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		if (snd->streams[i].features != 0 && snd->streams[i].port_runs)
			look_at_stream(snd, i, now);
}

void snd_events_stream_begins(struct snd_stream *stream)
{
	stream->xruns = vmsnd_port_xruns(stream->port);
	stream->dry = VMSND_NEVER;
	stream->hole_told = false;
	stream->periods = vmsnd_port_done_frames(stream->port) / stream->params.period_frames;
}

/* ---- come and gone ---- */

void snd_events_forget(struct vmsnd_snd *snd)
{
	for (uint32_t i = 0; i < SND_ELEMENTS_MAX; i++)
		snd->events.elements[i] = 0;
	snd->events.waiting = snd->events.jacks != 0;
}

/* ---- saved state ---- */

void snd_events_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to)
{
	uint16_t n = 0;

	for (uint32_t i = 0; i < SND_ELEMENTS_MAX; i++)
		n = (uint16_t)(n + (snd->events.elements[i] != 0));
	vmsnd_state_put_u8(to, snd->events.met);
	vmsnd_state_put_u16(to, n);
	for (uint16_t i = 0; i < SND_ELEMENTS_MAX; i++) {
		if (!snd->events.elements[i])
			continue;
		vmsnd_state_put_u16(to, i);
		vmsnd_state_put_u8(to, snd->events.elements[i]);
	}
}

void snd_events_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from)
{
	uint16_t n;

	snd->events.met = vmsnd_state_get_bool(from);
	n = vmsnd_state_get_u16(from);
	for (; n > 0 && !from->bad; n--) {
		uint16_t element = vmsnd_state_get_u16(from);
		uint8_t mask = vmsnd_state_get_u8_upto(from, 7);

		from->bad |= element >= SND_ELEMENTS_MAX || mask == 0;
		if (from->bad)
			return;
		snd->events.elements[element] = mask;
		snd->events.waiting = true;
	}
	for (uint32_t i = 0; i < snd->plan.n_jacks; i++)
		if (snd->jacks[i].connected != snd->jacks[i].known)
			snd->events.jacks |= UINT32_C(1) << i;
	snd->events.waiting |= snd->events.jacks != 0;
}
