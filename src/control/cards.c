/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that add and remove whole cards. */
#include "control/parts.h"

/* The tree that holds the card's node, for vmsnd_tree_free; NULL: the call has failed. */
static struct vmsnd_node *tree_of(struct vmsnd_control_call *call, const char *name,
				  const json_t *object)
{
	struct vmsnd_node *root = vmsnd_tree_new();
	struct vmsnd_node *node = root ? vmsnd_node_make(root, name) : NULL;
	struct vmsnd_error error;

	if (!root)
		vmsnd_control_went(call, VMSND_E_NOMEM, NULL);
	else if (!node)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "card-add: '%.70s' cannot be a card's name", name);
	else if (vmsnd_control_tree_of(node, object, &error))
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "card-add: %s", error.line);
	if (!call->failed)
		return root;
	vmsnd_tree_free(root);
	return NULL;
}

void vmsnd_control_card_add(struct vmsnd_control_call *call)
{
	enum { ARG_NAME, ARG_NODE };
	struct vmsnd_node *root =
	    tree_of(call, call->args[ARG_NAME].text, call->args[ARG_NODE].object);
	unsigned card = 0;
	enum vmsnd_rc rc;

	if (!root)
		return;
	rc = vmsnd_machine_add_node(call->machine, vmsnd_node_first(root), -1, call->now, &card);
	vmsnd_tree_free(root);
	if (!vmsnd_control_went(call, rc, "card-add: this is no card"))
		return;
	call->touched = card;
	call->result = json_pack("{s:o}", "card", vmsnd_control_count(card));
}

void vmsnd_control_card_remove(struct vmsnd_control_call *call)
{
	enum { ARG_CARD };

	vmsnd_control_went(
	    call, vmsnd_machine_remove(call->machine, call->args[ARG_CARD].number, call->now),
	    NULL);
}
