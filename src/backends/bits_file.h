/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of what is no PCM: DSD in DSDIFF (Philips, version 1.5), and bytes as they are. For
 * sound_write.c, which has the file open. */
#ifndef VMSND_BACKENDS_BITS_FILE_H
#define VMSND_BACKENDS_BITS_FILE_H

#include "vmsnd/types.h"

struct vmsnd_bits_file {
	int fd; /* the caller's */
	struct vmsnd_format format;
	bool dsdiff;           /* else no header, and frames as they are */
	uint32_t header_bytes; /* set by begin */
};

/* Of each, false or too few: errno says why. `frames`: how many are there already. */
bool vmsnd_bits_begin(struct vmsnd_bits_file *file);
/* Puts `n` frames behind the others, with the help of `scratch`, which is as large as they are.
 * Returns how many went out whole. */
uint64_t vmsnd_bits_put(const struct vmsnd_bits_file *file, uint64_t frames, const void *samples,
			uint32_t n, void *scratch);
/* The header says how many there are. */
bool vmsnd_bits_update(const struct vmsnd_bits_file *file, uint64_t frames);
/* Cuts off what is behind them. */
void vmsnd_bits_cut(const struct vmsnd_bits_file *file, uint64_t frames);
/* What belongs behind the last of all. */
bool vmsnd_bits_end(const struct vmsnd_bits_file *file, uint64_t frames);

#endif
