/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers some and then thinks better of it. */
#include "toy.h"

static const struct vmsnd_driver_class first = {TOY_DRIVER, .name = "half-first"};
static const struct vmsnd_driver_class second = {TOY_DRIVER, .name = "half-second"};

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	if (to->driver(to->ctx, &first) || to->driver(to->ctx, &second))
		return VMSND_E_INVALID;
	return VMSND_E_UNSUPPORTED;
}
