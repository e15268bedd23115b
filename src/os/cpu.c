/* SPDX-License-Identifier: BSD-3-Clause */
/* What the processor says it can do, and the system lets it. Asked by hand: not every compiler
 * knows of levels. */
#include "os/cpu.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* The level x86-64-v3 of the System V ABI's supplement: these and what they imply. */
#define LEAF_1_ECX                                                                                 \
	(bit_SSE3 | bit_SSSE3 | bit_FMA | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_MOVBE |   \
	 bit_POPCNT | bit_OSXSAVE | bit_AVX | bit_F16C)
#define LEAF_7_EBX   (bit_BMI | bit_AVX2 | bit_BMI2)
#define EXTENDED_ECX (bit_LAHF_LM | bit_ABM) /* ABM: LZCNT */

/* XCR0: the system keeps the registers of SSE and AVX over a switch of threads. */
static unsigned kept_by_system(void)
{
	unsigned low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low & 6u;
}

static bool has_v3(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & LEAF_1_ECX) != LEAF_1_ECX)
		return false;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & LEAF_7_EBX) != LEAF_7_EBX)
		return false;
	if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || (c & EXTENDED_ECX) != EXTENDED_ECX)
		return false;
	return kept_by_system() == 6u;
}
#else
static bool has_v3(void)
{
	return false;
}
#endif

enum vmsnd_cpu vmsnd_cpu_best(void)
{
	return has_v3() ? VMSND_CPU_X86_64_V3 : VMSND_CPU_BASELINE;
}
