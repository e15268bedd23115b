/* SPDX-License-Identifier: BSD-3-Clause */
/* A card's trace: all that is asked of its device, and all the device asks for, into a file
 * (DM-54). docs/tracing.md; `vmsnd trace` prints it.
 *
 * Records gather in one of two buffers while a worker writes the other: the lane never waits for
 * the disk. What finds no room is counted, and a record says how many are missing. All on the lane.
 *
 * A card that is traced is made so:
 *   vmsnd_trace_open, before the device's init;
 *   vmsnd_trace_guard(trace, guard), and mem->guard = guard;
 *   port_conf.watch = vmsnd_trace_port(trace, dir, stream) for each port;
 *   vmsnd_trace_env(trace, &env), once env is filled, before init;
 *   after init: ref = vmsnd_trace_card(trace, ref), and from then on that one is called, by the
 *   transport too;
 *   vmsnd_trace_tend at the end of each step, and when a job is done;
 *   vmsnd_trace_stop after fini, then vmsnd_trace_gone until it says so. */
#ifndef VMSND_MANAGER_TRACE_H
#define VMSND_MANAGER_TRACE_H

#include "connector/connector.h"
#include "vmsnd/transport.h"

struct vmsnd_trace;

#define VMSND_TRACE_ROOM 16384u /* records in a buffer: one MiB */
/* What is there is written after so long. */
#define VMSND_TRACE_FLUSH_NS VMSND_NS_PER_SECOND

struct vmsnd_trace_conf {
	const char *path, *card, *cls;         /* copied */
	const struct vmsnd_connector_env *env; /* this and the next outlive the trace */
	const struct vmsnd_log *log;
	uint32_t room; /* records in a buffer; 0: VMSND_TRACE_ROOM */
};

/* Makes the file, readable to its owner only. On failure one line is in the log: VMSND_E_SYSTEM,
 * VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_trace_open(const struct vmsnd_trace_conf *conf, vmsnd_ns now,
			       struct vmsnd_trace **out);
void vmsnd_trace_stop(struct vmsnd_trace *trace);
/* After stop: true once all is written and the trace is freed. */
bool vmsnd_trace_gone(struct vmsnd_trace *trace);
/* Has what there is written, if it is time; when to come next. */
vmsnd_ns vmsnd_trace_tend(struct vmsnd_trace *trace, vmsnd_ns now);
/* Records that went into the file or will, and those that did not. */
uint64_t vmsnd_trace_records(const struct vmsnd_trace *trace);
uint64_t vmsnd_trace_lost(const struct vmsnd_trace *trace);

/* Sets the guard's ctx and told; its window is the caller's. */
void vmsnd_trace_guard(struct vmsnd_trace *trace, struct vmsnd_gmem_guard *guard);
/* Good until the trace is gone. NULL: more ports than VMSND_TRACE_PORTS. */
#define VMSND_TRACE_PORTS 128u
const struct vmsnd_port_watch *vmsnd_trace_port(struct vmsnd_trace *trace, enum vmsnd_dir dir,
						unsigned stream);
/* Interrupts and guest_fault are recorded and go on to what was there. */
void vmsnd_trace_env(struct vmsnd_trace *trace, struct vmsnd_dev_env *env);
/* The same device by way of the trace. Good until the trace is gone. */
struct vmsnd_card_ref vmsnd_trace_card(struct vmsnd_trace *trace, struct vmsnd_card_ref card);

#endif
