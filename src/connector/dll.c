/* SPDX-License-Identifier: BSD-3-Clause */
/* A straight line through jittery block times: how fast a clock is, and where it is. */
#include "connector/dll.h"

#include <math.h>

/* The memory, as an exponential weight; it takes as long to narrow that far. With blocks of 10 ms
 * a jitter of 1 ms then leaves some 0.1 ppm. */
#define MEMORY_S 120.0
/* How far off nominal a clock is believed to be at first, and once there is doubt. */
#define PRIOR       0.01
#define PRIOR_DOUBT 0.0005
/* Errors of more than so many mean ones, or steps, are cut: a late wake-up is no news. */
#define CUT       4.0
#define CUT_STEPS 3.0
/* The mean error, sign and all, is near 0 unless the line is wrong. Over LEAN_S it must not be more
 * than LEAN_STEPS: a place is lost. Over DRIFT_S not more than the mean size of errors and
 * DRIFT_STEPS: the pace is another. What comes when another clock ticks is late by up to a step,
 * for seconds on end when the ticks are about as far apart: that is neither. */
#define LEAN_S      2.0
#define LEAN_STEPS  1.2
#define DRIFT_S     10.0
#define DRIFT_STEPS 0.1
#define DEVIATION_S 60.0
/* A line younger than this is not doubted; one doubted again before SOON_S is drawn anew. */
#define PATIENCE_S 3.0
#define SOON_S     10.0
/* No update for so long, and so many steps: that was a break. */
#define LOST_S     0.5
#define LOST_STEPS 10.0
/* Blocks come late, not early: if one does, so much and so many steps, while the line is young,
 * then those before were late. Believed so many times in a row. */
#define EARLY_S     0.02
#define EARLY_STEPS 3.0
#define EARLY_MAX   64u
/* Enough to say how fast it is. */
#define KNOWN_S    1.0
#define SPREAD_S   3e-3 /* the most that is taken for a first guess of the jitter */
#define RATE_LIMIT 0.005
#define NS         1e9

void vmsnd_dll_init(struct vmsnd_dll *dll, uint32_t nominal_hz)
{
	*dll = (struct vmsnd_dll){.nominal_ns = NS / nominal_hz, .period = 1.0};
	atomic_init(&dll->shown_period, 1.0);
}

void vmsnd_dll_break_rt(struct vmsnd_dll *dll)
{
	dll->running = false;
}

/* From one mean error to one standard deviation. */
static double spread_s_rt(const struct vmsnd_dll *dll)
{
	return fmin(1.2 * dll->deviation_s + 1e-6, SPREAD_S);
}

/* How sure the pace is, in units of an update's variance. */
static void unsure_rt(struct vmsnd_dll *dll, double prior, double spread_s)
{
	dll->var_pace = prior / spread_s * (prior / spread_s);
	dll->pace_age_s = 0;
}

static void place_rt(struct vmsnd_dll *dll, vmsnd_ns now)
{
	dll->origin = now;
	dll->time_ns = 0;
	dll->var_place = 1.0;
	dll->var_both = 0;
	dll->lean_s = dll->drift_s = 0;
	dll->place_age_s = 0;
	dll->place_time = now;
	dll->place_frames = dll->frames;
	dll->updates = 0;
	dll->running = true;
}

/* The first update of all, or after a break. */
static void begin_rt(struct vmsnd_dll *dll, double step_s, vmsnd_ns now)
{
	if (dll->deviation_s <= 0) {
		dll->deviation_s = step_s / 4; /* half a block to either side */
		unsure_rt(dll, PRIOR, spread_s_rt(dll));
	}
	place_rt(dll, now);
}

/* The line is wrong: time was lost, or the clock is another. The place is forgotten, the pace is
 * less sure; if that has just happened, the pace is taken from what was seen since. */
static void doubt_rt(struct vmsnd_dll *dll, double step_s, vmsnd_ns now)
{
	double spread_s = fmax(spread_s_rt(dll), fmin(step_s / 16, SPREAD_S));
	double frames = (double)(dll->frames - dll->place_frames);
	double seen_ns = (double)(now - dll->place_time);

	if (dll->pace_age_s < SOON_S && frames > 0 && seen_ns > 0) {
		dll->period = fmin(fmax(seen_ns / frames / dll->nominal_ns, 1e-4), 1e4);
		unsure_rt(dll, PRIOR, spread_s);
	} else {
		unsure_rt(dll, PRIOR_DOUBT, spread_s);
	}
	place_rt(dll, now);
}

/* On along the line; what was known fades. */
static void predict_rt(struct vmsnd_dll *dll, double frames, double step_s)
{
	double fade = 1.0 + step_s / MEMORY_S, whole;

	dll->time_ns += frames * dll->nominal_ns * dll->period;
	whole = floor(dll->time_ns);
	dll->origin += (vmsnd_ns)(int64_t)whole;
	dll->time_ns -= whole;
	dll->var_place += step_s * (2 * dll->var_both + step_s * dll->var_pace);
	dll->var_both += step_s * dll->var_pace;
	dll->var_place *= fade;
	dll->var_both *= fade;
	dll->var_pace *= fade;
}

/* Least squares, one update at a time. */
static void correct_rt(struct vmsnd_dll *dll, double error_s)
{
	double sum = dll->var_place + 1.0;
	double to_place = dll->var_place / sum, to_pace = dll->var_both / sum;

	dll->time_ns += to_place * error_s * NS;
	dll->period = fmin(fmax(dll->period + to_pace * error_s, 1e-4), 1e4);
	dll->var_pace -= to_pace * dll->var_both;
	dll->var_both -= to_place * dll->var_both;
	dll->var_place -= to_place * dll->var_place;
}

/* The error, cut, and what errors are like. */
static double weigh_rt(struct vmsnd_dll *dll, double error_s, double step_s)
{
	double most = fmax(CUT * dll->deviation_s, CUT_STEPS * step_s);
	double cut_s = fmin(fmax(error_s, -most), most);
	double gain = fmax(step_s / DEVIATION_S, 1.0 / (8 + dll->updates));

	dll->deviation_s += fmin(gain, 1.0) * (fabs(cut_s) - dll->deviation_s);
	dll->lean_s += fmin(step_s / LEAN_S, 1.0) * (cut_s - dll->lean_s);
	dll->drift_s += fmin(step_s / DRIFT_S, 1.0) * (cut_s - dll->drift_s);
	return cut_s;
}

static bool early_rt(const struct vmsnd_dll *dll, double error_s, double step_s)
{
	return dll->place_age_s < PATIENCE_S && dll->early < EARLY_MAX &&
	       error_s < -fmax(EARLY_S, EARLY_STEPS * step_s);
}

/* What the late ones said of the pace is forgotten, too. */
static void again_rt(struct vmsnd_dll *dll, vmsnd_ns now)
{
	if (dll->pace_age_s < PATIENCE_S) {
		dll->period = atomic_load_explicit(&dll->shown_period, memory_order_relaxed);
		unsure_rt(dll, PRIOR, spread_s_rt(dll));
	}
	dll->early++;
	place_rt(dll, now);
}

/* Nobody said so, but the stream was stopped. */
static bool lost_rt(const struct vmsnd_dll *dll, double step_s, vmsnd_ns now)
{
	return (double)(int64_t)(now - dll->last) / NS > LOST_S + LOST_STEPS * step_s;
}

static bool wrong_rt(const struct vmsnd_dll *dll, double step_s)
{
	if (dll->place_age_s < PATIENCE_S)
		return false;
	return fabs(dll->lean_s) > fmax(dll->deviation_s, LEAN_STEPS * step_s) ||
	       fabs(dll->drift_s) > dll->deviation_s + DRIFT_STEPS * step_s;
}

static void show_rt(struct vmsnd_dll *dll)
{
	if (dll->pace_age_s >= KNOWN_S)
		atomic_store_explicit(&dll->shown_period, dll->period, memory_order_relaxed);
}

static void follow_line_rt(struct vmsnd_dll *dll, double error_s, double step_s, vmsnd_ns now)
{
	correct_rt(dll, weigh_rt(dll, error_s, step_s));
	dll->updates += dll->updates < 1000000;
	dll->place_age_s += step_s;
	dll->pace_age_s += step_s;
	if (dll->place_age_s >= PATIENCE_S)
		dll->early = 0;
	if (wrong_rt(dll, step_s))
		doubt_rt(dll, step_s, now);
	show_rt(dll);
}

void vmsnd_dll_update_rt(struct vmsnd_dll *dll, uint32_t frames, vmsnd_ns now)
{
	double step_s = frames * dll->nominal_ns / NS, error_s;

	if (!frames)
		return;
	dll->frames += frames;
	if (!dll->running) {
		begin_rt(dll, step_s, now);
	} else {
		predict_rt(dll, frames, step_s);
		/* Signed: the line may be ahead of now. */
		error_s = ((double)(int64_t)(now - dll->origin) - dll->time_ns) / NS;
		if (lost_rt(dll, step_s, now))
			place_rt(dll, now);
		else if (early_rt(dll, error_s, step_s))
			again_rt(dll, now);
		else
			follow_line_rt(dll, error_s, step_s, now);
	}
	dll->last = now;
}

double vmsnd_dll_rate_hz_rt(const struct vmsnd_dll *dll)
{
	double off = vmsnd_dll_ppm_rt(dll) / 1e6;

	return NS / dll->nominal_ns * (1.0 + fmin(fmax(off, -RATE_LIMIT), RATE_LIMIT));
}

double vmsnd_dll_ppm_rt(const struct vmsnd_dll *dll)
{
	return (1.0 / atomic_load_explicit(&dll->shown_period, memory_order_relaxed) - 1.0) * 1e6;
}

double vmsnd_dll_frames_at_rt(const struct vmsnd_dll *dll, vmsnd_ns now)
{
	double since_ns = (double)(int64_t)(now - dll->origin) - dll->time_ns;

	if (!dll->running)
		return (double)dll->frames;
	return (double)dll->frames + since_ns / (dll->nominal_ns * dll->period);
}
