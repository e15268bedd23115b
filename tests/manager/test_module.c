/* SPDX-License-Identifier: BSD-3-Clause */
/* Modules, row by row: DM-01, DM-20 .. DM-24. The environment's TEST_MODULES is the folder with
 * those that tests/manager/modules builds; three of them are good.
 *
 * Not here, since there is nothing of it: DM-09 and DM-11 (bits of host and guest, the flag of a
 * new style) are the reference's history; DM-10 (PCI functions) and DM-25 (search paths of a
 * kernel's half) are for what a program of user space has not. */
#include <dlfcn.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmsnd/machine.h"

#define LINES_MAX 16

static struct {
	enum vmsnd_log_level level;
	char text[512];
} lines[LINES_MAX];
static size_t n_lines;

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level == VMSND_LOG_DEBUG)
		return;
	assert_true(n_lines < LINES_MAX);
	lines[n_lines].level = level;
	snprintf(lines[n_lines++].text, sizeof(lines[0].text), "%s", line);
}

static const struct vmsnd_log keeper = {.write = keep_line};
static const char *folder;
static struct vmsnd_registry *registry;

static struct vmsnd_registry *open_with(const char *where)
{
	const struct vmsnd_registry_conf conf = {.log = &keeper, .bare = true, .folder = where};
	struct vmsnd_registry *it = NULL;

	assert_int_equal(vmsnd_registry_open(&conf, &it), VMSND_OK);
	return it;
}

static int set_up(void **state)
{
	n_lines = 0;
	registry = open_with(folder);
	return 0;
}

static int tear_down(void **state)
{
	vmsnd_registry_close(registry);
	return 0;
}

/* The next line in the log, FOLDER standing for the folder. */
static void expect_line(size_t at, enum vmsnd_log_level level, const char *format)
{
	char wanted[1024];

	snprintf(wanted, sizeof(wanted), format, folder, folder, folder);
	assert_true(at < n_lines);
	assert_string_equal(lines[at].text, wanted);
	assert_int_equal(lines[at].level, level);
}

static void test_DM01_DM24_a_module_brings_classes(void **state)
{
	char path[PATH_MAX];

	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_OK);
	assert_int_equal(n_lines, 1);
	assert_int_equal(strncmp(lines[0].text, "good: for vmsnd ", 16), 0);
	assert_string_equal(vmsnd_registry_driver(registry, 0)->name, "good-first");
	assert_string_equal(vmsnd_registry_driver(registry, 1)->name, "good-second");
	assert_null(vmsnd_registry_driver(registry, 2));
	/* Its code is there as long as the registry. */
	assert_true(vmsnd_registry_find_driver(registry, "good-first")->footprint(NULL) > 0);
	snprintf(path, sizeof(path), "%s/good.so", folder);
	assert_string_equal(vmsnd_registry_module(registry, 0), path);
	assert_null(vmsnd_registry_module(registry, 1));
}

static void test_DM22_a_path_a_name_and_a_file_name(void **state)
{
	char path[PATH_MAX];

	assert_int_equal(vmsnd_registry_load(registry, "good.so", true), VMSND_OK);
	vmsnd_registry_close(registry);
	registry = open_with(""); /* a path needs no folder */
	snprintf(path, sizeof(path), "%s/good.so", folder);
	assert_int_equal(vmsnd_registry_load(registry, path, true), VMSND_OK);
	n_lines = 0;
	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_E_INVALID);
	expect_line(0, VMSND_LOG_ERROR,
		    "module good: there is no folder of modules: give a path, such as ./good.so, "
		    "or set VMSND_MODULE_PATH");
	assert_int_equal(vmsnd_registry_load(registry, "", true), VMSND_E_INVALID);
	expect_line(1, VMSND_LOG_ERROR,
		    "a module without a name: give its path, or its name in the folder");
}

static void test_DM22_the_environment_names_the_folder(void **state)
{
	vmsnd_registry_close(registry);
	setenv("VMSND_MODULE_PATH", folder, 1);
	registry = open_with(NULL);
	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_OK);
	vmsnd_registry_close(registry);
	/* A program is not installed, so it finds nothing by accident. */
	unsetenv("VMSND_MODULE_PATH");
	registry = open_with(NULL);
	assert_int_equal(vmsnd_registry_load_folder(registry), VMSND_OK);
	assert_null(vmsnd_registry_module(registry, 0));
	vmsnd_registry_close(registry);
	setenv("VMSND_MODULE_PATH", "", 1);
	registry = open_with(NULL);
	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_E_INVALID);
	unsetenv("VMSND_MODULE_PATH");
}

static void test_DM22_names_that_are_too_long(void **state)
{
	char *name = malloc(PATH_MAX + 1);

	memset(name, 'x', PATH_MAX);
	name[PATH_MAX] = '\0';
	assert_int_equal(vmsnd_registry_load(registry, name, true), VMSND_E_INVALID);
	expect_line(
	    0, VMSND_LOG_ERROR,
	    "module xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: the path is too long: 4096 "
	    "bytes, at most 4095");
	name[PATH_MAX - 4] = '\0';
	assert_int_equal(vmsnd_registry_load(registry, name, true), VMSND_E_INVALID);
	expect_line(1, VMSND_LOG_ERROR,
		    "module xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: with its folder, the path "
		    "is too long: at most 4095 bytes");
	free(name);
}

/* The same words for either, as an error or as a warning. */
static void expect_failure(const char *module, enum vmsnd_rc rc, const char *line)
{
	n_lines = 0;
	assert_int_equal(vmsnd_registry_load(registry, module, true), rc);
	expect_line(n_lines - 1, VMSND_LOG_ERROR, line);
	n_lines = 0;
	assert_int_equal(vmsnd_registry_load(registry, module, false), VMSND_OK);
	expect_line(n_lines - 1, VMSND_LOG_WARNING, line);
	assert_null(vmsnd_registry_module(registry, 0));
	assert_null(vmsnd_registry_driver(registry, 0));
}

static void test_DM23_no_entry_is_an_error_of_its_own(void **state)
{
	expect_failure("no_entry", VMSND_E_UNSUPPORTED,
		       "module %s/no_entry.so is none of vmsnd's: it has no function "
		       "vmsnd_module_register");
	assert_int_equal(n_lines, 1);
}

static void test_DM23_the_loader_has_its_own_words(void **state)
{
	expect_failure("unresolved", VMSND_E_SYSTEM,
		       "module %s/unresolved.so does not load: %s/unresolved.so: undefined symbol: "
		       "vmsnd_nowhere_to_be_found");
	expect_failure("there-is-none", VMSND_E_SYSTEM,
		       "module %s/there-is-none.so does not load: %s/there-is-none.so: cannot open "
		       "shared object file: No such file or directory");
	assert_int_equal(n_lines, 1);
}

static void test_DM23_what_a_failed_entry_registered_is_taken_out(void **state)
{
	expect_failure("entry_fails", VMSND_E_UNSUPPORTED,
		       "module %s/entry_fails.so will not work here: not supported");
	assert_int_equal(n_lines, 1);
	/* and what was there before stays, in its place */
	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_OK);
	assert_int_equal(vmsnd_registry_load(registry, "entry_fails", false), VMSND_OK);
	assert_string_equal(vmsnd_registry_driver(registry, 1)->name, "good-second");
	assert_null(vmsnd_registry_driver(registry, 2));
	assert_null(vmsnd_registry_find_driver(registry, "half-first"));
	assert_non_null(vmsnd_registry_find_driver(registry, "good-first"));
}

static void test_DM02_a_module_of_another_version(void **state)
{
	char line[400];

	expect_failure("wrong_abi", VMSND_E_VERSION,
		       "module %s/wrong_abi.so will not work here: of another version");
	assert_int_equal(n_lines, 2);
	snprintf(line, sizeof(line),
		 "a driver of module %%s/wrong_abi.so is not taken: its record is of another "
		 "version: it has %u, this vmsnd takes %u; build it against this vmsnd's headers",
		 VMSND_DRIVER_ABI + 7, VMSND_DRIVER_ABI);
	expect_line(0, VMSND_LOG_WARNING, line);
}

static void test_DM12_a_module_with_a_name_that_is_taken(void **state)
{
	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_OK);
	n_lines = 0;
	assert_int_equal(vmsnd_registry_load(registry, "duplicate", true), VMSND_OK);
	assert_int_equal(n_lines, 1);
	expect_line(0, VMSND_LOG_ERROR,
		    "driver 'good-first' of module %s/duplicate.so is not taken: there is one of "
		    "this name already");
	assert_string_equal(vmsnd_registry_driver(registry, 2)->name, "duplicate-other");
}

static void test_a_module_is_loaded_once_whatever_its_path(void **state)
{
	char scratch[] = "/tmp/vmsnd-module-XXXXXX", target[PATH_MAX], other[PATH_MAX];

	assert_non_null(mkdtemp(scratch));
	snprintf(target, sizeof(target), "%s/good.so", folder);
	snprintf(other, sizeof(other), "%s/another-name.so", scratch);
	assert_int_equal(symlink(target, other), 0);
	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_OK);
	n_lines = 0;
	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_E_EXISTS);
	assert_int_equal(vmsnd_registry_load(registry, target, false), VMSND_E_EXISTS);
	assert_int_equal(vmsnd_registry_load(registry, other, true), VMSND_E_EXISTS);
	assert_int_equal(n_lines, 0);
	assert_null(vmsnd_registry_module(registry, 1));
	assert_null(vmsnd_registry_driver(registry, 2));
	unlink(other);
	rmdir(scratch);
}

/* Optional, all of them; by their names; those that are there already are not told of. */
static void test_DM20_a_folder_is_loaded_in_the_order_of_names(void **state)
{
	size_t warnings = 0;

	assert_int_equal(vmsnd_registry_load_folder(registry), VMSND_OK);
	/* duplicate.so comes before good.so, so the name is its own. */
	assert_string_equal(vmsnd_registry_driver(registry, 0)->name, "good-first");
	assert_string_equal(vmsnd_registry_driver(registry, 1)->name, "duplicate-other");
	assert_non_null(strstr(vmsnd_registry_module(registry, 0), "/duplicate.so"));
	for (size_t i = 0; i < n_lines; i++)
		warnings += lines[i].level == VMSND_LOG_WARNING;
	/* entry_fails; good's duplicate, good; no_entry; unresolved; wrong_abi twice */
	assert_int_equal(warnings, 7);
	assert_non_null(strstr(vmsnd_registry_module(registry, 1), "/stuck.so"));
	assert_null(vmsnd_registry_module(registry, 2));
	n_lines = 0;
	vmsnd_registry_close(registry);
	registry = open_with("/nonexistent/folder");
	assert_int_equal(vmsnd_registry_load_folder(registry), VMSND_OK);
	assert_int_equal(n_lines, 0);
}

static void test_registries_do_not_know_each_other(void **state)
{
	struct vmsnd_registry *other = open_with(folder);

	assert_int_equal(vmsnd_registry_load(registry, "good", true), VMSND_OK);
	assert_null(vmsnd_registry_driver(other, 0));
	assert_int_equal(vmsnd_registry_load(other, "good", true), VMSND_OK);
	assert_non_null(vmsnd_registry_driver(other, 1));
	vmsnd_registry_close(other);
	assert_true(vmsnd_registry_find_driver(registry, "good-first")->footprint(NULL) > 0);
}

static bool is_in_memory(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);

	if (handle)
		dlclose(handle);
	return handle != NULL;
}

/* The machine gives up a worker that hangs in the module, which is then let go. 0: all is well;
 * else where it was not. */
static int leave_a_worker(const char *path)
{
	struct vmsnd_registry *own;
	struct vmsnd_machine *machine;
	struct vmsnd_machine_conf conf = {.lanes = 1};
	struct vmsnd_card_conf card = {
	    .device = "virtio-snd", .transport = "in-process", .listen_fd = -1};
	char backend[40], byte = 'b';
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || vmsnd_registry_open(NULL, &own) ||
	    vmsnd_registry_load(own, path, true))
		return 1;
	snprintf(backend, sizeof(backend), "stuck,fd=%d", ends[1]);
	conf.registry = own;
	card.backend = backend;
	if (vmsnd_machine_open(&conf, &machine) || vmsnd_machine_add(machine, &card, 0))
		return 2;
	if (read(ends[0], &byte, 1) != 1) /* it is in there */
		return 3;
	vmsnd_machine_close(machine, 0);
	vmsnd_registry_close(own);
	if (!is_in_memory(path))
		return 4;
	return write(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1 ? 0 : 5;
}

/* A worker that is in the module's code when the machine has waited long enough comes back some
 * day: the code is where it was. In a process of its own, as it leaves its memory behind. */
static void test_MX37_DM01_a_module_with_a_worker_in_it_stays(void **state)
{
	char path[PATH_MAX];
	int status = 0;
	pid_t child;

	snprintf(path, sizeof(path), "%s/stuck.so", folder);
	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(leave_a_worker(path));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_DM01_DM24_a_module_brings_classes),
	    TEST(test_DM22_a_path_a_name_and_a_file_name),
	    TEST(test_DM22_the_environment_names_the_folder),
	    TEST(test_DM22_names_that_are_too_long),
	    TEST(test_DM23_no_entry_is_an_error_of_its_own),
	    TEST(test_DM23_the_loader_has_its_own_words),
	    TEST(test_DM23_what_a_failed_entry_registered_is_taken_out),
	    TEST(test_DM02_a_module_of_another_version),
	    TEST(test_DM12_a_module_with_a_name_that_is_taken),
	    TEST(test_a_module_is_loaded_once_whatever_its_path),
	    TEST(test_DM20_a_folder_is_loaded_in_the_order_of_names),
	    TEST(test_registries_do_not_know_each_other),
	    TEST(test_MX37_DM01_a_module_with_a_worker_in_it_stays),
	};

	folder = getenv("TEST_MODULES");
	if (!folder) {
		fprintf(stderr, "TEST_MODULES is not set: run this with meson test\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
