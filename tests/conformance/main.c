/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd-conformance: points a driver that knows the standard at a virtio-snd back end. */
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"
#include "request.h"
#include "stream.h"

#define ROWS_MAX       64u
#define TIMEOUT_MS     1000
#define TIMEOUT_MS_MIN 10
#define TIMEOUT_MS_MAX 60000

enum exit_code { EXIT_CONFORMS, EXIT_FAILS, EXIT_USAGE, EXIT_UNREACHABLE };

extern char **environ;

static const char usage[] =
    "Usage: vmsnd-conformance [OPTION]... SOCKET\n\n"
    "Plays VMM and driver to the virtio-snd back end that listens at SOCKET (vhost-user),\n"
    "and says of each rule of the standard whether it is kept.\n\n"
    "  -r, --row ROW        only rows of this id (V59) or this one (V59/refused); may come again\n"
    "  -l, --list           lists the rows and their kinds\n"
    "  -H, --hostile        also rows that may crash a back end which is not careful\n"
    "  -f, --format FORMAT  text, tap or json\n"
    "  -t, --timeout MS     how long an answer may take (1000)\n"
    "  -s, --spawn COMMAND  starts the back end, and again when it has ended\n"
    "  -S, --strict         a WARN is a failure, too\n"
    "  -h, --help           this text\n"
    "      --version\n\n"
    "Exit status: 0 every row passed or was skipped, 1 one failed, 2 bad usage,\n"
    "3 the back end cannot be reached.\n\n"
    "Example: vmsnd-conformance --spawn 'vmsnd serve --device virtio-snd,socket=/tmp/snd.sock' "
    "/tmp/snd.sock\n";

struct options {
	const char *rows[ROWS_MAX];
	unsigned n_rows;
	const char *spawn, *path;
	enum format format;
	int timeout_ms;
	bool list, hostile, strict;
};

/* ---- the back end as a child -------------------------------------------------------------------
 */

static pid_t spawn(const char *command)
{
	char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			      (char *)(uintptr_t)command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid = -1;

	/* Its own output would be taken for ours. */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, 0);
	if (posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return pid;
}

/* Whether the child has ended by itself; it is then forgotten. */
static bool has_ended(pid_t *pid)
{
	if (*pid <= 0 || waitpid(*pid, NULL, WNOHANG) != *pid)
		return false;
	*pid = -1;
	return true;
}

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(-pid, SIGTERM);
	for (int i = 0; i < 200 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		front_nap(10);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, WNOHANG);
}

/* ---- one row ------------------------------------------------------------------------------------
 */

static unsigned streams_in(const struct run *run, enum direction dir)
{
	unsigned n = 0;

	for (unsigned i = 0; i < run->n_streams; i++)
		n += run->streams[i].direction == (uint8_t)dir;
	return n;
}

static bool has(unsigned needs, unsigned need)
{
	return (needs & need) == need;
}

/* Whether the back end offers what the row is about. */
static bool applies(struct run *run)
{
	const struct config *config = &run->front->config;
	unsigned needs = run->row->needs;

	if (has(needs, NEED_PLAYBACK) && streams_in(run, PLAYBACK) == 0)
		run_skip(run, "no playback stream is offered");
	else if (has(needs, NEED_CAPTURE) && streams_in(run, CAPTURE) == 0)
		run_skip(run, "no capture stream is offered");
	else if (has(needs, NEED_JACKS) && config->jacks == 0)
		run_skip(run, "no jacks are offered");
	else if (has(needs, NEED_CHMAPS) && config->chmaps == 0)
		run_skip(run, "no channel maps are offered");
	else if (has(needs, NEED_CTLS) && !(run->front->offered & F_CTLS))
		run_skip(run, "the feature CTLS is not offered");
	return run->verdict == VERDICT_PASS;
}

static void check_rings(struct run *run)
{
	static const char *const names[] = {"control", "event", "tx", "rx"};

	for (unsigned i = 0; i < QUEUES; i++)
		if (run->front->rings[i].wrong)
			run_must(run, false, "%s queue: %s", names[i], run->front->rings[i].wrong);
}

/* A row whose back end does not come back is a row that brought it down. */
static void check_alive(struct run *run, const char *spawned, pid_t *child)
{
	front_disconnect(run->front);
	if (has_ended(child)) {
		run_must(run, false, "the back end has ended");
		*child = spawn(spawned);
	}
	if (front_connect(run->front) && front_answers(run->front))
		return;
	run_must(run, false, "the back end is gone: %s", run->front->why);
	if (!has_ended(child) && *child > 0)
		end_child(*child);
	if (spawned)
		*child = spawn(spawned);
}

static void run_row(struct run *run, const struct options *options, pid_t *child)
{
	run->verdict = VERDICT_PASS;
	run->text[0] = '\0';
	for (unsigned i = 0; i < QUEUES; i++)
		run->front->rings[i].wrong = NULL;
	if (!applies(run))
		return;
	if (!(run->row->needs & NEED_RINGS))
		run_must(run, front_connect(run->front), "%s", run->front->why);
	else
		run_session(run, run_features(run));
	if (run->verdict == VERDICT_PASS)
		run->row->check(run);
	check_rings(run);
	check_alive(run, options->spawn, child);
}

/* ---- all of them --------------------------------------------------------------------------------
 */

static bool is_wanted(const struct options *options, const struct row *row)
{
	size_t length = strlen(row->id);

	if (options->n_rows == 0)
		return options->hostile || !(row->needs & HOSTILE);
	for (unsigned i = 0; i < options->n_rows; i++) {
		const char *wanted = options->rows[i];

		if (strncmp(wanted, row->id, length) == 0 &&
		    (!wanted[length] ||
		     (wanted[length] == '/' && strcmp(wanted + length + 1, row->name) == 0)))
			return true;
	}
	return false;
}

static void each_row(const struct options *options, void (*act)(const struct row *row, void *ctx),
		     void *ctx)
{
	const struct row_table *table;

	for (unsigned t = 0; (table = run_table(t)); t++)
		for (unsigned i = 0; i < table->n; i++)
			if (is_wanted(options, &table->rows[i]))
				act(&table->rows[i], ctx);
}

struct work {
	const struct options *options;
	struct run run;
	struct report report;
	pid_t child;
};

static void count_row(const struct row *row, void *ctx)
{
	++*(unsigned *)ctx;
}

static void list_row(const struct row *row, void *ctx)
{
	report_list(row);
}

static void check_row(const struct row *row, void *ctx)
{
	struct work *work = ctx;
	int begin = now_ms();

	work->run.row = row;
	run_row(&work->run, work->options, &work->child);
	report_row(&work->report, &work->run, now_ms() - begin);
}

/* What streams there are, for rows that only want to use one; rows about PCM_INFO ask again. */
static void learn_streams(struct run *run)
{
	static const struct row learning = {"", "", 'M', NEED_RINGS, "", NULL};
	uint32_t n = run->front->config.streams;
	struct answer answer;

	run->row = &learning;
	run->verdict = VERDICT_PASS;
	n = n < STREAMS_MAX ? n : STREAMS_MAX;
	if (!run_session(run, F_VERSION_1))
		return;
	answer = request_info(run, R_PCM_INFO, 0, n, PCM_INFO_BYTES);
	if (answer.status != S_OK)
		return;
	for (uint32_t i = 0; i < n; i++)
		pcm_info_get(answer.items + i * PCM_INFO_BYTES, &run->streams[i]);
	run->n_streams = n;
}

static int run_all(const struct options *options)
{
	struct front front;
	struct work work = {.options = options, .run.front = &front, .child = -1};
	int begin = now_ms();
	unsigned n = 0;

	work.report.format = options->format;
	if (options->spawn)
		work.child = spawn(options->spawn);
	if (!front_open(&front, options->path, options->timeout_ms) || !front_connect(&front)) {
		fprintf(stderr, "vmsnd-conformance: %s\n", front.why);
		end_child(work.child);
		return EXIT_UNREACHABLE;
	}
	learn_streams(&work.run);
	each_row(options, count_row, &n);
	report_begin(&work.report, &work.run, n);
	each_row(options, check_row, &work);
	report_end(&work.report, now_ms() - begin);
	front_close(&front);
	end_child(work.child);
	return work.report.counts[VERDICT_FAIL] ||
		       (options->strict && work.report.counts[VERDICT_WARN])
		   ? EXIT_FAILS
		   : EXIT_CONFORMS;
}

/* ---- options
 * --------------------------------------------------------------------------------------
 */

static int complain(const char *what, const char *word)
{
	fprintf(stderr, "vmsnd-conformance: %s%s; try --help\n", what, word);
	return EXIT_USAGE;
}

static bool read_format(const char *word, enum format *out)
{
	static const char *const words[] = {"text", "tap", "json"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0) {
			*out = (enum format)i;
			return true;
		}
	return false;
}

static bool read_timeout(const char *word, int *out)
{
	char *end;
	long value = strtol(word, &end, 10);

	*out = (int)value;
	return *end == '\0' && value >= TIMEOUT_MS_MIN && value <= TIMEOUT_MS_MAX;
}

static const struct option long_options[] = {
    {"row", required_argument, NULL, 'r'},     {"list", no_argument, NULL, 'l'},
    {"hostile", no_argument, NULL, 'H'},       {"format", required_argument, NULL, 'f'},
    {"timeout", required_argument, NULL, 't'}, {"spawn", required_argument, NULL, 's'},
    {"strict", no_argument, NULL, 'S'},        {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0}};

/* -1: go on; else the exit code. */
static int take_option(struct options *options, int option)
{
	switch (option) {
	case 'r':
		if (options->n_rows == ROWS_MAX)
			return complain("too many rows", "");
		options->rows[options->n_rows++] = optarg;
		return -1;
	case 'f':
		return read_format(optarg, &options->format)
			   ? -1
			   : complain("no format is named ", optarg);
	case 't':
		return read_timeout(optarg, &options->timeout_ms)
			   ? -1
			   : complain("a timeout is 10 to 60000 ms, not ", optarg);
	case 's':
		options->spawn = optarg;
		return -1;
	case 'l':
		options->list = true;
		return -1;
	case 'H':
		options->hostile = true;
		return -1;
	case 'S':
		options->strict = true;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return 0;
	case 'V':
		puts("vmsnd-conformance " VMSND_VERSION);
		return 0;
	default:
		return EXIT_USAGE;
	}
}

int main(int argc, char **argv)
{
	struct options options = {.timeout_ms = TIMEOUT_MS};
	int option, code;
	unsigned n = 0;

	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "r:lHf:t:s:Sh", long_options, NULL)) != -1) {
		if (option == '?')
			return EXIT_USAGE;
		code = take_option(&options, option);
		if (code >= 0)
			return code;
	}
	if (options.list) {
		options.hostile = true;
		each_row(&options, list_row, NULL);
		return EXIT_CONFORMS;
	}
	each_row(&options, count_row, &n);
	if (n == 0)
		return complain("there is no row ", options.rows[0]);
	if (optind != argc - 1)
		return complain("one socket has to be named", "");
	options.path = argv[optind];
	return run_all(&options);
}
