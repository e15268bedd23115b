/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server has: sinks, sources, and which are its own choice. Kept at hand, so that nobody
 * waits for it: asked when the server comes, and again when it says that something changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/pulse/host.h"

static void copy(char *to, size_t bytes, const char *from)
{
	snprintf(to, bytes, "%s", from ? from : "");
}

static void tell(struct vmsnd_backend *host)
{
	if (host->user && host->user->devices_changed)
		host->user->devices_changed(host->user_ctx);
}

/* ---- lists ---- */

static void free_devices(struct pulse_device **first)
{
	while (*first) {
		struct pulse_device *gone = *first;

		*first = gone->next;
		free(gone);
	}
}

static bool hot_plug(const pa_proplist *properties)
{
	const char *bus = pa_proplist_gets(properties, PA_PROP_DEVICE_BUS);

	return bus && (strcmp(bus, "usb") == 0 || strcmp(bus, "bluetooth") == 0);
}

/* One whose name is cut could not be asked for. */
static void add(struct pulse_devices *list, const char *id, const char *name, uint32_t channels,
		const pa_proplist *properties)
{
	struct pulse_device *device, **at = &list->coming;

	if (!id || strlen(id) >= sizeof(device->id))
		return;
	device = calloc(1, sizeof(*device));
	if (!device)
		return;
	copy(device->id, sizeof(device->id), id);
	copy(device->name, sizeof(device->name), name);
	device->channels = channels;
	device->hot_plug = hot_plug(properties);
	while (*at)
		at = &(*at)->next;
	*at = device;
}

static void ask(struct pulse_devices *list);

static void settle(struct vmsnd_backend *host)
{
	if (host->server.known && host->devices[VMSND_PLAYBACK].known &&
	    host->devices[VMSND_CAPTURE].known)
		pulse_server_settle(host);
}

static void listed(struct pulse_devices *list)
{
	free_devices(&list->first);
	list->first = list->coming;
	list->coming = NULL;
	list->known = true;
	pulse_unref(list->asking);
	list->asking = NULL;
	settle(list->host);
	tell(list->host);
	if (list->again)
		ask(list);
}

static void on_sink(pa_context *context, const pa_sink_info *info, int last, void *arg)
{
	if (last)
		listed(arg);
	else
		add(arg, info->name, info->description, info->channel_map.channels, info->proplist);
}

static void on_source(pa_context *context, const pa_source_info *info, int last, void *arg)
{
	if (last)
		listed(arg);
	else
		add(arg, info->name, info->description, info->channel_map.channels, info->proplist);
}

static void ask(struct pulse_devices *list)
{
	struct vmsnd_backend *host = list->host;

	list->again = list->asking != NULL;
	if (list->again)
		return;
	free_devices(&list->coming);
	if (list == &host->devices[VMSND_PLAYBACK])
		list->asking = pa_context_get_sink_info_list(host->context, on_sink, list);
	else
		list->asking = pa_context_get_source_info_list(host->context, on_source, list);
}

/* ---- the server itself ---- */

/* The first answer is what is there, the ones after it are news. */
static void take_default(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	char *own = host->server.defaults[dir], other[PULSE_NAME_BYTES];
	bool news;

	copy(other, sizeof(other), id); /* cut, as the one it is compared with */
	news = host->server.known && strcmp(own, other) != 0;
	memcpy(own, other, sizeof(other));
	if (news && host->user && host->user->device_changed)
		host->user->device_changed(host->user_ctx, dir);
}

static void on_server(pa_context *context, const pa_server_info *info, void *arg)
{
	struct vmsnd_backend *host = arg;
	struct pulse_server *server = &host->server;
	const char *sample;

	if (!info)
		return;
	sample = pa_sample_format_to_string(info->sample_spec.format);
	snprintf(server->software, sizeof(server->software), "%s %s",
		 info->server_name ? info->server_name : "PulseAudio",
		 info->server_version ? info->server_version : "");
	copy(server->user, sizeof(server->user), info->user_name);
	snprintf(server->format, sizeof(server->format), "%u Hz, %u channels, %s",
		 info->sample_spec.rate, (unsigned)info->sample_spec.channels,
		 sample ? sample : "unknown samples");
	take_default(host, VMSND_PLAYBACK, info->default_sink_name);
	take_default(host, VMSND_CAPTURE, info->default_source_name);
	server->known = true;
	settle(host);
}

static void on_event(pa_context *context, pa_subscription_event_type_t event, uint32_t index,
		     void *arg)
{
	struct vmsnd_backend *host = arg;
	bool change = (event & PA_SUBSCRIPTION_EVENT_TYPE_MASK) == PA_SUBSCRIPTION_EVENT_CHANGE;

	switch (event & PA_SUBSCRIPTION_EVENT_FACILITY_MASK) {
	case PA_SUBSCRIPTION_EVENT_SERVER:
		pulse_unref(pa_context_get_server_info(context, on_server, host));
		break;
	case PA_SUBSCRIPTION_EVENT_SINK:
		if (!change) /* a change is mostly its volume */
			ask(&host->devices[VMSND_PLAYBACK]);
		break;
	case PA_SUBSCRIPTION_EVENT_SOURCE:
		if (!change)
			ask(&host->devices[VMSND_CAPTURE]);
		break;
	case PA_SUBSCRIPTION_EVENT_SINK_INPUT:
		if (change)
			pulse_volume_changed(host, VMSND_PLAYBACK, index);
		break;
	case PA_SUBSCRIPTION_EVENT_SOURCE_OUTPUT:
		if (change)
			pulse_volume_changed(host, VMSND_CAPTURE, index);
		break;
	default:
		break;
	}
}

void pulse_devices_come(struct vmsnd_backend *host)
{
	static const pa_subscription_mask_t events =
	    PA_SUBSCRIPTION_MASK_SERVER | PA_SUBSCRIPTION_MASK_SINK | PA_SUBSCRIPTION_MASK_SOURCE |
	    PA_SUBSCRIPTION_MASK_SINK_INPUT | PA_SUBSCRIPTION_MASK_SOURCE_OUTPUT;

	pa_context_set_subscribe_callback(host->context, on_event, host);
	pulse_unref(pa_context_subscribe(host->context, events, NULL, NULL));
	pulse_unref(pa_context_get_server_info(host->context, on_server, host));
	for (unsigned dir = 0; dir < 2; dir++) {
		host->devices[dir].host = host;
		ask(&host->devices[dir]);
	}
}

void pulse_devices_go(struct vmsnd_backend *host)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		struct pulse_devices *list = &host->devices[dir];

		if (list->asking)
			pa_operation_cancel(list->asking);
		pulse_unref(list->asking);
		free_devices(&list->first);
		free_devices(&list->coming);
		*list = (struct pulse_devices){.host = host};
	}
	host->server = (struct pulse_server){.known = false};
}

/* ---- who asks ---- */

const struct pulse_device *pulse_device_find(const struct vmsnd_backend *host, enum vmsnd_dir dir,
					     const char *id)
{
	const struct pulse_device *at = host->devices[dir].first;

	while (at && strcmp(at->id, id) != 0)
		at = at->next;
	return at;
}

const char *pulse_device_wanted(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	const char *option =
	    vmsnd_conf_text(&host->options, dir == VMSND_PLAYBACK ? "out-device" : "in-device");

	if (*host->chosen[dir])
		return host->chosen[dir];
	return option && *option ? option : NULL;
}

static void put(const struct vmsnd_backend *host, enum vmsnd_dir dir,
		const struct pulse_device *from, struct vmsnd_host_device *to)
{
	bool chosen = strcmp(host->server.defaults[dir], from->id) == 0;

	*to = (struct vmsnd_host_device){.hot_plug = from->hot_plug};
	copy(to->id, sizeof(to->id), from->id);
	copy(to->name, sizeof(to->name), from->name);
	*(dir == VMSND_PLAYBACK ? &to->playback_channels : &to->capture_channels) = from->channels;
	*(dir == VMSND_PLAYBACK ? &to->default_playback : &to->default_capture) = chosen;
}

size_t pulse_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max)
{
	size_t n = 0;

	pulse_server_settled(host);
	pa_threaded_mainloop_lock(host->loop);
	for (unsigned dir = 0; dir < 2; dir++)
		for (const struct pulse_device *at = host->devices[dir].first; at; at = at->next) {
			if (n < max)
				put(host, (enum vmsnd_dir)dir, at, &out[n]);
			n++;
		}
	pa_threaded_mainloop_unlock(host->loop);
	return n;
}

/* While there is no server to ask, the name is believed. */
enum vmsnd_rc pulse_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (id && strlen(id) >= sizeof(host->chosen[dir]))
		return VMSND_E_GONE;
	pulse_server_settled(host);
	pa_threaded_mainloop_lock(host->loop);
	if (id && *id && host->devices[dir].known && !pulse_device_find(host, dir, id))
		rc = VMSND_E_GONE;
	else
		copy(host->chosen[dir], sizeof(host->chosen[dir]), id);
	pa_threaded_mainloop_unlock(host->loop);
	return rc;
}
