/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd: finds the subcommand and runs it. */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* vmsnd_logf cuts at 512; below PIPE_BUF. */
#define LINE_BYTES 640

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct vmsnd_command *const commands[] = {
    &vmsnd_command_serve,   &vmsnd_command_check,   &vmsnd_command_config,   &vmsnd_command_ctl,
    &vmsnd_command_demo,    &vmsnd_command_devices, &vmsnd_command_backends, &vmsnd_command_drivers,
    &vmsnd_command_modules, &vmsnd_command_trace,
};

/* Whether it went out; a line is shorter than PIPE_BUF, so it goes whole or waits. */
static bool write_now(const char *before, const char *line)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
	char text[LINE_BYTES];
	int bytes = snprintf(text, sizeof(text), "vmsnd: %s%s\n", before, line);

	if (bytes < 0 || poll(&fd, 1, 0) != 1 || fd.revents != POLLOUT)
		return false;
	if ((size_t)bytes >= sizeof(text))
		bytes = (int)sizeof(text) - 1;
	return write(STDERR_FILENO, text, (size_t)bytes) >= 0;
}

static bool tell_left_out(struct vmsnd_cli_log_state *state)
{
	unsigned long n = atomic_exchange(&state->left_out, 0);
	char line[80];

	snprintf(line, sizeof(line), "%lu %s left out, as nobody read them", n,
		 n == 1 ? "line was" : "lines were");
	if (n == 0 || write_now("", line))
		return true;
	atomic_fetch_add(&state->left_out, n);
	return false;
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	static const char *const before[] = {[VMSND_LOG_ERROR] = "error: ",
					     [VMSND_LOG_WARNING] = "warning: ",
					     [VMSND_LOG_INFO] = "",
					     [VMSND_LOG_DEBUG] = "debug: "};
	struct vmsnd_cli_log_state *state = ctx;

	if (level <= state->level && !(tell_left_out(state) && write_now(before[level], line)))
		atomic_fetch_add(&state->left_out, 1);
}

enum vmsnd_log_level vmsnd_cli_log_level(const char *word)
{
	static const char *const words[] = {[VMSND_LOG_ERROR] = "error",
					    [VMSND_LOG_WARNING] = "warning",
					    [VMSND_LOG_INFO] = "info",
					    [VMSND_LOG_DEBUG] = "debug"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum vmsnd_log_level)i;
	return VMSND_LOG_INFO;
}

struct vmsnd_log vmsnd_cli_log(struct vmsnd_cli_log_state *state)
{
	return (struct vmsnd_log){.ctx = state, .write = write_line};
}

int vmsnd_cli_usage(const struct vmsnd_command *self, const char *line)
{
	fprintf(stderr, "vmsnd %s: %s; see 'vmsnd %s --help'\n", self->name, line, self->name);
	return VMSND_EXIT_USAGE;
}

static int bad_word(const struct vmsnd_command *self, const char *word, const char *why)
{
	char line[160];

	snprintf(line, sizeof(line), "'%.120s' %s", word, why);
	return vmsnd_cli_usage(self, line);
}

int vmsnd_cli_bad_option(const struct vmsnd_command *self, const char *word, bool known)
{
	return bad_word(self, word, known ? "lacks its value" : "is not an option");
}

int vmsnd_cli_bad_getopt(const struct vmsnd_command *self, int letter, const char *word)
{
	const char one[] = {'-', (char)optopt, '\0'};

	if (letter != '?' || optopt == 0) /* 0: a word that it does not know at all */
		return vmsnd_cli_bad_option(self, word, letter == ':');
	if (strncmp(word, "--", 2) == 0 && strchr(word, '='))
		return bad_word(self, word, "takes no value");
	return vmsnd_cli_bad_option(self, one, false);
}

static void print_help(FILE *to)
{
	fputs("vmsnd gives a virtual machine a sound card, from a process beside it.\n\n"
	      "Usage: vmsnd SUBCOMMAND [options]\n\n",
	      to);
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "  vmsnd SUBCOMMAND --help   options and examples of one\n"
	      "  vmsnd --version           which vmsnd this is\n\n"
	      "Hear it work, with nothing else on the machine:\n\n"
	      "  vmsnd demo --output tune.wav\n\n"
	      "What of this machine's sound works, and what to write behind --backend:\n\n"
	      "  vmsnd check\n\n"
	      "A card for a QEMU guest; what the guest plays lands in guest.wav:\n\n"
	      "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock \\\n"
	      "              --backend file,path=guest.wav &\n"
	      "  qemu-system-x86_64 -m 2G \\\n"
	      "      -object memory-backend-memfd,id=mem,size=2G,share=on \\\n"
	      "      -machine q35,memory-backend=mem \\\n"
	      "      -chardev socket,id=snd,path=/tmp/vm1-snd.sock \\\n"
	      "      -device vhost-user-snd-pci,chardev=snd\n\n"
	      "Guests without a driver for virtio-snd take --device ac97. That, and other virtual\n"
	      "machine monitors: vmsnd serve --help. Everything: man vmsnd.\n",
	      to);
}

/* Anywhere among the options, but not among words that are to be completed. */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1;
	     i < argc && strcmp(argv[i], "--") != 0 && strcmp(argv[i], "--complete") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run_command(int argc, char **argv)
{
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (strcmp(commands[i]->name, argv[0]) != 0)
			continue;
		if (asks_for_help(argc, argv)) {
			fputs(commands[i]->help, stdout);
			return VMSND_EXIT_DONE;
		}
		return commands[i]->run(commands[i], argc, argv);
	}
	fprintf(stderr, "vmsnd: there is no subcommand '%s'; 'vmsnd --help' lists them\n", argv[0]);
	return VMSND_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return VMSND_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return VMSND_EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("vmsnd " VMSND_VERSION);
		return VMSND_EXIT_DONE;
	}
	return run_command(argc - 1, argv + 1);
}
