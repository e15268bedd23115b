/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting, watching and stopping the server that is measured. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS UINT64_C(5000000000)

extern char **environ;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec at;

	if (clock_gettime(clock, &at))
		return 0;
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

uint64_t bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_own_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static bool connects(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool done;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	done = fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0;
	close(fd);
	return done;
}

static bool listens(const struct bench_server *server, bool probe)
{
	struct stat about;

	return probe ? connects(server->socket) : stat(server->socket, &about) == 0;
}

static void spawn(struct bench_server *server, const char *program, const char *backend, bool probe)
{
	char device[240], host[128];
	char *const argv[] = {(char *)(uintptr_t)program,
			      (char *)(uintptr_t) "serve",
			      (char *)(uintptr_t) "--quiet",
			      (char *)(uintptr_t) "--device",
			      device,
			      (char *)(uintptr_t) "--backend",
			      host,
			      (char *)(uintptr_t)(probe ? NULL : "--once"),
			      NULL};

	snprintf(device, sizeof(device), "%s,socket=%s%s",
		 server->device ? server->device : "virtio-snd", server->socket,
		 server->more ? server->more : "");
	snprintf(host, sizeof(host), "%s", backend);
	if (posix_spawn(&server->pid, program, NULL, NULL, argv, environ))
		bench_fail("the server cannot be started");
}

void bench_server_start(struct bench_server *server, const char *program, const char *backend,
			bool probe)
{
	const char *base = getenv("TMPDIR");
	uint64_t begin;

	snprintf(server->directory, sizeof(server->directory), "%.50s/vmsnd-bench-XXXXXX",
		 base ? base : P_tmpdir);
	if (!mkdtemp(server->directory))
		bench_fail("no directory for the socket");
	snprintf(server->socket, sizeof(server->socket), "%s/snd.sock", server->directory);
	begin = bench_now_ns();
	spawn(server, program, backend, probe);
	while (!listens(server, probe)) {
		if (bench_now_ns() - begin > PATIENCE_NS)
			bench_fail("the server does not listen");
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
			bench_fail("the server ended");
	}
	server->listening_ns = bench_now_ns() - begin;
}

void bench_server_stop(struct bench_server *server)
{
	kill(server->pid, SIGTERM);
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
		;
	unlink(server->socket);
	rmdir(server->directory);
}

uint64_t bench_server_cpu_ns(const struct bench_server *server)
{
	clockid_t clock;

	if (clock_getcpuclockid(server->pid, &clock))
		return 0;
	return clock_ns(clock);
}

uint64_t bench_server_status(const struct bench_server *server, const char *key)
{
	char path[64], line[256];
	unsigned long long value = 0;
	size_t length = strlen(key);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)server->pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, length) == 0 && line[length] == ':')
			value = strtoull(line + length + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

/* The "total" line of strace -c: percent, seconds, microseconds a call, calls. */
static double read_total(const char *path)
{
	char line[256];
	double percent, seconds, calls = -1, found = -1;
	long each;
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, " total") &&
		    sscanf(line, "%lf %lf %ld %lf", &percent, &seconds, &each, &calls) == 4)
			found = calls;
	if (file)
		fclose(file);
	return found;
}

bool bench_tracer_start(struct bench_tracer *tracer, const struct bench_server *server)
{
	char pid[16];
	char *const argv[] = {(char *)(uintptr_t) "strace",
			      (char *)(uintptr_t) "-qcf",
			      (char *)(uintptr_t) "-o",
			      tracer->path,
			      (char *)(uintptr_t) "-p",
			      pid,
			      NULL};

	snprintf(pid, sizeof(pid), "%d", (int)server->pid);
	snprintf(tracer->path, sizeof(tracer->path), "%s/calls", server->directory);
	return posix_spawnp(&tracer->pid, argv[0], NULL, NULL, argv, environ) == 0;
}

double bench_tracer_stop(struct bench_tracer *tracer)
{
	double calls;

	kill(tracer->pid, SIGINT);
	while (waitpid(tracer->pid, NULL, 0) < 0 && errno == EINTR)
		;
	calls = read_total(tracer->path);
	unlink(tracer->path);
	return calls;
}
