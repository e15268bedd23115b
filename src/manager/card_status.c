/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be read of a card while it runs: each stream on each output. */
#include <string.h>

#include "manager/card.h"

/* While the backend itself is not there its streams cannot be anything else. */
static enum vmsnd_host_state host_state(const struct vmsnd_output *output,
					const struct vmsnd_lun_status *from)
{
	if (output->host->phase == VMSND_HOSTING_OPENING)
		return VMSND_HOST_OPENING;
	if (output->host->phase == VMSND_HOSTING_WAITING ||
	    output->host->phase == VMSND_HOSTING_FAILED)
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
	out->backend = output->host->cls->name;
	out->host = vmsnd_host_state_name(host_state(output, &status));
	out->state = dir == VMSND_PLAYBACK ? vmsnd_play_state_name(status.play)
					   : vmsnd_capture_state_name(status.capture);
	out->volume = output->volume[dir];
	if (vmsnd_port_params(card->ports[port].port, &params))
		out->guest_format = params.format;
	copy_figures(out, &status);
	copy_changes(out, &status);
}

size_t vmsnd_machine_streams(const struct vmsnd_machine *machine, unsigned card_number,
			     struct vmsnd_stream_status *out, size_t max)
{
	const struct vmsnd_card *card = vmsnd_machine_card(machine, card_number);
	size_t n = 0;

	for (unsigned port = 0; card && port < card->n_ports; port++) {
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

enum vmsnd_rc vmsnd_machine_output(const struct vmsnd_machine *machine, unsigned card_number,
				   unsigned number, struct vmsnd_output_status *out)
{
	const struct vmsnd_card *card = vmsnd_machine_card(machine, card_number);
	const struct vmsnd_output *output =
	    card && number < VMSND_OUTPUTS_MAX ? card->outputs[number] : NULL;
	const struct vmsnd_host *host;

	if (!output)
		return VMSND_E_INVALID;
	host = output->host;
	*out = (struct vmsnd_output_status){.backend = host->cls->name,
					    .text = output->text,
					    .present = host->phase == VMSND_HOSTING_OPEN};
	for (unsigned i = 0; i < 2; i++) {
		enum vmsnd_dir dir = (enum vmsnd_dir)i;

		out->ways[i].serves = output->conf.dirs[i] && vmsnd_host_goes(host, dir);
		out->ways[i].status = VMSND_BACKEND_UNKNOWN;
		if (out->present && out->ways[i].serves && host->cls->status)
			out->ways[i].status = host->cls->status(host->backend, dir);
	}
	return VMSND_OK;
}

size_t vmsnd_machine_taps(const struct vmsnd_machine *machine, unsigned card_number,
			  struct vmsnd_tap_conf *out, size_t max)
{
	const struct vmsnd_card *card = vmsnd_machine_card(machine, card_number);
	size_t n = 0;

	for (unsigned port = 0; card && port < card->n_ports; port++) {
		for (unsigned point = 0; point < VMSND_TAP_COUNT; point++) {
			const struct vmsnd_output *tap = card->ports[port].taps[point];
			enum vmsnd_dir dir = vmsnd_card_port_dir(card, port);

			if (tap && n++ < max)
				out[n - 1] = (struct vmsnd_tap_conf){
				    .dir = dir,
				    .stream =
					dir == VMSND_PLAYBACK ? port : port - card->n_playback,
				    .point = (enum vmsnd_tap)point,
				    .path = tap->text};
		}
	}
	return n;
}

enum vmsnd_rc vmsnd_machine_paused(const struct vmsnd_machine *machine, unsigned card_number,
				   bool *on)
{
	const struct vmsnd_card *card = vmsnd_machine_card(machine, card_number);

	if (!card)
		return VMSND_E_INVALID;
	*on = card->paused;
	return VMSND_OK;
}

const char *vmsnd_machine_card_name(const struct vmsnd_machine *machine, unsigned card_number)
{
	const struct vmsnd_card *card = vmsnd_machine_card(machine, card_number);

	return card ? card->name : NULL;
}

size_t vmsnd_machine_host_devices(const struct vmsnd_machine *machine, unsigned card_number,
				  unsigned output, struct vmsnd_host_device *out, size_t max)
{
	const struct vmsnd_card *card = vmsnd_machine_card(machine, card_number);

	if (!card || output >= VMSND_OUTPUTS_MAX || !card->outputs[output])
		return 0;
	return vmsnd_host_devices(card->outputs[output]->host, out, max);
}
