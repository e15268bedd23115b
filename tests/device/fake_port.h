/* SPDX-License-Identifier: BSD-3-Clause */
/* A port that a test holds in its hand: it moves frames by a clock of whole periods or when
 * told to, and keeps what it has heard. */
#ifndef VMSND_TESTS_DEVICE_FAKE_PORT_H
#define VMSND_TESTS_DEVICE_FAKE_PORT_H

#include "vmsnd/device.h"

#define FAKE_RING_BYTES  (64u * 1024u)
#define FAKE_HEARD_BYTES (1024u * 1024u)

struct vmsnd_port {
	enum vmsnd_dir dir;
	/* Set by the test. */
	enum vmsnd_rc prepare_rc, start_rc;
	bool unfit;
	bool by_hand; /* no clock: frames move only through fake_port_move */
	uint32_t delay_frames;
	uint32_t ring_frames_max; /* 0: FAKE_RING_BYTES */
	struct vmsnd_mixer mixer;
	uint64_t xruns;
	double rate_hz;    /* how fast its host is; 0: at the nominal rate */
	double told_hz;    /* what vmsnd_port_rate_hz says; 0: the truth */
	bool stands;       /* so does the card */
	vmsnd_ns told_due; /* what vmsnd_port_due says; 0: never */
	/* Seen by the test. */
	bool prepared, running;
	unsigned hints, prepares, starts, stops, releases;
	uint64_t silence_frames;
	struct vmsnd_stream_params params;
	bool deaf;      /* keeps nothing of what it hears */
	uint8_t *heard; /* playback: all frames since init, in order */
	size_t heard_bytes;
	/* Its own. */
	uint8_t ring[FAKE_RING_BYTES];
	uint32_t frame_bytes, ring_frames;
	uint64_t in, out;     /* frames since prepare */
	uint32_t next_sample; /* capture: frame n of the recording is the number n + 1 */
	vmsnd_ns due;
};

void fake_port_init(struct vmsnd_port *port, enum vmsnd_dir dir);
void fake_port_free(struct vmsnd_port *port);
/* The host takes, or brings, so many frames now; those the ring lacks become silence. */
void fake_port_move(struct vmsnd_port *port, uint32_t frames);
/* Moves what is due by `now` and tells the next time. */
vmsnd_ns fake_port_advance(struct vmsnd_port *port, vmsnd_ns now);
uint32_t fake_port_fill(const struct vmsnd_port *port);

#endif
