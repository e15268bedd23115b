/* SPDX-License-Identifier: BSD-3-Clause */
/* The event loop of one lane: a set of watched descriptors and a wait with a deadline.
 *
 * Ours, on epoll, and not sd-event: the library must run without libsystemd, and a lane
 * that sleeps in epoll_pwait2 until its next block makes one system call a tick where
 * a timer descriptor makes three (docs/architecture.md has the figures). */
#ifndef VMSND_OS_LOOP_H
#define VMSND_OS_LOOP_H

#include "vmsnd/status.h"

struct vmsnd_loop;

/* VMSND_E_NOMEM, VMSND_E_SYSTEM. */
enum vmsnd_rc vmsnd_loop_open(struct vmsnd_loop **out);
void vmsnd_loop_close(struct vmsnd_loop *loop);

/* `token` comes back from wait whenever `fd` is readable or hung up. */
enum vmsnd_rc vmsnd_loop_watch(struct vmsnd_loop *loop, int fd, uint64_t token);
/* What of a watched `fd` wakes from now on: something to read, room to write, both, or neither; a
 * hang-up always does. */
enum vmsnd_rc vmsnd_loop_interest(struct vmsnd_loop *loop, int fd, uint64_t token, bool in,
				  bool out);
/* Before `fd` is closed. A descriptor that is not watched is ignored. */
void vmsnd_loop_unwatch(struct vmsnd_loop *loop, int fd);

/* A descriptor that is readable while a wait would find something: a loop inside another. */
int vmsnd_loop_fd(const struct vmsnd_loop *loop);

/* Waits at most `wait_ns` (VMSND_NEVER: for ever; 0: not at all) and fills at most `max`
 * tokens; returns how many. A signal ends the wait early with 0. */
size_t vmsnd_loop_wait(struct vmsnd_loop *loop, vmsnd_ns wait_ns, uint64_t *tokens, size_t max);

/* A descriptor that becomes readable when SIGTERM or SIGINT arrives; both are blocked for
 * the calling thread from now on. Negative on failure. */
int vmsnd_loop_stop_signals(void);

#endif
