/* SPDX-License-Identifier: BSD-3-Clause */
/* A port in time: start, pre-buffering, stop, drain, and who moves its frames. Every event of the
 * port's own is stamped with the time it was due, not with the time somebody looked, so one big
 * step and many small ones end alike. */
#include "connector/port.h"

/* What the stand-in moves in one call; a lane that comes later than that calls again. */
#define AT_ONCE_NS (10 * VMSND_NS_PER_SECOND)

/* A host that says it is further behind than this is not believed. */
#define DELAY_MAX_NS (10 * VMSND_NS_PER_SECOND)

#define PATIENCE_LEAST_NS UINT64_C(60000000)
#define PATIENCE_MOST_NS  UINT64_C(250000000)

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static bool moving(const struct vmsnd_port *port)
{
	return !port->paused && (port->phase == VMSND_PORT_RUN || port->phase == VMSND_PORT_DRAIN);
}

static void set_gate(struct vmsnd_port *port)
{
	uint32_t gate = VMSND_GATE_SHUT;
	const struct vmsnd_lun *lun = port->luns[0];

	if (moving(port) && lun && lun->running && !lun->stalled)
		gate = port->phase == VMSND_PORT_DRAIN ? VMSND_GATE_DRAINING : VMSND_GATE_OPEN;
	atomic_store_explicit(&port->main.gate, gate, memory_order_release);
}

/* ---- who moves the frames ---- */

/* The stand-in goes on from where nothing has moved since: what the one before it had waited of a
 * block is not lost, or a storm of changes would stop the guest's time. */
static vmsnd_ns idle_since(struct vmsnd_port *port, vmsnd_ns at)
{
	uint64_t moved = vmsnd_figure_rt(&port->main.blocks) + vmsnd_figure_rt(&port->stand.blocks);

	if (moved != port->moved_blocks || port->since > at)
		port->since = at;
	port->moved_blocks = moved;
	return port->since;
}

static void stand_in(struct vmsnd_port *port, vmsnd_ns at)
{
	if (vmsnd_block_clock_runs(&port->clock))
		return;
	port->stand.ring = port->main.ring;
	port->stand.overrunning = false;
	vmsnd_port_fit_stand_in(port);
	vmsnd_block_clock_start(&port->clock, idle_since(port, at));
}

static void stand_down(struct vmsnd_port *port)
{
	if (!vmsnd_block_clock_runs(&port->clock))
		return;
	vmsnd_block_clock_stop(&port->clock);
	port->main.ring = port->stand.ring;
}

static void start_host(struct vmsnd_port *port, vmsnd_ns at)
{
	stand_down(port);
	idle_since(port, at);
	/* The gate opens before the first block, or that would be silence. */
	port->luns[0]->running = true;
	set_gate(port);
	if (!vmsnd_lun_start(port->luns[0], at)) {
		stand_in(port, at);
		return;
	}
	port->ahead_blocks = vmsnd_figure_rt(&port->main.blocks);
	port->ahead_since = at;
	port->just_started = !port->luns[0]->conf.backend->advance;
	port->holding = port->conf.dir == VMSND_CAPTURE && port->threshold_frames > 0 &&
			vmsnd_port_fill(port) < port->threshold_frames;
	if (port->holding)
		port->start = at;
}

void vmsnd_port_rebuffer(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->conf.dir == VMSND_CAPTURE || port->phase != VMSND_PORT_RUN)
		return;
	stand_down(port);
	port->phase = VMSND_PORT_PREBUF;
	port->start = at;
	set_gate(port);
}

/* Unit 0's host if it can; one that comes while the stand-in is at work starts with a full
 * threshold (PL-14, PL-19). */
void vmsnd_port_drive(struct vmsnd_port *port, vmsnd_ns at)
{
	struct vmsnd_lun *lun = port->luns[0];
	bool able = lun && vmsnd_lun_able(lun), stood_in = vmsnd_block_clock_runs(&port->clock);

	if (lun && (!able || !moving(port)))
		vmsnd_lun_stop(lun, at);
	if (moving(port) && able && !lun->stalled && stood_in)
		vmsnd_port_rebuffer(port, at);
	if (!moving(port))
		stand_down(port);
	else if (!able || lun->stalled)
		stand_in(port, at);
	else if (!lun->running)
		start_host(port, at);
	else
		stand_down(port);
	set_gate(port);
}

void vmsnd_port_settle_luns(struct vmsnd_port *port, vmsnd_ns now)
{
	for (unsigned i = 0; i < port->n_places; i++) {
		if (!port->luns[i])
			continue;
		vmsnd_lun_settle(port->luns[i], now);
		if (i > 0)
			vmsnd_lun_drive(port->luns[i], now);
	}
	vmsnd_port_drive(port, now);
}

/* ---- phases ---- */

static void go(struct vmsnd_port *port, enum vmsnd_port_phase phase, vmsnd_ns at)
{
	port->phase = phase;
	vmsnd_port_drive(port, at);
}

static bool enough(const struct vmsnd_port *port)
{
	return port->conf.dir == VMSND_CAPTURE || vmsnd_port_fill(port) >= port->threshold_frames;
}

/* What the guest hands over may be less than the threshold and stay so: a short sound
 * must be heard all the same, and time must go on for a guest that hands over nothing. */
static vmsnd_ns prebuf_deadline(const struct vmsnd_port *port)
{
	return port->start + port->threshold_ns;
}

/* A server takes some 20 to 100 ms to open a stream; what the guest plays meanwhile is kept for it.
 * Not for longer than the guest has patience: Linux gives a write up when no period has ended for
 * 1.1 times the buffer's length, 100 ms at the least. */
static vmsnd_ns patience_ns(const struct vmsnd_port *port)
{
	vmsnd_ns ns = vmsnd_port_frames_ns(port, port->params.buffer_frames) * 3 / 4;

	ns = ns < PATIENCE_LEAST_NS ? PATIENCE_LEAST_NS : ns;
	return earlier(ns, PATIENCE_MOST_NS);
}

/* One that has failed since it last worked may take for ever. */
static bool awaits_host(const struct vmsnd_port *port)
{
	const struct vmsnd_lun *lun = port->luns[0];

	return port->conf.dir == VMSND_PLAYBACK && port->phase == VMSND_PORT_PREBUF && lun &&
	       lun->state == VMSND_HOST_OPENING && lun->tries == 0;
}

static vmsnd_ns play_deadline(const struct vmsnd_port *port)
{
	vmsnd_ns filled = prebuf_deadline(port), waited = port->awaited;

	if (awaits_host(port))
		waited = port->start + patience_ns(port);
	return waited > filled ? waited : filled;
}

/* A host that comes does so now, however long ago there was enough for it. */
static void look_for_host(struct vmsnd_port *port, vmsnd_ns now)
{
	bool awaiting = awaits_host(port);

	if (port->paused)
		return;
	if (port->awaiting && !awaiting)
		port->awaited = now;
	port->awaiting = awaiting;
}

/* Whether the host is asked to say when all has been heard (PL-24, BE-12). */
static bool host_drains(struct vmsnd_port *port, vmsnd_ns at)
{
	struct vmsnd_lun *lun = port->luns[0];
	const struct vmsnd_backend_class *cls = lun && lun->running ? lun->conf.backend : NULL;

	if (!cls || !cls->stream_drain || !cls->stream_state)
		return false;
	if (!lun->draining)
		lun->draining = cls->stream_drain(lun->stream, at) == VMSND_OK;
	return lun->draining;
}

static bool host_drained(const struct vmsnd_port *port)
{
	const struct vmsnd_lun *lun = port->luns[0];

	return !lun || !lun->draining ||
	       lun->conf.backend->stream_state(lun->stream) != VMSND_STREAM_DRAINING;
}

static uint32_t left_inside(const struct vmsnd_port *port)
{
	const struct vmsnd_path *path = &port->main;
	uint32_t held = 0;

	if (port->luns[0] && port->luns[0]->running && !port->luns[0]->stalled)
		held = atomic_load_explicit(&path->held_frames, memory_order_relaxed) +
		       (atomic_load_explicit(&path->tail_frames, memory_order_relaxed) > 0);
	return vmsnd_port_fill(port) + held;
}

/* What the drivers held has come out of them by then. */
static vmsnd_ns host_delay_ns(const struct vmsnd_port *port)
{
	const struct vmsnd_path *path = &port->main;
	uint32_t all = vmsnd_port_do_delay_frames(port);
	uint64_t inside = atomic_load_explicit(&path->insert_frames, memory_order_relaxed);

	if (path->format.rate_hz > 0)
		inside = inside * port->params.format.rate_hz / path->format.rate_hz;
	return vmsnd_port_frames_ns(port, all > inside ? all - inside : 0);
}

/* The last frame has left the ring; it is heard `delay_frames` later, or when the host says. */
static void settle_drain(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->phase != VMSND_PORT_DRAIN || port->paused)
		return;
	if (left_inside(port) > 0) {
		port->drained = VMSND_NEVER;
		if (port->luns[0] && port->luns[0]->draining) { /* there is more, after all */
			vmsnd_lun_stop(port->luns[0], at);
			vmsnd_port_drive(port, at);
		}
		return;
	}
	if (port->drained == VMSND_NEVER) {
		port->drained = at + earlier(host_delay_ns(port), DELAY_MAX_NS);
		if (host_drains(port, at))
			port->drained += vmsnd_lun_drain_ns(port->luns[0]);
	}
	if (port->luns[0] && port->luns[0]->draining && host_drained(port))
		port->drained = at;
	if (port->drained <= at)
		vmsnd_port_halt(port, port->drained);
}

/* CA-04, CA-05: held back no longer than the threshold's time. */
static void settle_holding(struct vmsnd_port *port, vmsnd_ns at)
{
	const struct vmsnd_lun *lun = port->luns[0];

	if (!port->holding)
		return;
	if (!lun || !lun->running || vmsnd_port_fill(port) >= port->threshold_frames ||
	    at >= prebuf_deadline(port))
		port->holding = false;
}

static void settle(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->paused)
		return;
	if (port->phase == VMSND_PORT_PREBUF && enough(port) &&
	    (!awaits_host(port) || at >= play_deadline(port))) {
		if (at > port->start)
			port->since = at;
		go(port, VMSND_PORT_RUN, at);
	}
	settle_holding(port, at);
	settle_drain(port, at);
}

enum vmsnd_rc vmsnd_port_do_start(struct vmsnd_port *port, vmsnd_ns now)
{
	if (!port->prepared)
		return VMSND_E_INVALID;
	port->time = now;
	vmsnd_port_settle_luns(port, now);
	if (port->phase == VMSND_PORT_DRAIN) { /* PLx-5 */
		port->phase = VMSND_PORT_RUN;
		port->drained = VMSND_NEVER;
		if (port->luns[0] && port->luns[0]->draining)
			vmsnd_lun_stop(port->luns[0], now);
		vmsnd_port_drive(port, now);
	}
	if (port->phase != VMSND_PORT_IDLE)
		return VMSND_OK;
	vmsnd_port_feed_break(port);
	port->phase = VMSND_PORT_PREBUF;
	port->start = port->since = now;
	port->starts++;
	settle(port, now);
	vmsnd_port_settle_luns(port, now);
	return VMSND_OK;
}

void vmsnd_port_do_stop(struct vmsnd_port *port, vmsnd_ns now)
{
	port->time = now;
	vmsnd_port_halt(port, now);
	vmsnd_port_settle_luns(port, now);
}

void vmsnd_port_do_drain(struct vmsnd_port *port, vmsnd_ns now)
{
	if (port->conf.dir == VMSND_CAPTURE || port->phase == VMSND_PORT_IDLE) {
		vmsnd_port_do_stop(port, now);
		return;
	}
	port->time = now;
	vmsnd_port_settle_luns(port, now);
	if (port->phase == VMSND_PORT_PREBUF && vmsnd_port_fill(port) == 0)
		vmsnd_port_halt(port, now); /* PL-23 */
	else
		go(port, VMSND_PORT_DRAIN, now); /* PL-22, PL-24 */
	settle_drain(port, now);
	vmsnd_port_settle_luns(port, now);
}

/* ---- time ---- */

static bool runs_ahead(const struct vmsnd_port *port)
{
	const struct vmsnd_lun *lun = port->luns[0];

	return port->coarse && moving(port) && lun && lun->running && !lun->stalled;
}

/* A host that takes more at a time than half of what the guest can have posted: did frames count as
 * done when they are taken, the guest could never have posted a block in time and its clock would
 * stand. So between blocks they are done as time goes by, while they still wait in the ring; but
 * for the last period, so that a guest that ends does not take the ring away with them. */
void vmsnd_port_run_ahead(struct vmsnd_port *port, vmsnd_ns now)
{
	uint64_t blocks = vmsnd_figure_rt(&port->main.blocks), position = port->ring.position, at;
	vmsnd_ns when = vmsnd_figure_rt(&port->main.block_ns);
	uint32_t period = port->params.period_frames;

	if (!runs_ahead(port))
		return;
	if (blocks != port->ahead_blocks) {
		port->ahead_blocks = blocks;
		port->ahead_since = earlier(when, now); /* `when` may be of a clock before ours */
	}
	at = vmsnd_ns_to_frames(now - port->ahead_since, port->params.format.rate_hz);
	at = position - vmsnd_port_fill(port) + at / period * period;
	if (position < period || at > position - period)
		at = position < period ? 0 : position - period;
	if (at > port->ahead_done)
		port->ahead_done = at;
}

static vmsnd_ns ahead_deadline(const struct vmsnd_port *port, vmsnd_ns now)
{
	uint64_t period = port->params.period_frames, at;

	if (!runs_ahead(port))
		return VMSND_NEVER;
	at = vmsnd_ns_to_frames(now - port->ahead_since, port->params.format.rate_hz);
	return port->ahead_since + vmsnd_port_frames_ns(port, (at / period + 1) * period);
}

/* The port's own next event. */
static vmsnd_ns own_deadline(const struct vmsnd_port *port)
{
	if (port->paused)
		return VMSND_NEVER;
	if (port->phase == VMSND_PORT_PREBUF)
		return earlier(play_deadline(port), vmsnd_block_clock_next(&port->clock));
	if (port->holding)
		return earlier(prebuf_deadline(port), vmsnd_block_clock_next(&port->clock));
	return earlier(vmsnd_block_clock_next(&port->clock), port->drained);
}

static void own_event(struct vmsnd_port *port, vmsnd_ns at)
{
	if (port->phase == VMSND_PORT_PREBUF) {
		port->since = at; /* this time was asked for */
		go(port, VMSND_PORT_RUN, at);
	} else if (vmsnd_block_clock_tick(&port->clock, at)) {
		if (port->conf.dir == VMSND_PLAYBACK)
			vmsnd_playback_skip_rt(port, port->params.period_frames);
		else
			vmsnd_capture_fill_rt(port, port->params.period_frames, at);
	}
	settle_holding(port, at);
	settle_drain(port, at);
}

/* A host with a thread of its own does not tell when the ring runs empty: look again when it
 * can have. */
static vmsnd_ns look_again(const struct vmsnd_port *port, vmsnd_ns now)
{
	const struct vmsnd_lun *lun = port->luns[0];
	uint32_t fill = vmsnd_port_fill(port), period = port->params.period_frames;

	if (port->phase != VMSND_PORT_DRAIN || port->paused || !lun || !lun->running)
		return VMSND_NEVER;
	if (lun->conf.backend->advance && !lun->draining)
		return VMSND_NEVER;
	return now + vmsnd_port_frames_ns(port, fill > period ? fill : period);
}

vmsnd_ns vmsnd_port_advance(struct vmsnd_port *port, vmsnd_ns now)
{
	vmsnd_ns next = own_deadline(port), last = now;

	port->time = now;
	vmsnd_port_settle_luns(port, now);
	look_for_host(port, now);
	if (next < now && now - next > AT_ONCE_NS)
		last = next + AT_ONCE_NS;
	while (own_deadline(port) <= last)
		own_event(port, own_deadline(port));
	settle(port, now);
	vmsnd_port_run_ahead(port, now);
	next = earlier(own_deadline(port), look_again(port, now));
	next = earlier(next, ahead_deadline(port, now));
	/* What the device handed over may have let frames be done that it has not seen yet. */
	if (port->ahead_told != port->ahead_done)
		next = now;
	port->ahead_told = port->ahead_done;
	/* Only now can the device be told when such a host's frames are due. */
	if (port->just_started)
		next = now;
	port->just_started = false;
	if (port->luns[0])
		next = earlier(next, vmsnd_lun_watch(port->luns[0], now));
	for (unsigned i = 0; i < port->n_places; i++) {
		const struct vmsnd_lun *lun = port->luns[i];

		if (!lun)
			continue;
		next = earlier(next, vmsnd_lun_deadline(lun, now));
		next = earlier(next, vmsnd_lun_drive_deadline(lun, now));
	}
	return next;
}
