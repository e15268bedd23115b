/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that is ALSA: cards of this machine, and whatever alsa-lib's plugins lead to. */
#ifndef VMSND_BACKENDS_ALSA_ALSA_H
#define VMSND_BACKENDS_ALSA_ALSA_H

#include "vmsnd/backend.h"

extern const struct vmsnd_backend_class vmsnd_alsa_class;

#endif
