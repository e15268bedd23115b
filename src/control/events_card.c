/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of one card: its directions, outputs and hosts. */
#include <stdlib.h>
#include <string.h>

#include "control/events.h"

/* ---- directions ---- */

static void look_at_directions(struct vmsnd_control_watch *watch, unsigned card, bool silent)
{
	struct vmsnd_seen_card *seen = &watch->cards[card];

	for (unsigned dir = 0; dir < 2; dir++) {
		bool on = false;
		json_t *data;

		if (vmsnd_machine_enabled(watch->conf.machine, card, (enum vmsnd_dir)dir, &on) ||
		    on == seen->on[dir])
			continue;
		seen->on[dir] = on;
		if (silent)
			continue;
		data = vmsnd_control_about_card(watch, card);
		json_object_set_new(data, "direction",
				    json_string(vmsnd_control_direction((enum vmsnd_dir)dir)));
		json_object_set_new(data, "on", json_boolean(on));
		vmsnd_control_watch_tell(watch, "DIRECTION_SWITCHED", data);
	}
}

/* ---- outputs ---- */

static json_t *about_output(struct vmsnd_control_watch *watch, unsigned card, unsigned output)
{
	json_t *data = vmsnd_control_about_card(watch, card);

	json_object_set_new(data, "output", json_integer((json_int_t)output));
	json_object_set_new(data, "backend",
			    vmsnd_control_text(watch->cards[card].backend[output]));
	return data;
}

static void tell_output(struct vmsnd_control_watch *watch, unsigned card, unsigned output,
			const char *event)
{
	vmsnd_control_watch_tell(watch, event, about_output(watch, card, output));
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* True when another chain has taken its place, or could not: the backend is no news then. */
static bool look_at_reattach(struct vmsnd_control_watch *watch, unsigned card, unsigned output,
			     const char *backend)
{
	struct vmsnd_seen_card *seen = &watch->cards[card];
	struct vmsnd_reattach which = {card, output, seen->reattach[output]};
	bool was_busy = which.number != 0;
	enum vmsnd_rc rc = vmsnd_machine_reattached(watch->conf.machine, &which);
	json_t *data;

	seen->reattach[output] = rc == VMSND_E_AGAIN ? which.number : 0;
	if (!was_busy || rc == VMSND_E_AGAIN)
		return rc == VMSND_E_AGAIN;
	if (rc == VMSND_E_NO_OUTPUT || rc == VMSND_E_NO_CARD) { /* this is another output */
		tell_output(watch, card, output, "OUTPUT_REMOVED");
		seen->backend[output] = NULL;
		return false;
	}
	seen->backend[output] = backend;
	data = about_output(watch, card, output);
	if (rc)
		json_object_set_new(data, "reason", json_string(vmsnd_rc_text(rc)));
	vmsnd_control_watch_tell(watch, rc ? "REATTACH_FAILED" : "REATTACHED", data);
	return true;
}

static void look_at_outputs(struct vmsnd_control_watch *watch, unsigned card,
			    const char *const *backend, bool silent)
{
	struct vmsnd_seen_card *seen = &watch->cards[card];

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		if (backend[i] && seen->backend[i] && !silent &&
		    look_at_reattach(watch, card, i, backend[i]))
			continue;
		if (is_same(seen->backend[i], backend[i]))
			continue;
		if (seen->backend[i] && !silent)
			tell_output(watch, card, i, "OUTPUT_REMOVED");
		seen->backend[i] = backend[i];
		seen->reattach[i] = 0;
		if (seen->backend[i] && !silent)
			tell_output(watch, card, i, "OUTPUT_ADDED");
	}
}

/* Another chain, or another output of the number, counts anew: its list is no news. */
static void look_at_devices(struct vmsnd_control_watch *watch, unsigned card, unsigned output,
			    const struct vmsnd_output_status *now, bool silent)
{
	struct vmsnd_seen_card *seen = &watch->cards[card];
	uint64_t before = seen->device_changes[output];
	bool other = !is_same(seen->backend[output], now->backend) || now->device_changes < before;

	seen->device_changes[output] = now->device_changes;
	if (!silent && !other && now->device_changes > before)
		tell_output(watch, card, output, "HOST_DEVICES_CHANGED");
}

/* ---- hosts ---- */

static uint32_t key_of(const struct vmsnd_stream_status *now)
{
	return (uint32_t)now->dir << 31 | now->output << 16 | now->stream;
}

/* As it was seen last; all empty when it is new. */
static struct vmsnd_seen_stream seen_before(const struct vmsnd_seen_card *seen, uint32_t key,
					    size_t at)
{
	/* Mostly the order has not changed. */
	if (at < seen->n_streams && seen->streams[at].key == key)
		return seen->streams[at];
	for (size_t i = 0; i < seen->n_streams; i++)
		if (seen->streams[i].key == key)
			return seen->streams[i];
	return (struct vmsnd_seen_stream){.key = key};
}

static bool works_or_rests(const char *host)
{
	return strcmp(host, "running") == 0 || strcmp(host, "ready") == 0 ||
	       strcmp(host, "none") == 0;
}

static json_t *about_stream(struct vmsnd_control_watch *watch, unsigned card,
			    const struct vmsnd_stream_status *now)
{
	json_t *data = vmsnd_control_about_card(watch, card);

	json_object_set_new(data, "direction", json_string(vmsnd_control_direction(now->dir)));
	json_object_set_new(data, "stream", json_integer((json_int_t)now->stream));
	json_object_set_new(data, "output", json_integer((json_int_t)now->output));
	json_object_set_new(data, "backend", vmsnd_control_text(now->backend));
	return data;
}

static void tell_host(struct vmsnd_control_watch *watch, unsigned card,
		      const struct vmsnd_stream_status *now, const char *event)
{
	json_t *data = about_stream(watch, card, now);

	json_object_set_new(data, "host", vmsnd_control_text(now->host));
	vmsnd_control_watch_tell(watch, event, data);
}

/* How loud a stream is that comes to have a volume is no news; that it comes back otherwise is. */
static void look_at_volume(struct vmsnd_control_watch *watch, unsigned card,
			   const struct vmsnd_stream_status *now, struct vmsnd_seen_stream *seen)
{
	const struct vmsnd_stream_place *place = &now->place;
	bool news =
	    seen->has_volume && (seen->muted != place->muted || seen->gain_mdb != place->gain_mdb);
	json_t *data;

	if (!place->has_volume)
		return;
	seen->has_volume = true;
	seen->muted = place->muted;
	seen->gain_mdb = place->gain_mdb;
	if (!news)
		return;
	data = about_stream(watch, card, now);
	json_object_set_new(data, "gain-db", vmsnd_control_real(place->gain_mdb / 1000.0));
	json_object_set_new(data, "mute", json_boolean(place->muted));
	vmsnd_control_watch_tell(watch, "HOST_VOLUME_CHANGED", data);
}

/* Between lost and back there are tries: opening, and lost again. Those are not told. */
static bool look_at_host(struct vmsnd_control_watch *watch, unsigned card,
			 const struct vmsnd_stream_status *now, bool lost)
{
	if (!now->host)
		return lost;
	if (!lost && strcmp(now->host, "lost") == 0) {
		tell_host(watch, card, now, "HOST_LOST");
		return true;
	}
	if (lost && works_or_rests(now->host)) {
		tell_host(watch, card, now, "HOST_BACK");
		return false;
	}
	return lost;
}

static void look_at_hosts(struct vmsnd_control_watch *watch, unsigned card,
			  const struct vmsnd_stream_status *now, size_t n, bool silent)
{
	struct vmsnd_seen_card *seen = &watch->cards[card];
	struct vmsnd_seen_stream *list = n > 0 ? calloc(n, sizeof(*list)) : NULL;

	if (n > 0 && !list)
		return;
	for (size_t i = 0; i < n; i++) {
		list[i] = seen_before(seen, key_of(&now[i]), i);
		list[i].has_volume &= !silent;
		look_at_volume(watch, card, &now[i], &list[i]);
		if (silent)
			list[i].lost = now[i].host && strcmp(now[i].host, "lost") == 0;
		else
			list[i].lost = look_at_host(watch, card, &now[i], list[i].lost);
	}
	free(seen->streams);
	seen->streams = list;
	seen->n_streams = n;
}

/* ---- a look ---- */

void vmsnd_control_look_at_card(struct vmsnd_control_watch *watch, unsigned card, bool silent)
{
	const char *backend[VMSND_OUTPUTS_MAX] = {NULL};
	struct vmsnd_output_status output;
	size_t n;
	struct vmsnd_stream_status *now = vmsnd_control_streams(watch->conf.machine, card, &n);

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++)
		if (!vmsnd_machine_output(watch->conf.machine, card, i, &output)) {
			backend[i] = output.backend;
			look_at_devices(watch, card, i, &output, silent);
		}
	look_at_directions(watch, card, silent);
	look_at_outputs(watch, card, backend, silent);
	look_at_hosts(watch, card, now, n, silent);
	vmsnd_control_look_at_mixers(watch, card, silent);
	vmsnd_control_look_at_jacks(watch, card, silent);
	free(now);
}
