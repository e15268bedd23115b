/* SPDX-License-Identifier: BSD-3-Clause */
/* One VMM from its coming to its leaving, and the next: memory, descriptors, sockets. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"
#include "os/guard.h"
#include "script.h"

#define F_ALL (WIRE_FEATURES | VMSND_VU_F_PROTOCOL_FEATURES)
#define MIB   UINT64_C(0x100000)

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

/* Ring `q` up and enabled in the memory of script_place_10_0. */
static void start_ring(struct wire_frontend *front, uint32_t q)
{
	const struct script_step steps[] = {
	    {VMSND_VU_SET_VRING_NUM, true, q, 64}, {VMSND_VU_SET_VRING_BASE, true, q, 0},
	    {VMSND_VU_SET_VRING_ADDR, true, q, 0}, {VMSND_VU_SET_VRING_KICK, true, q, 0},
	    {VMSND_VU_SET_VRING_CALL, true, q, 0}, {VMSND_VU_SET_VRING_ENABLE, true, q, 1}};

	SCRIPT_PLAY(front, &script_place_10_0, steps);
}

static struct wire_frontend *running(struct wire_harness *h)
{
	static const struct script_step steps[] = {{VMSND_VU_SET_FEATURES, true, 0, F_ALL},
						   {VMSND_VU_SET_MEM_TABLE, true, 0, 0}};
	struct wire_frontend *front = wire_harness_connect(h);

	wire_frontend_acks(front, true);
	SCRIPT_PLAY(front, &script_place_10_0, steps);
	start_ring(front, 2);
	assert_string_equal(wire_harness_trace(h), "F130000000 S2:64@0 E2- E2+ K2 ");
	return front;
}

static uint64_t count_of(int fd)
{
	eventfd_t count = 0;

	eventfd_read(fd, &count);
	return count;
}

static void kick(struct wire_harness *h, int fd)
{
	assert_int_equal(eventfd_write(fd, 1), 0);
	wire_harness_pump(h);
}

static void test_kick_reaches_the_card_only_while_enabled(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);

	kick(h, wire_frontend_kick_fd(front, 2));
	assert_string_equal(wire_harness_trace(h), "K2 ");
	wire_put_state(front, VMSND_VU_SET_VRING_ENABLE, 2, 0);
	assert_string_equal(wire_harness_trace(h), "E2- ");
	kick(h, wire_frontend_kick_fd(front, 2));
	assert_string_equal(wire_harness_trace(h), "");
	wire_put_state(front, VMSND_VU_SET_VRING_ENABLE, 2, 1);
	assert_string_equal(wire_harness_trace(h), "E2+ K2 ");
	wire_frontend_close(front);
}

static void test_kick_replaced_while_running(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	int other = eventfd(0, EFD_CLOEXEC); /* blocking, as UML's is */

	/* Lost with the old one, were the ring not looked at once more. */
	eventfd_write(wire_frontend_kick_fd(front, 2), 1);
	assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 2, other), WIRE_OK);
	assert_non_null(strstr(wire_harness_trace(h), "K2 "));
	kick(h, other);
	assert_string_equal(wire_harness_trace(h), "K2 ");
	kick(h, wire_frontend_kick_fd(front, 2));
	assert_string_equal(wire_harness_trace(h), "");
	assert_false(fcntl(other, F_GETFL) & O_NONBLOCK); /* the VMM's flags are left alone */
	close(other);
	wire_frontend_close(front);
}

static void test_call_replaced_while_running(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	int other = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	vmsnd_vhost_user_class.notify(h->bus, 2);
	assert_int_equal(count_of(wire_frontend_call_fd(front, 2)), 2); /* one at SET_VRING_CALL */
	wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 2, other);
	assert_int_equal(count_of(other), 1);
	vmsnd_vhost_user_class.notify(h->bus, 2);
	assert_int_equal(count_of(other), 1);
	assert_int_equal(count_of(wire_frontend_call_fd(front, 2)), 0);
	assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 0x102, -1), WIRE_OK);
	vmsnd_vhost_user_class.notify(h->bus, 2);
	vmsnd_vhost_user_class.notify(h->bus, 99);
	assert_int_equal(count_of(other), 0);
	close(other);
	wire_frontend_close(front);
}

/* A counter at its limit would block a write for ever. */
static void test_call_never_blocks(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	int other = eventfd(0, EFD_CLOEXEC);

	eventfd_write(other, UINT64_MAX - 1);
	wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 2, other);
	vmsnd_vhost_user_class.notify(h->bus, 2);
	assert_true(count_of(other) >= UINT64_MAX - 1);
	close(other);
	wire_frontend_close(front);
}

/* UML's call: a non-blocking pipe that takes 8 bytes at a time, until UML is killed. */
static void test_call_through_a_pipe(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	uint8_t bytes[64];
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 2, ends[1]);
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), 8);
	vmsnd_vhost_user_class.notify(h->bus, 2);
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), 8);
	for (unsigned i = 0; i < 20000; i++)
		vmsnd_vhost_user_class.notify(h->bus, 2); /* a full pipe is no error */
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	vmsnd_vhost_user_class.notify(h->bus, 2); /* would end the test by SIGPIPE */
	vmsnd_vhost_user_class.notify(h->bus, 2);
	assert_int_equal(h->left, 0);
	wire_frontend_close(front);
}

/* UML 6.12 makes its call one half of an unnamed pair of sockets. */
static void test_call_through_a_socket_pair(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	uint8_t bytes[64];
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 2, ends[1]), WIRE_OK);
	vmsnd_vhost_user_class.notify(h->bus, 2);
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), 16);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	vmsnd_vhost_user_class.notify(h->bus, 2); /* would end the test by SIGPIPE */
	assert_int_equal(h->left, 0);
	wire_frontend_close(front);
}

/* The kick of a VMM that died is a pipe without writer: readable for ever, if watched. */
static void test_kick_pipe_closed_is_not_looked_at_for_ever(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	uint64_t one = 1;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 2, ends[0]);
	wire_harness_trace(h);
	assert_int_equal(write(ends[1], &one, sizeof(one)), sizeof(one));
	wire_harness_pump(h);
	assert_string_equal(wire_harness_trace(h), "K2 ");
	close(ends[1]);
	close(ends[0]);
	wire_harness_pump(h); /* gives up after 10000 rounds */
	wire_frontend_close(front);
}

/* ---- memory while running ---------------------------------------------------------------- */

static const struct vmsnd_vu_region whole = {0, 16 * MIB, UINT64_C(0x7f19abfff000), 0};

static void test_mem_table_again_leaves_running_rings_alone(void **state)
{
	/* A new first region; where the rings lie stays. */
	const struct vmsnd_vu_region two[] = {{0, MIB / 2, UINT64_C(0x7f19abfff000), 0},
					      {MIB, 15 * MIB, UINT64_C(0x7f19ac0ff000), MIB}};
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	const int fds[] = {wire_frontend_memory_fd(front), wire_frontend_memory_fd(front)};

	assert_int_equal(wire_put_table(front, two, 2, 72, fds), WIRE_OK);
	assert_string_equal(wire_harness_trace(h), "");
	assert_int_equal(h->mem.n_regions, 2);
	kick(h, wire_frontend_kick_fd(front, 2));
	assert_string_equal(wire_harness_trace(h), "K2 ");
	wire_frontend_close(front);
}

static void test_mem_table_moves_a_running_ring(void **state)
{
	struct vmsnd_vu_region moved = whole;
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	int fd = wire_frontend_memory_fd(front);

	h->dev.next_avail[2] = 9;
	moved.gpa = UINT64_C(0x100000000);
	assert_int_equal(wire_put_table(front, &moved, 1, 40, &fd), WIRE_OK);
	assert_string_equal(wire_harness_trace(h), "X2 S2:64@9 K2 ");
	wire_frontend_close(front);
}

static void test_region_removed_suspends_and_added_resumes(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);

	h->dev.next_avail[2] = 3;
	assert_int_equal(wire_put_region(front, VMSND_VU_REM_MEM_REG, &whole, -1), WIRE_OK);
	assert_string_equal(wire_harness_trace(h), "X2 ");
	assert_int_equal(h->mem.n_regions, 0);
	assert_int_equal(wire_put_region(front, VMSND_VU_REM_MEM_REG, &whole, -1), WIRE_REFUSED);
	assert_int_equal(
	    wire_put_region(front, VMSND_VU_ADD_MEM_REG, &whole, wire_frontend_memory_fd(front)),
	    WIRE_OK);
	assert_string_equal(wire_harness_trace(h), "S2:64@3 K2 ");
	wire_frontend_close(front);
}

/* What the card reads is what the guest wrote, whatever the offset. */
static void test_memory_is_the_guests(void **state)
{
	const struct vmsnd_vu_region odd = {
	    .gpa = 7 * MIB, .bytes = 0x2345, .user = MIB, .offset = 0x1234};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	char seen[6] = "";
	uint64_t bytes;
	uint8_t *memory = wire_frontend_memory(front, &bytes);

	wire_frontend_acks(front, true);
	memcpy(memory + 0x1234 + 100, "sound", 6);
	assert_int_equal(
	    wire_put_region(front, VMSND_VU_ADD_MEM_REG, &odd, wire_frontend_memory_fd(front)),
	    WIRE_OK);
	assert_int_equal(vmsnd_gmem_read(&h->mem, 7 * MIB + 100, seen, 6), VMSND_OK);
	assert_string_equal(seen, "sound");
	assert_int_equal(vmsnd_gmem_write(&h->mem, 7 * MIB + 0x2344, "!", 1), VMSND_OK);
	assert_int_equal(memory[0x1234 + 0x2344], '!');
	wire_frontend_close(front);
}

/* Class 17: 509 slots, as QEMU can plug, and not one more. */
static void test_class17_509_slots(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	uint64_t slots = 0;

	wire_frontend_acks(front, true);
	assert_int_equal(wire_get_u64(front, VMSND_VU_GET_MAX_MEM_SLOTS, &slots), WIRE_OK);
	assert_int_equal(slots, 509);
	for (uint64_t i = 0; i <= 509; i++) {
		struct vmsnd_vu_region region = {i * 0x2000, 0x1000, MIB + i * 0x2000, i * 0x1000};

		assert_int_equal(wire_put_region(front, VMSND_VU_ADD_MEM_REG, &region,
						 wire_frontend_memory_fd(front)),
				 i < 509 ? WIRE_OK : WIRE_REFUSED);
	}
	assert_int_equal(h->mem.n_regions, 509);
	wire_frontend_close(front);
	assert_int_equal(h->mem.n_regions, 0);
}

/* ---- peers ---------------------------------------------------------------------------------- */

static void test_unshared_memory_is_said_once(void **state)
{
	static const struct script_step steps[] = {
	    {VMSND_VU_SET_FEATURES, true, 0, F_ALL}, {VMSND_VU_SET_VRING_NUM, true, 0, 64},
	    {VMSND_VU_SET_VRING_BASE, true, 0, 0},   {VMSND_VU_SET_VRING_ADDR, true, 0, 0},
	    {VMSND_VU_SET_VRING_KICK, true, 0, 0},   {VMSND_VU_SET_VRING_ENABLE, true, 0, 1},
	    {VMSND_VU_SET_VRING_ENABLE, true, 0, 0}, {VMSND_VU_GET_VRING_BASE, false, 0, 0}};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0, steps);
	assert_int_equal(h->n_troubles, 1);
	assert_non_null(strstr(h->trouble, "without a shareable descriptor"));
	assert_non_null(strstr(h->trouble, "memory-backend-memfd,id=mem,size=...,share=on"));
	assert_non_null(strstr(h->trouble, "shared=on"));
	wire_frontend_close(front);
	assert_int_equal(h->n_troubles, 1);
}

/* QEMU 11.1 says nothing after SET_STATUS; the guest's driver then reads the configuration. */
static void test_unshared_memory_11_1(void **state)
{
	static const struct script_step steps[] = {{VMSND_VU_SET_FEATURES, false, 0, F_ALL},
						   {VMSND_VU_GET_STATUS, false, 0, 0},
						   {VMSND_VU_SET_STATUS, false, 0, 8},
						   {VMSND_VU_GET_CONFIG, false, 0, 12}};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	SCRIPT_PLAY(front, &script_place_10_0, steps);
	assert_int_equal(h->n_troubles, 1);
	assert_non_null(strstr(h->trouble, "share=on"));
	wire_frontend_close(front);
	assert_int_equal(h->n_troubles, 1);
}

static void test_second_vmm_is_turned_away(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	char byte;

	for (unsigned i = 0; i < 3; i++) {
		int second = vmsnd_socket_connect(h->path);

		assert_true(second >= 0);
		wire_harness_pump(h);
		assert_int_equal(recv(second, &byte, 1, 0), 0);
		close(second);
	}
	assert_int_equal(h->n_troubles, 1);
	kick(h, wire_frontend_kick_fd(front, 2));
	assert_string_equal(wire_harness_trace(h), "K2 ");
	wire_frontend_close(front);
}

/* Another vmsnd looks so whether a socket is served, and so does a health check. */
static void test_a_peer_that_says_nothing_is_no_session(void **state)
{
	struct wire_harness *h = *state;
	unsigned lines = h->n_lines;

	for (uint32_t bytes = 0; bytes < 12; bytes += 11) {
		int silent = vmsnd_socket_connect(h->path);

		assert_true(silent >= 0);
		assert_int_equal(send(silent, "\1\0\0\0\1\0\0\0\0\0\0", bytes, 0), bytes);
		wire_harness_pump(h);
		close(silent);
		wire_harness_pump(h);
	}
	assert_int_equal(h->connected, 0);
	assert_int_equal(h->left, 0);
	assert_int_equal(h->n_lines, lines);
}

static void test_a_peer_that_says_nothing_keeps_nobody_out(void **state)
{
	struct wire_harness *h = *state;
	int silent = vmsnd_socket_connect(h->path);
	struct wire_frontend *front;
	char byte;

	wire_harness_pump(h);
	front = running(h);
	assert_int_equal(recv(silent, &byte, 1, 0), 0);
	close(silent);
	assert_int_equal(h->connected, 1);
	assert_int_equal(h->n_troubles, 0);
	wire_frontend_close(front);
	assert_int_equal(h->left, 1);
}

/* Its message waits unread when the other one knocks. */
static void test_a_peer_whose_message_waits_is_served(void **state)
{
	static const struct vmsnd_vu_header ask = {VMSND_VU_GET_FEATURES, VMSND_VU_VERSION, 0};
	struct wire_harness *h = *state;
	int first = vmsnd_socket_connect(h->path), second;
	uint8_t reply[20];

	wire_harness_pump(h);
	second = vmsnd_socket_connect(h->path);
	assert_int_equal(send(first, &ask, sizeof(ask), 0), sizeof(ask));
	vmsnd_vhost_user_class.ready(h->bus, 0, 0); /* the listener's tag */
	assert_int_equal(recv(first, reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(recv(second, reply, 1, 0), 0);
	close(second);
	close(first);
	wire_harness_pump(h);
	assert_int_equal(h->left, 1);
}

static void test_next_vmm_finds_a_fresh_card(void **state)
{
	struct wire_harness *h = *state;
	unsigned fds = wire_open_fds();

	for (unsigned i = 1; i <= 3; i++) {
		struct wire_frontend *front = running(h);

		wire_put_u64(front, VMSND_VU_SET_STATUS, 15);
		wire_frontend_close(front);
		assert_string_equal(wire_harness_trace(h), "R2* ");
		assert_int_equal(h->left, i);
		assert_int_equal(h->connected, i);
		assert_int_equal(h->ready, i);
		assert_int_equal(wire_open_fds(), fds);
	}
}

static void test_closing_answers_what_is_pending(void **state)
{
	struct wire_harness h;
	struct wire_frontend *front;

	(void)state;
	wire_harness_open(&h);
	front = running(&h);
	wire_harness_close(&h);
	assert_string_equal(wire_harness_trace(&h), "R3 R2* "); /* shut down, then peer lost */
	assert_int_equal(wire_put_u64(front, VMSND_VU_SET_STATUS, 1), WIRE_CLOSED);
	/* The front end's pump must not touch what is gone. */
	h.n_watched = 0;
	wire_frontend_close(front);
}

/* UML's driver leaves with ENABLE(0) alone; the next one sets the rings up anew. */
static void test_uml_base_of_a_disabled_ring_stops_it(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);

	assert_int_equal(wire_put_state(front, VMSND_VU_SET_VRING_BASE, 2, 0), WIRE_REFUSED);
	assert_string_equal(wire_harness_trace(h), "");
	wire_put_state(front, VMSND_VU_SET_VRING_ENABLE, 2, 0);
	assert_int_equal(wire_put_state(front, VMSND_VU_SET_VRING_BASE, 2, 0), WIRE_OK);
	assert_string_equal(wire_harness_trace(h), "E2- X2 ");
	assert_int_equal(
	    wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 2, wire_frontend_kick_fd(front, 2)),
	    WIRE_OK);
	wire_put_state(front, VMSND_VU_SET_VRING_ENABLE, 2, 1);
	assert_string_equal(wire_harness_trace(h), "S2:64@0 E2- E2+ K2 ");
	wire_frontend_close(front);
}

/* QEMU 10 with share=off: a descriptor comes, but nothing that the guest writes is ever in it. */
static void test_private_memory_is_said_once(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);

	assert_int_equal(h->n_troubles, 0);
	for (unsigned i = 0; i < 3; i++)
		kick(h, wire_frontend_kick_fd(front, 2));
	assert_int_equal(h->n_troubles, 1);
	assert_non_null(strstr(h->trouble, "private copy"));
	assert_non_null(strstr(h->trouble, "share=on"));
	wire_frontend_close(front);
}

/* An idle kick is no sign of it where a boot has left its traces. */
static void test_memory_with_traces_of_a_boot_is_not_doubted(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);
	uint64_t bytes;
	uint8_t *memory = wire_frontend_memory(front, &bytes);

	memory[0x410] = 1;
	kick(h, wire_frontend_kick_fd(front, 2));
	assert_int_equal(h->n_troubles, 0);
	wire_frontend_close(front);
}

/* Every access to what was mapped would raise SIGBUS now. */
static void test_a_vmm_that_shortens_its_memory_hurts_only_itself(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = running(h);

	assert_true(vmsnd_guard_install());
	assert_int_equal(ftruncate(wire_frontend_memory_fd(front), 0), 0);
	kick(h, wire_frontend_kick_fd(front, 2));
	assert_string_equal(wire_harness_trace(h), "K2 R2* ");
	assert_int_equal(h->left, 1);
	assert_non_null(strstr(h->trouble, "memory was taken away"));
	wire_frontend_close(front);
	front = running(h);
	kick(h, wire_frontend_kick_fd(front, 2));
	assert_string_equal(wire_harness_trace(h), "K2 ");
	wire_frontend_close(front);
	signal(SIGBUS, SIG_DFL);
}

static void test_every_config_range(void **state)
{
	static const uint8_t config[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	for (uint32_t offset = 0; offset <= 300; offset += offset < 20 ? 1 : 7)
		for (uint32_t bytes = 0; bytes <= 256; bytes += bytes < 20 ? 1 : 59) {
			uint8_t seen[256];

			assert_int_equal(wire_get_config(front, offset, seen, bytes), WIRE_OK);
			for (uint32_t i = 0; i < bytes; i++)
				assert_int_equal(seen[i], offset + i < 12 ? config[offset + i] : 0);
		}
	assert_int_equal(h->n_troubles, 0);
	wire_frontend_close(front);
}

/* The protocol's error is an answer without payload; the next range is answered again. */
static void test_config_range_too_long(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	uint8_t seen[4096];

	assert_int_equal(wire_get_config(front, 0, seen, 257), WIRE_REFUSED);
	assert_int_equal(wire_get_config(front, 0, seen, 4096), WIRE_REFUSED);
	assert_int_equal(wire_get_config(front, UINT32_MAX, seen, 4), WIRE_REFUSED);
	assert_int_equal(wire_get_config(front, 0, seen, 256), WIRE_OK);
	assert_int_equal(h->n_troubles, 1);
	wire_frontend_close(front);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_harness, close_harness)
	const struct CMUnitTest tests[] = {
	    T(test_kick_reaches_the_card_only_while_enabled),
	    T(test_kick_replaced_while_running),
	    T(test_call_replaced_while_running),
	    T(test_call_never_blocks),
	    T(test_call_through_a_pipe),
	    T(test_call_through_a_socket_pair),
	    T(test_kick_pipe_closed_is_not_looked_at_for_ever),
	    T(test_mem_table_again_leaves_running_rings_alone),
	    T(test_mem_table_moves_a_running_ring),
	    T(test_region_removed_suspends_and_added_resumes),
	    T(test_memory_is_the_guests),
	    T(test_class17_509_slots),
	    T(test_unshared_memory_is_said_once),
	    T(test_unshared_memory_11_1),
	    T(test_private_memory_is_said_once),
	    T(test_memory_with_traces_of_a_boot_is_not_doubted),
	    T(test_a_vmm_that_shortens_its_memory_hurts_only_itself),
	    T(test_uml_base_of_a_disabled_ring_stops_it),
	    T(test_second_vmm_is_turned_away),
	    T(test_a_peer_that_says_nothing_is_no_session),
	    T(test_a_peer_that_says_nothing_keeps_nobody_out),
	    T(test_a_peer_whose_message_waits_is_served),
	    T(test_next_vmm_finds_a_fresh_card),
	    cmocka_unit_test(test_closing_answers_what_is_pending),
	    T(test_every_config_range),
	    T(test_config_range_too_long),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
