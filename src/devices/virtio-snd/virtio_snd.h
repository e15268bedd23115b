/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio sound card. */
#ifndef VMSND_DEVICES_VIRTIO_SND_VIRTIO_SND_H
#define VMSND_DEVICES_VIRTIO_SND_VIRTIO_SND_H

#include "vmsnd/device.h"

extern const struct vmsnd_dev_class vmsnd_virtio_snd_class;

#endif
