/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts' registers: reset value, what a write changes, kind. Reset values of A9-16 are those of
 * the STAC9700 as every VMM has it: with variable rates and a microphone ADC, revision 2.3.
 * Sources: AC'97 component specification 2.3, 5.7 to 5.9; AD1980, AD1981B, ALC650 and STAC9700
 * datasheets as drivers know them. */
#include "devices/ac97/codec_parts.h"

/* Most inputs are alike in all parts: gain of +12 .. -34.5 dB in five bits, muted at first. */
#define INPUT                                                                                      \
	{                                                                                          \
		.reset = 0x8808, .writable = 0x9f1f                                                \
	}
#define INPUT_SPLIT                                                                                \
	{                                                                                          \
		.reset = 0x8808, .writable = 0x9f9f                                                \
	}
#define INPUT_MONO                                                                                 \
	{                                                                                          \
		.reset = 0x8008, .writable = 0x801f                                                \
	}
#define INPUT_MIC                                                                                  \
	{                                                                                          \
		.reset = 0x8008, .writable = 0x805f                                                \
	}
#define OUTPUT                                                                                     \
	{                                                                                          \
		.reset = 0x8000, .writable = 0x9f1f, .kind = AC97_KIND_OUTPUT                      \
	}
#define OUTPUT_SPLIT                                                                               \
	{                                                                                          \
		.reset = 0x8000, .writable = 0x9f9f, .kind = AC97_KIND_OUTPUT                      \
	}
#define OUTPUT_MONO                                                                                \
	{                                                                                          \
		.reset = 0x8000, .writable = 0x801f, .kind = AC97_KIND_OUTPUT                      \
	}
#define OUTPUT_CENTER                                                                              \
	{                                                                                          \
		.reset = 0x8080, .writable = 0x9f9f, .kind = AC97_KIND_OUTPUT,                     \
		.needs = AC97_NEEDS_CENTER                                                         \
	}
#define OUTPUT_SURROUND                                                                            \
	{                                                                                          \
		.reset = 0x8080, .writable = 0x9f9f, .kind = AC97_KIND_OUTPUT,                     \
		.needs = AC97_NEEDS_SURROUND                                                       \
	}
#define TONE                                                                                       \
	{                                                                                          \
		.reset = 0x0f0f, .writable = 0x0f0f, .needs = AC97_NEEDS_TONE                      \
	}
#define RATE                                                                                       \
	{                                                                                          \
		.reset = 48000, .writable = 0xffff, .kind = AC97_KIND_RATE                         \
	}
#define RATE_SURROUND                                                                              \
	{                                                                                          \
		.reset = 48000, .writable = 0xffff, .kind = AC97_KIND_RATE,                        \
		.needs = AC97_NEEDS_SURROUND                                                       \
	}
#define RATE_LFE                                                                                   \
	{                                                                                          \
		.reset = 48000, .writable = 0xffff, .kind = AC97_KIND_RATE,                        \
		.needs = AC97_NEEDS_CENTER                                                         \
	}
#define PLAIN(r, w)                                                                                \
	{                                                                                          \
		.reset = (r), .writable = (w)                                                      \
	}
#define KIND(r, w, k)                                                                              \
	{                                                                                          \
		.reset = (r), .writable = (w), .kind = (k)                                         \
	}

/* ALC650: what it can do besides is brought to the nearest of these. */
static const uint16_t alc_rates_hz[] = {8000,  11025, 12000, 16000, 22050,
					24000, 32000, 44100, 48000, 0};

const struct ac97_part_info
    ac97_parts[AC97_PART_COUNT] =
	{
	    [AC97_PART_STAC9700] =
		{
		    .name = "stac9700",
		    .flags = AC97_PART_MIC_ADC | AC97_PART_PAGES,
		    .channels = 6,
		    .min_hz = 4000,
		    .max_hz = 48000,
		    .registers =
			{
			    [AC97_RESET / 2] = KIND(0x6940 | AC97_ID_MIC, 0, AC97_KIND_RESET),
			    [AC97_MASTER / 2] = OUTPUT,
			    [AC97_MONO / 2] = OUTPUT_MONO,
			    [AC97_TONE / 2] = TONE,
			    [AC97_BEEP / 2] = PLAIN(0x0000, 0x801e),
			    [AC97_PHONE_IN / 2] = INPUT_MONO,
			    [AC97_MIC_IN / 2] = INPUT_MIC,
			    [AC97_LINE_IN / 2] = INPUT,
			    [AC97_CD_IN / 2] = INPUT,
			    [AC97_VIDEO_IN / 2] = INPUT,
			    [AC97_AUX_IN / 2] = INPUT,
			    [AC97_PCM / 2] = INPUT,
			    [AC97_RECORD_SELECT / 2] = PLAIN(0x0000, 0x0707),
			    [AC97_RECORD_GAIN / 2] = PLAIN(0x8000, 0x8f0f),
			    [AC97_RECORD_GAIN_MIC / 2] = PLAIN(0x8000, 0x800f),
			    [AC97_GENERAL / 2] = PLAIN(0x0000, 0xa380),
			    [AC97_3D / 2] = PLAIN(0x0000, 0x000c),
			    [AC97_INTERRUPT / 2] = KIND(0x0000, 0x0801, AC97_KIND_INTERRUPT),
			    [AC97_POWER / 2] = KIND(0x0000, 0xff00, AC97_KIND_POWER),
			    [AC97_EXTENDED_ID / 2] = KIND(0x0809, 0, AC97_KIND_EXTENDED_ID),
			    [AC97_EXTENDED / 2] = KIND(0x0009, 0x7809, AC97_KIND_EXTENDED),
			    [AC97_RATE_FRONT / 2] = RATE,
			    [AC97_RATE_SURROUND / 2] = RATE,
			    [AC97_RATE_LFE / 2] = RATE,
			    [AC97_RATE_ADC / 2] = RATE,
			    [AC97_RATE_MIC / 2] = RATE,
			    [AC97_CENTER_LFE / 2] = OUTPUT_CENTER,
			    [AC97_SURROUND / 2] = OUTPUT_SURROUND,
			    [AC97_SIGMATEL_ANALOG / 2] = PLAIN(0x0000, 0x0003),
			    [AC97_VENDOR1 / 2] = PLAIN(0x8384, 0),
			    [AC97_VENDOR2 / 2] = PLAIN(0x7600, 0),
			},
		},
	    [AC97_PART_AD1980] =
		{
		    .name = "ad1980",
		    .subsystem_vendor = 0x1028,
		    .subsystem = 0x0177,
		    .flags = AC97_PART_MUTE_SPLIT | AC97_PART_SERIAL | AC97_PART_SRU |
			     AC97_PART_SELECT | AC97_PART_HEADPHONE,
		    .channels = 6,
		    .min_hz = 7040,
		    .max_hz = 48000,
		    .spdif_rates = 1 << 0 | 1 << 2 | 1 << 3,
		    .registers =
			{
			    [AC97_RESET / 2] = KIND(0x0090, 0, AC97_KIND_RESET),
			    [AC97_MASTER / 2] = OUTPUT_SPLIT,
			    [AC97_HEADPHONE / 2] = OUTPUT_SPLIT,
			    [AC97_MONO / 2] = OUTPUT_MONO,
			    [AC97_TONE / 2] = TONE,
			    [AC97_PHONE_IN / 2] = INPUT_MONO,
			    [AC97_MIC_IN / 2] = INPUT_MIC,
			    [AC97_LINE_IN / 2] = INPUT_SPLIT,
			    [AC97_CD_IN / 2] = INPUT_SPLIT,
			    [AC97_AUX_IN / 2] = INPUT_SPLIT,
			    [AC97_PCM / 2] = INPUT_SPLIT,
			    [AC97_RECORD_SELECT / 2] = PLAIN(0x0000, 0x0707),
			    [AC97_RECORD_GAIN / 2] = PLAIN(0x8000, 0x8f8f),
			    [AC97_GENERAL / 2] = PLAIN(0x0000, 0x0f80),
			    [AC97_POWER / 2] = KIND(0x0000, 0xff00, AC97_KIND_POWER),
			    [AC97_EXTENDED_ID / 2] = KIND(0x03c7, 0x0030, AC97_KIND_EXTENDED_ID),
			    [AC97_EXTENDED / 2] = KIND(0x0000, 0xb837, AC97_KIND_EXTENDED),
			    [AC97_RATE_FRONT / 2] = RATE,
			    [AC97_RATE_SURROUND / 2] = RATE_SURROUND,
			    [AC97_RATE_LFE / 2] = RATE_LFE,
			    [AC97_RATE_ADC / 2] = RATE,
			    [AC97_CENTER_LFE / 2] = OUTPUT_CENTER,
			    [AC97_SURROUND / 2] = OUTPUT_SURROUND,
			    [AC97_SPDIF_CONTROL / 2] = KIND(0x2000, 0xbfff, AC97_KIND_SPDIF),
			    [AC97_AD_JACKS / 2] = KIND(0x0000, 0xfff3, AC97_KIND_AD_JACKS),
			    [AC97_AD_SERIAL / 2] = PLAIN(0x1001, 0xf907),
			    [AC97_AD_MISC / 2] = PLAIN(0x0000, 0xffff),
			    [AC97_VENDOR1 / 2] = PLAIN(0x4144, 0),
			    [AC97_VENDOR2 / 2] = PLAIN(0x5370, 0),
			},
		},
	    [AC97_PART_AD1981B] =
		{
		    .name = "ad1981b",
		    .subsystem_vendor = 0x1028,
		    .subsystem = 0x01ad,
		    .flags = AC97_PART_MUTE_SPLIT | AC97_PART_SERIAL | AC97_PART_HEADPHONE,
		    .channels = 2,
		    .min_hz = 7040,
		    .max_hz = 48000,
		    .spdif_rates = 1 << 0 | 1 << 2,
		    .registers =
			{
			    [AC97_RESET / 2] = KIND(0x0090, 0, AC97_KIND_RESET),
			    [AC97_MASTER / 2] = OUTPUT_SPLIT,
			    [AC97_HEADPHONE / 2] = OUTPUT_SPLIT,
			    [AC97_MONO / 2] = OUTPUT_MONO,
			    [AC97_TONE / 2] = TONE,
			    [AC97_PHONE_IN / 2] = INPUT_MONO,
			    [AC97_MIC_IN / 2] = INPUT_MIC,
			    [AC97_LINE_IN / 2] = INPUT_SPLIT,
			    [AC97_CD_IN / 2] = INPUT_SPLIT,
			    [AC97_AUX_IN / 2] = INPUT_SPLIT,
			    [AC97_PCM / 2] = INPUT_SPLIT,
			    [AC97_RECORD_SELECT / 2] = PLAIN(0x0000, 0x0707),
			    [AC97_RECORD_GAIN / 2] = PLAIN(0x8000, 0x8f8f),
			    [AC97_GENERAL / 2] = PLAIN(0x0000, 0x0380),
			    [AC97_POWER / 2] = KIND(0x0000, 0xff00, AC97_KIND_POWER),
			    [AC97_EXTENDED_ID / 2] = KIND(0x0605, 0x0030, AC97_KIND_EXTENDED_ID),
			    [AC97_EXTENDED / 2] = KIND(0x0000, 0x8035, AC97_KIND_EXTENDED),
			    [AC97_RATE_FRONT / 2] = RATE,
			    [AC97_RATE_ADC / 2] = RATE,
			    [AC97_SPDIF_CONTROL / 2] = KIND(0x2000, 0xbfff, AC97_KIND_SPDIF),
			    /* Equaliser: its coefficients go in, and are not shown again. */
			    [0x60 / 2] = PLAIN(0x8080, 0xe0ff),
			    [0x62 / 2] = PLAIN(0x0000, 0xffff),
			    [AC97_AD_JACKS / 2] = KIND(0x0000, 0xfff3, AC97_KIND_AD_JACKS),
			    [AC97_AD_SERIAL / 2] = PLAIN(0x1001, 0xf907),
			    [AC97_AD_MISC / 2] = PLAIN(0x0000, 0xba5f),
			    [AC97_VENDOR1 / 2] = PLAIN(0x4144, 0),
			    [AC97_VENDOR2 / 2] = PLAIN(0x5374, 0),
			},
		},
	    [AC97_PART_ALC650] =
		{
		    .name = "alc650",
		    .channels = 6,
		    .min_hz = 8000,
		    .max_hz = 48000,
		    .rates_hz = alc_rates_hz,
		    .spdif_rates = 1 << 0 | 1 << 2 | 1 << 3,
		    .registers =
			{
			    [AC97_RESET / 2] = KIND(0x0000, 0, AC97_KIND_RESET),
			    [AC97_MASTER / 2] = OUTPUT,
			    [AC97_MONO / 2] = OUTPUT_MONO,
			    [AC97_TONE / 2] = TONE,
			    [AC97_BEEP / 2] = PLAIN(0x0000, 0x801e),
			    [AC97_PHONE_IN / 2] = INPUT_MONO,
			    [AC97_MIC_IN / 2] = INPUT_MIC,
			    [AC97_LINE_IN / 2] = INPUT,
			    [AC97_CD_IN / 2] = INPUT,
			    [AC97_VIDEO_IN / 2] = INPUT,
			    [AC97_AUX_IN / 2] = INPUT,
			    [AC97_PCM / 2] = INPUT,
			    [AC97_RECORD_SELECT / 2] = PLAIN(0x0000, 0x0707),
			    [AC97_RECORD_GAIN / 2] = PLAIN(0x8000, 0x8f0f),
			    [AC97_GENERAL / 2] = PLAIN(0x0000, 0x8f80),
			    [AC97_POWER / 2] = KIND(0x0000, 0xff00, AC97_KIND_POWER),
			    [AC97_EXTENDED_ID / 2] = KIND(0x05c7, 0x0030, AC97_KIND_EXTENDED_ID),
			    [AC97_EXTENDED / 2] = KIND(0x0000, 0x3837, AC97_KIND_EXTENDED),
			    [AC97_RATE_FRONT / 2] = RATE,
			    [AC97_RATE_SURROUND / 2] = RATE_SURROUND,
			    [AC97_RATE_LFE / 2] = RATE_LFE,
			    [AC97_RATE_ADC / 2] = RATE,
			    [AC97_CENTER_LFE / 2] = OUTPUT_CENTER,
			    [AC97_SURROUND / 2] = OUTPUT_SURROUND,
			    [AC97_SPDIF_CONTROL / 2] = KIND(0x2000, 0xbfff, AC97_KIND_SPDIF),
			    /* Status of an S/PDIF input where nothing is plugged in. */
			    [0x60 / 2] = PLAIN(0x0000, 0),
			    [0x62 / 2] = PLAIN(0x0000, 0),
			    [AC97_ALC_SURROUND_GAIN / 2] = {.reset = 0x0808,
							    .writable = 0x9f1f,
							    .needs = AC97_NEEDS_SURROUND},
			    [AC97_ALC_LFE_GAIN / 2] = {.reset = 0x0808,
						       .writable = 0x9f1f,
						       .needs = AC97_NEEDS_CENTER},
			    [AC97_ALC_CHANNELS / 2] = PLAIN(0x0000, 0xfeff),
			    [0x6e / 2] = PLAIN(0x0023, 0), /* revision F */
			    [0x74 / 2] = PLAIN(0x0000, 0xffff),
			    [AC97_ALC_GPIO_SETUP / 2] = KIND(0x0000, 0x0033, AC97_KIND_ALC_GATED),
			    [AC97_ALC_GPIO / 2] = KIND(0x0000, 0x8330, AC97_KIND_ALC_GPIO),
			    [0x7a / 2] = KIND(0x0000, 0x70ff, AC97_KIND_ALC_GATED),
			    [AC97_VENDOR1 / 2] = PLAIN(0x414c, 0),
			    [AC97_VENDOR2 / 2] = PLAIN(0x4720, 0),
			},
		},
};
