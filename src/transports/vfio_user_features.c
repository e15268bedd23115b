/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_FEATURE: the states of a card that is moved, and the pages that it writes to. */
#include <string.h>

#include "base/endian.h"
#include "transports/vfio_user_room.h"

#define FLAG_STOP_COPY 1u
#define FLAG_PRE_COPY  4u

/* ---- features ------------------------------------------------------------------------------- */

static const char small_argsz[] = "an argsz smaller than the answer";

/* The features' own part of a message. */
struct data {
	const uint8_t *at;
	uint32_t bytes;
	uint32_t answer_max; /* of the answer's own part, as the client wants it */
};

static const char *get_migration(struct vmsnd_transport *bus, const struct data *data,
				 struct vmsnd_vfu_answer *answer)
{
	if (data->answer_max < 8)
		return small_argsz;
	vmsnd_put_le64(answer->to + answer->bytes, FLAG_STOP_COPY | FLAG_PRE_COPY);
	answer->bytes += 8;
	return NULL;
}

static const char *get_state(struct vmsnd_transport *bus, const struct data *data,
			     struct vmsnd_vfu_answer *answer)
{
	if (data->answer_max < 8)
		return small_argsz;
	vmsnd_put_le32(answer->to + answer->bytes, bus->migration.state);
	vmsnd_put_le32(answer->to + answer->bytes + 4, UINT32_MAX); /* no descriptor */
	answer->bytes += 8;
	return NULL;
}

static const char *set_state(struct vmsnd_transport *bus, const struct data *data,
			     struct vmsnd_vfu_answer *answer)
{
	if (data->bytes < 8)
		return "a migration state that is not whole";
	return vmsnd_vfu_migration_change(bus, vmsnd_le32(data->at), answer);
}

/* ---- dirty pages -------------------------------------------------------------------------------
 */

#define RANGES_MAX     256u /* as many as Linux promises at least */
#define RANGE_BYTES    16u
#define CONTROL_BYTES  16u
#define REPORT_BYTES   24u
#define PAGE_BYTES_MAX (UINT64_C(1) << 30)

static bool overlaps_before(const uint8_t *ranges, uint32_t at)
{
	uint64_t first = vmsnd_le64(ranges + at * RANGE_BYTES);
	uint64_t bytes = vmsnd_le64(ranges + at * RANGE_BYTES + 8);

	for (uint32_t i = 0; i < at; i++) {
		uint64_t other = vmsnd_le64(ranges + i * RANGE_BYTES);

		if (first - other < vmsnd_le64(ranges + i * RANGE_BYTES + 8) ||
		    other - first < bytes)
			return true;
	}
	return false;
}

/* Ranges only say what need not be noted, and all is: they are checked and forgotten. */
static const char *check_ranges(const uint8_t *ranges, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t first = vmsnd_le64(ranges + i * RANGE_BYTES);
		uint64_t bytes = vmsnd_le64(ranges + i * RANGE_BYTES + 8);

		if (bytes == 0 || first > UINT64_MAX - (bytes - 1))
			return "a range to be logged that is none, or wraps";
		if (overlaps_before(ranges, i))
			return "ranges to be logged that overlap";
	}
	return NULL;
}

static const char *check_control(const struct data *data, uint64_t *page_bytes)
{
	uint32_t n;

	if (data->bytes < CONTROL_BYTES)
		return "a start of logging that is not whole";
	*page_bytes = vmsnd_le64(data->at);
	n = vmsnd_le32(data->at + 8);
	if (*page_bytes == 0 || (*page_bytes & (*page_bytes - 1)) != 0)
		return "a page size that is no power of two";
	if (n > RANGES_MAX)
		return "more ranges to be logged than are taken";
	if (data->bytes - CONTROL_BYTES < n * RANGE_BYTES)
		return "fewer ranges to be logged than the message says";
	if (*page_bytes < VMSND_VFU_PAGE_BYTES)
		*page_bytes = VMSND_VFU_PAGE_BYTES;
	if (*page_bytes > PAGE_BYTES_MAX)
		*page_bytes = PAGE_BYTES_MAX;
	return check_ranges(data->at + CONTROL_BYTES, n);
}

/* The answer, which is the question once more, tells the page size that it became. */
static const char *start_logging(struct vmsnd_transport *bus, const struct data *data,
				 struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_dirty *dirty = &bus->migration.dirty;
	uint64_t page_bytes;
	const char *why = check_control(data, &page_bytes);

	if (why)
		return why;
	if (dirty->page_bytes != 0 && dirty->page_bytes != page_bytes)
		return "a start of logging that is under way with other pages";
	vmsnd_put_le64(answer->to + VMSND_VFU_FEATURE_BYTES, page_bytes);
	if (dirty->page_bytes != 0)
		return NULL;
	vmsnd_dirty_start(dirty, page_bytes);
	bus->mem->wrote_ctx = dirty;
	bus->mem->wrote = vmsnd_dirty_note;
	return NULL;
}

void vmsnd_vfu_logging_end(struct vmsnd_transport *bus)
{
	bus->mem->wrote = NULL;
	vmsnd_dirty_stop(&bus->migration.dirty);
}

static const char *stop_logging(struct vmsnd_transport *bus, const struct data *data,
				struct vmsnd_vfu_answer *answer)
{
	vmsnd_vfu_logging_end(bus);
	return NULL;
}

static const char not_logging[] = "a question for dirty pages that are not being logged";

static const char *report(struct vmsnd_transport *bus, const struct data *data,
			  struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_dirty_map map;
	uint64_t bytes;

	if (data->bytes < REPORT_BYTES)
		return "a question for dirty pages that is not whole";
	map = (struct vmsnd_dirty_map){.first = vmsnd_le64(data->at),
				       .bytes = vmsnd_le64(data->at + 8),
				       .page_bytes = vmsnd_le64(data->at + 16)};
	if (bus->migration.dirty.page_bytes == 0)
		return not_logging;
	bytes = vmsnd_dirty_map_bytes(&map);
	if (bytes == UINT64_MAX)
		return "a range or a page size that cannot be";
	if (bytes > VMSND_VFU_DATA_MAX)
		return "a bitmap larger than any message";
	if (data->answer_max < REPORT_BYTES + bytes)
		return small_argsz;
	memcpy(answer->to + answer->bytes, data->at, REPORT_BYTES);
	answer->bytes += REPORT_BYTES;
	vmsnd_dirty_take(&bus->migration.dirty, &map, answer->to + answer->bytes);
	answer->bytes += (uint32_t)bytes;
	return NULL;
}

const char *vmsnd_vfu_unmap_bitmap(struct vmsnd_transport *bus,
				   const struct vmsnd_vfu_dma_unmap *unmap,
				   struct vmsnd_vfu_answer *answer)
{
	const struct vmsnd_dirty_map map = {
	    .first = unmap->gpa, .bytes = unmap->bytes, .page_bytes = unmap->page_bytes};
	uint64_t bytes = vmsnd_dirty_map_bytes(&map);

	if (bus->migration.dirty.page_bytes == 0)
		return not_logging;
	if (bytes == UINT64_MAX)
		return "a page size that is no power of two";
	if (bytes > unmap->bitmap_bytes)
		return "a bitmap too small for its range";
	memset(answer->to + answer->bytes, 0, (size_t)unmap->bitmap_bytes);
	vmsnd_dirty_take(&bus->migration.dirty, &map, answer->to + answer->bytes);
	answer->bytes += (uint32_t)unmap->bitmap_bytes;
	return NULL;
}

/* ---- the table of features ---------------------------------------------------------------------
 */

typedef const char *feature_act(struct vmsnd_transport *bus, const struct data *data,
				struct vmsnd_vfu_answer *answer);

static const struct feature {
	feature_act *get, *set;
	bool moves; /* of a card that can be moved only */
} features[] = {
    [1] = {.get = get_migration, .moves = true},
    [2] = {.get = get_state, .set = set_state, .moves = true},
    [6] = {.set = start_logging},
    [7] = {.set = stop_logging},
    [8] = {.get = report},
};

static const struct feature *feature_of(const struct vmsnd_transport *bus, uint32_t flags)
{
	uint32_t index = flags & VMSND_VFU_FEATURE_INDEX;
	const struct feature *feature;

	if (index >= sizeof(features) / sizeof(features[0]))
		return NULL;
	feature = &features[index];
	return (feature->get || feature->set) &&
		       (!feature->moves || vmsnd_vfu_migration_possible(bus))
		   ? feature
		   : NULL;
}

static const char *check_operations(const struct feature *feature, uint32_t flags)
{
	bool gets = flags & VMSND_VFU_FEATURE_GET, sets = flags & VMSND_VFU_FEATURE_SET;

	if (flags & ~(VMSND_VFU_FEATURE_INDEX | VMSND_VFU_FEATURE_GET | VMSND_VFU_FEATURE_SET |
		      VMSND_VFU_FEATURE_PROBE))
		return "an operation on a device feature that no standard knows";
	if ((gets && !feature->get) || (sets && !feature->set))
		return "an operation that the device feature does not have";
	if (!(flags & VMSND_VFU_FEATURE_PROBE) && gets == sets)
		return "not one operation on a device feature";
	return NULL;
}

const char *vmsnd_vfu_device_feature(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct vmsnd_vfu_answer *answer)
{
	uint32_t bytes = vmsnd_vfu_payload_bytes(&bus->header);
	const struct feature *feature;
	struct vmsnd_vfu_two two;
	struct data data;
	const char *why;

	vmsnd_vfu_two_get(payload, &two);
	feature = feature_of(bus, two.second);
	if (!feature) {
		answer->quiet = true; /* VMMs ask for what there may be */
		return vmsnd_vfu_refuse(answer, VMSND_VFU_ENOTTY,
					"a device feature that the card does not have");
	}
	why = check_operations(feature, two.second);
	if (why)
		return why;
	data = (struct data){.at = payload + VMSND_VFU_FEATURE_BYTES,
			     .bytes = bytes - VMSND_VFU_FEATURE_BYTES,
			     .answer_max = two.argsz - VMSND_VFU_FEATURE_BYTES};
	if (!(two.second & VMSND_VFU_FEATURE_GET) || two.second & VMSND_VFU_FEATURE_PROBE) {
		if (two.argsz < bytes)
			return small_argsz;
		memcpy(answer->to, payload, bytes);
		answer->bytes = bytes;
		if (!(two.second & VMSND_VFU_FEATURE_PROBE))
			why = feature->set(bus, &data, answer);
		return why;
	}
	answer->bytes = VMSND_VFU_FEATURE_BYTES;
	why = feature->get(bus, &data, answer);
	two.argsz = answer->bytes;
	vmsnd_vfu_two_put(answer->to, &two);
	return why;
}
