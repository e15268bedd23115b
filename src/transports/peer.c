/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/peer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct vmsnd_option vmsnd_peer_options[] = {
    {"socket", VMSND_OPTION_TEXT, NULL, "path of the socket to listen at for the VMM", 0, 0},
    {"socket-fd", VMSND_OPTION_UINT, NULL, "number of an inherited listening socket, in its place",
     0, INT_MAX},
    {.key = NULL},
};

/* ---- lines ---------------------------------------------------------------------------- */

void vmsnd_peer_complain(struct vmsnd_peer *peer, const char *what, const char *why)
{
	if (!peer->complained)
		vmsnd_logf(peer->user->log, VMSND_LOG_WARNING, "%s: the VMM's %s was refused: %s",
			   peer->name, what, why);
	peer->complained = true;
}

static void complain_unshared(struct vmsnd_peer *peer, const char *how)
{
	if (!peer->complained)
		vmsnd_logf(
		    peer->user->log, VMSND_LOG_ERROR,
		    "%s: guest memory came %s, so there can be no sound; start the VMM with shared "
		    "memory: QEMU -object "
		    "memory-backend-memfd,id=mem,size=...,share=on -machine memory-backend=mem; "
		    "Cloud Hypervisor --memory size=...,shared=on",
		    peer->name, how);
	peer->complained = true;
}

void vmsnd_peer_complain_memory(struct vmsnd_peer *peer)
{
	complain_unshared(peer, "without a shareable descriptor");
}

void vmsnd_peer_complain_private(struct vmsnd_peer *peer)
{
	complain_unshared(peer, "as a private copy that the guest does not write to");
}

/* ---- a peer comes and goes --------------------------------------------------------------- */

static void begin(struct vmsnd_peer *peer, int fd)
{
	peer->fd = fd;
	peer->spoke = false;
	peer->complained = false;
	peer->told_busy = false;
	peer->broken = NULL;
	peer->fds.n = 0;
	peer->got = 0;
	peer->wanted = peer->cls->header_bytes;
	peer->cls->begin(peer->ctx);
}

void vmsnd_peer_init(struct vmsnd_peer *peer, const struct vmsnd_peer_class *cls, void *ctx,
		     const char *name, const struct vmsnd_transport_user *user)
{
	*peer = (struct vmsnd_peer){.cls = cls,
				    .ctx = ctx,
				    .name = name,
				    .user = user,
				    .listener = {.fd = -1, .spare = -1}};
	begin(peer, -1);
}

static void hear_again(struct vmsnd_peer *peer)
{
	if (peer->deaf)
		peer->deaf = peer->user->watch(peer->user->ctx, peer->listener.fd,
					       VMSND_PEER_TAG_LISTENER) != 0;
}

static void end(struct vmsnd_peer *peer)
{
	bool spoke = peer->spoke;

	peer->user->unwatch(peer->user->ctx, peer->fd);
	vmsnd_fds_close(&peer->fds);
	peer->cls->end(peer->ctx);
	close(peer->fd);
	begin(peer, -1);
	hear_again(peer);
	if (spoke)
		peer->user->peer(peer->user->ctx, VMSND_PEER_LEFT);
}

/* The peer has been complained of already; this is only what follows from it. */
void vmsnd_peer_let_go(struct vmsnd_peer *peer)
{
	vmsnd_peer_complain(peer, "connection", peer->broken);
	vmsnd_logf(peer->user->log, VMSND_LOG_INFO, "%s: the VMM was let go: %s", peer->name,
		   peer->broken);
	end(peer);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Not when it connects: a second vmsnd looking whether the socket is served, or a health check,
 * says nothing, and is no VMM. */
static void first_message(struct vmsnd_peer *peer)
{
	peer->spoke = true;
	vmsnd_logf(peer->user->log, VMSND_LOG_INFO, "%s: a VMM has connected", peer->name);
	peer->user->peer(peer->user->ctx, VMSND_PEER_CONNECTED);
}

static void left(struct vmsnd_peer *peer)
{
	if (peer->cls->left)
		peer->cls->left(peer->ctx);
	if (peer->spoke)
		vmsnd_logf(peer->user->log, VMSND_LOG_INFO, "%s: the VMM has left", peer->name);
	end(peer);
}

/* False: nothing is there, or the peer has left (then `fd` is -1), or it is broken. */
static bool read_some(struct vmsnd_peer *peer)
{
	size_t got = 0;

	switch (vmsnd_socket_recv(peer->fd, peer->in + peer->got, peer->wanted - peer->got, &got,
				  &peer->fds)) {
	case VMSND_SOCKET_NOTHING:
		return false;
	case VMSND_SOCKET_END:
		left(peer);
		return false;
	case VMSND_SOCKET_TOO_MANY:
		peer->broken = "more descriptors than any message has";
		return false;
	case VMSND_SOCKET_BYTES:
		break;
	}
	peer->got += (uint32_t)got;
	return true;
}

/* True when more of the message may be there to read. */
static bool receive_part(struct vmsnd_peer *peer)
{
	uint32_t before = peer->got, payload_bytes = 0;

	if (!read_some(peer))
		return false;
	if (before < peer->cls->header_bytes && peer->got == peer->cls->header_bytes) {
		peer->broken = peer->cls->header(peer->ctx, &payload_bytes);
		peer->wanted = peer->got + payload_bytes;
	}
	return !peer->broken && peer->got < peer->wanted;
}

void vmsnd_peer_receive(struct vmsnd_peer *peer)
{
	while (receive_part(peer))
		continue;
	if (peer->fd < 0)
		return;
	if (!peer->broken && peer->got == peer->wanted) {
		peer->got = 0;
		peer->wanted = peer->cls->header_bytes;
		if (!peer->spoke)
			first_message(peer);
		peer->cls->dispatch(peer->ctx);
	}
	if (peer->broken)
		vmsnd_peer_let_go(peer);
}

/* ---- who comes in -------------------------------------------------------------------------- */

static void turn_away(struct vmsnd_peer *peer, int fd)
{
	if (!peer->told_busy)
		vmsnd_logf(peer->user->log, VMSND_LOG_WARNING,
			   "%s: a second VMM came to %s while one is being served; turned away",
			   peer->name, peer->listener.path);
	peer->told_busy = true;
	close(fd);
}

/* Both pass, and peers go on coming meanwhile. */
static bool is_shortage(int why)
{
	return why == EMFILE || why == ENFILE || why == ENOMEM || why == ENOBUFS;
}

/* While somebody is served, whoever waits can be left waiting until then; with nobody there,
 * nothing would tell us to listen again. */
static void accept_short(struct vmsnd_peer *peer, int why)
{
	if (!peer->told_short)
		vmsnd_logf(peer->user->log, VMSND_LOG_ERROR, "%s: cannot accept a VMM for now: %s",
			   peer->name, strerror(why));
	peer->told_short = true;
	if (vmsnd_listener_turn_away(&peer->listener) || peer->fd < 0)
		return;
	peer->user->unwatch(peer->user->ctx, peer->listener.fd);
	peer->deaf = true;
}

static void accept_failed(struct vmsnd_peer *peer, int why)
{
	if (why == EAGAIN || why == EINTR || why == ECONNABORTED)
		return;
	if (is_shortage(why)) {
		accept_short(peer, why);
		return;
	}
	/* Otherwise the waiting peer would be reported over and over. */
	vmsnd_logf(peer->user->log, VMSND_LOG_ERROR, "%s: cannot accept VMMs any more: %s",
		   peer->name, strerror(why));
	peer->user->unwatch(peer->user->ctx, peer->listener.fd);
}

/* Whoever is there and has not said a whole message by now occupies nothing. */
static bool is_occupied(struct vmsnd_peer *peer)
{
	if (peer->fd >= 0 && !peer->spoke)
		vmsnd_peer_receive(peer); /* its first message may lie there already */
	if (peer->fd >= 0 && !peer->spoke)
		end(peer);
	return peer->fd >= 0;
}

void vmsnd_peer_accept(struct vmsnd_peer *peer)
{
	int fd = vmsnd_listener_accept(&peer->listener);

	if (fd < 0) {
		accept_failed(peer, errno);
		return;
	}
	peer->told_short = false;
	if (is_occupied(peer)) {
		turn_away(peer, fd);
		return;
	}
	if (peer->user->watch(peer->user->ctx, fd, VMSND_PEER_TAG_PEER)) {
		vmsnd_logf(peer->user->log, VMSND_LOG_ERROR, "%s: cannot wait for the VMM",
			   peer->name);
		close(fd);
		return;
	}
	begin(peer, fd);
}

/* ---- listening ------------------------------------------------------------------------------- */

static enum vmsnd_rc open_listener(struct vmsnd_peer *peer, const struct vmsnd_transport_conf *conf,
				   char *error, size_t bytes)
{
	const char *path = vmsnd_conf_text(conf->options, "socket");

	if (conf->listen_fd >= 0)
		return vmsnd_listener_adopt(&peer->listener, conf->listen_fd, error, bytes);
	if (path && vmsnd_conf_given(conf->options, "socket-fd")) {
		snprintf(error, bytes, "say socket=PATH or socket-fd=NUMBER, not both");
		return VMSND_E_INVALID;
	}
	if (vmsnd_conf_given(conf->options, "socket-fd"))
		return vmsnd_listener_adopt(&peer->listener,
					    (int)vmsnd_conf_uint(conf->options, "socket-fd"), error,
					    bytes);
	if (path)
		return vmsnd_listener_open(&peer->listener, path, error, bytes);
	snprintf(error, bytes,
		 "it has no socket: add socket=PATH, or start vmsnd from a systemd .socket unit");
	return VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_peer_listen(struct vmsnd_peer *peer, const struct vmsnd_transport_conf *conf)
{
	char error[400] = "";
	enum vmsnd_rc rc = open_listener(peer, conf, error, sizeof(error));

	if (!rc && peer->user->watch(peer->user->ctx, peer->listener.fd, VMSND_PEER_TAG_LISTENER)) {
		snprintf(error, sizeof(error), "cannot wait at %s", peer->listener.path);
		/* On failure an inherited socket stays its owner's. */
		if (!peer->listener.made)
			peer->listener.fd = -1;
		vmsnd_listener_close(&peer->listener);
		rc = VMSND_E_SYSTEM;
	}
	if (rc)
		vmsnd_logf(peer->user->log, VMSND_LOG_ERROR, "%s: %s", peer->name, error);
	else
		vmsnd_logf(peer->user->log, VMSND_LOG_INFO, "%s: listening at %s (%s)", peer->name,
			   peer->listener.path, peer->cls->protocol);
	return rc;
}

void vmsnd_peer_close(struct vmsnd_peer *peer)
{
	if (peer->fd >= 0)
		end(peer);
	peer->user->unwatch(peer->user->ctx, peer->listener.fd);
	vmsnd_listener_close(&peer->listener);
}
