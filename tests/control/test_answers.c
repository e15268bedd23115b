/* SPDX-License-Identifier: BSD-3-Clause */
/* What is answered: how things are, what there is, trees. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/json_tree.h"
#include "rig.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* "name" and the members of its arguments, without the braces. */
static json_t *ask(struct client *client, const char *command, const char *arguments)
{
	char request[1000];

	snprintf(request, sizeof(request), "{\"execute\":\"%s\",\"arguments\":{%s}}", command,
		 arguments);
	return client_ask(client, request);
}

static const struct vmsnd_stream_status full = {
    .dir = VMSND_CAPTURE,
    .stream = 1,
    .output = 2,
    .backend = "file",
    .host = "running",
    .state = "CAPTURING",
    .guest_format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
    .host_format = {.sample = VMSND_SAMPLE_FLOAT,
		    .rate_hz = 44100,
		    .channels = 1,
		    .big_endian = true},
    .exact = true,
    .volume = {.gain_mdb = -1500, .channel_mdb = {0, 250}, .muted = 2},
    .frames_in = 1,
    .frames_out = 2,
    .dropped_frames = 3,
    .silence_frames = 4,
    .place = {.device = "hw:0",
	      .name = "Mic \xff",
	      .has_volume = true,
	      .muted = true,
	      .gain_mdb = -1500,
	      .xruns = 9},
    .xruns = 5,
    .xrun_frames = 6,
    .fill_frames = 7,
    .latency_ns = 8,
    .latency_min_ns = 9,
    .latency_max_ns = UINT64_MAX,
    .drift_ppm = -12.25,
    .bend_ppm = 0.5,
    .opens = 10,
    .losses = 11,
    .n_changes = 2,
    .changes = {{.when = 700, .to = "running"}, {.when = 600, .to = "opening"}},
};

static void test_query_streams_has_all_of_it(void **state)
{
	static const char expected[] =
	    "[{\"direction\":\"capture\",\"stream\":1,\"output\":2,\"backend\":\"file\","
	    "\"host\":\"running\",\"state\":\"CAPTURING\",\"guest-format\":{\"sample\":\"S16\","
	    "\"rate\":48000,\"channels\":2,\"big-endian\":false,\"positions\":[\"FL\",\"FR\"]},"
	    "\"host-format\":{\"sample\":\"FLOAT\",\"rate\":44100,\"channels\":1,"
	    "\"big-endian\":true,\"positions\":[\"MONO\"]},\"place\":{\"device\":\"hw:0\",\"name\":"
	    "\"Mic "
	    "?\",\"xruns\":9,\"volume\":{\"gain-db\":-1.5,\"mute\":true}},\"exact\":true,"
	    "\"volume\":"
	    "{\"gain-db\":-1.5,\"mute\":false,\"channels-db\":[0.0,0.25],"
	    "\"mute-channels\":[false,true]},\"mixer\":{\"gain-db\":-30.0,\"mute\":true,"
	    "\"channels-db\":[0.0,-0.5],\"mute-channels\":[true,true],\"sources\":[0,2]},"
	    "\"frames-in\":1,\"frames-out\":2,"
	    "\"dropped-frames\":3,\"silence-frames\":4,\"xruns\":5,\"xrun-frames\":6,"
	    "\"fill-frames\":7,\"latency-ns\":8,\"latency-min-ns\":9,"
	    "\"latency-max-ns\":9223372036854775807,\"opens\":10,\"losses\":11,"
	    "\"drift-ppm\":-12.25,\"bend-ppm\":0.5,\"changes\":[{\"to\":\"running\","
	    "\"ago-ns\":300},{\"to\":\"opening\",\"ago-ns\":400}]}]";
	struct rig *rig = *state;
	struct client client;
	json_t *wanted = json_loads(expected, 0, NULL), *message;

	assert_non_null(wanted);
	rig->now = 1000;
	rig->machine.cards[1].n_streams = 1;
	rig->machine.cards[1].streams[0] = full;
	rig->machine.cards[1].mixers[VMSND_CAPTURE][1] = (struct vmsnd_mixer){
	    .volume = {.gain_mdb = -30000, .channel_mdb = {0, -500}, .muted = UINT32_MAX},
	    .sources = 5};
	client_join(rig, &client);
	message = ask(&client, "query-streams", "\"card\":\"second\"");
	if (!json_equal(json_object_get(message, "return"), wanted))
		fail_msg("%s", json_dumps(message, JSON_INDENT(1)));
	json_decref(message);
	json_decref(wanted);
	client_close(&client);
}

/* Also those without a stream; and two of a kind are told apart by their text. */
static void test_query_cards_lists_every_output(void **state)
{
	static const char expected[] =
	    "[{\"card\":0,\"name\":\"first\",\"playback\":true,\"capture\":false,\"paused\":true,"
	    "\"trusted\":false,\"refusals\":3,\"trace\":\"/t.trace\",\"trace-records\":10,"
	    "\"trace-lost\":2,\"outputs\":["
	    "{\"output\":0,\"backend\":\"null\",\"text\":\"null\",\"drivers\":[],\"present\":false,"
	    "\"playback\":false,\"playback-status\":\"unknown\","
	    "\"capture\":false,\"capture-status\":\"unknown\"},"
	    "{\"output\":3,\"backend\":\"file\",\"text\":\"file,path=?.wav\","
	    "\"drivers\":[\"delay,ms=5\",\"map\"],\"present\":true,"
	    "\"playback\":true,\"playback-status\":\"running\","
	    "\"capture\":false,\"capture-status\":\"unknown\"},"
	    "{\"output\":7,\"backend\":\"file\",\"text\":\"file,path=b.wav\",\"drivers\":[],"
	    "\"present\":true,"
	    "\"playback\":true,\"playback-status\":\"error\","
	    "\"capture\":true,\"capture-status\":\"initializing\"}],"
	    "\"taps\":[{\"direction\":\"capture\",\"stream\":1,\"point\":\"host\",\"path\":\"/"
	    "t.wav\"}]},"
	    "{\"card\":1,\"name\":\"?\",\"playback\":true,\"capture\":false,\"paused\":false,"
	    "\"trusted\":true,\"refusals\":0,\"trace\":null,\"trace-records\":0,"
	    "\"trace-lost\":0,\"outputs\":[],\"taps\":[]}]";
	struct rig *rig = *state;
	struct double_card *card = &rig->machine.cards[0];
	struct client client;
	json_t *message, *wanted = json_loads(expected, 0, NULL);

	assert_non_null(wanted);
	card->paused = true;
	card->tap = (struct vmsnd_tap_conf){VMSND_CAPTURE, 1, VMSND_TAP_HOST, "/t.wav"};
	card->guard = (struct vmsnd_guard_status){
	    .trusted = false, .refusals = 3, .trace = "/t.trace", .records = 10, .lost = 2};
	card->outputs[3] = (struct vmsnd_output_status){
	    .backend = "file",
	    .text = "file,path=\xff.wav",
	    .drivers = {"delay,ms=5", "map"},
	    .present = true,
	    .ways = {[VMSND_PLAYBACK] = {.serves = true, .status = VMSND_BACKEND_RUNNING}}};
	card->outputs[7] = (struct vmsnd_output_status){
	    .backend = "file",
	    .text = "file,path=b.wav",
	    .present = true,
	    .ways = {[VMSND_PLAYBACK] = {.serves = true, .status = VMSND_BACKEND_ERROR},
		     [VMSND_CAPTURE] = {.serves = true, .status = VMSND_BACKEND_INITIALIZING}}};
	rig->machine.cards[1].n_streams = 0;
	rig->machine.cards[1].name = "\xff";
	client_join(rig, &client);
	message = client_ask(&client, "{\"execute\":\"query-cards\"}");
	if (!json_equal(json_object_get(message, "return"), wanted))
		fail_msg("%s", json_dumps(message, JSON_INDENT(1)));
	json_decref(message);
	json_decref(wanted);
	client_close(&client);
}

/* A number without a card is none; a list with many is cut. */
static void test_query_cards_leaves_gaps_out(void **state)
{
	struct rig *rig = *state;
	struct client client;
	json_t *message, *list;

	rig->machine.cards[0].gone = true;
	rig->machine.status.cards = 2;
	client_join(rig, &client);
	message = ask(&client, "query-cards", "");
	list = json_object_get(message, "return");
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "card")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "card")), 2);
	json_decref(message);
	client_close(&client);
}

static void test_query_status_tells_the_phase(void **state)
{
	static const struct {
		enum vmsnd_machine_phase phase;
		const char *word;
	} phases[] = {{VMSND_MACHINE_OFF, "off"},
		      {VMSND_MACHINE_ON, "running"},
		      {VMSND_MACHINE_SUSPENDED, "suspended"},
		      {VMSND_MACHINE_CHANGING, "changing"}};
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.status = (struct vmsnd_machine_status){
	    .cards = 2, .connected = 1, .sessions_ended = 7, .lanes = 4, .hiccups = 3};
	for (size_t i = 0; i < COUNT(phases); i++) {
		json_t *message, *wanted;

		rig->machine.phase = phases[i].phase;
		message = ask(&client, "query-status", "");
		wanted = json_pack("{s:s,s:b,s:i,s:i,s:i,s:i,s:i}", "status", phases[i].word,
				   "running", phases[i].phase == VMSND_MACHINE_ON, "cards", 2,
				   "connected", 1, "sessions-ended", 7, "lanes", 4, "hiccups", 3);
		assert_true(json_equal(json_object_get(message, "return"), wanted));
		json_decref(message);
		json_decref(wanted);
	}
	client_close(&client);
}

/* What an answer has, as JSON. */
static void expect_return(struct client *client, const char *command, const char *arguments,
			  const char *expected)
{
	json_t *message = ask(client, command, arguments);
	json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);

	assert_non_null(wanted);
	if (!json_equal(json_object_get(message, "return"), wanted))
		fail_msg("%s %s: %s", command, arguments, json_dumps(message, 0));
	json_decref(message);
	json_decref(wanted);
}

static const char *member(const json_t *list, size_t index, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, index), key));
}

/* A worker takes its time; a backend that tells nothing is no failure. */
static void test_a_host_is_asked_and_waited_for(void **state)
{
	static const char request[] = "{\"execute\":\"query-host\",\"arguments\":{\"card\":0}}";
	struct rig *rig = *state;
	const json_t *facts;
	json_t *message;
	struct client client;

	client_join(rig, &client);
	rig->machine.n_host_devices = 1;
	expect_return(&client, "query-host", "\"card\":0",
		      "{\"output\":0,\"backend\":\"null\",\"present\":false,\"facts\":[],"
		      "\"devices\":[{\"id\":\"hw:0\",\"name\":\"Card ? 0\","
		      "\"playback-channels\":2,\"capture-channels\":0,\"default-playback\":true,"
		      "\"default-capture\":false,\"hot-plug\":false}]}");
	rig->machine.n_host_devices = 0;
	rig->machine.n_facts = 2;
	rig->machine.facts[0] = (struct vmsnd_fact){VMSND_FACT_SERVER, "Server 1"};
	rig->machine.facts[1] = (struct vmsnd_fact){VMSND_FACT_TROUBLE, "It is deaf."};
	rig->machine.again = 3;
	client_send(&client, request, strlen(request));
	assert_null(client_next(&client)); /* a worker has it */
	rig->machine.again = 0;
	rig->now += VMSND_NS_PER_SECOND;
	message = client_next(&client);
	facts = json_object_get(json_object_get(message, "return"), "facts");
	assert_int_equal(json_array_size(facts), 2);
	assert_string_equal(member(facts, 0, "name"), "server");
	assert_string_equal(member(facts, 0, "text"), "Server 1");
	assert_string_equal(member(facts, 1, "name"), "trouble");
	assert_string_equal(member(facts, 1, "text"), "It is deaf.");
	json_decref(message);
	client_close(&client);
}

static void test_trees_are_shown_as_JSON(void **state)
{
	struct client client;

	client_join(*state, &client);
	expect_return(&client, "query-statistics", "",
		      "{\"first\":{\"tx_messages\":\"18446744073709551615\","
		      "\"playback0\":{\"underruns\":3}}}");
	expect_return(&client, "query-statistics", "\"path\":\"first.playback0\"",
		      "{\"underruns\":3}");
	expect_return(&client, "query-statistics", "\"path\":\"first.playback0.underruns\"", "3");
	expect_return(&client, "query-config", "",
		      "{\"cards\":{\"first\":{\"device\":\"virtio-snd\",\"outputs\":["
		      "{\"backend\":\"null\",\"volume\":-3.5},{\"backend\":\"file\"}],"
		      "\"window\":{\"from\":-1}}}}");
	expect_return(&client, "query-config", "\"defaults\":true,\"path\":\"cards.first\"",
		      "{\"device\":\"virtio-snd\",\"input\":false}");
	client_close(&client);
}

/* No value becomes another one, as a file of it would be another configuration. */
static void test_what_JSON_has_no_number_for_is_a_text(void **state)
{
	struct vmsnd_node *root = vmsnd_tree_new();
	json_t *shown, *wanted = json_pack("{s:I,s:s,s:f,s:s,s:s}", "most", (json_int_t)INT64_MAX,
					   "more", "9223372036854775808", "half", 0.5, "endless",
					   ".inf", "none", ".nan");

	assert_int_equal(vmsnd_leaf_set_uint(root, "most", INT64_MAX), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_uint(root, "more", (uint64_t)INT64_MAX + 1), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_real(root, "half", 0.5), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_real(root, "endless", (double)INFINITY), VMSND_OK);
	assert_int_equal(vmsnd_leaf_set_real(root, "none", (double)NAN), VMSND_OK);
	shown = vmsnd_control_of_tree(root);
	assert_true(json_equal(shown, wanted));
	json_decref(wanted);
	json_decref(shown);
	vmsnd_tree_free(root);
}

/* A card is added as a file would have it. */
static void test_a_card_is_added_from_an_object(void **state)
{
	struct rig *rig = *state;
	struct client client;
	struct vmsnd_node *root = NULL, *node;
	struct vmsnd_error error;
	struct vmsnd_value value;

	client_join(rig, &client);
	expect_return(&client, "card-add",
		      "\"name\":\"third\",\"node\":{\"device\":\"virtio-snd\",\"input\":true,"
		      "\"number\":2,\"gap\":-4,\"ratio\":0.5,\"outputs\":[{\"backend\":\"null\"},"
		      "{\"backend\":\"file\",\"drivers\":[{\"driver\":\"map\"}]}]}",
		      "{\"card\":2}");
	assert_string_equal(rig->machine.called, "add third -1");
	assert_int_equal(
	    vmsnd_yaml_parse("node", rig->machine.node, strlen(rig->machine.node), &root, &error),
	    VMSND_OK);
	node = root;
	assert_int_equal(vmsnd_leaf_get(node, "input", &value, NULL), VMSND_OK);
	assert_true(value.type == VMSND_VALUE_BOOL && value.on);
	assert_int_equal(vmsnd_leaf_get(node, "gap", &value, NULL), VMSND_OK);
	assert_true(value.type == VMSND_VALUE_INT && value.sint == -4);
	assert_int_equal(vmsnd_leaf_get(node, "number", &value, NULL), VMSND_OK);
	assert_true(value.type == VMSND_VALUE_UINT && value.uint == 2);
	assert_int_equal(vmsnd_leaf_get(node, "ratio", &value, NULL), VMSND_OK);
	assert_true(value.type == VMSND_VALUE_REAL && value.real == 0.5);
	assert_int_equal(vmsnd_leaf_get(node, "outputs.1.drivers.0.driver", &value, NULL),
			 VMSND_OK);
	assert_string_equal(value.text, "map");
	assert_true(vmsnd_node_is_list(vmsnd_node_find(node, "outputs")));
	vmsnd_tree_free(root);
	client_close(&client);
}

static void test_figures_too_large_for_JSON_are_cut(void **state)
{
	struct client client;
	json_t *message;

	client_join(*state, &client);
	message = ask(&client, "query-counters", "\"card\":0");
	assert_true(json_integer_value(json_object_get(json_object_get(message, "return"),
						       "tx_messages")) == INT64_MAX);
	json_decref(message);
	client_close(&client);
}

static void test_host_devices_are_listed(void **state)
{
	struct rig *rig = *state;
	struct client client;
	json_t *message, *list;

	rig->machine.n_host_devices = 1000; /* more than anybody would look at */
	client_join(rig, &client);
	message = ask(&client, "query-host-devices", "\"card\":0");
	list = json_object_get(message, "return");
	assert_int_equal(json_array_size(list), 256);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "id")),
			    "hw:1");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "name")),
			    "Card ? 1");
	json_decref(message);
	client_close(&client);
}

static void test_what_the_build_has_is_listed_with_options(void **state)
{
	struct client client;
	json_t *message, *row;

	client_join(*state, &client);
	message = client_ask(&client, "{\"execute\":\"query-devices\"}");
	row = json_array_get(json_object_get(message, "return"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "virtio-snd");
	json_decref(message);
	message = client_ask(&client, "{\"execute\":\"query-backends\"}");
	row = json_array_get(json_object_get(message, "return"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "null");
	row = json_array_get(json_object_get(row, "options"), 0);
	assert_true(json_is_string(json_object_get(row, "type")));
	json_decref(message);
	message = client_ask(&client, "{\"execute\":\"query-drivers\"}");
	row = json_array_get(json_object_get(message, "return"), 0);
	assert_non_null(json_string_value(json_object_get(row, "name")));
	assert_non_null(json_string_value(json_object_get(row, "summary")));
	json_decref(message);
	message = client_ask(&client, "{\"execute\":\"query-modules\"}");
	assert_int_equal(json_array_size(json_object_get(message, "return")), 0);
	json_decref(message);
	client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_query_streams_has_all_of_it),
	    TEST(test_query_cards_lists_every_output),
	    TEST(test_query_cards_leaves_gaps_out),
	    TEST(test_query_status_tells_the_phase),
	    TEST(test_a_host_is_asked_and_waited_for),
	    TEST(test_trees_are_shown_as_JSON),
	    TEST(test_what_JSON_has_no_number_for_is_a_text),
	    TEST(test_a_card_is_added_from_an_object),
	    TEST(test_figures_too_large_for_JSON_are_cut),
	    TEST(test_host_devices_are_listed),
	    TEST(test_what_the_build_has_is_listed_with_options),
	};

	return cmocka_run_group_tests_name("control-answers", tests, NULL, NULL);
}
