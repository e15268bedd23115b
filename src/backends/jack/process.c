/* SPDX-License-Identifier: BSD-3-Clause */
/* JACK's process thread: ports are one channel each, blocks are interleaved. */
#include <string.h>
#include <time.h>

#include "backends/jack/host.h"

struct cycle {
	jack_nframes_t frames;
	vmsnd_ns when; /* it began, on CLOCK_MONOTONIC */
	bool freewheel;
};

static vmsnd_ns now_rt(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now); /* of the vDSO: no system call */
	return (vmsnd_ns)now.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)now.tv_nsec;
}

/* When the cycle began as the server has it, free of the jitter of wake-ups. JACK's microseconds
 * may have another origin, so only their difference is taken. */
static vmsnd_ns begin_rt(struct vmsnd_backend *host, struct cycle *cycle)
{
	jack_nframes_t at = host->next_at;
	jack_time_t began = 0, next = 0, now;
	float period_us = 0;
	vmsnd_ns when = now_rt();
	unsigned xruns = atomic_load_explicit(&host->xruns, memory_order_relaxed);

	if (jack_get_cycle_times(host->processing, &at, &began, &next, &period_us) == 0) {
		now = jack_get_time();
		if (now > began && now - began < VMSND_NS_PER_SECOND / 1000)
			when -= (now - began) * 1000;
	}
	if (at != host->next_at || xruns != host->seen_xruns || cycle->freewheel)
		host->losses++;
	host->seen_xruns = xruns;
	host->next_at = at + cycle->frames;
	return when;
}

static void silence_rt(float *const *ports, uint32_t channels, uint32_t frames)
{
	for (uint32_t channel = 0; channel < channels; channel++)
		memset(ports[channel], 0, frames * sizeof(float));
}

static void part_rt(const struct vmsnd_stream *stream, float *const *ports, uint32_t at,
		    uint32_t frames)
{
	const uint32_t channels = stream->channels;

	for (uint32_t channel = 0; channel < channels; channel++) {
		const float *from = stream->samples + channel;
		float *to = ports[channel] + at;

		for (uint32_t i = 0; i < frames; i++)
			to[i] = from[(size_t)i * channels];
	}
}

static void join_rt(const struct vmsnd_stream *stream, float *const *ports, uint32_t at,
		    uint32_t frames)
{
	const uint32_t channels = stream->channels;

	for (uint32_t channel = 0; channel < channels; channel++) {
		const float *from = ports[channel] + at;
		float *to = stream->samples + channel;

		for (uint32_t i = 0; i < frames; i++)
			to[(size_t)i * channels] = from[i];
	}
}

/* JACK counts from the first frame of the cycle, as if it were played, or had been recorded, when
 * the cycle began: the last of the block is `end` frames later. */
static uint32_t delay_rt(const struct vmsnd_stream *stream, uint32_t end)
{
	uint32_t latency = atomic_load_explicit(&stream->latency_frames, memory_order_relaxed);

	if (stream->dir == VMSND_PLAYBACK)
		return latency + end;
	return latency > end ? latency - end : 0;
}

static void move_rt(struct vmsnd_stream *stream, const struct cycle *cycle, float *const *ports)
{
	bool gap = stream->goes && stream->seen_losses != stream->host->losses;
	uint32_t done = 0;

	stream->goes = true;
	atomic_store_explicit(&stream->quiet, false, memory_order_relaxed);
	stream->seen_losses = stream->host->losses;
	/* A period may have become longer than it was at open; the stream is soon opened anew. */
	while (done < cycle->frames) {
		uint32_t left = cycle->frames - done;
		uint32_t n = left < stream->max_frames ? left : stream->max_frames;
		struct vmsnd_block block = {.samples = stream->samples,
					    .frames = n,
					    .delay_frames = delay_rt(stream, done + n),
					    .when = cycle->when,
					    .gap = gap && done == 0};

		if (stream->dir == VMSND_CAPTURE)
			join_rt(stream, ports, done, n);
		stream->user.block_rt(stream->ctx, &block);
		if (stream->dir == VMSND_PLAYBACK)
			part_rt(stream, ports, done, n);
		done += n;
	}
}

/* While the server runs free of any clock there is silence: no guest is a thousand times faster
 * than real time. */
static void stream_rt(struct vmsnd_stream *stream, const struct cycle *cycle)
{
	float *ports[VMSND_CHANNELS_MAX];

	for (uint32_t channel = 0; channel < stream->channels; channel++) {
		ports[channel] = jack_port_get_buffer(stream->ports[channel], cycle->frames);
		if (!ports[channel])
			return;
	}
	if (!atomic_load(&stream->running))
		stream->goes = false;
	else if (!cycle->freewheel) {
		move_rt(stream, cycle, ports);
		return;
	}
	if (stream->dir == VMSND_PLAYBACK)
		silence_rt(ports, stream->channels, cycle->frames);
	atomic_store_explicit(&stream->quiet, true, memory_order_release);
}

int vmsnd_jack_process_rt(jack_nframes_t frames, void *arg)
{
	struct vmsnd_backend *host = arg;
	struct cycle cycle = {.frames = frames,
			      .freewheel =
				  atomic_load_explicit(&host->freewheel, memory_order_relaxed)};

	atomic_fetch_add(&host->cycle, 1);
	if (!atomic_load(&host->shut)) {
		cycle.when = begin_rt(host, &cycle);
		for (unsigned i = 0; i < VMSND_JACK_STREAMS_MAX; i++) {
			struct vmsnd_stream *stream = atomic_load(&host->slots[i]);

			if (stream)
				stream_rt(stream, &cycle);
		}
	}
	atomic_fetch_add(&host->cycle, 1);
	return 0;
}
