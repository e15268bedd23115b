/* SPDX-License-Identifier: BSD-3-Clause */
/* What a card's owner is told about host streams: lost, well again, another format. One line each,
 * and none for what comes and goes. */
#include <stdio.h>

#include "manager/card.h"

#define LOOK_NS UINT64_C(100000000)
/* Well for so long, it is said. */
#define WELL_NS VMSND_NS_PER_SECOND
/* A host that comes and goes is told of so often; then only when it has been well for this long. */
#define LOSSES_TOLD 3u
#define CALM_NS     (60 * VMSND_NS_PER_SECOND)

struct sight {
	struct vmsnd_card *card;
	struct vmsnd_output *output;
	unsigned port;
	vmsnd_ns now, next;
	struct vmsnd_lun_status status;
};

static void say(const struct sight *sight, enum vmsnd_log_level level, const char *text)
{
	const struct vmsnd_card *card = sight->card;
	bool playback = vmsnd_card_port_dir(card, sight->port) == VMSND_PLAYBACK;
	unsigned stream = playback ? sight->port : sight->port - card->n_playback;

	if (sight->output->role == VMSND_LUN_NORMAL)
		vmsnd_logf(vmsnd_machine_log(card->machine), level, "%s: %s%u: output %u (%s) %s",
			   card->name, playback ? "playback" : "capture", stream,
			   sight->output->place, sight->output->now.host->cls->name, text);
	else
		vmsnd_logf(vmsnd_machine_log(card->machine), level, "%s: %s%u: its %s tap %s",
			   card->name, playback ? "playback" : "capture", stream,
			   sight->output->role == VMSND_LUN_TAP_DEVICE ? "device" : "host", text);
}

static void say_lost(const struct sight *sight, struct vmsnd_unit *unit)
{
	unit->lost = true;
	unit->losses_told += unit->losses_told <= LOSSES_TOLD;
	if (unit->losses_told < LOSSES_TOLD)
		say(sight, VMSND_LOG_WARNING,
		    "does not work now; the guest goes on without it, tried again");
	else if (unit->losses_told == LOSSES_TOLD)
		say(sight, VMSND_LOG_WARNING,
		    "comes and goes; no more is said of that until it has worked for a minute");
}

/* Well again, for a second or, after many losses, for a minute. */
static void say_well(struct sight *sight, struct vmsnd_unit *unit)
{
	vmsnd_ns wait = unit->losses_told < LOSSES_TOLD ? WELL_NS : CALM_NS;

	if (unit->well == VMSND_NEVER)
		unit->well = sight->now;
	if (unit->lost && sight->now - unit->well >= wait) {
		unit->lost = false;
		say(sight, VMSND_LOG_INFO, "works again");
	}
	if (sight->now - unit->well >= CALM_NS)
		unit->losses_told = 0;
	else if (unit->lost && unit->well + wait < sight->next)
		sight->next = unit->well + wait;
}

static void watch_loss(struct sight *sight, struct vmsnd_unit *unit)
{
	enum vmsnd_host_state host = sight->status.host;

	if (host == VMSND_HOST_READY || host == VMSND_HOST_RUNNING) {
		if (unit->losses_told > 0)
			say_well(sight, unit);
		return;
	}
	unit->well = VMSND_NEVER;
	if (host == VMSND_HOST_LOST && !unit->lost && !sight->status.unfit)
		say_lost(sight, unit);
}

/* What is no PCM is taken as it is or not at all, and drivers do not know it. Said once. */
static void watch_opaque(struct sight *sight, struct vmsnd_unit *unit)
{
	bool runs = sight->status.host == VMSND_HOST_RUNNING &&
		    vmsnd_sample_is_opaque(sight->status.format.sample);
	bool passed = runs && sight->output->role == VMSND_LUN_NORMAL &&
		      vmsnd_drivers_count(sight->output->now.drivers) > 0;
	struct vmsnd_stream_params params;
	char text[120];

	if ((!sight->status.unfit || unit->told_unfit) && (!passed || unit->told_passed))
		return;
	if (!vmsnd_port_params(sight->card->ports[sight->port].port, &params))
		return;
	unit->told_unfit |= sight->status.unfit;
	unit->told_passed |= passed;
	snprintf(text, sizeof(text),
		 sight->status.unfit ? "takes no %s; the guest goes on without it; 'file' takes it"
				     : "gets %s, which goes past the drivers: they know PCM only",
		 vmsnd_sample_name(params.format.sample));
	say(sight, sight->status.unfit ? VMSND_LOG_WARNING : VMSND_LOG_INFO, text);
}

static void watch_format(struct sight *sight, struct vmsnd_unit *unit)
{
	const struct vmsnd_format *host = &sight->status.format;
	struct vmsnd_stream_params params;
	char text[160];

	if (sight->status.host != VMSND_HOST_RUNNING ||
	    unit->format_lines == VMSND_FORMAT_LINES_MAX ||
	    !vmsnd_port_params(sight->card->ports[sight->port].port, &params) ||
	    (vmsnd_format_equal(&unit->told[0], &params.format) &&
	     vmsnd_format_equal(&unit->told[1], host)))
		return;
	unit->told[0] = params.format;
	unit->told[1] = *host;
	if (vmsnd_format_equal(host, &params.format))
		return;
	unit->format_lines++;
	snprintf(text, sizeof(text),
		 "is at %u Hz %s, channels: %u; the guest is at %u Hz %s, channels: %u: converted",
		 host->rate_hz, vmsnd_sample_name(host->sample), host->channels,
		 params.format.rate_hz, vmsnd_sample_name(params.format.sample),
		 params.format.channels);
	say(sight, VMSND_LOG_INFO, text);
}

vmsnd_ns vmsnd_card_watch(struct vmsnd_card *card, vmsnd_ns now)
{
	struct sight sight = {.card = card, .now = now, .next = VMSND_NEVER};

	/* Between two looks it costs a comparison. */
	if (card->watched != 0 && now - card->watched < LOOK_NS && now < card->watch_next)
		return card->watch_next;
	card->watched = now;
	for (sight.output = card->live; sight.output; sight.output = sight.output->next) {
		for (sight.port = 0; sight.port < sight.output->n_units; sight.port++) {
			struct vmsnd_unit *unit = &sight.output->units[sight.port];

			if (!unit->lun || unit->leaving)
				continue;
			vmsnd_lun_status(unit->lun, &sight.status);
			watch_loss(&sight, unit);
			watch_opaque(&sight, unit);
			watch_format(&sight, unit);
		}
	}
	card->watch_next = sight.next;
	return sight.next;
}

void vmsnd_card_watch_anew(struct vmsnd_card *card)
{
	for (struct vmsnd_output *output = card->live; output; output = output->next) {
		for (unsigned port = 0; port < output->n_units; port++) {
			output->units[port].lost = false;
			output->units[port].losses_told = 0;
			output->units[port].format_lines = 0;
			output->units[port].told_unfit = output->units[port].told_passed = false;
		}
	}
}
