/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio-mmio transport: a guest of a VMM in this process, which forwards its accesses. */
#ifndef VMSND_TRANSPORTS_VIRTIO_MMIO_H
#define VMSND_TRANSPORTS_VIRTIO_MMIO_H

#include "vmsnd/transport.h"

extern const struct vmsnd_transport_class vmsnd_virtio_mmio_class;

#endif
