/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's side of a card in this process: the transport's, with the card brought up to
 * the caller's time before each call and looked at again after it. */
#include "manager/card.h"
#include "manager/machine.h"

/* Whoever calls has the card's lane meanwhile: a virtual CPU's thread, as a rule. */
static struct vmsnd_guest_bus *look(struct vmsnd_card *card)
{
	vmsnd_lane_lock(card->lane);
	return &card->guest;
}

static struct vmsnd_guest_bus *enter(struct vmsnd_card *card, vmsnd_ns *now)
{
	vmsnd_lane_lock(card->lane);
	*now = vmsnd_lane_time(card->lane, *now);
	vmsnd_card_advance(card, *now);
	vmsnd_card_touch(card);
	if (*now < card->time)
		*now = card->time;
	return &card->guest;
}

static uint64_t features(void *ctx)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = look(card);
	uint64_t offered = bus->features(bus->ctx);

	vmsnd_lane_unlock(card->lane, false);
	return offered;
}

static enum vmsnd_rc set_features(void *ctx, uint64_t accepted)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = look(card);
	enum vmsnd_rc rc = bus->set_features(bus->ctx, accepted);

	vmsnd_lane_unlock(card->lane, false);
	return rc;
}

static enum vmsnd_rc config_read(void *ctx, uint32_t offset, void *to, uint32_t bytes)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = look(card);
	enum vmsnd_rc rc = bus->config_read(bus->ctx, offset, to, bytes);

	vmsnd_lane_unlock(card->lane, false);
	return rc;
}

static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = look(card);
	enum vmsnd_rc rc = bus->share(bus->ctx, gpa, at, bytes);

	vmsnd_lane_unlock(card->lane, false);
	return rc;
}

static enum vmsnd_rc queue_start(void *ctx, unsigned queue, const struct vmsnd_queue_setup *setup,
				 vmsnd_ns now)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = enter(card, &now);
	enum vmsnd_rc rc = bus->queue_start(bus->ctx, queue, setup, now);

	vmsnd_lane_unlock(card->lane, true);
	return rc;
}

static enum vmsnd_rc queue_stop(void *ctx, unsigned queue, uint32_t *next_avail, vmsnd_ns now)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = enter(card, &now);
	enum vmsnd_rc rc = bus->queue_stop(bus->ctx, queue, next_avail, now);

	vmsnd_lane_unlock(card->lane, true);
	return rc;
}

static enum vmsnd_rc queue_reset(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = enter(card, &now);
	enum vmsnd_rc rc = VMSND_E_UNSUPPORTED;

	if (bus->queue_reset)
		rc = bus->queue_reset(bus->ctx, queue, now);
	vmsnd_lane_unlock(card->lane, true);
	return rc;
}

static enum vmsnd_rc kick(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = enter(card, &now);
	enum vmsnd_rc rc = bus->kick(bus->ctx, queue, now);

	vmsnd_lane_unlock(card->lane, true);
	return rc;
}

static bool interrupted(void *ctx, unsigned queue)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_guest_bus *bus = look(card);
	bool was = bus->interrupted(bus->ctx, queue);

	vmsnd_lane_unlock(card->lane, false);
	return was;
}

static enum vmsnd_rc guest_bus(struct vmsnd_card *card, struct vmsnd_guest_bus *out)
{
	if (!card->transport->guest_bus || !card->cls->virtio)
		return VMSND_E_INVALID;
	card->transport->guest_bus(card->bus, &card->guest);
	*out = (struct vmsnd_guest_bus){.ctx = card,
					.features = features,
					.set_features = set_features,
					.config_read = config_read,
					.share = share,
					.queue_start = queue_start,
					.queue_stop = queue_stop,
					.kick = kick,
					.interrupted = interrupted,
					.queue_reset = queue_reset};
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_guest_bus(struct vmsnd_machine *machine, unsigned card,
				      struct vmsnd_guest_bus *out)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc;

	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	rc = guest_bus(seat.card, out);
	vmsnd_seat_leave(&seat);
	return rc;
}
