/* SPDX-License-Identifier: BSD-3-Clause */
/* What the library has itself. */
#ifndef VMSND_MANAGER_BUILTIN_H
#define VMSND_MANAGER_BUILTIN_H

#include "manager/records.h"

/* The `index`th record of a sort, NULL beyond the last. */
const void *vmsnd_builtin(enum vmsnd_sort sort, size_t index);

#endif
