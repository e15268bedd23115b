/* SPDX-License-Identifier: BSD-3-Clause */
/* A card's part in the life of its machine: its connector, then for each output the drivers from
 * top to bottom and the backend, then the device; or the device first, where its class asks for it
 * (LC-01, LC-02). What a part that needs time stands in the way of is asked later (LC-03). */
#include "manager/card.h"
#include "manager/machine.h"

/* Slower than this, it is worth a line (LC-06). */
#define SLOW_NS UINT64_C(250000000)

void vmsnd_card_life_begin(struct vmsnd_card *card, enum vmsnd_life what)
{
	card->life = what;
	card->connector_life = card->device_life = (struct vmsnd_life_part){0};
	for (struct vmsnd_output *output = card->live; output; output = output->next)
		output->drivers_life = output->backend_life = (struct vmsnd_life_part){0};
}

void vmsnd_card_stand(struct vmsnd_card *card, vmsnd_ns now)
{
	bool stand = card->paused || card->held || card->moving;

	if (card->standing == stand)
		return;
	card->standing = stand;
	if (card->inited)
		vmsnd_card_bring_up(card, now);
	for (unsigned i = 0; i < card->n_ports; i++)
		vmsnd_port_pause(card->ports[i].port, stand, now);
	/* One that keeps time itself does so by the ports' pace: from this very moment on it is
	 * another. */
	if (card->inited)
		card->cls->advance(card->dev, card->time);
	vmsnd_card_touch(card);
}

/* ---- one part ---- */

struct asked {
	struct vmsnd_card *card;
	struct vmsnd_life_part *part;
	const char *who; /* "output 0 (file)" */
	vmsnd_ns now;
};

static bool late(const struct asked *asked)
{
	uint64_t limit_ns = (uint64_t)asked->card->machine->conf.life_limit_ms * 1000000u;

	return asked->now - asked->part->since >= limit_ns;
}

/* What a part has answered; true once it is done with, one way or another. */
static bool settle(const struct asked *asked, enum vmsnd_rc rc)
{
	const struct vmsnd_log *log = vmsnd_machine_log(asked->card->machine);
	const char *what = vmsnd_life_name(asked->card->life), *name = asked->card->name;
	vmsnd_ns took_ns = asked->now - asked->part->since;

	if (rc == VMSND_E_AGAIN && !late(asked))
		return false;
	if (rc == VMSND_E_AGAIN)
		vmsnd_logf(log, VMSND_LOG_WARNING,
			   "%s: %s: %s is not done after %llu ms; it goes on without it", name,
			   asked->who, what, (unsigned long long)(took_ns / 1000000u));
	else if (rc)
		vmsnd_logf(log, VMSND_LOG_WARNING, "%s: %s: %s failed: %s", name, asked->who, what,
			   vmsnd_rc_text(rc));
	else if (took_ns >= SLOW_NS)
		vmsnd_logf(log, VMSND_LOG_INFO, "%s: %s: %s took %llu ms", name, asked->who, what,
			   (unsigned long long)(took_ns / 1000000u));
	asked->part->done = true;
	return true;
}

static bool begins(struct vmsnd_life_part *part, vmsnd_ns now)
{
	bool first = !part->asked;

	if (first)
		part->since = now;
	part->asked = true;
	return first;
}

/* LC-10: suspend stops all streams where they are, resume has them go on, power-off ends them, and
 * a reset is the device's. */
static bool connector(struct vmsnd_card *card, vmsnd_ns now)
{
	static const struct {
		bool held, sets;
	} rows[VMSND_LIFE_COUNT] = {
	    [VMSND_LIFE_POWER_ON] = {.held = false, .sets = true},
	    [VMSND_LIFE_SUSPEND] = {.held = true, .sets = true},
	    [VMSND_LIFE_RESUME] = {.held = false, .sets = true},
	    [VMSND_LIFE_POWER_OFF] = {.held = true, .sets = true},
	};

	if (card->connector_life.done)
		return true;
	card->connector_life.done = true;
	if (card->life == VMSND_LIFE_POWER_OFF)
		for (unsigned i = 0; i < card->n_ports; i++)
			vmsnd_port_close(card->ports[i].port, now);
	if (card->life == VMSND_LIFE_RESUME && card->transport->go_on)
		card->transport->go_on(card->bus, now);
	if (rows[card->life].sets)
		card->held = rows[card->life].held;
	vmsnd_card_stand(card, now);
	return true;
}

static bool drivers(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	struct asked asked = {
	    .card = card, .part = &output->drivers_life, .who = "a driver", .now = now};
	enum vmsnd_rc rc;

	if (output->drivers_life.done || !output->now.drivers)
		return true;
	begins(asked.part, now);
	rc = vmsnd_drivers_life(output->now.drivers, card->life, now);
	if (rc == VMSND_E_AGAIN && late(&asked))
		asked.who = vmsnd_drivers_late(output->now.drivers);
	return settle(&asked, rc);
}

static bool backend(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now)
{
	struct vmsnd_backend *host = vmsnd_card_chain_backend(&output->now);
	const struct vmsnd_backend_class *cls = output->now.host->cls;
	struct asked asked = {
	    .card = card, .part = &output->backend_life, .who = cls->name, .now = now};

	if (output->backend_life.done)
		return true;
	begins(asked.part, now);
	return settle(&asked, host && cls->life ? cls->life(host, card->life, now) : VMSND_OK);
}

static bool device(struct vmsnd_card *card, vmsnd_ns now)
{
	bool resets = card->life == VMSND_LIFE_RESET || card->life == VMSND_LIFE_POWER_OFF;
	struct asked asked = {
	    .card = card, .part = &card->device_life, .who = card->cls->name, .now = now};

	if (card->device_life.done)
		return true;
	/* Nothing of before is pending afterwards (LC-07). A guest that is still there when its
	 * card goes is given back what it waits for. */
	if (begins(asked.part, now) && resets) {
		card->cls->reset(
		    card->dev,
		    card->life == VMSND_LIFE_RESET ? VMSND_RESET_BUS : VMSND_RESET_SHUTDOWN, now);
		if (card->transport->reset)
			card->transport->reset(card->bus);
	}
	return settle(&asked,
		      card->cls->life ? card->cls->life(card->dev, card->life, now) : VMSND_OK);
}

static bool device_first(const struct vmsnd_card *card)
{
	static const uint32_t flags[VMSND_LIFE_COUNT] = {
	    [VMSND_LIFE_RESET] = VMSND_DEV_FIRST_RESET,
	    [VMSND_LIFE_SUSPEND] = VMSND_DEV_FIRST_SUSPEND,
	    [VMSND_LIFE_POWER_OFF] = VMSND_DEV_FIRST_POWER_OFF,
	};

	return card->cls->flags & flags[card->life];
}

enum vmsnd_rc vmsnd_card_life_step(struct vmsnd_card *card, vmsnd_ns now)
{
	bool done = true;

	if (device_first(card) && !device(card, now))
		return VMSND_E_AGAIN;
	connector(card, now);
	for (struct vmsnd_output *output = card->live; output; output = output->next)
		done &= drivers(card, output, now) && backend(card, output, now);
	vmsnd_card_touch(card);
	return done && device(card, now) ? VMSND_OK : VMSND_E_AGAIN;
}
