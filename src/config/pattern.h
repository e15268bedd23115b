/* SPDX-License-Identifier: BSD-3-Clause */
/* config/pattern.h - lists of simple wildcards. */
#ifndef VMSND_CONFIG_PATTERN_H
#define VMSND_CONFIG_PATTERN_H

#include "vmsnd/types.h"

/* Whether a word fits one of the patterns, which have '|' and blanks between them. '*' stands for
 * any characters, '?' for one byte. A word in angle brackets is reserved: only itself fits it. */
bool vmsnd_pattern_fits(const char *patterns, const char *word);

#endif
