/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the JACK backend share.
 *
 * There is one JACK client for a backend: a card is one box in a patch bay, and the client that
 * plays also sees the server come and go. It is active, and has a part in the server's cycle, only
 * while streams are open.
 *
 * Threads. The lane starts and stops streams: atomics only. Workers open them, and a control thread
 * opens the client, closes it, follows the graph and takes closed streams out of it: both hold
 * `graph` around calls of libjack, which may take as long as the server does; one that hangs holds
 * the control thread and at most one worker. What anybody may want to know at any time is behind
 * `lock`, never held for long. JACK's notification thread leaves a mark and wakes the
 * control thread. JACK's process thread finds the streams in `slots`. */
#ifndef VMSND_BACKENDS_JACK_HOST_H
#define VMSND_BACKENDS_JACK_HOST_H

#include <jack/jack.h>
#include <pthread.h>
#include <stdatomic.h>

#include "vmsnd/backend.h"

#define VMSND_JACK_STREAMS_MAX 32u
#define VMSND_JACK_NAME_BYTES  64u /* jack_client_name_size() of both libraries, at least */
#define VMSND_JACK_TEXT_BYTES  256u

/* What JACK's notification thread has seen. */
enum vmsnd_jack_event {
	VMSND_JACK_GONE = 1,     /* the server, or it has thrown the client out */
	VMSND_JACK_PORTS = 2,    /* came or went */
	VMSND_JACK_WENT = 32,    /* at least one port */
	VMSND_JACK_LEAVING = 64, /* a stream of ours is closed */
	VMSND_JACK_LINKS = 4,    /* were made or cut */
	VMSND_JACK_LATENCY = 8,  /* is another one */
	VMSND_JACK_FORMAT = 16   /* period or rate are */
};

/* What is known of the server. Under `lock`. */
struct vmsnd_jack_server {
	bool there;
	bool tried; /* the first try is over */
	bool told;  /* a line said that it is away */
	jack_status_t why;
	uint32_t rate_hz, period_frames;
};

struct vmsnd_backend {
	const struct vmsnd_log *log;
	const struct vmsnd_backend_user *user; /* may be NULL */
	void *user_ctx;
	char card[VMSND_HOST_DEVICE_TEXT_BYTES];
	char server_name[VMSND_JACK_NAME_BYTES], client_name[VMSND_JACK_NAME_BYTES];
	char pattern[2][VMSND_JACK_TEXT_BYTES]; /* of ports, by direction */
	bool by_pattern[2];                     /* else the first device's */
	bool start_server, exact_name;

	pthread_t control;
	int wake; /* an eventfd: events, or the end */
	_Atomic unsigned events;
	_Atomic bool end;

	pthread_mutex_t graph;
	jack_client_t *client; /* NULL while the server is away */
	unsigned clients;      /* how many there have been: which one a stream's ports are of */
	unsigned open_streams;
	char device[2][VMSND_HOST_DEVICE_TEXT_BYTES]; /* chosen; "": the default */
	uint64_t devices_mark;                        /* of the list when it was last looked at */

	pthread_mutex_t lock;
	pthread_cond_t tried;
	struct vmsnd_jack_server server;
	struct vmsnd_stream *leaving; /* closed, and to be freed; under `lock` */
	bool dismissing;              /* some of them are on their way */
	pthread_cond_t dismissed;

	_Atomic bool there;          /* as server.there, for who may not wait */
	_Atomic unsigned running[2]; /* streams, by direction */
	_Atomic(struct vmsnd_stream *) slots[VMSND_JACK_STREAMS_MAX];
	_Atomic unsigned cycle; /* odd while the process callback is at work */
	_Atomic bool shut;      /* it is to leave streams alone: the client is about to be closed */
	_Atomic bool freewheel;
	_Atomic unsigned xruns;
	/* of the process thread from here */
	jack_client_t *processing;
	jack_nframes_t next_at; /* frame time at which the next cycle should begin */
	unsigned seen_xruns;
	unsigned losses; /* times that time was lost */
};

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	enum vmsnd_dir dir;
	uint32_t channels, max_frames, rate_hz;
	jack_port_t *ports[VMSND_CHANNELS_MAX];
	float *samples; /* max_frames of them, interleaved */
	unsigned client;
	unsigned number; /* 1.. among those of its direction: a part of its ports' names */
	unsigned slot;
	bool linked;               /* as it should be; what is cut from then on its user has cut */
	bool ended, closed;        /* under host->lock: its user is not called any more */
	struct vmsnd_stream *next; /* that leaves */
	struct vmsnd_stream_place place; /* under host->lock */
	unsigned xruns_before;           /* those that the host had at the beginning */

	_Atomic bool running, lost;
	_Atomic bool quiet;              /* what its ports hold now is silence */
	_Atomic uint32_t latency_frames; /* from our ports to the speaker, or from the microphone */
	/* of the process thread from here */
	bool goes; /* ran in the last cycle */
	unsigned seen_losses;
};

/* client.c: the control thread. */
enum vmsnd_rc vmsnd_jack_control_start(struct vmsnd_backend *host);
void vmsnd_jack_control_end(struct vmsnd_backend *host);
/* Waits for the first try, and no longer than it should take. False: the server is not there. */
bool vmsnd_jack_is_there(struct vmsnd_backend *host);
/* Returns when the process callback has left everything that was taken away before the call. */
void vmsnd_jack_wait_cycle(struct vmsnd_backend *host);
/* Returns when so many cycles have begun and are over, or the server is not at work. */
void vmsnd_jack_wait_cycles(struct vmsnd_backend *host, unsigned cycles);
struct vmsnd_jack_server vmsnd_jack_server(struct vmsnd_backend *host);
/* Takes `graph`. False: a server that hangs holds whoever has it. */
bool vmsnd_jack_enter(struct vmsnd_backend *host);
/* The stream is closed: waits, for a moment, until the control thread has taken it out of the graph
 * and freed it. */
void vmsnd_jack_leave(struct vmsnd_stream *stream);
/* Does that for all who wait. With `graph` held. */
void vmsnd_jack_dismiss(struct vmsnd_backend *host);

/* process.c: JackProcessCallback. */
int vmsnd_jack_process_rt(jack_nframes_t frames, void *arg);

/* links.c: all with `graph` held and a client there. */
/* The names of ports to connect streams of a direction to, in order, at most `max`; free with
 * jack_free what is in *list (may be NULL). Returns how many. */
unsigned vmsnd_jack_targets(struct vmsnd_backend *host, enum vmsnd_dir dir, const char **out,
			    unsigned max, const char ***list);
void vmsnd_jack_link(struct vmsnd_stream *stream);
/* Ports may have come or gone: links that are missing through no will of the user's are made. */
void vmsnd_jack_relink(struct vmsnd_stream *stream, bool some_went);
void vmsnd_jack_look_at_latency(struct vmsnd_stream *stream);
void vmsnd_jack_look_at_place(struct vmsnd_stream *stream);

/* devices.c */
size_t vmsnd_jack_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max);
enum vmsnd_rc vmsnd_jack_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id);
/* The client's part of a port's name. False: it has none. */
bool vmsnd_jack_client_of(const char *port, char *out, size_t bytes);
/* The list is another one than at the last call. With `graph` held. */
bool vmsnd_jack_devices_changed(struct vmsnd_backend *host);

/* facts.c */
size_t vmsnd_jack_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max);
/* Why the server is away, and what to do: "no server 'x' ...". */
void vmsnd_jack_why(struct vmsnd_backend *host, jack_status_t status, char *trouble, char *advice,
		    size_t bytes);
/* The name of the server that is asked. */
const char *vmsnd_jack_server_name(const struct vmsnd_backend *host);

/* stream.c */
/* Its ports go; with `graph` held. */
void vmsnd_jack_unregister(struct vmsnd_stream *stream);
/* Nobody finds it any more. */
void vmsnd_jack_slot_leave(struct vmsnd_stream *stream);
/* Its ports go, and so does it. With `graph` held. */
void vmsnd_jack_stream_free(struct vmsnd_stream *stream);
enum vmsnd_rc vmsnd_jack_stream_open(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got);
enum vmsnd_rc vmsnd_jack_stream_start(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_jack_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_jack_stream_close(struct vmsnd_stream *stream);
void vmsnd_jack_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out);

#endif
