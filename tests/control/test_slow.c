/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that take time: their client waits, others do not, and all of them end. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

#define AGAIN_NS (10 * UINT64_C(1000000))
#define STATUS   "{\"execute\":\"query-status\"}"
#define REATTACH                                                                                   \
	"{\"execute\":\"reattach\",\"arguments\":{\"card\":0,\"output\":0,\"backend\":\"file\"},"  \
	"\"id\":\"r\"}"

static void say(struct client *client, const char *request)
{
	client_send(client, request, strlen(request));
}

/* The next message is this event. */
static void expect_event(struct client *client, const char *name)
{
	json_t *message = client_next(client);

	if (!message || !event_name(message) || strcmp(event_name(message), name) != 0)
		fail_msg("no %s but %s", name, message ? json_dumps(message, 0) : "nothing");
	json_decref(message);
}

static void expect_fine(struct client *client, const char *id)
{
	json_t *message = client_next(client);

	if (!message || !json_object_get(message, "return"))
		fail_msg("%s: %s", id, message ? json_dumps(message, 0) : "nothing");
	assert_string_equal(json_string_value(json_object_get(message, "id")), id);
	json_decref(message);
}

static void wait_for_look(struct rig *rig)
{
	rig->now += AGAIN_NS;
	rig_settle(rig);
}

/* ---- suspend and resume ---- */

static void test_suspend_is_answered_when_it_is_done(void **state)
{
	struct rig *rig = *state;
	struct client client, other;

	client_join(rig, &client);
	client_join(rig, &other);
	rig->machine.again = 1;
	say(&client,
	    "{\"execute\":\"suspend\",\"id\":\"s\"}{\"execute\":\"query-status\",\"id\":\"q\"}");
	assert_null(client_next(&client));
	client_ask_fine(&other, STATUS);
	assert_int_equal(rig->next - rig->now, AGAIN_NS);
	wait_for_look(rig);
	assert_null(client_next(&client));
	rig->machine.again = 0;
	assert_null(client_next(&client));
	wait_for_look(rig);
	expect_fine(&client, "s");
	/* What it said meanwhile comes after it, and the event is told to all. */
	expect_event(&client, "SUSPEND");
	expect_fine(&client, "q");
	expect_event(&other, "SUSPEND");
	client_ask_wrong(&other, "{\"execute\":\"suspend\"}", "suspend: the machine is suspended");
	client_ask_fine(&other, "{\"execute\":\"resume\"}");
	expect_event(&other, "RESUME");
	client_ask_wrong(&other, "{\"execute\":\"resume\"}", "resume: the machine runs");
	client_close(&client);
	client_close(&other);
}

/* Lanes with threads go on with it themselves. */
static void test_what_is_over_before_it_is_asked_again_is_done(void **state)
{
	struct rig *rig = *state;
	struct client client, other;

	client_join(rig, &client);
	client_join(rig, &other);
	rig->machine.again = 1;
	say(&client, "{\"execute\":\"suspend\",\"id\":\"s\"}");
	say(&other, "{\"execute\":\"suspend\",\"id\":\"o\"}");
	rig->machine.again = 0;
	rig->machine.phase = VMSND_MACHINE_SUSPENDED;
	vmsnd_control_poke(&rig->wake); /* no need to wait for the next look */
	rig_settle(rig);
	expect_fine(&client, "s");
	expect_event(&client, "SUSPEND");
	json_decref(client_next(&other));
	assert_null(client_next(&client));
	client_close(&client);
	client_close(&other);
}

static void test_what_another_one_ended_has_failed(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.again = 1;
	say(&client, "{\"execute\":\"suspend\"}");
	rig->machine.phase = VMSND_MACHINE_OFF; /* powered off meanwhile */
	rig->now += AGAIN_NS;
	client_ask_wrong(&client, "", "suspend: the machine is off");
	client_close(&client);
}

static void test_the_longest_wait_is_a_minute(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.again = 1;
	say(&client, "{\"execute\":\"suspend\"}" STATUS);
	rig->now += VMSND_CONTROL_LONGEST_NS - 1;
	rig_settle(rig);
	assert_null(client_next(&client));
	rig->now += AGAIN_NS;
	client_ask_wrong(&client, "", "suspend takes longer than 60 s; it goes on");
	client_ask_fine(&client, "");
	/* It does go on, and its end is told when it comes. */
	wait_for_look(rig);
	assert_int_equal(rig->next - rig->now, AGAIN_NS);
	rig->machine.again = 0;
	for (unsigned i = 0; i < 10; i++)
		wait_for_look(rig);
	assert_int_equal(rig->machine.phase, VMSND_MACHINE_SUSPENDED);
	expect_event(&client, "SUSPEND");
	client_close(&client);
}

/* ---- those who leave ---- */

static void test_LC03_who_hangs_up_meanwhile_is_forgotten(void **state)
{
	struct rig *rig = *state;
	struct client client, other;

	client_join(rig, &other);
	client_join(rig, &client);
	rig->machine.again = 1;
	say(&client, "{\"execute\":\"suspend\"}{\"execute\":\"quit\"}");
	client_close(&client);
	assert_int_equal(rig->next - rig->now, AGAIN_NS);
	wait_for_look(rig);
	assert_int_equal(rig->machine.phase, VMSND_MACHINE_CHANGING);
	rig->machine.again = 0;
	for (unsigned i = 0; i < 10; i++)
		wait_for_look(rig);
	assert_int_equal(rig->machine.phase, VMSND_MACHINE_SUSPENDED);
	expect_event(&other, "SUSPEND");
	rig_settle(rig);
	assert_true(rig->next - rig->now > AGAIN_NS);         /* the next look, nothing else */
	assert_false(vmsnd_control_quit_asked(rig->control)); /* nobody got that far */
	client_close(&other);
}

/* The last one to go, too: nobody listens any more, and nobody else goes on with it. */
static void test_LC03_what_its_client_left_goes_on(void **state)
{
	static const struct {
		const char *request;
		enum vmsnd_machine_phase from, to;
	} rows[] = {
	    {"{\"execute\":\"suspend\"}", VMSND_MACHINE_ON, VMSND_MACHINE_SUSPENDED},
	    {"{\"execute\":\"resume\"}", VMSND_MACHINE_SUSPENDED, VMSND_MACHINE_ON},
	};
	struct rig *rig = *state;
	struct client client;

	for (unsigned i = 0; i < 2; i++) {
		rig->machine.phase = rows[i].from;
		rig->machine.again = 1;
		client_join(rig, &client);
		say(&client, rows[i].request);
		client_close(&client);
		wait_for_look(rig);
		assert_int_equal(rig->machine.phase, VMSND_MACHINE_CHANGING);
		rig->machine.again = 0;
		wait_for_look(rig);
		assert_int_equal(rig->machine.phase, rows[i].to);
		assert_int_equal(rig->next, VMSND_NEVER);
	}
}

/* Another one brought it to its end, and the machine back: that is how it stays. */
static void test_LC03_what_was_left_is_not_begun_anew(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.again = 1;
	say(&client, "{\"execute\":\"suspend\"}");
	client_close(&client);
	rig->machine.again = 0;
	rig->machine.phase = VMSND_MACHINE_ON;
	wait_for_look(rig);
	wait_for_look(rig);
	assert_int_equal(rig->machine.phase, VMSND_MACHINE_ON);
}

static void test_who_only_says_no_more_gets_its_answer(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.again = 1;
	say(&client, "{\"execute\":\"suspend\",\"id\":\"s\"}");
	shutdown(client.fd, SHUT_WR);
	rig_settle(rig);
	wait_for_look(rig);
	rig->machine.again = 0;
	wait_for_look(rig);
	expect_fine(&client, "s");
	expect_event(&client, "SUSPEND");
	assert_null(client_next(&client));
	client_read(&client);
	assert_true(client.ended);
	client_close(&client);
}

static void test_the_end_does_not_wait(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.again = 1;
	say(&client, REATTACH);
	vmsnd_control_close(rig->control);
	rig->control = NULL;
	client_read(&client);
	assert_true(client.ended);
	assert_non_null(strstr(client.data, "SHUTDOWN"));
	assert_null(strstr(client.data, "\"id\":\"r\""));
	close(client.fd);
	free(client.data);
}

/* ---- reattach ---- */

static void test_DM73_a_reattach_is_answered_with_its_end(void **state)
{
	struct rig *rig = *state;
	struct client client, other;

	rig->machine.cards[0].outputs[0].backend = "null";
	client_join(rig, &client);
	client_join(rig, &other);
	rig->machine.again = 1;
	say(&client, REATTACH);
	assert_string_equal(rig->machine.called, "reattach 0 0 file");
	assert_null(client_next(&client));
	rig->machine.rc = VMSND_E_AGAIN;
	client_ask_wrong(&other, REATTACH, "another one of this output is under way");
	rig->machine.rc = VMSND_OK;
	rig->machine.cards[0].outputs[0].backend = "file";
	rig->machine.again = 0;
	wait_for_look(rig);
	expect_fine(&client, "r");
	expect_event(&client, "REATTACHED");
	expect_event(&other, "REATTACHED");
	assert_null(client_next(&client));
	client_close(&client);
	client_close(&other);
}

static void test_DM73_a_reattach_that_failed_says_so(void **state)
{
	struct rig *rig = *state;
	struct client client;

	rig->machine.cards[0].outputs[0].backend = "null";
	client_join(rig, &client);
	rig->machine.reattached = VMSND_E_GONE;
	say(&client, REATTACH);
	rig->now += AGAIN_NS;
	client_ask_wrong(&client, "",
			 "could not be opened (not there); the old one plays on, and the log");
	expect_event(&client, "REATTACH_FAILED");
	rig->machine.rc = VMSND_E_INVALID;
	rig->machine.line = "file: there is no option 'pth'; did you mean 'path'?";
	client_ask_wrong(&client, REATTACH, "did you mean 'path'");
	rig->machine.line = NULL;
	rig->machine.rc = VMSND_E_NO_OUTPUT;
	client_ask_wrong(&client, REATTACH, "first has no output 0; it has: 0 (null)");
	client_close(&client);
}

/* Another one has its number by now, even its backend. */
static void test_DM73_an_output_that_went_meanwhile_is_no_success(void **state)
{
	struct rig *rig = *state;
	struct client client;

	rig->machine.cards[0].outputs[0].backend = "null";
	client_join(rig, &client);
	rig->machine.again = 1;
	say(&client, REATTACH);
	assert_null(client_next(&client));
	rig->machine.again = 0;
	rig->machine.reattached = VMSND_E_NO_OUTPUT;
	rig->now += AGAIN_NS;
	client_ask_wrong(&client, "", "reattach: the output was taken away before");
	expect_event(&client, "OUTPUT_REMOVED");
	expect_event(&client, "OUTPUT_ADDED");
	assert_null(client_next(&client));
	client_close(&client);
}

static void test_DM73_who_changes_a_chain_that_goes_hears_why_not(void **state)
{
	struct rig *rig = *state;
	struct client client;

	client_join(rig, &client);
	rig->machine.rc = VMSND_E_AGAIN;
	client_ask_wrong(&client,
			 "{\"execute\":\"driver-attach\",\"arguments\":"
			 "{\"card\":0,\"output\":0,\"driver\":\"delay\"}}",
			 "driver-attach: a reattach of this output is under way");
	client_close(&client);
}

/* ---- save ---- */

/* Files are written by a thread, in real time: the answer comes when it does. */
static json_t *wait_for_answer(struct client *client)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	json_t *message = NULL;

	for (unsigned i = 0; i < 20000 && !message; i++) {
		client->rig->now += 1000000;
		message = client_next(client);
		if (!message)
			nanosleep(&moment, NULL);
	}
	assert_non_null(message);
	return message;
}

static void save(struct client *client, const char *name, bool fine)
{
	struct rig *rig = client->rig;
	char request[300];
	json_t *message;

	snprintf(request, sizeof(request),
		 "{\"execute\":\"save\",\"arguments\":{\"file\":\"%s/%s\"}}", rig->folder, name);
	say(client, request);
	message = wait_for_answer(client);
	if (fine != (json_object_get(message, "return") != NULL))
		fail_msg("%s", json_dumps(message, 0));
	if (fine)
		assert_int_equal(json_integer_value(
				     json_object_get(json_object_get(message, "return"), "bytes")),
				 100000);
	else
		assert_non_null(strstr(error_line(message), "save: cannot write"));
	json_decref(message);
}

static void test_a_state_is_saved_whole_and_for_its_owner_only(void **state)
{
	struct rig *rig = *state;
	struct client client;
	struct stat status;
	char path[120], part[140];
	int fd;

	client_join(rig, &client);
	snprintf(path, sizeof(path), "%s/s", rig->folder);
	fd = open(path, O_CREAT | O_WRONLY, 0666); /* what is there is replaced, with its mode */
	assert_true(fd >= 0);
	close(fd);
	save(&client, "s", true);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, 100000);
	assert_int_equal(unlink(path), 0);
	/* A folder stays, and nothing is left beside it: teardown removes the folder around it. */
	assert_int_equal(mkdir(path, 0700), 0);
	save(&client, "s", false);
	snprintf(part, sizeof(part), "%s/t", path);
	save(&client, "s/t", true);
	save(&client, "no/t", false);
	assert_int_equal(unlink(part), 0);
	assert_int_equal(rmdir(path), 0);
	client_close(&client);
}

static void test_what_cannot_be_saved_is_no_file(void **state)
{
	struct rig *rig = *state;
	struct client client;
	char request[200];

	client_join(rig, &client);
	rig->machine.saved = VMSND_E_UNSUPPORTED;
	snprintf(request, sizeof(request),
		 "{\"execute\":\"save\",\"arguments\":{\"file\":\"%s/s\"}}", rig->folder);
	client_ask_wrong(&client, request, "save: not supported");
	client_close(&client);
}

/* Each waits for the one before it; whoever leaves holds nobody up. */
static void test_saves_are_written_one_after_another(void **state)
{
	struct rig *rig = *state;
	struct client clients[4];
	char request[200], path[120];

	for (unsigned i = 0; i < 4; i++)
		client_join(rig, &clients[i]);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(request, sizeof(request),
			 "{\"execute\":\"save\",\"arguments\":{\"file\":\"%s/s%u\"}}", rig->folder,
			 i);
		assert_true(send(clients[i].fd, request, strlen(request), 0) > 0);
	}
	rig_turn(rig);
	client_close(&clients[0]);
	for (unsigned i = 1; i < 4; i++) {
		json_t *message = wait_for_answer(&clients[i]);

		assert_non_null(json_object_get(message, "return"));
		json_decref(message);
		client_close(&clients[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/s%u", rig->folder, i);
		assert_int_equal(unlink(path), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_suspend_is_answered_when_it_is_done),
	    TEST(test_what_is_over_before_it_is_asked_again_is_done),
	    TEST(test_what_another_one_ended_has_failed),
	    TEST(test_the_longest_wait_is_a_minute),
	    TEST(test_LC03_who_hangs_up_meanwhile_is_forgotten),
	    TEST(test_LC03_what_its_client_left_goes_on),
	    TEST(test_LC03_what_was_left_is_not_begun_anew),
	    TEST(test_who_only_says_no_more_gets_its_answer),
	    TEST(test_the_end_does_not_wait),
	    TEST(test_DM73_a_reattach_is_answered_with_its_end),
	    TEST(test_DM73_a_reattach_that_failed_says_so),
	    TEST(test_DM73_an_output_that_went_meanwhile_is_no_success),
	    TEST(test_DM73_who_changes_a_chain_that_goes_hears_why_not),
	    TEST(test_a_state_is_saved_whole_and_for_its_owner_only),
	    TEST(test_what_cannot_be_saved_is_no_file),
	    TEST(test_saves_are_written_one_after_another),
	};

	return cmocka_run_group_tests_name("control-slow", tests, NULL, NULL);
}
