/* SPDX-License-Identifier: BSD-3-Clause */
/* What an AC'97 card costs, in process and over vfio-user, and how true its time is. Usage:
 * bench-ac97 VMSND [seconds] */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ac97_guest.h"
#include "floor.h"
#include "guests/ac97_player.h"
#include "vmsnd/machine.h"

#define RATE_HZ       48000u
#define PERIOD_FRAMES 480u
#define READS         20000u
#define MEMORY_BYTES  (1u << 20)

static uint32_t read_nothing(void *ctx, void *to, uint32_t frames)
{
	return frames;
}

static struct vmsnd_ac97_player_conf player_conf(uint32_t period_frames, uint64_t frames)
{
	return (struct vmsnd_ac97_player_conf){
	    .stream = VMSND_AC97_PCM_OUT,
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = RATE_HZ, .channels = 2},
		       period_frames,
		       4},
	    .frames = frames,
	    .read = read_nothing};
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of sorted values. */
static double quantile(const double *values, size_t n, double of)
{
	return n ? values[(size_t)((double)(n - 1) * of)] : 0;
}

/* ---- in process, in virtual time ---------------------------------------------------------- */

struct inside {
	struct vmsnd_machine *machine;
	struct vmsnd_ac97_guest guest;
	struct vmsnd_ac97_player player;
	void *memory;
	vmsnd_ns now;
	bool line;
};

static vmsnd_ns inside_now(void *ctx)
{
	const struct inside *inside = ctx;

	return inside->now;
}

static void inside_wait(void *ctx, vmsnd_ns ns)
{
	struct inside *inside = ctx;

	inside->now += ns;
	vmsnd_machine_advance(inside->machine, inside->now);
}

static enum vmsnd_rc inside_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	const struct inside *inside = ctx;
	const struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	return vmsnd_machine_memory_add(inside->machine, 0, &region, inside->now);
}

static bool inside_interrupted(void *ctx)
{
	const struct inside *inside = ctx;

	return inside->line;
}

static void inside_level(void *ctx, bool high)
{
	struct inside *inside = ctx;

	inside->line = high;
}

static void inside_open(struct inside *inside)
{
	const struct vmsnd_machine_conf machine = {.lanes = 0};
	const struct vmsnd_card_conf card = {
	    .device = "ac97", .transport = "in-process", .listen_fd = -1};
	const struct vmsnd_interrupt interrupt = {.ctx = inside, .level = inside_level};
	struct vmsnd_ac97_guest_conf conf = {.pci.host = {.ctx = inside,
							  .now = inside_now,
							  .wait = inside_wait,
							  .share = inside_share,
							  .interrupted = inside_interrupted},
					     .memory_bytes = MEMORY_BYTES,
					     .gpa = 0x40000000};

	memset(inside, 0, sizeof(*inside));
	conf.memory = inside->memory = aligned_alloc(4096, MEMORY_BYTES);
	if (!conf.memory || vmsnd_machine_open(&machine, &inside->machine) ||
	    vmsnd_machine_add(inside->machine, &card, 0) ||
	    vmsnd_machine_pci_bus(inside->machine, 0, &conf.pci.bus) ||
	    vmsnd_machine_interrupt(inside->machine, 0, &interrupt) ||
	    vmsnd_ac97_guest_open(&inside->guest, &conf))
		bench_fail("no card");
}

static void inside_play(struct inside *inside, uint64_t frames)
{
	const struct vmsnd_ac97_player_conf conf = player_conf(PERIOD_FRAMES, frames);
	uint64_t end = inside->now + frames * VMSND_NS_PER_SECOND / RATE_HZ;

	vmsnd_ac97_player_init(&inside->player, &inside->guest, &conf);
	while (vmsnd_ac97_player_step(&inside->player) && inside->now <= end) {
		vmsnd_ns next = vmsnd_machine_advance(inside->machine, inside->now);

		inside->now = next > inside->now && next != VMSND_NEVER ? next : inside->now;
		vmsnd_machine_advance(inside->machine, inside->now);
		vmsnd_ac97_guest_poll(&inside->guest);
	}
}

static const struct {
	const char *text;
	unsigned offset, bytes;
} registers[] = {{"GLOB_STA", VMSND_AC97_GLOB_STA, 4},
		 {"CIV", 0x10 + VMSND_AC97_CIV, 1},
		 {"PICB", 0x10 + VMSND_AC97_PICB, 2}};

#define N_REGISTERS (sizeof(registers) / sizeof(registers[0]))

static void measure_inside(unsigned audio_seconds)
{
	struct inside inside;
	uint64_t begin, reads = 1000000;

	inside_open(&inside);
	begin = bench_own_cpu_ns();
	inside_play(&inside, (uint64_t)audio_seconds * RATE_HZ);
	begin = bench_own_cpu_ns() - begin;
	if (inside.player.frames_completed < (uint64_t)(audio_seconds - 1) * RATE_HZ)
		bench_fail("frames are missing");
	printf("  %-46s %8.0f\n", "virtual time: audio seconds a CPU second",
	       audio_seconds * 1e9 / (double)begin);
	/* While it runs. */
	inside_play(&inside, RATE_HZ);
	for (size_t k = 0; k < N_REGISTERS; k++) {
		begin = bench_own_cpu_ns();
		for (uint64_t i = 0; i < reads; i++, inside.now += k)
			vmsnd_guest_pci_read(&inside.guest.pci, 1, registers[k].offset,
					     registers[k].bytes);
		printf("  read %-6s in process %24s %8.0f ns\n", registers[k].text, "",
		       (double)(bench_own_cpu_ns() - begin) / (double)reads);
	}
	vmsnd_machine_close(inside.machine, inside.now);
	free(inside.memory);
}

/* ---- over vfio-user ------------------------------------------------------------------------ */

static double time_reads(struct bench_ac97 *card, size_t which, double *us)
{
	for (unsigned i = 0; i < READS; i++) {
		uint64_t begin = bench_now_ns();

		vmsnd_guest_pci_read(&card->guest.pci, 1, registers[which].offset,
				     registers[which].bytes);
		us[i] = (double)(bench_now_ns() - begin) / 1e3;
	}
	qsort(us, READS, sizeof(*us), compare_double);
	return quantile(us, READS, 0.5);
}

static void measure_reads(struct bench_ac97 *card)
{
	double *us = calloc(READS, sizeof(*us)), median, peer;

	if (!us)
		bench_fail("out of memory");
	bench_ping_pong(us, READS);
	qsort(us, READS, sizeof(*us), compare_double);
	peer = quantile(us, READS, 0.5);
	printf("  %-46s %8.2f us, p99 %.2f\n", "a bare socket, there and back", peer,
	       quantile(us, READS, 0.99));
	for (size_t k = 0; k < N_REGISTERS; k++) {
		median = time_reads(card, k, us);
		printf("  read %-6s over vfio-user %21s %8.2f us, p99 %.2f: %.2f x the socket\n",
		       registers[k].text, "", median, quantile(us, READS, 0.99), median / peer);
	}
	free(us);
}

/* Plays for so long; notes when the interrupts came, if somebody wants to know. */
static size_t play_for(struct bench_ac97 *card, struct vmsnd_ac97_player *player, uint64_t ns,
		       double *at_ms, size_t max)
{
	uint64_t end = bench_now_ns() + ns;
	size_t n = 0;

	while (bench_now_ns() < end) {
		if (!vmsnd_ac97_player_step(player))
			bench_fail("the stream ended");
		if (!bench_ac97_wait(card, 200))
			continue;
		if (at_ms && n < max)
			at_ms[n++] = (double)bench_now_ns() / 1e6;
		vmsnd_ac97_guest_poll(&card->guest);
	}
	return n;
}

static void measure_intervals(struct bench_ac97 *card, struct vmsnd_ac97_player *player,
			      unsigned seconds)
{
	size_t max = seconds * 200u, n;
	double *at_ms = calloc(max, sizeof(*at_ms));
	uint64_t cpu = bench_server_cpu_ns(&card->server), frames = player->frames_completed;
	uint64_t reads = card->guest.pci.reads + card->guest.pci.writes;
	double audio_s;

	if (!at_ms)
		bench_fail("out of memory");
	n = play_for(card, player, seconds * VMSND_NS_PER_SECOND, at_ms, max);
	cpu = bench_server_cpu_ns(&card->server) - cpu;
	audio_s = (double)(player->frames_completed - frames) / RATE_HZ;
	reads = card->guest.pci.reads + card->guest.pci.writes - reads;
	if (n < 10 || audio_s <= 0)
		bench_fail("nothing was played");
	for (size_t i = n - 1; i > 0; i--)
		at_ms[i] -= at_ms[i - 1];
	qsort(at_ms + 1, n - 1, sizeof(*at_ms), compare_double);
	printf("  %4u frames a period: CPU of a second of sound %9.3f ms, %.1f accesses a period; "
	       "interrupts every %.3f ms (p50), %.3f (p1), %.3f (p99)\n",
	       player->conf.params.period_frames, (double)cpu / 1e6 / audio_s,
	       (double)reads * player->conf.params.period_frames / (audio_s * RATE_HZ),
	       quantile(at_ms + 1, n - 1, 0.5), quantile(at_ms + 1, n - 1, 0.01),
	       quantile(at_ms + 1, n - 1, 0.99));
	free(at_ms);
}

/* ---- the position ---------------------------------------------------------------------------- */

struct reading {
	double at_s, frames;
};

/* CIV and PICB that belong together, and when PICB was read. */
static bool read_position(struct bench_ac97 *card, unsigned *civ, struct reading *out)
{
	struct vmsnd_guest_pci *pci = &card->guest.pci;
	uint64_t before, after;
	uint32_t picb;

	*civ = vmsnd_guest_pci_read(pci, 1, 0x10 + VMSND_AC97_CIV, 1);
	before = bench_now_ns();
	picb = vmsnd_guest_pci_read(pci, 1, 0x10 + VMSND_AC97_PICB, 2);
	after = bench_now_ns();
	out->at_s = (double)(before / 2 + after / 2) / 1e9;
	out->frames = (double)PERIOD_FRAMES - picb / 2.0;
	/* One that waited for a CPU says nothing. */
	return vmsnd_guest_pci_read(pci, 1, 0x10 + VMSND_AC97_CIV, 1) == *civ &&
	       after - before < 60000;
}

/* Distances from the straight line that comes nearest. */
static void fit(struct reading *list, size_t n, double *off, double *rate_hz)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0, x0 = list[0].at_s, slope;

	for (size_t i = 0; i < n; i++) {
		double x = list[i].at_s - x0, y = list[i].frames;

		sx += x;
		sy += y;
		sxx += x * x;
		sxy += x * y;
	}
	slope = ((double)n * sxy - sx * sy) / ((double)n * sxx - sx * sx);
	for (size_t i = 0; i < n; i++) {
		double line = (sy - slope * sx) / (double)n + slope * (list[i].at_s - x0);

		off[i] = list[i].frames > line ? list[i].frames - line : line - list[i].frames;
	}
	*rate_hz = slope;
	qsort(off, n, sizeof(*off), compare_double);
}

static void measure_position(struct bench_ac97 *card, struct vmsnd_ac97_player *player,
			     unsigned seconds)
{
	size_t max = seconds * 2000u, n = 0;
	struct reading *list = calloc(max, sizeof(*list));
	double *off = calloc(max, sizeof(*off)), rate_hz, periods = 0;
	uint64_t end = bench_now_ns() + seconds * VMSND_NS_PER_SECOND;
	unsigned last = 0, civ;

	if (!list || !off)
		bench_fail("out of memory");
	while (bench_now_ns() < end && n < max) {
		if (bench_ac97_wait(card, 0))
			vmsnd_ac97_guest_poll(&card->guest);
		vmsnd_ac97_player_step(player);
		usleep(600); /* a read is repeated for half a millisecond */
		if (!read_position(card, &civ, &list[n]))
			continue;
		periods += n > 0 ? (civ - last) % VMSND_AC97_DESCRIPTORS : 0;
		last = civ;
		list[n++].frames += periods * PERIOD_FRAMES;
	}
	if (n < 100)
		bench_fail("the position cannot be read");
	fit(list, n, off, &rate_hz);
	printf(
	    "  position against a straight line of %.2f Hz, %zu reads: off by %.2f frames (p50), "
	    "%.2f (p99), %.2f (most)\n",
	    rate_hz, n, quantile(off, n, 0.5), quantile(off, n, 0.99), off[n - 1]);
	free(list);
	free(off);
}

static void measure_over_wire(const char *program, unsigned seconds)
{
	struct bench_ac97 *card = calloc(1, sizeof(*card));
	static const uint32_t periods[] = {480, 4096};
	struct vmsnd_ac97_player player;

	if (!card)
		bench_fail("out of memory");
	bench_ac97_open(card, program);
	for (unsigned i = 0; i < 2; i++) {
		const struct vmsnd_ac97_player_conf conf = player_conf(periods[i], UINT64_MAX);

		vmsnd_ac97_player_init(&player, &card->guest, &conf);
		play_for(card, &player, VMSND_NS_PER_SECOND, NULL, 0);
		if (i == 0) {
			measure_position(card, &player, seconds);
			measure_reads(card);
			vmsnd_ac97_player_abort(&player);
			vmsnd_ac97_player_init(&player, &card->guest, &conf);
			play_for(card, &player, VMSND_NS_PER_SECOND, NULL, 0);
		}
		measure_intervals(card, &player, seconds);
		vmsnd_ac97_player_abort(&player);
	}
	printf("  %-46s %8.3f ms\n", "floor: wake every 10 ms, raise an eventfd",
	       (double)bench_floor_tick_ns(seconds / 2 + 1) / 1e6);
	bench_ac97_close(card);
	free(card);
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 6;

	if (argc < 2 || seconds == 0)
		bench_fail("usage: bench-ac97 VMSND [seconds]");
	measure_inside(100 * seconds);
	measure_over_wire(argv[1], seconds);
	return 0;
}
