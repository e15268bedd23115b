/* SPDX-License-Identifier: BSD-3-Clause */
/* Where modules are. The folder is found from where this code lies, not from where it was built to
 * go: an installation can be moved, and what is not installed finds no modules by accident. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager/module.h"

/* The installed program's way to the modules, from its own folder; or an absolute path. */
#ifndef VMSND_MODULES_FROM_BIN
#define VMSND_MODULES_FROM_BIN "../lib/vmsnd"
#endif
/* Beside the shared library. */
#define MODULES_FROM_LIB "vmsnd"

/* "FOLDER of `file`/`below`". */
static char *beside(const char *file, const char *below)
{
	const char *slash = strrchr(file, '/');
	char *path = NULL;

	if (below[0] == '/')
		return strdup(below);
	if (!slash || asprintf(&path, "%.*s/%s", (int)(slash - file), file, below) < 0)
		return NULL;
	return path;
}

static char *installed_folder(void)
{
	char program[PATH_MAX];
	struct link_map *map = NULL;
	ssize_t bytes;
	Dl_info info;

	if (!dladdr1((const void *)VMSND_MODULES_FROM_BIN, &info, (void **)&map, RTLD_DL_LINKMAP) ||
	    !map)
		return NULL;
	if (map->l_name && *map->l_name) /* the shared library; the program itself has no name */
		return beside(map->l_name, MODULES_FROM_LIB);
	bytes = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (bytes <= 0)
		return NULL;
	program[bytes] = '\0';
	return beside(program, VMSND_MODULES_FROM_BIN);
}

char *vmsnd_module_folder(void)
{
	/* Not in a program with more rights than its user. */
	const char *said = secure_getenv("VMSND_MODULE_PATH");

	if (said)
		return *said ? strdup(said) : NULL;
	return installed_folder();
}

static int is_module(const struct dirent *entry)
{
	size_t bytes = strlen(entry->d_name);

	return entry->d_name[0] != '.' && bytes > 3 &&
	       strcmp(entry->d_name + bytes - 3, ".so") == 0;
}

/* Not alphasort: the order is the same in every language. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int vmsnd_module_list(const char *folder, char ***paths, size_t *n)
{
	struct dirent **entries;
	int found = scandir(folder, &entries, is_module, by_name);

	*n = 0;
	*paths = NULL;
	if (found < 0)
		return errno;
	if (found > 0)
		*paths = calloc((size_t)found, sizeof(**paths));
	for (int i = 0; i < found; i++) {
		if (*paths && asprintf(&(*paths)[*n], "%s/%s", folder, entries[i]->d_name) >= 0)
			++*n;
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void vmsnd_module_list_free(char **paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
}
