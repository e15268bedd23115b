/* SPDX-License-Identifier: BSD-3-Clause */
/* A card whose guest is a VMM's in this process: registers, interrupts, memory. */
#include "manager/card.h"
#include "manager/machine.h"

/* Such a card, held. */
static enum vmsnd_rc hold(struct vmsnd_machine *machine, unsigned number, vmsnd_ns now,
			  struct vmsnd_seat *seat)
{
	if (!vmsnd_seat_change(machine, number, now, seat))
		return VMSND_E_NO_CARD;
	if (seat->card->transport->interrupt)
		return VMSND_OK;
	vmsnd_seat_leave(seat);
	return VMSND_E_INVALID;
}

static uint64_t mmio_read(void *ctx, uint64_t offset, unsigned bytes)
{
	struct vmsnd_card *card = ctx;
	uint64_t value;

	vmsnd_lane_lock(card->lane);
	value = card->mmio.read(card->mmio.ctx, offset, bytes);
	vmsnd_lane_unlock(card->lane, false);
	return value;
}

static void mmio_write(void *ctx, uint64_t offset, unsigned bytes, uint64_t value, vmsnd_ns now)
{
	struct vmsnd_card *card = ctx;

	vmsnd_lane_lock(card->lane);
	now = vmsnd_lane_time(card->lane, now);
	vmsnd_card_advance(card, now);
	if (now < card->time)
		now = card->time;
	card->mmio.write(card->mmio.ctx, offset, bytes, value, now);
	vmsnd_card_touch(card);
	vmsnd_lane_unlock(card->lane, true);
}

static void pci_bar(void *ctx, unsigned index, struct vmsnd_pci_bar *out)
{
	struct vmsnd_card *card = ctx;

	vmsnd_lane_lock(card->lane);
	card->pci.bar(card->pci.ctx, index, out);
	vmsnd_lane_unlock(card->lane, false);
}

/* Takes the lane, with the card at the time of the access. */
static struct vmsnd_pci_access enter(struct vmsnd_card *card, const struct vmsnd_pci_access *access)
{
	struct vmsnd_pci_access at = *access;

	vmsnd_lane_lock(card->lane);
	at.now = vmsnd_lane_time(card->lane, at.now);
	vmsnd_card_advance(card, at.now);
	if (at.now < card->time)
		at.now = card->time;
	return at;
}

static void pci_read(void *ctx, const struct vmsnd_pci_access *access, void *to)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_pci_access at = enter(card, access);

	/* It makes nothing due sooner, so nobody need look: guests ask for positions over and over.
	 */
	card->pci.read(card->pci.ctx, &at, to);
	vmsnd_lane_unlock(card->lane, false);
}

static void pci_write(void *ctx, const struct vmsnd_pci_access *access, const void *from)
{
	struct vmsnd_card *card = ctx;
	struct vmsnd_pci_access at = enter(card, access);

	card->pci.write(card->pci.ctx, &at, from);
	vmsnd_card_touch(card);
	vmsnd_lane_unlock(card->lane, true);
}

enum vmsnd_rc vmsnd_machine_pci_bus(struct vmsnd_machine *machine, unsigned card,
				    struct vmsnd_pci_bus *out)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = VMSND_E_INVALID;

	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	if (seat.card->transport->pci_bus && seat.card->cls->pci) {
		seat.card->transport->pci_bus(seat.card->bus, &seat.card->pci);
		*out = (struct vmsnd_pci_bus){
		    .ctx = seat.card, .bar = pci_bar, .read = pci_read, .write = pci_write};
		rc = VMSND_OK;
	}
	vmsnd_seat_leave(&seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_mmio_bus(struct vmsnd_machine *machine, unsigned card,
				     struct vmsnd_mmio_bus *out)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = VMSND_E_INVALID;

	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	if (seat.card->transport->mmio_bus) {
		seat.card->transport->mmio_bus(seat.card->bus, &seat.card->mmio);
		*out = (struct vmsnd_mmio_bus){
		    .ctx = seat.card, .read = mmio_read, .write = mmio_write};
		rc = VMSND_OK;
	}
	vmsnd_seat_leave(&seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_interrupt(struct vmsnd_machine *machine, unsigned card,
				      const struct vmsnd_interrupt *to)
{
	struct vmsnd_seat seat;
	bool able;

	if (!vmsnd_seat_look(machine, card, &seat))
		return VMSND_E_NO_CARD;
	able = seat.card->transport->interrupt;
	if (able)
		seat.card->transport->interrupt(seat.card->bus, to);
	vmsnd_seat_leave(&seat);
	return able ? VMSND_OK : VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_machine_memory_add(struct vmsnd_machine *machine, unsigned card,
				       const struct vmsnd_region *region, vmsnd_ns now)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = hold(machine, card, now, &seat);

	if (rc)
		return rc;
	rc = vmsnd_gmem_add(seat.card->mem, region);
	vmsnd_seat_leave(&seat);
	return rc;
}

enum vmsnd_rc vmsnd_machine_memory_remove(struct vmsnd_machine *machine, unsigned card,
					  vmsnd_gpa gpa, uint64_t bytes, vmsnd_ns now)
{
	struct vmsnd_seat seat;
	enum vmsnd_rc rc = hold(machine, card, now, &seat);

	if (rc)
		return rc;
	rc = vmsnd_gmem_remove(seat.card->mem, gpa, bytes);
	vmsnd_seat_leave(&seat);
	return rc;
}
