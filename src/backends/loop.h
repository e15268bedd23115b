/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMSND_BACKENDS_LOOP_H
#define VMSND_BACKENDS_LOOP_H

#include "vmsnd/backend.h"

extern const struct vmsnd_backend_class vmsnd_loop_class;

#endif
