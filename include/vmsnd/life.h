/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/life.h - what happens to a machine as a whole, and how its parts take part. */
#ifndef VMSND_LIFE_H
#define VMSND_LIFE_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Power-on and resume go through the cards in order, for each: the drivers of every output from
 * top to bottom, its backend, then the device (LC-01). The others go the same way, but a device
 * whose class asks for it hears of them before its drivers (LC-02).
 *
 * A part that is made while the machine is on or suspended hears of no power-on: what made it
 * (init, open) is all there is then; of what comes after it hears like the others. Nor does
 * vmsnd_machine_close tell of power-off: who wants that asks for it before, as `vmsnd serve` does.
 *
 * A part that takes part has a function life(it, what, now). It returns VMSND_OK when it is
 * done, VMSND_E_AGAIN when it needs time: it is then called again, with the same `what`, until it
 * is done or the machine's limit is over; nothing above it hears of `what` before that (LC-03).
 * Any other code: it has failed; that is said, and the walk goes on. Called on the lane; never
 * blocks. NULL: nothing to do. */
enum vmsnd_life {
	VMSND_LIFE_POWER_ON,
	VMSND_LIFE_RESET,
	VMSND_LIFE_SUSPEND,
	VMSND_LIFE_RESUME,
	VMSND_LIFE_POWER_OFF,
	VMSND_LIFE_COUNT
};

/* "power-on", "reset" ...: a constant word. Any thread. */
const char *vmsnd_life_name(enum vmsnd_life what);

#ifdef __cplusplus
}
#endif
#endif
