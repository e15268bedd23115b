/* SPDX-License-Identifier: BSD-3-Clause */
/* The in-flight area: made by us, kept by the VMM, given back to us or to whoever comes after us.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "transports/vhost_user_room.h"

/* Nobody can shorten it, so using it never raises SIGBUS. */
static int make_sealed(uint64_t bytes)
{
	int fd = memfd_create("vmsnd-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)bytes) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		close(fd);
		return -1;
	}
	return fd;
}

int vmsnd_vu_area_make(const struct vmsnd_transport *bus, struct vmsnd_vu_inflight *area)
{
	const struct vmsnd_card_ref *card = &bus->card;
	int fd = -1;

	area->offset = 0;
	area->bytes =
	    card->cls->virtio->inflight_bytes(card->dev, area->n_queues, area->queue_size);
	if (area->bytes > 0)
		fd = make_sealed(area->bytes);
	if (fd < 0)
		area->bytes = 0;
	return fd;
}

static const char *give(struct vmsnd_transport *bus, const struct vmsnd_vu_inflight *area)
{
	const struct vmsnd_inflight where = {.mem = &bus->area.mem,
					     .bytes = area->bytes,
					     .n_queues = area->n_queues,
					     .queue_size = area->queue_size};
	const struct vmsnd_card_ref *card = &bus->card;
	enum vmsnd_rc rc = card->cls->virtio->inflight(card->dev, &where, bus->now);

	/* Nobody is helped by a VMM without sound. */
	if (rc == VMSND_E_DAMAGED)
		vmsnd_logf(bus->user.log, VMSND_LOG_WARNING,
			   "%s: the VMM's in-flight area does not tell what streams did; its "
			   "buffers are given back unplayed",
			   bus->name);
	return rc && rc != VMSND_E_DAMAGED ? "an in-flight area that does not fit the card" : NULL;
}

const char *vmsnd_vu_area_set(struct vmsnd_transport *bus, const struct vmsnd_vu_inflight *area,
			      int fd)
{
	const struct vmsnd_vu_region region = {.bytes = area->bytes, .offset = area->offset};
	const struct vmsnd_card_ref *card = &bus->card;
	struct vmsnd_region part = {.bytes = area->bytes, .rights = VMSND_READ | VMSND_WRITE};
	uint64_t needed =
	    card->cls->virtio->inflight_bytes(card->dev, area->n_queues, area->queue_size);
	struct vmsnd_vu_slot slot;
	const char *why;

	if (needed == 0)
		return "an in-flight area for queues that cannot be";
	if (area->bytes < needed)
		return "an in-flight area that is too small for its queues";
	why = vmsnd_vu_slot_map(&slot, &region, fd);
	if (why)
		return why;
	if (bus->area.mapped)
		card->cls->virtio->inflight(card->dev, NULL, bus->now);
	vmsnd_vu_area_clear(bus);
	part.at = (uint8_t *)slot.map.at + slot.map.lead;
	bus->area.slot = slot;
	bus->area.mapped = true;
	vmsnd_gmem_add(&bus->area.mem, &part);
	why = give(bus, area);
	if (why)
		vmsnd_vu_area_clear(bus);
	return why;
}

void vmsnd_vu_area_clear(struct vmsnd_transport *bus)
{
	struct vmsnd_vu_area *area = &bus->area;

	if (!area->mapped)
		return;
	vmsnd_gmem_remove(&area->mem, 0, area->slot.bytes);
	vmsnd_vu_slot_unmap(&area->slot);
	area->mapped = false;
}
