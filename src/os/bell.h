/* SPDX-License-Identifier: BSD-3-Clause */
/* An eventfd of somebody else's is signalled without ever waiting for him. */
#ifndef VMSND_OS_BELL_H
#define VMSND_OS_BELL_H

#include <stdbool.h>

/* Before the first ring; more often does no harm. */
void vmsnd_bell_prepare(void);
/* Adds one to the counter, whatever flags it has and however full it is. False: this system cannot
 * do that, or `fd` is no eventfd; nothing has been done. On any thread. */
bool vmsnd_bell_ring(int fd);

#endif
