/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix stream sockets: listening on a path, and messages that carry descriptors.
 *
 * Every descriptor made here closes on exec; listening and accepted ones never block. */
#ifndef VMSND_OS_SOCKET_H
#define VMSND_OS_SOCKET_H

#include <sys/stat.h>

#include "vmsnd/status.h"

#define VMSND_SOCKET_PATH_BYTES 108u /* what a socket address has room for, NUL included */
#define VMSND_SOCKET_FDS_MAX    16u  /* in one message: vfio-user's limit; vhost-user's is 8 */

struct vmsnd_listener {
	int fd;    /* -1: none */
	int spare; /* given up to turn a peer away when there are no more descriptors */
	bool made; /* the file at `path` is ours to remove */
	dev_t device;
	ino_t inode;
	char path[VMSND_SOCKET_PATH_BYTES];
};

/* Listens at `path`. A file nobody answers at is replaced; one that is served, or is no
 * socket, is left alone. On failure `error` holds one line that says why. */
enum vmsnd_rc vmsnd_listener_open(struct vmsnd_listener *listener, const char *path, char *error,
				  size_t error_bytes);
/* The same, with a file that only its owner may open (mode 0600), from its first moment on. */
enum vmsnd_rc vmsnd_listener_open_private(struct vmsnd_listener *listener, const char *path,
					  char *error, size_t error_bytes);
/* Takes over a listening Unix stream socket that somebody else made; not on failure. */
enum vmsnd_rc vmsnd_listener_adopt(struct vmsnd_listener *listener, int fd, char *error,
				   size_t error_bytes);
/* Closes, and removes the file if it is still the one made by open. */
void vmsnd_listener_close(struct vmsnd_listener *listener);
/* The next peer, or -1 with errno; EAGAIN when nobody waits. */
int vmsnd_listener_accept(struct vmsnd_listener *listener);
/* Accepts the next peer only to close it, also when no descriptor is left. False: it waits on. */
bool vmsnd_listener_turn_away(struct vmsnd_listener *listener);

/* Connects, non-blocking afterwards; -1 with errno. */
int vmsnd_socket_connect(const char *path);

/* Who is at the other end of a connected socket, as it was when it connected. */
struct vmsnd_peer_id {
	int pid;
	unsigned uid;
};
bool vmsnd_socket_peer(int socket, struct vmsnd_peer_id *out);

/* Descriptors in the order they came or go. */
struct vmsnd_fds {
	unsigned n;
	int fd[VMSND_SOCKET_FDS_MAX];
};

void vmsnd_fds_close(struct vmsnd_fds *fds);

enum vmsnd_socket_got {
	VMSND_SOCKET_BYTES,   /* *got bytes, at least one */
	VMSND_SOCKET_NOTHING, /* none now */
	VMSND_SOCKET_END,     /* the peer has closed, or the socket failed */
	VMSND_SOCKET_TOO_MANY /* more descriptors than there is room for; all are closed */
};

/* Reads at most `bytes`, never waits, and adds what descriptors come with them to `fds`. */
enum vmsnd_socket_got vmsnd_socket_recv(int socket, void *to, size_t bytes, size_t *got,
					struct vmsnd_fds *fds);
/* All of `bytes` at once, or false. Never waits, never raises SIGPIPE. */
bool vmsnd_socket_send(int socket, const void *from, size_t bytes, const struct vmsnd_fds *fds);
/* As much of it as there is room for now: how many bytes went, 0 for none, negative when the
 * socket failed. Never waits, never raises SIGPIPE. */
ptrdiff_t vmsnd_socket_send_some(int socket, const void *from, size_t bytes);

#endif
