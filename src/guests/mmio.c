/* SPDX-License-Identifier: BSD-3-Clause */
#include "guests/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#define MAGIC       0x74726976u
#define QUEUE_RESET 0x0c0u /* absent from older headers */
#define QUEUES_MAX  64u

static uint32_t get(struct vmsnd_guest_mmio *mmio, uint32_t at)
{
	return (uint32_t)mmio->conf.bus.read(mmio->conf.bus.ctx, at, 4);
}

static void put(struct vmsnd_guest_mmio *mmio, uint32_t at, uint32_t value)
{
	mmio->conf.bus.write(mmio->conf.bus.ctx, at, 4, value, mmio->conf.now);
}

static void put64(struct vmsnd_guest_mmio *mmio, uint32_t low, uint64_t value)
{
	put(mmio, low, (uint32_t)value);
	put(mmio, low + 4, (uint32_t)(value >> 32));
}

/* Whether the card has taken the bit. */
static bool add_status(struct vmsnd_guest_mmio *mmio, uint32_t bit)
{
	mmio->status |= bit;
	put(mmio, VIRTIO_MMIO_STATUS, mmio->status);
	return (get(mmio, VIRTIO_MMIO_STATUS) & bit) != 0;
}

static void count_queues(struct vmsnd_guest_mmio *mmio)
{
	for (unsigned i = 0; i < QUEUES_MAX; i++) {
		put(mmio, VIRTIO_MMIO_QUEUE_SEL, i);
		if (get(mmio, VIRTIO_MMIO_QUEUE_NUM_MAX) != 0)
			mmio->queues |= UINT64_C(1) << i;
	}
}

static uint64_t features(void *ctx)
{
	struct vmsnd_guest_mmio *mmio = ctx;
	uint64_t offered;

	if (get(mmio, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC || get(mmio, VIRTIO_MMIO_VERSION) != 2)
		return 0;
	mmio->status = 0;
	mmio->queues = mmio->started = mmio->interrupts = 0;
	put(mmio, VIRTIO_MMIO_STATUS, 0);
	add_status(mmio, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	add_status(mmio, VIRTIO_CONFIG_S_DRIVER);
	count_queues(mmio);
	put(mmio, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	offered = (uint64_t)get(mmio, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	put(mmio, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return offered | get(mmio, VIRTIO_MMIO_DEVICE_FEATURES);
}

static enum vmsnd_rc set_features(void *ctx, uint64_t accepted)
{
	struct vmsnd_guest_mmio *mmio = ctx;

	put(mmio, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(mmio, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(accepted >> 32));
	put(mmio, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	put(mmio, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)accepted);
	return add_status(mmio, VIRTIO_CONFIG_S_FEATURES_OK) ? VMSND_OK : VMSND_E_UNSUPPORTED;
}

/* Words where they lie on a boundary, bytes where not; again when it has changed meanwhile. */
static enum vmsnd_rc config_read(void *ctx, uint32_t offset, void *to, uint32_t bytes)
{
	struct vmsnd_guest_mmio *mmio = ctx;
	uint32_t before;

	do {
		before = get(mmio, VIRTIO_MMIO_CONFIG_GENERATION);
		for (uint32_t done = 0, n; done < bytes; done += n) {
			uint32_t at = VIRTIO_MMIO_CONFIG + offset + done;
			uint64_t value;

			n = at % 4 == 0 && bytes - done >= 4 ? 4 : 1;
			value = mmio->conf.bus.read(mmio->conf.bus.ctx, at, n);
			memcpy((uint8_t *)to + done, &value, n);
		}
	} while (get(mmio, VIRTIO_MMIO_CONFIG_GENERATION) != before);
	return VMSND_OK;
}

static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct vmsnd_guest_mmio *mmio = ctx;

	return mmio->conf.share(mmio->conf.memory_ctx, gpa, at, bytes);
}

static enum vmsnd_rc queue_start(void *ctx, unsigned queue, const struct vmsnd_queue_setup *setup,
				 vmsnd_ns now)
{
	struct vmsnd_guest_mmio *mmio = ctx;

	mmio->conf.now = now;
	if (queue >= QUEUES_MAX)
		return VMSND_E_INVALID;
	put(mmio, VIRTIO_MMIO_QUEUE_SEL, queue);
	if (get(mmio, VIRTIO_MMIO_QUEUE_READY) != 0 ||
	    get(mmio, VIRTIO_MMIO_QUEUE_NUM_MAX) < setup->size)
		return VMSND_E_INVALID;
	put(mmio, VIRTIO_MMIO_QUEUE_NUM, setup->size);
	put64(mmio, VIRTIO_MMIO_QUEUE_DESC_LOW, setup->desc);
	put64(mmio, VIRTIO_MMIO_QUEUE_AVAIL_LOW, setup->avail);
	put64(mmio, VIRTIO_MMIO_QUEUE_USED_LOW, setup->used);
	put(mmio, VIRTIO_MMIO_QUEUE_READY, 1);
	if (get(mmio, VIRTIO_MMIO_QUEUE_READY) != 1)
		return VMSND_E_RANGE;
	mmio->started |= UINT64_C(1) << queue;
	/* The last of them: the card may go. */
	if (mmio->started == mmio->queues && !add_status(mmio, VIRTIO_CONFIG_S_DRIVER_OK))
		return VMSND_E_PROTOCOL;
	return VMSND_OK;
}

static enum vmsnd_rc queue_stop(void *ctx, unsigned queue, uint32_t *next_avail, vmsnd_ns now)
{
	return VMSND_E_UNSUPPORTED;
}

static enum vmsnd_rc kick(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_guest_mmio *mmio = ctx;

	mmio->conf.now = now;
	put(mmio, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	return VMSND_OK;
}

static enum vmsnd_rc queue_reset(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_guest_mmio *mmio = ctx;

	mmio->conf.now = now;
	put(mmio, VIRTIO_MMIO_QUEUE_SEL, queue);
	put(mmio, QUEUE_RESET, 1);
	return get(mmio, QUEUE_RESET) || get(mmio, VIRTIO_MMIO_QUEUE_READY) ? VMSND_E_PROTOCOL
									    : VMSND_OK;
}

/* One line for all queues, so one interrupt is news for each of them. */
static bool interrupted(void *ctx, unsigned queue)
{
	struct vmsnd_guest_mmio *mmio = ctx;
	uint32_t why = get(mmio, VIRTIO_MMIO_INTERRUPT_STATUS);
	uint64_t bit = queue < QUEUES_MAX ? UINT64_C(1) << queue : 0;
	bool news;

	if (why != 0)
		put(mmio, VIRTIO_MMIO_INTERRUPT_ACK, why);
	if (why & VIRTIO_MMIO_INT_VRING)
		mmio->interrupts = mmio->queues;
	news = (mmio->interrupts & bit) != 0;
	mmio->interrupts &= ~bit;
	return news;
}

void vmsnd_guest_mmio_init(struct vmsnd_guest_mmio *mmio, const struct vmsnd_guest_mmio_conf *conf,
			   struct vmsnd_guest_bus *out)
{
	memset(mmio, 0, sizeof(*mmio));
	mmio->conf = *conf;
	*out = (struct vmsnd_guest_bus){.ctx = mmio,
					.features = features,
					.set_features = set_features,
					.config_read = config_read,
					.share = share,
					.queue_start = queue_start,
					.queue_stop = queue_stop,
					.kick = kick,
					.interrupted = interrupted,
					.queue_reset = queue_reset};
}
