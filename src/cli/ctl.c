/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd ctl: asks and tells a vmsnd serve that runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ctl.h"

static const char help[] =
    "Usage: vmsnd ctl [--socket PATH] [--card CARD] [--json] COMMAND ...\n\n"
    "Asks and tells a 'vmsnd serve --control PATH' that runs.\n\n"
    "Looking:\n\n"
    "  status                              cards, streams, outputs, what was lost\n"
    "  cards                               a line for each card\n"
    "  host [OUTPUT]                       what the host of an output tells: server, troubles\n"
    "  devices [OUTPUT]                    what an output's backend has to choose from\n"
    "  backends                            what attach takes, with options\n"
    "  drivers                             what --driver takes, with options\n"
    "  counters                            all that a card has counted\n"
    "  statistics [PATH]                   all that is counted, or a part of it: vm1.playback0\n"
    "  config [PATH]                       the configuration as it is now, as YAML\n"
    "  modules                             shared objects that were loaded\n"
    "  events                              prints what changes, until it is stopped\n\n"
    "Privacy and loudness:\n\n"
    "  enable playback|capture             the privacy switch; 'output' and 'input' are\n"
    "  disable playback|capture            understood, too\n"
    "  volume OUTPUT DB|mute|unmute [DIRECTION]\n"
    "                                      loudness of an output, -144 to 24 dB\n"
    "  mixer                               what each stream's guest has set\n"
    "  mixer [STREAM] DB|mute|unmute|source N|source all [DIRECTION]\n"
    "                                      turns it, as the guest does: on top of 'volume'\n\n"
    "Outputs and inputs:\n\n"
    "  attach BACKEND[,key=value...]       another output; prints its number\n"
    "  reattach OUTPUT BACKEND[,key=value...]\n"
    "                                      another backend in its place, opened before the old\n"
    "                                      one is closed; if it fails, the old one plays on\n"
    "  detach OUTPUT                       takes it away again\n"
    "  device OUTPUT ID|default [DIRECTION]\n"
    "                                      moves an output to another device\n"
    "  host-volume OUTPUT PERCENT%|DB|mute|unmute [DIRECTION]\n"
    "                                      turns it in the host's own mixer, as its user would\n"
    "  driver add OUTPUT DRIVER[,key=value...] [AT|NAME]\n"
    "                                      a driver next to the card, or above that one\n"
    "  driver replace OUTPUT AT|NAME DRIVER[,key=value...]\n"
    "                                      another one in its place\n"
    "  driver remove OUTPUT AT|NAME        takes it away\n"
    "  tap STREAM device|host FILE|off [DIRECTION]\n"
    "                                      writes what goes by into a sound file: what the card\n"
    "                                      handed in, or what output 0 took\n\n"
    "Jacks:\n\n"
    "  jack [NAME plugged|unplugged|follow]\n"
    "                                      plugs something in, or pulls it out; follow: as the\n"
    "                                      output it is configured with; without words: lists "
    "them\n\n"
    "Cards and the whole machine:\n\n"
    "  cards add NAME DEVICE[,key=value...] [BACKEND[,key=value...]]...\n"
    "                                      another card; prints its number\n"
    "  cards remove CARD                   takes it away\n"
    "  pause, unpause                      one card stands still, goes on\n"
    "  suspend, resume                     the whole machine stands still, goes on\n"
    "  save FILE                           its state, for 'vmsnd serve --restore FILE'; suspend\n"
    "                                      it first\n"
    "  quit                                ends the program\n"
    "  raw COMMAND [ARGUMENTS]             any command of the protocol, with a JSON object\n\n"
    "  -s, --socket   where vmsnd serve answers (default: $VMSND_CONTROL)\n"
    "  -c, --card     a card's name or number; needed when there are several\n"
    "  -D, --driver   with attach and reattach: what the sound goes through on its way; give it\n"
    "                 several times, from the card on\n"
    "  -j, --json     prints what was answered as it is\n\n"
    "DIRECTION is playback, unless it is given. AT is a driver's place, from 0 next to the card;\n"
    "NAME is its name, NAME:1 the second of that name. Files are written by vmsnd serve.\n\n"
    "Examples:\n\n"
    "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock --control /tmp/vm1-ctl.sock &\n"
    "  export VMSND_CONTROL=/tmp/vm1-ctl.sock\n"
    "  vmsnd ctl status\n"
    "  vmsnd ctl enable input\n"
    "  vmsnd ctl attach file,path=guest.wav\n"
    "  vmsnd ctl volume 0 -6\n"
    "  vmsnd ctl reattach 1 file,path=late.wav --driver delay,ms=100\n"
    "  vmsnd ctl detach 1\n"
    "  vmsnd ctl suspend\n"
    "  vmsnd ctl save vm1.state\n"
    "  vmsnd ctl resume\n"
    "  vmsnd ctl raw query-streams '{\"card\": 0}'\n"
    "  vmsnd ctl quit\n";

/* ---- options ---- */

static const struct vmsnd_ctl_option options[] = {
    {"--socket", "-s", VMSND_CTL_VALUE, VMSND_CTL_FILE},
    {"--card", "-c", VMSND_CTL_VALUE, VMSND_CTL_CARD},
    {"--driver", "-D", VMSND_CTL_VALUE, VMSND_CTL_DRIVER},
    {"--json", "-j", VMSND_CTL_FLAG, VMSND_CTL_ANYTHING},
    {"--help", "-h", VMSND_CTL_FLAG, VMSND_CTL_ANYTHING},
};
enum { OPTION_SOCKET, OPTION_CARD, OPTION_DRIVER, OPTION_JSON, OPTION_HELP, OPTION_COUNT };
_Static_assert(sizeof(options) / sizeof(options[0]) == OPTION_COUNT, "each has a number");

const struct vmsnd_ctl_option *vmsnd_ctl_option(size_t index)
{
	return index < OPTION_COUNT ? &options[index] : NULL;
}

/* Which option a word is, OPTION_COUNT for none; *joined: what is behind its '='. */
static size_t option_of(const char *word, const char **joined)
{
	*joined = NULL;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		size_t bytes = strlen(options[i].name);

		if (strcmp(word, options[i].name) == 0 || strcmp(word, options[i].letter) == 0)
			return i;
		if (options[i].kind == VMSND_CTL_FLAG ||
		    strncmp(word, options[i].name, bytes) != 0 || word[bytes] != '=')
			continue;
		*joined = word + bytes + 1;
		return i;
	}
	return OPTION_COUNT;
}

static int take_driver(struct vmsnd_ctl *ctl, const char *driver)
{
	if (ctl->n_drivers == VMSND_DRIVERS_MAX)
		return vmsnd_cli_usage(ctl->self, "an output takes at most 8 drivers");
	ctl->drivers[ctl->n_drivers++] = driver;
	return VMSND_EXIT_DONE;
}
_Static_assert(VMSND_DRIVERS_MAX == 8, "the line above names the limit");

static int take_option(struct vmsnd_ctl *ctl, const char *word, const char *next, int *used)
{
	const char *value;
	size_t option = option_of(word, &value);

	if (option < OPTION_COUNT && options[option].kind == VMSND_CTL_VALUE && !value) {
		value = next;
		*used = 2;
	}
	if (option == OPTION_COUNT || (options[option].kind == VMSND_CTL_VALUE && !value))
		return vmsnd_cli_bad_option(ctl->self, word, option < OPTION_COUNT);
	if (option == OPTION_SOCKET)
		ctl->socket = value;
	else if (option == OPTION_CARD)
		ctl->card = value;
	else if (option == OPTION_DRIVER)
		return take_driver(ctl, value);
	ctl->json |= option == OPTION_JSON;
	ctl->help |= option == OPTION_HELP;
	return VMSND_EXIT_DONE;
}

/* ---- the command line ---- */

/* Not by getopt: "-6" is a loudness, and options may come anywhere. */
bool vmsnd_ctl_is_option(const char *word)
{
	return word[0] == '-' && word[1] && !strchr("0123456789.", word[1]);
}

static bool is_utf8(const char *word)
{
	json_t *text = json_string(word);

	json_decref(text);
	return text != NULL;
}

static int take_word(struct vmsnd_ctl *ctl, const char *word)
{
	if (!is_utf8(word))
		return vmsnd_cli_usage(ctl->self, "every word has to be UTF-8");
	if (ctl->n_words == VMSND_CTL_WORDS_MAX)
		return vmsnd_cli_usage(ctl->self, "these are too many words");
	ctl->words[ctl->n_words++] = word;
	return VMSND_EXIT_DONE;
}

static int parse(struct vmsnd_ctl *ctl, int argc, char **argv)
{
	int rc = VMSND_EXIT_DONE, used;
	bool only_words = false;

	for (int i = 1; !rc && i < argc; i += used) {
		used = 1;
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (only_words || !vmsnd_ctl_is_option(argv[i]))
			rc = take_word(ctl, argv[i]);
		else
			rc = take_option(ctl, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
	}
	return rc;
}

/* ---- the verb ---- */

static int usage(const char *format, const char *word)
{
	fputs("vmsnd ctl: ", stderr);
	fprintf(stderr, format, word);
	fputs("; see 'vmsnd ctl --help'\n", stderr);
	return VMSND_EXIT_USAGE;
}

/* The words before it are taken away. */
static int find_verb(struct vmsnd_ctl *ctl)
{
	int n;

	if (ctl->n_words == 0)
		return vmsnd_cli_usage(ctl->self, "it needs a command, such as status");
	ctl->verb = vmsnd_ctl_verb_find(ctl->words, ctl->n_words, &n);
	if (!ctl->verb)
		return usage("there is no command '%s'", ctl->words[0]);
	ctl->n_words -= n;
	memmove(ctl->words, ctl->words + n, (size_t)ctl->n_words * sizeof(ctl->words[0]));
	return VMSND_EXIT_DONE;
}

static int check_verb(const struct vmsnd_ctl *ctl)
{
	const struct vmsnd_ctl_verb *verb = ctl->verb;

	if (ctl->n_words < verb->least || ctl->n_words > verb->most)
		return usage("it is: %s", verb->usage);
	if (ctl->card && verb->about == VMSND_CTL_WHOLE)
		return usage("%s is not about one card: leave --card out", verb->name);
	if (ctl->n_drivers > 0 && !verb->drivers)
		return usage("%s takes no --driver", verb->name);
	return VMSND_EXIT_DONE;
}

static int find_socket(struct vmsnd_ctl *ctl)
{
	if (!ctl->socket)
		ctl->socket = getenv("VMSND_CONTROL");
	if (!ctl->socket || !ctl->socket[0])
		return vmsnd_cli_usage(ctl->self, "it needs --socket PATH, or VMSND_CONTROL set: "
						  "the PATH of 'vmsnd serve --control PATH'");
	return VMSND_EXIT_DONE;
}

static int call(struct vmsnd_ctl *ctl)
{
	char error[400];
	int code;

	ctl->client = vmsnd_control_client_open(ctl->socket, error, sizeof(error));
	if (!ctl->client) {
		fprintf(stderr, "vmsnd ctl: %s\n", error);
		return VMSND_EXIT_FAILED;
	}
	code = ctl->verb->run(ctl);
	vmsnd_control_client_close(ctl->client);
	return code;
}

static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	struct vmsnd_ctl ctl = {.self = self};
	int code;

	if (argc > 1 && strcmp(argv[1], "--complete") == 0)
		return vmsnd_ctl_complete(argc - 2, argv + 2);
	code = parse(&ctl, argc, argv);
	if (ctl.help && !code) {
		fputs(help, stdout);
		return code;
	}
	if (!code)
		code = find_verb(&ctl);
	if (!code)
		code = check_verb(&ctl);
	if (!code)
		code = find_socket(&ctl);
	return code ? code : call(&ctl);
}

const struct vmsnd_command vmsnd_command_ctl = {
    .name = "ctl",
    .summary = "asks and tells a 'vmsnd serve' that runs: status, privacy, outputs, volume",
    .help = help,
    .run = run,
};
