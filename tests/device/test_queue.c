/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues and descriptor chains on their own, in real guest memory. Classes are those
 * of known defects: 16 is ring data that is trusted. */
#include "rig.h"

#include <string.h>

#include "devices/virtio/queue.h"

#define SIZE 16u

static struct rig rig;
static struct vmsnd_queue queue;

static enum vmsnd_rc start(uint64_t features, uint16_t next_avail)
{
	rig.queues[TX].setup.next_avail = next_avail;
	rig.queues[TX].avail = rig.queues[TX].used = next_avail;
	rig_set_avail_index(&rig, TX, next_avail);
	*(uint16_t *)rig_at(&rig, rig.queues[TX].setup.used + 2) = next_avail;
	return vmsnd_queue_start(&queue, &rig.mem, &rig.queues[TX].setup, features);
}

/* Gives the head 0 back. */
static void push_first(void)
{
	const struct vmsnd_chain chain = {.head = 0, .slots = 1};

	vmsnd_queue_push(&queue, &chain, 0);
}

static int set_up(void **state)
{
	rig_open(&rig, 1, 0);
	rig_layout(&rig, TX, SIZE);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

/* ---- start ------------------------------------------------------------------------------ */

static void test_start_refuses_sizes_and_alignments(void **state)
{
	const struct vmsnd_queue_setup good = rig.queues[TX].setup;
	static const uint16_t sizes[] = {0, 3, 15, 1023, 2048, 65535};
	struct vmsnd_queue_setup bad;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bad = good;
		bad.size = sizes[i];
		assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL),
				 VMSND_E_INVALID);
	}
	bad = good, bad.desc += 8;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL), VMSND_E_INVALID);
	bad = good, bad.avail += 1;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL), VMSND_E_INVALID);
	bad = good, bad.used += 2;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL), VMSND_E_INVALID);
	assert_false(queue.started);
}

static void test_start_wants_rings_whole_in_memory(void **state)
{
	const struct vmsnd_queue_setup good = rig.queues[TX].setup;
	const vmsnd_gpa end = RIG_GPA + RIG_RAM_BYTES;
	struct vmsnd_queue_setup bad = good;

	bad.desc = end - (SIZE - 1) * 16;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL), VMSND_E_RANGE);
	bad = good, bad.used = RIG_NOWHERE;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL), VMSND_E_RANGE);
	bad = good, bad.desc = UINT64_MAX - 15;
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL), VMSND_E_RANGE);
	/* The event field counts when it was negotiated, and only then. */
	bad = good, bad.avail = end - (4 + SIZE * 2);
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_ALL), VMSND_E_RANGE);
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &bad, RIG_F_VERSION_1), VMSND_OK);
}

/* ---- chains ------------------------------------------------------------------------------- */

static void describe(uint16_t index, vmsnd_gpa at, uint32_t bytes, uint16_t flags, uint16_t next)
{
	*rig_descriptor(&rig, TX, index) =
	    (struct vring_desc){.addr = at, .len = bytes, .flags = flags, .next = next};
}

static void test_direct_then_indirect_with_empty_descriptors(void **state)
{
	static const char text[] = "abcdefgh";
	vmsnd_gpa data = rig_put(&rig, text, 8), table = rig_alloc(&rig, 64),
		  in = rig_alloc(&rig, 8);
	struct vring_desc *entry = rig_at(&rig, table);
	struct vmsnd_chain chain;
	char got[9] = "";

	start(RIG_F_ALL, 0);
	describe(3, data, 3, VRING_DESC_F_NEXT, 7);
	describe(7, RIG_NOWHERE, 0, VRING_DESC_F_NEXT, 1); /* empty: its address is nobody's */
	/* The standard has WRITE ignored on a descriptor that points to a table. */
	describe(1, table, 64, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	entry[0] =
	    (struct vring_desc){.addr = data + 3, .len = 5, .flags = VRING_DESC_F_NEXT, .next = 3};
	entry[3] = (struct vring_desc){
	    .addr = in, .len = 0, .flags = VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, .next = 1};
	entry[1] = (struct vring_desc){.addr = in, .len = 6, .flags = VRING_DESC_F_WRITE};
	rig_offer(&rig, TX, 3);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	assert_int_equal(chain.head, 3);
	assert_int_equal(chain.readable.left, 8);
	assert_int_equal(chain.writable.left, 6);
	assert_int_equal(vmsnd_chain_read(&rig.mem, &chain.readable, got, 8), 8);
	assert_string_equal(got, text);
	assert_int_equal(vmsnd_chain_skip(&rig.mem, &chain.writable, 4), 4);
	assert_int_equal(vmsnd_chain_write(&rig.mem, &chain.writable, "xyz", 3), 2);
	assert_memory_equal(rig_at(&rig, in), "\0\0\0\0xy\0\0", 8);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
}

struct shape {
	const char *name;
	uint64_t features;
	struct vring_desc first, second; /* in the ring, 0 and 1 */
	struct vring_desc table[2];      /* in memory; an address of 0 above means here */
};

#define IND VRING_DESC_F_INDIRECT
#define NXT VRING_DESC_F_NEXT
#define WRT VRING_DESC_F_WRITE

/* Addresses are irrelevant to the check, except those of tables. */
static const struct shape shapes[] = {
    {"loop on itself", RIG_F_ALL, {9, 4, NXT, 0}, {0}, {{0}}},
    {"loop of two", RIG_F_ALL, {9, 4, NXT, 1}, {9, 4, NXT, 0}, {{0}}},
    {"next is the size", RIG_F_ALL, {9, 4, NXT, SIZE}, {0}, {{0}}},
    {"next is the largest", RIG_F_ALL, {9, 4, NXT, 65535}, {0}, {{0}}},
    {"nested table", RIG_F_ALL, {0, 16, IND, 0}, {0}, {{0, 16, IND, 0}}},
    {"table and next", RIG_F_ALL, {0, 16, IND | NXT, 1}, {9, 4, 0, 0}, {{9, 4, 0, 0}}},
    {"empty table", RIG_F_ALL, {0, 0, IND, 0}, {0}, {{9, 4, 0, 0}}},
    {"table of one and a bit", RIG_F_ALL, {0, 17, IND, 0}, {0}, {{9, 4, 0, 0}}},
    {"table beyond the cap", RIG_F_ALL, {0, 1025 * 16, IND, 0}, {0}, {{9, 4, 0, 0}}},
    {"table of 2^32 - 16", RIG_F_ALL, {0, UINT32_MAX - 15, IND, 0}, {0}, {{9, 4, 0, 0}}},
    {"loop in the table", RIG_F_ALL, {0, 32, IND, 0}, {0}, {{9, 4, NXT, 1}, {9, 4, NXT, 0}}},
    {"next beyond the table", RIG_F_ALL, {0, 32, IND, 0}, {0}, {{9, 4, NXT, 2}}},
    {"table not in memory", RIG_F_ALL, {RIG_NOWHERE, 32, IND, 0}, {0}, {{0}}},
    {"table that wraps", RIG_F_ALL, {UINT64_MAX - 15, 32, IND, 0}, {0}, {{0}}},
    {"not negotiated", RIG_F_VERSION_1, {0, 16, IND, 0}, {0}, {{9, 4, 0, 0}}},
    {"writable before readable", RIG_F_ALL, {9, 4, WRT | NXT, 1}, {9, 4, 0, 0}, {{0}}},
    {"2^32 bytes", RIG_F_ALL, {9, UINT32_MAX, NXT, 1}, {9, 1, 0, 0}, {{0}}},
    {"2^32 bytes of both", RIG_F_ALL, {9, UINT32_MAX, NXT, 1}, {9, UINT32_MAX, WRT, 0}, {{0}}},
};

static void test_class16_malformed_chains_are_told_and_not_followed(void **state)
{
	struct vmsnd_chain chain;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];
		vmsnd_gpa table = rig_put(&rig, shape->table, sizeof(shape->table));

		rig_layout(&rig, TX, SIZE);
		assert_int_equal(start(shape->features, 0), VMSND_OK);
		*rig_descriptor(&rig, TX, 0) = shape->first;
		*rig_descriptor(&rig, TX, 1) = shape->second;
		if (shape->first.addr == 0)
			rig_descriptor(&rig, TX, 0)->addr = table;
		if (shape->table[0].flags & IND)
			((struct vring_desc *)rig_at(&rig, table))->addr = table;
		describe(5, RIG_GPA, 4, 0, 0);
		rig_offer(&rig, TX, 0);
		rig_offer(&rig, TX, 5);
		if (vmsnd_queue_pop(&queue, &chain) != VMSND_POP_MALFORMED)
			fail_msg("%s was taken", shape->name);
		assert_int_equal(chain.head, 0);
		/* The queue goes on with the next one. */
		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
		assert_int_equal(chain.head, 5);
	}
}

/* A ring as long as the queue, and a table of the longest length, are no loops. */
static void test_longest_chains_are_taken(void **state)
{
	vmsnd_gpa table = rig_alloc(&rig, 1024 * 16);
	struct vring_desc *entries = rig_at(&rig, table);
	struct vmsnd_chain chain;

	start(RIG_F_ALL, 0);
	for (uint16_t i = 0; i < SIZE; i++)
		describe(i, RIG_GPA, 1, i + 1u < SIZE ? NXT : 0, (uint16_t)(i + 1));
	rig_offer(&rig, TX, 0);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	assert_int_equal(chain.readable.left, SIZE);
	for (uint16_t i = 0; i < 1024; i++)
		entries[i] = (struct vring_desc){.addr = RIG_GPA,
						 .len = 2,
						 .flags = i < 1023 ? NXT : 0,
						 .next = (uint16_t)(i + 1)};
	describe(0, table, 1024 * 16, IND, 0);
	rig_offer(&rig, TX, 0);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	assert_int_equal(chain.readable.left, 2048);
	assert_int_equal(vmsnd_chain_skip(&rig.mem, &chain.readable, 4096), 2048);
}

/* What was checked is what is used, whatever the driver makes of its descriptors after. */
static void test_descriptors_changed_after_the_check_do_no_harm(void **state)
{
	uint8_t to[64];
	struct vmsnd_chain chain;

	start(RIG_F_ALL, 0);
	describe(0, RIG_GPA, 4, NXT, 1);
	describe(1, RIG_GPA, 4, NXT, 2);
	describe(2, RIG_GPA, 4, WRT, 0);
	rig_offer(&rig, TX, 0);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	describe(1, RIG_GPA, 4000, NXT, 1);
	assert_int_equal(vmsnd_chain_read(&rig.mem, &chain.readable, to, sizeof(to)), 8);
	rig_offer(&rig, TX, 0);
	describe(1, RIG_GPA, 4, NXT, 2);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	describe(1, RIG_GPA, 4, WRT, 2); /* now it may not be read */
	assert_int_equal(vmsnd_chain_read(&rig.mem, &chain.readable, to, sizeof(to)), 4);
	describe(1, RIG_GPA, 0, NXT, 1); /* an endless row of empty ones */
	assert_int_equal(vmsnd_chain_read(&rig.mem, &chain.readable, to, sizeof(to)), 0);
}

/* ---- indices ------------------------------------------------------------------------------ */

static void test_class16_index_jump_breaks_the_queue_for_good(void **state)
{
	struct vmsnd_chain chain;

	start(RIG_F_ALL, 100);
	rig_set_avail_index(&rig, TX, 100 + SIZE + 1);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
	assert_true(queue.broken);
	rig_set_avail_index(&rig, TX, 101);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
	push_first();
	vmsnd_queue_publish(&queue);
	assert_int_equal(rig_used_index(&rig, TX), 100);
	assert_false(vmsnd_queue_must_notify(&queue));
	start(RIG_F_ALL, 100);
	rig_set_avail_index(&rig, TX, 99); /* backwards is a jump, too */
	assert_int_equal(vmsnd_queue_waiting(&queue), 0);
	assert_true(queue.broken);
}

static void test_class16_head_outside_the_table_breaks_the_queue(void **state)
{
	struct vmsnd_chain chain;

	start(RIG_F_ALL, 0);
	rig_offer(&rig, TX, SIZE);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
	assert_true(queue.broken);
}

static void test_memory_that_leaves_breaks_the_queue(void **state)
{
	struct vmsnd_chain chain;

	start(RIG_F_ALL, 0);
	describe(0, RIG_GPA, 4, 0, 0);
	rig_offer(&rig, TX, 0);
	assert_int_equal(vmsnd_gmem_remove(&rig.mem, RIG_GPA, RIG_RAM_BYTES), VMSND_OK);
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_NONE);
	assert_true(queue.broken);
}

static void test_indices_wrap_past_65535(void **state)
{
	struct vmsnd_chain chain;

	start(RIG_F_ALL, 65530);
	for (uint16_t i = 0; i < 40; i++) {
		describe(i % SIZE, RIG_GPA, i + 1u, 0, 0);
		rig_offer(&rig, TX, i % SIZE);
		assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
		assert_int_equal(chain.readable.left, i + 1);
		assert_int_equal(chain.position, (uint16_t)(65530 + i));
		vmsnd_queue_push(&queue, &chain, i);
		vmsnd_queue_publish(&queue);
		assert_int_equal(rig_used_index(&rig, TX), (uint16_t)(65531 + i));
	}
}

/* ---- notification ---------------------------------------------------------------------------- */

/* 2.7.10: against the rule as the kernel's header has it, around every kind of wrap. */
static void test_event_index_rule(void **state)
{
	static const uint16_t starts[] = {0, 5, 32767, 32760, 65535, 65530};

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (uint16_t pushes = 1; pushes <= SIZE; pushes++)
			for (int event = -20; event <= 20; event++) {
				uint16_t wish = (uint16_t)(starts[s] + event);
				uint16_t end = (uint16_t)(starts[s] + pushes);

				start(RIG_F_ALL, starts[s]);
				rig_set_used_event(&rig, TX, wish);
				for (uint16_t i = 0; i < pushes; i++)
					push_first();
				assert_false(vmsnd_queue_must_notify(&queue)); /* not seen yet */
				vmsnd_queue_publish(&queue);
				assert_int_equal(vmsnd_queue_must_notify(&queue),
						 vring_need_event(wish, end, starts[s]) != 0);
				assert_false(vmsnd_queue_must_notify(&queue)); /* once */
			}
}

static void test_without_event_index_flags_rule(void **state)
{
	start(RIG_F_VERSION_1, 0);
	push_first();
	vmsnd_queue_publish(&queue);
	assert_true(vmsnd_queue_must_notify(&queue));
	rig_set_avail_flags(&rig, TX, VRING_AVAIL_F_NO_INTERRUPT);
	push_first();
	vmsnd_queue_publish(&queue);
	assert_false(vmsnd_queue_must_notify(&queue));
}

/* Whether a driver that has made `to` entries available would kick. */
static bool driver_kicks(uint64_t features, uint16_t from, uint16_t to)
{
	if (features & RIG_F_EVENT_IDX)
		return vring_need_event(rig_avail_event(&rig, TX), to, from) != 0;
	return !(rig_used_flags(&rig, TX) & VRING_USED_F_NO_NOTIFY);
}

static void kicks_on_and_off(uint64_t features)
{
	struct vmsnd_chain chain;

	start(features, 65534);
	assert_true(driver_kicks(features, 65534, 65535));
	vmsnd_queue_kicks_off(&queue);
	for (uint16_t i = 0; i < 3; i++)
		assert_false(driver_kicks(features, (uint16_t)(65534 + i), (uint16_t)(65535 + i)));
	describe(0, RIG_GPA, 4, 0, 0);
	rig_offer(&rig, TX, 0);
	/* What came in while kicks were off is told of, as no kick will. */
	assert_true(vmsnd_queue_kicks_on(&queue));
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	assert_false(vmsnd_queue_kicks_on(&queue));
	assert_true(driver_kicks(features, 65535, 0));
	if (features & RIG_F_EVENT_IDX)
		assert_int_equal(rig_used_flags(&rig, TX), 0);
}

static void test_kicks_are_switched_with_event_index(void **state)
{
	kicks_on_and_off(RIG_F_ALL);
}

static void test_kicks_are_switched_with_flags(void **state)
{
	kicks_on_and_off(RIG_F_VERSION_1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_start_refuses_sizes_and_alignments, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_start_wants_rings_whole_in_memory, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_direct_then_indirect_with_empty_descriptors,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_class16_malformed_chains_are_told_and_not_followed,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_longest_chains_are_taken, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_descriptors_changed_after_the_check_do_no_harm,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_class16_index_jump_breaks_the_queue_for_good,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_class16_head_outside_the_table_breaks_the_queue,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_memory_that_leaves_breaks_the_queue, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_indices_wrap_past_65535, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_event_index_rule, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_without_event_index_flags_rule, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_kicks_are_switched_with_event_index, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_kicks_are_switched_with_flags, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
