/* SPDX-License-Identifier: BSD-3-Clause */
/* The shape of what is said: greeting, negotiation, requests in every cut, everything broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "rig.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define STATUS       "{\"execute\": \"query-status\"}"

/* ---- the session ---- */

static void test_a_client_is_greeted_as_by_qemu(void **state)
{
	struct client client;
	json_t *greeting, *version;
	int major, minor, micro;

	client_open(*state, &client);
	greeting = client_next(&client);
	assert_int_equal(
	    json_unpack(greeting, "{s:{s:o,s:[]}!}", "QMP", "version", &version, "capabilities"),
	    0);
	assert_int_equal(json_unpack(version, "{s:{s:i,s:i,s:i},s:s}", "vmsnd", "major", &major,
				     "minor", &minor, "micro", &micro, "package", &(char *){0}),
			 0);
	assert_true(major + minor + micro > 0);
	json_decref(greeting);
	client_close(&client);
}

static void test_nothing_comes_before_the_capabilities(void **state)
{
	struct client client;
	json_t *message;

	client_open(*state, &client);
	json_decref(client_next(&client));
	client_ask_wrong(&client, STATUS, "qmp_capabilities has to be said first");
	message = client_ask(&client, "{\"execute\": \"quit\"}");
	assert_string_equal(error_class(message), "CommandNotFound");
	json_decref(message);
	message = client_ask(&client, "{\"execute\": \"no-such\"}");
	assert_string_equal(error_class(message), "CommandNotFound");
	json_decref(message);
	assert_false(vmsnd_control_quit_asked(((struct rig *)*state)->control));
	client_ask_wrong(&client,
			 "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": "
			 "[\"oob\"]}}",
			 "no capability");
	client_ask_fine(&client, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": "
				 "[]}}");
	client_ask_fine(&client, STATUS);
	client_ask_wrong(&client, "{\"execute\": \"qmp_capabilities\"}", "already");
	client_ask_fine(&client, STATUS);
	client_close(&client);
}

static void test_an_id_comes_back_as_it_was(void **state)
{
	static const char *const ids[] = {"1",    "\"a\"", "null",         "{\"a\":[1,2.5,true]}",
					  "-0.5", "[[]]",  "\"\xc3\xa9\"", "1.00000000001",
					  "0.1",  "1e300"};
	struct client client;
	char request[200];

	client_join(*state, &client);
	for (size_t i = 0; i < COUNT(ids); i++) {
		json_t *id = json_loads(ids[i], JSON_DECODE_ANY, NULL), *message;

		snprintf(request, sizeof(request), "{\"execute\":\"query-status\",\"id\":%s}",
			 ids[i]);
		message = client_ask(&client, request);
		assert_true(json_equal(json_object_get(message, "id"), id));
		assert_non_null(json_object_get(message, "return"));
		json_decref(message);
		snprintf(request, sizeof(request), "{\"id\":%s,\"execute\":\"no-such\"}", ids[i]);
		message = client_ask(&client, request);
		assert_true(json_equal(json_object_get(message, "id"), id));
		assert_non_null(error_line(message));
		json_decref(message);
		json_decref(id);
	}
	client_close(&client);
}

static void test_an_answer_without_an_id_has_none(void **state)
{
	struct client client;
	json_t *message;

	client_join(*state, &client);
	message = client_ask(&client, STATUS);
	assert_int_equal(json_object_size(message), 1);
	json_decref(message);
	client_close(&client);
}

/* ---- cuts ---- */

static void test_a_request_may_come_byte_by_byte(void **state)
{
	static const char text[] = " {\"execute\": \"query-cards\",\r\n \"id\": \"}\\\"{\"}\n";
	struct client client;
	json_t *message;

	client_join(*state, &client);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		client_send(&client, text + i, 1);
	message = client_next(&client);
	assert_string_equal(json_string_value(json_object_get(message, "id")), "}\"{");
	json_decref(message);
	assert_null(client_next(&client));
	client_close(&client);
}

static void test_many_requests_in_one_piece_are_answered_in_order(void **state)
{
	struct client client;
	char text[8000] = "";

	client_join(*state, &client);
	for (unsigned i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "{\"execute\":\"query-status\",\"id\":%u}", i);
	client_send(&client, text, strlen(text));
	for (unsigned i = 0; i < 100; i++) {
		json_t *message = client_next(&client);

		assert_int_equal(json_integer_value(json_object_get(message, "id")), i);
		json_decref(message);
	}
	client_close(&client);
}

/* However much has come, the cards have their turn after a few requests. */
static void test_a_turn_does_four_requests_at_most(void **state)
{
	struct rig *rig = *state;
	struct client client;
	char text[2000] = "";
	size_t before;

	client_join(rig, &client);
	for (unsigned i = 0; i < 20; i++)
		strcat(text, STATUS);
	vmsnd_control_turn(rig->control, false, rig->now);
	send(client.fd, text, strlen(text), 0);
	for (unsigned turn = 1; turn <= 5; turn++) {
		rig_turn(rig);
		client_read(&client);
		before = 0;
		for (size_t i = 0; i < client.bytes; i++)
			before += client.data[i] == '\n';
		assert_int_equal(before, 4 * turn);
		assert_true(rig->next <= rig->now); /* there is more to do, or to look at */
	}
	client_close(&client);
}

/* ---- broken ---- */

/* Each gets this one error, and the session goes on. */
static const struct {
	const char *text, *part;
} broken[] = {
    {"hello\n", "is not JSON"},
    {"hello {\"execute\": \"quit\"}\n", "is not JSON"},
    {"[]\n", "a request is an object"},
    {"[{\"execute\": \"quit\"}]\n", "a request is an object"},
    {"[[]] ", "a request is an object"},
    {"42\n", "is not JSON"},
    {"\"quit\"\n", "is not JSON"},
    {"}\n", "is not JSON"},
    {"null\n", "is not JSON"},
    {"\x01", "is not JSON"},
    {"\xff", "is not JSON"},
    {"{\"execute\": \x01", "is not JSON"},
    {"{\"execute\": \xff", "is not JSON"},
    {"{\"execute\": \"\xff", "is not JSON"},
    {"{\"execute\": \"query-status}\n", "is not JSON"},
    {"{\"execute\": \"\xc3(\"}", "is not JSON"},
    {"{\"execute\": \"\xed\xa0\x80\"}", "is not JSON"},
    {"{\"execute\": \"\\u0000\"}", "is not JSON"},
    {"{\"execute\": \"\\ud800\"}", "is not JSON"},
    {"{\"execute\": \"\\x\"}", "is not JSON"},
    {"{\"execute\": 'quit'}", "is not JSON"},
    {"{execute: \"quit\"}", "is not JSON"},
    {"{\"execute\" \"quit\"}", "is not JSON"},
    {"{\"execute\": \"quit\",}", "is not JSON"},
    {"{\"execute\": [}", "is not JSON"}, /* closed by what follows it */
    {"{\"execute\": \"quit\", \"execute\": \"quit\"}", "is not JSON"},
    {"{\"execute\": \"enable\", \"arguments\": {\"on\": true, \"on\": false}}", "is not JSON"},
    {"{\"a\": 1e999}", "is not JSON"},
    {"{\"a\": 99999999999999999999}", "is not JSON"},
    {"{\"a\": 01}", "is not JSON"},
    {"{\"a\": NaN}", "is not JSON"},
    {"{}", "'execute' has to be there"},
    {"{\"execute\": 1}", "'execute' has to be there"},
    {"{\"execute\": null}", "'execute' has to be there"},
    {"{\"arguments\": {}}", "'execute' has to be there"},
    {"{\"execute\": \"query-status\", \"arguments\": []}", "'arguments' has to be an object"},
    {"{\"execute\": \"query-status\", \"arguments\": null}", "'arguments' has to be an object"},
    {"{\"execute\": \"query-status\", \"argument\": {}}", "and no other"},
    {"{\"exec-oob\": \"query-status\"}", "and no other"},
    {"{\"return\": {}}", "and no other"},
    {"{\"execute\": \"\"}", "there is no command ''"},
    {"{\"execute\": \"Quit\"}", "there is no command 'Quit'"},
    {"{\"execute\": \"a\\nb\"}", "there is no command 'a?b'"},
};

static void test_what_is_broken_gets_one_line_and_the_session_goes_on(void **state)
{
	struct client client;

	client_join(*state, &client);
	for (size_t i = 0; i < COUNT(broken); i++) {
		json_t *message = client_ask(&client, broken[i].text);

		if (!message || !error_line(message) ||
		    !strstr(error_line(message), broken[i].part)) {
			/* Brackets that do not match leave something open, which 0xff ends. */
			json_decref(message);
			message = client_ask(&client, "\xff");
		}
		if (!message || !error_line(message) ||
		    !strstr(error_line(message), broken[i].part))
			fail_msg("%zu: %s: \"%s\"", i, broken[i].text,
				 message && error_line(message) ? error_line(message) : "nothing");
		json_decref(message);
		assert_null(client_next(&client));
		client_ask_fine(&client, STATUS);
	}
	assert_false(vmsnd_control_quit_asked(((struct rig *)*state)->control));
	client_close(&client);
}

/* A string does not go over a line's end, and nobody knows what was meant after it: two errors. */
static void test_the_line_after_a_broken_string_is_heard(void **state)
{
	struct client client;
	json_t *message;

	client_join(*state, &client);
	client_ask_wrong(&client, "{\"execute\": \"query-\n", "is not JSON");
	client_ask_wrong(&client, "status\"}\n", "is not JSON");
	client_ask_fine(&client, STATUS);
	client_ask_wrong(&client, "{\"execute\": \"query-\n" STATUS, "is not JSON");
	message = client_next(&client);
	assert_non_null(json_object_get(message, "return"));
	json_decref(message);
	client_close(&client);
}

/* Whatever prefix of a request is given up by 0xff or a control character. */
static void test_every_cut_is_forgotten_at_a_reset(void **state)
{
	static const char text[] = "{\"execute\":\"enable\",\"arguments\":{\"a\":[\"\\\\\",{}]}}";
	struct client client;

	client_join(*state, &client);
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		client_send(&client, text, cut);
		client_ask_wrong(&client, cut % 2 ? "\xff" : "\x1b", "is not JSON");
		/* An empty string, since a backslash that is remembered would take its end. */
		client_ask_wrong(&client, "{\"\": 1}", "and no other");
		client_ask_fine(&client, STATUS);
	}
	client_close(&client);
}

/* ---- limits ---- */

/* A request of `bytes`, filled up by its id. */
static char *request_of(size_t bytes)
{
	static const char front[] = "{\"execute\":\"query-status\",\"id\":\"";
	char *text = malloc(bytes + 1);

	memset(text, 'x', bytes);
	memcpy(text, front, sizeof(front) - 1);
	memcpy(text + bytes - 2, "\"}", 3);
	return text;
}

static void test_a_request_of_64_KiB_is_taken(void **state)
{
	struct client client;
	char *text = request_of(VMSND_CONTROL_REQUEST_BYTES);

	client_join(*state, &client);
	client_ask_fine(&client, text);
	client_ask_fine(&client, text);
	free(text);
	client_close(&client);
}

static void test_one_byte_more_ends_the_session(void **state)
{
	struct client client;
	char *text = request_of(VMSND_CONTROL_REQUEST_BYTES + 1);

	client_join(*state, &client);
	client_ask_wrong(&client, text, "65536 bytes at most");
	free(text);
	assert_null(client_next(&client));
	assert_true(client.ended);
	client_close(&client);
}

static void test_white_space_is_no_request(void **state)
{
	struct client client;
	char *spaces = malloc(3 * VMSND_CONTROL_REQUEST_BYTES);

	memset(spaces, '\n', 3 * VMSND_CONTROL_REQUEST_BYTES);
	client_join(*state, &client);
	client_send(&client, spaces, 3 * VMSND_CONTROL_REQUEST_BYTES);
	client_ask_fine(&client, STATUS);
	free(spaces);
	client_close(&client);
}

/* {"execute":"query-status","id":[[...]]}, nested `depth` deep in all. */
static void nested(char *text, unsigned depth)
{
	strcpy(text, "{\"execute\":\"query-status\",\"id\":");
	for (unsigned i = 1; i < depth; i++)
		strcat(text, "[");
	for (unsigned i = 1; i < depth; i++)
		strcat(text, "]");
	strcat(text, "}");
}

static void test_32_levels_are_taken_and_33_are_not(void **state)
{
	struct client client;
	char text[200];

	client_join(*state, &client);
	nested(text, 32);
	client_ask_fine(&client, text);
	nested(text, 33);
	client_ask_wrong(&client, text, "nested 32 deep at most");
	assert_null(client_next(&client));
	assert_true(client.ended);
	client_close(&client);
}

/* ---- what there is ---- */

static void test_the_schema_has_all_that_query_commands_has(void **state)
{
	struct client client;
	json_t *names, *schema, *commands;

	client_join(*state, &client);
	names = client_ask(&client, "{\"execute\":\"query-commands\"}");
	schema = client_ask(&client, "{\"execute\":\"query-schema\"}");
	commands = json_object_get(json_object_get(schema, "return"), "commands");
	assert_true(json_array_size(commands) >= 20);
	assert_int_equal(json_array_size(json_object_get(names, "return")),
			 json_array_size(commands));
	for (size_t i = 0; i < json_array_size(commands); i++) {
		json_t *one = json_array_get(commands, i);

		assert_string_equal(
		    json_string_value(json_object_get(
			json_array_get(json_object_get(names, "return"), i), "name")),
		    json_string_value(json_object_get(one, "name")));
		assert_true(json_string_length(json_object_get(one, "help")) > 5);
		assert_true(json_is_array(json_object_get(one, "arguments")));
	}
	json_decref(names);
	json_decref(schema);
	client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_client_is_greeted_as_by_qemu),
	    TEST(test_nothing_comes_before_the_capabilities),
	    TEST(test_an_id_comes_back_as_it_was),
	    TEST(test_an_answer_without_an_id_has_none),
	    TEST(test_a_request_may_come_byte_by_byte),
	    TEST(test_many_requests_in_one_piece_are_answered_in_order),
	    TEST(test_a_turn_does_four_requests_at_most),
	    TEST(test_what_is_broken_gets_one_line_and_the_session_goes_on),
	    TEST(test_the_line_after_a_broken_string_is_heard),
	    TEST(test_every_cut_is_forgotten_at_a_reset),
	    TEST(test_a_request_of_64_KiB_is_taken),
	    TEST(test_one_byte_more_ends_the_session),
	    TEST(test_white_space_is_no_request),
	    TEST(test_32_levels_are_taken_and_33_are_not),
	    TEST(test_the_schema_has_all_that_query_commands_has),
	};

	return cmocka_run_group_tests_name("control-protocol", tests, NULL, NULL);
}
