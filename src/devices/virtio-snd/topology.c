/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio-snd/topology.h"

#include <string.h>

#include "devices/virtio-snd/snd.h"

/* Maps each direction with streams has (V85-V89), one for every channel count on offer. */
static const struct {
	uint8_t channels;
	uint8_t positions[2];
} maps[] = {
    {1, {VIRTIO_SND_CHMAP_MONO}},
    {2, {VIRTIO_SND_CHMAP_FL, VIRTIO_SND_CHMAP_FR}},
};

/* Features that are options (docs/virtio-snd.md). */
static const struct {
	const char *key;
	uint64_t bit;
} feature_options[] = {
    {"controls", SND_F_CTLS},
    {"event-idx", VMSND_VIRTIO_F_EVENT_IDX},
    {"indirect", VMSND_VIRTIO_F_INDIRECT_DESC},
    {"packed", VMSND_VIRTIO_F_RING_PACKED},
    {"in-order", VMSND_VIRTIO_F_IN_ORDER},
    {"ring-reset", VMSND_VIRTIO_F_RING_RESET},
};

static uint64_t offered_features(const struct vmsnd_conf *options)
{
	static const struct vmsnd_conf defaults = {.table = snd_options};
	uint64_t features = VMSND_VIRTIO_F_VERSION_1;

	for (size_t i = 0; i < sizeof(feature_options) / sizeof(feature_options[0]); i++)
		if (vmsnd_conf_bool(options ? options : &defaults, feature_options[i].key))
			features |= feature_options[i].bit;
	return features;
}

static void add_maps(struct snd_topology *out, enum vmsnd_dir dir)
{
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		uint32_t at = out->n_chmaps++;

		if (!out->chmaps)
			continue;
		out->chmaps[at] = (struct snd_chmap_plan){.dir = dir, .channels = maps[i].channels};
		memcpy(out->chmaps[at].positions, maps[i].positions, sizeof(maps[i].positions));
	}
}

enum vmsnd_rc snd_topology_read(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				struct vmsnd_error *error)
{
	struct snd_chmap_plan *chmaps = out->chmaps;

	memset(out, 0, sizeof(*out));
	out->chmaps = chmaps;
	if (conf->playback_streams > SND_STREAMS_MAX || conf->capture_streams > SND_STREAMS_MAX ||
	    conf->playback_streams + conf->capture_streams > SND_STREAMS_MAX ||
	    conf->playback_streams + conf->capture_streams == 0)
		return VMSND_E_INVALID;
	out->features = offered_features(conf->options);
	out->n_playback = conf->playback_streams;
	out->n_streams = conf->playback_streams + conf->capture_streams;
	for (uint32_t i = 0; i < out->n_streams; i++)
		out->streams[i] = (struct snd_stream_plan){
		    .dir = i < out->n_playback ? VMSND_PLAYBACK : VMSND_CAPTURE,
		    .formats = snd_format_bit(VMSND_SAMPLE_U8) | snd_format_bit(VMSND_SAMPLE_S16) |
			       snd_format_bit(VMSND_SAMPLE_S24) | snd_format_bit(VMSND_SAMPLE_S32) |
			       snd_format_bit(VMSND_SAMPLE_FLOAT),
		    .rates = UINT64_C(0x1ffe),
		    .outputs = UINT32_MAX,
		    .channels_min = 1,
		    .channels_max = 2,
		};
	if (conf->playback_streams)
		add_maps(out, VMSND_PLAYBACK);
	if (conf->capture_streams)
		add_maps(out, VMSND_CAPTURE);
	snd_topology_features(conf, out);
	return snd_topology_jacks(conf, out, error);
}
