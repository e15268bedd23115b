/* SPDX-License-Identifier: BSD-3-Clause */
/* What this machine costs before we do anything: the floor under every figure. */
#ifndef VMSND_BENCH_FLOOR_H
#define VMSND_BENCH_FLOOR_H

#include <stdint.h>

/* CPU nanoseconds to copy one second of 48 kHz stereo S16 in periods of 10 ms. */
uint64_t bench_floor_copy_ns(void);
/* CPU nanoseconds of one second of the barest loop: wake every 10 ms, raise an eventfd that
 * another process waits for. Runs for `seconds`. */
uint64_t bench_floor_tick_ns(unsigned seconds);
/* The same with a second wake-up a period, by an eventfd that the other process raises: what a
 * card does whose guest kicks for each period. */
uint64_t bench_floor_kicked_ns(unsigned seconds);

#endif
