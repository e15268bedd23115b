/* SPDX-License-Identifier: BSD-3-Clause */
/* A lane: one thread, one event loop, a machine, and the time its cards live in. */
#ifndef VMSND_MANAGER_LANE_H
#define VMSND_MANAGER_LANE_H

#include "vmsnd/machine.h"

struct vmsnd_lane;

/* Opens the loop and a machine like `conf`, whose poller is the lane's. */
enum vmsnd_rc vmsnd_lane_open(const struct vmsnd_machine_conf *conf, struct vmsnd_lane **out);
struct vmsnd_machine *vmsnd_lane_machine(struct vmsnd_lane *lane);
/* The lane's time: real time less the hiccups. */
vmsnd_ns vmsnd_lane_now(struct vmsnd_lane *lane);

/* Catches up, then waits for a descriptor or the next deadline; false when a descriptor given
 * to vmsnd_lane_stop_on is readable. */
bool vmsnd_lane_turn(struct vmsnd_lane *lane);
/* `fd` becoming readable makes vmsnd_lane_turn return false. */
enum vmsnd_rc vmsnd_lane_stop_on(struct vmsnd_lane *lane, int fd);
/* Something else that lives on the lane's thread, such as a control server; at most one. `turn` is
 * called once in every turn, after the cards had theirs; `ready` says whether `fd` is readable.
 * It does not block, may call the machine, and returns when it wants the next turn at the latest,
 * in the lane's time (VMSND_NEVER: when `fd` is readable or a card is due). */
struct vmsnd_lane_lodger {
	void *ctx;
	int fd;
	vmsnd_ns (*turn)(void *ctx, bool ready, vmsnd_ns now);
};
/* Good until close, or until it is called with NULL, which comes before `fd` is closed. */
enum vmsnd_rc vmsnd_lane_lodge(struct vmsnd_lane *lane, const struct vmsnd_lane_lodger *lodger);

/* Times the lane came so late that its clock was held (see lane_clock.h). */
uint64_t vmsnd_lane_hiccups(const struct vmsnd_lane *lane);

/* Closes the machine, then the loop. */
void vmsnd_lane_close(struct vmsnd_lane *lane);

#endif
