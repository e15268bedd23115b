/* SPDX-License-Identifier: BSD-3-Clause */
/* What is below an output's connector, from a node of a configuration: rules are applied, classes
 * found, options checked. Nothing is opened here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "manager/module.h"

/* ---- texts and nodes ---- */

static enum vmsnd_rc put_driver(struct vmsnd_node *drivers, unsigned at, const char *text,
				bool injected, struct vmsnd_error *error)
{
	struct vmsnd_node *node;
	char name[8];

	snprintf(name, sizeof(name), "%u", at);
	node = vmsnd_node_make(drivers, name);
	if (!node)
		return VMSND_E_NOMEM;
	if (injected && vmsnd_leaf_set_bool(node, VMSND_RULE_MARK, true))
		return VMSND_E_NOMEM;
	return vmsnd_tree_from_text(node, "driver", text, NULL, error);
}

enum vmsnd_rc vmsnd_card_chain_write(struct vmsnd_node *node, const struct vmsnd_chain_conf *conf,
				     uint32_t injected, struct vmsnd_error *error)
{
	struct vmsnd_node *drivers;
	enum vmsnd_rc rc = vmsnd_tree_from_text(node, "backend", conf->backend, NULL, error);

	if (!rc && injected & VMSND_INJECTED_BACKEND)
		rc = vmsnd_leaf_set_bool(node, VMSND_RULE_MARK, true);
	if (rc || !conf->drivers[0])
		return rc;
	drivers = vmsnd_node_make(node, "drivers");
	if (!drivers)
		return VMSND_E_NOMEM;
	vmsnd_node_set_list(drivers, true);
	for (unsigned i = 0; !rc && i < VMSND_DRIVERS_MAX && conf->drivers[i]; i++)
		rc = put_driver(drivers, i, conf->drivers[i], injected >> i & 1, error);
	return rc;
}

static bool is_one_of(const char *const *names, const char *name)
{
	while (names && *names && strcmp(*names, name) != 0)
		names++;
	return names && *names;
}

enum vmsnd_rc vmsnd_card_only_children(const struct vmsnd_node *node, const char *child,
				       const struct vmsnd_card_owner *owner,
				       struct vmsnd_error *error)
{
	for (const struct vmsnd_node *at = vmsnd_node_first(node); at; at = vmsnd_node_next(at)) {
		struct vmsnd_place place = vmsnd_node_place(at);
		const char *name = vmsnd_node_name(at);
		char all[256];
		size_t n;

		if (strcmp(name, child) == 0 || is_one_of(owner->children, name))
			continue;
		n = (size_t)snprintf(all, sizeof(all), "%s", child);
		for (size_t i = 0; owner->children && owner->children[i] && n < sizeof(all); i++)
			n += (size_t)snprintf(all + n, sizeof(all) - n, " %s", owner->children[i]);
		return vmsnd_error_set(error, &place, "%s has no node '%s'; allowed: %s",
				       owner->name, name, all);
	}
	return VMSND_OK;
}

/* ---- a chain being made ---- */

struct making {
	struct vmsnd_card *card;
	unsigned place;
	struct vmsnd_node *node; /* a copy, rewritten by rules */
	struct vmsnd_chain_parts parts;
	struct vmsnd_error error;
	char text[VMSND_CONF_TEXT_BYTES];
};

static void told(void *ctx, const char *line)
{
	const struct making *making = ctx;

	vmsnd_logf(vmsnd_machine_log(making->card->machine), VMSND_LOG_INFO, "%s: %s",
		   making->card->name, line);
}

static enum vmsnd_rc apply_rules(struct making *making)
{
	struct vmsnd_rules_at at = {.device = making->card->cls->name,
				    .lun = making->place,
				    .stay = vmsnd_output_options(),
				    .told = told,
				    .ctx = making};
	const struct vmsnd_node *rules = making->card->machine->rules;

	return rules ? vmsnd_rules_apply(rules, making->node, &at, &making->error) : VMSND_OK;
}

static enum vmsnd_rc find_class(struct making *making, const char *name,
				const struct vmsnd_backend_class **out)
{
	const struct vmsnd_registry *registry = vmsnd_machine_registry(making->card->machine);
	struct vmsnd_place place = vmsnd_node_place(making->node);
	const char *near;

	*out = vmsnd_registry_find_backend(registry, name);
	if (*out)
		return VMSND_OK;
	near = vmsnd_registry_near(registry, "backend", name);
	vmsnd_error_set(&making->error, &place,
			"there is no backend '%s'%s%s%s; 'vmsnd backends' lists them%s", name,
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "",
			vmsnd_module_hint(name));
	return VMSND_E_NO_CLASS;
}

/* The host, if the machine may have another backend of its class: one that it takes the place of
 * does not count. */
static enum vmsnd_rc make_counted(struct making *making, const struct vmsnd_host_conf *conf)
{
	struct vmsnd_census *census = making->card->machine->census;
	const struct vmsnd_output *there = making->card->outputs[making->place];
	enum vmsnd_rc rc =
	    vmsnd_census_take_backend(census, conf->cls, there ? there->now.host->cls : NULL);

	if (rc == VMSND_E_LIMIT)
		snprintf(making->error.line, sizeof(making->error.line),
			 "%s: output %u: one machine has at most %u of backend %s",
			 making->card->name, making->place, conf->cls->max_instances,
			 conf->cls->name);
	if (rc)
		return rc;
	making->error.line[0] = '\0'; /* it says its lines itself */
	rc = vmsnd_host_make(conf, &making->parts.host);
	if (rc)
		vmsnd_census_give_backend(census, conf->cls);
	else
		making->parts.census = census;
	return rc;
}

static enum vmsnd_rc make_host(struct making *making)
{
	struct vmsnd_card *card = making->card;
	struct vmsnd_place place = vmsnd_node_place(making->node);
	struct vmsnd_host_conf conf = {
	    .env = &card->lane->env, .log = vmsnd_machine_log(card->machine), .card = card->name};
	char what[32], line[400];
	const char *name;
	enum vmsnd_rc rc;

	if (vmsnd_leaf_remove(making->node, VMSND_RULE_MARK))
		making->parts.injected |= VMSND_INJECTED_BACKEND;
	if (!vmsnd_tree_to_text(making->node, "backend", making->text, sizeof(making->text)))
		return vmsnd_error_set(&making->error, &place,
				       "the options of output %u are too long", making->place);
	making->parts.text = strdup(making->text);
	if (!making->parts.text)
		return VMSND_E_NOMEM;
	conf.options = making->text + strcspn(making->text, ",");
	conf.options += *conf.options == ',';
	snprintf(what, sizeof(what), "output %u", making->place);
	conf.what = what;
	vmsnd_leaf_text(making->node, "backend", "", &name);
	rc = find_class(making, name, &conf.cls);
	if (rc)
		return rc;
	rc = make_counted(making, &conf);
	if (!rc && vmsnd_output_take(&making->parts.conf, &making->parts.host->conf, name, line,
				     sizeof(line)))
		rc = vmsnd_error_set(&making->error, &place, "%s", line);
	return rc;
}

static enum vmsnd_rc add_driver(struct making *making, const struct vmsnd_node *node)
{
	unsigned at = vmsnd_drivers_count(making->parts.drivers);
	struct vmsnd_node *own = vmsnd_tree_copy(node);
	enum vmsnd_rc rc;

	if (!own)
		return VMSND_E_NOMEM;
	if (vmsnd_leaf_remove(own, VMSND_RULE_MARK) && at < VMSND_DRIVERS_MAX)
		making->parts.injected |= UINT32_C(1) << at;
	rc = vmsnd_drivers_attach_node(making->parts.drivers, at, own, &making->error);
	vmsnd_tree_free(own);
	return rc;
}

static enum vmsnd_rc make_drivers(struct making *making)
{
	struct vmsnd_card *card = making->card;
	struct vmsnd_machine *machine = card->machine;
	const struct vmsnd_node *list = vmsnd_node_find(making->node, "drivers");
	char who[96];
	struct vmsnd_drivers_setup setup = {.registry = vmsnd_machine_registry(machine),
					    .census = machine->census,
					    .log = vmsnd_machine_log(machine),
					    .who = who,
					    .n_units = card->n_ports};
	enum vmsnd_rc rc;

	snprintf(who, sizeof(who), "%s: output %u", card->name, making->place);
	rc = vmsnd_drivers_open(&setup, &making->parts.drivers);
	for (list = list ? vmsnd_node_first(list) : NULL; !rc && list; list = vmsnd_node_next(list))
		rc = add_driver(making, list);
	return rc;
}

static enum vmsnd_rc make(struct making *making)
{
	struct vmsnd_place place = vmsnd_node_place(making->node);
	const char *backend;
	enum vmsnd_rc rc = apply_rules(making);

	if (rc)
		return rc;
	vmsnd_leaf_text(making->node, "backend", NULL, &backend);
	if (!backend) {
		vmsnd_error_set(&making->error, &place,
				"%s: output %u has no backend: it is not attached",
				making->card->name, making->place);
		return VMSND_E_NO_VALUE;
	}
	rc = vmsnd_card_only_children(making->node, "drivers",
				      &(struct vmsnd_card_owner){.name = backend}, &making->error);
	if (!rc)
		rc = make_host(making);
	if (!rc)
		rc = make_drivers(making);
	/* A driver without a name does not make the output one that is not attached. */
	return rc == VMSND_E_NO_VALUE ? VMSND_E_INVALID : rc;
}

enum vmsnd_rc vmsnd_card_chain_make(struct vmsnd_card *card, unsigned place,
				    const struct vmsnd_node *node, struct vmsnd_chain_parts *out)
{
	struct making *making = calloc(1, sizeof(*making));
	enum vmsnd_rc rc = VMSND_E_NOMEM;

	if (making) {
		making->card = card;
		making->place = place;
		making->node = vmsnd_tree_copy(node);
		snprintf(making->error.line, sizeof(making->error.line),
			 "%s: out of memory for output %u", card->name, place);
		rc = making->node ? make(making) : VMSND_E_NOMEM;
		*out = making->parts;
		vmsnd_tree_free(making->node);
	}
	if (rc && making && making->error.line[0])
		vmsnd_logf(vmsnd_machine_log(card->machine),
			   rc == VMSND_E_NO_VALUE ? VMSND_LOG_INFO : VMSND_LOG_ERROR, "%s",
			   making->error.line);
	if (rc && making)
		vmsnd_card_chain_free(out);
	free(making);
	return rc;
}

/* A comma inside an option's value is written twice. */
static bool path_option(const char *path, char *text, size_t bytes)
{
	size_t at = (size_t)snprintf(text, bytes, "path=");

	for (; *path && at + 3 < bytes; path++) {
		if (*path == ',')
			text[at++] = ',';
		text[at++] = *path;
	}
	text[at] = '\0';
	return !*path;
}

/* A tap is a file and nothing else. */
enum vmsnd_rc vmsnd_card_tap_make(struct vmsnd_card *card, const char *path, const char *what,
				  struct vmsnd_chain_parts *out)
{
	const struct vmsnd_registry *registry = vmsnd_machine_registry(card->machine);
	struct vmsnd_host_conf conf = {.env = &card->lane->env,
				       .log = vmsnd_machine_log(card->machine),
				       .card = card->name,
				       .what = what};
	char options[VMSND_CONF_TEXT_BYTES], line[400];
	const char *wrong = NULL;
	enum vmsnd_rc rc = VMSND_E_INVALID;

	*out = (struct vmsnd_chain_parts){.text = strdup(path)};
	conf.options = options;
	conf.cls = vmsnd_registry_find_backend(registry, "file");
	if (!conf.cls)
		wrong = "this build has no backend 'file' for taps";
	else if (!out->text || !path_option(path, options, sizeof(options)))
		wrong = "the path of the tap is too long";
	else
		rc = vmsnd_host_make(&conf, &out->host);
	if (!rc && vmsnd_output_take(&out->conf, &out->host->conf, "file", line, sizeof(line))) {
		wrong = line;
		rc = VMSND_E_INVALID;
	}
	if (wrong)
		vmsnd_logf(conf.log, VMSND_LOG_ERROR, "%s", wrong);
	if (rc)
		vmsnd_card_chain_free(out);
	return rc;
}

void vmsnd_card_chain_leave(struct vmsnd_chain_parts *parts)
{
	if (parts->census)
		vmsnd_census_give_backend(parts->census, parts->host->cls);
	parts->census = NULL;
}

void vmsnd_card_chain_free(struct vmsnd_chain_parts *parts)
{
	vmsnd_card_chain_leave(parts);
	if (parts->host)
		vmsnd_host_free(parts->host);
	vmsnd_drivers_close(parts->drivers);
	free(parts->text);
	*parts = (struct vmsnd_chain_parts){0};
}

struct vmsnd_backend *vmsnd_card_chain_backend(const struct vmsnd_chain_parts *parts)
{
	return parts->host && parts->host->phase == VMSND_HOSTING_OPEN ? parts->host->backend
								       : NULL;
}

struct vmsnd_chain_conf vmsnd_card_chain_texts(const struct vmsnd_chain_parts *parts)
{
	struct vmsnd_chain_conf texts = {.backend = parts->text};
	unsigned n = parts->drivers ? vmsnd_drivers_count(parts->drivers) : 0;

	for (unsigned i = 0; i < n && i < VMSND_DRIVERS_MAX; i++)
		texts.drivers[i] = vmsnd_drivers_text(parts->drivers, i);
	return texts;
}
