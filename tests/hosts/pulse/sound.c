/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend under test, its log and its streams. */
#include "sound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/pulse/pulse.h"

#define KEPT_SECONDS 20u
/* Of the largest frame. */
#define FRAME_BYTES 256u

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void wait_ms(unsigned ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* ---- the backend ---- */

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct bench *bench = ctx;

	pthread_mutex_lock(&bench->lock);
	if (bench->n_lines < LINES_MAX)
		snprintf(bench->lines[bench->n_lines++], sizeof(bench->lines[0]), "%s", line);
	pthread_mutex_unlock(&bench->lock);
}

static void device_changed(void *ctx, enum vmsnd_dir dir)
{
	struct bench *bench = ctx;

	atomic_fetch_add(&bench->device_changed[dir], 1);
}

static void devices_changed(void *ctx)
{
	struct bench *bench = ctx;

	atomic_fetch_add(&bench->devices_changed, 1);
}

static void audio_thread(void *ctx)
{
	struct bench *bench = ctx;

	atomic_fetch_add(&bench->audio_threads, 1);
}

static const struct vmsnd_backend_user bench_user = {.device_changed = device_changed,
						     .devices_changed = devices_changed,
						     .audio_thread = audio_thread};

enum vmsnd_rc bench_open(struct bench *bench, const char *options, const char *folder)
{
	struct vmsnd_backend_conf conf = {.options = &bench->conf,
					  .client_name = "card",
					  .log = &bench->log,
					  .user = &bench_user,
					  .user_ctx = bench};
	char text[512], error[512];
	enum vmsnd_rc rc;

	memset(bench, 0, sizeof(*bench));
	pthread_mutex_init(&bench->lock, NULL);
	bench->log = (struct vmsnd_log){bench, keep_line};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), options, folder, folder);
#pragma GCC diagnostic pop
	rc = vmsnd_conf_parse(&bench->conf, vmsnd_pulse_class.options, "pulse", text, error,
			      sizeof(error));
	if (rc)
		fprintf(stderr, "# %s\n", error);
	return rc ? rc : vmsnd_pulse_class.open(&conf, &bench->host);
}

void bench_close(struct bench *bench)
{
	vmsnd_pulse_class.close(bench->host);
	for (unsigned i = 0; i < bench->n_lines; i++)
		fprintf(stderr, "# said: %s\n", bench->lines[i]);
	pthread_mutex_destroy(&bench->lock);
	bench->host = NULL;
}

unsigned bench_lines(struct bench *bench, const char *word)
{
	unsigned n = 0;

	pthread_mutex_lock(&bench->lock);
	for (unsigned i = 0; i < bench->n_lines; i++)
		n += strstr(bench->lines[i], word) != NULL;
	pthread_mutex_unlock(&bench->lock);
	return n;
}

/* ---- the signal ---- */

static uint64_t noise(uint64_t index)
{
	index = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
	index = (index ^ (index >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return index ^ (index >> 27);
}

/* Noise that any server hands on unchanged: floats within full scale, S24 in its low three bytes,
 * and no two companded zeros. */
static void put_sample(enum vmsnd_sample sample, uint64_t index, unsigned char *to)
{
	uint32_t bits = (uint32_t)noise(index);
	int32_t low = (int32_t)(bits << 8) / 256;
	float real = (float)low / 8388608.0f;

	if (sample == VMSND_SAMPLE_FLOAT)
		memcpy(to, &real, 4);
	else if (sample == VMSND_SAMPLE_S24)
		memcpy(to, &low, 4);
	else
		memcpy(to, &bits, vmsnd_sample_bytes(sample));
	if (sample == VMSND_SAMPLE_MULAW && (*to & 0x7f) == 0x7f)
		*to = 0x80;
}

void signal_frame(const struct vmsnd_format *format, uint64_t index, unsigned char *to)
{
	uint32_t bytes = vmsnd_sample_bytes(format->sample);

	for (uint32_t i = 0; i < format->channels; i++)
		put_sample(format->sample, index * format->channels + i, to + (size_t)i * bytes);
}

/* ---- blocks ---- */

/* `later`: how many frames of the block come after it. */
static void mark(struct sound *sound, const struct vmsnd_block *block, uint64_t later)
{
	uint64_t rate_hz = sound->got.format.rate_hz, delay = block->delay_frames;

	if (sound->dir == VMSND_PLAYBACK)
		atomic_store(&sound->mark_ns, block->when + delay * VMSND_NS_PER_SECOND / rate_hz -
						  later * VMSND_NS_PER_SECOND / rate_hz);
	else
		atomic_store(&sound->mark_ns,
			     block->when - (delay + later) * VMSND_NS_PER_SECOND / rate_hz);
}

static void play(struct sound *sound, const struct vmsnd_block *block)
{
	uint64_t at = atomic_load(&sound->frames);
	unsigned char *to = block->samples;
	uint32_t n = 0;

	for (; n < block->frames && at + n < sound->total; n++)
		signal_frame(&sound->got.format, at + n, to + (size_t)n * sound->frame_bytes);
	vmsnd_format_silence_rt(&sound->got.format, to + (size_t)n * sound->frame_bytes,
				block->frames - n);
	if (sound->mark >= at && sound->mark < at + n)
		mark(sound, block, at + block->frames - 1 - sound->mark);
	atomic_store(&sound->frames, at + n);
}

static void record(struct sound *sound, const struct vmsnd_block *block)
{
	uint64_t at = atomic_load(&sound->frames);
	uint64_t n = block->frames < sound->room - at ? block->frames : sound->room - at;
	const unsigned char *from = block->samples;

	memcpy(sound->kept + at * sound->frame_bytes, from, n * sound->frame_bytes);
	for (uint64_t i = 0; sound->marks && i < n; i++)
		if (memcmp(from + i * sound->frame_bytes, sound->marks, sound->frame_bytes) == 0)
			mark(sound, block, n - 1 - i);
	atomic_store(&sound->frames, at + n);
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct sound *sound = ctx;

	atomic_fetch_add(&sound->blocks, 1);
	atomic_fetch_add(&sound->gaps, block->gap);
	atomic_store(&sound->delay_frames, block->delay_frames);
	if (sound->dir == VMSND_PLAYBACK)
		play(sound, block);
	else
		record(sound, block);
}

static uint32_t ready_rt(void *ctx)
{
	return 0;
}

static void ended(void *ctx, enum vmsnd_rc why)
{
	struct sound *sound = ctx;

	atomic_store(&sound->why, (int)why);
	atomic_fetch_add(&sound->ended, 1);
}

static void notice(void *ctx, enum vmsnd_stream_notice what)
{
}

static const struct vmsnd_stream_user sound_user = {block_rt, ready_rt, ended, notice};

/* ---- streams ---- */

enum vmsnd_rc sound_open(struct sound *sound, struct bench *bench, enum vmsnd_dir dir,
			 struct vmsnd_format format, uint32_t period_frames)
{
	const struct vmsnd_stream_want want = {
	    .dir = dir, .format = format, .period_frames = period_frames};
	enum vmsnd_rc rc;

	memset(sound, 0, sizeof(*sound));
	sound->bench = bench;
	sound->dir = dir;
	sound->total = sound->mark = UINT64_MAX;
	rc = vmsnd_pulse_class.stream_open(bench->host, &want, &sound_user, sound, &sound->stream,
					   &sound->got);
	if (rc) {
		sound->stream = NULL;
		return rc;
	}
	sound->frame_bytes = vmsnd_format_frame_bytes(&sound->got.format);
	if (dir == VMSND_CAPTURE) {
		sound->room = (uint64_t)KEPT_SECONDS * format.rate_hz;
		sound->kept = malloc(sound->room * sound->frame_bytes);
	}
	return rc;
}

bool sound_state_within(struct sound *sound, enum vmsnd_stream_state state, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (vmsnd_pulse_class.stream_state(sound->stream) != state) {
		if (now_ms() > end)
			return false;
		wait_ms(2);
	}
	return true;
}

bool sound_frames_within(struct sound *sound, uint64_t frames, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (atomic_load(&sound->frames) < frames) {
		if (now_ms() > end)
			return false;
		wait_ms(2);
	}
	return true;
}

bool sound_open_within(struct sound *sound, struct bench *bench, enum vmsnd_dir dir,
		       struct vmsnd_format format, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (sound_open(sound, bench, dir, format, format.rate_hz / 20)) {
		if (now_ms() > end)
			return false;
		wait_ms(5);
	}
	return sound_state_within(sound, VMSND_STREAM_OKAY, ms);
}

void sound_start(struct sound *sound)
{
	vmsnd_pulse_class.stream_start(sound->stream, 0);
}

void sound_stop(struct sound *sound)
{
	vmsnd_pulse_class.stream_stop(sound->stream, 0);
}

void sound_close(struct sound *sound)
{
	if (sound->stream)
		vmsnd_pulse_class.stream_close(sound->stream);
	sound->stream = NULL;
}

void sound_free(struct sound *sound)
{
	sound_close(sound);
	free(sound->kept);
	sound->kept = NULL;
}

/* ---- what was heard ---- */

/* Where in the signal a frame is, from `from` on; frames that are lost are found this way. */
static uint64_t find(const struct sound *sound, const unsigned char *frame, uint64_t from)
{
	unsigned char expected[FRAME_BYTES];

	for (uint64_t index = from; index < from + 4 * (uint64_t)sound->got.format.rate_hz;
	     index++) {
		signal_frame(&sound->got.format, index, expected);
		if (memcmp(frame, expected, sound->frame_bytes) == 0)
			return index;
	}
	return UINT64_MAX;
}

/* One frame of what was recorded. */
static void hear(struct heard *heard, const struct sound *sound, const unsigned char *frame)
{
	uint64_t at;

	at = find(sound, frame, heard->next);
	if (at == UINT64_MAX) {
		heard->bad++;
		return;
	}
	if (heard->frames == 0)
		heard->first = at;
	else if (at != heard->next)
		heard->jumps++;
	heard->frames++;
	heard->next = at + 1;
	heard->gap += heard->silent;
	heard->silent = 0;
}

struct heard sound_heard(const struct sound *sound)
{
	struct heard heard = {.first = UINT64_MAX};
	uint64_t n = atomic_load(&sound->frames);
	unsigned char silence[FRAME_BYTES], expected[FRAME_BYTES];

	vmsnd_format_silence_rt(&sound->got.format, silence, 1);
	for (uint64_t i = 0; i < n && heard.bad < 1000; i++) {
		const unsigned char *frame = sound->kept + i * sound->frame_bytes;

		signal_frame(&sound->got.format, heard.next, expected);
		if (memcmp(frame, silence, sound->frame_bytes) != 0 ||
		    (heard.frames > 0 && memcmp(frame, expected, sound->frame_bytes) == 0))
			hear(&heard, sound, frame);
		else if (heard.frames == 0)
			heard.begins++;
		else
			heard.silent++;
	}
	fprintf(stderr, "# heard %llu from %llu on, gap %llu, jumps %llu, bad %llu, after %llu\n",
		(unsigned long long)heard.frames, (unsigned long long)heard.first,
		(unsigned long long)heard.gap, (unsigned long long)heard.jumps,
		(unsigned long long)heard.bad, (unsigned long long)heard.begins);
	return heard;
}
