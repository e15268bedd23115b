/* SPDX-License-Identifier: BSD-3-Clause */
/* What may stand where in a machine's configuration (CF-04): one table of keys for each kind of
 * node. The keys of devices, transports, backends and drivers are their classes' own. */
#ifndef VMSND_MANAGER_SCHEMA_H
#define VMSND_MANAGER_SCHEMA_H

#include "vmsnd/machine.h"

#define VMSND_SCHEMA_KEYS_MAX  96u
#define VMSND_SCHEMA_NODES_MAX 16u

enum vmsnd_schema_part {
	VMSND_SCHEMA_MACHINE, /* the root */
	VMSND_SCHEMA_MODULES, /* "modules" */
	VMSND_SCHEMA_MODULE,  /* an item of "modules.load" */
	VMSND_SCHEMA_CARD,    /* below "cards" */
	VMSND_SCHEMA_OUTPUT,  /* below a card's "outputs" */
	VMSND_SCHEMA_DRIVER,  /* an item of an output's "drivers" */
	VMSND_SCHEMA_PART_COUNT
};

/* The keys that such a node has besides those of its classes; ends with a NULL key. */
const struct vmsnd_option *vmsnd_schema_keys(enum vmsnd_schema_part part);

/* All that may stand in a card, an output, a driver: the part's keys, those of its classes (NULL:
 * none), and those that every card or output has. A key that comes twice is taken once. */
struct vmsnd_schema_table {
	struct vmsnd_option rows[VMSND_SCHEMA_KEYS_MAX + 1]; /* ends with a NULL key */
};
void vmsnd_schema_join_card(struct vmsnd_schema_table *table, const struct vmsnd_dev_class *device,
			    const struct vmsnd_transport_class *transport);
void vmsnd_schema_join_output(struct vmsnd_schema_table *table,
			      const struct vmsnd_backend_class *backend);
void vmsnd_schema_join_driver(struct vmsnd_schema_table *table,
			      const struct vmsnd_driver_class *driver);

/* All but cards and rules, for which a registry is needed, and that is made of what "modules" says.
 */
enum vmsnd_rc vmsnd_schema_check_machine(const struct vmsnd_node *root, struct vmsnd_error *error);

/* vmsnd_machine_check for a machine that has so many lanes, whatever the root says of them. */
enum vmsnd_rc vmsnd_schema_check_for(const struct vmsnd_registry *registry, unsigned lanes,
				     const struct vmsnd_node *root, struct vmsnd_error *error);

/* "1" to "99" or "off", which is 0, as the key realtime-priority has it. */
bool vmsnd_schema_priority(const char *text, unsigned *priority);
#define VMSND_SCHEMA_PRIORITY "5"

/* The backend of the one output of a card that says nothing of outputs. */
#define VMSND_SCHEMA_BACKEND "null"

/* The options of every class and part that are not given, with their defaults, into a
 * configuration that is right ('vmsnd config show --defaults'). VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_schema_fill(const struct vmsnd_registry *registry, struct vmsnd_node *root);
/* The same below "cards" only. */
enum vmsnd_rc vmsnd_schema_fill_cards(const struct vmsnd_registry *registry,
				      struct vmsnd_node *root);
/* Chains of a configuration that is right as its rules leave them, with the rules' marks; a card
 * that says nothing of outputs has the one that it stands for. Without rules nothing changes. */
enum vmsnd_rc vmsnd_schema_apply_rules(struct vmsnd_node *root, struct vmsnd_error *error);

#endif
