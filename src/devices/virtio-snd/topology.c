/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/virtio-snd/topology.h"

#include <string.h>

#include "devices/virtio-snd/snd.h"
#include "devices/virtio-snd/topology_parts.h"

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

static enum vmsnd_rc count_streams(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				   struct vmsnd_error *error)
{
	struct vmsnd_place place = {.file = NULL};
	char who[SND_PATH_BYTES];

	out->n_playback = conf->playback_streams;
	out->n_streams = conf->playback_streams + conf->capture_streams;
	if (conf->playback_streams <= SND_STREAMS_MAX && conf->capture_streams <= SND_STREAMS_MAX &&
	    out->n_streams <= SND_STREAMS_MAX && out->n_streams > 0)
		return VMSND_OK;
	if (conf->node)
		place = vmsnd_node_place(conf->node);
	snd_card_path(conf, who);
	return vmsnd_error_set(error, &place,
			       "%s: virtio-snd cannot have %u playback and %u capture streams: "
			       "there may be 64 in all, and one there must be",
			       who, conf->playback_streams, conf->capture_streams);
}

enum vmsnd_rc snd_topology_read(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				struct vmsnd_error *error)
{
	struct snd_chmap_plan *chmaps = out->chmaps;
	struct vmsnd_error ignored;
	enum vmsnd_rc rc;

	error = error ? error : &ignored;
	memset(out, 0, sizeof(*out));
	out->chmaps = chmaps;
	out->features = offered_features(conf->options);
	rc = count_streams(conf, out, error);
	if (!rc)
		rc = snd_topology_streams(conf, out, error);
	if (!rc)
		rc = snd_topology_jacks(conf, out, error);
	if (!rc)
		rc = snd_topology_join(conf, out, error);
	if (rc)
		return rc;
	snd_topology_features(conf, out);
	snd_topology_maps(out);
	return VMSND_OK;
}
