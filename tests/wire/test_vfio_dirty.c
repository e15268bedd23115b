/* SPDX-License-Identifier: BSD-3-Clause */
/* Dirty pages, as a VMM that moves a card asks for them: in room of a fixed size, never fewer than
 * were written to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "transports/dirty.h"
#include "vfio_stage.h"

#define PAGE 4096u

/* ---- the notes themselves ---- */

static bool bit(const uint8_t *map, uint64_t n)
{
	return map[n / 8] >> n % 8 & 1;
}

static void take(struct vmsnd_dirty *dirty, vmsnd_gpa first, uint64_t bytes, uint64_t page,
		 uint8_t *to)
{
	const struct vmsnd_dirty_map map = {.first = first, .bytes = bytes, .page_bytes = page};

	vmsnd_dirty_take(dirty, &map, to);
}

static void test_a_write_is_told_once_by_each_page_it_touches(void **state)
{
	static struct vmsnd_dirty dirty;
	uint8_t map[8];

	vmsnd_dirty_note(&dirty, 0, 1); /* not started */
	vmsnd_dirty_start(&dirty, PAGE);
	vmsnd_dirty_note(&dirty, 2 * PAGE - 1, 2);
	vmsnd_dirty_note(&dirty, 5 * PAGE, PAGE);
	take(&dirty, 0, 64 * PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 1u << 1 | 1u << 2 | 1u << 5);
	take(&dirty, 0, 64 * PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 0);
}

static void test_only_what_was_asked_for_is_forgotten(void **state)
{
	static struct vmsnd_dirty dirty;
	uint8_t map[8];

	vmsnd_dirty_start(&dirty, PAGE);
	vmsnd_dirty_note(&dirty, 0, 10 * PAGE);
	take(&dirty, 4 * PAGE, 2 * PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 3);
	take(&dirty, 0, 64 * PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 0x3cf);
}

static void test_pages_of_other_sizes(void **state)
{
	static struct vmsnd_dirty dirty;
	uint8_t map[16];

	vmsnd_dirty_start(&dirty, 4 * PAGE);
	vmsnd_dirty_note(&dirty, 9 * PAGE, 1); /* pages 8 .. 11 */
	take(&dirty, 0, 128 * PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 0xf00);
	vmsnd_dirty_note(&dirty, 9 * PAGE, 1);
	take(&dirty, 0, 1024 * PAGE, 16 * PAGE, map);
	assert_int_equal(vmsnd_le64(map), 1);
	/* From the middle of a page on. */
	vmsnd_dirty_note(&dirty, 9 * PAGE, 1);
	take(&dirty, 9 * PAGE + 5, 3 * PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 7);
}

static void test_sizes_of_bitmaps(void **state)
{
	static const struct {
		struct vmsnd_dirty_map map;
		uint64_t bytes;
	} rows[] = {
	    {{0, PAGE, PAGE}, 8},
	    {{0, 64 * PAGE, PAGE}, 8},
	    {{0, 64 * PAGE + 1, PAGE}, 16},
	    {{0, UINT64_MAX, UINT64_C(1) << 63}, 8},
	    {{0, UINT64_MAX, 1}, UINT64_C(1) << 61},
	    {{0, 0, PAGE}, UINT64_MAX},
	    {{UINT64_MAX, 2, PAGE}, UINT64_MAX},
	    {{UINT64_MAX, 1, PAGE}, 8},
	    {{0, PAGE, 0}, UINT64_MAX},
	    {{0, PAGE, 3 * PAGE}, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(vmsnd_dirty_map_bytes(&rows[i].map), rows[i].bytes);
}

/* Against a byte for each page: never less, and exact as long as there is room. */
static void against_a_model(unsigned pages, unsigned notes, bool exact)
{
	static struct vmsnd_dirty dirty;
	uint8_t *model = calloc(pages, 1), *map = malloc(pages / 8 + 8);
	uint64_t random = 88172645463325252u;

	vmsnd_dirty_start(&dirty, PAGE);
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < notes; i++) {
			uint64_t at, bytes;

			random = random * 6364136223846793005u + 1442695040888963407u;
			at = (random >> 33) % ((uint64_t)pages * PAGE);
			bytes = 1 + (random >> 20) % (2 * PAGE);
			if (at + bytes > (uint64_t)pages * PAGE)
				bytes = 1;
			vmsnd_dirty_note(&dirty, at, bytes);
			for (uint64_t p = at / PAGE; p <= (at + bytes - 1) / PAGE; p++)
				model[p] = 1;
		}
		assert_true(dirty.n <= VMSND_DIRTY_RANGES_MAX);
		for (unsigned i = 1; i < dirty.n; i++)
			assert_true(dirty.ranges[i].first > dirty.ranges[i - 1].last + 1);
		take(&dirty, 0, (uint64_t)pages / 2 * PAGE, PAGE, map);
		for (unsigned p = 0; p < pages / 2; p++) {
			assert_true(bit(map, p) >= model[p]);
			if (exact)
				assert_int_equal(bit(map, p), model[p]);
			model[p] = 0;
		}
	}
	free(model);
	free(map);
}

static void test_never_less_than_was_written(void **state)
{
	against_a_model(512, 100, true);
	against_a_model(100000, 2000, false);
}

static void test_the_end_of_all_addresses(void **state)
{
	static struct vmsnd_dirty dirty;
	uint8_t map[8];

	vmsnd_dirty_start(&dirty, PAGE);
	vmsnd_dirty_note(&dirty, UINT64_MAX - 10, 11);
	vmsnd_dirty_note(&dirty, UINT64_MAX - 2 * PAGE, 1);
	vmsnd_dirty_note(&dirty, 0, 1);
	take(&dirty, UINT64_MAX - (4 * PAGE - 1), 4 * PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 0xa);
	take(&dirty, 0, PAGE, PAGE, map);
	assert_int_equal(vmsnd_le64(map), 1);
}

/* ---- over the wire ---- */

enum { START = 6, STOP = 7, REPORT = 8 };

static uint32_t feature(struct vfio_stage *stage, uint32_t argsz, uint32_t flags, const void *data,
			uint32_t bytes)
{
	static uint8_t payload[VMSND_VFU_PAYLOAD_MAX];
	const struct vmsnd_vfu_two two = {argsz, flags};
	uint32_t head = vmsnd_vfu_two_put(payload, &two);

	if (bytes > 0)
		memcpy(payload + head, data, bytes);
	return vfio_stage_call(stage, VMSND_VFU_DEVICE_FEATURE, payload, head + bytes);
}

static uint32_t start(struct vfio_stage *stage, uint64_t page, uint32_t n, const uint64_t *ranges)
{
	uint8_t data[16 + 300 * 16] = {0};

	vmsnd_put_le64(data, page);
	vmsnd_put_le32(data + 8, n);
	if (n > 0 && ranges)
		memcpy(data + 16, ranges, n * 16);
	return feature(stage, 4096 * 2, VMSND_VFU_FEATURE_SET | START, data,
		       16 + (ranges ? n * 16 : 0));
}

static uint32_t report(struct vfio_stage *stage, uint64_t first, uint64_t bytes, uint64_t page,
		       uint32_t argsz)
{
	uint8_t data[24];

	vmsnd_put_le64(data, first);
	vmsnd_put_le64(data + 8, bytes);
	vmsnd_put_le64(data + 16, page);
	return feature(stage, argsz, VMSND_VFU_FEATURE_GET | REPORT, data, sizeof(data));
}

static int memory_fd(uint64_t bytes)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		abort();
	return fd;
}

static struct vfio_stage *open_with_memory(uint64_t bytes)
{
	struct vfio_stage *stage = vfio_stage_open(NULL);
	int fd = memory_fd(bytes);

	assert_int_equal(vfio_stage_map(stage, 0, bytes, fd), 0);
	close(fd);
	return stage;
}

static void test_what_the_card_writes_is_reported(void **state)
{
	struct vfio_stage *stage = open_with_memory(256 * PAGE);

	assert_int_equal(vmsnd_gmem_write(&stage->mem, 0, "x", 1), VMSND_OK);
	assert_int_equal(start(stage, PAGE, 0, NULL), 0);
	assert_int_equal(vmsnd_le64(stage->payload + 8), PAGE);
	assert_int_equal(vmsnd_gmem_write(&stage->mem, 3 * PAGE, "xy", 2), VMSND_OK);
	assert_int_equal(vmsnd_gmem_store16(&stage->mem, 70 * PAGE, 1), VMSND_OK);
	assert_int_equal(vmsnd_gmem_write(&stage->mem, 300 * PAGE, "xy", 2), VMSND_E_RANGE);
	assert_int_equal(report(stage, 0, 128 * PAGE, PAGE, 8 + 24 + 16), 0);
	assert_int_equal(stage->bytes, 8 + 24 + 16);
	assert_int_equal(vmsnd_le32(stage->payload), 8 + 24 + 16);
	assert_int_equal(vmsnd_le64(stage->payload + 32), 8);
	assert_int_equal(vmsnd_le64(stage->payload + 40), 1u << 6);
	assert_int_equal(report(stage, 0, 128 * PAGE, PAGE, 1000), 0);
	assert_int_equal(vmsnd_le64(stage->payload + 32) | vmsnd_le64(stage->payload + 40), 0);
	assert_int_equal(feature(stage, 8, VMSND_VFU_FEATURE_SET | STOP, NULL, 0), 0);
	assert_null(stage->mem.wrote);
	assert_int_equal(report(stage, 0, 128 * PAGE, PAGE, 1000), VMSND_VFU_EINVAL);
	vfio_stage_close(stage);
}

static void test_page_sizes_are_chosen_and_told(void **state)
{
	static const struct {
		uint64_t asked, chosen;
	} rows[] = {{512, 4096}, {4096, 4096}, {65536, 65536}, {UINT64_C(1) << 40, 1 << 30}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vfio_stage *stage = open_with_memory(16 * PAGE);

		assert_int_equal(start(stage, rows[i].asked, 0, NULL), 0);
		assert_int_equal(vmsnd_le64(stage->payload + 8), rows[i].chosen);
		/* Once more is the same; with other pages it is not. */
		assert_int_equal(start(stage, rows[i].asked, 0, NULL), 0);
		assert_int_equal(start(stage, 2 * rows[i].chosen, 0, NULL),
				 rows[i].chosen == 1 << 30 ? 0 : VMSND_VFU_EINVAL);
		vfio_stage_close(stage);
	}
}

static void test_ranges_that_cannot_be(void **state)
{
	static const uint64_t none[] = {0, 0}, wraps[] = {UINT64_MAX - 1, 3};
	static const uint64_t twice[] = {0, 8192, 4096, 4096}, fine[] = {0, 4096, 4096, 4096};
	struct vfio_stage *stage = open_with_memory(16 * PAGE);

	assert_int_equal(start(stage, 0, 0, NULL), VMSND_VFU_EINVAL);
	assert_int_equal(start(stage, 3 * PAGE, 0, NULL), VMSND_VFU_EINVAL);
	assert_int_equal(start(stage, PAGE, 1, none), VMSND_VFU_EINVAL);
	assert_int_equal(start(stage, PAGE, 1, wraps), VMSND_VFU_EINVAL);
	assert_int_equal(start(stage, PAGE, 2, twice), VMSND_VFU_EINVAL);
	assert_int_equal(start(stage, PAGE, 2, NULL), VMSND_VFU_EINVAL);
	assert_int_equal(start(stage, PAGE, UINT32_MAX, NULL), VMSND_VFU_EINVAL);
	assert_null(stage->mem.wrote);
	assert_int_equal(start(stage, PAGE, 2, fine), 0);
	vfio_stage_close(stage);
}

static void test_reports_that_cannot_be(void **state)
{
	struct vfio_stage *stage = open_with_memory(16 * PAGE);

	assert_int_equal(report(stage, 0, PAGE, PAGE, 1000), VMSND_VFU_EINVAL); /* not started */
	assert_int_equal(start(stage, PAGE, 0, NULL), 0);
	assert_int_equal(report(stage, 0, 0, PAGE, 1000), VMSND_VFU_EINVAL);
	assert_int_equal(report(stage, 0, PAGE, 0, 1000), VMSND_VFU_EINVAL);
	assert_int_equal(report(stage, 0, PAGE, 5000, 1000), VMSND_VFU_EINVAL);
	assert_int_equal(report(stage, UINT64_MAX, 2, PAGE, 1000), VMSND_VFU_EINVAL);
	assert_int_equal(report(stage, 0, PAGE, PAGE, 39), VMSND_VFU_EINVAL);
	assert_int_equal(report(stage, 0, PAGE, PAGE, 40), 0);
	/* No more than a message has. */
	assert_int_equal(report(stage, 0, UINT64_C(1) << 36, PAGE, UINT32_MAX), VMSND_VFU_EINVAL);
	assert_int_equal(report(stage, 0, UINT64_MAX, 1, UINT32_MAX), VMSND_VFU_EINVAL);
	assert_int_equal(report(stage, 0, UINT64_C(1) << 35, PAGE, UINT32_MAX), 0);
	assert_int_equal(stage->bytes, 8 + 24 + (1 << 20));
	vfio_stage_close(stage);
}

static uint32_t unmap_with_bitmap(struct vfio_stage *stage, uint64_t page, uint64_t bytes)
{
	const struct vmsnd_vfu_dma_unmap unmap = {.argsz = 40 + (uint32_t)bytes,
						  .flags = VMSND_VFU_UNMAP_GET_BITMAP,
						  .bytes = 128 * PAGE,
						  .page_bytes = page,
						  .bitmap_bytes = bytes};
	uint8_t payload[40];

	return vfio_stage_call(stage, VMSND_VFU_DMA_UNMAP, payload,
			       vmsnd_vfu_dma_unmap_put(payload, &unmap));
}

static void test_an_unmap_tells_what_was_written_there(void **state)
{
	struct vfio_stage *stage = open_with_memory(128 * PAGE);

	assert_int_equal(unmap_with_bitmap(stage, PAGE, 16), VMSND_VFU_EINVAL); /* not started */
	assert_int_equal(start(stage, PAGE, 0, NULL), 0);
	assert_int_equal(vmsnd_gmem_write(&stage->mem, 66 * PAGE, "x", 1), VMSND_OK);
	assert_int_equal(unmap_with_bitmap(stage, PAGE, 8), VMSND_VFU_EINVAL);
	assert_int_equal(unmap_with_bitmap(stage, 0, 16), VMSND_VFU_EINVAL);
	assert_int_equal(stage->mem.n_regions, 1);
	assert_int_equal(unmap_with_bitmap(stage, PAGE, 16), 0);
	assert_int_equal(stage->mem.n_regions, 0);
	assert_int_equal(stage->bytes, 56);
	assert_int_equal(vmsnd_le64(stage->payload + 40), 0);
	assert_int_equal(vmsnd_le64(stage->payload + 48), 4);
	vfio_stage_close(stage);
}

/* The next client's log is its own. */
static void test_logging_ends_with_its_client(void **state)
{
	struct vfio_stage *stage = open_with_memory(128 * PAGE);

	assert_int_equal(start(stage, PAGE, 0, NULL), 0);
	assert_non_null(stage->mem.wrote);
	vfio_stage_hang_up(stage);
	assert_null(stage->mem.wrote);
	vfio_stage_connect(stage, NULL);
	assert_int_equal(report(stage, 0, PAGE, PAGE, 1000), VMSND_VFU_EINVAL);
	vfio_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_write_is_told_once_by_each_page_it_touches),
	    cmocka_unit_test(test_only_what_was_asked_for_is_forgotten),
	    cmocka_unit_test(test_pages_of_other_sizes),
	    cmocka_unit_test(test_sizes_of_bitmaps),
	    cmocka_unit_test(test_never_less_than_was_written),
	    cmocka_unit_test(test_the_end_of_all_addresses),
	    cmocka_unit_test(test_what_the_card_writes_is_reported),
	    cmocka_unit_test(test_page_sizes_are_chosen_and_told),
	    cmocka_unit_test(test_ranges_that_cannot_be),
	    cmocka_unit_test(test_reports_that_cannot_be),
	    cmocka_unit_test(test_an_unmap_tells_what_was_written_there),
	    cmocka_unit_test(test_logging_ends_with_its_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
