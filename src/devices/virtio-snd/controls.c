/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for control elements (V99-V107). */
#include "devices/virtio-snd/control.h"

#include "devices/virtio-snd/elements.h"

/* The element a request is for, and the right it needs (V102): the driver must not ask without. */
static uint32_t find(struct vmsnd_snd *snd, const void *request, uint32_t access,
		     struct snd_element **out)
{
	const struct snd_ctl_hdr *hdr = request;

	if (hdr->control_id >= snd->elements.n)
		return VIRTIO_SND_S_BAD_MSG;
	*out = &snd->elements.list[hdr->control_id];
	return (snd_element_access(*out) & access) == access ? VIRTIO_SND_S_OK
							     : VIRTIO_SND_S_NOT_SUPP;
}

static uint32_t info(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
		     vmsnd_ns now)
{
	answer->items.fill = snd_element_info;
	answer->items.item_bytes = sizeof(struct snd_ctl_info);
	return snd_control_query(request, snd->elements.n, answer);
}

/* `count` items of so many bytes behind the status, all of them or none. */
static uint32_t show(struct snd_answer *answer, uint32_t start, uint32_t count, uint32_t bytes)
{
	if (answer->to->left < sizeof(struct virtio_snd_hdr) + count * bytes)
		return VIRTIO_SND_S_BAD_MSG;
	answer->items.item_bytes = answer->items.stride = bytes;
	answer->items.start = start;
	answer->items.count = count;
	return VIRTIO_SND_S_OK;
}

static uint32_t enum_items(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			   vmsnd_ns now)
{
	const struct snd_ctl_hdr *hdr = request;
	struct snd_element *element;
	uint32_t status = find(snd, request, 0, &element);

	if (status != VIRTIO_SND_S_OK)
		return status;
	if (element->kind != SND_ELEMENT_SOURCE)
		return VIRTIO_SND_S_NOT_SUPP;
	answer->items.fill = snd_element_item;
	return show(answer, hdr->control_id << 16, snd_element_items(element),
		    sizeof(struct snd_ctl_enum_item));
}

static uint32_t read_value(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			   vmsnd_ns now)
{
	const struct snd_ctl_hdr *hdr = request;
	struct snd_element *element;
	uint32_t status = find(snd, request, SND_CTL_MAY_READ, &element);

	answer->items.fill = snd_element_value;
	return status == VIRTIO_SND_S_OK
		   ? show(answer, hdr->control_id, 1, sizeof(struct snd_ctl_value))
		   : status;
}

/* V103: all values are right, or nothing is changed. */
static uint32_t write_value(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			    vmsnd_ns now)
{
	const struct snd_ctl_write *write = request;
	struct snd_element *element;
	uint32_t status = find(snd, request, SND_CTL_MAY_WRITE, &element);

	if (status != VIRTIO_SND_S_OK)
		return status;
	for (uint32_t i = 0; i < element->count; i++)
		if (!snd_element_takes(element, write->value.integer[i]))
			return VIRTIO_SND_S_BAD_MSG;
	snd->control_cost +=
	    SND_TURN_COST * snd_element_set(snd, element, write->value.integer, now);
	return VIRTIO_SND_S_OK;
}

/* V106: what fits, and OK. */
static uint32_t read_tlv(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			 vmsnd_ns now)
{
	const struct snd_ctl_hdr *hdr = request;
	struct snd_element *element;
	uint32_t status = find(snd, request, SND_CTL_MAY_READ_TLV, &element);
	uint32_t room = answer->to->left - (uint32_t)sizeof(struct virtio_snd_hdr);

	if (status != VIRTIO_SND_S_OK)
		return status;
	answer->items.fill = snd_element_tlv;
	return show(answer, hdr->control_id, 1,
		    room < sizeof(struct snd_ctl_tlv) ? room
						      : (uint32_t)sizeof(struct snd_ctl_tlv));
}

/* No element takes one. V105, V107: one that is malformed is so all the same. */
static uint32_t write_tlv(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			  vmsnd_ns now)
{
	const struct snd_ctl_tlv_write *write = request;
	uint32_t access = write->hdr.code == SND_R_CTL_TLV_WRITE ? SND_CTL_MAY_WRITE_TLV
								 : SND_CTL_MAY_COMMAND_TLV;
	struct snd_element *element;

	if (write->length > SND_CTL_TLV_MAX || write->length % 4 != 0 ||
	    write->length > answer->readable_bytes - sizeof(*write))
		return VIRTIO_SND_S_BAD_MSG;
	return find(snd, request, access, &element);
}

static const struct snd_request_row requests[] = {
    {SND_R_CTL_INFO, SND_R_CTL_INFO, sizeof(struct virtio_snd_query_info), info},
    {SND_R_CTL_ENUM_ITEMS, SND_R_CTL_ENUM_ITEMS, sizeof(struct snd_ctl_hdr), enum_items},
    {SND_R_CTL_READ, SND_R_CTL_READ, sizeof(struct snd_ctl_hdr), read_value},
    {SND_R_CTL_WRITE, SND_R_CTL_WRITE, sizeof(struct snd_ctl_write), write_value},
    {SND_R_CTL_TLV_READ, SND_R_CTL_TLV_READ, sizeof(struct snd_ctl_hdr), read_tlv},
    {SND_R_CTL_TLV_WRITE, SND_R_CTL_TLV_COMMAND, sizeof(struct snd_ctl_tlv_write), write_tlv},
    {.handle = NULL},
};

/* In the standard, but with a feature bit that was not agreed on (V3). */
uint32_t snd_controls_request(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			      vmsnd_ns now)
{
	if (!(snd->features & SND_F_CTLS))
		return VIRTIO_SND_S_NOT_SUPP;
	return snd_control_dispatch(requests, snd, request, answer, now);
}
