/* SPDX-License-Identifier: BSD-3-Clause */
/* Which kernels a format and a processor get. */
#include "pcm/codec.h"

#include "pcm/kernels.h"

#ifndef VMSND_HAVE_X86_64_V3
#define VMSND_HAVE_X86_64_V3 0
#endif

static const struct vmsnd_kernels *const sets[VMSND_CPU_COUNT] = {
    [VMSND_CPU_BASELINE] = &vmsnd_kernels_baseline,
#if VMSND_HAVE_X86_64_V3
    [VMSND_CPU_X86_64_V3] = &vmsnd_kernels_x86_64_v3,
#endif
};

/* What was not built, or is not known, has the kernels that run anywhere. */
static const struct vmsnd_kernels *kernels_of_rt(enum vmsnd_cpu cpu)
{
	const struct vmsnd_kernels *set = (unsigned)cpu < VMSND_CPU_COUNT ? sets[cpu] : NULL;

	return set ? set : &vmsnd_kernels_baseline;
}

const struct vmsnd_codec *vmsnd_codec_find(enum vmsnd_sample sample, bool big_endian,
					   enum vmsnd_cpu cpu)
{
	if ((unsigned)sample >= VMSND_SAMPLE_COUNT)
		return NULL;
	return kernels_of_rt(cpu)->codecs[sample][big_endian ? 1 : 0];
}

void vmsnd_mix_add_rt(enum vmsnd_cpu cpu, double *to, const double *from, size_t samples)
{
	const struct vmsnd_kernels *kernels = kernels_of_rt(cpu);

	kernels->mix_add_rt(to, from, samples);
}
