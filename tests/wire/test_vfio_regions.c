/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: what the card has, accesses to it, resets, features; and every wrong question. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "vfio_harness.h"

struct world {
	struct vfio_harness h;
	struct vfio_client *client;
};

static int open_world(void **state)
{
	static struct world w;

	vfio_harness_open(&w.h, true);
	w.client = vfio_harness_hello(&w.h);
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

static struct vfio_message answer;

/* ---- DEVICE_GET_INFO ---- */

static int get_info(struct world *w, uint32_t argsz, uint32_t bytes)
{
	uint8_t payload[64] = {0};

	vmsnd_put_le32(payload, argsz);
	return vfio_ask(w->client, VMSND_VFU_GET_INFO, payload, bytes, &answer);
}

static void test_device_info(void **state)
{
	struct vmsnd_vfu_four info;

	assert_int_equal(get_info(*state, 16, 16), 0);
	vmsnd_vfu_four_get(answer.payload, &info);
	assert_int_equal(answer.bytes, 16);
	assert_int_equal(info.argsz, 16);
	assert_int_equal(info.flags, VMSND_VFU_INFO_RESET | VMSND_VFU_INFO_PCI);
	assert_int_equal(info.index, 9); /* regions: QEMU refuses 7, and more than 100 */
	assert_int_equal(info.count, 5); /* interrupts: QEMU refuses 2, and more than 50 */
}

static void test_device_info_argsz(void **state)
{
	assert_int_equal(get_info(*state, 0, 16), VMSND_VFU_EINVAL);
	assert_int_equal(get_info(*state, 15, 16), VMSND_VFU_EINVAL);
	assert_int_equal(get_info(*state, 16, 15), VMSND_VFU_EINVAL);
	assert_int_equal(get_info(*state, 20, 20), 0); /* with a field that we do not know */
	assert_int_equal(answer.bytes, 16);
	assert_int_equal(vmsnd_le32(answer.payload), 16);
	assert_int_equal(get_info(*state, UINT32_MAX, 16), 0);
}

/* ---- DEVICE_GET_REGION_INFO ---- */

static void test_region_info_of_each_region(void **state)
{
	static const uint32_t sizes[] = {
	    VFIO_BAR0_BYTES, VFIO_BAR1_BYTES, VFIO_BAR2_BYTES, 0, 0, 0, 0, 256, 0};
	struct world *w = *state;

	for (uint32_t i = 0; i < 9; i++) {
		struct vmsnd_vfu_region_info info;

		assert_int_equal(vfio_region_info(w->client, i, &info), 0);
		assert_int_equal(info.argsz, 32);
		assert_int_equal(info.index, i);
		assert_int_equal(info.size, sizes[i]);
		/* Never to be mapped, and no more about it. */
		assert_int_equal(info.flags, sizes[i] ? 3 : 0);
		assert_int_equal(info.cap_offset, 0);
		assert_int_equal(info.offset, 0);
	}
}

static int region_info(struct world *w, const struct vmsnd_vfu_region_info *info, uint32_t bytes)
{
	uint8_t payload[64] = {0};

	vmsnd_vfu_region_info_put(payload, info);
	return vfio_ask(w->client, VMSND_VFU_GET_REGION_INFO, payload, bytes, &answer);
}

static void test_wrong_region_info(void **state)
{
	const struct vmsnd_vfu_region_info good = {.argsz = 32}, small = {.argsz = 31},
					   none = {.argsz = 0}, beyond = {.argsz = 32, .index = 9},
					   far = {.argsz = 32, .index = UINT32_MAX},
					   large = {.argsz = UINT32_MAX};

	assert_int_equal(region_info(*state, &small, 32), VMSND_VFU_EINVAL);
	assert_int_equal(region_info(*state, &none, 32), VMSND_VFU_EINVAL);
	assert_int_equal(region_info(*state, &beyond, 32), VMSND_VFU_EINVAL);
	assert_int_equal(region_info(*state, &far, 32), VMSND_VFU_EINVAL);
	assert_int_equal(region_info(*state, &good, 31), VMSND_VFU_EINVAL);
	assert_int_equal(region_info(*state, &large, 32), 0);
	assert_int_equal(answer.bytes, 32);
	assert_int_equal(region_info(*state, &good, 40), 0);
	assert_int_equal(answer.bytes, 32);
}

/* ---- DEVICE_GET_REGION_IO_FDS ---- */

static int io_fds(struct world *w, const struct vmsnd_vfu_four *asked, uint32_t bytes)
{
	uint8_t payload[16];

	vmsnd_vfu_four_put(payload, asked);
	return vfio_ask(w->client, VMSND_VFU_GET_REGION_IO_FDS, payload, bytes, &answer);
}

static void test_region_io_fds_are_none(void **state)
{
	const struct vmsnd_vfu_four asked = {.argsz = 512, .index = 1};
	struct vmsnd_vfu_four got;

	assert_int_equal(io_fds(*state, &asked, 16), 0);
	vmsnd_vfu_four_get(answer.payload, &got);
	assert_int_equal(answer.bytes, 16);
	assert_int_equal(got.argsz, 16);
	assert_int_equal(got.flags, 0);
	assert_int_equal(got.index, 1);
	assert_int_equal(got.count, 0);
}

static void test_wrong_region_io_fds(void **state)
{
	static const struct vmsnd_vfu_four wrong[] = {
	    {.argsz = 15},
	    {.argsz = 0},
	    {.argsz = 16, .flags = 1},
	    {.argsz = 16, .count = 1},
	    {.argsz = 16, .index = 9},
	    {.argsz = 16, .index = UINT32_MAX},
	    {.argsz = 16, .index = 3}, /* not there */
	    {.argsz = VMSND_VFU_DATA_MAX + 1},
	    {.argsz = UINT32_MAX},
	};
	const struct vmsnd_vfu_four good = {.argsz = 16};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(io_fds(*state, &wrong[i], 16), VMSND_VFU_EINVAL);
	assert_int_equal(io_fds(*state, &good, 15), VMSND_VFU_EINVAL);
	assert_int_equal(io_fds(*state, &good, 16), 0);
}

/* ---- REGION_READ, REGION_WRITE ---- */

static void test_accesses_reach_the_card_with_their_time(void **state)
{
	struct world *w = *state;
	uint8_t config[256];

	w->h.now = 12345;
	assert_int_equal(vfio_put(w->client, 0, 0x2c, 2, 0xbb80), 0);
	assert_int_equal(w->h.dev.at, 12345);
	w->h.now = 23456;
	assert_int_equal(vfio_in(w->client, 0, 0x2c, 2), 0xbb80);
	assert_int_equal(w->h.dev.at, 23456);
	assert_int_equal(vfio_read(w->client, 7, 0, config, 256), 0);
	assert_int_equal(config[0], 0x86);
	assert_string_equal(vfio_harness_trace(&w->h), "w0:2c+2 r0:2c+2 r7:0+256 ");
	assert_int_equal(vfio_harness_counter(&w->h, "reads"), 2);
	assert_int_equal(vfio_harness_counter(&w->h, "writes"), 1);
}

/* Any size on any boundary, to the very end of the region. */
static void test_accesses_of_every_size_and_place_in_a_region(void **state)
{
	struct world *w = *state;
	uint8_t out[VFIO_BAR1_BYTES], in[VFIO_BAR1_BYTES];

	for (uint32_t bytes = 1; bytes <= VFIO_BAR1_BYTES; bytes++) {
		for (uint32_t at = 0; at + bytes <= VFIO_BAR1_BYTES; at += bytes / 2 + 1) {
			memset(out, (int)(at + bytes), bytes);
			assert_int_equal(vfio_write(w->client, 1, at, out, bytes), 0);
			assert_int_equal(vfio_read(w->client, 1, at, in, bytes), 0);
			assert_memory_equal(in, out, bytes);
		}
		vfio_harness_trace(&w->h);
	}
}

static void test_posted_writes_are_never_answered(void **state)
{
	struct world *w = *state;
	const uint32_t value = 7;

	for (unsigned i = 0; i < 8; i++)
		assert_true(vfio_post(w->client, 2, 4 * i, &value, 4));
	assert_true(vfio_post(w->client, 2, VFIO_BAR2_BYTES, &value, 4)); /* nor refused */
	assert_true(vfio_post(w->client, 6, 0, &value, 4));
	assert_int_equal(vfio_receive(w->client, &answer), VFIO_SILENT);
	/* A read behind them is. */
	assert_int_equal(vfio_in(w->client, 2, 28, 4), 7);
	assert_int_equal(vfio_harness_counter(&w->h, "writes"), 8);
	assert_int_equal(vfio_harness_counter(&w->h, "refused"), 2);
}

static void test_an_access_of_nothing_reaches_nothing(void **state)
{
	struct world *w = *state;

	assert_int_equal(vfio_read(w->client, 1, 0, NULL, 0), 0);
	assert_int_equal(vfio_read(w->client, 1, VFIO_BAR1_BYTES, NULL, 0), 0);
	assert_int_equal(vfio_write(w->client, 1, 0, "", 0), 0);
	assert_int_equal(vfio_read(w->client, 3, 0, NULL, 0), 0);
	assert_int_equal(vfio_read(w->client, 3, 1, NULL, 0), VMSND_VFU_EINVAL);
	assert_string_equal(vfio_harness_trace(&w->h), "");
}

static int access_with(struct world *w, uint16_t command, const struct vmsnd_vfu_access *access,
		       uint32_t data)
{
	static uint8_t payload[VMSND_VFU_ACCESS_BYTES + 64];

	vmsnd_vfu_access_put(payload, access);
	return vfio_ask(w->client, command, payload, VMSND_VFU_ACCESS_BYTES + data, NULL);
}

static void test_accesses_outside_are_refused_and_reach_nothing(void **state)
{
	static const struct vmsnd_vfu_access wrong[] = {
	    {VFIO_BAR0_BYTES, 0, 1},
	    {VFIO_BAR0_BYTES - 1, 0, 2},
	    {VFIO_BAR1_BYTES - 3, 1, 4},
	    {UINT64_MAX, 1, 1},
	    {UINT64_MAX - 3, 1, 4},
	    {UINT64_MAX - 2, 1, 4},
	    {UINT64_C(1) << 32, 1, 4},
	    {256, 7, 1},
	    {255, 7, 2},
	    {0, 3, 4}, /* no such BAR */
	    {0, 6, 4}, /* no ROM */
	    {0, 8, 1}, /* no VGA */
	    {0, 9, 1},
	    {0, UINT32_MAX, 1},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(access_with(w, VMSND_VFU_REGION_READ, &wrong[i], 0),
				 VMSND_VFU_EINVAL);
		assert_int_equal(access_with(w, VMSND_VFU_REGION_WRITE, &wrong[i], wrong[i].count),
				 VMSND_VFU_EINVAL);
	}
	assert_string_equal(vfio_harness_trace(&w->h), "");
}

static void test_counts_that_are_not_what_comes_are_refused(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_access four = {0, 1, 4}, huge = {0, 1, UINT32_MAX},
				      more = {0, 1, VMSND_VFU_DATA_MAX + 1};

	assert_int_equal(access_with(w, VMSND_VFU_REGION_WRITE, &four, 3), VMSND_VFU_EINVAL);
	assert_int_equal(access_with(w, VMSND_VFU_REGION_WRITE, &four, 5), VMSND_VFU_EINVAL);
	assert_int_equal(access_with(w, VMSND_VFU_REGION_WRITE, &four, 0), VMSND_VFU_EINVAL);
	assert_int_equal(access_with(w, VMSND_VFU_REGION_WRITE, &huge, 4), VMSND_VFU_EINVAL);
	assert_int_equal(access_with(w, VMSND_VFU_REGION_READ, &huge, 0), VMSND_VFU_EINVAL);
	assert_int_equal(access_with(w, VMSND_VFU_REGION_READ, &more, 0), VMSND_VFU_EINVAL);
	assert_string_equal(vfio_harness_trace(&w->h), "");
}

/* Whole, and refused because the card has nothing so large. */
static void test_a_write_of_a_megabyte_is_followed_and_refused(void **state)
{
	static uint8_t payload[VMSND_VFU_ACCESS_BYTES + VMSND_VFU_DATA_MAX];
	const struct vmsnd_vfu_access access = {0, 2, VMSND_VFU_DATA_MAX};
	struct world *w = *state;

	vmsnd_vfu_access_put(payload, &access);
	assert_int_equal(
	    vfio_ask(w->client, VMSND_VFU_REGION_WRITE, payload, sizeof(payload), NULL),
	    VMSND_VFU_EINVAL);
	assert_int_equal(vfio_put(w->client, 2, 0, 4, 1), 0);
	assert_string_equal(vfio_harness_trace(&w->h), "w2:0+4 ");
}

/* ---- REGION_WRITE_MULTI ---- */

static uint8_t multi[8 + 24 * 64];

static uint32_t put_multi(uint64_t says, const struct vmsnd_vfu_access *writes, unsigned n)
{
	memset(multi, 0, sizeof(multi));
	vmsnd_put_le64(multi, says);
	for (unsigned i = 0; i < n; i++) {
		vmsnd_vfu_access_put(multi + 8 + 24 * i, &writes[i]);
		memset(multi + 8 + 24 * i + 16, (int)(0x11 * (i + 1)), 8);
	}
	return 8 + 24 * n;
}

static void test_many_writes_in_one(void **state)
{
	static const struct vmsnd_vfu_access writes[] = {{0, 2, 4}, {8, 2, 8}, {0x1b, 1, 1}};
	struct world *w = *state;
	uint32_t bytes = put_multi(3, writes, 3);

	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, multi, bytes, &answer), 0);
	assert_int_equal(answer.bytes, 8);
	assert_int_equal(vmsnd_le64(answer.payload), 3);
	assert_string_equal(vfio_harness_trace(&w->h), "w2:0+4 w2:8+8 w1:1b+1 ");
	assert_int_equal(vfio_in(w->client, 2, 0, 4), 0x11111111);
	assert_int_equal(vfio_in(w->client, 2, 12, 4), 0x22222222);
	assert_int_equal(vfio_in(w->client, 1, 0x1b, 1), 0x33);
	bytes = put_multi(0, NULL, 0);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, multi, bytes, &answer), 0);
	assert_int_equal(vmsnd_le64(answer.payload), 0);
}

static void test_wrong_write_multi_writes_nothing(void **state)
{
	static const struct vmsnd_vfu_access good = {0, 2, 4}, nine = {0, 2, 9},
					     outside = {VFIO_BAR2_BYTES, 2, 4}, none = {0, 9, 4};
	const struct vmsnd_vfu_access bad[][2] = {{good, nine}, {good, outside}, {good, none}};
	struct world *w = *state;
	uint32_t bytes;

	for (size_t i = 0; i < 3; i++) {
		bytes = put_multi(2, bad[i], 2);
		assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, multi, bytes, NULL),
				 VMSND_VFU_EINVAL);
	}
	bytes = put_multi(2, &good, 1);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, multi, bytes, NULL),
			 VMSND_VFU_EINVAL);
	bytes = put_multi(UINT64_MAX, &good, 1);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, multi, bytes, NULL),
			 VMSND_VFU_EINVAL);
	bytes = put_multi(1, &good, 1);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, multi, bytes - 1, NULL),
			 VMSND_VFU_EINVAL);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, multi, 7, NULL),
			 VMSND_VFU_EINVAL);
	assert_string_equal(vfio_harness_trace(&w->h), "");
}

/* Others wait for the lane meanwhile. */
static void test_more_than_256_writes_in_one_message_are_refused(void **state)
{
	static uint8_t many[8 + 24 * 257];
	static const struct vmsnd_vfu_access nothing = {0, 2, 0};
	struct world *w = *state;

	for (unsigned i = 0; i < 257; i++)
		vmsnd_vfu_access_put(many + 8 + 24 * i, &nothing);
	vmsnd_put_le64(many, 256);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, many, 8 + 24 * 256, &answer),
			 0);
	assert_int_equal(vmsnd_le64(answer.payload), 256);
	assert_int_equal(vfio_harness_counter(&w->h, "writes"), 256);
	vmsnd_put_le64(many, 257);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_WRITE_MULTI, many, sizeof(many), NULL),
			 VMSND_VFU_EINVAL);
	assert_int_equal(vfio_harness_counter(&w->h, "writes"), 256);
}

/* ---- reset, features ---- */

static void test_reset_is_the_bus_and_leaves_memory_and_interrupts(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_dma_map map = {.flags = 3, .bytes = 0x1000};
	int event = vfio_eventfd();

	assert_int_equal(vfio_map(w->client, &map, vfio_client_memory_fd(w->client)), 0);
	assert_int_equal(vfio_arm(w->client, 0, VMSND_VFU_ACTION_TRIGGER, event), 0);
	assert_int_equal(vfio_reset(w->client), 0);
	assert_string_equal(vfio_harness_trace(&w->h), "R1 ");
	assert_int_equal(w->h.mem.n_regions, 1);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(event), 1);
	close(event);
}

static void test_the_guests_driver_is_seen_when_it_makes_the_card_a_master(void **state)
{
	struct world *w = *state;

	assert_int_equal(vfio_put(w->client, 7, 4, 2, 0x0103), 0);
	assert_int_equal(vfio_put(w->client, 7, 5, 1, 0xff), 0);
	assert_int_equal(w->h.ready, 0);
	assert_int_equal(vfio_put(w->client, 7, 4, 2, 0x0107), 0);
	assert_int_equal(vfio_put(w->client, 7, 4, 4, 7), 0);
	assert_int_equal(w->h.ready, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
	    T(test_device_info),
	    T(test_device_info_argsz),
	    T(test_region_info_of_each_region),
	    T(test_wrong_region_info),
	    T(test_region_io_fds_are_none),
	    T(test_wrong_region_io_fds),
	    T(test_accesses_reach_the_card_with_their_time),
	    T(test_accesses_of_every_size_and_place_in_a_region),
	    T(test_posted_writes_are_never_answered),
	    T(test_an_access_of_nothing_reaches_nothing),
	    T(test_accesses_outside_are_refused_and_reach_nothing),
	    T(test_counts_that_are_not_what_comes_are_refused),
	    T(test_a_write_of_a_megabyte_is_followed_and_refused),
	    T(test_many_writes_in_one),
	    T(test_wrong_write_multi_writes_nothing),
	    T(test_more_than_256_writes_in_one_message_are_refused),
	    T(test_reset_is_the_bus_and_leaves_memory_and_interrupts),
	    T(test_the_guests_driver_is_seen_when_it_makes_the_card_a_master),
	};

	return cmocka_run_group_tests_name("vfio-regions", tests, NULL, NULL);
}
