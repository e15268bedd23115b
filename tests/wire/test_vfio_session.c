/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: VERSION with every capability there is, messages in pieces, clients that come, stay
 * silent and leave. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/endian.h"
#include "vfio_harness.h"

static int open_harness(void **state)
{
	static struct vfio_harness h;

	vfio_harness_open(&h, true);
	*state = &h;
	return 0;
}

static int close_harness(void **state)
{
	vfio_harness_close(*state);
	return 0;
}

/* ---- VERSION ---- */

/* Longer than 214 bytes, and QEMU drops the connection (qemu-audio.md 10.2). */
static void test_qemus_version_is_answered_as_qemu_needs_it(void **state)
{
	struct vfio_client *client = vfio_harness_connect(*state);
	static struct vfio_message answer;
	struct vmsnd_vfu_version version;
	json_t *root, *caps;

	assert_int_equal(
	    vfio_version(client,
			 "{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, "
			 "\"max_dma_maps\": 65535, \"max_data_xfer_size\": 1048576, "
			 "\"migration\": {\"max_bitmap_size\": 268435456, \"pgsize\": 4096}, "
			 "\"write_multiple\": true}}",
			 &answer),
	    0);
	assert_true(answer.header.bytes <= 214);
	vmsnd_vfu_version_get(answer.payload, &version);
	assert_int_equal(version.major, 0);
	assert_int_equal(version.minor, 1);
	assert_int_equal(answer.payload[answer.bytes - 1], '\0');
	root = json_loads((const char *)answer.payload + 4, JSON_REJECT_DUPLICATES, NULL);
	caps = json_object_get(root, "capabilities");
	assert_in_range(json_integer_value(json_object_get(caps, "max_msg_fds")), 1, 16);
	assert_int_equal(json_integer_value(json_object_get(caps, "max_data_xfer_size")), 1048576);
	assert_in_range(json_integer_value(json_object_get(caps, "max_dma_maps")), 1, 65535);
	assert_int_equal(json_integer_value(json_object_get(caps, "pgsizes")), 4096);
	assert_true(json_is_true(json_object_get(caps, "write_multiple")));
	assert_null(json_object_get(caps, "twin_socket"));
	json_decref(root);
	vfio_client_close(client);
}

static void test_the_minor_version_is_the_lower_of_both(void **state)
{
	static const uint16_t minors[][2] = {{0, 0}, {1, 1}, {2, 1}, {65535, 1}};

	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		const struct vmsnd_vfu_version asked = {0, minors[i][0]};
		struct vfio_client *client = vfio_harness_connect(*state);
		static struct vfio_message answer;
		struct vmsnd_vfu_version got;
		uint8_t payload[4];

		vmsnd_vfu_version_put(payload, &asked);
		assert_int_equal(vfio_ask(client, VMSND_VFU_VERSION, payload, 4, &answer), 0);
		vmsnd_vfu_version_get(answer.payload, &got);
		assert_int_equal(got.major, 0);
		assert_int_equal(got.minor, minors[i][1]);
		vfio_client_close(client);
	}
}

static const char *const good[] = {
    NULL, /* no capabilities at all */
    "{}",
    "{\"capabilities\":{}}",
    "{\"something\":[1,2,3]}",
    "{\"capabilities\":{\"max_msg_fds\":0}}",
    "{\"capabilities\":{\"max_msg_fds\":8}}",
    "{\"capabilities\":{\"max_data_xfer_size\":1}}",
    "{\"capabilities\":{\"max_data_xfer_size\":9223372036854775807}}",
    "{\"capabilities\":{\"max_dma_maps\":0}}",
    "{\"capabilities\":{\"pgsizes\":4096}}",
    "{\"capabilities\":{\"pgsizes\":2101248}}",
    "{\"capabilities\":{\"write_multiple\":false}}",
    "{\"capabilities\":{\"migration\":{}}}",
    "{\"capabilities\":{\"migration\":{\"pgsize\":4096}}}",
    "{\"capabilities\":{\"migration\":{\"pgsize\":2097152}}}",
    "{\"capabilities\":{\"migration\":{\"max_bitmap_size\":0}}}",
    "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}", /* and hears that it is not */
    "{\"capabilities\":{\"twin_socket\":{}}}",
    "{\"capabilities\":{\"nobody\":\"knows\",\"this\":[{}]}}",
};

static void test_capabilities_that_are_taken(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct vfio_client *client = vfio_harness_connect(*state);
		static struct vfio_message answer;
		int rc = vfio_version(client, good[i], &answer);

		if (rc)
			fail_msg("%s: %d", good[i] ? good[i] : "nothing", rc);
		assert_null(strstr((const char *)answer.payload + 4, "twin_socket"));
		assert_int_equal(vfio_reset(client), 0);
		vfio_client_close(client);
	}
}

static const char *const bad[] = {
    "",
    " ",
    "null",
    "[]",
    "7",
    "\"capabilities\"",
    "{",
    "{\"capabilities\"}",
    "{\"capabilities\":{\"max_msg_fds\":16",
    "{\"capabilities\":\"max_msg_fds\":16}}",
    "{\"capabilities\":{\"max_msg_fds\":16}}}",
    "{\"capabilities\":null}",
    "{\"capabilities\":[]}",
    "{\"capabilities\":42}",
    "{\"capabilities\":\"16\"}",
    "{\"capabilities\":{\"max_msg_fds\":-1}}",
    "{\"capabilities\":{\"max_msg_fds\":1.5}}",
    "{\"capabilities\":{\"max_msg_fds\":\"16\"}}",
    "{\"capabilities\":{\"max_msg_fds\":{\"a\":1}}}",
    "{\"capabilities\":{\"max_msg_fds\":99999999}}",
    "{\"capabilities\":{\"max_msg_fds\":1e400}}",
    "{\"capabilities\":{\"max_msg_fds\":9223372036854775808}}",
    "{\"capabilities\":{\"max_msg_fds\":null}}",
    "{\"capabilities\":{\"max_data_xfer_size\":0}}",
    "{\"capabilities\":{\"max_data_xfer_size\":-4096}}",
    "{\"capabilities\":{\"max_data_xfer_size\":4096.0}}",
    "{\"capabilities\":{\"max_data_xfer_size\":\"1M\"}}",
    "{\"capabilities\":{\"max_data_xfer_size\":[4096]}}",
    "{\"capabilities\":{\"max_dma_maps\":-1}}",
    "{\"capabilities\":{\"max_dma_maps\":true}}",
    "{\"capabilities\":{\"pgsizes\":0}}",
    "{\"capabilities\":{\"pgsizes\":-4096}}",
    "{\"capabilities\":{\"pgsizes\":1}}",
    "{\"capabilities\":{\"pgsizes\":65536}}",
    "{\"capabilities\":{\"pgsizes\":4096.5}}",
    "{\"capabilities\":{\"pgsizes\":{}}}",
    "{\"capabilities\":{\"write_multiple\":1}}",
    "{\"capabilities\":{\"write_multiple\":\"true\"}}",
    "{\"capabilities\":{\"migration\":4096}}",
    "{\"capabilities\":{\"migration\":[]}}",
    "{\"capabilities\":{\"migration\":\"yes\"}}",
    "{\"capabilities\":{\"migration\":{\"pgsize\":0}}}",
    "{\"capabilities\":{\"migration\":{\"pgsize\":-4096}}}",
    "{\"capabilities\":{\"migration\":{\"pgsize\":4097}}}",
    "{\"capabilities\":{\"migration\":{\"pgsize\":\"foo\"}}}",
    "{\"capabilities\":{\"migration\":{\"pgsize\":4096.0}}}",
    "{\"capabilities\":{\"migration\":{\"max_bitmap_size\":-1}}}",
    "{\"capabilities\":{\"migration\":{\"max_bitmap_size\":[]}}}",
    "{\"capabilities\":{\"twin_socket\":true}}",
    "{\"capabilities\":{\"twin_socket\":{\"supported\":1}}}",
};

/* The connection stays, nothing is agreed on, and who then says something sensible is served. */
static void test_each_wrong_capability_is_refused(void **state)
{
	struct vfio_client *client = vfio_harness_connect(*state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int rc = vfio_version(client, bad[i], NULL);

		if (rc != VMSND_VFU_EINVAL)
			fail_msg("%s: %d", bad[i], rc);
		assert_int_equal(vfio_reset(client), VMSND_VFU_EINVAL);
	}
	assert_int_equal(vfio_hello(client), 0);
	assert_int_equal(vfio_reset(client), 0);
	vfio_client_close(client);
}

static char *repeated(const char *head, const char *part, size_t n, const char *tail)
{
	size_t bytes = strlen(head) + n * strlen(part) + strlen(tail) + 1;
	char *text = malloc(bytes), *at = text;

	assert_non_null(text);
	at += sprintf(at, "%s", head);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s", part);
	sprintf(at, "%s", tail);
	return text;
}

static void test_capabilities_of_a_megabyte_or_nested_deep_are_refused(void **state)
{
	struct vfio_client *client = vfio_harness_connect(*state);
	char *texts[] = {
	    repeated("{\"capabilities\":{\"max_msg_fds\":", "1", 1000000, "}}"),
	    repeated("{\"capabilities\":", "[", 1000000, ""),
	    repeated("{\"a\":\"", "x", 1000000, "\"}"),
	    repeated("{\"capabilities\":{\"max_msg_fds\":", "9", 10000, "}}"),
	    repeated("{\"capabilities\":{\"migration\":", "{\"migration\":", 1000, ""),
	    repeated("{\"capabilities\":", "[", 10000, ""),
	    repeated("", "{\"capabilities\":", 1000, ""),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(vfio_version(client, texts[i], NULL), VMSND_VFU_EINVAL);
		free(texts[i]);
	}
	assert_int_equal(vfio_hello(client), 0);
	vfio_client_close(client);
}

static void test_version_without_its_nul_is_refused(void **state)
{
	struct vfio_client *client = vfio_harness_connect(*state);
	const uint8_t payload[] = {0, 0, 1, 0, '{', '}'};

	assert_int_equal(vfio_ask(client, VMSND_VFU_VERSION, payload, 6, NULL), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_ask(client, VMSND_VFU_VERSION, payload, 3, NULL), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_ask(client, VMSND_VFU_VERSION, payload, 4, NULL), 0);
	vfio_client_close(client);
}

static void test_another_major_version_is_refused(void **state)
{
	struct vfio_client *client = vfio_harness_connect(*state);
	const uint8_t payload[] = {1, 0, 0, 0};

	assert_int_equal(vfio_ask(client, VMSND_VFU_VERSION, payload, 4, NULL), VMSND_VFU_EINVAL);
	vfio_client_close(client);
}

static void test_version_comes_first_and_once(void **state)
{
	struct vfio_client *client = vfio_harness_connect(*state);

	assert_int_equal(vfio_reset(client), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_put(client, 1, 0, 4, 1), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_hello(client), 0);
	assert_int_equal(vfio_hello(client), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_reset(client), 0);
	assert_string_equal(vfio_harness_trace(*state), "R1* ");
	vfio_client_close(client);
}

static void test_version_with_descriptors_is_refused_and_they_are_closed(void **state)
{
	struct vfio_client *client = vfio_harness_connect(*state);
	const struct vmsnd_fds fds = {.n = 3, .fd = {0, 1, 2}};
	const uint8_t payload[] = {0, 0, 1, 0};
	unsigned before = vfio_open_fds();

	assert_int_equal(vfio_ask_with(client, VMSND_VFU_VERSION, payload, 4, &fds),
			 VMSND_VFU_EINVAL);
	assert_int_equal(vfio_open_fds(), before);
	vfio_client_close(client);
}

/* ---- framing ---- */

static int raw(struct vfio_client *client, const struct vmsnd_vfu_header *header,
	       struct vfio_message *answer)
{
	static const uint8_t zeros[256];

	assert_true(vfio_send(client, header, header->bytes <= 272 ? zeros : NULL, NULL));
	return vfio_receive(client, answer);
}

static void test_malformed_headers_are_answered_and_the_connection_stays(void **state)
{
	static const struct vmsnd_vfu_header wrong[] = {
	    {.id = 7, .command = VMSND_VFU_GET_INFO, .bytes = 0},
	    {.id = 7, .command = VMSND_VFU_GET_INFO, .bytes = 15},
	    {.id = 7, .command = VMSND_VFU_RESET, .bytes = 1},
	    {.id = 7, .command = VMSND_VFU_RESET, .bytes = 16, .flags = 2}, /* neither */
	    {.id = 7, .command = VMSND_VFU_RESET, .bytes = 16, .flags = 15},
	    {.id = 7, .command = 0, .bytes = 32},
	    {.id = 7, .command = 14, .bytes = 32},
	    {.id = 7, .command = 19, .bytes = 32},
	    {.id = 7, .command = 65535, .bytes = 32},
	    {.id = 7,
	     .command = VMSND_VFU_DMA_READ,
	     .bytes = 32}, /* the server's, not a client's */
	    {.id = 7, .command = VMSND_VFU_DMA_WRITE, .bytes = 64},
	    {.id = 7, .command = VMSND_VFU_RESET, .bytes = 20},   /* with a payload */
	    {.id = 7, .command = VMSND_VFU_VERSION, .bytes = 16}, /* all others without one */
	    {.id = 7, .command = VMSND_VFU_DMA_MAP, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_DMA_UNMAP, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_GET_INFO, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_GET_REGION_INFO, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_GET_REGION_IO_FDS, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_GET_IRQ_INFO, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_SET_IRQS, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_REGION_READ, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_REGION_WRITE, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_WRITE_MULTI, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_DEVICE_FEATURE, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_MIG_DATA_READ, .bytes = 16},
	    {.id = 7, .command = VMSND_VFU_MIG_DATA_WRITE, .bytes = 16},
	};
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	static struct vfio_message answer;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(raw(client, &wrong[i], &answer), 0);
		assert_int_equal(answer.header.bytes, 16);
		assert_int_equal(answer.header.id, 7);
		assert_int_equal(answer.header.command, wrong[i].command);
		assert_int_equal(answer.header.flags, VMSND_VFU_REPLY | VMSND_VFU_ERROR);
		assert_int_equal(answer.header.error, VMSND_VFU_EINVAL);
	}
	assert_int_equal(vfio_reset(client), 0);
	assert_string_equal(vfio_harness_trace(h), "R1* ");
	assert_int_equal(h->n_troubles, 1); /* one line a session */
	vfio_client_close(client);
}

/* Its numbers are ours; the client would find one of its own there. */
static void test_replies_are_never_answered(void **state)
{
	static const struct vmsnd_vfu_header replies[] = {
	    {.id = 1, .command = VMSND_VFU_RESET, .bytes = 16, .flags = VMSND_VFU_REPLY},
	    {.id = 2, .command = VMSND_VFU_RESET, .bytes = 16, .flags = 33, .error = 22},
	    {.id = 3, .command = VMSND_VFU_DMA_READ, .bytes = 48, .flags = VMSND_VFU_REPLY},
	    {.id = 4, .command = VMSND_VFU_DMA_WRITE, .bytes = 0, .flags = VMSND_VFU_REPLY},
	    {.id = 5, .command = 99, .bytes = 15, .flags = VMSND_VFU_REPLY},
	};
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	static const uint8_t zeros[32];

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_true(vfio_send(client, &replies[i], zeros, NULL));
	assert_int_equal(vfio_reset(client), 0); /* the next that comes */
	assert_int_equal(h->n_troubles, 1);
	vfio_client_close(client);
}

/* What follows it could be anything. */
static void test_a_message_longer_than_any_is_answered_and_the_client_let_go(void **state)
{
	static const uint32_t bytes[] = {VMSND_VFU_MESSAGE_MAX + 1, 64u << 20, UINT32_MAX};

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		struct vfio_client *client = vfio_harness_hello(*state);
		const struct vmsnd_vfu_header header = {
		    .id = 9, .command = VMSND_VFU_REGION_WRITE, .bytes = bytes[i]};
		static struct vfio_message answer;

		assert_int_equal(raw(client, &header, &answer), 0);
		assert_int_equal(answer.header.error, VMSND_VFU_EINVAL);
		assert_int_equal(vfio_receive(client, &answer), VFIO_CLOSED);
		vfio_client_close(client);
	}
}

static void test_refused_without_reply_is_silent(void **state)
{
	struct vfio_client *client = vfio_harness_hello(*state);
	const struct vmsnd_vfu_header header = {
	    .command = 99, .bytes = 16, .flags = VMSND_VFU_NO_REPLY};
	static struct vfio_message answer;

	assert_int_equal(raw(client, &header, &answer), VFIO_SILENT);
	assert_int_equal(vfio_harness_counter(*state, "refused"), 1);
	vfio_client_close(client);
}

static void test_a_message_byte_by_byte(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	uint8_t bytes[VMSND_VFU_HEADER_BYTES + VMSND_VFU_ACCESS_BYTES + 4] = {0};
	const struct vmsnd_vfu_header header = {
	    .id = 5, .command = VMSND_VFU_REGION_WRITE, .bytes = sizeof(bytes)};
	const struct vmsnd_vfu_access access = {0x10, 1, 4};
	static struct vfio_message answer;

	vmsnd_vfu_header_put(bytes, &header);
	vmsnd_vfu_access_put(bytes + 16, &access);
	vfio_harness_trace(h);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_string_equal(vfio_harness_trace(h), "");
		assert_int_equal(send(vfio_client_socket(client), bytes + i, 1, 0), 1);
		vfio_harness_pump(h);
	}
	assert_string_equal(vfio_harness_trace(h), "w1:10+4 ");
	assert_int_equal(vfio_receive(client, &answer), 0);
	assert_int_equal(answer.header.id, 5);
	vfio_client_close(client);
}

static void test_many_messages_in_one_piece_one_at_a_call(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	uint8_t bytes[3 * 16];
	static struct vfio_message answer;

	for (unsigned i = 0; i < 3; i++) {
		const struct vmsnd_vfu_header header = {
		    .id = (uint16_t)i, .command = VMSND_VFU_RESET, .bytes = 16};

		vmsnd_vfu_header_put(bytes + 16 * i, &header);
	}
	assert_int_equal(send(vfio_client_socket(client), bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_true(vfio_harness_step(h));
	assert_string_equal(vfio_harness_trace(h), "R1* ");
	assert_true(vfio_harness_step(h));
	assert_string_equal(vfio_harness_trace(h), "R1* ");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(vfio_receive(client, &answer), 0);
		assert_int_equal(answer.header.id, i);
	}
	vfio_client_close(client);
}

/* They come with the first byte of what they are sent with, whatever that is. */
static void test_descriptors_may_come_with_any_part_of_a_message(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	int event = vfio_eventfd();
	const struct vmsnd_fds fds = {.n = 1, .fd = {event}};
	const struct vmsnd_vfu_set_irqs set = {
	    .argsz = 20, .flags = VMSND_VFU_DATA_EVENTFD | VMSND_VFU_ACTION_TRIGGER, .count = 1};
	uint8_t bytes[36];
	const struct vmsnd_vfu_header header = {.command = VMSND_VFU_SET_IRQS,
						.bytes = sizeof(bytes)};
	static struct vfio_message answer;

	vmsnd_vfu_header_put(bytes, &header);
	vmsnd_vfu_set_irqs_put(bytes + 16, &set);
	assert_true(vmsnd_socket_send(vfio_client_socket(client), bytes, 20, NULL));
	vfio_harness_pump(h);
	assert_true(vmsnd_socket_send(vfio_client_socket(client), bytes + 20, 16, &fds));
	assert_int_equal(vfio_receive(client, &answer), 0);
	assert_int_equal(answer.header.flags, VMSND_VFU_REPLY);
	vfio_harness_line(h, true);
	assert_int_equal(vfio_signals(event), 1);
	vfio_client_close(client);
	close(event);
}

/* More than the kernel's own limit for what we take: all are closed. */
static void test_seventeen_descriptors_are_more_than_any_message_has(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	struct vmsnd_fds fds = {.n = 16};
	uint8_t head[16];
	const struct vmsnd_vfu_header header = {.command = VMSND_VFU_RESET, .bytes = 16};
	unsigned before = vfio_open_fds();

	for (unsigned i = 0; i < 16; i++)
		fds.fd[i] = 0;
	vmsnd_vfu_header_put(head, &header);
	assert_true(vmsnd_socket_send(vfio_client_socket(client), head, 8, &fds));
	vfio_harness_pump(h);
	fds.n = 1;
	assert_true(vmsnd_socket_send(vfio_client_socket(client), head + 8, 8, &fds));
	vfio_harness_pump(h);
	assert_non_null(strstr(h->trouble, "more descriptors than any message has"));
	vfio_client_close(client);
	assert_in_range(vfio_open_fds(), before - 4, before);
}

/* ---- who comes and goes ---- */

static void test_a_second_client_is_turned_away_and_the_next_one_served(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	struct vfio_client *second = vfio_harness_connect(h);

	assert_int_equal(vfio_hello(second), VFIO_CLOSED);
	assert_non_null(strstr(h->trouble, "a second VMM came"));
	assert_int_equal(vfio_reset(client), 0);
	vfio_client_close(second);
	vfio_client_close(client);
	client = vfio_harness_hello(h);
	assert_int_equal(vfio_reset(client), 0);
	vfio_client_close(client);
	assert_int_equal(h->connected, 2);
	assert_int_equal(h->left, 2);
}

static void test_who_says_nothing_is_no_client_and_makes_way(void **state)
{
	struct vfio_harness *h = *state;
	int silent = vmsnd_socket_connect(h->path);
	struct vfio_client *client;

	vfio_harness_pump(h);
	assert_int_equal(h->connected, 0);
	client = vfio_harness_hello(h);
	assert_int_equal(h->connected, 1);
	vfio_client_close(client);
	close(silent);
	assert_string_equal(vfio_harness_trace(h), "R2* ");
}

/* Memory is gone before the card hears of it; nothing of the client is left. */
static void test_a_client_that_leaves_takes_its_memory_and_descriptors(void **state)
{
	struct vfio_harness *h = *state;
	unsigned before = vfio_open_fds();
	int event = vfio_eventfd();
	struct vfio_client *client = vfio_harness_hello(h);
	const struct vmsnd_vfu_dma_map map = {.flags = 3, .gpa = 0x1000, .bytes = 0x1000};

	assert_int_equal(vfio_map(client, &map, vfio_client_memory_fd(client)), 0);
	assert_int_equal(h->mem.n_regions, 1);
	assert_int_equal(vfio_arm(client, 0, VMSND_VFU_ACTION_TRIGGER, event), 0);
	assert_int_equal(vfio_arm(client, 0, VMSND_VFU_ACTION_UNMASK, event), 0);
	vfio_client_close(client);
	assert_string_equal(vfio_harness_trace(h), "R2* ");
	assert_int_equal(h->mem.n_regions, 0);
	close(event);
	assert_int_equal(vfio_open_fds(), before);
}

static void test_a_client_that_leaves_in_the_middle_of_a_message(void **state)
{
	struct vfio_harness *h = *state;
	unsigned before = vfio_open_fds();
	struct vfio_client *client = vfio_harness_hello(h);
	const struct vmsnd_fds fds = {.n = 1, .fd = {0}};
	uint8_t half[24] = {0};
	const struct vmsnd_vfu_header header = {.command = VMSND_VFU_DMA_MAP, .bytes = 48};

	vmsnd_vfu_header_put(half, &header);
	assert_true(vmsnd_socket_send(vfio_client_socket(client), half, sizeof(half), &fds));
	vfio_harness_pump(h);
	vfio_client_close(client);
	assert_int_equal(h->left, 1);
	assert_int_equal(vfio_open_fds(), before);
	client = vfio_harness_hello(h);
	assert_int_equal(vfio_reset(client), 0);
	vfio_client_close(client);
}

static void test_a_thousand_clients_leave_nothing_behind(void **state)
{
	struct vfio_harness *h = *state;
	unsigned before = vfio_open_fds();

	for (unsigned i = 0; i < 1000; i++) {
		struct vfio_client *client = vfio_harness_hello(h);
		const struct vmsnd_vfu_dma_map map = {.flags = 3, .bytes = 0x100000};

		assert_int_equal(vfio_map(client, &map, vfio_client_memory_fd(client)), 0);
		vfio_client_close(client);
		vfio_harness_trace(h);
	}
	assert_int_equal(vfio_open_fds(), before);
}

static void test_closing_while_a_client_is_there(void **state)
{
	static struct vfio_harness h;
	struct vfio_client *client;
	static struct vfio_message answer;

	vfio_harness_open(&h, false);
	client = vfio_harness_hello(&h);
	vfio_harness_close(&h);
	assert_string_equal(vfio_harness_trace(&h), "R3* R2* ");
	h.n_watched = 0;
	assert_int_equal(vfio_receive(client, &answer), VFIO_CLOSED);
	vfio_client_close(client);
}

static void test_where_to_listen_has_to_be_said(void **state)
{
	static struct vfio_harness h;

	assert_int_equal(vfio_harness_listen(&h, "", -1), VMSND_E_INVALID);
	assert_non_null(strstr(h.trouble, "add socket=PATH"));
	assert_int_equal(vfio_harness_listen(&h, "socket=/tmp/x,socket-fd=3", -1), VMSND_E_INVALID);
	assert_int_equal(vfio_harness_listen(&h, "socket-fd=0", -1), VMSND_E_INVALID);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_harness, close_harness)
	const struct CMUnitTest tests[] = {
	    T(test_qemus_version_is_answered_as_qemu_needs_it),
	    T(test_the_minor_version_is_the_lower_of_both),
	    T(test_capabilities_that_are_taken),
	    T(test_each_wrong_capability_is_refused),
	    T(test_capabilities_of_a_megabyte_or_nested_deep_are_refused),
	    T(test_version_without_its_nul_is_refused),
	    T(test_another_major_version_is_refused),
	    T(test_version_comes_first_and_once),
	    T(test_version_with_descriptors_is_refused_and_they_are_closed),
	    T(test_malformed_headers_are_answered_and_the_connection_stays),
	    T(test_replies_are_never_answered),
	    T(test_a_message_longer_than_any_is_answered_and_the_client_let_go),
	    T(test_refused_without_reply_is_silent),
	    T(test_a_message_byte_by_byte),
	    T(test_many_messages_in_one_piece_one_at_a_call),
	    T(test_descriptors_may_come_with_any_part_of_a_message),
	    T(test_seventeen_descriptors_are_more_than_any_message_has),
	    T(test_a_second_client_is_turned_away_and_the_next_one_served),
	    T(test_who_says_nothing_is_no_client_and_makes_way),
	    T(test_a_client_that_leaves_takes_its_memory_and_descriptors),
	    T(test_a_client_that_leaves_in_the_middle_of_a_message),
	    T(test_a_thousand_clients_leave_nothing_behind),
	    cmocka_unit_test(test_closing_while_a_client_is_there),
	    cmocka_unit_test(test_where_to_listen_has_to_be_said),
	};

	return cmocka_run_group_tests_name("vfio-session", tests, NULL, NULL);
}
