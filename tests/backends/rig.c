/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend on a bench. */
#include "rig.h"

#include <dirent.h>
#include <signal.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
	struct vmsnd_backend_conf conf = {
	    .options = &rig->conf, .client_name = "card", .log = &rig->log};
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

enum vmsnd_rc rig_open_again(struct rig *rig)
{
	struct vmsnd_backend_conf conf = {
	    .options = &rig->conf, .client_name = "card", .log = &rig->log, .again = true};

	return rig->cls->open(&conf, &rig->host);
}

void rig_close(struct rig *rig)
{
	if (rig->host)
		rig->cls->close(rig->host);
	rig->host = NULL;
}

/* ---- the signal ---- */

static uint64_t noise(uint64_t index)
{
	uint64_t x = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
}

uint32_t signal_noise(uint64_t index)
{
	return (uint32_t)(noise(index) >> 32);
}

void signal_put(enum vmsnd_sample sample, uint64_t index, void *to)
{
	uint64_t bits = noise(index);
	float value = (float)((int64_t)bits >> 40) / 8388608.0f;
	double wide = (double)((int64_t)bits >> 11) / 4503599627370496.0;

	if (sample == VMSND_SAMPLE_FLOAT)
		memcpy(to, &value, sizeof(value));
	else if (sample == VMSND_SAMPLE_FLOAT64)
		memcpy(to, &wide, sizeof(wide));
	else
		memcpy(to, &bits, vmsnd_sample_bytes(sample));
}

void signal_fill(const struct vmsnd_format *format, uint64_t from_frame, void *to, uint32_t frames)
{
	const uint32_t bytes = vmsnd_sample_bytes(format->sample);
	uint8_t *at = to;

	for (uint64_t i = 0; i < (uint64_t)frames * format->channels; i++, at += bytes)
		signal_put(format->sample, from_frame * format->channels + i, at);
}

/* ---- a user of streams ---- */

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct user *user = ctx;
	uint32_t bytes = vmsnd_format_frame_bytes(&user->got.format);

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

static void notice(void *ctx, enum vmsnd_stream_notice what)
{
	struct user *user = ctx;

	if (!user->hears)
		fail_msg("a notice from a backend that has none");
	user->notices |= 1u << what;
}

enum vmsnd_rc user_open_want(struct rig *rig, struct user *user,
			     const struct vmsnd_stream_want *want)
{
	static const struct vmsnd_stream_user calls = {block_rt, ready_rt, ended, notice};
	enum vmsnd_rc rc;

	user->dir = want->dir;
	rc = rig->cls->stream_open(rig->host, want, &calls, user, &user->stream, &user->got);
	if (rc || want->dir == VMSND_PLAYBACK || user->kept)
		return rc;
	user->room_frames = 300000;
	user->kept = calloc(user->room_frames, vmsnd_format_frame_bytes(&user->got.format));
	assert_non_null(user->kept);
	return rc;
}

enum vmsnd_rc user_open(struct rig *rig, struct user *user, enum vmsnd_dir dir,
			struct vmsnd_format format, uint32_t period_frames)
{
	const struct vmsnd_stream_want want = {
	    .dir = dir, .format = format, .period_frames = period_frames};

	return user_open_want(rig, user, &want);
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

/* The child: plays block after block and tells of each once it is handed over. */
static _Noreturn void play_until_killed(struct rig *rig, struct vmsnd_format format,
					uint32_t period_frames, int pipe_out)
{
	struct user user = {.stream = NULL};
	vmsnd_ns next = 0;

	if (user_open(rig, &user, VMSND_PLAYBACK, format, period_frames))
		_exit(1);
	user_start(rig, &user, 0);
	for (unsigned blocks = 0; blocks < 1000000; blocks = user.blocks) {
		if (user.blocks && write(pipe_out, &user.blocks, sizeof(blocks)) < 0)
			_exit(1);
		next = rig->cls->advance(rig->host, next);
	}
	_exit(1);
}

unsigned rig_kill_after(struct rig *rig, struct vmsnd_format format, uint32_t period_frames,
			unsigned blocks)
{
	int ends[2], status = 0;
	unsigned last = 0;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		play_until_killed(rig, format, period_frames, ends[1]);
	}
	close(ends[1]);
	while (last < blocks && read(ends[0], &last, sizeof(last)) == sizeof(last))
		;
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(ends[0], &last, sizeof(last)) == sizeof(last))
		;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(ends[0]);
	assert_true(last >= blocks);
	return last;
}

void rig_limit_files(unsigned long bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
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

/* How libsndfile names what a sample format becomes in a file. */
static int coding_of(enum vmsnd_sample sample, bool flac)
{
	switch (sample) {
	case VMSND_SAMPLE_U8:
		return flac ? SF_FORMAT_PCM_S8 : SF_FORMAT_PCM_U8;
	case VMSND_SAMPLE_S8:
		return flac ? SF_FORMAT_PCM_S8 : 0;
	case VMSND_SAMPLE_S16:
		return SF_FORMAT_PCM_16;
	case VMSND_SAMPLE_S24_3:
	case VMSND_SAMPLE_S24:
		return SF_FORMAT_PCM_24;
	case VMSND_SAMPLE_S32:
		return flac ? 0 : SF_FORMAT_PCM_32;
	case VMSND_SAMPLE_FLOAT:
		return flac ? 0 : SF_FORMAT_FLOAT;
	case VMSND_SAMPLE_FLOAT64:
		return flac ? 0 : SF_FORMAT_DOUBLE;
	case VMSND_SAMPLE_MULAW:
		return flac ? 0 : SF_FORMAT_ULAW;
	case VMSND_SAMPLE_ALAW:
		return flac ? 0 : SF_FORMAT_ALAW;
	default:
		return 0;
	}
}

/* Integers as libsndfile hands them out: in the top bits of 32. */
static uint32_t top_of(enum vmsnd_sample sample, const uint8_t *at)
{
	uint32_t bits = 0;

	memcpy(&bits, at, vmsnd_sample_bytes(sample));
	if (sample == VMSND_SAMPLE_U8)
		bits ^= 0x80;
	return bits << (32 - vmsnd_sample_bits(sample));
}

static void check_integers(const char *path, SNDFILE *file, const struct vmsnd_format *format,
			   const uint8_t *wanted, uint64_t frames)
{
	uint32_t *found = calloc(frames + 1, sizeof(*found) * format->channels);

	assert_non_null(found);
	assert_int_equal(sf_readf_int(file, (int *)(void *)found, (sf_count_t)frames), frames);
	for (uint64_t i = 0; i < frames * format->channels; i++) {
		uint32_t want =
		    top_of(format->sample, wanted + i * vmsnd_sample_bytes(format->sample));

		if (found[i] != want)
			fail_msg("%s: sample %llu: %08x is not %08x", path, (unsigned long long)i,
				 found[i], want);
	}
	free(found);
}

/* What libsndfile would decode is for it to say; that the bytes are there is for us. */
static void check_bytes(const char *path, SNDFILE *file, const struct vmsnd_format *format,
			const uint8_t *wanted, uint64_t frames)
{
	size_t n = frames * vmsnd_format_frame_bytes(format);
	uint8_t *found = calloc(1, n + 1);

	assert_non_null(found);
	assert_int_equal(sf_read_raw(file, found, (sf_count_t)n), n);
	if (memcmp(found, wanted, n) != 0)
		fail_msg("%s: other bytes than were played", path);
	free(found);
}

void check_file(const char *path, struct vmsnd_format format, uint64_t from, uint64_t frames)
{
	SF_INFO info = {.format = 0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	uint8_t *wanted = calloc(frames + 1, vmsnd_format_frame_bytes(&format));
	int coding;

	assert_non_null(wanted);
	if (!file)
		fail_msg("%s: %s", path, sf_strerror(NULL));
	assert_int_equal(info.samplerate, format.rate_hz);
	assert_int_equal(info.channels, format.channels);
	assert_int_equal(info.frames, frames);
	coding = coding_of(format.sample, (info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC);
	assert_int_not_equal(coding, 0);
	assert_int_equal(info.format & SF_FORMAT_SUBMASK, coding);
	signal_fill(&format, from, wanted, (uint32_t)frames);
	if (coding >= SF_FORMAT_FLOAT)
		check_bytes(path, file, &format, wanted, frames);
	else
		check_integers(path, file, &format, wanted, frames);
	sf_close(file);
	free(wanted);
}
