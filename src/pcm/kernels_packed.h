/* SPDX-License-Identifier: BSD-3-Clause */
/* Three bytes to four and back, which compilers vectorise badly by themselves: where there is a
 * shuffle of bytes, four samples at a time by it. Only for kernels.c. */
#ifndef VMSND_PCM_KERNELS_PACKED_H
#define VMSND_PCM_KERNELS_PACKED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PACKED_INLINE static inline __attribute__((always_inline))

#if defined(__SSSE3__) && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define PACKED_SHUFFLES 1
#endif
#endif
#ifndef PACKED_SHUFFLES
#define PACKED_SHUFFLES 0
#endif

#if PACKED_SHUFFLES
typedef uint8_t packed_vector __attribute__((vector_size(16)));

/* Four samples, each in the upper three bytes of its word. Reads sixteen bytes. */
PACKED_INLINE void unpack_four_rt(uint32_t *to, const uint8_t *from, bool is_big)
{
	const packed_vector zero = {0};
	packed_vector in, out;

	memcpy(&in, from, sizeof(in));
	if (is_big)
		out = __builtin_shufflevector(in, zero, 16, 2, 1, 0, 16, 5, 4, 3, 16, 8, 7, 6, 16,
					      11, 10, 9);
	else
		out = __builtin_shufflevector(in, zero, 16, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16,
					      9, 10, 11);
	memcpy(to, &out, sizeof(out));
}

/* The lower three bytes of four words. Writes sixteen bytes, the last four zero. */
PACKED_INLINE void pack_four_rt(uint8_t *to, const uint32_t *from, bool is_big)
{
	const packed_vector zero = {0};
	packed_vector in, out;

	memcpy(&in, from, sizeof(in));
	if (is_big)
		out = __builtin_shufflevector(in, zero, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 16,
					      16, 16, 16);
	else
		out = __builtin_shufflevector(in, zero, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16,
					      16, 16, 16);
	memcpy(to, &out, sizeof(out));
}
#else
/* One access of four bytes is cheaper than three of one; the sixteen are there all the same. */
PACKED_INLINE void unpack_four_rt(uint32_t *to, const uint8_t *from, bool is_big)
{
	for (unsigned i = 0; i < 4; i++) {
		uint32_t word;

		memcpy(&word, from + 3 * i, sizeof(word));
		to[i] = (is_big ? __builtin_bswap32(word) : word << 8) & 0xffffff00u;
	}
}

PACKED_INLINE void pack_four_rt(uint8_t *to, const uint32_t *from, bool is_big)
{
	for (unsigned i = 0; i < 4; i++) {
		uint32_t word = is_big ? __builtin_bswap32(from[i] << 8) : from[i];

		memcpy(to + 3 * i, &word, sizeof(word));
	}
}
#endif

/* To the upper three bytes of words. */
PACKED_INLINE void unpack_rt(uint32_t *restrict to, const uint8_t *restrict from, size_t samples,
			     bool is_big)
{
	size_t i = 0;

	for (; i + 6 <= samples; i += 4)
		unpack_four_rt(to + i, from + 3 * i, is_big);
	for (; i < samples; i++) {
		const uint8_t *at = from + 3 * i;

		to[i] = (uint32_t)at[is_big ? 2 : 0] << 8 | (uint32_t)at[1] << 16 |
			(uint32_t)at[is_big ? 0 : 2] << 24;
	}
}

/* From the lower three bytes of words. */
PACKED_INLINE void pack_rt(uint8_t *restrict to, const uint32_t *restrict from, size_t samples,
			   bool is_big)
{
	size_t i = 0;

	for (; i + 6 <= samples; i += 4)
		pack_four_rt(to + 3 * i, from + i, is_big);
	for (; i < samples; i++) {
		uint8_t *at = to + 3 * i;

		at[is_big ? 2 : 0] = (uint8_t)from[i];
		at[1] = (uint8_t)(from[i] >> 8);
		at[is_big ? 0 : 2] = (uint8_t)(from[i] >> 16);
	}
}

#endif
