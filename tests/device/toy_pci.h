/* SPDX-License-Identifier: BSD-3-Clause */
/* A small PCI card for tests: a timer that counts frames, and a word it fetches from memory. It is
 * built of the parts that all PCI cards share, as docs/pci.md describes it. */
#ifndef TESTS_TOY_PCI_H
#define TESTS_TOY_PCI_H

#include "devices/pci/pci.h"
#include "devices/pci/registers.h"
#include "devices/sample_clock.h"

/* BAR 0: 64 bytes of ports. BAR 1: the same registers in 256 bytes of memory. */
enum {
	TOY_POSITION = 0x00, /* 4, read-only: frames since it runs */
	TOY_INTERVAL = 0x04, /* 4: frames between interrupts */
	TOY_CONTROL = 0x08,  /* 1: bit 0 runs it, bit 1 lets it interrupt */
	TOY_STATUS = 0x09,   /* 1: bit 0: an interval is over; a one clears it */
	TOY_ADDRESS = 0x0c,  /* 4: of a word in memory */
	TOY_FETCH = 0x10,    /* 4, write-only: the word is copied to TOY_WORD, and back plus one */
	TOY_WORD = 0x14,     /* 4, read-only */
	TOY_SCRATCH = 0x20   /* 2, eight of them */
};
enum { TOY_PORTS_BYTES = 64, TOY_MEMORY_BYTES = 256, TOY_PM_AT = 0x50, TOY_MSI_AT = 0x60 };
enum { TOY_RUNS = 1, TOY_INTERRUPTS = 2 };
#define TOY_RATE_HZ 48000u

extern const struct vmsnd_dev_class toy_pci_class;
/* Of its registers. */
extern const struct vmsnd_register_space toy_pci_space;
const struct vmsnd_pci *toy_pci_of(const struct vmsnd_dev *dev);

#endif
