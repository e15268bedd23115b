/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio-mmio transport: the register model, and a VMM in this process that forwards to it. */
#include "transports/virtio_mmio.h"

#include <stdio.h>
#include <stdlib.h>

#include "transports/mmio_registers.h"

struct vmsnd_transport {
	struct vmsnd_mmio mmio;
	struct vmsnd_gmem *mem;
	struct vmsnd_transport_user user;
	struct vmsnd_interrupt interrupt;
	bool connected; /* a driver has found the card */
	char name[64];
};

static void tell_level(void *ctx, bool high)
{
	struct vmsnd_transport *bus = ctx;

	if (bus->interrupt.level)
		bus->interrupt.level(bus->interrupt.ctx, high);
}

static void tell_connected(void *ctx)
{
	struct vmsnd_transport *bus = ctx;

	if (!bus->connected && bus->user.peer)
		bus->user.peer(bus->user.ctx, VMSND_PEER_CONNECTED);
	bus->connected = true;
}

static void tell_ready(void *ctx)
{
	struct vmsnd_transport *bus = ctx;

	if (bus->user.peer)
		bus->user.peer(bus->user.ctx, VMSND_PEER_READY);
}

static void tell_refused(void *ctx, unsigned queue, enum vmsnd_rc why)
{
	struct vmsnd_transport *bus = ctx;

	vmsnd_logf(bus->user.log, VMSND_LOG_WARNING,
		   "%s: the guest's driver set up queue %u wrongly (%s); it has to reset the card",
		   bus->name, queue,
		   why == VMSND_E_INVALID ? "its size or alignment" : "it is not in guest memory");
}

static uint64_t bus_read(void *ctx, uint64_t offset, unsigned bytes)
{
	struct vmsnd_transport *bus = ctx;

	return vmsnd_mmio_read(&bus->mmio, offset, bytes);
}

static void bus_write(void *ctx, uint64_t offset, unsigned bytes, uint64_t value, vmsnd_ns now)
{
	struct vmsnd_transport *bus = ctx;

	vmsnd_mmio_write(&bus->mmio, offset, bytes, value, now);
}

static void mmio_bus(struct vmsnd_transport *bus, struct vmsnd_mmio_bus *out)
{
	*out = (struct vmsnd_mmio_bus){.ctx = bus, .read = bus_read, .write = bus_write};
}

static void mmio_interrupt(struct vmsnd_transport *bus, const struct vmsnd_interrupt *to)
{
	bus->interrupt = to ? *to : (struct vmsnd_interrupt){0};
	if (bus->mmio.interrupt_status != 0)
		tell_level(bus, true);
}

static enum vmsnd_rc mmio_open(const struct vmsnd_transport_conf *conf,
			       const struct vmsnd_transport_user *user,
			       struct vmsnd_transport **out)
{
	const struct vmsnd_virtio_ops *ops = conf->card.cls->virtio;
	struct vmsnd_mmio_user told = {.level = tell_level,
				       .connected = tell_connected,
				       .ready = tell_ready,
				       .refused = tell_refused};
	struct vmsnd_transport *bus;

	if (!ops || ops->n_queues > VMSND_MMIO_QUEUES_MAX || conf->listen_fd >= 0) {
		vmsnd_logf(user->log, VMSND_LOG_ERROR, "%s: the virtio-mmio transport takes %s",
			   conf->name, ops ? "no socket" : "virtio cards only");
		return VMSND_E_INVALID;
	}
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return VMSND_E_NOMEM;
	told.ctx = bus;
	snprintf(bus->name, sizeof(bus->name), "%s", conf->name);
	bus->mem = conf->mem;
	bus->user = *user;
	vmsnd_mmio_init(&bus->mmio, &conf->card, &told);
	*out = bus;
	return VMSND_OK;
}

static void mmio_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
	/* Nothing is ever watched. */
}

static void mmio_notify(struct vmsnd_transport *bus, unsigned vector)
{
	vmsnd_mmio_used(&bus->mmio);
}

/* The card is unplugged: what the guest waits for is given back, and it may still hear of it. */
static void mmio_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
	bus->mmio.card.cls->reset(bus->mmio.card.dev, VMSND_RESET_SHUTDOWN, now);
	while (bus->mem->n_regions > 0)
		vmsnd_gmem_remove(bus->mem, bus->mem->regions[0].gpa, bus->mem->regions[0].bytes);
	if (bus->connected && bus->user.peer)
		bus->user.peer(bus->user.ctx, VMSND_PEER_LEFT);
	free(bus);
}

static void mmio_config_changed(struct vmsnd_transport *bus)
{
	vmsnd_mmio_config_changed(&bus->mmio);
}

static void mmio_save(const struct vmsnd_transport *bus, struct vmsnd_state_writer *to)
{
	vmsnd_mmio_save(&bus->mmio, to);
}

static enum vmsnd_rc mmio_load(struct vmsnd_transport *bus, struct vmsnd_state_reader *from,
			       vmsnd_ns now)
{
	return vmsnd_mmio_load(&bus->mmio, from, now);
}

static void mmio_go_on(struct vmsnd_transport *bus, vmsnd_ns now)
{
	vmsnd_mmio_go_on(&bus->mmio, now);
}

static size_t mmio_counters(const struct vmsnd_transport *bus, struct vmsnd_counter *out,
			    size_t max)
{
	return vmsnd_mmio_counters(&bus->mmio, out, max);
}

static void mmio_reset(struct vmsnd_transport *bus)
{
	vmsnd_mmio_clear(&bus->mmio);
}

const struct vmsnd_transport_class vmsnd_virtio_mmio_class = {
    .abi = VMSND_TRANSPORT_ABI,
    .abi_end = VMSND_TRANSPORT_ABI,
    .name = "virtio-mmio",
    .summary = "registers for a VMM in the same process (virtio over MMIO)",
    .open = mmio_open,
    .ready = mmio_ready,
    .notify = mmio_notify,
    .close = mmio_close,
    .mmio_bus = mmio_bus,
    .interrupt = mmio_interrupt,
    .counters = mmio_counters,
    .save = mmio_save,
    .load = mmio_load,
    .go_on = mmio_go_on,
    .reset = mmio_reset,
    .config_changed = mmio_config_changed,
};
