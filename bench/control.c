/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a question over the control socket takes, there and back.
 * Usage: bench-control VMSND [questions] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/client.h"
#include "control/control.h"
#include "server.h"

#define TRIES_MAX 5000u

struct asked {
	pid_t pid;
	char folder[40], control[60];
};

static void start(struct asked *asked, const char *program)
{
	char card[100];

	snprintf(asked->folder, sizeof(asked->folder), "/tmp/vmsnd-bench-XXXXXX");
	if (!mkdtemp(asked->folder))
		bench_fail("cannot make a folder");
	snprintf(asked->control, sizeof(asked->control), "%s/c", asked->folder);
	snprintf(card, sizeof(card), "virtio-snd,socket=%s/s", asked->folder);
	asked->pid = fork();
	if (asked->pid < 0)
		bench_fail("cannot start vmsnd serve");
	if (asked->pid > 0)
		return;
	execl(program, program, "serve", "--device", card, "--control", asked->control, "--quiet",
	      (char *)NULL);
	_exit(127);
}

static void stop(const struct asked *asked)
{
	kill(asked->pid, SIGTERM);
	waitpid(asked->pid, NULL, 0);
	rmdir(asked->folder);
}

static struct vmsnd_control_client *join(const struct asked *asked)
{
	char error[400] = "";

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		struct vmsnd_control_client *client =
		    vmsnd_control_client_open(asked->control, error, sizeof(error));

		if (client)
			return client;
		usleep(1000);
	}
	bench_fail(error);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* A new session before the limit of the rate is reached: that would be what is measured. */
static void measure(const struct asked *asked, const char *command, unsigned times)
{
	struct vmsnd_control_client *client = NULL;
	uint64_t *took = calloc(times, sizeof(*took));

	if (!took)
		bench_fail("out of memory");
	for (unsigned i = 0; i < times; i++) {
		uint64_t before;
		json_t *answer;

		if (i % (VMSND_CONTROL_REQUESTS_BURST / 2) == 0) {
			vmsnd_control_client_close(client);
			client = join(asked);
		}
		before = bench_now_ns();
		answer = vmsnd_control_client_call(client, command, NULL);
		took[i] = bench_now_ns() - before;
		if (!answer)
			bench_fail(vmsnd_control_client_line(client));
		json_decref(answer);
	}
	vmsnd_control_client_close(client);
	qsort(took, times, sizeof(took[0]), by_value);
	printf("  %-14s (%u times)             %8.1f us median, %.1f us the 99th of 100\n", command,
	       times, (double)took[times / 2] / 1e3, (double)took[(size_t)times * 99 / 100] / 1e3);
	free(took);
}

int main(int argc, char **argv)
{
	unsigned times = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10000;
	struct asked asked;

	if (argc < 2 || times == 0)
		bench_fail("usage: bench-control VMSND [questions]");
	start(&asked, argv[1]);
	measure(&asked, "query-status", times);
	measure(&asked, "query-cards", times);
	stop(&asked);
	return 0;
}
