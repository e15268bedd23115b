/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may come, how many, and what becomes of those who do not read, or leave half-way. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/socket.h"
#include "rig.h"

#define STATUS "{\"execute\":\"query-status\"}"

/* ---- the socket ---- */

static enum vmsnd_rc open_second(struct rig *rig, const char *path, struct vmsnd_control **out)
{
	struct vmsnd_control_conf conf = {
	    .path = path, .machine = &rig->machine, .log = &rig->log, .wall_us = rig_wall_us};

	return vmsnd_control_open(&conf, out);
}

static void test_the_socket_is_for_its_owner_only(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_control *second;
	mode_t before = umask(0);
	struct stat status;
	char path[120];

	assert_int_equal(lstat(rig->path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0600);
	snprintf(path, sizeof(path), "%s2", rig->path);
	assert_int_equal(open_second(rig, path, &second), VMSND_OK);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	vmsnd_control_close(second);
	umask(before);
}

static void test_a_socket_that_is_served_is_left_alone(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_control *second = NULL;
	struct client client;

	assert_int_not_equal(open_second(rig, rig->path, &second), VMSND_OK);
	assert_non_null(strstr(rig->logged, "another program is serving"));
	client_join(rig, &client);
	client_close(&client);
}

static void test_a_stale_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_control *second = NULL;
	char stale[120], file[120], error[200];
	struct vmsnd_listener listener;
	int fd;

	snprintf(stale, sizeof(stale), "%s2", rig->path);
	assert_int_equal(vmsnd_listener_open(&listener, stale, error, sizeof(error)), VMSND_OK);
	close(listener.fd); /* as after a crash: the file stays */
	close(listener.spare);
	assert_int_equal(open_second(rig, stale, &second), VMSND_OK);
	vmsnd_control_close(second);
	snprintf(file, sizeof(file), "%s3", rig->path);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_not_equal(open_second(rig, file, &second), VMSND_OK);
	assert_int_equal(unlink(file), 0);
}

/* ---- many ---- */

static void test_sixteen_may_come_and_the_next_is_told(void **state)
{
	struct rig *rig = *state;
	struct client clients[VMSND_CONTROL_CLIENTS_MAX], next;
	json_t *message;

	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++)
		client_join(rig, &clients[i]);
	client_open(rig, &next);
	message = client_next(&next);
	assert_non_null(strstr(error_line(message), "16 clients already"));
	json_decref(message);
	client_read(&next);
	assert_true(next.ended);
	client_close(&next);
	client_close(&clients[7]);
	client_join(rig, &clients[7]);
	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++) {
		client_ask_fine(&clients[i], STATUS);
		client_close(&clients[i]);
	}
}

static void test_a_busy_client_does_not_keep_others_waiting(void **state)
{
	struct rig *rig = *state;
	struct client busy, other;
	char text[4000] = "";

	client_join(rig, &busy);
	client_join(rig, &other);
	for (unsigned i = 0; i < 100; i++)
		strcat(text, STATUS);
	send(busy.fd, text, strlen(text), 0);
	send(other.fd, STATUS, strlen(STATUS), 0);
	rig_turn(rig);
	client_read(&other);
	assert_true(other.bytes > 0);
	client_close(&busy);
	client_close(&other);
}

/* ---- those who ask much ---- */

static bool is_closed(const struct client *client)
{
	struct pollfd one = {.fd = client->fd};

	return poll(&one, 1, 0) == 1 && (one.revents & POLLHUP);
}

static void ask_often(struct client *client, unsigned times)
{
	char text[20000] = "";

	for (unsigned i = 0; i < times; i++)
		strcat(text, STATUS);
	assert_true(send(client->fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static unsigned answers_of(struct client *client)
{
	unsigned n = 0;
	json_t *message;

	for (; (message = client_next(client)); n++)
		json_decref(message);
	return n;
}

/* 400 at once, then 200 a second: nothing is refused, it only comes later. */
static void test_who_asks_beyond_the_rate_is_served_later(void **state)
{
	const vmsnd_ns cost = VMSND_NS_PER_SECOND / VMSND_CONTROL_REQUESTS_PER_S;
	struct rig *rig = *state;
	struct client busy, other;

	client_join(rig, &busy);
	client_join(rig, &other);
	rig->now += 10 * VMSND_NS_PER_SECOND; /* rest is not saved up beyond the burst */
	rig_settle(rig);
	ask_often(&busy, VMSND_CONTROL_REQUESTS_BURST + 100);
	assert_int_equal(answers_of(&busy), VMSND_CONTROL_REQUESTS_BURST);
	client_ask_fine(&other, STATUS);
	assert_int_equal(rig->next - rig->now, cost);
	rig->now += cost - 1;
	assert_int_equal(answers_of(&busy), 0);
	rig->now += 1;
	assert_int_equal(answers_of(&busy), 1);
	rig->now += VMSND_NS_PER_SECOND / 4;
	assert_int_equal(answers_of(&busy), VMSND_CONTROL_REQUESTS_PER_S / 4);
	rig->now += VMSND_NS_PER_SECOND;
	assert_int_equal(answers_of(&busy), 49);
	client_close(&busy);
	client_close(&other);
	rig_settle(rig);
	assert_true(rig->next == VMSND_NEVER);
}

/* Its descriptor would keep the loop awake for as long as it has to wait. */
static void test_who_hangs_up_while_it_waits_is_let_go_at_once(void **state)
{
	struct rig *rig = *state;
	struct client busy;

	client_join(rig, &busy);
	ask_often(&busy, VMSND_CONTROL_REQUESTS_BURST + 100);
	answers_of(&busy);
	client_close(&busy);
	assert_true(rig->next == VMSND_NEVER);
}

/* ---- those who do not read ---- */

/* Asks for long answers and reads none, until the server reads no more of it. */
static size_t stuff(struct client *client)
{
	static const char text[] = "{\"execute\":\"query-schema\"}";
	size_t sent = 0;

	for (;;) {
		ptrdiff_t n = vmsnd_socket_send_some(client->fd, text, sizeof(text) - 1);

		/* A part of a request is as good: the rest of it never comes. */
		if (n != (ptrdiff_t)sizeof(text) - 1)
			return sent;
		sent++;
		rig_settle(client->rig);
		assert_true(sent < 100000);
	}
}

static size_t lines_of(struct client *client)
{
	size_t n = 0;

	rig_settle(client->rig);
	client_read(client);
	for (size_t i = 0; i < client->bytes; i++)
		n += client->data[i] == '\n';
	return n;
}

static void test_who_does_not_read_is_not_served_and_holds_nobody_up(void **state)
{
	struct rig *rig = *state;
	struct client deaf, other;
	size_t sent, answered;

	client_join(rig, &deaf);
	client_join(rig, &other);
	sent = stuff(&deaf);
	client_ask_fine(&other, STATUS);
	/* It reads at last: everything it asked for is there, and nothing was done twice. */
	answered = lines_of(&deaf);
	assert_true(answered > 0 && answered < sent);
	for (unsigned i = 0; i < 10000 && answered < sent; i++)
		answered = lines_of(&deaf);
	assert_int_equal(answered, sent);
	client_close(&deaf);
	client_close(&other);
}

/* Not even what was read already: the answers would be kept here. */
static void test_answers_do_not_pile_up(void **state)
{
	static const char text[] = "{\"execute\":\"query-host-devices\",\"arguments\":"
				   "{\"card\":0,\"refresh\":true}}";
	struct rig *rig = *state;
	struct client deaf;

	rig->machine.n_host_devices = 256; /* an answer of some 40 KB */
	client_join(rig, &deaf);
	for (unsigned i = 0; i < 40; i++)
		send(deaf.fd, text, sizeof(text) - 1, 0);
	rig_settle(rig);
	assert_in_range(rig->machine.calls, 1, 20);
	for (unsigned i = 0; i < 100; i++)
		lines_of(&deaf);
	assert_int_equal(lines_of(&deaf), 40);
	assert_int_equal(rig->machine.calls, 40);
	client_close(&deaf);
}

static void test_patience_ends_after_ten_seconds(void **state)
{
	struct rig *rig = *state;
	struct client deaf, other;

	client_join(rig, &deaf);
	client_join(rig, &other);
	stuff(&deaf);
	rig->now += VMSND_CONTROL_PATIENCE_NS - 1;
	rig_settle(rig);
	assert_true(rig->next <= rig->now + 1);
	client_ask_fine(&other, STATUS);
	rig->now += 1;
	rig_settle(rig);
	assert_true(rig->next > rig->now);
	lines_of(&deaf);
	assert_true(deaf.ended);
	client_ask_fine(&other, STATUS);
	client_close(&deaf);
	client_close(&other);
}

static void test_who_reads_slowly_keeps_its_place(void **state)
{
	struct rig *rig = *state;
	struct client slow;
	static char text[20000];

	client_join(rig, &slow);
	stuff(&slow);
	/* Some seconds for each piece, much more than its patience for all of them. */
	for (unsigned i = 0; i < 8; i++) {
		rig->now += VMSND_CONTROL_PATIENCE_NS - 1;
		assert_true(recv(slow.fd, text, sizeof(text), MSG_DONTWAIT) == sizeof(text));
		rig_turn(rig);
	}
	lines_of(&slow);
	assert_false(slow.ended);
	client_close(&slow);
}

static void test_events_that_nobody_reads_end_the_session(void **state)
{
	struct rig *rig = *state;
	struct client deaf, other;
	unsigned i;

	client_join(rig, &deaf);
	client_join(rig, &other);
	/* In no time at all, so that patience has no part in it; nobody asks beyond the rate. */
	for (i = 0; i < 20000 && !is_closed(&deaf); i++) {
		json_t *message;

		if (i % 300 == 299) {
			client_close(&other);
			client_join(rig, &other);
		}
		client_ask_fine(&other, i % 2 ? "{\"execute\":\"enable\",\"arguments\":{\"card\":0,"
						"\"direction\":\"capture\",\"on\":false}}"
					      : "{\"execute\":\"enable\",\"arguments\":{\"card\":0,"
						"\"direction\":\"capture\",\"on\":true}}");
		message = client_next(&other);
		assert_string_equal(event_name(message), "DIRECTION_SWITCHED");
		json_decref(message);
	}
	assert_true(is_closed(&deaf));
	assert_true(i > 1000);
	client_ask_fine(&other, STATUS);
	client_close(&deaf);
	client_close(&other);
}

/* ---- those who leave ---- */

static void test_who_has_said_all_still_gets_its_answers(void **state)
{
	struct client client;
	char text[2000] = "";

	client_join(*state, &client);
	for (unsigned i = 0; i < 20; i++)
		strcat(text, STATUS);
	strcat(text, "{\"execute\":"); /* and half a one */
	send(client.fd, text, strlen(text), 0);
	shutdown(client.fd, SHUT_WR);
	assert_int_equal(lines_of(&client), 20);
	client_read(&client);
	assert_true(client.ended);
	client_close(&client);
}

static void test_who_leaves_without_reading_leaves_nothing_behind(void **state)
{
	struct rig *rig = *state;
	struct client client;

	for (unsigned i = 0; i < 20; i++) {
		client_open(rig, &client);
		stuff(&client);
		client_close(&client);
	}
	client_join(rig, &client);
	client_close(&client);
	assert_true(rig->next == VMSND_NEVER);
}

static unsigned count_fds(void)
{
	DIR *list = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(list);
	while (readdir(list))
		n++;
	closedir(list);
	return n;
}

static void test_descriptors_nobody_asked_for_are_closed(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_fds fds = {.n = VMSND_SOCKET_FDS_MAX};
	struct client client;
	unsigned before;

	client_join(rig, &client);
	for (unsigned i = 0; i < fds.n; i++)
		fds.fd[i] = client.fd;
	before = count_fds();
	for (unsigned i = 0; i < 50; i++) {
		assert_true(vmsnd_socket_send(client.fd, STATUS, strlen(STATUS), &fds));
		json_decref(client_next(&client));
	}
	assert_int_equal(count_fds(), before);
	client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_socket_is_for_its_owner_only),
	    TEST(test_a_socket_that_is_served_is_left_alone),
	    TEST(test_a_stale_socket_is_replaced_and_a_file_is_not),
	    TEST(test_sixteen_may_come_and_the_next_is_told),
	    TEST(test_a_busy_client_does_not_keep_others_waiting),
	    TEST(test_who_asks_beyond_the_rate_is_served_later),
	    TEST(test_who_hangs_up_while_it_waits_is_let_go_at_once),
	    TEST(test_who_does_not_read_is_not_served_and_holds_nobody_up),
	    TEST(test_answers_do_not_pile_up),
	    TEST(test_patience_ends_after_ten_seconds),
	    TEST(test_who_reads_slowly_keeps_its_place),
	    TEST(test_events_that_nobody_reads_end_the_session),
	    TEST(test_who_has_said_all_still_gets_its_answers),
	    TEST(test_who_leaves_without_reading_leaves_nothing_behind),
	    TEST(test_descriptors_nobody_asked_for_are_closed),
	};

	return cmocka_run_group_tests_name("control-clients", tests, NULL, NULL);
}
