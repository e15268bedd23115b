/* SPDX-License-Identifier: BSD-3-Clause */
/* The set of cards of one lane, and what they share: workers, the way to wake the lane, the log. */
#include "vmsnd/machine.h"

#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"
#include "os/wake.h"

/* A card's number is the upper half of a token; this one is nobody's. */
#define WAKE_TOKEN (UINT64_C(0xfffffffe) << 32)
/* What closing may take (MX-37), and how often it looks. */
#define CLOSE_NS      (2 * VMSND_NS_PER_SECOND)
#define CLOSE_LOOK_NS UINT64_C(1000000)

struct vmsnd_machine {
	struct vmsnd_machine_conf conf;
	struct vmsnd_connector_env env;
	struct vmsnd_pool *pool;
	struct vmsnd_wake wake;
	bool waking;        /* `wake` is open and watched */
	_Atomic bool woken; /* a worker or a backend has something for the lane */

	/* What a backend may still hold when a close had to leave it behind. */
	struct vmsnd_log log;
	pthread_mutex_t log_lock;
	bool silent;

	struct vmsnd_card **cards;
	unsigned n_cards;
	struct vmsnd_card *closed; /* not all of them gone yet */
};

const struct vmsnd_log *vmsnd_machine_log(const struct vmsnd_machine *machine)
{
	return &machine->log;
}

const struct vmsnd_poller *vmsnd_machine_poller(const struct vmsnd_machine *machine)
{
	return &machine->conf.poller;
}

const struct vmsnd_connector_env *vmsnd_machine_env(const struct vmsnd_machine *machine)
{
	return &machine->env;
}

struct vmsnd_card *vmsnd_machine_card(const struct vmsnd_machine *machine, unsigned index)
{
	return index < machine->n_cards ? machine->cards[index] : NULL;
}

const struct vmsnd_backend_class *vmsnd_machine_backend(const struct vmsnd_machine *machine,
							const char *name)
{
	const struct vmsnd_backend_class *const *own = machine->conf.backends;

	for (; own && *own; own++)
		if (strcmp((*own)->name, name) == 0)
			return *own;
	return vmsnd_registry_find_backend(NULL, name);
}

/* ---- what the connector and the backends reach from other threads ---- */

static void say(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct vmsnd_machine *machine = ctx;

	pthread_mutex_lock(&machine->log_lock);
	if (!machine->silent && machine->conf.log.write)
		machine->conf.log.write(machine->conf.log.ctx, level, line);
	pthread_mutex_unlock(&machine->log_lock);
}

static void wake(void *ctx)
{
	struct vmsnd_machine *machine = ctx;

	atomic_store_explicit(&machine->woken, true, memory_order_release);
	if (machine->waking)
		vmsnd_wake_poke(&machine->wake);
}

static bool submit(void *ctx, struct vmsnd_job *job)
{
	struct vmsnd_machine *machine = ctx;

	return vmsnd_pool_submit(machine->pool, job);
}

/* ---- open ---- */

static enum vmsnd_rc open_wake(struct vmsnd_machine *machine)
{
	const struct vmsnd_poller *poller = &machine->conf.poller;
	enum vmsnd_rc rc;

	/* Without a poller the embedder calls advance often enough by itself. */
	if (!poller->watch)
		return VMSND_OK;
	rc = vmsnd_wake_open(&machine->wake);
	if (rc)
		return rc;
	rc = poller->watch(poller->ctx, machine->wake.fd, WAKE_TOKEN);
	if (rc)
		vmsnd_wake_close(&machine->wake);
	machine->waking = !rc;
	return rc;
}

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

static void machine_free(struct vmsnd_machine *machine)
{
	if (machine->waking) {
		if (machine->conf.poller.unwatch)
			machine->conf.poller.unwatch(machine->conf.poller.ctx, machine->wake.fd);
		vmsnd_wake_close(&machine->wake);
	}
	pthread_mutex_destroy(&machine->log_lock);
	free(machine->cards);
	free(machine);
}

enum vmsnd_rc vmsnd_machine_open(const struct vmsnd_machine_conf *conf, struct vmsnd_machine **out)
{
	struct vmsnd_machine *machine = calloc(1, sizeof(*machine));
	struct vmsnd_pool_conf pool = {.finished = wake, .ctx = machine, .threads = conf->workers};
	enum vmsnd_rc rc;

	if (!machine)
		return VMSND_E_NOMEM;
	machine->conf = *conf;
	machine->log = (struct vmsnd_log){machine, say};
	machine->env = (struct vmsnd_connector_env){.ctx = machine,
						    .submit = submit,
						    .wake = wake,
						    .rates = &vmsnd_resampler_samplerate,
						    .cpu = vmsnd_cpu_best()};
	if (!init_log_lock(&machine->log_lock)) {
		free(machine);
		return VMSND_E_NOMEM;
	}
	rc = open_wake(machine);
	if (!rc)
		rc = vmsnd_pool_open(&pool, &machine->pool);
	if (rc)
		machine_free(machine);
	else
		*out = machine;
	return rc;
}

/* ---- cards ---- */

static void let_go(struct vmsnd_machine *machine, struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_card_close(card, now);
	card->next_closed = machine->closed;
	machine->closed = card;
}

/* Frees those that have gone. */
static void sweep(struct vmsnd_machine *machine, vmsnd_ns now)
{
	struct vmsnd_card **at = &machine->closed;

	while (*at) {
		struct vmsnd_card *card = *at, *next = card->next_closed;

		if (vmsnd_card_gone(card, now))
			*at = next;
		else
			at = &card->next_closed;
	}
}

enum vmsnd_rc vmsnd_machine_add(struct vmsnd_machine *machine, const struct vmsnd_card_conf *conf,
				vmsnd_ns now)
{
	struct vmsnd_card **cards =
	    realloc(machine->cards, (machine->n_cards + 1) * sizeof(struct vmsnd_card *));
	struct vmsnd_card *card = calloc(1, sizeof(*card));
	enum vmsnd_rc rc;

	if (cards)
		machine->cards = cards;
	if (!cards || !card) {
		free(card);
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "out of memory for a card");
		return VMSND_E_NOMEM;
	}
	card->machine = machine;
	card->index = machine->n_cards;
	rc = vmsnd_card_open(card, conf, now);
	if (!rc) {
		machine->cards[machine->n_cards++] = card;
		return VMSND_OK;
	}
	let_go(machine, card, now);
	sweep(machine, now);
	return rc;
}

void vmsnd_machine_ready(struct vmsnd_machine *machine, uint64_t token, vmsnd_ns now)
{
	if (token == WAKE_TOKEN)
		vmsnd_wake_drain(&machine->wake); /* advance sees `woken` */
	else if (token >> 32 < machine->n_cards)
		vmsnd_card_ready(machine->cards[token >> 32], (unsigned)(token & UINT32_MAX), now);
}

vmsnd_ns vmsnd_machine_advance(struct vmsnd_machine *machine, vmsnd_ns now)
{
	bool woken = atomic_load_explicit(&machine->woken, memory_order_relaxed) &&
		     atomic_exchange_explicit(&machine->woken, false, memory_order_acquire);
	vmsnd_ns next = VMSND_NEVER;

	if (machine->closed)
		sweep(machine, now);
	for (unsigned i = 0; i < machine->n_cards; i++) {
		struct vmsnd_card *card = machine->cards[i];
		vmsnd_ns card_next;

		card->touched |= woken;
		card_next = vmsnd_card_advance(card, now);
		if (card_next < next)
			next = card_next;
	}
	return next;
}

struct vmsnd_machine_status vmsnd_machine_status(const struct vmsnd_machine *machine)
{
	struct vmsnd_machine_status status = {.cards = machine->n_cards};

	for (unsigned i = 0; i < machine->n_cards; i++) {
		status.connected += machine->cards[i]->connected;
		status.sessions_ended += machine->cards[i]->sessions_ended;
	}
	return status;
}

size_t vmsnd_machine_counters(const struct vmsnd_machine *machine, unsigned card,
			      struct vmsnd_named_counter *out, size_t max)
{
	return card < machine->n_cards ? vmsnd_card_counters(machine->cards[card], out, max) : 0;
}

enum vmsnd_rc vmsnd_machine_guest_bus(struct vmsnd_machine *machine, unsigned card,
				      struct vmsnd_guest_bus *out)
{
	return card < machine->n_cards ? vmsnd_card_guest_bus(machine->cards[card], out)
				       : VMSND_E_INVALID;
}

/* ---- close ---- */

/* For what workers have under way, a while; false when something is left. */
static bool wait_for_all(struct vmsnd_machine *machine, vmsnd_ns now)
{
	vmsnd_ns end = vmsnd_clock_now() + CLOSE_NS, at;

	for (sweep(machine, now); machine->closed; sweep(machine, now)) {
		at = vmsnd_clock_now();
		if (at >= end)
			break;
		vmsnd_clock_sleep_until(at + CLOSE_LOOK_NS);
	}
	at = vmsnd_clock_now();
	return vmsnd_pool_close(machine->pool, end > at ? end - at : 0) && !machine->closed;
}

void vmsnd_machine_close(struct vmsnd_machine *machine, vmsnd_ns now)
{
	while (machine->n_cards > 0)
		let_go(machine, machine->cards[--machine->n_cards], now);
	if (wait_for_all(machine, now)) {
		machine_free(machine);
		return;
	}
	vmsnd_logf(&machine->log, VMSND_LOG_WARNING,
		   "a sound server or card does not answer; what it may still use is left to it");
	/* A worker may be in the middle of it for ever: its memory stays (MX-37). */
	pthread_mutex_lock(&machine->log_lock);
	machine->silent = true;
	pthread_mutex_unlock(&machine->log_lock);
	if (machine->waking && machine->conf.poller.unwatch)
		machine->conf.poller.unwatch(machine->conf.poller.ctx, machine->wake.fd);
}
