/* SPDX-License-Identifier: BSD-3-Clause */
/* Events: what is now, held against what was at the last look. */
#include "control/events.h"

#include <stdlib.h>
#include <string.h>

#define CARDS_A_LOOK 64u

static const struct {
	const char *name, *help;
} events[] = {
    {"SUSPEND", "the machine is suspended: no members"},
    {"RESUME", "it goes on: no members"},
    {"CARD_ADDED", "there is another card: card, name"},
    {"CARD_REMOVED", "a card is gone: card, name"},
    {"DIRECTION_SWITCHED",
     "a direction of a card was switched on or off: card, name, direction, on"},
    {"OUTPUT_ADDED", "a card has another output: card, name, output, backend"},
    {"OUTPUT_REMOVED", "an output is gone: card, name, output, backend"},
    {"REATTACHED", "an output plays through another chain: card, name, output, backend"},
    {"REATTACH_FAILED",
     "it could not, and plays through the old one: card, name, output, backend, reason"},
    {"HOST_LOST", "a host stream failed, or its server went away: card, name, direction, stream, "
		  "output, backend, host"},
    {"HOST_BACK", "it works again, or is not wanted any more (host is then \"none\"): the same "
		  "members"},
    {"HOST_DEVICES_CHANGED",
     "a host has another list of devices, or another default one, or its server came or went: "
     "card, name, output, backend; once for a burst of changes (query-host-devices has the list)"},
    {"HOST_VOLUME_CHANGED",
     "the host's own mixer has a stream at another volume, by its user, by what it remembers, or "
     "by "
     "host-volume: card, name, direction, stream, output, backend, gain-db, mute"},
    {"MIXER_CHANGED",
     "a guest, or its owner, has turned the mixer of a stream: card, name, direction, "
     "stream, and the members of query-mixer"},
    {"JACK_CHANGED", "something was plugged into a jack or pulled out, or its owner wants it "
		     "otherwise: card, name, "
		     "and the members of query-jacks"},
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

json_t *vmsnd_control_about_card(const struct vmsnd_control_watch *watch, unsigned card)
{
	return json_pack("{s:I,s:o}", "card", (json_int_t)card, "name",
			 vmsnd_control_text(watch->cards[card].name));
}

/* ---- the machine ---- */

static void look_at_machine(struct vmsnd_control_watch *watch)
{
	unsigned connected = vmsnd_machine_status(watch->conf.machine).connected;
	enum vmsnd_machine_phase phase = vmsnd_machine_phase(watch->conf.machine);

	if (connected != watch->connected)
		vmsnd_control_watch_tell(watch, "VMMS_CHANGED",
					 json_pack("{s:I}", "connected", (json_int_t)connected));
	watch->connected = connected;
	if (phase == VMSND_MACHINE_CHANGING || phase == watch->phase)
		return;
	if (phase == VMSND_MACHINE_SUSPENDED)
		vmsnd_control_watch_tell(watch, "SUSPEND", json_object());
	else if (phase == VMSND_MACHINE_ON)
		vmsnd_control_watch_tell(watch, "RESUME", json_object());
	watch->phase = phase;
}

/* ---- cards that come and go ---- */

static void forget(struct vmsnd_seen_card *seen)
{
	free(seen->name);
	free(seen->streams);
	free(seen->mixers);
	*seen = (struct vmsnd_seen_card){.name = NULL};
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* How a card that has come is, is no news. */
static void meet(struct vmsnd_control_watch *watch, unsigned card, const char *name, bool silent)
{
	watch->cards[card].name = strdup(name);
	if (!watch->cards[card].name)
		return; /* no memory: it is met at the next look */
	vmsnd_control_look_at_card(watch, card, true);
	if (!silent)
		vmsnd_control_watch_tell(watch, "CARD_ADDED",
					 vmsnd_control_about_card(watch, card));
}

static void look_at(struct vmsnd_control_watch *watch, unsigned card, bool silent)
{
	struct vmsnd_seen_card *seen = &watch->cards[card];
	const char *name = vmsnd_machine_card_name(watch->conf.machine, card);

	if (name && is_same(name, seen->name)) {
		vmsnd_control_look_at_card(watch, card, silent);
		return;
	}
	if (seen->name && !silent)
		vmsnd_control_watch_tell(watch, "CARD_REMOVED",
					 vmsnd_control_about_card(watch, card));
	forget(seen);
	if (name)
		meet(watch, card, name, silent);
}

static void make_room(struct vmsnd_control_watch *watch)
{
	unsigned n = vmsnd_machine_cards_end(watch->conf.machine), first = watch->n_cards;
	struct vmsnd_seen_card *cards;

	if (n <= first)
		return;
	cards = realloc(watch->cards, n * sizeof(*cards));
	if (!cards)
		return;
	memset(cards + first, 0, (n - first) * sizeof(*cards));
	watch->cards = cards;
	watch->n_cards = n;
}

/* ---- the outside ---- */

struct vmsnd_control_watch *vmsnd_control_watch_open(const struct vmsnd_control_watch_conf *conf)
{
	struct vmsnd_control_watch *watch = calloc(1, sizeof(*watch));

	if (watch)
		watch->conf = *conf;
	return watch;
}

void vmsnd_control_watch_start(struct vmsnd_control_watch *watch)
{
	enum vmsnd_machine_phase phase = vmsnd_machine_phase(watch->conf.machine);

	make_room(watch);
	watch->connected = vmsnd_machine_status(watch->conf.machine).connected;
	/* Between two of them: the one it comes to is told. */
	watch->phase = phase == VMSND_MACHINE_CHANGING ? VMSND_MACHINE_OFF : phase;
	for (unsigned i = 0; i < watch->n_cards; i++)
		look_at(watch, i, true);
}

void vmsnd_control_watch_look_at(struct vmsnd_control_watch *watch, unsigned card)
{
	make_room(watch);
	look_at_machine(watch);
	if (card < watch->n_cards)
		look_at(watch, card, false);
}

void vmsnd_control_watch_look(struct vmsnd_control_watch *watch)
{
	unsigned n;

	make_room(watch);
	look_at_machine(watch);
	n = watch->n_cards < CARDS_A_LOOK ? watch->n_cards : CARDS_A_LOOK;
	for (unsigned i = 0; i < n; i++) {
		watch->next = (watch->next + 1) % watch->n_cards;
		look_at(watch, watch->next, false);
	}
}

void vmsnd_control_watch_expect(struct vmsnd_control_watch *watch,
				const struct vmsnd_reattach *which)
{
	make_room(watch);
	if (which->card < watch->n_cards && which->output < VMSND_OUTPUTS_MAX)
		watch->cards[which->card].reattach[which->output] = which->number;
}

void vmsnd_control_watch_close(struct vmsnd_control_watch *watch)
{
	if (!watch)
		return;
	for (unsigned i = 0; i < watch->n_cards; i++)
		forget(&watch->cards[i]);
	free(watch->cards);
	free(watch);
}
