/* SPDX-License-Identifier: BSD-3-Clause */
/* Real-time priority for the threads that move sound (MX-38): by the system itself, else by whoever
 * the machine's owner has named. */
#ifndef VMSND_MANAGER_REALTIME_H
#define VMSND_MANAGER_REALTIME_H

#include <stdatomic.h>

#include "vmsnd/machine.h"

struct vmsnd_realtime {
	const struct vmsnd_machine_conf *conf;
	const struct vmsnd_log *log;
	_Atomic bool told;        /* the line that it was refused */
	_Atomic unsigned demoted; /* of which a line was written */
	_Atomic vmsnd_ns keep_at; /* when to look at the limit again */
};

/* The calling thread's number, for the two below. */
int vmsnd_realtime_this(void);
/* True: the thread has it, or nobody wants it. Else `why` has a phrase. Never waits. */
bool vmsnd_realtime_raise(const struct vmsnd_realtime *realtime, int thread_id, char *why,
			  size_t bytes);
/* After that was refused: asks conf->realtime, which may take its time, and writes a line when it
 * is refused for good, one for a machine. `why` as raise left it. */
bool vmsnd_realtime_ask(struct vmsnd_realtime *realtime, int thread_id, const char *why);
/* At each turn of a lane: tells of threads that lost it, as they computed for too long
 * (os/priority.h), and sees to it, once a second, that they still would. */
void vmsnd_realtime_look(struct vmsnd_realtime *realtime);
/* Both, for the calling thread, whose signals it prepares. */
void vmsnd_realtime_take(struct vmsnd_realtime *realtime);

#endif
