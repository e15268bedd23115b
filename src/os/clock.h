/* SPDX-License-Identifier: BSD-3-Clause */
/* The real clock. Only lanes and the program read it; everybody else is told the time. */
#ifndef VMSND_OS_CLOCK_H
#define VMSND_OS_CLOCK_H

#include "vmsnd/types.h"

/* CLOCK_MONOTONIC. Any thread. */
vmsnd_ns vmsnd_clock_now(void);
/* Microseconds since 1970, as the wall clock has it: for time stamps only. Any thread. */
int64_t vmsnd_clock_wall_us(void);
/* Sleeps until the clock shows `until`; earlier when a signal comes. */
void vmsnd_clock_sleep_until(vmsnd_ns until);

#endif
