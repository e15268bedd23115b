/* SPDX-License-Identifier: BSD-3-Clause */
/* Events: what is now, held against what was at the last look. */
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"

#define CARDS_A_LOOK 64u

/* One stream on one output. */
struct seen_stream {
	uint32_t key;
	bool lost;
};

struct seen_card {
	bool on[2];                             /* by direction */
	const char *backend[VMSND_OUTPUTS_MAX]; /* NULL: no such output */
	struct seen_stream *streams;
	size_t n_streams;
};

struct vmsnd_control_watch {
	struct vmsnd_control_watch_conf conf;
	struct seen_card *cards;
	unsigned n_cards, next;
	unsigned connected;
};

static const struct {
	const char *name, *help;
} events[] = {
    {"DIRECTION_SWITCHED",
     "a direction of a card was switched on or off: card, name, direction, on"},
    {"OUTPUT_ADDED", "a card has another output: card, name, output, backend"},
    {"OUTPUT_REMOVED", "an output is gone: card, name, output, backend"},
    {"HOST_LOST", "a host stream failed, or its server went away: card, name, direction, stream, "
		  "output, backend, host"},
    {"HOST_BACK", "it works again, or is not wanted any more (host is then \"none\"): the same "
		  "members"},
    {"VMMS_CHANGED", "a VMM has come or left: connected, how many there are now"},
    {"SHUTDOWN", "the program ends: no members"},
};

const char *vmsnd_control_event(size_t index, const char **help)
{
	if (index >= sizeof(events) / sizeof(events[0]))
		return NULL;
	*help = events[index].help;
	return events[index].name;
}

void vmsnd_control_watch_tell(struct vmsnd_control_watch *watch, const char *event, json_t *data)
{
	int64_t wall_us = watch->conf.wall_us();
	json_t *message = json_pack("{s:s,s:o,s:{s:I,s:I}}", "event", event, "data", data,
				    "timestamp", "seconds", (json_int_t)(wall_us / 1000000),
				    "microseconds", (json_int_t)(wall_us % 1000000));

	if (message)
		watch->conf.tell(watch->conf.ctx, message);
	json_decref(message);
}

static json_t *about_card(const struct vmsnd_control_watch *watch, unsigned card)
{
	return json_pack("{s:I,s:o}", "card", (json_int_t)card, "name",
			 vmsnd_control_text(vmsnd_machine_card_name(watch->conf.machine, card)));
}

/* ---- directions ---- */

static void look_at_directions(struct vmsnd_control_watch *watch, unsigned card, bool silent)
{
	struct seen_card *seen = &watch->cards[card];

	for (unsigned dir = 0; dir < 2; dir++) {
		bool on = false;
		json_t *data;

		if (vmsnd_machine_enabled(watch->conf.machine, card, (enum vmsnd_dir)dir, &on) ||
		    on == seen->on[dir])
			continue;
		seen->on[dir] = on;
		if (silent)
			continue;
		data = about_card(watch, card);
		json_object_set_new(data, "direction",
				    json_string(vmsnd_control_direction((enum vmsnd_dir)dir)));
		json_object_set_new(data, "on", json_boolean(on));
		vmsnd_control_watch_tell(watch, "DIRECTION_SWITCHED", data);
	}
}

/* ---- outputs ---- */

static void tell_output(struct vmsnd_control_watch *watch, unsigned card, unsigned output,
			const char *event)
{
	json_t *data = about_card(watch, card);

	json_object_set_new(data, "output", json_integer((json_int_t)output));
	json_object_set_new(data, "backend",
			    vmsnd_control_text(watch->cards[card].backend[output]));
	vmsnd_control_watch_tell(watch, event, data);
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void look_at_outputs(struct vmsnd_control_watch *watch, unsigned card,
			    const char *const *backend, bool silent)
{
	struct seen_card *seen = &watch->cards[card];

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		if (is_same(seen->backend[i], backend[i]))
			continue;
		if (seen->backend[i] && !silent)
			tell_output(watch, card, i, "OUTPUT_REMOVED");
		seen->backend[i] = backend[i];
		if (seen->backend[i] && !silent)
			tell_output(watch, card, i, "OUTPUT_ADDED");
	}
}

/* ---- hosts ---- */

static uint32_t key_of(const struct vmsnd_stream_status *now)
{
	return (uint32_t)now->dir << 31 | now->output << 16 | now->stream;
}

static bool was_lost(const struct seen_card *seen, uint32_t key, size_t at)
{
	/* Mostly the order has not changed. */
	if (at < seen->n_streams && seen->streams[at].key == key)
		return seen->streams[at].lost;
	for (size_t i = 0; i < seen->n_streams; i++)
		if (seen->streams[i].key == key)
			return seen->streams[i].lost;
	return false;
}

static bool works_or_rests(const char *host)
{
	return strcmp(host, "running") == 0 || strcmp(host, "ready") == 0 ||
	       strcmp(host, "none") == 0;
}

static void tell_host(struct vmsnd_control_watch *watch, unsigned card,
		      const struct vmsnd_stream_status *now, const char *event)
{
	json_t *data = about_card(watch, card);

	json_object_set_new(data, "direction", json_string(vmsnd_control_direction(now->dir)));
	json_object_set_new(data, "stream", json_integer((json_int_t)now->stream));
	json_object_set_new(data, "output", json_integer((json_int_t)now->output));
	json_object_set_new(data, "backend", vmsnd_control_text(now->backend));
	json_object_set_new(data, "host", vmsnd_control_text(now->host));
	vmsnd_control_watch_tell(watch, event, data);
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
	struct seen_card *seen = &watch->cards[card];
	struct seen_stream *list = n > 0 ? calloc(n, sizeof(*list)) : NULL;

	if (n > 0 && !list)
		return;
	for (size_t i = 0; i < n; i++) {
		list[i].key = key_of(&now[i]);
		if (silent)
			list[i].lost = now[i].host && strcmp(now[i].host, "lost") == 0;
		else
			list[i].lost =
			    look_at_host(watch, card, &now[i], was_lost(seen, list[i].key, i));
	}
	free(seen->streams);
	seen->streams = list;
	seen->n_streams = n;
}

/* ---- a look ---- */

static void look_at_card(struct vmsnd_control_watch *watch, unsigned card, bool silent)
{
	const char *backend[VMSND_OUTPUTS_MAX] = {NULL};
	struct vmsnd_output_status output;
	size_t n;
	struct vmsnd_stream_status *now = vmsnd_control_streams(watch->conf.machine, card, &n);

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++)
		if (!vmsnd_machine_output(watch->conf.machine, card, i, &output))
			backend[i] = output.backend;
	look_at_directions(watch, card, silent);
	look_at_outputs(watch, card, backend, silent);
	look_at_hosts(watch, card, now, n, silent);
	free(now);
}

/* Cards are only ever added; how a new one is, is no news. */
static void make_room(struct vmsnd_control_watch *watch)
{
	unsigned n = vmsnd_machine_status(watch->conf.machine).cards, first = watch->n_cards;
	struct seen_card *cards;

	if (n <= first)
		return;
	cards = realloc(watch->cards, n * sizeof(*cards));
	if (!cards)
		return;
	memset(cards + first, 0, (n - first) * sizeof(*cards));
	watch->cards = cards;
	watch->n_cards = n;
	for (unsigned i = first; i < n; i++)
		look_at_card(watch, i, true);
}

struct vmsnd_control_watch *vmsnd_control_watch_open(const struct vmsnd_control_watch_conf *conf)
{
	struct vmsnd_control_watch *watch = calloc(1, sizeof(*watch));

	if (watch)
		watch->conf = *conf;
	return watch;
}

void vmsnd_control_watch_start(struct vmsnd_control_watch *watch)
{
	make_room(watch);
	watch->connected = vmsnd_machine_status(watch->conf.machine).connected;
	for (unsigned i = 0; i < watch->n_cards; i++)
		look_at_card(watch, i, true);
}

void vmsnd_control_watch_look_at(struct vmsnd_control_watch *watch, unsigned card)
{
	if (card < watch->n_cards)
		look_at_card(watch, card, false);
}

void vmsnd_control_watch_look(struct vmsnd_control_watch *watch)
{
	unsigned connected = vmsnd_machine_status(watch->conf.machine).connected;
	unsigned n = watch->n_cards < CARDS_A_LOOK ? watch->n_cards : CARDS_A_LOOK;

	if (connected != watch->connected)
		vmsnd_control_watch_tell(watch, "VMMS_CHANGED",
					 json_pack("{s:I}", "connected", (json_int_t)connected));
	watch->connected = connected;
	for (unsigned i = 0; i < n; i++) {
		watch->next = (watch->next + 1) % watch->n_cards;
		look_at_card(watch, watch->next, false);
	}
	make_room(watch);
}

void vmsnd_control_watch_close(struct vmsnd_control_watch *watch)
{
	if (!watch)
		return;
	for (unsigned i = 0; i < watch->n_cards; i++)
		free(watch->cards[i].streams);
	free(watch->cards);
	free(watch);
}
