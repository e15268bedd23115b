/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine written down: its configuration with the chains as they are, then card by card
 * (card_save.c). */
#include <stdlib.h>
#include <string.h>

#include "manager/machine_state.h"

static void write_config(void *ctx, struct vmsnd_state_writer *to)
{
	const char *text = ctx;
	size_t bytes = strlen(text);

	vmsnd_state_put_u32(to, (uint32_t)bytes);
	vmsnd_state_put(to, text, bytes);
}

static enum vmsnd_rc save_config(const struct vmsnd_machine *machine, struct vmsnd_state_out *out)
{
	struct vmsnd_state_key key = {.name = "config",
				      .card = VMSND_STATE_NO_CARD,
				      .major = VMSND_CONFIG_STATE_MAJOR,
				      .minor = VMSND_CONFIG_STATE_MINOR};
	struct vmsnd_node *root = vmsnd_tree_new();
	char *text = NULL;

	if (root && vmsnd_machine_write_tree(machine, root) &&
	    !(machine->conf.lanes && vmsnd_leaf_set_uint(root, "lanes", machine->conf.lanes)))
		text = vmsnd_yaml_dump(root);
	vmsnd_tree_free(root);
	if (!text)
		return VMSND_E_NOMEM;
	if (strlen(text) > VMSND_STATE_CONFIG_BYTES_MAX) {
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR,
			   "the machine's configuration is too large for a saved state");
		free(text);
		return VMSND_E_LIMIT;
	}
	vmsnd_state_section(out, &key, write_config, text);
	free(text);
	return VMSND_OK;
}

static enum vmsnd_rc can_save(const struct vmsnd_machine *machine)
{
	for (const struct vmsnd_card *card = machine->first; card; card = card->after) {
		if (card->cls->save)
			continue;
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR,
			   "%s: a %s cannot be saved, so this machine cannot", card->name,
			   card->cls->name);
		return VMSND_E_UNSUPPORTED;
	}
	return VMSND_OK;
}

static enum vmsnd_rc save(struct vmsnd_machine *machine, vmsnd_ns now, struct vmsnd_state_out *out)
{
	enum vmsnd_rc rc = can_save(machine);
	uint32_t number = 0;

	if (!rc)
		rc = save_config(machine, out);
	for (struct vmsnd_card *card = machine->first; !rc && card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		/* Its device, too, is then of this very moment. */
		vmsnd_card_touch(card);
		vmsnd_card_advance(card, vmsnd_lane_time(card->lane, now));
		rc = vmsnd_card_save(out, card, number++, false);
		vmsnd_lane_unlock(card->lane, true);
	}
	return rc;
}

enum vmsnd_rc vmsnd_machine_save_planned(struct vmsnd_machine *machine, vmsnd_ns now,
					 uint8_t **bytes, size_t *n_bytes)
{
	struct vmsnd_state_out out;
	enum vmsnd_rc rc;

	vmsnd_state_begin(&out);
	rc = save(machine, now, &out);
	if (rc)
		out.failed = true;
	if (!vmsnd_state_finish(&out)) {
		if (!rc)
			vmsnd_logf(&machine->log, VMSND_LOG_ERROR,
				   "out of memory for the machine's state");
		return rc ? rc : VMSND_E_NOMEM;
	}
	*bytes = out.bytes;
	*n_bytes = out.used;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_save(struct vmsnd_machine *machine, vmsnd_ns now, uint8_t **bytes,
				 size_t *n_bytes)
{
	enum vmsnd_rc rc;

	vmsnd_machine_plan_lock(machine);
	rc = vmsnd_machine_save_planned(machine, now, bytes, n_bytes);
	vmsnd_machine_plan_unlock(machine);
	return rc;
}
