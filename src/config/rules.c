/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that rewrite driver chains (CF-06, CF-07).
 *
 * A chain is gone through once, from top to bottom. What a rule matches depends only on what stands
 * above an element, so what was done further up never has to be done again; at each element the
 * rules begin anew when one of them has changed what stands there. That, and the marks, is why a
 * second run finds nothing left to do. */
#include <stdio.h>
#include <string.h>

#include "config/node.h"
#include "config/pattern.h"
#include "config/rule_chain.h"

struct rule {
	char where[16 + VMSND_NODE_NAME_BYTES]; /* "transforms.0" */
	const struct vmsnd_node *node, *drivers, *config;
	const char *backend; /* NULL: brings none */
	const struct action *action;
};

/* One run. */
struct run {
	const struct vmsnd_rules_at *at;
	struct vmsnd_error *error;
	struct vmsnd_rule_chain chain;
	struct vmsnd_node *told; /* the lines, as leaves "0", "1", ... */
	char path[200], lun[16];
	unsigned element; /* where it is */
};

/* What became of the element. */
enum outcome {
	AS_IT_WAS, /* or only its options changed: on to the next rule */
	CHANGED,   /* another one stands there, or another one above it: all rules once more */
	FAILED
};

/* What a rule has to bring along. */
enum need { NEVER, MAY, MUST };

struct action {
	const char *name;
	enum need drivers, backend, config;
	enum outcome (*apply)(struct run *run, const struct rule *rule, enum vmsnd_rc *rc);
};

/* ---- what is said ---- */

static const char *names_of(const struct rule *rule, char *text, size_t bytes)
{
	const struct vmsnd_node *item = rule->drivers ? vmsnd_node_first(rule->drivers) : NULL;
	size_t at = 0;

	text[0] = '\0';
	for (; item && at < bytes; item = vmsnd_node_next(item)) {
		const char *name;

		vmsnd_leaf_text(item, "driver", "", &name);
		at += (size_t)snprintf(text + at, bytes - at, "%s%s", at ? ", " : "", name);
	}
	if (rule->backend && at < bytes)
		snprintf(text + at, bytes - at, "%s%s", at ? ", " : "", rule->backend);
	return text;
}

/* Keeps "WHERE: WHAT at PATH" until it is known that something has changed. */
static enum vmsnd_rc tell(struct run *run, const struct rule *rule, const char *what)
{
	struct vmsnd_error line; /* for its care for control characters */
	char number[16];

	vmsnd_error_set(&line, NULL, "%s: %s at %s", rule->where, what, run->path);
	snprintf(number, sizeof(number), "%u", (unsigned)run->told->leaves.n);
	return vmsnd_leaf_set_text(run->told, number, line.line);
}

static enum outcome failed(struct run *run, const struct rule *rule, enum vmsnd_rc why,
			   enum vmsnd_rc *rc)
{
	*rc = why == VMSND_E_LIMIT ? VMSND_E_INVALID : why;
	if (why == VMSND_E_LIMIT)
		vmsnd_error_set(run->error, &rule->node->place,
				"%s: the chain of %s gets more than %u drivers", rule->where,
				run->path, VMSND_RULE_CHAIN_MAX);
	else
		vmsnd_error_set(run->error, &rule->node->place, "%s: no memory", rule->where);
	return FAILED;
}

/* ---- the actions ---- */

static bool is_nothing(const struct run *run)
{
	return run->element == run->chain.n && !vmsnd_leaf_of(run->chain.output, "backend");
}

static bool brings(const struct rule *rule, const char *driver)
{
	const struct vmsnd_node *item = vmsnd_node_first(rule->drivers);

	for (; item; item = vmsnd_node_next(item))
		if (strcmp(vmsnd_leaf_of(item, "driver")->value.text, driver) == 0)
			return true;
	return false;
}

/* Whether this rule has injected above the element before. A mark that names no rule ("true") is
 * this one's if the driver is. */
static bool was_here(const struct run *run, const struct rule *rule)
{
	const char *mark;

	for (unsigned i = run->element; i-- > 0 && (mark = vmsnd_rule_chain_mark(&run->chain, i));)
		if (strcmp(mark, rule->node->name) == 0 ||
		    (strcmp(mark, "true") == 0 &&
		     brings(rule, vmsnd_rule_chain_name(&run->chain, i))))
			return true;
	return false;
}

static enum outcome inject(struct run *run, const struct rule *rule, enum vmsnd_rc *rc)
{
	char what[300], names[200];
	unsigned before = run->chain.n;
	enum vmsnd_rc why;

	if (was_here(run, rule))
		return AS_IT_WAS;
	snprintf(what, sizeof(what), "inject %s above %s", names_of(rule, names, sizeof(names)),
		 vmsnd_rule_chain_name(&run->chain, run->element));
	why = tell(run, rule, what);
	if (!why)
		why = vmsnd_rule_chain_insert(&run->chain, run->element, rule->drivers,
					      rule->node->name);
	run->element += run->chain.n - before;
	return why ? failed(run, rule, why, rc) : CHANGED;
}

static enum outcome merge(struct run *run, const struct rule *rule, enum vmsnd_rc *rc)
{
	struct vmsnd_node *into = vmsnd_rule_chain_node(&run->chain, run->element), *before;
	enum vmsnd_rc why = VMSND_E_NOMEM;
	char what[200];

	if (is_nothing(run))
		return AS_IT_WAS;
	before = vmsnd_tree_copy(into);
	if (before)
		why = vmsnd_tree_merge(into, rule->config, true);
	if (!why && !vmsnd_tree_equal(into, before)) {
		snprintf(what, sizeof(what), "merge into %s",
			 vmsnd_rule_chain_name(&run->chain, run->element));
		why = tell(run, rule, what);
	}
	vmsnd_tree_free(before);
	return why ? failed(run, rule, why, rc) : AS_IT_WAS;
}

static enum outcome take_out(struct run *run, const struct rule *rule, enum vmsnd_rc *rc, bool tree)
{
	struct vmsnd_rule_chain *chain = &run->chain;
	enum vmsnd_rc why;
	char what[200];

	if (is_nothing(run))
		return AS_IT_WAS;
	snprintf(what, sizeof(what), "%s %s", rule->action->name,
		 vmsnd_rule_chain_name(chain, run->element));
	why = tell(run, rule, what);
	if (tree || run->element == chain->n)
		vmsnd_rule_chain_detach(chain);
	if (run->element < chain->n)
		vmsnd_rule_chain_cut(chain, run->element, tree ? chain->n : run->element + 1);
	return why ? failed(run, rule, why, rc) : CHANGED;
}

static enum outcome take_one_out(struct run *run, const struct rule *rule, enum vmsnd_rc *rc)
{
	return take_out(run, rule, rc, false);
}

static enum outcome take_tree_out(struct run *run, const struct rule *rule, enum vmsnd_rc *rc)
{
	return take_out(run, rule, rc, true);
}

/* The rule's drivers in the place of drivers up to, without, `end`; its backend, if it has one. */
static enum outcome put_in(struct run *run, const struct rule *rule, unsigned end,
			   enum vmsnd_rc *rc)
{
	struct vmsnd_rule_chain *chain = &run->chain;
	char what[400], names[200];
	enum vmsnd_rc why;

	snprintf(what, sizeof(what), "%s %s by %s", rule->action->name,
		 vmsnd_rule_chain_name(chain, run->element), names_of(rule, names, sizeof(names)));
	why = tell(run, rule, what);
	vmsnd_rule_chain_cut(chain, run->element, end);
	if (!why)
		why = vmsnd_rule_chain_insert(chain, run->element, rule->drivers, rule->node->name);
	if (!why && rule->backend)
		why = vmsnd_rule_chain_attach(chain, rule->backend, rule->config, rule->node->name);
	return why ? failed(run, rule, why, rc) : CHANGED;
}

static enum outcome replace(struct run *run, const struct rule *rule, enum vmsnd_rc *rc)
{
	bool driver = run->element < run->chain.n;
	const char *why = NULL;

	if (driver && rule->backend)
		why = "a driver, and a backend cannot stand there; 'replacetree' replaces all "
		      "below, too";
	else if (!driver && !rule->backend)
		why = "a backend, and brings none: give it a 'backend'";
	if (why) {
		*rc = vmsnd_error_set(
		    run->error, &rule->node->place, "%s: it would replace %s at %s, which is %s",
		    rule->where, vmsnd_rule_chain_name(&run->chain, run->element), run->path, why);
		return FAILED;
	}
	return put_in(run, rule, run->element + driver, rc);
}

static enum outcome replace_tree(struct run *run, const struct rule *rule, enum vmsnd_rc *rc)
{
	return put_in(run, rule, run->chain.n, rc);
}

/* The first is what a rule without `action` does. */
static const struct action actions[] = {
    {"inject", .drivers = MUST, .backend = NEVER, .config = NEVER, .apply = inject},
    {"merge", .drivers = NEVER, .backend = NEVER, .config = MUST, .apply = merge},
    {"remove", .drivers = NEVER, .backend = NEVER, .config = NEVER, .apply = take_one_out},
    {"removetree", .drivers = NEVER, .backend = NEVER, .config = NEVER, .apply = take_tree_out},
    {"replace", .drivers = MAY, .backend = MAY, .config = MAY, .apply = replace},
    {"replacetree", .drivers = MAY, .backend = MUST, .config = MAY, .apply = replace_tree},
};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* ---- reading rules ---- */

static enum vmsnd_rc find_action(struct rule *rule, struct vmsnd_error *error)
{
	struct vmsnd_place place = rule->node->place;
	const char *name;

	vmsnd_leaf_text(rule->node, "action", actions[0].name, &name);
	for (size_t i = 0; i < N_ACTIONS; i++)
		if (strcmp(actions[i].name, name) == 0)
			rule->action = &actions[i];
	if (rule->action)
		return VMSND_OK;
	vmsnd_leaf_get(rule->node, "action", NULL, &place);
	return vmsnd_error_set(error, &place,
			       "%s has no action '%s'; allowed: inject merge remove removetree "
			       "replace replacetree",
			       rule->where, name);
}

static enum vmsnd_rc check_need(const struct rule *rule, enum need need, bool there,
				const char *what, struct vmsnd_error *error)
{
	if (need == MUST && !there)
		return vmsnd_error_set(error, &rule->node->place, "%s: '%s' needs '%s'",
				       rule->where, rule->action->name, what);
	if (need == NEVER && there)
		return vmsnd_error_set(error, &rule->node->place,
				       "%s: '%s' has no use for '%s': leave it out", rule->where,
				       rule->action->name, what);
	return VMSND_OK;
}

static enum vmsnd_rc check_drivers(const struct rule *rule, struct vmsnd_error *error)
{
	static const char *const any[] = {"#", NULL};
	const struct vmsnd_allow items = {.leaves = NULL, .children = any};
	char who[sizeof(rule->where) + 16];
	enum vmsnd_rc rc;

	if (!rule->drivers)
		return VMSND_OK;
	snprintf(who, sizeof(who), "%s.drivers", rule->where);
	rc = vmsnd_node_check(rule->drivers, who, &items, error);
	for (struct vmsnd_node *item = vmsnd_node_first(rule->drivers); item && !rc;
	     item = vmsnd_node_next(item)) {
		if (!vmsnd_leaf_of(item, "driver"))
			rc = vmsnd_error_set(error, &item->place, "%s.%s has no option 'driver'",
					     who, item->name);
		else if (vmsnd_leaf_of(item, VMSND_RULE_MARK))
			rc = vmsnd_error_set(error, &item->place,
					     "%s.%s: '%s' is for what rules put in: leave it out",
					     who, item->name, VMSND_RULE_MARK);
	}
	return rc;
}

/* Options only: what an element is, stays. */
static enum vmsnd_rc check_config(const struct rule *rule, struct vmsnd_error *error)
{
	static const char *const never[] = {"driver", "backend", VMSND_RULE_MARK};

	if (!rule->config)
		return VMSND_OK;
	if (rule->config->children.first)
		return vmsnd_error_set(error, &rule->config->place,
				       "%s.config: '%s' is a node of its own, not one value",
				       rule->where, rule->config->children.first->name);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		const struct vmsnd_leaf *leaf = vmsnd_leaf_of(rule->config, never[i]);

		if (leaf)
			return vmsnd_error_set(error, &leaf->place,
					       "%s.config holds options; '%s' is none", rule->where,
					       never[i]);
	}
	return VMSND_OK;
}

static enum vmsnd_rc check_backend(const struct rule *rule, struct vmsnd_error *error)
{
	const struct action *action = rule->action;

	if (rule->backend && !*rule->backend)
		return vmsnd_error_set(error, &rule->node->place, "%s: 'backend' names none",
				       rule->where);
	if (action->apply == replace && !rule->backend && !rule->drivers)
		return vmsnd_error_set(error, &rule->node->place,
				       "%s: 'replace' needs 'drivers' or 'backend'", rule->where);
	if (action->backend != NEVER && rule->config && !rule->backend)
		return vmsnd_error_set(error, &rule->node->place,
				       "%s: 'config' holds the options of 'backend', which is not "
				       "there",
				       rule->where);
	return VMSND_OK;
}

/* Fills *rule. VMSND_E_INVALID: it makes no sense. */
static enum vmsnd_rc read_rule(struct rule *rule, const struct vmsnd_node *node,
			       struct vmsnd_error *error)
{
	static const char *const leaves[] = {"action", "device",  "lun", "below",
					     "above",  "backend", NULL};
	static const char *const children[] = {"drivers", "config", NULL};
	const struct vmsnd_allow allow = {leaves, children};
	enum vmsnd_rc rc;

	*rule = (struct rule){.node = node};
	snprintf(rule->where, sizeof(rule->where), "transforms.%s", node->name);
	rc = vmsnd_node_check(node, rule->where, &allow, error);
	if (!rc)
		rc = find_action(rule, error);
	if (rc)
		return rc;
	rule->drivers = vmsnd_node_find(node, "drivers");
	rule->config = vmsnd_node_find(node, "config");
	vmsnd_leaf_text(node, "backend", NULL, &rule->backend);
	rc = check_drivers(rule, error);
	if (rule->drivers && !rule->drivers->children.first)
		rule->drivers = NULL; /* an empty list is none */
	if (!rc)
		rc = check_need(rule, rule->action->drivers, rule->drivers, "drivers", error);
	if (!rc)
		rc = check_need(rule, rule->action->backend, rule->backend, "backend", error);
	if (!rc)
		rc = check_need(rule, rule->action->config, rule->config, "config", error);
	if (!rc)
		rc = check_config(rule, error);
	return rc ? rc : check_backend(rule, error);
}

static enum vmsnd_rc check_rules(const struct vmsnd_node *rules, struct vmsnd_error *error)
{
	static const char *const any[] = {"*", NULL};
	const struct vmsnd_allow items = {.leaves = NULL, .children = any};
	enum vmsnd_rc rc = vmsnd_node_check(rules, "transforms", &items, error);
	struct rule rule;

	for (struct vmsnd_node *at = vmsnd_node_first(rules); at && !rc; at = vmsnd_node_next(at))
		rc = read_rule(&rule, at, error);
	return rc;
}

enum vmsnd_rc vmsnd_rules_check(const struct vmsnd_node *root, struct vmsnd_error *error)
{
	const struct vmsnd_node *rules = vmsnd_node_find(root, "transforms");

	return rules ? check_rules(rules, error) : VMSND_OK;
}

/* ---- applying them ---- */

static bool fits(const struct rule *rule, const char *key, const char *absent, const char *word)
{
	const char *patterns;

	vmsnd_leaf_text(rule->node, key, absent, &patterns);
	return !patterns || vmsnd_pattern_fits(patterns, word);
}

static bool matches(const struct run *run, const struct rule *rule)
{
	unsigned at = run->element;
	const char *above =
	    at > 0 ? vmsnd_rule_chain_name(&run->chain, at - 1) : VMSND_RULE_CHAIN_TOP;

	return fits(rule, "device", "*", run->at->device) && fits(rule, "lun", "*", run->lun) &&
	       fits(rule, "below", "*", vmsnd_rule_chain_name(&run->chain, at)) &&
	       fits(rule, "above", NULL, above);
}

/* All rules on one element, until none has anything to do. */
static enum vmsnd_rc visit(struct run *run, const struct vmsnd_node *rules)
{
	const struct vmsnd_node *at = vmsnd_node_first(rules);
	enum vmsnd_rc rc = VMSND_OK;

	while (at && !vmsnd_rule_chain_mark(&run->chain, run->element)) {
		enum outcome outcome = AS_IT_WAS;
		struct rule rule;

		rc = read_rule(&rule, at, run->error);
		if (!rc && matches(run, &rule))
			outcome = rule.action->apply(run, &rule, &rc);
		if (rc)
			break;
		at = outcome == CHANGED ? vmsnd_node_first(rules) : vmsnd_node_next(at);
	}
	return rc;
}

static enum vmsnd_rc hand_over(struct run *run, struct vmsnd_node *output)
{
	bool changed = false;
	enum vmsnd_rc rc = VMSND_OK;
	struct vmsnd_value line;

	if (run->told->leaves.n > 0)
		rc = vmsnd_rule_chain_write(&run->chain, output, &changed);
	for (size_t i = 0; changed && !rc && vmsnd_leaf_at(run->told, i, &line, NULL); i++)
		if (run->at->told)
			run->at->told(run->at->ctx, line.text);
	return rc;
}

enum vmsnd_rc vmsnd_rules_apply(const struct vmsnd_node *root, struct vmsnd_node *output,
				const struct vmsnd_rules_at *at, struct vmsnd_error *error)
{
	const struct vmsnd_node *rules = vmsnd_node_find(root, "transforms");
	struct run run = {.at = at, .error = error, .chain = {.stay = at->stay}};
	enum vmsnd_rc rc = rules ? check_rules(rules, error) : VMSND_OK;
	bool apply = true;

	vmsnd_leaf_bool(output, VMSND_RULES_LEAF, true, &apply);
	if (rc || !rules || !rules->children.first || !apply)
		return rc;
	vmsnd_error_set(error, NULL, "transforms: no memory");
	vmsnd_node_path(output, run.path, sizeof(run.path));
	snprintf(run.lun, sizeof(run.lun), "%u", at->lun);
	if (!run.path[0]) /* a chain that is not in a file, or not any more */
		snprintf(run.path, sizeof(run.path), "output %u", at->lun);
	run.told = vmsnd_tree_new();
	rc = run.told ? vmsnd_rule_chain_begin(&run.chain, output, error) : VMSND_E_NOMEM;
	for (; !rc && run.element <= run.chain.n; run.element++)
		rc = visit(&run, rules);
	if (!rc)
		rc = hand_over(&run, output);
	vmsnd_rule_chain_end(&run.chain);
	vmsnd_tree_free(run.told);
	return rc;
}
