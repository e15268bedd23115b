/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine that only remembers what it was told and shows what the test wrote into it. */
#ifndef TESTS_CONTROL_DOUBLE_H
#define TESTS_CONTROL_DOUBLE_H

#include "vmsnd/machine.h"

#define DOUBLE_CARDS   3u
#define DOUBLE_STREAMS 8u
/* The number that every reattach has. */
#define DOUBLE_REATTACH UINT64_C(5000000000)

struct double_card {
	const char *name;
	bool on[2], paused;
	struct vmsnd_guard_status guard;
	bool gone; /* its number is a gap; status.cards does not count it */
	struct vmsnd_stream_status streams[DOUBLE_STREAMS];
	size_t n_streams;
	/* Where `backend` is NULL: an output of the streams that have its number, if any. */
	struct vmsnd_output_status outputs[VMSND_OUTPUTS_MAX];
	struct vmsnd_mixer mixers[2][2]; /* by direction and stream; there are so many */
	struct vmsnd_tap_conf tap;       /* its path NULL: none is set */
	struct vmsnd_jack_status jack;   /* the only one; its name "": none */
};

/* The machine of the public header, in the test's own storage. */
struct vmsnd_machine {
	struct vmsnd_machine_status status;
	struct double_card cards[DOUBLE_CARDS];
	enum vmsnd_rc rc;            /* what the next calls give */
	const char *line;            /* what they log first */
	const struct vmsnd_log *log; /* where to */
	void (*during)(void *ctx);   /* called in the middle of the next calls, unless NULL */
	void *during_ctx;
	unsigned calls;             /* that change something, so far */
	char called[300];           /* the last call that changes something */
	struct vmsnd_volume volume; /* the last one set */
	unsigned n_host_devices;
	struct vmsnd_fact facts[2]; /* of every output */
	size_t n_facts;             /* 0: its backend tells nothing */
	enum vmsnd_machine_phase phase;
	enum vmsnd_life life;     /* the last one asked for */
	unsigned again;           /* how often a life, or a reattach, is not done yet */
	unsigned reattaching;     /* the card whose reattach it is */
	enum vmsnd_rc reattached; /* how that ends */
	enum vmsnd_rc saved;      /* how a save ends */
	char node[400];           /* the last card-add's, as YAML */
	struct vmsnd_registry *registry;
};

/* Two cards, "first" and "second", with a playback and a capture stream on one output. */
void double_init(struct vmsnd_machine *machine);

#endif
