/* SPDX-License-Identifier: BSD-3-Clause */
/* What an owner does to a card while it runs. Each call has the card's lane for as long as it
 * takes, brings the card up to its time first and has it looked at again afterwards. */
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"

/* An output of a card, held. */
struct hold {
	struct vmsnd_seat seat;
	struct vmsnd_output *output;
};

static enum vmsnd_rc hold_output(struct vmsnd_machine *machine, unsigned card, unsigned output,
				 vmsnd_ns now, struct hold *hold)
{
	if (!vmsnd_seat_change(machine, card, now, &hold->seat))
		return VMSND_E_NO_CARD;
	hold->output = output < VMSND_OUTPUTS_MAX ? hold->seat.card->outputs[output] : NULL;
	if (hold->output)
		return VMSND_OK;
	vmsnd_seat_leave(&hold->seat);
	return VMSND_E_NO_OUTPUT;
}

/* The same, to change the chain that it has. What is changed in one that is about to go would be
 * lost with it: VMSND_E_AGAIN. */
static enum vmsnd_rc hold_chain(struct vmsnd_machine *machine, unsigned card, unsigned output,
				vmsnd_ns now, struct hold *hold)
{
	enum vmsnd_rc rc = hold_output(machine, card, output, now, hold);

	if (rc || !hold->output->fresh.host)
		return rc;
	vmsnd_seat_leave(&hold->seat);
	return VMSND_E_AGAIN;
}

static bool is_dir(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK || dir == VMSND_CAPTURE;
}

/* ---- outputs ---- */

static void say_attached(const struct vmsnd_card *card, unsigned output)
{
	const struct vmsnd_chain_parts *parts = &card->outputs[output]->now;

	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_INFO, "%s: output %u (%s): attached",
		   card->name, output, parts->host->cls->name);
}

enum vmsnd_rc vmsnd_machine_attach_chain(struct vmsnd_machine *machine, unsigned card,
					 const struct vmsnd_chain_conf *chain, vmsnd_ns now,
					 unsigned *output)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc;

	if (!chain || !chain->backend || !output)
		return VMSND_E_INVALID;
	if (!vmsnd_seat_change(machine, card, now, &seat))
		return VMSND_E_NO_CARD;
	*output = VMSND_OUTPUTS_MAX;
	rc = vmsnd_card_attach(seat.card, chain, seat.now, output);
	if (!rc)
		say_attached(seat.card, *output);
	vmsnd_seat_leave(&seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_attach(struct vmsnd_machine *machine, unsigned card,
				   const char *backend, vmsnd_ns now, unsigned *output)
{
	struct vmsnd_chain_conf chain = {.backend = backend};

	return vmsnd_machine_attach_chain(machine, card, &chain, now, output);
}

enum vmsnd_rc vmsnd_machine_detach(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   vmsnd_ns now)
{
	struct hold hold;
	enum vmsnd_rc rc = hold_output(machine, card, output, now, &hold);

	if (rc)
		return rc;
	vmsnd_logf(vmsnd_machine_log(machine), VMSND_LOG_INFO, "%s: output %u (%s): detached",
		   hold.seat.card->name, output, hold.output->now.host->cls->name);
	vmsnd_card_detach(hold.seat.card, &hold.seat.card->outputs[output], hold.seat.now);
	vmsnd_seat_leave(&hold.seat);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_reattach(struct vmsnd_machine *machine, struct vmsnd_reattach *which,
				     const struct vmsnd_chain_conf *chain, vmsnd_ns now)
{
	struct hold hold;
	enum vmsnd_rc rc;

	if (!chain || !chain->backend)
		return VMSND_E_INVALID;
	rc = hold_output(machine, which->card, which->output, now, &hold);
	if (rc)
		return rc;
	rc = vmsnd_card_reattach(hold.seat.card, hold.output, chain, hold.seat.now);
	if (!rc)
		which->number = hold.output->reattach.number;
	vmsnd_seat_leave(&hold.seat);
	return rc;
}

/* ---- drivers ---- */

enum change { CHANGE_ATTACH, CHANGE_REATTACH, CHANGE_DETACH };

/* The marks of injected drivers move along. */
static uint32_t shifted(uint32_t marks, unsigned at, enum change change)
{
	uint32_t backend = marks & VMSND_INJECTED_BACKEND, drivers = marks ^ backend;
	uint32_t above = drivers & ((UINT32_C(1) << at) - 1), from = drivers >> at;

	if (change == CHANGE_ATTACH)
		return backend | above | (from << 1) << at;
	if (change == CHANGE_DETACH)
		return backend | above | (from >> 1) << at;
	return marks & ~(UINT32_C(1) << at);
}

static enum vmsnd_rc change_driver(struct vmsnd_drivers *chain, unsigned at, const char *text,
				   enum change change, struct vmsnd_error *error)
{
	if (change == CHANGE_ATTACH)
		return vmsnd_drivers_attach(chain, at, text, error);
	if (change == CHANGE_REATTACH)
		return vmsnd_drivers_reattach(chain, at, text, error);
	return vmsnd_drivers_detach(chain, at);
}

/* From now on the chain is its owner's work: rules that would run over it again, when it is read
 * from a configuration or a saved state, would undo that. */
static enum vmsnd_rc keep_rules_off(struct vmsnd_chain_parts *parts)
{
	struct vmsnd_node *node = vmsnd_tree_new();
	char room[VMSND_CONF_TEXT_BYTES], *text = NULL;
	struct vmsnd_error error;

	if (node && !vmsnd_tree_from_text(node, "backend", parts->text, NULL, &error) &&
	    !vmsnd_leaf_set_bool(node, VMSND_RULES_LEAF, false) &&
	    vmsnd_tree_to_text(node, "backend", room, sizeof(room)))
		text = strdup(room);
	vmsnd_tree_free(node);
	if (!text)
		return VMSND_E_NOMEM;
	free(parts->text);
	parts->text = text;
	return VMSND_OK;
}

static enum vmsnd_rc change(struct vmsnd_machine *machine, const struct vmsnd_driver_place *place,
			    const char *text, enum change change, vmsnd_ns now)
{
	static const char *const did[] = {"attached", "changed", "detached"};
	struct hold hold;
	struct vmsnd_error error = {""};
	enum vmsnd_rc rc = hold_chain(machine, place->card, place->output, now, &hold);
	struct vmsnd_chain_parts *parts;

	if (rc)
		return rc;
	parts = &hold.output->now;
	rc = machine->rules ? keep_rules_off(parts) : VMSND_OK;
	if (!rc)
		rc = change_driver(parts->drivers, place->at, text, change, &error);
	if (!rc) {
		parts->injected = shifted(parts->injected, place->at, change);
		vmsnd_logf(vmsnd_machine_log(machine), VMSND_LOG_INFO,
			   "%s: output %u: driver %u%s%s: %s", hold.seat.card->name, place->output,
			   place->at, text ? " " : "", text ? text : "", did[change]);
	} else if (error.line[0]) {
		vmsnd_logf(vmsnd_machine_log(machine), VMSND_LOG_ERROR, "%s", error.line);
	}
	vmsnd_seat_leave(&hold.seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_driver_attach(struct vmsnd_machine *machine,
					  const struct vmsnd_driver_place *place,
					  const char *driver, vmsnd_ns now)
{
	return driver ? change(machine, place, driver, CHANGE_ATTACH, now) : VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_machine_driver_reattach(struct vmsnd_machine *machine,
					    const struct vmsnd_driver_place *place,
					    const char *driver, vmsnd_ns now)
{
	return driver ? change(machine, place, driver, CHANGE_REATTACH, now) : VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_machine_driver_detach(struct vmsnd_machine *machine,
					  const struct vmsnd_driver_place *place, vmsnd_ns now)
{
	return change(machine, place, NULL, CHANGE_DETACH, now);
}

/* ---- switches and volume ---- */

static void enable(struct vmsnd_card *card, enum vmsnd_dir dir, bool on, vmsnd_ns now)
{
	card->enabled[dir] = on;
	for (unsigned i = 0; i < card->n_ports; i++)
		if (vmsnd_card_port_dir(card, i) == dir)
			vmsnd_port_enable(card->ports[i].port, on, now);
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_INFO, "%s: %s is %s", card->name,
		   dir == VMSND_PLAYBACK ? "output" : "input", on ? "on" : "off");
}

enum vmsnd_rc vmsnd_machine_enable(struct vmsnd_machine *machine, unsigned card, enum vmsnd_dir dir,
				   bool on, vmsnd_ns now)
{
	struct vmsnd_seat seat;

	if (!is_dir(dir))
		return VMSND_E_INVALID;
	if (!vmsnd_seat_change(machine, card, now, &seat))
		return VMSND_E_NO_CARD;
	if (seat.card->enabled[dir] != on) /* DIR-03 */
		enable(seat.card, dir, on, seat.now);
	vmsnd_seat_leave(&seat);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_pause(struct vmsnd_machine *machine, unsigned card, bool on,
				  vmsnd_ns now)
{
	struct vmsnd_seat seat;

	if (!vmsnd_seat_change(machine, card, now, &seat))
		return VMSND_E_NO_CARD;
	seat.card->paused = on;
	vmsnd_card_stand(seat.card, seat.now);
	vmsnd_seat_leave(&seat);
	return VMSND_OK;
}

bool vmsnd_card_volume_fits(const struct vmsnd_volume *volume)
{
	if (volume->gain_mdb > VMSND_GAIN_MAX_MDB)
		return false;
	for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
		if (volume->channel_mdb[i] > VMSND_GAIN_MAX_MDB)
			return false;
	return true;
}

void vmsnd_card_volume(struct vmsnd_card *card, struct vmsnd_output *output, enum vmsnd_dir dir,
		       const struct vmsnd_volume *volume)
{
	output->volume[dir] = *volume;
	for (unsigned i = 0; i < output->n_units; i++) {
		struct vmsnd_unit *unit = &output->units[i];

		if (unit->lun && !unit->leaving && vmsnd_card_port_dir(card, i) == dir)
			vmsnd_lun_volume(unit->lun, volume);
	}
}

/* The ramp takes no time of the card's, so the card is not brought up to any. */
enum vmsnd_rc vmsnd_machine_volume(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   enum vmsnd_dir dir, const struct vmsnd_volume *volume)
{
	struct vmsnd_seat seat;
	struct vmsnd_output *found;

	if (!is_dir(dir) || !vmsnd_card_volume_fits(volume))
		return VMSND_E_INVALID;
	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	found = output < VMSND_OUTPUTS_MAX ? seat.card->outputs[output] : NULL;
	if (found)
		vmsnd_card_volume(seat.card, found, dir, volume);
	vmsnd_seat_leave(&seat);
	return found ? VMSND_OK : VMSND_E_NO_OUTPUT;
}

/* The first that went well, or why none did. */
static enum vmsnd_rc host_volume(const struct vmsnd_card *card, struct vmsnd_output *output,
				 enum vmsnd_dir dir, const struct vmsnd_host_volume *want)
{
	enum vmsnd_rc rc = VMSND_E_GONE, last;

	for (unsigned i = 0; i < output->n_units; i++) {
		struct vmsnd_unit *unit = &output->units[i];

		if (!unit->lun || unit->leaving || vmsnd_card_port_dir(card, i) != dir)
			continue;
		last = vmsnd_lun_host_volume(unit->lun, want);
		if (last == VMSND_OK || rc == VMSND_E_GONE)
			rc = last;
	}
	return rc;
}

static bool host_volume_fits(const struct vmsnd_host_volume *want)
{
	return (want->sets_gain || want->sets_mute) &&
	       (!want->sets_gain || want->gain_mdb <= VMSND_GAIN_MAX_MDB);
}

enum vmsnd_rc vmsnd_machine_host_volume(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir,
					const struct vmsnd_host_volume *want)
{
	struct vmsnd_seat seat;
	struct vmsnd_output *found;
	enum vmsnd_rc rc = VMSND_E_NO_OUTPUT;

	if (!is_dir(dir) || !host_volume_fits(want))
		return VMSND_E_INVALID;
	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	found = output < VMSND_OUTPUTS_MAX ? seat.card->outputs[output] : NULL;
	if (found && !found->now.host->cls->stream_volume_set)
		rc = VMSND_E_UNSUPPORTED;
	else if (found)
		rc = host_volume(seat.card, found, dir, want);
	vmsnd_seat_leave(&seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_tap(struct vmsnd_machine *machine, unsigned card,
				const struct vmsnd_tap_conf *tap, vmsnd_ns now)
{
	struct vmsnd_seat seat;
	unsigned first, n;
	enum vmsnd_rc rc = VMSND_E_INVALID;

	if (!is_dir(tap->dir) || (unsigned)tap->point >= VMSND_TAP_COUNT)
		return VMSND_E_INVALID;
	if (!vmsnd_seat_change(machine, card, now, &seat))
		return VMSND_E_NO_CARD;
	first = tap->dir == VMSND_PLAYBACK ? 0 : seat.card->n_playback;
	n = tap->dir == VMSND_PLAYBACK ? seat.card->n_playback
				       : seat.card->n_ports - seat.card->n_playback;
	if (tap->stream < n)
		rc =
		    vmsnd_card_tap(seat.card, first + tap->stream, tap->point, tap->path, seat.now);
	vmsnd_seat_leave(&seat);
	return rc;
}

/* ---- host devices ---- */

enum vmsnd_rc vmsnd_machine_host_refresh(struct vmsnd_machine *machine, unsigned card,
					 unsigned output, vmsnd_ns now)
{
	struct hold hold;
	enum vmsnd_rc rc = hold_output(machine, card, output, now, &hold);

	if (rc)
		return rc;
	rc = vmsnd_host_refresh(hold.output->now.host, hold.seat.now);
	if (!rc)
		vmsnd_card_tend(hold.seat.card, hold.seat.now);
	vmsnd_seat_leave(&hold.seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_host_ask(struct vmsnd_machine *machine, unsigned card, unsigned output,
				     vmsnd_ns now)
{
	struct hold hold;
	enum vmsnd_rc rc = hold_output(machine, card, output, now, &hold);

	if (rc)
		return rc;
	rc = vmsnd_host_ask(hold.output->now.host);
	vmsnd_seat_leave(&hold.seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_host_device(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir, const char *id,
					vmsnd_ns now)
{
	struct hold hold;
	enum vmsnd_rc rc;

	if (!is_dir(dir))
		return VMSND_E_INVALID;
	rc = hold_chain(machine, card, output, now, &hold);
	if (rc)
		return rc;
	rc = vmsnd_host_choose(hold.output->now.host, dir, id);
	if (!rc) {
		vmsnd_card_tend(hold.seat.card, hold.seat.now);
		rc = vmsnd_host_chosen(hold.output->now.host, dir);
	}
	vmsnd_seat_leave(&hold.seat);
	return rc;
}
