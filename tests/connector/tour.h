/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit that goes from host to host, and what they all heard, one after the other. Frames carry
 * their number, so that one too few or too many is seen, wherever it was played. */
#ifndef VMSND_TESTS_CONNECTOR_TOUR_H
#define VMSND_TESTS_CONNECTOR_TOUR_H

#include "rig.h"

#define SPARE 5u /* hosts from here on are in no unit at first */

enum kind { PACED, THREADED, DRAINS, FOLLOWS, KINDS };

void be(struct vmsnd_backend *host, enum kind kind);

struct tour {
	struct rig *rig;
	unsigned unit;
	struct vmsnd_backend *now, *next;
	size_t seen[2]; /* of now, of next */
	uint32_t last;
	size_t silence; /* between frames */
	size_t quiet;   /* since the last frame */
	uint64_t done;
	uint32_t seed;
};

/* The unit's host, and one that is in no unit. */
struct tour tour_of(struct rig *rig, unsigned unit, uint32_t seed);
uint32_t tour_below(struct tour *tour, uint32_t limit); /* at random */
/* What both have heard follows on what they had: asserts that. */
void tour_check(struct tour *tour);
struct vmsnd_lun_next_conf tour_conf(const struct tour *tour, struct vmsnd_backend *host);
void tour_next(struct tour *tour);   /* prepares the change */
void tour_change(struct tour *tour); /* makes it, and checks */
void tour_assert_state(const struct tour *tour, enum vmsnd_lun_next state);

#endif
