/* SPDX-License-Identifier: BSD-3-Clause */
/* What the processor can do beyond its architecture's baseline. */
#ifndef VMSND_OS_CPU_H
#define VMSND_OS_CPU_H

#include "base/cpu.h"

/* The best set of kernels this processor runs. */
enum vmsnd_cpu vmsnd_cpu_best(void);

#endif
