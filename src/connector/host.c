/* SPDX-License-Identifier: BSD-3-Clause */
/* The host stream of a port, and the clock that stands in when there is none. */
#include "connector/port.h"

bool vmsnd_port_hosted(const struct vmsnd_port *port)
{
	return port->conf.enabled && port->conf.backend;
}

/* A stream that no longer stands for what the guest wants, or that is dead, is not kept. */
static bool stream_fits(const struct vmsnd_port *port)
{
	return port->stream && !atomic_load_explicit(&port->ended, memory_order_acquire) &&
	       vmsnd_format_equal(&port->stream_params.format, &port->params.format) &&
	       port->stream_params.period_frames == port->params.period_frames;
}

enum vmsnd_rc vmsnd_port_host_open(struct vmsnd_port *port, vmsnd_ns now)
{
	const struct vmsnd_stream_want want = {.dir = port->conf.dir,
					       .format = port->params.format,
					       .period_frames = port->params.period_frames};
	enum vmsnd_rc rc;

	if (stream_fits(port))
		return VMSND_OK;
	vmsnd_port_host_close(port, now);
	rc = port->conf.backend->stream_open(port->conf.host, &want,
					     want.dir == VMSND_PLAYBACK ? &vmsnd_playback_user
									: &vmsnd_capture_user,
					     port, &port->stream, &port->got);
	if (rc) {
		port->stream = NULL;
		return rc;
	}
	port->stream_params = port->params;
	port->hosts_opened++;
	/* Conversion comes with the whole connector; until then the host takes it as it is. */
	if (!vmsnd_format_equal(&port->got.format, &want.format)) {
		vmsnd_port_host_close(port, now);
		return VMSND_E_UNSUPPORTED;
	}
	return VMSND_OK;
}

void vmsnd_port_host_close(struct vmsnd_port *port, vmsnd_ns now)
{
	if (port->stream) {
		port->conf.backend->stream_stop(port->stream, now);
		port->conf.backend->stream_close(port->stream);
	}
	port->stream = NULL;
	atomic_store_explicit(&port->ended, false, memory_order_relaxed);
	atomic_store_explicit(&port->host.delay_frames, 0, memory_order_relaxed);
}

static void lose(struct vmsnd_port *port, vmsnd_ns at)
{
	vmsnd_port_host_close(port, at);
	port->hosts_lost++;
}

void vmsnd_port_host_start(struct vmsnd_port *port, vmsnd_ns at)
{
	bool draining = port->phase == VMSND_PORT_DRAIN;

	port->host.sounding = port->host.overrunning = false;
	port->host.gap_frames = 0;
	atomic_store_explicit(&port->host.gate, draining ? VMSND_GATE_DRAINING : VMSND_GATE_OPEN,
			      memory_order_release);
	if (port->stream && port->conf.backend->stream_start(port->stream, at))
		lose(port, at);
	if (!port->stream)
		vmsnd_block_clock_start(&port->clock, at);
}

void vmsnd_port_host_stop(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->stream)
		port->conf.backend->stream_stop(port->stream, at);
	vmsnd_block_clock_stop(&port->clock);
	atomic_store_explicit(&port->host.gate, VMSND_GATE_SHUT, memory_order_release);
}

void vmsnd_port_host_settle(struct vmsnd_port *port, vmsnd_ns at)
{
	if (!atomic_load_explicit(&port->ended, memory_order_acquire))
		return;
	lose(port, at);
	if (port->phase == VMSND_PORT_RUN || port->phase == VMSND_PORT_DRAIN)
		vmsnd_port_host_start(port, at);
}

/* Comes from the backend, which is not to be called back from here; the next call of
 * the port sees to it. */
void vmsnd_port_ended(void *ctx, enum vmsnd_rc why)
{
	struct vmsnd_port *port = ctx;

	atomic_store_explicit(&port->ended, true, memory_order_release);
}
