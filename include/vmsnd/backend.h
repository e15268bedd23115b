/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/backend.h - a host audio backend: one card, server or file set.
 *
 * A function whose name ends in _rt runs on the backend's audio thread. It does
 * not allocate, lock, wait, log through stdio or enter the kernel, and it calls
 * only other _rt functions. scripts/check-rt holds us to that.
 *
 * Threads. Functions are called from one thread at a time (the lane's), and do not block, but:
 * those that a class marks as slow with its flags are called from a worker thread, at most one
 * for a stream and three in all at a time, while the lane may call functions of other streams
 * of the same backend. (BE-01 .. BE-24) */
#ifndef VMSND_BACKEND_H
#define VMSND_BACKEND_H

#include "config.h"
#include "life.h"
#include "status.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMSND_BACKEND_ABI 4u

struct vmsnd_backend;
struct vmsnd_stream;

/* What a backend may say to its owner at any time from any thread but an audio one, between open
 * and close (BE-18, 19, 22). */
struct vmsnd_backend_user {
	/* The default device of a direction is another one now; streams of backends that do not
	 * tell each stream by itself are reopened. */
	void (*device_changed)(void *ctx, enum vmsnd_dir dir);
	/* Devices came or went; looked at once no further notice has come for 1/3 s. Also the word
	 * that a server which was away is back: lost streams are tried again at once. */
	void (*devices_changed)(void *ctx);
	/* Has run(arg) called on a worker thread; false when there are none or too much waits.
	 * close waits for those under way. */
	bool (*job)(void *ctx, void (*run)(void *arg), void *arg);
	/* The calling thread moves sound from now on: it is given real-time priority, if the
	 * machine's owner wants that and the system allows it; why not is said once for a machine.
	 * Called by a thread that the backend made itself, before its first block, and where
	 * nobody waits: it may ask another process (rtkit). A library that sees to that by itself
	 * needs none. (MX-38) */
	void (*audio_thread)(void *ctx);
};

struct vmsnd_backend_conf {
	const struct vmsnd_conf *options;
	const char *client_name;               /* the card's name, for mixers and messages */
	const struct vmsnd_log *log;           /* outlives the backend */
	const struct vmsnd_backend_user *user; /* NULL: nobody wants to know */
	void *user_ctx;
	bool again; /* a repeated try: what was said in the log is not said again */
};

#define VMSND_STREAMS_ANY UINT32_MAX

/* What a backend can do as a whole (BE-01). */
struct vmsnd_backend_limits {
	uint32_t playback_streams, capture_streams; /* 0: not this way; VMSND_STREAMS_ANY */
};

enum vmsnd_backend_status { /* BE-04 */
			    VMSND_BACKEND_UNKNOWN,
			    VMSND_BACKEND_INITIALIZING,
			    VMSND_BACKEND_STOPPED,
			    VMSND_BACKEND_RUNNING,
			    VMSND_BACKEND_ERROR
};

/* A device of the host (BE-02). */
#define VMSND_HOST_DEVICE_TEXT_BYTES 128u

struct vmsnd_host_device {
	char id[VMSND_HOST_DEVICE_TEXT_BYTES];        /* for device_set */
	char name[VMSND_HOST_DEVICE_TEXT_BYTES];      /* for people */
	uint32_t playback_channels, capture_channels; /* most; 0: not this way */
	bool default_playback, default_capture;
	bool hot_plug; /* may be pulled: USB, Bluetooth */
};

/* What a backend knows of its host, for people: `vmsnd check` and `vmsnd backends -v` print it, in
 * this order of names where several apply. */
enum vmsnd_fact_name {
	VMSND_FACT_SERVER,   /* "PipeWire 1.4.2"; or of which library, where there is none */
	VMSND_FACT_SOCKET,   /* the way to it: "/run/user/1000/pipewire-0" */
	VMSND_FACT_USER,     /* whose server it is: "alice (1000)" */
	VMSND_FACT_PLAYBACK, /* the default device: "alsa_output.pci-0000_00_1f.3 (Speakers)" */
	VMSND_FACT_CAPTURE,
	VMSND_FACT_FORMAT,  /* what it runs at: "48000 Hz, 2 channels, 1024 frames a period" */
	VMSND_FACT_TROUBLE, /* what does not work, as a sentence */
	VMSND_FACT_ADVICE,  /* what to do about the trouble before it, as a sentence */
	VMSND_FACT_COUNT
};
#define VMSND_FACT_TEXT_BYTES 256u

struct vmsnd_fact {
	enum vmsnd_fact_name name;
	char text[VMSND_FACT_TEXT_BYTES];
};

/* Where a host stream is now. Texts are empty and figures 0 where the host does not tell. */
struct vmsnd_stream_place {
	char device[VMSND_HOST_DEVICE_TEXT_BYTES]; /* id of the device it is linked to */
	char name[VMSND_HOST_DEVICE_TEXT_BYTES];   /* of that device, for people */
	bool has_volume;  /* the host's own mixer knows the stream: the two below count */
	bool muted;       /* there, by the user of the host */
	int32_t gain_mdb; /* there, of its loudest channel, in thousandths of a decibel */
	uint64_t xruns;   /* that the host has counted for this stream */
};

/* What is asked of the host's own mixer for one stream; what is not set stays as it is. */
struct vmsnd_host_volume {
	bool sets_gain, sets_mute;
	bool muted;
	int32_t gain_mdb; /* as in vmsnd_stream_place, at most VMSND_GAIN_MAX_MDB: of its loudest
			   * channel, the others keep their distance to that */
};

struct vmsnd_stream_want {
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	uint32_t period_frames; /* a wish */
	uint32_t buffer_frames; /* a wish, for what the host queues in all; 0: none */
	/* The stream runs beside another that sets the pace: a backend that has no clock of its own
	 * (a file) takes what ready_rt has instead of keeping time. */
	bool follow;
	bool again; /* a repeated try: what was said in the log is not said again */
};

/* What the backend settled on, as near to the wish as it can: sample, rate, channels and period
 * may all differ. Constant until stream_close. (BE-07) What is no PCM (vmsnd_sample_is_opaque) is
 * of use only in the very format of the wish. */
struct vmsnd_stream_got {
	struct vmsnd_format format;
	uint32_t period_frames;
	uint32_t max_frames; /* no block will ever be larger than this */
	bool follows;        /* want.follow is heeded: the stream needs no clock bent for it */
};

struct vmsnd_block {
	void *samples;         /* interleaved; ours for the length of the call */
	uint32_t frames;       /* 1 .. max_frames; need not be a whole period */
	uint32_t delay_frames; /* from this block's last frame to the speaker, or from the
				* microphone, at the moment of the call (BE-14) */
	vmsnd_ns when;         /* the lane's time, or the host's monotonic one, of the call */
	bool gap;              /* the backend lost time before this block */
};

/* BE-20, BE-21 */
enum vmsnd_stream_notice {
	VMSND_STREAM_SWITCHING, /* its device is about to be replaced */
	VMSND_STREAM_SWITCHED,  /* it is on another device now and wants a new start */
	VMSND_STREAM_REOPEN     /* it is of no use on the new device: close it, open another */
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
	/* Any thread but an audio one, from the call of stream_open to that of stream_close. */
	void (*notice)(void *ctx, enum vmsnd_stream_notice what);
};

enum vmsnd_stream_state { /* BE-15 */
			  VMSND_STREAM_INITIALIZING,
			  VMSND_STREAM_NOT_WORKING,
			  VMSND_STREAM_OKAY,
			  VMSND_STREAM_DRAINING, /* after stream_drain, until the last frame is
						    heard */
			  VMSND_STREAM_INACTIVE  /* the server has put it to sleep */
};

/* Which functions may take their time and are called from a worker thread. */
enum vmsnd_backend_flag {
	VMSND_BACKEND_SLOW_OPEN = 1,         /* open, close */
	VMSND_BACKEND_SLOW_STREAM_OPEN = 2,  /* stream_open */
	VMSND_BACKEND_SLOW_STREAM_CLOSE = 4, /* stream_close */
	VMSND_BACKEND_SLOW_HINT = 8,         /* stream_hint */
	VMSND_BACKEND_SLOW_DEVICES = 16,     /* devices, device_set */
	/* Each stream hears of a new device through its own notice, so device_changed is no reason
	 * to reopen any (RI-05). */
	VMSND_BACKEND_STREAM_NOTICES = 32
};

/* The mandatory ones: open, close, stream_open, stream_start, stream_stop, stream_close; a class
 * without one of them is refused (BE-24). */
struct vmsnd_backend_class {
	uint32_t abi;
	uint32_t flags; /* of enum vmsnd_backend_flag */
	const char *name, *summary;
	const struct vmsnd_option *options; /* may be NULL */
	/* In one machine at a time; 0: any number. One that takes the place of another may be open
	 * beside it for a while, and one that comes beside one that is still being closed. */
	uint32_t max_instances;

	/* VMSND_E_INVALID: the options contradict each other, the log has the line. VMSND_E_GONE: a
	 * server or card that is not there now and may come; asked again later. */
	enum vmsnd_rc (*open)(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out);
	void (*close)(struct vmsnd_backend *host); /* every stream already closed */

	/* VMSND_E_UNSUPPORTED: nothing near this format; VMSND_E_GONE: no such file, card or
	 * server now. One line in the log says why, unless it is tried again. */
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

	/* ---- all from here may be NULL ---- */

	/* NULL: any number of streams both ways. Never blocks. */
	void (*limits)(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out);
	/* Never blocks. NULL: UNKNOWN (AT-05). */
	enum vmsnd_backend_status (*status)(const struct vmsnd_backend *host, enum vmsnd_dir dir);
	/* Fills at most `max`, returns how many there are. */
	size_t (*devices)(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max);
	/* Streams opened from now on go there; NULL or "": the default. VMSND_E_GONE: no such
	 * device. Open streams stay where they are until they are opened anew. (BE-03) */
	enum vmsnd_rc (*device_set)(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id);
	/* A stream like this will soon be opened. What it settles on is said at open. (BE-06) */
	void (*stream_hint)(struct vmsnd_backend *host, const struct vmsnd_stream_want *want);
	/* Never blocks. NULL: OKAY. A change is looked at when the lane next comes by. */
	enum vmsnd_stream_state (*stream_state)(const struct vmsnd_stream *stream);
	/* Playback: no more frames follow; returns at once. The state is DRAINING until all has
	 * been heard. VMSND_E_UNSUPPORTED: stop it instead, once its delay is over. (BE-12) */
	enum vmsnd_rc (*stream_drain)(struct vmsnd_stream *stream, vmsnd_ns now);
	/* The connector has stopped, or will start, the streams by itself. */
	enum vmsnd_rc (*life)(struct vmsnd_backend *host, enum vmsnd_life what, vmsnd_ns now);
	/* Fills at most `max`, returns how many there are. Any time between open and close, from a
	 * thread that may wait: for as long as the host takes to answer, at most two seconds. */
	size_t (*facts)(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max);
	/* Never blocks. NULL: nothing is known. */
	void (*stream_place)(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out);
	/* Turns the stream's volume in the host's own mixer, as the host's user would: any time
	 * between stream_open and stream_close, never by itself, so that what the host remembers
	 * of a stream stays. Returns at once; stream_place has it when the host has done it.
	 * VMSND_E_AGAIN: the host does not have the stream yet; VMSND_E_GONE: no longer;
	 * VMSND_E_UNSUPPORTED: this stream has no volume there, as where this is NULL. */
	enum vmsnd_rc (*stream_volume_set)(struct vmsnd_stream *stream,
					   const struct vmsnd_host_volume *want);

	uint32_t abi_end; /* VMSND_BACKEND_ABI once more (DM-03) */
};

#ifdef __cplusplus
}
#endif
#endif
