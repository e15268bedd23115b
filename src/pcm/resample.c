/* SPDX-License-Identifier: BSD-3-Clause */
/* The sinc converters of libsamplerate as a resampler class. The one file of pcm that is not pure:
 * it is linked beside the pure library, and the flow gets its functions through a table.
 *
 * What the library does and does not tell, and is counted here instead: a frame comes out once more
 * than `reach` input frames lie behind its place, the reach being half the filter. The first frame
 * out is at the place of the first frame in, so a converter adds no delay to the sound but takes
 * `reach` frames in advance. The library goes over to a new ratio in equal steps, one a frame asked
 * for. */
#include "pcm/resample.h"

#include <math.h>
#include <samplerate.h>
#include <stdlib.h>

/* Frames of output over which a new ratio is approached, most of the way. The library alone gets
 * there within the call, which is heard as a kink: 14 dB more of it (bench/resample.c). */
#define APPROACH_FRAMES 1024.0

/* Of a frame: where the library and the counts here may see the same place differently. */
#define EDGE 1e-6

struct vmsnd_resampler {
	SRC_STATE *state;
	enum vmsnd_quality quality;
	double ratio; /* the library's, where its last approach ended; 0: none yet */
	double held;  /* frames in, less the place of the next frame out */
};

/* Of each converter: its number, and half its filter in input frames (coefficients on one side by
 * steps of a frame: 2464/128, 22438/491, 340239/2381). test_resample.c measures them. */
static const struct {
	int converter;
	double half_frames;
} qualities[] = {
    [VMSND_QUALITY_FASTEST] = {SRC_SINC_FASTEST, 2464.0 / 128},
    [VMSND_QUALITY_MEDIUM] = {SRC_SINC_MEDIUM_QUALITY, 22438.0 / 491},
    [VMSND_QUALITY_BEST] = {SRC_SINC_BEST_QUALITY, 340239.0 / 2381},
};

static enum vmsnd_rc resampler_open(enum vmsnd_quality quality, uint32_t channels,
				    struct vmsnd_resampler **out)
{
	struct vmsnd_resampler *resampler = calloc(1, sizeof(*resampler));
	int error;

	if (!resampler)
		return VMSND_E_NOMEM;
	resampler->quality = quality;
	resampler->state = src_new(qualities[quality].converter, (int)channels, &error);
	if (!resampler->state) {
		free(resampler);
		return VMSND_E_NOMEM;
	}
	*out = resampler;
	return VMSND_OK;
}

static void resampler_close(struct vmsnd_resampler *resampler)
{
	src_delete(resampler->state);
	free(resampler);
}

static void reset_rt(struct vmsnd_resampler *resampler)
{
	src_reset(resampler->state);
	resampler->ratio = 0;
	resampler->held = 0;
}

/* Where the ratio is to be at the end of so many frames. */
static double next_ratio_rt(const struct vmsnd_resampler *resampler, double ratio, uint32_t frames)
{
	if (resampler->ratio == 0 || frames > APPROACH_FRAMES)
		return ratio;
	return resampler->ratio + (ratio - resampler->ratio) * frames / APPROACH_FRAMES;
}

/* Below 1 the filter is stretched, to keep out what the lower rate cannot carry. */
static double reach_rt(const struct vmsnd_resampler *resampler, double ratio)
{
	double half = qualities[resampler->quality].half_frames;

	if (resampler->ratio > 0 && resampler->ratio < ratio)
		ratio = resampler->ratio;
	return rint(ratio < 1 ? half / ratio : half) + 1;
}

static uint32_t need_rt(const struct vmsnd_resampler *resampler, double ratio, uint32_t frames)
{
	double slow = next_ratio_rt(resampler, ratio, frames), need;

	need = reach_rt(resampler, slow) + EDGE - resampler->held;
	if (resampler->ratio > 0 && resampler->ratio < slow)
		slow = resampler->ratio;
	need += (frames - 1.0) / slow;
	return need < 0 ? 0 : (uint32_t)need + 1;
}

/* Frames that can come out of so many held; at least 1, for the library takes nothing in when it
 * is asked for nothing. Asked for more it would go only a part of the way to a new ratio. */
static uint32_t possible_rt(const struct vmsnd_resampler *resampler, double ratio, double held)
{
	double fast = resampler->ratio > ratio ? resampler->ratio : ratio;
	double frames = ceil((held - reach_rt(resampler, ratio)) * fast + EDGE);

	if (frames < 1)
		return 1;
	return frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
}

/* Input that `made` frames took while the ratio went on from `begin` to `end`: Simpson's rule. */
static double passed_rt(double begin, double end, uint32_t made)
{
	return made * (1 / begin + 8 / (begin + end) + 1 / end) / 6;
}

/* What the call did to the library's ratio and to what is held. */
static void account_rt(struct vmsnd_resampler *resampler, const SRC_DATA *data)
{
	double begin = resampler->ratio, end = begin, last = begin;
	double step = (data->src_ratio - begin) / (double)data->output_frames;
	uint32_t made = (uint32_t)data->output_frames_gen;

	if (made && fabs(data->src_ratio - begin) > 1e-10) { /* the library's own limit */
		end = begin + made * step;
		last = end - step;
	}
	resampler->held += (double)data->input_frames_used;
	resampler->held -= passed_rt(begin, end, made);
	/* begin .. last are what was gone by: less than a step beside the integral. */
	resampler->held += (1 / end - 1 / begin) / 2;
	resampler->ratio = last;
}

static void process_rt(struct vmsnd_resampler *resampler, double ratio,
		       struct vmsnd_resampler_work *work)
{
	uint32_t possible = possible_rt(resampler, ratio, resampler->held + work->used);
	SRC_DATA data = {.data_in = work->from,
			 .data_out = work->to,
			 .input_frames = (long)work->used,
			 .output_frames = (long)(possible < work->made ? possible : work->made)};

	data.src_ratio = next_ratio_rt(resampler, ratio, (uint32_t)data.output_frames);
	if (resampler->ratio == 0 || data.output_frames == 1) {
		/* Over a single frame the library would not move at all. */
		src_set_ratio(resampler->state, data.src_ratio);
		resampler->ratio = data.src_ratio;
	}
	if (src_process(resampler->state, &data)) {
		/* No argument of ours is refused; were one, sound would go on from here. */
		reset_rt(resampler);
		work->made = 0;
		return;
	}
	account_rt(resampler, &data);
	work->used = (uint32_t)data.input_frames_used;
	work->made = (uint32_t)data.output_frames_gen;
}

static double held_rt(const struct vmsnd_resampler *resampler)
{
	return resampler->held > 0 ? resampler->held : 0;
}

static uint32_t delay_frames(enum vmsnd_quality quality)
{
	return (uint32_t)rint(qualities[quality].half_frames) + 1;
}

const struct vmsnd_resampler_class vmsnd_resampler_samplerate = {
    .open = resampler_open,
    .close = resampler_close,
    .reset_rt = reset_rt,
    .process_rt = process_rt,
    .need_rt = need_rt,
    .held_rt = held_rt,
    .delay_frames = delay_frames,
};
