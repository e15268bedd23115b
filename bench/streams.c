/* SPDX-License-Identifier: BSD-3-Clause */
/* What one card with many streams costs in real time: the real `vmsnd serve`, 48 kHz stereo S16 in
 * periods of 10 ms, a vhost-user front end of ours that keeps four of them posted. Usage:
 * bench-streams VMSND [seconds] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest.h"
#include "guests/player.h"

#define PERIOD_FRAMES 480u
#define PERIOD_NS     UINT64_C(10000000)
#define RATE_HZ       48000u
#define PERIODS       4u
#define QUEUE_SIZE    512u
#define WARM_NS       UINT64_C(1000000000)
#define WAIT_MS       200

/* What is noted of one stream's messages as they come back. */
struct line {
	uint64_t *intervals_ns; /* of all streams, shared */
	size_t *n, max;
	vmsnd_ns before;
};

struct session {
	struct bench_server server;
	struct wire_frontend *front;
	struct vmsnd_guest *guest;
	unsigned n_streams;
	struct vmsnd_guest_player *players;
	struct line *lines;
	uint64_t *intervals_ns;
	size_t n_intervals;
};

static void note(void *ctx, const struct vmsnd_guest_done *message)
{
	struct line *line = ctx;

	if (line->before != 0 && *line->n < line->max)
		line->intervals_ns[(*line->n)++] = message->at - line->before;
	line->before = message->at;
}

static void session_open(struct session *session, const char *program, unsigned n_streams,
			 unsigned seconds)
{
	size_t max = (size_t)n_streams * 110u * seconds;
	char more[64];

	memset(session, 0, sizeof(*session));
	snprintf(more, sizeof(more), ",playback=%u,capture=0", n_streams);
	session->server.more = more;
	bench_server_start(&session->server, program, "null", false);
	session->n_streams = n_streams;
	session->guest = calloc(1, sizeof(*session->guest));
	session->players = calloc(n_streams, sizeof(*session->players));
	session->lines = calloc(n_streams, sizeof(*session->lines));
	session->intervals_ns = calloc(max, sizeof(uint64_t));
	if (!session->guest || !session->players || !session->lines || !session->intervals_ns)
		bench_fail("out of memory");
	session->front = bench_guest_open(session->guest, &session->server, QUEUE_SIZE);
	for (unsigned i = 0; i < n_streams; i++) {
		struct vmsnd_guest_player_conf conf = {
		    .stream = i,
		    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = RATE_HZ, .channels = 2},
			       PERIOD_FRAMES,
			       PERIODS},
		    .frames = UINT64_MAX,
		    .ctx = &session->lines[i],
		    .read = bench_guest_read,
		    .done = note};

		session->lines[i] =
		    (struct line){session->intervals_ns, &session->n_intervals, max, 0};
		vmsnd_guest_player_init(&session->players[i], session->guest, &conf);
	}
}

static void session_close(struct session *session)
{
	wire_frontend_close(session->front);
	bench_server_stop(&session->server);
	free(session->guest);
	free(session->players);
	free(session->lines);
	free(session->intervals_ns);
}

static void play_for(struct session *session, uint64_t ns)
{
	uint64_t end = bench_now_ns() + ns, now;

	while ((now = bench_now_ns()) < end) {
		for (unsigned i = 0; i < session->n_streams; i++)
			if (!vmsnd_guest_player_step(&session->players[i], now))
				bench_fail("a stream ended");
		wire_frontend_wait(session->front, WAIT_MS);
	}
}

/* Streams begin at times of their own, as programs do. */
static void begin(struct session *session)
{
	unsigned n = session->n_streams;

	for (session->n_streams = 1; session->n_streams <= n; session->n_streams++)
		play_for(session, PERIOD_NS / 7 + session->n_streams * 31337u % PERIOD_NS);
	session->n_streams = n;
	play_for(session, WARM_NS);
}

static uint64_t frames_of(const struct session *session)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < session->n_streams; i++)
		frames += session->players[i].frames_completed;
	return frames;
}

struct figures {
	double cpu_ms, calls, rss_mib, own_mib;
	double kicks;            /* of the guest, a period */
	uint64_t interval_ns[4]; /* p50, p99, p99.9, the worst */
	double lost;
};

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void rank(uint64_t *list, size_t n, uint64_t out[4])
{
	static const double at[] = {0.5, 0.99, 0.999, 1.0};

	qsort(list, n, sizeof(*list), by_size);
	for (unsigned i = 0; i < 4; i++)
		out[i] = n ? list[(size_t)(at[i] * (double)(n - 1))] : 0;
}

static void measure_calls(struct session *session, struct figures *out)
{
	struct bench_tracer tracer;
	uint64_t frames;
	double calls;

	out->calls = -1;
	if (!bench_tracer_start(&tracer, &session->server))
		return;
	frames = frames_of(session);
	play_for(session, 4 * VMSND_NS_PER_SECOND);
	calls = bench_tracer_stop(&tracer);
	frames = frames_of(session) - frames;
	if (calls > 0)
		out->calls = calls / ((double)frames / PERIOD_FRAMES);
}

static struct figures measure(const char *program, unsigned n_streams, unsigned seconds)
{
	struct session session;
	struct figures out = {.calls = -1};
	uint64_t frames, cpu, kicks;
	double audio;

	session_open(&session, program, n_streams, seconds + 2);
	begin(&session);
	session.n_intervals = 0;
	frames = frames_of(&session);
	kicks = session.guest->kicks;
	cpu = bench_server_cpu_ns(&session.server);
	play_for(&session, (uint64_t)seconds * VMSND_NS_PER_SECOND);
	cpu = bench_server_cpu_ns(&session.server) - cpu;
	audio = (double)(frames_of(&session) - frames) / RATE_HZ;
	if (audio <= 0)
		bench_fail("nothing was played");
	out.cpu_ms = (double)cpu / 1e6 / audio;
	out.kicks = (double)(session.guest->kicks - kicks) / (audio * RATE_HZ / PERIOD_FRAMES);
	rank(session.intervals_ns, session.n_intervals, out.interval_ns);
	out.rss_mib = (double)bench_server_status(&session.server, "VmRSS") / 1024;
	out.own_mib = (double)bench_server_status(&session.server, "RssAnon") / 1024;
	out.lost = 1.0 - audio / ((double)n_streams * seconds);
	measure_calls(&session, &out);
	session_close(&session);
	return out;
}

/* How evenly this machine wakes anybody: a thread that sleeps from period to period. */
static void measure_floor(unsigned seconds, uint64_t out[4])
{
	size_t n = seconds * (VMSND_NS_PER_SECOND / PERIOD_NS);
	uint64_t *list = calloc(n, sizeof(*list)), before, due = bench_now_ns();

	if (!list)
		bench_fail("out of memory");
	before = due;
	for (size_t i = 0; i < n; i++) {
		struct timespec at;

		due += PERIOD_NS;
		at = (struct timespec){(time_t)(due / VMSND_NS_PER_SECOND),
				       (long)(due % VMSND_NS_PER_SECOND)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		list[i] = bench_now_ns() - before;
		before += list[i];
	}
	rank(list, n, out);
	free(list);
}

static void print_intervals(const char *text, const uint64_t ns[4])
{
	printf("  %-26s p50 %7.3f  p99 %7.3f  p99.9 %7.3f  longest %7.3f ms\n", text,
	       (double)ns[0] / 1e6, (double)ns[1] / 1e6, (double)ns[2] / 1e6, (double)ns[3] / 1e6);
}

int main(int argc, char **argv)
{
	static const unsigned counts[] = {1, 16, 64};
	unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10;
	uint64_t floor_ns[4];

	if (argc < 2 || seconds == 0)
		bench_fail("usage: bench-streams VMSND [seconds]");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct figures f = measure(argv[1], counts[i], seconds);

		printf("  %2u stream%s CPU of a second of sound %.4f ms, system calls a period ",
		       counts[i], counts[i] == 1 ? ": " : "s:", f.cpu_ms);
		if (f.calls < 0)
			printf("n/a");
		else
			printf("%.2f", f.calls);
		printf(", kicks %.2f, resident %.2f MiB, of it %.2f its own", f.kicks, f.rss_mib,
		       f.own_mib);
		printf("%s\n", fabs(f.lost) > 0.01 ? " (the pace was missed)" : "");
		print_intervals("completions of a stream:", f.interval_ns);
	}
	measure_floor(seconds, floor_ns);
	print_intervals("this machine's own wakes:", floor_ns);
	return 0;
}
