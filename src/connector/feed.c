/* SPDX-License-Identifier: BSD-3-Clause */
/* Units above 0 on the lane: what the device hands over goes into their rings too, and their hosts
 * start when there is enough and stop when all has been played. */
#include "connector/port.h"

/* How long a host may take to play out what it holds before it is stopped. */
#define DRAIN_MS 2000u

static bool fed_by_lane(const struct vmsnd_lun *lun)
{
	return lun->dir == VMSND_PLAYBACK && lun->conf.role != VMSND_LUN_TAP_HOST;
}

/* While the host does not run the lane is the reader as well: the oldest go (PL-07). */
static void drop_oldest(struct vmsnd_lun *lun, uint32_t keep_frames)
{
	struct vmsnd_ring_end *reader = &lun->own.ring;
	uint32_t fill = vmsnd_ring_fill_rt(reader);

	if (fill <= keep_frames)
		return;
	vmsnd_ring_read_commit_rt(reader, fill - keep_frames);
	vmsnd_figure_add_rt(&lun->own.dropped_frames, fill - keep_frames);
}

static void feed(struct vmsnd_lun *lun, const unsigned char *from, uint32_t frames)
{
	struct vmsnd_path *path = lun->path;
	uint32_t put;

	if (!lun->running)
		drop_oldest(
		    lun, frames < lun->far.capacity_frames ? lun->far.capacity_frames - frames : 0);
	put = vmsnd_ring_put_rt(&lun->far, from, frames);
	vmsnd_figure_add_rt(&path->in_frames, frames);
	vmsnd_figure_add_rt(&path->dropped_frames, frames - put);
	if (put < frames)
		vmsnd_pace_break_rt(&path->pace);
	vmsnd_pace_update_rt(&path->pace, lun->far.position, lun->port->time);
	if (lun->fed == VMSND_NEVER)
		lun->fed = lun->port->time;
	/* Nobody is there to play it: the newest are kept, in case. */
	if (!lun->running && !vmsnd_lun_able(lun))
		drop_oldest(lun, lun->aim_frames);
}

/* The frames lie where begin said: at the device's end of the port's ring, in one piece. */
void vmsnd_port_feed(struct vmsnd_port *port, uint32_t frames)
{
	const struct vmsnd_ring_end *ring = &port->ring;
	uint32_t index = (uint32_t)(ring->position & (ring->capacity_frames - 1));
	const unsigned char *from = ring->storage + (size_t)index * ring->frame_bytes;
	uint32_t most = ring->capacity_frames - index;

	if (frames > most)
		frames = most;
	for (unsigned i = 1; frames > 0 && i < port->n_places; i++) {
		struct vmsnd_lun *lun = port->luns[i];

		if (lun && lun->wanted && fed_by_lane(lun) && lun->far.capacity_frames > 0)
			feed(lun, from, frames);
	}
}

/* For what the guest can have under way, and several of its periods. */
static uint32_t room_for(const struct vmsnd_port *port)
{
	const struct vmsnd_stream_params *params = &port->params;
	uint64_t some = 8 * (uint64_t)params->period_frames;

	if (some < params->buffer_frames)
		some = params->buffer_frames;
	return some < port->conf.ring_bytes ? (uint32_t)some : port->conf.ring_bytes;
}

void vmsnd_lun_feed_reset(struct vmsnd_lun *lun)
{
	const struct vmsnd_stream_params *params = &lun->port->params;

	if (!fed_by_lane(lun))
		return;
	drop_oldest(lun, 0);
	vmsnd_lun_ring_reset(lun, &params->format, room_for(lun->port));
	lun->aim_frames = 2 * params->period_frames;
}

/* What was played of the old parameters is over; the same ones go on where they are. */
void vmsnd_port_feed_reset(struct vmsnd_port *port)
{
	for (unsigned i = 1; i < port->n_places; i++) {
		struct vmsnd_lun *lun = port->luns[i];

		if (!lun || (lun->room_frames >= room_for(port) && lun->far.capacity_frames > 0 &&
			     vmsnd_format_equal(&lun->own.ring_format, &port->params.format)))
			continue;
		lun->room_frames = room_for(port);
		lun->guest_format.rate_hz = 0; /* so that aim and pace are fitted anew, too */
		vmsnd_lun_stop(lun, port->time);
		vmsnd_lun_feed_reset(lun);
	}
}

void vmsnd_port_feed_break(struct vmsnd_port *port)
{
	for (unsigned i = 1; i < port->n_places; i++)
		if (port->luns[i] && fed_by_lane(port->luns[i]))
			vmsnd_pace_break_rt(&port->luns[i]->own.pace);
}

/* ---- start and stop ---- */

/* What a conversion still holds of a frame or two it cannot give out. */
#define CRUMBS_FRAMES 2u

vmsnd_ns vmsnd_lun_drain_ns(const struct vmsnd_lun *lun)
{
	uint32_t ms = lun->conf.prefs.drain_ms ? lun->conf.prefs.drain_ms : DRAIN_MS;

	return ms * (VMSND_NS_PER_SECOND / 1000);
}

static bool empty(const struct vmsnd_lun *lun)
{
	/* From the writer's end: the reader's belongs to the host's thread. */
	return vmsnd_ring_room_rt(&lun->far) == lun->far.capacity_frames &&
	       atomic_load_explicit(&lun->path->held_frames, memory_order_relaxed) <=
		   CRUMBS_FRAMES &&
	       atomic_load_explicit(&lun->path->tail_frames, memory_order_relaxed) == 0;
}

static vmsnd_ns aim_ns(const struct vmsnd_lun *lun)
{
	return vmsnd_frames_to_ns_rt(lun->aim_frames, lun->path->ring_format.rate_hz);
}

static bool guest_plays(const struct vmsnd_port *port)
{
	return port->phase == VMSND_PORT_PREBUF || port->phase == VMSND_PORT_RUN;
}

/* A short sound must be heard all the same, so its time is enough, too; and a stream that ended.
 * What a guest hands over before it starts waits for that. */
static bool enough(const struct vmsnd_lun *lun, vmsnd_ns now)
{
	uint32_t fill = vmsnd_ring_fill_rt(&lun->own.ring);

	if (fill == 0 || !lun->due)
		return false;
	return fill >= lun->aim_frames || lun->got.follows || !guest_plays(lun->port) ||
	       (lun->fed != VMSND_NEVER && now >= lun->fed + aim_ns(lun));
}

static void over(struct vmsnd_lun *lun)
{
	drop_oldest(lun, 0);
	lun->fed = VMSND_NEVER;
	lun->due = false;
}

/* When it has had time enough to play out what it and its drivers hold. */
static vmsnd_ns idle_end(const struct vmsnd_lun *lun)
{
	const struct vmsnd_path *path = lun->path;
	uint32_t inside = atomic_load_explicit(&path->insert_frames, memory_order_relaxed);

	return lun->idle + vmsnd_lun_drain_ns(lun) +
	       vmsnd_frames_to_ns_rt(inside, path->format.rate_hz);
}

static void drive_playback(struct vmsnd_lun *lun, vmsnd_ns now)
{
	bool plays = guest_plays(lun->port);

	lun->due = lun->due || plays;
	if (!lun->running && vmsnd_lun_able(lun) && enough(lun, now))
		vmsnd_lun_start(lun, now);
	else if (!lun->running && !plays && lun->due && lun->own.ring.frame_bytes > 0)
		over(lun);
	if (plays || !lun->running)
		lun->idle = VMSND_NEVER;
	else if (lun->idle == VMSND_NEVER)
		lun->idle = now;
	if (lun->running && !plays && (empty(lun) || now >= idle_end(lun))) {
		vmsnd_lun_stop(lun, now);
		over(lun);
	}
	if (lun->running)
		atomic_store_explicit(&lun->path->gate,
				      plays ? VMSND_GATE_OPEN : VMSND_GATE_DRAINING,
				      memory_order_release);
}

/* What it recorded before is past. Only while unit 0's thread does not know of it. */
static void forget_past(struct vmsnd_lun *lun)
{
	struct vmsnd_path *path = lun->path;
	uint32_t fill = vmsnd_ring_fill_rt(&lun->far);

	if (lun->dir == VMSND_PLAYBACK)
		return;
	vmsnd_ring_read_commit_rt(&lun->far, fill);
	vmsnd_figure_add_rt(&path->dropped_frames, fill);
	vmsnd_flow_reset(path->flow);
	vmsnd_pace_break_rt(&path->pace);
	vmsnd_follow_break_rt(&path->follow);
}

/* A tap's ring is for the frames of the host it listens to, and for no other. */
static bool hears(const struct vmsnd_lun *lun)
{
	const struct vmsnd_lun *first = lun->port->luns[0];

	return lun->conf.role != VMSND_LUN_TAP_HOST ||
	       (first && first->stream &&
		vmsnd_format_equal(&first->got.format, &lun->own.ring_format));
}

static void start_linked(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (!vmsnd_lun_able(lun) || !vmsnd_lun_unlink(lun) || !hears(lun))
		return;
	forget_past(lun);
	if (vmsnd_lun_start(lun, now))
		vmsnd_lun_link(lun);
}

/* Inputs beside unit 0, and what listens to unit 0's host, run while it does. */
static void drive_linked(struct vmsnd_lun *lun, vmsnd_ns now)
{
	const struct vmsnd_port *port = lun->port;
	bool tap = lun->conf.role == VMSND_LUN_TAP_HOST;
	bool run = tap ? port->known : port->phase == VMSND_PORT_RUN;

	if (run && !lun->running)
		start_linked(lun, now);
	/* A change over was called off. */
	if (run && lun->running && !lun->linked && !lun->other.changing)
		vmsnd_lun_link(lun);
	if (!run && lun->running) {
		vmsnd_lun_unlink(lun);
		vmsnd_lun_stop(lun, now);
	}
}

void vmsnd_lun_go_on(struct vmsnd_lun *lun, bool waiting, vmsnd_ns now)
{
	if (!vmsnd_lun_able(lun) || !hears(lun) || !vmsnd_lun_start(lun, now) || fed_by_lane(lun))
		return;
	if (lun->dir == VMSND_CAPTURE) /* unit 0's thread reads it, once it knows of the unit */
		lun->path->waiting = waiting || vmsnd_ring_fill_rt(&lun->far) == 0;
	vmsnd_lun_link(lun);
}

void vmsnd_lun_drive(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (lun->index == 0)
		return;
	if (lun->port->paused) {
		vmsnd_lun_unlink(lun);
		vmsnd_lun_stop(lun, now);
	} else if (fed_by_lane(lun)) {
		drive_playback(lun, now);
	} else {
		drive_linked(lun, now);
	}
}

vmsnd_ns vmsnd_lun_drive_deadline(const struct vmsnd_lun *lun, vmsnd_ns now)
{
	vmsnd_ns at = VMSND_NEVER;

	if (lun->index == 0 || lun->port->paused || !fed_by_lane(lun))
		return VMSND_NEVER;
	if (!lun->running && lun->due && vmsnd_lun_able(lun) && lun->fed != VMSND_NEVER &&
	    vmsnd_ring_fill_rt(&lun->own.ring) > 0)
		at = lun->fed + aim_ns(lun);
	/* A host with a thread of its own does not tell when all is played. */
	if (lun->running && lun->idle != VMSND_NEVER)
		at = now + aim_ns(lun) / 2 + 1;
	return at;
}
