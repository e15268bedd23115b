/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/frame.h"
#include "os/socket.h"

/* Most things the program answers at once; ten seconds mean that it hangs. */
#define PATIENCE_MS 10000
#define FIRST_BYTES 4096u
#define LINE_BYTES  700u

struct vmsnd_control_client {
	int fd;
	int patience_ms;
	struct vmsnd_frame frame;
	char *data; /* what has come and is not taken yet */
	size_t bytes, room;
	char line[LINE_BYTES];
};

/* ---- bytes ---- */

static bool failed(struct vmsnd_control_client *client, const char *line)
{
	snprintf(client->line, sizeof(client->line), "%s", line);
	return false;
}

static bool wait_for(struct vmsnd_control_client *client, short what, int limit_ms)
{
	struct pollfd one = {.fd = client->fd, .events = what};
	int n;

	do
		n = poll(&one, 1, limit_ms);
	while (n < 0 && errno == EINTR);
	return n > 0 || failed(client, "the program does not answer");
}

static bool send_all(struct vmsnd_control_client *client, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ptrdiff_t n = vmsnd_socket_send_some(client->fd, text, bytes);

		if (n < 0)
			return failed(client, "the program has closed the connection");
		text += n;
		bytes -= (size_t)n;
		if (bytes > 0 && !wait_for(client, POLLOUT, PATIENCE_MS))
			return false;
	}
	return true;
}

static bool make_room(struct vmsnd_control_client *client)
{
	size_t room = client->room ? 2 * client->room : FIRST_BYTES;
	char *larger;

	if (client->bytes < client->room)
		return true;
	larger = realloc(client->data, room);
	if (!larger)
		return failed(client, "out of memory");
	client->data = larger;
	client->room = room;
	return true;
}

static bool receive(struct vmsnd_control_client *client, int limit_ms)
{
	struct vmsnd_fds fds = {0};
	enum vmsnd_socket_got what;
	size_t got = 0;

	if (!make_room(client) || !wait_for(client, POLLIN, limit_ms))
		return false;
	what = vmsnd_socket_recv(client->fd, client->data + client->bytes,
				 client->room - client->bytes, &got, &fds);
	vmsnd_fds_close(&fds);
	if (what == VMSND_SOCKET_END || what == VMSND_SOCKET_TOO_MANY)
		return failed(client, "the program has closed the connection");
	client->bytes += got;
	return true;
}

static void drop_front(struct vmsnd_control_client *client, size_t bytes)
{
	if (bytes == 0)
		return;
	client->bytes -= bytes;
	memmove(client->data, client->data + bytes, client->bytes);
	vmsnd_frame_drop(&client->frame, bytes);
}

/* The next message, whatever it is. */
static json_t *next_message(struct vmsnd_control_client *client, int limit_ms)
{
	for (;;) {
		size_t from = 0, to = 0;
		enum vmsnd_frame_got got =
		    vmsnd_frame_next(&client->frame, client->data, client->bytes, &from, &to);
		json_t *message = NULL;

		if (got == VMSND_FRAME_MORE) {
			drop_front(client, from);
			if (!receive(client, limit_ms))
				return NULL;
			continue;
		}
		if (got == VMSND_FRAME_VALUE)
			message = json_loadb(client->data + from, to - from, 0, NULL);
		drop_front(client, to);
		if (!message)
			failed(client, "this does not answer as vmsnd does");
		return message;
	}
}

/* ---- calls ---- */

static bool say(struct vmsnd_control_client *client, const char *command, json_t *arguments)
{
	json_t *request = json_pack("{s:s,s:o}", "execute", command, "arguments",
				    arguments ? arguments : json_object());
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	bool went = text ? send_all(client, text, strlen(text)) : failed(client, "out of memory");

	free(text);
	json_decref(request);
	return went;
}

static void keep_reason(struct vmsnd_control_client *client, json_t *message)
{
	const char *line =
	    json_string_value(json_object_get(json_object_get(message, "error"), "desc"));

	failed(client, line ? line : "this does not answer as vmsnd does");
}

json_t *vmsnd_control_client_call(struct vmsnd_control_client *client, const char *command,
				  json_t *arguments)
{
	json_t *message = NULL, *result;

	if (!say(client, command, arguments))
		return NULL;
	do {
		json_decref(message);
		message = next_message(client, client->patience_ms);
	} while (message && json_object_get(message, "event"));
	if (!message)
		return NULL;
	result = json_incref(json_object_get(message, "return"));
	if (!result)
		keep_reason(client, message);
	json_decref(message);
	return result;
}

json_t *vmsnd_control_client_event(struct vmsnd_control_client *client)
{
	json_t *message = next_message(client, -1);

	while (message && !json_object_get(message, "event")) {
		json_decref(message);
		message = next_message(client, -1);
	}
	return message;
}

void vmsnd_control_client_wait(struct vmsnd_control_client *client, int limit_ms)
{
	client->patience_ms = limit_ms;
}

const char *vmsnd_control_client_line(const struct vmsnd_control_client *client)
{
	return client->line;
}

/* ---- coming and going ---- */

static bool negotiate(struct vmsnd_control_client *client)
{
	json_t *greeting = next_message(client, client->patience_ms), *done;

	if (!greeting)
		return false;
	if (!json_object_get(greeting, "QMP")) {
		keep_reason(client, greeting);
		json_decref(greeting);
		return false;
	}
	json_decref(greeting);
	done = vmsnd_control_client_call(client, "qmp_capabilities", NULL);
	json_decref(done);
	return done != NULL;
}

struct vmsnd_control_client *vmsnd_control_client_open(const char *path, char *error,
						       size_t error_bytes)
{
	struct vmsnd_control_client *client = calloc(1, sizeof(*client));

	if (!client) {
		snprintf(error, error_bytes, "out of memory");
		return NULL;
	}
	client->patience_ms = PATIENCE_MS;
	client->fd = vmsnd_socket_connect(path);
	if (client->fd < 0)
		snprintf(error, error_bytes,
			 "cannot reach %s: %s; is 'vmsnd serve --control %s' "
			 "running?",
			 path, strerror(errno), path);
	else if (!negotiate(client))
		snprintf(error, error_bytes, "%s: %s", path, client->line);
	else
		return client;
	vmsnd_control_client_close(client);
	return NULL;
}

void vmsnd_control_client_close(struct vmsnd_control_client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client->data);
	free(client);
}
