/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend for test_check.py: `host` says how its host is. A stream takes what it is told to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmsnd/module.h"

struct vmsnd_backend {
	const char *host;
};

struct vmsnd_stream {
	struct vmsnd_backend *backend;
	const struct vmsnd_stream_user *user;
	void *ctx;
	struct vmsnd_format format;
	vmsnd_ns begin;
	uint64_t frames;
	int16_t samples[960];
};

static bool is(const struct vmsnd_backend *backend, const char *word)
{
	return strcmp(backend->host, word) == 0;
}

static enum vmsnd_rc open_host(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *backend = calloc(1, sizeof(*backend));

	if (!backend)
		return VMSND_E_NOMEM;
	backend->host = vmsnd_conf_text(conf->options, "host");
	if (is(backend, "refuses")) {
		vmsnd_logf(conf->log, VMSND_LOG_ERROR, "host_words: these options make no sense");
		free(backend);
		return VMSND_E_INVALID;
	}
	*out = backend;
	return VMSND_OK;
}

static void close_host(struct vmsnd_backend *backend)
{
	free(backend);
}

static enum vmsnd_rc stream_open(struct vmsnd_backend *backend,
				 const struct vmsnd_stream_want *want,
				 const struct vmsnd_stream_user *user, void *ctx,
				 struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream;

	if (is(backend, "away"))
		return VMSND_E_GONE;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return VMSND_E_NOMEM;
	*got = (struct vmsnd_stream_got){
	    .format = want->format, .period_frames = 480, .max_frames = 480};
	stream->backend = backend;
	stream->user = user;
	stream->ctx = ctx;
	stream->format = want->format;
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->begin = now;
	return VMSND_OK;
}

static void stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
}

static struct vmsnd_stream *only;

static void stream_close(struct vmsnd_stream *stream)
{
	only = NULL;
	free(stream);
}

static enum vmsnd_rc open_only(struct vmsnd_backend *backend, const struct vmsnd_stream_want *want,
			       const struct vmsnd_stream_user *user, void *ctx,
			       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	enum vmsnd_rc rc = stream_open(backend, want, user, ctx, out, got);

	only = rc ? NULL : *out;
	return rc;
}

/* One that is deaf takes nothing after the first block. */
static vmsnd_ns advance(struct vmsnd_backend *backend, vmsnd_ns now)
{
	while (only && only->begin && now >= only->begin + only->frames * 1000000000u / 48000) {
		struct vmsnd_block block = {.samples = only->samples, .frames = 480, .when = now};

		if (only->frames > 0 && is(backend, "deaf"))
			break;
		only->user->block_rt(only->ctx, &block);
		only->frames += 480;
	}
	return VMSND_NEVER;
}

static size_t facts(struct vmsnd_backend *backend, struct vmsnd_fact *out, size_t max)
{
	static const struct vmsnd_fact fine[] = {{VMSND_FACT_SERVER, "Words 1.0"},
						 {VMSND_FACT_SOCKET, "/run/words"},
						 {VMSND_FACT_USER, "root (0)"},
						 {VMSND_FACT_PLAYBACK, "out (A \033[1mloud one)"},
						 {VMSND_FACT_TROUBLE, "It has no microphone."},
						 {VMSND_FACT_ADVICE, "Plug one in."}};
	static const struct vmsnd_fact away[] = {{VMSND_FACT_SOCKET, "/run/words"},
						 {VMSND_FACT_TROUBLE, "Nobody answers there."},
						 {VMSND_FACT_ADVICE, "Start it."}};
	size_t n = is(backend, "trouble") ? 6 : 4;

	while (is(backend, "hangs"))
		sleep(1);
	if (is(backend, "away")) {
		memcpy(out, away, sizeof(away));
		return 3;
	}
	memcpy(out, fine, n * sizeof(*fine));
	return n;
}

static size_t devices(struct vmsnd_backend *backend, struct vmsnd_host_device *out, size_t max)
{
	if (is(backend, "away"))
		return 0;
	out[0] = (struct vmsnd_host_device){
	    .id = "out", .name = "A loud one", .playback_channels = 2, .default_playback = true};
	return 1;
}

static const struct vmsnd_option options[] = {
    {"host", VMSND_OPTION_TEXT, "fine", "how it is", 0, 0}, {.key = NULL}};

static const struct vmsnd_backend_class words = {.abi = VMSND_BACKEND_ABI,
						 .name = "hostwords",
						 .summary = "for test_check.py",
						 .options = options,
						 .open = open_host,
						 .close = close_host,
						 .stream_open = open_only,
						 .stream_start = stream_start,
						 .stream_stop = stream_stop,
						 .stream_close = stream_close,
						 .advance = advance,
						 .devices = devices,
						 .facts = facts,
						 .abi_end = VMSND_BACKEND_ABI};

VMSND_MODULE_EXPORT vmsnd_module_entry vmsnd_module_register;

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	return to->backend(to->ctx, &words) == VMSND_RECORD_FINE ? VMSND_OK : VMSND_E_INVALID;
}
