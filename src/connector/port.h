/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port is made of; for the files of this folder only. */
#ifndef VMSND_CONNECTOR_PORT_H
#define VMSND_CONNECTOR_PORT_H

#include "base/rate.h"
#include "base/ring.h"
#include "connector/connector.h"

/* What the guest asked for, whether there is a host or not. The public states are derived
 * from this and from who takes the frames (counters.c). */
enum vmsnd_port_phase {
	VMSND_PORT_IDLE,   /* not started, stopped, or drained */
	VMSND_PORT_PREBUF, /* started; playback waits for the threshold */
	VMSND_PORT_RUN,    /* frames move */
	VMSND_PORT_DRAIN   /* playback: moves until the ring is empty */
};

/* What the host's side may do with the ring; the only word the lane says to it. */
enum vmsnd_port_gate { VMSND_GATE_SHUT, VMSND_GATE_OPEN, VMSND_GATE_DRAINING };

/* The host's side. Between stream_start and stream_stop only block_rt and ready_rt write here;
 * the lane reads the atomic figures at any time and sets up the rest while the host is
 * stopped. Figures but fill_min go up only. */
struct vmsnd_port_host {
	alignas(64) _Atomic uint32_t gate; /* enum vmsnd_port_gate; written by the lane */
	alignas(64) struct vmsnd_ring_end ring;
	enum vmsnd_sample sample;
	bool sounding;       /* a frame has moved since the host was started */
	bool overrunning;    /* the last capture block did not fit */
	uint64_t gap_frames; /* silence since the last frame that moved */
	_Atomic uint32_t delay_frames;
	_Atomic uint64_t blocks, silence_frames, underruns, underrun_frames, overruns,
	    overrun_frames, host_gaps, fill_min, fill_max;
};

struct vmsnd_port {
	struct vmsnd_port_conf conf;
	enum vmsnd_port_phase phase;
	bool prepared;
	struct vmsnd_stream_params params;
	uint32_t frame_bytes;
	uint32_t threshold_frames; /* pre-buffering: T */
	uint32_t target_frames;    /* what the ring would like to hold */
	vmsnd_ns start;            /* of the pre-buffering */
	vmsnd_ns drained;          /* when the last frame reaches the speaker */

	/* The host stream, kept over release and prepare while the parameters are the same. */
	struct vmsnd_stream *stream;
	struct vmsnd_stream_params stream_params;
	struct vmsnd_stream_got got;
	/* Takes and gives frames while there is no host stream. */
	struct vmsnd_block_clock clock;

	struct vmsnd_ring_end ring; /* the device's end */
	uint64_t frames_before;     /* done before the last prepare */
	uint64_t starts, hosts_opened, hosts_lost;

	_Atomic bool ended; /* the backend gave the stream up; seen by the next call */
	struct vmsnd_port_host host;
	struct vmsnd_ring_head head;
};

/* For the one writer of a figure. */
static inline void vmsnd_figure_add_rt(_Atomic uint64_t *figure, uint64_t more)
{
	uint64_t value = atomic_load_explicit(figure, memory_order_relaxed);

	atomic_store_explicit(figure, value + more, memory_order_relaxed);
}

static inline uint64_t vmsnd_figure_rt(const _Atomic uint64_t *figure)
{
	return atomic_load_explicit(figure, memory_order_relaxed);
}

/* What the host found in the ring when a block was due. */
static inline void vmsnd_port_see_fill_rt(struct vmsnd_port_host *host, uint64_t fill)
{
	if (fill < vmsnd_figure_rt(&host->fill_min))
		atomic_store_explicit(&host->fill_min, fill, memory_order_relaxed);
	if (fill > vmsnd_figure_rt(&host->fill_max))
		atomic_store_explicit(&host->fill_max, fill, memory_order_relaxed);
}

/* playback.c, capture.c: one block against the ring. Without samples the frames are swallowed,
 * or are silence. */
extern const struct vmsnd_stream_user vmsnd_playback_user, vmsnd_capture_user;
void vmsnd_playback_block_rt(struct vmsnd_port *port, const struct vmsnd_block *block);
void vmsnd_capture_block_rt(struct vmsnd_port *port, const struct vmsnd_block *block);

/* host.c: the host stream. */
bool vmsnd_port_hosted(const struct vmsnd_port *port); /* enabled and there is a backend */
/* Opens a stream for the port's params unless one with the same is open. */
enum vmsnd_rc vmsnd_port_host_open(struct vmsnd_port *port, vmsnd_ns now);
void vmsnd_port_host_close(struct vmsnd_port *port, vmsnd_ns now);
/* Starts whoever moves the frames: the host, or the clock that stands in for it. */
void vmsnd_port_host_start(struct vmsnd_port *port, vmsnd_ns at);
void vmsnd_port_host_stop(struct vmsnd_port *port, vmsnd_ns at);
/* If the backend gave the stream up, the stand-in goes on from here. */
void vmsnd_port_host_settle(struct vmsnd_port *port, vmsnd_ns at);
void vmsnd_port_ended(void *ctx, enum vmsnd_rc why);

/* port.c: sizes that follow from params and host. */
void vmsnd_port_measure(struct vmsnd_port *port);
uint32_t vmsnd_port_fill(const struct vmsnd_port *port);
void vmsnd_port_halt(struct vmsnd_port *port, vmsnd_ns at);

#endif
