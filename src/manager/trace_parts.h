/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of a trace share. */
#ifndef VMSND_MANAGER_TRACE_PARTS_H
#define VMSND_MANAGER_TRACE_PARTS_H

#include "manager/trace.h"
#include "manager/trace_format.h"

struct vmsnd_trace_buffer {
	uint8_t *bytes;
	uint32_t n; /* records */
};

struct vmsnd_trace {
	struct vmsnd_trace_conf conf;
	char path[256], card[64], cls_name[32];
	vmsnd_ns now, flushed;
	uint64_t records, lost, lost_now; /* lost_now: since the last record that had room */
	uint32_t room;
	struct vmsnd_trace_buffer *active, buffers[2];
	bool stopped;

	/* The worker's while the job is under way. */
	struct vmsnd_job job;
	bool busy;
	int fd;
	struct vmsnd_trace_buffer *writing;
	int failed; /* errno of the first write that failed */
	bool failed_told;

	unsigned inside; /* calls of the device under way */
	unsigned n_ports;
	struct vmsnd_trace_port {
		struct vmsnd_port_watch watch;
		struct vmsnd_trace *trace;
		enum vmsnd_dir dir;
		unsigned stream;
	} ports[VMSND_TRACE_PORTS];
	struct vmsnd_dev_env env; /* the true one */
	struct vmsnd_card_ref real;
	struct vmsnd_dev_class cls;
	struct vmsnd_virtio_ops ops;
	struct vmsnd_pci_ops pci;
	struct vmsnd_panel_ops panel;
};

/* Time is the trace's. */
void vmsnd_trace_put(struct vmsnd_trace *trace, const struct vmsnd_trace_record *record);

/* trace_device.c. A device that is called by way of its trace is the trace; records of what only
 * looks go into it, too. */
struct vmsnd_trace *vmsnd_trace_of(const struct vmsnd_dev *dev);
void vmsnd_trace_time(struct vmsnd_trace *trace, vmsnd_ns now);
/* Around a call. */
void vmsnd_trace_enter(struct vmsnd_trace *trace, struct vmsnd_trace_record *record);
void vmsnd_trace_leave(struct vmsnd_trace *trace, struct vmsnd_trace_record *record,
		       uint64_t result);
/* trace_pci.c. NULL: it is no PCI card. */
const struct vmsnd_pci_ops *vmsnd_trace_pci(struct vmsnd_trace *trace,
					    const struct vmsnd_pci_ops *real);

#endif
