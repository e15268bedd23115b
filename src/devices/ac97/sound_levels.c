/* SPDX-License-Identifier: BSD-3-Clause */
/* Volumes and mutes: from registers to decibels, and back. */
#include "devices/ac97/sound_parts.h"

#include <math.h>

#define STEP_MDB    1500
#define GAIN_MDB    12000 /* of step 0 of the controls whose step 8 is unity (A9-18) */
#define SILENCE_MDB VMSND_GAIN_MIN_MDB

double ac97_factor(int32_t mdb)
{
	if (mdb <= SILENCE_MDB)
		return 0;
	return mdb == 0 ? 1 : pow(10.0, (double)mdb / 20000.0);
}

static int32_t sum_mdb(int32_t a, int32_t b)
{
	return a <= SILENCE_MDB || b <= SILENCE_MDB ? SILENCE_MDB : a + b;
}

/* ---- single registers
 * ------------------------------------------------------------------------------- */

static bool splits(const struct ac97_codec *codec, unsigned offset)
{
	if (offset == AC97_CENTER_LFE || offset == AC97_SURROUND)
		return true;
	if (offset == AC97_MONO || offset == AC97_RECORD_GAIN_MIC)
		return false;
	return (ac97_codec_part(codec)->flags & AC97_PART_MUTE_SPLIT) &&
	       (ac97_codec_reg(codec, AC97_AD_MISC) & AC97_AD_MSPLT);
}

static bool is_muted(const struct ac97_codec *codec, unsigned offset, unsigned side)
{
	uint16_t mute = side == AC97_RIGHT && splits(codec, offset) ? AC97_MUTE_RIGHT : AC97_MUTE;

	return ac97_codec_reg(codec, offset) & mute;
}

static int32_t steps(const struct ac97_codec *codec, unsigned offset, unsigned side)
{
	return ac97_codec_reg(codec, offset) >> (side == AC97_LEFT ? 8 : 0) & 0x1f;
}

/* 0 .. -46.5 dB, or +12 .. -34.5 dB. */
static int32_t level_mdb(const struct ac97_codec *codec, unsigned offset, unsigned side,
			 int32_t top_mdb)
{
	if (is_muted(codec, offset, side))
		return SILENCE_MDB;
	return top_mdb - STEP_MDB * steps(codec, offset, side);
}

/* ---- outputs
 * ------------------------------------------------------------------------------------------ */

static bool is_off(const struct ac97_codec *codec, uint16_t power)
{
	return ac97_codec_reg(codec, AC97_POWER) & power;
}

static uint16_t misc(const struct ac97_codec *codec)
{
	return ac97_codec_part(codec)->flags & AC97_PART_SELECT
		   ? ac97_codec_reg(codec, AC97_AD_MISC)
		   : 0;
}

/* Whether a pair of DACs comes out at a jack: with LOSEL and HPSEL they may change places (A9-22).
 */
static bool carries_front(const struct ac97_codec *codec, unsigned offset)
{
	bool selects = ac97_codec_part(codec)->flags & AC97_PART_SELECT;

	if (offset == AC97_MASTER)
		return !(misc(codec) & AC97_AD_LOSEL);
	return !selects || (misc(codec) & AC97_AD_HPSEL);
}

/* The register of the output where the front DACs are heard; 0: at none. */
static unsigned front_register(const struct ac97_sound *sound)
{
	const struct ac97_codec *codec = sound->codec;
	bool headphone = sound->outlet == AC97_OUTLET_HEADPHONE &&
			 (ac97_codec_part(codec)->flags & AC97_PART_HEADPHONE);
	unsigned first = headphone ? AC97_HEADPHONE : AC97_MASTER;
	unsigned second = headphone ? AC97_MASTER : AC97_HEADPHONE;

	if (carries_front(codec, first))
		return first;
	return carries_front(codec, second) ? second : 0;
}

static int32_t output_mdb(const struct ac97_codec *codec, unsigned offset, unsigned side)
{
	if (offset == AC97_HEADPHONE && is_off(codec, AC97_PR6))
		return SILENCE_MDB;
	if (offset == AC97_MASTER && (misc(codec) & AC97_AD_LODIS))
		return SILENCE_MDB;
	return level_mdb(codec, offset, side, 0);
}

static int32_t dac_mdb(const struct ac97_codec *codec, unsigned side)
{
	int32_t pcm_mdb = level_mdb(codec, AC97_PCM, side, GAIN_MDB);
	bool softer = codec->conf.part == AC97_PART_STAC9700 &&
		      (ac97_codec_reg(codec, AC97_SIGMATEL_ANALOG) & AC97_SIGMATEL_DAC_6DB);

	if (!ac97_codec_works(codec, AC97_DAC_FRONT) || is_off(codec, AC97_PR2))
		return SILENCE_MDB;
	return softer ? sum_mdb(pcm_mdb, -6000) : pcm_mdb;
}

static int32_t front_mdb(const struct ac97_sound *sound, unsigned side)
{
	const struct ac97_codec *codec = sound->codec;
	unsigned offset = front_register(sound);

	if (sound->outlet == AC97_OUTLET_MONO)
		/* The microphone in its place: nothing of what is played. */
		return ac97_codec_reg(codec, AC97_GENERAL) & AC97_GENERAL_MIX
			   ? SILENCE_MDB
			   : sum_mdb(dac_mdb(codec, side),
				     level_mdb(codec, AC97_MONO, AC97_RIGHT, 0));
	if (offset == 0)
		return SILENCE_MDB;
	return sum_mdb(dac_mdb(codec, side), output_mdb(codec, offset, side));
}

/* 36 and 38 are attenuators at the outputs; with the AD1980's AC97NC gains of the DACs, and the
 * output's own register (36 has none) counts as well. */
static int32_t rear_mdb(const struct ac97_codec *codec, unsigned side)
{
	bool gains = misc(codec) & AC97_AD_AC97NC;
	int32_t mdb = level_mdb(codec, AC97_SURROUND, side, gains ? GAIN_MDB : 0);

	if (!ac97_codec_works(codec, AC97_DAC_SURROUND))
		return SILENCE_MDB;
	if (codec->conf.part == AC97_PART_ALC650)
		return sum_mdb(mdb, level_mdb(codec, AC97_ALC_SURROUND_GAIN, side, GAIN_MDB));
	if (!gains)
		return mdb;
	return sum_mdb(
	    mdb, output_mdb(codec, carries_front(codec, AC97_MASTER) ? AC97_HEADPHONE : AC97_MASTER,
			    side));
}

/* The left half of 36 is the LFE's. */
static int32_t center_mdb(const struct ac97_codec *codec, bool lfe)
{
	unsigned side = lfe ? AC97_LEFT : AC97_RIGHT;
	bool gains = misc(codec) & AC97_AD_AC97NC;
	int32_t mdb = level_mdb(codec, AC97_CENTER_LFE, side, gains ? GAIN_MDB : 0);
	uint16_t off = lfe ? AC97_EXT_PRK : AC97_EXT_PRI;

	if (!ac97_codec_works(codec, AC97_DAC_LFE) || (misc(codec) & AC97_AD_CLDIS) ||
	    (ac97_codec_reg(codec, AC97_EXTENDED) & off))
		return SILENCE_MDB;
	if (codec->conf.part == AC97_PART_ALC650)
		return sum_mdb(mdb, level_mdb(codec, AC97_ALC_LFE_GAIN, side, GAIN_MDB));
	return mdb;
}

void ac97_levels(const struct ac97_sound *sound, int32_t mdb[AC97_CHANNELS])
{
	const struct ac97_codec *codec = sound->codec;
	bool mono = sound->outlet == AC97_OUTLET_MONO;

	for (unsigned side = AC97_LEFT; side <= AC97_RIGHT; side++) {
		mdb[side] = front_mdb(sound, side);
		mdb[2 + side] = mono ? SILENCE_MDB : rear_mdb(codec, side);
		mdb[4 + side] = mono ? SILENCE_MDB : center_mdb(codec, side == AC97_RIGHT);
	}
}

/* ---- mixers
 * --------------------------------------------------------------------------------------------- */

/* The louder of the first two is the gain, others are told beside it. */
static void fill(struct vmsnd_mixer *out, const int32_t *mdb, unsigned n)
{
	int32_t gain = mdb[0] > mdb[1] ? mdb[0] : mdb[1];
	uint32_t muted = 0;

	*out = (struct vmsnd_mixer){.sources = UINT32_MAX};
	out->volume.gain_mdb = gain > SILENCE_MDB ? gain : 0;
	for (unsigned i = 0; i < n; i++) {
		if (mdb[i] > SILENCE_MDB)
			out->volume.channel_mdb[i] = mdb[i] - out->volume.gain_mdb;
		else
			muted |= 1u << i;
	}
	out->volume.muted = muted == (1u << n) - 1 ? UINT32_MAX : muted;
}

void ac97_sound_play_mixer(const struct ac97_sound *sound, struct vmsnd_mixer *out)
{
	int32_t mdb[AC97_CHANNELS];

	ac97_levels(sound, mdb);
	fill(out, mdb, AC97_CHANNELS);
	/* A stream of two channels has no others that could be heard. */
	if (sound->codec->conf.channels <= 2 && (out->volume.muted & 3) == 0)
		out->volume.muted = 0;
	if (sound->codec->conf.channels <= 2 && (out->volume.muted & 3) == 3)
		out->volume.muted = UINT32_MAX;
}

static unsigned record_register(enum ac97_converter converter)
{
	return converter == AC97_ADC_MIC ? AC97_RECORD_GAIN_MIC : AC97_RECORD_GAIN;
}

/* The microphone's ADC has one gain, in the right half, for whoever asks. */
int32_t ac97_record_mdb(const struct ac97_sound *sound, enum ac97_converter converter,
			unsigned side)
{
	const struct ac97_codec *codec = sound->codec;
	bool mic = converter == AC97_ADC_MIC;
	unsigned offset = record_register(converter);
	bool softer = codec->conf.part == AC97_PART_STAC9700 && !mic &&
		      (ac97_codec_reg(codec, AC97_SIGMATEL_ANALOG) & AC97_SIGMATEL_ADC_6DB);

	if (is_muted(codec, offset, mic ? AC97_LEFT : side) || !ac97_codec_works(codec, converter))
		return SILENCE_MDB;
	return STEP_MDB * (steps(codec, offset, mic ? AC97_RIGHT : side) & 0x0f) -
	       (softer ? 6000 : 0);
}

void ac97_sound_record_mixer(const struct ac97_sound *sound, enum ac97_converter converter,
			     struct vmsnd_mixer *out)
{
	const int32_t mdb[2] = {ac97_record_mdb(sound, converter, AC97_LEFT),
				ac97_record_mdb(sound, converter, AC97_RIGHT)};

	fill(out, mdb, 2);
}

/* ---- the owner's hand
 * --------------------------------------------------------------------------------------- */

static int32_t nearest_steps(int32_t mdb, int32_t most)
{
	int32_t n = (mdb + (mdb >= 0 ? STEP_MDB / 2 : -STEP_MDB / 2)) / STEP_MDB;

	return n < 0 ? 0 : n > most ? most : n;
}

static int32_t wanted_mdb(const struct vmsnd_mixer *mixer, unsigned side)
{
	int64_t mdb = (int64_t)mixer->volume.gain_mdb + mixer->volume.channel_mdb[side];

	if (mixer->volume.gain_mdb <= SILENCE_MDB || mdb <= SILENCE_MDB)
		return SILENCE_MDB;
	return mdb > VMSND_GAIN_MAX_MDB ? VMSND_GAIN_MAX_MDB : (int32_t)mdb;
}

static uint16_t with_steps(uint16_t value, unsigned side, int32_t n, uint16_t field)
{
	unsigned shift = side == AC97_LEFT ? 8 : 0;

	return (uint16_t)((value & ~(field << shift)) | (uint16_t)(n << shift));
}

/* Mute bits of a register for sides that are to be silent: both, or, where the part can, one. */
static uint16_t with_mutes(const struct ac97_codec *codec, unsigned offset, uint16_t value,
			   const bool silent[2])
{
	value &= (uint16_t)~AC97_MUTE;
	if (splits(codec, offset)) {
		value &= (uint16_t)~AC97_MUTE_RIGHT;
		value |= silent[AC97_LEFT] ? AC97_MUTE : 0;
		return silent[AC97_RIGHT] ? value | AC97_MUTE_RIGHT : value;
	}
	return silent[AC97_LEFT] && silent[AC97_RIGHT] ? value | AC97_MUTE : value;
}

static void find_silent(const struct vmsnd_mixer *mixer, bool silent[2])
{
	for (unsigned side = AC97_LEFT; side <= AC97_RIGHT; side++)
		silent[side] =
		    wanted_mdb(mixer, side) <= SILENCE_MDB || (mixer->volume.muted >> side & 1);
}

/* Steps of a side's two controls that make up what is wanted. PCM's stays as it is if the output's
 * can do the rest. */
struct turned {
	int32_t output, pcm;
	bool silent;
};

static void turn_side(struct turned *side, int32_t want_mdb)
{
	int32_t all = nearest_steps(GAIN_MDB - want_mdb, 62);
	int32_t rest = all - side->pcm;

	side->output = rest < 0 ? 0 : rest > 31 ? 31 : rest;
	side->pcm = all - side->output;
}

static void turn_play(struct ac97_sound *sound, struct ac97_codec *codec,
		      const struct vmsnd_mixer *mixer)
{
	bool mono = sound->outlet == AC97_OUTLET_MONO;
	unsigned offset = mono ? AC97_MONO : front_register(sound);
	uint16_t output, pcm = ac97_codec_reg(codec, AC97_PCM);
	bool silent[2], loud[2] = {false, false};

	if (offset == 0)
		return;
	find_silent(mixer, silent);
	output = ac97_codec_reg(codec, offset);
	for (unsigned side = AC97_LEFT; side <= AC97_RIGHT; side++) {
		struct turned turned = {.pcm = steps(codec, AC97_PCM, side)};
		int32_t want_mdb = wanted_mdb(mixer, side);

		/* A side that has no mute of its own is turned down. */
		if (silent[side] && !silent[1 - side] && !splits(codec, offset))
			want_mdb = SILENCE_MDB;
		else if (want_mdb <= SILENCE_MDB)
			continue;
		turn_side(&turned, want_mdb);
		pcm = with_steps(pcm, side, turned.pcm, 0x1f);
		/* One control for both: the right side's, which is turned last. */
		output = with_steps(output, mono ? AC97_RIGHT : side, turned.output, 0x1f);
	}
	ac97_codec_write(codec, offset, with_mutes(codec, offset, output, silent));
	ac97_codec_write(codec, AC97_PCM, with_mutes(codec, AC97_PCM, pcm, loud));
}

static void turn_record(struct ac97_codec *codec, enum ac97_converter converter,
			const struct vmsnd_mixer *mixer)
{
	unsigned offset = record_register(converter);
	bool mic = converter == AC97_ADC_MIC;
	uint16_t gain = ac97_codec_reg(codec, offset);
	bool silent[2];

	find_silent(mixer, silent);
	for (unsigned side = mic ? AC97_RIGHT : AC97_LEFT; side <= AC97_RIGHT; side++) {
		int32_t n = nearest_steps(wanted_mdb(mixer, mic ? AC97_LEFT : side), 15);

		if (!silent[side])
			gain = with_steps(gain, side, n, 0x0f);
	}
	ac97_codec_write(codec, offset, with_mutes(codec, offset, gain, silent));
}

void ac97_sound_turned(struct ac97_sound *sound, struct ac97_codec *codec,
		       enum ac97_converter converter, const struct vmsnd_mixer *mixer)
{
	if (converter == AC97_DAC_FRONT)
		turn_play(sound, codec, mixer);
	else
		turn_record(codec, converter, mixer);
	ac97_sound_changed(sound);
}
