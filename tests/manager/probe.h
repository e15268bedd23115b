/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver class that tells what happened to it and does as it is told. One at a time. */
#ifndef VMSND_TESTS_PROBE_H
#define VMSND_TESTS_PROBE_H

#include "vmsnd/driver.h"

struct probe {
	struct vmsnd_driver_class cls; /* "probe,tag=a" */
	char events[512];              /* "init a, rt a, suspend a, fini a, " */
	size_t bytes;                  /* what footprint says; 0: enough */
	unsigned fail_init;            /* the n-th from now on fails; 0: none */
	unsigned again;                /* so many calls of life need time */
	bool fail_life;
	unsigned alive; /* instances */
	uint32_t frames, longest;
};

void probe_begin(struct probe *probe);
void probe_forget(struct probe *probe); /* the events */

#endif
