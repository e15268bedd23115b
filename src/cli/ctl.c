/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd ctl: asks and tells a vmsnd serve that runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/ctl_show.h"
#include "control/client.h"

#define WORDS_MAX 8
#define PATH_ROOM 4200

struct ctl {
	const struct vmsnd_command *self;
	const struct verb *verb;
	const char *socket, *card;
	bool json, help;
	const char *words[WORDS_MAX]; /* after the verb */
	int n_words;
	struct vmsnd_control_client *client;
};

struct verb {
	const char *name, *usage;
	int least, most; /* words after it */
	int (*run)(struct ctl *ctl);
};

static const char help[] =
    "Usage: vmsnd ctl [--socket PATH] [--card CARD] [--json] COMMAND ...\n\n"
    "Asks and tells a 'vmsnd serve --control PATH' that runs.\n\n"
    "  status                              cards, streams, outputs, what was lost\n"
    "  enable playback|capture             the privacy switch; 'output' and 'input' are\n"
    "  disable playback|capture            understood, too\n"
    "  volume OUTPUT DB|mute|unmute [DIRECTION]\n"
    "                                      loudness of an output, -144 to 24 dB\n"
    "  attach BACKEND[,key=value...]       another output; prints its number\n"
    "  detach OUTPUT                       takes it away again\n"
    "  devices [OUTPUT]                    what an output's backend has to choose from\n"
    "  device OUTPUT ID|default [DIRECTION]\n"
    "                                      moves an output to another device\n"
    "  tap STREAM device|host FILE|off [DIRECTION]\n"
    "                                      writes what goes by into a sound file: what the card\n"
    "                                      handed in, or what output 0 took\n"
    "  counters                            all that a card has counted\n"
    "  events                              prints what changes, until it is stopped\n"
    "  pause, resume                       the card's time stands still, goes on\n"
    "  quit                                ends the program\n"
    "  raw COMMAND [ARGUMENTS]             any command of the protocol, with a JSON object\n\n"
    "  -s, --socket   where vmsnd serve answers (default: $VMSND_CONTROL)\n"
    "  -c, --card     a card's name or number; needed when there are several\n"
    "  -j, --json     prints what was answered as it is\n\n"
    "DIRECTION is playback, unless it is given. Files are written by vmsnd serve.\n\n"
    "Examples:\n\n"
    "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock --control /tmp/vm1-ctl.sock &\n"
    "  export VMSND_CONTROL=/tmp/vm1-ctl.sock\n"
    "  vmsnd ctl status\n"
    "  vmsnd ctl enable input\n"
    "  vmsnd ctl attach file,path=guest.wav\n"
    "  vmsnd ctl volume 0 -6\n"
    "  vmsnd ctl detach 1\n"
    "  vmsnd ctl raw query-streams '{\"card\": 0}'\n"
    "  vmsnd ctl quit\n";

/* ---- asking ---- */

static int bad_word(const struct ctl *ctl, const char *what, const char *word)
{
	char line[200];

	snprintf(line, sizeof(line), "'%.60s' is no %s: %s", word, what, ctl->verb->usage);
	return vmsnd_cli_usage(ctl->self, line);
}

static json_t *arguments(const struct ctl *ctl)
{
	json_t *object = json_object();

	if (ctl->card)
		json_object_set_new(object, "card", json_string(ctl->card));
	return object;
}

static json_t *ask(struct ctl *ctl, const char *command, json_t *with)
{
	json_t *answer = vmsnd_control_client_call(ctl->client, command, with);

	if (!answer)
		fprintf(stderr, "vmsnd ctl: %s\n", vmsnd_control_client_line(ctl->client));
	return answer;
}

/* Shows an answer by `show` and gives it up; NULL: there is nothing to show. */
static int finish(const struct ctl *ctl, json_t *answer, void (*show)(const json_t *answer))
{
	if (!answer)
		return VMSND_EXIT_FAILED;
	if (ctl->json)
		vmsnd_ctl_show_json(answer);
	else if (show)
		show(answer);
	json_decref(answer);
	return VMSND_EXIT_DONE;
}

/* ---- words ---- */

/* The word at `index`, if there is one, becomes "direction". */
static bool take_direction(struct ctl *ctl, int index, json_t *with)
{
	static const struct {
		const char *word, *means;
	} words[] = {{"playback", "playback"},
		     {"output", "playback"},
		     {"capture", "capture"},
		     {"input", "capture"}};

	if (index >= ctl->n_words)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(ctl->words[index], words[i].word) != 0)
			continue;
		json_object_set_new(with, "direction", json_string(words[i].means));
		return true;
	}
	return false;
}

static bool take_number(const char *word, const char *key, json_t *with)
{
	if (strlen(word) == 0 || strlen(word) > 6 || strspn(word, "0123456789") != strlen(word))
		return false;
	json_object_set_new(with, key, json_integer(strtol(word, NULL, 10)));
	return true;
}

static bool take_loudness(const char *word, json_t *with)
{
	char *end;
	double db = strtod(word, &end);

	if (strcmp(word, "mute") == 0 || strcmp(word, "unmute") == 0) {
		json_object_set_new(with, "mute", json_boolean(word[0] == 'm'));
		return true;
	}
	if (end == word || *end || !isfinite(db)) /* JSON has no such numbers */
		return false;
	json_object_set_new(with, "gain-db", json_real(db));
	return true;
}

static int give_up(json_t *with, int code)
{
	json_decref(with);
	return code;
}

/* ---- verbs ---- */

static bool is_wanted(const struct ctl *ctl, const json_t *card)
{
	const char *name = json_string_value(json_object_get(card, "name"));
	char number[24];

	snprintf(number, sizeof(number), "%lld",
		 (long long)json_integer_value(json_object_get(card, "card")));
	return !ctl->card || (name && strcmp(name, ctl->card) == 0) ||
	       strcmp(number, ctl->card) == 0;
}

/* Card by card, so that a program with hundreds of them is not held up by one answer. */
static bool add_streams(struct ctl *ctl, json_t *cards)
{
	for (size_t i = json_array_size(cards); i-- > 0;) {
		json_t *card = json_array_get(cards, i), *streams;

		if (!is_wanted(ctl, card)) {
			json_array_remove(cards, i);
			continue;
		}
		streams = ask(ctl, "query-streams",
			      json_pack("{s:O}", "card", json_object_get(card, "card")));
		if (!streams)
			return false;
		json_object_set_new(card, "streams", streams);
	}
	return true;
}

static int run_status(struct ctl *ctl)
{
	json_t *version = ask(ctl, "query-version", NULL);
	json_t *status = version ? ask(ctl, "query-status", NULL) : NULL;
	json_t *cards = status ? ask(ctl, "query-cards", NULL) : NULL;
	json_t *all = NULL;

	if (cards && add_streams(ctl, cards)) {
		if (ctl->card && json_array_size(cards) == 0)
			fprintf(stderr, "vmsnd ctl: there is no card '%s'\n", ctl->card);
		else
			all = json_pack("{s:O,s:O,s:O}", "version", version, "status", status,
					"cards", cards);
	}
	json_decref(version);
	json_decref(status);
	json_decref(cards);
	return finish(ctl, all, vmsnd_ctl_show_status);
}

static int run_enable(struct ctl *ctl)
{
	json_t *with = arguments(ctl);

	if (!take_direction(ctl, 0, with))
		return give_up(with, bad_word(ctl, "direction", ctl->words[0]));
	json_object_set_new(with, "on", json_boolean(ctl->verb->name[0] == 'e'));
	return finish(ctl, ask(ctl, "enable", with), NULL);
}

static int run_volume(struct ctl *ctl)
{
	json_t *with = arguments(ctl);

	if (!take_number(ctl->words[0], "output", with))
		return give_up(with, bad_word(ctl, "output", ctl->words[0]));
	if (!take_loudness(ctl->words[1], with))
		return give_up(with, bad_word(ctl, "loudness from -144 to 24 dB", ctl->words[1]));
	if (!take_direction(ctl, 2, with))
		return give_up(with, bad_word(ctl, "direction", ctl->words[2]));
	return finish(ctl, ask(ctl, "volume", with), NULL);
}

static void show_output(const json_t *answer)
{
	printf("output %lld\n", (long long)json_integer_value(json_object_get(answer, "output")));
}

static int run_attach(struct ctl *ctl)
{
	json_t *with = arguments(ctl);

	json_object_set_new(with, "backend", json_string(ctl->words[0]));
	return finish(ctl, ask(ctl, "attach", with), show_output);
}

static int run_detach(struct ctl *ctl)
{
	json_t *with = arguments(ctl);

	if (!take_number(ctl->words[0], "output", with))
		return give_up(with, bad_word(ctl, "output", ctl->words[0]));
	return finish(ctl, ask(ctl, "detach", with), NULL);
}

static int run_devices(struct ctl *ctl)
{
	json_t *with = arguments(ctl);

	if (ctl->n_words > 0 && !take_number(ctl->words[0], "output", with))
		return give_up(with, bad_word(ctl, "output", ctl->words[0]));
	return finish(ctl, ask(ctl, "query-host-devices", with), vmsnd_ctl_show_devices);
}

static int run_device(struct ctl *ctl)
{
	json_t *with = arguments(ctl);
	bool usual = strcmp(ctl->words[1], "default") == 0;

	if (!take_number(ctl->words[0], "output", with))
		return give_up(with, bad_word(ctl, "output", ctl->words[0]));
	if (!take_direction(ctl, 2, with))
		return give_up(with, bad_word(ctl, "direction", ctl->words[2]));
	json_object_set_new(with, "id", usual ? json_null() : json_string(ctl->words[1]));
	return finish(ctl, ask(ctl, "host-device", with), NULL);
}

/* The program may run in another folder: it gets the whole path. */
static json_t *whole_path(const char *path)
{
	char whole[PATH_ROOM];
	char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);

	snprintf(whole, sizeof(whole), "%s%s%s", folder ? folder : "", folder ? "/" : "", path);
	free(folder);
	return json_string(whole);
}

static int run_tap(struct ctl *ctl)
{
	json_t *with = arguments(ctl);
	bool off = strcmp(ctl->words[2], "off") == 0;

	if (!take_number(ctl->words[0], "stream", with))
		return give_up(with, bad_word(ctl, "stream", ctl->words[0]));
	if (strcmp(ctl->words[1], "device") != 0 && strcmp(ctl->words[1], "host") != 0)
		return give_up(with, bad_word(ctl, "point", ctl->words[1]));
	if (!take_direction(ctl, 3, with))
		return give_up(with, bad_word(ctl, "direction", ctl->words[3]));
	json_object_set_new(with, "point", json_string(ctl->words[1]));
	json_object_set_new(with, "path", off ? json_null() : whole_path(ctl->words[2]));
	return finish(ctl, ask(ctl, "tap-set", with), NULL);
}

static int run_counters(struct ctl *ctl)
{
	return finish(ctl, ask(ctl, "query-counters", arguments(ctl)), vmsnd_ctl_show_counters);
}

static int run_events(struct ctl *ctl)
{
	json_t *event;

	while ((event = vmsnd_control_client_event(ctl->client)))
		finish(ctl, event, vmsnd_ctl_show_event);
	return VMSND_EXIT_DONE;
}

/* pause and resume: the command has the verb's name. */
static int run_same(struct ctl *ctl)
{
	return finish(ctl, ask(ctl, ctl->verb->name, arguments(ctl)), NULL);
}

static int run_quit(struct ctl *ctl)
{
	return finish(ctl, ask(ctl, "quit", NULL), NULL);
}

static int run_raw(struct ctl *ctl)
{
	json_t *with = ctl->n_words > 1 ? json_loads(ctl->words[1], JSON_REJECT_DUPLICATES, NULL)
					: json_object();

	if (!json_is_object(with))
		return give_up(with, bad_word(ctl, "JSON object", ctl->words[1]));
	if (ctl->card)
		json_object_set_new(with, "card", json_string(ctl->card));
	ctl->json = true;
	return finish(ctl, ask(ctl, ctl->words[0], with), NULL);
}

static const struct verb verbs[] = {
    {"status", "status", 0, 0, run_status},
    {"enable", "enable playback|capture", 1, 1, run_enable},
    {"disable", "disable playback|capture", 1, 1, run_enable},
    {"volume", "volume OUTPUT DB|mute|unmute [playback|capture]", 2, 3, run_volume},
    {"attach", "attach BACKEND[,key=value...]", 1, 1, run_attach},
    {"detach", "detach OUTPUT", 1, 1, run_detach},
    {"devices", "devices [OUTPUT]", 0, 1, run_devices},
    {"device", "device OUTPUT ID|default [playback|capture]", 2, 3, run_device},
    {"tap", "tap STREAM device|host FILE|off [playback|capture]", 3, 4, run_tap},
    {"counters", "counters", 0, 0, run_counters},
    {"events", "events", 0, 0, run_events},
    {"pause", "pause", 0, 0, run_same},
    {"resume", "resume", 0, 0, run_same},
    {"quit", "quit", 0, 0, run_quit},
    {"raw", "raw COMMAND [JSON OBJECT]", 1, 2, run_raw},
};

/* ---- the command line ---- */

/* Where the value of an option that takes one goes. */
static const char **value_of(struct ctl *ctl, const char *word)
{
	if (strcmp(word, "--socket") == 0 || strcmp(word, "-s") == 0)
		return &ctl->socket;
	if (strcmp(word, "--card") == 0 || strcmp(word, "-c") == 0)
		return &ctl->card;
	return NULL;
}

static bool take_joined(struct ctl *ctl, const char *word)
{
	bool socket = strncmp(word, "--socket=", 9) == 0, card = strncmp(word, "--card=", 7) == 0;

	if (socket)
		ctl->socket = word + 9;
	if (card)
		ctl->card = word + 7;
	return socket || card;
}

/* Not by getopt: "-6" is a loudness, and options may come anywhere. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !strchr("0123456789.", word[1]);
}

static bool is_utf8(const char *word)
{
	json_t *text = json_string(word);

	json_decref(text);
	return text != NULL;
}

static int take_word(struct ctl *ctl, const char *word)
{
	if (!is_utf8(word))
		return vmsnd_cli_usage(ctl->self, "every word has to be UTF-8");
	if (!ctl->verb) {
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
			if (strcmp(verbs[i].name, word) == 0)
				ctl->verb = &verbs[i];
		if (ctl->verb)
			return VMSND_EXIT_DONE;
		fprintf(stderr, "vmsnd ctl: there is no command '%s'; see 'vmsnd ctl --help'\n",
			word);
		return VMSND_EXIT_USAGE;
	}
	if (ctl->n_words < WORDS_MAX)
		ctl->words[ctl->n_words] = word;
	ctl->n_words++;
	return VMSND_EXIT_DONE;
}

static int take_option(struct ctl *ctl, const char *word, const char *next, int *used)
{
	const char **value = value_of(ctl, word);

	if (value && next) {
		*value = next;
		*used = 2;
	} else if (strcmp(word, "--json") == 0 || strcmp(word, "-j") == 0) {
		ctl->json = true;
	} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		ctl->help = true;
	} else if (!take_joined(ctl, word)) {
		return vmsnd_cli_bad_option(ctl->self, word);
	}
	return VMSND_EXIT_DONE;
}

static int parse(struct ctl *ctl, int argc, char **argv)
{
	int rc = VMSND_EXIT_DONE, used;
	bool only_words = false;

	for (int i = 1; !rc && i < argc; i += used) {
		used = 1;
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (only_words || !is_option(argv[i]))
			rc = take_word(ctl, argv[i]);
		else
			rc = take_option(ctl, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
	}
	if (rc || ctl->help)
		return rc;
	if (!ctl->verb)
		return vmsnd_cli_usage(ctl->self, "it needs a command, such as status");
	if (ctl->n_words < ctl->verb->least || ctl->n_words > ctl->verb->most) {
		fprintf(stderr, "vmsnd ctl: it is: %s; see 'vmsnd ctl --help'\n", ctl->verb->usage);
		return VMSND_EXIT_USAGE;
	}
	if (!ctl->socket)
		ctl->socket = getenv("VMSND_CONTROL");
	if (!ctl->socket || !ctl->socket[0])
		return vmsnd_cli_usage(ctl->self, "it needs --socket PATH, or VMSND_CONTROL set: "
						  "the PATH of 'vmsnd serve --control PATH'");
	return VMSND_EXIT_DONE;
}

static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	struct ctl ctl = {.self = self};
	char error[400];
	int code = parse(&ctl, argc, argv);

	if (ctl.help && !code)
		fputs(help, stdout);
	if (code || ctl.help)
		return code;
	ctl.client = vmsnd_control_client_open(ctl.socket, error, sizeof(error));
	if (!ctl.client) {
		fprintf(stderr, "vmsnd ctl: %s\n", error);
		return VMSND_EXIT_FAILED;
	}
	code = ctl.verb->run(&ctl);
	vmsnd_control_client_close(ctl.client);
	return code;
}

const struct vmsnd_command vmsnd_command_ctl = {
    .name = "ctl",
    .summary = "asks and tells a 'vmsnd serve' that runs: status, privacy, outputs, volume",
    .help = help,
    .run = run,
};
