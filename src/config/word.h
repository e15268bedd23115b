/* SPDX-License-Identifier: BSD-3-Clause */
/* config/word.h - values and their spellings. */
#ifndef VMSND_CONFIG_WORD_H
#define VMSND_CONFIG_WORD_H

#include "vmsnd/tree.h"

#define VMSND_WORD_BYTES 32u /* of the longest spelling of a number, with the NUL */

/* The usual spelling of a value that is neither TEXT nor BYTES; reads back as the same value. */
const char *vmsnd_word_of(const struct vmsnd_value *value, char room[VMSND_WORD_BYTES]);

/* A value of one type as another one, when nothing is lost. */
bool vmsnd_value_as_uint(const struct vmsnd_value *value, uint64_t *out);
bool vmsnd_value_as_int(const struct vmsnd_value *value, int64_t *out);
bool vmsnd_value_as_real(const struct vmsnd_value *value, double *out);

#endif
