/* SPDX-License-Identifier: BSD-3-Clause */
/* Goes away as its parts arrive. */
#include "connector/connector.h"
#include "vmsnd/machine.h"

#define WEAK __attribute__((weak))

WEAK const char *vmsnd_registry_near(const struct vmsnd_registry *registry, const char *sort,
				     const char *name)
{
	return NULL;
}
WEAK enum vmsnd_rc vmsnd_rules_apply(const struct vmsnd_node *root, struct vmsnd_node *output,
				     const struct vmsnd_rules_at *at, struct vmsnd_error *error)
{
	return VMSND_OK;
}
WEAK enum vmsnd_rc vmsnd_machine_check(const struct vmsnd_registry *registry,
				       const struct vmsnd_node *root, struct vmsnd_error *error)
{
	return VMSND_OK;
}
