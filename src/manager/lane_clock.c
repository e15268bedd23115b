/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/lane_clock.h"

vmsnd_ns vmsnd_lane_clock_at(struct vmsnd_lane_clock *clock, vmsnd_ns real)
{
	vmsnd_ns now = real - clock->held;

	if (clock->deadline == VMSND_NEVER || now <= clock->deadline ||
	    now - clock->deadline <= VMSND_LANE_HICCUP_NS)
		return now;
	clock->held += now - clock->deadline;
	clock->hiccups++;
	return clock->deadline;
}
