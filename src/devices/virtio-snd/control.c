/* SPDX-License-Identifier: BSD-3-Clause */
/* The control queue: requests in, exactly one answer each out, whatever they hold (V10-V17). */
#include <string.h>

#include "base/endian.h"
#include "devices/virtio-snd/control.h"

/* What one call may cost, in requests without more to them; Linux has at most a few out. Popping
 * what was posted and opening host streams count for many (pcm.c). */
#define CONTROL_BUDGET 512u
#define REQUEST_COST   8u
#define BYTES_PER_COST 256u /* of an answer */
/* The longest item a driver may ask for: sixteen times what any version of the standard has. */
#define ITEM_BYTES_MAX 1536u

/* As much as a handler looks at. */
union request {
	struct virtio_snd_pcm_set_params set_params;
	struct snd_ctl_write write;
};

static const uint8_t zeros[64];

/* V18-V21. Sums of what the driver wrote are made in 64 bits. */
uint32_t snd_control_query(const void *request, uint32_t total, struct snd_answer *answer)
{
	const struct virtio_snd_query_info *info = request;
	uint64_t bytes = sizeof(struct virtio_snd_hdr) + (uint64_t)info->count * info->size;

	if ((uint64_t)info->start_id + info->count > total)
		return VIRTIO_SND_S_BAD_MSG;
	/* Every item begins with the common header, so none can be shorter. */
	if (info->count != 0 &&
	    (info->size < sizeof(struct virtio_snd_info) || info->size > ITEM_BYTES_MAX))
		return VIRTIO_SND_S_BAD_MSG;
	if (bytes > answer->to->left)
		return VIRTIO_SND_S_BAD_MSG;
	answer->items.start = info->start_id;
	answer->items.count = info->count;
	answer->items.stride = info->size;
	return VIRTIO_SND_S_OK;
}

static uint32_t jack_info(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			  vmsnd_ns now)
{
	uint32_t status = snd_control_query(request, snd->plan.n_jacks, answer);

	answer->items.fill = snd_jack_item;
	answer->items.item_bytes = sizeof(struct virtio_snd_jack_info);
	if (status == VIRTIO_SND_S_OK)
		snd_jacks_told(snd, request);
	return status;
}

static uint32_t jack_remap(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			   vmsnd_ns now)
{
	return snd_jack_remap(snd, request);
}

static uint32_t pcm_info(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			 vmsnd_ns now)
{
	answer->items.fill = snd_pcm_item;
	answer->items.item_bytes = sizeof(struct virtio_snd_pcm_info);
	return snd_control_query(request, snd->plan.n_streams, answer);
}

static uint32_t chmap_info(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			   vmsnd_ns now)
{
	answer->items.fill = snd_chmap_item;
	answer->items.item_bytes = sizeof(struct virtio_snd_chmap_info);
	return snd_control_query(request, snd->plan.n_chmaps, answer);
}

static uint32_t set_params(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			   vmsnd_ns now)
{
	return snd_pcm_take_params(snd, request, now);
}

static uint32_t command(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			vmsnd_ns now)
{
	return snd_pcm_command(snd, request, now);
}

static const struct snd_request_row requests[] = {
    {VIRTIO_SND_R_JACK_INFO, VIRTIO_SND_R_JACK_INFO, sizeof(struct virtio_snd_query_info),
     jack_info},
    {VIRTIO_SND_R_JACK_REMAP, VIRTIO_SND_R_JACK_REMAP, sizeof(struct virtio_snd_jack_remap),
     jack_remap},
    {VIRTIO_SND_R_PCM_INFO, VIRTIO_SND_R_PCM_INFO, sizeof(struct virtio_snd_query_info), pcm_info},
    {VIRTIO_SND_R_PCM_SET_PARAMS, VIRTIO_SND_R_PCM_SET_PARAMS,
     sizeof(struct virtio_snd_pcm_set_params), set_params},
    {VIRTIO_SND_R_PCM_PREPARE, VIRTIO_SND_R_PCM_STOP, sizeof(struct virtio_snd_pcm_hdr), command},
    {VIRTIO_SND_R_CHMAP_INFO, VIRTIO_SND_R_CHMAP_INFO, sizeof(struct virtio_snd_query_info),
     chmap_info},
    {SND_R_CTL_INFO, SND_R_CTL_TLV_COMMAND, sizeof(struct virtio_snd_hdr), snd_controls_request},
    {.handle = NULL},
};

/* A code that the standard does not know makes the request malformed: BAD_MSG (V13), as QEMU
 * and crosvm answer; NOT_SUPP is kept for what the standard knows and this card lacks. */
uint32_t snd_control_dispatch(const struct snd_request_row *rows, struct vmsnd_snd *snd,
			      const void *request, struct snd_answer *answer, vmsnd_ns now)
{
	uint32_t code = answer->request_bytes >= sizeof(code) ? vmsnd_le32(request) : 0;

	for (; rows->handle; rows++) {
		if (code < rows->first || code > rows->last)
			continue;
		if (answer->request_bytes < rows->bytes)
			break;
		return rows->handle(snd, request, answer, now);
	}
	return VIRTIO_SND_S_BAD_MSG;
}

static void put(struct vmsnd_snd *snd, struct snd_answer *answer, const void *from, uint32_t bytes)
{
	uint32_t written = vmsnd_chain_write(snd->env.mem, answer->to, from, bytes);

	answer->written += written;
	if (written < bytes)
		snd_fault(snd, VMSND_FAULT_DATA_ADDRESS, answer->to->at);
}

/* The driver's item size is the stride: ours is cut or filled up with zeros (V20). */
static void put_items(struct vmsnd_snd *snd, struct snd_answer *answer)
{
	const struct snd_items *items = &answer->items;
	union snd_item item;

	for (uint32_t i = 0; i < items->count; i++) {
		uint32_t left = items->stride;
		uint32_t n = items->item_bytes < left ? items->item_bytes : left;

		items->fill(snd, items->start + i, &item);
		put(snd, answer, &item, n);
		for (left -= n; left > 0; left -= n) {
			n = left < sizeof(zeros) ? left : (uint32_t)sizeof(zeros);
			put(snd, answer, zeros, n);
		}
	}
}

static void count_refusal(struct vmsnd_snd *snd, uint32_t status)
{
	if (status == VIRTIO_SND_S_OK)
		return;
	snd->counters.refused_requests++;
	if (status == VIRTIO_SND_S_BAD_MSG)
		snd_fault(snd, VMSND_FAULT_REQUEST, VIRTIO_SND_VQ_CONTROL);
}

static void serve(struct vmsnd_snd *snd, struct vmsnd_chain *chain, vmsnd_ns now)
{
	union request request;
	uint32_t readable = chain->readable.left;
	uint32_t bytes = readable < sizeof(request) ? readable : (uint32_t)sizeof(request);
	struct snd_answer answer = {
	    .to = &chain->writable, .request_bytes = bytes, .readable_bytes = readable};
	uint32_t status = VIRTIO_SND_S_BAD_MSG;
	/* Without room for an answer nothing is done and nothing written (V15). */
	bool answerable = chain->writable.left >= sizeof(status);

	snd->counters.control_requests++;
	if (vmsnd_chain_read(snd->env.mem, &chain->readable, &request, bytes) < bytes) {
		snd_fault(snd, VMSND_FAULT_DATA_ADDRESS, chain->readable.at);
	} else if (answerable && !snd_recovery_is_answered(snd, chain->head, &status)) {
		status = snd_control_dispatch(requests, snd, &request, &answer, now);
		snd_recovery_executed(snd, chain->head, bytes >= 4 ? vmsnd_le32(&request) : 0,
				      status);
	}
	count_refusal(snd, status);
	if (answerable)
		put(snd, &answer, &status, sizeof(status));
	if (status == VIRTIO_SND_S_OK)
		put_items(snd, &answer);
	snd->control_cost += answer.written / BYTES_PER_COST;
	vmsnd_queue_push(&snd->queues[VIRTIO_SND_VQ_CONTROL].ring, chain, answer.written);
	snd_recovery_answered(snd);
}

void snd_control_run(struct vmsnd_snd *snd, vmsnd_ns now)
{
	struct snd_queue *queue = &snd->queues[VIRTIO_SND_VQ_CONTROL];
	struct vmsnd_chain chain;

	queue->more = false;
	snd->control_cost = 0;
	for (; snd_queue_live(queue) && snd->control_cost < CONTROL_BUDGET;
	     snd->control_cost += REQUEST_COST) {
		enum vmsnd_pop got = vmsnd_queue_pop(&queue->ring, &chain);

		if (got == VMSND_POP_NONE)
			break;
		if (got == VMSND_POP_CHAIN) {
			serve(snd, &chain, now);
		} else {
			snd_fault(snd, VMSND_FAULT_CHAIN, chain.head);
			vmsnd_queue_push(&queue->ring, &chain, 0);
		}
	}
	if (snd_queue_live(queue))
		queue->more = vmsnd_queue_kicks_on(&queue->ring);
}
