/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's life: storage, sizes, prepare and release, the owner's switch. */
#include "connector/port.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

size_t vmsnd_port_footprint(void)
{
	return sizeof(struct vmsnd_port);
}

static void ring_empty(struct vmsnd_port *port, uint32_t capacity_frames)
{
	port->frames_before += vmsnd_port_done_frames(port);
	vmsnd_ring_reset(&port->head);
	vmsnd_ring_end_init(&port->ring, &port->head, port->conf.ring_storage, capacity_frames,
			    port->frame_bytes);
	port->host.ring = port->ring;
	port->host.sample = port->params.format.sample;
}

void vmsnd_port_init(struct vmsnd_port *port, const struct vmsnd_port_conf *conf)
{
	port->conf = *conf;
	port->drained = VMSND_NEVER;
	atomic_store_explicit(&port->host.fill_min, UINT64_MAX, memory_order_relaxed);
	vmsnd_ring_end_init(&port->ring, &port->head, conf->ring_storage, 0, 0);
	port->host.ring = port->ring;
}

static bool capacity_fits(uint32_t capacity_frames, uint32_t frame_bytes)
{
	return capacity_frames > 0 &&
	       (uint64_t)capacity_frames * frame_bytes <= VMSND_PORT_RING_BYTES;
}

bool vmsnd_port_fits(const struct vmsnd_port *port, const struct vmsnd_stream_params *params)
{
	uint32_t frame_bytes = vmsnd_format_frame_bytes(&params->format);

	return frame_bytes > 0 && params->buffer_frames > 0 && params->period_frames > 0 &&
	       capacity_fits(vmsnd_ring_capacity(params->buffer_frames), frame_bytes);
}

static enum vmsnd_rc check(const struct vmsnd_port *port, const struct vmsnd_stream_params *params)
{
	if (port->phase != VMSND_PORT_IDLE || params->buffer_frames == 0 ||
	    params->period_frames == 0)
		return VMSND_E_INVALID;
	if (vmsnd_format_frame_bytes(&params->format) == 0)
		return VMSND_E_UNSUPPORTED;
	return vmsnd_port_fits(port, params) ? VMSND_OK : VMSND_E_NOMEM;
}

/* The threshold is no more than the guest can post: a Linux guest often has four periods
 * and would wait for ever for a fifth to leave. */
void vmsnd_port_measure(struct vmsnd_port *port)
{
	const struct vmsnd_stream_params *params = &port->params;
	uint64_t block = port->stream ? port->got.period_frames : params->period_frames;
	uint64_t two = 2 * larger(block, params->period_frames);

	port->threshold_frames =
	    two < params->buffer_frames ? (uint32_t)two : params->buffer_frames;
	port->target_frames =
	    two < port->ring.capacity_frames ? (uint32_t)two : port->ring.capacity_frames;
}

/* At least the guest's buffer (V55); roomy enough for the host's blocks if the storage is. */
static uint32_t choose_capacity(const struct vmsnd_port *port)
{
	uint64_t block = port->stream ? port->got.period_frames : 0;
	uint64_t roomy =
	    larger(port->params.buffer_frames, 4 * larger(block, port->params.period_frames));
	uint32_t least = vmsnd_ring_capacity(port->params.buffer_frames);
	uint32_t capacity = VMSND_PORT_RING_BYTES;

	if (roomy < capacity)
		capacity = vmsnd_ring_capacity((uint32_t)roomy);
	while (capacity > least && !capacity_fits(capacity, port->frame_bytes))
		capacity >>= 1;
	return capacity > least ? capacity : least;
}

enum vmsnd_rc vmsnd_port_prepare(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
				 vmsnd_ns now)
{
	enum vmsnd_rc rc = check(port, params);

	if (rc == VMSND_E_INVALID)
		return rc;
	port->prepared = false;
	if (rc)
		return rc;
	port->params = *params;
	port->frame_bytes = vmsnd_format_frame_bytes(&params->format);
	if (vmsnd_port_hosted(port))
		rc = vmsnd_port_host_open(port, now);
	ring_empty(port, choose_capacity(port));
	vmsnd_port_measure(port);
	vmsnd_block_clock_init(&port->clock, params->format.rate_hz, params->period_frames, 1);
	port->prepared = rc == VMSND_OK;
	return rc;
}

void vmsnd_port_halt(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->phase == VMSND_PORT_RUN || port->phase == VMSND_PORT_DRAIN)
		vmsnd_port_host_stop(port, at);
	port->phase = VMSND_PORT_IDLE;
	port->drained = VMSND_NEVER;
}

void vmsnd_port_release(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_halt(port, now);
	ring_empty(port, 0);
	port->prepared = false;
}

void vmsnd_port_close(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_release(port, now);
	vmsnd_port_host_close(port, now);
}

/* Off: the clock goes on where the host was. */
static void disable(struct vmsnd_port *port, vmsnd_ns now)
{
	bool moving = port->phase == VMSND_PORT_RUN || port->phase == VMSND_PORT_DRAIN;

	if (moving)
		vmsnd_port_host_stop(port, now);
	vmsnd_port_host_close(port, now);
	vmsnd_port_measure(port);
	if (moving)
		vmsnd_port_host_start(port, now);
}

/* On: a stream that runs pre-buffers again (PLx-6); one that drains goes on draining. A host
 * that refuses leaves the stand-in at work. */
static void enable(struct vmsnd_port *port, vmsnd_ns now)
{
	enum vmsnd_port_phase phase = port->phase;

	if (!port->prepared || !port->conf.backend || vmsnd_port_host_open(port, now))
		return;
	vmsnd_port_measure(port);
	if (phase != VMSND_PORT_RUN && phase != VMSND_PORT_DRAIN)
		return;
	vmsnd_block_clock_stop(&port->clock);
	vmsnd_port_halt(port, now);
	vmsnd_port_start(port, now);
	if (phase == VMSND_PORT_DRAIN)
		vmsnd_port_drain(port, now);
}

void vmsnd_port_enable(struct vmsnd_port *port, bool on, vmsnd_ns now)
{
	if (on == port->conf.enabled)
		return;
	port->conf.enabled = on;
	if (on)
		enable(port, now);
	else
		disable(port, now);
}
