/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine with one AC'97 card, its guest, and a host with a clock of its own, in a world whose
 * time is a number. Everything that happens is drawn from one seed.
 *
 * The guest's accesses take time, its interrupt handler comes late, all of it freezes (QMP stop),
 * the card's lane is not called for a while; the host moves blocks of its own size on its own
 * crystal. Frames carry their number, so that whoever gets them knows what is missing. */
#ifndef VMSND_TESTS_SIM_AC97_WORLD_H
#define VMSND_TESTS_SIM_AC97_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "guests/ac97_player.h"
#include "vmsnd/machine.h"

#define US     UINT64_C(1000)
#define MS     UINT64_C(1000000)
#define SECOND VMSND_NS_PER_SECOND

struct span {
	vmsnd_ns low, high; /* drawn from; high 0: never, or nothing */
};

struct ac97_world_conf {
	uint64_t seed;
	const char *device;                     /* "variant=ich4"; NULL: as it is */
	struct vmsnd_guest_params play, record; /* periods 0: not this way */
	unsigned play_on, record_on;            /* streams; record_on 0 is PCM in */
	uint64_t frames;                        /* each way */
	bool by_ports, in_vm;
	/* The host: its clock, its blocks (0: as asked), whether it calls by itself or is called by
	 * the lane. */
	double host_ppm;
	uint32_t host_block;
	bool host_threaded;
	vmsnd_ns host_jitter;
	/* The guest: how long an access takes, how late its handler comes, how much later its
	 * application, and its freezes. */
	struct span access, late, app_late;
	struct span freeze_every, freeze;
	/* The card's lane is not called for so long; and it is called at other times, too. */
	struct span hiccup_every, hiccup, extra;
};

struct ac97_ear {
	uint64_t next;       /* the number that should come */
	uint64_t gaps;       /* times that silence came between two frames, ... */
	uint64_t gap_frames; /* ... and how much */
	uint64_t quiet;      /* of it just now */
	uint64_t tail;       /* frames after the last */
	bool may_skip;       /* who is late for longer than a buffer loses what he records */
	uint64_t skipped;
	uint64_t hash;        /* of all frames from the first on */
	vmsnd_ns first, last; /* when the first and the last block of sound were moved */
};

#define WORLD_LEVELS_MAX 4096u

struct ac97_world {
	struct ac97_world_conf conf;
	uint64_t dice;
	vmsnd_ns now;
	struct vmsnd_registry *registry;
	struct vmsnd_machine *machine;
	struct vmsnd_pci_bus bus;
	struct vmsnd_ac97_guest guest;
	struct vmsnd_ac97_player player, recorder;
	void *memory;
	struct vmsnd_stream *hosts[2]; /* by direction */
	char log[256];

	bool line, in_guest;
	bool risen; /* the line, since the handler began */
	vmsnd_ns irq_at, app_at, lane_at, extra_at;
	vmsnd_ns freeze_at, frozen_until, hiccup_at, hiccup_until;

	uint64_t number;          /* playback: of the last frame written */
	uint64_t spoken;          /* capture: of the last frame the host has given */
	struct ac97_ear ear, got; /* the host's; the guest's */

	/* What was seen. */
	uint64_t zero_reads; /* of PICB, while the engine ran */
	unsigned n_levels;
	vmsnd_ns levels[WORLD_LEVELS_MAX]; /* when the line rose */
	uint64_t fill_low, fill_high;
	vmsnd_ns fill_from; /* fill is watched from here on */
	uint64_t freezes, hiccups;
};

/* A card with a guest that has opened it. */
void ac97_world_open(struct ac97_world *world, const struct ac97_world_conf *conf);
void ac97_world_close(struct ac97_world *world);
uint64_t ac97_world_dice(struct ac97_world *world, uint64_t low, uint64_t high);
/* Until `to`, whatever happens. */
void ac97_world_run(struct ac97_world *world, vmsnd_ns to);
/* Players are begun, and time goes by until both are done; fails after `at_most`. */
void ac97_world_play(struct ac97_world *world, vmsnd_ns at_most);
/* Every frame was heard once and in order, and what follows is less than a period; each way. */
void ac97_world_check(struct ac97_world *world);
uint64_t ac97_world_counter(struct ac97_world *world, const char *name);
/* Fails with the seed in front. */
__attribute__((format(printf, 2, 3), noreturn)) void ac97_world_fail(struct ac97_world *world,
								     const char *format, ...);

#endif
