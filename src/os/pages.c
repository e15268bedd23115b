/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/pages.h"

#include <sys/mman.h>

void *vmsnd_pages_map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void vmsnd_pages_unmap(void *at, size_t bytes)
{
	if (at)
		munmap(at, bytes);
}
