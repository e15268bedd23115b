/* SPDX-License-Identifier: BSD-3-Clause */
/* The program's subcommands: one file each. */
#ifndef VMSND_CLI_CLI_H
#define VMSND_CLI_CLI_H

#include "vmsnd/status.h"

/* Exit codes: design, section 7. */
enum vmsnd_exit { VMSND_EXIT_DONE = 0, VMSND_EXIT_FAILED = 1, VMSND_EXIT_USAGE = 2 };

struct vmsnd_command {
	const char *name, *summary;
	const char *help; /* everything `vmsnd NAME --help` prints */
	/* argv[0] is the subcommand's name. */
	int (*run)(const struct vmsnd_command *self, int argc, char **argv);
};

extern const struct vmsnd_command vmsnd_command_serve;
extern const struct vmsnd_command vmsnd_command_demo;
extern const struct vmsnd_command vmsnd_command_devices;
extern const struct vmsnd_command vmsnd_command_backends;

/* Lines to standard error, "vmsnd: " before each; up to `*level`. */
struct vmsnd_log vmsnd_cli_log(const enum vmsnd_log_level *level);

/* Prints "vmsnd SUBCOMMAND: <line>; see 'vmsnd SUBCOMMAND --help'" and gives the exit code. */
int vmsnd_cli_usage(const struct vmsnd_command *self, const char *line);
/* The same about an option that is not known or lacks its value. */
int vmsnd_cli_bad_option(const struct vmsnd_command *self, const char *word);

#endif
