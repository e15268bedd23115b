/* SPDX-License-Identifier: BSD-3-Clause */
/* Goes away as its parts arrive. */
#include "connector/connector.h"
#include "vmsnd/machine.h"

#define WEAK __attribute__((weak))

WEAK void vmsnd_port_save(const struct vmsnd_port *port, struct vmsnd_state_writer *to)
{
}
WEAK enum vmsnd_rc vmsnd_port_load(struct vmsnd_port *port, struct vmsnd_state_reader *from,
				   uint16_t minor, vmsnd_ns now)
{
	return VMSND_OK;
}
