/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's memory as the client maps it for DMA: with a descriptor it is mapped here as well,
 * without one only the client reaches it. Changes happen on the lane, between calls of the card. */
#include "os/guard.h"
#include "transports/vfio_user_room.h"

static unsigned rights_of(uint32_t flags)
{
	return (flags & VMSND_VFU_DMA_READABLE ? (unsigned)VMSND_READ : 0u) |
	       (flags & VMSND_VFU_DMA_WRITABLE ? (unsigned)VMSND_WRITE : 0u);
}

static bool overlaps_any(const struct vmsnd_vfu_memory *memory, vmsnd_gpa gpa, uint64_t bytes)
{
	for (unsigned i = 0; i < memory->n; i++) {
		const struct vmsnd_vfu_slot *slot = &memory->slots[i];

		if (gpa < slot->gpa + slot->bytes && slot->gpa < gpa + bytes)
			return true;
	}
	return false;
}

/* Shows the card a slot that it can reach. False: the table of its memory is full. */
static bool show(struct vmsnd_transport *bus, struct vmsnd_vfu_slot *slot)
{
	struct vmsnd_region region = {
	    .gpa = slot->gpa, .bytes = slot->bytes, .rights = slot->rights};

	if (slot->mapped)
		region.at = (uint8_t *)slot->map.at + slot->map.lead;
	else
		region.remote = &bus->remote.way;
	slot->shown = vmsnd_gmem_add(bus->mem, &region) == VMSND_OK;
	return slot->shown;
}

static const char *map(struct vmsnd_transport *bus, const struct vmsnd_vfu_dma_map *wanted,
		       struct vmsnd_vfu_slot *slot)
{
	const struct vmsnd_map_range range = {.offset = wanted->offset,
					      .bytes = wanted->bytes,
					      .writable = (slot->rights & VMSND_WRITE) != 0};
	const char *why;

	if (bus->peer.fds.n == 0)
		return NULL;
	why = vmsnd_map_file(&slot->map, bus->peer.fds.fd[0], &range);
	slot->mapped = !why;
	return why;
}

const char *vmsnd_vfu_dma_map(struct vmsnd_transport *bus, const uint8_t *payload,
			      struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_memory *memory = &bus->memory;
	struct vmsnd_vfu_dma_map wanted;
	struct vmsnd_vfu_slot *slot;
	const char *why;

	vmsnd_vfu_dma_map_get(payload, &wanted);
	if (overlaps_any(memory, wanted.gpa, wanted.bytes))
		return vmsnd_vfu_refuse(answer, VMSND_VFU_EEXIST,
					"a DMA range where there is one already");
	if (memory->n >= VMSND_GMEM_REGIONS_MAX)
		return vmsnd_vfu_refuse(answer, VMSND_VFU_ENOSPC,
					"more DMA ranges than max_dma_maps");
	slot = &memory->slots[memory->n];
	*slot = (struct vmsnd_vfu_slot){
	    .gpa = wanted.gpa, .bytes = wanted.bytes, .rights = rights_of(wanted.flags)};
	why = map(bus, &wanted, slot);
	if (why)
		return why;
	if (!show(bus, slot)) {
		if (slot->mapped)
			vmsnd_map_drop(&slot->map);
		return vmsnd_vfu_refuse(answer, VMSND_VFU_ENOSPC,
					"more DMA ranges than the card can have");
	}
	memory->n++;
	bus->memory_came = bus->memory_came || slot->mapped;
	return NULL;
}

int vmsnd_vfu_memory_find(const struct vmsnd_vfu_memory *memory, vmsnd_gpa gpa, uint64_t bytes)
{
	for (unsigned i = 0; i < memory->n; i++)
		if (memory->slots[i].gpa == gpa && memory->slots[i].bytes == bytes)
			return (int)i;
	return -1;
}

static void hide(struct vmsnd_transport *bus, struct vmsnd_vfu_slot *slot)
{
	if (slot->shown)
		vmsnd_gmem_remove(bus->mem, slot->gpa, slot->bytes);
	slot->shown = false;
}

static void remove_at(struct vmsnd_transport *bus, unsigned at)
{
	struct vmsnd_vfu_memory *memory = &bus->memory;

	hide(bus, &memory->slots[at]);
	if (memory->slots[at].mapped)
		vmsnd_map_drop(&memory->slots[at].map);
	else
		vmsnd_vfu_remote_forget(bus, memory->slots[at].gpa, memory->slots[at].bytes);
	memory->slots[at] = memory->slots[--memory->n];
}

const char *vmsnd_vfu_dma_unmap(struct vmsnd_transport *bus, const uint8_t *payload,
				struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_dma_unmap unmap;
	const char *why = NULL;
	int at;

	vmsnd_vfu_dma_unmap_get(payload, &unmap);
	answer->bytes = vmsnd_vfu_dma_unmap_put(answer->to, &unmap);
	if (unmap.flags == VMSND_VFU_UNMAP_ALL) {
		vmsnd_vfu_memory_clear(bus);
		return NULL;
	}
	at = vmsnd_vfu_memory_find(&bus->memory, unmap.gpa, unmap.bytes);
	if (at < 0)
		return vmsnd_vfu_refuse(answer, VMSND_VFU_ENOENT,
					"a DMA range that was not mapped like this");
	if (unmap.flags == VMSND_VFU_UNMAP_GET_BITMAP)
		why = vmsnd_vfu_unmap_bitmap(bus, &unmap, answer);
	if (!why)
		remove_at(bus, (unsigned)at);
	return why;
}

bool vmsnd_vfu_memory_drop_lost(struct vmsnd_transport *bus)
{
	bool lost = false;

	for (unsigned i = 0; i < bus->memory.n; i++) {
		struct vmsnd_vfu_slot *slot = &bus->memory.slots[i];

		if (!slot->mapped || !vmsnd_map_is_lost(&slot->map))
			continue;
		/* Zeros of our own, and every page a guest has us write to would cost us one. */
		hide(bus, slot);
		vmsnd_map_forget_pages(&slot->map);
		lost = true;
	}
	return lost;
}

void vmsnd_vfu_memory_clear(struct vmsnd_transport *bus)
{
	while (bus->memory.n > 0)
		remove_at(bus, bus->memory.n - 1);
}

static void warn_of_slowness(struct vmsnd_transport *bus)
{
	vmsnd_logf(bus->user.log, VMSND_LOG_WARNING,
		   "%s: guest memory came without a shareable descriptor, so the VMM is asked for "
		   "each piece of sound, which takes time; start it with shared memory, as for "
		   "QEMU -object "
		   "memory-backend-memfd,id=mem,size=...,share=on -machine memory-backend=mem",
		   bus->name);
}

/* QEMU with share=off sends the descriptor of a file that it has mapped privately: what the guest
 * writes never reaches it. Nothing about the descriptor tells, but then the lowest memory is as it
 * was before the guest ran. */
void vmsnd_vfu_memory_doubt(struct vmsnd_transport *bus)
{
	const struct vmsnd_vfu_slot *lowest = NULL;

	for (unsigned i = 0; i < bus->memory.n; i++) {
		const struct vmsnd_vfu_slot *slot = &bus->memory.slots[i];

		if (slot->mapped && (!lowest || slot->gpa < lowest->gpa))
			lowest = slot;
	}
	if (!bus->memory_came)
		warn_of_slowness(bus);
	else if (lowest && vmsnd_map_is_untouched(&lowest->map, lowest->bytes))
		vmsnd_peer_complain_private(&bus->peer);
}
