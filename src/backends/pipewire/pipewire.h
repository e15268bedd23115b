/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend for PipeWire (docs/backend-pipewire.md). */
#ifndef VMSND_BACKENDS_PIPEWIRE_H
#define VMSND_BACKENDS_PIPEWIRE_H

#include "vmsnd/backend.h"

extern const struct vmsnd_backend_class vmsnd_pipewire_class;

#endif
