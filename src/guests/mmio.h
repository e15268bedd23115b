/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's side of a card whose registers it can touch: struct vmsnd_guest_bus over
 * struct vmsnd_mmio_bus, by the book (virtio 1.3, 3.1.1 and 4.2.3). */
#ifndef VMSND_GUESTS_MMIO_H
#define VMSND_GUESTS_MMIO_H

#include "vmsnd/transport.h"

struct vmsnd_guest_mmio_conf {
	struct vmsnd_mmio_bus bus;
	/* How this guest's memory comes to the card: the VMM's part. */
	void *memory_ctx;
	enum vmsnd_rc (*share)(void *memory_ctx, vmsnd_gpa gpa, void *at, uint64_t bytes);
	vmsnd_ns now; /* of the calls that come without a time, until one comes with it */
};

struct vmsnd_guest_mmio {
	struct vmsnd_guest_mmio_conf conf;
	uint32_t status;     /* as last written */
	uint64_t queues;     /* those the card has, one bit each */
	uint64_t started;    /* ... that are ready */
	uint64_t interrupts; /* ... that have not been looked at since the last interrupt */
};

/* `mmio` is zeroed or was in use before; `out` is good as long as `mmio` and the registers are. The
 * card is reset when features() is asked for, as a driver does that comes up. queue_stop gives
 * VMSND_E_UNSUPPORTED: registers do not tell where a queue stopped. */
void vmsnd_guest_mmio_init(struct vmsnd_guest_mmio *mmio, const struct vmsnd_guest_mmio_conf *conf,
			   struct vmsnd_guest_bus *out);

#endif
