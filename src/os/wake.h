/* SPDX-License-Identifier: BSD-3-Clause */
/* Has a lane come by: any thread pokes, the lane watches the descriptor and drains it. */
#ifndef VMSND_OS_WAKE_H
#define VMSND_OS_WAKE_H

#include <stdatomic.h>

#include "vmsnd/status.h"

struct vmsnd_wake {
	int fd;               /* readable while somebody has poked; for vmsnd_loop_watch */
	_Atomic bool pending; /* it is readable, or just about to be */
};

/* VMSND_E_SYSTEM: no descriptor to be had. */
enum vmsnd_rc vmsnd_wake_open(struct vmsnd_wake *wake);
/* Nobody pokes any more. Legal twice. */
void vmsnd_wake_close(struct vmsnd_wake *wake);
/* Never blocks, however often it is called; leaves errno alone. Any thread but an audio one, and a
 * signal handler. */
void vmsnd_wake_poke(struct vmsnd_wake *wake);
/* The lane. What was written before a poke can be seen after the drain that ends it: look for
 * work afterwards, not before. True when there was a poke. */
bool vmsnd_wake_drain(struct vmsnd_wake *wake);

#endif
