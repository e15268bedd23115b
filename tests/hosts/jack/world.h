/* SPDX-License-Identifier: BSD-3-Clause */
/* A JACK server of the test's own, and the backend beside it, as its owner holds it. */
#ifndef VMSND_TESTS_HOSTS_JACK_WORLD_H
#define VMSND_TESTS_HOSTS_JACK_WORLD_H

#include <jack/jack.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "backends/jack/jack.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

struct world;

struct jackd_conf {
	unsigned rate_hz, period_frames, captures, playbacks;
};

/* For cmocka. A group's setup skips everything when there is no jackd. */
int world_group(void **state);
int world_setup(void **state);
int world_teardown(void **state);

vmsnd_ns now_ns(void);
/* Waits until done(ctx) or 10 s have gone by. */
bool wait_for(bool (*done)(void *ctx), void *ctx);

/* Returns when the server takes clients. NULL: 48000 Hz, 256 frames, two ports each way. */
void jackd_start(struct world *world, const struct jackd_conf *conf);
void jackd_signal(struct world *world, int signal);
/* TERM, or KILL, and waits for its end. */
void jackd_stop(struct world *world, int signal);

/* Options beside server-name, "" or ",key=value". */
enum vmsnd_rc world_open(struct world *world, const char *options);
void world_close(struct world *world);
unsigned world_said(struct world *world, const char *text);

/* One user of a stream. Plays numbered frames, or checks them. */
struct user {
	const struct vmsnd_backend_class *cls;
	struct vmsnd_stream *stream;
	struct vmsnd_stream_got got;
	enum vmsnd_dir dir;
	_Atomic uint64_t frames, blocks, gaps;
	_Atomic unsigned ended, notices;
	_Atomic uint32_t delay_frames, most_frames;
	_Atomic vmsnd_ns when;
	struct signal *heard; /* capture */
	float level;          /* not 0: this in all channels instead of numbers */
};

enum vmsnd_rc user_open(struct world *world, struct user *user, enum vmsnd_dir dir,
			struct vmsnd_format format);
void user_start(struct user *user);
void user_close(struct user *user);

/* ---- numbered frames: channel c of frame n is a 16-bit value of both ---- */

float signal_sample(uint64_t frame, uint32_t channel);

/* What was heard so far; one writer, looked at by others. */
struct signal {
	_Atomic uint64_t good;   /* frames, each the next of the one before */
	_Atomic uint64_t bad;    /* no frame of the signal at all */
	_Atomic uint64_t silent; /* frames of zeros */
	_Atomic uint64_t gaps;   /* runs of zeros with sound on both sides */
	_Atomic uint64_t jumps;  /* sound that is not the next frame */
	_Atomic uint64_t loud;   /* samples that are not 0, whatever they are */
	/* of the writer from here */
	bool sounding, quiet;
	uint32_t next; /* low 16 bits of the frame that should come */
};

/* One frame; `step` floats from channel to channel's pointer. */
void signal_hear(struct signal *signal, const float *frame, uint32_t channels);

/* ---- another client of the server: hears what the backend plays, plays what it records ---- */

#define PEER_PORTS 8

struct peer {
	jack_client_t *client;
	unsigned inputs, outputs;
	jack_port_t *in[PEER_PORTS], *out[PEER_PORTS];
	struct signal heard;
	_Atomic uint64_t played; /* frames */
	_Atomic bool plays;
	_Atomic unsigned xruns;
	uint64_t latency_frames; /* set before peer_open: that of its inputs and outputs */
};

/* Ports NAME:in_1 .., NAME:out_1 .., not connected. */
void peer_open(struct world *world, struct peer *peer, const char *name, unsigned inputs,
	       unsigned outputs);
void peer_close(struct peer *peer);

/* ---- all of it ---- */

#define WORLD_LINES 64
#define WORLD_USERS 4
#define WORLD_PEERS 4

struct world {
	char server[48]; /* its name */
	pid_t jackd;     /* 0: not running */
	/* One that was killed keeps one of the machine's eight places for servers, until a server
	 * of its name has ended well. */
	bool killed;
	pthread_mutex_t lock;
	struct vmsnd_log log;
	_Atomic unsigned n_lines; /* as the lines, written under lock */
	char lines[WORLD_LINES][512];
	struct vmsnd_conf conf;
	struct vmsnd_backend *host;
	_Atomic unsigned devices_changed;
	/* Here and not on a test's stack: they may be used until teardown. */
	struct user users[WORLD_USERS];
	struct peer peers[WORLD_PEERS];
	struct signal heard;
	unsigned n_users, n_peers;
};

/* One that is not used yet; what is still open at teardown is closed there. */
struct user *world_user(struct world *world);
struct peer *world_peer(struct world *world);

#endif
