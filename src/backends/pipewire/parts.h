/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the PipeWire backend share.
 *
 * Threads. The control thread is libpipewire's thread loop: it alone calls libpipewire, but for the
 * three functions of process.c. The lane, and workers, change what is wanted and wake it; they
 * never wait for it but to close the backend. libpipewire's data thread runs process.c. What the
 * lane and the control thread both touch is under host->lock or atomic; the lock is never held
 * while anything is waited for. */
#ifndef VMSND_BACKENDS_PIPEWIRE_PARTS_H
#define VMSND_BACKENDS_PIPEWIRE_PARTS_H

#include <pipewire/pipewire.h>
/* Stands on the one before it. */
#include <pipewire/extensions/metadata.h>
#include <pthread.h>
#include <spa/param/audio/format-utils.h>
#include <stdatomic.h>

#include "vmsnd/backend.h"

#define VMSND_PW_TEXT_BYTES VMSND_HOST_DEVICE_TEXT_BYTES
#define VMSND_PW_PATH_BYTES 128u /* more than an address of a socket holds */

enum vmsnd_pw_phase {
	VMSND_PW_AWAY,    /* nobody answers; tried again and again */
	VMSND_PW_MEETING, /* connected, not known yet */
	VMSND_PW_READY
};

enum vmsnd_pw_sort { VMSND_PW_NODE, VMSND_PW_PORT, VMSND_PW_LINK };

/* An object of the server's that matters to us. */
struct vmsnd_pw_thing {
	struct spa_list link;
	uint32_t id;
	enum vmsnd_pw_sort sort;
	bool goes[2];    /* node: a device that plays, that records (by enum vmsnd_dir) */
	bool input;      /* port: takes sound */
	uint32_t from;   /* link: the node that gives; port: its node */
	uint32_t to;     /* link: the node that takes */
	char serial[24]; /* node: its other name */
	char name[VMSND_PW_TEXT_BYTES];
	char text[VMSND_PW_TEXT_BYTES];
};

/* A metadata object of the server's: names with values. */
struct vmsnd_pw_meta {
	struct vmsnd_backend *host;
	struct pw_proxy *proxy;
	struct spa_hook listener;
	uint32_t id;
};

/* What the server says of its clock. */
struct vmsnd_pw_clock {
	uint32_t rate_hz, quantum, least, most;
	uint32_t forced; /* 0: not */
};

/* Who is at the other end of the socket. */
struct vmsnd_pw_peer {
	char path[VMSND_PW_PATH_BYTES];
	bool known;
	uint32_t uid;
	int error; /* why nobody answers there; 0: somebody does, or did */
};

struct vmsnd_backend {
	const struct vmsnd_log *log;
	const struct vmsnd_backend_user *user;
	void *user_ctx;
	char card[VMSND_PW_TEXT_BYTES];
	struct vmsnd_conf options;

	struct pw_thread_loop *thread;
	struct pw_loop *loop;
	struct pw_context *context;
	struct spa_source *wake, *timer;

	/* The control thread's. */
	struct pw_core *core;
	struct pw_registry *registry;
	struct spa_hook core_listener, registry_listener;
	struct vmsnd_pw_meta defaults, settings;
	int sync;          /* the number of the answer that is waited for */
	unsigned rounds;   /* of questions and answers, until the server is known */
	unsigned failures; /* of acquaintances in a row */
	vmsnd_ns met;
	bool lost; /* the connection: taken down by the next wake */
	bool told_away;

	pthread_mutex_t lock;
	pthread_cond_t known; /* phase is another one */
	/* Under the lock. */
	enum vmsnd_pw_phase phase;
	bool ever; /* the server has answered once */
	struct spa_list streams, things;
	struct vmsnd_pw_peer peer;
	struct vmsnd_pw_clock clock;
	char version[32], user_name[64];
	char named[2][VMSND_PW_TEXT_BYTES];  /* default devices, as the server has them */
	char chosen[2][VMSND_PW_TEXT_BYTES]; /* by device_set; else by option */
};

/* Where a stream is with the server. */
enum vmsnd_pw_stage { VMSND_PW_NEW, VMSND_PW_MADE, VMSND_PW_BOUND, VMSND_PW_ENDED };

struct vmsnd_stream {
	struct spa_list link; /* under the lock */
	struct vmsnd_backend *host;
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	uint32_t frame_bytes, period_frames, max_frames;
	uint32_t latency_frames; /* what the server is asked for */
	struct vmsnd_stream_user user;
	void *ctx;

	/* The control thread's. */
	struct pw_stream *pw;
	struct spa_hook listener;
	bool is_active, gone, told_reopen;
	uint32_t node_id;
	float loudness[VMSND_CHANNELS_MAX]; /* of its channels, in the host's mixer */
	uint32_t n_loudness;

	/* Under the lock. */
	struct vmsnd_host_volume asked; /* what the control thread is to set there */
	bool closed;                    /* nobody is told anything any more */
	bool ended;
	struct vmsnd_stream_place place;

	/* Written by the control thread, but where another is named. */
	_Atomic uint32_t stage;
	_Atomic uint32_t n_links;
	_Atomic uint64_t since; /* when it came to have no link */
	_Atomic bool has_volume, muted;
	_Atomic int32_t gain_mdb;
	_Atomic bool wants_active;  /* the lane's */
	_Atomic uint64_t drain_end; /* the lane's; 0: none */

	/* The data thread's, and the lane's while the gate is shut. */
	_Atomic bool open, inside;
	bool fresh; /* no block since the start */
	uint64_t ticks;
	int64_t now;
	uint64_t graph_frames;         /* of the last block, in ticks */
	_Atomic uint64_t xruns, heard; /* heard: when the last frame given will be */
};

/* connect.c: the connection. */
void vmsnd_pw_try(struct vmsnd_backend *host);
void vmsnd_pw_take_down(struct vmsnd_backend *host);
void vmsnd_pw_look(struct vmsnd_backend *host);                  /* what a wake is for */
void vmsnd_pw_timer(struct vmsnd_backend *host, vmsnd_ns after); /* 0: none */
/* That looks, soon. Any thread. */
void vmsnd_pw_wake(struct vmsnd_backend *host);

/* socket.c: a connected socket, or -1 with peer->error. */
int vmsnd_pw_socket(const char *remote, struct vmsnd_pw_peer *peer);

/* graph.c: what the server has. */
void vmsnd_pw_graph_begin(struct vmsnd_backend *host);
void vmsnd_pw_graph_end(struct vmsnd_backend *host);
/* With the lock held. */
struct vmsnd_pw_thing *vmsnd_pw_find(struct vmsnd_backend *host, enum vmsnd_pw_sort sort,
				     uint32_t id);
void vmsnd_pw_place(struct vmsnd_stream *stream);
/* A stream like this is asked for so many frames at a time, in its own rate. */
uint32_t vmsnd_pw_block_frames(const struct vmsnd_backend *host, uint32_t latency_frames,
			       uint32_t rate_hz);
bool vmsnd_pw_monitors(const struct vmsnd_backend *host);

/* stream.c */
/* The first, or the one after; NULL at the end. Only the control thread takes streams out of the
 * list, so what it gets stays. */
struct vmsnd_stream *vmsnd_pw_stream_after(struct vmsnd_backend *host,
					   const struct vmsnd_stream *stream);
void vmsnd_pw_settle(struct vmsnd_stream *stream, bool ready);
void vmsnd_pw_unmake(struct vmsnd_stream *stream);
/* Tells the user, once, with the lock held. */
void vmsnd_pw_end(struct vmsnd_stream *stream, enum vmsnd_rc why);
enum vmsnd_rc vmsnd_pw_stream_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				   const struct vmsnd_stream_user *user, void *ctx,
				   struct vmsnd_stream **out, struct vmsnd_stream_got *got);
enum vmsnd_rc vmsnd_pw_stream_start(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_pw_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_pw_stream_close(struct vmsnd_stream *stream);
enum vmsnd_stream_state vmsnd_pw_stream_state(const struct vmsnd_stream *stream);
enum vmsnd_rc vmsnd_pw_stream_drain(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_pw_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out);

/* volume.c */
void vmsnd_pw_on_control(void *data, uint32_t id, const struct pw_stream_control *control);
void vmsnd_pw_volume_settle(struct vmsnd_stream *stream);
enum vmsnd_rc vmsnd_pw_stream_volume_set(struct vmsnd_stream *stream,
					 const struct vmsnd_host_volume *want);

/* properties.c: what mixers see of a stream; the server's share of what it is named. */
/* With the lock held: the device that was chosen while the machine runs, else the option's; "": the
 * default one. */
const char *vmsnd_pw_wanted(const struct vmsnd_backend *host, enum vmsnd_dir dir);
struct pw_properties *vmsnd_pw_properties(const struct vmsnd_stream *stream);

/* format.c: the nearest that the server takes; false: nothing. */
bool vmsnd_pw_nearest(const struct vmsnd_format *want, struct vmsnd_format *got);
void vmsnd_pw_format(const struct vmsnd_format *format, struct spa_audio_info_raw *out);

/* process.c */
void vmsnd_pw_process_rt(void *data);

/* facts.c */
size_t vmsnd_pw_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max);
size_t vmsnd_pw_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max);
enum vmsnd_rc vmsnd_pw_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id);
/* Waits, for as long at most, until it is known whether there is a server. With the lock held. */
void vmsnd_pw_await(struct vmsnd_backend *host, vmsnd_ns most);
/* Why there is nobody, and what to do about it: a phrase, and a sentence. */
const char *vmsnd_pw_reason(int error);
const char *vmsnd_pw_advice(int error);

/* CLOCK_MONOTONIC */
vmsnd_ns vmsnd_pw_now(void);

#endif
