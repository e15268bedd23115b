/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers, written down and brought back. Of a queue that is ready, also where the card would
 * have stopped: the ring in guest memory and the card's own state fit to that. Loading looks at no
 * guest memory, which may come later: vmsnd_mmio_go_on. */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "transports/mmio_registers.h"

#define STATE_VERSION 2u
#define FEATURES_OK   VIRTIO_CONFIG_S_FEATURES_OK
#define STATUS_BITS                                                                                \
	((uint32_t)VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |                          \
	 VIRTIO_CONFIG_S_DRIVER_OK | FEATURES_OK | VIRTIO_CONFIG_S_NEEDS_RESET |                   \
	 VIRTIO_CONFIG_S_FAILED)

static const struct vmsnd_virtio_ops *ops_of(const struct vmsnd_mmio *mmio)
{
	return mmio->card.cls->virtio;
}

static void save_queue(const struct vmsnd_mmio *mmio, unsigned index, struct vmsnd_state_writer *to)
{
	const struct vmsnd_mmio_queue *queue = &mmio->queues[index];
	uint32_t place = queue->next_avail;

	if (!mmio->waiting)
		place = queue->ready && ops_of(mmio)->queue_place
			    ? ops_of(mmio)->queue_place(mmio->card.dev, index)
			    : 0;

	vmsnd_state_put_u64(to, queue->desc);
	vmsnd_state_put_u64(to, queue->avail);
	vmsnd_state_put_u64(to, queue->used);
	vmsnd_state_put_u32(to, queue->size);
	vmsnd_state_put_u8(to, queue->ready);
	vmsnd_state_put_u32(to, place);
}

void vmsnd_mmio_save(const struct vmsnd_mmio *mmio, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u16(to, STATE_VERSION);
	vmsnd_state_put_u32(to, mmio->status);
	vmsnd_state_put_u32(to, mmio->interrupt_status);
	vmsnd_state_put_u32(to, mmio->config_generation);
	vmsnd_state_put_u32(to, mmio->device_features_sel);
	vmsnd_state_put_u32(to, mmio->driver_features_sel);
	vmsnd_state_put_u32(to, mmio->queue_sel);
	vmsnd_state_put_u32(to, mmio->shm_sel);
	vmsnd_state_put_u64(to, mmio->driver_features);
	vmsnd_state_put_u16(to, (uint16_t)ops_of(mmio)->n_queues);
	for (unsigned i = 0; i < ops_of(mmio)->n_queues; i++)
		save_queue(mmio, i, to);
}

static void load_queue(struct vmsnd_mmio *mmio, unsigned index, struct vmsnd_state_reader *from)
{
	struct vmsnd_mmio_queue *queue = &mmio->queues[index];

	queue->desc = vmsnd_state_get_u64(from);
	queue->avail = vmsnd_state_get_u64(from);
	queue->used = vmsnd_state_get_u64(from);
	queue->size = vmsnd_state_get_u32(from);
	queue->ready = vmsnd_state_get_bool(from);
	queue->next_avail = vmsnd_state_get_u32(from);
	from->bad |= queue->ready && queue->size > VMSND_QUEUE_SIZE_MAX;
}

/* What a driver could not have brought about is damage. */
static bool is_possible(const struct vmsnd_mmio *mmio)
{
	const uint32_t begun = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
	uint64_t offered = ops_of(mmio)->features(mmio->card.dev);
	bool agreed = (mmio->status & FEATURES_OK) != 0;

	if ((mmio->status & ~STATUS_BITS) != 0 || mmio->interrupt_status > 3)
		return false;
	for (unsigned i = 0; i < ops_of(mmio)->n_queues; i++)
		if (mmio->queues[i].ready && !agreed)
			return false;
	if (!agreed)
		return !(mmio->status & VIRTIO_CONFIG_S_DRIVER_OK);
	return (mmio->status & begun) == begun && (mmio->driver_features & ~offered) == 0 &&
	       (mmio->driver_features & UINT64_C(1) << VIRTIO_F_VERSION_1) != 0;
}

static enum vmsnd_rc read_all(struct vmsnd_mmio *mmio, struct vmsnd_state_reader *from)
{
	uint16_t version = vmsnd_state_get_u16(from);

	if (!from->bad && version != STATE_VERSION)
		return VMSND_E_VERSION;
	mmio->status = vmsnd_state_get_u32(from);
	mmio->interrupt_status = vmsnd_state_get_u32(from);
	mmio->config_generation = vmsnd_state_get_u32(from);
	mmio->device_features_sel = vmsnd_state_get_u32(from);
	mmio->driver_features_sel = vmsnd_state_get_u32(from);
	mmio->queue_sel = vmsnd_state_get_u32(from);
	mmio->shm_sel = vmsnd_state_get_u32(from);
	mmio->driver_features = vmsnd_state_get_u64(from);
	from->bad |= vmsnd_state_get_u16(from) != ops_of(mmio)->n_queues;
	for (unsigned i = 0; i < ops_of(mmio)->n_queues && !from->bad; i++)
		load_queue(mmio, i, from);
	return from->bad || !is_possible(mmio) ? VMSND_E_DAMAGED : VMSND_OK;
}

enum vmsnd_rc vmsnd_mmio_load(struct vmsnd_mmio *mmio, struct vmsnd_state_reader *from,
			      vmsnd_ns now)
{
	struct vmsnd_mmio loaded = *mmio;
	uint32_t interrupts;
	enum vmsnd_rc rc = read_all(&loaded, from);

	if (rc)
		return rc;
	interrupts = loaded.interrupt_status;
	loaded.interrupt_status = mmio->interrupt_status;
	*mmio = loaded;
	vmsnd_mmio_tell_loaded(mmio, interrupts);
	return VMSND_OK;
}
