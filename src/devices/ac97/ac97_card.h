/* SPDX-License-Identifier: BSD-3-Clause */
/* The AC'97 sound card of Intel's chipsets, as the rest of the house sees it. */
#ifndef VMSND_DEVICES_AC97_AC97_CARD_H
#define VMSND_DEVICES_AC97_AC97_CARD_H

#include "vmsnd/device.h"

extern const struct vmsnd_dev_class vmsnd_ac97_class;

#endif
