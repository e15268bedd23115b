/* SPDX-License-Identifier: BSD-3-Clause */
/* base/near.h - "did you mean". */
#ifndef VMSND_BASE_NEAR_H
#define VMSND_BASE_NEAR_H

#include "vmsnd/types.h"

/* Looks for the name that was meant. Begin with vmsnd_near_begin, offer every allowed name. */
struct vmsnd_near {
	const char *name;  /* what was typed */
	const char *best;  /* NULL: none is near enough */
	unsigned distance; /* twice, and one more for another length */
};

struct vmsnd_near vmsnd_near_begin(const char *name);
void vmsnd_near_offer(struct vmsnd_near *near, const char *allowed);

#endif
