/* SPDX-License-Identifier: BSD-3-Clause */
/* What the codec's registers do to sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/ac97/sound_parts.h"

struct rig {
	struct ac97_codec codec;
	struct ac97_sound sound;
};

static void start(struct rig *rig, const struct ac97_codec_conf *conf, enum ac97_outlet outlet)
{
	ac97_codec_init(&rig->codec, conf);
	ac97_sound_init(&rig->sound, &rig->codec, outlet);
}

static void set(struct rig *rig, unsigned offset, uint16_t value)
{
	ac97_codec_write(&rig->codec, offset, value);
	ac97_sound_changed(&rig->sound);
}

static void test_A9_18_flat_registers_are_the_neutral_mixer(void **state)
{
	(void)state;
	for (unsigned part = 0; part < AC97_PART_COUNT; part++) {
		const struct ac97_codec_conf conf = {.part = (enum ac97_part)part, .channels = 2};
		struct vmsnd_mixer mixer;
		struct rig rig;

		start(&rig, &conf, AC97_OUTLET_LINE);
		ac97_sound_play_mixer(&rig.sound, &mixer);
		assert_int_equal(mixer.volume.muted, UINT32_MAX);
		set(&rig, AC97_MASTER, 0x0000);
		set(&rig, AC97_PCM, 0x0808);
		ac97_sound_play_mixer(&rig.sound, &mixer);
		assert_int_equal(mixer.volume.gain_mdb, 0);
		assert_int_equal(mixer.volume.muted, 0);
		assert_int_equal(mixer.sources, UINT32_MAX);
		for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
			assert_int_equal(mixer.volume.channel_mdb[i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_18_flat_registers_are_the_neutral_mixer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
