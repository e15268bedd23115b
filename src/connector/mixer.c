/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's mixer of a stream, on top of each unit's own loudness.
 *
 * Its channels are the guest's. What plays has them before it is remixed for the host, whose
 * channels the unit's own loudness is in; what is recorded has the guest's at the end, where both
 * are one. */
#include "connector/port.h"

static int32_t sum_mdb(int32_t a, int32_t b)
{
	int64_t sum = (int64_t)a + b;

	if (a <= VMSND_GAIN_MIN_MDB || b <= VMSND_GAIN_MIN_MDB || sum < VMSND_GAIN_MIN_MDB)
		return VMSND_GAIN_MIN_MDB;
	return sum > VMSND_GAIN_MAX_MDB ? VMSND_GAIN_MAX_MDB : (int32_t)sum;
}

static void add(struct vmsnd_volume *to, const struct vmsnd_volume *more)
{
	to->gain_mdb = sum_mdb(to->gain_mdb, more->gain_mdb);
	for (uint32_t i = 0; i < VMSND_CHANNELS_MAX; i++)
		to->channel_mdb[i] = sum_mdb(to->channel_mdb[i], more->channel_mdb[i]);
	to->muted |= more->muted;
}

/* Taps write down what goes by, not what is heard. */
void vmsnd_lun_loudness(const struct vmsnd_lun *lun, struct vmsnd_loudness *out)
{
	const struct vmsnd_mixer *mixer = &lun->port->mixer;

	*out = (struct vmsnd_loudness){.after = lun->conf.volume};
	if (lun->conf.role != VMSND_LUN_NORMAL)
		return;
	if (lun->dir == VMSND_PLAYBACK) {
		out->before = mixer->volume;
		return;
	}
	add(&out->after, &mixer->volume);
	if (!(mixer->sources >> lun->conf.mixer_bit & 1))
		out->after.muted = UINT32_MAX;
}

void vmsnd_lun_volume(struct vmsnd_lun *lun, const struct vmsnd_volume *volume)
{
	struct vmsnd_loudness loudness;

	lun->conf.volume = *volume;
	if (!lun->stream)
		return;
	vmsnd_lun_loudness(lun, &loudness);
	vmsnd_gain_set(&lun->path->flow->before, &loudness.before);
	vmsnd_gain_set(&lun->path->flow->gain, &loudness.after);
}

void vmsnd_port_mixer(const struct vmsnd_port *port, struct vmsnd_mixer *out)
{
	*out = port->mixer;
}

void vmsnd_port_mixer_set(struct vmsnd_port *port, const struct vmsnd_mixer *mixer, vmsnd_ns now)
{
	port->mixer = *mixer;
	for (unsigned i = 0; i < port->n_places; i++)
		if (port->luns[i])
			vmsnd_lun_volume(port->luns[i], &port->luns[i]->conf.volume);
}

uint64_t vmsnd_port_xruns(const struct vmsnd_port *port)
{
	return port->conf.dir == VMSND_PLAYBACK
		   ? vmsnd_figure_rt(&port->main.underruns)
		   : vmsnd_figure_rt(&port->main.overruns) + vmsnd_figure_rt(&port->stand.overruns);
}
