/* SPDX-License-Identifier: BSD-3-Clause */
/* What a card can be told, and what it is when it is not told: the options of its own, of its
 * device and of its transport as one table, and the transport by its device's bus. */
#include <string.h>

#include "manager/card.h"

/* Options every card has, whatever its device and transport. */
static const struct vmsnd_option card_options[] = {
    {"name", VMSND_OPTION_TEXT, NULL, "what messages and mixers call the card", 0, 0},
    {"transport", VMSND_OPTION_TEXT, "vhost-user", "how the VM reaches it", 0, 0},
    {"number", VMSND_OPTION_UINT, NULL,
     "of the instances of its device; not given: the lowest that is free", 0, VMSND_CARDS_MAX - 1},
    {"priority", VMSND_OPTION_UINT, NULL,
     "cards are made in this order; not given: by kind, 8192 for sound cards", 0, UINT32_MAX},
    {"lane", VMSND_OPTION_UINT, NULL,
     "the thread it lives on; not given: the one with the fewest cards", 0, VMSND_LANES_MAX - 1},
    {"playback", VMSND_OPTION_UINT, "1", "playback streams", 0, VMSND_CARD_STREAMS_MAX},
    {"capture", VMSND_OPTION_UINT, "1", "capture streams", 0, VMSND_CARD_STREAMS_MAX},
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

/* ---- the device's bus ---- */

static const struct {
	const char *name, *usual_transport;
} buses[] = {{"virtio", "vhost-user"}, {"PCI", "vfio-user"}};

static unsigned bus_of(const struct vmsnd_dev_class *cls)
{
	return cls && cls->pci ? 1 : 0;
}

const char *vmsnd_card_usual_transport(const struct vmsnd_dev_class *cls)
{
	return buses[bus_of(cls)].usual_transport;
}

const struct vmsnd_transport_class *vmsnd_card_transport(const struct vmsnd_registry *registry,
							 const struct vmsnd_node *card,
							 const struct vmsnd_dev_class *cls)
{
	const char *name;

	vmsnd_leaf_text(card, "transport", vmsnd_card_usual_transport(cls), &name);
	return vmsnd_registry_find_transport(registry, name);
}

bool vmsnd_card_reached_by(const struct vmsnd_dev_class *cls,
			   const struct vmsnd_transport_class *transport)
{
	return cls->pci ? transport->line && transport->message : transport->notify != NULL;
}

enum vmsnd_rc vmsnd_card_check_transport(const struct vmsnd_node *card, const char *who,
					 const struct vmsnd_card_classes *classes,
					 struct vmsnd_error *error)
{
	const unsigned bus = bus_of(classes->device);
	struct vmsnd_place place = vmsnd_node_place(card);
	struct vmsnd_value value;

	if (vmsnd_card_reached_by(classes->device, classes->transport))
		return VMSND_OK;
	vmsnd_leaf_get(card, "transport", &value, &place);
	return vmsnd_error_set(error, &place,
			       "%s: %s is a %s card, and the transport %s takes %s cards: leave "
			       "'transport' out, or say %s",
			       who, classes->device->name, buses[bus].name,
			       classes->transport->name, buses[!bus].name,
			       buses[bus].usual_transport);
}

/* ---- the table ---- */

/* What a default is as text; it outlives every table. */
static const char *number_text(unsigned number)
{
	static const char texts[VMSND_CARD_STREAMS_MAX + 1][3] = {
	    "0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",  "10", "11", "12",
	    "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25",
	    "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38",
	    "39", "40", "41", "42", "43", "44", "45", "46", "47", "48", "49", "50", "51",
	    "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64"};

	return texts[number <= VMSND_CARD_STREAMS_MAX ? number : VMSND_CARD_STREAMS_MAX];
}

/* The default that a card of this class has. */
static const char *usual_value(const struct vmsnd_option *row, const struct vmsnd_dev_class *cls)
{
	static const char *const counts[] = {
	    [VMSND_PLAYBACK] = "playback", [VMSND_CAPTURE] = "capture"};

	if (strcmp(row->key, "transport") == 0)
		return vmsnd_card_usual_transport(cls);
	for (unsigned dir = VMSND_PLAYBACK; cls && dir <= VMSND_CAPTURE; dir++)
		if (cls->usual_streams[dir] > 0 && strcmp(row->key, counts[dir]) == 0)
			return number_text(cls->usual_streams[dir]);
	return row->value;
}

void vmsnd_card_join_options(struct vmsnd_option table[VMSND_CARD_OPTIONS_MAX],
			     const struct vmsnd_card_classes *classes)
{
	const struct vmsnd_option *const tables[] = {
	    classes->transport ? classes->transport->options : NULL,
	    classes->device ? classes->device->options : NULL, card_options};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct vmsnd_option *row = tables[i]; row && row->key; row++) {
			if (n + 1 >= VMSND_CARD_OPTIONS_MAX)
				continue;
			table[n] = *row;
			if (tables[i] == card_options)
				table[n].value = usual_value(row, classes->device);
			n++;
		}
	table[n] = (struct vmsnd_option){.key = NULL};
}
