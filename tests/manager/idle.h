/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions that a device has to have, of one that does nothing. */
#ifndef VMSND_TESTS_IDLE_H
#define VMSND_TESTS_IDLE_H

#include "vmsnd/device.h"

static inline void idle_reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
}

static inline vmsnd_ns idle_advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	return VMSND_NEVER;
}

static inline size_t idle_counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out,
				   size_t max)
{
	return 0;
}

#endif
