/* SPDX-License-Identifier: BSD-3-Clause */
/* What a saved machine's writer and reader agree on (docs/saved-state.md). */
#ifndef VMSND_MANAGER_MACHINE_STATE_H
#define VMSND_MANAGER_MACHINE_STATE_H

#include "manager/card.h"
#include "manager/machine.h"
#include "manager/state.h"

#define VMSND_CARD_STATE_MAJOR 1u
#define VMSND_CARD_STATE_MINOR 0u
/* Of the section: what is in it has a version of its own. */
#define VMSND_TRANSPORT_STATE_MAJOR 1u
#define VMSND_TRANSPORT_STATE_MINOR 0u
#define VMSND_JACKS_STATE_MAJOR     1u
#define VMSND_JACKS_STATE_MINOR     0u
#define VMSND_CONFIG_STATE_MAJOR    1u
#define VMSND_CONFIG_STATE_MINOR    0u
/* The configuration's section is no card's. */
#define VMSND_STATE_NO_CARD UINT32_MAX
/* A state's configuration: 4096 cards with several outputs have a few MiB. */
#define VMSND_STATE_CONFIG_BYTES_MAX (16u * 1024u * 1024u)

/* Drivers of an output on a port: as one number. */
static inline uint32_t vmsnd_state_driver_part(const struct vmsnd_output *output, unsigned port)
{
	return output->place << 16 | port;
}

/* machine_save.c: under the plan lock. A failure has written its line. */
enum vmsnd_rc vmsnd_machine_save_planned(struct vmsnd_machine *machine, vmsnd_ns now,
					 uint8_t **bytes, size_t *n_bytes);

#endif
