/* SPDX-License-Identifier: BSD-3-Clause */
/* The drivers of one output, from top to bottom: linear, one below the other (DM-61).
 *
 * A chain has units, one for each stream of the card, and each unit an insert, which the connector
 * calls for every block. A unit that was prepared has an instance of every driver. The chain can be
 * changed at any time: each unit has a list of its instances, which is not changed but exchanged
 * for another; the audio thread reads it without waiting, and what it may still use is freed by
 * vmsnd_drivers_tend. Drivers that stay keep their instances and what these hold.
 *
 * All on the lane, but the insert's process_rt and delay_frames_rt. */
#ifndef VMSND_MANAGER_CHAIN_H
#define VMSND_MANAGER_CHAIN_H

#include "connector/connector.h"
#include "manager/census.h"
#include "vmsnd/machine.h"

struct vmsnd_drivers;

struct vmsnd_drivers_setup {
	const struct vmsnd_registry *registry; /* this and the next two outlive the chain */
	struct vmsnd_census *census;           /* the machine's */
	const struct vmsnd_log *log;
	const char *who; /* "vm1: output 0": begins every line; copied */
	unsigned n_units;
};

/* Without drivers. VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_drivers_open(const struct vmsnd_drivers_setup *setup,
				 struct vmsnd_drivers **out);
/* Once no unit's insert can be called any more (vmsnd_lun_gone, vmsnd_lun_next_over). Destroys from
 * bottom to top (DM-71). NULL is ignored. */
void vmsnd_drivers_close(struct vmsnd_drivers *chain);
/* Of a unit; good until close. Units without drivers do nothing, so it can always be given. */
const struct vmsnd_insert *vmsnd_drivers_insert(const struct vmsnd_drivers *chain, unsigned unit);

/* ---- drivers, counted from the top ---- */

unsigned vmsnd_drivers_count(const struct vmsnd_drivers *chain);
/* Puts "delay,ms=100" above driver `at`; vmsnd_drivers_count: at the bottom (DM-68). On failure the
 * chain is as it was and `error` has the line. VMSND_E_NO_VALUE: no class is named; _NO_CLASS;
 * _INVALID: the options, or such a place cannot be; _LIMIT: VMSND_DRIVERS_MAX, the class'
 * max_instances, or more bytes than an instance may have; what init returned (DM-64, DM-66). */
enum vmsnd_rc vmsnd_drivers_attach(struct vmsnd_drivers *chain, unsigned at, const char *text,
				   struct vmsnd_error *error);
/* The same from a node of a configuration tree: leaf "driver" and its options. */
enum vmsnd_rc vmsnd_drivers_attach_node(struct vmsnd_drivers *chain, unsigned at,
					const struct vmsnd_node *node, struct vmsnd_error *error);
/* The same in the place of driver `at`, which leaves when all went well. VMSND_E_NO_DRIVER. */
enum vmsnd_rc vmsnd_drivers_reattach(struct vmsnd_drivers *chain, unsigned at, const char *text,
				     struct vmsnd_error *error);
/* VMSND_E_NO_DRIVER, VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_drivers_detach(struct vmsnd_drivers *chain, unsigned at);
/* The `occurrence`th driver of this class from the top, from 0 (DM-69). VMSND_E_NO_DRIVER. */
enum vmsnd_rc vmsnd_drivers_find(const struct vmsnd_drivers *chain, const char *name,
				 unsigned occurrence, unsigned *at);
/* NULL when there is no driver `at`. The text as it was given; good until that driver leaves. */
const char *vmsnd_drivers_text(const struct vmsnd_drivers *chain, unsigned at);

/* Frees what no audio thread uses any more; false: some of it is still in use, come again. */
bool vmsnd_drivers_tend(struct vmsnd_drivers *chain);

/* ---- the machine's life ---- */

/* Takes all instances through it, from the top driver down; VMSND_E_AGAIN as long as one needs
 * time, and nothing below it has heard then (LC-03). Failures are said, and count as done. */
enum vmsnd_rc vmsnd_drivers_life(struct vmsnd_drivers *chain, enum vmsnd_life what, vmsnd_ns now);
/* The limit is over: the name of the driver that is late, NULL for none. The next call of
 * vmsnd_drivers_life begins anew. */
const char *vmsnd_drivers_late(struct vmsnd_drivers *chain);

#define VMSND_DRIVERS_STATE_MAJOR 1u
#define VMSND_DRIVERS_STATE_MINOR 0u

/* What the instances of a unit hold. A block that comes meanwhile passes by them. */
void vmsnd_drivers_save(struct vmsnd_drivers *chain, unsigned unit, struct vmsnd_state_writer *to);
/* Into a chain just built, before the insert was prepared: given to the instances once they are
 * made, if they are of the same classes and the same format. VMSND_E_DAMAGED, VMSND_E_NOMEM;
 * VMSND_E_INVALID: no such unit, or it is prepared; the chain is as it was. */
enum vmsnd_rc vmsnd_drivers_load(struct vmsnd_drivers *chain, unsigned unit,
				 struct vmsnd_state_reader *from, uint16_t minor);
/* What was loaded and not given to instances yet is of no use after all. */
void vmsnd_drivers_forget(struct vmsnd_drivers *chain);

#endif
