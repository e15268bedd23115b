/* SPDX-License-Identifier: BSD-3-Clause */
/* The transport to a VMM in another process: the back end of vhost-user. */
#ifndef VMSND_TRANSPORTS_VHOST_USER_H
#define VMSND_TRANSPORTS_VHOST_USER_H

#include "vmsnd/transport.h"

/* Named "vhost-user". One VMM at a time; it listens again when one has left. */
extern const struct vmsnd_transport_class vmsnd_vhost_user_class;

#endif
