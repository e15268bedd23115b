/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames between guest memory and the ports: tone and mono on their way out; source and microphone
 * boost on their way in. */
#include "devices/ac97/sound_parts.h"

#include <math.h>

#include "base/endian.h"

#define FULL_16 32768.0
#define FULL_20 524288.0

/* ---- samples ------------------------------------------------------------------------------------
 */

static int32_t rounded(double value, double full)
{
	double scaled = value * full;

	if (scaled >= full - 1)
		return (int32_t)full - 1;
	return scaled <= -full ? (int32_t)-full : (int32_t)lrint(scaled);
}

double ac97_sample_get(const struct vmsnd_format *format, const void *frames, size_t index)
{
	const uint8_t *at = frames;

	if (format->sample == VMSND_SAMPLE_S16)
		return (double)(int16_t)vmsnd_le16(at + 2 * index) / FULL_16;
	return (double)(int32_t)vmsnd_le32(at + 4 * index) / 2147483648.0;
}

void ac97_sample_put(const struct vmsnd_format *format, void *frames, size_t index, double value)
{
	uint8_t *at = frames;

	if (format->sample == VMSND_SAMPLE_S16)
		vmsnd_put_le16(at + 2 * index, (uint16_t)rounded(value, FULL_16));
	else
		vmsnd_put_le32(at + 4 * index, (uint32_t)rounded(value, FULL_20) << 12);
}

/* ---- playing
 * ------------------------------------------------------------------------------------- */

static void make_mono(const struct vmsnd_format *format, void *frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t at = (size_t)i * format->channels;
		double left = ac97_sample_get(format, frames, at);
		double right = ac97_sample_get(format, frames, at + 1);

		ac97_sample_put(format, frames, at, (left + right) / 2);
		ac97_sample_put(format, frames, at + 1, (left + right) / 2);
	}
}

void ac97_sound_play(struct ac97_sound *sound, const struct vmsnd_format *format, void *frames,
		     uint32_t n)
{
	if (format->channels >= 2) {
		ac97_tone_apply(&sound->tone, format, frames, n);
		if (sound->outlet == AC97_OUTLET_MONO)
			make_mono(format, frames, n);
	}
	if (sound->loop.wanted)
		ac97_loop_keep(sound, format, frames, n);
}

/* ---- recording
 * ------------------------------------------------------------------------------------ */

static enum ac97_source source_of(const struct ac97_sound *sound, enum ac97_converter converter,
				  unsigned side)
{
	uint16_t select = ac97_codec_reg(sound->codec, AC97_RECORD_SELECT);

	if (converter != AC97_ADC)
		return AC97_SOURCE_MIC;
	return (enum ac97_source)(select >> (side == AC97_LEFT ? 8 : 0) & 7);
}

static bool is_mix(enum ac97_source source)
{
	return source == AC97_SOURCE_STEREO_MIX || source == AC97_SOURCE_MONO_MIX;
}

/* The AD parts' MBG: 20, 10, 30 dB. */
static double wanted_boost(const struct ac97_codec *codec)
{
	static const int32_t boosts_mdb[] = {20000, 10000, 30000, 20000};
	bool ad = ac97_codec_part(codec)->flags & AC97_PART_MUTE_SPLIT;

	if (!(ac97_codec_reg(codec, AC97_MIC_IN) & AC97_MIC_BOOST))
		return 1;
	return ac97_factor(boosts_mdb[ad ? ac97_codec_reg(codec, AC97_AD_MISC) & 3 : 0]);
}

struct recording {
	struct ac97_sound *sound;
	const struct vmsnd_format *format;
	enum ac97_source sources[2];
	double step;    /* of the boost, a frame */
	double gain[2]; /* of the mix: the host's input has it from its port */
};

static double from_loop(enum ac97_source source, const double mix[2], unsigned side)
{
	return source == AC97_SOURCE_STEREO_MIX ? mix[side] : (mix[0] + mix[1]) / 2;
}

/* One sample of the host's input, or what is in its place; NAN: as it is. */
static double recorded(const struct recording *recording, unsigned side, const double mix[2],
		       double input)
{
	switch (recording->sources[side]) {
	case AC97_SOURCE_MIC:
		return recording->sound->boost == 1.0 ? (double)NAN
						      : input * recording->sound->boost;
	case AC97_SOURCE_LINE:
		return (double)NAN;
	case AC97_SOURCE_STEREO_MIX:
	case AC97_SOURCE_MONO_MIX:
		return from_loop(recording->sources[side], mix, side);
	default:
		return 0;
	}
}

static void record_frames(const struct recording *recording, bool mixed, void *frames, uint32_t n)
{
	const struct vmsnd_format *format = recording->format;
	struct ac97_sound *sound = recording->sound;
	double mix[2] = {0, 0};

	for (uint32_t i = 0; i < n; i++) {
		if (mixed)
			ac97_loop_next(&sound->loop, format->rate_hz, recording->gain, mix);
		for (uint32_t channel = 0; channel < format->channels; channel++) {
			size_t at = (size_t)i * format->channels + channel;
			double value = recorded(recording, channel & 1, mix,
						ac97_sample_get(format, frames, at));

			if (!isnan(value))
				ac97_sample_put(format, frames, at, value);
		}
		if (i + 1 < n)
			sound->boost += recording->step;
	}
}

/* Nothing stands between the host's input and the guest. */
static bool is_plain(const struct recording *recording, double boost)
{
	for (unsigned side = 0; side < 2; side++)
		if (recording->sources[side] != AC97_SOURCE_LINE &&
		    (recording->sources[side] != AC97_SOURCE_MIC || boost != 1.0 ||
		     recording->sound->boost != 1.0))
			return false;
	return true;
}

void ac97_sound_record(struct ac97_sound *sound, enum ac97_converter converter,
		       const struct vmsnd_format *format, void *frames, uint32_t n)
{
	double boost = wanted_boost(sound->codec);
	struct recording recording = {
	    .sound = sound,
	    .format = format,
	    .sources = {source_of(sound, converter, AC97_LEFT),
			source_of(sound, converter, AC97_RIGHT)},
	    .step = n > 1 ? (boost - sound->boost) / (double)(n - 1) : 0,
	    .gain = {ac97_factor(ac97_record_mdb(sound, converter, AC97_LEFT)),
		     ac97_factor(ac97_record_mdb(sound, converter, AC97_RIGHT))},
	};
	bool mixed = is_mix(recording.sources[0]) || is_mix(recording.sources[1]);

	if (n == 0)
		return;
	if (!is_plain(&recording, boost)) {
		if (mixed)
			ac97_loop_begin(&sound->loop, format->rate_hz, n);
		record_frames(&recording, mixed, frames, n);
	}
	sound->boost = boost;
}

/* ---- the rest
 * ---------------------------------------------------------------------------------------- */

void ac97_sound_changed(struct ac97_sound *sound)
{
	const struct ac97_codec *codec = sound->codec;
	bool tone = codec->conf.tone;
	bool wanted = is_mix(source_of(sound, AC97_ADC, AC97_LEFT)) ||
		      is_mix(source_of(sound, AC97_ADC, AC97_RIGHT));

	ac97_tone_want(&sound->tone, tone ? ac97_codec_reg(codec, AC97_TONE) : 0x0f0f);
	if (wanted && !sound->loop.wanted)
		ac97_loop_init(&sound->loop);
	sound->loop.wanted = wanted;
}

void ac97_sound_init(struct ac97_sound *sound, const struct ac97_codec *codec,
		     enum ac97_outlet outlet)
{
	sound->codec = codec;
	sound->outlet = outlet;
	ac97_sound_reset(sound);
}

void ac97_sound_reset(struct ac97_sound *sound)
{
	sound->boost = 1;
	ac97_loop_init(&sound->loop);
	sound->loop.wanted = false;
	ac97_tone_init(&sound->tone);
	ac97_sound_changed(sound);
}
