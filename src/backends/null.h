/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that is nobody: plays into nothing and records silence, in real time. */
#ifndef VMSND_BACKENDS_NULL_H
#define VMSND_BACKENDS_NULL_H

#include "vmsnd/backend.h"

extern const struct vmsnd_backend_class vmsnd_null_class;

#endif
