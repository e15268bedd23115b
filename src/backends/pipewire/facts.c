/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told about the server: facts for `vmsnd check`, devices. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/pipewire/parts.h"

#define FACTS_NS   (2 * VMSND_NS_PER_SECOND)
#define DEVICES_NS VMSND_NS_PER_SECOND

void vmsnd_pw_await(struct vmsnd_backend *host, vmsnd_ns most)
{
	vmsnd_ns end = vmsnd_pw_now() + most;
	const struct timespec until = {.tv_sec = (time_t)(end / VMSND_NS_PER_SECOND),
				       .tv_nsec = (long)(end % VMSND_NS_PER_SECOND)};

	while (host->phase == VMSND_PW_MEETING)
		if (pthread_cond_timedwait(&host->known, &host->lock, &until))
			return;
}

/* ---- facts ---- */

struct list {
	struct vmsnd_fact *out;
	size_t n, max;
};

__attribute__((format(printf, 3, 4))) static void add(struct list *list, enum vmsnd_fact_name name,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (list->n < list->max) {
		struct vmsnd_fact *fact = &list->out[list->n];

		fact->name = name;
		vsnprintf(fact->text, sizeof(fact->text), format, args);
	}
	va_end(args);
	list->n++;
}

static const struct vmsnd_pw_thing *default_device(struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	const struct vmsnd_pw_thing *thing;
	bool sink = dir == VMSND_PLAYBACK || vmsnd_pw_monitors(host);
	const char *name = host->named[sink ? VMSND_PLAYBACK : VMSND_CAPTURE];

	spa_list_for_each(thing, &host->things, link)
		if (thing->sort == VMSND_PW_NODE && *name && strcmp(thing->name, name) == 0)
			return thing;
	return NULL;
}

static void add_device(struct list *list, struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	const struct vmsnd_pw_thing *device = default_device(host, dir);

	if (device)
		add(list, dir == VMSND_PLAYBACK ? VMSND_FACT_PLAYBACK : VMSND_FACT_CAPTURE,
		    "%s (%s)", device->name, device->text);
}

static bool has_node(const struct vmsnd_backend *host, const char *name)
{
	const struct vmsnd_pw_thing *thing;

	spa_list_for_each(thing, &host->things, link)
		if (thing->sort == VMSND_PW_NODE &&
		    (strcmp(thing->name, name) == 0 || strcmp(thing->serial, name) == 0))
			return true;
	return false;
}

/* A device that is named and not there: session managers take the default one in its place. */
static void add_device_trouble(struct list *list, const struct vmsnd_backend *host,
			       enum vmsnd_dir dir)
{
	const char *name = vmsnd_pw_wanted(host, dir);

	if (!*name || has_node(host, name))
		return;
	add(list, VMSND_FACT_TROUBLE, "The server has no %s device '%s': the default one is used.",
	    dir == VMSND_PLAYBACK ? "playback" : "capture", name);
	add(list, VMSND_FACT_ADVICE,
	    "Take one that 'vmsnd backends -v' lists, or none for the default one.");
}

static void add_troubles(struct list *list, struct vmsnd_backend *host)
{
	if (!host->defaults.proxy) {
		add(list, VMSND_FACT_TROUBLE,
		    "No session manager runs at the server: nothing links streams to devices.");
		add(list, VMSND_FACT_ADVICE,
		    "Start WirePlumber: systemctl --user start wireplumber.");
	} else if (!default_device(host, VMSND_PLAYBACK)) {
		add(list, VMSND_FACT_TROUBLE,
		    "There is no default output device: nothing is heard.");
		add(list, VMSND_FACT_ADVICE,
		    "Plug one in, or look at what there is with wpctl status.");
	}
	add_device_trouble(list, host, VMSND_PLAYBACK);
	add_device_trouble(list, host, VMSND_CAPTURE);
}

static void add_away(struct list *list, const struct vmsnd_backend *host)
{
	int error = host->phase == VMSND_PW_MEETING ? ETIMEDOUT : host->peer.error;

	add(list, VMSND_FACT_SOCKET, "%s", host->peer.path);
	add(list, VMSND_FACT_TROUBLE, "No PipeWire server answers at %s: %s.", host->peer.path,
	    vmsnd_pw_reason(error));
	add(list, VMSND_FACT_ADVICE, "%s", vmsnd_pw_advice(error));
}

size_t vmsnd_pw_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max)
{
	struct list list = {.out = out, .max = max};

	pthread_mutex_lock(&host->lock);
	vmsnd_pw_await(host, FACTS_NS);
	if (host->phase == VMSND_PW_READY) {
		add(&list, VMSND_FACT_SERVER, "PipeWire %s", host->version);
		add(&list, VMSND_FACT_SOCKET, "%s", host->peer.path);
		if (host->peer.known)
			add(&list, VMSND_FACT_USER, "%s (%u)", host->user_name, host->peer.uid);
		add_device(&list, host, VMSND_PLAYBACK);
		add_device(&list, host, VMSND_CAPTURE);
		add(&list, VMSND_FACT_FORMAT, "%u Hz, %u frames a period", host->clock.rate_hz,
		    host->clock.forced ? host->clock.forced : host->clock.quantum);
		add_troubles(&list, host);
	} else {
		add_away(&list, host);
	}
	pthread_mutex_unlock(&host->lock);
	return list.n;
}

/* ---- devices ---- */

/* Channels that a device takes, or gives: its ports. */
static uint32_t channels(struct vmsnd_backend *host, const struct vmsnd_pw_thing *node, bool input)
{
	const struct vmsnd_pw_thing *port;
	uint32_t n = 0;

	spa_list_for_each(port, &host->things, link) {
		n += port->sort == VMSND_PW_PORT && port->from == node->id && port->input == input;
	}
	return n > 0 ? n : 1; /* not set up yet */
}

static bool may_be_pulled(const struct vmsnd_pw_thing *node)
{
	return strstr(node->name, ".usb-") || strncmp(node->name, "bluez_", 6) == 0;
}

/* A monitor has the channels of its sink. */
static void describe(struct vmsnd_backend *host, const struct vmsnd_pw_thing *node,
		     struct vmsnd_host_device *out)
{
	bool monitors = vmsnd_pw_monitors(host), records;

	memset(out, 0, sizeof(*out));
	memcpy(out->id, node->name, sizeof(out->id));
	memcpy(out->name, node->text, sizeof(out->name));
	records = node->goes[monitors ? VMSND_PLAYBACK : VMSND_CAPTURE];
	if (node->goes[VMSND_PLAYBACK])
		out->playback_channels = channels(host, node, true);
	if (records)
		out->capture_channels = channels(host, node, monitors);
	out->default_playback = node == default_device(host, VMSND_PLAYBACK);
	out->default_capture = records && node == default_device(host, VMSND_CAPTURE);
	out->hot_plug = may_be_pulled(node);
}

static bool is_listed(const struct vmsnd_backend *host, const struct vmsnd_pw_thing *thing)
{
	if (thing->sort != VMSND_PW_NODE || !*thing->name)
		return false;
	return thing->goes[VMSND_PLAYBACK] ||
	       (thing->goes[VMSND_CAPTURE] && !vmsnd_pw_monitors(host));
}

size_t vmsnd_pw_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max)
{
	const struct vmsnd_pw_thing *thing;
	size_t n = 0;

	pthread_mutex_lock(&host->lock);
	vmsnd_pw_await(host, DEVICES_NS);
	spa_list_for_each(thing, &host->things, link) {
		if (!is_listed(host, thing))
			continue;
		if (n < max)
			describe(host, thing, &out[n]);
		n++;
	}
	pthread_mutex_unlock(&host->lock);
	return n;
}

static bool is_there(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	const struct vmsnd_pw_thing *thing;
	bool sink = dir == VMSND_PLAYBACK || vmsnd_pw_monitors(host);

	spa_list_for_each(thing, &host->things, link)
		if (thing->sort == VMSND_PW_NODE && strcmp(thing->name, id) == 0 &&
		    thing->goes[sink ? VMSND_PLAYBACK : VMSND_CAPTURE])
			return true;
	return false;
}

enum vmsnd_rc vmsnd_pw_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (!id)
		id = "";
	pthread_mutex_lock(&host->lock);
	vmsnd_pw_await(host, DEVICES_NS);
	if (*id && !is_there(host, dir, id))
		rc = VMSND_E_GONE;
	else
		snprintf(host->chosen[dir], sizeof(host->chosen[dir]), "%s", id);
	pthread_mutex_unlock(&host->lock);
	return rc;
}
