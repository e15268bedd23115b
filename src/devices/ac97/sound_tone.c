/* SPDX-License-Identifier: BSD-3-Clause */
/* Bass and treble (AC'97 2.3, 5.7.4): a shelving filter each, +-10.5 dB in steps of 1.5 dB. Each
 * way from one setting to another is walked in 10 ms; on it, coefficients are between those of two
 * stable filters, and such a one is stable too: the triangle of stable a1, a2 is convex. */
#include "devices/ac97/sound_parts.h"

#include <math.h>
#include <string.h>

#define BYPASS     0x0f
#define UNITY_STEP 7
#define STEP_DB    1.5
#define BASS_HZ    200.0
#define TREBLE_HZ  4000.0
#define WALK_PER_S 100 /* a walk takes this part of a second */
#define HIGHEST    0.4 /* of the rate: where a filter's middle may be */

enum { B0, B1, B2, A1, A2 };
static const double identity[5] = {1, 0, 0, 0, 0};

static bool is_flat(uint16_t wanted)
{
	unsigned bass = wanted >> 8 & 15, treble = wanted & 15;

	return (bass == BYPASS || bass == UNITY_STEP) && (treble == BYPASS || treble == UNITY_STEP);
}

void ac97_tone_init(struct ac97_tone *tone)
{
	memset(tone, 0, sizeof(*tone));
	tone->flat = true;
	tone->wanted = BYPASS << 8 | BYPASS;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(tone->now[i], identity, sizeof(identity));
		memcpy(tone->goal[i], identity, sizeof(identity));
	}
}

/* A shelf of the second order with slope 1 (R. Bristow-Johnson's cookbook); `sign` 1: bass. */
static void fit(double out[5], unsigned setting, double middle, double sign)
{
	double a = pow(10.0, STEP_DB * (UNITY_STEP - (double)setting) / 40.0);
	double t = tan(M_PI * middle); /* of half the angle: sine and cosine from one call */
	double c = sign * (1 - t * t) / (1 + t * t);
	double slope = 2 * sqrt(2 * a) * t / (1 + t * t);
	double a0 = (a + 1) + (a - 1) * c + slope;

	if (setting == BYPASS || setting == UNITY_STEP) {
		memcpy(out, identity, sizeof(identity));
		return;
	}
	out[B0] = a * ((a + 1) - (a - 1) * c + slope) / a0;
	out[B1] = sign * 2 * a * ((a - 1) - (a + 1) * c) / a0;
	out[B2] = a * ((a + 1) - (a - 1) * c - slope) / a0;
	out[A1] = -sign * 2 * ((a - 1) + (a + 1) * c) / a0;
	out[A2] = ((a + 1) + (a - 1) * c - slope) / a0;
}

static double middle(double hz, uint32_t rate_hz)
{
	double part = hz / (double)rate_hz;

	return part > HIGHEST ? HIGHEST : part;
}

static void aim(struct ac97_tone *tone)
{
	if (tone->rate_hz == 0)
		return;
	fit(tone->goal[0], tone->wanted >> 8 & 15, middle(BASS_HZ, tone->rate_hz), 1);
	fit(tone->goal[1], tone->wanted & 15, middle(TREBLE_HZ, tone->rate_hz), -1);
	tone->left = tone->rate_hz / WALK_PER_S;
}

void ac97_tone_want(struct ac97_tone *tone, uint16_t wanted)
{
	if (wanted == tone->wanted)
		return;
	tone->wanted = wanted;
	if (tone->flat && is_flat(wanted))
		return;
	tone->flat = false;
	aim(tone);
}

static void arrive(struct ac97_tone *tone)
{
	memcpy(tone->now, tone->goal, sizeof(tone->now));
	tone->left = 0;
	tone->flat = is_flat(tone->wanted);
	if (tone->flat)
		memset(tone->past, 0, sizeof(tone->past));
}

void ac97_tone_load(struct ac97_tone *tone)
{
	aim(tone);
	arrive(tone);
	if (tone->rate_hz == 0)
		tone->flat = is_flat(tone->wanted);
}

static void walk(struct ac97_tone *tone)
{
	double part = 1 / (double)tone->left;

	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < 5; j++)
			tone->now[i][j] += (tone->goal[i][j] - tone->now[i][j]) * part;
	tone->left--;
	if (tone->left == 0)
		arrive(tone);
}

/* Direct form 1: its past is of samples, whatever the coefficients are meanwhile. */
static double filter(const double c[5], double past[4], double x)
{
	double y =
	    c[B0] * x + c[B1] * past[0] + c[B2] * past[1] - c[A1] * past[2] - c[A2] * past[3];

	if (fabs(y) < 1e-30)
		y = 0;
	past[1] = past[0];
	past[0] = x;
	past[3] = past[2];
	past[2] = y;
	return y;
}

static void set_rate(struct ac97_tone *tone, uint32_t rate_hz)
{
	if (tone->rate_hz == rate_hz)
		return;
	tone->rate_hz = rate_hz;
	aim(tone);
	arrive(tone);
	memset(tone->past, 0, sizeof(tone->past));
}

void ac97_tone_apply(struct ac97_tone *tone, const struct vmsnd_format *format, void *frames,
		     uint32_t n)
{
	if (tone->rate_hz != format->rate_hz)
		set_rate(tone, format->rate_hz);
	for (uint32_t i = 0; i < n && !tone->flat; i++) {
		if (tone->left != 0)
			walk(tone);
		for (unsigned side = 0; side < 2; side++) {
			size_t at = (size_t)i * format->channels + side;
			double value = ac97_sample_get(format, frames, at);

			for (unsigned j = 0; j < 2; j++)
				value = filter(tone->now[j], tone->past[side][j], value);
			ac97_sample_put(format, frames, at, value);
		}
	}
}
