/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/card.h"
#include "manager/schema.h"

/* Options every card has, whatever its device and transport. */
static const struct vmsnd_option card_options[] = {
    {"name", VMSND_OPTION_TEXT, NULL, "what messages and mixers call the card", 0, 0},
    {"transport", VMSND_OPTION_TEXT, VMSND_SCHEMA_TRANSPORT, "how the VM reaches it", 0, 0},
    {"number", VMSND_OPTION_UINT, NULL,
     "of the instances of its device; not given: the lowest that is free", 0, VMSND_CARDS_MAX - 1},
    {"priority", VMSND_OPTION_UINT, NULL,
     "cards are made in this order; not given: by kind, 8192 for sound cards", 0, UINT32_MAX},
    {"lane", VMSND_OPTION_UINT, NULL,
     "the thread it lives on; not given: the one with the fewest cards", 0, VMSND_LANES_MAX - 1},
    {"playback", VMSND_OPTION_UINT, "1", "playback streams", 0, 64},
    {"capture", VMSND_OPTION_UINT, "1", "capture streams", 0, 64},
    {"input", VMSND_OPTION_BOOL, "off",
     "whether the guest may record; off gives it silence and leaves the host's device closed", 0,
     0},
    {"output", VMSND_OPTION_BOOL, "on",
     "whether the guest is heard; off swallows what it plays, in real time", 0, 0},
    {"trusted", VMSND_OPTION_BOOL, "on",
     "off: guest memory that the card is refused is counted, and 'window' may limit it", 0, 0},
    {"window", VMSND_OPTION_TEXT, NULL,
     "FIRST-LAST: the guest addresses that a card with trusted=off may touch; not given: all", 0,
     0},
    {"trace", VMSND_OPTION_TEXT, NULL,
     "a file for all that its device does; 'vmsnd trace' prints it", 0, 0},
    {.key = NULL},
};

const struct vmsnd_option *vmsnd_card_options(void)
{
	return card_options;
}
