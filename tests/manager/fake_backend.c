/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "vmsnd/module.h"

#include "fake_backend.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rate.h"

struct fake fake;
/* Over who may be spoken to: a worker may be closing it. */
static pthread_mutex_t speech = PTHREAD_MUTEX_INITIALIZER;

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream *next;
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	struct vmsnd_stream_user user;
	void *ctx;
	struct vmsnd_block_clock clock;
	bool ended;
	unsigned char *samples;
};

struct vmsnd_backend {
	pthread_mutex_t lock; /* over the list: workers open and close, the lane moves */
	struct vmsnd_stream *streams;
	void *ctx;
};

static void hold(void)
{
	while (atomic_load(&fake.hold))
		sched_yield();
}

static void hold_streams(void)
{
	while (atomic_load(&fake.hold_streams))
		sched_yield();
	hold();
}

void fake_notice(int dir)
{
	pthread_mutex_lock(&speech);
	if (fake.ctx && dir < 0)
		fake.user->devices_changed(fake.ctx);
	else if (fake.ctx)
		fake.user->device_changed(fake.ctx, (enum vmsnd_dir)dir);
	pthread_mutex_unlock(&speech);
}

static enum vmsnd_rc fake_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	hold();
	fake.open_tries++;
	fake.quiet = conf->again;
	if (fake.away || fake.rc)
		return fake.away ? VMSND_E_GONE : (enum vmsnd_rc)fake.rc;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VMSND_E_NOMEM;
	pthread_mutex_init(&(*out)->lock, NULL);
	(*out)->ctx = conf->user_ctx;
	pthread_mutex_lock(&speech);
	fake.user = conf->user;
	fake.ctx = conf->user_ctx;
	pthread_mutex_unlock(&speech);
	fake.opens++;
	return VMSND_OK;
}

static void fake_close(struct vmsnd_backend *host)
{
	pthread_mutex_lock(&speech);
	if (fake.ctx == host->ctx)
		fake.ctx = NULL;
	pthread_mutex_unlock(&speech);
	pthread_mutex_destroy(&host->lock);
	free(host);
	fake.closes++;
}

static enum vmsnd_rc fake_stream_open(struct vmsnd_backend *host,
				      const struct vmsnd_stream_want *want,
				      const struct vmsnd_stream_user *user, void *ctx,
				      struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream;
	uint32_t rate_hz;

	hold_streams();
	fake.stream_tries++;
	if (fake.streams_away)
		return VMSND_E_GONE;
	stream = calloc(1, sizeof(*stream));
	*got = (struct vmsnd_stream_got){.format = want->format,
					 .period_frames = FAKE_BLOCK_FRAMES,
					 .max_frames = FAKE_BLOCK_FRAMES};
	rate_hz = fake.rate_hz;
	if (rate_hz)
		got->format.rate_hz = rate_hz;
	if (stream)
		stream->samples = calloc(FAKE_BLOCK_FRAMES, vmsnd_format_frame_bytes(&got->format));
	if (!stream || !stream->samples) {
		free(stream);
		return VMSND_E_NOMEM;
	}
	stream->host = host;
	stream->dir = want->dir;
	stream->format = got->format;
	stream->user = *user;
	stream->ctx = ctx;
	vmsnd_block_clock_init(&stream->clock, got->format.rate_hz, FAKE_BLOCK_FRAMES, 1);
	pthread_mutex_lock(&host->lock);
	stream->next = host->streams;
	host->streams = stream;
	pthread_mutex_unlock(&host->lock);
	fake.streams[want->dir]++;
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc fake_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!stream->ended)
		vmsnd_block_clock_start(&stream->clock, now);
	return VMSND_OK;
}

static void fake_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	vmsnd_block_clock_stop(&stream->clock);
}

static void fake_stream_close(struct vmsnd_stream *stream)
{
	struct vmsnd_stream **at = &stream->host->streams;

	hold();
	pthread_mutex_lock(&stream->host->lock);
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	pthread_mutex_unlock(&stream->host->lock);
	fake.streams[stream->dir]--;
	free(stream->samples);
	free(stream);
}

static void move(struct vmsnd_stream *stream, vmsnd_ns when)
{
	uint32_t bytes = vmsnd_format_frame_bytes(&stream->format);
	struct vmsnd_block block = {
	    .samples = stream->samples, .frames = FAKE_BLOCK_FRAMES, .when = when};

	/* A microphone hears something. */
	memset(stream->samples, 0x11, (size_t)FAKE_BLOCK_FRAMES * bytes);
	stream->user.block_rt(stream->ctx, &block);
	for (uint32_t i = 0; i < FAKE_BLOCK_FRAMES && stream->dir == VMSND_PLAYBACK; i++)
		for (uint32_t k = 0; k < bytes; k++)
			if (stream->samples[i * bytes + k]) {
				fake.frames++;
				break;
			}
}

static vmsnd_ns fake_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	pthread_mutex_lock(&host->lock);
	for (struct vmsnd_stream *at = host->streams, *after; at; at = after) {
		vmsnd_ns when = vmsnd_block_clock_next(&at->clock);

		after = at->next;
		if (fake.kill && !at->ended) {
			vmsnd_block_clock_stop(&at->clock);
			at->ended = true;
			at->user.ended(at->ctx, VMSND_E_GONE);
			continue;
		}
		for (; vmsnd_block_clock_tick(&at->clock, now);
		     when = vmsnd_block_clock_next(&at->clock))
			move(at, when);
		if (when < next)
			next = when;
	}
	fake.kill = false;
	pthread_mutex_unlock(&host->lock);
	return next;
}

static void fake_limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out)
{
	*out = (struct vmsnd_backend_limits){VMSND_STREAMS_ANY, fake.deaf ? 0 : 1};
}

static enum vmsnd_backend_status fake_status(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	return fake.error ? VMSND_BACKEND_ERROR : VMSND_BACKEND_RUNNING;
}

static size_t fake_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max)
{
	hold();
	fake.looks++;
	for (size_t i = 0; i < fake.n_devices && i < max; i++)
		out[i] = fake.devices[i];
	return fake.n_devices;
}

static enum vmsnd_rc fake_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	if (id && fake.no_device && strcmp(id, fake.no_device) == 0)
		return VMSND_E_GONE;
	pthread_mutex_lock(&speech);
	snprintf(fake.set[dir], sizeof(fake.set[dir]), "%s", id ? id : "(default)");
	pthread_mutex_unlock(&speech);
	return VMSND_OK;
}

/* A server that hangs is one that holds. */
static size_t fake_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max)
{
	hold();
	fake.fact_looks++;
	out[0] = (struct vmsnd_fact){.name = VMSND_FACT_SERVER, .text = "Fake 1.0"};
	return 1;
}

static void fake_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out)
{
	*out = (struct vmsnd_stream_place){.device = "hw:0",
					   .has_volume = true,
					   .muted = fake.muted,
					   .gain_mdb = -6000 + fake.turned_mdb,
					   .xruns = 7};
}

static enum vmsnd_rc fake_volume_set(struct vmsnd_stream *stream,
				     const struct vmsnd_host_volume *want)
{
	if (fake.volume_rc)
		return (enum vmsnd_rc)fake.volume_rc;
	if (want->sets_gain)
		fake.turned_mdb = want->gain_mdb + 6000;
	if (want->sets_mute)
		fake.muted = want->muted;
	return VMSND_OK;
}

#define FAKE_CLASS(title, bits)                                                                    \
	{                                                                                          \
		.abi = VMSND_BACKEND_ABI, .abi_end = VMSND_BACKEND_ABI, .flags = bits,             \
		.name = title, .summary = "for tests", .open = fake_open, .close = fake_close,     \
		.stream_open = fake_stream_open, .stream_start = fake_stream_start,                \
		.stream_stop = fake_stream_stop, .stream_close = fake_stream_close,                \
		.advance = fake_advance, .limits = fake_limits, .status = fake_status,             \
		.devices = fake_devices, .device_set = fake_device_set, .facts = fake_facts,       \
		.stream_place = fake_place, .stream_volume_set = fake_volume_set                   \
	}

const struct vmsnd_backend_class fake_class = FAKE_CLASS("fake", 0);
const struct vmsnd_backend_class fake_slow_class =
    FAKE_CLASS("fake-slow", VMSND_BACKEND_SLOW_OPEN | VMSND_BACKEND_SLOW_DEVICES);
const struct vmsnd_backend_class fake_notices_class =
    FAKE_CLASS("fake-notices", VMSND_BACKEND_STREAM_NOTICES);
const struct vmsnd_backend_class fake_slow_streams_class = FAKE_CLASS(
    "fake-slow-streams", VMSND_BACKEND_SLOW_STREAM_OPEN | VMSND_BACKEND_SLOW_STREAM_CLOSE);

struct vmsnd_registry *fake_registry(void)
{
	static const struct vmsnd_backend_class *const classes[] = {
	    &fake_class, &fake_slow_class, &fake_notices_class, &fake_slow_streams_class};
	struct vmsnd_registry *registry;

	assert_int_equal(vmsnd_registry_open(NULL, &registry), VMSND_OK);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		assert_int_equal(vmsnd_registry_add_backend(registry, classes[i]),
				 VMSND_RECORD_FINE);
	return registry;
}
