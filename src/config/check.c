/* SPDX-License-Identifier: BSD-3-Clause */
/* Allow-lists: what may stand in a node (CF-04). */
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "config/node.h"

static bool is_number(const char *name)
{
	if (name[0] == '0')
		return name[1] == '\0';
	return name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
}

static bool allows(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (strcmp(*list, name) == 0 || strcmp(*list, "*") == 0 ||
		    (strcmp(*list, "#") == 0 && is_number(name)))
			return true;
	return false;
}

static void offer_all(struct vmsnd_near *near, const char *const *list)
{
	for (; list && *list; list++)
		if (strcmp(*list, "*") != 0 && strcmp(*list, "#") != 0)
			vmsnd_near_offer(near, *list);
}

static size_t put_all(char *line, size_t bytes, size_t at, const char *const *list)
{
	for (; list && *list && at < bytes; list++) {
		const char *name = strcmp(*list, "#") == 0   ? "0, 1, ..."
				   : strcmp(*list, "*") == 0 ? "anything"
							     : *list;

		at += (size_t)snprintf(line + at, bytes - at, " %s", name);
	}
	return at;
}

/* One wrong entry. */
struct wrong {
	const char *who, *name;
	const struct vmsnd_allow *allow;
	const struct vmsnd_place *place;
	bool node;
};

static enum vmsnd_rc complain(const struct wrong *what, struct vmsnd_error *error)
{
	struct vmsnd_near near = vmsnd_near_begin(what->name);
	char allowed[sizeof(error->line)] = " nothing";
	size_t at;

	if (allows(what->node ? what->allow->leaves : what->allow->children, what->name))
		return vmsnd_error_set(error, what->place,
				       what->node
					   ? "%s: '%s' takes one value, not a node of its own"
					   : "%s: '%s' is a node of its own, not one value",
				       what->who, what->name);
	offer_all(&near, what->allow->leaves);
	offer_all(&near, what->allow->children);
	at = put_all(allowed, sizeof(allowed), 0, what->allow->leaves);
	put_all(allowed, sizeof(allowed), at, what->allow->children);
	return vmsnd_error_set(error, what->place, "%s has no %s '%s'%s%s%s; allowed:%s", what->who,
			       what->node ? "node" : "option", what->name,
			       near.best ? " (did you mean '" : "", near.best ? near.best : "",
			       near.best ? "'?)" : "", allowed);
}

enum vmsnd_rc vmsnd_node_check(const struct vmsnd_node *node, const char *who,
			       const struct vmsnd_allow *allow, struct vmsnd_error *error)
{
	for (const struct vmsnd_entry *at = node->leaves.first; at; at = at->next)
		if (!allows(allow->leaves, at->name))
			return complain(&(struct wrong){who, at->name, allow,
							&((const struct vmsnd_leaf *)at)->place,
							false},
					error);
	for (const struct vmsnd_entry *at = node->children.first; at; at = at->next)
		if (!allows(allow->children, at->name))
			return complain(&(struct wrong){who, at->name, allow,
							&((const struct vmsnd_node *)at)->place,
							true},
					error);
	return VMSND_OK;
}
