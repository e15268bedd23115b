/* SPDX-License-Identifier: BSD-3-Clause */
/* The port double. */
#include "fake_port.h"

#include <stdlib.h>
#include <string.h>

void fake_port_init(struct vmsnd_port *port, enum vmsnd_dir dir)
{
	memset(port, 0, sizeof(*port));
	port->dir = dir;
	port->mixer.sources = UINT32_MAX;
	port->heard = malloc(FAKE_HEARD_BYTES);
}

void fake_port_free(struct vmsnd_port *port)
{
	free(port->heard);
}

uint32_t fake_port_fill(const struct vmsnd_port *port)
{
	return (uint32_t)(port->in - port->out);
}

static vmsnd_ns period_ns(const struct vmsnd_port *port)
{
	if (port->rate_hz > 0)
		return (vmsnd_ns)(port->params.period_frames * 1e9 / port->rate_hz);
	return port->params.period_frames * VMSND_NS_PER_SECOND / port->params.format.rate_hz;
}

static uint8_t *slot(struct vmsnd_port *port, uint64_t frame)
{
	return port->ring + (size_t)(frame % port->ring_frames) * port->frame_bytes;
}

static void hear(struct vmsnd_port *port)
{
	port->out += port->deaf;
	if (port->deaf)
		return;
	if (port->heard_bytes + port->frame_bytes > FAKE_HEARD_BYTES)
		abort();
	memcpy(port->heard + port->heard_bytes, slot(port, port->out++), port->frame_bytes);
	port->heard_bytes += port->frame_bytes;
}

static void record(struct vmsnd_port *port)
{
	uint32_t number = ++port->next_sample;

	if (fake_port_fill(port) == port->ring_frames)
		return;
	memset(slot(port, port->in), 0, port->frame_bytes);
	memcpy(slot(port, port->in), &number,
	       port->frame_bytes < sizeof(number) ? port->frame_bytes : sizeof(number));
	port->in++;
}

void fake_port_move(struct vmsnd_port *port, uint32_t frames)
{
	for (; frames > 0; frames--) {
		if (port->dir == VMSND_CAPTURE)
			record(port);
		else if (fake_port_fill(port) > 0)
			hear(port);
		else
			port->silence_frames++;
	}
}

vmsnd_ns fake_port_advance(struct vmsnd_port *port, vmsnd_ns now)
{
	if (!port->running || port->by_hand)
		return VMSND_NEVER;
	for (; port->due <= now; port->due += period_ns(port))
		fake_port_move(port, port->params.period_frames);
	return port->due;
}

enum vmsnd_rc vmsnd_port_prepare(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
				 vmsnd_ns now)
{
	uint32_t max = port->ring_frames_max;

	if (port->running)
		abort(); /* the interface forbids it */
	port->prepares++;
	port->prepared = port->prepare_rc == VMSND_OK;
	port->params = *params;
	port->frame_bytes = params->format.channels * vmsnd_sample_bytes(params->format.sample);
	port->ring_frames = FAKE_RING_BYTES / port->frame_bytes;
	if (max != 0 && max < port->ring_frames)
		port->ring_frames = max;
	port->in = port->out = 0;
	return port->prepare_rc;
}

bool vmsnd_port_fits(const struct vmsnd_port *port, const struct vmsnd_stream_params *params)
{
	return !port->unfit && (uint64_t)params->buffer_frames * params->format.channels *
				       vmsnd_sample_bytes(params->format.sample) <=
				   FAKE_RING_BYTES;
}

bool vmsnd_port_params(const struct vmsnd_port *port, struct vmsnd_stream_params *out)
{
	*out = port->params;
	return port->prepared;
}

void vmsnd_port_hint(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
		     vmsnd_ns now)
{
	port->hints++;
}

enum vmsnd_rc vmsnd_port_start(struct vmsnd_port *port, vmsnd_ns now)
{
	if (!port->prepared)
		return VMSND_E_INVALID;
	if (port->start_rc)
		return port->start_rc;
	port->starts++;
	port->running = true;
	port->due = now + period_ns(port);
	return VMSND_OK;
}

void vmsnd_port_stop(struct vmsnd_port *port, vmsnd_ns now)
{
	port->stops++;
	port->running = false;
}

void vmsnd_port_drain(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_port_stop(port, now);
}

void vmsnd_port_release(struct vmsnd_port *port, vmsnd_ns now)
{
	port->releases++;
	port->running = port->prepared = false;
	port->in = port->out = 0;
}

uint32_t vmsnd_port_wanted(const struct vmsnd_port *port)
{
	uint32_t fill = fake_port_fill(port), target = 2 * port->params.period_frames;

	if (port->dir == VMSND_CAPTURE)
		return fill;
	return fill < target ? target - fill : 0;
}

uint32_t vmsnd_port_begin(struct vmsnd_port *port, uint32_t frames, void **at)
{
	bool out = port->dir == VMSND_PLAYBACK;
	uint64_t position = out ? port->in : port->out;
	uint32_t fill = fake_port_fill(port);
	uint32_t can = out ? port->ring_frames - fill : fill;
	uint32_t straight;

	if (!port->prepared)
		abort();
	straight = port->ring_frames - (uint32_t)(position % port->ring_frames);
	*at = slot(port, position);
	frames = frames < can ? frames : can;
	return frames < straight ? frames : straight;
}

void vmsnd_port_commit(struct vmsnd_port *port, uint32_t frames)
{
	if (port->dir == VMSND_PLAYBACK)
		port->in += frames;
	else
		port->out += frames;
}

uint64_t vmsnd_port_done_frames(const struct vmsnd_port *port)
{
	return port->dir == VMSND_PLAYBACK ? port->out : port->in;
}

uint32_t vmsnd_port_delay_frames(const struct vmsnd_port *port)
{
	return port->delay_frames;
}

vmsnd_ns vmsnd_port_due(const struct vmsnd_port *port, uint64_t frames, vmsnd_ns now)
{
	return port->told_due != 0 ? port->told_due : VMSND_NEVER;
}

double vmsnd_port_rate_hz(const struct vmsnd_port *port)
{
	if (port->stands || !port->prepared)
		return 0;
	if (port->told_hz > 0)
		return port->told_hz;
	return port->rate_hz > 0 ? port->rate_hz : port->params.format.rate_hz;
}

uint64_t vmsnd_port_xruns(const struct vmsnd_port *port)
{
	return port->xruns;
}

void vmsnd_port_mixer(const struct vmsnd_port *port, struct vmsnd_mixer *out)
{
	*out = port->mixer;
}

void vmsnd_port_mixer_set(struct vmsnd_port *port, const struct vmsnd_mixer *mixer, vmsnd_ns now)
{
	port->mixer = *mixer;
}
