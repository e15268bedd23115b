/* SPDX-License-Identifier: BSD-3-Clause */
/* The tune: three voices of soft plucked notes, each a few decaying sines. */
#include "guests/tune.h"

#include <math.h>

#define STEP_FRAMES 9600u  /* a fifth of a second */
#define RING_FRAMES 48000u /* a note is over after a second */
#define ATTACK      240u   /* frames: 5 ms, or the onset would click */
#define FULL        9000.0 /* of 32767: loudest note of one voice */

struct note {
	uint8_t step;  /* when, in steps */
	uint8_t key;   /* what, as MIDI numbers it: 69 is A, 440 Hz */
	uint8_t level; /* how loud, of 16 */
	uint8_t right; /* where, 0 left .. 16 right */
};

/* In order of `step`. Ours: an arpeggio that climbs from A minor to C major and comes home. */
static const struct note notes[] = {
    {0, 45, 12, 7},   {0, 69, 11, 10}, {1, 64, 7, 5},    {2, 72, 11, 11}, {3, 64, 7, 5},
    {4, 76, 13, 11},  {5, 72, 8, 6},   {6, 41, 12, 7},   {6, 77, 11, 10}, {7, 69, 7, 5},
    {8, 76, 11, 11},  {9, 69, 7, 5},   {10, 72, 12, 9},  {11, 69, 8, 6},  {12, 48, 12, 7},
    {12, 79, 13, 11}, {13, 72, 7, 5},  {14, 76, 11, 10}, {15, 67, 7, 5},  {16, 43, 12, 7},
    {16, 74, 12, 10}, {17, 67, 7, 5},  {18, 71, 11, 9},  {19, 67, 8, 6},  {20, 45, 13, 7},
    {20, 60, 8, 4},   {20, 64, 8, 12}, {20, 69, 12, 8},
};

#define N_NOTES (sizeof(notes) / sizeof(notes[0]))

uint64_t vmsnd_tune_frames(void)
{
	return (uint64_t)notes[N_NOTES - 1].step * STEP_FRAMES + RING_FRAMES;
}

/* A note `age` frames after its onset, -1 .. 1. The last tenth is faded out, since what
 * an exponential leaves would end in a click. */
static double pluck(uint8_t key, uint64_t age)
{
	double seconds = (double)age / VMSND_TUNE_RATE_HZ;
	double turn = 2.0 * 3.14159265358979323846 * 440.0 * pow(2.0, (key - 69) / 12.0) * seconds;
	double tone = sin(turn) + 0.4 * exp(-3.0 * seconds) * sin(2.0 * turn) +
		      0.15 * exp(-6.0 * seconds) * sin(3.0 * turn);
	double level = exp(-3.5 * seconds);

	if (age < ATTACK)
		level *= 0.5 - 0.5 * cos(3.14159265358979323846 * (double)age / ATTACK);
	if (age > RING_FRAMES - RING_FRAMES / 10)
		level *= (double)(RING_FRAMES - age) / (RING_FRAMES / 10.0);
	return tone / 1.55 * level;
}

static void render_frame(int16_t *to, uint64_t at)
{
	double left = 0, right = 0;

	for (unsigned i = 0; i < N_NOTES; i++) {
		uint64_t onset = (uint64_t)notes[i].step * STEP_FRAMES;
		double sound;

		if (at < onset || at - onset >= RING_FRAMES)
			continue;
		sound = pluck(notes[i].key, at - onset) * notes[i].level / 16.0 * FULL;
		left += sound * sqrt((16.0 - notes[i].right) / 16.0);
		right += sound * sqrt(notes[i].right / 16.0);
	}
	to[0] = (int16_t)lrint(fmax(-32767.0, fmin(32767.0, left)));
	to[1] = (int16_t)lrint(fmax(-32767.0, fmin(32767.0, right)));
}

void vmsnd_tune_render(int16_t *to, uint64_t at, uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++)
		render_frame(&to[i * VMSND_TUNE_CHANNELS], at + i);
}
