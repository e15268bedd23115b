/* SPDX-License-Identifier: BSD-3-Clause */
/* Loudness, changed without a click: every change is a ramp over GAIN_RAMP frames, sample by
 * sample, from where the gain is at that moment. */
#ifndef VMSND_PCM_GAIN_H
#define VMSND_PCM_GAIN_H

#include <stdatomic.h>

#include "vmsnd/types.h"

#define VMSND_GAIN_RAMP_NS UINT64_C(10000000)

struct vmsnd_gain {
	/* Written by the lane at any time. */
	_Atomic float target[VMSND_CHANNELS_MAX];
	/* The audio side's. */
	float now[VMSND_CHANNELS_MAX], step[VMSND_CHANNELS_MAX], goal[VMSND_CHANNELS_MAX];
	uint32_t left[VMSND_CHANNELS_MAX]; /* frames of the ramp still to go */
	uint32_t ramp_frames;
	uint32_t channels;
};

/* A linear factor of a volume's channel; 0 where muted. 0 mdB is 1 exactly. Any thread. */
float vmsnd_volume_factor(const struct vmsnd_volume *volume, uint32_t channel);

/* Starts at the volume, without a ramp. */
void vmsnd_gain_init(struct vmsnd_gain *gain, const struct vmsnd_format *format,
		     const struct vmsnd_volume *volume);
/* The lane. Heard from the next block on. */
void vmsnd_gain_set(struct vmsnd_gain *gain, const struct vmsnd_volume *volume);
/* At once where it was last set to: nobody hears it, so a ramp would only be heard later. While no
 * other thread applies it. */
void vmsnd_gain_settle(struct vmsnd_gain *gain);
/* Whether apply would change nothing: all at unity, no ramp. */
bool vmsnd_gain_unity_rt(const struct vmsnd_gain *gain);
/* Whether apply leaves nothing: all muted, no ramp. */
bool vmsnd_gain_silent_rt(const struct vmsnd_gain *gain);
/* Whether the loudness that was set last leaves nothing of a channel. */
bool vmsnd_gain_mutes_rt(const struct vmsnd_gain *gain, uint32_t channel);
void vmsnd_gain_apply_rt(struct vmsnd_gain *gain, double *samples, size_t frames);

#endif
