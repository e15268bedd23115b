/* SPDX-License-Identifier: BSD-3-Clause */
/* What one VMM, or a lack of something, must not do to the others in the same process. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"
#include "script.h"

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

/* No number above the highest in use can be had. */
static struct rlimit no_more_descriptors(void)
{
	struct rlimit before, none;
	int lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);

	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return before;
}

/* Neither does it wait for ever, nor is it the last one ever heard. */
static void test_without_descriptors_a_peer_is_turned_away(void **state)
{
	struct wire_harness *h = *state;
	int one = vmsnd_socket_connect(h->path), two = vmsnd_socket_connect(h->path);
	struct wire_frontend *front;
	struct rlimit before = no_more_descriptors();
	uint64_t features = 0;
	char byte;

	wire_harness_pump(h); /* gives up after 10000 rounds */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(recv(one, &byte, 1, 0), 0);
	assert_int_equal(recv(two, &byte, 1, 0), 0);
	close(one);
	close(two);
	assert_int_equal(h->n_troubles, 1);
	assert_non_null(strstr(h->trouble, "cannot accept a VMM for now"));
	front = wire_harness_connect(h);
	assert_int_equal(wire_get_u64(front, VMSND_VU_GET_FEATURES, &features), WIRE_OK);
	wire_frontend_close(front);
}

/* ---- memory ----------------------------------------------------------------------------- */

static enum wire_result add_file(struct wire_frontend *front, int fd)
{
	static const struct vmsnd_vu_region first_page = {.bytes = 4096, .user = 0x10000};
	enum wire_result result = wire_put_region(front, VMSND_VU_ADD_MEM_REG, &first_page, fd);

	if (result == WIRE_OK)
		wire_put_region(front, VMSND_VU_REM_MEM_REG, &first_page, -1);
	close(fd);
	return result;
}

/* A disk's, a memfd's and one made by tmpfs: as QEMU's memory-backend-file and -memfd have. */
static void test_memory_in_ordinary_files_is_taken(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	char path[128];
	int fd;

	wire_frontend_acks(front, true);
	snprintf(path, sizeof(path), "%s/ram", h->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(add_file(front, fd), WIRE_OK);
	fd = memfd_create("ram", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(add_file(front, fd), WIRE_OK);
	fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 && ftruncate(fd, 4096) == 0)
		assert_int_equal(add_file(front, fd), WIRE_OK);
	assert_int_equal(h->n_troubles, 0);
	wire_frontend_close(front);
}

/* QEMU, device_del and device_add over one chardev: no REM_MEM_REG, but SET_OWNER again. */
static void test_a_new_owner_brings_memory_anew(void **state)
{
	static const struct vmsnd_vu_region first_page = {.bytes = 4096, .user = 0x10000};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	int fd = memfd_create("ram", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 4096), 0);
	wire_frontend_acks(front, true);
	for (int card = 0; card < 2; card++) {
		assert_int_equal(wire_put(front, VMSND_VU_SET_OWNER, NULL, 0, NULL), WIRE_OK);
		assert_int_equal(wire_put_region(front, VMSND_VU_ADD_MEM_REG, &first_page, fd),
				 WIRE_OK);
	}
	assert_int_equal(h->n_troubles, 0);
	assert_int_equal(wire_put_region(front, VMSND_VU_ADD_MEM_REG, &first_page, fd),
			 WIRE_REFUSED);
	close(fd);
	wire_frontend_close(front);
}

/* sysfs stands for FUSE, which a test cannot mount: no disk, no memory, and 4096 bytes long. */
static void test_memory_that_others_answer_for_is_refused(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front;
	int fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		skip();
	front = wire_harness_connect(h);
	wire_frontend_acks(front, true);
	assert_int_equal(add_file(front, fd), WIRE_REFUSED);
	assert_int_equal(h->n_troubles, 1);
	assert_non_null(strstr(h->trouble, "may not answer"));
	wire_frontend_close(front);
}

/* ---- kicks --------------------------------------------------------------------------------- */

/* Waited for like an eventfd, they would keep the lane busy for ever. */
static void test_devices_and_files_are_no_kick_and_no_call(void **state)
{
	static const char *const paths[] = {"/dev/urandom", "/dev/null", "/proc/self/exe", "/"};
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);

	wire_frontend_acks(front, true);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 1, fd), WIRE_REFUSED);
		assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 1, fd), WIRE_REFUSED);
		close(fd);
	}
	assert_non_null(strstr(h->trouble, "a device or a file"));
	wire_frontend_close(front);
}

/* The VMM spends nothing on it, and would have the whole lane. */
static void kick_that_never_runs_empty(struct wire_harness *h, int fd)
{
	struct wire_frontend *front = wire_harness_connect(h);
	unsigned left = h->left;

	wire_frontend_acks(front, true);
	wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 2, fd);
	wire_harness_pump(h); /* gives up after 10000 rounds */
	close(fd);
	assert_int_equal(h->left, left + 1);
	assert_non_null(strstr(h->line, "let go: a kick descriptor that never runs empty"));
	wire_frontend_close(front);
}

static void test_a_semaphore_as_kick_is_let_go(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);

	eventfd_write(fd, UINT64_MAX - 1);
	kick_that_never_runs_empty(*state, fd);
}

static void test_a_timer_as_kick_is_let_go(void **state)
{
	static const struct itimerspec every_ns = {{0, 1}, {0, 1}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	timerfd_settime(fd, 0, &every_ns, NULL);
	kick_that_never_runs_empty(*state, fd);
}

/* Each kick costs the guest more than it costs us; a benchmark does it. */
static void test_many_kicks_are_no_offence(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	int fd = eventfd(0, EFD_CLOEXEC), ends[2];
	uint64_t one = 1;

	wire_frontend_acks(front, true);
	assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 1, fd), WIRE_OK);
	for (unsigned i = 0; i < 1000; i++) {
		eventfd_write(fd, 1);
		wire_harness_pump(h);
	}
	close(fd);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_KICK, 1, ends[0]), WIRE_OK);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(write(ends[1], &one, sizeof(one)), sizeof(one));
	wire_harness_pump(h);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(h->n_troubles, 0);
	wire_frontend_close(front);
}

/* ---- calls --------------------------------------------------------------------------------- */

/* A write into a full counter would then wait, and the lane with it. */
static void test_a_call_made_blocking_later_never_blocks(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t count = 0;

	wire_frontend_acks(front, true);
	assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 2, fd), WIRE_OK);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	eventfd_write(fd, UINT64_MAX - 1);
	vmsnd_vhost_user_class.ready(h->bus, 1, VMSND_NS_PER_SECOND); /* the peer's tag */
	vmsnd_vhost_user_class.notify(h->bus, 2);
	eventfd_read(fd, &count);
	assert_true(count >= UINT64_MAX - 1);
	close(fd);
	wire_frontend_close(front);
}

static void test_a_call_pipe_made_blocking_never_blocks(void **state)
{
	struct wire_harness *h = *state;
	struct wire_frontend *front = wire_harness_connect(h);
	int ends[2];

	wire_frontend_acks(front, true);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(wire_put_fd(front, VMSND_VU_SET_VRING_CALL, 2, ends[1]), WIRE_OK);
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
	for (unsigned i = 0; i < 20000; i++)
		vmsnd_vhost_user_class.notify(h->bus, 2);
	assert_int_equal(h->n_troubles, 0);
	close(ends[0]);
	close(ends[1]);
	wire_frontend_close(front);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_harness, close_harness)
	const struct CMUnitTest tests[] = {
	    T(test_without_descriptors_a_peer_is_turned_away),
	    T(test_memory_in_ordinary_files_is_taken),
	    T(test_a_new_owner_brings_memory_anew),
	    T(test_memory_that_others_answer_for_is_refused),
	    T(test_devices_and_files_are_no_kick_and_no_call),
	    T(test_a_semaphore_as_kick_is_let_go),
	    T(test_a_timer_as_kick_is_let_go),
	    T(test_many_kicks_are_no_offence),
	    T(test_a_call_made_blocking_later_never_blocks),
	    T(test_a_call_pipe_made_blocking_never_blocks),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
