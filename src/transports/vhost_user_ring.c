/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring of the peer: when it starts and stops, and its kick and call descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "os/guard.h"
#include "transports/vhost_user_room.h"

#define KICKS_MAX     64u
#define PACKED_START  0x80008000u
#define F_RING_PACKED (UINT64_C(1) << 34)

void vmsnd_vu_ring_init(struct vmsnd_vu_ring *ring)
{
	*ring = (struct vmsnd_vu_ring){.kick = -1, .call = -1, .err = -1};
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
	return bus->features_set && ring->kick >= 0 && ring->size > 0 && ring->addressed &&
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

/* UML makes both descriptors half a pair of sockets or a pipe. */
static bool is_pipe(int fd)
{
	struct statx status;

	/* The file system is not asked: it might not answer. */
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) ||
	       S_ISFIFO(status.stx_mode) || S_ISSOCK(status.stx_mode);
}

bool vmsnd_vu_ring_kick_fd(struct vmsnd_transport *bus, unsigned index, int fd)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];

	if (ring->kick >= 0)
		bus->user.unwatch(bus->user.ctx, ring->kick);
	drop_fd(&ring->kick);
	if (fd < 0)
		return true;
	if (bus->user.watch(bus->user.ctx, fd, VMSND_VU_TAG_KICK + index)) {
		close(fd);
		return false;
	}
	ring->kick = fd;
	ring->kick_pipe = is_pipe(fd);
	ring->kicks = 0;
	/* What was kicked through the old one may still lie there unread. */
	if (ring->started && vmsnd_vu_ring_is_enabled(bus, ring))
		bus->card.cls->virtio->kick(bus->card.dev, index, bus->now);
	return true;
}

/* The descriptor is blocking with some VMMs (UML), and its flags are shared with the VMM, so
 * we do not change them but ask for a read that never waits. Kernels that have no such read
 * for this kind of descriptor get poll first. */
static ssize_t read_without_waiting(int fd, uint64_t *count)
{
	struct iovec part = {.iov_base = count, .iov_len = sizeof(*count)};
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	ssize_t n = preadv2(fd, &part, 1, -1, RWF_NOWAIT);

	if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
		return n;
	if (poll(&poller, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	if (poller.revents & POLLIN)
		return read(fd, count, sizeof(*count));
	errno = EPIPE;
	return -1;
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
		vmsnd_vu_complain_private(bus);
}

/* One read empties an eventfd. One made as a semaphore, or a timer that is due every
 * nanosecond, stays readable, and would be reported for ever at no cost to the VMM. Who kicks
 * more often than KICKS_MAX in a millisecond is looked at: no guest kicks faster than we read,
 * so many times on end. In a pipe there may lie that many, each written by somebody. */
static bool runs_empty(struct vmsnd_transport *bus, struct vmsnd_vu_ring *ring, bool *kicked)
{
	struct pollfd poller = {.fd = ring->kick, .events = POLLIN};
	uint64_t count;

	if (bus->now - ring->kicks_from >= VMSND_NS_PER_SECOND / 1000) {
		ring->kicks_from = bus->now;
		ring->kicks = 0;
	}
	if (ring->kicks++ < KICKS_MAX || ring->kick_pipe)
		return true;
	for (unsigned i = 0; i < KICKS_MAX; i++)
		if (read_without_waiting(ring->kick, &count) > 0)
			*kicked = true;
		else if (poll(&poller, 1, 0) == 0)
			return true;
	return false;
}

void vmsnd_vu_ring_kicked(struct vmsnd_transport *bus, unsigned index)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];
	uint64_t count;
	ssize_t n;
	bool kicked;

	if (ring->kick < 0)
		return;
	n = read_without_waiting(ring->kick, &count);
	kicked = n > 0;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		/* The other end of a pipe has gone: it would be reported for ever. */
		bus->user.unwatch(bus->user.ctx, ring->kick);
		drop_fd(&ring->kick);
		return;
	}
	if (!runs_empty(bus, ring, &kicked)) {
		bus->broken = "a kick descriptor that never runs empty";
		return;
	}
	if (!kicked || !ring->started || !vmsnd_vu_ring_is_enabled(bus, ring))
		return;
	if (!bus->memory_proven)
		doubt_memory(bus, ring);
	bus->card.cls->virtio->kick(bus->card.dev, index, bus->now);
}

/* The VMM shares the flag and may change it at any time. Looked at for each interrupt it would
 * cost as much as the interrupt. */
static void look_at_call(struct vmsnd_vu_ring *ring, vmsnd_ns now)
{
	ring->call_seen = now;
	ring->call_blocks = ring->call_pipe || !(fcntl(ring->call, F_GETFL) & O_NONBLOCK);
}

void vmsnd_vu_ring_call_fd(struct vmsnd_transport *bus, unsigned index, int fd)
{
	struct vmsnd_vu_ring *ring = &bus->rings[index];

	drop_fd(&ring->call);
	if (fd < 0)
		return;
	ring->call = fd;
	ring->call_pipe = is_pipe(fd);
	look_at_call(ring, bus->now);
	/* Used buffers may have been signalled to the old one only (qemu-audio.md 9.4). */
	if (ring->started)
		vmsnd_vu_ring_signal(ring, bus->now);
}

void vmsnd_vu_ring_err_fd(struct vmsnd_transport *bus, unsigned index, int fd)
{
	drop_fd(&bus->rings[index].err);
	bus->rings[index].err = fd;
}

/* UML's call is a pipe. Once UML has died, a write raises SIGPIPE; no flag forbids that for
 * pipes, and how the program takes the signal is not ours to change. */
static ssize_t write_pipe(int fd, const void *from, size_t bytes)
{
	const struct timespec at_once = {0, 0};
	sigset_t set, before, pending;
	ssize_t n;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	n = write(fd, from, bytes);
	if (n < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&set, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return n;
}

bool vmsnd_vu_write_pipe(int fd, const void *from, size_t bytes)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};

	/* With room for PIPE_BUF bytes, which all our messages are below. */
	if (poll(&poller, 1, 0) != 1 || !(poller.revents & POLLOUT))
		return !(poller.revents & (POLLERR | POLLNVAL));
	return write_pipe(fd, from, bytes) >= 0 || errno == EAGAIN || errno == EINTR;
}

/* A full pipe or counter is fine: the guest has an interrupt to come anyway. */
void vmsnd_vu_ring_signal(struct vmsnd_vu_ring *ring, vmsnd_ns now)
{
	static const uint64_t one = 1;
	struct pollfd poller = {.fd = ring->call, .events = POLLOUT};
	ssize_t n;

	if (ring->call < 0)
		return;
	if (now - ring->call_seen >= VMSND_NS_PER_SECOND)
		look_at_call(ring, now);
	if (ring->call_blocks && (poll(&poller, 1, 0) != 1 || !(poller.revents & POLLOUT)))
		return;
	n = ring->call_pipe ? write_pipe(ring->call, &one, sizeof(one))
			    : write(ring->call, &one, sizeof(one));
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		drop_fd(&ring->call);
}
