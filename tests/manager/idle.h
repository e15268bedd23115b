/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions that a device has to have, of one that does nothing, on either bus. */
#ifndef VMSND_TESTS_IDLE_H
#define VMSND_TESTS_IDLE_H

#include <string.h>

#include "vmsnd/device.h"

static inline void idle_reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
}

static inline vmsnd_ns idle_advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	return VMSND_NEVER;
}

static inline size_t idle_counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out,
				   size_t max)
{
	return 0;
}

static inline uint64_t idle_features(const struct vmsnd_dev *dev)
{
	return 0;
}

static inline void idle_set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
}

static inline void idle_config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to,
				    uint32_t bytes)
{
	memset(to, 0, bytes);
}

static inline enum vmsnd_rc idle_queue_start(struct vmsnd_dev *dev, unsigned queue,
					     const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	return VMSND_OK;
}

static inline uint32_t idle_queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	return 0;
}

static inline void idle_queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
}

static inline void idle_kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
}

static const struct vmsnd_virtio_ops idle_virtio __attribute__((unused)) = {
    .device_id = 25,
    .n_queues = 4,
    .features = idle_features,
    .set_features = idle_set_features,
    .config_read = idle_config_read,
    .queue_start = idle_queue_start,
    .queue_stop = idle_queue_stop,
    .queue_enable = idle_queue_enable,
    .kick = idle_kick,
};

static inline void idle_bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = (struct vmsnd_pci_bar){.bytes = 0};
}

static inline void idle_pci_read(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
				 void *to)
{
	memset(to, 0xff, access->bytes);
}

static inline void idle_pci_write(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
				  const void *from)
{
}

static const struct vmsnd_pci_ops idle_pci
    __attribute__((unused)) = {.bar = idle_bar, .read = idle_pci_read, .write = idle_pci_write};

#endif
