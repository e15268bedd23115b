/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/lane.h"

#include <stdlib.h>

#include "manager/lane_clock.h"
#include "os/clock.h"
#include "os/loop.h"

#define TOKENS_MAX 32u
#define STOP_TOKEN UINT64_MAX

struct vmsnd_lane {
	struct vmsnd_loop *loop;
	struct vmsnd_machine *machine;
	struct vmsnd_lane_clock clock;
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

enum vmsnd_rc vmsnd_lane_open(const struct vmsnd_log *log, struct vmsnd_lane **out)
{
	struct vmsnd_lane *lane = calloc(1, sizeof(*lane));
	struct vmsnd_machine_conf conf = {.poller = {lane, watch, unwatch}, .log = *log};
	enum vmsnd_rc rc;

	if (!lane)
		return VMSND_E_NOMEM;
	lane->clock.deadline = VMSND_NEVER;
	rc = vmsnd_loop_open(&lane->loop);
	if (!rc) {
		rc = vmsnd_machine_open(&conf, &lane->machine);
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

bool vmsnd_lane_turn(struct vmsnd_lane *lane)
{
	vmsnd_ns now = vmsnd_lane_now(lane), wait_ns = VMSND_NEVER;
	uint64_t tokens[TOKENS_MAX];
	size_t n;

	lane->clock.deadline = vmsnd_machine_advance(lane->machine, now);
	if (lane->clock.deadline != VMSND_NEVER)
		wait_ns = lane->clock.deadline > now ? lane->clock.deadline - now : 0;
	n = vmsnd_loop_wait(lane->loop, wait_ns, tokens, TOKENS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (tokens[i] == STOP_TOKEN)
			return false;
		vmsnd_machine_ready(lane->machine, tokens[i], vmsnd_lane_now(lane));
	}
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
