/* SPDX-License-Identifier: BSD-3-Clause */
/* Rate conversion, on a library (design, section 6). A table, so that pure code can be handed it
 * without asking for the library itself. */
#ifndef VMSND_PCM_RESAMPLE_H
#define VMSND_PCM_RESAMPLE_H

#include "vmsnd/status.h"

enum vmsnd_quality { VMSND_QUALITY_FASTEST, VMSND_QUALITY_MEDIUM, VMSND_QUALITY_BEST };

struct vmsnd_resampler;

/* One call's; both counts are of frames. */
struct vmsnd_resampler_work {
	const float *from;
	float *to;     /* elsewhere */
	uint32_t used; /* at most so many of `from`, and then how many it was */
	uint32_t made; /* likewise of `to` */
};

struct vmsnd_resampler_class {
	/* VMSND_E_NOMEM; allocates all it will ever need. The lane, or a worker. */
	enum vmsnd_rc (*open)(enum vmsnd_quality quality, uint32_t channels,
			      struct vmsnd_resampler **out);
	void (*close)(struct vmsnd_resampler *resampler);
	/* Forgets the past. */
	void (*reset_rt)(struct vmsnd_resampler *resampler);
	/* `ratio`: frames of output per frame of input; a new one is approached smoothly, most of
	 * the way within 1000 frames, the first one after a reset holds at once. Never allocates,
	 * locks or enters the kernel. */
	void (*process_rt)(struct vmsnd_resampler *resampler, double ratio,
			   struct vmsnd_resampler_work *work);
	/* How many more input frames have to go in at `ratio` before `frames` more come out; may be
	 * one too many. */
	uint32_t (*need_rt)(const struct vmsnd_resampler *resampler, double ratio, uint32_t frames);
	/* Input frames that went in and whose time has not come out: the delay in here. The first
	 * frame out is the first frame in, the converter only looks ahead. */
	double (*held_rt)(const struct vmsnd_resampler *resampler);
	/* What it holds at most when all that can come out has; when there are fewer frames of
	 * output than of input, as many times more. Any thread. */
	uint32_t (*delay_frames)(enum vmsnd_quality quality);
};

/* libsamplerate: fastest, medium, best are its sinc converters. */
extern const struct vmsnd_resampler_class vmsnd_resampler_samplerate;

#endif
