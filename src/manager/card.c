/* SPDX-License-Identifier: BSD-3-Clause */
/* How a card is put together from its texts, and taken apart. */
#include "manager/card.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/machine.h"
#include "manager/schema.h"
#include "manager/window.h"
#include "os/pages.h"

/* What shares a cache line, or a page, with a port's parts is not written by others. */
#define ALIGNMENT 64u
/* Of one ring, whatever a class plans. */
#define RING_BYTES_MAX (64u * 1024u * 1024u)

/* Finds the classes and parses the options. */
static enum vmsnd_rc choose(struct vmsnd_card *card, const struct vmsnd_registry *registry,
			    const struct vmsnd_node *node, struct vmsnd_error *error)
{
	static const char *const but[] = {"device", NULL};
	struct vmsnd_conf_source source = {.node = node, .but = but};
	struct vmsnd_place place = vmsnd_node_place(node);
	const char *device, *transport;
	struct vmsnd_card_classes classes;
	enum vmsnd_rc rc;

	vmsnd_leaf_text(node, "device", "", &device);
	card->cls = vmsnd_registry_find_device(registry, device);
	if (!card->cls) {
		vmsnd_error_set(error, &place,
				"there is no device '%s'; 'vmsnd devices' lists them", device);
		return VMSND_E_NO_CLASS;
	}
	card->transport = vmsnd_card_transport(registry, node, card->cls);
	if (!card->transport) {
		vmsnd_leaf_text(node, "transport", vmsnd_card_usual_transport(card->cls),
				&transport);
		vmsnd_error_set(error, &place, "there is no transport '%s'", transport);
		return VMSND_E_NO_CLASS;
	}
	classes = (struct vmsnd_card_classes){card->cls, card->transport};
	vmsnd_card_join_options(card->table, &classes);
	source.who = device;
	if (vmsnd_card_check_transport(node, device, &classes, error) ||
	    vmsnd_card_only_children(
		node, "outputs", &(struct vmsnd_card_owner){device, card->cls->children}, error))
		return VMSND_E_INVALID;
	rc = vmsnd_conf_from_node(&card->conf, card->table, &source, error);
	return rc ? rc : vmsnd_window_take(node, &card->conf, device, &card->guard, error);
}

enum vmsnd_dir vmsnd_card_port_dir(const struct vmsnd_card *card, unsigned port)
{
	return port < card->n_playback ? VMSND_PLAYBACK : VMSND_CAPTURE;
}

/* ---- the one allocation ---- */

/* Where the parts of a card lie in its pages. */
struct layout {
	size_t ports, dev, mem, port, ring, bytes;
	size_t port_bytes;
};

static struct vmsnd_dev_conf dev_conf(const struct vmsnd_card *card)
{
	return (struct vmsnd_dev_conf){
	    .name = card->name,
	    .playback_streams = card->n_playback,
	    .capture_streams = card->n_ports - card->n_playback,
	    .options = &card->conf,
	    .node = card->node,
	};
}

static struct vmsnd_stream_plan plan_of(const struct vmsnd_card *card, unsigned port)
{
	struct vmsnd_stream_plan plan = {.outputs = UINT32_MAX};
	enum vmsnd_dir dir = vmsnd_card_port_dir(card, port);
	struct vmsnd_dev_conf conf = dev_conf(card);
	uint32_t whole = VMSND_PORT_RING_BYTES;

	if (card->cls->plan)
		card->cls->plan(&conf, dir, dir == VMSND_PLAYBACK ? port : port - card->n_playback,
				&plan);
	while (whole < plan.ring_bytes && whole < RING_BYTES_MAX)
		whole *= 2;
	plan.ring_bytes = whole;
	return plan;
}

static size_t take(size_t *at, size_t bytes)
{
	size_t from = *at;

	*at = (from + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return from;
}

static struct layout lay_out(const struct vmsnd_card *card, size_t dev_bytes)
{
	struct layout at = {.bytes = 0};

	at.port_bytes = (vmsnd_port_footprint() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	take(&at.bytes, sizeof(*card));
	at.ports = take(&at.bytes, card->n_ports * sizeof(struct vmsnd_card_port));
	at.dev = take(&at.bytes, dev_bytes);
	at.mem = take(&at.bytes, sizeof(struct vmsnd_gmem));
	at.port = take(&at.bytes, card->n_ports * at.port_bytes);
	at.ring = at.bytes;
	for (unsigned i = 0; i < card->n_ports; i++)
		take(&at.bytes, plan_of(card, i).ring_bytes);
	return at;
}

static void init_ports(struct vmsnd_card *card, char *ring)
{
	for (unsigned i = 0; i < card->n_ports; ring += card->ports[i++].plan.ring_bytes) {
		enum vmsnd_dir dir = vmsnd_card_port_dir(card, i);
		unsigned stream = dir == VMSND_PLAYBACK ? i : i - card->n_playback;
		struct vmsnd_port_conf conf = {.dir = dir,
					       .enabled = card->enabled[dir],
					       .env = &card->lane->env,
					       .ring_storage = ring,
					       .ring_bytes = card->ports[i].plan.ring_bytes};

		if (card->trace)
			conf.watch = vmsnd_trace_port(card->trace, dir, stream);
		vmsnd_port_init(card->ports[i].port, &conf);
	}
}

/* The rings are last. */
static char *rings_of(struct vmsnd_card *card)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < card->n_ports; i++)
		bytes += card->ports[i].plan.ring_bytes;
	return (char *)card + card->bytes - bytes;
}

/* Moves what was parsed into pages with room for all the rest. */
static struct vmsnd_card *settle(const struct vmsnd_card *parsed, size_t dev_bytes)
{
	struct layout at = lay_out(parsed, dev_bytes);
	char *base = vmsnd_pages_map(at.bytes);
	struct vmsnd_card *card = (void *)base;

	if (!card)
		return NULL;
	memcpy(card, parsed, sizeof(*card));
	card->conf.table = card->table;
	card->bytes = at.bytes;
	card->ports = (void *)(base + at.ports);
	card->dev = (void *)(base + at.dev);
	card->mem = (void *)(base + at.mem);
	for (unsigned i = 0; i < card->n_ports; i++) {
		card->ports[i].port = (void *)(base + at.port + i * at.port_bytes);
		card->ports[i].plan = plan_of(card, i);
	}
	return card;
}

static enum vmsnd_rc fail(const struct vmsnd_machine *machine, enum vmsnd_rc rc, const char *line)
{
	vmsnd_logf(vmsnd_machine_log(machine), VMSND_LOG_ERROR, "%s", line);
	return rc;
}

/* With the outputs that it is made with, for the device; what they are later is told anew whenever
 * somebody asks. */
static struct vmsnd_node *own_node(const struct vmsnd_node *node)
{
	struct vmsnd_node *own = vmsnd_tree_copy(node);

	if (own) {
		vmsnd_leaf_remove(own, "name");
		vmsnd_node_restrict(own);
	}
	return own;
}

enum vmsnd_rc vmsnd_card_check_device(const struct vmsnd_dev_class *cls,
				      const struct vmsnd_dev_conf *conf, struct vmsnd_error *error)
{
	struct vmsnd_place place = vmsnd_node_place(conf->node);

	vmsnd_error_set(error, &place, "%s: %s cannot be configured like this", conf->name,
			cls->name);
	return cls->check ? cls->check(conf, error) : VMSND_OK;
}

/* Of the node that it comes from, whose path and places are in messages. */
static enum vmsnd_rc check_plan(const struct vmsnd_card *card, const struct vmsnd_node *node,
				struct vmsnd_error *error)
{
	struct vmsnd_dev_conf conf = dev_conf(card);

	conf.node = node;
	return vmsnd_card_check_device(card->cls, &conf, error);
}

static enum vmsnd_rc take_plan(struct vmsnd_card *card, const struct vmsnd_card_plan *plan,
			       struct vmsnd_error *error)
{
	enum vmsnd_rc rc = choose(card, vmsnd_machine_registry(plan->machine), plan->node, error);

	if (rc)
		return rc;
	card->machine = plan->machine;
	card->lane = plan->lane;
	card->index = plan->index;
	card->number = plan->number;
	card->slot = UINT_MAX;
	snprintf(card->name, sizeof(card->name), "%s", plan->name);
	card->n_playback = (unsigned)vmsnd_conf_uint(&card->conf, "playback");
	card->n_ports = card->n_playback + (unsigned)vmsnd_conf_uint(&card->conf, "capture");
	card->enabled[VMSND_PLAYBACK] = vmsnd_conf_bool(&card->conf, "output");
	card->enabled[VMSND_CAPTURE] = vmsnd_conf_bool(&card->conf, "input");
	card->node = own_node(plan->node);
	if (card->node)
		return check_plan(card, plan->node, error);
	vmsnd_error_set(error, NULL, "out of memory for a card");
	return VMSND_E_NOMEM;
}

/* With pages of its own; *parsed is what was read. */
static enum vmsnd_rc make(struct vmsnd_card *parsed, const struct vmsnd_card_plan *plan,
			  struct vmsnd_card **out, struct vmsnd_error *error)
{
	enum vmsnd_rc rc = take_plan(parsed, plan, error);
	struct vmsnd_dev_conf conf;
	size_t bytes;

	if (rc)
		return rc;
	conf = dev_conf(parsed);
	bytes = parsed->cls->footprint(&conf);
	if (bytes == 0 || bytes > VMSND_DEV_BYTES_MAX) {
		struct vmsnd_place place = vmsnd_node_place(plan->node);

		return vmsnd_error_set(
		    error, &place, "%s: %s cannot have %u playback and %u capture streams",
		    parsed->name, parsed->cls->name, conf.playback_streams, conf.capture_streams);
	}
	*out = settle(parsed, bytes);
	if (*out)
		return VMSND_OK;
	vmsnd_error_set(error, NULL, "out of memory for a card");
	return VMSND_E_NOMEM;
}

/* Without a line of its own to the log; on failure its pages are gone. */
static enum vmsnd_rc equip(struct vmsnd_card *card)
{
	enum vmsnd_rc rc = vmsnd_card_guard_make(card);

	if (rc)
		vmsnd_pages_unmap(card, card->bytes);
	else
		init_ports(card, rings_of(card));
	return rc;
}

enum vmsnd_rc vmsnd_card_make(const struct vmsnd_card_plan *plan, struct vmsnd_card **out)
{
	struct vmsnd_card *parsed = calloc(1, sizeof(*parsed));
	struct vmsnd_error error;
	enum vmsnd_rc rc;

	if (!parsed)
		return fail(plan->machine, VMSND_E_NOMEM, "out of memory for a card");
	rc = make(parsed, plan, out, &error);
	if (rc)
		fail(plan->machine, rc, error.line);
	else
		rc = equip(*out);
	if (rc)
		vmsnd_tree_free(parsed->node);
	free(parsed);
	return rc;
}

/* ---- what the device and the transport are given ---- */

static struct vmsnd_port *find_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct vmsnd_card *card = ctx;
	unsigned at = dir == VMSND_PLAYBACK ? index : card->n_playback + index;

	return card->ports[at].port;
}

static void notify(void *ctx, unsigned vector)
{
	struct vmsnd_card *card = ctx;

	/* A device may have something to say before it has a transport, or after. */
	if (card->bus && card->transport->notify)
		card->transport->notify(card->bus, vector);
}

static void line(void *ctx, bool high)
{
	struct vmsnd_card *card = ctx;

	if (card->bus && card->transport->line)
		card->transport->line(card->bus, high);
}

static void message(void *ctx, const struct vmsnd_msi *what)
{
	struct vmsnd_card *card = ctx;

	if (card->bus && card->transport->message)
		card->transport->message(card->bus, what);
}

static void config_changed(void *ctx)
{
	struct vmsnd_card *card = ctx;

	if (card->bus && card->transport->config_changed)
		card->transport->config_changed(card->bus);
}

static enum vmsnd_rc open_device(struct vmsnd_card *card, vmsnd_ns now)
{
	struct vmsnd_dev_conf conf = dev_conf(card);
	enum vmsnd_rc rc;

	card->env = (struct vmsnd_dev_env){.ctx = card,
					   .mem = card->mem,
					   .notify = notify,
					   .line = line,
					   .message = message,
					   .port = find_port,
					   .guest_fault = vmsnd_card_guest_fault,
					   .mixer_changed = vmsnd_card_mixer_changed,
					   .config_changed = config_changed};
	if (card->trace)
		vmsnd_trace_env(card->trace, &card->env);
	rc = card->cls->init(card->dev, &conf, &card->env, now);
	card->inited = true;
	vmsnd_card_guard_device(card);
	if (rc)
		vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_ERROR,
			   "%s: %s did not come up: %s", card->name, card->cls->name,
			   vmsnd_rc_text(rc));
	return rc;
}

void vmsnd_card_touch(struct vmsnd_card *card)
{
	card->touched = true;
	if (card->slot < card->lane->n_slots)
		card->lane->due[card->slot] = 0;
}

static enum vmsnd_rc watch(void *ctx, int fd, unsigned tag)
{
	struct vmsnd_card *card = ctx;
	const struct vmsnd_poller *poller = &card->lane->poller;

	if (!poller->watch)
		return VMSND_E_UNSUPPORTED;
	return poller->watch(poller->ctx, fd, (uint64_t)card->slot << 32 | tag);
}

static void unwatch(void *ctx, int fd)
{
	struct vmsnd_card *card = ctx;
	const struct vmsnd_poller *poller = &card->lane->poller;

	if (poller->unwatch)
		poller->unwatch(poller->ctx, fd);
}

static enum vmsnd_rc open_transport(struct vmsnd_card *card, int listen_fd)
{
	struct vmsnd_transport_conf conf = {.options = &card->conf,
					    .name = card->name,
					    .listen_fd = listen_fd,
					    .card = {card->cls, card->dev},
					    .mem = card->mem};
	struct vmsnd_transport_user user = {.ctx = card,
					    .watch = watch,
					    .unwatch = unwatch,
					    .peer = vmsnd_card_peer,
					    .stand = vmsnd_card_user_stand,
					    .save = vmsnd_card_user_save,
					    .load = vmsnd_card_user_load,
					    .log = vmsnd_machine_log(card->machine)};

	return card->transport->open(&conf, &user, &card->bus);
}

/* The number of an output from its key. */
static enum vmsnd_rc output_number(const struct vmsnd_card *card, const struct vmsnd_node *node,
				   unsigned *number)
{
	struct vmsnd_place place = vmsnd_node_place(node);
	const char *name = vmsnd_node_name(node);
	struct vmsnd_error error;

	*number = (unsigned)(name[0] - '0');
	if (name[0] >= '0' && *number < VMSND_OUTPUTS_MAX && !name[1])
		return VMSND_OK;
	vmsnd_error_set(&error, &place, "%s: outputs: '%s' must be a number from 0 to %u",
			card->name, name, VMSND_OUTPUTS_MAX - 1);
	return fail(card->machine, VMSND_E_INVALID, error.line);
}

/* The outputs of a node: a list, which may be empty, or numbered with gaps (DM-76). Nothing said:
 * into nothing. */
static enum vmsnd_rc open_outputs(struct vmsnd_card *card, const struct vmsnd_node *node,
				  vmsnd_ns now)
{
	const struct vmsnd_node *outputs = vmsnd_node_find(node, "outputs");
	const struct vmsnd_node *at = outputs ? vmsnd_node_first(outputs) : NULL;
	struct vmsnd_chain_conf silent = {.backend = VMSND_SCHEMA_BACKEND};
	unsigned number = 0;
	enum vmsnd_rc rc = VMSND_OK;

	if (!outputs)
		return vmsnd_card_attach(card, &silent, now, &number);
	for (; !rc && at; at = vmsnd_node_next(at)) {
		rc = output_number(card, at, &number);
		if (!rc)
			rc = vmsnd_card_attach_node(card, at, now, &number);
		/* A rule may have taken it away, or there never was one: a socket without a plug.
		 */
		if (rc == VMSND_E_NO_VALUE)
			rc = VMSND_OK;
	}
	return rc;
}

enum vmsnd_rc vmsnd_card_open(struct vmsnd_card *card, const struct vmsnd_card_plan *plan,
			      vmsnd_ns now)
{
	enum vmsnd_rc rc = vmsnd_lane_seat(card->lane, card, &card->slot);

	card->time = now;
	card->next = VMSND_NEVER;
	card->touched = true;
	vmsnd_card_guard_tend(card, now);
	vmsnd_card_stand(card, now);
	if (!rc)
		rc = open_outputs(card, plan->node, now);
	if (!rc)
		rc = open_device(card, now);
	if (!rc)
		vmsnd_card_jacks_open(card, now);
	if (!rc)
		rc = open_transport(card, plan->listen_fd);
	return rc;
}

void vmsnd_card_close(struct vmsnd_card *card, vmsnd_ns now)
{
	if (card->bus)
		card->transport->close(card->bus, now);
	card->bus = NULL;
	if (card->inited && card->cls->fini)
		card->cls->fini(card->dev);
	card->inited = false;
	if (card->trace)
		vmsnd_trace_stop(card->trace);
	for (unsigned i = 0; i < card->n_ports; i++) {
		vmsnd_port_close(card->ports[i].port, now);
		for (unsigned point = 0; point < VMSND_TAP_COUNT; point++)
			vmsnd_card_detach(card, &card->ports[i].taps[point], now);
	}
	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++)
		vmsnd_card_detach(card, &card->outputs[i], now);
}

bool vmsnd_card_gone(struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_card_tend(card, now);
	if (card->leaving || (card->trace && !vmsnd_trace_gone(card->trace)))
		return false;
	vmsnd_tree_free(card->node);
	vmsnd_pages_unmap(card, card->bytes);
	return true;
}
