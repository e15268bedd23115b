/* SPDX-License-Identifier: BSD-3-Clause */
/* config/base64.h - bytes as text (RFC 4648). */
#ifndef VMSND_CONFIG_BASE64_H
#define VMSND_CONFIG_BASE64_H

#include "vmsnd/types.h"

#define VMSND_BASE64_CHARS(bytes) (((bytes) + 2) / 3 * 4)

/* Writes VMSND_BASE64_CHARS(bytes) characters and a NUL. */
void vmsnd_base64_encode(const void *bytes, size_t n, char *text);
/* Blanks and line ends between characters are skipped; padding is needed and bits left over are 0.
 * Writes at most `room` bytes, and says in *n how many there are. False: it is no base64. */
bool vmsnd_base64_decode(const char *text, void *bytes, size_t room, size_t *n);

#endif
