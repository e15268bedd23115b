/* SPDX-License-Identifier: BSD-3-Clause */
/* config/rule_chain.h - the chain of an output taken apart, so that rules can change it. */
#ifndef VMSND_CONFIG_RULE_CHAIN_H
#define VMSND_CONFIG_RULE_CHAIN_H

#include "vmsnd/tree.h"

/* Drivers while rules are at work; a machine takes fewer. */
#define VMSND_RULE_CHAIN_MAX 64u
/* What stands above the first driver, and below the last one when there is no backend. */
#define VMSND_RULE_CHAIN_TOP  "<top>"
#define VMSND_RULE_CHAIN_NONE "<none>"

struct vmsnd_rule_chain {
	struct vmsnd_node *output; /* a copy, without the items of its `drivers` */
	struct vmsnd_node
	    *drivers[VMSND_RULE_CHAIN_MAX]; /* trees of their own, from top to bottom */
	unsigned n;
	const struct vmsnd_option *stay; /* leaves of the output that are not its backend's */
};

/* VMSND_E_NOMEM; VMSND_E_INVALID with a line: an item that is no driver. End it in any case. */
enum vmsnd_rc vmsnd_rule_chain_begin(struct vmsnd_rule_chain *chain,
				     const struct vmsnd_node *output, struct vmsnd_error *error);
void vmsnd_rule_chain_end(struct vmsnd_rule_chain *chain);
/* Makes `output` what the chain is now. On VMSND_E_NOMEM it is of no use any more. *changed: it was
 * something else. */
enum vmsnd_rc vmsnd_rule_chain_write(struct vmsnd_rule_chain *chain, struct vmsnd_node *output,
				     bool *changed);

/* Element `at`, from 0 at the top; the last, chain->n, is the backend. */
const char *vmsnd_rule_chain_name(const struct vmsnd_rule_chain *chain, unsigned at);
struct vmsnd_node *vmsnd_rule_chain_node(const struct vmsnd_rule_chain *chain, unsigned at);
/* The rule that put it there; NULL: none did. */
const char *vmsnd_rule_chain_mark(const struct vmsnd_rule_chain *chain, unsigned at);

/* Copies of the items of `drivers`, marked, so that the first becomes element `at`. NULL: none.
 * VMSND_E_LIMIT: too many. */
enum vmsnd_rc vmsnd_rule_chain_insert(struct vmsnd_rule_chain *chain, unsigned at,
				      const struct vmsnd_node *drivers, const char *mark);
/* Takes out drivers `at` up to, without, `end`. */
void vmsnd_rule_chain_cut(struct vmsnd_rule_chain *chain, unsigned at, unsigned end);
/* The backend goes, with its options. */
void vmsnd_rule_chain_detach(struct vmsnd_rule_chain *chain);
/* `config` may be NULL. */
enum vmsnd_rc vmsnd_rule_chain_attach(struct vmsnd_rule_chain *chain, const char *backend,
				      const struct vmsnd_node *config, const char *mark);

#endif
