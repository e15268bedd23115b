/* SPDX-License-Identifier: BSD-3-Clause */
/* A card written down: what its owner set, its outputs, its ports, its device (SS-01;
 * docs/saved-state.md); or what of it goes along when its VMM moves it. */
#include "manager/machine_state.h"

struct writing {
	struct vmsnd_card *card;
	const struct vmsnd_output *output;
	unsigned port;
	bool too_large;
};

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

static void save_drivers(struct vmsnd_state_out *out, struct writing *writing, uint32_t number)
{
	struct vmsnd_state_key key = {.name = "drivers",
				      .card = number,
				      .major = VMSND_DRIVERS_STATE_MAJOR,
				      .minor = VMSND_DRIVERS_STATE_MINOR};

	if (vmsnd_drivers_count(writing->output->now.drivers) == 0)
		return;
	for (writing->port = 0; writing->port < writing->card->n_ports; writing->port++) {
		key.part = vmsnd_state_driver_part(writing->output, writing->port);
		vmsnd_state_section(out, &key, write_drivers, writing);
	}
}

/* Whatever an output is set to is its host's: of one that is moved only the drivers' sound goes
 * along. */
static void save_outputs(struct vmsnd_state_out *out, struct writing *writing, uint32_t number,
			 bool moved)
{
	const struct vmsnd_card *card = writing->card;

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		struct vmsnd_state_key output = {.name = "output",
						 .card = number,
						 .part = i,
						 .major = VMSND_CARD_STATE_MAJOR,
						 .minor = VMSND_CARD_STATE_MINOR};

		writing->output = card->outputs[i];
		if (!writing->output)
			continue;
		if (!moved)
			vmsnd_state_section(out, &output, write_output, writing);
		save_drivers(out, writing, number);
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

static void save_ports(struct vmsnd_state_out *out, struct writing *writing, uint32_t number)
{
	struct vmsnd_state_key key = {.name = "port",
				      .card = number,
				      .major = VMSND_PORT_STATE_MAJOR,
				      .minor = VMSND_PORT_STATE_MINOR};

	for (; key.part < writing->card->n_ports; key.part++) {
		writing->port = key.part;
		vmsnd_state_section(out, &key, write_port, writing);
	}
}

static enum vmsnd_rc save_parts(struct vmsnd_state_out *out, struct vmsnd_card *card,
				uint32_t number, bool moved)
{
	struct writing writing = {.card = card};
	struct vmsnd_state_key key = {.name = "card",
				      .card = number,
				      .major = VMSND_CARD_STATE_MAJOR,
				      .minor = VMSND_CARD_STATE_MINOR};
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
	save_outputs(out, &writing, number, moved);
	save_ports(out, &writing, number);
	vmsnd_state_section(out, &device, write_device, &writing);
	if (card->has_jacks && !moved)
		vmsnd_state_section(out, &jacks, write_jacks, &writing);
	if (card->transport->save && !moved)
		vmsnd_state_section(out, &transport, write_transport, &writing);
	return writing.too_large ? tell_too_large(card) : VMSND_OK;
}

/* Hosts have threads of their own: what they move is told once, and whole, while they stand still.
 * What plays goes on at once. */
enum vmsnd_rc vmsnd_card_save(struct vmsnd_state_out *out, struct vmsnd_card *card, uint32_t number,
			      bool moved)
{
	bool stood = card->standing;
	enum vmsnd_rc rc;

	for (unsigned i = 0; !stood && i < card->n_ports; i++)
		vmsnd_port_pause(card->ports[i].port, true, card->time);
	rc = save_parts(out, card, number, moved);
	for (unsigned i = 0; !stood && i < card->n_ports; i++)
		vmsnd_port_pause(card->ports[i].port, false, card->time);
	vmsnd_card_touch(card);
	return rc;
}
