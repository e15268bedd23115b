/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain in the machine's life, and what its instances hold. */
#include <stdlib.h>
#include <string.h>

#include "manager/chain_parts.h"

/* ---- life ---- */

static void begin(struct vmsnd_drivers *chain, enum vmsnd_life what)
{
	chain->life_on = true;
	chain->life = what;
	for (unsigned i = 0; i < chain->n; i++)
		for (unsigned u = 0; u < chain->setup.n_units; u++)
			if (chain->places[i]->seats[u].instance)
				chain->places[i]->seats[u].instance->life_done = false;
}

/* False: it needs time. */
static bool live(struct vmsnd_drivers_unit *unit, struct vmsnd_drivers_instance *instance,
		 vmsnd_ns now)
{
	enum vmsnd_life what = unit->chain->life;
	struct vmsnd_drivers_list *held;
	enum vmsnd_rc rc;

	if (!instance || instance->life_done || !instance->cls->life)
		return true;
	held = vmsnd_drivers_hold(unit);
	rc = instance->cls->life(vmsnd_drivers_driver(instance), what, now);
	vmsnd_drivers_unhold(unit, held);
	instance->life_done = rc != VMSND_E_AGAIN;
	if (rc && rc != VMSND_E_AGAIN)
		vmsnd_logf(unit->chain->setup.log, VMSND_LOG_WARNING,
			   "%s: driver %s: %s failed: %s", unit->chain->who, instance->cls->name,
			   vmsnd_life_name(what), vmsnd_rc_text(rc));
	return instance->life_done;
}

static bool place_done(struct vmsnd_drivers *chain, unsigned at, vmsnd_ns now)
{
	bool done = true;

	for (unsigned u = 0; u < chain->setup.n_units; u++)
		done = live(&chain->units[u], chain->places[at]->seats[u].instance, now) && done;
	return done;
}

enum vmsnd_rc vmsnd_drivers_life(struct vmsnd_drivers *chain, enum vmsnd_life what, vmsnd_ns now)
{
	if (!chain->life_on || chain->life != what)
		begin(chain, what);
	for (unsigned i = 0; i < chain->n; i++)
		if (!place_done(chain, i, now))
			return VMSND_E_AGAIN;
	chain->life_on = false;
	return VMSND_OK;
}

static bool is_late(const struct vmsnd_drivers *chain, unsigned at)
{
	for (unsigned u = 0; u < chain->setup.n_units; u++) {
		const struct vmsnd_drivers_instance *instance =
		    chain->places[at]->seats[u].instance;

		if (instance && instance->cls->life && !instance->life_done)
			return true;
	}
	return false;
}

const char *vmsnd_drivers_late(struct vmsnd_drivers *chain)
{
	bool on = chain->life_on;

	chain->life_on = false;
	for (unsigned i = 0; on && i < chain->n; i++)
		if (is_late(chain, i))
			return chain->places[i]->cls->name;
	return NULL;
}

/* ---- saved state ---- */

static void put_format(struct vmsnd_state_writer *to, const struct vmsnd_drivers_unit *unit)
{
	vmsnd_state_put_u8(to, (uint8_t)unit->dir);
	vmsnd_state_put_u8(to, (uint8_t)unit->format.sample);
	vmsnd_state_put_u32(to, unit->format.rate_hz);
	vmsnd_state_put_u32(to, unit->format.channels);
	vmsnd_state_put_u8(to, unit->format.big_endian);
	vmsnd_state_put(to, unit->format.positions, sizeof(unit->format.positions));
}

static void put_instance(struct vmsnd_state_writer *to, struct vmsnd_drivers_instance *instance)
{
	struct vmsnd_state_writer counter = {.to = NULL};

	instance->cls->save(vmsnd_drivers_driver(instance), &counter);
	vmsnd_state_put_u32(to, (uint32_t)counter.used);
	instance->cls->save(vmsnd_drivers_driver(instance), to);
}

/* What waits for an instance to be made is passed on as it is. */
static void put_seat(struct vmsnd_state_writer *to, const struct vmsnd_drivers_seat *seat)
{
	bool saves = seat->instance && seat->instance->cls->save;

	vmsnd_state_put_u8(to, saves || seat->saved);
	if (saves) {
		put_instance(to, seat->instance);
	} else if (seat->saved) {
		vmsnd_state_put_u32(to, (uint32_t)seat->saved->bytes);
		vmsnd_state_put(to, seat->saved->data, seat->saved->bytes);
	}
}

void vmsnd_drivers_save(struct vmsnd_drivers *chain, unsigned index, struct vmsnd_state_writer *to)
{
	struct vmsnd_drivers_unit *unit = &chain->units[index];
	struct vmsnd_drivers_list *held;

	vmsnd_state_put_u8(to, unit->prepared || unit->restored);
	if (!unit->prepared && !unit->restored)
		return;
	put_format(to, unit);
	vmsnd_state_put_u8(to, (uint8_t)chain->n);
	held = vmsnd_drivers_hold(unit);
	for (unsigned i = 0; i < chain->n; i++) {
		vmsnd_state_put_text(to, chain->places[i]->cls->name);
		put_seat(to, &chain->places[i]->seats[index]);
	}
	vmsnd_drivers_unhold(unit, held);
}

/* What is read before anything is changed. */
struct loaded {
	bool known;
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	unsigned n;
	char names[VMSND_DRIVERS_MAX][VMSND_CLASS_NAME_BYTES];
	struct vmsnd_drivers_saved *saved[VMSND_DRIVERS_MAX];
};

static void get_format(struct vmsnd_state_reader *from, struct loaded *into)
{
	into->dir = (enum vmsnd_dir)vmsnd_state_get_u8_upto(from, VMSND_CAPTURE);
	into->format.sample =
	    (enum vmsnd_sample)vmsnd_state_get_u8_upto(from, VMSND_SAMPLE_COUNT - 1);
	into->format.rate_hz = vmsnd_state_get_u32(from);
	into->format.channels = vmsnd_state_get_u32(from);
	into->format.big_endian = vmsnd_state_get_bool(from);
	vmsnd_state_get(from, into->format.positions, sizeof(into->format.positions));
	from->bad |= vmsnd_format_frame_bytes(&into->format) == 0 ||
		     vmsnd_sample_is_opaque(into->format.sample);
}

/* No more is allocated than the reader has. */
static enum vmsnd_rc get_seat(struct vmsnd_state_reader *from, struct vmsnd_drivers_saved **out)
{
	bool there = vmsnd_state_get_bool(from);
	uint32_t bytes = there ? vmsnd_state_get_u32(from) : 0;

	from->bad |= bytes > from->bytes - from->at;
	if (from->bad)
		return VMSND_E_DAMAGED;
	if (!there)
		return VMSND_OK;
	*out = malloc(sizeof(**out) + bytes);
	if (!*out)
		return VMSND_E_NOMEM;
	(*out)->bytes = bytes;
	vmsnd_state_get(from, (*out)->data, bytes);
	return VMSND_OK;
}

static enum vmsnd_rc get_all(struct vmsnd_state_reader *from, struct loaded *into)
{
	enum vmsnd_rc rc = VMSND_OK;

	into->known = vmsnd_state_get_bool(from);
	if (into->known) {
		get_format(from, into);
		into->n = vmsnd_state_get_u8_upto(from, VMSND_DRIVERS_MAX);
	}
	for (unsigned i = 0; i < into->n && rc == VMSND_OK; i++) {
		vmsnd_state_get_text(from, into->names[i], sizeof(into->names[i]));
		rc = get_seat(from, &into->saved[i]);
	}
	return rc == VMSND_OK && from->bad ? VMSND_E_DAMAGED : rc;
}

static void take_over(struct vmsnd_drivers *chain, struct vmsnd_drivers_unit *unit,
		      struct loaded *loaded)
{
	unit->restored = loaded->known;
	unit->dir = loaded->dir;
	unit->format = loaded->format;
	for (unsigned i = 0; i < chain->n; i++) {
		struct vmsnd_drivers_seat *seat = &chain->places[i]->seats[unit->index];

		free(seat->saved);
		seat->saved = NULL;
		if (i >= loaded->n || strcmp(loaded->names[i], chain->places[i]->cls->name) != 0)
			continue;
		seat->saved = loaded->saved[i];
		loaded->saved[i] = NULL;
	}
}

enum vmsnd_rc vmsnd_drivers_load(struct vmsnd_drivers *chain, unsigned index,
				 struct vmsnd_state_reader *from, uint16_t minor)
{
	struct loaded loaded = {.known = false};
	enum vmsnd_rc rc;

	(void)minor; /* there is one so far */
	if (index >= chain->setup.n_units || chain->units[index].prepared)
		return VMSND_E_INVALID;
	rc = get_all(from, &loaded);
	if (rc == VMSND_OK)
		take_over(chain, &chain->units[index], &loaded);
	for (unsigned i = 0; i < VMSND_DRIVERS_MAX; i++)
		free(loaded.saved[i]);
	return rc;
}
