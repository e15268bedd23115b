/* SPDX-License-Identifier: BSD-3-Clause */
/* What each VMM sends, message for message (qemu-traces.txt A, B, C; uml-trace.txt;
 * rust-peers.md 4, 5), and what the card is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "script.h"

#define BIT30 VMSND_VU_F_PROTOCOL_FEATURES
#define F_ALL (WIRE_FEATURES | BIT30)

#define GET(name)                                                                                  \
	{                                                                                          \
		VMSND_VU_GET_##name, false, 0, 0                                                   \
	}
#define SET(name, v)                                                                               \
	{                                                                                          \
		VMSND_VU_SET_##name, false, 0, v                                                   \
	}
#define SET_ACK(name, v)                                                                           \
	{                                                                                          \
		VMSND_VU_SET_##name, true, 0, v                                                    \
	}
#define RING(name, q, v)                                                                           \
	{                                                                                          \
		VMSND_VU_SET_VRING_##name, false, q, v                                             \
	}
#define RING_ACK(name, q, v)                                                                       \
	{                                                                                          \
		VMSND_VU_SET_VRING_##name, true, q, v                                              \
	}
#define BASE(q)                                                                                    \
	{                                                                                          \
		VMSND_VU_GET_VRING_BASE, false, q, 0                                               \
	}
#define CONFIG(n)                                                                                  \
	{                                                                                          \
		VMSND_VU_GET_CONFIG, false, 0, n                                                   \
	}
#define FOUR(step, name, v) step(name, 0, v), step(name, 1, v), step(name, 2, v), step(name, 3, v)
#define PAIR(step, q)       step(CALL, q, 0), step(ERR, q, 0)
#define START(kick, q, base)                                                                       \
	RING(NUM, q, 64), RING(BASE, q, base), RING(ADDR, q, 0), kick(KICK, q, 0), kick(CALL, q, 0)
#define STARTS(kick, base)                                                                         \
	START(kick, 0, base), START(kick, 1, base), START(kick, 2, base), START(kick, 3, base)
#define BASES BASE(0), BASE(1), BASE(2), BASE(3)
/* Without REPLY_ACK QEMU asks for the features to know that it was heard. */
#define FENCED(q, v) RING(ENABLE, q, v), GET(FEATURES)

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

static void leave(struct wire_harness *h, struct wire_frontend *front)
{
	wire_frontend_close(front);
	assert_string_equal(wire_harness_trace(h), "R2* ");
	assert_int_equal(h->left, 1);
	assert_int_equal(h->mem.n_regions, 0);
	assert_int_equal(h->n_troubles, 0);
}

/* Trace A: QEMU 11.1 with memory slots. */
static void test_trace_A_qemu_11_1_mem_slots(void **state)
{
	static const struct script_step realize[] = {GET(FEATURES),
						     GET(PROTOCOL_FEATURES),
						     SET(PROTOCOL_FEATURES, 0x1a229),
						     GET(QUEUE_NUM),
						     GET(MAX_MEM_SLOTS),
						     SET_ACK(BACKEND_REQ_FD, 0),
						     SET(OWNER, 0),
						     GET(FEATURES),
						     PAIR(RING_ACK, 0),
						     PAIR(RING_ACK, 1),
						     PAIR(RING_ACK, 2),
						     PAIR(RING_ACK, 3),
						     CONFIG(12),
						     CONFIG(12),
						     CONFIG(12)};
	static const struct script_step driver_ok[] = {SET(FEATURES, F_ALL),
						       GET(STATUS),
						       SET(STATUS, 8),
						       {VMSND_VU_ADD_MEM_REG, true, 0, 0},
						       {VMSND_VU_ADD_MEM_REG, true, 0, 1},
						       STARTS(RING_ACK, 0)};
	static const struct script_step enable[] = {FOUR(RING_ACK, ENABLE, 1),
						    FOUR(RING_ACK, CALL, 0), GET(STATUS)};
	static const struct script_step stop[] = {FOUR(RING_ACK, ENABLE, 0), BASES};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_11_1, realize);
	assert_string_equal(wire_harness_trace(h), "");
	SCRIPT_PLAY(front, &script_place_11_1, driver_ok);
	assert_int_equal(h->mem.n_regions, 2);
	assert_string_equal(wire_harness_trace(h),
			    "F130000000 S0:64@0 E0- S1:64@0 E1- S2:64@0 E2- S3:64@0 E3- ");
	assert_int_equal(h->ready, 0);
	assert_int_equal(SCRIPT_PLAY(front, &script_place_11_1, enable), 8);
	assert_string_equal(wire_harness_trace(h), "E0+ K0 E1+ K1 E2+ K2 E3+ K3 ");
	assert_int_equal(h->ready, 1);
	h->dev.next_avail[3] = 17;
	assert_int_equal(SCRIPT_PLAY(front, &script_place_11_1, stop), (uint64_t)17 << 32 | 3);
	assert_string_equal(wire_harness_trace(h), "E0- E1- E2- E3- X0 X1 X2 X3 ");
	leave(h, front);
	assert_int_equal(h->n_lines, 4); /* listening, connected, started, left */
}

#define REALIZE(protocol_features)                                                                 \
	GET(FEATURES), GET(PROTOCOL_FEATURES), SET(PROTOCOL_FEATURES, protocol_features),          \
	    SET(OWNER, 0), GET(FEATURES), PAIR(RING, 0), PAIR(RING, 1), PAIR(RING, 2),             \
	    PAIR(RING, 3), CONFIG(12), CONFIG(12), CONFIG(12)

/* Trace B: nothing but CONFIG, so nothing is acknowledged. */
static void test_trace_B_qemu_11_1_config_only(void **state)
{
	static const struct script_step realize[] = {REALIZE(0x200)};
	static const struct script_step start[] = {
	    SET(FEATURES, F_ALL), SET(MEM_TABLE, 0), STARTS(RING, 0), FENCED(0, 1),
	    FENCED(1, 1),         FENCED(2, 1),      FENCED(3, 1),    FOUR(RING, CALL, 0)};
	static const struct script_step stop[] = {FENCED(0, 0), FENCED(1, 0), FENCED(2, 0),
						  FENCED(3, 0), BASES};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_11_1, realize);
	SCRIPT_PLAY(front, &script_place_11_1, start);
	assert_string_equal(wire_harness_trace(h),
			    "F130000000 S0:64@0 E0- S1:64@0 E1- S2:64@0 E2- S3:64@0 E3- "
			    "E0+ K0 E1+ K1 E2+ K2 E3+ K3 ");
	SCRIPT_PLAY(front, &script_place_11_1, stop);
	assert_string_equal(wire_harness_trace(h), "E0- E1- E2- E3- X0 X1 X2 X3 ");
	leave(h, front);
}

#define C_START(b0, b1, b2, b3)                                                                    \
	SET(FEATURES, F_ALL), SET_ACK(MEM_TABLE, 0), START(RING, 0, b0), START(RING, 1, b1),       \
	    START(RING, 2, b2), START(RING, 3, b3), FOUR(RING_ACK, ENABLE, 1)

/* Trace C: QEMU 10.0, stop and cont, then the driver is unbound and comes again. */
static void test_trace_C_qemu_10_0_stop_cont_reset(void **state)
{
	static const struct script_step realize[] = {REALIZE(0x208)};
	static const struct script_step start[] = {C_START(0, 0, 0, 0), FOUR(RING, CALL, 0)};
	static const struct script_step stop[] = {FOUR(RING_ACK, ENABLE, 0), BASES};
	static const struct script_step cont[] = {C_START(5, 6, 7, 8)};
	static const struct script_step reset[] = {FOUR(RING, CALL, 0), FOUR(RING_ACK, ENABLE, 0),
						   BASES};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0, realize);
	SCRIPT_PLAY(front, &script_place_10_0, start);
	wire_harness_trace(h);
	for (uint16_t q = 0; q < WIRE_QUEUES; q++)
		h->dev.next_avail[q] = (uint16_t)(5 + q);
	assert_int_equal(SCRIPT_PLAY(front, &script_place_10_0, stop), (uint64_t)8 << 32 | 3);
	assert_string_equal(wire_harness_trace(h), "E0- E1- E2- E3- X0 X1 X2 X3 ");
	SCRIPT_PLAY(front, &script_place_10_0, cont);
	assert_string_equal(wire_harness_trace(h),
			    "S0:64@5 E0- S1:64@6 E1- S2:64@7 E2- S3:64@8 E3- "
			    "E0+ K0 E1+ K1 E2+ K2 E3+ K3 ");
	SCRIPT_PLAY(front, &script_place_10_0, reset);
	wire_harness_trace(h);
	SCRIPT_PLAY(front, &script_place_10_0, start);
	assert_string_equal(wire_harness_trace(h),
			    "S0:64@0 E0- S1:64@0 E1- S2:64@0 E2- S3:64@0 E3- "
			    "E0+ K0 E1+ K1 E2+ K2 E3+ K3 ");
	leave(h, front);
}

#define UML_RING(q)                                                                                \
	RING_ACK(CALL, q, 0), RING_ACK(NUM, q, 256), RING_ACK(BASE, q, 0), RING_ACK(ADDR, q, 0)

/* A whole session of User Mode Linux, from its own log. */
static void test_trace_uml_6_12(void **state)
{
	static const struct script_step start[] = {SET(OWNER, 0),
						   GET(FEATURES),
						   GET(PROTOCOL_FEATURES),
						   SET_ACK(PROTOCOL_FEATURES, 0x228),
						   SET_ACK(BACKEND_REQ_FD, 0),
						   SET_ACK(FEATURES, F_ALL),
						   SET_ACK(MEM_TABLE, 0),
						   UML_RING(0),
						   UML_RING(1),
						   UML_RING(2),
						   UML_RING(3)};
	static const struct script_step go[] = {RING_ACK(KICK, 0, 0),
						RING_ACK(ENABLE, 0, 1),
						RING_ACK(KICK, 1, 0),
						RING_ACK(ENABLE, 1, 1),
						RING_ACK(KICK, 2, 0),
						RING_ACK(ENABLE, 2, 1),
						RING_ACK(KICK, 3, 0),
						RING_ACK(ENABLE, 3, 1),
						CONFIG(4),
						CONFIG(8),
						CONFIG(12)};
	static const struct script_step off[] = {RING_ACK(ENABLE, 3, 0), RING_ACK(ENABLE, 2, 0),
						 RING_ACK(ENABLE, 1, 0), RING_ACK(ENABLE, 0, 0),
						 GET(FEATURES)};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_uml, start);
	assert_string_equal(wire_harness_trace(h), "F130000000 ");
	SCRIPT_PLAY(front, &script_place_uml, go);
	assert_string_equal(wire_harness_trace(h), "S0:256@0 E0- E0+ K0 S1:256@0 E1- E1+ K1 "
						   "S2:256@0 E2- E2+ K2 S3:256@0 E3- E3+ K3 ");
	assert_int_equal(SCRIPT_PLAY(front, &script_place_uml, off), F_ALL);
	assert_string_equal(wire_harness_trace(h), "E3- E2- E1- E0- ");
	leave(h, front);
}

/* libkrun: SET_OWNER late, memory before the features, no ring without its own call. */
static void test_libkrun_order(void **state)
{
	static const struct script_step all[] = {GET(FEATURES),
						 GET(PROTOCOL_FEATURES),
						 SET(PROTOCOL_FEATURES, 0x201),
						 GET(QUEUE_NUM),
						 CONFIG(4),
						 SET(OWNER, 0),
						 SET(MEM_TABLE, 0),
						 SET(FEATURES, F_ALL),
						 STARTS(RING, 0),
						 FOUR(RING, ENABLE, 1),
						 CONFIG(8)};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0, all);
	assert_string_equal(wire_harness_trace(h),
			    "F130000000 S0:64@0 E0- S1:64@0 E1- S2:64@0 E2- S3:64@0 E3- "
			    "E0+ K0 E1+ K1 E2+ K2 E3+ K3 ");
	leave(h, front);
}

/* Cloud Hypervisor: descriptors before base and kick, everything acknowledged. */
static void test_cloud_hypervisor_order(void **state)
{
#define CH_RING(q)                                                                                 \
	RING_ACK(NUM, q, 64), RING_ACK(ADDR, q, 0), RING_ACK(BASE, q, 0), RING_ACK(CALL, q, 0),    \
	    RING_ACK(KICK, q, 0)
	static const struct script_step all[] = {SET(OWNER, 0),
						 GET(FEATURES),
						 GET(PROTOCOL_FEATURES),
						 SET(PROTOCOL_FEATURES, 0x8229),
						 GET(QUEUE_NUM),
						 CONFIG(12),
						 SET_ACK(FEATURES, F_ALL),
						 GET(MAX_MEM_SLOTS),
						 {VMSND_VU_ADD_MEM_REG, true, 0, 0},
						 {VMSND_VU_ADD_MEM_REG, true, 0, 1},
						 CH_RING(0),
						 CH_RING(1),
						 CH_RING(2),
						 CH_RING(3),
						 FOUR(RING_ACK, ENABLE, 1)};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_11_1, all);
	assert_string_equal(wire_harness_trace(h),
			    "F130000000 S0:64@0 E0- S1:64@0 E1- S2:64@0 E2- S3:64@0 E3- "
			    "E0+ K0 E1+ K1 E2+ K2 E3+ K3 ");
	leave(h, front);
}

/* Settings come in any order; the ring starts with the last of them. */
static void test_memory_last_starts_the_ring(void **state)
{
	static const struct script_step most[] = {RING_ACK(KICK, 2, 0), RING_ACK(ENABLE, 2, 1),
						  RING_ACK(ADDR, 2, 0), RING_ACK(NUM, 2, 1024)};
	static const struct script_step memory[] = {SET_ACK(MEM_TABLE, 0)};
	static const struct script_step features[] = {SET_ACK(FEATURES, F_ALL)};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0, most);
	SCRIPT_PLAY(front, &script_place_10_0, memory);
	assert_string_equal(wire_harness_trace(h), "");
	SCRIPT_PLAY(front, &script_place_10_0, features);
	assert_string_equal(wire_harness_trace(h), "F130000000 S2:1024@0 K2 ");
	leave(h, front);
}

/* Without bit 30 a ring begins enabled. */
static void test_without_bit_30_rings_are_enabled(void **state)
{
	static const struct script_step all[] = {SET(FEATURES, WIRE_FEATURES), SET(MEM_TABLE, 0),
						 START(RING, 1, 0)};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0, all);
	assert_string_equal(wire_harness_trace(h), "F130000000 S1:64@0 K1 ");
	leave(h, front);
}

/* A reset through STATUS or RESET_DEVICE; the features are the card's again afterwards. */
static void test_status_and_reset_device(void **state)
{
	static const struct script_step start[] = {C_START(0, 0, 0, 0)};
	static const struct script_step status[] = {SET_ACK(STATUS, 15), GET(STATUS)};
	static const struct script_step zero[] = {SET_ACK(STATUS, 0), GET(STATUS)};
	static const struct script_step reset[] = {{VMSND_VU_RESET_DEVICE, true, 0, 0}};
	static const struct script_step one[] = {START(RING_ACK, 0, 0), RING_ACK(ENABLE, 0, 1)};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0, start);
	assert_int_equal(SCRIPT_PLAY(front, &script_place_10_0, status), 15);
	wire_harness_trace(h);
	assert_int_equal(SCRIPT_PLAY(front, &script_place_10_0, zero), 0);
	assert_string_equal(wire_harness_trace(h), "R1 ");
	SCRIPT_PLAY(front, &script_place_10_0, one);
	assert_string_equal(wire_harness_trace(h), "F130000000 S0:64@0 E0- E0+ K0 ");
	SCRIPT_PLAY(front, &script_place_10_0, reset);
	assert_string_equal(wire_harness_trace(h), "R1 ");
	leave(h, front);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_harness, close_harness)
	const struct CMUnitTest tests[] = {
	    T(test_trace_A_qemu_11_1_mem_slots),
	    T(test_trace_B_qemu_11_1_config_only),
	    T(test_trace_C_qemu_10_0_stop_cont_reset),
	    T(test_trace_uml_6_12),
	    T(test_libkrun_order),
	    T(test_cloud_hypervisor_order),
	    T(test_memory_last_starts_the_ring),
	    T(test_without_bit_30_rings_are_enabled),
	    T(test_status_and_reset_device),
	};

	return cmocka_run_group_tests_name("vmms", tests, NULL, NULL);
}
