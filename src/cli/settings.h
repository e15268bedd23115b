/* SPDX-License-Identifier: BSD-3-Clause */
/* Command-line options become one configuration tree, for 'vmsnd serve' and 'vmsnd config'.
 *
 *   struct vmsnd_settings settings = {0};
 *   static const struct option options[] = {VMSND_SETTINGS_OPTIONS, {"once", ...}, {0}};
 *
 *   while ((letter = getopt_long(argc, argv, VMSND_SETTINGS_LETTERS "qvh", options, NULL)) != -1)
 *           if (vmsnd_settings_has(letter))
 *                   code = vmsnd_settings_take(&settings, self, letter, optarg);
 *   ...
 *   rc = vmsnd_settings_tree(&settings, &root, &error);
 *   rc = vmsnd_settings_registry(root, &log, &registry, &error);
 *   rc = vmsnd_machine_check(registry, root, &error);
 *   rc = vmsnd_machine_build(machine, root, ...);
 *   ...
 *   vmsnd_settings_end(&settings);
 *
 * What counts, from the weakest on: the file (--config), what other options say, --set. In whatever
 * order they are given, but for those that belong to the one before them: a --backend to its
 * --device, a --driver (from top to bottom) to its --backend. Cards of --device come after the
 * file's, under the name that name= says, else card0, card1 and so on. --lanes, --workers,
 * --realtime and --control stand for the file's keys. A message about an option begins with its
 * name. */
#ifndef VMSND_CLI_SETTINGS_H
#define VMSND_CLI_SETTINGS_H

#include "cli/cli.h"
#include "vmsnd/machine.h"

/* Rows of a getopt_long table, and their short letters; these come first. */
#define VMSND_SETTINGS_LETTERS ":f:d:b:c:s:"
/* clang-format off */
#define VMSND_SETTINGS_OPTIONS                                                                     \
	{"config", 1, NULL, 'f'}, {"device", 1, NULL, 'd'}, {"backend", 1, NULL, 'b'},             \
	{"driver", 1, NULL, 0x101}, {"control", 1, NULL, 'c'}, {"lanes", 1, NULL, 0x102},          \
	{"workers", 1, NULL, 0x103}, {"realtime", 1, NULL, 0x104}, {"set", 1, NULL, 's'}
/* clang-format on */

struct vmsnd_setting {
	int letter;
	const char *text; /* of the command line */
};

/* Zeroed to begin with. */
struct vmsnd_settings {
	const char *config;         /* NULL: no file */
	struct vmsnd_setting *list; /* all others, in order */
	size_t n;
	unsigned n_devices, n_backends, n_drivers; /* of the device, of the backend */
};

bool vmsnd_settings_has(int letter);
/* Takes one option. VMSND_EXIT_DONE, or a line of usage has been said and this is the exit code. */
int vmsnd_settings_take(struct vmsnd_settings *settings, const struct vmsnd_command *self,
			int letter, const char *text);
/* Reads the file and puts everything together. The tree is not checked yet. */
enum vmsnd_rc vmsnd_settings_tree(const struct vmsnd_settings *settings, struct vmsnd_node **out,
				  struct vmsnd_error *error);
/* The registry that "modules" asks for. Checks that part of the tree first. When a required module
 * does not load, the line that says so is in the log, and error->line is empty. */
enum vmsnd_rc vmsnd_settings_registry(const struct vmsnd_node *root, const struct vmsnd_log *log,
				      struct vmsnd_registry **out, struct vmsnd_error *error);
/* The exit code for what came of these: VMSND_EXIT_USAGE when an option is the place of the
 * mistake, VMSND_EXIT_FAILED when a file is, or when there was no way to know. */
int vmsnd_settings_exit_code(enum vmsnd_rc rc, const struct vmsnd_error *error);
void vmsnd_settings_end(struct vmsnd_settings *settings);

#endif
