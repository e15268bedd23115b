/* SPDX-License-Identifier: BSD-3-Clause */
/* The backends of a card, while it runs: attached, put on the ports, taken off, let go.
 *
 * Nothing here waits. What cannot go at once, because a worker is still closing a stream, moves
 * to the card's list of those that leave and is looked at again when the lane comes by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"

_Static_assert(VMSND_OUTPUTS_MAX + VMSND_TAP_COUNT == VMSND_PORT_LUNS_MAX, "taps come last");

#define ERROR_BYTES 400u
/* How often those that leave are looked at; workers wake the lane, an audio thread does not. */
#define LEAVING_LOOK_NS UINT64_C(10000000)

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

static bool belongs(const struct vmsnd_card *card, const struct vmsnd_output *output, unsigned port)
{
	enum vmsnd_dir dir = stream_dir(card, output, port);

	if (output->role != VMSND_LUN_NORMAL && port != output->only)
		return false;
	return output->conf.dirs[dir] && vmsnd_host_goes(output->host, dir);
}

static void unit_free(struct vmsnd_unit *unit)
{
	free(unit->lun_block);
	free(unit->ring_block);
	*unit = (struct vmsnd_unit){.well = VMSND_NEVER};
}

static struct vmsnd_backend *backend_of(const struct vmsnd_output *output)
{
	return output->host->phase == VMSND_HOSTING_OPEN ? output->host->backend : NULL;
}

static enum vmsnd_rc unit_add(struct vmsnd_card *card, struct vmsnd_output *output, unsigned port,
			      vmsnd_ns now)
{
	enum vmsnd_dir dir = vmsnd_card_port_dir(card, port);
	struct vmsnd_unit *unit = &output->units[port];
	struct vmsnd_lun_conf conf = {.role = output->role,
				      .backend = output->host->cls,
				      .host = backend_of(output),
				      .prefs = output->conf.prefs,
				      .volume = output->volume[dir]};
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	unit->lun = vmsnd_card_zeroed(vmsnd_lun_footprint(), &unit->lun_block);
	if (output->place > 0)
		conf.ring_storage = vmsnd_card_zeroed(VMSND_PORT_RING_BYTES, &unit->ring_block);
	if (unit->lun && (output->place == 0 || conf.ring_storage))
		rc = vmsnd_port_add(card->ports[port].port, output->place, unit->lun, &conf, now);
	if (rc)
		unit_free(unit);
	return rc;
}

static void unit_remove(struct vmsnd_card *card, struct vmsnd_output *output, unsigned port,
			vmsnd_ns now)
{
	struct vmsnd_unit *unit = &output->units[port];

	if (!unit->lun || unit->leaving)
		return;
	vmsnd_port_remove(card->ports[port].port, output->place, now);
	unit->leaving = true;
}

static enum vmsnd_rc add_units(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	enum vmsnd_rc rc = VMSND_OK;

	for (unsigned i = 0; !rc && i < output->n_units; i++)
		if (belongs(card, output, i))
			rc = unit_add(card, output, i, now);
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
			unit_remove(card, output, i, now);
		else if (!unit->lun)
			unit_add(card, output, i, now);
		else if (!unit->leaving)
			vmsnd_lun_attach(unit->lun, output->host->backend, now);
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

static vmsnd_ns tend(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	enum vmsnd_host_phase before;
	vmsnd_ns next;

	do {
		before = output->host->phase;
		take_events(card, output, vmsnd_host_advance(output->host, now, &next), now);
		if (output->host->phase == VMSND_HOSTING_RELEASING && all_off(output))
			vmsnd_host_released(output->host);
	} while (output->host->phase != before);
	if (any_leaves(output))
		all_off(output);
	if (any_leaves(output) || output->host->phase == VMSND_HOSTING_RELEASING)
		next = now + LEAVING_LOOK_NS < next ? now + LEAVING_LOOK_NS : next;
	return next;
}

static void output_free(struct vmsnd_output *output)
{
	free(output->text);
	free(output);
}

/* True once it was freed. */
static bool output_gone(struct vmsnd_output *output)
{
	if (output->host->phase != VMSND_HOSTING_CLOSED || !all_off(output))
		return false;
	vmsnd_host_free(output->host);
	output_free(output);
	return true;
}

static vmsnd_ns tend_leaving(struct vmsnd_card *card, vmsnd_ns now)
{
	struct vmsnd_output **at = &card->leaving;

	while (*at) {
		struct vmsnd_output *next = (*at)->next;

		tend(card, *at, now);
		if (output_gone(*at))
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
	}
	return next;
}

vmsnd_ns vmsnd_card_move(struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	for (struct vmsnd_output *output = card->live; output; output = output->next) {
		struct vmsnd_backend *backend = backend_of(output);
		vmsnd_ns due;

		if (!backend || !output->host->cls->advance)
			continue;
		due = output->host->cls->advance(backend, now);
		if (due < next)
			next = due;
	}
	return next;
}

/* ---- attach and detach ---- */

static enum vmsnd_rc fail(const struct vmsnd_card *card, enum vmsnd_rc rc, const char *line)
{
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_ERROR, "%s", line);
	return rc;
}

static enum vmsnd_rc open_host(struct vmsnd_card *card, struct vmsnd_output *output,
			       const char *text, const char *what, vmsnd_ns now)
{
	char error[ERROR_BYTES], name[64];
	size_t length = strcspn(text, ",");
	struct vmsnd_host_conf conf = {.env = vmsnd_machine_env(card->machine),
				       .log = vmsnd_machine_log(card->machine),
				       .options = text[length] ? text + length + 1 : "",
				       .card = card->name,
				       .what = what};
	enum vmsnd_rc rc;

	snprintf(name, sizeof(name), "%.*s", (int)length, text);
	conf.cls = vmsnd_machine_backend(card->machine, name);
	if (!conf.cls) {
		snprintf(error, sizeof(error),
			 "there is no backend '%s'; 'vmsnd backends' lists them", name);
		return fail(card, VMSND_E_INVALID, error);
	}
	rc = vmsnd_host_make(&conf, &output->host);
	if (rc)
		return rc;
	if (vmsnd_output_take(&output->conf, &output->host->conf, name, error, sizeof(error)))
		rc = fail(card, VMSND_E_INVALID, error);
	output->volume[VMSND_PLAYBACK] = output->volume[VMSND_CAPTURE] = output->conf.volume;
	if (!rc)
		rc = vmsnd_host_open(output->host, now);
	if (rc) {
		vmsnd_host_free(output->host);
		output->host = NULL;
	}
	return rc;
}

/* Takes the units off and closes the backend, as far as it goes at once. */
static void let_go(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	for (unsigned i = 0; i < output->n_units; i++)
		unit_remove(card, output, i, now);
	if (!output->host) { /* it did not come so far */
		output_free(output);
		return;
	}
	vmsnd_host_stop(output->host);
	output->next = card->leaving;
	card->leaving = output;
	tend_leaving(card, now);
	card->touched = true;
}

static struct vmsnd_output *make(const struct vmsnd_card *card, unsigned place, const char *text)
{
	struct vmsnd_output *output =
	    calloc(1, sizeof(*output) + card->n_ports * sizeof(output->units[0]));

	if (output)
		output->text = strdup(text);
	if (!output || !output->text) {
		free(output);
		fail(card, VMSND_E_NOMEM, "out of memory for an output");
		return NULL;
	}
	output->place = place;
	output->n_units = card->n_ports;
	for (unsigned i = 0; i < output->n_units; i++)
		output->units[i].well = VMSND_NEVER;
	return output;
}

static enum vmsnd_rc begin(struct vmsnd_card *card, struct vmsnd_output *output, const char *text,
			   const char *what, vmsnd_ns now)
{
	enum vmsnd_rc rc = open_host(card, output, text, what, now);
	vmsnd_ns next;

	/* It may be there already; then the units begin with it, and only where it goes. */
	if (!rc)
		vmsnd_host_advance(output->host, now, &next);
	/* Somebody waits for the answer, and for no server. */
	if (!rc && output->role != VMSND_LUN_NORMAL && !backend_of(output))
		rc = VMSND_E_GONE;
	if (!rc)
		rc = add_units(card, output, now);
	if (rc)
		let_go(card, output, now);
	card->touched = true;
	return rc;
}

enum vmsnd_rc vmsnd_card_attach(struct vmsnd_card *card, const char *text, vmsnd_ns now,
				unsigned *number)
{
	struct vmsnd_output *output;
	unsigned free_place = 0;
	char what[32];
	enum vmsnd_rc rc;

	while (free_place < VMSND_OUTPUTS_MAX && card->outputs[free_place])
		free_place++;
	if (free_place == VMSND_OUTPUTS_MAX)
		return fail(card, VMSND_E_INVALID, "a card has at most 8 backends at a time");
	output = make(card, free_place, text);
	if (!output)
		return VMSND_E_NOMEM;
	snprintf(what, sizeof(what), "output %u", free_place);
	rc = begin(card, output, text, what, now);
	if (rc)
		return rc;
	card->outputs[free_place] = output;
	put_live(card, output);
	*number = free_place;
	return VMSND_OK;
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

/* A comma inside an option's value is written twice. */
static bool tap_text(const char *path, char *text, size_t bytes)
{
	size_t at = (size_t)snprintf(text, bytes, "file,path=");

	for (; *path && at + 3 < bytes; path++) {
		if (*path == ',')
			text[at++] = ',';
		text[at++] = *path;
	}
	text[at] = '\0';
	return !*path;
}

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
		   card->name, what, (*tap)->text);
	vmsnd_card_detach(card, tap, now);
}

enum vmsnd_rc vmsnd_card_tap(struct vmsnd_card *card, unsigned port, enum vmsnd_tap point,
			     const char *path, vmsnd_ns now)
{
	struct vmsnd_output **tap = &card->ports[port].taps[point], *output;
	char text[VMSND_CONF_TEXT_BYTES], what[32];
	enum vmsnd_rc rc;

	tap_name(card, port, point, what);
	tap_off(card, tap, what, now);
	if (!path)
		return VMSND_OK;
	if (!tap_text(path, text, sizeof(text)))
		return fail(card, VMSND_E_INVALID, "the path of the tap is too long");
	output = make(card, VMSND_OUTPUTS_MAX + (unsigned)point, path);
	if (!output)
		return VMSND_E_NOMEM;
	output->role = point == VMSND_TAP_DEVICE ? VMSND_LUN_TAP_DEVICE : VMSND_LUN_TAP_HOST;
	output->only = port;
	rc = begin(card, output, text, what, now);
	if (rc)
		return rc;
	*tap = output;
	put_live(card, output);
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_INFO, "%s: %s writes '%s'",
		   card->name, what, path);
	return VMSND_OK;
}
