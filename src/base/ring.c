/* SPDX-License-Identifier: BSD-3-Clause */
/* The one ring: frames from one writer to one reader, without locks. */
#include "base/ring.h"

#include <string.h>

uint32_t vmsnd_ring_capacity(uint32_t frames)
{
	uint32_t capacity = 1;

	while (capacity && capacity < frames)
		capacity <<= 1;
	return capacity;
}

void vmsnd_ring_reset(struct vmsnd_ring_head *head)
{
	atomic_store_explicit(&head->written, 0, memory_order_release);
	atomic_store_explicit(&head->read, 0, memory_order_release);
}

void vmsnd_ring_end_init(struct vmsnd_ring_end *end, struct vmsnd_ring_head *head, void *storage,
			 uint32_t capacity_frames, uint32_t frame_bytes)
{
	*end = (struct vmsnd_ring_end){.head = head,
				       .storage = storage,
				       .capacity_frames = capacity_frames,
				       .frame_bytes = frame_bytes};
}

uint32_t vmsnd_ring_distance_rt(const struct vmsnd_ring_head *head)
{
	uint64_t read = atomic_load_explicit(&head->read, memory_order_acquire);
	uint64_t written = atomic_load_explicit(&head->written, memory_order_acquire);

	return written - read <= UINT32_MAX ? (uint32_t)(written - read) : 0;
}

/* A frame stays where it is or goes one old ring further, whichever its position says. */
void vmsnd_ring_double(struct vmsnd_ring_end *end)
{
	uint64_t old = end->capacity_frames;
	uint64_t at = atomic_load_explicit(&end->head->read, memory_order_acquire);
	uint64_t written = atomic_load_explicit(&end->head->written, memory_order_acquire);

	for (; at < written; at++) {
		unsigned char *from = end->storage + (at & (old - 1)) * end->frame_bytes;

		if (at & old)
			memcpy(from + old * end->frame_bytes, from, end->frame_bytes);
	}
	end->capacity_frames = (uint32_t)(2 * old);
}

uint32_t vmsnd_ring_unread(struct vmsnd_ring_end *reader, uint32_t frames)
{
	uint32_t most = reader->capacity_frames - vmsnd_ring_fill_rt(reader);

	if (most > reader->position)
		most = (uint32_t)reader->position;
	if (frames > most)
		frames = most;
	reader->position -= frames;
	atomic_store_explicit(&reader->head->read, reader->position, memory_order_release);
	return frames;
}

/* At most `frames`, at most `available`, at most to the end of the storage. */
static uint32_t piece_rt(const struct vmsnd_ring_end *end, uint32_t available, uint32_t frames,
			 void **at)
{
	uint32_t index = (uint32_t)(end->position & (end->capacity_frames - 1));
	uint32_t piece = end->capacity_frames - index;

	*at = end->storage + (size_t)index * end->frame_bytes;
	if (piece > available)
		piece = available;
	return piece < frames ? piece : frames;
}

uint32_t vmsnd_ring_room_rt(const struct vmsnd_ring_end *writer)
{
	uint64_t read = atomic_load_explicit(&writer->head->read, memory_order_acquire);
	uint64_t used = writer->position - read;

	return used <= writer->capacity_frames ? writer->capacity_frames - (uint32_t)used : 0;
}

uint32_t vmsnd_ring_write_begin_rt(const struct vmsnd_ring_end *writer, uint32_t frames, void **at)
{
	return piece_rt(writer, vmsnd_ring_room_rt(writer), frames, at);
}

void vmsnd_ring_write_commit_rt(struct vmsnd_ring_end *writer, uint32_t frames)
{
	uint32_t room = vmsnd_ring_room_rt(writer);

	writer->position += frames < room ? frames : room;
	atomic_store_explicit(&writer->head->written, writer->position, memory_order_release);
}

uint32_t vmsnd_ring_put_rt(struct vmsnd_ring_end *writer, const void *from, uint32_t frames)
{
	const unsigned char *samples = from;
	uint32_t put = 0, piece;
	void *at;

	while ((piece = vmsnd_ring_write_begin_rt(writer, frames - put, &at)) > 0) {
		memcpy(at, samples + (size_t)put * writer->frame_bytes,
		       (size_t)piece * writer->frame_bytes);
		vmsnd_ring_write_commit_rt(writer, piece);
		put += piece;
	}
	return put;
}

uint32_t vmsnd_ring_fill_rt(const struct vmsnd_ring_end *reader)
{
	uint64_t written = atomic_load_explicit(&reader->head->written, memory_order_acquire);
	uint64_t used = written - reader->position;

	return used <= reader->capacity_frames ? (uint32_t)used : 0;
}

uint32_t vmsnd_ring_read_begin_rt(const struct vmsnd_ring_end *reader, uint32_t frames, void **at)
{
	return piece_rt(reader, vmsnd_ring_fill_rt(reader), frames, at);
}

void vmsnd_ring_read_commit_rt(struct vmsnd_ring_end *reader, uint32_t frames)
{
	uint32_t fill = vmsnd_ring_fill_rt(reader);

	reader->position += frames < fill ? frames : fill;
	atomic_store_explicit(&reader->head->read, reader->position, memory_order_release);
}
