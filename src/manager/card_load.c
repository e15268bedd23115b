/* SPDX-License-Identifier: BSD-3-Clause */
/* A card brought back from what card_save.c wrote, part by part (SS-01; docs/saved-state.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml.h"
#include "manager/machine_state.h"

bool vmsnd_loading_wrong(struct vmsnd_loading *loading, enum vmsnd_rc rc, const char *what)
{
	loading->rc = rc;
	loading->what = what;
	return false;
}

/* A section of the card at hand. They come in the order in which they were written, so that
 * reading takes as long as there are sections, whoever made them. */
struct wanted {
	const char *name;
	uint32_t part;
	uint16_t major;
	const char *missing, *other; /* what to say */
	/* what was found */
	struct vmsnd_state_reader from;
	uint16_t minor;
};

static bool section(struct vmsnd_loading *loading, struct wanted *wanted)
{
	struct vmsnd_state_key key = {.card = loading->number, .part = wanted->part};

	snprintf(key.name, sizeof(key.name), "%s", wanted->name);
	if (!vmsnd_state_find(&loading->in, &key, &wanted->from))
		return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, wanted->missing);
	if (key.major != wanted->major)
		return vmsnd_loading_wrong(loading, VMSND_E_VERSION, wanted->other);
	wanted->minor = key.minor;
	return true;
}

/* ---- outputs ---- */

/* Loudness has a place of its own in a state, and is no other chain. */
static char *dump_chain(const struct vmsnd_node *node)
{
	struct vmsnd_node *chain = vmsnd_tree_copy(node);
	char *text = NULL;

	if (chain) {
		vmsnd_leaf_remove(chain, "volume");
		vmsnd_leaf_remove(chain, "mute");
		text = vmsnd_yaml_dump(chain);
	}
	vmsnd_tree_free(chain);
	return text;
}

static bool same_chain(const struct vmsnd_card *card, unsigned place, const struct vmsnd_node *node)
{
	const struct vmsnd_chain_parts *now = &card->outputs[place]->now;
	struct vmsnd_chain_conf texts = vmsnd_card_chain_texts(now);
	struct vmsnd_node *own = vmsnd_tree_new();
	struct vmsnd_error error;
	char *a = dump_chain(node), *b = NULL;
	bool same;

	if (own && !vmsnd_card_chain_write(own, &texts, now->injected, &error))
		b = dump_chain(own);
	same = a && b && strcmp(a, b) == 0;
	free(a);
	free(b);
	vmsnd_tree_free(own);
	return same;
}

static bool load_chains(struct vmsnd_loading *loading)
{
	struct vmsnd_card *card = loading->card;
	const struct vmsnd_node *cards = vmsnd_node_find(loading->config, "cards");
	const struct vmsnd_node *own = cards ? vmsnd_node_find(cards, card->name) : NULL;
	const struct vmsnd_node *outputs = own ? vmsnd_node_find(own, "outputs") : NULL;

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		const struct vmsnd_node *node;
		char name[8] = {(char)('0' + i)};
		unsigned place = i;
		enum vmsnd_rc rc;

		node = outputs ? vmsnd_node_find(outputs, name) : NULL;
		if (node && card->outputs[i] && same_chain(card, i, node))
			continue;
		if (card->outputs[i])
			vmsnd_card_detach(card, &card->outputs[i], loading->now);
		rc = node ? vmsnd_card_attach_node(card, node, loading->now, &place) : VMSND_OK;
		if (rc) /* as a rule a line has said why */
			return vmsnd_loading_wrong(
			    loading, VMSND_E_INVALID,
			    rc == VMSND_E_NO_VALUE ? "an output has no backend" : NULL);
	}
	return true;
}

static void read_volume(struct vmsnd_state_reader *from, struct vmsnd_volume *volume)
{
	volume->gain_mdb = (int32_t)vmsnd_state_get_u32(from);
	for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
		volume->channel_mdb[i] = (int32_t)vmsnd_state_get_u32(from);
	volume->muted = vmsnd_state_get_u32(from);
}

static bool load_output(struct vmsnd_loading *loading, struct vmsnd_output *output)
{
	struct wanted wanted = {.name = "output",
				.part = output->place,
				.major = VMSND_CARD_STATE_MAJOR,
				.missing = "an output is missing",
				.other = "an output is of another version"};
	struct vmsnd_volume volume[2];
	char device[2][VMSND_HOST_DEVICE_TEXT_BYTES];

	if (!section(loading, &wanted))
		return false;
	for (unsigned dir = 0; dir < 2; dir++) {
		read_volume(&wanted.from, &volume[dir]);
		vmsnd_state_get_text(&wanted.from, device[dir], sizeof(device[dir]));
		wanted.from.bad |= !vmsnd_card_volume_fits(&volume[dir]);
	}
	if (wanted.from.bad)
		return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "an output is damaged");
	for (unsigned dir = 0; dir < 2; dir++) {
		vmsnd_card_volume(loading->card, output, (enum vmsnd_dir)dir, &volume[dir]);
		if (strcmp(device[dir], output->now.host->asked[dir]) != 0)
			vmsnd_host_choose(output->now.host, (enum vmsnd_dir)dir,
					  *device[dir] ? device[dir] : NULL);
	}
	return true;
}

static bool load_drivers(struct vmsnd_loading *loading, struct vmsnd_output *output, unsigned port)
{
	struct wanted wanted = {.name = "drivers",
				.part = vmsnd_state_driver_part(output, port),
				.major = VMSND_DRIVERS_STATE_MAJOR,
				.missing = "its drivers are missing",
				.other = "its drivers are of another version"};

	if (vmsnd_drivers_count(output->now.drivers) == 0)
		return true;
	if (!section(loading, &wanted))
		return false;
	if (vmsnd_drivers_load(output->now.drivers, port, &wanted.from, wanted.minor))
		return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "a driver is damaged");
	return true;
}

static bool load_outputs(struct vmsnd_loading *loading)
{
	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		struct vmsnd_output *output = loading->card->outputs[i];

		if (!output)
			continue;
		if (!load_output(loading, output))
			return false;
		for (unsigned port = 0; port < loading->card->n_ports; port++)
			if (!load_drivers(loading, output, port))
				return false;
	}
	return true;
}

/* ---- ports and device ---- */

static bool load_ports(struct vmsnd_loading *loading)
{
	for (unsigned i = 0; i < loading->card->n_ports; i++) {
		struct wanted wanted = {.name = "port",
					.part = i,
					.major = VMSND_PORT_STATE_MAJOR,
					.missing = "a stream is missing",
					.other = "a stream is of another version"};

		if (!section(loading, &wanted))
			return false;
		if (vmsnd_port_load(loading->card->ports[i].port, &wanted.from, wanted.minor,
				    loading->now))
			return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "a stream is damaged");
	}
	return true;
}

static bool load_device(struct vmsnd_loading *loading)
{
	struct vmsnd_card *card = loading->card;
	struct wanted wanted = {.name = "device",
				.major = card->cls->state_major,
				.missing = "its device is missing",
				.other = "its device is of another version"};
	enum vmsnd_rc rc;

	if (!card->cls->load)
		return vmsnd_loading_wrong(loading, VMSND_E_UNSUPPORTED,
					   "its device cannot be loaded");
	if (!section(loading, &wanted))
		return false;
	rc = card->cls->load(card->dev, &wanted.from, wanted.minor, loading->now);
	if (rc == VMSND_E_INVALID)
		return vmsnd_loading_wrong(loading, rc, "its device is configured otherwise");
	return rc ? vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "its device is damaged") : true;
}

static bool load_jacks(struct vmsnd_loading *loading)
{
	struct wanted wanted = {.name = "jacks",
				.major = VMSND_JACKS_STATE_MAJOR,
				.missing = "its jacks are missing",
				.other = "its jacks are of another version"};

	if (!loading->card->has_jacks)
		return true;
	if (!section(loading, &wanted))
		return false;
	vmsnd_card_jacks_load(loading->card, &wanted.from);
	return !wanted.from.bad ||
	       vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "its jacks are damaged");
}

static bool load_transport(struct vmsnd_loading *loading)
{
	struct vmsnd_card *card = loading->card;
	struct wanted wanted = {.name = "transport",
				.major = VMSND_TRANSPORT_STATE_MAJOR,
				.missing = "its transport is missing",
				.other = "its transport is of another version"};
	enum vmsnd_rc rc;

	if (!card->transport->load)
		return true;
	if (!section(loading, &wanted))
		return false;
	rc = card->transport->load(card->bus, &wanted.from, loading->now);
	return rc ? vmsnd_loading_wrong(loading, rc, "its transport cannot be loaded") : true;
}

/* ---- the whole ---- */

void vmsnd_card_get_head(struct vmsnd_state_reader *from, struct vmsnd_card_head *head)
{
	vmsnd_state_get_text(from, head->name, sizeof(head->name));
	vmsnd_state_get_text(from, head->device, sizeof(head->device));
	head->n_playback = vmsnd_state_get_u32(from);
	head->n_ports = vmsnd_state_get_u32(from);
	head->enabled[VMSND_PLAYBACK] = vmsnd_state_get_bool(from);
	head->enabled[VMSND_CAPTURE] = vmsnd_state_get_bool(from);
	head->paused = vmsnd_state_get_bool(from);
}

bool vmsnd_card_load(struct vmsnd_loading *loading)
{
	return load_chains(loading) && load_outputs(loading) && load_ports(loading) &&
	       load_device(loading) && load_jacks(loading) && load_transport(loading);
}

/* ---- a card that its VMM has moved here ---- */

/* Outputs are this host's: where one has the same drivers as there, their sound goes on. */
static bool load_drivers_moved(struct vmsnd_loading *loading, const struct vmsnd_state_key *key,
			       struct vmsnd_state_reader *from)
{
	uint32_t place = key->part >> 16;
	struct vmsnd_output *output =
	    place < VMSND_OUTPUTS_MAX ? loading->card->outputs[place] : NULL;
	enum vmsnd_rc rc;

	if (key->major != VMSND_DRIVERS_STATE_MAJOR)
		return vmsnd_loading_wrong(loading, VMSND_E_VERSION,
					   "its drivers are of another version");
	if (!output || vmsnd_drivers_count(output->now.drivers) == 0)
		return true;
	rc = vmsnd_drivers_load(output->now.drivers, key->part & 0xffff, from, key->minor);
	/* In use, or there is no such stream: they begin anew. */
	return !rc || rc == VMSND_E_INVALID ||
	       vmsnd_loading_wrong(loading, rc, "a driver is damaged");
}

static bool load_all_drivers_moved(struct vmsnd_loading *loading)
{
	struct vmsnd_state_in ahead = loading->in;
	struct vmsnd_state_reader from;
	struct vmsnd_state_key key;

	while (vmsnd_state_next(&ahead, &key, &from) &&
	       strncmp(key.name, "drivers", sizeof(key.name)) == 0) {
		loading->in = ahead;
		if (!load_drivers_moved(loading, &key, &from))
			return false;
	}
	return true;
}

/* Loudness is in a stream's part, too. */
static void set_volumes_anew(struct vmsnd_card *card)
{
	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++)
		for (unsigned dir = 0; card->outputs[i] && dir < 2; dir++)
			vmsnd_card_volume(card, card->outputs[i], (enum vmsnd_dir)dir,
					  &card->outputs[i]->volume[dir]);
}

bool vmsnd_card_load_moved(struct vmsnd_loading *loading)
{
	if (!load_all_drivers_moved(loading) || !load_ports(loading))
		return false;
	set_volumes_anew(loading->card);
	return load_device(loading);
}
