/* SPDX-License-Identifier: BSD-3-Clause */
/* The reader of sound_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/sound_file.h"
#include "base/endian.h"

#define CHUNK_SAMPLES 4096u

static bool coded_as_float(int format)
{
	static const int integers[] = {SF_FORMAT_PCM_S8, SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16,
				       SF_FORMAT_PCM_24, SF_FORMAT_PCM_32, SF_FORMAT_ULAW,
				       SF_FORMAT_ALAW};

	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++)
		if ((format & SF_FORMAT_SUBMASK) == integers[i])
			return false;
	return true;
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
	if (info.samplerate < 1 || info.channels < 1 || info.channels > (int)CHUNK_SAMPLES) {
		snprintf(why->text, sizeof(why->text), "an impossible rate or number of channels");
		sf_close(file);
		return VMSND_E_UNSUPPORTED;
	}
	*reader = (struct vmsnd_sound_reader){.rate_hz = (uint32_t)info.samplerate,
					      .channels = (uint32_t)info.channels,
					      .file = file,
					      .is_float = coded_as_float(info.format)};
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

/* ---- samples: `bits` is a 32-bit signed sample, most significant bits in use ---- */

static void put_sample(uint8_t *to, enum vmsnd_sample sample, int32_t bits)
{
	switch (sample) {
	case VMSND_SAMPLE_U8:
		to[0] = (uint8_t)((bits >> 24) ^ 0x80);
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

static const struct {
	uint8_t bytes, bits;
} widths[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {1, 8},   [VMSND_SAMPLE_S16] = {2, 16},   [VMSND_SAMPLE_S24] = {4, 24},
    [VMSND_SAMPLE_S32] = {4, 32}, [VMSND_SAMPLE_FLOAT] = {4, 32},
};

/* Rounded at the width that is wanted, then moved to the top. */
static int32_t from_float(float value, unsigned bits)
{
	double full = (double)(UINT64_C(1) << (bits - 1));
	double scaled = rint((double)value * full);

	if (isnan(scaled))
		return 0;
	if (scaled < -full)
		scaled = -full;
	if (scaled > full - 1)
		scaled = full - 1;
	return (int32_t)(scaled * (double)(UINT64_C(1) << (32 - bits)));
}

static uint32_t read_floats(struct vmsnd_sound_reader *reader, enum vmsnd_sample sample, void *to,
			    uint32_t frames)
{
	const uint32_t width = widths[sample].bytes;
	float chunk[CHUNK_SAMPLES];
	sf_count_t got = sf_readf_float(reader->file, chunk, frames);
	size_t n = got > 0 ? (size_t)got * reader->channels : 0;

	if (sample == VMSND_SAMPLE_FLOAT)
		memcpy(to, chunk, n * sizeof(chunk[0]));
	else
		for (size_t i = 0; i < n; i++)
			put_sample((uint8_t *)to + i * width, sample,
				   from_float(chunk[i], widths[sample].bits));
	return got > 0 ? (uint32_t)got : 0;
}

static uint32_t read_integers(struct vmsnd_sound_reader *reader, enum vmsnd_sample sample, void *to,
			      uint32_t frames)
{
	const uint32_t width = widths[sample].bytes;
	int32_t chunk[CHUNK_SAMPLES];
	sf_count_t got = sf_readf_int(reader->file, chunk, frames);
	size_t n = got > 0 ? (size_t)got * reader->channels : 0;

	for (size_t i = 0; i < n; i++)
		put_sample((uint8_t *)to + i * width, sample, chunk[i]);
	return got > 0 ? (uint32_t)got : 0;
}

uint32_t vmsnd_sound_read(struct vmsnd_sound_reader *reader, enum vmsnd_sample sample, void *to,
			  uint32_t frames)
{
	const uint32_t chunk = CHUNK_SAMPLES / reader->channels;
	const size_t frame_bytes = (size_t)widths[sample].bytes * reader->channels;
	uint32_t done = 0;

	while (done < frames) {
		uint32_t n = frames - done < chunk ? frames - done : chunk;
		uint8_t *at = (uint8_t *)to + done * frame_bytes;
		/* libsndfile divides integers by full scale itself: exact up to 24 bits. */
		bool floats = reader->is_float || sample == VMSND_SAMPLE_FLOAT;
		uint32_t got = floats ? read_floats(reader, sample, at, n)
				      : read_integers(reader, sample, at, n);

		done += got;
		if (got < n)
			break;
	}
	return done;
}
