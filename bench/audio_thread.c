/* SPDX-License-Identifier: BSD-3-Clause */
/* What the connector costs a host's audio thread: one block of 10 ms at a time, 48 kHz stereo S16
 * at the guest's end, beside memcpy of the same bytes in the same run. In CPU time of the thread,
 * less what reading that clock costs, so other programs do not count; interrupts and a cache gone
 * cold do, which is why memcpy's own worst stands beside ours.
 * Usage: bench-audio-thread [blocks]; a tenth of them where the rate is converted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connector/connector.h"
#include "os/cpu.h"
#include "server.h"

#define PERIOD   480u
#define BLOCK_NS UINT64_C(10000000)
#define UNITS    3u

struct vmsnd_backend {
	struct vmsnd_format format;
	struct vmsnd_stream *stream; /* the one that is open */
};

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	bool running;
	uint8_t samples[PERIOD * 2 * 8];
};

static enum vmsnd_rc host_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
			       const struct vmsnd_stream_user *user, void *ctx,
			       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return VMSND_E_NOMEM;
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	*got = (struct vmsnd_stream_got){.format = host->format,
					 .period_frames = host->format.rate_hz / 100,
					 .max_frames = PERIOD};
	*out = host->stream = stream;
	return VMSND_OK;
}

static enum vmsnd_rc host_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = true;
	return VMSND_OK;
}

static void host_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = false;
}

static void host_close(struct vmsnd_stream *stream)
{
	stream->host->stream = NULL;
	free(stream);
}

static const struct vmsnd_backend_class host_class = {.abi = VMSND_BACKEND_ABI,
						      .abi_end = VMSND_BACKEND_ABI,
						      .name = "bench",
						      .stream_open = host_open,
						      .stream_start = host_start,
						      .stream_stop = host_stop,
						      .stream_close = host_close};

/* ---- what is measured ---- */

struct bench_case {
	const char *text;
	enum vmsnd_dir dir;
	unsigned units, timed; /* timed: whose block */
	enum vmsnd_sample sample;
	uint32_t rate_hz; /* of unit 0's host */
	int32_t gain_mdb;
	enum vmsnd_lun_role role; /* of the others */
	bool converts;            /* a tenth of the blocks does: they take 100 times as long */
};

#define S16    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000
#define FLOAT  .sample = VMSND_SAMPLE_FLOAT, .rate_hz = 48000
#define OTHER  .sample = VMSND_SAMPLE_S16, .rate_hz = 44100, .converts = true
#define PLAY   .dir = VMSND_PLAYBACK, .units = 1
#define RECORD .dir = VMSND_CAPTURE, .units = 1
#define PLAY3  .dir = VMSND_PLAYBACK, .units = 3

static const struct bench_case cases[] = {
    {.text = "plays: as it is", PLAY, S16},
    {.text = "plays: to FLOAT", PLAY, FLOAT},
    {.text = "plays: -6 dB, dithered", PLAY, S16, .gain_mdb = -6000},
    {.text = "plays: to 44100 Hz, medium", PLAY, OTHER},
    {.text = "plays: first of three outputs", PLAY3, S16},
    {.text = "plays: second of three, bent, medium", PLAY3, S16, .timed = 1, .converts = true},
    {.text = "plays: with two taps of what it took", PLAY3, S16, .role = VMSND_LUN_TAP_HOST},
    {.text = "records: as it is", RECORD, S16},
    {.text = "records: from FLOAT, dithered", RECORD, FLOAT},
    {.text = "records: from 44100 Hz, medium", RECORD, OTHER},
    {.text = "records: three inputs, two bent, medium",
     .dir = VMSND_CAPTURE,
     .units = 3,
     S16,
     .converts = true},
};

struct world {
	struct vmsnd_backend hosts[UNITS];
	struct vmsnd_connector_env env;
	struct vmsnd_port *port;
	struct vmsnd_lun *luns[UNITS];
	void *rings[UNITS];
	vmsnd_ns now;
};

static uint64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void *zeroed(size_t bytes)
{
	void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);

	if (!at)
		bench_fail("out of memory");
	memset(at, 0, bytes);
	return at;
}

static void add(struct world *world, const struct bench_case *row, unsigned unit)
{
	struct vmsnd_lun_conf conf = {.role = unit ? row->role : VMSND_LUN_NORMAL,
				      .backend = &host_class,
				      .host = &world->hosts[unit],
				      .volume = {.gain_mdb = row->gain_mdb},
				      .prefs = {.sample = VMSND_SAMPLE_COUNT,
						.prebuffer_ms = VMSND_PREBUFFER_UNSET,
						.quality = VMSND_QUALITY_MEDIUM}};

	world->hosts[unit].format =
	    (struct vmsnd_format){.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};
	if (unit == 0) {
		world->hosts[unit].format.sample = row->sample;
		world->hosts[unit].format.rate_hz = row->rate_hz;
	} else {
		conf.ring_storage = world->rings[unit];
	}
	world->luns[unit] = zeroed(vmsnd_lun_footprint());
	if (vmsnd_port_add(world->port, unit, world->luns[unit], &conf, 0))
		bench_fail("no unit");
}

static void open_world(struct world *world, const struct bench_case *row)
{
	const struct vmsnd_stream_params params = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    .buffer_frames = 4 * PERIOD,
	    .period_frames = PERIOD};
	struct vmsnd_port_conf conf = {.dir = row->dir, .enabled = true, .env = &world->env};

	memset(world, 0, sizeof(*world));
	world->env = (struct vmsnd_connector_env){.rates = &vmsnd_resampler_samplerate,
						  .cpu = vmsnd_cpu_best()};
	world->port = zeroed(vmsnd_port_footprint());
	for (unsigned i = 0; i < UNITS; i++)
		world->rings[i] = zeroed(VMSND_PORT_RING_BYTES);
	conf.ring_storage = world->rings[0];
	vmsnd_port_init(world->port, &conf);
	for (unsigned i = 0; i < row->units; i++)
		add(world, row, i);
	if (vmsnd_port_prepare(world->port, &params, 0) || vmsnd_port_start(world->port, 0))
		bench_fail("no stream");
}

static void close_world(struct world *world, const struct bench_case *row)
{
	vmsnd_port_close(world->port, world->now);
	for (unsigned i = 0; i < row->units; i++) {
		vmsnd_port_remove(world->port, i, world->now);
		while (!vmsnd_lun_gone(world->luns[i]))
			vmsnd_port_advance(world->port, world->now);
		free(world->luns[i]);
	}
	for (unsigned i = 0; i < UNITS; i++)
		free(world->rings[i]);
	free(world->port);
}

/* The guest's part of 10 ms, which is the lane's and not measured. */
static void device(struct world *world, enum vmsnd_dir dir)
{
	uint32_t left = dir == VMSND_PLAYBACK ? vmsnd_port_wanted(world->port) : 4 * PERIOD;

	while (left > 0) {
		void *at;
		uint32_t n = vmsnd_port_begin(world->port, left, &at);

		if (n == 0)
			break;
		if (dir == VMSND_PLAYBACK)
			memset(at, 0x11, (size_t)n * 4);
		vmsnd_port_commit(world->port, n);
		left -= n;
	}
	vmsnd_port_advance(world->port, world->now);
}

/* Nanoseconds of one block of a unit; 0 when it does not run. */
static uint32_t play(struct world *world, unsigned unit)
{
	struct vmsnd_stream *stream = world->hosts[unit].stream;
	struct vmsnd_block block = {.when = world->now};
	uint64_t begin;

	if (!stream || !stream->running)
		return 0;
	block.samples = stream->samples;
	block.frames = stream->host->format.rate_hz / 100;
	begin = thread_ns();
	stream->user.block_rt(stream->ctx, &block);
	return (uint32_t)(thread_ns() - begin);
}

/* The same bytes, from and to memory as warm as a ring's. */
static uint32_t copy(unsigned round)
{
	static uint8_t from[8][PERIOD * 4], to[PERIOD * 4];
	uint64_t begin = thread_ns();

	memcpy(to, from[round % 8], sizeof(to));
	__asm__ volatile("" : : "r"(to) : "memory");
	return (uint32_t)(thread_ns() - begin);
}

/* Two readings and nothing in between: the least of many, so that no cost is hidden. */
static uint32_t clock_ns(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t begin = thread_ns(), took = thread_ns() - begin;

		least = took < least ? took : least;
	}
	return (uint32_t)least;
}

/* ---- figures ---- */

struct figures {
	uint64_t sum, n;
	uint32_t worst;
	uint32_t *all;
};

static void note(struct figures *figures, uint32_t ns, uint32_t clock)
{
	ns -= ns < clock ? ns : clock;
	figures->all[figures->n++] = ns;
	figures->sum += ns;
	if (ns > figures->worst)
		figures->worst = ns;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double average(const struct figures *figures)
{
	return figures->n ? (double)figures->sum / (double)figures->n : 0;
}

/* All but one of 10000 are no longer than this. */
static double almost_worst(struct figures *figures)
{
	qsort(figures->all, figures->n, sizeof(figures->all[0]), by_value);
	return figures->n ? figures->all[figures->n - 1 - figures->n / 10000] : 0;
}

static void measure(const struct bench_case *row, unsigned blocks)
{
	struct figures ours = {.all = malloc(sizeof(uint32_t) * blocks)};
	struct figures floor = {.all = malloc(sizeof(uint32_t) * blocks)};
	uint32_t clock = clock_ns();
	struct world world;

	if (!ours.all || !floor.all)
		bench_fail("out of memory");
	open_world(&world, row);
	for (unsigned round = 0; ours.n < blocks; round++) {
		if (round > blocks + 1000)
			bench_fail("a host does not run");
		world.now += BLOCK_NS;
		device(&world, row->dir);
		for (unsigned i = row->units; i-- > 0;) {
			uint32_t ns = play(&world, i);

			if (i == row->timed && ns > 0 && round >= 100) {
				note(&ours, ns, clock);
				note(&floor, copy(round), clock);
			}
		}
	}
	close_world(&world, row);
	printf("  %-40s %7.0f ns mean %7.0f ns 99.99 %% %7.1f us worst  (memcpy %.0f %.0f %.1f)\n",
	       row->text, average(&ours), almost_worst(&ours), ours.worst / 1e3, average(&floor),
	       almost_worst(&floor), floor.worst / 1e3);
	free(ours.all);
	free(floor.all);
}

int main(int argc, char **argv)
{
	unsigned blocks = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;

	if (blocks == 0)
		bench_fail("usage: bench-audio-thread [blocks]");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		measure(&cases[i], cases[i].converts ? (blocks + 9) / 10 : blocks);
	return 0;
}
