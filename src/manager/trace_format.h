/* SPDX-License-Identifier: BSD-3-Clause */
/* A trace file: a header, then records of one size, all little-endian (docs/tracing.md). */
#ifndef VMSND_MANAGER_TRACE_FORMAT_H
#define VMSND_MANAGER_TRACE_FORMAT_H

#include "vmsnd/types.h"

#define VMSND_TRACE_MAGIC        "VMSNDTRC"
#define VMSND_TRACE_MAJOR        1u
#define VMSND_TRACE_MINOR        0u
#define VMSND_TRACE_HEADER_BYTES 128u
#define VMSND_TRACE_RECORD_BYTES 64u
#define VMSND_TRACE_ARGS         5u

/* Numbers in files: a new one goes to the end, before COUNT. */
enum vmsnd_trace_what {
	VMSND_TRACE_GAP = 1,
	VMSND_TRACE_DEV_ADVANCE,
	VMSND_TRACE_DEV_RESET,
	VMSND_TRACE_DEV_LIFE,
	VMSND_TRACE_DEV_INIT_COMPLETE,
	VMSND_TRACE_DEV_SAVE,
	VMSND_TRACE_DEV_LOAD,
	VMSND_TRACE_DEV_FINI,
	VMSND_TRACE_DEV_FEATURES,
	VMSND_TRACE_DEV_SET_FEATURES,
	VMSND_TRACE_DEV_CONFIG_READ,
	VMSND_TRACE_DEV_QUEUE_START,
	VMSND_TRACE_DEV_QUEUE_STOP,
	VMSND_TRACE_DEV_QUEUE_ENABLE,
	VMSND_TRACE_DEV_KICK,
	VMSND_TRACE_PORT_HINT,
	VMSND_TRACE_PORT_PREPARE,
	VMSND_TRACE_PORT_FITS,
	VMSND_TRACE_PORT_START,
	VMSND_TRACE_PORT_STOP,
	VMSND_TRACE_PORT_DRAIN,
	VMSND_TRACE_PORT_RELEASE,
	VMSND_TRACE_PORT_WANTED,
	VMSND_TRACE_PORT_BEGIN,
	VMSND_TRACE_PORT_COMMIT,
	VMSND_TRACE_PORT_DONE_FRAMES,
	VMSND_TRACE_PORT_DELAY_FRAMES,
	VMSND_TRACE_PORT_DUE,
	VMSND_TRACE_MEM_CHECK,
	VMSND_TRACE_MEM_READ,
	VMSND_TRACE_MEM_WRITE,
	VMSND_TRACE_MEM_LOAD16,
	VMSND_TRACE_MEM_STORE16,
	VMSND_TRACE_MEM_ADD,
	VMSND_TRACE_MEM_REMOVE,
	VMSND_TRACE_IRQ_NOTIFY,
	VMSND_TRACE_FAULT,
	VMSND_TRACE_DEV_QUEUE_PLACE,
	VMSND_TRACE_DEV_QUEUE_RESET,
	VMSND_TRACE_DEV_JACK_SET,      /* by the owner */
	VMSND_TRACE_DEV_MIXER_CHANGED, /* by the owner */
	VMSND_TRACE_MIXER_SET,         /* by the guest */
	VMSND_TRACE_DEV_INFLIGHT,
	VMSND_TRACE_CONFIG_CHANGED,
	VMSND_TRACE_DEV_PCI_READ,
	VMSND_TRACE_DEV_PCI_WRITE,
	VMSND_TRACE_IRQ_LINE,
	VMSND_TRACE_IRQ_MESSAGE,
	VMSND_TRACE_COUNT
};

/* Calls into the device have two records, with others in between. */
enum vmsnd_trace_phase { VMSND_TRACE_ONE, VMSND_TRACE_ENTER, VMSND_TRACE_LEAVE };

struct vmsnd_trace_record {
	vmsnd_ns time;  /* the card's */
	uint16_t what;  /* enum vmsnd_trace_what */
	uint8_t phase;  /* enum vmsnd_trace_phase */
	uint8_t dir;    /* of a port's: enum vmsnd_dir */
	uint32_t index; /* of a port, a queue, a region */
	uint64_t args[VMSND_TRACE_ARGS];
	uint64_t result;
};

struct vmsnd_trace_header {
	uint16_t major, minor;
	char card[64], cls[32];
};

/* What an argument or a result is, for printing. */
enum vmsnd_trace_form {
	VMSND_TRACE_FORM_NONE,
	VMSND_TRACE_FORM_NUMBER,
	VMSND_TRACE_FORM_HEX,
	VMSND_TRACE_FORM_RC,
	VMSND_TRACE_FORM_TIME,   /* against the record's; or never */
	VMSND_TRACE_FORM_RIGHTS, /* "r", "w", "rw" */
	VMSND_TRACE_FORM_SAMPLE,
	VMSND_TRACE_FORM_RESET,
	VMSND_TRACE_FORM_LIFE,
	VMSND_TRACE_FORM_FAULT,
	VMSND_TRACE_FORM_BOOL
};

struct vmsnd_trace_kind {
	const char *name;  /* "port.prepare" */
	const char *index; /* what the index is called; NULL: none */
	struct {
		const char *name; /* NULL: no more */
		enum vmsnd_trace_form form;
	} args[VMSND_TRACE_ARGS];
	enum vmsnd_trace_form result;
};

/* NULL: no such kind. */
const struct vmsnd_trace_kind *vmsnd_trace_kind(unsigned what);

void vmsnd_trace_pack(const struct vmsnd_trace_record *record, uint8_t *bytes);
/* False: it cannot be one. */
bool vmsnd_trace_unpack(const uint8_t *bytes, struct vmsnd_trace_record *record);
void vmsnd_trace_header_pack(const char *card, const char *cls, uint8_t *bytes);
enum vmsnd_trace_header_fault {
	VMSND_TRACE_HEADER_FINE,
	VMSND_TRACE_HEADER_VERSION,
	VMSND_TRACE_HEADER_FOREIGN
};
enum vmsnd_trace_header_fault vmsnd_trace_header_unpack(const uint8_t *bytes,
							struct vmsnd_trace_header *header);

#endif
