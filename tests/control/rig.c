/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/socket.h"

#define TURNS_MAX 100000u

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct rig *rig = ctx;
	size_t at = strlen(rig->logged);

	snprintf(rig->logged + at, sizeof(rig->logged) - at, "%s\n", line);
}

int64_t rig_wall_us(void)
{
	return INT64_C(1000000000250000);
}

int rig_setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct vmsnd_log log = {.ctx = rig, .write = write_line};
	struct vmsnd_control_conf conf = {.machine = &rig->machine,
					  .log = &rig->log,
					  .heard = &rig->heard,
					  .wake = &rig->wake,
					  .wall_us = rig_wall_us};

	rig->log = vmsnd_overhear(&rig->heard, &log);
	double_init(&rig->machine);
	rig->machine.log = &rig->log;
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/vmsnd-control-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/c", rig->folder);
	conf.path = rig->path;
	assert_int_equal(vmsnd_wake_open(&rig->wake), VMSND_OK);
	assert_int_equal(vmsnd_control_open(&conf, &rig->control), VMSND_OK);
	rig->next = VMSND_NEVER;
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;

	vmsnd_control_close(rig->control);
	vmsnd_wake_close(&rig->wake);
	assert_int_not_equal(access(rig->path, F_OK), 0);
	rmdir(rig->folder);
	free(rig);
	return 0;
}

void rig_turn(struct rig *rig)
{
	struct pollfd one = {.fd = vmsnd_control_fd(rig->control), .events = POLLIN};
	bool ready = poll(&one, 1, 0) == 1;

	rig->next = vmsnd_control_turn(rig->control, ready, rig->now);
}

void rig_settle(struct rig *rig)
{
	struct pollfd one = {.fd = vmsnd_control_fd(rig->control), .events = POLLIN};

	for (unsigned i = 0; poll(&one, 1, 0) == 1 || rig->next <= rig->now; i++) {
		assert_true(i < TURNS_MAX); /* else it would keep the loop busy for ever */
		rig_turn(rig);
	}
}

void client_open(struct rig *rig, struct client *client)
{
	*client = (struct client){.rig = rig, .fd = vmsnd_socket_connect(rig->path)};
	assert_true(client->fd >= 0);
	rig_settle(rig);
}

void client_join(struct rig *rig, struct client *client)
{
	json_t *greeting;

	client_open(rig, client);
	greeting = client_next(client);
	assert_non_null(json_object_get(greeting, "QMP"));
	json_decref(greeting);
	client_ask_fine(client, "{\"execute\": \"qmp_capabilities\"}");
}

void client_close(struct client *client)
{
	struct rig *rig = client->rig;

	close(client->fd);
	free(client->data);
	*client = (struct client){.fd = -1};
	rig_settle(rig);
}

void client_send(struct client *client, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ptrdiff_t n = vmsnd_socket_send_some(client->fd, text, bytes);

		if (n < 0)
			return; /* it has closed: the answers tell why */
		text += n;
		bytes -= (size_t)n;
		rig_settle(client->rig);
		assert_true(n > 0 || bytes == 0);
	}
}

void client_read(struct client *client)
{
	for (;;) {
		char *larger = realloc(client->data, client->bytes + 65537);
		ssize_t n;

		assert_non_null(larger);
		client->data = larger;
		n = recv(client->fd, larger + client->bytes, 65536, MSG_DONTWAIT);
		/* ECONNRESET: closed, and some of what we said was left unread. */
		client->ended = client->ended || n == 0 || (n < 0 && errno == ECONNRESET);
		if (n <= 0)
			break;
		client->bytes += (size_t)n;
		client->data[client->bytes] = '\0';
	}
}

json_t *client_next(struct client *client)
{
	char *end;
	json_t *message;

	rig_settle(client->rig);
	client_read(client);
	end = client->bytes > 0 ? memchr(client->data, '\n', client->bytes) : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	message = json_loads(client->data, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(message);
	client->bytes -= (size_t)(end + 1 - client->data);
	memmove(client->data, end + 1, client->bytes);
	return message;
}

json_t *client_ask(struct client *client, const char *request)
{
	client_send(client, request, strlen(request));
	return client_next(client);
}

void client_ask_fine(struct client *client, const char *request)
{
	json_t *message = client_ask(client, request);

	if (!message || !json_is_object(json_object_get(message, "return")))
		fail_msg("%s: %s", request, message ? error_line(message) : "no answer");
	json_decref(message);
}

void client_ask_wrong(struct client *client, const char *request, const char *part)
{
	json_t *message = client_ask(client, request);

	if (!message || !error_line(message) || !strstr(error_line(message), part))
		fail_msg("%s: not \"%s\" but \"%s\"", request, part,
			 message && error_line(message) ? error_line(message) : "no error");
	json_decref(message);
}

static const char *of_error(const json_t *message, const char *key)
{
	return json_string_value(json_object_get(json_object_get(message, "error"), key));
}

const char *error_line(const json_t *message)
{
	return of_error(message, "desc");
}

const char *error_class(const json_t *message)
{
	return of_error(message, "class");
}

const char *event_name(const json_t *message)
{
	return json_string_value(json_object_get(message, "event"));
}
