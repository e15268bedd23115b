/* SPDX-License-Identifier: BSD-3-Clause */
/* Modules: shared objects that hand records in (DM-01, DM-20 .. DM-24). */
#include "manager/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One loading, from a name to a row of the registry. */
struct loading {
	struct vmsnd_registry *registry;
	struct vmsnd_record_origin origin; /* .module: the path */
	void *handle;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
tell(const struct loading *it, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	vmsnd_logf(it->registry->log, it->origin.level, "%s", line);
}

/* ---- what the entry is given ---- */

static enum vmsnd_record_fault take_device(void *ctx, const struct vmsnd_dev_class *cls)
{
	struct loading *it = ctx;

	return vmsnd_registry_add(it->registry, VMSND_SORT_DEVICE, cls, &it->origin);
}

static enum vmsnd_record_fault take_backend(void *ctx, const struct vmsnd_backend_class *cls)
{
	struct loading *it = ctx;

	return vmsnd_registry_add(it->registry, VMSND_SORT_BACKEND, cls, &it->origin);
}

static enum vmsnd_record_fault take_driver(void *ctx, const struct vmsnd_driver_class *cls)
{
	struct loading *it = ctx;

	return vmsnd_registry_add(it->registry, VMSND_SORT_DRIVER, cls, &it->origin);
}

static enum vmsnd_record_fault take_transport(void *ctx, const struct vmsnd_transport_class *cls)
{
	struct loading *it = ctx;

	return vmsnd_registry_add(it->registry, VMSND_SORT_TRANSPORT, cls, &it->origin);
}

/* ---- loading ---- */

/* DM-22: what has a '/' is a path, anything else a file of the folder. NULL: a line said why. */
static char *find_file(const struct loading *it, const char *module)
{
	size_t bytes = strlen(module);
	const char *folder = it->registry->folder;
	const char *end = bytes > 3 && strcmp(module + bytes - 3, ".so") == 0 ? "" : ".so";
	char *path = NULL;

	if (bytes == 0) {
		tell(it, "a module without a name: give its path, or its name in the folder");
	} else if (bytes >= PATH_MAX) {
		tell(it, "module %.40s...: the path is too long: %zu bytes, at most %d", module,
		     bytes, PATH_MAX - 1);
	} else if (strchr(module, '/')) {
		path = strdup(module);
	} else if (!folder) {
		tell(it,
		     "module %s: there is no folder of modules: give a path, such as ./%s%s, or "
		     "set VMSND_MODULE_PATH",
		     module, module, end);
	} else if (bytes + strlen(folder) + 5 > PATH_MAX) {
		tell(it, "module %.40s...: with its folder, the path is too long: at most %d bytes",
		     module, PATH_MAX - 1);
	} else if (asprintf(&path, "%s/%s%s", folder, module, end) < 0) {
		path = NULL;
	}
	return path;
}

/* The same object under another name is the same to the loader. */
static bool is_loaded(const struct vmsnd_registry *registry, const void *handle)
{
	for (size_t i = 0; i < registry->n_modules; i++)
		if (registry->modules[i].handle == handle)
			return true;
	return false;
}

static enum vmsnd_rc keep(struct vmsnd_registry *registry, char *path, void *handle)
{
	struct vmsnd_module *more =
	    realloc(registry->modules, (registry->n_modules + 1) * sizeof(*more));

	if (!more)
		return VMSND_E_NOMEM;
	registry->modules = more;
	registry->modules[registry->n_modules++] = (struct vmsnd_module){path, handle};
	return VMSND_OK;
}

/* DM-24 */
static enum vmsnd_rc run_entry(struct loading *it, vmsnd_module_entry *entry)
{
	const struct vmsnd_registrar to = {.abi = VMSND_MODULE_ABI,
					   .ctx = it,
					   .device = take_device,
					   .backend = take_backend,
					   .driver = take_driver,
					   .transport = take_transport,
					   .log = it->registry->log,
					   .version = VMSND_VERSION};
	enum vmsnd_rc rc = entry(&to);

	if (rc) {
		tell(it, "module %s will not work here: %s", it->origin.module, vmsnd_rc_text(rc));
		return rc < 0 ? rc : VMSND_E_INVALID;
	}
	return VMSND_OK;
}

static enum vmsnd_rc load_open(struct loading *it)
{
	vmsnd_module_entry *entry;
	void *symbol;

	if (is_loaded(it->registry, it->handle)) {
		vmsnd_logf(it->registry->log, VMSND_LOG_DEBUG, "module %s is loaded already",
			   it->origin.module);
		return VMSND_E_EXISTS;
	}
	symbol = dlsym(it->handle, VMSND_MODULE_ENTRY);
	if (!symbol) {
		tell(it, "module %s is none of vmsnd's: it has no function " VMSND_MODULE_ENTRY,
		     it->origin.module);
		return VMSND_E_UNSUPPORTED;
	}
	memcpy(&entry, &symbol, sizeof(entry)); /* ISO C knows no cast from one to the other */
	return run_entry(it, entry);
}

/* `path` is kept when it is loaded. */
static enum vmsnd_rc load(struct loading *it, char *path)
{
	const struct vmsnd_registry_mark before = vmsnd_registry_mark(it->registry);
	enum vmsnd_rc rc;

	it->origin.module = path;
	it->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!it->handle) {
		tell(it, "module %s does not load: %s", path, dlerror());
		return VMSND_E_SYSTEM;
	}
	rc = load_open(it);
	if (!rc)
		rc = keep(it->registry, path, it->handle);
	if (rc) {
		vmsnd_registry_back(it->registry, &before);
		dlclose(it->handle);
	}
	return rc;
}

enum vmsnd_rc vmsnd_registry_load(struct vmsnd_registry *registry, const char *module,
				  bool required)
{
	struct loading it = {.registry = registry,
			     .origin.level = required ? VMSND_LOG_ERROR : VMSND_LOG_WARNING};
	char *path = find_file(&it, module);
	enum vmsnd_rc rc = path ? load(&it, path) : VMSND_E_INVALID;

	if (rc)
		free(path);
	return required || rc == VMSND_E_EXISTS ? rc : VMSND_OK;
}

enum vmsnd_rc vmsnd_registry_load_folder(struct vmsnd_registry *registry)
{
	char **paths;
	size_t n;
	int error = registry->folder ? vmsnd_module_list(registry->folder, &paths, &n) : ENOENT;

	if (error) {
		if (error != ENOENT && error != ENOTDIR)
			vmsnd_logf(registry->log, VMSND_LOG_WARNING,
				   "the folder of modules %s cannot be read: %s", registry->folder,
				   strerror(error));
		return VMSND_OK;
	}
	for (size_t i = 0; i < n; i++)
		vmsnd_registry_load(registry, paths[i], false);
	vmsnd_module_list_free(paths, n);
	return VMSND_OK;
}

const char *vmsnd_registry_module(const struct vmsnd_registry *registry, size_t index)
{
	return registry && index < registry->n_modules ? registry->modules[index].path : NULL;
}

void vmsnd_module_unload_all(struct vmsnd_registry *registry)
{
	while (registry->n_modules > 0) {
		struct vmsnd_module *last = &registry->modules[--registry->n_modules];

		dlclose(last->handle);
		free(last->path);
	}
	free(registry->modules);
}

/* ---- modules that are not there ---- */

#define HINT(library)                                                                              \
	"; it is a module and needs " library ": 'vmsnd modules' says which there are, and why "   \
	"one does not load"

const char *vmsnd_module_hint(const char *backend)
{
	static const struct {
		const char *backend, *hint;
	} rows[] = {
	    {"pipewire", HINT("libpipewire")},
	    {"pulse", HINT("libpulse")},
	    {"alsa", HINT("alsa-lib")},
	    {"jack", HINT("libjack")},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].backend, backend) == 0)
			return rows[i].hint;
	return "";
}
