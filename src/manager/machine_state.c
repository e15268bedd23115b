/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine written down and brought back: its configuration with the chains as they are, then card
 * by card what its owner set, its ports, its drivers, its device (SS-01 .. SS-03;
 * docs/saved-state.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "manager/state.h"

#define CARD_MAJOR 1u
#define CARD_MINOR 0u
/* Of the section: what is in it has a version of its own. */
#define TRANSPORT_MAJOR 1u
#define TRANSPORT_MINOR 0u
#define CONFIG_MAJOR    1u
#define CONFIG_MINOR    0u
/* No card's: the configuration's. */
#define NO_CARD UINT32_MAX
/* A text of the configuration. */
#define CONFIG_BYTES_MAX (16u * 1024u * 1024u)

/* ---- what is written ---- */

struct writing {
	struct vmsnd_card *card;
	const struct vmsnd_output *output;
	unsigned port;
	const char *config;
};

static void write_config(void *ctx, struct vmsnd_state_writer *to)
{
	const struct writing *writing = ctx;
	size_t bytes = strlen(writing->config);

	vmsnd_state_put_u32(to, (uint32_t)bytes);
	vmsnd_state_put(to, writing->config, bytes);
}

static void write_card(void *ctx, struct vmsnd_state_writer *to)
{
	const struct vmsnd_card *card = ((const struct writing *)ctx)->card;

	vmsnd_state_put_text(to, card->name);
	vmsnd_state_put_text(to, card->cls->name);
	vmsnd_state_put_u32(to, card->n_playback);
	vmsnd_state_put_u32(to, card->n_ports);
	vmsnd_state_put_u8(to, card->enabled[VMSND_PLAYBACK]);
	vmsnd_state_put_u8(to, card->enabled[VMSND_CAPTURE]);
	vmsnd_state_put_u8(to, card->paused);
}

static void write_output(void *ctx, struct vmsnd_state_writer *to)
{
	const struct vmsnd_output *output = ((const struct writing *)ctx)->output;

	for (unsigned dir = 0; dir < 2; dir++) {
		const struct vmsnd_volume *volume = &output->volume[dir];

		vmsnd_state_put_u32(to, (uint32_t)volume->gain_mdb);
		for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
			vmsnd_state_put_u32(to, (uint32_t)volume->channel_mdb[i]);
		vmsnd_state_put_u32(to, volume->muted);
		vmsnd_state_put_text(to, output->now.host->asked[dir]);
	}
}

static void write_port(void *ctx, struct vmsnd_state_writer *to)
{
	const struct writing *writing = ctx;

	vmsnd_port_save(writing->card->ports[writing->port].port, to);
}

static void write_drivers(void *ctx, struct vmsnd_state_writer *to)
{
	const struct writing *writing = ctx;

	vmsnd_drivers_save(writing->output->now.drivers, writing->port, to);
}

static void write_device(void *ctx, struct vmsnd_state_writer *to)
{
	const struct vmsnd_card *card = ((const struct writing *)ctx)->card;

	card->cls->save(card->dev, to);
}

static void write_transport(void *ctx, struct vmsnd_state_writer *to)
{
	const struct vmsnd_card *card = ((const struct writing *)ctx)->card;

	card->transport->save(card->bus, to);
}

/* Drivers of an output on a port: as one number. */
static uint32_t driver_part(const struct vmsnd_output *output, unsigned port)
{
	return output->place << 16 | port;
}

static void save_outputs(struct vmsnd_state_out *out, struct writing *writing, uint32_t number)
{
	const struct vmsnd_card *card = writing->card;

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		struct vmsnd_state_key output = {.name = "output",
						 .card = number,
						 .part = i,
						 .major = CARD_MAJOR,
						 .minor = CARD_MINOR};
		struct vmsnd_state_key drivers = {.name = "drivers",
						  .card = number,
						  .major = VMSND_DRIVERS_STATE_MAJOR,
						  .minor = VMSND_DRIVERS_STATE_MINOR};

		writing->output = card->outputs[i];
		if (!writing->output)
			continue;
		vmsnd_state_section(out, &output, write_output, writing);
		for (unsigned port = 0; port < card->n_ports; port++) {
			writing->port = port;
			drivers.part = driver_part(writing->output, port);
			if (vmsnd_drivers_count(writing->output->now.drivers) > 0)
				vmsnd_state_section(out, &drivers, write_drivers, writing);
		}
	}
}

static void save_card(struct vmsnd_state_out *out, struct vmsnd_card *card, uint32_t number)
{
	struct writing writing = {.card = card};
	struct vmsnd_state_key key = {
	    .name = "card", .card = number, .major = CARD_MAJOR, .minor = CARD_MINOR};
	struct vmsnd_state_key port = {.name = "port",
				       .card = number,
				       .major = VMSND_PORT_STATE_MAJOR,
				       .minor = VMSND_PORT_STATE_MINOR};
	struct vmsnd_state_key device = {.name = "device",
					 .card = number,
					 .major = card->cls->state_major,
					 .minor = card->cls->state_minor};
	struct vmsnd_state_key transport = {.name = "transport",
					    .card = number,
					    .major = TRANSPORT_MAJOR,
					    .minor = TRANSPORT_MINOR};

	vmsnd_state_section(out, &key, write_card, &writing);
	save_outputs(out, &writing, number);
	for (port.part = 0; port.part < card->n_ports; port.part++) {
		writing.port = port.part;
		vmsnd_state_section(out, &port, write_port, &writing);
	}
	vmsnd_state_section(out, &device, write_device, &writing);
	if (card->transport->save)
		vmsnd_state_section(out, &transport, write_transport, &writing);
}

static enum vmsnd_rc save_config(const struct vmsnd_machine *machine, struct vmsnd_state_out *out)
{
	struct vmsnd_state_key key = {
	    .name = "config", .card = NO_CARD, .major = CONFIG_MAJOR, .minor = CONFIG_MINOR};
	struct vmsnd_node *root = vmsnd_tree_new();
	struct writing writing = {0};
	char *text = NULL;

	if (root && vmsnd_machine_write_tree(machine, root, false))
		text = vmsnd_yaml_dump(root);
	vmsnd_tree_free(root);
	if (!text)
		return VMSND_E_NOMEM;
	writing.config = text;
	vmsnd_state_section(out, &key, write_config, &writing);
	free(text);
	return VMSND_OK;
}

static enum vmsnd_rc can_save(const struct vmsnd_machine *machine)
{
	for (const struct vmsnd_card *card = machine->first; card; card = card->after) {
		if (card->cls->save)
			continue;
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR,
			   "%s: a %s cannot be saved, so this machine cannot", card->name,
			   card->cls->name);
		return VMSND_E_UNSUPPORTED;
	}
	return VMSND_OK;
}

static enum vmsnd_rc save(struct vmsnd_machine *machine, vmsnd_ns now, struct vmsnd_state_out *out)
{
	enum vmsnd_rc rc = can_save(machine);
	uint32_t number = 0;

	if (!rc)
		rc = save_config(machine, out);
	for (struct vmsnd_card *card = machine->first; !rc && card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		vmsnd_card_advance(card, vmsnd_lane_time(card->lane, now));
		save_card(out, card, number++);
		vmsnd_lane_unlock(card->lane, true);
	}
	return rc;
}

enum vmsnd_rc vmsnd_machine_save(struct vmsnd_machine *machine, vmsnd_ns now, uint8_t **bytes,
				 size_t *n_bytes)
{
	struct vmsnd_state_out out;
	enum vmsnd_rc rc;

	vmsnd_state_begin(&out);
	vmsnd_machine_plan_lock(machine);
	rc = save(machine, now, &out);
	vmsnd_machine_plan_unlock(machine);
	if (rc)
		out.failed = true;
	if (!vmsnd_state_finish(&out)) {
		if (!rc)
			vmsnd_logf(&machine->log, VMSND_LOG_ERROR,
				   "out of memory for the machine's state");
		return rc ? rc : VMSND_E_NOMEM;
	}
	*bytes = out.bytes;
	*n_bytes = out.used;
	return VMSND_OK;
}

/* ---- what is read ---- */

static enum vmsnd_rc read_config(const uint8_t *bytes, size_t n_bytes, struct vmsnd_node **out,
				 struct vmsnd_error *error)
{
	struct vmsnd_state_in in = {.bytes = bytes, .n_bytes = n_bytes};
	struct vmsnd_state_key key = {.name = "config", .card = NO_CARD};
	struct vmsnd_state_reader payload;
	uint32_t text_bytes;

	if (!vmsnd_state_find(&in, &key, &payload)) {
		vmsnd_error_set(error, NULL, "the saved state has no configuration");
		return VMSND_E_DAMAGED;
	}
	if (key.major != CONFIG_MAJOR) {
		vmsnd_error_set(error, NULL,
				"the saved state's configuration is of another version");
		return VMSND_E_VERSION;
	}
	text_bytes = vmsnd_state_get_u32_upto(&payload, CONFIG_BYTES_MAX);
	if (payload.bad || text_bytes > payload.bytes - payload.at) {
		vmsnd_error_set(error, NULL, "the saved state's configuration is damaged");
		return VMSND_E_DAMAGED;
	}
	return vmsnd_yaml_parse("saved state", (const char *)payload.from + payload.at, text_bytes,
				out, error);
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
	const char *what; /* is wrong */
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

		node = outputs ? vmsnd_node_find(outputs, name) : NULL;
		if (node && card->outputs[i] && same_chain(card, i, node))
			continue;
		if (card->outputs[i])
			vmsnd_card_detach(card, &card->outputs[i], loading->now);
		if (node && vmsnd_card_attach_node(card, node, loading->now, &place))
			return wrong(loading, VMSND_E_INVALID, "an output cannot be made");
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
				.major = CARD_MAJOR,
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
		if (*device[dir])
			vmsnd_host_choose(output->now.host, (enum vmsnd_dir)dir, device[dir]);
	}
	return true;
}

static bool load_drivers(struct loading *loading, struct vmsnd_output *output, unsigned port)
{
	struct wanted wanted = {.name = "drivers",
				.part = driver_part(output, port),
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

static bool load_transport(struct loading *loading)
{
	struct vmsnd_card *card = loading->card;
	struct wanted wanted = {.name = "transport",
				.major = TRANSPORT_MAJOR,
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

static bool read_head(struct loading *loading, struct vmsnd_state_reader *from,
		      struct card_head *head)
{
	vmsnd_state_get_text(from, head->name, sizeof(head->name));
	vmsnd_state_get_text(from, head->device, sizeof(head->device));
	head->n_playback = vmsnd_state_get_u32(from);
	head->n_ports = vmsnd_state_get_u32(from);
	head->enabled[VMSND_PLAYBACK] = vmsnd_state_get_bool(from);
	head->enabled[VMSND_CAPTURE] = vmsnd_state_get_bool(from);
	head->paused = vmsnd_state_get_bool(from);
	if (from->bad)
		return wrong(loading, VMSND_E_DAMAGED, "a card is damaged");
	loading->card = card_named(loading->machine, head->name);
	/* SS-02 */
	if (!loading->card || strcmp(loading->card->cls->name, head->device) != 0)
		return wrong(loading, VMSND_E_INVALID, "it has a card that this machine has not");
	if (loading->card->loaded)
		return wrong(loading, VMSND_E_DAMAGED, "it has a card twice");
	if (loading->card->n_playback != head->n_playback ||
	    loading->card->n_ports != head->n_ports)
		return wrong(loading, VMSND_E_INVALID, "a card has other streams");
	return true;
}

static void take_head(struct loading *loading, const struct card_head *head)
{
	struct vmsnd_card *card = loading->card;

	card->loaded = card->held = true;
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

static bool load_card(struct loading *loading, struct vmsnd_state_reader *from)
{
	struct card_head head;
	struct vmsnd_lane *lane;
	bool loaded;

	if (!read_head(loading, from, &head))
		return false;
	lane = loading->card->lane;
	vmsnd_lane_lock(lane);
	loading->now = vmsnd_lane_time(lane, loading->now);
	take_head(loading, &head);
	loaded = load_chains(loading) && load_outputs(loading) && load_ports(loading) &&
		 load_device(loading) && load_transport(loading);
	vmsnd_card_touch(loading->card);
	vmsnd_lane_unlock(lane, true);
	return loaded;
}

static bool all_loaded(struct loading *loading)
{
	bool all = true;

	for (struct vmsnd_card *card = loading->machine->first; card; card = card->after) {
		all &= card->loaded;
		card->loaded = false;
	}
	return all ? true
		   : wrong(loading, VMSND_E_INVALID, "it lacks a card that this machine has");
}

static bool load_cards(struct loading *loading)
{
	struct vmsnd_state_key key;
	struct vmsnd_state_reader payload;
	vmsnd_ns now = loading->now;

	while (vmsnd_state_next(&loading->in, &key, &payload)) {
		if (strncmp(key.name, "card", sizeof(key.name)) != 0)
			continue;
		if (key.major != CARD_MAJOR)
			return wrong(loading, VMSND_E_VERSION, "a card is of another version");
		loading->number = key.card;
		loading->now = now;
		loading->card = NULL;
		if (!load_card(loading, &payload))
			return false;
	}
	loading->card = NULL;
	return all_loaded(loading);
}

static enum vmsnd_rc load(struct loading *loading)
{
	struct vmsnd_machine *machine = loading->machine;
	bool loaded = load_cards(loading);

	if (loaded) {
		machine->phase = VMSND_MACHINE_SUSPENDED;
		return VMSND_OK;
	}
	vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s%sthe saved state cannot be loaded: %s",
		   loading->card ? loading->card->name : "", loading->card ? ": " : "",
		   loading->what);
	return loading->rc;
}

enum vmsnd_rc vmsnd_machine_load(struct vmsnd_machine *machine, const uint8_t *bytes,
				 size_t n_bytes, vmsnd_ns now)
{
	struct loading loading = {
	    .machine = machine, .in = {.bytes = bytes, .n_bytes = n_bytes}, .now = now};
	struct vmsnd_error error;
	enum vmsnd_rc rc = vmsnd_state_tree(bytes, n_bytes, &loading.config, &error);

	if (rc) {
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s", error.line);
		return rc;
	}
	vmsnd_machine_plan_lock(machine);
	if (machine->changing) {
		rc = VMSND_E_INVALID;
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR,
			   "a state cannot be loaded while the machine changes");
	} else {
		rc = load(&loading);
	}
	vmsnd_machine_plan_unlock(machine);
	vmsnd_tree_free(loading.config);
	if (!rc)
		vmsnd_machine_tell_changed(machine);
	return rc;
}
