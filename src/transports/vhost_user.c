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

/* ---- a peer comes and goes --------------------------------------------------------------- */

static void begin_session(void *ctx)
{
	struct vmsnd_transport *bus = ctx;

	bus->features = 0;
	bus->owned = false;
	bus->features_set = false;
	bus->features_applied = false;
	bus->status = 0;
	bus->memory_came = false;
	bus->memory_proven = false;
	bus->told_started = false;
}

static void close_rings(struct vmsnd_transport *bus)
{
	vmsnd_vu_rings_forget(bus);
	for (unsigned i = 0; i < bus->n_rings; i++) {
		vmsnd_vu_ring_call_fd(bus, i, -1);
		vmsnd_vu_ring_err_fd(bus, i, -1);
	}
}

static void end_session(void *ctx)
{
	struct vmsnd_transport *bus = ctx;

	close_rings(bus);
	vmsnd_vu_memory_clear(&bus->memory, bus->mem);
	if (bus->peer.spoke)
		bus->card.cls->reset(bus->card.dev, VMSND_RESET_PEER_LOST, bus->now);
	vmsnd_vu_area_clear(bus);
	vmsnd_vu_channel_fd(bus, -1);
}

/* QEMU without shared memory may say nothing at all after SET_FEATURES. */
static void left(void *ctx)
{
	struct vmsnd_transport *bus = ctx;

	if (bus->features & UINT64_C(1) << 32 && !bus->memory_came)
		vmsnd_peer_complain_memory(&bus->peer);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static const char *header_complete(void *ctx, uint32_t *payload_bytes)
{
	struct vmsnd_transport *bus = ctx;
	const char *why;

	vmsnd_vu_header_get(bus->in, &bus->header);
	why = vmsnd_vu_header_check(&bus->header);
	if (!why) {
		*payload_bytes = bus->header.bytes;
		return NULL;
	}
	vmsnd_peer_complain(&bus->peer, vmsnd_vu_name(bus->header.request), why);
	return why;
}

static void dispatch(void *ctx)
{
	vmsnd_vu_dispatch(ctx);
}

/* ---- the class ---- */

static const struct vmsnd_peer_class peers = {.protocol = "vhost-user",
					      .begin = begin_session,
					      .header_bytes = VMSND_VU_HEADER_BYTES,
					      .header = header_complete,
					      .dispatch = dispatch,
					      .left = left,
					      .end = end_session};

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
	bus->backend_fd = -1;
	bus->n_rings = conf->card.cls->virtio->n_queues;
	for (unsigned i = 0; i < bus->n_rings; i++)
		vmsnd_vu_ring_init(&bus->rings[i]);
	vmsnd_peer_init(&bus->peer, &peers, bus, bus->name, &bus->user);
	bus->peer.in = bus->in;
	return bus;
}

static enum vmsnd_rc vhost_user_open(const struct vmsnd_transport_conf *conf,
				     const struct vmsnd_transport_user *user,
				     struct vmsnd_transport **out)
{
	const struct vmsnd_virtio_ops *ops = conf->card.cls->virtio;
	struct vmsnd_transport *bus;
	enum vmsnd_rc rc;

	if (!ops || ops->n_queues > VMSND_VU_RINGS_MAX) {
		vmsnd_logf(user->log, VMSND_LOG_ERROR, "%s: %s is no card for vhost-user",
			   conf->name, conf->card.cls->name);
		return VMSND_E_UNSUPPORTED;
	}
	bus = make(conf, user);
	if (!bus)
		return VMSND_E_NOMEM;
	rc = vmsnd_peer_listen(&bus->peer, conf);
	if (rc) {
		vmsnd_pages_unmap(bus, sizeof(*bus));
		return rc;
	}
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
	       (bus->area.mapped && vmsnd_map_is_lost(&bus->area.slot.map));
}

static void vhost_user_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
	bus->now = now;
	if (tag == VMSND_PEER_TAG_LISTENER)
		vmsnd_peer_accept(&bus->peer);
	else if (bus->peer.fd < 0)
		return; /* reported before the peer was let go */
	else if (tag == VMSND_PEER_TAG_PEER)
		vmsnd_peer_receive(&bus->peer);
	else if (tag - VMSND_VU_TAG_KICK < bus->n_rings)
		vmsnd_vu_ring_kicked(bus, tag - VMSND_VU_TAG_KICK);
	if (lost_memory(bus))
		bus->peer.broken = "memory was taken away";
	if (bus->peer.broken && bus->peer.fd >= 0)
		vmsnd_peer_let_go(&bus->peer);
}

static void vhost_user_notify(struct vmsnd_transport *bus, unsigned vector)
{
	if (vector < bus->n_rings)
		vmsnd_event_out_signal(&bus->rings[vector].call);
	/* From within the card: the VMM itself is let go when it is next heard of. */
	if (lost_memory(bus))
		bus->peer.broken = "memory was taken away";
}

static void vhost_user_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
	bus->now = now;
	if (bus->peer.spoke) {
		bus->card.cls->reset(bus->card.dev, VMSND_RESET_SHUTDOWN, now);
		vmsnd_logf(bus->user.log, VMSND_LOG_INFO, "%s: closing while a VMM is connected",
			   bus->name);
	}
	vmsnd_peer_close(&bus->peer);
	vmsnd_pages_unmap(bus, sizeof(*bus));
}

const struct vmsnd_transport_class vmsnd_vhost_user_class = {
    .abi = VMSND_TRANSPORT_ABI,
    .abi_end = VMSND_TRANSPORT_ABI,
    .name = "vhost-user",
    .summary = "a virtio card for a VMM in another process, over a Unix socket",
    .options = vmsnd_peer_options,
    .open = vhost_user_open,
    .ready = vhost_user_ready,
    .notify = vhost_user_notify,
    .close = vhost_user_close,
    .config_changed = vmsnd_vu_channel_config_changed,
};
