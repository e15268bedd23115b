/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/map.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "os/guard.h"

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

static const char *map_it(struct vmsnd_map *map, int fd, uint64_t from, bool writable)
{
	int rights = writable ? PROT_READ | PROT_WRITE : PROT_READ;

	map->at = mmap(NULL, map->bytes, rights, MAP_SHARED | MAP_NORESERVE, fd, (off_t)from);
	if (map->at == MAP_FAILED)
		return writable ? "a memory region that cannot be mapped for reading and writing"
				: "a memory region that cannot be mapped for reading";
	if (vmsnd_guard_add(map->at, map->bytes))
		return NULL;
	munmap(map->at, map->bytes);
	return "more memory regions than this process can watch over";
}

const char *vmsnd_map_file(struct vmsnd_map *map, int fd, const struct vmsnd_map_range *range)
{
	const char *why = refuse_file(fd);
	struct stat status;
	uint64_t align, lead, whole;

	if (why)
		return why;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return "a memory region whose descriptor is no file";
	/* Touching what lies beyond a file's end would kill us. */
	if ((uint64_t)status.st_size < range->offset ||
	    (uint64_t)status.st_size - range->offset < range->bytes)
		return "a memory region larger than its file";
	align = granule(&status);
	lead = range->offset & (align - 1);
	whole = (lead + range->bytes + align - 1) & ~(align - 1);
	if (whole < range->bytes || whole > SIZE_MAX / 2)
		return "a memory region larger than we can map";
	*map = (struct vmsnd_map){.bytes = (size_t)whole, .lead = (size_t)lead};
	return map_it(map, fd, range->offset - lead, range->writable);
}

void vmsnd_map_drop(struct vmsnd_map *map)
{
	vmsnd_guard_remove(map->at);
	munmap(map->at, map->bytes);
}

bool vmsnd_map_is_lost(const struct vmsnd_map *map)
{
	return vmsnd_guard_was_hit(map->at);
}

void vmsnd_map_forget_pages(const struct vmsnd_map *map)
{
	madvise(map->at, map->bytes, MADV_DONTNEED);
}

bool vmsnd_map_is_untouched(const struct vmsnd_map *map, uint64_t bytes)
{
	/* On any boundary: where it begins in its file is the VMM's to choose. */
	const uint8_t *at = (const uint8_t *)map->at + map->lead;
	size_t words = (bytes < LOWEST_BYTES ? (size_t)bytes : LOWEST_BYTES) / sizeof(uint64_t);

	for (size_t i = 0; i < words; i++)
		if (vmsnd_le64(at + i * sizeof(uint64_t)) != 0)
			return false;
	return true;
}
