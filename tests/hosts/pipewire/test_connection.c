/* SPDX-License-Identifier: BSD-3-Clause */
/* PipeWire: ends of a connection that no real server makes on demand. The server is one of ours: it
 * takes connections and says what it likes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/pipewire/pipewire.h"

#define PATIENCE_MS 10000
#define FDS         64 /* more than libpipewire has room for in one message */

struct world {
	char folder[32], path[64];
	int server;
	struct vmsnd_conf conf;
	struct vmsnd_backend *host;
	pthread_mutex_t lock;
	unsigned n_lines;
	char line[512]; /* the first */
};

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;

	if (level > VMSND_LOG_INFO)
		return;
	pthread_mutex_lock(&world->lock);
	if (world->n_lines++ == 0)
		snprintf(world->line, sizeof(world->line), "%s", line);
	pthread_mutex_unlock(&world->lock);
}

static void listen_at(struct world *world)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", world->path);
	world->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(world->server >= 0);
	assert_int_equal(bind(world->server, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(world->server, 8), 0);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	snprintf(world->folder, sizeof(world->folder), "/tmp/vmsnd-pw-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->path, sizeof(world->path), "%s/socket", world->folder);
	pthread_mutex_init(&world->lock, NULL);
	listen_at(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	if (world->host)
		vmsnd_pipewire_class.close(world->host);
	close(world->server);
	unlink(world->path);
	rmdir(world->folder);
	pthread_mutex_destroy(&world->lock);
	free(world);
	return 0;
}

static void open_host(struct world *world, const struct vmsnd_log *log)
{
	struct vmsnd_backend_conf conf = {
	    .options = &world->conf, .client_name = "the machine", .log = log};
	char options[96], error[400];

	snprintf(options, sizeof(options), "remote=%s", world->path);
	assert_int_equal(vmsnd_conf_parse(&world->conf, vmsnd_pipewire_class.options, "pipewire",
					  options, error, sizeof(error)),
			 VMSND_OK);
	assert_int_equal(vmsnd_pipewire_class.open(&conf, &world->host), VMSND_OK);
}

static int meet(struct world *world)
{
	struct pollfd fd = {.fd = world->server, .events = POLLIN};

	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	return accept4(world->server, NULL, NULL, SOCK_CLOEXEC);
}

/* libpipewire gives up on the connection with EPROTO, and keeps its socket. */
static void confuse(int fd)
{
	union {
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct iovec byte = {.iov_base = (char[]){0}, .iov_len = 1};
	struct msghdr message = {.msg_iov = &byte,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fds[FDS];

	for (unsigned i = 0; i < FDS; i++)
		fds[i] = STDERR_FILENO;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), 1);
}

/* It is no other server's end than that of one that has died: noticed, said once, tried again. */
static void test_confused_connection_is_left(void **state)
{
	struct world *world = *state;
	const struct vmsnd_log log = {.write = keep_line, .ctx = world};
	int first, second;

	open_host(world, &log);
	first = meet(world);
	confuse(first);
	second = meet(world);
	assert_true(second >= 0);
	pthread_mutex_lock(&world->lock);
	assert_int_equal(world->n_lines, 1);
	assert_non_null(strstr(world->line, strerror(EPROTO)));
	pthread_mutex_unlock(&world->lock);
	close(first);
	close(second);
	vmsnd_pipewire_class.close(world->host);
	world->host = NULL;
}

/* A server that hangs takes as many connections as fit, then none: that is no other trouble. */
static void test_full_server_does_not_answer(void **state)
{
	struct world *world = *state;
	const struct vmsnd_log log = {.write = keep_line, .ctx = world};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct vmsnd_fact facts[VMSND_FACT_COUNT];
	int fds[64], n = 0;
	bool said = false;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", world->path);
	do {
		assert_true(n < 64);
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	} while (connect(fds[n++], (struct sockaddr *)&at, sizeof(at)) == 0);
	open_host(world, &log);
	for (size_t i = vmsnd_pipewire_class.facts(world->host, facts, VMSND_FACT_COUNT); i-- > 0;)
		said |= facts[i].name == VMSND_FACT_TROUBLE &&
			strstr(facts[i].text, "it does not answer");
	assert_true(said);
	while (n-- > 0)
		close(fds[n]);
	vmsnd_pipewire_class.close(world->host);
	world->host = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(test_confused_connection_is_left), TEST(test_full_server_does_not_answer)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
