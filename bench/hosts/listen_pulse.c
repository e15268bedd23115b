/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-latency: a source of PulseAudio. No latency is asked for, so the sink keeps that of its
 * players. */
#include <pulse/pulseaudio.h>
#include <stdatomic.h>

#include "latency.h"

#define RATE_HZ      48000u
#define FRAME_BYTES  4u
#define BLOCK_FRAMES 240u

static struct {
	struct ages *ages;
	const char *source;
	pa_threaded_mainloop *loop;
	pa_context *context;
	pa_stream *stream;
	_Atomic bool ready;
} self;

/* A monitor's sound is ahead of the speaker: its latency is negative then. */
static int64_t ahead_ns(void)
{
	pa_usec_t us;
	int negative;

	if (pa_stream_get_latency(self.stream, &us, &negative) < 0)
		return 0;
	return negative ? (int64_t)us * 1000 : -(int64_t)us * 1000;
}

static void on_read(pa_stream *stream, size_t bytes, void *ctx)
{
	const void *at;
	size_t n;

	while (pa_stream_readable_size(stream) > 0 && pa_stream_peek(stream, &at, &n) >= 0 &&
	       n > 0) {
		if (at)
			ages_take_rt(self.ages, at, (uint32_t)(n / FRAME_BYTES), ahead_ns());
		pa_stream_drop(stream);
	}
}

static void on_stream(pa_stream *stream, void *ctx)
{
	self.ready = pa_stream_get_state(stream) == PA_STREAM_READY;
}

static void on_context(pa_context *context, void *ctx)
{
	const pa_sample_spec spec = {.format = PA_SAMPLE_S16LE, .rate = RATE_HZ, .channels = 2};
	const pa_buffer_attr attr = {.maxlength = UINT32_MAX,
				     .fragsize = BLOCK_FRAMES * FRAME_BYTES};

	if (pa_context_get_state(context) != PA_CONTEXT_READY)
		return;
	self.stream = pa_stream_new(context, "latency", &spec, NULL);
	if (!self.stream)
		return;
	pa_stream_set_read_callback(self.stream, on_read, NULL);
	pa_stream_set_state_callback(self.stream, on_stream, NULL);
	pa_stream_connect_record(self.stream, self.source, &attr,
				 PA_STREAM_AUTO_TIMING_UPDATE | PA_STREAM_INTERPOLATE_TIMING);
}

static const char *open_it(struct ages *ages, const char *what)
{
	self.ages = ages;
	self.source = what;
	self.loop = pa_threaded_mainloop_new();
	self.context = pa_context_new(pa_threaded_mainloop_get_api(self.loop), "hosts-latency");
	pa_context_set_state_callback(self.context, on_context, NULL);
	if (pa_context_connect(self.context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0 ||
	    pa_threaded_mainloop_start(self.loop) < 0)
		return "cannot connect";
	return NULL;
}

static bool listens(void)
{
	return self.ready;
}

static void close_it(void)
{
	pa_threaded_mainloop_lock(self.loop);
	if (self.stream)
		pa_stream_disconnect(self.stream);
	pa_context_disconnect(self.context);
	pa_threaded_mainloop_unlock(self.loop);
	pa_threaded_mainloop_stop(self.loop);
	if (self.stream)
		pa_stream_unref(self.stream);
	pa_context_unref(self.context);
	pa_threaded_mainloop_free(self.loop);
}

const struct listener listen_pulse = {"pulse", open_it, listens, close_it};
