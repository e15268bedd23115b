/* SPDX-License-Identifier: BSD-3-Clause */
/* The control server: what wakes it, what a turn is, who has to go. */
#include <stdlib.h>

#include "control/save.h"
#include "control/server.h"

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

/* Pokes may come without end: one look serves all that come within a while. */
static void look_soon(struct vmsnd_control *control)
{
	vmsnd_ns soon = control->looked + VMSND_CONTROL_POKE_NS;

	if (control->look != VMSND_NEVER && soon < control->look)
		control->look = soon;
}

static void look(struct vmsnd_control *control)
{
	vmsnd_control_watch_look(control->watch);
	control->looked = control->now;
	control->look = control->now + VMSND_CONTROL_LOOK_NS;
}

/* ---- what is ready ---- */

static void read_from(struct vmsnd_control_peer *peer)
{
	/* Watched for nothing, it can only have hung up. What it asked for last goes on, but nobody
	 * is there for the answer. */
	if (!peer->in && !peer->out)
		peer->broken = true;
	else
		vmsnd_control_peer_read(peer);
}

static void take_ready(struct vmsnd_control *control)
{
	uint64_t tokens[VMSND_CONTROL_TOKENS_MAX];
	size_t n = vmsnd_loop_wait(control->loop, 0, tokens, VMSND_CONTROL_TOKENS_MAX);
	bool knock = false;

	for (size_t i = 0; i < n; i++) {
		if (tokens[i] == VMSND_CONTROL_LISTENER_TOKEN)
			knock = true;
		else if (tokens[i] == VMSND_CONTROL_WAKE_TOKEN)
			control->poked = vmsnd_wake_drain(control->conf.wake);
		else
			read_from(&control->peers[tokens[i]]);
	}
	/* Afterwards, or a place could change hands between a token and its reading. */
	if (knock)
		vmsnd_control_let_in(control);
}

/* ---- going ---- */

static bool has_to_go(const struct vmsnd_control_peer *peer, vmsnd_ns now)
{
	size_t waiting = vmsnd_control_peer_waiting(peer);

	/* Its end is read after all that it said was answered. */
	if (peer->broken || (waiting == 0 && !peer->unfinished && (peer->leaving || peer->ended)))
		return true;
	return waiting > 0 && now - peer->stuck >= VMSND_CONTROL_PATIENCE_NS;
}

static void watch_for(struct vmsnd_control *control, struct vmsnd_control_peer *peer)
{
	size_t waiting = vmsnd_control_peer_waiting(peer);
	bool in = !peer->ended && !peer->leaving && !peer->more && !peer->unfinished &&
		  waiting <= VMSND_CONTROL_BACKLOG_BYTES;
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

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

/* When something has to be done for it whatever comes. */
static vmsnd_ns due(const struct vmsnd_control_peer *peer, vmsnd_ns now)
{
	vmsnd_ns next =
	    vmsnd_control_wants_turn(peer) ? vmsnd_control_turn_due(peer, now) : VMSND_NEVER;

	if (peer->unfinished)
		next = peer->ask;
	if (peer->stuck != VMSND_NEVER)
		next = earlier(next, peer->stuck + VMSND_CONTROL_PATIENCE_NS);
	return next;
}

/* Sends what can be sent; returns when the next turn has to be at the latest. */
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
		next = earlier(next, due(peer, control->now));
	}
	if (!listening)
		control->look = VMSND_NEVER;
	/* Those that have just hung up may have left one. */
	if (control->life.left)
		next = earlier(next, control->life.ask);
	return earlier(control->look, next);
}

/* ---- the outside ---- */

void vmsnd_control_poke(void *wake)
{
	vmsnd_wake_poke(wake);
}

vmsnd_ns vmsnd_control_turn(void *ctx, bool ready, vmsnd_ns now)
{
	struct vmsnd_control *control = ctx;

	control->now = now;
	control->poked = false;
	if (ready)
		take_ready(control);
	if (control->poked)
		look_soon(control);
	/* Who waits for an answer gets it before the events that tell the same. */
	vmsnd_control_finish(control, control->poked || now >= control->look);
	vmsnd_control_life_go_on(&control->life, control->conf.machine, now);
	vmsnd_control_serve(control);
	if (now >= control->look)
		look(control);
	return settle(control);
}

static enum vmsnd_rc listen_at(struct vmsnd_control *control)
{
	char error[300] = "";
	enum vmsnd_rc rc = vmsnd_listener_open_private(&control->listener, control->conf.path,
						       error, sizeof(error));

	if (!rc &&
	    vmsnd_loop_watch(control->loop, control->listener.fd, VMSND_CONTROL_LISTENER_TOKEN)) {
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

static enum vmsnd_rc open_loop(struct vmsnd_control *control)
{
	enum vmsnd_rc rc = vmsnd_loop_open(&control->loop);

	if (!rc && control->conf.wake)
		rc = vmsnd_loop_watch(control->loop, control->conf.wake->fd,
				      VMSND_CONTROL_WAKE_TOKEN);
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
	control->saver.wake = conf->wake;
	control->listener.fd = control->listener.spare = -1;
	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++)
		control->peers[i].fd = -1;
	control->watch = vmsnd_control_watch_open(&watch);
	if (control->watch)
		rc = open_loop(control);
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
	vmsnd_save_end(control->saver.job); /* what was begun is written to its end */
	vmsnd_listener_close(&control->listener);
	vmsnd_loop_close(control->loop);
	vmsnd_control_watch_close(control->watch);
	free(control);
}
