/* SPDX-License-Identifier: BSD-3-Clause */
/* The card's interrupts as the client wants to hear of them.
 *
 * INTx is a level, and a descriptor can only say "now". So it is signalled on the rise, and counts
 * as masked until the client says UNMASK. QEMU without KVM and Cloud Hypervisor say that after
 * every access to the card, long before the guest's driver has acknowledged: to signal again at
 * once would cost seven signals an interrupt, and on two CPUs the driver would find nothing to do.
 * It is signalled again when the line has fallen and risen meanwhile, or is still high when the
 * guest has left the card alone for a while. With KVM a descriptor says that the guest has finished
 * with the interrupt: then a line that is high is a new one. */
#include <unistd.h>

#include "transports/vfio_user_room.h"

#define STILL_HIGH_NS (UINT64_C(5) * 1000 * 1000)
/* Nor does a guest that looks at the card all the time lose an interrupt for longer than this. */
#define UNTOLD_MAX_NS (UINT64_C(20) * 1000 * 1000)
/* So often at once a guest may have finished with an interrupt without a look at the card. */
#define RESAMPLES_MAX 64u

void vmsnd_vfu_irqs_init(struct vmsnd_vfu_irqs *irqs)
{
	*irqs =
	    (struct vmsnd_vfu_irqs){.intx = {.fd = -1}, .msi = {.fd = -1}, .resample = {.fd = -1}};
}

/* ---- signals -------------------------------------------------------------------------------- */

static void signal_intx(struct vmsnd_transport *bus)
{
	struct vmsnd_vfu_irqs *irqs = &bus->irqs;

	if (irqs->rose)
		bus->counts.signals++;
	else
		bus->counts.resignals++;
	irqs->rose = false;
	irqs->masked = true;
	irqs->unmasked = VMSND_NEVER;
	irqs->signalled = bus->now;
	vmsnd_event_out_signal(&irqs->intx);
}

static bool can_signal(const struct vmsnd_vfu_irqs *irqs)
{
	return irqs->level && !irqs->masked && irqs->intx.fd >= 0;
}

/* Its guest enabled MSI where the card could not see it. */
static bool has_msi_alone(const struct vmsnd_vfu_irqs *irqs)
{
	return irqs->intx.fd < 0 && irqs->msi.fd >= 0;
}

static void signal_msi(struct vmsnd_transport *bus)
{
	bus->irqs.message_kept = bus->irqs.msi.fd < 0;
	if (bus->irqs.message_kept)
		return;
	bus->counts.signals++;
	bus->irqs.messaged = bus->accessed;
	vmsnd_event_out_signal(&bus->irqs.msi);
}

/* A client that has armed MSI alone hears of the line through it. */
void vmsnd_vfu_irqs_line(struct vmsnd_transport *bus, bool high)
{
	struct vmsnd_vfu_irqs *irqs = &bus->irqs;
	bool rises = high && !irqs->level;

	irqs->level = high;
	irqs->rose = high && (irqs->rose || rises);
	if (can_signal(irqs) && rises)
		signal_intx(bus);
	else if (rises && has_msi_alone(irqs))
		signal_msi(bus);
}

void vmsnd_vfu_irqs_message(struct vmsnd_transport *bus)
{
	signal_msi(bus);
}

static void unmask(struct vmsnd_transport *bus)
{
	if (bus->irqs.masked)
		bus->irqs.unmasked = bus->now;
	bus->irqs.masked = false;
	bus->irqs.held = false;
	if (can_signal(&bus->irqs) && (bus->irqs.rose || bus->irqs.resample.fd >= 0))
		signal_intx(bus);
}

/* When a line that stays high is to be signalled again. Steps of the card may be a little behind
 * the access. */
static vmsnd_ns due(const struct vmsnd_transport *bus)
{
	const struct vmsnd_vfu_irqs *irqs = &bus->irqs;
	vmsnd_ns last = irqs->signalled > bus->accessed ? irqs->signalled : bus->accessed;
	vmsnd_ns quiet = last + STILL_HIGH_NS;

	if (irqs->intx.fd < 0 || irqs->unmasked == VMSND_NEVER ||
	    irqs->unmasked + UNTOLD_MAX_NS > quiet)
		return quiet;
	return irqs->unmasked + UNTOLD_MAX_NS;
}

/* A message is not taken back by a handler as a level is, but a second cause while the line is high
 * makes no rise: once the handler has been at the card, what is still high is told of again. */
static bool has_more_for_msi(const struct vmsnd_transport *bus)
{
	return bus->irqs.level && has_msi_alone(&bus->irqs) && bus->accessed != bus->irqs.messaged;
}

vmsnd_ns vmsnd_vfu_irqs_advance(struct vmsnd_transport *bus)
{
	bool msi = has_more_for_msi(bus);
	vmsnd_ns at = due(bus);

	/* A card that is stopped to be moved does not interrupt. */
	if (!(msi || can_signal(&bus->irqs)) || bus->migration.stands)
		return VMSND_NEVER;
	if (bus->now < at)
		return at;
	if (msi)
		signal_msi(bus);
	else
		signal_intx(bus);
	return VMSND_NEVER;
}

/* ---- the descriptor that says the guest has finished ---- */

static void drop_resample(struct vmsnd_transport *bus)
{
	if (bus->irqs.resample.fd >= 0)
		bus->user.unwatch(bus->user.ctx, bus->irqs.resample.fd);
	vmsnd_event_in_set(&bus->irqs.resample, -1);
}

static const char *set_resample(struct vmsnd_transport *bus, int fd)
{
	drop_resample(bus);
	if (fd < 0)
		return NULL;
	if (bus->user.watch(bus->user.ctx, fd, VMSND_VFU_TAG_RESAMPLE)) {
		close(fd);
		return "a descriptor that cannot be waited for";
	}
	vmsnd_event_in_set(&bus->irqs.resample, fd);
	return NULL;
}

/* Who has one descriptor for both ways would have us signal ourselves for ever. */
static bool is_served(struct vmsnd_transport *bus)
{
	struct vmsnd_vfu_irqs *irqs = &bus->irqs;

	if (irqs->resampled != bus->accessed)
		irqs->resamples = 0;
	irqs->resampled = bus->accessed;
	return irqs->resamples++ < RESAMPLES_MAX;
}

void vmsnd_vfu_irqs_resampled(struct vmsnd_transport *bus)
{
	enum vmsnd_event_got got;

	if (bus->irqs.resample.fd < 0)
		return;
	got = vmsnd_event_in_read(&bus->irqs.resample, bus->now);
	if (got == VMSND_EVENT_GONE)
		drop_resample(bus);
	if (got == VMSND_EVENT_ENDLESS)
		bus->peer.broken = "an unmask descriptor that never runs empty";
	if (got != VMSND_EVENT_CAME)
		return;
	bus->irqs.masked = false;
	bus->irqs.held = false;
	if (can_signal(&bus->irqs) && is_served(bus))
		signal_intx(bus);
}

/* ---- what is there ---- */

#define PCI_STATUS      0x06u /* PCI 3.0, 6.2.3 */
#define PCI_STATUS_LIST 0x10u
#define PCI_LIST        0x34u /* 6.7 */
#define PCI_CAP_MSI     0x05u /* appendix H */
#define PCI_CAPS_MAX    48u   /* more do not fit behind the header */

static uint8_t config_byte(struct vmsnd_transport *bus, uint64_t offset)
{
	const struct vmsnd_pci_access access = {
	    .region = VMSND_PCI_CONFIG, .bytes = 1, .offset = offset, .now = bus->now};
	uint8_t byte = 0;

	bus->card.cls->pci->read(bus->card.dev, &access, &byte);
	return byte;
}

static bool has_msi(struct vmsnd_transport *bus)
{
	uint8_t at = 0;

	if (config_byte(bus, PCI_STATUS) & PCI_STATUS_LIST)
		at = config_byte(bus, PCI_LIST) & 0xfcu;
	for (unsigned i = 0; at != 0 && i < PCI_CAPS_MAX; i++) {
		if (config_byte(bus, at) == PCI_CAP_MSI)
			return true;
		at = config_byte(bus, at + 1u) & 0xfcu;
	}
	return false;
}

static uint32_t count_of(struct vmsnd_transport *bus, uint32_t index)
{
	if (index == VMSND_VFU_MSI)
		return has_msi(bus);
	return index == VMSND_VFU_INTX;
}

/* Of errors only PCI Express cards tell, and VFIO refuses the question for others. QEMU asks it at
 * each start, and warns of an interrupt that is there with a count of 0. */
const char *vmsnd_vfu_irq_info(struct vmsnd_transport *bus, const uint8_t *payload,
			       struct vmsnd_vfu_answer *answer)
{
	static const uint32_t flags[VMSND_VFU_IRQS] = {[VMSND_VFU_INTX] = VMSND_VFU_IRQ_EVENTFD |
									  VMSND_VFU_IRQ_MASKABLE |
									  VMSND_VFU_IRQ_AUTOMASKED,
						       [VMSND_VFU_MSI] = VMSND_VFU_IRQ_EVENTFD,
						       [VMSND_VFU_MSIX] = VMSND_VFU_IRQ_EVENTFD,
						       [VMSND_VFU_REQUEST] = VMSND_VFU_IRQ_EVENTFD};
	struct vmsnd_vfu_four info;

	vmsnd_vfu_four_get(payload, &info);
	if (info.index == VMSND_VFU_ERRORS) {
		answer->quiet = true;
		return "the interrupt of errors, which this card does not have";
	}
	info = (struct vmsnd_vfu_four){VMSND_VFU_FOUR_BYTES, flags[info.index], info.index,
				       count_of(bus, info.index)};
	answer->bytes = vmsnd_vfu_four_put(answer->to, &info);
	return NULL;
}

/* ---- what the client does with them ---- */

static void arm_intx(struct vmsnd_transport *bus, int fd)
{
	struct vmsnd_vfu_irqs *irqs = &bus->irqs;

	/* What the client has masked stays so when it changes the descriptor, as in Linux' VFIO. */
	irqs->held = irqs->held && irqs->intx.fd >= 0 && fd >= 0;
	irqs->masked = irqs->held;
	irqs->unmasked = bus->now;
	vmsnd_event_out_set(&irqs->intx, fd);
	/* What was signalled through another may have come to nobody. */
	irqs->rose = irqs->level;
	if (can_signal(irqs))
		signal_intx(bus);
}

static void arm_msi(struct vmsnd_transport *bus, int fd)
{
	bool kept = bus->irqs.message_kept;

	vmsnd_event_out_set(&bus->irqs.msi, fd);
	bus->irqs.message_kept = false;
	if (fd >= 0 && kept)
		signal_msi(bus);
}

static void disarm(struct vmsnd_transport *bus, uint32_t index)
{
	if (index == VMSND_VFU_INTX) {
		drop_resample(bus);
		arm_intx(bus, -1);
	} else if (index == VMSND_VFU_MSI) {
		arm_msi(bus, -1);
	}
}

/* -1: none came. */
static const char *take_event(struct vmsnd_transport *bus, int *fd)
{
	const char *why;

	*fd = bus->peer.fds.n > 0 ? bus->peer.fds.fd[0] : -1;
	why = *fd < 0 ? NULL : vmsnd_event_refuse(*fd);
	if (!why && *fd >= 0)
		bus->peer.fds.fd[0] = -1;
	return why;
}

/* From here on the message is about the one interrupt of its kind. */

static const char *trigger(struct vmsnd_transport *bus, const struct vmsnd_vfu_set_irqs *set,
			   int fd)
{
	bool intx = set->index == VMSND_VFU_INTX;

	if (set->flags & VMSND_VFU_DATA_EVENTFD) {
		if (intx)
			arm_intx(bus, fd);
		else
			arm_msi(bus, fd);
		return NULL;
	}
	/* As if the card did, to try whether the client hears it; the line is not touched. */
	bus->counts.signals++;
	vmsnd_event_out_signal(intx ? &bus->irqs.intx : &bus->irqs.msi);
	return NULL;
}

static const char *mask_or_unmask(struct vmsnd_transport *bus, const struct vmsnd_vfu_set_irqs *set,
				  int fd)
{
	bool masks = (set->flags & VMSND_VFU_ACTION_MASK) != 0;

	if (set->flags & VMSND_VFU_DATA_EVENTFD)
		return set_resample(bus, fd);
	if (!masks)
		unmask(bus);
	else
		bus->irqs.masked = bus->irqs.held = true;
	return NULL;
}

static const char *obey(struct vmsnd_transport *bus, const struct vmsnd_vfu_set_irqs *set)
{
	const char *why;
	int fd;

	if (set->index != VMSND_VFU_INTX && !(set->flags & VMSND_VFU_ACTION_TRIGGER))
		return "a mask of an interrupt that cannot be masked";
	if (set->flags & VMSND_VFU_DATA_EVENTFD && set->flags & VMSND_VFU_ACTION_MASK)
		return "a descriptor that would tell of masking";
	why = take_event(bus, &fd);
	if (why)
		return why;
	return set->flags & VMSND_VFU_ACTION_TRIGGER ? trigger(bus, set, fd)
						     : mask_or_unmask(bus, set, fd);
}

const char *vmsnd_vfu_set_irqs(struct vmsnd_transport *bus, const uint8_t *payload,
			       struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_set_irqs set;
	uint32_t count;

	vmsnd_vfu_set_irqs_get(payload, &set);
	count = count_of(bus, set.index);
	if (set.start >= count || set.count > count - set.start)
		return "interrupts that the card does not have";
	if (set.count == 0) {
		disarm(bus, set.index);
		return NULL;
	}
	if (set.flags & VMSND_VFU_DATA_BOOL && payload[VMSND_VFU_SET_IRQS_BYTES] == 0)
		return NULL;
	return obey(bus, &set);
}

/* What a card that has been reset had to say is nobody's any more; its line falls by itself. */
void vmsnd_vfu_irqs_reset(struct vmsnd_vfu_irqs *irqs)
{
	irqs->message_kept = false;
}

void vmsnd_vfu_irqs_clear(struct vmsnd_transport *bus)
{
	disarm(bus, VMSND_VFU_INTX);
	disarm(bus, VMSND_VFU_MSI);
}
