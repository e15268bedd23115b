/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port and its units tell: states, positions, figures. */
#include <string.h>

#include "connector/port.h"

/* ---- states ---- */

static const char *const play_names[] = {
    [VMSND_PLAY_NOPLAY] = "NOPLAY",
    [VMSND_PLAY_PREBUF] = "PREBUF",
    [VMSND_PLAY_PREBUF_OVERDUE] = "PREBUF_OVERDUE",
    [VMSND_PLAY_PREBUF_SWITCHING] = "PREBUF_SWITCHING",
    [VMSND_PLAY_PLAY] = "PLAY",
    [VMSND_PLAY_PLAY_PREBUF] = "PLAY_PREBUF",
};
static const char *const capture_names[] = {
    [VMSND_CAPTURE_NO_CAPTURE] = "NO_CAPTURE",
    [VMSND_CAPTURE_PREBUF] = "PREBUF",
    [VMSND_CAPTURE_CAPTURING] = "CAPTURING",
};
static const char *const host_names[] = {
    [VMSND_HOST_NONE] = "none",       [VMSND_HOST_OPENING] = "opening",
    [VMSND_HOST_READY] = "ready",     [VMSND_HOST_RUNNING] = "running",
    [VMSND_HOST_CLOSING] = "closing", [VMSND_HOST_LOST] = "lost",
};

const char *vmsnd_play_state_name(enum vmsnd_play_state state)
{
	return (unsigned)state <= VMSND_PLAY_PLAY_PREBUF ? play_names[state] : "?";
}

const char *vmsnd_capture_state_name(enum vmsnd_capture_state state)
{
	return (unsigned)state <= VMSND_CAPTURE_CAPTURING ? capture_names[state] : "?";
}

const char *vmsnd_host_state_name(enum vmsnd_host_state state)
{
	return (unsigned)state <= VMSND_HOST_LOST ? host_names[state] : "?";
}

static enum vmsnd_host_state host_state(const struct vmsnd_lun *lun)
{
	if (lun->side->job.task == VMSND_TASK_CLOSE)
		return VMSND_HOST_CLOSING;
	if (lun->side->job.task == VMSND_TASK_OPEN || (lun->stream && lun->early))
		return VMSND_HOST_OPENING;
	if (lun->stream)
		return lun->running ? VMSND_HOST_RUNNING : VMSND_HOST_READY;
	return lun->wanted ? VMSND_HOST_LOST : VMSND_HOST_NONE;
}

void vmsnd_lun_note(struct vmsnd_lun *lun, vmsnd_ns at)
{
	enum vmsnd_host_state state = host_state(lun);

	if (state == lun->state)
		return;
	lun->changes[lun->n_changes % VMSND_LUN_CHANGES_MAX] = (struct vmsnd_lun_change){
	    .when = at, .from = (uint8_t)lun->state, .to = (uint8_t)state};
	lun->n_changes++;
	lun->state = state;
}

static enum vmsnd_play_state waiting_state(const struct vmsnd_lun *lun, bool below)
{
	if (lun->switching)
		return VMSND_PLAY_PREBUF_SWITCHING;
	if (below)
		return VMSND_PLAY_PREBUF;
	return lun->state == VMSND_HOST_OPENING ? VMSND_PLAY_PREBUF_OVERDUE : VMSND_PLAY_NOPLAY;
}

static enum vmsnd_play_state play_state(const struct vmsnd_lun *lun)
{
	const struct vmsnd_port *port = lun->port;
	bool below = port->phase == VMSND_PORT_PREBUF;

	if (lun->dir != VMSND_PLAYBACK || !lun->wanted || lun->state == VMSND_HOST_LOST ||
	    lun->asleep || lun->stalled)
		return VMSND_PLAY_NOPLAY;
	if (lun->running)
		return lun->switching ? VMSND_PLAY_PLAY_PREBUF : VMSND_PLAY_PLAY;
	if (port->phase == VMSND_PORT_IDLE)
		return VMSND_PLAY_NOPLAY;
	if (lun->index > 0)
		below = vmsnd_ring_fill_rt(&lun->own.ring) < lun->aim_frames;
	else if (port->awaiting)
		below = vmsnd_port_fill(port) < port->threshold_frames;
	return waiting_state(lun, below || (lun->index == 0 && port->paused));
}

static enum vmsnd_capture_state capture_state(const struct vmsnd_lun *lun)
{
	const struct vmsnd_port *port = lun->port;

	if (lun->dir != VMSND_CAPTURE || !lun->wanted || port->phase == VMSND_PORT_IDLE)
		return VMSND_CAPTURE_NO_CAPTURE;
	if (!lun->running || lun->stalled || (lun->index == 0 && port->holding))
		return VMSND_CAPTURE_PREBUF;
	return VMSND_CAPTURE_CAPTURING;
}

enum vmsnd_play_state vmsnd_port_play_state(const struct vmsnd_port *port)
{
	return port->luns[0] ? play_state(port->luns[0]) : VMSND_PLAY_NOPLAY;
}

enum vmsnd_capture_state vmsnd_port_capture_state(const struct vmsnd_port *port)
{
	return port->luns[0] ? capture_state(port->luns[0]) : VMSND_CAPTURE_NO_CAPTURE;
}

/* CON-20 .. CON-23, the first that is true. */
enum vmsnd_port_state vmsnd_port_state(const struct vmsnd_port *port)
{
	const struct vmsnd_lun *lun = port->luns[0];

	if (lun && lun->state == VMSND_HOST_LOST)
		return VMSND_PORT_NEEDS_REINIT;
	if (!lun || !lun->conf.host || !port->prepared)
		return VMSND_PORT_NOT_WORKING;
	if (port->phase != VMSND_PORT_IDLE && port->conf.enabled && !lun->asleep)
		return VMSND_PORT_ACTIVE;
	return VMSND_PORT_INACTIVE;
}

/* ---- positions ---- */

/* Frames in the ring, from the device's end. */
uint32_t vmsnd_port_fill(const struct vmsnd_port *port)
{
	if (port->conf.dir == VMSND_CAPTURE)
		return vmsnd_ring_fill_rt(&port->ring);
	return port->ring.capacity_frames - vmsnd_ring_room_rt(&port->ring);
}

uint32_t vmsnd_port_do_wanted(const struct vmsnd_port *port)
{
	uint32_t fill = vmsnd_port_fill(port);

	if (port->conf.dir == VMSND_CAPTURE)
		return port->holding ? 0 : fill;
	/* WR-06: a stream that drains asks for nothing. */
	if (!port->prepared || port->phase == VMSND_PORT_DRAIN || fill >= port->target_frames)
		return 0;
	return port->target_frames - fill;
}

uint32_t vmsnd_port_do_begin(struct vmsnd_port *port, uint32_t frames, void **at)
{
	if (port->conf.dir == VMSND_PLAYBACK)
		return vmsnd_ring_write_begin_rt(&port->ring, frames, at);
	return port->holding ? 0 : vmsnd_ring_read_begin_rt(&port->ring, frames, at);
}

void vmsnd_port_do_commit(struct vmsnd_port *port, uint32_t frames)
{
	vmsnd_port_feed(port, frames);
	if (port->conf.dir == VMSND_CAPTURE) {
		vmsnd_figure_add_rt(&port->main.out_frames, frames);
		vmsnd_ring_read_commit_rt(&port->ring, frames);
	} else {
		vmsnd_figure_add_rt(&port->main.in_frames, frames);
		vmsnd_ring_write_commit_rt(&port->ring, frames);
		vmsnd_port_run_ahead(port, port->time);
	}
}

uint64_t vmsnd_port_do_done_frames(const struct vmsnd_port *port)
{
	uint32_t fill = vmsnd_port_fill(port);
	uint64_t left;

	if (port->conf.dir == VMSND_CAPTURE)
		return port->ring.position + fill;
	if (port->ring.position <= fill)
		return port->ahead_done;
	left = port->ring.position - fill;
	return left > port->ahead_done ? left : port->ahead_done;
}

uint32_t vmsnd_port_do_delay_frames(const struct vmsnd_port *port)
{
	const struct vmsnd_path *path = &port->main;
	uint64_t delay = atomic_load_explicit(&path->delay_frames, memory_order_relaxed);

	delay += atomic_load_explicit(&path->insert_frames, memory_order_relaxed);
	if (path->format.rate_hz > 0)
		delay = delay * port->params.format.rate_hz / path->format.rate_hz;
	delay += atomic_load_explicit(&path->held_frames, memory_order_relaxed);
	if (port->conf.dir == VMSND_CAPTURE)
		delay += vmsnd_port_fill(port);
	return delay < UINT32_MAX ? (uint32_t)delay : UINT32_MAX;
}

/* Only a host with a thread of its own moves frames without the lane. It moves them in blocks,
 * so there is no point in asking more often than a few times in one. */
vmsnd_ns vmsnd_port_do_due(const struct vmsnd_port *port, uint64_t frames, vmsnd_ns now)
{
	const struct vmsnd_lun *lun = port->luns[0];
	uint64_t done = vmsnd_port_do_done_frames(port), left;

	if (!lun || !lun->running)
		return VMSND_NEVER;
	if (lun->conf.backend->advance)
		return VMSND_NEVER;
	left = (uint64_t)lun->got.period_frames * port->params.format.rate_hz /
		   lun->got.format.rate_hz / 4 +
	       1;
	if (frames > done + left)
		left = frames - done;
	return now + vmsnd_port_frames_ns(port, left);
}

double vmsnd_port_rate_hz(const struct vmsnd_port *port)
{
	const struct vmsnd_lun *lun = port->luns[0];
	double nominal = port->params.format.rate_hz;

	if (port->paused || !port->prepared)
		return 0;
	if (!lun || !lun->running)
		return nominal;
	return vmsnd_dll_rate_hz_rt(&port->main.dll) * nominal / lun->got.format.rate_hz;
}

/* ---- figures ---- */

static uint64_t or_zero(uint64_t least)
{
	return least == UINT64_MAX ? 0 : least;
}

static void path_status(const struct vmsnd_path *path, struct vmsnd_lun_status *out)
{
	bool capture = out->capture != VMSND_CAPTURE_NO_CAPTURE;

	out->frames_in = vmsnd_figure_rt(&path->in_frames);
	out->frames_out = vmsnd_figure_rt(&path->out_frames);
	out->dropped_frames = vmsnd_figure_rt(&path->dropped_frames);
	out->silence_frames = vmsnd_figure_rt(&path->silence_frames);
	out->xruns = vmsnd_figure_rt(&path->underruns) + vmsnd_figure_rt(&path->overruns);
	out->xrun_frames =
	    vmsnd_figure_rt(&path->underrun_frames) + vmsnd_figure_rt(&path->overrun_frames);
	out->blocks = vmsnd_figure_rt(&path->blocks);
	out->host_gaps = vmsnd_figure_rt(&path->host_gaps);
	out->fill_min_frames = (uint32_t)or_zero(vmsnd_figure_rt(&path->fill_min));
	out->fill_max_frames = (uint32_t)vmsnd_figure_rt(&path->fill_max);
	out->latency_ns = vmsnd_figure_rt(&path->latency_ns);
	out->latency_min_ns = or_zero(vmsnd_figure_rt(&path->latency_min_ns));
	out->latency_max_ns = vmsnd_figure_rt(&path->latency_max_ns);
	out->drift_ppm = vmsnd_dll_ppm_rt(&path->dll);
	out->bend_ppm = path->follows || capture ? vmsnd_follow_ppm_rt(&path->follow) : 0;
}

static uint32_t fill_of(const struct vmsnd_lun *lun)
{
	return lun->index == 0 ? vmsnd_port_fill(lun->port) : vmsnd_ring_distance_rt(&lun->head);
}

void vmsnd_lun_status(const struct vmsnd_lun *lun, struct vmsnd_lun_status *out)
{
	*out = (struct vmsnd_lun_status){
	    .host = lun->state,
	    .play = play_state(lun),
	    .capture = capture_state(lun),
	    .unfit = lun->unfit && lun->wanted && !lun->stream,
	    .volume = lun->conf.volume,
	    .fill_frames = fill_of(lun),
	    .opens = lun->opens,
	    .losses = lun->losses,
	    .tries = lun->stream ? 0 : lun->tries,
	    .retry = lun->state == VMSND_HOST_LOST ? lun->retry : VMSND_NEVER,
	    .n_changes = lun->n_changes,
	};
	if (lun->stream) {
		out->format = lun->got.format;
		out->exact = atomic_load_explicit(&lun->path->exact, memory_order_relaxed) != 0;
	}
	for (unsigned i = 0; i < VMSND_LUN_CHANGES_MAX; i++)
		out->changes[i] = lun->changes[i];
	path_status(lun->path, out);
	if (lun->index == 0 && !lun->removed) {
		const struct vmsnd_path *stand = &lun->port->stand;

		out->dropped_frames += vmsnd_figure_rt(&stand->dropped_frames);
		out->silence_frames += vmsnd_figure_rt(&stand->silence_frames);
		out->frames_in += vmsnd_figure_rt(&stand->in_frames);
	}
}

void vmsnd_lun_place(const struct vmsnd_lun *lun, struct vmsnd_stream_place *out)
{
	memset(out, 0, sizeof(*out));
	if (lun->stream && lun->conf.backend->stream_place)
		lun->conf.backend->stream_place(lun->stream, out);
	/* Of another's making: whatever it is, it ends. */
	out->device[sizeof(out->device) - 1] = out->name[sizeof(out->name) - 1] = '\0';
}

enum vmsnd_rc vmsnd_lun_host_volume(struct vmsnd_lun *lun, const struct vmsnd_host_volume *want)
{
	if (!lun->conf.backend->stream_volume_set)
		return VMSND_E_UNSUPPORTED;
	if (!lun->stream)
		return VMSND_E_GONE;
	return lun->conf.backend->stream_volume_set(lun->stream, want);
}

static uint64_t both(const _Atomic uint64_t *a, const _Atomic uint64_t *b)
{
	return vmsnd_figure_rt(a) + vmsnd_figure_rt(b);
}

static uint64_t least(const _Atomic uint64_t *a, const _Atomic uint64_t *b)
{
	uint64_t x = vmsnd_figure_rt(a), y = vmsnd_figure_rt(b);

	return or_zero(x < y ? x : y);
}

static uint64_t most(const _Atomic uint64_t *a, const _Atomic uint64_t *b)
{
	uint64_t x = vmsnd_figure_rt(a), y = vmsnd_figure_rt(b);

	return x > y ? x : y;
}

size_t vmsnd_port_counters(const struct vmsnd_port *port, struct vmsnd_counter *out, size_t max)
{
	const struct vmsnd_path *path = &port->main, *stand = &port->stand;
	const struct vmsnd_lun *lun = port->luns[0];
	const struct vmsnd_counter list[] = {
	    {"frames", port->frames_before + vmsnd_port_do_done_frames(port)},
	    {"dropped_frames", both(&path->dropped_frames, &stand->dropped_frames)},
	    {"silence_frames", both(&path->silence_frames, &stand->silence_frames)},
	    {"underruns", vmsnd_figure_rt(&path->underruns)},
	    {"underrun_frames", vmsnd_figure_rt(&path->underrun_frames)},
	    {"overruns", both(&path->overruns, &stand->overruns)},
	    {"overrun_frames", both(&path->overrun_frames, &stand->overrun_frames)},
	    {"blocks", both(&path->blocks, &stand->blocks)},
	    {"host_gaps", vmsnd_figure_rt(&path->host_gaps)},
	    {"fill_min", least(&path->fill_min, &stand->fill_min)},
	    {"fill_max", most(&path->fill_max, &stand->fill_max)},
	    {"starts", port->starts},
	    {"hosts_opened", port->opens + (lun ? lun->opens : 0)},
	    {"hosts_lost", port->losses + (lun ? lun->losses : 0)},
	    {"host_stalls", port->stalls},
	};
	size_t n = sizeof(list) / sizeof(list[0]);

	for (size_t i = 0; i < n && i < max; i++)
		out[i] = list[i];
	return n;
}

bool vmsnd_port_params(const struct vmsnd_port *port, struct vmsnd_stream_params *out)
{
	if (port->prepared)
		*out = port->params;
	return port->prepared;
}
