/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory: every access over any number of regions, checked whole before it moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmsnd/transport.h"

#define RW (VMSND_READ | VMSND_WRITE)

static uint8_t low[64], high[64], far[64];

static enum vmsnd_rc add(struct vmsnd_gmem *mem, vmsnd_gpa gpa, void *at, uint64_t bytes,
			 unsigned rights)
{
	const struct vmsnd_region region = {.gpa = gpa, .bytes = bytes, .at = at, .rights = rights};

	return vmsnd_gmem_add(mem, &region);
}

/* Two that adjoin at 0x1040, one apart that can only be read. */
static void fill(struct vmsnd_gmem *mem)
{
	memset(mem, 0, sizeof(*mem));
	memset(low, 'l', sizeof(low));
	memset(high, 'h', sizeof(high));
	memset(far, 'f', sizeof(far));
	assert_int_equal(add(mem, 0x1040, high, 64, RW), VMSND_OK);
	assert_int_equal(add(mem, 0x8000, far, 64, VMSND_READ), VMSND_OK);
	assert_int_equal(add(mem, 0x1000, low, 64, RW), VMSND_OK);
}

static void test_copy_across_adjoining_regions(void **state)
{
	static struct vmsnd_gmem mem;
	char seen[9] = "";

	(void)state;
	fill(&mem);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x103c, "12345678", 8), VMSND_OK);
	assert_memory_equal(low + 60, "1234", 4);
	assert_memory_equal(high, "5678h", 5);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x103c, seen, 8), VMSND_OK);
	assert_string_equal(seen, "12345678");
	assert_int_equal(vmsnd_gmem_check(&mem, 0x1000, 128, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_check(&mem, 0x1000, 129, RW), VMSND_E_RANGE);
}

static void test_nothing_moves_unless_all_does(void **state)
{
	static struct vmsnd_gmem mem;
	uint8_t bytes[128];

	(void)state;
	fill(&mem);
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(vmsnd_gmem_write(&mem, 0x1041, bytes, 64), VMSND_E_RANGE);
	assert_int_equal(high[1], 'h');
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1041, bytes, 64), VMSND_E_RANGE);
	assert_int_equal(bytes[0], 'x');
	assert_int_equal(vmsnd_gmem_write(&mem, 0x8000, bytes, 1), VMSND_E_DENIED);
	assert_int_equal(far[0], 'f');
	assert_int_equal(vmsnd_gmem_read(&mem, 0x8000, bytes, 1), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0xfff, bytes, 1), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x8040, bytes, 1), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_read(&mem, 0xdead, bytes, 0), VMSND_OK);
}

static void test_no_range_wraps(void **state)
{
	static struct vmsnd_gmem mem;
	uint8_t byte = 0;

	(void)state;
	memset(&mem, 0, sizeof(mem));
	assert_int_equal(vmsnd_gmem_read(&mem, 0, &byte, 1), VMSND_E_RANGE);
	assert_int_equal(add(&mem, UINT64_MAX - 63, low, 64, RW), VMSND_E_INVALID);
	assert_int_equal(add(&mem, UINT64_MAX - 64, low, 64, RW), VMSND_OK);
	assert_int_equal(add(&mem, 0, high, 64, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_check(&mem, UINT64_MAX - 64, 64, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_check(&mem, UINT64_MAX - 1, 8, RW), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_check(&mem, 32, UINT64_MAX, RW), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_check(&mem, 0, UINT64_MAX, RW), VMSND_E_RANGE);
}

static void test_regions_never_overlap(void **state)
{
	static struct vmsnd_gmem mem;

	(void)state;
	fill(&mem);
	assert_int_equal(add(&mem, 0x1000, far, 64, RW), VMSND_E_INVALID);
	assert_int_equal(add(&mem, 0xfff, far, 2, RW), VMSND_E_INVALID);
	assert_int_equal(add(&mem, 0x107f, far, 1, RW), VMSND_E_INVALID);
	assert_int_equal(add(&mem, 0, far, 0x10000, RW), VMSND_E_INVALID);
	assert_int_equal(add(&mem, 0x2000, far, 0, RW), VMSND_E_INVALID);
	assert_int_equal(add(&mem, 0x1080, far, 1, RW), VMSND_OK);
	assert_int_equal(add(&mem, 0xfff, far, 1, RW), VMSND_OK);
	assert_int_equal(mem.n_regions, 5);
}

static void test_remove_takes_one_region_as_added(void **state)
{
	static struct vmsnd_gmem mem;
	uint8_t byte;

	(void)state;
	fill(&mem);
	assert_int_equal(vmsnd_gmem_remove(&mem, 0x1000, 128), VMSND_E_INVALID);
	assert_int_equal(vmsnd_gmem_remove(&mem, 0x1001, 63), VMSND_E_INVALID);
	assert_int_equal(vmsnd_gmem_remove(&mem, 0, 64), VMSND_E_INVALID);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x8000, &byte, 1), VMSND_OK);
	assert_int_equal(vmsnd_gmem_remove(&mem, 0x8000, 64), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x8000, &byte, 1), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_remove(&mem, 0x1000, 64), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1000, &byte, 1), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1040, &byte, 1), VMSND_OK);
	assert_int_equal(byte, 'h');
}

static void test_index_is_whole_and_aligned(void **state)
{
	static struct vmsnd_gmem mem;
	static uint16_t words[8];
	uint16_t value = 0;

	(void)state;
	memset(&mem, 0, sizeof(mem));
	assert_int_equal(add(&mem, 0, words, 15, RW), VMSND_OK);
	assert_int_equal(add(&mem, 0x100, (uint8_t *)words + 1, 4, RW), VMSND_OK);
	assert_int_equal(add(&mem, 0x200, words, 4, VMSND_READ), VMSND_OK);
	assert_int_equal(vmsnd_gmem_store16(&mem, 2, 0xbeef), VMSND_OK);
	assert_int_equal(words[1], 0xbeef);
	assert_int_equal(vmsnd_gmem_load16(&mem, 2, &value), VMSND_OK);
	assert_int_equal(value, 0xbeef);
	assert_int_equal(vmsnd_gmem_load16(&mem, 1, &value), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_load16(&mem, 14, &value), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_load16(&mem, 0x100, &value), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_store16(&mem, 0x200, 1), VMSND_E_DENIED);
	assert_int_equal(vmsnd_gmem_load16(&mem, 0x202, &value), VMSND_OK);
}

/* Class 17: a full table; every region is found, whatever was accessed before. */
static void test_class17_full_table(void **state)
{
	static struct vmsnd_gmem mem;
	static uint8_t bytes[VMSND_GMEM_REGIONS_MAX];

	(void)state;
	memset(&mem, 0, sizeof(mem));
	for (unsigned i = 0; i < VMSND_GMEM_REGIONS_MAX; i++) {
		unsigned at = i * 131 % VMSND_GMEM_REGIONS_MAX; /* in no order */

		assert_int_equal(add(&mem, 2 * at, &bytes[at], 1, RW), VMSND_OK);
	}
	assert_int_equal(add(&mem, 5000, low, 1, RW), VMSND_E_NOMEM);
	for (unsigned i = 0; i < VMSND_GMEM_REGIONS_MAX; i++) {
		unsigned at = i * 57 % VMSND_GMEM_REGIONS_MAX;
		uint8_t mark = (uint8_t)at;

		assert_int_equal(vmsnd_gmem_write(&mem, 2 * at, &mark, 1), VMSND_OK);
		assert_int_equal(bytes[at], mark);
		assert_int_equal(vmsnd_gmem_check(&mem, 2 * at + 1, 1, RW), VMSND_E_RANGE);
	}
}

static unsigned told;
static struct vmsnd_gmem_event last_told;

static void on_told(void *ctx, const struct vmsnd_gmem_event *event)
{
	told++;
	last_told = *event;
}

/* A guard: window, count, and every call is told as it ended. */
static void test_DM53_beyond_the_window_there_is_nothing(void **state)
{
	static struct vmsnd_gmem mem;
	struct vmsnd_gmem_guard guard = {.first = 0x1010, .last = 0x104f, .told = on_told};
	uint8_t bytes[128] = {0};
	uint16_t index = 7;

	fill(&mem);
	mem.guard = &guard;
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1010, bytes, 64), VMSND_OK);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x104f, bytes, 1), VMSND_OK);
	assert_int_equal(vmsnd_gmem_check(&mem, 0x1010, 64, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_load16(&mem, 0x104e, &index), VMSND_OK);
	assert_int_equal(vmsnd_gmem_store16(&mem, 0x1010, 9), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x8000, bytes, 0), VMSND_OK);
	assert_int_equal(guard.refusals, 0);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x100f, bytes, 2), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1010, bytes, 65), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x1050, bytes, 1), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_check(&mem, 0x1010, UINT64_MAX, VMSND_READ), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_load16(&mem, 0x1050, &index), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_store16(&mem, 0x100e, 1), VMSND_E_RANGE);
	assert_int_equal(guard.refusals, 6);
	assert_int_equal(far[0], 'f');
	assert_int_equal(low[14], 'l');
	assert_int_equal(told, 12);
	assert_int_equal(last_told.call, VMSND_GMEM_STORE16);
	assert_int_equal(last_told.gpa, 0x100e);
	assert_int_equal(last_told.rc, VMSND_E_RANGE);
}

static void test_DM53_what_regions_refuse_counts_too(void **state)
{
	static struct vmsnd_gmem mem;
	struct vmsnd_gmem_guard guard = {.first = 0, .last = UINT64_MAX};
	uint8_t byte = 0;

	fill(&mem);
	mem.guard = &guard;
	assert_int_equal(vmsnd_gmem_write(&mem, 0x8000, &byte, 1), VMSND_E_DENIED);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x9000, &byte, 1), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_store16(&mem, 0x8000, 1), VMSND_E_DENIED);
	assert_int_equal(guard.refusals, 3);
	/* A transport's own mistakes are not the device's. */
	assert_int_equal(vmsnd_gmem_remove(&mem, 0x9000, 64), VMSND_E_INVALID);
	assert_int_equal(vmsnd_gmem_remove(&mem, 0x8000, 64), VMSND_OK);
	assert_int_equal(guard.refusals, 3);
}

/* ---- memory that only the VMM reaches ---- */

struct far_side {
	enum vmsnd_rc rc;
	unsigned reads, writes;
	vmsnd_gpa at;
	size_t bytes;
	uint8_t cells[64]; /* from 0x1080 on */
};

static enum vmsnd_rc far_read(void *ctx, vmsnd_gpa from, void *to, size_t bytes)
{
	struct far_side *side = ctx;

	side->reads++;
	side->at = from;
	side->bytes = bytes;
	if (side->rc == VMSND_OK)
		memcpy(to, side->cells + (from - 0x1080), bytes);
	return side->rc;
}

static enum vmsnd_rc far_write(void *ctx, vmsnd_gpa to, const void *from, size_t bytes)
{
	struct far_side *side = ctx;

	side->writes++;
	side->at = to;
	side->bytes = bytes;
	if (side->rc == VMSND_OK)
		memcpy(side->cells + (to - 0x1080), from, bytes);
	return side->rc;
}

static enum vmsnd_rc add_far(struct vmsnd_gmem *mem, const struct vmsnd_remote *remote,
			     unsigned rights)
{
	const struct vmsnd_region region = {
	    .gpa = 0x1080, .bytes = 64, .rights = rights, .remote = remote};

	return vmsnd_gmem_add(mem, &region);
}

static void test_remote_memory_is_asked_for(void **state)
{
	static struct vmsnd_gmem mem;
	struct far_side side = {.cells = "abcdefgh"};
	const struct vmsnd_remote remote = {.ctx = &side, .read = far_read, .write = far_write};
	char seen[9] = "";

	fill(&mem);
	assert_int_equal(add_far(&mem, &remote, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1082, seen, 4), VMSND_OK);
	assert_string_equal(seen, "cdef");
	assert_int_equal(side.at, 0x1082);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x1084, "1234", 4), VMSND_OK);
	assert_memory_equal(side.cells, "abcd1234", 8);
	assert_int_equal(vmsnd_gmem_check(&mem, 0x1080, 64, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1080, seen, 0), VMSND_OK);
	assert_int_equal(side.reads, 1);
	/* What it says is what the device gets to hear. */
	side.rc = VMSND_E_AGAIN;
	assert_int_equal(vmsnd_gmem_read(&mem, 0x10bf, seen, 1), VMSND_E_AGAIN);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x10bf, seen, 1), VMSND_E_AGAIN);
	side.rc = VMSND_E_GONE;
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1080, seen, 1), VMSND_E_GONE);
	assert_int_equal(vmsnd_gmem_remove(&mem, 0x1080, 64), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1080, seen, 1), VMSND_E_RANGE);
	assert_int_equal(side.reads, 3);
}

static void test_remote_memory_is_not_joined_to_any(void **state)
{
	static struct vmsnd_gmem mem;
	struct far_side side = {.rc = VMSND_OK};
	const struct vmsnd_remote remote = {.ctx = &side, .read = far_read, .write = far_write};
	uint8_t bytes[8] = "........";
	uint16_t index = 0;

	fill(&mem);
	assert_int_equal(add_far(&mem, &remote, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x107c, bytes, 8), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x107c, bytes, 8), VMSND_E_RANGE);
	assert_int_equal(high[60], 'h');
	assert_int_equal(vmsnd_gmem_check(&mem, 0x107f, 2, VMSND_READ), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x10bf, bytes, 2), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_load16(&mem, 0x1080, &index), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_store16(&mem, 0x1080, index), VMSND_E_RANGE);
	assert_int_equal(side.reads + side.writes, 0);
	assert_int_equal(add(&mem, 0x10c0, low, 64, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x10bf, bytes, 2), VMSND_E_RANGE);
	assert_int_equal(side.reads, 0);
}

static void test_remote_memory_has_rights_and_one_way(void **state)
{
	static struct vmsnd_gmem mem;
	struct far_side side = {.rc = VMSND_OK};
	const struct vmsnd_remote remote = {.ctx = &side, .read = far_read, .write = far_write};
	struct vmsnd_region both = {
	    .gpa = 0x1080, .bytes = 64, .at = far, .rights = RW, .remote = &remote};
	uint8_t byte = 0;

	fill(&mem);
	assert_int_equal(vmsnd_gmem_add(&mem, &both), VMSND_E_INVALID);
	both.at = NULL;
	both.remote = NULL;
	assert_int_equal(vmsnd_gmem_add(&mem, &both), VMSND_E_INVALID);
	assert_int_equal(add_far(&mem, &remote, VMSND_WRITE), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1080, &byte, 1), VMSND_E_DENIED);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x1080, &byte, 1), VMSND_OK);
	assert_int_equal(side.reads, 0);
	assert_int_equal(side.writes, 1);
}

/* An answer that is still to come is no refusal; what the VMM refuses is one. */
static void test_DM53_waiting_for_an_answer_is_no_refusal(void **state)
{
	static struct vmsnd_gmem mem;
	struct vmsnd_gmem_guard guard = {.first = 0x1000, .last = 0x10a0, .told = on_told};
	struct far_side side = {.rc = VMSND_E_AGAIN};
	const struct vmsnd_remote remote = {.ctx = &side, .read = far_read, .write = far_write};
	uint8_t byte = 0;

	fill(&mem);
	mem.guard = &guard;
	assert_int_equal(add_far(&mem, &remote, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1080, &byte, 1), VMSND_E_AGAIN);
	assert_int_equal(last_told.rc, VMSND_E_AGAIN);
	assert_int_equal(guard.refusals, 0);
	side.rc = VMSND_E_GONE;
	assert_int_equal(vmsnd_gmem_read(&mem, 0x1080, &byte, 1), VMSND_E_GONE);
	assert_int_equal(guard.refusals, 1);
	assert_int_equal(vmsnd_gmem_read(&mem, 0x10a1, &byte, 1), VMSND_E_RANGE);
	assert_int_equal(side.reads, 2);
}

/* ---- what a VMM that moves the card hears ---- */

struct notes {
	unsigned n;
	vmsnd_gpa at;
	uint64_t bytes;
};

static void on_wrote(void *ctx, vmsnd_gpa at, uint64_t bytes)
{
	struct notes *notes = ctx;

	*notes = (struct notes){notes->n + 1, at, bytes};
}

static void expect_noted(const struct notes *notes, unsigned n, vmsnd_gpa at, uint64_t bytes)
{
	assert_int_equal(notes->n, n);
	assert_int_equal(notes->at, at);
	assert_int_equal(notes->bytes, bytes);
}

static void write_all_ways(struct vmsnd_gmem *mem)
{
	struct notes notes = {0};
	uint8_t bytes[16] = {0};

	mem->wrote = on_wrote;
	mem->wrote_ctx = &notes;
	assert_int_equal(vmsnd_gmem_write(mem, 0x103c, bytes, 8), VMSND_OK);
	expect_noted(&notes, 1, 0x103c, 8);
	assert_int_equal(vmsnd_gmem_store16(mem, 0x1002, 5), VMSND_OK);
	expect_noted(&notes, 2, 0x1002, 2);
	assert_int_equal(vmsnd_gmem_write(mem, 0x8000, bytes, 1), VMSND_E_DENIED);
	assert_int_equal(vmsnd_gmem_store16(mem, 0x1001, 5), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_write(mem, 0x1078, bytes, 16), VMSND_E_RANGE);
	assert_int_equal(vmsnd_gmem_write(mem, 0x1000, bytes, 0), VMSND_OK);
	assert_int_equal(vmsnd_gmem_read(mem, 0x1000, bytes, 4), VMSND_OK);
	expect_noted(&notes, 2, 0x1002, 2);
	mem->wrote = NULL;
	assert_int_equal(vmsnd_gmem_write(mem, 0x1000, bytes, 1), VMSND_OK);
	expect_noted(&notes, 2, 0x1002, 2);
}

static void test_each_write_that_was_done_is_noted_once(void **state)
{
	static struct vmsnd_gmem mem;
	struct vmsnd_gmem_guard guard = {.first = 0, .last = UINT64_MAX};

	fill(&mem);
	write_all_ways(&mem);
	mem.guard = &guard;
	write_all_ways(&mem);
	assert_int_equal(guard.refusals, 3);
}

static void test_what_waits_is_not_noted(void **state)
{
	static struct vmsnd_gmem mem;
	struct far_side side = {.rc = VMSND_E_AGAIN};
	const struct vmsnd_remote remote = {.ctx = &side, .read = far_read, .write = far_write};
	struct notes notes = {0};

	fill(&mem);
	mem.wrote = on_wrote;
	mem.wrote_ctx = &notes;
	assert_int_equal(add_far(&mem, &remote, RW), VMSND_OK);
	assert_int_equal(vmsnd_gmem_write(&mem, 0x1080, "x", 1), VMSND_E_AGAIN);
	assert_int_equal(notes.n, 0);
	side.rc = VMSND_OK;
	assert_int_equal(vmsnd_gmem_write(&mem, 0x1080, "x", 1), VMSND_OK);
	expect_noted(&notes, 1, 0x1080, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy_across_adjoining_regions),
	    cmocka_unit_test(test_nothing_moves_unless_all_does),
	    cmocka_unit_test(test_no_range_wraps),
	    cmocka_unit_test(test_regions_never_overlap),
	    cmocka_unit_test(test_remove_takes_one_region_as_added),
	    cmocka_unit_test(test_index_is_whole_and_aligned),
	    cmocka_unit_test(test_class17_full_table),
	    cmocka_unit_test(test_DM53_beyond_the_window_there_is_nothing),
	    cmocka_unit_test(test_DM53_what_regions_refuse_counts_too),
	    cmocka_unit_test(test_remote_memory_is_asked_for),
	    cmocka_unit_test(test_remote_memory_is_not_joined_to_any),
	    cmocka_unit_test(test_remote_memory_has_rights_and_one_way),
	    cmocka_unit_test(test_DM53_waiting_for_an_answer_is_no_refusal),
	    cmocka_unit_test(test_each_write_that_was_done_is_noted_once),
	    cmocka_unit_test(test_what_waits_is_not_noted),
	};

	return cmocka_run_group_tests_name("gmem", tests, NULL, NULL);
}
