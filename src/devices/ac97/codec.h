/* SPDX-License-Identifier: BSD-3-Clause */
/* An AC'97 2.3 codec: the mixer's 64 registers of a real part, read back as on the chip. Knows
 * nothing of the controller and nothing of sound: sound.h says what the registers do to it. */
#ifndef VMSND_DEVICES_AC97_CODEC_H
#define VMSND_DEVICES_AC97_CODEC_H

#include "vmsnd/device.h"

#define AC97_CODEC_VENDOR_WORDS 16u
#define AC97_CODEC_REGISTERS    64u /* 16 bits each, at even offsets 0x00 .. 0x7e */

enum ac97_part {
	AC97_PART_STAC9700,
	AC97_PART_AD1980,
	AC97_PART_AD1981B,
	AC97_PART_ALC650,
	AC97_PART_COUNT
};

/* What converts frames; rates are those of registers 2c .. 34, and of S/PDIF as 3a has it. */
enum ac97_converter {
	AC97_DAC_FRONT,
	AC97_DAC_SURROUND,
	AC97_DAC_LFE,
	AC97_ADC,
	AC97_ADC_MIC,
	AC97_SPDIF,
	AC97_CONVERTER_COUNT
};

struct ac97_codec_conf {
	enum ac97_part part;
	bool tone;        /* the optional bass and treble (AC'97 2.3, 5.7.4) */
	uint8_t number;   /* 0: the primary; 1, 2: a secondary one */
	uint8_t channels; /* 2, 4 or 6: DACs that there are (extended id) */
};

struct ac97_codec {
	struct ac97_codec_conf conf;
	uint16_t regs[AC97_CODEC_REGISTERS];      /* as written, by offset / 2 */
	uint16_t vendor[AC97_CODEC_VENDOR_WORDS]; /* page 1 of the paged registers */
	uint8_t jacks; /* bit n: something is in jack n (enum ac97_jack) */
};

enum ac97_jack {
	AC97_JACK_LINE_OUT,
	AC97_JACK_HEADPHONE,
	AC97_JACK_MIC,
	AC97_JACK_LINE_IN,
	AC97_JACK_COUNT
};

/* The number of a part by name ("stac9700"), AC97_PART_COUNT for a name that is none. */
enum ac97_part ac97_part_find(const char *name);
/* Words of PCI's subsystem id that go with it (A9-01): 0 of each but for the AD parts. */
void ac97_part_subsystem(enum ac97_part part, uint16_t *vendor, uint16_t *device);

/* The most channels that it can have. */
uint8_t ac97_part_channels(enum ac97_part part);
bool ac97_part_headphone(enum ac97_part part);

/* More channels than the part can have are as many as it can. */
void ac97_codec_init(struct ac97_codec *codec, const struct ac97_codec_conf *conf);
/* Cold: all registers as at power-on. (A write to register 0 does the same to the mixer.) */
void ac97_codec_reset(struct ac97_codec *codec);
/* Any even offset below 0x80. Others: all ones, and nothing. */
uint16_t ac97_codec_read(const struct ac97_codec *codec, unsigned offset);
/* What to write so that nothing changes: it as it reads, with 0 where a 1 clears. */
uint16_t ac97_codec_kept(const struct ac97_codec *codec, unsigned offset);
/* True: what it does to sound, or a rate, may be another now. */
bool ac97_codec_write(struct ac97_codec *codec, unsigned offset, uint16_t value);
/* Frames a second; double rate included (front only). Never 0: what no part can do is brought to
 * the nearest that it can (A9-21, defect 14). */
uint32_t ac97_codec_rate_hz(const struct ac97_codec *codec, enum ac97_converter converter);
/* Whether registers and power bits let this converter work. */
bool ac97_codec_works(const struct ac97_codec *codec, enum ac97_converter converter);
/* Something was plugged in or pulled out. True: the codec wants to say so (GPIO / sense interrupt,
 * as the part has it). */
bool ac97_codec_jack(struct ac97_codec *codec, enum ac97_jack jack, bool in);

void ac97_codec_save(const struct ac97_codec *codec, struct vmsnd_state_writer *to);
enum vmsnd_rc ac97_codec_load(struct ac97_codec *codec, struct vmsnd_state_reader *from);

#endif
