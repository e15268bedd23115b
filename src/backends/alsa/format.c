/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples and positions: ALSA's names for ours. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/alsa/host.h"

static const struct {
	int16_t little, big;
} formats[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {SND_PCM_FORMAT_U8, SND_PCM_FORMAT_U8},
    [VMSND_SAMPLE_S8] = {SND_PCM_FORMAT_S8, SND_PCM_FORMAT_S8},
    [VMSND_SAMPLE_U16] = {SND_PCM_FORMAT_U16_LE, SND_PCM_FORMAT_U16_BE},
    [VMSND_SAMPLE_S16] = {SND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S16_BE},
    [VMSND_SAMPLE_U18_3] = {SND_PCM_FORMAT_U18_3LE, SND_PCM_FORMAT_U18_3BE},
    [VMSND_SAMPLE_S18_3] = {SND_PCM_FORMAT_S18_3LE, SND_PCM_FORMAT_S18_3BE},
    [VMSND_SAMPLE_U20_3] = {SND_PCM_FORMAT_U20_3LE, SND_PCM_FORMAT_U20_3BE},
    [VMSND_SAMPLE_S20_3] = {SND_PCM_FORMAT_S20_3LE, SND_PCM_FORMAT_S20_3BE},
    [VMSND_SAMPLE_U24_3] = {SND_PCM_FORMAT_U24_3LE, SND_PCM_FORMAT_U24_3BE},
    [VMSND_SAMPLE_S24_3] = {SND_PCM_FORMAT_S24_3LE, SND_PCM_FORMAT_S24_3BE},
    [VMSND_SAMPLE_U20] = {SND_PCM_FORMAT_U20_LE, SND_PCM_FORMAT_U20_BE},
    [VMSND_SAMPLE_S20] = {SND_PCM_FORMAT_S20_LE, SND_PCM_FORMAT_S20_BE},
    [VMSND_SAMPLE_U24] = {SND_PCM_FORMAT_U24_LE, SND_PCM_FORMAT_U24_BE},
    [VMSND_SAMPLE_S24] = {SND_PCM_FORMAT_S24_LE, SND_PCM_FORMAT_S24_BE},
    [VMSND_SAMPLE_U32] = {SND_PCM_FORMAT_U32_LE, SND_PCM_FORMAT_U32_BE},
    [VMSND_SAMPLE_S32] = {SND_PCM_FORMAT_S32_LE, SND_PCM_FORMAT_S32_BE},
    [VMSND_SAMPLE_FLOAT] = {SND_PCM_FORMAT_FLOAT_LE, SND_PCM_FORMAT_FLOAT_BE},
    [VMSND_SAMPLE_FLOAT64] = {SND_PCM_FORMAT_FLOAT64_LE, SND_PCM_FORMAT_FLOAT64_BE},
    [VMSND_SAMPLE_MULAW] = {SND_PCM_FORMAT_MU_LAW, SND_PCM_FORMAT_MU_LAW},
    [VMSND_SAMPLE_ALAW] = {SND_PCM_FORMAT_A_LAW, SND_PCM_FORMAT_A_LAW},
    [VMSND_SAMPLE_IEC958_SUBFRAME] = {SND_PCM_FORMAT_IEC958_SUBFRAME_LE,
				      SND_PCM_FORMAT_IEC958_SUBFRAME_BE},
    [VMSND_SAMPLE_DSD_U8] = {SND_PCM_FORMAT_DSD_U8, SND_PCM_FORMAT_DSD_U8},
    [VMSND_SAMPLE_DSD_U16] = {SND_PCM_FORMAT_DSD_U16_LE, SND_PCM_FORMAT_DSD_U16_BE},
    [VMSND_SAMPLE_DSD_U32] = {SND_PCM_FORMAT_DSD_U32_LE, SND_PCM_FORMAT_DSD_U32_BE},
};

static const uint8_t places[VMSND_POSITION_COUNT] = {
    [VMSND_POSITION_FL] = SND_CHMAP_FL,     [VMSND_POSITION_FR] = SND_CHMAP_FR,
    [VMSND_POSITION_FC] = SND_CHMAP_FC,     [VMSND_POSITION_LFE] = SND_CHMAP_LFE,
    [VMSND_POSITION_RL] = SND_CHMAP_RL,     [VMSND_POSITION_RR] = SND_CHMAP_RR,
    [VMSND_POSITION_FLC] = SND_CHMAP_FLC,   [VMSND_POSITION_FRC] = SND_CHMAP_FRC,
    [VMSND_POSITION_RC] = SND_CHMAP_RC,     [VMSND_POSITION_SL] = SND_CHMAP_SL,
    [VMSND_POSITION_SR] = SND_CHMAP_SR,     [VMSND_POSITION_TC] = SND_CHMAP_TC,
    [VMSND_POSITION_TFL] = SND_CHMAP_TFL,   [VMSND_POSITION_TFC] = SND_CHMAP_TFC,
    [VMSND_POSITION_TFR] = SND_CHMAP_TFR,   [VMSND_POSITION_TRL] = SND_CHMAP_TRL,
    [VMSND_POSITION_TRC] = SND_CHMAP_TRC,   [VMSND_POSITION_TRR] = SND_CHMAP_TRR,
    [VMSND_POSITION_MONO] = SND_CHMAP_MONO, [VMSND_POSITION_NONE] = SND_CHMAP_NA,
};

/* What ALSA's devices of so many channels mean by them where they do not say (surround40 to 71). */
static const uint8_t surround[] = {VMSND_POSITION_FL, VMSND_POSITION_FR, VMSND_POSITION_RL,
				   VMSND_POSITION_RR, VMSND_POSITION_FC, VMSND_POSITION_LFE,
				   VMSND_POSITION_SL, VMSND_POSITION_SR};

/* ---- samples ---- */

static bool is_float(enum vmsnd_sample sample)
{
	return sample == VMSND_SAMPLE_FLOAT || sample == VMSND_SAMPLE_FLOAT64;
}

static bool is_law(enum vmsnd_sample sample)
{
	return sample == VMSND_SAMPLE_MULAW || sample == VMSND_SAMPLE_ALAW;
}

/* How far one is from the other: bits that are lost weigh most, then bits that are added. */
static unsigned distance(const struct vmsnd_format *want, enum vmsnd_sample sample, bool big_endian)
{
	unsigned bits = vmsnd_sample_bits(sample), wanted = vmsnd_sample_bits(want->sample), sum;

	if (sample == want->sample)
		return big_endian != want->big_endian;
	sum = bits < wanted ? 1000 * (wanted - bits) : 4 * (bits - wanted);
	sum += is_float(sample) != is_float(want->sample) ? 50 : 0;
	return sum + (is_law(sample) ? 100000 : 0) + 2 * big_endian +
	       (vmsnd_sample_bytes(sample) > 2);
}

static bool possible(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, enum vmsnd_sample sample,
		     bool big_endian)
{
	int format = big_endian ? formats[sample].big : formats[sample].little;

	return snd_pcm_hw_params_test_format(pcm, params, (snd_pcm_format_t)format) == 0;
}

snd_pcm_format_t vmsnd_alsa_format_choose(snd_pcm_t *pcm, snd_pcm_hw_params_t *params,
					  const struct vmsnd_format *want, struct vmsnd_format *got)
{
	bool opaque = vmsnd_sample_is_opaque(want->sample);
	unsigned best = UINT_MAX;

	for (unsigned i = 0; i < 2u * VMSND_SAMPLE_COUNT; i++) {
		enum vmsnd_sample sample = (enum vmsnd_sample)(i / 2);
		bool big_endian = i % 2;
		unsigned far;

		if (opaque ? sample != want->sample || big_endian != want->big_endian
			   : vmsnd_sample_is_opaque(sample))
			continue;
		far = distance(want, sample, big_endian);
		if (far >= best || !possible(pcm, params, sample, big_endian))
			continue;
		best = far;
		got->sample = sample;
		got->big_endian = big_endian;
	}
	if (best == UINT_MAX)
		return SND_PCM_FORMAT_UNKNOWN;
	return (snd_pcm_format_t)(got->big_endian ? formats[got->sample].big
						  : formats[got->sample].little);
}

/* ---- positions ---- */

static void ask_for(snd_pcm_t *pcm, const struct vmsnd_format *want)
{
	union {
		snd_pcm_chmap_t map;
		unsigned room[1 + VMSND_CHANNELS_MAX];
	} u;

	u.map.channels = want->channels;
	for (uint32_t i = 0; i < want->channels; i++)
		u.room[1 + i] = places[vmsnd_format_position(want, i)];
	/* One that cannot keeps its own, which is asked for next. */
	snd_pcm_set_chmap(pcm, &u.map);
}

static uint8_t position_of(unsigned place)
{
	place &= SND_CHMAP_POSITION_MASK;
	for (uint8_t i = VMSND_POSITION_FL; place != SND_CHMAP_UNKNOWN && i < VMSND_POSITION_COUNT;
	     i++)
		if (places[i] == place)
			return i;
	return VMSND_POSITION_OTHER;
}

/* False when the PCM has no map, or one that says nothing. */
static bool take_map(snd_pcm_t *pcm, struct vmsnd_format *got)
{
	snd_pcm_chmap_t *map = snd_pcm_get_chmap(pcm);
	bool any = false;

	for (uint32_t i = 0; map && map->channels == got->channels && i < got->channels; i++) {
		got->positions[i] = position_of(map->pos[i]);
		any |= got->positions[i] != VMSND_POSITION_OTHER;
	}
	free(map);
	return any && vmsnd_format_frame_bytes(got) > 0;
}

void vmsnd_alsa_positions(snd_pcm_t *pcm, const struct vmsnd_format *want, struct vmsnd_format *got)
{
	struct vmsnd_format usual = *got;
	uint32_t n = got->channels;

	memset(usual.positions, VMSND_POSITION_UNSET, sizeof(usual.positions));
	*got = usual;
	if (want->channels == n && n > 1)
		ask_for(pcm, want);
	if (!take_map(pcm, got)) {
		*got = usual;
		if (n == 4 || n == 5 || n == 6 || n == 8)
			memcpy(got->positions, surround, n);
	}
	/* What is usual is left unsaid; one channel is to be heard everywhere. */
	if (n == 1 || vmsnd_format_equal(got, &usual))
		*got = usual;
}
