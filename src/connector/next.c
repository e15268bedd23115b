/* SPDX-License-Identifier: BSD-3-Clause */
/* Make before break (DM-73): a stream on another backend, opened beside the one that plays, and the
 * change over to it. What is left behind is closed on the same side, one thing at a time. */
#include "connector/port.h"

/* A host that is initializing does not tell when it is done. */
#define LOOK_NS UINT64_C(10000000)
/* How soon another thread is looked for again that is just leaving. */
#define FENCE_NS UINT64_C(1000000)
/* One that wants to be opened anew again and again is of no use. */
#define REOPENS_MAX 4u
/* Rounds of one settle: closed, opened, refused, asked more plainly. */
#define ROUNDS_MAX 8u

static struct vmsnd_lun_side *other_side(struct vmsnd_lun *lun)
{
	return lun->side == &lun->sides[0] ? &lun->sides[1] : &lun->sides[0];
}

bool vmsnd_lun_other_over(const struct vmsnd_lun *lun)
{
	return lun->other.state == VMSND_NEXT_NONE && !lun->other.leaving;
}

/* ---- the other side's stream ---- */

/* PAR-08 */
static bool usable(const struct vmsnd_lun *lun, const struct vmsnd_stream_got *got)
{
	const struct vmsnd_port *port = lun->port;
	const struct vmsnd_format *asked = &lun->other.asked.format;

	if (vmsnd_sample_is_opaque(got->format.sample) || vmsnd_sample_is_opaque(asked->sample))
		return vmsnd_got_is_sound(got) && vmsnd_format_equal(&got->format, asked);
	return vmsnd_got_is_sound(got) &&
	       (port->conf.env->rates || got->format.rate_hz == port->params.format.rate_hz);
}

static void answered(struct vmsnd_lun *lun, const struct vmsnd_lun_job *job)
{
	struct vmsnd_lun_other *other = &lun->other;
	bool plainer = job->rc == VMSND_E_UNSUPPORTED && !other->plain;

	if (job->rc == VMSND_OK) {
		other->stream = job->stream;
		other->got = job->got;
		lun->opens++;
	}
	if (other->state == VMSND_NEXT_NONE)
		return;
	other->plain = job->rc == VMSND_OK ? other->plain : plainer;
	if (job->rc == VMSND_OK ? !usable(lun, &other->got) : !plainer)
		other->state = VMSND_NEXT_FAILED;
}

/* False while it is under way. */
static bool job_over(struct vmsnd_lun *lun)
{
	struct vmsnd_lun_job *job = &other_side(lun)->job;
	enum vmsnd_lun_task task = job->task;

	if (task == VMSND_TASK_NONE)
		return true;
	if (!atomic_load_explicit(&job->job.done, memory_order_acquire))
		return false;
	job->task = VMSND_TASK_NONE;
	if (task == VMSND_TASK_OPEN)
		answered(lun, job);
	return true;
}

/* The job still says which backend has opened it. */
static void begin_close(struct vmsnd_lun *lun)
{
	struct vmsnd_lun_side *side = other_side(lun);

	side->job.stream = lun->other.stream;
	lun->other.stream = NULL;
	vmsnd_side_begin(side, VMSND_TASK_CLOSE);
}

static void begin_open(struct vmsnd_lun *lun, const struct vmsnd_stream_want *want)
{
	struct vmsnd_lun_side *side = other_side(lun);

	lun->other.asked = *want;
	side->job.backend = lun->other.conf.backend;
	side->job.host = lun->other.conf.host;
	side->job.want = *want;
	vmsnd_side_begin(side, VMSND_TASK_OPEN);
}

/* What the backend says of it; true: it is to be closed. */
static bool spoiled(struct vmsnd_lun *lun)
{
	struct vmsnd_lun_side *side = other_side(lun);
	struct vmsnd_lun_other *other = &lun->other;
	uint32_t notices = atomic_exchange_explicit(&side->notices, 0, memory_order_acquire);
	bool reopen = notices & 1u << VMSND_STREAM_REOPEN;

	other->tries += reopen;
	if (atomic_load_explicit(&side->ended, memory_order_acquire) || other->tries > REOPENS_MAX)
		other->state = VMSND_NEXT_FAILED;
	return reopen || other->state == VMSND_NEXT_FAILED;
}

static enum vmsnd_lun_next readiness(const struct vmsnd_lun_other *other)
{
	const struct vmsnd_backend_class *cls = other->conf.backend;

	if (cls->stream_state && cls->stream_state(other->stream) == VMSND_STREAM_INITIALIZING)
		return VMSND_NEXT_OPENING;
	return VMSND_NEXT_READY;
}

/* True when something was done that calls for another look. */
static bool settle_next(struct vmsnd_lun *lun)
{
	struct vmsnd_lun_other *other = &lun->other;
	struct vmsnd_stream_want want;
	bool wanted = vmsnd_lun_wants_next(lun, &want);

	if (!other->stream && !wanted) {
		other->state = VMSND_NEXT_READY;
		other->plain = false;
		return false;
	}
	if (!other->stream) {
		other->state = VMSND_NEXT_OPENING;
		begin_open(lun, &want);
		return true;
	}
	if (spoiled(lun) || !wanted || !vmsnd_want_equal(&want, &other->asked)) {
		if (other->state != VMSND_NEXT_FAILED)
			other->state = VMSND_NEXT_OPENING;
		begin_close(lun);
		return true;
	}
	other->state = readiness(other);
	return false;
}

static bool settle(struct vmsnd_lun *lun)
{
	struct vmsnd_lun_other *other = &lun->other;

	if (lun->removed) {
		other->state = VMSND_NEXT_NONE;
		other->leaving = true;
	}
	if (other->state != VMSND_NEXT_NONE && other->state != VMSND_NEXT_FAILED)
		return settle_next(lun);
	if (other->stream) {
		begin_close(lun);
		return true;
	}
	other->leaving = false;
	return false;
}

vmsnd_ns vmsnd_lun_other_deadline(const struct vmsnd_lun *lun, vmsnd_ns now)
{
	const struct vmsnd_lun_other *other = &lun->other;
	const struct vmsnd_lun_side *side = &lun->sides[lun->side == &lun->sides[0]];

	if (other->changing)
		return now + FENCE_NS;
	if (side->job.task != VMSND_TASK_NONE)
		return VMSND_NEVER; /* the pool wakes the lane */
	return other->leaving || other->state == VMSND_NEXT_OPENING ? now + LOOK_NS : VMSND_NEVER;
}

/* ---- the change over ---- */

/* What the old conversion holds goes back where it came from, so that the new one gets it. Of a
 * microphone it goes on into the ring, as there is nowhere else. */
static void save_held(struct vmsnd_lun *lun)
{
	struct vmsnd_port *port = lun->port;
	struct vmsnd_path *path = lun->path;
	struct vmsnd_ring_end *reader = lun->dir == VMSND_CAPTURE ? &lun->far : &path->ring;
	uint32_t held = vmsnd_flow_held_frames_rt(path->flow), lost = 0;
	uint64_t done = vmsnd_port_do_done_frames(port), moved;

	if (held == 0 || (lun->index == 0 && vmsnd_block_clock_runs(&port->clock)) ||
	    !vmsnd_format_equal(&lun->guest_format, &port->params.format))
		return;
	if (lun->index == 0 && lun->dir == VMSND_CAPTURE) {
		const struct vmsnd_flow_block rest = {.frames = held};

		moved = vmsnd_flow_push_rt(path->flow, &rest, &path->ring, &lost);
		vmsnd_figure_add_rt(&path->in_frames, moved + lost);
		vmsnd_figure_add_rt(&path->dropped_frames, lost);
		vmsnd_figure_add_rt(&path->overrun_frames, lost);
		return;
	}
	moved = vmsnd_ring_unread(reader, held);
	vmsnd_figure_add_rt(&path->out_frames, 0 - moved);
	/* What the guest has been told is done stays done. */
	if (lun->index == 0 && vmsnd_port_do_done_frames(port) < done)
		port->ahead_done = done;
}

static void exchange_confs(struct vmsnd_lun *lun)
{
	const struct vmsnd_lun_next_conf *conf = &lun->other.conf;

	if (lun->conf.insert != conf->insert)
		vmsnd_path_insert_none(lun->path);
	lun->conf.backend = conf->backend;
	lun->conf.host = conf->host;
	lun->next_host = lun->other.next_host;
	lun->conf.insert = conf->insert;
	lun->conf.prefs = conf->prefs;
}

/* The unit's stream is the next one, or the one that is being opened, or none; the old one is on
 * the other side. */
static void exchange(struct vmsnd_lun *lun, vmsnd_ns now)
{
	struct vmsnd_lun_other *other = &lun->other;
	struct vmsnd_stream *old = lun->stream;
	bool failed = other->state == VMSND_NEXT_FAILED;

	exchange_confs(lun);
	lun->side = other_side(lun);
	lun->stream = other->stream;
	lun->asked = other->asked;
	lun->got = other->got;
	lun->plain = other->plain;
	*other = (struct vmsnd_lun_other){.stream = old};
	lun->opened = lun->retry = now;
	lun->tries = 0;
	lun->told = failed;
	lun->unfit = lun->inserted = lun->reopen = lun->switching = lun->asleep = lun->early =
	    false;
	if (failed)
		vmsnd_lun_retry_later(lun, now);
}

static void fit(struct vmsnd_lun *lun, vmsnd_ns now)
{
	struct vmsnd_port *port = lun->port;
	struct vmsnd_path *path = lun->path;

	vmsnd_flow_close(path->flow);
	atomic_store_explicit(&path->delay_frames, 0, memory_order_relaxed);
	atomic_store_explicit(&path->held_frames, 0, memory_order_relaxed);
	if (lun->stream) {
		lun->reopen = vmsnd_lun_fit(lun) != VMSND_OK;
		vmsnd_lun_look_at_state(lun, now);
	} else if (lun->index == 0 && port->prepared) {
		vmsnd_port_measure(port);
	}
}

static void change(struct vmsnd_lun *lun, vmsnd_ns now)
{
	struct vmsnd_port *port = lun->port;
	bool running = lun->running, stalled = lun->stalled, draining = lun->draining,
	     holding = port->holding, waiting;

	vmsnd_lun_stop(lun, now);
	waiting = lun->path->waiting;
	if (lun->stream)
		save_held(lun);
	exchange(lun, now);
	fit(lun, now);
	vmsnd_port_wish(port);
	if (lun->index > 0) {
		if (running)
			vmsnd_lun_go_on(lun, waiting, now);
	} else {
		vmsnd_port_drive(port, now);
		if (running && !stalled && lun->running)
			port->holding = holding;
		/* The old one had the last frame already. */
		if (draining)
			port->drained = now;
	}
	lun->other.leaving = true;
}

/* An input beside unit 0 waits until unit 0's thread has let go of it; its host records on. */
static void try_change(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (lun->removed || vmsnd_lun_unlink(lun))
		change(lun, now);
}

void vmsnd_lun_settle_other(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (lun->other.changing && !lun->removed)
		try_change(lun, now);
	for (unsigned n = 0; n < ROUNDS_MAX && job_over(lun); n++)
		if (!settle(lun))
			return;
}

/* ---- the owner ---- */

enum vmsnd_rc vmsnd_lun_next(struct vmsnd_lun *lun, const struct vmsnd_lun_next_conf *conf,
			     vmsnd_ns now)
{
	if (!conf->backend || lun->removed)
		return VMSND_E_INVALID;
	if (!vmsnd_lun_other_over(lun))
		return VMSND_E_AGAIN;
	lun->other = (struct vmsnd_lun_other){.conf = *conf, .state = VMSND_NEXT_OPENING};
	lun->port->time = now;
	vmsnd_port_settle_luns(lun->port, now);
	return VMSND_OK;
}

enum vmsnd_lun_next vmsnd_lun_next_state(const struct vmsnd_lun *lun)
{
	return lun->other.changing ? VMSND_NEXT_NONE : lun->other.state;
}

void vmsnd_lun_change_over(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (vmsnd_lun_next_state(lun) == VMSND_NEXT_NONE || lun->removed)
		return;
	lun->port->time = now;
	vmsnd_lun_settle_other(lun, now);
	lun->other.changing = true;
	lun->other.next_host = lun->other.conf.host;
	try_change(lun, now);
	vmsnd_port_settle_luns(lun->port, now);
}

void vmsnd_lun_next_drop(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (vmsnd_lun_next_state(lun) == VMSND_NEXT_NONE)
		return;
	lun->other.state = VMSND_NEXT_NONE;
	lun->other.leaving = true;
	lun->port->time = now;
	vmsnd_port_settle_luns(lun->port, now);
}

bool vmsnd_lun_next_over(const struct vmsnd_lun *lun)
{
	return vmsnd_lun_other_over(lun);
}
