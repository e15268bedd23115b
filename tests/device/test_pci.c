/* SPDX-License-Identifier: BSD-3-Clause */
/* What all PCI cards share: configuration space, power states, saved state. */
#include "pci_world.h"

/* ---- configuration space ---------------------------------------------------------------- */

static void test_the_header_says_what_the_card_is(void **state)
{
	assert_int_equal(get(0x00, 4), 0x24c58086);
	assert_int_equal(get(COMMAND, 2), 0);
	assert_int_equal(get(STATUS, 2), 0x0290);
	assert_int_equal(get(0x08, 4), 0x04010281);
	assert_int_equal(get(0x0e, 1), 0); /* header type */
	assert_int_equal(get(0x28, 4), 0); /* CardBus */
	assert_int_equal(get(0x2c, 4), 0x01771028);
	assert_int_equal(get(0x30, 4), 0); /* ROM */
	assert_int_equal(get(0x3c, 4), 0x00000100);
}

/* In the order of their offsets, each as its specification has it. */
static void test_capabilities_are_a_list(void **state)
{
	unsigned at = get(0x34, 1);

	assert_int_equal(at, PM);
	assert_int_equal(get(at, 4), 0x00030001 | MSI << 8);
	assert_int_equal(get(at + 4, 4), 0);
	at = get(at + 1, 1);
	assert_int_equal(at, MSI);
	/* One vector, 64 bits, mask bits; off. */
	assert_int_equal(get(at, 4), 0x01800005);
}

static void test_a_card_without_capabilities(void **state)
{
	struct vmsnd_pci_conf conf = usual;

	conf.msi = conf.power_management = false;
	open_card(&world, &conf);
	assert_int_equal(get(STATUS, 2), 0x0280);
	assert_int_equal(get(0x34, 1), 0);
	for (unsigned at = 0x40; at < 0x100; at += 4) {
		put(at, 4, UINT32_MAX);
		assert_int_equal(get(at, 4), 0);
	}
	put(COMMAND, 2, 4);
	assert_true(vmsnd_pci_awake(&world.pci) && vmsnd_pci_masters(&world.pci));
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_true(world.line);
}

static void test_capabilities_never_leave_their_space(void **state)
{
	static const uint8_t bad[] = {0, 0x04, 0x3c, 0xf9, 0xfc};

	for (unsigned i = 0; i < N(bad); i++) {
		struct vmsnd_pci_conf conf = usual;

		conf.msi_at = conf.power_management_at = bad[i];
		open_card(&world, &conf);
		assert_int_equal(get(0x34, 1), 0);
		assert_int_equal(get(0x00, 4), 0x24c58086);
	}
}

/* What a guest can write, byte by byte, in words of its own. */
static uint8_t writable(uint32_t at)
{
	static const struct {
		uint32_t at;
		uint32_t bits;
	} words[] = {{0x04, 0x0557},        {0x0c, 0xffff},     {0x10, 0xffffff00},
		     {0x14, 0xfffffffc},    {0x18, 0xfffffe00}, {0x20, 0xfff00000},
		     {0x3c, 0xff},          {MSI, 0x00010000},  {MSI + 4, 0xfffffffc},
		     {MSI + 8, UINT32_MAX}, {MSI + 12, 0xffff}, {MSI + 16, 1}};

	for (unsigned i = 0; i < N(words); i++)
		if (at / 4 == words[i].at / 4)
			return (uint8_t)(words[i].bits >> 8 * (at % 4));
	return 0;
}

static void check_write(uint32_t offset, uint32_t bytes, uint8_t value)
{
	uint8_t before[256], after[256], from[260];

	memset(from, value, sizeof(from));
	/* Not asleep. */
	if (offset <= PM_CONTROL && offset + bytes > PM_CONTROL)
		from[PM_CONTROL - offset] = 0;
	vmsnd_pci_config_read(&world.pci, 0, before, sizeof(before));
	assert_int_equal(vmsnd_pci_config_write(&world.pci, offset, from, bytes), VMSND_PCI_WROTE);
	vmsnd_pci_config_read(&world.pci, 0, after, sizeof(after));
	for (uint32_t at = 0; at < 256; at++) {
		uint8_t bits = at >= offset && at < offset + bytes ? writable(at) : 0;

		assert_int_equal(after[at], (before[at] & ~bits) | (value & bits));
	}
}

static void test_every_width_on_every_boundary_writes_what_is_writable(void **state)
{
	for (uint32_t offset = 0; offset < 256; offset++) {
		for (uint32_t bytes = 0; bytes <= 260; bytes += bytes < 9 ? 1 : 13) {
			check_write(offset, bytes, 0xff);
			check_write(offset, bytes, 0x5a);
			check_write(0, 256, 0);
		}
	}
}

static void test_every_width_on_every_boundary_reads_the_same_bytes(void **state)
{
	uint8_t all[256], to[262];

	check_write(0, 256, 0xa5);
	vmsnd_pci_config_read(&world.pci, 0, all, sizeof(all));
	for (uint32_t offset = 0; offset < 260; offset++) {
		for (uint32_t bytes = 0; bytes <= 260; bytes++) {
			memset(to, 0x77, sizeof(to));
			vmsnd_pci_config_read(&world.pci, offset, to + 1, bytes);
			for (uint32_t i = 0; i < bytes; i++)
				assert_int_equal(to[1 + i],
						 offset + i < 256 ? all[offset + i] : 0xff);
			assert_int_equal(to[0], 0x77);
			assert_int_equal(to[1 + bytes], 0x77);
		}
	}
}

static void test_beyond_configuration_space_is_counted(void **state)
{
	static const uint64_t far[] = {256, 4096, UINT64_C(1) << 32, UINT64_MAX - 3, UINT64_MAX};
	uint32_t value = 0;

	for (unsigned i = 0; i < N(far); i++) {
		vmsnd_pci_config_read(&world.pci, far[i], &value, 4);
		assert_int_equal(value, UINT32_MAX);
		vmsnd_pci_config_write(&world.pci, far[i], &value, 4);
		assert_int_equal(world.pci.faults, 2 * (i + 1));
	}
	assert_int_equal(get(COMMAND, 2), 0);
	get(254, 2);
	assert_int_equal(world.pci.faults, 2 * N(far));
	get(254, 4);
	assert_int_equal(world.pci.faults, 2 * N(far) + 1);
}

static void test_bars_are_sized_by_writing_ones(void **state)
{
	static const uint32_t sizes[] = {0xffffff01, 0xfffffffd, 0xfffffe00, 0, 0xfff00000, 0, 0};
	static const uint32_t types[] = {1, 1, 0, 0, 0, 0, 0};

	/* The seventh is the place of the CardBus pointer: nothing there, either. */
	for (unsigned i = 0; i < N(sizes); i++) {
		uint32_t at = 0x10 + 4 * i;

		assert_int_equal(get(at, 4), types[i]);
		put(at, 4, UINT32_MAX);
		assert_int_equal(get(at, 4), sizes[i]);
		put(at, 4, 0);
		assert_int_equal(get(at, 4), types[i]);
		for (uint32_t byte = 0; byte < 4; byte++)
			put(at + byte, 1, 0xff);
		assert_int_equal(get(at, 4), sizes[i]);
		put(at, 4, 0xe1234567);
		assert_int_equal(get(at, 4), (0xe1234567 & sizes[i] & ~UINT32_C(3)) | types[i]);
	}
	/* An expansion ROM is not there. */
	put(0x30, 4, UINT32_MAX);
	assert_int_equal(get(0x30, 4), 0);
}

static void test_ones_clear_the_status(void **state)
{
	vmsnd_pci_master_abort(&world.pci);
	assert_int_equal(get(STATUS, 2), 0x2290);
	put(STATUS, 2, 0);
	put(STATUS, 1, 0xff);
	put(COMMAND, 4, 0xdfff0000);
	assert_int_equal(get(STATUS, 2), 0x2290);
	put(STATUS + 1, 1, 0x20);
	assert_int_equal(get(STATUS, 2), 0x0290);
	vmsnd_pci_master_abort(&world.pci);
	put(COMMAND, 4, 0xffff0007);
	assert_int_equal(get(COMMAND, 4), 0x02900007);
}

/* ---- power, reset ----------------------------------------------------------------------- */

static void test_d3hot_is_silence(void **state)
{
	put(COMMAND, 2, 7);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_int_equal(put(PM_CONTROL, 2, 3), VMSND_PCI_WROTE);
	assert_int_equal(get(PM_CONTROL, 2), 3);
	assert_false(world.line);
	assert_false(vmsnd_pci_awake(&world.pci));
	assert_false(vmsnd_pci_masters(&world.pci));
	/* Configuration space answers. */
	put(0x10, 4, 0xc001);
	assert_int_equal(get(0x10, 4), 0xc001);
	assert_int_equal(get(COMMAND, 2), 7);
}

static void test_states_that_are_not_there_change_nothing(void **state)
{
	assert_int_equal(put(PM_CONTROL, 1, 1), VMSND_PCI_WROTE);
	assert_int_equal(put(PM_CONTROL, 4, 2), VMSND_PCI_WROTE);
	assert_int_equal(get(PM_CONTROL, 4), 0);
	put(PM_CONTROL, 1, 3);
	assert_int_equal(put(PM_CONTROL, 1, 2), VMSND_PCI_WROTE);
	assert_int_equal(put(PM_CONTROL + 1, 1, 0), VMSND_PCI_WROTE);
	assert_int_equal(get(PM_CONTROL, 4), 3);
	/* The PME bits are not there, either. */
	assert_int_equal(put(PM_CONTROL, 4, 0xfffffffc), VMSND_PCI_WOKE);
	assert_int_equal(get(PM_CONTROL, 4), 0);
}

static void test_waking_is_a_reset(void **state)
{
	set_up_msi();
	put(0x10, 4, 0xc000);
	put(0x3c, 1, 11);
	vmsnd_pci_interrupt(&world.pci, 1);
	put(PM_CONTROL, 1, 3);
	assert_int_equal(put(PM_CONTROL, 1, 0), VMSND_PCI_WOKE);
	assert_true(vmsnd_pci_awake(&world.pci));
	assert_int_equal(get(COMMAND, 4), 0x02900000);
	assert_int_equal(get(0x10, 4), 1);
	assert_int_equal(get(0x3c, 1), 0);
	assert_int_equal(get(MSI_CONTROL, 2), 0x0180);
	/* The card will say so when it wants something again. */
	assert_false(world.line);
	assert_int_equal(world.messages, 1);
	assert_int_equal(put(PM_CONTROL, 1, 0), VMSND_PCI_WROTE);
	vmsnd_pci_interrupt(&world.pci, 1);
	assert_true(world.line);
}

static void test_no_message_leaves_a_card_that_sleeps(void **state)
{
	set_up_msi();
	put(PM_CONTROL, 1, 3);
	vmsnd_pci_interrupt(&world.pci, 1);
	put(MSI_MASK, 1, 1);
	put(MSI_MASK, 1, 0);
	assert_int_equal(world.messages, 0);
	assert_false(world.line);
}

static void test_reset_is_power_on(void **state)
{
	uint8_t fresh[256], now[256];

	vmsnd_pci_config_read(&world.pci, 0, fresh, sizeof(fresh));
	check_write(0, 256, 0xfb);
	vmsnd_pci_interrupt(&world.pci, 1);
	vmsnd_pci_master_abort(&world.pci);
	put(PM_CONTROL, 1, 3);
	vmsnd_pci_reset(&world.pci);
	vmsnd_pci_config_read(&world.pci, 0, now, sizeof(now));
	assert_memory_equal(now, fresh, sizeof(now));
	assert_false(world.line);
	assert_true(vmsnd_pci_awake(&world.pci));
}

static void test_reset_drops_the_line(void **state)
{
	vmsnd_pci_interrupt(&world.pci, 1);
	vmsnd_pci_reset(&world.pci);
	assert_false(world.line);
	assert_int_equal(world.changes, 2);
}

/* ---- saved state ------------------------------------------------------------------------ */

#define STATE_BYTES 260u

static void save(const struct world *from, uint8_t *bytes)
{
	struct vmsnd_state_writer to = {.to = bytes, .room = STATE_BYTES};

	vmsnd_pci_save(&from->pci, &to);
	assert_false(to.full);
	assert_int_equal(to.used, STATE_BYTES);
}

static enum vmsnd_rc load(struct world *to, const uint8_t *bytes, size_t n)
{
	struct vmsnd_state_reader from = {.from = bytes, .bytes = n};
	enum vmsnd_rc rc = vmsnd_pci_load(&to->pci, &from);

	assert_int_equal(from.bad, rc != VMSND_OK);
	return rc;
}

static void expect_same(const struct world *one, const struct world *other)
{
	assert_memory_equal(one->pci.config, other->pci.config, sizeof(one->pci.config));
	assert_int_equal(one->pci.causes, other->pci.causes);
	assert_int_equal(one->line, other->line);
}

static void test_saved_state_brings_the_line_back(void **state)
{
	static struct world other;
	uint8_t bytes[STATE_BYTES];

	check_write(0, 0x40, 0x5a);
	put(COMMAND, 2, 7);
	vmsnd_pci_interrupt(&world.pci, 1);
	save(&world, bytes);
	open_card(&other, &usual);
	assert_int_equal(load(&other, bytes, sizeof(bytes)), VMSND_OK);
	expect_same(&world, &other);
	assert_true(other.line);
	assert_int_equal(other.messages, 0);
	vmsnd_pci_interrupt(&other.pci, 0);
	assert_false(other.line);
}

static void test_saved_state_neither_loses_nor_repeats_a_message(void **state)
{
	static struct world other;
	uint8_t bytes[STATE_BYTES];

	set_up_msi();
	vmsnd_pci_interrupt(&world.pci, 1);
	save(&world, bytes);
	open_card(&other, &usual);
	assert_int_equal(load(&other, bytes, sizeof(bytes)), VMSND_OK);
	expect_same(&world, &other);
	assert_int_equal(other.messages, 0);

	put(MSI_MASK, 1, 1);
	vmsnd_pci_interrupt(&world.pci, 0);
	vmsnd_pci_interrupt(&world.pci, 1);
	save(&world, bytes);
	open_card(&other, &usual);
	assert_int_equal(load(&other, bytes, sizeof(bytes)), VMSND_OK);
	assert_int_equal(other.messages, 0);
	world = other;
	world.env.ctx = &world;
	world.pci.env = &world.env;
	put(MSI_MASK, 1, 0);
	assert_int_equal(world.messages, 1);
}

static void test_saved_state_knows_which_causes_were_told(void **state)
{
	static struct world other;
	uint8_t bytes[STATE_BYTES];

	set_up_msi();
	vmsnd_pci_interrupt(&world.pci, 5);
	save(&world, bytes);
	open_card(&other, &usual);
	assert_int_equal(load(&other, bytes, sizeof(bytes)), VMSND_OK);
	vmsnd_pci_interrupt(&other.pci, 5);
	assert_int_equal(other.messages, 0);
	vmsnd_pci_interrupt(&other.pci, 4);
	assert_int_equal(other.messages, 0);
	vmsnd_pci_interrupt(&other.pci, 6);
	assert_int_equal(other.messages, 1);
}

static void test_a_sleeping_card_is_loaded_asleep(void **state)
{
	static struct world other;
	uint8_t bytes[STATE_BYTES];

	vmsnd_pci_interrupt(&world.pci, 1);
	put(PM_CONTROL, 1, 3);
	save(&world, bytes);
	open_card(&other, &usual);
	assert_int_equal(load(&other, bytes, sizeof(bytes)), VMSND_OK);
	expect_same(&world, &other);
	assert_false(vmsnd_pci_awake(&other.pci));
	assert_false(other.line);
}

static void expect_refused(const uint8_t *bytes, size_t n)
{
	static struct world other, before;

	open_card(&other, &usual);
	before = other;
	assert_int_equal(load(&other, bytes, n), VMSND_E_DAMAGED);
	assert_memory_equal(&other, &before, sizeof(other));
}

static void test_a_state_that_ends_early_is_refused(void **state)
{
	uint8_t bytes[STATE_BYTES];

	save(&world, bytes);
	for (size_t n = 0; n < sizeof(bytes); n++)
		expect_refused(bytes, n);
}

/* Each bit, alone: what a guest could have written is taken, all else refused. */
static void test_each_bit_of_a_state_is_looked_at(void **state)
{
	uint8_t bytes[STATE_BYTES], again[STATE_BYTES];
	static struct world other;

	for (unsigned bit = 0; bit < 8 * STATE_BYTES; bit++) {
		unsigned at = bit / 8, mask = 1u << bit % 8;
		bool fits = at < 256 && (writable(at) & mask);

		/* What ones clear can be set in a state; the interrupt's bit goes with the level,
		 * a pending message with both, and there is no D1 or D2. */
		fits |= at == STATUS + 1 && (0xf9 & mask);
		save(&world, bytes);
		bytes[at] ^= (uint8_t)mask;
		if (!fits) {
			expect_refused(bytes, sizeof(bytes));
			continue;
		}
		open_card(&other, &usual);
		assert_int_equal(load(&other, bytes, sizeof(bytes)), VMSND_OK);
		save(&other, again);
		assert_memory_equal(again, bytes, sizeof(bytes));
	}
}

static void test_states_that_contradict_themselves_are_refused(void **state)
{
	uint8_t bytes[STATE_BYTES];

	/* Pending, but nothing is wanted; wanted, but MSI is off. */
	set_up_msi();
	put(MSI_MASK, 1, 1);
	vmsnd_pci_interrupt(&world.pci, 1);
	save(&world, bytes);
	bytes[256] = 0;
	bytes[STATUS] &= 0xf7;
	expect_refused(bytes, sizeof(bytes));
	save(&world, bytes);
	bytes[MSI_CONTROL] &= 0xfe;
	expect_refused(bytes, sizeof(bytes));
	/* Causes and the status differ. */
	save(&world, bytes);
	bytes[STATUS] &= 0xf7;
	expect_refused(bytes, sizeof(bytes));
	save(&world, bytes);
	bytes[256] = 0;
	expect_refused(bytes, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_header_says_what_the_card_is),
	    TEST(test_capabilities_are_a_list),
	    TEST(test_a_card_without_capabilities),
	    TEST(test_capabilities_never_leave_their_space),
	    TEST(test_every_width_on_every_boundary_writes_what_is_writable),
	    TEST(test_every_width_on_every_boundary_reads_the_same_bytes),
	    TEST(test_beyond_configuration_space_is_counted),
	    TEST(test_bars_are_sized_by_writing_ones),
	    TEST(test_ones_clear_the_status),
	    TEST(test_d3hot_is_silence),
	    TEST(test_states_that_are_not_there_change_nothing),
	    TEST(test_waking_is_a_reset),
	    TEST(test_no_message_leaves_a_card_that_sleeps),
	    TEST(test_reset_is_power_on),
	    TEST(test_reset_drops_the_line),
	    TEST(test_saved_state_brings_the_line_back),
	    TEST(test_saved_state_neither_loses_nor_repeats_a_message),
	    TEST(test_saved_state_knows_which_causes_were_told),
	    TEST(test_a_sleeping_card_is_loaded_asleep),
	    TEST(test_a_state_that_ends_early_is_refused),
	    TEST(test_each_bit_of_a_state_is_looked_at),
	    TEST(test_states_that_contradict_themselves_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
