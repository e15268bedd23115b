/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory: a sorted table of regions and checked copies over it. */
#include "vmsnd/transport.h"

#include <string.h>

/* A right that nobody asks for marks the rows without a mapping, so that the short way to the
 * others needs no look more. */
#define NO_MAPPING 0x80000000u
#define RIGHTS     (VMSND_READ | VMSND_WRITE)

/* A piece of a range that lies in one region. */
struct piece {
	const struct vmsnd_region *region;
	uint8_t *at;
	uint64_t bytes;
};

/* The first region that begins beyond `gpa`. */
static uint32_t upper_bound(const struct vmsnd_gmem *mem, vmsnd_gpa gpa)
{
	uint32_t low = 0;
	uint32_t high = mem->n_regions;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (mem->regions[middle].gpa <= gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Differences of unsigned numbers cannot wrap into a hit: an address below the region
 * gives a difference that no region is long enough for. */
static bool holds(const struct vmsnd_region *region, vmsnd_gpa gpa)
{
	return gpa - region->gpa < region->bytes;
}

static const struct vmsnd_region *find_slow(struct vmsnd_gmem *mem, vmsnd_gpa gpa)
{
	uint32_t beyond = upper_bound(mem, gpa);

	if (beyond == 0 || !holds(&mem->regions[beyond - 1], gpa))
		return NULL;
	mem->last = beyond - 1;
	return &mem->regions[beyond - 1];
}

static inline const struct vmsnd_region *find(struct vmsnd_gmem *mem, vmsnd_gpa gpa)
{
	/* `last` is 0 in an empty table, whose first row holds nothing. */
	const struct vmsnd_region *region = &mem->regions[mem->last];

	return holds(region, gpa) ? region : find_slow(mem, gpa);
}

static inline bool piece_at(struct vmsnd_gmem *mem, vmsnd_gpa gpa, uint64_t bytes,
			    struct piece *piece)
{
	const struct vmsnd_region *region = find(mem, gpa);
	uint64_t offset;

	if (!region)
		return false;
	offset = gpa - region->gpa;
	piece->region = region;
	/* As a number: a region without a mapping has none to add to. */
	piece->at = (uint8_t *)((uintptr_t)region->at + (uintptr_t)offset);
	piece->bytes = region->bytes - offset < bytes ? region->bytes - offset : bytes;
	return true;
}

static bool overlaps(const struct vmsnd_gmem *mem, const struct vmsnd_region *region, uint32_t at)
{
	/* Sorted and not overlapping, so only the two neighbours can touch it. */
	if (at > 0 && holds(&mem->regions[at - 1], region->gpa))
		return true;
	return at < mem->n_regions && holds(region, mem->regions[at].gpa);
}

static enum vmsnd_rc do_add(struct vmsnd_gmem *mem, const struct vmsnd_region *region)
{
	uint32_t at = upper_bound(mem, region->gpa);

	if (!region->at == !region->remote || region->bytes == 0 ||
	    region->gpa > UINT64_MAX - region->bytes || overlaps(mem, region, at))
		return VMSND_E_INVALID;
	if (mem->n_regions >= VMSND_GMEM_REGIONS_MAX)
		return VMSND_E_NOMEM;
	memmove(&mem->regions[at + 1], &mem->regions[at],
		(mem->n_regions - at) * sizeof(mem->regions[0]));
	mem->regions[at] = *region;
	mem->regions[at].rights &= RIGHTS;
	if (region->remote)
		mem->regions[at].rights |= NO_MAPPING;
	mem->n_regions++;
	mem->last = at;
	return VMSND_OK;
}

static enum vmsnd_rc do_remove(struct vmsnd_gmem *mem, vmsnd_gpa gpa, uint64_t bytes)
{
	uint32_t at = upper_bound(mem, gpa);

	if (at == 0 || mem->regions[at - 1].gpa != gpa || mem->regions[at - 1].bytes != bytes)
		return VMSND_E_INVALID;
	at--;
	mem->n_regions--;
	memmove(&mem->regions[at], &mem->regions[at + 1],
		(mem->n_regions - at) * sizeof(mem->regions[0]));
	/* The row given up must hold nothing: `last` may point at it. */
	memset(&mem->regions[mem->n_regions], 0, sizeof(mem->regions[0]));
	mem->last = 0;
	return VMSND_OK;
}

static enum vmsnd_rc do_check(struct vmsnd_gmem *mem, vmsnd_gpa at, uint64_t bytes, unsigned rights)
{
	struct piece piece;
	uint64_t whole = bytes;

	/* A region never reaches 2^64, so a range that wraps meets a hole before it does. */
	while (bytes > 0) {
		if (!piece_at(mem, at, bytes, &piece) ||
		    (piece.region->remote && piece.bytes != whole))
			return VMSND_E_RANGE;
		if ((piece.region->rights & rights) != rights)
			return VMSND_E_DENIED;
		at += piece.bytes;
		bytes -= piece.bytes;
	}
	return VMSND_OK;
}

static enum vmsnd_rc do_read(struct vmsnd_gmem *mem, vmsnd_gpa from, void *to, size_t bytes)
{
	struct piece piece;
	uint8_t *next = to;
	enum vmsnd_rc rc;

	if (bytes > 0 && piece_at(mem, from, bytes, &piece) && piece.bytes == bytes &&
	    (piece.region->rights & (NO_MAPPING | VMSND_READ)) == VMSND_READ) {
		memcpy(to, piece.at, bytes);
		return VMSND_OK;
	}
	rc = do_check(mem, from, bytes, VMSND_READ);
	while (rc == VMSND_OK && bytes > 0 && piece_at(mem, from, bytes, &piece)) {
		if (piece.region->remote)
			return piece.region->remote->read(piece.region->remote->ctx, from, next,
							  bytes);
		memcpy(next, piece.at, (size_t)piece.bytes);
		next += piece.bytes;
		from += piece.bytes;
		bytes -= (size_t)piece.bytes;
	}
	return rc;
}

static enum vmsnd_rc do_write(struct vmsnd_gmem *mem, vmsnd_gpa to, const void *from, size_t bytes)
{
	struct piece piece;
	const uint8_t *next = from;
	enum vmsnd_rc rc;

	if (bytes > 0 && piece_at(mem, to, bytes, &piece) && piece.bytes == bytes &&
	    (piece.region->rights & (NO_MAPPING | VMSND_WRITE)) == VMSND_WRITE) {
		memcpy(piece.at, from, bytes);
		return VMSND_OK;
	}
	rc = do_check(mem, to, bytes, VMSND_WRITE);
	while (rc == VMSND_OK && bytes > 0 && piece_at(mem, to, bytes, &piece)) {
		if (piece.region->remote)
			return piece.region->remote->write(piece.region->remote->ctx, to, next,
							   bytes);
		memcpy(piece.at, next, (size_t)piece.bytes);
		next += piece.bytes;
		to += piece.bytes;
		bytes -= (size_t)piece.bytes;
	}
	return rc;
}

/* Where a 16-bit index lies. An odd address, or one whose mapping is odd, could tear; without a
 * mapping there is nothing to share. */
static enum vmsnd_rc index_at(struct vmsnd_gmem *mem, vmsnd_gpa gpa, unsigned right, uint16_t **at)
{
	struct piece piece;

	if (!piece_at(mem, gpa, sizeof(uint16_t), &piece) || piece.bytes < sizeof(uint16_t) ||
	    piece.region->remote || gpa % sizeof(uint16_t) != 0 ||
	    (uintptr_t)piece.at % sizeof(uint16_t) != 0)
		return VMSND_E_RANGE;
	if (!(piece.region->rights & right))
		return VMSND_E_DENIED;
	*at = (uint16_t *)(void *)piece.at;
	return VMSND_OK;
}

static enum vmsnd_rc do_load16(struct vmsnd_gmem *mem, vmsnd_gpa from, uint16_t *value)
{
	uint16_t *at;
	enum vmsnd_rc rc = index_at(mem, from, VMSND_READ, &at);

	if (rc == VMSND_OK)
		*value = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	return rc;
}

static enum vmsnd_rc do_store16(struct vmsnd_gmem *mem, vmsnd_gpa to, uint16_t value)
{
	uint16_t *at;
	enum vmsnd_rc rc = index_at(mem, to, VMSND_WRITE, &at);

	if (rc == VMSND_OK)
		__atomic_store_n(at, value, __ATOMIC_RELEASE);
	return rc;
}

/* ---- with a guard before it, or without ---- */

/* Wraps are not within; nothing is everywhere. */
static bool within(const struct vmsnd_gmem_guard *guard, vmsnd_gpa gpa, uint64_t bytes)
{
	return bytes == 0 ||
	       (gpa >= guard->first && gpa <= guard->last && bytes - 1 <= guard->last - gpa);
}

static enum vmsnd_rc tell(const struct vmsnd_gmem *mem, struct vmsnd_gmem_event *event,
			  enum vmsnd_rc rc)
{
	event->rc = rc;
	if (mem->guard->told)
		mem->guard->told(mem->guard->ctx, event);
	return rc;
}

/* The same for what a device does: refusals count; an answer that is to come is none. */
static enum vmsnd_rc judge(const struct vmsnd_gmem *mem, struct vmsnd_gmem_event *event,
			   enum vmsnd_rc rc)
{
	mem->guard->refusals += rc != VMSND_OK && rc != VMSND_E_AGAIN;
	return tell(mem, event, rc);
}

static bool guarded(const struct vmsnd_gmem *mem)
{
	return __builtin_expect(mem->guard != NULL, 0);
}

/* Somebody is to be told of what the device writes. */
static bool observed(const struct vmsnd_gmem *mem)
{
	return __builtin_expect(mem->guard != NULL || mem->wrote != NULL, 0);
}

/* A write, as it ended: for whom notes what is no longer as it was, and for the guard. */
static enum vmsnd_rc written(const struct vmsnd_gmem *mem, struct vmsnd_gmem_event *event,
			     enum vmsnd_rc rc)
{
	if (rc == VMSND_OK && mem->wrote && event->bytes > 0)
		mem->wrote(mem->wrote_ctx, event->gpa, event->bytes);
	return mem->guard ? judge(mem, event, rc) : rc;
}

enum vmsnd_rc vmsnd_gmem_add(struct vmsnd_gmem *mem, const struct vmsnd_region *region)
{
	struct vmsnd_gmem_event event = {.call = VMSND_GMEM_ADD,
					 .gpa = region->gpa,
					 .bytes = region->bytes,
					 .rights = region->rights};
	enum vmsnd_rc rc = do_add(mem, region);

	return guarded(mem) ? tell(mem, &event, rc) : rc;
}

enum vmsnd_rc vmsnd_gmem_remove(struct vmsnd_gmem *mem, vmsnd_gpa gpa, uint64_t bytes)
{
	struct vmsnd_gmem_event event = {.call = VMSND_GMEM_REMOVE, .gpa = gpa, .bytes = bytes};
	enum vmsnd_rc rc = do_remove(mem, gpa, bytes);

	return guarded(mem) ? tell(mem, &event, rc) : rc;
}

static enum vmsnd_rc check_guarded(struct vmsnd_gmem *mem, vmsnd_gpa at, uint64_t bytes,
				   unsigned rights)
{
	struct vmsnd_gmem_event event = {
	    .call = VMSND_GMEM_CHECK, .gpa = at, .bytes = bytes, .rights = rights};
	bool in = within(mem->guard, at, bytes);

	return judge(mem, &event, in ? do_check(mem, at, bytes, rights) : VMSND_E_RANGE);
}

enum vmsnd_rc vmsnd_gmem_check(struct vmsnd_gmem *mem, vmsnd_gpa at, uint64_t bytes,
			       unsigned rights)
{
	return guarded(mem) ? check_guarded(mem, at, bytes, rights)
			    : do_check(mem, at, bytes, rights);
}

static enum vmsnd_rc read_guarded(struct vmsnd_gmem *mem, vmsnd_gpa from, void *to, size_t bytes)
{
	struct vmsnd_gmem_event event = {.call = VMSND_GMEM_READ, .gpa = from, .bytes = bytes};
	bool in = within(mem->guard, from, bytes);

	return judge(mem, &event, in ? do_read(mem, from, to, bytes) : VMSND_E_RANGE);
}

enum vmsnd_rc vmsnd_gmem_read(struct vmsnd_gmem *mem, vmsnd_gpa from, void *to, size_t bytes)
{
	return guarded(mem) ? read_guarded(mem, from, to, bytes) : do_read(mem, from, to, bytes);
}

static enum vmsnd_rc write_observed(struct vmsnd_gmem *mem, vmsnd_gpa to, const void *from,
				    size_t bytes)
{
	struct vmsnd_gmem_event event = {.call = VMSND_GMEM_WRITE, .gpa = to, .bytes = bytes};
	bool in = !mem->guard || within(mem->guard, to, bytes);

	return written(mem, &event, in ? do_write(mem, to, from, bytes) : VMSND_E_RANGE);
}

enum vmsnd_rc vmsnd_gmem_write(struct vmsnd_gmem *mem, vmsnd_gpa to, const void *from, size_t bytes)
{
	return observed(mem) ? write_observed(mem, to, from, bytes)
			     : do_write(mem, to, from, bytes);
}

static enum vmsnd_rc load16_guarded(struct vmsnd_gmem *mem, vmsnd_gpa from, uint16_t *value)
{
	struct vmsnd_gmem_event event = {
	    .call = VMSND_GMEM_LOAD16, .gpa = from, .bytes = sizeof(*value)};
	enum vmsnd_rc rc =
	    within(mem->guard, from, sizeof(*value)) ? do_load16(mem, from, value) : VMSND_E_RANGE;

	event.value = rc == VMSND_OK ? *value : 0;
	return judge(mem, &event, rc);
}

enum vmsnd_rc vmsnd_gmem_load16(struct vmsnd_gmem *mem, vmsnd_gpa from, uint16_t *value)
{
	return guarded(mem) ? load16_guarded(mem, from, value) : do_load16(mem, from, value);
}

static enum vmsnd_rc store16_observed(struct vmsnd_gmem *mem, vmsnd_gpa to, uint16_t value)
{
	struct vmsnd_gmem_event event = {
	    .call = VMSND_GMEM_STORE16, .gpa = to, .bytes = sizeof(value), .value = value};
	bool in = !mem->guard || within(mem->guard, to, sizeof(value));

	return written(mem, &event, in ? do_store16(mem, to, value) : VMSND_E_RANGE);
}

enum vmsnd_rc vmsnd_gmem_store16(struct vmsnd_gmem *mem, vmsnd_gpa to, uint16_t value)
{
	return observed(mem) ? store16_observed(mem, to, value) : do_store16(mem, to, value);
}
