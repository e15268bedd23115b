/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/lane_clock.h"

static bool is_hiccup(const struct vmsnd_lane_clock *clock, vmsnd_ns now)
{
	return clock->deadline != VMSND_NEVER && now > clock->deadline &&
	       now - clock->deadline > VMSND_LANE_HICCUP_NS;
}

vmsnd_ns vmsnd_lane_clock_at(struct vmsnd_lane_clock *clock, vmsnd_ns real)
{
	vmsnd_ns now = real - clock->held;

	if (is_hiccup(clock, now)) {
		vmsnd_ns stop = clock->deadline > clock->last ? clock->deadline : clock->last;

		clock->held += now - stop;
		clock->hiccups += clock->missed != clock->deadline;
		clock->missed = clock->deadline;
		now = stop;
	}
	clock->last = now;
	return now;
}
