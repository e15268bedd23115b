/* SPDX-License-Identifier: BSD-3-Clause */
/* ITU-T G.711, one sample at a time, by arithmetic that compilers vectorise.
 *
 * A code is a sign, a segment of three bits and a step of four. That is a small floating-point
 * number, so segment and step are placed into, or read from, the exponent and mantissa of a real
 * one. Encoding takes the standard's decision values. Only for kernels.c. */
#ifndef VMSND_PCM_KERNELS_G711_H
#define VMSND_PCM_KERNELS_G711_H

#include <stdint.h>
#include <string.h>

#define G711_INLINE static inline __attribute__((always_inline))

/* 2^(segment + 5) * (1 + (2 * step + 1) / 32): the middle of the step's interval. */
G711_INLINE float g711_middle_rt(uint32_t segment_step)
{
	uint32_t bits = (UINT32_C(132) << 23) + (segment_step << 19) + (UINT32_C(1) << 18);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* The other way round, for 32 <= value < 8192. */
G711_INLINE uint32_t g711_segment_step_rt(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return (uint32_t)(bits >> 48) - (UINT32_C(1028) << 4);
}

/* 14 bits, all inverted, biased by 33. The two zeros stay apart: one is -0.0. */
G711_INLINE double mulaw_decode_rt(uint8_t code)
{
	float magnitude = g711_middle_rt(~(uint32_t)code & 0x7f) - 33.0f;
	uint32_t bits;

	memcpy(&bits, &magnitude, sizeof(bits));
	bits |= (~(uint32_t)code & 0x80) << 24;
	memcpy(&magnitude, &bits, sizeof(bits));
	return (double)magnitude * 0x1p-13;
}

G711_INLINE uint8_t mulaw_encode_rt(double value)
{
	uint64_t bits;
	double magnitude;

	value = value == value ? value : 0.0;
	memcpy(&bits, &value, sizeof(bits));
	magnitude = __builtin_fabs(value) * 0x1p13;
	magnitude = magnitude > 8158.0 ? 8158.0 : magnitude;
	return (uint8_t) ~(g711_segment_step_rt(magnitude + 33.0) | (uint32_t)(bits >> 63) << 7);
}

/* 13 bits, every second one inverted, no bias: segment 0 is as wide as segment 1 and starts at
 * zero. There is no zero; silence is the smallest positive value, so -0.0 counts as positive. */
G711_INLINE double alaw_decode_rt(uint8_t code)
{
	uint32_t plain = code ^ 0x55u;
	uint32_t segment_step = plain & 0x7f;
	uint32_t first = segment_step < 16 ? 1 : 0;
	float magnitude = g711_middle_rt(segment_step + first * 16) - (float)(int32_t)(first * 64);

	return (double)magnitude * ((plain & 0x80) != 0 ? 0x1p-13 : -0x1p-13);
}

G711_INLINE uint8_t alaw_encode_rt(double value)
{
	uint32_t sign = value < 0.0 ? 0 : 0x80;
	double magnitude = __builtin_fabs(value) * 0x1p13;
	uint32_t first = 0;

	magnitude = magnitude == magnitude ? magnitude : 0.0;
	magnitude = magnitude > 8191.0 ? 8191.0 : magnitude;
	first = magnitude < 64.0 ? 16 : 0;
	magnitude += magnitude < 64.0 ? 64.0 : 0.0;
	return (uint8_t)((g711_segment_step_rt(magnitude) - first) ^ sign ^ 0x55);
}

#endif
