/* SPDX-License-Identifier: BSD-3-Clause */
/* A card's jacks: by their owner's hand, or as the outputs do that they follow. */
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "manager/machine_state.h"

/* Changes are looked for so often at most. */
#define LOOK_NS UINT64_C(100000000)
/* A sound server that restarts is no plug pulled out, and one that only tries to come is none put
 * in: guests may move their sound elsewhere, and people see it. */
#define AWAY_NS (3 * VMSND_NS_PER_SECOND)
#define BACK_NS VMSND_NS_PER_SECOND

static bool jack_at(const struct vmsnd_card *card, unsigned index, struct vmsnd_jack *out)
{
	const struct vmsnd_panel_ops *panel = card->cls->panel;

	return index < VMSND_CARD_JACKS_MAX && panel && panel->jack &&
	       panel->jack(card->dev, index, out);
}

/* ---- whether an output works ---- */

/* Of a host that has told its devices: the one that was chosen, or any at all. */
static bool is_device_there(const struct vmsnd_host *host, enum vmsnd_dir dir)
{
	const char *chosen = host->asked[dir];

	if (!host->cls->devices || !host->devices)
		return true;
	for (size_t i = 0; i < host->n_devices; i++) {
		const struct vmsnd_host_device *device = &host->devices[i];
		uint32_t channels =
		    dir == VMSND_PLAYBACK ? device->playback_channels : device->capture_channels;

		if (channels > 0 && (!*chosen || strcmp(device->id, chosen) == 0))
			return true;
	}
	return false;
}

static bool is_host_well(const struct vmsnd_host *host, enum vmsnd_dir dir)
{
	return host->phase == VMSND_HOSTING_OPEN && vmsnd_host_goes(host, dir) &&
	       !(host->cls->status &&
		 host->cls->status(host->backend, dir) == VMSND_BACKEND_ERROR) &&
	       is_device_there(host, dir);
}

static bool is_any_stream_lost(const struct vmsnd_card *card, const struct vmsnd_output *output,
			       enum vmsnd_dir dir)
{
	struct vmsnd_lun_status status;

	for (unsigned i = 0; i < output->n_units; i++) {
		const struct vmsnd_unit *unit = &output->units[i];

		if (!unit->lun || unit->leaving || vmsnd_card_port_dir(card, i) != dir)
			continue;
		vmsnd_lun_status(unit->lun, &status);
		if (status.host == VMSND_HOST_LOST)
			return true;
	}
	return false;
}

static bool works(const struct vmsnd_card *card, const struct vmsnd_jack *jack)
{
	const struct vmsnd_output *output =
	    jack->output < VMSND_OUTPUTS_MAX ? card->outputs[jack->output] : NULL;

	for (unsigned i = 0; output && i < 2; i++) {
		enum vmsnd_dir dir = (enum vmsnd_dir)i;

		if (jack->dirs[dir] && output->now.conf.dirs[dir] &&
		    is_host_well(output->now.host, dir) && !is_any_stream_lost(card, output, dir))
			return true;
	}
	return false;
}

/* ---- in time ---- */

static void put(struct vmsnd_card *card, unsigned index, const struct vmsnd_jack *jack,
		bool connected, vmsnd_ns now)
{
	card->jacks[index].since = VMSND_NEVER;
	if (jack->connected == connected)
		return;
	card->cls->panel->jack_set(card->dev, index, connected, now);
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_INFO, "%s: jack %s: %s", card->name,
		   jack->name, connected ? "plugged in" : "pulled out");
	vmsnd_card_touch(card);
	vmsnd_machine_tell_changed(card->machine);
}

static bool follows(const struct vmsnd_card *card, unsigned index, const struct vmsnd_jack *jack)
{
	return card->jacks[index].want == VMSND_JACK_FOLLOW && jack->output != VMSND_OUTPUT_NONE;
}

/* When to look again, if nothing comes before. */
static vmsnd_ns follow(struct vmsnd_card *card, unsigned index, const struct vmsnd_jack *jack,
		       vmsnd_ns now)
{
	struct vmsnd_card_jack *own = &card->jacks[index];
	bool well = works(card, jack);
	vmsnd_ns due;

	if (well == jack->connected) {
		own->since = VMSND_NEVER;
		return VMSND_NEVER;
	}
	if (own->since == VMSND_NEVER)
		own->since = now;
	due = own->since + (well ? BACK_NS : AWAY_NS);
	if (now < due)
		return due;
	put(card, index, jack, well, now);
	return VMSND_NEVER;
}

vmsnd_ns vmsnd_card_jacks(struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;
	struct vmsnd_jack jack;

	if (!card->has_jacks || card->held)
		return VMSND_NEVER;
	/* What changes soon after a look is seen by the next one. */
	if (card->jacks_looked != VMSND_NEVER && now - card->jacks_looked < LOOK_NS &&
	    now < card->jacks_next)
		return card->jacks_next;
	for (unsigned i = 0; jack_at(card, i, &jack); i++) {
		vmsnd_ns due = follows(card, i, &jack) ? follow(card, i, &jack, now) : VMSND_NEVER;

		next = due < next ? due : next;
	}
	card->jacks_looked = now;
	card->jacks_next = next;
	return next;
}

void vmsnd_card_jacks_open(struct vmsnd_card *card, vmsnd_ns now)
{
	struct vmsnd_jack jack;

	card->has_jacks = jack_at(card, 0, &jack);
	card->jacks_looked = VMSND_NEVER;
	for (unsigned i = 0; i < VMSND_CARD_JACKS_MAX; i++)
		card->jacks[i].since = VMSND_NEVER;
	/* Nobody has seen it yet, so there is nothing to wait for. */
	for (unsigned i = 0; jack_at(card, i, &jack); i++)
		if (follows(card, i, &jack) && works(card, &jack) != jack.connected)
			card->cls->panel->jack_set(card->dev, i, !jack.connected, now);
}

/* ---- the owner ---- */

enum vmsnd_rc vmsnd_machine_jack(const struct vmsnd_machine *machine, unsigned card, unsigned jack,
				 struct vmsnd_jack_status *out)
{
	struct vmsnd_seat seat;
	bool found;

	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	found = jack_at(seat.card, jack, &out->jack);
	if (found)
		out->want = seat.card->jacks[jack].want;
	vmsnd_seat_leave(&seat);
	return found ? VMSND_OK : VMSND_E_INVALID;
}

static enum vmsnd_rc set(struct vmsnd_card *card, unsigned index, const struct vmsnd_jack *jack,
			 enum vmsnd_jack_want want, vmsnd_ns now)
{
	if (want == VMSND_JACK_FOLLOW && jack->output == VMSND_OUTPUT_NONE)
		return VMSND_E_UNSUPPORTED;
	card->jacks[index].want = want;
	card->jacks[index].since = VMSND_NEVER;
	card->jacks_looked = VMSND_NEVER;
	put(card, index, jack,
	    want == VMSND_JACK_FOLLOW ? works(card, jack) : want == VMSND_JACK_PLUGGED, now);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_jack_set(struct vmsnd_machine *machine, unsigned card, const char *name,
				     enum vmsnd_jack_want want, vmsnd_ns now)
{
	struct vmsnd_seat seat;
	struct vmsnd_jack jack;
	enum vmsnd_rc rc = VMSND_E_INVALID;

	if ((unsigned)want > VMSND_JACK_UNPLUGGED)
		return VMSND_E_INVALID;
	if (!vmsnd_seat_change(machine, card, now, &seat))
		return VMSND_E_NO_CARD;
	for (unsigned i = 0; jack_at(seat.card, i, &jack); i++) {
		if (strcmp(jack.name, name) != 0)
			continue;
		rc = set(seat.card, i, &jack, want, seat.now);
		break;
	}
	vmsnd_seat_leave(&seat);
	return rc;
}

/* ---- saved state: what the owner wants; what is plugged in is the device's ---- */

void vmsnd_card_jacks_save(const struct vmsnd_card *card, struct vmsnd_state_writer *to)
{
	struct vmsnd_jack jack;

	for (unsigned i = 0; jack_at(card, i, &jack); i++)
		vmsnd_state_put_u8(to, (uint8_t)card->jacks[i].want);
}

void vmsnd_card_jacks_moved(struct vmsnd_card *card, vmsnd_ns now)
{
	struct vmsnd_jack jack;

	for (unsigned i = 0; jack_at(card, i, &jack); i++) {
		enum vmsnd_jack_want want = card->jacks[i].want;

		card->jacks[i].since = VMSND_NEVER;
		if (want != VMSND_JACK_FOLLOW)
			put(card, i, &jack, want == VMSND_JACK_PLUGGED, now);
	}
	card->jacks_looked = VMSND_NEVER;
}

/* After the device, whose jacks are then what the guest was told: those that follow go on from
 * there. */
void vmsnd_card_jacks_load(struct vmsnd_card *card, struct vmsnd_state_reader *from)
{
	struct vmsnd_jack jack;

	for (unsigned i = 0; jack_at(card, i, &jack); i++) {
		uint8_t want = vmsnd_state_get_u8_upto(from, VMSND_JACK_UNPLUGGED);

		card->jacks[i].want = (enum vmsnd_jack_want)want;
		card->jacks[i].since = VMSND_NEVER;
	}
	card->jacks_looked = VMSND_NEVER;
}
