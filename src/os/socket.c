/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 8

static bool fill_address(struct sockaddr_un *address, const char *path)
{
	size_t bytes = strlen(path) + 1;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (bytes == 1 || bytes > sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, path, bytes);
	return true;
}

static int connect_to(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int why;

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

int vmsnd_socket_connect(const char *path)
{
	struct sockaddr_un address;

	if (!fill_address(&address, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return connect_to(&address);
}

/* True when the address is free for a second bind. */
static bool clear_stale(const struct sockaddr_un *address, char *error, size_t error_bytes)
{
	const char *path = address->sun_path;
	struct stat status;
	int fd;

	if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode)) {
		snprintf(error, error_bytes,
			 "%s is in the way: it is not a socket; name another path", path);
		return false;
	}
	fd = connect_to(address);
	/* EAGAIN: its queue of waiting peers is full, so somebody does serve it. */
	if (fd >= 0 || errno == EAGAIN) {
		if (fd >= 0)
			close(fd);
		snprintf(error, error_bytes,
			 "another program is serving %s; stop it or name another path", path);
		return false;
	}
	if (errno != ECONNREFUSED && errno != ENOENT) {
		snprintf(error, error_bytes, "cannot tell whether %s is in use: %s", path,
			 strerror(errno));
		return false;
	}
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	snprintf(error, error_bytes, "cannot remove the stale socket %s: %s", path,
		 strerror(errno));
	return false;
}

static bool bind_to(int fd, const struct sockaddr_un *address, char *error, size_t error_bytes)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return true;
	if (errno == EADDRINUSE) {
		if (!clear_stale(address, error, error_bytes))
			return false;
		if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
			return true;
	}
	snprintf(error, error_bytes, "cannot listen at %s: %s", address->sun_path, strerror(errno));
	return false;
}

static void remember_file(struct vmsnd_listener *listener, const struct sockaddr_un *address)
{
	struct stat status;

	memcpy(listener->path, address->sun_path, sizeof(listener->path));
	listener->made = lstat(listener->path, &status) == 0;
	if (listener->made) {
		listener->device = status.st_dev;
		listener->inode = status.st_ino;
	}
}

static void keep_spare(struct vmsnd_listener *listener)
{
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static enum vmsnd_rc listener_open(struct vmsnd_listener *listener, const char *path, bool private,
				   char *error, size_t error_bytes)
{
	struct sockaddr_un address;

	*listener = (struct vmsnd_listener){.fd = -1, .spare = -1};
	if (!fill_address(&address, path)) {
		snprintf(error, error_bytes,
			 "the socket's path has %zu bytes; 1 to %u are possible: %.60s...",
			 strlen(path), VMSND_SOCKET_PATH_BYTES - 1, path);
		return VMSND_E_INVALID;
	}
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0) {
		snprintf(error, error_bytes, "cannot make a socket: %s", strerror(errno));
		return VMSND_E_SYSTEM;
	}
	/* Linux gives the file the mode of the socket, so there is no moment of another one. */
	if (private)
		fchmod(listener->fd, S_IRUSR | S_IWUSR);
	if (!bind_to(listener->fd, &address, error, error_bytes)) {
		vmsnd_listener_close(listener);
		return VMSND_E_SYSTEM;
	}
	remember_file(listener, &address);
	if (private && chmod(path, S_IRUSR | S_IWUSR)) {
		snprintf(error, error_bytes, "cannot keep others out of %s: %s", path,
			 strerror(errno));
		vmsnd_listener_close(listener);
		return VMSND_E_SYSTEM;
	}
	if (listen(listener->fd, BACKLOG) == 0) {
		keep_spare(listener);
		return VMSND_OK;
	}
	snprintf(error, error_bytes, "cannot listen at %s: %s", path, strerror(errno));
	vmsnd_listener_close(listener);
	return VMSND_E_SYSTEM;
}

enum vmsnd_rc vmsnd_listener_open(struct vmsnd_listener *listener, const char *path, char *error,
				  size_t error_bytes)
{
	return listener_open(listener, path, false, error, error_bytes);
}

enum vmsnd_rc vmsnd_listener_open_private(struct vmsnd_listener *listener, const char *path,
					  char *error, size_t error_bytes)
{
	return listener_open(listener, path, true, error, error_bytes);
}

static int socket_option(int fd, int option)
{
	socklen_t bytes = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, option, &value, &bytes) ? -1 : value;
}

enum vmsnd_rc vmsnd_listener_adopt(struct vmsnd_listener *listener, int fd, char *error,
				   size_t error_bytes)
{
	*listener = (struct vmsnd_listener){.fd = -1, .spare = -1};
	if (socket_option(fd, SO_DOMAIN) != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_STREAM ||
	    socket_option(fd, SO_ACCEPTCONN) != 1) {
		snprintf(error, error_bytes, "descriptor %d is not a listening Unix stream socket",
			 fd);
		return VMSND_E_INVALID;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	listener->fd = fd;
	keep_spare(listener);
	snprintf(listener->path, sizeof(listener->path), "descriptor %d", fd);
	return VMSND_OK;
}

void vmsnd_listener_close(struct vmsnd_listener *listener)
{
	struct stat status;

	if (listener->made && lstat(listener->path, &status) == 0 &&
	    status.st_dev == listener->device && status.st_ino == listener->inode)
		unlink(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	if (listener->spare >= 0)
		close(listener->spare);
	*listener = (struct vmsnd_listener){.fd = -1, .spare = -1};
}

int vmsnd_listener_accept(struct vmsnd_listener *listener)
{
	return accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

bool vmsnd_listener_turn_away(struct vmsnd_listener *listener)
{
	int peer;

	if (listener->spare >= 0)
		close(listener->spare);
	peer = vmsnd_listener_accept(listener);
	if (peer >= 0)
		close(peer);
	keep_spare(listener);
	return peer >= 0;
}

bool vmsnd_socket_peer(int socket, struct vmsnd_peer_id *out)
{
	struct ucred who;
	socklen_t bytes = sizeof(who);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &bytes) || bytes != sizeof(who))
		return false;
	*out = (struct vmsnd_peer_id){.pid = who.pid, .uid = who.uid};
	return true;
}

void vmsnd_fds_close(struct vmsnd_fds *fds)
{
	for (unsigned i = 0; i < fds->n; i++)
		if (fds->fd[i] >= 0)
			close(fds->fd[i]);
	fds->n = 0;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(VMSND_SOCKET_FDS_MAX * sizeof(int))];
};

/* False when there is no room; what does not fit is closed. */
static bool take_fds(struct msghdr *message, struct vmsnd_fds *fds)
{
	bool room = !(message->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (fds->n < VMSND_SOCKET_FDS_MAX) {
				fds->fd[fds->n++] = fd;
				continue;
			}
			close(fd);
			room = false;
		}
	}
	return room;
}

enum vmsnd_socket_got vmsnd_socket_recv(int socket, void *to, size_t bytes, size_t *got,
					struct vmsnd_fds *fds)
{
	union control control;
	struct iovec part = {.iov_base = to, .iov_len = bytes};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return VMSND_SOCKET_NOTHING;
	if (n < 0)
		return VMSND_SOCKET_END;
	if (!take_fds(&message, fds)) {
		vmsnd_fds_close(fds);
		return VMSND_SOCKET_TOO_MANY;
	}
	*got = (size_t)n;
	return n > 0 ? VMSND_SOCKET_BYTES : VMSND_SOCKET_END;
}

bool vmsnd_socket_send(int socket, const void *from, size_t bytes, const struct vmsnd_fds *fds)
{
	union control control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)from, .iov_len = bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	if (fds && fds->n > 0) {
		size_t fd_bytes = fds->n * sizeof(int);

		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(fd_bytes);
		memcpy(CMSG_DATA(&control.align), fds->fd, fd_bytes);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_bytes);
	}
	do
		n = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)bytes;
}

ptrdiff_t vmsnd_socket_send_some(int socket, const void *from, size_t bytes)
{
	ssize_t n;

	do
		n = send(socket, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}
