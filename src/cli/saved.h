/* SPDX-License-Identifier: BSD-3-Clause */
/* A saved state's file. */
#ifndef VMSND_CLI_SAVED_H
#define VMSND_CLI_SAVED_H

#include "vmsnd/machine.h"

struct vmsnd_saved {
	uint8_t *bytes; /* NULL: none */
	size_t n_bytes;
};

/* The whole file, up to VMSND_STATE_BYTES_MAX; what is in it is not looked at. */
enum vmsnd_rc vmsnd_saved_read(struct vmsnd_saved *saved, const char *path,
			       struct vmsnd_error *error);
void vmsnd_saved_free(struct vmsnd_saved *saved);

#endif
