/* SPDX-License-Identifier: BSD-3-Clause */
/* How a PCM is set up: as near to the wish as the device allows. */
#include <stdlib.h>

#include "backends/alsa/host.h"

/* With no wish: two periods, and no less than this, for a thread that is late now and then. */
#define QUEUE_MIN_MS 20u
/* Nobody is served by a longer period: the guest's blocks are counted by the frame anyway. */
#define PERIOD_MAX_MS 100u

static uint32_t ms_frames(uint32_t ms, uint32_t rate_hz)
{
	return (uint32_t)((uint64_t)ms * rate_hz / 1000);
}

static int set_access(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
		      const struct vmsnd_stream_want *want)
{
	stream->mapped =
	    snd_pcm_hw_params_set_access(stream->pcm, params, SND_PCM_ACCESS_MMAP_INTERLEAVED) == 0;
	if (stream->mapped)
		return 0;
	return snd_pcm_hw_params_set_access(stream->pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED);
}

static int set_sample(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
		      const struct vmsnd_stream_want *want)
{
	snd_pcm_format_t format =
	    vmsnd_alsa_format_choose(stream->pcm, params, &want->format, &stream->format);

	if (format == SND_PCM_FORMAT_UNKNOWN)
		return -EINVAL;
	return snd_pcm_hw_params_set_format(stream->pcm, params, format);
}

static int set_channels(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
			const struct vmsnd_stream_want *want)
{
	unsigned most = VMSND_CHANNELS_MAX, near = want->format.channels;
	int error = snd_pcm_hw_params_set_channels_max(stream->pcm, params, &most);

	if (error >= 0)
		error = snd_pcm_hw_params_set_channels_near(stream->pcm, params, &near);
	stream->format.channels = near;
	return error;
}

static int set_rate(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
		    const struct vmsnd_stream_want *want)
{
	unsigned near = want->format.rate_hz;
	int error = snd_pcm_hw_params_set_rate_near(stream->pcm, params, &near, NULL);

	stream->format.rate_hz = near;
	return error;
}

/* Lengths of the wish are in frames of the wished rate. */
static uint32_t scaled(uint32_t frames, uint32_t rate_hz, uint32_t from_hz)
{
	uint64_t at = (uint64_t)frames * rate_hz / from_hz;

	return at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
}

static int set_lengths(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
		       const struct vmsnd_stream_want *want)
{
	uint32_t rate_hz = stream->format.rate_hz, most = ms_frames(PERIOD_MAX_MS, rate_hz);
	snd_pcm_uframes_t period = scaled(want->period_frames, rate_hz, want->format.rate_hz);
	snd_pcm_uframes_t buffer = scaled(want->buffer_frames, rate_hz, want->format.rate_hz);
	int error;

	period = period < most ? period : most;
	period = period > 0 ? period : 1;
	error = snd_pcm_hw_params_set_period_size_near(stream->pcm, params, &period, NULL);
	if (error < 0)
		return error;
	if (want->buffer_frames == 0)
		buffer = ms_frames(QUEUE_MIN_MS, rate_hz);
	if (buffer < 2 * period)
		buffer = 2 * period;
	/* Periods in one piece, where that can be had. */
	snd_pcm_hw_params_set_periods_integer(stream->pcm, params);
	return snd_pcm_hw_params_set_buffer_size_near(stream->pcm, params, &buffer);
}

static int set_all(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
		   const struct vmsnd_stream_want *want)
{
	return snd_pcm_hw_params(stream->pcm, params);
}

static int take_lengths(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
			const struct vmsnd_stream_want *want)
{
	snd_pcm_uframes_t period, buffer;
	int error = snd_pcm_get_params(stream->pcm, &buffer, &period);

	if (error < 0)
		return error;
	if (period == 0 || buffer <= period || buffer > UINT32_MAX / 4)
		return -EINVAL;
	stream->pauses = snd_pcm_hw_params_can_pause(params) > 0;
	stream->period_frames = (uint32_t)period;
	stream->buffer_frames = (uint32_t)buffer;
	return 0;
}

/* What is settled first is what is heard first. */
static const struct {
	const char *what;
	int (*set)(struct vmsnd_stream *stream, snd_pcm_hw_params_t *params,
		   const struct vmsnd_stream_want *want);
} steps[] = {
    {"access", set_access},
    {"samples", set_sample},
    {"channels", set_channels},
    {"rate", set_rate},
    {"period and buffer", set_lengths},
    {"all of it together", set_all},
    {"period and buffer", take_lengths},
};

static int set_hardware(struct vmsnd_stream *stream, const struct vmsnd_stream_want *want,
			const char **what)
{
	snd_pcm_hw_params_t *params;
	int error;

	snd_pcm_hw_params_alloca(&params);
	*what = "what it can do";
	error = snd_pcm_hw_params_any(stream->pcm, params);
	for (size_t i = 0; error >= 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
		*what = steps[i].what;
		error = steps[i].set(stream, params, want);
	}
	return error;
}

/* It starts when we say so, and wakes us for whole periods. */
static int set_software(struct vmsnd_stream *stream)
{
	snd_pcm_t *pcm = stream->pcm;
	snd_pcm_sw_params_t *params;
	snd_pcm_uframes_t boundary;
	int error;

	snd_pcm_sw_params_alloca(&params);
	error = snd_pcm_sw_params_current(pcm, params);
	if (error >= 0)
		error = snd_pcm_sw_params_get_boundary(params, &boundary);
	if (error >= 0)
		error = snd_pcm_sw_params_set_start_threshold(pcm, params, boundary);
	if (error >= 0)
		error = snd_pcm_sw_params_set_avail_min(pcm, params, stream->period_frames);
	if (error < 0)
		return error;
	/* Time stamps are better where they are; those who have none say so with 0. */
	snd_pcm_sw_params_set_tstamp_mode(pcm, params, SND_PCM_TSTAMP_ENABLE);
	snd_pcm_sw_params_set_tstamp_type(pcm, params, SND_PCM_TSTAMP_TYPE_MONOTONIC);
	return snd_pcm_sw_params(pcm, params);
}

int vmsnd_alsa_set_up(struct vmsnd_stream *stream, const struct vmsnd_stream_want *want,
		      const char **what)
{
	int error = set_hardware(stream, want, what);

	if (error < 0)
		return error;
	*what = "wake-ups";
	error = set_software(stream);
	if (error < 0)
		return error;
	vmsnd_alsa_positions(stream->pcm, &want->format, &stream->format);
	stream->frame_bytes = vmsnd_format_frame_bytes(&stream->format);
	*what = "the format";
	return stream->frame_bytes > 0 ? 0 : -EINVAL;
}
