/* SPDX-License-Identifier: BSD-3-Clause */
/* A card that is saved, and another that goes on in its place. */
#ifndef VMSND_TESTS_DEVICE_STATE_RIG_H
#define VMSND_TESTS_DEVICE_STATE_RIG_H

#include "rig.h"

#define MESSAGES_MAX 4096u

/* What the guest has posted and what of it came back. */
struct ledger {
	struct rig_message messages[MESSAGES_MAX]; /* by stream in order of posting */
	unsigned stream[MESSAGES_MAX];
	bool back[MESSAGES_MAX];
	uint32_t recorded[MESSAGES_MAX]; /* bytes, of those back */
	unsigned n, n_back;
};

extern struct rig rig; /* streams 0 and 1 play, 2 and 3 record */
extern struct ledger ledger;
extern uint32_t posted[4]; /* frames, by stream */

void up(uint64_t features, uint16_t queue_size);
int set_up(void **state);
int tear_down(void **state);

/* A message of the frames that come next; note() also enters it into the ledger. */
struct rig_message post(uint32_t stream, uint32_t frames);
void note(uint32_t stream, uint32_t frames);
/* Each that comes back is one that is out, the oldest of its stream, and OK. */
void take_back(unsigned queue);
void expect_all_back(void);
/* What a stream recorded, over all its messages, is 1, 2, 3 ... */
void expect_recorded(uint32_t stream);

void stop_all(void);
enum vmsnd_rc start_queue(unsigned queue, uint32_t next_avail);
/* The card is saved, and another stands in its place: ports with what their rings held, stopped,
 * and the same guest memory. No queue is started. */
void bring_back(void);
/* As QEMU does it: features, then rings in order, disabled, then enabled. */
void start_again(uint64_t features);

/* Stream 0 is paused with two messages out while stream 1 plays the ring around three times. */
void leave_two_behind(void);

#endif
