/* SPDX-License-Identifier: BSD-3-Clause */
/* The standard's numbers as tables, and the items and configuration that a driver is shown. */
#include <string.h>

#include "base/endian.h"
#include "devices/virtio-snd/snd.h"

/* By VIRTIO_SND_PCM_FMT (V40-V45), one more than the value, so that what is not there is 0.
 * IMA_ADPCM is not: its samples have four bits and depend on those before, and the standard does
 * not say how they lie in a frame. */
static const uint8_t samples[] = {
    [VIRTIO_SND_PCM_FMT_MU_LAW] = VMSND_SAMPLE_MULAW + 1,
    [VIRTIO_SND_PCM_FMT_A_LAW] = VMSND_SAMPLE_ALAW + 1,
    [VIRTIO_SND_PCM_FMT_S8] = VMSND_SAMPLE_S8 + 1,
    [VIRTIO_SND_PCM_FMT_U8] = VMSND_SAMPLE_U8 + 1,
    [VIRTIO_SND_PCM_FMT_S16] = VMSND_SAMPLE_S16 + 1,
    [VIRTIO_SND_PCM_FMT_U16] = VMSND_SAMPLE_U16 + 1,
    [VIRTIO_SND_PCM_FMT_S18_3] = VMSND_SAMPLE_S18_3 + 1,
    [VIRTIO_SND_PCM_FMT_U18_3] = VMSND_SAMPLE_U18_3 + 1,
    [VIRTIO_SND_PCM_FMT_S20_3] = VMSND_SAMPLE_S20_3 + 1,
    [VIRTIO_SND_PCM_FMT_U20_3] = VMSND_SAMPLE_U20_3 + 1,
    [VIRTIO_SND_PCM_FMT_S24_3] = VMSND_SAMPLE_S24_3 + 1,
    [VIRTIO_SND_PCM_FMT_U24_3] = VMSND_SAMPLE_U24_3 + 1,
    [VIRTIO_SND_PCM_FMT_S20] = VMSND_SAMPLE_S20 + 1,
    [VIRTIO_SND_PCM_FMT_U20] = VMSND_SAMPLE_U20 + 1,
    [VIRTIO_SND_PCM_FMT_S24] = VMSND_SAMPLE_S24 + 1,
    [VIRTIO_SND_PCM_FMT_U24] = VMSND_SAMPLE_U24 + 1,
    [VIRTIO_SND_PCM_FMT_S32] = VMSND_SAMPLE_S32 + 1,
    [VIRTIO_SND_PCM_FMT_U32] = VMSND_SAMPLE_U32 + 1,
    [VIRTIO_SND_PCM_FMT_FLOAT] = VMSND_SAMPLE_FLOAT + 1,
    [VIRTIO_SND_PCM_FMT_FLOAT64] = VMSND_SAMPLE_FLOAT64 + 1,
    [VIRTIO_SND_PCM_FMT_DSD_U8] = VMSND_SAMPLE_DSD_U8 + 1,
    [VIRTIO_SND_PCM_FMT_DSD_U16] = VMSND_SAMPLE_DSD_U16 + 1,
    [VIRTIO_SND_PCM_FMT_DSD_U32] = VMSND_SAMPLE_DSD_U32 + 1,
    [VIRTIO_SND_PCM_FMT_IEC958_SUBFRAME] = VMSND_SAMPLE_IEC958_SUBFRAME + 1,
};

/* Absent from headers older than 2024. */
enum { RATE_12000 = 14, RATE_24000 = 15 };

/* By VIRTIO_SND_PCM_RATE (V46-V48). */
static const struct {
	uint32_t hz;
	const char *name;
} rates[] = {
    [VIRTIO_SND_PCM_RATE_5512] = {5512, "5512"},
    [VIRTIO_SND_PCM_RATE_8000] = {8000, "8000"},
    [VIRTIO_SND_PCM_RATE_11025] = {11025, "11025"},
    [VIRTIO_SND_PCM_RATE_16000] = {16000, "16000"},
    [VIRTIO_SND_PCM_RATE_22050] = {22050, "22050"},
    [VIRTIO_SND_PCM_RATE_32000] = {32000, "32000"},
    [VIRTIO_SND_PCM_RATE_44100] = {44100, "44100"},
    [VIRTIO_SND_PCM_RATE_48000] = {48000, "48000"},
    [VIRTIO_SND_PCM_RATE_64000] = {64000, "64000"},
    [VIRTIO_SND_PCM_RATE_88200] = {88200, "88200"},
    [VIRTIO_SND_PCM_RATE_96000] = {96000, "96000"},
    [VIRTIO_SND_PCM_RATE_176400] = {176400, "176400"},
    [VIRTIO_SND_PCM_RATE_192000] = {192000, "192000"},
    [VIRTIO_SND_PCM_RATE_384000] = {384000, "384000"},
    [RATE_12000] = {12000, "12000"},
    [RATE_24000] = {24000, "24000"},
};

#define AT(position) VMSND_POSITION_##position

/* By VIRTIO_SND_CHMAP (V89): its name, and what it is to the host: the first of these that no
 * channel before it is, else OTHER. Loudspeakers that WAVE does not know sound as their nearest
 * neighbours. */
static const struct {
	const char *name;
	uint8_t ours[2];
} positions[] = {
    [VIRTIO_SND_CHMAP_NONE] = {"NONE", {AT(OTHER)}},
    [VIRTIO_SND_CHMAP_NA] = {"NA", {AT(NONE)}},
    [VIRTIO_SND_CHMAP_MONO] = {"MONO", {AT(MONO)}},
    [VIRTIO_SND_CHMAP_FL] = {"FL", {AT(FL)}},
    [VIRTIO_SND_CHMAP_FR] = {"FR", {AT(FR)}},
    [VIRTIO_SND_CHMAP_RL] = {"RL", {AT(RL)}},
    [VIRTIO_SND_CHMAP_RR] = {"RR", {AT(RR)}},
    [VIRTIO_SND_CHMAP_FC] = {"FC", {AT(FC)}},
    [VIRTIO_SND_CHMAP_LFE] = {"LFE", {AT(LFE)}},
    [VIRTIO_SND_CHMAP_SL] = {"SL", {AT(SL)}},
    [VIRTIO_SND_CHMAP_SR] = {"SR", {AT(SR)}},
    [VIRTIO_SND_CHMAP_RC] = {"RC", {AT(RC)}},
    [VIRTIO_SND_CHMAP_FLC] = {"FLC", {AT(FLC)}},
    [VIRTIO_SND_CHMAP_FRC] = {"FRC", {AT(FRC)}},
    [VIRTIO_SND_CHMAP_RLC] = {"RLC", {AT(RL), AT(RC)}},
    [VIRTIO_SND_CHMAP_RRC] = {"RRC", {AT(RR), AT(RC)}},
    [VIRTIO_SND_CHMAP_FLW] = {"FLW", {AT(FLC), AT(SL)}},
    [VIRTIO_SND_CHMAP_FRW] = {"FRW", {AT(FRC), AT(SR)}},
    [VIRTIO_SND_CHMAP_FLH] = {"FLH", {AT(TFL), AT(FL)}},
    [VIRTIO_SND_CHMAP_FCH] = {"FCH", {AT(TFC), AT(FC)}},
    [VIRTIO_SND_CHMAP_FRH] = {"FRH", {AT(TFR), AT(FR)}},
    [VIRTIO_SND_CHMAP_TC] = {"TC", {AT(TC)}},
    [VIRTIO_SND_CHMAP_TFL] = {"TFL", {AT(TFL)}},
    [VIRTIO_SND_CHMAP_TFR] = {"TFR", {AT(TFR)}},
    [VIRTIO_SND_CHMAP_TFC] = {"TFC", {AT(TFC)}},
    [VIRTIO_SND_CHMAP_TRL] = {"TRL", {AT(TRL)}},
    [VIRTIO_SND_CHMAP_TRR] = {"TRR", {AT(TRR)}},
    [VIRTIO_SND_CHMAP_TRC] = {"TRC", {AT(TRC)}},
    [VIRTIO_SND_CHMAP_TFLC] = {"TFLC", {AT(TFL), AT(TFC)}},
    [VIRTIO_SND_CHMAP_TFRC] = {"TFRC", {AT(TFR), AT(TFC)}},
    [VIRTIO_SND_CHMAP_TSL] = {"TSL", {AT(TRL), AT(TFL)}},
    [VIRTIO_SND_CHMAP_TSR] = {"TSR", {AT(TRR), AT(TFR)}},
    [VIRTIO_SND_CHMAP_LLFE] = {"LLFE", {AT(LFE), AT(LFE)}},
    [VIRTIO_SND_CHMAP_RLFE] = {"RLFE", {AT(LFE), AT(LFE)}},
    [VIRTIO_SND_CHMAP_BC] = {"BC", {AT(FC), AT(FC)}},
    [VIRTIO_SND_CHMAP_BLC] = {"BLC", {AT(FLC), AT(FL)}},
    [VIRTIO_SND_CHMAP_BRC] = {"BRC", {AT(FRC), AT(FR)}},
};

enum {
	N_SAMPLES = sizeof(samples) / sizeof(samples[0]),
	N_RATES = sizeof(rates) / sizeof(rates[0]),
	N_POSITIONS = sizeof(positions) / sizeof(positions[0])
};

enum vmsnd_sample snd_sample_of(uint8_t format)
{
	return format < N_SAMPLES && samples[format] ? (enum vmsnd_sample)(samples[format] - 1)
						     : VMSND_SAMPLE_COUNT;
}

uint32_t snd_rate_of(uint8_t rate)
{
	return rate < N_RATES ? rates[rate].hz : 0;
}

const char *snd_rate_name(unsigned index)
{
	return index < N_RATES ? rates[index].name : NULL;
}

uint64_t snd_format_bit(enum vmsnd_sample sample)
{
	for (uint8_t i = 0; i < N_SAMPLES; i++)
		if (samples[i] == sample + 1)
			return UINT64_C(1) << i;
	return 0;
}

uint64_t snd_formats_pcm(void)
{
	uint64_t bits = 0;

	for (uint8_t i = 0; i < N_SAMPLES; i++)
		if (samples[i] && !vmsnd_sample_is_opaque((enum vmsnd_sample)(samples[i] - 1)))
			bits |= UINT64_C(1) << i;
	return bits;
}

uint64_t snd_rate_bit(uint32_t rate_hz)
{
	for (uint8_t i = 0; rate_hz != 0 && i < N_RATES; i++)
		if (rates[i].hz == rate_hz)
			return UINT64_C(1) << i;
	return 0;
}

const char *snd_position_name(unsigned position)
{
	return position < N_POSITIONS ? positions[position].name : NULL;
}

/* The first of its places that is free; OTHER: none. */
static enum vmsnd_position free_place(uint8_t position, uint32_t taken)
{
	for (unsigned i = 0; i < 2; i++)
		if (!(taken >> positions[position].ours[i] & 1))
			return (enum vmsnd_position)positions[position].ours[i];
	return VMSND_POSITION_OTHER;
}

static bool has_own_place(uint8_t position)
{
	return positions[position].ours[1] == VMSND_POSITION_UNSET;
}

/* Those that have a place of their own take it before those that only stand near one. */
static void set_places(const struct snd_chmap_plan *map, struct vmsnd_format *format)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < map->channels; i++)
		if (has_own_place(map->positions[i]))
			taken |= UINT32_C(1) << positions[map->positions[i]].ours[0];
	for (uint32_t i = 0; i < map->channels; i++) {
		uint8_t position = map->positions[i];

		format->positions[i] = positions[position].ours[0];
		if (has_own_place(position))
			continue;
		format->positions[i] = (uint8_t)free_place(position, taken);
		taken |= UINT32_C(1) << format->positions[i];
	}
}

void snd_positions(const struct vmsnd_snd *snd, uint32_t stream, struct vmsnd_format *format)
{
	const struct snd_stream_plan *plan = &snd->plan.streams[stream];

	for (uint32_t i = 0; i < snd->plan.n_chmaps; i++) {
		const struct snd_chmap_plan *map = &snd->plan.chmaps[i];

		if (map->group != plan->group || map->dir != plan->dir ||
		    map->channels != format->channels)
			continue;
		set_places(map, format);
		return;
	}
}

static uint8_t direction_of(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? VIRTIO_SND_D_OUTPUT : VIRTIO_SND_D_INPUT;
}

/* V30-V32, V38: outputs first. */
void snd_pcm_item(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	const struct snd_stream_plan *plan = &snd->plan.streams[id];
	const struct virtio_snd_pcm_info info = {
	    .hdr.hda_fn_nid = plan->group,
	    .features = plan->features,
	    .formats = plan->formats,
	    .rates = plan->rates,
	    .direction = direction_of(plan->dir),
	    .channels_min = plan->channels_min,
	    .channels_max = plan->channels_max,
	};

	memcpy(to, &info, sizeof(info));
}

void snd_chmap_item(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	const struct snd_chmap_plan *map = &snd->plan.chmaps[id];
	struct virtio_snd_chmap_info info = {
	    .hdr.hda_fn_nid = map->group,
	    .direction = direction_of(map->dir),
	    .channels = map->channels,
	};

	memcpy(info.positions, map->positions, map->channels);
	memcpy(to, &info, sizeof(info));
}

/* V4-V7: jacks, streams, chmaps, controls. The last is 0 unless control elements are on offer, and
 * the real number also before they are agreed on (V5): a vhost-user front end tells the card what
 * its driver accepted only once the driver has read this. Headers older than control elements end
 * before it; so the words are written here. */
void snd_config_read(const struct vmsnd_snd *snd, uint32_t offset, void *to, uint32_t bytes)
{
	const uint32_t words[] = {snd->plan.n_jacks, snd->plan.n_streams, snd->plan.n_chmaps,
				  snd->elements.n};

	memset(to, 0, bytes);
	if (offset >= sizeof(words))
		return;
	if (bytes > sizeof(words) - offset)
		bytes = (uint32_t)sizeof(words) - offset;
	memcpy(to, (const uint8_t *)words + offset, bytes);
}
