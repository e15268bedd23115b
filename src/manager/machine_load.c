/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine brought back from what machine_save.c wrote, whole or not at all (SS-02, SS-03;
 * docs/saved-state.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml.h"
#include "manager/machine_state.h"

/* Cards and rules, no more: a state says nothing of modules to load or sockets for control, since
 * who can write one must not gain what he who starts the program has. */
static bool is_foreign(const struct vmsnd_node *root)
{
	const char *leaf;

	for (const struct vmsnd_node *at = vmsnd_node_first(root); at; at = vmsnd_node_next(at))
		if (strcmp(vmsnd_node_name(at), "cards") != 0 &&
		    strcmp(vmsnd_node_name(at), "transforms") != 0)
			return true;
	for (size_t i = 0; (leaf = vmsnd_leaf_at(root, i, NULL, NULL)); i++)
		if (strcmp(leaf, "lanes") != 0)
			return true;
	return false;
}

static enum vmsnd_rc parse_config(const char *text, size_t bytes, struct vmsnd_node **out,
				  struct vmsnd_error *error)
{
	enum vmsnd_rc rc = vmsnd_yaml_parse_long("saved state", text, bytes, out, error);

	if (rc || !is_foreign(*out))
		return rc;
	vmsnd_tree_free(*out);
	*out = NULL;
	vmsnd_error_set(error, NULL, "the saved state's configuration is damaged");
	return VMSND_E_DAMAGED;
}

static enum vmsnd_rc read_config(const uint8_t *bytes, size_t n_bytes, struct vmsnd_node **out,
				 struct vmsnd_error *error)
{
	struct vmsnd_state_in in = {.bytes = bytes, .n_bytes = n_bytes};
	struct vmsnd_state_key key = {.name = "config", .card = VMSND_STATE_NO_CARD};
	struct vmsnd_state_reader payload;
	uint32_t text_bytes;

	if (!vmsnd_state_find(&in, &key, &payload)) {
		vmsnd_error_set(error, NULL, "the saved state has no configuration");
		return VMSND_E_DAMAGED;
	}
	if (key.major != VMSND_CONFIG_STATE_MAJOR) {
		vmsnd_error_set(error, NULL,
				"the saved state's configuration is of another version");
		return VMSND_E_VERSION;
	}
	text_bytes = vmsnd_state_get_u32_upto(&payload, VMSND_STATE_CONFIG_BYTES_MAX);
	if (payload.bad || text_bytes > payload.bytes - payload.at) {
		vmsnd_error_set(error, NULL, "the saved state's configuration is damaged");
		return VMSND_E_DAMAGED;
	}
	return parse_config((const char *)payload.from + payload.at, text_bytes, out, error);
}

enum vmsnd_rc vmsnd_state_tree(const uint8_t *bytes, size_t n_bytes, struct vmsnd_node **out,
			       struct vmsnd_error *error)
{
	const char *what;
	enum vmsnd_rc rc = vmsnd_state_check(bytes, n_bytes, &what);

	if (rc)
		vmsnd_error_set(error, NULL, "the saved state is of no use: %s", what);
	else
		rc = read_config(bytes, n_bytes, out, error);
	return rc;
}

/* ---- cards ---- */

static struct vmsnd_card *card_named(const struct vmsnd_machine *machine, const char *name)
{
	struct vmsnd_card *card = machine->first;

	while (card && strcmp(card->name, name) != 0)
		card = card->after;
	return card;
}

/* SS-02 */
static bool fits(struct vmsnd_loading *loading, const struct vmsnd_card_head *head)
{
	const struct vmsnd_card *card = loading->card;

	if (!card || strcmp(card->cls->name, head->device) != 0)
		return vmsnd_loading_wrong(loading, VMSND_E_INVALID,
					   "it has a card that this machine has not");
	if (card->loaded)
		return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "it has a card twice");
	if (card->n_playback != head->n_playback || card->n_ports != head->n_ports)
		return vmsnd_loading_wrong(loading, VMSND_E_INVALID, "a card has other streams");
	return true;
}

static bool read_head(struct vmsnd_loading *loading, struct vmsnd_state_reader *from,
		      struct vmsnd_card_head *head)
{
	vmsnd_card_get_head(from, head);
	if (from->bad)
		return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "a card is damaged");
	loading->card = card_named(loading->machine, head->name);
	return fits(loading, head);
}

static void take_head(struct vmsnd_loading *loading, const struct vmsnd_card_head *head)
{
	struct vmsnd_card *card = loading->card;

	card->held = true;
	card->paused = head->paused;
	vmsnd_card_stand(card, loading->now);
	for (unsigned dir = 0; dir < 2; dir++) {
		card->enabled[dir] = head->enabled[dir];
		for (unsigned i = 0; i < card->n_ports; i++)
			if (vmsnd_card_port_dir(card, i) == (enum vmsnd_dir)dir)
				vmsnd_port_enable(card->ports[i].port, head->enabled[dir],
						  loading->now);
	}
}

static bool load_card(struct vmsnd_loading *loading, const struct vmsnd_card_head *head)
{
	struct vmsnd_lane *lane = loading->card->lane;
	bool loaded;

	vmsnd_lane_lock(lane);
	loading->now = vmsnd_lane_time(lane, loading->now);
	take_head(loading, head);
	loaded = vmsnd_card_load(loading);
	vmsnd_card_touch(loading->card);
	vmsnd_lane_unlock(lane, true);
	return loaded;
}

static bool next_card(struct vmsnd_loading *loading, struct vmsnd_state_reader *payload)
{
	struct vmsnd_state_key key;

	while (vmsnd_state_next(&loading->in, &key, payload)) {
		if (strncmp(key.name, "card", sizeof(key.name)) != 0)
			continue;
		loading->number = key.card;
		loading->card = NULL;
		return key.major == VMSND_CARD_STATE_MAJOR ||
		       vmsnd_loading_wrong(loading, VMSND_E_VERSION,
					   "a card is of another version");
	}
	return false;
}

static bool all_seen(struct vmsnd_loading *loading)
{
	loading->card = NULL;
	for (struct vmsnd_card *card = loading->machine->first; card; card = card->after)
		if (!card->loaded)
			return vmsnd_loading_wrong(loading, VMSND_E_INVALID,
						   "it lacks a card that this machine has");
	return true;
}

/* The same cards both ways, each of them once, before anything is changed. */
static bool check_cards(struct vmsnd_loading *loading)
{
	struct vmsnd_state_in begin = loading->in;
	struct vmsnd_state_reader payload;
	struct vmsnd_card_head head;
	bool fine;

	for (struct vmsnd_card *card = loading->machine->first; card; card = card->after)
		card->loaded = false;
	while (next_card(loading, &payload) && read_head(loading, &payload, &head))
		loading->card->loaded = true;
	fine = !loading->rc && all_seen(loading);
	for (struct vmsnd_card *card = loading->machine->first; card; card = card->after)
		card->loaded = false;
	loading->in = begin;
	return fine;
}

static bool load_cards(struct vmsnd_loading *loading)
{
	struct vmsnd_state_reader payload;
	vmsnd_ns now = loading->now;
	struct vmsnd_card_head head;

	while (next_card(loading, &payload)) {
		loading->now = now;
		if (!read_head(loading, &payload, &head) || !load_card(loading, &head))
			return false;
	}
	loading->card = NULL;
	return !loading->rc;
}

/* ---- the whole ---- */

static bool is_unused(struct vmsnd_loading *loading)
{
	struct vmsnd_stream_params params;
	bool used = loading->machine->changing;

	for (struct vmsnd_card *card = loading->machine->first; card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		used |= card->connected;
		for (unsigned i = 0; i < card->n_ports; i++)
			used |= vmsnd_port_params(card->ports[i].port, &params);
		vmsnd_lane_unlock(card->lane, false);
	}
	return !used ||
	       vmsnd_loading_wrong(loading, VMSND_E_INVALID, "a guest uses this machine already");
}

static void say_wrong(const struct vmsnd_loading *loading)
{
	if (!loading->what)
		return;
	vmsnd_logf(
	    &loading->machine->log, VMSND_LOG_ERROR, "%s%sthe saved state cannot be loaded: %s",
	    loading->card ? loading->card->name : "", loading->card ? ": " : "", loading->what);
}

/* What a card of the machine was held by, beside what is in a state. */
static void hold_as_before(struct vmsnd_machine *machine, vmsnd_ns now)
{
	for (struct vmsnd_card *card = machine->first; card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		card->held = machine->phase != VMSND_MACHINE_ON;
		vmsnd_card_stand(card, vmsnd_lane_time(card->lane, now));
		vmsnd_card_touch(card);
		vmsnd_lane_unlock(card->lane, true);
	}
}

static void empty_ports(struct vmsnd_machine *machine, vmsnd_ns now)
{
	for (struct vmsnd_card *card = machine->first; card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		for (unsigned i = 0; i < card->n_ports; i++)
			vmsnd_port_close(card->ports[i].port, vmsnd_lane_time(card->lane, now));
		vmsnd_lane_unlock(card->lane, true);
	}
}

/* Half of a state is none: the machine is brought back to what it was by the same means. */
static void take_back(const struct vmsnd_loading *failed, const uint8_t *bytes, size_t n_bytes,
		      vmsnd_ns now)
{
	struct vmsnd_loading loading = {
	    .machine = failed->machine, .in = {.bytes = bytes, .n_bytes = n_bytes}, .now = now};
	struct vmsnd_error error;

	empty_ports(failed->machine, now);
	if (vmsnd_state_tree(bytes, n_bytes, &loading.config, &error) || !load_cards(&loading))
		vmsnd_logf(&failed->machine->log, VMSND_LOG_ERROR,
			   "nor can the machine be made again what it was before");
	hold_as_before(failed->machine, now);
	vmsnd_tree_free(loading.config);
}

static enum vmsnd_rc load(struct vmsnd_loading *loading)
{
	struct vmsnd_machine *machine = loading->machine;
	vmsnd_ns now = loading->now;
	uint8_t *before = NULL;
	size_t n_before = 0;

	if (!is_unused(loading) || !check_cards(loading)) {
		say_wrong(loading);
		return loading->rc;
	}
	loading->rc = vmsnd_machine_save_planned(machine, now, &before, &n_before);
	if (loading->rc)
		return loading->rc;
	if (load_cards(loading)) {
		machine->phase = VMSND_MACHINE_SUSPENDED;
	} else {
		say_wrong(loading);
		take_back(loading, before, n_before, now);
	}
	free(before);
	return loading->rc;
}

enum vmsnd_rc vmsnd_machine_load(struct vmsnd_machine *machine, const uint8_t *bytes,
				 size_t n_bytes, vmsnd_ns now)
{
	struct vmsnd_loading loading = {
	    .machine = machine, .in = {.bytes = bytes, .n_bytes = n_bytes}, .now = now};
	struct vmsnd_error error;
	enum vmsnd_rc rc = vmsnd_state_tree(bytes, n_bytes, &loading.config, &error), started;

	vmsnd_machine_plan_lock(machine);
	if (rc)
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s", error.line);
	else
		rc = load(&loading);
	started = vmsnd_machine_start_threads(machine);
	rc = rc ? rc : started;
	vmsnd_machine_plan_unlock(machine);
	vmsnd_tree_free(loading.config);
	if (!rc)
		vmsnd_machine_tell_changed(machine);
	return rc;
}
