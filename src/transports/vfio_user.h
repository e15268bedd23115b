/* SPDX-License-Identifier: BSD-3-Clause */
/* The vfio-user transport: a PCI card for a VMM in another process (docs/vfio-user.md). */
#ifndef VMSND_TRANSPORTS_VFIO_USER_H
#define VMSND_TRANSPORTS_VFIO_USER_H

#include "vmsnd/transport.h"

extern const struct vmsnd_transport_class vmsnd_vfio_user_class;

#endif
