/* SPDX-License-Identifier: BSD-3-Clause */
/* Who comes to the control socket: who may, where they sit, how they are greeted. */
#include <errno.h>
#include <unistd.h>

#include "control/server.h"

static struct vmsnd_control_peer *free_place(struct vmsnd_control *control)
{
	for (unsigned i = 0; i < VMSND_CONTROL_CLIENTS_MAX; i++)
		if (control->peers[i].fd < 0)
			return &control->peers[i];
	return NULL;
}

/* Nobody but who runs the program, and root. The file's mode says so, too, but a folder can be
 * handed to others with its files. */
static bool is_welcome(struct vmsnd_control *control, int fd, struct vmsnd_peer_id *id)
{
	if (vmsnd_socket_peer(fd, id) && (id->uid == 0 || id->uid == geteuid()))
		return true;
	if (!control->stranger_told)
		vmsnd_logf(control->conf.log, VMSND_LOG_WARNING,
			   "control: user %u was turned away: only user %u and root may ask",
			   id->uid, (unsigned)geteuid());
	control->stranger_told = true;
	return false;
}

static void turn_away(int fd)
{
	static const char line[] = "{\"error\":{\"class\":\"GenericError\",\"desc\":"
				   "\"there are 16 clients already\"}}\n";

	vmsnd_socket_send(fd, line, sizeof(line) - 1, NULL);
	close(fd);
}
_Static_assert(VMSND_CONTROL_CLIENTS_MAX == 16, "the line above names the limit");

static void greet(struct vmsnd_control *control, int fd, const struct vmsnd_peer_id *id)
{
	struct vmsnd_control_peer *peer = free_place(control);

	if (!peer) {
		turn_away(fd);
		return;
	}
	if (!vmsnd_control_peer_open(peer, fd))
		return;
	peer->id = *id;
	if (vmsnd_loop_watch(control->loop, fd, (uint64_t)(peer - control->peers))) {
		vmsnd_control_peer_close(peer);
		return;
	}
	vmsnd_control_peer_tell(peer, json_pack("{s:{s:o,s:[]}}", "QMP", "version",
						vmsnd_control_version(), "capabilities"));
}

void vmsnd_control_let_in(struct vmsnd_control *control)
{
	struct vmsnd_peer_id id = {.uid = UINT32_MAX};
	int fd = vmsnd_listener_accept(&control->listener);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			vmsnd_listener_turn_away(&control->listener);
		return;
	}
	if (is_welcome(control, fd, &id))
		greet(control, fd, &id);
	else
		close(fd);
}
