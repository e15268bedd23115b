/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a card listens: paths that are free, stale, served or something else. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"

struct place {
	char dir[64], path[96], error[400];
};

static int make_place(void **state)
{
	static struct place place;

	place = (struct place){.dir = "/tmp/vmsnd-sock-XXXXXX"};
	assert_non_null(mkdtemp(place.dir));
	snprintf(place.path, sizeof(place.path), "%s/s", place.dir);
	*state = &place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	return rmdir(place->dir);
}

static enum vmsnd_rc listen_at(struct vmsnd_listener *listener, struct place *place)
{
	place->error[0] = '\0';
	return vmsnd_listener_open(listener, place->path, place->error, sizeof(place->error));
}

/* A socket file as a killed program leaves it. */
static void leave_stale(const struct place *place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, place->path, strlen(place->path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(place->path, F_OK), 0);
}

static void test_stale_socket_is_replaced_and_removed(void **state)
{
	struct place *place = *state;
	struct vmsnd_listener listener;
	int client;

	leave_stale(place);
	assert_int_equal(listen_at(&listener, place), VMSND_OK);
	client = vmsnd_socket_connect(place->path);
	assert_true(client >= 0);
	close(client);
	vmsnd_listener_close(&listener);
	assert_int_equal(access(place->path, F_OK), -1);
}

static void test_served_socket_is_left_alone(void **state)
{
	struct place *place = *state;
	struct vmsnd_listener first, second;
	int client;

	assert_int_equal(listen_at(&first, place), VMSND_OK);
	assert_int_equal(listen_at(&second, place), VMSND_E_SYSTEM);
	assert_non_null(strstr(place->error, "another program is serving"));
	assert_non_null(strstr(place->error, place->path));
	client = vmsnd_socket_connect(place->path);
	assert_true(client >= 0);
	close(client);
	vmsnd_listener_close(&first);
}

/* Its queue is full: nobody accepts, yet it is no stale file. */
static void test_busy_socket_is_left_alone(void **state)
{
	struct place *place = *state;
	struct vmsnd_listener first, second;
	int clients[64];
	unsigned n = 0;

	assert_int_equal(listen_at(&first, place), VMSND_OK);
	while (n < 64 && (clients[n] = vmsnd_socket_connect(place->path)) >= 0)
		n++;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(listen_at(&second, place), VMSND_E_SYSTEM);
	assert_non_null(strstr(place->error, "another program is serving"));
	while (n > 0)
		close(clients[--n]);
	vmsnd_listener_close(&first);
}

static void test_a_file_in_the_way(void **state)
{
	struct place *place = *state;
	struct vmsnd_listener listener;
	int fd = open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	assert_int_equal(listen_at(&listener, place), VMSND_E_SYSTEM);
	assert_non_null(strstr(place->error, "not a socket"));
	assert_int_equal(access(place->path, F_OK), 0);
}

static void test_path_without_a_folder(void **state)
{
	struct place *place = *state;
	struct vmsnd_listener listener;

	assert_int_equal(
	    vmsnd_listener_open(&listener, "/nowhere/at/all/s", place->error, sizeof(place->error)),
	    VMSND_E_SYSTEM);
	assert_non_null(strstr(place->error, "No such file or directory"));
}

static void test_path_too_long_or_empty(void **state)
{
	struct place *place = *state;
	struct vmsnd_listener listener;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	assert_int_equal(vmsnd_listener_open(&listener, path, place->error, sizeof(place->error)),
			 VMSND_E_INVALID);
	assert_non_null(strstr(place->error, "1 to 107"));
	assert_int_equal(vmsnd_listener_open(&listener, "", place->error, sizeof(place->error)),
			 VMSND_E_INVALID);
}

/* Somebody else has put a socket of theirs at our path meanwhile. */
static void test_another_socket_is_not_removed(void **state)
{
	struct place *place = *state;
	struct vmsnd_listener listener;

	assert_int_equal(listen_at(&listener, place), VMSND_OK);
	unlink(place->path);
	leave_stale(place);
	vmsnd_listener_close(&listener);
	assert_int_equal(access(place->path, F_OK), 0);
}

/* ---- the transport's options ------------------------------------------------------------------
 */

static void test_inherited_socket_wins_and_its_file_stays(void **state)
{
	struct place *place = *state;
	static struct wire_harness h;
	struct vmsnd_listener listener;
	struct wire_frontend *front;
	uint64_t features = 0;

	assert_int_equal(listen_at(&listener, place), VMSND_OK);
	assert_int_equal(wire_harness_listen(&h, "socket=/nowhere/s", listener.fd), VMSND_OK);
	memcpy(h.path, place->path, sizeof(place->path));
	front = wire_harness_connect(&h);
	assert_int_equal(wire_get_u64(front, VMSND_VU_GET_FEATURES, &features), WIRE_OK);
	assert_int_equal(features, WIRE_FEATURES | VMSND_VU_F_PROTOCOL_FEATURES);
	wire_frontend_close(front);
	vmsnd_vhost_user_class.close(h.bus, 0);
	assert_int_equal(h.n_watched, 0);
	assert_int_equal(access(place->path, F_OK), 0);
	assert_int_equal(fcntl(listener.fd, F_GETFD), -1); /* taken over */
}

static void test_socket_fd_option(void **state)
{
	struct place *place = *state;
	static struct wire_harness h;
	struct vmsnd_listener listener;
	char options[64];

	assert_int_equal(listen_at(&listener, place), VMSND_OK);
	snprintf(options, sizeof(options), "socket-fd=%d", listener.fd);
	assert_int_equal(wire_harness_listen(&h, options, -1), VMSND_OK);
	vmsnd_vhost_user_class.close(h.bus, 0);
	snprintf(options, sizeof(options), "socket-fd=%d", STDERR_FILENO);
	assert_int_equal(wire_harness_listen(&h, options, -1), VMSND_E_INVALID);
	assert_non_null(strstr(h.trouble, "not a listening Unix stream socket"));
}

static void test_options_missing_or_doubled(void **state)
{
	static struct wire_harness h;

	assert_int_equal(wire_harness_listen(&h, "", -1), VMSND_E_INVALID);
	assert_non_null(strstr(h.trouble, "socket=PATH"));
	assert_int_equal(wire_harness_listen(&h, "socket=/x,socket-fd=3", -1), VMSND_E_INVALID);
	assert_non_null(strstr(h.trouble, "not both"));
	assert_int_equal(h.n_troubles, 1);
	assert_int_equal(h.n_watched, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)
	const struct CMUnitTest tests[] = {
	    T(test_stale_socket_is_replaced_and_removed),
	    T(test_served_socket_is_left_alone),
	    T(test_busy_socket_is_left_alone),
	    T(test_a_file_in_the_way),
	    T(test_path_without_a_folder),
	    T(test_path_too_long_or_empty),
	    T(test_another_socket_is_not_removed),
	    T(test_inherited_socket_wins_and_its_file_stays),
	    T(test_socket_fd_option),
	    T(test_options_missing_or_doubled),
	};

	return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
