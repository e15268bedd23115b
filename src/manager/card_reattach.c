/* SPDX-License-Identifier: BSD-3-Clause */
/* Another chain in the place of one that plays: made and opened first, changed over to in one call,
 * the old one closed last (DM-73). Whatever fails before the change leaves the old one playing.
 *
 * An output has at most three chains: `now`, `fresh` that is to come, and `old`, whose streams, or
 * those opened in vain, are still being closed. No thread waits for any of it. */
#include "manager/card.h"
#include "manager/machine.h"

#define LOOK_NS UINT64_C(10000000)

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static bool stays(const struct vmsnd_unit *unit)
{
	return unit->lun && !unit->leaving;
}

/* ---- the old one, or one that came in vain ---- */

static bool closable(const struct vmsnd_output *output)
{
	for (unsigned i = 0; i < output->n_units; i++) {
		const struct vmsnd_unit *unit = &output->units[i];

		if (unit->lun && (unit->leaving || !vmsnd_lun_next_over(unit->lun)))
			return false;
	}
	return true;
}

static vmsnd_ns close_old(struct vmsnd_output *output, vmsnd_ns now)
{
	struct vmsnd_host *host = output->old.host;
	enum vmsnd_host_phase before;
	vmsnd_ns next;

	if (!closable(output))
		return now + LOOK_NS;
	vmsnd_host_stop(host);
	do {
		before = host->phase;
		vmsnd_host_advance(host, now, &next);
		if (host->phase == VMSND_HOSTING_RELEASING)
			vmsnd_host_released(host);
	} while (host->phase != before);
	if (host->phase != VMSND_HOSTING_CLOSED)
		return earlier(next, now + LOOK_NS);
	vmsnd_card_chain_free(&output->old);
	return VMSND_NEVER;
}

static void give_up(struct vmsnd_card *card, struct vmsnd_output *output, enum vmsnd_rc why,
		    vmsnd_ns now)
{
	for (unsigned i = 0; i < output->n_units; i++)
		if (stays(&output->units[i]) &&
		    vmsnd_lun_next_state(output->units[i].lun) != VMSND_NEXT_NONE)
			vmsnd_lun_next_drop(output->units[i].lun, now);
	output->old = output->fresh;
	vmsnd_card_chain_leave(&output->old);
	output->fresh = (struct vmsnd_chain_parts){0};
	output->reattach.rc = why;
	vmsnd_machine_tell_changed(card->machine);
}

/* ---- the change ---- */

static void take_volume(struct vmsnd_card *card, struct vmsnd_output *output)
{
	const struct vmsnd_conf *conf = &output->now.host->conf;

	if (!vmsnd_conf_given(conf, "volume") && !vmsnd_conf_given(conf, "mute"))
		return;
	output->volume[VMSND_PLAYBACK] = output->volume[VMSND_CAPTURE] = output->now.conf.volume;
	for (unsigned i = 0; i < output->n_units; i++)
		if (stays(&output->units[i]))
			vmsnd_lun_volume(output->units[i].lun, &output->now.conf.volume);
}

static void change_over(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	for (unsigned i = 0; i < output->n_units; i++) {
		if (!stays(&output->units[i]))
			continue;
		if (vmsnd_card_unit_belongs(card, output, &output->fresh, i))
			vmsnd_lun_change_over(output->units[i].lun, now);
		else
			vmsnd_card_unit_remove(card, output, i, now);
	}
	output->old = output->now;
	vmsnd_card_chain_leave(&output->old);
	output->now = output->fresh;
	output->fresh = (struct vmsnd_chain_parts){0};
	output->now.host->trial = false;
	for (unsigned i = 0; i < output->n_units; i++)
		if (!output->units[i].lun && vmsnd_card_unit_belongs(card, output, &output->now, i))
			vmsnd_card_unit_add(card, output, i, now);
	take_volume(card, output);
	output->reattach.rc = VMSND_OK;
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_INFO,
		   "%s: output %u (%s): took the place of %s", card->name, output->place,
		   output->now.host->cls->name, output->old.host->cls->name);
	vmsnd_card_touch(card);
	vmsnd_machine_tell_changed(card->machine);
}

/* ---- on the way there ---- */

static void ask(struct vmsnd_output *output, unsigned port, vmsnd_ns now)
{
	struct vmsnd_lun_next_conf conf = {.backend = output->fresh.host->cls,
					   .host = vmsnd_card_chain_backend(&output->fresh),
					   .insert =
					       vmsnd_drivers_insert(output->fresh.drivers, port),
					   .prefs = output->fresh.conf.prefs};

	vmsnd_lun_next(output->units[port].lun, &conf, now);
}

/* Of all units together: the worst; NONE stands for nothing to wait for. */
static enum vmsnd_lun_next ask_all(struct vmsnd_card *card, struct vmsnd_output *output,
				   vmsnd_ns now)
{
	enum vmsnd_lun_next all = VMSND_NEXT_READY;

	for (unsigned i = 0; i < output->n_units; i++) {
		enum vmsnd_lun_next state;

		if (!stays(&output->units[i]) ||
		    !vmsnd_card_unit_belongs(card, output, &output->fresh, i))
			continue;
		if (vmsnd_lun_next_state(output->units[i].lun) == VMSND_NEXT_NONE)
			ask(output, i, now);
		state = vmsnd_lun_next_state(output->units[i].lun);
		if (state == VMSND_NEXT_FAILED)
			return state;
		if (state == VMSND_NEXT_OPENING)
			all = state;
	}
	return all;
}

static void fail(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_WARNING,
		   "%s: output %u: %s cannot be opened; it stays with %s", card->name,
		   output->place, output->fresh.host->cls->name, output->now.host->cls->name);
	give_up(card, output, VMSND_E_GONE, now);
}

static vmsnd_ns go_on(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	struct vmsnd_host *host = output->fresh.host;
	enum vmsnd_lun_next state = VMSND_NEXT_OPENING;
	vmsnd_ns next;

	vmsnd_host_advance(host, now, &next);
	if (host->phase == VMSND_HOSTING_OPEN)
		state = ask_all(card, output, now);
	else if (host->phase != VMSND_HOSTING_OPENING)
		state = VMSND_NEXT_FAILED;
	if (state == VMSND_NEXT_FAILED)
		fail(card, output, now);
	else if (state == VMSND_NEXT_READY)
		change_over(card, output, now);
	else
		return earlier(next, now + LOOK_NS);
	return now;
}

vmsnd_ns vmsnd_card_reattach_tend(struct vmsnd_card *card, struct vmsnd_output *output,
				  vmsnd_ns now)
{
	if (output->fresh.host)
		return go_on(card, output, now);
	return output->old.host ? close_old(output, now) : VMSND_NEVER;
}

enum vmsnd_rc vmsnd_card_reattach(struct vmsnd_card *card, struct vmsnd_output *output,
				  const struct vmsnd_chain_conf *chain, vmsnd_ns now)
{
	struct vmsnd_node *node;
	struct vmsnd_error error = {"out of memory for an output"};
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	if (output->fresh.host || output->old.host)
		return VMSND_E_AGAIN;
	node = vmsnd_tree_new();
	if (node)
		rc = vmsnd_card_chain_write(node, chain, 0, &error);
	if (rc)
		vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_ERROR, "%s", error.line);
	else
		rc = vmsnd_card_chain_make(card, output->place, node, &output->fresh);
	vmsnd_tree_free(node);
	if (rc)
		return rc;
	output->fresh.host->trial = true;
	rc = vmsnd_host_open(output->fresh.host, now);
	if (rc) {
		vmsnd_card_chain_free(&output->fresh);
		return rc;
	}
	output->reattach_before = output->reattach;
	output->reattach = (struct vmsnd_reattach_end){
	    atomic_fetch_add(&card->machine->reattaches, 1) + 1, VMSND_E_AGAIN};
	vmsnd_card_reattach_tend(card, output, now);
	return VMSND_OK;
}

void vmsnd_card_reattach_stop(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	if (output->fresh.host)
		give_up(card, output, VMSND_E_NO_OUTPUT, now);
}

bool vmsnd_card_reattach_gone(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	if (output->old.host)
		close_old(output, now);
	return !output->old.host;
}
