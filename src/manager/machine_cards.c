/* SPDX-License-Identifier: BSD-3-Clause */
/* Which cards a machine has: added, found, removed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/node.h"
#include "manager/card.h"
#include "manager/machine.h"
#include "manager/schema.h"

/* ---- the tables ---- */

static enum vmsnd_rc free_index(struct vmsnd_machine *machine, unsigned *index)
{
	struct vmsnd_card **cards;

	for (*index = 0; *index < machine->cards_end; ++*index)
		if (!machine->cards[*index])
			return VMSND_OK;
	if (machine->cards_end == VMSND_CARDS_MAX)
		return VMSND_E_LIMIT;
	cards = realloc(machine->cards, (machine->cards_end + 1) * sizeof(struct vmsnd_card *));
	if (!cards)
		return VMSND_E_NOMEM;
	machine->cards = cards;
	return VMSND_OK;
}

static void link_card(struct vmsnd_machine *machine, struct vmsnd_card *card)
{
	if (card->index == machine->cards_end)
		machine->cards_end++;
	machine->cards[card->index] = card;
	card->before = machine->last;
	*(machine->last ? &machine->last->after : &machine->first) = card;
	machine->last = card;
}

static void unlink_card(struct vmsnd_machine *machine, struct vmsnd_card *card)
{
	machine->cards[card->index] = NULL;
	while (machine->cards_end > 0 && !machine->cards[machine->cards_end - 1])
		machine->cards_end--;
	*(card->before ? &card->before->after : &machine->first) = card->after;
	*(card->after ? &card->after->before : &machine->last) = card->before;
}

static const struct vmsnd_card *named(const struct vmsnd_machine *machine, const char *name)
{
	for (const struct vmsnd_card *card = machine->first; card; card = card->after)
		if (strcmp(card->name, name) == 0)
			return card;
	return NULL;
}

/* ---- what a new card is to be ---- */

static enum vmsnd_rc fail(const struct vmsnd_machine *machine, enum vmsnd_rc rc,
			  const struct vmsnd_node *node, const char *line)
{
	struct vmsnd_place place = vmsnd_node_place(node);
	struct vmsnd_error error;

	vmsnd_error_set(&error, &place, "%s", line);
	vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s", error.line);
	return rc;
}

static const char *name_of(const struct vmsnd_machine *machine, const struct vmsnd_node *node,
			   unsigned index, char room[32])
{
	const char *name;

	if (*vmsnd_node_name(node))
		return vmsnd_node_name(node);
	vmsnd_leaf_text(node, "name", NULL, &name);
	if (name)
		return name;
	do
		snprintf(room, 32, "card%u", index++);
	while (named(machine, room));
	return room;
}

static enum vmsnd_rc choose_name(const struct vmsnd_machine *machine, const struct vmsnd_node *node,
				 unsigned index, struct vmsnd_card_plan *plan, char room[32])
{
	char line[VMSND_NODE_NAME_BYTES + 48];

	plan->name = name_of(machine, node, index, room);
	if (!vmsnd_name_is_good(plan->name, strlen(plan->name)))
		return fail(machine, VMSND_E_INVALID, node,
			    "a card's name has at most 63 bytes, no dot and no control character");
	if (!named(machine, plan->name))
		return VMSND_OK;
	snprintf(line, sizeof(line), "'%s': a card of this name is there already", plan->name);
	return fail(machine, VMSND_E_EXISTS, node, line);
}

static bool is_of(const struct vmsnd_card *card, const char *device)
{
	return strcmp(card->cls->name, device) == 0;
}

void vmsnd_machine_numbers(const struct vmsnd_machine *machine, const char *device,
			   struct vmsnd_numbers *taken)
{
	*taken = (struct vmsnd_numbers){0};
	for (const struct vmsnd_card *card = machine->first; card; card = card->after)
		if (is_of(card, device))
			vmsnd_numbers_take(taken, card->number);
}

bool vmsnd_numbers_take(struct vmsnd_numbers *taken, uint64_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64;
	bool free = number < VMSND_CARDS_MAX && !(taken->bits[number / 64] & bit);

	if (free)
		taken->bits[number / 64] |= bit;
	return free;
}

uint64_t vmsnd_numbers_take_lowest(struct vmsnd_numbers *taken)
{
	uint64_t number = 0;

	while (number < VMSND_CARDS_MAX && !vmsnd_numbers_take(taken, number))
		number++;
	return number;
}

/* A number among the instances of its device (DM-33, DM-34). */
static enum vmsnd_rc choose_number(const struct vmsnd_machine *machine,
				   const struct vmsnd_newcomer *newcomer, unsigned *out)
{
	const struct vmsnd_node *node = newcomer->node;
	const struct vmsnd_dev_class *cls;
	struct vmsnd_numbers taken;
	const char *device;
	uint64_t number;
	unsigned n = 0;

	vmsnd_leaf_text(node, "device", "", &device);
	cls = vmsnd_registry_find_device(machine->registry, device);
	for (const struct vmsnd_card *card = machine->first; card; card = card->after)
		n += strcmp(card->cls->name, device) == 0; /* a traced one's class is a copy */
	if (cls && n >= cls->max_instances)
		return fail(machine, VMSND_E_LIMIT, node,
			    "there are as many cards of this device as it allows");
	vmsnd_machine_numbers(machine, device, &taken);
	if (vmsnd_leaf_uint(node, "number", newcomer->number, &number) ||
	    (number != VMSND_NUMBER_LOWEST && number >= VMSND_CARDS_MAX))
		return fail(machine, VMSND_E_INVALID, node, "number: it must be from 0 to 4095");
	if (number == VMSND_NUMBER_LOWEST)
		number = vmsnd_numbers_take_lowest(&taken);
	else if (!vmsnd_numbers_take(&taken, number))
		return fail(machine, VMSND_E_EXISTS, node,
			    "a card of this device has the same number");
	*out = (unsigned)number;
	return VMSND_OK;
}

static unsigned n_cards_of(const struct vmsnd_lane *lane)
{
	unsigned n;

	vmsnd_lane_lock((struct vmsnd_lane *)lane);
	n = lane->n_cards;
	vmsnd_lane_unlock((struct vmsnd_lane *)lane, false);
	return n;
}

/* The one that it asks for, which the check has found to be there, or one with few cards. */
static struct vmsnd_lane *choose_lane(const struct vmsnd_machine *machine,
				      const struct vmsnd_node *node)
{
	struct vmsnd_lane *chosen = NULL;
	uint64_t wish;
	unsigned fewest = UINT32_MAX;

	vmsnd_leaf_uint(node, "lane", UINT64_MAX, &wish);
	if (wish < machine->n_lanes)
		return machine->lanes[wish];
	for (unsigned i = 0; i < machine->n_lanes; i++) {
		unsigned n = n_cards_of(machine->lanes[i]);

		if (n < fewest) {
			chosen = machine->lanes[i];
			fewest = n;
		}
	}
	return chosen;
}

/* ---- adding ---- */

static enum vmsnd_rc open_card(struct vmsnd_machine *machine, struct vmsnd_card *card,
			       const struct vmsnd_card_plan *plan, vmsnd_ns now)
{
	vmsnd_ns at;
	enum vmsnd_rc rc;

	vmsnd_lane_lock(card->lane);
	at = vmsnd_lane_time(card->lane, now);
	card->held = machine->phase != VMSND_MACHINE_ON;
	rc = vmsnd_card_open(card, plan, at);
	if (rc)
		vmsnd_lane_let_go(plan->lane, card, at);
	else if (machine->changing)
		vmsnd_card_life_begin(card, machine->life);
	vmsnd_lane_unlock(plan->lane, true);
	return rc;
}

/* DM-41 */
static enum vmsnd_rc complete(struct vmsnd_machine *machine, struct vmsnd_card *card, vmsnd_ns now)
{
	enum vmsnd_rc rc;

	if (!card->cls->init_complete)
		return VMSND_OK;
	vmsnd_lane_lock(card->lane);
	rc = card->cls->init_complete(card->dev, vmsnd_lane_time(card->lane, now));
	vmsnd_lane_unlock(card->lane, true);
	if (rc)
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s: %s did not come up: %s", card->name,
			   card->cls->name, vmsnd_rc_text(rc));
	return rc;
}

enum vmsnd_rc vmsnd_machine_put(struct vmsnd_machine *machine,
				const struct vmsnd_newcomer *newcomer, vmsnd_ns now,
				struct vmsnd_card **out)
{
	const struct vmsnd_node *node = newcomer->node;
	struct vmsnd_card_plan plan = {
	    .machine = machine, .node = node, .listen_fd = newcomer->listen_fd};
	char room[32];
	enum vmsnd_rc rc = free_index(machine, &plan.index);

	if (rc)
		return fail(machine, rc, node, "there are too many cards");
	rc = choose_name(machine, node, plan.index, &plan, room);
	if (!rc)
		rc = choose_number(machine, newcomer, &plan.number);
	if (!rc) {
		plan.lane = choose_lane(machine, node);
		rc = vmsnd_card_make(&plan, out);
	}
	if (!rc)
		rc = open_card(machine, *out, &plan, now);
	if (!rc)
		link_card(machine, *out);
	return rc;
}

enum vmsnd_rc vmsnd_machine_complete(struct vmsnd_machine *machine, struct vmsnd_card *card,
				     vmsnd_ns now)
{
	return complete(machine, card, now);
}

/* The newcomer as a configuration of its own, so that it is held to the same rules as one of a
 * file. */
static bool write_alone(const struct vmsnd_machine *machine, const struct vmsnd_node *node,
			const char *name, struct vmsnd_node *root)
{
	struct vmsnd_node *cards = vmsnd_node_make(root, "cards");
	struct vmsnd_node *card = cards ? vmsnd_node_make(cards, name) : NULL;

	if (!card || vmsnd_tree_merge(card, node, true))
		return false;
	vmsnd_leaf_remove(card, "name"); /* it is the key */
	return !machine->rules || !vmsnd_tree_merge(root, machine->rules, true);
}

static enum vmsnd_rc check_alone(const struct vmsnd_machine *machine, const struct vmsnd_node *node)
{
	struct vmsnd_node *root = vmsnd_tree_new();
	struct vmsnd_error error = {"out of memory for a card"};
	enum vmsnd_rc rc = VMSND_E_NOMEM;
	char room[32];
	const char *name = name_of(machine, node, 0, room);

	if (!vmsnd_name_is_good(name, strlen(name)))
		rc = VMSND_OK; /* a line of its own says so */
	else if (root && write_alone(machine, node, name, root))
		rc = vmsnd_schema_check_for(machine->registry, machine->n_lanes, root, &error);
	if (rc)
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s", error.line);
	vmsnd_tree_free(root);
	return rc;
}

enum vmsnd_rc vmsnd_machine_add_node(struct vmsnd_machine *machine, const struct vmsnd_node *node,
				     int listen_fd, vmsnd_ns now, unsigned *number)
{
	const struct vmsnd_newcomer newcomer = {node, VMSND_NUMBER_LOWEST, listen_fd};
	struct vmsnd_card *card;
	enum vmsnd_rc rc;

	vmsnd_machine_plan_lock(machine);
	rc = check_alone(machine, node);
	if (!rc)
		rc = vmsnd_machine_put(machine, &newcomer, now, &card);
	if (!rc) {
		rc = complete(machine, card, now);
		if (rc)
			vmsnd_machine_drop(machine, card, now);
	}
	if (!rc && number)
		*number = card->index;
	vmsnd_machine_plan_unlock(machine);
	if (!rc)
		vmsnd_machine_tell_changed(machine);
	return rc;
}

/* The texts of the simple interface as a node. */
static enum vmsnd_rc node_of(const struct vmsnd_card_conf *conf, struct vmsnd_node *node,
			     struct vmsnd_error *error)
{
	struct vmsnd_node *outputs;
	enum vmsnd_rc rc =
	    vmsnd_tree_from_text(node, "device", conf->device ? conf->device : "", NULL, error);

	if (!rc && conf->transport)
		rc = vmsnd_leaf_set_text(node, "transport", conf->transport);
	outputs = rc ? NULL : vmsnd_node_make(node, "outputs");
	if (!outputs)
		return rc ? rc : VMSND_E_NOMEM;
	vmsnd_node_set_list(outputs, true);
	for (unsigned i = 0; !rc && i < VMSND_OUTPUTS_MAX; i++) {
		const char *first = conf->backend ? conf->backend : VMSND_SCHEMA_BACKEND;
		const char *text = i == 0 ? first : conf->more[i - 1];
		struct vmsnd_chain_conf chain = {.backend = text};
		char name[8];
		struct vmsnd_node *output;

		if (!text)
			break;
		snprintf(name, sizeof(name), "%u", i);
		output = vmsnd_node_make(outputs, name);
		rc = output ? vmsnd_card_chain_write(output, &chain, 0, error) : VMSND_E_NOMEM;
	}
	return rc;
}

enum vmsnd_rc vmsnd_machine_add(struct vmsnd_machine *machine, const struct vmsnd_card_conf *conf,
				vmsnd_ns now)
{
	struct vmsnd_node *node = vmsnd_tree_new();
	struct vmsnd_error error = {"out of memory for a card"};
	enum vmsnd_rc rc = node ? node_of(conf, node, &error) : VMSND_E_NOMEM;

	if (rc)
		vmsnd_logf(&machine->log, VMSND_LOG_ERROR, "%s", error.line);
	else
		rc = vmsnd_machine_add_node(machine, node, conf->listen_fd, now, NULL);
	vmsnd_tree_free(node);
	return rc;
}

/* ---- removing ---- */

void vmsnd_machine_drop(struct vmsnd_machine *machine, struct vmsnd_card *card, vmsnd_ns now)
{
	struct vmsnd_lane *lane = card->lane;

	unlink_card(machine, card);
	vmsnd_lane_lock(lane);
	machine->sessions_ended += card->sessions_ended;
	vmsnd_lane_let_go(lane, card, vmsnd_lane_time(lane, now));
	vmsnd_lane_unlock(lane, true);
}

enum vmsnd_rc vmsnd_machine_remove(struct vmsnd_machine *machine, unsigned number, vmsnd_ns now)
{
	struct vmsnd_card *card;

	vmsnd_machine_plan_lock(machine);
	card = number < machine->cards_end ? machine->cards[number] : NULL;
	if (card) {
		vmsnd_logf(&machine->log, VMSND_LOG_INFO, "%s: removed", card->name);
		vmsnd_machine_drop(machine, card, now);
	}
	vmsnd_machine_plan_unlock(machine);
	if (card)
		vmsnd_machine_tell_changed(machine);
	return card ? VMSND_OK : VMSND_E_NO_CARD;
}

/* ---- finding ---- */

const char *vmsnd_machine_card_name(const struct vmsnd_machine *machine, unsigned number)
{
	const char *name = NULL;

	vmsnd_machine_plan_lock(machine);
	if (number < machine->cards_end && machine->cards[number])
		name = machine->cards[number]->name;
	vmsnd_machine_plan_unlock(machine);
	return name;
}

unsigned vmsnd_machine_cards_end(const struct vmsnd_machine *machine)
{
	unsigned end;

	vmsnd_machine_plan_lock(machine);
	end = machine->cards_end;
	vmsnd_machine_plan_unlock(machine);
	return end;
}

enum vmsnd_rc vmsnd_machine_card_find(const struct vmsnd_machine *machine, const char *name,
				      unsigned *number)
{
	const struct vmsnd_card *card;

	vmsnd_machine_plan_lock(machine);
	card = named(machine, name);
	if (card)
		*number = card->index;
	vmsnd_machine_plan_unlock(machine);
	return card ? VMSND_OK : VMSND_E_NO_CARD;
}

struct vmsnd_machine_status vmsnd_machine_status(const struct vmsnd_machine *machine)
{
	struct vmsnd_machine_status status = {.lanes = machine->conf.lanes};

	vmsnd_machine_plan_lock(machine);
	status.sessions_ended = machine->sessions_ended;
	for (const struct vmsnd_card *card = machine->first; card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		status.cards++;
		status.connected += card->connected;
		status.sessions_ended += card->sessions_ended;
		vmsnd_lane_unlock(card->lane, false);
	}
	for (unsigned i = 0; i < machine->n_lanes; i++) {
		vmsnd_lane_lock(machine->lanes[i]);
		status.hiccups += machine->lanes[i]->clock.hiccups;
		vmsnd_lane_unlock(machine->lanes[i], false);
	}
	vmsnd_machine_plan_unlock(machine);
	return status;
}
