/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/clock.h"

#include <time.h>

vmsnd_ns vmsnd_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (vmsnd_ns)now.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)now.tv_nsec;
}

void vmsnd_clock_sleep_until(vmsnd_ns until)
{
	struct timespec time = {.tv_sec = (time_t)(until / VMSND_NS_PER_SECOND),
				.tv_nsec = (long)(until % VMSND_NS_PER_SECOND)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

int64_t vmsnd_clock_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
