/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port tells: its states, positions and figures. */
#include "connector/port.h"

enum vmsnd_play_state vmsnd_port_play_state(const struct vmsnd_port *port)
{
	if (port->conf.dir != VMSND_PLAYBACK || !port->stream || port->phase == VMSND_PORT_IDLE)
		return VMSND_PLAY_NOPLAY;
	return port->phase == VMSND_PORT_PREBUF ? VMSND_PLAY_PREBUF : VMSND_PLAY_PLAY;
}

enum vmsnd_capture_state vmsnd_port_capture_state(const struct vmsnd_port *port)
{
	if (port->conf.dir != VMSND_CAPTURE || !port->stream || port->phase == VMSND_PORT_IDLE)
		return VMSND_CAPTURE_NO_CAPTURE;
	return VMSND_CAPTURE_CAPTURING;
}

/* Frames in the ring, from the device's end. */
uint32_t vmsnd_port_fill(const struct vmsnd_port *port)
{
	if (port->conf.dir == VMSND_CAPTURE)
		return vmsnd_ring_fill_rt(&port->ring);
	return port->ring.capacity_frames - vmsnd_ring_room_rt(&port->ring);
}

uint32_t vmsnd_port_wanted(const struct vmsnd_port *port)
{
	uint32_t fill = vmsnd_port_fill(port);

	if (port->conf.dir == VMSND_CAPTURE)
		return fill;
	/* WR-06: a stream that drains asks for nothing. */
	if (!port->prepared || port->phase == VMSND_PORT_DRAIN || fill >= port->target_frames)
		return 0;
	return port->target_frames - fill;
}

uint32_t vmsnd_port_begin(struct vmsnd_port *port, uint32_t frames, void **at)
{
	if (port->conf.dir == VMSND_CAPTURE)
		return vmsnd_ring_read_begin_rt(&port->ring, frames, at);
	return vmsnd_ring_write_begin_rt(&port->ring, frames, at);
}

void vmsnd_port_commit(struct vmsnd_port *port, uint32_t frames)
{
	if (port->conf.dir == VMSND_CAPTURE)
		vmsnd_ring_read_commit_rt(&port->ring, frames);
	else
		vmsnd_ring_write_commit_rt(&port->ring, frames);
}

uint64_t vmsnd_port_done_frames(const struct vmsnd_port *port)
{
	uint32_t fill = vmsnd_port_fill(port);

	if (port->conf.dir == VMSND_CAPTURE)
		return port->ring.position + fill;
	return port->ring.position > fill ? port->ring.position - fill : 0;
}

uint32_t vmsnd_port_delay_frames(const struct vmsnd_port *port)
{
	uint32_t delay = atomic_load_explicit(&port->host.delay_frames, memory_order_relaxed);

	return port->conf.dir == VMSND_CAPTURE ? delay + vmsnd_port_fill(port) : delay;
}

/* Only a host with a thread of its own moves frames without the lane. It moves them in blocks,
 * so there is no point in asking more often than a few times in one. */
vmsnd_ns vmsnd_port_due(const struct vmsnd_port *port, uint64_t frames, vmsnd_ns now)
{
	uint64_t done = vmsnd_port_done_frames(port), left = port->got.period_frames / 4 + 1;

	if (!port->stream || port->conf.backend->advance ||
	    (port->phase != VMSND_PORT_RUN && port->phase != VMSND_PORT_DRAIN))
		return VMSND_NEVER;
	if (frames > done + left)
		left = frames - done;
	return now + vmsnd_frames_to_ns(left, port->params.format.rate_hz);
}

size_t vmsnd_port_counters(const struct vmsnd_port *port, struct vmsnd_counter *out, size_t max)
{
	const struct vmsnd_port_host *host = &port->host;
	uint64_t fill_min = vmsnd_figure_rt(&host->fill_min);
	const struct vmsnd_counter list[] = {
	    {"frames", port->frames_before + vmsnd_port_done_frames(port)},
	    {"silence_frames", vmsnd_figure_rt(&host->silence_frames)},
	    {"underruns", vmsnd_figure_rt(&host->underruns)},
	    {"underrun_frames", vmsnd_figure_rt(&host->underrun_frames)},
	    {"overruns", vmsnd_figure_rt(&host->overruns)},
	    {"overrun_frames", vmsnd_figure_rt(&host->overrun_frames)},
	    {"blocks", vmsnd_figure_rt(&host->blocks)},
	    {"host_gaps", vmsnd_figure_rt(&host->host_gaps)},
	    {"fill_min", fill_min == UINT64_MAX ? 0 : fill_min},
	    {"fill_max", vmsnd_figure_rt(&host->fill_max)},
	    {"starts", port->starts},
	    {"hosts_opened", port->hosts_opened},
	    {"hosts_lost", port->hosts_lost},
	};
	size_t n = sizeof(list) / sizeof(list[0]);

	for (size_t i = 0; i < n && i < max; i++)
		out[i] = list[i];
	return n;
}
