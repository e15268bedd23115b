/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI function as a kernel meets it: found in configuration space, its BARs sized and given
 * addresses, woken up and enabled. The caller is the VMM too: struct vmsnd_pci_bus. */
#ifndef VMSND_GUESTS_PCI_H
#define VMSND_GUESTS_PCI_H

#include "vmsnd/transport.h"

/* What a driver of ours asks of the machine that it runs on. */
struct vmsnd_guest_host {
	void *ctx;
	vmsnd_ns (*now)(void *ctx);
	/* Lets so much time go by, as udelay and msleep do. */
	void (*wait)(void *ctx, vmsnd_ns ns);
	/* The VMM's part: the guest's memory comes to the card. */
	enum vmsnd_rc (*share)(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes);
	/* Whether the card interrupts: INTx as long as it is high, each message once. */
	bool (*interrupted)(void *ctx);
};

struct vmsnd_guest_pci_conf {
	struct vmsnd_pci_bus bus;
	struct vmsnd_guest_host host;
	/* Where the VMM takes MSI; 0: INTx. */
	uint64_t msi_address;
	uint32_t msi_data;
};

struct vmsnd_guest_pci {
	struct vmsnd_guest_pci_conf conf;
	uint16_t vendor, device, subsystem_vendor, subsystem, command;
	uint32_t class_code;
	uint8_t revision, power_at, msi_at; /* 0: no such capability */
	struct {
		uint32_t bytes, address; /* 0 bytes: not there */
		bool io;
	} bars[VMSND_PCI_BARS];
	uint64_t reads, writes;
};

/* `region`: a BAR or VMSND_PCI_CONFIG; `bytes`: 1, 2 or 4. A BAR that is not there, or whose
 * decoding is off, reads as all ones, as on a bus where nobody answers. */
uint32_t vmsnd_guest_pci_read(struct vmsnd_guest_pci *pci, unsigned region, uint32_t offset,
			      unsigned bytes);
void vmsnd_guest_pci_write(struct vmsnd_guest_pci *pci, unsigned region, uint32_t offset,
			   unsigned bytes, uint32_t value);

/* Looks it up, sizes its BARs, gives each an address and puts it into D0; decoding stays off.
 * VMSND_E_GONE: nobody is there; VMSND_E_PROTOCOL: a BAR or a capability that cannot be. */
enum vmsnd_rc vmsnd_guest_pci_find(struct vmsnd_guest_pci *pci,
				   const struct vmsnd_guest_pci_conf *conf);
/* Decoding, bus mastering, interrupts by message or line. VMSND_E_UNSUPPORTED: no MSI;
 * VMSND_E_PROTOCOL: it has not taken it. */
enum vmsnd_rc vmsnd_guest_pci_enable(struct vmsnd_guest_pci *pci);

#endif
