/* SPDX-License-Identifier: BSD-3-Clause */
/* A VMM that would move the card. */
#include "transports/vfio_user_room.h"

static const char not_movable[] = "a device feature that the card does not have";

void vmsnd_vfu_migration_begin(struct vmsnd_transport *bus)
{
	bus->migration = (struct vmsnd_vfu_migration){.stands = false};
}

void vmsnd_vfu_migration_end(struct vmsnd_transport *bus)
{
	bus->migration = (struct vmsnd_vfu_migration){.stands = false};
}

void vmsnd_vfu_migration_reset(struct vmsnd_transport *bus)
{
	bus->migration = (struct vmsnd_vfu_migration){.stands = false};
}

bool vmsnd_vfu_migration_forbids(const struct vmsnd_transport *bus, uint16_t command)
{
	return false;
}

const char *vmsnd_vfu_device_feature(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct vmsnd_vfu_answer *answer)
{
	answer->quiet = true;
	return vmsnd_vfu_refuse(answer, VMSND_VFU_EINVAL, not_movable);
}

const char *vmsnd_vfu_mig_data_read(struct vmsnd_transport *bus, const uint8_t *payload,
				    struct vmsnd_vfu_answer *answer)
{
	return not_movable;
}

const char *vmsnd_vfu_mig_data_write(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct vmsnd_vfu_answer *answer)
{
	return not_movable;
}

const char *vmsnd_vfu_unmap_bitmap(struct vmsnd_transport *bus,
				   const struct vmsnd_vfu_dma_unmap *unmap,
				   struct vmsnd_vfu_answer *answer)
{
	return "dirty pages that were not asked to be tracked";
}
