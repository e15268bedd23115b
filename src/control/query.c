/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that ask. */
#include <stdlib.h>

#include "control/parts.h"
#include "vmsnd/device.h"
#include "vmsnd/module.h"

#define HOST_DEVICES_MAX 256u

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
	struct vmsnd_machine_status status = vmsnd_machine_status(call->machine);

	call->result =
	    json_pack("{s:s,s:b,s:o,s:o,s:o}", "status", "running", "running", 1, "cards",
		      number(status.cards), "connected", number(status.connected), "sessions-ended",
		      number(status.sessions_ended));
}

/* ---- what commands there are ---- */

void vmsnd_control_query_commands(struct vmsnd_control_call *call)
{
	call->result = json_array();
	for (size_t i = 0; vmsnd_control_command(i); i++)
		json_array_append_new(call->result,
				      json_pack("{s:s}", "name", vmsnd_control_command(i)->name));
}

static json_t *schema_of(const struct vmsnd_control_command *command)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < VMSND_CONTROL_ARGS_MAX && command->args[i].name; i++) {
		const struct vmsnd_control_arg *arg = &command->args[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:b,s:s}", "name", arg->name, "value",
						vmsnd_control_kind_words(arg->kind), "optional",
						arg->optional, "help", arg->help));
	}
	return json_pack("{s:s,s:s,s:s,s:o}", "name", command->name, "help", command->help,
			 "returns", command->returns ? command->returns : "{}", "arguments", list);
}

void vmsnd_control_query_schema(struct vmsnd_control_call *call)
{
	json_t *commands = json_array(), *events = json_array();
	const char *help, *name;

	for (size_t i = 0; vmsnd_control_command(i); i++)
		json_array_append_new(commands, schema_of(vmsnd_control_command(i)));
	for (size_t i = 0; (name = vmsnd_control_event(i, &help)); i++)
		json_array_append_new(events, json_pack("{s:s,s:s}", "name", name, "help", help));
	call->result = json_pack("{s:o,s:o}", "commands", commands, "events", events);
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

static json_t *output_of(unsigned output, const struct vmsnd_output_status *status)
{
	const struct vmsnd_output_way *playback = &status->ways[VMSND_PLAYBACK];
	const struct vmsnd_output_way *capture = &status->ways[VMSND_CAPTURE];

	return json_pack("{s:o,s:o,s:o,s:b,s:b,s:s,s:b,s:s}", "output", number(output), "backend",
			 vmsnd_control_text(status->backend), "text",
			 vmsnd_control_text(status->text), "present", status->present, "playback",
			 playback->serves, "playback-status", status_word(playback->status),
			 "capture", capture->serves, "capture-status",
			 status_word(capture->status));
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

void vmsnd_control_query_cards(struct vmsnd_control_call *call)
{
	unsigned n = vmsnd_machine_status(call->machine).cards;

	call->result = json_array();
	for (unsigned i = 0; i < n; i++) {
		bool playback = false, capture = false, paused = false;

		vmsnd_machine_enabled(call->machine, i, VMSND_PLAYBACK, &playback);
		vmsnd_machine_enabled(call->machine, i, VMSND_CAPTURE, &capture);
		vmsnd_machine_paused(call->machine, i, &paused);
		json_array_append_new(
		    call->result,
		    json_pack("{s:o,s:o,s:b,s:b,s:b,s:o,s:o}", "card", number(i), "name",
			      vmsnd_control_text(vmsnd_machine_card_name(call->machine, i)),
			      "playback", playback, "capture", capture, "paused", paused, "outputs",
			      outputs_of(call->machine, i), "taps", taps_of(call->machine, i)));
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

/* As many channels as are known, so that what is shown can be handed to volume. */
static json_t *volume_of(const struct vmsnd_stream_status *status)
{
	const struct vmsnd_volume *volume = &status->volume;
	json_t *gains = json_array(), *muted = json_array();

	for (uint32_t i = 0; i < status->guest_format.channels && i < VMSND_CHANNELS_MAX; i++) {
		json_array_append_new(gains, vmsnd_control_real(volume->channel_mdb[i] / 1000.0));
		json_array_append_new(muted, json_boolean(volume->muted >> i & 1));
	}
	return json_pack("{s:o,s:b,s:o,s:o}", "gain-db",
			 vmsnd_control_real(volume->gain_mdb / 1000.0), "mute",
			 volume->muted == UINT32_MAX, "channels-db", gains, "mute-channels", muted);
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

static json_t *stream_of(const struct vmsnd_stream_status *status, vmsnd_ns now)
{
	json_t *stream = json_pack(
	    "{s:s,s:o,s:o,s:o,s:o,s:o}", "direction", vmsnd_control_direction(status->dir),
	    "stream", number(status->stream), "output", number(status->output), "backend",
	    vmsnd_control_text(status->backend), "host", vmsnd_control_text(status->host), "state",
	    vmsnd_control_text(status->state));

	json_object_set_new(stream, "guest-format", format_of(&status->guest_format));
	json_object_set_new(stream, "host-format", format_of(&status->host_format));
	json_object_set_new(stream, "exact", json_boolean(status->exact));
	json_object_set_new(stream, "volume", volume_of(status));
	add_figures(stream, status);
	json_object_set_new(stream, "changes", changes_of(status, now));
	return stream;
}

void vmsnd_control_query_streams(struct vmsnd_control_call *call)
{
	size_t n;
	struct vmsnd_stream_status *list =
	    vmsnd_control_streams(call->machine, call->args[0].number, &n);

	call->result = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(call->result, stream_of(&list[i], call->now));
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

/* ---- what this build has ---- */

/* A limit as the table writes it (vmsnd/config.h). */
static json_t *limit_of(const struct vmsnd_option *option, uint64_t limit)
{
	if (option->type == VMSND_OPTION_INT)
		return json_integer((json_int_t)limit);
	if (option->type == VMSND_OPTION_REAL)
		return json_real((double)(int64_t)limit / 1000);
	return number(limit);
}

static bool has_limits(const struct vmsnd_option *option)
{
	if (option->type == VMSND_OPTION_TEXT || option->type == VMSND_OPTION_BOOL)
		return false;
	return option->type == VMSND_OPTION_UINT || option->minimum || option->maximum;
}

static json_t *option_of(const struct vmsnd_option *option)
{
	static const char *const types[] = {
	    [VMSND_OPTION_TEXT] = "text",   [VMSND_OPTION_UINT] = "number",
	    [VMSND_OPTION_BOOL] = "switch", [VMSND_OPTION_INT] = "integer",
	    [VMSND_OPTION_REAL] = "real",   [VMSND_OPTION_BYTES] = "bytes"};
	json_t *row = json_pack("{s:s,s:s,s:o,s:o}", "name", option->key, "type",
				types[option->type], "default", vmsnd_control_text(option->value),
				"help", vmsnd_control_text(option->help));

	if (has_limits(option)) {
		json_object_set_new(row, "minimum", limit_of(option, option->minimum));
		json_object_set_new(row, "maximum", limit_of(option, option->maximum));
	}
	return row;
}

static json_t *class_of(const char *name, const char *summary, const struct vmsnd_option *options)
{
	json_t *list = json_array();

	for (; options && options->key; options++)
		json_array_append_new(list, option_of(options));
	return json_pack("{s:s,s:o,s:o}", "name", name, "summary", vmsnd_control_text(summary),
			 "options", list);
}

void vmsnd_control_query_devices(struct vmsnd_control_call *call)
{
	const struct vmsnd_dev_class *cls;

	call->result = json_array();
	for (size_t i = 0; (cls = vmsnd_registry_device(NULL, i)); i++)
		json_array_append_new(call->result,
				      class_of(cls->name, cls->summary, cls->options));
}

void vmsnd_control_query_backends(struct vmsnd_control_call *call)
{
	const struct vmsnd_backend_class *cls;

	call->result = json_array();
	for (size_t i = 0; (cls = vmsnd_registry_backend(NULL, i)); i++)
		json_array_append_new(call->result,
				      class_of(cls->name, cls->summary, cls->options));
}

/* ---- host devices ---- */

static json_t *host_device_of(const struct vmsnd_host_device *device)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:b}", "id", vmsnd_control_text(device->id),
			 "name", vmsnd_control_text(device->name), "playback-channels",
			 number(device->playback_channels), "capture-channels",
			 number(device->capture_channels), "default-playback",
			 device->default_playback, "default-capture", device->default_capture,
			 "hot-plug", device->hot_plug);
}

void vmsnd_control_query_host_devices(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_OUTPUT, ARG_REFRESH };
	unsigned card = call->args[ARG_CARD].number, output = call->args[ARG_OUTPUT].number;
	struct vmsnd_output_status status;
	struct vmsnd_host_device *list;
	size_t n;

	if (vmsnd_machine_output(call->machine, card, output, &status)) {
		vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
				   "there is no output %u; query-cards lists them", output);
		return;
	}
	list = calloc(HOST_DEVICES_MAX, sizeof(*list));
	if (!list || (call->args[ARG_REFRESH].on &&
		      !vmsnd_control_went(
			  call, vmsnd_machine_host_refresh(call->machine, card, output, call->now),
			  "there is no such output; query-cards lists them"))) {
		free(list);
		return;
	}
	n = vmsnd_machine_host_devices(call->machine, card, output, list, HOST_DEVICES_MAX);
	call->result = json_array();
	for (size_t i = 0; i < n && i < HOST_DEVICES_MAX; i++)
		json_array_append_new(call->result, host_device_of(&list[i]));
	free(list);
}
