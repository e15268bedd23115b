/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec's registers: one row each (codec_parts.c), one pair of handlers for each kind of row.
 */
#include "devices/ac97/codec_parts.h"

#include <string.h>

#define LAST_MIXER_VOLUME AC97_RECORD_GAIN

/* ---- plain rows and volumes ---------------------------------------------------------------- */

static uint16_t read_plain(const struct ac97_codec *codec, unsigned offset)
{
	return ac97_codec_reg(codec, offset);
}

static void write_plain(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	uint16_t writable = ac97_codec_row(codec, offset)->writable;
	uint16_t *reg = &codec->regs[offset / 2];

	*reg = (uint16_t)((*reg & ~writable) | (value & writable));
}

/* Where the part has five bits of attenuation, the sixth means all of them (A9-17). */
static void write_output(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	if (value & 0x0020)
		value |= 0x001f;
	if (value & 0x2000)
		value |= 0x1f00;
	write_plain(codec, offset, value);
}

static void write_reset(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	(void)offset;
	(void)value;
	ac97_codec_reset(codec);
}

static uint16_t read_reset(const struct ac97_codec *codec, unsigned offset)
{
	uint16_t id = ac97_codec_reg(codec, offset);

	return codec->conf.tone ? id | AC97_ID_TONE : id;
}

static uint16_t read_extended_id(const struct ac97_codec *codec, unsigned offset)
{
	(void)offset;
	return ac97_codec_extended_id(codec);
}

static void write_gated(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	if (ac97_codec_reg(codec, AC97_ALC_GPIO) & 0x8000)
		write_plain(codec, offset, value);
}

/* ---- kinds ---------------------------------------------------------------------------------- */

static const struct {
	uint16_t (*read)(const struct ac97_codec *codec, unsigned offset);
	void (*write)(struct ac97_codec *codec, unsigned offset, uint16_t value);
} kinds[AC97_KIND_COUNT] = {
    [AC97_KIND_PLAIN] = {read_plain, write_plain},
    [AC97_KIND_RESET] = {read_reset, write_reset},
    [AC97_KIND_OUTPUT] = {read_plain, write_output},
    [AC97_KIND_INTERRUPT] = {read_plain, ac97_interrupt_write},
    [AC97_KIND_POWER] = {ac97_power_read, write_plain},
    [AC97_KIND_EXTENDED_ID] = {read_extended_id, write_plain},
    [AC97_KIND_EXTENDED] = {ac97_extended_read, ac97_extended_write},
    [AC97_KIND_RATE] = {ac97_rate_read, ac97_rate_write},
    [AC97_KIND_SPDIF] = {read_plain, ac97_spdif_write},
    [AC97_KIND_AD_JACKS] = {ac97_ad_jacks_read, ac97_ad_jacks_write},
    [AC97_KIND_ALC_GPIO] = {ac97_alc_gpio_read, ac97_alc_gpio_write},
    [AC97_KIND_ALC_GATED] = {read_plain, write_gated},
};

static bool has(const struct ac97_codec *codec, enum ac97_needs needs)
{
	switch (needs) {
	case AC97_NEEDS_TONE:
		return codec->conf.tone;
	case AC97_NEEDS_SURROUND:
		return codec->conf.channels >= 4;
	case AC97_NEEDS_CENTER:
		return codec->conf.channels >= 6;
	default:
		return true;
	}
}

const struct ac97_register *ac97_codec_row(const struct ac97_codec *codec, unsigned offset)
{
	const struct ac97_register *row = &ac97_codec_part(codec)->registers[offset / 2];

	return has(codec, (enum ac97_needs)row->needs) ? row : NULL;
}

uint16_t ac97_codec_extended_id(const struct ac97_codec *codec)
{
	static const uint16_t dacs[] = {
	    0, 0, 0, 0, AC97_EXT_SURROUND, AC97_EXT_SURROUND, AC97_EXT_DACS};
	uint16_t id = ac97_codec_reg(codec, AC97_EXTENDED_ID) & (uint16_t)~AC97_EXT_DACS;

	return (uint16_t)(id | dacs[codec->conf.channels] | (codec->conf.number & 3) << 14);
}

/* Registers of a chained part are another part's while its own mask bit is clear. */
static bool listens(const struct ac97_codec *codec, unsigned offset)
{
	return !(ac97_codec_part(codec)->flags & AC97_PART_SERIAL) || offset == AC97_AD_SERIAL ||
	       (ac97_codec_reg(codec, AC97_AD_SERIAL) & AC97_AD_REGM0);
}

/* Until the mutes are split, the right side's reads 0 and does nothing. */
static uint16_t hidden(const struct ac97_codec *codec, unsigned offset)
{
	bool split = !(ac97_codec_part(codec)->flags & AC97_PART_MUTE_SPLIT) ||
		     (ac97_codec_reg(codec, AC97_AD_MISC) & AC97_AD_MSPLT);

	return split || offset < AC97_MASTER || offset > LAST_MIXER_VOLUME ? 0 : AC97_MUTE_RIGHT;
}

/* ---- public ---------------------------------------------------------------------------------- */

enum ac97_part ac97_part_find(const char *name)
{
	unsigned part = 0;

	while (part < AC97_PART_COUNT && strcmp(ac97_parts[part].name, name) != 0)
		part++;
	return (enum ac97_part)part;
}

void ac97_part_subsystem(enum ac97_part part, uint16_t *vendor, uint16_t *device)
{
	*vendor = ac97_parts[part].subsystem_vendor;
	*device = ac97_parts[part].subsystem;
}

uint8_t ac97_part_channels(enum ac97_part part)
{
	return ac97_parts[part].channels;
}

bool ac97_part_headphone(enum ac97_part part)
{
	return (ac97_parts[part].flags & AC97_PART_HEADPHONE) != 0;
}

void ac97_codec_init(struct ac97_codec *codec, const struct ac97_codec_conf *conf)
{
	uint8_t most = ac97_parts[conf->part].channels;

	memset(codec, 0, sizeof(*codec));
	codec->conf = *conf;
	if (codec->conf.channels > most)
		codec->conf.channels = most;
	codec->jacks = (1u << AC97_JACK_COUNT) - 1;
	ac97_page1_init(codec);
	ac97_codec_reset(codec);
}

void ac97_codec_reset(struct ac97_codec *codec)
{
	for (unsigned offset = 0; offset < 2 * AC97_CODEC_REGISTERS; offset += 2) {
		const struct ac97_register *row = ac97_codec_row(codec, offset);

		codec->regs[offset / 2] = row ? row->reset : 0;
	}
	ac97_page1_reset(codec);
}

uint16_t ac97_codec_read(const struct ac97_codec *codec, unsigned offset)
{
	const struct ac97_register *row;
	uint16_t value;

	if (offset >= 2 * AC97_CODEC_REGISTERS || offset % 2 != 0)
		return 0xffff;
	row = ac97_codec_row(codec, offset);
	if (!listens(codec, offset))
		return 0;
	if (ac97_page1_selected(codec, offset))
		return ac97_page1_read(codec, offset);
	if (!row)
		return 0;
	value = kinds[row->kind].read(codec, offset);
	return value & (uint16_t)~hidden(codec, offset);
}

uint16_t ac97_codec_kept(const struct ac97_codec *codec, unsigned offset)
{
	static const uint16_t cleared_by_1[AC97_KIND_COUNT] = {
	    [AC97_KIND_INTERRUPT] = AC97_INTERRUPT_BY_1,
	    [AC97_KIND_ALC_GPIO] = AC97_ALC_GPIO_BY_1,
	};
	const struct ac97_register *row = ac97_codec_row(codec, offset);
	uint16_t by_1 = row ? cleared_by_1[row->kind] : 0;

	if (ac97_page1_selected(codec, offset))
		by_1 = offset == AC97_FUNCTION ? AC97_FUNCTION_BY_1 : 0;
	return ac97_codec_read(codec, offset) & (uint16_t)~by_1;
}

bool ac97_codec_write(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	const struct ac97_register *row;
	uint16_t before;

	if (offset >= 2 * AC97_CODEC_REGISTERS || offset % 2 != 0 || !listens(codec, offset))
		return false;
	if (ac97_page1_selected(codec, offset)) {
		ac97_page1_write(codec, offset, value);
		return false;
	}
	row = ac97_codec_row(codec, offset);
	if (!row)
		return false;
	before = ac97_codec_reg(codec, offset);
	kinds[row->kind].write(codec, offset, value & (uint16_t)~hidden(codec, offset));
	return row->kind == AC97_KIND_RESET || ac97_codec_reg(codec, offset) != before;
}
