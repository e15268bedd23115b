/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/priority.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static _Atomic unsigned demoted;
static _Atomic bool guarded;

/* ---- raising ---- */

static bool set(int thread_id, unsigned priority)
{
	const struct sched_param param = {.sched_priority = (int)priority};

	return sched_setscheduler(thread_id, SCHED_RR | SCHED_RESET_ON_FORK, &param) == 0;
}

/* What the limits allow without privileges; 0: nothing. */
static unsigned allowed(unsigned priority)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_RTPRIO, &limit) || limit.rlim_cur == 0)
		return 0;
	return limit.rlim_cur < priority ? (unsigned)limit.rlim_cur : priority;
}

bool vmsnd_priority_raise(int thread_id, unsigned priority, char *why, size_t bytes)
{
	unsigned less;
	int error;

	if (set(thread_id, priority))
		return true;
	error = errno;
	less = allowed(priority);
	if (less > 0 && less < priority && set(thread_id, less))
		return true;
	if (error == EPERM && less == 0)
		snprintf(why, bytes, "the limit of real-time priority (ulimit -r) is 0");
	else
		snprintf(why, bytes, "the system refuses it: %s", strerror(error));
	return false;
}

/* ---- the guard ---- */

/* The system moves the limit on by a second each time; it is put back, for the next thread. */
static bool limit_spinning(void)
{
	struct rlimit limit;
	rlim_t want = VMSND_PRIORITY_SPIN_US;

	if (getrlimit(RLIMIT_RTTIME, &limit))
		return false;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max <= want)
		want = limit.rlim_max / 2;
	if (limit.rlim_cur == want)
		return true;
	limit.rlim_cur = want;
	return setrlimit(RLIMIT_RTTIME, &limit) == 0;
}

/* On the thread that it is about: the system prefers that one to all others. These are bare system
 * calls, so they may be made here. */
static void on_spinning(int number)
{
	const struct sched_param none = {.sched_priority = 0};
	int error = errno, policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;

	if ((policy == SCHED_RR || policy == SCHED_FIFO) &&
	    sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0)
		atomic_fetch_add(&demoted, 1);
	limit_spinning();
	errno = error;
}

bool vmsnd_priority_guard_install(void)
{
	struct sigaction action = {.sa_handler = on_spinning, .sa_flags = SA_RESTART};

	if (sigaction(SIGXCPU, &action, NULL) || !limit_spinning())
		return false;
	atomic_store(&guarded, true);
	return true;
}

void vmsnd_priority_guard_this(void)
{
	sigset_t one;

	if (!atomic_load(&guarded))
		return;
	sigemptyset(&one);
	sigaddset(&one, SIGXCPU);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

void vmsnd_priority_guard_keep(void)
{
	if (atomic_load(&guarded))
		limit_spinning();
}

unsigned vmsnd_priority_demoted(void)
{
	return atomic_load_explicit(&demoted, memory_order_relaxed);
}
