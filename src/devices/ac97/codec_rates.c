/* SPDX-License-Identifier: BSD-3-Clause */
/* Power, rates and the extended status of a codec (AC'97 2.3, 5.7.9 and 5.8). */
#include "devices/ac97/codec_parts.h"

#define DEFAULT_HZ 48000u

/* ---- power ------------------------------------------------------------------------------------
 */

/* Ready bits of register 26: the converters, the mixer and the reference, in this order. */
static const uint16_t downs[] = {
    AC97_PR0 | AC97_PR3 | AC97_PR5,
    AC97_PR1 | AC97_PR3 | AC97_PR5,
    AC97_PR2 | AC97_PR3,
    AC97_PR3,
};

uint16_t ac97_power_read(const struct ac97_codec *codec, unsigned offset)
{
	uint16_t power = ac97_codec_reg(codec, offset);
	uint16_t ready = 0;

	for (unsigned i = 0; i < sizeof(downs) / sizeof(downs[0]); i++)
		if (!(power & downs[i]))
			ready |= (uint16_t)(1u << i);
	return power | ready;
}

/* ---- extended status ----------------------------------------------------------------------------
 */

/* What it takes for a bit of 2a to be there, and which bit tells that the part works. */
static const struct {
	uint16_t off, needs;
} switches[] = {
    {AC97_EXT_PRI, AC97_EXT_CENTER},
    {AC97_EXT_PRJ, AC97_EXT_SURROUND},
    {AC97_EXT_PRK, AC97_EXT_LFE},
};
#define N_SWITCHES (sizeof(switches) / sizeof(switches[0]))

static uint16_t has_mic(const struct ac97_codec *codec)
{
	return ac97_codec_part(codec)->flags & AC97_PART_MIC_ADC;
}

static bool spdif_valid(const struct ac97_codec *codec)
{
	uint16_t control = ac97_codec_reg(codec, AC97_SPDIF_CONTROL);

	return (ac97_codec_reg(codec, AC97_EXTENDED) & AC97_EXT_SPDIF) &&
	       (ac97_codec_part(codec)->spdif_rates >> (control >> 12 & 3) & 1);
}

uint16_t ac97_extended_read(const struct ac97_codec *codec, unsigned offset)
{
	uint16_t value = ac97_codec_reg(codec, offset);
	uint16_t id = ac97_codec_extended_id(codec);

	for (unsigned i = 0; i < N_SWITCHES; i++)
		if ((id & switches[i].needs) && !(value & switches[i].off))
			value |= switches[i].needs;
	if (has_mic(codec) && !(value & AC97_EXT_PRL))
		value |= AC97_EXT_MIC_READY;
	if (spdif_valid(codec))
		value |= AC97_EXT_SPDIF_VALID;
	return value;
}

void ac97_extended_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	uint16_t writable = ac97_codec_row(codec, offset)->writable;
	uint16_t id = ac97_codec_extended_id(codec);
	uint16_t *regs = codec->regs;

	for (unsigned i = 0; i < N_SWITCHES; i++)
		if (!(id & switches[i].needs))
			writable &= (uint16_t)~switches[i].off;
	value &= writable;
	regs[offset / 2] = value;
	/* A9-21 */
	if (!(value & AC97_EXT_VRA))
		for (unsigned rate = AC97_RATE_FRONT; rate <= AC97_RATE_ADC; rate += 2)
			regs[rate / 2] =
			    ac97_codec_row(codec, rate) ? ac97_codec_row(codec, rate)->reset : 0;
	if (!(value & AC97_EXT_VRM))
		regs[AC97_RATE_MIC / 2] = ac97_codec_row(codec, AC97_RATE_MIC)->reset;
}

/* ---- rates
 * ------------------------------------------------------------------------------------------ */

static uint16_t nearest(const struct ac97_part_info *part, uint16_t hz)
{
	uint16_t best;

	if (hz < part->min_hz)
		return part->min_hz;
	if (hz > part->max_hz)
		return part->max_hz;
	if (!part->rates_hz)
		return hz;
	best = part->rates_hz[0];
	for (const uint16_t *rate = part->rates_hz; *rate != 0; rate++) {
		int now = *rate > hz ? *rate - hz : hz - *rate;
		int before = best > hz ? best - hz : hz - best;

		if (now < before)
			best = *rate;
	}
	return best;
}

/* Whether a DAC's rate is that of the front ones. */
static bool is_locked(const struct ac97_codec *codec, unsigned offset)
{
	return (ac97_codec_part(codec)->flags & AC97_PART_SRU) &&
	       (offset == AC97_RATE_SURROUND || offset == AC97_RATE_LFE) &&
	       !(ac97_codec_reg(codec, AC97_AD_MISC) & AC97_AD_SRU);
}

uint16_t ac97_rate_read(const struct ac97_codec *codec, unsigned offset)
{
	return ac97_codec_reg(codec, is_locked(codec, offset) ? AC97_RATE_FRONT : offset);
}

void ac97_rate_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	uint16_t needs = offset == AC97_RATE_MIC ? AC97_EXT_VRM : AC97_EXT_VRA;

	if ((ac97_codec_reg(codec, AC97_EXTENDED) & needs) && !is_locked(codec, offset))
		codec->regs[offset / 2] = nearest(ac97_codec_part(codec), value);
}

void ac97_spdif_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	uint16_t *reg = &codec->regs[offset / 2];
	uint16_t writable = ac97_codec_row(codec, offset)->writable;

	*reg = (uint16_t)((*reg & ~writable) | (value & writable));
	/* A rate that it cannot do: 48 kHz. */
	if (!(ac97_codec_part(codec)->spdif_rates >> (*reg >> 12 & 3) & 1))
		*reg = (uint16_t)((*reg & ~0x3000) | 0x2000);
}

/* ---- converters
 * -------------------------------------------------------------------------------------- */

static const struct {
	uint8_t rate;      /* register; 0: none */
	uint16_t power;    /* bits of 26, any of which stops it */
	uint16_t extended; /* bits of 2a, all of which stop it */
	uint16_t needs;    /* bits of 28, any */
} converters[AC97_CONVERTER_COUNT] = {
    [AC97_DAC_FRONT] = {.rate = AC97_RATE_FRONT,
			.power = AC97_PR1 | AC97_PR3 | AC97_PR4 | AC97_PR5},
    [AC97_DAC_SURROUND] = {.rate = AC97_RATE_SURROUND,
			   .power = AC97_PR3 | AC97_PR4 | AC97_PR5,
			   .extended = AC97_EXT_PRJ,
			   .needs = AC97_EXT_SURROUND},
    [AC97_DAC_LFE] = {.rate = AC97_RATE_LFE,
		      .power = AC97_PR3 | AC97_PR4 | AC97_PR5,
		      .extended = AC97_EXT_PRI | AC97_EXT_PRK,
		      .needs = AC97_EXT_CENTER | AC97_EXT_LFE},
    [AC97_ADC] = {.rate = AC97_RATE_ADC, .power = AC97_PR0 | AC97_PR3 | AC97_PR4 | AC97_PR5},
    [AC97_ADC_MIC] = {.rate = AC97_RATE_MIC,
		      .power = AC97_PR3 | AC97_PR4 | AC97_PR5,
		      .extended = AC97_EXT_PRL},
    [AC97_SPDIF] = {.power = AC97_PR4 | AC97_PR5, .needs = AC97_EXT_SPDIF},
};

static uint32_t spdif_rate_hz(const struct ac97_codec *codec)
{
	static const uint32_t rates_hz[] = {44100, DEFAULT_HZ, DEFAULT_HZ, 32000};

	return rates_hz[ac97_codec_reg(codec, AC97_SPDIF_CONTROL) >> 12 & 3];
}

uint32_t ac97_codec_rate_hz(const struct ac97_codec *codec, enum ac97_converter converter)
{
	uint16_t extended = ac97_codec_reg(codec, AC97_EXTENDED);
	unsigned offset = converters[converter].rate;
	uint32_t rate_hz;

	if (converter == AC97_SPDIF)
		return ac97_codec_part(codec)->spdif_rates ? spdif_rate_hz(codec) : DEFAULT_HZ;
	rate_hz = ac97_rate_read(codec, offset);
	if (rate_hz == 0)
		rate_hz = DEFAULT_HZ;
	return converter == AC97_DAC_FRONT && (extended & AC97_EXT_DRA) ? 2 * rate_hz : rate_hz;
}

bool ac97_codec_works(const struct ac97_codec *codec, enum ac97_converter converter)
{
	uint16_t extended = ac97_codec_reg(codec, AC97_EXTENDED);
	uint16_t off = converters[converter].extended, needs = converters[converter].needs;

	if (ac97_codec_reg(codec, AC97_POWER) & converters[converter].power)
		return false;
	if (needs && !(ac97_codec_extended_id(codec) & needs))
		return false;
	if (off && (extended & off) == off)
		return false;
	if (converter == AC97_ADC_MIC)
		return has_mic(codec);
	/* Double rate takes the front DACs' place on the link, the others are off. */
	if (converter == AC97_DAC_SURROUND || converter == AC97_DAC_LFE)
		return !(extended & AC97_EXT_DRA);
	return converter != AC97_SPDIF || spdif_valid(codec);
}
