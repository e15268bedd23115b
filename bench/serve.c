/* SPDX-License-Identifier: BSD-3-Clause */
/* What the real `vmsnd serve` costs while it serves one 48 kHz stereo S16 stream in periods of
 * 10 ms to a vhost-user front end of ours. Usage: bench-serve VMSND [seconds] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floor.h"
#include "guest.h"
#include "guests/player.h"

#define PERIOD_FRAMES 480u
#define RATE_HZ       48000u
#define WARM_NS       UINT64_C(500000000)
#define WAIT_MS       200
#define PERIODS       4u
#define PERIODS_LONG  32u

struct session {
	struct bench_server server;
	struct wire_frontend *front;
	struct vmsnd_guest *guest;
	struct vmsnd_guest_player player;
};

struct figures {
	double cpu_ms;        /* a second of sound */
	double audio_seconds; /* measured over */
	double calls;         /* system calls a period; negative: unknown */
	double switches;      /* voluntary context switches a period */
	double rss_mib, own_mib;
	double kicks; /* of the guest, a period */
};

static void session_open(struct session *session, const char *program, const char *backend,
			 uint32_t periods)
{
	struct vmsnd_guest_player_conf player = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = RATE_HZ, .channels = 2},
		       PERIOD_FRAMES,
		       periods},
	    .frames = UINT64_MAX,
	    .read = bench_guest_read};

	memset(session, 0, sizeof(*session));
	bench_server_start(&session->server, program, backend, false);
	session->guest = calloc(1, sizeof(*session->guest));
	if (!session->guest)
		bench_fail("out of memory");
	session->front = bench_guest_open(session->guest, &session->server, 0);
	vmsnd_guest_player_init(&session->player, session->guest, &player);
}

static void session_close(struct session *session)
{
	wire_frontend_close(session->front);
	bench_server_stop(&session->server);
	free(session->guest);
}

/* Plays for so long, sleeping until the card interrupts. */
static void play_for(struct session *session, uint64_t ns)
{
	uint64_t end = bench_now_ns() + ns;

	while (bench_now_ns() < end) {
		if (!vmsnd_guest_player_step(&session->player, bench_now_ns()))
			bench_fail("the stream ended");
		wire_frontend_wait(session->front, WAIT_MS);
	}
}

static double audio_seconds(const struct session *session, uint64_t since)
{
	return (double)(session->player.frames_completed - since) / RATE_HZ;
}

static void measure_cpu(struct session *session, unsigned seconds, struct figures *out)
{
	const struct bench_server *server = &session->server;
	uint64_t frames = session->player.frames_completed, kicks = session->guest->kicks;
	uint64_t cpu = bench_server_cpu_ns(server);
	uint64_t switches = bench_server_status(server, "voluntary_ctxt_switches");
	double periods;

	play_for(session, (uint64_t)seconds * VMSND_NS_PER_SECOND);
	out->audio_seconds = audio_seconds(session, frames);
	if (out->audio_seconds <= 0)
		bench_fail("nothing was played");
	periods = out->audio_seconds * RATE_HZ / PERIOD_FRAMES;
	out->cpu_ms = (double)(bench_server_cpu_ns(server) - cpu) / 1e6 / out->audio_seconds;
	switches = bench_server_status(server, "voluntary_ctxt_switches") - switches;
	out->switches = (double)switches / periods;
	out->kicks = (double)(session->guest->kicks - kicks) / periods;
	out->rss_mib = (double)bench_server_status(server, "VmRSS") / 1024;
	out->own_mib = (double)bench_server_status(server, "RssAnon") / 1024;
}

/* Counting costs far more than what is counted, so it has a time of its own. */
static void measure_calls(struct session *session, struct figures *out)
{
	struct bench_tracer tracer;
	uint64_t frames;
	double calls;

	out->calls = -1;
	if (!bench_tracer_start(&tracer, &session->server))
		return;
	play_for(session, WARM_NS);
	frames = session->player.frames_completed;
	play_for(session, 2 * VMSND_NS_PER_SECOND);
	calls = bench_tracer_stop(&tracer);
	/* The half second of attaching is in the count: it played as well. */
	frames = session->player.frames_completed - frames + RATE_HZ / 2;
	if (calls > 0)
		out->calls = calls / ((double)frames / PERIOD_FRAMES);
}

static struct figures measure(const char *program, const char *backend, uint32_t periods,
			      unsigned seconds)
{
	struct session session;
	struct figures figures = {.calls = -1};

	session_open(&session, program, backend, periods);
	play_for(&session, WARM_NS);
	measure_cpu(&session, seconds, &figures);
	measure_calls(&session, &figures);
	session_close(&session);
	return figures;
}

static void row(const char *text, double ms, double floor_ms)
{
	printf("  %-46s %8.4f ms", text, ms);
	if (floor_ms > 0)
		printf("   %5.2f x the floor", ms / floor_ms);
	putchar('\n');
}

static void count_row(const char *text, double value)
{
	if (value < 0)
		printf("  %-46s      n/a\n", text);
	else
		printf("  %-46s %8.2f\n", text, value);
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10;
	unsigned floor_seconds = seconds / 2 + 1;
	double before, after, floor_ms, kicked_ms;
	struct figures real, free_pace, free_long;

	if (argc < 2 || seconds == 0)
		bench_fail("usage: bench-serve VMSND [seconds]");
	before = (double)bench_floor_tick_ns(floor_seconds) / 1e6;
	real = measure(argv[1], "null", PERIODS, seconds);
	after = (double)bench_floor_tick_ns(floor_seconds) / 1e6;
	kicked_ms = (double)bench_floor_kicked_ns(floor_seconds) / 1e6;
	free_pace = measure(argv[1], "null,pace=free", PERIODS, seconds / 3 + 1);
	free_long = measure(argv[1], "null,pace=free", PERIODS_LONG, seconds / 3 + 1);
	floor_ms = (before + after) / 2;
	printf("  CPU of one second of sound:\n");
	row("  vmsnd serve, in real time", real.cpu_ms, floor_ms);
	row("  vmsnd serve, pace=free, buffer of 4 periods", free_pace.cpu_ms, 0);
	row("  vmsnd serve, pace=free, buffer of 32 periods", free_long.cpu_ms, 0);
	row("  floor: wake every 10 ms, raise an eventfd", floor_ms, 0);
	row("  floor: the same and be kicked", kicked_ms, floor_ms);
	row("  memcpy of the same sound", (double)bench_floor_copy_ns() / 1e6, 0);
	printf("  a period of 10 ms:\n");
	count_row("  system calls in real time", real.calls);
	count_row("  system calls, pace=free, buffer of 4 periods", free_pace.calls);
	count_row("  system calls, pace=free, buffer of 32 periods", free_long.calls);
	count_row("  voluntary context switches", real.switches);
	count_row("  kicks the guest had to give", real.kicks);
	printf("  %-46s %8.2f MiB, of it %.2f MiB its own\n", "resident while serving",
	       real.rss_mib, real.own_mib);
	printf("  %-46s %8.0f\n", "audio seconds a second, pace=free",
	       free_long.audio_seconds / (seconds / 3 + 1));
	return 0;
}
