/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine from open to close, and what its cards share: lanes, workers, the log. */
#include "manager/machine.h"

#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/registry.h"
#include "os/clock.h"
#include "os/priority.h"

/* What closing may take (MX-37), and how often it looks. */
#define CLOSE_NS      (2 * VMSND_NS_PER_SECOND)
#define CLOSE_LOOK_NS UINT64_C(1000000)

const struct vmsnd_log *vmsnd_machine_log(const struct vmsnd_machine *machine)
{
	return &machine->log;
}

struct vmsnd_registry *vmsnd_machine_registry(const struct vmsnd_machine *machine)
{
	return machine->registry;
}

bool vmsnd_machine_submit(struct vmsnd_machine *machine, struct vmsnd_job *job)
{
	return vmsnd_pool_submit(machine->pool, job);
}

void vmsnd_machine_tell_changed(const struct vmsnd_machine *machine)
{
	if (machine->conf.changed)
		machine->conf.changed(machine->conf.changed_ctx);
}

void vmsnd_machine_plan_lock(const struct vmsnd_machine *machine)
{
	pthread_mutex_lock(&((struct vmsnd_machine *)machine)->plan);
}

void vmsnd_machine_plan_unlock(const struct vmsnd_machine *machine)
{
	pthread_mutex_unlock(&((struct vmsnd_machine *)machine)->plan);
}

/* ---- what other threads reach ---- */

static void say(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct vmsnd_machine *machine = ctx;

	pthread_mutex_lock(&machine->log_lock);
	if (!machine->silent && machine->conf.log.write)
		machine->conf.log.write(machine->conf.log.ctx, level, line);
	pthread_mutex_unlock(&machine->log_lock);
}

/* A worker has done a job, of whichever lane. */
static void job_finished(void *ctx)
{
	struct vmsnd_machine *machine = ctx;

	/* A host that has just been opened may have brought its library's limit. */
	vmsnd_priority_guard_keep();
	for (unsigned i = 0; i < machine->n_lanes; i++)
		vmsnd_lane_wake(machine->lanes[i]);
}

/* ---- open ---- */

/* Whoever is told a line may have something to say himself. */
static bool init_log_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;
	bool ok;

	if (pthread_mutexattr_init(&attributes))
		return false;
	ok = !pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) &&
	     !pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return ok;
}

static void free_lane(struct vmsnd_lane *lane)
{
	vmsnd_lane_fini(lane);
	vmsnd_lane_thread_close(lane);
	free(lane);
}

static enum vmsnd_rc add_lane(struct vmsnd_machine *machine)
{
	struct vmsnd_lane *lane = calloc(1, sizeof(*lane));
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	if (lane)
		rc = vmsnd_lane_init(lane, machine, machine->n_lanes);
	if (rc) {
		free(lane);
		return rc;
	}
	lane->poller = machine->conf.poller;
	if (machine->conf.lanes > 0)
		rc = vmsnd_lane_thread_open(lane);
	if (!rc)
		rc = vmsnd_lane_open_wake(lane);
	if (rc) {
		free_lane(lane);
		return rc;
	}
	machine->lanes[machine->n_lanes++] = lane;
	return VMSND_OK;
}

static enum vmsnd_rc open_lanes(struct vmsnd_machine *machine)
{
	unsigned n = machine->conf.lanes ? machine->conf.lanes : 1;
	enum vmsnd_rc rc = n <= VMSND_LANES_MAX ? VMSND_OK : VMSND_E_INVALID;

	for (unsigned i = 0; !rc && i < n; i++)
		rc = add_lane(machine);
	return rc || machine->conf.restores ? rc : vmsnd_machine_start_threads(machine);
}

enum vmsnd_rc vmsnd_machine_start_threads(struct vmsnd_machine *machine)
{
	enum vmsnd_rc rc = VMSND_OK;

	for (unsigned i = 0; !rc && machine->conf.lanes && i < machine->n_lanes; i++)
		rc = vmsnd_lane_thread_start(machine->lanes[i]);
	return rc;
}

static void stop_threads(struct vmsnd_machine *machine)
{
	for (unsigned i = 0; i < machine->n_lanes; i++)
		vmsnd_lane_thread_stop(machine->lanes[i]);
}

static void machine_free(struct vmsnd_machine *machine)
{
	while (machine->n_lanes > 0)
		free_lane(machine->lanes[--machine->n_lanes]);
	if (machine->own_registry)
		vmsnd_registry_close(machine->registry);
	if (machine->census)
		vmsnd_census_close(machine->census);
	pthread_mutex_destroy(&machine->log_lock);
	pthread_mutex_destroy(&machine->plan);
	vmsnd_tree_free(machine->rules);
	free(machine->cards);
	free(machine);
}

static struct vmsnd_machine *machine_new(const struct vmsnd_machine_conf *conf)
{
	struct vmsnd_machine *machine = calloc(1, sizeof(*machine));

	if (!machine)
		return NULL;
	machine->conf = *conf;
	machine->log = (struct vmsnd_log){machine, say};
	machine->realtime = (struct vmsnd_realtime){.conf = &machine->conf, .log = &machine->log};
	machine->phase = conf->off ? VMSND_MACHINE_OFF : VMSND_MACHINE_ON;
	if (machine->conf.life_limit_ms == 0)
		machine->conf.life_limit_ms = 10000;
	if (pthread_mutex_init(&machine->plan, NULL)) {
		free(machine);
		return NULL;
	}
	if (!init_log_lock(&machine->log_lock)) {
		pthread_mutex_destroy(&machine->plan);
		free(machine);
		return NULL;
	}
	return machine;
}

static enum vmsnd_rc open_registry(struct vmsnd_machine *machine)
{
	struct vmsnd_registry_conf conf = {.log = &machine->log};

	machine->registry = machine->conf.registry;
	machine->own_registry = !machine->registry;
	return machine->registry ? VMSND_OK : vmsnd_registry_open(&conf, &machine->registry);
}

enum vmsnd_rc vmsnd_machine_open(const struct vmsnd_machine_conf *conf, struct vmsnd_machine **out)
{
	struct vmsnd_machine *machine = machine_new(conf);
	struct vmsnd_pool_conf pool = {
	    .finished = job_finished, .ctx = machine, .threads = conf->workers};
	enum vmsnd_rc rc;

	if (!machine)
		return VMSND_E_NOMEM;
	rc = open_registry(machine);
	if (!rc)
		rc = vmsnd_census_open(&machine->census);
	if (!rc)
		rc = vmsnd_pool_open(&pool, &machine->pool);
	if (!rc)
		rc = open_lanes(machine);
	if (!rc) {
		*out = machine;
		return VMSND_OK;
	}
	stop_threads(machine);
	/* A lane that did begin may have a worker ask for its priority: then it stays. */
	if (!machine->pool || vmsnd_pool_close(machine->pool, CLOSE_NS))
		machine_free(machine);
	return rc;
}

/* ---- a card and its lane, held ---- */

static struct vmsnd_card *take_lane(const struct vmsnd_machine *machine, unsigned number)
{
	struct vmsnd_card *card;

	vmsnd_machine_plan_lock(machine);
	card = number < machine->cards_end ? machine->cards[number] : NULL;
	if (card)
		vmsnd_lane_lock(card->lane);
	vmsnd_machine_plan_unlock(machine);
	return card;
}

bool vmsnd_seat_look(const struct vmsnd_machine *machine, unsigned number, struct vmsnd_seat *seat)
{
	struct vmsnd_card *card = take_lane(machine, number);

	*seat = (struct vmsnd_seat){.card = card, .lane = card ? card->lane : NULL};
	return card != NULL;
}

bool vmsnd_seat_change(const struct vmsnd_machine *machine, unsigned number, vmsnd_ns now,
		       struct vmsnd_seat *seat)
{
	if (!vmsnd_seat_look(machine, number, seat))
		return false;
	seat->changes = true;
	seat->now = vmsnd_lane_time(seat->lane, now);
	vmsnd_card_advance(seat->card, seat->now);
	vmsnd_card_touch(seat->card);
	if (seat->now < seat->card->time)
		seat->now = seat->card->time;
	seat->card->watched = 0;
	return true;
}

void vmsnd_seat_leave(struct vmsnd_seat *seat)
{
	if (seat->lane)
		vmsnd_lane_unlock(seat->lane, seat->changes);
	seat->lane = NULL;
}

/* ---- by the embedder's loop ---- */

void vmsnd_machine_ready(struct vmsnd_machine *machine, uint64_t token, vmsnd_ns now)
{
	struct vmsnd_lane *lane = machine->lanes[0];

	if (lane->thread)
		return;
	vmsnd_lane_lock(lane);
	vmsnd_lane_ready(lane, token, now);
	vmsnd_lane_unlock(lane, false);
}

static void go_on_with_life(struct vmsnd_machine *machine, vmsnd_ns now)
{
	if (pthread_mutex_trylock(&machine->plan))
		return; /* whoever has it may be doing just that */
	if (machine->changing)
		vmsnd_machine_life_step(machine, now);
	pthread_mutex_unlock(&machine->plan);
}

vmsnd_ns vmsnd_machine_advance(struct vmsnd_machine *machine, vmsnd_ns now)
{
	struct vmsnd_lane *lane = machine->lanes[0];
	bool steps = atomic_load_explicit(&machine->step_life, memory_order_relaxed);
	vmsnd_ns next;

	if (lane->thread)
		return VMSND_NEVER;
	vmsnd_lane_lock(lane);
	next = vmsnd_lane_advance(lane, now);
	vmsnd_lane_unlock(lane, false);
	if (!steps)
		return next;
	go_on_with_life(machine, now);
	return next < now + VMSND_LANE_SWEEP_NS ? next : now + VMSND_LANE_SWEEP_NS;
}

/* ---- close ---- */

static bool sweep(struct vmsnd_machine *machine, vmsnd_ns now)
{
	bool swept = true;

	for (unsigned i = 0; i < machine->n_lanes; i++)
		swept &=
		    vmsnd_lane_sweep(machine->lanes[i], vmsnd_lane_time(machine->lanes[i], now));
	return swept;
}

/* For what workers have under way, a while; false when something is left. */
static bool wait_for_all(struct vmsnd_machine *machine, vmsnd_ns now)
{
	vmsnd_ns end = vmsnd_clock_now() + CLOSE_NS, at;
	bool swept = sweep(machine, now);

	for (; !swept; swept = sweep(machine, now)) {
		at = vmsnd_clock_now();
		if (at >= end)
			break;
		vmsnd_clock_sleep_until(at + CLOSE_LOOK_NS);
	}
	at = vmsnd_clock_now();
	return vmsnd_pool_close(machine->pool, end > at ? end - at : 0) && swept;
}

/* A worker may be in the middle of it for ever: its memory stays, and the code that it runs
 * (MX-37). */
static void leave_behind(struct vmsnd_machine *machine)
{
	vmsnd_logf(&machine->log, VMSND_LOG_WARNING,
		   "a sound server or card does not answer; what it may still use is left to it");
	pthread_mutex_lock(&machine->log_lock);
	machine->silent = true;
	pthread_mutex_unlock(&machine->log_lock);
	vmsnd_registry_pin(machine->registry);
	for (unsigned i = 0; i < machine->n_lanes; i++)
		vmsnd_lane_abandon(machine->lanes[i]);
}

void vmsnd_machine_close(struct vmsnd_machine *machine, vmsnd_ns now)
{
	stop_threads(machine);
	vmsnd_machine_plan_lock(machine);
	while (machine->last)
		vmsnd_machine_drop(machine, machine->last, now);
	vmsnd_machine_plan_unlock(machine);
	if (wait_for_all(machine, now))
		machine_free(machine);
	else
		leave_behind(machine);
}
