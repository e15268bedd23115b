/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's half of a port (vmsnd/device.h): each call, and whoever watches is told of it. */
#include "connector/port.h"

static void tell(const struct vmsnd_port *port, struct vmsnd_port_call call)
{
	const struct vmsnd_port_watch *watch = port->conf.watch;

	if (__builtin_expect(watch != NULL, 0))
		watch->told(watch->ctx, &call);
}

static uint64_t code(enum vmsnd_rc rc)
{
	return (uint64_t)(int64_t)rc;
}

void vmsnd_port_hint(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
		     vmsnd_ns now)
{
	vmsnd_port_do_hint(port, params, now);
	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_HINT, params, 0, 0});
}

enum vmsnd_rc vmsnd_port_prepare(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
				 vmsnd_ns now)
{
	enum vmsnd_rc rc = vmsnd_port_do_prepare(port, params, now);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_PREPARE, params, 0, code(rc)});
	return rc;
}

bool vmsnd_port_fits(const struct vmsnd_port *port, const struct vmsnd_stream_params *params)
{
	bool fits = vmsnd_port_do_fits(port, params);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_FITS, params, 0, fits});
	return fits;
}

enum vmsnd_rc vmsnd_port_start(struct vmsnd_port *port, vmsnd_ns now)
{
	enum vmsnd_rc rc = vmsnd_port_do_start(port, now);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_START, NULL, 0, code(rc)});
	return rc;
}

void vmsnd_port_stop(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_do_stop(port, now);
	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_STOP, NULL, 0, 0});
}

void vmsnd_port_drain(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_do_drain(port, now);
	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_DRAIN, NULL, 0, 0});
}

void vmsnd_port_release(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_do_release(port, now);
	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_RELEASE, NULL, 0, 0});
}

uint32_t vmsnd_port_wanted(const struct vmsnd_port *port)
{
	uint32_t result = vmsnd_port_do_wanted(port);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_WANTED, NULL, 0, result});
	return result;
}

uint32_t vmsnd_port_begin(struct vmsnd_port *port, uint32_t frames, void **at)
{
	uint32_t result = vmsnd_port_do_begin(port, frames, at);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_BEGIN, NULL, frames, result});
	return result;
}

void vmsnd_port_commit(struct vmsnd_port *port, uint32_t frames)
{
	vmsnd_port_do_commit(port, frames);
	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_COMMIT, NULL, frames, 0});
}

uint64_t vmsnd_port_done_frames(const struct vmsnd_port *port)
{
	uint64_t result = vmsnd_port_do_done_frames(port);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_DONE_FRAMES, NULL, 0, result});
	return result;
}

uint32_t vmsnd_port_delay_frames(const struct vmsnd_port *port)
{
	uint32_t result = vmsnd_port_do_delay_frames(port);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_DELAY_FRAMES, NULL, 0, result});
	return result;
}

vmsnd_ns vmsnd_port_due(const struct vmsnd_port *port, uint64_t frames, vmsnd_ns now)
{
	vmsnd_ns when = vmsnd_port_do_due(port, frames, now);

	tell(port, (struct vmsnd_port_call){VMSND_PORT_CALL_DUE, NULL, frames, when});
	return when;
}
