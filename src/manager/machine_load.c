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

/* A state being loaded, and the card at hand. */
struct loading {
	struct vmsnd_machine *machine;
	struct vmsnd_node *config;
	struct vmsnd_state_in in; /* behind what was read last */
	struct vmsnd_card *card;
	uint32_t number;
	vmsnd_ns now;
	enum vmsnd_rc rc;
	const char *what; /* is wrong; NULL: a line has said so already */
};

static bool wrong(struct loading *loading, enum vmsnd_rc rc, const char *what)
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

static bool section(struct loading *loading, struct wanted *wanted)
{
	struct vmsnd_state_key key = {.card = loading->number, .part = wanted->part};

	snprintf(key.name, sizeof(key.name), "%s", wanted->name);
	if (!vmsnd_state_find(&loading->in, &key, &wanted->from))
		return wrong(loading, VMSND_E_DAMAGED, wanted->missing);
	if (key.major != wanted->major)
		return wrong(loading, VMSND_E_VERSION, wanted->other);
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

static bool load_chains(struct loading *loading)
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
			return wrong(loading, VMSND_E_INVALID,
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

static bool load_output(struct loading *loading, struct vmsnd_output *output)
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
		return wrong(loading, VMSND_E_DAMAGED, "an output is damaged");
	for (unsigned dir = 0; dir < 2; dir++) {
		vmsnd_card_volume(loading->card, output, (enum vmsnd_dir)dir, &volume[dir]);
		if (strcmp(device[dir], output->now.host->asked[dir]) != 0)
			vmsnd_host_choose(output->now.host, (enum vmsnd_dir)dir,
					  *device[dir] ? device[dir] : NULL);
	}
	return true;
}

static bool load_drivers(struct loading *loading, struct vmsnd_output *output, unsigned port)
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
		return wrong(loading, VMSND_E_DAMAGED, "a driver is damaged");
	return true;
}

static bool load_outputs(struct loading *loading)
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

static bool load_ports(struct loading *loading)
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
			return wrong(loading, VMSND_E_DAMAGED, "a stream is damaged");
	}
	return true;
}

static bool load_device(struct loading *loading)
{
	struct vmsnd_card *card = loading->card;
	struct wanted wanted = {.name = "device",
				.major = card->cls->state_major,
				.missing = "its device is missing",
				.other = "its device is of another version"};

	if (!card->cls->load)
		return wrong(loading, VMSND_E_UNSUPPORTED, "its device cannot be loaded");
	if (!section(loading, &wanted))
		return false;
	if (card->cls->load(card->dev, &wanted.from, wanted.minor, loading->now))
		return wrong(loading, VMSND_E_DAMAGED, "its device is damaged");
	return true;
}

static bool load_jacks(struct loading *loading)
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
	return !wanted.from.bad || wrong(loading, VMSND_E_DAMAGED, "its jacks are damaged");
}

static bool load_transport(struct loading *loading)
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
	return rc ? wrong(loading, rc, "its transport cannot be loaded") : true;
}

/* ---- cards ---- */

static struct vmsnd_card *card_named(const struct vmsnd_machine *machine, const char *name)
{
	struct vmsnd_card *card = machine->first;

	while (card && strcmp(card->name, name) != 0)
		card = card->after;
	return card;
}

/* What is read about a card before anything of it is changed. */
struct card_head {
	char name[64], device[VMSND_CLASS_NAME_BYTES];
	uint32_t n_playback, n_ports;
	bool enabled[2], paused;
};

static void get_head(struct vmsnd_state_reader *from, struct card_head *head)
{
	vmsnd_state_get_text(from, head->name, sizeof(head->name));
	vmsnd_state_get_text(from, head->device, sizeof(head->device));
	head->n_playback = vmsnd_state_get_u32(from);
	head->n_ports = vmsnd_state_get_u32(from);
	head->enabled[VMSND_PLAYBACK] = vmsnd_state_get_bool(from);
	head->enabled[VMSND_CAPTURE] = vmsnd_state_get_bool(from);
	head->paused = vmsnd_state_get_bool(from);
}

/* SS-02 */
static bool fits(struct loading *loading, const struct card_head *head)
{
	const struct vmsnd_card *card = loading->card;

	if (!card || strcmp(card->cls->name, head->device) != 0)
		return wrong(loading, VMSND_E_INVALID, "it has a card that this machine has not");
	if (card->loaded)
		return wrong(loading, VMSND_E_DAMAGED, "it has a card twice");
	if (card->n_playback != head->n_playback || card->n_ports != head->n_ports)
		return wrong(loading, VMSND_E_INVALID, "a card has other streams");
	return true;
}

static bool read_head(struct loading *loading, struct vmsnd_state_reader *from,
		      struct card_head *head)
{
	get_head(from, head);
	if (from->bad)
		return wrong(loading, VMSND_E_DAMAGED, "a card is damaged");
	loading->card = card_named(loading->machine, head->name);
	return fits(loading, head);
}

static void take_head(struct loading *loading, const struct card_head *head)
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

static bool load_card(struct loading *loading, const struct card_head *head)
{
	struct vmsnd_lane *lane = loading->card->lane;
	bool loaded;

	vmsnd_lane_lock(lane);
	loading->now = vmsnd_lane_time(lane, loading->now);
	take_head(loading, head);
	loaded = load_chains(loading) && load_outputs(loading) && load_ports(loading) &&
		 load_device(loading) && load_jacks(loading) && load_transport(loading);
	vmsnd_card_touch(loading->card);
	vmsnd_lane_unlock(lane, true);
	return loaded;
}

static bool next_card(struct loading *loading, struct vmsnd_state_reader *payload)
{
	struct vmsnd_state_key key;

	while (vmsnd_state_next(&loading->in, &key, payload)) {
		if (strncmp(key.name, "card", sizeof(key.name)) != 0)
			continue;
		loading->number = key.card;
		loading->card = NULL;
		return key.major == VMSND_CARD_STATE_MAJOR ||
		       wrong(loading, VMSND_E_VERSION, "a card is of another version");
	}
	return false;
}

static bool all_seen(struct loading *loading)
{
	loading->card = NULL;
	for (struct vmsnd_card *card = loading->machine->first; card; card = card->after)
		if (!card->loaded)
			return wrong(loading, VMSND_E_INVALID,
				     "it lacks a card that this machine has");
	return true;
}

/* The same cards both ways, each of them once, before anything is changed. */
static bool check_cards(struct loading *loading)
{
	struct vmsnd_state_in begin = loading->in;
	struct vmsnd_state_reader payload;
	struct card_head head;
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

static bool load_cards(struct loading *loading)
{
	struct vmsnd_state_reader payload;
	vmsnd_ns now = loading->now;
	struct card_head head;

	while (next_card(loading, &payload)) {
		loading->now = now;
		if (!read_head(loading, &payload, &head) || !load_card(loading, &head))
			return false;
	}
	loading->card = NULL;
	return !loading->rc;
}

/* ---- the whole ---- */

static bool is_unused(struct loading *loading)
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
	return !used || wrong(loading, VMSND_E_INVALID, "a guest uses this machine already");
}

static void say_wrong(const struct loading *loading)
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
static void take_back(const struct loading *failed, const uint8_t *bytes, size_t n_bytes,
		      vmsnd_ns now)
{
	struct loading loading = {
	    .machine = failed->machine, .in = {.bytes = bytes, .n_bytes = n_bytes}, .now = now};
	struct vmsnd_error error;

	empty_ports(failed->machine, now);
	if (vmsnd_state_tree(bytes, n_bytes, &loading.config, &error) || !load_cards(&loading))
		vmsnd_logf(&failed->machine->log, VMSND_LOG_ERROR,
			   "nor can the machine be made again what it was before");
	hold_as_before(failed->machine, now);
	vmsnd_tree_free(loading.config);
}

static enum vmsnd_rc load(struct loading *loading)
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
	struct loading loading = {
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
