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

/* card_save.c: a card that is up to its time, on its lane. `moved`: by its VMM, so without what is
 * its host's: settings of the owner's and of outputs, and the transport. VMSND_E_LIMIT: the device
 * writes more than it may; a line is in the log. */
enum vmsnd_rc vmsnd_card_save(struct vmsnd_state_out *out, struct vmsnd_card *card, uint32_t number,
			      bool moved);

/* What is read about a card before anything of it is changed. */
struct vmsnd_card_head {
	char name[64], device[VMSND_CLASS_NAME_BYTES];
	uint32_t n_playback, n_ports;
	bool enabled[2], paused;
};

/* A state being loaded, and the card at hand. */
struct vmsnd_loading {
	struct vmsnd_machine *machine;
	struct vmsnd_node *config;
	struct vmsnd_state_in in; /* behind what was read last */
	struct vmsnd_card *card;
	uint32_t number;
	vmsnd_ns now;
	enum vmsnd_rc rc;
	const char *what; /* is wrong; NULL: a line has said so already */
};

/* card_load.c, on the lane. */
void vmsnd_card_get_head(struct vmsnd_state_reader *from, struct vmsnd_card_head *head);
/* The card's sections from where `in` is. False: rc and `what` say why, and the card is half of
 * something. */
bool vmsnd_card_load(struct vmsnd_loading *loading);
/* Of what vmsnd_card_save has written with `moved`. */
bool vmsnd_card_load_moved(struct vmsnd_loading *loading);
/* Always false. */
bool vmsnd_loading_wrong(struct vmsnd_loading *loading, enum vmsnd_rc rc, const char *what);

/* machine_save.c: under the plan lock. A failure has written its line. */
enum vmsnd_rc vmsnd_machine_save_planned(struct vmsnd_machine *machine, vmsnd_ns now,
					 uint8_t **bytes, size_t *n_bytes);

#endif
