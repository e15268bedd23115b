/* SPDX-License-Identifier: BSD-3-Clause */
/* A shared object that is no module: its function has another name. */
#include "vmsnd/module.h"

VMSND_MODULE_EXPORT int vmsnd_module_registers(void);

int vmsnd_module_registers(void)
{
	return 0;
}
