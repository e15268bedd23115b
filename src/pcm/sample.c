/* SPDX-License-Identifier: BSD-3-Clause */
/* What is true of each sample format and of each position: size, silence, name, usual order. */
#include <string.h>

#include "vmsnd/types.h"

/* A silent sample as it lies in memory, little-endian; one row for each format. */
struct sample_row {
	const char *name;
	uint8_t bytes;
	uint8_t bits;
	uint8_t silence[8];
};

static const struct sample_row rows[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {"U8", 1, 8, {0x80}},
    [VMSND_SAMPLE_S8] = {"S8", 1, 8, {0}},
    [VMSND_SAMPLE_U16] = {"U16", 2, 16, {0, 0x80}},
    [VMSND_SAMPLE_S16] = {"S16", 2, 16, {0}},
    [VMSND_SAMPLE_U18_3] = {"U18_3", 3, 18, {0, 0, 0x02}},
    [VMSND_SAMPLE_S18_3] = {"S18_3", 3, 18, {0}},
    [VMSND_SAMPLE_U20_3] = {"U20_3", 3, 20, {0, 0, 0x08}},
    [VMSND_SAMPLE_S20_3] = {"S20_3", 3, 20, {0}},
    [VMSND_SAMPLE_U24_3] = {"U24_3", 3, 24, {0, 0, 0x80}},
    [VMSND_SAMPLE_S24_3] = {"S24_3", 3, 24, {0}},
    [VMSND_SAMPLE_U20] = {"U20", 4, 20, {0, 0, 0x08}},
    [VMSND_SAMPLE_S20] = {"S20", 4, 20, {0}},
    [VMSND_SAMPLE_U24] = {"U24", 4, 24, {0, 0, 0x80}},
    [VMSND_SAMPLE_S24] = {"S24", 4, 24, {0}},
    [VMSND_SAMPLE_U32] = {"U32", 4, 32, {0, 0, 0, 0x80}},
    [VMSND_SAMPLE_S32] = {"S32", 4, 32, {0}},
    [VMSND_SAMPLE_FLOAT] = {"FLOAT", 4, 24, {0}},
    [VMSND_SAMPLE_FLOAT64] = {"FLOAT64", 8, 53, {0}},
    [VMSND_SAMPLE_MULAW] = {"MULAW", 1, 14, {0xff}},
    /* A-law has no zero: this is its smallest positive value. */
    [VMSND_SAMPLE_ALAW] = {"ALAW", 1, 13, {0xd5}},
    /* Which preamble comes next only the sender knows; words of 0 have none. */
    [VMSND_SAMPLE_IEC958_SUBFRAME] = {"IEC958_SUBFRAME", 4, 32, {0}},
    /* As many ones as zeros, and nothing to be heard in their order. */
    [VMSND_SAMPLE_DSD_U8] = {"DSD_U8", 1, 8, {0x69}},
    [VMSND_SAMPLE_DSD_U16] = {"DSD_U16", 2, 16, {0x69, 0x69}},
    [VMSND_SAMPLE_DSD_U32] = {"DSD_U32", 4, 32, {0x69, 0x69, 0x69, 0x69}},
};

static const char *const position_names[VMSND_POSITION_COUNT] = {
    "UNSET", "FL", "FR",  "FC",  "LFE", "RL",  "RR",  "FLC", "FRC",  "RC",   "SL",
    "SR",    "TC", "TFL", "TFC", "TFR", "TRL", "TRC", "TRR", "MONO", "NONE", "OTHER",
};

#define AT(position) VMSND_POSITION_##position

/* By channel count. Three are left, right and centre: a channel mask hands its bits out in
 * that order, and so does ITU-R BS.775 (3/0). From eight on each adds one to those before. */
static const uint8_t usual_small[8][7] = {
    [1] = {AT(MONO)},
    [2] = {AT(FL), AT(FR)},
    [3] = {AT(FL), AT(FR), AT(FC)},
    [4] = {AT(FL), AT(FR), AT(RL), AT(RR)},
    [5] = {AT(FL), AT(FR), AT(FC), AT(RL), AT(RR)},
    [6] = {AT(FL), AT(FR), AT(FC), AT(LFE), AT(RL), AT(RR)},
    [7] = {AT(FL), AT(FR), AT(FC), AT(LFE), AT(RC), AT(SL), AT(SR)},
};
static const uint8_t usual_large[VMSND_CHANNELS_MAX] = {
    AT(FL),  AT(FR), AT(FC), AT(LFE), AT(RL),  AT(RR),  AT(SL),  AT(SR),  AT(FLC),
    AT(FRC), AT(RC), AT(TC), AT(TFL), AT(TFC), AT(TFR), AT(TRL), AT(TRC), AT(TRR),
};

uint32_t vmsnd_sample_bytes(enum vmsnd_sample sample)
{
	return (unsigned)sample < VMSND_SAMPLE_COUNT ? rows[sample].bytes : 0;
}

uint32_t vmsnd_sample_bits(enum vmsnd_sample sample)
{
	return (unsigned)sample < VMSND_SAMPLE_COUNT ? rows[sample].bits : 0;
}

bool vmsnd_sample_is_opaque(enum vmsnd_sample sample)
{
	return sample >= VMSND_SAMPLE_IEC958_SUBFRAME && sample < VMSND_SAMPLE_COUNT;
}

const char *vmsnd_sample_name(enum vmsnd_sample sample)
{
	return (unsigned)sample < VMSND_SAMPLE_COUNT ? rows[sample].name : "?";
}

enum vmsnd_sample vmsnd_sample_find(const char *name)
{
	unsigned i = 0;

	while (i < VMSND_SAMPLE_COUNT && strcmp(rows[i].name, name) != 0)
		i++;
	return (enum vmsnd_sample)i;
}

const char *vmsnd_position_name(enum vmsnd_position position)
{
	return (unsigned)position < VMSND_POSITION_COUNT ? position_names[position] : "?";
}

enum vmsnd_position vmsnd_format_position(const struct vmsnd_format *format, uint32_t channel)
{
	if (format->channels > VMSND_CHANNELS_MAX || channel >= format->channels)
		return VMSND_POSITION_NONE;
	if (format->positions[0] != VMSND_POSITION_UNSET)
		return (enum vmsnd_position)format->positions[channel];
	if (format->channels < sizeof(usual_small) / sizeof(usual_small[0]))
		return (enum vmsnd_position)usual_small[format->channels][channel];
	return (enum vmsnd_position)usual_large[channel];
}

/* All unset, or each set to something; a place in the room belongs to one channel only. */
static bool positions_valid(const struct vmsnd_format *format)
{
	uint32_t seen = 0;
	bool set = format->positions[0] != VMSND_POSITION_UNSET;

	for (uint32_t i = 0; i < format->channels; i++) {
		uint8_t position = format->positions[i];

		if (position >= VMSND_POSITION_COUNT || (position != VMSND_POSITION_UNSET) != set)
			return false;
		if (set && position < VMSND_POSITION_MONO && (seen >> position & 1) != 0)
			return false;
		seen |= UINT32_C(1) << position;
	}
	return true;
}

uint32_t vmsnd_format_frame_bytes(const struct vmsnd_format *format)
{
	if (format->rate_hz < VMSND_RATE_MIN_HZ || format->rate_hz > VMSND_RATE_MAX_HZ)
		return 0;
	if (format->channels == 0 || format->channels > VMSND_CHANNELS_MAX)
		return 0;
	if (!positions_valid(format))
		return 0;
	return format->channels * vmsnd_sample_bytes(format->sample);
}

bool vmsnd_format_equal(const struct vmsnd_format *a, const struct vmsnd_format *b)
{
	if (a->sample != b->sample || a->rate_hz != b->rate_hz || a->channels != b->channels)
		return false;
	if (a->big_endian != b->big_endian && vmsnd_sample_bytes(a->sample) != 1)
		return false;
	for (uint32_t i = 0; i < a->channels && i < VMSND_CHANNELS_MAX; i++)
		if (vmsnd_format_position(a, i) != vmsnd_format_position(b, i))
			return false;
	return true;
}

/* Every sample of `to` becomes `one`. */
static void repeat_rt(uint8_t *to, const uint8_t *one, size_t bytes, size_t samples)
{
	for (size_t i = 0; i < samples; i++)
		memcpy(to + i * bytes, one, bytes);
}

void vmsnd_format_silence_rt(const struct vmsnd_format *format, void *to, uint32_t frames)
{
	const struct sample_row *row = &rows[format->sample];
	size_t samples = (size_t)frames * format->channels;
	uint8_t one[sizeof(row->silence)];
	bool same = true;

	for (uint32_t i = 0; i < row->bytes; i++) {
		one[i] = row->silence[format->big_endian ? row->bytes - 1u - i : i];
		same = same && one[i] == one[0];
	}
	if (same)
		memset(to, one[0], samples * row->bytes);
	else
		repeat_rt(to, one, row->bytes, samples);
}
