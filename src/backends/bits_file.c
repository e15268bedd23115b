/* SPDX-License-Identifier: BSD-3-Clause */
/* DSDIFF: chunks of a name, a size of 64 bits, and data, all big-endian. The sound is the last of
 * them, so its size and that of the whole are all that ever changes. */
#include "backends/bits_file.h"

#include <string.h>
#include <unistd.h>

#define CHUNK_HEAD_BYTES 12u /* name and size */
#define WHOLE_SIZE_AT    4
#define VERSION          0x01050000u
#define HEADER_MAX_BYTES 256u

struct header {
	uint8_t bytes[HEADER_MAX_BYTES];
	uint32_t at;
};

/* What DSDIFF calls channels of a place; those it has no name for have a number. */
static const char *const names[VMSND_POSITION_COUNT] = {
    [VMSND_POSITION_FL] = "MLFT",  [VMSND_POSITION_FR] = "MRGT", [VMSND_POSITION_FC] = "C   ",
    [VMSND_POSITION_LFE] = "LFE ", [VMSND_POSITION_RL] = "LS  ", [VMSND_POSITION_RR] = "RS  ",
};

static void put_uint(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void add_uint(struct header *header, uint64_t value, unsigned bytes)
{
	put_uint(header->bytes + header->at, value, bytes);
	header->at += bytes;
}

static void add_name(struct header *header, const char *name)
{
	memcpy(header->bytes + header->at, name, 4);
	header->at += 4;
}

static void add_chunk(struct header *header, const char *name, uint64_t bytes)
{
	add_name(header, name);
	add_uint(header, bytes, 8);
}

static void add_channel(struct header *header, const struct vmsnd_format *format, uint32_t channel)
{
	const char *name = names[vmsnd_format_position(format, channel)];
	char numbered[] = {'C', '0', (char)('0' + channel / 10), (char)('0' + channel % 10)};

	/* Those of two have names of their own. */
	if (format->channels == 2 && name && name[0] == 'M')
		add_name(header, name[1] == 'L' ? "SLFT" : "SRGT");
	else
		add_name(header, name ? name : numbered);
}

static void add_properties(struct header *header, const struct vmsnd_format *format)
{
	static const char text[] = "not compressed"; /* and, being even, a byte of padding */
	uint32_t size_at = header->at + 4, bits = vmsnd_sample_bits(format->sample);

	add_chunk(header, "PROP", 0);
	add_name(header, "SND ");
	add_chunk(header, "FS  ", 4);
	add_uint(header, (uint64_t)format->rate_hz * bits, 4);
	add_chunk(header, "CHNL", 2 + 4 * (uint64_t)format->channels);
	add_uint(header, format->channels, 2);
	for (uint32_t i = 0; i < format->channels; i++)
		add_channel(header, format, i);
	add_chunk(header, "CMPR", 4 + 1 + sizeof(text));
	add_name(header, "DSD ");
	add_uint(header, sizeof(text) - 1, 1);
	memcpy(header->bytes + header->at, text, sizeof(text));
	header->at += (uint32_t)sizeof(text);
	put_uint(header->bytes + size_at, header->at - size_at - 8, 8);
}

static bool put_at(int fd, const void *bytes, size_t n, uint64_t at)
{
	const uint8_t *from = bytes;

	while (n > 0) {
		ssize_t done = pwrite(fd, from, n, (off_t)at);

		if (done <= 0)
			return false;
		from += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return true;
}

static uint64_t data_bytes(const struct vmsnd_bits_file *file, uint64_t frames)
{
	return frames * vmsnd_format_frame_bytes(&file->format);
}

bool vmsnd_bits_begin(struct vmsnd_bits_file *file)
{
	struct header header = {.at = 0};

	file->header_bytes = 0;
	if (!file->dsdiff)
		return true;
	add_chunk(&header, "FRM8", 0);
	add_name(&header, "DSD ");
	add_chunk(&header, "FVER", 4);
	add_uint(&header, VERSION, 4);
	add_properties(&header, &file->format);
	add_chunk(&header, "DSD ", 0);
	put_uint(header.bytes + WHOLE_SIZE_AT, header.at - CHUNK_HEAD_BYTES, 8);
	file->header_bytes = header.at;
	return put_at(file->fd, header.bytes, header.at, 0);
}

/* A file has a byte of each channel in turn, the oldest first. */
static void spread(const struct vmsnd_format *format, const uint8_t *from, uint8_t *to, uint32_t n)
{
	uint32_t bytes = vmsnd_sample_bytes(format->sample), channels = format->channels;

	for (uint32_t frame = 0; frame < n; frame++, from += bytes * channels)
		for (uint32_t age = 0; age < bytes; age++)
			for (uint32_t i = 0; i < channels; i++)
				*to++ =
				    from[i * bytes + (format->big_endian ? age : bytes - 1 - age)];
}

uint64_t vmsnd_bits_put(const struct vmsnd_bits_file *file, uint64_t frames, const void *samples,
			uint32_t n, void *scratch)
{
	const void *from = samples;

	if (file->dsdiff) {
		spread(&file->format, samples, scratch, n);
		from = scratch;
	}
	if (put_at(file->fd, from, (size_t)data_bytes(file, n),
		   file->header_bytes + data_bytes(file, frames)))
		return n;
	return 0;
}

/* Data first, then the header that speaks of it: killed in between, the header is still true. */
bool vmsnd_bits_update(const struct vmsnd_bits_file *file, uint64_t frames)
{
	uint64_t bytes = data_bytes(file, frames);
	uint8_t size[8];

	if (!file->dsdiff)
		return true;
	put_uint(size, bytes, 8);
	if (!put_at(file->fd, size, sizeof(size), file->header_bytes - sizeof(size)))
		return false;
	put_uint(size, file->header_bytes - CHUNK_HEAD_BYTES + bytes + bytes % 2, 8);
	return put_at(file->fd, size, sizeof(size), WHOLE_SIZE_AT);
}

void vmsnd_bits_cut(const struct vmsnd_bits_file *file, uint64_t frames)
{
	if (ftruncate(file->fd, (off_t)(file->header_bytes + data_bytes(file, frames))) == 0)
		vmsnd_bits_update(file, frames);
}

bool vmsnd_bits_end(const struct vmsnd_bits_file *file, uint64_t frames)
{
	uint64_t bytes = data_bytes(file, frames);

	return !file->dsdiff || bytes % 2 == 0 ||
	       put_at(file->fd, "", 1, file->header_bytes + bytes);
}
