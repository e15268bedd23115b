/* SPDX-License-Identifier: BSD-3-Clause */
/* Register tables: accesses of every width on every boundary, against a flat picture of the same
 * registers, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "devices/pci/registers.h"

#define TEST(f) cmocka_unit_test(f)

#define SPACE_BYTES 0x80u
#define BYTES_MAX   256u
#define NOW         UINT64_C(1234567)
#define N(array)    (sizeof(array) / sizeof((array)[0]))

/* ---- the flat picture ---- */

enum kind { PLAIN, READ_ONLY, WRITE_ONLY };
struct flat {
	uint32_t at, bytes;
	enum kind kind;
	unsigned instance, which;
};
/* An engine three times over, with the globals in the last one's room; a bank of words; registers
 * on odd boundaries. */
static const struct flat picture[] = {
    {0x00, 4, PLAIN, 0, 1},     {0x04, 1, READ_ONLY, 0, 2}, {0x05, 1, PLAIN, 0, 3},
    {0x06, 2, PLAIN, 0, 4},     {0x08, 2, READ_ONLY, 0, 5}, {0x0b, 1, PLAIN, 0, 6},
    {0x10, 4, PLAIN, 1, 1},     {0x14, 1, READ_ONLY, 1, 2}, {0x15, 1, PLAIN, 1, 3},
    {0x16, 2, PLAIN, 1, 4},     {0x18, 2, READ_ONLY, 1, 5}, {0x1b, 1, PLAIN, 1, 6},
    {0x20, 4, PLAIN, 2, 1},     {0x24, 1, READ_ONLY, 2, 2}, {0x25, 1, PLAIN, 2, 3},
    {0x26, 2, PLAIN, 2, 4},     {0x28, 2, READ_ONLY, 2, 5}, {0x2b, 1, PLAIN, 2, 6},
    {0x2c, 4, PLAIN, 0, 7},     {0x30, 4, PLAIN, 0, 8},     {0x34, 1, WRITE_ONLY, 0, 9},
    {0x40, 2, PLAIN, 0, 10},    {0x42, 2, PLAIN, 1, 10},    {0x44, 2, PLAIN, 2, 10},
    {0x46, 2, PLAIN, 3, 10},    {0x51, 2, PLAIN, 0, 11},    {0x53, 4, PLAIN, 0, 12},
    {0x58, 1, READ_ONLY, 0, 13}};

struct seen {
	unsigned instance, which;
	uint32_t value, mask;
};
struct world {
	unsigned n;
	struct seen seen[64];
};

static uint8_t byte_at(uint32_t offset)
{
	return (uint8_t)(offset * 7 + 3);
}

static struct seen *see(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	struct world *world = ctx;
	struct seen *seen = &world->seen[world->n++];

	assert_true(world->n <= N(world->seen));
	assert_true(now == NOW);
	*seen = (struct seen){.instance = instance, .which = which};
	return seen;
}

/* ---- the same as a table ---- */

static uint32_t read_it(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	uint32_t value = 0;

	see(ctx, instance, which, now);
	for (unsigned i = 0; i < N(picture); i++) {
		if (picture[i].instance != instance || picture[i].which != which)
			continue;
		/* What is wider than the register goes nowhere. */
		for (unsigned byte = 0; byte < 4; byte++)
			value |= (uint32_t)byte_at(picture[i].at + byte) << 8 * byte;
	}
	return value;
}

static void write_it(void *ctx, unsigned instance, unsigned which,
		     const struct vmsnd_register_write *write)
{
	struct seen *seen = see(ctx, instance, which, write->now);

	seen->value = write->value;
	seen->mask = write->mask;
}

static const struct vmsnd_register engine[] = {
    {.offset = 0x0, .bytes = 4, .which = 1, .read = read_it, .write = write_it},
    {.offset = 0x4, .bytes = 1, .which = 2, .read = read_it},
    {.offset = 0x5, .bytes = 1, .which = 3, .read = read_it, .write = write_it},
    {.offset = 0x6, .bytes = 2, .which = 4, .read = read_it, .write = write_it},
    {.offset = 0x8, .bytes = 2, .which = 5, .read = read_it},
    {.offset = 0xb, .bytes = 1, .which = 6, .read = read_it, .write = write_it},
};
static const struct vmsnd_register globals[] = {
    {.offset = 0x0, .bytes = 4, .which = 7, .read = read_it, .write = write_it},
    {.offset = 0x4, .bytes = 4, .which = 8, .read = read_it, .write = write_it},
    {.offset = 0x8, .bytes = 1, .which = 9, .write = write_it},
};
static const struct vmsnd_register word[] = {
    {.offset = 0, .bytes = 2, .which = 10, .read = read_it, .write = write_it},
};
static const struct vmsnd_register odd[] = {
    {.offset = 0x1, .bytes = 2, .which = 11, .read = read_it, .write = write_it},
    {.offset = 0x3, .bytes = 4, .which = 12, .read = read_it, .write = write_it},
    {.offset = 0x8, .bytes = 1, .which = 13, .read = read_it},
};
static const struct vmsnd_register_block blocks[] = {
    {.offset = 0, .stride = 0x10, .instances = 3, .rows = engine, .n_rows = N(engine)},
    {.offset = 0x2c, .instances = 1, .rows = globals, .n_rows = N(globals)},
    {.offset = 0x40, .stride = 2, .instances = 4, .rows = word, .n_rows = N(word)},
    {.offset = 0x50, .instances = 1, .rows = odd, .n_rows = N(odd)},
};
static const struct vmsnd_register_space space = {
    .blocks = blocks, .n_blocks = N(blocks), .bytes = SPACE_BYTES};

/* ---- what must come of an access ---- */

static const struct flat *owner(uint64_t offset)
{
	for (unsigned i = 0; i < N(picture); i++)
		if (offset >= picture[i].at && offset < picture[i].at + picture[i].bytes)
			return &picture[i];
	return NULL;
}

static bool takes(const struct flat *flat, bool is_write)
{
	return flat->kind == PLAIN || flat->kind == (is_write ? WRITE_ONLY : READ_ONLY);
}

/* Each register that is touched is seen once, from the lowest on. */
static void expect_seen(const struct world *world, uint64_t offset, uint32_t bytes, bool is_write)
{
	const struct flat *last = NULL;
	unsigned n = 0;

	for (uint64_t at = offset; at < offset + bytes; at++) {
		const struct flat *flat = owner(at);

		if (flat && flat != last && takes(flat, is_write)) {
			assert_true(n < world->n);
			assert_int_equal(world->seen[n].which, flat->which);
			assert_int_equal(world->seen[n].instance, flat->instance);
			n++;
		}
		last = flat;
	}
	assert_int_equal(world->n, n);
}

static bool is_whole(uint64_t offset, uint32_t bytes)
{
	for (uint64_t at = offset; at < offset + bytes; at++)
		if (!owner(at))
			return false;
	return true;
}

static void check_read(uint64_t offset, uint32_t bytes)
{
	const struct vmsnd_register_access access = {offset, bytes, NOW};
	struct world world = {0};
	uint8_t to[BYTES_MAX + 2];

	memset(to, 0x5a, sizeof(to));
	assert_int_equal(vmsnd_registers_read(&space, &world, &access, to + 1),
			 is_whole(offset, bytes));
	for (uint32_t i = 0; i < bytes; i++) {
		const struct flat *flat = owner(offset + i);
		uint8_t want = !flat                      ? 0xff
			       : flat->kind == WRITE_ONLY ? 0
							  : byte_at((uint32_t)offset + i);

		assert_int_equal(to[1 + i], want);
	}
	assert_int_equal(to[0], 0x5a);
	assert_int_equal(to[1 + bytes], 0x5a);
	expect_seen(&world, offset, bytes, false);
}

/* Bytes that arrived at one register, of those that were written. */
static void check_arrived(const struct seen *seen, uint64_t offset, uint32_t bytes)
{
	uint32_t value = 0, mask = 0;

	for (uint32_t i = 0; i < bytes; i++) {
		const struct flat *flat = owner(offset + i);
		unsigned shift;

		if (!flat || flat->which != seen->which || flat->instance != seen->instance)
			continue;
		shift = 8 * (unsigned)(offset + i - flat->at);
		value |= (uint32_t)(uint8_t)(i + 0xa1) << shift;
		mask |= UINT32_C(0xff) << shift;
	}
	assert_int_equal(seen->value, value);
	assert_int_equal(seen->mask, mask);
}

static void check_write(uint64_t offset, uint32_t bytes)
{
	const struct vmsnd_register_access access = {offset, bytes, NOW};
	struct world world = {0};
	uint8_t from[BYTES_MAX];

	for (uint32_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i + 0xa1);
	assert_int_equal(vmsnd_registers_write(&space, &world, &access, from),
			 is_whole(offset, bytes));
	expect_seen(&world, offset, bytes, true);
	for (unsigned i = 0; i < world.n; i++)
		check_arrived(&world.seen[i], offset, bytes);
}

static void test_every_width_on_every_boundary_reads(void **state)
{
	for (uint32_t offset = 0; offset < SPACE_BYTES + 8; offset++)
		for (uint32_t bytes = 0; bytes <= BYTES_MAX; bytes++)
			check_read(offset, bytes);
}

static void test_every_width_on_every_boundary_writes(void **state)
{
	for (uint32_t offset = 0; offset < SPACE_BYTES + 8; offset++)
		for (uint32_t bytes = 0; bytes <= BYTES_MAX; bytes++)
			check_write(offset, bytes);
}

static void test_far_beyond_the_space_is_nothing(void **state)
{
	static const uint64_t far[] = {
	    UINT64_MAX,        UINT64_MAX - 3,          UINT64_MAX - BYTES_MAX + 1,
	    UINT64_C(1) << 32, (UINT64_C(1) << 32) + 4, UINT64_C(1) << 63};
	uint8_t bytes[BYTES_MAX];

	for (unsigned i = 0; i < N(far); i++) {
		const struct vmsnd_register_access access = {far[i], sizeof(bytes), NOW};
		const struct vmsnd_register_access none = {far[i], 0, NOW};
		struct world world = {0};

		memset(bytes, 0, sizeof(bytes));
		assert_false(vmsnd_registers_read(&space, &world, &access, bytes));
		for (unsigned k = 0; k < sizeof(bytes); k++)
			assert_int_equal(bytes[k], 0xff);
		assert_false(vmsnd_registers_write(&space, &world, &access, bytes));
		assert_true(vmsnd_registers_read(&space, &world, &none, bytes));
		assert_true(vmsnd_registers_write(&space, &world, &none, bytes));
		assert_int_equal(world.n, 0);
	}
}

/* ---- registers of the usual kinds ---- */

struct status {
	uint32_t plain, sticky;
};

static uint32_t read_status(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	const struct status *status = ctx;

	return which ? status->sticky : status->plain;
}

static void write_status(void *ctx, unsigned instance, unsigned which,
			 const struct vmsnd_register_write *write)
{
	struct status *status = ctx;

	if (which)
		status->sticky &= ~write->value;
	else
		status->plain = vmsnd_register_merge(status->plain, 0x00ff0ff0, write);
}

static const struct vmsnd_register status_rows[] = {
    {.offset = 0, .bytes = 4, .which = 0, .read = read_status, .write = write_status},
    {.offset = 4, .bytes = 4, .which = 1, .read = read_status, .write = write_status},
};
static const struct vmsnd_register_block status_block = {
    .instances = 1, .rows = status_rows, .n_rows = N(status_rows)};
static const struct vmsnd_register_space status_space = {
    .blocks = &status_block, .n_blocks = 1, .bytes = 8};

static void write_ones(struct status *status, uint32_t offset, uint32_t bytes)
{
	const struct vmsnd_register_access access = {offset, bytes, NOW};
	uint8_t ones[8];

	memset(ones, 0xff, sizeof(ones));
	assert_true(vmsnd_registers_write(&status_space, status, &access, ones));
}

static void test_ones_clear_only_the_bytes_they_are_written_to(void **state)
{
	struct status status = {.sticky = 0x11223344};

	write_ones(&status, 5, 1);
	assert_int_equal(status.sticky, 0x11220044);
	write_ones(&status, 7, 1);
	assert_int_equal(status.sticky, 0x00220044);
	/* Across the register before it. */
	write_ones(&status, 2, 3);
	assert_int_equal(status.sticky, 0x00220000);
	assert_int_equal(status.plain, 0x00ff0000);
	write_ones(&status, 0, 8);
	assert_int_equal(status.sticky, 0);
}

static void test_merge_leaves_what_is_not_writable_and_not_written(void **state)
{
	struct vmsnd_register_write write = {.value = 0x0000ab00, .mask = 0x0000ff00};

	assert_int_equal(vmsnd_register_merge(0x12345678, 0x00000ff0, &write), 0x12345b78);
	write = (struct vmsnd_register_write){.value = 0, .mask = UINT32_MAX};
	assert_int_equal(vmsnd_register_merge(0x12345678, 0x00ff0000, &write), 0x12005678);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_every_width_on_every_boundary_reads),
	    TEST(test_every_width_on_every_boundary_writes),
	    TEST(test_far_beyond_the_space_is_nothing),
	    TEST(test_ones_clear_only_the_bytes_they_are_written_to),
	    TEST(test_merge_leaves_what_is_not_writable_and_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
