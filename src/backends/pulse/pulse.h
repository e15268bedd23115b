/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that is a PulseAudio server, or PipeWire's that speaks its protocol. */
#ifndef VMSND_BACKENDS_PULSE_PULSE_H
#define VMSND_BACKENDS_PULSE_PULSE_H

#include "vmsnd/backend.h"

extern const struct vmsnd_backend_class vmsnd_pulse_class;

#endif
