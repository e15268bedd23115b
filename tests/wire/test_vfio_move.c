/* SPDX-License-Identifier: BSD-3-Clause */
/* A VMM that moves a card: device features, migration states and the ways between them, the card's
 * state in pieces. That sound goes on: test_vfio_moved.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "vfio_stage.h"

enum { MIGRATION = 1, STATE = 2, ERROR_STATE = 0, P2P = 5, PRE_COPY_P2P = 7 };

static uint32_t feature(struct vfio_stage *stage, uint32_t argsz, uint32_t flags, const void *data,
			uint32_t bytes)
{
	static uint8_t payload[VMSND_VFU_PAYLOAD_MAX];
	const struct vmsnd_vfu_two two = {argsz, flags};
	uint32_t head = vmsnd_vfu_two_put(payload, &two);

	if (bytes > 0)
		memcpy(payload + head, data, bytes);
	return vfio_stage_call(stage, VMSND_VFU_DEVICE_FEATURE, payload, head + bytes);
}

static uint32_t set_state(struct vfio_stage *stage, uint32_t state)
{
	uint8_t data[8] = {0};

	vmsnd_put_le32(data, state);
	return feature(stage, 16, VMSND_VFU_FEATURE_SET | STATE, data, 8);
}

static uint32_t state_of(struct vfio_stage *stage)
{
	assert_int_equal(feature(stage, 16, VMSND_VFU_FEATURE_GET | STATE, NULL, 0), 0);
	assert_int_equal(stage->bytes, 16);
	return vmsnd_le32(stage->payload + 8);
}

static uint32_t read_data(struct vfio_stage *stage, uint32_t argsz, uint32_t size)
{
	const struct vmsnd_vfu_two two = {argsz, size};
	uint8_t payload[8];

	return vfio_stage_call(stage, VMSND_VFU_MIG_DATA_READ, payload,
			       vmsnd_vfu_two_put(payload, &two));
}

static uint32_t write_data(struct vfio_stage *stage, const void *data, uint32_t bytes,
			   uint32_t claimed)
{
	static uint8_t payload[VMSND_VFU_PAYLOAD_MAX];
	const struct vmsnd_vfu_two two = {8 + claimed, claimed};
	uint32_t head = vmsnd_vfu_two_put(payload, &two);

	if (bytes > 0)
		memcpy(payload + head, data, bytes);
	return vfio_stage_call(stage, VMSND_VFU_MIG_DATA_WRITE, payload, head + bytes);
}

static struct vfio_stage *open_with_state(uint32_t bytes)
{
	struct vfio_stage *stage = vfio_stage_open(NULL);

	stage->state_bytes = bytes;
	for (uint32_t i = 0; i < bytes; i++)
		stage->state[i] = (uint8_t)(i * 31 + i / 256);
	return stage;
}

/* ---- features ---- */

static void test_features_that_are_there(void **state)
{
	static const struct {
		uint32_t index, can;
	} rows[] = {{1, VMSND_VFU_FEATURE_GET},
		    {2, VMSND_VFU_FEATURE_GET | VMSND_VFU_FEATURE_SET},
		    {6, VMSND_VFU_FEATURE_SET},
		    {7, VMSND_VFU_FEATURE_SET},
		    {8, VMSND_VFU_FEATURE_GET}};
	struct vfio_stage *stage = open_with_state(10);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint32_t ask = 0; ask < 4; ask++) {
			uint32_t methods = ask << 16;
			uint32_t rc = feature(
			    stage, 8, VMSND_VFU_FEATURE_PROBE | methods | rows[i].index, NULL, 0);

			assert_int_equal(rc, methods & ~rows[i].can ? VMSND_VFU_EINVAL : 0);
		}
	assert_int_equal(feature(stage, 16, VMSND_VFU_FEATURE_GET | MIGRATION, NULL, 0), 0);
	assert_int_equal(vmsnd_le32(stage->payload), 16);
	assert_int_equal(vmsnd_le64(stage->payload + 8), 5); /* STOP_COPY, PRE_COPY */
	assert_string_equal(vfio_stage_asked(stage), "");
	vfio_stage_close(stage);
}

static void test_features_that_are_not(void **state)
{
	static const uint32_t indexes[] = {0, 3, 4, 5, 9, 10, 0xffff};
	struct vfio_stage *stage = open_with_state(10);

	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		assert_int_equal(feature(stage, 8, VMSND_VFU_FEATURE_PROBE | indexes[i], NULL, 0),
				 VMSND_VFU_ENOTTY);
		assert_int_equal(feature(stage, 64, VMSND_VFU_FEATURE_GET | indexes[i], NULL, 0),
				 VMSND_VFU_ENOTTY);
	}
	assert_int_equal(stage->n_troubles, 0); /* VMMs ask */
	vfio_stage_close(stage);
	/* A card that nothing can be saved of. */
	stage = vfio_stage_open(NULL);
	stage->cls.save = NULL;
	assert_int_equal(feature(stage, 8, VMSND_VFU_FEATURE_PROBE | MIGRATION, NULL, 0),
			 VMSND_VFU_ENOTTY);
	assert_int_equal(set_state(stage, VMSND_VFU_STOP), VMSND_VFU_ENOTTY);
	assert_int_equal(feature(stage, 8, VMSND_VFU_FEATURE_PROBE | 8, NULL, 0), 0);
	vfio_stage_close(stage);
}

static void test_messages_that_ask_wrong(void **state)
{
	struct vfio_stage *stage = open_with_state(10);
	uint8_t data[8] = {1};

	assert_int_equal(feature(stage, 16, STATE, NULL, 0), VMSND_VFU_EINVAL);
	assert_int_equal(
	    feature(stage, 16, VMSND_VFU_FEATURE_GET | VMSND_VFU_FEATURE_SET | STATE, data, 8),
	    VMSND_VFU_EINVAL);
	assert_int_equal(feature(stage, 16, 1u << 19 | VMSND_VFU_FEATURE_GET | STATE, NULL, 0),
			 VMSND_VFU_EINVAL);
	assert_int_equal(feature(stage, 15, VMSND_VFU_FEATURE_GET | STATE, NULL, 0),
			 VMSND_VFU_EINVAL);
	assert_int_equal(feature(stage, 15, VMSND_VFU_FEATURE_GET | MIGRATION, NULL, 0),
			 VMSND_VFU_EINVAL);
	assert_int_equal(feature(stage, 15, VMSND_VFU_FEATURE_SET | STATE, data, 8),
			 VMSND_VFU_EINVAL);
	assert_int_equal(feature(stage, 16, VMSND_VFU_FEATURE_SET | STATE, data, 7),
			 VMSND_VFU_EINVAL);
	assert_int_equal(feature(stage, 16, VMSND_VFU_FEATURE_SET | MIGRATION, data, 8),
			 VMSND_VFU_EINVAL);
	assert_int_equal(state_of(stage), VMSND_VFU_RUNNING);
	assert_string_equal(vfio_stage_asked(stage), "");
	vfio_stage_close(stage);
}

/* ---- states ---- */

static const uint32_t all[] = {VMSND_VFU_STOP, VMSND_VFU_RUNNING, VMSND_VFU_STOP_COPY,
			       VMSND_VFU_RESUMING, VMSND_VFU_PRE_COPY};

/* What is asked on the way from RUNNING, and on from each state to each (linux/vfio.h: by the
 * shortest way, not through saving states). NULL: refused. */
static const char *const ways[5][5] = {
    /* to     STOP     RUNNING    STOP_COPY    RESUMING   PRE_COPY */
    /* from STOP */ {"", "go", "save", "", "go"},
    /* RUNNING */ {"still", "", "still save", "still", ""},
    /* STOP_COPY */ {"", "go", "", "", NULL},
    /* RESUMING */ {"load", "load go", "load save", "", "load go"},
    /* PRE_COPY */ {"still", "", "still save", "still", ""},
};

static void test_every_way_between_two_states(void **state)
{
	for (unsigned from = 0; from < 5; from++)
		for (unsigned to = 0; to < 5; to++) {
			struct vfio_stage *stage = open_with_state(100);
			uint32_t rc;

			assert_int_equal(set_state(stage, all[from]), 0);
			vfio_stage_asked(stage);
			rc = set_state(stage, all[to]);
			assert_int_equal(rc, ways[from][to] ? 0 : VMSND_VFU_EINVAL);
			assert_string_equal(vfio_stage_asked(stage),
					    ways[from][to] ? ways[from][to] : "");
			assert_int_equal(state_of(stage), all[rc ? from : to]);
			vfio_stage_close(stage);
		}
}

static void test_states_that_no_card_can_be_brought_into(void **state)
{
	static const uint32_t wrong[] = {ERROR_STATE, P2P, PRE_COPY_P2P, 8, 9, UINT32_MAX};
	struct vfio_stage *stage = open_with_state(100);

	for (unsigned from = 0; from < 5; from++) {
		assert_int_equal(set_state(stage, VMSND_VFU_RUNNING), 0);
		assert_int_equal(set_state(stage, all[from]), 0);
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
			assert_int_equal(set_state(stage, wrong[i]), VMSND_VFU_EINVAL);
		assert_int_equal(state_of(stage), all[from]);
	}
	vfio_stage_close(stage);
}

static void test_a_reset_ends_every_state(void **state)
{
	for (unsigned from = 0; from < 5; from++) {
		struct vfio_stage *stage = open_with_state(100);

		assert_int_equal(set_state(stage, all[from]), 0);
		vfio_stage_asked(stage);
		assert_int_equal(vfio_stage_call(stage, VMSND_VFU_RESET, NULL, 0), 0);
		assert_int_equal(state_of(stage), VMSND_VFU_RUNNING);
		assert_int_equal(stage->dev.resets, 1);
		assert_string_equal(
		    vfio_stage_asked(stage),
		    all[from] == VMSND_VFU_RUNNING || all[from] == VMSND_VFU_PRE_COPY ? "" : "go");
		vfio_stage_close(stage);
	}
}

static void test_the_next_client_finds_a_card_that_runs(void **state)
{
	struct vfio_stage *stage = open_with_state(100);

	assert_int_equal(set_state(stage, VMSND_VFU_STOP_COPY), 0);
	vfio_stage_hang_up(stage);
	vfio_stage_connect(stage, NULL);
	assert_int_equal(state_of(stage), VMSND_VFU_RUNNING);
	assert_int_equal(read_data(stage, 100, 10), VMSND_VFU_EINVAL);
	vfio_stage_close(stage);
}

static void test_a_card_that_cannot_be_saved_now(void **state)
{
	struct vfio_stage *stage = open_with_state(100);

	stage->save_rc = VMSND_E_LIMIT;
	assert_int_equal(set_state(stage, VMSND_VFU_STOP_COPY), VMSND_VFU_EIO);
	assert_int_equal(state_of(stage), VMSND_VFU_STOP);
	assert_int_equal(set_state(stage, VMSND_VFU_PRE_COPY), 0);
	vfio_stage_asked(stage);
	assert_int_equal(set_state(stage, VMSND_VFU_STOP_COPY), VMSND_VFU_EIO);
	assert_int_equal(state_of(stage), VMSND_VFU_PRE_COPY);
	assert_string_equal(vfio_stage_asked(stage), "still go");
	vfio_stage_close(stage);
}

/* ---- data ---- */

/* In pieces of any size; a short one is the last. */
static void test_the_state_is_read_in_pieces(void **state)
{
	static const uint32_t sizes[] = {1, 7, 4096, 99999, 100000, 100001, 1048576};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vfio_stage *stage = open_with_state(i == 0 ? 300 : 100000);
		uint32_t at = 0, got;

		assert_int_equal(set_state(stage, VMSND_VFU_STOP_COPY), 0);
		do {
			assert_int_equal(read_data(stage, 8 + sizes[i], sizes[i]), 0);
			got = vmsnd_le32(stage->payload + 4);
			assert_int_equal(vmsnd_le32(stage->payload), 8 + got);
			assert_int_equal(stage->bytes, 8 + got);
			assert_memory_equal(stage->payload + 8, stage->state + at, got);
			at += got;
		} while (got == sizes[i]);
		assert_int_equal(at, stage->state_bytes);
		assert_int_equal(read_data(stage, 16, 8), 0);
		assert_int_equal(vmsnd_le32(stage->payload + 4), 0);
		vfio_stage_close(stage);
	}
}

static void test_nothing_to_read_while_it_runs(void **state)
{
	struct vfio_stage *stage = open_with_state(100);

	assert_int_equal(set_state(stage, VMSND_VFU_PRE_COPY), 0);
	assert_int_equal(read_data(stage, 108, 100), 0);
	assert_int_equal(vmsnd_le32(stage->payload + 4), 0);
	assert_string_equal(vfio_stage_asked(stage), "");
	assert_int_equal(set_state(stage, VMSND_VFU_STOP_COPY), 0);
	assert_int_equal(read_data(stage, 108, 100), 0);
	assert_int_equal(vmsnd_le32(stage->payload + 4), 100);
	vfio_stage_close(stage);
}

/* A second look at a card that was let go in between is of what it is then. */
static void test_each_saving_begins_anew(void **state)
{
	struct vfio_stage *stage = open_with_state(100);

	assert_int_equal(set_state(stage, VMSND_VFU_STOP_COPY), 0);
	assert_int_equal(read_data(stage, 58, 50), 0);
	stage->state[0] ^= 0xff;
	assert_int_equal(set_state(stage, VMSND_VFU_RUNNING), 0);
	assert_int_equal(set_state(stage, VMSND_VFU_STOP_COPY), 0);
	assert_int_equal(read_data(stage, 108, 100), 0);
	assert_memory_equal(stage->payload + 8, stage->state, 100);
	vfio_stage_close(stage);
}

static void test_reads_that_cannot_be(void **state)
{
	struct vfio_stage *stage = vfio_stage_open("{\"max_data_xfer_size\":1000}");

	stage->state_bytes = 5000;
	for (unsigned i = 0; i < 5; i++) {
		bool saving = all[i] == VMSND_VFU_STOP_COPY || all[i] == VMSND_VFU_PRE_COPY;

		assert_int_equal(set_state(stage, VMSND_VFU_RUNNING), 0);
		assert_int_equal(set_state(stage, all[i]), 0);
		assert_int_equal(read_data(stage, 18, 10), saving ? 0 : VMSND_VFU_EINVAL);
		assert_int_equal(read_data(stage, 17, 10), VMSND_VFU_EINVAL);
		assert_int_equal(read_data(stage, 0, 0), VMSND_VFU_EINVAL);
		assert_int_equal(read_data(stage, UINT32_MAX, 1001), VMSND_VFU_EINVAL);
		assert_int_equal(read_data(stage, 4, UINT32_MAX), VMSND_VFU_EINVAL);
	}
	vfio_stage_close(stage);
}

static void test_the_state_is_written_in_pieces(void **state)
{
	static const uint32_t sizes[] = {1, 33, 4096, 100000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vfio_stage *stage = open_with_state(i == 0 ? 300 : 100000);
		uint32_t left = (uint32_t)stage->state_bytes, at = 0;

		assert_int_equal(set_state(stage, VMSND_VFU_RESUMING), 0);
		while (left > 0) {
			uint32_t n = left < sizes[i] ? left : sizes[i];

			assert_int_equal(write_data(stage, stage->state + at, n, n), 0);
			at += n;
			left -= n;
		}
		assert_int_equal(write_data(stage, NULL, 0, 0), 0);
		assert_int_equal(set_state(stage, VMSND_VFU_RUNNING), 0);
		assert_string_equal(vfio_stage_asked(stage), "still load go");
		assert_int_equal(stage->loaded_bytes, stage->state_bytes);
		assert_memory_equal(stage->loaded, stage->state, stage->state_bytes);
		vfio_stage_close(stage);
	}
}

static void test_writes_that_cannot_be(void **state)
{
	struct vfio_stage *stage = open_with_state(100);

	for (unsigned i = 0; i < 5; i++) {
		bool resuming = all[i] == VMSND_VFU_RESUMING;

		assert_int_equal(set_state(stage, VMSND_VFU_RUNNING), 0);
		assert_int_equal(set_state(stage, all[i]), 0);
		assert_int_equal(write_data(stage, stage->state, 10, 10),
				 resuming ? 0 : VMSND_VFU_EINVAL);
		assert_int_equal(write_data(stage, stage->state, 10, 11), VMSND_VFU_EINVAL);
		assert_int_equal(write_data(stage, stage->state, 10, 9), VMSND_VFU_EINVAL);
		assert_int_equal(write_data(stage, stage->state, 0, UINT32_MAX), VMSND_VFU_EINVAL);
	}
	vfio_stage_close(stage);
}

/* What is of no use is refused, and may be brought once more. */
static void test_a_state_of_no_use(void **state)
{
	struct vfio_stage *stage = open_with_state(100);

	assert_int_equal(set_state(stage, VMSND_VFU_RESUMING), 0);
	stage->load_rc = VMSND_E_DAMAGED;
	assert_int_equal(write_data(stage, stage->state, 50, 50), 0);
	assert_int_equal(set_state(stage, VMSND_VFU_RUNNING), VMSND_VFU_EINVAL);
	assert_int_equal(stage->loaded_bytes, 50);
	assert_int_equal(state_of(stage), VMSND_VFU_RESUMING);
	assert_string_equal(vfio_stage_asked(stage), "still load");
	/* Nothing at all is none, either. */
	assert_int_equal(set_state(stage, VMSND_VFU_STOP), VMSND_VFU_EINVAL);
	assert_int_equal(stage->loaded_bytes, 0);
	stage->load_rc = VMSND_OK;
	assert_int_equal(write_data(stage, stage->state, 100, 100), 0);
	assert_int_equal(set_state(stage, VMSND_VFU_RUNNING), 0);
	assert_int_equal(stage->loaded_bytes, 100);
	vfio_stage_close(stage);
}

static void test_no_end_of_data(void **state)
{
	static uint8_t much[1000000];
	struct vfio_stage *stage = open_with_state(100);
	unsigned taken = 0;

	assert_int_equal(set_state(stage, VMSND_VFU_RESUMING), 0);
	while (taken < 100 && write_data(stage, much, sizeof(much), sizeof(much)) == 0)
		taken++;
	assert_int_equal(stage->header.error, VMSND_VFU_ENOSPC);
	assert_int_equal(taken, 67); /* 64 MiB */
	assert_int_equal(vfio_stage_call(stage, VMSND_VFU_RESET, NULL, 0), 0);
	vfio_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_features_that_are_there),
	    cmocka_unit_test(test_features_that_are_not),
	    cmocka_unit_test(test_messages_that_ask_wrong),
	    cmocka_unit_test(test_every_way_between_two_states),
	    cmocka_unit_test(test_states_that_no_card_can_be_brought_into),
	    cmocka_unit_test(test_a_reset_ends_every_state),
	    cmocka_unit_test(test_the_next_client_finds_a_card_that_runs),
	    cmocka_unit_test(test_a_card_that_cannot_be_saved_now),
	    cmocka_unit_test(test_the_state_is_read_in_pieces),
	    cmocka_unit_test(test_nothing_to_read_while_it_runs),
	    cmocka_unit_test(test_each_saving_begins_anew),
	    cmocka_unit_test(test_reads_that_cannot_be),
	    cmocka_unit_test(test_the_state_is_written_in_pieces),
	    cmocka_unit_test(test_writes_that_cannot_be),
	    cmocka_unit_test(test_a_state_of_no_use),
	    cmocka_unit_test(test_no_end_of_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
