/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream's volume in the server's mixer: asked for when the stream is made and when the server
 * says that it changed, and turned when somebody wants that. Nothing is set at the start, so that
 * what the server remembers of a stream stays. */
#include "backends/pulse/host.h"

static void take(struct vmsnd_stream *stream, const pa_cvolume *volume, bool muted, bool writable)
{
	pa_volume_t most = pa_cvolume_max(volume);
	double mdb = pa_sw_volume_to_dB(most) * 1000.0;

	stream->has_volume = true;
	stream->is_writable = writable;
	stream->loudness = *volume;
	stream->muted = muted;
	stream->gain_mdb = VMSND_GAIN_MIN_MDB;
	if (most > PA_VOLUME_MUTED && mdb > VMSND_GAIN_MIN_MDB)
		stream->gain_mdb = (int32_t)(mdb < 0 ? mdb - 0.5 : mdb + 0.5);
}

static void on_sink_input(pa_context *context, const pa_sink_input_info *info, int last, void *arg)
{
	if (!last && info->has_volume)
		take(arg, &info->volume, info->mute, info->volume_writable);
}

static void on_source_output(pa_context *context, const pa_source_output_info *info, int last,
			     void *arg)
{
	if (!last && info->has_volume)
		take(arg, &info->volume, info->mute, info->volume_writable);
}

void pulse_volume_ask(struct vmsnd_stream *stream)
{
	pa_context *context = stream->host->context;
	uint32_t index = pa_stream_get_index(stream->pulse);

	pulse_forget(&stream->asking);
	if (stream->dir == VMSND_PLAYBACK)
		stream->asking =
		    pa_context_get_sink_input_info(context, index, on_sink_input, stream);
	else
		stream->asking =
		    pa_context_get_source_output_info(context, index, on_source_output, stream);
}

void pulse_volume_changed(struct vmsnd_backend *host, enum vmsnd_dir dir, uint32_t index)
{
	for (struct vmsnd_stream *at = host->streams; at; at = at->next)
		if (at->dir == dir && pa_stream_get_state(at->pulse) == PA_STREAM_READY &&
		    pa_stream_get_index(at->pulse) == index)
			pulse_volume_ask(at);
}

/* ---- what is asked for ---- */

/* By direction. */
static const struct {
	pa_operation *(*volume)(pa_context *, uint32_t, const pa_cvolume *, pa_context_success_cb_t,
				void *);
	pa_operation *(*mute)(pa_context *, uint32_t, int, pa_context_success_cb_t, void *);
} setters[] = {
    [VMSND_PLAYBACK] = {pa_context_set_sink_input_volume, pa_context_set_sink_input_mute},
    [VMSND_CAPTURE] = {pa_context_set_source_output_volume, pa_context_set_source_output_mute},
};

/* Channels keep their balance. What was asked for last counts, not what the server has told. */
static void set(struct vmsnd_stream *stream, const struct vmsnd_host_volume *want)
{
	pa_context *context = stream->host->context;
	uint32_t index = pa_stream_get_index(stream->pulse);
	pa_volume_t to = PA_VOLUME_MUTED;

	if (want->sets_gain && want->gain_mdb > VMSND_GAIN_MIN_MDB)
		to = pa_sw_volume_from_dB(want->gain_mdb / 1000.0);
	if (want->sets_gain && pa_cvolume_scale(&stream->loudness, to))
		pulse_unref(
		    setters[stream->dir].volume(context, index, &stream->loudness, NULL, NULL));
	if (want->sets_mute)
		pulse_unref(setters[stream->dir].mute(context, index, want->muted, NULL, NULL));
}

enum vmsnd_rc pulse_stream_volume_set(struct vmsnd_stream *stream,
				      const struct vmsnd_host_volume *want)
{
	enum vmsnd_rc rc = VMSND_OK;

	pa_threaded_mainloop_lock(stream->host->loop);
	if (stream->ended)
		rc = VMSND_E_GONE;
	else if (!stream->has_volume || pa_stream_get_state(stream->pulse) != PA_STREAM_READY)
		rc = VMSND_E_AGAIN;
	else if (want->sets_gain && !stream->is_writable)
		rc = VMSND_E_UNSUPPORTED;
	else
		set(stream, want);
	pa_threaded_mainloop_unlock(stream->host->loop);
	return rc;
}
