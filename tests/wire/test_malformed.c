/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages no VMM should send (class 16 in docs/virtio-snd.md), in pieces and cut short. After each
 * the card serves the next VMM, and the log has one line at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "harness.h"
#include "script.h"

#define F_ALL (WIRE_FEATURES | VMSND_VU_F_PROTOCOL_FEATURES)
#define MIB   UINT64_C(0x100000)
#define USER  UINT64_C(0x7f19abfff000)

static int open_harness(void **state)
{
	static struct wire_harness h;

	wire_harness_open(&h);
	*state = &h;
	return 0;
}

static int close_harness(void **state)
{
	wire_harness_close(*state);
	return 0;
}

/* A whole session, so that a card that was left in a bad state would show. */
static const struct script_step session[] = {
    {VMSND_VU_GET_FEATURES, false, 0, 0},      {VMSND_VU_SET_PROTOCOL_FEATURES, true, 0, 0x1a229},
    {VMSND_VU_SET_BACKEND_REQ_FD, true, 0, 0}, {VMSND_VU_SET_FEATURES, true, 0, F_ALL},
    {VMSND_VU_GET_CONFIG, false, 0, 12},       {VMSND_VU_SET_MEM_TABLE, true, 0, 0},
    {VMSND_VU_SET_VRING_NUM, true, 1, 128},    {VMSND_VU_SET_VRING_BASE, true, 1, 0},
    {VMSND_VU_SET_VRING_ADDR, true, 1, 0},     {VMSND_VU_SET_VRING_KICK, true, 1, 0},
    {VMSND_VU_SET_VRING_CALL, true, 1, 0},     {VMSND_VU_SET_VRING_ERR, true, 1, 0},
    {VMSND_VU_SET_VRING_ENABLE, true, 1, 1},   {VMSND_VU_GET_VRING_BASE, false, 1, 0},
};
#define SESSION_STEPS (sizeof(session) / sizeof(session[0]))
static const char session_trace[] = "F130000000 S1:128@0 E1- E1+ K1 X1 ";

/* Memory is there as in script_place_10_0; nothing else. The log counts from here. */
static struct wire_frontend *ready_for_rings(struct wire_harness *h)
{
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0,
		    ((const struct script_step[]){{VMSND_VU_SET_FEATURES, true, 0, F_ALL},
						  {VMSND_VU_GET_CONFIG, false, 0, 4},
						  {VMSND_VU_SET_MEM_TABLE, true, 0, 0}}));
	wire_harness_trace(h);
	h->n_troubles = 0;
	wire_frontend_acks(front, true);
	return front;
}

static void serves_the_next(struct wire_harness *h, struct wire_frontend *front, unsigned fds)
{
	unsigned troubles = h->n_troubles;

	wire_frontend_close(front);
	assert_int_equal(h->mem.n_regions, 0);
	assert_int_equal(wire_open_fds(), fds);
	wire_harness_trace(h);
	front = wire_harness_connect(h);
	SCRIPT_PLAY(front, &script_place_10_0, session);
	assert_string_equal(wire_harness_trace(h), session_trace);
	wire_frontend_close(front);
	assert_int_equal(h->n_troubles, troubles);
	assert_int_equal(wire_open_fds(), fds);
}

/* ---- one message at a time ------------------------------------------------------------------ */

struct bad {
	const char *about;
	uint32_t request;
	uint32_t bytes;
	uint64_t words[5]; /* the payload's first */
	unsigned n_fds;
	const char *says; /* a part of the log's line */
};

#define NO_FD               UINT64_C(0x100)
#define STATE(index, value) ((uint64_t)(value) << 32 | (index))
#define AREA(queues, size)  ((uint64_t)(size) << 16 | (queues))
#define RINGS               (USER + MIB)

/* Acknowledged messages: each is answered with an error and the VMM may go on. */
static const struct bad refused[] = {
    {"index 255", VMSND_VU_SET_VRING_NUM, 8, {STATE(255, 64)}, 0, "a ring that the card"},
    {"index 4", VMSND_VU_SET_VRING_ENABLE, 8, {STATE(4, 1)}, 0, "a ring that the card"},
    {"index 2^32-1", VMSND_VU_SET_VRING_BASE, 8, {STATE(UINT32_MAX, 0)}, 0, "a ring that"},
    {"index 255", VMSND_VU_SET_VRING_KICK, 8, {255}, 1, "a ring that the card"},
    {"index 255", VMSND_VU_SET_VRING_CALL, 8, {255 | NO_FD}, 0, "a ring that the card"},
    {"index 200", VMSND_VU_SET_VRING_ADDR, 40, {200, RINGS, RINGS, RINGS}, 0, "a ring that"},
    {"num 0", VMSND_VU_SET_VRING_NUM, 8, {STATE(0, 0)}, 0, "size of 0"},
    {"num odd", VMSND_VU_SET_VRING_NUM, 8, {STATE(0, 63)}, 0, "no power of two"},
    {"num 2048", VMSND_VU_SET_VRING_NUM, 8, {STATE(0, 2048)}, 0, "above 1024"},
    {"num 65536", VMSND_VU_SET_VRING_NUM, 8, {STATE(0, 65536)}, 0, "above 1024"},
    {"base 65536", VMSND_VU_SET_VRING_BASE, 8, {STATE(0, 65536)}, 0, "above 65535"},
    {"neither on nor off", VMSND_VU_SET_VRING_ENABLE, 8, {STATE(0, 2)}, 0, "neither on nor off"},
    {"kick by polling", VMSND_VU_SET_VRING_KICK, 8, {0 | NO_FD}, 0, "polled"},
    {"kick without", VMSND_VU_SET_VRING_KICK, 8, {0}, 0, "no descriptor where"},
    {"call without", VMSND_VU_SET_VRING_CALL, 8, {0}, 0, "no descriptor where"},
    {"call with and none", VMSND_VU_SET_VRING_CALL, 8, {0 | NO_FD}, 1, "where the message says"},
    {"two calls", VMSND_VU_SET_VRING_CALL, 8, {0}, 2, "too many descriptors"},
    {"odd bits", VMSND_VU_SET_VRING_ERR, 8, {0x8000}, 1, "unknown bits"},
    {"desc misaligned", VMSND_VU_SET_VRING_ADDR, 40, {0, RINGS + 8, RINGS, RINGS}, 0, "to 16"},
    {"used misaligned", VMSND_VU_SET_VRING_ADDR, 40, {0, RINGS, RINGS + 2, RINGS}, 0, "to 4"},
    {"avail misaligned", VMSND_VU_SET_VRING_ADDR, 40, {0, RINGS, RINGS, RINGS + 1}, 0, "to 2"},
    {"ring below", VMSND_VU_SET_VRING_ADDR, 40, {0, 0x1000, RINGS, RINGS}, 0, "outside"},
    {"ring above", VMSND_VU_SET_VRING_ADDR, 40, {0, RINGS, USER + 16 * MIB, RINGS}, 0, "outside"},
    {"ring far", VMSND_VU_SET_VRING_ADDR, 40, {0, RINGS, RINGS, UINT64_MAX - 1}, 0, "outside"},
    {"too short", VMSND_VU_SET_VRING_NUM, 4, {0}, 0, "too short"},
    {"too long", VMSND_VU_SET_VRING_NUM, 16, {STATE(0, 64)}, 0, "too long"},
    {"no payload", VMSND_VU_SET_FEATURES, 0, {0}, 0, "too short"},
    {"payload", VMSND_VU_SET_OWNER, 8, {0}, 0, "too long"},
    {"a descriptor", VMSND_VU_SET_OWNER, 0, {0}, 1, "too many descriptors"},
    {"no channel", VMSND_VU_SET_BACKEND_REQ_FD, 0, {0}, 0, "no descriptor came"},
    {"protocol bits", VMSND_VU_SET_PROTOCOL_FEATURES, 8, {UINT64_C(1) << 14}, 0, "not offered"},
    {"status", VMSND_VU_SET_STATUS, 8, {256}, 0, "eight bits"},
    {"config", VMSND_VU_SET_CONFIG, 16, {STATE(0, 12), 0}, 0, "size is not the message's"},
    {"config wraps", VMSND_VU_SET_CONFIG, 16, {STATE(UINT32_MAX, 4), 0}, 0, "wraps"},
    {"region 0", VMSND_VU_ADD_MEM_REG, 40, {0, 32 * MIB, 0, 0x1000, 0}, 1, "of no size"},
    {"region wraps", VMSND_VU_ADD_MEM_REG, 40, {0, 0 - MIB, MIB, 0x1000, 0}, 1, "guest's address"},
    {"user wraps", VMSND_VU_ADD_MEM_REG, 40, {0, 32 * MIB, MIB, 0 - MIB, 0}, 1, "VMM's address"},
    {"offset", VMSND_VU_ADD_MEM_REG, 40, {0, 32 * MIB, MIB, 0x1000, INT64_MAX}, 1, "any file"},
    {"short file",
     VMSND_VU_ADD_MEM_REG,
     40,
     {0, 32 * MIB, MIB, 0x1000, 16 * MIB},
     1,
     "larger than its file"},
    {"a byte too long",
     VMSND_VU_ADD_MEM_REG,
     40,
     {0, 32 * MIB, MIB + 1, 0x1000, 15 * MIB},
     1,
     "larger than its file"},
    {"overlap", VMSND_VU_ADD_MEM_REG, 40, {0, 15 * MIB, 2 * MIB, 0x1000, 0}, 1, "for the guest"},
    {"overlap",
     VMSND_VU_ADD_MEM_REG,
     40,
     {0, 32 * MIB, MIB, USER + 15 * MIB, 0},
     1,
     "overlap in the VMM"},
    {"no descriptor",
     VMSND_VU_ADD_MEM_REG,
     40,
     {0, 32 * MIB, MIB, 0x1000, 0},
     0,
     "no descriptor came"},
    {"not there", VMSND_VU_REM_MEM_REG, 40, {0, 32 * MIB, MIB, 0x1000, 0}, 0, "not there"},
    {"nine regions", VMSND_VU_SET_MEM_TABLE, 264, {9}, 1, "more memory regions than a table"},
    {"2^32-1 regions", VMSND_VU_SET_MEM_TABLE, 40, {UINT32_MAX}, 1, "than a table can hold"},
    {"table too short", VMSND_VU_SET_MEM_TABLE, 40, {2, 0, MIB, 0, 0}, 2, "shorter than its"},
    {"fds too few", VMSND_VU_SET_MEM_TABLE, 72, {2, 0, MIB, 0, 0}, 1, "do not match"},
    {"fds too many", VMSND_VU_SET_MEM_TABLE, 40, {1, 0, MIB, 0, 0}, 2, "do not match"},
    {"no fds", VMSND_VU_SET_MEM_TABLE, 40, {1, 0, MIB, 0, 0}, 0, "share=on"},
    {"table too long", VMSND_VU_SET_MEM_TABLE, 296, {1, 0, MIB, 0, 0}, 1, "too long"},
    {"not offered", 7, 0, {0}, 0, "not offered"},
    {"no area", VMSND_VU_SET_INFLIGHT_FD, 20, {8192, 0, AREA(4, 64)}, 0, "no descriptor came"},
    {"two areas", VMSND_VU_SET_INFLIGHT_FD, 20, {8192, 0, AREA(4, 64)}, 2, "too many descr"},
    {"area too short", VMSND_VU_SET_INFLIGHT_FD, 19, {8192, 0, AREA(4, 64)}, 1, "too short"},
    {"area too long", VMSND_VU_SET_INFLIGHT_FD, 25, {8192, 0, AREA(4, 64)}, 1, "too long"},
    {"area of 0", VMSND_VU_SET_INFLIGHT_FD, 20, {0, 0, AREA(4, 64)}, 1, "of no size"},
    {"area at 3", VMSND_VU_SET_INFLIGHT_FD, 20, {8192, 3, AREA(4, 64)}, 1, "aligned to 8"},
    {"area wraps", VMSND_VU_SET_INFLIGHT_FD, 20, {0 - MIB, MIB, AREA(4, 64)}, 1, "any file"},
    {"area far", VMSND_VU_SET_INFLIGHT_FD, 20, {MIB, INT64_MAX - 7, AREA(4, 64)}, 1, "any file"},
    {"area behind", VMSND_VU_SET_INFLIGHT_FD, 20, {MIB, 16 * MIB, AREA(4, 64)}, 1, "than its file"},
    {"gitlab 3740", VMSND_VU_SET_INFLIGHT_FD, 20, {16, 0, AREA(4, 64)}, 1, "too small for its"},
    {"no queues", VMSND_VU_SET_INFLIGHT_FD, 20, {MIB, 0, AREA(0, 64)}, 1, "that cannot be"},
    {"five queues", VMSND_VU_SET_INFLIGHT_FD, 20, {MIB, 0, AREA(5, 64)}, 1, "that cannot be"},
    {"65535 queues", VMSND_VU_SET_INFLIGHT_FD, 20, {MIB, 0, AREA(65535, 64)}, 1, "that cannot be"},
    {"of size 0", VMSND_VU_SET_INFLIGHT_FD, 20, {MIB, 0, AREA(4, 0)}, 1, "that cannot be"},
    {"of size 65535", VMSND_VU_SET_INFLIGHT_FD, 20, {MIB, 0, AREA(4, 65535)}, 1, "that cannot be"},
    {"unknown", 4711, 16, {1, 2}, 0, "no such request"},
};

static enum wire_result put_bad(struct wire_frontend *front, const struct bad *bad)
{
	struct vmsnd_fds fds = {.n = bad->n_fds};
	uint8_t payload[512] = {0};

	for (unsigned i = 0; i < bad->n_fds; i++)
		fds.fd[i] = wire_frontend_memory_fd(front);
	if (bad->request == VMSND_VU_SET_VRING_KICK || bad->request == VMSND_VU_SET_VRING_CALL)
		fds.fd[0] = wire_frontend_kick_fd(front, 0);
	for (unsigned i = 0; i < 5; i++)
		vmsnd_put_le64(payload + 8 * i, bad->words[i]);
	return wire_put(front, bad->request, payload, bad->bytes, &fds);
}

static void test_class16_refused_with_an_answer(void **state)
{
	struct wire_harness *h = *state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		unsigned fds = wire_open_fds();
		struct wire_frontend *front = ready_for_rings(h);

		if (put_bad(front, &refused[i]) != WIRE_REFUSED)
			fail_msg("%s: %s", vmsnd_vu_name(refused[i].request), refused[i].about);
		if (h->n_troubles != 1 || !strstr(h->trouble, refused[i].says))
			fail_msg("%s: %u lines, %s", refused[i].about, h->n_troubles, h->trouble);
		/* A flood of it stays one line, and the VMM may go on. */
		for (unsigned k = 0; k < 10; k++)
			assert_int_equal(put_bad(front, &refused[i]), WIRE_REFUSED);
		assert_int_equal(wire_put_state(front, VMSND_VU_SET_VRING_NUM, 0, 64), WIRE_OK);
		assert_int_equal(h->n_troubles, 1);
		assert_int_equal(h->mem.n_regions, 1);
		serves_the_next(h, front, fds);
	}
}

/* Without acknowledgements the VMM is let go, but for what it may as well not have sent. */
static void test_class16_refused_without_an_answer(void **state)
{
	struct wire_harness *h = *state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		unsigned fds = wire_open_fds();
		struct wire_frontend *front = ready_for_rings(h);

		wire_frontend_acks(front, false);
		assert_in_range(put_bad(front, &refused[i]), WIRE_SILENT, WIRE_CLOSED);
		assert_int_equal(h->n_troubles, 1);
		serves_the_next(h, front, fds);
	}
}

/* Where a reply of another kind is waited for, a closed connection is the only error. */
static void test_class16_closed(void **state)
{
	static const struct bad closed[] = {
	    {"GET_VRING_BASE 255", VMSND_VU_GET_VRING_BASE, 8, {255}, 0, "a ring that the card"},
	    {"payload", VMSND_VU_GET_FEATURES, 8, {0}, 0, "too long"},
	    {"in-flight", VMSND_VU_GET_INFLIGHT_FD, 0, {0}, 0, "too short"},
	    {"device state", 42, 0, {0}, 0, "not offered"},
	};
	struct wire_harness *h = *state;

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		unsigned fds = wire_open_fds();
		struct wire_frontend *front = ready_for_rings(h);

		assert_int_equal(put_bad(front, &closed[i]), WIRE_CLOSED);
		assert_int_equal(h->n_troubles, 1);
		assert_non_null(strstr(h->trouble, closed[i].says));
		serves_the_next(h, front, fds);
	}
}

static void test_class16_bad_headers(void **state)
{
	static const struct {
		struct vmsnd_vu_header header;
		const char *says;
	} bad[] = {
	    {{VMSND_VU_GET_FEATURES, 0x0, 0}, "not version 1"},
	    {{VMSND_VU_GET_FEATURES, 0x2, 0}, "not version 1"},
	    {{VMSND_VU_GET_FEATURES, 0x5, 0}, "a reply to nothing"},
	    {{VMSND_VU_GET_FEATURES, 0x11, 0}, "unknown flags"},
	    {{VMSND_VU_SET_MEM_TABLE, 0x1, 4109}, "longer than any"},
	    {{VMSND_VU_SET_MEM_TABLE, 0x9, UINT32_MAX}, "longer than any"},
	    {{UINT32_MAX, 0x1, UINT32_MAX}, "longer than any"},
	};
	struct wire_harness *h = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned fds = wire_open_fds();
		struct wire_frontend *front = ready_for_rings(h);
		uint8_t head[VMSND_VU_HEADER_BYTES];
		struct wire_message message;

		vmsnd_put_le32(head, bad[i].header.request);
		vmsnd_put_le32(head + 4, bad[i].header.flags);
		vmsnd_put_le32(head + 8, bad[i].header.bytes);
		assert_true(
		    vmsnd_socket_send(wire_frontend_socket(front), head, sizeof(head), NULL));
		assert_int_equal(wire_receive(front, &message), WIRE_CLOSED);
		assert_int_equal(h->n_troubles, 1);
		assert_non_null(strstr(h->trouble, bad[i].says));
		serves_the_next(h, front, fds);
	}
}

/* More descriptors than a message can have: all are closed, none is kept. */
static void test_class16_too_many_descriptors(void **state)
{
	struct wire_harness *h = *state;
	unsigned before = wire_open_fds();
	struct wire_frontend *front = ready_for_rings(h);
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(20 * sizeof(int))];
	} control = {0};
	uint8_t head[VMSND_VU_HEADER_BYTES] = {VMSND_VU_SET_MEM_TABLE, 0, 0, 0, 9};
	struct iovec part = {head, sizeof(head)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct wire_message answer;

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(20 * sizeof(int));
	for (size_t i = 0; i < 20; i++) {
		int fd = wire_frontend_memory_fd(front);

		memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(wire_frontend_socket(front), &message, 0), sizeof(head));
	assert_int_equal(wire_receive(front, &answer), WIRE_CLOSED);
	assert_int_equal(h->n_troubles, 1);
	serves_the_next(h, front, before);
}

/* All eight regions through one descriptor, sent eight times. */
static void test_class16_the_same_descriptor_many_times(void **state)
{
	struct wire_harness *h = *state;
	unsigned before = wire_open_fds();
	struct wire_frontend *front = ready_for_rings(h);
	struct vmsnd_vu_region regions[8];
	int fds[8];

	for (unsigned i = 0; i < 8; i++) {
		regions[i] = (struct vmsnd_vu_region){i * MIB, MIB, USER + i * MIB, i * MIB};
		fds[i] = wire_frontend_memory_fd(front);
	}
	assert_int_equal(wire_put_table(front, regions, 8, 264, fds), WIRE_OK);
	assert_int_equal(h->mem.n_regions, 8);
	for (unsigned q = 0; q < WIRE_QUEUES; q++) /* one kick for all */
		assert_int_equal(
		    wire_put_fd(front, VMSND_VU_SET_VRING_KICK, q, wire_frontend_kick_fd(front, 0)),
		    WIRE_OK);
	regions[7].gpa = 0;
	assert_int_equal(wire_put_table(front, regions, 8, 264, fds), WIRE_REFUSED);
	assert_int_equal(h->mem.n_regions, 8);
	serves_the_next(h, front, before);
}

/* No file; or the VMM's own end of the connection, which would keep it from ever ending. */
static void test_class16_descriptors_of_the_wrong_kind(void **state)
{
	const struct vmsnd_vu_region region = {32 * MIB, MIB, 0x1000, 0};
	struct wire_harness *h = *state;
	unsigned before = wire_open_fds();
	struct wire_frontend *front = ready_for_rings(h);

	assert_int_equal(
	    wire_put_region(front, VMSND_VU_ADD_MEM_REG, &region, wire_frontend_kick_fd(front, 0)),
	    WIRE_REFUSED);
	assert_int_equal(
	    wire_put_fd(front, VMSND_VU_SET_VRING_ERR, 0, wire_frontend_memory_fd(front)),
	    WIRE_REFUSED);
	assert_int_equal(
	    wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 0, wire_frontend_socket(front)),
	    WIRE_REFUSED);
	assert_int_equal(
	    wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 0, wire_frontend_memory_fd(front)),
	    WIRE_REFUSED);
	assert_int_equal(h->n_troubles, 1);
	serves_the_next(h, front, before);
}

/* The ring's end lies outside; and a card that refuses. */
static void test_class16_ring_refused_at_kick(void **state)
{
	struct wire_harness *h = *state;
	unsigned before = wire_open_fds();
	struct wire_frontend *front = ready_for_rings(h);
	const struct vmsnd_vu_address end = {
	    .index = 0, .desc = USER + 16 * MIB - 16, .used = USER + MIB, .avail = USER + 2 * MIB};

	assert_int_equal(wire_put_address(front, &end), WIRE_OK); /* of a size not yet known */
	assert_int_equal(wire_put_state(front, VMSND_VU_SET_VRING_NUM, 0, 64), WIRE_OK);
	assert_int_equal(
	    wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 0, wire_frontend_kick_fd(front, 0)),
	    WIRE_REFUSED);
	assert_string_equal(wire_harness_trace(h), "");
	h->dev.refuse_start = true;
	SCRIPT_PLAY(front, &script_place_10_0,
		    ((const struct script_step[]){{VMSND_VU_SET_VRING_NUM, true, 1, 64},
						  {VMSND_VU_SET_VRING_ADDR, true, 1, 0}}));
	assert_int_equal(
	    wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 1, wire_frontend_kick_fd(front, 1)),
	    WIRE_REFUSED);
	assert_string_equal(wire_harness_trace(h), "S1! ");
	h->dev.refuse_start = false;
	assert_int_equal(h->n_troubles, 1);
	serves_the_next(h, front, before);
}

/* ---- in pieces ----------------------------------------------------------------------------------
 */

static void test_a_byte_at_a_time(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	uint8_t bytes[SCRIPT_MESSAGE_BYTES];
	struct wire_message message;

	for (size_t i = 0; i < SESSION_STEPS; i++) {
		struct vmsnd_fds fds;
		size_t n = script_encode(&session[i], &script_place_10_0, front, bytes, &fds);

		for (size_t k = 0; k < n; k++) {
			assert_true(vmsnd_socket_send(wire_frontend_socket(front), bytes + k, 1,
						      k == 0 ? &fds : NULL));
			wire_harness_pump(h);
		}
		assert_true(script_has_answer(&session[i]));
		assert_int_equal(wire_receive(front, &message), WIRE_OK);
	}
	assert_string_equal(wire_harness_trace(h), session_trace);
	wire_frontend_close(front);
	assert_int_equal(h->n_troubles, 0);
}

/* Several messages in one piece, each with its own descriptors. */
static void test_all_at_once(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	uint8_t bytes[SCRIPT_MESSAGE_BYTES];
	struct wire_message message;

	for (size_t i = 0; i < SESSION_STEPS; i++) {
		struct vmsnd_fds fds;
		size_t n = script_encode(&session[i], &script_place_10_0, front, bytes, &fds);

		assert_true(vmsnd_socket_send(wire_frontend_socket(front), bytes, n, &fds));
	}
	for (size_t i = 0; i < SESSION_STEPS; i++) {
		assert_int_equal(wire_receive(front, &message), WIRE_OK);
		assert_int_equal(message.header.request, session[i].request);
	}
	assert_string_equal(wire_harness_trace(h), session_trace);
	wire_frontend_close(front);
}

/* Sends `limit` bytes of the session; false when that was all of it. */
static bool send_part(struct wire_harness *h, struct wire_frontend *front, size_t limit)
{
	uint8_t bytes[SCRIPT_MESSAGE_BYTES];

	for (size_t i = 0; i < SESSION_STEPS; i++) {
		struct vmsnd_fds fds;
		size_t n = script_encode(&session[i], &script_place_10_0, front, bytes, &fds);
		size_t part = n < limit ? n : limit;

		if (part == 0)
			return true;
		assert_true(vmsnd_socket_send(wire_frontend_socket(front), bytes, part, &fds));
		wire_harness_pump(h);
		limit -= part;
	}
	return false;
}

static void test_connection_cut_at_every_byte(void **state)
{
	struct wire_harness *h = *state;
	unsigned fds = wire_open_fds();
	bool more = true;
	unsigned cut = 0, sessions = 0;

	for (; more; cut++) {
		struct wire_frontend *front = wire_harness_connect(h);

		more = send_part(h, front, cut);
		wire_frontend_close(front);
		/* It is a VMM once its first message, GET_FEATURES, was whole. */
		sessions += cut >= VMSND_VU_HEADER_BYTES;
		assert_int_equal(h->connected, sessions);
		assert_int_equal(h->left, sessions);
		assert_int_equal(h->mem.n_regions, 0);
		assert_int_equal(wire_open_fds(), fds);
	}
	assert_true(cut > SESSION_STEPS * VMSND_VU_HEADER_BYTES);
	wire_harness_trace(h);
	h->n_troubles = 0;
	serves_the_next(h, wire_harness_connect(h), fds);
}

/* A VMM that never reads its answers is let go; nobody waits for it. */
static void test_answers_nobody_reads(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = ready_for_rings(h);
	const struct vmsnd_vu_header ask = {VMSND_VU_GET_FEATURES, VMSND_VU_VERSION, 0};
	unsigned sent = 0;

	while (h->left == 0 && sent++ < 100000) {
		wire_send(front, &ask, NULL, NULL);
		wire_harness_pump(h);
	}
	assert_int_equal(h->left, 1);
	assert_int_equal(h->n_troubles, 1);
	wire_frontend_close(front);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_harness, close_harness)
	const struct CMUnitTest tests[] = {
	    T(test_class16_refused_with_an_answer),
	    T(test_class16_refused_without_an_answer),
	    T(test_class16_closed),
	    T(test_class16_bad_headers),
	    T(test_class16_too_many_descriptors),
	    T(test_class16_the_same_descriptor_many_times),
	    T(test_class16_descriptors_of_the_wrong_kind),
	    T(test_class16_ring_refused_at_kick),
	    T(test_a_byte_at_a_time),
	    T(test_all_at_once),
	    T(test_connection_cut_at_every_byte),
	    T(test_answers_nobody_reads),
	};

	return cmocka_run_group_tests_name("malformed", tests, NULL, NULL);
}
