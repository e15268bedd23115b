/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts are: a table of 64 registers each, and the little that registers do not tell. */
#ifndef VMSND_DEVICES_AC97_CODEC_PARTS_H
#define VMSND_DEVICES_AC97_CODEC_PARTS_H

#include "devices/ac97/codec.h"

/* Offsets (AC'97 2.3, 5.7 to 5.9). */
enum {
	AC97_RESET = 0x00,
	AC97_MASTER = 0x02,
	AC97_HEADPHONE = 0x04,
	AC97_MONO = 0x06,
	AC97_TONE = 0x08,
	AC97_BEEP = 0x0a,
	AC97_PHONE_IN = 0x0c,
	AC97_MIC_IN = 0x0e,
	AC97_LINE_IN = 0x10,
	AC97_CD_IN = 0x12,
	AC97_VIDEO_IN = 0x14,
	AC97_AUX_IN = 0x16,
	AC97_PCM = 0x18,
	AC97_RECORD_SELECT = 0x1a,
	AC97_RECORD_GAIN = 0x1c,
	AC97_RECORD_GAIN_MIC = 0x1e,
	AC97_GENERAL = 0x20,
	AC97_3D = 0x22,
	AC97_INTERRUPT = 0x24,
	AC97_POWER = 0x26,
	AC97_EXTENDED_ID = 0x28,
	AC97_EXTENDED = 0x2a,
	AC97_RATE_FRONT = 0x2c,
	AC97_RATE_SURROUND = 0x2e,
	AC97_RATE_LFE = 0x30,
	AC97_RATE_ADC = 0x32,
	AC97_RATE_MIC = 0x34,
	AC97_CENTER_LFE = 0x36,
	AC97_SURROUND = 0x38,
	AC97_SPDIF_CONTROL = 0x3a,
	AC97_PAGED = 0x60, /* .. 6e: by the page of register 24 */
	AC97_FUNCTION_SELECT = 0x66,
	AC97_FUNCTION = 0x68,
	AC97_SENSE = 0x6a,
	AC97_SIGMATEL_ANALOG = 0x6c,
	AC97_ALC_SURROUND_GAIN = 0x64,
	AC97_ALC_LFE_GAIN = 0x66,
	AC97_ALC_CHANNELS = 0x6a,
	AC97_ALC_GPIO_SETUP = 0x76,
	AC97_ALC_GPIO = 0x78,
	AC97_AD_JACKS = 0x72,
	AC97_AD_SERIAL = 0x74,
	AC97_AD_MISC = 0x76,
	AC97_VENDOR1 = 0x7c,
	AC97_VENDOR2 = 0x7e
};

/* Bits. */
enum {
	AC97_MUTE = 0x8000,
	AC97_MUTE_RIGHT = 0x0080,
	AC97_MIC_BOOST = 0x0040,
	AC97_GENERAL_MIX = 0x0200, /* mono out: the microphone instead of the mix */
	AC97_ID_MIC = 0x0001,      /* of register 00 */
	AC97_ID_TONE = 0x0004,
	AC97_EXT_VRA = 0x0001, /* of 28 and 2a */
	AC97_EXT_DRA = 0x0002,
	AC97_EXT_SPDIF = 0x0004,
	AC97_EXT_VRM = 0x0008,
	AC97_EXT_CENTER = 0x0040,
	AC97_EXT_SURROUND = 0x0080,
	AC97_EXT_LFE = 0x0100,
	AC97_EXT_DACS = 0x01c0,
	AC97_EXT_MIC_READY = 0x0200,
	AC97_EXT_SPDIF_VALID = 0x0400,
	AC97_EXT_PRI = 0x0800,   /* center off */
	AC97_EXT_PRJ = 0x1000,   /* surround off */
	AC97_EXT_PRK = 0x2000,   /* LFE off */
	AC97_EXT_PRL = 0x4000,   /* microphone's ADC off */
	AC97_PR0 = 0x0100,       /* ADCs and input selectors off */
	AC97_PR1 = 0x0200,       /* front DACs off */
	AC97_PR2 = 0x0400,       /* analog mixer off */
	AC97_PR3 = 0x0800,       /* analog mixer and its voltage reference off */
	AC97_PR4 = 0x1000,       /* AC-link off */
	AC97_PR5 = 0x2000,       /* clocks off */
	AC97_PR6 = 0x4000,       /* headphone amplifier off */
	AC97_AD_LOSEL = 0x0020,  /* line out carries surround, not front */
	AC97_AD_HPSEL = 0x0400,  /* headphone out carries front, not surround */
	AC97_AD_MSPLT = 0x2000,  /* a mute for each side */
	AC97_AD_AC97NC = 0x4000, /* registers 36, 38: gain of DACs, not of outputs */
	AC97_AD_CLDIS = 0x0800,  /* center and LFE outputs off */
	AC97_AD_LODIS = 0x1000,  /* line output off */
	AC97_SIGMATEL_ADC_6DB = 0x0001,
	AC97_SIGMATEL_DAC_6DB = 0x0002,
	AC97_AD_SRU = 0x0010,  /* each DAC has a rate of its own */
	AC97_AD_REGM0 = 0x1000 /* of 74: accesses reach the master */
};

enum ac97_kind {
	AC97_KIND_PLAIN,
	AC97_KIND_RESET,
	AC97_KIND_OUTPUT, /* five bits of attenuation where the standard has six (A9-17) */
	AC97_KIND_INTERRUPT,
	AC97_KIND_POWER,
	AC97_KIND_EXTENDED_ID,
	AC97_KIND_EXTENDED,
	AC97_KIND_RATE,
	AC97_KIND_SPDIF,
	AC97_KIND_AD_JACKS,
	AC97_KIND_ALC_GPIO,
	AC97_KIND_ALC_GATED, /* as 76 and 7a: behind bit 15 of 78 */
	AC97_KIND_COUNT
};

/* What a register is there for; without it, it reads as 0. */
enum ac97_needs {
	AC97_NEEDS_NOTHING,
	AC97_NEEDS_TONE,
	AC97_NEEDS_SURROUND, /* 4 channels or 6 */
	AC97_NEEDS_CENTER    /* 6 */
};

struct ac97_register {
	uint16_t reset, writable;
	uint8_t kind, needs;
};

enum ac97_part_flag {
	AC97_PART_MIC_ADC = 1,    /* an ADC of the microphone's own */
	AC97_PART_PAGES = 2,      /* page 1 behind 60 .. 6e: jack sensing of AC'97 2.3 */
	AC97_PART_MUTE_SPLIT = 4, /* bit 7 is the right side's mute once MSPLT is set */
	AC97_PART_SERIAL = 8,     /* answers only while REGM0 of 74 is set */
	AC97_PART_SRU = 16,       /* rates of all DACs are one while SRU of 76 is clear */
	AC97_PART_SELECT = 32,    /* LOSEL, HPSEL of 76 */
	AC97_PART_HEADPHONE = 64
};

struct ac97_part_info {
	const char *name;
	uint16_t subsystem_vendor, subsystem;
	uint8_t flags, channels;  /* channels: the most */
	uint16_t min_hz, max_hz;  /* of VRA */
	const uint16_t *rates_hz; /* these alone; NULL: each between; 0 after the last */
	uint8_t spdif_rates;      /* bit n: SPSR may be n */
	struct ac97_register registers[AC97_CODEC_REGISTERS];
};

extern const struct ac97_part_info ac97_parts[AC97_PART_COUNT];

static inline const struct ac97_part_info *ac97_codec_part(const struct ac97_codec *codec)
{
	return &ac97_parts[codec->conf.part];
}

static inline uint16_t ac97_codec_reg(const struct ac97_codec *codec, unsigned offset)
{
	return codec->regs[offset / 2];
}

/* The row of a register; NULL: this codec has none there. */
const struct ac97_register *ac97_codec_row(const struct ac97_codec *codec, unsigned offset);

/* Register 28 as it reads. */
uint16_t ac97_codec_extended_id(const struct ac97_codec *codec);

/* codec_rates.c */
void ac97_rate_write(struct ac97_codec *codec, unsigned offset, uint16_t value);
uint16_t ac97_rate_read(const struct ac97_codec *codec, unsigned offset);
void ac97_extended_write(struct ac97_codec *codec, unsigned offset, uint16_t value);
uint16_t ac97_extended_read(const struct ac97_codec *codec, unsigned offset);
uint16_t ac97_power_read(const struct ac97_codec *codec, unsigned offset);
void ac97_spdif_write(struct ac97_codec *codec, unsigned offset, uint16_t value);

/* codec_jacks.c */
/* Bits of register 24 that the codec sets itself. */
#define AC97_INTERRUPT_SETS 0xa000
/* Of registers 24, 68 (page 1), 78: what a 1 clears. */
#define AC97_INTERRUPT_BY_1 0x8000
#define AC97_FUNCTION_BY_1  0x0010
#define AC97_ALC_GPIO_BY_1  0x0030
void ac97_interrupt_write(struct ac97_codec *codec, unsigned offset, uint16_t value);
uint16_t ac97_ad_jacks_read(const struct ac97_codec *codec, unsigned offset);
void ac97_ad_jacks_write(struct ac97_codec *codec, unsigned offset, uint16_t value);
uint16_t ac97_alc_gpio_read(const struct ac97_codec *codec, unsigned offset);
void ac97_alc_gpio_write(struct ac97_codec *codec, unsigned offset, uint16_t value);
void ac97_page1_init(struct ac97_codec *codec);
void ac97_page1_reset(struct ac97_codec *codec);
bool ac97_page1_can_be(const struct ac97_codec *codec);
bool ac97_page1_selected(const struct ac97_codec *codec, unsigned offset);
uint16_t ac97_page1_read(const struct ac97_codec *codec, unsigned offset);
void ac97_page1_write(struct ac97_codec *codec, unsigned offset, uint16_t value);

#endif
