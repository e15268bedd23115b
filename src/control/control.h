/* SPDX-License-Identifier: BSD-3-Clause */
/* The control server: a Unix socket through which the program is asked and told things while it
 * runs, in the shape of QEMU's machine protocol (docs/control.md).
 *
 * It lives on the lane: no thread, no lock, no call that blocks. */
#ifndef VMSND_CONTROL_CONTROL_H
#define VMSND_CONTROL_CONTROL_H

#include "control/overhear.h"
#include "vmsnd/machine.h"

#define VMSND_CONTROL_CLIENTS_MAX   16u
#define VMSND_CONTROL_REQUEST_BYTES 65536u
/* What may wait for a client that does not read before an event lets it go. */
#define VMSND_CONTROL_QUEUE_BYTES (256u * 1024u)
/* How long something may wait for such a client. */
#define VMSND_CONTROL_PATIENCE_NS (10 * VMSND_NS_PER_SECOND)

struct vmsnd_control;

struct vmsnd_control_conf {
	const char *path;              /* of the socket; mode 0600 */
	struct vmsnd_machine *machine; /* outlives the server */
	const struct vmsnd_log *log;   /* likewise */
	struct vmsnd_overheard *heard; /* what `log` and the machine write to, or NULL */
	int64_t (*wall_us)(void);      /* for the time stamps of events */
};

/* Listens when it returns. On failure one line is in the log. */
enum vmsnd_rc vmsnd_control_open(const struct vmsnd_control_conf *conf, struct vmsnd_control **out);
/* For vmsnd_lane_lodge: the descriptor, and the turn with `control` as its ctx. */
int vmsnd_control_fd(const struct vmsnd_control *control);
vmsnd_ns vmsnd_control_turn(void *control, bool ready, vmsnd_ns now);
/* Whether somebody asked for the end, and has been answered as far as the socket took it. */
bool vmsnd_control_quit_asked(const struct vmsnd_control *control);
/* Tells who is connected that it ends, closes, removes the socket. NULL is ignored. */
void vmsnd_control_close(struct vmsnd_control *control);

#endif
