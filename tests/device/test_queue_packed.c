/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed virtqueues on their own, in real guest memory (V9), and IN_ORDER. Classes are those of
 * known defects: 16 is ring data that is trusted. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "devices/virtio/queue.h"

#define SIZE  7u /* no power of two */
#define BASIC (RIG_F_VERSION_1 | RIG_F_PACKED | RIG_F_INDIRECT)
#define FULL  (BASIC | RIG_F_EVENT_IDX)

#define AVAIL 0x0080u
#define USED  0x8000u
#define NXT   VRING_DESC_F_NEXT
#define WRT   VRING_DESC_F_WRITE
#define IND   VRING_DESC_F_INDIRECT

static struct rig rig;
static struct vmsnd_queue queue;
static struct vmsnd_queue_store *store;
static struct vmsnd_chain chain;

static enum vmsnd_rc start(uint64_t features)
{
	rig_layout(&rig, TX, SIZE);
	rig.queues[TX].packed = true;
	rig.queues[TX].setup.next_avail = VMSND_PACKED_START;
	memset(store, 0, sizeof(*store));
	queue.store = store;
	return vmsnd_queue_start(&queue, &rig.mem, &rig.queues[TX].setup, features);
}

static int set_up(void **state)
{
	rig_open(&rig, 1, 0);
	store = malloc(sizeof(*store));
	assert_int_equal(start(FULL), VMSND_OK);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	free(store);
	return 0;
}

static struct vring_packed_desc *slot(unsigned index)
{
	return (struct vring_packed_desc *)rig_at(&rig, rig.queues[TX].setup.desc) + index;
}

/* Of the first lap. */
static void describe(unsigned index, uint32_t bytes, uint16_t id, unsigned flags)
{
	*slot(index) = (struct vring_packed_desc){
	    .addr = RIG_GPA, .len = bytes, .id = id, .flags = (uint16_t)(AVAIL | flags)};
}

static void push(const struct vmsnd_chain *what, uint32_t written)
{
	vmsnd_queue_push(&queue, what, written);
	vmsnd_queue_publish(&queue);
}

static uint16_t *event(vmsnd_gpa area, unsigned word)
{
	return (uint16_t *)rig_at(&rig, area) + word;
}

/* ---- start ------------------------------------------------------------------------------------
 */

static void test_V9_start_refuses_shapes_and_places(void **state)
{
	const struct vmsnd_queue_setup good = rig.queues[TX].setup;
	static const uint16_t sizes[] = {0, 1025, 65535};
	static const uint32_t places[] = {0x80078000, 0x80008007, 0xffff8000, 0x8000ffff};
	struct vmsnd_queue_setup bad;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bad = good, bad.size = sizes[i];
		assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, FULL), VMSND_E_INVALID);
	}
	bad = good, bad.desc += 8;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, FULL), VMSND_E_INVALID);
	bad = good, bad.avail += 2;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, FULL), VMSND_E_INVALID);
	bad = good, bad.used = RIG_NOWHERE;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, FULL), VMSND_E_RANGE);
	bad = good, bad.desc = RIG_GPA + RIG_RAM_BYTES - 16;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, FULL), VMSND_E_RANGE);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bad = good, bad.next_avail = places[i];
		assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, FULL), VMSND_E_RANGE);
		assert_false(queue.started);
	}
	queue.store = NULL;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &good, FULL), VMSND_E_INVALID);
}

/* ---- laps ---------------------------------------------------------------------------------------
 */

/* 2.8.1: chains of every length around the ring many times, given back at once. */
static void test_V9_wrap_counters(void **state)
{
	struct rig_segment pieces[SIZE];

	for (unsigned i = 0; i < SIZE; i++)
		pieces[i] = (struct rig_segment){RIG_GPA, i + 1, i >= 2};
	for (unsigned i = 0; i < 200; i++) {
		unsigned n = 1 + i * 5 % SIZE;
		uint32_t head, written;
		uint16_t id = rig_post(&rig, TX, pieces, n, i % 3 == 0);

		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
		assert_int_equal(chain.head, id);
		assert_int_equal(chain.slots, i % 3 == 0 ? 1 : n);
		assert_int_equal(chain.n_descriptors, n);
		assert_int_equal(chain.readable.left + chain.writable.left, n * (n + 1) / 2);
		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
		assert_false(rig_take(&rig, TX, &head, &written));
		push(&chain, i);
		assert_true(rig_take(&rig, TX, &head, &written));
		assert_int_equal(head, id);
		assert_int_equal(written, i);
		assert_false(queue.broken);
	}
}

/* 2.8.5: used entries go where the next one is due, not where the buffer was, and what they
 * overwrite is still read right. */
static void test_V9_given_back_out_of_order(void **state)
{
	struct vmsnd_chain out[3];
	char got[4] = "";
	uint32_t head;

	for (unsigned i = 0; i < 3; i++) {
		char text[3] = {(char)('a' + i), (char)('A' + i), '1'};
		vmsnd_gpa at = rig_put(&rig, text, 3);
		const struct rig_segment pieces[] = {{at, 1, false}, {at + 1, 2, false}};

		rig_post(&rig, TX, pieces, 2, false);
		assert_int_equal(vmsnd_queue_pop(&queue, &out[i]), VMSND_POP_CHAIN);
	}
	push(&out[2], 0);
	assert_int_equal(slot(0)->id, out[2].head);
	assert_int_equal(slot(0)->flags, AVAIL | USED); /* no WRITE: nothing was written */
	push(&out[1], 9);
	assert_int_equal(slot(2)->flags, AVAIL | USED | WRT);
	assert_true(rig_take(&rig, TX, &head, NULL));
	assert_int_equal(head, out[2].head);
	assert_true(rig_take(&rig, TX, &head, NULL));
	/* Others take their place while the first is still out. */
	for (unsigned i = 0; i < 4; i++) {
		const struct rig_segment piece = {RIG_GPA, 1, false};

		rig_post(&rig, TX, &piece, 1, false);
		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
		if (i < 2)
			push(&chain, 0);
	}
	assert_int_equal(vmsnd_chain_read(&rig.mem, &out[0].readable, got, 4), 3);
	assert_string_equal(got, "aA1");
	push(&out[0], 0);
	assert_false(queue.broken);
}

/* ---- what a driver must not do
 * -------------------------------------------------------------------- */

struct shape {
	const char *name;
	uint64_t features;
	struct vring_packed_desc first, second;
	struct vring_packed_desc table[2]; /* an address of 0 above means here */
};

static const struct shape shapes[] = {
    {"nested table", FULL, {0, 16, 3, IND}, {0}, {{0, 16, 0, IND}}},
    {"empty table (#3984)", FULL, {0, 0, 3, IND}, {0}, {{9, 4, 0, 0}}},
    {"table of one and a bit", FULL, {0, 17, 3, IND}, {0}, {{9, 4, 0, 0}}},
    {"table beyond the cap", FULL, {0, 1025 * 16, 3, IND}, {0}, {{9, 4, 0, 0}}},
    {"table of 2^32 - 16", FULL, {0, UINT32_MAX - 15, 3, IND}, {0}, {{9, 4, 0, 0}}},
    {"table of 2^32 - 1", FULL, {0, UINT32_MAX, 3, IND}, {0}, {{9, 4, 0, 0}}},
    {"table not in memory", FULL, {RIG_NOWHERE, 32, 3, IND}, {0}, {{0}}},
    {"table that wraps", FULL, {UINT64_MAX - 15, 32, 3, IND}, {0}, {{0}}},
    {"not negotiated", RIG_F_VERSION_1 | RIG_F_PACKED, {0, 16, 3, IND}, {0}, {{9, 4, 0, 0}}},
    {"table and next", FULL, {0, 16, 8, IND | NXT}, {9, 4, 3, AVAIL}, {{9, 4, 0, 0}}},
    {"direct, then a table", FULL, {9, 4, 8, NXT}, {0, 16, 3, IND | AVAIL}, {{9, 4, 0, 0}}},
    {"writable before readable", FULL, {9, 4, 8, WRT | NXT}, {9, 4, 3, AVAIL}, {{0}}},
    {"2^32 bytes", FULL, {9, UINT32_MAX, 8, NXT}, {9, 1, 3, AVAIL}, {{0}}},
    {"2^32 bytes of both", FULL, {9, UINT32_MAX, 8, NXT}, {9, UINT32_MAX, 3, WRT | AVAIL}, {{0}}},
};

static void test_class16_malformed_chains_are_told_and_not_followed(void **state)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];
		vmsnd_gpa table = rig_put(&rig, shape->table, sizeof(shape->table));
		unsigned n = shape->first.flags & NXT ? 2 : 1;

		assert_int_equal(start(shape->features), VMSND_OK);
		*slot(0) = shape->first;
		*slot(1) = shape->second;
		for (unsigned at = 0; at < n; at++)
			if (slot(at)->addr == 0)
				slot(at)->addr = table;
		if (shape->table[0].flags & IND)
			((struct vring_packed_desc *)rig_at(&rig, table))->addr = table;
		slot(0)->flags |= AVAIL;
		describe(n, 4, 5, 0);
		if (vmsnd_queue_pop(&queue, &chain) != VMSND_POP_MALFORMED)
			fail_msg("%s was taken", shape->name);
		assert_int_equal(chain.head, 3);
		push(&chain, 0);
		assert_int_equal(slot(0)->id, 3);
		assert_int_equal(slot(0)->flags, AVAIL | USED);
		/* The queue goes on with the next one. */
		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
		assert_int_equal(chain.head, 5);
		push(&chain, 0);
		assert_int_equal(slot(n)->flags, AVAIL | USED);
	}
}

/* Reserved bits of a table mean nothing: no NEXT, no id (2.8.7). */
static void test_V9_tables_are_read_one_by_one(void **state)
{
	vmsnd_gpa table = rig_alloc(&rig, 3 * 16);
	struct vring_packed_desc *entries = rig_at(&rig, table);

	for (unsigned i = 0; i < 3; i++)
		entries[i] = (struct vring_packed_desc){RIG_GPA, 10, 65535,
							(uint16_t)(i == 2   ? WRT | AVAIL
								   : i == 1 ? NXT | USED
									    : 0)};
	describe(0, 48, 6, IND | WRT); /* its own WRITE means nothing either */
	slot(0)->addr = table;
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	assert_int_equal(chain.n_descriptors, 3);
	assert_int_equal(chain.readable.left, 20);
	assert_int_equal(chain.writable.left, 10);
}

/* A chain without an end goes around the ring: what its id would be cannot be known. */
static void test_class16_endless_chains_break_the_queue(void **state)
{
	for (unsigned i = 0; i < SIZE; i++)
		describe(i, 4, (uint16_t)i, NXT);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
	assert_true(queue.broken);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(slot(i)->flags, AVAIL | NXT);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
}

/* The driver makes available again what it has not got back. */
static void test_class16_more_than_the_ring_holds_breaks_the_queue(void **state)
{
	for (unsigned i = 0; i < SIZE; i++)
		describe(i, 4, 1, 0); /* the same id: its own affair */
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	assert_int_equal(vmsnd_queue_waiting(&queue), 0);
	describe(0, 4, 1, 0);
	slot(0)->flags = USED; /* available in the second lap */
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
	assert_true(queue.broken);
}

/* Flags of another lap, or of none, are no descriptors. */
static void test_class16_wrong_wrap_bits_are_nothing(void **state)
{
	static const uint16_t flags[] = {0, USED, AVAIL | USED};

	for (unsigned i = 0; i < 3; i++) {
		describe(0, 4, 1, 0);
		slot(0)->flags = flags[i];
		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
		assert_false(queue.broken);
	}
	/* They change for ever: each time it is one more, or none. */
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned at = 0; at < SIZE; at++)
			slot(at)->flags = (uint16_t)(i * 2654435761u >> at);
		if (vmsnd_queue_pop(&queue, &chain) != VMSND_POP_NONE)
			push(&chain, i);
	}
}

/* What was checked is what is used: the ring is read once. */
static void test_class16_descriptors_changed_after_the_check_do_no_harm(void **state)
{
	uint8_t to[64];

	describe(0, 4, 0, NXT);
	describe(1, 4, 2, 0);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	describe(1, 4000, 9, NXT | WRT);
	assert_int_equal(vmsnd_chain_read(&rig.mem, &chain.readable, to, sizeof(to)), 8);
	push(&chain, 0);
	assert_int_equal(slot(0)->id, 2);
}

static void test_memory_that_leaves_breaks_the_queue(void **state)
{
	assert_int_equal(vmsnd_gmem_remove(&rig.mem, RIG_GPA, RIG_RAM_BYTES), VMSND_OK);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
	assert_true(queue.broken);
}

/* ---- notification
 * -------------------------------------------------------------------------------- */

/* 2.8.14: against the rule as the kernel's driver has it, at every place of two laps. */
static void test_V9_driver_event_suppression(void **state)
{
	const struct vmsnd_queue_setup *setup = &rig.queues[TX].setup;

	for (unsigned begin = 0; begin < 2 * SIZE; begin++)
		for (unsigned pushes = 1; pushes < SIZE; pushes++)
			for (unsigned wish = 0; wish < 2 * SIZE; wish++) {
				unsigned ahead = (wish + 2 * SIZE - begin) % (2 * SIZE);

				assert_int_equal(start(FULL), VMSND_OK);
				queue.next_avail = queue.used_index = (uint16_t)begin;
				queue.published = queue.signalled = (uint16_t)begin;
				*event(setup->avail, 0) =
				    (uint16_t)(wish < SIZE ? 0x8000 | wish : wish - SIZE);
				*event(setup->avail, 1) = 2;
				queue.n_slots = (uint16_t)pushes;
				for (unsigned i = 0; i < pushes; i++) {
					const struct vmsnd_queue_out out = {.slots = 1};

					queue.ops->give(&queue, &out);
				}
				vmsnd_queue_publish(&queue);
				assert_int_equal(vmsnd_queue_must_notify(&queue), ahead < pushes);
				assert_false(vmsnd_queue_must_notify(&queue)); /* once */
			}
}

static void give_one(void)
{
	const struct rig_segment piece = {RIG_GPA, 4, false};

	rig_post(&rig, TX, &piece, 1, false);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	push(&chain, 0);
	assert_true(rig_take(&rig, TX, NULL, NULL));
}

static void test_V9_driver_event_flags(void **state)
{
	uint16_t *area = event(rig.queues[TX].setup.avail, 0);

	give_one();
	assert_true(vmsnd_queue_must_notify(&queue)); /* 0 is ENABLE */
	area[1] = 1;
	give_one();
	assert_false(vmsnd_queue_must_notify(&queue));
	area[1] = 2, area[0] = SIZE | 0x8000; /* a place that is none */
	give_one();
	assert_true(vmsnd_queue_must_notify(&queue));
	area[1] = 3; /* reserved */
	give_one();
	assert_true(vmsnd_queue_must_notify(&queue));
}

static void test_V9_device_event_suppression(void **state)
{
	uint16_t *area = event(rig.queues[TX].setup.used, 0);

	assert_int_equal(area[0], 0x8000);
	assert_int_equal(area[1], 2); /* DESC, at the first of the first lap */
	vmsnd_queue_kicks_off(&queue);
	assert_int_equal(area[1], 1);
	describe(0, 4, 1, 0);
	assert_true(vmsnd_queue_kicks_on(&queue)); /* no kick tells of that one */
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	assert_false(vmsnd_queue_kicks_on(&queue));
	assert_int_equal(area[0], 0x8001);
	assert_int_equal(area[1], 2);
	assert_int_equal(start(BASIC), VMSND_OK);
	area = event(rig.queues[TX].setup.used, 0);
	assert_int_equal(area[1], 0); /* ENABLE */
	vmsnd_queue_kicks_off(&queue);
	assert_int_equal(area[1], 1);
}

/* ---- in order
 * ------------------------------------------------------------------------------------ */

/* 2.8.11: what is done too early waits for its turn, for any pattern of chains and turns. */
static void test_V9_in_order_holds_back(void **state)
{
	static const uint8_t turns[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	assert_int_equal(start(FULL | RIG_F_IN_ORDER), VMSND_OK);
	for (unsigned lap = 0; lap < 600; lap++) {
		const uint8_t *turn = turns[lap % 6];
		struct vmsnd_chain out[3];
		bool done[3] = {false};
		unsigned back = 0;

		for (unsigned i = 0; i < 3; i++) {
			const struct rig_segment pieces[] = {{RIG_GPA, 4, false},
							     {RIG_GPA, 4, true}};

			rig_post(&rig, TX, pieces, 1 + (lap + i) % 2, false);
			assert_int_equal(vmsnd_queue_pop(&queue, &out[i]), VMSND_POP_CHAIN);
		}
		for (unsigned i = 0; i < 3; i++) {
			uint32_t head, written;

			push(&out[turn[i]], turn[i] + 10u);
			done[turn[i]] = true;
			for (; back < 3 && done[back]; back++) {
				assert_true(rig_take(&rig, TX, &head, &written));
				assert_int_equal(head, out[back].head);
				assert_int_equal(written, back + 10);
			}
			assert_false(rig_take(&rig, TX, &head, &written));
			assert_int_equal(vmsnd_queue_is_whole(&queue), back == i + 1);
		}
	}
	assert_false(queue.broken);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_V9_start_refuses_shapes_and_places),
	    T(test_V9_wrap_counters),
	    T(test_V9_given_back_out_of_order),
	    T(test_class16_malformed_chains_are_told_and_not_followed),
	    T(test_V9_tables_are_read_one_by_one),
	    T(test_class16_endless_chains_break_the_queue),
	    T(test_class16_more_than_the_ring_holds_breaks_the_queue),
	    T(test_class16_wrong_wrap_bits_are_nothing),
	    T(test_class16_descriptors_changed_after_the_check_do_no_harm),
	    T(test_memory_that_leaves_breaks_the_queue),
	    T(test_V9_driver_event_suppression),
	    T(test_V9_driver_event_flags),
	    T(test_V9_device_event_suppression),
	    T(test_V9_in_order_holds_back),
	};

	return cmocka_run_group_tests_name("queue_packed", tests, NULL, NULL);
}
