/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved and brought back (A9-32). What a ring holds is the connector's; where an engine is in time
 * goes on. Nothing of a state is believed: of one that cannot be nothing is left, and the bus has
 * not heard of it. */
#include <string.h>

#include "devices/ac97/ac97.h"

static void save_engine(const struct vmsnd_ac97 *card, const struct ac97_engine *engine,
			struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u32(to, engine->bdbar);
	vmsnd_state_put_u8(to, engine->civ);
	vmsnd_state_put_u8(to, engine->lvi);
	vmsnd_state_put_u8(to, engine->piv);
	vmsnd_state_put_u8(to, engine->cr);
	vmsnd_state_put_u16(to, engine->sr);
	vmsnd_state_put_u8(to, (uint8_t)engine->phase);
	vmsnd_state_put_u8(to, engine->under_way);
	vmsnd_state_put_u8(to, engine->fresh);
	vmsnd_state_put_u32(to, engine->list.address);
	vmsnd_state_put_u32(to, engine->list.samples);
	vmsnd_state_put_u8(to, engine->list.ioc);
	vmsnd_state_put_u8(to, engine->list.bup);
	vmsnd_state_put_u32(to, engine->left_samples);
	vmsnd_state_put_u8(to, engine->port_runs);
	vmsnd_state_put_u8(to, engine->primed);
	vmsnd_state_put_u32(to, engine->reserve_frames);
	vmsnd_state_put_u8(to, engine->held);
	vmsnd_state_put_u8(to, (uint8_t)engine->params.format.sample);
	vmsnd_state_put_u32(to, engine->params.format.rate_hz);
	vmsnd_state_put_u8(to, (uint8_t)engine->params.format.channels);
	vmsnd_sample_clock_save(&engine->clock, to, card->seen);
	vmsnd_state_put_u64(to, engine->done_frames);
	vmsnd_state_put_u32(to, engine->idle_frames);
	vmsnd_state_put_u64(to, engine->moved_frames);
	vmsnd_state_put(to, engine->last_frame, sizeof(engine->last_frame));
}

void ac97_save(const struct vmsnd_ac97 *card, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u8(to, (uint8_t)card->conf.variant);
	vmsnd_state_put_u8(to, (uint8_t)card->conf.n_codecs);
	vmsnd_state_put_u8(to, (uint8_t)card->n_engines);
	vmsnd_state_put_u32(to, card->glob_cnt);
	vmsnd_state_put_u32(to, card->glob_sta);
	vmsnd_state_put_u8(to, card->cas);
	vmsnd_state_put_u8(to, card->sdm);
	for (unsigned i = 0; i < card->n_engines; i++)
		save_engine(card, &card->engines[i], to);
	for (unsigned i = 0; i < card->conf.n_codecs; i++)
		ac97_codec_save(&card->codecs[i], to);
	ac97_sound_save(&card->sound, to);
	vmsnd_pci_save(&card->pci, to);
}

/* ---- back ---- */

static void load_registers(const struct vmsnd_ac97 *card, struct ac97_engine *engine,
			   struct vmsnd_state_reader *from)
{
	bool runs, halted;

	engine->bdbar = vmsnd_state_get_u32(from);
	engine->civ = vmsnd_state_get_u8_upto(from, AC97_DESCRIPTORS - 1);
	engine->lvi = vmsnd_state_get_u8_upto(from, AC97_DESCRIPTORS - 1);
	engine->piv = vmsnd_state_get_u8_upto(from, AC97_DESCRIPTORS - 1);
	engine->cr = vmsnd_state_get_u8(from);
	engine->sr = vmsnd_state_get_u16(from);
	engine->phase = (enum ac97_phase)vmsnd_state_get_u8_upto(from, AC97_HALTED);
	engine->under_way = vmsnd_state_get_bool(from);
	engine->fresh = vmsnd_state_get_bool(from);
	engine->list.address = vmsnd_state_get_u32(from);
	engine->list.samples = vmsnd_state_get_u32_upto(from, 0xffff);
	engine->list.ioc = vmsnd_state_get_bool(from);
	engine->list.bup = vmsnd_state_get_bool(from);
	engine->left_samples = vmsnd_state_get_u32_upto(from, engine->list.samples);
	if ((engine->bdbar & 7) || (engine->cr & ~(AC97_CR_ENABLES | AC97_CR_RUN)) ||
	    (engine->sr & ~0x1fu) || (engine->list.address & 3))
		from->bad = true;
	if (engine->under_way != (engine->left_samples > 0) ||
	    (engine->phase == AC97_MOVING && !engine->under_way))
		from->bad = true;
	runs = (engine->cr & AC97_CR_RUN) && ac97_link_up(card);
	halted = engine->phase == AC97_IDLE || engine->phase == AC97_HALTED;
	if (runs != (engine->phase != AC97_IDLE) || halted != ((engine->sr & AC97_SR_DCH) != 0))
		from->bad = true;
}

/* A format that this engine may have. */
static bool is_format(const struct vmsnd_ac97 *card, unsigned id, const struct vmsnd_format *format)
{
	bool out = id == AC97_PCM_OUT;

	if (format->sample != VMSND_SAMPLE_S16 &&
	    !(out && format->sample == VMSND_SAMPLE_S32 && card->conf.variant == AC97_VARIANT_ICH4))
		return false;
	return vmsnd_format_frame_bytes(format) > 0 && format->rate_hz <= 96000 &&
	       format->channels % 2 == 0 && format->channels <= (out ? AC97_CHANNELS : 2);
}

static void load_time(struct vmsnd_ac97 *card, unsigned id, struct vmsnd_state_reader *from,
		      vmsnd_ns now)
{
	struct ac97_engine *engine = &card->engines[id];
	struct vmsnd_format *format = &engine->params.format;

	engine->port_runs = vmsnd_state_get_bool(from);
	engine->primed = vmsnd_state_get_bool(from);
	engine->reserve_frames = vmsnd_state_get_u32(from);
	engine->held = vmsnd_state_get_bool(from);
	*format = (struct vmsnd_format){.sample = (enum vmsnd_sample)vmsnd_state_get_u8(from)};
	format->rate_hz = vmsnd_state_get_u32(from);
	format->channels = vmsnd_state_get_u8_upto(from, AC97_CHANNELS);
	ac97_format_positions(format);
	vmsnd_sample_clock_load(&engine->clock, from, now);
	engine->done_frames = vmsnd_state_get_u64(from);
	engine->idle_frames = vmsnd_state_get_u32(from);
	engine->moved_frames = vmsnd_state_get_u64(from);
	vmsnd_state_get(from, engine->last_frame, sizeof(engine->last_frame));
	if (!is_format(card, id, format)) {
		from->bad = true;
		return;
	}
	engine->frame_bytes = vmsnd_format_frame_bytes(format);
	if (engine->phase != AC97_IDLE &&
	    (engine->clock.nominal_hz != format->rate_hz ||
	     engine->done_frames > vmsnd_sample_clock_frames(&engine->clock, now)))
		from->bad = true;
}

/* What the port was loaded with is what counts: without it, or with another format, it is as it is
 * for an engine that has none. */
static void take_port(struct vmsnd_ac97 *card, struct ac97_engine *engine)
{
	struct vmsnd_stream_params params;
	struct vmsnd_format *format = &engine->params.format;

	engine->params.period_frames = ac97_step_frames(card, engine);
	engine->params.buffer_frames = format->rate_hz / 2;
	engine->port_runs = engine->port_runs && engine->phase != AC97_IDLE && engine->port &&
			    vmsnd_port_params(engine->port, &params) &&
			    vmsnd_format_equal(&params.format, format);
	engine->port_wanted = engine->port_runs || ac97_engine_wants_port(card, engine);
	engine->granted = vmsnd_pci_masters(&card->pci);
	engine->paced_at = engine->asked_since = engine->read_at = VMSND_NEVER;
	engine->asked_frames = engine->fetched_frames = engine->lost_frames = 0;
	ac97_pace_anew(engine);
}

static void load_all(struct vmsnd_ac97 *card, struct vmsnd_state_reader *from, vmsnd_ns now)
{
	if (vmsnd_state_get_u8(from) != card->conf.variant ||
	    vmsnd_state_get_u8(from) != card->conf.n_codecs ||
	    vmsnd_state_get_u8(from) != card->n_engines)
		from->bad = true;
	if (from->bad)
		return;
	card->glob_cnt = vmsnd_state_get_u32(from);
	card->glob_sta = vmsnd_state_get_u32(from);
	card->cas = vmsnd_state_get_u8_upto(from, 1);
	card->sdm = vmsnd_state_get_u8(from);
	for (unsigned i = 0; i < card->n_engines; i++) {
		load_registers(card, &card->engines[i], from);
		load_time(card, i, from, now);
	}
	if (!ac97_globals_are_possible(card))
		from->bad = true;
	for (unsigned i = 0; i < card->conf.n_codecs && !from->bad; i++)
		if (ac97_codec_load(&card->codecs[i], from))
			from->bad = true;
	if (!from->bad && ac97_sound_load(&card->sound, from))
		from->bad = true;
	/* Last: the bus hears of its line. */
	if (!from->bad)
		vmsnd_pci_load(&card->pci, from);
}

enum vmsnd_rc ac97_load(struct vmsnd_ac97 *card, struct vmsnd_state_reader *from, vmsnd_ns now)
{
	card->seen = now;
	load_all(card, from, now);
	if (from->bad) {
		ac97_power_on(card, now);
		return VMSND_E_DAMAGED;
	}
	for (unsigned i = 0; i < card->n_engines; i++)
		take_port(card, &card->engines[i]);
	ac97_sound_changed(&card->sound);
	ac97_settle(card);
	card->counters.interrupts = 0;
	return VMSND_OK;
}
