/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that ask for trees: the configuration as it is now, and all that is counted. */
#include "control/parts.h"

/* What is at `path` of the tree, which is given up; NULL: no memory. */
static void show(struct vmsnd_control_call *call, struct vmsnd_node *root, const char *path)
{
	const struct vmsnd_node *node = root && path ? vmsnd_node_find(root, path) : root;
	struct vmsnd_value value;

	if (!root)
		vmsnd_control_went(call, VMSND_E_NOMEM, NULL);
	else if (node)
		call->result = vmsnd_control_of_tree(node);
	else if (!vmsnd_leaf_get(root, path, &value, NULL))
		call->result = vmsnd_control_of_value(&value);
	else
		vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
				   "there is no '%.100s'; %s without a path shows all there is",
				   path, call->command->name);
	vmsnd_tree_free(root);
}

/* Around the machine's own tree, which is given up, what the program was configured with besides.
 */
static struct vmsnd_node *with_the_rest(const struct vmsnd_node *root, struct vmsnd_node *machine)
{
	struct vmsnd_node *whole;

	if (!root || !machine)
		return machine;
	whole = vmsnd_tree_copy(root);
	if (whole) {
		vmsnd_node_remove(whole, "cards");
		vmsnd_node_remove(whole, "transforms");
		if (vmsnd_tree_merge(whole, machine, true)) {
			vmsnd_tree_free(whole);
			whole = NULL;
		}
	}
	vmsnd_tree_free(machine);
	return whole;
}

void vmsnd_control_query_config(struct vmsnd_control_call *call)
{
	enum { ARG_DEFAULTS, ARG_PATH };
	struct vmsnd_node *machine = vmsnd_machine_tree(call->machine, call->args[ARG_DEFAULTS].on);

	show(call, with_the_rest(call->root, machine), call->args[ARG_PATH].text);
}

void vmsnd_control_query_statistics(struct vmsnd_control_call *call)
{
	enum { ARG_PATH };

	show(call, vmsnd_machine_statistics(call->machine), call->args[ARG_PATH].text);
}
