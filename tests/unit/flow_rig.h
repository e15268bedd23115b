/* SPDX-License-Identifier: BSD-3-Clause */
/* A flow with a ring on one of its sides, for the tests of the flow. */
#ifndef VMSND_TESTS_FLOW_RIG_H
#define VMSND_TESTS_FLOW_RIG_H

#include "pcm/flow.h"

#define RIG_FRAMES    4096u /* of the ring */
#define RIG_CHANNELS  6u
#define RIG_OUT_BYTES (16384u * RIG_CHANNELS * 8u)

struct flow_rig {
	struct vmsnd_flow flow;
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end writer, reader;
	unsigned char ring[RIG_FRAMES * RIG_CHANNELS * 8];
	/* What came out of the ring side that is not the test's. */
	unsigned char out[RIG_OUT_BYTES];
};

/* Of little-endian samples at the usual positions. */
struct vmsnd_format flow_format(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels);
/* Room for all, on a ring of `from` (pull) or of `to` (push). Fails the test when it cannot. */
struct flow_rig *flow_rig_pull(const struct vmsnd_flow_conf *conf);
struct flow_rig *flow_rig_push(const struct vmsnd_flow_conf *conf);
void flow_rig_close(struct flow_rig *rig);
/* Into the ring, out of it: returns the frames that found room, or were there. */
uint32_t flow_rig_write(struct flow_rig *rig, const void *frames, uint32_t count);
uint32_t flow_rig_read(struct flow_rig *rig, void *frames, uint32_t count);
/* Pulls and checks what is promised about `taken`. */
uint32_t flow_rig_take(struct flow_rig *rig, void *to, uint32_t frames);

#endif
