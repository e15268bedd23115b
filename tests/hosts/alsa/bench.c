/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/alsa/alsa.h"

/* %s: testloop.so, then the card. */
static const char config[] =
    "pcm_type.testloop { lib \"%s\" }\n"
    "pcm.!default { type testloop shm \"%s\" hint { show on description \"Test "
    "card\" } }\n"
    "pcm.rw { type testloop rw 1 shm \"%s\" }\n"
    "pcm.pause { type testloop pause 1 shm \"%s\" }\n"
    "pcm.resume { type testloop resume 1 shm \"%s\" }\n"
    "pcm.fast { type testloop ppm 300 shm \"%s\" }\n"
    "pcm.plain { type testloop format S16_LE rate 48000 channels 2 shm \"%s\" "
    "}\n"
    "pcm.plugged { type plug slave.pcm plain }\n"
    "pcm.nul { type null }\n";

/* ---- the bench ---- */

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct bench *bench = ctx;
	unsigned n = atomic_fetch_add(&bench->n_lines, 1);

	(void)level;
	if (n < BENCH_LINES)
		snprintf(bench->lines[n], sizeof(bench->lines[n]), "%s", line);
	print_message("# %s\n", line);
}

bool bench_said(struct bench *bench, const char *a, const char *b)
{
	for (unsigned i = 0; i < bench->n_lines && i < BENCH_LINES; i++)
		if (strstr(bench->lines[i], a) && strstr(bench->lines[i], b))
			return true;
	return false;
}

static const char *path_of(struct bench *bench, const char *name)
{
	static char path[BENCH_PATH + 32];

	snprintf(path, sizeof(path), "%s/%s", bench->folder, name);
	return path;
}

void bench_configure(struct bench *bench, const char *more)
{
	char card[BENCH_PATH + 32], text[8192];
	FILE *file;

	snprintf(card, sizeof(card), "%s", path_of(bench, "card"));
	snprintf(text, sizeof(text), config, getenv("TESTLOOP"), card, card, card, card, card,
		 card);
	file = fopen(path_of(bench, "asound.conf"), "w");
	assert_non_null(file);
	fputs(text, file);
	fputs(more, file);
	assert_int_equal(fclose(file), 0);
	setenv("ALSA_CONFIG_PATH", path_of(bench, "asound.conf"), 1);
}

static void map_card(struct bench *bench)
{
	int fd = open(path_of(bench, "card"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*bench->card)), 0);
	bench->card = mmap(NULL, sizeof(*bench->card), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(bench->card != MAP_FAILED);
	close(fd);
}

static void hear_device(void *ctx, enum vmsnd_dir dir)
{
	atomic_fetch_add(&((struct bench *)ctx)->changed[dir], 1);
}

static void hear_devices(void *ctx)
{
	atomic_fetch_add(&((struct bench *)ctx)->came, 1);
}

/* As the manager does: where it is allowed, tests are exact on a busy machine, too. */
static void hear_thread(void *ctx)
{
	const struct sched_param param = {.sched_priority = 10};

	pthread_setschedparam(pthread_self(), SCHED_RR, &param);
	atomic_fetch_add(&((struct bench *)ctx)->audio_threads, 1);
}

static const struct vmsnd_backend_user owner = {
    .device_changed = hear_device, .devices_changed = hear_devices, .audio_thread = hear_thread};

enum vmsnd_rc bench_open(struct bench *bench, const char *options)
{
	struct vmsnd_backend_conf conf = {.options = &bench->conf,
					  .client_name = "test",
					  .log = &bench->log,
					  .user = &owner,
					  .user_ctx = bench};
	char error[256];

	bench_close(bench);
	assert_int_equal(vmsnd_conf_parse(&bench->conf, vmsnd_alsa_class.options, "alsa", options,
					  error, sizeof(error)),
			 VMSND_OK);
	return vmsnd_alsa_class.open(&conf, &bench->host);
}

void bench_close(struct bench *bench)
{
	if (bench->host)
		vmsnd_alsa_class.close(bench->host);
	bench->host = NULL;
}

int bench_setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	assert_non_null(getenv("TESTLOOP"));
	snprintf(bench->folder, sizeof(bench->folder), "/tmp/vmsnd-alsa-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	bench->log = (struct vmsnd_log){.ctx = bench, .write = keep_line};
	bench_configure(bench, "");
	map_card(bench);
	assert_int_equal(bench_open(bench, ""), VMSND_OK);
	*state = bench;
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;

	/* A test that failed has left them open, with threads. */
	for (unsigned i = 0; i < BENCH_STREAMS; i++)
		if (bench->streams[i])
			vmsnd_alsa_class.stream_close(bench->streams[i]);
	bench_close(bench);
	munmap(bench->card, sizeof(*bench->card));
	unlink(path_of(bench, "card"));
	unlink(path_of(bench, "asound.conf"));
	rmdir(bench->folder);
	free(bench);
	return 0;
}

uint64_t bench_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void bench_nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* ---- numbered frames ---- */

/* No byte is 0 or the middle of U8, so no frame is silence. */
static void number(uint64_t index, uint8_t *to, uint32_t bytes)
{
	uint64_t noise = index * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (uint32_t i = 0; i < bytes; i++) {
		noise ^= noise >> 29;
		noise *= UINT64_C(0xbf58476d1ce4e5b9);
		to[i] = (uint8_t)(noise >> 40);
		if (to[i] == 0 || to[i] == 0x80)
			to[i] = 1;
	}
}

static void play(struct user *user, const struct vmsnd_block *block)
{
	uint64_t left = atomic_load(&user->left), n = block->frames < left ? block->frames : left;
	uint8_t *to = block->samples;

	for (uint64_t i = 0; i < n; i++)
		number(user->frames + i, to + i * user->frame_bytes, user->frame_bytes);
	vmsnd_format_silence_rt(&user->got.format, to + n * user->frame_bytes,
				block->frames - (uint32_t)n);
	atomic_store(&user->left, left - n);
	atomic_fetch_add(&user->frames, n);
}

static void record(struct user *user, const struct vmsnd_block *block)
{
	uint64_t at = user->frames, room = user->room_frames - at, n = block->frames;

	n = n < room ? n : room;
	memcpy(user->kept + at * user->frame_bytes, block->samples, n * user->frame_bytes);
	atomic_fetch_add(&user->frames, n);
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct user *user = ctx;

	if (user->dir == VMSND_PLAYBACK)
		play(user, block);
	else
		record(user, block);
	if (atomic_fetch_add(&user->blocks, 1) == 8) {
		user->first_ns = block->when;
		user->first_frames = user->frames;
	}
	user->last_ns = block->when;
	user->delay_frames = block->delay_frames;
	atomic_fetch_add(&user->gaps, block->gap);
}

static uint32_t ready_rt(void *ctx)
{
	(void)ctx;
	return 0;
}

static void ended(void *ctx, enum vmsnd_rc why)
{
	struct user *user = ctx;

	user->why = (int)why;
	atomic_fetch_add(&user->ended, 1);
}

static const struct vmsnd_stream_user calls = {
    .block_rt = block_rt, .ready_rt = ready_rt, .ended = ended};

struct vmsnd_format bench_format(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels)
{
	return (struct vmsnd_format){.sample = sample, .rate_hz = rate_hz, .channels = channels};
}

enum vmsnd_rc user_open(struct bench *bench, struct user *user, enum vmsnd_dir dir,
			struct vmsnd_format format, uint32_t period_frames)
{
	const struct vmsnd_stream_want want = {.dir = dir,
					       .format = format,
					       .period_frames = period_frames,
					       .buffer_frames = format.rate_hz / 5};
	enum vmsnd_rc rc;

	user->dir = dir;
	user->left = user->dir == VMSND_PLAYBACK ? UINT64_MAX : 0;
	rc = vmsnd_alsa_class.stream_open(bench->host, &want, &calls, user, &user->stream,
					  &user->got);
	if (rc)
		return rc;
	user->bench = bench;
	bench->streams[bench->streams[0] ? 1 : 0] = user->stream;
	user->frame_bytes = vmsnd_format_frame_bytes(&user->got.format);
	user->room_frames = 20u * user->got.format.rate_hz;
	if (dir == VMSND_CAPTURE && !user->kept)
		user->kept = calloc(user->room_frames, user->frame_bytes);
	return VMSND_OK;
}

void user_start(struct user *user)
{
	assert_int_equal(vmsnd_alsa_class.stream_start(user->stream, 0), VMSND_OK);
}

void user_stop(struct user *user)
{
	vmsnd_alsa_class.stream_stop(user->stream, 0);
}

void user_close(struct user *user)
{
	for (unsigned i = 0; user->stream && i < BENCH_STREAMS; i++)
		if (user->bench->streams[i] == user->stream)
			user->bench->streams[i] = NULL;
	if (user->stream)
		vmsnd_alsa_class.stream_close(user->stream);
	user->stream = NULL;
	free(user->kept);
	user->kept = NULL;
}

/* ---- waiting for it ---- */

#define LIMIT_MS 20000

void user_wait_frames(const struct user *user, uint64_t frames)
{
	uint64_t end = bench_ms() + LIMIT_MS;

	while (user->frames < frames && bench_ms() < end)
		bench_nap();
	assert_true(user->frames >= frames);
}

void user_wait_drained(const struct user *user)
{
	uint64_t end = bench_ms() + LIMIT_MS;

	while (vmsnd_alsa_class.stream_state(user->stream) == VMSND_STREAM_DRAINING &&
	       bench_ms() < end)
		bench_nap();
	assert_int_equal(vmsnd_alsa_class.stream_state(user->stream), VMSND_STREAM_OKAY);
}

uint64_t user_xruns(const struct user *user)
{
	struct vmsnd_stream_place place;

	vmsnd_alsa_class.stream_place(user->stream, &place);
	return place.xruns;
}

/* ---- what was heard ---- */

#define FAR 100000u

struct check {
	struct heard heard;
	uint64_t next, silent;
	bool any;
};

static bool is_silence(const struct vmsnd_format *format, const uint8_t *frame, uint32_t bytes)
{
	uint8_t silence[TESTLOOP_FRAME_BYTES];

	vmsnd_format_silence_rt(format, silence, 1);
	return memcmp(silence, frame, bytes) == 0;
}

static bool is_number(const uint8_t *frame, uint64_t index, uint32_t bytes)
{
	uint8_t wanted[TESTLOOP_FRAME_BYTES];

	number(index, wanted, bytes);
	return memcmp(wanted, frame, bytes) == 0;
}

/* The number of a frame that is not the next; UINT64_MAX: none. */
static uint64_t find(const struct check *check, const uint8_t *frame, uint32_t bytes)
{
	uint64_t from = check->any && check->next > FAR ? check->next - FAR : 0;

	for (uint64_t at = from; at < check->next + FAR; at++)
		if (is_number(frame, at, bytes))
			return at;
	return UINT64_MAX;
}

static void take(struct check *check, const struct vmsnd_format *format, const uint8_t *frame,
		 uint32_t bytes)
{
	uint64_t at = check->next;

	if (is_silence(format, frame, bytes)) {
		check->silent++;
		return;
	}
	if (!is_number(frame, at, bytes))
		at = find(check, frame, bytes);
	if (at == UINT64_MAX) {
		check->heard.bad++;
		return;
	}
	if (!check->any) {
		check->heard.lead = check->silent;
		check->heard.first = at;
	} else {
		check->heard.holes += check->silent;
		check->heard.lost += at > check->next ? at - check->next : 0;
		check->heard.repeated += at < check->next ? check->next - at : 0;
	}
	check->silent = 0;
	check->any = true;
	check->heard.good++;
	check->next = at + 1;
}

struct heard bench_heard(struct bench *bench, const struct user *user)
{
	struct check check = {.any = false};
	uint64_t played = bench->card->played;

	assert_true(played <= TESTLOOP_FRAMES);
	for (uint64_t i = 0; i < played; i++)
		take(&check, &user->got.format, bench->card->frames[i], user->frame_bytes);
	return check.heard;
}

struct heard user_recorded(const struct user *user)
{
	struct check check = {.any = false};

	for (uint64_t i = 0; i < user->frames; i++)
		take(&check, &user->got.format, user->kept + i * user->frame_bytes,
		     user->frame_bytes);
	return check.heard;
}
