/* SPDX-License-Identifier: BSD-3-Clause */
/* The entry of a module with one backend: VMSND_MODULE_CLASS of VMSND_MODULE_HEADER, which the
 * build names. */
#include VMSND_MODULE_HEADER

#include "vmsnd/module.h"

VMSND_MODULE_EXPORT vmsnd_module_entry vmsnd_module_register;

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	return to->backend(to->ctx, &VMSND_MODULE_CLASS) == VMSND_RECORD_FINE ? VMSND_OK
									      : VMSND_E_INVALID;
}
