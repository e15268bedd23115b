/* SPDX-License-Identifier: BSD-3-Clause */
/* Control requests of the virtio-snd driver (virtio 1.3, 5.14.6.1). */
#include <string.h>

#include "guests/parts.h"

bool vmsnd_guest_control_init(struct vmsnd_guest *guest)
{
	for (unsigned i = 0; i < VMSND_GUEST_REQUESTS_MAX; i++) {
		struct vmsnd_guest_request *slot = &guest->requests[i];

		slot->request =
		    vmsnd_guest_memory_take(&guest->memory, VMSND_GUEST_REQUEST_BYTES, 8);
		slot->answer = vmsnd_guest_memory_take(&guest->memory, VMSND_GUEST_ANSWER_BYTES, 8);
		if (!slot->request || !slot->answer)
			return false;
	}
	return true;
}

void vmsnd_guest_control_done(struct vmsnd_guest *guest, uint32_t cookie, uint32_t bytes)
{
	struct vmsnd_guest_request *slot = &guest->requests[cookie % VMSND_GUEST_REQUESTS_MAX];

	slot->answered = true;
	slot->answer_bytes = bytes < VMSND_GUEST_ANSWER_BYTES ? bytes : VMSND_GUEST_ANSWER_BYTES;
}

static int free_ticket(const struct vmsnd_guest *guest)
{
	for (int i = 0; i < (int)VMSND_GUEST_REQUESTS_MAX; i++)
		if (!guest->requests[i].used)
			return i;
	return -1;
}

int vmsnd_guest_submit(struct vmsnd_guest *guest, const void *request, uint32_t bytes,
		       uint32_t answer_bytes, vmsnd_ns now)
{
	int ticket = free_ticket(guest);
	struct vmsnd_guest_request *slot = &guest->requests[ticket < 0 ? 0 : ticket];
	struct vmsnd_guest_segment segments[2] = {
	    {.at = vmsnd_guest_memory_gpa(&guest->memory, slot->request), .bytes = bytes},
	    {.at = vmsnd_guest_memory_gpa(&guest->memory, slot->answer),
	     .bytes = answer_bytes,
	     .card_writes = true},
	};

	if (ticket < 0 || bytes > VMSND_GUEST_REQUEST_BYTES ||
	    answer_bytes > VMSND_GUEST_ANSWER_BYTES)
		return -1;
	memcpy(slot->request, request, bytes);
	memset(slot->answer, 0, answer_bytes);
	if (!vmsnd_guest_ring_add(&guest->rings[VIRTIO_SND_VQ_CONTROL], segments, 2,
				  (uint32_t)ticket))
		return -1;
	slot->used = true;
	slot->answered = false;
	slot->answer_bytes = 0;
	vmsnd_guest_kick_queue(guest, VIRTIO_SND_VQ_CONTROL, now);
	return ticket;
}

struct vmsnd_guest_answer vmsnd_guest_collect(struct vmsnd_guest *guest, int ticket, vmsnd_ns now)
{
	struct vmsnd_guest_answer answer = {.status = VIRTIO_SND_S_NOT_SUPP};
	struct vmsnd_guest_request *slot;
	struct virtio_snd_hdr status;

	if (ticket < 0 || ticket >= (int)VMSND_GUEST_REQUESTS_MAX)
		return answer;
	slot = &guest->requests[ticket];
	if (!slot->answered)
		vmsnd_guest_poll(guest, now);
	if (!slot->answered)
		return (struct vmsnd_guest_answer){.status = 0};
	slot->used = false;
	memcpy(&status, slot->answer, sizeof(status));
	answer.at = slot->answer;
	answer.bytes = slot->answer_bytes;
	answer.status = slot->answer_bytes < sizeof(status) || status.code == 0
			    ? VIRTIO_SND_S_IO_ERR
			    : status.code;
	return answer;
}

static struct vmsnd_guest_answer await(struct vmsnd_guest *guest, int ticket, vmsnd_ns now)
{
	const struct vmsnd_guest_conf *conf = &guest->conf;
	struct vmsnd_guest_answer answer = vmsnd_guest_collect(guest, ticket, now);

	for (unsigned i = 0; answer.status == 0 && conf->wait && i < conf->tries; i++) {
		now = conf->wait(conf->wait_ctx, now);
		answer = vmsnd_guest_collect(guest, ticket, now);
	}
	return answer;
}

struct vmsnd_guest_answer vmsnd_guest_request(struct vmsnd_guest *guest, const void *request,
					      uint32_t bytes, vmsnd_ns now)
{
	return await(guest,
		     vmsnd_guest_submit(guest, request, bytes, VMSND_GUEST_ANSWER_BYTES, now), now);
}

int vmsnd_guest_submit_pcm(struct vmsnd_guest *guest, uint32_t code, unsigned stream, vmsnd_ns now)
{
	struct virtio_snd_pcm_hdr request = {.hdr.code = code, .stream_id = stream};

	return vmsnd_guest_submit(guest, &request, sizeof(request), sizeof(struct virtio_snd_hdr),
				  now);
}

uint32_t vmsnd_guest_set_params(struct vmsnd_guest *guest, unsigned stream,
				const struct vmsnd_guest_params *params, vmsnd_ns now)
{
	return await(guest, vmsnd_guest_submit_params(guest, stream, params, now), now).status;
}

static uint32_t pcm(struct vmsnd_guest *guest, uint32_t code, unsigned stream, vmsnd_ns now)
{
	return await(guest, vmsnd_guest_submit_pcm(guest, code, stream, now), now).status;
}

uint32_t vmsnd_guest_prepare(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now)
{
	return pcm(guest, VIRTIO_SND_R_PCM_PREPARE, stream, now);
}

uint32_t vmsnd_guest_start(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now)
{
	return pcm(guest, VIRTIO_SND_R_PCM_START, stream, now);
}

uint32_t vmsnd_guest_stop(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now)
{
	return pcm(guest, VIRTIO_SND_R_PCM_STOP, stream, now);
}

uint32_t vmsnd_guest_release(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now)
{
	return pcm(guest, VIRTIO_SND_R_PCM_RELEASE, stream, now);
}
