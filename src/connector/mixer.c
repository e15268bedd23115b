/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's mixer of a stream, on top of each unit's own loudness. */
#include "connector/port.h"

static int32_t sum_mdb(int32_t a, int32_t b)
{
	int64_t sum = (int64_t)a + b;

	if (a <= VMSND_GAIN_MIN_MDB || b <= VMSND_GAIN_MIN_MDB || sum < VMSND_GAIN_MIN_MDB)
		return VMSND_GAIN_MIN_MDB;
	return sum > VMSND_GAIN_MAX_MDB ? VMSND_GAIN_MAX_MDB : (int32_t)sum;
}

/* Taps write down what goes by, not what is heard. */
void vmsnd_lun_loudness(const struct vmsnd_lun *lun, struct vmsnd_volume *out)
{
	const struct vmsnd_mixer *mixer = &lun->port->mixer;

	*out = lun->conf.volume;
	if (lun->conf.role != VMSND_LUN_NORMAL)
		return;
	out->gain_mdb = sum_mdb(out->gain_mdb, mixer->volume.gain_mdb);
	for (uint32_t i = 0; i < VMSND_CHANNELS_MAX; i++)
		out->channel_mdb[i] = sum_mdb(out->channel_mdb[i], mixer->volume.channel_mdb[i]);
	out->muted |= mixer->volume.muted;
	if (lun->dir == VMSND_CAPTURE && !(mixer->sources >> lun->index & 1))
		out->muted = UINT32_MAX;
}

void vmsnd_lun_volume(struct vmsnd_lun *lun, const struct vmsnd_volume *volume)
{
	struct vmsnd_volume loudness;

	lun->conf.volume = *volume;
	vmsnd_lun_loudness(lun, &loudness);
	if (lun->stream)
		vmsnd_gain_set(&lun->path->flow->gain, &loudness);
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
