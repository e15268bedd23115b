/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about outputs and the drivers above their backends. */
#include "control/parts.h"

/* ---- whole chains ---- */

/* From the arguments `backend` and the one behind it, `drivers`. */
static struct vmsnd_chain_conf chain_of(const struct vmsnd_control_value *backend)
{
	const struct vmsnd_control_value *drivers = backend + 1;
	struct vmsnd_chain_conf chain = {.backend = backend->text};

	for (unsigned i = 0; i < drivers->n; i++)
		chain.drivers[i] = drivers->texts[i];
	return chain;
}

void vmsnd_control_attach(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_BACKEND };
	struct vmsnd_chain_conf chain = chain_of(&call->args[ARG_BACKEND]);
	unsigned output = 0;
	enum vmsnd_rc rc = vmsnd_machine_attach_chain(call->machine, call->args[ARG_CARD].number,
						      &chain, call->now, &output);

	if (vmsnd_control_went(call, rc, "the card has 8 outputs already"))
		call->result = json_pack("{s:o}", "output", vmsnd_control_count(output));
}

static void end_reattach(struct vmsnd_control_call *call, struct vmsnd_reattach *which)
{
	enum vmsnd_rc rc = vmsnd_machine_reattached(call->machine, which);

	if (rc == VMSND_E_AGAIN)
		call->again = true;
	else if (rc == VMSND_E_NO_CARD || rc == VMSND_E_NO_OUTPUT)
		vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
				   "reattach: the output was taken away before the new chain was "
				   "ready");
	else if (rc)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "reattach: the new chain could not be opened (%s); the old one "
				   "plays on, and the log says more",
				   vmsnd_rc_text(rc));
}

static void begin_reattach(struct vmsnd_control_call *call, struct vmsnd_reattach *which)
{
	enum { ARG_BACKEND = 2 };
	struct vmsnd_chain_conf chain = chain_of(&call->args[ARG_BACKEND]);
	enum vmsnd_rc rc = vmsnd_machine_reattach(call->machine, which, &chain, call->now);

	if (rc == VMSND_E_AGAIN) {
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "reattach: another one of this output is under way");
		return;
	}
	if (!vmsnd_control_went(call, rc, "reattach: this backend or driver cannot be had"))
		return;
	vmsnd_control_watch_expect(call->watch, which);
	call->number = which->number;
	call->step = 1;
	end_reattach(call, which);
}

void vmsnd_control_reattach(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_OUTPUT };
	struct vmsnd_reattach which = {call->args[ARG_CARD].number, call->args[ARG_OUTPUT].number,
				       call->number};

	if (call->step == 0)
		begin_reattach(call, &which);
	else
		end_reattach(call, &which);
}

void vmsnd_control_detach(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_OUTPUT };

	vmsnd_control_went(call,
			   vmsnd_machine_detach(call->machine, call->args[ARG_CARD].number,
						call->args[ARG_OUTPUT].number, call->now),
			   NULL);
}

/* ---- one driver ---- */

/* The columns that all three commands begin with. */
enum { PLACE_CARD, PLACE_OUTPUT, PLACE_AT, PLACE_NAME, PLACE_OCCURRENCE, PLACE_DRIVER };

/* Where the arguments say, `at` or by name; false: the call has failed. */
static bool find_place(struct vmsnd_control_call *call, bool may_lack,
		       struct vmsnd_driver_place *place)
{
	const struct vmsnd_control_value *args = call->args;
	bool at = args[PLACE_AT].given, name = args[PLACE_NAME].given;

	*place = (struct vmsnd_driver_place){.card = args[PLACE_CARD].number,
					     .output = args[PLACE_OUTPUT].number,
					     .at = args[PLACE_AT].number};
	if (at == name && (at || !may_lack)) {
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "%s takes at or name, not %s, to say where", call->command->name,
				   at ? "both" : "none");
		return false;
	}
	if (args[PLACE_OCCURRENCE].given && !name) {
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s: occurrence needs name",
				   call->command->name);
		return false;
	}
	return !name || vmsnd_control_went(call,
					   vmsnd_machine_driver_find(call->machine, place,
								     args[PLACE_NAME].text,
								     args[PLACE_OCCURRENCE].number),
					   NULL);
}

void vmsnd_control_driver_attach(struct vmsnd_control_call *call)
{
	struct vmsnd_driver_place place;
	enum vmsnd_rc rc;

	if (!find_place(call, true, &place))
		return;
	rc = vmsnd_machine_driver_attach(call->machine, &place, call->args[PLACE_DRIVER].text,
					 call->now);
	if (rc == VMSND_E_LIMIT)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "the output has 8 drivers already");
	else if (vmsnd_control_went(call, rc, "driver-attach: this driver cannot be had"))
		call->result = json_pack("{s:o}", "at", vmsnd_control_count(place.at));
}

void vmsnd_control_driver_reattach(struct vmsnd_control_call *call)
{
	struct vmsnd_driver_place place;

	if (find_place(call, false, &place))
		vmsnd_control_went(call,
				   vmsnd_machine_driver_reattach(call->machine, &place,
								 call->args[PLACE_DRIVER].text,
								 call->now),
				   "driver-reattach: this driver cannot be had");
}

void vmsnd_control_driver_detach(struct vmsnd_control_call *call)
{
	struct vmsnd_driver_place place;

	if (find_place(call, false, &place))
		vmsnd_control_went(
		    call, vmsnd_machine_driver_detach(call->machine, &place, call->now), NULL);
}
