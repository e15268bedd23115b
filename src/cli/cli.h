/* SPDX-License-Identifier: BSD-3-Clause */
/* The program's subcommands: one file each. */
#ifndef VMSND_CLI_CLI_H
#define VMSND_CLI_CLI_H

#include <stdatomic.h>
#include <stdbool.h>

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
extern const struct vmsnd_command vmsnd_command_check;
extern const struct vmsnd_command vmsnd_command_config;
extern const struct vmsnd_command vmsnd_command_ctl;
extern const struct vmsnd_command vmsnd_command_demo;
extern const struct vmsnd_command vmsnd_command_devices;
extern const struct vmsnd_command vmsnd_command_backends;
extern const struct vmsnd_command vmsnd_command_drivers;
extern const struct vmsnd_command vmsnd_command_modules;
extern const struct vmsnd_command vmsnd_command_trace;

struct vmsnd_cli_log_state {
	enum vmsnd_log_level level;     /* the most that is said */
	_Atomic unsigned long left_out; /* lines nobody made room for; starts at 0 */
};

/* Lines to standard error, "vmsnd: " before each. A line that cannot be written at once is left
 * out, and the next one that can tells how many were: no reader of a log holds up a card. */
struct vmsnd_log vmsnd_cli_log(struct vmsnd_cli_log_state *state);
/* "error", "warning", "debug"; else INFO. */
enum vmsnd_log_level vmsnd_cli_log_level(const char *word);

/* Prints "vmsnd SUBCOMMAND: <line>; see 'vmsnd SUBCOMMAND --help'" and gives the exit code. */
int vmsnd_cli_usage(const struct vmsnd_command *self, const char *line);
/* The same about an option that lacks its value, or is not known. */
int vmsnd_cli_bad_option(const struct vmsnd_command *self, const char *word, bool known);
/* The same after getopt gave '?' or, with letters that begin with ':', ':' about `word`. */
int vmsnd_cli_bad_getopt(const struct vmsnd_command *self, int letter, const char *word);

#endif
