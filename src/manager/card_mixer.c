/* SPDX-License-Identifier: BSD-3-Clause */
/* The mixers of a card's streams, which its guest and its owner both turn. */
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"

static unsigned streams_of(const struct vmsnd_card *card, enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? card->n_playback : card->n_ports - card->n_playback;
}

static struct vmsnd_port *port_of(const struct vmsnd_card *card, enum vmsnd_dir dir,
				  unsigned stream)
{
	return card->ports[dir == VMSND_PLAYBACK ? stream : card->n_playback + stream].port;
}

/* The streams that a place stands for: `first` and those below `end`; false: there are none. */
static bool range_of(const struct vmsnd_card *card, const struct vmsnd_mixer_place *place,
		     unsigned *first, unsigned *end)
{
	bool all = place->stream == VMSND_STREAM_ALL;

	*end = streams_of(card, place->dir);
	*first = all ? 0 : place->stream;
	if (*first >= *end)
		return false;
	*end = all ? *end : *first + 1;
	return true;
}

static bool is_dir(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK || dir == VMSND_CAPTURE;
}

enum vmsnd_rc vmsnd_machine_mixer(const struct vmsnd_machine *machine,
				  const struct vmsnd_mixer_place *place, struct vmsnd_mixer *out)
{
	struct vmsnd_seat seat;
	unsigned first, end;
	bool found;

	if (!is_dir(place->dir))
		return VMSND_E_INVALID;
	if (!vmsnd_seat_look(machine, place->card, &seat))
		return VMSND_E_NO_CARD;
	found = range_of(seat.card, place, &first, &end);
	if (found)
		vmsnd_port_mixer(port_of(seat.card, place->dir, first), out);
	vmsnd_seat_leave(&seat);
	return found ? VMSND_OK : VMSND_E_INVALID;
}

static void turn(struct vmsnd_card *card, enum vmsnd_dir dir, unsigned stream,
		 const struct vmsnd_mixer *mixer, vmsnd_ns now)
{
	struct vmsnd_port *port = port_of(card, dir, stream);
	const struct vmsnd_panel_ops *panel = card->cls->panel;
	struct vmsnd_mixer before;

	vmsnd_port_mixer(port, &before);
	if (memcmp(&before, mixer, sizeof(before)) == 0)
		return;
	vmsnd_port_mixer_set(port, mixer, now);
	if (panel && panel->mixer_changed)
		panel->mixer_changed(card->dev, dir, stream, now);
}

enum vmsnd_rc vmsnd_machine_mixer_set(struct vmsnd_machine *machine,
				      const struct vmsnd_mixer_place *place,
				      const struct vmsnd_mixer *mixer, vmsnd_ns now)
{
	struct vmsnd_seat seat;
	unsigned first, end;
	bool found;

	if (!is_dir(place->dir) || !vmsnd_card_volume_fits(&mixer->volume))
		return VMSND_E_INVALID;
	if (!vmsnd_seat_change(machine, place->card, now, &seat))
		return VMSND_E_NO_CARD;
	found = range_of(seat.card, place, &first, &end);
	for (unsigned i = first; found && i < end; i++)
		turn(seat.card, place->dir, i, mixer, seat.now);
	vmsnd_seat_leave(&seat);
	return found ? VMSND_OK : VMSND_E_INVALID;
}

void vmsnd_card_mixer_changed(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct vmsnd_card *card = ctx;

	vmsnd_machine_tell_changed(card->machine);
}
