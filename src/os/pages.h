/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory by the page: zeroed, and costing nothing before it is touched. The C library's allocator
 * promises that for the first large block only: what was freed once it zeroes by itself. */
#ifndef VMSND_OS_PAGES_H
#define VMSND_OS_PAGES_H

#include <stddef.h>

/* Aligned to a page; NULL: no memory. */
void *vmsnd_pages_map(size_t bytes);
/* `bytes` as they were asked for. NULL is ignored. */
void vmsnd_pages_unmap(void *at, size_t bytes);

#endif
