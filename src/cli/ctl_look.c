/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd ctl: commands that ask. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ctl.h"
#include "cli/ctl_show.h"

static bool is_wanted(const struct vmsnd_ctl *ctl, const json_t *card)
{
	const char *name = json_string_value(json_object_get(card, "name"));
	char number[24];

	snprintf(number, sizeof(number), "%lld",
		 (long long)json_integer_value(json_object_get(card, "card")));
	return !ctl->card || (name && strcmp(name, ctl->card) == 0) ||
	       strcmp(number, ctl->card) == 0;
}

/* Card by card, so that a program with hundreds of them is not held up by one answer. */
static bool add_streams(struct vmsnd_ctl *ctl, json_t *cards)
{
	for (size_t i = json_array_size(cards); i-- > 0;) {
		json_t *card = json_array_get(cards, i), *streams;

		if (!is_wanted(ctl, card)) {
			json_array_remove(cards, i);
			continue;
		}
		streams = vmsnd_ctl_ask(ctl, "query-streams",
					json_pack("{s:O}", "card", json_object_get(card, "card")));
		if (!streams)
			return false;
		json_object_set_new(card, "streams", streams);
	}
	return true;
}

int vmsnd_ctl_status(struct vmsnd_ctl *ctl)
{
	json_t *version = vmsnd_ctl_ask(ctl, "query-version", NULL);
	json_t *status = version ? vmsnd_ctl_ask(ctl, "query-status", NULL) : NULL;
	json_t *cards = status ? vmsnd_ctl_ask(ctl, "query-cards", NULL) : NULL;
	json_t *all = NULL;

	if (cards && add_streams(ctl, cards)) {
		if (ctl->card && json_array_size(cards) == 0)
			fprintf(stderr, "vmsnd ctl: there is no card '%s'\n", ctl->card);
		else
			all = json_pack("{s:O,s:O,s:O}", "version", version, "status", status,
					"cards", cards);
	}
	json_decref(version);
	json_decref(status);
	json_decref(cards);
	return vmsnd_ctl_finish(ctl, all, vmsnd_ctl_show_status);
}

int vmsnd_ctl_cards(struct vmsnd_ctl *ctl)
{
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-cards", NULL), vmsnd_ctl_show_cards);
}

int vmsnd_ctl_host(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (ctl->n_words > 0 && !vmsnd_ctl_take_number(ctl->words[0], "output", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "output", ctl->words[0]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-host", with), vmsnd_ctl_show_host);
}

int vmsnd_ctl_devices(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (ctl->n_words > 0 && !vmsnd_ctl_take_number(ctl->words[0], "output", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "output", ctl->words[0]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-host-devices", with),
				vmsnd_ctl_show_devices);
}

int vmsnd_ctl_backends(struct vmsnd_ctl *ctl)
{
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-backends", NULL),
				vmsnd_ctl_show_classes);
}

int vmsnd_ctl_drivers(struct vmsnd_ctl *ctl)
{
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-drivers", NULL),
				vmsnd_ctl_show_classes);
}

int vmsnd_ctl_modules(struct vmsnd_ctl *ctl)
{
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-modules", NULL),
				vmsnd_ctl_show_modules);
}

/* The word, if there is one, is a path in the tree. */
static json_t *path_of(const struct vmsnd_ctl *ctl)
{
	return ctl->n_words > 0 ? json_pack("{s:s}", "path", ctl->words[0]) : NULL;
}

int vmsnd_ctl_statistics(struct vmsnd_ctl *ctl)
{
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-statistics", path_of(ctl)),
				vmsnd_ctl_show_statistics);
}

int vmsnd_ctl_config(struct vmsnd_ctl *ctl)
{
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-config", path_of(ctl)),
				vmsnd_ctl_show_config);
}

int vmsnd_ctl_counters(struct vmsnd_ctl *ctl)
{
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-counters", vmsnd_ctl_arguments(ctl)),
				vmsnd_ctl_show_counters);
}

int vmsnd_ctl_events(struct vmsnd_ctl *ctl)
{
	json_t *event;

	while ((event = vmsnd_control_client_event(ctl->client)))
		vmsnd_ctl_finish(ctl, event, vmsnd_ctl_show_event);
	return VMSND_EXIT_DONE;
}

int vmsnd_ctl_raw(struct vmsnd_ctl *ctl)
{
	json_t *with = ctl->n_words > 1 ? json_loads(ctl->words[1], JSON_REJECT_DUPLICATES, NULL)
					: json_object();

	if (!json_is_object(with))
		return vmsnd_ctl_give_up(with,
					 vmsnd_ctl_bad_word(ctl, "JSON object", ctl->words[1]));
	if (ctl->card)
		json_object_set_new(with, "card", json_string(ctl->card));
	ctl->json = true;
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, ctl->words[0], with), NULL);
}
