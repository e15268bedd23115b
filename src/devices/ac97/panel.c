/* SPDX-License-Identifier: BSD-3-Clause */
/* Jacks and mixers, which the owner turns as well as the guest does. */
#include <string.h>

#include "devices/ac97/ac97.h"

static const struct {
	const char *name;
	enum vmsnd_dir dir;
} rows[AC97_JACK_COUNT] = {
    [AC97_JACK_LINE_OUT] = {"line-out", VMSND_PLAYBACK},
    [AC97_JACK_HEADPHONE] = {"headphone", VMSND_PLAYBACK},
    [AC97_JACK_MIC] = {"mic", VMSND_CAPTURE},
    [AC97_JACK_LINE_IN] = {"line-in", VMSND_CAPTURE},
};

bool ac97_panel_jack(const struct vmsnd_ac97 *card, unsigned index, struct vmsnd_jack *out)
{
	if (!card->conf.jacks || index >= AC97_JACK_COUNT)
		return false;
	*out = (struct vmsnd_jack){.connected = card->codecs[0].jacks >> index & 1, .output = 0};
	memcpy(out->name, rows[index].name, strlen(rows[index].name));
	out->dirs[rows[index].dir] = true;
	return true;
}

/* The codec says so in slot 12, which the controller makes an interrupt of. */
void ac97_panel_jack_set(struct vmsnd_ac97 *card, unsigned index, bool connected, vmsnd_ns now)
{
	if (!card->conf.jacks || index >= AC97_JACK_COUNT)
		return;
	if (ac97_codec_jack(&card->codecs[0], (enum ac97_jack)index, connected) &&
	    ac97_link_up(card))
		card->glob_sta |= AC97_STA_GSCI;
	ac97_sound_changed(&card->sound);
	ac97_mixers(card, now);
}

void ac97_panel_turned(struct vmsnd_ac97 *card, enum vmsnd_dir dir, unsigned index)
{
	struct vmsnd_mixer mixer;

	for (unsigned i = 0; i < card->n_engines; i++) {
		const struct ac97_engine *engine = &card->engines[i];

		if (!engine->port || engine->dir != dir || engine->port_index != index ||
		    !ac97_has_mixer(card, i))
			continue;
		vmsnd_port_mixer(engine->port, &mixer);
		ac97_sound_turned(&card->sound, &card->codecs[0], ac97_converter_of(i), &mixer);
		ac97_sound_changed(&card->sound);
	}
}

/* ---- the guest's registers ---- */

bool ac97_has_mixer(const struct vmsnd_ac97 *card, unsigned engine)
{
	return engine != AC97_SPDIF_OUT && ac97_codec_of(card, engine) == &card->codecs[0];
}

static void turn(struct vmsnd_ac97 *card, struct ac97_engine *engine,
		 const struct vmsnd_mixer *mixer, vmsnd_ns now)
{
	struct vmsnd_mixer was;

	vmsnd_port_mixer(engine->port, &was);
	if (memcmp(&was, mixer, sizeof(was)) == 0)
		return;
	vmsnd_port_mixer_set(engine->port, mixer, now);
	if (card->env.mixer_changed)
		card->env.mixer_changed(card->env.ctx, engine->dir, engine->port_index);
}

void ac97_mixers(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	for (unsigned i = 0; i < card->n_engines; i++) {
		struct ac97_engine *engine = &card->engines[i];
		struct vmsnd_mixer mixer = {.sources = UINT32_MAX};

		if (!engine->port || !ac97_has_mixer(card, i))
			continue;
		if (engine->dir == VMSND_PLAYBACK)
			ac97_sound_play_mixer(&card->sound, &mixer);
		else
			ac97_sound_record_mixer(&card->sound, ac97_converter_of(i), &mixer);
		turn(card, engine, &mixer, now);
	}
}
