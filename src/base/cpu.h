/* SPDX-License-Identifier: BSD-3-Clause */
/* Which set of kernels a processor can run; os/cpu.h finds out. */
#ifndef VMSND_BASE_CPU_H
#define VMSND_BASE_CPU_H

enum vmsnd_cpu { VMSND_CPU_BASELINE, VMSND_CPU_X86_64_V3, VMSND_CPU_COUNT };

#endif
