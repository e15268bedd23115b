/* SPDX-License-Identifier: BSD-3-Clause */
/* The back end's own channel to the VMM. What goes over it asks for no answer, so it is never read:
 * a VMM answers only what has NEED_REPLY set. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transports/vhost_user_room.h"

/* What is neither could make a write wait. The file system is not asked: it might not answer. */
static mode_t kind_of(int fd)
{
	struct statx status;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status))
		return 0;
	return status.stx_mode & S_IFMT;
}

/* Kept open, even if nothing can be said through it: with UML it is the only writing end of a pipe,
 * and UML takes its end for our death. */
void vmsnd_vu_channel_fd(struct vmsnd_transport *bus, int fd)
{
	if (bus->backend_fd >= 0)
		close(bus->backend_fd);
	bus->backend_fd = fd;
	bus->backend_kind = kind_of(fd);
}

/* A notice that finds no room is lost: there are others before it that were not read, and they say
 * the same. */
void vmsnd_vu_channel_config_changed(struct vmsnd_transport *bus)
{
	const struct vmsnd_vu_header header = {VMSND_VU_BACKEND_CONFIG_CHANGE, VMSND_VU_VERSION, 0};
	uint8_t message[VMSND_VU_HEADER_BYTES];
	size_t bytes = vmsnd_vu_put(message, &header, NULL);

	if (bus->backend_kind == S_IFIFO)
		vmsnd_event_write_pipe(bus->backend_fd, message, bytes);
	else if (bus->backend_kind == S_IFSOCK)
		vmsnd_socket_send(bus->backend_fd, message, bytes, NULL);
}
