/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is traced, and what `vmsnd trace` prints of it. */
#ifndef TESTS_TRACE_RIG_H
#define TESTS_TRACE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../connector/rig.h"
#include "manager/trace.h"
#include "manager/trace_format.h"

/* What a test's device is. */
struct vmsnd_dev {
	const struct vmsnd_dev_env *env;
	unsigned calls;
};

struct world {
	char path[64];
	struct rig rig;
	struct vmsnd_connector_env env;
	struct vmsnd_job *jobs[16]; /* held until work */
	unsigned n_jobs;
	bool hold, refuse;
	struct vmsnd_log log;
	char said[512];
	unsigned notified, faults, lines, messages;
	bool high;
	struct vmsnd_msi message;
	struct vmsnd_dev dev;
	struct vmsnd_dev_env dev_env;
	struct vmsnd_gmem mem;
	struct vmsnd_gmem_guard guard;
	struct vmsnd_card_ref card;
	struct vmsnd_trace *trace;
	uint8_t memory[64];
};

/* The program: the test's first argument. */
extern const char *trace_program;

/* `room`: records in a buffer; 0: the usual. */
void trace_begin(struct world *world, const struct vmsnd_dev_class *cls, uint32_t room);
enum vmsnd_rc trace_open(struct world *world, uint32_t room);
void trace_end(struct world *world);
/* What the worker was given and has held. */
void trace_work(struct world *world);
/* What the program prints, standard error last; its exit code. */
int trace_print(struct world *world, const char *options, char *text, size_t bytes);
void trace_expect(struct world *world, const char *options, const char *want);

#endif
