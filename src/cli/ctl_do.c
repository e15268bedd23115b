/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd ctl: commands that change something. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ctl.h"
#include "cli/ctl_show.h"
#include "control/control.h"
#include "control/json_tree.h"

/* Suspend, reattach and the like are answered when they are done. */
#define LONG_MS 75000
_Static_assert(LONG_MS > VMSND_CONTROL_LONGEST_NS / 1000000,
	       "the program says itself what is late");

int vmsnd_ctl_enable(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (!vmsnd_ctl_take_direction(ctl, 0, with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "direction", ctl->words[0]));
	json_object_set_new(with, "on", json_boolean(ctl->verb->name[0] == 'e'));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "enable", with), NULL);
}

/* OUTPUT LOUDNESS [DIRECTION]; `what` is a word that `take` takes. */
static int ask_volume(struct vmsnd_ctl *ctl, const char *command, const char *what,
		      bool (*take)(const char *word, json_t *with))
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (!vmsnd_ctl_take_number(ctl->words[0], "output", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "output", ctl->words[0]));
	if (!take(ctl->words[1], with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, what, ctl->words[1]));
	if (!vmsnd_ctl_take_direction(ctl, 2, with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "direction", ctl->words[2]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, command, with), NULL);
}

int vmsnd_ctl_volume(struct vmsnd_ctl *ctl)
{
	return ask_volume(ctl, "volume", "loudness from -144 to 24 dB", vmsnd_ctl_take_loudness);
}

int vmsnd_ctl_host_volume(struct vmsnd_ctl *ctl)
{
	return ask_volume(ctl, "host-volume", "loudness up to 251%, or 24 dB",
			  vmsnd_ctl_take_host_loudness);
}

/* ---- the mixer ---- */

static bool is_direction(const struct vmsnd_ctl *ctl, int index)
{
	json_t *ignored = json_object();
	bool is = vmsnd_ctl_take_direction(ctl, index, ignored);

	json_decref(ignored);
	return is;
}

/* "2 -6" is a stream and a loudness, "2" and "2 capture" are a loudness. */
static bool begins_with_stream(const struct vmsnd_ctl *ctl)
{
	json_t *ignored = json_object();
	bool does = ctl->n_words > 1 && !is_direction(ctl, 1) &&
		    vmsnd_ctl_take_number(ctl->words[0], "stream", ignored);

	json_decref(ignored);
	return does;
}

/* "all" or an output's number. */
static bool take_source(const char *word, json_t *with)
{
	json_t *one = json_object();
	bool good = strcmp(word, "all") == 0;

	if (good)
		json_object_set_new(with, "sources", json_null());
	else if (vmsnd_ctl_take_number(word, "source", one))
		good = json_object_set_new(with, "sources",
					   json_pack("[O]", json_object_get(one, "source"))) == 0;
	json_decref(one);
	return good;
}

int vmsnd_ctl_mixer(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);
	int at = 0, n = ctl->n_words;
	bool good;

	if (n == 0)
		return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-mixer", with),
					vmsnd_ctl_show_mixers);
	if (begins_with_stream(ctl))
		vmsnd_ctl_take_number(ctl->words[at++], "stream", with);
	if (strcmp(ctl->words[at], "source") == 0) {
		json_object_set_new(with, "direction", json_string("capture"));
		good = ++at < n && take_source(ctl->words[at], with);
	} else {
		good = vmsnd_ctl_take_loudness(ctl->words[at], with);
	}
	if (!good)
		return vmsnd_ctl_give_up(
		    with, vmsnd_ctl_bad_word(ctl, "loudness from -144 to 24 dB, or source",
					     ctl->words[at < n ? at : n - 1]));
	if (!vmsnd_ctl_take_direction(ctl, ++at, with) || at + 1 < n)
		return vmsnd_ctl_give_up(with,
					 vmsnd_ctl_bad_word(ctl, "direction", ctl->words[n - 1]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "set-mixer", with), NULL);
}

/* ---- jacks ---- */

int vmsnd_ctl_jack(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (ctl->n_words == 0)
		return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "query-jacks", with),
					vmsnd_ctl_show_jacks);
	if (ctl->n_words == 1)
		return vmsnd_ctl_give_up(with,
					 vmsnd_ctl_bad_word(ctl, "jack and state", ctl->words[0]));
	json_object_set_new(with, "jack", json_string(ctl->words[0]));
	json_object_set_new(with, "state", json_string(ctl->words[1]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "set-jack", with), NULL);
}

/* ---- cards ---- */

static bool make_output(struct vmsnd_node *outputs, int index, const char *text,
			struct vmsnd_error *error)
{
	char name[16];
	struct vmsnd_node *node;

	snprintf(name, sizeof(name), "%d", index);
	node = vmsnd_node_make(outputs, name);
	return node && !vmsnd_tree_from_text(node, "backend", text, NULL, error);
}

/* As under cards.NAME of a file, from what serve's --device and --backend take. */
static bool make_card(const struct vmsnd_ctl *ctl, struct vmsnd_node *node,
		      struct vmsnd_error *error)
{
	struct vmsnd_node *outputs;

	if (vmsnd_tree_from_text(node, "device", ctl->words[1], NULL, error))
		return false;
	if (ctl->n_words == 2)
		return true;
	outputs = vmsnd_node_make(node, "outputs");
	if (!outputs)
		return false;
	vmsnd_node_set_list(outputs, true);
	for (int i = 2; i < ctl->n_words; i++)
		if (!make_output(outputs, i - 2, ctl->words[i], error))
			return false;
	return true;
}

int vmsnd_ctl_card_add(struct vmsnd_ctl *ctl)
{
	struct vmsnd_error error = {.line = "out of memory"};
	struct vmsnd_node *node = vmsnd_tree_new();
	json_t *with = NULL;

	if (node && make_card(ctl, node, &error))
		with = json_pack("{s:s,s:o}", "name", ctl->words[0], "node",
				 vmsnd_control_of_tree(node));
	vmsnd_tree_free(node);
	if (!with) {
		fprintf(stderr, "vmsnd ctl: %s\n", error.line);
		return VMSND_EXIT_USAGE;
	}
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "card-add", with), vmsnd_ctl_show_card);
}

int vmsnd_ctl_card_remove(struct vmsnd_ctl *ctl)
{
	json_t *with = json_pack("{s:s}", "card", ctl->words[0]);

	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "card-remove", with), NULL);
}

/* ---- outputs ---- */

int vmsnd_ctl_attach(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	json_object_set_new(with, "backend", json_string(ctl->words[0]));
	vmsnd_ctl_take_drivers(ctl, with);
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "attach", with), vmsnd_ctl_show_output);
}

int vmsnd_ctl_reattach(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (!vmsnd_ctl_take_number(ctl->words[0], "output", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "output", ctl->words[0]));
	json_object_set_new(with, "backend", json_string(ctl->words[1]));
	vmsnd_ctl_take_drivers(ctl, with);
	vmsnd_control_client_wait(ctl->client, LONG_MS);
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "reattach", with), NULL);
}

int vmsnd_ctl_detach(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (!vmsnd_ctl_take_number(ctl->words[0], "output", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "output", ctl->words[0]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "detach", with), NULL);
}

/* ---- drivers ---- */

/* The first word is the output; `place` (NULL: none) says where, `driver` (NULL: none) what. */
static int ask_driver(struct vmsnd_ctl *ctl, const char *command, const char *place,
		      const char *driver)
{
	json_t *with = vmsnd_ctl_arguments(ctl);

	if (!vmsnd_ctl_take_number(ctl->words[0], "output", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "output", ctl->words[0]));
	if (place)
		vmsnd_ctl_take_place(place, with);
	if (driver)
		json_object_set_new(with, "driver", json_string(driver));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, command, with), NULL);
}

int vmsnd_ctl_driver_add(struct vmsnd_ctl *ctl)
{
	return ask_driver(ctl, "driver-attach", ctl->n_words > 2 ? ctl->words[2] : NULL,
			  ctl->words[1]);
}

int vmsnd_ctl_driver_replace(struct vmsnd_ctl *ctl)
{
	return ask_driver(ctl, "driver-reattach", ctl->words[1], ctl->words[2]);
}

int vmsnd_ctl_driver_remove(struct vmsnd_ctl *ctl)
{
	return ask_driver(ctl, "driver-detach", ctl->words[1], NULL);
}

/* ---- the rest ---- */

int vmsnd_ctl_device(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);
	bool usual = strcmp(ctl->words[1], "default") == 0;

	if (!vmsnd_ctl_take_number(ctl->words[0], "output", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "output", ctl->words[0]));
	if (!vmsnd_ctl_take_direction(ctl, 2, with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "direction", ctl->words[2]));
	json_object_set_new(with, "id", usual ? json_null() : json_string(ctl->words[1]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "host-device", with), NULL);
}

int vmsnd_ctl_tap(struct vmsnd_ctl *ctl)
{
	json_t *with = vmsnd_ctl_arguments(ctl);
	bool off = strcmp(ctl->words[2], "off") == 0;

	if (!vmsnd_ctl_take_number(ctl->words[0], "stream", with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "stream", ctl->words[0]));
	if (strcmp(ctl->words[1], "device") != 0 && strcmp(ctl->words[1], "host") != 0)
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "point", ctl->words[1]));
	if (!vmsnd_ctl_take_direction(ctl, 3, with))
		return vmsnd_ctl_give_up(with, vmsnd_ctl_bad_word(ctl, "direction", ctl->words[3]));
	json_object_set_new(with, "point", json_string(ctl->words[1]));
	json_object_set_new(with, "path", off ? json_null() : vmsnd_ctl_whole_path(ctl->words[2]));
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "tap-set", with), NULL);
}

int vmsnd_ctl_save(struct vmsnd_ctl *ctl)
{
	json_t *with = json_object();

	json_object_set_new(with, "file", vmsnd_ctl_whole_path(ctl->words[0]));
	vmsnd_control_client_wait(ctl->client, LONG_MS);
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, "save", with), vmsnd_ctl_show_saved);
}

int vmsnd_ctl_same(struct vmsnd_ctl *ctl)
{
	vmsnd_control_client_wait(ctl->client, LONG_MS);
	return vmsnd_ctl_finish(ctl, vmsnd_ctl_ask(ctl, ctl->verb->name, vmsnd_ctl_arguments(ctl)),
				NULL);
}
