/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/backend.h - a host audio backend: one card, server or file set.
 *
 * A function whose name ends in _rt runs on the backend's audio thread. It does
 * not allocate, lock, wait, log through stdio or enter the kernel, and it calls
 * only other _rt functions. scripts/check-rt holds us to that. */
#ifndef VMSND_BACKEND_H
#define VMSND_BACKEND_H

#include "config.h"
#include "status.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMSND_BACKEND_ABI 1u

struct vmsnd_backend;
struct vmsnd_stream;

struct vmsnd_backend_conf {
	const struct vmsnd_conf *options;
	const char *client_name;     /* the card's name, for mixers and messages */
	const struct vmsnd_log *log; /* outlives the backend */
};

struct vmsnd_stream_want {
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	uint32_t period_frames; /* a wish */
};

/* What the backend settled on. Constant until stream_close. */
struct vmsnd_stream_got {
	struct vmsnd_format format;
	uint32_t period_frames;
	uint32_t max_frames; /* no block will ever be larger than this */
};

struct vmsnd_block {
	void *samples;         /* interleaved; ours for the length of the call */
	uint32_t frames;       /* 1 .. max_frames; need not be a whole period */
	uint32_t delay_frames; /* from this block's last frame to the speaker, or from the
				* microphone, at the moment of the call */
	vmsnd_ns when;         /* the lane's time, or the host's monotonic one, of the call */
	bool gap;              /* the backend lost time before this block */
};

struct vmsnd_stream_user {
	/* Playback must fill every frame, silence included; capture takes every frame. */
	void (*block_rt)(void *ctx, const struct vmsnd_block *block);
	/* Playback: frames that could be filled without silence; capture: frames there is
	 * room for. For backends that follow the guest instead of a clock. */
	uint32_t (*ready_rt)(void *ctx);
	/* At most once, never on the audio thread and never from inside
	 * stream_close. Afterwards only stream_stop and
	 * stream_close are allowed. */
	void (*ended)(void *ctx, enum vmsnd_rc why);
};

/* Functions are called from one thread at a time (the lane's); they do not return
 * before they are done. */
struct vmsnd_backend_class {
	uint32_t abi;
	const char *name, *summary;
	const struct vmsnd_option *options; /* may be NULL */

	/* May block. VMSND_E_INVALID: the options contradict each other, the log has
	 * the line. A missing server is VMSND_E_GONE. */
	enum vmsnd_rc (*open)(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out);
	void (*close)(struct vmsnd_backend *host); /* every stream already closed */

	/* VMSND_E_UNSUPPORTED: not in this format; VMSND_E_GONE: no such file, card or
	 * server now. One line in the log says why. */
	enum vmsnd_rc (*stream_open)(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got);
	/* From now on blocks move. Legal again after stream_stop. */
	enum vmsnd_rc (*stream_start)(struct vmsnd_stream *stream, vmsnd_ns now);
	/* When this returns no callback is running and none will start, but the stream
	 * can be started again where it was. Legal in every state. */
	void (*stream_stop)(struct vmsnd_stream *stream, vmsnd_ns now);
	/* When this returns no callback is running and none will start, so the
	 * caller may free what `ctx` points to. Legal in every state. */
	void (*stream_close)(struct vmsnd_stream *stream);

	/* NULL when the backend has an audio thread of its own. Otherwise the
	 * caller is the clock: blocks due by `now` are moved and the next deadline is
	 * returned (VMSND_NEVER when no stream runs; `now` when frames moved and more
	 * could follow at once). This is how tests run a day in a second. */
	vmsnd_ns (*advance)(struct vmsnd_backend *host, vmsnd_ns now);
};

#ifdef __cplusplus
}
#endif
#endif
