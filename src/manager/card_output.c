/* SPDX-License-Identifier: BSD-3-Clause */
/* The outputs of a card, while it runs: attached, put on the ports, taken off, let go.
 *
 * Nothing here waits. What cannot go at once, because a worker is still closing a stream, moves
 * to the card's list of those that leave and is looked at again when the lane comes by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "os/pages.h"

_Static_assert(VMSND_OUTPUTS_MAX + VMSND_TAP_COUNT == VMSND_PORT_LUNS_MAX, "taps come last");

/* How often those that leave are looked at; workers wake the lane, an audio thread does not. */
#define LEAVING_LOOK_NS UINT64_C(10000000)
#define ALIGNMENT       64u

/* ---- the two lists ---- */

/* Outputs by their number, then the taps: the order in which they move. */
static void put_live(struct vmsnd_card *card, struct vmsnd_output *output)
{
	struct vmsnd_output **at = &card->live;

	while (*at && (*at)->place <= output->place)
		at = &(*at)->next;
	output->next = *at;
	*at = output;
}

static void take_live(struct vmsnd_card *card, const struct vmsnd_output *output)
{
	struct vmsnd_output **at = &card->live;

	while (*at != output)
		at = &(*at)->next;
	*at = output->next;
}

/* ---- units ---- */

/* Which way a unit's host stream goes: a tap writes down what is recorded, too. */
static enum vmsnd_dir stream_dir(const struct vmsnd_card *card, const struct vmsnd_output *output,
				 unsigned port)
{
	return output->role == VMSND_LUN_NORMAL ? vmsnd_card_port_dir(card, port) : VMSND_PLAYBACK;
}

bool vmsnd_card_unit_belongs(const struct vmsnd_card *card, const struct vmsnd_output *output,
			     const struct vmsnd_chain_parts *parts, unsigned port)
{
	enum vmsnd_dir dir = stream_dir(card, output, port);

	if (output->role != VMSND_LUN_NORMAL && port != output->only)
		return false;
	if (output->role == VMSND_LUN_NORMAL &&
	    !(card->ports[port].plan.outputs >> output->place & 1))
		return false;
	return parts->conf.dirs[dir] && vmsnd_host_goes(parts->host, dir);
}

/* Which unit of a port it is: unit 0 sets the pace, so the lowest output of a stream's plan
 * changes places with it. */
static unsigned unit_of(const struct vmsnd_card *card, const struct vmsnd_output *output,
			unsigned port)
{
	uint32_t outputs = card->ports[port].plan.outputs;
	unsigned first = 0;

	if (output->role != VMSND_LUN_NORMAL || outputs == 0)
		return output->place;
	while (!(outputs >> first & 1))
		first++;
	if (output->place == first)
		return 0;
	return output->place == 0 ? first : output->place;
}

static bool belongs(const struct vmsnd_card *card, const struct vmsnd_output *output, unsigned port)
{
	return vmsnd_card_unit_belongs(card, output, &output->now, port);
}

static void unit_free(struct vmsnd_unit *unit)
{
	vmsnd_pages_unmap(unit->lun, unit->bytes);
	*unit = (struct vmsnd_unit){.well = VMSND_NEVER};
}

static struct vmsnd_backend *backend_of(const struct vmsnd_output *output)
{
	return vmsnd_card_chain_backend(&output->now);
}

enum vmsnd_rc vmsnd_card_unit_add(struct vmsnd_card *card, struct vmsnd_output *output,
				  unsigned port, vmsnd_ns now)
{
	enum vmsnd_dir dir = vmsnd_card_port_dir(card, port);
	struct vmsnd_unit *unit = &output->units[port];
	uint32_t ring_bytes = card->ports[port].plan.ring_bytes;
	unsigned at = unit_of(card, output, port);
	struct vmsnd_lun_conf conf = {.role = output->role,
				      .mixer_bit = output->place,
				      .backend = output->now.host->cls,
				      .host = backend_of(output),
				      .prefs = output->now.conf.prefs,
				      .volume = output->volume[dir]};
	size_t own = (vmsnd_lun_footprint() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	if (output->now.drivers)
		conf.insert = vmsnd_drivers_insert(output->now.drivers, port);
	unit->bytes = own + (at > 0 ? ring_bytes : 0);
	unit->lun = vmsnd_pages_map(unit->bytes);
	if (at > 0)
		conf.ring_storage = (char *)unit->lun + own;
	if (unit->lun)
		rc = vmsnd_port_add(card->ports[port].port, at, unit->lun, &conf, now);
	if (rc)
		unit_free(unit);
	return rc;
}

void vmsnd_card_unit_remove(struct vmsnd_card *card, struct vmsnd_output *output, unsigned port,
			    vmsnd_ns now)
{
	struct vmsnd_unit *unit = &output->units[port];

	if (!unit->lun || unit->leaving)
		return;
	vmsnd_port_remove(card->ports[port].port, unit_of(card, output, port), now);
	unit->leaving = true;
}

static enum vmsnd_rc add_units(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	enum vmsnd_rc rc = VMSND_OK;

	for (unsigned i = 0; !rc && i < output->n_units; i++)
		if (belongs(card, output, i))
			rc = vmsnd_card_unit_add(card, output, i, now);
	if (rc)
		vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_ERROR,
			   "%s: there is no memory for another output", card->name);
	return rc;
}

/* ---- what a backend's events ask for ---- */

/* It is there, maybe again, and says only now which ways it goes. */
static void came(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	for (unsigned i = 0; i < output->n_units; i++) {
		struct vmsnd_unit *unit = &output->units[i];

		if (!belongs(card, output, i))
			vmsnd_card_unit_remove(card, output, i, now);
		else if (!unit->lun)
			vmsnd_card_unit_add(card, output, i, now);
		else if (!unit->leaving)
			vmsnd_lun_attach(unit->lun, output->now.host->backend, now);
	}
}

static void each_unit(struct vmsnd_output *output, void (*what)(struct vmsnd_lun *, vmsnd_ns),
		      vmsnd_ns now)
{
	for (unsigned i = 0; i < output->n_units; i++)
		if (output->units[i].lun && !output->units[i].leaving)
			what(output->units[i].lun, now);
}

static void release(struct vmsnd_lun *lun, vmsnd_ns now)
{
	vmsnd_lun_attach(lun, NULL, now);
}

static void reopen(struct vmsnd_card *card, struct vmsnd_output *output, enum vmsnd_dir dir,
		   vmsnd_ns now)
{
	for (unsigned i = 0; i < output->n_units; i++)
		if (output->units[i].lun && !output->units[i].leaving &&
		    stream_dir(card, output, i) == dir)
			vmsnd_lun_reopen(output->units[i].lun, now);
}

static void take_events(struct vmsnd_card *card, struct vmsnd_output *output, unsigned events,
			vmsnd_ns now)
{
	if (events & VMSND_HOST_CAME)
		came(card, output, now);
	if (events & VMSND_HOST_REOPEN_PLAYBACK)
		reopen(card, output, VMSND_PLAYBACK, now);
	if (events & VMSND_HOST_REOPEN_CAPTURE)
		reopen(card, output, VMSND_CAPTURE, now);
	if (events & VMSND_HOST_RETRY)
		each_unit(output, vmsnd_lun_retry, now);
	if (events & VMSND_HOST_DEVICES)
		vmsnd_machine_tell_changed(card->machine);
	if (events & VMSND_HOST_RELEASE)
		each_unit(output, release, now);
}

/* Frees units that have gone; false while one may still use the backend. */
static bool all_off(struct vmsnd_output *output)
{
	bool off = true;

	for (unsigned i = 0; i < output->n_units; i++) {
		struct vmsnd_unit *unit = &output->units[i];

		if (!unit->lun)
			continue;
		if (!unit->leaving)
			off &= vmsnd_lun_detached(unit->lun);
		else if (vmsnd_lun_gone(unit->lun))
			unit_free(unit);
		else
			off = false;
	}
	return off;
}

static bool any_leaves(const struct vmsnd_output *output)
{
	for (unsigned i = 0; i < output->n_units; i++)
		if (output->units[i].leaving)
			return true;
	return false;
}

/* Drivers that were taken out may still be under way in an audio thread. */
static bool drivers_leave(struct vmsnd_output *output)
{
	return output->now.drivers && !vmsnd_drivers_tend(output->now.drivers);
}

static vmsnd_ns tend(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	struct vmsnd_host *host = output->now.host;
	enum vmsnd_host_phase before;
	vmsnd_ns next;
	bool leaves;

	do {
		before = host->phase;
		take_events(card, output, vmsnd_host_advance(host, now, &next), now);
		if (host->phase == VMSND_HOSTING_RELEASING && all_off(output))
			vmsnd_host_released(host);
	} while (host->phase != before);
	if (any_leaves(output))
		all_off(output);
	leaves = drivers_leave(output) || any_leaves(output);
	if (leaves || host->phase == VMSND_HOSTING_RELEASING)
		next = now + LEAVING_LOOK_NS < next ? now + LEAVING_LOOK_NS : next;
	return next;
}

static void output_free(struct vmsnd_output *output)
{
	vmsnd_card_chain_free(&output->now);
	free(output);
}

/* True once it was freed. */
static bool output_gone(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	if (output->now.host->phase != VMSND_HOSTING_CLOSED || !all_off(output) ||
	    any_leaves(output) || !vmsnd_card_reattach_gone(card, output, now))
		return false;
	output_free(output);
	return true;
}

static vmsnd_ns tend_leaving(struct vmsnd_card *card, vmsnd_ns now)
{
	struct vmsnd_output **at = &card->leaving;

	while (*at) {
		struct vmsnd_output *next = (*at)->next;

		tend(card, *at, now);
		if (output_gone(card, *at, now))
			*at = next;
		else
			at = &(*at)->next;
	}
	return card->leaving ? now + LEAVING_LOOK_NS : VMSND_NEVER;
}

vmsnd_ns vmsnd_card_tend(struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_ns next = card->leaving ? tend_leaving(card, now) : VMSND_NEVER;

	for (struct vmsnd_output *output = card->live; output; output = output->next) {
		vmsnd_ns due = tend(card, output, now);

		if (due < next)
			next = due;
		due = vmsnd_card_reattach_tend(card, output, now);
		if (due < next)
			next = due;
	}
	return next;
}

static vmsnd_ns move(const struct vmsnd_chain_parts *parts, vmsnd_ns now)
{
	struct vmsnd_backend *backend = vmsnd_card_chain_backend(parts);

	return backend && parts->host->cls->advance ? parts->host->cls->advance(backend, now)
						    : VMSND_NEVER;
}

vmsnd_ns vmsnd_card_move(struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	for (struct vmsnd_output *output = card->live; output; output = output->next) {
		vmsnd_ns due = move(&output->now, now);

		if (due < next)
			next = due;
		if (output->fresh.host)
			move(&output->fresh, now);
	}
	return next;
}

/* ---- attach and detach ---- */

static enum vmsnd_rc fail(const struct vmsnd_card *card, enum vmsnd_rc rc, const char *line)
{
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_ERROR, "%s", line);
	return rc;
}

/* Takes the units off and closes the backend, as far as it goes at once. */
static void let_go(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	vmsnd_card_reattach_stop(card, output, now);
	for (unsigned i = 0; i < output->n_units; i++)
		vmsnd_card_unit_remove(card, output, i, now);
	if (!output->now.host) { /* it did not come so far */
		output_free(output);
		return;
	}
	vmsnd_card_chain_leave(&output->now);
	vmsnd_host_stop(output->now.host);
	output->next = card->leaving;
	card->leaving = output;
	tend_leaving(card, now);
	vmsnd_card_touch(card);
}

static struct vmsnd_output *make(const struct vmsnd_card *card, unsigned place)
{
	struct vmsnd_output *output =
	    calloc(1, sizeof(*output) + card->n_ports * sizeof(output->units[0]));

	if (!output) {
		fail(card, VMSND_E_NOMEM, "out of memory for an output");
		return NULL;
	}
	output->place = place;
	output->n_units = card->n_ports;
	for (unsigned i = 0; i < output->n_units; i++)
		output->units[i].well = VMSND_NEVER;
	return output;
}

/* Its chain has been made; the backend is opened, and the units put on it. */
static enum vmsnd_rc begin(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	enum vmsnd_rc rc = vmsnd_host_open(output->now.host, now);
	vmsnd_ns next;

	if (rc) {
		output_free(output);
		return rc;
	}
	output->volume[VMSND_PLAYBACK] = output->volume[VMSND_CAPTURE] = output->now.conf.volume;
	/* It may be there already; then the units begin with it, and only where it goes. */
	vmsnd_host_advance(output->now.host, now, &next);
	/* Somebody waits for the answer, and for no server. */
	if (output->role != VMSND_LUN_NORMAL && !backend_of(output))
		rc = VMSND_E_GONE;
	if (!rc)
		rc = add_units(card, output, now);
	if (rc)
		let_go(card, output, now);
	vmsnd_card_touch(card);
	return rc;
}

static enum vmsnd_rc choose_place(const struct vmsnd_card *card, unsigned *number)
{
	if (*number == VMSND_OUTPUTS_MAX)
		for (*number = 0; *number < VMSND_OUTPUTS_MAX && card->outputs[*number];)
			++*number;
	if (*number >= VMSND_OUTPUTS_MAX)
		return fail(card, VMSND_E_LIMIT, "a card has at most 8 backends at a time");
	if (card->outputs[*number])
		return fail(card, VMSND_E_EXISTS, "the card has an output of this number already");
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_card_attach_node(struct vmsnd_card *card, const struct vmsnd_node *node,
				     vmsnd_ns now, unsigned *number)
{
	enum vmsnd_rc rc = choose_place(card, number);
	struct vmsnd_output *output;

	if (rc)
		return rc;
	output = make(card, *number);
	if (!output)
		return VMSND_E_NOMEM;
	rc = vmsnd_card_chain_make(card, *number, node, &output->now);
	if (rc) {
		free(output);
		return rc;
	}
	rc = begin(card, output, now);
	if (rc)
		return rc;
	card->outputs[*number] = output;
	put_live(card, output);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_card_attach(struct vmsnd_card *card, const struct vmsnd_chain_conf *chain,
				vmsnd_ns now, unsigned *number)
{
	struct vmsnd_node *node = vmsnd_tree_new();
	struct vmsnd_error error = {"out of memory for an output"};
	enum vmsnd_rc rc = node ? vmsnd_card_chain_write(node, chain, 0, &error) : VMSND_E_NOMEM;

	if (rc)
		fail(card, rc, error.line);
	else
		rc = vmsnd_card_attach_node(card, node, now, number);
	vmsnd_tree_free(node);
	return rc;
}

void vmsnd_card_detach(struct vmsnd_card *card, struct vmsnd_output **output, vmsnd_ns now)
{
	struct vmsnd_output *gone = *output;

	*output = NULL;
	if (!gone)
		return;
	take_live(card, gone);
	let_go(card, gone, now);
}

/* ---- taps ---- */

/* "device tap of playback0" */
static void tap_name(const struct vmsnd_card *card, unsigned port, enum vmsnd_tap point,
		     char name[32])
{
	bool playback = vmsnd_card_port_dir(card, port) == VMSND_PLAYBACK;

	snprintf(name, 32, "%s tap of %s%u", point == VMSND_TAP_DEVICE ? "device" : "host",
		 playback ? "playback" : "capture", playback ? port : port - card->n_playback);
}

static void tap_off(struct vmsnd_card *card, struct vmsnd_output **tap, const char *what,
		    vmsnd_ns now)
{
	if (!*tap)
		return;
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_INFO, "%s: %s is off: '%s'",
		   card->name, what, (*tap)->now.text);
	vmsnd_card_detach(card, tap, now);
}

enum vmsnd_rc vmsnd_card_tap(struct vmsnd_card *card, unsigned port, enum vmsnd_tap point,
			     const char *path, vmsnd_ns now)
{
	struct vmsnd_output **tap = &card->ports[port].taps[point], *output;
	char what[32];
	enum vmsnd_rc rc;

	tap_name(card, port, point, what);
	tap_off(card, tap, what, now);
	if (!path)
		return VMSND_OK;
	output = make(card, VMSND_OUTPUTS_MAX + (unsigned)point);
	if (!output)
		return VMSND_E_NOMEM;
	output->role = point == VMSND_TAP_DEVICE ? VMSND_LUN_TAP_DEVICE : VMSND_LUN_TAP_HOST;
	output->only = port;
	rc = vmsnd_card_tap_make(card, path, what, &output->now);
	if (rc) {
		free(output);
		return rc;
	}
	rc = begin(card, output, now);
	if (rc)
		return rc;
	*tap = output;
	put_live(card, output);
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_INFO, "%s: %s writes '%s'",
		   card->name, what, path);
	return VMSND_OK;
}
