/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry from inside: what module.c needs of it. */
#ifndef VMSND_MANAGER_REGISTRY_H
#define VMSND_MANAGER_REGISTRY_H

#include "manager/records.h"

/* The classes of one sort: as they came, and by name. */
struct vmsnd_class_list {
	const void **rows, **by_name; /* both of n records, with room for more */
	size_t n, room;
};

struct vmsnd_module {
	char *path;
	void *handle;
};

struct vmsnd_registry {
	const struct vmsnd_log *log;
	char *folder; /* NULL: there is none */
	struct vmsnd_class_list lists[VMSND_SORT_COUNT];
	struct vmsnd_module *modules;
	size_t n_modules;
	_Atomic bool pinned; /* a worker may be in a module's code for ever: it stays (MX-37) */
};

/* Who hands a record in, for the log. */
struct vmsnd_record_origin {
	const char *module; /* its path; NULL: the program itself */
	enum vmsnd_log_level level;
};

enum vmsnd_record_fault vmsnd_registry_add(struct vmsnd_registry *registry, enum vmsnd_sort sort,
					   const void *record,
					   const struct vmsnd_record_origin *origin);

/* Close will unload nothing and free nothing. Any thread. */
void vmsnd_registry_pin(struct vmsnd_registry *registry);

/* How many there are of each sort, and back to that. */
struct vmsnd_registry_mark {
	size_t n[VMSND_SORT_COUNT];
};
struct vmsnd_registry_mark vmsnd_registry_mark(const struct vmsnd_registry *registry);
void vmsnd_registry_back(struct vmsnd_registry *registry, const struct vmsnd_registry_mark *mark);

#endif
