/* SPDX-License-Identifier: BSD-3-Clause */
/* Bass and treble (AC'97 2.3, 5.7.4): a shelving filter each, +-10.5 dB in steps of 1.5 dB. From
 * one setting to the next, what both make of the sound is mixed for 10 ms; a change meanwhile waits
 * for the end of that. */
#include "devices/ac97/sound_parts.h"

#include <math.h>
#include <string.h>

#define BYPASS     0x0f
#define UNITY_STEP 7
#define STEP_DB    1.5
#define BASS_HZ    200.0
#define TREBLE_HZ  4000.0
#define FADE_PER_S 100u /* a fade takes this part of a second */
#define HIGHEST    0.4  /* of the rate: where a filter's middle may be */

enum { B0, B1, B2, A1, A2 };

static void pass(double c[5])
{
	for (unsigned i = 0; i < 5; i++)
		c[i] = i == B0;
}

static bool is_flat(uint16_t setting)
{
	unsigned bass = setting >> 8 & 15, treble = setting & 15;

	return (bass == BYPASS || bass == UNITY_STEP) && (treble == BYPASS || treble == UNITY_STEP);
}

void ac97_tone_init(struct ac97_tone *tone)
{
	memset(tone, 0, sizeof(*tone));
	tone->flat = true;
	tone->wanted = tone->to = BYPASS << 8 | BYPASS;
	for (unsigned i = 0; i < 2; i++)
		pass(tone->now.c[i]);
}

/* ---- fitting -------------------------------------------------------------------------------- */

/* A shelf of the second order with slope 1 (R. Bristow-Johnson's cookbook); `sign` 1: bass. */
static void fit(double out[5], unsigned setting, double middle, double sign)
{
	double a = pow(10.0, STEP_DB * (UNITY_STEP - (double)setting) / 40.0);
	double t = tan(M_PI * middle); /* of half the angle: sine and cosine from one call */
	double c = sign * (1 - t * t) / (1 + t * t);
	double slope = 2 * sqrt(2 * a) * t / (1 + t * t);
	double a0 = (a + 1) + (a - 1) * c + slope;

	if (setting == BYPASS || setting == UNITY_STEP) {
		pass(out);
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

static void refit(struct ac97_tone *tone)
{
	tone->to = tone->wanted;
	fit(tone->now.c[0], tone->to >> 8 & 15, middle(BASS_HZ, tone->rate_hz), 1);
	fit(tone->now.c[1], tone->to & 15, middle(TREBLE_HZ, tone->rate_hz), -1);
}

static uint32_t fade_frames(const struct ac97_tone *tone)
{
	return tone->rate_hz / FADE_PER_S;
}

static void fade(struct ac97_tone *tone)
{
	tone->old = tone->now;
	refit(tone);
	tone->left = fade_frames(tone);
	tone->flat = false;
}

void ac97_tone_want(struct ac97_tone *tone, uint16_t wanted)
{
	tone->wanted = wanted;
	if (tone->left != 0 || wanted == tone->to)
		return;
	if (tone->rate_hz == 0 || (tone->flat && is_flat(wanted)))
		tone->to = wanted;
	else
		fade(tone);
}

/* At once, for a stream that begins. */
static void set_rate(struct ac97_tone *tone, uint32_t rate_hz)
{
	tone->rate_hz = rate_hz;
	tone->left = 0;
	refit(tone);
	tone->flat = is_flat(tone->to);
}

void ac97_tone_load(struct ac97_tone *tone)
{
	if (tone->rate_hz != 0)
		set_rate(tone, tone->rate_hz);
}

/* ---- running
 * --------------------------------------------------------------------------------------- */

/* Direct form 1. What is too small to hear would slow the processor down as it decays. */
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

static double both(struct ac97_filters *filters, unsigned side, double value)
{
	value = filter(filters->c[0], filters->past[side][0], value);
	return filter(filters->c[1], filters->past[side][1], value);
}

static void next_frame(struct ac97_tone *tone, const struct vmsnd_format *format, void *frames,
		       size_t at)
{
	double part = tone->left != 0 ? (double)tone->left / (double)(fade_frames(tone) + 1) : 0;

	for (unsigned side = 0; side < 2; side++) {
		double value = ac97_sample_get(format, frames, at + side);
		double out = both(&tone->now, side, value);

		if (tone->left != 0)
			out += part * (both(&tone->old, side, value) - out);
		ac97_sample_put(format, frames, at + side, out);
	}
	if (tone->left == 0 || --tone->left != 0)
		return;
	if (tone->wanted != tone->to)
		fade(tone);
	else
		tone->flat = is_flat(tone->to);
}

/* While flat: what filters would have seen last, so that they begin without a jolt. */
static void remember(struct ac97_tone *tone, const struct vmsnd_format *format, const void *frames,
		     uint32_t n)
{
	for (uint32_t i = n > 2 ? n - 2 : 0; i < n; i++)
		for (unsigned side = 0; side < 2; side++) {
			size_t at = (size_t)i * format->channels + side;
			double value = ac97_sample_get(format, frames, at);

			for (unsigned j = 0; j < 2; j++) {
				double *past = tone->now.past[side][j];

				past[1] = past[3] = past[0];
				past[0] = past[2] = value;
			}
		}
}

void ac97_tone_apply(struct ac97_tone *tone, const struct vmsnd_format *format, void *frames,
		     uint32_t n)
{
	if (tone->rate_hz != format->rate_hz)
		set_rate(tone, format->rate_hz);
	for (uint32_t i = 0; i < n && !tone->flat; i++)
		next_frame(tone, format, frames, (size_t)i * format->channels);
	if (tone->flat)
		remember(tone, format, frames, n);
}
