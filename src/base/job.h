/* SPDX-License-Identifier: BSD-3-Clause */
/* Something slow that is to be done on another thread. */
#ifndef VMSND_BASE_JOB_H
#define VMSND_BASE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>

/* In its owner's storage, which stays where it is until `done` is set (release), after `run` has
 * returned. To be used again, `done` is cleared first. */
struct vmsnd_job {
	void (*run)(struct vmsnd_job *job);
	_Atomic bool done;
	bool urgent;            /* goes before those that are not; one thread is kept for such */
	struct vmsnd_job *next; /* the pool's */
};

#endif
