/* SPDX-License-Identifier: BSD-3-Clause */
/* The event queue: what the driver is told of without having asked (V29, V81-V84, V108). */
#include <string.h>

#include "devices/virtio-snd/snd.h"

/* VIRTIO_SND_EVT_CTL_NOTIFY, absent from older headers. */
#define EVT_CTL_NOTIFY 0x1200u
/* Buffers too short for an event are given back; so many at a time (V84). */
#define SHORT_MAX 64u

/* One buffer of the driver's with the event in it; false: there is none. */
static bool tell(struct vmsnd_snd *snd, uint32_t code, uint32_t data)
{
	const struct virtio_snd_event event = {.hdr.code = code, .data = data};
	struct snd_queue *queue = &snd->queues[VIRTIO_SND_VQ_EVENT];
	struct vmsnd_chain chain;

	for (unsigned i = 0; i < SHORT_MAX && snd_queue_live(queue); i++) {
		enum vmsnd_pop got = vmsnd_queue_pop(&queue->ring, &chain);
		uint32_t written = 0;

		if (got == VMSND_POP_NONE)
			return false;
		if (got == VMSND_POP_CHAIN && chain.writable.left >= sizeof(event))
			written =
			    vmsnd_chain_write(snd->env.mem, &chain.writable, &event, sizeof(event));
		vmsnd_queue_push(&queue->ring, &chain, written);
		if (written == sizeof(event)) {
			snd->counters.events++;
			return true;
		}
		snd_fault(snd, got == VMSND_POP_CHAIN ? VMSND_FAULT_MESSAGE : VMSND_FAULT_CHAIN,
			  chain.head);
	}
	return false;
}

static bool tell_jacks(struct vmsnd_snd *snd)
{
	struct snd_events *events = &snd->events;

	for (uint32_t i = 0; i < snd->plan.n_jacks; i++) {
		if (!(events->jacks & UINT32_C(1) << i))
			continue;
		if (!tell(snd,
			  snd->jacks[i].connected ? VIRTIO_SND_EVT_JACK_CONNECTED
						  : VIRTIO_SND_EVT_JACK_DISCONNECTED,
			  i))
			return false;
		events->jacks &= ~(UINT32_C(1) << i);
	}
	return true;
}

/* V108: the element's number and the mask share the word. */
static bool tell_elements(struct vmsnd_snd *snd)
{
	for (uint32_t i = 0; i < snd->elements.n; i++) {
		uint8_t *mask = &snd->events.elements[i];

		if (!*mask)
			continue;
		if (!tell(snd, EVT_CTL_NOTIFY, i | (uint32_t)*mask << 16))
			return false;
		*mask = 0;
	}
	return true;
}

void snd_events_run(struct vmsnd_snd *snd)
{
	if (snd->events.waiting)
		snd->events.waiting = !tell_jacks(snd) || !tell_elements(snd);
}

void snd_events_jack(struct vmsnd_snd *snd, uint32_t jack)
{
	snd->events.jacks |= UINT32_C(1) << jack;
	snd->events.waiting = true;
	snd_events_run(snd);
}

void snd_events_element(struct vmsnd_snd *snd, uint32_t element, uint8_t mask)
{
	snd->events.elements[element] |= mask;
	snd->events.waiting = true;
	snd_events_run(snd);
}

void snd_events_pcm(struct vmsnd_snd *snd, uint32_t code, uint32_t stream)
{
	snd->counters.dropped_events += !tell(snd, code, stream);
}
