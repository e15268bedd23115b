/* SPDX-License-Identifier: BSD-3-Clause */
/* The test signal, frame by frame: what wavtool writes and looks for, and what programs of ours
 * play. */
#ifndef VMSND_TESTS_GUEST_NUMBERED_H
#define VMSND_TESTS_GUEST_NUMBERED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct format {
	const char *name;
	unsigned bytes, bits, tag;
};

/* tag: 1 integer, 3 float, as in a WAV header; 0 has no WAV form of its own here */
static const struct format formats[] = {
    {"U8", 1, 8, 1},      {"S16_LE", 2, 16, 1}, {"S24_3LE", 3, 24, 1},
    {"S32_LE", 4, 32, 1}, {"S24_LE", 4, 24, 0}, {"FLOAT_LE", 4, 24, 3},
};
#define N_FORMATS (sizeof formats / sizeof formats[0])

static inline uint32_t le(const uint8_t *p, unsigned bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static inline void put_le(uint8_t *p, uint32_t v, unsigned bytes)
{
	for (; bytes--; v >>= 8)
		*p++ = (uint8_t)v;
}

static inline int32_t sample_get(const struct format *f, const uint8_t *p)
{
	uint32_t v = le(p, f->bytes);

	if (f->tag == 3) {
		float x;

		memcpy(&x, p, sizeof x);
		x = x > -1.0f ? x : -1.0f;
		return (int32_t)(x >= 1.0f ? 8388607.0f : x * 8388608.0f) * 256;
	}
	if (f->bytes == 1)
		v ^= 0x80;
	return (int32_t)(v << (32 - f->bits));
}

static inline void sample_put(const struct format *f, uint8_t *p, int32_t s)
{
	uint32_t v = (uint32_t)s >> (32 - f->bits);

	if (f->tag == 3) {
		float x = (float)(s / 256) / 8388608.0f;

		memcpy(p, &x, sizeof x);
		return;
	}
	put_le(p, f->bytes == 1 ? v ^ 0x80 : v, f->bytes);
}

static inline uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* 16-bit stereo: each frame carries its own number. Left: its low 16 bits. Right: a check
 * byte, bits 16-22 and a one, so that no frame is silent. A seed starts at another number. */
static inline int32_t numbered(uint32_t n, uint32_t channel)
{
	uint32_t check = (0xa5u ^ n ^ n >> 7 ^ n >> 13) & 0xff;
	uint32_t right = check << 8 | (n >> 16 & 0x7f) << 1 | 1;

	return (int32_t)((channel ? right : n & 0xffff) << 16);
}

/* Any other format: noise that depends on frame, channel and seed, never silent. */
static inline int32_t noise(const struct format *f, uint32_t n, uint32_t channel, uint32_t seed)
{
	uint32_t v =
	    (uint32_t)(mix(((uint64_t)seed << 40) + ((uint64_t)n << 5) + channel + 1) >> 32);

	if (v >> 24 == 0)
		v |= 0x01000000;
	return (int32_t)(v & ~(uint32_t)0 << (32 - f->bits));
}

/* Sample `channel` of frame `n`, moved to the top of 32 bits. */
static inline int32_t signal_sample(const struct format *f, uint32_t channels, uint32_t n,
				    uint32_t channel, uint32_t seed)
{
	if (channels == 2 && f->bits == 16)
		return numbered(n + (seed << 19), channel);
	return noise(f, n, channel, seed);
}

#endif
