/* SPDX-License-Identifier: BSD-3-Clause */
/* The floor: a copy, and loops that only wake up and signal. */
#include "floor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

#define PERIOD_BYTES (480u * 4u)
#define PERIODS      100u
#define PERIOD_NS    10000000u
#define COPY_SECONDS 2000u

uint64_t bench_floor_copy_ns(void)
{
	uint8_t *from = malloc(4 * PERIOD_BYTES), *to = malloc(64 * PERIOD_BYTES);
	uint64_t begin;

	if (!from || !to)
		bench_fail("out of memory");
	memset(from, 0x5a, 4 * PERIOD_BYTES);
	memset(to, 0, 64 * PERIOD_BYTES);
	begin = bench_own_cpu_ns();
	for (unsigned i = 0; i < COPY_SECONDS * PERIODS; i++) {
		uint8_t *at = to + i % 64 * PERIOD_BYTES;

		memcpy(at, from + i % 4 * PERIOD_BYTES, PERIOD_BYTES);
		__asm__ volatile("" : : "r"(at) : "memory");
	}
	begin = bench_own_cpu_ns() - begin;
	free(from);
	free(to);
	return begin / COPY_SECONDS;
}

/* The other side: waits for a call, answers with a kick where there is one. */
static _Noreturn void answer(int call, int kick)
{
	uint64_t count = 1;

	while (read(call, &count, sizeof(count)) == (ssize_t)sizeof(count)) {
		count = 1;
		if (kick >= 0 && write(kick, &count, sizeof(count)) < 0)
			break;
	}
	_exit(0);
}

static uint64_t loop(int epoll, int call, int kick, unsigned seconds)
{
	uint64_t begin = bench_own_cpu_ns(), due = bench_now_ns(), one = 1, count;

	for (unsigned i = 0; i < seconds * PERIODS; i++) {
		due += PERIOD_NS;
		for (uint64_t now = bench_now_ns(); now < due; now = bench_now_ns()) {
			struct timespec wait = {.tv_nsec = (long)(due - now)};
			struct epoll_event event;

			if (epoll_pwait2(epoll, &event, 1, &wait, NULL) == 1 &&
			    read(kick, &count, sizeof(count)) < 0)
				bench_fail("the floor's kick cannot be read");
		}
		if (write(call, &one, sizeof(one)) < 0)
			bench_fail("the floor's call cannot be raised");
	}
	return (bench_own_cpu_ns() - begin) / seconds;
}

static uint64_t run(unsigned seconds, bool kicked)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), call = eventfd(0, EFD_CLOEXEC);
	int kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN};
	uint64_t cost;
	pid_t other;

	if (epoll < 0 || call < 0 || kick < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, kick, &event))
		bench_fail("no descriptors for the floor");
	other = fork();
	if (other < 0)
		bench_fail("no process for the floor");
	if (other == 0)
		answer(call, kicked ? kick : -1);
	cost = loop(epoll, call, kick, seconds);
	kill(other, SIGKILL);
	while (waitpid(other, NULL, 0) < 0 && errno == EINTR)
		;
	close(epoll);
	close(call);
	close(kick);
	return cost;
}

uint64_t bench_floor_tick_ns(unsigned seconds)
{
	return run(seconds, false);
}

uint64_t bench_floor_kicked_ns(unsigned seconds)
{
	return run(seconds, true);
}
