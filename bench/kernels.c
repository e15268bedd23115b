/* SPDX-License-Identifier: BSD-3-Clause */
/* What sample formats, remixing and loudness cost, beside memcpy of the same bytes: blocks of
 * 480 stereo frames, warm in the cache, as an audio thread meets them.
 * Usage: bench-kernels [seconds-in-all] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/cpu.h"
#include "pcm/codec.h"
#include "pcm/gain.h"
#include "pcm/remix.h"
#include "server.h"

#define FRAMES  480u
#define SAMPLES (FRAMES * 2)
#define STREAMS 64u
#define TRIES   7u

static double mixed[FRAMES * VMSND_CHANNELS_MAX], decoded[FRAMES * VMSND_CHANNELS_MAX];
static uint8_t streams[STREAMS][SAMPLES * sizeof(double)];
static uint8_t coded[SAMPLES * sizeof(double)];
static uint64_t try_ns;

struct work {
	const struct vmsnd_codec *codec;
	size_t bytes; /* of a sample */
	enum vmsnd_cpu cpu;
	struct vmsnd_dither dither;
	struct vmsnd_remix remix;
	struct vmsnd_gain gain;
	struct vmsnd_volume volumes[2];
};

typedef void (*work_fn)(struct work *work);

/* The compiler must believe that somebody reads what was made. */
static void keep(const void *data)
{
	__asm__ volatile("" : : "r"(data) : "memory");
}

static void decode(struct work *work)
{
	work->codec->decode_rt(decoded, streams[0], SAMPLES);
	keep(decoded);
}

static void encode(struct work *work)
{
	work->codec->encode_rt(coded, mixed, SAMPLES);
	keep(coded);
}

static void encode_dither(struct work *work)
{
	work->codec->encode_dither_rt(coded, mixed, SAMPLES, &work->dither);
	keep(coded);
}

static void copy(struct work *work)
{
	memcpy(coded, streams[0], SAMPLES * work->bytes);
	keep(coded);
}

static void remix(struct work *work)
{
	vmsnd_remix_rt(&work->remix, decoded, mixed, FRAMES);
	keep(decoded);
}

static void gain_level(struct work *work)
{
	vmsnd_gain_apply_rt(&work->gain, decoded, FRAMES);
	keep(decoded);
}

/* A new target in every block, so that every frame is one of a ramp. */
static void gain_ramp(struct work *work)
{
	struct vmsnd_volume other = work->volumes[0];

	work->volumes[0] = work->volumes[1];
	work->volumes[1] = other;
	vmsnd_gain_set(&work->gain, &work->volumes[0]);
	vmsnd_gain_apply_rt(&work->gain, decoded, FRAMES);
	keep(decoded);
}

static void mix_64(struct work *work)
{
	memset(mixed, 0, SAMPLES * sizeof(mixed[0]));
	for (unsigned i = 0; i < STREAMS; i++) {
		work->codec->decode_rt(decoded, streams[i], SAMPLES);
		vmsnd_mix_add_rt(work->cpu, mixed, decoded, SAMPLES);
	}
	work->codec->encode_rt(coded, mixed, SAMPLES);
	keep(coded);
}

static void copy_64(struct work *work)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		memcpy(coded, streams[i], SAMPLES * work->bytes);
		keep(coded);
	}
}

/* Nanoseconds of one call: the best of several tries, since others use this machine too. */
static double cost_ns(work_fn run, struct work *work)
{
	double best = 1e18;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t begin = bench_own_cpu_ns(), spent;
		uint64_t calls = 0;

		do {
			for (unsigned k = 0; k < 16; k++)
				run(work);
			calls += 16;
			spent = bench_own_cpu_ns() - begin;
		} while (spent < try_ns);
		if ((double)spent / (double)calls < best)
			best = (double)spent / (double)calls;
	}
	return best;
}

/* Something of every size; no not-a-number, no denormal. */
static void fill_streams(void)
{
	uint32_t seed = 1;

	for (unsigned s = 0; s < STREAMS; s++)
		for (size_t i = 0; i < sizeof(streams[s]); i++) {
			seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
			streams[s][i] = (uint8_t)(seed >> 24) & 0xbf;
		}
	for (size_t i = 0; i < FRAMES * VMSND_CHANNELS_MAX; i++) {
		seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
		mixed[i] = (double)(int32_t)seed * 0x1p-31;
	}
}

/* Per sample, and how many times the copy of the same bytes. */
static void print_cost(double ns, double copy_ns)
{
	printf("  %6.2f %5.1fx", ns / SAMPLES, ns / copy_ns);
}

static void codec_row(enum vmsnd_sample sample, bool big, enum vmsnd_cpu last)
{
	struct work work = {.bytes = vmsnd_sample_bytes(sample)};
	double copy_ns = cost_ns(copy, &work);

	printf("  %-7s %s  %6.3f", vmsnd_sample_name(sample), big ? "BE" : "LE", copy_ns / SAMPLES);
	for (work.cpu = VMSND_CPU_BASELINE; work.cpu <= last; work.cpu++) {
		work.codec = vmsnd_codec_find(sample, big, work.cpu);
		print_cost(cost_ns(decode, &work), copy_ns);
		print_cost(cost_ns(encode, &work), copy_ns);
		if (work.codec->encode_dither_rt)
			print_cost(cost_ns(encode_dither, &work), copy_ns);
		else
			printf("  %14s", "-      ");
	}
	printf("\n");
}

static void codecs(enum vmsnd_cpu last)
{
	static const char *const sets[VMSND_CPU_COUNT] = {"baseline", "x86-64-v3"};

	printf("  %-10s  %6s", "", "copy");
	for (unsigned cpu = 0; cpu <= last; cpu++)
		printf("  %-14s  %-14s  %-14s", sets[cpu], "", "");
	printf("\n  %-10s  %6s", "ns/sample", "");
	for (unsigned cpu = 0; cpu <= last; cpu++)
		printf("  %14s  %14s  %14s", "to double ", "back ", "with dither");
	printf("\n");
	for (unsigned sample = 0; sample < VMSND_SAMPLE_IEC958_SUBFRAME; sample++)
		for (unsigned big = 0; big < 2; big++)
			if (big == 0 || vmsnd_sample_bytes((enum vmsnd_sample)sample) > 1)
				codec_row((enum vmsnd_sample)sample, big != 0, last);
}

static void remixes(void)
{
	static const struct {
		uint32_t from, to;
	} rows[] = {{2, 2}, {1, 2}, {2, 1}, {6, 2}, {8, 2}, {8, 6}, {2, 6}, {18, 2}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmsnd_format from = {.channels = rows[i].from},
				    to = {.channels = rows[i].to};
		struct work work = {0};

		vmsnd_remix_init(&work.remix, &from, &to);
		printf("  remix %2u to %u      %6.2f ns a frame\n", rows[i].from, rows[i].to,
		       cost_ns(remix, &work) / FRAMES);
	}
}

static void gains(void)
{
	static const struct vmsnd_format stereo = {.rate_hz = 48000, .channels = 2};
	struct work work = {.volumes = {{.gain_mdb = 0}, {.gain_mdb = -10}}};

	memset(decoded, 0, sizeof(decoded));
	vmsnd_gain_init(&work.gain, &stereo, &work.volumes[0]);
	printf("  gain, unity        %6.2f ns a frame\n", cost_ns(gain_level, &work) / FRAMES);
	vmsnd_gain_init(&work.gain, &stereo, &work.volumes[1]);
	printf("  gain, level        %6.2f ns a frame\n", cost_ns(gain_level, &work) / FRAMES);
	printf("  gain, ramp         %6.2f ns a frame\n", cost_ns(gain_ramp, &work) / FRAMES);
}

static void mixing(enum vmsnd_cpu last)
{
	struct work work = {.bytes = 2};
	double copy_ns = cost_ns(copy_64, &work);

	printf("  mix 64 stereo S16 streams of 480 frames into one; memcpy of the 64: %.1f ns a "
	       "frame\n",
	       copy_ns / FRAMES);
	for (work.cpu = VMSND_CPU_BASELINE; work.cpu <= last; work.cpu++) {
		double ns;

		work.codec = vmsnd_codec_find(VMSND_SAMPLE_S16, false, work.cpu);
		ns = cost_ns(mix_64, &work);
		printf("    %-10s %6.1f ns a frame, %4.1fx memcpy, %.2f%% of one CPU at 48 kHz\n",
		       work.cpu == VMSND_CPU_BASELINE ? "baseline" : "x86-64-v3", ns / FRAMES,
		       ns / copy_ns, ns / FRAMES * 48000 * 1e-7);
	}
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
	enum vmsnd_cpu last = vmsnd_cpu_best();

	if (seconds == 0)
		bench_fail("usage: bench-kernels [seconds-in-all]");
	/* Some 270 figures of TRIES each. */
	try_ns = seconds * UINT64_C(1000000000) / (270 * TRIES);
	fill_streams();
	codecs(last);
	remixes();
	gains();
	fill_streams();
	mixing(last);
	return 0;
}
