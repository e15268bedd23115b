/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channel goes where, and how loud (MX-11, MX-12); then the sums.
 *
 * Folding follows ITU-R BS.775. Mono is the average of what left and right would be: a sum
 * would overrun full scale on what is alike in both, and stereo to mono to stereo keeps the
 * level. It is always the average: one that becomes a copy when a sample is zero, as MX-12
 * tells, makes the level jump at every zero crossing (MX-13). */
#include "pcm/remix.h"

#include <string.h>

#define HALF_POWER 0.70710678118654752f /* -3 dB */

#define AT(position) VMSND_POSITION_##position

/* Where a position's sound goes when nobody plays that position: up to two others at a time. */
struct fold {
	uint8_t to[2];
	/* Factor where the source has the target too, and where it has not: then the sound only
	 * moves, for example from the side to the rear. */
	float beside, alone;
};

#define FOLDS 5

/* The first row of which the destination has a target counts. */
static const struct fold folds[VMSND_POSITION_MONO][FOLDS] = {
    [AT(FL)] = {{{AT(FLC)}, HALF_POWER, 1}, {{AT(FC)}, HALF_POWER, HALF_POWER}},
    [AT(FR)] = {{{AT(FRC)}, HALF_POWER, 1}, {{AT(FC)}, HALF_POWER, HALF_POWER}},
    [AT(FC)] = {{{AT(FL), AT(FR)}, HALF_POWER, HALF_POWER},
		{{AT(FLC), AT(FRC)}, HALF_POWER, HALF_POWER}},
    [AT(LFE)] = {{{AT(FL), AT(FR)}, HALF_POWER, HALF_POWER}, {{AT(FC)}, HALF_POWER, HALF_POWER}},
    [AT(RL)] = {{{AT(SL)}, HALF_POWER, 1},
		{{AT(RC)}, HALF_POWER, HALF_POWER},
		{{AT(FL)}, HALF_POWER, HALF_POWER},
		{{AT(FC)}, 0.5f, 0.5f}},
    [AT(RR)] = {{{AT(SR)}, HALF_POWER, 1},
		{{AT(RC)}, HALF_POWER, HALF_POWER},
		{{AT(FR)}, HALF_POWER, HALF_POWER},
		{{AT(FC)}, 0.5f, 0.5f}},
    [AT(FLC)] = {{{AT(FL)}, HALF_POWER, 1}, {{AT(FC)}, HALF_POWER, HALF_POWER}},
    [AT(FRC)] = {{{AT(FR)}, HALF_POWER, 1}, {{AT(FC)}, HALF_POWER, HALF_POWER}},
    [AT(RC)] = {{{AT(RL), AT(RR)}, HALF_POWER, HALF_POWER},
		{{AT(SL), AT(SR)}, HALF_POWER, HALF_POWER},
		{{AT(FL), AT(FR)}, 0.5f, 0.5f},
		{{AT(FC)}, HALF_POWER, HALF_POWER}},
    [AT(SL)] = {{{AT(RL)}, HALF_POWER, 1},
		{{AT(RC)}, HALF_POWER, HALF_POWER},
		{{AT(FL)}, HALF_POWER, HALF_POWER},
		{{AT(FC)}, 0.5f, 0.5f}},
    [AT(SR)] = {{{AT(RR)}, HALF_POWER, 1},
		{{AT(RC)}, HALF_POWER, HALF_POWER},
		{{AT(FR)}, HALF_POWER, HALF_POWER},
		{{AT(FC)}, 0.5f, 0.5f}},
    [AT(TC)] = {{{AT(SL), AT(SR)}, 0.5f, HALF_POWER},
		{{AT(RL), AT(RR)}, 0.5f, HALF_POWER},
		{{AT(FL), AT(FR)}, 0.5f, HALF_POWER},
		{{AT(FC)}, HALF_POWER, 1}},
    [AT(TFL)] = {{{AT(FL)}, HALF_POWER, 1},
		 {{AT(FLC)}, HALF_POWER, 1},
		 {{AT(FC)}, 0.5f, HALF_POWER}},
    [AT(TFC)] = {{{AT(FC)}, HALF_POWER, 1}, {{AT(FL), AT(FR)}, 0.5f, HALF_POWER}},
    [AT(TFR)] = {{{AT(FR)}, HALF_POWER, 1},
		 {{AT(FRC)}, HALF_POWER, 1},
		 {{AT(FC)}, 0.5f, HALF_POWER}},
    [AT(TRL)] = {{{AT(RL)}, HALF_POWER, 1},
		 {{AT(SL)}, HALF_POWER, 1},
		 {{AT(RC)}, 0.5f, HALF_POWER},
		 {{AT(FL)}, 0.5f, HALF_POWER},
		 {{AT(FC)}, 0.5f, 0.5f}},
    [AT(TRC)] = {{{AT(RC)}, HALF_POWER, 1},
		 {{AT(RL), AT(RR)}, 0.5f, HALF_POWER},
		 {{AT(SL), AT(SR)}, 0.5f, HALF_POWER},
		 {{AT(FL), AT(FR)}, 0.5f, 0.5f},
		 {{AT(FC)}, HALF_POWER, HALF_POWER}},
    [AT(TRR)] = {{{AT(RR)}, HALF_POWER, 1},
		 {{AT(SR)}, HALF_POWER, 1},
		 {{AT(RC)}, 0.5f, HALF_POWER},
		 {{AT(FR)}, 0.5f, HALF_POWER},
		 {{AT(FC)}, 0.5f, 0.5f}},
};

/* What a format has: bit n for position n. */
static uint32_t positions_of(const struct vmsnd_format *format)
{
	uint32_t set = 0;

	for (uint32_t i = 0; i < format->channels; i++)
		set |= UINT32_C(1) << vmsnd_format_position(format, i);
	return set;
}

static bool has(uint32_t set, uint32_t position)
{
	return (set >> position & 1) != 0;
}

/* The row of `folds` for a position that is not in `to`; NULL: there is no way. */
static const struct fold *fold_of(uint32_t position, uint32_t to)
{
	for (uint32_t i = 0; i < FOLDS; i++) {
		const struct fold *fold = &folds[position][i];

		if (fold->to[0] == VMSND_POSITION_UNSET)
			break;
		if (has(to, fold->to[0]) ||
		    (fold->to[1] != VMSND_POSITION_UNSET && has(to, fold->to[1])))
			return fold;
	}
	return NULL;
}

/* How much of a position of `from` arrives in a position of `to`; both of the 18. */
static float placed_gain(uint32_t position, uint32_t from, uint32_t target, uint32_t to)
{
	const struct fold *fold;

	if (has(to, position))
		return position == target ? 1.0f : 0.0f;
	fold = fold_of(position, to);
	if (!fold || (fold->to[0] != target && fold->to[1] != target))
		return 0;
	return has(from, target) ? fold->beside : fold->alone;
}

/* Mono is everywhere, but nothing is invented behind the listener while there is a front. */
static float from_mono_gain(uint32_t target, uint32_t to)
{
	const uint32_t front = UINT32_C(1) << AT(FL) | UINT32_C(1) << AT(FR);
	const uint32_t centre = UINT32_C(1) << AT(FC);

	if ((to & front) != 0)
		return (front >> target & 1) != 0 ? 1.0f : 0.0f;
	if ((to & centre) != 0)
		return target == AT(FC) ? 1.0f : 0.0f;
	return target == AT(LFE) ? 0.0f : 1.0f;
}

static float to_mono_gain(uint32_t position, uint32_t from)
{
	const uint32_t stereo = UINT32_C(1) << AT(FL) | UINT32_C(1) << AT(FR);

	return (placed_gain(position, from, AT(FL), stereo) +
		placed_gain(position, from, AT(FR), stereo)) /
	       2;
}

struct ends {
	const struct vmsnd_format *from, *to;
	uint32_t from_set, to_set;
};

static float gain_of(const struct ends *ends, uint32_t to, uint32_t from)
{
	uint32_t source = vmsnd_format_position(ends->from, from);
	uint32_t target = vmsnd_format_position(ends->to, to);

	if (source == VMSND_POSITION_NONE || target == VMSND_POSITION_NONE)
		return 0;
	if (source == VMSND_POSITION_OTHER || target == VMSND_POSITION_OTHER)
		return from == to ? 1.0f : 0.0f;
	/* One channel alone is mono, whatever it is called. */
	if (ends->from->channels == 1 && ends->to->channels == 1)
		return 1;
	if (source == VMSND_POSITION_MONO)
		return target == VMSND_POSITION_MONO ? 1 : from_mono_gain(target, ends->to_set);
	if (target == VMSND_POSITION_MONO)
		return to_mono_gain(source, ends->from_set);
	return placed_gain(source, ends->from_set, target, ends->to_set);
}

static bool same_places(const struct ends *ends)
{
	if (ends->from->channels != ends->to->channels)
		return false;
	for (uint32_t i = 0; i < ends->to->channels; i++)
		if (vmsnd_format_position(ends->from, i) != vmsnd_format_position(ends->to, i))
			return false;
	return true;
}

static bool is_unit(const struct vmsnd_remix *remix)
{
	if (remix->from_channels != remix->to_channels)
		return false;
	for (uint32_t to = 0; to < remix->to_channels; to++)
		for (uint32_t from = 0; from < remix->from_channels; from++)
			if (remix->gains[to][from] != (to == from ? 1.0f : 0.0f))
				return false;
	return true;
}

/* Channels of equal formats pass as they are, silent ones included: then a copy of the bytes
 * and a way through here give the same. */
void vmsnd_remix_init(struct vmsnd_remix *remix, const struct vmsnd_format *from,
		      const struct vmsnd_format *to)
{
	struct ends ends = {from, to, positions_of(from), positions_of(to)};
	bool same = same_places(&ends);

	*remix = (struct vmsnd_remix){from->channels, to->channels, false, {{0}}};
	for (uint32_t i = 0; i < to->channels; i++)
		for (uint32_t k = 0; k < from->channels; k++)
			remix->gains[i][k] = same ? (float)(i == k) : gain_of(&ends, i, k);
	remix->identity = is_unit(remix);
}

static void one_to_two_rt(const struct vmsnd_remix *remix, double *restrict to,
			  const double *restrict from, size_t frames)
{
	double left = (double)remix->gains[0][0], right = (double)remix->gains[1][0];

	for (size_t i = 0; i < frames; i++) {
		to[2 * i] = from[i] * left;
		to[2 * i + 1] = from[i] * right;
	}
}

static void two_to_one_rt(const struct vmsnd_remix *remix, double *restrict to,
			  const double *restrict from, size_t frames)
{
	double left = (double)remix->gains[0][0], right = (double)remix->gains[0][1];

	for (size_t i = 0; i < frames; i++)
		to[i] = from[2 * i] * left + from[2 * i + 1] * right;
}

/* One source's share of one destination channel. */
struct share {
	uint32_t from;
	double gain;
};

static uint32_t shares_of_rt(const struct vmsnd_remix *remix, uint32_t to, struct share *shares)
{
	uint32_t count = 0;

	for (uint32_t from = 0; from < remix->from_channels; from++)
		if (remix->gains[to][from] != 0.0f)
			shares[count++] = (struct share){from, (double)remix->gains[to][from]};
	return count;
}

/* Most of a matrix is zero, so each destination channel is a pass over its few sources. */
static void one_channel_rt(const struct vmsnd_remix *remix, uint32_t channel, double *restrict to,
			   const double *restrict from, size_t frames)
{
	struct share shares[VMSND_CHANNELS_MAX];
	uint32_t count = shares_of_rt(remix, channel, shares);
	size_t stride = remix->to_channels, from_stride = remix->from_channels;

	to += channel;
	for (size_t i = 0; i < frames; i++) {
		double sum = 0;

		for (uint32_t k = 0; k < count; k++)
			sum += from[i * from_stride + shares[k].from] * shares[k].gain;
		to[i * stride] = sum;
	}
}

void vmsnd_remix_rt(const struct vmsnd_remix *remix, double *to, const double *from, size_t frames)
{
	if (remix->identity) {
		if (to != from)
			memcpy(to, from, frames * remix->to_channels * sizeof(*to));
	} else if (remix->from_channels == 1 && remix->to_channels == 2) {
		one_to_two_rt(remix, to, from, frames);
	} else if (remix->from_channels == 2 && remix->to_channels == 1) {
		two_to_one_rt(remix, to, from, frames);
	} else {
		for (uint32_t i = 0; i < remix->to_channels; i++)
			one_channel_rt(remix, i, to, from, frames);
	}
}
