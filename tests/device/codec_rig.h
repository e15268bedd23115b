/* SPDX-License-Identifier: BSD-3-Clause */
/* A codec, and what its registers do to sound, without a card around them. */
#ifndef VMSND_TESTS_CODEC_RIG_H
#define VMSND_TESTS_CODEC_RIG_H

#include "devices/ac97/sound_parts.h"

struct codec_rig {
	struct ac97_codec codec;
	struct ac97_sound sound;
};

static inline void codec_rig_start(struct codec_rig *rig, enum ac97_part part,
				   enum ac97_outlet outlet)
{
	const struct ac97_codec_conf conf = {.part = part, .tone = true, .channels = 6};

	ac97_codec_init(&rig->codec, &conf);
	ac97_sound_init(&rig->sound, &rig->codec, outlet);
}

static inline void codec_rig_set(struct codec_rig *rig, unsigned offset, uint16_t value)
{
	if (ac97_codec_write(&rig->codec, offset, value))
		ac97_sound_changed(&rig->sound);
}

static inline struct ac97_codec codec_make(enum ac97_part part, uint8_t channels)
{
	const struct ac97_codec_conf conf = {.part = part, .channels = channels};
	struct ac97_codec codec;

	ac97_codec_init(&codec, &conf);
	return codec;
}

#define CODEC_EACH_PART(part)                                                                      \
	enum ac97_part part = AC97_PART_STAC9700;                                                  \
	part < AC97_PART_COUNT;                                                                    \
	part = (enum ac97_part)(part + 1)

#endif
