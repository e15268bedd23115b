/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that change something. Each is one call of the machine. */
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"

void vmsnd_control_enable(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_DIRECTION, ARG_ON };

	vmsnd_control_went(call,
			   vmsnd_machine_enable(call->machine, call->args[ARG_CARD].number,
						(enum vmsnd_dir)call->args[ARG_DIRECTION].number,
						call->args[ARG_ON].on, call->now),
			   NULL);
}

/* ---- volume ---- */

enum {
	VOLUME_CARD,
	VOLUME_OUTPUT,
	VOLUME_DIRECTION,
	VOLUME_GAIN,
	VOLUME_CHANNELS,
	VOLUME_MUTE,
	VOLUME_MUTE_CHANNELS
};

/* What it is now; all streams of an output and direction have the same. */
static bool volume_now(const struct vmsnd_control_call *call, struct vmsnd_volume *volume)
{
	size_t n;
	struct vmsnd_stream_status *list =
	    vmsnd_control_streams(call->machine, call->args[VOLUME_CARD].number, &n);
	bool found = false;

	for (size_t i = 0; i < n && !found; i++) {
		found = list[i].output == call->args[VOLUME_OUTPUT].number &&
			list[i].dir == (enum vmsnd_dir)call->args[VOLUME_DIRECTION].number;
		if (found)
			*volume = list[i].volume;
	}
	free(list);
	return found;
}

static void change_volume(const struct vmsnd_control_call *call, struct vmsnd_volume *volume)
{
	const struct vmsnd_control_value *args = call->args;

	if (args[VOLUME_GAIN].given)
		volume->gain_mdb = args[VOLUME_GAIN].mdb;
	if (args[VOLUME_CHANNELS].given)
		memcpy(volume->channel_mdb, args[VOLUME_CHANNELS].mdbs,
		       sizeof(volume->channel_mdb));
	if (args[VOLUME_MUTE].given)
		volume->muted = args[VOLUME_MUTE].on ? UINT32_MAX : 0;
	if (args[VOLUME_MUTE_CHANNELS].given)
		volume->muted = args[VOLUME_MUTE_CHANNELS].bits;
}

void vmsnd_control_volume(struct vmsnd_control_call *call)
{
	const struct vmsnd_control_value *args = call->args;
	struct vmsnd_volume volume;

	if (!args[VOLUME_GAIN].given && !args[VOLUME_CHANNELS].given && !args[VOLUME_MUTE].given &&
	    !args[VOLUME_MUTE_CHANNELS].given) {
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "volume needs one of gain-db, channels-db, mute, mute-channels");
		return;
	}
	if (args[VOLUME_MUTE].given && args[VOLUME_MUTE_CHANNELS].given) {
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "volume takes mute or mute-channels, not both");
		return;
	}
	if (!volume_now(call, &volume)) {
		vmsnd_control_fail(
		    call, VMSND_CONTROL_NO_DEVICE,
		    "volume: no output %u that does %s; query-streams lists them",
		    args[VOLUME_OUTPUT].number,
		    vmsnd_control_direction((enum vmsnd_dir)args[VOLUME_DIRECTION].number));
		return;
	}
	change_volume(call, &volume);
	vmsnd_control_went(call,
			   vmsnd_machine_volume(
			       call->machine, args[VOLUME_CARD].number, args[VOLUME_OUTPUT].number,
			       (enum vmsnd_dir)args[VOLUME_DIRECTION].number, &volume),
			   NULL);
}

/* ---- the rest ---- */

void vmsnd_control_host_device(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_OUTPUT, ARG_DIRECTION, ARG_ID };
	enum vmsnd_rc rc = vmsnd_machine_host_device(
	    call->machine, call->args[ARG_CARD].number, call->args[ARG_OUTPUT].number,
	    (enum vmsnd_dir)call->args[ARG_DIRECTION].number, call->args[ARG_ID].text, call->now);

	if (rc == VMSND_E_UNSUPPORTED)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "this output's backend has no devices to choose from");
	else
		vmsnd_control_went(call, rc, NULL);
}

static const char *backend_of(const struct vmsnd_control_call *call, unsigned card, unsigned output)
{
	struct vmsnd_output_status status;

	return vmsnd_machine_output(call->machine, card, output, &status) ? "?" : status.backend;
}

void vmsnd_control_host_volume(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_OUTPUT, ARG_DIRECTION, ARG_GAIN, ARG_MUTE };
	const struct vmsnd_control_value *args = call->args;
	unsigned card = args[ARG_CARD].number, output = args[ARG_OUTPUT].number;
	enum vmsnd_dir dir = (enum vmsnd_dir)args[ARG_DIRECTION].number;
	const struct vmsnd_host_volume want = {.sets_gain = args[ARG_GAIN].given,
					       .gain_mdb = args[ARG_GAIN].mdb,
					       .sets_mute = args[ARG_MUTE].given,
					       .muted = args[ARG_MUTE].on};
	enum vmsnd_rc rc = vmsnd_machine_host_volume(call->machine, card, output, dir, &want);

	if (!want.sets_gain && !want.sets_mute)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "host-volume needs one of gain-db, mute");
	else if (rc == VMSND_E_UNSUPPORTED)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "host-volume: the host of output %u (%s) has no volume for a "
				   "stream; 'volume' sets the output's own",
				   output, backend_of(call, card, output));
	else if (rc == VMSND_E_GONE || rc == VMSND_E_AGAIN)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "host-volume: output %u has no %s stream at the host now: it is "
				   "there while the guest %s",
				   output, vmsnd_control_direction(dir),
				   dir == VMSND_PLAYBACK ? "plays" : "records");
	else
		vmsnd_control_went(call, rc, NULL);
}

void vmsnd_control_tap_set(struct vmsnd_control_call *call)
{
	enum { ARG_CARD, ARG_DIRECTION, ARG_STREAM, ARG_POINT, ARG_PATH };
	struct vmsnd_tap_conf tap = {
	    .dir = (enum vmsnd_dir)call->args[ARG_DIRECTION].number,
	    .stream = call->args[ARG_STREAM].number,
	    .point = (enum vmsnd_tap)call->args[ARG_POINT].number,
	    .path = call->args[ARG_PATH].text,
	};

	vmsnd_control_went(
	    call, vmsnd_machine_tap(call->machine, call->args[ARG_CARD].number, &tap, call->now),
	    "there is no such stream; query-streams lists them");
}

static void pause_card(struct vmsnd_control_call *call, bool on)
{
	vmsnd_control_went(
	    call, vmsnd_machine_pause(call->machine, call->args[0].number, on, call->now), NULL);
}

void vmsnd_control_pause(struct vmsnd_control_call *call)
{
	pause_card(call, true);
}

void vmsnd_control_unpause(struct vmsnd_control_call *call)
{
	pause_card(call, false);
}
