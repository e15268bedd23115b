/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-watch: how long this machine's CPUs were not there for who wanted them. Until SIGTERM a
 * thread on each asks to be woken every 2 ms; the last line says how late the latest one was:
 * "worst_ms=12.3". */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* affinity */
#endif
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define CPUS_MAX  64
#define PERIOD_NS 2000000

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *watch(void *arg)
{
	_Atomic int64_t *worst = arg;
	const struct timespec nap = {.tv_nsec = PERIOD_NS};

	for (;;) {
		int64_t before = now_ns(), late;

		nanosleep(&nap, NULL);
		late = now_ns() - before - PERIOD_NS;
		if (late > atomic_load(worst))
			atomic_store(worst, late);
	}
	return NULL;
}

/* One that cannot be bound to its CPU watches any. */
static void watch_cpu(size_t cpu, _Atomic int64_t *worst)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	if (pthread_create(&thread, &attr, watch, worst))
		pthread_create(&thread, NULL, watch, worst);
	pthread_attr_destroy(&attr);
}

int main(void)
{
	static _Atomic int64_t worst[CPUS_MAX];
	cpu_set_t ours;
	sigset_t end;
	int64_t most = 0;
	int which;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	CPU_ZERO(&ours);
	sched_getaffinity(0, sizeof(ours), &ours);
	for (size_t cpu = 0; cpu < CPUS_MAX; cpu++)
		if (CPU_ISSET(cpu, &ours))
			watch_cpu(cpu, &worst[cpu]);
	sigwait(&end, &which);
	for (size_t cpu = 0; cpu < CPUS_MAX; cpu++)
		if (atomic_load(&worst[cpu]) > most)
			most = atomic_load(&worst[cpu]);
	printf("worst_ms=%.1f\n", (double)most / 1e6);
	return 0;
}
