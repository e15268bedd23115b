/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend on a bench. */
#include "rig.h"

#include <dirent.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- folder and log ---- */

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct rig *rig = ctx;

	if (rig->n_lines == RIG_LINES)
		return;
	rig->lines[rig->n_lines].level = level;
	snprintf(rig->lines[rig->n_lines].text, sizeof(rig->lines[0].text), "%s", line);
	rig->n_lines++;
}

int rig_setup(void **state)
{
	const char *base = getenv("TMPDIR");
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig)
		return -1;
	snprintf(rig->folder, sizeof(rig->folder), "%s/vmsnd-test-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(rig->folder))
		return -1;
	rig->log = (struct vmsnd_log){rig, keep_line};
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;
	DIR *folder = opendir(rig->folder);
	struct dirent *entry;

	rig_close(rig);
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			remove(rig_path(rig, entry->d_name));
	if (folder)
		closedir(folder);
	rmdir(rig->folder);
	free(rig);
	return 0;
}

const char *rig_path(struct rig *rig, const char *name)
{
	static char paths[8][RIG_PATH + 256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", rig->folder, name);
	return path;
}

bool rig_exists(struct rig *rig, const char *name)
{
	return access(rig_path(rig, name), F_OK) == 0;
}

unsigned rig_files(struct rig *rig)
{
	DIR *folder = opendir(rig->folder);
	struct dirent *entry;
	unsigned n = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		n += entry->d_name[0] != '.';
	closedir(folder);
	return n;
}

void rig_forget_lines(struct rig *rig)
{
	rig->n_lines = 0;
}

unsigned rig_count_lines(const struct rig *rig, enum vmsnd_log_level level)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rig->n_lines; i++)
		n += rig->lines[i].level == level;
	return n;
}

bool rig_said(const struct rig *rig, enum vmsnd_log_level level, const char *a, const char *b)
{
	for (unsigned i = 0; i < rig->n_lines; i++)
		if (rig->lines[i].level == level && strstr(rig->lines[i].text, a) &&
		    strstr(rig->lines[i].text, b))
			return true;
	return false;
}

enum vmsnd_rc rig_open(struct rig *rig, const struct vmsnd_backend_class *cls, const char *options)
{
	struct vmsnd_backend_conf conf = {&rig->conf, "card", &rig->log};
	char text[2 * RIG_PATH + 256], error[512] = "";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), options, rig->folder, rig->folder);
#pragma GCC diagnostic pop
	if (vmsnd_conf_parse(&rig->conf, cls->options, cls->name, text, error, sizeof(error)))
		fail_msg("options refused: %s", error);
	rig->cls = cls;
	return cls->open(&conf, &rig->host);
}

void rig_close(struct rig *rig)
{
	if (rig->host)
		rig->cls->close(rig->host);
	rig->host = NULL;
}

/* ---- the signal ---- */

static uint32_t noise(uint64_t index)
{
	uint64_t x = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(x >> 24);
}

uint32_t signal_sample(enum vmsnd_sample sample, uint64_t index)
{
	uint32_t bits = noise(index);
	float value = (float)((int32_t)bits >> 8) / 8388608.0f;

	if (sample == VMSND_SAMPLE_FLOAT)
		memcpy(&bits, &value, sizeof(bits));
	return bits;
}

uint32_t signal_bytes(enum vmsnd_sample sample)
{
	return sample == VMSND_SAMPLE_U8 ? 1 : sample == VMSND_SAMPLE_S16 ? 2 : 4;
}

void signal_fill(const struct vmsnd_format *format, uint64_t from_frame, void *to, uint32_t frames)
{
	const uint32_t bytes = signal_bytes(format->sample);
	uint8_t *at = to;

	for (uint64_t i = 0; i < (uint64_t)frames * format->channels; i++, at += bytes) {
		uint32_t bits = signal_sample(format->sample, from_frame * format->channels + i);

		memcpy(at, &bits, bytes);
	}
}

/* ---- a user of streams ---- */

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct user *user = ctx;
	uint32_t bytes = signal_bytes(user->got.format.sample) * user->got.format.channels;

	assert_in_range(block->frames, 1, user->got.max_frames);
	if (user->dir == VMSND_PLAYBACK) {
		signal_fill(&user->got.format, user->frames, block->samples, block->frames);
	} else {
		assert_true(user->frames + block->frames <= user->room_frames);
		memcpy(user->kept + user->frames * bytes, block->samples,
		       (size_t)block->frames * bytes);
	}
	user->frames += block->frames;
	user->left -= user->left < block->frames ? user->left : block->frames;
	user->blocks++;
	user->last = block->when;
}

static uint32_t ready_rt(void *ctx)
{
	struct user *user = ctx;

	return user->left < 30000 ? (uint32_t)user->left : 30000;
}

static void ended(void *ctx, enum vmsnd_rc why)
{
	struct user *user = ctx;

	user->ended++;
	user->why = why;
}

enum vmsnd_rc user_open(struct rig *rig, struct user *user, enum vmsnd_dir dir,
			struct vmsnd_format format, uint32_t period_frames)
{
	static const struct vmsnd_stream_user calls = {block_rt, ready_rt, ended};
	struct vmsnd_stream_want want = {dir, format, period_frames};

	user->dir = dir;
	if (dir == VMSND_CAPTURE && !user->kept) {
		user->room_frames = 1000000;
		user->kept = calloc(user->room_frames, 4 * format.channels);
		assert_non_null(user->kept);
	}
	return rig->cls->stream_open(rig->host, &want, &calls, user, &user->stream, &user->got);
}

void user_start(struct rig *rig, struct user *user, vmsnd_ns now)
{
	assert_int_equal(rig->cls->stream_start(user->stream, now), VMSND_OK);
}

void user_close(struct rig *rig, struct user *user)
{
	rig->cls->stream_close(user->stream);
	user->stream = NULL;
}

void user_free(struct user *user)
{
	free(user->kept);
	user->kept = NULL;
}

unsigned rig_run(struct rig *rig, vmsnd_ns from, vmsnd_ns until)
{
	unsigned calls = 1;
	vmsnd_ns next = rig->cls->advance(rig->host, from);

	for (; next <= until; calls++) {
		assert_true(calls < 1000000);
		next = rig->cls->advance(rig->host, next);
	}
	return calls;
}

void rig_play(struct rig *rig, struct user *user, struct vmsnd_format format,
	      uint32_t period_frames, uint64_t frames)
{
	assert_int_equal(user_open(rig, user, VMSND_PLAYBACK, format, period_frames), VMSND_OK);
	user->left = frames;
	user_start(rig, user, 0);
	rig_run(rig, 0, 0);
	assert_int_equal(user->left, 0);
	user_close(rig, user);
}

/* ---- what stands in a file ---- */

static bool begins(const uint8_t *at, const char *id)
{
	return memcmp(at, id, 4) == 0;
}

/* Where the data chunk's size stands in the first bytes; 0 when it is not there. */
static size_t data_at(const uint8_t *bytes, size_t n, size_t from, size_t step)
{
	for (size_t at = from; at + 24 <= n; at += step)
		if (begins(bytes + at, "data"))
			return at;
	return 0;
}

uint64_t data_bytes(const char *path)
{
	uint8_t bytes[512];
	FILE *file = fopen(path, "rb");
	uint64_t size = 0;
	size_t n, at;

	assert_non_null(file);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	if (begins(bytes, "riff")) { /* W64: ids of 16 bytes, sizes count their own 24 */
		at = data_at(bytes, n, 40, 8);
		memcpy(&size, bytes + at + 16, 8);
		size -= 24;
	} else if (begins(bytes, "RF64")) {
		at = data_at(bytes, n, 12, 2);
		memcpy(&size, bytes + 28, 8);
	} else {
		assert_true(begins(bytes, "RIFF"));
		at = data_at(bytes, n, 12, 2);
		memcpy(&size, bytes + at + 4, 4);
	}
	assert_true(at > 0);
	return size;
}

/* As libsndfile hands out a sample that was kept whole: in the top bits of 32. */
static uint32_t top_of(enum vmsnd_sample sample, uint32_t bits)
{
	static const uint8_t shift[] = {24, 16, 8, 0, 0};

	if (sample == VMSND_SAMPLE_U8)
		bits ^= 0x80;
	return bits << shift[sample];
}

/* Of FLOAT in FLAC, 24 bits on a scale of 2^23, which the signal keeps to. */
static uint32_t top_of_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return (uint32_t)((int32_t)(value * 8388608.0f) * 256);
}

static uint32_t expected(const SF_INFO *info, enum vmsnd_sample sample, uint64_t index)
{
	uint32_t bits = signal_sample(sample, index);
	bool flac = (info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC;

	if (sample == VMSND_SAMPLE_FLOAT)
		return flac ? top_of_float(bits) : bits;
	if (sample == VMSND_SAMPLE_S32 && flac)
		return bits & 0xffffff00u;
	return top_of(sample, bits);
}

static bool read_top(SNDFILE *file, const SF_INFO *info, uint32_t *to, sf_count_t frames)
{
	if ((info->format & SF_FORMAT_SUBMASK) == SF_FORMAT_FLOAT)
		return sf_readf_float(file, (float *)(void *)to, frames) == frames;
	return sf_readf_int(file, (int *)(void *)to, frames) == frames;
}

void check_file(const char *path, struct vmsnd_format format, uint64_t from, uint64_t frames)
{
	SF_INFO info = {.format = 0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	uint32_t *found = calloc(frames + 1, 4 * format.channels);

	assert_non_null(found);
	if (!file)
		fail_msg("%s: %s", path, sf_strerror(NULL));
	assert_int_equal(info.samplerate, format.rate_hz);
	assert_int_equal(info.channels, format.channels);
	assert_int_equal(info.frames, frames);
	assert_true(read_top(file, &info, found, (sf_count_t)frames));
	for (uint64_t i = 0; i < frames * format.channels; i++)
		if (found[i] != expected(&info, format.sample, from * format.channels + i))
			fail_msg("%s: sample %llu: %08x is not %08x", path, (unsigned long long)i,
				 found[i],
				 expected(&info, format.sample, from * format.channels + i));
	sf_close(file);
	free(found);
}
