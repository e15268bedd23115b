/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd check: walks the host and says what works. */
#include "cli/check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "manager/module.h"
#include "os/clock.h"

/* What a backend may take in all, and how much more a tone. */
#define HOST_NS    (4 * VMSND_NS_PER_SECOND)
#define TONE_NS    (6 * VMSND_NS_PER_SECOND)
#define HOSTS_MAX  32u
#define LINES_MAX  32u
#define LINE_BYTES 512u

/* Backends for the sound systems of a host, the likeliest first, and what their modules need. */
static const struct {
	const char *name, *library;
	const char *package; /* where it is, by the names of distributions */
} known[] = {
    {"pipewire", "libpipewire-0.3.so",
     "libpipewire-0.3-0 (Debian, Ubuntu) or pipewire-libs (Fedora)"},
    {"pulse", "libpulse.so", "libpulse0 (Debian, Ubuntu) or pulseaudio-libs (Fedora)"},
    {"jack", "libjack.so",
     "libjack-jackd2-0 (Debian, Ubuntu) or pipewire-jack-audio-connection-kit (Fedora)"},
    {"alsa", "libasound.so", "libasound2 or libasound2t64 (Debian, Ubuntu) or alsa-lib (Fedora)"},
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

struct request {
	bool tone, json;
	char **named; /* backends, as --backend has them */
	int n_named;
	const char *modules[HOSTS_MAX];
	unsigned n_modules;
};

/* What loading modules said. */
struct lines {
	char *list[LINES_MAX];
	size_t n;
};

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct lines *lines = ctx;

	if (level <= VMSND_LOG_WARNING && lines->n < LINES_MAX)
		lines->list[lines->n++] = strdup(line);
}

/* ---- backends ---- */

static bool find_class(const struct vmsnd_registry *registry, const char *text,
		       const struct vmsnd_backend_class **out)
{
	size_t bytes = strcspn(text, ",");
	const struct vmsnd_backend_class *cls;

	for (size_t i = 0; (cls = vmsnd_registry_backend(registry, i)); i++) {
		*out = cls;
		if (strlen(cls->name) == bytes && strncmp(cls->name, text, bytes) == 0)
			return true;
	}
	return false;
}

struct hosts {
	struct vmsnd_check_host *list[HOSTS_MAX];
	unsigned n;
};

static void begin(struct hosts *hosts, const struct vmsnd_backend_class *cls, const char *text,
		  bool tone)
{
	struct vmsnd_check_host *host =
	    hosts->n < HOSTS_MAX ? vmsnd_check_host_begin(cls, text, tone) : NULL;

	if (host)
		hosts->list[hosts->n++] = host;
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < N_KNOWN; i++)
		if (strcmp(known[i].name, name) == 0)
			return true;
	return false;
}

/* Those that were named; else all that tell of a host, those that are known first. */
static void begin_all(const struct request *request, const struct vmsnd_registry *registry,
		      struct hosts *hosts)
{
	const struct vmsnd_backend_class *cls;

	for (int i = 0; i < request->n_named; i++)
		if (find_class(registry, request->named[i], &cls))
			begin(hosts, cls, request->named[i], request->tone);
	if (request->n_named > 0)
		return;
	for (size_t i = 0; i < N_KNOWN; i++)
		if (find_class(registry, known[i].name, &cls))
			begin(hosts, cls, cls->name, request->tone);
	for (size_t i = 0; (cls = vmsnd_registry_backend(registry, i)); i++)
		if (cls->facts && !is_known(cls->name))
			begin(hosts, cls, cls->name, request->tone);
}

static json_t *end_all(struct hosts *hosts, vmsnd_ns until)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < hosts->n; i++)
		json_array_append_new(list, vmsnd_check_host_end(hosts->list[i], until));
	return list;
}

/* What a module wants that is not there; NULL: that line is about something else. */
static const char *line_about(const struct lines *lines, size_t row)
{
	char file[40];

	snprintf(file, sizeof(file), "%s.so", known[row].name);
	for (size_t i = 0; i < lines->n; i++)
		if (lines->list[i] &&
		    (strstr(lines->list[i], file) || strstr(lines->list[i], known[row].library)))
			return lines->list[i];
	return NULL;
}

/* Known backends that this vmsnd has not got: a list of name, said, install. */
static json_t *missing(const struct request *request, const struct vmsnd_registry *registry,
		       const struct lines *lines)
{
	const struct vmsnd_backend_class *cls;
	json_t *list = json_array();

	for (size_t i = 0; request->n_named == 0 && i < N_KNOWN; i++) {
		const char *said = line_about(lines, i);
		bool lacks = said && strstr(said, known[i].library);

		if (find_class(registry, known[i].name, &cls))
			continue;
		json_array_append_new(
		    list, json_pack("{s:s,s:o,s:o}", "name", known[i].name, "said",
				    said ? json_string(said) : json_null(), "install",
				    lacks ? json_string(known[i].package) : json_null()));
	}
	return list;
}

/* ---- the whole ---- */

/* What goes behind --backend: the first that works, else the first that works somehow. */
static const char *best(const json_t *backends)
{
	static const char *const states[] = {"works", "trouble"};

	for (size_t s = 0; s < 2; s++) {
		for (size_t i = 0; i < json_array_size(backends); i++) {
			const json_t *backend = json_array_get(backends, i);

			if (strcmp(json_string_value(json_object_get(backend, "state")),
				   states[s]) == 0)
				return json_string_value(json_object_get(backend, "text"));
		}
	}
	return NULL;
}

static json_t *look(const struct request *request, const struct vmsnd_registry *registry,
		    const struct lines *lines)
{
	vmsnd_ns until = vmsnd_clock_now() + HOST_NS + (request->tone ? TONE_NS : 0);
	struct hosts hosts = {.n = 0};
	json_t *all = json_object(), *backends;
	const char *text;

	begin_all(request, registry, &hosts);
	json_object_set_new(all, "version", json_string(VMSND_VERSION));
	json_object_set_new(all, "user", vmsnd_check_user());
	json_object_set_new(all, "realtime", vmsnd_check_realtime());
	json_object_set_new(all, "memory-lock", vmsnd_check_memory_lock());
	json_object_set_new(all, "cards", vmsnd_check_cards());
	json_object_set_new(all, "others", vmsnd_check_others());
	json_object_set_new(all, "missing", missing(request, registry, lines));
	backends = end_all(&hosts, until);
	json_object_set_new(all, "backends", backends);
	text = best(backends);
	json_object_set_new(all, "backend", text ? json_string(text) : json_null());
	return all;
}

static int report(const struct request *request, json_t *all)
{
	bool works = json_is_string(json_object_get(all, "backend"));

	if (request->json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		vmsnd_check_show(all);
	}
	json_decref(all);
	return works ? VMSND_EXIT_DONE : VMSND_EXIT_FAILED;
}

static int load(const struct vmsnd_command *self, const struct request *request,
		struct vmsnd_registry *registry)
{
	const struct vmsnd_backend_class *cls;
	char line[LINE_BYTES];

	vmsnd_registry_load_folder(registry);
	for (unsigned i = 0; i < request->n_modules; i++)
		vmsnd_registry_load(registry, request->modules[i], true);
	for (int i = 0; i < request->n_named; i++) {
		if (!find_class(registry, request->named[i], &cls))
			snprintf(line, sizeof(line),
				 "there is no backend '%.80s'; 'vmsnd backends' lists them%s",
				 request->named[i], vmsnd_module_hint(request->named[i]));
		else if (vmsnd_check_options(cls, request->named[i], line, sizeof(line)))
			continue;
		return vmsnd_cli_usage(self, line);
	}
	return VMSND_EXIT_DONE;
}

static int parse(const struct vmsnd_command *self, int argc, char **argv, struct request *request)
{
	static const struct option options[] = {{"tone", no_argument, NULL, 't'},
						{"json", no_argument, NULL, 'j'},
						{"module", required_argument, NULL, 'm'},
						{0}};
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":tjm:", options, NULL)) != -1) {
		if (letter == 't')
			request->tone = true;
		else if (letter == 'j')
			request->json = true;
		else if (letter == 'm' && request->n_modules < HOSTS_MAX)
			request->modules[request->n_modules++] = optarg;
		else
			return vmsnd_cli_bad_getopt(self, letter, argv[optind - 1]);
	}
	request->named = argv + optind;
	request->n_named = argc - optind;
	return VMSND_EXIT_DONE;
}

/* What a backend that hangs may still use stays: the process ends at once anyway. */
static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	struct request request = {.tone = false};
	struct lines lines = {.n = 0};
	const struct vmsnd_log log = {&lines, keep_line};
	const struct vmsnd_registry_conf conf = {.log = &log};
	struct vmsnd_registry *registry;
	int code = parse(self, argc, argv, &request);

	if (code)
		return code;
	if (vmsnd_registry_open(&conf, &registry)) {
		fputs("vmsnd check: out of memory\n", stderr);
		return VMSND_EXIT_FAILED;
	}
	code = load(self, &request, registry);
	if (!code)
		code = report(&request, look(&request, registry, &lines));
	for (size_t i = 0; i < lines.n; i++)
		free(lines.list[i]);
	fflush(stdout);
	_exit(code);
}

static const char help[] =
    "Usage: vmsnd check [--tone] [--json] [--module FILE]... [BACKEND[,key=value...]]...\n\n"
    "Says where this host's sound can go to: which sound servers answer, as which user,\n"
    "through which socket, what is wrong and what to do about it; whether threads get\n"
    "real-time priority; and what to write behind --backend in the end. It takes a few\n"
    "seconds and changes nothing. Run it as the user that 'vmsnd serve' will run as.\n\n"
    "  -t, --tone         also plays a tone of a second and a half, and says whether the\n"
    "                     host took it\n"
    "  -j, --json         for programs\n"
    "  -m, --module FILE  also what this module brings\n\n"
    "With BACKENDs only these are looked at, as they would stand behind --backend of serve.\n\n"
    "Examples:\n\n"
    "  vmsnd check\n"
    "  vmsnd check --tone pulse,server=unix:/run/user/1000/pulse/native\n\n"
    "Exit status: 0: at least one backend works; 1: none does; 2: wrong usage.\n";

const struct vmsnd_command vmsnd_command_check = {
    .name = "check",
    .summary = "says which of the host's sound systems work, and what to do",
    .help = help,
    .run = run,
};
