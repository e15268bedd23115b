/* SPDX-License-Identifier: BSD-3-Clause */
#include "guests/memory.h"

#include <string.h>

void *vmsnd_guest_memory_take(struct vmsnd_guest_memory *memory, uint64_t bytes, uint32_t alignment)
{
	vmsnd_gpa end = memory->gpa + memory->used;
	uint64_t skip = (alignment - end % alignment) % alignment;
	void *at;

	if (skip + bytes > memory->bytes - memory->used || bytes > memory->bytes)
		return NULL;
	at = memory->at + memory->used + skip;
	memory->used += skip + bytes;
	memset(at, 0, (size_t)bytes);
	return at;
}

vmsnd_gpa vmsnd_guest_memory_gpa(const struct vmsnd_guest_memory *memory, const void *at)
{
	return memory->gpa + (uint64_t)((const uint8_t *)at - memory->at);
}
