/* SPDX-License-Identifier: BSD-3-Clause */
/* The writer of sound_file.h: WAV, W64, RF64, FLAC and DSDIFF that survive SIGKILL. */
#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/bits_file.h"
#include "backends/sound_file.h"
#include "base/endian.h"

#define CHUNK_SAMPLES 8192u
/* The sizes in a RIFF header have 32 bits and do not count its first 8 bytes. */
#define WAV_LIMIT_BYTES UINT64_C(0xffffffff)
/* STREAMINFO counts samples in 36 bits. */
#define FLAC_LIMIT_FRAMES ((UINT64_C(1) << 36) - 1)
/* What libsndfile may put behind the data on closing: padding, in W64 to 8 bytes. */
#define TAIL_BYTES 8u

/* Where STREAMINFO (RFC 9639, section 8.2) keeps things, from the start of the file. */
#define FLAC_BLOCK_MAX_AT 10
#define FLAC_TOTAL_AT     21 /* low 4 bits of this byte, then 4 more bytes */

struct vmsnd_sound_writer {
	SNDFILE *file;               /* NULL: no PCM */
	struct vmsnd_bits_file bits; /* then */
	int fd;                      /* ours; libsndfile works on it and leaves it open */
	struct vmsnd_sound_spec spec;
	uint64_t frames;
	uint64_t header_bytes;
	uint32_t memory_bytes, disk_bytes; /* a frame in memory, and in a file that is no FLAC */
	uint64_t flac_total;               /* what the header on disk says */
	int32_t chunk[CHUNK_SAMPLES];
};

static const struct {
	const char *extension; /* of names that users give */
	int format;
	bool flac;
} containers[VMSND_CONTAINER_COUNT] = {
    [VMSND_CONTAINER_WAV] = {".wav", SF_FORMAT_WAV, false},
    [VMSND_CONTAINER_W64] = {".w64", SF_FORMAT_W64, false},
    [VMSND_CONTAINER_RF64] = {".rf64", SF_FORMAT_RF64, false},
    [VMSND_CONTAINER_FLAC] = {".flac", SF_FORMAT_FLAC, true},
};

/* Of the formats that vmsnd_sound_settle comes to; 0: not this one. */
static const struct {
	int coding, flac_coding;
	uint8_t disk_bytes;
} codings[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {SF_FORMAT_PCM_U8, SF_FORMAT_PCM_S8, 1},
    [VMSND_SAMPLE_S8] = {0, SF_FORMAT_PCM_S8, 1},
    [VMSND_SAMPLE_S16] = {SF_FORMAT_PCM_16, SF_FORMAT_PCM_16, 2},
    [VMSND_SAMPLE_S24_3] = {SF_FORMAT_PCM_24, SF_FORMAT_PCM_24, 3},
    [VMSND_SAMPLE_S24] = {SF_FORMAT_PCM_24, SF_FORMAT_PCM_24, 3},
    [VMSND_SAMPLE_S32] = {SF_FORMAT_PCM_32, 0, 4},
    [VMSND_SAMPLE_FLOAT] = {SF_FORMAT_FLOAT, 0, 4},
    [VMSND_SAMPLE_FLOAT64] = {SF_FORMAT_DOUBLE, 0, 8},
    [VMSND_SAMPLE_MULAW] = {SF_FORMAT_ULAW, 0, 1},
    [VMSND_SAMPLE_ALAW] = {SF_FORMAT_ALAW, 0, 1},
};

bool vmsnd_container_of(const char *path, enum vmsnd_container *out)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	if (dot == name) /* ".wav": hidden, and most likely a name that was left empty */
		return false;
	for (unsigned i = 0; dot && i < VMSND_CONTAINER_COUNT; i++) {
		if (!containers[i].extension || strcasecmp(dot, containers[i].extension) != 0)
			continue;
		*out = (enum vmsnd_container)i;
		return true;
	}
	return false;
}

static bool is_flac(const struct vmsnd_sound_spec *spec)
{
	return containers[spec->container].flac;
}

static bool is_bits(const struct vmsnd_sound_spec *spec)
{
	return spec->container == VMSND_CONTAINER_DSDIFF || spec->container == VMSND_CONTAINER_RAW;
}

static SF_INFO library_info(const struct vmsnd_sound_spec *spec)
{
	int container = containers[spec->container].format;
	int coding = is_flac(spec) ? codings[spec->format.sample].flac_coding
				   : codings[spec->format.sample].coding;

	/* WAVE_FORMAT_EXTENSIBLE has the channel mask. */
	if (container == SF_FORMAT_WAV &&
	    (spec->format.channels > 2 || vmsnd_sound_map_matters(&spec->format)))
		container = SF_FORMAT_WAVEX;
	return (SF_INFO){.samplerate = (int)spec->format.rate_hz,
			 .channels = (int)spec->format.channels,
			 .format = container | coding};
}

static enum vmsnd_rc system_why(struct vmsnd_sound_why *why)
{
	snprintf(why->text, sizeof(why->text), "%s", strerror(errno));
	return VMSND_E_SYSTEM;
}

static enum vmsnd_rc library_why(SNDFILE *file, struct vmsnd_sound_why *why)
{
	snprintf(why->text, sizeof(why->text), "%s", sf_strerror(file));
	return VMSND_E_SYSTEM;
}

/* O_NONBLOCK: a FIFO or a device under that name must not hold us up before it is refused. */
static int open_any(const char *path, bool new_only, bool *fresh, struct vmsnd_sound_why *why)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0666);

	*fresh = fd >= 0;
	why->exists = fd < 0 && errno == EEXIST && new_only;
	/* Without O_EXCL a link that points nowhere is followed too. */
	if (fd < 0 && errno == EEXIST && !new_only)
		fd = open(path, flags | O_CREAT, 0666);
	if (fd < 0)
		system_why(why);
	return fd;
}

static int open_regular(const char *path, bool new_only, bool *fresh, struct vmsnd_sound_why *why)
{
	int fd = open_any(path, new_only, fresh, why);
	struct stat info;

	if (fd < 0)
		return -1;
	/* Before it is emptied: a card must not write over what another one writes or reads. */
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		snprintf(why->text, sizeof(why->text), "another card or program is using it");
	else if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && ftruncate(fd, 0) == 0)
		return fd;
	else
		snprintf(why->text, sizeof(why->text),
			 "not a regular file, or it cannot be emptied");
	close(fd);
	return -1;
}

static bool start_bits(struct vmsnd_sound_writer *writer, struct vmsnd_sound_why *why)
{
	writer->bits =
	    (struct vmsnd_bits_file){.fd = writer->fd,
				     .format = writer->spec.format,
				     .dsdiff = writer->spec.container == VMSND_CONTAINER_DSDIFF};
	writer->disk_bytes = writer->memory_bytes;
	if (!vmsnd_bits_begin(&writer->bits))
		return system_why(why), false;
	writer->header_bytes = writer->bits.header_bytes;
	return true;
}

static bool start_file(struct vmsnd_sound_writer *writer, struct vmsnd_sound_why *why)
{
	SF_INFO info = library_info(&writer->spec);
	off_t at;

	if (is_bits(&writer->spec))
		return start_bits(writer, why);
	writer->file = sf_open_fd(writer->fd, SFM_WRITE, &info, SF_FALSE);
	if (!writer->file)
		return library_why(NULL, why), false;
	/* PEAK holds the time of day: equal sound is to give equal files. */
	sf_command(writer->file, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
	vmsnd_sound_map_put(writer->file, &writer->spec.format);
	at = lseek(writer->fd, 0, SEEK_CUR);
	writer->header_bytes = at > 0 ? (uint64_t)at : 0;
	return true;
}

enum vmsnd_rc vmsnd_sound_create(const char *path, const struct vmsnd_sound_spec *spec,
				 struct vmsnd_sound_writer **out, struct vmsnd_sound_why *why)
{
	struct vmsnd_sound_writer *writer = calloc(1, sizeof(*writer));
	bool fresh;

	why->exists = false;
	if (!writer)
		return errno = ENOMEM, system_why(why);
	writer->spec = *spec;
	writer->memory_bytes = vmsnd_format_frame_bytes(&spec->format);
	writer->disk_bytes = codings[spec->format.sample].disk_bytes * spec->format.channels;
	writer->fd = open_regular(path, spec->new_only, &fresh, why);
	if (writer->fd >= 0 && start_file(writer, why)) {
		*out = writer;
		return VMSND_OK;
	}
	if (writer->fd >= 0) {
		close(writer->fd);
		if (fresh)
			unlink(path);
	}
	free(writer);
	return VMSND_E_SYSTEM;
}

static uint64_t flac_room(const struct vmsnd_sound_writer *writer)
{
	struct stat info;

	if (writer->spec.limit_bytes > 0 && fstat(writer->fd, &info) == 0 &&
	    (uint64_t)info.st_size >= writer->spec.limit_bytes)
		return 0;
	return FLAC_LIMIT_FRAMES - writer->frames;
}

uint64_t vmsnd_sound_room_frames(const struct vmsnd_sound_writer *writer)
{
	uint64_t limit = writer->spec.limit_bytes ? writer->spec.limit_bytes : INT64_MAX;
	uint64_t used = writer->header_bytes + writer->frames * writer->disk_bytes + TAIL_BYTES;

	if (is_flac(&writer->spec))
		return flac_room(writer);
	if (writer->spec.container == VMSND_CONTAINER_WAV && limit > WAV_LIMIT_BYTES)
		limit = WAV_LIMIT_BYTES;
	return used < limit ? (limit - used) / writer->disk_bytes : 0;
}

uint64_t vmsnd_sound_frames(const struct vmsnd_sound_writer *writer)
{
	return writer->frames;
}

/* ---- samples ---- */

static void pack_s24(void *to, const uint8_t *from, size_t n)
{
	uint8_t *at = to;

	for (size_t i = 0; i < n; i++, at += 3, from += 4)
		memcpy(at, from, 3);
}

static uint32_t top_of(const uint8_t *at, enum vmsnd_sample sample)
{
	switch (sample) {
	case VMSND_SAMPLE_U8:
		return (uint32_t)(*at ^ 0x80u) << 24;
	case VMSND_SAMPLE_S8:
		return (uint32_t)*at << 24;
	case VMSND_SAMPLE_S16:
		return (uint32_t)vmsnd_le16(at) << 16;
	case VMSND_SAMPLE_S24_3:
		return (uint32_t)vmsnd_le16(at) << 8 | (uint32_t)at[2] << 24;
	default:
		return vmsnd_le32(at) << 8;
	}
}

/* libsndfile's FLAC encoder takes what it needs from the top of 32 bits. */
static void to_top(int32_t *to, const uint8_t *from, size_t n, enum vmsnd_sample sample)
{
	const uint32_t bytes = vmsnd_sample_bytes(sample);

	for (size_t i = 0; i < n; i++)
		to[i] = (int32_t)top_of(from + i * bytes, sample);
}

/* ---- writing ---- */

/* Frames that went out whole. */
static uint64_t put_plain(struct vmsnd_sound_writer *writer, const void *samples, uint32_t frames)
{
	sf_count_t bytes = (sf_count_t)frames * writer->disk_bytes, done;

	if (writer->spec.format.sample == VMSND_SAMPLE_S24) {
		pack_s24(writer->chunk, samples, (size_t)frames * writer->spec.format.channels);
		samples = writer->chunk;
	}
	done = sf_write_raw(writer->file, samples, bytes);
	return done > 0 ? (uint64_t)done / writer->disk_bytes : 0;
}

static uint64_t put_flac(struct vmsnd_sound_writer *writer, const void *samples, uint32_t frames)
{
	sf_count_t done;

	to_top(writer->chunk, samples, (size_t)frames * writer->spec.format.channels,
	       writer->spec.format.sample);
	done = sf_writef_int(writer->file, writer->chunk, frames);
	return done > 0 ? (uint64_t)done : 0;
}

static uint64_t put(struct vmsnd_sound_writer *writer, const void *samples, uint32_t frames)
{
	if (is_bits(&writer->spec))
		return vmsnd_bits_put(&writer->bits, writer->frames, samples, frames,
				      writer->chunk);
	return is_flac(&writer->spec) ? put_flac(writer, samples, frames)
				      : put_plain(writer, samples, frames);
}

/* The encoder writes STREAMINFO's count only at the end, and libsndfile takes 0 as endless.
 * So we keep it true ourselves, from the blocks that have left the encoder: it holds a block
 * back until the first frame of the next one has come. */
static bool flac_put_total(struct vmsnd_sound_writer *writer, uint64_t total)
{
	uint8_t bytes[5];

	if (pread(writer->fd, bytes, 1, FLAC_TOTAL_AT) != 1)
		return false;
	bytes[0] = (uint8_t)((bytes[0] & 0xf0u) | ((total >> 32) & 0x0fu));
	for (unsigned i = 1; i < 5; i++)
		bytes[i] = (uint8_t)(total >> (32 - 8 * i));
	if (pwrite(writer->fd, bytes, sizeof(bytes), FLAC_TOTAL_AT) != sizeof(bytes))
		return false;
	writer->flac_total = total;
	return true;
}

static bool flac_update_header(struct vmsnd_sound_writer *writer)
{
	uint8_t bytes[2];
	uint64_t block, total;

	if (pread(writer->fd, bytes, sizeof(bytes), FLAC_BLOCK_MAX_AT) != sizeof(bytes))
		return false;
	block = (uint64_t)bytes[0] << 8 | bytes[1];
	total = block > 0 && writer->frames > 0 ? (writer->frames - 1) / block * block : 0;
	return total == writer->flac_total || flac_put_total(writer, total);
}

/* Data first, then the header that speaks of it: killed in between, the header is still true
 * of what stood there before. */
static bool update_header(struct vmsnd_sound_writer *writer)
{
	if (is_bits(&writer->spec))
		return vmsnd_bits_update(&writer->bits, writer->frames);
	if (is_flac(&writer->spec))
		return flac_update_header(writer);
	sf_command(writer->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
	return sf_error(writer->file) == SF_ERR_NO_ERROR;
}

/* Cuts off what a failed write left of a frame. */
static enum vmsnd_rc fail(struct vmsnd_sound_writer *writer, struct vmsnd_sound_why *why)
{
	sf_count_t whole = (sf_count_t)writer->frames;

	if (is_bits(&writer->spec)) {
		system_why(why);
		vmsnd_bits_cut(&writer->bits, writer->frames);
		return VMSND_E_SYSTEM;
	}
	library_why(writer->file, why);
	if (is_flac(&writer->spec)) {
		writer->frames = writer->flac_total; /* the rest is stuck in the encoder */
	} else {
		sf_command(writer->file, SFC_FILE_TRUNCATE, &whole, sizeof(whole));
		sf_command(writer->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
	}
	return VMSND_E_SYSTEM;
}

enum vmsnd_rc vmsnd_sound_write(struct vmsnd_sound_writer *writer, const void *samples,
				uint32_t frames, struct vmsnd_sound_why *why)
{
	const uint32_t chunk = CHUNK_SAMPLES / writer->spec.format.channels;
	const uint8_t *at = samples;

	while (frames > 0) {
		uint32_t n = frames < chunk ? frames : chunk;
		uint64_t done = put(writer, at, n);

		writer->frames += done;
		if (done != n)
			return fail(writer, why);
		at += (size_t)n * writer->memory_bytes;
		frames -= n;
	}
	return update_header(writer) ? VMSND_OK : fail(writer, why);
}

enum vmsnd_rc vmsnd_sound_finish(struct vmsnd_sound_writer *writer, struct vmsnd_sound_why *why)
{
	enum vmsnd_rc rc = VMSND_OK;
	int error = writer->file ? sf_close(writer->file) : 0;

	if (error) {
		snprintf(why->text, sizeof(why->text), "%s", sf_error_number(error));
		rc = VMSND_E_SYSTEM;
	}
	if (!writer->file && !vmsnd_bits_end(&writer->bits, writer->frames))
		rc = system_why(why);
	if (close(writer->fd) != 0 && !rc)
		rc = system_why(why);
	free(writer);
	return rc;
}
