/* SPDX-License-Identifier: BSD-3-Clause */
/* One client's socket: bytes that came, and bytes that wait to be read by it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/parts.h"

#define READ_BYTES  4096u /* at a time, so that nobody has the turn for long */
#define FIRST_BYTES 2048u /* of a queue */

bool vmsnd_control_peer_open(struct vmsnd_control_peer *peer, int fd)
{
	*peer = (struct vmsnd_control_peer){.fd = fd, .in = true, .stuck = VMSND_NEVER};
	peer->request = malloc(VMSND_CONTROL_REQUEST_BYTES);
	if (peer->request)
		return true;
	vmsnd_control_peer_close(peer);
	return false;
}

void vmsnd_control_peer_close(struct vmsnd_control_peer *peer)
{
	close(peer->fd);
	if (peer->unfinished)
		vmsnd_control_request_end(peer->unfinished);
	free(peer->unfinished);
	free(peer->request);
	free(peer->queue);
	*peer = (struct vmsnd_control_peer){.fd = -1};
}

void vmsnd_control_peer_read(struct vmsnd_control_peer *peer)
{
	size_t room = VMSND_CONTROL_REQUEST_BYTES - peer->request_bytes, got = 0;
	struct vmsnd_fds fds = {0};
	enum vmsnd_socket_got what;

	if (peer->more || peer->ended || peer->leaving)
		return;
	what = vmsnd_socket_recv(peer->fd, peer->request + peer->request_bytes,
				 room < READ_BYTES ? room : READ_BYTES, &got, &fds);
	vmsnd_fds_close(&fds); /* nobody asked for descriptors */
	if (what == VMSND_SOCKET_TOO_MANY)
		peer->broken = true;
	if (what == VMSND_SOCKET_END)
		peer->ended = true;
	if (what != VMSND_SOCKET_BYTES)
		return;
	peer->request_bytes += got;
	peer->more = true;
}

static void drop_front(struct vmsnd_control_peer *peer, size_t bytes)
{
	peer->request_bytes -= bytes;
	memmove(peer->request, peer->request + bytes, peer->request_bytes);
	vmsnd_frame_drop(&peer->frame, bytes);
}

enum vmsnd_frame_got vmsnd_control_peer_next(struct vmsnd_control_peer *peer, const char **text,
					     size_t *bytes)
{
	size_t from = 0, to = 0;
	enum vmsnd_frame_got got;

	drop_front(peer, peer->taken);
	peer->taken = 0;
	got = vmsnd_frame_next(&peer->frame, peer->request, peer->request_bytes, &from, &to);
	if (got == VMSND_FRAME_VALUE) {
		*text = peer->request + from;
		*bytes = to - from;
		peer->taken = to;
		return got;
	}
	drop_front(peer, got == VMSND_FRAME_MORE ? from : to);
	peer->more = got == VMSND_FRAME_BAD;
	return got;
}

static bool make_room(struct vmsnd_control_peer *peer, size_t bytes)
{
	size_t waiting = vmsnd_control_peer_waiting(peer);
	size_t room = 2 * (waiting + bytes) + FIRST_BYTES;
	char *larger;

	if (peer->queue_room - peer->queue_bytes >= bytes)
		return true;
	if (peer->queue_at > 0)
		memmove(peer->queue, peer->queue + peer->queue_at, waiting);
	peer->queue_at = 0;
	peer->queue_bytes = waiting;
	if (peer->queue_room - waiting >= bytes)
		return true;
	larger = realloc(peer->queue, room);
	if (!larger)
		return false;
	peer->queue = larger;
	peer->queue_room = room;
	return true;
}

static int append(const char *text, size_t bytes, void *ctx)
{
	struct vmsnd_control_peer *peer = ctx;

	if (!make_room(peer, bytes))
		return -1;
	memcpy(peer->queue + peer->queue_bytes, text, bytes);
	peer->queue_bytes += bytes;
	return 0;
}

/* Figures need nine digits; an id comes back as the number that it was, and that may need 17. */
static size_t precision(const char *key)
{
	return strcmp(key, "id") == 0 ? JSON_REAL_PRECISION(17) : JSON_REAL_PRECISION(9);
}

/* One by one, for the sake of their precision. Their names need no escapes. */
static bool say_members(struct vmsnd_control_peer *peer, json_t *message)
{
	const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY;
	const char *before = "{\"";

	for (void *at = json_object_iter(message); at; at = json_object_iter_next(message, at)) {
		const char *key = json_object_iter_key(at);

		if (append(before, 2, peer) || append(key, strlen(key), peer) ||
		    append("\":", 2, peer) ||
		    json_dump_callback(json_object_iter_value(at), append, peer,
				       flags | precision(key)))
			return false;
		before = ",\"";
	}
	return !append("}\n", 2, peer);
}

void vmsnd_control_peer_say(struct vmsnd_control_peer *peer, const json_t *message)
{
	/* Without an answer, or with half a one, it would wait for ever. */
	if (!say_members(peer, (json_t *)message))
		peer->broken = true;
}

void vmsnd_control_peer_tell(struct vmsnd_control_peer *peer, json_t *message)
{
	if (message)
		vmsnd_control_peer_say(peer, message);
	else
		peer->broken = true;
	json_decref(message);
}

void vmsnd_control_peer_send(struct vmsnd_control_peer *peer, vmsnd_ns now)
{
	size_t waiting = vmsnd_control_peer_waiting(peer);
	ptrdiff_t sent;

	if (waiting == 0)
		return;
	sent = vmsnd_socket_send_some(peer->fd, peer->queue + peer->queue_at, waiting);
	if (sent < 0) {
		peer->broken = true;
		return;
	}
	peer->queue_at += (size_t)sent;
	if (sent > 0 || peer->stuck == VMSND_NEVER)
		peer->stuck = now;
	if (peer->queue_at < peer->queue_bytes)
		return;
	/* An answer may have been long: its room is not kept. */
	free(peer->queue);
	peer->queue = NULL;
	peer->queue_at = peer->queue_bytes = peer->queue_room = 0;
	peer->stuck = VMSND_NEVER;
}

size_t vmsnd_control_peer_waiting(const struct vmsnd_control_peer *peer)
{
	return peer->queue_bytes - peer->queue_at;
}
