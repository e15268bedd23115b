/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd demo: what its files ask of each other. */
#ifndef VMSND_CLI_DEMO_H
#define VMSND_CLI_DEMO_H

#include "cli/cli.h"
#include "guests/tune.h"
#include "manager/lane_clock.h"
#include "vmsnd/machine.h"

#define DEMO_MEMORY_BYTES  (UINT64_C(1) << 20)
#define DEMO_MEMORY_GPA    UINT64_C(0x40000000)
#define DEMO_PERIOD_FRAMES 480u
#define DEMO_PERIODS       4u

struct demo;

/* A guest's driver for one kind of card. */
struct demo_driver {
	const char *device; /* the card's class */
	const char *card;   /* what it is, for people */
	size_t bytes;       /* of the driver's state */
	/* Frames of its own buffer that the card may play between the last interrupt and the
	 * driver's stop: what follows the tune. */
	uint64_t tail_frames;
	/* Finds the card and says what it found. An exit code; the line is written. */
	int (*open)(struct demo *demo);
	/* Sets the stream up; nothing is played yet. */
	void (*begin)(struct demo *demo);
	/* As far as it goes without waiting; false: it is over, and `failed` says why or is NULL.
	 */
	bool (*step)(struct demo *demo);
};

extern const struct demo_driver demo_driver_virtio, demo_driver_ac97;

struct demo {
	const char *path;
	const char *backend; /* instead of the file */
	const char *device;
	struct vmsnd_registry *registry;
	bool fast; /* virtual time: no waiting */
	vmsnd_ns now;
	struct vmsnd_lane_clock clock;
	struct vmsnd_log log;
	struct vmsnd_cli_log_state said;
	struct vmsnd_machine *machine;
	const struct demo_driver *driver;
	void *state, *memory; /* the driver's, and its guest's */
	const char *failed;
	uint64_t tune_at; /* the next frame of the tune */

	/* When each period under way was handed over, oldest first. */
	vmsnd_ns handed_over[2 * DEMO_PERIODS];
	uint64_t n_handed_over, n_back;
	vmsnd_ns longest_ns, total_ns;
};

/* For the drivers. The tune, as a player asks for it; ctx is the demo. */
uint32_t demo_read_tune(void *ctx, void *to, uint32_t frames);
/* The oldest period under way has been played. */
void demo_period_back(struct demo *demo, vmsnd_ns now);
void demo_line(const char *step, const char *line);
int demo_failed(struct demo *demo, const char *what, const char *why);
/* Waits for `next`, or a bit longer; the machine has not been advanced yet. */
void demo_wait_until(struct demo *demo, vmsnd_ns next);

/* demo_file.c: whether so many frames are the tune and what may follow it, which is so many of the
 * driver's tails at most. */
bool demo_is_tail(const struct demo *demo, uint64_t frames, unsigned tails);
/* The file beside the tune, and the last line. An exit code. */
int demo_compare(struct demo *demo);

#endif
