/* SPDX-License-Identifier: BSD-3-Clause */
/* The packed half of rig.h's rings, for rig.c. */
#ifndef VMSND_TESTS_DEVICE_RIG_PACKED_H
#define VMSND_TESTS_DEVICE_RIG_PACKED_H

#include "rig.h"

/* rig.c: the lowest that is free. */
uint16_t rig_take_descriptor(struct rig_queue *q);

uint16_t rig_packed_post(struct rig *rig, unsigned queue, const struct rig_segment *segments,
			 unsigned n, bool indirect);
/* The used entry at `*place`, which is moved behind it; false: there is none. */
bool rig_packed_take(struct rig *rig, unsigned queue, uint16_t *place, uint32_t *id,
		     uint32_t *written);
void rig_packed_free(struct rig_queue *q, uint32_t id);

#endif
