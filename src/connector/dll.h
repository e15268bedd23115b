/* SPDX-License-Identifier: BSD-3-Clause */
/* Two clocks side by side: a delay-locked loop that learns a host's pace from its blocks, and the
 * loop that bends a follower's rate so that its ring stays at its aim (design, idea 4). */
#ifndef VMSND_CONNECTOR_DLL_H
#define VMSND_CONNECTOR_DLL_H

#include "vmsnd/types.h"

/* Second order loop: time goes in with each block, jittery; a steady line through it comes out. */
struct vmsnd_dll {
	double nominal_hz;
	double time_ns;      /* filtered time of the last update, relative to `origin` */
	double period_ns;    /* filtered time of one frame */
	vmsnd_ns origin, last;
	uint64_t frames;     /* in all */
	uint64_t locked_ns;  /* since the start: the loop narrows as it settles */
	bool running;
};

void vmsnd_dll_init(struct vmsnd_dll *dll, uint32_t nominal_hz);
/* Forgets where it is but not how fast: the stream was stopped, or lost time. */
void vmsnd_dll_break_rt(struct vmsnd_dll *dll);
/* `frames` more have moved by `now`. */
void vmsnd_dll_update_rt(struct vmsnd_dll *dll, uint32_t frames, vmsnd_ns now);
/* Frames a second; nominal until it has seen enough, and within 0.5 % of it. */
double vmsnd_dll_rate_hz_rt(const struct vmsnd_dll *dll);
/* The same as parts in a million off nominal, not limited. */
double vmsnd_dll_ppm_rt(const struct vmsnd_dll *dll);
/* Frames that have moved by `now`, on the steady line, between updates too. */
double vmsnd_dll_frames_at_rt(const struct vmsnd_dll *dll, vmsnd_ns now);

/* Bends a follower. All on the follower's audio thread; the writer's side publishes what it has
 * written through the ring alone. */
struct vmsnd_follow {
	double aim_frames;      /* what the ring should hold, on average over a writer's period */
	double fill_frames;     /* filtered */
	double integral;
	double factor;          /* for vmsnd_flow_bend_rt */
	uint64_t settled_frames; /* moved since the start: the loop narrows as it settles */
	uint32_t rate_hz;
	bool running;
};

/* `rate_hz`: of the ring's side. */
void vmsnd_follow_init(struct vmsnd_follow *follow, uint32_t rate_hz, uint32_t aim_frames);
/* Once a block, before it is pulled: what the ring holds (with what the flow holds), and how many
 * ring frames a block takes about. Returns the factor for vmsnd_flow_bend_rt: below 1 when the ring
 * holds too much... see dll.c for the sign and the reasons. */
double vmsnd_follow_update_rt(struct vmsnd_follow *follow, double fill_frames,
			      double block_frames);

#endif
