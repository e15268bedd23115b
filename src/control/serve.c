/* SPDX-License-Identifier: BSD-3-Clause */
/* The clients' requests: whose turn it is, and answers that take time. */
#include <stdlib.h>

#include "control/server.h"

static void say_wrong(struct vmsnd_control_peer *peer, const char *line)
{
	vmsnd_control_peer_tell(peer, vmsnd_control_error(VMSND_CONTROL_GENERIC, line));
}

/* ---- one request ---- */

/* Answered: says so, and what else it means for the server. */
static void conclude(struct vmsnd_control *control, struct vmsnd_control_peer *peer,
		     struct vmsnd_control_request *request, json_t *message)
{
	const struct vmsnd_control_call *call = &request->call;

	vmsnd_control_peer_tell(peer, message);
	if (request->negotiated && !peer->negotiated && control->look == VMSND_NEVER) {
		vmsnd_control_watch_start(control->watch);
		control->looked = control->now;
		control->look = control->now + VMSND_CONTROL_LOOK_NS;
	}
	peer->negotiated = request->negotiated;
	control->quit |= call->quit;
	if (call->command && call->command->told && !call->quit)
		vmsnd_control_watch_look_at(control->watch, call->touched);
	vmsnd_control_request_end(request);
}

/* Keeps a request that is not answered yet; what its client says next waits. */
static void keep(struct vmsnd_control *control, struct vmsnd_control_peer *peer,
		 const struct vmsnd_control_request *request)
{
	peer->unfinished = malloc(sizeof(*request));
	if (!peer->unfinished) {
		struct vmsnd_control_request lost = *request;

		vmsnd_control_request_end(&lost);
		peer->broken = true;
		return;
	}
	*peer->unfinished = *request;
	peer->ask = control->now + VMSND_CONTROL_AGAIN_NS;
}

static void answer(struct vmsnd_control *control, struct vmsnd_control_peer *peer, const char *text,
		   size_t bytes)
{
	struct vmsnd_control_request request = {
	    .call = {.control = control,
		     .machine = control->conf.machine,
		     .root = control->conf.root,
		     .heard = control->conf.heard,
		     .watch = control->watch,
		     .saver = &control->saver,
		     .life = &control->life,
		     .now = control->now},
	    .log = control->conf.log,
	    .who = peer->id,
	    .negotiated = peer->negotiated,
	    .limit = control->now + VMSND_CONTROL_LONGEST_NS,
	};
	json_t *message = vmsnd_control_answer(&request, text, bytes);

	if (request.call.again)
		keep(control, peer, &request);
	else
		conclude(control, peer, &request, message);
}

static void finish_one(struct vmsnd_control *control, struct vmsnd_control_peer *peer)
{
	struct vmsnd_control_request *request = peer->unfinished;
	json_t *message;

	request->call.now = control->now;
	message = vmsnd_control_answer_again(request);
	peer->ask = control->now + VMSND_CONTROL_AGAIN_NS;
	if (request->call.again)
		return;
	peer->unfinished = NULL;
	conclude(control, peer, request, message);
	free(request);
}

void vmsnd_control_finish(struct vmsnd_control *control, bool all)
{
	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++) {
		struct vmsnd_control_peer *peer = &control->peers[i];

		if (peer->fd >= 0 && peer->unfinished && !peer->broken &&
		    (all || control->now >= peer->ask))
			finish_one(control, peer);
	}
}

/* ---- whose turn it is ---- */

bool vmsnd_control_wants_turn(const struct vmsnd_control_peer *peer)
{
	return peer->fd >= 0 && peer->more && !peer->leaving && !peer->broken &&
	       !peer->unfinished && vmsnd_control_peer_waiting(peer) <= VMSND_CONTROL_BACKLOG_BYTES;
}

/* Each request is paid for with time: paid_until runs ahead of now by what was asked beyond the
 * rate, and that far it may. */
#define COST_NS  (VMSND_NS_PER_SECOND / VMSND_CONTROL_REQUESTS_PER_S)
#define AHEAD_NS ((VMSND_CONTROL_REQUESTS_BURST - 1) * COST_NS)

vmsnd_ns vmsnd_control_turn_due(const struct vmsnd_control_peer *peer, vmsnd_ns now)
{
	return peer->paid_until > now + AHEAD_NS ? peer->paid_until - AHEAD_NS : now;
}

static void pay(struct vmsnd_control_peer *peer, vmsnd_ns now)
{
	peer->paid_until = (peer->paid_until > now ? peer->paid_until : now) + COST_NS;
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
	if (got != VMSND_FRAME_MORE)
		pay(peer, control->now);
	return got != VMSND_FRAME_MORE;
}
_Static_assert(VMSND_CONTROL_REQUEST_BYTES == 65536 && VMSND_FRAME_DEPTH_MAX == 32,
	       "the lines above name these limits");

static bool has_turn(const struct vmsnd_control_peer *peer, vmsnd_ns now)
{
	return vmsnd_control_wants_turn(peer) && vmsnd_control_turn_due(peer, now) <= now;
}

void vmsnd_control_serve(struct vmsnd_control *control)
{
	unsigned idle = 0;

	for (unsigned steps = 0;
	     steps < VMSND_CONTROL_STEPS_MAX && idle < VMSND_CONTROL_CLIENTS_MAX;) {
		struct vmsnd_control_peer *peer = &control->peers[control->first];

		control->first = (control->first + 1) % VMSND_CONTROL_CLIENTS_MAX;
		idle++;
		if (!has_turn(peer, control->now) || !step(control, peer))
			continue;
		steps++;
		idle = 0;
	}
}
