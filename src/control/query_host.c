/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that ask an output's host: its devices, and what it tells of itself. */
#include <stdlib.h>

#include "control/facts.h"
#include "control/parts.h"

#define HOST_DEVICES_MAX 256u

static json_t *device_of(const struct vmsnd_host_device *device)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:b}", "id", vmsnd_control_text(device->id),
			 "name", vmsnd_control_text(device->name), "playback-channels",
			 vmsnd_control_count(device->playback_channels), "capture-channels",
			 vmsnd_control_count(device->capture_channels), "default-playback",
			 device->default_playback, "default-capture", device->default_capture,
			 "hot-plug", device->hot_plug);
}

/* NULL: no memory. */
static json_t *devices_of(const struct vmsnd_machine *machine, unsigned card, unsigned output)
{
	struct vmsnd_host_device *list = calloc(HOST_DEVICES_MAX, sizeof(*list));
	json_t *all = list ? json_array() : NULL;
	size_t n = 0;

	if (all)
		n = vmsnd_machine_host_devices(machine, card, output, list, HOST_DEVICES_MAX);
	for (size_t i = 0; i < n && i < HOST_DEVICES_MAX; i++)
		json_array_append_new(all, device_of(&list[i]));
	free(list);
	return all;
}

void vmsnd_control_query_host_devices(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_OUTPUT, ARG_REFRESH };
	unsigned card = call->args[ARG_CARD].number, output = call->args[ARG_OUTPUT].number;
	struct vmsnd_output_status status;

	if (vmsnd_machine_output(call->machine, card, output, &status)) {
		vmsnd_control_went(call, VMSND_E_NO_OUTPUT, NULL);
		return;
	}
	if (call->args[ARG_REFRESH].on &&
	    !vmsnd_control_went(
		call, vmsnd_machine_host_refresh(call->machine, card, output, call->now), NULL))
		return;
	call->result = devices_of(call->machine, card, output);
}

/* ---- facts ---- */

static json_t *facts_of(const struct vmsnd_fact *facts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{s:s,s:o}", "name", vmsnd_fact_word(facts[i].name),
						"text", vmsnd_control_text(facts[i].text)));
	return list;
}

static void answer(struct vmsnd_control_call *call, const struct vmsnd_output_status *status,
		   const struct vmsnd_fact *facts, size_t n)
{
	enum { ARG_CARD, ARG_OUTPUT };
	unsigned card = call->args[ARG_CARD].number, output = call->args[ARG_OUTPUT].number;

	call->result =
	    json_pack("{s:o,s:o,s:b,s:o,s:o}", "output", vmsnd_control_count(output), "backend",
		      vmsnd_control_text(status->backend), "present", status->present, "facts",
		      facts_of(facts, n), "devices", devices_of(call->machine, card, output));
}

/* One that is not there, or has nothing to tell, has no facts; that is no failure. */
void vmsnd_control_query_host(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_OUTPUT };
	unsigned card = call->args[ARG_CARD].number, output = call->args[ARG_OUTPUT].number;
	struct vmsnd_fact facts[VMSND_HOST_FACTS_MAX];
	struct vmsnd_output_status status;
	enum vmsnd_rc rc = VMSND_OK;
	size_t n = VMSND_HOST_FACTS_MAX;

	if (vmsnd_machine_output(call->machine, card, output, &status)) {
		vmsnd_control_went(call, VMSND_E_NO_OUTPUT, NULL);
		return;
	}
	if (call->step == 0)
		rc = vmsnd_machine_host_ask(call->machine, card, output, call->now);
	if (!rc) {
		call->step = 1;
		rc = vmsnd_machine_host_facts(call->machine, card, output, facts, &n);
	}
	call->again = rc == VMSND_E_AGAIN;
	if (!call->again)
		answer(call, &status, facts, rc ? 0 : n);
}
