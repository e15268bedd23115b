/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmsnd/module.h"

#include <stdlib.h>
#include <string.h>

#include "backends/null.h"
#include "devices/virtio-snd/virtio_snd.h"
#include "transports/inprocess.h"
#include "transports/vhost_user.h"
#include "transports/virtio_mmio.h"
#if VMSND_HAVE_SNDFILE
#include "backends/file.h"
#endif

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct vmsnd_dev_class *const devices[] = {&vmsnd_virtio_snd_class};
static const struct vmsnd_backend_class *const backends[] = {
    &vmsnd_null_class,
#if VMSND_HAVE_SNDFILE
    &vmsnd_file_class,
#endif
};
static const struct vmsnd_transport_class *const transports[] = {
    &vmsnd_vhost_user_class, &vmsnd_inprocess_class, &vmsnd_virtio_mmio_class};

struct vmsnd_registry {
	const struct vmsnd_log *log;
};

enum vmsnd_rc vmsnd_registry_open(const struct vmsnd_registry_conf *conf,
				  struct vmsnd_registry **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VMSND_E_NOMEM;
	(*out)->log = conf ? conf->log : NULL;
	return VMSND_OK;
}

void vmsnd_registry_close(struct vmsnd_registry *registry)
{
	free(registry);
}

const struct vmsnd_dev_class *vmsnd_registry_device(const struct vmsnd_registry *registry,
						    size_t index)
{
	return index < COUNT(devices) ? devices[index] : NULL;
}

const struct vmsnd_dev_class *vmsnd_registry_find_device(const struct vmsnd_registry *registry,
							 const char *name)
{
	for (size_t i = 0; i < COUNT(devices); i++)
		if (strcmp(devices[i]->name, name) == 0)
			return devices[i];
	return NULL;
}

const struct vmsnd_backend_class *vmsnd_registry_backend(const struct vmsnd_registry *registry,
							 size_t index)
{
	return index < COUNT(backends) ? backends[index] : NULL;
}

const struct vmsnd_backend_class *vmsnd_registry_find_backend(const struct vmsnd_registry *registry,
							      const char *name)
{
	for (size_t i = 0; i < COUNT(backends); i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	return NULL;
}

const struct vmsnd_transport_class *vmsnd_registry_transport(const struct vmsnd_registry *registry,
							     size_t index)
{
	return index < COUNT(transports) ? transports[index] : NULL;
}

const struct vmsnd_transport_class *
vmsnd_registry_find_transport(const struct vmsnd_registry *registry, const char *name)
{
	for (size_t i = 0; i < COUNT(transports); i++)
		if (strcmp(transports[i]->name, name) == 0)
			return transports[i];
	return NULL;
}
