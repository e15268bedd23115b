/* SPDX-License-Identifier: BSD-3-Clause */
/* From one format to another, all the way: decode, remix, change the rate, loudness, encode.
 *
 * The one path between a ring and a host, whichever way. When both formats are the same, the
 * rate is not bent and the loudness is unity, it is memcpy and the samples are the same bits.
 * What is no PCM only goes this way: of loudness, it knows silence. */
#ifndef VMSND_PCM_FLOW_H
#define VMSND_PCM_FLOW_H

#include "base/ring.h"
#include "pcm/codec.h"
#include "pcm/gain.h"
#include "pcm/remix.h"
#include "pcm/resample.h"

#define VMSND_FLOW_CHUNK_FRAMES 256u

struct vmsnd_flow_conf {
	struct vmsnd_format from, to;
	struct vmsnd_volume volume;                /* in `to`'s channels */
	struct vmsnd_volume before;                /* and in `from`'s, before they are remixed */
	const struct vmsnd_resampler_class *rates; /* NULL: the rates must be equal */
	enum vmsnd_quality quality;
	enum vmsnd_cpu cpu;
	bool bend;   /* the rate will be bent: through the converter, if any, and never exact */
	bool dither; /* where bits are lost */
};

/* Private to flow*.c but for `gain` and `before`, through which the lane changes the loudness. */
struct vmsnd_flow {
	struct vmsnd_flow_conf conf;
	uint32_t from_bytes, to_bytes; /* of a frame */
	uint32_t mid_channels;         /* through the converter: the fewer of both sides */
	const struct vmsnd_codec *decode, *encode;
	struct vmsnd_remix remix;
	struct vmsnd_gain before, gain; /* conf.before, conf.volume */
	struct vmsnd_dither dither;
	bool opaque;                       /* no PCM, and both are the same */
	bool equal;                        /* both formats are the same and there is no converter */
	bool lossy;                        /* bits are lost even at unity */
	struct vmsnd_resampler *resampler; /* NULL: same rate, not bent */
	double ratio;                      /* nominal: to / from */
	double bend;                       /* times this; 1.0 unless bent */
	double padded; /* frames of silence that draining put behind the sound */
	/* Decoded and remixed input that the converter has not taken yet. */
	uint32_t kept_frames;
	float kept[VMSND_FLOW_CHUNK_FRAMES * VMSND_CHANNELS_MAX];
	float made[VMSND_FLOW_CHUNK_FRAMES * VMSND_CHANNELS_MAX];
	double a[VMSND_FLOW_CHUNK_FRAMES * VMSND_CHANNELS_MAX];
	double b[VMSND_FLOW_CHUNK_FRAMES * VMSND_CHANNELS_MAX];
};

/* In storage of any content. VMSND_E_INVALID: a format that is none; VMSND_E_UNSUPPORTED: the rates
 * differ and there is no converter, or one is no PCM and the other is not the same;
 * VMSND_E_NOMEM. Nothing to close on failure. Not on an audio
 * thread. */
enum vmsnd_rc vmsnd_flow_open(struct vmsnd_flow *flow, const struct vmsnd_flow_conf *conf);
/* Legal on a zeroed flow and twice. */
void vmsnd_flow_close(struct vmsnd_flow *flow);
/* Forgets what it holds of the past. */
void vmsnd_flow_reset(struct vmsnd_flow *flow);

/* Makes up to `frames` frames of `to` from what `from` (a ring's reader) holds, and says how many
 * it made; fewer only when the ring ran empty. *taken: frames that left the ring. Whoever calls
 * fills the rest with silence. */
uint32_t vmsnd_flow_pull_rt(struct vmsnd_flow *flow, struct vmsnd_ring_end *from, void *to,
			    uint32_t frames, uint32_t *taken);
/* The ring is empty and stays so: makes up to `frames` of what is held in here; 0 once all is out,
 * and at once when there is no converter. For a pull's flow (a push has nobody who would wait);
 * what is pulled afterwards without a reset comes after a short silence. */
uint32_t vmsnd_flow_drain_rt(struct vmsnd_flow *flow, void *to, uint32_t frames);
/* The same as pull, added to what `mix` (doubles, to's channels) holds already: no encoding. */
uint32_t vmsnd_flow_pull_mix_rt(struct vmsnd_flow *flow, struct vmsnd_ring_end *from, double *mix,
				uint32_t frames, uint32_t *taken);

/* One block on its way into a ring. */
struct vmsnd_flow_block {
	const void *samples; /* NULL: silence */
	uint32_t frames;
	/* Adds other sources to what comes out (doubles, to's channels) before it is encoded; NULL:
	 * there are none. Not called for what is no PCM. */
	void (*mix_rt)(void *ctx, double *samples, uint32_t frames);
	void *ctx;
};

/* The whole block goes into `to` (a ring's writer), as far as there is room; *lost: frames of the
 * ring's format that found none, the newest. Returns frames written. */
uint32_t vmsnd_flow_push_rt(struct vmsnd_flow *flow, const struct vmsnd_flow_block *block,
			    struct vmsnd_ring_end *to, uint32_t *lost);

/* Bends the rate: 1.0001 makes 1.0001 times as many frames of the same sound. Within 0.9 .. 1.1.
 * Without a converter nothing is bent. */
void vmsnd_flow_bend_rt(struct vmsnd_flow *flow, double factor);
/* Whether samples pass as they are just now. */
bool vmsnd_flow_exact_rt(const struct vmsnd_flow *flow);
/* Frames of `from` that went in and have not come out: the delay in here. */
uint32_t vmsnd_flow_held_frames_rt(const struct vmsnd_flow *flow);

#endif
