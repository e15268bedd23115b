/* SPDX-License-Identifier: BSD-3-Clause */
/* Exact arithmetic between frames and nanoseconds, and the block clock built on it. */
#ifndef VMSND_BASE_RATE_H
#define VMSND_BASE_RATE_H

#include "vmsnd/types.h"

/* floor(ns * rate_hz / 1e9), exact for every argument whose result fits in 64 bits. */
uint64_t vmsnd_ns_to_frames(uint64_t ns, uint32_t rate_hz);
/* The first nanosecond at which vmsnd_ns_to_frames reaches `frames`: ceil(frames * 1e9 / rate). */
uint64_t vmsnd_frames_to_ns_rt(uint64_t frames, uint32_t rate_hz);

/* A clock that ticks once a block: block n (from 0) is due at start + (n + 1) blocks, so
 * a frame counts as moved once its time is over. It keeps no float and never drifts. */
struct vmsnd_block_clock {
	vmsnd_ns start;
	vmsnd_ns next;   /* when the next block is due, while it runs */
	uint64_t blocks; /* ticked so far */
	uint32_t rate_hz;
	uint32_t block_frames;
	bool running;
};

/* Keeps rate and block, neither of them 0, for start. `speed` runs the clock that many times
 * real time; rate times speed fits in 32 bits. */
void vmsnd_block_clock_init(struct vmsnd_block_clock *clock, uint32_t rate_hz,
			    uint32_t block_frames, uint32_t speed);
void vmsnd_block_clock_start(struct vmsnd_block_clock *clock, vmsnd_ns now);
void vmsnd_block_clock_stop(struct vmsnd_block_clock *clock);
bool vmsnd_block_clock_runs(const struct vmsnd_block_clock *clock);
/* When the next block is due; VMSND_NEVER when stopped. */
vmsnd_ns vmsnd_block_clock_next(const struct vmsnd_block_clock *clock);
/* True, and one block further, when a block is due by `now`; call until false. */
bool vmsnd_block_clock_tick(struct vmsnd_block_clock *clock, vmsnd_ns now);

#endif
