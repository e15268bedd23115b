/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a saved state into a file on a thread of its own: a slow disk holds nobody up. */
#ifndef VMSND_CONTROL_SAVE_H
#define VMSND_CONTROL_SAVE_H

#include "os/wake.h"

struct vmsnd_save;

/* Takes `bytes` over, success or not. The file is there whole, with mode 0600, or it is as it was
 * before. Pokes `wake` (may be NULL) when it is done. VMSND_E_NOMEM, VMSND_E_SYSTEM. */
enum vmsnd_rc vmsnd_save_begin(struct vmsnd_save **out, const char *path, uint8_t *bytes,
			       size_t n_bytes, struct vmsnd_wake *wake);
bool vmsnd_save_is_done(const struct vmsnd_save *save);
/* When it is done: NULL, or what went wrong: a line that names the file. */
const char *vmsnd_save_line(const struct vmsnd_save *save);
size_t vmsnd_save_bytes(const struct vmsnd_save *save);
/* Waits until it is done, and frees it. NULL is ignored. */
void vmsnd_save_end(struct vmsnd_save *save);

#endif
