/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/tree.h - the configuration tree: nodes with typed leaves (CF-01).
 *
 * A machine's configuration, its effective configuration and its statistics are all such trees.
 * A node has named children and named leaves, in the order they were made; the two have name
 * spaces of their own. The items of a list are children (or leaves) "0", "1", and so on. A path is
 * names joined with dots: "cards.vm1.outputs.0.volume".
 *
 * Not locked: one thread at a time for one tree. What a function returns is the tree's, and good
 * until the node or leaf is changed or freed, unless it says otherwise. */
#ifndef VMSND_TREE_H
#define VMSND_TREE_H

#include "config.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmsnd_node;

#define VMSND_NODE_NAME_BYTES 64u
/* Beyond these a tree is refused (VMSND_E_INVALID, VMSND_E_NOMEM), so that a file cannot eat
 * memory. */
#define VMSND_TREE_DEPTH_MAX      16u
#define VMSND_TREE_NODES_MAX      65536u
#define VMSND_TREE_LEAF_BYTES_MAX (1024u * 1024u)

enum vmsnd_value_type {
	VMSND_VALUE_UINT,
	VMSND_VALUE_INT, /* below 0; what is not, is a UINT */
	VMSND_VALUE_BOOL,
	VMSND_VALUE_REAL,
	VMSND_VALUE_TEXT,
	VMSND_VALUE_BYTES
};

struct vmsnd_value {
	enum vmsnd_value_type type;
	uint64_t uint;
	int64_t sint;
	bool on;
	double real;
	/* Every type has its text: what the file said, else the usual spelling. BYTES: base64. */
	const char *text;
	const void *bytes;
	size_t n_bytes;
};

/* Where something was written. `file` NULL: not in a file; "--set" and the like for a command line.
 * Lines and columns count from 1; 0: unknown. */
struct vmsnd_place {
	const char *file; /* the tree keeps a copy */
	unsigned line, column;
};

/* ---- trees and nodes ---- */

/* NULL: no memory. */
struct vmsnd_node *vmsnd_tree_new(void);
/* A deep copy of a node as a tree of its own: no parent, not restricted. NULL: no memory. */
struct vmsnd_node *vmsnd_tree_copy(const struct vmsnd_node *node);
/* A root and all below. NULL is ignored. */
void vmsnd_tree_free(struct vmsnd_node *root);

const char *vmsnd_node_name(const struct vmsnd_node *node); /* "" for a root */
struct vmsnd_place vmsnd_node_place(const struct vmsnd_node *node);
void vmsnd_node_set_place(struct vmsnd_node *node, const struct vmsnd_place *place);
/* NULL for a root, and for a restricted one: who was given that cannot walk up (CF-03), only along
 * its siblings. */
struct vmsnd_node *vmsnd_node_parent(const struct vmsnd_node *node);
void vmsnd_node_restrict(struct vmsnd_node *node);
/* "cards.vm1", from the true root on whatever is restricted; cut to `bytes`. */
void vmsnd_node_path(const struct vmsnd_node *node, char *path, size_t bytes);

/* By path; NULL: not there. */
struct vmsnd_node *vmsnd_node_find(const struct vmsnd_node *node, const char *path);
/* That child, made at the end if it is not there. NULL: no memory, or a name that cannot be
 * (empty, too long, with a dot, a control character or bad UTF-8), or a limit. */
struct vmsnd_node *vmsnd_node_make(struct vmsnd_node *node, const char *name);
/* Takes a child and all below away; false: not there. */
bool vmsnd_node_remove(struct vmsnd_node *node, const char *name);
struct vmsnd_node *vmsnd_node_first(const struct vmsnd_node *node); /* NULL: no child */
struct vmsnd_node *vmsnd_node_next(const struct vmsnd_node *node);  /* NULL: the last */
/* A list: matters for dumps only. is_list is false again while the names of its children and leaves
 * are not 0, 1, ... in order. */
void vmsnd_node_set_list(struct vmsnd_node *node, bool list);
bool vmsnd_node_is_list(const struct vmsnd_node *node);

/* ---- leaves ---- */

/* Makes or replaces one; `value` is copied, its `text` may be NULL (then the usual spelling is
 * made), `place` may be NULL. VMSND_E_INVALID: the name, or a text that is no UTF-8 or longer than
 * VMSND_TREE_LEAF_BYTES_MAX; VMSND_E_NOMEM. An INT that is not below 0 becomes a UINT. */
enum vmsnd_rc vmsnd_leaf_set(struct vmsnd_node *node, const char *name,
			     const struct vmsnd_value *value, const struct vmsnd_place *place);
enum vmsnd_rc vmsnd_leaf_set_text(struct vmsnd_node *node, const char *name, const char *text);
enum vmsnd_rc vmsnd_leaf_set_uint(struct vmsnd_node *node, const char *name, uint64_t value);
enum vmsnd_rc vmsnd_leaf_set_int(struct vmsnd_node *node, const char *name, int64_t value);
enum vmsnd_rc vmsnd_leaf_set_bool(struct vmsnd_node *node, const char *name, bool on);
enum vmsnd_rc vmsnd_leaf_set_real(struct vmsnd_node *node, const char *name, double value);
enum vmsnd_rc vmsnd_leaf_set_bytes(struct vmsnd_node *node, const char *name, const void *bytes,
				   size_t n_bytes);
bool vmsnd_leaf_remove(struct vmsnd_node *node, const char *name);
/* By path. VMSND_E_NO_VALUE: no such leaf; VMSND_E_NO_NODE: not even its node (CF-05). Whoever has
 * a default takes it in both cases. `place` may be NULL. */
enum vmsnd_rc vmsnd_leaf_get(const struct vmsnd_node *node, const char *path,
			     struct vmsnd_value *value, struct vmsnd_place *place);
/* The same with a default for what is absent. VMSND_E_INVALID: it is there, and of no such type
 * (a UINT is an INT and a REAL where it fits; anything is a text); *out is then the default. */
enum vmsnd_rc vmsnd_leaf_uint(const struct vmsnd_node *node, const char *path, uint64_t absent,
			      uint64_t *out);
enum vmsnd_rc vmsnd_leaf_int(const struct vmsnd_node *node, const char *path, int64_t absent,
			     int64_t *out);
enum vmsnd_rc vmsnd_leaf_bool(const struct vmsnd_node *node, const char *path, bool absent,
			      bool *out);
enum vmsnd_rc vmsnd_leaf_real(const struct vmsnd_node *node, const char *path, double absent,
			      double *out);
enum vmsnd_rc vmsnd_leaf_text(const struct vmsnd_node *node, const char *path, const char *absent,
			      const char **out);
/* Absent: NULL and 0 bytes. */
enum vmsnd_rc vmsnd_leaf_bytes(const struct vmsnd_node *node, const char *path, const void **out,
			       size_t *n_bytes);
/* The `index`th leaf of a node itself: its name, NULL beyond the last. The others may be NULL. */
const char *vmsnd_leaf_at(const struct vmsnd_node *node, size_t index, struct vmsnd_value *value,
			  struct vmsnd_place *place);

/* A plain word as YAML's core schema and people read it: on, off, yes, no, true, false; decimal and
 * 0x numbers; reals; else text. `value->text` is `word`. */
void vmsnd_value_of_word(const char *word, struct vmsnd_value *value);

/* ---- reading and checking ---- */

/* Where a message goes: one line without newline, which begins with "file:line:column: " where
 * that is known. */
struct vmsnd_error {
	char line[1024];
};
/* Writes one. Gives VMSND_E_INVALID back. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
enum vmsnd_rc
vmsnd_error_set(struct vmsnd_error *error, const struct vmsnd_place *place, const char *format,
		...);

/* "class,key=value,key=value" into a node: the class as leaf `key`, the rest as leaves; a comma
 * inside a value is written twice. `key` NULL: there is no class in front. A
 * key with dots is a path, if `key` is "device". Keys are not checked; leaves that are there are
 * replaced. All or nothing. */
enum vmsnd_rc vmsnd_tree_from_text(struct vmsnd_node *node, const char *key, const char *text,
				   const struct vmsnd_place *place, struct vmsnd_error *error);
/* The way back: leaf `key` first, then the others; children are left out. False: it does not fit,
 * or cannot be written so (no leaf `key`; a name with a comma or "="). */
bool vmsnd_tree_to_text(const struct vmsnd_node *node, const char *key, char *text, size_t bytes);
/* "path=value" (or "path" alone: removes the leaf or node, when `value` is NULL); nodes on the way
 * are made. The value is read as vmsnd_value_of_word does. VMSND_E_NO_VALUE, VMSND_E_NO_NODE: there
 * is nothing to remove. */
enum vmsnd_rc vmsnd_tree_set(struct vmsnd_node *root, const char *path, const char *value,
			     const struct vmsnd_place *place, struct vmsnd_error *error);

/* Allow-lists of a node (CF-04). NULL after the last; "*" allows all names; a pattern "#" allows
 * decimal numbers without leading zeros. A list that is NULL allows nothing. */
struct vmsnd_allow {
	const char *const *leaves;
	const char *const *children;
};
/* VMSND_E_INVALID: the line names what is not allowed, the nearest that is, and all that are. */
enum vmsnd_rc vmsnd_node_check(const struct vmsnd_node *node, const char *who,
			       const struct vmsnd_allow *allow, struct vmsnd_error *error);
/* The leaves of a node as options checked against a table. The line of an error begins with the
 * place of the leaf. */
struct vmsnd_conf_source {
	const struct vmsnd_node *node;
	const char *who;        /* for messages */
	const char *const *but; /* leaves that are no options; NULL after the last; may be NULL */
};
enum vmsnd_rc vmsnd_conf_from_node(struct vmsnd_conf *conf, const struct vmsnd_option *table,
				   const struct vmsnd_conf_source *from, struct vmsnd_error *error);

/* Leaves and nodes of `from` into `into`. Those that are there: replaced, or left (leaves) and gone
 * into (nodes). */
enum vmsnd_rc vmsnd_tree_merge(struct vmsnd_node *into, const struct vmsnd_node *from,
			       bool replace);
/* Whether two nodes hold the same names, values and spellings in the same order, all below
 * included. Places do not matter, nor do the nodes' own names. */
bool vmsnd_tree_equal(const struct vmsnd_node *a, const struct vmsnd_node *b);

/* ---- YAML ---- */

/* Reads a file, or text (`name` for messages). JSON is a subset. The first error ends it. No
 * anchors that multiply, no tags but !!binary, no duplicate keys; at most 1 MiB. */
enum vmsnd_rc vmsnd_yaml_load(const char *path, struct vmsnd_node **out, struct vmsnd_error *error);
enum vmsnd_rc vmsnd_yaml_parse(const char *name, const char *text, size_t bytes,
			       struct vmsnd_node **out, struct vmsnd_error *error);
/* The dump (CF-08): a NUL-terminated text for the caller to free, NULL: no memory. What
 * vmsnd_yaml_parse makes of it is the same tree again. */
char *vmsnd_yaml_dump(const struct vmsnd_node *node);

/* ---- rules that rewrite driver chains (CF-06, CF-07) ---- */

/* The leaf that says that a rule put a driver or a backend there: the rule's name, or "true". No
 * pointer: it may be dumped and read again. It is no option. */
#define VMSND_RULE_MARK "injected"
/* The leaf of an output that rules leave alone if it is off. */
#define VMSND_RULES_LEAF "transforms"
/* One application, for the log: "transforms.0: inject delay above file at cards.vm1.outputs.0", or
 * "at output 0" where the output is no part of a whole tree. */
typedef void vmsnd_rule_told(void *ctx, const char *line);
struct vmsnd_rules_at {
	const char *device; /* the card's */
	unsigned lun;       /* the output's number */
	/* Options of every output: leaves that stay when a rule takes a backend away or brings
	 * another one. NULL: all go. */
	const struct vmsnd_option *stay;
	vmsnd_rule_told *told; /* may be NULL */
	void *ctx;
};
/* Applies the rules under root's "transforms" to the output node of one card, in place
 * (docs/configuration.md). A rule never matches what a rule put in, and running it again on the
 * same tree changes nothing and tells nothing. An output may be left without a leaf "backend": it
 * is not attached then. VMSND_E_INVALID: a rule makes no sense, here or at all; the output is as it
 * was. VMSND_E_NOMEM: the output is of no use any more. */
enum vmsnd_rc vmsnd_rules_apply(const struct vmsnd_node *root, struct vmsnd_node *output,
				const struct vmsnd_rules_at *at, struct vmsnd_error *error);
/* Whether the rules make sense, before there is a card. */
enum vmsnd_rc vmsnd_rules_check(const struct vmsnd_node *root, struct vmsnd_error *error);

#ifdef __cplusplus
}
#endif
#endif
