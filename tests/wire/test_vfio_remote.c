/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that came without a descriptor: the card asks its client for it, nothing waits, and no
 * client gets more out of it than one that answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "vfio_stage.h"

#define BASE UINT64_C(0x100000)
#define MS   UINT64_C(1000000)
#define SIZE UINT64_C(0x100000)

static struct vfio_stage *open_remote(const char *capabilities)
{
	struct vfio_stage *stage = vfio_stage_open(capabilities);

	assert_int_equal(vfio_stage_map(stage, BASE, SIZE, -1), 0);
	return stage;
}

static uint64_t counter(const struct vfio_stage *stage, const char *name)
{
	struct vmsnd_counter list[16];
	size_t n = vmsnd_vfio_user_class.counters(stage->bus, list, 16);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

static struct vmsnd_vfu_dma_access expect_request(struct vfio_stage *stage, uint16_t command)
{
	struct vmsnd_vfu_dma_access access;

	assert_true(vfio_stage_receive(stage));
	assert_int_equal(stage->header.command, command);
	assert_int_equal(stage->header.flags, VMSND_VFU_COMMAND);
	vmsnd_vfu_dma_access_get(stage->payload, &access);
	assert_int_equal(stage->bytes, VMSND_VFU_DMA_ACCESS_BYTES +
					   (command == VMSND_VFU_DMA_WRITE ? access.count : 0));
	return access;
}

/* As the client answers the request that it received last. */
static void answer(struct vfio_stage *stage, const struct vmsnd_vfu_dma_access *access,
		   const uint8_t *data, uint32_t bytes, uint32_t error)
{
	static uint8_t payload[VMSND_VFU_PAYLOAD_MAX];
	uint32_t used = vmsnd_vfu_dma_access_put(payload, access);
	struct vmsnd_vfu_header header = stage->header;

	if (bytes > 0)
		memcpy(payload + used, data, bytes);
	used = error ? 0 : used + bytes;
	header.bytes = VMSND_VFU_HEADER_BYTES + used;
	header.flags = VMSND_VFU_REPLY | (error ? VMSND_VFU_ERROR : 0);
	header.error = error;
	vfio_stage_send(stage, &header, payload, used, -1);
}

static enum vmsnd_rc read_at(struct vfio_stage *stage, uint64_t offset, void *to, size_t bytes)
{
	return vmsnd_gmem_read(&stage->mem, BASE + offset, to, bytes);
}

static void test_a_read_is_asked_for_and_answered_once(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;
	char seen[9] = "";

	assert_int_equal(read_at(stage, 16, seen, 8), VMSND_E_AGAIN);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	assert_int_equal(access.gpa, BASE + 16);
	assert_int_equal(access.count, 8);
	assert_int_equal(read_at(stage, 16, seen, 8), VMSND_E_AGAIN);
	assert_false(vfio_stage_receive(stage)); /* not asked twice */
	answer(stage, &access, (const uint8_t *)"abcdefgh", 8, 0);
	assert_int_equal(read_at(stage, 16, seen, 8), VMSND_OK);
	assert_string_equal(seen, "abcdefgh");
	/* The next time it may be other bytes. */
	assert_int_equal(read_at(stage, 16, seen, 8), VMSND_E_AGAIN);
	expect_request(stage, VMSND_VFU_DMA_READ);
	assert_int_equal(stage->n_troubles, 0);
	vfio_stage_close(stage);
}

static void test_an_answer_that_the_card_does_not_fetch_grows_old(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;
	char seen[8];

	assert_int_equal(read_at(stage, 0, seen, 8), VMSND_E_AGAIN);
	vfio_stage_step(stage);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	answer(stage, &access, (const uint8_t *)"abcdefgh", 8, 0);
	vfio_stage_step(stage); /* the card had its turn */
	assert_int_equal(read_at(stage, 0, seen, 8), VMSND_E_AGAIN);
	expect_request(stage, VMSND_VFU_DMA_READ);
	vfio_stage_close(stage);
}

static void test_answers_come_in_any_order(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access[4];
	struct vmsnd_vfu_header headers[4];

	for (unsigned i = 0; i < 4; i++) {
		uint32_t word;

		assert_int_equal(read_at(stage, i * 4, &word, 4), VMSND_E_AGAIN);
		access[i] = expect_request(stage, VMSND_VFU_DMA_READ);
		headers[i] = stage->header;
	}
	for (unsigned i = 4; i-- > 0;) {
		uint8_t bytes[4];

		vmsnd_put_le32(bytes, 100 + i);
		stage->header = headers[i];
		answer(stage, &access[i], bytes, 4, 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		uint32_t word = 0;

		assert_int_equal(read_at(stage, i * 4, &word, 4), VMSND_OK);
		assert_int_equal(word, 100 + i);
	}
	vfio_stage_close(stage);
}

/* Our numbers and the client's have nothing to do with each other. */
static void test_the_clients_commands_go_on_meanwhile(void **state)
{
	const struct vmsnd_vfu_access region = {.offset = 0, .region = 0, .count = 4};
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;
	struct vmsnd_vfu_header asked;
	uint8_t payload[16], word[4] = {1, 2, 3, 4};
	uint32_t seen = 0;

	assert_int_equal(read_at(stage, 0, &seen, 4), VMSND_E_AGAIN);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	asked = stage->header;
	stage->id = (uint16_t)(asked.id - 1); /* the very same */
	assert_int_equal(vfio_stage_call(stage, VMSND_VFU_REGION_READ, payload,
					 vmsnd_vfu_access_put(payload, &region)),
			 0);
	assert_int_equal(vmsnd_le32(stage->payload + 16), UINT32_MAX);
	stage->header = asked;
	answer(stage, &access, word, 4, 0);
	assert_int_equal(read_at(stage, 0, &seen, 4), VMSND_OK);
	assert_int_equal(seen, 0x04030201);
	vfio_stage_close(stage);
}

static void test_writes_are_sent_in_order_and_done(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;

	for (unsigned i = 0; i < 100; i++) {
		uint8_t bytes[12];

		memset(bytes, (int)i, sizeof(bytes));
		assert_int_equal(vmsnd_gmem_write(&stage->mem, BASE + i, bytes, 12), VMSND_OK);
		access = expect_request(stage, VMSND_VFU_DMA_WRITE);
		assert_int_equal(access.gpa, BASE + i);
		assert_memory_equal(stage->payload + 16, bytes, 12);
		/* Specification: a count of four bytes; libvfio-user: eight. */
		stage->header.flags = VMSND_VFU_REPLY;
		stage->header.bytes = VMSND_VFU_HEADER_BYTES + (i & 1 ? 16 : 12);
		vfio_stage_send(stage, &stage->header, stage->payload, i & 1 ? 16 : 12, -1);
	}
	assert_int_equal(stage->n_troubles, 0);
	vfio_stage_close(stage);
}

static void test_no_more_at_once_than_the_client_takes(void **state)
{
	struct vfio_stage *stage = open_remote("{\"max_data_xfer_size\":100}");
	uint8_t sent[250], seen[250] = {0};

	for (unsigned i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7);
	assert_int_equal(read_at(stage, 5, seen, sizeof(seen)), VMSND_E_AGAIN);
	for (unsigned i = 0; i < 3; i++) {
		struct vmsnd_vfu_dma_access access = expect_request(stage, VMSND_VFU_DMA_READ);

		assert_int_equal(access.gpa, BASE + 5 + i * 100);
		assert_int_equal(access.count, i < 2 ? 100 : 50);
		assert_int_equal(read_at(stage, 5, seen, sizeof(seen)), VMSND_E_AGAIN);
		answer(stage, &access, sent + i * 100, (uint32_t)access.count, 0);
	}
	assert_int_equal(read_at(stage, 5, seen, sizeof(seen)), VMSND_OK);
	assert_memory_equal(seen, sent, sizeof(sent));
	assert_int_equal(vmsnd_gmem_write(&stage->mem, BASE, sent, sizeof(sent)), VMSND_OK);
	for (unsigned i = 0; i < 3; i++) {
		expect_request(stage, VMSND_VFU_DMA_WRITE);
		assert_memory_equal(stage->payload + 16, sent + i * 100, i < 2 ? 100 : 50);
	}
	vfio_stage_close(stage);
	/* Who takes a byte at a time is not asked a thousand times. */
	stage = open_remote("{\"max_data_xfer_size\":1}");
	assert_int_equal(read_at(stage, 0, seen, sizeof(seen)), VMSND_E_UNSUPPORTED);
	assert_int_equal(read_at(stage, 0, seen, 64), VMSND_E_AGAIN);
	vfio_stage_close(stage);
}

static void test_a_refusal_is_for_the_card_to_know(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;
	uint32_t word;

	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_AGAIN);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	answer(stage, &access, NULL, 0, VMSND_VFU_EINVAL);
	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_GONE);
	assert_non_null(strstr(stage->trouble, "DMA_READ"));
	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_AGAIN); /* another try */
	vfio_stage_close(stage);
}

static void test_answers_of_the_wrong_length_or_place(void **state)
{
	static const struct {
		int64_t gpa, count, bytes;
	} rows[] = {{0, 0, -1}, {0, 0, 1}, {0, 0, -8}, {8, 0, 0}, {0, -1, 0}, {0, 1, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vfio_stage *stage = open_remote(NULL);
		uint8_t bytes[16] = "0123456789abcde", seen[8];
		struct vmsnd_vfu_dma_access access;

		assert_int_equal(read_at(stage, 0, seen, 8), VMSND_E_AGAIN);
		access = expect_request(stage, VMSND_VFU_DMA_READ);
		access.gpa += (uint64_t)rows[i].gpa;
		access.count += (uint64_t)rows[i].count;
		answer(stage, &access, bytes, (uint32_t)(8 + rows[i].bytes), 0);
		assert_int_equal(read_at(stage, 0, seen, 8), VMSND_E_GONE);
		vfio_stage_close(stage);
	}
}

/* Counted, and never answered: the client would take it for the answer to something else. */
static void test_a_reply_to_nothing_is_dropped(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;
	struct vmsnd_vfu_header asked;
	uint64_t refused = counter(stage, "refused");
	uint32_t word = 0;

	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_AGAIN);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	asked = stage->header;
	stage->header.id++;
	answer(stage, &access, (const uint8_t *)"abcd", 4, 0);
	stage->header = asked;
	stage->header.command = VMSND_VFU_DMA_WRITE;
	answer(stage, &access, (const uint8_t *)"abcd", 4, 0);
	answer(stage, &access, NULL, 0, VMSND_VFU_EINVAL);
	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_AGAIN);
	/* The true one is taken, once. */
	stage->header = asked;
	answer(stage, &access, (const uint8_t *)"abcd", 4, 0);
	stage->header = asked;
	answer(stage, &access, (const uint8_t *)"efgh", 4, 0);
	assert_false(vfio_stage_receive(stage));
	assert_int_equal(counter(stage, "refused"), refused + 4);
	assert_int_equal(stage->n_troubles, 1);
	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_OK);
	assert_memory_equal(&word, "abcd", 4);
	vfio_stage_close(stage);
}

/* ---- a count of 32 bits, as QEMU 10.1 has it ---- */

/* Data at byte 12 of the payload, four zeros behind them. */
static void answer_narrow(struct vfio_stage *stage, const struct vmsnd_vfu_dma_access *access,
			  const uint8_t *data)
{
	uint32_t bytes = (uint32_t)access->count;
	uint8_t payload[64] = {0};

	stage->header.flags = VMSND_VFU_REPLY;
	stage->header.bytes = VMSND_VFU_HEADER_BYTES + 16 + bytes;
	vmsnd_vfu_dma_access_put(payload, access);
	memcpy(payload + 12, data, bytes);
	vfio_stage_send(stage, &stage->header, payload, 16 + bytes, -1);
}

static enum vmsnd_rc read_by(struct vfio_stage *stage, bool narrow, const uint8_t *data, void *to)
{
	struct vmsnd_vfu_dma_access access;

	assert_int_equal(read_at(stage, 0, to, 8), VMSND_E_AGAIN);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	if (narrow)
		answer_narrow(stage, &access, data);
	else
		answer(stage, &access, data, 8, 0);
	return read_at(stage, 0, to, 8);
}

static void test_a_client_whose_count_has_32_bits(void **state)
{
	static const uint8_t entry[8] = {0, 0, 0x11, 0, 0x40, 0, 0, 0x80}, late[8] = {[7] = 1},
			     early[8] = {1}, zeros[8];
	static const uint8_t *const rows[] = {entry, zeros, late, early, zeros};
	struct vfio_stage *stage = open_remote(NULL);
	uint8_t seen[8];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_by(stage, true, rows[i], seen), VMSND_OK);
		assert_memory_equal(seen, rows[i], 8);
	}
	/* What it is sent is laid out as it lays out. */
	assert_int_equal(vmsnd_gmem_write(&stage->mem, BASE, "abcdefgh", 8), VMSND_OK);
	assert_true(vfio_stage_receive(stage));
	assert_int_equal(stage->header.command, VMSND_VFU_DMA_WRITE);
	assert_int_equal(stage->bytes, 24);
	assert_memory_equal(stage->payload + 8, "\x08\0\0\0abcdefgh\0\0\0", 16);
	assert_int_equal(stage->n_troubles, 0);
	/* It does not change its mind. */
	assert_int_equal(read_by(stage, false, entry, seen), VMSND_E_GONE);
	vfio_stage_hang_up(stage);
	vfio_stage_connect(stage, NULL);
	assert_int_equal(vfio_stage_map(stage, BASE, SIZE, -1), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_by(stage, false, rows[i], seen), VMSND_OK);
		assert_memory_equal(seen, rows[i], 8);
	}
	assert_int_equal(read_by(stage, true, entry, seen), VMSND_E_GONE);
	vfio_stage_close(stage);
}

/* ---- what is never answered ---- */

static void ask_all_there_may_be(struct vfio_stage *stage)
{
	uint32_t word;

	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(read_at(stage, i * 4, &word, 4), VMSND_E_AGAIN);
	vfio_stage_step(stage);
	while (vfio_stage_receive(stage))
		assert_int_equal(stage->header.command, VMSND_VFU_DMA_READ);
	assert_int_equal(read_at(stage, 1000, &word, 4), VMSND_E_AGAIN);
	assert_false(vfio_stage_receive(stage));
}

/* The one that the client received last is answered after all. */
static void answer_late(struct vfio_stage *stage)
{
	uint8_t payload[VMSND_VFU_DMA_ACCESS_BYTES + 4] = {0};

	memcpy(payload, stage->payload, VMSND_VFU_DMA_ACCESS_BYTES);
	stage->header.flags = VMSND_VFU_REPLY;
	stage->header.bytes = VMSND_VFU_HEADER_BYTES + sizeof(payload);
	vfio_stage_send(stage, &stage->header, payload, sizeof(payload), -1);
	assert_false(vfio_stage_receive(stage));
}

static void test_what_is_not_answered_is_forgotten(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;
	uint32_t word = 0;

	ask_all_there_may_be(stage);
	stage->now += 4900 * MS;
	vfio_stage_step(stage);
	assert_int_equal(read_at(stage, 1000, &word, 4), VMSND_E_AGAIN);
	assert_false(vfio_stage_receive(stage));
	assert_int_equal(stage->n_troubles, 0);
	stage->now += 100 * MS;
	vfio_stage_step(stage);
	assert_non_null(strstr(stage->trouble, "does not answer"));
	assert_int_equal(counter(stage, "dma_refused"), 32);
	answer_late(stage);
	assert_int_equal(stage->n_troubles, 1);
	assert_int_equal(read_at(stage, 1000, &word, 4), VMSND_E_AGAIN);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	answer(stage, &access, (const uint8_t *)"abcd", 4, 0);
	assert_int_equal(read_at(stage, 1000, &word, 4), VMSND_OK);
	vfio_stage_close(stage);
}

static void test_a_reset_forgets_what_is_under_way(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_header asked;
	uint8_t payload[VMSND_VFU_DMA_ACCESS_BYTES];
	uint32_t word;

	ask_all_there_may_be(stage);
	asked = stage->header;
	memcpy(payload, stage->payload, sizeof(payload));
	assert_int_equal(vfio_stage_call(stage, VMSND_VFU_RESET, NULL, 0), 0);
	stage->header = asked;
	memcpy(stage->payload, payload, sizeof(payload));
	answer_late(stage);
	assert_int_equal(stage->n_troubles, 0);
	assert_int_equal(read_at(stage, 1000, &word, 4), VMSND_E_AGAIN);
	expect_request(stage, VMSND_VFU_DMA_READ);
	vfio_stage_close(stage);
}

static void test_memory_that_goes_while_it_is_asked_for(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	struct vmsnd_vfu_dma_access access;
	struct vmsnd_vfu_header asked;
	uint32_t word;

	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_AGAIN);
	access = expect_request(stage, VMSND_VFU_DMA_READ);
	asked = stage->header;
	assert_int_equal(vfio_stage_unmap(stage, BASE, SIZE), 0);
	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_RANGE);
	assert_int_equal(vfio_stage_map(stage, BASE, SIZE, -1), 0);
	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_AGAIN);
	expect_request(stage, VMSND_VFU_DMA_READ);
	/* A late answer is of memory that was there before. */
	stage->header = asked;
	answer(stage, &access, (const uint8_t *)"old!", 4, 0);
	assert_false(vfio_stage_receive(stage));
	assert_int_equal(read_at(stage, 0, &word, 4), VMSND_E_AGAIN);
	vfio_stage_close(stage);
}

static void test_a_client_that_never_answers(void **state)
{
	struct vfio_stage *stage = open_remote(NULL);
	static uint8_t much[200000];
	unsigned asked = 0;
	uint32_t word;

	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(read_at(stage, i * 4, &word, 4), VMSND_E_AGAIN);
		vfio_stage_step(stage);
	}
	while (vfio_stage_receive(stage))
		asked++;
	assert_in_range(asked, 8, 64);
	assert_int_equal(vmsnd_gmem_write(&stage->mem, BASE, &word, 4), VMSND_E_AGAIN);
	vfio_stage_hang_up(stage);
	vfio_stage_connect(stage, NULL);
	assert_int_equal(vfio_stage_map(stage, BASE, SIZE, -1), 0);
	/* Bytes are bounded, too, and it is not thrown out for them. */
	for (unsigned i = 0; i < 20; i++) {
		enum vmsnd_rc rc = vmsnd_gmem_write(&stage->mem, BASE, much, sizeof(much));

		assert_int_equal(rc, i < 2 ? VMSND_OK : VMSND_E_AGAIN);
	}
	assert_int_equal(read_at(stage, 0, much, 300000), VMSND_E_UNSUPPORTED);
	while (vfio_stage_receive(stage))
		assert_int_equal(stage->header.command, VMSND_VFU_DMA_WRITE);
	vfio_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_read_is_asked_for_and_answered_once),
	    cmocka_unit_test(test_an_answer_that_the_card_does_not_fetch_grows_old),
	    cmocka_unit_test(test_answers_come_in_any_order),
	    cmocka_unit_test(test_the_clients_commands_go_on_meanwhile),
	    cmocka_unit_test(test_writes_are_sent_in_order_and_done),
	    cmocka_unit_test(test_no_more_at_once_than_the_client_takes),
	    cmocka_unit_test(test_a_refusal_is_for_the_card_to_know),
	    cmocka_unit_test(test_answers_of_the_wrong_length_or_place),
	    cmocka_unit_test(test_a_reply_to_nothing_is_dropped),
	    cmocka_unit_test(test_a_client_whose_count_has_32_bits),
	    cmocka_unit_test(test_what_is_not_answered_is_forgotten),
	    cmocka_unit_test(test_a_reset_forgets_what_is_under_way),
	    cmocka_unit_test(test_memory_that_goes_while_it_is_asked_for),
	    cmocka_unit_test(test_a_client_that_never_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
