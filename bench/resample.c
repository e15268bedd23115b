/* SPDX-License-Identifier: BSD-3-Clause */
/* Rate conversion, 44100 to 48000, stereo float, blocks of 10 ms: our flow out of a ring beside the
 * bare library; then the flow at one rate. Usage: bench-resample [seconds of sound]
 *
 * fixed: the nominal ratio; wander: 20 ppm a block, up and down between -500 and +500 ppm;
 * alternate: -500 and +500 ppm in turn, each step as hard as it can be. */
#include <math.h>
#include <samplerate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os/cpu.h"
#include "pcm/flow.h"
#include "server.h"
#include "spectrum.h"

#define CHANNELS    2u
#define IN_FRAMES   441u
#define OUT_FRAMES  480u
#define TONE_FRAMES 44100u
#define RING_FRAMES 4096u
#define ROUNDS      5u
#define NOMINAL     (48000.0 / 44100)
#define BLOCKS      100u /* a second */

static const struct {
	const char *name;
	enum vmsnd_quality quality;
	int converter;
} converters[] = {{"fastest", VMSND_QUALITY_FASTEST, SRC_SINC_FASTEST},
		  {"medium", VMSND_QUALITY_MEDIUM, SRC_SINC_MEDIUM_QUALITY},
		  {"best", VMSND_QUALITY_BEST, SRC_SINC_BEST_QUALITY}};

static double fixed(unsigned block)
{
	return 1.0;
}

static double wander(unsigned block)
{
	int step = (int)((block * 20 + 500) % 2000);

	return 1 + 1e-6 * (step < 1000 ? step - 500 : 1500 - step);
}

static double alternate(unsigned block)
{
	return 1 + (block & 1 ? 500e-6 : -500e-6);
}

static const struct {
	const char *name;
	double (*bend)(unsigned block);
} modes[] = {{"fixed", fixed}, {"wander", wander}, {"alternate", alternate}};

/* A second of the tone, twice, so that a block is contiguous wherever it begins. */
static float tone[2 * TONE_FRAMES * CHANNELS];
static double heard[SPECTRUM_FRAMES];

struct figures {
	uint64_t ns, worst_ns;
	double held_min, held_max; /* frames at the output's rate */
	uint32_t block_min, block_max;
	size_t heard_frames;
};

static uint64_t thread_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void note(struct figures *figures, uint64_t ns, double held, uint32_t frames)
{
	figures->ns += ns;
	figures->worst_ns = ns > figures->worst_ns ? ns : figures->worst_ns;
	figures->held_min = held < figures->held_min ? held : figures->held_min;
	figures->held_max = held > figures->held_max ? held : figures->held_max;
	figures->block_min = frames < figures->block_min ? frames : figures->block_min;
	figures->block_max = frames > figures->block_max ? frames : figures->block_max;
}

static void listen(struct figures *figures, const float *out, uint32_t frames)
{
	for (uint32_t i = 0; i < frames && figures->heard_frames < SPECTRUM_FRAMES; i++)
		heard[figures->heard_frames++] = (double)out[i * CHANNELS];
}

/* The library alone: a block in, whatever it makes out. */
static struct figures run_bare(int converter, double (*bend)(unsigned), unsigned blocks)
{
	static float out[2 * OUT_FRAMES * CHANNELS];
	struct figures figures = {.held_min = 1e9, .block_min = UINT32_MAX};
	int error;
	SRC_STATE *state = src_new(converter, CHANNELS, &error);
	double place = 0;

	if (!state)
		bench_fail(src_strerror(error));
	for (unsigned i = 0; i < blocks; i++) {
		SRC_DATA data = {.data_in = tone + i % BLOCKS * IN_FRAMES * CHANNELS,
				 .data_out = out,
				 .input_frames = IN_FRAMES,
				 .output_frames = 2 * OUT_FRAMES,
				 .src_ratio = NOMINAL * bend(i)};
		uint64_t begin = thread_ns();

		if (src_process(state, &data) || data.input_frames_used != IN_FRAMES)
			bench_fail("the library does not take a block");
		begin = thread_ns() - begin;
		place += (double)data.output_frames_gen / data.src_ratio;
		if (i > 1)
			note(&figures, begin, ((i + 1.0) * IN_FRAMES - place) * NOMINAL,
			     (uint32_t)data.output_frames_gen);
	}
	src_delete(state);
	return figures;
}

struct ring {
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end writer, reader;
	unsigned char storage[RING_FRAMES * VMSND_CHANNELS_MAX * 8];
};

static void ring_write(struct vmsnd_ring_end *writer, const void *frames, uint32_t count)
{
	const unsigned char *from = frames;

	while (count) {
		void *at;
		uint32_t piece = vmsnd_ring_write_begin_rt(writer, count, &at);

		if (!piece)
			bench_fail("the ring is full");
		memcpy(at, from, (size_t)piece * writer->frame_bytes);
		vmsnd_ring_write_commit_rt(writer, piece);
		from += (size_t)piece * writer->frame_bytes;
		count -= piece;
	}
}

static struct vmsnd_flow *flow_open(const struct vmsnd_flow_conf *conf, struct ring *ring)
{
	struct vmsnd_flow *flow = malloc(sizeof(*flow));

	if (!flow || vmsnd_flow_open(flow, conf))
		bench_fail("no flow");
	memset(ring, 0, sizeof(*ring));
	vmsnd_ring_end_init(&ring->writer, &ring->head, ring->storage, RING_FRAMES,
			    vmsnd_format_frame_bytes(&conf->from));
	ring->reader = ring->writer;
	return flow;
}

/* The flow: a block out, whatever it takes; kept half a ring ahead. */
static struct figures run_flow(enum vmsnd_quality quality, double (*bend)(unsigned),
			       unsigned blocks)
{
	static struct ring ring;
	static float out[OUT_FRAMES * CHANNELS];
	struct vmsnd_flow_conf conf = {
	    .from = {.sample = VMSND_SAMPLE_FLOAT, .rate_hz = 44100, .channels = CHANNELS},
	    .to = {.sample = VMSND_SAMPLE_FLOAT, .rate_hz = 48000, .channels = CHANNELS},
	    .rates = &vmsnd_resampler_samplerate,
	    .quality = quality,
	    .cpu = vmsnd_cpu_best(),
	    .bend = true};
	struct figures figures = {.held_min = 1e9, .block_min = UINT32_MAX};
	struct vmsnd_flow *flow = flow_open(&conf, &ring);
	unsigned written = 0;

	for (unsigned i = 0; i < blocks; i++) {
		uint64_t begin;
		uint32_t taken;

		while (vmsnd_ring_fill_rt(&ring.reader) < RING_FRAMES / 2)
			ring_write(&ring.writer, tone + written++ % BLOCKS * IN_FRAMES * CHANNELS,
				   IN_FRAMES);
		begin = thread_ns();
		vmsnd_flow_bend_rt(flow, bend(i));
		if (vmsnd_flow_pull_rt(flow, &ring.reader, out, OUT_FRAMES, &taken) != OUT_FRAMES)
			bench_fail("the flow makes no block");
		begin = thread_ns() - begin;
		if (i > 1) {
			note(&figures, begin, vmsnd_flow_held_frames_rt(flow) * NOMINAL, taken);
			listen(&figures, out, OUT_FRAMES);
		}
	}
	vmsnd_flow_close(flow);
	free(flow);
	return figures;
}

static void keep_least(struct figures *least, const struct figures *one)
{
	if (!least->ns || one->ns < least->ns)
		*least = *one;
}

/* In turns, the best of each: what else runs on the machine meets both. */
static void row(size_t converter, size_t mode, unsigned seconds)
{
	struct figures bare = {0}, flow = {0};
	unsigned blocks = seconds * BLOCKS;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct figures one =
		    run_bare(converters[converter].converter, modes[mode].bend, blocks);

		keep_least(&bare, &one);
		one = run_flow(converters[converter].quality, modes[mode].bend, blocks);
		keep_least(&flow, &one);
	}
	printf("  %-8s %-9s %7.0f %7.0f %6.3f %7.0f %7.0f   %3.0f..%-3.0f   %3.0f..%-3.0f  "
	       "%3u..%-3u",
	       converters[converter].name, modes[mode].name, seconds * 1e9 / (double)bare.ns,
	       seconds * 1e9 / (double)flow.ns, (double)flow.ns / (double)bare.ns,
	       (double)bare.worst_ns / 1e3, (double)flow.worst_ns / 1e3, bare.held_min,
	       bare.held_max, flow.held_min, flow.held_max, flow.block_min, flow.block_max);
	if (flow.heard_frames == SPECTRUM_FRAMES)
		printf("  %6.1f dB\n", spectrum_thd_n_db(heard, 1000, 48000));
	else
		printf("     n/a\n");
}

/* ---- at one rate ---- */

static const struct {
	const char *name;
	enum vmsnd_sample from, to;
	uint32_t from_channels, to_channels;
	int32_t gain_mdb;
	bool dither;
} levels[] = {
    {"S16 stereo as it is", VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2, 2, 0, true},
    {"S16 stereo, softer, no dither", VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2, 2, -6000, false},
    {"S16 stereo, softer", VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2, 2, -6000, true},
    {"S16 to FLOAT, stereo", VMSND_SAMPLE_S16, VMSND_SAMPLE_FLOAT, 2, 2, 0, true},
    {"FLOAT to S16, stereo", VMSND_SAMPLE_FLOAT, VMSND_SAMPLE_S16, 2, 2, 0, true},
    {"S16, 5.1 to stereo", VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 6, 2, 0, true},
};

static double level_ns(size_t level, unsigned blocks)
{
	static struct ring ring;
	static unsigned char block[OUT_FRAMES * VMSND_CHANNELS_MAX * 8];
	struct vmsnd_flow_conf conf = {.from = {.sample = levels[level].from,
						.rate_hz = 48000,
						.channels = levels[level].from_channels},
				       .to = {.sample = levels[level].to,
					      .rate_hz = 48000,
					      .channels = levels[level].to_channels},
				       .volume = {.gain_mdb = levels[level].gain_mdb},
				       .cpu = vmsnd_cpu_best(),
				       .dither = levels[level].dither};
	struct vmsnd_flow *flow = flow_open(&conf, &ring);
	uint64_t begin = thread_ns();

	for (unsigned i = 0; i < blocks; i++) {
		uint32_t taken;

		/* The ring's content does not matter, and filling it is not the flow's work. */
		vmsnd_ring_write_commit_rt(&ring.writer, OUT_FRAMES);
		vmsnd_flow_pull_rt(flow, &ring.reader, block, OUT_FRAMES, &taken);
		__asm__ volatile("" : : "r"(block) : "memory");
	}
	begin = thread_ns() - begin;
	vmsnd_flow_close(flow);
	free(flow);
	return (double)begin / blocks;
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 15;

	if (seconds == 0)
		bench_fail("usage: bench-resample [seconds of sound]");
	for (size_t i = 0; i < 2 * TONE_FRAMES; i++)
		tone[2 * i] = tone[2 * i + 1] = (float)(0.9 * spectrum_sine(1000, 44100, i));
	printf("  %-18s %15s %6s %15s   %9s  %9s %9s %9s\n", "44100 -> 48000", "x real time",
	       "cost", "worst block us", "held at", "48 kHz", "taken", "THD+N");
	printf("  %-8s %-9s %7s %7s %6s %7s %7s   %-8s   %-8s  %-8s\n", "", "", "library", "flow",
	       "ratio", "library", "flow", "library", "flow", "a block");
	for (size_t c = 0; c < sizeof(converters) / sizeof(converters[0]); c++)
		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
			row(c, m, seconds);
	printf("  a block of 10 ms at 48 kHz through the flow, no converter:\n");
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		printf("  %-32s %8.0f ns\n", levels[i].name, level_ns(i, seconds * 1000));
	return 0;
}
