/* SPDX-License-Identifier: BSD-3-Clause */
#include "mmio_rig.h"

#include <stdlib.h>
#include <string.h>

static uint64_t dev_features(const struct vmsnd_dev *dev)
{
	return OFFERED;
}

static void dev_set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
	dev->accepted = accepted;
	dev->n_accepted++;
}

/* Twelve bytes of configuration: 1, 2, 3 ... */
static void dev_config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = offset + i < 12 ? (uint8_t)(offset + i + 1) : 0;
}

static enum vmsnd_rc dev_queue_start(struct vmsnd_dev *dev, unsigned queue,
				     const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	assert_in_range(queue, 0, N_QUEUES - 1);
	assert_false(dev->queues[queue].started);
	dev->queues[queue].starts++;
	dev->last = now;
	if (dev->start_rc)
		return dev->start_rc;
	dev->queues[queue].setup = *setup;
	dev->queues[queue].started = dev->queues[queue].enabled = true;
	return VMSND_OK;
}

static uint32_t dev_queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	assert_in_range(queue, 0, N_QUEUES - 1);
	dev->queues[queue].started = dev->queues[queue].enabled = false;
	dev->queues[queue].stops++;
	return 5;
}

static void dev_queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
	assert_in_range(queue, 0, N_QUEUES - 1);
	assert_true(dev->queues[queue].started);
	dev->queues[queue].enabled = on;
}

static void dev_queue_reset(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	assert_in_range(queue, 0, N_QUEUES - 1);
	dev->queues[queue].started = dev->queues[queue].enabled = false;
	dev->queues[queue].resets++;
	dev->last = now;
}

static void dev_kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	assert_in_range(queue, 0, N_QUEUES - 1);
	assert_true(dev->queues[queue].enabled);
	dev->queues[queue].kicks++;
	dev->last = now;
}

static void dev_reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	unsigned resets = dev->resets + 1;

	assert_int_equal(why, VMSND_RESET_BUS);
	memset(dev, 0, sizeof(*dev));
	dev->resets = resets;
	dev->last = now;
}

static const struct vmsnd_virtio_ops dev_ops = {.device_id = 25,
						.n_queues = N_QUEUES,
						.features = dev_features,
						.set_features = dev_set_features,
						.config_read = dev_config_read,
						.queue_start = dev_queue_start,
						.queue_stop = dev_queue_stop,
						.queue_enable = dev_queue_enable,
						.kick = dev_kick,
						.queue_reset = dev_queue_reset};
static const struct vmsnd_dev_class dev_class = {.virtio = &dev_ops, .reset = dev_reset};

static void on_level(void *ctx, bool high)
{
	struct rig *rig = ctx;

	assert_int_equal(rig->line, !high);
	rig->line = high;
	rig->line_changes++;
}

static void on_connected(void *ctx)
{
	((struct rig *)ctx)->connected++;
}

static void on_ready(void *ctx)
{
	((struct rig *)ctx)->ready++;
}

static void on_refused(void *ctx, unsigned queue, enum vmsnd_rc why)
{
	((struct rig *)ctx)->refused++;
}

struct rig *rig_open(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct vmsnd_card_ref card = {&dev_class, &rig->dev};
	const struct vmsnd_mmio_user user = {rig, on_level, on_connected, on_ready, on_refused};

	assert_non_null(rig);
	vmsnd_mmio_init(&rig->mmio, &card, &user);
	return rig;
}

uint32_t rig_get(struct rig *rig, uint64_t at)
{
	return (uint32_t)vmsnd_mmio_read(&rig->mmio, at, 4);
}

void rig_put(struct rig *rig, uint64_t at, uint32_t value)
{
	vmsnd_mmio_write(&rig->mmio, at, 4, value, NOW);
}

void rig_put_features(struct rig *rig, uint64_t features)
{
	rig_put(rig, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	rig_put(rig, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	rig_put(rig, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	rig_put(rig, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

void rig_agree(struct rig *rig, uint64_t features)
{
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK);
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	rig_put_features(rig, features);
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES);
}

void rig_put_queue(struct rig *rig, unsigned queue)
{
	rig_put(rig, VIRTIO_MMIO_QUEUE_SEL, queue);
	rig_put(rig, VIRTIO_MMIO_QUEUE_NUM, 64);
	rig_put(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
	rig_put(rig, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0x11);
	rig_put(rig, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x2000);
	rig_put(rig, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0x22);
	rig_put(rig, VIRTIO_MMIO_QUEUE_USED_LOW, 0x3000);
	rig_put(rig, VIRTIO_MMIO_QUEUE_USED_HIGH, 0x33);
	rig_put(rig, VIRTIO_MMIO_QUEUE_READY, 1);
}

struct rig *rig_up(void)
{
	struct rig *rig = rig_open();

	rig_agree(rig, OFFERED);
	rig_put_queue(rig, 1);
	rig_put(rig, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES | OK);
	assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES | OK);
	return rig;
}

uint64_t rig_mistakes(const struct rig *rig)
{
	const struct vmsnd_mmio_counters *c = &rig->mmio.counters;

	return c->odd_accesses + c->bad_reads + c->bad_writes + c->refused_writes +
	       c->refused_queues;
}
