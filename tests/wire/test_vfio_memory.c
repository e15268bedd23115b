/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: DMA_MAP and DMA_UNMAP, what the card sees of them, and every wrong one. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "os/guard.h"
#include "vfio_harness.h"

#define PAGE UINT64_C(4096)
#define MIB  (UINT64_C(1) << 20)

enum { R = VMSND_VFU_DMA_READABLE, W = VMSND_VFU_DMA_WRITABLE, RW = R | W };

struct world {
	struct vfio_harness h;
	struct vfio_client *client;
	int fd;
	uint8_t *memory;
};

static int open_world(void **state)
{
	static struct world w;
	uint64_t bytes;

	vfio_harness_open(&w.h, true);
	w.client = vfio_harness_hello(&w.h);
	w.fd = vfio_client_memory_fd(w.client);
	w.memory = vfio_client_memory(w.client, &bytes);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	vfio_client_close(w->client);
	vfio_harness_close(&w->h);
	return 0;
}

static int map(struct world *w, vmsnd_gpa gpa, uint64_t bytes, uint64_t offset)
{
	const struct vmsnd_vfu_dma_map map = {
	    .flags = RW, .gpa = gpa, .bytes = bytes, .offset = offset};

	return vfio_map(w->client, &map, w->fd);
}

static int unmap(struct world *w, vmsnd_gpa gpa, uint64_t bytes)
{
	const struct vmsnd_vfu_dma_unmap unmap = {.gpa = gpa, .bytes = bytes};

	return vfio_unmap(w->client, &unmap, NULL);
}

/* ---- what the card sees ---- */

static void test_mapped_memory_is_the_guests(void **state)
{
	struct world *w = *state;
	uint32_t word = 0;

	assert_int_equal(map(w, 16 * MIB, MIB, 3 * PAGE), 0);
	vmsnd_put_le32(w->memory + 3 * PAGE + 8, 0x12345678);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 16 * MIB + 8, &word, 4), VMSND_OK);
	assert_int_equal(word, 0x12345678);
	word = 0x9abcdef0;
	assert_int_equal(vmsnd_gmem_write(&w->h.mem, 17 * MIB - 4, &word, 4), VMSND_OK);
	assert_int_equal(vmsnd_le32(w->memory + 3 * PAGE + MIB - 4), 0x9abcdef0);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 17 * MIB - 3, &word, 4), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 16 * MIB - 1, &word, 4), VMSND_E_RANGE);
}

static void test_rights_are_kept(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_dma_map read_only = {.flags = R, .gpa = 0, .bytes = MIB};
	const struct vmsnd_vfu_dma_map write_only = {.flags = W, .gpa = MIB, .bytes = MIB};
	char path[64];
	int fd;
	uint32_t word = 1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(vfio_map(w->client, &read_only, fd), 0);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0, &word, 4), VMSND_OK);
	assert_int_equal(vmsnd_gmem_write(&w->h.mem, 0, &word, 4), VMSND_E_DENIED);
	assert_int_equal(vfio_map(w->client, &write_only, fd), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_map(w->client, &write_only, w->fd), 0);
	assert_int_equal(vmsnd_gmem_write(&w->h.mem, MIB, &word, 4), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, MIB, &word, 4), VMSND_E_DENIED);
	close(fd);
}

/* QEMU's firmware. It is taken and given back; for a card that reads there the client is asked. */
static void test_ranges_without_a_descriptor_are_kept(void **state)
{
	static struct vfio_message message;
	struct world *w = *state;
	const struct vmsnd_vfu_dma_map rom = {.flags = R, .gpa = 0xc0000, .bytes = 0x20000};
	uint32_t word;

	assert_int_equal(vfio_map(w->client, &rom, -1), 0);
	assert_int_equal(vfio_map(w->client, &rom, -1), VMSND_VFU_EEXIST);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0xc0000, &word, 4), VMSND_E_AGAIN);
	assert_int_equal(vfio_receive(w->client, &message), 0);
	assert_int_equal(message.header.command, VMSND_VFU_DMA_READ);
	assert_int_equal(unmap(w, 0xc0000, 0x20000), 0);
	assert_int_equal(vfio_map(w->client, &rom, -1), 0);
}

static void test_a_descriptor_is_closed_when_mapped_and_memory_when_unmapped(void **state)
{
	struct world *w = *state;
	unsigned before = vfio_open_fds();
	uint32_t word;

	assert_int_equal(map(w, 0, MIB, 0), 0);
	assert_int_equal(vfio_open_fds(), before);
	assert_int_equal(unmap(w, 0, MIB), 0);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0, &word, 4), VMSND_E_RANGE);
	assert_int_equal(w->h.mem.n_regions, 0);
	assert_int_equal(map(w, 0, MIB, 0), 0);
}

/* Libvfio-user's flag for what happens anyway. */
static void test_a_range_to_be_mapped_needs_its_descriptor(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_dma_map with = {.flags = RW | VMSND_VFU_DMA_MMAP, .bytes = MIB};

	assert_int_equal(vfio_map(w->client, &with, -1), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_map(w->client, &with, w->fd), 0);
}

/* ---- wrong maps ---- */

static void test_overlaps_are_refused_with_eexist(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, MIB, MIB, 0), 0);
	assert_int_equal(map(w, MIB, MIB, 0), VMSND_VFU_EEXIST);
	assert_int_equal(map(w, MIB + PAGE, PAGE, 0), VMSND_VFU_EEXIST);
	assert_int_equal(map(w, MIB - PAGE, 2 * PAGE, 0), VMSND_VFU_EEXIST);
	assert_int_equal(map(w, 2 * MIB - PAGE, 2 * PAGE, 0), VMSND_VFU_EEXIST);
	assert_int_equal(map(w, 0, 4 * MIB, 0), VMSND_VFU_EEXIST);
	assert_int_equal(map(w, 0, MIB, 0), 0);
	assert_int_equal(map(w, 2 * MIB, MIB, 0), 0);
	assert_int_equal(w->h.mem.n_regions, 3);
}

struct wrong {
	const char *what;
	struct vmsnd_vfu_dma_map map;
};

static const struct wrong wrongs[] = {
    {"argsz 31", {.argsz = 31, .flags = RW, .bytes = MIB}},
    {"argsz 1", {.argsz = 1, .flags = RW, .bytes = MIB}},
    {"no rights", {.flags = 0, .bytes = MIB}},
    {"flags that nobody knows", {.flags = RW | 0x100, .bytes = MIB}},
    {"to be read and written as a file", {.flags = RW | 8, .bytes = MIB}},
    {"no size", {.flags = RW, .bytes = 0}},
    {"half a page", {.flags = RW, .bytes = 2048}},
    {"a page and a byte", {.flags = RW, .bytes = PAGE + 1}},
    {"begins within a page", {.flags = RW, .gpa = 512, .bytes = PAGE}},
    {"wraps", {.flags = RW, .gpa = UINT64_MAX - PAGE + 1, .bytes = 2 * PAGE}},
    {"wraps to 0", {.flags = RW, .gpa = PAGE, .bytes = UINT64_MAX - PAGE + 1}},
    {"reaches beyond any file", {.flags = RW, .offset = INT64_MAX, .bytes = PAGE}},
    {"offset and size wrap", {.flags = RW, .offset = UINT64_MAX - PAGE + 1, .bytes = 2 * PAGE}},
    {"larger than its file", {.flags = RW, .bytes = 17 * MIB}},
    {"ends beyond its file", {.flags = RW, .offset = 16 * MIB - PAGE, .bytes = 2 * PAGE}},
    {"begins beyond its file", {.flags = RW, .offset = 32 * MIB, .bytes = PAGE}},
    {"all there is", {.flags = RW, .bytes = UINT64_MAX - PAGE + 1}},
};

static void test_each_wrong_map_is_refused_and_nothing_is_mapped(void **state)
{
	struct world *w = *state;
	unsigned before = vfio_open_fds();

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		int rc = vfio_map(w->client, &wrongs[i].map, w->fd);

		if (rc != VMSND_VFU_EINVAL)
			fail_msg("%s: %d", wrongs[i].what, rc);
	}
	assert_int_equal(w->h.mem.n_regions, 0);
	assert_int_equal(vfio_open_fds(), before);
	assert_int_equal(map(w, 0, 16 * MIB, 0), 0);
}

static void test_a_short_map_and_one_with_two_descriptors_are_refused(void **state)
{
	struct world *w = *state;
	const struct vmsnd_fds two = {.n = 2, .fd = {w->fd, w->fd}};
	const struct vmsnd_vfu_dma_map good = {.argsz = 32, .flags = RW, .bytes = MIB};
	uint8_t payload[VMSND_VFU_DMA_MAP_BYTES];
	unsigned before = vfio_open_fds();

	vmsnd_vfu_dma_map_put(payload, &good);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_DMA_MAP, payload, 31, NULL),
			 VMSND_VFU_EINVAL);
	assert_int_equal(
	    vfio_ask_with(w->client, VMSND_VFU_DMA_MAP, payload, sizeof(payload), &two),
	    VMSND_VFU_EINVAL);
	assert_int_equal(vfio_open_fds(), before);
}

static void test_what_is_no_memory_is_refused(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_dma_map page = {.flags = RW, .bytes = PAGE};
	int event = vfio_eventfd(), folder = open("/tmp", O_RDONLY | O_CLOEXEC);

	assert_int_equal(vfio_map(w->client, &page, event), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_map(w->client, &page, folder), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_map(w->client, &page, vfio_client_socket(w->client)),
			 VMSND_VFU_EINVAL);
	close(event);
	close(folder);
}

/* The table is as long as max_dma_maps says; full, it still gives back. */
static void test_more_ranges_than_there_may_be_are_refused_with_enospc(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < VMSND_GMEM_REGIONS_MAX; i++)
		assert_int_equal(map(w, 2 * i * PAGE, PAGE, i * PAGE), 0);
	assert_int_equal(map(w, 2 * VMSND_GMEM_REGIONS_MAX * PAGE, PAGE, 0), VMSND_VFU_ENOSPC);
	assert_int_equal(unmap(w, 0, PAGE), 0);
	assert_int_equal(map(w, 2 * VMSND_GMEM_REGIONS_MAX * PAGE, PAGE, 0), 0);
}

static void test_a_flood_of_maps_ends_in_enospc(void **state)
{
	struct world *w = *state;
	unsigned refused = 0;

	for (uint64_t i = 0; i < 65536 + 10; i++) {
		const struct vmsnd_vfu_dma_map map = {.flags = R, .gpa = i * PAGE, .bytes = PAGE};

		refused += vfio_map(w->client, &map, -1) == VMSND_VFU_ENOSPC;
	}
	assert_int_equal(refused, 65536 + 10 - VMSND_GMEM_REGIONS_MAX);
}

/* ---- unmaps ---- */

static void test_unmap_answers_with_what_it_was_asked(void **state)
{
	static struct vfio_message answer;
	struct world *w = *state;
	const struct vmsnd_vfu_dma_unmap range = {.gpa = MIB, .bytes = MIB};
	struct vmsnd_vfu_dma_unmap got;

	assert_int_equal(map(w, MIB, MIB, 0), 0);
	assert_int_equal(vfio_unmap(w->client, &range, &answer), 0);
	assert_int_equal(answer.bytes, 24); /* no longer than the request: QEMU's rule */
	vmsnd_vfu_dma_unmap_get(answer.payload, &got);
	assert_int_equal(got.gpa, MIB);
	assert_int_equal(got.bytes, MIB);
	assert_int_equal(got.flags, 0);
}

static void test_only_the_very_range_is_unmapped(void **state)
{
	struct world *w = *state;

	assert_int_equal(unmap(w, 0, PAGE), VMSND_VFU_ENOENT);
	assert_int_equal(map(w, MIB, MIB, 0), 0);
	assert_int_equal(unmap(w, MIB, PAGE), VMSND_VFU_ENOENT);
	assert_int_equal(unmap(w, MIB + PAGE, MIB - PAGE), VMSND_VFU_ENOENT);
	assert_int_equal(unmap(w, MIB, 2 * MIB), VMSND_VFU_ENOENT);
	assert_int_equal(unmap(w, 0, UINT64_MAX), VMSND_VFU_ENOENT);
	assert_int_equal(unmap(w, MIB, 0), VMSND_VFU_ENOENT);
	assert_int_equal(w->h.mem.n_regions, 1);
	assert_int_equal(unmap(w, MIB, MIB), 0);
	assert_int_equal(unmap(w, MIB, MIB), VMSND_VFU_ENOENT);
}

static void test_everything_is_unmapped_at_once(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_dma_unmap all = {.flags = VMSND_VFU_UNMAP_ALL};
	const struct vmsnd_vfu_dma_unmap at = {.flags = VMSND_VFU_UNMAP_ALL, .gpa = PAGE};
	const struct vmsnd_vfu_dma_unmap some = {.flags = VMSND_VFU_UNMAP_ALL, .bytes = PAGE};

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(map(w, 2 * i * PAGE, PAGE, 0), 0);
	assert_int_equal(vfio_unmap(w->client, &at, NULL), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_unmap(w->client, &some, NULL), VMSND_VFU_EINVAL);
	assert_int_equal(w->h.mem.n_regions, 10);
	assert_int_equal(vfio_unmap(w->client, &all, NULL), 0);
	assert_int_equal(w->h.mem.n_regions, 0);
	assert_int_equal(vfio_unmap(w->client, &all, NULL), 0);
}

static void test_each_wrong_unmap_is_refused(void **state)
{
	static const struct vmsnd_vfu_dma_unmap wrong[] = {
	    {.argsz = 8, .gpa = MIB, .bytes = MIB},
	    {.argsz = 23, .gpa = MIB, .bytes = MIB},
	    {.flags = 4, .gpa = MIB, .bytes = MIB},
	    {.flags = VMSND_VFU_UNMAP_ALL | VMSND_VFU_UNMAP_GET_BITMAP},
	    {.flags = UINT32_MAX},
	    {.flags = VMSND_VFU_UNMAP_GET_BITMAP,
	     .gpa = MIB,
	     .bytes = MIB,
	     .page_bytes = PAGE,
	     .bitmap_bytes = 32}, /* argsz without the bitmap */
	    {.argsz = 24 + 16 + 32,
	     .flags = VMSND_VFU_UNMAP_GET_BITMAP,
	     .gpa = MIB,
	     .bytes = MIB,
	     .page_bytes = PAGE,
	     .bitmap_bytes = UINT64_MAX},
	    {.argsz = UINT32_MAX,
	     .flags = VMSND_VFU_UNMAP_GET_BITMAP,
	     .gpa = MIB,
	     .bytes = MIB,
	     .page_bytes = PAGE,
	     .bitmap_bytes = UINT64_MAX - 39},
	    {.argsz = UINT32_MAX,
	     .flags = VMSND_VFU_UNMAP_GET_BITMAP,
	     .gpa = MIB,
	     .bytes = MIB,
	     .page_bytes = PAGE,
	     .bitmap_bytes = VMSND_VFU_DATA_MAX + 1},
	    /* Nobody has asked for dirty pages to be tracked. */
	    {.argsz = 24 + 16 + 32,
	     .flags = VMSND_VFU_UNMAP_GET_BITMAP,
	     .gpa = MIB,
	     .bytes = MIB,
	     .page_bytes = PAGE,
	     .bitmap_bytes = 32},
	};
	struct world *w = *state;
	uint8_t payload[24] = {24};

	assert_int_equal(map(w, MIB, MIB, 0), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(vfio_unmap(w->client, &wrong[i], NULL), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_DMA_UNMAP, payload, 23, NULL),
			 VMSND_VFU_EINVAL);
	payload[4] = VMSND_VFU_UNMAP_GET_BITMAP; /* and no description of it */
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_DMA_UNMAP, payload, 24, NULL),
			 VMSND_VFU_EINVAL);
	assert_int_equal(w->h.mem.n_regions, 1);
}

/* ---- memory that is not what it seems ---- */

static void start_driver(struct world *w)
{
	assert_int_equal(vfio_put(w->client, 7, 4, 2, 7), 0);
	assert_int_equal(w->h.ready, 1);
}

static void test_a_driver_without_shared_memory_is_complained_of(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_dma_map rom = {.flags = RW, .bytes = MIB};

	assert_int_equal(vfio_map(w->client, &rom, -1), 0);
	start_driver(w);
	assert_non_null(strstr(w->h.trouble, "without a shareable descriptor"));
	assert_non_null(strstr(w->h.trouble, "share=on"));
}

static void test_a_private_copy_of_memory_is_complained_of(void **state)
{
	struct world *w = *state;

	assert_int_equal(map(w, 0, MIB, 0), 0);
	start_driver(w);
	assert_non_null(strstr(w->h.trouble, "as a private copy"));
}

static void test_memory_that_a_guest_has_touched_is_none(void **state)
{
	struct world *w = *state;

	w->memory[0x1000] = 1;
	assert_int_equal(map(w, 8 * MIB, MIB, 8 * MIB), 0);
	assert_int_equal(map(w, 0, MIB, 0), 0);
	start_driver(w);
	assert_int_equal(w->h.n_troubles, 0);
}

/* Without the guard this ends the process. */
static void test_memory_that_is_cut_off_costs_its_client_the_card(void **state)
{
	struct world *w = *state;
	int fd = memfd_create("short", MFD_CLOEXEC);
	const struct vmsnd_vfu_dma_map whole = {.flags = RW, .bytes = MIB};
	uint32_t word = 7;

	assert_true(vmsnd_guard_install());
	assert_int_equal(ftruncate(fd, (off_t)MIB), 0);
	assert_int_equal(vfio_map(w->client, &whole, fd), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0, &word, 4), VMSND_OK);
	assert_int_equal(word, 0);
	vfio_harness_pass(&w->h, 1);
	assert_int_equal(w->h.left, 1);
	assert_non_null(strstr(w->h.trouble, "memory was taken away"));
	close(fd);
	vfio_client_close(w->client);
	w->client = vfio_harness_hello(&w->h);
}

/* What QEMU does in the boot of a PC: memory below 1 MiB in other pieces again and again, while
 * the card may be using it. Nothing waits. */
static void test_memory_changes_between_accesses(void **state)
{
	struct world *w = *state;
	uint32_t word = 0;

	for (unsigned i = 0; i < 50; i++) {
		vmsnd_put_le32(w->memory + 0x2000, i);
		assert_int_equal(map(w, 0, 16 * MIB, 0), 0);
		assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0x2000, &word, 4), VMSND_OK);
		assert_int_equal(word, i);
		assert_int_equal(unmap(w, 0, 16 * MIB), 0);
		assert_int_equal(map(w, 0, 0xc3000, 0), 0);
		assert_int_equal(map(w, 0xc3000, 0xd000, 0xc3000), 0);
		assert_int_equal(map(w, 0xd0000, 16 * MIB - 0xd0000, 0xd0000), 0);
		assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0xc2ffe, &word, 4), VMSND_OK);
		assert_int_equal(unmap(w, 0xc3000, 0xd000), 0);
		assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0xc2ffe, &word, 4), VMSND_E_RANGE);
		assert_int_equal(unmap(w, 0, 0xc3000), 0);
		assert_int_equal(unmap(w, 0xd0000, 16 * MIB - 0xd0000), 0);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
	    T(test_mapped_memory_is_the_guests),
	    T(test_rights_are_kept),
	    T(test_ranges_without_a_descriptor_are_kept),
	    T(test_a_descriptor_is_closed_when_mapped_and_memory_when_unmapped),
	    T(test_a_range_to_be_mapped_needs_its_descriptor),
	    T(test_overlaps_are_refused_with_eexist),
	    T(test_each_wrong_map_is_refused_and_nothing_is_mapped),
	    T(test_a_short_map_and_one_with_two_descriptors_are_refused),
	    T(test_what_is_no_memory_is_refused),
	    T(test_more_ranges_than_there_may_be_are_refused_with_enospc),
	    T(test_a_flood_of_maps_ends_in_enospc),
	    T(test_unmap_answers_with_what_it_was_asked),
	    T(test_only_the_very_range_is_unmapped),
	    T(test_everything_is_unmapped_at_once),
	    T(test_each_wrong_unmap_is_refused),
	    T(test_a_driver_without_shared_memory_is_complained_of),
	    T(test_a_private_copy_of_memory_is_complained_of),
	    T(test_memory_that_a_guest_has_touched_is_none),
	    T(test_memory_that_is_cut_off_costs_its_client_the_card),
	    T(test_memory_changes_between_accesses),
	};

	return cmocka_run_group_tests_name("vfio-memory", tests, NULL, NULL);
}
