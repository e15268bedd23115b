/* SPDX-License-Identifier: BSD-3-Clause */
/* What a machine is and what it has counted, as trees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "manager/schema.h"

/* ---- the configuration, as it is now ---- */

static bool goes(const struct vmsnd_card *card, const struct vmsnd_output *output,
		 enum vmsnd_dir dir)
{
	for (unsigned i = 0; i < card->n_ports; i++)
		if (vmsnd_card_port_dir(card, i) == dir && output->units[i].lun &&
		    !output->units[i].leaving)
			return true;
	return false;
}

/* What was changed since: no channel apart, and both ways alike if it goes both ways, can be said
 * by an option. */
static void set_volume(struct vmsnd_node *node, const struct vmsnd_card *card,
		       const struct vmsnd_output *output)
{
	bool plays = goes(card, output, VMSND_PLAYBACK),
	     records = goes(card, output, VMSND_CAPTURE);
	const struct vmsnd_volume *volume =
	    &output->volume[records && !plays ? VMSND_CAPTURE : VMSND_PLAYBACK];
	struct vmsnd_volume plain = {.gain_mdb = volume->gain_mdb, .muted = volume->muted};

	if ((plays == records &&
	     memcmp(volume, &output->volume[VMSND_CAPTURE], sizeof(*volume)) != 0) ||
	    memcmp(volume, &plain, sizeof(plain)) != 0 ||
	    (volume->muted != 0 && volume->muted != UINT32_MAX))
		return;
	if (volume->gain_mdb != output->now.conf.volume.gain_mdb)
		vmsnd_leaf_set_real(node, "volume", volume->gain_mdb / 1000.0);
	if (volume->muted != output->now.conf.volume.muted)
		vmsnd_leaf_set_bool(node, "mute", volume->muted != 0);
}

static bool write_output(struct vmsnd_node *outputs, const struct vmsnd_card *card,
			 const struct vmsnd_output *output)
{
	struct vmsnd_chain_conf texts = vmsnd_card_chain_texts(&output->now);
	struct vmsnd_error error;
	struct vmsnd_node *node;
	char name[8];

	snprintf(name, sizeof(name), "%u", output->place);
	node = vmsnd_node_make(outputs, name);
	if (!node || vmsnd_card_chain_write(node, &texts, output->now.injected, &error))
		return false;
	set_volume(node, card, output);
	return true;
}

static bool write_outputs(struct vmsnd_node *node, const struct vmsnd_card *card)
{
	struct vmsnd_node *outputs = vmsnd_node_make(node, "outputs");
	bool gap = false, whole = outputs != NULL;

	for (unsigned i = 0; whole && i < VMSND_OUTPUTS_MAX; i++) {
		if (!card->outputs[i])
			gap = true;
		else if (gap)
			vmsnd_node_set_list(outputs, false);
		if (card->outputs[i])
			whole = write_output(outputs, card, card->outputs[i]);
		if (i == 0 && whole)
			vmsnd_node_set_list(outputs, card->outputs[0] != NULL);
	}
	return whole;
}

static void set_switch(struct vmsnd_node *node, const char *key, const struct vmsnd_card *card,
		       bool on)
{
	if (vmsnd_conf_bool(&card->conf, key) != on)
		vmsnd_leaf_set_bool(node, key, on);
}

/* Whether a build of the tree would deal out the numbers as they are: to those that say none, 0 and
 * so on, in order. */
static bool is_numbered_in_order(const struct vmsnd_card *card)
{
	unsigned rank = 0;

	for (const struct vmsnd_card *at = card->machine->first; at != card; at = at->after)
		if (at->cls == card->cls && at->number != rank++)
			return false;
	return card->number == rank;
}

static bool write_card(struct vmsnd_node *cards, const struct vmsnd_card *card)
{
	struct vmsnd_node *node = vmsnd_node_make(cards, card->name);

	if (!node || vmsnd_tree_merge(node, card->node, true))
		return false;
	vmsnd_node_remove(node, "outputs");
	if (!is_numbered_in_order(card) && vmsnd_leaf_set_uint(node, "number", card->number))
		return false;
	set_switch(node, "output", card, card->enabled[VMSND_PLAYBACK]);
	set_switch(node, "input", card, card->enabled[VMSND_CAPTURE]);
	return write_outputs(node, card);
}

bool vmsnd_machine_write_tree(const struct vmsnd_machine *machine, struct vmsnd_node *root)
{
	struct vmsnd_node *cards = vmsnd_node_make(root, "cards");
	bool whole = cards && (!machine->rules || !vmsnd_tree_merge(root, machine->rules, true));

	for (struct vmsnd_card *card = machine->first; whole && card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		whole = write_card(cards, card);
		vmsnd_lane_unlock(card->lane, false);
	}
	return whole;
}

struct vmsnd_node *vmsnd_machine_tree(const struct vmsnd_machine *machine, bool defaults)
{
	struct vmsnd_node *root = vmsnd_tree_new();
	bool whole;

	if (!root)
		return NULL;
	vmsnd_machine_plan_lock(machine);
	whole = vmsnd_machine_write_tree(machine, root) &&
		(!defaults || !vmsnd_schema_fill_cards(machine->registry, root));
	vmsnd_machine_plan_unlock(machine);
	if (whole)
		return root;
	vmsnd_tree_free(root);
	return NULL;
}

/* ---- statistics ---- */

#define COUNTERS_MAX 1024u

/* "playback0.frames": the part before the point is a node. */
static bool write_counters(struct vmsnd_node *node, const struct vmsnd_card *card,
			   struct vmsnd_named_counter *list)
{
	size_t n = vmsnd_card_counters(card, list, COUNTERS_MAX);

	for (size_t i = 0; i < n && i < COUNTERS_MAX; i++) {
		char *point = strchr(list[i].name, '.');
		struct vmsnd_node *at = node;

		if (point) {
			*point = '\0';
			at = vmsnd_node_make(node, list[i].name);
		}
		if (!at || vmsnd_leaf_set_uint(at, point ? point + 1 : list[i].name, list[i].value))
			return false;
	}
	return true;
}

static bool write_unit(struct vmsnd_node *port, const struct vmsnd_output *output,
		       const struct vmsnd_unit *unit)
{
	struct vmsnd_lun_status status;
	struct vmsnd_node *node;
	char name[16];

	vmsnd_lun_status(unit->lun, &status);
	snprintf(name, sizeof(name), "output%u", output->place);
	node = vmsnd_node_make(port, name);
	if (!node)
		return false;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {{"frames_in", status.frames_in},
		    {"frames_out", status.frames_out},
		    {"dropped_frames", status.dropped_frames},
		    {"silence_frames", status.silence_frames},
		    {"xruns", status.xruns},
		    {"xrun_frames", status.xrun_frames},
		    {"fill_frames", status.fill_frames},
		    {"latency_ns", status.latency_ns},
		    {"latency_max_ns", status.latency_max_ns},
		    {"opens", status.opens},
		    {"losses", status.losses}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (vmsnd_leaf_set_uint(node, rows[i].name, rows[i].value))
			return false;
	return !vmsnd_leaf_set_real(node, "drift_ppm", status.drift_ppm) &&
	       !vmsnd_leaf_set_real(node, "bend_ppm", status.bend_ppm);
}

static bool write_units(struct vmsnd_node *node, const struct vmsnd_card *card, unsigned port)
{
	bool playback = port < card->n_playback;
	struct vmsnd_node *at;
	char name[24];

	snprintf(name, sizeof(name), "%s%u", playback ? "playback" : "capture",
		 playback ? port : port - card->n_playback);
	at = vmsnd_node_make(node, name);
	for (unsigned i = 0; at && i < VMSND_OUTPUTS_MAX; i++) {
		const struct vmsnd_output *output = card->outputs[i];

		if (output && output->units[port].lun && !output->units[port].leaving &&
		    !write_unit(at, output, &output->units[port]))
			return false;
	}
	return at != NULL;
}

static bool write_statistics(struct vmsnd_node *root, const struct vmsnd_card *card,
			     struct vmsnd_named_counter *list)
{
	struct vmsnd_node *node = vmsnd_node_make(root, card->name);
	bool whole = node && write_counters(node, card, list);

	for (unsigned i = 0; whole && i < card->n_ports; i++)
		whole = write_units(node, card, i);
	return whole;
}

struct vmsnd_node *vmsnd_machine_statistics(const struct vmsnd_machine *machine)
{
	struct vmsnd_node *root = vmsnd_tree_new();
	struct vmsnd_named_counter *list = calloc(COUNTERS_MAX, sizeof(*list));
	bool whole = root && list;

	vmsnd_machine_plan_lock(machine);
	for (struct vmsnd_card *card = machine->first; whole && card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		whole = write_statistics(root, card, list);
		vmsnd_lane_unlock(card->lane, false);
	}
	vmsnd_machine_plan_unlock(machine);
	free(list);
	if (whole)
		return root;
	vmsnd_tree_free(root);
	return NULL;
}
