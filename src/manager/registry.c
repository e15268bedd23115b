/* SPDX-License-Identifier: BSD-3-Clause */
/* What there is: lists in the order of registration (DM-01), and an index by name beside each,
 * since every card asks for its classes by name (DM-12). */
#include "manager/registry.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "manager/builtin.h"
#include "manager/card.h"
#include "manager/module.h"

/* Where `name` is among the sorted ones, or would be. */
static size_t place(const struct vmsnd_class_list *list, enum vmsnd_sort sort, const char *name)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(vmsnd_record_name(sort, list->by_name[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const void *find_builtin(enum vmsnd_sort sort, const char *name)
{
	const void *record;

	for (size_t i = 0; (record = vmsnd_builtin(sort, i)); i++)
		if (strcmp(vmsnd_record_name(sort, record), name) == 0)
			return record;
	return NULL;
}

static const void *find(const struct vmsnd_registry *registry, enum vmsnd_sort sort,
			const char *name)
{
	const struct vmsnd_class_list *list;
	size_t at;

	if (!registry)
		return find_builtin(sort, name);
	list = &registry->lists[sort];
	at = place(list, sort, name);
	if (at == list->n || strcmp(vmsnd_record_name(sort, list->by_name[at]), name) != 0)
		return NULL;
	return list->by_name[at];
}

static const void *row(const struct vmsnd_registry *registry, enum vmsnd_sort sort, size_t index)
{
	if (!registry)
		return vmsnd_builtin(sort, index);
	return index < registry->lists[sort].n ? registry->lists[sort].rows[index] : NULL;
}

/* ---- adding ---- */

static bool make_room(struct vmsnd_class_list *list)
{
	size_t room = list->room ? 2 * list->room : 8;
	const void **rows, **by_name;

	if (list->n < list->room)
		return true;
	rows = realloc(list->rows, room * sizeof(*rows));
	if (rows)
		list->rows = rows;
	by_name = realloc(list->by_name, room * sizeof(*by_name));
	if (by_name)
		list->by_name = by_name;
	if (rows && by_name)
		list->room = room;
	return rows && by_name;
}

static void insert(struct vmsnd_class_list *list, enum vmsnd_sort sort, const void *record)
{
	size_t at = place(list, sort, vmsnd_record_name(sort, record));

	memmove(list->by_name + at + 1, list->by_name + at,
		(list->n - at) * sizeof(*list->by_name));
	list->by_name[at] = record;
	list->rows[list->n++] = record;
}

/* A device's options and its transport's are one table: no key twice, and room for all. */
static bool options_clash(const struct vmsnd_registry *registry, enum vmsnd_sort sort,
			  const void *record, struct vmsnd_record_detail *detail)
{
	enum vmsnd_sort other =
	    sort == VMSND_SORT_DEVICE ? VMSND_SORT_TRANSPORT : VMSND_SORT_DEVICE;
	const struct vmsnd_option *options = vmsnd_record_options(sort, record);
	size_t n =
	    vmsnd_record_count_options(options) + vmsnd_record_count_options(vmsnd_card_options());

	if (sort != VMSND_SORT_DEVICE && sort != VMSND_SORT_TRANSPORT)
		return false;
	for (size_t i = 0; i < registry->lists[other].n; i++) {
		const void *beside = registry->lists[other].rows[i];
		const struct vmsnd_option *theirs = vmsnd_record_options(other, beside);
		const char *key = vmsnd_record_common_key(options, theirs);

		if (key)
			snprintf(detail->text, sizeof(detail->text), "%s: the %s '%s' has it, too",
				 key, vmsnd_sort_name(other), vmsnd_record_name(other, beside));
		else if (n + vmsnd_record_count_options(theirs) >= VMSND_CARD_OPTIONS_MAX)
			snprintf(detail->text, sizeof(detail->text),
				 "too many together with those of the %s '%s'",
				 vmsnd_sort_name(other), vmsnd_record_name(other, beside));
		if (*detail->text)
			return true;
	}
	return false;
}

static enum vmsnd_record_fault check(const struct vmsnd_registry *registry, enum vmsnd_sort sort,
				     const void *record, struct vmsnd_record_detail *detail)
{
	enum vmsnd_record_fault fault = vmsnd_record_check(sort, record, detail);

	if (fault)
		return fault;
	if (find(registry, sort, vmsnd_record_name(sort, record)))
		return VMSND_RECORD_DUPLICATE;
	return options_clash(registry, sort, record, detail) ? VMSND_RECORD_OPTIONS
							     : VMSND_RECORD_FINE;
}

static void tell(const struct vmsnd_registry *registry, const struct vmsnd_record_origin *origin,
		 const char *sort, const struct vmsnd_record_detail *detail, const char *fault)
{
	char who[VMSND_CLASS_NAME_BYTES + 16];

	snprintf(who, sizeof(who), detail->name[0] ? "%s '%s'" : "a %s%s", sort, detail->name);
	vmsnd_logf(registry->log, origin->level, "%s%s%s is not taken: %s%s%s", who,
		   origin->module ? " of module " : "", origin->module ? origin->module : "", fault,
		   detail->text[0] ? ": " : "", detail->text);
}

enum vmsnd_record_fault vmsnd_registry_add(struct vmsnd_registry *registry, enum vmsnd_sort sort,
					   const void *record,
					   const struct vmsnd_record_origin *origin)
{
	struct vmsnd_class_list *list = &registry->lists[sort];
	struct vmsnd_record_detail detail;
	enum vmsnd_record_fault fault = check(registry, sort, record, &detail);

	if (!fault && !make_room(list))
		fault = VMSND_RECORD_MEMORY;
	if (fault)
		tell(registry, origin, vmsnd_sort_name(sort), &detail,
		     vmsnd_record_fault_text(fault));
	else
		insert(list, sort, record);
	return fault;
}

struct vmsnd_registry_mark vmsnd_registry_mark(const struct vmsnd_registry *registry)
{
	struct vmsnd_registry_mark mark;

	for (size_t sort = 0; sort < VMSND_SORT_COUNT; sort++)
		mark.n[sort] = registry->lists[sort].n;
	return mark;
}

static void take_out_last(struct vmsnd_class_list *list, enum vmsnd_sort sort)
{
	size_t at = place(list, sort, vmsnd_record_name(sort, list->rows[list->n - 1]));

	list->n--;
	memmove(list->by_name + at, list->by_name + at + 1,
		(list->n - at) * sizeof(*list->by_name));
}

void vmsnd_registry_back(struct vmsnd_registry *registry, const struct vmsnd_registry_mark *mark)
{
	for (enum vmsnd_sort sort = VMSND_SORT_DEVICE; sort < VMSND_SORT_COUNT; sort++)
		while (registry->lists[sort].n > mark->n[sort])
			take_out_last(&registry->lists[sort], sort);
}

/* ---- open and close ---- */

static bool add_builtin(struct vmsnd_registry *registry)
{
	static const struct vmsnd_record_origin origin = {.level = VMSND_LOG_ERROR};
	const void *record;

	for (enum vmsnd_sort sort = VMSND_SORT_DEVICE; sort < VMSND_SORT_COUNT; sort++)
		for (size_t i = 0; (record = vmsnd_builtin(sort, i)); i++)
			if (vmsnd_registry_add(registry, sort, record, &origin))
				return false;
	return true;
}

enum vmsnd_rc vmsnd_registry_open(const struct vmsnd_registry_conf *conf,
				  struct vmsnd_registry **out)
{
	struct vmsnd_registry *registry = calloc(1, sizeof(*registry));

	*out = NULL;
	if (!registry)
		return VMSND_E_NOMEM;
	registry->log = conf ? conf->log : NULL;
	if (!(conf && conf->folder))
		registry->folder = vmsnd_module_folder();
	else if (*conf->folder)
		registry->folder = strdup(conf->folder);
	if (!(conf && conf->bare) && !add_builtin(registry)) {
		vmsnd_registry_close(registry);
		return VMSND_E_NOMEM;
	}
	*out = registry;
	return VMSND_OK;
}

void vmsnd_registry_pin(struct vmsnd_registry *registry)
{
	atomic_store(&registry->pinned, true);
}

void vmsnd_registry_close(struct vmsnd_registry *registry)
{
	if (!registry || atomic_load(&registry->pinned))
		return;
	vmsnd_module_unload_all(registry);
	for (size_t sort = 0; sort < VMSND_SORT_COUNT; sort++) {
		free(registry->lists[sort].rows);
		free(registry->lists[sort].by_name);
	}
	free(registry->folder);
	free(registry);
}

/* ---- one function for each sort ---- */

static const struct vmsnd_record_origin program = {.level = VMSND_LOG_ERROR};

enum vmsnd_record_fault vmsnd_registry_add_device(struct vmsnd_registry *registry,
						  const struct vmsnd_dev_class *cls)
{
	return vmsnd_registry_add(registry, VMSND_SORT_DEVICE, cls, &program);
}

enum vmsnd_record_fault vmsnd_registry_add_backend(struct vmsnd_registry *registry,
						   const struct vmsnd_backend_class *cls)
{
	return vmsnd_registry_add(registry, VMSND_SORT_BACKEND, cls, &program);
}

enum vmsnd_record_fault vmsnd_registry_add_driver(struct vmsnd_registry *registry,
						  const struct vmsnd_driver_class *cls)
{
	return vmsnd_registry_add(registry, VMSND_SORT_DRIVER, cls, &program);
}

enum vmsnd_record_fault vmsnd_registry_add_transport(struct vmsnd_registry *registry,
						     const struct vmsnd_transport_class *cls)
{
	return vmsnd_registry_add(registry, VMSND_SORT_TRANSPORT, cls, &program);
}

const struct vmsnd_dev_class *vmsnd_registry_device(const struct vmsnd_registry *registry,
						    size_t index)
{
	return row(registry, VMSND_SORT_DEVICE, index);
}

const struct vmsnd_backend_class *vmsnd_registry_backend(const struct vmsnd_registry *registry,
							 size_t index)
{
	return row(registry, VMSND_SORT_BACKEND, index);
}

const struct vmsnd_driver_class *vmsnd_registry_driver(const struct vmsnd_registry *registry,
						       size_t index)
{
	return row(registry, VMSND_SORT_DRIVER, index);
}

const struct vmsnd_transport_class *vmsnd_registry_transport(const struct vmsnd_registry *registry,
							     size_t index)
{
	return row(registry, VMSND_SORT_TRANSPORT, index);
}

const struct vmsnd_dev_class *vmsnd_registry_find_device(const struct vmsnd_registry *registry,
							 const char *name)
{
	return find(registry, VMSND_SORT_DEVICE, name);
}

const struct vmsnd_backend_class *vmsnd_registry_find_backend(const struct vmsnd_registry *registry,
							      const char *name)
{
	return find(registry, VMSND_SORT_BACKEND, name);
}

const struct vmsnd_driver_class *vmsnd_registry_find_driver(const struct vmsnd_registry *registry,
							    const char *name)
{
	return find(registry, VMSND_SORT_DRIVER, name);
}

const struct vmsnd_transport_class *
vmsnd_registry_find_transport(const struct vmsnd_registry *registry, const char *name)
{
	return find(registry, VMSND_SORT_TRANSPORT, name);
}

const char *vmsnd_registry_near(const struct vmsnd_registry *registry, const char *sort,
				const char *name)
{
	enum vmsnd_sort which = vmsnd_sort_of(sort);
	struct vmsnd_near near = vmsnd_near_begin(name);
	const void *record;

	if (which == VMSND_SORT_COUNT)
		return NULL;
	for (size_t i = 0; (record = row(registry, which, i)); i++)
		vmsnd_near_offer(&near, vmsnd_record_name(which, record));
	return near.best;
}
