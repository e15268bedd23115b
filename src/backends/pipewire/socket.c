/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to the server. We connect ourselves: a try costs two system calls, the reason of a
 * refusal and the server's user are known, and the option counts more than the environment. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* struct ucred */
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/pipewire/parts.h"

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) <= VMSND_PW_PATH_BYTES,
	       "room for a path");

static int connect_to(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t bytes = strlen(path) + 1;
	int fd, error;

	if (bytes > sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, bytes);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	error = errno;
	close(fd);
	/* More wait already than it takes: it has not looked for long. */
	return error == EAGAIN ? -ETIMEDOUT : -error;
}

static void look_at_peer(int fd, struct vmsnd_pw_peer *peer)
{
	struct ucred who;
	socklen_t bytes = sizeof(who);

	peer->known = !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &bytes);
	peer->uid = peer->known ? who.uid : 0;
}

/* The first that refuses for another reason than not being there says what is wrong. */
static int try_path(const char *path, struct vmsnd_pw_peer *peer)
{
	int fd = connect_to(path);

	if (fd >= 0) {
		look_at_peer(fd, peer);
		peer->error = 0;
	}
	if (fd >= 0 || !*peer->path || (peer->error == ENOENT && fd != -ENOENT)) {
		snprintf(peer->path, sizeof(peer->path), "%s", path);
		if (fd < 0)
			peer->error = -fd;
	}
	return fd;
}

static int try_folder(const char *folder, const char *name, struct vmsnd_pw_peer *peer)
{
	char path[2 * VMSND_PW_PATH_BYTES];
	int bytes;

	if (!folder || !*folder)
		return -1;
	bytes = snprintf(path, sizeof(path), "%s/%s", folder, name);
	return bytes > 0 && (size_t)bytes < sizeof(path) ? try_path(path, peer) : -1;
}

static const char *runtime_folder(void)
{
	static const char *const names[] = {"PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getenv(names[i]) && *getenv(names[i]))
			return getenv(names[i]);
	return NULL;
}

int vmsnd_pw_socket(const char *remote, struct vmsnd_pw_peer *peer)
{
	const char *given = getenv("PIPEWIRE_REMOTE"), *name = remote;
	char own[32];
	int fd;

	*peer = (struct vmsnd_pw_peer){.error = ENOENT};
	if (!name || !*name)
		name = given && *given ? given : PW_DEFAULT_REMOTE;
	if (*name == '/')
		return try_path(name, peer);
	/* A service without a session has no XDG_RUNTIME_DIR, and may have a server all the same.
	 */
	snprintf(own, sizeof(own), "/run/user/%u", (unsigned)geteuid());
	fd = try_folder(runtime_folder(), name, peer);
	if (fd < 0 && !runtime_folder())
		fd = try_folder(own, name, peer);
	if (fd < 0)
		fd = try_folder("/run/pipewire", name, peer);
	return fd;
}
