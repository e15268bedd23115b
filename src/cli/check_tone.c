/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd check --tone: 440 Hz into a backend, without a card. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "os/clock.h"
#include "pcm/codec.h"

#define RATE_HZ     48000u
#define TONE_NS     (3 * VMSND_NS_PER_SECOND / 2)
#define OPEN_NS     (2 * VMSND_NS_PER_SECOND)
#define LOOK_NS     UINT64_C(10000000)
#define TONE_HZ     440.0
#define TONE_LEVEL  0.1 /* -20 dB: heard, and no more */
#define FADE_S      0.02
#define TONE_FRAMES ((uint64_t)RATE_HZ * 3 / 2)

struct tone {
	struct vmsnd_format format;
	unsigned char *samples; /* all of it, in the host's format */
	uint32_t frame_bytes;
	uint64_t frames;
	_Atomic uint64_t taken;
	_Atomic bool ended;
};

static double level(const struct tone *tone, uint64_t at)
{
	double fade = FADE_S * tone->format.rate_hz;
	double left = (double)(tone->frames - at);
	double edge = (double)at < left ? (double)at : left;
	double turn = fmod(TONE_HZ * (double)at / tone->format.rate_hz, 1.0);

	return TONE_LEVEL * (edge < fade ? edge / fade : 1) * sin(6.283185307179586 * turn);
}

static bool make(struct tone *tone)
{
	const struct vmsnd_codec *codec =
	    vmsnd_codec_find(tone->format.sample, tone->format.big_endian, VMSND_CPU_BASELINE);
	double samples[VMSND_CHANNELS_MAX];

	tone->frames = TONE_FRAMES * tone->format.rate_hz / RATE_HZ;
	tone->frame_bytes = vmsnd_format_frame_bytes(&tone->format);
	tone->samples = codec ? malloc(tone->frames * tone->frame_bytes) : NULL;
	if (!tone->samples)
		return false;
	for (uint64_t at = 0; at < tone->frames; at++) {
		for (uint32_t c = 0; c < tone->format.channels; c++)
			samples[c] = level(tone, at);
		codec->encode_rt(tone->samples + at * tone->frame_bytes, samples,
				 tone->format.channels);
	}
	return true;
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct tone *tone = ctx;
	uint64_t at = atomic_load_explicit(&tone->taken, memory_order_relaxed);
	uint64_t left = tone->frames - at, some = left < block->frames ? left : block->frames;
	unsigned char *to = block->samples;

	memcpy(to, tone->samples + at * tone->frame_bytes, some * tone->frame_bytes);
	vmsnd_format_silence_rt(&tone->format, to + some * tone->frame_bytes,
				block->frames - (uint32_t)some);
	atomic_store_explicit(&tone->taken, at + some, memory_order_relaxed);
}

static uint32_t ready_rt(void *ctx)
{
	return UINT32_MAX;
}

static void ended(void *ctx, enum vmsnd_rc why)
{
	atomic_store(&((struct tone *)ctx)->ended, true);
}

static void notice(void *ctx, enum vmsnd_stream_notice what)
{
}

static const struct vmsnd_stream_user user = {
    .block_rt = block_rt, .ready_rt = ready_rt, .ended = ended, .notice = notice};

/* One that is only coming up is tried for a while. */
static enum vmsnd_rc open_stream(const struct vmsnd_backend_class *cls,
				 struct vmsnd_backend *backend, struct tone *tone,
				 struct vmsnd_stream **out)
{
	const struct vmsnd_stream_want want = {
	    .dir = VMSND_PLAYBACK,
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = RATE_HZ, .channels = 2},
	    .period_frames = RATE_HZ / 50,
	    .buffer_frames = RATE_HZ / 10};
	vmsnd_ns until = vmsnd_clock_now() + OPEN_NS;
	struct vmsnd_stream_got got = {0};
	enum vmsnd_rc rc;

	while ((rc = cls->stream_open(backend, &want, &user, tone, out, &got)) == VMSND_E_GONE &&
	       vmsnd_clock_now() < until)
		vmsnd_clock_sleep_until(vmsnd_clock_now() + LOOK_NS);
	if (rc)
		return rc;
	tone->format = got.format;
	if (vmsnd_format_frame_bytes(&got.format) > 0 && make(tone))
		return VMSND_OK;
	cls->stream_close(*out);
	return VMSND_E_UNSUPPORTED;
}

static bool is_ready(const struct vmsnd_backend_class *cls, const struct vmsnd_stream *stream)
{
	return !cls->stream_state || cls->stream_state(stream) != VMSND_STREAM_INITIALIZING;
}

/* Until all of it was taken, or time is over. */
static void play(const struct vmsnd_backend_class *cls, struct vmsnd_backend *backend,
		 struct tone *tone, struct vmsnd_stream *stream)
{
	vmsnd_ns now = vmsnd_clock_now(), until = now + OPEN_NS;

	while (!is_ready(cls, stream) && (now = vmsnd_clock_now()) < until)
		vmsnd_clock_sleep_until(now + LOOK_NS);
	if (cls->stream_start(stream, now))
		return;
	until = now + TONE_NS + TONE_NS / 2;
	while (atomic_load(&tone->taken) < tone->frames && !atomic_load(&tone->ended) &&
	       (now = vmsnd_clock_now()) < until) {
		if (cls->advance)
			cls->advance(backend, now);
		vmsnd_clock_sleep_until(now + LOOK_NS);
	}
}

static void say_where(const struct vmsnd_stream_place *place, char *said, size_t bytes)
{
	const char *name = place->name[0] ? place->name : place->device;
	size_t at = strlen(said);

	if (*name)
		at += (size_t)snprintf(said + at, bytes - at, " on %.100s", name);
	if (place->has_volume && at < bytes && (place->muted || place->gain_mdb <= -60000))
		snprintf(said + at, bytes - at, ", where the stream is muted");
}

bool vmsnd_check_tone(const struct vmsnd_backend_class *cls, struct vmsnd_backend *backend,
		      char *said, size_t bytes)
{
	struct tone tone = {.frames = 0};
	struct vmsnd_stream_place place = {.device = ""};
	struct vmsnd_stream *stream = NULL;
	enum vmsnd_rc rc = open_stream(cls, backend, &tone, &stream);
	bool taken;

	if (rc) {
		snprintf(said, bytes, "it opens no stream: %s", vmsnd_rc_text(rc));
		return false;
	}
	play(cls, backend, &tone, stream);
	if (cls->stream_place)
		cls->stream_place(stream, &place);
	cls->stream_stop(stream, vmsnd_clock_now());
	cls->stream_close(stream);
	free(tone.samples);
	taken = atomic_load(&tone.taken) >= tone.frames;
	if (taken)
		snprintf(said, bytes, "a tone of 1.5 s was played");
	else
		snprintf(said, bytes, "it took %.1f s of a tone of 1.5 s",
			 tone.frames ? 1.5 * (double)atomic_load(&tone.taken) / (double)tone.frames
				     : 0.0);
	say_where(&place, said, bytes);
	return taken;
}
