/* SPDX-License-Identifier: BSD-3-Clause */
/* What backends without a sound card share: streams that the lane's clock drives.
 *
 * A backend embeds struct vmsnd_paced as the FIRST member of its struct vmsnd_backend and struct
 * vmsnd_paced_stream as the FIRST member of its struct vmsnd_stream, and says in one function what
 * happens to samples. The rest is here:
 *
 *   open          vmsnd_paced_open(&host->paced, conf, "my name");
 *                 host->paced.move = my_move;
 *   stream_open   allocate my stream, vmsnd_paced_add(), *got = vmsnd_paced_got()
 *   stream_close  vmsnd_paced_remove(), free my stream
 *   stream_start, stream_stop, advance, limits, status
 *                 vmsnd_paced_start and so on, straight in the class' table
 *
 * A block is one period and is moved at the END of its time, so a stream's delay is 0
 * frames. With pace=free, and always for a stream that runs beside another (want.follow), a
 * block is what the other side has ready, at once. All on the lane. */
#ifndef VMSND_BACKENDS_PACED_H
#define VMSND_BACKENDS_PACED_H

#include "base/rate.h"
#include "vmsnd/backend.h"

#define VMSND_PACED_STREAMS_MAX      64u
#define VMSND_PACED_BLOCK_FRAMES_MAX 65536u
#define VMSND_PACED_SPEED_MAX        1000u
#define VMSND_PACED_FREE             0u /* as a speed: as fast as the guest goes */

/* A row for the backend's option table. */
#define VMSND_PACED_OPTION                                                                         \
	{                                                                                          \
		"pace", VMSND_OPTION_TEXT, "real",                                                 \
		    "real: by the clock; free: as fast as the guest goes; 1..1000: that many "     \
		    "times real time, for tests",                                                  \
		    0, 0                                                                           \
	}

struct vmsnd_paced_stream {
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	uint32_t frame_bytes;
	uint32_t period_frames; /* a block; also the most `move` is ever given */
	/* private to paced.c from here */
	struct vmsnd_paced *host;
	struct vmsnd_paced_stream *next;
	struct vmsnd_stream_user user;
	void *ctx;
	void *scratch; /* one block */
	struct vmsnd_block_clock clock;
	bool by_clock; /* or by what the other side has ready */
	bool follows, running, ended;
};

struct vmsnd_paced {
	uint32_t speed; /* times real time, or VMSND_PACED_FREE */
	/* Playback: keep `frames` from `samples`. Capture: put `frames` there. Anything but
	 * VMSND_OK ends the stream for good and is passed on as the reason. */
	enum vmsnd_rc (*move)(struct vmsnd_paced_stream *stream, void *samples, uint32_t frames);
	/* private to paced.c from here; zeroed at open */
	struct vmsnd_paced_stream *streams;
	unsigned n_streams;
};

/* Takes the speed from the option of VMSND_PACED_OPTION; VMSND_E_INVALID, with a line that
 * begins with `who`, when it is none. */
enum vmsnd_rc vmsnd_paced_open(struct vmsnd_paced *host, const struct vmsnd_backend_conf *conf,
			       const char *who);
/* "real", "free" or a number; VMSND_E_INVALID for anything else. */
enum vmsnd_rc vmsnd_paced_pace_parse(const char *text, uint32_t *speed);

/* Sets up zeroed `stream`, whose format is the one that is wanted, and puts it into the host's
 * list, stopped. VMSND_E_NOMEM also beyond VMSND_PACED_STREAMS_MAX; VMSND_E_UNSUPPORTED: not a
 * format. On failure nothing is left to undo. */
enum vmsnd_rc vmsnd_paced_add(struct vmsnd_paced *host, struct vmsnd_paced_stream *stream,
			      const struct vmsnd_stream_want *want,
			      const struct vmsnd_stream_user *user, void *ctx);
/* The opposite of add; frees what add allocated, not `stream`. */
void vmsnd_paced_remove(struct vmsnd_paced_stream *stream);
struct vmsnd_stream_got vmsnd_paced_got(const struct vmsnd_paced_stream *stream);

/* For the class' table. advance moves every block due by `now`, a bounded number at a time, and
 * calls `ended` of streams whose move failed. */
enum vmsnd_rc vmsnd_paced_start(struct vmsnd_stream *stream, vmsnd_ns now);
void vmsnd_paced_stop(struct vmsnd_stream *stream, vmsnd_ns now);
vmsnd_ns vmsnd_paced_advance(struct vmsnd_backend *host, vmsnd_ns now);
/* VMSND_PACED_STREAMS_MAX both ways. */
void vmsnd_paced_limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out);
/* RUNNING while a stream of the direction runs. */
enum vmsnd_backend_status vmsnd_paced_status(const struct vmsnd_backend *host, enum vmsnd_dir dir);

#endif
