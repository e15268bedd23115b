/* SPDX-License-Identifier: BSD-3-Clause */
/* A JACK server, or PipeWire's libjack. docs/backend-jack.md. */
#ifndef VMSND_BACKENDS_JACK_JACK_H
#define VMSND_BACKENDS_JACK_JACK_H

#include "vmsnd/backend.h"

extern const struct vmsnd_backend_class vmsnd_jack_class;

#endif
