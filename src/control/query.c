/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that ask how things are. */
#include <stdlib.h>

#include "control/parts.h"

static json_t *number(uint64_t value)
{
	return vmsnd_control_count(value);
}

void vmsnd_control_query_version(struct vmsnd_control_call *call)
{
	call->result = vmsnd_control_version();
}

void vmsnd_control_query_status(struct vmsnd_control_call *call)
{
	static const char *const words[] = {[VMSND_MACHINE_OFF] = "off",
					    [VMSND_MACHINE_ON] = "running",
					    [VMSND_MACHINE_SUSPENDED] = "suspended",
					    [VMSND_MACHINE_CHANGING] = "changing"};
	struct vmsnd_machine_status status = vmsnd_machine_status(call->machine);
	enum vmsnd_machine_phase phase = vmsnd_machine_phase(call->machine);

	call->result =
	    json_pack("{s:s,s:b,s:o,s:o,s:o,s:o,s:o}", "status", words[phase], "running",
		      phase == VMSND_MACHINE_ON, "cards", number(status.cards), "connected",
		      number(status.connected), "sessions-ended", number(status.sessions_ended),
		      "lanes", number(status.lanes), "hiccups", number(status.hiccups));
}

/* ---- cards and streams ---- */

static const char *status_word(enum vmsnd_backend_status status)
{
	static const char *const words[] = {[VMSND_BACKEND_UNKNOWN] = "unknown",
					    [VMSND_BACKEND_INITIALIZING] = "initializing",
					    [VMSND_BACKEND_STOPPED] = "stopped",
					    [VMSND_BACKEND_RUNNING] = "running",
					    [VMSND_BACKEND_ERROR] = "error"};

	return (size_t)status < sizeof(words) / sizeof(words[0]) ? words[status] : words[0];
}

static json_t *drivers_of(const struct vmsnd_output_status *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < VMSND_DRIVERS_MAX && status->drivers[i][0]; i++)
		json_array_append_new(list, vmsnd_control_text(status->drivers[i]));
	return list;
}

static json_t *output_of(unsigned output, const struct vmsnd_output_status *status)
{
	const struct vmsnd_output_way *playback = &status->ways[VMSND_PLAYBACK];
	const struct vmsnd_output_way *capture = &status->ways[VMSND_CAPTURE];

	return json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:s,s:b,s:s}", "output", number(output),
			 "backend", vmsnd_control_text(status->backend), "text",
			 vmsnd_control_text(status->text), "drivers", drivers_of(status), "present",
			 status->present, "playback", playback->serves, "playback-status",
			 status_word(playback->status), "capture", capture->serves,
			 "capture-status", status_word(capture->status));
}

/* Also those that no stream of the card is on. */
static json_t *outputs_of(const struct vmsnd_machine *machine, unsigned card)
{
	json_t *list = json_array();
	struct vmsnd_output_status status;

	for (unsigned output = 0; output < VMSND_OUTPUTS_MAX; output++)
		if (!vmsnd_machine_output(machine, card, output, &status))
			json_array_append_new(list, output_of(output, &status));
	return list;
}

static json_t *taps_of(const struct vmsnd_machine *machine, unsigned card)
{
	json_t *list = json_array();
	size_t n = vmsnd_machine_taps(machine, card, NULL, 0);
	struct vmsnd_tap_conf *taps = n > 0 ? calloc(n, sizeof(*taps)) : NULL;

	n = taps ? vmsnd_machine_taps(machine, card, taps, n) : 0;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
		    list, json_pack("{s:s,s:o,s:s,s:o}", "direction",
				    vmsnd_control_direction(taps[i].dir), "stream",
				    number(taps[i].stream), "point",
				    taps[i].point == VMSND_TAP_DEVICE ? "device" : "host", "path",
				    vmsnd_control_text(taps[i].path)));
	free(taps);
	return list;
}

static json_t *card_of(const struct vmsnd_machine *machine, unsigned card, const char *name)
{
	bool playback = false, capture = false, paused = false;
	struct vmsnd_guard_status guard = {.trusted = true};

	vmsnd_machine_enabled(machine, card, VMSND_PLAYBACK, &playback);
	vmsnd_machine_enabled(machine, card, VMSND_CAPTURE, &capture);
	vmsnd_machine_paused(machine, card, &paused);
	vmsnd_machine_guard(machine, card, &guard);
	return json_pack("{s:o,s:o,s:b,s:b,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:o}", "card", number(card),
			 "name", vmsnd_control_text(name), "playback", playback, "capture", capture,
			 "paused", paused, "trusted", guard.trusted, "refusals",
			 number(guard.refusals), "trace",
			 guard.trace ? vmsnd_control_text(guard.trace) : json_null(),
			 "trace-records", number(guard.records), "trace-lost", number(guard.lost),
			 "outputs", outputs_of(machine, card), "taps", taps_of(machine, card));
}

void vmsnd_control_query_cards(struct vmsnd_control_call *call)
{
	unsigned end = vmsnd_machine_cards_end(call->machine);

	call->result = json_array();
	for (unsigned i = 0; i < end; i++) {
		const char *name = vmsnd_machine_card_name(call->machine, i);

		if (name)
			json_array_append_new(call->result, card_of(call->machine, i, name));
	}
}

static json_t *format_of(const struct vmsnd_format *format)
{
	json_t *positions;

	if (format->rate_hz == 0)
		return json_null();
	positions = json_array();
	for (uint32_t i = 0; i < format->channels && i < VMSND_CHANNELS_MAX; i++)
		json_array_append_new(
		    positions, json_string(vmsnd_position_name(vmsnd_format_position(format, i))));
	return json_pack("{s:s,s:o,s:o,s:b,s:o}", "sample", vmsnd_sample_name(format->sample),
			 "rate", number(format->rate_hz), "channels", number(format->channels),
			 "big-endian", format->big_endian, "positions", positions);
}

static json_t *changes_of(const struct vmsnd_stream_status *status, vmsnd_ns now)
{
	const size_t max = sizeof(status->changes) / sizeof(status->changes[0]);
	json_t *list = json_array();

	for (size_t i = 0; i < status->n_changes && i < max; i++) {
		vmsnd_ns when = status->changes[i].when;

		json_array_append_new(
		    list, json_pack("{s:o,s:o}", "to", vmsnd_control_text(status->changes[i].to),
				    "ago-ns", number(now > when ? now - when : 0)));
	}
	return list;
}

static void add_figures(json_t *stream, const struct vmsnd_stream_status *status)
{
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {
	    {"frames-in", status->frames_in},
	    {"frames-out", status->frames_out},
	    {"dropped-frames", status->dropped_frames},
	    {"silence-frames", status->silence_frames},
	    {"xruns", status->xruns},
	    {"xrun-frames", status->xrun_frames},
	    {"fill-frames", status->fill_frames},
	    {"latency-ns", status->latency_ns},
	    {"latency-min-ns", status->latency_min_ns},
	    {"latency-max-ns", status->latency_max_ns},
	    {"opens", status->opens},
	    {"losses", status->losses},
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		json_object_set_new(stream, figures[i].name, number(figures[i].value));
	json_object_set_new(stream, "drift-ppm", vmsnd_control_real(status->drift_ppm));
	json_object_set_new(stream, "bend-ppm", vmsnd_control_real(status->bend_ppm));
}

static json_t *mixer_of(const struct vmsnd_control_call *call,
			const struct vmsnd_stream_status *status)
{
	const struct vmsnd_mixer_place place = {call->args[0].number, status->dir, status->stream};
	struct vmsnd_mixer mixer = {.sources = UINT32_MAX};

	vmsnd_machine_mixer(call->machine, &place, &mixer);
	return vmsnd_control_mixer_of(status->dir, &mixer);
}

/* null: the backend does not tell, or no host stream is open. */
static json_t *place_of(const struct vmsnd_stream_place *place)
{
	json_t *object;

	if (!place->device[0] && !place->name[0] && !place->has_volume && place->xruns == 0)
		return json_null();
	object = json_pack("{s:o,s:o,s:o}", "device", vmsnd_control_text(place->device), "name",
			   vmsnd_control_text(place->name), "xruns", number(place->xruns));
	if (place->has_volume)
		json_object_set_new(object, "volume",
				    json_pack("{s:o,s:b}", "gain-db",
					      vmsnd_control_real(place->gain_mdb / 1000.0), "mute",
					      place->muted));
	else
		json_object_set_new(object, "volume", json_null());
	return object;
}

static json_t *stream_of(const struct vmsnd_control_call *call,
			 const struct vmsnd_stream_status *status)
{
	json_t *stream = json_pack(
	    "{s:s,s:o,s:o,s:o,s:o,s:o}", "direction", vmsnd_control_direction(status->dir),
	    "stream", number(status->stream), "output", number(status->output), "backend",
	    vmsnd_control_text(status->backend), "host", vmsnd_control_text(status->host), "state",
	    vmsnd_control_text(status->state));

	json_object_set_new(stream, "guest-format", format_of(&status->guest_format));
	json_object_set_new(stream, "host-format", format_of(&status->host_format));
	json_object_set_new(stream, "place", place_of(&status->place));
	json_object_set_new(stream, "exact", json_boolean(status->exact));
	/* As many channels as are known, so that what is shown can be handed to volume. */
	json_object_set_new(
	    stream, "volume",
	    vmsnd_control_volume_of(&status->volume, status->guest_format.channels));
	json_object_set_new(stream, "mixer", mixer_of(call, status));
	add_figures(stream, status);
	json_object_set_new(stream, "changes", changes_of(status, call->now));
	return stream;
}

void vmsnd_control_query_streams(struct vmsnd_control_call *call)
{
	size_t n;
	struct vmsnd_stream_status *list =
	    vmsnd_control_streams(call->machine, call->args[0].number, &n);

	call->result = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(call->result, stream_of(call, &list[i]));
	free(list);
}

void vmsnd_control_query_counters(struct vmsnd_control_call *call)
{
	unsigned card = call->args[0].number;
	size_t n = vmsnd_machine_counters(call->machine, card, NULL, 0);
	struct vmsnd_named_counter *list = n > 0 ? calloc(n, sizeof(*list)) : NULL;

	if (list)
		vmsnd_machine_counters(call->machine, card, list, n);
	call->result = json_object();
	for (size_t i = 0; list && i < n; i++)
		json_object_set_new(call->result, list[i].name, number(list[i].value));
	free(list);
}
