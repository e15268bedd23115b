/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain's drivers: attached, exchanged, detached. */
#include "manager/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/chain_parts.h"

/* What a change is made of: the places as they will be, and a list for each prepared unit. */
struct change {
	unsigned n;
	struct vmsnd_drivers_place *places[VMSND_DRIVERS_MAX];
	struct vmsnd_drivers_place *comes, *leaves; /* may be NULL */
	struct vmsnd_drivers_list *lists[];
};

enum vmsnd_rc vmsnd_drivers_open(const struct vmsnd_drivers_setup *setup,
				 struct vmsnd_drivers **out)
{
	struct vmsnd_drivers *chain =
	    calloc(1, sizeof(*chain) + setup->n_units * sizeof(chain->units[0]));

	*out = chain;
	if (!chain)
		return VMSND_E_NOMEM;
	chain->setup = *setup;
	snprintf(chain->who, sizeof(chain->who), "%s", setup->who);
	chain->setup.who = chain->who;
	for (unsigned i = 0; i < setup->n_units; i++)
		vmsnd_drivers_unit_init(chain, i);
	return VMSND_OK;
}

const struct vmsnd_insert *vmsnd_drivers_insert(const struct vmsnd_drivers *chain, unsigned unit)
{
	return &chain->units[unit].insert;
}

/* ---- places ---- */

/* `error` holds what is wrong; who it is about goes before it. */
static void complain(const struct vmsnd_drivers *chain, const struct vmsnd_driver_class *cls,
		     struct vmsnd_error *error)
{
	char what[sizeof(error->line)];

	snprintf(what, sizeof(what), "%s", error->line);
	snprintf(error->line, sizeof(error->line), "%.120s: driver %.32s %.800s", chain->who,
		 cls->name, what);
}

static void place_free(struct vmsnd_drivers *chain, struct vmsnd_drivers_place *place)
{
	if (!place)
		return;
	for (unsigned i = 0; i < chain->setup.n_units; i++) {
		vmsnd_drivers_instance_free(place->seats[i].instance);
		free(place->seats[i].saved);
	}
	free(place->text);
	free(place);
}

static enum vmsnd_rc place_make(struct vmsnd_drivers *chain,
				const struct vmsnd_drivers_source *source,
				struct vmsnd_drivers_place **out, struct vmsnd_error *error)
{
	const struct vmsnd_driver_class *cls;
	struct vmsnd_drivers_place *place;
	enum vmsnd_rc rc = vmsnd_drivers_find_class(&chain->setup, source, &cls, error);

	if (rc)
		return rc;
	place = calloc(1, sizeof(*place) + chain->setup.n_units * sizeof(place->seats[0]));
	if (place)
		place->text = strdup(source->text);
	if (!place || !place->text) {
		free(place);
		snprintf(error->line, sizeof(error->line), "%s: no memory", chain->who);
		return VMSND_E_NOMEM;
	}
	place->cls = cls;
	rc = vmsnd_drivers_read_options(&chain->setup, cls, source, &place->conf, error);
	if (rc) {
		place_free(chain, place);
		return rc;
	}
	*out = place;
	return VMSND_OK;
}

/* ---- changes ---- */

/* Before any of it is in use. */
static void change_free(struct vmsnd_drivers *chain, struct change *change)
{
	for (unsigned i = 0; i < chain->setup.n_units; i++)
		free(change->lists[i]);
	free(change);
}

static enum vmsnd_rc make_instances(struct vmsnd_drivers *chain, struct vmsnd_drivers_place *place,
				    struct vmsnd_error *error)
{
	for (unsigned i = 0; i < chain->setup.n_units; i++) {
		struct vmsnd_drivers_unit *unit = &chain->units[i];
		enum vmsnd_rc rc;

		if (!unit->prepared)
			continue;
		rc = vmsnd_drivers_instance_make(unit, place, &place->seats[i].instance, error);
		if (rc) {
			complain(chain, place->cls, error);
			return rc;
		}
	}
	return VMSND_OK;
}

static enum vmsnd_rc make_lists(struct vmsnd_drivers *chain, struct change *change)
{
	for (unsigned i = 0; i < chain->setup.n_units; i++) {
		const struct vmsnd_drivers_unit *unit = &chain->units[i];
		enum vmsnd_rc rc;

		if (!unit->prepared)
			continue;
		rc = vmsnd_drivers_list_make(unit, change->places, change->n, &change->lists[i]);
		if (rc)
			return rc;
	}
	return VMSND_OK;
}

/* Nothing here can fail. */
static void commit(struct vmsnd_drivers *chain, struct change *change)
{
	struct vmsnd_drivers_place *leaves = change->leaves;

	for (unsigned i = 0; i < chain->setup.n_units; i++) {
		struct vmsnd_drivers_list *old;

		if (!chain->units[i].prepared)
			continue;
		old = vmsnd_drivers_list_put(&chain->units[i], change->lists[i]);
		change->lists[i] = NULL;
		if (leaves && leaves->seats[i].instance)
			old->gone[old->n_gone++] = leaves->seats[i].instance;
		if (leaves)
			leaves->seats[i].instance = NULL;
	}
	memcpy(chain->places, change->places, sizeof(chain->places));
	chain->n = change->n;
	if (leaves)
		vmsnd_census_give(chain->setup.census, leaves->cls);
	place_free(chain, leaves);
	vmsnd_drivers_tend(chain);
}

static enum vmsnd_rc no_memory(const struct vmsnd_drivers *chain, struct vmsnd_error *error)
{
	snprintf(error->line, sizeof(error->line), "%s: no memory", chain->who);
	return VMSND_E_NOMEM;
}

/* `comes` above driver `at`, `leaves` of whom is what is there: `n_leaving` 0 or 1. */
static enum vmsnd_rc apply(struct vmsnd_drivers *chain, unsigned at, unsigned n_leaving,
			   struct vmsnd_drivers_place *comes, struct vmsnd_error *error)
{
	struct change *change =
	    calloc(1, sizeof(*change) + chain->setup.n_units * sizeof(change->lists[0]));
	enum vmsnd_rc rc = change ? VMSND_OK : no_memory(chain, error);

	if (rc)
		return rc;
	change->leaves = n_leaving ? chain->places[at] : NULL;
	for (unsigned i = 0; i < at; i++)
		change->places[change->n++] = chain->places[i];
	if (comes)
		change->places[change->n++] = comes;
	for (unsigned i = at + n_leaving; i < chain->n; i++)
		change->places[change->n++] = chain->places[i];
	if (make_lists(chain, change))
		rc = no_memory(chain, error);
	else
		commit(chain, change);
	change_free(chain, change);
	return rc;
}

static enum vmsnd_rc count_in(struct vmsnd_drivers *chain, struct vmsnd_drivers_place *comes,
			      const struct vmsnd_drivers_place *leaves, struct vmsnd_error *error)
{
	enum vmsnd_rc rc =
	    vmsnd_census_take(chain->setup.census, comes->cls, leaves ? leaves->cls : NULL);

	if (rc == VMSND_E_NOMEM)
		return no_memory(chain, error);
	if (rc)
		snprintf(error->line, sizeof(error->line),
			 "%s: one machine has at most %u of driver %s", chain->who,
			 comes->cls->max_instances, comes->cls->name);
	return rc;
}

/* Everything is made first, so that what fails leaves the chain as it was. */
static enum vmsnd_rc put(struct vmsnd_drivers *chain, unsigned at, unsigned n_leaving,
			 const struct vmsnd_drivers_source *source, struct vmsnd_error *error)
{
	struct vmsnd_drivers_place *comes;
	enum vmsnd_rc rc = place_make(chain, source, &comes, error);

	if (rc)
		return rc;
	rc = count_in(chain, comes, n_leaving ? chain->places[at] : NULL, error);
	if (rc) {
		place_free(chain, comes);
		return rc;
	}
	rc = make_instances(chain, comes, error);
	if (rc == VMSND_OK)
		rc = apply(chain, at, n_leaving, comes, error);
	if (rc) {
		vmsnd_census_give(chain->setup.census, comes->cls);
		place_free(chain, comes);
	}
	return rc;
}

static enum vmsnd_rc attach(struct vmsnd_drivers *chain, unsigned at,
			    const struct vmsnd_drivers_source *source, struct vmsnd_error *error)
{
	if (at > chain->n) {
		snprintf(error->line, sizeof(error->line), "%s: there is no place %u for a driver",
			 chain->who, at);
		return VMSND_E_INVALID;
	}
	if (chain->n == VMSND_DRIVERS_MAX) {
		snprintf(error->line, sizeof(error->line), "%s: %u drivers is all it can have",
			 chain->who, VMSND_DRIVERS_MAX);
		return VMSND_E_LIMIT;
	}
	return put(chain, at, 0, source, error);
}

enum vmsnd_rc vmsnd_drivers_attach(struct vmsnd_drivers *chain, unsigned at, const char *text,
				   struct vmsnd_error *error)
{
	return attach(chain, at, &(struct vmsnd_drivers_source){.text = text}, error);
}

enum vmsnd_rc vmsnd_drivers_attach_node(struct vmsnd_drivers *chain, unsigned at,
					const struct vmsnd_node *node, struct vmsnd_error *error)
{
	char text[VMSND_DRIVER_TEXT_BYTES];
	struct vmsnd_drivers_source source;
	enum vmsnd_rc rc = vmsnd_drivers_source_of(&chain->setup, node, text, &source, error);

	return rc ? rc : attach(chain, at, &source, error);
}

enum vmsnd_rc vmsnd_drivers_reattach(struct vmsnd_drivers *chain, unsigned at, const char *text,
				     struct vmsnd_error *error)
{
	if (at < chain->n)
		return put(chain, at, 1, &(struct vmsnd_drivers_source){.text = text}, error);
	snprintf(error->line, sizeof(error->line), "%s: there is no driver %u", chain->who, at);
	return VMSND_E_NO_DRIVER;
}

enum vmsnd_rc vmsnd_drivers_detach(struct vmsnd_drivers *chain, unsigned at)
{
	struct vmsnd_error error;

	return at < chain->n ? apply(chain, at, 1, NULL, &error) : VMSND_E_NO_DRIVER;
}

bool vmsnd_drivers_tend(struct vmsnd_drivers *chain)
{
	bool over = true;

	/* Asked at every step of a card, and hardly ever is there anything. */
	for (unsigned i = 0; i < chain->setup.n_units; i++)
		if (chain->units[i].old)
			over = vmsnd_drivers_unit_tend(&chain->units[i], false) && over;
	return over;
}

void vmsnd_drivers_close(struct vmsnd_drivers *chain)
{
	if (!chain)
		return;
	for (unsigned i = 0; i < chain->setup.n_units; i++) {
		vmsnd_drivers_list_put(&chain->units[i], NULL);
		vmsnd_drivers_unit_tend(&chain->units[i], true);
	}
	while (chain->n > 0) {
		vmsnd_census_give(chain->setup.census, chain->places[chain->n - 1]->cls);
		place_free(chain, chain->places[--chain->n]);
	}
	free(chain);
}

/* ---- looking ---- */

unsigned vmsnd_drivers_count(const struct vmsnd_drivers *chain)
{
	return chain->n;
}

enum vmsnd_rc vmsnd_drivers_find(const struct vmsnd_drivers *chain, const char *name,
				 unsigned occurrence, unsigned *at)
{
	for (unsigned i = 0; i < chain->n; i++) {
		if (strcmp(chain->places[i]->cls->name, name) != 0 || occurrence-- > 0)
			continue;
		*at = i;
		return VMSND_OK;
	}
	return VMSND_E_NO_DRIVER;
}

const char *vmsnd_drivers_text(const struct vmsnd_drivers *chain, unsigned at)
{
	return at < chain->n ? chain->places[at]->text : NULL;
}
