/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands before a card that is not trusted, and what is written down of one that is traced
 * (DM-53, DM-54). */
#include "manager/card.h"
#include "manager/machine.h"

static bool trusted(const struct vmsnd_card *card)
{
	return vmsnd_conf_bool(&card->conf, "trusted");
}

enum vmsnd_rc vmsnd_card_guard_make(struct vmsnd_card *card)
{
	const struct vmsnd_trace_conf conf = {.path = vmsnd_conf_text(&card->conf, "trace"),
					      .card = card->name,
					      .cls = card->cls->name,
					      .env = &card->lane->env,
					      .log = vmsnd_machine_log(card->machine)};
	enum vmsnd_rc rc = conf.path ? vmsnd_trace_open(&conf, 0, &card->trace) : VMSND_OK;

	if (card->trace)
		vmsnd_trace_guard(card->trace, &card->guard);
	if (card->trace || !trusted(card))
		card->mem->guard = &card->guard;
	return rc;
}

void vmsnd_card_guard_device(struct vmsnd_card *card)
{
	struct vmsnd_card_ref ref = {.cls = card->cls, .dev = card->dev};

	if (!card->trace)
		return;
	ref = vmsnd_trace_card(card->trace, ref);
	card->cls = ref.cls;
	card->dev = ref.dev;
}

vmsnd_ns vmsnd_card_guard_tend(struct vmsnd_card *card, vmsnd_ns now)
{
	return card->trace ? vmsnd_trace_tend(card->trace, now) : VMSND_NEVER;
}

size_t vmsnd_card_guard_counters(const struct vmsnd_card *card, struct vmsnd_counter *out)
{
	size_t n = 0;

	if (card->mem->guard)
		out[n++] = (struct vmsnd_counter){"memory_refusals", card->guard.refusals};
	if (card->trace) {
		out[n++] =
		    (struct vmsnd_counter){"trace_records", vmsnd_trace_records(card->trace)};
		out[n++] = (struct vmsnd_counter){"trace_lost", vmsnd_trace_lost(card->trace)};
	}
	return n;
}

enum vmsnd_rc vmsnd_machine_guard(const struct vmsnd_machine *machine, unsigned card,
				  struct vmsnd_guard_status *out)
{
	const struct vmsnd_card *seated;
	struct vmsnd_seat seat;

	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	seated = seat.card;
	*out = (struct vmsnd_guard_status){
	    .trusted = trusted(seated),
	    .refusals = seated->guard.refusals,
	    .trace = vmsnd_conf_text(&seated->conf, "trace"),
	    .records = seated->trace ? vmsnd_trace_records(seated->trace) : 0,
	    .lost = seated->trace ? vmsnd_trace_lost(seated->trace) : 0};
	vmsnd_seat_leave(&seat);
	return VMSND_OK;
}
