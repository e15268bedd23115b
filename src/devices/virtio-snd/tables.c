/* SPDX-License-Identifier: BSD-3-Clause */
/* What the card can do, as tables, and the items and configuration made of them. */
#include <string.h>

#include "base/endian.h"
#include "devices/virtio-snd/snd.h"

/* By VIRTIO_SND_PCM_FMT (V40-V42). Only what the host side takes as it lies in memory. */
static const struct snd_format formats[] = {
    [VIRTIO_SND_PCM_FMT_U8] = {VMSND_SAMPLE_U8, true},
    [VIRTIO_SND_PCM_FMT_S16] = {VMSND_SAMPLE_S16, true},
    [VIRTIO_SND_PCM_FMT_S24] = {VMSND_SAMPLE_S24, true},
    [VIRTIO_SND_PCM_FMT_S32] = {VMSND_SAMPLE_S32, true},
    [VIRTIO_SND_PCM_FMT_FLOAT] = {VMSND_SAMPLE_FLOAT, true},
};

/* By VIRTIO_SND_PCM_RATE (V46, V47). */
static const uint32_t rates_hz[] = {
    [VIRTIO_SND_PCM_RATE_8000] = 8000,     [VIRTIO_SND_PCM_RATE_11025] = 11025,
    [VIRTIO_SND_PCM_RATE_16000] = 16000,   [VIRTIO_SND_PCM_RATE_22050] = 22050,
    [VIRTIO_SND_PCM_RATE_32000] = 32000,   [VIRTIO_SND_PCM_RATE_44100] = 44100,
    [VIRTIO_SND_PCM_RATE_48000] = 48000,   [VIRTIO_SND_PCM_RATE_64000] = 64000,
    [VIRTIO_SND_PCM_RATE_88200] = 88200,   [VIRTIO_SND_PCM_RATE_96000] = 96000,
    [VIRTIO_SND_PCM_RATE_176400] = 176400, [VIRTIO_SND_PCM_RATE_192000] = 192000,
};

/* Maps each direction with streams has (V85-V89), one for every channel count on offer. */
static const struct {
	uint8_t channels;
	uint8_t positions[SND_CHANNELS_MAX];
} maps[] = {
    {1, {VIRTIO_SND_CHMAP_MONO}},
    {2, {VIRTIO_SND_CHMAP_FL, VIRTIO_SND_CHMAP_FR}},
};

enum {
	N_FORMATS = sizeof(formats) / sizeof(formats[0]),
	N_RATES = sizeof(rates_hz) / sizeof(rates_hz[0]),
	N_MAPS = sizeof(maps) / sizeof(maps[0])
};

const struct snd_format *snd_format_of(uint8_t format)
{
	return format < N_FORMATS && formats[format].offered ? &formats[format] : NULL;
}

uint32_t snd_rate_of(uint8_t rate)
{
	return rate < N_RATES ? rates_hz[rate] : 0;
}

static uint64_t format_bits(void)
{
	uint64_t bits = 0;

	for (uint8_t i = 0; i < N_FORMATS; i++)
		bits |= (uint64_t)(snd_format_of(i) != NULL) << i;
	return bits;
}

static uint64_t rate_bits(void)
{
	uint64_t bits = 0;

	for (uint8_t i = 0; i < N_RATES; i++)
		bits |= (uint64_t)(snd_rate_of(i) != 0) << i;
	return bits;
}

uint32_t snd_chmaps_of(uint32_t n_playback, uint32_t n_capture)
{
	return ((n_playback != 0) + (uint32_t)(n_capture != 0)) * N_MAPS;
}

/* V30-V32, V38: outputs first. Features stay 0: none of them is implemented. */
void snd_pcm_item(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	const struct virtio_snd_pcm_info info = {
	    .formats = format_bits(),
	    .rates = rate_bits(),
	    .direction = id < snd->n_playback ? VIRTIO_SND_D_OUTPUT : VIRTIO_SND_D_INPUT,
	    .channels_min = SND_CHANNELS_MIN,
	    .channels_max = SND_CHANNELS_MAX,
	};

	memcpy(to, &info, sizeof(info));
}

void snd_chmap_item(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	bool output = snd->n_playback != 0 && id < N_MAPS;
	struct virtio_snd_chmap_info info = {
	    .direction = output ? VIRTIO_SND_D_OUTPUT : VIRTIO_SND_D_INPUT,
	    .channels = maps[id % N_MAPS].channels,
	};

	memcpy(info.positions, maps[id % N_MAPS].positions, sizeof(maps[0].positions));
	memcpy(to, &info, sizeof(info));
}

/* V4-V6: jacks, streams, chmaps, controls. The last is 0 while control elements are not
 * offered (V3), and headers older than it end before it; so the words are written here. */
void snd_config_read(const struct vmsnd_snd *snd, uint32_t offset, void *to, uint32_t bytes)
{
	const uint32_t words[] = {0, snd->n_streams, snd->n_chmaps, 0};

	memset(to, 0, bytes);
	if (offset >= sizeof(words))
		return;
	if (bytes > sizeof(words) - offset)
		bytes = (uint32_t)sizeof(words) - offset;
	memcpy(to, (const uint8_t *)words + offset, bytes);
}
