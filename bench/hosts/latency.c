/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-latency: how long sound takes from who makes it to a server's monitor. The sound carries
 *when it was written (tests/hosts/stamped.h): hosts-signal --stamped plays it through a card; a
 *player gets it from here, by a pipe that is kept as full as a guest keeps its buffer.
 *
 *	hosts-latency listen SERVER DEVICE    until SIGTERM; its first line is "listening", its last
 *		latency n=.. mean_ms=.. p50_ms=.. p99_ms=.. worst_ms=.. seen_p50_ms=.. ...
 *	hosts-latency feed SECONDS [wav]      raw S16_LE, 48000 Hz, stereo, to stdout
 *
 * Seen: when the listener has a frame; else when the server says that it is heard. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/hosts/stamped.h"
#include "latency.h"

#define SECOND_NS UINT64_C(1000000000)
/* What a guest does: four periods of 10 ms, and one more whenever one is over. */
#define PERIOD_FRAMES 480u
#define PERIODS       4u
/* How often it is looked whether one is over. */
#define ROOM_NS 500000
/* How a stream begins is another matter. */
#define START_NS SECOND_NS
/* How often a listener is asked. */
#define LOOK_NS 20000000

#define HELD(name) &listen_##name,
static const struct listener *const listeners[] = {LATENCY_HELD NULL};
#undef HELD

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- what came ---- */

void ages_take_rt(struct ages *ages, const int16_t (*frames)[2], uint32_t n, int64_t ahead_ns)
{
	const uint64_t now = now_ns();

	for (uint32_t i = 0; i < n; i++) {
		const uint64_t at = now + i * SECOND_NS / STAMP_HZ;
		const uint32_t stamp = stamp_get(frames[i][0], frames[i][1]);
		const int64_t age_ns = stamp_age_ns(stamp, at);

		if (age_ns < 0 || stamp == ages->stamp)
			continue;
		ages->stamp = stamp;
		if (ages->first_ns == 0)
			ages->first_ns = now;
		if (now - ages->first_ns < START_NS || ages->n == AGES_MAX)
			continue;
		ages->seen_ms[ages->n] = (float)((double)age_ns / 1e6);
		ages->heard_ms[ages->n++] = (float)((double)(age_ns + ahead_ns) / 1e6);
	}
}

static int by_size(const void *a, const void *b)
{
	const float *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static double mean(const float *list, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)list[i];
	return sum / n;
}

static void print_ages(struct ages *ages)
{
	const uint32_t n = ages->n;

	if (n == 0) {
		printf("latency n=0\n");
		return;
	}
	qsort(ages->seen_ms, n, sizeof(ages->seen_ms[0]), by_size);
	qsort(ages->heard_ms, n, sizeof(ages->heard_ms[0]), by_size);
	printf("latency n=%u mean_ms=%.3f p50_ms=%.1f p99_ms=%.1f worst_ms=%.1f seen_p50_ms=%.1f "
	       "seen_worst_ms=%.1f\n",
	       n, mean(ages->heard_ms, n), (double)ages->heard_ms[n / 2],
	       (double)ages->heard_ms[n - 1 - n / 100], (double)ages->heard_ms[n - 1],
	       (double)ages->seen_ms[n / 2], (double)ages->seen_ms[n - 1]);
}

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "hosts-latency: %s: %s\n", what, why);
	return 1;
}

static const struct listener *listener_of(const char *name)
{
	for (size_t i = 0; listeners[i]; i++)
		if (strcmp(listeners[i]->name, name) == 0)
			return listeners[i];
	return NULL;
}

static int run_listener(const char *server, const char *device)
{
	static struct ages ages = {.stamp = UINT32_MAX};
	const struct listener *listener = listener_of(server);
	const struct timespec look = {.tv_nsec = LOOK_NS};
	const char *fault = listener ? NULL : "no such server is built in";
	bool said = false;
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL); /* before the first thread */
	if (!fault)
		fault = listener->open(&ages, device);
	if (fault)
		return fail(server, fault);
	do {
		if (listener->listens() && !said) {
			said = true;
			printf("listening\n");
			fflush(stdout);
		}
	} while (sigtimedwait(&end, NULL, &look) < 0);
	listener->close();
	print_ages(&ages);
	return 0;
}

/* ---- what is played ---- */

static bool put(const void *from, size_t bytes)
{
	const char *at = from;

	while (bytes > 0) {
		ssize_t n = write(STDOUT_FILENO, at, bytes);

		if (n < 0)
			return false;
		at += n;
		bytes -= (size_t)n;
	}
	return true;
}

static bool put_wav_head(uint32_t frames)
{
	uint8_t head[45] = "RIFF....WAVEfmt ....................data....";

	put_le(head + 4, 36 + frames * 4, 4);
	put_le(head + 16, 16, 4);
	put_le(head + 20, 1, 2);
	put_le(head + 22, 2, 2);
	put_le(head + 24, STAMP_HZ, 4);
	put_le(head + 28, STAMP_HZ * 4, 4);
	put_le(head + 32, 4, 2);
	put_le(head + 34, 16, 2);
	put_le(head + 40, frames * 4, 4);
	return put(head, sizeof(head) - 1);
}

static bool put_period(void)
{
	int16_t frames[PERIOD_FRAMES][2];
	const uint32_t stamp = stamp_of(now_ns());

	for (uint32_t i = 0; i < PERIOD_FRAMES; i++)
		stamp_put(frames[i], stamp);
	return put(frames, sizeof(frames));
}

/* A pipe tells its writer, too, what is in it. */
static void wait_for_room(void)
{
	const struct timespec nap = {.tv_nsec = ROOM_NS};
	int bytes = 0;

	while (ioctl(STDOUT_FILENO, FIONREAD, &bytes) == 0 &&
	       bytes > (int)((PERIODS - 1) * PERIOD_FRAMES * 4))
		nanosleep(&nap, NULL);
}

static int feed(uint32_t seconds, bool wav)
{
	const uint32_t periods = seconds * STAMP_HZ / PERIOD_FRAMES;
	bool fine = !wav || put_wav_head(periods * PERIOD_FRAMES);

	for (uint32_t i = 0; fine && i < periods; i++) {
		wait_for_room();
		fine = put_period();
	}
	return !fine;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "listen") == 0)
		return run_listener(argv[2], argv[3]);
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "feed") == 0)
		return feed((uint32_t)strtoul(argv[2], NULL, 10), argc == 4);
	fputs("usage: hosts-latency listen SERVER DEVICE | feed SECONDS [wav]\n", stderr);
	return 2;
}
