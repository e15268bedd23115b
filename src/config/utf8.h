/* SPDX-License-Identifier: BSD-3-Clause */
/* config/utf8.h - whether bytes are UTF-8. */
#ifndef VMSND_CONFIG_UTF8_H
#define VMSND_CONFIG_UTF8_H

#include "vmsnd/types.h"

/* The shortest forms of U+0001 to U+10FFFF without surrogates. */
bool vmsnd_utf8_is_good(const char *text, size_t bytes);
/* The length without a character that was cut in two at the end. */
size_t vmsnd_utf8_whole(const char *text, size_t bytes);

#endif
