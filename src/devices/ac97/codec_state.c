/* SPDX-License-Identifier: BSD-3-Clause */
/* A codec's saved state. What is loaded has to be what guests can bring about: bits that a part
 * does not have, and rates that it cannot do, are refused. */
#include "devices/ac97/codec_parts.h"

void ac97_codec_save(const struct ac97_codec *codec, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u8(to, (uint8_t)codec->conf.part);
	vmsnd_state_put_u8(to, codec->conf.tone);
	vmsnd_state_put_u8(to, codec->conf.number);
	vmsnd_state_put_u8(to, codec->conf.channels);
	vmsnd_state_put_u8(to, codec->jacks);
	for (unsigned i = 0; i < AC97_CODEC_REGISTERS; i++)
		vmsnd_state_put_u16(to, codec->regs[i]);
	for (unsigned i = 0; i < AC97_CODEC_VENDOR_WORDS; i++)
		vmsnd_state_put_u16(to, codec->vendor[i]);
}

static bool is_configured(const struct ac97_codec *codec, struct vmsnd_state_reader *from)
{
	bool same = vmsnd_state_get_u8(from) == codec->conf.part;

	same &= vmsnd_state_get_bool(from) == codec->conf.tone;
	same &= vmsnd_state_get_u8(from) == codec->conf.number;
	same &= vmsnd_state_get_u8(from) == codec->conf.channels;
	return same;
}

/* A rate is one that writing it would give; other bits differ from the reset value only where they
 * can be written, or where the codec itself sets them. */
static bool register_can_be(const struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	const struct ac97_register *row = ac97_codec_row(codec, offset);
	uint16_t sets = row && row->kind == AC97_KIND_INTERRUPT ? AC97_INTERRUPT_SETS : 0;
	struct ac97_codec probe = *codec;

	if (!row)
		return value == 0;
	probe.regs[offset / 2] = row->reset;
	if (ac97_codec_part(codec)->flags & AC97_PART_SRU)
		probe.regs[AC97_AD_MISC / 2] |= AC97_AD_SRU;
	if (row->kind == AC97_KIND_RATE)
		ac97_rate_write(&probe, offset, value);
	else if (row->kind == AC97_KIND_SPDIF)
		ac97_spdif_write(&probe, offset, value);
	else
		return ((value ^ row->reset) & ~(row->writable | sets)) == 0;
	return value == row->reset || ac97_codec_reg(&probe, offset) == value;
}

enum vmsnd_rc ac97_codec_load(struct ac97_codec *codec, struct vmsnd_state_reader *from)
{
	struct ac97_codec now = *codec;
	bool right = is_configured(codec, from);

	now.jacks = vmsnd_state_get_u8_upto(from, (1u << AC97_JACK_COUNT) - 1);
	for (unsigned i = 0; i < AC97_CODEC_REGISTERS; i++)
		now.regs[i] = vmsnd_state_get_u16(from);
	for (unsigned i = 0; i < AC97_CODEC_VENDOR_WORDS; i++)
		now.vendor[i] = vmsnd_state_get_u16(from);
	for (unsigned i = 0; i < AC97_CODEC_REGISTERS; i++)
		right &= register_can_be(&now, 2 * i, now.regs[i]);
	right &= ac97_page1_can_be(&now);
	if (from->bad || !right)
		return VMSND_E_DAMAGED;
	*codec = now;
	return VMSND_OK;
}
