/* SPDX-License-Identifier: BSD-3-Clause */
/* A port in time: start, pre-buffering, stop, drain. Every event of the port's own is stamped
 * with the time it was due, not with the time somebody looked, so one big step and many
 * small ones end alike. */
#include "connector/port.h"

/* Blocks of the stand-in in one call; a lane that comes later than that calls again. */
#define BLOCKS_MAX 4096u

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static vmsnd_ns frames_ns(const struct vmsnd_port *port, uint64_t frames)
{
	return vmsnd_frames_to_ns(frames, port->params.format.rate_hz);
}

static void go(struct vmsnd_port *port, enum vmsnd_port_phase phase, vmsnd_ns at)
{
	port->phase = phase;
	vmsnd_port_host_start(port, at);
}

static bool enough(const struct vmsnd_port *port)
{
	return port->conf.dir == VMSND_CAPTURE || vmsnd_port_fill(port) >= port->threshold_frames;
}

/* What the guest hands over may be less than the threshold and stay so: a short sound
 * must be heard all the same, and time must go on for a guest that hands over nothing. */
static vmsnd_ns prebuf_deadline(const struct vmsnd_port *port)
{
	return port->start + frames_ns(port, port->threshold_frames);
}

/* The last frame has left the ring; it is heard `delay_frames` later. */
static void settle_drain(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->phase != VMSND_PORT_DRAIN)
		return;
	if (vmsnd_port_fill(port) > 0) {
		port->drained = VMSND_NEVER;
		return;
	}
	if (port->drained == VMSND_NEVER)
		port->drained = at + frames_ns(port, vmsnd_port_delay_frames(port));
	if (port->drained <= at)
		vmsnd_port_halt(port, port->drained);
}

static void settle(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->phase == VMSND_PORT_PREBUF && enough(port))
		go(port, VMSND_PORT_RUN, at);
	settle_drain(port, at);
}

enum vmsnd_rc vmsnd_port_start(struct vmsnd_port *port, vmsnd_ns now)
{
	if (!port->prepared)
		return VMSND_E_INVALID;
	vmsnd_port_host_settle(port, now);
	if (port->phase == VMSND_PORT_DRAIN) { /* PLx-5 */
		port->phase = VMSND_PORT_RUN;
		port->drained = VMSND_NEVER;
		atomic_store_explicit(&port->host.gate, VMSND_GATE_OPEN, memory_order_release);
	}
	if (port->phase != VMSND_PORT_IDLE)
		return VMSND_OK;
	port->phase = VMSND_PORT_PREBUF;
	port->start = now;
	port->starts++;
	settle(port, now);
	return VMSND_OK;
}

void vmsnd_port_stop(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_halt(port, now);
}

void vmsnd_port_drain(struct vmsnd_port *port, vmsnd_ns now)
{
	if (port->conf.dir == VMSND_CAPTURE || port->phase == VMSND_PORT_IDLE) {
		vmsnd_port_halt(port, now);
		return;
	}
	vmsnd_port_host_settle(port, now);
	if (port->phase == VMSND_PORT_PREBUF && vmsnd_port_fill(port) == 0)
		vmsnd_port_halt(port, now); /* PL-23 */
	else if (port->phase == VMSND_PORT_PREBUF)
		go(port, VMSND_PORT_DRAIN, now); /* PL-22 */
	else if (port->phase == VMSND_PORT_RUN)
		port->phase = VMSND_PORT_DRAIN;
	if (port->phase == VMSND_PORT_DRAIN)
		atomic_store_explicit(&port->host.gate, VMSND_GATE_DRAINING, memory_order_release);
	settle_drain(port, now);
}

/* The port's own next event. */
static vmsnd_ns own_deadline(const struct vmsnd_port *port)
{
	if (port->phase == VMSND_PORT_PREBUF)
		return prebuf_deadline(port);
	return earlier(vmsnd_block_clock_next(&port->clock), port->drained);
}

static void own_event(struct vmsnd_port *port, vmsnd_ns at)
{
	const struct vmsnd_block block = {.frames = port->params.period_frames, .when = at};

	if (port->phase == VMSND_PORT_PREBUF)
		go(port, VMSND_PORT_RUN, at);
	else if (vmsnd_block_clock_tick(&port->clock, at)) {
		if (port->conf.dir == VMSND_PLAYBACK)
			vmsnd_playback_block_rt(port, &block);
		else
			vmsnd_capture_block_rt(port, &block);
	}
	settle_drain(port, at);
}

/* A host with a thread of its own does not tell when the ring runs empty: look again when it
 * can have. */
static vmsnd_ns look_again(const struct vmsnd_port *port, vmsnd_ns now)
{
	uint32_t fill = vmsnd_port_fill(port), period = port->params.period_frames;

	if (port->phase != VMSND_PORT_DRAIN || !port->stream || port->conf.backend->advance)
		return VMSND_NEVER;
	return now + frames_ns(port, fill > period ? fill : period);
}

vmsnd_ns vmsnd_port_advance(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_host_settle(port, now);
	for (unsigned n = 0; n < BLOCKS_MAX && own_deadline(port) <= now; n++)
		own_event(port, own_deadline(port));
	settle(port, now);
	return earlier(own_deadline(port), look_again(port, now));
}
