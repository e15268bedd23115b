/* SPDX-License-Identifier: BSD-3-Clause */
/* How a card is put together from its texts, and taken apart. */
#include "manager/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT       64u
#define UNTOUCHED_BYTES (256u * 1024u)
#define ERROR_BYTES     400u

/* calloc takes blocks of this size fresh from the system; smaller ones it zeroes itself. */
void *vmsnd_card_zeroed(size_t bytes, void **block)
{
	uintptr_t at;

	if (bytes < UNTOUCHED_BYTES)
		bytes = UNTOUCHED_BYTES;
	*block = calloc(1, bytes + ALIGNMENT);
	at = ((uintptr_t)*block + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
	return *block ? (void *)at : NULL;
}

static void join_tables(struct vmsnd_card *card)
{
	const struct vmsnd_option *const tables[] = {card->transport->options, card->cls->options,
						     vmsnd_card_options()};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct vmsnd_option *row = tables[i]; row && row->key; row++)
			if (n + 1 < VMSND_CARD_OPTIONS_MAX)
				card->table[n++] = *row;
	card->table[n] = (struct vmsnd_option){.key = NULL};
}

/* Splits "class,options" into the class' name and the rest. */
static const char *split(const char *text, char *name, size_t bytes)
{
	size_t length = strcspn(text, ",");

	snprintf(name, bytes, "%.*s", (int)length, text);
	return text[length] ? text + length + 1 : "";
}

static enum vmsnd_rc fail(struct vmsnd_card *card, enum vmsnd_rc rc, const char *line)
{
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_ERROR, "%s", line);
	return rc;
}

/* Finds the classes and parses the options; on VMSND_E_INVALID `error` holds the line. */
static enum vmsnd_rc choose_device(struct vmsnd_card *card, const struct vmsnd_card_conf *conf,
				   char *error, size_t bytes)
{
	const char *transport = conf->transport ? conf->transport : "vhost-user";
	char name[64];
	const char *options = split(conf->device ? conf->device : "", name, sizeof(name));

	card->cls = vmsnd_registry_find_device(NULL, name);
	if (!card->cls || card->cls->abi != VMSND_DEV_ABI) {
		snprintf(error, bytes, "there is no device '%s'; 'vmsnd devices' lists them", name);
		return VMSND_E_INVALID;
	}
	card->transport = vmsnd_registry_find_transport(NULL, transport);
	if (!card->transport || card->transport->abi != VMSND_TRANSPORT_ABI) {
		snprintf(error, bytes, "there is no transport '%s'", transport);
		return VMSND_E_INVALID;
	}
	join_tables(card);
	return vmsnd_conf_parse(&card->conf, card->table, name, options, error, bytes);
}

static enum vmsnd_rc take_device(struct vmsnd_card *card, const struct vmsnd_card_conf *conf)
{
	char error[ERROR_BYTES];

	if (choose_device(card, conf, error, sizeof(error)))
		return fail(card, VMSND_E_INVALID, error);
	if (vmsnd_conf_given(&card->conf, "name"))
		snprintf(card->name, sizeof(card->name), "%s",
			 vmsnd_conf_text(&card->conf, "name"));
	else
		snprintf(card->name, sizeof(card->name), "card%u", card->index);
	return VMSND_OK;
}

bool vmsnd_machine_wants_socket(const struct vmsnd_card_conf *conf)
{
	struct vmsnd_card *card = calloc(1, sizeof(*card));
	char error[ERROR_BYTES];
	bool wants = card && choose_device(card, conf, error, sizeof(error)) == VMSND_OK &&
		     !vmsnd_conf_given(&card->conf, "socket") &&
		     !vmsnd_conf_given(&card->conf, "socket-fd");

	free(card);
	return wants;
}

enum vmsnd_dir vmsnd_card_port_dir(const struct vmsnd_card *card, unsigned port)
{
	return port < card->n_playback ? VMSND_PLAYBACK : VMSND_CAPTURE;
}

static enum vmsnd_rc open_port(struct vmsnd_card *card, struct vmsnd_card_port *slot,
			       enum vmsnd_dir dir)
{
	struct vmsnd_port_conf conf = {
	    .dir = dir, .enabled = card->enabled[dir], .env = vmsnd_machine_env(card->machine)};

	conf.ring_storage = vmsnd_card_zeroed(VMSND_PORT_RING_BYTES, &slot->ring_block);
	slot->port = vmsnd_card_zeroed(vmsnd_port_footprint(), &slot->port_block);
	if (!conf.ring_storage || !slot->port) {
		slot->port = NULL;
		return fail(card, VMSND_E_NOMEM, "out of memory for a stream");
	}
	vmsnd_port_init(slot->port, &conf);
	return VMSND_OK;
}

static enum vmsnd_rc open_ports(struct vmsnd_card *card)
{
	card->n_playback = (unsigned)vmsnd_conf_uint(&card->conf, "playback");
	card->n_ports = card->n_playback + (unsigned)vmsnd_conf_uint(&card->conf, "capture");
	card->enabled[VMSND_PLAYBACK] = vmsnd_conf_bool(&card->conf, "output");
	card->enabled[VMSND_CAPTURE] = vmsnd_conf_bool(&card->conf, "input");
	card->ports = calloc(card->n_ports ? card->n_ports : 1, sizeof(*card->ports));
	if (!card->ports)
		return fail(card, VMSND_E_NOMEM, "out of memory for streams");
	for (unsigned i = 0; i < card->n_ports; i++) {
		enum vmsnd_dir dir = vmsnd_card_port_dir(card, i);
		enum vmsnd_rc rc = open_port(card, &card->ports[i], dir);

		if (rc)
			return rc;
	}
	return VMSND_OK;
}

static struct vmsnd_port *find_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct vmsnd_card *card = ctx;
	unsigned at = dir == VMSND_PLAYBACK ? index : card->n_playback + index;

	return card->ports[at].port;
}

static void notify(void *ctx, unsigned vector)
{
	struct vmsnd_card *card = ctx;

	card->transport->notify(card->bus, vector);
}

static enum vmsnd_rc open_device(struct vmsnd_card *card, vmsnd_ns now)
{
	struct vmsnd_dev_conf conf = {
	    .name = card->name,
	    .playback_streams = card->n_playback,
	    .capture_streams = card->n_ports - card->n_playback,
	    .options = &card->conf,
	};
	size_t bytes = card->cls->footprint(&conf);
	char error[ERROR_BYTES];

	if (bytes == 0) {
		snprintf(error, sizeof(error),
			 "%s: %s cannot have %u playback and %u capture streams", card->name,
			 card->cls->name, conf.playback_streams, conf.capture_streams);
		return fail(card, VMSND_E_INVALID, error);
	}
	card->dev = calloc(1, bytes);
	card->mem = calloc(1, sizeof(*card->mem));
	if (!card->dev || !card->mem)
		return fail(card, VMSND_E_NOMEM, "out of memory for a card");
	card->env = (struct vmsnd_dev_env){.ctx = card,
					   .mem = card->mem,
					   .notify = notify,
					   .port = find_port,
					   .guest_fault = vmsnd_card_guest_fault};
	return card->cls->init(card->dev, &conf, &card->env, now);
}

static enum vmsnd_rc watch(void *ctx, int fd, unsigned tag)
{
	struct vmsnd_card *card = ctx;
	const struct vmsnd_poller *poller = vmsnd_machine_poller(card->machine);

	if (!poller->watch)
		return VMSND_E_UNSUPPORTED;
	return poller->watch(poller->ctx, fd, (uint64_t)card->index << 32 | tag);
}

static void unwatch(void *ctx, int fd)
{
	struct vmsnd_card *card = ctx;
	const struct vmsnd_poller *poller = vmsnd_machine_poller(card->machine);

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
					    .log = vmsnd_machine_log(card->machine)};

	return card->transport->open(&conf, &user, &card->bus);
}

static enum vmsnd_rc open_outputs(struct vmsnd_card *card, const struct vmsnd_card_conf *conf,
				  vmsnd_ns now)
{
	unsigned number;
	enum vmsnd_rc rc =
	    vmsnd_card_attach(card, conf->backend ? conf->backend : "null", now, &number);

	for (unsigned i = 0; !rc && i + 1 < VMSND_OUTPUTS_MAX && conf->more[i]; i++)
		rc = vmsnd_card_attach(card, conf->more[i], now, &number);
	return rc;
}

enum vmsnd_rc vmsnd_card_open(struct vmsnd_card *card, const struct vmsnd_card_conf *conf,
			      vmsnd_ns now)
{
	enum vmsnd_rc rc = take_device(card, conf);

	card->time = now;
	card->next = VMSND_NEVER;
	card->touched = true;
	if (!rc)
		rc = open_ports(card);
	if (!rc)
		rc = open_outputs(card, conf, now);
	if (!rc)
		rc = open_device(card, now);
	if (!rc)
		rc = open_transport(card, conf->listen_fd);
	return rc;
}

void vmsnd_card_close(struct vmsnd_card *card, vmsnd_ns now)
{
	if (card->bus)
		card->transport->close(card->bus, now);
	card->bus = NULL;
	for (unsigned i = 0; card->ports && i < card->n_ports; i++) {
		if (card->ports[i].port)
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
	if (card->leaving)
		return false;
	for (unsigned i = 0; card->ports && i < card->n_ports; i++) {
		free(card->ports[i].port_block);
		free(card->ports[i].ring_block);
	}
	free(card->ports);
	free(card->dev);
	free(card->mem);
	free(card);
	return true;
}
