/* SPDX-License-Identifier: BSD-3-Clause */
/* How many drivers and backends of each class a machine has. Any thread. */
#ifndef VMSND_MANAGER_CENSUS_H
#define VMSND_MANAGER_CENSUS_H

#include "vmsnd/backend.h"
#include "vmsnd/driver.h"

struct vmsnd_census;

/* VMSND_E_NOMEM. One for each machine; outlives its chains. */
enum vmsnd_rc vmsnd_census_open(struct vmsnd_census **out);
void vmsnd_census_close(struct vmsnd_census *census);

/* One more driver of a class. `leaving`: the class of the one that goes away for it, or NULL.
 * VMSND_E_LIMIT: max_instances are there (DM-64); VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_census_take(struct vmsnd_census *census, const struct vmsnd_driver_class *cls,
				const struct vmsnd_driver_class *leaving);
void vmsnd_census_give(struct vmsnd_census *census, const struct vmsnd_driver_class *cls);

/* The same for a backend. */
enum vmsnd_rc vmsnd_census_take_backend(struct vmsnd_census *census,
					const struct vmsnd_backend_class *cls,
					const struct vmsnd_backend_class *leaving);
void vmsnd_census_give_backend(struct vmsnd_census *census, const struct vmsnd_backend_class *cls);

#endif
