/* SPDX-License-Identifier: BSD-3-Clause */
/* One of its classes is there already; the other is as good as any, and it goes on with it. */
#include "toy.h"

static const struct vmsnd_driver_class taken = {TOY_DRIVER, .name = "good-first"};
static const struct vmsnd_driver_class other = {TOY_DRIVER, .name = "duplicate-other"};

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	enum vmsnd_record_fault a = to->driver(to->ctx, &taken);
	enum vmsnd_record_fault b = to->driver(to->ctx, &other);

	return a && a != VMSND_RECORD_DUPLICATE ? VMSND_E_INVALID : b ? VMSND_E_INVALID : VMSND_OK;
}
