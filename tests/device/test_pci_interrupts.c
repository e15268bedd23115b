/* SPDX-License-Identifier: BSD-3-Clause */
/* How the guest hears of a PCI card's causes: the line, or messages. */
#include "pci_world.h"

static void test_the_line_follows_the_card(void **state)
{
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_true(world.line);
	assert_int_equal(get(STATUS, 1), 0x98);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(world.changes, 1);
	vmsnd_pci_interrupt(&world.pci, 0);
	assert_false(world.line);
	assert_int_equal(get(STATUS, 1), 0x90);
	assert_int_equal(world.messages, 0);
}

static void test_the_line_can_be_disabled(void **state)
{
	vmsnd_pci_interrupt(&world.pci, 1);
	put(COMMAND, 2, 0x0400);
	assert_false(world.line);
	/* The state shows all the same, and nobody can write it. */
	put(STATUS, 2, 0x0008);
	assert_int_equal(get(STATUS, 1), 0x98);
	put(COMMAND + 1, 1, 0);
	assert_true(world.line);
	put(COMMAND, 2, 0x0400);
	vmsnd_pci_interrupt(&world.pci, 0);
	put(COMMAND, 2, 0);
	assert_int_equal(world.changes, 4);
	assert_false(world.line);
}

static void test_a_message_on_each_rise(void **state)
{
	set_up_msi();
	vmsnd_pci_interrupt(&world.pci, 1);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(world.messages, 1);
	assert_int_equal(world.message.vector, 0);
	assert_true(world.message.address == UINT64_C(0x12fee01004));
	assert_int_equal(world.message.data, 0x4321);
	vmsnd_pci_interrupt(&world.pci, 0);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(world.messages, 2);
	assert_int_equal(world.pci.messages, 2);
	assert_int_equal(world.changes, 0);
	assert_int_equal(get(MSI_PENDING, 4), 0);
}

/* While others are still there; the line does not move. */
static void test_a_message_for_each_cause_that_is_new(void **state)
{
	vmsnd_pci_interrupt(&world.pci, 1);
	vmsnd_pci_interrupt(&world.pci, 3);
	assert_int_equal(world.changes, 1);
	set_up_msi();
	assert_int_equal(world.messages, 1);
	vmsnd_pci_interrupt(&world.pci, 2);
	assert_int_equal(world.messages, 1);
	vmsnd_pci_interrupt(&world.pci, 0x80000002);
	assert_int_equal(world.messages, 2);
	/* One goes, another comes. */
	vmsnd_pci_interrupt(&world.pci, 0x80000001);
	assert_int_equal(world.messages, 3);
	vmsnd_pci_interrupt(&world.pci, 0);
	assert_int_equal(world.messages, 3);
	assert_int_equal(world.changes, 2);
}

static void test_causes_that_come_while_it_is_masked_are_one_message(void **state)
{
	set_up_msi();
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(world.messages, 1);
	put(MSI_MASK, 1, 1);
	vmsnd_pci_interrupt(&world.pci, 3);
	vmsnd_pci_interrupt(&world.pci, 7);
	/* The first, of which the guest has heard, goes. */
	vmsnd_pci_interrupt(&world.pci, 6);
	assert_int_equal(get(MSI_PENDING, 4), 1);
	put(COMMAND, 2, 0);
	put(MSI_MASK, 1, 0);
	assert_int_equal(world.messages, 1);
	put(COMMAND, 2, 4);
	assert_int_equal(world.messages, 2);
	assert_int_equal(get(MSI_PENDING, 4), 0);
}

static void test_msi_goes_on_and_off_while_the_card_wants_something(void **state)
{
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_true(world.line);
	/* The guest may have missed the line: it hears of it by message. */
	set_up_msi();
	assert_false(world.line);
	assert_int_equal(world.messages, 1);
	put(MSI_CONTROL, 2, 1);
	assert_int_equal(world.messages, 1);
	put(MSI_CONTROL, 2, 0);
	assert_true(world.line);
	put(MSI_CONTROL, 2, 1);
	assert_false(world.line);
	assert_int_equal(world.messages, 2);
}

static void test_a_masked_message_is_pending(void **state)
{
	set_up_msi();
	put(MSI_MASK, 4, UINT32_MAX);
	assert_int_equal(get(MSI_MASK, 4), 1);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(world.messages, 0);
	assert_int_equal(get(MSI_PENDING, 4), 1);
	put(MSI_PENDING, 4, 0);
	assert_int_equal(get(MSI_PENDING, 4), 1);
	put(MSI_MASK, 1, 0);
	assert_int_equal(world.messages, 1);
	assert_int_equal(get(MSI_PENDING, 4), 0);
	put(MSI_MASK, 1, 0);
	assert_int_equal(world.messages, 1);
}

static void test_a_pending_message_whose_cause_goes_is_not_sent(void **state)
{
	set_up_msi();
	put(MSI_MASK, 1, 1);
	vmsnd_pci_interrupt(&world.pci, 1);
	vmsnd_pci_interrupt(&world.pci, 0);
	assert_int_equal(get(MSI_PENDING, 4), 0);
	put(MSI_MASK, 1, 0);
	assert_int_equal(world.messages, 0);
	/* Nor one of MSI that was switched off meanwhile: then it is the line's. */
	put(MSI_MASK, 1, 1);
	vmsnd_pci_interrupt(&world.pci, 1);
	put(MSI_CONTROL, 2, 0);
	assert_int_equal(get(MSI_PENDING, 4), 0);
	assert_true(world.line);
}

static void test_a_message_waits_for_bus_mastering(void **state)
{
	set_up_msi();
	put(COMMAND, 2, 0);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(world.messages, 0);
	assert_false(world.line);
	put(COMMAND, 2, 4);
	assert_int_equal(world.messages, 1);
}

static void test_disabling_the_line_leaves_messages_alone(void **state)
{
	set_up_msi();
	put(COMMAND, 2, 0x0404);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(world.messages, 1);
}

static void test_bus_mastering_is_the_guests_to_allow(void **state)
{
	assert_false(vmsnd_pci_masters(&world.pci));
	put(COMMAND, 1, 4);
	assert_true(vmsnd_pci_masters(&world.pci));
	put(COMMAND, 2, 0x0553);
	assert_false(vmsnd_pci_masters(&world.pci));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_line_follows_the_card),
	    TEST(test_the_line_can_be_disabled),
	    TEST(test_a_message_on_each_rise),
	    TEST(test_a_message_for_each_cause_that_is_new),
	    TEST(test_causes_that_come_while_it_is_masked_are_one_message),
	    TEST(test_msi_goes_on_and_off_while_the_card_wants_something),
	    TEST(test_a_masked_message_is_pending),
	    TEST(test_a_pending_message_whose_cause_goes_is_not_sent),
	    TEST(test_a_message_waits_for_bus_mastering),
	    TEST(test_disabling_the_line_leaves_messages_alone),
	    TEST(test_bus_mastering_is_the_guests_to_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
