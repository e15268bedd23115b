/* SPDX-License-Identifier: BSD-3-Clause */
/* A rate converter by straight lines: quick, exact enough for slow wheels, and strict about how
 * it is called. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct vmsnd_resampler {
	uint32_t channels;
	double at; /* of the next output frame; `last` is at 0, the next input frame at 1 */
	float last[VMSND_CHANNELS_MAX];
};

static enum vmsnd_rc rates_open(enum vmsnd_quality quality, uint32_t channels,
				struct vmsnd_resampler **out)
{
	struct vmsnd_resampler *resampler = calloc(1, sizeof(*resampler));

	if (!resampler || channels == 0 || channels > VMSND_CHANNELS_MAX)
		abort();
	resampler->channels = channels;
	resampler->at = 1;
	*out = resampler;
	return VMSND_OK;
}

static void rates_close(struct vmsnd_resampler *resampler)
{
	free(resampler);
}

static void rates_reset_rt(struct vmsnd_resampler *resampler)
{
	resampler->at = 1;
	memset(resampler->last, 0, sizeof(resampler->last));
}

static void one_rt(const struct vmsnd_resampler *resampler, const float *from, uint32_t base,
		   float part, float *to)
{
	const float *b = from + (size_t)base * resampler->channels;
	const float *a = base ? b - resampler->channels : resampler->last;

	for (uint32_t c = 0; c < resampler->channels; c++)
		to[c] = a[c] + (b[c] - a[c]) * part;
}

static void rates_process_rt(struct vmsnd_resampler *resampler, double ratio,
			     struct vmsnd_resampler_work *work)
{
	uint32_t n = 0, whole;

	while (n < work->made && resampler->at < work->used) {
		uint32_t base = (uint32_t)resampler->at;

		one_rt(resampler, work->from, base, (float)(resampler->at - base),
		       work->to + (size_t)n * resampler->channels);
		resampler->at += 1.0 / ratio;
		n++;
	}
	whole = resampler->at < work->used ? (uint32_t)resampler->at : work->used;
	if (whole > 0)
		memcpy(resampler->last, work->from + (size_t)(whole - 1) * resampler->channels,
		       resampler->channels * sizeof(float));
	resampler->at -= whole;
	work->used = whole;
	work->made = n;
}

static uint32_t rates_need_rt(const struct vmsnd_resampler *resampler, double ratio,
			      uint32_t frames)
{
	return frames ? (uint32_t)(resampler->at + (frames - 1) / ratio) + 1 : 0;
}

static double rates_held_rt(const struct vmsnd_resampler *resampler)
{
	return resampler->at < 1 ? 1 - resampler->at : 0;
}

static uint32_t rates_delay_frames(enum vmsnd_quality quality)
{
	return 1;
}

const struct vmsnd_resampler_class sim_rates = {
    rates_open,    rates_close,   rates_reset_rt,     rates_process_rt,
    rates_need_rt, rates_held_rt, rates_delay_frames,
};
