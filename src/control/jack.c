/* SPDX-License-Identifier: BSD-3-Clause */
/* Jacks of cards: shown, plugged in and pulled out by hand, and told of. */
#include <stdio.h>

#include "control/events.h"

static const char *const wants[] = {[VMSND_JACK_FOLLOW] = "follow",
				    [VMSND_JACK_PLUGGED] = "plugged",
				    [VMSND_JACK_UNPLUGGED] = "unplugged"};

static json_t *about(const struct vmsnd_jack_status *status)
{
	const struct vmsnd_jack *jack = &status->jack;
	char config[16];

	snprintf(config, sizeof(config), "0x%08x", jack->pin_config);
	return json_pack("{s:o,s:b,s:s,s:o,s:b,s:b,s:s}", "jack", vmsnd_control_text(jack->name),
			 "connected", jack->connected, "state", wants[status->want], "output",
			 jack->output == VMSND_OUTPUT_NONE ? json_null()
							   : vmsnd_control_count(jack->output),
			 "playback", jack->dirs[VMSND_PLAYBACK], "capture",
			 jack->dirs[VMSND_CAPTURE], "pin-config", config);
}

/* ---- commands ---- */

void vmsnd_control_query_jacks(struct vmsnd_control_call *call)
{
	struct vmsnd_jack_status status;

	call->result = json_array();
	for (unsigned i = 0; !vmsnd_machine_jack(call->machine, call->args[0].number, i, &status);
	     i++)
		json_array_append_new(call->result, about(&status));
}

void vmsnd_control_set_jack(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_JACK, ARG_STATE };
	const struct vmsnd_control_value *args = call->args;
	enum vmsnd_rc rc =
	    vmsnd_machine_jack_set(call->machine, args[ARG_CARD].number, args[ARG_JACK].text,
				   (enum vmsnd_jack_want)args[ARG_STATE].number, call->now);

	if (rc == VMSND_E_UNSUPPORTED)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "set-jack: jack '%.40s' has no output to follow: \"plugged\" or "
				   "\"unplugged\"",
				   args[ARG_JACK].text);
	else if (rc == VMSND_E_INVALID)
		vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
				   "set-jack: there is no jack '%.40s'; query-jacks lists them",
				   args[ARG_JACK].text);
	else
		vmsnd_control_went(call, rc, NULL);
}

/* ---- events ---- */

static void tell(struct vmsnd_control_watch *watch, unsigned card,
		 const struct vmsnd_jack_status *status)
{
	json_t *data = vmsnd_control_about_card(watch, card), *rest = about(status);

	json_object_update(data, rest);
	json_decref(rest);
	vmsnd_control_watch_tell(watch, "JACK_CHANGED", data);
}

void vmsnd_control_look_at_jacks(struct vmsnd_control_watch *watch, unsigned card, bool silent)
{
	struct vmsnd_seen_card *seen = &watch->cards[card];
	struct vmsnd_jack_status status;

	for (unsigned i = 0;
	     i < VMSND_SEEN_JACKS_MAX && !vmsnd_machine_jack(watch->conf.machine, card, i, &status);
	     i++) {
		struct vmsnd_seen_jack now = {status.jack.connected, (uint8_t)status.want};
		struct vmsnd_seen_jack *was = &seen->jacks[i];

		if (was->connected == now.connected && was->want == now.want)
			continue;
		*was = now;
		if (!silent)
			tell(watch, card, &status);
	}
}
