/* SPDX-License-Identifier: BSD-3-Clause */
/* Exact arithmetic between frames and nanoseconds. Whole seconds are split off first, so that
 * the products of the rest stay below 1e9 * 2^32 < 2^63. */
#include "base/rate.h"

uint64_t vmsnd_ns_to_frames(uint64_t ns, uint32_t rate_hz)
{
	uint64_t seconds = ns / VMSND_NS_PER_SECOND;
	uint64_t rest = ns % VMSND_NS_PER_SECOND;

	return seconds * rate_hz + rest * rate_hz / VMSND_NS_PER_SECOND;
}

uint64_t vmsnd_frames_to_ns_rt(uint64_t frames, uint32_t rate_hz)
{
	uint64_t seconds = frames / rate_hz;
	uint64_t rest = frames % rate_hz;

	return seconds * VMSND_NS_PER_SECOND + (rest * VMSND_NS_PER_SECOND + rate_hz - 1) / rate_hz;
}

void vmsnd_block_clock_init(struct vmsnd_block_clock *clock, uint32_t rate_hz,
			    uint32_t block_frames, uint32_t speed)
{
	*clock =
	    (struct vmsnd_block_clock){.rate_hz = rate_hz * speed, .block_frames = block_frames};
}

static vmsnd_ns due(const struct vmsnd_block_clock *clock)
{
	return clock->start +
	       vmsnd_frames_to_ns_rt((clock->blocks + 1) * clock->block_frames, clock->rate_hz);
}

void vmsnd_block_clock_start(struct vmsnd_block_clock *clock, vmsnd_ns now)
{
	clock->start = now;
	clock->blocks = 0;
	clock->running = true;
	clock->next = due(clock);
}

void vmsnd_block_clock_stop(struct vmsnd_block_clock *clock)
{
	clock->running = false;
}

bool vmsnd_block_clock_runs(const struct vmsnd_block_clock *clock)
{
	return clock->running;
}

vmsnd_ns vmsnd_block_clock_next(const struct vmsnd_block_clock *clock)
{
	return clock->running ? clock->next : VMSND_NEVER;
}

bool vmsnd_block_clock_tick(struct vmsnd_block_clock *clock, vmsnd_ns now)
{
	if (vmsnd_block_clock_next(clock) > now)
		return false;
	clock->blocks++;
	clock->next = due(clock);
	return true;
}
