/* SPDX-License-Identifier: BSD-3-Clause */
/* A port between a scripted guest and hosts that remember what they heard.
 *
 * The guest speaks S16 stereo, so a frame is four bytes: it carries its number, from 1, and 0 is
 * silence. Other signals are for paths that convert. Every host is driven by the rig at the times
 * its own clock says; it breaks, stalls, is slow or changes its mind as the test says. */
#ifndef VMSND_TESTS_CONNECTOR_RIG_H
#define VMSND_TESTS_CONNECTOR_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "connector/connector.h"

#define MS          UINT64_C(1000000)
#define SECOND      (1000 * MS)
#define PERIOD      480u /* 10 ms */
#define BUFFER      1920u
#define T_FRAMES    (2 * PERIOD) /* the threshold that follows from these */
#define START       (UINT64_C(1234567891234))
#define RIG_UNITS   VMSND_PORT_LUNS_MAX
#define RIG_JOBS    32u
#define RIG_TRIES   64u
#define SINE_FRAMES 109u /* of one cycle: about 440 Hz */

/* Blocks have their own rhythm. */
#define assert_near(value, aim)                                                                    \
	assert_in_range(value, (aim) > PERIOD ? (aim)-PERIOD : 0, (aim) + PERIOD)

#define FORMAT(_sample, _rate, _channels)                                                          \
	{                                                                                          \
		.sample = (_sample), .rate_hz = (_rate), .channels = (_channels)                   \
	}

enum rig_signal {
	RIG_NUMBERS, /* each frame its number */
	RIG_LEVEL,   /* the same value everywhere */
	RIG_SINE     /* `level` is its peak */
};

/* A host: one stream at a time. */
struct vmsnd_backend {
	struct vmsnd_backend_class kind; /* its own, so that tests can change it */
	struct vmsnd_stream *stream;
	const vmsnd_ns *clock; /* the rig's time */

	/* What it is to do. */
	enum vmsnd_rc open_rc, start_rc, move_rc, drain_rc;
	const struct vmsnd_format *other_format; /* what it settles on instead */
	uint32_t other_period;
	uint32_t other_max;   /* blocks it says it may want; 0: a period */
	unsigned unsupported; /* so many opens are answered with that first */
	uint32_t delay_frames;
	uint32_t speed; /* times real time; 0: as fast as the guest goes */
	int ppm;        /* its crystal against the lane's */
	bool stalled;   /* it moves no block, and says so afterwards */
	enum vmsnd_stream_state state;
	enum rig_signal signal; /* what it records; S16 only but for silence */
	int level;

	/* What it has seen. */
	unsigned tries, opens, closes, starts, stops, drains, hints;
	unsigned misuses; /* started, or fed, while it was not ready */
	vmsnd_ns tried[RIG_TRIES], started;
	struct vmsnd_stream_want want; /* of the last try */
	union {                        /* every frame played, in order */
		uint32_t *heard;
		int16_t *samples;
		float *floats;
		double *doubles;
		unsigned char *bytes;
	};
	size_t n_heard; /* frames */
	size_t heard_room, heard_frame_bytes;
	uint32_t next_sample; /* capture: the number of the next frame */
};

enum rig_pool {
	RIG_POOL_NOW,  /* a worker that is done at once */
	RIG_POOL_HELD, /* jobs wait for rig_work */
	RIG_POOL_NONE  /* no thread to be had */
};

struct rig {
	struct vmsnd_port *port;
	void *storage;
	struct vmsnd_connector_env env;
	struct vmsnd_backend host;                  /* of unit 0 */
	struct vmsnd_backend others[RIG_UNITS - 1]; /* of units 1.. */
	struct vmsnd_lun *luns[RIG_UNITS];
	void *rings[RIG_UNITS];
	struct vmsnd_lun_conf confs[RIG_UNITS]; /* for rig_add; changed before it */
	enum vmsnd_dir dir;
	vmsnd_ns now;

	enum rig_pool pool;
	struct vmsnd_job *jobs[RIG_JOBS];
	unsigned n_jobs, submitted;
	_Atomic unsigned wakes;

	enum rig_signal signal;
	int level;
	uint32_t next_frame; /* playback: the number of the next frame handed over */
	uint64_t posted;     /* what the guest has posted and the ring not wanted yet */
	bool endless;        /* the guest keeps its whole buffer posted */
	uint64_t taken;      /* capture: frames taken out */
	bool takes;          /* the guest takes frames as they come; remembered as host.heard */
	uint64_t turns;      /* how often the lane came by */
};

/* Unit 0 with the rig's host, the direction on. */
void rig_open(struct rig *rig, enum vmsnd_dir dir);
/* Without any unit, or switched off. */
void rig_open_with(struct rig *rig, enum vmsnd_dir dir, bool backend, bool enabled);
/* Without any unit; hosts and confs may be changed, then rig_add. */
void rig_begin(struct rig *rig, enum vmsnd_dir dir, bool enabled);
struct vmsnd_backend *rig_host(struct rig *rig, unsigned unit);
void rig_add(struct rig *rig, unsigned unit);
/* Takes the unit out and waits until it is gone. */
void rig_remove(struct rig *rig, unsigned unit);
/* Everything is closed again: checks that, too. */
void rig_close(struct rig *rig);
/* An environment for a host that is in no rig's list. */
void rig_host_init(struct vmsnd_backend *host, const vmsnd_ns *clock);
/* Zeroed, aligned to 64. */
void *rig_zeroed(size_t bytes);

struct vmsnd_stream_params rig_params(uint32_t buffer_frames, uint32_t period_frames);
void rig_prepare(struct rig *rig); /* BUFFER, PERIOD; must succeed */
void rig_start(struct rig *rig);   /* must succeed */
/* Prepare, start, and the guest keeps up for `length`. */
void rig_go(struct rig *rig, vmsnd_ns length);
/* Started, while the host is still opening on a worker (pool HELD). */
void rig_opening(struct rig *rig, enum vmsnd_dir dir, uint32_t prebuffer_ms);
void rig_running(struct rig *rig, enum vmsnd_dir dir, vmsnd_ns length); /* open, and that */
/* Hands frames over at once; returns how many the ring took. */
uint32_t rig_write(struct rig *rig, uint32_t frames);
/* As a lane: hosts, port, guest, port, hosts at each deadline until `to`. Hosts with a thread of
 * their own (kind.advance NULL) move blocks at their times, lane or no lane. */
void rig_run_until(struct rig *rig, vmsnd_ns to);
void rig_run(struct rig *rig, vmsnd_ns length);
/* Jobs that are held are done now; returns how many there were. */
unsigned rig_work(struct rig *rig);
/* The host says something; the port hears it when the lane comes by. */
void rig_notice(struct vmsnd_backend *host, enum vmsnd_stream_notice what);
/* From before rig_add on: the host can be drained (BE-12). */
void rig_host_drains(struct vmsnd_backend *host);
/* The host gives its stream up, from no block. */
void rig_end(struct vmsnd_backend *host, enum vmsnd_rc why);
uint64_t rig_counter(const struct rig *rig, const char *name);
struct vmsnd_lun_status rig_status(const struct rig *rig, unsigned unit);

/* Frames other than silence heard so far; fails unless they are 1, 2, 3... */
uint32_t rig_heard_in_order(const struct rig *rig);
/* The same, but the first may be any number; returns the first. */
uint32_t rig_heard_run(const struct vmsnd_backend *host, size_t from, uint32_t *frames);
/* Silence heard before the first frame, between frames, after the last. */
size_t rig_silence_before(const struct rig *rig);
size_t rig_silence_inside(const struct rig *rig);
/* The largest step between neighbours of one channel, S16 stereo, in frames [from, to). */
int rig_largest_step(const struct vmsnd_backend *host, size_t from, size_t to);

#endif
