/* SPDX-License-Identifier: BSD-3-Clause */
/* What all PCI cards share: configuration space (PCI Local Bus 3.0, chapter 6), INTx, one MSI
 * (6.8.1), power management (PCI PM 1.2). A pure model in the card's storage.
 *
 * The card says what it wants to interrupt for; this decides how the guest hears of it: a message
 * when a cause is new while MSI is enabled, else the line, which is high while there is a cause,
 * unless it is disabled. */
#ifndef VMSND_DEVICES_PCI_PCI_H
#define VMSND_DEVICES_PCI_PCI_H

#include "vmsnd/device.h"

struct vmsnd_pci_identity {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint32_t class_code; /* 24 bits: class, subclass, interface */
	uint8_t revision;
};

struct vmsnd_pci_conf {
	struct vmsnd_pci_identity identity;
	struct vmsnd_pci_bar bars[VMSND_PCI_BARS];
	bool msi;              /* with the capability: 64-bit address, one vector, mask bit */
	bool power_management; /* D0 and D3hot */
	/* Where the capabilities are, as on the chip; 0: the card does not have it. */
	uint8_t msi_at, power_management_at;
};

struct vmsnd_pci {
	struct vmsnd_pci_conf conf;
	const struct vmsnd_dev_env *env;
	uint8_t config[VMSND_PCI_CONFIG_BYTES];
	uint32_t causes; /* that the card wants to interrupt for */
	bool line;       /* as env was last told */
	/* Told so far; accesses to what is no configuration space, which are the card's to report.
	 */
	uint64_t messages, faults;
};

/* Zeroed storage; `env` outlives it. */
void vmsnd_pci_init(struct vmsnd_pci *pci, const struct vmsnd_pci_conf *conf,
		    const struct vmsnd_dev_env *env);
/* The bus' reset: as at power-on, the line low. */
void vmsnd_pci_reset(struct vmsnd_pci *pci);
/* Configuration space. What lies beyond it reads as all ones; reserved bytes read as 0. */
void vmsnd_pci_config_read(struct vmsnd_pci *pci, uint64_t offset, void *to, uint32_t bytes);
enum vmsnd_pci_wrote {
	VMSND_PCI_WROTE = 0,
	/* From D3hot to D0 (PM 1.2, 5.4.1): configuration space has been reset, the line is low;
	 * the card resets its registers. */
	VMSND_PCI_WOKE = 1
};
enum vmsnd_pci_wrote vmsnd_pci_config_write(struct vmsnd_pci *pci, uint64_t offset,
					    const void *from, uint32_t bytes);
/* All that the card wants to interrupt for now, a bit each, as it numbers them. */
void vmsnd_pci_interrupt(struct vmsnd_pci *pci, uint32_t causes);
/* The card wanted memory that is not there: the bus has no answer (status: received master abort).
 */
void vmsnd_pci_master_abort(struct vmsnd_pci *pci);
/* Whether the guest lets it reach memory: bus mastering is on and it is in D0. */
bool vmsnd_pci_masters(const struct vmsnd_pci *pci);
/* Whether its registers answer: it is in D0. */
bool vmsnd_pci_awake(const struct vmsnd_pci *pci);

/* Configuration space and the causes. `load` leaves everything as it is when the reader turns bad:
 * what the card has fixed must be the same (VMSND_E_DAMAGED). The env is told of the line that
 * comes of it. */
void vmsnd_pci_save(const struct vmsnd_pci *pci, struct vmsnd_state_writer *to);
enum vmsnd_rc vmsnd_pci_load(struct vmsnd_pci *pci, struct vmsnd_state_reader *from);

#endif
