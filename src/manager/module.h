/* SPDX-License-Identifier: BSD-3-Clause */
/* Modules from inside: where they are, and which. */
#ifndef VMSND_MANAGER_MODULE_H
#define VMSND_MANAGER_MODULE_H

#include "manager/registry.h"

/* module_folder.c: where modules are looked for when nobody says where: what VMSND_MODULE_PATH
 * says, else the folder of the installation that this code is part of. To be freed; NULL: nowhere.
 */
char *vmsnd_module_folder(void);

/* The files in `folder` that are modules by their names, as paths, in the order of their names.
 * NULL and *n 0: none. Errno-like: 0, or why the folder cannot be read. */
int vmsnd_module_list(const char *folder, char ***paths, size_t *n);
void vmsnd_module_list_free(char **paths, size_t n);

/* What to do about a backend that is not there, as the end of a line that says so: where it is one
 * that vmsnd itself comes with as a module; "" for any other name. */
const char *vmsnd_module_hint(const char *backend);

/* For vmsnd_registry_close. */
void vmsnd_module_unload_all(struct vmsnd_registry *registry);

#endif
