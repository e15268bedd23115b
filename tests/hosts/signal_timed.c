/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-signal: how long the connector's part of an audio thread takes, block by block. Each class
 * that the program holds is put before with streams whose block_rt is timed. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "os/clock.h"
#include "signal.h"

/* Eight bins an octave, from 64 ns on: a figure is at most 9 % more than what was measured. */
#define BINS_AN_OCTAVE 8u
#define OCTAVES        24u
#define LEAST_NS       64u
#define N_BINS         (BINS_AN_OCTAVE * OCTAVES)
#define STREAMS_MAX    64u

struct timed_stream {
	const struct vmsnd_stream *stream; /* NULL: free */
	struct vmsnd_stream_user user;
	void *ctx;
	bool taken;
};

/* All that the program times; its streams come and go on workers. */
static struct {
	pthread_mutex_t lock;
	struct timed_stream streams[STREAMS_MAX];
	_Atomic uint64_t bins[N_BINS], blocks, worst_ns, worst_cpu_ns;
} timed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t cpu_now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (uint64_t)at.tv_sec * VMSND_NS_PER_SECOND + (uint64_t)at.tv_nsec;
}

static unsigned bin_of(uint64_t ns)
{
	unsigned octave = 0;

	while (octave + 1 < OCTAVES && ns >= (uint64_t)LEAST_NS << (octave + 1))
		octave++;
	if (ns < LEAST_NS)
		return 0;
	ns =
	    (ns - ((uint64_t)LEAST_NS << octave)) * BINS_AN_OCTAVE / ((uint64_t)LEAST_NS << octave);
	return octave * BINS_AN_OCTAVE + (unsigned)(ns < BINS_AN_OCTAVE ? ns : BINS_AN_OCTAVE - 1u);
}

static uint64_t bin_end_ns(unsigned bin)
{
	uint64_t octave = (uint64_t)LEAST_NS << (bin / BINS_AN_OCTAVE);

	return octave + octave * (bin % BINS_AN_OCTAVE + 1u) / BINS_AN_OCTAVE;
}

static void at_least(_Atomic uint64_t *most, uint64_t ns)
{
	uint64_t before = atomic_load_explicit(most, memory_order_relaxed);

	while (before < ns && !atomic_compare_exchange_weak(most, &before, ns))
		;
}

static void block_timed(void *ctx, const struct vmsnd_block *block)
{
	struct timed_stream *stream = ctx;
	uint64_t began = vmsnd_clock_now(), cpu = cpu_now();

	stream->user.block_rt(stream->ctx, block);
	at_least(&timed.worst_cpu_ns, cpu_now() - cpu);
	began = vmsnd_clock_now() - began;
	at_least(&timed.worst_ns, began);
	atomic_fetch_add_explicit(&timed.bins[bin_of(began)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&timed.blocks, 1, memory_order_relaxed);
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

static uint64_t below_ns(double part)
{
	uint64_t wanted = (uint64_t)(part * (double)timed.blocks), seen = 0;

	for (unsigned bin = 0; bin < N_BINS; bin++) {
		seen += timed.bins[bin];
		if (seen > wanted)
			return bin_end_ns(bin);
	}
	return 0;
}

void signal_timed_line(FILE *to)
{
	if (timed.blocks == 0)
		return;
	fprintf(to, "blocks n=%llu p50_us=%.1f p99_us=%.1f worst_us=%.1f worst_cpu_us=%.1f\n",
		(unsigned long long)timed.blocks, (double)below_ns(0.5) / 1e3,
		(double)below_ns(0.99) / 1e3, (double)timed.worst_ns / 1e3,
		(double)timed.worst_cpu_ns / 1e3);
}
