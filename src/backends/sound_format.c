/* SPDX-License-Identifier: BSD-3-Clause */
/* Which formats sound files hold, and how they say where a channel belongs. */
#include <sndfile.h>
#include <string.h>

#include "backends/sound_file.h"

/* RFC 9639, sections 9.1.2 and 9.1.3: what a frame's header can say, which holds rates of up to 16
 * bits, and larger ones as tens. */
#define FLAC_CHANNELS_MAX      8u
#define FLAC_RATE_MAX_HZ       655350u
#define FLAC_RATE_EXACT_MAX_HZ 65535u

/* The smallest format of each kind of file that holds every bit; FLAC has no more than 24, so the
 * last rows of its column lose some. */
static const struct {
	uint8_t wave, flac;
} nearest[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {VMSND_SAMPLE_U8, VMSND_SAMPLE_U8},
    [VMSND_SAMPLE_S8] = {VMSND_SAMPLE_U8, VMSND_SAMPLE_S8},
    [VMSND_SAMPLE_U16] = {VMSND_SAMPLE_S16, VMSND_SAMPLE_S16},
    [VMSND_SAMPLE_S16] = {VMSND_SAMPLE_S16, VMSND_SAMPLE_S16},
    [VMSND_SAMPLE_U18_3] = {VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_S18_3] = {VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_U20_3] = {VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_S20_3] = {VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_U24_3] = {VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_S24_3] = {VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_U20] = {VMSND_SAMPLE_S24, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_S20] = {VMSND_SAMPLE_S24, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_U24] = {VMSND_SAMPLE_S24, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_S24] = {VMSND_SAMPLE_S24, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_MULAW] = {VMSND_SAMPLE_MULAW, VMSND_SAMPLE_S16},
    [VMSND_SAMPLE_ALAW] = {VMSND_SAMPLE_ALAW, VMSND_SAMPLE_S16},
    [VMSND_SAMPLE_U32] = {VMSND_SAMPLE_S32, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_S32] = {VMSND_SAMPLE_S32, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_FLOAT] = {VMSND_SAMPLE_FLOAT, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_FLOAT64] = {VMSND_SAMPLE_FLOAT64, VMSND_SAMPLE_S24},
};

/* The 18 of WAVE's channel mask. */
static const int maps[] = {
    [VMSND_POSITION_FL] = SF_CHANNEL_MAP_LEFT,
    [VMSND_POSITION_FR] = SF_CHANNEL_MAP_RIGHT,
    [VMSND_POSITION_FC] = SF_CHANNEL_MAP_CENTER,
    [VMSND_POSITION_LFE] = SF_CHANNEL_MAP_LFE,
    [VMSND_POSITION_RL] = SF_CHANNEL_MAP_REAR_LEFT,
    [VMSND_POSITION_RR] = SF_CHANNEL_MAP_REAR_RIGHT,
    [VMSND_POSITION_FLC] = SF_CHANNEL_MAP_FRONT_LEFT_OF_CENTER,
    [VMSND_POSITION_FRC] = SF_CHANNEL_MAP_FRONT_RIGHT_OF_CENTER,
    [VMSND_POSITION_RC] = SF_CHANNEL_MAP_REAR_CENTER,
    [VMSND_POSITION_SL] = SF_CHANNEL_MAP_SIDE_LEFT,
    [VMSND_POSITION_SR] = SF_CHANNEL_MAP_SIDE_RIGHT,
    [VMSND_POSITION_TC] = SF_CHANNEL_MAP_TOP_CENTER,
    [VMSND_POSITION_TFL] = SF_CHANNEL_MAP_TOP_FRONT_LEFT,
    [VMSND_POSITION_TFC] = SF_CHANNEL_MAP_TOP_FRONT_CENTER,
    [VMSND_POSITION_TFR] = SF_CHANNEL_MAP_TOP_FRONT_RIGHT,
    [VMSND_POSITION_TRL] = SF_CHANNEL_MAP_TOP_REAR_LEFT,
    [VMSND_POSITION_TRC] = SF_CHANNEL_MAP_TOP_REAR_CENTER,
    [VMSND_POSITION_TRR] = SF_CHANNEL_MAP_TOP_REAR_RIGHT,
};
#define MAPS (sizeof(maps) / sizeof(maps[0]))

/* ---- positions ---- */

/* One bit for each position that WAVE knows; 0 when there is another, or one twice. */
static uint32_t mask_of(const struct vmsnd_format *format)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < format->channels; i++) {
		uint32_t position = vmsnd_format_position(format, i);

		if (position < VMSND_POSITION_FL || position >= MAPS || mask & (1u << position))
			return 0;
		mask |= 1u << position;
	}
	return mask;
}

static void sort(struct vmsnd_format *format)
{
	uint32_t mask = mask_of(format), n = 0;

	for (uint32_t position = VMSND_POSITION_FL; mask && position < MAPS; position++)
		if (mask & (1u << position))
			format->positions[n++] = (uint8_t)position;
}

static struct vmsnd_format usual(const struct vmsnd_format *format)
{
	struct vmsnd_format other = *format;

	memset(other.positions, VMSND_POSITION_UNSET, sizeof(other.positions));
	return other;
}

/* What is usual is left unsaid. */
static void simplify(struct vmsnd_format *format)
{
	struct vmsnd_format other = usual(format);

	if (vmsnd_format_equal(format, &other))
		*format = other;
}

bool vmsnd_sound_map_matters(const struct vmsnd_format *format)
{
	struct vmsnd_format other = usual(format);

	if (mask_of(format) == 0)
		return false;
	return format->channels > 2 || !vmsnd_format_equal(format, &other);
}

void vmsnd_sound_map_put(void *file, const struct vmsnd_format *format)
{
	int map[VMSND_CHANNELS_MAX];

	if (!vmsnd_sound_map_matters(format))
		return;
	for (uint32_t i = 0; i < format->channels; i++)
		map[i] = maps[vmsnd_format_position(format, i)];
	sf_command(file, SFC_SET_CHANNEL_MAP_INFO, map, (int)(format->channels * sizeof(map[0])));
}

static uint8_t position_of(int map)
{
	for (uint8_t i = VMSND_POSITION_FL; i < MAPS; i++)
		if (maps[i] == map)
			return i;
	return VMSND_POSITION_OTHER;
}

/* A mono file says centre, or nothing; either is to be heard everywhere. */
void vmsnd_sound_map_get(void *file, struct vmsnd_format *format)
{
	int map[VMSND_CHANNELS_MAX];

	if (format->channels < 2 || !sf_command(file, SFC_GET_CHANNEL_MAP_INFO, map,
						(int)(format->channels * sizeof(map[0]))))
		return;
	for (uint32_t i = 0; i < format->channels; i++)
		format->positions[i] = position_of(map[i]);
	if (mask_of(format) == 0)
		memset(format->positions, VMSND_POSITION_UNSET, sizeof(format->positions));
	simplify(format);
}

/* ---- formats ---- */

static uint32_t flac_rate(uint32_t rate_hz)
{
	/* Half the rate is the cheapest to convert to. */
	while (rate_hz > FLAC_RATE_MAX_HZ)
		rate_hz = (rate_hz + 1) / 2;
	return rate_hz > FLAC_RATE_EXACT_MAX_HZ ? rate_hz / 10 * 10 : rate_hz;
}

void vmsnd_sound_settle(enum vmsnd_container container, struct vmsnd_format *format)
{
	bool flac = container == VMSND_CONTAINER_FLAC;

	if (vmsnd_sample_is_opaque(format->sample))
		return;
	format->sample =
	    (enum vmsnd_sample)(flac ? nearest[format->sample].flac : nearest[format->sample].wave);
	format->big_endian = false;
	if (flac)
		format->rate_hz = flac_rate(format->rate_hz);
	if (flac && format->channels > FLAC_CHANNELS_MAX) {
		format->channels = FLAC_CHANNELS_MAX;
		*format = usual(format);
	}
	sort(format);
	simplify(format);
}

static bool is_float(enum vmsnd_sample sample)
{
	return sample == VMSND_SAMPLE_FLOAT || sample == VMSND_SAMPLE_FLOAT64;
}

bool vmsnd_sound_keeps(const struct vmsnd_format *file, const struct vmsnd_format *other)
{
	return file->rate_hz == other->rate_hz && file->channels == other->channels &&
	       (is_float(file->sample) || !is_float(other->sample)) &&
	       vmsnd_sample_bits(file->sample) >= vmsnd_sample_bits(other->sample);
}
