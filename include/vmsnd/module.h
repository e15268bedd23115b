/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/module.h - what devices, backends, drivers and transports there are, and how more come in.
 *
 * A module is a shared object with the function VMSND_MODULE_ENTRY. It hands in records, which are
 * referenced, not copied: a module stays loaded as long as the registry lives (DM-01). A record is
 * checked once, when it comes in. examples/module-backend is one to begin with. */
#ifndef VMSND_MODULE_H
#define VMSND_MODULE_H

#include "backend.h"
#include "driver.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMSND_MODULE_ABI   1u
#define VMSND_MODULE_ENTRY "vmsnd_module_register"
/* A class' name: letters, digits, '-', '_'; the first a letter; at most 31 bytes (DM-04). */
#define VMSND_CLASS_NAME_BYTES 32u

/* What is wrong with a record (DM-02 .. DM-13). */
enum vmsnd_record_fault {
	VMSND_RECORD_FINE,
	VMSND_RECORD_VERSION,     /* of another version of this interface */
	VMSND_RECORD_VERSION_END, /* its end is not where it should be */
	VMSND_RECORD_NAME,
	VMSND_RECORD_SUMMARY,   /* none */
	VMSND_RECORD_KIND,      /* a device without a kind */
	VMSND_RECORD_FLAGS,     /* bits that mean nothing */
	VMSND_RECORD_INSTANCES, /* none allowed */
	VMSND_RECORD_CALLBACK,  /* a mandatory one is missing */
	VMSND_RECORD_PAIR,      /* one of two that go together is missing: save and load */
	VMSND_RECORD_OPTIONS,   /* a row of its table makes no sense, or a key occurs twice */
	VMSND_RECORD_DUPLICATE, /* a class of its sort has this name already (DM-12) */
	VMSND_RECORD_MEMORY,    /* none left */
	VMSND_RECORD_BUS,       /* a device on no bus or on two; a transport for none */
	VMSND_RECORD_COUNT
};
/* A constant phrase. Any thread. */
const char *vmsnd_record_fault_text(enum vmsnd_record_fault fault);

/* What a module's entry is given. Each returns VMSND_RECORD_FINE or what is wrong, which has also
 * been said in the log; the entry may go on with its other records. */
struct vmsnd_registrar {
	uint32_t abi; /* VMSND_MODULE_ABI; newer ones have more at the end */
	void *ctx;
	enum vmsnd_record_fault (*device)(void *ctx, const struct vmsnd_dev_class *cls);
	enum vmsnd_record_fault (*backend)(void *ctx, const struct vmsnd_backend_class *cls);
	enum vmsnd_record_fault (*driver)(void *ctx, const struct vmsnd_driver_class *cls);
	enum vmsnd_record_fault (*transport)(void *ctx, const struct vmsnd_transport_class *cls);
	const struct vmsnd_log *log;
	const char *version; /* of vmsnd: "0.5.0" */
};

/* The entry. VMSND_OK, or the module is of no use (one line in the log says why). */
typedef enum vmsnd_rc vmsnd_module_entry(const struct vmsnd_registrar *to);

/* Give this the entry of a module, and the module no other visible symbol. */
#if defined(__GNUC__)
#define VMSND_MODULE_EXPORT __attribute__((visibility("default")))
#else
#define VMSND_MODULE_EXPORT
#endif

/* ---- the registry ---- */

struct vmsnd_registry;

struct vmsnd_registry_conf {
	const struct vmsnd_log *log; /* outlives the registry */
	bool bare;                   /* without what the library has itself (DM-21) */
	/* Where modules are looked for whose name has no '/' (DM-22); "": nowhere. NULL: what the
	 * environment's VMSND_MODULE_PATH says, else the installation's folder: "vmsnd" beside the
	 * shared library; a program that has the library in itself finds it from its own place. */
	const char *folder;
};

/* Does not look into the folder. `conf` may be NULL. VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_registry_open(const struct vmsnd_registry_conf *conf,
				  struct vmsnd_registry **out);
/* After every machine that uses it. NULL is ignored. Modules are unloaded; but when a machine was
 * closed while a worker hung in a host, modules and registry stay until the process ends. */
void vmsnd_registry_close(struct vmsnd_registry *registry);
/* Looking up may happen on any thread; adding and loading while nothing else uses it. */

enum vmsnd_record_fault vmsnd_registry_add_device(struct vmsnd_registry *registry,
						  const struct vmsnd_dev_class *cls);
enum vmsnd_record_fault vmsnd_registry_add_backend(struct vmsnd_registry *registry,
						   const struct vmsnd_backend_class *cls);
enum vmsnd_record_fault vmsnd_registry_add_driver(struct vmsnd_registry *registry,
						  const struct vmsnd_driver_class *cls);
enum vmsnd_record_fault vmsnd_registry_add_transport(struct vmsnd_registry *registry,
						     const struct vmsnd_transport_class *cls);

/* Loads one: a path, or a name for "FOLDER/NAME.so". A module that does not load is an error line
 * and a code when it is required, else a warning and VMSND_OK; either line has the loader's own
 * words (DM-23). VMSND_E_EXISTS, for either: it is loaded already, by whatever path; no line.
 * What a module registered before it failed is taken out again. VMSND_E_INVALID: no path, or one
 * too long; VMSND_E_SYSTEM: the loader refused; VMSND_E_UNSUPPORTED: no entry; else what the entry
 * returned. */
enum vmsnd_rc vmsnd_registry_load(struct vmsnd_registry *registry, const char *module,
				  bool required);
/* Loads all of the folder, as optional ones, in the order of their names. No folder: nothing. */
enum vmsnd_rc vmsnd_registry_load_folder(struct vmsnd_registry *registry);
/* The `index`th loaded module's path, NULL beyond the last. */
const char *vmsnd_registry_module(const struct vmsnd_registry *registry, size_t index);

/* Listing and finding. `registry` NULL: what the library has itself.
 * In order of registration (DM-01); NULL beyond the last. */
const struct vmsnd_dev_class *vmsnd_registry_device(const struct vmsnd_registry *registry,
						    size_t index);
const struct vmsnd_backend_class *vmsnd_registry_backend(const struct vmsnd_registry *registry,
							 size_t index);
const struct vmsnd_driver_class *vmsnd_registry_driver(const struct vmsnd_registry *registry,
						       size_t index);
const struct vmsnd_transport_class *vmsnd_registry_transport(const struct vmsnd_registry *registry,
							     size_t index);
/* By name; NULL when there is none. */
const struct vmsnd_dev_class *vmsnd_registry_find_device(const struct vmsnd_registry *registry,
							 const char *name);
const struct vmsnd_backend_class *vmsnd_registry_find_backend(const struct vmsnd_registry *registry,
							      const char *name);
const struct vmsnd_driver_class *vmsnd_registry_find_driver(const struct vmsnd_registry *registry,
							    const char *name);
const struct vmsnd_transport_class *
vmsnd_registry_find_transport(const struct vmsnd_registry *registry, const char *name);

/* The name there is nearest to a wrong one, for "did you mean"; NULL: none is near. `sort` is
 * "device", "backend", "driver" or "transport". */
const char *vmsnd_registry_near(const struct vmsnd_registry *registry, const char *sort,
				const char *name);

#ifdef __cplusplus
}
#endif
#endif
