/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of guest memory that a card which is not trusted may touch (DM-53). */
#ifndef VMSND_MANAGER_WINDOW_H
#define VMSND_MANAGER_WINDOW_H

#include "vmsnd/config.h"
#include "vmsnd/transport.h"
#include "vmsnd/tree.h"

/* "0x80000000-0x8fffffff", the first and the last address, decimal or hexadecimal. False: it is no
 * such text, or the last comes before the first. */
bool vmsnd_window_read(const char *text, vmsnd_gpa *first, vmsnd_gpa *last);
/* What a card's options `trusted` and `window` say; sets the guard's window. VMSND_E_INVALID: they
 * do not go together; `error` names `who`. */
enum vmsnd_rc vmsnd_window_take(const struct vmsnd_node *node, const struct vmsnd_conf *conf,
				const char *who, struct vmsnd_gmem_guard *guard,
				struct vmsnd_error *error);

#endif
