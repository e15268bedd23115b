/* SPDX-License-Identifier: BSD-3-Clause */
/* What this build knows: the one place where concrete classes are named. */
#ifndef VMSND_MANAGER_REGISTRY_H
#define VMSND_MANAGER_REGISTRY_H

#include "vmsnd/backend.h"
#include "vmsnd/transport.h"

/* The `index`th class, or NULL beyond the last. */
const struct vmsnd_dev_class *vmsnd_registry_device(size_t index);
const struct vmsnd_backend_class *vmsnd_registry_backend(size_t index);

/* By name; NULL when there is none. */
const struct vmsnd_dev_class *vmsnd_registry_find_device(const char *name);
const struct vmsnd_backend_class *vmsnd_registry_find_backend(const char *name);
const struct vmsnd_transport_class *vmsnd_registry_find_transport(const char *name);

#endif
