/* SPDX-License-Identifier: BSD-3-Clause */
/* An engine in time. Its position is the clock's: a descriptor ends when its frames have gone by,
 * and frames are copied in steps, or earlier when somebody asks for the position.
 *
 * While the guest wants interrupts, it gets one for each completion: when the next one would come
 * before the last was acknowledged, the engine holds with one frame left (Linux' driver mistakes a
 * position of 0 for one that it has to ask for again) and catches up afterwards, unless it is so
 * late that there is nothing to catch up with. So a guest that was stopped, or slow, loses nothing,
 * and no period is lost to a slow interrupt handler (A9-24). */
#include <string.h>

#include "devices/ac97/ac97.h"

#define MS              UINT64_C(1000000)
#define LATCH_NS        (MS / 2)
#define GRAIN_NS        MS         /* between ends of descriptors that nobody waits for */
#define LATE_NS         (100 * MS) /* beyond it, time is not made up for */
#define IDLE_PER_SECOND 2u         /* halted for longer than half of one, the port rests */

void ac97_engine_fifo_error(struct vmsnd_ac97 *card, struct ac97_engine *engine)
{
	card->counters.fifo_errors += !(engine->sr & AC97_SR_FIFOE);
	engine->sr |= AC97_SR_FIFOE;
}

bool ac97_engine_waits(struct ac97_engine *engine, vmsnd_ns now)
{
	if (engine->asked_since == VMSND_NEVER)
		engine->asked_since = now;
	return now - engine->asked_since < LATE_NS;
}

/* ---- its port ---- */

/* No host plays or records for an engine that is not granted the bus, or has been halted for long:
 * no light of a microphone stays on. */
bool ac97_engine_wants_port(const struct vmsnd_ac97 *card, const struct ac97_engine *engine)
{
	if (engine->phase == AC97_IDLE || !vmsnd_pci_masters(&card->pci))
		return false;
	return engine->phase != AC97_HALTED ||
	       engine->idle_frames < engine->params.format.rate_hz / IDLE_PER_SECOND;
}

/* The one place that begins it, whatever the reason: a start, LVI, the bus granted again. One that
 * refuses is asked again when it has not been wanted meanwhile (A9-25). */
static void port_sync(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	bool wants = ac97_engine_wants_port(card, engine);

	if (wants && !engine->port_wanted)
		ac97_port_begin(card, engine, now);
	else if (!wants && engine->port_wanted)
		ac97_port_end(engine, now);
}

/* ---- start, stop ---- */

static void start(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	struct vmsnd_format format;

	ac97_format(card, (unsigned)(engine - card->engines), &format);
	/* What frames are like holds to the end of a descriptor; how fast they go does not. */
	if (engine->under_way)
		engine->params.format.rate_hz = format.rate_hz;
	else
		engine->params.format = format;
	/* The port is made anew for another format. */
	ac97_port_end(engine, now);
	engine->frame_bytes = vmsnd_format_frame_bytes(&engine->params.format);
	engine->granted = true;
	vmsnd_sample_clock_start(&engine->clock, engine->params.format.rate_hz, now);
	engine->done_frames = 0;
	engine->paced_at = VMSND_NEVER;
	engine->asked_since = VMSND_NEVER;
	engine->asked_frames = engine->fetched_frames = engine->lost_frames = 0;
	engine->read_at = VMSND_NEVER;
	engine->phase = engine->under_way ? AC97_MOVING : AC97_WANTING;
	if (engine->sr & AC97_SR_CELV) {
		engine->phase = AC97_HALTED;
		engine->idle_frames = 0;
	} else {
		engine->sr &= (uint16_t)~AC97_SR_DCH;
	}
}

static void stop(struct ac97_engine *engine, vmsnd_ns now)
{
	ac97_port_end(engine, now);
	engine->phase = AC97_IDLE;
	engine->held = engine->ahead = false;
	engine->sr |= AC97_SR_DCH;
	engine->read_at = VMSND_NEVER;
}

void ac97_engine_sync(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	bool wants = (engine->cr & AC97_CR_RUN) && ac97_link_up(card);

	if (wants && engine->phase == AC97_IDLE)
		start(card, engine, now);
	else if (!wants && engine->phase != AC97_IDLE)
		stop(engine, now);
}

void ac97_engine_reset(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	if (engine->phase != AC97_IDLE)
		stop(engine, now);
	/* No light of a microphone stays on. What is played is heard to its end. */
	if (engine->dir == VMSND_CAPTURE)
		ac97_port_release(engine, now);
	engine->cr &= AC97_CR_ENABLES;
	engine->bdbar = 0;
	engine->civ = engine->lvi = engine->piv = 0;
	engine->sr = AC97_SR_DCH;
	engine->left_samples = 0;
	engine->list = (struct ac97_descriptor){.address = 0};
	engine->under_way = false;
	engine->fresh = true;
	engine->read_at = VMSND_NEVER;
	engine->asked_since = VMSND_NEVER;
	memset(engine->last_frame, 0, sizeof(engine->last_frame));
}

void ac97_engine_more(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	struct vmsnd_format format;

	/* What was read of the entry behind is not valid any more. */
	if (engine->lvi == engine->civ)
		engine->ahead = false;
	if (engine->sr & AC97_SR_CELV)
		ac97_pass_on(engine);
	if (engine->phase != AC97_HALTED)
		return;
	ac97_format(card, (unsigned)(engine - card->engines), &format);
	if (!vmsnd_format_equal(&format, &engine->params.format)) {
		start(card, engine, now);
		return;
	}
	engine->sr &= (uint16_t)~AC97_SR_DCH;
	engine->phase = AC97_WANTING;
}

/* ---- time ---- */

/* At most once a step, so that it does not matter how often somebody looks. */
static void keep_pace(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	bool stands = engine->clock.rate == 0;
	double rate_hz;

	if (engine->paced_at != VMSND_NEVER && !stands && !card->stands &&
	    now - engine->paced_at < VMSND_NS_PER_SECOND / card->conf.timer_hz)
		return;
	rate_hz = ac97_pace_hz(card, engine);
	vmsnd_sample_clock_bend(&engine->clock, rate_hz, now);
	engine->paced_at = now;
}

static bool is_unacknowledged(const struct ac97_engine *engine)
{
	return engine->list.ioc && (engine->cr & AC97_CR_IOCE) && (engine->sr & AC97_SR_BCIS);
}

/* The guest has acknowledged: late by so many frames. Beyond what is made up for, nor does it get
 * what its host has recorded meanwhile: it would stay that late. */
static void let_go(struct vmsnd_ac97 *card, struct ac97_engine *engine, uint64_t gone)
{
	uint64_t end = engine->done_frames + ac97_left_frames(engine);

	engine->held = false;
	if (gone <= end ||
	    gone - end <= engine->params.format.rate_hz / (VMSND_NS_PER_SECOND / LATE_NS))
		return;
	engine->done_frames += gone - end;
	ac97_port_forget(engine);
	card->counters.rebases++;
}

/* CIV moves on only with what it moves on to, or there would be no position meanwhile. One thing is
 * asked of memory at a time: sound first. False: the last frame stays. */
static bool may_end(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	if (engine->ahead || engine->civ == engine->lvi)
		return true;
	return engine->asked_frames == 0 && ac97_prefetch(card, engine, now);
}

/* All that is late now is silence, and not one piece after the other. */
static void lose(struct vmsnd_ac97 *card, struct ac97_engine *engine, uint64_t owed)
{
	engine->lost_frames = owed < UINT32_MAX ? (uint32_t)owed : UINT32_MAX;
	ac97_engine_fifo_error(card, engine);
}

/* True: there is more to do, a descriptor's end or the next one's frames. */
static bool move(struct vmsnd_ac97 *card, struct ac97_engine *engine, uint64_t gone, vmsnd_ns now)
{
	bool wait = is_unacknowledged(engine), ends;
	uint32_t left, n, moved;
	uint64_t owed;

	if (engine->held && !wait)
		let_go(card, engine, gone);
	left = ac97_left_frames(engine);
	owed = gone - engine->done_frames;
	ends = owed >= left;
	if (engine->dir == VMSND_CAPTURE && !card->looked_at && !ends &&
	    owed < ac97_step_frames(card, engine) && !ac97_port_comes(card, engine))
		return false; /* or each answer to a write would be followed by another (A9-03) */
	if (engine->asked_frames > 0 && !ac97_engine_waits(engine, now))
		lose(card, engine, owed);
	if (ends && wait) {
		card->counters.holds += !engine->held;
		engine->held = true;
		ends = false;
	}
	n = owed < left ? (uint32_t)owed : left - 1;
	if (ends && may_end(card, engine, now))
		n = left;
	moved = ac97_transfer(card, engine, n, now);
	engine->done_frames += moved;
	if (moved < n)
		return false;
	if (n < left)
		return ends && n > 0;
	ac97_complete(card, engine);
	card->budget -= card->budget > 0;
	return card->budget > 0;
}

static void idle(struct ac97_engine *engine, uint64_t gone)
{
	uint64_t owed = gone - engine->done_frames;
	uint32_t limit = engine->params.format.rate_hz / IDLE_PER_SECOND;

	engine->done_frames = gone;
	if (!engine->port_runs)
		return;
	owed = owed < limit ? owed : limit;
	ac97_transfer_idle(engine, (uint32_t)owed);
	engine->idle_frames += (uint32_t)owed;
}

/* Frames do not go by while the bus is not granted, so there is one error (A9-11). */
static bool is_granted(struct vmsnd_ac97 *card, struct ac97_engine *engine)
{
	bool was = engine->granted;

	engine->granted = vmsnd_pci_masters(&card->pci);
	if (was && !engine->granted && engine->phase != AC97_HALTED)
		ac97_engine_fifo_error(card, engine);
	return engine->granted;
}

static void run(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	uint64_t gone;
	bool granted;

	if (engine->phase == AC97_IDLE)
		return;
	granted = is_granted(card, engine);
	keep_pace(card, engine, now);
	if (!granted)
		return;
	gone = vmsnd_sample_clock_frames(&engine->clock, now);
	do {
		if (engine->phase == AC97_WANTING)
			ac97_fetch(card, engine, now);
		if (engine->phase == AC97_HALTED)
			idle(engine, gone);
	} while (engine->phase == AC97_MOVING && move(card, engine, gone, now));
	/* Only now, so that the time up to now is not of the reserve. */
	if (engine->phase == AC97_MOVING && ac97_port_comes(card, engine))
		ac97_port_prime(engine);
}

void ac97_engines_run(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	for (unsigned i = 0; i < card->n_engines; i++)
		port_sync(card, &card->engines[i], now);
	ac97_pace_look(card);
	for (unsigned i = 0; i < card->n_engines; i++)
		run(card, &card->engines[i], now);
}

/* ---- when to look again ---- */

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static vmsnd_ns later(vmsnd_ns a, vmsnd_ns b)
{
	return a > b ? a : b;
}

static bool is_awaited(const struct ac97_engine *engine)
{
	return (engine->list.ioc && (engine->cr & AC97_CR_IOCE)) || engine->civ == engine->lvi;
}

static vmsnd_ns due(struct vmsnd_ac97 *card, const struct ac97_engine *engine, vmsnd_ns now)
{
	uint64_t done = engine->done_frames;
	vmsnd_ns step, end;

	if (engine->phase == AC97_IDLE || engine->clock.rate == 0)
		return VMSND_NEVER;
	if (engine->asked_since != VMSND_NEVER)
		return engine->asked_since + LATE_NS;
	step = vmsnd_sample_clock_when(&engine->clock, done + ac97_step_frames(card, engine));
	if (engine->phase == AC97_HALTED)
		return engine->port_runs ? step : VMSND_NEVER;
	/* The call's budget was spent. */
	if (engine->phase == AC97_WANTING)
		return now;
	if (engine->held)
		return VMSND_NEVER;
	step = earlier(step, ac97_port_comes_due(card, engine, now));
	end = vmsnd_sample_clock_when(&engine->clock, done + ac97_left_frames(engine));
	return earlier(step, is_awaited(engine) ? end : later(end, now + GRAIN_NS));
}

vmsnd_ns ac97_engines_due(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < card->n_engines; i++)
		next = earlier(next, due(card, &card->engines[i], now));
	return later(next, now);
}

/* ---- the position, as the guest reads it ---- */

/* A guest that reads twice to be sure has to see the same twice: Linux' driver does, with
 * interrupts off, for as long as it takes. */
uint16_t ac97_engine_picb(struct ac97_engine *engine, vmsnd_ns now)
{
	bool latched = engine->read_at != VMSND_NEVER && engine->read_civ == engine->civ &&
		       now - engine->read_at < LATCH_NS && engine->phase == AC97_MOVING;

	if (latched)
		return engine->read_picb;
	engine->read_at = now;
	engine->read_civ = engine->civ;
	engine->read_picb = (uint16_t)engine->left_samples;
	return engine->read_picb;
}
