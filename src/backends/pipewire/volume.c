/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream's volume in the host's mixer: heard of, and turned when somebody asks for it. Nothing is
 * set at the start, so that what the session manager remembers of a stream stays. */
#include <math.h>
#include <spa/param/props.h>
#include <string.h>

#include "backends/pipewire/parts.h"

static float largest(const float *values, uint32_t n)
{
	float most = 0;

	for (uint32_t i = 0; i < n; i++)
		most = values[i] > most ? values[i] : most;
	return most;
}

static int32_t as_mdb(double factor)
{
	double mdb = factor > 0 ? 20000.0 * log10(factor) : (double)VMSND_GAIN_MIN_MDB;

	mdb = mdb < VMSND_GAIN_MIN_MDB ? VMSND_GAIN_MIN_MDB : mdb;
	return (int32_t)lrint(mdb > VMSND_GAIN_MAX_MDB ? VMSND_GAIN_MAX_MDB : mdb);
}

static float as_factor(int32_t gain_mdb)
{
	return gain_mdb > VMSND_GAIN_MIN_MDB ? (float)pow(10.0, gain_mdb / 20000.0) : 0.0f;
}

static void take_channels(struct vmsnd_stream *stream, const struct pw_stream_control *control)
{
	uint32_t n =
	    control->n_values < VMSND_CHANNELS_MAX ? control->n_values : VMSND_CHANNELS_MAX;

	memcpy(stream->loudness, control->values, n * sizeof(stream->loudness[0]));
	stream->n_loudness = n;
	atomic_store(&stream->gain_mdb, as_mdb((double)largest(stream->loudness, n)));
	atomic_store(&stream->has_volume, true);
}

void vmsnd_pw_on_control(void *data, uint32_t id, const struct pw_stream_control *control)
{
	struct vmsnd_stream *stream = data;

	if (control->n_values == 0)
		return;
	if (id == SPA_PROP_mute)
		atomic_store(&stream->muted, control->values[0] > 0.5f);
	if (id == SPA_PROP_channelVolumes)
		take_channels(stream, control);
}

/* ---- what is asked for ---- */

enum vmsnd_rc vmsnd_pw_stream_volume_set(struct vmsnd_stream *stream,
					 const struct vmsnd_host_volume *want)
{
	struct vmsnd_host_volume *asked = &stream->asked;

	if (atomic_load(&stream->stage) == VMSND_PW_ENDED)
		return VMSND_E_GONE;
	if (!atomic_load(&stream->has_volume))
		return VMSND_E_AGAIN;
	pthread_mutex_lock(&stream->host->lock);
	if (want->sets_gain) {
		asked->sets_gain = true;
		asked->gain_mdb = want->gain_mdb;
	}
	if (want->sets_mute) {
		asked->sets_mute = true;
		asked->muted = want->muted;
	}
	pthread_mutex_unlock(&stream->host->lock);
	vmsnd_pw_wake(stream->host);
	return VMSND_OK;
}

/* Channels keep their balance, where there is any to keep. */
static void set_gain(struct vmsnd_stream *stream, int32_t gain_mdb)
{
	float loudness[VMSND_CHANNELS_MAX], to = as_factor(gain_mdb);
	float from = largest(stream->loudness, stream->n_loudness);

	for (uint32_t i = 0; i < stream->n_loudness; i++)
		loudness[i] = from > 0 ? stream->loudness[i] / from * to : to;
	pw_stream_set_control(stream->pw, SPA_PROP_channelVolumes, stream->n_loudness, loudness, 0);
}

void vmsnd_pw_volume_settle(struct vmsnd_stream *stream)
{
	struct vmsnd_host_volume asked;
	float muted;

	pthread_mutex_lock(&stream->host->lock);
	asked = stream->asked;
	stream->asked = (struct vmsnd_host_volume){.sets_gain = false};
	pthread_mutex_unlock(&stream->host->lock);
	if (asked.sets_gain)
		set_gain(stream, asked.gain_mdb);
	muted = asked.muted ? 1.0f : 0.0f;
	if (asked.sets_mute)
		pw_stream_set_control(stream->pw, SPA_PROP_mute, 1, &muted, 0);
}
