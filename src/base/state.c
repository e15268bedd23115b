/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounded writing and reading of saved state. */
#include "vmsnd/state.h"

#include <string.h>

#include "base/endian.h"

void vmsnd_state_put(struct vmsnd_state_writer *writer, const void *from, size_t bytes)
{
	if (writer->to && !writer->full) {
		if (bytes > writer->room - writer->used)
			writer->full = true;
		else if (bytes > 0)
			memcpy(writer->to + writer->used, from, bytes);
	}
	writer->used += bytes;
}

void vmsnd_state_put_u8(struct vmsnd_state_writer *writer, uint8_t value)
{
	vmsnd_state_put(writer, &value, sizeof(value));
}

void vmsnd_state_put_u16(struct vmsnd_state_writer *writer, uint16_t value)
{
	uint8_t bytes[sizeof(value)];

	vmsnd_put_le16(bytes, value);
	vmsnd_state_put(writer, bytes, sizeof(bytes));
}

void vmsnd_state_put_u32(struct vmsnd_state_writer *writer, uint32_t value)
{
	uint8_t bytes[sizeof(value)];

	vmsnd_put_le32(bytes, value);
	vmsnd_state_put(writer, bytes, sizeof(bytes));
}

void vmsnd_state_put_u64(struct vmsnd_state_writer *writer, uint64_t value)
{
	uint8_t bytes[sizeof(value)];

	vmsnd_put_le64(bytes, value);
	vmsnd_state_put(writer, bytes, sizeof(bytes));
}

void vmsnd_state_put_text(struct vmsnd_state_writer *writer, const char *text)
{
	size_t bytes = text ? strlen(text) : 0;

	vmsnd_state_put_u32(writer, (uint32_t)bytes);
	vmsnd_state_put(writer, text, bytes);
}

bool vmsnd_state_get(struct vmsnd_state_reader *reader, void *to, size_t bytes)
{
	if (reader->bad || bytes > reader->bytes - reader->at) {
		reader->bad = true;
		memset(to, 0, bytes);
		return false;
	}
	if (bytes > 0)
		memcpy(to, reader->from + reader->at, bytes);
	reader->at += bytes;
	return true;
}

uint8_t vmsnd_state_get_u8(struct vmsnd_state_reader *reader)
{
	uint8_t value;

	vmsnd_state_get(reader, &value, sizeof(value));
	return value;
}

uint16_t vmsnd_state_get_u16(struct vmsnd_state_reader *reader)
{
	uint8_t bytes[sizeof(uint16_t)];

	vmsnd_state_get(reader, bytes, sizeof(bytes));
	return vmsnd_le16(bytes);
}

uint32_t vmsnd_state_get_u32(struct vmsnd_state_reader *reader)
{
	uint8_t bytes[sizeof(uint32_t)];

	vmsnd_state_get(reader, bytes, sizeof(bytes));
	return vmsnd_le32(bytes);
}

uint64_t vmsnd_state_get_u64(struct vmsnd_state_reader *reader)
{
	uint8_t bytes[sizeof(uint64_t)];

	vmsnd_state_get(reader, bytes, sizeof(bytes));
	return vmsnd_le64(bytes);
}

uint8_t vmsnd_state_get_u8_upto(struct vmsnd_state_reader *reader, uint8_t max)
{
	uint8_t value = vmsnd_state_get_u8(reader);

	reader->bad |= value > max;
	return value > max ? 0 : value;
}

uint32_t vmsnd_state_get_u32_upto(struct vmsnd_state_reader *reader, uint32_t max)
{
	uint32_t value = vmsnd_state_get_u32(reader);

	reader->bad |= value > max;
	return value > max ? 0 : value;
}

bool vmsnd_state_get_bool(struct vmsnd_state_reader *reader)
{
	return vmsnd_state_get_u8_upto(reader, 1) == 1;
}

void vmsnd_state_get_text(struct vmsnd_state_reader *reader, char *text, size_t bytes)
{
	uint32_t length = vmsnd_state_get_u32(reader);

	text[0] = '\0';
	if (reader->bad || length >= bytes || length > reader->bytes - reader->at) {
		reader->bad = true;
		return;
	}
	vmsnd_state_get(reader, text, length);
	text[length] = '\0';
	if (memchr(text, '\0', length)) {
		reader->bad = true;
		text[0] = '\0';
	}
}
