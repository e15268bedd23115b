/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that may not allocate, lock or enter the kernel: whoever does aborts the process with a
 * line on stderr that says what it was.
 *
 * Allocation and locks are caught by functions of the same names in this executable, which come
 * before the C library's for every library in the process; system calls by the kernel itself
 * (syscall user dispatch, Linux 5.11). Between enter and leave only. */
#ifndef VMSND_TESTS_RT_GUARD_H
#define VMSND_TESTS_RT_GUARD_H

#include <stdbool.h>

/* Each thread that is to be guarded, once. False: the kernel cannot, `*why` says more. */
bool rt_guard_init(const char **why);
/* Very cheap, so put them right around the call in question. They do not nest. */
void rt_guard_enter(void);
void rt_guard_leave(void);
/* How often this process has entered. */
unsigned long rt_guard_entered(void);

#endif
