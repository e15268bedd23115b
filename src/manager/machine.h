/* SPDX-License-Identifier: BSD-3-Clause */
/* What a machine is, for the files of this folder.
 *
 * Locks: the plan (which cards there are, and the life of the whole) before a lane's. A lane's
 * thread takes its lane's only. */
#ifndef VMSND_MANAGER_MACHINE_H
#define VMSND_MANAGER_MACHINE_H

#include <pthread.h>

#include "manager/census.h"
#include "manager/lane.h"
#include "manager/realtime.h"
#include "os/pool.h"

struct vmsnd_machine {
	struct vmsnd_machine_conf conf;
	struct vmsnd_registry *registry;
	bool own_registry;
	struct vmsnd_pool *pool;
	struct vmsnd_realtime realtime;

	/* What a backend may still hold when a close had to leave it behind. */
	struct vmsnd_log log;
	pthread_mutex_t log_lock;
	bool silent;

	struct vmsnd_lane *lanes[VMSND_LANES_MAX];
	unsigned n_lanes;

	/* ---- under the plan lock ---- */
	pthread_mutex_t plan;
	struct vmsnd_card **cards; /* by number; NULL: none */
	unsigned cards_end;
	struct vmsnd_card *first, *last; /* in the order of creation (LC-01) */
	struct vmsnd_node *rules;        /* a root with "transforms" only; NULL: none */
	enum vmsnd_machine_phase phase;  /* or where it goes back to */
	bool changing;
	enum vmsnd_life life;    /* while changing */
	unsigned sessions_ended; /* of cards that are gone */
	_Atomic bool step_life;  /* advance goes on with it */

	struct vmsnd_census *census; /* of drivers and backends */
	_Atomic uint64_t reattaches; /* so far: each has a number */
};

/* ---- machine.c ---- */

bool vmsnd_machine_submit(struct vmsnd_machine *machine, struct vmsnd_job *job);
const struct vmsnd_log *vmsnd_machine_log(const struct vmsnd_machine *machine);
void vmsnd_machine_tell_changed(const struct vmsnd_machine *machine);
void vmsnd_machine_plan_lock(const struct vmsnd_machine *machine);
void vmsnd_machine_plan_unlock(const struct vmsnd_machine *machine);

/* Of lanes that have threads; those that run already go on. */
enum vmsnd_rc vmsnd_machine_start_threads(struct vmsnd_machine *machine);

/* ---- a card and its lane, held ---- */

struct vmsnd_seat {
	struct vmsnd_card *card;
	struct vmsnd_lane *lane;
	vmsnd_ns now; /* the lane's; where it is changed */
	bool changes;
};

/* Takes the lane of a card; false: there is no such card. To look, and to change: then the card is
 * brought up to its time first and looked at again afterwards. */
bool vmsnd_seat_look(const struct vmsnd_machine *machine, unsigned number, struct vmsnd_seat *seat);
bool vmsnd_seat_change(const struct vmsnd_machine *machine, unsigned number, vmsnd_ns now,
		       struct vmsnd_seat *seat);
void vmsnd_seat_leave(struct vmsnd_seat *seat);

/* ---- machine_life.c, under the plan lock ---- */

/* One more step of the life under way; VMSND_OK: it is over. */
enum vmsnd_rc vmsnd_machine_life_step(struct vmsnd_machine *machine, vmsnd_ns now);

/* ---- machine_cards.c, under the plan lock ---- */

/* Numbers of one device's instances. */
struct vmsnd_numbers {
	uint64_t bits[VMSND_CARDS_MAX / 64];
};
/* Those that the machine's cards have. */
void vmsnd_machine_numbers(const struct vmsnd_machine *machine, const char *device,
			   struct vmsnd_numbers *taken);
/* False: it is taken, or there is no such number. */
bool vmsnd_numbers_take(struct vmsnd_numbers *taken, uint64_t number);
/* VMSND_CARDS_MAX: none is left. */
uint64_t vmsnd_numbers_take_lowest(struct vmsnd_numbers *taken);

#define VMSND_NUMBER_LOWEST UINT64_MAX
struct vmsnd_newcomer {
	const struct vmsnd_node *node;
	uint64_t number; /* when the node does not say */
	int listen_fd;
};
/* Makes a card from its node and opens it; completes it (DM-41). A failure has written its line. */
enum vmsnd_rc vmsnd_machine_put(struct vmsnd_machine *machine,
				const struct vmsnd_newcomer *newcomer, vmsnd_ns now,
				struct vmsnd_card **out);
enum vmsnd_rc vmsnd_machine_complete(struct vmsnd_machine *machine, struct vmsnd_card *card,
				     vmsnd_ns now);
/* machine_tree.c: "cards" and "transforms" below `root`; false: no memory. */
bool vmsnd_machine_write_tree(const struct vmsnd_machine *machine, struct vmsnd_node *root);
/* Takes a card out of the tables and closes it. */
void vmsnd_machine_drop(struct vmsnd_machine *machine, struct vmsnd_card *card, vmsnd_ns now);

#endif
