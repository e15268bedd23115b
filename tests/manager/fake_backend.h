/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that does what a test tells it, and remembers what was asked of it. */
#ifndef VMSND_TESTS_FAKE_BACKEND_H
#define VMSND_TESTS_FAKE_BACKEND_H

#include <stdatomic.h>

#include "vmsnd/backend.h"

#define FAKE_BLOCK_FRAMES 480u

struct fake {
	/* What it shall do. */
	bool away;             /* open: GONE */
	enum vmsnd_rc rc;      /* open: this, when not away */
	bool streams_away;     /* stream_open: GONE */
	bool kill;             /* the next advance ends every stream */
	bool error;            /* status: ERROR */
	bool deaf;             /* no capture */
	uint32_t rate_hz;      /* of every stream; 0: as wanted */
	_Atomic bool hold;     /* slow calls wait for this to end */
	const char *no_device; /* device_set: GONE for this one */
	struct vmsnd_host_device devices[4];
	size_t n_devices;

	/* What was asked. */
	_Atomic unsigned open_tries, opens, closes, looks;
	_Atomic unsigned stream_tries, streams[2]; /* streams: open now, by direction */
	bool quiet;                                /* `again` at the last open */
	char set[2][64];
	uint64_t frames; /* played, that were not silence */
	const struct vmsnd_backend_user *user;
	void *ctx;
};

extern struct fake fake;
/* Everything at once; on workers; with notices of each stream; streams on workers. Their names are
 * "fake", "fake-slow", "fake-notices" and "fake-slow-streams". */
extern const struct vmsnd_backend_class fake_class, fake_slow_class, fake_notices_class,
    fake_slow_streams_class;
/* All of these. */
extern const struct vmsnd_backend_class *const fake_classes[];

#endif
