/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the ALSA backend share.
 *
 * A stream has a thread of its own, and after stream_open only that thread touches its PCM: the
 * lane writes a word that says what is wanted and pokes it. One more thread for the backend, the
 * watcher, tells the owner of streams that were lost and finds out when their device is back. */
#ifndef VMSND_BACKENDS_ALSA_HOST_H
#define VMSND_BACKENDS_ALSA_HOST_H

#include <alsa/asoundlib.h>
#include <pthread.h>
#include <stdatomic.h>

#include "vmsnd/backend.h"

#define VMSND_ALSA_NAME_BYTES VMSND_HOST_DEVICE_TEXT_BYTES

/* The word that the lane writes for a stream's thread. From bit 2 on: the number of the drain that
 * is wanted, 0 for none. */
#define VMSND_ALSA_RUN         1u
#define VMSND_ALSA_QUIT        2u
#define VMSND_ALSA_DRAIN_SHIFT 2

enum vmsnd_alsa_phase {
	VMSND_ALSA_READY,     /* set up, nothing in it */
	VMSND_ALSA_RUNNING,   /* moves frames */
	VMSND_ALSA_PAUSED,    /* by the hardware: what it queues is still there */
	VMSND_ALSA_SUSPENDED, /* by the machine's power management */
	VMSND_ALSA_DRAINED,   /* all has been heard; waits for stream_stop */
	VMSND_ALSA_LOST       /* closed, for good */
};

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream *next; /* in the backend's list, under its lock */
	struct vmsnd_stream_user user;
	void *ctx;
	enum vmsnd_dir dir;
	char device[VMSND_ALSA_NAME_BYTES], name[VMSND_ALSA_NAME_BYTES];
	struct vmsnd_format format;
	uint32_t frame_bytes, period_frames, buffer_frames;
	bool mapped; /* MMAP_INTERLEAVED; else RW_INTERLEAVED */
	bool pauses; /* the hardware can */
	pthread_t thread;
	int wake_fd;
	uint32_t drains; /* the lane's: number of the drain that is wanted, or was last */
	bool drain_wanted;

	_Atomic uint32_t asked;
	_Atomic uint32_t drained; /* number of the last drain that is over */
	_Atomic bool moving;      /* inside block_rt, or just about to look whether it may */
	_Atomic bool runs;        /* for people */
	_Atomic bool lost;
	_Atomic uint64_t xruns;
	bool told; /* of the loss; the watcher's */

	/* ---- the thread's own ---- */
	snd_pcm_t *pcm;
	snd_pcm_status_t *status;
	enum vmsnd_alsa_phase phase;
	bool gap;                /* time was lost before the next block */
	unsigned recoveries;     /* since frames last moved as they should */
	unsigned resumes;        /* tries */
	uint32_t draining;       /* number of the drain under way, 0: none */
	bool tail;               /* stopped: what is queued is heard to its end */
	uint64_t silence_frames; /* queued after the last frame */
	/* Playback. What was taken from the guest, from `history` on, the newest last: a queue that
	 * has to be dropped is played again from here (HB-03). `held_frames` of them, after
	 * `written` frames, are to be written before anything else. */
	uint8_t *history;
	uint32_t history_frames, held_frames;
	uint64_t written_frames, run_from_frames;
	vmsnd_ns since;        /* of the start ... */
	uint64_t moved_frames; /* ... and what went since then */
};

struct vmsnd_alsa_watch {
	pthread_t thread;
	int wake_fd, inotify_fd;
	int etc, home, config, dev, snd; /* inotify's numbers of what is watched */
	_Atomic bool quit;
};

struct vmsnd_backend {
	const struct vmsnd_log *log;
	const struct vmsnd_backend_user *user;
	void *user_ctx;
	_Atomic bool suspended; /* the machine is: what is queued is kept for later */
	pthread_mutex_t lock;   /* of all below */
	struct vmsnd_stream *streams;
	char device[2][VMSND_ALSA_NAME_BYTES];     /* where streams go */
	char configured[2][VMSND_ALSA_NAME_BYTES]; /* by the options */
	bool away[2];                              /* a stream could not be opened, or was lost */
	unsigned away_looks[2];                    /* how often it was looked for since */
	struct vmsnd_alsa_watch watch;
};

/* ---- backend.c ---- */

/* alsa-lib writes to stderr, unless a thread has said what else; it may have, being our owner's. */
snd_local_error_handler_t vmsnd_alsa_hush(void);
void vmsnd_alsa_unhush(snd_local_error_handler_t before);
vmsnd_ns vmsnd_alsa_now(void);
void vmsnd_alsa_poke(int event_fd);
void vmsnd_alsa_unpoke(int event_fd);
/* Starts a thread that takes no signals. */
bool vmsnd_alsa_thread(pthread_t *thread, void *(*run)(void *), void *arg);
snd_pcm_stream_t vmsnd_alsa_way(enum vmsnd_dir dir);
/* How a device is opened: never waits, converts nothing that we convert better. */
#define VMSND_ALSA_OPEN_MODE                                                                       \
	(SND_PCM_NONBLOCK | SND_PCM_NO_AUTO_RESAMPLE | SND_PCM_NO_AUTO_CHANNELS |                  \
	 SND_PCM_NO_AUTO_FORMAT)

/* ---- trouble.c ---- */

/* What an error of alsa-lib says of a device, and what to do about it. */
struct vmsnd_alsa_trouble {
	const char *what, *advice;
};
struct vmsnd_alsa_trouble vmsnd_alsa_trouble(int error);

/* ---- params.c, format.c ---- */

/* Sets up the stream's PCM as near to the wish as it can, and fills in the stream. Negative: the
 * error of alsa-lib; `*what` says of which step. */
int vmsnd_alsa_set_up(struct vmsnd_stream *stream, const struct vmsnd_stream_want *want,
		      const char **what);
/* The nearest format that `params` still allow; SND_PCM_FORMAT_UNKNOWN: none. */
snd_pcm_format_t vmsnd_alsa_format_choose(snd_pcm_t *pcm, snd_pcm_hw_params_t *params,
					  const struct vmsnd_format *want,
					  struct vmsnd_format *got);
/* Asks for the positions of `want`, and puts those that the PCM has into `got`. */
void vmsnd_alsa_positions(snd_pcm_t *pcm, const struct vmsnd_format *want,
			  struct vmsnd_format *got);

/* ---- stream.c ---- */

enum vmsnd_rc vmsnd_alsa_stream_open(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got);
enum vmsnd_rc vmsnd_alsa_stream_start(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_alsa_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_alsa_stream_close(struct vmsnd_stream *stream);
enum vmsnd_stream_state vmsnd_alsa_stream_state(const struct vmsnd_stream *stream);
enum vmsnd_rc vmsnd_alsa_stream_drain(struct vmsnd_stream *stream, vmsnd_ns now);
/* Has every stream look again. */
void vmsnd_alsa_streams_poke(struct vmsnd_backend *host);
void vmsnd_alsa_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out);

/* ---- thread.c ---- */

void *vmsnd_alsa_stream_thread(void *stream);

/* ---- move.c: what the thread does with frames; all return a negative error of alsa-lib ---- */

/* Moves every whole period that is there. Returns how many frames. */
snd_pcm_sframes_t vmsnd_alsa_turn(struct vmsnd_stream *stream);
/* Fills a playback queue that is empty, up to the brim. */
int vmsnd_alsa_fill(struct vmsnd_stream *stream);
/* Frames follow after all behind the silence at the end of a playback queue. */
void vmsnd_alsa_remember_silence(struct vmsnd_stream *stream);
/* Empties a playback queue; what was not heard is held. */
void vmsnd_alsa_hold(struct vmsnd_stream *stream);

/* ---- watch.c ---- */

enum vmsnd_rc vmsnd_alsa_watch_open(struct vmsnd_backend *host);
void vmsnd_alsa_watch_close(struct vmsnd_backend *host);
/* The device of a direction cannot be had, or can. */
void vmsnd_alsa_away(struct vmsnd_backend *host, enum vmsnd_dir dir, bool away);

/* ---- devices.c, facts.c ---- */

size_t vmsnd_alsa_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max);
enum vmsnd_rc vmsnd_alsa_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id);
size_t vmsnd_alsa_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max);

#endif
