/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of a chain share. */
#ifndef VMSND_MANAGER_CHAIN_PARTS_H
#define VMSND_MANAGER_CHAIN_PARTS_H

#include <stdatomic.h>

#include "manager/chain.h"

#define VMSND_DRIVERS_WHO_BYTES 128u

/* A driver at work in one unit. The class' storage follows, aligned. */
struct vmsnd_drivers_instance {
	const struct vmsnd_driver_class *cls;
	uint32_t delay_frames;
	bool life_done; /* of the life under way */
};

/* What the audio thread reads; never changed once it is there, but for what is to be freed. */
struct vmsnd_drivers_list {
	uint32_t max_frames, frame_bytes, delay_frames, n;
	struct {
		struct vmsnd_driver *driver;
		void (*process_rt)(struct vmsnd_driver *driver, void *samples, uint32_t frames);
	} step[VMSND_DRIVERS_MAX]; /* in the order of the samples' way */

	/* The lane's, once it was taken out. */
	struct vmsnd_drivers_list *next;
	uint64_t fence;
	uint32_t n_gone;
	struct vmsnd_drivers_instance *gone[VMSND_DRIVERS_MAX]; /* from top to bottom */
};

struct vmsnd_drivers_saved {
	size_t bytes;
	uint8_t data[];
};

/* A driver's part in one unit. */
struct vmsnd_drivers_seat {
	struct vmsnd_drivers_instance *instance; /* NULL: not prepared, or passed by */
	struct vmsnd_drivers_saved *saved;       /* for the instance that is to be made */
};

/* A driver of the chain. */
struct vmsnd_drivers_place {
	const struct vmsnd_driver_class *cls;
	char *text;
	struct vmsnd_conf conf;
	bool told; /* that it cannot work with a stream */
	struct vmsnd_drivers_seat seats[];
};

struct vmsnd_drivers_unit {
	struct vmsnd_insert insert;
	struct vmsnd_drivers *chain;
	unsigned index;
	bool prepared;
	bool restored; /* dir and format are those of a saved state */
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	uint32_t max_frames;
	struct vmsnd_drivers_list *old; /* taken out, not freed yet */

	_Atomic(struct vmsnd_drivers_list *) list; /* NULL: no instances, or held */
	_Atomic uint64_t epoch;                    /* odd: `list` is in use */
	_Atomic uint32_t delay_frames;
};

struct vmsnd_drivers {
	struct vmsnd_drivers_setup setup;
	char who[VMSND_DRIVERS_WHO_BYTES];
	bool life_on; /* a walk is under way */
	enum vmsnd_life life;
	unsigned n;
	struct vmsnd_drivers_place *places[VMSND_DRIVERS_MAX];
	struct vmsnd_drivers_unit units[];
};

struct vmsnd_driver *vmsnd_drivers_driver(struct vmsnd_drivers_instance *instance);

/* ---- chain_class.c ---- */

/* Where a driver is named: in a text, or in a node, which has a text, too. */
struct vmsnd_drivers_source {
	const char *text;
	const struct vmsnd_node *node;
	struct vmsnd_place place; /* of the node's leaf */
};

/* `text` has room for VMSND_DRIVER_TEXT_BYTES and is the source's. On failure of any of these
 * `error` has the line. */
enum vmsnd_rc vmsnd_drivers_source_of(const struct vmsnd_drivers_setup *setup,
				      const struct vmsnd_node *node, char *text,
				      struct vmsnd_drivers_source *source,
				      struct vmsnd_error *error);
enum vmsnd_rc vmsnd_drivers_find_class(const struct vmsnd_drivers_setup *setup,
				       const struct vmsnd_drivers_source *source,
				       const struct vmsnd_driver_class **cls,
				       struct vmsnd_error *error);
enum vmsnd_rc vmsnd_drivers_read_options(const struct vmsnd_drivers_setup *setup,
					 const struct vmsnd_driver_class *cls,
					 const struct vmsnd_drivers_source *source,
					 struct vmsnd_conf *conf, struct vmsnd_error *error);

/* ---- chain_unit.c ---- */

void vmsnd_drivers_unit_init(struct vmsnd_drivers *chain, unsigned index);
/* An instance of a driver for a prepared unit, or NULL with VMSND_OK where it is passed by. On
 * failure `error` has what is wrong, without who. */
enum vmsnd_rc vmsnd_drivers_instance_make(struct vmsnd_drivers_unit *unit,
					  struct vmsnd_drivers_place *place,
					  struct vmsnd_drivers_instance **out,
					  struct vmsnd_error *error);
void vmsnd_drivers_instance_free(struct vmsnd_drivers_instance *instance);
/* The list that `places` make in a unit. VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_drivers_list_make(const struct vmsnd_drivers_unit *unit,
				      struct vmsnd_drivers_place *const *places, unsigned n,
				      struct vmsnd_drivers_list **out);
/* Puts a list in place. The one that was there is freed some time, with what is added to its
 * `gone` before the next vmsnd_drivers_unit_tend. */
struct vmsnd_drivers_list *vmsnd_drivers_list_put(struct vmsnd_drivers_unit *unit,
						  struct vmsnd_drivers_list *list);
/* From hold to unhold process_rt is not under way, and blocks pass by. The lane waits for the end
 * of a block at most. */
struct vmsnd_drivers_list *vmsnd_drivers_hold(struct vmsnd_drivers_unit *unit);
void vmsnd_drivers_unhold(struct vmsnd_drivers_unit *unit, struct vmsnd_drivers_list *held);
/* False: something is in use. `all`: nothing can be any more. */
bool vmsnd_drivers_unit_tend(struct vmsnd_drivers_unit *unit, bool all);

#endif
