/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's life: storage, sizes, prepare and release, the owner's switch, suspension. */
#include <string.h>

#include "connector/port.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

size_t vmsnd_port_footprint(void)
{
	return sizeof(struct vmsnd_port);
}

vmsnd_ns vmsnd_port_frames_ns(const struct vmsnd_port *port, uint64_t frames)
{
	return vmsnd_frames_to_ns_rt(frames, port->params.format.rate_hz);
}

void vmsnd_port_wish(struct vmsnd_port *port)
{
	port->wishes++;
}

static void ring_empty(struct vmsnd_port *port, uint32_t capacity_frames)
{
	port->frames_before += vmsnd_port_do_done_frames(port);
	vmsnd_ring_reset(&port->head);
	vmsnd_ring_end_init(&port->ring, &port->head, port->conf.ring_storage, capacity_frames,
			    port->frame_bytes);
	port->ahead_done = port->ahead_told = 0;
	port->main.ring = port->stand.ring = port->ring;
	port->main.ring_format = port->params.format;
}

void vmsnd_port_init(struct vmsnd_port *port, const struct vmsnd_port_conf *conf)
{
	port->conf = *conf;
	if (port->conf.ring_bytes == 0)
		port->conf.ring_bytes = VMSND_PORT_RING_BYTES;
	port->mixer.sources = UINT32_MAX;
	port->drained = port->released = VMSND_NEVER;
	vmsnd_path_init(&port->main, &port->main_flow);
	vmsnd_path_init(&port->stand, &port->stand_flow);
	vmsnd_ring_end_init(&port->ring, &port->head, conf->ring_storage, 0, 0);
	port->main.ring = port->stand.ring = port->ring;
}

/* ---- sizes ---- */

static bool capacity_fits(const struct vmsnd_port *port, uint32_t capacity_frames,
			  uint32_t frame_bytes)
{
	return capacity_frames > 0 &&
	       (uint64_t)capacity_frames * frame_bytes <= port->conf.ring_bytes;
}

bool vmsnd_port_do_fits(const struct vmsnd_port *port, const struct vmsnd_stream_params *params)
{
	uint32_t frame_bytes = vmsnd_format_frame_bytes(&params->format);

	return frame_bytes > 0 && params->buffer_frames > 0 && params->period_frames > 0 &&
	       capacity_fits(port, vmsnd_ring_capacity(params->buffer_frames), frame_bytes);
}

static enum vmsnd_rc check(const struct vmsnd_port *port, const struct vmsnd_stream_params *params)
{
	if (port->phase != VMSND_PORT_IDLE || params->buffer_frames == 0 ||
	    params->period_frames == 0)
		return VMSND_E_INVALID;
	if (vmsnd_format_frame_bytes(&params->format) == 0)
		return VMSND_E_UNSUPPORTED;
	return vmsnd_port_do_fits(port, params) ? VMSND_OK : VMSND_E_NOMEM;
}

uint64_t vmsnd_port_host_block(const struct vmsnd_port *port)
{
	const struct vmsnd_lun *lun = port->luns[0];

	if (!lun || !lun->stream)
		return 0;
	return ((uint64_t)lun->got.period_frames * port->params.format.rate_hz +
		lun->got.format.rate_hz - 1) /
	       lun->got.format.rate_hz;
}

/* The owner's wish in frames; VMSND_PREBUFFER_UNSET for none. */
static uint64_t wished(const struct vmsnd_port *port)
{
	const struct vmsnd_lun *lun = port->luns[0];

	if (!lun || lun->conf.prefs.prebuffer_ms == VMSND_PREBUFFER_UNSET)
		return VMSND_PREBUFFER_UNSET;
	return (uint64_t)lun->conf.prefs.prebuffer_ms * port->params.format.rate_hz / 1000;
}

/* The threshold is no more than the guest can post: a Linux guest often has four periods
 * and would wait for ever for a fifth to leave. PAR-04..06 */
void vmsnd_port_measure(struct vmsnd_port *port)
{
	const struct vmsnd_stream_params *params = &port->params;
	uint64_t two = 2 * larger(vmsnd_port_host_block(port), params->period_frames),
		 wish = wished(port);
	uint64_t capacity = port->ring.capacity_frames;
	uint64_t threshold = two, target = two;

	if (wish != VMSND_PREBUFFER_UNSET) {
		threshold = wish;
		target = larger(two, wish);
	} else if (port->conf.dir == VMSND_CAPTURE) {
		threshold = 0;
	}
	port->threshold_frames =
	    threshold < params->buffer_frames ? (uint32_t)threshold : params->buffer_frames;
	port->target_frames = (uint32_t)(target < capacity ? target : capacity);
	port->threshold_ns = vmsnd_port_frames_ns(port, port->threshold_frames);
	port->main.threshold_frames = port->threshold_frames;
	port->coarse = port->conf.dir == VMSND_PLAYBACK &&
		       vmsnd_port_host_block(port) > params->buffer_frames / 2;
}

/* At least the guest's buffer (V55); roomy enough for the host's blocks if the storage is. */
static uint32_t choose_capacity(const struct vmsnd_port *port)
{
	uint64_t roomy = larger(port->params.buffer_frames, 4 * larger(vmsnd_port_host_block(port),
								       port->params.period_frames));
	uint32_t least = vmsnd_ring_capacity(port->params.buffer_frames);
	uint32_t capacity = port->conf.ring_bytes;

	if (wished(port) != VMSND_PREBUFFER_UNSET)
		roomy = larger(roomy, 2 * wished(port));
	if (roomy < capacity)
		capacity = vmsnd_ring_capacity((uint32_t)roomy);
	while (capacity > least && !capacity_fits(port, capacity, port->frame_bytes))
		capacity >>= 1;
	return capacity > least ? capacity : least;
}

void vmsnd_port_ring_load(struct vmsnd_port *port, uint64_t position, const void *frames,
			  uint32_t n)
{
	bool playback = port->conf.dir == VMSND_PLAYBACK;
	uint64_t first = playback ? position - n : position;
	uint32_t capacity = port->prepared ? choose_capacity(port) : 0;

	if (n > capacity)
		capacity = vmsnd_ring_capacity(n);
	vmsnd_ring_end_init(&port->ring, &port->head, port->conf.ring_storage, capacity,
			    port->frame_bytes);
	port->ring.position = first;
	atomic_store_explicit(&port->head.read, first, memory_order_relaxed);
	atomic_store_explicit(&port->head.written, first, memory_order_relaxed);
	port->main.ring = port->ring;
	vmsnd_ring_put_rt(playback ? &port->ring : &port->main.ring, frames, n);
	port->stand.ring = port->main.ring;
	port->main.ring_format = port->params.format;
}

/* RI-04: the ring is sized for the new device, and what it holds stays. */
void vmsnd_port_grow(struct vmsnd_port *port)
{
	uint32_t capacity = choose_capacity(port);

	if (port->ring.capacity_frames == 0)
		return;
	while (port->ring.capacity_frames < capacity)
		vmsnd_ring_double(&port->ring);
	port->main.ring.capacity_frames = port->stand.ring.capacity_frames =
	    port->ring.capacity_frames;
}

/* ---- prepare and release ---- */

enum vmsnd_rc vmsnd_port_do_prepare(struct vmsnd_port *port,
				    const struct vmsnd_stream_params *params, vmsnd_ns now)
{
	enum vmsnd_rc rc = check(port, params);

	if (rc == VMSND_E_INVALID)
		return rc;
	port->prepared = false;
	if (rc)
		return rc;
	port->time = now;
	vmsnd_port_wish(port);
	port->params = *params;
	port->frame_bytes = vmsnd_format_frame_bytes(&params->format);
	port->prepared = port->known = true;
	port->released = VMSND_NEVER;
	if (port->luns[0])
		vmsnd_flow_reset(port->main.flow);
	port->stand_fits = false;
	ring_empty(port, 0);
	vmsnd_port_feed_reset(port);
	vmsnd_block_clock_init(&port->clock, params->format.rate_hz, params->period_frames, 1);
	ring_empty(port, choose_capacity(port));
	vmsnd_port_settle_luns(port, now);
	vmsnd_port_grow(port);
	vmsnd_port_measure(port);
	return VMSND_OK;
}

void vmsnd_port_halt(struct vmsnd_port *port, vmsnd_ns at)
{
	port->phase = VMSND_PORT_IDLE;
	port->drained = VMSND_NEVER;
	port->holding = false;
	vmsnd_port_drive(port, at);
}

void vmsnd_port_do_release(struct vmsnd_port *port, vmsnd_ns now)
{
	port->time = now;
	vmsnd_port_halt(port, now);
	ring_empty(port, 0);
	port->prepared = false;
	port->released = now;
	vmsnd_port_wish(port);
	vmsnd_port_settle_luns(port, now);
}

void vmsnd_port_close(struct vmsnd_port *port, vmsnd_ns now)
{
	port->known = false;
	vmsnd_port_do_release(port, now);
}

void vmsnd_port_do_hint(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
			vmsnd_ns now)
{
	if (!port->conf.enabled || vmsnd_format_frame_bytes(&params->format) == 0)
		return;
	port->time = now;
	for (unsigned i = 0; i < port->n_places; i++)
		if (port->luns[i])
			vmsnd_lun_hint(port->luns[i], params);
}

/* ---- switches ---- */

/* What was recorded and not yet taken is not to be heard any more; its time stays. */
static void silence_recorded(struct vmsnd_port *port)
{
	struct vmsnd_ring_end end = port->ring;
	uint32_t left = vmsnd_ring_fill_rt(&end);

	while (left > 0) {
		void *at;
		uint32_t piece = vmsnd_ring_read_begin_rt(&end, left, &at);

		if (piece == 0)
			return;
		vmsnd_format_silence_rt(&port->params.format, at, piece);
		end.position += piece;
		left -= piece;
	}
}

/* The hosts are closed or opened and the port goes on with them, or with the stand-in (PLx-6). */
void vmsnd_port_enable(struct vmsnd_port *port, bool on, vmsnd_ns now)
{
	if (on == port->conf.enabled)
		return;
	port->time = now;
	port->conf.enabled = on;
	vmsnd_port_wish(port);
	vmsnd_port_settle_luns(port, now);
	if (!on && port->conf.dir == VMSND_CAPTURE && port->ring.capacity_frames > 0)
		silence_recorded(port);
}

void vmsnd_port_pause(struct vmsnd_port *port, bool on, vmsnd_ns now)
{
	if (on == port->paused)
		return;
	port->time = now;
	port->paused = on;
	if (on) {
		port->paused_at = now;
	} else {
		port->since = now;
		/* What began in between has not begun to count. */
		port->start +=
		    now - (port->start > port->paused_at ? port->start : port->paused_at);
		if (port->drained != VMSND_NEVER)
			port->drained += now - port->paused_at;
	}
	vmsnd_port_settle_luns(port, now);
}
