/* SPDX-License-Identifier: BSD-3-Clause */
/* Driver "delay": sound comes a while later, for screens and loudspeakers that are slow. */
#ifndef VMSND_DRIVERS_DELAY_H
#define VMSND_DRIVERS_DELAY_H

#include "vmsnd/driver.h"

extern const struct vmsnd_driver_class vmsnd_delay_class;

#endif
