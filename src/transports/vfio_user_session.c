/* SPDX-License-Identifier: BSD-3-Clause */
/* What each message of the client does: the card and its regions; and how it is answered. */
#include <string.h>

#include "transports/vfio_user_room.h"

const char *vmsnd_vfu_refuse(struct vmsnd_vfu_answer *answer, enum vmsnd_vfu_errno error,
			     const char *why)
{
	answer->error = error;
	return why;
}

static const struct vmsnd_pci_ops *ops_of(const struct vmsnd_transport *bus)
{
	return bus->card.cls->pci;
}

/* ---- the card --------------------------------------------------------------------------- */

static const char *get_info(struct vmsnd_transport *bus, const uint8_t *payload,
			    struct vmsnd_vfu_answer *answer)
{
	const struct vmsnd_vfu_four info = {VMSND_VFU_INFO_BYTES,
					    VMSND_VFU_INFO_RESET | VMSND_VFU_INFO_PCI,
					    VMSND_VFU_REGIONS, VMSND_VFU_IRQS};

	answer->bytes = vmsnd_vfu_four_put(answer->to, &info);
	return NULL;
}

/* Nothing can be mapped: with a flag for it, QEMU would post no writes. */
static const char *get_region_info(struct vmsnd_transport *bus, const uint8_t *payload,
				   struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_region_info asked, info = {.argsz = VMSND_VFU_REGION_INFO_BYTES};

	vmsnd_vfu_region_info_get(payload, &asked);
	info.index = asked.index;
	info.size = bus->sizes[asked.index];
	if (info.size > 0)
		info.flags = VMSND_VFU_REGION_READABLE | VMSND_VFU_REGION_WRITABLE;
	answer->bytes = vmsnd_vfu_region_info_put(answer->to, &info);
	return NULL;
}

/* There are none: each register of a sound card answers differently. */
static const char *get_region_io_fds(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_four io_fds;

	vmsnd_vfu_four_get(payload, &io_fds);
	if (bus->sizes[io_fds.index] == 0)
		return "descriptors of a region that the card does not have";
	io_fds.argsz = VMSND_VFU_FOUR_BYTES;
	answer->bytes = vmsnd_vfu_four_put(answer->to, &io_fds);
	return NULL;
}

static const char *reset(struct vmsnd_transport *bus, const uint8_t *payload,
			 struct vmsnd_vfu_answer *answer)
{
	vmsnd_vfu_migration_reset(bus);
	vmsnd_vfu_remote_reset(bus);
	bus->card.cls->reset(bus->card.dev, VMSND_RESET_BUS, bus->now);
	vmsnd_vfu_irqs_reset(&bus->irqs);
	return NULL;
}

/* ---- regions ------------------------------------------------------------------------------ */

static bool is_in_region(const struct vmsnd_transport *bus, const struct vmsnd_vfu_access *access)
{
	uint64_t size = bus->sizes[access->region];

	return access->offset <= size && access->count <= size - access->offset;
}

static struct vmsnd_pci_access to_card(struct vmsnd_transport *bus,
				       const struct vmsnd_vfu_access *access)
{
	bus->accessed = bus->now;
	return (struct vmsnd_pci_access){.region = access->region,
					 .bytes = access->count,
					 .offset = access->offset,
					 .now = bus->now};
}

static const char outside[] = "an access outside of what the card has";

static const char *region_read(struct vmsnd_transport *bus, const uint8_t *payload,
			       struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_access access;
	struct vmsnd_pci_access card;

	vmsnd_vfu_access_get(payload, &access);
	if (!is_in_region(bus, &access))
		return outside;
	answer->bytes = vmsnd_vfu_access_put(answer->to, &access);
	bus->counts.reads++;
	if (access.count == 0)
		return NULL;
	card = to_card(bus, &access);
	ops_of(bus)->read(bus->card.dev, &card, answer->to + answer->bytes);
	answer->bytes += access.count;
	return NULL;
}

#define PCI_COMMAND        0x04u /* PCI 3.0, 6.2.2 */
#define PCI_COMMAND_MASTER 0x04u

/* Every driver makes its card a bus master before it starts it. */
static void look_for_driver(struct vmsnd_transport *bus, const struct vmsnd_vfu_access *access,
			    const uint8_t *data)
{
	if (bus->driver_started || access->region != VMSND_PCI_CONFIG ||
	    access->offset > PCI_COMMAND || access->offset + access->count <= PCI_COMMAND ||
	    !(data[PCI_COMMAND - access->offset] & PCI_COMMAND_MASTER))
		return;
	bus->driver_started = true;
	vmsnd_logf(bus->user.log, VMSND_LOG_INFO, "%s: the guest's driver has started the card",
		   bus->name);
	bus->user.peer(bus->user.ctx, VMSND_PEER_READY);
	vmsnd_vfu_memory_doubt(bus);
}

static void write_card(struct vmsnd_transport *bus, const struct vmsnd_vfu_access *access,
		       const uint8_t *data)
{
	struct vmsnd_pci_access card;

	bus->counts.writes++;
	if (access->count == 0)
		return;
	card = to_card(bus, access);
	ops_of(bus)->write(bus->card.dev, &card, data);
	look_for_driver(bus, access, data);
}

static const char *region_write(struct vmsnd_transport *bus, const uint8_t *payload,
				struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_access access;

	vmsnd_vfu_access_get(payload, &access);
	if (!is_in_region(bus, &access))
		return outside;
	write_card(bus, &access, payload + VMSND_VFU_ACCESS_BYTES);
	answer->bytes = vmsnd_vfu_access_put(answer->to, &access);
	return NULL;
}

/* All or none; the answer is how many. */
static const char *write_multi(struct vmsnd_transport *bus, const uint8_t *payload,
			       struct vmsnd_vfu_answer *answer)
{
	uint32_t room = vmsnd_vfu_payload_bytes(&bus->header) - VMSND_VFU_MULTI_HEAD_BYTES;
	const uint8_t *first = payload + VMSND_VFU_MULTI_HEAD_BYTES;
	struct vmsnd_vfu_access access;

	for (uint32_t at = 0; at < room; at += VMSND_VFU_MULTI_BYTES) {
		vmsnd_vfu_access_get(first + at, &access);
		if (!is_in_region(bus, &access))
			return outside;
	}
	for (uint32_t at = 0; at < room; at += VMSND_VFU_MULTI_BYTES) {
		vmsnd_vfu_access_get(first + at, &access);
		write_card(bus, &access, first + at + VMSND_VFU_ACCESS_BYTES);
	}
	memcpy(answer->to, payload, VMSND_VFU_MULTI_HEAD_BYTES);
	answer->bytes = VMSND_VFU_MULTI_HEAD_BYTES;
	return NULL;
}

/* ---- dispatch ------------------------------------------------------------------------------- */

static vmsnd_vfu_handler *const handlers[VMSND_VFU_COMMANDS] = {
    [VMSND_VFU_VERSION] = vmsnd_vfu_version,
    [VMSND_VFU_DMA_MAP] = vmsnd_vfu_dma_map,
    [VMSND_VFU_DMA_UNMAP] = vmsnd_vfu_dma_unmap,
    [VMSND_VFU_GET_INFO] = get_info,
    [VMSND_VFU_GET_REGION_INFO] = get_region_info,
    [VMSND_VFU_GET_REGION_IO_FDS] = get_region_io_fds,
    [VMSND_VFU_GET_IRQ_INFO] = vmsnd_vfu_irq_info,
    [VMSND_VFU_SET_IRQS] = vmsnd_vfu_set_irqs,
    [VMSND_VFU_REGION_READ] = region_read,
    [VMSND_VFU_REGION_WRITE] = region_write,
    [VMSND_VFU_RESET] = reset,
    [VMSND_VFU_WRITE_MULTI] = write_multi,
    [VMSND_VFU_DEVICE_FEATURE] = vmsnd_vfu_device_feature,
    [VMSND_VFU_MIG_DATA_READ] = vmsnd_vfu_mig_data_read,
    [VMSND_VFU_MIG_DATA_WRITE] = vmsnd_vfu_mig_data_write,
};

static const char *act(struct vmsnd_transport *bus, const uint8_t *payload,
		       struct vmsnd_vfu_answer *answer)
{
	uint16_t command = bus->header.command;
	const char *why = vmsnd_vfu_check(&bus->header, payload, bus->peer.fds.n);

	if (why)
		return why;
	if (!bus->agreed && command != VMSND_VFU_VERSION)
		return "a command before VERSION";
	return handlers[command](bus, payload, answer);
}

static bool is_reply(const struct vmsnd_transport *bus)
{
	return (bus->header.flags & VMSND_VFU_TYPE_MASK) == VMSND_VFU_REPLY;
}

static void send_answer(struct vmsnd_transport *bus, const struct vmsnd_vfu_answer *answer,
			bool refused)
{
	const struct vmsnd_vfu_header header = {.id = bus->header.id,
						.command = bus->header.command,
						.flags = VMSND_VFU_REPLY |
							 (refused ? VMSND_VFU_ERROR : 0),
						.error = refused ? answer->error : 0};

	if (!(bus->header.flags & VMSND_VFU_NO_REPLY))
		vmsnd_vfu_out(bus, &header, answer->to, refused ? 0 : answer->bytes);
}

void vmsnd_vfu_dispatch(struct vmsnd_transport *bus)
{
	const uint8_t *payload = bus->in + VMSND_VFU_HEADER_BYTES;
	struct vmsnd_vfu_answer answer = {.to = bus->answer, .error = VMSND_VFU_EINVAL};
	const char *why;

	bus->counts.messages++;
	why = is_reply(bus) ? vmsnd_vfu_remote_replied(bus, payload, &answer)
			    : act(bus, payload, &answer);
	vmsnd_fds_close(&bus->peer.fds);
	if (why) {
		bus->counts.refused++;
		if (!answer.quiet)
			vmsnd_peer_complain(&bus->peer, vmsnd_vfu_name(bus->header.command), why);
	}
	/* A reply is never answered, or it would be taken for the answer to something else. */
	if (!is_reply(bus))
		send_answer(bus, &answer, why != NULL);
}
