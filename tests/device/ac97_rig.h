/* SPDX-License-Identifier: BSD-3-Clause */
/* An AC'97 card on a PCI bus for tests, with the port double behind it: registers by their
 * addresses, lists of descriptors in memory, virtual time. */
#ifndef VMSND_TESTS_DEVICE_AC97_RIG_H
#define VMSND_TESTS_DEVICE_AC97_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/ac97/ac97_card.h"
#include "fake_port.h"
#include "vmsnd/transport.h"

#define AR_MS        UINT64_C(1000000)
#define AR_RAM_GPA   UINT64_C(0x100000)
#define AR_RAM_BYTES 0x200000u
#define AR_PORTS     6u
#define AR_CLASS     (&vmsnd_ac97_class)

/* Regions. */
enum { NAM, NABM, MEM_NAM, MEM_NABM, CONFIG = 7 };
/* Boxes of NABM. */
enum { PI = 0x00, PO = 0x10, MC = 0x20, M2 = 0x40, P2 = 0x50, SP = 0x60 };
/* Registers of a box. */
enum { BDBAR = 0x0, CIV = 0x4, LVI = 0x5, SR = 0x6, PICB = 0x8, PIV = 0xa, CR = 0xb };
enum { GLOB_CNT = 0x2c, GLOB_STA = 0x30, CAS = 0x34, SDM = 0x80 };
enum { DCH = 0x01, CELV = 0x02, LVBCI = 0x04, BCIS = 0x08, FIFOE = 0x10 };
enum { RPBM = 0x01, RR = 0x02, LVBIE = 0x04, FEIE = 0x08, IOCE = 0x10 };
#define IOC 0x80000000u
#define BUP 0x40000000u

struct ac97_rig {
	struct vmsnd_dev *dev;
	size_t dev_bytes;
	struct vmsnd_conf options;
	unsigned n_playback, n_capture;
	struct vmsnd_port *ports[AR_PORTS]; /* playback first */
	struct vmsnd_gmem mem;
	uint8_t *ram;
	vmsnd_ns now;
	/* Seen. */
	bool line;
	unsigned rises, messages, faults[VMSND_FAULT_COUNT];
	vmsnd_ns rose_at;
	unsigned turned; /* mixers */
	/* Called on each rise, outside of the card. */
	void (*on_interrupt)(struct ac97_rig *rig);
	unsigned handled;
};

/* A card as configured, powered on; nothing done to it. */
void ar_open(struct ac97_rig *rig, const char *options, unsigned n_playback, unsigned n_capture);
/* And what a driver does first: bus mastering, the link out of reset. */
void ar_up(struct ac97_rig *rig, const char *options, unsigned n_playback, unsigned n_capture);
void ar_boot(struct ac97_rig *rig);
void ar_close(struct ac97_rig *rig);
/* A card just made in place of this one. */
void ar_make(struct ac97_rig *rig);
uint8_t *ar_save(struct ac97_rig *rig, size_t *bytes);
enum vmsnd_rc ar_load(struct ac97_rig *rig, const uint8_t *from, size_t bytes);

uint32_t ar_in(struct ac97_rig *rig, unsigned region, uint64_t offset, unsigned bytes);
void ar_out(struct ac97_rig *rig, unsigned region, uint64_t offset, unsigned bytes, uint32_t value);
/* NABM. */
uint8_t ar_in8(struct ac97_rig *rig, unsigned offset);
uint16_t ar_in16(struct ac97_rig *rig, unsigned offset);
uint32_t ar_in32(struct ac97_rig *rig, unsigned offset);
void ar_out8(struct ac97_rig *rig, unsigned offset, uint8_t value);
void ar_out16(struct ac97_rig *rig, unsigned offset, uint16_t value);
void ar_out32(struct ac97_rig *rig, unsigned offset, uint32_t value);
uint16_t ar_mixer(struct ac97_rig *rig, unsigned offset);
void ar_mixer_set(struct ac97_rig *rig, unsigned offset, uint16_t value);

void *ar_at(struct ac97_rig *rig, vmsnd_gpa gpa);
/* Lists lie at a fixed place for each box. */
vmsnd_gpa ar_list(unsigned box);
void ar_entry(struct ac97_rig *rig, unsigned box, unsigned index, uint32_t address,
	      uint32_t control);
/* Data of `bytes` a descriptor, all `n` behind each other from ar_data(box) on, with IOC. */
vmsnd_gpa ar_data(unsigned box);
void ar_entries(struct ac97_rig *rig, unsigned box, unsigned n, uint32_t bytes);
/* Numbers 1, 2, 3 ... as frames of four bytes. */
void ar_numbers(struct ac97_rig *rig, unsigned box, uint32_t frames);
/* BDBAR, LVI and CR of a box. */
void ar_start(struct ac97_rig *rig, unsigned box, uint8_t lvi, uint8_t cr);
/* The port that a box's frames go to or come from. */
struct vmsnd_port *ar_port(struct ac97_rig *rig, unsigned box);
/* How many of a port's frames, from the first, are 1, 2, 3 ... */
uint32_t ar_in_order(const struct vmsnd_port *port);

void ar_run_until(struct ac97_rig *rig, vmsnd_ns until);
void ar_run_ms(struct ac97_rig *rig, uint64_t ms);
uint64_t ar_counter(struct ac97_rig *rig, const char *name);

#endif
