/* SPDX-License-Identifier: BSD-3-Clause */
/* vhost-user, the card's side: listening, one peer at a time, receiving, letting go. */
#include "transports/vhost_user.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/guard.h"
#include "os/pages.h"
#include "transports/vhost_user_room.h"

static const struct vmsnd_option options[] = {
    {"socket", VMSND_OPTION_TEXT, NULL, "path of the socket to listen at for the VMM", 0, 0},
    {"socket-fd", VMSND_OPTION_UINT, NULL, "number of an inherited listening socket, in its place",
     0, INT_MAX},
    {.key = NULL},
};

/* ---- lines ---------------------------------------------------------------------------- */

void vmsnd_vu_complain(struct vmsnd_transport *bus, const char *what, const char *why)
{
	if (!bus->complained)
		vmsnd_logf(bus->user.log, VMSND_LOG_WARNING, "%s: the VMM's %s was refused: %s",
			   bus->name, what, why);
	bus->complained = true;
}

static void complain_unshared(struct vmsnd_transport *bus, const char *how)
{
	if (!bus->complained)
		vmsnd_logf(
		    bus->user.log, VMSND_LOG_ERROR,
		    "%s: guest memory came %s, so there can be no sound; start the VMM with shared "
		    "memory: QEMU -object "
		    "memory-backend-memfd,id=mem,size=...,share=on -machine memory-backend=mem; "
		    "Cloud Hypervisor --memory size=...,shared=on",
		    bus->name, how);
	bus->complained = true;
}

void vmsnd_vu_complain_memory(struct vmsnd_transport *bus)
{
	complain_unshared(bus, "without a shareable descriptor");
}

void vmsnd_vu_complain_private(struct vmsnd_transport *bus)
{
	complain_unshared(bus, "as a private copy that the guest does not write to");
}

/* ---- a peer comes and goes --------------------------------------------------------------- */

static void begin_session(struct vmsnd_transport *bus, int peer)
{
	bus->peer = peer;
	bus->spoke = false;
	bus->features = 0;
	bus->owned = false;
	bus->features_set = false;
	bus->features_applied = false;
	bus->status = 0;
	bus->memory_came = false;
	bus->memory_proven = false;
	bus->complained = false;
	bus->told_busy = false;
	bus->told_started = false;
	bus->broken = NULL;
	bus->got = 0;
}

static void close_rings(struct vmsnd_transport *bus)
{
	vmsnd_vu_rings_forget(bus);
	for (unsigned i = 0; i < bus->n_rings; i++) {
		vmsnd_vu_ring_call_fd(bus, i, -1);
		vmsnd_vu_ring_err_fd(bus, i, -1);
	}
}

static void hear_again(struct vmsnd_transport *bus)
{
	if (bus->deaf)
		bus->deaf =
		    bus->user.watch(bus->user.ctx, bus->listener.fd, VMSND_VU_TAG_LISTENER) != 0;
}

/* Leaves everything as before the peer came. */
static void end_session(struct vmsnd_transport *bus)
{
	bool spoke = bus->spoke;

	bus->user.unwatch(bus->user.ctx, bus->peer);
	close_rings(bus);
	vmsnd_fds_close(&bus->fds);
	vmsnd_vu_memory_clear(&bus->memory, bus->mem);
	if (spoke)
		bus->card.cls->reset(bus->card.dev, VMSND_RESET_PEER_LOST, bus->now);
	vmsnd_vu_area_clear(bus);
	vmsnd_vu_channel_fd(bus, -1);
	close(bus->peer);
	begin_session(bus, -1);
	hear_again(bus);
	if (spoke)
		bus->user.peer(bus->user.ctx, VMSND_PEER_LEFT);
}

static void left(struct vmsnd_transport *bus)
{
	/* QEMU without shared memory may say nothing at all after SET_FEATURES. */
	if (bus->features & UINT64_C(1) << 32 && !bus->memory_came)
		vmsnd_vu_complain_memory(bus);
	if (bus->spoke)
		vmsnd_logf(bus->user.log, VMSND_LOG_INFO, "%s: the VMM has left", bus->name);
	end_session(bus);
}

/* The peer has been complained of already; this is only what follows from it. */
static void let_go(struct vmsnd_transport *bus)
{
	vmsnd_vu_complain(bus, "connection", bus->broken);
	vmsnd_logf(bus->user.log, VMSND_LOG_INFO, "%s: the VMM was let go: %s", bus->name,
		   bus->broken);
	end_session(bus);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Bytes the message has in all, as far as that is known. */
static uint32_t wanted_bytes(const struct vmsnd_transport *bus)
{
	return bus->got < VMSND_VU_HEADER_BYTES ? VMSND_VU_HEADER_BYTES
						: VMSND_VU_HEADER_BYTES + bus->header.bytes;
}

static const char *header_complete(struct vmsnd_transport *bus)
{
	const char *why;

	vmsnd_vu_header_get(bus->in, &bus->header);
	why = vmsnd_vu_header_check(&bus->header);
	if (why)
		vmsnd_vu_complain(bus, vmsnd_vu_name(bus->header.request), why);
	return why;
}

/* True when more of the message may be there to read. */
static bool receive_part(struct vmsnd_transport *bus)
{
	uint32_t before = bus->got;
	size_t got = 0;

	switch (vmsnd_socket_recv(bus->peer, bus->in + before, wanted_bytes(bus) - before, &got,
				  &bus->fds)) {
	case VMSND_SOCKET_NOTHING:
		return false;
	case VMSND_SOCKET_END:
		left(bus);
		return false;
	case VMSND_SOCKET_TOO_MANY:
		bus->broken = "more descriptors than any message has";
		return false;
	case VMSND_SOCKET_BYTES:
		break;
	}
	bus->got += (uint32_t)got;
	if (before < VMSND_VU_HEADER_BYTES && bus->got == VMSND_VU_HEADER_BYTES)
		bus->broken = header_complete(bus);
	return !bus->broken && bus->got < wanted_bytes(bus);
}

/* Not when it connects: a second vmsnd looking whether the socket is served, or a health check,
 * says nothing, and is no VMM. */
static void first_message(struct vmsnd_transport *bus)
{
	bus->spoke = true;
	vmsnd_logf(bus->user.log, VMSND_LOG_INFO, "%s: a VMM has connected", bus->name);
	bus->user.peer(bus->user.ctx, VMSND_PEER_CONNECTED);
}

/* One message at most; what came of it so far waits in `in`. */
static void receive(struct vmsnd_transport *bus)
{
	while (receive_part(bus))
		continue;
	if (bus->peer < 0)
		return;
	if (!bus->broken && bus->got >= VMSND_VU_HEADER_BYTES && bus->got == wanted_bytes(bus)) {
		bus->got = 0;
		if (!bus->spoke)
			first_message(bus);
		vmsnd_vu_dispatch(bus);
	}
	if (bus->broken)
		let_go(bus);
}

/* ---- who comes in -------------------------------------------------------------------------- */

static void turn_away(struct vmsnd_transport *bus, int peer)
{
	if (!bus->told_busy)
		vmsnd_logf(bus->user.log, VMSND_LOG_WARNING,
			   "%s: a second VMM came to %s while one is being served; turned away",
			   bus->name, bus->listener.path);
	bus->told_busy = true;
	close(peer);
}

/* Both pass, and peers go on coming meanwhile. */
static bool is_shortage(int why)
{
	return why == EMFILE || why == ENFILE || why == ENOMEM || why == ENOBUFS;
}

/* While somebody is served, whoever waits can be left waiting until then; with nobody there,
 * nothing would tell us to listen again. */
static void accept_short(struct vmsnd_transport *bus, int why)
{
	if (!bus->told_short)
		vmsnd_logf(bus->user.log, VMSND_LOG_ERROR, "%s: cannot accept a VMM for now: %s",
			   bus->name, strerror(why));
	bus->told_short = true;
	if (vmsnd_listener_turn_away(&bus->listener) || bus->peer < 0)
		return;
	bus->user.unwatch(bus->user.ctx, bus->listener.fd);
	bus->deaf = true;
}

static void accept_failed(struct vmsnd_transport *bus, int why)
{
	if (why == EAGAIN || why == EINTR || why == ECONNABORTED)
		return;
	if (is_shortage(why)) {
		accept_short(bus, why);
		return;
	}
	/* Otherwise the waiting peer would be reported over and over. */
	vmsnd_logf(bus->user.log, VMSND_LOG_ERROR, "%s: cannot accept VMMs any more: %s", bus->name,
		   strerror(why));
	bus->user.unwatch(bus->user.ctx, bus->listener.fd);
}

/* Whoever is there and has not said a whole message by now occupies nothing. */
static bool is_occupied(struct vmsnd_transport *bus)
{
	if (bus->peer >= 0 && !bus->spoke)
		receive(bus); /* its first message may lie there already */
	if (bus->peer >= 0 && !bus->spoke)
		end_session(bus);
	return bus->peer >= 0;
}

static void accept_peer(struct vmsnd_transport *bus)
{
	int peer = vmsnd_listener_accept(&bus->listener);

	if (peer < 0) {
		accept_failed(bus, errno);
		return;
	}
	bus->told_short = false;
	if (is_occupied(bus)) {
		turn_away(bus, peer);
		return;
	}
	if (bus->user.watch(bus->user.ctx, peer, VMSND_VU_TAG_PEER)) {
		vmsnd_logf(bus->user.log, VMSND_LOG_ERROR, "%s: cannot wait for the VMM",
			   bus->name);
		close(peer);
		return;
	}
	begin_session(bus, peer);
}

/* ---- the class ---------------------------------------------------------------------------------
 */

static enum vmsnd_rc listen_for_peers(struct vmsnd_transport *bus,
				      const struct vmsnd_transport_conf *conf, char *error,
				      size_t bytes)
{
	const char *path = vmsnd_conf_text(conf->options, "socket");

	if (conf->listen_fd >= 0)
		return vmsnd_listener_adopt(&bus->listener, conf->listen_fd, error, bytes);
	if (path && vmsnd_conf_given(conf->options, "socket-fd")) {
		snprintf(error, bytes, "say socket=PATH or socket-fd=NUMBER, not both");
		return VMSND_E_INVALID;
	}
	if (vmsnd_conf_given(conf->options, "socket-fd"))
		return vmsnd_listener_adopt(
		    &bus->listener, (int)vmsnd_conf_uint(conf->options, "socket-fd"), error, bytes);
	if (path)
		return vmsnd_listener_open(&bus->listener, path, error, bytes);
	snprintf(error, bytes,
		 "it has no socket: add socket=PATH, or start vmsnd from a systemd .socket unit");
	return VMSND_E_INVALID;
}

static struct vmsnd_transport *make(const struct vmsnd_transport_conf *conf,
				    const struct vmsnd_transport_user *user)
{
	/* Most of it is room for regions that hardly any VMM has. */
	struct vmsnd_transport *bus = vmsnd_pages_map(sizeof(*bus));

	if (!bus)
		return NULL;
	snprintf(bus->name, sizeof(bus->name), "%s", conf->name);
	bus->user = *user;
	bus->card = conf->card;
	bus->mem = conf->mem;
	bus->listener = (struct vmsnd_listener){.fd = -1, .spare = -1};
	bus->backend_fd = -1;
	bus->n_rings = conf->card.cls->virtio->n_queues;
	for (unsigned i = 0; i < bus->n_rings; i++)
		vmsnd_vu_ring_init(&bus->rings[i]);
	begin_session(bus, -1);
	return bus;
}

static enum vmsnd_rc vhost_user_open(const struct vmsnd_transport_conf *conf,
				     const struct vmsnd_transport_user *user,
				     struct vmsnd_transport **out)
{
	const struct vmsnd_virtio_ops *ops = conf->card.cls->virtio;
	struct vmsnd_transport *bus;
	char error[400] = "";
	enum vmsnd_rc rc;

	if (!ops || ops->n_queues > VMSND_VU_RINGS_MAX) {
		vmsnd_logf(user->log, VMSND_LOG_ERROR, "%s: %s is no card for vhost-user",
			   conf->name, conf->card.cls->name);
		return VMSND_E_UNSUPPORTED;
	}
	bus = make(conf, user);
	if (!bus)
		return VMSND_E_NOMEM;
	rc = listen_for_peers(bus, conf, error, sizeof(error));
	if (!rc && user->watch(user->ctx, bus->listener.fd, VMSND_VU_TAG_LISTENER)) {
		snprintf(error, sizeof(error), "cannot wait at %s", bus->listener.path);
		/* On failure an inherited socket stays its owner's. */
		if (!bus->listener.made)
			bus->listener.fd = -1;
		vmsnd_listener_close(&bus->listener);
		rc = VMSND_E_SYSTEM;
	}
	if (rc) {
		vmsnd_logf(user->log, VMSND_LOG_ERROR, "%s: %s", conf->name, error);
		vmsnd_pages_unmap(bus, sizeof(*bus));
		return rc;
	}
	vmsnd_logf(user->log, VMSND_LOG_INFO, "%s: listening at %s (vhost-user)", bus->name,
		   bus->listener.path);
	*out = bus;
	return VMSND_OK;
}

/* Whether the VMM has taken memory away under us since last asked. */
static bool lost_memory(struct vmsnd_transport *bus)
{
	unsigned hits = vmsnd_guard_hits();

	if (hits == bus->guard_hits)
		return false;
	bus->guard_hits = hits;
	return vmsnd_vu_memory_drop_lost(&bus->memory, bus->mem) ||
	       (bus->area.mapped && vmsnd_guard_was_hit(bus->area.slot.map));
}

static void vhost_user_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
	bus->now = now;
	if (tag == VMSND_VU_TAG_LISTENER)
		accept_peer(bus);
	else if (bus->peer < 0)
		return; /* reported before the peer was let go */
	else if (tag == VMSND_VU_TAG_PEER)
		receive(bus);
	else if (tag - VMSND_VU_TAG_KICK < bus->n_rings)
		vmsnd_vu_ring_kicked(bus, tag - VMSND_VU_TAG_KICK);
	if (lost_memory(bus))
		bus->broken = "memory was taken away";
	if (bus->broken && bus->peer >= 0)
		let_go(bus);
}

static void vhost_user_notify(struct vmsnd_transport *bus, unsigned vector)
{
	if (vector < bus->n_rings)
		vmsnd_vu_ring_signal(&bus->rings[vector], bus->now);
	/* From within the card: the VMM itself is let go when it is next heard of. */
	if (lost_memory(bus))
		bus->broken = "memory was taken away";
}

static void vhost_user_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
	bus->now = now;
	if (bus->spoke) {
		bus->card.cls->reset(bus->card.dev, VMSND_RESET_SHUTDOWN, now);
		vmsnd_logf(bus->user.log, VMSND_LOG_INFO, "%s: closing while a VMM is connected",
			   bus->name);
	}
	if (bus->peer >= 0)
		end_session(bus);
	bus->user.unwatch(bus->user.ctx, bus->listener.fd);
	vmsnd_listener_close(&bus->listener);
	vmsnd_pages_unmap(bus, sizeof(*bus));
}

const struct vmsnd_transport_class vmsnd_vhost_user_class = {
    .abi = VMSND_TRANSPORT_ABI,
    .abi_end = VMSND_TRANSPORT_ABI,
    .name = "vhost-user",
    .summary = "a card for a VMM in another process, over a Unix socket",
    .options = options,
    .open = vhost_user_open,
    .ready = vhost_user_ready,
    .notify = vhost_user_notify,
    .close = vhost_user_close,
    .config_changed = vmsnd_vu_channel_config_changed,
};
