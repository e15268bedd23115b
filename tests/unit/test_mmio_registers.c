/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of virtio over MMIO, rule by rule; tests are named after sections of virtio 1.3. */
#include <stdlib.h>

#include "mmio_rig.h"

/* ---- what it is --------------------------------------------------------------------------- */

#define QUEUE_RESET 0x0c0u /* absent from older headers */

static void test_4_2_2_identity(void **state)
{
	struct rig *rig = rig_open();

	assert_int_equal(rig_get(rig, 0x000), 0x74726976);
	assert_int_equal(rig_get(rig, 0x004), 2);
	assert_int_equal(rig_get(rig, 0x008), 25);
	assert_int_equal(rig_get(rig, 0x00c), VMSND_MMIO_VENDOR);
	assert_int_equal(rig_mistakes(rig), 0);
	for (uint64_t at = 0; at < 0x10; at += 4)
		rig_put(rig, at, 0);
	assert_int_equal(rig->mmio.counters.bad_writes, 4);
	assert_int_equal(rig_get(rig, 0x000), 0x74726976);
	free(rig);
}

static void test_4_2_2_features_by_selector(void **state)
{
	static const uint32_t beyond[] = {2, 3, 31, 32, 33, UINT32_MAX};
	struct rig *rig = rig_open();

	assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)OFFERED);
	rig_put(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), OFFERED >> 32);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		rig_put(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, beyond[i]);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	}
	rig_put(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)OFFERED);
	assert_int_equal(rig_mistakes(rig), 0);
	free(rig);
}

/* ---- status ------------------------------------------------------------------------------- */

static void test_3_1_1_initialisation_in_order(void **state)
{
	struct rig *rig = rig_up();

	assert_int_equal(rig->dev.n_accepted, 1);
	assert_true(rig->dev.accepted == OFFERED);
	assert_int_equal(rig->connected, 1);
	assert_int_equal(rig->ready, 1);
	assert_int_equal(rig_mistakes(rig), 0);
	free(rig);
}

static void test_2_2_2_features_that_cannot_work(void **state)
{
	static const uint64_t wrong[] = {0, OFFERED & ~(UINT64_C(1) << 32), OFFERED | 1,
					 OFFERED | UINT64_C(1) << 63, UINT64_MAX};
	static const uint64_t right[] = {OFFERED, UINT64_C(1) << 32,
					 UINT64_C(1) << 32 | UINT64_C(1) << 28};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct rig *rig = rig_open();

		rig_agree(rig, wrong[i]);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER);
		assert_int_equal(rig->dev.n_accepted, 0);
		assert_int_equal(rig->mmio.counters.refused_writes, 1);
		/* It may try again with fewer. */
		rig_put_features(rig, OFFERED);
		rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES);
		free(rig);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct rig *rig = rig_open();

		rig_agree(rig, right[i]);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES);
		assert_true(rig->dev.accepted == right[i]);
		free(rig);
	}
}

static void test_3_1_1_features_are_fixed_once_agreed(void **state)
{
	struct rig *rig = rig_open();

	rig_agree(rig, UINT64_C(1) << 32);
	rig_put_features(rig, OFFERED);
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES | OK);
	assert_true(rig->dev.accepted == UINT64_C(1) << 32);
	assert_int_equal(rig->dev.n_accepted, 1);
	assert_int_equal(rig->mmio.counters.refused_writes, 2);
	free(rig);
}

static void test_3_1_1_steps_out_of_order(void **state)
{
	struct rig *rig = rig_open();

	rig_put_features(rig, OFFERED);
	rig_put(rig, VIRTIO_MMIO_STATUS, FEATURES);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | OK);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK);
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | OK);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER);
	assert_int_equal(rig->ready, 0);
	assert_int_equal(rig->mmio.counters.refused_writes, 3);
	/* All at once is in order. */
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES | OK);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES | OK);
	free(rig);
}

static void test_2_1_1_bits_are_not_taken_back(void **state)
{
	struct rig *rig = rig_up();

	rig_put(rig, VIRTIO_MMIO_STATUS, ACK);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES | OK);
	rig_put(rig, VIRTIO_MMIO_STATUS, 0xffffff10u | ACK);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES | OK);
	assert_int_equal(rig->mmio.counters.refused_writes, 2);
	free(rig);
}

static void test_2_1_a_driver_that_failed_is_left_alone(void **state)
{
	struct rig *rig = rig_up();

	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES | OK | VIRTIO_CONFIG_S_FAILED);
	assert_false(rig->dev.queues[1].enabled);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(rig->dev.queues[1].kicks, 0);
	rig_put_queue(rig, 2);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
	rig_put(rig, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
	free(rig);
}

static void test_4_2_2_1_reset(void **state)
{
	struct rig *rig = rig_up();

	vmsnd_mmio_used(&rig->mmio);
	rig_put(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	rig_put(rig, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rig->dev.resets, 1);
	assert_int_equal(rig->dev.last, NOW);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_false(rig->line);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, i);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
	}
	/* What the driver before had chosen is forgotten: no feature is agreed on. */
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)OFFERED);
	free(rig);
}

/* ---- queues ------------------------------------------------------------------------------- */

static void test_4_2_3_2_queue_as_it_was_set_up(void **state)
{
	struct rig *rig = rig_up();
	const struct vmsnd_queue_setup *setup = &rig->dev.queues[1].setup;

	assert_int_equal(setup->size, 64);
	assert_true(setup->desc == UINT64_C(0x1100001000));
	assert_true(setup->avail == UINT64_C(0x2200002000));
	assert_true(setup->used == UINT64_C(0x3300003000));
	assert_int_equal(setup->next_avail, 0);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 1);
	assert_int_equal(rig->dev.queues[0].starts + rig->dev.queues[2].starts, 0);
	free(rig);
}

static void test_4_2_2_queues_that_are_not_there(void **state)
{
	static const uint32_t beyond[] = {N_QUEUES, 63, 64, 0x80000000u, UINT32_MAX};
	struct rig *rig = rig_up();

	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, i);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_NUM_MAX), VMSND_QUEUE_SIZE_MAX);
	}
	assert_int_equal(rig_mistakes(rig), 0);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, beyond[i]);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		rig_put_queue(rig, beyond[i]);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
		rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, beyond[i]);
		assert_int_equal(rig->mmio.counters.refused_writes, 9 * (i + 1));
	}
	free(rig);
}

static void test_4_2_2_2_a_ready_queue_stays_as_it_is(void **state)
{
	struct rig *rig = rig_up();

	rig_put_queue(rig, 1);
	assert_int_equal(rig->mmio.counters.refused_writes, 7);
	assert_int_equal(rig->dev.queues[1].starts, 1);
	rig_put(rig, VIRTIO_MMIO_QUEUE_READY, 2);
	assert_int_equal(rig->mmio.counters.refused_writes, 8);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 1);
	free(rig);
}

static void test_4_2_2_2_a_queue_is_given_up_and_set_up_anew(void **state)
{
	struct rig *rig = rig_up();

	rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, 1);
	rig_put(rig, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(rig->dev.queues[1].stops, 1);
	assert_false(rig->dev.queues[1].started);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(rig->dev.queues[1].kicks, 0);
	rig_put(rig, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(rig->dev.queues[1].stops, 1);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NUM, 32);
	rig_put(rig, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 1);
	assert_true(rig->dev.queues[1].enabled);
	assert_int_equal(rig->dev.queues[1].setup.size, 32);
	assert_int_equal(rig->dev.queues[1].setup.next_avail, 0);
	free(rig);
}

/* 2.6.1: the queue alone; its registers are as at power-on. */
static void test_4_2_2_queue_reset(void **state)
{
	struct rig *rig = rig_up();

	rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, 1);
	rig_put(rig, QUEUE_RESET, 1);
	assert_int_equal(rig_get(rig, QUEUE_RESET), 0); /* it is done */
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(rig->dev.queues[1].resets, 1);
	assert_int_equal(rig->dev.queues[1].stops, 0);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(rig->dev.queues[1].kicks, 0);
	rig_put_queue(rig, 1);
	assert_true(rig->dev.queues[1].enabled);
	assert_int_equal(rig->dev.queues[1].setup.next_avail, 0);
	rig_put(rig, QUEUE_RESET, 0); /* nothing, and not a thing that drivers may write */
	rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, N_QUEUES);
	rig_put(rig, QUEUE_RESET, 1);
	assert_int_equal(rig->dev.queues[1].resets, 1);
	free(rig);
}

static void test_4_2_2_no_queue_reset_where_it_was_not_agreed_on(void **state)
{
	struct rig *rig = rig_open();

	rig_agree(rig, OFFERED & ~F_RESET);
	rig_put_queue(rig, 1);
	rig_put(rig, QUEUE_RESET, 1);
	assert_int_equal(rig->dev.queues[1].resets, 0);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 1);
	assert_int_equal(rig->mmio.counters.refused_writes, 1);
	free(rig);
}

static void test_2_1_2_nothing_is_looked_at_before_driver_ok(void **state)
{
	struct rig *rig = rig_open();

	rig_put_queue(rig, 1); /* before FEATURES_OK: not at all */
	assert_int_equal(rig->dev.queues[1].starts, 0);
	rig_agree(rig, OFFERED);
	rig_put_queue(rig, 1);
	assert_true(rig->dev.queues[1].started);
	assert_false(rig->dev.queues[1].enabled);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(rig->dev.queues[1].kicks, 0);
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES | OK);
	assert_true(rig->dev.queues[1].enabled);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	assert_int_equal(rig->dev.queues[1].kicks, 1);
	assert_int_equal(rig->dev.last, NOW);
	free(rig);
}

static void test_2_1_2_a_queue_that_cannot_start_asks_for_a_reset(void **state)
{
	static const struct {
		uint32_t size;
		enum vmsnd_rc rc;
	} rows[] = {{64, VMSND_E_RANGE}, {63, VMSND_E_INVALID}, {65536 + 64, VMSND_OK}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *rig = rig_open();

		rig_agree(rig, OFFERED);
		rig->dev.start_rc = rows[i].rc;
		rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, 2);
		rig_put(rig, VIRTIO_MMIO_QUEUE_NUM, rows[i].size);
		rig_put(rig, VIRTIO_MMIO_QUEUE_READY, 1);
		rig_put(rig, VIRTIO_MMIO_QUEUE_READY, 1);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
		assert_int_equal(rig->mmio.counters.refused_queues, 2);
		assert_int_equal(rig->refused, 1);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS),
				 ACK | DRIVER | FEATURES | VIRTIO_CONFIG_S_NEEDS_RESET);
		/* No interrupt before DRIVER_OK; then one about the configuration. */
		assert_false(rig->line);
		rig_put(rig, VIRTIO_MMIO_STATUS,
			ACK | DRIVER | FEATURES | VIRTIO_CONFIG_S_NEEDS_RESET | OK);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS),
				 VIRTIO_MMIO_INT_CONFIG);
		assert_int_equal(rig->mmio.counters.refused_writes, 0);
		rig_put(rig, VIRTIO_MMIO_STATUS, 0);
		assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
		free(rig);
	}
}

/* ---- interrupts ----------------------------------------------------------------------------- */

static void test_4_2_2_1_interrupt_status_until_acknowledged(void **state)
{
	struct rig *rig = rig_up();

	vmsnd_mmio_used(&rig->mmio);
	vmsnd_mmio_used(&rig->mmio);
	assert_true(rig->line);
	assert_int_equal(rig->line_changes, 1);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	vmsnd_mmio_config_changed(&rig->mmio);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	rig_put(rig, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	assert_true(rig->line);
	assert_int_equal(rig_mistakes(rig), 0);
	/* Bits that are none do nothing. */
	rig_put(rig, VIRTIO_MMIO_INTERRUPT_ACK, ~UINT32_C(3));
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	assert_int_equal(rig->mmio.counters.refused_writes, 1);
	rig_put(rig, VIRTIO_MMIO_INTERRUPT_ACK, 2);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_false(rig->line);
	assert_int_equal(rig->line_changes, 2);
	rig_put(rig, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	assert_int_equal(rig->line_changes, 2);
	free(rig);
}

/* ---- configuration ----------------------------------------------------------------------------
 */

static void test_2_5_config_in_every_width(void **state)
{
	struct rig *rig = rig_open();

	for (uint32_t bytes = 1; bytes <= 8; bytes++) {
		for (uint32_t at = 0; at < 20; at++) {
			uint64_t expected = 0;

			for (uint32_t i = 0; i < bytes; i++)
				expected |= (uint64_t)(at + i < 12 ? at + i + 1 : 0) << i * 8;
			assert_true(vmsnd_mmio_read(&rig->mmio, 0x100 + at, bytes) == expected);
		}
	}
	assert_int_equal(rig->mmio.counters.bad_reads, 0);
	/* Widths 2, 4, 8 off their boundary, and all of 3, 5, 6 and 7. */
	assert_int_equal(rig->mmio.counters.odd_accesses, 10 + 15 + 17 + 4 * 20);
	free(rig);
}

static void test_2_5_config_is_not_written(void **state)
{
	struct rig *rig = rig_open();

	rig_put(rig, 0x100, 0x12345678);
	assert_int_equal(rig_get(rig, 0x100), 0x04030201);
	assert_int_equal(rig->mmio.counters.bad_writes, 1);
	free(rig);
}

static void test_2_5_2_generation_changes_with_the_config(void **state)
{
	struct rig *rig = rig_up();
	uint32_t before = rig_get(rig, VIRTIO_MMIO_CONFIG_GENERATION);

	assert_int_equal(rig_get(rig, VIRTIO_MMIO_CONFIG_GENERATION), before);
	vmsnd_mmio_config_changed(&rig->mmio);
	assert_int_not_equal(rig_get(rig, VIRTIO_MMIO_CONFIG_GENERATION), before);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	free(rig);
}

/* ---- shared memory ----------------------------------------------------------------------------
 */

static void test_2_10_no_shared_memory(void **state)
{
	struct rig *rig = rig_open();

	for (uint32_t id = 0; id < 300; id += 17) {
		rig_put(rig, VIRTIO_MMIO_SHM_SEL, id);
		for (uint64_t at = VIRTIO_MMIO_SHM_LEN_LOW; at <= VIRTIO_MMIO_SHM_BASE_HIGH;
		     at += 4)
			assert_int_equal(rig_get(rig, at), UINT32_MAX);
	}
	assert_int_equal(rig_mistakes(rig), 0);
	free(rig);
}

/* ---- what no driver should do -------------------------------------------------------------------
 */

/* Table 4.1: R, W or both; nothing elsewhere. */
static const struct {
	uint16_t at;
	bool read, write;
} known[] = {
    {0x000, true, false}, {0x004, true, false}, {0x008, true, false}, {0x00c, true, false},
    {0x010, true, false}, {0x014, false, true}, {0x020, false, true}, {0x024, false, true},
    {0x030, false, true}, {0x034, true, false}, {0x038, false, true}, {0x044, true, true},
    {0x050, false, true}, {0x060, true, false}, {0x064, false, true}, {0x070, true, true},
    {0x080, false, true}, {0x084, false, true}, {0x090, false, true}, {0x094, false, true},
    {0x0a0, false, true}, {0x0a4, false, true}, {0x0ac, false, true}, {0x0b0, true, false},
    {0x0b4, true, false}, {0x0b8, true, false}, {0x0bc, true, false}, {0x0c0, true, true},
    {0x0fc, true, false},
};

static void is_known(uint64_t at, bool *read, bool *write)
{
	*read = *write = false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].at == at) {
			*read = known[i].read;
			*write = known[i].write;
		}
}

static void test_4_2_2_every_register_and_no_other(void **state)
{
	for (uint64_t at = 0; at < 0x100; at += 4) {
		struct rig *rig = rig_open();
		bool read, write;

		is_known(at, &read, &write);
		rig_get(rig, at);
		assert_int_equal(rig->mmio.counters.bad_reads, !read);
		rig_put(rig, at, 0);
		assert_int_equal(rig->mmio.counters.bad_writes, !write);
		free(rig);
	}
}

static void test_4_2_2_2_odd_widths_and_places(void **state)
{
	struct rig *rig = rig_up();
	struct vmsnd_mmio before;
	uint64_t n = 0;

	before = rig->mmio;
	for (uint64_t at = 0; at < 0x100; at++) {
		for (unsigned bytes = 0; bytes <= 16; bytes++) {
			if (bytes == 4 && at % 4 == 0)
				continue;
			assert_true(vmsnd_mmio_read(&rig->mmio, at, bytes) == 0);
			vmsnd_mmio_write(&rig->mmio, at, bytes, UINT64_MAX, NOW);
			n += 2;
		}
	}
	assert_int_equal(rig->mmio.counters.odd_accesses, n);
	before.counters = rig->mmio.counters;
	assert_memory_equal(&before, &rig->mmio, sizeof(before));
	free(rig);
}

static void test_4_2_2_beyond_the_page(void **state)
{
	static const uint64_t places[] = {
	    0x1000,     0x1001,        UINT64_C(0x100000000), UINT64_C(0x100000070),
	    UINT64_MAX, UINT64_MAX - 3};
	struct rig *rig = rig_up();
	uint32_t status = rig_get(rig, VIRTIO_MMIO_STATUS);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_int_equal(rig_get(rig, places[i]), 0);
		rig_put(rig, places[i], 0);
		assert_int_equal(rig->mmio.counters.bad_reads, i + 1);
		assert_int_equal(rig->mmio.counters.bad_writes, i + 1);
	}
	assert_true(vmsnd_mmio_read(&rig->mmio, 0x100, 0) == 0);
	assert_true(vmsnd_mmio_read(&rig->mmio, 0x100, 9) == 0);
	assert_true(vmsnd_mmio_read(&rig->mmio, 0xffe, 8) == 0);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), status);
	assert_int_equal(rig->dev.resets, 0);
	free(rig);
}

static void test_every_mistake_has_a_counter(void **state)
{
	struct rig *rig = rig_up();
	struct vmsnd_counter list[16];
	size_t n;

	vmsnd_mmio_read(&rig->mmio, 0, 1);
	rig_get(rig, 0x14);
	rig_put(rig, 0, 0);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 9);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	rig->dev.start_rc = VMSND_E_RANGE;
	rig_put_queue(rig, 0);
	rig_put(rig, VIRTIO_MMIO_STATUS, 0);
	n = vmsnd_mmio_counters(&rig->mmio, list, 16);
	assert_int_equal(n, 7);
	assert_int_equal(vmsnd_mmio_counters(&rig->mmio, list, 1), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list[i].value, 1);
	free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_4_2_2_identity),
	    cmocka_unit_test(test_4_2_2_features_by_selector),
	    cmocka_unit_test(test_3_1_1_initialisation_in_order),
	    cmocka_unit_test(test_2_2_2_features_that_cannot_work),
	    cmocka_unit_test(test_3_1_1_features_are_fixed_once_agreed),
	    cmocka_unit_test(test_3_1_1_steps_out_of_order),
	    cmocka_unit_test(test_2_1_1_bits_are_not_taken_back),
	    cmocka_unit_test(test_2_1_a_driver_that_failed_is_left_alone),
	    cmocka_unit_test(test_4_2_2_1_reset),
	    cmocka_unit_test(test_4_2_3_2_queue_as_it_was_set_up),
	    cmocka_unit_test(test_4_2_2_queues_that_are_not_there),
	    cmocka_unit_test(test_4_2_2_2_a_ready_queue_stays_as_it_is),
	    cmocka_unit_test(test_4_2_2_2_a_queue_is_given_up_and_set_up_anew),
	    cmocka_unit_test(test_4_2_2_queue_reset),
	    cmocka_unit_test(test_4_2_2_no_queue_reset_where_it_was_not_agreed_on),
	    cmocka_unit_test(test_2_1_2_nothing_is_looked_at_before_driver_ok),
	    cmocka_unit_test(test_2_1_2_a_queue_that_cannot_start_asks_for_a_reset),
	    cmocka_unit_test(test_4_2_2_1_interrupt_status_until_acknowledged),
	    cmocka_unit_test(test_2_5_config_in_every_width),
	    cmocka_unit_test(test_2_5_config_is_not_written),
	    cmocka_unit_test(test_2_5_2_generation_changes_with_the_config),
	    cmocka_unit_test(test_2_10_no_shared_memory),
	    cmocka_unit_test(test_4_2_2_every_register_and_no_other),
	    cmocka_unit_test(test_4_2_2_2_odd_widths_and_places),
	    cmocka_unit_test(test_4_2_2_beyond_the_page),
	    cmocka_unit_test(test_every_mistake_has_a_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
