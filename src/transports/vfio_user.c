/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user, the card's side: one client at a time, receiving, sending, time. */
#include "transports/vfio_user.h"

#include <stdio.h>
#include <string.h>

#include "os/guard.h"
#include "os/pages.h"
#include "transports/vfio_user_room.h"

/* A client that leaves answers unread is looked at soon, then seldom, and let go after so long. */
#define RETRY_NS     (UINT64_C(1) * 1000 * 1000)
#define RETRY_MAX_NS (32 * RETRY_NS)
#define UNREAD_NS    (UINT64_C(10) * VMSND_NS_PER_SECOND)

static const char unread[] = "answers that nobody reads";

/* ---- a client comes and goes ------------------------------------------------------------- */

static void begin_session(void *ctx)
{
	struct vmsnd_transport *bus = ctx;

	bus->agreed = false;
	bus->client_data_max = 0;
	bus->memory_came = false;
	bus->driver_started = false;
	bus->accessed = bus->now;
	bus->out_sent = 0;
	bus->out_used = 0;
	bus->retry_ns = 0;
	bus->held_off = false;
	vmsnd_vfu_remote_begin(bus);
	vmsnd_vfu_migration_begin(bus);
}

static void end_session(void *ctx)
{
	struct vmsnd_transport *bus = ctx;

	vmsnd_vfu_irqs_clear(bus);
	vmsnd_vfu_memory_clear(bus);
	vmsnd_vfu_remote_end(bus);
	vmsnd_vfu_migration_end(bus);
	if (bus->peer.spoke)
		bus->card.cls->reset(bus->card.dev, VMSND_RESET_PEER_LOST, bus->now);
}

/* ---- sending ------------------------------------------------------------------------------ */

static void send_waiting(struct vmsnd_transport *bus)
{
	ptrdiff_t sent = 0;

	if (bus->out_sent < bus->out_used)
		sent = vmsnd_socket_send_some(bus->peer.fd, bus->out + bus->out_sent,
					      bus->out_used - bus->out_sent);
	if (sent < 0) {
		/* It has gone, and is seen to have when it is read from. */
		bus->out_sent = bus->out_used;
		sent = 0;
	}
	if (sent > 0) {
		bus->sent = bus->now;
		bus->retry_ns = 0;
	}
	bus->out_sent += (size_t)sent;
	if (bus->out_sent < bus->out_used)
		return;
	bus->out_sent = 0;
	bus->out_used = 0;
}

/* So that a client which asks much before it reads is not taken for one that never reads: what it
 * asks waits in its socket while there is no room for the longest answer. */
static void hold_off(struct vmsnd_transport *bus)
{
	bool full = bus->out_used - bus->out_sent > sizeof(bus->out) - VMSND_VFU_MESSAGE_MAX;

	if (full == bus->held_off || bus->peer.broken)
		return;
	if (full)
		bus->user.unwatch(bus->user.ctx, bus->peer.fd);
	else if (bus->user.watch(bus->user.ctx, bus->peer.fd, VMSND_PEER_TAG_PEER))
		bus->peer.broken = "a connection that cannot be waited for any more";
	bus->held_off = full;
}

static void make_room(struct vmsnd_transport *bus, size_t bytes)
{
	if (sizeof(bus->out) - bus->out_used >= bytes)
		return;
	memmove(bus->out, bus->out + bus->out_sent, bus->out_used - bus->out_sent);
	bus->out_used -= bus->out_sent;
	bus->out_sent = 0;
}

bool vmsnd_vfu_out(struct vmsnd_transport *bus, const struct vmsnd_vfu_header *header,
		   const void *payload, uint32_t payload_bytes)
{
	struct vmsnd_vfu_header whole = *header;

	whole.bytes = VMSND_VFU_HEADER_BYTES + payload_bytes;
	make_room(bus, whole.bytes);
	if (sizeof(bus->out) - bus->out_used < whole.bytes) {
		bus->peer.broken = unread;
		return false;
	}
	if (bus->out_used == 0)
		bus->sent = bus->now;
	vmsnd_vfu_header_put(bus->out + bus->out_used, &whole);
	if (payload_bytes > 0)
		memcpy(bus->out + bus->out_used + VMSND_VFU_HEADER_BYTES, payload, payload_bytes);
	bus->out_used += whole.bytes;
	send_waiting(bus);
	return true;
}

/* Only what can be read is watched, so room to write is looked for in time. */
static vmsnd_ns advance_sending(struct vmsnd_transport *bus)
{
	send_waiting(bus);
	hold_off(bus);
	if (bus->out_used == 0)
		return VMSND_NEVER;
	if (bus->now >= bus->sent + UNREAD_NS)
		bus->peer.broken = unread;
	if (bus->retry_ns > 0 && bus->now < bus->retry)
		return bus->retry;
	bus->retry_ns = bus->retry_ns == 0 ? RETRY_NS : 2 * bus->retry_ns;
	if (bus->retry_ns > RETRY_MAX_NS)
		bus->retry_ns = RETRY_MAX_NS;
	bus->retry = bus->now + bus->retry_ns;
	return bus->retry;
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* The client hears why, whoever it thinks it is talking to. */
static const char *header_complete(void *ctx, uint32_t *payload_bytes)
{
	struct vmsnd_transport *bus = ctx;
	struct vmsnd_vfu_header answer = {.flags = VMSND_VFU_REPLY | VMSND_VFU_ERROR,
					  .error = VMSND_VFU_EINVAL};
	const char *why;

	vmsnd_vfu_header_get(bus->in, &bus->header);
	why = vmsnd_vfu_header_check(&bus->header);
	if (!why) {
		*payload_bytes = vmsnd_vfu_payload_bytes(&bus->header);
		return NULL;
	}
	answer.id = bus->header.id;
	answer.command = bus->header.command;
	bus->counts.refused++;
	vmsnd_peer_complain(&bus->peer, vmsnd_vfu_name(bus->header.command), why);
	if ((bus->header.flags & VMSND_VFU_TYPE_MASK) != VMSND_VFU_REPLY)
		vmsnd_vfu_out(bus, &answer, NULL, 0);
	return why;
}

static void dispatch(void *ctx)
{
	vmsnd_vfu_dispatch(ctx);
	hold_off(ctx);
}

/* ---- the class ---- */

static const struct vmsnd_peer_class peers = {.protocol = "vfio-user",
					      .header_bytes = VMSND_VFU_HEADER_BYTES,
					      .begin = begin_session,
					      .header = header_complete,
					      .dispatch = dispatch,
					      .end = end_session};

static void look_at_regions(struct vmsnd_transport *bus)
{
	for (unsigned i = 0; i < VMSND_PCI_BARS; i++) {
		struct vmsnd_pci_bar bar = {.bytes = 0};

		bus->card.cls->pci->bar(bus->card.dev, i, &bar);
		bus->sizes[i] = bar.bytes;
	}
	bus->sizes[VMSND_PCI_CONFIG] = VMSND_PCI_CONFIG_BYTES;
}

static enum vmsnd_rc vfio_user_open(const struct vmsnd_transport_conf *conf,
				    const struct vmsnd_transport_user *user,
				    struct vmsnd_transport **out)
{
	struct vmsnd_transport *bus;
	enum vmsnd_rc rc;

	if (!conf->card.cls->pci) {
		vmsnd_logf(user->log, VMSND_LOG_ERROR,
			   "%s: %s is no card for vfio-user: it takes "
			   "PCI cards",
			   conf->name, conf->card.cls->name);
		return VMSND_E_UNSUPPORTED;
	}
	/* Most of it is room for messages that hardly any client sends. */
	bus = vmsnd_pages_map(sizeof(*bus));
	if (!bus)
		return VMSND_E_NOMEM;
	snprintf(bus->name, sizeof(bus->name), "%s", conf->name);
	bus->user = *user;
	bus->card = conf->card;
	bus->mem = conf->mem;
	look_at_regions(bus);
	vmsnd_vfu_irqs_init(&bus->irqs);
	vmsnd_peer_init(&bus->peer, &peers, bus, bus->name, &bus->user);
	bus->peer.in = bus->in;
	rc = vmsnd_peer_listen(&bus->peer, conf);
	if (rc) {
		vmsnd_pages_unmap(bus, sizeof(*bus));
		return rc;
	}
	*out = bus;
	return VMSND_OK;
}

/* The VMM may have taken memory away under us since last asked. */
static void look_for_loss(struct vmsnd_transport *bus)
{
	unsigned hits = vmsnd_guard_hits();

	if (hits == bus->guard_hits)
		return;
	bus->guard_hits = hits;
	if (vmsnd_vfu_memory_drop_lost(bus))
		bus->peer.broken = "memory was taken away";
}

static void vfio_user_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
	bus->now = now;
	if (tag == VMSND_PEER_TAG_LISTENER)
		vmsnd_peer_accept(&bus->peer);
	else if (bus->peer.fd < 0)
		return; /* reported before the peer was let go */
	else if (tag == VMSND_PEER_TAG_PEER && !bus->held_off)
		vmsnd_peer_receive(&bus->peer);
	else if (tag == VMSND_VFU_TAG_RESAMPLE)
		vmsnd_vfu_irqs_resampled(bus);
	look_for_loss(bus);
	if (bus->peer.broken && bus->peer.fd >= 0)
		vmsnd_peer_let_go(&bus->peer);
}

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static vmsnd_ns vfio_user_advance(struct vmsnd_transport *bus, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	bus->now = now;
	look_for_loss(bus);
	if (bus->peer.fd < 0)
		return VMSND_NEVER;
	if (!bus->peer.broken)
		next = earlier(advance_sending(bus), vmsnd_vfu_irqs_advance(bus));
	if (!bus->peer.broken)
		next = earlier(next, vmsnd_vfu_remote_advance(bus));
	if (!bus->peer.broken)
		return next;
	vmsnd_peer_let_go(&bus->peer);
	return now;
}

static void vfio_user_line(struct vmsnd_transport *bus, bool high)
{
	vmsnd_vfu_irqs_line(bus, high);
}

/* The client knows where it goes. */
static void vfio_user_message(struct vmsnd_transport *bus, const struct vmsnd_msi *message)
{
	vmsnd_vfu_irqs_message(bus);
}

static void vfio_user_close(struct vmsnd_transport *bus, vmsnd_ns now)
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

static size_t vfio_user_counters(const struct vmsnd_transport *bus, struct vmsnd_counter *out,
				 size_t max)
{
	const struct vmsnd_counter list[] = {
	    {"messages", bus->counts.messages},   {"reads", bus->counts.reads},
	    {"writes", bus->counts.writes},       {"signals", bus->counts.signals},
	    {"resignals", bus->counts.resignals}, {"refused", bus->counts.refused},
	    {"dma_messages", bus->counts.remote}, {"dma_refused", bus->counts.remote_refused}};
	size_t n = sizeof(list) / sizeof(list[0]);

	for (size_t i = 0; i < n && i < max; i++)
		out[i] = list[i];
	return n;
}

const struct vmsnd_transport_class vmsnd_vfio_user_class = {
    .abi = VMSND_TRANSPORT_ABI,
    .abi_end = VMSND_TRANSPORT_ABI,
    .name = "vfio-user",
    .summary = "a PCI card for a VMM in another process, over a Unix socket",
    .options = vmsnd_peer_options,
    .open = vfio_user_open,
    .ready = vfio_user_ready,
    .close = vfio_user_close,
    .counters = vfio_user_counters,
    .line = vfio_user_line,
    .message = vfio_user_message,
    .advance = vfio_user_advance,
};
