/* SPDX-License-Identifier: BSD-3-Clause */
/* A log that remembers, so that whoever asked for something is told the line that says why not. */
#ifndef VMSND_CONTROL_OVERHEAR_H
#define VMSND_CONTROL_OVERHEAR_H

#include <pthread.h>
#include <stdatomic.h>

#include "vmsnd/status.h"

struct vmsnd_overheard {
	struct vmsnd_log to; /* every line goes on to there */
	pthread_t who;
	_Atomic bool on;
	char line[512]; /* the last error or warning that `who` wrote while it was on */
};

/* Gives the log to write to. Lines of the calling thread, the control server's, will be remembered.
 */
struct vmsnd_log vmsnd_overhear(struct vmsnd_overheard *heard, const struct vmsnd_log *to);
/* From begin to end lines are remembered. `heard` may be NULL. On that thread. */
void vmsnd_overhear_begin(struct vmsnd_overheard *heard);
void vmsnd_overhear_end(struct vmsnd_overheard *heard);

#endif
