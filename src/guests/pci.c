/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI Local Bus 3.0, 6.1, 6.2.5, 6.7 and 6.8; power management 1.2. */
#include "guests/pci.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "base/endian.h"

#define IO_FROM          0xc000u
#define MEMORY_FROM      0xfe000000u
#define CAPABILITIES_MAX 48u /* as many as there is room for: a list in a loop ends here */
#define DECODES          (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

/* ---- accesses ---------------------------------------------------------------------- */

static bool answers(const struct vmsnd_guest_pci *pci, unsigned region)
{
	unsigned decode;

	if (region == VMSND_PCI_CONFIG)
		return true;
	if (region >= VMSND_PCI_BARS || pci->bars[region].bytes == 0)
		return false;
	decode = pci->bars[region].io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	return (pci->command & decode) != 0;
}

static struct vmsnd_pci_access access_of(const struct vmsnd_guest_pci *pci, unsigned region,
					 uint32_t offset, unsigned bytes)
{
	return (struct vmsnd_pci_access){.region = region,
					 .offset = offset,
					 .bytes = bytes,
					 .now = pci->conf.host.now(pci->conf.host.ctx)};
}

uint32_t vmsnd_guest_pci_read(struct vmsnd_guest_pci *pci, unsigned region, uint32_t offset,
			      unsigned bytes)
{
	const struct vmsnd_pci_access access = access_of(pci, region, offset, bytes);
	uint8_t raw[4] = {0};

	pci->reads++;
	if (answers(pci, region))
		pci->conf.bus.read(pci->conf.bus.ctx, &access, raw);
	else
		memset(raw, 0xff, bytes);
	return vmsnd_le32(raw);
}

void vmsnd_guest_pci_write(struct vmsnd_guest_pci *pci, unsigned region, uint32_t offset,
			   unsigned bytes, uint32_t value)
{
	const struct vmsnd_pci_access access = access_of(pci, region, offset, bytes);
	uint8_t raw[4];

	vmsnd_put_le32(raw, value);
	pci->writes++;
	if (answers(pci, region))
		pci->conf.bus.write(pci->conf.bus.ctx, &access, raw);
}

static uint32_t get(struct vmsnd_guest_pci *pci, uint32_t offset, unsigned bytes)
{
	return vmsnd_guest_pci_read(pci, VMSND_PCI_CONFIG, offset, bytes);
}

static void put(struct vmsnd_guest_pci *pci, uint32_t offset, unsigned bytes, uint32_t value)
{
	vmsnd_guest_pci_write(pci, VMSND_PCI_CONFIG, offset, bytes, value);
}

/* ---- BARs --------------------------------------------------------------------------- */

/* Writes ones and sees which stick (6.2.5.1). False: that is no BAR. */
static bool size_bar(struct vmsnd_guest_pci *pci, unsigned index)
{
	uint32_t at = PCI_BASE_ADDRESS_0 + 4 * index, before = get(pci, at, 4), mask;

	put(pci, at, 4, UINT32_MAX);
	mask = get(pci, at, 4);
	put(pci, at, 4, before);
	pci->bars[index].io = (mask & PCI_BASE_ADDRESS_SPACE_IO) != 0;
	mask &= ~(pci->bars[index].io ? UINT32_C(3) : UINT32_C(15));
	pci->bars[index].bytes = mask ? ~mask + 1 : 0;
	return (pci->bars[index].bytes & (pci->bars[index].bytes - 1)) == 0;
}

/* What the VMM would give it room for. */
static bool agrees_with_vmm(const struct vmsnd_guest_pci *pci, unsigned index)
{
	struct vmsnd_pci_bar bar = {0};

	pci->conf.bus.bar(pci->conf.bus.ctx, index, &bar);
	return bar.bytes == pci->bars[index].bytes &&
	       (bar.bytes == 0 || bar.io == pci->bars[index].io);
}

static enum vmsnd_rc place_bars(struct vmsnd_guest_pci *pci)
{
	uint32_t next[2] = {MEMORY_FROM, IO_FROM};

	for (unsigned i = 0; i < VMSND_PCI_BARS; i++) {
		uint32_t at = PCI_BASE_ADDRESS_0 + 4 * i, *from, bytes;

		if (!size_bar(pci, i) || !agrees_with_vmm(pci, i))
			return VMSND_E_PROTOCOL;
		bytes = pci->bars[i].bytes;
		if (bytes == 0)
			continue;
		from = &next[pci->bars[i].io];
		*from = (*from + bytes - 1) & ~(bytes - 1);
		pci->bars[i].address = *from;
		*from += bytes;
		put(pci, at, 4, pci->bars[i].address);
		if ((get(pci, at, 4) & ~UINT32_C(15)) != (pci->bars[i].address & ~UINT32_C(15)))
			return VMSND_E_PROTOCOL;
	}
	return VMSND_OK;
}

/* ---- capabilities ------------------------------------------------------------------- */

static enum vmsnd_rc walk_capabilities(struct vmsnd_guest_pci *pci)
{
	uint32_t at;

	if (!(get(pci, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return VMSND_OK;
	at = get(pci, PCI_CAPABILITY_LIST, 1) & ~UINT32_C(3);
	for (unsigned i = 0; at != 0; i++) {
		uint32_t id = get(pci, at, 1);

		if (i >= CAPABILITIES_MAX || at < PCI_STD_HEADER_SIZEOF)
			return VMSND_E_PROTOCOL;
		if (id == PCI_CAP_ID_PM)
			pci->power_at = (uint8_t)at;
		if (id == PCI_CAP_ID_MSI)
			pci->msi_at = (uint8_t)at;
		at = get(pci, at + PCI_CAP_LIST_NEXT, 1) & ~UINT32_C(3);
	}
	return VMSND_OK;
}

static enum vmsnd_rc wake(struct vmsnd_guest_pci *pci)
{
	uint32_t at = (uint32_t)pci->power_at + PCI_PM_CTRL;

	if (pci->power_at == 0 || (get(pci, at, 2) & PCI_PM_CTRL_STATE_MASK) == 0)
		return VMSND_OK;
	put(pci, at, 2, 0);
	/* From D3hot: 10 ms (PM 1.2, 5.6.1). */
	pci->conf.host.wait(pci->conf.host.ctx, 10000000);
	return get(pci, at, 2) & PCI_PM_CTRL_STATE_MASK ? VMSND_E_PROTOCOL : VMSND_OK;
}

/* ---- the function ------------------------------------------------------------------- */

static bool identify(struct vmsnd_guest_pci *pci)
{
	pci->vendor = (uint16_t)get(pci, PCI_VENDOR_ID, 2);
	pci->device = (uint16_t)get(pci, PCI_DEVICE_ID, 2);
	pci->subsystem_vendor = (uint16_t)get(pci, PCI_SUBSYSTEM_VENDOR_ID, 2);
	pci->subsystem = (uint16_t)get(pci, PCI_SUBSYSTEM_ID, 2);
	pci->revision = (uint8_t)get(pci, PCI_REVISION_ID, 1);
	pci->class_code = get(pci, PCI_CLASS_REVISION, 4) >> 8;
	return pci->vendor != 0xffff;
}

static void set_command(struct vmsnd_guest_pci *pci, uint16_t command)
{
	put(pci, PCI_COMMAND, 2, command);
	pci->command = (uint16_t)get(pci, PCI_COMMAND, 2);
}

enum vmsnd_rc vmsnd_guest_pci_find(struct vmsnd_guest_pci *pci,
				   const struct vmsnd_guest_pci_conf *conf)
{
	enum vmsnd_rc rc;

	memset(pci, 0, sizeof(*pci));
	pci->conf = *conf;
	if (!identify(pci))
		return VMSND_E_GONE;
	if (get(pci, PCI_HEADER_TYPE, 1) & 0x7f)
		return VMSND_E_PROTOCOL;
	set_command(pci, 0);
	rc = place_bars(pci);
	if (!rc)
		rc = walk_capabilities(pci);
	return rc ? rc : wake(pci);
}

static enum vmsnd_rc enable_msi(struct vmsnd_guest_pci *pci)
{
	uint32_t at = pci->msi_at, control, data_at;

	if (at == 0)
		return VMSND_E_UNSUPPORTED;
	control = get(pci, at + PCI_MSI_FLAGS, 2);
	data_at = control & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32;
	put(pci, at + PCI_MSI_ADDRESS_LO, 4, (uint32_t)pci->conf.msi_address);
	if (control & PCI_MSI_FLAGS_64BIT)
		put(pci, at + PCI_MSI_ADDRESS_HI, 4, (uint32_t)(pci->conf.msi_address >> 32));
	put(pci, at + data_at, 2, pci->conf.msi_data);
	control = (control & ~(uint32_t)PCI_MSI_FLAGS_QSIZE) | PCI_MSI_FLAGS_ENABLE;
	put(pci, at + PCI_MSI_FLAGS, 2, control);
	return get(pci, at + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE ? VMSND_OK : VMSND_E_PROTOCOL;
}

enum vmsnd_rc vmsnd_guest_pci_enable(struct vmsnd_guest_pci *pci)
{
	uint16_t want = PCI_COMMAND_MASTER;
	enum vmsnd_rc rc = VMSND_OK;

	for (unsigned i = 0; i < VMSND_PCI_BARS; i++)
		if (pci->bars[i].bytes)
			want |= pci->bars[i].io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	if (pci->conf.msi_address) {
		rc = enable_msi(pci);
		want |= PCI_COMMAND_INTX_DISABLE;
	}
	set_command(pci, want);
	if (!rc && (pci->command & (DECODES | PCI_COMMAND_MASTER)) !=
		       (want & (DECODES | PCI_COMMAND_MASTER)))
		rc = VMSND_E_PROTOCOL;
	return rc;
}
