/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops from and to every sample format, in a shape that compilers vectorise: a general loop,
 * inlined with a constant shape into one function for each format and byte order. VMSND_KERNELS
 * names the table, since this file is compiled for several sets of instructions. */
#include "pcm/kernels.h"

#include <float.h>
#include <string.h>

#include "pcm/kernels_g711.h"
#include "pcm/kernels_packed.h"

#ifndef VMSND_KERNELS
#define VMSND_KERNELS vmsnd_kernels_baseline
#endif

#define INLINE static inline __attribute__((always_inline))

#define CHUNK 256u

/* How an integer lies in memory. */
struct shape {
	uint8_t bytes, bits;
	bool is_signed, is_big;
};

/* The bits that count, moved up to the top of 32, as a signed number. */
INLINE int32_t upper_rt(uint32_t raw, const struct shape *shape)
{
	raw <<= 32 - shape->bits;
	return (int32_t)(shape->is_signed ? raw : raw ^ 0x80000000u);
}

INLINE int32_t load_rt(const uint8_t *at, const struct shape *shape)
{
	uint32_t raw;

	if (shape->bytes == 1) {
		raw = at[0];
	} else if (shape->bytes == 2) {
		uint16_t half;

		memcpy(&half, at, sizeof(half));
		raw = shape->is_big ? __builtin_bswap16(half) : half;
	} else {
		memcpy(&raw, at, sizeof(raw));
		raw = shape->is_big ? __builtin_bswap32(raw) : raw;
	}
	return upper_rt(raw, shape);
}

INLINE void store_rt(uint8_t *at, uint32_t raw, const struct shape *shape)
{
	if (shape->bytes == 1) {
		at[0] = (uint8_t)raw;
	} else if (shape->bytes == 2) {
		uint16_t half = shape->is_big ? __builtin_bswap16((uint16_t)raw) : (uint16_t)raw;

		memcpy(at, &half, sizeof(half));
	} else {
		raw = shape->is_big ? __builtin_bswap32(raw) : raw;
		memcpy(at, &raw, sizeof(raw));
	}
}

/* The largest there is either way. */
struct range {
	double low, high;
};

/* A constant that the compiler does not know is one: gcc makes a minimum and a maximum of the
 * comparisons below only when both name the same register. */
INLINE struct range range_rt(double low, double high)
{
	struct range range = {low, high};

	__asm__("" : "+r"(range.low), "+r"(range.high));
	return range;
}

/* Not-a-number is silence; what is too large is the largest there is. */
INLINE double clamp_rt(double value, struct range range)
{
	value = value == value ? value : 0.0;
	value = value > range.low ? value : range.low;
	return value < range.high ? value : range.high;
}

/* To the nearest integer, ties to even: no fraction is left of a number as large as 2^52, and a
 * library call would keep the loop from being vectorised. For |value| <= 2^31. */
INLINE int32_t nearest_rt(double value)
{
	return (int32_t)((value + 0x1.8p52) - 0x1.8p52);
}

/* Samples of three bytes meet the loops as words, a chunk at a time. */
INLINE void decode_packed_rt(double *restrict to, const uint8_t *restrict from, size_t samples,
			     const struct shape *shape)
{
	uint32_t words[CHUNK];

	for (size_t done = 0; done < samples; done += CHUNK) {
		size_t some = samples - done < CHUNK ? samples - done : CHUNK;

		unpack_rt(words, from + 3 * done, some, shape->is_big);
		for (size_t i = 0; i < some; i++)
			to[done + i] = (double)upper_rt(words[i] >> 8, shape) * 0x1p-31;
	}
}

INLINE void decode_ints_rt(double *restrict to, const void *restrict from, size_t samples,
			   struct shape shape)
{
	const uint8_t *bytes = from;

	if (shape.bytes == 3)
		decode_packed_rt(to, bytes, samples, &shape);
	else
		for (size_t i = 0; i < samples; i++)
			to[i] = (double)load_rt(bytes + i * shape.bytes, &shape) * 0x1p-31;
}

/* From full scale to the integer as it is stored, but for its byte order. */
INLINE uint32_t quantise_rt(double value, struct range range, const struct shape *shape)
{
	const double full = (double)(UINT32_C(1) << (shape->bits - 1));
	uint32_t raw = (uint32_t)nearest_rt(clamp_rt(value * full, range));

	return raw + (shape->is_signed ? 0 : UINT32_C(1) << (shape->bits - 1));
}

INLINE void encode_packed_rt(uint8_t *restrict to, const double *restrict from, size_t samples,
			     struct range range, const struct shape *shape)
{
	uint32_t words[CHUNK];

	for (size_t done = 0; done < samples; done += CHUNK) {
		size_t some = samples - done < CHUNK ? samples - done : CHUNK;

		for (size_t i = 0; i < some; i++)
			words[i] = quantise_rt(from[done + i], range, shape);
		pack_rt(to + 3 * done, words, some, shape->is_big);
	}
}

INLINE void encode_ints_rt(void *restrict to, const double *restrict from, size_t samples,
			   struct shape shape)
{
	const double full = (double)(UINT32_C(1) << (shape.bits - 1));
	const struct range range = range_rt(-full, full - 1.0);
	uint8_t *bytes = to;

	if (shape.bytes == 3)
		encode_packed_rt(bytes, from, samples, range, &shape);
	else
		for (size_t i = 0; i < samples; i++)
			store_rt(bytes + i * shape.bytes, quantise_rt(from[i], range, &shape),
				 &shape);
}

/* Eight generators side by side (Marsaglia's xorshift, 32 bits). */
typedef uint32_t lanes __attribute__((vector_size(32)));

/* Zero is the one state a xorshift never leaves, and two alike never part. */
static bool useless_rt(const uint32_t *state, uint32_t lane)
{
	for (uint32_t i = 0; i < lane; i++)
		if (state[i] == state[lane])
			return true;
	return state[lane] == 0;
}

static void dither_begin_rt(const struct vmsnd_dither *dither, uint32_t *state)
{
	memcpy(state, dither->state, sizeof(dither->state));
	for (uint32_t i = 0; i < 8; i++)
		if (useless_rt(dither->state, i))
			state[i] = (state[i] ^ UINT32_C(0x9e3779b9)) * (2 * i + 1) | 1;
}

/* The halves of a word are two even noises; their difference is the triangular one. */
static void dither_add_rt(double *restrict to, const double *restrict from, size_t samples,
			  uint32_t *restrict state, double step)
{
	uint32_t words[CHUNK];
	lanes x;

	memcpy(&x, state, sizeof(x));
	for (size_t i = 0; i < samples; i += 8) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		memcpy(words + i, &x, sizeof(x));
	}
	memcpy(state, &x, sizeof(x));
	step *= 0x1p-16;
	for (size_t i = 0; i < samples; i++)
		to[i] = from[i] +
			(double)((int32_t)(words[i] & 0xffff) - (int32_t)(words[i] >> 16)) * step;
}

struct ditherer {
	void (*encode_rt)(void *to, const double *from, size_t samples);
	size_t bytes;
	double step;
};

static void encode_dithered_rt(uint8_t *to, const double *from, size_t samples,
			       struct vmsnd_dither *dither, const struct ditherer *how)
{
	double noisy[CHUNK];
	uint32_t state[8];

	dither_begin_rt(dither, state);
	for (size_t done = 0; done < samples; done += CHUNK) {
		size_t some = samples - done < CHUNK ? samples - done : CHUNK;

		dither_add_rt(noisy, from + done, some, state, how->step);
		how->encode_rt(to + done * how->bytes, noisy, some);
	}
	memcpy(dither->state, state, sizeof(state));
}

/* clang-format off */
#define INTS(name, bytes_, ...)                                                                    \
	static void decode_##name##_rt(double *to, const void *from, size_t samples)               \
	{                                                                                          \
		decode_ints_rt(to, from, samples, (struct shape){bytes_, __VA_ARGS__});            \
	}                                                                                          \
	static void encode_##name##_rt(void *to, const double *from, size_t samples)               \
	{                                                                                          \
		encode_ints_rt(to, from, samples, (struct shape){bytes_, __VA_ARGS__});            \
	}                                                                                          \
	static void dither_##name##_rt(void *to, const double *from, size_t samples,               \
				       struct vmsnd_dither *dither)                                \
	{                                                                                          \
		const struct shape shape = {bytes_, __VA_ARGS__};                                  \
		const struct ditherer how = {encode_##name##_rt, bytes_,                           \
					     1.0 / (double)(UINT32_C(1) << (shape.bits - 1))};     \
		encode_dithered_rt(to, from, samples, dither, &how);                               \
	}                                                                                          \
	static const struct vmsnd_codec name##_codec = {decode_##name##_rt, encode_##name##_rt,    \
						     dither_##name##_rt}
#define INTS_BOTH(name, bytes, bits, is_signed)                                                    \
	INTS(name##_le, bytes, bits, is_signed, false);                                            \
	INTS(name##_be, bytes, bits, is_signed, true)
/* clang-format on */

INTS(u8, 1, 8, false, false);
INTS(s8, 1, 8, true, false);
INTS_BOTH(u16, 2, 16, false);
INTS_BOTH(s16, 2, 16, true);
INTS_BOTH(u18_3, 3, 18, false);
INTS_BOTH(s18_3, 3, 18, true);
INTS_BOTH(u20_3, 3, 20, false);
INTS_BOTH(s20_3, 3, 20, true);
INTS_BOTH(u24_3, 3, 24, false);
INTS_BOTH(s24_3, 3, 24, true);
INTS_BOTH(u20, 4, 20, false);
INTS_BOTH(s20, 4, 20, true);
INTS_BOTH(u24, 4, 24, false);
INTS_BOTH(s24, 4, 24, true);
INTS_BOTH(u32, 4, 32, false);
INTS_BOTH(s32, 4, 32, true);

INLINE void decode_floats_rt(double *restrict to, const void *restrict from, size_t samples,
			     bool is_big)
{
	const struct range range = range_rt(-(double)FLT_MAX, (double)FLT_MAX);
	const uint8_t *bytes = from;

	for (size_t i = 0; i < samples; i++) {
		uint32_t raw;
		float value;

		memcpy(&raw, bytes + i * sizeof(raw), sizeof(raw));
		raw = is_big ? __builtin_bswap32(raw) : raw;
		memcpy(&value, &raw, sizeof(value));
		to[i] = clamp_rt((double)value, range);
	}
}

/* What is beyond 1.0 is kept, since the format holds it; infinity is no sound. */
INLINE void encode_floats_rt(void *restrict to, const double *restrict from, size_t samples,
			     bool is_big)
{
	const struct range range = range_rt(-(double)FLT_MAX, (double)FLT_MAX);
	uint8_t *bytes = to;

	for (size_t i = 0; i < samples; i++) {
		float value = (float)clamp_rt(from[i], range);
		uint32_t raw;

		memcpy(&raw, &value, sizeof(raw));
		raw = is_big ? __builtin_bswap32(raw) : raw;
		memcpy(bytes + i * sizeof(raw), &raw, sizeof(raw));
	}
}

INLINE void decode_doubles_rt(double *restrict to, const void *restrict from, size_t samples,
			      bool is_big)
{
	const struct range range = range_rt(-DBL_MAX, DBL_MAX);
	const uint8_t *bytes = from;

	for (size_t i = 0; i < samples; i++) {
		uint64_t raw;
		double value;

		memcpy(&raw, bytes + i * sizeof(raw), sizeof(raw));
		raw = is_big ? __builtin_bswap64(raw) : raw;
		memcpy(&value, &raw, sizeof(value));
		to[i] = clamp_rt(value, range);
	}
}

INLINE void encode_doubles_rt(void *restrict to, const double *restrict from, size_t samples,
			      bool is_big)
{
	const struct range range = range_rt(-DBL_MAX, DBL_MAX);
	uint8_t *bytes = to;

	for (size_t i = 0; i < samples; i++) {
		double value = clamp_rt(from[i], range);
		uint64_t raw;

		memcpy(&raw, &value, sizeof(raw));
		raw = is_big ? __builtin_bswap64(raw) : raw;
		memcpy(bytes + i * sizeof(raw), &raw, sizeof(raw));
	}
}

/* clang-format off */
#define PLAIN(name)                                                                                \
	static const struct vmsnd_codec name##_codec = {decode_##name##_rt, encode_##name##_rt, NULL}
#define REALS(name, kind, is_big)                                                                  \
	static void decode_##name##_rt(double *to, const void *from, size_t samples)               \
	{                                                                                          \
		decode_##kind##_rt(to, from, samples, is_big);                                     \
	}                                                                                          \
	static void encode_##name##_rt(void *to, const double *from, size_t samples)               \
	{                                                                                          \
		encode_##kind##_rt(to, from, samples, is_big);                                     \
	}                                                                                          \
	PLAIN(name)
/* clang-format on */

REALS(float_le, floats, false);
REALS(float_be, floats, true);
REALS(float64_le, doubles, false);
REALS(float64_be, doubles, true);

static void decode_mulaw_rt(double *restrict to, const void *restrict from, size_t samples)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i < samples; i++)
		to[i] = mulaw_decode_rt(bytes[i]);
}

static void encode_mulaw_rt(void *restrict to, const double *restrict from, size_t samples)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < samples; i++)
		bytes[i] = mulaw_encode_rt(from[i]);
}

static void decode_alaw_rt(double *restrict to, const void *restrict from, size_t samples)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i < samples; i++)
		to[i] = alaw_decode_rt(bytes[i]);
}

static void encode_alaw_rt(void *restrict to, const double *restrict from, size_t samples)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < samples; i++)
		bytes[i] = alaw_encode_rt(from[i]);
}

static void mix_add_rt(double *restrict to, const double *restrict from, size_t samples)
{
	for (size_t i = 0; i < samples; i++)
		to[i] += from[i];
}

/* Nothing to dither: their step follows the sound, as floating point's does, on purpose. */
PLAIN(mulaw);
PLAIN(alaw);

#define ONE(name)                                                                                  \
	{                                                                                          \
		&name##_codec, &name##_codec                                                       \
	}
#define ORDERS(name)                                                                               \
	{                                                                                          \
		&name##_le_codec, &name##_be_codec                                                 \
	}

const struct vmsnd_kernels VMSND_KERNELS = {
    .codecs =
	{
	    [VMSND_SAMPLE_U8] = ONE(u8),          [VMSND_SAMPLE_S8] = ONE(s8),
	    [VMSND_SAMPLE_U16] = ORDERS(u16),     [VMSND_SAMPLE_S16] = ORDERS(s16),
	    [VMSND_SAMPLE_U18_3] = ORDERS(u18_3), [VMSND_SAMPLE_S18_3] = ORDERS(s18_3),
	    [VMSND_SAMPLE_U20_3] = ORDERS(u20_3), [VMSND_SAMPLE_S20_3] = ORDERS(s20_3),
	    [VMSND_SAMPLE_U24_3] = ORDERS(u24_3), [VMSND_SAMPLE_S24_3] = ORDERS(s24_3),
	    [VMSND_SAMPLE_U20] = ORDERS(u20),     [VMSND_SAMPLE_S20] = ORDERS(s20),
	    [VMSND_SAMPLE_U24] = ORDERS(u24),     [VMSND_SAMPLE_S24] = ORDERS(s24),
	    [VMSND_SAMPLE_U32] = ORDERS(u32),     [VMSND_SAMPLE_S32] = ORDERS(s32),
	    [VMSND_SAMPLE_FLOAT] = ORDERS(float), [VMSND_SAMPLE_FLOAT64] = ORDERS(float64),
	    [VMSND_SAMPLE_MULAW] = ONE(mulaw),    [VMSND_SAMPLE_ALAW] = ONE(alaw),
	},
    .mix_add_rt = mix_add_rt,
};
