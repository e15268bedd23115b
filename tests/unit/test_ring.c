/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring: order over any number of wraps, exact room and fill, and a hostile other side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ring.h"

#define CAPACITY 64u
#define GUARD    0xA5

struct pair {
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end writer, reader;
	unsigned char before[64];
	uint32_t frames[CAPACITY];
	unsigned char after[64];
	uint32_t next_in, next_out;
};

static void pair_init(struct pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	memset(pair->before, GUARD, sizeof(pair->before));
	memset(pair->after, GUARD, sizeof(pair->after));
	vmsnd_ring_reset(&pair->head);
	vmsnd_ring_end_init(&pair->writer, &pair->head, pair->frames, CAPACITY, 4);
	pair->reader = pair->writer;
}

static void pair_check_guards(const struct pair *pair)
{
	for (size_t i = 0; i < sizeof(pair->before); i++) {
		assert_int_equal(pair->before[i], GUARD);
		assert_int_equal(pair->after[i], GUARD);
	}
}

static uint32_t put(struct pair *pair, uint32_t frames)
{
	void *at;
	uint32_t n = vmsnd_ring_write_begin_rt(&pair->writer, frames, &at);

	assert_true(n <= frames);
	for (uint32_t i = 0; i < n; i++)
		((uint32_t *)at)[i] = pair->next_in++;
	vmsnd_ring_write_commit_rt(&pair->writer, n);
	return n;
}

static uint32_t take(struct pair *pair, uint32_t frames)
{
	void *at;
	uint32_t n = vmsnd_ring_read_begin_rt(&pair->reader, frames, &at);

	assert_true(n <= frames);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(((uint32_t *)at)[i], pair->next_out++);
	vmsnd_ring_read_commit_rt(&pair->reader, n);
	return n;
}

static void test_capacity_is_the_next_power_of_two(void **state)
{
	assert_int_equal(vmsnd_ring_capacity(0), 1);
	assert_int_equal(vmsnd_ring_capacity(1), 1);
	assert_int_equal(vmsnd_ring_capacity(2), 2);
	assert_int_equal(vmsnd_ring_capacity(3), 4);
	assert_int_equal(vmsnd_ring_capacity(30720), 32768);
	assert_int_equal(vmsnd_ring_capacity(0x80000000u), 0x80000000u);
	assert_int_equal(vmsnd_ring_capacity(0x80000001u), 0);
	assert_int_equal(vmsnd_ring_capacity(UINT32_MAX), 0);
}

static void test_fills_to_the_last_frame_and_no_further(void **state)
{
	struct pair pair;

	pair_init(&pair);
	assert_int_equal(vmsnd_ring_room_rt(&pair.writer), CAPACITY);
	assert_int_equal(vmsnd_ring_fill_rt(&pair.reader), 0);
	assert_int_equal(take(&pair, 1), 0);
	assert_int_equal(put(&pair, CAPACITY + 1), CAPACITY);
	assert_int_equal(put(&pair, 1), 0);
	assert_int_equal(vmsnd_ring_fill_rt(&pair.reader), CAPACITY);
	assert_int_equal(take(&pair, CAPACITY + 1), CAPACITY);
	assert_int_equal(take(&pair, 1), 0);
	pair_check_guards(&pair);
}

/* PLx-1, PLx-2: what goes in comes out once and in order, whatever the cuts. */
static void test_PLx1_PLx2_order_over_random_wraps(void **state)
{
	struct pair pair;
	uint32_t in = 0, out = 0;

	pair_init(&pair);
	srand(1);
	for (unsigned i = 0; i < 200000; i++) {
		in += put(&pair, (uint32_t)rand() % (CAPACITY + 8));
		out += take(&pair, (uint32_t)rand() % (CAPACITY + 8));
		assert_int_equal(vmsnd_ring_fill_rt(&pair.reader), in - out);
		assert_int_equal(vmsnd_ring_room_rt(&pair.writer), CAPACITY - (in - out));
	}
	assert_true(out > 1000 * CAPACITY);
	pair_check_guards(&pair);
}

static void test_piece_ends_at_the_end_of_the_storage(void **state)
{
	struct pair pair;
	void *at;

	pair_init(&pair);
	put(&pair, CAPACITY - 10);
	take(&pair, CAPACITY - 10);
	assert_int_equal(vmsnd_ring_write_begin_rt(&pair.writer, CAPACITY, &at), 10);
	assert_ptr_equal(at, &pair.frames[CAPACITY - 10]);
	assert_int_equal(put(&pair, CAPACITY), 10);
	assert_int_equal(vmsnd_ring_write_begin_rt(&pair.writer, CAPACITY, &at), CAPACITY - 10);
	assert_ptr_equal(at, &pair.frames[0]);
}

/* Design, idea 9: the two ends may see storage and head at different addresses. */
static void test_ends_at_different_addresses(void **state)
{
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end writer, reader;
	uint32_t one[CAPACITY], other[CAPACITY];
	void *at;

	memset(&head, 0, sizeof(head));
	vmsnd_ring_end_init(&writer, &head, one, CAPACITY, 4);
	vmsnd_ring_end_init(&reader, &head, other, CAPACITY, 4);
	assert_int_equal(vmsnd_ring_write_begin_rt(&writer, 5, &at), 5);
	assert_ptr_equal(at, one);
	vmsnd_ring_write_commit_rt(&writer, 5);
	memcpy(other, one, sizeof(one));
	assert_int_equal(vmsnd_ring_read_begin_rt(&reader, 9, &at), 5);
	assert_ptr_equal(at, other);
}

static void test_commit_beyond_begin_is_cut(void **state)
{
	struct pair pair;

	pair_init(&pair);
	vmsnd_ring_write_commit_rt(&pair.writer, UINT32_MAX);
	assert_int_equal(pair.writer.position, CAPACITY);
	vmsnd_ring_read_commit_rt(&pair.reader, UINT32_MAX);
	assert_int_equal(pair.reader.position, CAPACITY);
	assert_int_equal(vmsnd_ring_room_rt(&pair.writer), CAPACITY);
}

static const uint64_t lies[] = {1,
				CAPACITY + 1,
				CAPACITY * 2,
				UINT32_MAX,
				UINT64_C(1) << 32,
				(UINT64_C(1) << 32) + 3,
				UINT64_C(1) << 63,
				UINT64_MAX - CAPACITY,
				UINT64_MAX - 1,
				UINT64_MAX};

/* Whatever the other side claims, a piece lies inside the storage. */
static void check_piece(const struct pair *pair, const void *at, uint32_t frames)
{
	const uint32_t *first = at;

	if (frames == 0)
		return;
	assert_true(first >= pair->frames);
	assert_true(first + frames <= pair->frames + CAPACITY);
}

static void test_hostile_reader_position(void **state)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		/* A reader a little behind may be true; one ahead, or a ring behind, cannot. */
		uint64_t behind = 0 - lies[i];
		struct pair pair;
		void *at;
		uint32_t n;

		pair_init(&pair);
		put(&pair, 20);
		atomic_store(&pair.head.read, 20 + lies[i]);
		n = vmsnd_ring_write_begin_rt(&pair.writer, CAPACITY, &at);
		check_piece(&pair, at, n);
		assert_int_equal(n, behind <= CAPACITY ? CAPACITY - 20 : 0);
		vmsnd_ring_write_commit_rt(&pair.writer, CAPACITY);
		assert_int_equal(pair.writer.position,
				 20 + (behind <= CAPACITY ? CAPACITY - behind : 0));
	}
}

static void test_hostile_writer_position(void **state)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct pair pair;
		void *at;
		uint32_t n;

		pair_init(&pair);
		put(&pair, 20);
		take(&pair, 20);
		atomic_store(&pair.head.written, 20 + lies[i]);
		n = vmsnd_ring_read_begin_rt(&pair.reader, CAPACITY, &at);
		check_piece(&pair, at, n);
		/* One frame more may be true; the rest cannot be. */
		assert_int_equal(n, lies[i] == 1 ? 1 : 0);
		vmsnd_ring_read_commit_rt(&pair.reader, n);
		assert_int_equal(pair.reader.position, 20 + n);
	}
}

/* The other side cannot move this side's own position by writing over it. */
static void test_hostile_overwrite_of_own_position(void **state)
{
	struct pair pair;

	pair_init(&pair);
	put(&pair, 20);
	atomic_store(&pair.head.written, UINT64_MAX);
	assert_int_equal(vmsnd_ring_room_rt(&pair.writer), CAPACITY - 20);
	assert_int_equal(put(&pair, 4), 4);
	assert_int_equal(atomic_load(&pair.head.written), 24);
}

static void test_positions_beyond_32_bits(void **state)
{
	struct pair pair;
	uint64_t far = (UINT64_C(1) << 40) - 7;

	pair_init(&pair);
	pair.writer.position = pair.reader.position = far;
	atomic_store(&pair.head.written, far);
	atomic_store(&pair.head.read, far);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t n = put(&pair, 40);

		while (n > 0)
			n -= take(&pair, n);
	}
	assert_int_equal(pair.next_in, pair.next_out);
	pair_check_guards(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_capacity_is_the_next_power_of_two),
	    cmocka_unit_test(test_fills_to_the_last_frame_and_no_further),
	    cmocka_unit_test(test_PLx1_PLx2_order_over_random_wraps),
	    cmocka_unit_test(test_piece_ends_at_the_end_of_the_storage),
	    cmocka_unit_test(test_ends_at_different_addresses),
	    cmocka_unit_test(test_commit_beyond_begin_is_cut),
	    cmocka_unit_test(test_hostile_reader_position),
	    cmocka_unit_test(test_hostile_writer_position),
	    cmocka_unit_test(test_hostile_overwrite_of_own_position),
	    cmocka_unit_test(test_positions_beyond_32_bits),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
