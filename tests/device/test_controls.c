/* SPDX-License-Identifier: BSD-3-Clause */
/* Control elements: whether there are any, and what they say of themselves (V3-V5, V90-V99). */
#include "controls_rig.h"

#include <string.h>

/* ---- on offer or not ------------------------------------------------------------------------- */

static void test_V3_V5_off_unless_asked_for(void **state)
{
	const struct snd_ctl_hdr request = {SND_R_CTL_READ, 0};
	uint32_t status;

	rig_close(&rig);
	rig_open(&rig, 2, 2);
	assert_false(RIG_OPS->features(rig.dev) & RIG_F_CTLS);
	assert_int_equal(config_controls(), 0);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	rig_request(&rig, &request, sizeof(request), &status, 4);
	assert_int_equal(status, NOT_SUPP);
}

/* A vhost-user front end shows the configuration before it passes on what was agreed. */
static void test_V4_V5_the_real_number_before_and_after_features(void **state)
{
	open_with(NULL, 1, 1);
	assert_true(RIG_OPS->features(rig.dev) == (RIG_F_ALL | RIG_F_CTLS));
	assert_int_equal(config_controls(), N_ELEMENTS);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	assert_int_equal(config_controls(), N_ELEMENTS);
}

static void test_V3_not_agreed_on_is_not_there(void **state)
{
	uint8_t request[520] = {0};

	open_with(NULL, 1, 1);
	rig_boot(&rig, RIG_F_ALL, 64);
	for (uint32_t code = SND_R_CTL_INFO; code <= SND_R_CTL_TLV_COMMAND; code++) {
		uint8_t answer[4 + 512];
		uint32_t status;

		memcpy(request, &code, 4);
		assert_int_equal(
		    rig_request(&rig, request, sizeof(request), answer, sizeof(answer)), 4);
		memcpy(&status, answer, 4);
		assert_int_equal(status, NOT_SUPP);
	}
}

/* ---- what there are -------------------------------------------------------------------------- */

static void test_V90_V91_V92_V111_information(void **state)
{
	static const struct {
		const char *name;
		uint32_t role, type, access, count, max, step;
	} rows[N_ELEMENTS] = {
	    {"Master Playback Volume", 1 << 1 | 0, 1, 0x13, 2, 120, 0},
	    {"Master Playback Switch", 2 << 1 | 0, 0, 0x03, 2, 1, 0},
	    {"Capture Volume", 1 << 1 | 1, 1, 0x13, 2, 120, 0},
	    {"Capture Switch", 2 << 1 | 1, 0, 0x03, 2, 1, 0},
	    {"Capture Source", 0, 3, 0x03, 1, 0, 0},
	};

	assert_int_equal(config_controls(), N_ELEMENTS);
	for (uint32_t i = 0; i < N_ELEMENTS; i++) {
		struct snd_ctl_info info = info_of(i);

		assert_int_equal(info.hda_fn_nid, 0);
		assert_string_equal(info.name, rows[i].name);
		assert_int_equal(info.role, rows[i].role);
		assert_int_equal(info.type, rows[i].type);
		assert_int_equal(info.access, rows[i].access);
		assert_int_equal(info.count, rows[i].count);
		assert_int_equal(info.index, 0);
		assert_int_equal(info.unused, 0);
		if (i == REC_SOURCE) {
			assert_int_equal(info.value.enumerated.items, 3);
			continue;
		}
		assert_int_equal(info.value.integer.min, 0);
		assert_int_equal(info.value.integer.max, rows[i].max);
		assert_int_equal(info.value.integer.step, rows[i].step);
	}
}

static void test_V7_V19_V20_ranges_and_sizes_of_the_query(void **state)
{
	uint8_t answer[4 + N_ELEMENTS * 200];
	struct virtio_snd_query_info query = {{SND_R_CTL_INFO}, 0, N_ELEMENTS, 200};
	uint32_t status;

	assert_int_equal(rig_request(&rig, &query, sizeof(query), answer, sizeof(answer)),
			 sizeof(answer));
	for (uint32_t i = 0; i < N_ELEMENTS; i++) {
		struct snd_ctl_info info = info_of(i);

		assert_memory_equal(answer + 4 + i * 200, &info, sizeof(info));
		for (uint32_t at = sizeof(info); at < 200; at++)
			assert_int_equal(answer[4 + i * 200 + at], 0);
	}
	query.count++;
	assert_int_equal(rig_request(&rig, &query, sizeof(query), &status, 4), 4);
	assert_int_equal(status, BAD_MSG);
}

/* V93, V96, V104: INTEGER64, BYTES and IEC958 have nothing here that they could stand for. */
static void test_V93_V94_V95_V96_V104_only_what_the_standard_defines(void **state)
{
	static const uint32_t count_max[] = {128, 128, 64, 128};

	for (uint32_t i = 0; i < N_ELEMENTS; i++) {
		struct snd_ctl_info info = info_of(i);

		assert_true(info.type == SND_CTL_BOOLEAN || info.type == SND_CTL_INTEGER ||
			    info.type == SND_CTL_ENUMERATED);
		assert_true(info.role >> 1 <= SND_CTL_KIND_GAIN);
		assert_int_equal(info.access & ~0x7Fu, 0);
		assert_in_range(info.count, 1, count_max[info.type]);
	}
}

static void expect_text(const char *text, size_t bytes)
{
	size_t n = strnlen(text, bytes);

	assert_in_range(n, 1, bytes - 1);
	for (size_t i = 0; i < n; i++)
		assert_in_range(text[i], ' ', '~');
	for (size_t i = n; i < bytes; i++)
		assert_int_equal(text[i], 0);
}

static void test_V97_V99_names_and_items(void **state)
{
	static const char *const wanted[] = {"All inputs", "0 alsa", "2 p??lse"};
	struct snd_ctl_enum_item items[3];
	uint32_t written;

	for (uint32_t i = 0; i < N_ELEMENTS; i++) {
		struct snd_ctl_info info = info_of(i);

		expect_text(info.name, sizeof(info.name));
		if (i != REC_SOURCE)
			assert_int_equal(
			    ask(SND_R_CTL_ENUM_ITEMS, i, items, sizeof(items), &written), NOT_SUPP);
	}
	assert_int_equal(ask(SND_R_CTL_ENUM_ITEMS, REC_SOURCE, items, sizeof(items), &written), OK);
	assert_int_equal(written, 4 + 3 * 64);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(items[i].item, wanted[i]);
		expect_text(items[i].item, sizeof(items[i].item));
	}
	/* V15: all of them or none. */
	assert_int_equal(ask(SND_R_CTL_ENUM_ITEMS, REC_SOURCE, items, 3 * 64 - 1, &written),
			 BAD_MSG);
	assert_int_equal(written, 4);
}

static void test_V99_without_a_word_of_outputs(void **state)
{
	struct snd_ctl_enum_item items[2];
	uint32_t written;

	open_with(NULL, 1, 1);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	assert_int_equal(info_of(REC_SOURCE).value.enumerated.items, 2);
	assert_int_equal(ask(SND_R_CTL_ENUM_ITEMS, REC_SOURCE, items, sizeof(items), &written), OK);
	assert_string_equal(items[0].item, "All inputs");
	assert_string_equal(items[1].item, "0");
}

static void test_V98_names_with_index_are_unique(void **state)
{
	for (uint32_t i = 0; i < N_ELEMENTS; i++)
		for (uint32_t j = 0; j < i; j++) {
			struct snd_ctl_info a = info_of(i), b = info_of(j);

			assert_false(a.index == b.index && strcmp(a.name, b.name) == 0);
		}
}

/* Two groups of playback streams, of which one records, too; the wider one has six channels. */
static void test_V90_V98_each_group_has_its_own(void **state)
{
	static const struct {
		const char *name;
		uint32_t group, index, count;
	} rows[] = {
	    {"Master Playback Volume", 0, 0, 2}, {"Master Playback Switch", 0, 0, 2},
	    {"Master Playback Volume", 7, 1, 6}, {"Master Playback Switch", 7, 1, 6},
	    {"Capture Volume", 7, 1, 2},         {"Capture Switch", 7, 1, 2},
	    {"Capture Source", 7, 1, 1},
	};
	struct snd_ctl_enum_item items[2];
	uint32_t written;

	open_with("{outputs: [{backend: a}, {backend: b}, {backend: c}], streams: {"
		  "playback1: {group: 7, channels: 1-6}, playback2: {group: 7},"
		  "capture0: {group: 7, outputs: \"1\"}}}",
		  3, 1);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	assert_int_equal(config_controls(), sizeof(rows) / sizeof(rows[0]));
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snd_ctl_info info = info_of(i);

		assert_string_equal(info.name, rows[i].name);
		assert_int_equal(info.hda_fn_nid, rows[i].group);
		assert_int_equal(info.index, rows[i].index);
		assert_int_equal(info.count, rows[i].count);
	}
	/* Of the inputs, those that its streams hear. */
	assert_int_equal(ask(SND_R_CTL_ENUM_ITEMS, 6, items, sizeof(items), &written), OK);
	assert_string_equal(items[1].item, "1 b");
	assert_int_equal(set(6, 1, 0), OK);
	assert_int_equal(rig.ports[3]->mixer.sources, 2);
	assert_int_equal(set(2, 60, 60), OK);
	assert_int_equal(rig.ports[0]->mixer.volume.gain_mdb, 0);
	assert_int_equal(rig.ports[1]->mixer.volume.channel_mdb[0], -30000);
	assert_int_equal(rig.ports[2]->mixer.volume.channel_mdb[1], -30000);
	assert_int_equal(rig.ports[2]->mixer.volume.channel_mdb[2], VMSND_GAIN_MIN_MDB);
}

static void test_V90_only_directions_with_streams(void **state)
{
	open_with(NULL, 1, 0);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	assert_int_equal(config_controls(), 2);
	assert_string_equal(info_of(0).name, "Master Playback Volume");
	open_with(NULL, 0, 1);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	assert_int_equal(config_controls(), 3);
	assert_string_equal(info_of(0).name, "Capture Volume");
	assert_int_equal(rig.ports[0]->mixer.sources, UINT32_MAX);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_V3_V5_off_unless_asked_for),
	    T(test_V4_V5_the_real_number_before_and_after_features),
	    T(test_V3_not_agreed_on_is_not_there),
	    T(test_V90_V91_V92_V111_information),
	    T(test_V7_V19_V20_ranges_and_sizes_of_the_query),
	    T(test_V93_V94_V95_V96_V104_only_what_the_standard_defines),
	    T(test_V97_V99_names_and_items),
	    T(test_V99_without_a_word_of_outputs),
	    T(test_V98_names_with_index_are_unique),
	    T(test_V90_V98_each_group_has_its_own),
	    T(test_V90_only_directions_with_streams),
	};

	return cmocka_run_group_tests_name("controls", tests, NULL, NULL);
}
