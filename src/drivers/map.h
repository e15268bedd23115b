/* SPDX-License-Identifier: BSD-3-Clause */
/* Driver "map": which channel goes where. */
#ifndef VMSND_DRIVERS_MAP_H
#define VMSND_DRIVERS_MAP_H

#include "vmsnd/driver.h"

extern const struct vmsnd_driver_class vmsnd_map_class;

#endif
