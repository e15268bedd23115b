/* SPDX-License-Identifier: BSD-3-Clause */
/* A module as it should be; it wants to know the version (DM-24). */
#include <string.h>

#include "toy.h"

static const struct vmsnd_driver_class first = {TOY_DRIVER, .name = "good-first"};
static const struct vmsnd_driver_class second = {TOY_DRIVER, .name = "good-second"};

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	if (to->abi < VMSND_MODULE_ABI || !to->version || !strchr(to->version, '.'))
		return VMSND_E_VERSION;
	vmsnd_logf(to->log, VMSND_LOG_INFO, "good: for vmsnd %s", to->version);
	if (to->driver(to->ctx, &first) || to->driver(to->ctx, &second))
		return VMSND_E_INVALID;
	return VMSND_OK;
}
