/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be read of a card while it runs: each stream on each output. */
#include <stdio.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"

/* While the backend itself is not there its streams cannot be anything else. */
static enum vmsnd_host_state host_state(const struct vmsnd_output *output,
					const struct vmsnd_lun_status *from)
{
	if (output->now.host->phase == VMSND_HOSTING_OPENING)
		return VMSND_HOST_OPENING;
	if (output->now.host->phase == VMSND_HOSTING_WAITING ||
	    output->now.host->phase == VMSND_HOSTING_FAILED)
		return VMSND_HOST_LOST;
	return from->host;
}

/* Newest first. */
static void copy_changes(struct vmsnd_stream_status *to, const struct vmsnd_lun_status *from)
{
	_Static_assert(sizeof(to->changes) / sizeof(to->changes[0]) == VMSND_LUN_CHANGES_MAX,
		       "all that is kept can be read");

	to->n_changes =
	    from->n_changes < VMSND_LUN_CHANGES_MAX ? from->n_changes : VMSND_LUN_CHANGES_MAX;
	for (unsigned i = 0; i < to->n_changes; i++) {
		const struct vmsnd_lun_change *change =
		    &from->changes[(from->n_changes - 1 - i) % VMSND_LUN_CHANGES_MAX];

		to->changes[i].when = change->when;
		to->changes[i].to = vmsnd_host_state_name((enum vmsnd_host_state)change->to);
	}
}

static void copy_figures(struct vmsnd_stream_status *to, const struct vmsnd_lun_status *from)
{
	to->host_format = from->format;
	to->exact = from->exact;
	to->frames_in = from->frames_in;
	to->frames_out = from->frames_out;
	to->dropped_frames = from->dropped_frames;
	to->silence_frames = from->silence_frames;
	to->xruns = from->xruns;
	to->xrun_frames = from->xrun_frames;
	to->fill_frames = from->fill_frames;
	to->latency_ns = from->latency_ns;
	to->latency_min_ns = from->latency_min_ns;
	to->latency_max_ns = from->latency_max_ns;
	to->drift_ppm = from->drift_ppm;
	to->bend_ppm = from->bend_ppm;
	to->opens = from->opens;
	to->losses = from->losses;
}

static void fill_in(const struct vmsnd_card *card, const struct vmsnd_output *output, unsigned port,
		    struct vmsnd_stream_status *out)
{
	enum vmsnd_dir dir = vmsnd_card_port_dir(card, port);
	struct vmsnd_stream_params params;
	struct vmsnd_lun_status status;

	vmsnd_lun_status(output->units[port].lun, &status);
	memset(out, 0, sizeof(*out));
	out->dir = dir;
	out->stream = dir == VMSND_PLAYBACK ? port : port - card->n_playback;
	out->output = output->place;
	out->backend = output->now.host->cls->name;
	out->host = vmsnd_host_state_name(host_state(output, &status));
	out->state = dir == VMSND_PLAYBACK ? vmsnd_play_state_name(status.play)
					   : vmsnd_capture_state_name(status.capture);
	out->volume = output->volume[dir];
	if (vmsnd_port_params(card->ports[port].port, &params))
		out->guest_format = params.format;
	copy_figures(out, &status);
	vmsnd_lun_place(output->units[port].lun, &out->place);
	copy_changes(out, &status);
}

static size_t streams(const struct vmsnd_card *card, struct vmsnd_stream_status *out, size_t max)
{
	size_t n = 0;

	for (unsigned port = 0; port < card->n_ports; port++) {
		for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
			const struct vmsnd_output *output = card->outputs[i];

			if (!output || !output->units[port].lun || output->units[port].leaving)
				continue;
			if (n < max)
				fill_in(card, output, port, &out[n]);
			n++;
		}
	}
	return n;
}

size_t vmsnd_machine_streams(const struct vmsnd_machine *machine, unsigned card,
			     struct vmsnd_stream_status *out, size_t max)
{
	struct vmsnd_seat seat;
	size_t n;

	if (!vmsnd_seat_look(machine, card, &seat))
		return 0;
	n = streams(seat.card, out, max);
	vmsnd_seat_leave(&seat);
	return n;
}

/* The lane may free the chain as soon as it is let go of. */
static void copy_texts(const struct vmsnd_output *output, struct vmsnd_output_status *out)
{
	struct vmsnd_chain_conf texts = vmsnd_card_chain_texts(&output->now);

	snprintf(out->text, sizeof(out->text), "%s", texts.backend);
	for (unsigned i = 0; i < VMSND_DRIVERS_MAX; i++)
		snprintf(out->drivers[i], sizeof(out->drivers[i]), "%s",
			 texts.drivers[i] ? texts.drivers[i] : "");
}

static void read_output(const struct vmsnd_output *output, struct vmsnd_output_status *out)
{
	const struct vmsnd_host *host = output->now.host;

	out->backend = host->cls->name;
	copy_texts(output, out);
	out->present = host->phase == VMSND_HOSTING_OPEN;
	out->device_changes = host->device_changes;
	for (unsigned i = 0; i < 2; i++) {
		enum vmsnd_dir dir = (enum vmsnd_dir)i;

		out->ways[i].serves = output->now.conf.dirs[i] && vmsnd_host_goes(host, dir);
		out->ways[i].status = VMSND_BACKEND_UNKNOWN;
		if (out->present && out->ways[i].serves && host->cls->status)
			out->ways[i].status = host->cls->status(host->backend, dir);
	}
}

/* An output of a card, to look at; vmsnd_seat_leave when it is VMSND_OK. */
static enum vmsnd_rc look_at(const struct vmsnd_machine *machine, unsigned card, unsigned output,
			     struct vmsnd_seat *seat)
{
	if (!vmsnd_seat_look(machine, card, seat))
		return VMSND_E_NO_CARD;
	if (output < VMSND_OUTPUTS_MAX && seat->card->outputs[output])
		return VMSND_OK;
	vmsnd_seat_leave(seat);
	return VMSND_E_NO_OUTPUT;
}

enum vmsnd_rc vmsnd_machine_output(const struct vmsnd_machine *machine, unsigned card,
				   unsigned number, struct vmsnd_output_status *out)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = look_at(machine, card, number, &seat);

	if (rc)
		return rc;
	read_output(seat.card->outputs[number], out);
	vmsnd_seat_leave(&seat);
	return VMSND_OK;
}

static enum vmsnd_rc end_of(const struct vmsnd_output *output, struct vmsnd_reattach *which)
{
	if (which->number == 0)
		which->number = output->reattach.number;
	if (which->number == output->reattach.number)
		return output->reattach.rc;
	return which->number == output->reattach_before.number ? output->reattach_before.rc
							       : VMSND_E_NO_OUTPUT;
}

enum vmsnd_rc vmsnd_machine_reattached(const struct vmsnd_machine *machine,
				       struct vmsnd_reattach *which)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = look_at(machine, which->card, which->output, &seat);

	if (rc)
		return rc;
	rc = end_of(seat.card->outputs[which->output], which);
	vmsnd_seat_leave(&seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_driver_find(const struct vmsnd_machine *machine,
					struct vmsnd_driver_place *place, const char *name,
					unsigned occurrence)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = look_at(machine, place->card, place->output, &seat);

	if (rc)
		return rc;
	rc = vmsnd_drivers_find(seat.card->outputs[place->output]->now.drivers, name, occurrence,
				&place->at);
	vmsnd_seat_leave(&seat);
	return rc;
}

static size_t taps(const struct vmsnd_card *card, struct vmsnd_tap_conf *out, size_t max)
{
	size_t n = 0;

	for (unsigned port = 0; port < card->n_ports; port++) {
		for (unsigned point = 0; point < VMSND_TAP_COUNT; point++) {
			const struct vmsnd_output *tap = card->ports[port].taps[point];
			enum vmsnd_dir dir = vmsnd_card_port_dir(card, port);

			if (tap && n++ < max)
				out[n - 1] = (struct vmsnd_tap_conf){
				    .dir = dir,
				    .stream =
					dir == VMSND_PLAYBACK ? port : port - card->n_playback,
				    .point = (enum vmsnd_tap)point,
				    .path = tap->now.text};
		}
	}
	return n;
}

size_t vmsnd_machine_taps(const struct vmsnd_machine *machine, unsigned card,
			  struct vmsnd_tap_conf *out, size_t max)
{
	struct vmsnd_seat seat;
	size_t n;

	if (!vmsnd_seat_look(machine, card, &seat))
		return 0;
	n = taps(seat.card, out, max);
	vmsnd_seat_leave(&seat);
	return n;
}

enum vmsnd_rc vmsnd_machine_enabled(const struct vmsnd_machine *machine, unsigned card,
				    enum vmsnd_dir dir, bool *on)
{
	struct vmsnd_seat seat;

	if (dir != VMSND_PLAYBACK && dir != VMSND_CAPTURE)
		return VMSND_E_INVALID;
	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	*on = seat.card->enabled[dir];
	vmsnd_seat_leave(&seat);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_paused(const struct vmsnd_machine *machine, unsigned card, bool *on)
{
	struct vmsnd_seat seat;

	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	*on = seat.card->standing;
	vmsnd_seat_leave(&seat);
	return VMSND_OK;
}

size_t vmsnd_machine_host_devices(const struct vmsnd_machine *machine, unsigned card,
				  unsigned output, struct vmsnd_host_device *out, size_t max)
{
	struct vmsnd_seat seat;
	size_t n;

	if (look_at(machine, card, output, &seat))
		return 0;
	n = vmsnd_host_devices(seat.card->outputs[output]->now.host, out, max);
	vmsnd_seat_leave(&seat);
	return n;
}

enum vmsnd_rc vmsnd_machine_host_facts(const struct vmsnd_machine *machine, unsigned card,
				       unsigned output, struct vmsnd_fact *out, size_t *n)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = look_at(machine, card, output, &seat);

	if (!rc) {
		rc = vmsnd_host_facts(seat.card->outputs[output]->now.host, out, n);
		vmsnd_seat_leave(&seat);
	}
	if (rc)
		*n = 0;
	return rc;
}

size_t vmsnd_machine_counters(const struct vmsnd_machine *machine, unsigned card,
			      struct vmsnd_named_counter *out, size_t max)
{
	struct vmsnd_seat seat;
	size_t n;

	if (!vmsnd_seat_look(machine, card, &seat))
		return 0;
	n = vmsnd_card_counters(seat.card, out, max);
	vmsnd_seat_leave(&seat);
	return n;
}
