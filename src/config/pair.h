/* SPDX-License-Identifier: BSD-3-Clause */
/* config/pair.h - "a,b=c": parts with commas between them, a comma inside a part doubled. */
#ifndef VMSND_CONFIG_PAIR_H
#define VMSND_CONFIG_PAIR_H

#include "vmsnd/types.h"

/* Copies one part with doubled commas undone; returns where the next one begins, at the NUL after
 * the last, or NULL when it does not fit. */
const char *vmsnd_pair_take(const char *text, char *part, size_t bytes);

#endif
