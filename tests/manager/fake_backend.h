/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that does what a test tells it, and remembers what was asked of it. */
#ifndef VMSND_TESTS_FAKE_BACKEND_H
#define VMSND_TESTS_FAKE_BACKEND_H

#include <stdatomic.h>

#include "vmsnd/backend.h"
#include "vmsnd/module.h"

#define FAKE_BLOCK_FRAMES 480u

struct fake {
	/* What it shall do. */
	_Atomic bool away;         /* open: GONE */
	_Atomic int rc;            /* open: this, when not away */
	_Atomic bool streams_away; /* stream_open: GONE */
	_Atomic bool kill;         /* the next advance ends every stream */
	_Atomic bool error;        /* status: ERROR */
	_Atomic bool deaf;         /* no capture */
	_Atomic uint32_t rate_hz;  /* of every stream; 0: as wanted */
	_Atomic bool hold;         /* slow calls wait for this to end */
	_Atomic bool hold_streams; /* the same, but only stream_open does */
	const char *no_device;     /* device_set: GONE for this one */
	_Atomic int volume_rc;     /* stream_volume_set: this */
	struct vmsnd_host_device devices[4];
	size_t n_devices;

	/* What was asked. */
	_Atomic unsigned open_tries, opens, closes, looks, fact_looks;
	_Atomic unsigned stream_tries, streams[2]; /* streams: open now, by direction */
	_Atomic bool quiet;                        /* `again` at the last open */
	char set[2][64];
	_Atomic int32_t turned_mdb; /* of the host's mixer, which begins at -6 dB */
	_Atomic bool muted;
	_Atomic uint64_t frames; /* played, that were not silence */
	const struct vmsnd_backend_user *user;
	void *ctx;
};

extern struct fake fake;
/* Everything at once; on workers; with notices of each stream; streams on workers. Their names are
 * "fake", "fake-slow", "fake-notices" and "fake-slow-streams". */
extern const struct vmsnd_backend_class fake_class, fake_slow_class, fake_notices_class,
    fake_slow_streams_class;
/* All of these. */
/* What the library has, and the fakes. */
struct vmsnd_registry *fake_registry(void);

/* The last that was opened, if it is not closed yet, says that devices changed (`dir` -1), or that
 * the default one of a direction did. */
void fake_notice(int dir);

#endif
