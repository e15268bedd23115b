/* SPDX-License-Identifier: BSD-3-Clause */
/* The container of a saved machine: a header, and sections that each have a name, a place, a
 *version and a checksum.
 *
 *	header   "VMSNDST1", u16 major, u16 minor, u32 sections, u64 bytes in all, u32 crc of these
 *	section  16 bytes name, u32 card, u32 part, u16 major, u16 minor, u64 bytes, u32 crc of
 *these and of the payload; payload
 *
 * All little-endian; crc is CRC-32 (zlib's). A section of an unknown name is passed over, one of
 * another major is refused; one of a newer minor has more at its end. docs/saved-state.md. */
#ifndef VMSND_MANAGER_STATE_H
#define VMSND_MANAGER_STATE_H

#include "vmsnd/state.h"

#define VMSND_STATE_MAJOR        1u
#define VMSND_STATE_MINOR        0u
#define VMSND_STATE_NAME_BYTES   16u
#define VMSND_STATE_SECTIONS_MAX 1000000u

struct vmsnd_state_key {
	char name[VMSND_STATE_NAME_BYTES]; /* "port", NUL-padded */
	uint32_t card, part;
	uint16_t major, minor;
};

/* ---- writing ---- */

struct vmsnd_state_out {
	uint8_t *bytes; /* free it */
	size_t used, room;
	uint32_t sections;
	bool failed; /* no memory, or larger than a state may be */
};

void vmsnd_state_begin(struct vmsnd_state_out *out);
/* What `write` writes, as a section. It is called twice or more, to count first. */
void vmsnd_state_section(struct vmsnd_state_out *out, const struct vmsnd_state_key *key,
			 void (*write)(void *ctx, struct vmsnd_state_writer *to), void *ctx);
/* Fills in the header; false: failed, and all is freed. */
bool vmsnd_state_finish(struct vmsnd_state_out *out);

/* ---- reading ---- */

/* Walks over a whole state that was checked. */
struct vmsnd_state_in {
	const uint8_t *bytes;
	size_t n_bytes, at;
};
/* Checks header, lengths and every checksum. VMSND_E_DAMAGED, VMSND_E_VERSION; `what` (a constant
 * phrase) says what is wrong. */
enum vmsnd_rc vmsnd_state_check(const uint8_t *bytes, size_t n_bytes, const char **what);
/* The next section; false: there is none. */
bool vmsnd_state_next(struct vmsnd_state_in *in, struct vmsnd_state_key *key,
		      struct vmsnd_state_reader *payload);
/* The first of this name, card and part from `in` on, among those of one card; its version is
 * filled in, and `in` is behind it. False: there is none, and `in` stays. */
bool vmsnd_state_find(struct vmsnd_state_in *in, struct vmsnd_state_key *key,
		      struct vmsnd_state_reader *payload);

#endif
