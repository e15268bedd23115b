/* SPDX-License-Identifier: BSD-3-Clause */
/* Event descriptors that a VMM sends: eventfds as a rule, but a VMM may send anything. Nothing here
 * waits, or raises a signal. */
#ifndef VMSND_TRANSPORTS_EVENT_H
#define VMSND_TRANSPORTS_EVENT_H

#include "vmsnd/types.h"

/* One that we read. */
struct vmsnd_event_in {
	int fd;         /* -1: none */
	bool pipe;      /* not a counter: one read leaves the rest */
	unsigned reads; /* in the millisecond from reads_from on */
	vmsnd_ns reads_from;
};

enum vmsnd_event_got {
	VMSND_EVENT_NONE,
	VMSND_EVENT_CAME,
	VMSND_EVENT_GONE,   /* its other end is closed: it would be readable for ever */
	VMSND_EVENT_ENDLESS /* it never runs empty */
};

/* One that we write. */
struct vmsnd_event_out {
	int fd;    /* -1: none */
	bool pipe; /* a write can raise SIGPIPE */
};

/* NULL, or why `fd` is none. */
const char *vmsnd_event_refuse(int fd);
/* Takes `fd` over (-1: none) and closes the one before. Who watches it unwatches it first. */
void vmsnd_event_in_set(struct vmsnd_event_in *event, int fd);
enum vmsnd_event_got vmsnd_event_in_read(struct vmsnd_event_in *event, vmsnd_ns now);
void vmsnd_event_out_set(struct vmsnd_event_out *event, int fd);
/* Drops it when it can never be written to again. */
void vmsnd_event_out_signal(struct vmsnd_event_out *event);
/* A write to a pipe that may be full or have lost its reader. False: it can never be written to
 * again. */
bool vmsnd_event_write_pipe(int fd, const void *from, size_t bytes);

#endif
