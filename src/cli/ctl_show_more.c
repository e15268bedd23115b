/* SPDX-License-Identifier: BSD-3-Clause */
/* What was answered, for people: all but the status. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ctl_member.h"
#include "cli/ctl_show.h"
#include "cli/table.h"
#include "control/json_tree.h"

/* ---- lists ---- */

void vmsnd_ctl_show_cards(const json_t *cards)
{
	static const char *const titles[] = {"CARD", "NAME", "PLAYBACK", "CAPTURE", "OUTPUTS"};
	struct vmsnd_cli_table table = {.titles = titles, .n_columns = 5};

	for (size_t i = 0; i < json_array_size(cards); i++) {
		const json_t *card = json_array_get(cards, i);
		struct vmsnd_cli_row *row = vmsnd_cli_table_row(&table);

		vmsnd_cli_put(row, 0, "%lld", (long long)number(card, "card"));
		vmsnd_cli_put(row, 1, "%s", text(card, "name"));
		vmsnd_cli_put(row, 2, "%s%s", is_on(card, "playback") ? "on" : "off",
			      is_on(card, "paused") ? ", paused" : "");
		vmsnd_cli_put(row, 3, "%s", is_on(card, "capture") ? "on" : "off");
		vmsnd_cli_put(row, 4, "%zu", json_array_size(json_object_get(card, "outputs")));
	}
	if (table.n_rows > 0)
		vmsnd_cli_table_print(&table);
	else
		puts("there are no cards");
}

void vmsnd_ctl_show_jacks(const json_t *jacks)
{
	static const char *const titles[] = {"JACK", "NOW", "STATE", "OUTPUT", "PIN CONFIG"};
	struct vmsnd_cli_table table = {.titles = titles, .n_columns = 5};

	for (size_t i = 0; i < json_array_size(jacks); i++) {
		const json_t *jack = json_array_get(jacks, i);
		struct vmsnd_cli_row *row = vmsnd_cli_table_row(&table);
		bool follows = json_is_integer(json_object_get(jack, "output"));

		vmsnd_cli_put(row, 0, "%s", text(jack, "jack"));
		vmsnd_cli_put(row, 1, "%s", is_on(jack, "connected") ? "plugged" : "unplugged");
		vmsnd_cli_put(row, 2, "%s", text(jack, "state"));
		if (follows)
			vmsnd_cli_put(row, 3, "%lld", (long long)number(jack, "output"));
		else
			vmsnd_cli_put(row, 3, "-");
		vmsnd_cli_put(row, 4, "%s", text(jack, "pin-config"));
	}
	if (table.n_rows > 0)
		vmsnd_cli_table_print(&table);
	else
		puts("the card has no jacks");
}

void vmsnd_ctl_show_classes(const json_t *classes)
{
	for (size_t i = 0; i < json_array_size(classes); i++) {
		const json_t *cls = json_array_get(classes, i);
		const json_t *options = json_object_get(cls, "options");

		printf("%s\n    ", text(cls, "name"));
		vmsnd_cli_print_text(text(cls, "summary"));
		putchar('\n');
		for (size_t k = 0; k < json_array_size(options); k++) {
			const json_t *option = json_array_get(options, k);

			printf("    %-14s ", text(option, "name"));
			vmsnd_cli_print_text(text(option, "help"));
			if (json_is_string(json_object_get(option, "default")))
				printf(" (default: %s)", text(option, "default"));
			putchar('\n');
		}
	}
}

void vmsnd_ctl_show_modules(const json_t *modules)
{
	for (size_t i = 0; i < json_array_size(modules); i++) {
		vmsnd_cli_print_text(text(json_array_get(modules, i), "path"));
		putchar('\n');
	}
	if (json_array_size(modules) == 0)
		puts("no module was loaded");
}

/* ---- what was done ---- */

void vmsnd_ctl_show_output(const json_t *answer)
{
	printf("output %lld\n", (long long)number(answer, "output"));
}

void vmsnd_ctl_show_card(const json_t *answer)
{
	printf("card %lld\n", (long long)number(answer, "card"));
}

void vmsnd_ctl_show_saved(const json_t *answer)
{
	printf("%lld bytes in ", (long long)number(answer, "bytes"));
	vmsnd_cli_print_text(text(answer, "file"));
	putchar('\n');
}

/* ---- trees ---- */

/* One line for each leaf, with its whole path. */
static void show_leaves(const json_t *value, const char *path)
{
	json_t *all = (json_t *)(uintptr_t)value; /* jansson's iterators are not for const */
	char below[600], *shown;

	for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at)) {
		snprintf(below, sizeof(below), "%s%s%s", path, path[0] ? "." : "",
			 json_object_iter_key(at));
		show_leaves(json_object_iter_value(at), below);
	}
	if (json_is_object(value))
		return;
	shown = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
	snprintf(below, sizeof(below), "%s", path);
	vmsnd_cli_defuse(below);
	printf(below[0] ? "%-48s %s\n" : "%s%s\n", below, shown ? shown : "?");
	free(shown);
}

void vmsnd_ctl_show_statistics(const json_t *tree)
{
	show_leaves(tree, "");
}

/* As a file of it would be. */
void vmsnd_ctl_show_config(const json_t *tree)
{
	struct vmsnd_node *root = json_is_object(tree) ? vmsnd_tree_new() : NULL;
	struct vmsnd_error error;
	char *yaml = NULL;

	if (root && !vmsnd_control_tree_of(root, tree, &error))
		yaml = vmsnd_yaml_dump(root);
	if (yaml)
		fputs(yaml, stdout);
	else
		vmsnd_ctl_show_json(tree);
	free(yaml);
	vmsnd_tree_free(root);
}

/* ---- the others ---- */

void vmsnd_ctl_show_counters(const json_t *counters)
{
	json_t *all = (json_t *)(uintptr_t)counters; /* jansson's iterators are not for const */

	for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at))
		printf("%-40s %lld\n", json_object_iter_key(at),
		       (long long)json_integer_value(json_object_iter_value(at)));
}

void vmsnd_ctl_show_devices(const json_t *devices)
{
	static const char *const titles[] = {"ID", "PLAYBACK", "CAPTURE", "NAME"};
	struct vmsnd_cli_table table = {.titles = titles, .n_columns = 4};

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);
		struct vmsnd_cli_row *row = vmsnd_cli_table_row(&table);

		vmsnd_cli_put(row, 0, "%s", text(device, "id"));
		vmsnd_cli_put(row, 1, "%lld%s", (long long)number(device, "playback-channels"),
			      is_on(device, "default-playback") ? ", default" : "");
		vmsnd_cli_put(row, 2, "%lld%s", (long long)number(device, "capture-channels"),
			      is_on(device, "default-capture") ? ", default" : "");
		vmsnd_cli_put(row, 3, "%s", text(device, "name"));
	}
	if (table.n_rows > 0)
		vmsnd_cli_table_print(&table);
	else
		puts("this output's backend has no devices to choose from");
}

/* "playback" is the default device of that way. */
static void show_fact(const json_t *fact)
{
	const char *name = text(fact, "name");

	if (strcmp(name, "playback") == 0 || strcmp(name, "capture") == 0)
		printf("  default %-9s ", name);
	else
		printf("  %-17s ", name);
	vmsnd_cli_print_text(text(fact, "text"));
	putchar('\n');
}

void vmsnd_ctl_show_host(const json_t *answer)
{
	const json_t *facts = json_object_get(answer, "facts");
	const json_t *devices = json_object_get(answer, "devices");

	printf("output %lld: %s%s\n", (long long)number(answer, "output"), text(answer, "backend"),
	       is_on(answer, "present") ? "" : ", not there now");
	for (size_t i = 0; i < json_array_size(facts); i++)
		show_fact(json_array_get(facts, i));
	if (json_array_size(facts) == 0)
		puts("  this backend tells nothing of its host");
	if (json_array_size(devices) > 0) {
		putchar('\n');
		vmsnd_ctl_show_devices(devices);
	}
}

static void print_member(const char *key, const json_t *value)
{
	char *shown =
	    json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));

	/* Escaped as JSON has it, but for the quotes. */
	if (shown && json_is_string(value))
		printf(" %s=%.*s", key, (int)(strlen(shown) - 2), shown + 1);
	else
		printf(" %s=%s", key, shown ? shown : "?");
	free(shown);
}

void vmsnd_ctl_show_event(const json_t *event)
{
	json_t *data = json_object_get(event, "data");
	time_t when = (time_t)number(json_object_get(event, "timestamp"), "seconds");
	struct tm parts;
	char clock[16] = "";

	if (localtime_r(&when, &parts))
		strftime(clock, sizeof(clock), "%H:%M:%S ", &parts);
	printf("%s%s", clock, text(event, "event"));
	for (void *at = json_object_iter(data); at; at = json_object_iter_next(data, at))
		print_member(json_object_iter_key(at), json_object_iter_value(at));
	putchar('\n');
	fflush(stdout);
}

void vmsnd_ctl_show_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
	putchar('\n');
	fflush(stdout);
}
