/* SPDX-License-Identifier: BSD-3-Clause */
/* Bends a follower's rate so that its ring, filled by another clock in bursts, stays at its aim. */
#include <math.h>
#include <string.h>

#include "connector/dll.h"

#define NS 1e9
/* The loop's age in seconds rules how wide it is: the fill is brought to its aim with a time
 * constant of age / PULL, through two poles of age / POLES. POLES is 8 times PULL: no ringing. */
#define AGE_MIN_S 4.0
#define AGE_MAX_S 320.0
#define PULL      2.0
#define POLES     16.0
/* Most that the pull may bend, 3.5 cents; and all of it. */
#define PULL_MAX 0.002
#define BEND_MAX 0.02
/* A line this young says nothing, and one not updated for so long says no more. Both, and this many
 * bursts or blocks. */
#define YOUNG_S      0.5
#define YOUNG_BURSTS 8.0
#define STALE_S      0.5
#define STALE_BURSTS 4.0
#define MEAN_S       20.0 /* over which sizes of bursts and blocks are averaged */
/* What the flow used is known by arithmetic; what left its ring by measure, in lumps. */
#define SLIP_S       100.0
#define SLIP_FIRST_S 10.0
#define SLIP_FRAMES  1024.0 /* and a block: more is no lump */

/* ---- the writer's side ---- */

void vmsnd_pace_init(struct vmsnd_pace *pace, uint32_t ring_hz)
{
	memset(pace, 0, sizeof(*pace));
	vmsnd_dll_init(&pace->dll, ring_hz);
}

static uint64_t bits_rt(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static double value_rt(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Release and acquire on every word, rather than fences, which TSan does not know: who sees a new
 * word also sees the odd count. */
static void publish_rt(struct vmsnd_pace *pace)
{
	const struct vmsnd_dll *dll = &pace->dll;
	const uint64_t words[VMSND_LINE_WORDS] = {dll->origin,
						  pace->position,
						  bits_rt(dll->nominal_ns * dll->period),
						  bits_rt(pace->burst_frames),
						  bits_rt(dll->place_age_s),
						  bits_rt(dll->pace_age_s),
						  dll->running};
	uint32_t changes = atomic_load_explicit(&pace->changes, memory_order_relaxed);

	atomic_store_explicit(&pace->changes, changes + 1, memory_order_relaxed);
	for (unsigned i = 0; i < VMSND_LINE_WORDS; i++)
		atomic_store_explicit(&pace->words[i], words[i], memory_order_release);
	atomic_store_explicit(&pace->changes, changes + 2, memory_order_release);
}

/* False: it was being changed; nobody waits. */
static bool look_rt(const struct vmsnd_pace *pace, struct vmsnd_line *line)
{
	uint64_t words[VMSND_LINE_WORDS];
	uint32_t before = atomic_load_explicit(&pace->changes, memory_order_acquire);

	for (unsigned i = 0; i < VMSND_LINE_WORDS; i++)
		words[i] = atomic_load_explicit(&pace->words[i], memory_order_acquire);
	if ((before & 1) || atomic_load_explicit(&pace->changes, memory_order_relaxed) != before)
		return false;
	*line = (struct vmsnd_line){.time = words[0],
				    .position = words[1],
				    .period_ns = value_rt(words[2]),
				    .burst_frames = value_rt(words[3]),
				    .place_age_s = value_rt(words[4]),
				    .pace_age_s = value_rt(words[5]),
				    .running = words[6] != 0};
	return true;
}

/* Each frame's say: what a frame finds its own burst to be, on average. */
static void mean_rt(double *mean, double frames, double step_s, unsigned updates)
{
	double gain = fmin(fmax(step_s / MEAN_S, 1.0 / (1.0 + updates)), 1.0);

	*mean += (*mean > 0 ? gain : 1.0) * (frames - *mean);
}

void vmsnd_pace_break_rt(struct vmsnd_pace *pace)
{
	vmsnd_dll_break_rt(&pace->dll);
	publish_rt(pace);
}

void vmsnd_pace_update_rt(struct vmsnd_pace *pace, uint64_t position, vmsnd_ns now)
{
	uint64_t frames = position - pace->position;

	if (frames > INT32_MAX) { /* backwards: another ring */
		vmsnd_dll_break_rt(&pace->dll);
		frames = position < INT32_MAX ? position : 1;
	}
	if (!frames)
		return;
	pace->position = position;
	if (pace->dll.running)
		mean_rt(&pace->burst_frames, (double)frames,
			(double)frames * pace->dll.nominal_ns / NS, pace->dll.updates);
	vmsnd_dll_update_rt(&pace->dll, (uint32_t)frames, now);
	publish_rt(pace);
}

/* ---- the reader's side ---- */

void vmsnd_follow_init(struct vmsnd_follow *follow, const struct vmsnd_follow_conf *conf)
{
	memset(follow, 0, sizeof(*follow));
	follow->conf = *conf;
	follow->ratio = (double)conf->out_hz / conf->ring_hz;
	vmsnd_dll_init(&follow->dll, conf->out_hz);
	follow->steady = follow->smooth = follow->factor = 1.0;
	atomic_init(&follow->shown_factor, 1.0);
}

void vmsnd_follow_break_rt(struct vmsnd_follow *follow)
{
	vmsnd_dll_break_rt(&follow->dll);
	follow->placed = false;
	follow->age_s = 0;
	/* No pull is left over from the fill of before. */
	follow->smooth = follow->factor = follow->steady;
}

static void tick_rt(struct vmsnd_follow *follow, uint32_t frames, vmsnd_ns when)
{
	double step_s = frames * follow->dll.nominal_ns / NS;

	if (follow->dll.running)
		mean_rt(&follow->block_frames, frames / follow->ratio, step_s, follow->dll.updates);
	vmsnd_dll_update_rt(&follow->dll, frames, when);
}

void vmsnd_follow_idle_rt(struct vmsnd_follow *follow, uint32_t frames, vmsnd_ns when)
{
	tick_rt(follow, frames, when);
	follow->placed = false;
}

/* Where the reader is, from what left the ring. */
static void measure_rt(struct vmsnd_follow *follow, const struct vmsnd_follow_block *block,
		       double step_s)
{
	uint64_t left = block->position - block->held_frames;
	double off = (double)(int64_t)(left - follow->used_frames) - follow->used_part;
	double limit = SLIP_FRAMES + follow->block_frames;

	/* A clock that has just lost its place may have lost more. */
	if (!follow->placed || follow->dll.place_age_s <= 0 ||
	    fabs(off - follow->slip_frames) > limit) {
		follow->placed = true;
		follow->used_frames = left;
		follow->used_part = follow->slip_frames = 0;
		follow->slip_weight_s = SLIP_FIRST_S;
		return;
	}
	follow->slip_weight_s = fmin(follow->slip_weight_s + step_s, SLIP_S);
	follow->slip_frames +=
	    fmin(step_s / follow->slip_weight_s, 1.0) * (off - follow->slip_frames);
}

/* What the block will take. */
static void use_rt(struct vmsnd_follow *follow, uint32_t frames)
{
	double whole;

	follow->used_part += frames / (follow->ratio * follow->factor);
	whole = floor(follow->used_part);
	follow->used_frames += (uint64_t)whole;
	follow->used_part -= whole;
}

/* By how many frames the mean fill is above its aim, the block just asked for being gone. The
 * lines run along the tops of the writer's steps and the reader's: the fill between them is half
 * a burst more than the mean fill, and half a block less. */
static double excess_rt(const struct vmsnd_follow *follow, uint32_t frames)
{
	const struct vmsnd_line *line = &follow->line;
	double since_ns = (double)(int64_t)(follow->dll.origin - line->time) + follow->dll.time_ns;
	double used =
	    follow->used_part + follow->slip_frames + frames / (follow->ratio * follow->factor);
	double fill = (double)(int64_t)(line->position - follow->used_frames) +
		      since_ns / line->period_ns - used;

	return fill - line->burst_frames / 2 + follow->block_frames / 2 - follow->conf.aim_frames;
}

static double least_age_rt(const struct vmsnd_follow *follow, double burst_s)
{
	return fmax(YOUNG_S, YOUNG_BURSTS * fmax(burst_s, follow->block_frames * follow->ratio *
							      follow->dll.nominal_ns / NS));
}

/* The factor that keeps the fill where it is, as soon as both clocks are known. */
static void steady_rt(struct vmsnd_follow *follow, double least_s)
{
	double period_ns = follow->dll.nominal_ns * follow->dll.period;
	double steady;

	if (fmin(follow->line.pace_age_s, follow->dll.pace_age_s) < least_s)
		return;
	steady = follow->line.period_ns / (period_ns * follow->ratio);
	follow->steady = fmin(fmax(steady, 1.0 - BEND_MAX), 1.0 + BEND_MAX);
}

/* What is to be added to it, to bring the fill to its aim. A far fill makes the loop young. */
static double pull_rt(struct vmsnd_follow *follow, double least_s, uint32_t frames)
{
	double far = fmax(follow->line.burst_frames, follow->block_frames) / 2, excess;

	if (fmin(follow->line.place_age_s, follow->dll.place_age_s) < least_s)
		return 0;
	excess = excess_rt(follow, frames);
	if (fabs(excess) > far)
		follow->age_s = fmin(follow->age_s, AGE_MIN_S);
	excess *= PULL / fmax(follow->age_s, AGE_MIN_S) / follow->conf.ring_hz;
	return fmin(fmax(excess, -PULL_MAX), PULL_MAX);
}

static void bend_rt(struct vmsnd_follow *follow, double target, double step_s)
{
	double pole_s = fmax(follow->age_s, AGE_MIN_S) / POLES;
	double gain = step_s / (pole_s + step_s);

	follow->smooth += gain * (target - follow->smooth);
	follow->factor += gain * (follow->smooth - follow->factor);
	atomic_store_explicit(&follow->shown_factor, follow->factor, memory_order_relaxed);
}

/* Whether the writer's line is of use. */
static bool line_rt(struct vmsnd_follow *follow, const struct vmsnd_pace *pace, double *burst_s)
{
	const struct vmsnd_line *line = &follow->line;
	double since_s;

	for (unsigned tries = 0; tries < 4 && !look_rt(pace, &follow->line); tries++)
		;
	since_s = (double)(int64_t)(follow->dll.origin - line->time) / NS;
	*burst_s = line->burst_frames / follow->conf.ring_hz;
	return line->running && since_s < STALE_S + STALE_BURSTS * *burst_s;
}

double vmsnd_follow_update_rt(struct vmsnd_follow *follow, const struct vmsnd_pace *pace,
			      const struct vmsnd_follow_block *block)
{
	double step_s = block->frames * follow->dll.nominal_ns / NS;
	double target, burst_s, least_s;

	tick_rt(follow, block->frames, block->when);
	measure_rt(follow, block, step_s);
	target = follow->steady;
	if (line_rt(follow, pace, &burst_s)) {
		const struct vmsnd_line *line = &follow->line;

		follow->age_s = fmin(fmin(follow->age_s + step_s, AGE_MAX_S),
				     fmin(fmin(line->place_age_s, line->pace_age_s),
					  fmin(follow->dll.place_age_s, follow->dll.pace_age_s)));
		least_s = least_age_rt(follow, burst_s);
		steady_rt(follow, least_s);
		target = follow->steady - pull_rt(follow, least_s, block->frames);
	}
	bend_rt(follow, target, step_s);
	use_rt(follow, block->frames);
	return follow->factor;
}

double vmsnd_follow_ppm_rt(const struct vmsnd_follow *follow)
{
	return (atomic_load_explicit(&follow->shown_factor, memory_order_relaxed) - 1.0) * 1e6;
}
