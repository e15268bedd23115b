/* SPDX-License-Identifier: BSD-3-Clause */
/* Two clocks in virtual time and a ring between them. */
#include "two_clocks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORIGIN (UINT64_C(77) << 50) /* times have an origin far away */

double random_unit(struct world *world)
{
	world->seed ^= world->seed << 13;
	world->seed ^= world->seed >> 7;
	world->seed ^= world->seed << 17;
	return (double)(world->seed >> 11) / (double)(UINT64_C(1) << 52) - 1.0;
}

static vmsnd_ns now_ns(const struct world *world)
{
	return ORIGIN + (vmsnd_ns)(world->now_s * 1e9);
}

static void side_next(struct world *world, struct side *side)
{
	double at_s;

	side->due_s += side->frames / (side->hz * (1 + side->ppm * 1e-6));
	at_s = side->due_s + side->jitter_s * random_unit(world);
	side->at_s = fmax(at_s, side->at_s);
}

static void writer_next(struct world *world)
{
	const struct conf *conf = &world->conf;
	struct side *side = &world->writer;

	if (conf->step_s > 0 && side->due_s > conf->step_s)
		side->ppm = conf->writer.ppm + conf->step_ppm;
	side_next(world, side);
	if (conf->tick_frames) {
		double tick_s = conf->tick_frames / (side->hz * (1 + side->ppm * 1e-6));

		side->at_s = ceil(side->at_s / tick_s) * tick_s;
	}
	if (conf->stall_s > 0) {
		double within = fmod(side->at_s, conf->stall_every_s);

		if (side->at_s > conf->stall_every_s && within < conf->stall_s)
			side->at_s += conf->stall_s - within;
	}
}

static void open_flow(struct world *world)
{
	struct vmsnd_flow_conf conf = {
	    .from = {.sample = VMSND_SAMPLE_FLOAT,
		     .rate_hz = (uint32_t)world->writer.hz,
		     .channels = 1},
	    .to = {.sample = VMSND_SAMPLE_FLOAT,
		   .rate_hz = (uint32_t)world->reader.hz,
		   .channels = 1},
	    .rates = &vmsnd_resampler_samplerate,
	    .quality = VMSND_QUALITY_MEDIUM,
	    .bend = true,
	};

	assert_int_equal(vmsnd_flow_open(&world->flow, &conf), VMSND_OK);
}

struct world *world_new(const struct conf *conf)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->conf = *conf;
	world->seed = conf->seed * 2654435761u + 88172645463325252u;
	world->writer = conf->writer;
	world->reader = conf->reader;
	world->reader.due_s = (random_unit(world) + 1) * 0.01;
	world->factor_min = 2;
	vmsnd_ring_reset(&world->head);
	vmsnd_ring_end_init(&world->in, &world->head, world->ring, RING_FRAMES, sizeof(float));
	world->out = world->in;
	vmsnd_pace_init(&world->pace, (uint32_t)conf->writer.hz);
	vmsnd_follow_init(&world->follow,
			  &(struct vmsnd_follow_conf){.ring_hz = (uint32_t)conf->writer.hz,
						      .out_hz = (uint32_t)conf->reader.hz,
						      .aim_frames = conf->aim});
	if (conf->sound)
		open_flow(world);
	writer_next(world);
	side_next(world, &world->reader);
	return world;
}

void world_free(struct world *world)
{
	vmsnd_flow_close(&world->flow);
	free(world->made);
	free(world);
}

/* ---- the writer ---- */

static void fill_tone(struct world *world, float *to, uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++) {
		to[i] = (float)(0.5 * sin(world->phase));
		world->phase += 2 * M_PI * TONE_HZ / world->writer.hz;
		if (world->phase > M_PI)
			world->phase -= 2 * M_PI;
	}
}

static void burst(struct world *world)
{
	uint32_t left = world->writer.frames;

	while (left) {
		void *at;
		uint32_t n = vmsnd_ring_write_begin_rt(&world->in, left, &at);

		assert_true(n > 0); /* no overrun */
		if (world->conf.sound)
			fill_tone(world, at, n);
		vmsnd_ring_write_commit_rt(&world->in, n);
		left -= n;
	}
	vmsnd_pace_update_rt(&world->pace, world->in.position, now_ns(world));
}

/* ---- the reader ---- */

static double fill_frames(const struct world *world)
{
	return (double)world->in.position - world->used;
}

/* A flow that takes chunks out of the ring; it counts, it makes no sound. */
static void pull_count(struct world *world, double factor)
{
	world->used += world->reader.frames * world->writer.hz / (world->reader.hz * factor);
	while ((double)world->out.position < world->used) {
		uint32_t n = vmsnd_ring_fill_rt(&world->out);

		if (!n) {
			world->xruns++;
			world->used = (double)world->out.position;
			return;
		}
		vmsnd_ring_read_commit_rt(&world->out, n < CHUNK ? n : CHUNK);
	}
}

static void keep_made(struct world *world, const float *from, uint32_t frames)
{
	for (uint32_t i = 0; i < frames && world->n_made < world->made_max; i++)
		if (world->now_s >= world->made_from_s)
			world->made[world->n_made++] = from[i];
}

static void pull_sound(struct world *world, double factor)
{
	uint32_t frames = world->reader.frames, taken, made;
	float to[8192] = {0};

	world->used += frames * world->writer.hz / (world->reader.hz * factor);
	vmsnd_flow_bend_rt(&world->flow, factor);
	made = vmsnd_flow_pull_rt(&world->flow, &world->out, to, frames, &taken);
	world->xruns += made < frames;
	keep_made(world, to, frames);
}

static void block(struct world *world)
{
	struct vmsnd_follow_block block = {
	    .frames = world->reader.frames, .when = now_ns(world), .position = world->out.position};
	double factor;

	if (!world->started) {
		vmsnd_follow_idle_rt(&world->follow, block.frames, block.when);
		world->started = fill_frames(world) >= world->conf.aim;
		return;
	}
	block.held_frames = world->conf.sound
				? vmsnd_flow_held_frames_rt(&world->flow)
				: (uint32_t)((double)world->out.position - world->used);
	factor = vmsnd_follow_update_rt(&world->follow, &world->pace, &block);
	if (world->now_s >= world->conf.settled_s) {
		world->factor_min = fmin(world->factor_min, factor);
		world->factor_max = fmax(world->factor_max, factor);
	}
	if (world->conf.sound)
		pull_sound(world, factor);
	else
		pull_count(world, factor);
}

/* ---- time ---- */

/* At a burst: the mean fill since another one at least a block ago. */
static void watch(struct world *world)
{
	double window_s = world->now_s - world->window_s;

	if (window_s < world->reader.frames / world->reader.hz)
		return;
	if (world->window_s >= world->conf.settled_s) {
		double off = world->area / window_s - world->conf.aim;

		world->fill_off_max = fmax(world->fill_off_max, fabs(off));
	}
	world->window_s = world->now_s;
	world->area = 0;
}

void world_run(struct world *world, double until_s)
{
	for (;;) {
		bool write = world->writer.at_s <= world->reader.at_s;
		double at_s = write ? world->writer.at_s : world->reader.at_s;

		if (at_s > until_s)
			return;
		world->area += fill_frames(world) * (at_s - world->now_s);
		world->now_s = at_s;
		if (write) {
			watch(world);
			burst(world);
			writer_next(world);
		} else {
			block(world);
			side_next(world, &world->reader);
		}
	}
}

void world_record(struct world *world, double from_s, double seconds)
{
	world->made_from_s = from_s;
	world->made_max = (size_t)(seconds * world->reader.hz);
	world->made = malloc(world->made_max * sizeof(float));
	assert_non_null(world->made);
	world_run(world, from_s + seconds + 1);
	assert_int_equal(world->n_made, world->made_max);
}

void world_reset_ring(struct world *world)
{
	vmsnd_ring_reset(&world->head);
	vmsnd_ring_end_init(&world->in, &world->head, world->ring, RING_FRAMES, sizeof(float));
	world->out = world->in;
	world->used = 0;
	world->started = false;
}
