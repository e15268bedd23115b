/* SPDX-License-Identifier: BSD-3-Clause */
/* Control elements as a driver reads them. */
#ifndef VMSND_TESTS_CONFORMANCE_CTL_H
#define VMSND_TESTS_CONFORMANCE_CTL_H

#include "request.h"

#define CTLS_MAX        128u
#define CTL_VALUE_BYTES 512u
#define CTL_ITEM_BYTES  64u

enum { CTL_BOOLEAN, CTL_INTEGER, CTL_INTEGER64, CTL_ENUMERATED, CTL_BYTES, CTL_IEC958 };

#define CTL_CAN_READ      0x01u
#define CTL_CAN_WRITE     0x02u
#define CTL_VOLATILE      0x04u
#define CTL_INACTIVE      0x08u
#define CTL_CAN_TLV_READ  0x10u
#define CTL_CAN_TLV_WRITE 0x20u
#define CTL_CAN_TLV_ORDER 0x40u

struct ctl {
	uint32_t id, group, role, type, access, count, index;
	char name[44];
	int64_t min, max;
	uint64_t step;
	uint32_t items;
};

/* Those there are, as many as fit; 0, and the row has failed, when they cannot be read. */
unsigned ctl_read_all(struct run *run, struct ctl out[CTLS_MAX]);

#endif
