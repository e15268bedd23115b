/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback: messages of the tx queue into the port's ring, and back when they have been
 * played. What the ring does not want yet stays in guest memory. */
#include "devices/virtio-snd/snd.h"

/* V76: any size; bytes after the last whole frame are passed over. Frames below
 * `copied_frames` went into the ring before the queue was stopped (rings.c). */
void snd_playback_posted(struct vmsnd_snd *snd, struct snd_stream *stream, uint16_t index)
{
	struct snd_message *message = snd_message_at(snd, stream, index);
	struct vmsnd_cursor *data = &message->chain.readable;
	uint32_t skip;

	message->start = stream->posted_frames;
	message->end = message->start + data->left / stream->frame_bytes;
	stream->posted_frames = message->end;
	if (stream->copying != SND_NO_MESSAGE || message->end <= stream->copied_frames)
		return;
	stream->copying = index;
	skip = (uint32_t)(stream->copied_frames - message->start) * stream->frame_bytes;
	if (vmsnd_chain_skip(snd->env.mem, data, skip) < skip)
		message->bad = true;
}

/* Where guest memory is not there, silence of the same length keeps the time. */
static void copy(struct vmsnd_snd *snd, const struct snd_stream *stream,
		 struct snd_message *message, uint8_t *to, uint32_t frames)
{
	uint32_t bytes = frames * stream->frame_bytes, good = 0;

	if (!message->bad) {
		good = vmsnd_chain_read(snd->env.mem, &message->chain.readable, to, bytes);
		if (good == bytes)
			return;
		snd_fault(snd, VMSND_FAULT_DATA_ADDRESS, message->chain.readable.at);
		message->bad = true;
		good -= good % stream->frame_bytes;
	}
	vmsnd_format_silence_rt(&stream->params.format, to + good,
				frames - good / stream->frame_bytes);
}

void snd_playback_fill(struct vmsnd_snd *snd, struct snd_stream *stream, bool all)
{
	while (stream->copying != SND_NO_MESSAGE) {
		struct snd_message *message = snd_message_at(snd, stream, stream->copying);
		uint64_t left = message->end - stream->copied_frames;
		uint32_t frames;
		void *at;

		if (left == 0) {
			stream->copying = message->next;
			continue;
		}
		frames = all ? UINT32_MAX : vmsnd_port_wanted(stream->port);
		frames = left < frames ? (uint32_t)left : frames;
		frames = frames != 0 ? vmsnd_port_begin(stream->port, frames, &at) : 0;
		if (frames == 0)
			return;
		copy(snd, stream, message, at, frames);
		vmsnd_port_commit(stream->port, frames);
		stream->copied_frames += frames;
		snd->counters.frames[VMSND_PLAYBACK] += frames;
	}
}

/* V70, V78: complete when every frame has left for the host, not sooner. An empty message
 * completes once all before it have. */
void snd_playback_finish(struct vmsnd_snd *snd, struct snd_stream *stream)
{
	uint64_t done;

	if (stream->first == SND_NO_MESSAGE)
		return;
	done = vmsnd_port_done_frames(stream->port);
	while (stream->first != SND_NO_MESSAGE &&
	       snd_message_at(snd, stream, stream->first)->end <= done)
		snd_message_finish(snd, stream, VIRTIO_SND_S_OK, 0);
}
