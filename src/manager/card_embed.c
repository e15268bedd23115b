/* SPDX-License-Identifier: BSD-3-Clause */
/* A card whose guest is a VMM's in this process: registers, interrupts, memory. */
#include "manager/card.h"

static struct vmsnd_card *find(struct vmsnd_machine *machine, unsigned index)
{
	struct vmsnd_card *card = vmsnd_machine_card(machine, index);

	return card && card->transport->interrupt ? card : NULL;
}

static uint64_t mmio_read(void *ctx, uint64_t offset, unsigned bytes)
{
	struct vmsnd_card *card = ctx;

	return card->mmio.read(card->mmio.ctx, offset, bytes);
}

static void mmio_write(void *ctx, uint64_t offset, unsigned bytes, uint64_t value, vmsnd_ns now)
{
	struct vmsnd_card *card = ctx;

	vmsnd_card_advance(card, now);
	card->mmio.write(card->mmio.ctx, offset, bytes, value, now);
	card->touched = true;
}

enum vmsnd_rc vmsnd_machine_mmio_bus(struct vmsnd_machine *machine, unsigned index,
				     struct vmsnd_mmio_bus *out)
{
	struct vmsnd_card *card = find(machine, index);

	if (!card || !card->transport->mmio_bus)
		return VMSND_E_INVALID;
	card->transport->mmio_bus(card->bus, &card->mmio);
	*out = (struct vmsnd_mmio_bus){.ctx = card, .read = mmio_read, .write = mmio_write};
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_interrupt(struct vmsnd_machine *machine, unsigned index,
				      const struct vmsnd_interrupt *to)
{
	struct vmsnd_card *card = find(machine, index);

	if (!card)
		return VMSND_E_INVALID;
	card->transport->interrupt(card->bus, to);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_memory_add(struct vmsnd_machine *machine, unsigned index,
				       const struct vmsnd_region *region, vmsnd_ns now)
{
	struct vmsnd_card *card = find(machine, index);

	if (!card)
		return VMSND_E_INVALID;
	vmsnd_card_advance(card, now);
	return vmsnd_gmem_add(card->mem, region);
}

enum vmsnd_rc vmsnd_machine_memory_remove(struct vmsnd_machine *machine, unsigned index,
					  vmsnd_gpa gpa, uint64_t bytes, vmsnd_ns now)
{
	struct vmsnd_card *card = find(machine, index);

	if (!card)
		return VMSND_E_INVALID;
	vmsnd_card_advance(card, now);
	card->touched = true;
	return vmsnd_gmem_remove(card->mem, gpa, bytes);
}
