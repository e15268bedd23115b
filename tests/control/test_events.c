/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told without being asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

#define LOOK_NS (100 * UINT64_C(1000000))
#define POKE_NS (10 * UINT64_C(1000000))

/* The next message is this event with these data (JSON). */
static void expect(struct client *client, const char *name, const char *data)
{
	json_t *message = client_next(client), *wanted = json_loads(data, 0, NULL);

	assert_non_null(wanted);
	if (!message || !event_name(message))
		fail_msg("no %s", name);
	assert_string_equal(event_name(message), name);
	if (!json_equal(json_object_get(message, "data"), wanted))
		fail_msg("%s: %s", name, json_dumps(message, 0));
	json_decref(message);
	json_decref(wanted);
}

static void look(struct rig *rig)
{
	rig->now += LOOK_NS;
	rig_turn(rig);
}

static void test_an_event_has_the_shape_of_QMP(void **state)
{
	struct rig *rig = *state;
	struct client client;
	json_t *message;
	int seconds, microseconds, connected;

	client_join(rig, &client);
	rig->machine.status.connected = 3;
	look(rig);
	message = client_next(&client);
	assert_int_equal(json_unpack(message, "{s:s,s:{s:i!},s:{s:i,s:i!}!}", "event", &(char *){0},
				     "data", "connected", &connected, "timestamp", "seconds",
				     &seconds, "microseconds", &microseconds),
			 0);
	assert_string_equal(event_name(message), "VMMS_CHANGED");
	assert_int_equal(connected, 3);
	assert_int_equal(seconds, 1000000000);
	assert_int_equal(microseconds, 250000);
	json_decref(message);
	look(rig);
	assert_null(client_next(&client));
	client_close(&client);
}

static void test_a_switched_direction_is_told_to_all_after_the_answer(void **state)
{
	static const char data[] =
	    "{\"card\":1,\"name\":\"second\",\"direction\":\"capture\",\"on\":true}";
	struct client asking, listening, silent;
	struct rig *rig = *state;
	json_t *message;

	client_join(rig, &asking);
	client_join(rig, &listening);
	client_open(rig, &silent);
	client_ask_fine(&asking, "{\"execute\":\"enable\",\"arguments\":{\"card\":1,"
				 "\"direction\":\"capture\",\"on\":true}}");
	expect(&asking, "DIRECTION_SWITCHED", data);
	expect(&listening, "DIRECTION_SWITCHED", data);
	/* It has not opened its session: the greeting is all it gets. */
	message = client_next(&silent);
	assert_non_null(json_object_get(message, "QMP"));
	json_decref(message);
	assert_null(client_next(&silent));
	look(rig);
	assert_null(client_next(&asking));
	client_close(&asking);
	client_close(&listening);
	client_close(&silent);
}

static void test_a_direction_switched_by_others_is_told(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.cards[0].on[VMSND_PLAYBACK] = false;
	assert_null(client_next(&client)); /* not yet */
	look(rig);
	expect(&client, "DIRECTION_SWITCHED",
	       "{\"card\":0,\"name\":\"first\",\"direction\":\"playback\",\"on\":false}");
	client_close(&client);
}

/* However often it was turned between two looks. */
static void test_a_mixer_that_the_guest_turned_is_told_once(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_mixer *mixer = &rig->machine.cards[1].mixers[VMSND_CAPTURE][1];
	struct client client;

	client_join(rig, &client);
	for (int i = 1; i <= 20; i++)
		mixer->volume.gain_mdb = -1500 * i;
	look(rig);
	expect(&client, "MIXER_CHANGED",
	       "{\"card\":1,\"name\":\"second\",\"direction\":\"capture\",\"stream\":1,"
	       "\"gain-db\":-30.0,\"mute\":false,\"channels-db\":[],\"mute-channels\":[],"
	       "\"sources\":null}");
	look(rig);
	assert_null(client_next(&client));
	mixer->sources = 2;
	mixer->volume = (struct vmsnd_volume){.channel_mdb = {0, -500}, .muted = 1};
	look(rig);
	expect(&client, "MIXER_CHANGED",
	       "{\"card\":1,\"name\":\"second\",\"direction\":\"capture\",\"stream\":1,"
	       "\"gain-db\":0.0,\"mute\":false,\"channels-db\":[0.0,-0.5],"
	       "\"mute-channels\":[true,false],\"sources\":[1]}");
	client_close(&client);
}

static void test_a_jack_that_changes_is_told(void **state)
{
	static const char mic[] =
	    "{\"card\":1,\"name\":\"second\",\"jack\":\"mic\",\"connected\":false,"
	    "\"state\":\"follow\",\"output\":2,\"playback\":false,\"capture\":true,"
	    "\"pin-config\":\"0x01a19020\"}";
	struct rig *rig = *state;
	struct vmsnd_jack_status *jack = &rig->machine.cards[1].jack;
	struct client client;

	jack->jack = (struct vmsnd_jack){.name = "mic",
					 .connected = true,
					 .dirs[VMSND_CAPTURE] = true,
					 .output = 2,
					 .pin_config = 0x01a19020};
	client_join(rig, &client);
	look(rig);
	assert_null(client_next(&client)); /* how it is, is no news */
	jack->jack.connected = false;
	look(rig);
	expect(&client, "JACK_CHANGED", mic);
	look(rig);
	assert_null(client_next(&client));
	client_close(&client);
}

static void test_TH_11_a_burst_of_host_devices_is_told_once(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_output_status *output = &rig->machine.cards[1].outputs[0];
	struct client client;

	*output = (struct vmsnd_output_status){.backend = "null", .device_changes = 4};
	client_join(rig, &client);
	look(rig);
	assert_null(client_next(&client)); /* what was before is no news */
	output->device_changes += 3;
	look(rig);
	expect(&client, "HOST_DEVICES_CHANGED",
	       "{\"card\":1,\"name\":\"second\",\"output\":0,\"backend\":\"null\"}");
	look(rig);
	assert_null(client_next(&client));
	client_close(&client);
}

static void test_a_volume_that_the_host_has_is_told(void **state)
{
#define WHERE                                                                                      \
	"\"card\":0,\"name\":\"first\",\"direction\":\"playback\",\"stream\":0,\"output\":0,"      \
	"\"backend\":\"null\","
	struct rig *rig = *state;
	struct vmsnd_stream_place *place = &rig->machine.cards[0].streams[0].place;
	struct client client;

	client_join(rig, &client);
	look(rig);
	place->has_volume = true;
	place->gain_mdb = -6000;
	look(rig);
	assert_null(client_next(&client)); /* how a stream begins is no news */
	place->gain_mdb = -18062;
	look(rig);
	expect(&client, "HOST_VOLUME_CHANGED", "{" WHERE "\"gain-db\":-18.062,\"mute\":false}");
	place->muted = true;
	look(rig);
	expect(&client, "HOST_VOLUME_CHANGED", "{" WHERE "\"gain-db\":-18.062,\"mute\":true}");
	*place = (struct vmsnd_stream_place){.has_volume = false}; /* closed, and open again */
	look(rig);
	*place = (struct vmsnd_stream_place){.has_volume = true, .muted = true, .gain_mdb = -18062};
	look(rig);
	assert_null(client_next(&client));
	client_close(&client);
#undef WHERE
}

static void test_outputs_come_and_go(void **state)
{
	struct rig *rig = *state;
	struct double_card *card = &rig->machine.cards[0];
	struct client client;

	client_join(rig, &client);
	card->streams[2] = card->streams[0];
	card->streams[2].output = 3;
	card->streams[2].backend = "file";
	card->n_streams = 3;
	look(rig);
	expect(&client, "OUTPUT_ADDED",
	       "{\"card\":0,\"name\":\"first\",\"output\":3,\"backend\":\"file\"}");
	card->streams[2].backend = "alsa"; /* replaced between two looks */
	look(rig);
	expect(&client, "OUTPUT_REMOVED",
	       "{\"card\":0,\"name\":\"first\",\"output\":3,\"backend\":\"file\"}");
	expect(&client, "OUTPUT_ADDED",
	       "{\"card\":0,\"name\":\"first\",\"output\":3,\"backend\":\"alsa\"}");
	card->n_streams = 2;
	look(rig);
	expect(&client, "OUTPUT_REMOVED",
	       "{\"card\":0,\"name\":\"first\",\"output\":3,\"backend\":\"alsa\"}");
	assert_null(client_next(&client));
	client_close(&client);
}

static void test_an_output_without_a_stream_comes_and_goes(void **state)
{
	static const char data[] =
	    "{\"card\":1,\"name\":\"second\",\"output\":4,\"backend\":\"file\"}";
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.cards[1].outputs[4].backend = "file";
	look(rig);
	expect(&client, "OUTPUT_ADDED", data);
	look(rig);
	assert_null(client_next(&client));
	rig->machine.cards[1].outputs[4].backend = NULL;
	look(rig);
	expect(&client, "OUTPUT_REMOVED", data);
	assert_null(client_next(&client));
	client_close(&client);
}

/* Tries in between are not told; the end of the wish is. */
static void test_a_host_is_lost_once_and_back_once(void **state)
{
	static const char *const tries[] = {"opening", "lost", "opening", "lost", "closing"};
	struct rig *rig = *state;
	struct vmsnd_stream_status *stream = &rig->machine.cards[1].streams[1];
	struct client client;

	client_join(rig, &client);
	stream->host = "running";
	look(rig);
	assert_null(client_next(&client));
	stream->host = "lost";
	look(rig);
	expect(&client, "HOST_LOST",
	       "{\"card\":1,\"name\":\"second\",\"direction\":\"capture\",\"stream\":0,"
	       "\"output\":0,\"backend\":\"null\",\"host\":\"lost\"}");
	for (unsigned i = 0; i < 5; i++) {
		stream->host = tries[i];
		look(rig);
		assert_null(client_next(&client));
	}
	/* The list may change its order at any time. */
	rig->machine.cards[1].streams[2] = *stream;
	rig->machine.cards[1].streams[1] = rig->machine.cards[1].streams[0];
	rig->machine.cards[1].streams[0] = rig->machine.cards[1].streams[2];
	look(rig);
	assert_null(client_next(&client));
	rig->machine.cards[1].streams[0].host = "running";
	look(rig);
	expect(&client, "HOST_BACK",
	       "{\"card\":1,\"name\":\"second\",\"direction\":\"capture\",\"stream\":0,"
	       "\"output\":0,\"backend\":\"null\",\"host\":\"running\"}");
	client_close(&client);
}

static void test_a_host_nobody_wants_any_more_is_back(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.cards[0].streams[0].host = "lost";
	look(rig);
	json_decref(client_next(&client));
	rig->machine.cards[0].streams[0].host = "none";
	look(rig);
	expect(&client, "HOST_BACK",
	       "{\"card\":0,\"name\":\"first\",\"direction\":\"playback\",\"stream\":0,"
	       "\"output\":0,\"backend\":\"null\",\"host\":\"none\"}");
	client_close(&client);
}

/* What was so before anybody listened is no news; a status tells it. */
static void test_who_comes_later_hears_what_is_new_only(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	client_close(&client);
	rig->machine.cards[0].streams[0].host = "lost";
	rig->machine.cards[0].on[VMSND_CAPTURE] = true;
	rig->machine.status.connected = 1;
	client_join(rig, &client);
	look(rig);
	assert_null(client_next(&client));
	rig->machine.cards[0].streams[0].host = "ready";
	look(rig);
	expect(&client, "HOST_BACK",
	       "{\"card\":0,\"name\":\"first\",\"direction\":\"playback\",\"stream\":0,"
	       "\"output\":0,\"backend\":\"null\",\"host\":\"ready\"}");
	client_close(&client);
}

static void test_a_card_that_was_added_is_watched_too(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.status.cards = 3;
	look(rig);
	expect(&client, "CARD_ADDED", "{\"card\":2,\"name\":\"third\"}");
	assert_null(client_next(&client)); /* how it is, is no news */
	rig->machine.cards[2].on[VMSND_CAPTURE] = true;
	look(rig);
	expect(&client, "DIRECTION_SWITCHED",
	       "{\"card\":2,\"name\":\"third\",\"direction\":\"capture\",\"on\":true}");
	client_close(&client);
}

static void test_cards_come_and_go(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.cards[0].gone = true;
	rig->machine.status.cards = 1;
	look(rig);
	expect(&client, "CARD_REMOVED", "{\"card\":0,\"name\":\"first\"}");
	rig->machine.cards[0].gone = false;
	rig->machine.cards[0].name = "other";
	rig->machine.status.cards = 2;
	look(rig);
	expect(&client, "CARD_ADDED", "{\"card\":0,\"name\":\"other\"}");
	rig->machine.cards[0].name = "another"; /* removed and added between two looks */
	look(rig);
	expect(&client, "CARD_REMOVED", "{\"card\":0,\"name\":\"other\"}");
	expect(&client, "CARD_ADDED", "{\"card\":0,\"name\":\"another\"}");
	rig->machine.status.cards = 1; /* the last one, and its number with it */
	look(rig);
	expect(&client, "CARD_REMOVED", "{\"card\":1,\"name\":\"second\"}");
	look(rig);
	assert_null(client_next(&client));
	client_close(&client);
}

static void test_commands_tell_cards_at_once(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	client_ask_fine(&client, "{\"execute\":\"card-add\",\"arguments\":{\"name\":\"third\","
				 "\"node\":{}}}");
	expect(&client, "CARD_ADDED", "{\"card\":2,\"name\":\"third\"}");
	client_ask_fine(&client, "{\"execute\":\"card-remove\",\"arguments\":{\"card\":2}}");
	expect(&client, "CARD_REMOVED", "{\"card\":2,\"name\":\"third\"}");
	client_close(&client);
}

static void test_suspend_and_resume_are_told_when_they_are_done(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.phase = VMSND_MACHINE_CHANGING;
	look(rig);
	assert_null(client_next(&client));
	rig->machine.phase = VMSND_MACHINE_SUSPENDED;
	look(rig);
	expect(&client, "SUSPEND", "{}");
	rig->machine.phase = VMSND_MACHINE_ON;
	look(rig);
	expect(&client, "RESUME", "{}");
	look(rig);
	assert_null(client_next(&client));
	client_close(&client);
}

/* Begun by somebody else; what a client begins is told by test_slow.c. */
static void test_a_reattach_is_one_event(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_output_status *output = &rig->machine.cards[0].outputs[0];
	struct client client;

	output->backend = "null";
	client_join(rig, &client);
	rig->machine.again = 1;
	look(rig);
	output->backend = "file"; /* it plays already, and the old one is being closed */
	look(rig);
	assert_null(client_next(&client));
	rig->machine.again = 0;
	look(rig);
	expect(&client, "REATTACHED",
	       "{\"card\":0,\"name\":\"first\",\"output\":0,\"backend\":\"file\"}");
	rig->machine.again = 1;
	look(rig);
	rig->machine.again = 0;
	rig->machine.reattached = VMSND_E_GONE;
	look(rig);
	expect(&client, "REATTACH_FAILED",
	       "{\"card\":0,\"name\":\"first\",\"output\":0,\"backend\":\"file\","
	       "\"reason\":\"not there\"}");
	look(rig);
	assert_null(client_next(&client));
	client_close(&client);
}

/* A poke brings the look forward; many of them bring one. */
static void test_who_is_poked_looks_soon(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	look(rig);
	rig->now += 1000000;
	rig->machine.status.connected = 1;
	for (unsigned i = 0; i < 1000; i++)
		vmsnd_control_poke(&rig->wake);
	assert_null(client_next(&client)); /* it has looked a moment ago */
	assert_int_equal(rig->next - rig->now, POKE_NS - 1000000);
	rig->now = rig->next;
	expect(&client, "VMMS_CHANGED", "{\"connected\":1}");
	rig->now += POKE_NS;
	rig->machine.status.connected = 0;
	assert_null(client_next(&client));
	vmsnd_control_poke(&rig->wake);
	expect(&client, "VMMS_CHANGED", "{\"connected\":0}");
	client_close(&client);
}

static void test_nobody_is_poked_awake_for_nobody(void **state)
{
	struct rig *rig = *state;

	vmsnd_control_poke(&rig->wake);
	rig_settle(rig);
	assert_true(rig->next == VMSND_NEVER);
}

/* A program with nothing to do is not woken for nobody. */
static void test_nobody_listening_costs_nothing(void **state)
{
	struct rig *rig = *state;
	struct client client;

	rig_turn(rig);
	assert_true(rig->next == VMSND_NEVER);
	client_open(rig, &client);
	assert_true(rig->next == VMSND_NEVER);
	client_close(&client);
	client_join(rig, &client);
	assert_true(rig->next == rig->now + LOOK_NS);
	client_close(&client);
	assert_true(rig->next == VMSND_NEVER);
}

static void test_the_end_is_told(void **state)
{
	struct rig *rig = *state;
	struct client client;
	char text[400];
	ssize_t n;

	client_join(rig, &client);
	vmsnd_control_close(rig->control);
	rig->control = NULL;
	n = recv(client.fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "{\"event\":\"SHUTDOWN\",\"data\":{},"));
	assert_int_equal(recv(client.fd, text, sizeof(text), MSG_DONTWAIT), 0);
	close(client.fd);
	free(client.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_an_event_has_the_shape_of_QMP),
	    TEST(test_a_switched_direction_is_told_to_all_after_the_answer),
	    TEST(test_a_direction_switched_by_others_is_told),
	    TEST(test_a_mixer_that_the_guest_turned_is_told_once),
	    TEST(test_a_jack_that_changes_is_told),
	    TEST(test_TH_11_a_burst_of_host_devices_is_told_once),
	    TEST(test_a_volume_that_the_host_has_is_told),
	    TEST(test_outputs_come_and_go),
	    TEST(test_an_output_without_a_stream_comes_and_goes),
	    TEST(test_a_host_is_lost_once_and_back_once),
	    TEST(test_a_host_nobody_wants_any_more_is_back),
	    TEST(test_who_comes_later_hears_what_is_new_only),
	    TEST(test_a_card_that_was_added_is_watched_too),
	    TEST(test_cards_come_and_go),
	    TEST(test_commands_tell_cards_at_once),
	    TEST(test_suspend_and_resume_are_told_when_they_are_done),
	    TEST(test_a_reattach_is_one_event),
	    TEST(test_who_is_poked_looks_soon),
	    TEST(test_nobody_is_poked_awake_for_nobody),
	    TEST(test_nobody_listening_costs_nothing),
	    TEST(test_the_end_is_told),
	};

	return cmocka_run_group_tests_name("control-events", tests, NULL, NULL);
}
