/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/clock.h"

#include <time.h>

vmsnd_ns vmsnd_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (vmsnd_ns)now.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)now.tv_nsec;
}
