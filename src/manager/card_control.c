/* SPDX-License-Identifier: BSD-3-Clause */
/* What an owner does to a card while it runs. Each call brings the card up to its time first and
 * has it looked at again afterwards, so it takes effect at that very moment. */
#include "manager/card.h"

static struct vmsnd_card *enter(struct vmsnd_machine *machine, unsigned number, vmsnd_ns now)
{
	struct vmsnd_card *card = vmsnd_machine_card(machine, number);

	if (!card)
		return NULL;
	vmsnd_card_advance(card, now);
	card->touched = true;
	card->watched = 0;
	return card;
}

static struct vmsnd_output **find(struct vmsnd_card *card, unsigned output)
{
	if (!card || output >= VMSND_OUTPUTS_MAX || !card->outputs[output])
		return NULL;
	return &card->outputs[output];
}

static bool is_dir(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK || dir == VMSND_CAPTURE;
}

enum vmsnd_rc vmsnd_machine_attach(struct vmsnd_machine *machine, unsigned number,
				   const char *backend, vmsnd_ns now, unsigned *output)
{
	struct vmsnd_card *card = enter(machine, number, now);
	enum vmsnd_rc rc;

	if (!card || !backend || !output)
		return VMSND_E_INVALID;
	rc = vmsnd_card_attach(card, backend, now, output);
	if (!rc)
		vmsnd_logf(vmsnd_machine_log(machine), VMSND_LOG_INFO,
			   "%s: output %u (%s): attached", card->name, *output,
			   card->outputs[*output]->host->cls->name);
	return rc;
}

enum vmsnd_rc vmsnd_machine_detach(struct vmsnd_machine *machine, unsigned number, unsigned output,
				   vmsnd_ns now)
{
	struct vmsnd_card *card = enter(machine, number, now);
	struct vmsnd_output **found = find(card, output);

	if (!found)
		return VMSND_E_INVALID;
	vmsnd_logf(vmsnd_machine_log(machine), VMSND_LOG_INFO, "%s: output %u (%s): detached",
		   card->name, output, (*found)->host->cls->name);
	vmsnd_card_detach(card, found, now);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_enable(struct vmsnd_machine *machine, unsigned number,
				   enum vmsnd_dir dir, bool on, vmsnd_ns now)
{
	struct vmsnd_card *card = enter(machine, number, now);

	if (!card || !is_dir(dir))
		return VMSND_E_INVALID;
	if (card->enabled[dir] == on) /* DIR-03 */
		return VMSND_OK;
	card->enabled[dir] = on;
	for (unsigned i = 0; i < card->n_ports; i++)
		if (vmsnd_card_port_dir(card, i) == dir)
			vmsnd_port_enable(card->ports[i].port, on, now);
	vmsnd_logf(vmsnd_machine_log(machine), VMSND_LOG_INFO, "%s: %s is %s", card->name,
		   dir == VMSND_PLAYBACK ? "output" : "input", on ? "on" : "off");
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_enabled(const struct vmsnd_machine *machine, unsigned number,
				    enum vmsnd_dir dir, bool *on)
{
	const struct vmsnd_card *card = vmsnd_machine_card(machine, number);

	if (!card || !is_dir(dir))
		return VMSND_E_INVALID;
	*on = card->enabled[dir];
	return VMSND_OK;
}

void vmsnd_card_pause(struct vmsnd_card *card, bool on, vmsnd_ns now)
{
	if (card->paused == on)
		return;
	card->paused = on;
	for (unsigned i = 0; i < card->n_ports; i++)
		vmsnd_port_pause(card->ports[i].port, on, now);
}

enum vmsnd_rc vmsnd_machine_pause(struct vmsnd_machine *machine, unsigned number, bool on,
				  vmsnd_ns now)
{
	struct vmsnd_card *card = enter(machine, number, now);

	if (!card)
		return VMSND_E_INVALID;
	vmsnd_card_pause(card, on, now);
	return VMSND_OK;
}

static bool volume_fits(const struct vmsnd_volume *volume)
{
	if (volume->gain_mdb > VMSND_GAIN_MAX_MDB)
		return false;
	for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
		if (volume->channel_mdb[i] > VMSND_GAIN_MAX_MDB)
			return false;
	return true;
}

enum vmsnd_rc vmsnd_machine_volume(struct vmsnd_machine *machine, unsigned number, unsigned output,
				   enum vmsnd_dir dir, const struct vmsnd_volume *volume)
{
	struct vmsnd_card *card = vmsnd_machine_card(machine, number);
	struct vmsnd_output **found = find(card, output);

	if (!found || !is_dir(dir) || !volume_fits(volume))
		return VMSND_E_INVALID;
	(*found)->volume[dir] = *volume;
	for (unsigned i = 0; i < (*found)->n_units; i++) {
		struct vmsnd_unit *unit = &(*found)->units[i];

		if (unit->lun && !unit->leaving && vmsnd_card_port_dir(card, i) == dir)
			vmsnd_lun_volume(unit->lun, volume);
	}
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_tap(struct vmsnd_machine *machine, unsigned number,
				const struct vmsnd_tap_conf *tap, vmsnd_ns now)
{
	struct vmsnd_card *card = enter(machine, number, now);
	unsigned first, n;

	if (!card || !is_dir(tap->dir) || (unsigned)tap->point >= VMSND_TAP_COUNT)
		return VMSND_E_INVALID;
	first = tap->dir == VMSND_PLAYBACK ? 0 : card->n_playback;
	n = tap->dir == VMSND_PLAYBACK ? card->n_playback : card->n_ports - card->n_playback;
	if (tap->stream >= n)
		return VMSND_E_INVALID;
	return vmsnd_card_tap(card, first + tap->stream, tap->point, tap->path, now);
}

enum vmsnd_rc vmsnd_machine_host_refresh(struct vmsnd_machine *machine, unsigned number,
					 unsigned output, vmsnd_ns now)
{
	struct vmsnd_card *card = enter(machine, number, now);
	struct vmsnd_output **found = find(card, output);
	enum vmsnd_rc rc = found ? vmsnd_host_refresh((*found)->host, now) : VMSND_E_INVALID;

	if (!rc)
		vmsnd_card_tend(card, now);
	return rc;
}

enum vmsnd_rc vmsnd_machine_host_device(struct vmsnd_machine *machine, unsigned number,
					unsigned output, enum vmsnd_dir dir, const char *id,
					vmsnd_ns now)
{
	struct vmsnd_card *card = enter(machine, number, now);
	struct vmsnd_output **found = find(card, output);
	enum vmsnd_rc rc;

	if (!found || !is_dir(dir))
		return VMSND_E_INVALID;
	rc = vmsnd_host_choose((*found)->host, dir, id);
	if (rc)
		return rc;
	vmsnd_card_tend(card, now);
	return vmsnd_host_chosen((*found)->host, dir);
}
