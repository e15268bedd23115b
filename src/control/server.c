/* SPDX-License-Identifier: BSD-3-Clause */
/* The control server: who is connected, whose turn it is, who has to go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/parts.h"

/* Requests in one turn, of all clients: between any two turns the cards have theirs. */
#define STEPS_MAX 4u
/* Whoever lets this much lie unread is not asked for more requests meanwhile. */
#define BACKLOG_BYTES 65536u
/* How often changes are looked for while somebody listens. */
#define LOOK_NS (100 * UINT64_C(1000000))

#define TOKENS_MAX     (VMSND_CONTROL_CLIENTS_MAX + 1)
#define LISTENER_TOKEN UINT64_MAX

struct vmsnd_control {
	struct vmsnd_control_conf conf;
	struct vmsnd_loop *loop;
	struct vmsnd_listener listener;
	struct vmsnd_control_watch *watch;
	struct vmsnd_control_peer peers[VMSND_CONTROL_CLIENTS_MAX];
	unsigned first; /* whose request comes first in the next turn */
	vmsnd_ns look;  /* when changes are looked for; VMSND_NEVER: nobody listens */
	vmsnd_ns now;   /* of this turn */
	bool quit, stranger_told;
};

/* ---- events ---- */

static void tell(void *ctx, const json_t *event)
{
	struct vmsnd_control *control = ctx;

	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++) {
		struct vmsnd_control_peer *peer = &control->peers[i];

		if (peer->fd < 0 || !peer->negotiated || peer->broken)
			continue;
		if (vmsnd_control_peer_waiting(peer) > VMSND_CONTROL_QUEUE_BYTES)
			peer->broken = true;
		else
			vmsnd_control_peer_say(peer, event);
	}
}

/* ---- coming ---- */

static void say_and_free(struct vmsnd_control_peer *peer, json_t *message)
{
	if (message)
		vmsnd_control_peer_say(peer, message);
	else
		peer->broken = true; /* no memory */
	json_decref(message);
}

static struct vmsnd_control_peer *free_place(struct vmsnd_control *control)
{
	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++)
		if (control->peers[i].fd < 0)
			return &control->peers[i];
	return NULL;
}

/* Nobody but who runs the program, and root. The file's mode says so, too, but a folder can be
 * handed to others with its files. */
static bool is_welcome(struct vmsnd_control *control, int fd, struct vmsnd_peer_id *id)
{
	if (vmsnd_socket_peer(fd, id) && (id->uid == 0 || id->uid == geteuid()))
		return true;
	if (!control->stranger_told)
		vmsnd_logf(control->conf.log, VMSND_LOG_WARNING,
			   "control: user %u was turned away: only user %u and root may ask",
			   id->uid, (unsigned)geteuid());
	control->stranger_told = true;
	return false;
}

static void turn_away(int fd)
{
	static const char line[] = "{\"error\":{\"class\":\"GenericError\",\"desc\":"
				   "\"there are 16 clients already\"}}\n";

	vmsnd_socket_send(fd, line, sizeof(line) - 1, NULL);
	close(fd);
}
_Static_assert(VMSND_CONTROL_CLIENTS_MAX == 16, "the line above names the limit");

static void greet(struct vmsnd_control *control, int fd, const struct vmsnd_peer_id *id)
{
	struct vmsnd_control_peer *peer = free_place(control);

	if (!peer) {
		turn_away(fd);
		return;
	}
	if (!vmsnd_control_peer_open(peer, fd))
		return;
	peer->id = *id;
	if (vmsnd_loop_watch(control->loop, fd, (uint64_t)(peer - control->peers))) {
		vmsnd_control_peer_close(peer);
		return;
	}
	say_and_free(peer, json_pack("{s:{s:o,s:[]}}", "QMP", "version", vmsnd_control_version(),
				     "capabilities"));
}

static void let_in(struct vmsnd_control *control)
{
	struct vmsnd_peer_id id = {.uid = UINT32_MAX};
	int fd = vmsnd_listener_accept(&control->listener);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			vmsnd_listener_turn_away(&control->listener);
		return;
	}
	if (is_welcome(control, fd, &id))
		greet(control, fd, &id);
	else
		close(fd);
}

static void take_ready(struct vmsnd_control *control)
{
	uint64_t tokens[TOKENS_MAX];
	size_t n = vmsnd_loop_wait(control->loop, 0, tokens, TOKENS_MAX);
	bool knock = false;

	for (size_t i = 0; i < n; i++) {
		if (tokens[i] == LISTENER_TOKEN)
			knock = true;
		else
			vmsnd_control_peer_read(&control->peers[tokens[i]]);
	}
	/* Afterwards, or a place could change hands between a token and its reading. */
	if (knock)
		let_in(control);
}

/* ---- requests ---- */

static void say_wrong(struct vmsnd_control_peer *peer, const char *line)
{
	say_and_free(peer, vmsnd_control_error(VMSND_CONTROL_GENERIC, line));
}

static void answer(struct vmsnd_control *control, struct vmsnd_control_peer *peer, const char *text,
		   size_t bytes)
{
	bool negotiated = peer->negotiated;
	struct vmsnd_control_request request = {
	    .call = {.control = control,
		     .machine = control->conf.machine,
		     .heard = control->conf.heard,
		     .now = control->now},
	    .log = control->conf.log,
	    .who = peer->id,
	    .negotiated = &negotiated,
	};

	say_and_free(peer, vmsnd_control_answer(&request, text, bytes));
	if (negotiated && !peer->negotiated && control->look == VMSND_NEVER) {
		vmsnd_control_watch_start(control->watch);
		control->look = control->now + LOOK_NS;
	}
	peer->negotiated = negotiated;
	control->quit |= request.call.quit;
	if (request.call.command && request.call.command->told && !request.call.quit)
		vmsnd_control_watch_look_at(control->watch, request.call.args[0].number);
}

/* One request, or one piece of rubbish; false when there is none. */
static bool step(struct vmsnd_control *control, struct vmsnd_control_peer *peer)
{
	const char *text = NULL;
	size_t bytes = 0;
	enum vmsnd_frame_got got = vmsnd_control_peer_next(peer, &text, &bytes);

	if (got == VMSND_FRAME_VALUE)
		answer(control, peer, text, bytes);
	if (got == VMSND_FRAME_BAD)
		say_wrong(peer, "this is not JSON: a request is an object");
	if (got == VMSND_FRAME_DEEP)
		say_wrong(peer, "a request is nested 32 deep at most");
	if (got == VMSND_FRAME_MORE && peer->request_bytes == VMSND_CONTROL_REQUEST_BYTES) {
		say_wrong(peer, "a request has 65536 bytes at most");
		got = VMSND_FRAME_DEEP;
	}
	peer->leaving |= got == VMSND_FRAME_DEEP;
	return got != VMSND_FRAME_MORE;
}
_Static_assert(VMSND_CONTROL_REQUEST_BYTES == 65536 && VMSND_FRAME_DEPTH_MAX == 32,
	       "the lines above name these limits");

static bool wants_turn(const struct vmsnd_control_peer *peer)
{
	return peer->fd >= 0 && peer->more && !peer->leaving && !peer->broken &&
	       vmsnd_control_peer_waiting(peer) <= BACKLOG_BYTES;
}

/* One request of each in turn, until nobody has any or it is enough. */
static void serve(struct vmsnd_control *control)
{
	unsigned idle = 0;

	for (unsigned steps = 0; steps < STEPS_MAX && idle < VMSND_CONTROL_CLIENTS_MAX;) {
		struct vmsnd_control_peer *peer = &control->peers[control->first];

		control->first = (control->first + 1) % VMSND_CONTROL_CLIENTS_MAX;
		idle++;
		if (!wants_turn(peer) || !step(control, peer))
			continue;
		steps++;
		idle = 0;
	}
}

/* ---- going ---- */

static bool has_to_go(const struct vmsnd_control_peer *peer, vmsnd_ns now)
{
	size_t waiting = vmsnd_control_peer_waiting(peer);

	/* Its end is read after all that it said was answered. */
	if (peer->broken || (waiting == 0 && (peer->leaving || peer->ended)))
		return true;
	return waiting > 0 && now - peer->stuck >= VMSND_CONTROL_PATIENCE_NS;
}

static void watch_for(struct vmsnd_control *control, struct vmsnd_control_peer *peer)
{
	size_t waiting = vmsnd_control_peer_waiting(peer);
	bool in = !peer->ended && !peer->leaving && !peer->more && waiting <= BACKLOG_BYTES;
	bool out = waiting > 0;

	if (in == peer->in && out == peer->out)
		return;
	peer->in = in;
	peer->out = out;
	vmsnd_loop_interest(control->loop, peer->fd, (uint64_t)(peer - control->peers), in, out);
}

static void let_go(struct vmsnd_control *control, struct vmsnd_control_peer *peer)
{
	vmsnd_loop_unwatch(control->loop, peer->fd);
	vmsnd_control_peer_close(peer);
}

/* Sends what can be sent; returns when something has to be done whatever comes. */
static vmsnd_ns settle(struct vmsnd_control *control)
{
	vmsnd_ns next = VMSND_NEVER;
	bool listening = false;

	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++) {
		struct vmsnd_control_peer *peer = &control->peers[i];

		if (peer->fd < 0)
			continue;
		vmsnd_control_peer_send(peer, control->now);
		if (has_to_go(peer, control->now)) {
			let_go(control, peer);
			continue;
		}
		watch_for(control, peer);
		listening = listening || peer->negotiated;
		if (wants_turn(peer))
			next = control->now;
		if (peer->stuck != VMSND_NEVER && peer->stuck + VMSND_CONTROL_PATIENCE_NS < next)
			next = peer->stuck + VMSND_CONTROL_PATIENCE_NS;
	}
	if (!listening)
		control->look = VMSND_NEVER;
	return control->look < next ? control->look : next;
}

/* ---- the outside ---- */

vmsnd_ns vmsnd_control_turn(void *ctx, bool ready, vmsnd_ns now)
{
	struct vmsnd_control *control = ctx;

	control->now = now;
	if (ready)
		take_ready(control);
	serve(control);
	if (now >= control->look) {
		vmsnd_control_watch_look(control->watch);
		control->look = now + LOOK_NS;
	}
	return settle(control);
}

static enum vmsnd_rc listen_at(struct vmsnd_control *control)
{
	char error[300] = "";
	enum vmsnd_rc rc = vmsnd_listener_open_private(&control->listener, control->conf.path,
						       error, sizeof(error));

	if (!rc && vmsnd_loop_watch(control->loop, control->listener.fd, LISTENER_TOKEN)) {
		vmsnd_listener_close(&control->listener);
		rc = VMSND_E_SYSTEM;
	}
	if (rc)
		vmsnd_logf(control->conf.log, VMSND_LOG_ERROR, "control: %s",
			   error[0] ? error : vmsnd_rc_text(rc));
	else
		vmsnd_logf(control->conf.log, VMSND_LOG_INFO, "control: answering at %s",
			   control->conf.path);
	return rc;
}

enum vmsnd_rc vmsnd_control_open(const struct vmsnd_control_conf *conf, struct vmsnd_control **out)
{
	struct vmsnd_control *control = calloc(1, sizeof(*control));
	struct vmsnd_control_watch_conf watch = {
	    .machine = conf->machine, .wall_us = conf->wall_us, .tell = tell, .ctx = control};
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	if (!control)
		return rc;
	control->conf = *conf;
	control->look = VMSND_NEVER;
	control->listener.fd = control->listener.spare = -1;
	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++)
		control->peers[i].fd = -1;
	control->watch = vmsnd_control_watch_open(&watch);
	if (control->watch)
		rc = vmsnd_loop_open(&control->loop);
	if (!rc)
		rc = listen_at(control);
	if (!rc) {
		*out = control;
		return VMSND_OK;
	}
	if (control->loop)
		vmsnd_loop_close(control->loop);
	vmsnd_control_watch_close(control->watch);
	free(control);
	return rc;
}

int vmsnd_control_fd(const struct vmsnd_control *control)
{
	return vmsnd_loop_fd(control->loop);
}

bool vmsnd_control_quit_asked(const struct vmsnd_control *control)
{
	return control->quit;
}

void vmsnd_control_close(struct vmsnd_control *control)
{
	if (!control)
		return;
	vmsnd_control_watch_tell(control->watch, "SHUTDOWN", json_object());
	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++) {
		if (control->peers[i].fd < 0)
			continue;
		vmsnd_control_peer_send(&control->peers[i], control->now);
		let_go(control, &control->peers[i]);
	}
	vmsnd_listener_close(&control->listener);
	vmsnd_loop_close(control->loop);
	vmsnd_control_watch_close(control->watch);
	free(control);
}
