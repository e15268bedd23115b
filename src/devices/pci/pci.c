/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/pci/pci.h"

#include <string.h>

#include "base/endian.h"

/* PCI 3.0, 6.1. */
enum {
	VENDOR_AT = 0x00,
	DEVICE_AT = 0x02,
	COMMAND_AT = 0x04,
	STATUS_AT = 0x06,
	REVISION_AT = 0x08,
	CACHE_LINE_AT = 0x0c,
	LATENCY_AT = 0x0d,
	BAR_AT = 0x10,
	SUBSYSTEM_VENDOR_AT = 0x2c,
	SUBSYSTEM_AT = 0x2e,
	CAPABILITIES_AT = 0x34,
	INTERRUPT_LINE_AT = 0x3c,
	INTERRUPT_PIN_AT = 0x3d,
	HEADER_BYTES = 0x40
};
enum {
	COMMAND_MASTER = 0x0004,
	COMMAND_NO_INTX = 0x0400,
	/* Ports, memory, bus master, write and invalidate, parity, SERR#, no INTx. */
	COMMAND_WRITABLE = 0x0557,
	STATUS_INTERRUPT = 0x0008,
	STATUS_CAPABILITIES = 0x0010,
	STATUS_FIXED = 0x0280, /* back-to-back, DEVSEL# medium: as the 82801 */
	STATUS_MASTER_ABORT = 0x2000,
	STATUS_CLEARABLE = 0xf900
};
/* PCI PM 1.2, 3.2. */
enum {
	PM_ID = 0x01,
	PM_CAPABILITIES = 2,
	PM_CONTROL = 4,
	PM_BYTES = 8,
	PM_VERSION = 0x0003,
	PM_STATE = 0x0003,
	PM_D3HOT = 0x0003
};
/* PCI 3.0, 6.8.1: 64-bit address, mask bits. */
enum {
	MSI_ID = 0x05,
	MSI_CONTROL = 0x02,
	MSI_ADDRESS = 0x04,
	MSI_ADDRESS_HIGH = 0x08,
	MSI_DATA = 0x0c,
	MSI_MASK = 0x10,
	MSI_PENDING = 0x14,
	MSI_BYTES = 0x18,
	MSI_ENABLE = 0x0001,
	MSI_64_BITS_AND_MASK = 0x0180
};

/* ---- what can be written ---------------------------------------------------------------- */

struct field {
	uint8_t offset;
	uint32_t writable;
};
static const struct field header_fields[] = {
    {COMMAND_AT, COMMAND_WRITABLE},
    {CACHE_LINE_AT, 0xff},
    {LATENCY_AT, 0xff},
    {INTERRUPT_LINE_AT, 0xff},
};
/* PM_CONTROL is not among them: see put_power_state. */
static const struct field msi_fields[] = {
    {MSI_CONTROL, MSI_ENABLE},
    {MSI_ADDRESS, 0xfffffffc},
    {MSI_ADDRESS_HIGH, 0xffffffff},
    {MSI_DATA, 0xffff},
    {MSI_MASK, 1},
};

static bool has_msi(const struct vmsnd_pci *pci)
{
	return pci->conf.msi;
}

static bool has_power_management(const struct vmsnd_pci *pci)
{
	return pci->conf.power_management;
}

static void add_fields(uint8_t *writable, const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned byte = 0; byte < 4; byte++)
			writable[fields[i].offset + byte] |=
			    (uint8_t)(fields[i].writable >> 8 * byte);
}

/* The low bits of a BAR say what it is; those that address bytes in it are 0 (6.2.5.1). */
static uint32_t bar_writable(const struct vmsnd_pci_bar *bar)
{
	uint32_t least = bar->io ? 4 : 16;

	return bar->bytes == 0 ? 0 : ~((bar->bytes > least ? bar->bytes : least) - 1);
}

/* Bits of configuration space that a write sets to what it says. */
static void writable_bits(const struct vmsnd_pci *pci, uint8_t *writable)
{
	memset(writable, 0, VMSND_PCI_CONFIG_BYTES);
	add_fields(writable, header_fields, sizeof(header_fields) / sizeof(*header_fields));
	for (unsigned i = 0; i < VMSND_PCI_BARS; i++)
		vmsnd_put_le32(writable + BAR_AT + 4 * i, bar_writable(&pci->conf.bars[i]));
	if (has_msi(pci))
		add_fields(writable + pci->conf.msi_at, msi_fields,
			   sizeof(msi_fields) / sizeof(*msi_fields));
}

/* ---- reset ------------------------------------------------------------------------------ */

static void put_header(struct vmsnd_pci *pci)
{
	const struct vmsnd_pci_identity *identity = &pci->conf.identity;

	vmsnd_put_le16(pci->config + VENDOR_AT, identity->vendor);
	vmsnd_put_le16(pci->config + DEVICE_AT, identity->device);
	vmsnd_put_le16(pci->config + STATUS_AT, STATUS_FIXED);
	vmsnd_put_le32(pci->config + REVISION_AT, identity->class_code << 8 | identity->revision);
	vmsnd_put_le16(pci->config + SUBSYSTEM_VENDOR_AT, identity->subsystem_vendor);
	vmsnd_put_le16(pci->config + SUBSYSTEM_AT, identity->subsystem);
	pci->config[INTERRUPT_PIN_AT] = 1; /* INTA# */
	for (unsigned i = 0; i < VMSND_PCI_BARS; i++)
		if (pci->conf.bars[i].bytes > 0 && pci->conf.bars[i].io)
			pci->config[BAR_AT + 4 * i] = 1;
}

/* Puts a capability in front of the list. */
static uint8_t *put_capability(struct vmsnd_pci *pci, uint8_t at, uint8_t id)
{
	uint8_t *capability = pci->config + at;

	capability[0] = id;
	capability[1] = pci->config[CAPABILITIES_AT];
	pci->config[CAPABILITIES_AT] = at;
	pci->config[STATUS_AT] |= STATUS_CAPABILITIES;
	return capability;
}

static void put_config(struct vmsnd_pci *pci)
{
	memset(pci->config, 0, sizeof(pci->config));
	put_header(pci);
	if (has_msi(pci))
		vmsnd_put_le16(put_capability(pci, pci->conf.msi_at, MSI_ID) + MSI_CONTROL,
			       MSI_64_BITS_AND_MASK);
	if (has_power_management(pci))
		vmsnd_put_le16(put_capability(pci, pci->conf.power_management_at, PM_ID) +
				   PM_CAPABILITIES,
			       PM_VERSION);
}

void vmsnd_pci_init(struct vmsnd_pci *pci, const struct vmsnd_pci_conf *conf,
		    const struct vmsnd_dev_env *env)
{
	*pci = (struct vmsnd_pci){.conf = *conf, .env = env};
	/* Not where it would run over the header, or out of configuration space. */
	pci->conf.msi = conf->msi && conf->msi_at >= HEADER_BYTES &&
			conf->msi_at <= VMSND_PCI_CONFIG_BYTES - MSI_BYTES;
	pci->conf.power_management = conf->power_management &&
				     conf->power_management_at >= HEADER_BYTES &&
				     conf->power_management_at <= VMSND_PCI_CONFIG_BYTES - PM_BYTES;
	put_config(pci);
}

/* ---- interrupts ------------------------------------------------------------------------- */

static uint16_t command(const struct vmsnd_pci *pci)
{
	return vmsnd_le16(pci->config + COMMAND_AT);
}

bool vmsnd_pci_awake(const struct vmsnd_pci *pci)
{
	return !has_power_management(pci) ||
	       (pci->config[pci->conf.power_management_at + PM_CONTROL] & PM_STATE) == 0;
}

bool vmsnd_pci_masters(const struct vmsnd_pci *pci)
{
	return (command(pci) & COMMAND_MASTER) && vmsnd_pci_awake(pci);
}

static bool by_message(const struct vmsnd_pci *pci)
{
	return has_msi(pci) && (pci->config[pci->conf.msi_at + MSI_CONTROL] & MSI_ENABLE);
}

static bool is_pending(const struct vmsnd_pci *pci)
{
	return has_msi(pci) && (pci->config[pci->conf.msi_at + MSI_PENDING] & 1);
}

static void set_pending(struct vmsnd_pci *pci, bool pending)
{
	if (has_msi(pci))
		pci->config[pci->conf.msi_at + MSI_PENDING] = pending;
}

/* A message is a write by the card: it waits until the card may (6.8.3.5). */
static void send_message(struct vmsnd_pci *pci)
{
	const uint8_t *msi = pci->config + pci->conf.msi_at;
	struct vmsnd_msi message = {.address = vmsnd_le64(msi + MSI_ADDRESS),
				    .data = vmsnd_le16(msi + MSI_DATA)};

	if (!is_pending(pci) || !vmsnd_pci_masters(pci) || (msi[MSI_MASK] & 1))
		return;
	set_pending(pci, false);
	pci->messages++;
	pci->env->message(pci->env->ctx, &message);
}

/* Brings what the guest hears of in line with what the card wants. */
static void tell(struct vmsnd_pci *pci)
{
	bool line = pci->causes != 0 && !by_message(pci) && !(command(pci) & COMMAND_NO_INTX) &&
		    vmsnd_pci_awake(pci);

	if (pci->causes != 0)
		pci->config[STATUS_AT] |= STATUS_INTERRUPT;
	else
		pci->config[STATUS_AT] &= (uint8_t)~STATUS_INTERRUPT;
	/* It is not sent any more once there is nothing to be found out. */
	if (pci->causes == 0 || !by_message(pci))
		set_pending(pci, false);
	if (line != pci->line) {
		pci->line = line;
		pci->env->line(pci->env->ctx, line);
	}
	send_message(pci);
}

/* A message tells of what was there when it was sent: a guest that clears one cause after the other
 * gets one for each that comes meanwhile. */
void vmsnd_pci_interrupt(struct vmsnd_pci *pci, uint32_t causes)
{
	uint32_t fresh = causes & ~pci->causes;

	if (causes == pci->causes)
		return;
	pci->causes = causes;
	if (fresh != 0 && by_message(pci))
		set_pending(pci, true);
	tell(pci);
}

void vmsnd_pci_reset(struct vmsnd_pci *pci)
{
	pci->causes = 0;
	put_config(pci);
	tell(pci);
}

void vmsnd_pci_master_abort(struct vmsnd_pci *pci)
{
	pci->config[STATUS_AT + 1] |= STATUS_MASTER_ABORT >> 8;
}

/* ---- accesses --------------------------------------------------------------------------- */

/* How many of `bytes` are in configuration space. */
static uint32_t inside(struct vmsnd_pci *pci, uint64_t offset, uint32_t bytes)
{
	uint32_t room =
	    offset < VMSND_PCI_CONFIG_BYTES ? VMSND_PCI_CONFIG_BYTES - (uint32_t)offset : 0;

	if (bytes <= room)
		return bytes;
	pci->faults++;
	return room;
}

void vmsnd_pci_config_read(struct vmsnd_pci *pci, uint64_t offset, void *to, uint32_t bytes)
{
	uint32_t there = inside(pci, offset, bytes);
	uint8_t *out = to;

	if (there > 0)
		memcpy(out, pci->config + offset, there);
	if (bytes > there)
		memset(out + there, 0xff, bytes - there);
}

/* True: it was D3hot and is D0 now. Other states are not there; a write of theirs changes nothing
 * (PM 1.2, 3.2.4). */
static bool put_power_state(struct vmsnd_pci *pci, uint8_t value)
{
	uint8_t *control = pci->config + pci->conf.power_management_at + PM_CONTROL;
	uint8_t state = value & PM_STATE;
	bool woke = *control == PM_D3HOT && state == 0;

	if (state == 0 || state == PM_D3HOT)
		*control = state;
	return woke;
}

/* True: the card woke. */
static bool put_byte(struct vmsnd_pci *pci, uint32_t at, uint8_t value, uint8_t writable)
{
	uint8_t *byte = &pci->config[at];

	*byte = (uint8_t)((*byte & ~writable) | (value & writable));
	if (at == STATUS_AT + 1)
		*byte &= (uint8_t) ~(value & STATUS_CLEARABLE >> 8);
	if (has_power_management(pci) && at == pci->conf.power_management_at + (uint32_t)PM_CONTROL)
		return put_power_state(pci, value);
	return false;
}

enum vmsnd_pci_wrote vmsnd_pci_config_write(struct vmsnd_pci *pci, uint64_t offset,
					    const void *from, uint32_t bytes)
{
	uint8_t writable[VMSND_PCI_CONFIG_BYTES];
	uint32_t there = inside(pci, offset, bytes);
	const uint8_t *in = from;
	bool by_message_before = by_message(pci), woke = false;

	writable_bits(pci, writable);
	for (uint32_t i = 0; i < there; i++)
		woke |= put_byte(pci, (uint32_t)offset + i, in[i], writable[offset + i]);
	if (woke) {
		vmsnd_pci_reset(pci);
		return VMSND_PCI_WOKE;
	}
	/* Enabled while the card wants something: the guest has not heard of it by message. */
	if (!by_message_before && by_message(pci))
		set_pending(pci, pci->causes != 0);
	tell(pci);
	return VMSND_PCI_WROTE;
}

/* ---- saved state ------------------------------------------------------------------------ */

void vmsnd_pci_save(const struct vmsnd_pci *pci, struct vmsnd_state_writer *to)
{
	vmsnd_state_put(to, pci->config, sizeof(pci->config));
	vmsnd_state_put_u32(to, pci->causes);
}

/* Whether a card like this can have come to be so. */
static bool is_possible(const struct vmsnd_pci *fresh, const struct vmsnd_pci *loaded)
{
	uint8_t free_bits[VMSND_PCI_CONFIG_BYTES];
	uint16_t status = vmsnd_le16(loaded->config + STATUS_AT);

	writable_bits(fresh, free_bits);
	vmsnd_put_le16(free_bits + STATUS_AT, STATUS_CLEARABLE | STATUS_INTERRUPT);
	if (has_msi(fresh))
		free_bits[fresh->conf.msi_at + MSI_PENDING] = 1;
	if (has_power_management(fresh))
		free_bits[fresh->conf.power_management_at + PM_CONTROL] = PM_STATE;
	for (unsigned i = 0; i < VMSND_PCI_CONFIG_BYTES; i++)
		if ((fresh->config[i] ^ loaded->config[i]) & ~free_bits[i])
			return false;
	if (has_power_management(fresh) && !vmsnd_pci_awake(loaded) &&
	    loaded->config[fresh->conf.power_management_at + PM_CONTROL] != PM_D3HOT)
		return false;
	if (is_pending(loaded) && !(loaded->causes != 0 && by_message(loaded)))
		return false;
	return (loaded->causes != 0) == ((status & STATUS_INTERRUPT) != 0);
}

enum vmsnd_rc vmsnd_pci_load(struct vmsnd_pci *pci, struct vmsnd_state_reader *from)
{
	struct vmsnd_pci fresh = {.conf = pci->conf}, loaded = {.conf = pci->conf};

	put_config(&fresh);
	vmsnd_state_get(from, loaded.config, sizeof(loaded.config));
	loaded.causes = vmsnd_state_get_u32(from);
	if (from->bad || !is_possible(&fresh, &loaded)) {
		from->bad = true;
		return VMSND_E_DAMAGED;
	}
	memcpy(pci->config, loaded.config, sizeof(pci->config));
	pci->causes = loaded.causes;
	tell(pci);
	return VMSND_OK;
}
