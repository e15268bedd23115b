/* SPDX-License-Identifier: BSD-3-Clause */
/* A card that its VMM moves to another host: it stands still, is written down, and goes on there
 * with the next frame. What its owner has set stays where the owner is: outputs, loudness,
 * switches; a VMM gains nothing here that it has not anyway. */
#include <stdlib.h>
#include <string.h>

#include "manager/machine.h"
#include "manager/machine_state.h"

/* The card's sections have a card number, as in a machine's state. */
#define NUMBER 0u

void vmsnd_card_user_stand(void *ctx, bool still)
{
	struct vmsnd_card *card = ctx;

	if (card->moving == still)
		return;
	card->moving = still;
	vmsnd_card_stand(card, card->time);
	vmsnd_machine_tell_changed(card->machine);
}

enum vmsnd_rc vmsnd_card_user_save(void *ctx, struct vmsnd_state_writer *to)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_state_out out;
	enum vmsnd_rc rc = VMSND_E_UNSUPPORTED;

	vmsnd_state_begin(&out);
	if (card->cls->save)
		rc = vmsnd_card_save(&out, card, NUMBER, true);
	out.failed |= rc != VMSND_OK;
	if (!vmsnd_state_finish(&out))
		return rc ? rc : VMSND_E_NOMEM;
	vmsnd_state_put(to, out.bytes, out.used);
	free(out.bytes);
	return VMSND_OK;
}

/* Whatever is there of a guest or of half a state. */
static void empty(struct vmsnd_card *card)
{
	for (unsigned i = 0; i < card->n_ports; i++)
		vmsnd_port_close(card->ports[i].port, card->time);
	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++)
		if (card->outputs[i] && card->outputs[i]->now.drivers)
			vmsnd_drivers_forget(card->outputs[i]->now.drivers);
	card->cls->reset(card->dev, VMSND_RESET_POWER_ON, card->time);
}

/* The same device with the same streams, before anything is changed; whatever its name is here. */
static bool read_head(struct vmsnd_loading *loading)
{
	const struct vmsnd_card *card = loading->card;
	struct vmsnd_state_reader from;
	struct vmsnd_card_head head;
	struct vmsnd_state_key key;

	if (!vmsnd_state_next(&loading->in, &key, &from) ||
	    strncmp(key.name, "card", sizeof(key.name)) != 0)
		return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "there is no card in it");
	if (key.major != VMSND_CARD_STATE_MAJOR)
		return vmsnd_loading_wrong(loading, VMSND_E_VERSION, "it is of another version");
	loading->number = key.card;
	vmsnd_card_get_head(&from, &head);
	if (from.bad)
		return vmsnd_loading_wrong(loading, VMSND_E_DAMAGED, "it is damaged");
	if (strcmp(head.device, card->cls->name) != 0)
		return vmsnd_loading_wrong(loading, VMSND_E_INVALID, "it is of another device");
	return (head.n_playback == card->n_playback && head.n_ports == card->n_ports) ||
	       vmsnd_loading_wrong(loading, VMSND_E_INVALID, "it has other streams");
}

static bool load(struct vmsnd_loading *loading)
{
	const char *what;
	enum vmsnd_rc rc = vmsnd_state_check(loading->in.bytes, loading->in.n_bytes, &what);

	if (rc)
		return vmsnd_loading_wrong(loading, rc, what);
	return read_head(loading) && vmsnd_card_load_moved(loading);
}

/* A VMM may bring as many as it likes. */
static void complain(struct vmsnd_card *card, const char *what)
{
	if (!card->state_told)
		vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_ERROR,
			   "%s: the state that came from another host is of no use: %s", card->name,
			   what);
	card->state_told = true;
}

enum vmsnd_rc vmsnd_card_user_load(void *ctx, const void *bytes, size_t n_bytes)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_loading loading = {.machine = card->machine,
					.in = {.bytes = bytes, .n_bytes = n_bytes},
					.card = card,
					.now = card->time};

	empty(card);
	if (load(&loading)) {
		vmsnd_card_jacks_moved(card, card->time);
	} else {
		empty(card);
		complain(card, loading.what);
	}
	vmsnd_card_touch(card);
	return loading.rc;
}
