/* SPDX-License-Identifier: BSD-3-Clause */
/* Real-time priority for threads, and what keeps such a thread from taking a processor for itself.
 * (MX-38) */
#ifndef VMSND_OS_PRIORITY_H
#define VMSND_OS_PRIORITY_H

#include <stdbool.h>
#include <stddef.h>

/* A thread in real time may compute for so long without waiting for anything. */
#define VMSND_PRIORITY_SPIN_US 150000u

/* SCHED_RR for a thread of this process; threads that it makes are plain ones. Where the limits
 * (RLIMIT_RTPRIO) allow less than `priority`, that. False: `why` has a phrase. */
bool vmsnd_priority_raise(int thread_id, unsigned priority, char *why, size_t bytes);

/* For programs, once: a thread in real time that computes for longer than VMSND_PRIORITY_SPIN_US
 * goes on as a plain one, by SIGXCPU and RLIMIT_RTTIME, unless the system has a shorter limit. */
bool vmsnd_priority_guard_install(void);
/* For the calling thread and those that it makes, where the guard is installed: they may be
 * interrupted for that. */
void vmsnd_priority_guard_this(void);
/* Where it is installed: sets its limit again when somebody else has set a longer one, as libraries
 * of sound do when they begin. */
void vmsnd_priority_guard_keep(void);
/* How many threads that happened to. */
unsigned vmsnd_priority_demoted(void);

#endif
