/* SPDX-License-Identifier: BSD-3-Clause */
/* The VMM's memory, mapped: slots with their guest address and the VMM's own. */
#include "transports/vhost_user_room.h"

const char *vmsnd_vu_slot_map(struct vmsnd_vu_slot *slot, const struct vmsnd_vu_region *region,
			      int fd)
{
	const struct vmsnd_map_range range = {
	    .offset = region->offset, .bytes = region->bytes, .writable = true};

	*slot = (struct vmsnd_vu_slot){
	    .gpa = region->gpa, .bytes = region->bytes, .user = region->user};
	return vmsnd_map_file(&slot->map, fd, &range);
}

void vmsnd_vu_slot_unmap(struct vmsnd_vu_slot *slot)
{
	vmsnd_map_drop(&slot->map);
}

static const char *refuse(const struct vmsnd_vu_memory *memory, const struct vmsnd_vu_slot *slot)
{
	if (memory->n >= VMSND_VU_SLOTS_MAX)
		return "more memory regions than there are slots";
	for (unsigned i = 0; i < memory->n; i++) {
		const struct vmsnd_vu_slot *other = &memory->slots[i];

		if (slot->user < other->user + other->bytes &&
		    other->user < slot->user + slot->bytes)
			return "memory regions that overlap in the VMM's address space";
	}
	return NULL;
}

const char *vmsnd_vu_memory_add(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem,
				const struct vmsnd_vu_slot *slot)
{
	struct vmsnd_region region = {.gpa = slot->gpa,
				      .bytes = slot->bytes,
				      .at = (uint8_t *)slot->map.at + slot->map.lead,
				      .rights = VMSND_READ | VMSND_WRITE};
	const char *why = refuse(memory, slot);

	if (!why && vmsnd_gmem_add(mem, &region))
		why = "memory regions that overlap for the guest";
	if (!why)
		memory->slots[memory->n++] = *slot;
	return why;
}

int vmsnd_vu_memory_find(const struct vmsnd_vu_memory *memory, const struct vmsnd_vu_region *region)
{
	for (unsigned i = 0; i < memory->n; i++) {
		const struct vmsnd_vu_slot *slot = &memory->slots[i];

		if (slot->gpa == region->gpa && slot->bytes == region->bytes &&
		    slot->user == region->user)
			return (int)i;
	}
	return -1;
}

void vmsnd_vu_memory_remove(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem, unsigned at)
{
	vmsnd_gmem_remove(mem, memory->slots[at].gpa, memory->slots[at].bytes);
	vmsnd_vu_slot_unmap(&memory->slots[at]);
	memory->slots[at] = memory->slots[--memory->n];
}

bool vmsnd_vu_memory_drop_lost(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem)
{
	bool lost = false;

	for (unsigned i = 0; i < memory->n; i++) {
		struct vmsnd_vu_slot *slot = &memory->slots[i];

		if (!vmsnd_map_is_lost(&slot->map))
			continue;
		/* Zeros of our own, and every page a guest has us write to would cost us one. */
		vmsnd_gmem_remove(mem, slot->gpa, slot->bytes);
		vmsnd_map_forget_pages(&slot->map);
		lost = true;
	}
	return lost;
}

void vmsnd_vu_memory_clear(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem)
{
	while (memory->n > 0)
		vmsnd_vu_memory_remove(memory, mem, memory->n - 1);
}

bool vmsnd_vu_memory_untouched(const struct vmsnd_vu_memory *memory)
{
	const struct vmsnd_vu_slot *lowest = NULL;

	for (unsigned i = 0; i < memory->n; i++)
		if (!lowest || memory->slots[i].gpa < lowest->gpa)
			lowest = &memory->slots[i];
	return lowest && vmsnd_map_is_untouched(&lowest->map, lowest->bytes);
}

bool vmsnd_vu_translate(const struct vmsnd_vu_slot *slots, unsigned n, uint64_t user,
			uint64_t bytes, vmsnd_gpa *gpa)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t offset = user - slots[i].user;

		if (offset >= slots[i].bytes || bytes > slots[i].bytes - offset)
			continue;
		*gpa = slots[i].gpa + offset;
		return true;
	}
	return false;
}
