/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/pci/registers.h"

#include <string.h>

/* One access on its way through the tables. */
struct pass {
	void *ctx;
	uint32_t begin, end; /* of what it touches of the space */
	vmsnd_ns now;
	uint8_t *to;         /* NULL: a write */
	const uint8_t *from; /* NULL: a read */
	uint32_t found;      /* bytes that belong to a register */
};

/* The part of a register that an access touches. */
struct part {
	unsigned first, bytes; /* in the register */
	uint32_t at;           /* in the access */
};

static void read_part(const struct pass *pass, const struct vmsnd_register *row, unsigned instance,
		      const struct part *part)
{
	uint32_t value = row->read ? row->read(pass->ctx, instance, row->which, pass->now) : 0;

	for (unsigned i = 0; i < part->bytes; i++)
		pass->to[part->at + i] = (uint8_t)(value >> 8 * (part->first + i));
}

static void write_part(const struct pass *pass, const struct vmsnd_register *row, unsigned instance,
		       const struct part *part)
{
	struct vmsnd_register_write write = {.now = pass->now};

	if (!row->write)
		return;
	for (unsigned i = 0; i < part->bytes; i++) {
		unsigned shift = 8 * (part->first + i);

		write.value |= (uint32_t)pass->from[part->at + i] << shift;
		write.mask |= UINT32_C(0xff) << shift;
	}
	row->write(pass->ctx, instance, row->which, &write);
}

/* `at`: where this instance of the row lies in the space. */
static void touch(struct pass *pass, const struct vmsnd_register *row, unsigned instance,
		  uint32_t at)
{
	uint32_t begin = at > pass->begin ? at : pass->begin;
	uint32_t end = at + row->bytes < pass->end ? at + row->bytes : pass->end;
	struct part part;

	if (begin >= end)
		return;
	part = (struct part){.first = begin - at, .bytes = end - begin, .at = begin - pass->begin};
	pass->found += part.bytes;
	if (pass->to)
		read_part(pass, row, instance, &part);
	else
		write_part(pass, row, instance, &part);
}

/* The first instance that may reach as far as `begin`. */
static unsigned first_instance(const struct vmsnd_register_block *block, uint32_t begin)
{
	if (begin <= block->offset || block->instances < 2)
		return 0;
	return (begin - block->offset) / block->stride;
}

static void touch_block(struct pass *pass, const struct vmsnd_register_block *block)
{
	for (unsigned i = first_instance(block, pass->begin); i < block->instances; i++) {
		uint32_t at = block->offset + i * (uint32_t)block->stride;

		if (at >= pass->end)
			return;
		for (unsigned row = 0; row < block->n_rows; row++)
			touch(pass, &block->rows[row], i, at + block->rows[row].offset);
	}
}

/* True: each byte of the access belongs to a register. */
static bool walk(const struct vmsnd_register_space *space,
		 const struct vmsnd_register_access *access, struct pass *pass)
{
	uint32_t bytes = access->bytes;

	if (access->offset >= space->bytes)
		return bytes == 0;
	pass->begin = (uint32_t)access->offset;
	pass->end = bytes < space->bytes - pass->begin ? pass->begin + bytes : space->bytes;
	pass->now = access->now;
	for (unsigned i = 0; i < space->n_blocks; i++)
		touch_block(pass, &space->blocks[i]);
	return pass->found == bytes;
}

bool vmsnd_registers_read(const struct vmsnd_register_space *space, void *ctx,
			  const struct vmsnd_register_access *access, void *to)
{
	struct pass pass = {.ctx = ctx, .to = to};

	if (access->bytes == 0)
		return true;
	memset(to, 0xff, access->bytes);
	return walk(space, access, &pass);
}

bool vmsnd_registers_write(const struct vmsnd_register_space *space, void *ctx,
			   const struct vmsnd_register_access *access, const void *from)
{
	struct pass pass = {.ctx = ctx, .from = from};

	return walk(space, access, &pass);
}
