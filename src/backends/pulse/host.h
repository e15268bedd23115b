/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rooms of this backend share.
 *
 * One thread, libpulse's threaded main loop, speaks with the server and moves the blocks. All that
 * is not atomic belongs to whoever holds its lock: the thread itself while a callback of ours runs,
 * the lane for the length of a few assignments and messages that are only queued. Nobody waits for
 * the server with the lock held. */
#ifndef VMSND_BACKENDS_PULSE_HOST_H
#define VMSND_BACKENDS_PULSE_HOST_H

#include <pthread.h>
#include <pulse/pulseaudio.h>
#include <stdatomic.h>

#include "vmsnd/backend.h"

#define PULSE_NAME_BYTES   VMSND_HOST_DEVICE_TEXT_BYTES
#define PULSE_WHERE_BYTES  200u
#define PULSE_ADVICE_BYTES 320u

/* A sink or a source. */
struct pulse_device {
	struct pulse_device *next;
	char id[PULSE_NAME_BYTES], name[PULSE_NAME_BYTES];
	uint32_t channels;
	bool hot_plug;
};

/* All of one direction; asked for anew when the server says that one came or went. */
struct pulse_devices {
	struct vmsnd_backend *host;
	struct pulse_device *first, *coming;
	pa_operation *asking;
	bool again; /* something changed since it was asked */
	bool known;
};

/* What the server says of itself; all texts empty when there is none. */
struct pulse_server {
	char software[PULSE_NAME_BYTES], user[PULSE_NAME_BYTES], where[PULSE_WHERE_BYTES];
	char defaults[2][PULSE_NAME_BYTES]; /* by enum vmsnd_dir */
	char format[PULSE_NAME_BYTES];
	bool known;
};

/* Why there is no server. */
enum pulse_away { PULSE_THERE, PULSE_AWAY, PULSE_DENIED };

struct vmsnd_backend {
	struct vmsnd_conf options;
	char name[PULSE_NAME_BYTES]; /* the card's */
	const struct vmsnd_log *log;
	const struct vmsnd_backend_user *user;
	void *user_ctx;

	pa_threaded_mainloop *loop;
	pa_mainloop_api *api;
	pa_defer_event *first; /* before the first try */
	pa_time_event *retry;  /* until the next one; NULL: none is waited for */
	pa_context *context;
	atomic_bool ready; /* streams can be made */
	enum pulse_away away;
	int error; /* libpulse's number for it */
	struct pulse_server server;
	struct pulse_devices devices[2];
	char chosen[2][PULSE_NAME_BYTES]; /* by device_set; "": as the options say */
	struct vmsnd_stream *streams;
	int said_error[2]; /* why a stream could not be made, in the log already */
	atomic_uint n_running[2];

	/* Whether the first try is over, well or not. */
	pthread_mutex_t settle_lock;
	pthread_cond_t settle_cond;
	bool settled;
};

struct vmsnd_stream {
	struct vmsnd_stream *next;
	struct vmsnd_backend *host;
	enum vmsnd_dir dir;
	struct vmsnd_stream_user user;
	void *ctx;
	pa_stream *pulse;
	pa_defer_event *kick; /* a start, done where blocks move */
	pa_operation *draining, *asking;
	struct vmsnd_format format;
	uint32_t frame_bytes, max_frames;
	void *scratch; /* capture alone: a block; the server's own memory must not be written to */
	atomic_int state; /* enum vmsnd_stream_state */
	bool running, counted, ended, again;
	vmsnd_ns heard_at; /* drained: when the last frame is heard; the lane's alone */
	bool primed;       /* playback: what the server wants queued has been queued once */
	bool moved;        /* a block, since the start: from then on time can be lost */
	bool gap;          /* time was lost since the last block */
	uint64_t xruns;
	bool has_volume, is_writable, muted; /* in the server's mixer */
	int32_t gain_mdb;
	pa_cvolume loudness; /* there, of its channels */
};

/* ---- server.c ---- */
/* VMSND_OK: the thread runs, and looks for the server from now on. */
enum vmsnd_rc pulse_server_begin(struct vmsnd_backend *host);
void pulse_server_end(struct vmsnd_backend *host);
/* Waits until the first try is over, no longer than the two seconds that people wait. */
void pulse_server_settled(struct vmsnd_backend *host);
void pulse_server_settle(struct vmsnd_backend *host);
/* The way to the server, as people write it. */
void pulse_server_where(const struct vmsnd_backend *host, char *text, size_t bytes);
/* Why nobody answers there. */
const char *pulse_server_reason(const struct vmsnd_backend *host, const char *where);
/* What to do when it does not let us in. */
const char *pulse_server_denied_advice(const struct vmsnd_backend *host,
				       char text[PULSE_ADVICE_BYTES]);
void pulse_unref(pa_operation *operation);

/* ---- devices.c: with the lock held, but the first ---- */
size_t pulse_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max);
enum vmsnd_rc pulse_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id);
/* Begins and ends listening, as the server comes and goes. */
void pulse_devices_come(struct vmsnd_backend *host);
void pulse_devices_go(struct vmsnd_backend *host);
/* For libpulse: NULL is the server's own choice. */
const char *pulse_device_wanted(const struct vmsnd_backend *host, enum vmsnd_dir dir);
const struct pulse_device *pulse_device_find(const struct vmsnd_backend *host, enum vmsnd_dir dir,
					     const char *id);

/* ---- format.c ---- */
/* VMSND_E_UNSUPPORTED: no PCM. Otherwise *got is the format nearest to `want`. */
enum vmsnd_rc pulse_format(const struct vmsnd_format *want, struct vmsnd_format *got);
void pulse_format_spec(const struct vmsnd_format *format, pa_sample_spec *spec,
		       pa_channel_map *map);

/* ---- stream.c ---- */
enum vmsnd_rc pulse_stream_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				const struct vmsnd_stream_user *user, void *ctx,
				struct vmsnd_stream **out, struct vmsnd_stream_got *got);
enum vmsnd_rc pulse_stream_start(struct vmsnd_stream *stream, vmsnd_ns now);
void pulse_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now);
void pulse_stream_close(struct vmsnd_stream *stream);
enum vmsnd_stream_state pulse_stream_state(const struct vmsnd_stream *stream);
enum vmsnd_rc pulse_stream_drain(struct vmsnd_stream *stream, vmsnd_ns now);
void pulse_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out);
/* Gives up what was asked for. */
void pulse_forget(pa_operation **operation);

/* ---- volume.c: with the lock held, but the last ---- */
/* Asks the server for the stream's volume; of the one with this index, if it is ours. */
void pulse_volume_ask(struct vmsnd_stream *stream);
void pulse_volume_changed(struct vmsnd_backend *host, enum vmsnd_dir dir, uint32_t index);
enum vmsnd_rc pulse_stream_volume_set(struct vmsnd_stream *stream,
				      const struct vmsnd_host_volume *want);

/* ---- blocks.c ---- */
/* Moves what the server wants or has. On the loop's thread. */
void pulse_blocks_move(struct vmsnd_stream *stream);
uint32_t pulse_latency_frames(const struct vmsnd_stream *stream);
vmsnd_ns pulse_now_ns(void);

/* ---- facts.c ---- */
size_t pulse_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max);

#endif
