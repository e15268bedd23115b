/* SPDX-License-Identifier: BSD-3-Clause */
/* Control elements: values, metadata and notifications (V100-V111). */
#include "controls_rig.h"

#include <stdlib.h>
#include <string.h>

/* ---- values ---------------------------------------------------------------------------------- */

static void test_V100_as_the_ports_are(void **state)
{
	expect_untouched();
}

static void test_V101_volume_of_all_streams_of_the_direction(void **state)
{
	assert_int_equal(set(PLAY_VOLUME, 60, 60), OK);
	expect_both(PLAY_VOLUME, 60, 60);
	for (unsigned i = 0; i < 2; i++) {
		const struct vmsnd_volume *volume = &rig.ports[i]->mixer.volume;

		assert_int_equal(volume->gain_mdb, -30000);
		assert_int_equal(volume->channel_mdb[0], 0);
		assert_int_equal(volume->muted, 0);
		assert_int_equal(rig.turned[i], 1);
	}
	for (unsigned i = 2; i < 4; i++) {
		assert_int_equal(rig.ports[i]->mixer.volume.gain_mdb, 0);
		assert_int_equal(rig.turned[i], 0);
	}
	/* The same again turns nothing. */
	assert_int_equal(set(PLAY_VOLUME, 60, 60), OK);
	assert_int_equal(rig.turned[0], 1);
}

static void test_V101_each_channel_has_its_own(void **state)
{
	const struct vmsnd_volume *volume = &rig.ports[0]->mixer.volume;

	assert_int_equal(set(PLAY_VOLUME, 119, 0), OK);
	expect_both(PLAY_VOLUME, 119, 0);
	assert_int_equal(volume->gain_mdb, 0);
	assert_int_equal(volume->channel_mdb[0], -500);
	assert_int_equal(volume->channel_mdb[1], VMSND_GAIN_MIN_MDB);
	assert_int_equal(set(PLAY_SWITCH, 1, 0), OK);
	expect_both(PLAY_SWITCH, 1, 0);
	assert_int_equal(volume->muted, 2);
	expect_both(PLAY_VOLUME, 119, 0);
}

static void test_V111_every_step_reads_back_and_the_bottom_is_silence(void **state)
{
	for (uint32_t step = 0; step <= 120; step++) {
		assert_int_equal(set(REC_VOLUME, step, step), OK);
		expect_both(REC_VOLUME, step, step);
		assert_int_equal(rig.ports[2]->mixer.volume.gain_mdb,
				 step ? -60000 + 500 * (int)step : VMSND_GAIN_MIN_MDB);
	}
}

static void test_V101_switch_is_mute(void **state)
{
	assert_int_equal(set(PLAY_SWITCH, 0, 0), OK);
	expect_both(PLAY_SWITCH, 0, 0);
	assert_int_equal(rig.ports[0]->mixer.volume.muted, UINT32_MAX);
	assert_int_equal(rig.ports[1]->mixer.volume.muted, UINT32_MAX);
	assert_int_equal(rig.ports[2]->mixer.volume.muted, 0);
	assert_int_equal(set(PLAY_SWITCH, 1, 1), OK);
	assert_int_equal(rig.ports[0]->mixer.volume.muted, 0);
}

static void test_V101_source_is_the_input_that_is_heard(void **state)
{
	static const uint32_t sources[] = {UINT32_MAX, 1, 4};

	for (uint32_t item = 3; item-- > 0;) {
		assert_int_equal(set(REC_SOURCE, item, 0), OK);
		expect_both(REC_SOURCE, item, 0);
		assert_int_equal(rig.ports[2]->mixer.sources, sources[item]);
		assert_int_equal(rig.ports[3]->mixer.sources, sources[item]);
		assert_int_equal(rig.ports[0]->mixer.sources, UINT32_MAX);
	}
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void test_V103_values_out_of_range_change_nothing(void **state)
{
	static const struct {
		uint32_t element, first, second;
	} rows[] = {{PLAY_VOLUME, 121, 0},         {PLAY_VOLUME, 0, 121},
		    {PLAY_VOLUME, UINT32_MAX, 0},  {PLAY_SWITCH, 2, 0},
		    {PLAY_SWITCH, 0, 0x80000000u}, {REC_SOURCE, 3, 0},
		    {REC_SOURCE, UINT32_MAX, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(set(rows[i].element, rows[i].first, rows[i].second), BAD_MSG);
	expect_untouched();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig.turned[i], 0);
	assert_int_equal(rig_counter(&rig, "faults_request"), sizeof(rows) / sizeof(rows[0]));
}

static void test_V102_V105_without_the_right_it_is_refused(void **state)
{
	struct snd_ctl_tlv_write request = {.type = 1};
	struct snd_ctl_tlv tlv;
	uint32_t written, status;

	assert_int_equal(ask(SND_R_CTL_TLV_READ, PLAY_SWITCH, &tlv, sizeof(tlv), &written),
			 NOT_SUPP);
	assert_int_equal(ask(SND_R_CTL_TLV_READ, REC_SOURCE, &tlv, sizeof(tlv), &written),
			 NOT_SUPP);
	for (uint32_t code = SND_R_CTL_TLV_WRITE; code <= SND_R_CTL_TLV_COMMAND; code++) {
		request.hdr = (struct snd_ctl_hdr){code, PLAY_VOLUME};
		rig_request(&rig, &request, sizeof(request), &status, 4);
		assert_int_equal(status, NOT_SUPP);
	}
}

/* The body is as long as it says, so that nothing but its length can be wrong. */
static void test_V107_a_TLV_that_cannot_be_is_malformed(void **state)
{
	static const struct {
		uint32_t length, body_bytes, status;
	} rows[] = {{1, 4, BAD_MSG},           {3, 4, BAD_MSG},          {12, 8, BAD_MSG},
		    {8, 8, NOT_SUPP},          {65536, 65536, NOT_SUPP}, {65540, 65540, BAD_MSG},
		    {0x80000000u, 8, BAD_MSG}, {UINT32_MAX, 8, BAD_MSG}};
	static struct {
		struct snd_ctl_tlv_write write;
		uint8_t body[65540];
	} request = {.write.hdr = {SND_R_CTL_TLV_WRITE, PLAY_VOLUME}};
	uint32_t status;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request.write.length = rows[i].length;
		rig_request(&rig, &request, (uint32_t)sizeof(request.write) + rows[i].body_bytes,
			    &status, 4);
		assert_int_equal(status, rows[i].status);
	}
}

static void test_V14_V15_unknown_elements_and_short_requests(void **state)
{
	static const uint32_t least[] = {16, 8, 8, 520, 8, 16, 16};
	uint8_t request[520] = {0}, answer[4 + 512];
	uint32_t written;

	for (uint32_t code = SND_R_CTL_ENUM_ITEMS; code <= SND_R_CTL_TLV_READ; code++)
		if (code != SND_R_CTL_WRITE)
			assert_int_equal(ask(code, N_ELEMENTS, answer, 512, &written), BAD_MSG);
	assert_int_equal(set(UINT32_MAX, 0, 0), BAD_MSG);
	for (uint32_t code = SND_R_CTL_INFO; code <= SND_R_CTL_TLV_COMMAND; code++) {
		uint32_t status;

		memcpy(request, &code, 4);
		rig_request(&rig, request, least[code - SND_R_CTL_INFO] - 1, &status, 4);
		assert_int_equal(status, BAD_MSG);
	}
	assert_int_equal(ask(SND_R_CTL_READ, PLAY_VOLUME, answer, 511, &written), BAD_MSG);
	assert_int_equal(written, 4);
	expect_untouched();
}

/* ---- metadata -------------------------------------------------------------------------------- */

static void test_V105_V111_the_scale_of_decibels(void **state)
{
	uint32_t words[6], written;

	assert_int_equal(ask(SND_R_CTL_TLV_READ, PLAY_VOLUME, words, sizeof(words), &written), OK);
	assert_int_equal(written, 4 + 16);
	assert_int_equal(words[0], 1); /* SNDRV_CTL_TLVT_DB_SCALE */
	assert_int_equal(words[1], 8);
	assert_int_equal((int32_t)words[2], -6000);
	assert_int_equal(words[3], 50 | 0x10000);
}

static void test_V106_what_fits_of_it(void **state)
{
	uint8_t whole[16], part[16];
	uint32_t written;

	ask(SND_R_CTL_TLV_READ, REC_VOLUME, whole, 16, &written);
	for (uint32_t room = 0; room < 16; room++) {
		assert_int_equal(ask(SND_R_CTL_TLV_READ, REC_VOLUME, part, room, &written), OK);
		assert_int_equal(written, 4 + room);
		assert_memory_equal(part, whole, room);
	}
}

/* ---- notifications -----------------------------------------------------------------------------
 */

static uint64_t post_event(void)
{
	const struct rig_segment segment = {rig_alloc(&rig, 8), 8, true};

	rig_post(&rig, EVENT, &segment, 1, false);
	return segment.at;
}

static void owner_sets(unsigned stream, int32_t gain_mdb)
{
	enum vmsnd_dir dir = stream < 2 ? VMSND_PLAYBACK : VMSND_CAPTURE;

	rig.ports[stream]->mixer.volume.gain_mdb = gain_mdb;
	RIG_CLASS->panel->mixer_changed(rig.dev, dir, stream % 2, rig.now);
}

static void expect_event(uint64_t at, uint32_t element)
{
	uint32_t written, code;
	uint16_t words[2];

	assert_true(rig_take(&rig, EVENT, NULL, &written));
	assert_int_equal(written, 8);
	memcpy(&code, rig_at(&rig, at), 4);
	memcpy(words, rig_at(&rig, at + 4), 4);
	assert_int_equal(code, 0x1200);
	assert_int_equal(words[0], element);
	assert_int_equal(words[1], 1); /* V109: VALUE */
}

static void test_V108_V109_V110_the_driver_is_told_of_the_owners_change(void **state)
{
	uint64_t at[3] = {post_event(), post_event(), post_event()};

	rig_kick(&rig, EVENT);
	owner_sets(0, -6000);
	expect_event(at[0], PLAY_VOLUME);
	expect_both(PLAY_VOLUME, 108, 108);
	rig.ports[2]->mixer.volume.muted = UINT32_MAX;
	rig.ports[2]->mixer.sources = 4;
	RIG_CLASS->panel->mixer_changed(rig.dev, VMSND_CAPTURE, 0, rig.now);
	expect_event(at[1], REC_SWITCH);
	expect_event(at[2], REC_SOURCE);
	expect_both(REC_SOURCE, 2, 0);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

static void test_V110_nothing_is_told_of_what_did_not_change(void **state)
{
	post_event();
	rig_kick(&rig, EVENT);
	/* Its own write, the same value again, less than a step, and a stream that is not shown. */
	assert_int_equal(set(PLAY_VOLUME, 100, 100), OK);
	owner_sets(0, -10000);
	owner_sets(0, -10200);
	owner_sets(1, -3000);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	assert_int_equal(rig_counter(&rig, "events"), 0);
}

/* Without a buffer a change waits, and many of them are one. */
static void test_V110_no_storm(void **state)
{
	uint64_t at[2];

	for (int i = 0; i < 1000; i++)
		owner_sets(0, -1000 * (1 + i % 50));
	at[0] = post_event();
	at[1] = post_event();
	rig_kick(&rig, EVENT);
	expect_event(at[0], PLAY_VOLUME);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	assert_int_equal(rig_counter(&rig, "events"), 1);
	owner_sets(0, -500);
	expect_event(at[1], PLAY_VOLUME);
}

static void test_V110_a_driver_without_the_feature_is_not_told(void **state)
{
	open_with(NULL, 2, 2);
	rig_boot(&rig, RIG_F_ALL, 64);
	post_event();
	rig_kick(&rig, EVENT);
	owner_sets(0, -6000);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

/* The value is the port's: it outlives the driver, and a saved card finds it there. */
static void test_values_survive_reset_and_restore(void **state)
{
	size_t bytes;
	uint8_t *saved;

	assert_int_equal(set(PLAY_VOLUME, 30, 40), OK);
	saved = rig_save(&rig, &bytes);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	expect_both(PLAY_VOLUME, 30, 40);
	rig_make_card(&rig);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_OK);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	expect_both(PLAY_VOLUME, 30, 40);
	free(saved);
}

/* An owner who has detached an input since makes the card anew without it. */
static void test_V99_a_saved_card_has_the_inputs_that_the_guest_knows(void **state)
{
	struct snd_ctl_enum_item items[3];
	uint32_t written;
	size_t bytes;
	uint8_t *saved = rig_save(&rig, &bytes);

	open_with("{outputs: [{backend: alsa}]}", 2, 2);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_OK);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	assert_int_equal(info_of(REC_SOURCE).value.enumerated.items, 3);
	assert_int_equal(ask(SND_R_CTL_ENUM_ITEMS, REC_SOURCE, items, sizeof(items), &written), OK);
	assert_string_equal(items[2].item, "2 p??lse");
	assert_int_equal(set(REC_SOURCE, 2, 0), OK);
	assert_int_equal(rig.ports[2]->mixer.sources, 4);

	/* Names are the guest's to read, so they are checked. */
	saved[bytes - 64 * 8 + 1] = '\n';
	rig_make_card(&rig);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	assert_int_equal(info_of(REC_SOURCE).value.enumerated.items, 2);
	free(saved);
}

/* Requests that turn mixers count for more: the budget of a call stays what it is. */
static void test_a_driver_that_floods_with_writes_is_served_in_turns(void **state)
{
	struct snd_ctl_write request = {.hdr = {SND_R_CTL_WRITE, PLAY_VOLUME}};
	uint64_t served;

	for (uint32_t i = 0; i < 32; i++) {
		uint64_t out, in = rig_alloc(&rig, 4);

		request.value.integer[0] = request.value.integer[1] = i;
		out = rig_put(&rig, &request, sizeof(request));
		rig_post(&rig, CONTROL,
			 (const struct rig_segment[]){{out, sizeof(request), false}, {in, 4, true}},
			 2, false);
	}
	RIG_OPS->kick(rig.dev, CONTROL, rig.now);
	served = rig_given_back(&rig, CONTROL);
	assert_in_range(served, 1, 31);
	rig_step(&rig);
	assert_int_equal(rig_given_back(&rig, CONTROL), 32);
	while (rig_take(&rig, CONTROL, NULL, NULL))
		;
	expect_both(PLAY_VOLUME, 31, 31);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_V100_as_the_ports_are),
	    T(test_V101_volume_of_all_streams_of_the_direction),
	    T(test_V101_each_channel_has_its_own),
	    T(test_V111_every_step_reads_back_and_the_bottom_is_silence),
	    T(test_V101_switch_is_mute),
	    T(test_V101_source_is_the_input_that_is_heard),
	    T(test_V103_values_out_of_range_change_nothing),
	    T(test_V102_V105_without_the_right_it_is_refused),
	    T(test_V107_a_TLV_that_cannot_be_is_malformed),
	    T(test_V14_V15_unknown_elements_and_short_requests),
	    T(test_V105_V111_the_scale_of_decibels),
	    T(test_V106_what_fits_of_it),
	    T(test_V108_V109_V110_the_driver_is_told_of_the_owners_change),
	    T(test_V110_nothing_is_told_of_what_did_not_change),
	    T(test_V110_no_storm),
	    T(test_V110_a_driver_without_the_feature_is_not_told),
	    T(test_values_survive_reset_and_restore),
	    T(test_V99_a_saved_card_has_the_inputs_that_the_guest_knows),
	    T(test_a_driver_that_floods_with_writes_is_served_in_turns),
	};

	return cmocka_run_group_tests_name("controls", tests, NULL, NULL);
}
