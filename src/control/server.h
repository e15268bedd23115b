/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the server itself share. */
#ifndef VMSND_CONTROL_SERVER_H
#define VMSND_CONTROL_SERVER_H

#include "control/parts.h"

/* Requests in one turn, of all clients: between any two turns the program looks at its signals. */
#define VMSND_CONTROL_STEPS_MAX 4u
/* Whoever lets this much lie unread is not asked for more requests meanwhile. */
#define VMSND_CONTROL_BACKLOG_BYTES 65536u
/* How often changes are looked for while somebody listens; and when somebody pokes, at most. */
#define VMSND_CONTROL_LOOK_NS (100 * UINT64_C(1000000))
#define VMSND_CONTROL_POKE_NS (10 * UINT64_C(1000000))

#define VMSND_CONTROL_TOKENS_MAX     (VMSND_CONTROL_CLIENTS_MAX + 2)
#define VMSND_CONTROL_LISTENER_TOKEN UINT64_MAX
#define VMSND_CONTROL_WAKE_TOKEN     (UINT64_MAX - 1)

struct vmsnd_control {
	struct vmsnd_control_conf conf;
	struct vmsnd_loop *loop;
	struct vmsnd_listener listener;
	struct vmsnd_control_watch *watch;
	struct vmsnd_control_saver saver;
	struct vmsnd_control_life life;
	struct vmsnd_control_peer peers[VMSND_CONTROL_CLIENTS_MAX];
	unsigned first;  /* whose request comes first in the next turn */
	vmsnd_ns look;   /* when changes are looked for; VMSND_NEVER: nobody listens */
	vmsnd_ns looked; /* when it was done last */
	vmsnd_ns now;    /* of this turn */
	bool quit, stranger_told, poked;
};

/* arrive.c: somebody knocks. */
void vmsnd_control_let_in(struct vmsnd_control *control);

/* serve.c */

/* Asks commands that take time whether they are done: those that are due, or all. */
void vmsnd_control_finish(struct vmsnd_control *control, bool all);
/* One request of each client in turn, until nobody has any or it is enough. */
void vmsnd_control_serve(struct vmsnd_control *control);
/* Whether there may be a request, and nothing but the limit of their rate keeps it from being
 * served; and when that allows it. */
bool vmsnd_control_wants_turn(const struct vmsnd_control_peer *peer);
vmsnd_ns vmsnd_control_turn_due(const struct vmsnd_control_peer *peer, vmsnd_ns now);

#endif
