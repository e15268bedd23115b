/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver class that changes nothing, for modules of tests. */
#ifndef VMSND_TESTS_TOY_H
#define VMSND_TESTS_TOY_H

#include "vmsnd/module.h"

struct vmsnd_driver {
	uint32_t unused;
};

static size_t toy_footprint(const struct vmsnd_driver_conf *conf)
{
	return sizeof(struct vmsnd_driver);
}

static enum vmsnd_rc toy_init(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf)
{
	return VMSND_OK;
}

static void toy_process_rt(struct vmsnd_driver *driver, void *samples, uint32_t frames)
{
}

/* A whole record, but for the name. */
#define TOY_DRIVER                                                                                 \
	.abi = VMSND_DRIVER_ABI, .summary = "a toy", .max_instances = 1,                           \
	.footprint = toy_footprint, .init = toy_init, .process_rt = toy_process_rt,                \
	.abi_end = VMSND_DRIVER_ABI

VMSND_MODULE_EXPORT enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to);

#endif
