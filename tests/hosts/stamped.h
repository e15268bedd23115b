/* SPDX-License-Identifier: BSD-3-Clause */
/* Sound whose frames carry the time at which they were written, as the number that numbered.h puts
 * into 16-bit stereo: ticks of 48 kHz by CLOCK_MONOTONIC. Whoever gets a frame knows its age. */
#ifndef VMSND_TESTS_HOSTS_STAMPED_H
#define VMSND_TESTS_HOSTS_STAMPED_H

#include "../guest/numbered.h"

#define STAMP_HZ    48000u
#define STAMP_TICKS (UINT32_C(1) << 23) /* then it begins again: nearly three minutes */
/* An age beyond this is none: the frame was something else. */
#define STAMP_AGE_TICKS (60u * STAMP_HZ)

static inline uint32_t stamp_of(uint64_t ns)
{
	const uint64_t second = UINT64_C(1000000000);
	uint64_t ticks = ns / second * STAMP_HZ + ns % second * STAMP_HZ / second;

	return (uint32_t)(ticks % STAMP_TICKS);
}

static inline void stamp_put(int16_t frame[2], uint32_t stamp)
{
	frame[0] = (int16_t)(numbered(stamp, 0) >> 16);
	frame[1] = (int16_t)(numbered(stamp, 1) >> 16);
}

/* The stamp of a frame; UINT32_MAX: it has none. */
static inline uint32_t stamp_get(int16_t left, int16_t right)
{
	uint32_t stamp = ((uint32_t)(uint16_t)right >> 1 & 0x7f) << 16 | (uint16_t)left;

	return (int16_t)(numbered(stamp, 1) >> 16) == right ? stamp : UINT32_MAX;
}

/* How old a frame of this stamp is; negative: it is none, or from another world. */
static inline int64_t stamp_age_ns(uint32_t stamp, uint64_t now_ns)
{
	uint32_t ticks = (stamp_of(now_ns) - stamp) % STAMP_TICKS;

	if (stamp == UINT32_MAX || ticks > STAMP_AGE_TICKS)
		return -1;
	return (int64_t)(ticks * UINT64_C(1000000000) / STAMP_HZ);
}

#endif
