/* SPDX-License-Identifier: BSD-3-Clause */
/* What a card is made of: function groups with their streams, jacks, channel maps and control
 * elements, as the configuration asks for them (docs/virtio-snd.md). Plain data, constant once the
 * card is made; what the guest's driver is shown is written from it (tables.c). */
#ifndef VMSND_DEVICES_VIRTIO_SND_TOPOLOGY_H
#define VMSND_DEVICES_VIRTIO_SND_TOPOLOGY_H

#include "vmsnd/device.h"

#define SND_STREAMS_MAX  64u
#define SND_JACKS_MAX    32u
#define SND_CHANNELS_MAX VMSND_CHANNELS_MAX
#define SND_GROUP_MAX    127u /* node ids of HDA have seven bits */
#define SND_OUTPUTS_MAX  8u   /* of a card: VMSND_OUTPUTS_MAX */

struct snd_stream_plan {
	enum vmsnd_dir dir;
	uint32_t group;          /* hda_fn_nid (V22) */
	uint64_t formats, rates; /* bits as the standard numbers them */
	uint32_t features;       /* bits VIRTIO_SND_PCM_F_* on offer */
	uint32_t outputs;        /* as struct vmsnd_stream_plan */
	uint32_t ring_bytes;     /* likewise */
	uint8_t channels_min, channels_max;
	/* Where its owner says that so many channels are; 0 of them: nowhere. */
	uint8_t n_positions;
	uint8_t positions[SND_CHANNELS_MAX]; /* VIRTIO_SND_CHMAP_* */
};

/* HDA 7.3.4.9, the capabilities of a pin. */
enum {
	SND_PIN_PRESENCE = 1 << 2,
	SND_PIN_HEADPHONES = 1 << 3,
	SND_PIN_OUTPUT = 1 << 4,
	SND_PIN_INPUT = 1 << 5,
	SND_PIN_HDMI = 1 << 7
};

struct snd_jack_plan {
	char name[VMSND_JACK_NAME_BYTES];
	uint32_t group;
	uint32_t pin_config; /* HDA 7.3.3.31 */
	uint32_t pin_caps;   /* SND_PIN_* */
	uint32_t output;     /* which it follows, or VMSND_OUTPUT_NONE */
	bool remap;          /* the guest may remap it */
	bool connected;      /* at power-on, unless it follows */
};

struct snd_chmap_plan {
	uint32_t group;
	enum vmsnd_dir dir;
	uint8_t channels;
	uint8_t positions[SND_CHANNELS_MAX]; /* VIRTIO_SND_CHMAP_* */
};

/* Bits of the device and of its rings on offer; always with VERSION_1. */
struct snd_topology {
	uint64_t features;
	uint32_t n_playback, n_streams, n_jacks, n_chmaps;
	struct snd_stream_plan streams[SND_STREAMS_MAX];
	struct snd_jack_plan jacks[SND_JACKS_MAX];
	struct snd_chmap_plan *chmaps; /* behind the card; NULL while they are only counted */
};

/* VMSND_E_INVALID: the configuration makes no sense; the line is in `error` (may be NULL). Without
 * options and node the defaults of the option table hold. Chmaps are written if there is room for
 * them, and counted. */
enum vmsnd_rc snd_topology_read(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				struct vmsnd_error *error);

/* topology_jacks.c: the card's jacks, and the features of streams (V35-V37); both are part of
 * snd_topology_read. */
enum vmsnd_rc snd_topology_jacks(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				 struct vmsnd_error *error);
void snd_topology_features(const struct vmsnd_dev_conf *conf, struct snd_topology *out);

#endif
