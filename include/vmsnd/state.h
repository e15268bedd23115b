/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/state.h - how a part writes down what it is, and is brought back from that.
 *
 * A part writes its fields one after the other, little-endian, into room of a fixed size, and
 * reads them back in the same order. A reader never goes beyond its end: what is missing reads as
 * zero and marks it bad, so a load function reads everything, looks at `bad` once, checks what it
 * has read, and only then changes the part. Plain data; any thread. */
#ifndef VMSND_STATE_H
#define VMSND_STATE_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmsnd_state_writer {
	uint8_t *to; /* NULL: only counts */
	size_t used, room;
	bool full; /* something did not fit; `used` goes on counting */
};

void vmsnd_state_put(struct vmsnd_state_writer *writer, const void *from, size_t bytes);
void vmsnd_state_put_u8(struct vmsnd_state_writer *writer, uint8_t value);
void vmsnd_state_put_u16(struct vmsnd_state_writer *writer, uint16_t value);
void vmsnd_state_put_u32(struct vmsnd_state_writer *writer, uint32_t value);
void vmsnd_state_put_u64(struct vmsnd_state_writer *writer, uint64_t value);
/* Length and bytes, without the NUL. NULL is written as "". */
void vmsnd_state_put_text(struct vmsnd_state_writer *writer, const char *text);

struct vmsnd_state_reader {
	const uint8_t *from;
	size_t at, bytes;
	bool bad; /* read beyond the end, or a value that cannot be */
};

/* False, and `to` zeroed, when there is less. */
bool vmsnd_state_get(struct vmsnd_state_reader *reader, void *to, size_t bytes);
uint8_t vmsnd_state_get_u8(struct vmsnd_state_reader *reader);
uint16_t vmsnd_state_get_u16(struct vmsnd_state_reader *reader);
uint32_t vmsnd_state_get_u32(struct vmsnd_state_reader *reader);
uint64_t vmsnd_state_get_u64(struct vmsnd_state_reader *reader);
/* Those that have to be at most `max`: beyond it the reader is bad and they are 0. */
uint8_t vmsnd_state_get_u8_upto(struct vmsnd_state_reader *reader, uint8_t max);
uint32_t vmsnd_state_get_u32_upto(struct vmsnd_state_reader *reader, uint32_t max);
bool vmsnd_state_get_bool(struct vmsnd_state_reader *reader); /* 0 or 1 (SS-01) */
/* Into `text` of `bytes`, with a NUL; one that is longer, or holds a NUL, is bad and "". */
void vmsnd_state_get_text(struct vmsnd_state_reader *reader, char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
