/* SPDX-License-Identifier: BSD-3-Clause */
/* The host stream of a unit: what is wanted, what is there, and what is done to bring the two
 * together. One slow thing at a time; whatever happens meanwhile changes only what is wanted. */
#include "connector/port.h"

/* RI-02: the n-th failure in a row is followed by a try after n - 1 seconds, up to this: a server
 * that comes back is found whenever that is. */
#define RETRY_S 5u

/* No host moves so much at a time. */
#define PERIOD_MAX_S 10u

/* A stream that lasts so long worked; one that is lost sooner is one more failure. */
#define WORKED_NS VMSND_NS_PER_SECOND
/* How soon another thread is looked for again that is just leaving. */
#define FENCE_NS UINT64_C(1000000)
/* How soon a stream that is initializing is looked at again while sound waits for it. */
#define EARLY_NS UINT64_C(2000000)

/* A device switch that was announced and has not come by then will not. */
#define SWITCH_NS (2 * VMSND_NS_PER_SECOND)

/* Rounds of one settle: host changed, closed, opened, refused, asked more plainly. */
#define ROUNDS_MAX 8u

/* ---- jobs ---- */

static void run_job(struct vmsnd_job *base)
{
	struct vmsnd_lun_job *job = (struct vmsnd_lun_job *)base;
	const struct vmsnd_backend_class *cls = job->backend;

	if (job->task == VMSND_TASK_OPEN)
		job->rc = cls->stream_open(job->host, &job->want,
					   job->want.dir == VMSND_PLAYBACK ? &vmsnd_playback_user
									   : &vmsnd_capture_user,
					   job->side, &job->stream, &job->got);
	else if (job->task == VMSND_TASK_CLOSE)
		cls->stream_close(job->stream);
	else
		cls->stream_hint(job->host, &job->want);
}

/* TH-07: with nobody to do it, it is done here. */
void vmsnd_side_begin(struct vmsnd_lun_side *side, enum vmsnd_lun_task task)
{
	static const uint32_t slow[] = {[VMSND_TASK_OPEN] = VMSND_BACKEND_SLOW_STREAM_OPEN,
					[VMSND_TASK_CLOSE] = VMSND_BACKEND_SLOW_STREAM_CLOSE,
					[VMSND_TASK_HINT] = VMSND_BACKEND_SLOW_HINT};
	const struct vmsnd_connector_env *env = side->lun->port->conf.env;
	struct vmsnd_lun_job *job = &side->job;

	if (task == VMSND_TASK_OPEN) {
		atomic_store_explicit(&side->ended, false, memory_order_relaxed);
		atomic_store_explicit(&side->notices, 0, memory_order_relaxed);
	}
	job->task = task;
	job->side = side;
	job->job.run = run_job;
	job->job.urgent = task == VMSND_TASK_CLOSE; /* a switch that is off closes now */
	atomic_store_explicit(&job->job.done, false, memory_order_relaxed);
	if ((job->backend->flags & slow[task]) && env->submit && env->submit(env->ctx, &job->job))
		return;
	run_job(&job->job);
	atomic_store_explicit(&job->job.done, true, memory_order_relaxed);
}

static void begin(struct vmsnd_lun *lun, enum vmsnd_lun_task task)
{
	lun->side->job.backend = lun->conf.backend;
	lun->side->job.host = lun->conf.host;
	vmsnd_side_begin(lun->side, task);
}

void vmsnd_lun_hint(struct vmsnd_lun *lun, const struct vmsnd_stream_params *params)
{
	if (!lun->conf.backend->stream_hint || !lun->conf.host || lun->stream ||
	    lun->side->job.task != VMSND_TASK_NONE || lun->conf.role != VMSND_LUN_NORMAL)
		return;
	vmsnd_lun_want_for(lun, params, &lun->side->job.want);
	begin(lun, VMSND_TASK_HINT);
}

/* ---- coming and going ---- */

void vmsnd_lun_retry_later(struct vmsnd_lun *lun, vmsnd_ns now)
{
	uint32_t most_s = lun->conf.prefs.retry_s ? lun->conf.prefs.retry_s : RETRY_S;
	uint32_t wait_s = lun->tries < most_s ? lun->tries : most_s;

	lun->retry = now + wait_s * VMSND_NS_PER_SECOND;
	lun->tries++;
}

static void forget_failures(struct vmsnd_lun *lun, vmsnd_ns now)
{
	lun->retry = now;
	lun->tries = 0;
	lun->plain = lun->unfit = false;
}

/* The guest has something that is no PCM, and the host takes nothing or something else: it will not
 * be otherwise until one of them changes. */
static bool unfit(struct vmsnd_lun *lun)
{
	lun->unfit = vmsnd_sample_is_opaque(lun->asked.format.sample);
	if (lun->unfit)
		lun->retry = VMSND_NEVER;
	return lun->unfit;
}

static void begin_open(struct vmsnd_lun *lun, const struct vmsnd_stream_want *want)
{
	lun->reopen = false;
	lun->asked = *want;
	lun->side->job.want = *want;
	lun->side->job.want.again = lun->told;
	begin(lun, VMSND_TASK_OPEN);
}

bool vmsnd_got_is_sound(const struct vmsnd_stream_got *got)
{
	return vmsnd_format_frame_bytes(&got->format) > 0 && got->period_frames > 0 &&
	       got->period_frames <= (uint64_t)PERIOD_MAX_S * got->format.rate_hz &&
	       got->max_frames > 0;
}

static void refused(struct vmsnd_lun *lun, enum vmsnd_rc rc, vmsnd_ns now)
{
	lun->told = true;
	if (rc == VMSND_E_UNSUPPORTED && unfit(lun))
		return;
	lun->plain = rc == VMSND_E_UNSUPPORTED && !lun->plain;
	vmsnd_lun_retry_later(lun, now);
	if (lun->plain)
		lun->retry = now;
}

static void begin_close(struct vmsnd_lun *lun, vmsnd_ns now)
{
	vmsnd_lun_stop(lun, now);
	lun->fenced = false;
	vmsnd_flow_close(lun->path->flow);
	atomic_store_explicit(&lun->path->delay_frames, 0, memory_order_relaxed);
	atomic_store_explicit(&lun->path->held_frames, 0, memory_order_relaxed);
	vmsnd_path_insert_none(lun->path);
	lun->side->job.stream = lun->stream;
	lun->stream = NULL;
	vmsnd_port_wish(lun->port);
	lun->reopen = lun->asleep = lun->early = lun->switching = false;
	begin(lun, VMSND_TASK_CLOSE);
}

static void opened(struct vmsnd_lun *lun, vmsnd_ns now)
{
	lun->stream = lun->side->job.stream;
	lun->got = lun->side->job.got;
	vmsnd_port_wish(lun->port);
	lun->opened = now;
	lun->opens++;
	lun->told = lun->inserted = lun->unfit = false;
	/* PAR-08. Somebody who promises nonsense, or what nobody can convert, is of no use. */
	if (lun->removed || (vmsnd_got_is_sound(&lun->got) && vmsnd_lun_fit(lun) == VMSND_OK))
		return;
	if (!unfit(lun))
		vmsnd_lun_retry_later(lun, now);
	begin_close(lun, now);
}

/* False while it is under way. */
static bool job_over(struct vmsnd_lun *lun, vmsnd_ns now)
{
	enum vmsnd_lun_task task = lun->side->job.task;

	if (task == VMSND_TASK_NONE)
		return true;
	if (!atomic_load_explicit(&lun->side->job.job.done, memory_order_acquire))
		return false;
	lun->side->job.task = VMSND_TASK_NONE;
	if (task == VMSND_TASK_OPEN && lun->side->job.rc == VMSND_OK)
		opened(lun, now);
	else if (task == VMSND_TASK_OPEN)
		refused(lun, lun->side->job.rc, now);
	return lun->side->job.task == VMSND_TASK_NONE;
}

static void lose(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (now >= lun->opened + WORKED_NS)
		lun->tries = 0;
	lun->losses++;
	vmsnd_lun_retry_later(lun, now);
	lun->reopen = true;
}

/* ---- what the backend says ---- */

void vmsnd_lun_ended(void *ctx, enum vmsnd_rc why)
{
	struct vmsnd_lun_side *side = ctx;
	const struct vmsnd_connector_env *env = side->lun->port->conf.env;

	atomic_store_explicit(&side->ended, true, memory_order_release);
	if (env->wake)
		env->wake(env->ctx);
}

void vmsnd_lun_noticed(void *ctx, enum vmsnd_stream_notice what)
{
	struct vmsnd_lun_side *side = ctx;
	const struct vmsnd_connector_env *env = side->lun->port->conf.env;

	atomic_fetch_or_explicit(&side->notices, 1u << what, memory_order_release);
	if (env->wake)
		env->wake(env->ctx);
}

/* PL-16: the same stream, another device: from here on as if it had just been opened. */
static void switched(struct vmsnd_lun *lun, vmsnd_ns now)
{
	bool idle = lun->running && vmsnd_figure_rt(&lun->path->blocks) == lun->start_blocks;

	lun->switching = false;
	/* One that switches faster than it plays would never come to it. */
	if (idle && !lun->reopen) {
		lose(lun, now);
		return;
	}
	vmsnd_lun_stop(lun, now);
	if (lun->index == 0)
		vmsnd_port_rebuffer(lun->port, now);
}

static void take_notices(struct vmsnd_lun *lun, vmsnd_ns now)
{
	uint32_t notices = atomic_exchange_explicit(&lun->side->notices, 0, memory_order_acquire);

	if (lun->switching && now >= lun->switch_end)
		lun->switching = false;
	if (notices & 1u << VMSND_STREAM_SWITCHING) {
		lun->switching = true;
		lun->switch_end = now + SWITCH_NS;
	}
	if (notices & 1u << VMSND_STREAM_SWITCHED)
		switched(lun, now);
	if ((notices & 1u << VMSND_STREAM_REOPEN) && !lun->reopen)
		lose(lun, now);
	if (atomic_load_explicit(&lun->side->ended, memory_order_acquire) && !lun->reopen)
		lose(lun, now);
}

/* PL-18, PL-19, PL-21 */
void vmsnd_lun_look_at_state(struct vmsnd_lun *lun, vmsnd_ns now)
{
	enum vmsnd_stream_state state = VMSND_STREAM_OKAY;

	if (lun->conf.backend->stream_state)
		state = lun->conf.backend->stream_state(lun->stream);
	lun->early = state == VMSND_STREAM_INITIALIZING && !lun->running;
	lun->asleep = state == VMSND_STREAM_NOT_WORKING || state == VMSND_STREAM_INACTIVE;
	if (lun->asleep && lun->running)
		vmsnd_lun_stop(lun, now);
}

/* ---- the whole ---- */

/* Whether nobody uses the unit's ring and flow any more; the lane looks again when not. */
static bool let_go(struct vmsnd_lun *lun, vmsnd_ns now)
{
	vmsnd_lun_stop(lun, now);
	lun->fenced = !vmsnd_lun_unlink(lun);
	return !lun->fenced;
}

/* True when something was done that calls for another look. */
static bool settle_open(struct vmsnd_lun *lun, vmsnd_ns now)
{
	struct vmsnd_stream_want want;

	if (!lun->removed)
		take_notices(lun, now);
	lun->wanted = vmsnd_lun_wants(lun, &want);
	if (lun->reopen || lun->next_host != lun->conf.host || !lun->wanted ||
	    !vmsnd_want_equal(&want, &lun->asked)) {
		if (!let_go(lun, now))
			return false;
		begin_close(lun, now);
		return true;
	}
	vmsnd_lun_look_at_state(lun, now);
	if (!vmsnd_format_equal(&lun->guest_format, &lun->port->params.format)) {
		if (!let_go(lun, now))
			return false;
		lun->reopen = vmsnd_lun_fit(lun) != VMSND_OK;
		return true;
	}
	return false;
}

static bool settle_closed(struct vmsnd_lun *lun, vmsnd_ns now)
{
	struct vmsnd_stream_want want;

	if (lun->conf.host != lun->next_host) {
		lun->conf.host = lun->next_host;
		forget_failures(lun, now);
	}
	lun->wanted = vmsnd_lun_wants(lun, &want);
	if (!lun->wanted) {
		forget_failures(lun, now);
		lun->told = false;
		return false;
	}
	if (lun->unfit && !vmsnd_want_equal(&want, &lun->asked))
		forget_failures(lun, now);
	if (now < lun->retry)
		return false;
	begin_open(lun, &want);
	return true;
}

/* Nothing has happened since the last time that would ask for another look. */
static bool quiet(const struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (lun->wishes != lun->port->wishes || lun->fenced ||
	    lun->side->job.task != VMSND_TASK_NONE || now >= vmsnd_lun_linger_end(lun))
		return false;
	if (!lun->stream)
		return !lun->wanted || now < lun->retry;
	return !lun->reopen && !lun->switching && !lun->conf.backend->stream_state &&
	       !atomic_load_explicit(&lun->side->ended, memory_order_acquire) &&
	       atomic_load_explicit(&lun->side->notices, memory_order_relaxed) == 0;
}

void vmsnd_lun_settle(struct vmsnd_lun *lun, vmsnd_ns now)
{
	bool more = true;

	if (!vmsnd_lun_other_over(lun))
		vmsnd_lun_settle_other(lun, now);
	if (quiet(lun, now))
		return;
	lun->wishes = lun->port->wishes;
	for (unsigned n = 0; more && n < ROUNDS_MAX && job_over(lun, now); n++)
		more = lun->stream ? settle_open(lun, now) : settle_closed(lun, now);
	vmsnd_lun_note(lun, now);
}

static vmsnd_ns own_deadline(const struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (lun->side->job.task != VMSND_TASK_NONE)
		return VMSND_NEVER; /* the pool wakes the lane */
	if (lun->stream && (lun->fenced || lun->reopen || !lun->wanted))
		return now + FENCE_NS;
	/* Nobody says when it is ready, and sound waits for it. */
	if (lun->stream && lun->early && lun->index == 0 && lun->port->phase == VMSND_PORT_PREBUF &&
	    !lun->port->paused)
		return now + EARLY_NS;
	if (lun->stream)
		return lun->switching ? lun->switch_end : vmsnd_lun_linger_end(lun);
	if (!lun->wanted)
		return VMSND_NEVER;
	return lun->retry > now ? lun->retry : now + FENCE_NS;
}

vmsnd_ns vmsnd_lun_deadline(const struct vmsnd_lun *lun, vmsnd_ns now)
{
	vmsnd_ns own = own_deadline(lun, now), other = VMSND_NEVER;

	if (!vmsnd_lun_other_over(lun))
		other = vmsnd_lun_other_deadline(lun, now);
	return own < other ? own : other;
}

/* PL-15: one that is about to change its device is not started on the old one. */
bool vmsnd_lun_able(const struct vmsnd_lun *lun)
{
	return lun->stream && (lun->running || !lun->switching) && !lun->reopen && !lun->asleep &&
	       !lun->early && !lun->fenced &&
	       !atomic_load_explicit(&lun->side->ended, memory_order_acquire);
}

bool vmsnd_lun_start(struct vmsnd_lun *lun, vmsnd_ns at)
{
	struct vmsnd_path *path = lun->path;

	path->sounding = path->overrunning = false;
	path->waiting = lun->index > 0 && lun->dir == VMSND_CAPTURE;
	path->gap_frames = 0;
	path->refills = !lun->conf.prefs.no_refill;
	lun->draining = lun->stalled = false;
	lun->seen = at;
	lun->seen_blocks = lun->start_blocks = vmsnd_figure_rt(&path->blocks);
	vmsnd_dll_break_rt(&path->dll);
	vmsnd_lun_insert_prepare(lun);
	/* What was turned meanwhile is as it is from the first frame on. */
	vmsnd_gain_settle(&path->flow->before);
	vmsnd_gain_settle(&path->flow->gain);
	if (lun->index > 0) { /* unit 0's gate is the port's affair */
		vmsnd_follow_break_rt(&path->follow);
		atomic_store_explicit(&path->gate, VMSND_GATE_OPEN, memory_order_release);
	}
	lun->running = lun->conf.backend->stream_start(lun->stream, at) == VMSND_OK;
	if (!lun->running)
		lose(lun, at);
	vmsnd_lun_note(lun, at);
	return lun->running;
}

void vmsnd_lun_stop(struct vmsnd_lun *lun, vmsnd_ns at)
{
	if (lun->stream && lun->running)
		lun->conf.backend->stream_stop(lun->stream, at);
	lun->running = lun->draining = lun->stalled = false;
	if (lun->index > 0 || !vmsnd_block_clock_runs(&lun->port->clock))
		atomic_store_explicit(&lun->path->gate, VMSND_GATE_SHUT, memory_order_release);
	vmsnd_lun_note(lun, at);
}

/* The gate is shut first. A host that is inside its callback at that very moment is not stalled. */
static void stall(struct vmsnd_lun *lun)
{
	struct vmsnd_port *port = lun->port;

	atomic_store(&lun->path->gate, VMSND_GATE_SHUT);
	lun->stalled = (atomic_load(&port->epoch) & 1) == 0;
	port->stalls += lun->stalled;
}

/* A host that follows the guest does not come for nothing. */
static bool something_to_do(const struct vmsnd_port *port)
{
	uint32_t fill = vmsnd_port_fill(port);

	if (port->phase == VMSND_PORT_DRAIN &&
	    (port->main.held_frames > 0 || port->main.tail_frames > 0))
		return true;
	return port->conf.dir == VMSND_PLAYBACK ? fill > 0 : fill < port->ring.capacity_frames;
}

vmsnd_ns vmsnd_lun_watch(struct vmsnd_lun *lun, vmsnd_ns now)
{
	uint64_t blocks = vmsnd_figure_rt(&lun->path->blocks);

	if (!lun->running || lun->port->paused)
		return VMSND_NEVER;
	if (blocks != lun->seen_blocks || !something_to_do(lun->port)) {
		lun->seen_blocks = blocks;
		lun->seen = now;
		if (lun->stalled) {
			lun->stalled = false;
			vmsnd_port_rebuffer(lun->port, now);
		}
	} else if (!lun->stalled && now >= lun->seen + lun->stall_ns) {
		stall(lun);
	}
	vmsnd_port_drive(lun->port, now);
	return lun->stalled ? now + lun->stall_ns / 8 : lun->seen + lun->stall_ns;
}
