/* SPDX-License-Identifier: BSD-3-Clause */
/* What the codec's registers do to sound. Loudness and mutes go to the ports' mixers, on top of the
 * owner's volume, so that flat registers leave every bit as it is; tone, mono, microphone boost and
 * the choice of what is recorded work on the frames as they go by. */
#ifndef VMSND_DEVICES_AC97_SOUND_H
#define VMSND_DEVICES_AC97_SOUND_H

#include "devices/ac97/codec.h"

/* Which of the codec's outputs the host's are plugged into. */
enum ac97_outlet { AC97_OUTLET_LINE, AC97_OUTLET_HEADPHONE, AC97_OUTLET_MONO };

/* Of what is played, kept for who records the mix; a power of two. */
#define AC97_LOOP_FRAMES 16384u
/* Channels of a port: FL FR RL RR FC LFE. */
#define AC97_CHANNELS 6u

/* Bass and treble of the front pair: one biquad each. When the register changes, what comes out
 * fades from one pair of filters to the next, so that nothing clicks. */
struct ac97_tone {
	bool flat;           /* nothing to do, and no fade on */
	uint16_t wanted, to; /* settings: the register's, and those that it is at, or fades to */
	uint32_t rate_hz;    /* that the filters are for; 0: none yet */
	uint32_t left;       /* frames of the fade */
	struct ac97_filters {
		double c[2][5];       /* b0 b1 b2 a1 a2 */
		double past[2][2][4]; /* by side and filter: x1 x2 y1 y2 */
	} old, now;
};

struct ac97_loop {
	bool wanted;            /* someone records the mix */
	bool running;           /* what is recorded comes from here; else it waits to fill */
	uint64_t written, read; /* frames */
	uint32_t part;          /* of a frame beyond `read`, in 1 / the recorder's rate */
	uint32_t rate_hz;       /* that they were played at; 0: none was */
	double gain[2];         /* of the last frame kept */
	double heard[2];        /* the recorder's, of the last frame that it has heard */
	int16_t frames[AC97_LOOP_FRAMES][2];
};

struct ac97_sound {
	const struct ac97_codec *codec; /* the primary one */
	enum ac97_outlet outlet;
	struct ac97_tone tone;
	struct ac97_loop loop;
	double boost; /* of the microphone, of the last frame */
};

void ac97_sound_init(struct ac97_sound *sound, const struct ac97_codec *codec,
		     enum ac97_outlet outlet);
/* A register was written. What went by is kept. */
void ac97_sound_changed(struct ac97_sound *sound);
/* The mixer of a port that plays the front DACs (and surround, LFE: channels by position). */
void ac97_sound_play_mixer(const struct ac97_sound *sound, struct vmsnd_mixer *out);
/* Of one that records: the ADC's gain, or the microphone's own. */
void ac97_sound_record_mixer(const struct ac97_sound *sound, enum ac97_converter converter,
			     struct vmsnd_mixer *out);
/* The owner has turned the mixer of a port that plays the front DACs, or records by an ADC: the
 * registers that come nearest. */
void ac97_sound_turned(struct ac97_sound *sound, struct ac97_codec *codec,
		       enum ac97_converter converter, const struct vmsnd_mixer *mixer);

/* Frames on their way from guest memory to the port, in place. `format` is S16 or S32 (20 bits on
 * top), 1 to 6 channels. Touches nothing while tone is flat and the outlet is not mono. */
void ac97_sound_play(struct ac97_sound *sound, const struct vmsnd_format *format, void *frames,
		     uint32_t n);
/* Frames on their way from the port to guest memory, in place: where the source is the mix of what
 * is played, that; where nothing is plugged into it, silence. */
void ac97_sound_record(struct ac97_sound *sound, enum ac97_converter converter,
		       const struct vmsnd_format *format, void *frames, uint32_t n);
/* As after init: a reset of the card. */
void ac97_sound_reset(struct ac97_sound *sound);

void ac97_sound_save(const struct ac97_sound *sound, struct vmsnd_state_writer *to);
/* After the codec's. VMSND_E_DAMAGED: a value that cannot be; it is as after init then. */
enum vmsnd_rc ac97_sound_load(struct ac97_sound *sound, struct vmsnd_state_reader *from);

#endif
