/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver's text or node says: its class and its options, or a line. */
#include "manager/chain_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/near.h"

/* "there is no driver 'delai' (did you mean 'delay'?); there are: delay map" */
static void tell_no_class(const struct vmsnd_drivers_setup *setup, const char *name,
			  const struct vmsnd_place *place, struct vmsnd_error *error)
{
	struct vmsnd_near near = vmsnd_near_begin(name);
	const struct vmsnd_driver_class *cls;
	char all[512] = "";

	for (size_t i = 0; (cls = vmsnd_registry_driver(setup->registry, i)); i++) {
		size_t used = strlen(all);

		vmsnd_near_offer(&near, cls->name);
		snprintf(all + used, sizeof(all) - used, " %s", cls->name);
	}
	vmsnd_error_set(error, place, "%s: there is no driver '%s'%s%s%s; there are:%s", setup->who,
			name, near.best ? " (did you mean '" : "", near.best ? near.best : "",
			near.best ? "'?)" : "", all);
}

enum vmsnd_rc vmsnd_drivers_find_class(const struct vmsnd_drivers_setup *setup,
				       const struct vmsnd_drivers_source *source,
				       const struct vmsnd_driver_class **cls,
				       struct vmsnd_error *error)
{
	size_t bytes = strcspn(source->text, ",");
	char name[VMSND_CLASS_NAME_BYTES];

	if (bytes == 0) {
		vmsnd_error_set(error, &source->place, "%s: a driver has no name: driver: NAME",
				setup->who);
		return VMSND_E_NO_VALUE;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(bytes < sizeof(name) ? bytes : sizeof(name)),
		 source->text);
	*cls = bytes < sizeof(name) ? vmsnd_registry_find_driver(setup->registry, name) : NULL;
	if (*cls)
		return VMSND_OK;
	tell_no_class(setup, name, &source->place, error);
	return VMSND_E_NO_CLASS;
}

static enum vmsnd_rc parse(const struct vmsnd_driver_class *cls,
			   const struct vmsnd_drivers_source *source, const char *who,
			   struct vmsnd_conf *conf, struct vmsnd_error *error)
{
	static const char *const but[] = {"driver", NULL};
	const struct vmsnd_conf_source from = {.node = source->node, .who = who, .but = but};
	const char *comma = strchr(source->text, ',');

	if (source->node)
		return vmsnd_conf_from_node(conf, cls->options, &from, error);
	return vmsnd_conf_parse(conf, cls->options, who, comma ? comma + 1 : "", error->line,
				sizeof(error->line));
}

enum vmsnd_rc vmsnd_drivers_read_options(const struct vmsnd_drivers_setup *setup,
					 const struct vmsnd_driver_class *cls,
					 const struct vmsnd_drivers_source *source,
					 struct vmsnd_conf *conf, struct vmsnd_error *error)
{
	char who[VMSND_DRIVERS_WHO_BYTES + VMSND_CLASS_NAME_BYTES + 16];
	const char *what = "its options cannot be";
	enum vmsnd_rc rc;

	snprintf(who, sizeof(who), "%s: driver %s", setup->who, cls->name);
	rc = parse(cls, source, who, conf, error);
	if (rc || !cls->check)
		return rc;
	rc = cls->check(conf, &what);
	if (rc)
		vmsnd_error_set(error, &source->place, "%s: %s", who, what);
	return rc;
}

enum vmsnd_rc vmsnd_drivers_source_of(const struct vmsnd_drivers_setup *setup,
				      const struct vmsnd_node *node, char *text,
				      struct vmsnd_drivers_source *source,
				      struct vmsnd_error *error)
{
	struct vmsnd_value value;

	*source = (struct vmsnd_drivers_source){
	    .text = text, .node = node, .place = vmsnd_node_place(node)};
	if (vmsnd_leaf_get(node, "driver", &value, &source->place) != VMSND_OK) {
		text[0] = '\0';
		return VMSND_OK; /* vmsnd_drivers_find_class has the line */
	}
	if (vmsnd_tree_to_text(node, "driver", text, VMSND_DRIVER_TEXT_BYTES))
		return VMSND_OK;
	return vmsnd_error_set(error, &source->place, "%s: the options are too long", setup->who);
}
