/* SPDX-License-Identifier: BSD-3-Clause */
/* A lane: a set of cards, the time they live in, and the lock that makes whoever holds it the lane.
 *
 * Cards are stepped by one thread, the lane's own (lane_thread.c) or the embedder's. Others that
 * have something to do with a card take the lock for as long; it hands on in the order of priority,
 * and a holder inherits it, so neither side starves the other. */
#ifndef VMSND_MANAGER_LANE_H
#define VMSND_MANAGER_LANE_H

#include <pthread.h>
#include <stdatomic.h>

#include "connector/connector.h"
#include "manager/lane_clock.h"
#include "os/wake.h"
#include "vmsnd/machine.h"

struct vmsnd_card;
struct vmsnd_lane_thread;

/* How often cards that were closed are looked at: workers wake the lane, an audio thread does not.
 */
#define VMSND_LANE_SWEEP_NS UINT64_C(10000000)

struct vmsnd_lane {
	struct vmsnd_machine *machine;
	unsigned index;
	pthread_mutex_t lock;
	struct vmsnd_connector_env env;
	struct vmsnd_poller poller;
	struct vmsnd_lane_thread *thread; /* NULL: the embedder steps it */
	struct vmsnd_lane_clock clock;    /* of the thread */

	struct vmsnd_wake wake;
	bool waking;        /* `wake` is open and watched */
	_Atomic bool woken; /* a worker or a backend has something for the cards */
	pthread_t stepper;  /* who stepped it last */

	/* By slot; due is what of the cards the lane looks at in every turn: 0: now. */
	struct vmsnd_card **slots;
	vmsnd_ns *due;
	unsigned n_slots, n_cards;
	struct vmsnd_card *closed; /* not all of them gone yet */
};

/* lane.c. `lane` is zeroed. VMSND_E_NOMEM, VMSND_E_SYSTEM. */
enum vmsnd_rc vmsnd_lane_init(struct vmsnd_lane *lane, struct vmsnd_machine *machine,
			      unsigned index);
/* Opens the way to wake it, on its poller. */
enum vmsnd_rc vmsnd_lane_open_wake(struct vmsnd_lane *lane);
/* No card is on it. */
void vmsnd_lane_fini(struct vmsnd_lane *lane);
/* It stays for ever, for what may still use it; only its descriptors go. */
void vmsnd_lane_abandon(struct vmsnd_lane *lane);

void vmsnd_lane_lock(struct vmsnd_lane *lane);
/* `touched`: its thread looks for what is new. */
void vmsnd_lane_unlock(struct vmsnd_lane *lane, bool touched);
/* Under the lock: the lane's time, `now` where it has none of its own. */
vmsnd_ns vmsnd_lane_time(struct vmsnd_lane *lane, vmsnd_ns now);

/* Under the lock, all from here. A free slot is made, and told; VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_lane_seat(struct vmsnd_lane *lane, struct vmsnd_card *card, unsigned *slot);
/* Closes a card that has a slot, or never got one, and frees it once its outputs have gone. */
void vmsnd_lane_let_go(struct vmsnd_lane *lane, struct vmsnd_card *card, vmsnd_ns now);
/* Frees those that have gone; true: none is left. */
bool vmsnd_lane_sweep(struct vmsnd_lane *lane, vmsnd_ns now);
vmsnd_ns vmsnd_lane_advance(struct vmsnd_lane *lane, vmsnd_ns now);
void vmsnd_lane_ready(struct vmsnd_lane *lane, uint64_t token, vmsnd_ns now);
/* Has all cards looked at in the next turn. Any thread, without the lock. */
void vmsnd_lane_wake(struct vmsnd_lane *lane);

/* lane_thread.c: a loop for the lane's poller; the thread begins with start. */
enum vmsnd_rc vmsnd_lane_thread_open(struct vmsnd_lane *lane);
enum vmsnd_rc vmsnd_lane_thread_start(struct vmsnd_lane *lane);
/* Ends and joins the thread; the loop stays until close. Not under the lock. */
void vmsnd_lane_thread_stop(struct vmsnd_lane *lane);
void vmsnd_lane_thread_close(struct vmsnd_lane *lane);

#endif
