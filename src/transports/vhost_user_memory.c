/* SPDX-License-Identifier: BSD-3-Clause */
/* The VMM's memory, mapped: slots with their guest address and the VMM's own. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/guard.h"
#include "transports/vhost_user_room.h"

/* Enough for what a PC's firmware and a boot loader leave below 1 MiB. */
#define LOWEST_BYTES ((size_t)256 * 1024)

/* Huge pages can only be mapped whole; their size is what the file calls its block. */
static uint64_t granule(const struct stat *status)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t block = status->st_blksize > 0 ? (uint64_t)status->st_blksize : 0;

	return block > page && (block & (block - 1)) == 0 ? block : page;
}

/* ---- whose file it is ---------------------------------------------------------------
 *
 * In a file system that another program answers for (FUSE), or another machine, each access
 * to the memory can wait for ever, and so can fstat and fstatfs. None of what follows asks
 * the file system itself. */

/* -1 when it cannot be told. */
static int mount_of(int fd)
{
	char path[64], line[64];
	int mount = -1;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && mount < 0 && fgets(line, sizeof(line), info))
		if (sscanf(line, "mnt_id: %d", &mount) != 1)
			mount = -1;
	if (info)
		fclose(info);
	return mount;
}

/* Those without a disk of their own, as the kernel sees it, that need nobody's answer. */
static bool answers_at_once(const char *type)
{
	static const char *const types[] = {"btrfs", "overlay", "ramfs",   "rootfs",
					    "tmpfs", "zfs",     "bcachefs"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* A mount that only the VMM can see is not found, and its file refused. */
static bool is_mounted_from_here(int mount)
{
	FILE *list = fopen("/proc/self/mountinfo", "re");
	char line[4096], type[32];
	bool good = false;

	while (list && !good && fgets(line, sizeof(line), list)) {
		const char *rest = strstr(line, " - ");
		int number;

		good = rest && sscanf(line, "%d", &number) == 1 && number == mount &&
		       sscanf(rest, " - %31s", type) == 1 && answers_at_once(type);
	}
	if (list)
		fclose(list);
	return good;
}

static const char *refuse_file(int fd)
{
	struct statx status;

	/* Only what lives in memory can be sealed: memfd, tmpfs, huge pages. */
	if (fcntl(fd, F_GET_SEALS) >= 0)
		return NULL;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) ||
	    !S_ISREG(status.stx_mode))
		return "a memory region whose descriptor is no file";
	/* FUSE and all that come over a network have no disk: device major 0. */
	if (status.stx_dev_major != 0 || is_mounted_from_here(mount_of(fd)))
		return NULL;
	return "memory in a file system that may not answer";
}

const char *vmsnd_vu_slot_map(struct vmsnd_vu_slot *slot, const struct vmsnd_vu_region *region,
			      int fd)
{
	struct stat status;
	uint64_t align, lead, whole;
	const char *why;
	void *map;

	why = refuse_file(fd);
	if (why)
		return why;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return "a memory region whose descriptor is no file";
	/* Touching what lies beyond a file's end would kill us. */
	if ((uint64_t)status.st_size < region->offset + region->bytes)
		return "a memory region larger than its file";
	align = granule(&status);
	lead = region->offset & (align - 1);
	whole = (lead + region->bytes + align - 1) & ~(align - 1);
	if (whole < region->bytes || whole > SIZE_MAX / 2)
		return "a memory region larger than we can map";
	map = mmap(NULL, (size_t)whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		   (off_t)(region->offset - lead));
	if (map == MAP_FAILED)
		return "a memory region that cannot be mapped for reading and writing";
	if (!vmsnd_guard_add(map, (size_t)whole)) {
		munmap(map, (size_t)whole);
		return "more memory regions than this process can watch over";
	}
	*slot = (struct vmsnd_vu_slot){.gpa = region->gpa,
				       .bytes = region->bytes,
				       .user = region->user,
				       .map = map,
				       .map_bytes = (size_t)whole,
				       .lead = (size_t)lead};
	return NULL;
}

void vmsnd_vu_slot_unmap(struct vmsnd_vu_slot *slot)
{
	vmsnd_guard_remove(slot->map);
	munmap(slot->map, slot->map_bytes);
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
				      .at = (uint8_t *)slot->map + slot->lead,
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

		if (!vmsnd_guard_was_hit(slot->map))
			continue;
		/* Zeros of our own, and every page a guest has us write to would cost us one. */
		vmsnd_gmem_remove(mem, slot->gpa, slot->bytes);
		madvise(slot->map, slot->map_bytes, MADV_DONTNEED);
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
	const uint64_t *at;
	size_t words;

	for (unsigned i = 0; i < memory->n; i++)
		if (!lowest || memory->slots[i].gpa < lowest->gpa)
			lowest = &memory->slots[i];
	if (!lowest)
		return false;
	at = (const uint64_t *)(const void *)((const uint8_t *)lowest->map + lowest->lead);
	words = (lowest->bytes < LOWEST_BYTES ? (size_t)lowest->bytes : LOWEST_BYTES) / sizeof(*at);
	for (size_t i = 0; i < words; i++)
		if (at[i] != 0)
			return false;
	return true;
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
