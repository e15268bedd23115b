/* SPDX-License-Identifier: BSD-3-Clause */
/* The standard's numbers as tables, and the items and configuration that a driver is shown. */
#include <string.h>

#include "base/endian.h"
#include "devices/virtio-snd/snd.h"

/* By VIRTIO_SND_PCM_FMT (V40-V45), one more than the value, so that what is not there is 0. */
static const uint8_t samples[] = {
    [VIRTIO_SND_PCM_FMT_U8] = VMSND_SAMPLE_U8 + 1,
    [VIRTIO_SND_PCM_FMT_S16] = VMSND_SAMPLE_S16 + 1,
    [VIRTIO_SND_PCM_FMT_S24] = VMSND_SAMPLE_S24 + 1,
    [VIRTIO_SND_PCM_FMT_S32] = VMSND_SAMPLE_S32 + 1,
    [VIRTIO_SND_PCM_FMT_FLOAT] = VMSND_SAMPLE_FLOAT + 1,
};

/* By VIRTIO_SND_PCM_RATE (V46-V48). */
static const uint32_t rates_hz[] = {
    [VIRTIO_SND_PCM_RATE_8000] = 8000,     [VIRTIO_SND_PCM_RATE_11025] = 11025,
    [VIRTIO_SND_PCM_RATE_16000] = 16000,   [VIRTIO_SND_PCM_RATE_22050] = 22050,
    [VIRTIO_SND_PCM_RATE_32000] = 32000,   [VIRTIO_SND_PCM_RATE_44100] = 44100,
    [VIRTIO_SND_PCM_RATE_48000] = 48000,   [VIRTIO_SND_PCM_RATE_64000] = 64000,
    [VIRTIO_SND_PCM_RATE_88200] = 88200,   [VIRTIO_SND_PCM_RATE_96000] = 96000,
    [VIRTIO_SND_PCM_RATE_176400] = 176400, [VIRTIO_SND_PCM_RATE_192000] = 192000,
};

/* By VIRTIO_SND_CHMAP (V89). */
static const uint8_t positions[] = {
    [VIRTIO_SND_CHMAP_NONE] = VMSND_POSITION_OTHER, [VIRTIO_SND_CHMAP_NA] = VMSND_POSITION_NONE,
    [VIRTIO_SND_CHMAP_MONO] = VMSND_POSITION_MONO,  [VIRTIO_SND_CHMAP_FL] = VMSND_POSITION_FL,
    [VIRTIO_SND_CHMAP_FR] = VMSND_POSITION_FR,
};

enum {
	N_SAMPLES = sizeof(samples) / sizeof(samples[0]),
	N_RATES = sizeof(rates_hz) / sizeof(rates_hz[0]),
	N_POSITIONS = sizeof(positions) / sizeof(positions[0])
};

enum vmsnd_sample snd_sample_of(uint8_t format)
{
	return format < N_SAMPLES && samples[format] ? (enum vmsnd_sample)(samples[format] - 1)
						     : VMSND_SAMPLE_COUNT;
}

uint32_t snd_rate_of(uint8_t rate)
{
	return rate < N_RATES ? rates_hz[rate] : 0;
}

uint64_t snd_format_bit(enum vmsnd_sample sample)
{
	for (uint8_t i = 0; i < N_SAMPLES; i++)
		if (samples[i] == sample + 1)
			return UINT64_C(1) << i;
	return 0;
}

uint64_t snd_rate_bit(uint32_t rate_hz)
{
	for (uint8_t i = 0; rate_hz != 0 && i < N_RATES; i++)
		if (rates_hz[i] == rate_hz)
			return UINT64_C(1) << i;
	return 0;
}

enum vmsnd_position snd_position_of(uint8_t position)
{
	return position < N_POSITIONS ? (enum vmsnd_position)positions[position]
				      : VMSND_POSITION_OTHER;
}

void snd_positions(const struct vmsnd_snd *snd, uint32_t stream, struct vmsnd_format *format)
{
	const struct snd_stream_plan *plan = &snd->plan.streams[stream];

	for (uint32_t i = 0; i < snd->plan.n_chmaps; i++) {
		const struct snd_chmap_plan *map = &snd->plan.chmaps[i];

		if (map->group != plan->group || map->dir != plan->dir ||
		    map->channels != format->channels)
			continue;
		for (uint32_t c = 0; c < map->channels; c++)
			format->positions[c] = (uint8_t)snd_position_of(map->positions[c]);
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
