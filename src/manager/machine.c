/* SPDX-License-Identifier: BSD-3-Clause */
/* The set of cards of one lane. */
#include "vmsnd/machine.h"

#include <stdlib.h>

#include "manager/card.h"

struct vmsnd_machine {
	struct vmsnd_machine_conf conf;
	struct vmsnd_card **cards;
	unsigned n_cards;
};

const struct vmsnd_log *vmsnd_machine_log(const struct vmsnd_machine *machine)
{
	return &machine->conf.log;
}

const struct vmsnd_poller *vmsnd_machine_poller(const struct vmsnd_machine *machine)
{
	return &machine->conf.poller;
}

enum vmsnd_rc vmsnd_machine_open(const struct vmsnd_machine_conf *conf, struct vmsnd_machine **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VMSND_E_NOMEM;
	(*out)->conf = *conf;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_add(struct vmsnd_machine *machine, const struct vmsnd_card_conf *conf,
				vmsnd_ns now)
{
	struct vmsnd_card **cards =
	    realloc(machine->cards, (machine->n_cards + 1) * sizeof(*cards));
	struct vmsnd_card *card = calloc(1, sizeof(*card));
	enum vmsnd_rc rc;

	if (cards)
		machine->cards = cards;
	if (!cards || !card) {
		free(card);
		vmsnd_logf(&machine->conf.log, VMSND_LOG_ERROR, "out of memory for a card");
		return VMSND_E_NOMEM;
	}
	card->machine = machine;
	card->index = machine->n_cards;
	rc = vmsnd_card_open(card, conf, now);
	if (!rc)
		machine->cards[machine->n_cards++] = card;
	return rc;
}

void vmsnd_machine_ready(struct vmsnd_machine *machine, uint64_t token, vmsnd_ns now)
{
	if (token >> 32 < machine->n_cards)
		vmsnd_card_ready(machine->cards[token >> 32], (unsigned)(token & UINT32_MAX), now);
}

vmsnd_ns vmsnd_machine_advance(struct vmsnd_machine *machine, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < machine->n_cards; i++) {
		vmsnd_ns card_next = vmsnd_card_advance(machine->cards[i], now);

		if (card_next < next)
			next = card_next;
	}
	return next;
}

struct vmsnd_machine_status vmsnd_machine_status(const struct vmsnd_machine *machine)
{
	struct vmsnd_machine_status status = {.cards = machine->n_cards};

	for (unsigned i = 0; i < machine->n_cards; i++) {
		status.connected += machine->cards[i]->connected;
		status.sessions_ended += machine->cards[i]->sessions_ended;
	}
	return status;
}

size_t vmsnd_machine_counters(const struct vmsnd_machine *machine, unsigned card,
			      struct vmsnd_named_counter *out, size_t max)
{
	return card < machine->n_cards ? vmsnd_card_counters(machine->cards[card], out, max) : 0;
}

enum vmsnd_rc vmsnd_machine_guest_bus(struct vmsnd_machine *machine, unsigned card,
				      struct vmsnd_guest_bus *out)
{
	return card < machine->n_cards ? vmsnd_card_guest_bus(machine->cards[card], out)
				       : VMSND_E_INVALID;
}

void vmsnd_machine_close(struct vmsnd_machine *machine, vmsnd_ns now)
{
	for (unsigned i = 0; i < machine->n_cards; i++)
		vmsnd_card_close(machine->cards[i], now);
	free(machine->cards);
	free(machine);
}
