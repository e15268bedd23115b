/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver of ours for AC'97 cards of Intel's 82801 family: it plays the guest in `vmsnd demo`, in
 * tests and in benchmarks. It does what Linux' snd-intel8x0 does, access by access where a card
 * could tell, since that is the driver that most guests of ours have: what it reads to learn the
 * position, in which order it acknowledges, what it never looks at.
 *
 * It has no heap, thread or clock: memory comes with its configuration, time from its host.
 *
 *	vmsnd_ac97_guest_open      found, enabled, cold reset, codec ready, unmuted
 *	vmsnd_ac97_guest_prepare   per engine: format, rate, descriptors; then start and stop
 *	vmsnd_ac97_guest_poll      serves the card's interrupts; `elapsed` counts periods
 *	vmsnd_ac97_guest_pointer   where the card is in the buffer
 *
 * ac97_player.h has the application above it. All calls for one guest come from one thread. */
#ifndef VMSND_GUESTS_AC97_GUEST_H
#define VMSND_GUESTS_AC97_GUEST_H

#include "guests/memory.h"
#include "guests/pci.h"

enum vmsnd_ac97_stream_id {
	VMSND_AC97_PCM_IN,
	VMSND_AC97_PCM_OUT,
	VMSND_AC97_MIC,
	/* 82801DB and later. */
	VMSND_AC97_MIC2,
	VMSND_AC97_PCM_IN2,
	VMSND_AC97_SPDIF,
	VMSND_AC97_STREAMS
};

#define VMSND_AC97_DESCRIPTORS 32u
/* The codec's registers, as offsets (AC'97 2.3, 5.7). */
enum vmsnd_ac97_codec_register {
	VMSND_AC97_RESET = 0x00,
	VMSND_AC97_MASTER = 0x02,
	VMSND_AC97_HEADPHONE = 0x04,
	VMSND_AC97_MASTER_MONO = 0x06,
	VMSND_AC97_PCM = 0x18,
	VMSND_AC97_RECORD_SELECT = 0x1a,
	VMSND_AC97_RECORD_GAIN = 0x1c,
	VMSND_AC97_RECORD_GAIN_MIC = 0x1e,
	VMSND_AC97_POWER = 0x26,
	VMSND_AC97_EXTENDED_ID = 0x28,
	VMSND_AC97_EXTENDED_STATUS = 0x2a,
	VMSND_AC97_FRONT_RATE = 0x2c,
	VMSND_AC97_SURROUND_RATE = 0x2e,
	VMSND_AC97_LFE_RATE = 0x30,
	VMSND_AC97_ADC_RATE = 0x32,
	VMSND_AC97_MIC_RATE = 0x34,
	VMSND_AC97_CENTER_LFE = 0x36,
	VMSND_AC97_SURROUND = 0x38,
	VMSND_AC97_SPDIF_CONTROL = 0x3a,
	VMSND_AC97_VENDOR_1 = 0x7c,
	VMSND_AC97_VENDOR_2 = 0x7e
};

struct vmsnd_ac97_guest_conf {
	struct vmsnd_guest_pci_conf pci;
	void *memory;          /* the guest's, the caller's to free */
	uint64_t memory_bytes; /* 1 MiB is plenty for playback and capture */
	vmsnd_gpa gpa;         /* below 4 GiB: a descriptor has 32 bits */
	bool by_ports; /* also of an 82801DB, which has memory BARs, too: drivers take those */
	/* Linux reads the position once less when it knows that it runs in a VM. */
	bool in_vm;
	uint16_t record_select; /* 0: the microphone */
};

/* One engine as its driver keeps it. Bytes, as there; the descriptors are a ring of 32 over a
 * buffer of `frags` pieces. */
struct vmsnd_ac97_guest_stream {
	struct vmsnd_guest_params params;
	uint32_t frame_bytes;
	uint32_t *descriptors; /* two words each; guest memory */
	uint8_t *buffer;       /* guest memory */
	uint64_t room_bytes;   /* that it has there */
	uint32_t size, fragment, frags;
	uint32_t position; /* of the last interrupt */
	uint32_t last_pointer;
	uint8_t civ, lvi, sample_shift;
	uint32_t lvi_frag, ack, ack_reload;
	bool prepared, running, quiet; /* quiet: nobody wants to hear of periods */
	uint64_t elapsed;              /* periods since it was prepared */
	/* What a test might want to see. */
	uint64_t interrupts, doubled, retries, timeouts;
};

struct vmsnd_ac97_guest {
	struct vmsnd_ac97_guest_conf conf;
	struct vmsnd_guest_pci pci;
	struct vmsnd_guest_memory memory;
	bool ich4, by_memory;
	unsigned mixer_bar, master_bar, n_streams;
	uint32_t interrupt_mask; /* of GLOB_STA */
	uint32_t codec_vendor;   /* "ADS" and a number: registers 7c and 7e */
	uint16_t extended_id;
	struct vmsnd_ac97_guest_stream streams[VMSND_AC97_STREAMS];
	uint64_t interrupts, spurious, semaphore_timeouts;
};

/* From nothing to a card that could play. VMSND_E_UNSUPPORTED: another kind of card;
 * VMSND_E_GONE: no card, or no codec; VMSND_E_PROTOCOL: it breaks a rule;
 * VMSND_E_NOMEM: memory is too small, or too high up. */
enum vmsnd_rc vmsnd_ac97_guest_open(struct vmsnd_ac97_guest *guest,
				    const struct vmsnd_ac97_guest_conf *conf);

/* Through the semaphore. A read that the codec did not answer: 0xffff. */
uint16_t vmsnd_ac97_guest_codec_read(struct vmsnd_ac97_guest *guest, unsigned at);
void vmsnd_ac97_guest_codec_write(struct vmsnd_ac97_guest *guest, unsigned at, uint16_t value);

/* An engine's registers, as offsets from its first, and the ones of all (82801AA, 13.2). */
enum vmsnd_ac97_engine_register {
	VMSND_AC97_BDBAR = 0x0,
	VMSND_AC97_CIV = 0x4,
	VMSND_AC97_LVI = 0x5,
	VMSND_AC97_SR = 0x6,
	VMSND_AC97_PICB = 0x8,
	VMSND_AC97_PIV = 0xa,
	VMSND_AC97_CR = 0xb
};
#define VMSND_AC97_GLOB_CNT 0x2cu
#define VMSND_AC97_GLOB_STA 0x30u
uint32_t vmsnd_ac97_guest_read(struct vmsnd_ac97_guest *guest, unsigned stream, unsigned reg);
void vmsnd_ac97_guest_write(struct vmsnd_ac97_guest *guest, unsigned stream, unsigned reg,
			    uint32_t value);

/* ---- streams ---------------------------------------------------------------------------
 *
 * S16, or S32 with 20 bits on top (PCM out of an 82801DB); 2, 4 or 6 channels out, 2 in. */

/* VMSND_E_INVALID: it runs, or a period is not 1 .. 65535 samples; VMSND_E_UNSUPPORTED: card or
 * codec cannot; VMSND_E_NOMEM. */
enum vmsnd_rc vmsnd_ac97_guest_prepare(struct vmsnd_ac97_guest *guest, unsigned stream,
				       const struct vmsnd_guest_params *params);
void vmsnd_ac97_guest_start(struct vmsnd_ac97_guest *guest, unsigned stream);
/* Waits until the engine has halted and resets it. VMSND_E_PROTOCOL: it never did. */
enum vmsnd_rc vmsnd_ac97_guest_stop(struct vmsnd_ac97_guest *guest, unsigned stream);
/* Frames from the buffer's beginning; below its size. */
uint32_t vmsnd_ac97_guest_pointer(struct vmsnd_ac97_guest *guest, unsigned stream);

/* One turn of the interrupt's handler: how many engines it was for; 0: none of ours. */
unsigned vmsnd_ac97_guest_interrupt(struct vmsnd_ac97_guest *guest);
/* The handler as long as the card interrupts. False: it did not. */
bool vmsnd_ac97_guest_poll(struct vmsnd_ac97_guest *guest);

/* How fast the card's clock runs, as Linux measures it once in its probe: two samples' worth of
 * position 50 ms apart, read until two reads agree. */
struct vmsnd_ac97_measured {
	uint32_t frames;
	vmsnd_ns took;
	double rate_hz;
	unsigned retries; /* reads that did not agree */
	bool agreed;      /* Linux has no end to its tries; ours do */
};
enum vmsnd_rc vmsnd_ac97_guest_measure(struct vmsnd_ac97_guest *guest,
				       struct vmsnd_ac97_measured *out);

#endif
