/* SPDX-License-Identifier: BSD-3-Clause */
/* A `vmsnd serve` of our own to measure, and what the kernel says of it. */
#ifndef VMSND_BENCH_SERVER_H
#define VMSND_BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_server {
	/* For start alone. */
	const char *device; /* NULL: virtio-snd */
	const char *more;   /* options of the card, a comma in front; NULL: none */
	pid_t pid;
	char directory[80];
	char socket[100];
	uint64_t listening_ns; /* from the spawn to the first connect that succeeded */
};

uint64_t bench_now_ns(void);
/* CPU time of this process. */
uint64_t bench_own_cpu_ns(void);
/* Ends the program with a line. */
_Noreturn void bench_fail(const char *what);

/* Starts `program serve` with one card and this backend, and waits until it
 * listens. `probe`: by connecting and hanging up. Otherwise the socket's existence is waited
 * for, the first connection is the caller's to make, a moment later, and the server ends
 * with it, so that none is left behind by a bench that failed. */
void bench_server_start(struct bench_server *server, const char *program, const char *backend,
			bool probe);
void bench_server_stop(struct bench_server *server);

uint64_t bench_server_cpu_ns(const struct bench_server *server);
/* A line of /proc/PID/status in its own unit (VmRSS: KiB); 0 when there is none. */
uint64_t bench_server_status(const struct bench_server *server, const char *key);
/* strace counting the server's system calls. start: false when there is no strace. stop: how
 * many there were since, negative when it may not watch. */
struct bench_tracer {
	pid_t pid;
	char path[128];
};
bool bench_tracer_start(struct bench_tracer *tracer, const struct bench_server *server);
double bench_tracer_stop(struct bench_tracer *tracer);

#endif
