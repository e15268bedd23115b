/* SPDX-License-Identifier: BSD-3-Clause */
/* The in-process transport: struct vmsnd_guest_bus, or struct vmsnd_pci_bus, straight onto the
 * card's calls. */
#include "transports/inprocess.h"

#include <stdlib.h>

#define QUEUES_MAX 64u /* one bit each */

struct vmsnd_transport {
	struct vmsnd_card_ref card;
	struct vmsnd_gmem *mem;
	struct vmsnd_transport_user user;
	struct vmsnd_interrupt interrupt;
	/* One bit a queue: raised and not yet asked for. PCI: bit 0, the line. */
	uint64_t interrupts;
	bool connected; /* a guest has shared memory, chosen features, written to a PCI card */
	bool ready;     /* and started a queue, or written to a BAR */
};

static const struct vmsnd_virtio_ops *card_ops(const struct vmsnd_transport *bus)
{
	return bus->card.cls->virtio;
}

static void connect_once(struct vmsnd_transport *bus)
{
	if (!bus->connected && bus->user.peer)
		bus->user.peer(bus->user.ctx, VMSND_PEER_CONNECTED);
	bus->connected = true;
}

static void ready_once(struct vmsnd_transport *bus)
{
	if (!bus->ready && bus->user.peer)
		bus->user.peer(bus->user.ctx, VMSND_PEER_READY);
	bus->ready = true;
}

static void tell_level(struct vmsnd_transport *bus, bool high)
{
	if (bus->interrupt.level)
		bus->interrupt.level(bus->interrupt.ctx, high);
}

static void set_interrupts(struct vmsnd_transport *bus, uint64_t interrupts)
{
	bool was = bus->interrupts != 0, is = interrupts != 0;

	bus->interrupts = interrupts;
	if (was != is)
		tell_level(bus, is);
}

static uint64_t guest_features(void *ctx)
{
	const struct vmsnd_transport *bus = ctx;

	return card_ops(bus)->features(bus->card.dev);
}

static enum vmsnd_rc guest_set_features(void *ctx, uint64_t accepted)
{
	struct vmsnd_transport *bus = ctx;

	connect_once(bus);
	card_ops(bus)->set_features(bus->card.dev, accepted);
	return VMSND_OK;
}

static enum vmsnd_rc guest_config_read(void *ctx, uint32_t offset, void *to, uint32_t bytes)
{
	const struct vmsnd_transport *bus = ctx;

	card_ops(bus)->config_read(bus->card.dev, offset, to, bytes);
	return VMSND_OK;
}

static enum vmsnd_rc guest_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct vmsnd_transport *bus = ctx;
	struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	connect_once(bus);
	return vmsnd_gmem_add(bus->mem, &region);
}

static enum vmsnd_rc guest_queue_start(void *ctx, unsigned queue,
				       const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	struct vmsnd_transport *bus = ctx;
	enum vmsnd_rc rc;

	if (queue >= card_ops(bus)->n_queues || queue >= QUEUES_MAX)
		return VMSND_E_INVALID;
	connect_once(bus);
	rc = card_ops(bus)->queue_start(bus->card.dev, queue, setup, now);
	if (rc)
		return rc;
	ready_once(bus);
	return VMSND_OK;
}

static enum vmsnd_rc guest_queue_stop(void *ctx, unsigned queue, uint32_t *next_avail, vmsnd_ns now)
{
	struct vmsnd_transport *bus = ctx;

	if (queue >= card_ops(bus)->n_queues || queue >= QUEUES_MAX)
		return VMSND_E_INVALID;
	*next_avail = card_ops(bus)->queue_stop(bus->card.dev, queue, now);
	return VMSND_OK;
}

static enum vmsnd_rc guest_queue_reset(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_transport *bus = ctx;

	if (queue >= card_ops(bus)->n_queues || queue >= QUEUES_MAX || !card_ops(bus)->queue_reset)
		return VMSND_E_INVALID;
	card_ops(bus)->queue_reset(bus->card.dev, queue, now);
	return VMSND_OK;
}

static enum vmsnd_rc guest_kick(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_transport *bus = ctx;

	if (queue >= card_ops(bus)->n_queues)
		return VMSND_E_INVALID;
	card_ops(bus)->kick(bus->card.dev, queue, now);
	return VMSND_OK;
}

static bool guest_interrupted(void *ctx, unsigned queue)
{
	struct vmsnd_transport *bus = ctx;
	uint64_t bit = queue < QUEUES_MAX ? UINT64_C(1) << queue : 0;
	bool raised = (bus->interrupts & bit) != 0;

	set_interrupts(bus, bus->interrupts & ~bit);
	return raised;
}

static void inprocess_guest_bus(struct vmsnd_transport *bus, struct vmsnd_guest_bus *out)
{
	*out = (struct vmsnd_guest_bus){
	    .ctx = bus,
	    .features = guest_features,
	    .set_features = guest_set_features,
	    .config_read = guest_config_read,
	    .share = guest_share,
	    .queue_start = guest_queue_start,
	    .queue_stop = guest_queue_stop,
	    .kick = guest_kick,
	    .interrupted = guest_interrupted,
	    .queue_reset = guest_queue_reset,
	};
}

static void pci_bar(void *ctx, unsigned index, struct vmsnd_pci_bar *out)
{
	const struct vmsnd_transport *bus = ctx;

	*out = (struct vmsnd_pci_bar){0};
	if (index < VMSND_PCI_BARS)
		bus->card.cls->pci->bar(bus->card.dev, index, out);
}

static void pci_read(void *ctx, const struct vmsnd_pci_access *access, void *to)
{
	const struct vmsnd_transport *bus = ctx;

	bus->card.cls->pci->read(bus->card.dev, access, to);
}

static void pci_write(void *ctx, const struct vmsnd_pci_access *access, const void *from)
{
	struct vmsnd_transport *bus = ctx;

	connect_once(bus);
	if (access->region < VMSND_PCI_BARS)
		ready_once(bus);
	bus->card.cls->pci->write(bus->card.dev, access, from);
}

static void inprocess_pci_bus(struct vmsnd_transport *bus, struct vmsnd_pci_bus *out)
{
	*out = (struct vmsnd_pci_bus){
	    .ctx = bus, .bar = pci_bar, .read = pci_read, .write = pci_write};
}

static enum vmsnd_rc inprocess_open(const struct vmsnd_transport_conf *conf,
				    const struct vmsnd_transport_user *user,
				    struct vmsnd_transport **out)
{
	bool able = conf->card.cls->virtio || conf->card.cls->pci;
	struct vmsnd_transport *bus;

	if (!able || conf->listen_fd >= 0) {
		vmsnd_logf(user->log, VMSND_LOG_ERROR, "%s: the in-process transport takes %s",
			   conf->name, able ? "no socket" : "virtio and PCI cards only");
		return VMSND_E_INVALID;
	}
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return VMSND_E_NOMEM;
	bus->card = conf->card;
	bus->mem = conf->mem;
	bus->user = *user;
	*out = bus;
	return VMSND_OK;
}

static void inprocess_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
	/* Nothing is ever watched. */
}

static void inprocess_notify(struct vmsnd_transport *bus, unsigned vector)
{
	if (vector < QUEUES_MAX)
		set_interrupts(bus, bus->interrupts | UINT64_C(1) << vector);
}

static void inprocess_line(struct vmsnd_transport *bus, bool high)
{
	set_interrupts(bus, high);
}

static void inprocess_message(struct vmsnd_transport *bus, const struct vmsnd_msi *message)
{
	if (bus->interrupt.message)
		bus->interrupt.message(bus->interrupt.ctx, message);
}

static void inprocess_interrupt(struct vmsnd_transport *bus, const struct vmsnd_interrupt *to)
{
	bus->interrupt = to ? *to : (struct vmsnd_interrupt){0};
	if (bus->interrupts != 0)
		tell_level(bus, true);
}

static void inprocess_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
	bus->card.cls->reset(bus->card.dev, VMSND_RESET_SHUTDOWN, now);
	while (bus->mem->n_regions > 0)
		vmsnd_gmem_remove(bus->mem, bus->mem->regions[0].gpa, bus->mem->regions[0].bytes);
	if (bus->connected && bus->user.peer)
		bus->user.peer(bus->user.ctx, VMSND_PEER_LEFT);
	free(bus);
}

static void inprocess_reset(struct vmsnd_transport *bus)
{
	/* A PCI card has been reset already, and its line with it. */
	set_interrupts(bus, 0);
}

const struct vmsnd_transport_class vmsnd_inprocess_class = {
    .abi = VMSND_TRANSPORT_ABI,
    .abi_end = VMSND_TRANSPORT_ABI,
    .name = "in-process",
    .summary = "a guest in the same process: demo, benchmarks, embedding",
    .open = inprocess_open,
    .ready = inprocess_ready,
    .notify = inprocess_notify,
    .close = inprocess_close,
    .guest_bus = inprocess_guest_bus,
    .pci_bus = inprocess_pci_bus,
    .line = inprocess_line,
    .message = inprocess_message,
    .interrupt = inprocess_interrupt,
    .reset = inprocess_reset,
};
