/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/driver.h - a driver in a chain: something between the connector and a backend that changes
 * the sound of one output, such as a delay.
 *
 * An output is a numbered socket (a LUN) of its card. Its chain is linear (DM-61): the connector,
 * any number of drivers from top to bottom, the backend. A driver sees blocks in the host's format
 * and works in place; playback passes from top to bottom, capture from bottom to top. One instance
 * serves one stream in one direction and one format: other format, other instance.
 *
 * Threads: process_rt is called on the backend's audio thread, everything else on the lane while
 * process_rt is not under way, unless it says otherwise. */
#ifndef VMSND_DRIVER_H
#define VMSND_DRIVER_H

#include "config.h"
#include "life.h"
#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMSND_DRIVER_ABI 1u
/* Of one instance (DM-07). A driver that wants more is refused. */
#define VMSND_DRIVER_BYTES_MAX (16u * 1024u * 1024u)

struct vmsnd_driver; /* the instance's private state, in the caller's storage */

struct vmsnd_driver_conf {
	const struct vmsnd_conf *options;
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	uint32_t max_frames;         /* no block is larger */
	const struct vmsnd_log *log; /* outlives the driver; the rest is good for the call */
};

struct vmsnd_driver_class {
	uint32_t abi; /* VMSND_DRIVER_ABI */
	const char *name, *summary;
	const struct vmsnd_option *options; /* may be NULL */
	uint32_t max_instances;             /* in the chains of one machine at a time; 1 or more */

	/* Bytes that init needs; 0: this driver cannot work with such a stream, which then passes
	 * it by (said once). Storage is zeroed, aligned to 64. */
	size_t (*footprint)(const struct vmsnd_driver_conf *conf);
	enum vmsnd_rc (*init)(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf);
	/* In place; `frames` is at most max_frames. */
	void (*process_rt)(struct vmsnd_driver *driver, void *samples, uint32_t frames);

	/* ---- all from here may be NULL ---- */

	/* Called once for every init, also for one that failed (DM-39). */
	void (*fini)(struct vmsnd_driver *driver);
	/* What it adds to the way of a frame; asked after init, and after load. */
	uint32_t (*delay_frames)(const struct vmsnd_driver *driver);
	enum vmsnd_rc (*life)(struct vmsnd_driver *driver, enum vmsnd_life what, vmsnd_ns now);
	/* What it holds of the sound; loaded into an instance of the same format and options.
	 * VMSND_E_INVALID: not its own; it is then as init left it. */
	void (*save)(const struct vmsnd_driver *driver, struct vmsnd_state_writer *to);
	enum vmsnd_rc (*load)(struct vmsnd_driver *driver, struct vmsnd_state_reader *from);
	/* What the option table cannot check, before any instance is made. VMSND_E_INVALID: *what
	 * is a constant line, which begins with the key. */
	enum vmsnd_rc (*check)(const struct vmsnd_conf *options, const char **what);

	uint32_t abi_end; /* VMSND_DRIVER_ABI once more (DM-03) */
};

#ifdef __cplusplus
}
#endif
#endif
