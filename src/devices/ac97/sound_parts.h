/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of sound.h share. */
#ifndef VMSND_DEVICES_AC97_SOUND_PARTS_H
#define VMSND_DEVICES_AC97_SOUND_PARTS_H

#include "devices/ac97/codec_parts.h"
#include "devices/ac97/sound.h"

enum { AC97_LEFT, AC97_RIGHT };

/* What record select (1a) may name. */
enum ac97_source {
	AC97_SOURCE_MIC,
	AC97_SOURCE_CD,
	AC97_SOURCE_VIDEO,
	AC97_SOURCE_AUX,
	AC97_SOURCE_LINE,
	AC97_SOURCE_STEREO_MIX,
	AC97_SOURCE_MONO_MIX,
	AC97_SOURCE_PHONE
};

/* sound_levels.c: by channel, thousandths of a decibel; muted: VMSND_GAIN_MIN_MDB. */
void ac97_levels(const struct ac97_sound *sound, int32_t mdb[AC97_CHANNELS]);
int32_t ac97_record_mdb(const struct ac97_sound *sound, enum ac97_converter converter,
			unsigned side);
double ac97_factor(int32_t mdb);

/* sound.c: one sample of a frame, full scale -1 .. 1, and back: rounded to 16 or 20 bits. */
double ac97_sample_get(const struct vmsnd_format *format, const void *frames, size_t index);
void ac97_sample_put(const struct vmsnd_format *format, void *frames, size_t index, double value);

/* sound_tone.c */
void ac97_tone_init(struct ac97_tone *tone);
void ac97_tone_want(struct ac97_tone *tone, uint16_t wanted);
void ac97_tone_apply(struct ac97_tone *tone, const struct vmsnd_format *format, void *frames,
		     uint32_t n);
/* At once where the register wants it, for a state that was loaded; what went by stays. */
void ac97_tone_load(struct ac97_tone *tone);

/* sound_mix.c */
void ac97_loop_init(struct ac97_loop *loop);
void ac97_loop_keep(struct ac97_sound *sound, const struct vmsnd_format *format, const void *frames,
		    uint32_t n);
/* The next frame as the recorder hears it, by side, with gains that walk to `gain`; silence while
 * there is none. */
void ac97_loop_begin(struct ac97_loop *loop, uint32_t rate_hz, uint32_t n);
void ac97_loop_next(struct ac97_loop *loop, uint32_t rate_hz, const double gain[2], double out[2]);

#endif
