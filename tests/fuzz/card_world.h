/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fuzz targets of sound cards share: input byte by byte, ports of the real connector
 * without a host, time. Included once by a target, which has N_QUEUES, N_PLAYBACK, N_CAPTURE,
 * N_PORTS and STEPS_MAX before it, and may have CARD_OPTIONS, and CLASS of a card on a PCI bus. */
#ifndef VMSND_TESTS_FUZZ_CARD_WORLD_H
#define VMSND_TESTS_FUZZ_CARD_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "connector/connector.h"
#include "devices/virtio-snd/virtio_snd.h"
#include "vmsnd/transport.h"

#ifndef CLASS
#define CLASS (&vmsnd_virtio_snd_class)
#endif
#define OPS (vmsnd_virtio_snd_class.virtio)

static struct vmsnd_gmem mem;
static struct vmsnd_dev *dev;
static struct vmsnd_port *ports[N_PORTS];
static void *port_rings[N_PORTS];
static vmsnd_ns now;

static inline void check(bool holds)
{
	if (!holds)
		abort();
}

/* ---- input ---- */

struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t take8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint16_t take16(struct input *in)
{
	uint16_t low = take8(in);

	return (uint16_t)(low | take8(in) << 8);
}

/* ---- the card ---- */

/* Zeroed, aligned to 64. From calloc: large ones are fresh pages, and what is not touched costs
 * nothing. What it gave stands in front. */
static inline void *block(size_t bytes)
{
	char *raw = calloc(1, bytes + 64 + sizeof(raw)), *at;

	check(raw != NULL);
	at = (char *)(((uintptr_t)raw + sizeof(raw) + 63) & ~(uintptr_t)63);
	memcpy(at - sizeof(raw), &raw, sizeof(raw));
	return at;
}

static inline void unblock(void *at)
{
	void *raw;

	memcpy(&raw, (char *)at - sizeof(raw), sizeof(raw));
	free(raw);
}

static inline void open_ports(void)
{
	static const struct vmsnd_connector_env env;

	for (unsigned i = 0; i < N_PORTS; i++) {
		struct vmsnd_port_conf conf = {.dir =
						   i < N_PLAYBACK ? VMSND_PLAYBACK : VMSND_CAPTURE,
					       .enabled = true,
					       .env = &env};

		if (!port_rings[i])
			port_rings[i] = block(VMSND_PORT_RING_BYTES);
		conf.ring_storage = port_rings[i];
		ports[i] = block(vmsnd_port_footprint());
		vmsnd_port_init(ports[i], &conf);
	}
}

static struct vmsnd_port *on_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	return ports[dir == VMSND_PLAYBACK ? index : N_PLAYBACK + index];
}

#ifndef CARD_OPTIONS
#define CARD_OPTIONS NULL
#endif

static bool line_is_high;

static void on_line(void *ctx, bool high)
{
	check(high != line_is_high);
	line_is_high = high;
}

static void on_message(void *ctx, const struct vmsnd_msi *message)
{
}

static void on_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
	check(what < VMSND_FAULT_COUNT);
}

/* Over open ports. */
static inline void make_card(void (*notify)(void *ctx, unsigned vector))
{
	static struct vmsnd_conf options;
	char error[200];
	const struct vmsnd_dev_conf conf = {.name = "card",
					    .playback_streams = N_PLAYBACK,
					    .capture_streams = N_CAPTURE,
					    .options = &options};
	const struct vmsnd_dev_env env = {.mem = &mem,
					  .notify = notify,
					  .line = on_line,
					  .message = on_message,
					  .port = on_port,
					  .guest_fault = on_fault};

	line_is_high = false;

	check(vmsnd_conf_parse(&options, CLASS->options, "card", CARD_OPTIONS, error,
			       sizeof(error)) == VMSND_OK);
	dev = block(CLASS->footprint(&conf));
	check(CLASS->init(dev, &conf, &env, now) == VMSND_OK);
}

/* The guest is gone, and so is everything. */
static inline void close_card(void)
{
	CLASS->reset(dev, VMSND_RESET_PEER_LOST, now);
	for (unsigned i = 0; i < N_PORTS; i++) {
		vmsnd_port_close(ports[i], now);
		unblock(ports[i]);
	}
	unblock(dev);
	dev = NULL;
}

/* Ports and card do what is due; when to come next. */
static inline vmsnd_ns step(void)
{
	vmsnd_ns next = VMSND_NEVER, due;

	for (unsigned i = 0; i < N_PORTS; i++) {
		due = vmsnd_port_advance(ports[i], now);
		next = due < next ? due : next;
	}
	due = CLASS->advance(dev, now);
	next = due < next ? due : next;
	check(next >= now);
	return next;
}

static inline void step_until(vmsnd_ns until)
{
	vmsnd_ns at = now;

	for (unsigned steps = 0; steps < STEPS_MAX && at <= until; steps++) {
		now = at;
		at = step();
	}
	now = until > now ? until : now;
}

#endif
