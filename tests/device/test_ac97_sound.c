/* SPDX-License-Identifier: BSD-3-Clause */
/* Volumes and mutes: what the codec's registers make of the ports' mixers, and the other way
 * round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_rig.h"

#define SILENT INT32_MIN

/* Volumes open, flat. */
static void start_flat(struct codec_rig *rig, enum ac97_part part, enum ac97_outlet outlet)
{
	codec_rig_start(rig, part, outlet);
	codec_rig_set(rig, AC97_MASTER, 0x0000);
	codec_rig_set(rig, AC97_HEADPHONE, 0x0000);
	codec_rig_set(rig, AC97_MONO, 0x0000);
	codec_rig_set(rig, AC97_PCM, 0x0808);
	codec_rig_set(rig, AC97_CENTER_LFE, 0x0000);
	codec_rig_set(rig, AC97_SURROUND, 0x0000);
	codec_rig_set(rig, AC97_RECORD_GAIN, 0x0000);
	codec_rig_set(rig, AC97_RECORD_GAIN_MIC, 0x0000);
}

static int32_t heard_mdb(const struct vmsnd_mixer *mixer, unsigned channel)
{
	if (mixer->volume.muted >> channel & 1)
		return SILENT;
	return mixer->volume.gain_mdb + mixer->volume.channel_mdb[channel];
}

static int32_t played_mdb(const struct codec_rig *rig, unsigned channel)
{
	struct vmsnd_mixer mixer;

	ac97_sound_play_mixer(&rig->sound, &mixer);
	assert_int_equal(mixer.sources, UINT32_MAX);
	assert_in_range(mixer.volume.gain_mdb + 100000, 0, VMSND_GAIN_MAX_MDB + 100000);
	return heard_mdb(&mixer, channel);
}

static int32_t recorded_mdb(const struct codec_rig *rig, enum ac97_converter converter,
			    unsigned channel)
{
	struct vmsnd_mixer mixer;

	ac97_sound_record_mixer(&rig->sound, converter, &mixer);
	return heard_mdb(&mixer, channel);
}

static void assert_front(const struct codec_rig *rig, int32_t left, int32_t right)
{
	assert_int_equal(played_mdb(rig, 0), left);
	assert_int_equal(played_mdb(rig, 1), right);
}

/* ---- playback ---------------------------------------------------------------------------------
 */

static void test_A9_18_flat_registers_are_the_neutral_mixer(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct vmsnd_mixer mixer, neutral = {.sources = UINT32_MAX};
		struct codec_rig rig;

		codec_rig_start(&rig, part, AC97_OUTLET_LINE);
		ac97_sound_play_mixer(&rig.sound, &mixer);
		assert_int_equal(mixer.volume.muted, UINT32_MAX);
		start_flat(&rig, part, AC97_OUTLET_LINE);
		ac97_sound_play_mixer(&rig.sound, &mixer);
		assert_memory_equal(&mixer, &neutral, sizeof(mixer));
		ac97_sound_record_mixer(&rig.sound, AC97_ADC, &mixer);
		assert_memory_equal(&mixer, &neutral, sizeof(mixer));
	}
}

static void test_A9_18_two_channels_are_the_neutral_mixer_too(void **state)
{
	static const struct ac97_codec_conf conf = {.channels = 2};
	struct vmsnd_mixer mixer, neutral = {.sources = UINT32_MAX};
	struct codec_rig rig;

	(void)state;
	ac97_codec_init(&rig.codec, &conf);
	ac97_sound_init(&rig.sound, &rig.codec, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_MASTER, 0x0000);
	codec_rig_set(&rig, AC97_PCM, 0x0808);
	ac97_sound_play_mixer(&rig.sound, &mixer);
	assert_memory_equal(&mixer, &neutral, sizeof(mixer));
}

static void test_A9_18_each_step_is_one_and_a_half_decibels(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	for (int32_t master = 0; master < 32; master++) {
		for (int32_t pcm = 0; pcm < 32; pcm++) {
			codec_rig_set(&rig, AC97_MASTER, (uint16_t)(master << 8 | (31 - master)));
			codec_rig_set(&rig, AC97_PCM, (uint16_t)(pcm << 8 | (31 - pcm)));
			assert_front(&rig, 12000 - 1500 * (master + pcm),
				     12000 - 1500 * (62 - master - pcm));
		}
	}
}

static void test_mutes_of_outputs_and_of_pcm(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_MASTER, 0x8000);
	assert_front(&rig, SILENT, SILENT);
	codec_rig_set(&rig, AC97_MASTER, 0x0080); /* no such bit */
	assert_front(&rig, 0, 0);
	codec_rig_set(&rig, AC97_PCM, 0x8808);
	assert_front(&rig, SILENT, SILENT);
	/* Others' mutes are others'. */
	codec_rig_set(&rig, AC97_PCM, 0x0808);
	codec_rig_set(&rig, AC97_MONO, 0x8000);
	codec_rig_set(&rig, AC97_LINE_IN, 0x8808);
	assert_front(&rig, 0, 0);
}

static void test_split_mutes_are_of_a_side_each(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_AD1981B, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_MASTER, 0x8000);
	assert_front(&rig, SILENT, SILENT);
	codec_rig_set(&rig, AC97_AD_MISC, AC97_AD_MSPLT);
	assert_front(&rig, SILENT, 0);
	codec_rig_set(&rig, AC97_MASTER, 0x0080);
	assert_front(&rig, 0, SILENT);
	codec_rig_set(&rig, AC97_MASTER, 0x0000);
	codec_rig_set(&rig, AC97_PCM, 0x0888);
	assert_front(&rig, 0, SILENT);
}

static void test_the_outlet_says_which_register_counts(void **state)
{
	struct codec_rig rig;

	(void)state;
	for (unsigned outlet = AC97_OUTLET_LINE; outlet <= AC97_OUTLET_MONO; outlet++) {
		static const int32_t want[3][2] = {{-1500, -3000}, {-4500, -6000}, {-7500, -7500}};

		start_flat(&rig, AC97_PART_AD1981B, (enum ac97_outlet)outlet);
		codec_rig_set(&rig, AC97_MASTER, 0x0102);
		codec_rig_set(&rig, AC97_HEADPHONE, 0x0304);
		codec_rig_set(&rig, AC97_MONO, 0x0005);
		assert_front(&rig, want[outlet][0], want[outlet][1]);
	}
	/* A part that has no headphone output: its line output. */
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_HEADPHONE);
	codec_rig_set(&rig, AC97_MASTER, 0x0102);
	assert_front(&rig, -1500, -3000);
}

static void test_the_mono_outlet_has_nothing_but_the_front(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_MONO);
	assert_front(&rig, 0, 0);
	for (unsigned channel = 2; channel < AC97_CHANNELS; channel++)
		assert_int_equal(played_mdb(&rig, channel), SILENT);
	codec_rig_set(&rig, AC97_MONO, 0x801f);
	assert_front(&rig, SILENT, SILENT);
	/* The microphone instead of the mix. */
	codec_rig_set(&rig, AC97_MONO, 0x0000);
	codec_rig_set(&rig, AC97_GENERAL, 0x0200);
	assert_front(&rig, SILENT, SILENT);
}

static void test_A9_22_which_register_is_the_AD1980s_master(void **state)
{
	static const struct {
		uint16_t misc;
		enum ac97_outlet outlet;
		int32_t want;
	} rows[] = {
	    {0, AC97_OUTLET_LINE, -1500},
	    {AC97_AD_LOSEL | AC97_AD_HPSEL, AC97_OUTLET_LINE, -3000},
	    {AC97_AD_HPSEL, AC97_OUTLET_LINE, -1500},
	    {AC97_AD_LOSEL, AC97_OUTLET_LINE, SILENT},
	    {0, AC97_OUTLET_HEADPHONE, -1500},
	    {AC97_AD_LOSEL | AC97_AD_HPSEL, AC97_OUTLET_HEADPHONE, -3000},
	    {AC97_AD_HPSEL, AC97_OUTLET_HEADPHONE, -3000},
	    {AC97_AD_LOSEL, AC97_OUTLET_HEADPHONE, SILENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct codec_rig rig;

		start_flat(&rig, AC97_PART_AD1980, rows[i].outlet);
		codec_rig_set(&rig, AC97_MASTER, 0x0101);
		codec_rig_set(&rig, AC97_HEADPHONE, 0x0202);
		codec_rig_set(&rig, AC97_AD_MISC, rows[i].misc);
		assert_front(&rig, rows[i].want, rows[i].want);
	}
}

static void test_surround_center_and_LFE_have_volumes_of_their_own(void **state)
{
	static const enum ac97_part parts[] = {AC97_PART_STAC9700, AC97_PART_AD1980,
					       AC97_PART_ALC650};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct codec_rig rig;

		start_flat(&rig, parts[i], AC97_OUTLET_LINE);
		codec_rig_set(&rig, AC97_SURROUND, 0x0102);
		codec_rig_set(&rig, AC97_CENTER_LFE, 0x0304);
		codec_rig_set(&rig, AC97_MASTER, 0x0505);
		assert_front(&rig, -7500, -7500);
		assert_int_equal(played_mdb(&rig, 2), -1500);
		assert_int_equal(played_mdb(&rig, 3), -3000);
		assert_int_equal(played_mdb(&rig, 4), -6000); /* center: the right half */
		assert_int_equal(played_mdb(&rig, 5), -4500); /* LFE: the left */
		codec_rig_set(&rig, AC97_SURROUND, 0x8002);
		codec_rig_set(&rig, AC97_CENTER_LFE, 0x0384);
		assert_int_equal(played_mdb(&rig, 2), SILENT);
		assert_int_equal(played_mdb(&rig, 3), -3000);
		assert_int_equal(played_mdb(&rig, 4), SILENT);
		assert_int_equal(played_mdb(&rig, 5), -4500);
	}
}

static void test_AD1980_surround_as_gains_of_DACs(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_AD1980, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_AD_MISC, AC97_AD_AC97NC | AC97_AD_LOSEL | AC97_AD_HPSEL);
	codec_rig_set(&rig, AC97_SURROUND, 0x0809);
	codec_rig_set(&rig, AC97_CENTER_LFE, 0x0008);
	codec_rig_set(&rig, AC97_MASTER, 0x0201); /* the line output carries surround */
	assert_front(&rig, 0, 0);
	assert_int_equal(played_mdb(&rig, 2), -3000);
	assert_int_equal(played_mdb(&rig, 3), -3000);
	assert_int_equal(played_mdb(&rig, 4), 0);
	assert_int_equal(played_mdb(&rig, 5), 12000);
	/* Outputs that are off. */
	codec_rig_set(&rig, AC97_AD_MISC,
		      AC97_AD_AC97NC | AC97_AD_LOSEL | AC97_AD_HPSEL | AC97_AD_LODIS |
			  AC97_AD_CLDIS);
	assert_front(&rig, 0, 0);
	for (unsigned channel = 2; channel < AC97_CHANNELS; channel++)
		assert_int_equal(played_mdb(&rig, channel), SILENT);
}

static void test_ALC650_has_gains_for_the_other_DACs(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_ALC650, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_ALC_SURROUND_GAIN, 0x0009);
	codec_rig_set(&rig, AC97_ALC_LFE_GAIN, 0x8808);
	assert_int_equal(played_mdb(&rig, 2), 12000);
	assert_int_equal(played_mdb(&rig, 3), -1500);
	assert_int_equal(played_mdb(&rig, 4), SILENT);
	assert_int_equal(played_mdb(&rig, 5), SILENT);
}

static void test_STAC9700_can_take_6_dB_away(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_SIGMATEL_ANALOG, 0x0002);
	assert_front(&rig, -6000, -6000);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC, 0), 0);
	codec_rig_set(&rig, AC97_SIGMATEL_ANALOG, 0x0001);
	assert_front(&rig, 0, 0);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC, 0), -6000);
}

static void test_what_is_powered_down_is_silent(void **state)
{
	static const struct {
		uint16_t power, extended;
		uint8_t silent; /* bit n: channel n; 6: what is recorded; 7: by the microphone */
	} rows[] = {
	    {0, 0, 0x00},
	    {AC97_PR0, 0, 0x40},
	    {AC97_PR1, 0, 0x03},
	    {AC97_PR2, 0, 0x03},
	    {AC97_PR3, 0, 0xff},
	    {AC97_PR4, 0, 0xff},
	    {AC97_PR5, 0, 0xff},
	    {AC97_PR6, 0, 0x00},
	    {0, AC97_EXT_PRJ, 0x0c},
	    {0, AC97_EXT_PRI, 0x10},
	    {0, AC97_EXT_PRK, 0x20},
	    {0, AC97_EXT_PRL, 0x80},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct codec_rig rig;

		start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
		codec_rig_set(&rig, AC97_POWER, rows[i].power);
		codec_rig_set(&rig, AC97_EXTENDED, rows[i].extended);
		for (unsigned channel = 0; channel < AC97_CHANNELS; channel++)
			assert_int_equal(played_mdb(&rig, channel),
					 rows[i].silent >> channel & 1 ? SILENT : 0);
		assert_int_equal(recorded_mdb(&rig, AC97_ADC, 0),
				 rows[i].silent & 0x40 ? SILENT : 0);
		assert_int_equal(recorded_mdb(&rig, AC97_ADC_MIC, 0),
				 rows[i].silent & 0x80 ? SILENT : 0);
	}
}

static void test_the_headphone_amplifier_has_a_power_bit(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_AD1981B, AC97_OUTLET_HEADPHONE);
	codec_rig_set(&rig, AC97_POWER, AC97_PR6);
	assert_front(&rig, SILENT, SILENT);
}

/* ---- recording ----------------------------------------------------------------------------------
 */

static void test_A9_19_record_gain_and_mute(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	for (int32_t gain = 0; gain < 16; gain++) {
		codec_rig_set(&rig, AC97_RECORD_GAIN, (uint16_t)(gain << 8 | (15 - gain)));
		codec_rig_set(&rig, AC97_RECORD_GAIN_MIC, (uint16_t)gain);
		assert_int_equal(recorded_mdb(&rig, AC97_ADC, 0), 1500 * gain);
		assert_int_equal(recorded_mdb(&rig, AC97_ADC, 1), 1500 * (15 - gain));
		assert_int_equal(recorded_mdb(&rig, AC97_ADC_MIC, 0), 1500 * gain);
		assert_int_equal(recorded_mdb(&rig, AC97_ADC_MIC, 1), 1500 * gain);
	}
	codec_rig_set(&rig, AC97_RECORD_GAIN, 0x8f0f);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC, 0), SILENT);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC, 1), SILENT);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC_MIC, 0), 22500);
	codec_rig_set(&rig, AC97_RECORD_GAIN_MIC, 0x8000);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC_MIC, 0), SILENT);
}

static void test_a_part_without_a_microphone_ADC_records_nothing_by_it(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_AD1980, AC97_OUTLET_LINE);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC_MIC, 0), SILENT);
}

/* ---- the owner's hand
 * ------------------------------------------------------------------------------- */

static void turn(struct codec_rig *rig, enum ac97_converter converter, int32_t left, int32_t right,
		 uint32_t muted)
{
	struct vmsnd_mixer mixer = {.sources = UINT32_MAX};

	mixer.volume.gain_mdb = left;
	mixer.volume.channel_mdb[1] = right - left;
	mixer.volume.muted = muted;
	ac97_sound_turned(&rig->sound, &rig->codec, converter, &mixer);
}

static void test_what_the_owner_turns_is_the_nearest_step(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct codec_rig rig;

		start_flat(&rig, part, AC97_OUTLET_LINE);
		for (int32_t left = -81000; left <= 12000; left += 700) {
			int32_t right = -69000 - left;

			turn(&rig, AC97_DAC_FRONT, left, right, 0);
			assert_in_range(played_mdb(&rig, 0) - left + 750, 0, 1500);
			assert_in_range(played_mdb(&rig, 1) - right + 750, 0, 1500);
		}
		turn(&rig, AC97_DAC_FRONT, 24000, -143000, 0);
		assert_front(&rig, 12000, -81000);
		turn(&rig, AC97_DAC_FRONT, 0, 0, 0);
		assert_front(&rig, 0, 0);
	}
}

static void test_what_the_owner_turns_leaves_PCM_alone_if_it_can(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_PCM, 0x0408);
	turn(&rig, AC97_DAC_FRONT, -6000, -6000, 0);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_PCM), 0x0408);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_MASTER), 0x0804);
}

static void test_what_the_owner_mutes_is_muted(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	turn(&rig, AC97_DAC_FRONT, -3000, -3000, UINT32_MAX);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_MASTER), 0x8202);
	turn(&rig, AC97_DAC_FRONT, -3000, -3000, 0);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_MASTER), 0x0202);
	/* One side, without a mute of its own: as low as it goes. */
	turn(&rig, AC97_DAC_FRONT, 0, 0, 2);
	assert_front(&rig, 0, -81000);
	/* Silence as a gain leaves the steps alone. */
	turn(&rig, AC97_DAC_FRONT, -3000, -3000, 0);
	turn(&rig, AC97_DAC_FRONT, VMSND_GAIN_MIN_MDB, VMSND_GAIN_MIN_MDB, 0);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_MASTER) & 0x8000, 0x8000);
	assert_front(&rig, SILENT, SILENT);
	/* A part whose sides have mutes. */
	start_flat(&rig, AC97_PART_AD1981B, AC97_OUTLET_LINE);
	codec_rig_set(&rig, AC97_AD_MISC, AC97_AD_MSPLT);
	turn(&rig, AC97_DAC_FRONT, 0, 0, 2);
	assert_front(&rig, 0, SILENT);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_MASTER), 0x0080);
}

static void test_what_the_owner_unmutes_is_heard_though_PCM_was_muted(void **state)
{
	struct codec_rig rig;

	(void)state;
	codec_rig_start(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	turn(&rig, AC97_DAC_FRONT, 0, 0, 0);
	assert_front(&rig, 0, 0);
}

static void test_what_the_owner_turns_of_the_mono_output(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_MONO);
	turn(&rig, AC97_DAC_FRONT, -6000, -6000, 0);
	assert_front(&rig, -6000, -6000);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_MONO), 0x0004);
	turn(&rig, AC97_DAC_FRONT, -6000, -6000, UINT32_MAX);
	assert_front(&rig, SILENT, SILENT);
}

static void test_what_the_owner_turns_of_recording(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	for (int32_t left = 0; left <= 22500; left += 700) {
		turn(&rig, AC97_ADC, left, 22500 - left, 0);
		assert_in_range(recorded_mdb(&rig, AC97_ADC, 0) - left + 750, 0, 1500);
		assert_in_range(recorded_mdb(&rig, AC97_ADC, 1) - (22500 - left) + 750, 0, 1500);
	}
	turn(&rig, AC97_ADC, -20000, 24000, 0); /* no attenuation there */
	assert_int_equal(recorded_mdb(&rig, AC97_ADC, 0), 0);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC, 1), 22500);
	turn(&rig, AC97_ADC, 3000, 3000, UINT32_MAX);
	assert_int_equal(recorded_mdb(&rig, AC97_ADC, 0), SILENT);
}

static void test_what_the_owner_turns_of_the_microphones_ADC(void **state)
{
	struct codec_rig rig;

	(void)state;
	start_flat(&rig, AC97_PART_STAC9700, AC97_OUTLET_LINE);
	turn(&rig, AC97_ADC_MIC, 6000, 6000, 0);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_RECORD_GAIN_MIC), 0x0004);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_RECORD_GAIN), 0x0000);
	turn(&rig, AC97_ADC_MIC, 6000, 6000, UINT32_MAX);
	assert_int_equal(ac97_codec_read(&rig.codec, AC97_RECORD_GAIN_MIC), 0x8004);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_18_flat_registers_are_the_neutral_mixer),
	    cmocka_unit_test(test_A9_18_two_channels_are_the_neutral_mixer_too),
	    cmocka_unit_test(test_A9_18_each_step_is_one_and_a_half_decibels),
	    cmocka_unit_test(test_mutes_of_outputs_and_of_pcm),
	    cmocka_unit_test(test_split_mutes_are_of_a_side_each),
	    cmocka_unit_test(test_the_outlet_says_which_register_counts),
	    cmocka_unit_test(test_the_mono_outlet_has_nothing_but_the_front),
	    cmocka_unit_test(test_A9_22_which_register_is_the_AD1980s_master),
	    cmocka_unit_test(test_surround_center_and_LFE_have_volumes_of_their_own),
	    cmocka_unit_test(test_AD1980_surround_as_gains_of_DACs),
	    cmocka_unit_test(test_ALC650_has_gains_for_the_other_DACs),
	    cmocka_unit_test(test_STAC9700_can_take_6_dB_away),
	    cmocka_unit_test(test_what_is_powered_down_is_silent),
	    cmocka_unit_test(test_the_headphone_amplifier_has_a_power_bit),
	    cmocka_unit_test(test_A9_19_record_gain_and_mute),
	    cmocka_unit_test(test_a_part_without_a_microphone_ADC_records_nothing_by_it),
	    cmocka_unit_test(test_what_the_owner_turns_is_the_nearest_step),
	    cmocka_unit_test(test_what_the_owner_turns_leaves_PCM_alone_if_it_can),
	    cmocka_unit_test(test_what_the_owner_mutes_is_muted),
	    cmocka_unit_test(test_what_the_owner_unmutes_is_heard_though_PCM_was_muted),
	    cmocka_unit_test(test_what_the_owner_turns_of_the_mono_output),
	    cmocka_unit_test(test_what_the_owner_turns_of_recording),
	    cmocka_unit_test(test_what_the_owner_turns_of_the_microphones_ADC),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
