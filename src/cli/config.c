/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd config: whether a configuration is right, and what comes of files and options. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/settings.h"
#include "control/json_tree.h"
#include "manager/schema.h"

struct request {
	struct vmsnd_settings settings;
	bool json, defaults;
	struct vmsnd_cli_log_state log_state;
	struct vmsnd_log log;
	struct vmsnd_registry *registry;
	struct vmsnd_node *root;
};

static const char help[] =
    "Usage: vmsnd config check FILE [--set PATH=VALUE]...\n"
    "       vmsnd config show [--config FILE] [--device CARD[,key=value...] [--backend ...\n"
    "                         [--driver ...]...]...]... [--set PATH=VALUE]... [--defaults] "
    "[--json]\n\n"
    "check says whether a configuration is right, without starting anything: exit code 0 and\n"
    "one line, or exit code 1 and a line that says where the mistake is and what is allowed\n"
    "(2 when it is in an option).\n"
    "show prints the configuration that the same options of 'vmsnd serve' would run, as YAML;\n"
    "chains are as the rules of 'transforms' leave them.\n\n"
    "  -f, --config    a file; 'man vmsnd.yaml' says what may stand in it\n"
    "  -d, --device    a card more, as with 'vmsnd serve'\n"
    "  -b, --backend   an output of the card before it\n"
    "      --driver    a driver of the output before it, from top to bottom\n"
    "  -c, --control, --lanes, --workers, --realtime\n"
    "                  as with 'vmsnd serve'\n"
    "  -s, --set       a value for a path: cards.vm1.outputs.0.volume=-6; a path without '='\n"
    "                  is taken out\n"
    "      --defaults  shows all that is not said, too\n"
    "      --json      prints JSON, which is a configuration as well\n\n"
    "A file's words count less than those of options, and those less than --set.\n\n"
    "Examples:\n\n"
    "  vmsnd config show --device virtio-snd,socket=/tmp/vm1-snd.sock --backend null >vm1.yaml\n"
    "  vmsnd config check vm1.yaml\n"
    "  vmsnd config show --config vm1.yaml --set cards.card0.input=on --defaults\n"
    "  vmsnd serve --config vm1.yaml\n";

/* ---- both ---- */

static int complain(const char *line)
{
	if (*line)
		fprintf(stderr, "vmsnd: error: %s\n", line);
	return VMSND_EXIT_FAILED;
}

static int load(struct request *request)
{
	struct vmsnd_error error = {.line = ""};
	enum vmsnd_rc rc = vmsnd_settings_tree(&request->settings, &request->root, &error);

	if (!rc)
		rc = vmsnd_settings_registry(request->root, &request->log, &request->registry,
					     &error);
	if (!rc)
		rc = vmsnd_machine_check(request->registry, request->root, &error);
	if (rc)
		complain(error.line);
	return vmsnd_settings_exit_code(rc, &error);
}

/* ---- check ---- */

static unsigned children(const struct vmsnd_node *node)
{
	unsigned n = 0;

	for (node = node ? vmsnd_node_first(node) : NULL; node; node = vmsnd_node_next(node))
		n++;
	return n;
}

static int check(struct request *request)
{
	const struct vmsnd_node *cards = vmsnd_node_find(request->root, "cards");
	unsigned n_cards = children(cards), n_outputs = 0;

	for (const struct vmsnd_node *at = cards ? vmsnd_node_first(cards) : NULL; at;
	     at = vmsnd_node_next(at))
		n_outputs += children(vmsnd_node_find(at, "outputs"));
	printf("%s is right: %u card%s, %u output%s\n", request->settings.config, n_cards,
	       n_cards == 1 ? "" : "s", n_outputs, n_outputs == 1 ? "" : "s");
	return VMSND_EXIT_DONE;
}

/* ---- show ---- */

static int show_json(const struct request *request)
{
	json_t *object = vmsnd_control_of_tree(request->root);
	char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;

	if (text)
		puts(text);
	free(text);
	json_decref(object);
	return text ? VMSND_EXIT_DONE : complain("out of memory");
}

static int show(struct request *request)
{
	struct vmsnd_error error;
	char *text;

	if (vmsnd_schema_apply_rules(request->root, &error))
		return complain(error.line);
	if (request->defaults && vmsnd_schema_fill(request->registry, request->root))
		return complain("out of memory");
	if (request->json)
		return show_json(request);
	text = vmsnd_yaml_dump(request->root);
	if (!text)
		return complain("out of memory");
	fputs(text, stdout);
	free(text);
	return VMSND_EXIT_DONE;
}

/* ---- options ---- */

enum { OPTION_DEFAULTS = 0x201, OPTION_JSON };

static int take(const struct vmsnd_command *self, struct request *request, int letter,
		const char *word)
{
	if (vmsnd_settings_has(letter))
		return vmsnd_settings_take(&request->settings, self, letter, optarg);
	if (letter == OPTION_DEFAULTS)
		request->defaults = true;
	else if (letter == OPTION_JSON)
		request->json = true;
	else
		return vmsnd_cli_bad_getopt(self, letter, word);
	return VMSND_EXIT_DONE;
}

static int parse_show(const struct vmsnd_command *self, int argc, char **argv,
		      struct request *request)
{
	static const struct option options[] = {VMSND_SETTINGS_OPTIONS,
						{"defaults", no_argument, NULL, OPTION_DEFAULTS},
						{"json", no_argument, NULL, OPTION_JSON},
						{0}};
	int letter, code = VMSND_EXIT_DONE;

	while (!code &&
	       (letter = getopt_long(argc, argv, VMSND_SETTINGS_LETTERS, options, NULL)) != -1)
		code = take(self, request, letter, argv[optind - 1]);
	if (!code && optind < argc)
		code = vmsnd_cli_usage(self, "every argument of 'show' is an option");
	return code;
}

static int parse_check(const struct vmsnd_command *self, int argc, char **argv,
		       struct request *request)
{
	static const struct option options[] = {{"set", required_argument, NULL, 's'}, {0}};
	int letter, code = VMSND_EXIT_DONE;

	while (!code && (letter = getopt_long(argc, argv, ":s:", options, NULL)) != -1)
		code = take(self, request, letter, argv[optind - 1]);
	if (!code && optind + 1 != argc)
		code = vmsnd_cli_usage(self, "'check' takes the name of one file");
	if (!code)
		request->settings.config = argv[optind];
	return code;
}

static const struct verb {
	const char *name;
	int (*parse)(const struct vmsnd_command *self, int argc, char **argv,
		     struct request *request);
	int (*run)(struct request *request);
} verbs[] = {{"check", parse_check, check}, {"show", parse_show, show}};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
	struct request request = {.log_state.level = VMSND_LOG_WARNING};
	int code;

	if (!verb)
		return vmsnd_cli_usage(self, "it needs 'check FILE' or 'show'");
	opterr = 0;
	request.log = vmsnd_cli_log(&request.log_state);
	code = verb->parse(self, argc - 1, argv + 1, &request);
	if (!code)
		code = load(&request);
	if (!code)
		code = verb->run(&request);
	vmsnd_tree_free(request.root);
	vmsnd_registry_close(request.registry);
	vmsnd_settings_end(&request.settings);
	return code;
}

const struct vmsnd_command vmsnd_command_config = {
    .name = "config",
    .summary = "says whether a configuration is right, and what it comes to",
    .help = help,
    .run = run,
};
