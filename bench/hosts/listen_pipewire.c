/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-latency: the monitor of a sink of PipeWire. It asks for no quantum: that of the players is
 * kept. */
#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>
#include <stdatomic.h>

#include "latency.h"

#define RATE_HZ     48000u
#define FRAME_BYTES 4u

static struct {
	struct ages *ages;
	struct pw_thread_loop *loop;
	struct pw_stream *stream;
	_Atomic bool ready;
} self;

/* A sink that drives the graph gives its monitor away with the next cycle: whoever is linked to the
 * same player without it hears it a cycle earlier. */
static int64_t ahead_ns(uint32_t frames)
{
	struct pw_time at = {0};
	const int64_t cycle_ns = frames * INT64_C(1000000000) / RATE_HZ;

	if (pw_stream_get_time_n(self.stream, &at, sizeof(at)) < 0 || at.rate.denom == 0)
		return -cycle_ns;
	return -cycle_ns - at.delay * 1000000000 * at.rate.num / at.rate.denom;
}

static void on_process(void *ctx)
{
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(self.stream);
	const struct spa_data *data = buffer ? &buffer->buffer->datas[0] : NULL;
	uint32_t offset, frames;

	if (!buffer)
		return;
	offset = SPA_MIN(data->chunk->offset, data->maxsize);
	frames = SPA_MIN(data->chunk->size, data->maxsize - offset) / FRAME_BYTES;
	if (data->data)
		ages_take_rt(self.ages, (const void *)((const char *)data->data + offset), frames,
			     ahead_ns(frames));
	pw_stream_queue_buffer(self.stream, buffer);
}

static void on_state(void *ctx, enum pw_stream_state was, enum pw_stream_state is,
		     const char *error)
{
	self.ready = is >= PW_STREAM_STATE_PAUSED;
}

static const struct pw_stream_events events = {
    .version = PW_VERSION_STREAM_EVENTS, .state_changed = on_state, .process = on_process};

static int connect_stream(void)
{
	uint8_t bytes[1024];
	struct spa_pod_builder builder = {.data = bytes, .size = sizeof(bytes)};
	struct spa_audio_info_raw info = {.format = SPA_AUDIO_FORMAT_S16_LE,
					  .rate = RATE_HZ,
					  .channels = 2,
					  .position = {SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR}};
	const struct spa_pod *params[] = {
	    spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &info)};

	return pw_stream_connect(self.stream, PW_DIRECTION_INPUT, PW_ID_ANY,
				 (enum pw_stream_flags)(PW_STREAM_FLAG_AUTOCONNECT |
							PW_STREAM_FLAG_MAP_BUFFERS |
							PW_STREAM_FLAG_RT_PROCESS),
				 params, 1);
}

static const char *open_it(struct ages *ages, const char *what)
{
	struct pw_properties *properties;

	self.ages = ages;
	pw_init(NULL, NULL);
	self.loop = pw_thread_loop_new("listener", NULL);
	properties = pw_properties_new(
	    PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Capture", PW_KEY_NODE_NAME,
	    "hosts-latency", PW_KEY_STREAM_CAPTURE_SINK, "true", "target.object", what, NULL);
	self.stream = pw_stream_new_simple(pw_thread_loop_get_loop(self.loop), "latency",
					   properties, &events, NULL);
	if (!self.stream || connect_stream() < 0 || pw_thread_loop_start(self.loop) < 0)
		return "cannot connect";
	return NULL;
}

static bool listens(void)
{
	return self.ready;
}

static void close_it(void)
{
	pw_thread_loop_stop(self.loop);
	pw_stream_destroy(self.stream);
	pw_thread_loop_destroy(self.loop);
	pw_deinit();
}

const struct listener listen_pipewire = {"pipewire", open_it, listens, close_it};
