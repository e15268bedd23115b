/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulation's world with backends of the test's own, and every line of its log kept. */
#ifndef VMSND_TESTS_STAGE_H
#define VMSND_TESTS_STAGE_H

#include "../sim/sim.h"
#include "fake_backend.h"

#define PERIOD 480u /* 10 ms at 48 kHz */

struct stage {
	struct sim sim;
	struct vmsnd_registry *registry;
	struct vmsnd_guest_player player;
	struct sim_signal signal;
	char lines[64][256]; /* warnings, errors and what an owner is told; the newest last */
	unsigned n_lines;
};

void stage_open(struct stage *stage);
void stage_close(struct stage *stage);
/* The same, of which the machine is closed already. */
void stage_forget(struct stage *stage);
/* How many lines hold this. */
unsigned stage_count(const struct stage *stage, const char *part);
/* A guest that begins to play `frames` stereo frames on card 0. */
void stage_play(struct stage *stage, uint64_t frames);
void stage_run(struct stage *stage, vmsnd_ns ns);
/* Until the guest is done. */
void stage_finish(struct stage *stage);
unsigned stage_attach(struct stage *stage, const char *backend);
/* The one stream of this direction, number 0, on an output; fails when there is none. */
struct vmsnd_stream_status stage_status(struct stage *stage, enum vmsnd_dir dir, unsigned output);
bool stage_has(struct stage *stage, enum vmsnd_dir dir, unsigned output);
/* Asserts that the file holds frames of the guest's sound, in order and without a hole, from some
 * frame on, with silence at most before and after. Returns the first's number; *frames: how many.
 */
uint64_t stage_assert_piece(struct stage *stage, const char *name, uint64_t *frames);

#endif
