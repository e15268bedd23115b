/* SPDX-License-Identifier: BSD-3-Clause */
/* A short tune, worked out sample by sample: S16, stereo, 48 kHz. */
#ifndef VMSND_GUESTS_TUNE_H
#define VMSND_GUESTS_TUNE_H

#include "vmsnd/types.h"

#define VMSND_TUNE_RATE_HZ  48000u
#define VMSND_TUNE_CHANNELS 2u

/* Frames of the whole tune. */
uint64_t vmsnd_tune_frames(void);
/* Writes the tune's frames from frame `at` on to `to` (two int16_t each); the same frames
 * are the same whichever pieces they are asked for in. Beyond the end: silence. */
void vmsnd_tune_render(int16_t *to, uint64_t at, uint32_t frames);

#endif
