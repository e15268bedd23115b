/* SPDX-License-Identifier: BSD-3-Clause */
/* Asks for a function that nobody has. */
#include "vmsnd/module.h"

VMSND_MODULE_EXPORT enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to);

enum vmsnd_rc vmsnd_nowhere_to_be_found(void);

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	return vmsnd_nowhere_to_be_found();
}
