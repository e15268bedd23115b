/* SPDX-License-Identifier: BSD-3-Clause */
/* The crystal of a card that keeps time itself (design, idea 4): frames gone by as a function of
 * the lane's time. The rate may be bent at any time; what has gone by stays. Integers only, and no
 * fraction is ever dropped, so many small steps and one big one end alike. */
#ifndef VMSND_DEVICES_SAMPLE_CLOCK_H
#define VMSND_DEVICES_SAMPLE_CLOCK_H

#include "vmsnd/device.h"

struct vmsnd_sample_clock {
	vmsnd_ns since;      /* when the present rate began */
	uint64_t base;       /* whole frames by then */
	uint64_t part;       /* and of the next: in 2^-20 of a frame, times 10^-9 */
	uint64_t rate;       /* frames a second, in 2^-20; 0: it stands */
	uint32_t nominal_hz; /* 0: not started */
};

/* Frame 0 begins now. */
void vmsnd_sample_clock_start(struct vmsnd_sample_clock *clock, uint32_t rate_hz, vmsnd_ns now);
/* From now on at another rate, held within 0.5 % of the nominal one; 0: it stands. A change of less
 * than one part in 10^7 is none. */
void vmsnd_sample_clock_bend(struct vmsnd_sample_clock *clock, double rate_hz, vmsnd_ns now);
/* Whole frames that have gone by. Never goes back. */
uint64_t vmsnd_sample_clock_frames(const struct vmsnd_sample_clock *clock, vmsnd_ns now);
/* The first nanosecond at which that is at least `frames`, or, if that was before the last bend,
 * the bend's; VMSND_NEVER while it stands. */
vmsnd_ns vmsnd_sample_clock_when(const struct vmsnd_sample_clock *clock, uint64_t frames);

void vmsnd_sample_clock_save(const struct vmsnd_sample_clock *clock, struct vmsnd_state_writer *to,
			     vmsnd_ns now);
/* Goes on at `now` where it was saved. VMSND_E_DAMAGED: the clock is as before. */
enum vmsnd_rc vmsnd_sample_clock_load(struct vmsnd_sample_clock *clock,
				      struct vmsnd_state_reader *from, vmsnd_ns now);

#endif
