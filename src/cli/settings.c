/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/schema.h"

#define BACKENDS_MAX VMSND_OUTPUTS_MAX

/* Which part of the tree an option makes; see the header for those behind letters beyond 255. */
enum { OPTION_DRIVER = 0x101, OPTION_LANES, OPTION_WORKERS, OPTION_REALTIME };

static const struct {
	int letter;
	const char *name; /* in messages */
	const char *leaf; /* of the root that it is; NULL: it is more than that */
} known[] = {
    {'f', "--config", NULL},
    {'d', "--device", NULL},
    {'b', "--backend", NULL},
    {OPTION_DRIVER, "--driver", NULL},
    {'s', "--set", NULL},
    {'c', "--control", "control"},
    {OPTION_LANES, "--lanes", "lanes"},
    {OPTION_WORKERS, "--workers", "workers"},
    {OPTION_REALTIME, "--realtime", "realtime-priority"},
};

#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static size_t row_of(int letter)
{
	size_t row = 0;

	while (row < N_KNOWN && known[row].letter != letter)
		row++;
	return row;
}

bool vmsnd_settings_has(int letter)
{
	return row_of(letter) < N_KNOWN;
}

/* ---- taking ---- */

static const char *count(struct vmsnd_settings *settings, int letter)
{
	if (letter == 'd') {
		settings->n_devices++;
		settings->n_backends = settings->n_drivers = 0;
	} else if (letter == 'b') {
		settings->n_drivers = 0;
		if (settings->n_devices == 0)
			return "a --backend belongs to the --device before it";
		if (++settings->n_backends > BACKENDS_MAX)
			return "a card takes at most 8 --backend";
	} else if (letter == OPTION_DRIVER) {
		if (settings->n_backends == 0)
			return "a --driver belongs to the --backend before it";
		if (++settings->n_drivers > VMSND_DRIVERS_MAX)
			return "a --backend takes at most 8 --driver";
	}
	return NULL;
}

int vmsnd_settings_take(struct vmsnd_settings *settings, const struct vmsnd_command *self,
			int letter, const char *text)
{
	const char *wrong = count(settings, letter);
	struct vmsnd_setting *more;

	if (letter == 'f' && settings->config)
		wrong = "--config is given twice";
	if (wrong)
		return vmsnd_cli_usage(self, wrong);
	if (letter == 'f') {
		settings->config = text;
		return VMSND_EXIT_DONE;
	}
	more = realloc(settings->list, (settings->n + 1) * sizeof(*more));
	if (!more) {
		fprintf(stderr, "vmsnd %s: out of memory\n", self->name);
		return VMSND_EXIT_FAILED;
	}
	settings->list = more;
	settings->list[settings->n++] = (struct vmsnd_setting){letter, text};
	return VMSND_EXIT_DONE;
}

void vmsnd_settings_end(struct vmsnd_settings *settings)
{
	free(settings->list);
	*settings = (struct vmsnd_settings){0};
}

/* ---- the tree ---- */

/* Where in the tree the next option goes. */
struct builder {
	struct vmsnd_node *root, *card, *output;
	struct vmsnd_place place;
	struct vmsnd_error *error;
};

static enum vmsnd_rc no_memory(const struct builder *to)
{
	vmsnd_error_set(to->error, &to->place, "out of memory, or more cards than can be");
	return VMSND_E_NOMEM;
}

/* A child that is made by this option. */
static struct vmsnd_node *make(const struct builder *to, struct vmsnd_node *in, const char *name)
{
	struct vmsnd_node *node = in ? vmsnd_node_make(in, name) : NULL;

	if (node)
		vmsnd_node_set_place(node, &to->place);
	return node;
}

static struct vmsnd_node *next_item(const struct builder *to, struct vmsnd_node *in,
				    const char *list)
{
	struct vmsnd_node *node = in ? vmsnd_node_make(in, list) : NULL;
	char number[24];
	size_t n = 0;

	if (!node)
		return NULL;
	vmsnd_node_set_list(node, true);
	for (struct vmsnd_node *at = vmsnd_node_first(node); at; at = vmsnd_node_next(at))
		n++;
	snprintf(number, sizeof(number), "%zu", n);
	return make(to, node, number);
}

/* What a node can be called; tree.h. */
static bool may_be_name(const char *name)
{
	struct vmsnd_node *probe = vmsnd_tree_new();
	bool may = probe && vmsnd_node_make(probe, name);

	vmsnd_tree_free(probe);
	return may;
}

/* The card's name: what name= says, else the lowest of card0, card1 and so on that is free. */
static enum vmsnd_rc name_card(const struct builder *to, const struct vmsnd_node *options,
			       char name[VMSND_NODE_NAME_BYTES])
{
	const char *given;

	if (vmsnd_leaf_text(options, "name", "", &given) == VMSND_OK && *given) {
		struct vmsnd_node *cards = vmsnd_node_find(to->root, "cards");

		if (!may_be_name(given))
			return vmsnd_error_set(to->error, &to->place,
					       "name=%s: a card's name has at most 63 bytes, no "
					       "dot and no control character",
					       given);
		if (cards && vmsnd_node_find(cards, given))
			return vmsnd_error_set(to->error, &to->place,
					       "name=%s: another card has this name", given);
		strcpy(name, given);
		return VMSND_OK;
	}
	for (unsigned i = 0;; i++) {
		char path[VMSND_NODE_NAME_BYTES + 8];

		snprintf(name, VMSND_NODE_NAME_BYTES, "card%u", i);
		snprintf(path, sizeof(path), "cards.%s", name);
		if (!vmsnd_node_find(to->root, path))
			return VMSND_OK;
	}
}

static enum vmsnd_rc add_card(struct builder *to, const char *text)
{
	struct vmsnd_node *options = vmsnd_tree_new(), *cards;
	char name[VMSND_NODE_NAME_BYTES];
	enum vmsnd_rc rc;

	if (!options)
		return no_memory(to);
	rc = vmsnd_tree_from_text(options, "device", text, &to->place, to->error);
	if (!rc)
		rc = name_card(to, options, name);
	if (!rc) {
		vmsnd_leaf_remove(options, "name");
		cards = vmsnd_node_make(to->root, "cards");
		to->card = make(to, cards, name);
		to->output = NULL;
		rc = to->card && !vmsnd_tree_merge(to->card, options, true) ? VMSND_OK
									    : no_memory(to);
	}
	vmsnd_tree_free(options);
	return rc;
}

static enum vmsnd_rc set_path(const struct builder *to, const char *text)
{
	const char *equals = strchr(text, '=');
	char *path = strndup(text, equals ? (size_t)(equals - text) : strlen(text));
	enum vmsnd_rc rc;

	if (!path)
		return no_memory(to);
	rc = vmsnd_tree_set(to->root, path, equals ? equals + 1 : NULL, &to->place, to->error);
	free(path);
	return rc;
}

static enum vmsnd_rc apply(struct builder *to, const struct vmsnd_setting *setting)
{
	size_t row = row_of(setting->letter);

	to->place = (struct vmsnd_place){.file = known[row].name};
	if (known[row].leaf)
		return vmsnd_tree_set(to->root, known[row].leaf, setting->text, &to->place,
				      to->error);
	if (setting->letter == 's')
		return set_path(to, setting->text);
	if (setting->letter == 'd')
		return add_card(to, setting->text);
	if (setting->letter == 'b') {
		to->output = next_item(to, to->card, "outputs");
		return to->output ? vmsnd_tree_from_text(to->output, "backend", setting->text,
							 &to->place, to->error)
				  : no_memory(to);
	}
	{
		struct vmsnd_node *driver = next_item(to, to->output, "drivers");

		return driver ? vmsnd_tree_from_text(driver, "driver", setting->text, &to->place,
						     to->error)
			      : no_memory(to);
	}
}

enum vmsnd_rc vmsnd_settings_tree(const struct vmsnd_settings *settings, struct vmsnd_node **out,
				  struct vmsnd_error *error)
{
	struct builder to = {.error = error};
	enum vmsnd_rc rc = VMSND_OK;

	*out = NULL;
	if (settings->config)
		rc = vmsnd_yaml_load(settings->config, &to.root, error);
	else
		to.root = vmsnd_tree_new();
	if (!rc && !to.root)
		return no_memory(&to);
	for (unsigned sets = 0; sets < 2; sets++)
		for (size_t i = 0; i < settings->n && !rc; i++)
			if ((settings->list[i].letter == 's') == (sets == 1))
				rc = apply(&to, &settings->list[i]);
	if (rc)
		vmsnd_tree_free(to.root);
	else
		*out = to.root;
	return rc;
}

/* ---- exit codes ---- */

/* "--device: ...": a file of such a name has its line's number behind it. */
static bool is_about_option(const char *line)
{
	for (size_t row = 0; row < N_KNOWN; row++) {
		size_t bytes = strlen(known[row].name);

		if (strncmp(line, known[row].name, bytes) == 0 &&
		    strncmp(line + bytes, ": ", 2) == 0)
			return true;
	}
	return false;
}

int vmsnd_settings_exit_code(enum vmsnd_rc rc, const struct vmsnd_error *error)
{
	if (!rc)
		return VMSND_EXIT_DONE;
	return rc != VMSND_E_NOMEM && is_about_option(error->line) ? VMSND_EXIT_USAGE
								   : VMSND_EXIT_FAILED;
}

/* ---- the registry ---- */

static enum vmsnd_rc load_named(struct vmsnd_registry *registry, const struct vmsnd_node *load)
{
	enum vmsnd_rc rc = VMSND_OK;

	for (const struct vmsnd_node *at = load ? vmsnd_node_first(load) : NULL; at && !rc;
	     at = vmsnd_node_next(at)) {
		const char *module;
		bool required;

		vmsnd_leaf_text(at, "module", "", &module);
		vmsnd_leaf_bool(at, "required", true, &required);
		rc = vmsnd_registry_load(registry, module, required);
		if (rc == VMSND_E_EXISTS) /* the folder's, for one */
			rc = VMSND_OK;
	}
	return rc;
}

enum vmsnd_rc vmsnd_settings_registry(const struct vmsnd_node *root, const struct vmsnd_log *log,
				      struct vmsnd_registry **out, struct vmsnd_error *error)
{
	struct vmsnd_registry_conf conf = {.log = log};
	struct vmsnd_value folder;
	bool builtin, all = true;
	enum vmsnd_rc rc = vmsnd_schema_check_machine(root, error);

	*out = NULL;
	if (rc)
		return rc;
	vmsnd_leaf_bool(root, "modules.builtin", true, &builtin);
	conf.bare = !builtin;
	if (vmsnd_leaf_get(root, "modules.folder", &folder, NULL) == VMSND_OK) {
		all = folder.type != VMSND_VALUE_BOOL || folder.on;
		conf.folder = folder.type != VMSND_VALUE_BOOL ? folder.text : NULL;
	}
	rc = vmsnd_registry_open(&conf, out);
	if (!rc && all)
		rc = vmsnd_registry_load_folder(*out);
	if (!rc)
		rc = load_named(*out, vmsnd_node_find(root, "modules.load"));
	if (rc) {
		vmsnd_registry_close(*out);
		*out = NULL;
	}
	return rc;
}
