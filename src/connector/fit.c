/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring, conversion and figures of a unit, for the stream its host has just opened. */
#include "connector/port.h"

/* A host that has not come for so long, and for some of its blocks, is no clock for a guest. */
#define STALL_NS     UINT64_C(250000000)
#define STALL_BLOCKS 8u

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void vmsnd_path_init(struct vmsnd_path *path, struct vmsnd_flow *flow)
{
	path->flow = flow;
	atomic_store_explicit(&path->fill_min, UINT64_MAX, memory_order_relaxed);
	atomic_store_explicit(&path->latency_min_ns, UINT64_MAX, memory_order_relaxed);
}

/* As many whole frames as a power of two that the storage holds. */
static uint32_t whole_storage(const struct vmsnd_lun *lun, uint32_t frame_bytes)
{
	uint32_t capacity = 1;

	while ((uint64_t)capacity * 2 * frame_bytes <= lun->port->conf.ring_bytes)
		capacity *= 2;
	return capacity;
}

void vmsnd_lun_ring_reset(struct vmsnd_lun *lun, const struct vmsnd_format *format, uint64_t frames)
{
	uint32_t frame_bytes = vmsnd_format_frame_bytes(format);
	uint32_t capacity = 0, most = whole_storage(lun, frame_bytes);

	if (frames < most)
		capacity = vmsnd_ring_capacity((uint32_t)frames);
	vmsnd_figure_add_rt(&lun->own.dropped_frames, vmsnd_ring_distance_rt(&lun->head));
	vmsnd_ring_reset(&lun->head);
	vmsnd_ring_end_init(&lun->far, &lun->head, lun->conf.ring_storage,
			    capacity && capacity < most ? capacity : most, frame_bytes);
	lun->own.ring = lun->far;
	lun->own.ring_format = *format;
	lun->fed = VMSND_NEVER;
}

/* What it holds stays. */
void vmsnd_lun_make_room(struct vmsnd_lun *lun, uint64_t room)
{
	if (room > whole_storage(lun, lun->far.frame_bytes))
		room = whole_storage(lun, lun->far.frame_bytes);
	while (lun->far.capacity_frames > 0 && lun->far.capacity_frames < room)
		vmsnd_ring_double(&lun->far);
	lun->own.ring.capacity_frames = lun->far.capacity_frames;
}

/* RI-04: what the lane feeds was sized for the guest; long blocks, its own or unit 0's, need more.
 */
static void fit_fed_ring(struct vmsnd_lun *lun)
{
	uint64_t block = (uint64_t)lun->got.period_frames * lun->own.ring_format.rate_hz /
			 lun->got.format.rate_hz;

	vmsnd_lun_make_room(lun, 8 * larger(block, vmsnd_port_host_block(lun->port)));
}

/* The ring's own format, and how much it has to hold: what comes at a time, several times. */
static void fit_ring(struct vmsnd_lun *lun)
{
	const struct vmsnd_stream_params *params = &lun->port->params;
	const struct vmsnd_format *host = &lun->got.format;
	uint64_t guest = (uint64_t)params->period_frames * host->rate_hz / params->format.rate_hz;
	uint64_t block = larger(lun->got.period_frames, lun->asked.period_frames);

	if (lun->dir == VMSND_CAPTURE && lun->far.frame_bytes > 0 &&
	    vmsnd_format_equal(host, &lun->own.ring_format))
		vmsnd_lun_make_room(lun, 8 * larger(block, guest));
	else if (lun->dir == VMSND_CAPTURE)
		vmsnd_lun_ring_reset(lun, host, 8 * larger(block, guest));
	else if (lun->conf.role == VMSND_LUN_TAP_HOST)
		vmsnd_lun_ring_reset(lun, &lun->asked.format, 16 * block);
	else
		fit_fed_ring(lun);
}

/* Frames of the ring's that a conversion sees beyond what it makes; a longer filter, by as much as
 * the rate goes down. */
static uint32_t choose_ahead(const struct vmsnd_lun *lun)
{
	const struct vmsnd_resampler_class *rates = lun->port->conf.env->rates;
	uint64_t from_hz = lun->path->ring_format.rate_hz, to_hz = lun->path->format.rate_hz;
	uint64_t frames;

	if (!rates)
		return 0;
	if (lun->dir == VMSND_CAPTURE) {
		from_hz = lun->path->format.rate_hz;
		to_hz = lun->port->params.format.rate_hz;
	}
	frames = rates->delay_frames(lun->conf.prefs.quality);
	if (from_hz > to_hz)
		frames = (frames * from_hz + to_hz - 1) / to_hz;
	return (uint32_t)frames + 2;
}

/* Twice the larger of what comes and what goes at a time, as unit 0's threshold; and what is
 * under way in the converter besides (dll.h). */
static uint32_t choose_aim(const struct vmsnd_lun *lun)
{
	const struct vmsnd_stream_params *params = &lun->port->params;
	const struct vmsnd_path *path = lun->path;
	uint64_t rate_hz = path->ring_format.rate_hz;
	uint64_t host = lun->got.period_frames * rate_hz / path->format.rate_hz + 1;
	/* What comes at a time: the guest hands over as unit 0 takes. */
	uint64_t comes = vmsnd_port_host_block(lun->port);
	uint64_t guest = (comes > params->period_frames ? comes : params->period_frames) * rate_hz /
			     params->format.rate_hz +
			 1;
	uint64_t aim = 2 * (host > guest ? host : guest);

	/* And twice a millisecond for the jitter. */
	if (!lun->got.follows)
		aim += path->ahead_frames + rate_hz / 500;
	if (lun->conf.prefs.prebuffer_ms != VMSND_PREBUFFER_UNSET)
		aim = lun->conf.prefs.prebuffer_ms * rate_hz / 1000;
	if (aim > path->ring.capacity_frames / 2)
		aim = path->ring.capacity_frames / 2;
	return aim > 0 ? (uint32_t)aim : 1;
}

static void fit_pace(struct vmsnd_lun *lun)
{
	struct vmsnd_path *path = lun->path;
	uint32_t ring_hz = path->ring_format.rate_hz;
	uint32_t out_hz =
	    lun->dir == VMSND_PLAYBACK ? path->format.rate_hz : lun->port->params.format.rate_hz;

	lun->aim_frames = choose_aim(lun);
	path->threshold_frames = lun->aim_frames;
	path->follows = !lun->got.follows && lun->dir == VMSND_PLAYBACK;
	path->waiting = lun->dir == VMSND_CAPTURE;
	vmsnd_pace_init(&path->pace, ring_hz);
	vmsnd_follow_init(&path->follow,
			  &(struct vmsnd_follow_conf){ring_hz, out_hz, lun->aim_frames});
}

static enum vmsnd_rc fit_flow(struct vmsnd_lun *lun)
{
	const struct vmsnd_port *port = lun->port;
	const struct vmsnd_format *guest = &port->params.format;
	bool playback = lun->dir == VMSND_PLAYBACK;
	struct vmsnd_loudness loudness;
	struct vmsnd_flow_conf conf = {
	    .from = playback ? lun->path->ring_format : lun->got.format,
	    .to = playback ? lun->got.format : *guest,
	    .rates = port->conf.env->rates,
	    .quality = lun->conf.prefs.quality,
	    .cpu = port->conf.env->cpu,
	    .bend = lun->index > 0 && !(playback && lun->got.follows),
	    .dither = !lun->conf.prefs.no_dither,
	};

	vmsnd_lun_loudness(lun, &loudness);
	conf.volume = loudness.after;
	conf.before = loudness.before;
	vmsnd_flow_close(lun->path->flow);
	return vmsnd_flow_open(lun->path->flow, &conf);
}

static vmsnd_ns choose_stall(const struct vmsnd_stream_got *got)
{
	vmsnd_ns blocks =
	    STALL_BLOCKS * vmsnd_frames_to_ns_rt(got->period_frames, got->format.rate_hz);

	return blocks > STALL_NS ? blocks : STALL_NS;
}

enum vmsnd_rc vmsnd_lun_fit(struct vmsnd_lun *lun)
{
	struct vmsnd_path *path = lun->path;

	path->format = lun->got.format;
	path->frame_bytes = vmsnd_format_frame_bytes(&path->format);
	path->frame_ns = (double)VMSND_NS_PER_SECOND / path->format.rate_hz;
	lun->stall_ns = choose_stall(&lun->got);
	lun->guest_format = lun->port->params.format;
	if (lun->index == 0) {
		path->ring_format = lun->port->params.format;
		vmsnd_port_grow(lun->port);
		vmsnd_port_measure(lun->port);
		path->ahead_frames = choose_ahead(lun);
	} else {
		fit_ring(lun);
		path->ahead_frames = choose_ahead(lun);
		fit_pace(lun);
	}
	vmsnd_dll_init(&path->dll, path->format.rate_hz);
	path->ring_frame_ns = (double)VMSND_NS_PER_SECOND / path->ring_format.rate_hz;
	return fit_flow(lun);
}

/* The stand-in of a capture port adds the other inputs to silence. */
void vmsnd_port_fit_stand_in(struct vmsnd_port *port)
{
	struct vmsnd_path *path = &port->stand;
	struct vmsnd_flow_conf conf = {
	    .from = port->params.format, .to = port->params.format, .cpu = port->conf.env->cpu};

	path->ring_format = path->format = port->params.format;
	path->frame_bytes = port->frame_bytes;
	if (!port->stand_fits && port->conf.dir == VMSND_CAPTURE)
		port->stand_fits = vmsnd_flow_open(path->flow, &conf) == VMSND_OK;
}
