/* SPDX-License-Identifier: BSD-3-Clause */
/* Jacks, from the configuration to the driver and back (V23-V29). */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define OK       VIRTIO_SND_S_OK
#define BAD_MSG  VIRTIO_SND_S_BAD_MSG
#define NOT_SUPP VIRTIO_SND_S_NOT_SUPP

static const char four[] =
    "jacks:\n"
    "  rear: {type: line-out, color: green, output: 0}\n"
    "  phones: {type: headphones, location: front, connection: 6.3mm, group: 7, remap: on}\n"
    "  raw: {pin-config: 0x90a70123, connected: off}\n"
    "  tv: {type: digital-out, location: hdmi, connection: digital, color: black,\n"
    "       association: 9, sequence: 4}\n";

static struct rig rig;

static int set_up(void **state)
{
	rig_open_with(&rig, 1, 1, NULL, four);
	rig_boot(&rig, RIG_F_ALL, 64);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

struct jack_answer {
	uint32_t status;
	struct virtio_snd_jack_info info[4];
};

static uint32_t ask(uint32_t start, uint32_t count, struct jack_answer *answer)
{
	const struct virtio_snd_query_info query = {
	    {VIRTIO_SND_R_JACK_INFO}, start, count, sizeof(answer->info[0])};

	return rig_request(&rig, &query, sizeof(query), answer, sizeof(*answer));
}

static void test_V4_V23_each_jack_is_told_of(void **state)
{
	struct jack_answer answer;
	uint32_t jacks = 0;

	RIG_OPS->config_read(rig.dev, 0, &jacks, 4);
	assert_int_equal(jacks, 4);
	assert_int_equal(sizeof(answer.info[0]), 24);
	assert_int_equal(ask(0, 4, &answer), 4 + 4 * 24);
	assert_int_equal(answer.status, OK);
	assert_int_equal(answer.info[0].hdr.hda_fn_nid, 0);
	assert_int_equal(answer.info[1].hdr.hda_fn_nid, 7);
	assert_int_equal(answer.info[0].connected, 1);
	assert_int_equal(answer.info[1].connected, 1);
	assert_int_equal(answer.info[2].connected, 0);
	assert_int_equal(answer.info[3].connected, 1);
}

static void test_V18_V19_V21_ranges_of_jacks(void **state)
{
	struct jack_answer answer;

	assert_int_equal(ask(2, 2, &answer), 4 + 2 * 24);
	assert_int_equal(answer.info[0].hda_reg_defconf, 0x90a70123);
	assert_int_equal(ask(4, 0, &answer), 4);
	assert_int_equal(answer.status, OK);
	assert_int_equal(ask(3, 2, &answer), 4);
	assert_int_equal(answer.status, BAD_MSG);
	assert_int_equal(ask(1, UINT32_MAX, &answer), 4);
	assert_int_equal(answer.status, BAD_MSG);
}

static void test_V24_V25_only_remap_is_a_feature_and_padding_is_zero(void **state)
{
	static const uint8_t zeros[7];
	struct jack_answer answer;

	ask(0, 4, &answer);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(answer.info[i].features, i == 1 ? 1 : 0);
		assert_memory_equal(answer.info[i].padding, zeros, 7);
	}
}

/* HDA 7.3.3.31: port connectivity 31:30, location 29:24, device 23:20, connection 19:16, color
 * 15:12, association 7:4, sequence 3:0. */
static void test_V26_registers_as_hda_has_them(void **state)
{
	struct jack_answer answer;

	ask(0, 4, &answer);
	assert_int_equal(answer.info[0].hda_reg_defconf, 0x01014010);
	assert_int_equal(answer.info[1].hda_reg_defconf, 0x02224020);
	assert_int_equal(answer.info[2].hda_reg_defconf, 0x90a70123);
	assert_int_equal(answer.info[3].hda_reg_defconf, 0x18561094);
	/* 7.3.4.9: presence detect, output, input, headphones, HDMI. */
	assert_int_equal(answer.info[0].hda_reg_caps, 1 << 2 | 1 << 4);
	assert_int_equal(answer.info[1].hda_reg_caps, 1 << 2 | 1 << 4 | 1 << 3);
	assert_int_equal(answer.info[2].hda_reg_caps, 1 << 2 | 1 << 5);
	assert_int_equal(answer.info[3].hda_reg_caps, 1 << 2 | 1 << 4 | 1 << 7);
}

static uint32_t remap(uint32_t jack, uint32_t association, uint32_t sequence)
{
	const struct virtio_snd_jack_remap request = {
	    {{VIRTIO_SND_R_JACK_REMAP}, jack}, association, sequence};
	uint32_t status;

	assert_int_equal(rig_request(&rig, &request, sizeof(request), &status, sizeof(status)), 4);
	return status;
}

static void test_V27_remap_changes_association_and_sequence(void **state)
{
	struct jack_answer answer;

	assert_int_equal(remap(1, 5, 14), OK);
	ask(1, 1, &answer);
	assert_int_equal(answer.info[0].hda_reg_defconf, 0x0222405e);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	rig_boot(&rig, RIG_F_ALL, 64);
	ask(1, 1, &answer);
	assert_int_equal(answer.info[0].hda_reg_defconf, 0x02224020);
}

static void test_V28_remap_is_refused_where_it_is_not_offered(void **state)
{
	struct jack_answer answer;

	assert_int_equal(remap(0, 5, 14), NOT_SUPP);
	assert_int_equal(remap(4, 5, 14), BAD_MSG);
	assert_int_equal(remap(UINT32_MAX, 5, 14), BAD_MSG);
	assert_int_equal(remap(1, 16, 0), BAD_MSG);
	assert_int_equal(remap(1, 0, 16), BAD_MSG);
	ask(1, 1, &answer);
	assert_int_equal(answer.info[0].hda_reg_defconf, 0x02224020);
}

/* ---- the configuration ---- */

static void expect_wrong(const char *yaml, const char *part)
{
	struct vmsnd_error error = {""};
	struct vmsnd_node *node;
	struct vmsnd_dev_conf conf = {.name = "card", .playback_streams = 1};

	assert_int_equal(vmsnd_yaml_parse("card", yaml, strlen(yaml), &node, &error), VMSND_OK);
	conf.node = node;
	assert_int_equal(RIG_CLASS->check(&conf, &error), VMSND_E_INVALID);
	if (!strstr(error.line, part))
		fail_msg("'%s' lacks '%s'", error.line, part);
	assert_int_equal(RIG_CLASS->footprint(&conf), 0);
	vmsnd_tree_free(node);
}

static void test_V26_wrong_configurations_are_refused(void **state)
{
	char many[2048] = "jacks:\n";

	expect_wrong("jacks: {a: {type: trumpet}}",
		     "jacks.a: type 'trumpet' is none of: line-out speaker headphones");
	expect_wrong("jacks: {a: {location: moon}}", "none of: none rear front");
	expect_wrong("jacks: {a: {color: mauve}}", "none of: unknown black");
	expect_wrong("jacks: {a: {connection: usb}}", "none of: unknown 3.5mm");
	expect_wrong("jacks: {a: {colour: red}}", "did you mean 'color'");
	expect_wrong("jacks: {a: {output: 8}}", "output");
	expect_wrong("jacks: {a: {association: 16}}", "association");
	expect_wrong("jacks: {a: {pin-config: 0x100000000}}", "pin-config");
	expect_wrong("jacks: {a: {pin-config: 0x1, type: mic}}", "all that type does");
	expect_wrong("jacks: {a: {output: 1, connected: on}}", "give output or connected");
	expect_wrong("jacks: {a: {b: {}}}", "one value each");
	expect_wrong("jacks: {a: mic}", "node of its own");
	expect_wrong("jacks: {a-name-of-thirty-two-characters-x: {}}", "at most 31 bytes");
	for (unsigned i = 0; i < 33; i++) {
		const char jack[] = {' ', 'j', (char)('a' + i / 26), (char)('a' + i % 26), 0};

		strcat(many, jack);
		strcat(many, ": {}\n");
	}
	expect_wrong(many, "at most 32 jacks");
}

static void test_V23_usual_jacks_follow_output_0(void **state)
{
	struct vmsnd_jack jack;
	struct jack_answer answer;

	rig_close(&rig);
	rig_open_with(&rig, 2, 1, "jacks=on", NULL);
	rig_boot(&rig, RIG_F_ALL, 64);
	ask(0, 2, &answer);
	assert_int_equal(answer.status, OK);
	assert_int_equal(answer.info[0].hda_reg_defconf, 0x01014010);
	assert_int_equal(answer.info[1].hda_reg_defconf, 0x01a19020);
	assert_true(RIG_CLASS->panel->jack(rig.dev, 0, &jack));
	assert_string_equal(jack.name, "line-out");
	assert_int_equal(jack.output, 0);
	assert_true(jack.connected);
	assert_true(RIG_CLASS->panel->jack(rig.dev, 1, &jack));
	assert_string_equal(jack.name, "mic");
	assert_false(RIG_CLASS->panel->jack(rig.dev, 2, &jack));
}

/* ---- plugged in, pulled out ---- */

static uint16_t post_event(void)
{
	const struct rig_segment segment = {rig_alloc(&rig, 8), 8, true};

	return rig_post(&rig, EVENT, &segment, 1, false);
}

static void expect_event(uint32_t code, uint32_t data)
{
	struct virtio_snd_event event;
	uint32_t head, written;

	assert_true(rig_take(&rig, EVENT, &head, &written));
	assert_int_equal(written, 8);
	memcpy(&event, rig_at(&rig, rig_descriptor(&rig, EVENT, (uint16_t)head)->addr), 8);
	assert_int_equal(event.hdr.code, code);
	assert_int_equal(event.data, data);
}

static void set(unsigned jack, bool connected)
{
	RIG_CLASS->panel->jack_set(rig.dev, jack, connected, rig.now);
	rig_step(&rig);
}

static void test_V29_events_tell_of_plugs(void **state)
{
	struct jack_answer answer;

	for (unsigned i = 0; i < 4; i++)
		post_event();
	set(0, false);
	expect_event(0x1001, 0);
	assert_int_equal(rig.queues[EVENT].interrupts, 1);
	set(2, true);
	expect_event(0x1000, 2);
	set(2, true); /* as it was */
	set(4, true); /* there is none */
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	assert_int_equal(rig_counter(&rig, "events"), 2);
	ask(0, 4, &answer);
	assert_int_equal(answer.info[0].connected, 0);
	assert_int_equal(answer.info[2].connected, 1);
}

static void test_V29_a_plug_waits_for_a_buffer(void **state)
{
	set(1, false);
	set(0, false);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	post_event();
	post_event();
	post_event();
	rig_kick(&rig, EVENT);
	expect_event(0x1001, 0);
	expect_event(0x1001, 1);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	assert_int_equal(rig_counter(&rig, "dropped_events"), 0);
}

static void test_V29_what_is_true_by_then_is_told_once(void **state)
{
	set(0, false);
	set(0, true);
	set(1, false);
	set(1, true);
	set(1, false);
	post_event();
	post_event();
	rig_kick(&rig, EVENT);
	expect_event(0x1001, 1);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

static void test_V29_an_answer_tells_as_well_as_an_event(void **state)
{
	struct jack_answer answer;

	set(0, false);
	ask(0, 4, &answer);
	assert_int_equal(answer.info[0].connected, 0);
	post_event();
	rig_kick(&rig, EVENT);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

/* Linux resets the card when it suspends, and does not ask for jacks when it resumes. */
static void test_V29_a_driver_back_from_suspend_hears_of_changes(void **state)
{
	RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
	set(0, false);
	rig_boot(&rig, RIG_F_ALL, 64);
	post_event();
	rig_kick(&rig, EVENT);
	expect_event(0x1001, 0);
}

/* It asks anyway. */
static void test_V29_what_was_before_any_driver_is_no_event(void **state)
{
	struct jack_answer answer;

	rig_close(&rig);
	rig_open_with(&rig, 1, 1, NULL, four);
	set(0, false);
	rig_boot(&rig, RIG_F_ALL, 64);
	post_event();
	rig_kick(&rig, EVENT);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
	ask(0, 1, &answer);
	assert_int_equal(answer.info[0].connected, 0);
	set(0, true);
	expect_event(0x1000, 0);
}

static void test_V64_nothing_waits_for_another_guest(void **state)
{
	set(0, false);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_PEER_LOST, rig.now);
	rig_boot(&rig, RIG_F_ALL, 64);
	post_event();
	rig_kick(&rig, EVENT);
	assert_int_equal(rig_given_back(&rig, EVENT), 0);
}

/* ---- saved state ---- */

static void test_V29_saved_state_keeps_jacks_and_what_waits(void **state)
{
	struct jack_answer answer;
	struct vmsnd_jack jack;
	uint8_t *saved;
	size_t bytes;

	assert_int_equal(remap(1, 5, 14), OK);
	set(0, false);
	saved = rig_save(&rig, &bytes);
	rig_make_card(&rig);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_OK);
	assert_true(RIG_CLASS->panel->jack(rig.dev, 0, &jack));
	assert_false(jack.connected);
	assert_true(RIG_CLASS->panel->jack(rig.dev, 1, &jack));
	assert_int_equal(jack.pin_config, 0x0222405e);
	RIG_OPS->set_features(rig.dev, RIG_F_ALL);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig.queues[i].setup.next_avail = RIG_OPS->queue_stop(rig.dev, i, rig.now);
		assert_int_equal(RIG_OPS->queue_start(rig.dev, i, &rig.queues[i].setup, rig.now),
				 VMSND_OK);
	}
	post_event();
	rig_kick(&rig, EVENT);
	expect_event(0x1001, 0);
	ask(0, 1, &answer);
	assert_int_equal(answer.info[0].connected, 0);
	free(saved);
}

static void test_V29_a_state_of_other_jacks_is_refused(void **state)
{
	uint8_t *saved;
	size_t bytes;

	saved = rig_save(&rig, &bytes);
	rig_close(&rig);
	rig_open_with(&rig, 1, 1, "jacks=on", NULL);
	assert_int_equal(rig_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	free(saved);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V4_V23_each_jack_is_told_of),
	    TEST(test_V18_V19_V21_ranges_of_jacks),
	    TEST(test_V24_V25_only_remap_is_a_feature_and_padding_is_zero),
	    TEST(test_V26_registers_as_hda_has_them),
	    TEST(test_V27_remap_changes_association_and_sequence),
	    TEST(test_V28_remap_is_refused_where_it_is_not_offered),
	    TEST(test_V26_wrong_configurations_are_refused),
	    TEST(test_V23_usual_jacks_follow_output_0),
	    TEST(test_V29_events_tell_of_plugs),
	    TEST(test_V29_a_plug_waits_for_a_buffer),
	    TEST(test_V29_what_is_true_by_then_is_told_once),
	    TEST(test_V29_an_answer_tells_as_well_as_an_event),
	    TEST(test_V29_a_driver_back_from_suspend_hears_of_changes),
	    TEST(test_V29_what_was_before_any_driver_is_no_event),
	    TEST(test_V64_nothing_waits_for_another_guest),
	    TEST(test_V29_saved_state_keeps_jacks_and_what_waits),
	    TEST(test_V29_a_state_of_other_jacks_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
