/* SPDX-License-Identifier: BSD-3-Clause */
/* From one format to another: the stages, and what drives them out of and into a ring. */
#include "pcm/flow.h"

#include <string.h>

/* Where frames of `from` come from: a ring, or a block (NULL: silence). */
struct source {
	struct vmsnd_ring_end *ring;
	const unsigned char *block;
	uint32_t left; /* of the block */
	uint32_t taken;
};

/* ---- opening ---- */

/* Moves samples only: no two are added up and none is scaled. */
static bool remix_moves(const struct vmsnd_remix *remix)
{
	for (uint32_t to = 0; to < remix->to_channels; to++) {
		uint32_t sources = 0;

		for (uint32_t from = 0; from < remix->from_channels; from++) {
			float gain = remix->gains[to][from];

			if (gain != 0.0f && gain != 1.0f)
				return false;
			sources += gain != 0.0f;
		}
		if (sources > 1)
			return false;
	}
	return true;
}

static void init_stages(struct vmsnd_flow *flow)
{
	const struct vmsnd_format *from = &flow->conf.from, *to = &flow->conf.to;

	flow->decode = vmsnd_codec_find(from->sample, from->big_endian, flow->conf.cpu);
	flow->encode = vmsnd_codec_find(to->sample, to->big_endian, flow->conf.cpu);
	vmsnd_remix_init(&flow->remix, from, to);
	vmsnd_gain_init(&flow->before, from, &flow->conf.before);
	vmsnd_gain_init(&flow->gain, to, &flow->conf.volume);
	flow->mid_channels = from->channels < to->channels ? from->channels : to->channels;
	flow->ratio = (double)to->rate_hz / from->rate_hz;
	flow->bend = 1.0;
	flow->lossy = vmsnd_sample_bits(to->sample) < vmsnd_sample_bits(from->sample) ||
		      !(flow->remix.identity || remix_moves(&flow->remix));
}

/* Nothing but the bytes, and the loudness for whether there is any. */
static enum vmsnd_rc open_opaque(struct vmsnd_flow *flow)
{
	const struct vmsnd_format *to = &flow->conf.to;

	if (!vmsnd_format_equal(&flow->conf.from, to))
		return VMSND_E_UNSUPPORTED;
	vmsnd_gain_init(&flow->before, to, &flow->conf.before);
	vmsnd_gain_init(&flow->gain, to, &flow->conf.volume);
	flow->ratio = flow->bend = 1.0;
	flow->opaque = flow->equal = true;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_flow_open(struct vmsnd_flow *flow, const struct vmsnd_flow_conf *conf)
{
	const struct vmsnd_resampler_class *rates = conf->rates;
	bool same_rate = conf->from.rate_hz == conf->to.rate_hz;
	enum vmsnd_rc rc = VMSND_OK;

	memset(flow, 0, sizeof(*flow));
	flow->conf = *conf;
	flow->from_bytes = vmsnd_format_frame_bytes(&conf->from);
	flow->to_bytes = vmsnd_format_frame_bytes(&conf->to);
	if (!flow->from_bytes || !flow->to_bytes)
		return VMSND_E_INVALID;
	if (vmsnd_sample_is_opaque(conf->from.sample) || vmsnd_sample_is_opaque(conf->to.sample))
		return open_opaque(flow);
	if (!same_rate && !rates)
		return VMSND_E_UNSUPPORTED;
	init_stages(flow);
	if (rates && (!same_rate || conf->bend))
		rc = rates->open(conf->quality, flow->mid_channels, &flow->resampler);
	if (rc)
		flow->resampler = NULL;
	flow->equal = !flow->resampler && vmsnd_format_equal(&conf->from, &conf->to);
	return rc;
}

void vmsnd_flow_close(struct vmsnd_flow *flow)
{
	if (flow->resampler)
		flow->conf.rates->close(flow->resampler);
	flow->resampler = NULL;
}

void vmsnd_flow_reset(struct vmsnd_flow *flow)
{
	if (flow->resampler)
		flow->conf.rates->reset_rt(flow->resampler);
	flow->kept_frames = 0;
	flow->padded = 0;
}

/* Nobody makes it louder or softer just now. */
static bool unity_rt(const struct vmsnd_flow *flow)
{
	return vmsnd_gain_unity_rt(&flow->before) && vmsnd_gain_unity_rt(&flow->gain);
}

/* ---- stages ---- */

/* Takes at most `frames` that lie in one piece; what they are is good until the next commit. */
static uint32_t source_begin_rt(struct source *source, uint32_t frames, const void **at)
{
	void *piece;

	if (!source->ring) {
		*at = source->block;
		return source->left < frames ? source->left : frames;
	}
	frames = vmsnd_ring_read_begin_rt(source->ring, frames, &piece);
	*at = piece;
	return frames;
}

static void source_commit_rt(struct source *source, uint32_t frames, uint32_t frame_bytes)
{
	source->taken += frames;
	if (source->ring) {
		vmsnd_ring_read_commit_rt(source->ring, frames);
		return;
	}
	source->left -= frames;
	if (source->block)
		source->block += (size_t)frames * frame_bytes;
}

/* Into whichever of the two buffers `from` is not. */
static double *remixed_rt(struct vmsnd_flow *flow, double *from, uint32_t frames)
{
	double *to = from == flow->a ? flow->b : flow->a;

	if (flow->remix.identity)
		return from;
	vmsnd_remix_rt(&flow->remix, to, from, frames);
	return to;
}

/* At most a chunk from the source, decoded, as loud as its channels are; *out holds those. */
static uint32_t decoded_rt(struct vmsnd_flow *flow, struct source *source, uint32_t frames,
			   double **out)
{
	const void *at;
	size_t samples;

	if (frames > VMSND_FLOW_CHUNK_FRAMES)
		frames = VMSND_FLOW_CHUNK_FRAMES;
	frames = source_begin_rt(source, frames, &at);
	samples = (size_t)frames * flow->conf.from.channels;
	*out = flow->a;
	if (at)
		flow->decode->decode_rt(flow->a, at, samples);
	else
		memset(flow->a, 0, samples * sizeof(flow->a[0]));
	if (frames)
		vmsnd_gain_apply_rt(&flow->before, flow->a, frames);
	source_commit_rt(source, frames, flow->from_bytes);
	return frames;
}

/* Remixing comes where there are fewer channels behind it, or before it, to convert. */
static bool remix_first_rt(const struct vmsnd_flow *flow)
{
	return flow->conf.to.channels <= flow->conf.from.channels;
}

/* Adds to what is kept for the converter; returns frames added. */
static uint32_t keep_rt(struct vmsnd_flow *flow, struct source *source, uint32_t frames)
{
	float *to = flow->kept + (size_t)flow->kept_frames * flow->mid_channels;
	double *samples;

	frames = decoded_rt(flow, source, frames, &samples);
	if (remix_first_rt(flow))
		samples = remixed_rt(flow, samples, frames);
	for (size_t i = 0; i < (size_t)frames * flow->mid_channels; i++)
		to[i] = (float)samples[i];
	flow->kept_frames += frames;
	return frames;
}

/* One call of the converter; returns frames made and, by *used, whether it took any. */
static uint32_t convert_rt(struct vmsnd_flow *flow, uint32_t frames, uint32_t *used)
{
	size_t frame = flow->mid_channels * sizeof(flow->kept[0]);
	struct vmsnd_resampler_work work = {
	    .from = flow->kept, .to = flow->made, .used = flow->kept_frames, .made = frames};

	flow->conf.rates->process_rt(flow->resampler, flow->ratio * flow->bend, &work);
	flow->kept_frames -= work.used;
	if (flow->kept_frames)
		memmove(flow->kept, (unsigned char *)flow->kept + work.used * frame,
			flow->kept_frames * frame);
	*used = work.used;
	return work.made;
}

/* How many to take from the source so that `frames` come out of the converter. */
static uint32_t lacking_rt(const struct vmsnd_flow *flow, uint32_t frames)
{
	uint32_t need =
	    flow->conf.rates->need_rt(flow->resampler, flow->ratio * flow->bend, frames);
	uint32_t room = VMSND_FLOW_CHUNK_FRAMES - flow->kept_frames;

	need = need > flow->kept_frames ? need - flow->kept_frames : 0;
	return need < room ? need : room;
}

/* At most a chunk through the converter; 0: the source ran empty. */
static uint32_t converted_rt(struct vmsnd_flow *flow, struct source *source, uint32_t frames,
			     double **out)
{
	uint32_t made = 0;
	bool stuck = false, again = true;

	if (frames > VMSND_FLOW_CHUNK_FRAMES)
		frames = VMSND_FLOW_CHUNK_FRAMES;
	while (!made && again) {
		uint32_t lacking = lacking_rt(flow, frames), kept, used;

		/* Whatever the converter said, it needs more. */
		if (stuck && !lacking && flow->kept_frames < VMSND_FLOW_CHUNK_FRAMES)
			lacking = 1;
		kept = keep_rt(flow, source, lacking);
		made = convert_rt(flow, frames, &used);
		again = used || kept || !stuck;
		stuck = !used && !kept;
	}
	for (size_t i = 0; i < (size_t)made * flow->mid_channels; i++)
		flow->a[i] = (double)flow->made[i];
	*out = remix_first_rt(flow) ? flow->a : remixed_rt(flow, flow->a, made);
	return made;
}

/* All stages but mixing and encoding: at most a chunk, 0 when the source ran empty. */
static uint32_t finished_rt(struct vmsnd_flow *flow, struct source *source, uint32_t frames,
			    double **out)
{
	if (flow->resampler) {
		frames = converted_rt(flow, source, frames, out);
	} else {
		frames = decoded_rt(flow, source, frames, out);
		*out = remixed_rt(flow, *out, frames);
	}
	if (frames)
		vmsnd_gain_apply_rt(&flow->gain, *out, frames);
	return frames;
}

/* Whether bits are lost in samples that were made louder or softer (not `unity`), or mixed. Silence
 * that somebody asked for is silence. */
static bool rough_rt(const struct vmsnd_flow *flow, bool unity, bool mixed)
{
	if (!flow->conf.dither || !flow->encode->encode_dither_rt)
		return false;
	if (!mixed && (vmsnd_gain_silent_rt(&flow->before) || vmsnd_gain_silent_rt(&flow->gain)))
		return false;
	return mixed || !unity || flow->lossy || flow->resampler;
}

static void encode_rt(struct vmsnd_flow *flow, void *to, const double *from, uint32_t frames,
		      bool rough)
{
	size_t samples = (size_t)frames * flow->conf.to.channels;

	if (rough)
		flow->encode->encode_dither_rt(to, from, samples, &flow->dither);
	else
		flow->encode->encode_rt(to, from, samples);
}

/* ---- out of a ring ---- */

static uint32_t copy_rt(struct vmsnd_flow *flow, struct source *source, void *to, uint32_t frames)
{
	const void *at;

	frames = source_begin_rt(source, frames, &at);
	if (at)
		memcpy(to, at, (size_t)frames * flow->to_bytes);
	else
		vmsnd_format_silence_rt(&flow->conf.to, to, frames);
	source_commit_rt(source, frames, flow->from_bytes);
	return frames;
}

static bool mutes_rt(const struct vmsnd_flow *flow, uint32_t channel)
{
	return vmsnd_gain_mutes_rt(&flow->before, channel) ||
	       vmsnd_gain_mutes_rt(&flow->gain, channel);
}

static bool mutes_any_rt(const struct vmsnd_flow *flow)
{
	uint32_t i = 0;

	while (i < flow->conf.to.channels && !mutes_rt(flow, i))
		i++;
	return i < flow->conf.to.channels;
}

/* Channels that are muted: a pattern of silence in place of what is there. */
static void mute_rt(const struct vmsnd_flow *flow, void *samples, uint32_t frames)
{
	uint32_t channels = flow->conf.to.channels, bytes = flow->to_bytes / channels;
	uint8_t quiet[sizeof(uint32_t) * VMSND_CHANNELS_MAX];

	vmsnd_format_silence_rt(&flow->conf.to, quiet, 1);
	for (uint32_t i = 0; i < channels; i++) {
		uint8_t *at = (uint8_t *)samples + (size_t)i * bytes;

		if (!mutes_rt(flow, i))
			continue;
		for (uint32_t n = 0; n < frames; n++, at += flow->to_bytes)
			memcpy(at, quiet, bytes);
	}
}

static uint32_t pass_rt(struct vmsnd_flow *flow, struct source *source, void *to, uint32_t frames)
{
	frames = copy_rt(flow, source, to, frames);
	if (flow->opaque)
		mute_rt(flow, to, frames);
	return frames;
}

static uint32_t pull_piece_rt(struct vmsnd_flow *flow, struct source *source, void *to,
			      uint32_t frames)
{
	/* Asked before the gain moves: the end of a ramp is still a part of it. */
	bool unity = unity_rt(flow);
	double *samples;

	if (flow->equal && (unity || flow->opaque))
		return pass_rt(flow, source, to, frames);
	frames = finished_rt(flow, source, frames, &samples);
	encode_rt(flow, to, samples, frames, rough_rt(flow, unity, false));
	return frames;
}

static uint32_t pull_rt(struct vmsnd_flow *flow, struct source *source, unsigned char *to,
			uint32_t frames)
{
	uint32_t done = 0, piece = 1;

	while (done < frames && piece) {
		piece =
		    pull_piece_rt(flow, source, to + (size_t)done * flow->to_bytes, frames - done);
		done += piece;
	}
	return done;
}

uint32_t vmsnd_flow_pull_rt(struct vmsnd_flow *flow, struct vmsnd_ring_end *from, void *to,
			    uint32_t frames, uint32_t *taken)
{
	struct source source = {.ring = from};
	uint32_t done = pull_rt(flow, &source, to, frames);

	/* Silence of a drain that was not the end is sound like any other. */
	if (source.taken)
		flow->padded = 0;
	*taken = source.taken;
	return done;
}

uint32_t vmsnd_flow_pull_mix_rt(struct vmsnd_flow *flow, struct vmsnd_ring_end *from, double *mix,
				uint32_t frames, uint32_t *taken)
{
	struct source source = {.ring = from};
	uint32_t channels = flow->conf.to.channels, done = 0, piece = !flow->opaque;

	while (done < frames && piece) {
		double *samples;

		piece = finished_rt(flow, &source, frames - done, &samples);
		vmsnd_mix_add_rt(flow->conf.cpu, mix + (size_t)done * channels, samples,
				 (size_t)piece * channels);
		done += piece;
	}
	*taken = source.taken;
	return done;
}

/* Input frames, the silence of a drain included, that have not come out. */
static double inside_rt(const struct vmsnd_flow *flow)
{
	if (!flow->resampler)
		return 0;
	return flow->conf.rates->held_rt(flow->resampler) + flow->kept_frames;
}

/* Those of sound. */
static double held_rt(const struct vmsnd_flow *flow)
{
	double held = inside_rt(flow) - flow->padded;

	return held > 0 ? held : 0;
}

uint32_t vmsnd_flow_drain_rt(struct vmsnd_flow *flow, void *to, uint32_t frames)
{
	struct source source = {.left = UINT32_MAX};
	/* What arithmetic lost must not cost a frame. */
	double rest = held_rt(flow) * flow->ratio * flow->bend + 1e-6;
	uint32_t wanted = rest < frames ? (uint32_t)rest : frames;
	uint32_t done = wanted ? pull_rt(flow, &source, to, wanted) : 0;

	flow->padded += source.taken;
	/* What is left now is less than a frame. */
	if (wanted < frames)
		flow->padded = inside_rt(flow);
	return done;
}

/* ---- into a ring ---- */

static uint32_t write_rt(struct vmsnd_flow *flow, struct vmsnd_ring_end *to, const double *samples,
			 uint32_t frames, bool rough)
{
	uint32_t done = 0, piece = 1;

	while (done < frames && piece) {
		void *at;

		piece = vmsnd_ring_write_begin_rt(to, frames - done, &at);
		encode_rt(flow, at, samples + (size_t)done * flow->conf.to.channels, piece, rough);
		vmsnd_ring_write_commit_rt(to, piece);
		done += piece;
	}
	return done;
}

/* Bytes as they are; what finds no room is left in the source. */
static uint32_t push_equal_rt(struct vmsnd_flow *flow, struct source *source,
			      struct vmsnd_ring_end *to)
{
	uint32_t done = 0, piece = 1;

	while (piece) {
		void *at;

		piece = vmsnd_ring_write_begin_rt(to, source->left, &at);
		pass_rt(flow, source, at, piece);
		vmsnd_ring_write_commit_rt(to, piece);
		done += piece;
	}
	return done;
}

/* One chunk; *made: frames of the ring's format it became. */
static uint32_t push_piece_rt(struct vmsnd_flow *flow, const struct vmsnd_flow_block *block,
			      struct source *source, struct vmsnd_ring_end *to, uint32_t *made)
{
	bool unity = unity_rt(flow);
	double *samples;
	uint32_t done;

	if (flow->opaque || (unity && flow->equal && !block->mix_rt)) {
		done = push_equal_rt(flow, source, to);
		*made = done + source->left;
		source->left = 0;
		return done;
	}
	*made = finished_rt(flow, source, VMSND_FLOW_CHUNK_FRAMES, &samples);
	/* Frames that find no room are mixed, too: the sources' time goes on. */
	if (block->mix_rt && *made)
		block->mix_rt(block->ctx, samples, *made);
	return write_rt(flow, to, samples, *made, rough_rt(flow, unity, block->mix_rt));
}

uint32_t vmsnd_flow_push_rt(struct vmsnd_flow *flow, const struct vmsnd_flow_block *block,
			    struct vmsnd_ring_end *to, uint32_t *lost)
{
	struct source source = {.block = block->samples, .left = block->frames};
	uint32_t done = 0, made = 1;

	*lost = 0;
	while (made) {
		uint32_t written = push_piece_rt(flow, block, &source, to, &made);

		done += written;
		*lost += made - written;
	}
	return done;
}

/* ---- the rest ---- */

void vmsnd_flow_bend_rt(struct vmsnd_flow *flow, double factor)
{
	/* Written so that not-a-number is refused, too. */
	if (flow->resampler && factor >= 0.9 && factor <= 1.1)
		flow->bend = factor;
}

bool vmsnd_flow_exact_rt(const struct vmsnd_flow *flow)
{
	if (flow->opaque)
		return !mutes_any_rt(flow);
	return flow->equal && unity_rt(flow);
}

uint32_t vmsnd_flow_held_frames_rt(const struct vmsnd_flow *flow)
{
	return (uint32_t)(held_rt(flow) + 0.5);
}
