/* SPDX-License-Identifier: BSD-3-Clause */
/* A log in which each error is said once. A guest decides how often a stream fails to open, and
 * in a loop it would fill the log of its host. */
#ifndef VMSND_BACKENDS_FILE_LOG_H
#define VMSND_BACKENDS_FILE_LOG_H

#include "vmsnd/status.h"

#define VMSND_FILE_LOG_ERRORS_MAX 16u

struct vmsnd_file_log {
	struct vmsnd_log log; /* write here; it points to this struct, which must not move */
	bool quiet;           /* errors and warnings go nowhere, and are not counted as said */
	/* private from here */
	const struct vmsnd_log *to;
	uint64_t said[VMSND_FILE_LOG_ERRORS_MAX]; /* hashes of the errors */
	unsigned n_said;
};

/* Lines go on to `to`, which may be NULL and outlives this: all of them, but of the errors no
 * line twice, and after VMSND_FILE_LOG_ERRORS_MAX different ones none. One thread. */
void vmsnd_file_log_init(struct vmsnd_file_log *self, const struct vmsnd_log *to);
/* Something went well: what fails from now on is news. */
void vmsnd_file_log_forget(struct vmsnd_file_log *self);

#endif
