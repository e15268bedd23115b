/* SPDX-License-Identifier: BSD-3-Clause */
/* Built against headers of another day. */
#include "toy.h"

static const struct vmsnd_driver_class old = {TOY_DRIVER, .name = "old"};

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	struct vmsnd_driver_class other = old;

	other.abi = other.abi_end = VMSND_DRIVER_ABI + 7;
	return to->driver(to->ctx, &other) ? VMSND_E_VERSION : VMSND_OK;
}
