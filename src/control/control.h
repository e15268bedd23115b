/* SPDX-License-Identifier: BSD-3-Clause */
/* The control server: a Unix socket through which the program is asked and told things while it
 * runs, in the shape of QEMU's machine protocol (docs/control.md).
 *
 * It has no thread of its own and never waits: a program's loop has it take its turns. The
 *machine's functions may be called from any thread, so the loop need not be a lane. What `vmsnd
 *serve` does:
 *
 *	struct vmsnd_wake wake;
 *
 *	vmsnd_wake_open(&wake);
 *	machine_conf.changed = vmsnd_control_poke;
 *	machine_conf.changed_ctx = &wake;
 *	vmsnd_machine_open(&machine_conf, &machine);
 *	control_conf.machine = machine;
 *	control_conf.wake = &wake;
 *	vmsnd_control_open(&control_conf, &control);
 *	vmsnd_loop_watch(loop, vmsnd_control_fd(control), TOKEN);
 *	for (next = now(); !vmsnd_control_quit_asked(control);)
 *		next = vmsnd_control_turn(control, loop_waited(until next, for TOKEN), now());
 *	vmsnd_control_close(control);
 *	vmsnd_machine_close(machine, now());
 *	vmsnd_wake_close(&wake);
 *
 * The wake is the program's, since the machine may have somebody poked after the server is gone.
 * A turn that is taken early, or with `ready` where nothing is, does no harm. All of it happens
 * on one thread, the one that called vmsnd_overhear. */
#ifndef VMSND_CONTROL_CONTROL_H
#define VMSND_CONTROL_CONTROL_H

#include "control/overhear.h"
#include "os/wake.h"
#include "vmsnd/machine.h"

#define VMSND_CONTROL_CLIENTS_MAX   16u
#define VMSND_CONTROL_REQUEST_BYTES 65536u
/* What may wait for a client that does not read before an event lets it go. */
#define VMSND_CONTROL_QUEUE_BYTES (256u * 1024u)
/* How long something may wait for such a client. */
#define VMSND_CONTROL_PATIENCE_NS (10 * VMSND_NS_PER_SECOND)

/* What one client may ask for in a second, and what it may ask for at once after a rest. Whoever
 * asks for more is served later. */
#define VMSND_CONTROL_REQUESTS_PER_S 200u
#define VMSND_CONTROL_REQUESTS_BURST 400u
/* How long a command may take before it is answered with an error, though it goes on. */
#define VMSND_CONTROL_LONGEST_NS (60 * VMSND_NS_PER_SECOND)

struct vmsnd_control;

struct vmsnd_control_conf {
	const char *path;              /* of the socket; mode 0600 */
	struct vmsnd_machine *machine; /* outlives the server */
	const struct vmsnd_log *log;   /* likewise */
	struct vmsnd_overheard *heard; /* what `log` and the machine write to, or NULL */
	/* What the program was configured with, for what is no machine's (lanes, modules, the
	 * socket); outlives the server. NULL: nothing. */
	const struct vmsnd_node *root;
	int64_t (*wall_us)(void); /* for the time stamps of events */
	/* Somebody pokes it when there may be something new; open, outlives the server. NULL:
	 * changes are found by looking now and then. */
	struct vmsnd_wake *wake;
};

/* Listens when it returns. On failure one line is in the log. */
enum vmsnd_rc vmsnd_control_open(const struct vmsnd_control_conf *conf, struct vmsnd_control **out);
/* For vmsnd_machine_conf.changed, with the wake as its ctx. Any thread. */
void vmsnd_control_poke(void *wake);
/* Readable when it wants a turn. */
int vmsnd_control_fd(const struct vmsnd_control *control);
/* `ready`: the descriptor is readable. `now`: the monotonic clock of the loop; commands hand it to
 * the machine. Returns when the next turn is to be at the latest, VMSND_NEVER: when the descriptor
 * is readable. `control` is a struct vmsnd_control. */
vmsnd_ns vmsnd_control_turn(void *control, bool ready, vmsnd_ns now);
/* Whether somebody asked for the end, and has been answered as far as the socket took it. */
bool vmsnd_control_quit_asked(const struct vmsnd_control *control);
/* Tells who is connected that it ends, closes, removes the socket. NULL is ignored. */
void vmsnd_control_close(struct vmsnd_control *control);

#endif
