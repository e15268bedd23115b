/* SPDX-License-Identifier: BSD-3-Clause */
/* What hosts hear and say, frame by frame: order kept, nothing twice. */
#include <math.h>
#include <string.h>

#include "world.h"

/* How far an angle read behind a conversion may seem to go back, in frames: so many anyway, and so
 * many at loudness 1 for the rounding and dither of 16 bits, as a wheel turns in 262144 frames. */
#define SLACK     6.0
#define SLACK_S16 5.1
/* A converter's straight line between two frames that are far apart points anywhere, for as many
 * frames as it makes of one. */
#define STRAIGHT 12u
/* No conversion leaves out so many. */
#define STEP 64.0

static void hash_block(struct ear *ear, const void *samples, size_t bytes)
{
	const unsigned char *at = samples;
	uint64_t hash = ear->hash ^ bytes, word;

	for (; bytes >= 8; at += 8, bytes -= 8) {
		memcpy(&word, at, 8);
		hash = (hash ^ word) * UINT64_C(0x100000001b3);
		hash ^= hash >> 29;
	}
	ear->hash = hash;
	ear->blocks++;
}

static void hear_number(struct world *world, struct unit *unit, uint64_t number)
{
	struct ear *ear = &unit->ear;

	if (number <= ear->last)
		world_fail(world, "unit %u plays frame %llu after %llu", unit->index,
			   (unsigned long long)number, (unsigned long long)ear->last);
	if (number > world->guest.numbers)
		world_fail(world, "unit %u plays frame %llu, of %llu", unit->index,
			   (unsigned long long)number, (unsigned long long)world->guest.numbers);
	ear->missing += number - ear->last - 1;
	ear->last = number;
	ear->heard++;
	ear->position = (double)number;
}

/* No ring holds as much as a turn of the wheel, so it is the newest frame with this angle. */
static void hear_angle(struct world *world, struct unit *unit, double angle, double loudness)
{
	struct ear *ear = &unit->ear;
	bool steady = fabs(loudness - ear->loudness) < 0.03 * loudness;
	double slack = SLACK + SLACK_S16 / loudness;
	double newest = (double)world->guest.numbers + slack;
	double at = newest - fmod(newest - angle + CODE_ANGLES, CODE_ANGLES);

	ear->heard++;
	ear->exact = false;
	ear->loudness = loudness;
	steady &= fabs(at - ear->angle) < STEP;
	ear->angle = at;
	ear->behind = at < ear->position - slack ? ear->behind + steady : 0;
	if (ear->behind > STRAIGHT)
		world_fail(world, "unit %u plays about frame %.1f after %.1f (of %.0f)",
			   unit->index, at, ear->position, newest - slack);
	if (steady && at > ear->position)
		ear->position = at;
	ear->last = (uint64_t)(ear->position > slack ? ear->position - slack : 0);
}

static double sample_of(const unsigned char *at, enum vmsnd_sample sample)
{
	int16_t low;
	int32_t whole;
	float real;

	switch (sample) {
	case VMSND_SAMPLE_S16:
		memcpy(&low, at, 2);
		return low / 32768.0;
	case VMSND_SAMPLE_FLOAT:
		memcpy(&real, at, 4);
		return (double)real;
	default:
		memcpy(&whole, at, 4);
		return whole / 2147483648.0;
	}
}

/* A channel alone says no angle: only whether there is sound. Nor does a tap of the host's side,
 * which may have been mono in between. */
static void hear_frame(struct world *world, struct unit *unit, const struct vmsnd_stream *stream,
		       const unsigned char *at)
{
	const struct vmsnd_format *format = &stream->got.format;
	uint32_t bytes = vmsnd_sample_bytes(format->sample);
	double left = sample_of(at, format->sample), right = left, angle;

	if (format->channels > 1)
		right = sample_of(at + bytes, format->sample);
	angle = code_angle(left, right);
	if (angle < 0)
		unit->ear.silence++;
	else if (format->channels > 1 && unit->conf.role != VMSND_LUN_TAP_HOST)
		hear_angle(world, unit, angle, hypot(left, right));
	else {
		unit->ear.heard++;
		unit->ear.exact = false;
		unit->ear.last = (uint64_t)unit->ear.position;
	}
}

static bool readable(const struct vmsnd_stream *stream)
{
	return stream->got.format.sample == VMSND_SAMPLE_S32 && stream->got.format.channels == 2;
}

void ear_hear(struct world *world, struct unit *unit, const struct vmsnd_stream *stream,
	      uint32_t frames)
{
	bool equal =
	    unit->plain && vmsnd_format_equal(&stream->got.format, &world->guest.params.format);

	hash_block(&unit->ear, stream->scratch, (size_t)frames * stream->frame_bytes);
	if (!equal)
		unit->ear.exact = false;
	for (uint32_t i = 0; i < frames; i++) {
		const unsigned char *at = stream->scratch + (size_t)i * stream->frame_bytes;
		int32_t frame[2] = {1, 1};
		uint32_t number = 0;

		if (readable(stream)) {
			memcpy(frame, at, sizeof(frame));
			number = code_number(frame);
		}
		if (frame[0] == 0 && frame[1] == 0)
			unit->ear.silence++;
		else if (number != 0 && number > unit->ear.last && number <= world->guest.numbers)
			hear_number(world, unit, number);
		else if (number != 0 && unit->ear.exact)
			hear_number(world, unit, number); /* and fails */
		else if (equal && unit->index == 0)
			world_fail(world, "unit 0 is not played bit for bit (%#x %#x)",
				   (unsigned)frame[0], (unsigned)frame[1]);
		else
			hear_frame(world, unit, stream, at);
	}
}

/* Capture. The pace-setter's frames are numbered; alone they are numbered on both channels,
 * together the others have the right one to themselves. */
void ear_speak(struct world *world, struct unit *unit, struct vmsnd_stream *stream, uint32_t frames)
{
	bool first = unit->index == 0, s32 = readable(stream);

	hash_block(&unit->ear, &frames, sizeof(frames));
	if (!s32) {
		vmsnd_format_silence_rt(&stream->got.format, stream->scratch, frames);
		world->captured += first ? frames : 0;
		return;
	}
	code_write((int32_t *)(void *)stream->scratch, first ? world->captured + 1 : 1, frames);
	world->captured += first ? frames : 0;
	for (uint32_t i = 0; world->together && i < frames; i++) {
		int32_t *frame =
		    (int32_t *)(void *)(stream->scratch + (size_t)i * stream->frame_bytes);

		frame[0] = first ? (int32_t)((world->captured - frames + i + 1) << 4) : 0;
		frame[1] = first ? 0 : 1 << 20;
	}
}

static uint64_t number_given(const struct world *world, const int32_t *frame)
{
	if (!world->together)
		return code_number(frame);
	return frame[0] % 16 == 0 ? (uint64_t)(uint32_t)frame[0] >> 4 : 0;
}

void ear_guest(struct world *world, const int32_t *frames, uint32_t n)
{
	struct guest *guest = &world->guest;

	for (uint32_t i = 0; i < n; i++) {
		const int32_t *frame = frames + (size_t)2 * i;
		uint64_t number = number_given(world, frame);

		if (frame[0] == 0 && frame[1] == 0) {
			guest->got_silence++;
			continue;
		}
		if (!world->enabled)
			world_fail(world, "the guest hears a microphone that is off (%#x %#x)",
				   (unsigned)frame[0], (unsigned)frame[1]);
		guest->got_sound++;
		if (number == 0 || !world->units[0].plain)
			continue; /* converted, or the others alone */
		if (number <= guest->got_last || number > world->captured)
			world_fail(world, "the guest is given frame %llu after %llu of %llu",
				   (unsigned long long)number, (unsigned long long)guest->got_last,
				   (unsigned long long)world->captured);
		guest->got_last = number;
	}
}
