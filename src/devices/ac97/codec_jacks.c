/* SPDX-License-Identifier: BSD-3-Clause */
/* How parts tell of jacks: page 1 of AC'97 2.3 (5.7.8, 5.9), the AD parts' register 72, the
 * ALC650's GPIO pin. */
#include "devices/ac97/codec_parts.h"

/* ---- page 1 ------------------------------------------------------------------------------------
 */

/* Of register 24. */
enum {
	PAGE = 0x0001,
	INTERRUPT_ENABLE = 0x0800,
	SENSE_CYCLE = 0x1000,
	CAUSE_SENSE = 0x2000,
	INTERRUPT = 0x8000
};

/* Of register 68; bits 1 .. 3, which it does not have, keep where the jack is (of 6a). */
enum { INFO_WRITABLE = 0xffe0, INFO_VALID = 0x0010, INFO_PLACE = 0x000e, INFO_PRESENT = 0x0001 };

/* Where the state of page 1 is in `vendor`. */
enum { SELECTED, INFO, SENSED = INFO + 12 };
_Static_assert(SENSED < AC97_CODEC_VENDOR_WORDS, "page 1 has room");

#define NO_JACK AC97_JACK_COUNT

static const struct function {
	uint8_t there, mono, jack, sensed; /* sensed: 5.9.2.3, what is in the jack */
	uint8_t needs;
} functions[12] = {
    [0x0] = {.there = 1, .jack = AC97_JACK_LINE_OUT, .sensed = 0x05},
    [0x1] = {.jack = NO_JACK},
    [0x2] = {.there = 1, .jack = NO_JACK, .needs = 6},
    [0x3] = {.jack = NO_JACK},
    [0x4] = {.there = 1, .mono = 1, .jack = NO_JACK},
    [0x5] = {.there = 1, .mono = 1, .jack = AC97_JACK_MIC, .sensed = 0x03},
    [0x6] = {.there = 1, .mono = 1, .jack = NO_JACK},
    [0x7] = {.there = 1, .jack = AC97_JACK_LINE_IN, .sensed = 0x05},
    [0x8] = {.there = 1, .jack = NO_JACK},
    [0x9] = {.there = 1, .jack = NO_JACK},
    [0xa] = {.there = 1, .jack = NO_JACK},
    [0xb] = {.there = 1, .mono = 1, .jack = NO_JACK},
};
#define N_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static bool has_pages(const struct ac97_codec *codec)
{
	return ac97_codec_part(codec)->flags & AC97_PART_PAGES;
}

static bool senses(unsigned function)
{
	return functions[function].jack != NO_JACK;
}

static bool is_there(const struct ac97_codec *codec, unsigned function)
{
	return function < N_FUNCTIONS && functions[function].there &&
	       codec->conf.channels >= functions[function].needs;
}

void ac97_page1_init(struct ac97_codec *codec)
{
	if (!has_pages(codec))
		return;
	for (unsigned i = 0; i < N_FUNCTIONS; i++)
		codec->vendor[INFO + i] = senses(i) ? INFO_VALID : 0;
	codec->vendor[SENSED] = codec->jacks;
}

/* Information that a BIOS has put in survives a reset (5.9.2.2). */
void ac97_page1_reset(struct ac97_codec *codec)
{
	codec->vendor[SELECTED] = 0;
}

bool ac97_page1_can_be(const struct ac97_codec *codec)
{
	if (!has_pages(codec)) {
		for (unsigned i = 0; i < AC97_CODEC_VENDOR_WORDS; i++)
			if (codec->vendor[i] != 0)
				return false;
		return true;
	}
	for (unsigned i = 0; i < N_FUNCTIONS; i++)
		if (codec->vendor[INFO + i] &
		    (senses(i) ? INFO_PRESENT : INFO_PRESENT | INFO_VALID))
			return false;
	for (unsigned i = SENSED + 1; i < AC97_CODEC_VENDOR_WORDS; i++)
		if (codec->vendor[i] != 0)
			return false;
	return codec->vendor[SELECTED] <= 0x1f && is_there(codec, codec->vendor[SELECTED] >> 1) &&
	       codec->vendor[SENSED] < 1u << AC97_JACK_COUNT;
}

bool ac97_page1_selected(const struct ac97_codec *codec, unsigned offset)
{
	return has_pages(codec) && offset >= AC97_PAGED && offset < AC97_PAGED + 16 &&
	       (ac97_codec_reg(codec, AC97_INTERRUPT) & PAGE);
}

static uint16_t read_function(const struct ac97_codec *codec, unsigned function)
{
	bool ring = codec->vendor[SELECTED] & 1;
	uint16_t info = codec->vendor[INFO + function] & (INFO_WRITABLE | INFO_VALID);

	return ring && functions[function].mono ? 0 : info | INFO_PRESENT;
}

static uint16_t read_sense(const struct ac97_codec *codec, unsigned function)
{
	uint16_t place = (uint16_t)((codec->vendor[INFO + function] & INFO_PLACE) << 12);
	bool in;

	if (!senses(function) || !(codec->vendor[INFO + function] & INFO_VALID))
		return place;
	in = codec->vendor[SENSED] >> functions[function].jack & 1;
	return (uint16_t)(place | (in ? functions[function].sensed : 0x01) << 8);
}

uint16_t ac97_page1_read(const struct ac97_codec *codec, unsigned offset)
{
	unsigned function = codec->vendor[SELECTED] >> 1;

	switch (offset) {
	case AC97_FUNCTION_SELECT:
		return codec->vendor[SELECTED];
	case AC97_FUNCTION:
		return read_function(codec, function);
	case AC97_SENSE:
		return read_sense(codec, function);
	default:
		return 0;
	}
}

void ac97_page1_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	uint16_t *info = &codec->vendor[INFO + (codec->vendor[SELECTED] >> 1)];

	switch (offset) {
	case AC97_FUNCTION_SELECT:
		if (is_there(codec, value >> 1 & 15))
			codec->vendor[SELECTED] = value & 0x001f;
		break;
	case AC97_FUNCTION:
		*info = (uint16_t)((*info & ~INFO_WRITABLE) | (value & INFO_WRITABLE));
		*info &= (uint16_t) ~(value & INFO_VALID); /* cleared by a 1 */
		break;
	case AC97_SENSE:
		*info = (uint16_t)((*info & ~INFO_PLACE) | (value >> 12 & INFO_PLACE));
		break;
	default:
		break;
	}
}

/* A sense cycle takes no time here. */
static void sense(struct ac97_codec *codec)
{
	codec->vendor[SENSED] = codec->jacks;
	for (unsigned i = 0; i < N_FUNCTIONS; i++)
		if (senses(i))
			codec->vendor[INFO + i] |= INFO_VALID;
	codec->regs[AC97_INTERRUPT / 2] |= INTERRUPT | CAUSE_SENSE;
}

void ac97_interrupt_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	uint16_t *reg = &codec->regs[offset / 2];
	uint16_t writable = ac97_codec_row(codec, offset)->writable;

	if (value & INTERRUPT)
		*reg &= (uint16_t) ~(INTERRUPT | CAUSE_SENSE);
	*reg = (uint16_t)((*reg & ~writable) | (value & writable));
	if (value & SENSE_CYCLE)
		sense(codec);
}

/* ---- AD1980, AD1981B: register 72 -------------------------------------------------------------
 */

/* Pin JS0 is at the headphone's jack, JS1 at the line output's. */
static const struct {
	uint8_t jack;
	uint16_t interrupt, state, mode;
} ad_pins[] = {
    {AC97_JACK_HEADPHONE, 0x0001, 0x0004, 0x0010},
    {AC97_JACK_LINE_OUT, 0x0002, 0x0008, 0x0020},
};

uint16_t ac97_ad_jacks_read(const struct ac97_codec *codec, unsigned offset)
{
	uint16_t value = ac97_codec_reg(codec, offset);

	for (unsigned i = 0; i < 2; i++)
		if (codec->jacks >> ad_pins[i].jack & 1)
			value |= ad_pins[i].state;
	return value;
}

/* A 0 takes an interrupt back, a 1 makes one. */
void ac97_ad_jacks_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	codec->regs[offset / 2] = value & ac97_codec_row(codec, offset)->writable;
}

static bool ad_changed(struct ac97_codec *codec, enum ac97_jack jack)
{
	uint16_t *reg = &codec->regs[AC97_AD_JACKS / 2];

	for (unsigned i = 0; i < 2; i++)
		if (ad_pins[i].jack == jack && (*reg & ad_pins[i].mode)) {
			*reg |= ad_pins[i].interrupt;
			return true;
		}
	return false;
}

/* ---- ALC650: GPIO -------------------------------------------------------------------------------
 */

/* Register 76: bits 0, 1: the pin is an output; 4, 5: it interrupts. 78: bits 0, 1: the pins'
 * levels; 4, 5: interrupts, cleared by a 1; 8, 9: levels of outputs. The line output's jack is at
 * pin 1. */
enum { ALC_PIN = 0x0002, ALC_INTERRUPT = 0x0020, ALC_INTERRUPTS = 0x0030 };

uint16_t ac97_alc_gpio_read(const struct ac97_codec *codec, unsigned offset)
{
	uint16_t value = ac97_codec_reg(codec, offset);
	uint16_t outputs = ac97_codec_reg(codec, AC97_ALC_GPIO_SETUP) & 3;
	uint16_t jack = codec->jacks >> AC97_JACK_LINE_OUT & 1 ? ALC_PIN : 0;

	return (uint16_t)(value | (value >> 8 & outputs) | (jack & ~outputs));
}

void ac97_alc_gpio_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	uint16_t *reg = &codec->regs[offset / 2];
	uint16_t interrupts = *reg & ALC_INTERRUPTS & (uint16_t)~value;
	uint16_t plain = ac97_codec_row(codec, offset)->writable & (uint16_t)~ALC_INTERRUPTS;

	*reg = (uint16_t)((value & plain) | interrupts);
}

static bool alc_changed(struct ac97_codec *codec, enum ac97_jack jack)
{
	uint16_t setup = ac97_codec_reg(codec, AC97_ALC_GPIO_SETUP);

	if (jack != AC97_JACK_LINE_OUT || !(setup & ALC_INTERRUPT) || (setup & ALC_PIN))
		return false;
	codec->regs[AC97_ALC_GPIO / 2] |= ALC_INTERRUPT;
	return true;
}

/* ---- all
 * ------------------------------------------------------------------------------------------ */

static bool page1_changed(struct ac97_codec *codec, enum ac97_jack jack)
{
	if (jack == AC97_JACK_HEADPHONE)
		return false;
	sense(codec);
	return ac97_codec_reg(codec, AC97_INTERRUPT) & INTERRUPT_ENABLE;
}

bool ac97_codec_jack(struct ac97_codec *codec, enum ac97_jack jack, bool in)
{
	static bool (*const changed[AC97_PART_COUNT])(struct ac97_codec *, enum ac97_jack) = {
	    [AC97_PART_STAC9700] = page1_changed,
	    [AC97_PART_AD1980] = ad_changed,
	    [AC97_PART_AD1981B] = ad_changed,
	    [AC97_PART_ALC650] = alc_changed,
	};
	uint8_t now = (uint8_t)(codec->jacks & ~(1u << jack));

	if (in)
		now |= (uint8_t)(1u << jack);
	if (now == codec->jacks)
		return false;
	codec->jacks = now;
	return changed[codec->conf.part](codec, jack);
}
