/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture: frames from the port's ring into the messages of the rx queue, as they come. */
#include "devices/virtio-snd/snd.h"

void snd_capture_posted(struct vmsnd_snd *snd, struct snd_stream *stream, uint16_t index)
{
	struct snd_message *message = snd_message_at(snd, stream, index);
	struct vmsnd_cursor *data = &message->chain.writable;
	uint32_t skip;

	/* The pop made sure that the status fits (V67), so this cannot wrap. */
	message->room =
	    (data->left - (uint32_t)sizeof(struct virtio_snd_pcm_status)) / stream->frame_bytes;
	message->filled = 0;
	if (stream->kept_frames == 0 || stream->first != index)
		return;
	/* It was being filled when the queue was stopped; go on where that ended. */
	message->filled = stream->kept_frames < message->room ? stream->kept_frames : message->room;
	stream->kept_frames = 0;
	skip = message->filled * stream->frame_bytes;
	if (vmsnd_chain_skip(snd->env.mem, data, skip) < skip)
		message->bad = true;
}

void snd_capture_finish_first(struct vmsnd_snd *snd, struct snd_stream *stream, uint32_t status)
{
	const struct snd_message *message = snd_message_at(snd, stream, stream->first);

	/* V72: the used length tells how much was recorded. */
	snd_message_finish(snd, stream, status, message->filled * stream->frame_bytes);
}

/* Moves one piece; false when the ring is empty. Frames for a bad address are lost, so that
 * time goes on. */
static bool move(struct vmsnd_snd *snd, struct snd_stream *stream, struct snd_message *message)
{
	void *at;
	uint32_t frames = vmsnd_port_begin(stream->port, message->room - message->filled, &at);
	uint32_t bytes = frames * stream->frame_bytes;

	if (frames == 0)
		return false;
	if (!message->bad &&
	    vmsnd_chain_write(snd->env.mem, &message->chain.writable, at, bytes) < bytes) {
		snd_fault(snd, VMSND_FAULT_DATA_ADDRESS, message->chain.writable.at);
		message->bad = true;
	}
	vmsnd_port_commit(stream->port, frames);
	message->filled += frames;
	stream->copied_frames += frames;
	snd->counters.frames[VMSND_CAPTURE] += frames;
	return true;
}

/* V71: complete only when full; RELEASE gives back the rest. */
void snd_capture_fill(struct vmsnd_snd *snd, struct snd_stream *stream)
{
	if (stream->state != SND_STATE_RUNNING)
		return;
	while (stream->first != SND_NO_MESSAGE) {
		struct snd_message *message = snd_message_at(snd, stream, stream->first);

		if (message->filled == message->room)
			snd_capture_finish_first(snd, stream, VIRTIO_SND_S_OK);
		else if (!move(snd, stream, message))
			return;
	}
}
