/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the AC'97 driver ask of each other. */
#ifndef VMSND_GUESTS_AC97_PARTS_H
#define VMSND_GUESTS_AC97_PARTS_H

#include "guests/ac97_guest.h"

struct ac97_guest_engine {
	uint32_t at;     /* its registers */
	uint32_t status; /* its bit in GLOB_STA */
	enum vmsnd_dir dir;
	unsigned rate; /* the codec's register; 0: fixed at 48000 */
};
const struct ac97_guest_engine *ac97_guest_engine(unsigned stream);

/* ac97_guest.c: registers of all engines, 32 bits. */
uint32_t ac97_guest_get(struct vmsnd_ac97_guest *guest, uint32_t at);
void ac97_guest_put(struct vmsnd_ac97_guest *guest, uint32_t at, uint32_t value);
void ac97_guest_wait(struct vmsnd_ac97_guest *guest, vmsnd_ns ns);
/* ac97_stream.c: an engine as at power-on. VMSND_E_PROTOCOL: it does not come back. */
enum vmsnd_rc ac97_guest_reset_engine(struct vmsnd_ac97_guest *guest, unsigned stream);
/* ac97_stream.c: descriptors over a buffer of `size` bytes in pieces of `fragment`. */
void ac97_guest_set_ring(struct vmsnd_ac97_guest *guest, unsigned stream, uint32_t size,
			 uint32_t fragment);
/* ac97_pointer.c: CIV and PICB that belong together; false: they never did. `left`: bytes. */
bool ac97_guest_position(struct vmsnd_ac97_guest *guest, unsigned stream, unsigned tries,
			 uint32_t *left);

#endif
