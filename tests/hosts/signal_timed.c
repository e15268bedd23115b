/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-signal: how long the connector's part of an audio thread takes, block by block. Each class
 * that the program holds is put before with streams whose block_rt is timed. */
#include <math.h>
#include <pthread.h>
#include <time.h>

#include "os/clock.h"
#include "signal.h"
#include "stamped.h"

/* A figure out of a bin is at most 3 % more than what was measured. */
#define BINS_AN_OCTAVE 32u
#define LEAST_NS       64u
#define STREAMS_MAX    64u

struct timed_stream {
	const struct vmsnd_stream *stream; /* NULL: free */
	struct vmsnd_stream_user user;
	void *ctx;
	_Atomic bool stampable; /* opened, and what it plays can carry stamps */
	_Atomic uint32_t sample;
	uint32_t stamp; /* the last one; the audio thread's */
	bool taken;
};

/* All that the program times; its streams come and go on workers. */
static struct {
	pthread_mutex_t lock;
	bool stamped;
	struct timed_stream streams[STREAMS_MAX];
	struct signal_spread blocks, inside, host;
	_Atomic uint64_t worst_cpu_ns;
} timed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t cpu_now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (uint64_t)at.tv_sec * VMSND_NS_PER_SECOND + (uint64_t)at.tv_nsec;
}

/* ---- spreads ---- */

static unsigned bin_of(uint64_t ns)
{
	unsigned octave = 0, bin;

	if (ns < LEAST_NS)
		return 0;
	while (ns >= (uint64_t)LEAST_NS << (octave + 1))
		octave++;
	bin = octave * BINS_AN_OCTAVE +
	      (unsigned)((ns >> octave) % LEAST_NS * BINS_AN_OCTAVE / LEAST_NS);
	return bin < SIGNAL_BINS ? bin : SIGNAL_BINS - 1u;
}

static uint64_t bin_end_ns(unsigned bin)
{
	uint64_t octave = (uint64_t)LEAST_NS << (bin / BINS_AN_OCTAVE);

	return octave + octave / BINS_AN_OCTAVE * (bin % BINS_AN_OCTAVE + 1u);
}

static void at_least(_Atomic uint64_t *most, uint64_t ns)
{
	uint64_t before = atomic_load_explicit(most, memory_order_relaxed);

	while (before < ns && !atomic_compare_exchange_weak(most, &before, ns))
		;
}

static void count(struct signal_spread *spread, uint64_t ns)
{
	at_least(&spread->worst_ns, ns);
	atomic_fetch_add_explicit(&spread->bins[bin_of(ns)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&spread->sum_ns, ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&spread->n, 1, memory_order_relaxed);
}

/* So many parts of all took no longer. */
static double below_ns(const struct signal_spread *spread, double part)
{
	uint64_t wanted = (uint64_t)ceil(part * (double)spread->n), seen = 0;
	double worst = (double)spread->worst_ns;

	for (unsigned bin = 0; bin < SIGNAL_BINS; bin++) {
		seen += spread->bins[bin];
		if (seen >= wanted)
			return fmin((double)bin_end_ns(bin), worst);
	}
	return worst;
}

void signal_spread_line(FILE *to, const char *name, const struct signal_spread *spread)
{
	if (spread->n > 0)
		fprintf(to, "%s n=%llu mean_ms=%.3f p50_ms=%.3f p99_ms=%.3f worst_ms=%.3f\n", name,
			(unsigned long long)spread->n,
			(double)spread->sum_ns / (double)spread->n / 1e6,
			below_ns(spread, 0.5) / 1e6, below_ns(spread, 0.99) / 1e6,
			(double)spread->worst_ns / 1e6);
}

/* ---- blocks ---- */

static uint32_t stamp_at(const struct timed_stream *stream, const struct vmsnd_block *block,
			 uint32_t frame)
{
	const int16_t *whole = (const int16_t *)block->samples + 2 * (size_t)frame;
	const float *part = (const float *)block->samples + 2 * (size_t)frame;

	if (stream->sample == VMSND_SAMPLE_S16)
		return stamp_get(whole[0], whole[1]);
	return stamp_get((int16_t)lrintf(part[0] * 32768), (int16_t)lrintf(part[1] * 32768));
}

/* How long the first frame of what the guest wrote at once was in its buffer and in the card. The
 * host's frames go by one after the other from now on. */
static void note_ages(struct timed_stream *stream, const struct vmsnd_block *block, vmsnd_ns now)
{
	const uint32_t delay = block->delay_frames; /* of its last frame */

	count(&timed.host,
	      (delay > block->frames ? delay - block->frames : 0) * VMSND_NS_PER_SECOND / STAMP_HZ);
	for (uint32_t i = 0; i < block->frames; i++) {
		const uint32_t stamp = stamp_at(stream, block, i);
		const int64_t age_ns =
		    stamp_age_ns(stamp, now + i * VMSND_NS_PER_SECOND / STAMP_HZ);

		if (age_ns >= 0 && stamp != stream->stamp)
			count(&timed.inside, (uint64_t)age_ns);
		if (age_ns >= 0)
			stream->stamp = stamp;
	}
}

static void block_timed(void *ctx, const struct vmsnd_block *block)
{
	struct timed_stream *stream = ctx;
	const uint64_t cpu = cpu_now(), began = vmsnd_clock_now();

	stream->user.block_rt(stream->ctx, block);
	count(&timed.blocks, vmsnd_clock_now() - began);
	at_least(&timed.worst_cpu_ns, cpu_now() - cpu);
	if (timed.stamped && stream->stampable)
		note_ages(stream, block, began);
}

static uint32_t ready_timed(void *ctx)
{
	struct timed_stream *stream = ctx;

	return stream->user.ready_rt(stream->ctx);
}

static void ended_timed(void *ctx, enum vmsnd_rc why)
{
	struct timed_stream *stream = ctx;

	if (stream->user.ended)
		stream->user.ended(stream->ctx, why);
}

static void notice_timed(void *ctx, enum vmsnd_stream_notice what)
{
	struct timed_stream *stream = ctx;

	if (stream->user.notice)
		stream->user.notice(stream->ctx, what);
}

static const struct vmsnd_stream_user timed_user = {
    .block_rt = block_timed, .ready_rt = ready_timed, .ended = ended_timed, .notice = notice_timed};

static struct timed_stream *take(const struct vmsnd_stream_user *user, void *ctx)
{
	struct timed_stream *stream = NULL;

	pthread_mutex_lock(&timed.lock);
	for (unsigned i = 0; i < STREAMS_MAX && !stream; i++)
		if (!timed.streams[i].taken)
			stream = &timed.streams[i];
	if (stream)
		*stream = (struct timed_stream){.user = *user, .ctx = ctx, .taken = true};
	pthread_mutex_unlock(&timed.lock);
	return stream;
}

static void give(const struct timed_stream *stream)
{
	pthread_mutex_lock(&timed.lock);
	timed.streams[stream - timed.streams].taken = false;
	pthread_mutex_unlock(&timed.lock);
}

static bool can_carry(const struct vmsnd_format *format)
{
	return (format->sample == VMSND_SAMPLE_S16 || format->sample == VMSND_SAMPLE_FLOAT) &&
	       format->rate_hz == STAMP_HZ && format->channels == 2;
}

enum vmsnd_rc signal_timed_open(const struct vmsnd_backend_class *cls,
				const struct signal_stream_open *with)
{
	struct timed_stream *stream = take(with->user, with->ctx);
	enum vmsnd_rc rc;

	if (!stream)
		return VMSND_E_LIMIT;
	rc = cls->stream_open(with->host, with->want, &timed_user, stream, with->out, with->got);
	if (rc)
		give(stream);
	else
		stream->stream = *with->out;
	if (!rc) {
		stream->sample = (uint32_t)with->got->format.sample;
		stream->stampable =
		    with->want->dir == VMSND_PLAYBACK && can_carry(&with->got->format);
	}
	return rc;
}

void signal_timed_close(const struct vmsnd_backend_class *cls, struct vmsnd_stream *of)
{
	struct timed_stream *stream = NULL;

	pthread_mutex_lock(&timed.lock);
	for (unsigned i = 0; i < STREAMS_MAX && !stream; i++)
		if (timed.streams[i].taken && timed.streams[i].stream == of)
			stream = &timed.streams[i];
	if (stream)
		stream->stream = NULL; /* the next one may have its address */
	pthread_mutex_unlock(&timed.lock);
	cls->stream_close(of);
	if (stream)
		give(stream);
}

void signal_timed_begin(const struct signal_options *options)
{
	timed.stamped = options->stamped;
}

void signal_timed_line(FILE *to)
{
	const struct signal_spread *blocks = &timed.blocks;

	if (blocks->n == 0)
		return;
	fprintf(to, "blocks n=%llu p50_us=%.1f p99_us=%.1f worst_us=%.1f worst_cpu_us=%.1f\n",
		(unsigned long long)blocks->n, below_ns(blocks, 0.5) / 1e3,
		below_ns(blocks, 0.99) / 1e3, (double)blocks->worst_ns / 1e3,
		(double)timed.worst_cpu_ns / 1e3);
	signal_spread_line(to, "inside", &timed.inside);
	signal_spread_line(to, "host", &timed.host);
}

void signal_timed_said(struct signal_spread *said, const struct vmsnd_machine *machine)
{
	struct vmsnd_stream_status list[SIGNAL_STREAMS_MAX];
	size_t n = vmsnd_machine_streams(machine, 0, list, SIGNAL_STREAMS_MAX);

	for (size_t i = 0; i < n && i < SIGNAL_STREAMS_MAX; i++)
		if (list[i].dir == VMSND_PLAYBACK && list[i].output == 0 && list[i].latency_ns > 0)
			count(said, list[i].latency_ns);
}
