/* SPDX-License-Identifier: BSD-3-Clause */
/* The card as a whole: what it is on its bus, options, resets, jacks, figures. */
#include <stdlib.h>
#include <string.h>

#include "ac97_rig.h"
#include "vmsnd/tree.h"

static void test_A9_01_identity_depends_on_the_codec(void **state)
{
	static const struct {
		const char *options;
		uint32_t id, subsystem;
	} rows[] = {
	    {"", 0x24158086, 0x11001af4},
	    {"codec=ad1980", 0x24158086, 0x01771028},
	    {"codec=ad1981b", 0x24158086, 0x01ad1028},
	    {"codec=alc650", 0x24158086, 0x11001af4},
	    {"variant=ich4", 0x24c58086, 0x11001af4},
	    {"subsystem=8086:00aF", 0x24158086, 0x00af8086},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ac97_rig rig;

		ar_open(&rig, rows[i].options, 1, 2);
		assert_int_equal(ar_in(&rig, CONFIG, 0x00, 4), rows[i].id);
		assert_int_equal(ar_in(&rig, CONFIG, 0x08, 4), 0x04010001);
		assert_int_equal(ar_in(&rig, CONFIG, 0x2c, 4), rows[i].subsystem);
		assert_int_equal(ar_in(&rig, CONFIG, 0x3d, 1), 1); /* INTA */
		ar_close(&rig);
	}
}

static void test_A9_01_it_can_be_put_to_sleep(void **state)
{
	struct ac97_rig rig;
	unsigned at;

	ar_up(&rig, "", 1, 2);
	for (at = ar_in(&rig, CONFIG, 0x34, 1); at; at = ar_in(&rig, CONFIG, at + 1, 1))
		if (ar_in(&rig, CONFIG, at, 1) == 0x01)
			break;
	assert_int_not_equal(at, 0);
	ar_mixer_set(&rig, 0x02, 0x0101);
	ar_entries(&rig, PO, 32, 1920);
	ar_start(&rig, PO, 31, IOCE | RPBM);
	ar_run_ms(&rig, 15);
	assert_true(rig.line);
	ar_out(&rig, CONFIG, at + 4, 2, 3);
	assert_int_equal(ar_in32(&rig, GLOB_CNT), UINT32_MAX);
	assert_false(rig.line);
	ar_run_ms(&rig, 100);
	/* Awake, and as at power-on. */
	ar_out(&rig, CONFIG, at + 4, 2, 0);
	assert_int_equal(ar_in32(&rig, GLOB_CNT), 0);
	assert_int_equal(ar_in(&rig, CONFIG, 4, 2), 0);
	ar_boot(&rig);
	assert_int_equal(ar_mixer(&rig, 0x02), 0x8000);
	assert_int_equal(ar_in8(&rig, PO + CIV), 0);
	ar_close(&rig);
}

static size_t footprint_of(const char *options, unsigned playback, unsigned capture)
{
	struct vmsnd_conf parsed;
	struct vmsnd_dev_conf conf = {.name = "card",
				      .playback_streams = playback,
				      .capture_streams = capture,
				      .options = &parsed};
	struct vmsnd_error error;
	size_t bytes;

	if (vmsnd_conf_parse(&parsed, AR_CLASS->options, "card", options, error.line,
			     sizeof(error.line)))
		return 0;
	bytes = AR_CLASS->footprint(&conf);
	assert_int_equal(AR_CLASS->check(&conf, &error), bytes ? VMSND_OK : VMSND_E_INVALID);
	return bytes;
}

static void test_A9_02_an_unknown_codec_is_an_error(void **state)
{
	assert_true(footprint_of("codec=stac9700", 1, 2) > 0);
	assert_int_equal(footprint_of("codec=sb16", 1, 2), 0);
	assert_int_equal(footprint_of("codec=none", 1, 2), 0);
	assert_int_equal(footprint_of("codec2=sb16", 1, 2), 0);
	assert_true(footprint_of("codec2=none", 1, 2) > 0);
}

static void test_A9_02_codecs_are_told_by_their_words(void **state)
{
	static const struct {
		const char *options;
		uint32_t words;
	} rows[] = {{"", 0x76008384},
		    {"codec=ad1980", 0x53704144},
		    {"codec=ad1981b", 0x53744144},
		    {"codec=alc650", 0x4720414c}};

	for (unsigned i = 0; i < 4; i++) {
		struct ac97_rig rig;

		ar_up(&rig, rows[i].options, 1, 2);
		assert_int_equal(ar_in(&rig, NAM, 0x7c, 4), rows[i].words);
		ar_close(&rig);
	}
}

static void test_A9_03_options_have_limits(void **state)
{
	assert_int_equal(footprint_of("timer-hz=9", 1, 2), 0);
	assert_int_equal(footprint_of("timer-hz=1001", 1, 2), 0);
	assert_true(footprint_of("timer-hz=10", 1, 2) > 0);
	assert_true(footprint_of("timer-hz=1000", 1, 2) > 0);
	assert_int_equal(footprint_of("channels=3", 1, 2), 0);
	assert_int_equal(footprint_of("variant=ich9", 1, 2), 0);
	assert_int_equal(footprint_of("outlet=wall", 1, 2), 0);
	assert_int_equal(footprint_of("subsystem=8086", 1, 2), 0);
	assert_int_equal(footprint_of("subsystem=8086:000g", 1, 2), 0);
	assert_int_equal(footprint_of("subsystem=8086:00000", 1, 2), 0);
}

/* What lies beyond 500 is acted on, too: steps of a millisecond. */
static void test_A9_03_a_fast_timer_is_fast(void **state)
{
	struct ac97_rig rig;
	unsigned steps = 0;

	ar_up(&rig, "timer-hz=1000", 1, 2);
	ar_entry(&rig, PO, 0, (uint32_t)AR_RAM_GPA + 0x10000, 9600);
	ar_start(&rig, PO, 0, RPBM);
	for (vmsnd_ns end = rig.now + 50 * AR_MS; rig.now < end; steps++)
		rig.now = AR_CLASS->advance(rig.dev, rig.now);
	assert_in_range(steps, 49, 52);
	ar_close(&rig);
}

static void test_A9_04_streams_that_there_are_no_engines_for(void **state)
{
	assert_int_equal(footprint_of("", 2, 2), 0);
	assert_int_equal(footprint_of("", 1, 3), 0);
	assert_true(footprint_of("variant=ich4", 2, 4) > 0);
	assert_int_equal(footprint_of("variant=ich4", 3, 4), 0);
	assert_int_equal(footprint_of("variant=ich4", 2, 5), 0);
	assert_true(footprint_of("", 0, 0) > 0);
}

static void test_A9_29_reset_is_power_on(void **state)
{
	static const enum vmsnd_reset kinds[] = {VMSND_RESET_POWER_ON, VMSND_RESET_BUS,
						 VMSND_RESET_PEER_LOST, VMSND_RESET_SHUTDOWN};

	for (unsigned i = 0; i < 4; i++) {
		struct ac97_rig rig;

		ar_up(&rig, "variant=ich4", 2, 4);
		ar_mixer_set(&rig, 0x02, 0x0101);
		ar_entries(&rig, PO, 32, 1920);
		ar_entries(&rig, PI, 32, 1920);
		ar_start(&rig, PO, 31, IOCE | RPBM);
		ar_start(&rig, PI, 31, IOCE | RPBM);
		ar_run_ms(&rig, 15);
		assert_true(rig.line);
		if (kinds[i] == VMSND_RESET_PEER_LOST)
			assert_int_equal(vmsnd_gmem_remove(&rig.mem, AR_RAM_GPA, AR_RAM_BYTES),
					 VMSND_OK);
		AR_CLASS->reset(rig.dev, kinds[i], rig.now);
		assert_false(rig.line);
		assert_false(ar_port(&rig, PO)->prepared);
		assert_false(ar_port(&rig, PI)->prepared);
		assert_int_equal(AR_CLASS->advance(rig.dev, rig.now), VMSND_NEVER);
		assert_int_equal(ar_in32(&rig, GLOB_CNT), 0);
		assert_int_equal(ar_in32(&rig, PO + CIV), (uint32_t)DCH << 16);
		assert_int_equal(ar_in(&rig, CONFIG, 4, 2), 0);
		ar_boot(&rig);
		assert_int_equal(ar_mixer(&rig, 0x02), 0x8000);
		ar_close(&rig);
	}
}

/* A card is made and let go any number of times, on the same ports and memory. */
static void test_A9_30_plugged_in_and_out_again(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	for (unsigned i = 0; i < 100; i++) {
		ar_entries(&rig, PO, 32, 1920);
		ar_start(&rig, PO, 31, IOCE | RPBM);
		ar_run_ms(&rig, 15);
		AR_CLASS->reset(rig.dev, VMSND_RESET_SHUTDOWN, rig.now);
		ar_make(&rig);
		ar_boot(&rig);
		assert_int_equal(ar_in32(&rig, PO + CIV), (uint32_t)DCH << 16);
	}
	ar_close(&rig);
}

static void test_A9_31_power_off_lets_hosts_go(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 1920);
	ar_start(&rig, PO, 31, RPBM);
	ar_run_ms(&rig, 15);
	AR_CLASS->reset(rig.dev, VMSND_RESET_SHUTDOWN, rig.now);
	assert_false(ar_port(&rig, PO)->running);
	assert_false(ar_port(&rig, PO)->prepared);
	ar_close(&rig);
}

static void test_A9_33_registers_are_among_the_figures(void **state)
{
	struct ac97_rig rig;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 1920);
	ar_start(&rig, PO, 30, IOCE | RPBM);
	ar_run_ms(&rig, 15);
	assert_int_equal(ar_in16(&rig, PO + PICB), 480);
	assert_int_equal(ar_counter(&rig, "pcm_out_civ"), 1);
	assert_int_equal(ar_counter(&rig, "pcm_out_lvi"), 30);
	assert_int_equal(ar_counter(&rig, "pcm_out_sr"), BCIS);
	assert_int_equal(ar_counter(&rig, "pcm_out_cr"), IOCE | RPBM);
	assert_int_equal(ar_counter(&rig, "pcm_out_picb"), 480);
	assert_int_equal(ar_counter(&rig, "codec_master"), 0x8000);
	assert_int_equal(ar_counter(&rig, "codec_front_rate"), 48000);
	assert_int_equal(ar_counter(&rig, "pcm_out_frames"), 720);
	/* Asked for fewer, it tells how many there are. */
	assert_true(AR_CLASS->counters(rig.dev, NULL, 0) > 30);
	ar_close(&rig);
}

/* ---- the panel ---- */

static void test_jacks_are_told_to_the_guest(void **state)
{
	struct ac97_rig rig;
	struct vmsnd_jack jack;
	static const char *const names[] = {"line-out", "headphone", "mic", "line-in"};

	ar_up(&rig, "", 1, 2);
	assert_false(AR_CLASS->panel->jack(rig.dev, 0, &jack));
	AR_CLASS->panel->jack_set(rig.dev, 0, false, rig.now);
	ar_close(&rig);
	ar_up(&rig, "jacks=on,codec=alc650", 1, 2);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(AR_CLASS->panel->jack(rig.dev, i, &jack));
		assert_string_equal(jack.name, names[i]);
		assert_int_equal(jack.output, 0);
		assert_int_equal(jack.dirs[VMSND_PLAYBACK], i < 2);
		assert_int_equal(jack.dirs[VMSND_CAPTURE], i >= 2);
		AR_CLASS->panel->jack_set(rig.dev, i, !jack.connected, rig.now);
		assert_true(AR_CLASS->panel->jack(rig.dev, i, &jack));
		AR_CLASS->panel->jack_set(rig.dev, i, !jack.connected, rig.now);
	}
	assert_false(AR_CLASS->panel->jack(rig.dev, 4, &jack));
	AR_CLASS->panel->jack_set(rig.dev, 4, true, rig.now);
	/* What the codec said of it is an interrupt, if the guest wants that. */
	if (ar_in32(&rig, GLOB_STA) & 1) {
		ar_out32(&rig, GLOB_CNT, 3);
		assert_true(rig.line);
		ar_out32(&rig, GLOB_STA, 1);
		assert_false(rig.line);
	}
	ar_close(&rig);
}

static void test_the_guest_turns_its_port(void **state)
{
	struct ac97_rig rig;
	struct vmsnd_mixer mixer;
	unsigned turned;

	ar_up(&rig, "", 1, 2);
	vmsnd_port_mixer(ar_port(&rig, PO), &mixer);
	assert_int_equal(mixer.volume.muted & 3, 3); /* as at power-on */
	turned = rig.turned;
	ar_mixer_set(&rig, 0x02, 0x0000);
	ar_mixer_set(&rig, 0x18, 0x0808);
	vmsnd_port_mixer(ar_port(&rig, PO), &mixer);
	assert_int_equal(mixer.volume.muted & 3, 0);
	assert_int_equal(mixer.volume.gain_mdb + mixer.volume.channel_mdb[0], 0);
	assert_true(rig.turned > turned);
	turned = rig.turned;
	ar_mixer_set(&rig, 0x02, 0x0000); /* the same again */
	assert_int_equal(rig.turned, turned);
	ar_mixer_set(&rig, 0x02, 0x0808);
	vmsnd_port_mixer(ar_port(&rig, PO), &mixer);
	assert_int_equal(mixer.volume.gain_mdb + mixer.volume.channel_mdb[0], -12000);
	ar_close(&rig);
}

static void test_the_owner_turns_the_guest_s_registers(void **state)
{
	struct ac97_rig rig;
	struct vmsnd_mixer mixer = {.sources = UINT32_MAX};

	ar_up(&rig, "", 1, 2);
	ar_mixer_set(&rig, 0x02, 0x0000);
	ar_mixer_set(&rig, 0x18, 0x0808);
	mixer.volume.gain_mdb = -9000;
	ar_port(&rig, PO)->mixer = mixer;
	AR_CLASS->panel->mixer_changed(rig.dev, VMSND_PLAYBACK, 0, rig.now);
	assert_int_not_equal(ar_mixer(&rig, 0x02), 0x0000);
	assert_int_equal(ar_mixer(&rig, 0x02) & 0x8000, 0);
	/* Which leaves the port as the owner wants it. */
	assert_memory_equal(&ar_port(&rig, PO)->mixer, &mixer, sizeof(mixer));
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_01_identity_depends_on_the_codec),
	    cmocka_unit_test(test_A9_01_it_can_be_put_to_sleep),
	    cmocka_unit_test(test_A9_02_an_unknown_codec_is_an_error),
	    cmocka_unit_test(test_A9_02_codecs_are_told_by_their_words),
	    cmocka_unit_test(test_A9_03_options_have_limits),
	    cmocka_unit_test(test_A9_03_a_fast_timer_is_fast),
	    cmocka_unit_test(test_A9_04_streams_that_there_are_no_engines_for),
	    cmocka_unit_test(test_A9_29_reset_is_power_on),
	    cmocka_unit_test(test_A9_30_plugged_in_and_out_again),
	    cmocka_unit_test(test_A9_31_power_off_lets_hosts_go),
	    cmocka_unit_test(test_A9_33_registers_are_among_the_figures),
	    cmocka_unit_test(test_jacks_are_told_to_the_guest),
	    cmocka_unit_test(test_the_guest_turns_its_port),
	    cmocka_unit_test(test_the_owner_turns_the_guest_s_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
