/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/dirty.h"

#include <string.h>

void vmsnd_dirty_start(struct vmsnd_dirty *dirty, uint64_t page_bytes)
{
	*dirty = (struct vmsnd_dirty){.page_bytes = page_bytes};
}

void vmsnd_dirty_stop(struct vmsnd_dirty *dirty)
{
	vmsnd_dirty_start(dirty, 0);
}

/* ---- ranges ------------------------------------------------------------------------------- */

/* The first that ends at `at` or beyond. */
static unsigned lower_bound(const struct vmsnd_dirty *dirty, vmsnd_gpa at)
{
	unsigned low = 0, high = dirty->n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (dirty->ranges[middle].last < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* `take` of them from `at` on give way to `put`. */
static void replace(struct vmsnd_dirty *dirty, unsigned at, unsigned take, unsigned put)
{
	memmove(&dirty->ranges[at + put], &dirty->ranges[at + take],
		(dirty->n - at - take) * sizeof(dirty->ranges[0]));
	dirty->n = dirty->n - take + put;
}

static void join_closest(struct vmsnd_dirty *dirty)
{
	uint64_t least = UINT64_MAX;
	unsigned best = 0;

	for (unsigned i = 0; i + 1 < dirty->n; i++) {
		uint64_t gap = dirty->ranges[i + 1].first - dirty->ranges[i].last;

		if (gap >= least)
			continue;
		least = gap;
		best = i;
	}
	dirty->ranges[best].last = dirty->ranges[best + 1].last;
	replace(dirty, best + 1, 1, 0);
	dirty->hot = 0;
}

static void add(struct vmsnd_dirty *dirty, vmsnd_gpa first, vmsnd_gpa last)
{
	/* What adjoins becomes one. */
	unsigned at = lower_bound(dirty, first > 0 ? first - 1 : 0), end = at;

	while (end < dirty->n && (last == UINT64_MAX || dirty->ranges[end].first <= last + 1)) {
		if (dirty->ranges[end].first < first)
			first = dirty->ranges[end].first;
		if (dirty->ranges[end].last > last)
			last = dirty->ranges[end].last;
		end++;
	}
	replace(dirty, at, end - at, 1);
	dirty->ranges[at] = (struct vmsnd_dirty_range){first, last};
	dirty->hot = at;
	if (dirty->n > VMSND_DIRTY_RANGES_MAX)
		join_closest(dirty);
}

void vmsnd_dirty_note(void *ctx, vmsnd_gpa at, uint64_t bytes)
{
	struct vmsnd_dirty *dirty = ctx;
	uint64_t within = dirty->page_bytes - 1;
	const struct vmsnd_dirty_range *hot = &dirty->ranges[dirty->hot];

	if (dirty->page_bytes == 0)
		return;
	if (dirty->n > 0 && hot->first <= at && at + (bytes - 1) <= hot->last)
		return;
	add(dirty, at & ~within, (at + (bytes - 1)) | within);
}

/* ---- bitmaps ------------------------------------------------------------------------------ */

uint64_t vmsnd_dirty_map_bytes(const struct vmsnd_dirty_map *map)
{
	uint64_t pages;

	if (map->bytes == 0 || map->first > UINT64_MAX - (map->bytes - 1) || map->page_bytes == 0 ||
	    (map->page_bytes & (map->page_bytes - 1)) != 0)
		return UINT64_MAX;
	pages = (map->bytes - 1) / map->page_bytes + 1;
	return (pages / 64 + (pages % 64 != 0)) * 8;
}

static void set_bits(uint8_t *to, uint64_t first, uint64_t last)
{
	for (uint64_t bit = first; bit <= last;) {
		if (bit % 8 == 0 && last - bit >= 7) {
			to[bit / 8] = 0xff;
			bit += 8;
		} else {
			to[bit / 8] |= (uint8_t)(1u << bit % 8);
			bit++;
		}
	}
}

/* Takes [first, last] out of the range at `at`; where the next one is. Without room for two pieces
 * of it, it stays, and is told once more. */
static unsigned cut(struct vmsnd_dirty *dirty, unsigned at, vmsnd_gpa first, vmsnd_gpa last)
{
	struct vmsnd_dirty_range whole = dirty->ranges[at];
	unsigned left = whole.first<first, right = whole.last> last;

	if (left && right && dirty->n >= VMSND_DIRTY_RANGES_MAX)
		return at + 1;
	replace(dirty, at, 1, left + right);
	if (left)
		dirty->ranges[at] = (struct vmsnd_dirty_range){whole.first, first - 1};
	if (right)
		dirty->ranges[at + left] = (struct vmsnd_dirty_range){last + 1, whole.last};
	return at + left + right;
}

void vmsnd_dirty_take(struct vmsnd_dirty *dirty, const struct vmsnd_dirty_map *map, uint8_t *to)
{
	vmsnd_gpa first = map->first, last = first + (map->bytes - 1);
	unsigned at = lower_bound(dirty, first);

	memset(to, 0, (size_t)vmsnd_dirty_map_bytes(map));
	while (at < dirty->n && dirty->ranges[at].first <= last) {
		const struct vmsnd_dirty_range *range = &dirty->ranges[at];
		vmsnd_gpa from = range->first > first ? range->first : first;
		vmsnd_gpa until = range->last < last ? range->last : last;

		set_bits(to, (from - first) / map->page_bytes, (until - first) / map->page_bytes);
		at = cut(dirty, at, first, last);
	}
	dirty->hot = 0;
}
