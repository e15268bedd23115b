/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd devices, backends, drivers, modules: what there is, with options and defaults. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/cli.h"
#include "manager/card.h"
#include "manager/module.h"
#include "manager/output.h"
#include "os/clock.h"

/* What one of the lists prints. */
typedef void print_list(const struct vmsnd_registry *registry, bool verbose);

/* What all hosts together may take, for a list of their devices. */
#define HOSTS_NS (4 * VMSND_NS_PER_SECOND)

static const char *type_word(const struct vmsnd_option *option)
{
	static const char *const words[] = {
	    [VMSND_OPTION_TEXT] = "TEXT",   [VMSND_OPTION_UINT] = "N",
	    [VMSND_OPTION_BOOL] = "on|off", [VMSND_OPTION_INT] = "N",
	    [VMSND_OPTION_REAL] = "X",      [VMSND_OPTION_BYTES] = "BASE64"};

	return words[option->type];
}

static void print_option(const struct vmsnd_option *option)
{
	char left[64];

	snprintf(left, sizeof(left), "%s=%s", option->key, type_word(option));
	printf("    %-18s %s", left, option->help);
	if (option->value)
		printf(" (default: %s)", option->value);
	putchar('\n');
}

static void print_options(const struct vmsnd_option *options)
{
	for (; options && options->key; options++)
		print_option(options);
}

/* What a card has of its own in a file. */
static void print_children(const char *const *children)
{
	for (; children && *children; children++)
		printf("    %-18s keys below it, in a file or as %s.KEY=VALUE: man vmsnd.yaml\n",
		       *children, *children);
}

/* A row whose default is not that of every card. */
static bool is_other(const struct vmsnd_option *row)
{
	const struct vmsnd_option *every = vmsnd_card_options();

	while (every->key && strcmp(every->key, row->key) != 0)
		every++;
	return every->key && every->value && strcmp(every->value, row->value) != 0;
}

static void print_device(const struct vmsnd_registry *registry,
			 const struct vmsnd_dev_class *device)
{
	const struct vmsnd_card_classes classes = {
	    device, vmsnd_registry_find_transport(registry, vmsnd_card_usual_transport(device))};
	struct vmsnd_option table[VMSND_CARD_OPTIONS_MAX];

	vmsnd_card_join_options(table, &classes);
	printf("%s\n    %s\n", device->name, device->summary);
	print_options(classes.transport ? classes.transport->options : NULL);
	print_options(device->options);
	print_children(device->children);
	for (const struct vmsnd_option *row = table; row->key; row++)
		if (is_other(row))
			print_option(row);
}

static void print_devices(const struct vmsnd_registry *registry, bool verbose)
{
	const struct vmsnd_dev_class *device;

	for (size_t i = 0; (device = vmsnd_registry_device(registry, i)); i++)
		print_device(registry, device);
	puts("every card:");
	print_options(vmsnd_card_options());
	puts("how a guest reaches its card:");
	for (size_t i = 0; vmsnd_registry_transport(registry, i); i++)
		printf("    %-18s %s\n", vmsnd_registry_transport(registry, i)->name,
		       vmsnd_registry_transport(registry, i)->summary);
}

static void print_way(const json_t *device, const char *way, const char *channels,
		      const char *usual, const char *between)
{
	json_int_t n = json_integer_value(json_object_get(device, channels));

	if (n > 0)
		printf("%s%s %lld %s%s", between, way, (long long)n,
		       n == 1 ? "channel" : "channels",
		       json_is_true(json_object_get(device, usual)) ? ", default" : "");
}

static void print_host_device(const json_t *device)
{
	bool plays = json_integer_value(json_object_get(device, "playback-channels")) > 0;

	printf("    device %s: %s (", json_string_value(json_object_get(device, "id")),
	       json_string_value(json_object_get(device, "name")));
	print_way(device, "plays", "playback-channels", "default-playback", "");
	print_way(device, "records", "capture-channels", "default-capture", plays ? "; " : "");
	puts(")");
}

/* As with their defaults; none for one that is not there. */
static void print_host_devices(struct vmsnd_check_host *host, vmsnd_ns until)
{
	json_t *found = host ? vmsnd_check_host_end(host, until) : NULL;
	const json_t *devices = json_object_get(found, "devices");

	for (size_t i = 0; i < json_array_size(devices); i++)
		print_host_device(json_array_get(devices, i));
	if (found && json_array_size(devices) == 0)
		puts("    no devices now ('vmsnd check' says why)");
	json_decref(found);
}

/* All at once, as each may take its time. */
static void begin_hosts(const struct vmsnd_registry *registry, struct vmsnd_check_host **hosts,
			size_t max)
{
	const struct vmsnd_backend_class *cls;

	for (size_t i = 0; i < max && (cls = vmsnd_registry_backend(registry, i)); i++)
		if (cls->devices && cls->facts)
			hosts[i] = vmsnd_check_host_begin(cls, cls->name, false);
}

static void print_backends(const struct vmsnd_registry *registry, bool verbose)
{
	const struct vmsnd_backend_class *backend;
	struct vmsnd_check_host *hosts[64] = {NULL};
	vmsnd_ns until = vmsnd_clock_now() + HOSTS_NS;

	if (verbose)
		begin_hosts(registry, hosts, 64);
	for (size_t i = 0; (backend = vmsnd_registry_backend(registry, i)); i++) {
		printf("%s\n    %s\n", backend->name, backend->summary);
		print_options(backend->options);
		print_host_devices(i < 64 ? hosts[i] : NULL, until);
	}
	puts("every backend:");
	print_options(vmsnd_output_options());
}

static void print_drivers(const struct vmsnd_registry *registry, bool verbose)
{
	const struct vmsnd_driver_class *driver;

	for (size_t i = 0; (driver = vmsnd_registry_driver(registry, i)); i++) {
		printf("%s\n    %s\n", driver->name, driver->summary);
		print_options(driver->options);
	}
}

/* Loads what --module names: 0, or the exit code. */
static int take_modules(const struct vmsnd_command *self, int argc, char **argv,
			struct vmsnd_registry *registry, bool *verbose)
{
	static const struct option options[] = {
	    {"module", required_argument, NULL, 'm'}, {"verbose", no_argument, NULL, 'v'}, {0}};
	bool may_be_verbose = self == &vmsnd_command_backends;
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, may_be_verbose ? ":vm:" : ":m:", options, NULL)) !=
	       -1) {
		enum vmsnd_rc rc;

		*verbose |= letter == 'v' && may_be_verbose;
		if (letter == 'v' && may_be_verbose)
			continue;
		if (letter != 'm')
			return vmsnd_cli_bad_getopt(self, letter, argv[optind - 1]);
		rc = vmsnd_registry_load(registry, optarg, true);
		if (rc && rc != VMSND_E_EXISTS)
			return VMSND_EXIT_FAILED;
	}
	return optind < argc ? vmsnd_cli_usage(self, "it takes no arguments besides --module")
			     : VMSND_EXIT_DONE;
}

/* The built-in ones, the folder's, those that --module names. */
static int list(const struct vmsnd_command *self, int argc, char **argv, print_list *print)
{
	struct vmsnd_cli_log_state said = {.level = VMSND_LOG_WARNING};
	const struct vmsnd_log log = vmsnd_cli_log(&said);
	const struct vmsnd_registry_conf conf = {.log = &log};
	struct vmsnd_registry *registry;
	bool verbose = false;
	int code;

	if (vmsnd_registry_open(&conf, &registry)) {
		vmsnd_logf(&log, VMSND_LOG_ERROR, "%s: out of memory", self->name);
		return VMSND_EXIT_FAILED;
	}
	vmsnd_registry_load_folder(registry);
	code = take_modules(self, argc, argv, registry, &verbose);
	if (!code)
		print(registry, verbose);
	if (verbose) {
		/* A host that hangs may still use its module: the process ends as it is. */
		fflush(stdout);
		_exit(code);
	}
	vmsnd_registry_close(registry);
	return code;
}

static int list_devices(const struct vmsnd_command *self, int argc, char **argv)
{
	return list(self, argc, argv, print_devices);
}

static int list_backends(const struct vmsnd_command *self, int argc, char **argv)
{
	return list(self, argc, argv, print_backends);
}

static int list_drivers(const struct vmsnd_command *self, int argc, char **argv)
{
	return list(self, argc, argv, print_drivers);
}

/* ---- modules ---- */

static void print_log(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		printf("    %s\n", line);
}

/* What it says, then what it brought. */
static bool try_module(struct vmsnd_registry *registry, const char *path)
{
	const struct vmsnd_registry_mark before = vmsnd_registry_mark(registry);
	const struct vmsnd_class_list *lists = registry->lists;
	enum vmsnd_rc rc;

	puts(path);
	rc = vmsnd_registry_load(registry, path, true);
	if (rc == VMSND_E_EXISTS)
		puts("    is the same as one above");
	if (rc)
		return rc == VMSND_E_EXISTS;
	for (enum vmsnd_sort sort = VMSND_SORT_DEVICE; sort < VMSND_SORT_COUNT; sort++)
		for (size_t i = before.n[sort]; i < lists[sort].n; i++)
			printf("    loads: %s %s\n", vmsnd_sort_name(sort),
			       vmsnd_record_name(sort, lists[sort].rows[i]));
	return true;
}

static int try_folder(struct vmsnd_registry *registry)
{
	int code = VMSND_EXIT_DONE;
	char **paths = NULL;
	size_t n = 0;

	if (registry->folder)
		vmsnd_module_list(registry->folder, &paths, &n);
	if (n == 0)
		printf("There are no modules in %s.\n",
		       registry->folder ? registry->folder : "any folder");
	for (size_t i = 0; i < n; i++)
		if (!try_module(registry, paths[i]))
			code = VMSND_EXIT_FAILED;
	vmsnd_module_list_free(paths, n);
	return code;
}

static int list_modules(const struct vmsnd_command *self, int argc, char **argv)
{
	static const struct option options[] = {{"module", required_argument, NULL, 'm'}, {0}};
	const struct vmsnd_log log = {.write = print_log};
	const struct vmsnd_registry_conf conf = {.log = &log};
	int code = VMSND_EXIT_DONE, letter;
	struct vmsnd_registry *registry;
	bool named = false;

	if (vmsnd_registry_open(&conf, &registry))
		return VMSND_EXIT_FAILED;
	opterr = 0;
	while (code != VMSND_EXIT_USAGE &&
	       (letter = getopt_long(argc, argv, ":m:", options, NULL)) != -1) {
		named = true;
		if (letter != 'm')
			code = vmsnd_cli_bad_getopt(self, letter, argv[optind - 1]);
		else if (!try_module(registry, optarg))
			code = VMSND_EXIT_FAILED;
	}
	if (code != VMSND_EXIT_USAGE && optind < argc)
		code = vmsnd_cli_usage(self, "it takes no arguments besides --module");
	else if (!named)
		code = try_folder(registry);
	vmsnd_registry_close(registry);
	return code;
}

#define MODULE_HELP                                                                                \
	"\n  -m, --module FILE  also what this module brings; a path, or a name in the folder\n"   \
	"                     of modules. May be given more than once.\n"

const struct vmsnd_command vmsnd_command_devices = {
    .name = "devices",
    .summary = "lists the sound cards a guest can be given, with their options",
    .help = "Usage: vmsnd devices [--module FILE]...\n\n"
	    "Lists the sound cards a guest can be given, with options and defaults.\n"
	    "They go behind --device of 'vmsnd serve'.\n" MODULE_HELP,
    .run = list_devices,
};

const struct vmsnd_command vmsnd_command_backends = {
    .name = "backends",
    .summary = "lists where sound can go to and come from, with options",
    .help = "Usage: vmsnd backends [--verbose] [--module FILE]...\n\n"
	    "Lists where sound can go to and come from, with options and defaults.\n"
	    "They go behind --backend of 'vmsnd serve'. See also 'vmsnd check'.\n\n"
	    "  -v, --verbose      also the devices of the host that each has now\n" MODULE_HELP,
    .run = list_backends,
};

const struct vmsnd_command vmsnd_command_drivers = {
    .name = "drivers",
    .summary = "lists what can change the sound on its way to a backend",
    .help = "Usage: vmsnd drivers [--module FILE]...\n\n"
	    "Lists what can stand between a card and a backend and change the sound, with\n"
	    "options and defaults. A configuration names them under 'drivers'.\n" MODULE_HELP,
    .run = list_drivers,
};

const struct vmsnd_command vmsnd_command_modules = {
    .name = "modules",
    .summary = "lists the modules there are, and whether each loads",
    .help = "Usage: vmsnd modules [--module FILE]...\n\n"
	    "Tries every module in the folder of modules, or those that are named, and says\n"
	    "what each brings or why it does not load. The folder is 'vmsnd' beside the\n"
	    "library; the environment's VMSND_MODULE_PATH names another.\n\n"
	    "  -m, --module FILE  a path, or a name in the folder; may be given more than once\n\n"
	    "Exit status: 0: all load; 1: one does not.\n",
    .run = list_modules,
};
