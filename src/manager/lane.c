/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/lane.h"

#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "os/clock.h"
#include "os/cpu.h"

/* A card's slot is the upper half of a token; this one is nobody's. */
#define WAKE_TOKEN (UINT64_C(0xfffffffe) << 32)

/* ---- what the connector and the backends reach from other threads ---- */

static void wake(void *ctx)
{
	vmsnd_lane_wake(ctx);
}

static bool submit(void *ctx, struct vmsnd_job *job)
{
	struct vmsnd_lane *lane = ctx;

	return vmsnd_machine_submit(lane->machine, job);
}

static void audio_thread(void *ctx)
{
	struct vmsnd_lane *lane = ctx;

	vmsnd_realtime_take(&lane->machine->realtime);
}

void vmsnd_lane_wake(struct vmsnd_lane *lane)
{
	atomic_store_explicit(&lane->woken, true, memory_order_release);
	if (lane->waking)
		vmsnd_wake_poke(&lane->wake);
}

/* ---- from open to close ---- */

/* Of lanes with threads; where the embedder steps, a plain lock costs half. */
static bool init_lock(pthread_mutex_t *lock, bool inherits)
{
	pthread_mutexattr_t attributes;
	bool ok;

	if (!inherits)
		return !pthread_mutex_init(lock, NULL);
	if (pthread_mutexattr_init(&attributes))
		return false;
	/* A system without priority inheritance has a plain lock. */
	(void)pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	ok = !pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return ok || !pthread_mutex_init(lock, NULL);
}

enum vmsnd_rc vmsnd_lane_init(struct vmsnd_lane *lane, struct vmsnd_machine *machine,
			      unsigned index)
{
	lane->machine = machine;
	lane->index = index;
	lane->clock.deadline = VMSND_NEVER;
	lane->stepper = pthread_self(); /* as a rule, until somebody else steps it */
	lane->env = (struct vmsnd_connector_env){.ctx = lane,
						 .submit = submit,
						 .wake = wake,
						 .audio_thread = audio_thread,
						 .rates = &vmsnd_resampler_samplerate,
						 .cpu = vmsnd_cpu_best()};
	return init_lock(&lane->lock, machine->conf.lanes > 0) ? VMSND_OK : VMSND_E_NOMEM;
}

enum vmsnd_rc vmsnd_lane_open_wake(struct vmsnd_lane *lane)
{
	const struct vmsnd_poller *poller = &lane->poller;
	enum vmsnd_rc rc;

	/* Without a poller the embedder calls advance often enough by itself. */
	if (!poller->watch)
		return VMSND_OK;
	rc = vmsnd_wake_open(&lane->wake);
	if (rc)
		return rc;
	rc = poller->watch(poller->ctx, lane->wake.fd, WAKE_TOKEN);
	if (rc)
		vmsnd_wake_close(&lane->wake);
	lane->waking = !rc;
	return rc;
}

void vmsnd_lane_abandon(struct vmsnd_lane *lane)
{
	if (lane->waking && lane->poller.unwatch)
		lane->poller.unwatch(lane->poller.ctx, lane->wake.fd);
}

void vmsnd_lane_fini(struct vmsnd_lane *lane)
{
	vmsnd_lane_abandon(lane);
	if (lane->waking)
		vmsnd_wake_close(&lane->wake);
	pthread_mutex_destroy(&lane->lock);
	free(lane->slots);
	free(lane->due);
}

/* ---- the lock and the time ---- */

void vmsnd_lane_lock(struct vmsnd_lane *lane)
{
	pthread_mutex_lock(&lane->lock);
}

void vmsnd_lane_unlock(struct vmsnd_lane *lane, bool touched)
{
	/* Who steps the lane himself will do so anyway. */
	bool poke = touched && lane->waking && !pthread_equal(lane->stepper, pthread_self());

	pthread_mutex_unlock(&lane->lock);
	if (poke)
		vmsnd_wake_poke(&lane->wake);
}

vmsnd_ns vmsnd_lane_time(struct vmsnd_lane *lane, vmsnd_ns now)
{
	return lane->thread ? vmsnd_lane_clock_at(&lane->clock, vmsnd_clock_now()) : now;
}

/* ---- cards ---- */

static bool grow(struct vmsnd_lane *lane)
{
	unsigned n = lane->n_slots ? lane->n_slots * 2 : 4;
	struct vmsnd_card **slots = realloc(lane->slots, n * sizeof(struct vmsnd_card *));
	vmsnd_ns *due;

	if (!slots)
		return false;
	lane->slots = slots;
	due = realloc(lane->due, n * sizeof(*due));
	if (!due)
		return false;
	lane->due = due;
	for (unsigned i = lane->n_slots; i < n; i++) {
		slots[i] = NULL;
		due[i] = VMSND_NEVER;
	}
	lane->n_slots = n;
	return true;
}

enum vmsnd_rc vmsnd_lane_seat(struct vmsnd_lane *lane, struct vmsnd_card *card, unsigned *slot)
{
	unsigned i = 0;

	while (i < lane->n_slots && lane->slots[i])
		i++;
	if (i == lane->n_slots && !grow(lane))
		return VMSND_E_NOMEM;
	lane->slots[i] = card;
	lane->due[i] = 0;
	lane->n_cards++;
	*slot = i;
	return VMSND_OK;
}

void vmsnd_lane_let_go(struct vmsnd_lane *lane, struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_card_close(card, now);
	if (card->slot < lane->n_slots && lane->slots[card->slot] == card) {
		lane->slots[card->slot] = NULL;
		lane->due[card->slot] = VMSND_NEVER;
		lane->n_cards--;
	}
	card->next_closed = lane->closed;
	lane->closed = card;
	vmsnd_lane_sweep(lane, now);
}

bool vmsnd_lane_sweep(struct vmsnd_lane *lane, vmsnd_ns now)
{
	struct vmsnd_card **at = &lane->closed;

	while (*at) {
		struct vmsnd_card *card = *at, *next = card->next_closed;

		if (vmsnd_card_gone(card, now))
			*at = next;
		else
			at = &card->next_closed;
	}
	return !lane->closed;
}

/* ---- a turn ---- */

void vmsnd_lane_ready(struct vmsnd_lane *lane, uint64_t token, vmsnd_ns now)
{
	uint64_t slot = token >> 32;

	if (token == WAKE_TOKEN)
		vmsnd_wake_drain(&lane->wake); /* advance sees `woken` */
	else if (slot < lane->n_slots && lane->slots[slot])
		vmsnd_card_ready(lane->slots[slot], (unsigned)(token & UINT32_MAX), now);
}

static void touch_all(struct vmsnd_lane *lane)
{
	for (unsigned i = 0; i < lane->n_slots; i++)
		if (lane->slots[i])
			vmsnd_card_touch(lane->slots[i]);
}

vmsnd_ns vmsnd_lane_advance(struct vmsnd_lane *lane, vmsnd_ns now)
{
	bool woken = atomic_load_explicit(&lane->woken, memory_order_relaxed) &&
		     atomic_exchange_explicit(&lane->woken, false, memory_order_acquire);
	vmsnd_ns next = VMSND_NEVER;

	lane->stepper = pthread_self();
	if (woken)
		touch_all(lane);
	if (lane->closed && !vmsnd_lane_sweep(lane, now))
		next = now + VMSND_LANE_SWEEP_NS;
	for (unsigned i = 0; i < lane->n_slots; i++) {
		if (lane->due[i] <= now)
			lane->due[i] = vmsnd_card_advance(lane->slots[i], now);
		if (lane->due[i] < next)
			next = lane->due[i];
	}
	return next;
}
