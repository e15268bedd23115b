/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/lane.h"

#include <stdlib.h>

#include "manager/lane_clock.h"
#include "os/clock.h"
#include "os/loop.h"

#define TOKENS_MAX   32u
#define STOP_TOKEN   UINT64_MAX
#define LODGER_TOKEN (UINT64_MAX - 1)

struct vmsnd_lane {
	struct vmsnd_loop *loop;
	struct vmsnd_machine *machine;
	struct vmsnd_lane_clock clock;
	struct vmsnd_lane_lodger lodger; /* turn NULL: none */
	vmsnd_ns lodger_next;
};

static enum vmsnd_rc watch(void *ctx, int fd, uint64_t token)
{
	struct vmsnd_lane *lane = ctx;

	return vmsnd_loop_watch(lane->loop, fd, token);
}

static void unwatch(void *ctx, int fd)
{
	struct vmsnd_lane *lane = ctx;

	vmsnd_loop_unwatch(lane->loop, fd);
}

enum vmsnd_rc vmsnd_lane_open(const struct vmsnd_machine_conf *conf, struct vmsnd_lane **out)
{
	struct vmsnd_lane *lane = calloc(1, sizeof(*lane));
	struct vmsnd_machine_conf own = *conf;
	enum vmsnd_rc rc;

	if (!lane)
		return VMSND_E_NOMEM;
	own.poller = (struct vmsnd_poller){lane, watch, unwatch};
	lane->clock.deadline = VMSND_NEVER;
	rc = vmsnd_loop_open(&lane->loop);
	if (!rc) {
		rc = vmsnd_machine_open(&own, &lane->machine);
		if (rc)
			vmsnd_loop_close(lane->loop);
	}
	if (rc)
		free(lane);
	else
		*out = lane;
	return rc;
}

struct vmsnd_machine *vmsnd_lane_machine(struct vmsnd_lane *lane)
{
	return lane->machine;
}

vmsnd_ns vmsnd_lane_now(struct vmsnd_lane *lane)
{
	return vmsnd_lane_clock_at(&lane->clock, vmsnd_clock_now());
}

enum vmsnd_rc vmsnd_lane_lodge(struct vmsnd_lane *lane, const struct vmsnd_lane_lodger *lodger)
{
	if (lane->lodger.turn)
		vmsnd_loop_unwatch(lane->loop, lane->lodger.fd);
	lane->lodger = (struct vmsnd_lane_lodger){0};
	if (!lodger)
		return VMSND_OK;
	if (vmsnd_loop_watch(lane->loop, lodger->fd, LODGER_TOKEN))
		return VMSND_E_SYSTEM;
	lane->lodger = *lodger;
	lane->lodger_next = 0;
	return VMSND_OK;
}

/* How long nobody on the lane has anything to do. */
static vmsnd_ns idle_ns(const struct vmsnd_lane *lane, vmsnd_ns now)
{
	vmsnd_ns next = lane->clock.deadline;

	if (lane->lodger.turn && lane->lodger_next < next)
		next = lane->lodger_next;
	if (next == VMSND_NEVER)
		return VMSND_NEVER;
	return next > now ? next - now : 0;
}

bool vmsnd_lane_turn(struct vmsnd_lane *lane)
{
	vmsnd_ns now = vmsnd_lane_now(lane);
	uint64_t tokens[TOKENS_MAX];
	bool lodger_ready = false;
	size_t n;

	lane->clock.deadline = vmsnd_machine_advance(lane->machine, now);
	n = vmsnd_loop_wait(lane->loop, idle_ns(lane, now), tokens, TOKENS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (tokens[i] == STOP_TOKEN)
			return false;
		if (tokens[i] == LODGER_TOKEN)
			lodger_ready = true;
		else
			vmsnd_machine_ready(lane->machine, tokens[i], vmsnd_lane_now(lane));
	}
	if (lane->lodger.turn)
		lane->lodger_next =
		    lane->lodger.turn(lane->lodger.ctx, lodger_ready, vmsnd_lane_now(lane));
	return true;
}

enum vmsnd_rc vmsnd_lane_stop_on(struct vmsnd_lane *lane, int fd)
{
	return vmsnd_loop_watch(lane->loop, fd, STOP_TOKEN);
}

uint64_t vmsnd_lane_hiccups(const struct vmsnd_lane *lane)
{
	return lane->clock.hiccups;
}

void vmsnd_lane_close(struct vmsnd_lane *lane)
{
	vmsnd_machine_close(lane->machine, vmsnd_lane_now(lane));
	vmsnd_loop_close(lane->loop);
	free(lane);
}
