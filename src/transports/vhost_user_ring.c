/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring of the peer: when it starts and stops, and its kick and call descriptors. */
#include <unistd.h>

#include "os/guard.h"
#include "transports/vhost_user_room.h"

#define PACKED_START  0x80008000u
#define F_RING_PACKED (UINT64_C(1) << 34)

void vmsnd_vu_ring_init(struct vmsnd_vu_ring *ring)
{
	*ring = (struct vmsnd_vu_ring){.kick = {.fd = -1}, .call = {.fd = -1}, .err = -1};
}

static void drop_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- start and stop ------------------------------------------------------------------ */

/* Sizes: virtio 1.3, 2.7 with the event words of EVENT_IDX counted in, and 2.8.10. */
bool vmsnd_vu_ring_places(const struct vmsnd_vu_ring *ring, const struct vmsnd_vu_slot *slots,
			  unsigned n, struct vmsnd_vu_places *places)
{
	uint64_t size = ring->size;
	uint64_t driver = ring->packed ? 4 : 6 + 2 * size;
	uint64_t device = ring->packed ? 4 : 6 + 8 * size;

	return vmsnd_vu_translate(slots, n, ring->user.desc, 16 * size, &places->desc) &&
	       vmsnd_vu_translate(slots, n, ring->user.avail, driver, &places->avail) &&
	       vmsnd_vu_translate(slots, n, ring->user.used, device, &places->used);
}

bool vmsnd_vu_ring_is_enabled(const struct vmsnd_transport *bus, const struct vmsnd_vu_ring *ring)
{
	return ring->enabled || !(bus->features & VMSND_VU_F_PROTOCOL_FEATURES);
}

static void say_started(struct vmsnd_transport *bus)
{
	uint64_t f = bus->features;

	if (bus->told_started)
		return;
	bus->told_started = true;
	vmsnd_logf(bus->user.log, VMSND_LOG_INFO,
		   "%s: the guest's driver has started the card, features %#llx%s%s%s%s%s%s",
		   bus->name, (unsigned long long)(f & ~VMSND_VU_F_PROTOCOL_FEATURES),
		   f & (UINT64_C(1) << 32) ? " version-1" : "",
		   f & (UINT64_C(1) << 29) ? " event-idx" : "",
		   f & (UINT64_C(1) << 28) ? " indirect-desc" : "",
		   f & F_RING_PACKED ? " packed" : "", f & (UINT64_C(1) << 35) ? " in-order" : "",
		   f & (UINT64_C(1) << 40) ? " ring-reset" : "");
	bus->user.peer(bus->user.ctx, VMSND_PEER_READY);
}

/* A buffer posted before the ring was on came with a kick that nobody heard. */
static void go(struct vmsnd_transport *bus, unsigned index)
{
	say_started(bus);
	bus->card.cls->virtio->kick(bus->card.dev, index, bus->now);
}

static void start(struct vmsnd_transport *bus, unsigned index)
{
	const struct vmsnd_virtio_ops *ops = bus->card.cls->virtio;
	struct vmsnd_vu_ring *ring = &bus->rings[index];
	struct vmsnd_queue_setup setup = {.size = ring->size,
					  .desc = ring->places.desc,
					  .avail = ring->places.avail,
					  .used = ring->places.used,
					  .next_avail = ring->base};

	if (!bus->features_applied)
		ops->set_features(bus->card.dev, bus->features & ~VMSND_VU_F_PROTOCOL_FEATURES);
	bus->features_applied = true;
	if (ops->queue_start(bus->card.dev, index, &setup, bus->now))
		return;
	ring->started = true;
	if (vmsnd_vu_ring_is_enabled(bus, ring))
		go(bus, index);
	else
		ops->queue_enable(bus->card.dev, index, false, bus->now);
}

/* VMMs differ in their order, so a ring waits until all is there: libkrun maps memory
 * before SET_FEATURES, UML kicks before it enables. */
static bool is_whole(const struct vmsnd_transport *bus, const struct vmsnd_vu_ring *ring)
{
	return bus->features_set && ring->kick.fd >= 0 && ring->size > 0 && ring->addressed &&
	       bus->memory.n > 0;
}

bool vmsnd_vu_ring_refused(const struct vmsnd_transport *bus, unsigned index)
{
	return is_whole(bus, &bus->rings[index]) && !bus->rings[index].started;
}

void vmsnd_vu_rings_start(struct vmsnd_transport *bus)
{
	for (unsigned i = 0; i < bus->n_rings; i++) {
		struct vmsnd_vu_ring *ring = &bus->rings[i];

		if (!ring->started)
			ring->packed = (bus->features & F_RING_PACKED) != 0;
		if (vmsnd_vu_ring_refused(bus, i) &&
		    vmsnd_vu_ring_places(ring, bus->memory.slots, bus->memory.n, &ring->places))
			start(bus, i);
	}
}

void vmsnd_vu_ring_suspend(struct vmsnd_transport *bus, unsigned index)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];

	if (!ring->started)
		return;
	ring->base = bus->card.cls->virtio->queue_stop(bus->card.dev, index, bus->now);
	ring->started = false;
}

void vmsnd_vu_rings_leave(struct vmsnd_transport *bus, const struct vmsnd_vu_slot *slots,
			  unsigned n)
{
	for (unsigned i = 0; i < bus->n_rings; i++) {
		const struct vmsnd_vu_ring *ring = &bus->rings[i];
		struct vmsnd_vu_places places;

		if (ring->started &&
		    (!vmsnd_vu_ring_places(ring, slots, n, &places) ||
		     places.desc != ring->places.desc || places.avail != ring->places.avail ||
		     places.used != ring->places.used))
			vmsnd_vu_ring_suspend(bus, i);
	}
}

void vmsnd_vu_ring_enable(struct vmsnd_transport *bus, unsigned index, bool on)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];
	bool was = vmsnd_vu_ring_is_enabled(bus, ring);

	ring->enabled = on;
	if (!ring->started || vmsnd_vu_ring_is_enabled(bus, ring) == was)
		return;
	bus->card.cls->virtio->queue_enable(bus->card.dev, index, on, bus->now);
	if (on)
		go(bus, index);
}

void vmsnd_vu_rings_forget(struct vmsnd_transport *bus)
{
	for (unsigned i = 0; i < bus->n_rings; i++) {
		struct vmsnd_vu_ring *ring = &bus->rings[i];

		vmsnd_vu_ring_kick_fd(bus, i, -1);
		ring->size = 0;
		ring->base = 0;
		ring->addressed = false;
		ring->enabled = false;
		ring->started = false;
	}
}

/* ---- descriptors ------------------------------------------------------------------------ */

static void drop_kick(struct vmsnd_transport *bus, struct vmsnd_vu_ring *ring)
{
	if (ring->kick.fd >= 0)
		bus->user.unwatch(bus->user.ctx, ring->kick.fd);
	vmsnd_event_in_set(&ring->kick, -1);
}

bool vmsnd_vu_ring_kick_fd(struct vmsnd_transport *bus, unsigned index, int fd)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];

	drop_kick(bus, ring);
	if (fd < 0)
		return true;
	if (bus->user.watch(bus->user.ctx, fd, VMSND_VU_TAG_KICK + index)) {
		close(fd);
		return false;
	}
	vmsnd_event_in_set(&ring->kick, fd);
	/* What was kicked through the old one may still lie there unread. */
	if (ring->started && vmsnd_vu_ring_is_enabled(bus, ring))
		bus->card.cls->virtio->kick(bus->card.dev, index, bus->now);
	return true;
}

/* QEMU 10 without share=on hands over a file that it has mapped privately: what the guest
 * writes never reaches it. Nothing about the descriptor tells, but then a ring that was
 * kicked is empty, and memory as it was before the guest ran. */
static void doubt_memory(struct vmsnd_transport *bus, const struct vmsnd_vu_ring *ring)
{
	uint16_t available = 0;

	/* Of a packed ring the flags of its first descriptor, which are never 0 again. */
	vmsnd_gmem_load16(bus->mem, ring->packed ? ring->places.desc + 14 : ring->places.avail + 2,
			  &available);
	if (vmsnd_guard_hits() != bus->guard_hits)
		return; /* that look was the one that found it gone */
	bus->memory_proven = available != 0 || (ring->base != 0 && ring->base != PACKED_START);
	if (!bus->memory_proven && vmsnd_vu_memory_untouched(&bus->memory))
		vmsnd_peer_complain_private(&bus->peer);
}

void vmsnd_vu_ring_kicked(struct vmsnd_transport *bus, unsigned index)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];
	enum vmsnd_event_got got;

	if (ring->kick.fd < 0)
		return;
	got = vmsnd_event_in_read(&ring->kick, bus->now);
	if (got == VMSND_EVENT_GONE)
		drop_kick(bus, ring);
	if (got == VMSND_EVENT_ENDLESS)
		bus->peer.broken = "a kick descriptor that never runs empty";
	if (got != VMSND_EVENT_CAME || !ring->started || !vmsnd_vu_ring_is_enabled(bus, ring))
		return;
	if (!bus->memory_proven)
		doubt_memory(bus, ring);
	bus->card.cls->virtio->kick(bus->card.dev, index, bus->now);
}

void vmsnd_vu_ring_call_fd(struct vmsnd_transport *bus, unsigned index, int fd)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];

	vmsnd_event_out_set(&ring->call, fd);
	/* Used buffers may have been signalled to the old one only (qemu-audio.md 9.4). */
	if (fd >= 0 && ring->started)
		vmsnd_event_out_signal(&ring->call);
}

void vmsnd_vu_ring_err_fd(struct vmsnd_transport *bus, unsigned index, int fd)
{
	drop_fd(&bus->rings[index].err);
	bus->rings[index].err = fd;
}
