/* SPDX-License-Identifier: BSD-3-Clause */
/* Sample formats as tables of kernels: every format to doubles and back.
 *
 * A double holds every format exactly, so widening and changing the byte order are exact, and
 * going back gives what was there. Full scale is -1.0 .. 1.0: an n-bit integer x is x / 2^(n-1),
 * unsigned ones after their offset. */
#ifndef VMSND_PCM_CODEC_H
#define VMSND_PCM_CODEC_H

#include "base/cpu.h"
#include "vmsnd/types.h"

/* The state of a dither: zero it, or seed it with anything. */
struct vmsnd_dither {
	uint32_t state[8];
};

struct vmsnd_codec {
	void (*decode_rt)(double *to, const void *from, size_t samples);
	/* Rounds to nearest, saturates; not-a-number becomes silence. */
	void (*encode_rt)(void *to, const double *from, size_t samples);
	/* The same with triangular noise of +-1 step added before rounding (TPDF): the error is
	 * then noise that knows nothing of the sound. NULL where there is nothing to round
	 * (FLOAT...). */
	void (*encode_dither_rt)(void *to, const double *from, size_t samples,
				 struct vmsnd_dither *dither);
};

/* Never NULL for a valid sample, but for those that are no PCM. A constant. */
const struct vmsnd_codec *vmsnd_codec_find(enum vmsnd_sample sample, bool big_endian,
					   enum vmsnd_cpu cpu);

/* to[i] += from[i], for mixing; what encode saturates at the end is the saturating sum. */
void vmsnd_mix_add_rt(enum vmsnd_cpu cpu, double *to, const double *from, size_t samples);

#endif
