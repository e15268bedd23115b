/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels of sample formats: one source, compiled once for every set of instructions. */
#ifndef VMSND_PCM_KERNELS_H
#define VMSND_PCM_KERNELS_H

#include "pcm/codec.h"

struct vmsnd_kernels {
	const struct vmsnd_codec *codecs[VMSND_SAMPLE_COUNT][2]; /* [1]: big-endian */
	void (*mix_add_rt)(double *to, const double *from, size_t samples);
};

extern const struct vmsnd_kernels vmsnd_kernels_baseline;
/* Only where VMSND_HAVE_X86_64_V3 is 1. */
extern const struct vmsnd_kernels vmsnd_kernels_x86_64_v3;

#endif
