/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappings of files that somebody else may shorten.
 *
 * Touching a page beyond the end of a file raises SIGBUS, so a VMM that truncates its memory
 * would end the process, and the sound of every other VM in it. A guarded mapping turns into
 * private zeros instead: its owner sees that it was hit, and nobody else notices.
 *
 * A signal handler is given nothing but an address, so this keeps the one table of the house
 * that is not constant: of mappings, in the whole process. Any thread. */
#ifndef VMSND_OS_GUARD_H
#define VMSND_OS_GUARD_H

#include "vmsnd/types.h"

/* False when the table is full (4096 mappings): then the mapping is as any other. */
bool vmsnd_guard_add(void *at, size_t bytes);
/* Before munmap. A mapping that is not guarded is ignored. */
void vmsnd_guard_remove(void *at);

/* How often a mapping has been replaced, in the whole process; cheap, for noticing a change. */
unsigned vmsnd_guard_hits(void);
/* Whether this mapping has been replaced. */
bool vmsnd_guard_was_hit(void *at);

/* Takes SIGBUS over for the process: for programs, never for a library. Faults elsewhere end
 * the process as before. False when the kernel refuses. */
bool vmsnd_guard_install(void);

#endif
