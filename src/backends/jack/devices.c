/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices are clients that have physical ports: "system", or with PipeWire each card. */
#include <stdio.h>
#include <string.h>

#include "backends/jack/host.h"

bool vmsnd_jack_client_of(const char *port, char *out, size_t bytes)
{
	const char *colon = strchr(port, ':');

	if (!colon || (size_t)(colon - port) >= bytes)
		return false;
	memcpy(out, port, (size_t)(colon - port));
	out[colon - port] = '\0';
	return true;
}

struct list {
	struct vmsnd_host_device *out;
	size_t n, max;
	uint64_t mark; /* FNV-1a of what was seen */
};

static struct vmsnd_host_device *find(struct list *list, const char *id)
{
	for (size_t i = 0; i < list->n && i < list->max; i++)
		if (strcmp(list->out[i].id, id) == 0)
			return &list->out[i];
	if (list->n >= list->max)
		return NULL;
	list->out[list->n] = (struct vmsnd_host_device){.id = ""};
	snprintf(list->out[list->n].id, sizeof(list->out[0].id), "%s", id);
	snprintf(list->out[list->n].name, sizeof(list->out[0].name), "%s", id);
	return &list->out[list->n++];
}

static void mix_in(struct list *list, const char *text)
{
	for (; *text; text++)
		list->mark = (list->mark ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
}

/* JACK lists the ports of the device first that is its default. */
static void add_ports(struct vmsnd_backend *host, enum vmsnd_dir dir, struct list *list)
{
	unsigned long flags = dir == VMSND_PLAYBACK ? JackPortIsInput : JackPortIsOutput;
	const char **ports =
	    jack_get_ports(host->client, NULL, JACK_DEFAULT_AUDIO_TYPE, flags | JackPortIsPhysical);
	char id[VMSND_HOST_DEVICE_TEXT_BYTES];

	for (unsigned i = 0; ports && ports[i]; i++) {
		struct vmsnd_host_device *device;

		mix_in(list, ports[i]);
		device = vmsnd_jack_client_of(ports[i], id, sizeof(id)) ? find(list, id) : NULL;
		if (!device)
			continue;
		if (dir == VMSND_PLAYBACK) {
			device->playback_channels++;
			device->default_playback |= i == 0;
		} else {
			device->capture_channels++;
			device->default_capture |= i == 0;
		}
	}
	mix_in(list, "/");
	jack_free(ports);
}

static void fill(struct vmsnd_backend *host, struct list *list)
{
	add_ports(host, VMSND_PLAYBACK, list);
	add_ports(host, VMSND_CAPTURE, list);
}

size_t vmsnd_jack_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max)
{
	struct list list = {.out = out, .max = max};

	if (!vmsnd_jack_enter(host))
		return 0;
	if (host->client)
		fill(host, &list);
	pthread_mutex_unlock(&host->graph);
	return list.n;
}

bool vmsnd_jack_devices_changed(struct vmsnd_backend *host)
{
	struct list list = {.mark = UINT64_C(0xcbf29ce484222325)};
	bool changed;

	fill(host, &list);
	changed = list.mark != host->devices_mark;
	host->devices_mark = list.mark;
	return changed;
}

/* Any client with ports of the direction: that of another program is as good as a card. */
static bool has_ports(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	unsigned long flags = dir == VMSND_PLAYBACK ? JackPortIsInput : JackPortIsOutput;
	const char **ports = jack_get_ports(host->client, NULL, JACK_DEFAULT_AUDIO_TYPE, flags);
	char client[VMSND_HOST_DEVICE_TEXT_BYTES];
	bool has = false;

	for (unsigned i = 0; ports && ports[i] && !has; i++)
		has = vmsnd_jack_client_of(ports[i], client, sizeof(client)) &&
		      strcmp(client, id) == 0;
	jack_free(ports);
	return has;
}

enum vmsnd_rc vmsnd_jack_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	bool known;

	if (!id)
		id = "";
	if (strlen(id) >= sizeof(host->device[dir]) || !vmsnd_jack_enter(host))
		return VMSND_E_GONE;
	known = !*id || (host->client && has_ports(host, dir, id));
	if (known)
		snprintf(host->device[dir], sizeof(host->device[dir]), "%s", id);
	pthread_mutex_unlock(&host->graph);
	return known ? VMSND_OK : VMSND_E_GONE;
}
