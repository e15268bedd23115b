/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers of virtio over MMIO, version 2 (virtio 1.3, 4.2.2), over a card's virtio calls.
 * Pure: no heap, no thread, no clock. What a driver does against the standard is answered with 0
 * or left undone, counted, and never harms. */
#ifndef VMSND_TRANSPORTS_MMIO_REGISTERS_H
#define VMSND_TRANSPORTS_MMIO_REGISTERS_H

#include "vmsnd/transport.h"

#define VMSND_MMIO_QUEUES_MAX 64u
/* "vmsn": whose card it is. */
#define VMSND_MMIO_VENDOR 0x6e736d76u

/* What the model tells of; each may be NULL. Called within vmsnd_mmio_write and the others below;
 * must not call back. */
struct vmsnd_mmio_user {
	void *ctx;
	void (*level)(void *ctx, bool high); /* the interrupt line has changed */
	void (*connected)(void *ctx);        /* a driver has found the card */
	void (*ready)(void *ctx);            /* DRIVER_OK */
	/* A queue could not be started where the driver said that it is; said once a reset. */
	void (*refused)(void *ctx, unsigned queue, enum vmsnd_rc why);
};

struct vmsnd_mmio_queue {
	uint64_t desc, avail, used; /* QueueDesc, QueueDriver, QueueDevice */
	uint32_t size;              /* QueueNum */
	bool ready;
	uint32_t next_avail; /* while waiting: where it goes on */
};

struct vmsnd_mmio_counters {
	uint64_t odd_accesses;   /* a width or alignment that the standard forbids */
	uint64_t bad_reads;      /* of what cannot be read or is not there */
	uint64_t bad_writes;     /* to what cannot be written or is not there */
	uint64_t refused_writes; /* a value, or a moment, that the standard forbids */
	uint64_t refused_queues; /* did not start */
	uint64_t notifies, resets;
};

/* In the caller's storage; its fields are the model's. */
struct vmsnd_mmio {
	struct vmsnd_card_ref card;
	struct vmsnd_mmio_user user;
	uint32_t device_features_sel, driver_features_sel, queue_sel, shm_sel;
	uint64_t driver_features;
	uint32_t status, interrupt_status, config_generation;
	bool refusal_told;
	bool waiting; /* loaded, and its ready queues not started yet */
	struct vmsnd_mmio_queue queues[VMSND_MMIO_QUEUES_MAX];
	struct vmsnd_mmio_counters counters;
};

/* `card` has a virtio side with at most VMSND_MMIO_QUEUES_MAX queues. */
void vmsnd_mmio_init(struct vmsnd_mmio *mmio, const struct vmsnd_card_ref *card,
		     const struct vmsnd_mmio_user *user);
/* Any offset and any width; widths beyond 8 bytes are as 0. */
uint64_t vmsnd_mmio_read(struct vmsnd_mmio *mmio, uint64_t offset, unsigned bytes);
void vmsnd_mmio_write(struct vmsnd_mmio *mmio, uint64_t offset, unsigned bytes, uint64_t value,
		      vmsnd_ns now);
/* The card has used buffers. */
void vmsnd_mmio_used(struct vmsnd_mmio *mmio);
/* The card's configuration is another one now. */
void vmsnd_mmio_config_changed(struct vmsnd_mmio *mmio);
/* The registers alone, as after a reset; the card is not called. */
void vmsnd_mmio_clear(struct vmsnd_mmio *mmio);

/* mmio_state.c. Saving changes nothing; the card has queue_place. Loading comes after the card was
 * loaded, and needs no guest memory: queues that are ready are started by go_on.
 * VMSND_E_VERSION, VMSND_E_DAMAGED: nothing was changed. */
void vmsnd_mmio_save(const struct vmsnd_mmio *mmio, struct vmsnd_state_writer *to);
enum vmsnd_rc vmsnd_mmio_load(struct vmsnd_mmio *mmio, struct vmsnd_state_reader *from,
			      vmsnd_ns now);
/* The guest goes on after a load, and its memory is there: ready queues are started where they
 * stopped. One that is not in memory is refused, as when a driver sets it up so. The first write of
 * the driver does the same. Nothing at any other time. */
void vmsnd_mmio_go_on(struct vmsnd_mmio *mmio, vmsnd_ns now);
/* For mmio_state.c: card and line are told of what the registers hold. */
void vmsnd_mmio_tell_loaded(struct vmsnd_mmio *mmio, uint32_t interrupts);

size_t vmsnd_mmio_counters(const struct vmsnd_mmio *mmio, struct vmsnd_counter *out, size_t max);

#endif
