/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/card.h"

/* Options every card has, whatever its device and transport. */
static const struct vmsnd_option card_options[] = {
    {"name", VMSND_OPTION_TEXT, NULL, "what messages and mixers call the card", 0, 0},
    {"playback", VMSND_OPTION_UINT, "1", "playback streams", 0, 64},
    {"capture", VMSND_OPTION_UINT, "1", "capture streams", 0, 64},
    {"input", VMSND_OPTION_BOOL, "off",
     "whether the guest may record; off gives it silence and leaves the host's device closed", 0,
     0},
    {"output", VMSND_OPTION_BOOL, "on",
     "whether the guest is heard; off swallows what it plays, in real time", 0, 0},
    {.key = NULL},
};

const struct vmsnd_option *vmsnd_card_options(void)
{
	return card_options;
}
