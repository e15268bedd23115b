/* SPDX-License-Identifier: BSD-3-Clause */
/* What is true of each sample format: size, silence, name. */
#ifndef VMSND_PCM_SAMPLE_H
#define VMSND_PCM_SAMPLE_H

#include "vmsnd/types.h"

/* Bytes one sample takes in memory; 0 for a number that is no format. */
uint32_t vmsnd_sample_bytes(enum vmsnd_sample sample);
/* "S16" and the like; a constant string, "?" for a number that is no format. */
const char *vmsnd_sample_name(enum vmsnd_sample sample);
/* Bytes of one frame; 0 when the format is not valid (sample, rate or channels). */
uint32_t vmsnd_format_frame_bytes(const struct vmsnd_format *format);
bool vmsnd_format_equal(const struct vmsnd_format *a, const struct vmsnd_format *b);
/* Fills `bytes` with silence. */
void vmsnd_sample_silence_rt(enum vmsnd_sample sample, void *to, size_t bytes);

#endif
