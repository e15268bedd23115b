/* SPDX-License-Identifier: BSD-3-Clause */
/* Each command: what the machine is told, what is answered, and every way to get it wrong. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

/* ---- what the machine is told ---- */

static const struct {
	const char *command, *arguments, *called;
} told[] = {
    {"enable", "\"card\":0,\"direction\":\"playback\",\"on\":true", "enable 0 0 1"},
    {"enable", "\"card\":\"second\",\"direction\":\"capture\",\"on\":false", "enable 1 1 0"},
    {"enable", "\"card\":\"1\",\"direction\":\"capture\",\"on\":true", "enable 1 1 1"},
    {"attach", "\"card\":1,\"backend\":\"file,path=a.wav\"", "attach 1 file,path=a.wav"},
    {"detach", "\"card\":0,\"output\":7", "detach 0 7"},
    {"pause", "\"card\":0", "pause 0 1"},
    {"resume", "\"card\":1", "pause 1 0"},
    {"volume", "\"card\":0,\"gain-db\":-6", "volume 0 0 0 -6000 0"},
    {"volume", "\"card\":1,\"direction\":\"capture\",\"gain-db\":23.9996", "volume 1 0 1 24000 0"},
    {"volume", "\"card\":0,\"mute\":true", "volume 0 0 0 0 ffffffff"},
    {"volume", "\"card\":0,\"mute-channels\":[false,true]", "volume 0 0 0 0 2"},
    {"tap-set", "\"card\":0,\"point\":\"host\",\"path\":\"/t.wav\"", "tap 0 0 0 1 /t.wav"},
    {"tap-set",
     "\"card\":1,\"direction\":\"capture\",\"stream\":63,\"point\":\"device\",\"path\":null",
     "tap 1 1 63 0 (off)"},
    {"host-device", "\"card\":0,\"id\":null", "host-device 0 0 0 (default)"},
    {"host-device", "\"card\":0,\"output\":3,\"direction\":\"capture\",\"id\":\"hw:1\"",
     "host-device 0 3 1 hw:1"},
    {"query-host-devices", "\"card\":0,\"output\":0,\"refresh\":true", "refresh 0 0"},
};

static void test_each_command_is_one_call_of_the_machine(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	for (size_t i = 0; i < COUNT(told); i++) {
		json_t *message = ask(&client, told[i].command, told[i].arguments);

		if (!json_object_get(message, "return"))
			fail_msg("%s: %s", told[i].arguments, error_line(message));
		json_decref(message);
		assert_string_equal(rig->machine.called, told[i].called);
		while ((message = client_next(&client)))
			json_decref(message); /* events have a test of their own */
	}
	client_close(&client);
}

static void test_attach_tells_the_output(void **state)
{
	struct client client;
	json_t *message;
	int output;

	client_join(*state, &client);
	message = ask(&client, "attach", "\"card\":0,\"backend\":\"null\"");
	assert_int_equal(json_unpack(message, "{s:{s:i!}!}", "return", "output", &output), 0);
	assert_int_equal(output, 5);
	json_decref(message);
	client_close(&client);
}

/* What is not named stays; of the channels those not named are at 0. */
static void test_volume_changes_what_is_given_only(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_volume *now = &rig->machine.cards[0].streams[0].volume;
	struct client client;

	*now = (struct vmsnd_volume){.gain_mdb = -3000, .channel_mdb = {-1000, 2000}, .muted = 2};
	client_join(rig, &client);
	json_decref(ask(&client, "volume", "\"card\":0,\"gain-db\":-10.5"));
	assert_int_equal(rig->machine.volume.gain_mdb, -10500);
	assert_int_equal(rig->machine.volume.channel_mdb[1], 2000);
	assert_int_equal(rig->machine.volume.muted, 2);
	json_decref(ask(&client, "volume", "\"card\":0,\"channels-db\":[5]"));
	assert_int_equal(rig->machine.volume.gain_mdb, -3000);
	assert_int_equal(rig->machine.volume.channel_mdb[0], 5000);
	assert_int_equal(rig->machine.volume.channel_mdb[1], 0);
	json_decref(ask(&client, "volume", "\"card\":0,\"mute\":false"));
	assert_int_equal(rig->machine.volume.gain_mdb, -3000);
	assert_int_equal(rig->machine.volume.muted, 0);
	client_close(&client);
}

static void test_the_only_card_needs_no_name(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	client_ask_wrong(&client, "{\"execute\":\"pause\"}",
			 "there are 2 cards: 'card' has to say");
	rig->machine.status.cards = 1;
	client_ask_fine(&client, "{\"execute\":\"pause\"}");
	assert_string_equal(rig->machine.called, "pause 0 1");
	rig->machine.status.cards = 0;
	client_ask_wrong(&client, "{\"execute\":\"pause\"}", "there are 0 cards");
	client_close(&client);
}

/* ---- wrong ---- */

static const struct {
	const char *command, *arguments, *part;
} wrong[] = {
    {"query-status", "\"a\":1", "query-status has no argument 'a'; allowed: none"},
    {"detach", "\"card\":0,\"outptu\":1", "detach has no argument 'outptu'; allowed: card output"},
    {"enable", "\"card\":0,\"on\":true", "enable needs 'direction', \"playback\" or \"capture\""},
    {"enable", "\"card\":0,\"direction\":\"input\",\"on\":true",
     "enable: 'direction' has to be \"playback\" or \"capture\""},
    {"enable", "\"card\":0,\"direction\":1,\"on\":true", "'direction' has to be"},
    {"enable", "\"card\":0,\"direction\":\"capture\"", "enable needs 'on', true or false"},
    {"enable", "\"card\":0,\"direction\":\"capture\",\"on\":1", "'on' has to be true or false"},
    {"enable", "\"card\":0,\"direction\":\"capture\",\"on\":null", "'on' has to be true or false"},
    {"enable", "\"card\":2,\"direction\":\"capture\",\"on\":true", "there is no card 2"},
    {"enable", "\"card\":-1,\"direction\":\"capture\",\"on\":true", "there is no card -1"},
    {"enable", "\"card\":\"third\",\"direction\":\"capture\",\"on\":true",
     "there is no card 'third'"},
    {"enable", "\"card\":\"\",\"direction\":\"capture\",\"on\":true", "there is no card ''"},
    {"enable", "\"card\":\"2\",\"direction\":\"capture\",\"on\":true", "there is no card '2'"},
    {"enable", "\"card\":4294967296,\"direction\":\"capture\",\"on\":true",
     "there is no card 4294967296"},
    {"enable", "\"card\":0.0,\"direction\":\"capture\",\"on\":true",
     "'card' has to be a card's name or number"},
    {"enable", "\"card\":null,\"direction\":\"capture\",\"on\":true", "'card' has to be"},
    {"detach", "\"card\":0", "detach needs 'output', a whole number from 0 to 7"},
    {"detach", "\"card\":0,\"output\":8", "'output' has to be a whole number from 0 to 7"},
    {"detach", "\"card\":0,\"output\":-1", "'output' has to be"},
    {"detach", "\"card\":0,\"output\":1.0", "'output' has to be"},
    {"detach", "\"card\":0,\"output\":\"1\"", "'output' has to be"},
    {"attach", "\"card\":0,\"backend\":\"\"", "'backend' has to be a string that is not empty"},
    {"attach", "\"card\":0,\"backend\":null", "'backend' has to be"},
    {"volume", "\"card\":0", "volume needs one of gain-db, channels-db, mute, mute-channels"},
    {"volume", "\"card\":0,\"gain-db\":24.1", "'gain-db' has to be a number from -144 to 24"},
    {"volume", "\"card\":0,\"gain-db\":-144.1", "'gain-db' has to be"},
    {"volume", "\"card\":0,\"gain-db\":1e300", "'gain-db' has to be"},
    {"volume", "\"card\":0,\"gain-db\":\"0\"", "'gain-db' has to be"},
    {"volume", "\"card\":0,\"channels-db\":[]", "an array of 1 to 18 numbers"},
    {"volume", "\"card\":0,\"channels-db\":[0,25]", "an array of 1 to 18 numbers"},
    {"volume", "\"card\":0,\"channels-db\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
     "an array of 1 to 18 numbers"},
    {"volume", "\"card\":0,\"channels-db\":{}", "an array of 1 to 18 numbers"},
    {"volume", "\"card\":0,\"mute-channels\":[1]", "an array of 1 to 18 times true or false"},
    {"volume", "\"card\":0,\"mute\":true,\"mute-channels\":[true]", "not both"},
    {"volume", "\"card\":0,\"output\":4,\"mute\":true", "no output 4 that does playback"},
    {"tap-set", "\"card\":0,\"point\":\"guest\",\"path\":\"a\"",
     "'point' has to be \"device\" or \"host\""},
    {"tap-set", "\"card\":0,\"point\":\"host\"", "tap-set needs 'path'"},
    {"tap-set", "\"card\":0,\"point\":\"host\",\"path\":\"\"", "not empty, or null"},
    {"tap-set", "\"card\":0,\"stream\":64,\"point\":\"host\",\"path\":null",
     "'stream' has to be a whole number from 0 to 63"},
    {"host-device", "\"card\":0", "host-device needs 'id'"},
    {"query-host-devices", "\"card\":0,\"refresh\":\"yes\"", "'refresh' has to be true or false"},
    {"query-host-devices", "\"card\":0,\"output\":5",
     "there is no output 5; query-cards lists them"},
    {"query-host-devices", "\"card\":0,\"output\":5,\"refresh\":true", "there is no output 5"},
};

static void test_what_is_wrong_is_named_with_what_is_allowed(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		json_t *message = ask(&client, wrong[i].command, wrong[i].arguments);
		const char *line = error_line(message);

		if (!line || !strstr(line, wrong[i].part) || strchr(line, '\n'))
			fail_msg("%s %s: \"%s\"", wrong[i].command, wrong[i].arguments,
				 line ? line : "no error");
		json_decref(message);
		assert_string_equal(rig->machine.called, ""); /* the machine heard nothing of it */
	}
	client_close(&client);
}

static void test_a_card_that_is_not_there_has_a_class_of_its_own(void **state)
{
	struct client client;
	json_t *message;

	client_join(*state, &client);
	message = ask(&client, "pause", "\"card\":\"none\"");
	assert_string_equal(error_class(message), "DeviceNotFound");
	json_decref(message);
	client_close(&client);
}

/* ---- failures of the machine ---- */

static void *say(void *arg)
{
	struct rig *rig = arg;

	rig->log.write(rig->log.ctx, VMSND_LOG_ERROR, "from another thread");
	return NULL;
}

static void say_from_elsewhere(void *ctx)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, say, ctx), 0);
	pthread_join(thread, NULL);
}

static void test_the_line_that_was_logged_is_the_answer(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.rc = VMSND_E_INVALID;
	rig->machine.line = "there is no backend 'x'";
	client_ask_wrong(&client,
			 "{\"execute\":\"attach\",\"arguments\":{\"card\":0,\"backend\":\"x\"}}",
			 "there is no backend 'x'");
	assert_non_null(strstr(rig->logged, "there is no backend 'x'")); /* the owner has it, too */
	/* What was said before, or meanwhile by a worker, is no reason for what fails now. */
	rig->machine.line = NULL;
	rig->log.write(rig->log.ctx, VMSND_LOG_ERROR, "something else");
	rig->machine.during = say_from_elsewhere;
	rig->machine.during_ctx = rig;
	client_ask_wrong(&client,
			 "{\"execute\":\"detach\",\"arguments\":{\"card\":0,\"output\":1}}",
			 "there is no such output");
	assert_non_null(strstr(rig->logged, "from another thread"));
	rig->machine.rc = VMSND_E_NOMEM;
	client_ask_wrong(&client,
			 "{\"execute\":\"detach\",\"arguments\":{\"card\":0,\"output\":1}}",
			 vmsnd_rc_text(VMSND_E_NOMEM));
	rig->machine.rc = VMSND_E_UNSUPPORTED;
	client_ask_wrong(&client,
			 "{\"execute\":\"host-device\",\"arguments\":{\"card\":0,\"id\":null}}",
			 "no devices to choose from");
	client_close(&client);
}

static void test_the_owner_finds_a_line_for_what_was_changed(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->logged[0] = '\0';
	json_decref(ask(&client, "query-status", ""));
	json_decref(ask(&client, "enable", "\"card\":9,\"direction\":\"capture\",\"on\":true"));
	assert_string_equal(rig->logged, "");
	json_decref(ask(&client, "enable", "\"card\":0,\"direction\":\"capture\",\"on\":true"));
	assert_non_null(strstr(rig->logged, "control: enable, asked for by process "));
	client_close(&client);
}

/* ---- what is answered ---- */

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
	    "\"big-endian\":true,\"positions\":[\"MONO\"]},\"exact\":true,\"volume\":"
	    "{\"gain-db\":-1.5,\"mute\":false,\"channels-db\":[0.0,0.25],"
	    "\"mute-channels\":[false,true]},\"frames-in\":1,\"frames-out\":2,"
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
	    "\"outputs\":["
	    "{\"output\":0,\"backend\":\"null\",\"text\":\"null\",\"present\":false,"
	    "\"playback\":false,\"playback-status\":\"unknown\","
	    "\"capture\":false,\"capture-status\":\"unknown\"},"
	    "{\"output\":3,\"backend\":\"file\",\"text\":\"file,path=?.wav\",\"present\":true,"
	    "\"playback\":true,\"playback-status\":\"running\","
	    "\"capture\":false,\"capture-status\":\"unknown\"},"
	    "{\"output\":7,\"backend\":\"file\",\"text\":\"file,path=b.wav\",\"present\":true,"
	    "\"playback\":true,\"playback-status\":\"error\","
	    "\"capture\":true,\"capture-status\":\"initializing\"}],"
	    "\"taps\":[{\"direction\":\"capture\",\"stream\":1,\"point\":\"host\",\"path\":\"/"
	    "t.wav\"}]},"
	    "{\"card\":1,\"name\":\"?\",\"playback\":true,\"capture\":false,\"paused\":false,"
	    "\"outputs\":[],\"taps\":[]}]";
	struct rig *rig = *state;
	struct double_card *card = &rig->machine.cards[0];
	struct client client;
	json_t *message, *wanted = json_loads(expected, 0, NULL);

	assert_non_null(wanted);
	card->paused = true;
	card->tap = (struct vmsnd_tap_conf){VMSND_CAPTURE, 1, VMSND_TAP_HOST, "/t.wav"};
	card->outputs[3] = (struct vmsnd_output_status){
	    .backend = "file",
	    .text = "file,path=\xff.wav",
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
	client_close(&client);
}

static void test_quit_is_answered_before_the_end(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	client_ask_wrong(&client, "{\"execute\":\"quit\",\"arguments\":{\"a\":1}}",
			 "allowed: none");
	assert_false(vmsnd_control_quit_asked(rig->control));
	client_ask_fine(&client, "{\"execute\":\"quit\"}");
	assert_true(vmsnd_control_quit_asked(rig->control));
	client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_each_command_is_one_call_of_the_machine),
	    TEST(test_attach_tells_the_output),
	    TEST(test_volume_changes_what_is_given_only),
	    TEST(test_the_only_card_needs_no_name),
	    TEST(test_what_is_wrong_is_named_with_what_is_allowed),
	    TEST(test_a_card_that_is_not_there_has_a_class_of_its_own),
	    TEST(test_the_line_that_was_logged_is_the_answer),
	    TEST(test_the_owner_finds_a_line_for_what_was_changed),
	    TEST(test_query_streams_has_all_of_it),
	    TEST(test_query_cards_lists_every_output),
	    TEST(test_figures_too_large_for_JSON_are_cut),
	    TEST(test_host_devices_are_listed),
	    TEST(test_what_the_build_has_is_listed_with_options),
	    TEST(test_quit_is_answered_before_the_end),
	};

	return cmocka_run_group_tests_name("control-commands", tests, NULL, NULL);
}
