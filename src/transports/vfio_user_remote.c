/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that only the VMM reaches: it came without a descriptor. */
#include "transports/vfio_user_room.h"

void vmsnd_vfu_remote_begin(struct vmsnd_transport *bus)
{
	bus->remote = (struct vmsnd_vfu_remote){.way = {.ctx = bus}};
}

void vmsnd_vfu_remote_end(struct vmsnd_transport *bus)
{
	bus->remote = (struct vmsnd_vfu_remote){.way = {.ctx = bus}};
}

const char *vmsnd_vfu_remote_replied(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct vmsnd_vfu_answer *answer)
{
	return "a reply to nothing that was asked";
}

vmsnd_ns vmsnd_vfu_remote_advance(struct vmsnd_transport *bus)
{
	return VMSND_NEVER;
}
