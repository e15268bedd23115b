/* SPDX-License-Identifier: BSD-3-Clause */
/* A port between a scripted guest and a host that remembers what it heard.
 *
 * Frames are four bytes (S16 stereo) and carry their number, from 1; 0 is silence. The
 * host runs on the clock-driven streams that null and file use, unless told otherwise. */
#ifndef VMSND_TESTS_CONNECTOR_RIG_H
#define VMSND_TESTS_CONNECTOR_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backends/paced.h"
#include "connector/connector.h"

#define MS     UINT64_C(1000000)
#define PERIOD 480u /* 10 ms */
#define BUFFER 1920u
#define START  (UINT64_C(1234567891234))

/* The host: one stream at a time. */
struct vmsnd_backend {
	struct vmsnd_paced paced;
	struct vmsnd_stream *stream;
	enum vmsnd_rc open_rc, start_rc, move_rc;
	struct vmsnd_format *other_format; /* what it settles on instead */
	uint32_t other_period;
	uint32_t delay_frames;
	unsigned opens, closes, starts, stops;
	uint32_t *heard; /* every frame played, in order */
	size_t n_heard, heard_room;
	uint32_t next_sample; /* capture: the number of the next frame */
};

struct rig {
	struct vmsnd_port *port;
	void *storage;
	struct vmsnd_backend host;
	enum vmsnd_dir dir;
	vmsnd_ns now;
	uint32_t next_frame; /* playback: the number of the next frame handed over */
	uint64_t posted;     /* what the guest has posted and the ring not wanted yet */
	bool endless;        /* the guest keeps its whole buffer posted */
	uint64_t taken;      /* capture: frames taken out */
	bool takes;          /* the guest takes frames as they come */
};

extern const struct vmsnd_backend_class rig_class;

void rig_open(struct rig *rig, enum vmsnd_dir dir);
/* Without a backend, or switched off. */
void rig_open_with(struct rig *rig, enum vmsnd_dir dir, bool backend, bool enabled);
void rig_close(struct rig *rig);

struct vmsnd_stream_params rig_params(uint32_t buffer_frames, uint32_t period_frames);
void rig_prepare(struct rig *rig); /* BUFFER, PERIOD; must succeed */
/* Hands numbered frames over at once; returns how many the ring took. */
uint32_t rig_write(struct rig *rig, uint32_t frames);
/* As a lane: host, port, guest, port, host at each deadline until `to`. */
void rig_run_until(struct rig *rig, vmsnd_ns to);
void rig_run(struct rig *rig, vmsnd_ns length);
uint64_t rig_counter(const struct rig *rig, const char *name);

/* Frames other than silence heard so far; fails unless they are 1, 2, 3... */
uint32_t rig_heard_in_order(const struct rig *rig);
/* Silence heard before the first frame, between frames, after the last. */
size_t rig_silence_before(const struct rig *rig);
size_t rig_silence_inside(const struct rig *rig);

#endif
