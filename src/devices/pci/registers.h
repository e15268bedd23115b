/* SPDX-License-Identifier: BSD-3-Clause */
/* Register tables: each register one row, each row one tiny handler. Accesses of any width, on any
 * boundary, across registers and gaps, are taken apart here, so that no handler ever sees one that
 * it does not expect. */
#ifndef VMSND_DEVICES_PCI_REGISTERS_H
#define VMSND_DEVICES_PCI_REGISTERS_H

#include "vmsnd/types.h"

/* A write as one register sees it: bits outside of `mask` belong to bytes that were not written,
 * and are 0 in `value`. */
struct vmsnd_register_write {
	uint32_t value, mask;
	vmsnd_ns now;
};

struct vmsnd_register {
	uint16_t offset; /* of the first of the instances */
	uint8_t bytes;   /* 1, 2 or 4 */
	uint8_t which;   /* told to the handlers, which may serve several rows */
	/* `instance`: which of the repeated ones. NULL: reads as 0. */
	uint32_t (*read)(void *ctx, unsigned instance, unsigned which, vmsnd_ns now);
	/* NULL: read-only; writes do nothing, and that is no fault. */
	void (*write)(void *ctx, unsigned instance, unsigned which,
		      const struct vmsnd_register_write *write);
};

/* Rows sorted by offset, not overlapping. They repeat `instances` times, `stride` bytes apart; 1:
 * no repetition. */
struct vmsnd_register_block {
	uint32_t offset;
	uint16_t stride, instances;
	const struct vmsnd_register *rows;
	unsigned n_rows;
};

struct vmsnd_register_space {
	const struct vmsnd_register_block *blocks; /* sorted, not overlapping */
	unsigned n_blocks;
	uint32_t bytes; /* of the whole space */
};

struct vmsnd_register_access {
	uint64_t offset;
	uint32_t bytes;
	vmsnd_ns now;
};

/* Each register that is touched is read once, from the lowest on; bytes between registers are 0xff,
 * and so are those beyond the space. False: there was such a byte; the caller counts it. */
bool vmsnd_registers_read(const struct vmsnd_register_space *space, void *ctx,
			  const struct vmsnd_register_access *access, void *to);
/* Likewise: each register that is touched is written once. */
bool vmsnd_registers_write(const struct vmsnd_register_space *space, void *ctx,
			   const struct vmsnd_register_access *access, const void *from);

/* What is left of `old` and what comes of a write to a plain register of which `writable` bits can
 * be. */
static inline uint32_t vmsnd_register_merge(uint32_t old, uint32_t writable,
					    const struct vmsnd_register_write *write)
{
	uint32_t bits = writable & write->mask;

	return (old & ~bits) | (write->value & bits);
}

#endif
