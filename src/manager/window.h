/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of guest memory that a card which is not trusted may touch (DM-53). */
#ifndef VMSND_MANAGER_WINDOW_H
#define VMSND_MANAGER_WINDOW_H

#include "vmsnd/types.h"

/* "0x80000000-0x8fffffff", the first and the last address, decimal or hexadecimal. False: it is no
 * such text, or the last comes before the first. */
bool vmsnd_window_read(const char *text, vmsnd_gpa *first, vmsnd_gpa *last);

#endif
