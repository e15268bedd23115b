/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state of what the registers do to sound: the filters' past, and what the recorder of the
 * mix has not heard yet. Coefficients follow from the codec's registers. */
#include "devices/ac97/sound_parts.h"

#include <math.h>
#include <string.h>

#define PAST_MAX 1e6 /* full scale is 1; more than any setting can make of it */

static void put_double(struct vmsnd_state_writer *to, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	vmsnd_state_put_u64(to, bits);
}

static double get_double(struct vmsnd_state_reader *from, double most)
{
	uint64_t bits = vmsnd_state_get_u64(from);
	double value;

	memcpy(&value, &bits, sizeof(value));
	if (!(fabs(value) <= most)) {
		from->bad = true;
		return 0;
	}
	return value;
}

static uint32_t unheard(const struct ac97_loop *loop)
{
	uint64_t frames = loop->written - loop->read;

	return loop->running && frames <= AC97_LOOP_FRAMES ? (uint32_t)frames : 0;
}

void ac97_sound_save(const struct ac97_sound *sound, struct vmsnd_state_writer *to)
{
	const struct ac97_loop *loop = &sound->loop;
	uint32_t n = unheard(loop);

	vmsnd_state_put_u32(to, sound->tone.rate_hz);
	for (unsigned i = 0; i < 16; i++)
		put_double(to, sound->tone.now.past[i / 8][i / 4 % 2][i % 4]);
	put_double(to, sound->boost);
	vmsnd_state_put_u32(to, loop->rate_hz);
	vmsnd_state_put_u32(to, loop->part);
	for (unsigned side = 0; side < 2; side++) {
		put_double(to, loop->gain[side]);
		put_double(to, loop->heard[side]);
	}
	vmsnd_state_put_u32(to, n);
	for (uint32_t i = 0; i < 2 * n; i++)
		vmsnd_state_put_u16(
		    to, (uint16_t)loop->frames[(loop->read + i / 2) % AC97_LOOP_FRAMES][i % 2]);
}

static uint32_t get_rate(struct vmsnd_state_reader *from)
{
	uint32_t rate_hz = vmsnd_state_get_u32_upto(from, VMSND_RATE_MAX_HZ);

	from->bad |= rate_hz != 0 && rate_hz < VMSND_RATE_MIN_HZ;
	return rate_hz;
}

static void load_loop(struct ac97_loop *loop, struct vmsnd_state_reader *from)
{
	uint32_t n;

	loop->rate_hz = get_rate(from);
	loop->part = vmsnd_state_get_u32_upto(from, VMSND_RATE_MAX_HZ);
	for (unsigned side = 0; side < 2; side++) {
		loop->gain[side] = get_double(from, 4.0);
		loop->heard[side] = get_double(from, 16.0);
	}
	n = vmsnd_state_get_u32_upto(from, AC97_LOOP_FRAMES);
	from->bad |= n != 0 && loop->rate_hz == 0;
	for (uint32_t i = 0; i < 2 * n; i++)
		loop->frames[i / 2][i % 2] = (int16_t)vmsnd_state_get_u16(from);
	loop->read = 0;
	loop->written = n;
	loop->running = n != 0;
}

enum vmsnd_rc ac97_sound_load(struct ac97_sound *sound, struct vmsnd_state_reader *from)
{
	struct ac97_tone tone;

	ac97_sound_reset(sound);
	tone = sound->tone;
	tone.rate_hz = get_rate(from);
	for (unsigned i = 0; i < 16; i++)
		tone.now.past[i / 8][i / 4 % 2][i % 4] = get_double(from, PAST_MAX);
	sound->boost = get_double(from, 40.0);
	load_loop(&sound->loop, from);
	if (from->bad) {
		ac97_sound_reset(sound);
		return VMSND_E_DAMAGED;
	}
	ac97_tone_load(&tone);
	sound->tone = tone;
	return VMSND_OK;
}
