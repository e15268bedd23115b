/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device asks for: memory, ports, interrupts. */
#include "manager/trace_parts.h"

/* ---- memory ---- */

static void memory_told(void *ctx, const struct vmsnd_gmem_event *event)
{
	struct vmsnd_trace_record record = {
	    .what = (uint16_t)(VMSND_TRACE_MEM_CHECK + (unsigned)event->call),
	    .args = {event->gpa, event->bytes, event->rights},
	    .result = (uint64_t)(int64_t)event->rc};

	if (event->call == VMSND_GMEM_LOAD16 || event->call == VMSND_GMEM_STORE16)
		record.args[1] = event->value;
	vmsnd_trace_put(ctx, &record);
}

_Static_assert(VMSND_TRACE_MEM_REMOVE - VMSND_TRACE_MEM_CHECK == VMSND_GMEM_REMOVE,
	       "the kinds of memory's calls are in the order of enum vmsnd_gmem_call");

void vmsnd_trace_guard(struct vmsnd_trace *trace, struct vmsnd_gmem_guard *guard)
{
	guard->ctx = trace;
	guard->told = memory_told;
}

/* ---- ports ---- */

/* The manager may ask ports, too; what counts is what the device does. */
static void port_told(void *ctx, const struct vmsnd_port_call *call)
{
	const struct vmsnd_trace_port *port = ctx;
	const struct vmsnd_stream_params *params = call->params;
	struct vmsnd_trace_record record = {
	    .what = (uint16_t)(VMSND_TRACE_PORT_HINT + (unsigned)call->what),
	    .dir = (uint8_t)port->dir,
	    .index = port->stream,
	    .args = {call->frames},
	    .result = call->result};

	if (params) {
		record.args[0] = params->format.sample;
		record.args[1] = params->format.rate_hz;
		record.args[2] = params->format.channels;
		record.args[3] = params->buffer_frames;
		record.args[4] = params->period_frames;
	}
	if (port->trace->inside > 0)
		vmsnd_trace_put(port->trace, &record);
}

_Static_assert(VMSND_TRACE_PORT_DUE - VMSND_TRACE_PORT_HINT == VMSND_PORT_CALL_DUE,
	       "the kinds of a port's calls are in the order of enum vmsnd_port_call_what");

const struct vmsnd_port_watch *vmsnd_trace_port(struct vmsnd_trace *trace, enum vmsnd_dir dir,
						unsigned stream)
{
	struct vmsnd_trace_port *port;

	if (trace->n_ports == VMSND_TRACE_PORTS)
		return NULL;
	port = &trace->ports[trace->n_ports++];
	*port = (struct vmsnd_trace_port){.watch = {.ctx = port, .told = port_told},
					  .trace = trace,
					  .dir = dir,
					  .stream = stream};
	return &port->watch;
}

/* ---- the rest of its environment ---- */

static void notify(void *ctx, unsigned vector)
{
	struct vmsnd_trace *trace = ctx;
	const struct vmsnd_trace_record record = {.what = VMSND_TRACE_IRQ_NOTIFY, .index = vector};

	vmsnd_trace_put(trace, &record);
	trace->env.notify(trace->env.ctx, vector);
}

static void line(void *ctx, bool high)
{
	struct vmsnd_trace *trace = ctx;
	const struct vmsnd_trace_record record = {.what = VMSND_TRACE_IRQ_LINE, .args = {high}};

	vmsnd_trace_put(trace, &record);
	trace->env.line(trace->env.ctx, high);
}

static void message(void *ctx, const struct vmsnd_msi *what)
{
	struct vmsnd_trace *trace = ctx;
	const struct vmsnd_trace_record record = {.what = VMSND_TRACE_IRQ_MESSAGE,
						  .index = what->vector,
						  .args = {what->address, what->data}};

	vmsnd_trace_put(trace, &record);
	trace->env.message(trace->env.ctx, what);
}

static struct vmsnd_port *port_of(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct vmsnd_trace *trace = ctx;

	return trace->env.port(trace->env.ctx, dir, index);
}

static void guest_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
	struct vmsnd_trace *trace = ctx;
	const struct vmsnd_trace_record record = {.what = VMSND_TRACE_FAULT,
						  .args = {what, detail}};

	vmsnd_trace_put(trace, &record);
	trace->env.guest_fault(trace->env.ctx, what, detail);
}

static void mixer_changed(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct vmsnd_trace *trace = ctx;
	const struct vmsnd_trace_record record = {
	    .what = VMSND_TRACE_MIXER_SET, .dir = (uint8_t)dir, .index = index};

	vmsnd_trace_put(trace, &record);
	trace->env.mixer_changed(trace->env.ctx, dir, index);
}

static void config_changed(void *ctx)
{
	struct vmsnd_trace *trace = ctx;
	const struct vmsnd_trace_record record = {.what = VMSND_TRACE_CONFIG_CHANGED};

	vmsnd_trace_put(trace, &record);
	trace->env.config_changed(trace->env.ctx);
}

void vmsnd_trace_env(struct vmsnd_trace *trace, struct vmsnd_dev_env *env)
{
	trace->env = *env;
	env->ctx = trace;
	env->notify = notify;
	env->line = line;
	env->message = message;
	env->port = port_of;
	env->guest_fault = guest_fault;
	env->mixer_changed = env->mixer_changed ? mixer_changed : NULL;
	env->config_changed = trace->env.config_changed ? config_changed : NULL;
}
