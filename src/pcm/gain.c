/* SPDX-License-Identifier: BSD-3-Clause */
/* Loudness with ramps (MX-16: neither gain above 0 dB, nor a mute of one channel, nor a change
 * without a click was there). */
#include "pcm/gain.h"

#include <math.h>

float vmsnd_volume_factor(const struct vmsnd_volume *volume, uint32_t channel)
{
	int64_t mdb;

	if (channel >= VMSND_CHANNELS_MAX || (volume->muted >> channel & 1) != 0)
		return 0;
	mdb = (int64_t)volume->gain_mdb + volume->channel_mdb[channel];
	if (volume->gain_mdb <= VMSND_GAIN_MIN_MDB || mdb <= VMSND_GAIN_MIN_MDB ||
	    volume->channel_mdb[channel] <= VMSND_GAIN_MIN_MDB)
		return 0;
	if (mdb == 0)
		return 1;
	mdb = mdb > VMSND_GAIN_MAX_MDB ? VMSND_GAIN_MAX_MDB : mdb;
	return (float)pow(10.0, (double)mdb / 20000.0);
}

void vmsnd_gain_init(struct vmsnd_gain *gain, const struct vmsnd_format *format,
		     const struct vmsnd_volume *volume)
{
	uint64_t ramp = format->rate_hz * VMSND_GAIN_RAMP_NS / VMSND_NS_PER_SECOND;

	gain->channels = format->channels;
	gain->ramp_frames = ramp > 0 ? (uint32_t)ramp : 1;
	for (uint32_t i = 0; i < VMSND_CHANNELS_MAX; i++) {
		float factor = vmsnd_volume_factor(volume, i);

		atomic_init(&gain->target[i], factor);
		gain->now[i] = gain->goal[i] = factor;
		gain->step[i] = 0;
		gain->left[i] = 0;
	}
}

void vmsnd_gain_set(struct vmsnd_gain *gain, const struct vmsnd_volume *volume)
{
	for (uint32_t i = 0; i < gain->channels; i++)
		atomic_store_explicit(&gain->target[i], vmsnd_volume_factor(volume, i),
				      memory_order_relaxed);
}

void vmsnd_gain_settle(struct vmsnd_gain *gain)
{
	for (uint32_t i = 0; i < gain->channels; i++) {
		gain->now[i] = gain->goal[i] =
		    atomic_load_explicit(&gain->target[i], memory_order_relaxed);
		gain->step[i] = 0;
		gain->left[i] = 0;
	}
}

bool vmsnd_gain_unity_rt(const struct vmsnd_gain *gain)
{
	for (uint32_t i = 0; i < gain->channels; i++)
		if (gain->left[i] != 0 || gain->now[i] != 1.0f ||
		    atomic_load_explicit(&gain->target[i], memory_order_relaxed) != 1.0f)
			return false;
	return true;
}

bool vmsnd_gain_silent_rt(const struct vmsnd_gain *gain)
{
	for (uint32_t i = 0; i < gain->channels; i++)
		if (gain->left[i] != 0 || gain->now[i] != 0)
			return false;
	return true;
}

bool vmsnd_gain_mutes_rt(const struct vmsnd_gain *gain, uint32_t channel)
{
	return atomic_load_explicit(&gain->target[channel], memory_order_relaxed) == 0.0f;
}

/* A new target starts a ramp from where the gain is. */
static void look_rt(struct vmsnd_gain *gain, uint32_t channel)
{
	float target = atomic_load_explicit(&gain->target[channel], memory_order_relaxed);

	if (target == gain->goal[channel])
		return;
	gain->goal[channel] = target;
	gain->left[channel] = gain->ramp_frames;
	gain->step[channel] = (target - gain->now[channel]) / (float)gain->ramp_frames;
}

/* Counted down from the goal, so that no error adds up on the way. */
static size_t ramp_rt(struct vmsnd_gain *gain, uint32_t channel, double *samples, size_t frames)
{
	size_t count = gain->left[channel] < frames ? gain->left[channel] : frames;
	double goal = (double)gain->goal[channel], step = (double)gain->step[channel];
	uint32_t left = gain->left[channel];

	for (size_t i = 0; i < count; i++)
		samples[i * gain->channels] *= goal - step * (double)(left - 1 - (uint32_t)i);
	gain->left[channel] = left - (uint32_t)count;
	gain->now[channel] = (float)(goal - step * (double)gain->left[channel]);
	return count;
}

/* One factor for all, which is nearly always so. */
static bool level_rt(const struct vmsnd_gain *gain)
{
	for (uint32_t i = 0; i < gain->channels; i++)
		if (gain->left[i] != 0 || gain->now[i] != gain->now[0])
			return false;
	return true;
}

static void scale_rt(double *samples, size_t count, size_t stride, double factor)
{
	if (factor == 1.0)
		return;
	if (stride == 1)
		for (size_t i = 0; i < count; i++)
			samples[i] *= factor;
	else
		for (size_t i = 0; i < count; i++)
			samples[i * stride] *= factor;
}

void vmsnd_gain_apply_rt(struct vmsnd_gain *gain, double *samples, size_t frames)
{
	for (uint32_t i = 0; i < gain->channels; i++)
		look_rt(gain, i);
	if (level_rt(gain)) {
		scale_rt(samples, frames * gain->channels, 1, (double)gain->now[0]);
		return;
	}
	for (uint32_t i = 0; i < gain->channels; i++) {
		size_t done = 0;

		if (gain->left[i] != 0)
			done = ramp_rt(gain, i, samples + i, frames);
		scale_rt(samples + i + done * gain->channels, frames - done, gain->channels,
			 (double)gain->now[i]);
	}
}
