/* SPDX-License-Identifier: BSD-3-Clause */
/* The transport without a wire: guest and card live in one process and one thread. */
#ifndef VMSND_TRANSPORTS_INPROCESS_H
#define VMSND_TRANSPORTS_INPROCESS_H

#include "vmsnd/transport.h"

/* Named "in-process". No options, no descriptors. */
extern const struct vmsnd_transport_class vmsnd_inprocess_class;

#endif
