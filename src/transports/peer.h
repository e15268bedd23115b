/* SPDX-License-Identifier: BSD-3-Clause */
/* One VMM at a time at a Unix socket: what the transports to other processes share. Listening,
 * turning away, letting go, and the lines about it. */
#ifndef VMSND_TRANSPORTS_PEER_H
#define VMSND_TRANSPORTS_PEER_H

#include "os/socket.h"
#include "vmsnd/transport.h"

/* A transport's own come after these. */
enum vmsnd_peer_tag { VMSND_PEER_TAG_LISTENER, VMSND_PEER_TAG_PEER, VMSND_PEER_TAGS };

/* Filled by the transport, which has it as a member; all functions are called on the lane. */
struct vmsnd_peer_class {
	const char *protocol;
	uint32_t header_bytes; /* that each message begins with */
	/* A peer is there: everything is as at the start. */
	void (*begin)(void *ctx);
	/* A header is whole in `in`: how many bytes follow it. NULL, or why the peer cannot be
	 * followed any more; it has been complained of. */
	const char *(*header)(void *ctx, uint32_t *payload_bytes);
	/* A message is whole in `in`. Sets `broken` when the peer has to go. */
	void (*dispatch)(void *ctx);
	/* It has closed its end, and will be let go. May be NULL. */
	void (*left)(void *ctx);
	/* Leaves everything as before it came. */
	void (*end)(void *ctx);
};

struct vmsnd_peer {
	const struct vmsnd_peer_class *cls;
	void *ctx;
	const char *name; /* the card's */
	const struct vmsnd_transport_user *user;
	uint8_t *in; /* room for the longest message; the transport's, set before it listens */
	struct vmsnd_listener listener;
	bool deaf;       /* the listener is not watched, for want of memory or descriptors */
	bool told_short; /* the line about that is written; until a peer is accepted again */

	/* All of one session; a new peer finds it as at the start. */
	int fd;               /* -1: nobody */
	bool spoke;           /* its first message was whole: it is a VMM */
	bool complained;      /* the session's one line about trouble is written */
	bool told_busy;       /* the line about a second VMM is written */
	const char *broken;   /* why the peer has to go; NULL while it may stay */
	struct vmsnd_fds fds; /* that have come with the message under way */
	uint32_t got, wanted; /* of its bytes: how many have come, and are known of */
};

/* "socket" and "socket-fd". */
extern const struct vmsnd_option vmsnd_peer_options[];

/* Nobody is there, nothing is listened at. `user` and `name` outlive it. */
void vmsnd_peer_init(struct vmsnd_peer *peer, const struct vmsnd_peer_class *cls, void *ctx,
		     const char *name, const struct vmsnd_transport_user *user);
/* Listens where the options, or the inherited socket, say. A failure has had its line. */
enum vmsnd_rc vmsnd_peer_listen(struct vmsnd_peer *peer, const struct vmsnd_transport_conf *conf);
/* The listener is readable. */
void vmsnd_peer_accept(struct vmsnd_peer *peer);
/* Something of the peer may be there to read: one message at most; what came of it so far waits in
 * `in`. */
void vmsnd_peer_receive(struct vmsnd_peer *peer);
/* A peer that is broken has to go. */
void vmsnd_peer_let_go(struct vmsnd_peer *peer);
/* Lets the peer go, if there is one, and stops listening. */
void vmsnd_peer_close(struct vmsnd_peer *peer);

/* One line about trouble for each session, the first. */
void vmsnd_peer_complain(struct vmsnd_peer *peer, const char *what, const char *why);
/* As above, about memory that came without a descriptor others could map, and about memory
 * whose file the VMM has mapped for itself alone. */
void vmsnd_peer_complain_memory(struct vmsnd_peer *peer);
void vmsnd_peer_complain_private(struct vmsnd_peer *peer);

#endif
