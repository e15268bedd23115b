/* SPDX-License-Identifier: BSD-3-Clause */
/* The mixers that guests and their owner both turn: shown, set, and told of. */
#include <stdlib.h>
#include <string.h>

#include "control/events.h"

json_t *vmsnd_control_volume_of(const struct vmsnd_volume *volume, uint32_t channels)
{
	json_t *gains = json_array(), *muted = json_array();

	for (uint32_t i = 0; i < channels && i < VMSND_CHANNELS_MAX; i++) {
		json_array_append_new(gains, vmsnd_control_real(volume->channel_mdb[i] / 1000.0));
		json_array_append_new(muted, json_boolean(volume->muted >> i & 1));
	}
	return json_pack("{s:o,s:b,s:o,s:o}", "gain-db",
			 vmsnd_control_real(volume->gain_mdb / 1000.0), "mute",
			 volume->muted == UINT32_MAX, "channels-db", gains, "mute-channels", muted);
}

/* Channels that differ from the others, and those before them: the rest is 0 and not muted. */
static uint32_t channels_of(const struct vmsnd_volume *volume)
{
	uint32_t n = VMSND_CHANNELS_MAX;

	while (n > 0 && volume->channel_mdb[n - 1] == 0 &&
	       (volume->muted == UINT32_MAX || !(volume->muted >> (n - 1) & 1)))
		n--;
	return n;
}

static json_t *sources_of(uint32_t sources)
{
	json_t *list;

	if (sources == UINT32_MAX)
		return json_null();
	list = json_array();
	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++)
		if (sources >> i & 1)
			json_array_append_new(list, json_integer((json_int_t)i));
	return list;
}

json_t *vmsnd_control_mixer_of(enum vmsnd_dir dir, const struct vmsnd_mixer *mixer)
{
	json_t *shown = vmsnd_control_volume_of(&mixer->volume, channels_of(&mixer->volume));

	if (dir == VMSND_CAPTURE)
		json_object_set_new(shown, "sources", sources_of(mixer->sources));
	return shown;
}

/* ---- commands ---- */

static json_t *about(const struct vmsnd_mixer_place *place, const struct vmsnd_mixer *mixer)
{
	json_t *shown = json_pack("{s:s,s:I}", "direction", vmsnd_control_direction(place->dir),
				  "stream", (json_int_t)place->stream);
	json_t *rest = vmsnd_control_mixer_of(place->dir, mixer);

	json_object_update(shown, rest);
	json_decref(rest);
	return shown;
}

void vmsnd_control_query_mixer(struct vmsnd_control_call *call)
{
	struct vmsnd_mixer_place place = {.card = call->args[0].number};
	struct vmsnd_mixer mixer;

	call->result = json_array();
	for (unsigned dir = 0; dir < 2; dir++) {
		place.dir = (enum vmsnd_dir)dir;
		for (place.stream = 0; !vmsnd_machine_mixer(call->machine, &place, &mixer);
		     place.stream++)
			json_array_append_new(call->result, about(&place, &mixer));
	}
}

enum {
	MIXER_CARD,
	MIXER_DIRECTION,
	MIXER_STREAM,
	MIXER_GAIN,
	MIXER_CHANNELS,
	MIXER_MUTE,
	MIXER_MUTE_CHANNELS,
	MIXER_SOURCES
};

static bool is_sensible(struct vmsnd_control_call *call)
{
	const struct vmsnd_control_value *args = call->args;
	const char *line = NULL;
	bool any = false;

	for (unsigned i = MIXER_GAIN; i <= MIXER_SOURCES; i++)
		any = any || args[i].given;
	if (!any)
		line = "set-mixer needs one of gain-db, channels-db, mute, mute-channels, sources";
	else if (args[MIXER_MUTE].given && args[MIXER_MUTE_CHANNELS].given)
		line = "set-mixer takes mute or mute-channels, not both";
	else if (args[MIXER_SOURCES].given && args[MIXER_DIRECTION].number != VMSND_CAPTURE)
		line = "set-mixer: 'sources' are of what records: direction \"capture\"";
	if (line)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s", line);
	return !line;
}

static void change(const struct vmsnd_control_value *args, struct vmsnd_mixer *mixer)
{
	struct vmsnd_volume *volume = &mixer->volume;

	if (args[MIXER_GAIN].given)
		volume->gain_mdb = args[MIXER_GAIN].mdb;
	if (args[MIXER_CHANNELS].given)
		memcpy(volume->channel_mdb, args[MIXER_CHANNELS].mdbs, sizeof(volume->channel_mdb));
	if (args[MIXER_MUTE].given)
		volume->muted = args[MIXER_MUTE].on ? UINT32_MAX : 0;
	if (args[MIXER_MUTE_CHANNELS].given)
		volume->muted = args[MIXER_MUTE_CHANNELS].bits;
	if (args[MIXER_SOURCES].given)
		mixer->sources = args[MIXER_SOURCES].bits;
}

/* Each stream keeps what is not given. */
void vmsnd_control_set_mixer(struct vmsnd_control_call *call)
{
	const struct vmsnd_control_value *args = call->args;
	struct vmsnd_mixer_place place = {args[MIXER_CARD].number,
					  (enum vmsnd_dir)args[MIXER_DIRECTION].number,
					  args[MIXER_STREAM].number};
	enum vmsnd_rc rc = VMSND_OK;
	struct vmsnd_mixer mixer;

	if (!is_sensible(call))
		return;
	do {
		rc = vmsnd_machine_mixer(call->machine, &place, &mixer);
		if (rc)
			break;
		change(args, &mixer);
		rc = vmsnd_machine_mixer_set(call->machine, &place, &mixer, call->now);
		place.stream++;
	} while (!rc && !args[MIXER_STREAM].given);
	/* Beyond the last of all of them. */
	if (rc == VMSND_E_INVALID && !args[MIXER_STREAM].given && place.stream > 0)
		rc = VMSND_OK;
	vmsnd_control_went(call, rc, "there is no such stream; query-mixer lists them");
}

/* ---- events ---- */

static bool make_room(struct vmsnd_seen_card *seen, size_t n)
{
	struct vmsnd_mixer *more;

	if (n <= seen->n_mixers)
		return true;
	more = realloc(seen->mixers, n * sizeof(*more));
	if (!more)
		return false;
	seen->mixers = more;
	memset(more + seen->n_mixers, 0, (n - seen->n_mixers) * sizeof(*more));
	seen->n_mixers = n;
	return true;
}

/* One that could not be remembered, for want of memory, is not told of. */
static void look_at(struct vmsnd_control_watch *watch, const struct vmsnd_mixer_place *place,
		    const struct vmsnd_mixer *now, bool silent)
{
	struct vmsnd_seen_card *seen = &watch->cards[place->card];
	size_t at = 2 * (size_t)place->stream + (unsigned)place->dir;
	json_t *data, *rest;

	if (!make_room(seen, at + 1) || memcmp(&seen->mixers[at], now, sizeof(*now)) == 0)
		return;
	seen->mixers[at] = *now;
	if (silent)
		return;
	data = vmsnd_control_about_card(watch, place->card);
	rest = about(place, now);
	json_object_update(data, rest);
	json_decref(rest);
	vmsnd_control_watch_tell(watch, "MIXER_CHANGED", data);
}

void vmsnd_control_look_at_mixers(struct vmsnd_control_watch *watch, unsigned card, bool silent)
{
	struct vmsnd_mixer_place place = {.card = card};
	struct vmsnd_mixer mixer;

	for (unsigned dir = 0; dir < 2; dir++) {
		place.dir = (enum vmsnd_dir)dir;
		for (place.stream = 0; !vmsnd_machine_mixer(watch->conf.machine, &place, &mixer);
		     place.stream++)
			look_at(watch, &place, &mixer, silent);
	}
}
