/* SPDX-License-Identifier: BSD-3-Clause */
/* From the spawn of `vmsnd serve` to a connect that succeeds, and what an idle card weighs.
 * Usage: bench-startup VMSND [times] */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server.h"

#define TIMES_MAX 200u

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	unsigned times = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20;
	uint64_t took[TIMES_MAX], rss = 0, own = 0;

	if (argc < 2 || times == 0 || times > TIMES_MAX)
		bench_fail("usage: bench-startup VMSND [times]");
	for (unsigned i = 0; i < times; i++) {
		struct bench_server server = {.pid = 0};

		bench_server_start(&server, argv[1], "null", true);
		took[i] = server.listening_ns;
		if (i + 1 == times) {
			usleep(100000); /* the probe has come and gone: idle from here */
			rss = bench_server_status(&server, "VmRSS");
			own = bench_server_status(&server, "RssAnon");
		}
		bench_server_stop(&server);
	}
	qsort(took, times, sizeof(took[0]), by_value);
	printf("  spawn to listening (%u times)            %6.2f ms best, %.2f ms median, %.2f ms "
	       "worst\n",
	       times, (double)took[0] / 1e6, (double)took[times / 2] / 1e6,
	       (double)took[times - 1] / 1e6);
	printf("  resident, one idle card                 %6.2f MiB, of it %.2f MiB its own\n",
	       (double)rss / 1024, (double)own / 1024);
	return 0;
}
