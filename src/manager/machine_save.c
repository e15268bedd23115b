/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine written down: its configuration with the chains as they are, then card by card what its
 * owner set, its outputs, its ports, its device (SS-01; docs/saved-state.md). */
#include <stdlib.h>
#include <string.h>

#include "manager/machine_state.h"

struct writing {
	struct vmsnd_card *card;
	const struct vmsnd_output *output;
	unsigned port;
	const char *config;
	bool too_large;
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
	struct writing *writing = ctx;
	const struct vmsnd_card *card = writing->card;
	size_t before = to->used;

	if (writing->too_large)
		return;
	card->cls->save(card->dev, to);
	if (to->used - before <= VMSND_DEV_STATE_BYTES_MAX)
		return;
	writing->too_large = true;
	to->used = before; /* no room is made for it */
}

static void write_jacks(void *ctx, struct vmsnd_state_writer *to)
{
	vmsnd_card_jacks_save(((const struct writing *)ctx)->card, to);
}

static void write_transport(void *ctx, struct vmsnd_state_writer *to)
{
	const struct vmsnd_card *card = ((const struct writing *)ctx)->card;

	card->transport->save(card->bus, to);
}

static void save_outputs(struct vmsnd_state_out *out, struct writing *writing, uint32_t number)
{
	const struct vmsnd_card *card = writing->card;

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		struct vmsnd_state_key output = {.name = "output",
						 .card = number,
						 .part = i,
						 .major = VMSND_CARD_STATE_MAJOR,
						 .minor = VMSND_CARD_STATE_MINOR};
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
			drivers.part = vmsnd_state_driver_part(writing->output, port);
			if (vmsnd_drivers_count(writing->output->now.drivers) > 0)
				vmsnd_state_section(out, &drivers, write_drivers, writing);
		}
	}
}

static enum vmsnd_rc tell_too_large(const struct vmsnd_card *card)
{
	vmsnd_logf(
	    vmsnd_machine_log(card->machine), VMSND_LOG_ERROR,
	    "%s: the state of its %s has more than %u bytes, so this machine cannot be saved",
	    card->name, card->cls->name, VMSND_DEV_STATE_BYTES_MAX);
	return VMSND_E_LIMIT;
}

static enum vmsnd_rc save_card(struct vmsnd_state_out *out, struct vmsnd_card *card,
			       uint32_t number)
{
	struct writing writing = {.card = card};
	struct vmsnd_state_key key = {.name = "card",
				      .card = number,
				      .major = VMSND_CARD_STATE_MAJOR,
				      .minor = VMSND_CARD_STATE_MINOR};
	struct vmsnd_state_key port = {.name = "port",
				       .card = number,
				       .major = VMSND_PORT_STATE_MAJOR,
				       .minor = VMSND_PORT_STATE_MINOR};
	struct vmsnd_state_key device = {.name = "device",
					 .card = number,
					 .major = card->cls->state_major,
					 .minor = card->cls->state_minor};
	struct vmsnd_state_key jacks = {.name = "jacks",
					.card = number,
					.major = VMSND_JACKS_STATE_MAJOR,
					.minor = VMSND_JACKS_STATE_MINOR};
	struct vmsnd_state_key transport = {.name = "transport",
					    .card = number,
					    .major = VMSND_TRANSPORT_STATE_MAJOR,
					    .minor = VMSND_TRANSPORT_STATE_MINOR};

	vmsnd_state_section(out, &key, write_card, &writing);
	save_outputs(out, &writing, number);
	for (port.part = 0; port.part < card->n_ports; port.part++) {
		writing.port = port.part;
		vmsnd_state_section(out, &port, write_port, &writing);
	}
	vmsnd_state_section(out, &device, write_device, &writing);
	if (card->has_jacks)
		vmsnd_state_section(out, &jacks, write_jacks, &writing);
	if (card->transport->save)
		vmsnd_state_section(out, &transport, write_transport, &writing);
	return writing.too_large ? tell_too_large(card) : VMSND_OK;
}

/* Hosts have threads of their own: what they move is told once, and whole, while they stand still.
 * What plays goes on at once. */
static enum vmsnd_rc save_still(struct vmsnd_state_out *out, struct vmsnd_card *card,
				uint32_t number, vmsnd_ns now)
{
	bool stood = card->standing;
	enum vmsnd_rc rc;

	vmsnd_card_advance(card, now);
	for (unsigned i = 0; !stood && i < card->n_ports; i++)
		vmsnd_port_pause(card->ports[i].port, true, card->time);
	rc = save_card(out, card, number);
	for (unsigned i = 0; !stood && i < card->n_ports; i++)
		vmsnd_port_pause(card->ports[i].port, false, card->time);
	vmsnd_card_touch(card);
	return rc;
}

static enum vmsnd_rc save_config(const struct vmsnd_machine *machine, struct vmsnd_state_out *out)
{
	struct vmsnd_state_key key = {.name = "config",
				      .card = VMSND_STATE_NO_CARD,
				      .major = VMSND_CONFIG_STATE_MAJOR,
				      .minor = VMSND_CONFIG_STATE_MINOR};
	struct vmsnd_node *root = vmsnd_tree_new();
	struct writing writing = {0};
	char *text = NULL;

	if (root && vmsnd_machine_write_tree(machine, root) &&
	    !(machine->conf.lanes && vmsnd_leaf_set_uint(root, "lanes", machine->conf.lanes)))
		text = vmsnd_yaml_dump(root);
	vmsnd_tree_free(root);
	if (!text)
		return VMSND_E_NOMEM;
	if (strlen(text) > VMSND_STATE_CONFIG_BYTES_MAX) {
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR,
			   "the machine's configuration is too large for a saved state");
		free(text);
		return VMSND_E_LIMIT;
	}
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
		rc = save_still(out, card, number++, vmsnd_lane_time(card->lane, now));
		vmsnd_lane_unlock(card->lane, true);
	}
	return rc;
}

enum vmsnd_rc vmsnd_machine_save_planned(struct vmsnd_machine *machine, vmsnd_ns now,
					 uint8_t **bytes, size_t *n_bytes)
{
	struct vmsnd_state_out out;
	enum vmsnd_rc rc;

	vmsnd_state_begin(&out);
	rc = save(machine, now, &out);
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

enum vmsnd_rc vmsnd_machine_save(struct vmsnd_machine *machine, vmsnd_ns now, uint8_t **bytes,
				 size_t *n_bytes)
{
	enum vmsnd_rc rc;

	vmsnd_machine_plan_lock(machine);
	rc = vmsnd_machine_save_planned(machine, now, bytes, n_bytes);
	vmsnd_machine_plan_unlock(machine);
	return rc;
}
