/* SPDX-License-Identifier: BSD-3-Clause */
/* The audio callback: libpipewire's data thread. The connector writes into, and reads from, the
 * server's own buffers. */
#include "backends/pipewire/parts.h"

/* The server's clock went on by so much more than the last block: time was lost. */
#define LATE_NS INT64_C(50000000)

/* From ticks of the graph to frames of the stream. */
static int64_t scale_rt(int64_t ticks, const struct pw_time *time, uint32_t rate_hz)
{
	if (time->rate.denom == 0)
		return 0;
	return ticks * (int64_t)time->rate.num * (int64_t)rate_hz / (int64_t)time->rate.denom;
}

/* From the graph's edge of the stream to the speaker, or from the microphone. */
static int64_t beyond_rt(const struct vmsnd_stream *stream, const struct pw_time *time)
{
	int64_t frames = scale_rt(time->delay, time, stream->format.rate_hz);

	return frames + (int64_t)time->queued + (int64_t)time->buffered;
}

/* A cycle of the graph begins where the last one ended, unless we, or the server, came too late. */
static bool gap_rt(struct vmsnd_stream *stream, const struct pw_time *time, uint32_t frames)
{
	int64_t frame_ns = (int64_t)VMSND_NS_PER_SECOND / stream->format.rate_hz;
	int64_t block =
	    scale_rt((int64_t)(time->ticks - stream->ticks), time, stream->format.rate_hz);
	int64_t late_ns = time->now - stream->now - (int64_t)stream->graph_frames * frame_ns;
	int64_t usual = (int64_t)stream->graph_frames;
	bool gap = !stream->fresh && (2 * block > 3 * usual + 64 || late_ns > LATE_NS);

	stream->fresh = false;
	stream->ticks = time->ticks;
	stream->now = time->now;
	stream->graph_frames = frames;
	if (gap)
		atomic_fetch_add_explicit(&stream->xruns, 1, memory_order_relaxed);
	return gap;
}

static uint32_t delay_rt(int64_t frames)
{
	return frames <= 0 ? 0 : frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
}

/* In pieces of max_frames, should the server ever ask for more. */
static void blocks_rt(struct vmsnd_stream *stream, unsigned char *samples, uint32_t frames)
{
	struct pw_time time = {.now = 0};
	struct vmsnd_block block = {.samples = samples};
	int64_t beyond;

	pw_stream_get_time_n(stream->pw, &time, sizeof(time));
	beyond = beyond_rt(stream, &time);
	/* A recorded block begins with its oldest frame. */
	if (stream->dir == VMSND_CAPTURE)
		beyond -= (int64_t)frames;
	block.gap = gap_rt(stream, &time, frames);
	block.when = (vmsnd_ns)time.now;
	for (uint32_t done = 0; done < frames; done += block.frames) {
		block.frames = frames - done;
		if (block.frames > stream->max_frames)
			block.frames = stream->max_frames;
		block.samples = samples + (size_t)done * stream->frame_bytes;
		beyond += stream->dir == VMSND_PLAYBACK ? (int64_t)block.frames : 0;
		block.delay_frames = delay_rt(beyond);
		stream->user.block_rt(stream->ctx, &block);
		block.gap = false;
	}
	atomic_store_explicit(&stream->heard,
			      block.when + (uint64_t)block.delay_frames * VMSND_NS_PER_SECOND /
					       stream->format.rate_hz,
			      memory_order_relaxed);
}

static void play_rt(struct vmsnd_stream *stream, bool open)
{
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(stream->pw);
	struct spa_data *data;
	uint64_t frames, room;

	if (!buffer)
		return;
	data = &buffer->buffer->datas[0];
	room = data->data ? data->maxsize / stream->frame_bytes : 0;
	frames = buffer->requested ? buffer->requested : stream->period_frames;
	if (frames > room)
		frames = room;
	if (open && frames > 0)
		blocks_rt(stream, data->data, (uint32_t)frames);
	else if (frames > 0)
		vmsnd_format_silence_rt(&stream->format, data->data, (uint32_t)frames);
	data->chunk->offset = 0;
	data->chunk->stride = (int32_t)stream->frame_bytes;
	data->chunk->size = (uint32_t)frames * stream->frame_bytes;
	buffer->size = frames;
	pw_stream_queue_buffer(stream->pw, buffer);
}

static void record_rt(struct vmsnd_stream *stream, bool open)
{
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(stream->pw);
	struct spa_data *data;
	uint32_t from, bytes;

	if (!buffer)
		return;
	data = &buffer->buffer->datas[0];
	from = SPA_MIN(data->chunk->offset, data->maxsize);
	bytes = SPA_MIN(data->chunk->size, data->maxsize - from);
	if (open && data->data && bytes >= stream->frame_bytes)
		blocks_rt(stream, (unsigned char *)data->data + from, bytes / stream->frame_bytes);
	pw_stream_queue_buffer(stream->pw, buffer);
}

/* `inside` is set before `open` is looked at, and the lane shuts `open` before it looks at
 * `inside`: one of the two sees the other. */
void vmsnd_pw_process_rt(void *data)
{
	struct vmsnd_stream *stream = data;
	bool open;

	atomic_store(&stream->inside, true);
	open = atomic_load(&stream->open);
	if (stream->dir == VMSND_PLAYBACK)
		play_rt(stream, open);
	else
		record_rt(stream, open);
	atomic_store(&stream->inside, false);
}
