/* SPDX-License-Identifier: BSD-3-Clause */
/* The one ring: frames from one writer to one reader, without locks (design, ideas 3 and 9).
 *
 * The head and the storage may be mapped by two processes at different addresses, so they
 * hold no pointers. Each side keeps an end of its own, in memory of its own: its
 * position, the size and the addresses live there, so nothing the other side writes can move
 * them. The other side's position is read from the head and believed only as far as
 * it makes sense; one that does not leaves this side with no room or nothing to read.
 *
 * Positions count frames and never wrap (64 bits). Every function is wait-free. */
#ifndef VMSND_BASE_RING_H
#define VMSND_BASE_RING_H

#include <stdalign.h>
#include <stdatomic.h>

#include "vmsnd/types.h"

/* Shared. Each side writes one line of its own and reads the other's. Zeroed memory is an
 * empty ring. */
struct vmsnd_ring_head {
	alignas(64) _Atomic uint64_t written;
	alignas(64) _Atomic uint64_t read;
};

/* One side's end; private to it. */
struct vmsnd_ring_end {
	struct vmsnd_ring_head *head;
	unsigned char *storage; /* capacity_frames * frame_bytes */
	uint64_t position;      /* frames written or read by this side */
	uint32_t capacity_frames;
	uint32_t frame_bytes;
};

/* The smallest power of two of at least `frames`; 0 when there is none in 32 bits. */
uint32_t vmsnd_ring_capacity(uint32_t frames);
/* Empties the ring. Only while neither side is at work; both ends are then set up anew. */
void vmsnd_ring_reset(struct vmsnd_ring_head *head);
/* Twice the room in the same storage, which has to have it; what the ring holds stays. Only while
 * neither side is at work; the other end is then told its new capacity. */
void vmsnd_ring_double(struct vmsnd_ring_end *end);
/* The last frames read are to be read again: as many of `frames` as the writer has not written
 * over. Returns how many. Only while neither side is at work. */
uint32_t vmsnd_ring_unread(struct vmsnd_ring_end *reader, uint32_t frames);
/* An end of an empty ring. `capacity_frames` is a power of two. */
void vmsnd_ring_end_init(struct vmsnd_ring_end *end, struct vmsnd_ring_head *head, void *storage,
			 uint32_t capacity_frames, uint32_t frame_bytes);

/* The writer's side. room: frames that could be written now. begin: at most `frames`
 * contiguous frames and where they lie. commit: the first `frames` of them are written;
 * more than there is room for is cut to that. */
uint32_t vmsnd_ring_room_rt(const struct vmsnd_ring_end *writer);
uint32_t vmsnd_ring_write_begin_rt(const struct vmsnd_ring_end *writer, uint32_t frames, void **at);
void vmsnd_ring_write_commit_rt(struct vmsnd_ring_end *writer, uint32_t frames);

/* Copies as many of `frames` as there is room for, and says how many that was. */
uint32_t vmsnd_ring_put_rt(struct vmsnd_ring_end *writer, const void *from, uint32_t frames);

/* Frames between the two, for whoever is neither: a figure, not a promise. */
uint32_t vmsnd_ring_distance_rt(const struct vmsnd_ring_head *head);

/* The reader's side, the mirror image. */
uint32_t vmsnd_ring_fill_rt(const struct vmsnd_ring_end *reader);
uint32_t vmsnd_ring_read_begin_rt(const struct vmsnd_ring_end *reader, uint32_t frames, void **at);
void vmsnd_ring_read_commit_rt(struct vmsnd_ring_end *reader, uint32_t frames);

#endif
