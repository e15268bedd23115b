/* SPDX-License-Identifier: BSD-3-Clause */
/* A write to an eventfd waits while its counter is full, unless O_NONBLOCK is set, and whoever
 * shares the descriptor may clear that flag and fill the counter between our look and our write.
 * The kernel has no such write with RWF_NOWAIT. But it signals an eventfd by itself when a request
 * of asynchronous I/O is done (io_submit(2), IOCB_FLAG_RESFD), and that never waits. So we ask
 * whether the eventfd can be read or written, which is done at once: it always can. */
#include "os/bell.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS_MAX 64u /* whose results wait to be thrown away; the kernel rounds up */
#define TRIES_MAX    10u /* other threads may take the room that was made */

/* Of the process, and as long as it: to give it back takes the kernel tens of milliseconds. 0: this
 * system has none. A child after fork has none either, and is told so by the kernel. */
static aio_context_t context;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static bool submit(int fd)
{
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_POLL,
			       .aio_fildes = (uint32_t)fd,
			       .aio_buf = POLLIN | POLLOUT,
			       .aio_flags = IOCB_FLAG_RESFD,
			       .aio_resfd = (uint32_t)fd};
	struct iocb *list[] = {&request};

	return syscall(SYS_io_submit, context, 1L, list) == 1;
}

static void throw_results_away(void)
{
	struct timespec at_once = {0, 0};
	struct io_event results[REQUESTS_MAX];

	syscall(SYS_io_getevents, context, 0L, (long)REQUESTS_MAX, results, &at_once);
}

/* Kernels before 4.18, and what only looks like Linux, take the call and do something else. */
static bool works(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t count = 0;
	bool came;

	if (fd < 0)
		return false;
	came = submit(fd) && read(fd, &count, sizeof(count)) == sizeof(count) && count == 1;
	close(fd);
	return came;
}

static void prepare(void)
{
	if (syscall(SYS_io_setup, REQUESTS_MAX, &context) != 0)
		context = 0;
	if (context == 0 || works())
		return;
	syscall(SYS_io_destroy, context);
	context = 0;
}

void vmsnd_bell_prepare(void)
{
	pthread_once(&prepared, prepare);
}

bool vmsnd_bell_ring(int fd)
{
	if (context == 0)
		return false;
	for (unsigned i = 0; i < TRIES_MAX; i++) {
		if (submit(fd))
			return true;
		if (errno != EAGAIN)
			return false;
		throw_results_away();
	}
	return false;
}
