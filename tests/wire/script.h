/* SPDX-License-Identifier: BSD-3-Clause */
/* What VMMs send, as tables: a row is a message, its payload follows from ring and place. */
#ifndef VMSND_TESTS_WIRE_SCRIPT_H
#define VMSND_TESTS_WIRE_SCRIPT_H

#include "frontend.h"

struct script_step {
	uint32_t request;
	bool need_reply;
	uint32_t ring;
	uint64_t value; /* a number, a ring's value, or a region's row */
};

/* Where a VMM keeps the guest's memory: user address = gpa + user_delta, offset = gpa. */
struct script_place {
	uint64_t user_delta;
	vmsnd_gpa rings_at; /* of 16 KiB each: descriptors, avail +4096, used +8192 */
	unsigned n_regions;
	uint32_t table_bytes; /* SET_MEM_TABLE's size */
	struct {
		vmsnd_gpa gpa;
		uint64_t bytes;
	} regions[2];
};

extern const struct script_place script_place_11_1, script_place_10_0, script_place_uml;

#define SCRIPT_PAYLOAD_BYTES 300u /* GET_CONFIG of a byte's value is the longest */
#define SCRIPT_MESSAGE_BYTES (VMSND_VU_HEADER_BYTES + SCRIPT_PAYLOAD_BYTES)

/* The message's bytes into `to`, its descriptors (not owned) into `fds`. */
size_t script_encode(const struct script_step *step, const struct script_place *place,
		     const struct wire_frontend *front, uint8_t *to, struct vmsnd_fds *fds);
/* Whether a reply must come. */
bool script_has_answer(const struct script_step *step);
/* Sends each and asserts its reply: acknowledged with 0, or of its own kind. Returns the
 * last number answered. */
uint64_t script_play(struct wire_frontend *front, const struct script_place *place,
		     const struct script_step *steps, size_t n);

#define SCRIPT_PLAY(front, place, steps)                                                           \
	script_play(front, place, steps, sizeof(steps) / sizeof((steps)[0]))

#endif
