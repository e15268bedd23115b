/* SPDX-License-Identifier: BSD-3-Clause */
/* The mix of what is played, for who records it: kept as it leaves, volumes included, and read a
 * while later at the recorder's rate. Both move in steps of their own; the while is long enough
 * that the recorder does not catch up, and short enough that nothing is overwritten before it
 * comes. */
#include "devices/ac97/sound_parts.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define RAMP_PER_S    100 /* a gain goes up or down by 1 in this part of a second */
#define CUSHION_PER_S 50  /* how far behind the recorder starts */
#define OLD_PER_S     4   /* what waits for longer than this is not recorded */

void ac97_loop_init(struct ac97_loop *loop)
{
	/* A card that never played has not touched its pages, and goes on so. */
	if (loop->written > 0)
		memset(loop->frames, 0, sizeof(loop->frames));
	memset(loop, 0, offsetof(struct ac97_loop, frames));
}

static int16_t to_16(double value)
{
	long rounded = lrint(value * 32768.0);

	return (int16_t)(rounded > INT16_MAX   ? INT16_MAX
			 : rounded < INT16_MIN ? INT16_MIN
					       : rounded);
}

static void walk(double *gain, double goal, double step)
{
	double way = goal - *gain;

	*gain += way > step ? step : way < -step ? -step : way;
}

void ac97_loop_keep(struct ac97_sound *sound, const struct vmsnd_format *format, const void *frames,
		    uint32_t n)
{
	struct ac97_loop *loop = &sound->loop;
	double step = (double)RAMP_PER_S / (double)format->rate_hz, goal[2];
	int32_t mdb[AC97_CHANNELS];

	ac97_levels(sound, mdb);
	for (unsigned side = 0; side < 2; side++)
		goal[side] = ac97_factor(mdb[side]);
	if (loop->rate_hz != format->rate_hz) {
		loop->rate_hz = format->rate_hz;
		loop->running = false;
	}
	for (uint32_t i = 0; i < n; i++) {
		int16_t *to = loop->frames[loop->written++ % AC97_LOOP_FRAMES];

		for (unsigned side = 0; side < 2; side++) {
			size_t at =
			    (size_t)i * format->channels + (format->channels > 1 ? side : 0);

			walk(&loop->gain[side], goal[side], step);
			to[side] = to_16(ac97_sample_get(format, frames, at) * loop->gain[side]);
		}
	}
}

/* Frames of the loop that `n` of the recorder's take, and the one after them. */
static uint64_t needed(const struct ac97_loop *loop, uint32_t rate_hz, uint32_t n)
{
	return ((uint64_t)n * loop->rate_hz + loop->part) / rate_hz + 1;
}

void ac97_loop_begin(struct ac97_loop *loop, uint32_t rate_hz, uint32_t n)
{
	uint64_t cushion, most, ahead = loop->written - loop->read;

	if (loop->part >= rate_hz)
		loop->part = 0;
	cushion = needed(loop, rate_hz, n) + loop->rate_hz / CUSHION_PER_S;
	most = cushion + loop->rate_hz / OLD_PER_S;
	/* The recorder was away: on with what is played now. */
	if (ahead > most || ahead > AC97_LOOP_FRAMES)
		loop->running = false;
	if (loop->running || loop->rate_hz == 0 || cushion > AC97_LOOP_FRAMES)
		return;
	/* Starts once there is enough, that is new. */
	if (loop->written < cushion || (ahead < cushion && loop->read != 0))
		return;
	loop->read = loop->written - cushion;
	loop->part = 0;
	loop->running = true;
}

void ac97_loop_next(struct ac97_loop *loop, uint32_t rate_hz, const double gain[2], double out[2])
{
	const int16_t *here = loop->frames[loop->read % AC97_LOOP_FRAMES];
	const int16_t *next = loop->frames[(loop->read + 1) % AC97_LOOP_FRAMES];
	double part = (double)loop->part / (double)rate_hz;
	uint64_t moved = (uint64_t)loop->part + loop->rate_hz;

	out[0] = out[1] = 0;
	if (!loop->running)
		return;
	if (loop->written - loop->read < 2) {
		loop->running = false;
		loop->read = loop->written;
		return;
	}
	for (unsigned side = 0; side < 2; side++) {
		double value = (double)here[side] + ((double)next[side] - here[side]) * part;

		walk(&loop->heard[side], gain[side], (double)RAMP_PER_S / (double)rate_hz);
		out[side] = value / 32768.0 * loop->heard[side];
	}
	loop->read += moved / rate_hz;
	loop->part = (uint32_t)(moved % rate_hz);
}
