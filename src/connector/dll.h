/* SPDX-License-Identifier: BSD-3-Clause */
/* Two clocks side by side (design, idea 4; MX-39): a delay-locked loop that learns a stream's pace
 * from the times of its blocks, and what bends a follower's rate so that its ring stays at its aim.
 * docs/clocks.md has the reasons and the figures.
 *
 * All times are of one clock, the lane's (the host's monotonic one). */
#ifndef VMSND_CONNECTOR_DLL_H
#define VMSND_CONNECTOR_DLL_H

#include <stdatomic.h>

#include "vmsnd/types.h"

/* ---- one clock ---- */

/* A straight line, time over frames, through jittery block times: least squares that forgets
 * slowly. It belongs to the thread that updates it; only rate_hz and ppm may be asked on others
 * meanwhile. */
struct vmsnd_dll {
	double nominal_ns; /* time of one frame */
	double period;     /* of one frame, 1.0: nominal */
	/* The line at `frames`: origin + time_ns, the latter below 1. */
	vmsnd_ns origin;
	double time_ns;
	uint64_t frames; /* in all, since init */
	/* What is known: variances of place (s), and of pace (1), in units of one update's. */
	double var_place, var_both, var_pace;
	double deviation_s;  /* mean size of an update's error */
	double lean_s;       /* its mean, sign and all, over some two seconds, and */
	double drift_s;      /* over some ten */
	double place_age_s;  /* frames' time since the place was last forgotten */
	double pace_age_s;   /* since the pace was */
	vmsnd_ns last;       /* when it was last updated */
	vmsnd_ns place_time; /* what was seen when the place was last forgotten */
	uint64_t place_frames;
	unsigned updates; /* since the place was forgotten, as far as it matters */
	unsigned early;   /* how often the place was found to be late, in a row */
	bool running;     /* there is a place */
	_Atomic double shown_period;
};

void vmsnd_dll_init(struct vmsnd_dll *dll, uint32_t nominal_hz);
/* Forgets where it is but not how fast: the stream was stopped, or lost time (block->gap). A
 * silence of more than half a second is taken for one, too. */
void vmsnd_dll_break_rt(struct vmsnd_dll *dll);
/* `frames` more have moved by `now`: once a block, or a burst. */
void vmsnd_dll_update_rt(struct vmsnd_dll *dll, uint32_t frames, vmsnd_ns now);
/* Frames a second; nominal until it has seen enough, and within 0.5 % of it. Kept over breaks.
 * On any thread. */
double vmsnd_dll_rate_hz_rt(const struct vmsnd_dll *dll);
/* The same as parts in a million off nominal, not limited; 0 until it has seen enough. On
 * any thread. */
double vmsnd_dll_ppm_rt(const struct vmsnd_dll *dll);
/* Frames that have moved by `now`, on the line, between updates too. */
double vmsnd_dll_frames_at_rt(const struct vmsnd_dll *dll, vmsnd_ns now);
/* ---- a ring between two clocks: the writer's side ---- */

/* What a reader needs to know of the writer's line. */
struct vmsnd_line {
	vmsnd_ns time;
	uint64_t position;   /* ring frames written by then, on the line */
	double period_ns;    /* of one frame */
	double burst_frames; /* mean size of a commit, by frame */
	double place_age_s, pace_age_s;
	bool running;
};

#define VMSND_LINE_WORDS 7u

/* One for each ring that a follower reads; written by whoever writes the ring (playback: the lane
 * at vmsnd_port_commit; capture: the input's audio thread), read by whoever reads it. No locks: a
 * counter that is odd while the words change. */
struct vmsnd_pace {
	struct vmsnd_dll dll; /* the writer's own */
	double burst_frames;
	uint64_t position;
	_Atomic uint32_t changes;
	_Atomic uint64_t words[VMSND_LINE_WORDS];
};

/* `ring_hz`: nominal, of the ring's frames. While neither side is at work. */
void vmsnd_pace_init(struct vmsnd_pace *pace, uint32_t ring_hz);
/* Writer. What follows is not continuous: the stream was stopped, the ring was reset, or frames
 * found no room. The pace is kept; readers go on by what they know until updates come again. */
void vmsnd_pace_break_rt(struct vmsnd_pace *pace);
/* Writer, after each commit: the position of its end of the ring (vmsnd_ring_end.position), and
 * the time of the commit: the real one, not the time it was due. */
void vmsnd_pace_update_rt(struct vmsnd_pace *pace, uint64_t position, vmsnd_ns now);

/* ---- the reader's side ---- */

struct vmsnd_follow_conf {
	uint32_t ring_hz; /* nominal: of the ring's frames, and */
	uint32_t out_hz;  /* of those the reader makes of them (a host's, when playing) */
	/* What the ring and the flow hold together, on average over a writer's period. To be safe:
	 * a burst, a block and what the flow holds at most; less starves. */
	uint32_t aim_frames;
};

struct vmsnd_follow {
	struct vmsnd_follow_conf conf;
	double ratio;         /* out_hz / ring_hz */
	struct vmsnd_dll dll; /* of the frames made */
	struct vmsnd_line line;
	double block_frames;   /* mean size of a block, by frame, in ring frames */
	uint64_t used_frames;  /* ring frames that came out of the flow, and */
	double used_part;      /* a part of one: by what was asked of the flow */
	double slip_frames;    /* how far off that is from what left the ring */
	double slip_weight_s;  /* grows until a mean over that long is taken */
	double age_s;          /* since the last trouble: narrows the loop */
	double steady;         /* the factor that keeps the fill as it is */
	double smooth, factor; /* the factor through one pole, and two */
	bool placed;
	_Atomic double shown_factor;
};

/* While the reader is not at work. Forgets everything. */
void vmsnd_follow_init(struct vmsnd_follow *follow, const struct vmsnd_follow_conf *conf);
/* All from here: the reader's audio thread (or with it stopped). What follows is not continuous:
 * the host stream was stopped or lost time, the ring ran dry or was reset, the flow was reset.
 * Paces and factor are kept. */
void vmsnd_follow_break_rt(struct vmsnd_follow *follow);
/* A block for which nothing is pulled (the ring is filling up): only the clock goes on. */
void vmsnd_follow_idle_rt(struct vmsnd_follow *follow, uint32_t frames, vmsnd_ns when);

struct vmsnd_follow_block {
	/* That will be made now. What is said here has to be what is made, over time: whoever
	 * converts a count of another clock's frames carries the rest. */
	uint32_t frames;
	vmsnd_ns when;        /* block->when */
	uint64_t position;    /* of the reader's end of the ring, before */
	uint32_t held_frames; /* vmsnd_flow_held_frames_rt, before */
};
/* Once a block, before it is pulled. Returns the factor for vmsnd_flow_bend_rt, which is then
 * to be used for this very block: above 1 more frames are made of the ring's, so it fills. */
double vmsnd_follow_update_rt(struct vmsnd_follow *follow, const struct vmsnd_pace *pace,
			      const struct vmsnd_follow_block *block);
/* On any thread: (factor - 1) in parts in a million. */
double vmsnd_follow_ppm_rt(const struct vmsnd_follow *follow);

#endif
