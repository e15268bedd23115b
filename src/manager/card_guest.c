/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's side of a card in this process: the transport's, with the card brought up to
 * the caller's time before each call and looked at again after it. */
#include "manager/card.h"

static struct vmsnd_guest_bus *enter(struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_card_advance(card, now);
	card->touched = true;
	return &card->guest;
}

static uint64_t features(void *ctx)
{
	struct vmsnd_card *card = ctx;

	return card->guest.features(card->guest.ctx);
}

static enum vmsnd_rc set_features(void *ctx, uint64_t accepted)
{
	struct vmsnd_card *card = ctx;

	return card->guest.set_features(card->guest.ctx, accepted);
}

static enum vmsnd_rc config_read(void *ctx, uint32_t offset, void *to, uint32_t bytes)
{
	struct vmsnd_card *card = ctx;

	return card->guest.config_read(card->guest.ctx, offset, to, bytes);
}

static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct vmsnd_card *card = ctx;

	return card->guest.share(card->guest.ctx, gpa, at, bytes);
}

static enum vmsnd_rc queue_start(void *ctx, unsigned queue, const struct vmsnd_queue_setup *setup,
				 vmsnd_ns now)
{
	struct vmsnd_guest_bus *bus = enter(ctx, now);

	return bus->queue_start(bus->ctx, queue, setup, now);
}

static enum vmsnd_rc queue_stop(void *ctx, unsigned queue, uint16_t *next_avail, vmsnd_ns now)
{
	struct vmsnd_guest_bus *bus = enter(ctx, now);

	return bus->queue_stop(bus->ctx, queue, next_avail, now);
}

static enum vmsnd_rc kick(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_guest_bus *bus = enter(ctx, now);

	return bus->kick(bus->ctx, queue, now);
}

static bool interrupted(void *ctx, unsigned queue)
{
	struct vmsnd_card *card = ctx;

	return card->guest.interrupted(card->guest.ctx, queue);
}

enum vmsnd_rc vmsnd_card_guest_bus(struct vmsnd_card *card, struct vmsnd_guest_bus *out)
{
	if (!card->transport->guest_bus)
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
					.interrupted = interrupted};
	return VMSND_OK;
}
