/* SPDX-License-Identifier: BSD-3-Clause */
/* A writer's bursts on one clock, a ring, a reader's blocks on another; in virtual time. The real
 * ring, the real loops; the flow counts frames, or is the real one. */
#ifndef TEST_SIM_TWO_CLOCKS_H
#define TEST_SIM_TWO_CLOCKS_H

#include "connector/dll.h"
#include "pcm/flow.h"

#define RING_FRAMES 65536u
#define CHUNK       256u /* what a flow may hold */
#define TONE_HZ     1000.0

/* One side: moves `frames` at a time, by a crystal of its own, as punctual as it can. */
struct side {
	double hz;       /* nominal */
	double ppm;      /* off it */
	double due_s;    /* when the next is due, and */
	double at_s;     /* when it comes */
	double jitter_s; /* either way */
	uint32_t frames;
};

struct conf {
	struct side writer, reader;
	uint32_t aim;
	double stall_s, stall_every_s; /* the writer's: nothing comes, then all of it */
	double step_s, step_ppm;       /* the writer's crystal changes */
	double settled_s;              /* from when on fill and factor are watched */
	uint64_t seed;
	/* The writer's bursts come at the next of another clock's ticks; 0: at once. */
	uint32_t tick_frames;
	bool sound; /* real samples */
};

struct world {
	struct conf conf;
	struct side writer, reader;
	uint64_t seed;
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end in, out;
	struct vmsnd_pace pace;
	struct vmsnd_follow follow;
	bool started;
	double now_s, used; /* used: ring frames turned into output, exactly */
	uint64_t xruns;
	/* The fill, averaged from one burst to the next. */
	double area, area_s, window_s;
	double fill_off_max, factor_min, factor_max;
	/* Sound. */
	struct vmsnd_flow flow; /* open when there is sound */
	double phase;
	float ring[RING_FRAMES];
	/* What was made, if anyone wants it. */
	float *made;
	size_t n_made, made_max;
	double made_from_s;
};

/* By the world's seed, -1 .. 1. */
double random_unit(struct world *world);
struct world *world_new(const struct conf *conf);
void world_free(struct world *world);
void world_run(struct world *world, double until_s);
/* Keeps `seconds` of what is made from `from_s` on. */
void world_record(struct world *world, double from_s, double seconds);
/* The ring starts anew; nobody is told. */
void world_reset_ring(struct world *world);

#endif
