/* SPDX-License-Identifier: BSD-3-Clause */
/* One unit of a chain: its instances, their list, and the audio thread's side. */
#include "manager/chain_parts.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64u

_Static_assert(sizeof(struct vmsnd_drivers_instance) <= ALIGNMENT, "the storage begins after it");

struct vmsnd_driver *vmsnd_drivers_driver(struct vmsnd_drivers_instance *instance)
{
	return (struct vmsnd_driver *)((char *)instance + ALIGNMENT);
}

/* ---- the audio thread ---- */

static void run_rt(const struct vmsnd_drivers_list *list, uint8_t *samples, uint32_t frames)
{
	while (frames > 0) {
		uint32_t some = frames < list->max_frames ? frames : list->max_frames;

		for (uint32_t i = 0; i < list->n; i++)
			list->step[i].process_rt(list->step[i].driver, samples, some);
		samples += (size_t)some * list->frame_bytes;
		frames -= some;
	}
}

/* All sequentially consistent: either this side sees the new list, or the lane the odd epoch. */
static void process_rt(void *ctx, void *samples, uint32_t frames)
{
	struct vmsnd_drivers_unit *unit = ctx;
	const struct vmsnd_drivers_list *list;

	atomic_fetch_add(&unit->epoch, 1);
	list = atomic_load(&unit->list);
	if (list)
		run_rt(list, samples, frames);
	atomic_fetch_add(&unit->epoch, 1);
}

static uint32_t delay_frames_rt(void *ctx)
{
	struct vmsnd_drivers_unit *unit = ctx;

	return atomic_load_explicit(&unit->delay_frames, memory_order_relaxed);
}

/* ---- instances ---- */

static void format_text(const struct vmsnd_drivers_unit *unit, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s, %u Hz, %u channel%s, %s", vmsnd_sample_name(unit->format.sample),
		 unit->format.rate_hz, unit->format.channels, unit->format.channels == 1 ? "" : "s",
		 unit->dir == VMSND_PLAYBACK ? "playback" : "capture");
}

static struct vmsnd_drivers_instance *allocate(const struct vmsnd_driver_class *cls, size_t bytes)
{
	size_t all = ALIGNMENT + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct vmsnd_drivers_instance *instance = aligned_alloc(ALIGNMENT, all);

	if (!instance)
		return NULL;
	memset(instance, 0, all);
	instance->cls = cls;
	return instance;
}

void vmsnd_drivers_instance_free(struct vmsnd_drivers_instance *instance)
{
	if (!instance)
		return;
	if (instance->cls->fini)
		instance->cls->fini(vmsnd_drivers_driver(instance));
	free(instance);
}

/* Said once for a driver: a guest may change formats as often as it likes. */
static void tell_passed_by(struct vmsnd_drivers_unit *unit, struct vmsnd_drivers_place *place)
{
	char format[80];

	format_text(unit, format, sizeof(format));
	if (!place->told)
		vmsnd_logf(unit->chain->setup.log, VMSND_LOG_WARNING,
			   "%s: driver %s cannot work with %s, which passes it by",
			   unit->chain->who, place->cls->name, format);
	place->told = true;
}

static enum vmsnd_rc too_large(const struct vmsnd_drivers_unit *unit, size_t bytes,
			       struct vmsnd_error *error)
{
	char format[80];

	format_text(unit, format, sizeof(format));
	snprintf(error->line, sizeof(error->line), "wants %zu bytes for %s; at most %u are allowed",
		 bytes, format, VMSND_DRIVER_BYTES_MAX);
	return VMSND_E_LIMIT;
}

static void settle_delay(struct vmsnd_drivers_instance *instance)
{
	instance->delay_frames = instance->cls->delay_frames
				     ? instance->cls->delay_frames(vmsnd_drivers_driver(instance))
				     : 0;
}

static enum vmsnd_rc make(struct vmsnd_drivers_unit *unit, struct vmsnd_drivers_place *place,
			  struct vmsnd_drivers_instance **out, struct vmsnd_error *error)
{
	const struct vmsnd_driver_conf conf = {.options = &place->conf,
					       .dir = unit->dir,
					       .format = unit->format,
					       .max_frames = unit->max_frames,
					       .log = unit->chain->setup.log};
	size_t bytes = place->cls->footprint(&conf);
	struct vmsnd_drivers_instance *made;
	enum vmsnd_rc rc;

	if (bytes == 0) {
		tell_passed_by(unit, place);
		return VMSND_OK;
	}
	if (bytes > VMSND_DRIVER_BYTES_MAX)
		return too_large(unit, bytes, error);
	made = allocate(place->cls, bytes);
	if (!made) {
		snprintf(error->line, sizeof(error->line), "no memory");
		return VMSND_E_NOMEM;
	}
	rc = place->cls->init(vmsnd_drivers_driver(made), &conf);
	if (rc) {
		snprintf(error->line, sizeof(error->line), "cannot start: %s", vmsnd_rc_text(rc));
		vmsnd_drivers_instance_free(made); /* DM-66 */
		return rc;
	}
	settle_delay(made);
	*out = made;
	return VMSND_OK;
}

static void restore(struct vmsnd_drivers_unit *unit, struct vmsnd_drivers_place *place,
		    struct vmsnd_drivers_instance *instance)
{
	const struct vmsnd_drivers_saved *saved = place->seats[unit->index].saved;
	struct vmsnd_state_reader reader = {.from = saved->data, .bytes = saved->bytes};

	if (!place->cls->load)
		return;
	if (place->cls->load(vmsnd_drivers_driver(instance), &reader) != VMSND_OK)
		vmsnd_logf(unit->chain->setup.log, VMSND_LOG_WARNING,
			   "%s: driver %s begins anew: what was saved of it is not its own",
			   unit->chain->who, place->cls->name);
	settle_delay(instance);
}

enum vmsnd_rc vmsnd_drivers_instance_make(struct vmsnd_drivers_unit *unit,
					  struct vmsnd_drivers_place *place,
					  struct vmsnd_drivers_instance **out,
					  struct vmsnd_error *error)
{
	enum vmsnd_rc rc;

	*out = NULL;
	rc = make(unit, place, out, error);
	if (rc == VMSND_OK && *out && unit->restored && place->seats[unit->index].saved)
		restore(unit, place, *out);
	return rc;
}

/* ---- lists ---- */

enum vmsnd_rc vmsnd_drivers_list_make(const struct vmsnd_drivers_unit *unit,
				      struct vmsnd_drivers_place *const *places, unsigned n,
				      struct vmsnd_drivers_list **out)
{
	struct vmsnd_drivers_list *list = calloc(1, sizeof(*list));

	*out = NULL;
	if (!list)
		return VMSND_E_NOMEM;
	list->max_frames = unit->max_frames;
	list->frame_bytes = vmsnd_format_frame_bytes(&unit->format);
	for (unsigned i = 0; i < n; i++) {
		/* Capture comes from below. */
		unsigned at = unit->dir == VMSND_PLAYBACK ? i : n - 1 - i;
		struct vmsnd_drivers_instance *instance = places[at]->seats[unit->index].instance;

		if (!instance)
			continue;
		list->delay_frames += instance->delay_frames;
		list->step[list->n].driver = vmsnd_drivers_driver(instance);
		list->step[list->n++].process_rt = instance->cls->process_rt;
	}
	*out = list;
	return VMSND_OK;
}

static void settle_unit_delay(struct vmsnd_drivers_unit *unit,
			      const struct vmsnd_drivers_list *list)
{
	atomic_store_explicit(&unit->delay_frames, list ? list->delay_frames : 0,
			      memory_order_relaxed);
}

struct vmsnd_drivers_list *vmsnd_drivers_list_put(struct vmsnd_drivers_unit *unit,
						  struct vmsnd_drivers_list *list)
{
	struct vmsnd_drivers_list *old = atomic_exchange(&unit->list, list);

	settle_unit_delay(unit, list);
	if (!old)
		return NULL;
	old->fence = atomic_load(&unit->epoch);
	old->next = unit->old;
	unit->old = old;
	return old;
}

static bool passed(const struct vmsnd_drivers_unit *unit, uint64_t fence)
{
	return (fence & 1) == 0 || atomic_load(&unit->epoch) != fence;
}

struct vmsnd_drivers_list *vmsnd_drivers_hold(struct vmsnd_drivers_unit *unit)
{
	struct vmsnd_drivers_list *held = atomic_exchange(&unit->list, NULL);
	uint64_t fence = atomic_load(&unit->epoch);

	while (!passed(unit, fence))
		sched_yield();
	return held;
}

void vmsnd_drivers_unhold(struct vmsnd_drivers_unit *unit, struct vmsnd_drivers_list *held)
{
	atomic_store(&unit->list, held);
}

static void list_free(struct vmsnd_drivers_list *list)
{
	while (list->n_gone > 0)
		vmsnd_drivers_instance_free(list->gone[--list->n_gone]); /* DM-71 */
	free(list);
}

bool vmsnd_drivers_unit_tend(struct vmsnd_drivers_unit *unit, bool all)
{
	struct vmsnd_drivers_list **link = &unit->old;

	while (*link) {
		struct vmsnd_drivers_list *list = *link;

		if (all || passed(unit, list->fence)) {
			*link = list->next;
			list_free(list);
		} else {
			link = &list->next;
		}
	}
	return unit->old == NULL;
}

/* ---- another format ---- */

static void make_all(struct vmsnd_drivers_unit *unit)
{
	struct vmsnd_drivers *chain = unit->chain;
	struct vmsnd_error error;

	for (unsigned i = 0; i < chain->n; i++) {
		struct vmsnd_drivers_place *place = chain->places[i];
		struct vmsnd_drivers_seat *seat = &place->seats[unit->index];

		if (vmsnd_drivers_instance_make(unit, place, &seat->instance, &error) == VMSND_OK)
			continue;
		if (!place->told)
			vmsnd_logf(chain->setup.log, VMSND_LOG_WARNING,
				   "%s: driver %s %s; sound passes it by", chain->who,
				   place->cls->name, error.line);
		place->told = true;
	}
}

/* A unit without a list has no instances. */
static void take_down(struct vmsnd_drivers_unit *unit)
{
	struct vmsnd_drivers_list *old = vmsnd_drivers_list_put(unit, NULL);

	for (unsigned i = 0; old && i < unit->chain->n; i++) {
		struct vmsnd_drivers_seat *seat = &unit->chain->places[i]->seats[unit->index];

		if (seat->instance)
			old->gone[old->n_gone++] = seat->instance;
		seat->instance = NULL;
	}
	vmsnd_drivers_unit_tend(unit, false);
}

static void forget_saved(struct vmsnd_drivers_unit *unit)
{
	for (unsigned i = 0; i < unit->chain->n; i++) {
		struct vmsnd_drivers_seat *seat = &unit->chain->places[i]->seats[unit->index];

		free(seat->saved);
		seat->saved = NULL;
	}
	unit->restored = false;
}

void vmsnd_drivers_forget(struct vmsnd_drivers *chain)
{
	for (unsigned i = 0; i < chain->setup.n_units; i++)
		forget_saved(&chain->units[i]);
}

static void set_up(struct vmsnd_drivers_unit *unit)
{
	struct vmsnd_drivers *chain = unit->chain;
	struct vmsnd_drivers_list *list;

	make_all(unit);
	if (vmsnd_drivers_list_make(unit, chain->places, chain->n, &list) == VMSND_OK) {
		vmsnd_drivers_list_put(unit, list);
		return;
	}
	for (unsigned i = chain->n; i-- > 0;) {
		struct vmsnd_drivers_seat *seat = &chain->places[i]->seats[unit->index];

		vmsnd_drivers_instance_free(seat->instance);
		seat->instance = NULL;
	}
	unit->prepared = false;
	vmsnd_logf(chain->setup.log, VMSND_LOG_WARNING,
		   "%s: no memory for its drivers; sound passes them by", chain->who);
}

/* The same format once more: instances go on with what they hold, whatever the size of blocks,
 * since larger ones are handed on in pieces. */
static void prepare(void *ctx, enum vmsnd_dir dir, const struct vmsnd_format *format,
		    uint32_t max_frames)
{
	struct vmsnd_drivers_unit *unit = ctx;
	bool same = unit->dir == dir && vmsnd_format_equal(&unit->format, format);

	if ((unit->prepared && same) || vmsnd_format_frame_bytes(format) == 0 || max_frames == 0)
		return;
	take_down(unit);
	if (!same)
		forget_saved(unit);
	unit->dir = dir;
	unit->format = *format;
	unit->max_frames = max_frames;
	unit->prepared = true;
	set_up(unit);
	forget_saved(unit);
}

void vmsnd_drivers_unit_init(struct vmsnd_drivers *chain, unsigned index)
{
	struct vmsnd_drivers_unit *unit = &chain->units[index];

	unit->chain = chain;
	unit->index = index;
	unit->insert = (struct vmsnd_insert){.ctx = unit,
					     .prepare = prepare,
					     .process_rt = process_rt,
					     .delay_frames_rt = delay_frames_rt};
}
