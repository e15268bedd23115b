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

#include "control/parts.h"
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

/* Looks, and leaves out what it finds. */
static void pass_events(struct client *client)
{
	json_t *message;

	client->rig->now += VMSND_NS_PER_SECOND;
	while ((message = client_next(client)))
		json_decref(message);
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
    {"unpause", "\"card\":1", "pause 1 0"},
    {"suspend", "", "life 2"},
    {"resume", "", "life 3"},
    {"attach", "\"card\":1,\"backend\":\"null\",\"drivers\":[\"delay,ms=5\",\"map\"]",
     "attach 1 null <- delay,ms=5 <- map"},
    {"attach", "\"card\":1,\"backend\":\"null\",\"drivers\":[]", "attach 1 null"},
    {"reattach", "\"card\":1,\"output\":0,\"backend\":\"null\",\"drivers\":[\"map\"]",
     "reattach 1 0 null <- map"},
    {"driver-attach", "\"card\":0,\"driver\":\"delay,ms=5\"", "driver-attach 0 0 0 delay,ms=5"},
    {"driver-attach", "\"card\":0,\"output\":2,\"driver\":\"map\",\"at\":8",
     "driver-attach 0 2 8 map"},
    {"driver-attach", "\"card\":0,\"driver\":\"map\",\"name\":\"delay\"",
     "driver-attach 0 0 3 map"},
    {"driver-reattach", "\"card\":0,\"driver\":\"map\",\"name\":\"delay\",\"occurrence\":1",
     "driver-reattach 0 0 4 map"},
    {"driver-reattach", "\"card\":1,\"driver\":\"map\",\"at\":1", "driver-reattach 1 0 1 map"},
    {"driver-detach", "\"card\":1,\"output\":7,\"at\":2", "driver-detach 1 7 2"},
    {"driver-detach", "\"card\":1,\"name\":\"delay\"", "driver-detach 1 0 3"},
    {"volume", "\"card\":0,\"gain-db\":-6", "volume 0 0 0 -6000 0"},
    {"volume", "\"card\":1,\"direction\":\"capture\",\"gain-db\":23.9996", "volume 1 0 1 24000 0"},
    {"volume", "\"card\":0,\"mute\":true", "volume 0 0 0 0 ffffffff"},
    {"volume", "\"card\":0,\"mute-channels\":[false,true]", "volume 0 0 0 0 2"},
    {"set-mixer", "\"card\":0,\"stream\":1,\"gain-db\":-6", "mixer 0 0 1 -6000 0 ffffffff"},
    {"set-mixer", "\"card\":1,\"stream\":0,\"direction\":\"capture\",\"mute\":true",
     "mixer 1 1 0 0 ffffffff ffffffff"},
    {"set-mixer", "\"card\":1,\"stream\":0,\"direction\":\"capture\",\"sources\":[0,2]",
     "mixer 1 1 0 0 ffffffff 5"},
    {"set-mixer",
     "\"card\":1,\"stream\":0,\"direction\":\"capture\",\"mute-channels\":[false,true],"
     "\"sources\":null",
     "mixer 1 1 0 0 2 ffffffff"},
    {"tap-set", "\"card\":0,\"point\":\"host\",\"path\":\"/t.wav\"", "tap 0 0 0 1 /t.wav"},
    {"tap-set",
     "\"card\":1,\"direction\":\"capture\",\"stream\":63,\"point\":\"device\",\"path\":null",
     "tap 1 1 63 0 (off)"},
    {"set-jack", "\"card\":0,\"jack\":\"mic\",\"state\":\"follow\"", "jack 0 mic 0"},
    {"set-jack", "\"card\":1,\"jack\":\"mic\",\"state\":\"plugged\"", "jack 1 mic 1"},
    {"set-jack", "\"card\":1,\"jack\":\"a b\",\"state\":\"unplugged\"", "jack 1 a b 2"},
    {"host-device", "\"card\":0,\"id\":null", "host-device 0 0 0 (default)"},
    {"host-device", "\"card\":0,\"output\":3,\"direction\":\"capture\",\"id\":\"hw:1\"",
     "host-device 0 3 1 hw:1"},
    {"query-host-devices", "\"card\":0,\"output\":0,\"refresh\":true", "refresh 0 0"},
    {"host-volume", "\"card\":0,\"gain-db\":-18.062", "host-volume 0 0 0 -18062 -"},
    {"host-volume", "\"card\":1,\"output\":3,\"direction\":\"capture\",\"mute\":true",
     "host-volume 1 3 1 -0 mute"},
    {"host-volume", "\"card\":0,\"gain-db\":0,\"mute\":false", "host-volume 0 0 0 0 unmute"},
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

/* A command without a row here has been forgotten. */
static void test_every_command_that_changes_something_is_in_the_table(void **state)
{
	static const char *const elsewhere[] = {"card-add", "card-remove", "save", "quit"};
	const struct vmsnd_control_command *command;

	for (size_t c = 0; (command = vmsnd_control_command(c)); c++) {
		bool found = !command->told;

		for (size_t i = 0; i < COUNT(told); i++)
			found = found || strcmp(told[i].command, command->name) == 0;
		for (size_t i = 0; i < COUNT(elsewhere); i++)
			found = found || strcmp(elsewhere[i], command->name) == 0;
		if (!found)
			fail_msg("%s has no row", command->name);
	}
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
/* Without a stream all of the direction, each with what is not given as it was. */
static void test_set_mixer_of_all_streams(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_mixer *mixers = rig->machine.cards[0].mixers[VMSND_PLAYBACK];
	struct client client;

	mixers[0].volume.gain_mdb = -1000;
	mixers[1].volume.gain_mdb = -2000;
	client_join(rig, &client);
	json_decref(ask(&client, "set-mixer", "\"card\":0,\"mute\":true"));
	assert_int_equal(rig->machine.calls, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mixers[i].volume.gain_mdb, -1000 * (int)(i + 1));
		assert_int_equal(mixers[i].volume.muted, UINT32_MAX);
	}
	assert_int_equal(rig->machine.cards[0].mixers[VMSND_CAPTURE][0].volume.muted, 0);
	client_close(&client);
}

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
	/* The only one need not have the number 0. */
	rig->machine.cards[0].gone = true;
	pass_events(&client);
	client_ask_fine(&client, "{\"execute\":\"pause\"}");
	assert_string_equal(rig->machine.called, "pause 1 1");
	client_ask_wrong(&client, "{\"execute\":\"pause\",\"arguments\":{\"card\":0}}",
			 "there is no card 0; there are: second");
	rig->machine.status.cards = 0;
	pass_events(&client);
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
    {"set-mixer", "\"card\":0", "set-mixer needs one of gain-db, channels-db, mute"},
    {"set-mixer", "\"card\":0,\"mute\":true,\"mute-channels\":[true]", "not both"},
    {"set-mixer", "\"card\":0,\"sources\":[0]", "'sources' are of what records"},
    {"set-mixer", "\"card\":0,\"direction\":\"capture\",\"sources\":[8]",
     "'sources' has to be an array of whole numbers from 0 to 7, or null"},
    {"set-mixer", "\"card\":0,\"direction\":\"capture\",\"sources\":0", "'sources' has to be"},
    {"set-mixer", "\"card\":0,\"stream\":64,\"mute\":true", "'stream' has to be"},
    {"set-mixer", "\"card\":0,\"stream\":2,\"mute\":true",
     "there is no such stream; query-mixer lists them"},
    {"tap-set", "\"card\":0,\"point\":\"guest\",\"path\":\"a\"",
     "'point' has to be \"device\" or \"host\""},
    {"tap-set", "\"card\":0,\"point\":\"host\"", "tap-set needs 'path'"},
    {"tap-set", "\"card\":0,\"point\":\"host\",\"path\":\"\"", "not empty, or null"},
    {"tap-set", "\"card\":0,\"stream\":64,\"point\":\"host\",\"path\":null",
     "'stream' has to be a whole number from 0 to 63"},
    {"set-jack", "\"card\":0,\"jack\":\"mic\",\"state\":\"in\"",
     "'state' has to be \"plugged\", \"unplugged\" or \"follow\""},
    {"set-jack", "\"card\":0,\"jack\":\"\",\"state\":\"follow\"", "'jack' has to be"},
    {"set-jack", "\"card\":0,\"state\":\"follow\"", "set-jack needs 'jack'"},
    {"host-device", "\"card\":0", "host-device needs 'id'"},
    {"host-volume", "\"card\":0", "host-volume needs one of gain-db, mute"},
    {"host-volume", "\"card\":0,\"gain-db\":24.1", "'gain-db' has to be a number from -144 to 24"},
    {"query-host-devices", "\"card\":0,\"refresh\":\"yes\"", "'refresh' has to be true or false"},
    {"query-host-devices", "\"card\":0,\"output\":5", "first has no output 5; it has: 0 (null)"},
    {"query-host-devices", "\"card\":0,\"output\":5,\"refresh\":true", "first has no output 5"},
    {"attach", "\"card\":0,\"backend\":\"null\",\"drivers\":\"map\"",
     "'drivers' has to be an array of up to 8 strings"},
    {"attach", "\"card\":0,\"backend\":\"null\",\"drivers\":[\"\"]", "'drivers' has to be"},
    {"attach", "\"card\":0,\"backend\":\"null\",\"drivers\":[1]", "'drivers' has to be"},
    {"attach",
     "\"card\":0,\"backend\":\"null\",\"drivers\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\","
     "\"a\",\"a\"]",
     "'drivers' has to be"},
    {"reattach", "\"card\":0,\"backend\":\"null\"", "reattach needs 'output'"},
    {"reattach", "\"card\":0,\"output\":0", "reattach needs 'backend'"},
    {"driver-attach", "\"card\":0", "driver-attach needs 'driver'"},
    {"driver-attach", "\"card\":0,\"driver\":\"map\",\"at\":9",
     "'at' has to be a whole number from 0 to 8"},
    {"driver-attach", "\"card\":0,\"driver\":\"map\",\"at\":1,\"name\":\"delay\"",
     "takes at or name, not both"},
    {"driver-detach", "\"card\":0", "takes at or name, not none"},
    {"driver-detach", "\"card\":0,\"at\":0,\"occurrence\":1", "occurrence needs name"},
    {"driver-detach", "\"card\":0,\"name\":\"delay\",\"occurrence\":8",
     "'occurrence' has to be a whole number from 0 to 7"},
    {"driver-detach", "\"card\":0,\"name\":\"gain\"",
     "output 0 of first has no such driver; it has: none"},
    {"driver-detach", "\"card\":0,\"name\":\"delay\",\"occurrence\":2", "no such driver"},
    {"suspend", "\"card\":0", "suspend has no argument 'card'; allowed: none"},
    {"resume", "", "resume: the machine runs"},
    {"save", "", "save needs 'file', an absolute path"},
    {"save", "\"file\":\"a.state\"", "'file' has to be an absolute path"},
    {"save", "\"file\":\"\"", "'file' has to be"},
    {"card-add", "\"name\":\"new\"", "card-add needs 'node', an object"},
    {"card-add", "\"name\":\"new\",\"node\":[]", "'node' has to be an object"},
    {"card-add", "\"name\":\"a.b\",\"node\":{}", "'a.b' cannot be a card's name"},
    {"card-add", "\"name\":\"new\",\"node\":{\"a\":null}", "new.a is null: leave it out"},
    {"card-add", "\"name\":\"new\",\"node\":{\"o\":[{\"a.b\":1}]}", "new.o.0.a.b cannot be"},
    {"card-add", "\"name\":\"new\",\"node\":{\"\":{}}", "new. cannot be"},
    {"card-remove", "", "card-remove needs 'card', a card's name or number"},
    {"card-remove", "\"card\":\"none\"", "there is no card 'none'; there are: first, second"},
    {"query-statistics", "\"path\":\"no.such\"", "there is no 'no.such'"},
    {"query-statistics", "\"path\":\"\"", "'path' has to be"},
    {"query-config", "\"defaults\":1", "'defaults' has to be true or false"},
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

static void assert_class(struct client *client, const char *command, const char *arguments,
			 const char *cls, const char *part)
{
	json_t *message = ask(client, command, arguments);

	if (!error_line(message) || !strstr(error_line(message), part))
		fail_msg("%s: \"%s\"", part, error_line(message) ? error_line(message) : "none");
	assert_string_equal(error_class(message), cls);
	json_decref(message);
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
			 "detach: not allowed like this");
	assert_non_null(strstr(rig->logged, "from another thread"));
	rig->machine.rc = VMSND_E_NO_OUTPUT;
	assert_class(&client, "detach", "\"card\":0,\"output\":1", "DeviceNotFound",
		     "first has no output 1; it has: 0 (null)");
	rig->machine.rc = VMSND_E_NO_CARD;
	assert_class(&client, "detach", "\"card\":0,\"output\":1", "DeviceNotFound",
		     "there is no such card; there are: first, second");
	rig->machine.rc = VMSND_E_NO_DRIVER;
	rig->machine.cards[0].outputs[1] =
	    (struct vmsnd_output_status){.backend = "file", .drivers = {"delay,ms=5", "map"}};
	pass_events(&client);
	assert_class(&client, "driver-detach", "\"card\":0,\"output\":1,\"at\":7", "DeviceNotFound",
		     "output 1 of first has no such driver; it has: delay,ms=5, map");
	rig->machine.rc = VMSND_E_NO_CLASS;
	assert_class(&client, "attach", "\"card\":0,\"backend\":\"x\"", "DeviceNotFound",
		     "there is no such class; backends are: null");
	rig->machine.line = "there is no backend 'x'";
	assert_class(&client, "attach", "\"card\":0,\"backend\":\"x\"", "DeviceNotFound",
		     "there is no backend 'x'");
	rig->machine.line = NULL;
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
	    TEST(test_every_command_that_changes_something_is_in_the_table),
	    TEST(test_attach_tells_the_output),
	    TEST(test_volume_changes_what_is_given_only),
	    TEST(test_set_mixer_of_all_streams),
	    TEST(test_the_only_card_needs_no_name),
	    TEST(test_what_is_wrong_is_named_with_what_is_allowed),
	    TEST(test_a_card_that_is_not_there_has_a_class_of_its_own),
	    TEST(test_the_line_that_was_logged_is_the_answer),
	    TEST(test_the_owner_finds_a_line_for_what_was_changed),
	    TEST(test_quit_is_answered_before_the_end),
	};

	return cmocka_run_group_tests_name("control-commands", tests, NULL, NULL);
}
