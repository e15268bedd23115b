/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages about the in-flight area, and what the back end tells the VMM by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "os/guard.h"
#include "script.h"

#define F_ALL (WIRE_FEATURES | VMSND_VU_F_PROTOCOL_FEATURES)
#define MIB   UINT64_C(0x100000)

static struct wire_harness harness;
static struct wire_frontend *front;
static unsigned fds_before;

static int set_up(void **state)
{
	wire_harness_open(&harness);
	fds_before = wire_open_fds();
	front = wire_harness_connect(&harness);
	SCRIPT_PLAY(front, &script_place_10_0,
		    ((const struct script_step[]){
			{VMSND_VU_GET_FEATURES, false, 0, 0},
			{VMSND_VU_SET_PROTOCOL_FEATURES, true, 0, 0x1b229},
			{VMSND_VU_SET_FEATURES, true, 0, F_ALL},
			{VMSND_VU_SET_MEM_TABLE, true, 0, 0},
		    }));
	wire_harness_trace(&harness);
	harness.n_troubles = 0;
	wire_frontend_acks(front, true);
	return 0;
}

static int tear_down(void **state)
{
	wire_frontend_close(front);
	assert_int_equal(wire_open_fds(), fds_before);
	wire_harness_close(&harness);
	return 0;
}

static void start_ring(void)
{
	SCRIPT_PLAY(front, &script_place_10_0,
		    ((const struct script_step[]){{VMSND_VU_SET_VRING_NUM, true, 0, 64},
						  {VMSND_VU_SET_VRING_BASE, true, 0, 0},
						  {VMSND_VU_SET_VRING_ADDR, true, 0, 0},
						  {VMSND_VU_SET_VRING_KICK, true, 0, 0},
						  {VMSND_VU_SET_VRING_ENABLE, true, 0, 1}}));
}

static int get_area(struct vmsnd_vu_inflight *area)
{
	int fd;

	*area = (struct vmsnd_vu_inflight){.n_queues = WIRE_QUEUES, .queue_size = 64};
	assert_int_equal(wire_get_inflight(front, area, &fd), WIRE_OK);
	assert_true(fd >= 0);
	return fd;
}

/* ---- the area --------------------------------------------------------------------------- */

static void test_a_new_area_is_sealed_and_zero(void **state)
{
	struct vmsnd_vu_inflight area;
	int fd = get_area(&area);
	uint8_t bytes[4096];

	assert_int_equal(area.bytes, 4096);
	assert_int_equal(area.offset, 0);
	assert_int_equal(area.n_queues, WIRE_QUEUES);
	assert_int_equal(area.queue_size, 64);
	assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(read(fd, bytes, 1), 0);
	assert_string_equal(wire_harness_trace(&harness), "");
	close(fd);
}

/* CVE-2026-63110: every number is checked before anything is made of it. */
static void test_class16_an_area_that_cannot_be(void **state)
{
	static const struct vmsnd_vu_inflight odd[] = {
	    {0, 0, 0, 64},
	    {0, 0, WIRE_QUEUES + 1, 64},
	    {0, 0, UINT16_MAX, 64},
	    {0, 0, WIRE_QUEUES, 0},
	    {0, 0, WIRE_QUEUES, VMSND_QUEUE_SIZE_MAX + 1},
	    {0, 0, WIRE_QUEUES, UINT16_MAX},
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct vmsnd_vu_inflight area = odd[i];
		int fd;

		assert_int_equal(wire_get_inflight(front, &area, &fd), WIRE_OK);
		assert_int_equal(area.bytes, 0);
		assert_int_equal(fd, -1);
	}
	assert_int_equal(harness.n_troubles, 1);
}

/* It is the card's from then on, and whoever comes next finds what was written. */
static void test_an_area_is_given_back(void **state)
{
	struct vmsnd_vu_inflight area;
	int fd = get_area(&area);

	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_OK);
	assert_string_equal(wire_harness_trace(&harness), "I4:64=0 ");
	/* In place of the one before. */
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_OK);
	assert_string_equal(wire_harness_trace(&harness), "I- I4:64=1 ");
	wire_frontend_close(front);
	assert_string_equal(wire_harness_trace(&harness), "R2* ");
	front = wire_harness_connect(&harness);
	wire_frontend_acks(front, true);
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_OK);
	assert_string_equal(wire_harness_trace(&harness), "I4:64=2 ");
	assert_int_equal(harness.n_troubles, 0);
	close(fd);
}

static void test_an_area_somewhere_in_a_file(void **state)
{
	struct vmsnd_vu_inflight area = {4096, 3 * 4096 + 8, WIRE_QUEUES, 64};
	int fd = memfd_create("area", MFD_CLOEXEC);
	const uint16_t word = 77;

	assert_int_equal(ftruncate(fd, 65536), 0);
	assert_int_equal(pwrite(fd, &word, sizeof(word), 3 * 4096 + 8), sizeof(word));
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_OK);
	assert_string_equal(wire_harness_trace(&harness), "I4:64=77 ");
	close(fd);
}

static void test_a_damaged_area_is_used_all_the_same(void **state)
{
	struct vmsnd_vu_inflight area;
	int fd = get_area(&area);

	harness.dev.inflight_rc = VMSND_E_DAMAGED;
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_OK);
	assert_int_equal(harness.n_troubles, 1);
	start_ring();
	assert_string_equal(wire_harness_trace(&harness), "I4:64=0 S0:64@0 E0- E0+ K0 ");
	close(fd);
}

static void test_class16_refused_areas(void **state)
{
	struct vmsnd_vu_inflight area;
	int fd = get_area(&area), pipes[2], device = open("/dev/zero", O_RDWR | O_CLOEXEC);

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(wire_put_inflight(front, &area, pipes[1]), WIRE_REFUSED);
	assert_int_equal(wire_put_inflight(front, &area, device), WIRE_REFUSED);
	area.bytes = 8192; /* more than the file has */
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_REFUSED);
	area.bytes = 4095; /* less than the queues need */
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_REFUSED);
	assert_string_equal(wire_harness_trace(&harness), "");
	area.bytes = 4096;
	harness.dev.inflight_rc = VMSND_E_INVALID; /* the card itself does not want it */
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_REFUSED);
	wire_harness_trace(&harness);
	harness.dev.inflight_rc = VMSND_OK;
	start_ring();
	wire_harness_trace(&harness);
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_REFUSED);
	assert_string_equal(wire_harness_trace(&harness), "");
	assert_int_equal(harness.n_troubles, 1);
	close(pipes[0]);
	close(pipes[1]);
	close(device);
	close(fd);
}

/* Not sealed, and shortened under us. */
static void test_class16_an_area_that_is_taken_away(void **state)
{
	struct vmsnd_vu_inflight area = {4096, 0, WIRE_QUEUES, 64};
	int fd = memfd_create("area", MFD_CLOEXEC);

	assert_true(vmsnd_guard_install());
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(wire_put_inflight(front, &area, fd), WIRE_OK);
	start_ring();
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(write(wire_frontend_kick_fd(front, 0), &(uint64_t){1}, 8), 8);
	wire_frontend_pump(front);
	assert_int_equal(harness.left, 1);
	assert_non_null(strstr(harness.line, "taken away"));
	close(fd);
}

/* ---- the channel ------------------------------------------------------------------------- */

static void config_changed(void)
{
	vmsnd_vhost_user_class.config_changed(harness.bus);
}

static void give_channel(int fd)
{
	struct vmsnd_fds fds = {.n = 1, .fd = {fd}};

	assert_int_equal(wire_put(front, VMSND_VU_SET_BACKEND_REQ_FD, NULL, 0, &fds), WIRE_OK);
	close(fd);
}

/* One whole notice that asks for no answer, and nothing after it. */
static void expect_notice(int fd)
{
	const uint32_t notice[3] = {VMSND_VU_BACKEND_CONFIG_CHANGE, VMSND_VU_VERSION, 0};
	uint8_t got[64];

	assert_int_equal(read(fd, got, sizeof(got)), sizeof(notice));
	assert_memory_equal(got, notice, sizeof(notice));
	assert_int_equal(read(fd, got, sizeof(got)), -1);
}

static void test_config_changed_by_socket(void **state)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	config_changed(); /* to nobody */
	give_channel(ends[1]);
	config_changed();
	expect_notice(ends[0]);
	for (unsigned i = 0; i < 100000; i++) /* more than there is room for */
		config_changed();
	close(ends[0]);
	config_changed();
	assert_int_equal(harness.left, 0);
	assert_int_equal(harness.n_troubles, 0);
}

/* User Mode Linux: a pipe that blocks. */
static void test_config_changed_by_pipe(void **state)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	give_channel(ends[1]);
	config_changed();
	expect_notice(ends[0]);
	for (unsigned i = 0; i < 10000; i++)
		config_changed();
	close(ends[0]);
	config_changed();
	config_changed();
	assert_int_equal(harness.left, 0);
}

static void test_config_changed_into_a_file(void **state)
{
	int fd = memfd_create("file", MFD_CLOEXEC), copy = dup(fd);

	give_channel(fd);
	config_changed();
	assert_int_equal(lseek(copy, 0, SEEK_END), 0);
	close(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_area_is_sealed_and_zero),
	    TEST(test_class16_an_area_that_cannot_be),
	    TEST(test_an_area_is_given_back),
	    TEST(test_an_area_somewhere_in_a_file),
	    TEST(test_a_damaged_area_is_used_all_the_same),
	    TEST(test_class16_refused_areas),
	    TEST(test_class16_an_area_that_is_taken_away),
	    TEST(test_config_changed_by_socket),
	    TEST(test_config_changed_by_pipe),
	    TEST(test_config_changed_into_a_file),
	};

	return cmocka_run_group_tests_name("inflight", tests, NULL, NULL);
}
