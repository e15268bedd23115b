/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/event.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "os/bell.h"

#define READS_MAX 64u

static void drop_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- what may come as one ---------------------------------------------------------------- */

/* User Mode Linux makes its descriptors half a pair of sockets or a pipe. */
static bool is_pipe(int fd)
{
	struct statx status;

	/* The file system is not asked: it might not answer. */
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) ||
	       S_ISFIFO(status.stx_mode) || S_ISSOCK(status.stx_mode);
}

/* Whether `fd` is connected to a socket that has a name, as our listener has. */
static bool is_connection(int fd)
{
	struct sockaddr_un name;
	socklen_t bytes = sizeof(name);

	return getpeername(fd, (struct sockaddr *)&name, &bytes) == 0 &&
	       bytes > sizeof(sa_family_t);
}

/* Some devices are always readable, others and files make a write wait. Asked without waiting
 * for whoever answers for the file system. */
static bool is_device_or_file(int fd)
{
	struct statx status;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0 ||
	       S_ISCHR(status.stx_mode) || S_ISBLK(status.stx_mode) || S_ISREG(status.stx_mode) ||
	       S_ISDIR(status.stx_mode);
}

/* A VMM that hands us its own end of our connection would never be seen to leave. UML's call
 * descriptors are one half each of an unnamed pair of sockets. */
const char *vmsnd_event_refuse(int fd)
{
	return is_connection(fd)       ? "a connection in place of an eventfd or a pipe"
	       : is_device_or_file(fd) ? "a device or a file in place of an eventfd or a pipe"
				       : NULL;
}

/* ---- read --------------------------------------------------------------------------------- */

void vmsnd_event_in_set(struct vmsnd_event_in *event, int fd)
{
	drop_fd(&event->fd);
	*event = (struct vmsnd_event_in){.fd = fd, .pipe = fd >= 0 && is_pipe(fd)};
}

/* Kernels that have no such call, or not for this kind of descriptor, and filters of system calls
 * that do not let it through (snapd's: EPERM). */
static bool is_unknown_call(int error)
{
	return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EPERM;
}

/* The descriptor is blocking with some VMMs (UML), and its flags are shared with the VMM, so
 * we do not change them but ask for a read that never waits, and poll first where there is none. */
static ssize_t read_without_waiting(int fd, uint64_t *count)
{
	struct iovec part = {.iov_base = count, .iov_len = sizeof(*count)};
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	ssize_t n = preadv2(fd, &part, 1, -1, RWF_NOWAIT);

	if (n >= 0 || !is_unknown_call(errno))
		return n;
	if (poll(&poller, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	if (poller.revents & POLLIN)
		return read(fd, count, sizeof(*count));
	errno = EPIPE;
	return -1;
}

/* One read empties an eventfd. One made as a semaphore, or a timer that is due every
 * nanosecond, stays readable, and would be reported for ever at no cost to the VMM. Who kicks
 * more often than READS_MAX in a millisecond is looked at: no guest kicks faster than we read,
 * so many times on end. In a pipe there may lie that many, each written by somebody. */
static bool runs_empty(struct vmsnd_event_in *event, bool *came, vmsnd_ns now)
{
	struct pollfd poller = {.fd = event->fd, .events = POLLIN};
	uint64_t count;

	if (now - event->reads_from >= VMSND_NS_PER_SECOND / 1000) {
		event->reads_from = now;
		event->reads = 0;
	}
	if (event->reads++ < READS_MAX || event->pipe)
		return true;
	for (unsigned i = 0; i < READS_MAX; i++)
		if (read_without_waiting(event->fd, &count) > 0)
			*came = true;
		else if (poll(&poller, 1, 0) == 0)
			return true;
	return false;
}

enum vmsnd_event_got vmsnd_event_in_read(struct vmsnd_event_in *event, vmsnd_ns now)
{
	uint64_t count;
	ssize_t n = read_without_waiting(event->fd, &count);
	bool came = n > 0;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return VMSND_EVENT_GONE;
	if (!runs_empty(event, &came, now))
		return VMSND_EVENT_ENDLESS;
	return came ? VMSND_EVENT_CAME : VMSND_EVENT_NONE;
}

/* ---- written ------------------------------------------------------------------------------ */

void vmsnd_event_out_set(struct vmsnd_event_out *event, int fd)
{
	drop_fd(&event->fd);
	*event = (struct vmsnd_event_out){.fd = fd, .pipe = fd >= 0 && is_pipe(fd)};
	if (fd >= 0)
		vmsnd_bell_prepare();
}

/* The VMM shares the descriptor's flags, and may change them at any time. What can write without
 * waiting whatever they are is asked for that; the rest gets poll first, and may still wait for a
 * VMM that is quick and means it. */
static ssize_t write_without_waiting(int fd, const void *from, size_t bytes)
{
	struct iovec part = {.iov_base = (void *)from, .iov_len = bytes};
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	ssize_t n = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);

	if (n >= 0 || !is_unknown_call(errno))
		return n;
	/* With room for PIPE_BUF bytes, which all our messages are below. */
	if (poll(&poller, 1, 0) == 1 && poller.revents & POLLOUT)
		return write(fd, from, bytes);
	errno = poller.revents & (POLLERR | POLLNVAL) ? EPIPE : EAGAIN;
	return -1;
}

/* UML's call is a pipe. Once UML has died, a write raises SIGPIPE; no flag forbids that for
 * pipes, and how the program takes the signal is not ours to change. */
bool vmsnd_event_write_pipe(int fd, const void *from, size_t bytes)
{
	const struct timespec at_once = {0, 0};
	sigset_t set, before, pending;
	ssize_t n;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	n = write_without_waiting(fd, from, bytes);
	if (n < 0 && errno == EPIPE) {
		if (!sigismember(&pending, SIGPIPE))
			sigtimedwait(&set, NULL, &at_once);
		errno = EPIPE;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return n >= 0 || errno == EAGAIN || errno == EINTR;
}

/* A counter that is full is fine: the guest has an interrupt to come anyway. */
static bool write_count(int fd)
{
	static const uint64_t one = 1;

	return vmsnd_bell_ring(fd) || write_without_waiting(fd, &one, sizeof(one)) >= 0 ||
	       errno == EAGAIN || errno == EINTR;
}

void vmsnd_event_out_signal(struct vmsnd_event_out *event)
{
	static const uint64_t one = 1;

	if (event->fd < 0)
		return;
	if (!(event->pipe ? vmsnd_event_write_pipe(event->fd, &one, sizeof(one))
			  : write_count(event->fd)))
		drop_fd(&event->fd);
}
