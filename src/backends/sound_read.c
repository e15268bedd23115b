/* SPDX-License-Identifier: BSD-3-Clause */
/* The reader of sound_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/sound_file.h"
#include "base/endian.h"

#define CHUNK_SAMPLES 4096u

/* What each coding is decoded to without a loss. Those that are not here are made of floats, as
 * Vorbis and Opus are. */
static const struct {
	int coding;
	enum vmsnd_sample sample;
} codings[] = {
    {SF_FORMAT_PCM_S8, VMSND_SAMPLE_S8},      {SF_FORMAT_PCM_U8, VMSND_SAMPLE_U8},
    {SF_FORMAT_PCM_16, VMSND_SAMPLE_S16},     {SF_FORMAT_PCM_24, VMSND_SAMPLE_S24},
    {SF_FORMAT_PCM_32, VMSND_SAMPLE_S32},     {SF_FORMAT_FLOAT, VMSND_SAMPLE_FLOAT},
    {SF_FORMAT_DOUBLE, VMSND_SAMPLE_FLOAT64}, {SF_FORMAT_ULAW, VMSND_SAMPLE_S16},
    {SF_FORMAT_ALAW, VMSND_SAMPLE_S16},       {SF_FORMAT_ALAC_16, VMSND_SAMPLE_S16},
    {SF_FORMAT_ALAC_20, VMSND_SAMPLE_S24},    {SF_FORMAT_ALAC_24, VMSND_SAMPLE_S24},
    {SF_FORMAT_ALAC_32, VMSND_SAMPLE_S32},
};

static enum vmsnd_sample sample_of(int format)
{
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
		if ((format & SF_FORMAT_SUBMASK) == codings[i].coding)
			return codings[i].sample;
	return VMSND_SAMPLE_FLOAT;
}

/* O_NONBLOCK: opening a FIFO nobody writes to would wait for ever. */
static int open_regular(const char *path, struct vmsnd_sound_why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat info;

	if (fd < 0) {
		snprintf(why->text, sizeof(why->text), "%s", strerror(errno));
		return -1;
	}
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
		/* Keeps writers off. Where one is at work already there is nothing left to keep,
		 * and reading does it no harm. */
		flock(fd, LOCK_SH | LOCK_NB);
		return fd;
	}
	snprintf(why->text, sizeof(why->text), "not a regular file");
	close(fd);
	return -1;
}

static struct vmsnd_format format_of(const SF_INFO *info)
{
	return (struct vmsnd_format){.sample = sample_of(info->format),
				     .rate_hz =
					 info->samplerate > 0 ? (uint32_t)info->samplerate : 0,
				     .channels = info->channels > 0 ? (uint32_t)info->channels : 0};
}

enum vmsnd_rc vmsnd_sound_open(struct vmsnd_sound_reader *reader, const char *path,
			       struct vmsnd_sound_why *why)
{
	SF_INFO info = {.format = 0};
	int fd = open_regular(path, why);
	SNDFILE *file;

	if (fd < 0)
		return VMSND_E_GONE;
	/* From here libsndfile closes it, also when it fails. */
	file = sf_open_fd(fd, SFM_READ, &info, SF_TRUE);
	if (!file) {
		snprintf(why->text, sizeof(why->text), "%s", sf_strerror(NULL));
		return VMSND_E_UNSUPPORTED;
	}
	*reader = (struct vmsnd_sound_reader){.file = file, .format = format_of(&info)};
	if (vmsnd_format_frame_bytes(&reader->format) == 0) {
		snprintf(why->text, sizeof(why->text),
			 "%d Hz and %d channels; 4000 to 768000 and 1 to 18 can be played",
			 info.samplerate, info.channels);
		vmsnd_sound_close(reader);
		return VMSND_E_UNSUPPORTED;
	}
	vmsnd_sound_map_get(file, &reader->format);
	return VMSND_OK;
}

bool vmsnd_sound_rewind(struct vmsnd_sound_reader *reader)
{
	return sf_seek(reader->file, 0, SEEK_SET) == 0;
}

void vmsnd_sound_close(struct vmsnd_sound_reader *reader)
{
	if (reader->file)
		sf_close(reader->file);
	reader->file = NULL;
}

/* ---- samples ---- */

/* `bits`: a signed sample, the most significant bits in use. */
static void put_sample(uint8_t *to, enum vmsnd_sample sample, int32_t bits)
{
	switch (sample) {
	case VMSND_SAMPLE_U8:
		to[0] = (uint8_t)((bits >> 24) ^ 0x80);
		break;
	case VMSND_SAMPLE_S8:
		to[0] = (uint8_t)(bits >> 24);
		break;
	case VMSND_SAMPLE_S16:
		vmsnd_put_le16(to, (uint16_t)(bits >> 16));
		break;
	case VMSND_SAMPLE_S24:
		vmsnd_put_le32(to, (uint32_t)(bits >> 8));
		break;
	default:
		vmsnd_put_le32(to, (uint32_t)bits);
	}
}

/* Frames; at most CHUNK_SAMPLES samples. */
static sf_count_t read_integers(struct vmsnd_sound_reader *reader, uint8_t *to, uint32_t frames)
{
	const uint32_t bytes = vmsnd_sample_bytes(reader->format.sample);
	int32_t chunk[CHUNK_SAMPLES];
	sf_count_t got = sf_readf_int(reader->file, chunk, frames);

	for (sf_count_t i = 0; i < got * (sf_count_t)reader->format.channels; i++)
		put_sample(to + i * bytes, reader->format.sample, chunk[i]);
	return got;
}

static sf_count_t read_floats(struct vmsnd_sound_reader *reader, uint8_t *to, uint32_t frames)
{
	float chunk[CHUNK_SAMPLES];
	sf_count_t got = sf_readf_float(reader->file, chunk, frames);

	for (sf_count_t i = 0; i < got * (sf_count_t)reader->format.channels; i++) {
		uint32_t bits;

		memcpy(&bits, &chunk[i], sizeof(bits));
		vmsnd_put_le32(to + i * 4, bits);
	}
	return got;
}

static sf_count_t read_doubles(struct vmsnd_sound_reader *reader, uint8_t *to, uint32_t frames)
{
	double chunk[CHUNK_SAMPLES];
	sf_count_t got = sf_readf_double(reader->file, chunk, frames);

	for (sf_count_t i = 0; i < got * (sf_count_t)reader->format.channels; i++) {
		uint64_t bits;

		memcpy(&bits, &chunk[i], sizeof(bits));
		vmsnd_put_le64(to + i * 8, bits);
	}
	return got;
}

static sf_count_t read_chunk(struct vmsnd_sound_reader *reader, uint8_t *to, uint32_t frames)
{
	switch (reader->format.sample) {
	case VMSND_SAMPLE_FLOAT:
		return read_floats(reader, to, frames);
	case VMSND_SAMPLE_FLOAT64:
		return read_doubles(reader, to, frames);
	default:
		return read_integers(reader, to, frames);
	}
}

uint32_t vmsnd_sound_read(struct vmsnd_sound_reader *reader, void *to, uint32_t frames)
{
	const uint32_t chunk = CHUNK_SAMPLES / reader->format.channels;
	const size_t frame_bytes = vmsnd_format_frame_bytes(&reader->format);
	uint32_t done = 0;

	while (done < frames) {
		uint32_t n = frames - done < chunk ? frames - done : chunk;
		sf_count_t got = read_chunk(reader, (uint8_t *)to + done * frame_bytes, n);

		done += got > 0 ? (uint32_t)got : 0;
		if (got < n)
			break;
	}
	return done;
}
