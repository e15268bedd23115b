/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of commands: what there is, what it takes, who does it. Everything else that lists
 * commands (query-schema, docs/control.md) is made from it. */
#include <string.h>

#include "control/parts.h"

#define CARD                                                                                       \
	{                                                                                          \
		"card", VMSND_CONTROL_CARD, true, "which one; needed when there are several"       \
	}
#define DIRECTION                                                                                  \
	{                                                                                          \
		"direction", VMSND_CONTROL_DIRECTION, false, "what plays, or what records"         \
	}
#define MAY_DIRECTION                                                                              \
	{                                                                                          \
		"direction", VMSND_CONTROL_DIRECTION, true, "default: playback"                    \
	}
#define MAY_OUTPUT                                                                                 \
	{                                                                                          \
		"output", VMSND_CONTROL_OUTPUT, true, "its number; default: 0"                     \
	}

#define NEEDS_OUTPUT                                                                               \
	{                                                                                          \
		"output", VMSND_CONTROL_OUTPUT, false, "its number"                                \
	}
#define DRIVERS                                                                                    \
	{                                                                                          \
		"drivers", VMSND_CONTROL_TEXTS, true,                                              \
		    "what the sound goes through on its way, from the card on: \"delay,ms=100\""   \
	}
/* Where a driver is: chain.c counts on these five at the front. */
#define PLACE                                                                                      \
	CARD, MAY_OUTPUT,                                                                          \
	    {"at", VMSND_CONTROL_AT, true, "the driver's place, from 0 next to the card"},         \
	    {"name", VMSND_CONTROL_TEXT, true, "or its name"},                                     \
	{                                                                                          \
		"occurrence", VMSND_CONTROL_OCCURRENCE, true,                                      \
		    "which one of that name, counted from the card; default: 0"                    \
	}

static const struct vmsnd_control_command commands[] = {
    /* Done by request.c itself: it belongs to the session. */
    {.name = "qmp_capabilities",
     .help = "Opens the session: the first command, and only the first.",
     .args = {{"enable", VMSND_CONTROL_WORDS, true, "there is nothing to enable: empty"}}},
    {.name = "query-version",
     .help = "Which vmsnd this is.",
     .returns = "the greeting's version",
     .run = vmsnd_control_query_version},
    {.name = "query-commands",
     .help = "The names of all commands.",
     .returns = "a list of name",
     .run = vmsnd_control_query_commands},
    {.name = "query-schema",
     .help = "All commands with their arguments, and all events.",
     .returns = "commands: a list of name, help, returns, arguments (a list of name, value, "
		"optional, help); events: a list of name, help",
     .run = vmsnd_control_query_schema},
    {.name = "query-status",
     .help = "Whether it runs, and for how many.",
     .returns = "status (\"running\", \"suspended\", \"off\", \"changing\"), running, cards, "
		"connected (VMMs now), sessions-ended, lanes (threads for cards), hiccups (times a "
		"lane came so late that its clock was held)",
     .run = vmsnd_control_query_status},
    {.name = "query-cards",
     .help = "The cards, their directions and outputs.",
     .returns =
	 "a list of card (number), name, playback and capture (whether they are on), "
	 "paused, trusted, refusals (of guest memory), trace (path of the file, or null), "
	 "trace-records, trace-lost, outputs (a list; see Outputs), taps (a list of direction, "
	 "stream, point, path)",
     .run = vmsnd_control_query_cards},
    {.name = "query-streams",
     .help = "Each stream of a card on each output: state, formats, fill, latency, what was lost.",
     .returns = "a list; see Streams",
     .args = {CARD},
     .run = vmsnd_control_query_streams},
    {.name = "query-counters",
     .help = "All that a card and its streams have counted.",
     .returns = "an object of names and numbers",
     .args = {CARD},
     .run = vmsnd_control_query_counters},
    {.name = "query-statistics",
     .help = "All that is counted, of all cards, as a tree: NAME.COUNTER, NAME.playback0.COUNTER, "
	     "NAME.playback0.output0.COUNTER.",
     .returns = "an object of objects and numbers; what is at the path, if one is given",
     .args = {{"path", VMSND_CONTROL_TEXT, true, "a part of it: \"vm1.playback0\""}},
     .run = vmsnd_control_query_statistics},
    {.name = "query-config",
     .help = "The configuration as it is now, with all that was changed since the start: a file "
	     "of it makes the same machine again. The loudness of one channel alone is not in "
	     "it, nor that of one direction of an output that goes both ways.",
     .returns = "an object as in vmsnd.yaml; what is at the path, if one is given",
     .args = {{"defaults", VMSND_CONTROL_BOOL, true, "with all options; default: false"},
	      {"path", VMSND_CONTROL_TEXT, true, "a part of it: \"cards.vm1\""}},
     .run = vmsnd_control_query_config},
    {.name = "query-devices",
     .help = "What cards this build has, with options.",
     .returns = "a list of name, summary, options (a list of name, type, default, minimum, "
		"maximum, help)",
     .run = vmsnd_control_query_devices},
    {.name = "query-backends",
     .help = "What backends this build has, with options.",
     .returns = "as query-devices",
     .run = vmsnd_control_query_backends},
    {.name = "query-drivers",
     .help = "What drivers there are for the way between a card and a backend, with options.",
     .returns = "as query-devices",
     .run = vmsnd_control_query_drivers},
    {.name = "query-modules",
     .help = "The shared objects that were loaded.",
     .returns = "a list of path",
     .run = vmsnd_control_query_modules},
    {.name = "query-host-devices",
     .help = "The devices an output's backend has to choose from, as last looked at. With refresh "
	     "they are looked at again, for the next query.",
     .returns = "a list of id, name, playback-channels, capture-channels, default-playback, "
		"default-capture, hot-plug",
     .args = {CARD, MAY_OUTPUT, {"refresh", VMSND_CONTROL_BOOL, true, "default: false"}},
     .run = vmsnd_control_query_host_devices},
    {.name = "query-host",
     .help = "What the host of an output tells of itself: which server, through which socket, its "
	     "default devices, what is wrong and what to do. Answered when it has been asked.",
     .returns = "output, backend, present, facts (a list of name and text; the names are those of "
		"\"vmsnd check --json\"; a trouble's advice comes behind it), devices (as of "
		"query-host-devices)",
     .args = {CARD, MAY_OUTPUT},
     .run = vmsnd_control_query_host},
    {.name = "enable",
     .help = "The privacy switch of a direction. Off: the host's device is closed, the guest plays "
	     "into nothing or records silence.",
     .told = true,
     .args = {CARD, DIRECTION, {"on", VMSND_CONTROL_BOOL, false, "whether it is on from now"}},
     .run = vmsnd_control_enable},
    {.name = "volume",
     .help = "Loudness of an output, in dB; what is not given stays as it is. The change is a ramp "
	     "of 10 ms.",
     .args = {CARD,
	      MAY_OUTPUT,
	      MAY_DIRECTION,
	      {"gain-db", VMSND_CONTROL_GAIN, true, "of all channels; -144 is silence"},
	      {"channels-db", VMSND_CONTROL_GAINS, true,
	       "more or less for each; 0 for those not named"},
	      {"mute", VMSND_CONTROL_BOOL, true, "all channels"},
	      {"mute-channels", VMSND_CONTROL_BOOLS, true, "each; false for those not named"}},
     .run = vmsnd_control_volume},
    {.name = "query-mixer",
     .help = "The mixer of each stream of a card: what its guest, or set-mixer, has set.",
     .returns =
	 "a list of direction, stream, gain-db, mute, channels-db, mute-channels (of as many "
	 "channels as are not like the rest), and of what records sources (outputs that are "
	 "heard; null: all)",
     .args = {CARD},
     .run = vmsnd_control_query_mixer},
    {.name = "set-mixer",
     .help = "Turns the mixer of a stream as its guest does, on top of the volume of each output; "
	     "what is not given stays as it is. The guest is told. The change is a ramp of 10 ms.",
     .args = {CARD,
	      MAY_DIRECTION,
	      {"stream", VMSND_CONTROL_STREAM, true, "its number; default: all of the direction"},
	      {"gain-db", VMSND_CONTROL_GAIN, true, "of all channels; -144 is silence"},
	      {"channels-db", VMSND_CONTROL_GAINS, true,
	       "more or less for each; 0 for those not named"},
	      {"mute", VMSND_CONTROL_BOOL, true, "all channels"},
	      {"mute-channels", VMSND_CONTROL_BOOLS, true, "each; false for those not named"},
	      {"sources", VMSND_CONTROL_SOURCES, true,
	       "capture: the outputs that are heard; null: all"}},
     .run = vmsnd_control_set_mixer},
    {.name = "query-jacks",
     .help = "The jacks of a card, and whether something is plugged in.",
     .returns =
	 "a list of jack (its name), connected, state (\"plugged\" or \"unplugged\" by "
	 "hand; \"follow\": as its output does), output (the one that it follows, or null), "
	 "playback and capture (which ways it goes), pin-config (of Intel's HDA, as the guest has "
	 "remapped it, in hexadecimal)",
     .args = {CARD},
     .run = vmsnd_control_query_jacks},
    {.name = "set-jack",
     .help = "Plugs something into a jack, or pulls it out, whatever its output does; or has it "
	     "follow its output again. The guest is told.",
     .told = true,
     .args = {CARD,
	      {"jack", VMSND_CONTROL_TEXT, false, "its name"},
	      {"state", VMSND_CONTROL_JACK_STATE, false, "what it is to be"}},
     .run = vmsnd_control_set_jack},
    {.name = "card-add",
     .help = "Adds a card. Its socket is there when this is answered.",
     .returns = "card: its number",
     .told = true,
     .args = {{"name", VMSND_CONTROL_TEXT, false, "its name; another card has another"},
	      {"node", VMSND_CONTROL_OBJECT, false,
	       "what is under cards.NAME in vmsnd.yaml: {\"device\": \"virtio-snd\", \"socket\": "
	       "\"/run/vm2.sock\", \"outputs\": [{\"backend\": \"null\"}]}"}},
     .run = vmsnd_control_card_add},
    {.name = "card-remove",
     .help = "Takes a card away from its guest, and closes its outputs.",
     .told = true,
     .args = {{"card", VMSND_CONTROL_CARD, false, "which one"}},
     .run = vmsnd_control_card_remove},
    {.name = "attach",
     .help = "Adds an output beside those there are.",
     .returns = "output: its number",
     .told = true,
     .args = {CARD, {"backend", VMSND_CONTROL_TEXT, false, "as serve --backend takes it"}, DRIVERS},
     .run = vmsnd_control_attach},
    {.name = "reattach",
     .help = "Puts another backend, with its drivers, in the place of an output's. The new one is "
	     "opened first; when that fails, the old one plays on. Answered when it is over.",
     .told = true,
     .args = {CARD,
	      NEEDS_OUTPUT,
	      {"backend", VMSND_CONTROL_TEXT, false, "as serve --backend takes it"},
	      DRIVERS},
     .run = vmsnd_control_reattach},
    {.name = "detach",
     .help = "Takes an output away; the others do not notice.",
     .told = true,
     .args = {CARD, NEEDS_OUTPUT},
     .run = vmsnd_control_detach},
    {.name = "driver-attach",
     .help = "Adds a driver above the one that is there, or next to the card; nothing is opened "
	     "anew.",
     .returns = "at: its place",
     .told = true,
     .args = {PLACE, {"driver", VMSND_CONTROL_TEXT, false, "\"delay,ms=100\""}},
     .run = vmsnd_control_driver_attach},
    {.name = "driver-reattach",
     .help = "Puts another driver in the place of one. When it cannot be had, the old one stays.",
     .told = true,
     .args = {PLACE, {"driver", VMSND_CONTROL_TEXT, false, "\"delay,ms=100\""}},
     .run = vmsnd_control_driver_reattach},
    {.name = "driver-detach",
     .help = "Takes a driver away.",
     .told = true,
     .args = {PLACE},
     .run = vmsnd_control_driver_detach},
    {.name = "tap-set",
     .help = "Writes what goes by into a sound file, for looking into faults.",
     .told = true,
     .args = {CARD,
	      MAY_DIRECTION,
	      {"stream", VMSND_CONTROL_STREAM, true, "its number; default: 0"},
	      {"point", VMSND_CONTROL_POINT, false,
	       "device: what the card handed in, or took out; host: what output 0 took, or handed "
	       "in, silence included"},
	      {"path", VMSND_CONTROL_TEXT_OR_NULL, false,
	       "the file, as the program sees it; null: no more"}},
     .run = vmsnd_control_tap_set},
    {.name = "host-device",
     .help = "Moves an output to another device of its backend.",
     .told = true,
     .args = {CARD,
	      MAY_OUTPUT,
	      MAY_DIRECTION,
	      {"id", VMSND_CONTROL_TEXT_OR_NULL, false,
	       "of query-host-devices; null: the default one"}},
     .run = vmsnd_control_host_device},
    {.name = "host-volume",
     .help = "Turns an output's volume in the host's own mixer, as the host's user would there; "
	     "what is not given stays as it is. It is of the streams that are open now: the host "
	     "keeps it, or not, and vmsnd does not. query-streams has it under place.volume.",
     .told = true,
     .args = {CARD,
	      MAY_OUTPUT,
	      MAY_DIRECTION,
	      {"gain-db", VMSND_CONTROL_GAIN, true,
	       "of the loudest channel; the others keep their distance to it; -144 is silence"},
	      {"mute", VMSND_CONTROL_BOOL, true, "all channels"}},
     .run = vmsnd_control_host_volume},
    {.name = "pause",
     .help = "One card stands still: no time goes by for its streams.",
     .told = true,
     .args = {CARD},
     .run = vmsnd_control_pause},
    {.name = "unpause",
     .help = "A card that was paused goes on.",
     .told = true,
     .args = {CARD},
     .run = vmsnd_control_unpause},
    {.name = "suspend",
     .help = "Suspends the whole machine: all cards, and the drivers and backends of their "
	     "outputs. Answered when all of them are.",
     .told = true,
     .run = vmsnd_control_suspend,
     .left = vmsnd_control_suspend_left},
    {.name = "resume",
     .help = "The whole machine goes on after suspend. Answered when it does.",
     .told = true,
     .run = vmsnd_control_resume,
     .left = vmsnd_control_resume_left},
    {.name = "save",
     .help = "Writes the state of the whole machine into a file, for serve --restore; best while "
	     "it is suspended. The file has mode 0600, and is there whole or not at all.",
     .returns = "file, bytes",
     .told = true,
     .args = {{"file", VMSND_CONTROL_PATH, false,
	       "where, as the program sees it; what is there is replaced"}},
     .run = vmsnd_control_save,
     .left = vmsnd_control_save_left},
    {.name = "quit",
     .help = "Ends the program, in order.",
     .told = true,
     .run = vmsnd_control_quit},
};

const struct vmsnd_control_command *vmsnd_control_command(size_t index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

const struct vmsnd_control_command *vmsnd_control_command_find(const char *name)
{
	for (size_t i = 0; vmsnd_control_command(i); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
