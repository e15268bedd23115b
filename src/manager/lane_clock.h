/* SPDX-License-Identifier: BSD-3-Clause */
/* The time a lane's cards live in: real time less the hiccups. */
#ifndef VMSND_MANAGER_LANE_CLOCK_H
#define VMSND_MANAGER_LANE_CLOCK_H

#include "vmsnd/types.h"

/* A lane that wakes this late after a deadline was not running: the host was suspended, or
 * busy for longer than a guest's usual reserve of 40 ms less a period. The cards' time is
 * held for as long, so that guests, whose completions came late by our fault, are not
 * charged with an underrun for it. Smaller delays are caught up, so time does not drift. */
#define VMSND_LANE_HICCUP_NS (20u * 1000u * 1000u)

struct vmsnd_lane_clock {
	vmsnd_ns held;     /* time left out so far */
	vmsnd_ns deadline; /* of the next step, in the lane's time, or VMSND_NEVER */
	vmsnd_ns last;     /* as told last: others than the lane's thread look at it, too */
	vmsnd_ns missed;   /* the deadline of the last hiccup */
	uint64_t hiccups;
};

/* The lane's time at real time `real`; after a hiccup it holds the clock at the deadline, or where
 * somebody saw it last if that is later. It never goes back. */
vmsnd_ns vmsnd_lane_clock_at(struct vmsnd_lane_clock *clock, vmsnd_ns real);

#endif
