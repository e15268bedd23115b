/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's mixer on top of each unit's own loudness: what is heard of it. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define LEVEL 10000

static void begin(struct rig *rig, enum vmsnd_dir dir, const struct vmsnd_format *host)
{
	rig_begin(rig, dir, true);
	rig->signal = RIG_LEVEL;
	rig->level = LEVEL;
	rig->host.signal = RIG_LEVEL;
	rig->host.level = LEVEL;
	rig->host.other_format = host;
	rig_add(rig, 0);
}

static void set_mixer(struct rig *rig, const struct vmsnd_mixer *mixer)
{
	vmsnd_port_mixer_set(rig->port, mixer, rig->now);
}

static void expect_sample(const struct vmsnd_backend *host, size_t at, int level)
{
	assert_in_range(host->samples[at] + 40000, level - 2 + 40000, level + 2 + 40000);
}

/* The last frame heard, S16 stereo. */
static void expect_last(const struct vmsnd_backend *host, int left, int right)
{
	size_t at = 2 * (host->n_heard - 1);

	expect_sample(host, at, left);
	expect_sample(host, at + 1, right);
}

/* The bits are the guest's while nothing is turned, and again afterwards; between them, a ramp. */
static void test_V101_V111_playback_follows_the_mixer_without_a_click(void **state)
{
	struct vmsnd_mixer mixer = {.volume.gain_mdb = -6021, .sources = UINT32_MAX};
	struct rig rig;

	begin(&rig, VMSND_PLAYBACK, NULL);
	rig_go(&rig, 100 * MS);
	assert_true(rig_status(&rig, 0).exact);
	set_mixer(&rig, &mixer);
	rig_run(&rig, 100 * MS);
	expect_last(&rig.host, LEVEL / 2, LEVEL / 2);
	assert_false(rig_status(&rig, 0).exact);
	mixer.volume = (struct vmsnd_volume){.channel_mdb = {-20000, VMSND_GAIN_MIN_MDB}};
	set_mixer(&rig, &mixer);
	rig_run(&rig, 100 * MS);
	expect_last(&rig.host, LEVEL / 10, 0);
	mixer.volume = (struct vmsnd_volume){.muted = UINT32_MAX};
	set_mixer(&rig, &mixer);
	rig_run(&rig, 100 * MS);
	/* No dither either: half a period of exact silence. */
	for (size_t i = 2 * (rig.host.n_heard - PERIOD / 2); i < 2 * rig.host.n_heard; i++)
		assert_int_equal(rig.host.samples[i], 0);
	mixer.volume = (struct vmsnd_volume){.gain_mdb = 0};
	set_mixer(&rig, &mixer);
	rig_run(&rig, 100 * MS);
	assert_true(rig_status(&rig, 0).exact);
	assert_int_equal(rig.host.samples[2 * (rig.host.n_heard - 1)], LEVEL);
	/* 480 frames of ramp over at most 10000. */
	assert_true(rig_largest_step(&rig.host, 0, rig.host.n_heard) < 30);
	rig_close(&rig);
}

/* Nothing is heard that could click: no fade-in of what is begun after it was turned. */
static void test_V101_turned_while_nothing_plays_it_is_so_from_the_first_frame(void **state)
{
	struct vmsnd_mixer mixer = {.volume.muted = UINT32_MAX, .sources = UINT32_MAX};
	struct rig rig;
	size_t at;

	begin(&rig, VMSND_PLAYBACK, NULL);
	set_mixer(&rig, &mixer);
	rig_go(&rig, 100 * MS);
	vmsnd_port_stop(rig.port, rig.now);
	rig_run(&rig, SECOND);
	at = 2 * rig.host.n_heard;
	mixer.volume.muted = 0;
	set_mixer(&rig, &mixer);
	rig_start(&rig);
	rig_run(&rig, 100 * MS);
	while (at < 2 * rig.host.n_heard && rig.host.samples[at] == 0)
		at++;
	assert_true(at < 2 * rig.host.n_heard);
	assert_int_equal(rig.host.samples[at], LEVEL);
	rig_close(&rig);
}

/* The owner's loudness stays: neither side is louder than the other wants. */
static void test_V101_the_mixer_is_on_top_of_what_the_owner_set(void **state)
{
	struct vmsnd_mixer mixer = {.volume.gain_mdb = -6021, .sources = UINT32_MAX};
	const struct vmsnd_volume owner = {.gain_mdb = -20000}, silent = {.muted = UINT32_MAX};
	struct rig rig;

	begin(&rig, VMSND_PLAYBACK, NULL);
	rig_add(&rig, 1);
	vmsnd_lun_volume(rig.luns[0], &owner);
	rig_go(&rig, SECOND);
	set_mixer(&rig, &mixer);
	rig_run(&rig, SECOND);
	expect_last(&rig.host, LEVEL / 20, LEVEL / 20);
	expect_last(&rig.others[0], LEVEL / 2, LEVEL / 2);
	assert_int_equal(rig_status(&rig, 0).volume.gain_mdb, -20000);
	vmsnd_lun_volume(rig.luns[1], &silent);
	mixer.volume.gain_mdb = 0;
	set_mixer(&rig, &mixer);
	rig_run(&rig, SECOND);
	expect_last(&rig.host, LEVEL / 10, LEVEL / 10);
	expect_last(&rig.others[0], 0, 0);
	rig_close(&rig);
}

/* Channels of the mixer are the guest's, whatever the host's are. */
static void test_V101_channels_are_the_guests_on_a_host_with_other_channels(void **state)
{
	static const struct vmsnd_format mono = FORMAT(VMSND_SAMPLE_S16, 48000, 1),
					 surround = FORMAT(VMSND_SAMPLE_S16, 48000, 6);
	const struct vmsnd_mixer right_off = {.volume.muted = 2, .sources = UINT32_MAX},
				 left_off = {.volume.muted = 1, .sources = UINT32_MAX},
				 none = {.sources = UINT32_MAX};
	struct rig rig;
	int both;
	size_t at;

	begin(&rig, VMSND_PLAYBACK, &mono);
	rig_go(&rig, 100 * MS);
	both = rig.host.samples[rig.host.n_heard - 1];
	assert_true(both > LEVEL / 2);
	set_mixer(&rig, &right_off);
	rig_run(&rig, 100 * MS);
	expect_sample(&rig.host, rig.host.n_heard - 1, both / 2);
	set_mixer(&rig, &left_off);
	rig_run(&rig, 100 * MS);
	expect_sample(&rig.host, rig.host.n_heard - 1, both / 2);
	set_mixer(&rig, &none);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.samples[rig.host.n_heard - 1], both);
	rig_close(&rig);

	begin(&rig, VMSND_PLAYBACK, &surround);
	rig_go(&rig, 100 * MS);
	set_mixer(&rig, &left_off);
	rig_run(&rig, 100 * MS);
	at = 6 * (rig.host.n_heard - 1);
	expect_sample(&rig.host, at, 0);
	expect_sample(&rig.host, at + 1, LEVEL);
	rig_close(&rig);
}

/* A host that comes, or comes back, finds the mixer as it was left. */
static void test_V101_the_mixer_outlives_every_rebuild(void **state)
{
	const struct vmsnd_mixer mixer = {.volume.gain_mdb = -20000, .sources = UINT32_MAX};
	struct rig rig;

	begin(&rig, VMSND_PLAYBACK, NULL);
	set_mixer(&rig, &mixer);
	rig_go(&rig, 100 * MS);
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	rig_run(&rig, 100 * MS);
	vmsnd_port_release(rig.port, rig.now);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_run(&rig, 100 * MS);
	assert_true(rig.host.n_heard > 10000);
	for (size_t i = 0; i < rig.host.n_heard; i++)
		assert_true(abs(rig.host.samples[2 * i]) <= LEVEL / 10 + 2);
	rig_close(&rig);
}

static void expect_recorded(struct rig *rig, int left, int right)
{
	rig_run(rig, 500 * MS);
	expect_last(&rig->host, left, right);
}

/* Volume, mute and choice of input of what is recorded. */
static void test_V101_capture_with_volume_mute_and_choice_of_input(void **state)
{
	struct vmsnd_mixer mixer = {.sources = UINT32_MAX};
	struct rig rig;

	begin(&rig, VMSND_CAPTURE, NULL);
	rig.takes = true;
	rig.others[0].signal = RIG_LEVEL;
	rig.others[0].level = LEVEL / 4;
	rig_add(&rig, 1);
	rig_go(&rig, SECOND);
	expect_recorded(&rig, LEVEL + LEVEL / 4, LEVEL + LEVEL / 4);
	mixer.sources = 1;
	set_mixer(&rig, &mixer);
	expect_recorded(&rig, LEVEL, LEVEL);
	mixer.sources = 2;
	set_mixer(&rig, &mixer);
	expect_recorded(&rig, LEVEL / 4, LEVEL / 4);
	mixer.volume.channel_mdb[1] = -6021;
	set_mixer(&rig, &mixer);
	expect_recorded(&rig, LEVEL / 4, LEVEL / 8);
	mixer.volume.muted = UINT32_MAX;
	set_mixer(&rig, &mixer);
	expect_recorded(&rig, 0, 0);
	mixer = (struct vmsnd_mixer){.sources = UINT32_MAX};
	set_mixer(&rig, &mixer);
	expect_recorded(&rig, LEVEL + LEVEL / 4, LEVEL + LEVEL / 4);
	rig_close(&rig);
}

/* A guest that records from nothing hears the other inputs through the stand-in, as loud. */
static void test_V101_capture_through_the_stand_in(void **state)
{
	const struct vmsnd_mixer mixer = {.volume.gain_mdb = -6021, .sources = 2};
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.takes = true;
	rig.others[0].signal = RIG_LEVEL;
	rig.others[0].level = LEVEL;
	rig_add(&rig, 1);
	set_mixer(&rig, &mixer);
	rig_go(&rig, SECOND);
	expect_recorded(&rig, LEVEL / 2, LEVEL / 2);
	rig_close(&rig);
}

/* A tap writes down what went by. */
static void test_a_tap_is_not_turned(void **state)
{
	const struct vmsnd_mixer mixer = {.volume.muted = UINT32_MAX, .sources = UINT32_MAX};
	struct rig rig;

	begin(&rig, VMSND_PLAYBACK, NULL);
	rig.confs[1].role = VMSND_LUN_TAP_DEVICE;
	rig_add(&rig, 1);
	set_mixer(&rig, &mixer);
	rig_go(&rig, SECOND);
	expect_last(&rig.host, 0, 0);
	expect_last(&rig.others[0], LEVEL, LEVEL);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V101_V111_playback_follows_the_mixer_without_a_click),
	    cmocka_unit_test(test_V101_turned_while_nothing_plays_it_is_so_from_the_first_frame),
	    cmocka_unit_test(test_V101_the_mixer_is_on_top_of_what_the_owner_set),
	    cmocka_unit_test(test_V101_channels_are_the_guests_on_a_host_with_other_channels),
	    cmocka_unit_test(test_V101_the_mixer_outlives_every_rebuild),
	    cmocka_unit_test(test_V101_capture_with_volume_mute_and_choice_of_input),
	    cmocka_unit_test(test_V101_capture_through_the_stand_in),
	    cmocka_unit_test(test_a_tap_is_not_turned),
	};

	return cmocka_run_group_tests_name("mixer", tests, NULL, NULL);
}
