/* SPDX-License-Identifier: BSD-3-Clause */
/* What drivers ask of a codec before they use it, in their order: Linux (sound/pci/ac97), FreeBSD
 * (sys/dev/sound/pcm/ac97.c), and drivers of Windows that follow the samples of its kits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec_rig.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static uint16_t get(const struct ac97_codec *codec, unsigned offset)
{
	return ac97_codec_read(codec, offset);
}

static void set(struct ac97_codec *codec, unsigned offset, uint16_t value)
{
	ac97_codec_write(codec, offset, value);
}

static void change(struct ac97_codec *codec, unsigned offset, uint16_t mask, uint16_t value)
{
	set(codec, offset, (uint16_t)((get(codec, offset) & ~mask) | value));
}

/* ---- Linux
 * ----------------------------------------------------------------------------------------- */

static void test_Linux_finds_an_audio_codec_that_is_ready(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);

		set(&codec, AC97_RESET, 0);
		set(&codec, 0x3c, 0); /* a modem's: nothing */
		set(&codec, AC97_RECORD_GAIN, 0x8a05);
		assert_int_equal(get(&codec, AC97_RECORD_GAIN) & 0x7fff, 0x0a05);
		set(&codec, AC97_RECORD_GAIN, 0x8a06);
		assert_int_equal(get(&codec, AC97_RECORD_GAIN) & 0x7fff, 0x0a06);
		assert_int_equal(get(&codec, 0x3c), 0);
		set(&codec, AC97_POWER, 0);
		set(&codec, AC97_RESET, 0);
		set(&codec, AC97_POWER, 0);
		set(&codec, AC97_GENERAL, 0);
		assert_int_equal(get(&codec, AC97_POWER) & 0x000f, 0x000f);
	}
}

/* The largest of 63, 31, 15 whose top bit stays alone. */
static unsigned linux_width(struct ac97_codec *codec, unsigned offset, unsigned shift)
{
	static const uint16_t bits[3] = {0x20, 0x10, 0x01};
	static const unsigned widths[3] = {63, 31, 15};

	for (unsigned i = 0; i < 3; i++) {
		set(codec, offset, (uint16_t)(0x8080 | bits[i] | bits[i] << 8));
		if ((get(codec, offset) >> shift & 0x7f) == bits[i])
			return widths[i];
	}
	return 0;
}

static void test_A9_17_Linux_finds_volumes_of_five_bits(void **state)
{
	static const unsigned stereo[] = {0x02, 0x04, 0x10, 0x12, 0x14, 0x16, 0x18, 0x38};
	static const unsigned mono[] = {0x06, 0x0c, 0x0e};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);

		for (size_t i = 0; i < COUNT(stereo); i++) {
			unsigned want = get(&codec, stereo[i]) & 0x8000 ? 31 : 0;

			assert_int_equal(linux_width(&codec, stereo[i], 0), want);
			assert_int_equal(linux_width(&codec, stereo[i], 8), want);
		}
		for (size_t i = 0; i < COUNT(mono); i++) {
			assert_int_equal(linux_width(&codec, mono[i], 0), 31);
			assert_int_equal(linux_width(&codec, mono[i], 8), 0);
		}
		/* Center and LFE are asked in another way. */
		if (get(&codec, AC97_EXTENDED_ID) & 0x0140) {
			set(&codec, AC97_CENTER_LFE, 0x80a0);
			assert_int_not_equal(get(&codec, AC97_CENTER_LFE), 0x80a0);
			set(&codec, AC97_CENTER_LFE, 0xa080);
			assert_int_not_equal(get(&codec, AC97_CENTER_LFE), 0xa080);
		}
	}
}

/* Bits of what Linux asks for: each of 8000 .. 48000 that reads back; 0x80: any between. */
static unsigned linux_rates(struct ac97_codec *codec, unsigned offset, unsigned shadow)
{
	static const uint16_t rates_hz[] = {8000, 11025, 16000, 22050, 32000, 44100, 48000, 11000};
	unsigned found = 0;

	for (size_t i = 0; i < COUNT(rates_hz); i++) {
		set(codec, offset, rates_hz[i]);
		if (shadow)
			set(codec, shadow, rates_hz[i]);
		if (get(codec, offset) == rates_hz[i])
			found |= 1u << i;
	}
	return found;
}

static void test_A9_21_Linux_finds_the_rates(void **state)
{
	static const unsigned want[] = {0xff, 0xff, 0xff, 0x7f};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);
		uint16_t id = get(&codec, AC97_EXTENDED_ID);

		change(&codec, AC97_EXTENDED, 0, (uint16_t)((id & 0x01c9)));
		assert_true(get(&codec, AC97_EXTENDED) & 1);
		assert_int_equal(linux_rates(&codec, AC97_RATE_FRONT, 0), want[part]);
		assert_int_equal(linux_rates(&codec, AC97_RATE_ADC, 0), want[part]);
		if (id & AC97_EXT_VRM)
			assert_int_equal(linux_rates(&codec, AC97_RATE_MIC, 0), want[part]);
		if (id & AC97_EXT_SURROUND)
			assert_int_equal(linux_rates(&codec, AC97_RATE_SURROUND, AC97_RATE_FRONT),
					 want[part]);
		if (id & AC97_EXT_LFE)
			assert_int_equal(linux_rates(&codec, AC97_RATE_LFE, AC97_RATE_FRONT),
					 want[part]);
	}
}

/* Linux asks whether a chain of three is there. One that answered for the others would have its
 * controls made threefold, and those of the standard left out. */
static void test_Linux_finds_one_AD_part_and_no_chain(void **state)
{
	static const uint16_t masks[] = {0x1000, 0x4000, 0x2000};
	static const enum ac97_part parts[] = {AC97_PART_AD1980, AC97_PART_AD1981B};

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		struct ac97_codec codec = codec_make(parts[i], 6);

		set(&codec, AC97_AD_SERIAL, get(&codec, AC97_AD_SERIAL));
		for (size_t j = 0; j < COUNT(masks); j++) {
			change(&codec, AC97_AD_SERIAL, 0x7000, masks[j]);
			set(&codec, 0x70, 0x0000);
			assert_int_equal((get(&codec, AC97_VENDOR2) & 0xff40) == 0x5340, j == 0);
		}
		change(&codec, AC97_AD_SERIAL, 0x7000, 0x7000);
		assert_int_equal(get(&codec, AC97_VENDOR2) & 0xff40, 0x5340);
		assert_int_equal(get(&codec, AC97_AD_SERIAL) & 0x7000, 0x7000);
	}
}

static void test_Linux_sets_an_AD1980_up_and_hears_it_on_register_4(void **state)
{
	struct codec_rig rig;
	struct vmsnd_mixer mixer;

	(void)state;
	codec_rig_start(&rig, AC97_PART_AD1980, AC97_OUTLET_LINE);
	change(&rig.codec, AC97_AD_MISC, 0, 0x6420);
	assert_int_equal(get(&rig.codec, AC97_AD_MISC), 0x6420);
	/* Both mutes work, as it expects of a part that it knows to have them. */
	set(&rig.codec, AC97_HEADPHONE, 0x8080);
	assert_int_equal(get(&rig.codec, AC97_HEADPHONE), 0x8080);
	set(&rig.codec, AC97_HEADPHONE, 0x0000);
	set(&rig.codec, AC97_PCM, 0x0808);
	set(&rig.codec, AC97_MASTER, 0x9f9f);
	ac97_sound_play_mixer(&rig.sound, &mixer);
	assert_int_equal(mixer.volume.gain_mdb, 0);
	assert_int_equal(mixer.volume.muted & 3, 0);
}

static void test_Linux_finds_an_ALC650_of_revision_F_and_its_pins(void **state)
{
	struct ac97_codec codec = codec_make(AC97_PART_ALC650, 6);

	(void)state;
	assert_in_range(get(&codec, 0x6e) & 0x3f, 0x20, 0x2f);
	change(&codec, AC97_ALC_GPIO, 0, 0x8000);
	change(&codec, 0x7a, 0, 0x0003);
	assert_int_equal(get(&codec, 0x7a), 0x0003);
	set(&codec, AC97_ALC_CHANNELS, 0);
	change(&codec, AC97_ALC_GPIO_SETUP, 0, 0x0001);
	change(&codec, AC97_ALC_GPIO, 0x0010, 0x0100);
	assert_int_equal(get(&codec, AC97_ALC_GPIO) & 0x8101, 0x8101);
	set(&codec, AC97_ALC_SURROUND_GAIN, 0x0808);
	set(&codec, AC97_ALC_LFE_GAIN, 0x0808);
	assert_int_equal(get(&codec, AC97_ALC_SURROUND_GAIN), 0x0808);
}

static void test_Linux_finds_double_rates(void **state)
{
	static const enum ac97_part parts[] = {AC97_PART_AD1980, AC97_PART_ALC650};

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		struct ac97_codec codec = codec_make(parts[i], 6);

		change(&codec, AC97_GENERAL, 0x0c00, 0x0400);
		assert_int_equal(get(&codec, AC97_GENERAL) & 0x0c00, 0x0400);
		change(&codec, AC97_GENERAL, 0x0c00, 0);
		change(&codec, AC97_EXTENDED, 0, AC97_EXT_VRA | AC97_EXT_DRA);
		set(&codec, AC97_RATE_FRONT, 44100);
		assert_int_equal(get(&codec, AC97_RATE_FRONT), 44100);
		assert_int_equal(ac97_codec_rate_hz(&codec, AC97_DAC_FRONT), 88200);
	}
}

static void test_Linux_finds_rates_of_SPDIF(void **state)
{
	static const uint16_t rates[] = {0x0000, 0x3000, 0x2000};
	static const unsigned want[] = {0, 7, 5, 7};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);
		unsigned found = 0;

		if (!(get(&codec, AC97_EXTENDED_ID) & AC97_EXT_SPDIF))
			continue;
		set(&codec, AC97_SPDIF_CONTROL, 0x2a20);
		for (size_t i = 0; i < COUNT(rates); i++) {
			change(&codec, AC97_SPDIF_CONTROL, 0x3000, rates[i]);
			if ((get(&codec, AC97_SPDIF_CONTROL) & 0x3000) == rates[i])
				found |= 1u << i;
		}
		assert_int_equal(found, want[part]);
	}
}

/* Down to the link, and up again: nothing has to be written twice. */
static void test_Linux_saves_power_and_comes_back(void **state)
{
	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);
		uint16_t master;

		set(&codec, AC97_MASTER, 0x0404);
		master = get(&codec, AC97_MASTER);
		change(&codec, AC97_EXTENDED, 0, 0x7800);
		change(&codec, AC97_POWER, 0, 0xc300);
		change(&codec, AC97_POWER, 0, 0x0400);
		change(&codec, AC97_POWER, 0, 0x0800);
		change(&codec, AC97_POWER, 0, 0x3000);
		assert_int_equal(get(&codec, AC97_POWER) & 0x000f, 0);
		assert_false(ac97_codec_works(&codec, AC97_DAC_FRONT));
		set(&codec, AC97_POWER, 0);
		assert_int_equal(get(&codec, AC97_POWER), 0x000f);
		change(&codec, AC97_EXTENDED, 0x7800, 0);
		assert_true(ac97_codec_works(&codec, AC97_DAC_FRONT));
		assert_int_equal(get(&codec, AC97_MASTER), master);
	}
}

/* ---- FreeBSD
 * ------------------------------------------------------------------------------------------ */

static void test_FreeBSD_finds_a_steady_codec_and_widths(void **state)
{
	static const struct {
		unsigned offset, shift, bits;
		uint16_t want; /* bits found; of a register that the part has */
	} mix[] = {
	    {0x02, 0, 5, 5}, {0x06, 0, 5, 5}, {0x0c, 0, 5, 5}, {0x0e, 0, 5, 5},
	    {0x10, 0, 5, 5}, {0x12, 0, 5, 5}, {0x16, 0, 5, 5}, {0x18, 0, 5, 5},
	};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 6);

		set(&codec, AC97_RESET, 0);
		set(&codec, AC97_POWER, 0);
		/* Three reads that differ would be a link that is broken. */
		assert_int_equal(get(&codec, AC97_RESET), get(&codec, AC97_RESET));
		for (size_t i = 0; i < COUNT(mix); i++) {
			uint16_t old = get(&codec, mix[i].offset), found;
			unsigned bits = 0;

			set(&codec, mix[i].offset, (uint16_t)(old | 0x8000));
			assert_true(get(&codec, mix[i].offset) & 0x8000);
			set(&codec, mix[i].offset, 0x803f);
			found = (uint16_t)((get(&codec, mix[i].offset) & 0x3f) >> mix[i].shift);
			while (found >> bits)
				bits++;
			assert_int_equal(bits, mix[i].want);
			set(&codec, mix[i].offset, old);
			assert_int_equal(get(&codec, mix[i].offset), old);
		}
	}
}

static void test_FreeBSD_sets_rates_and_reads_what_they_became(void **state)
{
	static const uint16_t asked[] = {4000, 8000, 44100, 47999, 48000, 65535};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);

		change(&codec, AC97_EXTENDED, 0, AC97_EXT_VRA);
		assert_true(get(&codec, AC97_EXTENDED) & AC97_EXT_VRA);
		for (size_t i = 0; i < COUNT(asked); i++) {
			set(&codec, AC97_RATE_ADC, asked[i]);
			assert_int_equal(get(&codec, AC97_RATE_ADC),
					 ac97_codec_rate_hz(&codec, AC97_ADC));
		}
	}
}

/* ---- Windows
 * ------------------------------------------------------------------------------------------ */

/* The kits' sample asks for six bits, and for each optional register by muting it. */
static void test_Windows_finds_widths_and_optional_registers(void **state)
{
	static const struct {
		unsigned offset;
		uint8_t parts; /* bit n: part n has it */
	} optional[] = {
	    {0x02, 0xf}, {0x04, 0x6}, {0x06, 0xf}, {0x0a, 0x9}, {0x0c, 0xf},
	    {0x0e, 0xf}, {0x14, 0x9}, {0x16, 0xf}, {0x1e, 0x1},
	};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);

		for (size_t i = 0; i < COUNT(optional); i++) {
			uint16_t old = get(&codec, optional[i].offset);

			set(&codec, optional[i].offset, 0x8000);
			assert_int_equal(get(&codec, optional[i].offset) >> 15,
					 optional[i].parts >> part & 1);
			set(&codec, optional[i].offset, old);
		}
		set(&codec, AC97_MASTER, 0x2020);
		assert_int_equal(get(&codec, AC97_MASTER) & 0x2020, 0);
		set(&codec, AC97_MASTER, 0x8000);
		/* Power, as it waits for it. */
		set(&codec, AC97_POWER, 0x0000);
		assert_int_equal(get(&codec, AC97_POWER) & 0x000f, 0x000f);
	}
}

/* A format is refused unless its rate reads back: 44.1 kHz has to, on every part. */
static void test_Windows_gets_the_rates_of_its_formats(void **state)
{
	static const uint16_t rates_hz[] = {8000, 11025, 16000, 22050, 32000, 44100, 48000};

	(void)state;
	for (CODEC_EACH_PART(part)) {
		struct ac97_codec codec = codec_make(part, 2);

		change(&codec, AC97_EXTENDED, 0, AC97_EXT_VRA);
		for (size_t i = 0; i < COUNT(rates_hz); i++) {
			set(&codec, AC97_RATE_FRONT, rates_hz[i]);
			assert_int_equal(get(&codec, AC97_RATE_FRONT), rates_hz[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_Linux_finds_an_audio_codec_that_is_ready),
	    cmocka_unit_test(test_A9_17_Linux_finds_volumes_of_five_bits),
	    cmocka_unit_test(test_A9_21_Linux_finds_the_rates),
	    cmocka_unit_test(test_Linux_finds_one_AD_part_and_no_chain),
	    cmocka_unit_test(test_Linux_sets_an_AD1980_up_and_hears_it_on_register_4),
	    cmocka_unit_test(test_Linux_finds_an_ALC650_of_revision_F_and_its_pins),
	    cmocka_unit_test(test_Linux_finds_double_rates),
	    cmocka_unit_test(test_Linux_finds_rates_of_SPDIF),
	    cmocka_unit_test(test_Linux_saves_power_and_comes_back),
	    cmocka_unit_test(test_FreeBSD_finds_a_steady_codec_and_widths),
	    cmocka_unit_test(test_FreeBSD_sets_rates_and_reads_what_they_became),
	    cmocka_unit_test(test_Windows_finds_widths_and_optional_registers),
	    cmocka_unit_test(test_Windows_gets_the_rates_of_its_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
