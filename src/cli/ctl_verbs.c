/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of vmsnd ctl's commands. Completion is made from it, and tests hold the help and the
 * manual page against it. */
#include <string.h>

#include "cli/ctl.h"

static const struct vmsnd_ctl_verb verbs[] = {
    {.name = "status", .usage = "status", .about = VMSND_CTL_EITHER, .run = vmsnd_ctl_status},
    {.name = "enable",
     .usage = "enable playback|capture",
     .least = 1,
     .most = 1,
     .run = vmsnd_ctl_enable,
     .words = {VMSND_CTL_DIRECTION}},
    {.name = "disable",
     .usage = "disable playback|capture",
     .least = 1,
     .most = 1,
     .run = vmsnd_ctl_enable,
     .words = {VMSND_CTL_DIRECTION}},
    {.name = "volume",
     .usage = "volume OUTPUT DB|mute|unmute [playback|capture]",
     .least = 2,
     .most = 3,
     .run = vmsnd_ctl_volume,
     .words = {VMSND_CTL_OUTPUT, VMSND_CTL_LOUDNESS, VMSND_CTL_DIRECTION}},
    {.name = "mixer",
     .usage = "mixer [STREAM] [DB|mute|unmute|source N|source all] [playback|capture]",
     .most = 4,
     .run = vmsnd_ctl_mixer,
     .words = {VMSND_CTL_MIXER, VMSND_CTL_MIXER, VMSND_CTL_MIXER, VMSND_CTL_DIRECTION}},
    {.name = "attach",
     .usage = "attach BACKEND[,key=value...] [--driver DRIVER]...",
     .least = 1,
     .most = 1,
     .drivers = true,
     .run = vmsnd_ctl_attach,
     .words = {VMSND_CTL_BACKEND}},
    {.name = "reattach",
     .usage = "reattach OUTPUT BACKEND[,key=value...] [--driver DRIVER]...",
     .least = 2,
     .most = 2,
     .drivers = true,
     .run = vmsnd_ctl_reattach,
     .words = {VMSND_CTL_OUTPUT, VMSND_CTL_BACKEND}},
    {.name = "detach",
     .usage = "detach OUTPUT",
     .least = 1,
     .most = 1,
     .run = vmsnd_ctl_detach,
     .words = {VMSND_CTL_OUTPUT}},
    {.name = "driver add",
     .usage = "driver add OUTPUT DRIVER[,key=value...] [AT|NAME]",
     .least = 2,
     .most = 3,
     .run = vmsnd_ctl_driver_add,
     .words = {VMSND_CTL_OUTPUT, VMSND_CTL_DRIVER, VMSND_CTL_DRIVER}},
    {.name = "driver replace",
     .usage = "driver replace OUTPUT AT|NAME DRIVER[,key=value...]",
     .least = 3,
     .most = 3,
     .run = vmsnd_ctl_driver_replace,
     .words = {VMSND_CTL_OUTPUT, VMSND_CTL_DRIVER, VMSND_CTL_DRIVER}},
    {.name = "driver remove",
     .usage = "driver remove OUTPUT AT|NAME",
     .least = 2,
     .most = 2,
     .run = vmsnd_ctl_driver_remove,
     .words = {VMSND_CTL_OUTPUT, VMSND_CTL_DRIVER}},
    {.name = "backends", .usage = "backends", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_backends},
    {.name = "drivers", .usage = "drivers", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_drivers},
    {.name = "host",
     .usage = "host [OUTPUT]",
     .most = 1,
     .run = vmsnd_ctl_host,
     .words = {VMSND_CTL_OUTPUT}},
    {.name = "host-volume",
     .usage = "host-volume OUTPUT PERCENT%|DB|mute|unmute [playback|capture]",
     .least = 2,
     .most = 3,
     .run = vmsnd_ctl_host_volume,
     .words = {VMSND_CTL_OUTPUT, VMSND_CTL_LOUDNESS, VMSND_CTL_DIRECTION}},
    {.name = "devices",
     .usage = "devices [OUTPUT]",
     .most = 1,
     .run = vmsnd_ctl_devices,
     .words = {VMSND_CTL_OUTPUT}},
    {.name = "device",
     .usage = "device OUTPUT ID|default [playback|capture]",
     .least = 2,
     .most = 3,
     .run = vmsnd_ctl_device,
     .words = {VMSND_CTL_OUTPUT, VMSND_CTL_HOST_DEVICE, VMSND_CTL_DIRECTION}},
    {.name = "jack",
     .usage = "jack [NAME plugged|unplugged|follow]",
     .most = 2,
     .run = vmsnd_ctl_jack,
     .words = {VMSND_CTL_JACK, VMSND_CTL_JACK_STATE}},
    {.name = "cards", .usage = "cards", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_cards},
    {.name = "cards add",
     .usage = "cards add NAME DEVICE[,key=value...] [BACKEND[,key=value...]]...",
     .least = 2,
     .most = VMSND_CTL_WORDS_MAX - 2,
     .about = VMSND_CTL_WHOLE,
     .run = vmsnd_ctl_card_add,
     .words = {VMSND_CTL_ANYTHING, VMSND_CTL_DEVICE, VMSND_CTL_BACKEND, VMSND_CTL_BACKEND,
	       VMSND_CTL_BACKEND}},
    {.name = "cards remove",
     .usage = "cards remove CARD",
     .least = 1,
     .most = 1,
     .about = VMSND_CTL_WHOLE,
     .run = vmsnd_ctl_card_remove,
     .words = {VMSND_CTL_CARD}},
    {.name = "pause", .usage = "pause", .run = vmsnd_ctl_same},
    {.name = "unpause", .usage = "unpause", .run = vmsnd_ctl_same},
    {.name = "suspend", .usage = "suspend", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_same},
    {.name = "resume", .usage = "resume", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_same},
    {.name = "save",
     .usage = "save FILE",
     .least = 1,
     .most = 1,
     .about = VMSND_CTL_WHOLE,
     .run = vmsnd_ctl_save,
     .words = {VMSND_CTL_FILE}},
    {.name = "tap",
     .usage = "tap STREAM device|host FILE|off [playback|capture]",
     .least = 3,
     .most = 4,
     .run = vmsnd_ctl_tap,
     .words = {VMSND_CTL_STREAM, VMSND_CTL_POINT, VMSND_CTL_FILE, VMSND_CTL_DIRECTION}},
    {.name = "counters", .usage = "counters", .run = vmsnd_ctl_counters},
    {.name = "statistics",
     .usage = "statistics [PATH]",
     .most = 1,
     .about = VMSND_CTL_WHOLE,
     .run = vmsnd_ctl_statistics,
     .words = {VMSND_CTL_CARD}},
    {.name = "config",
     .usage = "config [PATH]",
     .most = 1,
     .about = VMSND_CTL_WHOLE,
     .run = vmsnd_ctl_config},
    {.name = "modules", .usage = "modules", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_modules},
    {.name = "events", .usage = "events", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_events},
    {.name = "quit", .usage = "quit", .about = VMSND_CTL_WHOLE, .run = vmsnd_ctl_same},
    {.name = "raw",
     .usage = "raw COMMAND [JSON OBJECT]",
     .least = 1,
     .most = 2,
     .about = VMSND_CTL_EITHER,
     .run = vmsnd_ctl_raw,
     .words = {VMSND_CTL_COMMAND, VMSND_CTL_ANYTHING}},
};

const struct vmsnd_ctl_verb *vmsnd_ctl_verb(size_t index)
{
	return index < sizeof(verbs) / sizeof(verbs[0]) ? &verbs[index] : NULL;
}

/* How many words of `name` the command line begins with; 0: not with all of them. */
static int matches(const char *name, const char *const *words, int n_words)
{
	int n = 0;

	for (; *name && n < n_words; n++) {
		size_t bytes = strcspn(name, " ");

		if (strlen(words[n]) != bytes || strncmp(words[n], name, bytes) != 0)
			return 0;
		name += bytes + (name[bytes] == ' ');
	}
	return *name ? 0 : n;
}

const struct vmsnd_ctl_verb *vmsnd_ctl_verb_find(const char *const *words, int n_words, int *n)
{
	const struct vmsnd_ctl_verb *found = NULL;

	*n = 0;
	for (size_t i = 0; vmsnd_ctl_verb(i); i++) {
		int matched = matches(verbs[i].name, words, n_words);

		if (matched <= *n)
			continue;
		*n = matched;
		found = &verbs[i];
	}
	return found;
}
