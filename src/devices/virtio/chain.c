/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptor chains: the walk, the one check of the whole, and copies through cursors. */
#include "devices/virtio/chain.h"

#include "base/endian.h"

enum step { STEP_END, STEP_DESCRIPTOR, STEP_BAD };

/* "A driver MUST NOT set both INDIRECT and NEXT", "MUST NOT set INDIRECT within an indirect
 * table", and a table is whole descriptors (2.7.5.3, 2.8.7). Its WRITE flag is ignored
 * (2.7.5.3.2). An empty one has no first descriptor. */
static bool enter_table(struct vmsnd_walk *walk, const struct vring_desc *by)
{
	uint32_t entries = by->len / (uint32_t)sizeof(*by);

	if (!walk->indirect || (by->flags & VRING_DESC_F_NEXT) || by->len % sizeof(*by) != 0 ||
	    entries == 0 || entries > VMSND_INDIRECT_ENTRIES_MAX)
		return false;
	*walk = (struct vmsnd_walk){
	    .table = by->addr,
	    .entries = (uint16_t)entries,
	    .steps = (uint16_t)entries,
	    .more = true,
	    .packed = walk->packed,
	};
	return true;
}

/* The descriptor a walk stands at. In tables of packed layout only WRITE counts, and the next one
 * is the one behind (2.8.7). */
static bool fetch(struct vmsnd_gmem *mem, const struct vmsnd_walk *walk, struct vring_desc *to)
{
	vmsnd_gpa at = walk->table + (uint64_t)walk->next * sizeof(*to);
	struct vring_packed_desc entry;

	if (walk->copy) {
		*to = walk->copy[walk->next];
		return true;
	}
	if (!walk->packed)
		return !vmsnd_gmem_read(mem, at, to, sizeof(*to));
	if (vmsnd_gmem_read(mem, at, &entry, sizeof(entry)))
		return false;
	*to =
	    (struct vring_desc){.addr = entry.addr,
				.len = entry.len,
				.flags = entry.flags & (VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT),
				.next = (uint16_t)(walk->next + 1)};
	if (to->next < walk->entries)
		to->flags |= VRING_DESC_F_NEXT;
	return true;
}

/* Reads the descriptor a walk stands at, and through an indirect table its first entry. */
static enum step step(struct vmsnd_gmem *mem, struct vmsnd_walk *walk, struct vring_desc *to)
{
	for (;;) {
		if (!walk->more)
			return STEP_END;
		/* More entries than the table has: a loop. */
		if (walk->steps == 0 || walk->next >= walk->entries)
			return STEP_BAD;
		walk->steps--;
		if (!fetch(mem, walk, to))
			return STEP_BAD;
		if (!(to->flags & VRING_DESC_F_INDIRECT))
			break;
		/* At most once a chain: a table may not hold another. */
		if (!enter_table(walk, to))
			return STEP_BAD;
	}
	walk->more = (to->flags & VRING_DESC_F_NEXT) != 0;
	walk->next = to->next;
	return STEP_DESCRIPTOR;
}

static void begin_part(struct vmsnd_cursor *part, const struct vmsnd_walk *walk,
		       const struct vring_desc *first)
{
	part->at = first->addr;
	part->bytes = first->len;
	part->walk = *walk;
}

bool vmsnd_chain_open(struct vmsnd_chain *chain, struct vmsnd_gmem *mem,
		      const struct vmsnd_walk *start)
{
	struct vmsnd_walk walk = *start;
	struct vring_desc desc;
	uint64_t total[2] = {0, 0};
	bool begun[2] = {false, false};
	enum step met;

	chain->n_descriptors = 0;
	chain->readable = (struct vmsnd_cursor){.writable = false};
	chain->writable = (struct vmsnd_cursor){.writable = true};
	while ((met = step(mem, &walk, &desc)) == STEP_DESCRIPTOR) {
		bool writable = (desc.flags & VRING_DESC_F_WRITE) != 0;

		/* "any device-writable descriptors come after any device-readable" (2.7.4.2) */
		if (begun[1] && !writable)
			return false;
		if (!begun[writable])
			begin_part(writable ? &chain->writable : &chain->readable, &walk, &desc);
		begun[writable] = true;
		total[writable] += desc.len;
		chain->n_descriptors++;
	}
	/* The standard allows no chain longer than 2^32 bytes in all (2.7.5). */
	if (met == STEP_BAD || total[0] + total[1] > UINT32_MAX)
		return false;
	chain->readable.left = (uint32_t)total[0];
	chain->writable.left = (uint32_t)total[1];
	return true;
}

/* Puts the cursor on a descriptor with bytes in it; empty ones are passed over. */
static bool reach_bytes(struct vmsnd_gmem *mem, struct vmsnd_cursor *cursor)
{
	struct vring_desc desc;

	while (cursor->bytes == 0) {
		if (step(mem, &cursor->walk, &desc) != STEP_DESCRIPTOR ||
		    ((desc.flags & VRING_DESC_F_WRITE) != 0) != cursor->writable)
			return false;
		cursor->at = desc.addr;
		cursor->bytes = desc.len;
	}
	return true;
}

/* How much of `bytes` lies in one piece at the cursor; 0 at the end. */
static uint32_t piece(struct vmsnd_gmem *mem, struct vmsnd_cursor *cursor, uint32_t bytes)
{
	if (bytes > cursor->left)
		bytes = cursor->left;
	if (bytes == 0 || !reach_bytes(mem, cursor))
		return 0;
	return bytes < cursor->bytes ? bytes : cursor->bytes;
}

static void pass(struct vmsnd_cursor *cursor, uint32_t bytes)
{
	cursor->at += bytes;
	cursor->bytes -= bytes;
	cursor->left -= bytes;
}

uint32_t vmsnd_chain_read(struct vmsnd_gmem *mem, struct vmsnd_cursor *from, void *to,
			  uint32_t bytes)
{
	uint32_t done = 0, n;

	while ((n = piece(mem, from, bytes - done)) > 0) {
		if (vmsnd_gmem_read(mem, from->at, (uint8_t *)to + done, n))
			break;
		pass(from, n);
		done += n;
	}
	return done;
}

uint32_t vmsnd_chain_write(struct vmsnd_gmem *mem, struct vmsnd_cursor *to, const void *from,
			   uint32_t bytes)
{
	uint32_t done = 0, n;

	while ((n = piece(mem, to, bytes - done)) > 0) {
		if (vmsnd_gmem_write(mem, to->at, (const uint8_t *)from + done, n))
			break;
		pass(to, n);
		done += n;
	}
	return done;
}

uint32_t vmsnd_chain_skip(struct vmsnd_gmem *mem, struct vmsnd_cursor *cursor, uint32_t bytes)
{
	uint32_t done = 0, n;

	while ((n = piece(mem, cursor, bytes - done)) > 0) {
		pass(cursor, n);
		done += n;
	}
	return done;
}
